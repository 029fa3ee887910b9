"""utils/minibatches/rowgradient.py: a RowGradient behaves as the dense array it stands for, in anybody's optimiser."""

import operator
import random
import runpy

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sgd import sgd
from utils.minibatches.rowgradient import RowGradient
from utils.treebank import StanfordSentiment
from word2vec import naiveSoftmaxLossAndGradient, negSamplingLossAndGradient, skipgram, word2vec_sgd_wrapper

NUMBERS = [3, -2, 0.5, -1.25, True, np.float64(0.3), np.int64(7), np.float32(0.1), np.array(0.7)]


@st.composite
def gradients(draw, dtype=np.float64):
    """A RowGradient (of no, some or all rows, in any order), the array it stands for, and an array of that shape.

    Half of them have several summands in a row or of a vector.
    """
    n, d = draw(st.integers(1, 6)), draw(st.integers(1, 3))
    numbers = st.floats(-1e3, 1e3, width=32)
    dense = np.zeros((n, d))
    if draw(st.booleans()):
        rows = draw(st.lists(st.integers(0, n - 1), unique=True))
        vectors = draw(arrays(dtype, (len(rows), d), elements=numbers))
        dense[rows] = vectors
        g = RowGradient.of_rows(np.array(rows, dtype=int), vectors, (n, d))
    else:
        summands = draw(st.lists(st.lists(st.tuples(st.floats(-2, 2, width=32), st.integers(0, n - 1)), max_size=4)))
        vectors = draw(arrays(dtype, (len(summands), d), elements=numbers))
        for vector, several in zip(vectors, summands, strict=True):
            for weight, row in several:
                dense[row] += weight * vector.astype(float)
        flat = [summand for several in summands for summand in several]
        weights, rows = np.array([w for w, _ in flat], dtype), np.array([row for _, row in flat], np.int64)
        g = RowGradient((weights, rows, np.cumsum([0, *map(len, summands)])), vectors, (n, d))
    return g, dense.astype(dtype), draw(arrays(np.float64, (n, d), elements=numbers))


@pytest.fixture
def example():
    """Two rows of five, the array they stand for, and an array of that shape without zeros."""
    dense = np.zeros((5, 3))
    dense[[3, 1]] = [[1.0, -2.0, 0.0], [-4.0, 0.5, 8.0]]
    return RowGradient.of_rows(np.array([3, 1]), dense[[3, 1]], (5, 3)), dense, np.arange(1.0, 16.0).reshape(5, 3)


@pytest.fixture
def never_dense(monkeypatch):
    """From here on, building the dense array is an error."""

    def refuse(self, *args, **kwargs):
        raise AssertionError("the dense array was built")

    monkeypatch.setattr(RowGradient, "__array__", refuse)


def assert_same(got, expected, rounded_to=None):
    """Equal but for the rounding of sums of a few dozen numbers of a few thousand."""
    got, expected = np.asarray(got), np.asarray(expected)
    assert (got.shape, got.dtype) == (expected.shape, expected.dtype)
    error = 100 * np.finfo(rounded_to or expected.dtype).eps if expected.dtype.kind in "fc" else 0
    np.testing.assert_allclose(got, expected, rtol=error, atol=3e3 * error)


# What it says about itself


@given(gradients())
def test_it_is_the_dense_array_to_numpy(pair):
    g, dense, _ = pair
    assert_same(np.asarray(g), dense)
    assert (g.shape, g.ndim, g.dtype, len(g)) == (dense.shape, dense.ndim, dense.dtype, len(dense))
    assert (np.shape(g), np.ndim(g), np.size(g)) == (dense.shape, 2, dense.size)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64, complex])
def test_it_is_converted_as_asked(example, dtype):
    g, dense, _ = example
    assert_same(np.asarray(g, dtype=dtype), dense.astype(dtype))


def test_what_numpy_makes_of_it_is_a_copy(example):
    g, dense, _ = example
    for made in (np.asarray(g), np.array(g), g[:]):
        made += 1
    assert_same(np.asarray(g), dense)


