"""Text as ids: sentences of words become a Corpus; a text of any size, read once, stays on disk."""

import contextlib
import sys
import tempfile
import time
from array import array
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from utils.corpus import cache as corpuscache
from utils.corpus.cache import CorpusCache
from utils.corpus.ids import Corpus
from utils.corpus.sources import TextReader, find_sources
from utils.corpus.textoptions import TextOptions
from utils.corpus.tokens import ID, number_words, renumber, tally
from utils.system.errors import EnvironmentFailure, InputError

FIRST_PASS = "numbers.i32"


@dataclass(frozen=True, eq=False)
class Text:
    """A text that has been read.

    Attributes
    ----------
    corpus : Corpus
        A line is a sentence, or several if it is very long; a line of whose words none stayed is one without words.
    words : list of str, length V
        The word of each id: the most frequent first; of equally frequent ones those that appear first.
    counts : ndarray of int64, shape (V,)
        How often each occurs in the corpus.
    tokens_read, lines : int
        Words of the text, those that were left out among them; its lines.
    files : tuple of str
        What was read.
    cached : bool
        Whether it had been read before, with the same options.
    fingerprint : str
        A short text that differs where words or lines differ.
    """

    corpus: Corpus
    words: list
    counts: np.ndarray
    tokens_read: int
    lines: int
    files: tuple
    cached: bool
    fingerprint: str


def read_text(path, options=None, cache=None, bar=False):
    """Read a text, as large as it may be, or open what was kept of it when it was read before.

    Memory is needed for the vocabulary, some 220 bytes per different word (rare ones, too), not for the text. While it
    is read, a word takes 8 bytes on disk, in the cache folder; afterwards 4, and a sentence 8.

    Parameters
    ----------
    path : str or Path
        A file (.gz, .bz2 and .xz are decompressed), a folder (all its files in order, hidden ones left out), or "-" for
        standard input; UTF-8, one sentence or paragraph per line.
    options : TextOptions, optional
    cache : str or Path, optional
        The folder in which texts that were read are kept. None: nothing is kept, and the ids are held in memory.
    bar : bool
        Show a progress bar where standard output is a terminal.

    Returns
    -------
    Text

    Raises
    ------
    InputError
        There is no text, or none from which a context window could be drawn.
    EnvironmentFailure
        Trouble in reading, or in writing the cache.
    """
    options, sources = options or TextOptions(), find_sources(path)
    files = tuple(source.name for source in sources)
    name = "standard input" if str(path) == "-" else str(path)
    if cache is None:
        with tempfile.TemporaryDirectory() as folder:
            _build(Path(folder), sources, options, name, bar)
            return _text(corpuscache.load(Path(folder), mapped=False), files, cached=False)
    kept = CorpusCache(cache, options)
    digest = kept.known_digest(sources)
    if digest is not None and (found := kept.load(digest)) is not None:
        return _text(found, files, cached=True)
    with kept.building() as folder:
        started = time.time_ns()
        digest = _build(folder, sources, options, name, bar)
        found = kept.keep(folder, digest)
    kept.remember(sources, digest, started)
    return _text(found, files, cached=False)


def _text(found, files, cached):
    if found is None:
        raise EnvironmentFailure("the text that was just written could not be read again: is the disk in order?")
    corpus, words, counts, facts, fingerprint = found
    return Text(corpus, words, counts, facts["tokens_read"], facts["lines"], files, cached, fingerprint)


def _build(folder, sources, options, name, bar):
    """Read the sources into files in the folder; return the digest of their content."""
    reader, numbers = TextReader(sources, options.encoding_errors), folder / FIRST_PASS
    try:
        with numbers.open("wb") as file, _progress(reader.total, bar) as report:
            index = number_words(
                reader, options, file, lambda: report(reader.bytes, file.tell() // ID.itemsize - reader.lines)
            )
        found, new_ids = tally(numbers, index, options, name)
        with (folder / corpuscache.IDS).open("wb") as ids, (folder / corpuscache.OFFSETS).open("wb") as offsets:
            neighbours = renumber(numbers, new_ids, options.longest, ids, offsets)
        if not neighbours:
            often = f" that occur {options.min_count} times or more" if options.min_count > 1 else ""
            raise InputError(
                f"no context window can be drawn from {name}: no line has two different words{often} next to each "
                "other; wanted one sentence per line"
            )
        numbers.unlink()
        found.counts.tofile(folder / corpuscache.COUNTS)
        (folder / corpuscache.WORDS).write_bytes("\n".join(found.words).encode())
        corpuscache.seal(folder, tokens_read=found.tokens_read, lines=reader.lines)
    except OSError as error:
        raise EnvironmentFailure(f"cannot write in {folder.parent}: {error.strerror or error}") from error
    return reader.digest()


@contextlib.contextmanager
def _progress(total, shown):
    """A function that takes (bytes read, words read), and shows them with the time left where that can be known."""
    started = time.monotonic()
    with tqdm(
        total=total, unit="B", unit_scale=True, leave=False, dynamic_ncols=True, desc="reading",
        disable=not shown or not sys.stdout.isatty(),
    ) as progress:  # fmt: skip

        def report(size, words):
            speed = words / max(time.monotonic() - started, 1e-9)
            progress.set_postfix_str(f"{speed / 1e6:.1f} million words/s", refresh=False)
            progress.update(size - progress.n)

        yield report


# Small texts, in memory


def encode(sentences):
    """Give each word an id, in the order of first appearance.

    Parameters
    ----------
    sentences : iterable of sequence of str
        Taken one at a time.

    Returns
    -------
    corpus : Corpus
    words : list of str, length V
        The word of each id.
    """
    index = defaultdict()
    index.default_factory = index.__len__  # a word not seen before gets the next number
    ids, offsets = array("i"), array("q", [0])
    for sentence in sentences:
        ids.extend(map(index.__getitem__, sentence))
        offsets.append(len(ids))
    return Corpus(np.frombuffer(ids, np.int32), np.frombuffer(offsets, np.int64)), list(index)


def read_corpus(path):
    """Read plain text as `read_text` does, with its defaults and without a cache.

    Returns
    -------
    corpus : Corpus
    words : list of str, length V
    """
    text = read_text(path)
    return text.corpus, text.words


def drop_rare(corpus, words, least):
    """Leave out words that occur fewer than `least` times, before windows are drawn: their neighbours move together.

    Parameters
    ----------
    corpus : Corpus
    words : list of str, length V
    least : int

    Returns
    -------
    corpus : Corpus
        With new ids; the order of the words stays, and so does the number of sentences.
    words : list of str

    Raises
    ------
    InputError
        No word is left.
    """
    kept = np.bincount(corpus.ids, minlength=len(words)) >= least  # (V,)
    if not kept.any():
        raise InputError(f"no word occurs {least} times or more: give a smaller --min-count or more text")
    stays = kept[corpus.ids]  # (T,)
    new_ids = (np.cumsum(kept) - 1).astype(np.int32)  # (V,)
    offsets = np.concatenate(([0], np.cumsum(stays)))[corpus.offsets]  # (S + 1,)
    return Corpus(new_ids[corpus.ids[stays]], offsets), [word for word, stay in zip(words, kept, strict=True) if stay]
