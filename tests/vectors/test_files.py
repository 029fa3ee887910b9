"""Word vectors to files and back (utils/vectors/files.py, storage.py, formats.py), and damage that is noticed."""

import gzip
import io
import os
import tracemalloc
import warnings
import zipfile

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from utils.system.errors import EnvironmentFailure, InputError
from utils.vectors import formats, storage
from utils.vectors.decimals import as_text
from utils.vectors.files import check_words, format_of, load_saved_params, load_vectors, save_vectors, select
from utils.vectors.wordvectors import WordVectors

NAMES = ("v.txt", "v.vec", "v.glove", "v.bin", "v.npz", "v.tsv", "v.txt.gz", "v.vec.gz", "v.glove.gz", "v.bin.gz")
TEXT = "2 3\nthe 0.5 -1 2e-3\ncliché 1 2 3\n"


def two_words():
    return WordVectors(["the", "cliché"], np.array([[0.5, -1, 0.002], [1, 2, 3]], dtype=np.float32))


def write(path, data):
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def assert_same(one, other):
    assert one.words == other.words
    assert one.vectors.dtype == other.vectors.dtype
    assert one.vectors.shape == other.vectors.shape
    assert one.vectors.tobytes() == other.vectors.tobytes()


def refused(call, *arguments, **options):
    """What an InputError says, in one line."""
    with pytest.raises(InputError) as refusal:
        call(*arguments, **options)
    assert "\n" not in str(refusal.value)
    return str(refusal.value)


# What the files look like


def test_word2vec_text(tmp_path):
    save_vectors(tmp_path / "v.txt", two_words())
    assert (tmp_path / "v.txt").read_bytes() == "2 3\nthe 0.5 -1 0.00200000009\ncliché 1 2 3\n".encode()


def test_glove_text_is_the_same_without_a_header(tmp_path):
    save_vectors(tmp_path / "v.glove", two_words())
    assert (tmp_path / "v.glove").read_bytes() == "the 0.5 -1 0.00200000009\ncliché 1 2 3\n".encode()


def test_word2vec_binary(tmp_path):
    save_vectors(tmp_path / "v.bin", two_words())
    the, cliche = (np.array(row, dtype="<f4").tobytes() for row in ([0.5, -1, 0.002], [1, 2, 3]))
    assert (tmp_path / "v.bin").read_bytes() == b"2 3\nthe " + the + b"\nclich\xc3\xa9 " + cliche + b"\n"


def test_npz_is_plain_arrays(tmp_path):
    save_vectors(tmp_path / "v.npz", two_words())
    with np.load(tmp_path / "v.npz", allow_pickle=False) as arrays:
        assert set(arrays) == {"vectors", "word_bytes", "word_ends"}
        assert np.array_equal(arrays["vectors"], two_words().vectors)
        assert arrays["word_bytes"].tobytes() == "thecliché".encode()
        assert arrays["word_ends"].tolist() == [3, 10]


def test_the_pair_of_the_projector(tmp_path):
    save_vectors(tmp_path / "v.tsv", two_words())
    assert (tmp_path / "v.tsv").read_bytes() == b"0.5\t-1\t0.00200000009\n1\t2\t3\n"
    assert (tmp_path / "v_metadata.tsv").read_bytes() == "the\ncliché\n".encode()


def test_compressed_text_is_the_text_compressed(tmp_path):
    for name in ("v.txt", "v.glove", "v.bin"):
        save_vectors(tmp_path / name, two_words())
        save_vectors(tmp_path / f"{name}.gz", two_words())
        compressed = (tmp_path / f"{name}.gz").read_bytes()
        assert gzip.decompress(compressed) == (tmp_path / name).read_bytes()
        assert compressed[4:8] == bytes(4)  # no time of writing: the same vectors give the same bytes


@pytest.mark.parametrize("name", NAMES)
def test_the_same_vectors_give_the_same_bytes(tmp_path, name):
    for folder in ("one", "other"):
        (tmp_path / folder).mkdir()
        save_vectors(tmp_path / folder / name, two_words())
    one, other = ({p.name: p.read_bytes() for p in (tmp_path / f).iterdir()} for f in ("one", "other"))
    assert one == other
    assert len(one) == (2 if name == "v.tsv" else 1)


# There and back

ordinary = ["0.5", "nan", "-1e5", "2 3", "7", "#", '"']
invisible = ["\x00", "a\x00", "\xa0", "\u2028", "\x85", "\ufeff", "\ufeff7", "\x1c", "\u3000x"]
awkward = st.sampled_from([*ordinary, *invisible])
any_word = st.one_of(st.text(st.characters(codec="utf-8"), min_size=1, max_size=8), awkward)
single = st.floats(width=32, allow_nan=False, allow_infinity=False)
SPACES = set(" \t\n\r\v\f")


def no_mark(vectors):
    """Whether the first word does not begin with what would be read as the file's byte order mark."""
    return not vectors.words[0].startswith("\ufeff")


def not_blank(word):
    """Whether the Embedding Projector's page takes a line with this word for one."""
    return not set("\t\n\r") & set(word) and bool(word.replace("\ufeff", " ").strip())


def vectors_of(words, dtype, elements):
    """WordVectors with words of a kind."""
    return st.lists(words, min_size=1, max_size=6, unique=True).flatmap(
        lambda chosen: st.builds(
            WordVectors,
            st.just(chosen),
            hnp.arrays(dtype, st.tuples(st.just(len(chosen)), st.integers(1, 4)), elements=elements),
        )
    )


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    return tmp_path_factory.mktemp("files")


@pytest.mark.parametrize("name", ["v.txt", "v.glove", "v.bin", "v.bin.gz"])
@settings(max_examples=60)
@given(vectors=vectors_of(any_word.filter(lambda word: not SPACES & set(word)), np.float32, single).filter(no_mark))
@example(vectors=WordVectors(["7"], np.array([[3]], dtype=np.float32)))
@example(vectors=WordVectors(["7", "8"], np.array([[1], [-0.0]], dtype=np.float32)))
def test_round_trip(scratch, name, vectors):
    save_vectors(scratch / name, vectors)
    assert_same(load_vectors(scratch / name), vectors)


