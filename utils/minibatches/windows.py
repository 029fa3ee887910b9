"""Context windows of whole stretches of text at a time, drawn with a `numpy.random.Generator`.

For every word of the text there is one window, of a size drawn from 1 .. C, as in word2vec's training by epochs. (The
handout's training draws single windows at random places instead: `handout.py`.) Copies of the centre word leave its
window, as there.
"""

import numpy as np

from utils.corpus.ids import Corpus


def thin_out(corpus, keep, rng):
    """Leave out words at random, and sentences of fewer than two words with them.

    Parameters
    ----------
    corpus : Corpus
    keep : ndarray of float32, shape (V,)
        The probability with which an occurrence of each word stays.
    rng : numpy.random.Generator

    Returns
    -------
    Corpus
        Its words are closer together than they were: a window reaches over those left out.
    """
    kept = rng.random(len(corpus.ids), dtype=np.float32) < keep.take(corpus.ids)  # (T,)
    before = np.concatenate(([0], np.cumsum(kept)))[corpus.offsets]  # (S + 1,)
    long_enough = np.diff(before) > 1  # (S,)
    kept &= np.repeat(long_enough, np.diff(corpus.offsets))
    offsets = np.concatenate(([0], np.cumsum(np.diff(before)[long_enough])))
    return Corpus(corpus.ids[kept], offsets)


def pairs(corpus, C, rng):
    """All (centre, outside) pairs of the windows: first those of neighbours, then those two words apart, and so on.

    Returns
    -------
    centres, outsides : ndarray of int32, shape (P,)
    """
    ids, sentence = corpus.ids, _sentences(corpus)  # (T,) each
    reach = rng.integers(1, C + 1, size=len(ids), dtype=np.int32)  # (T,)
    centres, outsides = [ids[:0]], [ids[:0]]
    for offset in range(1, min(C, len(ids) - 1) + 1):
        left, right = ids[:-offset], ids[offset:]  # (T - offset,) each
        near = (sentence[:-offset] == sentence[offset:]) & (left != right)
        forth, back = near & (reach[:-offset] >= offset), near & (reach[offset:] >= offset)
        centres += [left[forth], right[back]]
        outsides += [right[forth], left[back]]
    return np.concatenate(centres), np.concatenate(outsides)


def bags(corpus, C, rng):
    """The windows as bags of outside words, for CBOW; those without any are left out.

    Returns
    -------
    centres : ndarray of int32, shape (W,)
    outsides : ndarray of int32, shape (E,)
        Window after window.
    offsets : ndarray of int64, shape (W + 1,)
        The outside words of window w are `outsides[offsets[w] : offsets[w + 1]]`.
    """
    ids, sentence = corpus.ids, _sentences(corpus)  # (T,) each
    reach = rng.integers(1, C + 1, size=len(ids), dtype=np.int32)  # (T,)
    apart = np.delete(np.arange(-C, C + 1), C)  # (2C,): -C .. -1, 1 .. C
    places = np.arange(len(ids))[:, None] + apart  # (T, 2C)
    inside = (places >= 0) & (places < len(ids)) & (np.abs(apart) <= reach[:, None])
    places = places.clip(0, max(len(ids) - 1, 0))
    inside &= (sentence[places] == sentence[:, None]) & (ids[places] != ids[:, None])
    sizes = inside.sum(axis=1)  # (T,)
    offsets = np.concatenate(([0], np.cumsum(sizes[sizes > 0])))
    return ids[sizes > 0], ids[places[inside]], offsets


def _sentences(corpus):
    """Which sentence each word stands in: int32, shape (T,)."""
    return np.repeat(np.arange(len(corpus), dtype=np.int32), np.diff(corpus.offsets))
