"""The formats in which word vectors are kept, one reader and one writer each; `vector_files` chooses among them.

A reader returns the words, a list of str, and their vectors, (n, d), and raises InputError with the place of a fault.
None makes an array for more than the data that it has seen, whatever a header claims.
"""

import errno
import itertools
import re
import struct
import zipfile
import zlib

import numpy as np

from utils.system.errors import InputError, brief
from utils.system.npy import array_from

SINGLE = np.dtype("<f4")
BLOCK = 2**17  # numbers turned from or into text at a time
CHUNK = 2**20  # bytes of a binary file read at a time
MOST_DIMENSIONS = 10**5  # a header that tells more is no header
LONGEST_FIRST_LINE = 2**22  # bytes; room for so many numbers
LONGEST_WORD = 2**16  # bytes, in a binary file
HEADER = re.compile(rb"\s*(\d{1,18})\s+(\d{1,18})\s*")
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


# Text: word2vec's with the header "words dimensions", GloVe's without


def read_text(path, file, limit, has_header=None):
    """Read lines of a word and its numbers; `has_header=None` takes two whole numbers in the first line for one."""
    first = file.readline(LONGEST_FIRST_LINE)
    header = HEADER.fullmatch(first.removeprefix(BYTE_ORDER_MARK))
    if has_header or (has_header is None and header):
        count, d = _sizes(path, header, first)
        words, vectors = _read_lines(path, file, 2, d, min(count, limit), _word_and_numbers)
        _check_count(path, len(words), count, limit, more=file.read(1))
        return words, vectors
    d = len(first.split()) - 1
    if not 1 <= d <= MOST_DIMENSIONS:
        raise InputError(f"{path}, line 1: wanted a word and its numbers, got {_shortened(first)}")
    return _read_lines(path, itertools.chain([first], file), 1, d, limit, _word_and_numbers)


def write_text(file, vectors, header):
    """Write lines of a word and its numbers."""
    n, d = vectors.vectors.shape
    if header:
        file.write(b"%d %d\n" % (n, d))
    for words, rows in _blocks(vectors):
        lines = (f"{word} {row}\n" for word, row in zip(words, _as_text(rows, " "), strict=True))
        file.write("".join(lines).encode())


