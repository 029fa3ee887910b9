"""How vectors are shown: about their mean if it would hide all differences, with neighbours among frequent words.

Every command that lists neighbours or cosines follows this one rule, so that they agree on the same file.

The mean cosine of unit vectors is, but for 1 / n, the squared length of their mean: the share of each vector that all
have in common. Measured on the first eighth of the words it was 0.99 after the handout's training on SST (0.78 on the
built-in sample), 0.95 after five epochs of skip-gram on SST, and 0.40 on 40,000 lines of dictionaries; for PPMI and SVD
it was 0.09 and 0.10. Where the common part is larger than the differences, cosines say little else.
"""

from dataclasses import dataclass

import numpy as np

from utils.system.errors import InputError
from utils.vectors.wordvectors import WordVectors

COMMON = 0.5  # mean cosine from which on the mean is taken away
SHARE, FEWEST = 8, 500  # neighbours are sought among the first eighth of the words, but at least so many


@dataclass(frozen=True)
class View:
    """Vectors as they are shown.

    Attributes
    ----------
    vectors : WordVectors
        Less their mean, if `centred`.
    among : int
        Neighbours are sought among the first so many words.
    centred : bool
    mean_cosine : float
        Of these words, with the vectors as they were.
    """

    vectors: WordVectors
    among: int
    centred: bool
    mean_cosine: float

    def neighbours(self, word: str, topn: int) -> list[tuple[str, float]]:
        """The nearest of the frequent words: see `most_similar`."""
        return self.vectors.most_similar(word, topn=topn, restrict_vocab=self.among)


def frequent(n: int) -> int:
    """Among how many of n words, the most frequent first, neighbours are sought.

    Rarer words have hardly moved from where they started, or resemble each other by the accident of one sentence. By
    Zipf's law the word at one eighth of a whole vocabulary occurs about eight times: nine times in SST.
    """
    return min(n, max(FEWEST, n // SHARE))


def mean_cosine(vectors: WordVectors) -> float:
    """The mean cosine of all pairs of different words; zero vectors do not count, and of fewer than two it is 0."""
    directions = vectors.directions.astype(np.float64)  # (n, d)
    n = int(directions.any(axis=1).sum())
    total = directions.sum(axis=0)  # (d,)
    return float((total @ total - n) / (n * (n - 1))) if n > 1 else 0.0


def view(vectors: WordVectors, centre: bool | None = None, among: int | None = None) -> View:
    """Apply the rule.

    Parameters
    ----------
    vectors : WordVectors
        The most frequent word first.
    centre : bool, optional
        Whether the mean is taken away; by default, if the mean cosine is above COMMON.
    among : int, optional
        Use the first so many words for the mean and as neighbours; by default, `frequent` of them.
    """
    if among is not None and among < 1:
        raise InputError(f"neighbours need at least one word to be sought among, got {among}")
    among = frequent(len(vectors)) if among is None else min(among, len(vectors))
    first = WordVectors(vectors.words[:among], vectors.vectors[:among])
    common = mean_cosine(first)
    if centre is None:
        centre = common > COMMON
    if centre:
        mean = first.vectors.mean(axis=0, dtype=np.float64).astype(first.vectors.dtype)  # (d,)
        subwords = vectors.subwords and vectors.subwords.shifted(-mean)
        vectors = WordVectors(vectors.words, vectors.vectors - mean, subwords)
    return View(vectors, among, centre, common)


def decimals(cosines: list[float]) -> int:
    """How many decimals to show: two, or three if two do not tell the largest and the smallest cosine apart."""
    return 3 if cosines and f"{max(cosines):.2f}" == f"{min(cosines):.2f}" else 2
