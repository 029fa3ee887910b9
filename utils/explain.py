"""What each method of word2vec.py computes: its equations, shapes, a worked example, analytic beside numeric gradient.

The example is the handout's data set of five tokens. Every number is computed when it is printed, and the module with
the methods is an argument, as in `utils.selftests`, so that anybody's solution can be explained: where its loss or a
gradient is not what it should be, the line says so. Equation numbers are those of docs/derivations.md.
"""

import functools
import random

import numpy as np

from utils.gradcheck import SOFTMAX_FIGURES, STEP, TOLERANCE, central_difference
from utils.selftests import getDummyObjects
from utils.utils import softmax

CENTRE, OUTSIDE = "c", "b"  # the pair of the worked examples
NEGATIVES = 5  # drawn from the four other words, so that at least one comes twice
SIGMOID_AT = (-1000.0, -2.0, -1.0, 0.0, 1.0, 2.0, 1000.0)
WRONG = "<-- they differ"


def explain(model, method="all"):
    """Print the explanation of one method, or of all. Seeds both global random streams.

    Parameters
    ----------
    model : module or object
        Has the methods as attributes.
    method : str
        A key of `EXPLANATIONS`, or "all".

    Returns
    -------
    bool
        Whether the losses and gradients that the model returned are those worked out and the numeric ones.
    """
    right = []
    for name, explanation in EXPLANATIONS.items():
        if method in (name, "all"):
            print(f"== {name}\n")
            right += explanation(model)
    return all(right)


def numeric_gradient(f, x, step=STEP):
    """Central differences of `f`, each evaluation with the same draws from Python's `random`.

    Parameters
    ----------
    f : callable
        Takes an array of the shape of `x` and returns a number.
    x : ndarray of float
        Not changed.
    step : float
        Half the width of the difference.

    Returns
    -------
    ndarray of float, shape of `x`
    """
    state = random.getstate()
    gradient = np.empty(x.shape)
    for index in np.ndindex(x.shape):
        gradient[index] = central_difference(f, x, index, step, state)
    random.setstate(state)
    return gradient


# How it is printed


def _formulas(*lines):
    """Print formulas with what they are on the right: their numbers."""
    for formula, number in lines:
        print(f"  {formula:76}{number}")
    print()


