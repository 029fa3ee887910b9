"""Atomic files: written to a temporary file in the same folder, flushed, then renamed."""

import codecs
import contextlib
import json
import os
import stat
import tempfile
from pathlib import Path

from utils.system.errors import EnvironmentFailure, InputError

TEMPORARY = ".part"  # the end of a temporary file's name


@contextlib.contextmanager
def replacing(path, mode="w"):
    """Open a temporary file that takes the place of `path` when the block ends well.

    Parameters
    ----------
    path : str or Path
        The file to write; its folder must exist.
    mode : {"w", "wb"}
        Text is written as UTF-8 with "\\n" line ends.

    Yields
    ------
    file
        If the block raises, the temporary file is removed and `path` is as it was before.

    Raises
    ------
    EnvironmentFailure
        The file cannot be written (no permission, disk full, ...).
    """
    path = Path(path)
    text = {} if "b" in mode else {"encoding": "utf-8", "newline": "\n"}
    temporary = None
    try:
        handle, temporary = _open_beside(path)
        with os.fdopen(handle, mode, **text) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        _move(temporary, path)
    except OSError as error:
        raise EnvironmentFailure(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        _remove(temporary)


def write_together(contents):
    """Write several files that belong together: all of them move into place, or no new one does.

    Parameters
    ----------
    contents : dict of Path to (bytes or list of bytes-like)
        In the order in which they shall appear. Should the machine stop between two of them, or fail to replace files
        that were there before, the first are new and the last are not: let the last one tell what it belongs to.

    Raises
    ------
    EnvironmentFailure
        One of them cannot be written.
    """
    temporaries, moved = {}, []
    try:
        for path, data in contents.items():
            handle, temporaries[path] = _open_beside(path)
            with os.fdopen(handle, "wb") as file:
                file.writelines(data if isinstance(data, list) else [data])
                file.flush()
                os.fsync(handle)
        for path, temporary in temporaries.items():
            if not path.exists():
                moved.append(path)
            _move(temporary, path)
    except BaseException as error:  # an interrupt, too, must not leave a part
        for other in moved:
            _remove(other)
        if not isinstance(error, OSError):
            raise
        raise EnvironmentFailure(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        for temporary in temporaries.values():
            _remove(temporary)


def remove_leftovers(folder, *patterns):
    """Remove the temporary files that a killed process has left of files with such names ("saved_*.npy").

    Call it only when no other process may be writing them.
    """
    for pattern in patterns:
        for path in Path(folder).glob(f".{pattern}.*{TEMPORARY}"):
            _remove(path)


def _open_beside(path):
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=TEMPORARY, dir=path.parent)
    return handle, Path(name)


def _move(temporary, path):
    temporary.chmod(0o666 & ~_umask())  # mkstemp makes files that only their owner can read
    temporary.replace(path)
    _flush_folder(path.parent)


def _remove(path):
    if path is not None:
        with contextlib.suppress(OSError):
            path.unlink()


def write_json(path, content):
    """Write a JSON file, whole or not at all; characters beyond ASCII are escaped, so that any text can be written.

    Raises
    ------
    EnvironmentFailure
        As `replacing`.
    ValueError
        `content` has NaN or infinity, which JSON lacks.
    """
    with replacing(path) as file:
        json.dump(content, file, indent=2, allow_nan=False)
        file.write("\n")


def refuse_missing_folder(path):
    """Refuse a path to write to whose folder is missing, before there is anything to write.

    Raises
    ------
    InputError
    """
    path = Path(path)
    if not path.resolve().parent.is_dir():
        raise InputError(f"the folder {path.parent}, where {path.name} should go, does not exist: make it first")


def make_folder(path):
    """Make the folder `path` (and its parents) if it is missing; return it as a Path.

    Raises
    ------
    EnvironmentFailure
        The folder cannot be made, or a file stands in its place.
    """
    path = Path(path)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EnvironmentFailure(f"cannot make the folder {path}: {error.strerror or error}") from error
    return path


def writable_folder(path):
    """The folder `path`, made if missing.

    Raises
    ------
    EnvironmentFailure
        It cannot be made or written in.
    """
    folder = make_folder(path)
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise EnvironmentFailure(f"cannot write in the folder {folder}: {error.strerror or error}") from error
    return folder


def _umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _flush_folder(folder):
    # A rename survives a power cut only once the folder itself is on disk; Windows has no such call.
    if hasattr(os, "O_DIRECTORY"):
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            with contextlib.suppress(OSError):  # not every file system can; the file itself is safe
                os.fsync(handle)
        finally:
            os.close(handle)


def check_regular(path):
    """Refuse what is not a regular file, before it is opened: a pipe would wait, a device may never end.

    Raises
    ------
    InputError
        It is missing, or something else.
    EnvironmentFailure
        The system cannot tell.
    """
    try:
        mode = Path(path).stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        raise InputError(f"{path} is missing") from None
    except ValueError as error:  # a name with a null character
        raise InputError(f"cannot read {str(path)!r}: {error}") from None
    except OSError as error:
        raise EnvironmentFailure(f"cannot read {path}: {error.strerror or error}") from error
    if stat.S_ISDIR(mode):
        raise InputError(f"{path} is a folder, wanted a file")
    if not stat.S_ISREG(mode):
        raise InputError(f"{path} is a pipe or a device, wanted a regular file: save its content to one first")


def read_lines(path):
    """Read a UTF-8 text file as a list of lines without their ends ("\\n" or "\\r\\n") and a byte order mark.

    Raises
    ------
    InputError
        The file is missing or not a regular file, or is not UTF-8 (the line is named).
    EnvironmentFailure
        The file is there but cannot be read.
    """
    return list(each_line(path))


def each_line(path):
    """Yield what `read_lines` returns, one line at a time: a file of any size takes the memory of its longest line."""
    path = Path(path)
    check_regular(path)
    try:
        with path.open("rb") as file:
            if file.read(len(codecs.BOM_UTF8)) != codecs.BOM_UTF8:
                file.seek(0)
            for number, line in enumerate(file, start=1):
                try:
                    yield line.removesuffix(b"\r\n").removesuffix(b"\n").decode("utf-8")
                except UnicodeDecodeError as error:
                    raise InputError(
                        f"{path}, line {number}: not UTF-8 text (byte 0x{line[error.start]:02x})"
                    ) from None
    except OSError as error:
        raise EnvironmentFailure(f"cannot read {path}: {error.strerror or error}") from error
