"""The checkpoints of a run: written whole, verified before they count, kept from a second run in the same folder."""

import contextlib
import hashlib
import json
import math
import random
import sys
from pathlib import Path

import numpy as np

from utils.system.errors import EnvironmentFailure, InputError, brief
from utils.system.files import remove_leftovers, write_together
from utils.system.locks import locked
from utils.system.npy import array_from, npy_parts

STATE_FORMAT = 1
LOCK = ".saved.lock"
ELSEWHERE = "another folder (--out) or --fresh"
# What the readers raise at a file that is damaged, or that somebody has made up.
UNREADABLE = (
    *(ArithmeticError, AttributeError, EOFError, LookupError, MemoryError),
    *(OSError, RecursionError, TypeError, ValueError),
)


class Checkpoints:
    """The checkpoints of one run in one folder: pairs of `saved_params_<iteration>.npy` and `saved_state_<...>.json`.

    A run with more to keep than parameters has a `saved_rest_<iteration>.npy` beside them. The state names the SHA-256
    of each, so that a checkpoint is whole or does not count. Nothing is ever unpickled.

    Parameters
    ----------
    folder : str or Path
    settings : dict of str to (str, number or None), optional
        What makes a run this run and no other. A checkpoint made with other settings is refused.
    keep : int, optional
        How many to keep, the newest ones; all by default. With 2 or more, one that is damaged does not lose the run.
    unit : str
        What the run counts.
    losses : Losses, optional
        The reported losses, kept in a file of their own: written before each checkpoint, so that every checkpoint finds
        all that were reported up to it, and set aside along with the checkpoints.
    """

    def __init__(self, folder=".", settings=None, keep=None, unit="iteration", losses=None):
        self.folder, self.unit, self.losses = Path(folder), unit, losses
        self.settings = settings or {}
        self.keep = keep
        self._damaged = set()
        self._held = False
        self._found = {}  # what `newest` returned since nobody else can change it

    @contextlib.contextmanager
    def held(self):
        """Keep other runs out of the folder during the block, and remove what a killed one left half-written.

        Blocks of the same Checkpoints may be nested.

        Raises
        ------
        InputError
            Another run is at work there; the message says which.
        EnvironmentFailure
            The folder cannot be written.
        """
        if self._held:
            yield
            return
        with locked(self.folder / LOCK, "wait for it to end, or use another folder (--out)"):
            remove_leftovers(self.folder, "saved_params_*.npy", "saved_rest_*.npy", "saved_state_*.json")
            self._held = True
            try:
                yield
            finally:
                self._held = False
                self._found.clear()

    def save(self, iteration, params, state, rest=None):
        """Write one checkpoint: all its files or, on any failure, none. Then remove what need not be kept.

        Parameters
        ----------
        iteration : int
        params : float or ndarray of floats
        state : dict
            Must go into JSON. A run of `sgd` keeps "streams" as `streams` returns them, "start" (the streams when it
            began), "step" and "loss" (the smoothed one, or None).
        rest : ndarray of floats, optional
            Whatever else the run needs to go on. `newest` and `all` give it back as "rest" of the state.
        """
        self._found.clear()
        params = np.asarray(params)
        if flaw := _flaw(params):
            raise InputError(f"{self._params(iteration)} is not written: {flaw}")
        parts = {"params": npy_parts(params)} | ({} if rest is None else {"rest": npy_parts(rest)})
        state = {
            "format": STATE_FORMAT,
            "iteration": iteration,
            "settings": self.settings,
            **{f"{name}_sha256": _sha256(file) for name, file in parts.items()},
            **state,
        }
        state["state_sha256"] = _digest(state)
        # The state comes first: parameters that have none are not from here, and no write that was cut short.
        written = json.dumps(state).encode()
        if self.losses:
            self.losses.save()
        files = {self._rest(iteration): parts["rest"]} if "rest" in parts else {}
        write_together({self._state(iteration): written, **files, self._params(iteration): parts["params"]})
        self._damaged.discard(iteration)
        self.thin_out(iteration)

    def thin_out(self, newest):
        """Remove those older than the `keep` newest up to this one, which must be good.

        One that was found damaged does not count, and stays to be looked at.
        """
        if not self.keep:
            return
        states = [i for i in self._iterations("saved_state_", ".json") if i <= newest and i not in self._damaged]
        oldest = [i for i in states if self._params(i).exists()][: self.keep][-1]
        for iteration in states:
            if iteration < oldest:
                for path in (self._params(iteration), self._rest(iteration), self._state(iteration)):
                    try:
                        path.unlink(missing_ok=True)
                    except OSError as error:
                        raise EnvironmentFailure(f"cannot remove {path}: {error.strerror or error}") from error

    def newest(self, at_most=None):
        """The newest good checkpoint, or None: (iteration, parameters, state).

        A damaged one is passed over, with a line on standard error.

        Raises
        ------
        InputError
            It was made with other settings; or the folder holds what the handout's code has written: pickled states,
            or parameters and no state at all.
        """
        if not self._held:
            return next(self.all(at_most), None)
        if at_most not in self._found:
            self._found[at_most] = next(self.all(at_most), None)
        return self._found[at_most]

    def all(self, at_most=None):
        """Go through all good checkpoints as `newest` does, newest first: (iteration, parameters, state) of each."""
        iterations = self._iterations()
        if iterations and not any(self._state(iteration).exists() for iteration in iterations):
            self._refuse_foreign(iterations[0])
        for iteration in iterations:
            try:
                params, state = self._load(iteration)
            except _Damaged as damage:
                if iteration not in self._damaged:
                    print(f"checkpoint {iteration} in {self.folder} is passed over: {damage}", file=sys.stderr)
                self._damaged.add(iteration)
                continue
            for name in {**self.settings, **state["settings"]}:
                if self.settings:
                    refuse_other(name, state["settings"].get(name), self.settings.get(name), self.folder)
            if at_most is None or iteration <= at_most:
                yield iteration, params, state

    def outlook(self, iterations):
        """One line on what a run of `iterations` will do, given what the folder holds."""
        found = self.newest(at_most=iterations)
        start = found[0] if found else 0
        if start == iterations > 0:
            units = f"{self.unit}{'es' if self.unit.endswith('ch') else 's'}"
            return f"{self._params(start)} is there: all {iterations} {units} are done, nothing is left to train"
        if found:
            return f"continuing from {self.unit} {start} ({self._params(start)})"
        return f"starting from {self.unit} 0 (no checkpoint to continue from in {self.folder.resolve()})"

    def set_aside(self):
        """Move all checkpoints into a new subfolder `previous-<n>`; return its path, or None if there are none."""
        names = "saved_params_*.npy", "saved_rest_*.npy", "saved_state_*.*"
        files = [file for name in names for file in self.folder.glob(name)]
        if not files:
            return None
        files += [self.losses.path] if self.losses and self.losses.path.exists() else []
        self._found.clear()
        n = 1
        while (place := self.folder / f"previous-{n}").exists():
            n += 1
        try:
            place.mkdir()
            for file in sorted(files, key=_pair):  # should it be cut short, most pairs are still together
                file.rename(place / file.name)
        except OSError as error:
            raise EnvironmentFailure(f"cannot move the checkpoints to {place}: {error.strerror or error}") from error
        return place

    def _params(self, iteration):
        return self.folder / f"saved_params_{iteration}.npy"

    def _rest(self, iteration):
        return self.folder / f"saved_rest_{iteration}.npy"

    def _state(self, iteration):
        return self.folder / f"saved_state_{iteration}.json"

    def _iterations(self, start="saved_params_", end=".npy"):
        """The numbers of the files with such names, from the largest down."""
        numbers = (path.name.removeprefix(start).removesuffix(end) for path in self.folder.glob(f"{start}*{end}"))
        return sorted({int(n) for n in numbers if n.isdecimal() and n == str(int(n))}, reverse=True)

    def _refuse_foreign(self, iteration):
        """Refuse what the handout's code has written: a pickled state, or parameters whose state is gone."""
        pickled = self._state(iteration).with_suffix(".pickle")
        if pickled.exists():
            raise InputError(
                f"{pickled} is a pickle, which could run any program when read, and is not read here: move these files "
                f"elsewhere or use {ELSEWHERE}"
            )
        raise InputError(
            f"{self._params(iteration)} has no {self._state(iteration).name} beside it: its vectors can be read, but "
            f"no run can go on from them, and a new one might write over them: use {ELSEWHERE}"
        )

    def _load(self, iteration):
        if not self._state(iteration).exists() and self._state(iteration).with_suffix(".pickle").exists():
            self._refuse_foreign(iteration)
        try:
            data = self._params(iteration).read_bytes()
            written = self._state(iteration).read_bytes()
            state = json.loads(written)
            if state["format"] != STATE_FORMAT:
                raise _Damaged(f"its format is {state['format']}, not {STATE_FORMAT}")
            # Written anew it must be the same: no name in it twice, nothing that reading passes over.
            if json.dumps(state).encode() != written or state.pop("state_sha256") != _digest(state):
                raise _Damaged("its state is not as it was written")
            if state["iteration"] != iteration:
                raise _Damaged(f"it is of iteration {state['iteration']}")
            if state["params_sha256"] != _sha256([data]):
                raise _Damaged("parameters and state do not belong together")
            params = array_from(data).copy()  # that a run may write to
            _verify(params, state)
            if "rest_sha256" in state:
                state["rest"] = self._load_rest(iteration, state)
            return params, state
        except FileNotFoundError as error:
            raise _Damaged(f"{Path(error.filename).name} is missing") from None
        except UNREADABLE as error:
            raise _Damaged(f"it cannot be read ({type(error).__name__}: {brief(error)})") from None

    def _load_rest(self, iteration, state):
        data = self._rest(iteration).read_bytes()
        if state["rest_sha256"] != _sha256([data]):
            raise _Damaged(f"{self._rest(iteration).name} and state do not belong together")
        rest = array_from(data).copy()
        if flaw := _flaw(rest):
            raise _Damaged(flaw)
        return rest


