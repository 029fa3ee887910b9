"""docs/derivations.md, section 12: what the source documents say is wrong, and what the page says is right.

A test has its erratum's number. In each, the formula as it stands in the document fails against numeric derivatives,
and the page's formula holds.
"""

import math
import random

import numpy as np
import pytest
from derivations import EXACT, cases, gradient, jacobian, make_case, naive_softmax, negative_sampling, sigma, y_hat
from hypothesis import given
from hypothesis import strategies as st

from utils.treebank import StanfordSentiment
from utils.utils import normalizeRows
from word2vec import getNegativeSamples


def differs(wrong, right):
    """Whether the two are different in shape or in value, by far more than rounding."""
    wrong, right = np.asarray(wrong), np.asarray(right)
    return wrong.shape != right.shape or np.linalg.norm(wrong - right) > 1e-6 * np.linalg.norm(right)


def check(wrong, right, numeric):
    """Assert that the page is right and the document is not."""
    np.testing.assert_allclose(right, numeric, **EXACT)
    assert differs(wrong, numeric)


class Numbers:
    """What the documents' formulas are made of, at one random case with distinct negatives, and what is true."""

    def __init__(self, case):
        self.case, self.v, self.U, self.o, self.w = case, case.v, case.U, case.o, case.other
        self.words, self.y, self.y_hat = case.words, case.y, y_hat(case.v, case.U)
        self.u_o, self.u_w = case.U[:, case.o], case.U[:, case.other]
        self.exp = np.exp(case.U.T @ case.v)
        self.negatives = [case.U[:, w] for w in case.distinct]
        # numeric
        self.softmax_v = gradient(lambda v: naive_softmax(v, case.o, case.U), case.v)
        self.softmax_U = gradient(lambda U: naive_softmax(case.v, case.o, U), case.U)
        self.sampling_v = gradient(lambda v: negative_sampling(v, case.o, case.U, case.distinct), case.v)
        self.sampling_U = gradient(lambda U: negative_sampling(case.v, case.o, U, case.distinct), case.U)

    @property
    def to_v(self):
        """Right, (14)."""
        return self.U @ (self.y_hat - self.y)

    @property
    def to_U(self):
        """Right, (20)."""
        return np.outer(self.v, self.y_hat - self.y)

    @property
    def sampled_to_v(self):
        """Right, (29)."""
        return (sigma(self.u_o @ self.v) - 1) * self.u_o + sum(sigma(u @ self.v) * u for u in self.negatives)

    @property
    def sampled_to_u_o(self):
        """Right, (30)."""
        return (sigma(self.u_o @ self.v) - 1) * self.v

    @property
    def sampled_to_u_w(self):
        """Right, (31)."""
        return sigma(self.u_w @ self.v) * self.v


numbers = pytest.mark.parametrize("n", [Numbers(make_case(seed)) for seed in range(6)], ids=lambda n: f"{n.U.shape}")


# The handout with answers


@numbers
def test_erratum_01_equation_26_is_no_distribution_over_words(n):
    by_sigmoid = sigma(n.U.T @ n.v)
    assert differs(by_sigmoid.sum(), 1)
    check(by_sigmoid[n.o], n.y_hat[n.o], np.exp(-naive_softmax(n.v, n.o, n.U)))


@numbers
def test_erratum_02_stray_sum_before_the_gradient_of_the_centre_vector(n):
    stray = sum(n.U @ (n.y_hat - n.y) for _ in range(n.words))
    check(stray, n.to_v, n.softmax_v)
    np.testing.assert_allclose(stray, n.words * n.softmax_v, **EXACT)


def test_erratum_03_opposite_words_of_unequal_length_lose_the_decision():
    good, bad = np.array([1.0, 0.5]), -2 * np.array([1.0, 0.5])
    direction = np.array([1.0, 0.0])
    phrase = np.stack([good, good, bad, good, bad])  # three times good, twice bad
    assert phrase.sum(axis=0) @ direction < 0 < normalizeRows(phrase).sum(axis=0) @ direction
    same_length = np.where(np.arange(5)[:, None] % 2, good, -good)
    raw, unit = same_length.sum(axis=0) @ direction, normalizeRows(same_length).sum(axis=0) @ direction
    assert np.sign(raw) == np.sign(unit) != 0


@numbers
def test_erratum_04_a_quotient_in_place_of_a_derivative(n):
    check(-np.log(n.y_hat[n.o]) / n.u_w, n.to_U[:, n.w], n.softmax_U[:, n.w])