@settings(max_examples=60)
@given(vectors=vectors_of(any_word.filter(not_blank), np.float32, single).filter(no_mark))
def test_round_trip_of_the_projector(scratch, vectors):
    save_vectors(scratch / "v.tsv", vectors)
    assert_same(load_vectors(scratch / "v.tsv"), vectors)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@settings(max_examples=60)
@given(data=st.data())
def test_round_trip_of_npz_holds_everything(scratch, dtype, data):
    anything = st.text(st.characters(exclude_categories=()), max_size=8)  # nothing, white space, single surrogates
    words = st.one_of(anything, awkward, st.just("\udc80"))
    elements = st.floats(width=np.dtype(dtype).itemsize * 8, allow_nan=False, allow_infinity=False)
    vectors = data.draw(vectors_of(words, dtype, elements))
    save_vectors(scratch / "v.npz", vectors)
    assert_same(load_vectors(scratch / "v.npz"), vectors)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "v.npz"])
def test_double_precision_is_rounded_to_single(tmp_path, name):
    vectors = WordVectors(["a", "b"], np.random.default_rng(0).standard_normal((2, 5)))
    save_vectors(tmp_path / name, vectors)
    loaded = load_vectors(tmp_path / name)
    assert loaded.vectors.dtype == np.float32
    np.testing.assert_allclose(loaded.vectors, vectors.vectors, rtol=2**-24)  # half a unit in float32's last place


@pytest.mark.parametrize("name", NAMES)
def test_many_blocks_are_as_one(tmp_path, monkeypatch, name):
    words = [f"w{i}" * (i % 7 + 1) for i in range(500)]
    vectors = WordVectors(words, np.arange(1500, dtype=np.float32).reshape(500, 3))
    save_vectors(tmp_path / name, vectors)
    whole = (tmp_path / name).read_bytes()
    monkeypatch.setattr(formats, "BLOCK", 50)
    monkeypatch.setattr(formats, "CHUNK", 37)
    assert_same(load_vectors(tmp_path / name), vectors)
    save_vectors(tmp_path / name, vectors)
    assert (tmp_path / name).read_bytes() == whole


@pytest.mark.parametrize("name", NAMES)
def test_a_limit_keeps_the_first_words(tmp_path, name):
    vectors = WordVectors(list("abcde"), np.eye(5, dtype=np.float32))
    save_vectors(tmp_path / name, vectors)
    for limit in (1, 3, 5, 10**15):
        assert_same(load_vectors(tmp_path / name, limit), WordVectors(vectors.words[:limit], vectors.vectors[:limit]))


# Formats


def test_the_format_is_told_by_the_extension_unless_given():
    known = ["word2vec", "word2vec", "glove", "binary", "npz", "projector", "word2vec", "word2vec", "glove", "binary"]
    assert [format_of(name) for name in NAMES] == known
    assert format_of("A.B/V.TXT.GZ") == "word2vec"
    assert format_of("v.txt", "glove") == "glove"
    assert format_of("v", "binary") == "binary"


@pytest.mark.parametrize(
    "name, format, said",
    [
        ("v.doc", None, "end in .txt, .vec, .glove, .bin, .npz, .tsv, not in '.doc'"),
        ("v", None, "not in ''"),
        ("v.gz", None, "not in ''"),
        ("saved_params_40000.npy", None, "not in '.npy'"),
        ("v.npz.gz", None, "not compressed"),
        ("v.tsv.gz", None, "not compressed"),
        ("v.txt", "text", "one of binary, glove, npz, projector, word2vec, got 'text'"),
    ],
)
def test_an_unknown_format_is_refused(tmp_path, name, format, said):
    assert said in refused(save_vectors, tmp_path / name, two_words(), format=format)
    assert said in refused(check_words, tmp_path / name, ["a"], format=format)
    assert list(tmp_path.iterdir()) == []
    if format:
        assert said in refused(load_vectors, write(tmp_path / name, TEXT), format=format)


def test_a_given_format_is_obeyed(tmp_path):
    for format in ("word2vec", "glove", "binary", "npz", "projector"):
        save_vectors(tmp_path / "v.data", two_words(), format=format)
        assert_same(load_vectors(tmp_path / "v.data", format=format), two_words())
    assert "line 1" in refused(load_vectors, write(tmp_path / "v.txt", "a 1 2\n"), format="word2vec")
    assert load_vectors(write(tmp_path / "v.txt", "7 3\n"), format="glove").words == ["7"]


def test_txt_is_told_apart_by_its_first_line(tmp_path):
    lonely = WordVectors(["7"], np.array([[3]], dtype=np.float32))  # "7 3" would be a header
    save_vectors(tmp_path / "v.txt", lonely, format="glove")
    assert_same(load_vectors(tmp_path / "v.txt"), lonely)
    assert load_vectors(write(tmp_path / "v.txt", TEXT)).words == ["the", "cliché"]
    assert load_vectors(write(tmp_path / "v.txt", TEXT[4:])).words == ["the", "cliché"]
    assert load_vectors(write(tmp_path / "v.glove", TEXT)).words == ["the", "cliché"]
    assert load_vectors(write(tmp_path / "v.glove", "7 1\nthe 2\n")).words == ["7", "the"]  # as its name says
    assert load_vectors(write(tmp_path / "v.txt", "1 1\nthe 2\n")).words == ["the"]


def test_what_other_programs_write(tmp_path):
    """Line ends of Windows, a byte order mark, a space before the line end (word2vec), several spaces, tabs."""
    expected = two_words()
    for text in (
        TEXT.replace("\n", "\r\n"),
        "\ufeff" + TEXT,
        TEXT.replace("\n", " \n"),
        TEXT.replace(" ", "  "),
        TEXT.replace(" ", "\t"),
        TEXT.replace("0.5", "+.5e0"),
    ):
        assert_same(load_vectors(write(tmp_path / "v.txt", text)), expected)
    assert_same(load_vectors(write(tmp_path / "v.txt", TEXT[4:].replace("\n", " \r\n"))), expected)


