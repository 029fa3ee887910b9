"""The word2vec assignment: write the four parts that are missing.

    python word2vec.py                     # test everything
    python word2vec.py sigmoid             # test one part
    python word2vec.py naiveSoftmaxLossAndGradient
    python word2vec.py negSamplingLossAndGradient
    python word2vec.py skipgram
    python word2vec.py explain skipgram    # its equations, and a worked example beside what your code returns

Vectors are rows: V is the size of the vocabulary, d the dimension, K the number of negative samples.
"""

import random
import sys

import numpy as np

from utils.utils import softmax


def sigmoid(x):
    """1 / (1 + exp(-x)) of each entry of `x`, a number or an array of any shape; the result has the same shape.

    Try 1000 and -1000: exp must not overflow. `x` itself must not change.
    """
    s = None
    # ==== Your code here: set s (1 to 3 lines) ====
    raise NotImplementedError("sigmoid is not written yet")
    # ==== End of your code ====
    return s


def naiveSoftmaxLossAndGradient(centerWordVec, outsideWordIdx, outsideVectors, dataset):
    """Naive softmax loss of one pair of words, and its gradients.

    Parameters
    ----------
    centerWordVec : ndarray, shape (d,)
        v_c of the written part.
    outsideWordIdx : int
        o: which row of `outsideVectors` is u_o.
    outsideVectors : ndarray, shape (V, d)
        U of the written part, transposed.
    dataset : object
        Not needed here.

    Returns
    -------
    loss : float
    gradCenterVec : ndarray, shape (d,)
        dJ/dv_c, your answer to (b).
    gradOutsideVecs : ndarray, shape (V, d)
        dJ/du_w in row w, your answer to (d) and (e).
    """
    loss = gradCenterVec = gradOutsideVecs = None
    # ==== Your code here: set loss, gradCenterVec and gradOutsideVecs (about 6 lines; `softmax` is imported) ====
    raise NotImplementedError("naiveSoftmaxLossAndGradient is not written yet")
    # ==== End of your code ====
    return loss, gradCenterVec, gradOutsideVecs


def getNegativeSamples(outsideWordIdx, dataset, K):
    """Draw the ids of `K` words other than the outside word; one may come several times."""
    samples = []
    while len(samples) < K:
        sample = dataset.sampleTokenIdx()
        if sample != outsideWordIdx:
            samples.append(sample)
    return samples


def negSamplingLossAndGradient(centerWordVec, outsideWordIdx, outsideVectors, dataset, K=10):
    """Negative sampling loss of one pair of words, and its gradients.

    A negative that was drawn twice counts twice: your answer to (i).

    Parameters and returns: as `naiveSoftmaxLossAndGradient`. Rows of `gradOutsideVecs` are zero, except for the outside
    word's and the negatives'.
    """
    negSampleWordIndices = getNegativeSamples(outsideWordIdx, dataset, K)
    indices = [outsideWordIdx, *negSampleWordIndices]
    loss = gradCenterVec = gradOutsideVecs = None
    # ==== Your code here: set loss, gradCenterVec and gradOutsideVecs, from the K + 1 `indices` (about 10 lines) ====
    raise NotImplementedError("negSamplingLossAndGradient is not written yet")
    # ==== End of your code ====
    return loss, gradCenterVec, gradOutsideVecs


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
    """Loss of one window, and its gradients: your answer to (j).

    Parameters
    ----------
    currentCenterWord : str
    windowSize : int
        Not needed here.
    outsideWords : list of str
        A word may come several times.
    word2Ind : dict of str to int
        The row of each word.
    centerWordVectors, outsideVectors : ndarray, shape (V, d)
    dataset : object
        For the loss.
    word2vecLossAndGradient : callable
        One of the two losses above; call it for each outside word.

    Returns
    -------
    loss : float
    gradCenterVecs, gradOutsideVectors : ndarray, shape (V, d)
    """
    loss = 0.0
    gradCenterVecs = np.zeros(centerWordVectors.shape)
    gradOutsideVectors = np.zeros(outsideVectors.shape)
    # ==== Your code here: add up loss, gradCenterVecs and gradOutsideVectors (about 8 lines) ====
    raise NotImplementedError("skipgram is not written yet")
    # ==== End of your code ====
    return loss, gradCenterVecs, gradOutsideVectors


# Nothing is missing from here on.


def word2vec_sgd_wrapper(
    word2vecModel,
    word2Ind,
    wordVectors,
    dataset,
    windowSize,
    word2vecLossAndGradient=naiveSoftmaxLossAndGradient,
):
    """Mean loss of 50 random windows, and its gradient: what `sgd` minimises.

    `wordVectors`, shape (2 V, d), holds the centre vectors above the outside vectors.
    """
    batchsize = 50
    V = len(wordVectors) // 2
    loss, grad = 0.0, np.zeros(wordVectors.shape)
    for _ in range(batchsize):
        size = random.randint(1, windowSize)
        centre, context = dataset.getRandomContext(size)
        window_loss, grad_centre, grad_outside = word2vecModel(
            centre, size, context, word2Ind, wordVectors[:V], wordVectors[V:], dataset, word2vecLossAndGradient
        )
        loss += window_loss / batchsize
        grad[:V] += grad_centre / batchsize
        grad[V:] += grad_outside / batchsize
    return loss, grad


def main():
    """Test or explain what the command line names; return the exit status."""
    from utils import selftests
    from utils.explain import explain

    words = sys.argv[1:]
    act, verb = (explain, words.pop(0)) if words[:1] == ["explain"] else (selftests.run, "test")
    method = words[0] if words else "all"
    if method not in (*selftests.SELF_TESTS, "all") or len(words) > 1:
        print(f"error: there is nothing to {verb} called {' '.join(words)}; wanted {', '.join(selftests.SELF_TESTS)}")
        return 2
    try:
        return 0 if act(sys.modules[__name__], method) else 1
    except NotImplementedError as missing:
        print(missing)
        return 1


if __name__ == "__main__":
    sys.exit(main())
