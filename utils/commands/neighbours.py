"""Nearest neighbours of a few words, as the training and counting commands print them."""

from collections.abc import Callable, Sequence

import numpy as np
from scipy.sparse import csr_array

from utils.vectors.view import decimals, frequent, view
from utils.vectors.wordvectors import WordVectors

NEIGHBOURS_OF = ("great", "boring", "woman", "rain", "coffee")
NEIGHBOURS = 5


def print_neighbours(
    words: list[str], vectors: WordVectors, counts: np.ndarray, say: Callable[[str], None], by: str = "cosine"
) -> None:
    """Print the nearest neighbours of some words among the most frequent ones, as `utils.vectors.view` shows them.

    `evaluate.py neighbours` prints the same for the saved file, whose words stand in order of frequency.

    Parameters
    ----------
    words : list of str
        Those of the map: NEIGHBOURS_OF if they are among them, otherwise the first ones.
    vectors : WordVectors
    counts : ndarray of int, shape (n,)
        How often each word occurs.
    say : callable
        Takes a line.
    by : str
        What the neighbours are near by, for the heading.
    """
    shown = view(vectors.by_frequency(counts))
    by = f"{by} about the mean" if shown.centred else by
    _print(words, lambda word: shown.neighbours(word, NEIGHBOURS), shown.among, say, by)


def print_neighbours_of_rows(
    words: list[str], vocabulary: list[str], rows: csr_array, counts: np.ndarray, say: Callable[[str], None], by: str
) -> None:
    """As `print_neighbours`, for the sparse rows of counts or PPMI, shape (V, V), by their cosines as they are.

    The mean is not taken away: it would fill the rows, and hide what is to be seen here, that with raw counts the
    frequent words make all rows alike.
    """
    among = np.argsort(-counts, kind="stable")[: frequent(len(vocabulary))]  # (n,)
    index = {word: i for i, word in enumerate(vocabulary)}
    lengths = np.sqrt(rows.multiply(rows).sum(axis=1))  # (V,)
    lengths[lengths == 0] = 1

    def nearest(word):
        row = index[word]
        cosines = (rows[among] @ rows[[row]].toarray()[0]) / (lengths[among] * lengths[row])  # (n,)
        order = np.argsort(-cosines, kind="stable")[: NEIGHBOURS + 1]
        return [(vocabulary[among[i]], cosines[i]) for i in order if among[i] != row][:NEIGHBOURS]

    _print(words, nearest, len(among), say, by)


def _print(words, nearest, among, say, by):
    asked = [word for word in NEIGHBOURS_OF if word in words] or words[: len(NEIGHBOURS_OF)]
    say(f"nearest neighbours among the {among:,} most frequent words, by {by}:")
    width = max(map(len, asked))
    for word in asked:
        say(f"  {word:{width}}  " + listed(nearest(word)))


def listed(near: Sequence[tuple[str, float]]) -> str:
    """Neighbours and their cosines in one line."""
    places = decimals([cosine for _, cosine in near])
    return "  ".join(f"{word} {cosine:.{places}f}" for word, cosine in near)
