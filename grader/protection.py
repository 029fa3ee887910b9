"""How a submission is kept apart from the machine that grades it: by bubblewrap, or at least as a user without rights.

Submissions are programs of other people. Nothing of one is run before a Protection has been found that works here;
where there is none, grading is refused unless the caller accepts that (`UNPROTECTED`).
"""

import contextlib
import functools
import getpass
import itertools
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from utils.system.errors import InputError
from utils.system.paths import PROJECT

PROBE_SECONDS = 30
INSIDE = "/grading"  # where the submission lies in bubblewrap's file system
SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/etc/alternatives", "/etc/ld.so.cache")
MOST_SCRATCH = 256 << 20  # bytes that a submission may keep in files at a time
MOST_SHARED = 16 << 20  # bytes of /dev/shm
# The range that systemd keeps for users that exist for one service only: nobody else's files or processes have them.
FIRST_USER, USERS = 61184, 4336
SHARED_FOLDERS = ("/tmp", "/var/tmp", "/dev/shm")  # where every user can write
LIMITS = "limits on time, memory, files and processes"
MOST_ROUNDS = 100  # of ending processes, which may start others meanwhile
_numbers = itertools.count(os.getpid())


@dataclass(frozen=True)
class Protection:
    """What keeps a submission apart.

    Attributes
    ----------
    kind : {"bubblewrap", "user", "none"}
    as_root : bool
        Whether the grader is root, and the child changes to a user without rights.
    network : bool
        Whether the network can be reached by code that gets around the audit hook.
    reason : str
        Why nothing better was found.
    """

    kind: str
    as_root: bool = False
    network: bool = False
    reason: str = ""

    def __str__(self):
        if self.kind == "bubblewrap":
            return f"bubblewrap: only the submission, Python and a scratch folder are visible; no network; {LIMITS}"
        network = "network closed to Python code only" if self.network else "no network"
        if self.kind == "user":
            files = (
                "can read the grader's files (chmod 700 closes them)" if _readable_by_all(PROJECT) else "closed files"
            )
            return f"a user without rights, without bubblewrap ({self.reason}): {files}; {network}; {LIMITS}"
        return f"UNSAFE: none, the submission had all rights of the user {getpass.getuser()} ({self.reason}); {network}"

    @property
    def contained(self):
        """Whether everything that the submission writes vanishes with it."""
        return self.kind == "bubblewrap"

    def command(self, folder):
        """What stands before Python's command line to run it in a sandbox with the `folder` of a submission."""
        if self.kind == "bubblewrap":
            return bubblewrap(folder, self.as_root)
        return () if self.network else UNSHARE

    def inside(self, folder):
        """The path that `folder` has for the child."""
        return Path(INSIDE) if self.kind == "bubblewrap" else Path(folder)

    def user(self):
        """A user without rights for one sandbox, or None to stay the same one."""
        return _unused_user() if self.as_root and self.kind != "none" else None


UNSHARE = ("unshare", "--net", "--pid", "--fork", "--kill-child")