@given(gradients(np.float32))
def test_float32_values_stay_float32(pair):
    g, dense, x = pair
    assert_same(np.asarray(g), dense)
    assert (0.5 * g).dtype == np.float32
    assert_same(x - 0.5 * g, x - np.float32(0.5) * dense, rounded_to=np.float32)


# Arithmetic


@given(gradients(), st.sampled_from(NUMBERS))
def test_scaling_by_a_number_gives_the_same_rows_scaled(pair, number):
    g, dense, _ = pair
    for got, expected in ((number * g, number * dense), (g * number, dense * number), (g / number, dense / number)):
        assert isinstance(got, RowGradient)
        assert_same(got, expected)
        assert got.columns is g.columns
    assert_same(np.asarray(g), dense)


def test_scaling_in_place_by_a_number(example):
    g, dense, _ = example
    g *= 2
    g /= 4
    assert isinstance(g, RowGradient)
    assert_same(g, dense / 2)


@pytest.mark.parametrize("change", [operator.isub, operator.iadd])
@given(pair=gradients(), step=st.floats(-2, 2))
def test_in_place_only_the_held_rows_of_x_change(change, pair, step):
    g, dense, x = pair
    x[x == 0] = -0.0  # adding 0 would change its sign
    before, changed = x.copy(), x
    changed = change(changed, step * g)
    assert changed is x
    assert_same(x, change(before.copy(), step * dense))
    others = np.setdiff1d(np.arange(len(x)), g.columns[1])
    assert x[others].tobytes() == before[others].tobytes()


@pytest.mark.parametrize("view", [np.s_[1:6], np.s_[::2], np.s_[4::-1]])
def test_a_view_changes_the_array_behind_it(example, view):
    g, dense, _ = example
    behind, expected = (np.arange(30.0).reshape(10, 3) for _ in range(2))
    window = behind[view]
    window -= g
    expected[view] -= dense
    assert_same(behind, expected)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("order", ["C", "F"])
def test_a_step_changes_an_array_of_any_order_and_precision(example, order, dtype):
    g, dense, x = example
    x = np.array(x, dtype=dtype, order=order)
    expected = (x - dense).astype(dtype)
    x -= g
    assert_same(x, expected)


def test_a_gradient_without_rows_changes_nothing():
    x = np.ones((5, 3))
    x -= RowGradient.of_rows(np.array([], dtype=int), np.empty((0, 3)), (5, 3))
    assert x.tolist() == np.ones((5, 3)).tolist()


def test_rows_that_repeat_add_up():
    g = RowGradient.of_rows(np.array([2, 0, 2], np.int32), np.array([[1.0], [2], [4]]), (3, 1))
    assert np.asarray(g).tolist() == [[2], [0], [5]]


@pytest.mark.parametrize("rows", [[0, 5], [-1, 2], [2**40]])
def test_rows_that_are_not_there_are_refused(rows):
    """They would be written to all the same, whatever is kept there."""
    with pytest.raises(IndexError, match=f"rows {min(rows)} to {max(rows)} of a matrix of 5 rows"):
        RowGradient.of_rows(np.array(rows), np.ones((len(rows), 3)), (5, 3))


def test_a_slice_of_x_takes_a_slice_of_it(example):
    g, dense, x = example
    expected = x.copy()
    expected[:3] -= 0.1 * dense[:3]
    x[:3] -= 0.1 * g[:3]
    assert_same(x, expected)


def test_scaling_and_steps_never_build_the_dense_array(example, never_dense):
    g, dense, x = example
    expected = x - 0.5 * dense + 2 * dense
    x -= 0.5 * g
    x += g * np.float64(4) / 2
    assert_same(x, expected)


