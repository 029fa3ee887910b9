"""A text, wherever it is: a file, compressed or not, a folder of files, standard input.

It is read once, from beginning to end, in blocks, so that memory grows neither with the text nor with its lines.
"""

import bz2
import codecs
import contextlib
import gzip
import hashlib
import io
import lzma
import os
import re
import stat
import sys
import zlib
from pathlib import Path
from typing import NamedTuple

from utils.system.errors import EnvironmentFailure, InputError

BLOCK = 2**16  # bytes read at a time, so that their words stay in the processor's cache
XZ_MEMORY = 1 << 27  # bytes for unpacking an .xz file: twice what `xz -9` needs; a header may ask for 4 GB
TEXT_FILE = re.compile(r".+\.txt(\.gz|\.bz2|\.xz)?", re.IGNORECASE | re.DOTALL)  # in a folder
DAMAGE = (EOFError, zlib.error, lzma.LZMAError)  # what they raise, besides an OSError without a number
WANTED = "wanted text, one sentence per line"


class XzFile:
    """An .xz file to read from, as `lzma.open`, but with bounded memory.

    Parameters
    ----------
    file : path or binary file
    mode : "rb"

    Raises
    ------
    lzma.LZMAError
        From `read`: it is damaged, or unpacking takes more than XZ_MEMORY.
    """

    def __init__(self, file, mode="rb"):
        self._owned = contextlib.ExitStack()
        self._file = file if hasattr(file, "read") else self._owned.enter_context(Path(file).open(mode))  # noqa: SIM115 (closed by __exit__)
        self._decoder = None  # of the current stream; a file may have several
        self._rest = b""

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._owned.close()

    def read(self, size):
        """At most `size` bytes; none at the end."""
        while self._decoder or self._next_stream():
            if self._decoder.needs_input:
                self._rest = self._rest or self._file.read(BLOCK)
                if not self._rest:
                    raise EOFError("the stream ends too early")
            data, self._rest = self._decoder.decompress(self._rest, size), b""
            if self._decoder.eof:
                self._rest, self._decoder = self._decoder.unused_data, None
            if data:
                return data
        return b""

    def _next_stream(self):
        while not (begin := self._rest.lstrip(b"\0")):  # streams may be padded
            self._rest = self._file.read(BLOCK)
            if not self._rest:
                return False
        self._rest, self._decoder = begin, lzma.LZMADecompressor(memlimit=XZ_MEMORY)
        return True


