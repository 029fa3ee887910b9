"""One resumable loop: it steps, reports, writes checkpoints and stops without losing anything."""

import time
from contextlib import nullcontext

import numpy as np

from utils.runs.checkpoints import ELSEWHERE, refuse_other
from utils.system import console
from utils.system.errors import EnvironmentFailure, InputError

SAVE_EVERY = 60.0  # seconds between the checkpoints of a TimedRun


class Undone(EnvironmentFailure):
    """A step that the machine would not let be done, and that has left the run as it was before."""


class Run:
    """What the loop drives: a training derives from it and says what one step is.

    Attributes
    ----------
    x : ndarray of float
        The parameters.
    done : int
        Steps taken, those before the checkpoint included.
    unit : str
        What `done` counts, for messages.
    remedy : str
        What to try if the run diverges.
    saved : int
        The newest checkpoint.
    """

    done = saved = 0
    unit = "iteration"
    remedy = "try a smaller step"

    def step(self):
        """Change `x` by one step and move `done` on; raise `diverged(...)` if the loss is not finite."""
        raise NotImplementedError

    def report(self):
        """Say what there is to say after a step; an OSError means that nobody reads it any more."""

    def due(self):
        """Whether a checkpoint is due after this step."""
        raise NotImplementedError

    def state(self):
        """What a checkpoint must keep besides the parameters: a dict that goes into JSON."""
        return {}

    def rest(self):
        """What a checkpoint must keep that is too large for the state: an array of floats, or None."""

    def resume(self, state, folder):
        """Take up the state of a checkpoint, and its `rest` by that name; `x` and `done` follow.

        Raise InputError if it is of another run.
        """

    def losses(self):
        """What is known of the losses, for the message of a run that diverged; may be empty."""
        return ""

    def diverged(self, what):
        """The error of a run whose loss or parameters are no longer finite."""
        kept = f"the checkpoint of {self.unit} {self.saved} is good" if self.saved else ""
        parts = f"the {what} went to infinity or NaN at {self.unit} {self.done}: {self.remedy}", self.losses(), kept
        return InputError("; ".join(filter(None, parts)))


class TimedRun(Run):
    """A run that is saved every minute."""

    def __init__(self):
        self._saved_at = time.monotonic()

    def due(self):
        if due := time.monotonic() - self._saved_at > SAVE_EVERY:
            self._saved_at = time.monotonic()
        return due


def drive(run, total, checkpoints=None):
    """Drive a run to its end, from its newest checkpoint if there is one.

    With checkpoints, the first SIGINT, SIGTERM or SIGHUP lets the current step end, writes a checkpoint and raises; so
    does an OSError of a report (the terminal is closed, the reader of a pipe has gone).

    Parameters
    ----------
    run : Run
    total : int
        How many steps in all.
    checkpoints : Checkpoints, optional
        One is written whenever the run finds it due, at the end, and when the run is stopped.

    Returns
    -------
    ndarray
        The parameters.

    Raises
    ------
    InputError
        The loss or the parameters are no longer finite; checkpoints of another run.
    EnvironmentFailure
        A checkpoint cannot be written; or a step could not be done, and what was done before it is saved.
    KeyboardInterrupt
        A signal stopped the run.
    """
    with checkpoints.held() if checkpoints else nullcontext():
        _take_up(run, total, checkpoints)
        with console.holding_back_interrupts() if checkpoints else nullcontext(console.StopRequest()) as stop:
            unsaved = False  # whether a step was taken since
            while run.done < total:
                try:
                    run.step()
                except Undone as failure:
                    if unsaved:
                        _save(run, checkpoints)
                    kept = checkpoints and (unsaved or run.saved)
                    hint = "; what was done before is saved, run it again to continue" if kept else ""
                    raise EnvironmentFailure(f"{failure}{hint}") from failure
                unsaved = True
                try:
                    run.report()
                except OSError:
                    _save(run, checkpoints)
                    raise
                stopping = stop.requested and run.done < total  # asked once: what is said to be saved is saved
                if stopping or run.done == total or run.due():
                    _save(run, checkpoints)
                    unsaved = False
                if stopping:
                    raise stop.as_exception(f"stopped after {run.unit} {run.done} and saved; run it again to continue")
    return run.x


def _take_up(run, total, checkpoints):
    found = checkpoints.newest(at_most=total) if checkpoints else None
    if found:
        done, x, state = found
        if x.shape != run.x.shape:
            raise InputError(
                f"{checkpoints.folder} holds parameters of shape {x.shape}, wanted {run.x.shape}: use the same data "
                f"and settings, {ELSEWHERE}"
            )
        refuse_other("dtype", x.dtype, run.x.dtype, checkpoints.folder)
        run.resume(state, checkpoints.folder)
        checkpoints.thin_out(done)  # a run killed meanwhile may have left too many
        run.x, run.done, run.saved = x + 0.0, done, done  # a copy: what was read once is not changed


def _save(run, checkpoints):
    if not np.isfinite(run.x).all():
        raise run.diverged("parameters")
    if checkpoints:
        checkpoints.save(run.done, run.x, run.state(), run.rest())
        run.saved = run.done
