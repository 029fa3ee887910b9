"""The cache of texts: a text is read once, a changed one again, and what is damaged or half-written is never used."""

import contextlib
import os
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from utils.corpus import cache as cache_module
from utils.corpus import reading, sources
from utils.corpus.cache import PARTS, CorpusCache
from utils.corpus.reading import read_text
from utils.corpus.tokens import TextOptions
from utils.system.errors import EnvironmentFailure, InputError

TEXT = "one two three\nfour two one\n"


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text(TEXT)
    return path


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache"


@pytest.fixture
def settled(monkeypatch):
    """Trust the stamps of files that were written a moment ago."""
    monkeypatch.setattr(cache_module, "SETTLED", 0)


@contextlib.contextmanager
def counting_reads():
    """How often a text is read: a list that grows by one each time."""
    calls = []

    def counted(*args):
        calls.append(args)
        return sources.TextReader(*args)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "TextReader", counted)
        yield calls


def place(cache):
    (found,) = (folder for folder in cache.iterdir() if folder.is_dir())
    return found


def read(path, cache, **options):
    text = read_text(path, TextOptions(**options), cache)
    return [[text.words[i] for i in text.corpus.sentence(s)] for s in range(len(text.corpus))]


SENTENCES = [line.split() for line in TEXT.splitlines()]


def test_a_text_that_is_known_is_not_opened_again(path, cache, settled):
    first = read_text(path, cache=cache)
    with counting_reads() as calls:
        second = read_text(path, cache=cache)
    assert not calls
    assert (first.cached, second.cached) == (False, True)
    assert isinstance(second.corpus.ids, np.memmap) and isinstance(second.corpus.offsets, np.memmap)
    assert second.corpus.ids.tolist() == first.corpus.ids.tolist()
    assert second.corpus.offsets.tolist() == first.corpus.offsets.tolist()
    assert second.counts.tolist() == first.counts.tolist()
    for name in ("words", "tokens_read", "lines", "files"):
        assert getattr(second, name) == getattr(first, name)


def test_without_a_cache_nothing_is_kept(path, tmp_path):
    assert not isinstance(read_text(path).corpus.ids, np.memmap)
    assert os.listdir(tmp_path) == ["text.txt"]  # noqa: PTH208


def test_a_text_that_was_only_touched_is_digested_not_read(path, cache, settled, monkeypatch):
    read(path, cache)
    os.utime(path, (1, 1))
    with counting_reads() as calls:
        assert read_text(path, cache=cache).cached
        monkeypatch.setattr(cache_module, "content_digest", None)  # the new times were remembered
        assert read(path, cache) == SENTENCES
    assert not calls
    assert place(cache)


def test_a_text_that_was_written_a_moment_ago_is_digested_not_read(path, cache):
    read(path, cache)
    with counting_reads() as calls:
        assert read_text(path, cache=cache).cached
    assert not calls


@pytest.mark.parametrize("text", ["six two three\nfour two one\n", "six seven\n"])
def test_a_changed_text_is_read_again(path, cache, settled, text):
    read(path, cache)
    before = path.stat()
    path.write_text(text)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))  # as a tool that keeps times would
    assert read(path, cache) == [line.split() for line in text.splitlines()]
    path.write_text(TEXT)
    assert read(path, cache) == SENTENCES


def test_a_change_too_quick_for_the_file_systems_clock_is_noticed(path, cache, monkeypatch):
    now = time.time_ns()
    monkeypatch.setattr(sources, "_stamp", lambda status: (status.st_size, now, now, 1))
    read(path, cache)
    path.write_text(TEXT.replace("one", "six"))
    assert read(path, cache)[0] == ["six", "two", "three"]


def test_an_older_file_in_its_place_is_noticed(path, cache, monkeypatch):
    inode = [1]
    monkeypatch.setattr(sources, "_stamp", lambda status: (status.st_size, 5, 5, *inode))
    read(path, cache)
    assert read_text(path, cache=cache).cached
    inode[:] = [2]
    path.write_text(TEXT.replace("one", "six"))
    assert read(path, cache)[0] == ["six", "two", "three"]


def test_a_file_that_joins_or_leaves_a_folder_is_noticed(path, cache, settled):
    folder = path.parent / "texts"
    folder.mkdir()
    shutil.copy(path, folder / "a.txt")
    assert read(folder, cache) == SENTENCES
    (folder / "b.txt").write_text("five six")
    assert read(folder, cache) == [*SENTENCES, ["five", "six"]]
    (folder / "b.txt").unlink()
    assert read(folder, cache) == SENTENCES


def test_what_a_text_was_before_is_removed(path, cache, settled):
    read(path, cache)
    before = place(cache)
    path.write_text("six seven\n")
    read(path, cache)
    assert before.exists()  # its reader may be about to open it
    os.utime(before, (1, 1))
    path.write_text("six seven eight\n")
    read(path, cache)
    assert not before.exists()
    assert sum(1 for _ in cache.iterdir()) == 2