def _table(head, rows):
    """Print rows of texts under a head, right-aligned."""
    cells = [head, *rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        print(("    " + "   ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))).rstrip())
    print()


def _number(x, digits=4):
    return f"{round(float(x), digits) + 0.0:.{digits}f}"  # + 0.0: no "-0.0000"


def _vector(v, digits=4):
    return "[" + " ".join(f"{x:{digits + 3}.{digits}f}" for x in v) + "]"


def _same(analytic, numeric):
    """Whether numbers agree as in the gradient check; elementwise, and false for NaN."""
    return np.abs(numeric - analytic) <= TOLERANCE * np.maximum(1, np.maximum(np.abs(numeric), np.abs(analytic)))


def _same_loss(by_hand, returned):
    right = bool(_same(by_hand, returned))
    remark = "" if right else f"   {WRONG}"
    print(f"    J = {by_hand:.8f} as worked out; the function returns {returned:.8f}{remark}\n")
    return right


def _same_gradient(symbols, analytic, f, x):
    """Print the gradient of `f` at `x` beside central differences, a line per vector; return whether they agree."""
    analytic, numeric = np.asarray(analytic), numeric_gradient(f, x)
    if analytic.shape != numeric.shape:
        print(f"    the gradient has shape {analytic.shape}, wanted {numeric.shape}   {WRONG}\n")
        return False
    right = _same(analytic, numeric)
    rows = [
        (symbol, _vector(a, 7), _vector(n, 7), "" if good.all() else WRONG)
        for symbol, a, n, good in zip(symbols, *map(np.atleast_2d, (analytic, numeric, right)), strict=True)
    ]
    _table(("dJ/d", "analytic, as returned", f"numeric, step {STEP:g}", ""), rows)
    return bool(right.all())


# The methods


def _sigmoid(model):
    _formulas(
        ("sigmoid(x) = 1 / (1 + exp(-x))", "(23)"),
        ("sigmoid(-x) = 1 - sigmoid(x)", "(24)"),
        ("d sigmoid(x) / dx = sigmoid(x) (1 - sigmoid(x))", "(25)"),
    )
    print("  Shapes: an array of any shape in, one of that shape out, each number by itself.\n")
    x = np.array(SIGMOID_AT)
    values, mirrored = model.sigmoid(x), 1 - model.sigmoid(-x)
    analytic = values * (1 - values)
    numeric = numeric_gradient(lambda x: model.sigmoid(x).sum(), x)  # a component depends on its own x alone
    right = _same(analytic, numeric) & _same(values, mirrored)
    columns = [[_number(number, 8) for number in column] for column in (values, mirrored, analytic, numeric)]
    rows = zip([f"{number:g}" for number in x], *columns, ["" if good else WRONG for good in right], strict=True)
    _table(("x", "sigmoid(x)", "1 - sigmoid(-x)", "d/dx, analytic", f"numeric, step {STEP:g}", ""), list(rows))
    return [bool(right.all())]


def _naive_softmax(model):
    _formulas(
        ("yhat_w  = exp(u_w . v_c) / sum over all x of exp(u_x . v_c)", "(9)"),
        ("J       = -log yhat_o", "(11)"),
        ("dJ/dv_c = sum over all w of (yhat_w - y_w) u_w  =  U (yhat - y)", "(14)"),
        ("dJ/du_w = (yhat_w - y_w) v_c,  side by side dJ/dU = v_c (yhat - y)^T", "(19), (20)"),
    )
    dataset, v, o, U, tokens = _pair()
    scores = U @ v  # (5,)
    y_hat, y = softmax(scores), np.eye(5)[o]
    rows = [
        (w, _vector(U[i]), _number(scores[i]), _number(np.exp(scores[i])), *_probabilities(y_hat[i], y[i]))
        for w, i in tokens.items()
    ]
    rows.append(("sum", "", "", _number(np.exp(scores).sum()), *_probabilities(y_hat.sum(), y.sum())))
    print()
    _table(("w", "u_w", "u_w . v_c", "exp", "yhat", "y", "yhat - y"), rows)
    loss = model.naiveSoftmaxLossAndGradient
    return [_same_loss(-np.log(y_hat[o]), loss(v, o, U, dataset)[0]), *_pair_gradients(loss, v, o, U, tokens, dataset)]


def _probabilities(predicted, true):
    return _number(predicted), f"{true:g}", _number(predicted - true)


def _negative_sampling(model):
    _formulas(
        ("J       = -log sigmoid(u_o . v_c) - sum over s of log sigmoid(-u_ws . v_c)", "(27)"),
        ("delta_o = sigmoid(u_o . v_c) - 1,   delta_s = sigmoid(u_ws . v_c)", "(28)"),
        ("dJ/dv_c = delta_o u_o + sum over s of delta_s u_ws", "(29)"),
        ("dJ/du_o = delta_o v_c", "(30)"),
        ("dJ/du_w = delta_w v_c, once for each time that w was drawn", "(31), (35)"),
    )
    dataset, v, o, U, tokens = _pair()
    words = list(tokens)
    state = random.getstate()
    negatives = model.getNegativeSamples(o, dataset, NEGATIVES)
    random.setstate(state)  # the loss is to draw the same
    print(f"    K = {NEGATIVES}, negative samples drawn: {' '.join(words[w] for w in negatives)}\n")
    rows, total = [], 0.0
    for w, label in [(o, 1), *((w, 0) for w in negatives)]:
        score = U[w] @ v
        p = 1 / (1 + np.exp(-score))
        term = -np.log(p if label else 1 - p)
        total += term
        role = "outside" if label else "negative"
        rows.append((role, words[w], _vector(U[w]), *map(_number, (score, p, p - label, term))))
    rows.append(("sum", "", "", "", "", "", _number(total)))
    _table(("", "w", "u_w", "u_w . v_c", "sigmoid", "delta", "term of J"), rows)
    loss = functools.partial(model.negSamplingLossAndGradient, K=NEGATIVES)
    right = _same_loss(total, loss(v, o, U, dataset)[0])
    random.setstate(state)
    return [right, *_pair_gradients(loss, v, o, U, tokens, dataset)]


def _pair():
    """Print the worked example of one pair; return (dataset, v_c, o, U, tokens)."""
    dataset, vectors, tokens = getDummyObjects()
    v, U = vectors[tokens[CENTRE]], vectors[5:]  # (3,), (5, 3)
    print(f"  Shapes: centerWordVec v_c {v.shape}, outsideVectors U {U.shape} with a row for each u_w;")
    print("  back come the loss, a number, and gradients of the same shapes, gradCenterVec and gradOutsideVecs.\n")
    print(f"  Worked example: tokens {' '.join(tokens)}; centre word {CENTRE!r}, outside word o = {OUTSIDE!r}.\n")
    print(f"    v_c = {_vector(v)}")
    return dataset, v, tokens[OUTSIDE], U, tokens


def _pair_gradients(loss, v, o, U, tokens, dataset):
    state = random.getstate()
    _, grad_v, grad_U = loss(v, o, U, dataset)
    random.setstate(state)
    return [
        _same_gradient(["v_c"], grad_v, lambda v: loss(v, o, U, dataset)[0], v),
        _same_gradient([f"u_{w}" for w in tokens], grad_U, lambda U: loss(v, o, U, dataset)[0], U),
    ]


def _skipgram(model):
    _formulas(
        ("J_skip-gram       = sum over the outside words o of J(v_c, o, U)", "(36)"),
        ("dJ_skip-gram/dU   = sum over the outside words o of dJ(v_c, o, U)/dU", "(37)"),
        ("dJ_skip-gram/dv_c = sum over the outside words o of dJ(v_c, o, U)/dv_c", "(38)"),
        ("dJ_skip-gram/dv_w = 0 for every other word w", "(39)"),
    )
    dataset, vectors, tokens = getDummyObjects()
    V, U = vectors[:5], vectors[5:]  # (5, 3), (5, 3)
    centre, size, outsides, figure = SOFTMAX_FIGURES[0]
    loss = model.naiveSoftmaxLossAndGradient
    print(f"  Shapes: centerWordVectors V {V.shape}, outsideVectors U {U.shape}, a row for each word;")
    print("  back come the loss, a number, and gradients of these shapes, gradCenterVecs, gradOutsideVectors.\n")
    print(f"  Worked example: tokens {' '.join(tokens)}; centre word {centre!r}, outside words", *outsides)
    print("  in this order, naive softmax.\n")
    pair_losses = [loss(V[tokens[centre]], tokens[o], U, dataset)[0] for o in outsides]
    rows = [(o, _number(pair_loss, 8)) for o, pair_loss in zip(outsides, pair_losses, strict=True)]
    _table(("o", f"J(v_{centre}, o, U)"), [*rows, ("sum", _number(sum(pair_losses), 8))])
    print(f"    The handout's figure is {figure:.8f}.")

    def window(V, U):
        return model.skipgram(centre, size, list(outsides), tokens, V, U, dataset, loss)

    value, grad_V, grad_U = window(V, U)
    return [
        _same_loss(sum(pair_losses), value),
        _same_gradient([f"v_{w}" for w in tokens], grad_V, lambda V: window(V, U)[0], V),
        _same_gradient([f"u_{w}" for w in tokens], grad_U, lambda U: window(V, U)[0], U),
    ]


EXPLANATIONS = {
    "sigmoid": _sigmoid,
    "naiveSoftmaxLossAndGradient": _naive_softmax,
    "negSamplingLossAndGradient": _negative_sampling,
    "skipgram": _skipgram,
}