class _Damaged(Exception):
    """A checkpoint that does not count."""


def _sha256(parts):
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.hexdigest()


def _digest(state):
    return hashlib.sha256(json.dumps(state, sort_keys=True).encode()).hexdigest()


def _pair(file):
    number = file.stem.rpartition("_")[2]
    return -int(number) if number.isdecimal() else 0, file.name


def _flaw(params):
    """What makes an array no parameters, or None."""
    if params.dtype.kind != "f":
        return f"its parameters are {params.dtype}, not floats"
    if not np.isfinite(params).all():
        return "its parameters are not all finite"
    return None


def _verify(params, state):
    """Raise _Damaged (or what the readers raise) unless a run can go on from these."""
    if flaw := _flaw(params):
        raise _Damaged(flaw)
    if not isinstance(state["settings"], dict):
        raise _Damaged("its settings are not a table")
    for name in ("step", "loss"):
        value = state.get(name)
        if value is not None and not math.isfinite(value):
            raise _Damaged(f"its {name} is {value}")
    for name in ("start", "streams"):
        if name in state:
            random.Random().setstate(python_state(state[name]))
            np.random.RandomState().set_state(tuple(state[name]["numpy"]))


def refuse_other(name, saved, wanted, folder):
    """Raise InputError if a setting of the run in the folder is not the one wanted."""
    if saved != wanted:
        raise InputError(
            f"{folder} holds a run with {name} {saved}, this one has {wanted}: use the same setting, {ELSEWHERE}"
        )


def streams():
    """The states of the two global random streams, in a form that goes into JSON: {"random": ..., "numpy": ...}."""
    version, words, gauss = random.getstate()
    name, key, position, has_gauss, cached = np.random.get_state()
    return {
        "random": [version, list(words), gauss],
        "numpy": [name, key.tolist(), position, has_gauss, cached],
    }


def set_streams(states):
    """Put the two global random streams into these states."""
    random.setstate(python_state(states))
    np.random.set_state(tuple(states["numpy"]))


def python_state(states):
    """The state of Python's `random`, as its `setstate` takes it."""
    version, words, gauss = states["random"]
    return version, tuple(words), gauss
