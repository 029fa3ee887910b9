"""utils/scoring/sentiment.py: means, floors, classifier against counts on paper and planted sentiment; the picture."""

import numpy as np
import pytest

from utils.corpus import sample
from utils.pictures import confusion
from utils.pictures.confusion import confusion_picture, row_shares
from utils.scoring import sentiment
from utils.scoring.sentiment import (
    Split,
    averages,
    classify,
    commonest_class,
    looks_seen,
    random_vectors,
    read_splits,
    score_sentiment,
    standard_error,
)
from utils.system.errors import InputError
from utils.treebank import StanfordSentiment
from utils.vectors.wordvectors import WordVectors


@pytest.fixture(scope="module")
def splits(sample_folder):
    return read_splits(StanfordSentiment(sample_folder))


@pytest.fixture(scope="module")
def planted(splits):
    """Vectors that know which words the sample plants as praise, blame and emphasis, each of another length."""
    marks = {word: np.array([sign, 0, 0]) for sign in (1, -1) for word in sentiment_words(sign)}
    marks |= {word: np.array([0, 0, 1]) for word in sample.HOW[2].split()}
    words = sorted({word for split in splits.values() for words in split.sentences for word in words})
    lengths = np.random.default_rng(0).uniform(0.2, 5, len(words))
    marked = zip(words, lengths, strict=True)
    return WordVectors(words, [length * marks.get(word, np.array([0, 1, 0])) for word, length in marked])


def sentiment_words(sign):
    return [word for slot in sample.FELT for word in sample.SENTIMENTS[sign][slot].split()]


def tiny(**sentences):
    return {name: Split(words, np.arange(len(words)) % 2) for name, words in sentences.items()}


# The mean of a sentence's words

TINY = tiny(
    train=[["good", "film", "good"], ["Good", "zzz"], ["zzz"]],
    dev=[["film"], []],
    test=[["bad", "film"]],
)
TINY_VECTORS = WordVectors(["film", "rain", "good", "bad"], [[3, 0], [9, 9], [0, 6], [1, -2]])


def test_a_sentence_is_the_mean_of_its_known_words():
    found = averages(TINY_VECTORS, TINY)
    means = found.means(TINY_VECTORS.vectors[found.rows])
    np.testing.assert_allclose(means["train"], [[1, 4], [0, 6], [0, 0]], rtol=1e-15)  # thirds are rounded
    np.testing.assert_array_equal(means["dev"], [[3, 0], [0, 0]])
    np.testing.assert_array_equal(means["test"], [[2, -1]])


def test_coverage_is_counted():
    found = averages(TINY_VECTORS, TINY)
    assert (found.used, found.total, found.empty) == (7, 9, 2)
    assert found.rows.tolist() == [0, 2, 3]  # "rain" occurs nowhere


# The splits of a treebank


def test_splits_are_the_treebanks(sample_folder, splits):
    treebank = StanfordSentiment(sample_folder)
    train, dev, test = treebank.getTrainSentences(), treebank.getDevSentences(), treebank.getTestSentences()
    read = {name: list(zip(split.sentences, split.classes, strict=True)) for name, split in splits.items()}
    assert read == {"train": train, "dev": dev, "test": test}


@pytest.mark.parametrize(
    "labels, numbers, message",
    [([0.1, 0.9, 0.5, 0.5], [1, 1, 2, 2], "no dev sentences"), ([0.1, 0.1, 0.5, 0.9], [1, 1, 2, 3], "of one class")],
)
def test_a_treebank_from_which_nothing_can_be_learnt_is_told(tmp_path, write_treebank, labels, numbers, message):
    folder = write_treebank(tmp_path / "t", ["a b .", "c d .", "e f .", "g h ."], labels, numbers)
    with pytest.raises(InputError, match=message):
        read_splits(StanfordSentiment(folder))


# The classifier


def test_planted_sentiment_is_found(splits, planted):
    score = score_sentiment(planted, splits, seeds=2)
    # The sample denies some opinions and has neutral sentences with praise and blame: a mean cannot tell everything.
    assert score.vectors.accuracy["test"] > max(score.random["test"], score.commonest["test"]) + 3 * score.test_error
    assert score.vectors.accuracy["test"] < 1
    assert score.empty == 0
    assert score.used == score.total == sum(len(words) for split in splits.values() for words in split.sentences)


