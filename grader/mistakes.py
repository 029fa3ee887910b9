"""Known wrong formulas, by which a wrong value is named: what learners write, and what it gives.

A hint is given only where one of these gives exactly, to rounding, what the solution gave on all cases. Each entry is
(hint, function of a case that returns the mistaken loss, gradient of the centre, gradient of the outside vectors), with
None where the mistake does not concern that value.
"""

from dataclasses import dataclass, replace

import numpy as np

from utils.utils import softmax

KINDS = ("loss", "centre", "outside")


@dataclass(frozen=True)
class Case:
    """One pair to compute the loss of, and the draws that are waiting.

    Attributes
    ----------
    v : ndarray, shape (d,)
    o : int
    U : ndarray, shape (V, d)
    ids : tuple of int
        What the data set will give, one after the other.
    K : int or None
        Negative samples to draw; None for the naive softmax.
    """

    v: np.ndarray
    o: int
    U: np.ndarray
    ids: tuple = ()
    K: int | None = None

    @property
    def negatives(self):
        """The right ones: the first K draws that are not the outside word."""
        return [i for i in self.ids if i != self.o][: self.K]

    @property
    def taken(self):
        """How many draws that takes."""
        return 1 + [n for n, i in enumerate(self.ids) if i != self.o][self.K - 1]

    @property
    def taken_until_distinct(self):
        """How many draws it takes until K different negatives were drawn; None if there are not as many."""
        seen = set()
        for n, i in enumerate(self.ids, start=1):
            seen |= {i} - {self.o}
            if len(seen) == self.K:
                return n
        return None

    def with_draws(self, draws):
        """The same case with as many negatives as some draws give; unchanged if they give none."""
        given = sum(i != self.o for i in self.ids[: max(draws, 0)])
        return replace(self, K=given) if given else self

    @property
    def y(self):
        return np.eye(len(self.U))[self.o]  # (V,)

    @property
    def scores(self):
        return self.U @ self.v  # (V,)


def known(mistakes, cases, kind):
    """The values that mistakes give in place of the right ones: list of (hint, value for each case)."""
    which = KINDS.index(kind)
    with np.errstate(all="ignore"):  # a wrong formula may take the logarithm of anything
        given = [(hint, [formula(case)[which] for case in cases]) for hint, formula in mistakes]
    return [(hint, values) for hint, values in given if all(value is not None for value in values)]


# Naive softmax: yhat = softmax(U v), loss -log yhat_o, gradients U'(yhat - y) and (yhat - y) v'


def _from_delta(case, delta):
    return None, delta @ case.U, np.outer(delta, case.v)


def _from_probabilities(case, p):
    return -np.log(p[case.o]), *_from_delta(case, p - case.y)[1:]


def _loss(formula):
    return lambda case: (formula(softmax(case.scores), case.o), None, None)


def _delta(formula):
    return lambda case: _from_delta(case, formula(softmax(case.scores), case.y))


EPSILONS = (1e-6, 1e-5, 1e-4, 1e-3)  # smaller ones pass
TOO_LARGE = "{:g} is added inside the logarithm, which changes the loss: leave it out"

NAIVE_SOFTMAX = (
    ("y is not subtracted: it takes yhat where it should take yhat - y", _delta(lambda p, y: p)),
    ("the sign is flipped: y - yhat where it should be yhat - y", _delta(lambda p, y: y - p)),
    ("y is added to yhat, not subtracted", _delta(lambda p, y: p + y)),
    ("1 is subtracted from every probability, not only from that of the outside word", _delta(lambda p, y: p - 1)),
    ("only the outside word's row is there, the others are missing", _delta(lambda p, y: (p - y) * y)),
    ("the outside word's row is missing", _delta(lambda p, y: p * (1 - y))),
    ("only -u_o (or -v in its row) is there: yhat is missing", _delta(lambda p, y: -y)),
    ("it is divided by the size of the vocabulary", _delta(lambda p, y: (p - y) / len(y))),
    (
        "the softmax runs over the wrong axis: every probability is 1",
        lambda case: _from_probabilities(case, np.ones(len(case.U))),
    ),
    (
        "the exponentials are not divided by their sum",
        lambda case: _from_probabilities(case, np.exp(case.scores)),
    ),
    ("the scores are taken as they are, without the softmax", lambda case: _from_probabilities(case, case.scores)),
    (
        "it takes the sigmoid of the scores, not their softmax",
        lambda case: _from_probabilities(case, _sigmoid(case.scores)),
    ),
    (
        "it is the outer product with the outside vector u_o: take the centre vector v_c",
        lambda case: (None, None, np.outer(softmax(case.scores) - case.y, case.U[case.o])),
    ),
    ("the minus sign is missing: the loss is -log yhat_o", _loss(lambda p, o: np.log(p[o]))),
    ("it is the probability yhat_o: the loss is -log yhat_o", _loss(lambda p, o: p[o])),
    ("it is -yhat_o, without the logarithm", _loss(lambda p, o: -p[o])),
    ("it is 1 - yhat_o: the loss is -log yhat_o", _loss(lambda p, o: 1 - p[o])),
    (
        "the logarithms of all words are summed: only that of the outside word counts",
        _loss(lambda p, o: -np.log(p).sum()),
    ),
    ("the logarithm is to base 2", _loss(lambda p, o: -np.log2(p[o]))),
    ("the logarithm is to base 10", _loss(lambda p, o: -np.log10(p[o]))),
    ("it is the cross-entropy with both terms of the sigmoid", _loss(
        lambda p, o: -np.log(p[o]) - np.log(1 - np.delete(p, o)).sum()
    )),
    *((TOO_LARGE.format(e), _loss(lambda p, o, e=e: -np.log(p[o] + e))) for e in EPSILONS),
)  # fmt: skip


