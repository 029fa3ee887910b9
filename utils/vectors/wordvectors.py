"""Word vectors to ask questions of: similarity, neighbours, analogies, one at a time or thousands at once.

Names and behaviour are those that users of gensim's KeyedVectors know; where they differ, the method says so.
"""

import functools
import numbers
from difflib import get_close_matches
from unicodedata import normalize

import numpy as np

from utils.system.errors import InputError

METHODS = ("3CosAdd", "3CosMul")  # Levy & Goldberg 2014, "Linguistic Regularities", equations 3 and 4
EPSILON = 1e-6  # keeps the quotient of 3CosMul finite; gensim's
CHUNK_BYTES = 2**26  # of scores at a time, however many queries there are
SCORE_ARRAYS = 3  # as large as all scores of a chunk: 3CosMul has a numerator, a denominator and one of its factors
NEAR_SPELLINGS = 3


class UnknownWord(InputError, KeyError):
    """A word that has no vector. Why that may be is looked for only when the message is read.

    Parameters
    ----------
    word : str
    words : list of str
        Those that have one.
    """

    def __init__(self, word, words):
        super().__init__(word, words)
        self.word, self.words = word, words

    def __str__(self):
        message = f"{self.word!r} is not among the {len(self.words)} words"
        plain = _caseless(self.word)
        if same := [word for word in self.words if _caseless(word) == plain]:
            return f"{message}, but {_listed(same)} is: write it so"
        # Only words of about this length that begin or end alike: to compare with all of a large vocabulary takes long.
        similar = [word for word in self.words if plain and abs(len(word) - len(plain)) <= 2 and _meet(word, plain)]
        near = get_close_matches(plain, similar, NEAR_SPELLINGS)
        hint = f"; near spellings: {_listed(near)}" if near else ""
        return f"{message}: it may be too rare to have been kept, or cut off by a limit{hint}"


def _caseless(word):
    return normalize("NFC", word).casefold()


def _meet(word, other):
    return word[:1] == other[:1] or word[-1:] == other[-1:]


def _listed(words):
    return ", ".join(map(repr, words[:NEAR_SPELLINGS]))


