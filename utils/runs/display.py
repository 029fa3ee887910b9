"""What a training shows while it runs: loss lines, or a progress bar on a terminal, or nothing."""

import sys

from tqdm import tqdm


class Display:
    """Shows where a training is, and its loss.

    Use it as a context manager, which closes the bar.

    Parameters
    ----------
    start, total : int
        Where the training begins and ends, in `unit`.
    unit : str
    quiet : bool
        Show nothing.
    lines : bool
        Print lines on a terminal, too, instead of the bar.
    """

    def __init__(self, start, total, unit, quiet=False, lines=False):
        self.lines = not quiet and (lines or not sys.stdout.isatty())
        self.bar = tqdm(
            total=total, initial=start, unit=unit, disable=quiet or self.lines, dynamic_ncols=True,
            unit_scale=total >= 10**6,
        )  # fmt: skip

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.bar.close()

    def loss(self, loss, line):
        """Show a loss: the line, or the number behind the bar."""
        if self.lines:
            print(line, flush=True)
        self.bar.set_postfix(loss=f"{loss:.6f}", refresh=False)

    def advance(self, place):
        """Move the bar to a place."""
        self.bar.update(place - self.bar.n)
