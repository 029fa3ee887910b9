"""The bridge between counting and predicting: skip-gram with negative sampling factorizes a shifted PMI matrix.

    python examples/bridge.py                       # on a built-in sample treebank of 400 sentences; about a minute
    python examples/bridge.py --iterations 10000    # a shorter training, farther from the end of the bridge

Levy & Goldberg (2014) set the derivative of the expected loss with respect to each score u_c . v_t to zero (their
equation 5) and find PMI(t, c) - log K (equation 7). That is for noise drawn by plain counts. Here, as in the handout,
it is drawn by counts to the power 0.75, and never is the outside word itself. With

    n(t, c)  the expected number of times that outside word c is drawn with centre word t
    q(c)     the noise distribution, count(c) ** 0.75 / sum of them
    K        negative samples per outside word

an outside word o gets the negative c with probability q(c) / (1 - q(o)) in each of K draws, unless c = o. So the score
x = u_c . v_t has the expected loss

    n(t, c) softplus(-x) + K q(c) m(t, c) softplus(x),   m(t, c) = sum over o other than c of n(t, o) / (1 - q(o))

which is least at

    x = log n(t, c) / (m(t, c) q(c)) - log K

Were no draw excluded, m(t, c) would be n(t), the row's sum, and this the PMI with a smoothed context distribution,
less log K. `bridge.png` shows both trainings against it: the expected loss minimized directly over all pairs, and the
library's own training, one random minibatch after the other.

GloVe stands at the same river: where u_i . v_j + b_i + c_j = log X_ij, biases that are the logs of the words'
frequencies leave the PMI to the vectors (docs/derivations.md, equation 75). The last lines say how close it comes to
that by itself, on the counts of the same sentences in a wider window: the scores are the logs, but vectors and biases
share them out as they like.
"""

import random
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize
from threadpoolctl import threadpool_limits

sys.path.insert(0, str(Path(__file__).parent.parent))

from sgd import sgd  # noqa: E402
from utils.commands import options  # noqa: E402
from utils.corpus import sample  # noqa: E402
from utils.corpus.ids import Corpus  # noqa: E402
from utils.counting import glove  # noqa: E402
from utils.counting.cooccurrence import cooccurrence  # noqa: E402
from utils.counting.pmi import pmi  # noqa: E402
from utils.pictures.canvas import COLOURS, INK, LABEL, default_settings, dress, paper, save_png  # noqa: E402
from utils.system import console  # noqa: E402
from utils.system.bar import Bar  # noqa: E402
from utils.system.errors import InputError  # noqa: E402
from utils.system.files import make_folder  # noqa: E402
from utils.system.memory import refuse_beyond_memory  # noqa: E402
from utils.treebank import sample_treebank  # noqa: E402
from word2vec import minibatchLossAndGradient, sigmoid  # noqa: E402

SENTENCES, WINDOW, K, DIM, ITERATIONS = 400, 3, 5, 50, 100_000
BATCH, STEP = 50, 3.0  # ten times the step of run.py: the scores have a long way to go
EXACT_ITERATIONS = 200  # of L-BFGS
GLOVE_WINDOW, GLOVE_ITERATIONS, GLOVE_DIM = 10, 50, 10
FREQUENT = 100  # expected draws of a pair during the training, from which on it is compared


class Fit(NamedTuple):
    """How scores agree with what the theory says of them.

    Attributes
    ----------
    pairs : int
    correlation, slope : float
        Of the scores on the theory's.
    apart : float
        Root mean square of their difference, in nats.
    """

    pairs: int
    correlation: float
    slope: float
    apart: float


def expanded(treebank):
    """The expanded corpus, from which the treebank's windows are drawn, as ids: a Corpus."""
    index, sentences = treebank.tokens(), treebank.allSentences()
    ids = np.array([index[word] for sentence in sentences for word in sentence], dtype=np.int32)
    return Corpus(ids, np.concatenate(([0], np.cumsum([len(sentence) for sentence in sentences]))))


def expected_pairs(corpus, V, C):
    """How often each pair is drawn per window, when sentence, place in it and size of the window (1 .. C) are random.

    Parameters
    ----------
    corpus : Corpus
        From which windows are drawn: a sentence, then a word of it, each as likely as the others.
    V, C : int

    Returns
    -------
    ndarray of float64, shape (V, V)
        Centre words in rows, outside words in columns; 0 on the diagonal, as copies of the centre word are left out.
        (Windows that hold nothing else are drawn again; there are too few of them to count.)
    """
    lengths = np.diff(corpus.offsets)  # (S,)
    n = np.zeros((V, V))
    for length in np.unique(lengths):
        chosen = lengths == length
        ids = corpus.ids[np.repeat(chosen, lengths)]
        part = Corpus(ids, np.arange(0, len(ids) + 1, length))
        # At distance k a word is in the window if its size is k or more: the linear weights.
        n += cooccurrence(part, C, "linear", V=V).toarray() / (length * len(lengths))
    np.fill_diagonal(n, 0)
    return n