@numbers
def test_erratum_05_the_derivative_of_the_sum_has_one_term(n):
    all_terms = sum(n.exp[x] * n.v for x in range(n.words)) / n.exp.sum()
    np.testing.assert_allclose(all_terms, n.v, **EXACT)
    numeric = gradient(lambda U: np.log(np.exp(U.T @ n.v).sum()), n.U)[:, n.w]
    check(all_terms, n.y_hat[n.w] * n.v, numeric)


@numbers
def test_erratum_06_the_derivative_of_a_vector_with_respect_to_itself_is_the_identity(n):
    for w in range(n.words):
        numeric = jacobian(lambda U: U[:, n.o], n.U)[:, :, w]
        check(float(w == n.o), n.y[w] * np.eye(len(n.v)), numeric)
        assert sum(n.y) == 1 != np.trace(numeric)  # "sum of y_w" is 1, whatever w is


@numbers
def test_erratum_07_stray_sum_makes_the_gradient_of_an_outside_vector_zero(n):
    stray = sum((n.y_hat[x] - n.y[x]) * n.v for x in range(n.words))
    np.testing.assert_allclose(stray, 0, atol=1e-14)
    check(stray, (n.y_hat[n.o] - n.y[n.o]) * n.v, n.softmax_U[:, n.o])


@numbers
def test_erratum_08_stray_sum_before_the_gradient_of_all_outside_vectors(n):
    check(sum(n.to_U for _ in range(n.words)), n.to_U, n.softmax_U)


@given(st.floats(-5, 5))
def test_erratum_09_the_sigmoid_is_not_its_own_derivative(x):
    check(np.exp(x) / (np.exp(x) + 1), sigma(x) * (1 - sigma(x)), gradient(sigma, x))


@numbers
def test_erratum_10_gradient_of_the_centre_vector_divided_once_more(n):
    check(n.sampling_v / sigma(n.u_o @ n.v), n.sampled_to_v, n.sampling_v)
    u_o, column = n.u_o[:, None], n.v[:, None]  # as columns, of which the transpose in the third line is a row
    row = (1 - sigma(-n.u_w @ n.v)) * -n.u_w[:, None].T
    assert differs(row, sigma(n.u_w @ n.v) * n.u_w[:, None])
    assert u_o.shape == column.shape != row.shape


@numbers
def test_erratum_11_gradient_of_the_outside_vector_divided_once_more(n):
    check(n.sampling_U[:, n.o] / sigma(n.u_o @ n.v), n.sampled_to_u_o, n.sampling_U[:, n.o])


@numbers
def test_erratum_12_gradient_of_a_negative_sample_divided_once_more_and_not_differentiated(n):
    numeric = n.sampling_U[:, n.w]
    check(numeric / sigma(-n.u_w @ n.v), n.sampled_to_u_w, numeric)
    second_line = -sum(np.log(sigma(-u @ n.v)) for u in n.negatives) / sigma(-n.u_w @ n.v)
    assert differs(np.full(len(n.v), second_line), numeric)


@numbers
def test_erratum_13_a_number_in_place_of_a_vector(n):
    number = -sum(np.log(sigma(-u @ n.v)) for u in n.negatives) / sigma(-n.u_w @ n.v)
    assert np.ndim(number) == 0
    check(number, n.sampled_to_u_w, n.sampling_U[:, n.w])


@numbers
def test_erratum_14_the_signs_of_the_negatives_columns(n):
    columns = np.stack([n.u_o, *(-u for u in n.negatives)], axis=1)
    numeric = gradient(lambda s: -np.log(sigma(s)).sum(), columns.T @ n.v)
    as_written = [sigma(n.u_o @ n.v) - 1, *(sigma(u @ n.v) - 1 for u in n.negatives)]
    check(as_written, [sigma(n.u_o @ n.v) - 1, *(sigma(-u @ n.v) - 1 for u in n.negatives)], numeric)


@numbers
def test_erratum_15_negative_sampling_computes_with_one_word_more_than_K(n):
    touched = int(n.sampling_U.any(axis=0).sum())
    assert touched == len(n.negatives) + 1 != len(n.negatives)


@numbers
def test_erratum_16_equation_43_is_not_with_respect_to_the_centre_vector(n):
    formula = (1 - sigma(-n.u_w @ n.v)) * n.v
    check(n.sampling_v, formula, n.sampling_U[:, n.w])


# The second solution