def test_the_confusion_matrix_counts_the_test_sentences(splits, planted):
    score = score_sentiment(planted, splits, seeds=1)
    counts = np.array(score.vectors.confusion)
    np.testing.assert_array_equal(counts.sum(axis=1), np.bincount(splits["test"].classes, minlength=5))
    assert np.trace(counts) / counts.sum() == score.vectors.accuracy["test"]
    assert score.test_error == standard_error(score.vectors.accuracy["test"], counts.sum())


def test_labels_of_test_are_not_learnt_from(splits, planted):
    found = averages(planted, splits)
    features = found.means(planted.vectors[found.rows])
    before = classify(features, splits)
    turned = splits | {"test": Split(splits["test"].sentences, 4 - splits["test"].classes)}
    after = classify(features, turned)
    np.testing.assert_array_equal(np.array(after.confusion)[::-1], before.confusion)
    assert after.strength == before.strength
    assert {name: after.accuracy[name] for name in ("train", "dev")} == {
        name: before.accuracy[name] for name in ("train", "dev")
    }


def test_the_regularization_is_the_strongest_of_the_best_on_dev(monkeypatch, splits):
    found = averages(WordVectors(["film"], [[1.0]]), splits)
    assert len(found.rows) == 1
    rng = np.random.default_rng(3)
    features = {name: rng.standard_normal((len(split.classes), 30)) for name, split in splits.items()}
    for name, split in splits.items():
        features[name][:, 0] += split.classes
    strengths = (1e-5, 1e-3, 1e-2, 1.0, 100.0)
    alone = []
    for strength in strengths:
        monkeypatch.setattr(sentiment, "STRENGTHS", (strength,))
        alone.append(classify(features, splits))
    assert [one.strength for one in alone] == list(strengths)
    dev = [one.accuracy["dev"] for one in alone]
    assert len(set(dev)) > 1
    monkeypatch.setattr(sentiment, "STRENGTHS", strengths)
    assert classify(features, splits) == alone[int(np.argmax(dev))]  # argmax: the first of equals


@pytest.mark.parametrize("factor", [1e-6, 1e6])
def test_the_scale_of_the_vectors_does_not_matter(splits, planted, factor):
    scaled = WordVectors(planted.words, planted.vectors * factor)
    assert score_sentiment(scaled, splits, seeds=1) == score_sentiment(planted, splits, seeds=1)


def test_unit_length_is_scored_as_vectors_of_unit_length(splits, planted):
    score = score_sentiment(planted, splits, unit_length=True, seeds=1)
    units = WordVectors(planted.words, planted.vectors / np.linalg.norm(planted.vectors, axis=1, keepdims=True))
    assert score.unit_length == score_sentiment(units, splits, seeds=1).vectors
    assert score.unit_length != score.vectors
    assert score_sentiment(planted, splits, seeds=1).unit_length is None


def test_without_any_known_word_only_the_commonest_class_is_left():
    classes = {"train": [3, 3, 3, 1, 1, 0], "dev": [3, 1, 1], "test": [2, 3]}
    splits = {name: Split([["film"]] * len(known), np.array(known)) for name, known in classes.items()}
    score = score_sentiment(WordVectors(["nowhere"], [[1.0, 2.0]]), splits, unit_length=True, seeds=1)
    assert score.vectors.accuracy == score.unit_length.accuracy == score.random == score.commonest
    assert (score.used, score.total, score.empty) == (0, 11, 11)


# The floors


def test_the_commonest_class_is_that_of_train():
    splits = {
        name: Split([["a"]] * len(classes), np.array(classes))
        for name, classes in {"train": [3, 3, 1, 0], "dev": [1, 1, 3], "test": [2]}.items()
    }
    assert commonest_class(splits) == {"train": 0.5, "dev": pytest.approx(1 / 3), "test": 0.0}