OPERATIONS = {
    "x - g": lambda g, x: x - g,
    "g - x": lambda g, x: g - x,
    "x + g": lambda g, x: x + g,
    "g + x": lambda g, x: g + x,
    "g + g": lambda g, x: g + g,
    "g - g": lambda g, x: g - g,
    "g + 2 g": lambda g, x: g + 2 * g,
    "g + 1": lambda g, x: g + 1,
    "1 - g": lambda g, x: 1 - g,
    "g + row": lambda g, x: g + x[0],
    "-g": lambda g, x: -g,
    "+g": lambda g, x: +g,
    "abs": lambda g, x: abs(g),
    "square": lambda g, x: g**2,
    "g * g": lambda g, x: g * g,
    "g * x": lambda g, x: g * x,
    "x * g": lambda g, x: x * g,
    "g * row": lambda g, x: g * x[0],
    "g * column": lambda g, x: g * x[:, :1],
    "g * an array of one with three axes": lambda g, x: g * np.full((1, 1, 1), 2.0),
    "1 / g": lambda g, x: np.nan_to_num(1 / g),
    "g / x": lambda g, x: g / x,
    "1 / (1 + g**2)": lambda g, x: 1 / (1 + g**2),
    "g % x": lambda g, x: g % x,
    "divmod": lambda g, x: divmod(g, x)[1],
    "g > 0": lambda g, x: g > 0,
    "g <= x": lambda g, x: g <= x,
    "g == x": lambda g, x: g == x,
    "g != x": lambda g, x: g != x,
    "g @ matrix": lambda g, x: g @ x.T,
    "matrix @ g": lambda g, x: x.T @ g,
    "g @ vector": lambda g, x: g @ x[0],
    "dot": lambda g, x: np.dot(g, x.T),
    "maximum": lambda g, x: np.maximum(g, 0.25),
    "tanh": lambda g, x: np.tanh(g),
    "isfinite": lambda g, x: np.isfinite(g).all(),
    "sum": lambda g, x: np.sum(g),
    "sum of columns": lambda g, x: np.sum(g, axis=0),
    "sum of rows": lambda g, x: np.sum(g, axis=1, keepdims=True),
    "mean": lambda g, x: np.mean(g),
    "max": lambda g, x: np.max(g),
    "reduce": lambda g, x: np.add.reduce(g, axis=1),
    "accumulate": lambda g, x: np.add.accumulate(g),
    "norm": lambda g, x: np.linalg.norm(g),
    "norm of rows": lambda g, x: np.linalg.norm(g, axis=1),
    "where": lambda g, x: np.where(g > 0, g, x),
    "clip": lambda g, x: np.clip(g, -1, 1),
    "concatenate": lambda g, x: np.concatenate((g, x)),
    "ravel": lambda g, x: np.ravel(g),
    "allclose": lambda g, x: (np.allclose(g, g), np.allclose(g, x)),
    "a masked subtraction": lambda g, x: np.subtract(x, g, out=np.zeros_like(x), where=x > 7),
    "a masked step": lambda g, x: np.subtract(x, g, out=x, where=x > 7),
    "a product in single precision": lambda g, x: np.multiply(g, 2, dtype=np.float32),
    "a subtraction into another array": lambda g, x: np.subtract(x, g, out=np.zeros_like(x)),
    "a product into another array": lambda g, x: np.multiply(g, 2, out=np.zeros_like(x)),
    "a product into x": lambda g, x: operator.imul(x, g),
    "a difference from g into x": lambda g, x: np.subtract(g, x, out=x),
}


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS.keys())
def test_an_operation_gives_what_the_dense_array_gives(example, operation):
    g, dense, x = example
    with np.errstate(divide="ignore"):
        expected = operation(dense, x.copy())
        assert_same(operation(g, x), expected)
    assert_same(np.asarray(g), dense)


def test_an_operation_into_an_array_fills_it(example):
    g, dense, x = example
    for operation in (np.multiply, np.divide, np.subtract, np.add):
        buffer = np.full_like(x, 9.0)
        operation(g, 2.0, out=buffer)
        assert_same(buffer, operation(dense, 2.0))


