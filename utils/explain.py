"""What each method computes: its equations, shapes, a worked example, analytic beside numeric gradient.

The example is the handout's data set of five tokens, or the precept's table of counts. Every number is computed when it
is printed, and the module with the methods is an argument, as in `utils.selftests`, so that anybody's solution can be
explained: where its loss or a gradient is not what it should be, the line says so. Equation numbers are those of
docs/derivations.md.
"""

import functools
import random

import numpy as np
from scipy.sparse import csr_array

from utils.counting.glove import Settings, Trainer
from utils.counting.pmi import pmi, ppmi, svd_vectors
from utils.gradcheck import SOFTMAX_FIGURES, STEP, TOLERANCE, central_difference
from utils.minibatches.inputs import Composed
from utils.selftests import getDummyObjects
from utils.utils import softmax
from utils.vectors.subwords import FNV_PRIME, FNV_START, NGrams

CENTRE, OUTSIDE = "c", "b"  # the pair of the worked examples
NEGATIVES = 5  # drawn from the four other words, so that at least one comes twice
WINDOW = ("a", "b", "e", "b")  # outside words of CBOW's example, one of them twice
COMPOSED = "café"  # its last letter has two bytes, both above 127
NGRAMS = NGrams(3, 3, 2_000_000)
COUNTED = ("I", "like", "dogs")  # the precept's example: targets are rows, contexts are columns
COUNTS = [[0, 10, 10], [10, 0, 40], [10, 40, 0]]
RANK = 2  # of the SVD
SMALL_STEP = 1e-6  # of GloVe: what a row moves is this times its gradient
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
    return "[" + " ".join(_number(x, digits).rjust(digits + 3) for x in v) + "]"


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
    state = random.getstate()
    total = _sampled_loss(model, ("outside", "v_c"), v, o, U, tokens, dataset)
    loss = functools.partial(model.negSamplingLossAndGradient, K=NEGATIVES)
    right = _same_loss(total, loss(v, o, U, dataset)[0])
    random.setstate(state)
    return [right, *_pair_gradients(loss, v, o, U, tokens, dataset)]


def _sampled_loss(model, names, v, target, U, tokens, dataset):
    """Draw negatives and print the terms of the loss; return it. `random` is left as it was: the loss draws the same.

    `names` are those of the target's role and of `v`, the vector that predicts it.
    """
    words = list(tokens)
    state = random.getstate()
    negatives = model.getNegativeSamples(target, dataset, NEGATIVES)
    random.setstate(state)
    print(f"    K = {NEGATIVES}, negative samples drawn: {' '.join(words[w] for w in negatives)}\n")
    rows, total = [], 0.0
    for w, label in [(target, 1), *((w, 0) for w in negatives)]:
        score = U[w] @ v
        p = 1 / (1 + np.exp(-score))
        term = -np.log(p if label else 1 - p)
        total += term
        role = names[0] if label else "negative"
        rows.append((role, words[w], _vector(U[w]), *map(_number, (score, p, p - label, term))))
    rows.append(("sum", "", "", "", "", "", _number(total)))
    _table(("", "w", "u_w", f"u_w . {names[1]}", "sigmoid", "delta", "term of J"), rows)
    return total


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


