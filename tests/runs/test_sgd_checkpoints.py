"""Checkpoints of sgd.py: a run that is continued ends as one that never stopped; other runs are refused."""

import random

import numpy as np
import pytest
from resuming import ITERATIONS, START, Drawing, assert_same, contents, numbers, run

import sgd as sgd_module
from sgd import Checkpoints, load_saved_params, save_params, sgd
from utils.system.errors import InputError


@pytest.fixture(autouse=True)
def short_intervals(monkeypatch):
    monkeypatch.setattr(sgd_module, "SAVE_PARAMS_EVERY", 7)
    monkeypatch.setattr(sgd_module, "ANNEAL_EVERY", 10)


# Writing and continuing


def test_checkpoints_change_nothing_about_the_run(tmp_path):
    assert_same(run(tmp_path), run(None))


def test_one_is_written_every_seven_iterations_if_so_set_and_at_the_end(tmp_path):
    run(tmp_path)
    assert numbers(tmp_path) == [7, 14, 21, 28, 30]
    assert len(contents(tmp_path)) == 10


def test_one_is_written_every_5000_iterations(tmp_path, monkeypatch):
    monkeypatch.undo()
    sgd(lambda x: (1.0, 1.0), 0.0, 1.0, 10_001, PRINT_EVERY=10**6, checkpoints=Checkpoints(tmp_path))
    assert numbers(tmp_path) == [5000, 10000, 10001]


def test_a_checkpoint_holds_the_parameters_after_its_iteration(tmp_path):
    run(tmp_path)
    for iteration in numbers(tmp_path):
        expected = run(None, iterations=iteration)[0]
        assert np.load(tmp_path / f"saved_params_{iteration}.npy").tobytes() == expected.tobytes()


@pytest.mark.parametrize("iteration", range(1, ITERATIONS))
def test_continued_from_any_iteration_a_run_ends_as_if_uninterrupted(tmp_path, iteration):
    run(tmp_path, iterations=iteration)
    resumed = run(tmp_path, seed=99)  # other streams: those of the checkpoint must take their place
    assert len(resumed[1]) == ITERATIONS // 3 - iteration // 3
    assert_same(resumed, run(None))


def test_continued_many_times_a_run_ends_as_if_uninterrupted(tmp_path):
    for iterations in (4, 5, 12, 23, 30):
        resumed = run(tmp_path, iterations, seed=iterations)
    assert_same(resumed, run(None, seed=4))


