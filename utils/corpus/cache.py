"""Texts that have been read, as ids in files that are mapped into memory: a folder that can be deleted at any time.

Each text is a folder named by the digest of its content and of the options it was read with, and is there whole or not
at all. Beside them lies, for each path that has been read, which content it had. That is believed as long as size,
times and numbers of its files are what they were; otherwise the content is digested again. So a text that has changed
never gives the ids of what it was. (A file system whose clock is more than two seconds behind could hide a change that
is made, without a change of size, right while the text is read.)
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
from utils.corpus.tokens import ID, OFFSET
from utils.system.errors import EnvironmentFailure
from utils.system.files import TEMPORARY, make_folder, replacing

FORMAT = 1  # of the files, and of how words are found
IDS, OFFSETS, COUNTS, WORDS, META = "ids.i32", "offsets.i64", "counts.i64", "words.txt", "meta.json"
PARTS = (IDS, OFFSETS, COUNTS, WORDS)
SETTLED = 2 * 10**9  # nanoseconds: a file changed later than this before it was read may change again unnoticed
ABANDONED = 24 * 60 * 60  # seconds: nothing that is still being written has been left alone for so long


class CorpusCache:
    """The texts in a folder, read with certain options.

    Parameters
    ----------
    folder : str or Path
        Made if it is missing.
    options : TextOptions
    """

    def __init__(self, folder, options):
        self.folder = make_folder(folder)
        self._options = {**options.as_dict(), "format": FORMAT, "unicode": unicodedata.unidata_version}
        self._remove_abandoned()

    def known_digest(self, sources):
        """The digest of what the sources hold, if it was kept and is still true; otherwise None.

        Their content is read only where they have changed since, but not their sizes.
        """
        if not all(source.stamp for source in sources):
            return None
        now = time.time_ns()
        try:
            seen = json.loads(self._seen(sources).read_bytes())
            sizes = [stamp[0] for stamp in seen["stamps"]]
            if seen["stamps"] == _stamps(sources) and _newest(sources) + SETTLED < seen["read_at"]:
                return seen["digest"]
            known = seen["digest"]
        except (OSError, ValueError, KeyError, TypeError, IndexError):
            return None
        if sizes != [source.stamp[0] for source in sources] or content_digest(sources) != known:
            return None
        self.remember(sources, known, now)
        return known

    def remember(self, sources, digest, read_at):
        """Keep which content the sources had at a time (in nanoseconds) before they were read."""
        if all(source.stamp for source in sources):
            with replacing(self._seen(sources)) as file:
                json.dump({"digest": digest, "read_at": read_at, "stamps": _stamps(sources)}, file)

    def load(self, digest):
        """The text of this digest: see `load`; None where there is none, or a damaged one."""
        return load(self._place(digest))

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

    def keep(self, folder, digest):
        """Move a text into its place and return it; one that another process has put there meanwhile stays."""
        place = self._place(digest)
        with _failures(self.folder):
            while True:
                try:
                    folder.rename(place)
                except OSError:
                    if (text := load(place)) is not None:
                        return text
                    if not place.exists():
                        raise
                    self._discard(place)
                else:
                    return load(place)

    def _discard(self, place):
        """Take a damaged text away, in one move, so that nobody finds half of it."""
        with self.building() as aside, contextlib.suppress(FileNotFoundError):  # another process was first
            place.rename(aside / place.name)

    def _place(self, digest):
        return self.folder / _short([digest, self._options])

    def _seen(self, sources):
        return self.folder / f"seen-{_short([os.path.abspath(source.path) for source in sources])}.json"  # noqa: PTH100

    def _remove_abandoned(self):
        """Remove what killed processes have left."""
        for folder in self.folder.glob(f"*{TEMPORARY}"):
            with contextlib.suppress(OSError):
                if time.time() - max(path.stat().st_mtime for path in (folder, *folder.glob("*"))) > ABANDONED:
                    shutil.rmtree(folder, ignore_errors=True)


def seal(folder, **facts):
    """Write the last file of a text: digests of all others, and facts about it that JSON can hold.

    What was written before need not have reached the disk: its digests are kept, and `load` notices what is lost.
    """
    parts = {}
    for name in PARTS:
        with (folder / name).open("rb") as file:
            parts[name] = hashlib.file_digest(file, "sha256").hexdigest()
    with replacing(folder / META) as file:
        json.dump({"parts": parts, "facts": facts}, file)


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
        Corpus, words (list of str), counts (ndarray of int64, shape (V,)), facts (dict), fingerprint (str). None where
        there is no text, or one that is damaged: every byte of it is checked.
    """
    try:
        meta = json.loads((folder / META).read_bytes())
        for name in PARTS:
            with (folder / name).open("rb") as file:
                if hashlib.file_digest(file, "sha256").hexdigest() != meta["parts"][name]:
                    return None
        read = _mapped if mapped else np.fromfile
        corpus = Corpus(read(folder / IDS, ID), read(folder / OFFSETS, OFFSET))
        words = (folder / WORDS).read_bytes().decode("utf-8").split("\n")
        counts, facts = np.fromfile(folder / COUNTS, OFFSET), dict(meta["facts"])
        fingerprint = _short([meta["parts"][name] for name in PARTS])[:16]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return corpus, words, counts, facts, fingerprint


def _mapped(path, dtype):
    return np.memmap(path, dtype, mode="r")


def _stamps(sources):
    return [list(source.stamp) for source in sources]


def _newest(sources):
    return max(max(source.stamp[1:3]) for source in sources)


def _short(content):
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode(errors="surrogateescape")).hexdigest()[:32]


@contextlib.contextmanager
def _failures(folder):
    try:
        yield
    except OSError as error:
        raise EnvironmentFailure(f"cannot write in {folder}: {error.strerror or error}") from error
