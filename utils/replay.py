"""The handout's random stream, replayed in bulk: the minibatches that its loops would draw, decoded ahead with NumPy.

`random.randint` takes 32-bit words from the Mersenne Twister, keeps the top bits of each, and rejects a word that is
out of range. So the words of a stretch of the stream, once obtained, say what a thousand windows to come will be; but
each window begins where the one before it ends, and that depends on every rejection on the way.

The idea: *walks that meet never part.* Where a window ends is a function of where it begins. Send off a few hundred
walkers from places spread evenly over the words, each taking one window per step, all steps done together by NumPy.
Most of these walks begin at places where no real window does. But two walks that ever begin a window at the same word
are one from there on, and with a window's begin at every 35th word or so they soon do. A walker therefore stops as soon
as it comes to a word from which a window is known. In the end the real windows are those met on the way from the first
word, and only that last walk along known windows is done one by one.
"""

import random
from collections import deque
from dataclasses import dataclass

import numpy as np

from utils.contexts import minibatches, random_words

FEWEST_WORDS, MOST_WORDS = 1 << 14, 1 << 20  # decoded at a time
STRIDE = 1 << 12  # words from walker to walker
DRAWS = 3  # of a window besides its negatives: size, sentence, position


class Replay:
    """Draws minibatches from Python's `random` exactly as `contexts.draw_minibatch` does, only faster.

    After each call of `minibatch` the stream stands where the loop would have left it. If other code has drawn from it
    since the last call, what was decoded ahead is thrown away, and decoding starts anew with a short stretch.

    Parameters
    ----------
    corpus : Corpus
    table : ndarray of int32
        Ids; a negative sample is an entry drawn uniformly.
    C, windows, K, V : int
        As for `contexts.draw_minibatch`.
    """

    def __init__(self, corpus, table, C, windows, K, V):
        self._decoder = Decoder(corpus, table, C, K)
        self._windows, self._V = windows, V
        self._least = windows * (DRAWS + K)  # words that any minibatch takes
        self._stretch = FEWEST_WORDS
        self._ahead = deque()

    def minibatch(self):
        """Draw the next Minibatch."""
        # What any minibatch takes, this one takes: drawing so much shows whether the stream is where it was left.
        head = random_words(self._least)
        if not self._ahead or not np.array_equal(head, self._ahead[0].words[: self._least]):
            self._look_ahead(head, in_step=not self._ahead)
        batch = self._ahead.popleft()
        random_words(len(batch.words) - self._least)
        return batch.minibatch

    def _look_ahead(self, head, in_step):
        self._stretch = min(2 * self._stretch, MOST_WORDS) if in_step else FEWEST_WORDS
        words = np.concatenate((head, _words_to_come(self._stretch)))
        while not (found := self._decoder.decode(words, self._windows)):
            words = np.concatenate((head, _words_to_come(2 * len(words))))
        begins, windows = found
        pairs, lengths = self._decoder.pairs(windows, self._windows)
        pairs[:, 1:] += self._V
        cut = minibatches(pairs, lengths, self._windows)
        self._ahead = deque(
            _Decoded(words[begin:end], batch) for begin, end, batch in zip(begins[:-1], begins[1:], cut, strict=True)
        )


@dataclass(frozen=True)
class _Decoded:
    words: np.ndarray  # that drawing it takes
    minibatch: object


def _words_to_come(n):
    """The next `n` words of Python's random stream, without taking them."""
    *key, position = random.getstate()[1]
    twister = np.random.MT19937()
    twister.state = {"bit_generator": "MT19937", "state": {"key": np.array(key, np.uint32), "pos": position}}
    return twister.random_raw(n).astype(np.uint32)


def _top_bits(n):
    """How far to shift a word to the right to keep the bits that `randint` keeps for a choice of `n`."""
    return 32 - np.frexp(n)[1]


