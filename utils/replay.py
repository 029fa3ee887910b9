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
from typing import NamedTuple

import numpy as np

from utils.contexts import Minibatch, minibatches, random_words

FEWEST_WORDS, MOST_WORDS = 1 << 14, 1 << 20  # decoded at a time
STRIDE = 1 << 11  # words from walker to walker
AT_ONCE = 64  # minibatches made at once: their numbers stay in the processor's cache
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
        random.getrandbits(32 * (len(batch.words) - self._least))
        return batch.minibatch

    def _look_ahead(self, head, in_step):
        self._stretch = min(2 * self._stretch, MOST_WORDS) if in_step else FEWEST_WORDS
        self._ahead.clear()
        words = np.concatenate((head, _words_to_come(self._stretch)))
        while not (found := self._decoder.decode(words, self._windows)):
            words = np.concatenate((head, _words_to_come(2 * len(words))))
        begins, windows = found
        for i in range(0, len(begins) - 1, AT_ONCE):
            some = windows.of(slice(i * self._windows, (i + AT_ONCE) * self._windows))
            pairs, lengths = self._decoder.pairs(some, self._windows)
            pairs[:, 1:] += self._V
            stretches = (words[begin:end] for begin, end in zip(begins[i:], begins[i + 1 :], strict=False))
            self._ahead.extend(map(_Decoded, stretches, minibatches(pairs, lengths, self._windows)))


class _Decoded(NamedTuple):
    words: np.ndarray  # that drawing it takes
    minibatch: Minibatch


def _words_to_come(n):
    """The next `n` words of Python's random stream, without taking them."""
    *key, position = random.getstate()[1]
    twister = np.random.MT19937()
    twister.state = {"bit_generator": "MT19937", "state": {"key": np.array(key, np.uint32), "pos": position}}
    return twister.random_raw(n).astype(np.uint32)


def _top_bits(n):
    """How far to shift a word to the right to keep the bits that `randint` keeps for a choice of `n`."""
    return 32 - np.frexp(n)[1]


class Choices:
    """What the words of a stretch say where one in `n` is to be chosen.

    Attributes
    ----------
    chosen : ndarray of uint32, shape (M + 1,)
        The choices (from 0) of the M words that are not rejected, in order, and one for the words that ran out.
    behind : ndarray of int32, shape (M + 1,)
        The place behind each of these words; the last one lies beyond the stretch.
    rank : ndarray of int32, shape (N + 2,)
        How many of these words stand before each place: a draw that begins there gives `chosen[rank]`.
    """

    def __init__(self, words, n):
        chosen = words >> np.uint32(_top_bits(n))  # (N,)
        fits = chosen < n
        accepted = np.flatnonzero(fits)  # (M,)
        self.chosen = np.zeros(len(accepted) + 1, dtype=np.uint32)
        np.take(chosen, accepted, out=self.chosen[:-1])
        self.behind = np.full(len(accepted) + 1, len(words) + 1, dtype=np.int32)
        np.add(accepted, 1, out=self.behind[:-1], casting="same_kind")
        self.rank = np.empty(len(words) + 2, dtype=np.int32)
        self.rank[0], self.rank[-1] = 0, len(accepted)
        np.cumsum(fits, out=self.rank[1:-1])

    def draw(self, place):
        """What is chosen by draws that begin at the places, and the places behind them: int64, shapes of `place`."""
        rank = self.rank[place]
        return self.chosen[rank].astype(np.int64), self.behind[rank].astype(np.int64)


@dataclass
class Windows:
    """Windows that were met, side by side.

    Attributes
    ----------
    first : ndarray of int64, shape (W,)
        The word that gives a window its size, by its rank among those that `Choices` does not reject. Windows that
        begin at different places, but with nothing except rejected words between them, are the same.
    middle, end : ndarray of int64, shape (W,)
        Places of the first word for its negatives, and behind the last one.
    size, sentence, centre : ndarray of int64, shape (W,)
        Its size, its sentence, and the place of its centre word in the corpus.
    """

    first: np.ndarray
    middle: np.ndarray
    end: np.ndarray
    size: np.ndarray
    sentence: np.ndarray
    centre: np.ndarray

    def of(self, which):
        """The windows chosen by an index, a slice or a mask."""
        return Windows(*(field[which] for field in vars(self).values()))

    @staticmethod
    def joined(parts):
        """Windows laid end to end."""
        return Windows(*map(np.concatenate, zip(*(vars(part).values() for part in parts), strict=True)))


