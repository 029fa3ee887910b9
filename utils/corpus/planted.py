"""Text of any length with known structure: Zipf-like word counts, and words whose similarities are planted.

Every word belongs to a group, every group has a direction in a small space, and every sentence has a topic, which is
the direction of one of the groups. Words come the more often in a sentence, the closer their group's direction is to
its topic. So two words share their contexts to the degree to which their groups' directions agree, and a method that
learns from contexts must find these similarities again.
"""

import numpy as np
from scipy.stats import spearmanr

from utils.corpus.ids import Corpus

GROUPS, DIRECTIONS = 60, 4
CONCENTRATION = 3.0  # how strongly a topic prefers its own direction
ZIPF_SHIFT = 3.0  # the r-th word has weight 1 / (r + shift)
SENTENCE = 20  # words


class PlantedText:
    """A source of planted text.

    Parameters
    ----------
    V : int
        Words in the vocabulary; word 0 is the most frequent.
    seed : int
    """

    def __init__(self, V, seed=0):
        rng = np.random.default_rng(seed)
        directions = rng.standard_normal((GROUPS, DIRECTIONS))  # (G, 4)
        self.directions = directions / np.linalg.norm(directions, axis=1, keepdims=True)
        self.group = rng.integers(GROUPS, size=V)  # (V,)
        self._rng = rng
        weights = 1 / (np.arange(V) + 1 + ZIPF_SHIFT)  # (V,)
        self._words = np.lexsort((np.arange(V), self.group))  # (V,): group by group
        mass = np.bincount(self.group, weights, minlength=GROUPS)  # (G,)
        affinity = mass * np.exp(CONCENTRATION * self.directions @ self.directions.T)  # (topics, G)
        self._topics = np.cumsum(affinity / affinity.sum(axis=1, keepdims=True), axis=1)  # (topics, G)
        self._within = np.cumsum(weights[self._words])  # (V,)
        self._base = np.concatenate(([0], np.cumsum(mass)))  # (G + 1,)

    def draw(self, tokens):
        """Draw a Corpus of about so many words, in sentences of 20."""
        S = max(1, tokens // SENTENCE)
        topic = self._rng.integers(GROUPS, size=S).repeat(SENTENCE)  # (T,)
        borders = (self._topics + np.arange(GROUPS)[:, None]).ravel()  # ascending: topic t in t .. t + 1
        group = np.searchsorted(borders, topic + self._rng.random(len(topic)), side="right") - topic * GROUPS
        group = group.clip(0, GROUPS - 1)  # (T,)
        begin, end = self._base[group], self._base[group + 1]
        place = np.searchsorted(self._within, begin + (end - begin) * self._rng.random(len(topic)), side="right")
        ids = self._words.take(place, mode="clip").astype(np.int32)
        return Corpus(ids, np.arange(0, len(ids) + 1, SENTENCE))

    def recovery(self, vectors, most_frequent=5000, pairs=20000, seed=0):
        """Spearman's correlation between planted similarities and cosines, over random pairs of frequent words.

        Parameters
        ----------
        vectors : ndarray of float, shape (V, d)

        Returns
        -------
        float
        """
        rng = np.random.default_rng(seed)
        some = rng.integers(min(most_frequent, len(vectors)), size=(2, pairs))
        a, b = some[:, some[0] != some[1]]
        planted = np.vecdot(self.directions[self.group[a]], self.directions[self.group[b]])
        x, y = vectors[a], vectors[b]
        lengths = np.linalg.norm(x, axis=1) * np.linalg.norm(y, axis=1)
        return spearmanr(planted, np.vecdot(x, y) / np.where(lengths == 0, 1, lengths)).statistic.item()