def test_binary_with_and_without_line_ends(tmp_path):
    save_vectors(tmp_path / "v.bin", two_words())
    the, cliche = (row.tobytes() for row in two_words().vectors)
    for between, last in ((b"\n", b"\n"), (b"", b""), (b"\n", b"")):
        data = b"2 3\nthe " + the + between + "cliché ".encode() + cliche + last
        assert_same(load_vectors(write(tmp_path / "v.bin", data)), two_words())


def test_glove_has_words_with_spaces(tmp_path):
    text = "the 1 2\n. . . 3 4\nat name@domain.com 5 6\n"
    loaded = load_vectors(write(tmp_path / "v.txt", text))
    assert loaded.words == ["the", ". . .", "at name@domain.com"]
    assert loaded.vectors.tolist() == [[1, 2], [3, 4], [5, 6]]


def test_npz_made_by_hand(tmp_path):
    np.savez_compressed(tmp_path / "v.npz", words=np.array(["the", "cliché"]), vectors=two_words().vectors)
    assert_same(load_vectors(tmp_path / "v.npz"), two_words())
    columns_first = np.asfortranarray(two_words().vectors.astype(">f8"))
    np.savez(tmp_path / "v.npz", words=np.array(["the", "cliché"]), vectors=columns_first)
    assert np.array_equal(load_vectors(tmp_path / "v.npz").vectors, columns_first)


def test_metadata_with_several_columns_have_names(tmp_path):
    save_vectors(tmp_path / "v.tsv", two_words())
    write(tmp_path / "v_metadata.tsv", "Word\tCount\r\nthe\t100\r\ncliché\t3\r\n")
    assert_same(load_vectors(tmp_path / "v.tsv"), two_words())


@pytest.mark.parametrize("name", NAMES)
def test_of_a_word_that_comes_twice_the_first_counts(tmp_path, capsys, name):
    a, b, c, d = ([float(i)] * 2 for i in range(1, 5))
    save_vectors(tmp_path / name, WordVectors(["aa", "bb", "cc", "dd"], np.array([a, b, c, d], dtype=np.float32)))
    for path in tmp_path.iterdir():
        open_it = gzip.open if path.suffix == ".gz" else open
        with open_it(path, "rb") as file:
            data = file.read()
        if path.suffix == ".npz":
            np.savez(path, words=np.array(["aa", "bb", "aa", "bb"]), vectors=np.array([a, b, c, d], dtype=np.float32))
        else:
            with open_it(path, "wb") as file:
                file.write(data.replace(b"cc", b"aa").replace(b"dd", b"bb"))
    assert_same(load_vectors(tmp_path / name), WordVectors(["aa", "bb"], np.array([a, b], dtype=np.float32)))
    assert capsys.readouterr().err == f"{tmp_path / name}: 2 entries repeat a word ('aa'); the first of each counts\n"


# What a format cannot hold


@pytest.mark.parametrize("name", [name for name in NAMES if name != "v.npz"])
@pytest.mark.parametrize(
    "word, said",
    [("", "is empty"), *((word, "white space") for word in ("a\tb", "a\n", "\r")), ("\ud800", "not valid text")],
)
def test_a_word_that_cannot_be_kept_is_refused(tmp_path, name, word, said):
    message = refused(save_vectors, tmp_path / name, WordVectors(["fine", word], np.ones((2, 2))))
    assert said in message and "word 1" in message and ".npz" in message
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ("v.npz", "v.tsv")])
@pytest.mark.parametrize("word", ["New York", " ", "a\v", "\fa"])
def test_a_word_with_spaces_is_refused_where_spaces_divide(tmp_path, name, word):
    assert "white space" in refused(save_vectors, tmp_path / name, WordVectors([word], np.ones((1, 2))))


@pytest.mark.parametrize("name", [name for name in NAMES if name != "v.npz"])
@pytest.mark.parametrize("number", [3.5e38, -3.5e38])
def test_a_number_beyond_single_precision_is_refused(tmp_path, name, number):
    vectors = WordVectors(["a"], np.array([[0.0, number]]))
    assert "single precision" in refused(save_vectors, tmp_path / name, vectors)
    save_vectors(tmp_path / "v.npz", vectors)
    assert_same(load_vectors(tmp_path / "v.npz"), vectors)


