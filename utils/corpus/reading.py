"""Text as ids: sentences of words become a Corpus; a text of any size, read once, stays on disk.

A text is read in two passes, so that memory goes with the vocabulary, not with the text. The first gives each word a
number in the order of first appearance and writes the numbers down, line by line. Then it is known how often each
occurs. The second renumbers them: the most frequent word is 0, rare words are gone.
"""

import contextlib
import hashlib
import shutil
import sys
import tempfile
import time
from array import array
from collections import defaultdict
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from utils.corpus import cache as files
from utils.corpus.cache import ID, OFFSET, CorpusCache
from utils.corpus.ids import Corpus
from utils.corpus.sources import TextReader, find_sources
from utils.corpus.tokens import LINE_END, TextOptions, empty_match, tokenizer
from utils.system.bar import Bar
from utils.system.errors import EnvironmentFailure, InputError

NUMBERS = "numbers.i32"  # the file of the first pass
AT_ONCE = 2**18  # numbers, in the second pass
MOST_DISTINCT = 30_000_000  # words: some 7 GB of memory. None is forgotten on the way: all counts are exact
TOO_LONG = "\0\0"  # stands for such words
MARKS = (LINE_END, TOO_LONG)  # their numbers are 0 and 1
LONGEST_WORD = 1_000  # characters: what is longer is data, or a text without spaces
MUCH, MANY_TIMES = 10**7, 100  # more bytes of text, and more than so many times its compressed size, are worth a notice
CHECK_EVERY = 2**24  # bytes that are written
RESERVE = 2**28  # bytes of the disk that are left to others
LONG_FOR_A_WORD = 15  # characters, on average
UNSPACED = (
    "the text may be written without spaces; put spaces between the words, or give --token-pattern, such as \\w to "
    "take each letter for a word"
)
LEFT_OUT = -1
END = -2


@dataclass(frozen=True, eq=False)
class Text:
    """A text that has been read.

    Attributes
    ----------
    corpus : Corpus
        A line is a sentence, or several if it is very long. A line of which no word stayed is an empty sentence.
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
    notices : list of str
        What users should know of: files and words that were left out, much text in a small file.
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
    notices: list
    fingerprint: str


def read_text(path, options=None, cache=None, bar=False, known=()):
    """Read a text, as large as it may be, or open what was kept of it when it was read before.

    Memory is needed for the vocabulary, some 220 bytes per different word (rare ones, too), not for the text. While it
    is read, a word takes 8 bytes on disk, in the cache folder; afterwards 4, and a sentence 8.

    Parameters
    ----------
    path : str or Path
        A file (.gz, .bz2 and .xz are decompressed), a folder (all its .txt files, also compressed, in order), or "-"
        for standard input; UTF-8, one sentence or paragraph per line.
    options : TextOptions, optional
    cache : str or Path, optional
        The folder in which texts that were read are kept. None: nothing is kept, and the ids are held in memory.
    bar : bool
        Show a progress bar where standard output is a terminal.
    known : sequence of str
        Distinct words that have the first ids, in this order, however rare they are in the text.

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
    options = options or TextOptions()
    sources, notices = find_sources(path)
    name = "standard input" if str(path) == "-" else str(path)
    if cache is None:
        with tempfile.TemporaryDirectory() as folder:
            facts, _ = _build(Path(folder), sources, options, name, bar, known)
            files.seal(Path(folder), facts)
            return _text(files.load(Path(folder), mapped=False), sources, notices, cached=False)
    before = {"known": hashlib.sha256("\n".join(known).encode()).hexdigest()} if known else {}
    kept = CorpusCache(cache, sources, {**options.as_dict(), **before})
    if (found := kept.load()) is not None:
        return _text(found, sources, notices, cached=True)
    with kept.building() as folder:
        started = time.time_ns()
        facts, content = _build(folder, sources, options, name, bar, known)
        return _text(kept.keep(folder, facts, content, started), sources, notices, cached=False)


def _text(found, sources, notices, cached):
    if found is None:
        raise EnvironmentFailure("the text that was just written could not be read again: is the disk in order?")
    corpus, words, counts, facts, fingerprint = found
    return Text(
        corpus, words, counts, facts["tokens_read"], facts["lines"], tuple(source.name for source in sources), cached,
        notices + facts["notices"], fingerprint,
    )  # fmt: skip