def test_other_options_have_another_place(path, cache, settled):
    variants = [{}, {"min_count": 2}, {"max_vocab": 2}, {"longest": 2}, {"token_pattern": "[a-z]+"}]
    variants += [{"lowercase": False}, {"encoding_errors": "ignore"}]
    for i, options in enumerate(variants):
        assert not read_text(path, TextOptions(**options), cache).cached
        assert sum(folder.is_dir() for folder in cache.iterdir()) == i + 1
    assert read(path, cache, min_count=2) == [["one", "two"], ["two", "one"]]


def cut(file):
    file.write_bytes(file.read_bytes()[:-1])


def change(file):
    data = file.read_bytes()
    file.write_bytes(bytes([data[0] ^ 1]) + data[1:])


@pytest.mark.parametrize("damage", [cut, change, Path.unlink])
@pytest.mark.parametrize("part", [*PARTS, cache_module.META])
def test_a_damaged_text_is_made_anew(path, cache, settled, part, damage):
    read(path, cache)
    damage(place(cache) / part)
    with counting_reads() as calls:
        assert read(path, cache) == SENTENCES
        assert len(calls) == 1
        assert read_text(path, cache=cache).cached
    assert len(calls) == 1
    assert {file.name for file in place(cache).iterdir()} == {*PARTS, cache_module.META}


@pytest.mark.parametrize(
    "damage", [b"", b"[]", b"{", b'{"stamps": 1}', b'{"stamps": [[]]}', b'{"stamps": [[27, 0, 0, 0]]}', b"\xff"]
)
def test_a_text_with_damaged_facts_is_made_anew(path, cache, settled, damage):
    read(path, cache)
    (place(cache) / cache_module.META).write_bytes(damage)
    assert read(path, cache) == SENTENCES
    assert read_text(path, cache=cache).cached


def test_a_file_in_the_place_of_a_text_is_replaced(path, cache):
    read(path, cache)
    folder = place(cache)
    shutil.rmtree(folder)
    folder.write_text("not a folder")
    assert read(path, cache) == SENTENCES


def test_a_text_that_is_refused_leaves_nothing(path, cache):
    path.write_bytes(b"one two\nthree \xff")
    with pytest.raises(InputError):
        read_text(path, cache=cache)
    assert not list(cache.iterdir())


def test_an_interrupt_leaves_nothing(path, cache, monkeypatch):
    def interrupt(*args, **facts):
        raise KeyboardInterrupt

    monkeypatch.setattr(cache_module, "seal", interrupt)
    with pytest.raises(KeyboardInterrupt):
        read_text(path, cache=cache)
    assert not list(cache.iterdir())


def test_what_another_process_has_made_meanwhile_stays(path, cache):
    found, _ = sources.find_sources(path)
    kept = CorpusCache(cache, found, TextOptions().as_dict())
    with kept.building() as folder:
        facts, content = reading._build(folder, found, TextOptions(), "text", False, ())
        read(path, cache)
        number = place_without_parts(cache).stat().st_ino
        assert kept.keep(folder, facts, content, 0) is not None
    assert place(cache).stat().st_ino == number


def place_without_parts(cache):
    (found,) = (folder for folder in cache.iterdir() if folder.suffix != ".part")
    return found


def test_many_at_once_all_get_the_text(path, cache):
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda _: read(path, cache), range(24))) == [SENTENCES] * 24
    assert place(cache)


def test_only_what_was_left_for_a_day_is_removed(path, cache):
    old, new, file = cache / "0123.part", cache / "4567.part", cache / ".seen.json.x.part"
    for folder in (old, new):
        folder.mkdir(parents=True)
        (folder / "ids.i32").touch()
        os.utime(folder, (1, 1))
    file.touch()
    for path_of_old in (old / "ids.i32", file):
        os.utime(path_of_old, (1, 1))
    read(path, cache)
    assert not old.exists() and not file.exists() and new.exists()


# Trouble of the machine


def test_a_file_that_cannot_be_read_is_a_failure_of_the_machine(path, monkeypatch):
    def refuse(self, mode):
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(EnvironmentFailure, match="cannot read .*text.txt: Permission denied"):
        list(sources.TextReader(sources.find_sources(path)[0]))


def test_a_folder_that_cannot_be_read_is_a_failure_of_the_machine(tmp_path, monkeypatch):
    (tmp_path / "inner").mkdir()
    scandir = os.scandir

    def refuse(folder):
        if Path(folder).name == "inner":
            raise PermissionError(13, "Permission denied", str(folder))
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(EnvironmentFailure, match="cannot read .*inner: Permission denied"):
        read_text(tmp_path)


def test_a_full_disk_is_a_failure_of_the_machine(path, cache, monkeypatch):
    def refuse(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(reading, "_renumber", refuse)
    with pytest.raises(EnvironmentFailure, match=f"cannot write in {cache}: No space left on device"):
        read_text(path, cache=cache)
    assert not list(cache.iterdir())


def test_a_file_in_the_place_of_the_cache_is_a_failure_of_the_machine(path, cache):
    cache.touch()
    with pytest.raises(EnvironmentFailure, match="cannot make the folder"):
        read_text(path, cache=cache)