def test_a_continued_run_goes_on_with_the_smoothed_loss_and_the_halved_step(tmp_path):
    def f(x):
        return 100.0 - x.item(), 1.0

    whole = run(None, f=f, start=0.0)
    run(tmp_path, iterations=25, f=f, start=0.0)
    resumed = run(tmp_path, f=f, start=0.0)
    assert resumed[1] == whole[1][-2:]
    position = 0.0  # subtracted one by one: since Python 3.12 sum() is exact, and sgd is not
    for iteration in range(30):
        position -= 0.1 * 0.5 ** (iteration // 10)
    assert resumed[0] == whole[0] == position == pytest.approx(-1.75)


def test_a_finished_run_is_not_trained_again(tmp_path):
    whole = run(tmp_path)
    before = contents(tmp_path)
    f = Drawing()
    again = run(tmp_path, f=f)
    assert_same(again, whole)
    # It may be called at the start, to draw its table; not at the parameters found.
    assert all(np.array_equal(x, START) for x in f.called_with)
    assert again[1] == []
    assert contents(tmp_path) == before


def test_a_finished_run_can_be_prolonged(tmp_path):
    run(tmp_path, iterations=20)
    assert_same(run(tmp_path, iterations=30), run(None, iterations=30))


def test_a_run_of_fewer_iterations_continues_from_the_newest_that_it_may(tmp_path):
    run(tmp_path)
    for name in ("params_21.npy", "state_21.json"):
        (tmp_path / f"saved_{name}").unlink()
    f = Drawing()
    resumed = run(tmp_path, iterations=22, f=f)
    assert_same(resumed, run(None, iterations=22))
    assert len(f.called_with) == 1 + 22 - 14


def test_the_start_is_not_changed_by_a_continued_run(tmp_path):
    start = START.copy()
    run(tmp_path, iterations=5, start=start)
    run(tmp_path, start=start)
    assert np.array_equal(start, START)


@pytest.mark.parametrize("iterations, expected", [(30, "all 30 iterations are done"), (25, "from iteration 21 ")])
def test_the_outlook_on_a_finished_run(tmp_path, iterations, expected):
    run(tmp_path)
    assert expected in Checkpoints(tmp_path).outlook(iterations)


@pytest.mark.parametrize("iterations", [0, 6])
def test_the_outlook_where_nothing_can_be_continued_names_the_folder(tmp_path, iterations):
    run(tmp_path)
    outlook = Checkpoints(tmp_path).outlook(iterations)
    assert outlook.startswith("starting from iteration 0 ")
    assert str(tmp_path) in outlook


# The handout's way: useSaved and the two functions


def test_useSaved_keeps_checkpoints_in_the_current_folder_and_says_what_it_does(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)

    def lines(iterations):
        random.seed(5)
        np.random.seed(5)
        x = sgd(Drawing(), START, 0.1, iterations, useSaved=True, PRINT_EVERY=2)
        return x, capsys.readouterr().out.splitlines()

    _, first = lines(17)
    assert numbers(tmp_path) == [7, 14, 17]
    x, second = lines(30)
    assert first[0].startswith("starting from iteration 0 ")
    assert second[0].startswith("continuing from iteration 17 ")

    monkeypatch.chdir(tmp_path.parent)
    random.seed(5)
    np.random.seed(5)
    whole = sgd(Drawing(), START, 0.1, 30, PRINT_EVERY=2)
    assert first[1:] + second[1:] == capsys.readouterr().out.splitlines()
    assert x.tobytes() == whole.tobytes()


def test_without_useSaved_nothing_is_read_or_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run(tmp_path)
    before = contents(tmp_path)
    f = Drawing()
    sgd(f, START, 0.1, 35)
    assert len(f.called_with) == 35
    assert contents(tmp_path) == before


def test_saved_parameters_and_stream_are_loaded(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    params = np.random.randn(4, 3)
    random.seed(7)
    random.gauss(0, 1)  # leaves one deviate for the next call
    stream = random.getstate()
    save_params(12, params)
    save_params(9, params + 1)
    random.seed(8)
    iteration, loaded, state = load_saved_params()
    assert iteration == 12
    assert loaded.tobytes() == params.tobytes()
    assert state == stream
    random.setstate(state)
    assert random.getstate() == stream


def test_parameters_of_a_run_without_streams_are_loaded_but_not_continued(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Checkpoints(tmp_path).save(3, START, {"loss": 1.0})
    iteration, loaded, state = load_saved_params()
    assert (iteration, loaded.tobytes(), state) == (3, START.tobytes(), None)
    with pytest.raises(InputError, match="holds a run that draws from no global stream.*--fresh"):
        run(tmp_path)


def test_an_empty_folder_has_no_saved_parameters(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert load_saved_params() == (0, None, None)


def test_a_run_continues_from_what_save_params_wrote(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save_params(28, np.zeros(3))
    assert sgd(lambda x: (1.0, np.ones(3)), START, 1.0, 30, useSaved=True).tolist() == [-0.5] * 3


def test_all_checkpoints_are_set_aside_and_nothing_else(tmp_path):
    run(tmp_path, iterations=14)
    (tmp_path / "notes.txt").write_text("mine")
    before = contents(tmp_path)
    place = Checkpoints(tmp_path).set_aside()
    assert place == tmp_path / "previous-1"
    assert contents(place) == {name: data for name, data in before.items() if name != "notes.txt"}
    assert {path.name for path in tmp_path.iterdir()} == {"notes.txt", "previous-1"}

    run(tmp_path, iterations=7)
    assert Checkpoints(tmp_path).set_aside() == tmp_path / "previous-2"
    assert numbers(tmp_path / "previous-1") == [7, 14]
    assert numbers(tmp_path / "previous-2") == [7]


def test_where_there_is_nothing_to_set_aside_no_folder_is_made(tmp_path):
    assert Checkpoints(tmp_path).set_aside() is None
    assert contents(tmp_path) == {}


# What is not continued


@pytest.mark.parametrize(
    "saved, wanted, named",
    [
        ({"dim": 10}, {"dim": 11}, "dim 10, this one has 11"),
        ({"dim": 10, "loss": "a"}, {"dim": 10, "loss": "b"}, "loss a, this one has b"),
        ({"dim": 10}, {"dim": 10, "window": 5}, "window None, this one has 5"),
        ({"dim": 10, "window": 5}, {"dim": 10}, "window 5, this one has None"),
        (None, {"dim": 10}, "dim None, this one has 10"),
    ],
)
def test_a_run_with_other_settings_is_refused_naming_the_setting(tmp_path, saved, wanted, named):
    run(tmp_path, settings=saved)
    before = contents(tmp_path)
    with pytest.raises(InputError, match=f"{tmp_path} holds a run with {named}.*--fresh"):
        run(tmp_path, settings=wanted)
    assert contents(tmp_path) == before


def test_a_run_with_the_same_settings_is_continued(tmp_path):
    settings = {"dim": 10, "loss": "a", "step": 0.1, "none": None}
    run(tmp_path, iterations=8, settings=settings)
    assert_same(run(tmp_path, settings=settings), run(None))


def test_a_run_with_another_step_is_refused(tmp_path):
    run(tmp_path, iterations=7, step=0.1)
    with pytest.raises(InputError, match="step 0.1, this one has 0.2"):
        run(tmp_path, step=0.2)


def test_parameters_of_another_shape_are_refused(tmp_path):
    run(tmp_path, iterations=7)
    with pytest.raises(InputError, match=r"shape \(3,\), wanted \(4,\)"):
        run(tmp_path, start=np.zeros(4))
