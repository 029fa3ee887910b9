"""Models of fastText (utils/vectors/fasttext.py), against its own library and against files written by hand."""

import gzip
import tracemalloc

import numpy as np
import pytest
from fasttextmodel import buckets_of, fnv, model_bytes

from utils.system.errors import InputError
from utils.vectors.files import load_vectors, save_vectors
from utils.vectors.wordvectors import UnknownWord

WORDS = ["tea", "</s>", "日本語", "żółw", "a"]
BUCKETS = 30
TOLERANCE = 1e-6  # sums of some twenty numbers of single precision, in another order


@pytest.fixture(scope="module")
def matrix():
    return np.random.default_rng(0).standard_normal((len(WORDS) + BUCKETS, 4)).astype(np.float32)


def plain(word, words, matrix, shortest, longest):
    """FastText::getWordVector as a loop, in double precision."""
    ids = [words.index(word)] if word in words else []
    ids += [len(words) + bucket for bucket in buckets_of(word, shortest, longest, len(matrix) - len(words))]
    return np.mean([matrix[i].astype(float) for i in ids], axis=0)


def written(path, *arguments, **options):
    path.write_bytes(model_bytes(*arguments, **options))
    return path


@pytest.mark.parametrize(("shortest", "longest"), [(3, 6), (1, 2), (0, 3)])
def test_known_and_unknown_words_of_a_file_written_by_hand(tmp_path, matrix, shortest, longest):
    vectors = load_vectors(written(tmp_path / "m.bin", WORDS, matrix, shortest, longest, BUCKETS))
    assert vectors.words == WORDS
    unknown = ["teapot", "茶の湯", "naïve"]
    expected = [plain(word, WORDS, matrix, max(shortest, 1), longest) for word in [*WORDS, *unknown]]
    np.testing.assert_allclose(vectors[[*WORDS, *unknown]], expected, rtol=0, atol=TOLERANCE)
    assert [vectors.is_composed(word) for word in ("tea", "teapot")] == [False, True]


@pytest.mark.parametrize(("shortest", "longest"), [(0, 0), (4, 3)])
def test_without_ngrams_a_word_has_its_own_row(tmp_path, capsys, matrix, shortest, longest):
    path = written(tmp_path / "m.bin", WORDS, matrix, shortest, longest, BUCKETS)
    vectors = load_vectors(path)
    np.testing.assert_array_equal(vectors.vectors, matrix[: len(WORDS)])
    assert vectors.subwords is None
    assert capsys.readouterr().err == ""


def test_whatever_its_name_and_compression(tmp_path, capsys, matrix):
    data = model_bytes(WORDS, matrix, 3, 6, BUCKETS)
    (tmp_path / "m.bin.gz").write_bytes(gzip.compress(data))
    (tmp_path / "m.vec").write_bytes(data)
    np.testing.assert_array_equal(
        load_vectors(tmp_path / "m.bin.gz")["teapot"], load_vectors(tmp_path / "m.vec", format="fasttext")["teapot"]
    )
    assert capsys.readouterr().err == ""
    load_vectors(tmp_path / "m.vec")
    assert "read as a model of fastText, which it is in spite of its name" in capsys.readouterr().err


def test_other_files_are_not_models_and_models_are_not_written(tmp_path, matrix):
    (tmp_path / "v.txt").write_text("1 2\ntea 1 2\n")
    with pytest.raises(InputError, match="is not a model of fastText"):
        load_vectors(tmp_path / "v.txt", format="fasttext")
    vectors = load_vectors(written(tmp_path / "m.bin", WORDS, matrix, 3, 6, BUCKETS))
    with pytest.raises(InputError, match="format must be one of"):
        save_vectors(tmp_path / "again.bin", vectors, format="fasttext")


def test_a_model_saved_as_npz_answers_the_same(tmp_path, matrix):
    vectors = load_vectors(written(tmp_path / "m.bin", WORDS, matrix, 3, 6, BUCKETS))
    save_vectors(tmp_path / "v.npz", vectors)
    again = load_vectors(tmp_path / "v.npz")
    np.testing.assert_array_equal(again[[*WORDS, "teapot"]], vectors[[*WORDS, "teapot"]])


