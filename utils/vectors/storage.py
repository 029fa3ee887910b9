"""Files of words and their vectors: read whatever format they have, written in the one of their extension.

| extension | format | what it is |
| --- | --- | --- |
| `.txt`, `.vec` | `word2vec` | text: the header "words dimensions", then lines "word number number ..." |
| `.glove` | `glove` | the same without a header |
| `.bin` | `binary` | word2vec's: the header, then each word and its numbers, 4 bytes each |
| `.npz` | `npz` | NumPy arrays: any word, any precision, and the vectors of n-grams if there are any |
| `.tsv` | `projector` | the Embedding Projector's: X.tsv with the numbers, X_metadata.tsv with one word per line |
| `.bin` | `fasttext` | a model of fastText with its n-grams: read, not written |

The first three may be compressed (`.txt.gz`). All but `npz` hold numbers of single precision, and those exactly;
smaller numbers become 0. They cannot hold words that are empty or contain white space (`projector`: tabs, line ends, or
nothing but white space). All but `npz` and `fasttext` hold the vectors of the words alone.

A file is read by its content: the name only decides where the content could be two formats.
"""

import codecs
import contextlib
import gzip
import io
import re
import sys
import zlib
from collections.abc import Iterator, Sequence
from os import PathLike
from pathlib import Path
from typing import BinaryIO

import numpy as np

from utils.system import console
from utils.system.errors import EnvironmentFailure, InputError, brief
from utils.system.files import check_regular, replacing, write_together
from utils.vectors import fasttext, formats, recognise
from utils.vectors.subwords import Subwords

EXTENSIONS = {
    ".txt": "word2vec",
    ".vec": "word2vec",
    ".glove": "glove",
    ".bin": "binary",
    ".npz": "npz",
    ".tsv": "projector",
}
FASTTEXT = "fasttext"  # read only
BINARY = {"binary", FASTTEXT}  # both end in .bin
COMPRESSED = ".gz"
GZIP_LEVEL = 6  # 9 takes twice as long for 1 % less
COMPRESSIBLE = ("word2vec", "glove", "binary")
METADATA = "_metadata"
TENSOR = "_tensor"  # X_tensor.tsv and X_metadata.tsv are gensim's names
PROJECTOR_SPACE = r"[\s\ufeff]*"  # what its page takes for an empty line
SPACE = r"[\t\n\v\f\r ]"


def format_of(path: str | PathLike, format: str | None = None) -> str:
    """The format to write: the given one, or else that of the extension.

    Returns
    -------
    {"word2vec", "glove", "binary", "npz", "projector"}

    Raises
    ------
    InputError
        The extension or the format is unknown, or such a file cannot be compressed.
    """
    path = Path(path)
    compressed = path.suffix.lower() == COMPRESSED
    extension = _extension(path)
    known = sorted(set(EXTENSIONS.values()))
    if format is None and extension not in EXTENSIONS:
        raise InputError(f"{path}: files of word vectors end in {', '.join(EXTENSIONS)}, not in {extension!r}")
    if format is not None and format not in known:
        raise InputError(f"format must be one of {', '.join(known)}, got {format!r}")
    format = format or EXTENSIONS[extension]
    if compressed and format not in COMPRESSIBLE:
        raise InputError(f"{path}: files of format {format} are not compressed: leave out {COMPRESSED}")
    return format


