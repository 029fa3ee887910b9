"""The text as a band: the windows of many consecutive words at a time, laid out for matrix products.

The (centre, outside) pairs of skip-gram are not a list of unrelated pairs. Word i of the text meets words
i - C .. i + C and no others: in the matrix of all words against all words, the pairs are a band along the diagonal. So
the text is cut into tiles of S consecutive centre words, whose windows lie within S + 2 C words of text, the tile's
candidates:

    candidates   . . o o o o o o o o . .         S = 8, C = 2
    centre 0     # # o # #                       #: in its window if the reach allows
    centre 1       # # o # #                     o: the centre word itself
    ...
    centre 7                   # # o # #

One matrix product per tile gives the scores of all its centre words with all its candidates; those of the pairs lie on
its diagonals. The other scores are computed for nothing, but a matrix product is so much faster than products of single
pairs that it pays, and every vector is fetched once or twice and not once per pair.

T is the number of words of a text, n that of a step's, t the tiles of a step, W = S + 2 C, P the number of pairs.
"""

from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import as_strided

from utils.corpus.ids import Corpus

BLOCK = 64  # words that share their noise words; a whole number of tiles
TILES = (16, 32, 64)  # centre words of a tile: the fewest that are twice the window's size, if there are so many
MOST_CANDIDATES = 4  # per word of a step, on average; with longer windows a step has fewer words


class Band(NamedTuple):
    """Consecutive words of a text and their windows, in tiles.

    Attributes
    ----------
    words : ndarray of int32, shape (n + 2 C,)
        The step's n centre words, and the C words before and behind them (beyond the text: 0, with no weight).
    weights : ndarray of float, shape (2 C + 1, n)
        How much word `words[a + i]` counts, in row a, as an outside word of the centre word `words[C + i]`: 0 to 1.
    S : int
        Centre words of a tile; n is a multiple of it.
    begin : int
        Where in the text the first centre word stands.
    """

    words: np.ndarray
    weights: np.ndarray
    S: int
    begin: int

    @property
    def n(self):
        """int: Centre words."""
        return self.weights.shape[1]

    @property
    def shape(self):
        """(int, int, int): Tiles t, centre words S and candidates W = S + 2 C of each."""
        return self.n // self.S, self.S, self.S + len(self.weights) - 1

    def centres(self):
        """The centre words: ndarray of int32, shape (n,)."""
        C = len(self.weights) // 2
        return self.words[C : C + self.n]

    def candidates(self):
        """The candidates of each tile: ndarray of int32, shape (t, W)."""
        t, S, W = self.shape
        return _overlapping(self.words, t, W, S)

    def diagonals(self, tiles):
        """The band within tiles of scores, laid out as the weights are: a view of shape (2 C + 1, t, S).

        Candidate a + r of a tile is in row a of the band of its r-th centre word: each step to the next centre word
        goes one row down and one column to the right.

        Parameters
        ----------
        tiles : ndarray, shape (t, S, W)
        """
        t, S, W = self.shape
        by_tile, by_row, by_column = tiles.strides
        return as_strided(tiles, (W - S + 1, t, S), (by_column, by_tile, by_row + by_column))


def thin_out(corpus, keep, rng):
    """Subsample words; drop sentences left with fewer than two.

    Parameters
    ----------
    corpus : Corpus
    keep : ndarray of float32, shape (V,)
        The probability with which an occurrence of each word stays.
    rng : numpy.random.Generator

    Returns
    -------
    Corpus
        Its words are closer together than they were: a window reaches over those left out.
    """
    kept = rng.random(len(corpus.ids), dtype=np.float32) < keep.take(corpus.ids)  # (T,)
    before = np.concatenate(([0], np.cumsum(kept)))[corpus.offsets]  # (sentences + 1,)
    long_enough = np.diff(before) > 1  # (sentences,)
    kept &= np.repeat(long_enough, np.diff(corpus.offsets))
    offsets = np.concatenate(([0], np.cumsum(np.diff(before)[long_enough])))
    return Corpus(corpus.ids[kept], offsets)


