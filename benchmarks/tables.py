"""What vectors are worth, and what each option changes: the tables of docs/evaluation.md.

    python benchmarks/tables.py TEXT --sets FOLDER --data TREEBANK --results results.jsonl
    python benchmarks/tables.py TEXT --sets FOLDER --results results.jsonl --only methods --methods skip-gram cbow
    python benchmarks/tables.py TEXT --sets FOLDER --data TREEBANK --small      # the text's beginning, d = 20, one seed

Each line of a table is measured by a process of its own, on one core, and its result is appended to --results at once.
Lines found there are not measured again: an interrupted run resumes where it stopped. --methods limits what is measured
(alone: nothing), but all lines are shown. TREEBANK is the folder of the Stanford Sentiment Treebank; without it the
table of sentiment is left out. gensim's lines are left out unless it is installed.
"""

import argparse
import itertools
import json
import statistics
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parent
sys.path[:0] = [str(FOLDER.parent), str(FOLDER)]

from bench import Report, in_process, machine  # noqa: E402
from bench_epochs import MIN_COUNT, STEPS, beginning  # noqa: E402

DIM, SMALL_DIM, WINDOW, EPOCHS, SUBSAMPLE = 100, 20, 5, 3, 1e-3
CDS, SHIFT, EIG = 0.75, 1, 0.5
NEGATIVES = 5
GLOVE_WINDOW = 10  # as count.py has it for GloVe
SEEDS = 3
COLUMNS = {  # title of a set -> head of its column
    "WordSim-353": "WordSim",
    "SimLex-999": "SimLex",
    "MEN": "MEN",
    "Rare Words": "Rare Words",
    "MTurk-287": "MTurk",
    "Google analogies": "Google %",
    "MSR analogies": "MSR %",
}


class Line(NamedTuple):
    """A line of a table.

    Attributes
    ----------
    title : str
    method : str
        A key of METHODS.
    options : dict
        For the method's function.
    """

    title: str
    method: str
    options: dict = {}


# What is measured: each function makes words and their vectors, in a process of its own


def count(text, seed, dim, measure="ppmi", weighting="linear", window=WINDOW, cds=CDS, shift=SHIFT, eig=EIG,
          context="target", subsample=0.0):  # fmt: skip
    """Counts and SVD, as count.py makes them; without SVD (dim = 0) the sparse rows."""
    import numpy as np

    from epochs import subsampling
    from utils.counting.cooccurrence import cooccurrence
    from utils.counting.pmi import ppmi, svd_vectors
    from utils.minibatches.bands import thin_out

    corpus = text.corpus
    if subsample:
        keep = subsampling(text.counts, subsample).astype(np.float32)
        corpus = thin_out(corpus, keep, np.random.default_rng(seed))
    matrix = cooccurrence(corpus, window, weighting, V=len(text.words))
    if measure == "ppmi":
        matrix = ppmi(matrix, cds, shift)
    return text.words, svd_vectors(matrix, dim, eig, context, seed) if dim else matrix


def closed_form(text, seed, dim, eig=EIG):
    """The closed form of the quadratic approximation (docs/derivations.md, section 11)."""
    from utils.counting.cooccurrence import cooccurrence
    from utils.counting.quadratic import closed_form_vectors

    counts = cooccurrence(text.corpus, WINDOW, "linear", V=len(text.words))
    return text.words, closed_form_vectors(counts, dim, eig, random_state=seed)


def glove(text, seed, dim, window=GLOVE_WINDOW):
    """GloVe, as `count.py --method glove` trains it."""
    from utils.counting import glove
    from utils.counting.cooccurrence import cooccurrence
    from utils.vectors.files import select

    counts = cooccurrence(text.corpus, window, "harmonic", V=len(text.words))
    trainer = glove.Trainer(counts, glove.Settings(dim, seed=seed))
    return text.words, select(trainer.stacked(glove.fit(trainer)), "sum")