class WordVectors:
    """Words with a vector each.

    Parameters
    ----------
    words : sequence of str, length n
        All different.
    vectors : array_like of float, shape (n, d)
        Kept, not copied (integers become float64): leave it as it is afterwards.

    Attributes
    ----------
    words : list of str, length n
    vectors : ndarray of float, shape (n, d)
        Read-only.
    index : dict of str to int
        The row of each word.
    directions : ndarray of float32 or float64, shape (n, d)
        Rows of unit length, read-only; a zero row stays zero. Made when first needed; float64 for vectors wider than
        float32.

    Raises
    ------
    InputError
        No words, a word twice, another number of words than of rows, no matrix of real numbers, NaN or infinity.
    """

    def __init__(self, words, vectors):
        self.words = list(words)
        self.vectors = _matrix(vectors)  # (n, d)
        self.index = {word: i for i, word in enumerate(self.words)}
        self._check()

    def _check(self):
        if not self.words:
            raise InputError("word vectors need at least one word, got none")
        if len(self.words) != len(self.vectors):
            raise InputError(f"each word needs one row, got {len(self.words)} words and {len(self.vectors)} rows")
        for i, word in enumerate(self.words):
            if not isinstance(word, str):
                raise InputError(f"a word must be a str, got {word!r} in row {i}")
            if self.index[word] != i:
                raise InputError(f"words must differ, got {word!r} in rows {i} and {self.index[word]}: keep only one")
        if (bad := _first_not_finite(self.vectors)) is not None:
            raise InputError(f"the vector of {self.words[bad]!r} (row {bad}) holds NaN or infinity: leave it out")

    @functools.cached_property
    def directions(self):
        directions = _unit_rows(self.vectors, _working_type(self.vectors))  # (n, d)
        directions.setflags(write=False)
        return directions

    def __len__(self):
        return len(self.words)

    def __contains__(self, word):
        return word in self.index

    def __getitem__(self, word):
        """The vector of a word, shape (d,), or those of a list of w words, shape (w, d); UnknownWord, a KeyError."""
        return self.vectors[self._row(word) if isinstance(word, str) else self._rows(word)]

    def similarity(self, a, b):
        """The cosine of two words, between -1 and 1 (but for rounding); 0 if a vector is zero."""
        return float(self.directions[self._row(a)] @ self.directions[self._row(b)])

    def nearest(self, vector, topn=10):
        """As `most_similar`, for a vector of shape (d,)."""
        return self._named(*self.nearest_many(self._vector(vector)[None], topn))

    def most_similar(self, positive=None, negative=None, topn=10):
        """The words with the largest cosine to the mean of some unit vectors; never one of the words asked with.

        Parameters
        ----------
        positive, negative : str, ndarray of shape (d,), or a list of these
            In place of each also a pair of it and a weight. Without one, the positive count 1 and the negative -1; a
            weight that is given is taken with its own sign, a vector that is given with its own length.
        topn : int
            At least 1. There are fewer if the words run out.

        Returns
        -------
        list of (str, float)
            The most similar first; equally similar ones in the order of the words.

        Raises
        ------
        UnknownWord, InputError
        """
        terms = [_weighted(key, 1.0) for key in _keys(positive)] + [_weighted(key, -1.0) for key in _keys(negative)]
        if not terms:
            raise InputError("most_similar wants at least one word or vector, got none")
        total = sum(weight * self._term(key) for key, weight in terms)  # (d,)
        return self._named(*self.nearest_many(total[None], topn, self._asked(key for key, _ in terms)))

    def most_similar_cosmul(self, positive=None, negative=None, topn=10):
        """As `most_similar`, without weights, by the product of shifted cosines (Levy & Goldberg 2014, equation 4).

        The score is the product of (1 + cos) / 2 over the positive, divided by 1e-6 more than that over the negative.
        """
        sides = [_keys(positive), _keys(negative)]
        if not sides[0]:
            raise InputError("most_similar_cosmul wants at least one positive word or vector, got none")
        units = [[_unit_rows(self._term(key)[None], self.directions.dtype) for key in side] for side in sides]
        return self._named(*self._best(1, lambda part: self._product(*units), topn, self._asked(sides[0] + sides[1])))

    def analogy(self, a, b, c, method="3CosAdd", topn=10):
        """What is to `c` as `b` is to `a`? The `topn` best words with their scores; never one of the three.

        Parameters
        ----------
        a, b, c : str
        method : {"3CosAdd", "3CosMul"}
            `most_similar` or `most_similar_cosmul`, with `b` and `c` as the positive words and `a` as the negative.
        topn : int

        Returns
        -------
        list of (str, float)
        """
        return self._named(*self.analogy_many(self._rows([a]), self._rows([b]), self._rows([c]), method, topn))

    def doesnt_match(self, words):
        """The word of a list whose cosine to the mean of their unit vectors is smallest.

        Raises
        ------
        UnknownWord
            gensim leaves such words out instead.
        InputError
            Fewer than three words: of two, none differs more.
        """
        words = list(words)
        if len(words) < 3:
            raise InputError(f"doesnt_match wants at least three words to compare, got {len(words)}")
        directions = self.directions[self._rows(words)]  # (w, d)
        return words[int((directions @ directions.mean(axis=0)).argmin())]

    # Many queries at once

    def nearest_many(self, queries, topn=10, exclude=None):
        """The rows with the largest cosine to each of many vectors.

        Memory besides arguments, result and `directions`: CHUNK_BYTES, or what a single query needs if that is more.

        Parameters
        ----------
        queries : ndarray of float, shape (q, d)
        topn : int
            At least 1.
        exclude : ndarray of int, shape (q, m), optional
            Rows that an answer leaves out; -1 stands for none.

        Returns
        -------
        ids : ndarray of int64, shape (q, min(topn, n))
            The best row first, equal ones in their order; -1 where none is left.
        scores : ndarray of the type of `directions`, shape (q, min(topn, n))
            Their cosines (0 for a query of zeros); -inf where none is left.
        """
        queries, d = _matrix(queries), self.vectors.shape[1]
        if queries.shape[1] != d:
            raise InputError(f"queries need {d} columns as the vectors have, got {queries.shape[1]}")
        if (bad := _first_not_finite(queries)) is not None:
            raise InputError(f"query {bad} holds NaN or infinity")

        def cosines(part):
            return _unit_rows(queries[part], self.directions.dtype) @ self.directions.T

        return self._best(len(queries), cosines, topn, exclude)

    def analogy_many(self, a, b, c, method="3CosAdd", topn=1):
        """As `analogy`, for q questions, in terms of rows.

        Memory as for `nearest_many`.

        Parameters
        ----------
        a, b, c : array_like of int, shape (q,)
            Rows of the three words of each question.
        method : {"3CosAdd", "3CosMul"}
        topn : int

        Returns
        -------
        ids, scores : ndarray, shape (q, min(topn, n))
            As from `nearest_many`, without the three words.
        """
        if method not in METHODS:
            raise InputError(f"method must be {' or '.join(METHODS)}, got {method!r}")
        asked = np.stack([a, b, c], axis=1).astype(np.int64)  # (q, 3)
        if asked.size and not 0 <= asked.min() <= asked.max() < len(self):
            raise InputError(f"rows of words lie between 0 and {len(self) - 1}, got {asked.min()} to {asked.max()}")

        def scores(part):
            ua, ub, uc = self.directions[asked[part].T]  # (rows, d) each
            if method == "3CosMul":
                return self._product([ub, uc], [ua])
            return _unit_rows(ub - ua + uc, ua.dtype) @ self.directions.T

        return self._best(len(asked), scores, topn, asked)

    def _product(self, positive, negative):
        """The scores of 3CosMul for two lists of unit vectors, shape (rows, d) each: (rows, n)."""
        return np.divide(numerator := self._factors(positive), self._factors(negative) + EPSILON, out=numerator)

    def _factors(self, units):
        product = np.ones(1, self.directions.dtype)
        for rows in units:
            factor = rows @ self.directions.T  # (rows, n)
            factor += 1
            factor /= 2
            factor *= product
            product = factor
        return product

    def _best(self, q, scores_of, topn, exclude):
        """Rank all rows for q queries, a chunk at a time; `scores_of(slice)` gives its scores, a fresh (rows, n)."""
        n, dtype = self.directions.shape[0], self.directions.dtype
        if isinstance(topn, bool) or not isinstance(topn, numbers.Integral) or topn < 1:
            raise InputError(f"topn must be a whole number of at least 1, got {topn!r}")
        exclude = np.empty((q, 0), np.int64) if exclude is None else np.asarray(exclude)
        if exclude.ndim != 2 or len(exclude) != q:
            raise InputError(f"exclude needs one row of ids for each of the {q} queries, got shape {exclude.shape}")
        ids, best = np.empty((q, min(topn, n)), np.int64), np.empty((q, min(topn, n)), dtype)
        step = max(1, CHUNK_BYTES // (SCORE_ARRAYS * n * dtype.itemsize))
        for start in range(0, q, step):
            part = slice(start, start + step)
            scores = scores_of(part)  # (rows, n)
            rows, columns = np.nonzero(exclude[part] >= 0)
            scores[rows, exclude[part][rows, columns]] = -np.inf
            for i, row in enumerate(scores, start):
                ids[i] = _largest(row, ids.shape[1])
                best[i] = row[ids[i]]
            del scores, row  # before the next chunk is made
        ids[best == -np.inf] = -1
        return ids, best

    # From what a person writes to rows and vectors, and back

    def _row(self, word):
        if not isinstance(word, str):
            raise InputError(f"wanted a word, got {word!r}")
        if word not in self.index:
            raise UnknownWord(word, self.words)
        return self.index[word]

    def _rows(self, words):
        return np.array([self._row(word) for word in words], dtype=np.int64)

    def _vector(self, vector):
        if np.shape(vector) != self.vectors.shape[1:]:
            raise InputError(f"wanted a vector of {self.vectors.shape[1]} numbers, got shape {np.shape(vector)}")
        return _matrix([vector])[0]

    def _term(self, key):
        return self._vector(key) if isinstance(key, np.ndarray) else self.directions[self._row(key)]

    def _asked(self, keys):
        return self._rows(key for key in keys if isinstance(key, str))[None]  # (1, m)

    def _named(self, ids, scores):
        return [(self.words[i], score.item()) for i, score in zip(ids[0], scores[0], strict=True) if i >= 0]


def _keys(given):
    """A list of what a person gave: nothing, one word, vector or pair, or several of them."""
    if given is None:
        return []
    vector = isinstance(given, np.ndarray) and given.ndim == 1
    return [given] if vector or isinstance(given, str | numbers.Number) or _is_pair(given) else list(given)


def _is_pair(key):
    return isinstance(key, tuple) and len(key) == 2 and isinstance(key[1], numbers.Real)


def _weighted(key, weight):
    return (key[0], float(key[1])) if _is_pair(key) else (key, weight)


def _matrix(vectors):
    try:
        vectors = np.asarray(vectors).view()
    except ValueError:
        raise InputError("vectors must have the same length, got different ones") from None
    if vectors.ndim != 2 or not vectors.shape[1] or vectors.dtype.kind not in "fiu":
        raise InputError(f"wanted a matrix of real numbers, got shape {vectors.shape} of {vectors.dtype}")
    vectors = vectors.astype(vectors.dtype.newbyteorder("=") if vectors.dtype.kind == "f" else np.float64, copy=False)
    vectors.setflags(write=False)
    return vectors


def _first_not_finite(matrix):
    good = np.isfinite(matrix).all(axis=1)
    return None if good.all() else int(good.argmin())


def _working_type(vectors):
    return np.float32 if vectors.dtype.itemsize <= np.dtype(np.float32).itemsize else np.float64


def _unit_rows(vectors, dtype):
    """Rows of unit length, of any finite numbers: a fresh array, shape (n, d). Zero rows stay zero."""
    if not len(vectors):
        return np.zeros(vectors.shape, dtype)
    largest = np.maximum(vectors.max(axis=1), -vectors.min(axis=1))[:, None]  # (n, 1)
    # The largest number of each row becomes 1: squares of very large or very small ones leave the range.
    scale = np.where(largest == 0, 1, largest)
    units = np.divide(vectors, scale, dtype=np.result_type(vectors, dtype)).astype(dtype, copy=False)  # (n, d)
    lengths = np.sqrt(np.einsum("nd,nd->n", units, units))[:, None]  # (n, 1), at least 1 but for zero rows
    units /= np.maximum(lengths, 1)
    return units


def _largest(scores, k):
    """Indices of the k largest of the scores, shape (n,), the largest first, equal ones in their order."""
    least = np.partition(scores, len(scores) - k)[len(scores) - k]
    candidates = np.flatnonzero(scores >= least)  # more than k where several equal the least
    return candidates[np.argsort(-scores[candidates], kind="stable")[:k]]
