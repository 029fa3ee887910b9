"""Self-tests of a word2vec module: values counted on paper, the handout's expected figures, and gradient checks.

They take the module as an argument, so that any solution with the handout's interface can be tested.
"""

import random

import numpy as np

from utils.gradcheck import Verdict, grad_tests_negsamp, grad_tests_softmax, gradcheck_naive
from utils.utils import normalizeRows

# Values and products of two of them differ by a few units in the last of 16 digits, whatever the order of operations.
VALUE_TOLERANCE = 1e-12


def getDummyObjects():
    """The handout's small data set: five tokens a to e, random windows and negatives, and vectors of three dimensions.

    Seeds both global streams (31415, 9265), as the expected figures need.

    Returns
    -------
    dataset : object
        With `sampleTokenIdx()` and `getRandomContext(C)`.
    dummy_vectors : ndarray, shape (10, 3)
        Of unit length.
    dummy_tokens : dict of str to int
    """
    tokens = ["a", "b", "c", "d", "e"]

    class DummyDataset:
        def sampleTokenIdx(self):
            return random.randint(0, 4)

        def getRandomContext(self, C):
            return tokens[random.randint(0, 4)], [tokens[random.randint(0, 4)] for _ in range(2 * C)]

    random.seed(31415)
    np.random.seed(9265)
    return DummyDataset(), normalizeRows(np.random.randn(10, 3)), {token: i for i, token in enumerate(tokens)}


def check_values(name, got, expected):
    """Compare numbers or arrays elementwise; print and return the Verdict."""
    got, expected = np.asarray(got), np.asarray(expected, dtype=float)
    verdict = Verdict(name, True)
    if got.shape != expected.shape:
        verdict = Verdict(name, False, f"shape {got.shape}, expected {expected.shape}")
    else:
        # Written so that a NaN is wrong.
        wrong = ~(np.abs(got - expected) <= VALUE_TOLERANCE * np.maximum(1, np.abs(expected)))
        if wrong.any():
            index = tuple(map(int, np.argwhere(wrong)[0]))
            problem = f"at index {index}: {got[index]:.10g}, expected {expected[index]:.10g}"
            verdict = Verdict(name, False, problem, index)
    print(verdict)
    return verdict


def _sigmoid(model):
    # sigmoid(log(a / b)) = a / (a + b)
    return [
        check_values("sigmoid of a number", model.sigmoid(0), 0.5),
        check_values("sigmoid of a list", model.sigmoid([np.log(3), -np.log(3)]), [0.75, 0.25]),
        check_values("sigmoid of an array", model.sigmoid(np.log([[4.0], [1 / 9]])), [[0.8], [0.1]]),
        check_values("sigmoid of very large numbers", model.sigmoid(np.array([1e3, -1e3])), [1.0, 0.0]),
    ]


def _naive_softmax(model):
    dataset, vectors, _ = getDummyObjects()
    loss = model.naiveSoftmaxLossAndGradient
    # A zero centre vector makes all ten words equally likely.
    value, grad_centre, grad_outside = loss(np.zeros(3), 1, vectors, dataset)
    verdicts = [
        check_values("naive softmax, equal probabilities, loss = log 10", value, np.log(10)),
        check_values(
            "naive softmax, equal probabilities, gradCenterVec", grad_centre, vectors.mean(axis=0) - vectors[1]
        ),
        check_values("naive softmax, equal probabilities, gradOutsideVecs", grad_outside, np.zeros((10, 3))),
    ]
    return verdicts + _pair_gradients(loss, "naiveSoftmaxLossAndGradient", vectors, dataset)


def _negative_sampling(model):
    dataset, vectors, _ = getDummyObjects()
    loss = model.negSamplingLossAndGradient
    value, _, grad_outside = loss(np.zeros(3), 1, vectors, dataset, K=7)
    verdicts = [
        check_values("negative sampling, equal probabilities, K = 7, loss = 8 log 2", value, 8 * np.log(2)),
        check_values("negative sampling, equal probabilities, gradOutsideVecs", grad_outside, np.zeros((10, 3))),
    ]
    return verdicts + _pair_gradients(loss, "negSamplingLossAndGradient", vectors, dataset)


def _pair_gradients(loss, name, vectors, dataset):
    centre = np.random.randn(3)

    def with_respect_to_centre(v):
        value, gradient, _ = loss(v, 1, vectors, dataset)
        return value, gradient

    def with_respect_to_outside(U):
        value, _, gradient = loss(centre, 1, U, dataset)
        return value, gradient

    return [
        gradcheck_naive(with_respect_to_centre, np.random.randn(3), f"{name}, gradCenterVec"),
        gradcheck_naive(with_respect_to_outside, vectors, f"{name}, gradOutsideVecs"),
    ]


def _skipgram(model):
    dataset, vectors, tokens = getDummyObjects()

    def minibatch_gradient(loss):
        def objective(x):
            return model.word2vec_sgd_wrapper(model.skipgram, tokens, x, dataset, 5, loss)

        return gradcheck_naive(objective, vectors, f"skip-gram minibatch with {loss.__name__}")

    # The order matters: each check takes its draws from where the one before left the stream.
    return [
        minibatch_gradient(model.naiveSoftmaxLossAndGradient),
        *grad_tests_softmax(model.skipgram, tokens, vectors, dataset),
        minibatch_gradient(model.negSamplingLossAndGradient),
        *grad_tests_negsamp(model.skipgram, tokens, vectors, dataset, model.negSamplingLossAndGradient),
    ]


SELF_TESTS = {
    "sigmoid": _sigmoid,
    "naiveSoftmaxLossAndGradient": _naive_softmax,
    "negSamplingLossAndGradient": _negative_sampling,
    "skipgram": _skipgram,
}


def run(model, method="all"):
    """Run the self-tests of one method, or of all; print the verdicts and a closing line.

    Parameters
    ----------
    model : module or object
        Has the methods as attributes.
    method : str
        A key of `SELF_TESTS`, or "all".

    Returns
    -------
    bool
        Whether everything passed.
    """
    verdicts = []
    for name, test in SELF_TESTS.items():
        if method in (name, "all"):
            print(f"== {name}")
            verdicts += test(model)
    failed = sum(not verdict for verdict in verdicts)
    print(f"{len(verdicts)} checks, " + (f"{failed} FAILED" if failed else "all passed"))
    return not failed
