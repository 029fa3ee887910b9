"""The handout's random stream, replayed in bulk: its minibatches, decoded ahead and handed out one at a time."""

import random
from typing import NamedTuple

import numpy as np

from utils.minibatches import ahead
from utils.minibatches.decoding import HEAD, Decoder, Stretches, twister_at
from utils.minibatches.handout import Minibatch, minibatches, random_bytes

FEWEST_OUTPUTS = 1 << 12  # in the first stretch: what comes of it may never be used
WORTH_A_PROCESS = 1 << 18  # after so long a stretch many more will follow
AT_ONCE = 16  # minibatches sorted at once: their numbers stay in the processor's cache


class Replay:
    """Draws minibatches from Python's `random` exactly as `handout.draw_minibatch` does, only faster.

    After each call of `minibatch` the stream stands where the loop would have left it. If other code has drawn from it
    since the last call, what was decoded ahead is thrown away, and decoding starts anew with a short stretch.

    Parameters
    ----------
    corpus : Corpus
    table : ndarray of int32
        Ids; a negative sample is an entry drawn uniformly.
    C, windows, K, V : int
        As for `handout.draw_minibatch`.
    """

    def __init__(self, corpus, table, C, windows, K, V):
        self._decoder = Decoder(corpus, table, C, K)
        self._windows, self._V = windows, V
        self._alone = ahead.usable_cores() < 2
        self._to_come = iter(())

    def minibatch(self):
        """Draw the next Minibatch."""
        # Drawing what any minibatch takes shows whether the stream is where it was left.
        head = random_bytes(HEAD)
        decoded = next(self._to_come, None)
        if decoded is None or head != decoded.head.tobytes():
            outputs = np.frombuffer(head, "<u4")
            self._to_come = self._decoded(Stretches(self._decoder, self._windows, outputs, _twister(), FEWEST_OUTPUTS))
            decoded = next(self._to_come)
        random.getrandbits(32 * (decoded.outputs - HEAD))
        return decoded.minibatch

    def _decoded(self, source):
        """The minibatches to come, as long as the source lasts."""
        while True:
            try:
                stretch = next(source)
            except ahead.Lost:
                self._alone = True
                return
            if not self._alone and isinstance(source, Stretches) and stretch.outputs.sum() >= WORTH_A_PROCESS:
                source = ahead.elsewhere(source)
            yield from self._cut(stretch)

    def _cut(self, stretch):
        begin = 0
        for i in range(0, len(stretch.lengths), AT_ONCE):
            heads, outputs, lengths = (field[i : i + AT_ONCE] for field in stretch[:3])
            end = begin + lengths.sum()
            pairs = stretch.pairs[begin:end].astype(np.int64)
            pairs[:, 1:] += self._V
            yield from map(_Decoded, heads, outputs.tolist(), minibatches(pairs, lengths, self._windows))
            begin = end


class _Decoded(NamedTuple):
    head: np.ndarray  # the first outputs that drawing it takes
    outputs: int  # how many it takes in all
    minibatch: Minibatch


def _twister():
    """A Mersenne Twister in the state of Python's random stream."""
    *key, position = random.getstate()[1]
    return twister_at(key, position)