def rooms(corpus, C):
    """How far a window of C words on either side reaches within its sentence.

    Parameters
    ----------
    corpus : Corpus
    C : int
        At least 1, and as large as one likes: it costs nothing that a window is longer than the sentences.

    Returns
    -------
    left, right : ndarray of int32, shape (T,)
        Words before and behind each word.
    """
    lengths = np.diff(corpus.offsets)  # (sentences,)
    before = np.arange(len(corpus.ids)) - np.repeat(corpus.offsets[:-1], lengths)  # (T,)
    behind = np.repeat(lengths, lengths) - 1 - before  # (T,)
    C = min(C, len(corpus.ids))
    return np.minimum(before, C).astype(np.int32), np.minimum(behind, C).astype(np.int32)


def drawn(rooms, C, rng):
    """Draw a window for each word: a reach from 1 .. C, all equally likely, cut off at the sentence's ends.

    Parameters
    ----------
    rooms : tuple of ndarray of int32, shape (T,)
        As from `rooms`; and so is what is returned.
    C : int
    rng : numpy.random.Generator
    """
    # As a fraction, since C may be any number; what is rounded beyond 2**53 is beyond any sentence.
    reach = 1 + np.floor(rng.random(len(rooms[0])) * float(min(C, 2**53)))  # (T,)
    return tuple(np.minimum(room, reach).astype(np.int32) for room in rooms)


def chances(C, farthest):
    """The probability that a reach drawn from 1 .. C covers a word that is 0, 1, .. `farthest` words away.

    Returns
    -------
    ndarray of float64, shape (farthest + 1,)
        (C + 1 - o) / C at a distance o (equation 67).
    """
    return 1 - (np.arange(farthest + 1) - 1) / float(min(C, 2**53))


def bands(corpus, rooms, weight, words, dtype=np.float32):
    """Cut a text into the Bands of its steps.

    A band is only as wide as the widest of its windows, so that long windows cost what the sentences allow; and where
    windows are long, a step has fewer words, so that its memory is bounded. Copies of the centre word have no weight.

    Parameters
    ----------
    corpus : Corpus
    rooms : tuple of ndarray of int32, shape (T,)
        How many words to the left and to the right belong to each word's window.
    weight : callable
        Takes the width C of a band and returns the weights of words at the distances 0 .. C: shape (C + 1,).
    words : int
        Of a step; rounded up to whole blocks.
    dtype : dtype
        Of the weights.

    Yields
    ------
    Band
        Its words fill whole blocks: behind the last word of the text come words without windows.
    """
    (left, right), T, step = rooms, len(corpus.ids), -(-words // BLOCK) * BLOCK
    begin = 0
    while begin < T:
        C = int(max(left[begin : begin + step].max(), right[begin : begin + step].max()))
        S = next((S for S in TILES if S >= 2 * C), BLOCK)
        blocks = MOST_CANDIDATES * step * S // ((S + 2 * C) * BLOCK)
        n = min(step, max(1, blocks) * BLOCK, -(-(T - begin) // BLOCK) * BLOCK)
        here = slice(begin, begin + n)
        at_distance = np.asarray(weight(C), dtype=dtype)  # (C + 1,)
        yield _band(corpus.ids, left[here], right[here], begin, n, S, np.append(at_distance[:0:-1], at_distance))
        begin += n


def _band(ids, left, right, begin, n, S, weights):
    """The Band of n centre words from `begin` on, of which the text has m; weights (2C + 1,) by place in the window."""
    C, m = len(weights) // 2, len(left)
    first = max(0, begin - C)
    text = ids[first : begin + n + C]
    words = np.zeros(n + 2 * C, dtype=np.int32)
    words[first - begin + C :][: len(text)] = text
    apart = np.arange(-C, C + 1, dtype=np.int32)[:, None]  # (2C + 1, 1)
    inside = apart >= -left  # (2C + 1, m)
    inside &= apart <= right
    inside &= _overlapping(words, 2 * C + 1, m, 1) != words[C : C + m]
    of_words = np.zeros((2 * C + 1, n), dtype=weights.dtype)
    np.multiply(inside, weights[:, None], out=of_words[:, :m])
    return Band(words, of_words, S, begin)


def _overlapping(words, rows, width, apart):
    """A view of shape (rows, width) whose rows begin `apart` words apart (sliding_window_view takes 40 us for it)."""
    return as_strided(words, (rows, width), (apart * words.itemsize, words.itemsize), writeable=False)
