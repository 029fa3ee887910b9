"""Training by epochs on a real text: speed and quality at equal epochs, in turn with gensim.

    python benchmarks/bench_epochs.py TEXT --sets FOLDER --dims 50 100 300 --epochs 1 3 5 --seeds 3
    python benchmarks/bench_epochs.py TEXT --sets FOLDER --small               # two million characters, under 30 s

Seconds are those of the processor (one core, one BLAS thread), so that a busy machine spoils them least. FOLDER has the
evaluation sets: similarity by cosine on all pairs that the words cover, Google's analogies among the 30,000 commonest.
"""

import argparse
import itertools
import statistics
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

FOLDER = Path(__file__).parent
sys.path[:0] = [str(FOLDER.parent), str(FOLDER)]

from bench import Report, in_process, machine  # noqa: E402

WINDOW, MIN_COUNT, SUBSAMPLE = 5, 5, 1e-3
STEPS = {"skip-gram": 0.025, "cbow": 0.05}
NEGATIVES = {10: 10}  # by dimension; 5 for others
SMALL = 2_000_000  # characters
SIMILARITY = {"WordSim-353": "wordsim353.tsv", "SimLex-999": "simlex999.txt", "MEN": "men.txt"}
ANALOGIES = "questions-words.txt"


# What is measured: each function runs in a process of its own and returns what it prints as JSON


def ours(text, sets, dim, epochs, model, seed, noise):
    """CPU seconds, pairs or windows predicted, and scores of our training."""
    from epochs import Settings, Trainer, fit, subsampling
    from utils.minibatches.chunks import Chunks

    text = read(text)
    settings = {"noise": noise} if noise else {}
    settings = Settings(
        dim=dim, window=WINDOW, negatives=NEGATIVES.get(dim, 5), epochs=epochs, step=STEPS[model], model=model,
        seed=seed, **settings,
    )  # fmt: skip
    started = time.process_time()
    trainer = Trainer(text.counts, subsampling(text.counts, SUBSAMPLE), settings)
    vectors = fit(trainer, Chunks(text.corpus, epochs))
    seconds = time.process_time() - started
    return {"seconds": seconds, **scores(text.words, vectors[: len(text.words)], sets)}


def gensim(text, sets, dim, epochs, model, seed, noise):
    """CPU seconds and scores of gensim's. It gets lists of words, its fastest form; making them is not timed."""
    from gensim.models import Word2Vec

    text = read(text)
    sentences = [[text.words[i] for i in text.corpus.sentence(s)] for s in range(len(text.corpus))]
    trained = Word2Vec(
        vector_size=dim, window=WINDOW, negative=NEGATIVES.get(dim, 5), sg=int(model == "skip-gram"),
        alpha=STEPS[model], min_count=1, sample=SUBSAMPLE, workers=1, seed=seed + 1,
    )  # fmt: skip
    trained.build_vocab(sentences)
    started = time.process_time()
    trained.train(sentences, total_examples=len(sentences), epochs=epochs)
    seconds = time.process_time() - started
    return {"seconds": seconds, **scores(trained.wv.index_to_key, trained.wv.vectors, sets)}


def read(path):
    """The text, words that occur less than five times left out."""
    from utils.corpus.reading import read_text
    from utils.corpus.tokens import TextOptions

    return read_text(path, TextOptions(min_count=MIN_COUNT))


def scores(words, vectors, sets):
    """Similarity (Spearman) and the share of analogies answered."""
    from utils.scoring.sets import read_pairs, read_questions
    from utils.scoring.wordsets import score_analogies, score_pairs, summary
    from utils.vectors.wordvectors import WordVectors

    vectors, sets = WordVectors(list(words), vectors.astype(float)), Path(sets)
    found = {name: score_pairs(vectors, read_pairs(sets / file)).rho for name, file in SIMILARITY.items()}
    found["analogies"] = summary(score_analogies(vectors, read_questions(sets / ANALOGIES)))["total"].share
    return found


# The report


def compare(report, args, text):
    """A row for each model, dimension and number of epochs: ours and gensim's, in turn, means over the seeds."""
    names = [*SIMILARITY, "analogies"]
    rows = []
    for model, dim, epochs in itertools.product(args.models, args.dims, args.epochs):
        results = {ours: [], gensim: []} if find_spec("gensim") else {ours: []}
        for seed, function in itertools.product(range(args.seeds), results):
            found = in_process(function, str(text), str(args.sets), dim, epochs, model, seed, args.noise)
            results[function].append(found)
        reference = statistics.median(found["seconds"] for found in results.get(gensim, results[ours]))
        for function, found in results.items():
            seconds = statistics.median(one["seconds"] for one in found)
            means = [statistics.mean(one[name] or 0 for one in found) for name in names]
            label = "here" if function is ours else "gensim"
            speed = f"{reference / seconds:.2f}" if gensim in results else "gensim is not installed"
            row = [model, dim, epochs, label, f"{seconds:.1f}", speed]
            rows.append([*row, *(f"{mean:.3f}" for mean in means)])
    report.table(["", "d", "epochs", "", "CPU s", "speed over gensim's", *names], rows)


def main():
    """Train, score and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("text", help="one sentence a line; also .gz, .bz2, .xz")
    parser.add_argument("--sets", required=True, metavar="FOLDER", help="evaluation sets")
    parser.add_argument("--models", nargs="+", choices=STEPS, default=list(STEPS))
    parser.add_argument("--dims", nargs="+", type=int, default=[50, 100, 300], metavar="N")
    parser.add_argument("--epochs", nargs="+", type=int, default=[1, 3, 5], metavar="N")
    parser.add_argument("--seeds", type=int, default=3, metavar="N", help="runs of each, in turn")
    parser.add_argument("--noise", type=int, metavar="N", help="noise words of a block; default: that of Settings")
    parser.add_argument("--small", action="store_true", help="the text's beginning, d = 50, one epoch, one seed")
    parser.add_argument("--write", metavar="FILE", help="write the report there as Markdown, too")
    args = parser.parse_args()
    report = Report()
    report.say("# Training by epochs on a real text")
    report.say()
    report.say(f"{machine()}. BLAS on one thread.")
    report.say()
    with tempfile.TemporaryDirectory() as folder:
        text = Path(args.text)
        if args.small:
            args.dims, args.epochs, args.seeds = [50], [1], 1
            text = Path(folder, "small.txt")
            text.write_text(beginning(args.text), encoding="utf-8")
        compare(report, args, text)
    if args.write:
        Path(args.write).write_text("\n".join(report.lines).rstrip() + "\n", encoding="utf-8")


def beginning(path):
    """The first two million characters of a text."""
    import lzma

    with (lzma.open if str(path).endswith(".xz") else open)(path, "rt", encoding="utf-8") as file:
        return file.read(SMALL)


if __name__ == "__main__":
    main()
