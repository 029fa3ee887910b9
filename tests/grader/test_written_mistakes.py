"""The judge of the written part: right answers in several notations, and every known mistake by its name."""

import re

import numpy as np
import pytest
from derivations import EXACT, PAGE, gradient, naive_softmax, negative_sampling, sigma

from grader.written_expressions import read
from grader.written_judging import TRANSPOSED, Judge
from grader.written_mistakes import MISTAKES
from grader.written_questions import PROSE, QUESTIONS, make_cases

CASES = make_cases(seed=1)


@pytest.fixture(scope="module")
def judges():
    return {
        (question.name, layout): Judge(question, CASES, rows=layout == "rows")
        for question in QUESTIONS
        for layout in ("columns", "rows")
    }


RIGHT = [
    ("b.i", "columns", "U @ (yhat - y)"),
    ("b.i", "columns", "-u_o + sum(w, yhat_w * u_w)"),
    ("b.i", "columns", "sum(x, (yhat_x - y_x) * u_x)"),
    ("b.i", "columns", "U @ yhat - U[:, o]"),
    ("b.i", "columns", "U @ (softmax(U.T @ v_c) - y)"),
    ("b.i", "columns", "-u_o + sum(w, exp(u_w^T @ v_c) * u_w) / sum(x, exp(u_x · v_c))"),
    ("b.i", "rows", "(yhat - y) @ U"),
    ("b.i", "rows", "U.T @ (yhat - y)"),
    ("b.i", "rows", "sum(w, yhat_w * u_w) - U[o]"),
    ("d.o", "columns", "(yhat_o - 1) * v_c"),
    ("d.o", "rows", "v_c * (yhat[o] - y[o])"),
    ("d.other", "columns", "yhat_w * v_c"),
    ("d.other", "rows", "(yhat_w - y_w) * v_c"),
    ("e", "columns", "v_c @ (yhat - y).T"),
    ("e", "columns", "outer(v_c, yhat - y)"),
    ("e", "rows", "(yhat - y).T @ v_c"),
    ("e", "rows", "outer(yhat - y, v_c)"),
    ("f.positive", "columns", "1"),
    ("f.negative", "rows", "α"),
    ("g", "columns", "s * (1 - s)"),
    ("g", "columns", "sigma(x) * sigma(-x)"),
    ("g", "rows", "exp(-x) / (1 + exp(-x)) ** 2"),
    ("h.i.v_c", "columns", "(sigma(u_o.T @ v_c) - 1) * u_o + sum(s, sigma(u_s.T @ v_c) * u_s)"),
    ("h.i.v_c", "columns", "(sigma(u_o @ v_c) - 1) * u_o + sum(k, (1 - sigma(-u_wk @ v_c)) * u_wk)"),
    ("h.i.v_c", "columns", "-U_ow @ (1 - sigma(U_ow.T @ v_c))"),
    ("h.i.v_c", "columns", "(sigma(u_o · v_c) - 1) * u_o + W @ sigma(W.T @ v_c)"),
    ("h.i.v_c", "rows", "(sigma(u_o @ v_c.T) - 1) * u_o + sigma(v_c @ W.T) @ W"),
    ("h.i.v_c", "rows", "(sigma(u_o @ v_c) - 1) * u_o + sigma(W @ v_c) @ W"),
    ("h.i.u_o", "columns", "-sigma(-u_o.T @ v_c) * v_c"),
    ("h.i.u_s", "rows", "(1 - sigma(-u_s @ v_c)) * v_c"),
    ("h.ii", "columns", "1 - sigma(U_ow.T @ v_c)"),
    ("h.ii", "columns", "sigma(U_ow.T @ v_c) - ones(K + 1)"),
    ("h.ii", "columns", "stack(sigma(-u_o.T @ v_c), sigma(W.T @ v_c))"),
    ("h.ii", "rows", "1 - sigma(U_ow @ v_c)"),
    ("i", "columns", "n * sigma(u_s.T @ v_c) * v_c"),
    ("i", "columns", "sum(i, same_i * (1 - sigma(-u_i.T @ v_c)) * v_c)"),
    ("i", "rows", "sum(same) * sigma(u_ws @ v_c) * v_c"),
    ("j.i", "columns", "sum(j, dU_j)"),
    ("j.i", "rows", "sum(k, dU_k)"),
    ("j.ii", "columns", "sum(j, dv_j)"),
    ("j.iii", "columns", "0"),
    ("j.iii", "rows", "0 * dv_j"),
    ("q2.a", "columns", "(sigma(u_t · v_c) - 1) * v_c + sum(i, sigma(u_t · v_ci) * v_ci)"),
    ("q2.a", "columns", "(sigma(u_t.T @ v_c) - 1) * v_c + C @ sigma(C.T @ u_t)"),
    ("q2.b", "rows", "(sigma(dot(u_t, v_c)) - 1) * u_t"),
    ("q2.c", "columns", "sigma(u_t · v_c_j) * u_t"),
]