def train(text, seed, dim, model, window=WINDOW, negatives=NEGATIVES, subsample=SUBSAMPLE, vectors="center",
          epochs=EPOCHS):  # fmt: skip
    """Training by epochs, as `run.py --corpus` does it."""
    from epochs import Settings, Trainer, subsampling
    from utils.minibatches.chunks import Chunks
    from utils.runs.rounds import fit
    from utils.vectors.files import select

    settings = Settings(dim=dim, window=window, negatives=negatives, epochs=epochs, model=model, seed=seed)
    trainer = Trainer(text.counts, subsampling(text.counts, subsample), settings)
    return text.words, select(fit(trainer, Chunks(text.corpus, epochs)), vectors)


def gensim(text, seed, dim, model):
    """gensim's, with its own default step."""
    from gensim.models import Word2Vec

    sentences = [[text.words[i] for i in text.corpus.sentence(s)] for s in range(len(text.corpus))]
    trained = Word2Vec(
        sentences, vector_size=dim, window=WINDOW, negative=NEGATIVES, sg=int(model == "skip-gram"), alpha=STEPS[model],
        min_count=1, sample=SUBSAMPLE, workers=1, seed=seed + 1, epochs=EPOCHS,
    )  # fmt: skip
    return trained.wv.index_to_key, trained.wv.vectors


# The name that --methods takes -> its function. Another method joins here, and with its lines below.
METHODS = {
    "counts": count,
    "closed-form": closed_form,
    "glove": glove,
    "skip-gram": train,
    "cbow": train,
    "gensim": gensim,
}
RANDOM = ("glove", "skip-gram", "cbow", "gensim")  # trained from random vectors: as many seeds as are asked for


def methods():
    """The lines of the first table."""
    return [
        Line("counts", "counts", {"measure": "counts", "dim": 0}),
        Line("PPMI", "counts", {"dim": 0}),
        Line("counts + SVD", "counts", {"measure": "counts"}),
        *(Line(f"PPMI + SVD, eig {eig:g}", "counts", {"eig": eig}) for eig in (0, 0.5, 1)),
        *(Line(f"closed form, eig {eig:g}", "closed-form", {"eig": eig}) for eig in (0, 0.5)),
        Line(f"GloVe, window {GLOVE_WINDOW}", "glove"),
        Line("skip-gram", "skip-gram", {"model": "skip-gram"}),
        Line("CBOW", "cbow", {"model": "cbow"}),
        Line("gensim's skip-gram", "gensim", {"model": "skip-gram"}),
        Line("gensim's CBOW", "gensim", {"model": "cbow"}),
    ]


def hyperparameters():
    """The lines of the second table: one option changed at a time."""
    counted = [
        ("as above, eig 0.5", {}),
        ("window 2", {"window": 2}),
        ("window 10", {"window": 10}),
        ("weighting flat", {"weighting": "flat"}),
        ("cds 1", {"cds": 1}),
        ("shift 5", {"shift": 5}),
        ("subsampling 1e-3", {"subsample": 1e-3}),
        ("subsampling 1e-5", {"subsample": 1e-5}),
        ("w + c", {"context": "sum"}),
        ("cds 1, subsampling 1e-5", {"cds": 1, "subsample": 1e-5}),
    ]
    trained = [
        ("as above", {}),
        ("window 2", {"window": 2}),
        ("window 10", {"window": 10}),
        ("negatives 1", {"negatives": 1}),
        ("negatives 10", {"negatives": 10}),
        ("negatives 15", {"negatives": 15}),
        ("subsampling 1e-4", {"subsample": 1e-4}),
        ("no subsampling", {"subsample": 0}),
        ("w + c", {"vectors": "sum"}),
    ]
    lines = [Line(f"PPMI + SVD: {title}", "counts", {"eig": EIG, **options}) for title, options in counted]
    return lines + [
        Line(f"skip-gram: {title}", "skip-gram", {"model": "skip-gram", **options}) for title, options in trained
    ]


def feelings():
    """The lines of the table of sentiment, trained on the treebank."""
    more_epochs = {"epochs": 15}  # of a text as small as this
    return [
        Line("PPMI + SVD", "counts", {"weighting": "flat"}),
        Line("skip-gram", "skip-gram", {"model": "skip-gram", **more_epochs}),
        Line("CBOW", "cbow", {"model": "cbow", **more_epochs}),
    ]


TABLES = {"methods": methods, "hyperparameters": hyperparameters, "sentiment": feelings}


