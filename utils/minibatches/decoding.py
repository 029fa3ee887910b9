"""From the outputs of the random generator to the context windows that the handout's loop would draw with them.

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
negatives.
"""

from typing import NamedTuple

import numpy as np

STRIDE = 1 << 11  # outputs from walker to walker
HEAD = 3  # outputs that any minibatch takes: the first window's size, sentence and position
NO_WORD = np.int32(-1)
MOST_OUTPUTS = 1 << 20  # decoded at a time, as long as a minibatch needs no more


class Choices:
    """What each output of a stretch means where one of `n` is to be chosen.

    Attributes
    ----------
    chosen : ndarray of uint32, shape (M + 1,)
        The choices (from 0) of the M outputs that are not rejected, in order, and one for the outputs that ran out.
    behind : ndarray of int32, shape (M + 1,)
        The place behind each of these outputs; the last one lies beyond the stretch.
    rank : ndarray of int32, shape (N + 2,)
        How many of these outputs stand before each place: a draw that begins there gives `chosen[rank]`.
    """

    def __init__(self, outputs, n):
        chosen = outputs >> np.uint32(_top_bits(n))  # (N,)
        fits = chosen < n
        accepted = np.flatnonzero(fits)  # (M,)
        self.chosen = np.zeros(len(accepted) + 1, dtype=np.uint32)
        np.take(chosen, accepted, out=self.chosen[:-1])
        self.behind = np.full(len(accepted) + 1, len(outputs) + 1, dtype=np.int32)
        np.add(accepted, 1, out=self.behind[:-1], casting="same_kind")
        self.rank = np.empty(len(outputs) + 2, dtype=np.int32)
        self.rank[0], self.rank[-1] = 0, len(accepted)
        np.cumsum(fits, out=self.rank[1:-1])

    def draw(self, place):
        """The choices of draws that begin at the places, and the places behind them: int64, shapes of `place`."""
        rank = self.rank[place]
        return self.chosen[rank].astype(np.int64), self.behind[rank].astype(np.int64)