def _build(folder, sources, options, name, bar, known):
    """Read the sources into files in the folder; return the facts about them, and the digest of their content."""
    reader = TextReader(sources, options.encoding_errors)
    try:
        with (folder / NUMBERS).open("wb") as file, _progress(reader, file, bar) as report:
            index, notices = _number(reader, options, file, report, known)
        kept, counts, tokens_read = _select(folder, index, options, name, len(known))
        words = list(index)
        words = [words[number] for number in kept.tolist()]
        if not _renumber(folder, kept, len(index), options.longest):
            raise _no_context(name, words, counts, tokens_read > reader.lines, options.min_count)
        (folder / NUMBERS).unlink()
        counts.tofile(folder / files.COUNTS)
        (folder / files.WORDS).write_bytes("\n".join(words).encode())
    except OSError as error:
        raise EnvironmentFailure(f"cannot write in {folder.parent}: {error.strerror or error}") from error
    if reader.unpacked > max(MUCH, MANY_TIMES * reader.bytes):
        kept = sum(file.stat().st_size for file in folder.iterdir())
        notices.append(
            f"{name}: {reader.bytes:,} bytes hold {reader.unpacked:,} bytes of text, read into {kept:,} bytes"
        )
    facts = {"tokens_read": tokens_read, "lines": reader.lines, "notices": notices}
    return facts, reader.content.hexdigest()


def _number(reader, options, file, report, known):
    """The first pass: write the number of each word to `file`, by first appearance, as int32.

    Returns
    -------
    index : dict of str to int
        The number of each word; the first are MARKS and the known words.
    notices : list of str
    """
    tokenize = tokenizer(options.token_pattern)
    index = defaultdict()
    index.default_factory = index.__len__  # a word not seen before gets the next number
    for word in (*MARKS, *known):
        index[word] = len(index)
    long, first, goes_on, checked = 0, None, False, 0  # words that are too long: how many, and where the first is
    for text in reader:
        text = text.lower() if options.lowercase else text
        words, before = tokenize(text), len(index)
        if goes_on and reader.inside and words and text.startswith(words[0]):
            words[0] = TOO_LONG
        numbers = np.fromiter(map(index.__getitem__, words), ID, len(words))
        if "" in index:
            raise empty_match(options.token_pattern)
        if any(len(word) > LONGEST_WORD for word in islice(reversed(index), len(index) - before)):
            while len(index) > before:
                index.popitem()
            places = [i for i, word in enumerate(words) if len(word) > LONGEST_WORD]
            long, first = long + len(places), first or (reader.name, reader.line + words[: places[0]].count(LINE_END))
            words = [word if len(word) <= LONGEST_WORD else TOO_LONG for word in words]
            numbers = np.fromiter(map(index.__getitem__, words), ID, len(words))
        goes_on = words[-1:] == [TOO_LONG] and not text[-1].isspace()
        numbers.tofile(file)
        if len(index) > MOST_DISTINCT:
            raise InputError(
                f"the text has more than {MOST_DISTINCT:,} different words, too many to count: "
                "give a --token-pattern that finds words only, or less text"
            )
        if file.tell() > checked + CHECK_EVERY:
            checked = file.tell()
            _check_space(Path(file.name).parent, checked, reader)
        report()
    if not long:
        return index, []
    more = f", and {long - 1:,} more" if long > 1 else ""
    return index, [f"{first[0]}, line {first[1]}: left out a word of more than {LONGEST_WORD:,} characters{more}"]


def _check_space(folder, written, reader):
    """Refuse to go on where the second pass, which may write twice as much again, would fill the disk."""
    free = shutil.disk_usage(folder).free
    if free < 2 * written + RESERVE:
        raise EnvironmentFailure(
            f"{folder.parent} has room for {free:,} bytes more, too little for the text, of which {reader.unpacked:,} "
            f"bytes have been read ({reader.bytes:,} in its files): free some space, give another --cache or less text"
        )


