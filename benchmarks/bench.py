"""How fast the training is: against the handout's loop, against gensim, and as things grow.

    make bench                             # everything, some minutes; writes benchmarks/results.md
    python benchmarks/bench.py --data DIR --only training growth

Every figure of a comparison comes from this one run, the alternatives taken in turn. Each measurement is a process of
its own, so that none inherits another's memory, and the number of its cores is set. Linux only.
"""

import argparse
import importlib.metadata
import importlib.util
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PROJECT = Path(__file__).parent.parent
sys.path.insert(0, str(PROJECT))

ITERATIONS = 40_000
ROUNDS = 5  # of each comparison
LOOP_ITERATIONS = 30
CHECKED_ITERATIONS = 1_000
GROWTH_ITERATIONS = 400
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


# What is measured: each function runs in a process of its own and returns what it prints as JSON


def treebank(data):
    """SST, read, with the streams seeded and the initial vectors drawn as run.py does."""
    from run import initial_vectors
    from utils.treebank import StanfordSentiment

    dataset = StanfordSentiment(data)
    return dataset, initial_vectors(len(dataset.tokens()), 10, None)


def ours(data, iterations=ITERATIONS):
    """The training phase: from initial vectors to the last iteration, the drawing of the corpus included."""
    from sgd import sgd
    from word2vec import negSamplingLossAndGradient, skipgram, word2vec_sgd_wrapper

    dataset, x = treebank(data)
    tokens = dataset.tokens()

    def objective(vectors):
        return word2vec_sgd_wrapper(skipgram, tokens, vectors, dataset, 5, negSamplingLossAndGradient)

    started = time.perf_counter()
    sgd(objective, x, 0.3, iterations, report=lambda iteration, loss: None)
    return time.perf_counter() - started


def parts(data):
    """Where the time of a training on one core goes: reading, drawing the corpus, sampling, arithmetic, the update."""
    from word2vec import minibatchLossAndGradient

    started = time.perf_counter()
    dataset, x = treebank(data)
    spent = {"imports and reading the treebank": time.perf_counter() - started}
    started = time.perf_counter()
    dataset.minibatch(5, 50, 10)
    spent |= {"corpus and table": time.perf_counter() - started, "sampling": 0, "loss and gradient": 0, "update": 0}
    pairs = 0
    for _ in range(ITERATIONS):
        t0 = time.perf_counter()
        batch = dataset.minibatch(5, 50, 10)
        t1 = time.perf_counter()
        _, gradient = minibatchLossAndGradient(x, batch)
        t2 = time.perf_counter()
        x -= 0.3 * gradient
        t3 = time.perf_counter()
        spent["sampling"] += t1 - t0
        spent["loss and gradient"] += t2 - t1
        spent["update"] += t3 - t2
        pairs += len(batch.pairs)
    return {"seconds": spent, "pairs": pairs}


def loop(data, iterations=LOOP_ITERATIONS):
    """The handout's way: one pair at a time, every gradient a dense array. Seconds for each iteration."""
    from word2vec import negSamplingLossAndGradient, skipgram, word2vec_sgd_wrapper

    dataset, x = treebank(data)
    tokens = dataset.tokens()

    def one_pair(*arguments):  # not known to skipgram as ours, so it is called for each pair
        return negSamplingLossAndGradient(*arguments)

    def iteration(x):
        return word2vec_sgd_wrapper(skipgram, tokens, x, dataset, 5, one_pair)

    iteration(x)  # draws corpus and table
    started = time.perf_counter()
    for _ in range(iterations):
        _, gradient = iteration(x)
        x -= 0.3 * gradient
    return (time.perf_counter() - started) / iterations


def difference_from_loop(data):
    """Largest difference of any parameter from the loop over windows, after 1,000 iterations."""
    import numpy as np

    from word2vec import negSamplingLossAndGradient, skipgram, word2vec_sgd_wrapper

    def train(model):
        dataset, x = treebank(data)
        for _ in range(CHECKED_ITERATIONS):
            _, gradient = word2vec_sgd_wrapper(model, dataset.tokens(), x, dataset, 5, negSamplingLossAndGradient)
            x -= 0.3 * gradient
        return x

    return np.abs(train(skipgram) - train(lambda *arguments: skipgram(*arguments))).max().item()


def gensim(data, pairs):
    """gensim's skip-gram, one worker, as many pairs, same dimension, window, negatives. Seconds of train()."""
    from gensim.models import Word2Vec

    from utils.treebank import StanfordSentiment

    sentences = StanfordSentiment(data).sentences()
    # A window of each size 1..5 is equally likely there, too.
    expected = [
        sum(2 * sum(max(len(s) - d, 0) for d in range(1, size + 1)) for size in range(1, 6)) / 5 for s in sentences
    ]
    corpus, total = [], 0.0
    while total < pairs:
        for sentence, n in zip(sentences, expected, strict=True):
            if total >= pairs:
                break
            corpus.append(sentence)
            total += n
    model = Word2Vec(vector_size=10, window=5, negative=10, sg=1, workers=1, min_count=1, sample=0, seed=1)
    model.build_vocab(corpus)
    started = time.perf_counter()
    model.train(corpus, total_examples=len(corpus), epochs=1)
    return time.perf_counter() - started


