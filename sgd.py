"""Stochastic gradient descent with checkpoints: a run that is killed and resumed ends as if nothing had happened.

    python sgd.py          # sanity check on three quadratics
"""

import math

import numpy as np

from utils.runs.checkpoints import ELSEWHERE, Checkpoints, python_state, refuse_other, set_streams, streams
from utils.runs.loop import Run, drive
from utils.system import console
from utils.system.errors import InputError

SAVE_PARAMS_EVERY = 5000  # iterations; the handout's
ANNEAL_EVERY = 20000  # iterations after which the step is halved; the handout's
SMOOTHING = 0.95  # share of the old value in the printed loss; the handout's


def sgd(
    f,
    x0,
    step,
    iterations,
    postprocessing=None,
    useSaved=False,
    PRINT_EVERY=10,
    *,
    checkpoints=None,
    report=None,
):
    """Minimize `f` by stochastic gradient descent.

    The step is halved every 20,000 iterations. With checkpoints, one is written every 5,000 iterations, at the end and
    on Ctrl-C, and a run that finds one continues from it; its result equals that of an uninterrupted run to the last
    bit, as long as `f` draws from nothing but Python's `random` and NumPy's global stream. No other run may use their
    folder meanwhile.

    Parameters
    ----------
    f : callable
        Takes the parameters and returns (loss, gradient); the gradient is anything that `x -= step * gradient` takes:
        a number, an array or a RowGradient.
    x0 : float or ndarray
        Where to start; never changed. Integers are taken as floats.
    step : float
        The step before any halving.
    iterations : int
        How many in all, those before the checkpoint included.
    postprocessing : callable, optional
        Applied to the parameters after each step.
    useSaved : bool
        Write and continue from checkpoints in the current folder.
    PRINT_EVERY : int
        The loss is smoothed and reported every so many iterations.
    checkpoints : Checkpoints, optional
        Write and continue from these instead.
    report : callable, optional
        Called with (iteration, smoothed loss); by default a line is printed.

    Returns
    -------
    float or ndarray
        The parameters after the last iteration, in the shape of `x0`.

    Raises
    ------
    InputError
        An argument out of range, checkpoints of another run, a folder that another run is using, or a loss or
        parameters that are no longer finite.
    EnvironmentFailure
        A checkpoint cannot be written.
    KeyboardInterrupt
        On Ctrl-C; with checkpoints, after the current iteration has been saved, and likewise on SIGTERM and SIGHUP.
    """
    _check_arguments(step, iterations, PRINT_EVERY)
    iterations, PRINT_EVERY = int(iterations), int(PRINT_EVERY)
    descent = _Descent(f, x0, step, postprocessing or (lambda x: x), PRINT_EVERY, report or _print_loss)
    if checkpoints is not None or not useSaved:
        return drive(descent, iterations, checkpoints)
    checkpoints = Checkpoints()
    with checkpoints.held():
        print(checkpoints.outlook(iterations))
        return drive(descent, iterations, checkpoints)


class _Descent(Run):
    """What the loop of `sgd` drives."""

    def __init__(self, f, x0, alpha, postprocessing, print_every, report):
        self.f, self.alpha, self.postprocessing = f, alpha, postprocessing
        self.print_every, self.tell = print_every, report
        self.x = self.x0 = np.asarray(x0) + 0.0  # a copy, in floating point
        self.loss = self.smoothed = None
        self.streams_at_start = streams()
        self.remedy = f"try a smaller step than {alpha:g}"

    def step(self):
        self.done += 1
        loss, gradient = self.f(self.x)
        self.loss = np.asarray(loss).item()
        if not math.isfinite(self.loss):
            raise self.diverged("loss")
        self.x -= _annealed(self.alpha, self.done) * gradient
        self.x = self.postprocessing(self.x)

    def report(self):
        if self.done % self.print_every == 0:
            # `not`: the handout starts anew from a smoothed loss of exactly 0 as well.
            old = self.smoothed
            self.smoothed = SMOOTHING * old + (1 - SMOOTHING) * self.loss if old else self.loss
            self.tell(self.done, self.smoothed)

    def due(self):
        return self.done % SAVE_PARAMS_EVERY == 0

    def state(self):
        return {"step": self.alpha, "loss": self.smoothed, "start": self.streams_at_start, "streams": streams()}

    def resume(self, state, folder):
        refuse_other("step", state.get("step", self.alpha), self.alpha, folder)
        if "streams" not in state:
            raise InputError(f"{folder} holds a run that draws from no global stream: use {ELSEWHERE}")
        # What f makes when first called (the expanded corpus) it drew from the stream as it was at the start of the
        # first run. Let it do so once more before the stream moves on to where the checkpoint was taken.
        if "start" in state:
            set_streams(state["start"])
            self.f(self.x0)
            self.streams_at_start = state["start"]
        set_streams(state["streams"])
        self.smoothed = state.get("loss")

    def losses(self):
        if self.loss is None:
            return ""
        return f"the loss is {self.loss:.6g}" + (f", the smoothed one was {self.smoothed:.6g}" if self.smoothed else "")


def loss_line(iteration, loss):
    """The smoothed loss as the handout prints it."""
    return f"iter {iteration}: {loss:f}"


def _print_loss(iteration, loss):
    print(loss_line(iteration, loss), flush=True)


def _annealed(alpha, iteration):
    # Equation 65: the number of halvings passed before this iteration, the same in a run that starts anywhere.
    return alpha * 0.5 ** ((iteration - 1) // ANNEAL_EVERY)


def _check_arguments(step, iterations, print_every):
    for name, value, least in (("iterations", iterations, 0), ("PRINT_EVERY", print_every, 1)):
        if not float(value).is_integer() or value < least:
            raise InputError(f"{name} must be a whole number of at least {least}, got {value}")
    if not 0 < step < np.inf:
        raise InputError(f"step must be a finite number above 0, got {step}")


def load_saved_params():
    """The newest good checkpoint in the current folder, the handout's way.

    Returns
    -------
    (int, ndarray or None, tuple or None)
        Iteration, parameters, and the state of Python's `random` (None if the run used none); (0, None, None) if there
        is no checkpoint.
    """
    found = Checkpoints().newest()
    if found is None:
        return 0, None, None
    iteration, params, state = found
    return iteration, params, python_state(state["streams"]) if "streams" in state else None


def save_params(iter, params):
    """Write a checkpoint into the current folder: the parameters, and the states of the global random streams."""
    Checkpoints().save(iter, params, {"streams": streams()})


def sanity_check():
    """Minimize three quadratics; return how many of them failed."""

    def quadratic(x):
        return np.sum(x**2), x * 2

    failures = 0
    for start in (0.5, 0.0, -1.5):
        result = sgd(quadratic, start, 0.01, 1000, PRINT_EVERY=100)
        passed = abs(result) <= 1e-6
        failures += not passed
        print(f"{'passed' if passed else 'FAILED'}: x^2 from {start}: minimum at {result:.3g}, wanted 0 to within 1e-6")
    return failures


def main(arguments=None):
    """Run the sanity check; return the exit status."""
    console.ArgumentParser(description=__doc__.splitlines()[0]).parse_args(arguments)
    return 1 if sanity_check() else 0


if __name__ == "__main__":
    console.run(main)
