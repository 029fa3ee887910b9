"""The bytes of a text, wherever it is: a file, compressed or not, a folder of files, standard input.

It is read once, from beginning to end, in blocks, so that memory does not grow with the text.
"""

import bz2
import codecs
import contextlib
import gzip
import hashlib
import lzma
import os
import stat
import sys
import zlib
from pathlib import Path
from typing import NamedTuple

from utils.system.errors import EnvironmentFailure, InputError

BLOCK = 2**16  # bytes read at a time, so that their words stay in the processor's cache; and the longest word
OPENERS = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
DAMAGE = (EOFError, zlib.error, lzma.LZMAError)  # what they raise, besides an OSError without a number
WANTED = "wanted text, one sentence per line"


class Source(NamedTuple):
    """One file of a text.

    Attributes
    ----------
    name : str
        For users.
    path : Path or None
        None: standard input.
    stamp : tuple of int or None
        Size, times of the last change to the content and to the file's entry (in nanoseconds), number of the file;
        None for what can be read only once, such as standard input or a pipe.
    """

    name: str
    path: Path | None = None
    stamp: tuple | None = None


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
        return [Source("standard input")]
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
def _failures(name):
    """Turn what the system says about a file into an error for users."""
    try:
        yield
    except FileNotFoundError:
        raise InputError(f"{name} is missing: {WANTED}") from None
    except OSError as error:
        raise EnvironmentFailure(f"cannot read {error.filename or name}: {error.strerror or error}") from error


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
    content : hash object
        SHA-256 of what has been read, decompressed.

    Raises
    ------
    InputError
        A file is missing, not UTF-8, not text, damaged, or changes while it is read: which, and the line if possible.
    EnvironmentFailure
        A file cannot be read.
    """

    def __init__(self, sources, errors="strict"):
        self.sources, self.errors = sources, errors
        self.lines = self.bytes = 0
        self.content = hashlib.sha256()
        self.total = sum(s.stamp[0] for s in sources) if all(s.stamp for s in sources) else None

    def __iter__(self):
        for source in self.sources:
            rest, end = "", "\n"
            for text in self._texts(source):
                text = rest + text
                cut = text.rfind("\n") + 1
                if not cut and len(text) >= BLOCK:
                    cut = max(text.rfind(" "), text.rfind("\t")) + 1
                    if not cut and len(text) > 2 * BLOCK:
                        raise InputError(
                            f"{source.name} has a word of more than {BLOCK:,} bytes, so this is not text: {WANTED}"
                        )
                rest = text[cut:]
                if cut:
                    end = text[cut - 1]
                    yield text[:cut]
                    self.lines += text.count("\n", 0, cut)
            if rest or end != "\n":
                yield rest + "\n"
                self.lines += 1

    def _texts(self, source):
        """The file's text in blocks, without a byte order mark."""
        decoder = codecs.getincrementaldecoder("utf-8-sig")(self.errors)
        line = 1
        for data in self._bytes(source):
            if (zero := data.find(b"\0")) >= 0:
                line += data.count(b"\n", 0, zero)
                raise InputError(
                    f"{source.name}, line {line}: a zero byte, so this is no text file: give plain UTF-8 text "
                    "(UTF-16 must be converted)"
                )
            try:
                text = decoder.decode(data, final=not data)
            except UnicodeDecodeError as error:
                line += error.object.count(b"\n", 0, error.start)
                raise InputError(
                    f"{source.name}, line {line}: not UTF-8 text (byte 0x{error.object[error.start]:02x}): "
                    "convert it to UTF-8, or give --encoding-errors replace"
                ) from None
            line += text.count("\n")
            yield text

    def _bytes(self, source):
        """The file's bytes, decompressed; an empty block at the end."""
        with _failures(source.name), contextlib.ExitStack() as stack:
            file = stack.enter_context(source.path.open("rb")) if source.path else sys.stdin.buffer
            opener = OPENERS.get(source.path.suffix.lower()) if source.path else None
            unpacked = stack.enter_context(opener(file)) if opener else file
            before, data = self.bytes, b"first"
            self.content.update(f"\0{source.name}\0".encode(errors="surrogateescape"))
            while data:
                data = _unpack(unpacked, source, opener)
                self.bytes = before + file.tell() if source.stamp else self.bytes + len(data)
                self.content.update(data)
                yield data
            if source.stamp and source.stamp != _stamp(os.fstat(file.fileno())):
                raise InputError(f"{source.name} has changed while it was read: try again when nothing writes to it")


def _unpack(file, source, compressed):
    try:
        return file.read(BLOCK)
    except DAMAGE as error:
        problem = error
    except OSError as error:
        if error.errno is not None or not compressed:
            raise
        problem = error
    raise InputError(f"{source.name} is damaged or cut off ({str(problem).rstrip('.')}): fetch or compress it again")


def content_digest(sources):
    """What a reader's `content` is at the end, in hexadecimal, without making text of it."""
    reader = TextReader(sources)
    for source in sources:
        for _ in reader._bytes(source):
            pass
    return reader.content.hexdigest()