def read(
    path: str | PathLike, limit: int | None = None, format: str | None = None, strict: bool = False
) -> tuple[list[str], np.ndarray, Subwords | None]:
    """Read words and vectors.

    Parameters
    ----------
    path : str or Path
        Of the projector's two files the one with the numbers.
    limit : int, optional
        Read only the first so many words.
    format : str, optional
        As in the table above; by default recognised by the content.
    strict : bool
        Refuse words that are not UTF-8, instead of reading them with U+FFFD.

    Returns
    -------
    words : list of str, length n
    vectors : ndarray, shape (n, d)
        float32, except from `npz`. If a word is repeated, its first vector counts. This, replaced bytes and a name that
        belongs to another format are reported on standard error, one line each.
    subwords : Subwords or None
        What words that are not in the file can be composed from; None if it has no n-grams.

    Raises
    ------
    InputError
        The file is missing, not a regular file, of another kind, damaged or cut off; the line or the word is named.
    EnvironmentFailure
        The file is there but cannot be read.

    Notes
    -----
    Memory: at most about twice the (uncompressed) file, whatever its header claims; compressed data that expand out of
    all proportion are refused. Text must end with a line end: without it, nobody can tell whether the last number is
    complete. Words of text may contain spaces, as in one of GloVe's files, unless a number follows the space.
    """
    path = Path(path)
    if format not in (None, FASTTEXT):
        format_of(path, format)
    if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int) or limit < 1):
        raise InputError(f"limit must be a whole number of at least 1, got {limit!r}")
    most, decode = sys.maxsize if limit is None else limit, formats.Decoder(strict)
    with _opened(path) as file:
        if format is None:
            hint = EXTENSIONS.get(_extension(path))
            format = recognise.kind(path, file.peek(recognise.HEAD)[: recognise.HEAD], hint)
            if hint and hint != format and {hint, format} not in ({"word2vec", "glove"}, BINARY):
                _notice(path, f"read as {recognise.NAMES[format]}, which it is in spite of its name")
        words, vectors, *subwords = _read(path, file, format, most, decode)
    if decode.replaced:
        some = f"{decode.replaced} words are not UTF-8 ({decode.first!r})"
        _notice(path, f"{some}; U+FFFD stands for their invalid bytes")
    return *_first_of_each(path, words, vectors), subwords[0] if subwords else None


def _read(path, file, format, most, decode):
    if format == "npz":
        return formats.read_npz(path, file, most)
    if format == FASTTEXT:
        return fasttext.read_fasttext(path, file, most, decode)
    if format == "binary":
        return formats.read_binary(path, file, most, decode)
    if format == "projector":
        beside = _metadata_to_read(path)
        with _opened(beside) as words_file:
            return formats.read_projector(path, file, beside, words_file, most, decode)
    return formats.read_text(path, file, most, format == "word2vec", decode)


def write(
    path: str | PathLike,
    words: Sequence[str],
    vectors: np.ndarray,
    format: str | None = None,
    subwords: Subwords | None = None,
) -> None:
    """Write words and vectors; the file (the projector's: both) appears whole or not at all.

    Parameters
    ----------
    path : str or Path
    words : sequence of str, length n
    vectors : ndarray of float, shape (n, d)
    format : str, optional
        As in the table above; by default chosen by the extension.
    subwords : Subwords, optional
        Kept by `npz` alone.

    Raises
    ------
    InputError
        The format is unknown, or cannot hold one of the words or numbers.
    EnvironmentFailure
        The file cannot be written.
    """
    path = Path(path)
    format = format_of(path, format)
    check_words(path, words, format)
    if format != "npz":
        _check_numbers(path, vectors)
    if format == "projector":
        numbers, text = formats.projector_files(words, vectors)
        write_together({path: numbers, _metadata(path): text})
        return
    with replacing(path, "wb") as plain, _compressing(plain, path) as file:
        if format == "npz":
            formats.write_npz(file, words, vectors, subwords)
        elif format == "binary":
            formats.write_binary(file, words, vectors)
        else:
            formats.write_text(file, words, vectors, header=format == "word2vec")


def check_words(path: str | PathLike, words: Sequence[str], format: str | None = None) -> None:
    """Check before the work that a file can be saved by that name and hold these words.

    Raises
    ------
    InputError
        The extension is unknown, or the format cannot hold one of the words.
    """
    path = Path(path)
    format = format_of(path, format)
    if format == "npz":
        return
    refused = re.compile(rf"[\t\n\r]|^{PROJECTOR_SPACE}$" if format == "projector" else rf"{SPACE}|^$")
    for i, word in enumerate(words):
        if fault := _fault(word, i, refused, format):
            raise InputError(f"{path}: word {i}, {word[:60]!r}, {fault}, which format {format} cannot hold: use .npz")