def expected_negatives(n, q, K):
    """How often each pair is drawn as centre word and negative sample, per window: K q(c) m(t, c), shape (V, V)."""
    weights = n / (1 - q)  # (V, V)
    return K * q * (weights.sum(axis=1, keepdims=True) - weights)


def theory(n, negatives):
    """The scores u_c . v_t at which the expected loss is least: shape (V, V).

    They are -inf where c is never drawn with t, and inf where it is the only one.
    """
    with np.errstate(divide="ignore"):
        return np.log(np.divide(n, negatives, out=np.zeros_like(n), where=n > 0))


def expected_loss(x, n, negatives):
    """The expected loss of a window and its gradient (Levy & Goldberg 2014, equations 4 and 5, for this noise).

    Parameters
    ----------
    x : ndarray, shape (2 V, d)
        Centre vectors above outside vectors.
    n, negatives : ndarray, shape (V, V)

    Returns
    -------
    loss : float
    grad : ndarray, shape (2 V, d)
    """
    v, u = np.split(x, 2)  # (V, d), (V, d)
    scores = v @ u.T  # (V, V)
    loss = np.sum(n * np.logaddexp(0, -scores) + negatives * np.logaddexp(0, scores))
    delta = (n + negatives) * sigmoid(scores) - n  # (V, V)
    return loss, np.concatenate((delta @ u, delta.T @ v))


def minimized(x, n, negatives, iterations):
    """Minimize the expected loss by L-BFGS from `x`: shape (2 V, d)."""
    scale = 1 / n.sum()

    def objective(flat):
        loss, grad = expected_loss(flat.reshape(x.shape), n, negatives)
        return scale * loss, scale * grad.ravel()

    options = {"maxiter": iterations, "maxfun": 2 * iterations, "ftol": 0, "gtol": 0}
    with threadpool_limits(limits=1):  # products this small only wait for other cores
        return minimize(objective, x.ravel(), jac=True, method="L-BFGS-B", options=options).x.reshape(x.shape)


def trained(x, treebank, C, K, step, iterations):
    """The library's own training from `x`: random minibatches, stochastic gradient descent: shape (2 V, d)."""
    bar = Bar(total=iterations, unit="it", disable=not sys.stdout.isatty(), leave=False)

    def objective(vectors):
        bar.update()
        return minibatchLossAndGradient(vectors, treebank.minibatch(C, BATCH, K))

    with bar:
        return sgd(objective, x, step, iterations, report=lambda iteration, loss: None)


def fit(scores, wanted, which):
    """Compare the scores of some pairs (bool array) with what is wanted: a Fit."""
    x, y = wanted[which], scores[which]
    slope = np.cov(x, y)[0, 1] / np.var(x, ddof=1)
    return Fit(len(x), float(np.corrcoef(x, y)[0, 1]), float(slope), float(np.sqrt(np.mean((x - y) ** 2))))


def glove_fits(corpus, V, settings, window=GLOVE_WINDOW):
    """Train GloVe and compare what it learns with frequencies and PMI.

    Parameters
    ----------
    corpus : Corpus
    V : int
    settings : glove.Settings
    window : int

    Returns
    -------
    dict of str to Fit, or None
        For the pairs that have the whole weight, of u . v on PMI and of the whole score on log X; for their words, of
        b + c on what would make the two the same, 2 log X_i - log N. None if there are fewer than two such pairs.
    """
    counts = cooccurrence(corpus, window, "harmonic", V=V)
    trainer = glove.Trainer(counts, settings)
    x = glove.fit(trainer)
    (u, v), (b, c) = np.split(trainer.stacked(x), 2), trainer.biases(x)  # (V, d) each, (V,) each
    products, dense = u @ v.T, counts.toarray()  # (V, V) each
    pairs = dense >= settings.x_max  # (V, V)
    if pairs.sum() < 2:
        return None
    with np.errstate(divide="ignore"):
        logs, frequencies = np.log(dense), 2 * np.log(dense.sum(axis=1)) - np.log(dense.sum())  # (V, V), (V,)
    return {
        "u . v + b + c and log X": fit(products + b[:, None] + c, logs, pairs),
        "u . v and PMI": fit(products, pmi(counts).toarray(), pairs),
        "b + c and log frequencies": fit(b + c, frequencies, pairs.any(axis=1)),
    }


