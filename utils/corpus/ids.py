"""A text as token ids."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Corpus:
    """Sentences as word ids, laid end to end.

    Attributes
    ----------
    ids : ndarray of int32, shape (T,)
    offsets : ndarray of int64, shape (S + 1,)
        Sentence s is `ids[offsets[s] : offsets[s + 1]]`.
    """

    ids: np.ndarray
    offsets: np.ndarray

    def __len__(self):
        return len(self.offsets) - 1

    def sentence(self, s):
        """The ids of sentence `s`, as a list."""
        return self.ids[self.offsets[s] : self.offsets[s + 1]].tolist()

    def select(self, sentences):
        """The Corpus of some sentences.

        Parameters
        ----------
        sentences : ndarray of bool, shape (S,)
        """
        lengths = np.diff(self.offsets)  # (S,)
        offsets = np.concatenate(([0], np.cumsum(lengths[sentences])))
        return Corpus(self.ids[np.repeat(sentences, lengths)], offsets)

    def has_context(self):
        """Whether some word has a neighbour in its sentence that differs from it."""
        differs = self.ids[1:] != self.ids[:-1]  # (T - 1,)
        within = np.ones(len(differs), dtype=bool)
        borders = self.offsets[1:-1]
        within[borders[(borders > 0) & (borders < len(self.ids))] - 1] = False
        return bool((differs & within).any())