def _cbow(model):
    _formulas(
        ("h       = (v_o1 + ... + v_om) / m", ""),
        ("J       = -log sigmoid(u_c . h) - sum over n of log sigmoid(-u_wn . h)", "(70), N = K"),
        ("dJ/dh   = (sigmoid(u_c . h) - 1) u_c + sum over n of sigmoid(u_wn . h) u_wn", "(70)"),
        ("dJ/dv_o = dJ/dh / m, once for each time that o is in the window", "(70)"),
    )
    dataset, vectors, tokens = getDummyObjects()
    V, U = vectors[:5], vectors[5:]  # (5, 3), (5, 3)
    c, outsides = tokens[CENTRE], [tokens[o] for o in WINDOW]
    print("  It is negative sampling, with h in place of v_c, and the centre word in place of the outside word.")
    print("  Training by epochs moves each outside word by the whole of dJ/dh, as word2vec's C code does.\n")
    print(f"  Worked example: tokens {' '.join(tokens)}; centre word {CENTRE!r}, outside words {' '.join(WINDOW)}.\n")
    h = V[outsides].mean(axis=0)  # (3,)
    print(f"    h   = {_vector(h)}")
    state = random.getstate()
    total = _sampled_loss(model, ("centre", "h"), h, c, U, tokens, dataset)

    def window(V, U):
        return model.negSamplingLossAndGradient(V[outsides].mean(axis=0), c, U, dataset, NEGATIVES)

    value, grad_h, grad_U = window(V, U)
    random.setstate(state)
    shares = np.bincount(outsides, minlength=5)[:, None] / len(outsides)  # (5, 1)
    return [
        _same_loss(total, value),
        _same_gradient([f"v_{w}" for w in tokens], shares * grad_h, lambda V: window(V, U)[0], V),
        _same_gradient([f"u_{w}" for w in tokens], grad_U, lambda U: window(V, U)[0], U),
    ]


def _subwords(model):
    _formulas(
        ("x_w     = (z_1 + ... + z_n) / n, its own row and one for each n-gram", "(78)"),
        ("dJ/dz_r = dJ/dx_w / n, once for each time that r is among the rows of w", "(78)"),
        ("z_r'    = z_r - alpha' dJ/dx_w, the whole of it; alpha' by all words with r", "(79)"),
    )
    print("  It is negative sampling, with x_w in place of v_c. An n-gram is known by its bucket: the hash")
    print(f"  FNV-1a of its bytes, 256 less where they are above 127, modulo {NGRAMS.buckets:,}.\n")
    print(
        f"  Worked example: the word {COMPOSED!r}, n-grams of {NGRAMS.longest} letters; outside word o = {OUTSIDE!r}.\n"
    )
    dataset, vectors, tokens = getDummyObjects()
    bordered = f"<{COMPOSED}>"
    pieces = [bordered[i : i + NGRAMS.longest] for i in range(len(bordered) - NGRAMS.longest + 1)]
    hashes = [_hash(piece.encode()) for piece in pieces]
    inputs = Composed([COMPOSED], NGRAMS)
    Z, U, o = vectors[: inputs.rows], vectors[5:], tokens[OUTSIDE]  # (n, 3), (5, 3)
    right = [hashed % NGRAMS.buckets == bucket for hashed, bucket in zip(hashes, NGRAMS.of([COMPOSED])[1], strict=True)]
    rows = [
        (piece, str(hashed), str(hashed % NGRAMS.buckets), _vector(z), "" if good else WRONG)
        for piece, hashed, z, good in zip(pieces, hashes, Z[1:], right, strict=True)
    ]
    _table(("n-gram", "hash", "bucket", "z_r", ""), [(COMPOSED, "", "", _vector(Z[0]), ""), *rows])
    returned = inputs.of_words(Z)[0]  # (3,)
    right.append(bool(_same(Z.mean(axis=0), returned).all()))
    print(f"    x_w = {_vector(returned)}{'' if right[-1] else f'   {WRONG}'}")
    state = random.getstate()
    total = _sampled_loss(model, ("outside", "x_w"), returned, o, U, tokens, dataset)

    def pair(Z):
        return model.negSamplingLossAndGradient(Z.mean(axis=0), o, U, dataset, NEGATIVES)

    value, grad_x, _ = pair(Z)
    random.setstate(state)
    grad_Z = np.tile(grad_x / len(Z), (len(Z), 1))  # (n, 3)
    symbols = [f"z_{piece}" for piece in (COMPOSED, *pieces)]
    return [*right, _same_loss(total, value), _same_gradient(symbols, grad_Z, lambda Z: pair(Z)[0], Z)]