@numbers
def test_erratum_17_the_numerator_is_that_of_the_outside_word(n):
    assert differs(-np.log(n.exp[n.w] / n.exp.sum()), naive_softmax(n.v, n.o, n.U))
    check(-n.u_w + n.U @ n.y_hat, n.to_v, n.softmax_v)


@numbers
def test_erratum_18_only_the_outside_words_column_has_the_minus_one(n):
    as_written = gradient(lambda U: -(U[:, n.w] @ n.v) + np.log(np.exp(U.T @ n.v).sum()), n.U)[:, n.w]
    np.testing.assert_allclose(as_written, (n.y_hat[n.w] - 1) * n.v, **EXACT)
    check(as_written, (n.y_hat[n.w] - n.y[n.w]) * n.v, n.softmax_U[:, n.w])


@numbers
def test_erratum_19_sign_of_the_first_column(n):
    others = [(n.y_hat[w] - n.y[w]) * n.v for w in range(1, n.words)]
    as_written = np.stack([(n.y[0] - n.y_hat[0]) * n.v, *others], axis=1)
    check(as_written, n.to_U, n.softmax_U)
    np.testing.assert_allclose(as_written[:, 0], -n.softmax_U[:, 0], **EXACT)


@given(st.floats(-5, 5))
def test_erratum_20_signs_in_the_derivative_of_the_sigmoid(x):
    e, numeric = np.exp(-x), gradient(sigma, x)
    check(e * -1 / (e + 1) ** 2, e / (e + 1) ** 2, numeric)
    check(-1 / (e + 1) * (1 - 1 / (e + 1)), 1 / (e + 1) * (1 - 1 / (e + 1)), numeric)


@numbers
def test_erratum_21_sign_of_the_inner_derivative(n):
    positive = -(1 - sigma(n.u_o @ n.v)) * n.u_o
    negative = sum((1 - sigma(-u @ n.v)) * u for u in n.negatives)
    check(positive - negative, positive + negative, n.sampling_v)


@given(st.floats(-5, 5).filter(lambda x: abs(x) > 0.1))
def test_erratum_22_a_chain_of_equal_signs_between_unequal_things(x):
    truth = 1 - sigma(-x)
    check(1 - 1 / (1 + np.exp(-x)), 1 - 1 / (1 + np.exp(x)), truth)
    check(np.exp(-x) / (1 + np.exp(-x)), np.exp(x) / (1 + np.exp(x)), truth)
    np.testing.assert_allclose(1 / (np.exp(-x) + 1), truth, **EXACT)


@numbers
def test_erratum_23_a_missing_factor(n):
    s = sigma(-n.u_w @ n.v)
    check(-1 / s * (1 - s) * -n.v, -1 / s * s * (1 - s) * -n.v, n.sampling_U[:, n.w])


@pytest.mark.parametrize("of", ["centre", "outside"])
@cases
def test_erratum_24_sign_of_the_gradient_of_a_window(case, of):
    outsides = [case.o, case.other, case.o]

    def window(v, U):
        return sum(naive_softmax(v, o, U) for o in outsides)

    if of == "centre":
        numeric = gradient(lambda v: window(v, case.U), case.v)
        pairs = [gradient(lambda v, o=o: naive_softmax(v, o, case.U), case.v) for o in outsides]
    else:
        numeric = gradient(lambda U: window(case.v, U), case.U)
        pairs = [gradient(lambda U, o=o: naive_softmax(case.v, o, U), case.U) for o in outsides]
    check(-sum(pairs), sum(pairs), numeric)


# The third solution


@numbers
def test_erratum_25_the_log_of_a_sum_is_not_the_sum_of_logs(n):
    numeric = gradient(lambda v: np.log(np.exp(n.U.T @ v).sum()), n.v)
    as_written = sum(1 / n.exp[w] * n.exp[w] * n.U[:, w] for w in range(n.words))
    check(as_written, sum(n.exp[w] * n.U[:, w] for w in range(n.words)) / n.exp.sum(), numeric)


@numbers
def test_erratum_26_the_score_in_place_of_one(n):
    inner = n.exp[n.o] * n.v  # of the sum of the exponentials, with respect to u_o
    as_written = -n.v + (n.u_o @ n.v) / n.exp.sum() * inner
    check(as_written, -n.v + 1 / n.exp.sum() * inner, n.softmax_U[:, n.o])


