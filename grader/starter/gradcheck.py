"""The starter code's gradient checker, without its expected figures."""

import random

import numpy as np

STEP, TOLERANCE = 1e-4, 1e-5
WINDOWS = (("c", 3, "abedbc"), ("b", 3, "abedbc"), ("a", 3, "abedbc"))


def gradcheck_naive(f, x, gradientText=""):
    """Compare the gradient that `f` returns at `x` with central differences, and print the result."""
    state = random.getstate()
    _, gradient = f(x)
    for index in np.ndindex(np.shape(x)):
        values = []
        for shift in (STEP, -STEP):
            shifted = np.array(x, dtype=float)
            shifted[index] += shift
            random.setstate(state)
            values.append(f(shifted)[0])
        numeric = (values[0] - values[1]) / (2 * STEP)
        if abs(numeric - gradient[index]) > TOLERANCE * max(1, abs(numeric), abs(gradient[index])):
            print(f"Gradient check failed for {gradientText} at {index}: {gradient[index]:f}, numeric {numeric:f}")
            return
    print("Gradient check passed!")


def grad_tests_softmax(skipgram, dummy_tokens, dummy_vectors, dataset):
    """Print the losses of `skipgram` with the naive softmax, for comparison with the handout."""
    _print_losses(skipgram, dummy_tokens, dummy_vectors, dataset)


def grad_tests_negsamp(skipgram, dummy_tokens, dummy_vectors, dataset, negSamplingLossAndGradient):
    """Print the losses of `skipgram` with negative sampling, for comparison with the handout."""
    _print_losses(skipgram, dummy_tokens, dummy_vectors, dataset, negSamplingLossAndGradient)


def _print_losses(skipgram, tokens, vectors, dataset, *loss):
    half = len(vectors) // 2
    for centre, size, outsides in WINDOWS:
        found = skipgram(centre, size, list(outsides), tokens, vectors[:half], vectors[half:], dataset, *loss)
        print(f"skip-gram, centre {centre}, outside words {' '.join(outsides)}: loss {found[0]}")
