"""How fast the training is: against the handout's loop, against gensim, and as things grow.

    make bench                             # everything, in a few minutes; writes benchmarks/results.md
    python benchmarks/bench.py --data DIR --only training growth
    python benchmarks/bench.py --small     # check that everything runs, on the sample treebank, in half a minute

All figures of a comparison come from the same run, with the alternatives taken in turn. Each measurement is a process
of its own, so that none inherits another's memory, and runs on a given number of cores. Linux only.
"""

import importlib.metadata
import importlib.util
import json
import os
import platform
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

PROJECT = Path(__file__).parent.parent
sys.path.insert(0, str(PROJECT))

from utils.system.console import ArgumentParser, run  # noqa: E402
from utils.system.files import replacing  # noqa: E402

TREEBANK = PROJECT / "utils/datasets/stanfordSentimentTreebank"
DIM = 10
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


class Sizes(NamedTuple):
    """How much is measured.

    Attributes
    ----------
    rounds : int
        Repetitions of each comparison; of the whole process and of each step of growth, three at most.
    iterations, loop, checked, softmax, grown : int
        Iterations of the training, of the handout's loop, of the agreement between the two, of the naive softmax, and
        of each step of growth.
    tokens : int
        Length of the corpus of Zipf-distributed ids, on which growth is measured.
    growth : dict of str to tuple of int
        The values of vocabulary size `V`, dimension `d`, `windows` of a batch and number of negatives `K`.
    """

    rounds: int
    iterations: int
    loop: int
    checked: int
    softmax: int
    grown: int
    tokens: int
    growth: dict


FULL = Sizes(
    rounds=5,
    iterations=40_000,
    loop=30,
    checked=1_000,
    softmax=200,
    grown=400,
    tokens=1_500_000,
    growth={"V": (20_000, 200_000, 2_000_000), "d": (10, 50, 100, 300), "windows": (50, 500, 5_000), "K": (5, 10, 20)},
)
SMALL = Sizes(
    rounds=1,
    iterations=400,
    loop=5,
    checked=20,
    softmax=10,
    grown=20,
    tokens=100_000,
    growth={"V": (2_000, 20_000), "d": (50,), "windows": (500,), "K": (20,)},
)


# What is measured: each function runs in a process of its own, which prints the result as JSON


def treebank(data):
    """The treebank, and the handout's initial vectors for it, drawn after seeding both global streams."""
    import numpy as np

    from utils.treebank import StanfordSentiment

    dataset = StanfordSentiment(data)
    V = len(dataset.tokens())
    random.seed(31415)
    np.random.seed(9265)
    return dataset, np.concatenate(((np.random.rand(V, DIM) - 0.5) / DIM, np.zeros((V, DIM))))


def ours(data, iterations):
    """Seconds of the training phase: from initial vectors to the last iteration, drawing the corpus included."""
    from sgd import sgd
    from word2vec import negSamplingLossAndGradient, skipgram, word2vec_sgd_wrapper

    dataset, x = treebank(data)
    tokens = dataset.tokens()

    def objective(vectors):
        return word2vec_sgd_wrapper(skipgram, tokens, vectors, dataset, 5, negSamplingLossAndGradient)

    started = time.perf_counter()
    sgd(objective, x, 0.3, iterations, report=lambda iteration, loss: None)
    return time.perf_counter() - started


def parts(data, iterations):
    """Where the time of a training goes: seconds of reading, drawing the corpus, sampling, arithmetic and update."""
    from word2vec import minibatchLossAndGradient

    started = time.perf_counter()
    dataset, x = treebank(data)
    spent = {"imports and reading the treebank": time.perf_counter() - started}
    started = time.perf_counter()
    dataset.minibatch(5, 50, 10)
    spent |= {"corpus and table": time.perf_counter() - started, "sampling": 0, "loss and gradient": 0, "update": 0}
    pairs = 0
    for _ in range(iterations):
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


def loop(data, iterations):
    """Seconds per iteration of the handout's method: one pair at a time, every gradient a dense array."""
    from word2vec import negSamplingLossAndGradient, skipgram, word2vec_sgd_wrapper

    dataset, x = treebank(data)
    tokens = dataset.tokens()

    def one_pair(*arguments):  # skipgram does not recognize it as ours, so it calls it for each pair
        return negSamplingLossAndGradient(*arguments)

    def iteration(x):
        return word2vec_sgd_wrapper(skipgram, tokens, x, dataset, 5, one_pair)

    iteration(x)  # draws the corpus and the table of negatives
    started = time.perf_counter()
    for _ in range(iterations):
        _, gradient = iteration(x)
        x -= 0.3 * gradient
    return (time.perf_counter() - started) / iterations


