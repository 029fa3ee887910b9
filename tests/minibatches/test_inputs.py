"""Where the input vectors of words are kept (utils/minibatches/inputs.py); core/test_epochs.py trains with them."""

import numpy as np
import pytest
from fasttextmodel import buckets_of

from utils.minibatches.inputs import Composed, Inputs
from utils.system.errors import InputError
from utils.vectors.subwords import NGrams

WORDS = ["tea", "team", "日本語", "a", "nananana"]
NGRAMS = 3, 6, 50


def plain():
    """The buckets of the words in the order in which they come, and for each word its row and those of its buckets."""
    of_words = [buckets_of(word, *NGRAMS) for word in WORDS]
    buckets = list(dict.fromkeys(bucket for several in of_words for bucket in several))
    return buckets, [[i, *(len(WORDS) + buckets.index(b) for b in several)] for i, several in enumerate(of_words)]


@pytest.fixture
def composed():
    return Composed(WORDS, NGrams(*NGRAMS))


@pytest.fixture
def matrix(composed):
    return np.random.default_rng(0).standard_normal((composed.rows, 3))


def test_there_are_rows_for_the_words_and_for_the_buckets_that_they_use(composed):
    assert composed.rows == len(WORDS) + len(plain()[0])
    assert Inputs(7).rows == 7


def test_vectors_of_words_are_means_of_their_rows(composed, matrix):
    expected = [matrix[rows].mean(axis=0) for rows in plain()[1]]
    np.testing.assert_allclose(composed.of_words(matrix), expected, rtol=1e-13)
    ids = [np.array([[4, 0], [4, 2]], np.int32), np.array([3], np.int32)]
    parts = composed.read(matrix, ids).parts
    for part, these in zip(parts, ids, strict=True):
        np.testing.assert_allclose(part, np.array(expected)[these], rtol=1e-13)


def test_the_rows_of_some_words_are_theirs_and_their_buckets(composed):
    ids = np.array([4, 0, 4], np.int32)
    assert composed.touched(ids).tolist() == sorted({*plain()[1][4], *plain()[1][0]})
    assert Inputs(7).touched(ids).tolist() == [0, 4]


def test_unknown_words_are_composed_of_the_same_rows(composed, matrix):
    buckets, _ = plain()
    found = [len(WORDS) + buckets.index(bucket) for bucket in buckets_of("steam", *NGRAMS) if bucket in buckets]
    assert 0 < len(found) < len(buckets_of("steam", *NGRAMS))
    subwords = composed.subwords(matrix)
    vectors, known = subwords.compose(["steam", "tea"])
    np.testing.assert_allclose(vectors[0], matrix[found].mean(axis=0), rtol=1e-13)
    assert known.tolist() == [len(found), len(buckets_of("tea", *NGRAMS))]
    assert (np.diff(subwords.rows) > 0).all()
    assert Inputs(3).subwords(matrix) is None


def test_single_precision_stays_single(composed, matrix):
    assert composed.of_words(matrix.astype(np.float32)).dtype == np.float32
    assert composed.read(matrix.astype(np.float32), [np.array([1], np.int32)]).parts[0].dtype == np.float32


def test_words_without_any_ngram_are_refused():
    with pytest.raises(InputError, match="no word has n-grams of 40 to 50 characters"):
        Composed(WORDS, NGrams(40, 50, 10))