def measure_sets(text, cache, sets, dim, method, seed, options):
    """Make the vectors of a line, and score them on all sets: CPU seconds and scores."""
    from utils.corpus.reading import read_text
    from utils.corpus.tokens import TextOptions

    text = read_text(text, TextOptions(min_count=MIN_COUNT), cache)
    begun = time.process_time()
    words, vectors = METHODS[method](text, seed, **{"dim": dim, **options})
    return {"cpu": time.process_time() - begun, "scores": scores(words, vectors, Path(sets))}


def measure_sentiment(data, dim, method, seed, options):
    """Make the vectors of a line from the treebank's sentences, and learn sentiment from them."""
    from types import SimpleNamespace

    import numpy as np

    from utils.corpus.reading import encode
    from utils.scoring.sentiment import read_splits, score_sentiment
    from utils.treebank import StanfordSentiment
    from utils.vectors.wordvectors import WordVectors

    treebank = StanfordSentiment(data)
    corpus, words = encode(treebank.sentences())
    text = SimpleNamespace(words=words, corpus=corpus, counts=np.bincount(corpus.ids, minlength=len(words)))
    begun = time.process_time()
    words, vectors = METHODS[method](text, seed, **{"dim": dim, **options})
    cpu = time.process_time() - begun
    found = score_sentiment(WordVectors(words, np.asarray(vectors, float)), read_splits(treebank), True, 1)
    return {"cpu": cpu, "scores": {"raw": found.vectors.accuracy, "unit length": found.unit_length.accuracy}}


def scores(words, vectors, folder):
    """Title -> Spearman's rho of a set of pairs, or the share of analogies answered by 3CosAdd."""
    import numpy as np
    from scipy.sparse import issparse

    from utils.scoring.sets import find_sets, read_pairs, read_questions
    from utils.scoring.wordsets import score_analogies, score_pairs, summary
    from utils.vectors.wordvectors import WordVectors

    known = [{title: found[title] for title in found if title in COLUMNS} for found in find_sets(folder)]
    pairs, questions = known
    read = {title: read_pairs(path) for title, path in pairs.items()}
    if issparse(vectors):
        return {title: rho_of_rows(words, vectors, of_set) for title, of_set in read.items()}
    vectors = WordVectors(list(words), np.asarray(vectors, dtype=np.float32))
    found = {title: score_pairs(vectors, of_set).rho for title, of_set in read.items()}
    for title, path in questions.items():
        found[title] = summary(score_analogies(vectors, read_questions(path)))["total"].share
    return found


def rho_of_rows(words, rows, pairs):
    """Spearman's rho of the cosines of sparse rows, which are too long to be made dense."""
    import numpy as np

    from utils.scoring.wordsets import Cosines, correlate

    index = {word: i for i, word in enumerate(words)}
    places = [[index.get(word, index.get(word.lower())) for word in pair[:2]] for pair in pairs]
    known = [i for i, place in enumerate(places) if None not in place]
    left, right = np.array([places[i] for i in known], dtype=np.intp).reshape(-1, 2).T  # (used,), (used,)
    lengths = np.sqrt(rows.multiply(rows).sum(axis=1))  # (V,)
    lengths[lengths == 0] = 1
    cosines = np.full(len(pairs), np.nan)
    cosines[known] = rows[left].multiply(rows[right]).sum(axis=1) / (lengths[left] * lengths[right])
    return correlate([Cosines(cosines, np.zeros(len(pairs), bool))], pairs)[0].rho


# Results: one line of JSON for each


def key_of(args, table, line, seed):
    """What tells a result from all others: lines of several tables that ask for the same share it."""
    text = "treebank" if table == "sentiment" else args.of_text
    return {"text": text, "dim": args.dim, "method": line.method, "options": line.options, "seed": seed}


def read_results(path):
    """The results so far: a list of (key, result)."""
    if not path.exists():
        return []
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [(line["key"], line["result"]) for line in lines]


def tasks(args):
    """(table, line, seed) of everything to measure: the first seed of every line, then the second, ..."""
    for seed, table in itertools.product(range(args.seeds), args.only):
        for line in TABLES[table]():
            if line.method in args.methods and (seed == 0 or (line.method in RANDOM and table != "hyperparameters")):
                yield table, line, seed


