"""From the outputs of the random generator to the minibatches that the handout's loop would draw with them.

`random.randint` takes 32-bit outputs of the Mersenne Twister, keeps the top bits of each, and rejects an output that is
out of range. So a stretch of outputs determines thousands of windows to come; but each window begins where the one
before it ends, and that depends on every rejection on the way.

The idea: *walks that meet never part.* Where a window ends is a function of where it begins. Send off a few hundred
walkers from places spread evenly over the outputs, each taking one window per step, all steps done together by NumPy.
Most of them begin at places where no real window does. But two walks that ever come to the same window are one from
there on, and with a window at every 35th output or so they soon do. A walker therefore stops as soon as it comes to a
known window. In the end the real windows are those on the way from the first output, and only that last walk, along
known windows, is done one by one.

Places are counted from 0 at the first output of the stretch; N outputs, W windows, P (centre, outside) pairs, K
negatives. An output of 0, which every choice accepts, stands behind the stretch: what lies beyond it has run out.
"""

from typing import NamedTuple

import numpy as np

from utils.minibatches.distinct import Distinct

STRIDE = 1 << 11  # outputs from walker to walker
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
        begin = np.cumsum(self.counts)[which] - counts  # (W,): where their pairs begin here
        shift = begin - (np.cumsum(counts) - counts)  # (W,): ... less where they begin there
        pairs = self.pairs.take(np.repeat(shift, counts) + np.arange(counts.sum()), axis=0)
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
        return known.of(_follow(following.tolist(), start=record[self._sizes.accepted(0)].item()))

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
        parts = []
        walkers = np.unique(self._sizes.accepted(np.arange(0, self._n, STRIDE)))
        while walkers.size:
            known[walkers] = True
            parts.append(self._step(walkers))
            walkers = self._sizes.accepted(parts[-1].end)
            walkers = walkers[~known.take(walkers, mode="clip")]
        return Windows(*map(np.concatenate, zip(*parts, strict=True)))

    def _step(self, first):
        """The windows that the given outputs begin, without those that the stretch does not hold whole."""
        size = np.minimum(self._sizes.chosen(first) + 1, self._farthest)  # (W,)
        begin, end, centre, place = drawn = self._draw_centres(first + 1)  # (W,) each
        while (alone := np.flatnonzero((self._solitude.take(centre) >= size) & (place <= self._n))).size:
            for array, again in zip(drawn, self._draw_centres(place[alone]), strict=True):
                array[alone] = again

        begin = np.maximum(begin, centre - size)
        window, outsides = self._outsides(centre, begin, np.minimum(end, centre + size + 1) - begin)
        counts = np.bincount(window, minlength=len(first))  # (W,)
        pairs = np.empty((len(window), self.K + 2), dtype=self._dtype)
        pairs[:, 0] = self._ids.take(centre).take(window)
        pairs[:, 1] = outsides
        if self.K:
            negatives, place = self._draw_negatives(window, counts, outsides, place)
            pairs[:, 2:] = negatives.T
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

    def _outsides(self, centre, begin, length):
        """The outside words of windows: the number of the window that each is of (P,), and their rows (P,)."""
        window = np.repeat(np.arange(len(centre)), length)
        shift = begin - (np.cumsum(length) - length)  # (W,)
        ids = self._ids.take(shift.take(window) + np.arange(len(window)))
        outside = np.flatnonzero(ids != self._ids.take(centre).take(window))
        return window.take(outside), (ids.take(outside) + self.V).astype(self._dtype)

    def _draw_negatives(self, window, counts, outsides, place):
        """Draw the negatives of all pairs; the first of each window begins at its place.

        Returns
        -------
        negatives : ndarray, shape (K, P)
            Rows.
        place : ndarray of int, shape (W,)
            The place behind the last negative of each window; beyond the stretch if the outputs ran out.
        """
        begin, ends = self._rank.take(place, mode="clip"), np.cumsum(counts)  # (W,) each
        last = begin + counts * self.K - 1  # (W,)
        ranks = (last + 1 - ends * self.K).take(window) + np.arange(0, len(window) * self.K, self.K)  # (P,)
        negatives = self._noise.take(np.arange(self.K)[:, None] + ranks, mode="clip")  # (K, P)
        met = np.flatnonzero(negatives == outsides) % len(window)
        for w in set(window.take(met).tolist()):
            if last[w] < len(self._noise):  # else the outputs ran out
                pairs = slice(ends[w] - counts[w], ends[w])
                words, last[w] = self._draw_again(outsides[pairs].tolist(), begin[w], last[w])
                negatives[:, pairs] = np.reshape(words, (-1, self.K)).T
        return negatives, self._accepted.take(last, mode="clip") + 1

    def _draw_again(self, outsides, begin, last):
        """Take out the words of noise that are their own outside words: the negatives of one window, and the last."""
        words = self._noise[begin : last + 1].tolist()
        for at, outside in zip(range(0, len(words), self.K), outsides, strict=True):
            while outside in (own := words[at : at + self.K]):
                del words[at + own.index(outside)]
                last += 1
                words.append(self._noise.take(last, mode="clip").item())
        return words, last