def test_a_limit_keeps_the_first_words_and_all_ngrams(tmp_path, matrix):
    path = written(tmp_path / "m.bin", WORDS, matrix, 3, 6, BUCKETS)
    few, all_words = load_vectors(path, limit=1), load_vectors(path)
    assert few.words == WORDS[:1]
    np.testing.assert_array_equal(few[["tea", "teapot"]], all_words[["tea", "teapot"]])


def test_the_labels_of_a_supervised_model_are_left_out(tmp_path, matrix):
    labels = ["__label__good", "__label__bad"]
    path = written(tmp_path / "m.bin", WORDS, matrix, 3, 6, BUCKETS, labels, kind=3, output_rows=2)
    vectors = load_vectors(path)
    assert vectors.words == WORDS
    np.testing.assert_allclose(vectors["teapot"], plain("teapot", WORDS, matrix, 3, 6), rtol=0, atol=TOLERANCE)
    # In version 11 such models had no n-grams of characters, whatever they declare.
    path = written(tmp_path / "m.bin", WORDS, matrix, 3, 6, BUCKETS, labels, kind=3, output_rows=2, version=11)
    assert load_vectors(path).subwords is None


def test_a_word_that_is_not_utf_8_keeps_its_ngrams(tmp_path, capsys):
    """The vector is composed from the bytes of the file, not from what stands for them."""
    matrix = np.random.default_rng(0).standard_normal((2 + BUCKETS, 4)).astype(np.float32)
    vectors = load_vectors(written(tmp_path / "m.bin", ["tea", b"caf\xc3"], matrix, 3, 3, BUCKETS))
    assert vectors.words == ["tea", "caf\ufffd"]
    assert "not UTF-8" in capsys.readouterr().err
    ids = [1, *(2 + fnv(ngram) % BUCKETS for ngram in (b"<ca", b"caf", b"af\xc3", b"f\xc3>"))]
    np.testing.assert_allclose(vectors["caf\ufffd"], matrix[ids].mean(axis=0), rtol=0, atol=TOLERANCE)
    with pytest.raises(InputError, match="word 2: not UTF-8"):
        load_vectors(tmp_path / "m.bin", strict=True)


# Damage


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"version": 13}, r"version 13 of its format, wanted 11 or 12"),
        ({"quantised": True}, "a quantised model"),
        ({"pruned": 10}, "a quantised model"),
        ({"dim": 0}, "a model of 0 dimensions"),
        ({"dim": 2**30}, "dimensions"),
        ({"dim": 5}, "for 5 dimensions"),
        ({"bucket": -1}, "-1 buckets"),
        ({"bucket": BUCKETS + 1}, "for 5 words and 31 buckets"),
        ({"maxn": 2**30}, "n-grams must have 1 to 50 characters"),
        ({"nwords": 0}, "0 words"),
        ({"nwords": 4}, "a dictionary of 5 entries, 4 words and 0 labels"),
        ({"size": 2**31 - 1, "nwords": 2**31 - 1}, "kind|cut off"),
        ({"nwords": 4, "nlabels": 1}, "entry 5 of 5 is of kind 0"),
        ({"kinds": [0, 1, 0, 0, 0]}, "entry 2 of 5 is of kind 1"),
        ({"rows": 2**62}, "an input matrix of"),
        ({"rows": -1}, "an input matrix of -1 x 4"),
        ({"columns": 2**62}, "an input matrix of"),
        ({"bucket": 2**31 - 1, "rows": 2**31 + 4}, "ends within its input matrix"),
    ],
)
def test_a_damaged_model_is_refused_without_the_memory_it_declares(tmp_path, matrix, changed, said):
    path = written(tmp_path / "m.bin", WORDS, matrix, 3, 6, BUCKETS, **changed)
    tracemalloc.start()
    try:
        with pytest.raises(InputError, match=said) as refusal:
            load_vectors(path)
        assert tracemalloc.get_traced_memory()[1] < 4e6  # a chunk of the file, twice
    finally:
        tracemalloc.stop()
    assert "\n" not in str(refusal.value)
    assert str(path) in str(refusal.value)


