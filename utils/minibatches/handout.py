"""From a corpus of ids to minibatches of (centre, outside, negative) ids, in the handout's random stream.

Everything here draws from Python's global `random`, in the order in which the handout's loops draw, so that either can
take the other's place in the middle of a training.
"""

import random
from typing import NamedTuple

import numpy as np

from utils.corpus.ids import Corpus
from utils.minibatches.stream import random_numbers
from utils.system.errors import InputError

COPIES = 30  # of the text in the expanded corpus, each subsampled anew (the handout's number)
MAX_REJECTIONS = 1_000_000  # in a row; a sampler that yields the outside word this often will yield nothing else


class Minibatch(NamedTuple):
    """The (centre, outside) pairs of some windows, as rows of the parameter matrix.

    Centre vectors are rows 0 .. V - 1 of the parameters, outside vectors rows V .. 2 V - 1.

    Attributes
    ----------
    pairs : ndarray of int64, shape (P, K + 2)
        The rows of each pair's centre word, outside word and K negative samples (K = 0: naive softmax).
    windows : int
        How many windows the pairs come from.
    """

    pairs: np.ndarray
    windows: int

    @property
    def centres(self):
        """The row of each pair's centre word: shape (P,)."""
        return self.pairs[:, 0]

    @property
    def targets(self):
        """The rows of its outside word and its negative samples: shape (P, K + 1)."""
        return self.pairs[:, 1:]


def expand(text, rejection, copies=COPIES):
    """Draw the expanded corpus: copies of the text, each subsampled, of which sentences of two or more words stay.

    One number is drawn for each word that can be rejected, in the order of the text, as the handout does.

    Parameters
    ----------
    text : Corpus
    rejection : ndarray of float, shape (V,)
        Probability with which an occurrence of each word is left out.
    copies : int

    Returns
    -------
    Corpus

    Raises
    ------
    InputError
        No sentence is left in which a word has a different neighbour, so that no context window could ever be drawn.
    """
    chances = rejection[text.ids]  # (T,)
    uncertain = np.flatnonzero(chances > 0)  # (U,)
    ids, lengths = [], []
    for _ in range(copies):
        kept = np.ones(len(text.ids), dtype=bool)
        kept[uncertain] = random_numbers(len(uncertain)) >= chances[uncertain]
        before = np.concatenate(([0], np.cumsum(kept)))[text.offsets]  # (S + 1,)
        long_enough = np.diff(before) > 1  # (S,)
        kept &= np.repeat(long_enough, np.diff(text.offsets))
        ids.append(text.ids[kept])
        lengths.append(np.diff(before)[long_enough])
    corpus = Corpus(np.concatenate(ids), np.concatenate(([0], np.cumsum(np.concatenate(lengths)))))
    if not corpus.has_context():
        raise InputError(
            "no context window can be drawn: after subsampling no sentence has two different words next to "
            f"each other ({len(corpus)} sentences left of {copies * len(text)}); give longer or more varied sentences"
        )
    return corpus


def random_window(corpus, C):
    """Draw one context window of up to `C` words on either side, again until it has an outside word.

    Returns
    -------
    (int, list of int)
        The centre word's id, and those of the outside words (copies of the centre word left out).
    """
    if C < 1:
        raise InputError(f"the context window must reach at least 1 word, got {C}")
    while True:
        sentence = corpus.sentence(random.randint(0, len(corpus) - 1))
        at = random.randint(0, len(sentence) - 1)
        centre = sentence[at]
        outsides = [w for w in sentence[max(0, at - C) : at] + sentence[at + 1 : at + C + 1] if w != centre]
        if outsides:
            return centre, outsides


def random_negatives(outside, sample, K):
    """Draw `K` ids with `sample()`, each again while it is `outside`."""
    negatives = []
    for _ in range(K):
        for _ in range(MAX_REJECTIONS):
            negative = sample()
            if negative != outside:
                break
        else:
            raise InputError(
                f"no negative sample: {MAX_REJECTIONS:,} draws in a row gave the outside word {outside} itself; "
                "the data set must be able to give at least one other word"
            )
        negatives.append(negative)
    return negatives


def draw_minibatch(corpus, sample, C, windows, K, V):
    """Draw a Minibatch as the handout's loop over windows does: a window size of 1..C, a window, its negatives.

    Parameters
    ----------
    corpus : callable
        Returns the Corpus. Called only after the first size has been drawn: a corpus that is drawn when first needed
        is drawn there, as by the handout's loop.
    sample : callable
        Returns the id of one word drawn from the noise distribution.
    C, windows, K, V : int
        Largest window size, windows, negative samples per outside word (0 for none), vocabulary size.
    """
    pairs = []
    for _ in range(windows):
        size = random.randint(1, C)
        centre, outsides = random_window(corpus(), size)
        for outside in outsides:
            pairs.append([centre - V, outside, *random_negatives(outside, sample, K)])
    return Minibatch(np.array(pairs) + V, windows)
