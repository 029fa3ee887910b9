"""The printed losses of a run: what is written is read again, a resumed run knows the first part, another run's not."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from utils.runs.losses import Losses, read_losses
from utils.system.errors import EnvironmentFailure, InputError


@pytest.fixture
def path(tmp_path):
    return tmp_path / "losses.csv"


def recorded(path, pairs):
    history = Losses(path)
    for iteration, loss in pairs:
        history.add(iteration, loss)
    history.save()
    return history


def pairs_of(history):
    return list(zip(history.iterations, history.losses, strict=True))


def test_the_file_is_csv_with_all_digits(path):
    recorded(path, [(10, 19.0615464), (20, 0.1 + 0.2)])
    assert path.read_bytes() == b"iteration,loss\n10,19.0615464\n20,0.30000000000000004\n"
    assert read_losses(path) == [(10, 19.0615464), (20, 0.1 + 0.2)]


@settings(max_examples=30)
@given(
    losses=st.dictionaries(st.integers(0, 10**9), st.floats(allow_nan=False, allow_infinity=False), max_size=20),
)
def test_what_is_written_is_read(tmp_path_factory, losses):
    pairs = sorted(losses.items())
    path = tmp_path_factory.getbasetemp() / "losses.csv"
    recorded(path, pairs)
    assert read_losses(path) == pairs


def test_a_resumed_run_knows_the_first_part(path):
    whole = [(10 * i, 20.0 - i) for i in range(1, 11)]
    recorded(path, whole[:5])
    history = Losses(path)
    assert history.resume(55, 15.0) is None
    for iteration, loss in whole[5:]:
        history.add(iteration, loss)
    history.save()
    assert pairs_of(history) == whole
    assert read_losses(path) == whole


def test_lines_after_the_checkpoint_are_done_again(path):
    # The run was stopped between writing its losses and its checkpoint: that of iteration 20 is the newest.
    recorded(path, [(10, 3.0), (20, 2.0), (30, 1.0)])
    history = Losses(path)
    assert history.resume(20, 2.0) is None
    assert pairs_of(history) == [(10, 3.0), (20, 2.0)]
    history.add(25, 1.5)  # now printed at other iterations
    history.add(35, 0.5)
    history.save()
    assert read_losses(path) == [(10, 3.0), (20, 2.0), (25, 1.5), (35, 0.5)]


def test_a_shorter_run_keeps_the_losses_of_a_longer_one(path):
    recorded(path, [(10, 4.0), (20, 3.0), (30, 2.0), (40, 1.0)])
    history = Losses(path)
    assert history.resume(10, 4.0) is None
    history.add(20, 3.0)
    history.save()
    assert pairs_of(history) == [(10, 4.0), (20, 3.0)]
    assert read_losses(path) == [(10, 4.0), (20, 3.0), (30, 2.0), (40, 1.0)]


def test_from_the_start_nothing_is_known_and_nothing_is_lost(path):
    history = Losses(path)
    assert history.resume(0, None) is None and pairs_of(history) == []
    recorded(path, [(10, 4.0), (20, 3.0)])
    assert history.resume(0, None) is None and pairs_of(history) == []
    history.save()
    assert read_losses(path) == [(10, 4.0), (20, 3.0)]


@pytest.mark.parametrize("loss", [2.0 + 1e-15, 3.0, None])
def test_losses_of_another_run_are_not_taken_up(path, loss):
    recorded(path, [(10, 3.0), (20, 2.0)])
    history = Losses(path)
    trouble = history.resume(25, loss)
    assert trouble == f"the losses up to iteration 25 are not known: {path} is of another run"
    history.add(30, 1.0)
    history.save()
    assert read_losses(path) == [(30, 1.0)]


def test_a_missing_file_is_said_where_there_should_be_one(path):
    assert Losses(path).resume(20, 2.0) == f"the losses up to iteration 20 are not known: {path} is missing"


@pytest.mark.parametrize(
    "text, message",
    [
        ("", "line 1: wanted 'iteration,loss', got ''"),
        ("10,1.0\n", "line 1: wanted 'iteration,loss', got '10,1.0'"),
        ("iteration,loss\n10,1.0\n20", "line 3: wanted `iteration,loss`, got '20'"),
        ("iteration,loss\n10,1.0,5\n", "line 2: wanted `iteration,loss`"),
        ("iteration,loss\nten,1.0\n", "line 2: wanted `iteration,loss`, got 'ten,1.0'"),
        ("iteration,loss\n10,nan\n", "line 2: the loss must be a finite number, got '10,nan'"),
        ("iteration,loss\n10,1.0\n10,1.0\n", "line 3: iterations must ascend, got 10 after 10"),
        ("iteration,loss\n10,1.0\n30,1.0\n20,1.0\n", "line 4: iterations must ascend, got 20 after 30"),
    ],
)
def test_a_damaged_file_is_named_with_its_line_and_passed_over(path, text, message):
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read_losses(path)
    assert message in str(caught.value)
    history = Losses(path)
    assert message in history.resume(20, 1.0)
    assert pairs_of(history) == []


def test_a_failure_leaves_the_old_file(path, monkeypatch):
    history = recorded(path, [(10, 3.0)])
    history.add(20, 2.0)

    def fail(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("utils.system.files.os.fsync", fail)
    with pytest.raises(EnvironmentFailure, match="No space left"):
        history.save()
    assert read_losses(path) == [(10, 3.0)] and list(path.parent.iterdir()) == [path]


def test_numpy_losses_are_written_as_numbers(path):
    recorded(path, [(10, np.float64(1.5))])
    assert path.read_bytes() == b"iteration,loss\n10,1.5\n"
