"""From the outputs of the random generator to the minibatches that the handout's loop would draw with them.

`random.randint` takes 32-bit outputs of the Mersenne Twister, keeps the top bits of each, and rejects an output that is
out of range. So a stretch of outputs determines thousands of windows to come; but each window begins where the one
before it ends, and that depends on every rejection on the way.

The idea: *walks that meet never part.* Where a window ends is a function of where it begins. Send off a few hundred
walkers from places spread evenly over the outputs, each taking one window per step, all steps done together by NumPy.
Most of them begin at places where no real window does. But two walks that ever come to the same window are one from
there on, and with a window at every 35th output or so they soon do. A walker therefore stops as soon as it comes to a
known window. Where a window ends, a walker guesses, from what is soon said: its size, its sentence and its place. The
windows on the way are worked out later, thousands side by side, and where a guess was wrong (one in ninety), another
walker sets off from the true end; where many are wrong, nobody guesses any more. In the end the real windows are those
on the way from the first output.

Places are counted from 0 at the first output of the stretch; N outputs, W windows, P (centre, outside) pairs, K
negatives. An output of 0, which every choice accepts, stands behind the stretch: what lies beyond it has run out.
"""

from typing import NamedTuple

import numpy as np

from utils.minibatches.ranges import ranges
from utils.minibatches.stream import outputs_of

STRIDE = 1 << 11  # outputs from walker to walker
ROWS_AT_ONCE = 1 << 18  # of windows that are worked out side by side
TRUST, WRONG = 32, 32  # so many guesses may be wrong, and one in so many: each costs walkers a dozen windows
HEAD = 3  # outputs that any minibatch takes: the first window's size, sentence and position
MOST_OUTPUTS = 1 << 20  # decoded at a time, as long as a minibatch needs no more


class Choices:
    """What a choice of one of `n` is, wherever in a stretch, given with the 0 behind it, the choice is drawn."""

    def __init__(self, outputs, n):
        self._outputs, self._shift = outputs, _top_bits(n)
        all_rejected = outputs >= _limit(n)  # (N + 1,), of the next `reach` outputs
        self._rejected = all_rejected.astype(np.uint8)  # (N + 1,): how many in a row, of the next `reach` at most
        reach = 1
        while all_rejected.any():
            self._rejected[:-reach] += all_rejected[:-reach] * self._rejected[reach:]
            all_rejected[:-reach] &= all_rejected[reach:]  # none of the last ones is left: the 0 is accepted
            reach *= 2

    def accepted(self, place):
        """The place of the output that draws beginning at the places accept."""
        return place + self._rejected.take(place, mode="clip")

    def chosen(self, accepted):
        """What is chosen (from 0) by the outputs at these places: int64."""
        return (self._outputs.take(accepted, mode="clip") >> self._shift).astype(np.int64)


class Windows(NamedTuple):
    """Windows side by side, and their pairs.

    Attributes
    ----------
    first : ndarray of int, shape (W,)
        The place of the output that gives a window its size. Windows that begin at different places, but with nothing
        except rejected outputs between them, are the same.
    end : ndarray of int, shape (W,)
        The place behind the last output that a window takes.
    counts : ndarray of int64, shape (W,)
        Pairs of each window, at least one.
    pairs : ndarray of unsigned int, shape (P, K + 2)
        Rows of centre word, outside word and negative samples, window by window: see `Minibatch`.
    """

    first: np.ndarray
    end: np.ndarray
    counts: np.ndarray
    pairs: np.ndarray

    def of(self, which):
        """The windows with the given numbers, in that order."""
        counts = self.counts[which]
        ends = np.cumsum(self.counts)[which]  # (W,): of their pairs
        pairs = self.pairs.take(ranges(ends - counts, ends), axis=0)
        return Windows(self.first[which], self.end[which], counts, pairs)