KEYS = [
    (3, 1),
    (np.int64(1), np.int64(2)),
    (0, 0),
    3,
    -2,
    slice(1, 4),
    slice(None, None, -1),
    (slice(None), 1),
    (slice(2, None), slice(0, 2)),
    [0, 3, 3],
    ([1, 3], [2, 0]),
    np.array([True, True, False, True, False]),
    ...,
    (slice(None), None),
]


@pytest.mark.parametrize("key", KEYS, ids=map(str, range(len(KEYS))))
def test_indexing_gives_what_the_dense_array_gives(example, key):
    g, dense, _ = example
    assert_same(g[key], dense[key])


def test_a_mask_of_numbers_and_a_place_out_of_range(example):
    g, dense, x = example
    assert_same(g[x > 5], dense[x > 5])
    with pytest.raises(IndexError):
        g[5, 0]
    assert [row.tolist() for row in g] == dense.tolist()


@pytest.mark.parametrize("shape", [(7, 3), (4, 3), (5, 2), (5, 1), (3,), (2, 5, 3)])
def test_a_step_on_parameters_of_another_shape_goes_as_with_the_dense_array(example, shape):
    g, dense, _ = example
    x, expected = np.ones(shape), np.ones(shape)
    try:
        expected -= dense
    except ValueError:
        with pytest.raises((ValueError, IndexError)):
            x -= g
    else:
        x -= g
    assert_same(x, expected)


def test_a_step_on_whole_numbers_is_refused_as_with_the_dense_array(example):
    g, _, _ = example
    x = np.ones((5, 3), dtype=int)
    with pytest.raises(TypeError):
        x -= 0.5 * g
    assert x.tolist() == np.ones((5, 3)).tolist()


# Anybody's optimiser


def quadratic(target, as_rows):
    """An objective that pulls two random rows towards their target."""

    def objective(x):
        rows = np.array(random.sample(range(len(x)), 2))
        difference = x[rows] - target[rows]
        if as_rows:
            return (difference**2).sum(), RowGradient.of_rows(rows, 2 * difference, x.shape)
        dense = np.zeros(x.shape)
        dense[rows] = 2 * difference
        return (difference**2).sum(), dense

    return objective


def handout_sgd(f, x, step, iterations):
    for _ in range(iterations):
        loss, grad = f(x)
        x -= step * grad
    return x


def textbook_sgd(f, x, step, iterations):
    for _ in range(iterations):
        x = x - step * f(x)[1]
    return x


def sgd_with_clipping(f, x, step, iterations):
    for _ in range(iterations):
        grad = f(x)[1]
        norm = np.linalg.norm(grad)
        if norm > 1:
            grad = grad / norm
        x = np.subtract(x, step * grad)
    return x


def adagrad(f, x, step, iterations):
    squares = np.zeros(x.shape)
    for _ in range(iterations):
        grad = f(x)[1]
        squares += grad**2
        x -= step * grad / (np.sqrt(squares) + 1e-8)
    return x


def sgd_with_momentum(f, x, step, iterations):
    velocity = np.zeros(x.shape)
    for _ in range(iterations):
        velocity *= 0.9
        velocity += f(x)[1]
        x -= step * velocity
    return x


def our_sgd(f, x, step, iterations):
    return sgd(f, x, step, iterations, report=lambda iteration, loss: None)


@pytest.mark.parametrize(
    "optimiser", [handout_sgd, textbook_sgd, sgd_with_clipping, adagrad, sgd_with_momentum, our_sgd]
)
def test_an_optimiser_gets_the_same_from_it_as_from_the_dense_array(optimiser):
    start, target = np.random.randn(6, 3), np.random.randn(6, 3)
    results = []
    for as_rows in (False, True):
        random.seed(3)
        results.append(optimiser(quadratic(target, as_rows), start.copy(), 0.1, 25))
    assert_same(results[1], results[0])
    assert np.abs(results[1] - target).max() < np.abs(start - target).max()


