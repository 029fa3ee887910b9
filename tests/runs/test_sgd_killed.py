"""Runs that are killed while they write, thin out their checkpoints, meet in one folder, or lose it half-way."""

import os
import random
import shutil
import signal
import tempfile
import warnings
from pathlib import Path

import numpy as np
import pytest
from resuming import ITERATIONS, START, Drawing, assert_same, contents, numbers, run

import sgd as sgd_module
from sgd import Checkpoints, load_saved_params, save_params, sgd
from utils.system.errors import EnvironmentFailure, InputError
from utils.system.files import remove_leftovers, replacing

NOBODY = 65534


@pytest.fixture(autouse=True)
def short_intervals(monkeypatch):
    monkeypatch.setattr(sgd_module, "SAVE_PARAMS_EVERY", 7)
    monkeypatch.setattr(sgd_module, "ANNEAL_EVERY", 10)


def run_keeping(folder, keep, iterations=ITERATIONS, f=None):
    random.seed(5)
    np.random.seed(5)
    checkpoints = Checkpoints(folder, keep=keep)
    return sgd(f or Drawing(), START, 0.1, iterations, PRINT_EVERY=3, checkpoints=checkpoints, report=lambda *_: None)


# Killed: a child, a copy of this process, dies before or after each call to the file system, one after the other


def killed_at(moment, work):
    """Do `work` in a child that kills itself at this moment; return whether it came to that."""
    from frail import Doom  # which reads run.py and all that it needs

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # NumPy's idle threads, which the child does not miss
        child = os.fork()
    if child == 0:
        try:
            Doom(moment)
            work()
        finally:
            os._exit(0)
    status = os.waitpid(child, 0)[1]
    return os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a process that can be copied")
@pytest.mark.parametrize(
    "keep, iterations, kept", [(None, 21, [7, 14, 21]), pytest.param(2, 30, [28, 30], marks=pytest.mark.thorough)]
)
def test_killed_at_any_moment_of_writing_a_run_goes_on_as_if_nothing_had_happened(
    tmp_path, capsys, keep, iterations, kept
):
    before, folder = tmp_path / "before", tmp_path / "killed"
    before.mkdir()
    run(before, iterations=14)
    whole, newest, moment = run(None, iterations)[0].tobytes(), 14, 1
    while killed_at(moment, lambda: run_keeping(fresh_copy(before, folder), keep, iterations)):
        checkpoints = Checkpoints(folder)
        with checkpoints.held():
            assert [path.name for path in folder.glob(".*")] == [".saved.lock"]
            found = checkpoints.newest()[0]
        assert found >= newest  # a moment later no checkpoint is lost that was there
        assert len(pairs(folder)) >= 2
        assert run_keeping(folder, keep, iterations).tobytes() == whole
        assert numbers(folder) == kept
        newest, moment = found, moment + 1
    # Checkpoints of two files, each of which is made, opened, flushed, allowed to be read, and moved.
    assert moment > (3 if keep else 1) * 2 * 5 * 2
    assert capsys.readouterr().err == ""


def fresh_copy(before, folder):
    shutil.rmtree(folder, ignore_errors=True)
    return shutil.copytree(before, folder)


def pairs(folder):
    return [path for path in folder.glob("saved_params_*") if (folder / f"saved_state_{number(path)}.json").exists()]


def number(path):
    return path.stem.rpartition("_")[2]


# What a killed process leaves


def test_what_was_half_written_is_removed_at_the_next_start_and_nothing_else(tmp_path):
    names = [".saved_params_7.npy.a_b1c2d3.part", ".saved_state_7.json.xxxxxxxx.part"]
    others = [".word_vectors.png.abcdefgh.part", "saved.part", ".saved_notes.part", "notes.txt"]
    for name in (*names, *others):
        (tmp_path / name).write_bytes(b"half")
    with Checkpoints(tmp_path).held():
        assert {path.name for path in tmp_path.iterdir()} == {*others, ".saved.lock"}
    assert {path.name for path in tmp_path.iterdir()} == {*others}


def test_leftovers_are_known_by_the_names_that_are_written(tmp_path):
    with pytest.raises(EnvironmentFailure), replacing(tmp_path / "map.png"):
        assert len(contents(tmp_path)) == 1
        remove_leftovers(tmp_path, "other.png", "ma.png")
        assert len(contents(tmp_path)) == 1
        remove_leftovers(tmp_path, "m*.png")
        assert contents(tmp_path) == {}  # so that there is nothing to move into place