def difference_from_loop(data, iterations):
    """Largest difference of any parameter from the loop over windows after so many iterations."""
    import numpy as np

    from word2vec import negSamplingLossAndGradient, skipgram, word2vec_sgd_wrapper

    def train(model):
        dataset, x = treebank(data)
        for _ in range(iterations):
            _, gradient = word2vec_sgd_wrapper(model, dataset.tokens(), x, dataset, 5, negSamplingLossAndGradient)
            x -= 0.3 * gradient
        return x

    return np.abs(train(skipgram) - train(lambda *arguments: skipgram(*arguments))).max().item()


def gensim(data, pairs):
    """Seconds of gensim's `train`: skip-gram, one worker, as many pairs, same dimension, window and negatives."""
    from gensim.models import Word2Vec

    from utils.treebank import StanfordSentiment

    sentences = StanfordSentiment(data).sentences()
    # There, too, each window size from 1 to 5 is equally likely.
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
    model = Word2Vec(vector_size=DIM, window=5, negative=10, sg=1, workers=1, min_count=1, sample=0, seed=1)
    model.build_vocab(corpus)
    started = time.perf_counter()
    model.train(corpus, total_examples=len(corpus), epochs=1)
    return time.perf_counter() - started


def softmax(data, iterations):
    """Milliseconds per iteration of 50 windows with the naive softmax, and the number of words."""
    from word2vec import naiveSoftmaxLossAndGradient, skipgram, word2vec_sgd_wrapper

    dataset, x = treebank(data)
    tokens, times = dataset.tokens(), []
    for _ in range(iterations):
        started = time.perf_counter()
        _, gradient = word2vec_sgd_wrapper(skipgram, tokens, x, dataset, 5, naiveSoftmaxLossAndGradient)
        x -= 0.3 * gradient
        times.append(time.perf_counter() - started)
    return 1000 * statistics.median(times), len(tokens)


def growth(tokens, iterations, V, d, windows, K):
    """Milliseconds per iteration on a corpus of Zipf-distributed ids, sampling and update included."""
    import numpy as np

    from utils.corpus.ids import Corpus
    from utils.minibatches.replay import Replay
    from word2vec import minibatchLossAndGradient

    rng = np.random.default_rng(0)
    chances = 1 / (np.arange(V) + 2.7)
    ids = rng.choice(V, tokens, p=chances / chances.sum()).astype(np.int32)
    corpus = Corpus(ids, np.arange(0, tokens + 1, 20))
    noise = chances**0.75
    table = np.searchsorted(np.cumsum(noise / noise.sum()), rng.random(1_000_000)).clip(max=V - 1).astype(np.int32)
    replay = Replay(corpus, table, 5, windows, K, V)
    x = rng.random((2 * V, d)) / d
    for timed in (False, True):
        started = time.perf_counter()
        for _ in range(iterations if timed else iterations // 4):
            _, gradient = minibatchLossAndGradient(x, replay.minibatch())
            x -= 0.01 * gradient
    return 1000 * (time.perf_counter() - started) / iterations


def in_process(function, *arguments, cores=1):
    """Call a function of a benchmark in a new process on at most so many cores; return its result."""
    file = Path(sys.modules[function.__module__].__file__)  # the module's name may be __main__
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


def whole_process(data, iterations, cores):
    """`python run.py` from start to picture: seconds, and the peak of its processes' memory together, in MB."""
    allowed = sorted(os.sched_getaffinity(0))[:cores]
    with tempfile.TemporaryDirectory() as out:
        started = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, str(PROJECT / "run.py"), "--data", data, "--iterations", str(iterations), "--out", out],
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
    """The running processes that a process has started."""
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8").split()]
    except FileNotFoundError:
        return []


def memory(pid):
    """Resident memory in MB; each process that shares a page counts its part of it."""
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
    """Median and range of some seconds."""
    return f"{statistics.median(times):.2f} ({min(times):.2f} to {max(times):.2f})"


def report_training(report, data, sizes):
    """Ours on two cores and on one against gensim and the loop; where the time goes; the whole process."""
    n = sizes.iterations
    measured = in_process(parts, data, n)
    seconds, pairs = measured["seconds"], measured["pairs"]
    report.say(f"## The handout's training: {n:,} iterations, {pairs:,} pairs with 10 negatives each")
    report.say()
    report_comparison(report, data, sizes, pairs)
    report.say(f"Where the time goes on one core, measured call by call ({sum(seconds.values()):.1f} s in all):")
    report.say()
    rows = [(name, f"{s:.2f}", f"{1e6 * s / n:.0f}") for name, s in seconds.items()]
    report.table(["part", "seconds", "microseconds per iteration"], rows)
    rows = []
    for cores in (2, 1):
        runs = [whole_process(data, n, cores) for _ in range(min(3, sizes.rounds))]
        rows.append((cores, spread([seconds for seconds, _ in runs]), f"{max(peak for _, peak in runs):.0f}"))
    report.say("`python run.py` as a whole, from start to `word_vectors.png`:")
    report.say()
    report.table(["cores", "seconds, median (range)", "peak memory of all its processes, MB"], rows)


