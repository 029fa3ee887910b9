"""utils/scoring/stability.py: neighbours in common, by a plain loop over sets, and by band of frequency."""

import itertools

import numpy as np
import pytest

from utils.scoring import stability as module
from utils.scoring.stability import stability
from utils.system.errors import InputError
from utils.vectors.wordvectors import WordVectors


def spaces(n=300, seeds=(0, 1, 2)):
    """The same words with vectors that resemble each other, the rarer the less."""
    words, shared = [f"w{i}" for i in range(n)], np.random.default_rng(9).standard_normal((n, 6))
    noise = np.linspace(0.1, 3, n)[:, None]
    return [WordVectors(words, shared + noise * np.random.default_rng(seed).standard_normal((n, 6))) for seed in seeds]


def test_neighbours_in_common_by_a_plain_loop():
    files = spaces()
    common, bands = stability(files, centre=False)
    assert (common, [(band.first, band.last, band.words) for band in bands]) == (300, [(1, 100, 100), (101, 300, 200)])
    for band in bands:
        shares = [
            np.mean([
                len({w for w, _ in one.most_similar(f"w{i}")} & {w for w, _ in other.most_similar(f"w{i}")})
                for one, other in itertools.combinations(files, 2)
            ])
            for i in range(band.first - 1, band.last)
        ]  # fmt: skip
        assert band.alike == pytest.approx(np.mean(shares), abs=1e-12)
        assert band.interval[0] < band.alike < band.interval[1]
    assert bands[0].alike > 2 * bands[1].alike


def test_only_words_that_all_files_have_are_asked_about_and_answer():
    one, other = spaces(seeds=(0, 1))
    fewer = WordVectors(other.words[50:][::-1], other.vectors[50:][::-1])
    assert stability([one, fewer], centre=False)[0] == 250
    shorter = [WordVectors(space.words[50:], space.vectors[50:]) for space in (one, other)]
    assert stability([one, fewer], centre=False) == stability(shorter, centre=False)
    assert stability([one, fewer], restrict=40, centre=False)[0] == 40


def test_of_a_large_band_a_sample_is_asked_about(monkeypatch):
    monkeypatch.setattr(module, "SAMPLE", 30)
    _, bands = stability(spaces(), centre=False)
    assert [band.words for band in bands] == [30, 30]
    assert bands == stability(spaces(), centre=False)[1]


def test_the_mean_is_taken_away_as_elsewhere():
    moved = [WordVectors(space.words, space.vectors + 50) for space in spaces()]
    assert stability(moved) == stability(moved, centre=True) != stability(moved, centre=False)


@pytest.mark.parametrize(
    "files, said", [(spaces(seeds=(0,)), "at least two files, got 1"), (spaces(10), "more than 10 words .* got 10")]
)
def test_what_cannot_be_compared_is_told(files, said):
    with pytest.raises(InputError, match=said):
        stability(files)
