"""The planted text has the counts and the similarities that it says."""

import numpy as np

from utils.corpus.planted import PlantedText


def test_words_come_in_sentences_and_the_first_are_the_most_frequent():
    corpus = PlantedText(1000).draw(50_000)
    assert len(corpus.ids) == 50_000 and len(corpus) == 2500
    counts = np.bincount(corpus.ids, minlength=1000)
    assert counts[:10].min() > counts[100:].max()


def test_words_of_agreeing_groups_share_sentences():
    text = PlantedText(1000)
    corpus = text.draw(200_000)
    directions = text.directions[text.group[corpus.ids]].reshape(len(corpus), -1, 4)  # (S, 20, 4)
    within = np.vecdot(directions[:, 0], directions[:, 1]).mean()
    across = np.vecdot(directions[:-1, 0], directions[1:, 1]).mean()
    assert within > across + 0.2


def test_recovery_of_the_planted_directions_is_1_and_of_noise_is_0():
    text = PlantedText(1000)
    assert text.recovery(text.directions[text.group]) > 0.999
    noise = np.random.default_rng(0).standard_normal((1000, 10))
    assert abs(text.recovery(noise)) < 0.05  # 20,000 pairs of 1,000 words: standard deviation below 0.01


def test_same_seed_same_text():
    first, again, other = (PlantedText(100, seed).draw(1000).ids.tolist() for seed in (1, 1, 2))
    assert first == again != other
