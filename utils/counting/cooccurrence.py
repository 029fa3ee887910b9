"""How often words occur near each other: a corpus of ids becomes a sparse matrix of counts.

Counting is sorting: every pair of words within the window becomes one number, its two ids side by side, and after
sorting equal numbers are adjacent. The corpus is processed in stretches; the sorted and counted pairs of a stretch are
a run, and the counts are the sum of all runs. Under a memory budget the runs are kept on disk; with several workers
each of them counts one stretch at a time.

Equation numbers are those of docs/derivations.md.
"""

import functools
import math
import operator
import tempfile
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array

from utils.corpus.ids import Corpus
from utils.system.errors import EnvironmentFailure, InputError
from utils.system.workers import Workers

WEIGHTINGS = ("flat", "harmonic", "linear")
PAIRS = 2**24  # at most, in a stretch
LEAST_MEMORY = 1_000_000  # bytes, besides those of the words; with less there would be too many runs

# Needed at most for a word of the vocabulary, for a pair of a stretch while it becomes a run, and for a cell of some
# rows of all runs while they are added up. Measured, with a margin; a test checks them.
BYTES_PER_WORD, BYTES_PER_PAIR, BYTES_PER_CELL = 48, 80, 56


def cooccurrence(
    corpus: Corpus,
    window: int,
    weighting: str = "flat",
    symmetric: bool = True,
    *,
    V: int,
    memory: int | None = None,
    workers: Workers | None = None,
    report: Callable[[int], None] | None = None,
) -> csr_array:
    """Count how often each word occurs in the context window of each other one: the W[t, c] of equation 40.

    Row t belongs to a target, column c to a context. Windows end at sentence boundaries. A word near a copy of itself
    counts, on the diagonal. Weights are added up as integers and divided once at the end, so the result does not depend
    on the order of addition: it is the same to the bit for any memory budget and any number of workers.

    Parameters
    ----------
    corpus : Corpus
        Ids from 0 to V - 1. The arrays may be memory-mapped: only the stretch being counted is read.
    window : int
        Number of words on either side of a target.
    weighting : {"flat", "harmonic", "linear"}
        What an occurrence at distance k adds: 1; 1 / k (as GloVe does: Pennington et al. 2014, section 4.2);
        (window - k + 1) / window (the mean over window sizes drawn from 1 .. window, as word2vec does: Levy, Goldberg
        & Dagan 2015, section 3.1).
    symmetric : bool
        Count contexts on both sides of the target; if false, only those that follow it.
    V : int
        Size of the vocabulary.
    memory : int, optional
        Bytes that counting may use; by default as many as it needs. The result is included, the corpus is not. If not
        all pairs fit at once, the runs are kept in a temporary file and their sum is written to temporary files, too:
        the arrays of the result are memory maps of these. The budget is exceeded only by a single row with more cells,
        in all runs together, than fit. Several workers share it.
    workers : Workers, optional
        With two or more, each counts another stretch. A worker on this machine gets the place of its stretch in a
        memory-mapped file, not a copy.
    report : callable, optional
        Called with the number of words counted so far, after each stretch, or each group of stretches of all workers.

    Returns
    -------
    csr_array of float64, shape (V, V)
        Sorted, without zeros: 12 bytes for each cell.

    Raises
    ------
    InputError
        An option or id out of range, or harmonic weights whose common denominator is too large.
    EnvironmentFailure
        The temporary files cannot be written.

    Examples
    --------
    >>> corpus = Corpus(np.array([0, 1, 2, 3, 4], dtype=np.int32), np.array([0, 5]))  # I like cats and dogs
    >>> cooccurrence(corpus, window=2, V=5).toarray()
    array([[0., 1., 1., 0., 0.],
           [1., 0., 1., 1., 0.],
           [1., 1., 0., 1., 1.],
           [0., 1., 1., 0., 1.],
           [0., 0., 1., 1., 0.]])
    """
    workers = workers or Workers()
    _check(corpus, window, weighting, V, memory, workers.n)
    longest = int(np.diff(corpus.offsets).max(initial=0))
    reach = min(window, longest - 1)  # no pair is farther apart
    if reach < 1:
        return csr_array((V, V), dtype=np.float64)
    units, whole = _units(weighting, window, reach, len(corpus.ids))
    plan = _plan(V, units, symmetric)
    free = None if memory is None else memory - workers.n * BYTES_PER_WORD * V
    most = math.inf if memory is None else free // BYTES_PER_PAIR  # pairs
    share = -(-len(corpus.ids) // workers.n)  # words for each worker, or fewer at a time
    stretch = min(share, min(most, PAIRS) // (workers.n * reach))
    runs = _runs(corpus, plan, max(1, stretch), workers, report)
    finish = _both_sides if symmetric else lambda run: run
    if len(corpus.ids) * reach <= most:
        counts = finish(_sum(runs))
        return csr_array((counts.data / whole, counts.indices, counts.indptr), shape=(V, V))
    try:
        with tempfile.TemporaryFile() as file:
            spill = _Spill(file, V)
            for run in runs:
                spill.add(finish(run))
            return spill.sum(free // BYTES_PER_CELL, whole)
    except OSError as error:
        raise EnvironmentFailure(
            f"cannot write temporary files in {tempfile.gettempdir()}: {error.strerror or error}; "
            "allow more memory, or set the variable TMPDIR to a folder with more space"
        ) from error


def _check(corpus, window, weighting, V, memory, workers):
    if window < 1:
        raise InputError(f"window must be at least 1, got {window}")
    if weighting not in WEIGHTINGS:
        raise InputError(f"weighting must be one of {', '.join(WEIGHTINGS)}, got {weighting!r}")
    if memory is not None and memory < (least := LEAST_MEMORY + workers * BYTES_PER_WORD * V):
        several = f" and {workers} workers" if workers > 1 else ""
        raise InputError(
            f"memory must be at least {least:,} bytes for a vocabulary of {V:,} words{several}, got {memory:,}"
        )
    if len(corpus.ids) and not 0 <= corpus.ids.min() <= corpus.ids.max() < V:
        raise InputError(f"ids must lie in 0 .. {V - 1}, got {corpus.ids.min()} .. {corpus.ids.max()}: is V right?")


def _units(weighting, window, reach, T):
    """The weight of each distance 1 .. reach in whole units, (reach,), and how many units make 1."""
    distances = np.arange(1, reach + 1)  # (reach,)
    if weighting == "flat":
        units, whole = np.ones(reach, dtype=np.int64), 1
    elif weighting == "linear":
        units, whole = window - distances + 1, window
    else:
        whole = math.lcm(*range(1, reach + 1))
        units = np.array([whole // k for k in range(1, reach + 1)])
    if 2 * T * sum(map(int, units)) >= 2**63:
        raise InputError(
            f"{weighting} weights up to a distance of {reach} cannot be added up exactly over {T:,} words: "
            "use a smaller window or flat weights"
        )
    return units, whole


# Runs


class _Plan(NamedTuple):
    """How pairs are counted: all a worker needs to know besides its stretch of the text.

    Attributes
    ----------
    V : int
    units : ndarray of int64, shape (reach,)
        The weight of each distance.
    symmetric : bool
    id_bits, distance_bits : int
        The widths of the fields of a pair's number. If all weights are equal it has no distance.
    """

    V: int
    units: np.ndarray
    symmetric: bool
    id_bits: int
    distance_bits: int

    @property
    def bits(self):
        return 2 * self.id_bits + self.distance_bits


def _plan(V, units, symmetric):
    reach = len(units)
    plan = _Plan(V, units, symmetric, (V - 1).bit_length(), (reach - 1).bit_length() if np.ptp(units) else 0)
    if plan.bits > 64:
        raise InputError(f"a vocabulary of {V} and a window of {reach} are too large: use fewer words or flat weights")
    return plan


def _runs(corpus, plan, stretch, workers, report):
    """Count stretches of `stretch` words, as many at a time as there are workers; yields runs."""
    T = len(corpus.ids)
    begins = range(0, T, stretch)
    for i in range(0, len(begins), workers.n):
        ends = [(begin, min(begin + stretch, T)) for begin in begins[i : i + workers.n]]
        yield from workers.map(_run, [(*_piece(corpus, *end, len(plan.units)), plan) for end in ends])
        if report:
            report(ends[-1][1])


def _piece(corpus, begin, end, reach):
    """A stretch and the words after it that a worker needs: a Corpus, and how many of its words belong to the stretch.

    It may begin and end within a sentence: the words that its last ones can reach come with it.
    """
    first, last = np.searchsorted(corpus.offsets, [begin, end - 1], side="right") - 1
    borders = np.array(corpus.offsets[first : last + 2]) - begin  # of the sentences with these words
    return Corpus(np.array(corpus.ids[begin : end + reach]), borders), end - begin  # workers need no file of the cache


def _run(piece, length, plan):
    """Count a stretch.

    Returns
    -------
    csr_array of int64, shape (V, V)
        Units of the pairs whose first word is in the stretch: row t, column c where c follows t; if `plan.symmetric`,
        the smaller id gives the row.
    """
    return _counted(_keys(piece, length, plan), plan)


def _keys(piece, length, plan):
    """One number for each pair that begins in the first `length` words: row, column, distance - 1 as bit fields."""
    dtype = np.uint32 if plan.bits <= 32 else np.uint64  # half the size, twice the speed
    following, reach = _following(piece.offsets, length), len(plan.units)  # (n,)
    keys = np.empty(np.minimum(following, reach).sum(), dtype)  # (P,)
    filled = 0
    here = np.arange(length)  # (n,)
    for distance in range(1, reach + 1):
        here = here[following[here] >= distance]
        part = keys[filled : filled + len(here)]
        filled += len(here)
        left, right = piece.ids[here], piece.ids[here + distance]
        row, column = (np.minimum(left, right), np.maximum(left, right)) if plan.symmetric else (left, right)
        part[:] = row
        part <<= plan.id_bits
        part |= column.astype(dtype)
        if plan.distance_bits:
            part <<= plan.distance_bits
            part |= dtype(distance - 1)
    return keys


def _following(borders, length):
    """How many words of its sentence follow each of the first `length` words: shape (length,)."""
    return np.repeat(borders[1:], np.diff(borders.clip(0, length))) - np.arange(length) - 1


def _counted(keys, plan):
    """Sort the keys and add up the units of equal pairs: a run."""
    keys.sort()
    pairs = keys >> plan.distance_bits if plan.distance_bits else keys  # (P,)
    firsts = np.flatnonzero(np.concatenate(([True], pairs[1:] != pairs[:-1]))[: len(pairs)])  # (n,)
    if plan.distance_bits:
        dtype = np.uint8 if plan.distance_bits <= 8 else np.int64
        distances = (keys & ((1 << plan.distance_bits) - 1)).astype(dtype)  # (P,)
        values = np.add.reduceat(plan.units.take(distances), firsts) if len(keys) else plan.units[:0]  # (n,)
    else:
        values = np.diff(firsts, append=len(keys)) * plan.units[0]  # (n,)
    cells = pairs[firsts]  # (n,)
    rows = np.arange(plan.V, dtype=keys.dtype) << plan.id_bits  # (V,)
    indptr = np.append(np.searchsorted(cells, rows), len(cells)).astype(np.int32)  # (V + 1,)
    cells &= (1 << plan.id_bits) - 1
    return csr_array((values, cells.astype(np.int32), indptr), shape=(plan.V, plan.V))


def _both_sides(run):
    return run + run.T


def _sum(runs):
    """Add up runs as they come, pairwise, so that no cell is added more than log2(n) + 1 times."""
    waiting = []
    for n, run in enumerate(runs, start=1):
        while n % 2 == 0:
            run = waiting.pop() + run
            n //= 2
        waiting.append(run)
    return functools.reduce(operator.add, reversed(waiting))


# On disk


class _Spill:
    """Runs stored one after the other in a file, and their sum, computed some rows at a time."""

    def __init__(self, file, V):
        self.file, self.V = file, V
        self.places = []  # of each run: where its indptr, its indices and its data begin
        self.sizes = np.zeros(V, dtype=np.int64)  # cells in each row of all runs

    def add(self, run):
        """Write a run at the end."""
        self.sizes += np.diff(run.indptr)
        places = []
        for array, dtype in ((run.indptr, np.int64), (run.indices, np.int32), (run.data, np.int64)):
            places.append(self.file.tell())
            self.file.write(memoryview(array.astype(dtype, copy=False)))
        self.places.append(places)

    def rows(self, run, begin, end):
        """Read rows of one run: csr_array of int64, shape (end - begin, V)."""
        pointers, indices, data = self.places[run]
        indptr = self._read(pointers, np.int64, begin, end + 1)  # (end - begin + 1,)
        columns = self._read(indices, np.int32, indptr[0], indptr[-1])
        values = self._read(data, np.int64, indptr[0], indptr[-1])
        return csr_array((values, columns, (indptr - indptr[0]).astype(np.int32)), shape=(end - begin, self.V))

    def _read(self, place, dtype, begin, end):
        array = np.empty(end - begin, dtype)
        self.file.seek(place + int(begin) * array.itemsize)
        self.file.readinto(memoryview(array).cast("B"))
        return array

    def sum(self, most, whole):
        """The sum of all runs, divided by `whole`, in maps of temporary files: csr_array of float64, shape (V, V).

        At most `most` cells, or one row, are summed at a time.
        """
        lengths = np.zeros(self.V + 1, dtype=np.int64)
        with tempfile.TemporaryFile() as data, tempfile.TemporaryFile() as indices:
            for begin, end in _stretches(self.sizes, most):
                block = _sum(self.rows(run, begin, end) for run in range(len(self.places)))
                lengths[begin + 1 : end + 1] = np.diff(block.indptr)
                data.write(memoryview(block.data / whole))
                indices.write(memoryview(block.indices.astype(np.int32, copy=False)))
            # Copy-on-write, so the matrix can be changed like any other.
            maps = np.memmap(data, np.float64, "c"), np.memmap(indices, np.int32, "c")
        indptr = np.cumsum(lengths)
        if indptr[-1] < 2**31:  # otherwise scipy makes the larger indices that it needs
            indptr = indptr.astype(np.int32)
        return csr_array((*maps, indptr), shape=(self.V, self.V))


def _stretches(sizes, most):
    """Cut rows into stretches of at most `most` cells, or of one row: yields (begin, end)."""
    ends = np.cumsum(sizes)  # (V,)
    begin = 0
    while begin < len(sizes):
        before = ends[begin - 1] if begin else 0
        end = max(begin + 1, int(np.searchsorted(ends, before + most, side="right")))
        yield begin, end
        begin = end
