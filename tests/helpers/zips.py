"""Shared by the tests of downloading and unpacking: a tiny data set, zips of it, and the contents of a folder."""

import contextlib
import hashlib
import stat
import zipfile
from pathlib import Path

from utils.corpus.published import DataSet

FILES = {
    "labels.txt": b"phrase ids|sentiment values\n0|0.5\n",
    "sentences.txt": b"sentence_index\tsentence\n1\tIt is clich\xc3\x83\xc2\xa9 .\n" * 20,
    "phrases.txt": b"a|0\nb|1\nc|2\n",
}
TINY = DataSet(
    title="Tiny Treebank",
    url="http://127.0.0.1/never-asked",
    folder=Path("never-used"),
    terms="free",
    most_bytes=10_000,
    files={
        **{name: hashlib.sha256(FILES[name]).hexdigest() for name in ("labels.txt", "sentences.txt")},
        "phrases.txt": 3,
    },
    remedy="use SST_ZIP=FILE; `python run.py --sample` works without data",
    variable="SST_ZIP",
)


def member(name, data=b"", kind=stat.S_IFREG, compress_type=zipfile.ZIP_DEFLATED, **lies):
    info = zipfile.ZipInfo("placeholder")
    info.filename = name  # set afterwards: the constructor would clean it
    info.external_attr = (kind | 0o644) << 16
    info.compress_type = compress_type
    return info, data, lies


def make_zip(path, *members):
    """Write a zip; the `lies` of its members go into its table of contents, which is written after the data."""
    with zipfile.ZipFile(path, "w") as archive:
        for info, data, lies in members:
            archive.writestr(info, data)
            for attribute, value in lies.items():
                setattr(info, attribute, value)
    return path


def good_members(folder="treebank/", **changed):
    contents = {**FILES, **{f"{stem}.txt": data for stem, data in changed.items()}}
    return [member(folder + name, data) for name, data in contents.items() if data is not None]


def tree(folder):
    """Everything below `folder`, hidden or not: relative path -> contents, None for a folder."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else None for path in folder.rglob("*")
    }


@contextlib.contextmanager
def leaving_nothing(folder):
    before = tree(folder)
    yield
    assert tree(folder) == before


def put_damaged(folder):
    """A treebank with one file cut short and one missing."""
    folder.mkdir()
    (folder / "labels.txt").write_bytes(FILES["labels.txt"][:-3])
    (folder / "phrases.txt").write_bytes(FILES["phrases.txt"])