@pytest.mark.parametrize(("question", "layout", "formula"), RIGHT)
def test_right_answers_are_right_in_any_notation(judges, question, layout, formula):
    outcome = judges[question, layout].judge(formula)
    assert (outcome.message, outcome.hints, outcome.passed) == ("", [], True)


def test_every_question_has_a_right_answer_above():
    assert {question for question, _, _ in RIGHT} == {question.name for question in QUESTIONS}


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: f"{mistake.question}: {mistake.formula}")
def test_a_known_mistake_is_named(judges, mistake):
    outcome = judges[mistake.question, "columns"].judge(mistake.formula)
    assert not outcome.passed
    assert outcome.hints == [mistake.text]
    assert outcome.message and "\n" not in outcome.message


@pytest.mark.parametrize(
    ("question", "layout", "formula", "hint"),
    [
        # the same mistakes, written otherwise
        ("b.i", "rows", "(y - yhat) @ U", "the sign is flipped"),
        ("b.i", "columns", "len(y) * (U @ yhat - u_o)", "erratum E2"),
        ("e", "rows", "8 * outer(y, v_c) - 8 * outer(y, v_c) - outer(y - yhat, v_c) * -1", "the sign is flipped"),
        ("g", "columns", "exp(x) / (exp(x) + 1)", "erratum E9"),
        ("h.ii", "columns", "stack(1 - sigma(u_o.T @ v_c), 1 - sigma(W.T @ v_c))", "erratum E14"),
        ("h.i.u_s", "rows", "sum(s, sigma(u_s @ v_c) * v_c)", "erratum E31"),
        ("i", "rows", "sigma(u_s @ v_c) * v_c", "distinct"),
        ("q2.a", "columns", "(sigma(u_t · v_c) - 1) * v_c + sigma(u_t · v_c_j) * v_c_j", "right only for K = 1"),
        # shapes
        ("b.i", "columns", "(yhat - y).T @ U.T", TRANSPOSED),
        ("e", "columns", "(yhat - y) @ v_c.T", TRANSPOSED),
        ("e", "rows", "outer(v_c, yhat - y)", TRANSPOSED),
        ("b.i", "columns", "U.T @ (yhat - y)", "a transposition: `U.T @ (yhat - y)` should be `U @ (yhat - y)`"),
        ("b.i", "columns", "(yhat - y) @ U", "the order of factors"),
        ("h.ii", "columns", "1 - sigma(U_ow @ v_c)", "a transposition"),
        # right at some points only
        ("h.i.v_c", "columns", "(sigma(u_o.T @ v_c) - 1) * u_o + W * sigma(W.T @ v_c)", "right only for K = 1"),
        ("b.i", "columns", "U @ (yhat - y) * len(v_c) / len(y)", "right only where d = |V|"),
        ("h.i.u_o", "rows", "(sigma(u_o @ v_c) - 1) * v_c * len(v_c) / K", "right only where d = K"),
        # one thing wrong
        ("g", "columns", "exp(-x) / (1 - exp(-x)) ** 2", "a sign: `1 - exp(-x)` should be `1 + exp(-x)`"),
        ("d.other", "columns", "log(yhat_w) * v_c", "a stray log"),
        ("d.other", "columns", "y_w * v_c", "y_w, which is 0 for these words, in place of yhat_w"),
        ("b.i", "columns", "-u_o + sum(x, yhat_w * u_x)", "the index: yhat_w should be yhat_x"),
        ("h.i.u_o", "columns", "sigma(u_o.T @ v_c) - 1", "the factor v_c is missing"),
        ("i", "columns", "sum(i, same_i * sigma(u_i.T @ v_c))", "the factor v_c is missing"),
        ("h.i.u_s", "columns", "sigma(u_o.T @ v_c) * v_c", "u_o for u_s"),
        ("h.i.v_c", "columns", "(sigma(u_o · v_c) - 1) * u_o + sum(s, sigma(-u_s · v_c) * u_s)", "1 - s in place of s"),
        ("g", "columns", "s * s + 0", "1 - s is missing"),
        ("j.i", "columns", "mean(j, dU_j) + 0", "not a mean"),
        # right but for a factor
        ("b.i", "columns", "2 * U @ (yhat - y)", "it is 2 times the right value"),
        ("j.ii", "columns", "-sum(j, dv_j) * 1", "the sign is flipped"),
        ("h.i.u_o", "columns", "K * (sigma(u_o.T @ v_c) - 1) * v_c", "K times the right value"),
        ("b.i", "rows", "(yhat - y) @ U * len(v_c)", "d times the right value"),
    ],
)
def test_other_mistakes_are_named_by_what_is_wrong(judges, question, layout, formula, hint):
    outcome = judges[question, layout].judge(formula)
    assert not outcome.passed
    assert hint in outcome.hints[0]