def report_glove(treebank, args):
    """Print what `glove_fits` finds on the treebank's sentences."""
    corpus, V = treebank.text(), len(treebank.words())
    settings = glove.Settings(dim=GLOVE_DIM, iterations=GLOVE_ITERATIONS, seed=args.seed)
    fits = glove_fits(corpus, V, settings)
    if fits is None:
        print(f"GloVe is left out: no two pairs have counts of {settings.x_max:g}; give more --sentences")
        return
    print(f"GloVe, {settings.dim} dimensions, window {GLOVE_WINDOW}, {settings.iterations} iterations:")
    print(f"  {'':30}  {'compared':>13}  {'correlation':>11}  {'slope':>5}  {'apart, nats':>11}")
    for title, found in fits.items():
        print(f"  {title:30}  {found.pairs:13,}  {found.correlation:11.3f}  {found.slope:5.2f}  {found.apart:11.2f}")


def draw(panels, wanted, which, path):
    """Draw scores against the theory's, a panel for each title -> scores; save the picture as PNG."""
    with default_settings():
        figure, _ = paper((5.5 * len(panels), 5.5))
        low, high = wanted[which].min() - 0.5, wanted[which].max() + 0.5
        for i, (title, scores) in enumerate(panels.items()):
            axes = figure.add_axes(((i + 0.13) / len(panels), 0.12, 0.82 / len(panels), 0.78))
            dress(axes)
            axes.scatter(wanted[which], scores[which], s=6, color=COLOURS[0], alpha=0.3, linewidths=0)
            axes.plot((low, high), (low, high), color=INK, linewidth=1)
            axes.set(xlim=(low, high), ylim=(low, high), aspect="equal")
            axes.locator_params(nbins=6, integer=True)
            axes.set_title(title, fontsize=LABEL, color=INK)
            axes.set_xlabel("PMI − log K, for this noise", fontsize=LABEL, color=INK)
            axes.set_ylabel("score u · v", fontsize=LABEL, color=INK)
        save_png(figure, path)


def main(arguments=None):
    """Train in both ways, compare, draw; return the exit status."""
    parser = console.ArgumentParser(description="Skip-gram with negative sampling factorizes a shifted PMI matrix.")
    at_least = console.whole_number(sample.MINIMUM)
    parser.add_argument("--sentences", type=at_least, default=SENTENCES, metavar="S", help="of the text")
    options.add(parser, "--dim", default=DIM)
    options.add(parser, "--window", default=WINDOW)
    options.add(parser, "--negatives", default=K)
    for name, default, by in (("--iterations", ITERATIONS, "the library"), ("--exact", EXACT_ITERATIONS, "L-BFGS")):
        parser.add_argument(name, type=options.at_least_one, default=default, metavar="N", help=f"iterations of {by}")
    options.add(parser, "--seed", "--out")
    args = parser.parse_args(arguments)

    random.seed(args.seed)
    treebank = sample_treebank(args.sentences)
    corpus = expanded(treebank)
    V = len(treebank.words())
    refuse_beyond_memory(4 * 8 * 2 * V * args.dim, f"{args.dim} dimensions of {V} words", "give a smaller --dim")
    n = expected_pairs(corpus, V, args.window)
    q = np.bincount(treebank.sampleTable(), minlength=V) / treebank.tablesize  # (V,)
    negatives = expected_negatives(n, q, args.negatives)
    wanted = theory(n, negatives)
    which = (n * BATCH * args.iterations >= FREQUENT) & np.isfinite(wanted)
    if which.sum() < 2:
        raise InputError(f"{args.iterations} iterations draw no pair {FREQUENT} times: give more --iterations")
    start = np.random.default_rng(args.seed).uniform(-0.5, 0.5, (2 * V, args.dim)) / args.dim
    print(f"{len(corpus):,} sentences in the expanded corpus, vocabulary {V:,}, {args.dim} dimensions")
    print(f"{which.sum():,} of {np.count_nonzero(n):,} pairs are drawn {FREQUENT} times or more. Their scores:")
    print(f"  {'':30}  {'expected loss':>13}  {'correlation':>11}  {'slope':>5}  {'apart, nats':>11}")
    ways = {
        "expected loss, minimized": lambda: minimized(start, n, negatives, args.exact),
        "random minibatches": lambda: trained(start, treebank, args.window, args.negatives, STEP, args.iterations),
    }
    panels = {}
    for title, train in ways.items():
        x = train()
        panels[title] = x[:V] @ x[V:].T  # (V, V)
        loss, _ = expected_loss(x, n, negatives)
        found = fit(panels[title], wanted, which)
        print(f"  {title:30}  {loss:13.4f}  {found.correlation:11.3f}  {found.slope:5.2f}  {found.apart:11.2f}")
    report_glove(treebank, args)
    picture = make_folder(args.out) / "bridge.png"
    draw(panels, wanted, which, picture)
    print(f"wrote {picture}")
    return 0


if __name__ == "__main__":
    console.run(main)