OPENERS = {".gz": gzip.open, ".bz2": bz2.open, ".xz": XzFile}


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
        None for standard input.
    """

    name: str
    path: Path | None = None
    stamp: tuple | None = None


def find_sources(path):
    """The files that a path stands for.

    Parameters
    ----------
    path : str or Path
        A file; a folder: all .txt files, compressed or not, in it and in its folders, sorted, except hidden ones (whose
        names begin with a dot) and word vectors; or "-" for standard input.

    Returns
    -------
    sources : list of Source
    notices : list of str
        What was left out of a folder.

    Raises
    ------
    InputError
        There is nothing, or something other than a file or folder, such as a pipe: reading could wait forever.
    EnvironmentFailure
        A folder cannot be read.
    """
    if str(path) == "-":
        if sys.stdin is None:
            raise InputError(f"standard input is closed: {WANTED}")
        return [Source("standard input")], []
    path = Path(path)
    with _failures(path):
        if path.is_dir():
            return _files_in(path)
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise InputError(
                f"{path} is not a file or folder but a pipe, socket or device: name a file, or give - and redirect "
                "standard input from it"
            )
        return [Source(str(path), path, _stamp(status))], []


def _files_in(folder):
    sources, others, vectors = [], [], []
    for parent, folders, names in os.walk(folder, onerror=_fail):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for file in (Path(parent, name) for name in names if not name.startswith(".")):
            if not file.is_file() or not TEXT_FILE.fullmatch(file.name):
                others.append(file)
            elif _holds_vectors(file):
                vectors.append(file)
            else:
                sources.append(Source(str(file), file, _stamp(file.stat())))
    others, vectors = _some(others, folder), _some(vectors, folder)
    if not sources:
        found = others or vectors or "nothing that is not hidden"
        raise InputError(
            f"the folder {folder} has no .txt files (also .txt.gz, .txt.bz2, .txt.xz) of text, but {found}: {WANTED}; "
            "a file of another name can be given by itself"
        )
    left_out = [f"{others}: not named .txt"] * bool(others) + [f"{vectors}: word vectors"] * bool(vectors)
    return sorted(sources, key=lambda source: source.path), [f"left out of {folder}: {what}" for what in left_out]


def _fail(error):
    raise error


def _some(files, folder):
    names = [str(file.relative_to(folder)) for file in sorted(files)]
    return ", ".join(names[:3]) + (f" and {len(names) - 3:,} more" if len(names) > 3 else "")


def _holds_vectors(file):
    """Whether the first lines of a file are a word and numbers each, after a line with two numbers or without it."""
    try:
        with OPENERS.get(file.suffix.lower(), open)(file, "rb") as opened:
            begin = opened.read(BLOCK)
    except (*DAMAGE, OSError):  # whoever reads it will say so
        return False
    *lines, cut_off = begin.split(b"\n")
    lines = [line.split() for line in lines[:4] or [cut_off]]
    if re.fullmatch(rb"\d+ \d+\r?", begin.partition(b"\n")[0]):
        del lines[0]
    return bool(lines) and all(len(line) > 2 and all(map(_is_number, line[1:])) for line in lines)


def _is_number(field):
    return re.fullmatch(rb"[-+]?\d*\.?\d+([eE][-+]?\d+)?", field) is not None


def _stamp(status):
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
    """Iterates over a text once: str of whole lines, or a piece of a line longer than a block.

    A line ends with "\\n", "\\r\\n", "\\r" or Unicode's line or paragraph separator, all given as "\\n", and at the end
    of a file. A byte order mark at the beginning of a file is dropped.

    Parameters
    ----------
    sources : list of Source
    errors : {"strict", "replace", "ignore"}
        What becomes of bytes that are not UTF-8.

    Attributes
    ----------
    lines, bytes, unpacked : int
        Read so far; of compressed files, the compressed bytes and the bytes in them.
    total : int or None
        Bytes in all, if that can be known.
    content : hash object
        SHA-256 of what has been read, decompressed.
    name, line : str, int
        Where the current piece begins: the file, and the number of the line in it.
    inside : bool
        Whether it begins within what stands between white space.

    Raises
    ------
    InputError
        A file is missing, not UTF-8, not text, damaged, or changes while it is read: which, and the line if possible.
    EnvironmentFailure
        A file cannot be read.
    """

    def __init__(self, sources, errors="strict"):
        self.sources, self.errors = sources, errors
        self.lines = self.bytes = self.unpacked = 0
        self.total = sum(s.stamp[0] for s in sources) if all(s.stamp for s in sources) else None
        self.content = hashlib.sha256()

    def __iter__(self):
        for source in self.sources:
            self.name, self.line, self.inside = source.name, 1, False
            rest, end = "", "\n"
            for text in self._texts(source):
                text = rest + text
                cut = text.rfind("\n") + 1
                if not cut and len(text) >= BLOCK:
                    cut = max(text.rfind(" "), text.rfind("\t")) + 1 or len(text)
                rest = text[cut:]
                if cut:
                    end = text[cut - 1]
                    yield from self._piece(text[:cut])
            if rest or end != "\n":
                yield from self._piece(rest + "\n")

    def _piece(self, text):
        yield text
        self.inside = not text[-1].isspace()
        self.line += text.count("\n")
        self.lines += text.count("\n")

    def _texts(self, source):
        """The file's text in blocks."""
        decode = codecs.getincrementaldecoder("utf-8-sig")(self.errors).decode
        translate = io.IncrementalNewlineDecoder(None, translate=True).decode

        def lines(text, final):
            text = translate(text, final)
            return text if text.isascii() else text.replace("\u2028", "\n").replace("\u2029", "\n")

        def fault(before, what):
            number = line + lines(before.decode("utf-8", "replace"), True).count("\n")
            return InputError(f"{source.name}, line {number}: {what}")

        line = 1
        for data in self._bytes(source):
            if (zero := data.find(b"\0")) >= 0:
                remedy = "give plain UTF-8 text (UTF-16 must be converted)"
                raise fault(data[:zero], f"a zero byte, so this is no text file: {remedy}")
            try:
                text = lines(decode(data, not data), not data)
            except UnicodeDecodeError as error:
                byte, remedy = error.object[error.start], "convert it to UTF-8, or give --encoding-errors replace"
                raise fault(error.object[: error.start], f"not UTF-8 text (byte 0x{byte:02x}): {remedy}") from None
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
                self.unpacked += len(data)
                yield data
            if source.stamp and source.stamp != _stamp(os.fstat(file.fileno())):
                raise InputError(f"{source.name} has changed while it was read: try again when nothing writes to it")


def _unpack(file, source, compressed):
    try:
        return file.read(BLOCK)
    except DAMAGE as error:
        if "memory" in str(error).lower():
            remedy = "compress it again with a smaller dictionary, as `xz -9` does"
            raise InputError(f"{source.name} takes more than {XZ_MEMORY >> 20} MB to unpack: {remedy}") from None
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