@numbers
def test_erratum_27_no_centre_vector_where_the_word_is_another_one(n):
    rest = gradient(lambda U: np.log(np.exp(U.T @ n.v).sum()), n.U)[:, n.w]
    score = gradient(lambda U: U[:, n.o] @ n.v, n.U)[:, n.w]
    assert not score.any()
    check(-n.v + score + rest, -score + rest, n.softmax_U[:, n.w])


@numbers
def test_erratum_28_the_score_in_place_of_its_exponential(n):
    check((n.u_w @ n.v) / n.exp.sum() * n.v, np.exp(n.u_w @ n.v) / n.exp.sum() * n.v, n.softmax_U[:, n.w])


@numbers
def test_erratum_29_a_vector_over_words_does_not_multiply_a_centre_vector(n):
    for wrong in (n.y_hat - n.y, n.y_hat):
        if len(wrong) != len(n.v):
            with pytest.raises(ValueError, match="broadcast"):
                wrong * n.v
        assert differs(np.outer(wrong, n.v), n.softmax_U[:, n.o])  # nor does the outer product have the right shape
    np.testing.assert_allclose((n.y_hat[n.o] - 1) * n.v, n.softmax_U[:, n.o], **EXACT)
    np.testing.assert_allclose(n.y_hat[n.w] * n.v, n.softmax_U[:, n.w], **EXACT)


@numbers
def test_erratum_30_the_denominator_lacks_a_sign(n):
    positive = -(1 - sigma(n.u_o @ n.v)) * n.u_o
    inner = [gradient(lambda v, u=u: sigma(-(u @ v)), n.v) for u in n.negatives]
    as_written = positive - sum(1 / sigma(u @ n.v) * g for u, g in zip(n.negatives, inner, strict=True))
    right = positive - sum(1 / sigma(-u @ n.v) * g for u, g in zip(n.negatives, inner, strict=True))
    check(as_written, right, n.sampling_v)


@numbers
def test_erratum_31_no_sum_over_all_samples(n):
    check(sum((1 - sigma(-u @ n.v)) * n.v for u in n.negatives), n.sampled_to_u_w, n.sampling_U[:, n.w])


def test_erratum_32_negatives_are_drawn_from_the_noise_without_regard_to_the_target(sample_folder):
    dataset = StanfordSentiment(sample_folder)
    tokens, noise = dataset.tokens(), dataset.counts() ** 0.75
    target = int(np.argsort(dataset.counts())[-20])
    noise[target] = 0
    noise /= noise.sum()
    random.seed(0)
    drawn = np.bincount(getNegativeSamples(target, dataset, 40_000), minlength=len(tokens)) / 40_000
    # Four standard deviations of a share among 40,000 draws are at most 0.01.
    np.testing.assert_allclose(drawn, noise, atol=0.01)
    # If words that stand near the target were preferred, they would get more than their share of the noise.
    near = {tokens[word] for s in dataset.sentences() if dataset.words()[target] in s for word in s} - {target}
    assert 0.1 < noise[list(near)].sum() < 0.9
    assert drawn[list(near)].sum() == pytest.approx(noise[list(near)].sum(), abs=0.01)


# The fourth solution


@cases
def test_erratum_33_the_jacobian_of_an_elementwise_function_is_diagonal(case):
    elementwise = sigma(case.v) * (1 - sigma(case.v))
    check(elementwise, np.diag(elementwise), jacobian(sigma, case.v))


def twice(x, inner):
    """-log sigma(x) differentiated as that document does it: sigma' and then the derivative of sigma once more."""
    s = sigma(x)
    return -(s * (1 - s)) / s * (s * (1 - s) * inner)


@numbers
def test_erratum_34_the_sigmoid_is_differentiated_twice_for_the_centre_vector(n):
    as_written = twice(n.u_o @ n.v, n.u_o) + sum(twice(-u @ n.v, -u) for u in n.negatives)
    check(as_written, n.sampled_to_v, n.sampling_v)


@numbers
def test_erratum_35_the_sigmoid_is_differentiated_twice_for_the_outside_vector(n):
    check(twice(n.u_o @ n.v, n.v), n.sampled_to_u_o, n.sampling_U[:, n.o])


@numbers
def test_erratum_36_the_sigmoid_is_differentiated_twice_for_a_negative_sample(n):
    check(twice(-n.u_w @ n.v, -n.v), n.sampled_to_u_w, n.sampling_U[:, n.w])