def bubblewrap(folder, as_root):
    """The command of bubblewrap for a submission: all that it will see is listed here."""
    command = [
        shutil.which("bwrap") or "bwrap",
        "--die-with-parent",
        "--unshare-pid",
        "--unshare-net",
        "--unshare-ipc",
        "--unshare-uts",
    ]
    if as_root:  # it stays root just long enough to become a user without rights, whose processes can be counted
        command += ["--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
    else:
        command += ["--unshare-user", "--disable-userns"]
    for path in map(Path, SYSTEM):
        if path.is_symlink():  # as /lib is of /usr/lib
            command += ["--symlink", str(path.readlink()), str(path)]
        elif path.exists():
            command += ["--ro-bind", str(path), str(path)]
    if any(PROJECT.is_relative_to(path) for path in SYSTEM):
        command += ["--tmpfs", str(PROJECT)]
    prefixes = dict.fromkeys((sys.base_prefix, sys.prefix))
    for prefix in prefixes:
        if not Path(prefix).is_relative_to("/usr"):
            command += [*_folders(prefix), "--ro-bind", prefix, prefix]
    command += [
        "--proc",
        "/proc",
        "--dev",
        "/dev",
        "--perms",
        "1777",
        "--size",
        str(MOST_SHARED),
        "--tmpfs",
        "/dev/shm",
    ]
    command += _folders(f"{INSIDE}/scratch")
    for name in ("solution", "child.py"):
        command += ["--ro-bind", f"{folder}/{name}", f"{INSIDE}/{name}"]
    scratch = f"{INSIDE}/scratch"
    command += ["--perms", "1777", "--size", str(MOST_SCRATCH), "--tmpfs", scratch]
    if not any(Path(prefix).is_relative_to("/tmp") for prefix in prefixes):
        command += ["--symlink", scratch, "/tmp"]
    return (*command, "--remount-ro", "/dev", "--remount-ro", "/", "--chdir", scratch)


def _folders(path):
    """Make the folders above a path, open to every user: by itself bubblewrap would close them to all but root."""
    above = [str(parent) for parent in reversed(Path(path).parents)][1:]
    return [word for parent in above for word in ("--perms", "0755", "--dir", parent)]


@functools.cache
def _best():
    """The best Protection that works here, by trying them; of kind "none" if there is none."""
    as_root = hasattr(os, "geteuid") and os.geteuid() == 0
    network = bool(_trouble(UNSHARE, "import numpy"))
    if not shutil.which("bwrap"):
        reason = "bubblewrap is not installed"
    else:
        with tempfile.TemporaryDirectory(prefix="grade-") as folder:
            Path(folder, "solution").mkdir()
            Path(folder, "child.py").touch()
            reason = _trouble(bubblewrap(folder, as_root), _becoming_another(as_root))
        if not reason:
            return Protection("bubblewrap", as_root)
        reason = f"bubblewrap does not work here: {reason}"
    if as_root:
        trouble = _trouble(() if network else UNSHARE, _becoming_another(True))
        if not trouble:
            return Protection("user", True, network, reason)
        reason += f"; another user cannot run Python: {trouble}"
    return Protection("none", as_root, network, reason)


def find_protection(unsafe=False):
    """The best Protection that works here.

    Parameters
    ----------
    unsafe : bool
        Go without one where nothing works.

    Raises
    ------
    InputError
        Nothing works, and `unsafe` is False.
    """
    found = _best()
    if found.kind == "none" and not unsafe:
        raise InputError(
            f"a submission would run with all rights of {getpass.getuser()} ({found.reason}); install bubblewrap "
            "(apt-get install bubblewrap), or add --unsafe if you trust the code"
        )
    return found


def unprotected():
    """The Protection that protects nothing, whatever the system permits."""
    return Protection("none", network=True, reason="asked for")


def _becoming_another(as_root):
    """A program that does what a child does before it runs a submission."""
    change = f"import os; os.setgroups([]); os.setgid({FIRST_USER}); os.setuid({FIRST_USER}); " if as_root else ""
    return f"{change}import numpy"


def _trouble(prefix, program):
    """Why Python cannot run a program behind a command; empty if it can."""
    command = [*prefix, sys.executable, "-I", "-B", "-c", program]
    try:
        done = subprocess.run(command, capture_output=True, timeout=PROBE_SECONDS, check=False, text=True, env={})
    except (OSError, subprocess.TimeoutExpired) as error:
        return getattr(error, "strerror", None) or type(error).__name__
    lines = done.stderr.strip().splitlines() or [f"status {done.returncode}"]
    return "" if done.returncode == 0 else lines[-1][:200]


def _unused_user():
    return FIRST_USER + next(_numbers) % USERS


def _readable_by_all(folder):
    """Whether every user can list a folder."""
    return all(parent.stat().st_mode & stat.S_IXOTH for parent in (folder, *folder.parents))


def files_of(user, folders):
    """Yield (path, bytes) of the files that belong to a user in some folders, deepest first."""
    for folder in folders:
        for parent, inner, files in os.walk(folder, topdown=False):
            for path in (Path(parent, name) for name in (*files, *inner)):
                with contextlib.suppress(OSError):  # gone meanwhile
                    found = path.lstat()
                    if found.st_uid == user:
                        yield path, found.st_blocks * 512


def end_processes_of(user):
    """End what a user has left running: the processes of a submission that outlive their group."""
    for _ in range(MOST_ROUNDS):
        found = [path for path in Path("/proc").glob("[0-9]*") if _belongs_to(path, user)]
        for path in found:
            with contextlib.suppress(ProcessLookupError):  # ended meanwhile
                os.kill(int(path.name), signal.SIGKILL)
        if not found:
            return


def _belongs_to(path, user):
    try:
        return path.stat().st_uid == user and "Z" not in (path / "stat").read_text().rpartition(")")[2].split()[:1]
    except OSError:  # ended meanwhile
        return False


def remove_files_of(user):
    """Remove what a user has left in the folders that are open to everybody."""
    for path, _ in files_of(user, SHARED_FOLDERS):
        with contextlib.suppress(OSError):  # a folder with another user's files in it
            path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
