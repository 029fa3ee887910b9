"""Skip-gram word2vec: the two losses with their gradients, one window, and a minibatch of windows.

    python word2vec.py                  # self-tests of everything
    python word2vec.py sigmoid          # ... of one method
    python word2vec.py naiveSoftmaxLossAndGradient
    python word2vec.py negSamplingLossAndGradient
    python word2vec.py skipgram
    python word2vec.py explain skipgram # its equations, a worked example, analytic beside numeric gradient
    python word2vec.py explain skipgram --page step.html        # a web page that goes through it step by step

Vectors are rows throughout; equation numbers are those of docs/derivations.md, with the handout's after "handout". V is
the vocabulary's size, d the dimension, P the number of (centre, outside) pairs, K the negative samples per pair, n the
distinct centre words of a minibatch.
"""

import functools
import random
import sys
from pathlib import Path

import numpy as np

from utils import selftests
from utils.explain import EXPLANATIONS, explain
from utils.minibatches.handout import random_negatives
from utils.minibatches.rowgradient import RowGradient
from utils.system import console
from utils.system.errors import InputError

BATCH_SIZE = 50  # windows in a minibatch
NEGATIVES = 10  # per outside word


def sigmoid(x):
    """1 / (1 + exp(-x)), elementwise (equation 23; handout 26).

    Parameters
    ----------
    x : array_like of any shape
        Numbers of any size; nothing overflows.

    Returns
    -------
    ndarray of float, shape of `x` (a NumPy scalar for a scalar)
    """
    return sigmoid_and_softplus(np.asarray(x) + 0.0)[0]


def sigmoid_and_softplus(x):
    """sigmoid(x), and softplus(x) = log(1 + exp(x)) = -log sigmoid(-x) (equations 53 and 54).

    Both come from one exponential that is at most 1.
    """
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, 1, e) / (1 + e), np.maximum(x, 0) + np.log1p(e)


# One equation, written once: each loss over many pairs at a time


def _naive_softmax(v, outsides, which, U):
    """Naive softmax loss of P pairs and its gradients.

    Equations 52 and 57: over many pairs, what 11, 14 and 20 are for one (handout 2, 10 and 15).

    Parameters
    ----------
    v : ndarray, shape (n, d)
        Centre vectors.
    outsides, which : ndarray of int, shape (P,)
        Outside word of each pair, and which row of `v` is its centre.
    U : ndarray, shape (V, d)
        All outside vectors.

    Returns
    -------
    loss : float
    grad_v : ndarray, shape (n, d)
    grad_U : ndarray, shape (V, d)
    """
    scores = v @ U.T  # (n, V)
    chosen = scores[which, outsides]  # (P,)
    largest = scores.max(axis=1, keepdims=True)  # (n, 1)
    # In place from here on: at this size, fetching fresh memory takes as long as the arithmetic.
    scores -= largest
    exponentials = np.exp(scores, out=scores)  # (n, V)
    total = exponentials.sum(axis=1, keepdims=True)  # (n, 1)
    loss = (np.log(total)[which, 0] + (largest[which, 0] - chosen)).sum(dtype=float)

    pairs = np.bincount(which, minlength=len(v))[:, None]  # (n, 1)
    exponentials *= pairs / total
    delta = exponentials  # (n, V): yhat, once for each pair of a centre ...
    np.subtract.at(delta, (which, outsides), 1)  # ... less y
    return loss, delta @ U, delta.T @ v


def negative_sampling(v, u):
    """Negative sampling loss of P pairs, and its derivative with respect to each score.

    Equations 27 and 28, computed as 53 and 54 (handout 28 to 36).

    Parameters
    ----------
    v : ndarray, shape (P, d)
        Centre vector of each pair.
    u : ndarray, shape (P, K + 1, d)
        Outside vector of each pair, then those of its negative samples.

    Returns
    -------
    loss : float
    delta : ndarray, shape (P, K + 1)
        dJ/d(u . v): the gradient is `delta @ u` with respect to v, and `delta * v` with respect to each row of u,
        whose repeated words add up.
    """
    scores = np.matvec(u, v)  # (P, K+1)
    scores[:, 0] *= -1  # now the larger a score, the worse: -log sigmoid(-score) is the loss of each
    delta, losses = sigmoid_and_softplus(scores)  # (P, K+1)
    delta[:, 0] *= -1
    return losses.sum(dtype=float), delta