def softmax(data):
    """Naive softmax, milliseconds for an iteration of 50 windows."""
    from word2vec import naiveSoftmaxLossAndGradient, skipgram, word2vec_sgd_wrapper

    dataset, x = treebank(data)
    tokens, times = dataset.tokens(), []
    for _ in range(200):
        started = time.perf_counter()
        _, gradient = word2vec_sgd_wrapper(skipgram, tokens, x, dataset, 5, naiveSoftmaxLossAndGradient)
        x -= 0.3 * gradient
        times.append(time.perf_counter() - started)
    return 1000 * statistics.median(times)


def growth(data, V, d, windows, K):
    """Milliseconds for an iteration on a corpus of Zipf-distributed ids, sampling and update included."""
    import numpy as np

    from utils.corpus.ids import Corpus
    from utils.minibatches.replay import Replay
    from word2vec import minibatchLossAndGradient

    rng = np.random.default_rng(0)
    tokens = 1_500_000
    chances = 1 / (np.arange(V) + 2.7)
    ids = rng.choice(V, tokens, p=chances / chances.sum()).astype(np.int32)
    corpus = Corpus(ids, np.arange(0, tokens + 1, 20))
    noise = chances**0.75
    table = np.searchsorted(np.cumsum(noise / noise.sum()), rng.random(1_000_000)).clip(max=V - 1).astype(np.int32)
    replay = Replay(corpus, table, 5, windows, K, V)
    x = rng.random((2 * V, d)) / d
    for timed in (False, True):
        started = time.perf_counter()
        for _ in range(GROWTH_ITERATIONS if timed else GROWTH_ITERATIONS // 4):
            _, gradient = minibatchLossAndGradient(x, replay.minibatch())
            x -= 0.01 * gradient
    return 1000 * (time.perf_counter() - started) / GROWTH_ITERATIONS


def in_process(function, *arguments, cores=1):
    """Call a function of a benchmark in a new process on so many cores; its result."""
    file = Path(sys.modules[function.__module__].__file__)  # the module itself may be called __main__
    code = f"import json, sys; sys.path.insert(0, sys.argv[1]); import {file.stem} as module; "
    code += "print(json.dumps(getattr(module, sys.argv[2])(*json.loads(sys.argv[3]))))"
    allowed = sorted(os.sched_getaffinity(0))[:cores]
    output = subprocess.run(
        [sys.executable, "-c", code, str(file.parent), function.__name__, json.dumps(arguments)],
        stdout=subprocess.PIPE,
        check=True,
        env={**os.environ, **ONE_THREAD},
        preexec_fn=lambda: os.sched_setaffinity(0, allowed),
    ).stdout
    return json.loads(output.splitlines()[-1])


def whole_process(data, cores):
    """`python run.py` from start to picture: seconds, and the largest sum of its processes' memory in MB."""
    allowed = sorted(os.sched_getaffinity(0))[:cores]
    with tempfile.TemporaryDirectory() as out:
        started = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, str(PROJECT / "run.py"), "--data", data, "--out", out],
            stdout=subprocess.DEVNULL,
            preexec_fn=lambda: os.sched_setaffinity(0, allowed),
        )
        most = 0
        while process.poll() is None:
            most = max(most, sum(map(memory, [process.pid, *children(process.pid)])))
            time.sleep(0.02)
        if process.returncode:
            raise SystemExit("run.py failed")
        return time.perf_counter() - started, most


def children(pid):
    """The processes that a process has started and that still run."""
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8").split()]
    except FileNotFoundError:
        return []


