"""utils/gradcheck.py, which must fail where a gradient is wrong; utils/utils.py, softmax and row normalization."""

import math
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from utils import gradcheck
from utils.gradcheck import assert_gradient, check_figure, check_gradient, gradcheck_naive
from utils.utils import normalizeRows, softmax

X = np.array([[0.5, -1.0, 2.0], [1.5, 0.25, -0.75]])


def cubes(x):
    return (x**3).sum(), 3 * x**2


def repeated_rows(x):
    """The third row counts twice, as a negative sample that was drawn twice does."""
    rows = np.array([0, 2, 2])
    gradient = np.zeros(x.shape)
    np.add.at(gradient, rows, 2 * x[rows])
    return (x[rows] ** 2).sum(), gradient


def once_per_row(x):
    rows = np.array([0, 2, 2])
    gradient = np.zeros(x.shape)
    gradient[rows] += 2 * x[rows]  # a duplicate is lost
    return (x[rows] ** 2).sum(), gradient


def with_gradient(change):
    """Sum of cubes with its gradient changed."""
    return lambda x: (cubes(x)[0], change(cubes(x)[1]))


def wrong_at(index, error):
    def change(gradient):
        gradient[index] += error
        return gradient

    return with_gradient(change)


def noisy(x):
    """A function of random weights, different ones in each evaluation."""
    weights = np.reshape([random.random() for _ in range(x.size)], x.shape)
    return (weights * x).sum(), weights


RIGHT = {
    "a matrix": (cubes, X),
    "a vector": (cubes, X[0]),
    "a number": (cubes, 2.0),
    "three axes": (cubes, X.reshape(2, 1, 3)),
    "whole numbers": (cubes, np.array([[1, 2], [3, 4]])),
    "repeated rows": (repeated_rows, np.arange(6.0).reshape(3, 2) + 1),
    "a value that is an array of one": (lambda x: (np.array([(x**2).sum()]), 2 * x), X),
    "random weights": (noisy, X),
    "tiny gradients": (lambda x: (1e-9 * x.sum(), np.full(x.shape, 1e-9)), X),
    "large gradients": (lambda x: (1e9 * (x**2).sum(), 2e9 * x), X),
}
WRONG = {
    "sign": (with_gradient(lambda gradient: -gradient), X),
    "factor of two": (lambda x: ((x**2).sum(), x), X),
    "lost duplicate": (once_per_row, np.arange(6.0).reshape(3, 2) + 1),
    "transposed": (with_gradient(lambda gradient: gradient.T), X[:, :2]),
    "all zero": (with_gradient(np.zeros_like), X),
    "mean for sum": (with_gradient(lambda gradient: gradient / 6), X),
    "nan": (with_gradient(lambda gradient: gradient * np.nan), X),
    "infinite": (with_gradient(lambda gradient: gradient + np.inf), X),
    "one nan": (wrong_at((1, 2), np.nan), X),
    "nan value": (lambda x: (np.nan, np.zeros(x.shape)), X),
    "one component": (wrong_at((1, 2), 1e-3), X),
    "the first component": (wrong_at((0, 0), -1e-3), X),
    "other random weights": (lambda x: (noisy(x)[0], noisy(x)[1]), X),
    "a number's": (lambda x: (x**2, -2 * x), 3.0),
}
SHAPES = {"too few": lambda g: g[:1], "flat": np.ravel, "one more axis": lambda g: g[None], "a number": np.sum}


@pytest.mark.parametrize(("f", "x"), RIGHT.values(), ids=RIGHT.keys())
def test_a_right_gradient_passes(f, x, capsys):
    verdict = check_gradient(f, x, "cubes")
    assert (bool(verdict), verdict.passed, str(verdict)) == (True, True, "passed: cubes")
    assert gradcheck_naive(f, x, "as in the handout")
    assert capsys.readouterr().out == "passed: as in the handout\n"
    assert_gradient(f, x)


@pytest.mark.parametrize(("f", "x"), WRONG.values(), ids=WRONG.keys())
def test_a_wrong_gradient_fails(f, x, capsys):
    verdict = check_gradient(f, x, "cubes")
    assert (bool(verdict), verdict.passed) == (False, False)
    assert str(verdict).startswith("FAILED: cubes: at index (")
    assert not gradcheck_naive(f, x, "as in the handout")
    assert capsys.readouterr().out.startswith("FAILED: as in the handout: at index (")
    with pytest.raises(AssertionError, match="FAILED: mine: at index"):
        assert_gradient(f, x, "mine")


@pytest.mark.parametrize("change", SHAPES.values(), ids=SHAPES.keys())
def test_a_gradient_of_another_shape_fails(change):
    verdict = check_gradient(with_gradient(change), X, "cubes")
    assert not verdict
    shape = np.shape(change(X))
    assert str(verdict) == f"FAILED: cubes: the gradient has shape {shape}, x has shape (2, 3)"