def _hash(data):
    """FNV-1a with 32 bits, as fastText computes it: over signed bytes."""
    hashed = int(FNV_START)
    for byte in data:
        hashed = (hashed ^ (byte - 256 if byte > 127 else byte)) * int(FNV_PRIME) % 2**32
    return hashed


# Counting: not a part of the handout, so the functions are always the project's own


def _ppmi(model):
    _formulas(
        ("p(t, c)    = W[t, c] / sum of all W;  p(t), p(c) are its sums", "(40)"),
        ("PMI(t, c)  = log p(t, c) / (p(t) p(c))", "(41)"),
        ("PPMI(t, c) = max(PMI(t, c), 0)", "(42)"),
    )
    W = np.array(COUNTS)  # (3, 3)
    p = W / W.sum()  # (3, 3)
    print("  Shapes: counts in, target words by context words; a sparse matrix of that shape out. A pair")
    print("  that was never seen has PMI minus infinity, which is not stored, and PPMI 0.\n")
    print(f"  Worked example: {W.sum()} pairs of the words {' '.join(COUNTED)}.\n")
    returned, positive = pmi(W).toarray(), ppmi(W).toarray()  # (3, 3) each
    rows, right = [], []
    for t, c in np.ndindex(W.shape):
        margins = p[t].sum(), p[:, c].sum()
        by_hand = np.log(p[t, c] / np.prod(margins)) if W[t, c] else -np.inf
        good = bool(_same(by_hand, returned[t, c]) if W[t, c] else returned[t, c] == 0)
        good = good and bool(_same(max(by_hand, 0), positive[t, c]))
        right.append(good)
        shown = (*map(_number, (p[t, c], *margins, by_hand)), _number(returned[t, c]) if W[t, c] else "")
        rows.append((COUNTED[t], COUNTED[c], str(W[t, c]), *shown, _number(positive[t, c]), "" if good else WRONG))
    _table(("t", "c", "W", "p(t, c)", "p(t)", "p(c)", "PMI worked out", "pmi", "ppmi", ""), rows)
    return right


def _svd(model):
    _formulas(
        ("M_k = A_k S_k C_k^T,  |M - M_k|^2 = sum over i > k of S_ii^2", "(43)"),
        ("(A_k S_k) (A_k S_k)^T = M_k M_k^T", "(44)"),
        ("cos(x, y) = x . y / (|x| |y|)", "(45)"),
    )
    M = ppmi(COUNTS).toarray()  # (3, 3)
    x = svd_vectors(M, RANK, eig=1)  # (3, 2)
    A, S, C = np.linalg.svd(M)  # (3, 3), (3,), (3, 3)
    M_k = A[:, :RANK] * S[:RANK] @ C[:RANK]  # (3, 3)
    print("  Shapes: a matrix (n, m) in, vectors (n, k) out: the rows of A_k S_k, one for each target. Of all")
    print("  matrices of rank k, M_k is the closest to M.\n")
    print(f"  Worked example: M is the PPMI of the counts explained with `ppmi`; k = {RANK}.\n")
    print(f"    singular values S = {_vector(S)}")
    rest, lost = (S[RANK:] ** 2).sum(), ((M - M_k) ** 2).sum()
    right = [bool(_same(rest, lost))]
    print(f"    |M - M_k|^2 = {_number(lost, 8)}, the square of what is left out {_number(rest, 8)}\n")
    rows = zip(COUNTED, map(_vector, M), map(_vector, x), strict=True)
    _table(("w", "row of M", "x_w, from svd_vectors"), list(rows))
    rows = []
    for i, j in zip(*np.triu_indices(3), strict=True):
        inner, short = M_k[i] @ M_k[j], x[i] @ x[j]
        cosine = short / np.sqrt((x[i] @ x[i]) * (x[j] @ x[j]))
        right.append(bool(_same(inner, short)))
        shown = map(_number, (M[i] @ M[j], inner, short, cosine))
        rows.append((COUNTED[i], COUNTED[j], *shown, "" if right[-1] else WRONG))
    _table(("w", "w'", "rows of M", "rows of M_k", "x_w . x_w'", "cosine", ""), rows)
    return right