def memory(pid):
    """Resident memory in MB, what is shared with another process counted once among them."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8").splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


# The report


class Report:
    """Lines for the terminal and for a Markdown file at once."""

    def __init__(self):
        self.lines = []

    def say(self, line=""):
        print(line, flush=True)
        self.lines.append(line)

    def table(self, head, rows):
        cells = [head, *([str(cell) for cell in row] for row in rows)]
        widths = [max(len(row[i]) for row in cells) for i in range(len(head))]

        def line(row):
            return "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"

        self.say(line(head))
        self.say("| " + " | ".join("-" * width for width in widths) + " |")
        for row in cells[1:]:
            self.say(line(row))
        self.say()


def spread(times):
    return f"{statistics.median(times):.2f} ({min(times):.2f} to {max(times):.2f})"


def report_training(report, data):
    """Ours on two cores and on one against gensim and the loop; where the time goes; the whole process."""
    measured = in_process(parts, data, cores=1)
    seconds, pairs = measured["seconds"], measured["pairs"]
    report.say(f"## The training of the handout: {ITERATIONS:,} iterations, {pairs:,} pairs with 10 negatives each")
    report.say()
    with_gensim = importlib.util.find_spec("gensim") is not None
    times = {"two cores": [], "one core": [], "gensim": []}
    for _ in range(ROUNDS):
        times["two cores"].append(in_process(ours, data, cores=2))
        times["one core"].append(in_process(ours, data, cores=1))
        if with_gensim:
            times["gensim"].append(in_process(gensim, data, pairs, cores=2))
    per_loop = in_process(loop, data, cores=1)
    reference = statistics.median(times["gensim"]) if with_gensim else None
    rows = []
    labels = {"two cores": "here, two cores", "one core": "here, one core", "gensim": "gensim, 1 worker"}
    for name, label in labels.items():
        if times[name]:
            median = statistics.median(times[name])
            ratio = f"{median / reference:.2f}" if with_gensim else "gensim is not installed"
            rows.append((label, spread(times[name]), ratio, f"{per_loop * ITERATIONS / median:.0f}"))
    rows.append(
        ("handout's loop", f"{per_loop * ITERATIONS:.0f}, extrapolated from {LOOP_ITERATIONS} iterations", "", "1")
    )
    report.table(["", "seconds, median (range)", "ratio to gensim", "times as fast as the loop"], rows)
    report.say(f"Where the time goes on one core, measured call by call ({sum(seconds.values()):.1f} s in all):")
    report.say()
    rows = [(name, f"{s:.2f}", f"{1e6 * s / ITERATIONS:.0f}") for name, s in seconds.items()]
    report.table(["part", "seconds", "microseconds an iteration"], rows)
    runs = [(cores, *whole_process(data, cores)) for cores in (2, 1) for _ in range(3)]
    rows = [
        (cores, spread([s for c, s, _ in runs if c == cores]), f"{max(mb for c, _, mb in runs if c == cores):.0f}")
        for cores in (2, 1)
    ]
    report.say("`python run.py` as a whole, from start to `word_vectors.png`:")
    report.say()
    report.table(["cores", "seconds, median (range)", "peak memory of all its processes, MB"], rows)


def report_agreement(report, data):
    """How far the fast path is from the loop, and the time of the naive softmax."""
    report.say("## Agreement and the naive softmax")
    report.say()
    difference = in_process(difference_from_loop, data, cores=1)
    report.say(
        f"After {CHECKED_ITERATIONS:,} iterations no parameter differs from the loop over windows by more than "
        f"{difference:.1e}."
    )
    report.say()
    report.say(f"Naive softmax, 50 windows at 19,539 words: {in_process(softmax, data, cores=1):.1f} ms an iteration.")
    report.say()


def report_growth(report, data):
    """Time of an iteration against vocabulary, dimension, batch and negatives."""
    report.say("## Time of an iteration as things grow, in milliseconds on one core")
    report.say()
    base = {"V": 20_000, "d": 10, "windows": 50, "K": 10}
    grown = {"V": (20_000, 200_000, 2_000_000), "d": (10, 50, 100, 300), "windows": (50, 500, 5_000), "K": (5, 10, 20)}
    names = {"V": "vocabulary", "d": "dimension", "windows": "windows in a batch", "K": "negatives"}
    rows = []
    for key, values in grown.items():
        times = [min(in_process(growth, data, *(base | {key: v}).values(), cores=1) for _ in range(3)) for v in values]
        rows += [
            (names[key], f"{v:,}", f"{t:.3f}", f"{t / times[0]:.2f}") for v, t in zip(values, times, strict=True)
        ]
    report.table(["what grows", "to", "milliseconds", "ratio to the first"], rows)


SECTIONS = {"training": report_training, "agreement": report_agreement, "growth": report_growth}


def machine():
    """One line on processor and versions."""
    model = "unknown processor"
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
    packages = [
        f"{name} {importlib.metadata.version(name)}"
        for name in ("numpy", "scipy", "gensim")
        if importlib.util.find_spec(name)
    ]
    return f"{model}, {len(os.sched_getaffinity(0))} cores; Python {platform.python_version()}, {', '.join(packages)}"


def main():
    """Run the sections asked for and print the report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default=str(PROJECT / "utils/datasets/stanfordSentimentTreebank"), metavar="DIR")
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=list(SECTIONS))
    parser.add_argument("--write", metavar="FILE", help="write the report there as Markdown, too")
    args = parser.parse_args()
    report = Report()
    report.say("# Benchmarks")
    report.say()
    report.say(f"{machine()}. BLAS on one thread. Written by `make bench`.")
    report.say()
    for name in args.only:
        SECTIONS[name](report, args.data)
    if args.write:
        Path(args.write).write_text("\n".join(report.lines).rstrip() + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