def _fault(word, i, refused, format):
    if refused.search(word):
        return "has white space" if word else "is empty"
    if i == 0 and word.startswith("\ufeff") and format in ("glove", "projector"):
        return "begins with a byte order mark"
    try:
        size = len(word.encode())
    except UnicodeEncodeError:
        return "is not valid text"
    too_long = format == "binary" and size >= formats.LONGEST_WORD
    return f"is longer than {formats.LONGEST_WORD - 1} bytes" if too_long else None


def _check_numbers(path, vectors):
    if max(vectors.max(), -vectors.min()) > np.finfo(np.float32).max:
        raise InputError(f"{path}: some numbers are beyond single precision, which this format keeps: use .npz")


# Opening


@contextlib.contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn what goes wrong while a file is read into the errors that users are shown."""
    check_regular(path)
    try:
        yield
    except (gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise InputError(f"{path} is damaged or cut off: {brief(error)}") from None
    except OSError as error:
        raise EnvironmentFailure(f"cannot read {path}: {error.strerror or error}") from error


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    """The content of a file, unpacked if it is compressed, without a byte order mark."""
    with reading(path), path.open("rb", buffering=recognise.HEAD) as packed:
        file = packed
        if packed.peek(2).startswith(recognise.GZIP):
            file = io.BufferedReader(_Unpacked(path, packed), recognise.HEAD)
        if file.peek(3).startswith(codecs.BOM_UTF8):
            file.read(len(codecs.BOM_UTF8))
        yield file


class _Unpacked(io.RawIOBase):
    """The content of a gzip file, as long as it is in proportion to the file's size."""

    def __init__(self, path, packed):
        self.path, self.packed, self.seen = path, packed, 0
        self.unpacking = gzip.GzipFile(fileobj=packed)

    def readable(self):
        return True

    def readinto(self, buffer):
        data = self.unpacking.read(len(buffer))
        buffer[: len(data)] = data
        self.seen += len(data)
        formats.check_expansion(self.path, self.seen, self.packed.tell())
        return len(data)


def _compressing(file, path):
    if path.suffix.lower() != COMPRESSED:
        return contextlib.nullcontext(file)
    return gzip.GzipFile(path.stem, "wb", GZIP_LEVEL, file, mtime=0)  # the same vectors give the same bytes


def _extension(path):
    return (path.with_suffix("") if path.suffix.lower() == COMPRESSED else path).suffix.lower()


def files_of(path, written=False):
    """The files that vectors are in which are saved as `path`, or written as such: a .tsv has its words beside it."""
    path = Path(path)
    if _extension(path) != ".tsv":
        return [path]
    return [path, _metadata(path) if written else _metadata_to_read(path)]


def _metadata(path):
    return path.with_name(f"{path.stem.removesuffix(TENSOR)}{METADATA}{path.suffix}")


def _metadata_to_read(path):
    """The words beside the projector's numbers: under our name, gensim's, or that of the projector's tutorials."""
    places = (path.with_name(f"{path.stem}{METADATA}{path.suffix}"), _metadata(path), path.with_name("metadata.tsv"))
    return next((place for place in places if place.exists()), places[1])


def _notice(path, text):
    console.note(f"{path}: {text}")


def _first_of_each(path, words, vectors):
    first = {}
    for i, word in enumerate(words):
        first.setdefault(word, i)
    if len(first) == len(words):
        return words, vectors
    again = next(word for i, word in enumerate(words) if first[word] != i)
    _notice(path, f"{len(words) - len(first)} entries repeat a word ({again!r}); the first of each counts")
    return list(first), vectors[list(first.values())]