def test_the_verdict_names_index_both_values_and_step():
    verdict = check_gradient(wrong_at((1, 0), 0.5), X, "cubes")
    assert verdict.index == (1, 0)
    assert (verdict.analytic, verdict.step) == (3 * 1.5**2 + 0.5, 1e-4)
    assert verdict.numeric == pytest.approx(3 * 1.5**2, rel=1e-8)  # the step squared
    assert str(verdict) == "FAILED: cubes: at index (1, 0): analytic 7.25, numeric 6.75000001, step 0.0001"


def test_the_first_wrong_component_is_named():
    def change(gradient):
        gradient[[0, 1, 1], [2, 0, 1]] = 100
        return gradient

    assert check_gradient(with_gradient(change), X, "cubes").index == (0, 2)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("slope", [0.01, 1.0, 1000.0])
@pytest.mark.parametrize(("tolerance", "options"), [(1e-5, {}), (1e-3, {"tolerance": 1e-3})])
def test_the_tolerance_is_relative_above_one_and_absolute_below(slope, sign, tolerance, options):
    def line(share):
        # Of a straight line the central difference is exact but for rounding, 1e-16 / 1e-4 of the value.
        slip = sign * share * tolerance * max(1, slope)
        return lambda x: (slope * x.sum(), np.full(x.shape, slope + slip))

    assert check_gradient(line(0.95), X, "within", **options)
    assert not check_gradient(line(1.05), X, "beyond", **options)
    assert_gradient(line(0.95), X, **options)
    with pytest.raises(AssertionError):
        assert_gradient(line(1.05), X, **options)


def test_the_step_is_the_one_asked_for():
    # (x + h)^3 - (x - h)^3 = 6 x^2 h + 2 h^3
    verdict = check_gradient(cubes, np.array([1.0]), "cubes", step=0.1)
    assert verdict.numeric == pytest.approx(3.01, rel=1e-13)
    assert "numeric 3.01, step 0.1" in str(verdict)
    with pytest.raises(AssertionError, match="step 0.1"):
        assert_gradient(cubes, np.array([1.0]), step=0.1)


@pytest.mark.parametrize("check", [check_gradient, gradcheck_naive, assert_gradient])
def test_x_is_left_as_it_is(check):
    x = X.copy()
    check(cubes, x, "cubes")
    assert x.tolist() == X.tolist()


def test_x_is_left_as_it_is_even_by_a_function_that_changes_its_argument():
    def vandal(x):
        x += 7
        return cubes(x)

    x = X.copy()
    check_gradient(vandal, x, "vandal")
    assert x.tolist() == X.tolist()


# The random streams


def state_after(draws):
    stream = random.Random(17)
    for _ in range(draws):
        stream.random()
    return stream.getstate()


@pytest.mark.parametrize(
    "f",
    [noisy, lambda x: (noisy(x)[0], np.zeros(x.shape)), lambda x: (noisy(x)[0], 0)],
    ids=["right", "wrong", "another shape"],
)
@pytest.mark.parametrize("check", [check_gradient, gradcheck_naive])
def test_the_stream_stands_where_one_evaluation_leaves_it(f, check):
    random.seed(17)
    check(f, X, "noisy")
    assert random.getstate() == state_after(X.size)


def test_each_evaluation_starts_from_the_same_state():
    starts = set()

    def f(x):
        starts.add(random.getstate())
        return noisy(x)

    random.seed(17)
    check_gradient(f, X, "noisy")
    assert starts == {state_after(0)}


def fails(x):
    random.random()
    np.random.random()
    raise ZeroDivisionError


@pytest.mark.parametrize("f", [noisy, with_gradient(np.negative), fails], ids=["right", "wrong", "raises"])
def test_assert_gradient_leaves_both_streams_untouched(f):
    def draws(x):
        random.random()
        np.random.random()
        return f(x)

    before = random.getstate(), np.random.get_state()[1].tolist(), np.random.get_state()[2:]
    try:
        assert_gradient(draws, X)
    except (AssertionError, ZeroDivisionError):
        assert f is not noisy
    assert (random.getstate(), np.random.get_state()[1].tolist(), np.random.get_state()[2:]) == before


# Expected figures


@pytest.mark.parametrize("got", [11.0, np.float64(11), np.array([11.0]), 11 * (1 + 9e-13), 11 * (1 - 9e-13)])
def test_a_figure_passes_within_twelve_digits(got):
    verdict = check_figure("loss", got, 11.0)
    assert verdict
    assert str(verdict) == "passed: loss"


@pytest.mark.parametrize("got", [11 * (1 + 2e-12), 11 * (1 - 2e-12), -11.0, 0.0, np.nan, np.inf])
def test_another_figure_fails_and_both_are_named(got):
    verdict = check_figure("loss", got, 11.0)
    assert not verdict
    assert str(verdict) == f"FAILED: loss: loss {float(got)!r}, expected 11.0"