def _select(folder, index, options, name, known):
    """Count the numbers of the first pass, and choose the words that stay.

    Returns
    -------
    kept : ndarray of int64, shape (V,)
        Their numbers: those of the `known` first words; of the others the most frequent first, of equally frequent
        ones those that appear first.
    counts : ndarray of int64, shape (V,)
    tokens_read : int
        Words of the text, including those that are left out.
    """
    counts = np.zeros(len(index), dtype=np.int64)  # (N,)
    for numbers in _numbers(folder, max(AT_ONCE, len(index))):
        counts += np.bincount(numbers, minlength=len(index))
    tokens_read = counts[1:].sum().item()
    counts[: len(MARKS)] = 0
    if not counts.any():
        if tokens_read:
            raise InputError(f"{name} holds no words of at most {LONGEST_WORD:,} characters: {UNSPACED}")
        raise InputError(
            f"{name} holds no words: wanted text, one sentence per line, or another --token-pattern "
            "(\\S+ finds whatever stands between white space)"
        )
    new = len(MARKS) + known
    order = new + np.argsort(-counts[new:], kind="stable")  # (N - 2 - known,)
    order = order[counts[order] >= options.min_count]
    if options.max_vocab is not None:
        order = order[: max(0, options.max_vocab - known)]
    kept = np.concatenate((np.arange(len(MARKS), new), order))  # (V,)
    if not counts[kept].any():
        long = _mean_length(index, counts) >= LONG_FOR_A_WORD
        raise InputError(
            f"no word of {name} occurs {options.min_count} times or more (the most frequent: {counts.max()}): "
            + (UNSPACED if long else "give a smaller --min-count or more text")
        )
    return kept, counts[kept], tokens_read


def _no_context(name, words, counts, several, min_count):
    """The error for a text in which no word has a neighbour; `several` says whether some line has several words."""
    length = _mean_length(words, counts)
    often = f" that occur {min_count} times or more" if min_count > 1 else ""
    if several:
        cause = f"no line has two different words{often} next to each other; wanted one sentence per line"
    elif length < LONG_FOR_A_WORD:
        cause = "there is one word on a line; wanted one sentence per line, or a --token-pattern that finds more words"
    else:
        cause = f"there is one word on a line, of {length:,.0f} characters on average: {UNSPACED}"
    return InputError(f"no context window can be drawn from {name}: {cause}")


def _mean_length(words, counts):
    return np.dot(np.fromiter(map(len, words), np.int64), counts) / counts.sum()


def _renumber(folder, kept, n, longest):
    """The second pass: write ids and offsets; return whether some word has a neighbour that differs from it.

    Parameters
    ----------
    folder : Path
    kept : ndarray of int64, shape (V,)
        The number of each id.
    n : int
        How many numbers there are.
    longest : int
        Sentences of more words are cut.
    """
    new_ids = np.full(n, LEFT_OUT, dtype=ID)
    new_ids[kept] = np.arange(len(kept))
    new_ids[0] = END
    begin = written = 0  # where the sentence that is being read begins; ids up to here
    last, neighbours = END, False
    with (folder / files.IDS).open("wb") as ids_file, (folder / files.OFFSETS).open("wb") as offsets_file:
        np.zeros(1, OFFSET).tofile(offsets_file)
        for numbers in _numbers(folder, AT_ONCE):
            ids = new_ids.take(numbers)
            ids = ids[ids != LEFT_OUT]
            if not neighbours and len(ids):
                pairs = np.concatenate(([last], ids))
                neighbours = bool(((pairs[1:] != pairs[:-1]) & (pairs[1:] >= 0) & (pairs[:-1] >= 0)).any())
                last = ids[-1]
            ends = np.flatnonzero(ids == END)
            borders = written + ends - np.arange(len(ends))  # (S,): line ends are not words
            if len(borders):
                _cut(begin, borders, longest).astype(OFFSET).tofile(offsets_file)
                begin = borders[-1].item()
            ids = ids[ids != END]
            ids.tofile(ids_file)
            written += len(ids)
    return neighbours


def _cut(begin, borders, longest):
    """The ends of sentences, with more of them where a sentence has more than `longest` words."""
    begins = np.concatenate(([begin], borders[:-1]))
    long = np.flatnonzero(borders - begins > longest)
    cuts = [np.arange(begins[s] + longest, borders[s], longest) for s in long]
    return np.sort(np.concatenate((borders, *cuts))) if cuts else borders


def _numbers(folder, n):
    with (folder / NUMBERS).open("rb") as file:
        while len(numbers := np.fromfile(file, ID, n)):
            yield numbers


@contextlib.contextmanager
def _progress(reader, file, shown):
    """A function that shows what has been read, the speed, and the time left where that can be known."""
    started = time.monotonic()
    hidden = not shown or not sys.stdout.isatty()
    with Bar(total=reader.total, unit="B", unit_scale=True, leave=False, desc="reading", disable=hidden) as progress:

        def report():
            words = file.tell() // ID.itemsize - reader.lines
            speed = words / max(time.monotonic() - started, 1e-9)
            progress.set_postfix_str(f"{speed / 1e6:.1f} million words/s", refresh=False)
            progress.update(reader.bytes - progress.n)

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
