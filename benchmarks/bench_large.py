"""How fast and how good training by epochs is: against gensim, as the text, the vocabulary and the workers grow.

    python benchmarks/bench_large.py --write benchmarks/results-large.md       # everything: about an hour
    python benchmarks/bench_large.py --words 1 --rounds 1 --only speed         # a first look

The text is planted (utils/corpus/planted.py): Zipf-like counts, and similarities that are known. Its recovery is the
correlation (Spearman) of the cosines found with the similarities planted. Every measurement is a process of its own;
alternatives are taken in turn. Speeds count the pairs that ours draws, for both. Linux only.
"""

import argparse
import re
import statistics
import sys
import tempfile
import time
from pathlib import Path

FOLDER = Path(__file__).parent
sys.path[:0] = [str(FOLDER.parent), str(FOLDER)]

from bench import Report, in_process, machine  # noqa: E402

SIZES = {"d = 10, K = 10": {"dim": 10, "negatives": 10}, "d = 100, K = 5": {"dim": 100, "negatives": 5}}
WINDOW, STEP = 5, 0.025
QUALITY_WORDS, QUALITY_EPOCHS = 1, 5
V = 30_000
LONGEST = 10  # million words: a longer text is measured once
VOCABULARIES = (10_000, 100_000, 1_000_000)


# What is measured: each function runs in a process of its own and returns what it prints as JSON


def ours(millions, V, epochs, workers, settings):
    """Seconds, pairs, recovery and peak memory of our training."""
    import numpy as np

    from epochs import Settings, Trainer, fit
    from utils.corpus.ids import Corpus
    from utils.corpus.planted import PlantedText
    from utils.minibatches.chunks import Chunks
    from utils.system.workers import Workers

    text = PlantedText(V)
    corpus = text.draw(round(millions * 1e6))
    counts = np.bincount(corpus.ids, minlength=V)
    with tempfile.TemporaryFile() as file:  # mapped, as a text that run.py has read
        file.write(memoryview(corpus.ids))
        corpus = Corpus(np.memmap(file, np.int32, "r"), corpus.offsets)
    reset_peak()
    trainer = Trainer(counts, np.ones(V), Settings(**{"window": WINDOW, "step": STEP, "epochs": epochs, **settings}))
    pairs = []
    train = trainer.train
    trainer.train = lambda vectors, chunk: pairs.append(result := train(vectors, chunk)) or result
    started = time.perf_counter()
    vectors = fit(trainer, Chunks(corpus, epochs), workers=Workers(workers))
    return {
        "seconds": time.perf_counter() - started,
        "pairs": sum(n for _, n in pairs),
        "recovery": text.recovery(vectors[:V]),
        "megabytes": peak(),
        "parameters": vectors.nbytes / 1e6,
    }


def gensim(millions, V, epochs, workers, settings):
    """Seconds and recovery of gensim's. It gets lists of words, its fastest form; making them is not timed."""
    import numpy as np
    from gensim.models import Word2Vec

    from utils.corpus.planted import PlantedText

    text = PlantedText(V)
    corpus = text.draw(round(millions * 1e6))
    names = [str(i) for i in range(V)]
    sentences = [[names[i] for i in corpus.sentence(s)] for s in range(len(corpus))]
    model = Word2Vec(
        vector_size=settings["dim"],
        negative=settings["negatives"],
        sg=int(settings.get("model", "skip-gram") == "skip-gram"),
        window=WINDOW,
        alpha=STEP,
        min_count=1,
        sample=0,
        workers=workers,
        seed=1,
    )
    model.build_vocab(sentences)
    started = time.perf_counter()
    model.train(sentences, total_examples=len(sentences), epochs=epochs)
    seconds = time.perf_counter() - started
    vectors = np.zeros((V, settings["dim"]))
    for word, row in model.wv.key_to_index.items():
        vectors[int(word)] = model.wv.vectors[row]
    return {"seconds": seconds, "recovery": text.recovery(vectors)}


def reset_peak():
    """Forget how much memory this process has had: drawing the text takes more than learning from it."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def peak():
    """The largest memory of this process since `reset_peak`, in MB."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) / 1024


# The report


def in_turn(rounds, runs):
    """Take several measurements in turn, some times over: a list of results for each name."""
    results = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            results[name].append(run())
    return results


def median(results, key):
    return statistics.median(result[key] for result in results)


def variants(size, cores):
    """The trainings to compare at one size: name, function, workers, settings."""
    if cores == 1:
        return {
            "here": (ours, 1, size),
            "here, negatives shared by 32 pairs": (ours, 1, {**size, "share": 32}),
            "gensim, 1 worker": (gensim, 1, size),
        }
    return {"here, 2 workers": (ours, 2, size), "gensim, 2 workers": (gensim, 2, size)}