class Words:
    """A stretch of the stream, and what each of its words would mean as a negative sample.

    Attributes
    ----------
    values : ndarray of uint32, shape (N + 1,)
        The words, and one of zero, which every choice accepts: a window that needs more words than there are ends
        behind word N, and does not count.
    noise : ndarray of int32, shape (M,)
        The ids that the words in range stand for, in order.
    behind : ndarray of int64, shape (M,)
        The place behind each of these words.
    rank : ndarray of int32, shape (N + 2,)
        How many of these words stand before each place.
    """

    def __init__(self, words, table):
        self.n = len(words)
        self.values = np.append(words, np.uint32(0))
        entries = words >> np.uint32(_top_bits(len(table)))  # (N,)
        fits = entries < len(table)
        self.noise = table[entries[fits]]
        self.behind = np.flatnonzero(fits) + 1
        self.rank = np.concatenate(([0], np.cumsum(fits, dtype=np.int32), [0]))

    def draw(self, at, n):
        """Choices of one in `n` that are drawn from the places `at` on; n is a number or one for each place.

        Returns
        -------
        (ndarray of int64, ndarray of int64), each in the shape of `at`
            What is chosen (from 0), and the place behind the word that says so.
        """
        at, n = at.copy(), np.broadcast_to(n, at.shape)
        shift = _top_bits(n).astype(np.uint32)
        chosen = self.values[at] >> shift
        rejected = np.flatnonzero(chosen >= n)
        while rejected.size:
            at[rejected] += 1
            chosen[rejected] = self.values[at[rejected]] >> shift[rejected]
            rejected = rejected[chosen[rejected] >= n[rejected]]
        return chosen.astype(np.int64), at + 1


@dataclass
class Windows:
    """Windows that were met, side by side.

    Attributes
    ----------
    begin, end : ndarray of int64, shape (W,)
        Places of the first word that a window takes, and behind the last one.
    size, centre : ndarray of int64, shape (W,)
        Its size, and the place of its centre word in the corpus.
    negatives : ndarray of int64, shape (W,)
        Rank of its first negative sample.
    """

    begin: np.ndarray
    end: np.ndarray
    size: np.ndarray
    centre: np.ndarray
    negatives: np.ndarray

    def of(self, which):
        """The windows chosen by an index or a mask."""
        return Windows(*(field[which] for field in vars(self).values()))

    @staticmethod
    def joined(parts):
        """Windows laid end to end."""
        return Windows(*map(np.concatenate, zip(*(vars(part).values() for part in parts), strict=True)))


