"""Words composed from their n-grams (utils/vectors/subwords.py), and what WordVectors answer with them."""

import doctest

import numpy as np
import pytest
from fasttextmodel import buckets_of, fnv
from hypothesis import given
from hypothesis import strategies as st

from utils.system.errors import InputError
from utils.vectors import files, subwords
from utils.vectors.files import load_vectors, save_vectors
from utils.vectors.subwords import NGrams, Subwords
from utils.vectors.view import view
from utils.vectors.wordvectors import UnknownWord, WordVectors

BUCKETS = 40


def test_the_hash_is_fnv_1a():
    # Published values of the 32-bit hash (draft-eastlake-fnv, appendix C), which has no signed characters below 128.
    assert (fnv(b""), fnv(b"a"), fnv(b"foobar")) == (0x811C9DC5, 0xE40C292C, 0xBF9CF968)


def test_the_example_of_the_docstring():
    assert doctest.testmod(subwords).failed == 0


@given(
    words=st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12), max_size=8),
    shortest=st.integers(1, 6),
    more=st.integers(0, 5),
    buckets=st.sampled_from([1, 7, 2_000_000, 2**31 - 1]),
)
def test_ngrams_are_those_of_the_plain_loop(words, shortest, more, buckets):
    borders, found = NGrams(shortest, shortest + more, buckets).of(words)
    expected = [buckets_of(word, shortest, shortest + more, buckets) for word in words]
    assert np.diff(borders).tolist() == [len(several) for several in expected]
    assert found.tolist() == [bucket for several in expected for bucket in several]


def test_words_in_many_blocks_are_as_in_one(monkeypatch):
    words = ["", "tea", "</s>", "日本語", "x" * 50, "é", "tea"]
    whole = NGrams(1, 4, 1000).of(words)
    for size in (1, 3, 10):
        monkeypatch.setattr(subwords, "BLOCK", size)
        for one, other in zip(whole, NGrams(1, 4, 1000).of(words), strict=True):
            assert one.tolist() == other.tolist()


def test_bytes_that_are_not_utf_8_are_divided_as_by_fasttext():
    # Stray continuation bytes belong to the character before them: "<\x80", "a", "\xc3", ">".
    found = NGrams(2, 2, 2**31 - 1).of([b"\x80a\xc3"])[1].tolist()
    assert found == [fnv(ngram) % (2**31 - 1) for ngram in (b"<\x80a", b"a\xc3", b"\xc3>")]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ((0, 3, 10), "got 0 to 3"),
        ((6, 3, 10), "got 6 to 3"),
        ((3, 51, 10), "got 3 to 51"),
        ((3, 6, 0), "got 0"),
        ((3, 6, 2**31), "got 2147483648"),
    ],
)
def test_wrong_settings_are_refused(settings, said):
    with pytest.raises(InputError, match=said):
        NGrams(*settings)


@pytest.mark.parametrize(
    ("table", "rows", "said"),
    [
        (np.zeros((3, 2)), None, "40 buckets of n-grams need as many vectors, got 3"),
        (np.zeros((BUCKETS, 2), int), None, "matrix of floats"),
        (np.zeros((BUCKETS, 0)), None, "matrix of floats"),
        (np.full((BUCKETS, 2), np.nan), None, "NaN or infinity"),
        (np.full((BUCKETS, 2), -np.inf), None, "NaN or infinity"),
        (np.zeros((2, 2)), np.array([1]), "one bucket each"),
        (np.zeros((2, 2)), np.array([2, 1]), "increasing"),
        (np.zeros((2, 2)), np.array([1, 1]), "increasing"),
        (np.zeros((2, 2)), np.array([-1, 1]), "increasing"),
        (np.zeros((2, 2)), np.array([1, BUCKETS]), f"below {BUCKETS}"),
    ],
)
def test_a_wrong_table_is_refused(table, rows, said):
    with pytest.raises(InputError, match=said):
        Subwords(NGrams(3, 6, BUCKETS), table, rows)


# Composing


@pytest.fixture(scope="module")
def table():
    return np.random.default_rng(0).standard_normal((BUCKETS, 3))


def plain(word, table, rows=None):
    """The mean of the n-grams' vectors by a loop; None without any."""
    found = [bucket for bucket in buckets_of(word, 3, 6, BUCKETS) if rows is None or bucket in rows]
    return sum(table[bucket] for bucket in found) / len(found) if found else None