def measure(args, results, cache):
    """Measure what is not there yet; `cache` is a folder for the text once it is read."""
    done = [key for key, _ in read_results(results)]
    for table, line, seed in tasks(args):
        key = key_of(args, table, line, seed)
        if key in done:
            continue
        ending = line.method, seed, line.options
        if table == "sentiment":
            result = in_process(measure_sentiment, str(args.data), args.dim, *ending)
        else:
            result = in_process(measure_sets, str(args.text), cache, str(args.sets), args.dim, *ending)
        with results.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"key": key, "result": result}) + "\n")
        done.append(key)


# The report


def mean(values, scale, places):
    """The mean of what several seeds gave, and how far they were apart; a dash where there is nothing."""
    values = [scale * value for value in values if value is not None]
    if not values:
        return "-"
    apart = f" ({min(values):.{places}f}-{max(values):.{places}f})" if len(values) > 1 else ""
    return f"{statistics.mean(values):.{places}f}{apart}"


def results_of(args, results, table, line):
    """The results of a line, one for each seed measured so far."""
    found = read_results(results)
    keys = [key_of(args, table, line, seed) for seed in range(args.seeds)]
    return [result for wanted in keys for key, result in found if key == wanted]


def report_sets(report, args, results, table):
    """One of the tables of word similarity and analogies."""
    rows = []
    for line in TABLES[table]():
        if found := results_of(args, results, table, line):
            cells = []
            for title in COLUMNS:
                scale, places = (100, 1) if "analogies" in title else (1, 3)
                cells.append(mean([one["scores"].get(title) for one in found], scale, places))
            rows.append([line.title, *cells, f"{statistics.mean(one['cpu'] for one in found):.0f}", len(found)])
    report.table(["", *COLUMNS.values(), "CPU s", "seeds"], rows)


def report_sentiment(report, args, results, table):
    """The table of sentiment: % right on train / dev / test."""
    rows = []
    for line in TABLES[table]():
        if found := results_of(args, results, table, line):
            cells = []
            for form, split in itertools.product(("raw", "unit length"), ("dev", "test")):
                cells.append(mean([one["scores"][form][split] for one in found], 100, 1))
            rows.append([line.title, *cells, len(found)])
    report.table(["", "raw: dev", "test", "unit length: dev", "test", "seeds"], rows)


def main():
    """Measure what is missing and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("text", type=Path, help="one sentence a line; also .gz, .bz2, .xz")
    parser.add_argument("--sets", type=Path, required=True, metavar="FOLDER", help="evaluation sets")
    parser.add_argument("--data", type=Path, metavar="FOLDER", help="the treebank, for the table of sentiment")
    parser.add_argument("--results", type=Path, default=Path("tables.jsonl"), metavar="FILE", help="kept between runs")
    parser.add_argument("--only", nargs="+", choices=TABLES, default=list(TABLES), help="some of the tables")
    parser.add_argument(
        "--methods", nargs="*", choices=METHODS, default=list(METHODS), help="measure these alone; or nothing"
    )
    parser.add_argument("--seeds", type=int, default=SEEDS, metavar="N", help="of what begins with random vectors")
    parser.add_argument("--small", action="store_true", help=f"the text's beginning, d = {SMALL_DIM}, one seed")
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the tables there as Markdown, too")
    args = parser.parse_args()
    args.dim, args.of_text = DIM, args.text.name
    if args.data is None:
        args.only = [table for table in args.only if table != "sentiment"]
    if not find_spec("gensim"):
        args.methods = [method for method in args.methods if method != "gensim"]
    report = Report()
    with tempfile.TemporaryDirectory() as folder:
        if args.small:
            small = Path(folder, "small.txt")
            small.write_text(beginning(args.text), encoding="utf-8")
            args.dim, args.seeds, args.text, args.of_text = SMALL_DIM, 1, small, f"{args.of_text}, the beginning"
        measure(args, args.results, folder)
        report.say(f"{machine()}. One core each. Means, and in parentheses the least and the largest, over the seeds.")
        report.say()
        for table in args.only:
            report.say(f"## {table}")
            report.say()
            (report_sentiment if table == "sentiment" else report_sets)(report, args, args.results, table)
    if args.write:
        args.write.write_text("\n".join(report.lines).rstrip() + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