# Negative sampling: loss -log s(u_o v) - sum log s(-u_k v), gradients from (s(u_o v) - 1) and s(u_k v)


def _sigmoid(x):
    return 1 / (1 + np.exp(-x))


def _gradients(case, a_o, a_k, negatives):
    centre = a_o * case.U[case.o] + a_k @ case.U[negatives]  # (d,)
    outside = np.zeros(case.U.shape)  # (V, d)
    outside[case.o] += a_o * case.v
    np.add.at(outside, negatives, a_k[:, None] * case.v)
    return centre, outside


def _sampling(negatives=lambda case: case.negatives, o=lambda s: s - 1, k=lambda s: s, loss=None):
    """A mistake: other negatives, another factor of the outside word or the negatives, another loss."""

    def formula(case):
        chosen = np.array(negatives(case), dtype=int)
        s_o, s_k = _sigmoid(case.scores[case.o]), _sigmoid(case.scores[chosen])
        value = (loss or (lambda s_o, s_k: -np.log(s_o) - np.log(1 - s_k).sum()))(s_o, s_k)
        return value, *_gradients(case, o(s_o), k(s_k), chosen)

    return formula


def _only_loss(loss):
    return lambda case: (_sampling(loss=loss)(case)[0], None, None)


def _only_gradients(**changes):
    return lambda case: (None, *_sampling(**changes)(case)[1:])


FIRST_OF_UNIQUE = (
    "the first of np.unique(indices) is taken for the outside word: np.unique sorts, the outside word is not the first"
)


def _first_of_unique(case, counted):
    words, counts = np.unique([case.o, *case.negatives], return_counts=True)
    rest = np.repeat(words[1:], counts[1:] if counted else 1)
    return _sampling(lambda _: rest)(replace(case, o=words[0]))


def _distinct(ids):
    return list(dict.fromkeys(ids))


NEGATIVE_SAMPLING = (
    (
        "the outside word is drawn as a negative: draw again where the draw is the outside word",
        _sampling(lambda case: list(case.ids[: case.K])),
    ),
    (
        "repeated negatives are counted once: a word drawn m times counts m times (`grad[indices] += ...` keeps one "
        "of several equal indices, np.add.at adds them all)",
        _sampling(lambda case: _distinct(case.negatives)),
    ),
    (
        "negatives are drawn until all differ: a repeated draw is kept, and counts again",
        _sampling(lambda case: _distinct(i for i in case.ids if i != case.o)[: case.K]),
    ),
    (
        "the outside word is among the negatives: leave it out of the indices that they are taken from",
        _sampling(lambda case: [case.o, *case.negatives]),
    ),
    ("only the first negative counts", _sampling(lambda case: case.negatives[:1])),
    ("only the last negative counts", _sampling(lambda case: case.negatives[-1:])),
    (
        "the minus sign in the negatives' sigmoid is missing: sigma(u_k . v) where it should be sigma(-u_k . v)",
        _sampling(k=lambda s: s - 1, loss=lambda s_o, s_k: -np.log(s_o) - np.log(s_k).sum()),
    ),
    (
        "the sign of the negatives' term is flipped",
        _sampling(k=lambda s: -s, loss=lambda s_o, s_k: -np.log(s_o) + np.log(1 - s_k).sum()),
    ),
    (
        "the minus sign in the negatives' sigmoid is missing: 1 - sigma(u_k . v), not 1 - sigma(-u_k . v)",
        _only_gradients(k=lambda s: 1 - s),
    ),
    ("the sign of the outside word's term is flipped", _sampling(
        o=lambda s: 1 - s, loss=lambda s_o, s_k: np.log(s_o) - np.log(1 - s_k).sum()
    )),
    ("1 is not subtracted from sigma(u_o . v) in the outside word's term", _only_gradients(o=lambda s: s)),
    ("the outside word's term is missing", _sampling(
        o=lambda s: 0 * s, loss=lambda s_o, s_k: -np.log(1 - s_k).sum()
    )),
    ("the negatives' term is missing", _sampling(k=lambda s: 0 * s, loss=lambda s_o, s_k: -np.log(s_o))),
    ("the negatives' term is divided by their number: it is a sum, not a mean", _sampling(
        k=lambda s: s / len(s), loss=lambda s_o, s_k: -np.log(s_o) - np.log(1 - s_k).mean()
    )),
    ("the derivative of the sigmoid is in it once too often", _only_gradients(
        o=lambda s: (s - 1) * s * (1 - s), k=lambda s: s * s * (1 - s)
    )),
    ("the logarithms are missing", _only_loss(lambda s_o, s_k: -s_o - (1 - s_k).sum())),
    ("the logarithm is to base 2", _only_loss(lambda s_o, s_k: -np.log2(s_o) - np.log2(1 - s_k).sum())),
    ("the sum over the negatives stands inside the logarithm", _only_loss(
        lambda s_o, s_k: -np.log(s_o) - np.log((1 - s_k).sum())
    )),
    ("the minus sign is missing: the loss is never negative", _only_loss(
        lambda s_o, s_k: np.log(s_o) + np.log(1 - s_k).sum()
    )),
    *(
        (TOO_LARGE.format(e), _only_loss(lambda s_o, s_k, e=e: -np.log(s_o + e) - np.log(1 - s_k + e).sum()))
        for e in EPSILONS
    ),
    (FIRST_OF_UNIQUE, lambda case: _first_of_unique(case, counted=True)),
    (FIRST_OF_UNIQUE, lambda case: _first_of_unique(case, counted=False)),
    (
        "each row is a multiple of the word's own vector u: it should be of the centre vector v",
        lambda case: (None, None, _own_rows(case)),
    ),
)  # fmt: skip