def test_a_word_too_long_for_binary_is_refused_and_others_are_not(tmp_path):
    longest = formats.LONGEST_WORD - 1
    for word in ("x" * longest, "é" * (longest // 2)):
        vectors = WordVectors([word], np.ones((1, 2), np.float32))
        save_vectors(tmp_path / "v.bin", vectors)
        assert_same(load_vectors(tmp_path / "v.bin"), vectors)
    assert "longer" in refused(save_vectors, tmp_path / "v.bin", WordVectors(["x" * (longest + 1)], np.ones((1, 2))))


def test_one_long_word_does_not_make_an_npz_large(tmp_path):
    vectors = WordVectors(["x" * 100_000, *map(str, range(1000))], np.ones((1001, 1), np.float32))
    save_vectors(tmp_path / "v.npz", vectors)
    assert (tmp_path / "v.npz").stat().st_size < 150_000  # as an array of str: 400 MB
    assert_same(load_vectors(tmp_path / "v.npz"), vectors)


# Damage


@pytest.mark.parametrize(
    "text, said",
    [
        ("", "line 1: wanted"),
        ("\n", "line 1: wanted"),
        ("the\n", "line 1: wanted"),
        ("0 3\n", "line 1: wanted"),
        ("3 0\n", "line 1: wanted"),
        ("2 3\nthe 1 2 3\n", "declares 2 words, but the file ends after 1: it is cut off; if it is whole, write 1"),
        ("1 3\nthe 1 2 3\na 1 2 3\nb 1 2 3\n\n", "declares 1 words, but 3 follow: write 3 there, or read the first 1"),
        ("2 3\nthe 1 2 3\na 1 2\n", "line 3: wanted a word and 3 numbers, got 'a 1 2'"),
        ("2 3\nthe 1 2 3\na 1 2 3 4\n", "line 3: wanted a word and 3 numbers, got more: 'a 1 2 3 4'"),
        ("2 3\nthe 1 2 3\n 1 2 3\n", "line 3: wanted a word and 3 numbers"),
        ("2 3\nthe 1 2 3\n\n", "declares 2 words, but the file ends after 1"),
        ("2 3\nthe 1 2 3\n\na 1 2 3\n", "line 3: wanted a word and 3 numbers, got ''"),
        ("the 1 2 3\n\na 1 2 3\n", "line 2: wanted a word and 3 numbers, got ''"),
        ("2 2\nthe 1 2\na nan 1 2\n", "line 3: wanted a word and 2 numbers, got more: 'a nan 1 2'"),
        ("2 2\nthe 1 2\na b -Infinity 1 2\n", "got more"),
        ("the nan 1 2\n", "got 'nan'"),
        ("2 3\nthe 1 2 3\na 1 x 3\n", "line 3: wanted 3 numbers, all finite as float32, got 'x'"),
        ("2 3\nthe 1 2 3\na 1 nan 3\n", "line 3: wanted 3 numbers, all finite as float32, got 'nan'"),
        ("2 3\nthe 1 2 3\na 1 2 -inf\n", "got '-inf'"),
        ("2 3\nthe 1 2 3\na 1 2 1e39\n", "got '1e39'"),
        ("2 3\nthe 1 2 3\na 1 1_0 3\n", "got '1_0'"),
        ("2 3\nthe 1 2 3\na 1 0x1 3\n", "got '0x1'"),
        ("2 3\nthe 1 2 3\na 1 1,5 3\n", "got '1,5'"),
        ("2 3\nthe 1 2 3\na 1 2\x1c2 3\n", "line 3: wanted 3 numbers"),
        ("1 3\na 1 2\x1c2 3\n", "line 2: wanted 3 numbers"),
        ("1 3\na 1 ١ 3\n", "got '١'"),
        ("1 3\na 1 2 3", "line 2: the file ends within this line"),
        ("a 1 2 3\nb 1 2 3", "line 2: the file ends within this line"),
        ("a 1 2 3\nb 1 2\n", "line 2: wanted a word and 3 numbers"),
        ("a b c\n", "line 1: wanted 2 numbers"),
        (b"\x00\x01\x02\x03\n", "line 1: wanted"),
        ("1000000000000 3\nthe 1 2 3\n", "declares 1000000000000 words, but the file ends after 1"),
        ("1 1000000000000\nthe 1 2 3\n", "line 1: wanted the numbers of words and of dimensions"),
        ("9" * 5000 + " 3\nthe 1 2 3\n", "line 2: wanted a word and 1 numbers"),
        ("word" + " 1" * 200_000 + "\n", "line 1: wanted a word and its numbers"),
    ],
)
def test_damaged_text_is_refused_with_its_line(tmp_path, text, said):
    message = refused(load_vectors, write(tmp_path / "v.txt", text))
    assert said in message
    assert message.startswith(str(tmp_path / "v.txt"))
    assert len(message) < 300 + len(str(tmp_path))


@pytest.mark.parametrize(
    "data, said",
    [
        (b"", "line 1: wanted"),
        (b"the cliche\n", "line 1: wanted"),
        (b"1 99999999999\na 1234", "line 1: wanted"),
        (b"999999999999 1\na 1234", "word 2 of 999999999999 (from byte 21): the file is cut off"),
        (b"2 1\na 1234b 123", "word 2 of 2 (from byte 10): the file is cut off"),
        (b"1 1\n" + b"x" * 100_000, "word 1 of 1 (from byte 4): no word ends within 65536 bytes"),
        (b"1 1\n" + b"x" * 70_000 + b" 1234", "no word ends within 65536 bytes"),
        (b"1 1\na 1234b 1234", "declares 1 words of 1 numbers, but more data follow"),
        (b"1 1\na \x00\x00\xc0\x7f", "the vector of 'a' (row 0) holds NaN"),
        (b"1 1\n 1234\n", None),  # an empty word: odd, but a word
    ],
)
def test_damaged_binary_is_refused_with_its_place(tmp_path, data, said):
    path = write(tmp_path / "v.bin", data)
    if said is None:
        assert load_vectors(path).words == [""]
    else:
        message = refused(load_vectors, path)
        assert said in message and str(path) in message


def npz(**arrays):
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def zipped(**files):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in files.items():
            archive.writestr(f"{name}.npy", data)
    return buffer.getvalue()


def npy_claiming(shape):
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, {"descr": "<f4", "fortran_order": False, "shape": shape})
    return buffer.getvalue() + b"1234"


ONE = np.ones((1, 2))
LETTERS = np.frombuffer(b"abc", np.uint8)


@pytest.mark.parametrize(
    "data, said",
    [
        (b"", "damaged, or not an archive"),
        (b"PK\x03\x04 and no more", "damaged, or not an archive"),
        (npz(other=ONE), "no word vectors"),
        (npz(vectors=ONE), "no word vectors"),
        (npz(vectors=ONE, words=np.array([b"a"])), "words has shape (1,) of |S1"),
        (npz(vectors=ONE, words=np.array([["a"]])), "words has shape (1, 1)"),
        (npz(vectors=ONE, words=np.array(["a", "b"])), "do not belong together: 2 words, 1 rows"),
        (npz(vectors=np.array([["a"]]), words=np.array(["a"])), "vectors has shape (1, 1) of <U1"),
        (npz(vectors=np.ones(2), words=np.array(["a", "b"])), "vectors has shape (2,)"),
        (npz(vectors=np.array([[np.nan]]), words=np.array(["a"])), "holds NaN"),
        (npz(vectors=ONE, word_bytes=LETTERS, word_ends=np.array([4])), "do not belong together"),
        (npz(vectors=ONE, word_bytes=LETTERS, word_ends=np.array([3, 3])), "do not belong together"),
        (npz(vectors=np.ones((2, 1)), word_bytes=LETTERS, word_ends=np.array([3, 1])), "do not belong together"),
        (npz(vectors=np.ones((2, 1)), word_bytes=LETTERS, word_ends=np.array([-1, 3])), "do not belong together"),
        (npz(vectors=ONE, word_bytes=np.array([255], np.uint8), word_ends=np.array([1])), "damaged"),
        (npz(vectors=np.empty((0, 2)), words=np.empty(0, "U1")), "at least one word"),
        (zipped(vectors=npy_claiming((10**12, 10**3))), "4 bytes follow"),
        (zipped(vectors=b"nonsense"), "damaged, or not an archive"),
        (zipped(vectors=b"\x93NUMPY\x09\x00"), "damaged, or not an archive"),
    ],
)
def test_damaged_npz_is_refused(tmp_path, data, said):
    message = refused(load_vectors, write(tmp_path / "v.npz", data))
    assert said in message and str(tmp_path / "v.npz") in message


def test_nothing_is_unpickled(tmp_path):
    class Trap:
        def __reduce__(self):
            return print, ("the trap has gone off",)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        np.savez(tmp_path / "v.npz", vectors=ONE, words=np.array([Trap()], dtype=object), allow_pickle=True)
        np.save(tmp_path / "p.npy", np.array([[Trap()], [Trap()]], dtype=object), allow_pickle=True)
    assert "damaged" in refused(load_vectors, tmp_path / "v.npz")
    assert "damaged" in refused(load_saved_params, tmp_path / "p.npy", ["a"])


@pytest.mark.parametrize(
    "numbers, words, said",
    [
        ("", "", "v.tsv, line 1: wanted numbers between tabs"),
        ("1\t2\n", "", "1 vectors, "),
        ("1\t2\n3\t4\n", "a\n", "2 vectors, "),
        ("1\t2\n", "a\nb\n", "1 vectors, "),
        ("1\t2\n3\n", "a\nb\n", "v.tsv, line 2: wanted 2 numbers"),
        ("1\t2\n3\tx\n", "a\nb\n", "v.tsv, line 2: wanted 2 numbers, all finite as float32, got 'x'"),
        ("1\t2\n3\t4", "a\nb\n", "v.tsv, line 2: the file ends within this line"),
        ("1\t2\n3\t4\n", "a\nb", "v_metadata.tsv, line 2: the file ends within this line"),
    ],
)
def test_a_damaged_pair_is_refused(tmp_path, numbers, words, said):
    write(tmp_path / "v.tsv", numbers)
    write(tmp_path / "v_metadata.tsv", words)
    assert said in refused(load_vectors, tmp_path / "v.tsv")


def test_what_is_missing_or_cannot_be_read(tmp_path, monkeypatch):
    for name in NAMES:
        assert f"{tmp_path / name} is missing" == refused(load_vectors, tmp_path / name)
        (tmp_path / name).mkdir()
        assert "is a folder" in refused(load_vectors, tmp_path / name)
        with pytest.raises(EnvironmentFailure, match="cannot write"):
            save_vectors(tmp_path / "none" / name, two_words())
    (tmp_path / "file").touch()
    assert "is missing" in refused(load_vectors, tmp_path / "file" / "v.txt")
    assert "cannot read" in refused(load_vectors, tmp_path / "v\0.txt")
    path = write(tmp_path / "fails.txt", TEXT)
    monkeypatch.setattr(storage.recognise, "kind", lambda *_: (_ for _ in ()).throw(OSError(5, "Input/output error")))
    with pytest.raises(EnvironmentFailure, match="cannot read .*fails.txt: Input/output error"):
        load_vectors(path)
    monkeypatch.undo()
    write(tmp_path / "w.tsv", "1\t2\n")
    assert f"{tmp_path / 'w_metadata.tsv'} is missing" == refused(load_vectors, tmp_path / "w.tsv")


@pytest.mark.parametrize("limit", [0, -1, 1.5, True])
def test_a_limit_that_is_none_is_refused(tmp_path, limit):
    assert "limit must be a whole number of at least 1" in refused(load_vectors, write(tmp_path / "v.txt", TEXT), limit)


@pytest.mark.parametrize("name", NAMES)
def test_a_file_cut_off_anywhere_is_refused_or_a_prefix(tmp_path, name):
    """Only a file without a header may end early, and then only after a whole line."""
    vectors = WordVectors(["the", "cliché", "東京"], np.array([[0.5, -1.25], [17, 2e-9], [3, 44]], dtype=np.float32))
    save_vectors(tmp_path / name, vectors)
    data = (tmp_path / name).read_bytes()
    for end in range(0, len(data), 5 if name == "v.npz" else 1):
        path = write(tmp_path / f"cut-{name}", data[:end])
        if name == "v.tsv":
            (tmp_path / "cut-v_metadata.tsv").write_bytes((tmp_path / "v_metadata.tsv").read_bytes())
        try:
            loaded = load_vectors(path)
        except InputError as error:
            assert str(path.parent) in str(error)
            continue
        words = len(loaded.words)
        assert_same(loaded, WordVectors(vectors.words[:words], vectors.vectors[:words]))
        if words < 3:
            assert name == "v.glove" and data[end - 1 : end] == b"\n"
        else:
            assert name == "v.bin" and end == len(data) - 1  # the last line end, which not all programs write


@pytest.mark.filterwarnings("ignore:Reading `.npy`")  # a damaged header may look like one of Python 2
@settings(max_examples=300)
@given(
    name=st.sampled_from(["v.txt", "v.bin", "v.npz", "v.tsv", "v.txt.gz", "v.glove", "p.npy"]),
    at=st.floats(0, 1, exclude_max=True),
    data=st.binary(max_size=6),
    drop=st.integers(0, 6),
)
def test_damage_anywhere_is_an_input_error_or_word_vectors(scratch, name, at, data, drop):
    path = scratch / name
    if name == "p.npy":
        np.save(path, np.ones((4, 3)))
    else:
        save_vectors(path, two_words())
    whole = path.read_bytes()
    place = int(at * len(whole))
    path.write_bytes(whole[:place] + data + whole[place + drop :])
    try:
        load_saved_params(path, ["a", "b"]) if name == "p.npy" else load_vectors(path)
    except InputError as error:
        assert "\n" not in str(error)


@settings(max_examples=200)
@given(st.binary(max_size=60), st.sampled_from(["v.txt", "v.glove", "v.bin", "v.npz", "v.tsv", "v.txt.gz"]))
def test_any_bytes_are_an_input_error_or_word_vectors(scratch, data, name):
    (scratch / "v_metadata.tsv").write_bytes(data)
    try:
        load_vectors(write(scratch / name, data))
    except InputError as error:
        assert "\n" not in str(error)


@pytest.mark.parametrize("name", ["v.txt", "v.tsv", "v.npz", "v.bin"])
def test_a_failed_write_leaves_the_old_files(tmp_path, monkeypatch, name):
    save_vectors(tmp_path / name, two_words())
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def broken(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", broken)
    with pytest.raises(EnvironmentFailure, match="No space left"):
        save_vectors(tmp_path / name, WordVectors(["other"], np.zeros((1, 3))))
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


# What a file is, whatever it is called


@pytest.mark.parametrize("written", NAMES)
@pytest.mark.parametrize("called", ["v.txt", "v.vec", "v.glove", "v.bin", "v.npz", "v.txt.gz", "v", "v.data"])
def test_the_content_decides_and_the_name_does_not(tmp_path, capsys, written, called):
    if written == "v.tsv":
        return
    save_vectors(tmp_path / written, two_words())
    path = (tmp_path / written).rename(tmp_path / called)
    assert_same(load_vectors(path), two_words())
    assert load_vectors(path, limit=1).words == ["the"]
    names = {"txt": "text", "vec": "text", "glove": "text", "bin": "binary", "npz": "archive"}
    known = [name.removesuffix(".gz")[2:] for name in (written, called)]
    expected = {names[name] for name in known if name in names}
    err = capsys.readouterr().err
    if called in ("v", "v.data") or len(expected) == 1:
        assert err == ""
    else:
        assert err.count("\n") == 2 and "in spite of its name" in err


def test_text_between_tabs_called_tsv_has_its_words_within(tmp_path):
    assert load_vectors(write(tmp_path / "v.tsv", TEXT[4:].replace(" ", "\t"))).words == ["the", "cliché"]
    assert load_vectors(write(tmp_path / "v.tsv", TEXT)).words == ["the", "cliché"]


PICKLE = b"\x80\x04\x95\x1e\x00\x00"


@pytest.mark.parametrize("name", ["v.txt", "v.glove", "v.bin", "v.npz", "v.tsv", "v", "v.txt.gz"])
@pytest.mark.parametrize(
    "data, said",
    [
        ((793712314).to_bytes(4, "little") + bytes(60), "a model of fastText"),
        (PICKLE, "a pickle, as gensim's save() writes"),
        (b"\x93NUMPY\x01\x00", "load_saved_params"),
        (b"\x89PNG\r\n\x1a\n" + bytes(60), "a PNG picture"),
        (b"\xfd7zXZ\x00" + bytes(60), "compressed by xz: unpack it first"),
        (b"BZh91AY&SY", "compressed by bzip2"),
        ("2 3\nthe 1 2 3\n".encode("utf-16"), "UTF-16 text"),
        (b"<!doctype html><html>", "a web page"),
        (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
        (b"x" * 257 + b"ustar\x0000", "a tar archive"),
        (b"2 2\rthe 1 2\ra 1 2\r", "carriage returns alone"),
    ],
)
def test_what_is_something_else_is_called_by_its_name(tmp_path, name, data, said):
    assert said in refused(load_vectors, write(tmp_path / name, data))
    assert said in refused(load_vectors, write(tmp_path / name, gzip.compress(data)))


def test_a_zip_of_something_else_names_its_members(tmp_path):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("glove.6B.50d.txt", TEXT)
    for name in ("v.npz", "v.txt", "v.bin"):
        assert "a zip archive of glove.6B.50d.txt" in refused(load_vectors, write(tmp_path / name, buffer.getvalue()))


def test_a_byte_order_mark_is_no_part_of_the_first_word(tmp_path):
    mark = b"\xef\xbb\xbf"
    for name in ("v.txt", "v.glove", "v.tsv", "v.txt.gz"):
        save_vectors(tmp_path / name, two_words())
        for path in tmp_path.iterdir():
            data = path.read_bytes()
            packed = path.suffix == ".gz"
            path.write_bytes(gzip.compress(mark + gzip.decompress(data)) if packed else mark + data)
        assert_same(load_vectors(tmp_path / name), two_words())
        for path in tmp_path.iterdir():
            path.unlink()


@pytest.mark.parametrize("name", ["v.glove", "v.tsv"])
def test_a_first_word_that_begins_with_a_byte_order_mark_is_refused_where_it_would_be_lost(tmp_path, name):
    assert "byte order mark" in refused(save_vectors, tmp_path / name, WordVectors(["\ufeffa", "b"], np.eye(2)))
    save_vectors(tmp_path / name, WordVectors(["b", "\ufeffa"], np.eye(2)))
    assert load_vectors(tmp_path / name).words == ["b", "\ufeffa"]


@pytest.mark.parametrize("word", ["\xa0", "\ufeff", "\u3000 \u2028", " "])
def test_the_projector_cannot_hold_words_of_white_space_alone(tmp_path, word):
    assert "white space" in refused(save_vectors, tmp_path / "v.tsv", WordVectors(["a", word], np.eye(2)))


@pytest.mark.parametrize(
    "numbers, words", [("X_tensor.tsv", "X_metadata.tsv"), ("vectors.tsv", "metadata.tsv"), ("v.tsv", "v_metadata.tsv")]
)
def test_the_projectors_words_are_found_under_any_of_their_names(tmp_path, numbers, words):
    write(tmp_path / numbers, "0.5\t-1\t2e-3\n1\t2\t3\n\n")
    write(tmp_path / words, "the\ncliché\n\n")
    assert_same(load_vectors(tmp_path / numbers), two_words())
    save_vectors(tmp_path / "Y_tensor.tsv", two_words())
    assert (tmp_path / "Y_metadata.tsv").read_text(encoding="utf-8") == "the\ncliché\n"


@pytest.mark.parametrize("end", ["\n", "\r\n", " \n\n\n"])
@pytest.mark.parametrize("name", ["v.txt", "v.glove"])
def test_blank_lines_at_the_end_do_no_harm(tmp_path, name, end):
    text = TEXT if name == "v.txt" else TEXT[4:]
    assert_same(load_vectors(write(tmp_path / name, text + end)), two_words())


CUT = b"2 2\nna\xc3\xafve 1 2\ncaf\xc3 3 4\n"


def test_words_that_are_not_utf_8_are_read_with_a_notice_or_refused(tmp_path, capsys):
    path = write(tmp_path / "v.txt", CUT)
    loaded = load_vectors(path)
    assert (loaded.words, loaded.vectors.tolist()) == (["naïve", "caf\ufffd"], [[1, 2], [3, 4]])
    notice = "1 words are not UTF-8 ('caf\ufffd'); U+FFFD stands for their invalid bytes"
    assert capsys.readouterr().err == f"{path}: {notice}\n"
    assert "line 3: not UTF-8 text (byte 0xc3)" in refused(load_vectors, path, strict=True)
    assert load_vectors(path, limit=1, strict=True).words == ["naïve"]
    path = write(tmp_path / "v.bin", b"1 1\n\xff 1234")
    assert load_vectors(path).words == ["\ufffd"]
    assert "word 1 of 1 (from byte 4): not UTF-8 text (byte 0xff)" in refused(load_vectors, path, strict=True)
    write(tmp_path / "v_metadata.tsv", b"a\n\xff\n")
    path = write(tmp_path / "v.tsv", "1\t2\n3\t4\n")
    assert load_vectors(path).words == ["a", "\ufffd"]
    assert "v_metadata.tsv, line 2: not UTF-8" in refused(load_vectors, path, strict=True)


def test_words_are_checked_before_the_work(tmp_path):
    for name in NAMES:
        assert check_words(tmp_path / name, ["the", "cliché"]) is None
    assert "word 1, 'New York', has white space" in refused(check_words, tmp_path / "v.txt.gz", ["a", "New York"])
    assert check_words(tmp_path / "v.npz", ["a", "New York", ""]) is None
    assert list(tmp_path.iterdir()) == []


# Speed has an own way for ordinary files: it must give what the careful way gives


def test_ordinary_lines_and_odd_ones_are_read_alike(tmp_path, monkeypatch):
    lines = ["the 1 2", "a  3\t4", ". . 5 6", "x\x1c 7 8", "\u3000 9 10", "7 11 12 "]
    monkeypatch.setattr(formats, "BLOCK", 2)  # each line by itself
    apart = load_vectors(write(tmp_path / "v.txt", "\n".join(lines) + "\n"))
    monkeypatch.setattr(formats, "BLOCK", 2**17)
    together = load_vectors(tmp_path / "v.txt")
    assert_same(apart, together)
    assert together.words == ["the", "a", ". .", "x\x1c", "\u3000", "7"]
    assert together.vectors.ravel().tolist() == list(range(1, 13))


@settings(max_examples=200)
@given(
    st.one_of(
        hnp.arrays(np.float32, (3, 4), elements=single),
        hnp.arrays(np.uint32, (3, 4)).map(lambda bits: np.nan_to_num(bits.view(np.float32), posinf=1, neginf=-1)),
        hnp.arrays(np.int32, (3, 4), elements=st.integers(-(2**31), 2**31 - 1)).map(
            lambda numbers: (numbers / np.float64(2**20)).astype(np.float32)
        ),
    )
)
@example(np.float32(10) ** np.arange(-6, 14, dtype=np.float32).reshape(5, 4))
@example(np.nextafter(np.float32(10) ** np.arange(-6, 14, dtype=np.float32), np.float32(0)).reshape(5, 4))
@example(np.array([[0.0, -0.0, 100, 999999999]], np.float32))
@example(np.array([[0.50000000745058059692, 16777217, 8388608.5, 2097152.125]], np.float32))
def test_numbers_are_written_as_python_writes_nine_digits(rows):
    for separator in (b" ", b"\t"):
        expected = [separator.join(b"%.9g" % number for number in row) for row in rows.tolist()]
        assert as_text(rows, separator) == expected


# Memory


@pytest.mark.parametrize("name", ["v.txt", "v.glove", "v.bin", "v.npz", "v.tsv"])
def test_reading_takes_at_most_twice_the_file(tmp_path, monkeypatch, name):
    monkeypatch.setattr(formats, "BLOCK", 2**12)  # that of 2**17 would outweigh a small file
    monkeypatch.setattr(formats, "CHUNK", 2**14)
    numbers = np.random.default_rng(0).standard_normal((3000, 100)).astype(np.float32)
    save_vectors(tmp_path / name, WordVectors([f"w{i}" for i in range(3000)], numbers))
    tracemalloc.start()
    try:
        load_vectors(tmp_path / name)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 2 * (tmp_path / name).stat().st_size + 1e6  # a block, a few hundred kB of words


@pytest.mark.parametrize(
    "name, data",
    [
        ("v.txt", b"1000000000000 300\nthe 1\n"),
        ("v.txt", b"1000000000 100000\nthe 1\n"),
        ("v.bin", b"1000000000000 100000\nthe 1234"),
        ("v.npz", zipped(vectors=npy_claiming((10**9, 100)))),
        ("v.npz", zipped(vectors=npy_claiming((2**62, 4)))),
    ],
)
def test_a_header_that_claims_too_much_takes_no_memory(tmp_path, name, data):
    path = write(tmp_path / name, data)
    tracemalloc.start()
    try:
        refused(load_vectors, path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 6e6  # enough for the longest first line


def test_data_that_unpack_out_of_all_proportion_take_no_memory(tmp_path, monkeypatch):
    """As much as is believed in any case is cut down for the test: what lies beyond is refused before it is read."""
    monkeypatch.setattr(formats, "FREELY_UNPACKED", 2**20)
    np.savez_compressed(tmp_path / "v.npz", vectors=np.zeros((10**5, 100), np.float32), words=np.array(["a"]))
    (tmp_path / "v.txt.gz").write_bytes(gzip.compress(b"the 1" + b" " * 10**7 + b"\n"))
    (tmp_path / "w.txt.gz").write_bytes(gzip.compress(b"a 1\n" * 10**6))
    for path in tmp_path.iterdir():
        tracemalloc.start()
        try:
            assert "unpacks to more than 100 times its size" in refused(load_vectors, path)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert peak < 6e7, path.name  # a block of 131,072 short lines takes 40 MB; 1,000,000 of them would take 300


def test_a_line_without_an_end_is_read_up_to_a_limit(tmp_path, monkeypatch):
    monkeypatch.setattr(formats, "LONGEST_LINE", 1000)
    message = refused(load_vectors, write(tmp_path / "v.txt", "the 1 2\na 1 2" + " " * 10**6 + "\n"))
    assert "line 2: longer than 1,000 bytes" in message


def test_of_an_npz_that_does_not_fit_together_only_the_headers_are_read(tmp_path):
    np.savez(tmp_path / "v.npz", vectors=np.zeros((10**5, 100), np.float32), words=np.array(["a"]))
    tracemalloc.start()
    try:
        assert "1 words, 100000 rows" in refused(load_vectors, tmp_path / "v.npz")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 1e6


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
@pytest.mark.parametrize("name", ["v.txt", "v.bin", "v.npz", "v.tsv", "v.txt.gz"])
def test_pipes_and_devices_are_refused_before_they_are_read(tmp_path, name):
    os.mkfifo(tmp_path / name)
    assert "pipe or a device" in refused(load_vectors, tmp_path / name)
    assert "pipe or a device" in refused(load_saved_params, tmp_path / name, ["a"])
    (tmp_path / name).unlink()
    (tmp_path / name).symlink_to("/dev/zero")
    assert "pipe or a device" in refused(load_vectors, tmp_path / name)


# Parameters of a training

STACKED = np.arange(12.0).reshape(6, 2)  # three words: 0 1, 2 3, 4 5 as centre words, 6 7, 8 9, 10 11 as outside words


@pytest.mark.parametrize(
    "which, expected",
    [
        ("center", [[0, 1], [2, 3], [4, 5]]),
        ("outside", [[6, 7], [8, 9], [10, 11]]),
        ("sum", [[6, 8], [10, 12], [14, 16]]),
        ("concat", [[0, 1, 6, 7], [2, 3, 8, 9], [4, 5, 10, 11]]),
    ],
)
def test_which_vectors(tmp_path, which, expected):
    assert select(STACKED, which).tolist() == expected
    np.save(tmp_path / "saved_params_3.npy", STACKED)
    loaded = load_saved_params(tmp_path / "saved_params_3.npy", ["a", "b", "c"], which)
    assert loaded.words == ["a", "b", "c"]
    assert loaded.vectors.tolist() == expected
    assert loaded.vectors.dtype == np.float64
    with (tmp_path / "saved_params_3.npy").open("r+b") as file:  # what was loaded does not hang on the file
        file.seek(-STACKED.nbytes, 2)
        file.write(bytes(STACKED.nbytes))
    assert loaded.vectors.tolist() == expected


def test_centre_vectors_are_the_default(tmp_path):
    np.save(tmp_path / "p.npy", STACKED)
    assert np.array_equal(load_saved_params(str(tmp_path / "p.npy"), ["a", "b", "c"]).vectors, STACKED[:3])


def test_parameters_that_do_not_fit_are_refused(tmp_path):
    assert "'all'" in refused(select, STACKED, "all")
    assert "(5, 2)" in refused(select, STACKED[:5], "sum")
    assert "(6,)" in refused(select, STACKED[:, 0], "sum")
    path = tmp_path / "p.npy"
    assert "is missing" in refused(load_saved_params, path, ["a"])
    np.save(path, STACKED)
    assert "wanted two rows for each of 2 words" in refused(load_saved_params, path, ["a", "b"])
    data = path.read_bytes()
    for cut in (0, 5, 50, len(data) - 1):
        assert "damaged" in refused(load_saved_params, write(path, data[:cut]), ["a", "b", "c"])
    np.savez(tmp_path / "p.npz", STACKED)
    assert "not a .npy file" in refused(load_saved_params, tmp_path / "p.npz", ["a", "b", "c"])
    np.save(path, np.full((2, 2), np.nan))
    assert "NaN" in refused(load_saved_params, path, ["a"])


# As gensim


@pytest.fixture(scope="module")
def keyed_vectors():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip("gensim.models").KeyedVectors


@pytest.fixture(scope="module")
def ours():
    words = ["the", "cliché", "東京", "a\xa0b", "\U0001f600", "0.5", "#", '"', "x" * 200]
    return WordVectors(words, np.random.default_rng(0).standard_normal((len(words), 7)).astype(np.float32))


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
@pytest.mark.parametrize(
    "name, options",
    [
        ("v.txt", {}),
        ("v.vec", {}),
        ("v.txt.gz", {}),
        ("v.bin", {"binary": True}),
        ("v.bin.gz", {"binary": True}),
        ("v.glove", {"no_header": True}),
    ],
)
def test_gensim_reads_what_is_written_here_and_the_other_way_round(tmp_path, keyed_vectors, ours, name, options):
    save_vectors(tmp_path / name, ours)
    theirs = keyed_vectors.load_word2vec_format(str(tmp_path / name), **options)
    assert theirs.index_to_key == ours.words
    assert np.array_equal(theirs.vectors, ours.vectors)

    back = tmp_path / f"back-{name}"
    written = {"write_header": False} if "no_header" in options else options
    theirs.save_word2vec_format(str(back), **written)
    assert_same(load_vectors(back), ours)
