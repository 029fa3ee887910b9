"""The handout's random stream, replayed in bulk: its minibatches, decoded ahead and handed out one at a time."""

import random
from collections import deque
from typing import NamedTuple

import numpy as np

from utils import ahead
from utils.contexts import Minibatch, minibatches, random_bytes
from utils.decoding import Decoder, Stretches

FEWEST_WORDS = 1 << 14  # in the first stretch
WORTH_A_PROCESS = 1 << 18  # a stretch so long tells that many more will follow
AT_ONCE = 64  # minibatches sorted at once: their numbers stay in the processor's cache
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
        self._source = None
        self._ahead = deque()
        self._alone = ahead.usable_cores() < 2

    def minibatch(self):
        """Draw the next Minibatch."""
        # What any minibatch takes, this one takes: drawing so much shows whether the stream is where it was left.
        head = random_bytes(self._least)
        if self._source and not self._ahead:
            self._look_ahead()
        if not self._ahead or head != self._ahead[0].words[: self._least].tobytes():
            self._source = Stretches(
                self._decoder, self._windows, np.frombuffer(head, "<u4"), _twister(), size=FEWEST_WORDS
            )
            self._ahead.clear()
            self._look_ahead()
        batch = self._ahead.popleft()
        random.getrandbits(32 * (len(batch.words) - self._least))
        return batch.minibatch

    def _look_ahead(self):
        try:
            stretch = next(self._source)
        except ahead.Lost:
            self._source, self._alone = None, True
            return
        self._queue(stretch)
        if not self._alone and isinstance(self._source, Stretches) and len(stretch.words) >= WORTH_A_PROCESS:
            self._source = ahead.elsewhere(self._source)

    def _queue(self, stretch):
        words = np.split(stretch.words, stretch.borders[1:-1])
        begin = 0
        for i in range(0, len(words), AT_ONCE):
            lengths = stretch.lengths[i : i + AT_ONCE]
            end = begin + lengths.sum()
            pairs = stretch.pairs[begin:end].astype(np.int64)
            pairs[:, 1:] += self._V
            self._ahead.extend(map(_Decoded, words[i : i + AT_ONCE], minibatches(pairs, lengths, self._windows)))
            begin = end


class _Decoded(NamedTuple):
    words: np.ndarray  # that drawing it takes
    minibatch: Minibatch


def _twister():
    """A Mersenne Twister in the state of Python's random stream."""
    *key, position = random.getstate()[1]
    twister = np.random.MT19937()
    twister.state = {"bit_generator": "MT19937", "state": {"key": np.array(key, np.uint32), "pos": position}}
    return twister