def test_a_model_cut_off_anywhere_is_refused(tmp_path, matrix):
    data = model_bytes(WORDS, matrix, 3, 6, BUCKETS)
    for end in [*range(4, 200), *range(200, len(data), 37), len(data) - 1]:
        (tmp_path / "m.bin").write_bytes(data[:end])
        with pytest.raises(InputError, match=r"m\.bin is (cut off|damaged)"):
            load_vectors(tmp_path / "m.bin")
    (tmp_path / "m.bin").write_bytes(data + b"\0")
    with pytest.raises(InputError, match="more data follow"):
        load_vectors(tmp_path / "m.bin")


def test_an_entry_without_an_end_and_numbers_that_are_none_are_refused(tmp_path, matrix):
    with pytest.raises(InputError, match="entry 1 of the dictionary does not end within 65,536 bytes"):
        load_vectors(written(tmp_path / "m.bin", ["x" * 70_000], matrix[: BUCKETS + 1], 3, 6, BUCKETS))
    for row in (0, len(matrix) - 1):
        bad = matrix.copy()
        bad[row, 1] = np.inf
        with pytest.raises(InputError, match="NaN or infinity"):
            load_vectors(written(tmp_path / "m.bin", WORDS, bad, 3, 6, BUCKETS))


# Against the library itself


@pytest.fixture(scope="module")
def library():
    return pytest.importorskip("fasttext", reason="PyPI's fasttext-wheel is not installed")


TEXT = "the cat sat on the mat . żółw je 日本語 の 茶 . Ελλάδα naïve 😀 привет the teapot is on the table\n" * 30
UNKNOWN = ["teapots", "catlike", "żółwie", "日本", "Ελλάδας", "приветы", "😀😀", "naïveté", "x"]


@pytest.mark.parametrize("model", ["skipgram", "cbow"])
@pytest.mark.parametrize(("shortest", "longest"), [(3, 6), (1, 3), (0, 0)])
def test_every_word_is_as_the_library_says(tmp_path, library, model, shortest, longest):
    (tmp_path / "text.txt").write_text(TEXT, encoding="utf-8")
    options = {"dim": 8, "epoch": 2, "minCount": 1, "thread": 1, "verbose": 0, "bucket": 500, "lr": 0.5}
    trained = library.train_unsupervised(str(tmp_path / "text.txt"), model, minn=shortest, maxn=longest, **options)
    trained.save_model(str(tmp_path / "m.bin"))
    vectors = load_vectors(tmp_path / "m.bin")
    assert vectors.words == trained.get_words()
    asked = [word for word in UNKNOWN if word not in vectors and trained.get_subwords(word)[1].size]
    assert len(asked) == (0 if longest == 0 else len(UNKNOWN) - (shortest > 2 or 0) * 0)
    assert len(asked) > 5 or longest == 0
    expected = [trained.get_word_vector(word) for word in [*vectors.words, *asked]]
    assert np.abs(expected).max() > 0.01
    np.testing.assert_allclose(vectors[[*vectors.words, *asked]], expected, rtol=0, atol=TOLERANCE)
    if longest == 0:
        with pytest.raises(UnknownWord):
            vectors["teapots"]


def test_supervised_and_quantised_models_of_the_library(tmp_path, library):
    lines = "__label__good a fine teapot\n__label__bad a broken cup\n" * 50
    (tmp_path / "text.txt").write_text(lines, encoding="utf-8")
    trained = library.train_supervised(
        str(tmp_path / "text.txt"), dim=4, epoch=2, minn=2, maxn=4, bucket=300, thread=1, verbose=0
    )
    trained.save_model(str(tmp_path / "m.bin"))
    vectors = load_vectors(tmp_path / "m.bin")
    assert vectors.words == trained.get_words()
    for word in ("teapot", "teacup"):
        np.testing.assert_allclose(vectors[word], trained.get_word_vector(word), rtol=0, atol=TOLERANCE)
    trained.quantize(str(tmp_path / "text.txt"))
    trained.save_model(str(tmp_path / "m.ftz"))
    with pytest.raises(InputError, match="quantised"):
        load_vectors(tmp_path / "m.ftz")


def test_the_file_written_by_hand_is_read_by_the_library(tmp_path, library, matrix):
    trained = library.load_model(str(written(tmp_path / "m.bin", WORDS, matrix, 3, 6, BUCKETS)))
    for word in (*WORDS, "teapot"):
        np.testing.assert_allclose(
            trained.get_word_vector(word), plain(word, WORDS, matrix, 3, 6), rtol=0, atol=TOLERANCE
        )
