"""Word vectors to ask questions of."""

import numpy as np


class WordVectors:
    """Words with a vector each.

    Parameters
    ----------
    words : list of str, length n
    vectors : ndarray of float, shape (n, d)
    """

    def __init__(self, words, vectors):
        self.words = list(words)
        self.vectors = vectors  # (n, d)
        self._index = {word: i for i, word in enumerate(self.words)}
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)  # (n, 1)
        self._directions = vectors / np.where(lengths == 0, 1, lengths)  # (n, d)

    def __contains__(self, word):
        return word in self._index

    def __getitem__(self, word):
        """The vector of a word, shape (d,); KeyError if it is not there."""
        return self.vectors[self._index[word]]

    def most_similar(self, word, topn=5):
        """The `topn` words with the largest cosine similarity to `word`, the largest first; never `word` itself.

        Returns
        -------
        list of (str, float)
        """
        i = self._index[word]
        similarities = self._directions @ self._directions[i]  # (n,)
        similarities[i] = -np.inf
        best = np.argsort(-similarities, kind="stable")[: min(topn, len(self.words) - 1)]
        return [(self.words[j], similarities[j].item()) for j in best]