def _own_rows(case):
    factors = np.zeros(len(case.U))  # (V,)
    np.add.at(factors, case.negatives, _sigmoid(case.scores[case.negatives]))
    factors[case.o] += _sigmoid(case.scores[case.o]) - 1
    return factors[:, None] * case.U


# Skip-gram, from the losses and gradients that the calls of the loss function returned


@dataclass(frozen=True)
class Window:
    """One context window, and what each of its pairs is made to give.

    Attributes
    ----------
    centre : int
    outsides : tuple of int
    V, d : int
    losses : ndarray, shape (P,)
    centres : ndarray, shape (P, d)
    vectors : ndarray, shape (P, V, d)
    """

    centre: int
    outsides: tuple
    V: int
    d: int
    losses: np.ndarray
    centres: np.ndarray
    vectors: np.ndarray

    def right(self):
        """Loss, gradCenterVecs, gradOutsideVectors: the sums (equations 44 to 47)."""
        return self.taking(range(len(self.outsides)))

    def taking(self, pairs, row=None):
        """The same from some pairs only, or with the centre's gradient in another row."""
        pairs = list(pairs)
        grad = np.zeros((self.V, self.d))  # (V, d)
        grad[self.centre if row is None else row] = self.centres[pairs].sum(axis=0)
        return self.losses[pairs].sum(), grad, self.vectors[pairs].sum(axis=0)

    def distinct(self):
        """As many pairs as there are distinct outside words; the n-th call gives the n-th pair, whatever its word."""
        return range(len(set(self.outsides)))


def _in_outside_rows(window):
    grad = np.zeros((window.V, window.d))  # (V, d)
    np.add.at(grad, list(window.outsides), window.centres)
    return None, grad, None


def _in_all_rows(window):
    return None, np.tile(window.centres.sum(axis=0), (window.V, 1)), None


def _all(change):
    """A mistake in what becomes of the right sums."""
    return lambda window: tuple(change(part, window) for part in window.right())


def _row(choose):
    """A mistake in the row of the centre's gradient."""
    return lambda window: (None, window.taking(range(len(window.outsides)), choose(window))[1], None)


SKIPGRAM = (
    ("only the last outside word counts: it is set (`=`) where it should be summed (`+=`)", lambda w: w.taking([-1])),
    ("only the first outside word counts: does the loop end too early?", lambda w: w.taking([0])),
    ("the last outside word counts twice", lambda w: w.taking([*range(len(w.outsides)), -1])),
    (
        "1 is added for each outside word (`loss += 1`): add the loss that the call returned (`loss += l`)",
        lambda w: (float(len(w.outsides)), None, None),
    ),
    ("the last outside word is left out", lambda w: w.taking(range(len(w.outsides) - 1))),
    ("the first outside word is left out", lambda w: w.taking(range(1, len(w.outsides)))),
    ("repeated outside words are dropped: each occurrence counts", lambda w: w.taking(w.distinct())),
    (
        "it is divided by the number of outside words: it should be the sum",
        _all(lambda part, window: part / len(window.outsides)),
    ),
    (
        "the centre's gradient is in the rows of the outside words: it belongs in that of the centre word",
        _in_outside_rows,
    ),
    ("the centre's gradient is in row 0: it belongs in that of the centre word", _row(lambda window: 0)),
    (
        "the centre's gradient is in row V // 2, whatever the centre word: it belongs in that of the centre word",
        _row(lambda window: window.V // 2),
    ),
    (
        "the centre's gradient is in the row of the last outside word: it belongs in that of the centre word",
        _row(lambda window: window.outsides[-1]),
    ),
    ("the centre's gradient is added to every row: it belongs in that of the centre word", _in_all_rows),
)
