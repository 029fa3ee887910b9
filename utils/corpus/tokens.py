"""From text to numbered words, on disk, in two passes: memory goes with the vocabulary, not with the text.

The first pass gives each word a number in the order of first appearance and writes the numbers down, line by line. Then
it is known how often each occurs. The second pass renumbers them: the most frequent word is 0, rare words are gone.
"""

from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

import numpy as np

from utils.corpus.textoptions import compiled, empty_match
from utils.system.errors import InputError

LINE_END = "\0"  # stands among the words, where no word can be: the reader lets no zero byte through
IDS_AT_ONCE = 2**18  # in the second pass
MOST_DISTINCT = 30_000_000  # words: some 7 GB of memory. None is forgotten on the way: all counts are exact
LEFT_OUT = -1
END = -2
ID, OFFSET = np.dtype("<i4"), np.dtype("<i8")  # on disk


class Tally(NamedTuple):
    """What a text turned out to hold.

    Attributes
    ----------
    words : list of str, length V
        The most frequent first; of equally frequent ones those that appear first.
    counts : ndarray of int64, shape (V,)
    tokens_read : int
        Words of the text, those that were left out among them.
    """

    words: list
    counts: np.ndarray
    tokens_read: int


def tokenizer(options):
    """A function from text (whole lines, or a piece of one) to its words, with LINE_END at the end of each line."""
    if options.token_pattern is None:

        def between_spaces(text):
            text = text.lower() if options.lowercase else text
            return text.replace("\n", f" {LINE_END} ").split()

        return between_spaces
    find = compiled(options.token_pattern).findall

    def matches(text):
        text = text.lower() if options.lowercase else text
        *lines, rest = text.replace("\r\n", "\n").split("\n")
        words = []
        for line in lines:
            words += find(line)
            words.append(LINE_END)
        return words + find(rest)

    return matches


def number_words(blocks, options, file, report):
    """The first pass: write the number of each word to `file`, by first appearance, as int32; 0 at line ends.

    Parameters
    ----------
    blocks : iterable of str
        See `TextReader`.
    options : TextOptions
    file : binary file
    report : callable
        Called after each block.

    Returns
    -------
    dict of str to int
        The number of each word.
    """
    tokenize = tokenizer(options)
    index = defaultdict()
    index.default_factory = index.__len__  # a word not seen before gets the next number
    index[LINE_END] = 0
    for text in blocks:
        words = tokenize(text)
        np.fromiter(map(index.__getitem__, words), ID, len(words)).tofile(file)
        if "" in index:
            raise empty_match(options.token_pattern)
        if len(index) > MOST_DISTINCT:
            raise InputError(
                f"the text has more than {MOST_DISTINCT:,} different words, too many to count: "
                "give a --token-pattern that finds words only, or less text"
            )
        report()
    return index


def tally(path, index, options, name):
    """Count the numbers in the file of the first pass, and choose the words that stay.

    Returns
    -------
    Tally
    new_ids : ndarray of int32, shape (N,)
        The id of each number; LEFT_OUT, or END for line ends.

    Raises
    ------
    InputError
        No word is left: `name` says of which text.
    """
    counts = np.zeros(len(index), dtype=np.int64)  # (N,)
    for numbers in _numbers(path, max(IDS_AT_ONCE, len(index))):
        counts += np.bincount(numbers, minlength=len(index))
    counts[0] = 0  # line ends
    if not counts.any():
        raise InputError(f"{name} holds no words: wanted text, one sentence per line")
    order = 1 + np.argsort(-counts[1:], kind="stable")  # (N - 1,)
    kept = order[counts[order] >= options.min_count][: options.max_vocab]  # (V,)
    if not len(kept):
        raise InputError(
            f"no word of {name} occurs {options.min_count} times or more (the most frequent: {counts.max()}): "
            "give a smaller --min-count or more text"
        )
    new_ids = np.full(len(index), LEFT_OUT, dtype=ID)
    new_ids[kept] = np.arange(len(kept))
    new_ids[0] = END
    words = list(index)
    return Tally([words[i] for i in kept.tolist()], counts[kept], counts.sum().item()), new_ids


def renumber(path, new_ids, longest, ids_file, offsets_file):
    """The second pass: write the ids and where sentences begin.

    Parameters
    ----------
    path : Path
        The file of the first pass.
    new_ids : ndarray of int32, shape (N,)
        See `tally`.
    longest : int
        Sentences of more words are cut.
    ids_file, offsets_file : binary file
        Get the `ids` and `offsets` of a Corpus, as int32 and int64.

    Returns
    -------
    bool
        Whether some word has a neighbour in its sentence that differs from it.
    """
    np.zeros(1, OFFSET).tofile(offsets_file)
    begin = written = 0  # where the sentence that is being read begins; ids up to here
    last, neighbours = END, False
    for numbers in _numbers(path, IDS_AT_ONCE):
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
    if not len(long):
        return borders
    cuts = [np.arange(begins[s] + longest, borders[s], longest) for s in long]
    return np.sort(np.concatenate((borders, *cuts)))


def _numbers(path, n):
    with Path(path).open("rb") as file:
        while len(numbers := np.fromfile(file, ID, n)):
            yield numbers