def report_comparison(report, data, sizes, pairs):
    """The table of ours, gensim (if it is installed) and the loop."""
    n = sizes.iterations
    measurements = {
        "here, two cores": lambda: in_process(ours, data, n, cores=2),
        "here, one core": lambda: in_process(ours, data, n),
        "gensim, 1 worker": lambda: in_process(gensim, data, pairs, cores=2),
    }
    with_gensim = importlib.util.find_spec("gensim") is not None
    if not with_gensim:
        del measurements["gensim, 1 worker"]
        report.say("gensim is not installed (requirements-bench.txt has it), so it is missing from the table.")
        report.say()
    times = {name: [] for name in measurements}
    for _ in range(sizes.rounds):
        for name, measure in measurements.items():
            times[name].append(measure())
    whole_loop = n * in_process(loop, data, sizes.loop)
    rows = []
    for name, seconds in times.items():
        median = statistics.median(seconds)
        ratio = [f"{median / statistics.median(times['gensim, 1 worker']):.2f}"] if with_gensim else []
        rows.append((name, spread(seconds), *ratio, f"{whole_loop / median:.0f}"))
    extrapolated = f"{whole_loop:.0f}, extrapolated from {sizes.loop} iterations"
    rows.append(("handout's loop", extrapolated, *[""] * with_gensim, "1"))
    ratio = ["ratio to gensim"] if with_gensim else []
    report.table(["", "seconds, median (range)", *ratio, "times as fast as the loop"], rows)


def report_agreement(report, data, sizes):
    """How far the fast path is from the loop, and the time of the naive softmax."""
    report.say("## Agreement and the naive softmax")
    report.say()
    difference = in_process(difference_from_loop, data, sizes.checked)
    report.say(
        f"After {sizes.checked:,} iterations no parameter differs from the loop over windows by more than "
        f"{difference:.1e}."
    )
    report.say()
    milliseconds, words = in_process(softmax, data, sizes.softmax)
    report.say(f"Naive softmax, 50 windows at {words:,} words: {milliseconds:.1f} ms per iteration.")
    report.say()


def report_growth(report, data, sizes):
    """Time of an iteration against vocabulary, dimension, batch and negatives; the ids are drawn, not read."""
    report.say("## Time of an iteration as things grow, in milliseconds on one core")
    report.say()
    base = {"V": 20_000, "d": DIM, "windows": 50, "K": 10}
    names = {"V": "vocabulary", "d": "dimension", "windows": "windows in a batch", "K": "negatives"}
    rows = []
    for key, values in sizes.growth.items():
        times = [
            min(
                in_process(growth, sizes.tokens, sizes.grown, *(base | {key: v}).values())
                for _ in range(min(3, sizes.rounds))
            )
            for v in values
        ]
        rows += [(names[key], f"{v:,}", f"{t:.3f}", f"{t / times[0]:.2f}") for v, t in zip(values, times, strict=True)]
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


def main(doc, title, note, sections, full, small):
    """The command line of a benchmark: run the sections asked for and print the report.

    Parameters
    ----------
    doc : str
        The benchmark's docstring; its first line is the description.
    title, note : str
        The heading of the report, and what it says after the machine.
    sections : dict of str to callable
        Each is called with the report, the treebank's folder and the sizes.
    full, small
        The sizes, and those of `--small`.
    """
    parser = ArgumentParser(description=doc.splitlines()[0])
    parser.add_argument("--data", metavar="DIR", help="the treebank's folder (default: where it is downloaded to)")
    parser.add_argument("--only", nargs="+", choices=sections, default=list(sections), help="(default: all)")
    parser.add_argument(
        "--small", action="store_true",
        help="check that everything runs: small sizes, one round, the sample treebank unless --data names another",
    )  # fmt: skip
    parser.add_argument("--write", metavar="FILE", help="also write the report to this file, as Markdown")
    args = parser.parse_args()
    if args.write and not Path(args.write).absolute().parent.is_dir():
        parser.error(f"cannot write {args.write}: its folder does not exist")
    with tempfile.TemporaryDirectory() as sample:
        if args.small and args.data is None:
            from utils.corpus.sample import write_sample_treebank

            args.data = write_sample_treebank(Path(sample))
        data = Path(args.data or TREEBANK).resolve()
        if not data.is_dir():
            parser.error(f"{data} is not a folder: fetch the treebank with sh get_datasets.sh, or try --small")
        report = Report()
        report.say(f"# {title}")
        report.say()
        report.say(f"{machine()}. {note}" + " Small sizes: these figures mean little." * args.small)
        report.say()
        for name in args.only:
            sections[name](report, str(data), small if args.small else full)
    if args.write:
        with replacing(args.write) as file:
            file.write("\n".join(report.lines).rstrip() + "\n")


if __name__ == "__main__":
    run(main, __doc__, "Benchmarks", "BLAS on one thread. Written by `make bench`.", SECTIONS, FULL, SMALL)