# The handout's functions: one pair, one window


def naiveSoftmaxLossAndGradient(centerWordVec, outsideWordIdx, outsideVectors, dataset):
    """Naive softmax loss of one pair and its gradients (equations 11, 14 and 20; handout 2, 10 and 15).

    Parameters
    ----------
    centerWordVec : ndarray, shape (d,)
    outsideWordIdx : int
    outsideVectors : ndarray, shape (V, d)
    dataset : object
        Not used; all losses are called alike.

    Returns
    -------
    loss : float
        -log P(outside word | centre word), at least 0.
    gradCenterVec : ndarray, shape (d,)
    gradOutsideVecs : ndarray, shape (V, d)
    """
    v = np.asarray(centerWordVec).reshape(1, -1)  # (1, d)
    loss, grad_v, grad_U = _naive_softmax(v, np.array([outsideWordIdx]), np.array([0]), outsideVectors)
    return loss, grad_v[0], grad_U


def getNegativeSamples(outsideWordIdx, dataset, K):
    """Draw the ids of `K` words other than the outside word, with `dataset.sampleTokenIdx()`.

    A draw of the outside word is repeated; the same negative may come more than once.

    Returns
    -------
    list of int, length K

    Raises
    ------
    InputError
        The data set gives nothing but the outside word.
    """
    return random_negatives(outsideWordIdx, dataset.sampleTokenIdx, K)


def negSamplingLossAndGradient(centerWordVec, outsideWordIdx, outsideVectors, dataset, K=NEGATIVES):
    """Negative sampling loss of one pair and its gradients (equations 27 to 31 and 35; handout 28 to 43).

    Parameters
    ----------
    centerWordVec : ndarray, shape (d,)
    outsideWordIdx : int
    outsideVectors : ndarray, shape (V, d)
    dataset : object
        Gives negative samples by `sampleTokenIdx()`.
    K : int
        Negative samples to draw. A word drawn m times counts m times (equation 35; handout 43).

    Returns
    -------
    loss : float
        At least 0.
    gradCenterVec : ndarray, shape (d,)
    gradOutsideVecs : ndarray, shape (V, d)
    """
    v = np.asarray(centerWordVec).reshape(1, -1)  # (1, d)
    targets = np.array([[outsideWordIdx, *getNegativeSamples(outsideWordIdx, dataset, K)]])  # (1, K+1)
    loss, grad_v, grad_U = _negative_sampling_window(v, targets, outsideVectors)
    return loss, grad_v[0], grad_U


def _negative_sampling_window(v, targets, U):
    u = U[targets]  # (P, K+1, d)
    loss, delta = negative_sampling(v, u)
    grad_U = np.zeros_like(U, dtype=delta.dtype)  # (V, d)
    np.add.at(grad_U, targets, delta[:, :, None] * v[:, None, :])
    return loss, np.vecmat(delta, u), grad_U


def skipgram(
    currentCenterWord,
    windowSize,
    outsideWords,
    word2Ind,
    centerWordVectors,
    outsideVectors,
    dataset,
    word2vecLossAndGradient=naiveSoftmaxLossAndGradient,
):
    """Loss of one context window and its gradients: sums over its outside words (equations 36 to 39; handout 44 to 47).

    Parameters
    ----------
    currentCenterWord : str
    windowSize : int
        Not used; all models are called alike.
    outsideWords : list of str
        At most 2 * windowSize words; a word may repeat.
    word2Ind : dict of str to int
    centerWordVectors, outsideVectors : ndarray, shape (V, d)
    dataset : object
        Handed to the loss.
    word2vecLossAndGradient : callable
        `naiveSoftmaxLossAndGradient`, `negSamplingLossAndGradient`, `functools.partial(negSamplingLossAndGradient,
        K=...)` (all outside words at once) or any function with their interface (one pair at a time).

    Returns
    -------
    loss : float
    gradCenterVecs : ndarray, shape (V, d)
        Zero but for the centre word's row.
    gradOutsideVectors : ndarray, shape (V, d)
    """
    centre = word2Ind[currentCenterWord]
    outsides = [word2Ind[word] for word in outsideWords]
    v = centerWordVectors[centre]  # (d,)
    K = _negatives_of(word2vecLossAndGradient)

    gradCenterVecs = np.zeros(centerWordVectors.shape)  # (V, d)
    if K is None or not outsides:
        loss, gradOutsideVectors = 0.0, np.zeros(outsideVectors.shape)  # (V, d)
        for outside in outsides:
            pair_loss, grad_v, grad_U = word2vecLossAndGradient(v, outside, outsideVectors, dataset)
            loss += pair_loss
            gradCenterVecs[centre] += grad_v
            gradOutsideVectors += grad_U
        return loss, gradCenterVecs, gradOutsideVectors

    if K == 0:
        which = np.zeros(len(outsides), dtype=int)  # (P,)
        loss, grad_v, gradOutsideVectors = _naive_softmax(v[None], np.array(outsides), which, outsideVectors)
    else:
        targets = np.array([[o, *getNegativeSamples(o, dataset, K)] for o in outsides])  # (P, K+1)
        v_of_pairs = np.broadcast_to(v, (len(outsides), len(v)))  # (P, d)
        loss, grad_v, gradOutsideVectors = _negative_sampling_window(v_of_pairs, targets, outsideVectors)
    gradCenterVecs[centre] = grad_v.sum(axis=0)
    return loss, gradCenterVecs, gradOutsideVectors


