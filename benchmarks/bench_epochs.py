"""Training by epochs: speed, memory and quality at equal epochs, in turn with gensim and fastText.

    python benchmarks/bench_epochs.py TEXT --sets FOLDER --dims 50 100 300 --epochs 1 3 5 --seeds 3
    python benchmarks/bench_epochs.py planted --workers 1 2 4                  # text with known similarities
    python benchmarks/bench_epochs.py TEXT --sets FOLDER --workers 1 4 16 --in-turn --others    # quality alone
    python benchmarks/bench_epochs.py TEXT --sets FOLDER --subwords 3-6 --dims 100 --others fasttext    # with n-grams
    python benchmarks/bench_epochs.py TEXT --sets FOLDER --small               # two million characters, under 30 s

Seconds are those of the processor (one core, one BLAS thread), so that a busy machine spoils them least; with several
workers only the elapsed ones can be given. --in-turn trains the shares of all workers one after the other in a single
process: it finds what they would find, on however few cores. FOLDER has the evaluation sets: similarity by cosine on
all pairs that the words cover, Google's analogies among the 30,000 commonest. gensim and fastText train with their own
defaults: steps of 0.025 with skip-gram and 0.05 with CBOW. With n-grams, words that the text lacks are composed, and
all pairs covered.
"""

import argparse
import itertools
import resource
import statistics
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

FOLDER = Path(__file__).parent
sys.path[:0] = [str(FOLDER.parent), str(FOLDER)]

from bench import Report, in_process, machine  # noqa: E402

from utils.commands.options import characters  # noqa: E402

WINDOW, MIN_COUNT, SUBSAMPLE = 5, 5, 1e-3
STEPS = {"skip-gram": 0.025, "cbow": 0.05}  # of the others
NEGATIVES = {10: 10}  # by dimension; 5 for others
SMALL = 2_000_000  # characters
PLANTED = "planted"
PLANTED_WORDS, PLANTED_VOCABULARY = 5_000_000, 50_000
SIMILARITY = {
    "WordSim-353": "wordsim353.tsv",
    "SimLex-999": "simlex999.txt",
    "MEN": "men.txt",
    "Rare Words": "rarewords.txt",
}
BUCKETS = 2_000_000  # of n-grams, fastText's default
ANALOGIES = "questions-words.txt"


# What is measured: each function runs in a process of its own and returns what it prints as JSON


def here(text, sets, dim, epochs, model, seed, subwords, workers, noise, in_turn):
    """Seconds, memory and scores of our training."""
    from epochs import Settings, Trainer, subsampling
    from utils.minibatches.chunks import Chunks
    from utils.minibatches.inputs import Composed, Inputs
    from utils.runs.rounds import fit
    from utils.system.workers import Workers
    from utils.vectors.subwords import NGrams
    from utils.vectors.wordvectors import WordVectors

    class InTurn(Workers):
        def _perform(self, calls):
            return {i: function(*arguments) for i, (function, *arguments) in calls.items()}

    text = read(text)
    settings = Settings(
        dim=dim, window=WINDOW, negatives=NEGATIVES.get(dim, 5), epochs=epochs, model=model, noise=noise, seed=seed
    )

    def train():
        inputs = Composed(text.words, NGrams(*subwords, BUCKETS)) if subwords else Inputs(len(text.words))
        trainer = Trainer(text.counts, subsampling(text.counts, SUBSAMPLE), settings, inputs)
        several = (InTurn if in_turn else Workers)(workers)
        return inputs, fit(trainer, Chunks(text.corpus, epochs), workers=several)[: inputs.rows]

    def read_off(trained):
        inputs, rows = trained
        return WordVectors(text.words, inputs.of_words(rows), inputs.subwords(rows))

    return measured(text, sets, train, read_off)


def gensim(text, sets, dim, epochs, model, seed, subwords):
    """The same of gensim's. It gets lists of words, its fastest form; making them is not timed."""
    from gensim.models import Word2Vec

    from utils.vectors.wordvectors import WordVectors

    text = read(text)
    sentences = [[text.words[i] for i in text.corpus.sentence(s)] for s in range(len(text.corpus))]
    trained = Word2Vec(
        vector_size=dim, window=WINDOW, negative=NEGATIVES.get(dim, 5), sg=int(model == "skip-gram"),
        alpha=STEPS[model], min_count=1, sample=SUBSAMPLE, workers=1, seed=seed + 1,
    )  # fmt: skip
    trained.build_vocab(sentences)

    def train():
        trained.train(sentences, total_examples=len(sentences), epochs=epochs)
        return trained.wv

    return measured(text, sets, train, lambda wv: WordVectors(wv.index_to_key, wv.vectors))


def fasttext(text, sets, dim, epochs, model, seed, subwords):
    """The same of fastText's. It reads a file; counting its words is timed, too."""
    import fasttext

    from utils.vectors.files import load_vectors

    text = read(text)
    shortest, longest = subwords or (0, 0)
    with tempfile.TemporaryDirectory() as folder, Path(folder, "text.txt").open("w", encoding="utf-8") as file:
        for s in range(len(text.corpus)):
            print(*(text.words[i] for i in text.corpus.sentence(s)), file=file)
        file.flush()

        def train():
            return fasttext.train_unsupervised(
                file.name, model={"skip-gram": "skipgram"}.get(model, model), dim=dim, ws=WINDOW, epoch=epochs,
                neg=NEGATIVES.get(dim, 5), lr=STEPS[model], t=SUBSAMPLE, minCount=1, thread=1, verbose=0,
                minn=shortest, maxn=longest, bucket=BUCKETS,
            )  # fmt: skip

        def read_off(model):
            model.save_model(f"{folder}/model.bin")
            return load_vectors(f"{folder}/model.bin")

        return measured(text, sets, train, read_off)


