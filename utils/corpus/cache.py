"""Texts that have been read, as ids in files that are mapped into memory: a folder that can be deleted at any time.

Each text is a folder of its own, which appears in one move. Its name begins with a digest of the paths and the options
it was read with, and ends with a digest of what came of it. It is taken for the text again as long as the size and the
times of every file are what they were; where only the times differ, the content is digested and compared. (A file
system whose clock is more than two seconds behind could hide a change that is made, without a change of size, right
while the text is read.)
"""

import contextlib
import hashlib
import json
import os
import secrets
import shutil
import time
import unicodedata

import numpy as np

from utils.corpus.ids import Corpus
from utils.corpus.sources import content_digest
from utils.system.errors import EnvironmentFailure
from utils.system.files import TEMPORARY, make_folder, replacing

FORMAT = 2  # of the files, and of how words are found
IDS, OFFSETS, COUNTS, WORDS, META = "ids.i32", "offsets.i64", "counts.i64", "words.txt", "meta.json"
PARTS = (IDS, OFFSETS, COUNTS, WORDS)
ID, OFFSET = np.dtype("<i4"), np.dtype("<i8")  # on disk
SETTLED = 2 * 10**9  # nanoseconds: a file changed later than this before it was read may change again unnoticed
ABANDONED = 24 * 60 * 60  # seconds: nothing that is still being written has been left alone for so long
IN_USE = 60  # seconds: a text this young may not have been opened yet by the process that wrote it


class CorpusCache:
    """What is kept of one text, read with certain options.

    Parameters
    ----------
    folder : str or Path
        Made if it is missing.
    sources : list of Source
    options : dict
        Of the reading, as JSON can hold them.
    """

    def __init__(self, folder, sources, options):
        self.folder = make_folder(folder)
        options = {**options, "format": FORMAT, "unicode": unicodedata.unidata_version}
        self._key = _digest([[os.path.abspath(source.path or "-") for source in sources], options])[:32]  # noqa: PTH100
        self._sources, self._stamps = sources, [source.stamp and list(source.stamp) for source in sources]
        self._remove_abandoned()

    def load(self):
        """The text as it was read before: see `load`; None if it never was, or has changed since, or is damaged."""
        for place in self.folder.glob(f"{self._key}-*"):
            with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
                if self._is_current(place):
                    return load(place)
        return None

    def _is_current(self, place):
        meta, now = json.loads((place / META).read_bytes()), time.time_ns()
        changed = max(max(stamp[1:3]) for stamp in meta["stamps"])
        if meta["stamps"] == self._stamps and changed + SETTLED < meta["read_at"]:
            return True
        if [stamp[0] for stamp in meta["stamps"]] != [stamp[0] for stamp in self._stamps]:
            return False
        if content_digest(self._sources) != meta["content"]:
            return False
        with replacing(place / META) as file:
            json.dump({**meta, "stamps": self._stamps, "read_at": now}, file)
        return True

    @contextlib.contextmanager
    def building(self):
        """A new folder for the files of a text, gone after the block unless `keep` has moved it into place."""
        with _failures(self.folder):
            folder = self.folder / f"{secrets.token_hex(8)}{TEMPORARY}"
            folder.mkdir()
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def keep(self, folder, facts, content, read_at):
        """Complete the text in a folder with `seal`, move it into its place, and return it as `load` does.

        Parameters
        ----------
        folder : Path
            Of `building`, with the PARTS of a text.
        facts : dict
            See `seal`.
        content : str
            See `content_digest`.
        read_at : int
            When reading began, in nanoseconds.
        """
        fingerprint = seal(folder, facts, stamps=self._stamps, content=content, read_at=read_at)
        place = self.folder / f"{self._key}-{fingerprint}"
        with _failures(self.folder):
            while True:
                try:
                    folder.rename(place)
                except OSError:
                    if load(place) is not None:  # the same text: of another process, or read when it was too young
                        (folder / META).replace(place / META)
                        break
                    if not place.exists():
                        raise
                    self._discard(place)
                else:
                    break
            for other in self.folder.glob(f"{self._key}-*"):
                if other != place and _age(other) > IN_USE:
                    self._discard(other)
        return load(place)

    def _discard(self, place):
        """Take a text away, in one move, so that nobody finds half of it."""
        with self.building() as aside, contextlib.suppress(FileNotFoundError):  # another process was first
            place.rename(aside / place.name)

    def _remove_abandoned(self):
        """Remove what killed processes have left."""
        for path in self.folder.glob(f"*{TEMPORARY}"):
            with contextlib.suppress(OSError):
                if min(map(_age, (path, *path.glob("*")))) > ABANDONED:
                    shutil.rmtree(path) if path.is_dir() else path.unlink()


def _age(path):
    return time.time() - path.stat().st_mtime


def seal(folder, facts, **more):
    """Write the last file of a text, with digests of all others and facts about it that JSON can hold.

    What was written before need not have reached the disk: `load` notices what is lost.

    Returns
    -------
    str
        The text's fingerprint.
    """
    parts = {name: _file_digest(folder / name) for name in PARTS}
    (folder / META).write_text(json.dumps({"parts": parts, "facts": facts, **more}), encoding="utf-8")
    return _fingerprint(parts)


def load(folder, mapped=True):
    """Open the text in a folder.

    Parameters
    ----------
    folder : Path
    mapped : bool
        Leave ids and offsets on disk, and map them into memory.

    Returns
    -------
    tuple or None
        Corpus, words (list of str), counts (ndarray of int64, shape (V,)), facts (dict), fingerprint (str). None if
        the text is missing or damaged: every byte of it is checked.
    """
    try:
        meta = json.loads((folder / META).read_bytes())
        if any(_file_digest(folder / name) != meta["parts"][name] for name in PARTS):
            return None
        read = _mapped if mapped else np.fromfile
        corpus = Corpus(read(folder / IDS, ID), read(folder / OFFSETS, OFFSET))
        words = (folder / WORDS).read_bytes().decode("utf-8").split("\n")
        return corpus, words, np.fromfile(folder / COUNTS, OFFSET), dict(meta["facts"]), _fingerprint(meta["parts"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _mapped(path, dtype):
    return np.memmap(path, dtype, mode="r")


def _file_digest(path):
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _fingerprint(parts):
    return _digest([parts[name] for name in PARTS])[:16]


def _digest(content):
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode(errors="surrogateescape")).hexdigest()


@contextlib.contextmanager
def _failures(folder):
    try:
        yield
    except OSError as error:
        raise EnvironmentFailure(f"cannot write in {folder}: {error.strerror or error}") from error