WORDS = ["tea", "teapot", "rainy", "żółw"]


@pytest.fixture(scope="module")
def vectors(table):
    """Four words whose vectors are not those that they would be composed of."""
    own = np.random.default_rng(1).standard_normal((4, 3))
    return WordVectors(WORDS, own, Subwords(NGrams(3, 6, BUCKETS), table))


def test_a_composed_vector_is_the_mean_of_its_ngrams(vectors, table):
    asked = ["tea", "teapots", "żółwie"]
    np.testing.assert_allclose(vectors.compose(asked), [plain(word, table) for word in asked], rtol=1e-14)  # sums of 20
    np.testing.assert_allclose(vectors.compose("tea"), plain("tea", table), rtol=1e-14)
    np.testing.assert_allclose(vectors["teapots"], plain("teapots", table), rtol=1e-14)
    assert not np.allclose(vectors["tea"], plain("tea", table))  # its own


def test_ngrams_without_a_vector_are_left_out(table):
    rows = np.unique(NGrams(3, 6, BUCKETS).of(["teapot"])[1])
    some = Subwords(NGrams(3, 6, BUCKETS), table[rows], rows)
    expected = plain("teapots", table, set(rows.tolist()))
    assert not np.allclose(expected, plain("teapots", table))
    np.testing.assert_allclose(some.compose(["teapots"])[0][0], expected, rtol=1e-14)
    few = Subwords(NGrams(3, 6, 2**31 - 1), table[:1], np.array([5]))
    assert [part.tolist() for part in few.compose(["tea"])] == [[[0, 0, 0]], [0]]


def test_only_words_without_a_vector_of_their_own_are_marked_as_composed(vectors):
    assert [vectors.is_composed(word) for word in ("tea", "teapots", "", "</s>")] == [False, True, False, False]
    assert "teapots" not in vectors and len(vectors) == 4
    assert not WordVectors(["tea"], np.ones((1, 3))).is_composed("teapots")


def test_a_word_without_ngrams_is_unknown(vectors):
    for word in ("", "</s>"):
        with pytest.raises(UnknownWord):
            vectors.compose(["teapots", word])
        with pytest.raises(UnknownWord):
            vectors[word]
    with pytest.raises(UnknownWord):
        WordVectors(["tea"], np.ones((1, 3))).compose("teapots")
    with pytest.raises(InputError, match="no n-grams"):
        WordVectors(["tea"], np.ones((1, 3))).compose([])


def test_every_query_takes_composed_words(vectors):
    """As if the composed words were ordinary ones behind the others."""
    new = ["teapots", "raining"]
    question, other_question = ("tea", "teapots", "rainy"), ("tea", "raining", "rainy", "3CosMul")
    all_words = WordVectors([*WORDS, *new], np.concatenate([vectors.vectors, vectors.compose(new)]))
    for one, other in (("tea", "teapots"), ("raining", "teapots"), ("teapots", "tea")):
        assert vectors.similarity(one, other) == pytest.approx(all_words.similarity(one, other), abs=1e-15)
        closer = [word for word in all_words.closer_than(one, other) if word in WORDS]
        assert vectors.closer_than(one, other) == closer
        assert vectors.rank(one, other) == len(closer) + 1
    assert vectors.n_similarity(["tea", "teapots"], ["raining"]) == pytest.approx(
        all_words.n_similarity(["tea", "teapots"], ["raining"]), abs=1e-15
    )
    assert vectors.doesnt_match(["tea", *new]) == all_words.doesnt_match(["tea", *new])
    np.testing.assert_array_equal(vectors.get_vector("teapots", norm=True), all_words.get_vector("teapots", norm=True))
    for found, expected in (
        (vectors.most_similar("teapots"), all_words.most_similar("teapots")),
        (vectors.most_similar(["tea", "teapots"]), all_words.most_similar(["tea", "teapots"])),
        (vectors.analogy(*question), all_words.analogy(*question)),
        (vectors.analogy(*other_question), all_words.analogy(*other_question)),
    ):
        expected = [(word, score) for word, score in expected if word in WORDS]
        assert [word for word, _ in found] == [word for word, _ in expected]
        assert [score for _, score in found] == pytest.approx([score for _, score in expected], abs=1e-14)


