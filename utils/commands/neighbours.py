"""Nearest neighbours of a few words, as the training and counting commands print them."""

import numpy as np

from utils.vectors.wordvectors import WordVectors

NEIGHBOURS_OF = ("great", "boring", "woman", "rain", "coffee")
NEIGHBOURS = 5
# Rarer words have hardly moved from where they started, or resemble each other by the accident of one sentence.
NEIGHBOUR_COUNT = 10
AMONG = 100_000  # the most frequent words; all of a large vocabulary would be copied


def print_neighbours(words, vectors, counts, say):
    """Print the nearest neighbours of some words among those that occur often enough to have been trained.

    The mean vector is taken away first, as for the map: it makes up most of every vector after a short training, and
    with it all cosines would round to 1.

    Parameters
    ----------
    words : list of str
        Those of the map: NEIGHBOURS_OF if they are among them, or else the first ones.
    vectors : WordVectors
    counts : ndarray of int, shape (n,)
        How often each word occurs.
    say : callable
        Takes a line.
    """
    asked = [word for word in NEIGHBOURS_OF if word in words] or words[: len(NEIGHBOURS_OF)]
    frequent = np.argsort(-counts, kind="stable")[:AMONG]  # (n,)
    often = np.union1d(frequent[counts[frequent] >= NEIGHBOUR_COUNT], [vectors.index[word] for word in asked])
    chosen = vectors.vectors[often]  # (n, d)
    centred = WordVectors([vectors.words[i] for i in often], chosen - chosen.mean(axis=0))
    say(
        f"nearest neighbours among {len(often)} words that occur {NEIGHBOUR_COUNT} times or more, "
        "by cosine about the mean:"
    )
    width = max(map(len, asked))
    for word in asked:
        near = centred.most_similar(word, topn=NEIGHBOURS)
        say(f"  {word:{width}}  " + "  ".join(f"{other} {cosine:.2f}" for other, cosine in near))
