"""The reported losses of a run, kept in a file beside its checkpoints so that a resumed run still knows the first ones.

The file is CSV: a line `iteration,loss`, then one line per reported loss, with all digits of its float64.
"""

import collections
import itertools
import math
from pathlib import Path

from utils.system.errors import InputError
from utils.system.files import read_lines, replacing

HEADER = "iteration,loss"
LOSSES, CURVE = "losses.csv", "loss.png"  # in the folder of a run: the file, and the picture that is drawn of it


class Losses:
    """The losses that a run has reported, in order: `iterations` and `losses`.

    Parameters
    ----------
    path : str or Path
        Where the losses are kept.
    """

    def __init__(self, path):
        self.path = Path(path)
        self.iterations, self.losses = [], []
        self._later = collections.deque()  # of a longer run whose checkpoints are there, too

    def add(self, iteration, loss):
        """Take the next reported loss."""
        self.iterations.append(iteration)
        self.losses.append(float(loss))
        while self._later and self._later[0][0] <= iteration:
            self._later.popleft()

    def save(self):
        """Write the losses, and those of a longer run that this one has not come to yet.

        Raises
        ------
        EnvironmentFailure
            The file cannot be written; the old one stays.
        """
        pairs = [*zip(self.iterations, self.losses, strict=True), *self._later]
        with replacing(self.path) as file:
            file.writelines([HEADER + "\n", *(f"{iteration},{loss!r}\n" for iteration, loss in pairs)])

    def resume(self, iteration, loss):
        """Take up the losses up to the checkpoint from which a run goes on.

        Parameters
        ----------
        iteration : int
            The checkpoint's; 0 where there is none.
        loss : float or None
            The last loss reported up to there, as the checkpoint knows it. That of the file must equal it to the last
            bit, or the file is of another run.

        Returns
        -------
        str or None
            Why nothing can be taken up, in one line; None if all is well.
        """
        try:
            pairs, trouble = read_losses(self.path), f"{self.path} is of another run"
        except InputError as error:
            pairs, trouble = [], str(error)
        known = [pair for pair in pairs if pair[0] <= iteration]
        if (known[-1][1] if known else None) != loss:
            return f"the losses up to iteration {iteration} are not known: {trouble}"
        self.iterations, self.losses = [first for first, _ in known], [second for _, second in known]
        self._later = collections.deque(pairs[len(known) :])
        return None


def read_losses(path):
    """Read what `Losses.save` has written.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    list of (int, float)
        Iterations, ascending, and the losses reported there.

    Raises
    ------
    InputError
        The file is missing, or a line is not as it was written.
    EnvironmentFailure
        The file is there but cannot be read.
    """
    header, *lines = read_lines(path) or [""]
    if header != HEADER:
        raise InputError(f"{path}, line 1: wanted {HEADER!r}, got {header[:80]!r}")
    pairs = []
    for number, line in enumerate(lines, 2):
        try:
            iteration, loss = line.split(",")
            pairs.append((int(iteration), float(loss)))
        except ValueError:
            raise InputError(f"{path}, line {number}: wanted `iteration,loss`, got {line[:80]!r}") from None
        if not math.isfinite(pairs[-1][1]):
            raise InputError(f"{path}, line {number}: the loss must be a finite number, got {line[:80]!r}")
    for number, ((first, _), (second, _)) in enumerate(itertools.pairwise(pairs), 3):
        if second <= first:
            raise InputError(f"{path}, line {number}: iterations must ascend, got {second} after {first}")
    return pairs
