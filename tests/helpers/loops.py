"""The handout's data set in its plain loops: the oracle for whatever is drawn."""

import math
import random

import numpy as np


class Loops:
    """The handout's data set class, in its plain loops; words are those of the raw text."""

    def __init__(self, folder, tablesize):
        lines = (folder / "datasetSentences.txt").read_text(encoding="utf-8").split("\n")[1:]
        self.sentences = [[word.lower() for word in line.split()[1:]] for line in lines if line]
        self.tablesize = tablesize
        self.tokens, self.frequencies, self.wordcount = {}, [], 0
        for word in [word for sentence in self.sentences for word in sentence] + ["UNK"]:
            self.wordcount += 1
            if word not in self.tokens:
                self.tokens[word] = len(self.tokens)
                self.frequencies.append(0)
            self.frequencies[self.tokens[word]] += 1
        self.corpus = self.table = None

    def rejectProb(self):
        threshold = 1e-5 * self.wordcount
        return [max(0.0, 1 - math.sqrt(threshold / (1.0 * frequency))) for frequency in self.frequencies]

    def allSentences(self):
        if self.corpus is None:
            reject, tokens = self.rejectProb(), self.tokens
            copies = [
                [w for w in s if reject[tokens[w]] <= 0 or random.random() >= reject[tokens[w]]]
                for s in self.sentences * 30
            ]
            self.corpus = [sentence for sentence in copies if len(sentence) > 1]
        return self.corpus

    def getRandomContext(self, C):
        sentences = self.allSentences()
        sentence = sentences[random.randint(0, len(sentences) - 1)]
        at = random.randint(0, len(sentence) - 1)
        context = sentence[max(0, at - C) : at] + sentence[at + 1 : min(len(sentence), at + C + 1)]
        context = [word for word in context if word != sentence[at]]
        return (sentence[at], context) if context else self.getRandomContext(C)

    def sampleTable(self):
        if self.table is None:
            self.allSentences()
            weights = np.array([(1.0 * frequency) ** 0.75 for frequency in self.frequencies])
            weights /= np.sum(weights)
            cumulated = (np.cumsum(weights) * self.tablesize).tolist()
            self.table, j = [0] * self.tablesize, 0
            for i in range(self.tablesize):
                while i > cumulated[j]:
                    j += 1
                self.table[i] = j
        return self.table

    def sampleTokenIdx(self):
        return self.sampleTable()[random.randint(0, self.tablesize - 1)]
