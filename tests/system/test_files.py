"""utils/system/files.py: files that are there whole or not at all, folders, and lines of text."""

import errno
import json
import os
import stat
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from utils.system.errors import EnvironmentFailure, InputError
from utils.system.files import (
    make_folder,
    read_lines,
    refuse_missing_folder,
    replacing,
    write_json,
    write_together,
)

needs_a_umask = pytest.mark.skipif(os.name == "nt", reason="Windows has no umask")


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def umask():
    """Set the umask for one test."""
    before = os.umask(0)
    os.umask(before)
    yield os.umask
    os.umask(before)


# replacing


def test_text_is_written_as_utf8_with_plain_line_ends(tmp_path):
    with replacing(tmp_path / "text") as file:
        file.write("clichés 東京\nsecond\n")
    assert (tmp_path / "text").read_bytes() == "clichés 東京\nsecond\n".encode()
    assert names(tmp_path) == ["text"]


def test_bytes_are_written_as_they_are(tmp_path):
    with replacing(tmp_path / "data", "wb") as file:
        file.write(bytes(range(256)))
    assert (tmp_path / "data").read_bytes() == bytes(range(256))


def test_an_old_file_is_replaced_whole(tmp_path):
    path = tmp_path / "text"
    path.write_text("a much longer text than the new one")
    with replacing(str(path)) as file:
        file.write("new")
        file.flush()
        assert path.read_text() == "a much longer text than the new one"
    assert path.read_text() == "new"


@needs_a_umask
@pytest.mark.parametrize("mask, permissions", [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664), (0, 0o666)])
def test_permissions_follow_the_umask_and_leave_it_alone(tmp_path, umask, mask, permissions):
    umask(mask)
    with replacing(tmp_path / "text") as file:
        file.write("new")
    assert stat.S_IMODE((tmp_path / "text").stat().st_mode) == permissions
    assert umask(mask) == mask


@pytest.mark.parametrize("error", [RuntimeError("ours"), KeyboardInterrupt()])
@pytest.mark.parametrize("old", [None, "old"])
def test_after_an_exception_all_is_as_before(tmp_path, error, old):
    path = tmp_path / "text"
    if old is not None:
        path.write_text(old)
    before = names(tmp_path)
    with pytest.raises(type(error)) as raised, replacing(path) as file:
        file.write("half of the n")
        raise error
    assert raised.value is error
    assert names(tmp_path) == before
    assert old is None or path.read_text() == old


def fail(monkeypatch, owner, name, number=1):
    """Let call `number` of a function fail as on a full disk."""
    original, calls = getattr(owner, name), []

    def full(*args, **kwargs):
        calls.append(args)
        if len(calls) == number:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return original(*args, **kwargs)

    monkeypatch.setattr(owner, name, full)


@pytest.mark.parametrize(
    "owner, name", [(tempfile, "mkstemp"), (os, "fdopen"), (os, "fsync"), (Path, "chmod"), (Path, "replace")]
)
def test_on_a_full_disk_all_is_as_before(tmp_path, monkeypatch, owner, name):
    path = tmp_path / "text"
    path.write_text("old")
    fail(monkeypatch, owner, name)
    with (
        pytest.raises(EnvironmentFailure, match=f"cannot write {path}: No space left on device"),
        replacing(path) as file,
    ):
        file.write("new")
    assert names(tmp_path) == ["text"]
    assert path.read_text() == "old"


def test_the_content_is_flushed_to_disk_before_it_takes_its_place(tmp_path, monkeypatch):
    events = []
    fsync, replace = os.fsync, Path.replace
    monkeypatch.setattr(os, "fsync", lambda handle: [events.append("flush"), fsync(handle)])
    monkeypatch.setattr(Path, "replace", lambda self, target: [events.append("replace"), replace(self, target)])
    with replacing(tmp_path / "text") as file:
        file.write("new")
    assert events[:2] == ["flush", "replace"]


@pytest.mark.parametrize("name", ["missing/text", "file/text", "folder"])
def test_a_place_that_cannot_be_written_is_named(tmp_path, name):
    (tmp_path / "file").write_text("a file")
    (tmp_path / "folder").mkdir()
    before = names(tmp_path)
    path = tmp_path / name
    with pytest.raises(EnvironmentFailure, match=f"cannot write {path}: "), replacing(path) as file:
        file.write("new")
    assert names(tmp_path) == before
    assert names(tmp_path / "folder") == []


