"""The text of a training by epochs, in pieces that fit into memory."""

import itertools
from typing import NamedTuple

import numpy as np

from utils.corpus.ids import Corpus
from utils.system.errors import InputError

CHUNK = 1 << 16  # words of text that are read, and whose windows are drawn, at a time


class Chunk(NamedTuple):
    """A piece of the text in one of the epochs.

    Attributes
    ----------
    number : int
        From 0 on, over all epochs.
    text : Corpus
    begin, end : float
        The shares of all words to read, in all epochs, that come before it and up to its end.
    """

    number: int
    text: Corpus
    begin: float
    end: float


class Piece(NamedTuple):
    """A part of a chunk, to train on like a chunk; its number, which decides what is drawn, is that of no other.

    Attributes
    ----------
    number, text, begin, end
        As of a Chunk.
    place : (int, int)
        Of the chunk in the text, and of the piece in the chunk: the same in each epoch.
    """

    number: int
    text: Corpus
    begin: float
    end: float
    place: tuple[int, int]


class Chunks:
    """The chunks of all epochs, in order: whole sentences, of about CHUNK words together.

    Parameters
    ----------
    corpus : Corpus
        Its arrays may be memory-mapped: only the chunk asked for is read.
    epochs : int
    held_out : float
        Share of the sentences that is kept back, to measure the loss on; drawn by the seed.
    seed : int
    """

    def __init__(self, corpus, epochs, held_out=0.0, seed=0):
        if not 0 <= held_out < 1:
            raise InputError(f"the share to hold out must be at least 0 and below 1, got {held_out}")
        self.corpus, self.epochs, self.held_out, self.seed = corpus, epochs, held_out, seed
        offsets, words = corpus.offsets, corpus.offsets[-1]
        if words == 0:
            raise InputError("the text has no words: there is nothing to learn from")
        first = np.searchsorted(offsets, np.arange(0, words, CHUNK), side="right") - 1  # sentences
        self._borders = [*np.unique(first).tolist(), len(offsets) - 1]
        self.in_text = len(self._borders) - 1

    def __len__(self):
        return self.epochs * self.in_text

    def __getitem__(self, number):
        i = number % self.in_text
        text = self._sentences(i)
        if self.held_out:
            text = text.select(~self._kept_back(i, len(text)))
        begin, end = (self.words_before(n) / self.words_before(len(self)) for n in (number, number + 1))
        return Chunk(number, text, begin, end)

    def pieces(self, number, count):
        """Cut a chunk into `count` pieces of whole sentences, with about as many words each: a list of Piece."""
        chunk = self[number]
        offsets, words = chunk.text.offsets, chunk.text.offsets[-1].item()
        borders = np.searchsorted(offsets, words * np.arange(count) // count).tolist() + [len(offsets) - 1]
        shares = [chunk.begin + (chunk.end - chunk.begin) * offsets[i].item() / max(1, words) for i in borders]
        return [
            Piece(
                number * CHUNK + i,
                Corpus(chunk.text.ids[offsets[first] : offsets[last]], offsets[first : last + 1] - offsets[first]),
                *shares[i : i + 2],
                (number % self.in_text, i),
            )
            for i, (first, last) in enumerate(itertools.pairwise(borders))
        ]

    def kept_back(self, i):
        """The sentences of chunk `i` of the text that are held out, as a Chunk whose number no epoch has."""
        text = self._sentences(i)
        return Chunk(len(self) + i, text.select(self._kept_back(i, len(text))), 1.0, 1.0)

    def _sentences(self, i):
        offsets = np.array(self.corpus.offsets[self._borders[i] : self._borders[i + 1] + 1])
        return Corpus(np.array(self.corpus.ids[offsets[0] : offsets[-1]]), offsets - offsets[0])

    def _kept_back(self, i, sentences):
        return np.random.default_rng([self.seed, i]).random(sentences) < self.held_out

    def words_before(self, number):
        """How many words all chunks before this one have together, over all epochs."""
        epoch, i = divmod(number, self.in_text)
        return epoch * self.corpus.offsets[-1].item() + self.corpus.offsets[self._borders[i]].item()