def test_other_orders_and_choices_compose_the_same(vectors):
    ordered = vectors.by_frequency([1, 2, 3, 4])
    assert ordered.words == WORDS[::-1]
    for other in (ordered, vectors.choose(["rainy", "teapots"])):
        np.testing.assert_array_equal(other["raining"], vectors["raining"])
    np.testing.assert_array_equal(vectors.choose(["rainy", "teapots"]).vectors, vectors[["rainy", "teapots"]])


def test_what_is_shown_about_the_mean_is_composed_about_the_mean(vectors):
    shown = view(vectors, centre=True).vectors
    mean = vectors.vectors.mean(axis=0)
    np.testing.assert_allclose(shown["tea"], vectors["tea"] - mean, atol=1e-15)
    np.testing.assert_allclose(shown["teapots"], vectors["teapots"] - mean, atol=1e-15)


def test_words_and_ngrams_have_the_same_dimension(table):
    with pytest.raises(InputError, match="2 dimensions cannot have n-grams of 3"):
        WordVectors(["tea"], np.ones((1, 2)), Subwords(NGrams(3, 6, BUCKETS), table))


def test_composed_vectors_have_the_type_of_the_others(table):
    vectors = WordVectors(["tea"], np.ones((1, 3), np.float32), Subwords(NGrams(3, 6, BUCKETS), table))
    assert vectors["teapots"].dtype == np.float32
    assert vectors[["tea", "teapots"]].dtype == np.float32


# Files


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("some", [False, True])
def test_npz_keeps_the_ngrams(tmp_path, table, dtype, some):
    rows = np.unique(NGrams(3, 6, BUCKETS).of(["teapot"])[1]) if some else None
    held = Subwords(NGrams(3, 6, BUCKETS), (table[rows] if some else table).astype(dtype), rows)
    vectors = WordVectors(WORDS, np.ones((4, 3), dtype), held)
    save_vectors(tmp_path / "v.npz", vectors)
    loaded = load_vectors(tmp_path / "v.npz", limit=2)
    assert loaded.words == WORDS[:2]
    assert loaded.subwords.ngrams == held.ngrams
    assert loaded.subwords.table.dtype == dtype
    np.testing.assert_array_equal(loaded["teapots"], vectors["teapots"])
    with np.load(tmp_path / "v.npz") as arrays:
        assert arrays["ngram_settings"].tolist() == [3, 6, BUCKETS]
        assert ("ngram_buckets" in arrays) == some


def test_npz_keeps_the_ngrams_of_what_is_shown_about_the_mean(tmp_path, vectors):
    shown = view(vectors, centre=True).vectors
    save_vectors(tmp_path / "v.npz", shown)
    np.testing.assert_allclose(load_vectors(tmp_path / "v.npz")["teapots"], shown["teapots"], atol=1e-14)


@pytest.mark.parametrize("name", ["v.txt", "v.vec", "v.bin", "v.glove", "v.tsv"])
def test_other_formats_hold_the_words_alone(tmp_path, vectors, name):
    save_vectors(tmp_path / name, vectors)
    assert files.load_vectors(tmp_path / name).subwords is None


@pytest.mark.parametrize(
    "changed",
    [
        {"ngram_settings": np.array([6, 3, BUCKETS])},
        {"ngram_settings": np.array([3, 6])},
        {"ngram_settings": np.array([3, 6, BUCKETS + 1])},
        {"ngram_settings": np.array([3.0, 6.0, BUCKETS])},
        {"ngram_vectors": np.full((BUCKETS, 3), np.nan)},
        {"ngram_vectors": np.zeros((BUCKETS, 2))},
        {"ngram_vectors": np.zeros(BUCKETS)},
        {"ngram_vectors": None},
        {"ngram_buckets": np.arange(BUCKETS)[::-1]},
        {"ngram_buckets": np.arange(3)},
    ],
)
def test_damaged_ngrams_are_refused_with_the_file(tmp_path, vectors, changed):
    save_vectors(tmp_path / "v.npz", vectors)
    with np.load(tmp_path / "v.npz") as arrays:
        arrays = {name: array for name, array in ({**arrays} | changed).items() if array is not None}
    np.savez(tmp_path / "v.npz", **arrays)
    with pytest.raises(InputError, match=r"v\.npz") as refusal:
        load_vectors(tmp_path / "v.npz")
    assert "\n" not in str(refusal.value)
