"""Nearest neighbours of a few words, as the training and counting commands print them."""

from collections.abc import Callable, Sequence

import numpy as np

from utils.vectors.view import decimals, view
from utils.vectors.wordvectors import WordVectors

NEIGHBOURS_OF = ("great", "boring", "woman", "rain", "coffee")
NEIGHBOURS = 5


def print_neighbours(words: list[str], vectors: WordVectors, counts: np.ndarray, say: Callable[[str], None]) -> None:
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
    """
    asked = [word for word in NEIGHBOURS_OF if word in words] or words[: len(NEIGHBOURS_OF)]
    shown = view(vectors.by_frequency(counts))
    about = " about the mean" if shown.centred else ""
    say(f"nearest neighbours among the {shown.among:,} most frequent words, by cosine{about}:")
    width = max(map(len, asked))
    for word in asked:
        say(f"  {word:{width}}  " + listed(shown.neighbours(word, NEIGHBOURS)))


def listed(near: Sequence[tuple[str, float]]) -> str:
    """Neighbours and their cosines in one line."""
    places = decimals([cosine for _, cosine in near])
    return "  ".join(f"{word} {cosine:.{places}f}" for word, cosine in near)
