"""Formulas of the written part: what they mean, what is refused, and that nothing else ever runs."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.written_expressions import FUNCTIONS, LONGEST, MOST_ENTRIES, Misfit, Problem, Scope, evaluate, read

A = np.arange(6.0).reshape(2, 3)  # one vector per column
VALUES = {"A": A, "a": np.array([1.0, 2.0]), "b": np.array([1.0, 0.5, -2.0]), "x": np.array(0.7)}
COLUMNS = Scope(VALUES, {"m": list(A.T), "p": [1.0, 2.0, 4.0]}, {"o": 2}, length=3, sizes={2: "d", 3: "|V|"})
ROWS = Scope(VALUES, {"m": list(A.T)}, {"o": 2}, 3, {2: "d", 3: "|V|"}, rows=True)
FLAT = Scope(VALUES, {"m": list(A.T)}, {"o": 2}, 3, {2: "d", 3: "|V|"}, flat=True)


def value(text, scope=COLUMNS):
    return evaluate(read(text), scope)


@pytest.mark.parametrize(
    ("text", "scope", "wanted"),
    [
        ("A @ b", COLUMNS, (A @ VALUES["b"])[:, None]),
        ("b @ A.T", FLAT, VALUES["b"] @ A.T),
        ("b @ A", ROWS, (A @ VALUES["b"])[None, :]),
        ("a @ b.T", COLUMNS, np.outer(VALUES["a"], VALUES["b"])),
        ("outer(a, b)", ROWS, np.outer(VALUES["a"], VALUES["b"])),
        ("a.T @ a", COLUMNS, [[5.0]]),
        ("a · a", COLUMNS, 5.0),
        ("dot(a, a)", ROWS, 5.0),
        ("m_o", COLUMNS, A[:, [2]]),
        ("A[:, o]", COLUMNS, A[:, [2]]),
        ("A[o]", ROWS, A[:, 2][None, :]),
        ("b[o]", COLUMNS, -2.0),
        ("b[-1] + b[0]", ROWS, -1.0),
        ("b[1:]", COLUMNS, [[0.5], [-2.0]]),
        ("sum(w, p_w * m_w)", COLUMNS, (A @ [1.0, 2.0, 4.0])[:, None]),
        ("mean(w, p_w)", COLUMNS, 7 / 3),
        ("sum(w, 1)", COLUMNS, 3.0),
        ("sum(i, sum(j, p_i * p_j))", COLUMNS, 49.0),
        ("sum(A)", COLUMNS, 15.0),
        ("sum(A, axis=1)", COLUMNS, [[3.0], [12.0]]),
        ("sum(A, 0)", ROWS, [[3.0, 12.0]]),
        ("mean(b)", COLUMNS, -0.5 / 3),
        ("np.exp(x) - exp(x)", COLUMNS, 0.0),
        ("σ(x) + sigmoid(-x)", COLUMNS, 1.0),
        ("softmax(b - b)", COLUMNS, np.full((3, 1), 1 / 3)),
        ("log(ones(2)) + sqrt(4)", COLUMNS, [[2.0], [2.0]]),
        ("ones((2, 3)) - ones_like(A) + zeros(2, 3) + zeros_like(A)", COLUMNS, np.zeros((2, 3))),
        ("stack(x, b)", COLUMNS, [[0.7], [1.0], [0.5], [-2.0]]),
        ("transpose(A) - A.T", COLUMNS, np.zeros((3, 2))),
        ("A^T - A.T", COLUMNS, np.zeros((3, 2))),
        ("len(b) ** 2", COLUMNS, 9.0),
        ("+x − x", COLUMNS, 0.0),  # noqa: RUF001 (the minus sign of a handout)
    ],
)
def test_a_formula_means_what_it_says(text, scope, wanted):
    found = value(text, scope)
    assert found.shape == np.shape(wanted)
    np.testing.assert_allclose(found, wanted, rtol=1e-14, atol=1e-15)


@pytest.mark.parametrize(("spelt", "plain"), [
    ("y_hat_w", "yhat_w"), ("ŷ", "yhat"), ("α", "alpha"), ("vc", "v_c"), ("u_w_s", "u_s"), ("uws", "u_s"),
    ("v_ci", "v_c_i"), ("u_w", "u_w"), ("v_c", "v_c"),
])  # fmt: skip
def test_names_may_be_spelt_as_in_the_handout(spelt, plain):
    assert read(spelt).id == plain


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "cannot be read"),
        ("1 +", "cannot be read"),
        ("A @ (b", "1 opening and 0 closing"),
        ("2 b", "every product"),
        ("b (x)", "calls a function b"),
        ("2(b)", "every product"),
        (r"\frac{1}{2}", "not LaTeX"),
        ("b^2", "write **"),
        ("b // 2", "write / for a quotient"),
        ("b % 2", "operator"),
        ("not b", "operator"),
        ("~b", "operator"),
        ("b < 2", "not allowed here"),
        ("b if x else a", "not allowed here"),
        ("b and a", "not allowed here"),
        ("[1, 2]", "not allowed here"),
        ("(1, 2)", "cannot stand here"),
        ("'b'", "not allowed here"),
        ("True", "not allowed here"),
        ("1j", "not allowed here"),
        ("...", "not allowed here"),
        ("10000000", "at most 1,000,000"),
        ("9 ** 9 ** 9", "power"),
        ("2 ** b", "power"),
        ("lambda: 1", "not allowed here"),
        ("(x := 1)", "not allowed here"),
        ("[y for y in b]", "not allowed here"),
        ("f'{b}'", "not allowed here"),
        ("b.shape", "only .T"),
        ("b.__class__", "only .T"),
        ("A.T.T.base", "only .T"),
        ("np.linalg.inv(A)", "not allowed here"),
        ("np.load(b)", "calls a function load"),
        ("os.exp(b)", "not allowed here"),
        ("eval(b)", "calls a function eval"),
        ("__import__(b)", "calls a function __import__"),
        ("exp(b)(b)", "not allowed here"),
        ("exp(*b)", "not allowed here"),
        ("exp(x=b)", "not allowed in exp"),
        ("sum(A, axis=7)", "not allowed in sum"),
        ("exp(b, b)", "takes 1 argument"),
        ("sum(w, b, b)", "wants an index"),
        ("q + 1", "unknown here; known are A, a, b, m_i, p_i, x"),
        ("m_z", "outside sum(z, ...)"),
        ("o + 1", "is an index"),
        ("b[x]", "not an index"),
        ("b[0.5]", "not an index"),
        ("b[::2]", "not an index"),
        ("b[9]", "`b` is a vector of |V|"),
        ("A[0, 0, 0]", "matrix"),
        ("A @ a", "`A` is a d x |V| matrix, `a` is a column of d"),
        ("x @ b", "write * for that"),
        ("ones(0)", "whole numbers"),
        ("ones(1.5)", "whole numbers"),
        ("ones(b)", "whole numbers"),
        ("sum(x, axis=1)", "a number"),
        (f"ones({MOST_ENTRIES}) @ ones(1, {MOST_ENTRIES})", "entries"),
        ("+".join(["b"] * 100), "levels deep"),
        ("-" * 400 + "b", "levels deep"),
        ("(" * 240 + "b" + ")" * 240, "cannot be read"),
        ("b" * (LONGEST + 1), "characters"),
        ("sum(i, sum(j, sum(k, sum(l, sum(m, sum(n, sum(q, sum(r, 1))))))))", "too many steps"),
    ],
)
def test_anything_else_is_refused_in_words(text, says):
    with pytest.raises(Problem) as refusal:
        value(text)
    assert says in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_only_shapes_are_misfits():
    with pytest.raises(Misfit):
        value("A + a.T @ A.T")
    with pytest.raises(Problem) as refusal:
        value("q")
    assert not isinstance(refusal.value, Misfit)


def test_python_warns_of_nothing():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for text in ("1(2)", "x is 1", r"'\d'", "1if x else 2", "0 / 0 + log(-1)"):
            try:
                value(text)
            except Problem:
                continue


TOKENS = [
    *"Aabxomp.()[]:,+-*/@^'\" _1=<",
    *("sum(", "exp(", "m_i", "p_w", ".T", "lambda ", "__class__", "**", "//", "9e9", " if ", "·", "\\", "0x", "\x00"),
    *(f"{name}(" for name in FUNCTIONS),
]


@given(st.one_of(st.text(max_size=40), st.lists(st.sampled_from(TOKENS), max_size=15).map("".join)))
def test_whatever_is_written_gives_an_array_or_a_problem(text):
    try:
        found = value(text)
    except Problem as problem:
        assert str(problem)
    else:
        assert isinstance(found, np.ndarray) and found.dtype == float and found.ndim <= 2


def trees():
    """Formulas in elementwise arithmetic, which Python and NumPy can evaluate as well."""
    leaves = st.sampled_from(["x", "a", "b", "a.T", "b.T"])
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.tuples(inner, st.sampled_from("+-*/@"), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
            inner.map(lambda t: f"-{t}"),
            inner.map(lambda t: f"(0.5 * {t})"),
            inner.map(lambda t: f"exp({t})"),
            inner.map(lambda t: f"sum({t})"),
        ),
        max_leaves=8,
    )


@given(trees())
def test_arithmetic_agrees_with_numpys(text):
    names = {"x": VALUES["x"], "a": VALUES["a"][:, None], "b": VALUES["b"][:, None], "exp": np.exp, "sum": np.sum}
    with np.errstate(all="ignore"):
        try:
            wanted = eval(text, {"__builtins__": {}}, names)
        except (ValueError, TypeError):  # TypeError: @ between numbers
            with pytest.raises(Misfit):
                value(text)
        else:
            np.testing.assert_array_equal(value(text), wanted)