@pytest.mark.parametrize("optimiser", [handout_sgd, our_sgd])
def test_an_optimiser_that_steps_in_place_never_builds_the_dense_array(optimiser, never_dense):
    start, target = np.random.randn(6, 3), np.random.randn(6, 3)
    x = optimiser(quadratic(target, True), start.copy(), 0.1, 200)
    assert np.abs(x - target).max() < 1e-3


# Scripts written for the handout

HANDOUT_SCRIPT = """
import random
import numpy as np
from utils.treebank import StanfordSentiment
from word2vec import *
from sgd import *

random.seed(314)
dataset = StanfordSentiment(FOLDER)
tokens = dataset.tokens()
nWords = len(tokens)
dimVectors = 10
C = 5
random.seed(31415)
np.random.seed(9265)
wordVectors = np.concatenate(
    ((np.random.rand(nWords, dimVectors) - 0.5) / dimVectors, np.zeros((nWords, dimVectors))), axis=0)
startVectors = wordVectors.copy()
wordVectors = sgd(
    lambda vec: word2vec_sgd_wrapper(skipgram, tokens, vec, dataset, C, negSamplingLossAndGradient),
    wordVectors, 0.3, 20, None, True, PRINT_EVERY=10)
"""


def handout_gradcheck(f, x):
    """The relative differences, computed by the handout's loop, which changes x in place and indexes `grad`."""
    rndstate = random.getstate()
    random.setstate(rndstate)
    fx, grad = f(x)
    h, differences = 1e-4, []
    it = np.nditer(x, flags=["multi_index"], op_flags=["readwrite"])
    while not it.finished:
        ix = it.multi_index
        x[ix] += h
        random.setstate(rndstate)
        fxh, _ = f(x)
        x[ix] -= 2 * h
        random.setstate(rndstate)
        fxnh, _ = f(x)
        x[ix] += h
        numgrad = (fxh - fxnh) / 2 / h
        differences.append(abs(numgrad - grad[ix]) / max(1, abs(numgrad), abs(grad[ix])))
        it.iternext()
    return differences


def test_the_handouts_training_script_runs_unchanged(sample_folder, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    script = tmp_path / "train.py"
    script.write_text(HANDOUT_SCRIPT, encoding="utf-8")
    done = runpy.run_path(str(script), {"FOLDER": sample_folder})
    assert [line[:8] for line in capsys.readouterr().out.splitlines()[-2:]] == ["iter 10:", "iter 20:"]

    random.seed(31415)
    dataset = StanfordSentiment(sample_folder)

    def one_window_at_a_time(*arguments):
        return skipgram(*arguments)

    def objective(x):
        tokens = dataset.tokens()
        return word2vec_sgd_wrapper(one_window_at_a_time, tokens, x, dataset, 5, negSamplingLossAndGradient)

    # Twenty steps that differ in the order of summation.
    np.testing.assert_allclose(
        done["wordVectors"], handout_sgd(objective, done["startVectors"], 0.3, 20), rtol=0, atol=1e-12
    )


@pytest.mark.parametrize("loss", [naiveSoftmaxLossAndGradient, negSamplingLossAndGradient])
def test_the_handouts_gradient_check_passes_on_a_minibatch_of_a_treebank(loss, tmp_path):
    text = " ".join("abcd"[i] for i in np.random.randint(4, size=200))
    (tmp_path / "datasetSentences.txt").write_text(f"index\tsentence\n1\t{text}\n", encoding="utf-8")
    dataset = StanfordSentiment(tmp_path, tablesize=50)
    dataset.allSentences()  # drawn once, not in each evaluation

    def objective(x):
        return word2vec_sgd_wrapper(skipgram, dataset.tokens(), x, dataset, 5, loss)

    differences = handout_gradcheck(objective, np.random.randn(10, 1))  # each evaluation decodes the stream anew
    assert len(differences) == 10
    assert np.max(differences) <= 1e-5  # the handout's tolerance
