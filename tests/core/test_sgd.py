"""sgd.py: the descent itself - what it returns, prints, reports and refuses. Checkpoints: test_sgd_checkpoints.py."""

import io
import sys

import numpy as np
import pytest

import sgd as sgd_module
from sgd import sgd
from utils.minibatches.rowgradient import RowGradient
from utils.system.errors import InputError


def quadratic(x):
    return np.sum(x**2), x * 2


def handout_loop(f, x, step, iterations, print_every=10, anneal_every=20000, postprocessing=lambda x: x):
    """The handout's loop; returns the parameters and the lines it prints."""
    lines, smoothed = [], None
    for iteration in range(1, iterations + 1):
        loss, gradient = f(x)
        x = postprocessing(x - step * gradient)
        if iteration % print_every == 0:
            smoothed = 0.95 * smoothed + 0.05 * loss if smoothed else loss
            lines.append("iter %d: %f" % (iteration, smoothed))  # noqa: UP031 - the handout's own words
        if iteration % anneal_every == 0:
            step *= 0.5
    return x, lines


def wavering():
    """An objective whose losses go up and down, the same from each call of this function."""
    rng = np.random.default_rng(0)
    return lambda x: (np.sum(x**2).item() + rng.normal(), 2 * x + rng.normal(size=np.shape(x)))


def losing(*losses):
    """An objective with these losses, one after the other, and no gradient."""
    remaining = iter(losses)
    return lambda x: (next(remaining), 0.0)


# The minimum


@pytest.mark.parametrize(
    "start", [0.5, 0, -1.5, 3, np.float32(2), np.array(0.7), np.array([1, -2]), [0.5, -0.25], np.full((3, 2), 0.3)]
)
def test_a_quadratic_is_minimized_to_1e6(start):
    # Each iteration takes away 2 % of x; 0.98 ** 1000 is 1.7e-9. (The handout's bound.)
    result = sgd(quadratic, start, 0.01, 1000, PRINT_EVERY=1000)
    assert np.shape(result) == np.shape(start)
    assert np.all(np.abs(result) <= 1e-6)


@pytest.mark.parametrize("iterations", [0, 1, 7])
def test_the_result_is_that_of_so_many_steps_of_the_plain_loop(iterations):
    start = np.array([1.0, -2.0])
    expected, _ = handout_loop(wavering(), start, 0.1, iterations)
    assert np.array_equal(sgd(wavering(), start, 0.1, iterations), expected)


def test_a_row_gradient_descends_as_its_dense_array():
    rows, values = np.array([3, 0]), np.array([[1.0, 2.0], [-3.0, 0.5]])
    dense = np.zeros((5, 2))
    dense[rows] = values
    start = np.arange(10.0).reshape(5, 2)
    by_rows = sgd(lambda x: (1.0, RowGradient.of_rows(rows, values, (5, 2))), start, 0.3, 20)
    assert np.array_equal(by_rows, sgd(lambda x: (1.0, dense), start, 0.3, 20))
    assert not np.array_equal(by_rows, start)


@pytest.mark.parametrize("start", [np.array([1.0, 2.0]), np.array([3, 4]), np.ones((2, 3))])
def test_the_start_is_never_changed(start):
    before = start.copy()
    result = sgd(quadratic, start, 0.1, 5)
    assert np.array_equal(start, before)
    assert not np.shares_memory(result, start)


def test_integers_are_taken_as_floats():
    assert sgd(quadratic, np.array([1]), 0.25, 1).tolist() == [0.5]
    assert sgd(quadratic, 1, 0.25, 1) == 0.5


def test_postprocessing_is_applied_after_each_step():
    def clipped(x):
        return np.minimum(x, 4.5)

    expected, _ = handout_loop(lambda x: (1.0, -1.0), 0.0, 1.0, 20, postprocessing=clipped)
    assert sgd(lambda x: (1.0, -1.0), 0.0, 1.0, 20, postprocessing=clipped) == expected == 4.5
    assert sgd(lambda x: (1.0, -1.0), 0.0, 1.0, 2, postprocessing=lambda x: 10 * x) == 110


# The step