class Decoder:
    """Turns words of the stream into windows with their negative samples; see the module's docstring."""

    def __init__(self, corpus, table, C, K):
        self._ids, self._offsets = corpus.ids, corpus.offsets
        self._C, self._K = C, K
        self._none = table.dtype.type(table.max() + 1)  # the id of no word
        self._table = table
        self._reach = np.delete(np.arange(-C, C + 1), C)  # (2C,): -C .. -1, 1 .. C
        self._solitude = _solitude(corpus, C)

    def decode(self, words, windows):
        """Find the whole minibatches of `windows` windows that the words hold.

        Returns
        -------
        (list of int, Windows) or None
            The place where each minibatch begins, and behind the last one; the windows. None if there is not even one.
        """
        self._n = len(words)
        self._sizes = Choices(words, self._C)
        self._sentences = Choices(words, len(self._offsets) - 1)
        if self._K:
            self._negatives = Choices(words, len(self._table))
            # (M + K,): ids, and behind them K of no word
            self._noise = np.append(self._table[self._negatives.chosen[:-1]], np.full(self._K, self._none))
            self._runs = np.lib.stride_tricks.sliding_window_view(self._noise, self._K)  # (M + 1, K)
        self._words = np.append(words, np.uint32(0))  # (N + 1,): every choice accepts the one that was not there
        known = self._walk()
        record = np.full(len(self._sizes.chosen), -1, dtype=np.int32)  # place of a window among the known ones
        record[known.first] = np.arange(len(known.first))
        path = _follow(record[self._sizes.rank[known.end]].tolist(), start=record[0].item())
        whole = len(path) // windows * windows
        if not whole:
            return None
        real = known.of(np.array(path[:whole]))
        return [0, *real.end[windows - 1 :: windows].tolist()], real

    def _walk(self):
        known, parts = np.zeros(len(self._sizes.chosen), dtype=bool), []
        known[-1] = True  # a walker that runs out of words has nowhere to go
        walkers = np.unique(self._sizes.rank[: self._n : STRIDE])
        while walkers.size:
            parts.append(self._step(walkers))
            known[walkers] = True
            walkers = np.unique(self._sizes.rank[parts[-1].end])
            walkers = walkers[~known[walkers]]
        return Windows.joined(parts)

    def _step(self, first):
        """The windows that begin with the given words; those that the words do not hold to the end are left out."""
        size = self._sizes.chosen[first].astype(np.int64) + 1
        place = self._sizes.behind[first].astype(np.int64)
        sentence, centre = np.zeros_like(place), np.zeros_like(place)
        todo = np.arange(len(place))
        while todo.size:  # draw a sentence and a position in it, again while the window has no outside word
            sentence[todo], place[todo] = self._sentences.draw(place[todo])
            todo = todo[place[todo] <= self._n]
            begins = self._offsets[sentence[todo]]
            position, place[todo] = self._positions(place[todo], self._offsets[sentence[todo] + 1] - begins)
            centre[todo] = begins + position
            todo = todo[(self._solitude[centre[todo]] >= size[todo]) & (place[todo] <= self._n)]
        windows = Windows(first, place, place, size, sentence, centre)
        fits = place <= self._n
        windows = windows if fits.all() else windows.of(fits)
        return self._with_negatives(windows) if self._K else windows

    def _positions(self, place, n):
        """As `Choices.draw`, for one in `n` at each place."""
        place, shift = place.copy(), _top_bits(n).astype(np.uint32)
        chosen = self._words[place] >> shift
        rejected = np.flatnonzero(chosen >= n)
        while rejected.size:
            place[rejected] += 1
            chosen[rejected] = self._words[place[rejected]] >> shift[rejected]
            rejected = rejected[chosen[rejected] >= n[rejected]]
        return chosen.astype(np.int64), place + 1

    def _outsides(self, windows):
        """Words around the centres: ids (W, 2C), and which of them are outside words (W, 2C)."""
        around = windows.centre[:, None] + self._reach  # (W, 2C)
        ids = self._ids.take(around, mode="clip")
        begin = np.maximum(self._offsets[windows.sentence], windows.centre - windows.size)  # (W,)
        end = np.minimum(self._offsets[windows.sentence + 1], windows.centre + windows.size + 1)  # (W,)
        inside = (around >= begin[:, None]) & (around < end[:, None])
        return ids, inside & (ids != self._ids[windows.centre][:, None])

    def _with_negatives(self, windows):
        """Move the windows' ends behind their negative samples; those that the words do not hold are left out."""
        final = self._pairs(windows)[3]  # (W,)
        windows.end = self._negatives.behind.take(final, mode="clip").astype(np.int64)
        fits = final < len(self._noise) - self._K
        return windows if fits.all() else windows.of(fits)

    def _pairs(self, windows):
        """The pairs of the windows, and their negatives.

        Returns
        -------
        outsides, window : ndarray, shape (P,)
            The outside word of each pair, and which window it is of.
        negatives : ndarray, shape (P, K)
            Ids; that of no word where the words of the stretch run out.
        final : ndarray of int64, shape (W,)
            Rank of each window's last negative among the words that `Choices` does not reject.
        """
        ids, are_outside = self._outsides(windows)
        window, column = np.nonzero(are_outside)  # (P,) each
        outsides = ids[window, column]  # (P,)
        counts = np.bincount(window)  # (W,): every window has a pair
        begin = self._negatives.rank[windows.middle].astype(np.int64)  # (W,)
        # The pairs before a window's first one draw nothing for it: their share is taken off.
        ranks = (begin - (np.cumsum(counts) - counts) * self._K)[window] + np.arange(len(window)) * self._K  # (P,)
        final = begin + counts * self._K - 1  # (W,)
        negatives = self._runs[np.minimum(ranks, len(self._runs) - 1)]  # (P, K)
        crowded = np.unique(window[(negatives == outsides[:, None]).any(axis=1)])
        if crowded.size:
            some = np.flatnonzero(np.isin(window, crowded))
            redrawn = self._draw_again(outsides[some], window[some], ranks[some, None] + np.arange(self._K))
            negatives[some] = self._noise.take(redrawn, mode="clip")
            final[window[some]] = redrawn[:, -1]  # of a window's pairs the last one stays
        return outsides, window, negatives, final

    def _draw_again(self, outsides, window, ranks):
        """Where a negative is its own outside word, draw again: it and all later ones of its window move up by one.

        Returns
        -------
        ndarray of int64, shape (P, K)
            The ranks, moved until none is that of its own outside word.
        """
        places = np.arange(ranks.size).reshape(ranks.shape)  # in the order of the draws
        while (met := self._noise.take(ranks, mode="clip") == outsides[:, None]).any():
            at = np.flatnonzero(met)
            crowded, first = np.unique(window[at // self._K], return_index=True)
            begin = np.full(window.max() + 1, ranks.size)
            begin[crowded] = at[first]
            ranks = ranks + (places >= begin[window][:, None])
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
        if self._K:
            outsides, window, negatives, _ = self._pairs(real)
        else:
            ids, are_outside = self._outsides(real)
            window = np.nonzero(are_outside)[0]
            outsides, negatives = ids[are_outside], np.empty((len(window), 0), dtype=np.int64)
        borders = np.searchsorted(window, np.arange(0, len(real.first) + 1, windows))  # (m + 1,)
        centres = self._ids[real.centre][window]
        pairs = np.concatenate((centres[:, None], outsides[:, None], negatives), axis=1, dtype=np.int64)
        return pairs, np.diff(borders)


def _solitude(corpus, C):
    """How many places to either side of each word hold, up to `C`, nothing but copies of it or other sentences.

    Returns
    -------
    ndarray of int, shape (T,)
        A window of this size or a smaller one around the word has no outside word.
    """
    ids, sentence = corpus.ids, np.repeat(np.arange(len(corpus), dtype=np.int32), np.diff(corpus.offsets))
    solitude = np.full(len(ids), C, dtype=np.int16 if C < 2**15 else np.int64)  # (T,)
    for reach in range(min(C, len(ids) - 1), 0, -1):
        differs = (ids[reach:] != ids[:-reach]) & (sentence[reach:] == sentence[:-reach])  # (T - reach,)
        solitude[reach:][differs] = reach - 1
        solitude[:-reach][differs] = reach - 1
    return solitude


def _follow(successor, start):
    """The records met from `start` on, to the one that has no successor (-1)."""
    path = []
    while start >= 0:
        path.append(start)
        start = successor[start]
    return path
