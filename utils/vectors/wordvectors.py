"""Word vectors and their queries: similarity, neighbours, analogies, one at a time or thousands at once.

Names and behaviour follow gensim's KeyedVectors; where they differ, the method says so.
"""

from __future__ import annotations

import functools
import numbers
from collections.abc import Callable, Iterable, Iterator, Sequence
from difflib import get_close_matches
from os import PathLike
from unicodedata import normalize

import numpy as np
from numpy.typing import ArrayLike

from utils.system.errors import InputError
from utils.vectors import storage
from utils.vectors.subwords import Subwords

METHODS = ("3CosAdd", "3CosMul")  # Levy & Goldberg 2014, "Linguistic Regularities", equations 3 and 4
EPSILON = 1e-6  # keeps the quotient of 3CosMul finite; gensim's
CHUNK_BYTES = 2**26  # of scores at a time, however many queries there are
SCORE_ARRAYS = 6  # as large as all scores of a chunk: 3CosMul has cosines of up to three words, a quotient, two factors
FEW = 8  # answers up to which finding one after the other is faster than sorting
NEAR_SPELLINGS = 3


class UnknownWord(InputError, KeyError):
    """A word that has no vector. The search for similar spellings waits until the message is read.

    Parameters
    ----------
    word : str
    words : list of str
        The words that have a vector.
    """

    def __init__(self, word: str, words: list[str]):
        super().__init__(word, words)
        self.word, self.words = word, words

    def __str__(self) -> str:
        message = f"{self.word!r} is not among the {len(self.words)} words"
        plain = _caseless(self.word)
        if same := [word for word in self.words if _caseless(word) == plain]:
            return f"{message}, but {_listed(same)} is: write it so"
        # Only words of similar length with the same first or last letter: comparing with all of them would be slow.
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
    """Words with one vector each.

    Parameters
    ----------
    words : sequence of str, length n
        All different.
    vectors : array_like of float, shape (n, d)
        Kept, not copied (integers become float64): do not change it afterwards.
    subwords : Subwords, optional
        What the vectors of other words are composed from. With it every query takes words that are not among `words`,
        and `is_composed` marks them; answers are always among `words`, and `in` asks for those alone.

    Attributes
    ----------
    words : list of str, length n
        In the order of the rows; in most files by falling frequency. Also as gensim's `index_to_key`.
    vectors : ndarray of float, shape (n, d)
        Read-only.
    index : dict of str to int
        The row of each word. Also as gensim's `key_to_index`.
    vector_size : int
        The dimension d.
    directions : ndarray of float32 or float64, shape (n, d)
        Rows of unit length, read-only; a zero row stays zero. Computed on first use; float64 if the vectors are wider
        than float32.

    Raises
    ------
    InputError
        No words, a repeated word, different numbers of words and rows, not a matrix of real numbers, NaN or infinity.

    Examples
    --------
    >>> vectors = WordVectors(["coffee", "tea", "snow"], [[2, 1], [1, 1], [-1, 3]])
    >>> vectors
    WordVectors(3 words x 2 dimensions, float64)
    >>> [word for word, _ in vectors.most_similar("coffee")]
    ['tea', 'snow']
    """

    def __init__(self, words: Sequence[str], vectors: ArrayLike, subwords: Subwords | None = None):
        self.words = list(words)
        self.vectors = _matrix(vectors)  # (n, d)
        self.subwords = subwords
        self.index = {word: i for i, word in enumerate(self.words)}
        self._check()

    @classmethod
    def load(
        cls, path: str | PathLike, limit: int | None = None, format: str | None = None, strict: bool = False
    ) -> WordVectors:
        """Read a file of any format: see `utils.vectors.storage.read`, which has the same parameters and errors."""
        words, vectors, subwords = storage.read(path, limit, format, strict)
        try:
            return cls(words, vectors, subwords)
        except InputError as error:
            raise InputError(f"{path}: {error}") from None

    def save(self, path: str | PathLike, format: str | None = None) -> None:
        """Write a file, its format chosen by the extension: see `utils.vectors.storage.write`."""
        storage.write(path, self.words, self.vectors, format, self.subwords)

    def by_frequency(self, counts: ArrayLike) -> WordVectors:
        """The same words and vectors, the most frequent word first, equally frequent ones in their present order.

        Parameters
        ----------
        counts : array_like of int, shape (n,)
            How often each word occurs.
        """
        order = np.argsort(-np.asarray(counts, dtype=np.int64), kind="stable")  # (n,)
        if len(order) != len(self):
            raise InputError(f"each word needs one count, got {len(self)} words and {len(order)} counts")
        return WordVectors([self.words[i] for i in order], self.vectors[order], self.subwords)

    def _check(self) -> None:
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
        if self.subwords is not None and self.subwords.table.shape[1] != self.vector_size:
            other = self.subwords.table.shape[1]
            raise InputError(f"words of {self.vector_size} dimensions cannot have n-grams of {other}")

    @functools.cached_property
    def directions(self) -> np.ndarray:
        directions = _unit_rows(self.vectors, _working_type(self.vectors))  # (n, d)
        directions.setflags(write=False)
        return directions

    @functools.cached_property
    def lowercase(self) -> bool:
        """Whether all words are in lower case."""
        return all(word == word.lower() for word in self.words)

    @property
    def key_to_index(self) -> dict[str, int]:
        return self.index

    @property
    def index_to_key(self) -> list[str]:
        return self.words

    @property
    def vector_size(self) -> int:
        return self.vectors.shape[1]

    def __len__(self) -> int:
        return len(self.words)

    def __contains__(self, word: object) -> bool:
        return word in self.index

    def __iter__(self) -> Iterator[str]:
        return iter(self.words)

    def __repr__(self) -> str:
        return f"WordVectors({len(self):,} words x {self.vector_size:,} dimensions, {self.vectors.dtype})"

    def __getitem__(self, word: str | Iterable[str]) -> np.ndarray:
        """The vector of a word, shape (d,), or those of a list of w words, shape (w, d); UnknownWord, a KeyError."""
        return self._vectors([word])[0] if isinstance(word, str) else self._vectors(list(word))

    def get_vector(self, word: str, norm: bool = False) -> np.ndarray:
        """The vector of a word, shape (d,), scaled to unit length if `norm`."""
        return self._directions([word])[0] if norm else self[word]

    # Words without a vector of their own

    def is_composed(self, word: str) -> bool:
        """Whether a word has no vector of its own, but one that is composed from those of its n-grams."""
        if self.subwords is None or word in self.index:
            return False
        return bool(self.subwords.compose([word])[1][0])

    def compose(self, word: str | Iterable[str]) -> np.ndarray:
        """The mean vector of a word's n-grams, whether it has a vector of its own or not: shape (d,).

        Of a list of w words: shape (w, d).

        Raises
        ------
        UnknownWord
            None of a word's n-grams has a vector.
        """
        if isinstance(word, str):
            return self.compose([word])[0]
        words = list(word)
        if self.subwords is None:
            raise UnknownWord(words[0], self.words) if words else InputError("these vectors have no n-grams")
        vectors, known = self.subwords.compose(words)
        if not known.all():
            raise UnknownWord(words[int(known.argmin())], self.words)
        return vectors.astype(self.vectors.dtype, copy=False)

    def choose(self, words: Iterable[str]) -> WordVectors:
        """WordVectors of some words alone, in this order, composed ones among them."""
        words = list(words)
        return WordVectors(words, self._vectors(words), self.subwords)

    # One query at a time

    def similarity(self, a: str, b: str) -> float:
        """The cosine of two words, between -1 and 1 (up to rounding); 0 if a vector is zero."""
        one, other = self._directions([a, b])
        return float(one @ other)

    def distance(self, a: str, b: str) -> float:
        """1 - `similarity`."""
        return 1 - self.similarity(a, b)

    def n_similarity(self, first: Iterable[str], second: Iterable[str]) -> float:
        """The cosine of the mean vectors of two lists of words.

        Raises
        ------
        UnknownWord
            gensim leaves such words out instead.
        InputError
            A list is empty.
        """
        found = [self._vectors(list(words)) for words in (first, second)]
        if not all(map(len, found)):
            raise InputError("n_similarity wants two lists of at least one word each, got an empty one")
        means = np.stack([vectors.mean(axis=0) for vectors in found])  # (2, d)
        one, other = _unit_rows(means, self.directions.dtype)
        return float(one @ other)

    def closer_than(self, a: str, b: str) -> list[str]:
        """The words that are closer to `a` than `b` is, in the order of the words."""
        one, other = self._directions([a, b])
        cosines = self.directions @ one  # (n,)
        limit = cosines[self.index[b]] if b in self.index else one @ other
        return [self.words[i] for i in np.flatnonzero(cosines > limit) if self.words[i] != a]

    def rank(self, a: str, b: str) -> int:
        """The place of `b` among the neighbours of `a`: 1 for the nearest."""
        return len(self.closer_than(a, b)) + 1

    def nearest(self, vector: ArrayLike, topn: int = 10, restrict_vocab: int | None = None) -> list[tuple[str, float]]:
        """As `most_similar`, for a vector of shape (d,)."""
        return self._named(*self.nearest_many(self._vector(vector)[None], topn, restrict_vocab=restrict_vocab))

    similar_by_vector = nearest  # gensim's name

    def similar_by_word(self, word: str, topn: int = 10, restrict_vocab: int | None = None) -> list[tuple[str, float]]:
        """As `most_similar`, for one word."""
        return self.most_similar([word], topn=topn, restrict_vocab=restrict_vocab)

    def most_similar(
        self, positive=None, negative=None, topn: int = 10, restrict_vocab: int | None = None
    ) -> list[tuple[str, float]]:
        """The words with the largest cosine to the mean of some unit vectors; never one of the query words.

        Parameters
        ----------
        positive, negative : str, ndarray of shape (d,), or a list of these
            Each may also be a pair of it and a weight. The default weights are 1 for positive and -1 for negative; a
            given weight keeps its own sign, a given vector its own length.
        topn : int
            At least 1. There are fewer answers if the words run out.
        restrict_vocab : int, optional
            Only the first so many words are answers; the query words may be any.

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
        return self._named(*self.nearest_many(total[None], topn, self._asked(key for key, _ in terms), restrict_vocab))

    def most_similar_cosmul(self, positive=None, negative=None, topn: int = 10) -> list[tuple[str, float]]:
        """As `most_similar`, without weights, by the product of shifted cosines (Levy & Goldberg 2014, equation 4).

        The score is the product of (1 + cos) / 2 over the positive, divided by 1e-6 more than that over the negative.
        """
        sides = [_keys(positive), _keys(negative)]
        if not sides[0]:
            raise InputError("most_similar_cosmul wants at least one positive word or vector, got none")
        units = [[_unit_rows(self._term(key)[None], self.directions.dtype) for key in side] for side in sides]
        return self._named(*self._best(1, lambda part: self._product(*units), topn, self._asked(sides[0] + sides[1])))

    def analogy(self, a: str, b: str, c: str, method: str = "3CosAdd", topn: int = 10) -> list[tuple[str, float]]:
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
        if method not in METHODS:
            raise InputError(f"method must be {' or '.join(METHODS)}, got {method!r}")
        ask = self.most_similar if method == "3CosAdd" else self.most_similar_cosmul
        return ask([b, c], [a], topn=topn)

    def doesnt_match(self, words: Iterable[str]) -> str:
        """The word of a list whose cosine to the mean of their unit vectors is smallest.

        Raises
        ------
        UnknownWord
            gensim leaves such words out instead.
        InputError
            Fewer than three words: of two, neither is the odd one out.
        """
        words = list(words)
        if len(words) < 3:
            raise InputError(f"the odd one out is sought among at least three words, got {len(words)}")
        directions = self._directions(words)  # (w, d)
        return words[int((directions @ directions.mean(axis=0)).argmin())]

    # Many queries at once

    def nearest_many(
        self, queries: ArrayLike, topn: int = 10, exclude: ArrayLike | None = None, restrict_vocab: int | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """The rows with the largest cosine to each of many vectors.

        Needs CHUNK_BYTES of memory, or as much as one query takes if that is more, besides arguments, results and
        `directions`.

        Parameters
        ----------
        queries : ndarray of float, shape (q, d)
        topn : int
            At least 1.
        exclude : ndarray of int, shape (q, m), optional
            Rows that an answer leaves out; -1 stands for none.
        restrict_vocab : int, optional
            Search the first so many rows only: n is that number then.

        Returns
        -------
        ids : ndarray of int64, shape (q, min(topn, n))
            The best row first, equal ones in order of rows; -1 where none is left.
        scores : ndarray of the type of `directions`, shape (q, min(topn, n))
            Their cosines (0 for a query of zeros); -inf where none is left.
        """
        queries, d = _matrix(queries), self.vectors.shape[1]
        if queries.shape[1] != d:
            raise InputError(f"queries need {d} columns as the vectors have, got {queries.shape[1]}")
        if (bad := _first_not_finite(queries)) is not None:
            raise InputError(f"query {bad} holds NaN or infinity")

        searched = self._searched(restrict_vocab)  # (n, d)

        def cosines(part):
            return _unit_rows(queries[part], searched.dtype) @ searched.T

        return self._best(len(queries), cosines, topn, exclude, len(searched))

    def analogy_many(
        self,
        a: ArrayLike,
        b: ArrayLike,
        c: ArrayLike,
        method: str = "3CosAdd",
        topn: int = 1,
        exclude: bool = True,
        restrict_vocab: int | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """As `analogy`, for q questions, in terms of rows.

        Needs as much memory as `nearest_many`.

        Parameters
        ----------
        a, b, c : array_like of int, shape (q,)
            Rows of the three words of each question.
        method : {"3CosAdd", "3CosMul"}
        topn : int
        exclude : bool
            Whether the three words are left out of the answers.
        restrict_vocab : int, optional
            Search the first so many rows only: n is that number then.

        Returns
        -------
        ids, scores : ndarray, shape (q, min(topn, n))
            As from `nearest_many`.
        """
        if method not in METHODS:
            raise InputError(f"method must be {' or '.join(METHODS)}, got {method!r}")
        asked = np.stack([a, b, c], axis=1).astype(np.int64)  # (q, 3)
        if asked.size and not 0 <= asked.min() <= asked.max() < len(self):
            raise InputError(f"rows of words lie between 0 and {len(self) - 1}, got {asked.min()} to {asked.max()}")
        searched = self._searched(restrict_vocab)  # (n, d)

        def scores(part):
            if method == "3CosMul":  # neighbouring questions share most of their words
                words, (ia, ib, ic) = np.unique(asked[part].T, return_inverse=True)
                cosines = _shifted(self.directions[words], searched)  # (words, n)
                product = cosines[ib]  # (rows, n)
                product *= cosines[ic]
                divisor = cosines[ia]
                divisor += EPSILON
                product /= divisor
                return product
            ua, ub, uc = self.directions[asked[part].T]  # (rows, d) each
            return _unit_rows(ub - ua + uc, ua.dtype) @ searched.T

        return self._best(len(asked), scores, topn, asked if exclude else None, len(searched))

    def _searched(self, restrict_vocab):
        if restrict_vocab is not None and not _is_positive(restrict_vocab):
            raise InputError(f"restrict_vocab must be a whole number of at least 1, got {restrict_vocab!r}")
        return self.directions[:restrict_vocab]

    def _product(self, positive, negative):
        """The scores of 3CosMul for two lists of unit vectors, shape (rows, d) each: (rows, n)."""
        return np.divide(numerator := self._factors(positive), self._factors(negative) + EPSILON, out=numerator)

    def _factors(self, units):
        product = np.ones(1, self.directions.dtype)
        for rows in units:
            factor = _shifted(rows, self.directions)
            factor *= product
            product = factor
        return product

    def _best(
        self, q: int, scores_of: Callable, topn: int, exclude: ArrayLike | None, n: int | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Rank n rows (by default all) for q queries, a chunk at a time; `scores_of(slice)` returns a new (rows, n)."""
        n, dtype = n or len(self), self.directions.dtype
        if not _is_positive(topn):
            raise InputError(f"topn must be a whole number of at least 1, got {topn!r}")
        exclude = np.empty((q, 0), np.int64) if exclude is None else np.asarray(exclude)
        if exclude.ndim != 2 or len(exclude) != q:
            raise InputError(f"exclude needs one row of ids for each of the {q} queries, got shape {exclude.shape}")
        ids, best = np.empty((q, min(topn, n)), np.int64), np.empty((q, min(topn, n)), dtype)
        step = max(1, CHUNK_BYTES // (SCORE_ARRAYS * n * dtype.itemsize))
        for start in range(0, q, step):
            part = slice(start, start + step)
            scores = scores_of(part)  # (rows, n)
            rows, columns = np.nonzero((exclude[part] >= 0) & (exclude[part] < n))
            scores[rows, exclude[part][rows, columns]] = -np.inf
            _rank(scores, ids[part], best[part])
            del scores  # before the next chunk is made
        ids[best == -np.inf] = -1
        return ids, best

    # From arguments to rows and vectors, and back

    def _rows(self, words):
        """The row of each word, -1 for one without."""
        for word in words:
            if not isinstance(word, str):
                raise InputError(f"wanted a word, got {word!r}")
        return np.array([self.index.get(word, -1) for word in words], dtype=np.int64)

    def _vectors(self, words):
        rows = self._rows(words)  # (w,)
        vectors = self.vectors[rows]  # (w, d)
        if (rows < 0).any():
            vectors[rows < 0] = self.compose(words[i] for i in np.flatnonzero(rows < 0))
        return vectors

    def _directions(self, words):
        rows = self._rows(words)  # (w,)
        directions = self.directions[rows]  # (w, d)
        if (rows < 0).any():
            composed = self.compose(words[i] for i in np.flatnonzero(rows < 0))
            directions[rows < 0] = _unit_rows(composed, directions.dtype)
        return directions

    def _vector(self, vector):
        if np.shape(vector) != self.vectors.shape[1:]:
            raise InputError(f"wanted a vector of {self.vectors.shape[1]} numbers, got shape {np.shape(vector)}")
        return _matrix([vector])[0]

    def _term(self, key):
        return self._vector(key) if isinstance(key, np.ndarray) else self._directions([key])[0]

    def _asked(self, keys):
        return self._rows([key for key in keys if isinstance(key, str)])[None]  # (1, m)

    def _named(self, ids, scores):
        return [(self.words[i], score.item()) for i, score in zip(ids[0], scores[0], strict=True) if i >= 0]


def _keys(given):
    """A list of what was given: nothing, one word, vector or pair, or several of them."""
    if given is None:
        return []
    vector = isinstance(given, np.ndarray) and given.ndim == 1
    return [given] if vector or isinstance(given, str | numbers.Number) or _is_pair(given) else list(given)


def _is_pair(key):
    return isinstance(key, tuple) and len(key) == 2 and isinstance(key[1], numbers.Real)


def _is_positive(number):
    return isinstance(number, numbers.Integral) and not isinstance(number, bool) and number >= 1


def _weighted(key, weight):
    return (key[0], float(key[1])) if _is_pair(key) else (key, weight)


def _matrix(vectors):
    try:
        vectors = np.asarray(vectors).view()
    except ValueError:
        raise InputError("vectors must all have the same length, got different lengths") from None
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


def _shifted(units, searched):
    """(1 + cos) / 2 of unit vectors, shape (rows, d), and those that are searched, shape (n, d): (rows, n)."""
    cosines = units @ searched.T
    cosines += 1
    cosines /= 2
    return cosines


def _unit_rows(vectors, dtype):
    """Rows scaled to unit length, whatever their finite numbers: a new array, shape (n, d). Zero rows stay zero."""
    if not len(vectors):
        return np.zeros(vectors.shape, dtype)
    largest = np.maximum(vectors.max(axis=1), -vectors.min(axis=1))[:, None]  # (n, 1)
    # The largest number of each row becomes 1: squares of very large or very small numbers would over- or underflow.
    scale = np.where(largest == 0, 1, largest)
    units = np.divide(vectors, scale, dtype=np.result_type(vectors, dtype)).astype(dtype, copy=False)  # (n, d)
    lengths = np.sqrt(np.einsum("nd,nd->n", units, units))[:, None]  # (n, 1), at least 1 except for zero rows
    units /= np.maximum(lengths, 1)
    return units


def _rank(scores, ids, best):
    """Fill in the columns of the largest scores of each row, the largest first, equal ones in their order.

    Parameters
    ----------
    scores : ndarray, shape (rows, n)
        Overwritten.
    ids, best : ndarray, shape (rows, k)
        Filled in.
    """
    k, rows = ids.shape[1], np.arange(len(scores))
    if k <= FEW:
        for place in range(k):
            ids[:, place] = scores.argmax(axis=1)
            best[:, place] = scores[rows, ids[:, place]]
            scores[rows, ids[:, place]] = -np.inf
        return
    for i, row in enumerate(scores):
        ids[i] = _largest(row, k)
        best[i] = row[ids[i]]


def _largest(scores, k):
    """Indices of the k largest of the scores, shape (n,), the largest first, equal ones in their order."""
    least = np.partition(scores, len(scores) - k)[len(scores) - k]
    candidates = np.flatnonzero(scores >= least)  # more than k where several equal the least
    return candidates[np.argsort(-scores[candidates], kind="stable")[:k]]
