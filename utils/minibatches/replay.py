"""The handout's random stream, replayed in bulk: its minibatches, decoded ahead and handed out one at a time."""

import random

import numpy as np

from utils.minibatches import ahead
from utils.minibatches.decoding import HEAD, Decoder, Stretches
from utils.minibatches.handout import Minibatch
from utils.minibatches.stream import python_twister, random_bytes

FEWEST_OUTPUTS = 1 << 12  # in the first stretch: what comes of it may never be used
WORTH_A_PROCESS = 1 << 18  # after so long a stretch many more will follow


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
        self._decoder = Decoder(corpus, table, C, K, V)
        self._windows = windows
        self._alone = ahead.usable_cores() < 2
        self._to_come = iter(())

    def minibatch(self):
        """Draw the next Minibatch."""
        # Drawing what any minibatch takes shows whether the stream is where it was left.
        drawn = random_bytes(HEAD)
        head, outputs, minibatch = next(self._to_come, (None, 0, None))
        if drawn != head:
            begin = np.frombuffer(drawn, "<u4")
            source = Stretches(self._decoder, self._windows, begin, python_twister(), FEWEST_OUTPUTS)
            self._to_come = self._decoded(source)
            _, outputs, minibatch = next(self._to_come)
        random.getrandbits(32 * (outputs - HEAD))
        return minibatch

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
        """The minibatches of a stretch, each with its first outputs and the number of all."""
        width = self._decoder.K + 2
        heads = stretch.heads.astype("<u4").tobytes()
        begin = 0
        for i, (outputs, pairs) in enumerate(zip(stretch.outputs.tolist(), stretch.counts.tolist(), strict=True)):
            end = begin + pairs * width
            of_pairs = stretch.pairs[begin:end].astype(np.int64).reshape(pairs, width)
            begin = end
            yield heads[4 * HEAD * i : 4 * HEAD * (i + 1)], outputs, Minibatch(of_pairs, self._windows)
