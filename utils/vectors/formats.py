"""The formats of word vectors, one reader and one writer each; `storage` chooses among them.

A reader returns the words, a list of str, and their vectors, (n, d), and raises InputError naming the place of a fault;
that of NumPy's archives returns Subwords or None besides.
No reader allocates more than the data it has seen calls for, whatever a header claims.
"""

import errno
import functools
import itertools
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np

from utils.system.errors import InputError, brief
from utils.system.npy import header_from
from utils.vectors.decimals import as_text
from utils.vectors.subwords import NGrams, Subwords

SINGLE = np.dtype("<f4")
BLOCK = 2**17  # numbers converted from or to text at a time
CHUNK = 2**20  # bytes of a binary file read at a time
MOST_DIMENSIONS = 10**5  # a header that declares more is not a header
LONGEST_LINE = 2**22  # bytes; enough for so many numbers
LONGEST_WORD = 2**16  # bytes, in a binary file
HEADER = re.compile(rb"\s*(\d{1,18})\s+(\d{1,18})\s*")
NOT_SEPARATORS = (b"\x1c", b"\x1d", b"\x1e", b"\x1f", b"\x85", b"\xa0")  # NumPy takes them for white space
FREELY_UNPACKED = 2**26  # bytes that compressed data may expand to in any case
MOST_EXPANSION = 100  # times their size beyond that; decimal vectors expand to three times


class Decoder:
    """Turns the bytes of words into text.

    Parameters
    ----------
    strict : bool
        Refuse a word that is not UTF-8. Otherwise U+FFFD stands for its invalid bytes: word2vec.c, for example, cuts
        long words within a letter.

    Attributes
    ----------
    replaced : int
        How many words were not UTF-8.
    first : str or None
        The first of them, as it was read.
    """

    def __init__(self, strict: bool = False):
        self.strict, self.replaced, self.first = strict, 0, None

    def __call__(self, word: bytes, place) -> str:
        """The text of a word; `place`, a str or a function that returns one, tells where it stands."""
        try:
            return word.decode()
        except UnicodeDecodeError as error:
            if self.strict:
                place = place() if callable(place) else place
                raise InputError(f"{place}: not UTF-8 text (byte 0x{word[error.start]:02x})") from None
            text = word.decode(errors="replace")
            self.replaced += 1
            self.first = self.first or text
            return text


def check_expansion(path: str | Path, unpacked: int, packed: int) -> None:
    """Refuse data that unpack to far more than word vectors do, before they fill the memory."""
    if unpacked > FREELY_UNPACKED and unpacked > MOST_EXPANSION * packed:
        raise InputError(
            f"{path} unpacks to more than {MOST_EXPANSION} times its size, as no real vectors do; "
            "if you trust it, unpack it yourself first"
        )


# Text: word2vec's with the header "words dimensions", GloVe's without


def read_text(path: str | Path, file: BinaryIO, limit: int, has_header: bool, decode: Decoder):
    """Read lines of a word and its numbers."""
    first = file.readline(LONGEST_LINE)
    if has_header:
        count, d = _sizes(path, HEADER.fullmatch(first), first)
        words, vectors = _read_lines(path, _lines(file), 2, d, min(count, limit), decode)
        if count <= limit:
            _check_count(path, len(words), count, more=sum(bool(line.strip()) for line in _lines(file)))
        return words, vectors
    d = len(first.split()) - 1
    if not 1 <= d <= MOST_DIMENSIONS:
        raise InputError(f"{path}, line 1: wanted a word and its numbers, got {_shortened(first)}")
    lines = itertools.chain([first], _lines(file))
    return _read_lines(path, lines, 1, d, limit, decode)


def write_text(file: BinaryIO, words: Sequence[str], vectors: np.ndarray, header: bool) -> None:
    """Write lines of a word and its numbers."""
    n, d = vectors.shape
    if header:
        file.write(b"%d %d\n" % (n, d))
    for part, rows in _blocks(words, vectors):
        file.write(b"".join(b"%b %b\n" % (word.encode(), row) for word, row in zip(part, _texts(rows), strict=True)))


def _texts(rows, separator=b" "):
    if rows.shape[1] > 1:
        return as_text(rows, separator)
    # "#" keeps the point: "7 3" might be a header, "7 3.00000000" cannot.
    return [b"%#.9g" % number for number in rows[:, 0].tolist()]


def _lines(file):
    return iter(functools.partial(file.readline, LONGEST_LINE), b"")