def test_a_state_without_its_parameters_is_no_checkpoint_and_no_damage(tmp_path, capsys):
    # The state is written first: this is all that a kill between the two leaves.
    run(tmp_path, iterations=14)
    (tmp_path / "saved_params_14.npy").unlink()
    assert Checkpoints(tmp_path).newest()[0] == 7
    assert_same(run(tmp_path), run(None))
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("moved", range(1, 5))
def test_setting_aside_cut_short_keeps_pairs_together(tmp_path, monkeypatch, moved):
    run(tmp_path, iterations=21)
    rename, calls = type(tmp_path).rename, []

    def cut_short(self, target):
        calls.append(self)
        if len(calls) > moved:
            raise KeyboardInterrupt
        return rename(self, target)

    monkeypatch.setattr(type(tmp_path), "rename", cut_short)
    with pytest.raises(KeyboardInterrupt):
        Checkpoints(tmp_path).set_aside()
    monkeypatch.undo()
    together = len(pairs(tmp_path)) + len(pairs(tmp_path / "previous-1"))
    assert together == (3 if moved % 2 == 0 else 2)
    # The newest go first: what is left is an older run of the same, or none.
    assert sorted(map(number, pairs(tmp_path))) == (["14", "7"], ["14", "7"], ["7"], ["7"])[moved - 1]


# Thinned out


@pytest.mark.parametrize("keep, kept", [(1, [30]), (2, [28, 30]), (3, [21, 28, 30]), (9, [7, 14, 21, 28, 30])])
def test_the_newest_are_kept(tmp_path, keep, kept):
    whole = run(None)[0]
    assert run_keeping(tmp_path, keep).tobytes() == whole.tobytes()
    assert numbers(tmp_path) == kept
    assert len(contents(tmp_path)) == 2 * len(kept)


def test_an_old_one_is_removed_only_when_the_new_one_is_written(tmp_path, monkeypatch):
    run_keeping(tmp_path, 2, iterations=14)

    def full(**options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tempfile, "mkstemp", full)
    before = contents(tmp_path)
    with pytest.raises(EnvironmentFailure):
        run_keeping(tmp_path, 2)
    assert contents(tmp_path) == before


def test_with_two_kept_a_damaged_newest_one_does_not_lose_the_run(tmp_path, capsys):
    run_keeping(tmp_path, 2)
    (tmp_path / "saved_params_30.npy").write_bytes(b"damaged")
    f = Drawing()
    assert run_keeping(tmp_path, 2, f=f).tobytes() == run(None)[0].tobytes()
    assert len(f.called_with) == 1 + 30 - 28
    assert "checkpoint 30 " in capsys.readouterr().err


def test_a_damaged_one_counts_for_nothing_and_stays(tmp_path, capsys):
    run_keeping(tmp_path, None, iterations=12)  # 7, 12
    (tmp_path / "saved_params_12.npy").write_bytes(b"damaged")
    run_keeping(tmp_path, 2, iterations=14)
    assert numbers(tmp_path) == [7, 12, 14]
    assert (tmp_path / "saved_params_12.npy").read_bytes() == b"damaged"
    assert "checkpoint 12 " in capsys.readouterr().err


def test_newer_ones_of_a_longer_run_stay(tmp_path):
    run(tmp_path)
    run_keeping(tmp_path, 1, iterations=24)
    assert numbers(tmp_path) == [24, 28, 30]


def test_too_many_that_are_there_are_thinned_out_when_a_run_goes_on_or_has_ended(tmp_path):
    whole = run(tmp_path)[0]
    assert run_keeping(tmp_path, 2).tobytes() == whole.tobytes()
    assert numbers(tmp_path) == [28, 30]


def test_states_that_lost_their_parameters_go_with_the_old(tmp_path):
    run(tmp_path, iterations=21)
    (tmp_path / "saved_params_7.npy").unlink()
    run_keeping(tmp_path, 2)
    assert numbers(tmp_path) == [28, 30]


def test_one_that_cannot_be_removed_is_named(tmp_path, monkeypatch):
    run(tmp_path, iterations=14)
    unlink = type(tmp_path).unlink

    def refusing(self, missing_ok=False):
        if self.name == "saved_params_7.npy":
            raise PermissionError(13, "Permission denied")
        unlink(self, missing_ok)

    monkeypatch.setattr(type(tmp_path), "unlink", refusing)
    with pytest.raises(EnvironmentFailure, match="cannot remove .*saved_params_7.npy: Permission denied"):
        run_keeping(tmp_path, 1)
    assert 14 in numbers(tmp_path)


# Two runs in one folder


def test_a_second_run_in_the_same_folder_is_refused_and_told_who_is_there(tmp_path):
    pytest.importorskip("fcntl", reason="Windows has no such locks")
    refusals = []

    def f(x):
        with pytest.raises(InputError) as refusal:
            run(tmp_path)
        refusals.append(str(refusal.value))
        return 1.0, np.zeros(3)

    run(tmp_path, iterations=2, f=f)
    assert len(refusals) == 2
    assert f"{tmp_path} is in use by process {os.getpid()} on " in refusals[0]
    assert "wait for it to end, or use another folder (--out)" in refusals[0]
    run(tmp_path, iterations=2)  # afterwards the folder is free


def test_another_folder_is_free(tmp_path):
    def f(x):
        (tmp_path / "other").mkdir()
        run(tmp_path / "other", iterations=1)
        return 1.0, np.zeros(3)

    run(tmp_path, iterations=1, f=f)
    assert numbers(tmp_path) == numbers(tmp_path / "other") == [1]


