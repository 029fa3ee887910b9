"""One process at a time: a lock that the operating system takes back when its holder ends, however it ends."""

import contextlib
import os
import platform
import sys
import time
from pathlib import Path

from utils.system.errors import EnvironmentFailure, InputError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

LONGEST_NAME = 200  # bytes of a holder's name: what somebody else may have written there is cut off


@contextlib.contextmanager
def locked(path, remedy):
    """Hold the lock of the file `path` while the block runs.

    What counts is the system's lock on the open file (`flock`), not that the file is there: one that a killed process
    has left behind is no obstacle, whichever process has its number now. The file names the holder, for people. It is
    removed at the end.

    Where the system has no `flock` (Windows), nothing is locked; where the file system has none, neither, with a line
    on standard error. Between the machines that share a folder the lock is as good as their file system's.

    Parameters
    ----------
    path : str or Path
        In a folder that exists.
    remedy : str
        What to do when another process holds it: the end of the error's line.

    Raises
    ------
    InputError
        Another process holds it, or another part of this one: who and since when. Or what is there is not a file: a
        link is not followed, since what it leads to would be written over.
    EnvironmentFailure
        The file cannot be made or written.
    """
    if fcntl is None:
        yield
        return
    path = Path(path)
    try:
        handle = _take(path, remedy)
    except OSError as error:
        raise EnvironmentFailure(f"cannot write {path}: {error.strerror or error}") from error
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            if _still_there(path, handle):
                path.unlink()
        os.close(handle)


def _take(path, remedy):
    """Open, lock and sign the file; return its handle, which programs started from here do not inherit."""
    while True:
        if path.is_symlink() or (path.exists() and not path.is_file()):
            raise InputError(f"{path} is not a file of this project, which keeps its lock there: remove it")
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666)
        try:
            _lock(handle, path, remedy)
            # The holder before may have removed the file after it was opened here: then somebody else may have made
            # and locked a new one.
            if _still_there(path, handle):
                os.truncate(handle, 0)
                os.write(handle, _myself().encode())
                return handle
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)


def _lock(handle, path, remedy):
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(handle, LONGEST_NAME, 0).decode(errors="replace").strip()
        holder = holder if holder.isprintable() and holder else "another process"
        raise InputError(f"{path.parent} is in use by {holder}: {remedy}") from None
    except OSError as error:
        print(f"{path.parent} cannot be locked ({error.strerror}): start no second run there", file=sys.stderr)


def _still_there(path, handle):
    try:
        return os.path.samestat(path.stat(), os.fstat(handle))
    except FileNotFoundError:
        return False


def _myself():
    return f"process {os.getpid()} on {platform.node()}, since {time.strftime('%Y-%m-%d %H:%M:%S')}"
