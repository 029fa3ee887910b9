"""Checkpoints of sgd.py that are damaged, cannot be written, or belong to a run that diverges."""

import errno
import io
import json
import os
import shutil
import stat
import tempfile
from pathlib import Path

import numpy as np
import pytest
from resuming import ITERATIONS, START, Drawing, assert_same, contents, numbers, run

import sgd as sgd_module
from sgd import Checkpoints
from utils.runs import checkpoints as checkpoints_module
from utils.system.errors import EnvironmentFailure, InputError


@pytest.fixture(autouse=True)
def short_intervals(monkeypatch):
    monkeypatch.setattr(sgd_module, "SAVE_PARAMS_EVERY", 7)
    monkeypatch.setattr(sgd_module, "ANNEAL_EVERY", 10)


class Harmful:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def dangerous_pickle(path):
    file = io.BytesIO()
    np.save(file, np.array([Harmful(path)], dtype=object), allow_pickle=True)
    return file.getvalue()


# Damage. Checkpoints 7 and 14 are there; 14 is damaged, so that 7 is the one to take.


def state_of(folder, iteration=14):
    return json.loads((folder / f"saved_state_{iteration}.json").read_text(encoding="utf-8"))


def write_state(folder, state):
    (folder / "saved_state_14.json").write_text(json.dumps(state), encoding="utf-8")


def change_state(**changes):
    return lambda folder: write_state(folder, state_of(folder) | changes)


def change_bytes(name, change):
    def damage(folder):
        (folder / name).write_bytes(change((folder / name).read_bytes()))

    return damage


def forge(owner, name, value_of):
    """Write checkpoint 14 anew, as whole as any, by a `save` for which one name means something else."""

    def damage(folder):
        old = state_of(folder)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(owner, name, value_of(folder))
            Checkpoints(folder).save(14, START, {key: old[key] for key in ("step", "loss", "start", "streams")})

    return damage


def forge_params(data_of):
    def parts_of(folder):
        data = data_of(folder)
        return lambda array: [data]

    return forge(checkpoints_module, "npy_parts", parts_of)