def test_random_vectors_are_those_of_the_seeds(splits, planted):
    found = averages(planted, splits)
    one, three = random_vectors(found, 8, splits, seeds=1), random_vectors(found, 8, splits, seeds=3)
    assert one == random_vectors(found, 8, splits, seeds=1)
    each = []
    for seed in range(3):
        vectors = np.random.default_rng(seed).standard_normal((len(found.rows), 8))
        each.append(classify(found.means(vectors), splits).accuracy["test"])
    assert one["test"] == each[0]
    assert three["test"] == pytest.approx(np.mean(each), rel=1e-15)
    assert random_vectors(found, 2, splits, seeds=1) != one


def test_the_standard_error_on_sst_is_one_point():
    assert standard_error(0.5, 100) == 0.05
    assert 0.0095 < standard_error(0.3, 2210) < 0.0105


def test_the_floors_on_sst(sst_folder):
    splits = read_splits(StanfordSentiment(sst_folder))
    commonest = {name: round(100 * share, 1) for name, share in commonest_class(splits).items()}
    assert commonest == {"train": 27.2, "dev": 25.3, "test": 23.1}
    words = sorted({word for split in splits.values() for words in split.sentences for word in words})
    found = averages(WordVectors(words, np.ones((len(words), 1))), splits)
    floor = random_vectors(found, 10, splits, seeds=2)
    # 28, 28, 27 per cent, told by other means; two seeds leave about a point of chance in each.
    assert floor == pytest.approx({"train": 0.28, "dev": 0.28, "test": 0.27}, abs=0.02)


# Whether the text of dev and test has been seen


@pytest.mark.parametrize(
    "words, seen",
    [
        (["good", "film", "bad"], True),  # "bad" is in test alone
        (["good", "film"], False),
        (["good", "film", "bad", "elsewhere"], False),
        ([*(f"w{i}" for i in range(200)), "bad", "UNK"], True),
    ],
)
def test_vectors_look_seen_if_their_words_are_the_treebanks_and_some_of_dev_or_test_alone(words, seen):
    text = tiny(train=[["good", "film"], [f"w{i}" for i in range(200)]], dev=[["film"]], test=[["bad"]])
    assert looks_seen(WordVectors(words, np.ones((len(words), 1))), text) is seen


# The picture


def test_shares_are_per_cent_of_the_row():
    np.testing.assert_array_equal(row_shares([[1, 3], [0, 0]]), [[25, 75], [0, 0]])


def numbers_drawn(monkeypatch, path, matrices):
    """What stands in the cells of each panel, by title."""
    kept = []
    monkeypatch.setattr(confusion, "save_png", lambda figure, path: kept.append(figure))
    confusion_picture(matrices, ["no", "yes"], path)
    return {
        axes.get_title(): [(text.get_position(), text.get_text()) for text in axes.texts]
        for axes in kept[0].axes
        if axes.axison
    }


def test_each_panel_shows_its_matrix(monkeypatch, tmp_path):
    matrices = [("one", [[1, 3], [2, 0]]), ("two", [[0, 0], [1, 1]]), ("3", np.eye(2)), ("four", np.ones((2, 2)))]
    drawn = numbers_drawn(monkeypatch, tmp_path / "c.png", matrices)
    assert list(drawn) == ["one", "two", "3", "four"]
    # Positions are (across, down).
    assert drawn["one"] == [((0, 0), "25"), ((1, 0), "75"), ((0, 1), "100"), ((1, 1), "0")]
    assert [text for _, text in drawn["two"]] == ["0", "0", "50", "50"]


def test_the_picture_is_a_png_and_the_same_each_time(tmp_path):
    matrix = [("$name$", np.arange(25).reshape(5, 5))]
    for name in ("a.png", "b.png"):
        confusion_picture(matrix, sentiment.CLASSES, tmp_path / name)
    data = (tmp_path / "a.png").read_bytes()
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    assert data == (tmp_path / "b.png").read_bytes()
    confusion_picture([("$name$", np.eye(5))], sentiment.CLASSES, tmp_path / "c.png")
    assert data != (tmp_path / "c.png").read_bytes()