def _negatives_of(loss):
    """How many negatives a loss of ours draws per outside word: K, or 0 for naive softmax; None for other losses."""
    if loss is naiveSoftmaxLossAndGradient:
        return 0
    if loss is negSamplingLossAndGradient:
        return NEGATIVES
    if isinstance(loss, functools.partial) and loss.func is negSamplingLossAndGradient and not loss.args:
        K = loss.keywords.get("K")
        return K if set(loss.keywords) == {"K"} and isinstance(K, int) and K > 0 else None
    return None


# Minibatches


def word2vec_sgd_wrapper(
    word2vecModel,
    word2Ind,
    wordVectors,
    dataset,
    windowSize,
    word2vecLossAndGradient=naiveSoftmaxLossAndGradient,
    batchsize=BATCH_SIZE,
):
    """Mean loss of a random minibatch of windows, and its gradient: the objective that `sgd` minimizes (equation 55).

    Each window has a size drawn by `random.randint(1, windowSize)`. Where model and loss are ours and the data set
    gives ids (`dataset.minibatch`), all pairs are computed together and the gradient holds the touched rows only;
    otherwise the model is called for one window at a time. Both draw the same from `random` and return the same.

    Parameters
    ----------
    word2vecModel : callable
        `skipgram` or any function with its interface.
    word2Ind : dict of str to int
    wordVectors : ndarray, shape (2 V, d)
        Centre vectors above outside vectors.
    dataset : object
        Gives windows by `getRandomContext(size)` and negative samples by `sampleTokenIdx()`, or both by `minibatch`.
    windowSize : int
        Most words on either side of a centre word.
    word2vecLossAndGradient : callable
        See `skipgram`.
    batchsize : int
        Windows in the minibatch.

    Returns
    -------
    loss : float
    grad : ndarray or RowGradient, shape (2 V, d)

    Raises
    ------
    InputError
        A batch or window size below 1, or a data set from which no window or negative sample can be drawn.
    """
    if batchsize < 1:
        raise InputError(f"batchsize must be at least 1, got {batchsize}")
    K = _negatives_of(word2vecLossAndGradient)
    if word2vecModel is skipgram and K is not None and _gives_ids(dataset, word2Ind):
        return minibatchLossAndGradient(wordVectors, dataset.minibatch(windowSize, batchsize, K))

    V = len(wordVectors) // 2
    loss, grad = 0.0, np.zeros(wordVectors.shape)  # (2V, d)
    for _ in range(batchsize):
        size = random.randint(1, windowSize)
        centre, outsides = dataset.getRandomContext(size)
        window_loss, grad_centre, grad_outside = word2vecModel(
            centre, size, outsides, word2Ind, wordVectors[:V], wordVectors[V:], dataset, word2vecLossAndGradient
        )
        loss += window_loss / batchsize
        grad[:V] += grad_centre / batchsize
        grad[V:] += grad_outside / batchsize
    return loss, grad


