"""Stochastic gradient descent with checkpoints: a run that is killed and resumed ends as if nothing had happened.

    python sgd.py          # sanity check on three quadratics
"""

import hashlib
import io
import json
import math
import random
import sys
from contextlib import nullcontext
from pathlib import Path

import numpy as np

from utils import console
from utils.errors import EnvironmentFailure, InputError
from utils.files import write_together

SAVE_PARAMS_EVERY = 5000  # iterations; the handout's
ANNEAL_EVERY = 20000  # iterations after which the step is halved; the handout's
SMOOTHING = 0.95  # share of the old value in the printed loss; the handout's
STATE_FORMAT = 1


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
    bit, as long as `f` draws from nothing but Python's `random` and NumPy's global stream.

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
        An argument out of range, checkpoints of another run, or a loss or parameters that are no longer finite.
    EnvironmentFailure
        A checkpoint cannot be written.
    KeyboardInterrupt
        On Ctrl-C; with checkpoints, after the current iteration has been saved.
    """
    _check_arguments(step, iterations, PRINT_EVERY)
    iterations, PRINT_EVERY = int(iterations), int(PRINT_EVERY)
    if checkpoints is None and useSaved:
        checkpoints = Checkpoints()
        print(checkpoints.outlook(iterations))
    report = report or print_loss
    postprocessing = postprocessing or (lambda x: x)

    x = np.asarray(x0) + 0.0  # a copy, in floating point
    run = _Run(f, x, step, checkpoints)
    x, start = run.resume(iterations) if checkpoints else (x, 0)
    with console.holding_back_interrupts() if checkpoints else nullcontext(console.StopRequest()) as stop:
        for iteration in range(start + 1, iterations + 1):
            loss, gradient = f(x)
            if not math.isfinite(np.asarray(loss).item()):
                raise InputError(_diverged("loss", iteration, run))
            x -= _annealed(step, iteration) * gradient
            x = postprocessing(x)
            if iteration % PRINT_EVERY == 0:
                run.smooth(np.asarray(loss).item())
                report(iteration, run.loss)
            if checkpoints and (iteration % SAVE_PARAMS_EVERY == 0 or iteration == iterations or stop.requested):
                run.save(iteration, x)
            if stop.requested and iteration < iterations:
                raise KeyboardInterrupt(f"stopped after iteration {iteration} and saved; run it again to continue")
    if not np.isfinite(x).all():
        raise InputError(_diverged("parameters", iterations, run))
    return x


def print_loss(iteration, loss):
    """Print the smoothed loss as the handout does."""
    print(f"iter {iteration}: {loss:f}", flush=True)


def _annealed(step, iteration):
    # The number of halvings passed before this iteration: the same in a run that starts anywhere.
    return step * 0.5 ** ((iteration - 1) // ANNEAL_EVERY)


def _check_arguments(step, iterations, print_every):
    for name, value, least in (("iterations", iterations, 0), ("PRINT_EVERY", print_every, 1)):
        if not float(value).is_integer() or value < least:
            raise InputError(f"{name} must be a whole number of at least {least}, got {value}")
    if not 0 < step < np.inf:
        raise InputError(f"step must be a finite number above 0, got {step}")


def _diverged(what, iteration, run):
    saved = f"; the checkpoint of iteration {run.saved} is good" if run.saved else ""
    return f"the {what} went to infinity or NaN at iteration {iteration}: try a smaller step than {run.step:g}{saved}"


class _Run:
    """What a run carries from iteration to iteration besides its parameters: the part that a checkpoint must keep."""

    def __init__(self, f, x0, step, checkpoints):
        self.f, self.x0, self.step, self.checkpoints = f, x0, step, checkpoints
        self.loss = None
        self.streams_at_start = _streams()
        self.saved = 0

    def smooth(self, loss):
        # `not`: the handout starts anew from a smoothed loss of exactly 0 as well.
        self.loss = loss if not self.loss else SMOOTHING * self.loss + (1 - SMOOTHING) * loss

    def save(self, iteration, x):
        if not np.isfinite(x).all():
            raise InputError(_diverged("parameters", iteration, self))
        state = {"step": self.step, "loss": self.loss, "start": self.streams_at_start, "streams": _streams()}
        self.checkpoints.save(iteration, x, state)
        self.saved = iteration

    def resume(self, iterations):
        """Return (parameters, iteration) of the checkpoint to continue from, with the random streams put back."""
        found = self.checkpoints.newest(at_most=iterations)
        if found is None:
            return self.x0, 0
        iteration, x, state = found
        if x.shape != np.shape(self.x0):
            raise InputError(
                f"{self.checkpoints.folder} holds parameters of shape {x.shape}, wanted {np.shape(self.x0)}: use the "
                "same data and settings, another folder (--out) or --fresh"
            )
        _refuse_other("step", state.get("step", self.step), self.step, self.checkpoints.folder)
        # What f makes when first called (the expanded corpus) it drew from the stream as it was at the start of the
        # first run. Let it do so once more before the stream moves on to where the checkpoint was taken.
        if "start" in state:
            _set_streams(state["start"])
            self.f(self.x0)
            self.streams_at_start = state["start"]
        _set_streams(state["streams"])
        self.loss, self.saved = state.get("loss"), iteration
        return x + 0.0, iteration


def _streams():
    version, words, gauss = random.getstate()
    name, key, position, has_gauss, cached = np.random.get_state()
    return {
        "random": [version, list(words), gauss],
        "numpy": [name, key.tolist(), position, has_gauss, cached],
    }


def _set_streams(streams):
    random.setstate(_random_state(streams))
    np.random.set_state(tuple(streams["numpy"]))


def _random_state(streams):
    version, words, gauss = streams["random"]
    return version, tuple(words), gauss


def _refuse_other(name, saved, wanted, folder):
    if saved != wanted:
        raise InputError(
            f"{folder} holds a run with {name} {saved}, this one has {wanted}: use the same setting, another folder "
            "(--out) or --fresh"
        )


class Checkpoints:
    """The checkpoints of one run in one folder: pairs of `saved_params_<iteration>.npy` and `saved_state_<...>.json`.

    The state names the parameters' SHA-256, so that a pair is whole or does not count. Nothing is ever unpickled.

    Parameters
    ----------
    folder : str or Path
    settings : dict of str to (str, number or None), optional
        What makes a run this run and no other. A checkpoint made with other settings is refused.
    """

    def __init__(self, folder=".", settings=None):
        self.folder = Path(folder)
        self.settings = settings or {}
        self._complained = set()

    def save(self, iteration, params, state):
        """Write one checkpoint: both files or, on any failure, neither."""
        buffer = io.BytesIO()
        np.save(buffer, params, allow_pickle=False)
        state = {
            "format": STATE_FORMAT,
            "iteration": iteration,
            "settings": self.settings,
            "params_sha256": hashlib.sha256(buffer.getbuffer()).hexdigest(),
            **state,
        }
        state["state_sha256"] = _digest(state)
        # The state comes last: without it the parameters do not count.
        written = json.dumps(state).encode()
        write_together({self._params(iteration): buffer.getbuffer(), self._state(iteration): written})

    def newest(self, at_most=None):
        """The newest good checkpoint, or None: (iteration, parameters, state).

        A damaged one is passed over, with a line on standard error.

        Raises
        ------
        InputError
            It was made with other settings, or is a pickle of the handout's.
        """
        for iteration in sorted(self._iterations(), reverse=True):
            try:
                params, state = self._load(iteration)
            except _Damaged as damage:
                if iteration not in self._complained:
                    print(f"checkpoint {iteration} in {self.folder} is passed over: {damage}", file=sys.stderr)
                self._complained.add(iteration)
                continue
            for name in sorted(self.settings.keys() | state["settings"].keys()):
                if self.settings:
                    _refuse_other(name, state["settings"].get(name), self.settings.get(name), self.folder)
            if at_most is None or iteration <= at_most:
                return iteration, params, state
        return None

    def outlook(self, iterations):
        """One line on what a run of `iterations` will do, given what the folder holds."""
        found = self.newest(at_most=iterations)
        start = found[0] if found else 0
        if start == iterations > 0:
            return f"{self._params(start)} is there: all {iterations} iterations are done, nothing is left to train"
        if start:
            return f"continuing from iteration {start} ({self._params(start)})"
        return f"starting from iteration 0 (no checkpoint to continue from in {self.folder.resolve()})"

    def set_aside(self):
        """Move all checkpoints into a new subfolder `previous-<n>`; return its path, or None if there are none."""
        files = [*self.folder.glob("saved_params_*.npy"), *self.folder.glob("saved_state_*.*")]
        if not files:
            return None
        n = 1
        while (place := self.folder / f"previous-{n}").exists():
            n += 1
        try:
            place.mkdir()
            for file in files:
                file.rename(place / file.name)
        except OSError as error:
            raise EnvironmentFailure(f"cannot move the checkpoints to {place}: {error.strerror or error}") from error
        return place

    def _params(self, iteration):
        return self.folder / f"saved_params_{iteration}.npy"

    def _state(self, iteration):
        return self.folder / f"saved_state_{iteration}.json"

    def _iterations(self):
        numbers = (path.stem.removeprefix("saved_params_") for path in self.folder.glob("saved_params_*.npy"))
        return [int(number) for number in numbers if number.isdecimal()]

    def _load(self, iteration):
        if not self._state(iteration).exists() and self._state(iteration).with_suffix(".pickle").exists():
            raise InputError(
                f"{self._state(iteration).with_suffix('.pickle')} is a pickle, which could run any program when read, "
                "and is not read here: move these files elsewhere or use another folder (--out) or --fresh"
            )
        try:
            data = self._params(iteration).read_bytes()
            state = json.loads(self._state(iteration).read_text(encoding="utf-8"))
            if state["format"] != STATE_FORMAT:
                raise _Damaged(f"its format is {state['format']}, not {STATE_FORMAT}")
            if state.pop("state_sha256") != _digest(state):
                raise _Damaged("its state is not as it was written")
            if state["iteration"] != iteration:
                raise _Damaged(f"it is of iteration {state['iteration']}")
            if state["params_sha256"] != hashlib.sha256(data).hexdigest():
                raise _Damaged("parameters and state do not belong together")
            return np.load(io.BytesIO(data), allow_pickle=False), state
        except FileNotFoundError as error:
            raise _Damaged(f"{Path(error.filename).name} is missing") from None
        except (ValueError, KeyError, TypeError, AttributeError, EOFError, OSError) as error:
            raise _Damaged(f"it cannot be read ({error!r})") from None


def _digest(state):
    return hashlib.sha256(json.dumps(state, sort_keys=True).encode()).hexdigest()


class _Damaged(Exception):
    """A checkpoint that does not count."""


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
    return iteration, params, _random_state(state["streams"])


def save_params(iter, params):
    """Write a checkpoint into the current folder: the parameters, and the states of the global random streams."""
    Checkpoints().save(iter, params, {"streams": _streams()})


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
