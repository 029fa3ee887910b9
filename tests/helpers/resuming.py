"""What the tests of continued runs share: an objective that draws, a run of it with checkpoints, comparisons."""

import random

import numpy as np

from sgd import Checkpoints, sgd

ITERATIONS = 30
START = np.array([1.0, -2.0, 0.5])


class Drawing:
    """A quadratic about a target that moves with draws from both global streams.

    When first called it draws a table, as a treebank draws its expanded corpus. An odd number of normal deviates is
    drawn of either stream, so that each keeps one back for the next call.
    """

    def __init__(self):
        self.table = None
        self.called_with = []

    def __call__(self, x):
        self.called_with.append(x.copy())
        if self.table is None:
            self.table = [random.random() for _ in range(20)]
        target = random.choice(self.table) + random.gauss(0, 1) + np.random.rand() + np.random.randn(3)
        return np.sum((x - target) ** 2).item(), 2 * (x - target)


def run(folder, iterations=ITERATIONS, f=None, *, step=0.1, settings=None, start=START, seed=5):
    """Run with checkpoints in `folder`, from seeded streams: (parameters, reported losses, states of the streams)."""
    random.seed(seed)
    np.random.seed(seed)
    reported = []
    checkpoints = Checkpoints(folder, settings) if folder else None
    x = sgd(
        f or Drawing(),
        start,
        step,
        iterations,
        PRINT_EVERY=3,
        checkpoints=checkpoints,
        report=lambda *report: reported.append(report),
    )
    return x, reported, (random.getstate(), repr(np.random.get_state()))


def numbers(folder):
    """Iterations of which both files are in the folder."""
    params = {path.stem.removeprefix("saved_params_") for path in folder.glob("saved_params_*.npy")}
    states = {path.stem.removeprefix("saved_state_") for path in folder.glob("saved_state_*.json")}
    assert params == states
    return sorted(map(int, params))


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def assert_same(resumed, whole):
    """Parameters, streams, and the losses reported since, to the bit."""
    assert resumed[0].tobytes() == whole[0].tobytes()
    assert resumed[2] == whole[2]
    assert resumed[1] == whole[1][len(whole[1]) - len(resumed[1]) :]