class Windows(NamedTuple):
    """Windows side by side, and their pairs.

    Attributes
    ----------
    first : ndarray of int32, shape (W,)
        The output that gives a window its size, by its rank among those that `Choices` does not reject. Windows that
        begin at different places, but with nothing except rejected outputs between them, are the same.
    end : ndarray of int32, shape (W,)
        The place behind the last output that a window takes.
    counts : ndarray of int64, shape (W,)
        Pairs of each window, at least one.
    pairs : ndarray of int32, shape (P, K + 2)
        Ids of centre word, outside word and negative samples, window by window.
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
    C, K : int
        Largest window size; negative samples per outside word (0 for none).
    """

    def __init__(self, corpus, table, C, K):
        self.corpus, self.table, self.C, self.K = corpus, table, C, K
        self._ids, self._offsets = corpus.ids, corpus.offsets
        self._lengths = np.diff(corpus.offsets).astype(np.uint32)  # (S,)
        self._shifts = _top_bits(self._lengths).astype(np.uint32)  # (S,)
        self._farthest = max(1, min(C, self._lengths.max().item() - 1))  # no window reaches beyond its sentence
        reach = np.arange(1, self._farthest + 1)
        self._reach = np.concatenate((-reach[::-1], reach))  # (2F,): -F .. -1, 1 .. F, for windows of F words or more
        self._solitude = _solitude(corpus, self._farthest)

    def decode(self, outputs):
        """Find the windows that the outputs hold whole, from the first output on.

        Parameters
        ----------
        outputs : ndarray of uint32, shape (N,)

        Returns
        -------
        Windows
        """
        try:
            return self._windows(outputs)
        finally:  # many megabytes that nobody needs any more
            self._outputs = self._sizes = self._sentences = self._negatives = self._noise = self._runs = None

    def _windows(self, outputs):
        self._n = len(outputs)
        self._outputs = np.append(outputs, np.uint32(0))  # (N + 1,): every choice accepts the one that was not there
        self._sizes = Choices(outputs, self.C)
        self._sentences = Choices(outputs, len(self._offsets) - 1)
        if self.K:
            self._negatives = Choices(outputs, len(self.table))
            noise = self.table[self._negatives.chosen[:-1]]  # (M,)
            self._noise = np.append(noise, np.full(self.K, NO_WORD))  # (M + K,)
            self._runs = np.lib.stride_tricks.sliding_window_view(self._noise, self.K)  # (M + 1, K)
        known = self._walk()
        record = np.full(len(self._sizes.chosen), -1, dtype=np.int32)  # (M + 1,): the number of a known window
        record[known.first] = np.arange(len(known.first))
        return known.of(_follow(record[self._sizes.rank[known.end]].tolist(), start=record[0].item()))

    def _walk(self):
        known = np.zeros(len(self._sizes.chosen), dtype=bool)  # (M + 1,)
        known[-1] = True  # a walker that runs out of outputs has nowhere to go
        parts = []
        walkers = np.unique(self._sizes.rank[: self._n : STRIDE])
        while walkers.size:
            parts.append(self._step(walkers))
            known[walkers] = True
            walkers = np.unique(self._sizes.rank[parts[-1].end])
            walkers = walkers[~known[walkers]]
        return Windows(*map(np.concatenate, zip(*parts, strict=True)))

    def _step(self, first):
        """The windows that the given outputs begin, without those that the stretch does not hold whole."""
        size = np.minimum(self._sizes.chosen[first].astype(np.int64) + 1, self._farthest)  # (W,)
        place = self._sizes.behind[first].astype(np.int64)  # (W,)
        sentence, centre = np.zeros_like(place), np.zeros_like(place)  # (W,) each
        todo = np.arange(len(place))
        while todo.size:  # draw a sentence and a position in it, again while the window has no outside word
            sentence[todo], place[todo] = self._sentences.draw(place[todo])
            todo = todo[place[todo] <= self._n]
            position, place[todo] = self._positions(place[todo], sentence[todo])
            centre[todo] = self._offsets[sentence[todo]] + position
            todo = todo[(self._solitude[centre[todo]] >= size[todo]) & (place[todo] <= self._n)]
        if place.max() > self._n:
            fits = place <= self._n
            first, size, sentence, centre, place = (x[fits] for x in (first, size, sentence, centre, place))

        window, outsides = self._outsides(size, sentence, centre)
        counts = np.bincount(window, minlength=len(first))  # (W,)
        pairs = np.empty((len(window), self.K + 2), dtype=np.int32)
        pairs[:, 0] = self._ids[centre][window]
        pairs[:, 1] = outsides
        if self.K:
            pairs[:, 2:], place = self._draw_negatives(window, counts, outsides, place)
        windows = Windows(first, place.astype(np.int32), counts, pairs)
        return windows if place.size == 0 or place.max() <= self._n else windows.of(np.flatnonzero(place <= self._n))

    def _positions(self, place, sentence):
        """As `Choices.draw`, for one of the words of each sentence."""
        place, n, shift = place.copy(), self._lengths[sentence], self._shifts[sentence]
        chosen = self._outputs[place] >> shift
        rejected = np.flatnonzero(chosen >= n)
        while rejected.size:
            place[rejected] += 1
            chosen[rejected] = self._outputs[place[rejected]] >> shift[rejected]
            rejected = rejected[chosen[rejected] >= n[rejected]]
        return chosen.astype(np.int64), place + 1

    def _outsides(self, size, sentence, centre):
        """The outside words of the windows: the number of the window that each is of (P,), and their ids (P,)."""
        around = centre[:, None] + self._reach  # (W, 2F)
        ids = self._ids.take(around, mode="clip")
        begin = np.maximum(self._offsets[sentence], centre - size)  # (W,)
        end = np.minimum(self._offsets[sentence + 1], centre + size + 1)  # (W,)
        inside = (around >= begin[:, None]) & (around < end[:, None])
        window, column = np.nonzero(inside & (ids != self._ids[centre][:, None]))
        return window, ids[window, column]

    def _draw_negatives(self, window, counts, outsides, place):
        """Draw the negatives of all pairs; the first of each window begins at its place.

        Returns
        -------
        negatives : ndarray, shape (P, K)
            Ids; NO_WORD where the outputs ran out.
        place : ndarray of int64, shape (W,)
            The place behind the last negative of each window; beyond the stretch if the outputs ran out.
        """
        begin = self._negatives.rank[place].astype(np.int64)  # (W,)
        # The pairs of earlier windows draw nothing for this one: their share is taken off.
        ranks = (begin - (np.cumsum(counts) - counts) * self.K)[window] + np.arange(len(window)) * self.K  # (P,)
        last = begin + counts * self.K - 1  # (W,)
        negatives = self._runs[np.minimum(ranks, len(self._runs) - 1)]  # (P, K)
        crowded = np.unique(window[(negatives == outsides[:, None]).any(axis=1)])
        if crowded.size:
            some = np.flatnonzero(np.isin(window, crowded))
            ranks = self._draw_again(outsides[some], window[some], ranks[some, None] + np.arange(self.K))
            negatives[some] = self._noise.take(ranks, mode="clip")
            last[window[some]] = ranks[:, -1]  # of several pairs of a window the last one stays
        return negatives, self._negatives.behind.take(last, mode="clip").astype(np.int64)

    def _draw_again(self, outsides, window, ranks):
        """Where a negative is its own outside word, draw again: it and all later ones of its window move up by one.

        Returns
        -------
        ndarray of int64, shape (P, K)
            Which outputs that are not rejected the negatives come from, moved until none gives its own outside word.
        """
        draws = np.arange(ranks.size).reshape(ranks.shape)  # (P, K): in their order
        while (met := self._noise.take(ranks, mode="clip") == outsides[:, None]).any():
            at = np.flatnonzero(met)
            crowded, first = np.unique(window[at // self.K], return_index=True)
            begin = np.full(window.max() + 1, ranks.size)
            begin[crowded] = at[first]
            ranks = ranks + (draws >= begin[window][:, None])
        return ranks


class Stretch(NamedTuple):
    """Some whole minibatches.

    Attributes
    ----------
    heads : ndarray of uint32, shape (m, HEAD)
        The first outputs that each takes.
    outputs : ndarray of int64, shape (m,)
        How many outputs each takes.
    lengths : ndarray of int64, shape (m,)
        How many pairs each has.
    pairs : ndarray of int32, shape (P, K + 2)
        Ids of centre word, outside word and negative samples of all pairs.
    """

    heads: np.ndarray
    outputs: np.ndarray
    lengths: np.ndarray
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
        How many outputs to look at for the first Stretch; twice as many for each that follows, up to a million.
    """

    def __init__(self, decoder, windows, outputs, twister, size):
        self.decoder, self.windows, self.outputs, self.twister, self.size = decoder, windows, outputs, twister, size

    def __iter__(self):
        return self

    def __next__(self):
        whole = 0
        while not whole:
            self.outputs = np.concatenate((self.outputs, self.twister.random_raw(self.size).astype(np.uint32)))
            self.size = min(2 * self.size, MOST_OUTPUTS)
            found = self.decoder.decode(self.outputs)
            whole = len(found.end) // self.windows * self.windows
        ends = found.end[self.windows - 1 : whole : self.windows]  # (m,)
        begins = np.append(0, ends[:-1])  # (m,)
        heads = self.outputs[begins[:, None] + np.arange(HEAD)]  # (m, HEAD)
        lengths = found.counts[:whole].reshape(-1, self.windows).sum(axis=1)  # (m,)
        self.outputs = self.outputs[ends[-1] :]
        return Stretch(heads, ends - begins, lengths, found.pairs[: lengths.sum()])


def twister_at(key, position):
    """A Mersenne Twister in a given state: 624 numbers of 32 bits, and how many of them have been used."""
    twister = np.random.MT19937()
    twister.state = {"bit_generator": "MT19937", "state": {"key": np.array(key, np.uint32), "pos": position}}
    return twister


def _top_bits(n):
    """How far to shift an output to the right to keep the bits that `randint` keeps for a choice of `n`."""
    return 32 - np.frexp(n)[1]


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