class Stretch(NamedTuple):
    """Some whole minibatches, one after the other, in unsigned integers as small as may be.

    Attributes
    ----------
    heads : ndarray, shape (m * HEAD,)
        The first outputs that each takes.
    outputs, pairs, distinct : ndarray, shape (m,)
        How many outputs each takes, how many pairs it has, and how many distinct rows these.
    rows : ndarray, shape (sum of distinct,)
        The distinct rows.
    places : ndarray, shape (sum of pairs * (K + 2),)
        See `Minibatch`.
    """

    heads: np.ndarray
    outputs: np.ndarray
    pairs: np.ndarray
    distinct: np.ndarray
    rows: np.ndarray
    places: np.ndarray


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
        How many outputs to look at for the first Stretch; twice as many for each that follows, up to a million.
    """

    def __init__(self, decoder, windows, outputs, twister, size):
        self.decoder, self.windows, self.outputs, self.twister, self.size = decoder, windows, outputs, twister, size
        self._distinct = Distinct(2 * decoder.V)

    def __iter__(self):
        return self

    def __next__(self):
        whole = 0
        while not whole:
            new = self.twister.random_raw(self.size).astype(np.uint32)
            outputs = np.concatenate((self.outputs, new, np.zeros(1, dtype=np.uint32)))
            self.outputs = outputs[:-1]
            self.size = min(2 * self.size, MOST_OUTPUTS)
            found = self.decoder.decode(outputs)
            whole = len(found.end) // self.windows * self.windows
        ends = found.end[self.windows - 1 : whole : self.windows]  # (m,)
        begins = np.append(0, ends[:-1])  # (m,)
        heads = self.outputs[begins[:, None] + np.arange(HEAD)]  # (m, HEAD)
        pairs = found.counts[:whole].reshape(-1, self.windows).sum(axis=1)  # (m,)
        cuts = np.cumsum(pairs).tolist()
        parts = np.split(found.pairs[: cuts[-1]], cuts[:-1])
        entries = (np.concatenate((part[:, 1:], part[:, 0]), axis=None, dtype=np.intp) for part in parts)
        rows, places = zip(*map(self._distinct, entries), strict=True)
        self.outputs = self.outputs[ends[-1] :]
        distinct = np.array(list(map(len, rows)))  # (m,)
        rest = (ends - begins, pairs, distinct, np.concatenate(rows), np.concatenate(places))
        return Stretch(heads.ravel(), *(array.astype(np.min_scalar_type(array.max())) for array in rest))


def twister_at(key, position):
    """A Mersenne Twister in a given state: 624 numbers of 32 bits, and how many of them have been used."""
    twister = np.random.MT19937()
    twister.state = {"bit_generator": "MT19937", "state": {"key": np.array(key, np.uint32), "pos": position}}
    return twister


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
    path = []
    while start >= 0:
        path.append(start)
        start = successor[start]
    return np.array(path, dtype=np.int64)
