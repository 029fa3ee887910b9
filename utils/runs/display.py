"""What a training shows while it runs: loss lines, or a progress bar on a terminal, or nothing."""

import sys

from utils.system.bar import Bar
from utils.system.console import say


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
        self.quiet, self.lines = quiet, not quiet and (lines or not sys.stdout.isatty())
        hidden = quiet or self.lines
        self.bar = Bar(total=total, initial=start, unit=unit, disable=hidden, unit_scale=total >= 10**6)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.bar.close()

    def loss(self, loss, *lines):
        """Show a loss: the lines, or the number behind the bar."""
        if self.lines:
            say(*lines)
        self.bar.set_postfix(loss=f"{loss:.6f}", refresh=False)

    def say(self, line):
        """Print a line, beside the bar, too."""
        if not self.quiet:
            with self.bar.external_write_mode():
                say(line)

    def advance(self, place):
        """Move the bar to a place."""
        self.bar.update(place - self.bar.n)