def _glove(model):
    _formulas(
        ("J       = sum over X > 0 of f(X) e^2,   e = u_i . v_j + b_i + c_j - log X", "(72)"),
        ("f(x)    = min(1, (x / x_max)^alpha)", "(73)"),
        ("dJ/du_i = 2 sum over j of f(X) e v_j,   dJ/db_i = 2 sum over j of f(X) e", "(74)"),
        ("dJ/dv_j = 2 sum over i of f(X) e u_i,   dJ/dc_j = 2 sum over i of f(X) e", "(74)"),
    )
    settings = Settings(dim=RANK, x_max=100, dtype="float64", step=SMALL_STEP)  # x_max as in the paper
    print("  Shapes: counts (V, V) in; vectors u and v (V, d) and biases b and c (V,) out. An empty cell has no")
    print("  term. The training prints the mean of f(X) e^2 / 2, and its steps are those of J / 2.\n")
    print(f"  Worked example: the counts explained with `ppmi`; d = {RANK}, x_max = {settings.x_max:g}, ", end="")
    print(f"alpha = {settings.alpha:g}.\n")
    rng = np.random.default_rng(0)
    centre, outside = rng.normal(size=(2, 3, RANK + 1))  # vectors with biases
    X, total, rows = np.array(COUNTS), 0.0, []
    for i, j in zip(*np.nonzero(X), strict=True):
        score = centre[i, :RANK] @ outside[j, :RANK] + centre[i, RANK] + outside[j, RANK]
        weight = min(1.0, (X[i, j] / settings.x_max) ** settings.alpha)
        error = score - np.log(X[i, j])
        total += weight * error**2
        shown = map(_number, (np.log(X[i, j]), weight, score, error, weight * error**2))
        rows.append((COUNTED[i], COUNTED[j], str(X[i, j]), *shown))
    _table(("i", "j", "X", "log X", "f(X)", "score", "e", "term of J"), [*rows, *[("sum", *[""] * 6, _number(total))]])

    def stepped(both):
        """Twice the cost of a step and what it adds to vectors and biases, for both sides: (2, 3, d + 1)."""
        trainer = Trainer(csr_array(X), settings)
        x = trainer.initial()
        vectors = both[:, trainer.order]
        x[0, 0, :, : RANK + 1] = vectors[0]
        x[0, 1, :, :RANK], x[0, 1, :, RANK + 1] = vectors[1, :, :RANK], vectors[1, :, RANK]
        before = x.copy()
        cost = sum(trainer.step(x, batch) for batch in trainer.shuffled(0))
        biases = np.array(trainer.biases(before - x))[:, :, None]  # (2, 3, 1)
        return 2 * cost, np.concatenate((trainer.stacked(before - x).reshape(2, 3, RANK), biases), axis=2)

    both = np.array([centre, outside])
    cost, moved = stepped(both)
    symbols = [f"{side}_{word}, {bias}" for side, bias in ("ub", "vc") for word in COUNTED]
    gradient = (2 * moved / SMALL_STEP).reshape(6, RANK + 1)
    return [
        _same_loss(total, cost),
        _same_gradient(symbols, gradient, lambda x: stepped(x.reshape(both.shape))[0], both.reshape(6, RANK + 1)),
    ]


EXPLANATIONS = {
    "sigmoid": _sigmoid,
    "naiveSoftmaxLossAndGradient": _naive_softmax,
    "negSamplingLossAndGradient": _negative_sampling,
    "skipgram": _skipgram,
    "cbow": _cbow,
    "subwords": _subwords,
    "ppmi": _ppmi,
    "svd": _svd,
    "glove": _glove,
}
