"""run.py in a process that dies where it is told: what `torture.py` starts, again and again.

    python tests/helpers/frail.py EVERY FATAL MARKS [arguments of run.py]

A checkpoint is written every EVERY iterations. Calls to the file system are counted while checkpoints are written, once
before and once after each; at number FATAL (0: never) the process kills itself. To the file descriptor MARKS go "s"
when the training starts, "(" and ")" when the writing of a checkpoint begins and ends.
"""

import os
import signal
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import run  # noqa: E402 - the path comes first
import sgd  # noqa: E402
from utils.runs.checkpoints import Checkpoints  # noqa: E402
from utils.system import console  # noqa: E402

CALLS = ((tempfile, "mkstemp"), (os, "fdopen"), (os, "fsync"), (Path, "chmod"), (Path, "replace"), (Path, "unlink"))


class Doom:
    """Counts the moments before and after calls to the file system, and kills the process at the fatal one."""

    def __init__(self, fatal):
        self.left, self.near = fatal, True
        for owner, name in CALLS:
            setattr(owner, name, self.around(getattr(owner, name)))

    def moment(self):
        self.left -= self.near
        if self.near and self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def around(self, original):
        def counted(*args, **kwargs):
            self.moment()
            result = original(*args, **kwargs)
            self.moment()
            return result

        return counted


def prepare(every, fatal, marks):
    sgd.SAVE_PARAMS_EVERY = every
    # A process started in the background, or by nohup, may have been told to ignore them.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    doom, save, train = Doom(fatal), Checkpoints.save, run.ByIterations.train
    doom.near = False

    def marked_save(*args):
        os.write(marks, b"(")
        doom.near = True
        save(*args)
        doom.near = False
        os.write(marks, b")")

    def marked_train(*args):
        os.write(marks, b"s")
        return train(*args)

    Checkpoints.save, run.ByIterations.train = marked_save, marked_train


if __name__ == "__main__":
    prepare(*map(int, sys.argv[1:4]))
    console.run(run.main, sys.argv[4:])