def test_a_text_that_utf8_cannot_hold_leaves_all_as_before(tmp_path):
    with pytest.raises(UnicodeEncodeError), replacing(tmp_path / "text") as file:
        file.write("\ud800")
    assert names(tmp_path) == []


def test_no_file_stays_open(tmp_path):
    before = len(os.listdir("/dev/fd")) if os.path.isdir("/dev/fd") else None  # noqa: PTH112, PTH208
    with replacing(tmp_path / "text") as file:
        file.write("new")
    with pytest.raises(RuntimeError), replacing(tmp_path / "text"):
        raise RuntimeError
    assert file.closed
    assert before is None or len(os.listdir("/dev/fd")) == before  # noqa: PTH208


# write_together


@needs_a_umask
def test_files_written_together_are_all_there(tmp_path, umask):
    umask(0o027)
    (tmp_path / "one").write_text("old and longer")
    write_together({tmp_path / "one": b"1\r\n", tmp_path / "other": bytes(range(256))})
    assert (tmp_path / "one").read_bytes() == b"1\r\n"
    assert (tmp_path / "other").read_bytes() == bytes(range(256))
    assert names(tmp_path) == ["one", "other"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o640}


@pytest.mark.parametrize("order", [["one", "other"], ["other", "one"]])
def test_files_written_together_appear_in_order_when_all_are_on_disk(tmp_path, monkeypatch, order):
    events = []
    fsync, replace = os.fsync, Path.replace
    monkeypatch.setattr(os, "fsync", lambda handle: [events.append("flush"), fsync(handle)])
    monkeypatch.setattr(Path, "replace", lambda self, target: [events.append(target.name), replace(self, target)])
    write_together({tmp_path / name: b"new" for name in order})
    assert events[:3] == ["flush", "flush", order[0]]
    assert [event for event in events if event != "flush"] == order


@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize("owner, name", [(tempfile, "mkstemp"), (os, "fdopen"), (Path, "chmod"), (Path, "replace")])
def test_if_one_of_new_files_cannot_be_written_none_is_there(tmp_path, monkeypatch, owner, name, number):
    fail(monkeypatch, owner, name, number)
    failing = tmp_path / ("one", "other")[number - 1]
    with pytest.raises(EnvironmentFailure, match=f"cannot write {failing}: No space left on device"):
        write_together({tmp_path / "one": b"1", tmp_path / "other": b"2"})
    assert names(tmp_path) == []


@pytest.mark.parametrize("owner, name", [(tempfile, "mkstemp"), (os, "fdopen")])
def test_if_one_of_old_files_has_no_room_all_are_as_before(tmp_path, monkeypatch, owner, name):
    for old in ("one", "other"):
        (tmp_path / old).write_text("old")
    fail(monkeypatch, owner, name, 2)
    with pytest.raises(EnvironmentFailure):
        write_together({tmp_path / "one": b"1", tmp_path / "other": b"2"})
    assert [(path.name, path.read_text()) for path in sorted(tmp_path.iterdir())] == [("one", "old"), ("other", "old")]


def test_an_interrupt_between_two_new_files_leaves_none(tmp_path, monkeypatch):
    replace, moved = Path.replace, []

    def interrupted(self, target):
        if moved:
            raise KeyboardInterrupt
        moved.append(target)
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_together({tmp_path / "first": b"1", tmp_path / "second": b"2"})
    assert moved == [tmp_path / "first"]
    assert names(tmp_path) == []


@pytest.mark.skipif(not hasattr(os, "O_DIRECTORY"), reason="folders cannot be opened here")
def test_a_file_system_that_cannot_flush_folders_will_do(tmp_path, monkeypatch):
    fsync = os.fsync

    def files_only(handle):
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        fsync(handle)

    monkeypatch.setattr(os, "fsync", files_only)
    write_together({tmp_path / "text": b"new"})
    assert (tmp_path / "text").read_bytes() == b"new"