def _read_lines(path, lines, start, d, limit, divide):
    """Read up to `limit` lines of d numbers each; `divide(line, d, place)` parts off the word."""
    words, blocks = [], [np.empty((0, d), np.float32)]
    rows = max(1, BLOCK // d)
    while block := list(itertools.islice(lines, min(rows, limit - len(words)))):
        first = start + len(words)
        parts = [divide(line, d, f"{path}, line {number}") for number, line in enumerate(block, first)]
        words += [word for word, _ in parts]
        blocks.append(_numbers(path, [numbers for _, numbers in parts], first, d))
    return words, np.concatenate(blocks)


def _word_and_numbers(line, d, place):
    fields = line.rsplit(None, d)
    if len(fields) != d + 1:
        raise InputError(f"{place}: wanted a word and {d} numbers, got {_shortened(line)}")
    word = fields[0]
    # GloVe has words like ". . ."; but a number at the end of a word is one too many.
    if len(word.split()) != 1 and (word[:1].isspace() or _is_number(word.split()[-1])):
        raise InputError(f"{place}: wanted a word and {d} numbers, got more: {_shortened(line)}")
    return decoded(word, place), _whole(line, place)[len(word) :]


def _only_numbers(line, d, place):
    if len(line.split()) != d:
        raise InputError(f"{place}: wanted {d} numbers, got {_shortened(line)}")
    return None, _whole(line, place)


def _numbers(path, rows, first, d):
    """The numbers of some lines: float32 array, shape (len(rows), d)."""
    parsed = _parsed(rows)
    if parsed is not None and parsed.shape[1] == d:
        return parsed
    for line, row in enumerate(rows, first):
        parsed = _parsed([row])
        if parsed is None or parsed.shape[1] != d:
            wrong = next((field for field in row.split() if not _is_number(field)), row)
            raise InputError(f"{path}, line {line}: wanted {d} numbers, all finite as float32, got {_shortened(wrong)}")
    raise AssertionError("lines that can be read one by one can be read together")


def _parsed(rows):
    """The finite numbers of lines with equally many, or None."""
    try:
        numbers = np.loadtxt(rows, dtype=np.float32, comments=None, ndmin=2)
    except ValueError:
        return None
    return numbers if len(numbers) == len(rows) and np.isfinite(numbers).all() else None


def _is_number(field):
    number = _parsed([field])
    return number is not None and number.size == 1


def _as_text(rows, separator):
    d = rows.shape[1]
    # 9 digits tell all float32 apart. "#" keeps the point: "7 3" might be a header, "7 3.00000000" is none.
    template = separator.join(["%.9g" if d > 1 else "%#.9g"] * d)
    return (template % tuple(row) for row in rows.tolist())


def _blocks(vectors):
    n, d = vectors.vectors.shape
    rows = max(1, BLOCK // d)
    for start in range(0, n, rows):
        part = slice(start, start + rows)
        yield vectors.words[part], vectors.vectors[part].astype(SINGLE)


# word2vec's binary format


def read_binary(path, file, limit):
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
                raise InputError(f"{place()}: the file is cut off here; fetch it again")
            data, start, offset = data[start:] + more, 0, offset + start
            continue
        words.append(decoded(data[start:space].lstrip(b"\n"), place))
        numbers += memoryview(data)[space + 1 : end]
        start = end
    _check_count(path, len(words), count, limit, more=(data[start:] + file.read(CHUNK)).lstrip(b"\n"))
    return words, np.frombuffer(numbers, SINGLE).reshape(-1, d)


def write_binary(file, vectors):
    """Write as word2vec does, a line end after each vector included."""
    file.write(b"%d %d\n" % vectors.vectors.shape)
    for words, rows in _blocks(vectors):
        file.write(b"".join(b"%b %b\n" % (word.encode(), row) for word, row in zip(words, rows, strict=True)))


# NumPy's archives


def read_npz(path, limit):
    """Read `vectors` and the words, from `word_bytes` and `word_ends` or from an array of str, `words`."""
    try:
        with zipfile.ZipFile(path) as archive:
            vectors = _array(archive, "vectors", "fiu", 2)
            if "words.npy" in archive.namelist():  # np.savez(path, words=words, vectors=vectors)
                return _array(archive, "words", "U", 1)[:limit].tolist(), vectors[:limit]
            ends = _array(archive, "word_ends", "i", 1).tolist()
            data = _array(archive, "word_bytes", "u", 1).tobytes()
        if not len(ends) == len(vectors) or [0, *ends, len(data)] != sorted([0, *ends, len(data)]):
            raise ValueError("words and vectors do not belong together")
        words = (data[start:end] for start, end in itertools.pairwise([0, *ends[:limit]]))
        return [word.decode("utf-8", "surrogatepass") for word in words], vectors[:limit]
    except KeyError as error:
        raise InputError(f"{path} holds no word vectors: {error.args[0]}") from None
    except OSError as error:
        if error.errno != errno.EINVAL:  # as where the archive tells of a place before its beginning
            raise
        raise InputError(f"{path} is damaged: {error.strerror}") from None
    except (ValueError, EOFError, zipfile.BadZipFile, zlib.error, struct.error, RuntimeError) as error:
        raise InputError(f"{path} is damaged, or no archive of NumPy: {brief(error)}") from None


def _array(archive, name, kinds, ndim):
    """Read one array; what its header declares is believed only if there are as many bytes."""
    info = archive.getinfo(f"{name}.npy")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(f"{name} is compressed as NumPy never does")
    with archive.open(info) as file:  # of an encrypted one, a RuntimeError
        data = file.read(info.file_size)
    try:
        array = array_from(data)
    except ValueError as error:
        raise ValueError(f"{name} {error}") from None
    if array.dtype.kind not in kinds or array.ndim != ndim:
        raise ValueError(f"{name} has shape {array.shape} of {array.dtype}")
    return array


def write_npz(file, vectors):
    """Write `vectors`, and the words as UTF-8 one after the other, `word_bytes`, with the end of each, `word_ends`."""
    # Not as an array of str: that would take four bytes for each character of the longest word, and drop a last "\0".
    encoded = [word.encode("utf-8", "surrogatepass") for word in vectors.words]
    word_ends = np.cumsum([len(word) for word in encoded], dtype=np.int64)
    np.savez(
        file, vectors=vectors.vectors, word_bytes=np.frombuffer(b"".join(encoded), np.uint8), word_ends=word_ends
    )


# The Embedding Projector's pair of files


def read_projector(path, file, beside, words_file, limit):
    """Read numbers between tabs, and the words, a line each; of several columns, which have names, the first."""
    first = file.readline(LONGEST_FIRST_LINE)
    d = first.count(b"\t") + 1
    if not first or d > MOST_DIMENSIONS:
        raise InputError(f"{path}, line 1: wanted numbers between tabs, got {_shortened(first)}")
    lines = itertools.chain([first], file)
    _, vectors = _read_lines(path, lines, 1, d, limit, _only_numbers)
    words = []
    for number, line in enumerate(words_file, 1):
        place = f"{beside}, line {number}"
        word, *other_columns = _whole(line, place).rstrip(b"\r\n").split(b"\t")
        if number > 1 or not other_columns:
            words.append(decoded(word, place))
    if len(vectors) != min(len(words), limit):
        raise InputError(f"{path} has {len(vectors)} vectors, {beside} {len(words)} words: they do not belong together")
    return words[:limit], vectors


def projector_files(vectors):
    """The contents of the two files: (bytes, bytes)."""
    numbers = "".join(f"{row}\n" for _, rows in _blocks(vectors) for row in _as_text(rows, "\t"))
    return numbers.encode(), "".join(f"{word}\n" for word in vectors.words).encode()


# What several of them need


def decoded(word, place):
    """The text of UTF-8 bytes; `place` is a str, or a function that makes one."""
    try:
        return word.decode()
    except UnicodeDecodeError as error:
        place = place() if callable(place) else place
        raise InputError(f"{place}: not UTF-8 text (byte 0x{word[error.start]:02x})") from None


def _sizes(path, header, line):
    count, d = map(int, header.groups()) if header else (0, 0)
    if count < 1 or not 1 <= d <= MOST_DIMENSIONS:
        raise InputError(f"{path}, line 1: wanted the numbers of words and of dimensions, got {_shortened(line)}")
    return count, d


def _check_count(path, found, count, limit, more):
    if found < min(count, limit):
        raise InputError(f"{path}, line 1: tells of {count} words, but the file ends after {found}: it is cut off")
    if more and count <= limit:
        raise InputError(f"{path}, line 1: tells of {count} words, but more follow: mend the number")


def _whole(line, place):
    if not line.endswith(b"\n"):
        raise InputError(f"{place}: the file ends within this line: it is cut off, or lacks its last line end")
    return line


def _shortened(line):
    return repr(line[:60].decode(errors="replace").rstrip() + ("..." if len(line) > 60 else ""))
