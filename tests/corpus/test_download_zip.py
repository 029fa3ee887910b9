"""utils/corpus/download.py on zips: the files of the data set come out, and of a suspicious zip nothing."""

import contextlib
import dataclasses
import io
import stat
import struct
import tempfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from zips import FILES, TINY, good_members, leaving_nothing, make_zip, member, tree

from utils.corpus import download
from utils.system.errors import EnvironmentFailure, InputError


@pytest.fixture
def good_zip(tmp_path):
    return make_zip(tmp_path / "good.zip", *good_members())


@pytest.mark.parametrize("folder", ["treebank/", "", "another name/"])
def test_unpack_takes_the_known_files_only(tmp_path, folder):
    zip_path = make_zip(
        tmp_path / "x.zip",
        member("__MACOSX/", kind=stat.S_IFDIR),
        member("__MACOSX/labels.txt", b"resource fork"),
        member("__MACOSX/treebank/._labels.txt", b"resource fork"),
        member("treebank/.DS_Store", b"view"),
        member("treebank/Icon\r"),
        member("treebank/deeper/labels.txt", b"too deep"),
        *good_members(folder),
    )
    download.unpack(zip_path, tmp_path / "out", TINY)
    assert tree(tmp_path / "out") == FILES


@pytest.mark.parametrize(
    ("bad", "complaint"),
    [
        (member("../labels.txt", b"x"), "leaves the folder"),
        (member("treebank/../../x", b"x"), "leaves the folder"),
        (member("/etc/x", b"x"), "leaves the folder"),
        (member("C:x", b"x"), "leaves the folder"),
        (member("treebank\\..\\..\\x", b"x"), "leaves the folder"),
        (member("treebank/x\0.txt", b"x"), "leaves the folder"),
        (member("treebank/link", b"/etc/passwd", kind=stat.S_IFLNK), "is a link"),
        (member("treebank/pipe", kind=stat.S_IFIFO), "is a link or a device"),
        (member("treebank/secret", b"x", flag_bits=0x1), "is encrypted"),
        (member("treebank/odd", b"x", compress_type=zipfile.ZIP_BZIP2), "compressed in an unknown way"),
        (member("elsewhere/labels.txt", FILES["labels.txt"]), "holds labels.txt twice"),
        (member("treebank/zeros", bytes(10_000)), "more than the 10,000"),
        (member("treebank/boast", b"x", file_size=2**40), "more than the 10,000"),
    ],
    ids=lambda value: value[0].filename.encode("unicode_escape").decode() if isinstance(value, tuple) else "",
)
def test_one_suspicious_member_and_nothing_is_unpacked(tmp_path, bad, complaint):
    zip_path = make_zip(tmp_path / "x.zip", *good_members(), bad)
    with leaving_nothing(tmp_path), pytest.raises(InputError, match=complaint) as caught:
        download.unpack(zip_path, tmp_path / "out", TINY)
    assert str(zip_path) in str(caught.value)


@pytest.mark.parametrize("announced", [0, 34])
def test_an_empty_file_is_refused(tmp_path, announced):
    """A few zeros in a table of contents make one, and its check sum is right: that of nothing is zero."""
    nothing = member("treebank/labels.txt", FILES["labels.txt"], CRC=0, compress_size=0, file_size=announced)
    zip_path = make_zip(tmp_path / "x.zip", *good_members(labels=None), nothing)
    with leaving_nothing(tmp_path), pytest.raises(InputError, match=f"labels.txt has 0 bytes, announced {announced}"):
        download.unpack(zip_path, tmp_path / "out", TINY)


def test_a_bomb_that_declares_less_than_it_holds_is_refused(tmp_path):
    zeros = member("treebank/labels.txt", bytes(1_000_000), file_size=100)
    zip_path = make_zip(tmp_path / "x.zip", zeros, *good_members(labels=None))
    with leaving_nothing(tmp_path), pytest.raises(InputError, match="cannot be unpacked"):
        download.unpack(zip_path, tmp_path / "out", TINY)


def test_a_member_that_goes_on_behind_the_end_of_the_zip_is_refused(tmp_path):
    long = member(
        "treebank/labels.txt", b"x" * 50, compress_type=zipfile.ZIP_STORED, compress_size=5_000, file_size=5_000
    )
    zip_path = make_zip(tmp_path / "x.zip", *good_members(labels=None), long)
    with leaving_nothing(tmp_path), pytest.raises(InputError, match="cannot be unpacked: [^;]"):
        download.unpack(zip_path, tmp_path / "out", TINY)


