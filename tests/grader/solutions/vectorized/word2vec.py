"""A correct solution with array operations, as a good student writes it; the mutants are made from it."""

import random

import numpy as np

from utils.utils import softmax


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def naiveSoftmaxLossAndGradient(centerWordVec, outsideWordIdx, outsideVectors, dataset):
    scores = outsideVectors @ centerWordVec  # (V,)
    yhat = softmax(scores)
    loss = -np.log(yhat[outsideWordIdx])
    delta = yhat.copy()
    delta[outsideWordIdx] -= 1
    gradCenterVec = outsideVectors.T @ delta
    gradOutsideVecs = np.outer(delta, centerWordVec)
    return loss, gradCenterVec, gradOutsideVecs


def getNegativeSamples(outsideWordIdx, dataset, K):
    samples = []
    while len(samples) < K:
        index = dataset.sampleTokenIdx()
        if index != outsideWordIdx:
            samples.append(index)
    return samples


def negSamplingLossAndGradient(centerWordVec, outsideWordIdx, outsideVectors, dataset, K=10):
    negatives = getNegativeSamples(outsideWordIdx, dataset, K)
    u_o, u_k = outsideVectors[outsideWordIdx], outsideVectors[negatives]  # (d,), (K, d)
    p_o, p_k = sigmoid(u_o @ centerWordVec), sigmoid(-u_k @ centerWordVec)
    loss = -np.log(p_o) - np.sum(np.log(p_k))
    gradCenterVec = (p_o - 1) * u_o + (1 - p_k) @ u_k
    gradOutsideVecs = np.zeros_like(outsideVectors)
    gradOutsideVecs[outsideWordIdx] = (p_o - 1) * centerWordVec
    np.add.at(gradOutsideVecs, negatives, np.outer(1 - p_k, centerWordVec))
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
    loss = 0.0
    gradCenterVecs = np.zeros(centerWordVectors.shape)
    gradOutsideVectors = np.zeros(outsideVectors.shape)
    centre = word2Ind[currentCenterWord]
    for word in outsideWords:
        index = word2Ind[word]
        pair_loss, grad_v, grad_U = word2vecLossAndGradient(centerWordVectors[centre], index, outsideVectors, dataset)
        loss += pair_loss
        gradCenterVecs[centre] += grad_v
        gradOutsideVectors += grad_U
    return loss, gradCenterVecs, gradOutsideVectors


def word2vec_sgd_wrapper(
    word2vecModel, word2Ind, wordVectors, dataset, windowSize, word2vecLossAndGradient=naiveSoftmaxLossAndGradient
):
    batchsize = 50
    loss, grad = 0.0, np.zeros(wordVectors.shape)
    V = wordVectors.shape[0] // 2
    for _ in range(batchsize):
        size = random.randint(1, windowSize)
        centerWord, context = dataset.getRandomContext(size)
        window_loss, grad_centre, grad_outside = word2vecModel(
            centerWord, size, context, word2Ind, wordVectors[:V], wordVectors[V:], dataset, word2vecLossAndGradient
        )
        loss += window_loss / batchsize
        grad[:V] += grad_centre / batchsize
        grad[V:] += grad_outside / batchsize
    return loss, grad
