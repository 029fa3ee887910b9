"""A correct solution that loops over everything, keeps a loss of shape (1,), and guards its logarithms."""

import random

import numpy as np


def sigmoid(x):
    return np.exp(-np.logaddexp(0, -x))


def naiveSoftmaxLossAndGradient(centerWordVec, outsideWordIdx, outsideVectors, dataset):
    V, d = outsideVectors.shape
    scores = np.zeros(V)
    for w in range(V):
        scores[w] = np.dot(outsideVectors[w], centerWordVec)
    exponentials = np.exp(scores - max(scores))
    yhat = exponentials / sum(exponentials)
    loss = -np.log(yhat[outsideWordIdx : outsideWordIdx + 1])
    gradCenterVec, gradOutsideVecs = np.zeros(d), np.zeros((V, d))
    for w in range(V):
        delta = yhat[w] - (1 if w == outsideWordIdx else 0)
        gradCenterVec += delta * outsideVectors[w]
        gradOutsideVecs[w] = delta * centerWordVec
    return loss, gradCenterVec, gradOutsideVecs


def getNegativeSamples(outsideWordIdx, dataset, K):
    negatives = [None] * K
    for k in range(K):
        index = dataset.sampleTokenIdx()
        while index == outsideWordIdx:
            index = dataset.sampleTokenIdx()
        negatives[k] = index
    return negatives


def negSamplingLossAndGradient(centerWordVec, outsideWordIdx, outsideVectors, dataset, K=10):
    gradCenterVec, gradOutsideVecs = np.zeros(centerWordVec.shape), np.zeros(outsideVectors.shape)
    p = sigmoid(np.dot(outsideVectors[outsideWordIdx], centerWordVec))
    loss = -np.log(p + 1e-12)
    gradCenterVec += (p - 1) * outsideVectors[outsideWordIdx]
    gradOutsideVecs[outsideWordIdx] += (p - 1) * centerWordVec
    for k in getNegativeSamples(outsideWordIdx, dataset, K):
        q = sigmoid(-np.dot(outsideVectors[k], centerWordVec))
        loss -= np.log(q + 1e-12)
        gradCenterVec += (1 - q) * outsideVectors[k]
        gradOutsideVecs[k] += (1 - q) * centerWordVec
    return np.array([loss]), gradCenterVec.reshape(1, -1), gradOutsideVecs


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
    loss = 0.0
    gradCenterVecs, gradOutsideVectors = np.zeros(centerWordVectors.shape), np.zeros(outsideVectors.shape)
    v = centerWordVectors[word2Ind[currentCenterWord]]
    for word in outsideWords:
        l, g, G = word2vecLossAndGradient(  # noqa: E741
            centerWordVec=v, outsideWordIdx=word2Ind[word], outsideVectors=outsideVectors, dataset=dataset
        )
        loss = loss + l
        gradCenterVecs[word2Ind[currentCenterWord], :] += np.squeeze(g)
        gradOutsideVectors = gradOutsideVectors + G
    return loss, gradCenterVecs, gradOutsideVectors


def word2vec_sgd_wrapper(
    word2vecModel, word2Ind, wordVectors, dataset, windowSize, word2vecLossAndGradient=naiveSoftmaxLossAndGradient
):
    batchsize, loss, grad = 50, 0.0, np.zeros(wordVectors.shape)
    V = int(wordVectors.shape[0] / 2)
    for _ in range(batchsize):
        size = random.randint(1, windowSize)
        word, context = dataset.getRandomContext(size)
        c, gin, gout = word2vecModel(
            word, size, context, word2Ind, wordVectors[:V, :], wordVectors[V:, :], dataset, word2vecLossAndGradient
        )
        loss += c / batchsize
        grad[:V, :] += gin / batchsize
        grad[V:, :] += gout / batchsize
    return loss, grad