def measured(text, sets, train, read_off):
    """What `train` takes, and the scores of what it returns; the peak of memory is that of the process until then."""
    cpu, elapsed = time.process_time(), time.perf_counter()
    trained = train()
    cpu, elapsed = time.process_time() - cpu, time.perf_counter() - elapsed
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    found = {"cpu": cpu, "elapsed": elapsed, "MB": peak, "V": len(text.words)}
    return {**found, "scores": scores(read_off(trained), sets, text)}


def read(path):
    """The text, words that occur less than five times left out; or the planted one."""
    from types import SimpleNamespace

    import numpy as np

    from utils.corpus.planted import PlantedText
    from utils.corpus.reading import read_text
    from utils.corpus.tokens import TextOptions

    if path != PLANTED:
        return read_text(path, TextOptions(min_count=MIN_COUNT))
    source = PlantedText(PLANTED_VOCABULARY)
    corpus = source.draw(PLANTED_WORDS)
    words = [f"w{i}" for i in range(PLANTED_VOCABULARY)]
    counts = np.bincount(corpus.ids, minlength=len(words))
    return SimpleNamespace(words=words, corpus=corpus, counts=counts, source=source)


def scores(vectors, sets, text):
    """Similarity (Spearman) and the share of analogies answered; with planted text, how far its plan is found."""
    import numpy as np

    from utils.scoring.sets import read_pairs, read_questions
    from utils.scoring.wordsets import score_analogies, score_pairs, summary

    if sets is None:
        rows, zero = map(vectors.index.get, text.words), np.zeros(vectors.vector_size)
        of_text = np.array([zero if row is None else vectors.vectors[row] for row in rows])
        return {"recovery": text.source.recovery(of_text)}
    sets = Path(sets)
    found = {name: score_pairs(vectors, read_pairs(sets / file)).rho for name, file in SIMILARITY.items()}
    found["analogies"] = summary(score_analogies(vectors, read_questions(sets / ANALOGIES)))["total"].share
    return found


# The report


def compare(report, args, text):
    """A row for each model, dimension, number of epochs and program, in turn; means over the seeds."""
    sets = None if text == PLANTED else str(args.sets)
    names = ["recovery"] if sets is None else [*SIMILARITY, "analogies"]
    others = [other for other in (gensim, fasttext) if other.__name__ in args.others and find_spec(other.__name__)]
    rows = []
    for model, dim, epochs in itertools.product(args.models, args.dims, args.epochs):
        common = str(text), sets, dim, epochs, model
        runs = {"here" if n == 1 else f"here, {n} workers": (here, n) for n in args.workers}
        runs.update({other.__name__: (other, 1) for other in others})
        results = {name: [] for name in runs}
        for seed, (name, (function, cores)) in itertools.product(range(args.seeds), runs.items()):
            own = (cores, args.noise, args.in_turn) if function is here else ()
            cores = 1 if args.in_turn else cores
            results[name].append(in_process(function, *common, seed, args.subwords, *own, cores=cores))
        for name, found in results.items():
            cpu, elapsed, peak = (statistics.median(one[key] for one in found) for key in ("cpu", "elapsed", "MB"))
            several = runs[name][1] > 1 and not args.in_turn
            speed = "" if several or "gensim" not in runs else ratio(results["gensim"], found)
            means = [statistics.mean(one["scores"][score] or 0 for one in found) for score in names]
            cells = ["" if several else f"{cpu:.1f}", f"{elapsed:.1f}", speed, f"{peak:.0f}"]
            rows.append([model, dim, epochs, name, *cells, *(f"{mean:.3f}" for mean in means)])
    report.table(["", "d", "epochs", "", "CPU s", "elapsed s", "speed over gensim's", "MB", *names], rows)


def ratio(reference, found):
    """How many times as fast, by the median over the rounds."""
    return f"{statistics.median(a['cpu'] / b['cpu'] for a, b in zip(reference, found, strict=True)):.2f}"


def main():
    """Train, score and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("text", help=f"one sentence a line; also .gz, .bz2, .xz; or {PLANTED}")
    parser.add_argument("--sets", metavar="FOLDER", help="evaluation sets, for a real text")
    parser.add_argument("--models", nargs="+", choices=STEPS, default=list(STEPS))
    parser.add_argument("--dims", nargs="+", type=int, default=[50, 100, 300], metavar="N")
    parser.add_argument("--epochs", nargs="+", type=int, default=[1, 3, 5], metavar="N")
    parser.add_argument("--seeds", type=int, default=3, metavar="N", help="runs of each, in turn")
    parser.add_argument("--workers", nargs="+", type=int, default=[1], metavar="N", help="of our training")
    parser.add_argument("--in-turn", action="store_true", help="the shares of all workers in one process")
    parser.add_argument("--others", nargs="*", choices=["gensim", "fasttext"], default=["gensim", "fasttext"])
    parser.add_argument("--subwords", type=characters, metavar="MIN-MAX", help="characters of n-grams; not gensim's")
    parser.add_argument("--noise", type=int, metavar="N", help="noise words of a block; default: the model's")
    parser.add_argument("--small", action="store_true", help="the text's beginning, d = 50, one epoch, one seed")
    parser.add_argument("--write", metavar="FILE", help="write the report there as Markdown, too")
    args = parser.parse_args()
    if args.text != PLANTED and args.sets is None:
        parser.error("--sets FOLDER is needed to score vectors of a real text")
    report = Report()
    report.say("# Training by epochs")
    report.say()
    report.say(f"{machine()}. BLAS on one thread.")
    report.say()
    with tempfile.TemporaryDirectory() as folder:
        text = args.text
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