def test_the_folder_is_held_with_useSaved_too(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    seen = []
    sgd(lambda x: [seen.extend(tmp_path.glob(".*")), (1.0, 0.0)][1], 0.0, 0.1, 1, useSaved=True)
    assert seen == [tmp_path / ".saved.lock"]
    sgd(lambda x: [seen.extend(tmp_path.glob(".*")), (1.0, 0.0)][1], 0.0, 0.1, 1)
    assert len(seen) == 1


@pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt])
def test_the_folder_is_free_after_an_error(tmp_path, error):
    def f(x):
        raise error

    with pytest.raises(error):
        run(tmp_path, f=f)
    assert contents(tmp_path) == {}
    run(tmp_path)


def test_a_folder_that_is_not_there_is_noticed_before_the_training(tmp_path):
    f = Drawing()
    with pytest.raises(EnvironmentFailure, match=f"cannot write {tmp_path / 'missing'}"):
        run(tmp_path / "missing", f=f)
    assert f.called_with == []


def test_while_the_folder_is_held_its_newest_checkpoint_is_read_once(tmp_path, monkeypatch):
    run(tmp_path, iterations=14)
    loads, load = [], Checkpoints._load
    monkeypatch.setattr(Checkpoints, "_load", lambda *args: [loads.append(args), load(*args)][1])
    checkpoints = Checkpoints(tmp_path)
    with checkpoints.held():
        assert "from iteration 14 " in checkpoints.outlook(20)
        assert checkpoints.newest(at_most=20)[0] == 14
        assert len(loads) == 1
        assert checkpoints.newest(at_most=10)[0] == 7
        random.seed(5)
        sgd(Drawing(), START, 0.1, 20, checkpoints=checkpoints, report=lambda *_: None)
        assert checkpoints.newest(at_most=20)[0] == 20
        checkpoints.set_aside()
        assert checkpoints.newest(at_most=20) is None
    for iterations in (7, 14):  # others may write there again
        run(tmp_path, iterations=iterations)
        assert checkpoints.newest(at_most=20)[0] == iterations


def test_what_was_read_once_is_not_changed_by_the_run(tmp_path):
    run(tmp_path, iterations=14)
    checkpoints = Checkpoints(tmp_path)
    with checkpoints.held():
        before = checkpoints.newest(at_most=16)[1]
        copy = before.copy()
        sgd(Drawing(), START, 0.1, 16, checkpoints=checkpoints, report=lambda *_: None)
        assert before.tobytes() == copy.tobytes()


# The folder lost half-way


@pytest.fixture
def own_folder():
    """A folder in which permissions bind: it belongs to a user who is not root, as whom this process works."""
    if not hasattr(os, "seteuid"):
        pytest.skip("needs Unix permissions")
    folder = tempfile.mkdtemp()
    was_root = os.geteuid() == 0
    if was_root:
        os.chown(folder, NOBODY, NOBODY)
        os.seteuid(NOBODY)
    yield Path(folder)
    if was_root:
        os.seteuid(0)
    shutil.rmtree(folder)


def test_a_folder_made_read_only_half_way_costs_nothing_that_was_saved(own_folder):
    class Closing(Drawing):
        def __call__(self, x):
            if len(self.called_with) == 16:
                own_folder.chmod(0o500)
            return super().__call__(x)

    with pytest.raises(EnvironmentFailure, match="cannot write .*saved_state_21.json: Permission denied"):
        run(own_folder, f=Closing())
    with pytest.raises(EnvironmentFailure, match="Permission denied"):
        run(own_folder, iterations=30)  # it still cannot be written
    own_folder.chmod(0o700)
    assert numbers(own_folder) == [7, 14]
    f = Drawing()
    assert_same(run(own_folder, f=f), run(None))
    assert len(f.called_with) == 1 + 30 - 14


def test_a_folder_removed_half_way_is_one_error(tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()

    class Removing(Drawing):
        def __call__(self, x):
            if len(self.called_with) == 9:
                shutil.rmtree(folder)
            return super().__call__(x)

    with pytest.raises(EnvironmentFailure, match=f"cannot write {folder}"):
        run(folder, f=Removing())


# Parameters of the handout's, without a state


def test_parameters_without_any_state_are_refused_with_the_remedy_and_stay(tmp_path):
    np.save(tmp_path / "saved_params_40000.npy", np.ones((4, 2)))
    before = contents(tmp_path)
    expected = "saved_params_40000.npy has no saved_state_40000.json beside it.*another folder .--out. or --fresh"
    for iterations in (30, 40000):
        with pytest.raises(InputError, match=expected):
            run(tmp_path, iterations=iterations)
    assert contents(tmp_path) == before
    assert Checkpoints(tmp_path).set_aside() is not None
    assert_same(run(tmp_path), run(None))


@pytest.mark.parametrize(
    "params, flaw",
    [
        (np.array([1.0, np.nan]), "not all finite"),
        (np.array([-np.inf]), "not all finite"),
        (np.array([1, 2]), "int64, not floats"),
        (np.array([1j]), "complex128, not floats"),
    ],
)
def test_what_would_not_be_read_is_not_written(tmp_path, monkeypatch, params, flaw):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=f"saved_params_3.npy is not written: its parameters are {flaw}"):
        save_params(3, params)
    assert load_saved_params() == (0, None, None)
