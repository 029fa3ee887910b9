"""How fast counting is: against a plain loop and sparse products, as the corpus grows, within a budget; the SVD.

    make bench-count                       # everything, in a few minutes; writes benchmarks/results-count.md
    python benchmarks/bench_count.py --data DIR --only treebank counting
    python benchmarks/bench_count.py --small      # check that everything runs, on the sample treebank, in half a minute

Each measurement is a process of its own, and alternatives are taken in turn. Everything but the comparison of workers
runs on one core. Linux only.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parent
PROJECT = FOLDER.parent
sys.path[:0] = [str(PROJECT), str(FOLDER)]

from bench import in_process, main, spread  # noqa: E402

from utils.system.console import run  # noqa: E402

WINDOW = 5
V = 100_000  # words of the Zipf corpus
SENTENCE = 20
BUDGET = 500_000_000


class Sizes(NamedTuple):
    """How much is measured.

    Attributes
    ----------
    rounds : int
        Repetitions of each comparison; where something grows, three at most.
    loop : int
        Words for the plain loop.
    growth : tuple of int
        Words of the Zipf corpora; the first is that of the comparison.
    dimensions : tuple of int
    """

    rounds: int
    loop: int
    growth: tuple
    dimensions: tuple


FULL = Sizes(5, 200_000, (1_000_000, 5_000_000, 20_000_000), (10, 50, 100, 300))
SMALL = Sizes(1, 20_000, (100_000, 200_000), (10,))


# What is measured: each function runs in a process of its own, which prints the result as JSON


def zipf(T):
    """A corpus of `T` ids in sentences of 20 words; the share of the r-th word is proportional to 1 / (r + 2.7)."""
    import numpy as np

    from utils.corpus.ids import Corpus

    rng = np.random.default_rng(0)
    borders = np.cumsum(1 / (np.arange(V) + 2.7))
    ids = np.empty(T, dtype=np.int32)
    for begin in range(0, T, 1_000_000):  # in parts, to keep the peak of memory low
        part = ids[begin : begin + 1_000_000]
        part[:] = np.searchsorted(borders, rng.random(len(part)) * borders[-1])
    return Corpus(ids, np.arange(0, T + 1, SENTENCE))


def ours(T):
    """Seconds to count a Zipf corpus."""
    from utils.counting.cooccurrence import cooccurrence

    corpus = zipf(T)
    started = time.perf_counter()
    cooccurrence(corpus, WINDOW, V=V)
    return time.perf_counter() - started


def loop(T):
    """The same with a loop over words and a dictionary of pairs, as most courses show it."""
    from collections import Counter

    corpus = zipf(T)
    sentences = [corpus.sentence(s) for s in range(len(corpus))]
    started = time.perf_counter()
    counts = Counter()
    for sentence in sentences:
        for i, target in enumerate(sentence):
            for context in sentence[max(0, i - WINDOW) : i] + sentence[i + 1 : i + WINDOW + 1]:
                counts[target, context] += 1
    return time.perf_counter() - started


def products(T):
    """The same with sparse products: an indicator matrix of words by positions, times itself shifted by 1 .. window."""
    import numpy as np
    from scipy.sparse import csr_array

    corpus = zipf(T)
    started = time.perf_counter()
    places = np.arange(T)
    counts = csr_array((V, V))
    for distance in range(1, WINDOW + 1):
        here = places[places % SENTENCE < SENTENCE - distance]
        one = np.ones(len(here))
        indptr = np.arange(len(here) + 1)
        left = csr_array((one, corpus.ids[here], indptr), shape=(len(here), V))
        right = csr_array((one, corpus.ids[here + distance], indptr), shape=(len(here), V))
        counts = counts + left.T @ right
    counts = counts + counts.T
    counts.sort_indices()
    return time.perf_counter() - started


def growth(T, memory):
    """Seconds, cells, and the peak memory of counting beside the corpus, in MB: without and with mapped files."""
    from utils.counting.cooccurrence import cooccurrence

    corpus = zipf(T)
    before, peak, done = resident(), [0, 0], threading.Event()

    def watch():
        while not done.wait(0.005):
            peak[:] = map(max, peak, resident())

    watcher = threading.Thread(target=watch)
    watcher.start()
    started = time.perf_counter()
    counts = cooccurrence(corpus, WINDOW, V=V, memory=memory)
    seconds = time.perf_counter() - started
    done.set()
    watcher.join()
    return seconds, counts.nnz, *(after - first for after, first in zip(peak, before, strict=True))


def resident():
    """This process's memory in MB: without and with mapped files."""
    fields = dict(line.split(":") for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines())
    return [int(fields[name].split()[0]) * 1024 / 1e6 for name in ("RssAnon", "VmRSS")]