@pytest.mark.parametrize(
    ("question", "formula", "message"),
    [
        ("b.i", "v_c @ y", "the shapes do not fit in `v_c @ y`: `v_c` is a column of d, `y` is a column of |V|"),
        ("b.i", "1", "it is a number, wanted a column of d"),
        ("b.i", "U", "it is a d x |V| matrix, wanted a column of d"),
        ("b.i", "u_o / 0", "it is not finite at a random point"),
        ("e", "v_c", "it is a column of d, wanted a d x |V| matrix"),
        ("g", "yhat", "the name yhat is unknown here; known are alpha, s, x"),
        ("h.ii", "U_ow", "it is a d x K + 1 matrix, wanted a column of K + 1"),
    ],
)
def test_what_has_no_value_or_another_shape_is_said_in_one_line(judges, question, formula, message):
    assert judges[question, "columns"].judge(formula).message == message


def test_the_wrong_number_is_shown_beside_the_numeric_derivative(judges):
    message = judges["g", "columns"].judge("0.5").message
    got, wanted = (float(number) for number in re.findall(r"-?\d+\.\d+", message))
    assert got == 0.5
    assert wanted == pytest.approx(sigma(CASES[0].x) * sigma(-CASES[0].x), abs=1e-4)


def test_nothing_right_is_wrong_at_another_seed_and_nothing_wrong_right():
    judges = {question.name: Judge(question, make_cases(seed=2)) for question in QUESTIONS}
    assert all(judges[name].judge(text).passed for name, layout, text in RIGHT if layout == "columns")
    assert [m for m in MISTAKES if judges[m.question]._right(judges[m.question].values(read(m.formula)))] == []


# Against an oracle: derivatives by complex steps, of the losses as the tests of the derivations have them


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.U.shape}-{len(case.samples)}")
def test_what_is_wanted_are_the_derivatives(case):
    wanted = {question.name: question.wanted(case) for question in QUESTIONS}
    negatives, first = list(case.samples), case.samples[0]
    to_U = gradient(lambda U: naive_softmax(case.v, case.o, U), case.U)
    sampled = gradient(lambda U: negative_sampling(case.v, case.o, U, negatives), case.U)
    window = [gradient(lambda U, o=o: naive_softmax(case.v, o, U), case.U) for o in case.window]
    expected = {
        "b.i": gradient(lambda v: naive_softmax(v, case.o, case.U), case.v),
        "d.o": to_U[:, case.o],
        "d.other": to_U[:, case.w],
        "e": to_U,
        "g": gradient(sigma, case.x),
        "h.i.v_c": gradient(lambda v: negative_sampling(v, case.o, case.U, negatives), case.v),
        "h.i.u_o": sampled[:, case.o],
        "h.i.u_s": sampled[:, first],
        "i": sampled[:, first],
        "j.i": sum(window),
        "j.ii": gradient(lambda v: sum(naive_softmax(v, o, case.U) for o in case.window), case.v),
    }
    for name, value in expected.items():
        np.testing.assert_allclose(wanted[name], value, rtol=1e-7, atol=1e-8, err_msg=name)
    for name, twin in {"q2.a": "h.i.v_c", "q2.b": "h.i.u_o", "q2.c": "h.i.u_s"}.items():
        np.testing.assert_allclose(wanted[name], wanted[twin], **EXACT)


def test_the_points_are_of_the_kinds_that_tell_mistakes_apart():
    assert any(len(case.samples) == 1 for case in CASES)
    assert any(case.repeated for case in CASES)
    assert any(case.U.shape[0] == case.U.shape[1] for case in CASES)
    assert len({case.U.shape for case in CASES}) >= 5
    assert all(case.o not in case.samples and case.w != case.o for case in CASES)
    sizes = (*CASES[0].U.shape, len(CASES[0].samples), len(CASES[0].samples) + 1)
    assert len(set(sizes)) == 4  # each has its letter in messages


# What points to other documents


def test_the_points_are_the_handouts():
    by_letter = {}
    for question in (*QUESTIONS, *PROSE):
        by_letter[question.letter] = by_letter.get(question.letter, 0) + question.points
    assert by_letter == {
        "a": 2, "b": 6, "c": 1, "d": 5, "e": 1, "f": 2, "g": 3, "h": 6, "i": 2, "j": 3, "q2": 0
    }  # fmt: skip
    assert sum(by_letter.values()) == 31


def test_errata_and_equations_exist():
    page = PAGE.read_text(encoding="utf-8")
    named = {number for mistake in MISTAKES for number in mistake.errata.split()}
    assert named <= set(re.findall(r"^\| (E\d+) \|", page, flags=re.MULTILINE))
    assert len(named) >= 28
    for question in QUESTIONS:
        assert rf"\tag{{{question.equation.strip('()')}}}" in page
    for number in re.findall(r"\d+", " ".join(question.argument for question in PROSE)):
        assert rf"\tag{{{number}}}" in page