class Decoder:
    """Turns words of the stream into windows with their negative samples; see the module's docstring."""

    def __init__(self, corpus, table, C, K):
        self._ids, self._offsets = corpus.ids, corpus.offsets
        self._table, self._C, self._K = table, C, K
        self._reach = np.delete(np.arange(-C, C + 1), C)  # (2C,): -C .. -1, 1 .. C

    def decode(self, words, windows):
        """Find the whole minibatches of `windows` windows that the words hold.

        Returns
        -------
        (list of int, Windows) or None
            The place where each minibatch begins, and behind the last one; the windows. None if there is not even one.
        """
        self._words = Words(words, self._table)
        self._crowded = {}  # begin of a window in which a negative met its outside word -> ranks of its negatives
        known = self._walk()
        record = np.full(self._words.n + 1, -1)
        record[known.begin] = np.arange(len(known.begin))
        path = _follow(record[known.end].tolist(), start=record[0].item())
        whole = len(path) // windows * windows
        if not whole:
            return None
        real = known.of(path[:whole])
        return [0, *real.end[windows - 1 :: windows].tolist()], real

    def _walk(self):
        known, parts = np.zeros(self._words.n + 1, dtype=bool), []
        walkers = np.arange(0, self._words.n, STRIDE)
        while walkers.size:
            parts.append(self._step(walkers))
            known[parts[-1].begin] = True
            walkers = np.unique(parts[-1].end)
            walkers = walkers[~known[walkers] & (walkers < self._words.n)]
        return Windows.joined(parts)

    def _step(self, begin):
        """The windows that begin at the given places; those that the words do not hold to the end are left out."""
        sizes, place = self._words.draw(begin, self._C)
        centre, place = self._centres(sizes + 1, place)
        windows = Windows(begin, place, sizes + 1, centre, self._words.rank[np.minimum(place, self._words.n + 1)])
        windows = windows.of(place <= self._words.n)
        return self._with_negatives(windows) if self._K else windows

    def _centres(self, sizes, place):
        """Draw a sentence and a position in it for each window, again while it has no outside word."""
        place, centre = place.copy(), np.zeros(len(place), dtype=np.int64)
        todo = np.flatnonzero(place <= self._words.n)
        while todo.size:
            sentence, behind = self._words.draw(place[todo], len(self._offsets) - 1)
            fits = behind <= self._words.n
            place[todo] = behind
            todo, sentence = todo[fits], sentence[fits]
            length = self._offsets[sentence + 1] - self._offsets[sentence]
            at, place[todo] = self._words.draw(place[todo], length)
            centre[todo] = self._offsets[sentence] + at
            empty = ~self._outsides(centre[todo], sizes[todo])[1].any(axis=1)
            todo = todo[empty & (place[todo] <= self._words.n)]
        return centre, place

    def _outsides(self, centre, size):
        """Words around the centres: ids (W, 2C), and which of them are outside words (W, 2C)."""
        around = centre[:, None] + self._reach  # (W, 2C)
        sentence = np.searchsorted(self._offsets, centre, side="right")
        begin, end = self._offsets[sentence - 1], self._offsets[sentence]
        ids = self._ids.take(around, mode="clip")
        near = np.abs(self._reach) <= size[:, None]
        inside = (around >= begin[:, None]) & (around < end[:, None])
        return ids, near & inside & (ids != self._ids[centre][:, None])

    def _with_negatives(self, windows):
        """Move the windows' ends behind their negative samples; those that the words do not hold are left out."""
        outsides, window, ranks = self._ranks(windows)
        last = np.append(np.flatnonzero(np.diff(window)), len(window) - 1)  # (W,): each window's last pair
        end_rank = ranks[last, -1]  # (W,)
        for w in np.unique(window[self._meets(outsides, ranks)]).tolist():
            found = self._redrawn(outsides[window == w].tolist(), windows.negatives[w].item())
            end_rank[w] = found[-1][-1] if found else len(self._words.noise)
            self._crowded[windows.begin[w].item()] = found
        fits = end_rank < len(self._words.noise)
        windows.end = self._words.behind.take(end_rank, mode="clip")
        return windows.of(fits)

    def _ranks(self, windows):
        """The pairs of the windows as if no negative met its outside word.

        Returns
        -------
        outsides, window : ndarray, shape (P,)
            The outside word of each pair, and which window it is of.
        ranks : ndarray of int64, shape (P, K)
            Where its negatives stand among the noise.
        """
        ids, are_outside = self._outsides(windows.centre, windows.size)
        window, column = np.nonzero(are_outside)  # (P,) each
        first = np.concatenate(([0], np.cumsum(are_outside.sum(axis=1))))[window]  # (P,): its window's first pair
        ranks = windows.negatives[window] + (np.arange(len(window)) - first) * self._K  # (P,)
        return ids[window, column], window, ranks[:, None] + np.arange(self._K)

    def _meets(self, outsides, ranks):
        """Which pairs have a negative that is their outside word."""
        return (self._words.noise.take(ranks, mode="clip") == outsides[:, None]).any(axis=1)

    def _redrawn(self, outsides, rank):
        """Ranks of the negatives of one window, drawn again where they are the outside word; None if words run out."""
        noise, ranks = self._words.noise, []
        for outside in outsides:
            accepted = []
            while len(accepted) < self._K:
                if rank >= len(noise):
                    return None
                if noise[rank] != outside:
                    accepted.append(rank)
                rank += 1
            ranks.append(accepted)
        return ranks

    def pairs(self, real, windows):
        """The ids of all pairs of the windows that `decode` found.

        Returns
        -------
        pairs : ndarray of int64, shape (P, K + 2)
            Centre word, outside word, negative samples.
        lengths : ndarray of int, shape (m,)
            How many pairs each minibatch of `windows` windows has.
        """
        outsides, window, ranks = self._ranks(real)
        firsts = np.searchsorted(window, np.arange(len(real.begin) + 1))  # (W + 1,)
        for w in np.flatnonzero(np.isin(real.begin, list(self._crowded))).tolist():
            ranks[firsts[w] : firsts[w + 1]] = self._crowded[real.begin[w].item()]
        pairs = np.empty((len(window), self._K + 2), dtype=np.int64)
        pairs[:, 0] = self._ids[real.centre][window]
        pairs[:, 1] = outsides
        pairs[:, 2:] = self._words.noise[ranks]
        return pairs, np.diff(firsts[::windows])


def _follow(successor, start):
    """The records met from `start` on, to the one that has no successor (-1)."""
    path = []
    while start >= 0:
        path.append(start)
        start = successor[start]
    return path
