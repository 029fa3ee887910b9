"""fastText's models (`model.bin`): words, their vectors, and the n-grams that others are composed from.

The layout is that of fasttext.cc, args.cc, dictionary.cc and densematrix.cc, in little-endian order: a magic number and
a version; the settings; the dictionary, words before labels; whether the matrix that follows is quantised; the input
matrix, a row for each word and each bucket of n-grams; the same of the output matrix, which is not used here.
"""

import struct
from pathlib import Path
from typing import BinaryIO

import numpy as np

from utils.system.errors import InputError
from utils.vectors.formats import CHUNK, LONGEST_WORD, MOST_DIMENSIONS, SINGLE, Decoder
from utils.vectors.subwords import NGrams, Subwords

MAGIC = (793712314).to_bytes(4, "little")
VERSION = struct.Struct("<i")
VERSIONS = (11, 12)  # of these files; they differ in what supervised models mean
SETTINGS = struct.Struct("<12id")
SUPERVISED = 3
SIZES = struct.Struct("<3i2q")
ENTRY = struct.Struct("<qb")  # the count and the kind of an entry, after its text and a zero byte
WORD, LABEL = 0, 1
NOT_PRUNED = -1
FLAG = struct.Struct("<?")
SHAPE = struct.Struct("<2q")


def read_fasttext(
    path: str | Path, file: BinaryIO, limit: int, decode: Decoder
) -> tuple[list[str], np.ndarray, Subwords | None]:
    """Read a model; of a supervised one the words, not the labels.

    Returns
    -------
    words : list of str, length n
    vectors : ndarray of float32, shape (n, d)
        Of each word the mean of its own row and those of its n-grams, as fastText's get_word_vector.
    subwords : Subwords or None
        None if the model has no n-grams.

    Raises
    ------
    InputError
        The file is damaged, cut off, quantised, or of another version.
    """
    stream = _Stream(path, file)
    if stream.take(len(MAGIC), "beginning") != MAGIC:
        raise InputError(f"{path} is not a model of fastText: its first bytes are others")
    (version,) = stream.unpack(VERSION, "beginning")
    if version not in VERSIONS:
        raise InputError(
            f"{path} is a model of fastText in version {version} of its format, wanted "
            f"{' or '.join(map(str, VERSIONS))}: give the .vec file beside it, which has its vectors"
        )
    d, _, _, _, _, _, _, kind, buckets, shortest, longest, _, _ = stream.unpack(SETTINGS, "settings")
    if not (1 <= d <= MOST_DIMENSIONS and buckets >= 0):
        raise InputError(f"{path} is damaged: a model of {d} dimensions and {buckets} buckets of n-grams")
    if version == VERSIONS[0] and kind == SUPERVISED:
        longest = 0
    words, n = _read_dictionary(path, stream, limit)
    if stream.unpack(FLAG, "input matrix")[0]:
        raise _quantised(path)
    rows = _read_shape(path, stream, "input", d)
    if rows != n + buckets:
        raise InputError(f"{path} is damaged: an input matrix of {rows} rows for {n} words and {buckets} buckets")
    matrix = np.frombuffer(stream.read(rows * d * SINGLE.itemsize, "input matrix"), SINGLE).reshape(rows, d)
    stream.unpack(FLAG, "output matrix")
    stream.skip(_read_shape(path, stream, "output", d) * d * SINGLE.itemsize, "output matrix")
    stream.end()

    vectors, subwords = matrix[: len(words)], None
    if buckets and 0 < max(shortest, 1) <= longest:
        try:
            subwords = Subwords(NGrams(max(shortest, 1), longest, buckets), matrix[n:])
        except InputError as error:
            raise InputError(f"{path} is damaged: {error}") from None
        sums, known = subwords.sums(words)
        sums += vectors
        sums /= (known + 1)[:, None]
        vectors = sums
    return [decode(word, f"{path}, word {i}") for i, word in enumerate(words, 1)], vectors, subwords


def _read_dictionary(path, stream, limit):
    """The words, up to `limit`, as bytes, and how many there are."""
    size, n, labels, _, pruned = stream.unpack(SIZES, "dictionary")
    if n < 1 or labels < 0 or size != n + labels:
        raise InputError(f"{path} is damaged: a dictionary of {size} entries, {n} words and {labels} labels")
    if pruned != NOT_PRUNED:
        raise _quantised(path)
    words = []
    for i in range(size):
        word = stream.text(f"entry {i + 1} of the dictionary")
        _, kind = stream.unpack(ENTRY, "dictionary")
        if kind != (WORD if i < n else LABEL):
            raise InputError(f"{path} is damaged: entry {i + 1} of {size} is of kind {kind} among {n} words")
        if i < min(n, limit):
            words.append(word)
    return words, n


def _read_shape(path, stream, name, d):
    rows, columns = stream.unpack(SHAPE, f"{name} matrix")
    if rows < 0 or columns != d:
        raise InputError(f"{path} is damaged: an {name} matrix of {rows} x {columns} for {d} dimensions")
    return rows


def _quantised(path):
    return InputError(
        f"{path} is a quantised model of fastText, which only approximates its vectors: "
        "give the model.bin from which it was made, or its .vec file"
    )


class _Stream:
    """The file, a chunk at a time: no more is allocated than it has, whatever it declares."""

    def __init__(self, path, file):
        self.path, self.file, self.data, self.start = path, file, b"", 0

    def take(self, n, where):
        """The next n bytes, which are few."""
        while len(self.data) - self.start < n:
            self._more(where)
        self.start += n
        return self.data[self.start - n : self.start]

    def unpack(self, form, where):
        return form.unpack(self.take(form.size, where))

    def text(self, where):
        """The bytes up to the next zero, which is left out, too."""
        while (end := self.data.find(b"\0", self.start, self.start + LONGEST_WORD)) < 0:
            if len(self.data) - self.start >= LONGEST_WORD:
                raise InputError(f"{self.path} is damaged: {where} does not end within {LONGEST_WORD:,} bytes")
            self._more(where)
        return self.take(end + 1 - self.start, where)[:-1]

    def read(self, n, where):
        """The next n bytes, which may be many: a bytearray."""
        found = bytearray(self.data[self.start : self.start + n])
        self.start += len(found)
        while len(found) < n:
            if not (more := self.file.read(min(CHUNK, n - len(found)))):
                raise self._cut_off(where)
            found += more
        return found

    def skip(self, n, where):
        """Pass over n bytes, which must be there."""
        passed = min(n, len(self.data) - self.start)
        self.start += passed
        while passed < n:
            if not (more := self.file.read(min(CHUNK, n - passed))):
                raise self._cut_off(where)
            passed += len(more)

    def end(self):
        if self.start < len(self.data) or self.file.read(1):
            raise InputError(f"{self.path} is damaged: more data follow the output matrix")

    def _more(self, where):
        if not (more := self.file.read(CHUNK)):
            raise self._cut_off(where)
        self.data, self.start = self.data[self.start :] + more, 0

    def _cut_off(self, where):
        return InputError(f"{self.path} is cut off: it ends within its {where}; fetch it again")