def npy(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def forge_state(**changes):
    """Write checkpoint 14 anew, as whole as any, with another state."""

    def damage(folder):
        old = state_of(folder)
        Checkpoints(folder).save(14, START, {key: old[key] for key in ("step", "loss", "start", "streams")} | changes)

    return damage


def rename(old, new):
    def damage(folder):
        for start, end in (("saved_params_", ".npy"), ("saved_state_", ".json")):
            (folder / f"{start}{old}{end}").replace(folder / f"{start}{new}{end}")

    return damage


def change_streams(folder):
    state = state_of(folder)
    state["streams"]["random"][1][0] ^= 1
    write_state(folder, state)


def remove_key(key):
    def damage(folder):
        state = state_of(folder)
        del state[key]
        write_state(folder, state)

    return damage


DAMAGES = {
    "parameters cut off": change_bytes("saved_params_14.npy", lambda data: data[:-1]),
    "parameters empty": change_bytes("saved_params_14.npy", lambda data: b""),
    "one bit of the parameters": change_bytes("saved_params_14.npy", lambda data: data[:-1] + bytes([data[-1] ^ 1])),
    "parameters of another iteration": lambda folder: shutil.copy(
        folder / "saved_params_7.npy", folder / "saved_params_14.npy"
    ),
    "state cut off": change_bytes("saved_state_14.json", lambda data: data[: len(data) // 2]),
    "state empty": change_bytes("saved_state_14.json", lambda data: b""),
    "state not UTF-8": change_bytes("saved_state_14.json", lambda data: b"\xff" + data),
    "state no object": change_bytes("saved_state_14.json", lambda data: b"[1, 2]"),
    "state missing": lambda folder: (folder / "saved_state_14.json").unlink(),
    "format of tomorrow": forge(checkpoints_module, "STATE_FORMAT", lambda folder: checkpoints_module.STATE_FORMAT + 1),
    "format edited": change_state(format=2),
    "digest edited": change_state(params_sha256="0" * 64),
    "digest no text": change_state(params_sha256=None),
    "settings no object": change_state(settings=["dim"]),
    "streams no object": change_state(streams=[]),
    "streams empty": change_state(streams={}),
    "streams too short": change_state(streams={"random": [3, [1, 2], None], "numpy": ["MT19937", [1, 2], 0, 0, 0.0]}),
    "one bit of a stream": change_streams,
    "start no streams": change_state(start={}),
    "loss no number": change_state(loss="low"),
    "another iteration": change_state(iteration=13),
    "format missing": remove_key("format"),
    "digest missing": remove_key("params_sha256"),
    "settings missing": remove_key("settings"),
    "streams missing": remove_key("streams"),
    "parameters an object": forge_params(lambda folder: dangerous_pickle(folder / "harm")),
    "parameters no array": forge_params(lambda folder: b"\x93NUMPY and nothing more"),
    "parameters that were never there": forge_params(lambda folder: b""),
    "parameters whole numbers": forge_params(lambda folder: npy(np.array([1, 2, 3]))),
    "parameters complex": forge_params(lambda folder: npy(START + 0j)),
    "parameters not a number": forge_params(lambda folder: npy(np.array([1.0, np.nan, 2.0]))),
    "parameters infinite": forge_params(lambda folder: npy(np.array([1.0, 2.0, -np.inf]))),
    "loss infinite": forge_state(loss=np.inf),
    "loss a word": forge_state(loss="low"),
    "step not a number": forge_state(step=np.nan),
    "streams of nothing": forge_state(streams={"random": [3, [], None], "numpy": []}),
    "start of another kind": forge_state(start={"random": [3, [1, 2], None], "numpy": ["PCG64"]}),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_checkpoint_is_passed_over_with_a_line_and_the_older_one_taken(tmp_path, capsys, damage):
    run(tmp_path, iterations=14)
    DAMAGES[damage](tmp_path)
    f = Drawing()
    assert_same(run(tmp_path, f=f), run(None))
    assert len(f.called_with) == 1 + ITERATIONS - 7
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert f"checkpoint 14 in {tmp_path} is passed over" in lines[0]
    assert not (tmp_path / "harm").exists()


def test_parameters_of_another_dtype_are_refused(tmp_path):
    run(tmp_path, iterations=7, start=START.astype(np.float32))
    with pytest.raises(InputError, match="holds a run with dtype float32, this one has float64"):
        run(tmp_path)
    assert run(tmp_path, start=START.astype(np.float32))[0].dtype == np.float32


def test_two_checkpoints_with_their_parameters_swapped_are_both_passed_over(tmp_path, capsys):
    run(tmp_path, iterations=21)
    one, other = tmp_path / "saved_params_14.npy", tmp_path / "saved_params_21.npy"
    swapped = one.read_bytes(), other.read_bytes()
    other.write_bytes(swapped[0])
    one.write_bytes(swapped[1])
    f = Drawing()
    assert_same(run(tmp_path, f=f), run(None))
    assert len(f.called_with) == 1 + ITERATIONS - 7
    assert [line.split()[1] for line in capsys.readouterr().err.splitlines()] == ["21", "14"]


def test_a_checkpoint_under_the_name_of_another_iteration_is_passed_over(tmp_path, capsys):
    run(tmp_path, iterations=14)
    rename(14, 13)(tmp_path)
    assert_same(run(tmp_path), run(None))
    assert "checkpoint 13 " in capsys.readouterr().err


def test_one_set_of_checkpoints_speaks_of_a_damaged_one_once(tmp_path, capsys):
    run(tmp_path, iterations=14)
    (tmp_path / "saved_state_14.json").unlink()
    checkpoints = Checkpoints(tmp_path)
    assert "from iteration 7 " in checkpoints.outlook(ITERATIONS)
    assert checkpoints.newest()[0] == checkpoints.newest()[0] == 7
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_where_all_are_damaged_the_run_starts_anew(tmp_path, capsys):
    run(tmp_path, iterations=14)
    for file in tmp_path.glob("saved_state_*"):
        file.write_bytes(b"")
    f = Drawing()
    assert_same(run(tmp_path, f=f), run(None))
    assert len(f.called_with) == ITERATIONS
    assert len(capsys.readouterr().err.splitlines()) == 2


def test_files_of_other_names_are_no_checkpoints(tmp_path, capsys):
    for name in ("saved_params_.npy", "saved_params_final.npy", "saved_params_-3.npy", "params_3.npy"):
        np.save(tmp_path / name, START)
    assert_same(run(tmp_path), run(None))
    assert capsys.readouterr().err == ""


# Pickles, which could do anything


def test_a_pickle_is_refused_unread_with_the_remedy(tmp_path, monkeypatch):
    np.save(tmp_path / "saved_params_7.npy", START)
    (tmp_path / "saved_state_7.pickle").write_bytes(dangerous_pickle(tmp_path / "harm"))
    with pytest.raises(InputError, match="saved_state_7.pickle is a pickle.*--fresh"):
        run(tmp_path)
    assert not (tmp_path / "harm").exists()


# Failures to write


def failing_at(monkeypatch, owner, name, number):
    """Let call `number` of a function fail as on a full disk; calls of `fsync` on folders do not count."""
    original, calls = getattr(owner, name), []

    def fails(*args, **kwargs):
        if name != "fsync" or stat.S_ISREG(os.fstat(args[0]).st_mode):
            calls.append(args)
            if len(calls) == number:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return original(*args, **kwargs)

    monkeypatch.setattr(owner, name, fails)


@pytest.mark.parametrize("number", [1, 2])  # of the two files
@pytest.mark.parametrize("owner, name", [(os, "fsync"), (Path, "chmod"), (Path, "replace"), (tempfile, "mkstemp")])
def test_a_checkpoint_that_cannot_be_written_leaves_the_folder_as_it_was(tmp_path, monkeypatch, owner, name, number):
    run(tmp_path, iterations=7)
    before = contents(tmp_path)
    failing_at(monkeypatch, owner, name, number)
    with pytest.raises(EnvironmentFailure, match="saved_.*_14.*No space left on device"):
        run(tmp_path, iterations=14)
    assert contents(tmp_path) == before


def test_after_a_failure_to_write_the_run_can_be_continued(tmp_path, monkeypatch):
    with monkeypatch.context() as context:
        failing_at(context, os, "fsync", 3)  # the first of the second checkpoint
        with pytest.raises(EnvironmentFailure):
            run(tmp_path)
    assert numbers(tmp_path) == [7]
    assert_same(run(tmp_path), run(None))


# Runs that diverge


def diverging(iteration, loss, gradient):
    """An objective that gives this loss and gradient at one iteration, and harmless ones at all others."""
    calls = []

    def f(x):
        calls.append(x)
        return (loss, gradient) if len(calls) == iteration else (1.0, np.ones(3))

    return f


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_loss_that_is_not_finite_leaves_the_last_good_checkpoint(tmp_path, bad):
    expected = (
        f"loss .* at iteration 17: try a smaller step than 0.1; the loss is {bad}, the smoothed one was 1; "
        "the checkpoint of iteration 14 is good"
    )
    with pytest.raises(InputError, match=expected):
        run(tmp_path, f=diverging(17, bad, np.zeros(3)))
    assert numbers(tmp_path) == [7, 14]
    assert_same(run(tmp_path, f=diverging(0, 0, 0)), run(None, f=diverging(0, 0, 0)))  # from there it can go on


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("at, noticed", [(16, 21), (21, 21), (29, 30)])
def test_parameters_that_are_not_finite_are_never_saved(tmp_path, bad, at, noticed):
    expected = f"parameters .* at iteration {noticed}: .*; the loss is 1, the smoothed one was 1; the checkpoint of"
    with pytest.raises(InputError, match=expected):
        run(tmp_path, f=diverging(at, 1.0, np.array([0.0, bad, 0.0])))
    assert numbers(tmp_path) == [number for number in (7, 14, 21, 28) if number < at]


def test_a_run_that_diverges_before_the_first_checkpoint_speaks_of_none(tmp_path):
    with pytest.raises(InputError) as refusal:
        run(tmp_path, f=diverging(3, np.nan, np.zeros(3)))
    assert "checkpoint" not in str(refusal.value)
    assert contents(tmp_path) == {}


def test_a_continued_run_that_diverges_names_the_checkpoint_it_came_from(tmp_path):
    run(tmp_path, iterations=10)
    with pytest.raises(InputError, match="at iteration 12: .*; the checkpoint of iteration 10 is good"):
        run(tmp_path, f=diverging(1 + 2, np.nan, np.zeros(3)))  # the first call is made at the start