@numbers
def test_erratum_37_negative_sampling_is_no_monte_carlo_estimate_of_naive_softmax(n):
    noise = np.full(n.words, 1 / (n.words - 1))
    noise[n.o] = 0
    for K in (1, 5, 50):
        mean = (sigma(n.u_o @ n.v) - 1) * n.u_o + K * (n.U * noise) @ sigma(n.U.T @ n.v)  # of (29) over the draws
        cosine = mean @ n.softmax_v / np.linalg.norm(mean) / np.linalg.norm(n.softmax_v)
        assert abs(cosine) < 0.9999  # not even the direction is the same


# The precept

COUNTS = np.array([[0, 10, 10], [10, 0, 40], [10, 40, 0]])  # I, like, dogs
JOINT = COUNTS / 120


def test_erratum_38_a_slip_in_one_table():
    check(1 / 2, 1 / 12, JOINT[2, 0])
    assert differs(JOINT.sum() + 1 / 2 - 1 / 12, 1)  # that table would not sum to 1


def test_erratum_39_joint_is_not_conditional():
    in_the_context_of_like = COUNTS[1, 0] / COUNTS[1].sum()
    check(1 / 12, 1 / 5, in_the_context_of_like)
    np.testing.assert_allclose(JOINT[1, 0], 1 / 12, **EXACT)


def test_erratum_40_a_words_share_of_pairs_is_not_its_share_of_the_text():
    sentence = ["I", "like", "cats", "and", "dogs"]  # the precept's, with its window of 2
    pairs = [(t, c) for t in range(5) for c in range(5) if t != c and abs(t - c) <= 2]
    of_pairs = [sum(t == word for t, _ in pairs) / len(pairs) for word in range(5)]
    of_text = [sentence.count(word) / 5 for word in sentence]
    check(of_text, [2 / 14, 3 / 14, 4 / 14, 3 / 14, 2 / 14], of_pairs)


def test_erratum_41_unrelated_words_have_pmi_zero_and_not_less():
    independent = np.outer([0.2, 0.8], [0.5, 0.5])
    np.testing.assert_allclose(independent, np.outer(independent.sum(axis=1), independent.sum(axis=0)), **EXACT)
    avoiding = np.array([[0.0, 0.5], [0.5, 0.0]])
    assert avoiding[0, 0] < avoiding.sum(axis=1)[0] * avoiding.sum(axis=0)[0]


def test_erratum_42_a_truncated_svd_is_not_the_matrix():
    ppmi = np.where(COUNTS > 0, np.log(np.maximum(JOINT, 1e-9) / np.outer(JOINT.sum(axis=1), JOINT.sum(axis=0))), 0)
    A, S, Ct = np.linalg.svd(ppmi)
    assert np.linalg.matrix_rank(ppmi) == 3
    for k in (1, 2):
        truncated = A[:, :k] * S[:k] @ Ct[:k]
        assert differs(truncated, ppmi)
        np.testing.assert_allclose(np.sum((ppmi - truncated) ** 2), np.sum(S[k:] ** 2), **EXACT)
    np.testing.assert_allclose(A * S @ Ct, ppmi, **EXACT)


@cases
def test_erratum_43_one_pair_touches_all_context_vectors_but_one_target_vector(case):
    targets = case.rng.normal(size=case.U.shape)
    by_target = gradient(lambda u: naive_softmax(u[:, case.other], case.o, case.U), targets)
    by_context = gradient(lambda v: naive_softmax(targets[:, case.other], case.o, v), case.U)
    touched = np.count_nonzero(by_target) + np.count_nonzero(by_context)
    assert touched == (case.words + 1) * case.d != 2 * case.d * case.words


@cases
def test_erratum_44_the_context_vector_of_the_target_does_not_take_part(case):
    t, c, negatives = case.distinct[-1], case.o, case.distinct[:-1]
    targets = case.rng.normal(size=case.U.shape)
    by_context = gradient(lambda v: negative_sampling(targets[:, t], c, v, negatives), case.U)
    assert not by_context[:, t].any()
    assert by_context[:, c].all()


@cases
def test_erratum_45_all_context_vectors_take_part_in_the_expectation(case):
    K = 2
    noise = np.full(case.words, 1 / case.words)

    def expected(v):
        return -np.log(sigma(case.v @ v[:, case.o])) - K * (noise * np.log(sigma(-(case.v @ v)))).sum()

    touched = case.d + np.count_nonzero(gradient(expected, case.U))  # u_t and the context vectors
    assert touched == (case.words + 1) * case.d > (K + 2) * case.d
    assert math.isclose(noise.sum(), 1)
