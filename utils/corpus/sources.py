"""The bytes of a text, wherever it lies: a file, compressed or not, a folder of files, standard input.

It is read once, from beginning to end, in blocks of whole lines, so that memory does not grow with the text.
"""

import bz2
import codecs
import contextlib
import gzip
import hashlib
import json
import lzma
import os
import stat
import sys
import zlib
from dataclasses import dataclass
from pathlib import Path

from utils.system.errors import EnvironmentFailure, InputError

BLOCK = 2**16  # bytes that are read at a time, so that their words stay in the processor's cache; and the longest word
OPENERS = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
DAMAGE = (EOFError, zlib.error, lzma.LZMAError)  # what they raise, beside an OSError that has no number
WANTED = "wanted text, one sentence per line"


@dataclass(frozen=True)
class Source:
    """One file of a text.

    Attributes
    ----------
    name : str
        For people.
    path : Path or None
        None: standard input.
    stamp : tuple of int or None
        Size, times of last change to content and to the file's entry (in nanoseconds), number of the file; None for
        what is read only once, as standard input or a pipe.
    """

    name: str
    path: Path | None
    stamp: tuple | None

    @property
    def compression(self):
        """The ending that says how it is compressed, or ""."""
        return self.path.suffix.lower() if self.path and self.path.suffix.lower() in OPENERS else ""


def find_sources(path):
    """The files that a path stands for.

    Parameters
    ----------
    path : str or Path
        A file, a folder (all regular files in it and in its folders, sorted; hidden ones, whose names begin with a
        dot, are left out), or "-" for standard input.

    Returns
    -------
    list of Source

    Raises
    ------
    InputError
        There is nothing.
    EnvironmentFailure
        A folder cannot be read.
    """
    if str(path) == "-":
        if sys.stdin is None:
            raise InputError(f"standard input is closed: {WANTED}")
        return [Source("standard input", None, None)]
    path = Path(path)
    with _failures(path):
        if not path.is_dir():
            return [_source(path)]
        sources = [_source(file) for file in sorted(_files_in(path))]
    if not sources:
        raise InputError(f"the folder {path} has no files that are not hidden: {WANTED}")
    return sources


def _files_in(folder):
    def fail(error):
        raise error

    for parent, folders, names in os.walk(folder, onerror=fail):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            if not name.startswith(".") and (file := Path(parent, name)).is_file():
                yield file


def _source(path):
    return Source(str(path), path, _stamp(path.stat()))


def _stamp(status):
    if not stat.S_ISREG(status.st_mode):
        return None
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino


@contextlib.contextmanager
def _failures(path):
    """Turn what the system says about a file that is read into an error for people."""
    try:
        yield
    except FileNotFoundError:
        raise InputError(f"{path} is missing: {WANTED}") from None
    except OSError as error:
        raise EnvironmentFailure(f"cannot read {error.filename or path}: {error.strerror or error}") from error


class TextReader:
    """Iterates over a text once: str of whole lines with their ends, or a piece of a line longer than a block.

    Parameters
    ----------
    sources : list of Source
    errors : {"strict", "replace", "ignore"}
        What becomes of bytes that are not UTF-8.

    Attributes
    ----------
    lines, bytes : int
        Read so far; of compressed files, the compressed bytes.
    total : int or None
        Bytes in all, if that can be known.

    Raises
    ------
    InputError
        A file is missing, no UTF-8, no text, damaged, or changes while it is read: which, and the line where possible.
    EnvironmentFailure
        A file cannot be read.
    """

    def __init__(self, sources, errors="strict"):
        self.sources, self.errors = sources, errors
        self.lines = self.bytes = 0
        self.total = sum(s.stamp[0] for s in sources) if all(s.stamp for s in sources) else None
        self._digests = []

    def __iter__(self):
        for source in self.sources:
            line = 1
            for data in self._blocks(source):
                yield self._decoded(data, source, line)
                ends = data.count(b"\n")
                line += ends
                self.lines += ends

    def digest(self):
        """SHA-256 of the content that has been read, in hexadecimal."""
        return _joint_digest(self._digests)

    def _blocks(self, source):
        """Bytes of whole lines (the last one gets an end if it has none), or pieces of longer ones, cut at a space."""
        rest, end, first = b"", b"\n", True
        for data in self._read(source):
            data = rest + (data.removeprefix(codecs.BOM_UTF8) if first else data)
            first = False
            cut = data.rfind(b"\n") + 1
            if not cut and len(data) >= BLOCK:
                cut = max(data.rfind(b" "), data.rfind(b"\t")) + 1
                if not cut and len(data) > 2 * BLOCK:
                    raise InputError(
                        f"{source.name} has a word of more than {BLOCK:,} bytes, so this is no text: {WANTED}"
                    )
            rest = data[cut:]
            if cut:
                end = data[cut - 1 : cut]
                yield data[:cut]
        if rest or end != b"\n":
            yield rest + b"\n"

    def _read(self, source):
        """The file's bytes, decompressed; the digest of what it holds is kept."""
        with _failures(source.name), contextlib.ExitStack() as stack:
            file = stack.enter_context(source.path.open("rb")) if source.path else sys.stdin.buffer
            raw = _Metered(file, self)
            unpacked = stack.enter_context(OPENERS[source.compression](raw)) if source.compression else raw
            while data := _damage_named(unpacked.read, source):
                yield data
            while raw.read(BLOCK):  # what stands behind the end of the compressed data
                pass
            if source.stamp and source.stamp != _stamp(os.fstat(file.fileno())):
                raise InputError(f"{source.name} has changed while it was read: try again when nothing writes to it")
            self._digests.append((source.compression, raw.digest.hexdigest()))

    def _decoded(self, data, source, line):
        if (zero := data.find(b"\0")) >= 0:
            line += data.count(b"\n", 0, zero)
            raise InputError(
                f"{source.name}, line {line}: a zero byte, so this is no text file: give plain UTF-8 text "
                "(UTF-16 must be converted)"
            )
        try:
            return data.decode("utf-8", self.errors)
        except UnicodeDecodeError as error:
            line += data.count(b"\n", 0, error.start)
            raise InputError(
                f"{source.name}, line {line}: not UTF-8 text (byte 0x{data[error.start]:02x}): "
                "convert it to UTF-8, or give --encoding-errors replace"
            ) from None


class _Metered:
    """A file that counts and digests what is read of it."""

    def __init__(self, file, reader):
        self._file, self._reader, self.digest = file, reader, hashlib.sha256()

    def read(self, n):
        data = self._file.read(n)
        self.digest.update(data)
        self._reader.bytes += len(data)
        return data


def _damage_named(read, source):
    try:
        return read(BLOCK)
    except DAMAGE as error:
        problem = error
    except OSError as error:
        if error.errno is not None or not source.compression:
            raise
        problem = error
    raise InputError(
        f"{source.name} is damaged or cut off ({str(problem).rstrip('.')}): fetch or compress it again"
    )


def content_digest(sources):
    """What `TextReader.digest` gives at the end, without making text of it: some ten times as fast."""
    digests = []
    for source in sources:
        with _failures(source.name), source.path.open("rb") as file:
            digests.append((source.compression, hashlib.file_digest(file, "sha256").hexdigest()))
    return _joint_digest(digests)


def _joint_digest(digests):
    return hashlib.sha256(json.dumps(digests).encode()).hexdigest()
