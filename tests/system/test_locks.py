"""utils/system/locks.py: one process at a time, and no obstacle from a dead one."""

import errno
import os
import platform
import re
import signal
import subprocess
import sys

import pytest

from utils.system import locks
from utils.system.errors import EnvironmentFailure, InputError
from utils.system.locks import locked
from utils.system.paths import PROJECT

fcntl = pytest.importorskip("fcntl", reason="Windows has no such locks")

HOLDER = """
import sys
from utils.system.locks import locked
with locked(sys.argv[1], "wait"):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / ".lock"


@pytest.fixture
def holder(path):
    """Another process that holds the lock until its standard input ends."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, path],
        cwd=PROJECT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="utf-8",
    ) as process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_the_file_is_there_during_the_block_and_names_the_holder(path):
    with locked(path, "wait"):
        text = path.read_text(encoding="utf-8")
    assert re.fullmatch(
        rf"process {os.getpid()} on {re.escape(platform.node())}, since \d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d", text
    )
    assert not path.exists()


def test_another_process_is_refused_and_told_who_holds_it(path, holder):
    expected = rf"{path.parent} is in use by process {holder.pid} on .*, since .*: wait and see$"
    with pytest.raises(InputError, match=expected), locked(path, "wait and see"):
        pytest.fail("held twice")
    assert path.exists()


def test_another_part_of_the_same_process_is_refused(path):
    with locked(path, "wait"):
        with pytest.raises(InputError, match=f"process {os.getpid()} "), locked(path, "wait"):
            pytest.fail("held twice")
        assert path.exists()


def test_it_is_free_when_the_holder_has_ended(path, holder):
    holder.communicate()
    assert not path.exists()
    with locked(path, "wait"):
        pass


def test_what_a_killed_holder_has_left_is_no_obstacle(path, holder):
    holder.kill()
    holder.wait()
    assert path.exists()
    with locked(path, "wait"):
        assert f"process {os.getpid()} " in path.read_text()
    assert not path.exists()


@pytest.mark.parametrize("text", [b"", b"process 1 on elsewhere, since then" + b", a longer name" * 9, b"\xff" * 999])
def test_a_file_without_a_lock_is_no_obstacle_whoever_it_names(path, text):
    # Process 1 is there: a number may belong to another process by now.
    path.write_bytes(text)
    with locked(path, "wait"):
        assert path.read_text().startswith(f"process {os.getpid()} on ")
        assert "longer name" not in path.read_text()


@pytest.mark.parametrize("text", [b"", b"\xff\x1b[2J", b"two\nlines"])
def test_a_holder_that_says_nothing_readable_is_another_process(path, text):
    with path.open("wb") as file:
        file.write(text)
        file.flush()
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(InputError, match="in use by another process: wait"), locked(path, "wait"):
            pytest.fail("held twice")


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_it_is_free_after_an_exception(path, error):
    with pytest.raises(error), locked(path, "wait"):
        raise error
    assert not path.exists()
    with locked(path, "wait"):
        pass


def test_a_lock_whose_file_the_holder_before_removed_is_taken_anew(path, monkeypatch):
    flock, opened = fcntl.flock, []

    def late(handle, flags):
        if not opened:  # the holder before ends between the opening and the locking
            path.unlink()
        opened.append(handle)
        flock(handle, flags)

    monkeypatch.setattr(fcntl, "flock", late)
    with locked(path, "wait"):
        assert len(opened) == 2
        assert path.exists()
        with pytest.raises(InputError), locked(path, "wait"):
            pytest.fail("held twice")


def test_a_lock_file_of_somebody_else_is_not_removed(path):
    with locked(path, "wait"):
        path.unlink()
        path.write_text("another's")
    assert path.read_text() == "another's"


def test_a_program_started_meanwhile_does_not_inherit_it(path):
    with locked(path, "wait"):
        sleeper = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, close_fds=False)
    try:
        with locked(path, "wait"):
            assert sleeper.poll() is None
    finally:
        sleeper.communicate(b"\n")


def test_no_handle_stays_open(path):
    before = os.listdir("/dev/fd")  # noqa: PTH208
    with locked(path, "wait"), pytest.raises(InputError), locked(path, "wait"):
        pass
    assert os.listdir("/dev/fd") == before  # noqa: PTH208


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    path = tmp_path / "missing" / ".lock"
    with pytest.raises(EnvironmentFailure, match=f"cannot write {path}: No such file"), locked(path, "wait"):
        pytest.fail("held")


def test_a_full_disk_is_no_lock(path, monkeypatch):
    def full(*args):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(EnvironmentFailure, match=f"cannot write {path}: No space left on device"), locked(path, "wait"):
        pytest.fail("held")
    monkeypatch.undo()
    with locked(path, "wait"):
        pass


def test_a_file_system_without_locks_is_said_to_be_one(path, monkeypatch, capsys):
    def unsupported(*args):
        raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP))

    monkeypatch.setattr(fcntl, "flock", unsupported)
    with locked(path, "wait"):
        pass
    assert capsys.readouterr().err == (
        f"{path.parent} cannot be locked ({os.strerror(errno.ENOTSUP)}): start no second run there\n"
    )


def test_a_system_without_locks_locks_nothing(path, monkeypatch):
    monkeypatch.setattr(locks, "fcntl", None)
    with locked(path, "wait"), locked(path, "wait"):
        assert not path.exists()


def test_a_stopped_holder_still_holds_it(path, holder):
    holder.send_signal(signal.SIGSTOP)
    try:
        with pytest.raises(InputError, match=f"process {holder.pid} "), locked(path, "wait"):
            pytest.fail("held twice")
    finally:
        holder.send_signal(signal.SIGCONT)


@pytest.mark.parametrize("kind", ["link", "dangling link", "folder", "pipe"])
def test_what_is_not_a_file_is_neither_followed_nor_changed(path, tmp_path, kind):
    target = tmp_path / "precious.txt"
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        if kind == "link":
            target.write_text("precious", encoding="utf-8")
        path.symlink_to(target)
    with pytest.raises(InputError, match="is not a file .* keeps its lock there: remove it"), locked(path, "wait"):
        pass
    assert not target.exists() or target.read_text(encoding="utf-8") == "precious"