def test_the_handouts_figures_are_asked_of_skipgram_in_order(capsys):
    asked = []

    def answers(error):
        figures = iter(gradcheck.SOFTMAX_FIGURES + gradcheck.NEGATIVE_SAMPLING_FIGURES)

        def skipgram(centre, size, outsides, tokens, centre_vectors, outside_vectors, dataset, *loss):
            asked.append((centre, size, outsides, tokens, centre_vectors.tolist(), outside_vectors.tolist(), *loss))
            return next(figures)[3] + error, None, None

        tokens, vectors = {"a": 0}, np.arange(6.0).reshape(2, 3)
        verdicts = gradcheck.grad_tests_softmax(skipgram, tokens, vectors, "data")
        return verdicts + gradcheck.grad_tests_negsamp(skipgram, tokens, vectors, "data", "loss")

    assert [bool(verdict) for verdict in answers(0)] == [True] * 6
    assert capsys.readouterr().out.count("passed: skip-gram") == 6
    assert [bool(verdict) for verdict in answers(1e-9)] == [False] * 6
    assert capsys.readouterr().out.count("FAILED: skip-gram") == 6
    assert {call[3:] == ({"a": 0}, [[0, 1, 2]], [[3, 4, 5]]) for call in asked[:3]} == {True}
    assert {call[6:] for call in asked[3:6]} == {("loss",)}
    outsides = list("abedbc")
    windows = [("c", 3, outsides), ("b", 3, outsides), ("a", 3, outsides)]
    windows += [("c", 1, ["a", "b"]), ("c", 2, list("abca")), ("a", 3, outsides)]
    assert [call[:3] for call in asked] == windows * 2


# softmax and normalizeRows

# The sum of at most ten quotients of the size of one: a few units in the last digit each.
SUMS = 1e-14
scores = arrays(np.float64, array_shapes(max_dims=3, max_side=10), elements=st.floats(-50, 50))


def softmax_oracle(row):
    exponentials = [math.exp(score) for score in row]
    return [e / math.fsum(exponentials) for e in exponentials]


@given(scores)
def test_softmax_is_equation_1_along_the_last_axis(x):
    before, got = x.copy(), softmax(x)
    assert got.shape == x.shape
    assert x.tobytes() == before.tobytes()
    expected = np.apply_along_axis(softmax_oracle, -1, x)
    # Relative: the exponentials' arguments are up to 100, and rounded to as many 1.1e-16.
    np.testing.assert_allclose(got, expected, rtol=1e-13, atol=0)
    np.testing.assert_allclose(got.sum(axis=-1), 1, rtol=0, atol=SUMS)


@given(scores, st.floats(-100, 100))
def test_softmax_does_not_change_when_all_scores_shift(x, shift):
    # x + shift is rounded to 1.5e-14.
    np.testing.assert_allclose(softmax(x + shift), softmax(x), rtol=1e-12, atol=0)


@pytest.mark.parametrize(
    ("x", "expected"),
    [
        ([1000, 0], [1, 0]),
        ([1000.0, 1000.0], [0.5, 0.5]),
        ([-1000, -1000, -2000], [0.5, 0.5, 0]),
        ([[0, 1000], [1000, 1000]], [[0, 1], [0.5, 0.5]]),
        ([[1000, 0], [-2000, -1000]], [[1, 0], [0, 1]]),
        ([-1e308, 0], [0, 1]),
        ([7], [1]),
    ],
)
def test_softmax_of_large_scores_is_exact(x, expected):
    with np.errstate(all="raise", under="ignore"):
        assert softmax(x).tolist() == expected


@pytest.mark.parametrize(
    ("x", "expected"),
    [
        ([[3.0, 4.0], [0.0, -2.0]], [[0.6, 0.8], [0, -1]]),
        ([[3, 4], [-5, 12]], [[0.6, 0.8], [-5 / 13, 12 / 13]]),
        ([[0.0, 0.0], [0.0, 5.0]], [[0, 0], [0, 1]]),
        ([[-8], [0], [2]], [[-1], [0], [1]]),
    ],
)
def test_rows_are_scaled_to_unit_length_and_zero_rows_stay(x, expected):
    with np.errstate(all="raise"):
        np.testing.assert_allclose(normalizeRows(x), expected, rtol=1e-15, atol=0)


@given(arrays(np.float64, st.tuples(st.integers(1, 6), st.integers(1, 5)), elements=st.floats(0.001, 1000)))
def test_normalized_rows_have_length_one_and_their_old_direction(x):
    before, got = x.copy(), normalizeRows(x)
    assert x.tobytes() == before.tobytes()
    for row, old in zip(got.tolist(), x.tolist(), strict=True):
        length = math.sqrt(math.fsum(number**2 for number in old))
        assert math.fsum(number**2 for number in row) == pytest.approx(1, abs=SUMS)
        assert row == pytest.approx([number / length for number in old], rel=SUMS)