def _gives_ids(dataset, word2Ind):
    """Whether the data set draws minibatches of ids, and they are the ids of `word2Ind`."""
    if not hasattr(dataset, "minibatch"):
        return False
    tokens = dataset.tokens()
    return word2Ind is tokens or word2Ind == tokens


def minibatchLossAndGradient(wordVectors, batch):
    """Mean loss of a minibatch over its windows, and the gradient, as rows (equations 55 to 57).

    Parameters
    ----------
    wordVectors : ndarray, shape (2 V, d)
        Centre vectors above outside vectors.
    batch : Minibatch
        Naive softmax if it has no negative samples, negative sampling otherwise.

    Returns
    -------
    loss : float
    grad : RowGradient, shape (2 V, d)
    """
    if batch.targets.shape[1] == 1:
        return _softmax_minibatch(wordVectors, batch)
    return _negative_sampling_minibatch(wordVectors, batch)


def _softmax_minibatch(x, batch):
    V = len(x) // 2
    centres, which = np.unique(batch.centres, return_inverse=True)  # (n,), (P,)
    loss, grad_v, grad_U = _naive_softmax(x[centres], batch.targets[:, 0] - V, which, x[V:])
    rows, values = np.append(centres, np.arange(V, 2 * V)), np.concatenate((grad_v, grad_U))  # (n + V,), (n + V, d)
    return loss / batch.windows, RowGradient.of_rows(rows, values / batch.windows, x.shape)


def _negative_sampling_minibatch(x, batch):
    read = x.take(batch.pairs, axis=0)  # (P, K+2, d)
    v, u = read[:, 0], read[:, 1:]  # (P, d), (P, K+1, d)
    loss, delta = negative_sampling(v, u)
    # Equation 56: of each pair, delta @ u goes to the row of its centre word, a multiple of v to that of each target.
    vectors = np.empty((len(v), 2, x.shape[1]), delta.dtype)  # (P, 2, d)
    np.vecmat(delta, u, out=vectors[:, 0])
    vectors[:, 1] = v
    weights = np.empty(batch.pairs.shape, delta.dtype)  # (P, K+2)
    weights[:, 0], weights[:, 1:] = 1, delta
    columns = weights.ravel(), batch.pairs.ravel(), _borders(*batch.pairs.shape)
    return loss / batch.windows, RowGradient(columns, vectors.reshape(-1, x.shape[1]), x.shape, 1 / batch.windows)


@functools.lru_cache(maxsize=1024)
def _borders(P, width):
    """Where the summands of each vector begin: one of a centre word, and those of its targets, pair by pair."""
    first = np.arange(0, P * width + 1, width)  # (P + 1,)
    borders = np.stack((first, first + 1), axis=1).ravel()[:-1]  # (2P + 1,)
    borders.flags.writeable = False
    return borders


def main(arguments=None):
    """Run the self-tests that the command line asks for, or explain methods; return the exit status."""
    methods = [*selftests.SELF_TESTS, "all"]
    parser = console.ArgumentParser(description="Self-tests of the word2vec methods: expected figures and gradients.")
    parser.add_argument("method", nargs="?", default="all", choices=[*methods, "explain"], help="what to test")
    explained = [*EXPLANATIONS, "all"]
    parser.add_argument("explained", nargs="?", choices=explained, help="after `explain`: which method (default: all)")
    page_help = "after `explain`: write a web page that goes through it step by step, instead"
    parser.add_argument("--page", type=Path, metavar="FILE.html", help=page_help)
    args = parser.parse_args(arguments)
    this = sys.modules[__name__]
    if args.page:
        return _explain_on_page(parser, args)
    if args.method == "explain":
        return 0 if explain(this, args.explained or "all") else 1
    if args.explained:
        parser.error(f"one method at a time, or `all`; got {args.method} and {args.explained}")
    return 0 if selftests.run(this, args.method) else 1


def _explain_on_page(parser, args):
    if args.method != "explain":
        parser.error(f"--page is written by `explain`; got {args.method} --page {args.page}")
    if args.page.suffix.lower() not in (".html", ".htm"):
        parser.error(f"--page must name a file that ends in .html, got {args.page}")
    from utils.pictures.steps import step_page  # its package imports matplotlib, which nothing else here needs

    step_page(args.page, args.explained or "all")
    console.say(f"wrote {args.page}: open it in a browser")
    return 0


if __name__ == "__main__":
    console.run(main)
