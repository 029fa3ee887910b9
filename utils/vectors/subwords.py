"""Vectors of words never seen, composed from those of their character n-grams, as in fastText.

Bojanowski, Grave, Joulin & Mikolov 2017, "Enriching Word Vectors with Subword Information": a word is put between "<"
and ">", and every run of 3 to 6 of its characters is an n-gram. N-grams are not stored: each is hashed to one of many
buckets, and those of the same bucket share a vector. N-grams, hash and buckets are exactly those of fastText's program
(dictionary.cc), so that its models can be read and others compared with it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_array

from utils.system.errors import InputError

BEGIN, END = b"<", b">"
END_OF_SENTENCE = b"</s>"  # fastText's token for it, which has no n-grams
FNV_START, FNV_PRIME = np.uint32(2166136261), np.uint32(16777619)  # of the hash FNV-1a with 32 bits
MOST_CHARACTERS = 50  # of an n-gram: one of more is a damaged file
MOST_BUCKETS = 2**31 - 1  # fastText counts them with 32 bits
BLOCK = 2**16  # bytes of words whose n-grams are found at a time


@dataclass(frozen=True)
class NGrams:
    """Which n-grams words have, and in which bucket each is.

    Attributes
    ----------
    shortest, longest : int
        Characters of an n-gram, the "<" and ">" around the word included.
    buckets : int

    Raises
    ------
    InputError
        Not 1 <= shortest <= longest <= 50, or not 1 <= buckets < 2^31.
    """

    shortest: int
    longest: int
    buckets: int

    def __post_init__(self):
        if not 1 <= self.shortest <= self.longest <= MOST_CHARACTERS:
            raise InputError(
                f"n-grams must have 1 to {MOST_CHARACTERS} characters, the shortest first, "
                f"got {self.shortest} to {self.longest}"
            )
        if not 1 <= self.buckets <= MOST_BUCKETS:
            raise InputError(f"n-grams need 1 to {MOST_BUCKETS:,} buckets, got {self.buckets}")

    def of(self, words: Sequence[str | bytes]) -> tuple[np.ndarray, np.ndarray]:
        """The buckets of the n-grams of some words.

        Parameters
        ----------
        words : sequence of str or bytes, length w
            Bytes are meant as UTF-8. If they are not, a character begins where fastText sees one begin.

        Returns
        -------
        borders : ndarray of int64, shape (w + 1,)
            The n-grams of word i are those from borders[i] to borders[i + 1].
        buckets : ndarray of int64, shape (m,)
            By the place where an n-gram begins in its word, the shortest first. An n-gram that a word has twice counts
            twice, a single "<" or ">" does not count, and "</s>" has none.

        Examples
        --------
        >>> borders, buckets = NGrams(3, 6, 2_000_000).of(["tea"])  # <te <tea <tea> tea tea> ea>
        >>> buckets.tolist()
        [1484008, 630059, 130191, 23337, 1528757, 55895]
        """
        counts, buckets = [], []
        for block in _blocks([word if isinstance(word, bytes) else _encoded(word) for word in words]):
            found = self._of_block(block)
            counts.append(found[0])
            buckets.append(found[1])
        borders = np.concatenate([[0], *counts]).cumsum()  # (w + 1,)
        return borders, np.concatenate([np.empty(0, np.int64), *buckets])

    def _of_block(self, words):
        """The number of n-grams of each word, (w,), and their buckets, (m,)."""
        text = np.frombuffer(b"".join(BEGIN + word + END for word in words), np.uint8)  # (bytes,)
        signed = text.view(np.int8).astype(np.uint32)  # C++ hashes signed characters: "é" as 0xffffffc3, 0xffffffa9
        begins = np.flatnonzero(text & 0xC0 != 0x80)  # (c,): where the characters begin
        widths = np.diff(begins, append=len(text))  # (c,): their bytes
        ends_of_words = np.cumsum([len(word) + 2 for word in words])  # (w,)
        word = np.searchsorted(ends_of_words, begins, side="right")  # (c,): which word a character is in
        first = np.flatnonzero(np.diff(word, prepend=-1))  # (w,): the first character of each word
        left = np.append(first[1:], len(begins))[word] - np.arange(len(begins))  # (c,): characters to the word's end

        lengths = np.arange(self.shortest, self.longest + 1)
        exist = lengths <= left[:, None]  # (c, lengths)
        if self.shortest == 1:
            exist[first, 0] = exist[left == 1, 0] = False
        exist[np.array([word == END_OF_SENTENCE for word in words])[word]] = False
        hashes = np.zeros(exist.shape, np.uint32)
        state = np.full(len(begins), FNV_START)  # (c,): the hash of the n-gram that begins at each character
        for n in range(1, min(self.longest, int(left.max())) + 1):
            at, wide = begins[n - 1 :], widths[n - 1 :]  # of its n-th character
            state = (state[: len(at)] ^ signed[at]) * FNV_PRIME
            for byte in range(1, int(wide.max())):
                longer = np.flatnonzero(wide > byte)
                state[longer] = (state[longer] ^ signed[at[longer] + byte]) * FNV_PRIME
            if n >= self.shortest:
                hashes[: len(at), n - self.shortest] = state
        return np.add.reduceat(exist.sum(axis=1), first), (hashes[exist] % np.uint32(self.buckets)).astype(np.int64)


def _encoded(word):
    return word.encode("utf-8", "surrogatepass")


def _blocks(words: list[bytes]) -> Iterator[list[bytes]]:
    ends = np.cumsum([len(word) for word in words])
    borders = np.flatnonzero(np.diff(ends // BLOCK, prepend=0))
    blocks = (words[start:end] for start, end in zip([0, *borders], [*borders, len(words)], strict=True))
    return filter(None, blocks)


@dataclass(frozen=True, eq=False)
class Subwords:
    """The vectors of n-grams, and the words that are composed from them.

    Attributes
    ----------
    ngrams : NGrams
    table : ndarray of float, shape (rows, d)
        The vector of each bucket, or of some of them.
    rows : ndarray of int, shape (rows,), or None
        The bucket of each row, increasing; None if all buckets have one. An n-gram without a row is left out.
    offset : ndarray of float, shape (d,), or 0
        What is added to each composed vector.

    Raises
    ------
    InputError
        The parts do not belong together, or the table holds NaN or infinity.
    """

    ngrams: NGrams
    table: np.ndarray
    rows: np.ndarray | None = None
    offset: np.ndarray | float = 0.0

    def __post_init__(self):
        table, rows, buckets = self.table, self.rows, self.ngrams.buckets
        if table.ndim != 2 or table.dtype.kind != "f" or not table.size:
            raise InputError(f"the n-grams' vectors must be a matrix of floats, got shape {table.shape} {table.dtype}")
        if not (np.isfinite(table.min()) and np.isfinite(table.max())):
            raise InputError("the n-grams' vectors hold NaN or infinity")
        if rows is None and len(table) != buckets:
            raise InputError(f"{buckets} buckets of n-grams need as many vectors, got {len(table)}")
        if rows is not None and (
            rows.shape != (len(table),) or rows[0] < 0 or rows[-1] >= buckets or (np.diff(rows) <= 0).any()
        ):
            raise InputError(f"the n-grams' {len(table)} vectors need one bucket each, increasing, below {buckets}")

    @property
    def vectors(self) -> np.ndarray:
        """The vectors of the n-grams, such that the mean of them is what is composed: shape (rows, d)."""
        return self.table + np.asarray(self.offset, self.table.dtype) if np.any(self.offset) else self.table

    def compose(self, words: Sequence[str | bytes]) -> tuple[np.ndarray, np.ndarray]:
        """The mean vector of the n-grams of each word.

        Returns
        -------
        vectors : ndarray, of the type of the table, shape (w, d)
            Zero for a word that has no n-gram with a vector.
        known : ndarray of int64, shape (w,)
            How many of its n-grams have a vector.
        """
        sums, known = self.sums(words)
        sums /= np.maximum(known, 1)[:, None]
        sums += np.where(known > 0, 1, 0)[:, None] * np.asarray(self.offset, sums.dtype)
        return sums, known

    def sums(self, words: Sequence[str | bytes]) -> tuple[np.ndarray, np.ndarray]:
        """As `compose`, the sum instead of the mean and without the offset."""
        borders, buckets = self.ngrams.of(words)
        if self.rows is not None:
            place = np.searchsorted(self.rows, buckets)  # (m,)
            place[place == len(self.rows)] = 0
            found = self.rows[place] == buckets
            borders, buckets = np.append(0, found.cumsum())[borders], place[found]
        ones = np.ones(len(buckets), self.table.dtype)
        return csr_array((ones, buckets, borders), shape=(len(words), len(self.table))) @ self.table, np.diff(borders)

    def shifted(self, by: np.ndarray) -> Subwords:
        """The same with a vector added to all that is composed."""
        return replace(self, offset=self.offset + by)