def report_speed(report, words, rounds):
    """Words and pairs per second against gensim."""
    report.say("## Speed, one epoch of skip-gram, window 5")
    report.say()
    report.say(f"Medians of {rounds} runs, of texts longer than {LONGEST} million words of one.")
    report.say()
    for name, size in SIZES.items():
        rows = []
        for millions in words:
            pairs = None
            for cores in (1, 2):
                table = variants(size, cores)
                runs = {
                    label: lambda f=f, n=n, s=s, m=millions, c=cores: in_process(f, m, V, 1, n, s, cores=c)
                    for label, (f, n, s) in table.items()
                }
                results = in_turn(1 if millions > LONGEST else rounds, runs)
                pairs = pairs or median(results["here"], "pairs")
                reference = median(next(found for label, found in results.items() if "gensim" in label), "seconds")
                for label, found in results.items():
                    seconds = median(found, "seconds")
                    rows.append(
                        [
                            f"{millions:g}",
                            label,
                            f"{seconds:.1f}",
                            f"{millions / seconds:.2f}",
                            f"{pairs / seconds / 1e6:.2f}",
                            f"{reference / seconds:.2f}",
                        ]
                    )
        report.say(f"### {name}; {V:,} words in the vocabulary")
        report.say()
        head = ["million words", "", "seconds", "million words/s", "million pairs/s", "speed over gensim's"]
        report.table(head, rows)


def report_quality(report, words, rounds):
    """Recovery of the planted similarities at equal epochs."""
    report.say(f"## Quality after {QUALITY_EPOCHS} epochs of {QUALITY_WORDS} million words")
    report.say()
    rows = []
    for name, size in SIZES.items():
        trainings = {
            "here": (ours, 1, size),
            "here, batches of 512 pairs": (ours, 1, {**size, "batch": 512}),
            "here, batches of 16,384 pairs": (ours, 1, {**size, "batch": 16384}),
            "here, negatives shared by 32 pairs": (ours, 1, {**size, "share": 32}),
            "here, 2 workers": (ours, 2, size),
            "gensim, 1 worker": (gensim, 1, size),
            "gensim, 2 workers": (gensim, 2, size),
            "here, CBOW": (ours, 1, {**size, "model": "cbow"}),
            "gensim, CBOW": (gensim, 1, {**size, "model": "cbow"}),
        }
        for label, (function, n, settings) in trainings.items():
            found = in_process(function, QUALITY_WORDS, V, QUALITY_EPOCHS, n, settings, cores=n)
            rows.append([name, label, f"{found['recovery']:.3f}", f"{found['seconds']:.0f}"])
    report.table(["", "", "recovery (Spearman)", "seconds"], rows)


def report_memory(report, words, rounds):
    """Growth of memory with the text."""
    report.say("## Memory while training, as the text grows: d = 100, K = 5, one core")
    report.say()
    rows = []
    for millions in words:
        found = in_process(ours, millions, V, 1, 1, SIZES["d = 100, K = 5"], cores=1)
        rows.append(
            [f"{millions:g}", f"{4 * millions:.0f}", f"{found['parameters']:.0f}", f"{found['megabytes']:.0f}"]
        )
    report.table(["million words", "their ids on disk, MB", "parameters, MB", "peak MB, mapped ids among them"], rows)


def report_vocabulary(report, words, rounds):
    """Growth with the vocabulary."""
    report.say("## Growth with the vocabulary: one epoch of 1 million words, one core")
    report.say()
    rows = []
    for name, size in SIZES.items():
        for vocabulary in VOCABULARIES:
            found = in_process(ours, 1, vocabulary, 1, 1, size, cores=1)
            rows.append(
                [
                    name,
                    f"{vocabulary:,}",
                    f"{found['pairs'] / found['seconds'] / 1e6:.2f}",
                    f"{found['parameters']:.0f}",
                    f"{found['megabytes']:.0f}",
                ]
            )
    report.table(["", "words in the vocabulary", "million pairs/s", "parameters, MB", "peak MB"], rows)


SECTIONS = {
    "speed": report_speed,
    "quality": report_quality,
    "memory": report_memory,
    "vocabulary": report_vocabulary,
}


def main():
    """Run the sections asked for and print the report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--words", nargs="+", type=float, default=[1, 5, 20], metavar="N", help="millions (1 5 20)")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="of each measurement (3; long texts 1)")
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=list(SECTIONS))
    parser.add_argument("--write", metavar="FILE", help="write the report there as Markdown, too")
    args = parser.parse_args()
    report = Report()
    report.say("# Benchmarks of training by epochs")
    report.say()
    report.say(f"{machine()}. BLAS on one thread. Written by `make bench-large`.")
    report.say()
    for name in args.only:
        SECTIONS[name](report, args.words, args.rounds)
    if args.write:
        Path(args.write).write_text("\n".join(report.lines).rstrip() + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