class Decoder:
    """Turns outputs into windows with their negative samples.

    Parameters
    ----------
    corpus : Corpus
    table : ndarray of int32
        Ids; a negative sample is an entry drawn uniformly.
    C, K, V : int
        Largest window size; negative samples per outside word (0 for none); vocabulary size.
    """

    def __init__(self, corpus, table, C, K, V):
        self.corpus, self.table, self.C, self.K, self.V = corpus, table, C, K, V
        self._ids, self._offsets = corpus.ids, corpus.offsets
        self._dtype = np.min_scalar_type(2 * V)
        self._noise_rows = (table + V).astype(self._dtype)
        lengths = np.arange(np.diff(corpus.offsets).max() + 1)
        self._shifts, self._limits = _top_bits(lengths), _limit(lengths)  # for a choice among so many words
        self._farthest = max(1, min(C, len(lengths) - 2))  # no window reaches beyond its sentence
        self._solitude = _solitude(corpus, self._farthest)
        self._at_once = ROWS_AT_ONCE // (self._farthest * (K + 2))  # windows, half of the longest ones
        self.trust = TRUST  # in guesses, what is left of it; there are none any more from 0 on

    def decode(self, outputs):
        """Find the windows that the outputs hold whole, from the first output on.

        Parameters
        ----------
        outputs : ndarray of uint32, shape (N + 1,)
            The stretch, and the 0 behind it.

        Returns
        -------
        Windows
        """
        try:
            return self._windows(outputs)
        finally:  # many megabytes that nobody needs any more
            self._outputs = self._sizes = self._sentences = self._noise = self._rank = self._accepted = None

    def _windows(self, outputs):
        self._outputs, self._n = outputs, len(outputs) - 1
        self._sizes = Choices(outputs, self.C)
        self._sentences = Choices(outputs, len(self._offsets) - 1)
        if self.K:
            self._draw_noise(outputs)
        known = self._walk()
        record = np.full(len(outputs), -1, dtype=np.int32)  # (N + 1,): the number of a known window
        record[known.first] = np.arange(len(known.first))
        following = record.take(self._sizes.accepted(known.end), mode="clip")
        return known.of(_follow(following, start=record[self._sizes.accepted(0)].item()))

    def _draw_noise(self, outputs):
        """Draw the words of noise from all outputs that give one, as if nothing else were drawn: M of them."""
        n = len(self.table)
        fits = outputs < _limit(n)
        self._rank = np.zeros(len(outputs) + 1, dtype=np.int32)  # (N + 2,): how many stand before each place
        np.cumsum(fits, out=self._rank[1:])
        self._accepted = np.flatnonzero(fits).astype(np.int32)  # (M,): the place of each
        self._noise = self._noise_rows.take(outputs[fits] >> _top_bits(n))  # (M,)
        self._noise[-1] = 2 * self.V  # no outside word: it stands for all that have run out

    def _walk(self):
        known = np.zeros(self._n + 1, dtype=bool)
        known[-1] = True  # a walker that runs out of outputs has nowhere to go
        found, passed = [], []

        def unknown(place):
            first = self._sizes.accepted(place)
            return first[~known.take(first, mode="clip")]

        walkers = unknown(np.arange(0, self._n, STRIDE))
        while walkers.size:
            known[walkers] = True
            passed.append(walkers)
            walkers = unknown(self._guessed_end(walkers)) if self.trust > 0 else walkers[:0]
            if not walkers.size or sum(map(len, passed)) > self._at_once:
                found.append(self._windows_at(np.concatenate(passed)))
                astray = np.setdiff1d(unknown(found[-1].end), walkers)  # true ends that nobody has guessed
                self.trust += len(found[-1].first) / WRONG - len(astray)
                walkers, passed = np.concatenate((walkers, astray)), []
        return Windows(*map(np.concatenate, zip(*found, strict=True)))

    def _guessed_end(self, first):
        """The place behind each window if no word in it is the centre word, and no draw of noise its outside word."""
        size = np.minimum(self._sizes.chosen(first) + 1, self._farthest)  # (W,)
        begin, end, centre, place = self._draw_centres(first + 1)  # (W,) each
        if not self.K:
            return place
        pairs = np.minimum(end - 1, centre + size) - np.maximum(begin, centre - size)  # (W,)
        last = self._rank.take(place, mode="clip") + pairs * self.K - 1
        return self._accepted.take(last, mode="clip") + 1

    def _windows_at(self, first):
        """The windows that the given outputs begin, without those that the stretch does not hold whole."""
        size = np.minimum(self._sizes.chosen(first) + 1, self._farthest)  # (W,)
        begin, end, centre, place = drawn = self._draw_centres(first + 1)  # (W,) each
        while (alone := np.flatnonzero((self._solitude.take(centre) >= size) & (place <= self._n))).size:
            for array, again in zip(drawn, self._draw_centres(place[alone]), strict=True):
                array[alone] = again

        words = self._ids.take(centre)  # (W,)
        window, outsides = self._outsides(words, np.maximum(begin, centre - size), np.minimum(end, centre + size + 1))
        counts = np.bincount(window, minlength=len(first))  # (W,)
        pairs = np.empty((len(window), self.K + 2), dtype=self._dtype)
        pairs[:, 0], pairs[:, 1] = words.take(window), outsides
        if self.K:
            pairs[:, 2:], place = self._draw_negatives(window, counts, outsides, place)
        windows = Windows(first, place, counts, pairs)
        return windows if place.max() <= self._n else windows.of(np.flatnonzero(place <= self._n))

    def _draw_centres(self, place):
        """Draw sentences, and a word of each: where the sentences begin and end, the words, the places behind."""
        accepted = self._sentences.accepted(place)
        sentence, place = self._sentences.chosen(accepted), accepted + 1
        begin, end = self._offsets.take(sentence), self._offsets.take(sentence + 1)
        length = end - begin
        limits, outputs = self._limits.take(length), self._outputs.take(place, mode="clip")
        while (rejected := outputs >= limits).any():
            place += rejected
            outputs = self._outputs.take(place, mode="clip")
        return begin, end, begin + (outputs >> self._shifts.take(length)), place + 1

    def _outsides(self, words, begin, end):
        """The outside words of windows: the number of the window that each is of (P,), and their rows (P,)."""
        window = np.repeat(np.arange(len(words)), end - begin)
        ids = self._ids.take(ranges(begin, end))
        outside = np.flatnonzero(ids != words.take(window))
        return window.take(outside), (ids.take(outside) + self.V).astype(self._dtype)

    def _draw_negatives(self, window, counts, outsides, place):
        """Draw the negatives of all pairs; the first of each window begins at its place.

        Returns
        -------
        negatives : ndarray, shape (P, K)
            Rows.
        place : ndarray of int, shape (W,)
            The place behind the last negative of each window; beyond the stretch if the outputs ran out.
        """
        ends = np.cumsum(counts) * self.K  # (W,): where the negatives of each window end among all
        begin = self._rank.take(place, mode="clip")  # (W,)
        last = begin + counts * self.K - 1  # (W,)
        ranks = ranges(begin, last + 1)  # (P * K,)
        negatives = self._noise.take(ranks, mode="clip")  # (P * K,)
        met = np.flatnonzero(negatives.reshape(-1, self.K) == outsides[:, None])
        while met.size:
            # Each window's first draw of an outside word is left out, and those behind it move up; all windows at once.
            which, at = np.unique(window.take(met // self.K), return_index=True)
            last[which] += 1
            moved = ranges(met[at], ends[which])
            ranks[moved] += 1
            again = negatives[moved] = self._noise.take(ranks[moved], mode="clip")
            met = moved[again == outsides.take(moved // self.K)]
        return negatives.reshape(-1, self.K), self._accepted.take(last, mode="clip") + 1


class Stretch(NamedTuple):
    """Some whole minibatches, one after the other, in unsigned integers as small as may be.

    Attributes
    ----------
    heads : ndarray, shape (m * HEAD,)
        The first outputs that each takes.
    outputs, counts : ndarray, shape (m,)
        How many outputs each takes, and how many pairs it has.
    pairs : ndarray, shape (sum of counts * (K + 2),)
        See `Minibatch`.
    """

    heads: np.ndarray
    outputs: np.ndarray
    counts: np.ndarray
    pairs: np.ndarray


class Stretches:
    """Iterates over the Stretches to come, without end; each is longer than the one before, up to a limit.

    Parameters
    ----------
    decoder : Decoder
    windows : int
        Windows in a minibatch.
    outputs : ndarray of uint32
        The first outputs of the stream ...
    twister : numpy.random.MT19937
        ... and the generator of all that follow.
    size : int
        How many outputs to look at for the first Stretch; four times as many for each that follows, up to a million.
    """

    def __init__(self, decoder, windows, outputs, twister, size):
        self.decoder, self.windows, self.outputs, self.twister, self.size = decoder, windows, outputs, twister, size

    def __iter__(self):
        return self

    def __next__(self):
        whole = 0
        while not whole:
            new = outputs_of(self.twister, self.size)
            outputs = np.concatenate((self.outputs, new, np.zeros(1, dtype=np.uint32)))
            self.outputs = outputs[:-1]
            self.size = min(4 * self.size, MOST_OUTPUTS)
            found = self.decoder.decode(outputs)
            whole = len(found.end) // self.windows * self.windows
        ends = found.end[self.windows - 1 : whole : self.windows]  # (m,)
        begins = np.append(0, ends[:-1])  # (m,)
        heads = self.outputs[begins[:, None] + np.arange(HEAD)]  # (m, HEAD)
        counts = found.counts[:whole].reshape(-1, self.windows).sum(axis=1)  # (m,)
        self.outputs = self.outputs[ends[-1] :]
        rest = (ends - begins, counts, found.pairs[: counts.sum()].ravel())
        return Stretch(heads.ravel(), *(array.astype(np.min_scalar_type(array.max())) for array in rest))


def _top_bits(n):
    """How far to shift an output to the right to keep the bits that `randint` keeps for a choice of `n`: uint32."""
    return (32 - np.frexp(n)[1]).astype(np.uint32)


def _limit(n):
    """The least output that is rejected where one of `n` is to be chosen: uint32."""
    return np.asarray(n).astype(np.uint32) << _top_bits(n)


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
    """The numbers met from `start` on, to the one that has no successor (-1): int array."""
    jump = np.append(successor, -1)  # (n + 1,): the last is the successor of -1, too
    path = np.array([start])
    while path[-1] >= 0:  # twice as long each time
        path = np.append(path, jump.take(path, mode="wrap"))
        jump = jump.take(jump, mode="wrap")
    return path[path >= 0]