def _read_lines(path, lines, start, d, limit, decode=None):
    """Read up to `limit` lines of a word (if there is a decoder for it) and d numbers; blank ones may follow them."""
    words, blocks = [], [np.empty((0, d), np.float32)]
    rows = max(1, BLOCK // d)
    while block := list(itertools.islice(lines, min(rows, limit - len(words)))):
        first = start + len(words)
        blank = None if all(map(bytes.strip, block)) else next(i for i, line in enumerate(block) if not line.strip())
        if blank is not None and not any(line.strip() for line in itertools.chain(block[blank:], lines)):
            block = block[:blank]
        if block and not block[-1].endswith(b"\n"):
            _refuse_part(block[-1], f"{path}, line {first + len(block) - 1}")
        found, numbers = _block(path, block, first, d, decode)
        words += found
        blocks.append(numbers)
        if blank is not None:
            break
    return words, np.concatenate(blocks)


def _block(path, lines, first, d, decode):
    """The words of some lines, and their numbers: float32 array, shape (len(lines), d)."""
    try:  # as nearly all lines are: one word, white space, numbers
        parts = [line.split(None, 1) for line in lines] if decode else [(b"", line) for line in lines]
        words, numbers = [word.decode() for word, _ in parts], _parsed([rest for _, rest in parts])
    except ValueError:
        numbers = None
    if numbers is None or numbers.shape != (len(lines), d):
        parts = [_divided(line, d, decode, f"{path}, line {number}") for number, line in enumerate(lines, first)]
        words, numbers = [word for word, _ in parts], _numbers(path, [rest for _, rest in parts], first, d)
    return words, numbers


def _divided(line, d, decode, place):
    """The word and the numbers of a line, which may be anything."""
    fields = line.rsplit(None, d) if decode else [b"", *line.split()]
    if len(fields) != d + 1:
        raise InputError(f"{place}: wanted {'a word and ' if decode else ''}{d} numbers, got {_shortened(line)}")
    word = fields[0]
    if not decode:
        return "", line
    # GloVe has words like ". . ."; but a number at the end of a word is one too many.
    if len(word.split()) != 1 and (word[:1].isspace() or _is_number(word.split()[-1])):
        raise InputError(f"{place}: wanted a word and {d} numbers, got more: {_shortened(line)}")
    return decode(word.strip(), place), line[len(word) :]


def _numbers(path, rows, first, d):
    """The numbers of some lines: float32 array, shape (len(rows), d)."""
    if not rows:
        return np.empty((0, d), np.float32)
    parsed = _parsed(rows)
    if parsed is not None and parsed.shape[1] == d:
        return parsed
    for line, row in enumerate(rows, first):
        parsed = _parsed([row])
        if parsed is None or parsed.shape[1] != d:
            wrong = next((field for field in row.split() if not _is_finite(field)), row)
            raise InputError(f"{path}, line {line}: wanted {d} numbers, all finite as float32, got {_shortened(wrong)}")
    raise AssertionError("lines that can be read one by one can be read together")


def _parsed(rows):
    """The finite numbers of lines with equally many, or None."""
    joined = b"".join(rows)
    if not rows or any(character in joined for character in NOT_SEPARATORS):
        return None
    try:
        numbers = np.loadtxt(rows, dtype=np.float32, comments=None, ndmin=2)
    except ValueError:
        return None
    return numbers if len(numbers) == len(rows) and np.isfinite(numbers).all() else None


def _is_finite(field):
    number = _parsed([field])
    return number is not None and number.size == 1


def _is_number(field):
    """Whether these bytes are a number, finite or not."""
    return _is_finite(field) or field.lower().lstrip(b"+-") in (b"nan", b"inf", b"infinity")


def is_record(line: bytes, d: int | None = None) -> bool:
    """Whether a line is a word and d numbers (by default: at least one)."""
    fields = line.split()
    return len(fields) > (d or 1) and all(map(_is_number, fields[-(d or 1) :]))


def are_numbers(line: bytes) -> bool:
    """Whether a line is numbers alone."""
    return bool(line.split()) and all(map(_is_number, line.split()))


def _blocks(words: Sequence[str], vectors: np.ndarray) -> Iterator[tuple[Sequence[str], np.ndarray]]:
    n, d = vectors.shape
    rows = max(1, BLOCK // d)
    for start in range(0, n, rows):
        part = slice(start, start + rows)
        yield words[part], vectors[part].astype(SINGLE)


# word2vec's binary format


def read_binary(path: str | Path, file: BinaryIO, limit: int, decode: Decoder):
    """Read a header, then words, each with a space and its numbers, with or without a line end after them."""
    first = file.readline(100)
    count, d = _sizes(path, HEADER.fullmatch(first), first)
    words, numbers = [], bytearray()
    data, start, offset = b"", 0, len(first)

    def place():
        return f"{path}, word {len(words) + 1} of {count} (from byte {offset + start})"

    while len(words) < min(count, limit):
        space = data.find(b" ", start, start + LONGEST_WORD)
        end = space + 1 + d * SINGLE.itemsize
        if space < 0 and len(data) - start >= LONGEST_WORD:
            raise InputError(f"{place()}: no word ends within {LONGEST_WORD} bytes; is this word2vec's binary format?")
        if space < 0 or end > len(data):
            if not (more := file.read(CHUNK)):
                raise InputError(f"{place()}: the file is cut off here, or line 1 declares too many; fetch it again")
            data, start, offset = data[start:] + more, 0, offset + start
            continue
        words.append(decode(data[start:space].lstrip(b"\n"), place))
        numbers += memoryview(data)[space + 1 : end]
        start = end
    if count <= limit and (data[start:] + file.read(CHUNK)).lstrip(b"\n"):
        raise InputError(
            f"{path}, line 1: declares {count} words of {d} numbers, but more data follow: one of the two is too small"
        )
    return words, np.frombuffer(numbers, SINGLE).reshape(-1, d)


def write_binary(file: BinaryIO, words: Sequence[str], vectors: np.ndarray) -> None:
    """Write as word2vec does, including a line end after each vector."""
    file.write(b"%d %d\n" % vectors.shape)
    for part, rows in _blocks(words, vectors):
        file.write(b"".join(b"%b %b\n" % (word.encode(), row) for word, row in zip(part, rows, strict=True)))


# NumPy's archives


def read_npz(path: str | Path, file: BinaryIO, limit: int):
    """Read what `write_npz` writes; the words also from an array of str, `words`."""
    try:
        with zipfile.ZipFile(file) as archive:
            names = archive.namelist()
            if not any(name.endswith(".npy") for name in names):
                listed = brief(", ".join(names[:3]) or "nothing")
                raise InputError(f"{path} is a zip archive of {listed}, not of NumPy's arrays: unpack it first")
            vectors = _Member(path, archive, "vectors", "fiu", 2)
            subwords = _read_subwords(path, archive) if "ngram_settings.npy" in names else None
            if "words.npy" in names:  # np.savez(path, words=words, vectors=vectors)
                words = _Member(path, archive, "words", "U", 1)
                _check_rows(words.shape[0], vectors.shape[0])
                return words.read(limit).tolist(), vectors.read(limit), subwords
            ends, data = _Member(path, archive, "word_ends", "i", 1), _Member(path, archive, "word_bytes", "u", 1)
            _check_rows(ends.shape[0], vectors.shape[0])
            borders, letters = [0, *ends.read().tolist()], data.read().tobytes()
            if [*borders, len(letters)] != sorted([*borders, len(letters)]):
                raise ValueError("words and vectors do not belong together")
            words = (letters[start:end] for start, end in itertools.pairwise(borders[: min(limit, len(borders)) + 1]))
            return [word.decode("utf-8", "surrogatepass") for word in words], vectors.read(limit), subwords
    except KeyError as error:
        raise InputError(f"{path} holds no word vectors: {error.args[0]}") from None
    except OSError as error:
        if error.errno != errno.EINVAL:  # as where the archive points before its own beginning
            raise
        raise InputError(f"{path} is damaged: {error.strerror}") from None
    except InputError:
        raise
    except (ValueError, EOFError, zipfile.BadZipFile, zlib.error, struct.error, RuntimeError) as error:
        raise InputError(f"{path} is damaged, or not an archive of NumPy: {brief(error)}") from None


def _read_subwords(path, archive):
    settings, table = _Member(path, archive, "ngram_settings", "i", 1), _Member(path, archive, "ngram_vectors", "f", 2)
    if settings.shape != (3,):
        raise ValueError(f"ngram_settings has shape {settings.shape}")
    rows = _Member(path, archive, "ngram_buckets", "i", 1) if "ngram_buckets.npy" in archive.namelist() else None
    try:
        ngrams = NGrams(*settings.read().tolist())
        return Subwords(ngrams, table.read(), None if rows is None else rows.read())
    except InputError as error:
        raise ValueError(str(error)) from None


def _check_rows(words, rows):
    if words != rows:
        raise ValueError(f"words and vectors do not belong together: {words} words, {rows} rows")


class _Member:
    """One array of an archive: the header is read and checked at once, the numbers when they are wanted."""

    def __init__(self, path, archive, name, kinds, ndim):
        self.archive, self.info = archive, archive.getinfo(f"{name}.npy")
        if self.info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ValueError(f"{name} is compressed as NumPy never does")
        check_expansion(path, self.info.file_size, self.info.compress_size)
        with archive.open(self.info) as file:  # of an encrypted one, a RuntimeError
            try:
                self.shape, self.columns_first, self.dtype = header_from(file, self.info.file_size)
            except ValueError as error:
                raise ValueError(f"{name} {error}") from None
            self.begin = file.tell()
        if self.dtype.kind not in kinds or len(self.shape) != ndim:
            raise ValueError(f"{name} has shape {self.shape} of {self.dtype}")

    def read(self, limit=None):
        """The array, or its first `limit` rows."""
        with self.archive.open(self.info) as file:
            file.read(self.begin)
            data = np.frombuffer(file.read(), self.dtype)
        return data.reshape(self.shape, order="F" if self.columns_first else "C")[:limit]


def write_npz(file: BinaryIO, words: Sequence[str], vectors: np.ndarray, subwords: Subwords | None = None) -> None:
    """Write `vectors`, the words as consecutive UTF-8, `word_bytes`, and the end of each in it, `word_ends`.

    With subwords also `ngram_settings` (characters of the shortest and of the longest n-gram, number of buckets),
    `ngram_vectors` and, if not all buckets have one, the bucket of each, `ngram_buckets`.
    """
    # Not as an array of str: that would take four bytes for each character of the longest word, and drop a last "\0".
    encoded = [word.encode("utf-8", "surrogatepass") for word in words]
    word_ends = np.cumsum([len(word) for word in encoded], dtype=np.int64)
    arrays = {"vectors": vectors, "word_bytes": np.frombuffer(b"".join(encoded), np.uint8), "word_ends": word_ends}
    if subwords is not None:
        ngrams = subwords.ngrams
        arrays["ngram_settings"] = np.array([ngrams.shortest, ngrams.longest, ngrams.buckets])
        arrays["ngram_vectors"] = subwords.vectors
        if subwords.rows is not None:
            arrays["ngram_buckets"] = subwords.rows
    np.savez(file, **arrays)


# The Embedding Projector's pair of files


def read_projector(
    path: str | Path, file: BinaryIO, beside: str | Path, words_file: BinaryIO, limit: int, decode: Decoder
):
    """Read tab-separated numbers, and the words, one per line; of several columns, which have names, the first."""
    first = file.readline(LONGEST_LINE)
    d = first.count(b"\t") + 1
    if not first or d > MOST_DIMENSIONS:
        raise InputError(f"{path}, line 1: wanted numbers between tabs, got {_shortened(first)}")
    lines = itertools.chain([first], _lines(file))
    _, vectors = _read_lines(path, lines, 1, d, limit)
    words = []
    for number, line in enumerate(_lines(words_file), 1):
        place = f"{beside}, line {number}"
        if not line.endswith(b"\n"):
            _refuse_part(line, place)
        word, *other_columns = line.rstrip(b"\r\n").split(b"\t")
        if number > 1 or not other_columns:
            words.append(decode(word, place))
    while len(words) > len(vectors) and not words[-1]:
        words.pop()
    if len(vectors) != min(len(words), limit):
        raise InputError(f"{path} has {len(vectors)} vectors, {beside} {len(words)} words: they do not belong together")
    return words[:limit], vectors


def projector_files(words: Sequence[str], vectors: np.ndarray) -> tuple[bytes, bytes]:
    """The contents of the two files."""
    numbers = (row for _, rows in _blocks(words, vectors) for row in _texts(rows, b"\t"))
    return b"".join(b"%b\n" % row for row in numbers), "".join(f"{word}\n" for word in words).encode()


# Shared by several of them


def _sizes(path, header, line):
    count, d = map(int, header.groups()) if header else (0, 0)
    if count < 1 or not 1 <= d <= MOST_DIMENSIONS:
        raise InputError(f"{path}, line 1: wanted the numbers of words and of dimensions, got {_shortened(line)}")
    return count, d


def _check_count(path, found, count, more):
    if found < count:
        raise InputError(
            f"{path}, line 1: declares {count} words, but the file ends after {found}: it is cut off; "
            f"if it is whole, write {found} there"
        )
    if more:
        raise InputError(
            f"{path}, line 1: declares {count} words, but {count + more} follow: write {count + more} there, "
            f"or read the first {count} with a limit"
        )


def _refuse_part(line, place):
    if len(line) >= LONGEST_LINE:
        raise InputError(f"{place}: longer than {LONGEST_LINE:,} bytes, as no line of word vectors is")
    raise InputError(f"{place}: the file ends within this line: it is cut off, or lacks its last line end")


def _shortened(line):
    return repr(line[:60].decode(errors="replace").rstrip() + ("..." if len(line) > 60 else ""))