def test_a_second_file_that_cannot_be_there_takes_the_first_one_with_it(tmp_path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(EnvironmentFailure, match=f"cannot write {tmp_path / 'folder'}: "):
        write_together({tmp_path / "one": b"1", tmp_path / "folder": b"2"})
    assert names(tmp_path) == ["folder"]


# make_folder


def test_a_folder_is_made_with_its_parents(tmp_path):
    assert make_folder(str(tmp_path / "a" / "b")) == tmp_path / "a" / "b"
    assert (tmp_path / "a" / "b").is_dir()


def test_a_folder_that_is_there_keeps_its_files(tmp_path):
    (tmp_path / "mine").write_text("mine")
    assert make_folder(tmp_path) == tmp_path
    assert names(tmp_path) == ["mine"]


@pytest.mark.parametrize("name", ["file", "file/below"])
def test_a_file_in_the_place_of_a_folder_is_named(tmp_path, name):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(EnvironmentFailure, match=f"cannot make the folder {tmp_path / name}: "):
        make_folder(tmp_path / name)
    assert (tmp_path / "file").read_text() == "mine"


# read_lines


@pytest.mark.parametrize(
    "data, lines",
    [
        (b"", []),
        (b"\n", [""]),
        (b"a", ["a"]),
        (b"a\n", ["a"]),
        (b"a\n\n", ["a", ""]),
        (b"a\r\nb\r\n", ["a", "b"]),
        (b"a\nb\r\nc", ["a", "b", "c"]),
        (b"a\rb\n", ["a\rb"]),
        ("é\x85\u2028\x0b\x1c\n".encode(), ["é\x85\u2028\x0b\x1c"]),
    ],
)
def test_lines_end_at_newlines_only(tmp_path, data, lines):
    (tmp_path / "text").write_bytes(data)
    assert read_lines(tmp_path / "text") == lines
    assert read_lines(str(tmp_path / "text")) == lines


@given(lines=st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\r\n"))))
def test_lines_written_are_lines_read(tmp_path_factory, lines):
    path = tmp_path_factory.getbasetemp() / "lines"
    with replacing(path) as file:
        file.writelines(line + "\n" for line in lines)
    assert read_lines(path) == lines


def test_a_missing_file_is_the_givers_error(tmp_path):
    with pytest.raises(InputError, match=f"{tmp_path / 'text'} is missing"):
        read_lines(tmp_path / "text")


def test_a_file_that_cannot_be_read_is_the_machines_error(tmp_path):
    path = tmp_path / ("x" * 300)  # longer than any file system allows
    with pytest.raises(EnvironmentFailure, match=f"cannot read {path}: "):
        read_lines(path)


@pytest.mark.parametrize(
    "data, line, byte", [(b"\xe9", 1, "e9"), (b"a\nb\ncaf\xc3", 3, "c3"), (b"\n\xff\n\xfe", 2, "ff")]
)
def test_bytes_that_are_not_utf8_are_named_with_their_line(tmp_path, data, line, byte):
    (tmp_path / "text").write_bytes(data)
    with pytest.raises(InputError, match=rf"{tmp_path / 'text'}, line {line}: not UTF-8 text \(byte 0x{byte}\)"):
        read_lines(tmp_path / "text")


def test_a_byte_order_mark_is_no_part_of_the_first_line(tmp_path):
    (tmp_path / "file").write_bytes(b"\xef\xbb\xbfone\r\ntwo\n")
    assert read_lines(tmp_path / "file") == ["one", "two"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_only_regular_files_are_read(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "zero").symlink_to("/dev/zero")
    for name in ("pipe", "zero"):
        with pytest.raises(InputError, match="is a pipe or a device"):
            read_lines(tmp_path / name)
    with pytest.raises(InputError, match="is a folder"):
        read_lines(tmp_path)
    with pytest.raises(InputError, match="null"):
        read_lines(tmp_path / "a\0b")


# JSON, and folders that must be there


def test_json_of_any_text_is_read_back_and_numbers_it_lacks_leave_the_old_file(tmp_path):
    path, content = tmp_path / "a.json", {"words": ["m\u00fchle", "\u4f60", "\udcff"], "share": 0.5}
    write_json(path, content)
    assert json.loads(path.read_text(encoding="utf-8")) == content
    with pytest.raises(ValueError, match="JSON"):
        write_json(path, [float("nan")])
    assert json.loads(path.read_text(encoding="utf-8")) == content
    assert names(tmp_path) == ["a.json"]


def test_a_missing_folder_is_refused_and_named(tmp_path, monkeypatch):
    with pytest.raises(InputError, match=f"the folder {tmp_path / 'nowhere'}, where a.txt should go, does not exist"):
        refuse_missing_folder(tmp_path / "nowhere" / "a.txt")
    monkeypatch.chdir(tmp_path)
    refuse_missing_folder("a.txt")
