"""Stability: how many of a word's nearest neighbours stay the same in several trainings.

Antoniak & Mimno 2018, "Evaluating the Stability of Embedding-based Word Similarities": trained again with another seed,
or on a resample of the text, vectors list other neighbours. What changes is not a finding about the text. Give files of
the same training with several seeds, or of several resamples of its text.
"""

import itertools
from dataclasses import dataclass

import numpy as np

from utils.scoring.bootstrap import SEED, mean_interval
from utils.scoring.wordsets import RESTRICT, Interval
from utils.system.errors import InputError
from utils.vectors.view import view
from utils.vectors.wordvectors import WordVectors

NEIGHBOURS = 10
BANDS = (100, 1_000, 10_000, 100_000, 1_000_000)  # last ranks of the bands of frequency
SAMPLE = 1_000  # words of a band that are asked about, at most


@dataclass(frozen=True)
class Band:
    """The agreement of the words of some ranks.

    Attributes
    ----------
    first, last : int
        Ranks in the order of the first file, the most frequent word being 1.
    words : int
        How many were asked about.
    alike : float
        How many of the nearest neighbours two files have in common, the mean over words and pairs of files.
    interval : (float, float)
        Of this mean, over words: see `bootstrap`.
    """

    first: int
    last: int
    words: int
    alike: float
    interval: Interval | None


def stability(
    spaces: list[WordVectors], restrict: int = RESTRICT, centre: bool | None = None
) -> tuple[int, list[Band]]:
    """Compare the nearest neighbours of the same words in several files.

    Parameters
    ----------
    spaces : list of WordVectors
        At least two, the most frequent word first.
    restrict : int
        Ask about, and search, the words that all files have, but only so many, the first in the first file.
    centre : bool, optional
        Whether the mean is taken away; by default, as `view` decides for each file.

    Returns
    -------
    common : int
        How many words are asked about and searched.
    bands : list of Band

    Raises
    ------
    InputError
        Fewer than two files, or fewer common words than a word and its ten neighbours.
    """
    if len(spaces) < 2:
        raise InputError(f"stability compares at least two files, got {len(spaces)}")
    common = [word for word in spaces[0] if all(word in other for other in spaces[1:])][:restrict]
    if len(common) <= NEIGHBOURS:
        raise InputError(f"stability wants more than {NEIGHBOURS} words that all files have, got {len(common)}")
    rng, bands = np.random.default_rng(SEED), []
    shown = [view(WordVectors(common, space[common]), centre, len(common)).vectors for space in spaces]
    for before, last in itertools.pairwise((0, *BANDS)):
        ranks = np.arange(before, min(last, len(common)))
        if len(ranks):
            asked = np.sort(rng.choice(ranks, min(SAMPLE, len(ranks)), replace=False))
            alike = _alike([_neighbours(vectors, asked) for vectors in shown])  # (words,)
            bands.append(Band(before + 1, int(ranks[-1]) + 1, len(asked), float(alike.mean()), mean_interval(alike)))
    return len(common), bands


def _neighbours(vectors, rows):
    """The rows nearest to each of some rows: (words, NEIGHBOURS)."""
    return vectors.nearest_many(vectors.directions[rows], NEIGHBOURS, rows[:, None])[0]


def _alike(files):
    """For each word, how many neighbours two files share, the mean over pairs of files: (words,)."""
    pairs = [
        (one[:, :, None] == other[:, None, :]).any(axis=2).sum(axis=1)
        for one, other in itertools.combinations(files, 2)
    ]
    return np.mean(pairs, axis=0)


def lines(files: list[str], common: int, bands: list[Band]) -> list[str]:
    """The table."""
    rows = [
        (
            f"{band.first:,} - {band.last:,}",
            f"{band.words:,}",
            f"{band.alike:.2f}",
            f"[{band.interval[0]:.2f}, {band.interval[1]:.2f}]",
        )
        for band in bands
    ]
    rows = [("rank", "words", "alike", "95 % interval"), *rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        f"the {NEIGHBOURS} nearest neighbours in {len(files)} files, among {common:,} words that all of them have:",
        *("  " + "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows),
    ]
