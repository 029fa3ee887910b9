"""The text and the draws of the starter code's StanfordSentiment; the treebank's labels are not needed for grading."""

import random
from pathlib import Path

import numpy as np


class StanfordSentiment:
    """The sentences of the treebank in a folder, and random windows and words of them."""

    def __init__(self, path=None, tablesize=1000000):
        self.path, self.tablesize = path or "utils/datasets/stanfordSentimentTreebank", tablesize

    def sentences(self):
        if not hasattr(self, "_sentences"):
            lines = Path(self.path, "datasetSentences.txt").read_text(encoding="utf-8").splitlines()[1:]
            self._sentences = [[word.lower() for word in line.split()[1:]] for line in lines]
        return self._sentences

    def tokens(self):
        if not hasattr(self, "_tokens"):
            words = dict.fromkeys(word for sentence in self.sentences() for word in sentence)
            self._tokens = {word: i for i, word in enumerate([*words, "UNK"])}
        return self._tokens

    def counts(self):
        """How often each word occurs: array of the vocabulary's size; "UNK" counts once."""
        ids = [self.tokens()[word] for sentence in self.sentences() for word in sentence]
        return np.bincount([*ids, len(self.tokens()) - 1])

    def rejectProb(self):
        if not hasattr(self, "_reject"):
            counts = self.counts()
            self._reject = np.maximum(0, 1 - np.sqrt(1e-5 * counts.sum() / counts))
        return self._reject

    def allSentences(self):
        if not hasattr(self, "_all"):
            tokens, reject = self.tokens(), self.rejectProb()
            kept = (
                [word for word in sentence if reject[tokens[word]] <= 0 or random.random() >= reject[tokens[word]]]
                for sentence in self.sentences() * 30
            )
            self._all = [sentence for sentence in kept if len(sentence) > 1]
        return self._all

    def getRandomContext(self, C=5):
        while True:
            sentence = random.choice(self.allSentences())
            at = random.randint(0, len(sentence) - 1)
            context = sentence[max(0, at - C) : at] + sentence[at + 1 : at + C + 1]
            if context := [word for word in context if word != sentence[at]]:
                return sentence[at], context

    def sampleTable(self):
        if not hasattr(self, "_table"):
            weights = self.counts() ** 0.75
            self._table = np.searchsorted(np.cumsum(weights / weights.sum()), np.linspace(0, 1, self.tablesize, False))
        return self._table

    def sampleTokenIdx(self):
        return self.sampleTable()[random.randint(0, self.tablesize - 1)]