def shared(T, n):
    """Seconds to count a Zipf corpus with n workers that have been started before."""
    from utils.counting.cooccurrence import cooccurrence
    from utils.system.workers import Workers

    corpus, workers = zipf(T), Workers(n)
    cooccurrence(zipf(10_000), WINDOW, V=V, workers=workers)
    started = time.perf_counter()
    cooccurrence(corpus, WINDOW, V=V, workers=workers)
    return time.perf_counter() - started


def treebank(data, d):
    """Numbers of words and of different words, and seconds of each stage: reading, counting, PPMI, SVD."""
    from utils.corpus.reading import encode
    from utils.counting.cooccurrence import cooccurrence
    from utils.counting.pmi import ppmi, svd_vectors
    from utils.treebank import StanfordSentiment

    times = [time.perf_counter()]
    corpus, words = encode(StanfordSentiment(data).sentences())
    times.append(time.perf_counter())
    counts = cooccurrence(corpus, WINDOW, V=len(words))
    times.append(time.perf_counter())
    matrix = ppmi(counts, 0.75)
    times.append(time.perf_counter())
    svd_vectors(matrix, d, random_state=0)
    times.append(time.perf_counter())
    return len(corpus.ids), len(words), [after - before for before, after in pairwise(times)]


def arpack(data, d):
    """Seconds of SciPy's ARPACK solver on the same matrix, and by what share our singular values fall short of its."""
    import numpy as np
    from scipy.sparse.linalg import svds

    from utils.corpus.reading import encode
    from utils.counting.cooccurrence import cooccurrence
    from utils.counting.pmi import ppmi, svd_vectors
    from utils.treebank import StanfordSentiment

    corpus, words = encode(StanfordSentiment(data).sentences())
    matrix = ppmi(cooccurrence(corpus, WINDOW, V=len(words)), 0.75)
    started = time.perf_counter()
    exact = np.sort(svds(matrix, d, rng=0)[1])[::-1]
    seconds = time.perf_counter() - started
    lengths = np.linalg.norm(svd_vectors(matrix, d, eig=1, random_state=0), axis=0)
    return seconds, (1 - lengths / exact)[[0, d // 2, -1]].tolist()


def whole_process(data, d):
    """Seconds of `python count.py`, from start to both pictures."""
    with tempfile.TemporaryDirectory() as out:
        started = time.perf_counter()
        subprocess.run(
            [sys.executable, str(PROJECT / "count.py"), "--data", data, "--dim", str(d), "--window", str(WINDOW)],
            cwd=out,
            stdout=subprocess.DEVNULL,
            check=True,
        )
        return time.perf_counter() - started


# The report


def report_treebank(report, data, sizes):
    """From the treebank's files to vectors, stage by stage; ARPACK beside our SVD; count.py as a whole."""
    measured = {d: [in_process(treebank, data, d) for _ in range(sizes.rounds)] for d in sizes.dimensions}
    stages = {d: [seconds for _, _, seconds in runs] for d, runs in measured.items()}
    tokens, words, _ = measured[sizes.dimensions[0]][0]
    report.say(f"## The treebank: {tokens:,} words, vocabulary {words:,}, window {WINDOW}, PPMI with cds 0.75")
    report.say()
    wholes = {d: [in_process(whole_process, data, d) for _ in range(sizes.rounds)] for d in sizes.dimensions}
    rows = []
    for d in sizes.dimensions:
        medians = [statistics.median(times) for times in zip(*stages[d], strict=True)]
        rows.append((d, *(f"{s:.2f}" for s in medians), f"{sum(medians):.2f}", spread(wholes[d])))
    report.say("Seconds, medians; `count.py` is the whole process, from start to both pictures, with the range.")
    report.say()
    report.table(["dimensions", "reading", "counts", "PPMI", "SVD", "together", "`count.py`"], rows)
    rows = []
    for d in sizes.dimensions:
        seconds, below = in_process(arpack, data, d)
        ours = statistics.median(times[-1] for times in stages[d])
        rows.append((d, f"{ours:.2f}", f"{seconds:.2f}", *(f"{100 * share:.2f} %" for share in below)))
    report.say("The randomized SVD beside an exact one (ARPACK), and by what share its singular values fall short:")
    report.say()
    report.table(["dimensions", "ours, s", "ARPACK, s", "first value", "middle", "last"], rows)


def report_counting(report, data, sizes):
    """Words per second against a plain loop and sparse products."""
    report.say(f"## Counting a Zipf corpus of {V:,} words, window {WINDOW}")
    report.say()
    alternatives = {"here": ours, "sparse products": products, "loop over words": loop}
    times = {name: [] for name in alternatives}
    for _ in range(sizes.rounds):
        for name, function in alternatives.items():
            times[name].append(in_process(function, sizes.loop if function is loop else sizes.growth[0]))
    rate = {
        name: (sizes.loop if name == "loop over words" else sizes.growth[0]) / statistics.median(seconds)
        for name, seconds in times.items()
    }
    rows = [
        (name, f"{rate[name] / 1e6:.2f}", spread(times[name]), f"{rate['here'] / rate[name]:.1f}")
        for name in alternatives
    ]
    report.table(["", "million words per second", "seconds, median (range)", "times as slow as here"], rows)
    report.say(
        f"{sizes.growth[0]:,} words, the loop {sizes.loop:,}. The products are of the words' indicator matrix with "
        "itself, shifted by each distance. (The product of CountVectorizer's document-term matrix with itself counts "
        "pairs of a sentence however far apart, so it is not an alternative.)"
    )
    report.say()


def report_growth(report, data, sizes):
    """Time and memory as the corpus grows, with and without a budget."""
    report.say(f"## Growth: Zipf corpora of {V:,} words, window {WINDOW}, with and without a budget of 500 MB")
    report.say()
    rows = []
    for T in sizes.growth:
        for memory in (None, BUDGET):
            runs = [in_process(growth, T, memory) for _ in range(min(3, sizes.rounds))]
            seconds = statistics.median(run[0] for run in runs)
            cells, own, mapped = runs[0][1], max(run[2] for run in runs), max(run[3] for run in runs)
            figures = f"{seconds:.2f}", f"{T / seconds / 1e6:.2f}", f"{cells:,}", f"{12 * cells / 1e6:.0f}"
            rows.append((f"{T:,}", "500 MB" if memory else "none", *figures, f"{own:.0f}", f"{mapped:.0f}"))
    head = ["words", "budget", "seconds", "million words per second", "cells", "matrix, MB", "peak, MB"]
    report.table([*head, "with maps, MB"], rows)
    report.say("Peaks are the largest of all runs, less what the process held before, corpus included.")
    report.say()


def report_workers(report, data, sizes):
    """Time with one and with two workers."""
    T, cores = sizes.growth[-1], len(os.sched_getaffinity(0))
    report.say(f"## Workers: {T:,} words of a Zipf corpus, window {WINDOW}, on {cores} cores")
    report.say()
    times = {1: [], 2: []}
    for _ in range(min(3, sizes.rounds)):
        for n in times:
            times[n].append(in_process(shared, T, n, cores=cores))
    alone = statistics.median(times[1])
    rows = [(n, spread(seconds), f"{alone / statistics.median(seconds):.2f}") for n, seconds in times.items()]
    report.table(["workers", "seconds, median (range)", "times as fast as one"], rows)


SECTIONS = {
    "treebank": report_treebank,
    "counting": report_counting,
    "growth": report_growth,
    "workers": report_workers,
}


NOTE = "Everything but the workers on one core. Written by `make bench-count`."

if __name__ == "__main__":
    run(main, __doc__, "Benchmarks of the count-based vectors", NOTE, SECTIONS, FULL, SMALL)
