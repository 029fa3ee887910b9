"""utils/corpus/download.py and utils/system/zips.py on zips: the files of the data set come out, or nothing does."""

import dataclasses
import stat
import struct
import tempfile
import tracemalloc
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from zips import FILES, TINY, good_members, leaving_nothing, make_zip, member, tree

from utils.corpus.download import install
from utils.system import zips
from utils.system.errors import InputError


@pytest.fixture
def good_zip(tmp_path):
    return make_zip(tmp_path / "good.zip", *good_members())


def unpack(zip_path, folder, data_set=TINY):
    return install(folder, zip_path, quiet=True, data_set=data_set)


@pytest.mark.parametrize("folder", ["treebank/", "", "another name/"])
def test_the_files_of_the_data_set_are_taken_by_name_and_no_other(tmp_path, folder):
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
    unpack(zip_path, tmp_path / "out")
    assert tree(tmp_path / "out") == FILES


@pytest.mark.parametrize(
    "bad",
    [
        member("../x", b"x"),
        member("treebank/../../x", b"x"),
        member("/etc/x", b"x"),
        member("C:x", b"x"),
        member("treebank\\..\\..\\x", b"x"),
        member("treebank/x\0.txt", b"x"),
        member("treebank/link", b"/etc/passwd", kind=stat.S_IFLNK),
        member("treebank/pipe", kind=stat.S_IFIFO),
        member("treebank/secret", b"x", flag_bits=0x1),
        member("treebank/odd", b"x", compress_type=zipfile.ZIP_BZIP2),
        member("treebank/zeros", bytes(1_000_000)),
        member("treebank/boast", b"x", file_size=2**40),
        member("treebank/" + "x" * 5_000, b"x"),
    ],
    ids=lambda value: value[0].filename[:30].encode("unicode_escape").decode(),
)
def test_a_member_that_is_not_asked_for_is_never_read(tmp_path, bad):
    """Nor does its name become a path: what would be dangerous to unpack stays packed."""
    zip_path = make_zip(tmp_path / "x.zip", *good_members(), bad)
    unpack(zip_path, tmp_path / "in" / "out", dataclasses.replace(TINY, most_bytes=20_000))
    assert tree(tmp_path / "in" / "out") == FILES
    assert {path.name for path in tmp_path.iterdir()} == {"x.zip", "in"}
    assert {path.name for path in (tmp_path / "in").iterdir()} == {"out"}


@pytest.mark.parametrize(
    ("labels", "complaint"),
    [
        (member("treebank/labels.txt", b"/etc/passwd", kind=stat.S_IFLNK), "labels.txt has sha256"),
        (member("treebank/labels.txt", FILES["labels.txt"], flag_bits=0x1), "encrypted, password required"),
        (member("treebank/labels.txt", FILES["labels.txt"], flag_bits=0x20), "patched data"),
        (member("treebank/labels.txt", FILES["labels.txt"], compress_type=zipfile.ZIP_BZIP2), "other than deflate"),
        (member("treebank/labels.txt", FILES["labels.txt"], compress_type=zipfile.ZIP_LZMA), "other than deflate"),
        (member("treebank/labels.txt", bytes(10_000)), "more than the expected 10,000"),
        (member("treebank/labels.txt", b"x", file_size=2**40), "more than the expected 10,000"),
        (member("treebank/labels.txt", bytes(1_000_000), file_size=100), "Bad CRC-32"),
        # A few zeros in a table of contents make a file empty, and its checksum is right: that of nothing is zero.
        (member("treebank/labels.txt", b"x", CRC=0, compress_size=0, file_size=34), "labels.txt is cut off"),
        (member("treebank/labels.txt", b"x", CRC=0, compress_size=0, file_size=0), "labels.txt has sha256 e3b0c442"),
    ],
)
def test_a_wanted_member_that_is_wrong_is_refused(tmp_path, labels, complaint):
    zip_path = make_zip(tmp_path / "x.zip", *good_members(labels=None), labels)
    with leaving_nothing(tmp_path), pytest.raises(InputError, match=complaint) as caught:
        unpack(zip_path, tmp_path / "out")
    assert str(caught.value).startswith(str(zip_path))
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("again", ["treebank/labels.txt", "labels.txt", "elsewhere/labels.txt"])
def test_a_file_that_comes_twice_is_refused(tmp_path, again):
    zip_path = make_zip(tmp_path / "x.zip", *good_members(), member(again, FILES["labels.txt"]))
    with leaving_nothing(tmp_path), pytest.raises(InputError, match="holds labels.txt twice"):
        unpack(zip_path, tmp_path / "out")


