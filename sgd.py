"""Stochastic gradient descent with checkpoints: a run that is killed and resumed ends as if nothing had happened.

    python sgd.py          # sanity check on three quadratics
"""

import math
from contextlib import nullcontext

import numpy as np

from utils.runs.checkpoints import ELSEWHERE, Checkpoints, python_state, refuse_other, set_streams, streams
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
    outlook = checkpoints is None and useSaved
    if outlook:
        checkpoints = Checkpoints()
    x = np.asarray(x0) + 0.0  # a copy, in floating point
    run = _Run(f, x, step, checkpoints)
    with checkpoints.held() if checkpoints else nullcontext():
        if outlook:
            print(checkpoints.outlook(iterations))
        return _descend(run, iterations, postprocessing or (lambda x: x), PRINT_EVERY, report or print_loss)


def _descend(run, iterations, postprocessing, print_every, report):
    x, start = run.resume(iterations)
    with console.holding_back_interrupts() if run.checkpoints else nullcontext(console.StopRequest()) as stop:
        for iteration in range(start + 1, iterations + 1):
            loss, gradient = run.f(x)
            loss = run.checked(iteration, loss)
            x -= _annealed(run.step, iteration) * gradient
            x = postprocessing(x)
            if iteration % print_every == 0:
                run.smooth(loss)
                run.tell(report, iteration, x)
            stopping = stop.requested and iteration < iterations  # asked once: what is said to be saved is saved
            if run.checkpoints and (iteration % SAVE_PARAMS_EVERY == 0 or iteration == iterations or stopping):
                run.save(iteration, x)
            if stopping:
                raise stop.as_exception(f"stopped after iteration {iteration} and saved; run it again to continue")
    if not np.isfinite(x).all():
        raise run.diverged("parameters", iterations)
    return x


def print_loss(iteration, loss):
    """Print the smoothed loss as the handout does."""
    print(f"iter {iteration}: {loss:f}", flush=True)


def _annealed(step, iteration):
    # Equation 65: the number of halvings passed before this iteration, the same in a run that starts anywhere.
    return step * 0.5 ** ((iteration - 1) // ANNEAL_EVERY)


def _check_arguments(step, iterations, print_every):
    for name, value, least in (("iterations", iterations, 0), ("PRINT_EVERY", print_every, 1)):
        if not float(value).is_integer() or value < least:
            raise InputError(f"{name} must be a whole number of at least {least}, got {value}")
    if not 0 < step < np.inf:
        raise InputError(f"step must be a finite number above 0, got {step}")


class _Run:
    """What a run carries from iteration to iteration besides its parameters: the part that a checkpoint must keep."""

    def __init__(self, f, x0, step, checkpoints):
        self.f, self.x0, self.step, self.checkpoints = f, x0, step, checkpoints
        self.loss = None
        self.streams_at_start = streams()
        self.last_loss = None
        self.saved = 0

    def checked(self, iteration, loss):
        """The loss as a Python number, if it is finite."""
        self.last_loss = np.asarray(loss).item()
        if not math.isfinite(self.last_loss):
            raise self.diverged("loss", iteration)
        return self.last_loss

    def smooth(self, loss):
        # `not`: the handout starts anew from a smoothed loss of exactly 0 as well.
        self.loss = loss if not self.loss else SMOOTHING * self.loss + (1 - SMOOTHING) * loss

    def tell(self, report, iteration, x):
        """Report the smoothed loss, before it is saved: no loss is left out by a run that is killed in between."""
        try:
            report(iteration, self.loss)
        except OSError:  # nobody listens any more: the terminal is closed, the reader of a pipe has gone
            if self.checkpoints:
                self.save(iteration, x)
            raise

    def diverged(self, what, iteration):
        message = f"the {what} went to infinity or NaN at iteration {iteration}: try a smaller step than {self.step:g}"
        if self.last_loss is not None:
            message += f"; the loss is {self.last_loss:.6g}"
        if self.loss is not None:
            message += f", the smoothed one was {self.loss:.6g}"
        if self.saved:
            message += f"; the checkpoint of iteration {self.saved} is good"
        return InputError(message)

    def save(self, iteration, x):
        if not np.isfinite(x).all():
            raise self.diverged("parameters", iteration)
        state = {"step": self.step, "loss": self.loss, "start": self.streams_at_start, "streams": streams()}
        self.checkpoints.save(iteration, x, state)
        self.saved = iteration

    def resume(self, iterations):
        """Return (parameters, iteration) of the checkpoint to continue from, with the random streams put back."""
        found = self.checkpoints.newest(at_most=iterations) if self.checkpoints else None
        if found is None:
            return self.x0, 0
        iteration, x, state = found
        if x.shape != self.x0.shape:
            raise InputError(
                f"{self.checkpoints.folder} holds parameters of shape {x.shape}, wanted {self.x0.shape}: use the same "
                f"data and settings, {ELSEWHERE}"
            )
        refuse_other("dtype", x.dtype, self.x0.dtype, self.checkpoints.folder)
        refuse_other("step", state.get("step", self.step), self.step, self.checkpoints.folder)
        self.checkpoints.thin_out(iteration)  # a run killed meanwhile may have left too many
        # What f makes when first called (the expanded corpus) it drew from the stream as it was at the start of the
        # first run. Let it do so once more before the stream moves on to where the checkpoint was taken.
        if "start" in state:
            set_streams(state["start"])
            self.f(self.x0)
            self.streams_at_start = state["start"]
        set_streams(state["streams"])
        self.loss, self.saved = state.get("loss"), iteration
        return x + 0.0, iteration


def load_saved_params():
    """The newest good checkpoint in the current folder, the handout's way.

    Returns
    -------
    (int, ndarray or None, tuple or None)
        Iteration, parameters, and the state of Python's `random`; (0, None, None) if there is none.
    """
    found = Checkpoints().newest()
    if found is None:
        return 0, None, None
    iteration, params, state = found
    return iteration, params, python_state(state["streams"])


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