def test_a_file_in_a_format_that_python_does_not_read_is_refused(tmp_path):
    patched = member("treebank/labels.txt", FILES["labels.txt"], flag_bits=0x20)
    zip_path = make_zip(tmp_path / "x.zip", patched, *good_members(labels=None))
    with leaving_nothing(tmp_path), pytest.raises(InputError, match="patched data"):
        download.unpack(zip_path, tmp_path / "out", TINY)


def test_a_full_disk_is_not_the_giver_s_mistake(tmp_path, good_zip, monkeypatch):
    def full(path, data):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(EnvironmentFailure, match="No space left on device"):
        download.unpack(good_zip, tmp_path / "out", TINY)


def test_bytes_are_counted_while_reading_whatever_was_declared():
    assert download.read_at_most(io.BytesIO(b"12345"), 5) == b"12345"
    with pytest.raises(zipfile.BadZipFile, match="more than it may"):
        download.read_at_most(io.BytesIO(b"123456"), 5)


def test_the_limit_holds_for_all_files_together(tmp_path, monkeypatch):
    """Even where the sizes in the table of contents were not looked at."""
    zip_path = make_zip(tmp_path / "x.zip", *good_members(labels=bytes(6_000), sentences=bytes(6_000)))
    monkeypatch.setattr(download, "_wanted", lambda members, _: {info.filename.split("/")[1]: info for info in members})
    with pytest.raises(InputError, match="more than it may"):
        download.unpack(zip_path, tmp_path / "out", TINY)


@pytest.mark.parametrize("kind", ["missing", "folder", "text", "empty", "cut short"])
def test_what_is_no_zip_is_refused(tmp_path, good_zip, kind):
    path = tmp_path / "x.zip"
    if kind == "folder":
        path.mkdir()
    elif kind != "missing":
        path.write_bytes({"text": b"<html>", "empty": b"", "cut short": good_zip.read_bytes()[:-40]}[kind])
    with leaving_nothing(tmp_path), pytest.raises(InputError, match="x.zip cannot be unpacked: .*; use another copy"):
        download.unpack(path, tmp_path / "out", TINY)


def test_a_zip_that_is_larger_than_what_may_be_in_it_is_not_read(tmp_path, good_zip):
    data = good_zip.read_bytes()
    good_zip.write_bytes(bytes(10_000 - len(data)) + data)
    download.unpack(good_zip, tmp_path / "out", TINY)
    good_zip.write_bytes(bytes(10_001 - len(data)) + data)
    with leaving_nothing(tmp_path), pytest.raises(InputError, match="its 10,001 bytes are more than the 10,000"):
        download.unpack(good_zip, tmp_path / "more", TINY)


def table_of_contents(n):
    """A zip of `n` members that are in its table of contents only."""
    entry = struct.pack("<4s6H3L5H2L", b"PK\1\2", 20, 20, 0, 0, 0, 33, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0) + b"x"
    return entry * n + struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, n, n, len(entry) * n, 0, 0)


@pytest.mark.parametrize(("members", "complaint"), [(1_000, "labels.txt is missing"), (1_001, "its 1,001 members are")])
def test_a_table_of_contents_that_is_too_long_is_not_read(tmp_path, members, complaint):
    large = dataclasses.replace(TINY, most_bytes=100_000)
    (tmp_path / "x.zip").write_bytes(table_of_contents(members))
    with pytest.raises(InputError, match=complaint):
        download.install(tmp_path / "out", tmp_path / "x.zip", data_set=large)


def test_a_refusal_is_short_whatever_the_name_of_a_member(tmp_path):
    zip_path = make_zip(tmp_path / "x.zip", *good_members(), member("../" + "x" * 5_000, b"x"))
    with pytest.raises(InputError, match="its member '../xxx") as caught:
        download.unpack(zip_path, tmp_path / "out", dataclasses.replace(TINY, most_bytes=20_000))
    assert len(str(caught.value)) < len(str(zip_path)) + 400


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=4))
def test_a_zip_with_any_bytes_changed_is_refused_or_gives_known_files(changes):
    with tempfile.TemporaryDirectory() as folder:
        path = make_zip(Path(folder) / "x.zip", *good_members())
        data = bytearray(path.read_bytes())
        for place, value in changes:
            data[int(place * len(data))] = value
        path.write_bytes(data)
        with contextlib.suppress(InputError):
            download.unpack(path, Path(folder) / "out", TINY)
        unpacked = {name for name in tree(Path(folder)) if name not in ("x.zip", "out")}
        assert unpacked <= {f"out/{name}" for name in FILES}