def test_a_member_that_extends_beyond_the_end_of_the_zip_is_refused(tmp_path):
    long = member(
        "treebank/labels.txt", b"x" * 50, compress_type=zipfile.ZIP_STORED, compress_size=5_000, file_size=5_000
    )
    zip_path = make_zip(tmp_path / "x.zip", *good_members(labels=None), long)
    with leaving_nothing(tmp_path), pytest.raises(InputError, match="cannot be unpacked: [^;]"):
        unpack(zip_path, tmp_path / "out")


def test_the_limit_is_for_the_chosen_files_together(tmp_path):
    """Two of 6,000 bytes each pass a limit of 12,000 and not one of 11,999."""
    path = make_zip(tmp_path / "x.zip", *(member(name, bytes(6_000)) for name in "ab"), member("c", bytes(50_000)))

    def read(most_bytes):
        return zips.read_members(path, lambda members: [(m.filename, m) for m in members[:2]], most_bytes)

    assert read(12_000) == {"a": bytes(6_000), "b": bytes(6_000)}
    with pytest.raises(zips.BadZip, match="its 12,000 bytes are more than the expected 11,999"):
        read(11_999)


def test_a_bomb_takes_no_more_memory_than_it_declares(tmp_path):
    bomb = make_zip(tmp_path / "x.zip", member("labels.txt", bytes(50_000_000), file_size=9_000))
    assert bomb.stat().st_size < 100_000
    tracemalloc.start()
    try:
        with pytest.raises(InputError, match="Bad CRC-32"):
            unpack(bomb, tmp_path / "out", dataclasses.replace(TINY, most_bytes=100_000))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 2_000_000  # the zip and zipfile's own buffers; the bomb holds 50 MB


@pytest.mark.parametrize("kind", ["missing", "folder", "text", "empty", "cut short"])
def test_what_is_not_a_zip_is_refused(tmp_path, good_zip, kind):
    path = tmp_path / "x.zip"
    if kind == "folder":
        path.mkdir()
    elif kind != "missing":
        path.write_bytes({"text": b"<html>", "empty": b"", "cut short": good_zip.read_bytes()[:-40]}[kind])
    with leaving_nothing(tmp_path), pytest.raises(InputError, match="x.zip cannot be unpacked: .*; use another copy"):
        unpack(path, tmp_path / "out")


def test_a_zip_that_is_larger_than_its_files_may_be_is_not_read(tmp_path, good_zip):
    data = good_zip.read_bytes()
    good_zip.write_bytes(bytes(10_000 - len(data)) + data)
    unpack(good_zip, tmp_path / "out")
    good_zip.write_bytes(bytes(10_001 - len(data)) + data)
    with leaving_nothing(tmp_path), pytest.raises(InputError, match="its 10,001 bytes are more than the expected 10,0"):
        unpack(good_zip, tmp_path / "more")


def table_of_contents(n):
    """A zip of `n` members that exist in its table of contents only."""
    entry = struct.pack("<4s6H3L5H2L", zips.ENTRY, 20, 20, 0, 0, 0, 33, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0) + b"x"
    return entry * n + struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, n, n, len(entry) * n, 0, 0)


@pytest.mark.parametrize(("members", "complaint"), [(5_000, "labels.txt is missing"), (5_001, "it has 5,001 members")])
def test_a_table_of_contents_that_is_too_long_is_not_read(tmp_path, members, complaint):
    (tmp_path / "x.zip").write_bytes(table_of_contents(members))
    with pytest.raises(InputError, match=complaint):
        unpack(tmp_path / "x.zip", tmp_path / "out", dataclasses.replace(TINY, most_bytes=500_000))


@settings(max_examples=150)
@given(st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=4))
def test_a_zip_with_any_bytes_changed_gives_the_files_or_nothing(changes):
    with tempfile.TemporaryDirectory() as folder:
        path = make_zip(Path(folder) / "x.zip", *good_members())
        data = bytearray(path.read_bytes())
        for place, value in changes:
            data[int(place * len(data))] = value
        path.write_bytes(data)
        try:
            unpack(path, Path(folder) / "out")
        except InputError:
            assert {name.name for name in Path(folder).iterdir()} == {"x.zip"}
        else:
            unpacked = tree(Path(folder) / "out")
            assert unpacked.keys() == FILES.keys()
            assert all(unpacked[name] == FILES[name] for name in ("labels.txt", "sentences.txt"))