def minus_the_sum_of_steps(iterations, every):
    return -sum(0.5 ** ((i - 1) // every) for i in range(1, iterations + 1))


@pytest.mark.parametrize("iterations", [1, 2, 3, 4, 6, 7, 10])
def test_the_step_is_halved_after_every_third_iteration_if_so_set(monkeypatch, iterations):
    monkeypatch.setattr(sgd_module, "ANNEAL_EVERY", 3)
    # Sums of few powers of 2 are exact.
    assert sgd(lambda x: (1.0, 1.0), 0.0, 1.0, iterations) == minus_the_sum_of_steps(iterations, 3)


@pytest.mark.parametrize("iterations, expected", [(20000, -20000), (20001, -20000.5), (40001, -30000.25)])
def test_the_step_is_halved_after_20000_iterations(iterations, expected):
    assert sgd(lambda x: (1.0, 1.0), 0.0, 1.0, iterations, PRINT_EVERY=10**6) == expected


def test_the_step_given_is_the_first_one():
    assert sgd(lambda x: (1.0, 1.0), 0.0, 0.375, 1) == -0.375


# What is printed


@pytest.mark.parametrize("iterations, print_every", [(100, 10), (100, 7), (25, 1), (9, 10), (10, 10)])
def test_the_lines_are_the_handouts(capsys, iterations, print_every):
    _, lines = handout_loop(wavering(), np.ones(3), 0.1, iterations, print_every)
    sgd(wavering(), np.ones(3), 0.1, iterations, PRINT_EVERY=print_every)
    assert capsys.readouterr().out.splitlines() == lines
    assert len(lines) == iterations // print_every


def test_lines_are_printed_every_ten_iterations_by_default(capsys):
    sgd(quadratic, 1.0, 0.1, 30)
    assert [line.split(":")[0] for line in capsys.readouterr().out.splitlines()] == ["iter 10", "iter 20", "iter 30"]


def test_the_smoothed_loss_starts_anew_from_zero_as_the_handouts(capsys):
    _, lines = handout_loop(losing(0.0, 3.0, 1.0), 0.0, 0.1, 3, print_every=1)
    sgd(losing(0.0, 3.0, 1.0), 0.0, 0.1, 3, PRINT_EVERY=1)
    assert capsys.readouterr().out.splitlines() == lines == ["iter 1: 0.000000", "iter 2: 3.000000", "iter 3: 2.900000"]


def test_a_line_reaches_a_pipe_at_once(monkeypatch):
    pipe = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BufferedWriter(pipe), encoding="utf-8"))
    seen = []
    sgd(lambda x: [seen.append(pipe.getvalue()), (1.0, 0.0)][1], 0.0, 0.1, 2, PRINT_EVERY=1)
    monkeypatch.undo()
    assert seen == [b"", b"iter 1: 1.000000\n"]


def test_a_report_takes_the_place_of_the_lines(capsys):
    reported = []
    sgd(lambda x: (2.0, 0.0), 0.0, 0.1, 7, PRINT_EVERY=3, report=lambda *report: reported.append(report))
    assert reported == [(3, 2.0), (6, 2.0)]
    assert capsys.readouterr().out == ""


def test_the_loss_may_be_an_array_of_one(capsys):
    sgd(lambda x: (np.array([2.5]), 0.0), 0.0, 0.1, 1, PRINT_EVERY=1)
    assert capsys.readouterr().out == "iter 1: 2.500000\n"


# What is refused


@pytest.mark.parametrize(
    "name, value",
    [
        *(("iterations", value) for value in (-1, 2.5, np.nan, np.inf)),
        *(("step", value) for value in (0, -0.1, np.nan, np.inf)),
        *(("PRINT_EVERY", value) for value in (0, -1, 2.5, np.nan)),
    ],
)
def test_an_argument_out_of_range_is_refused_by_name(name, value):
    with pytest.raises(InputError, match=f"{name} must be .*, got {value}"):
        sgd(**{"f": quadratic, "x0": 1.0, "step": 0.1, "iterations": 10, name: value})


def test_a_whole_number_of_iterations_may_be_a_float():
    assert sgd(lambda x: (1.0, 1.0), 0.0, 1.0, 3.0) == -3


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_loss_that_is_not_finite_stops_the_run_and_names_the_iteration(bad):
    with pytest.raises(InputError, match="loss went to infinity or NaN at iteration 4: try a smaller step than 0.1"):
        sgd(losing(1.0, 2.0, 3.0, bad), 0.0, 0.1, 10)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_parameters_that_are_not_finite_at_the_end_are_not_returned(bad):
    with pytest.raises(InputError, match="parameters went to infinity or NaN at iteration 5"):
        sgd(lambda x: (1.0, np.array([0.0, bad])), np.zeros(2), 0.1, 5)
