"""Counting and predicting side by side: six kinds of word vectors from one text, in one table and one picture.

    python examples/compare.py                    # on the Stanford Sentiment Treebank, some two minutes
    python examples/compare.py --sample           # on the built-in sample treebank
    python examples/compare.py --iterations 200 --epochs 3      # quicker, with less training

Counts, PPMI, the SVD of PPMI and GloVe are made as by count.py; naive softmax is the handout's training (`sgd` on
minibatches of its expanded corpus), in the time there is far from its end; negative sampling is that of epochs.py. All
have the same words and, but for the rows of counts and PPMI, the same dimension d. Of these rows, as long as the
vocabulary, sentiment gets the columns of the d most frequent words: five classes are not learnt from 8,544 sentences
with 19,538 numbers each. `compare.png` has a map for each method.
"""

import random
import sys
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.sparse import issparse
from threadpoolctl import threadpool_limits

sys.path.insert(0, str(Path(__file__).parent.parent))

import epochs  # noqa: E402
from sgd import sgd  # noqa: E402
from utils.commands import options  # noqa: E402
from utils.commands.inputs import read_treebank  # noqa: E402
from utils.commands.words import MAP_GROUPS, choose_words  # noqa: E402
from utils.corpus.ids import Corpus  # noqa: E402
from utils.corpus.reading import encode  # noqa: E402
from utils.counting import glove  # noqa: E402
from utils.counting.cooccurrence import cooccurrence  # noqa: E402
from utils.counting.pmi import ppmi, svd_vectors  # noqa: E402
from utils.minibatches.chunks import Chunks  # noqa: E402
from utils.pictures.canvas import HEADING, INK, LABEL, SMALL, default_settings, paper, save_png  # noqa: E402
from utils.pictures.wordmap import Scatter, marks_of, project_2d  # noqa: E402
from utils.runs.rounds import fit  # noqa: E402
from utils.scoring import sentiment, sets, wordsets  # noqa: E402
from utils.system import console  # noqa: E402
from utils.system.bar import Bar  # noqa: E402
from utils.system.errors import InputError  # noqa: E402
from utils.system.files import make_folder  # noqa: E402
from utils.treebank import StanfordSentiment  # noqa: E402
from utils.vectors.files import select  # noqa: E402
from utils.vectors.wordvectors import WordVectors  # noqa: E402
from word2vec import minibatchLossAndGradient  # noqa: E402

DIM, WINDOW, CDS = 50, 5, 0.75
ITERATIONS, BATCH, SOFTMAX_STEP = 2000, 100, 15.0  # fifty times the step of run.py: there are few iterations
EPOCHS, NEGATIVES, STEP, SUBSAMPLING = 15, 5, 0.05, 1e-3
GLOVE_ITERATIONS = 10
SIMILARITY = "WordSim-353"
ACROSS, PANEL = 3, (5.2, 4.6)  # panels beside each other; width and height of each, inches
HEAD = 0.5  # inches above the panels, for the title
TITLE = "The same words in six kinds of vectors"


class Text(NamedTuple):
    """What all methods learn from.

    Attributes
    ----------
    treebank : StanfordSentiment
    corpus : Corpus
        Its original sentences.
    words : list of str, length V
    occurrences : ndarray of int64, shape (V,)
    """

    treebank: StanfordSentiment
    corpus: Corpus
    words: list
    occurrences: np.ndarray


# The methods: each makes rows for the words of a text, (V, d) or sparse (V, V)


def counts(text, args):
    return cooccurrence(text.corpus, args.window, V=len(text.words))


def positive_pmi(text, args):
    return ppmi(counts(text, args), CDS)


def reduced(text, args):
    return svd_vectors(positive_pmi(text, args), args.dim, random_state=args.seed)


def global_vectors(text, args):
    """The sum of GloVe's centre and outside vectors."""
    near = cooccurrence(text.corpus, args.window, "harmonic", V=len(text.words))
    trainer = glove.Trainer(near, glove.Settings(args.dim, iterations=GLOVE_ITERATIONS, seed=args.seed))
    return select(trainer.stacked(glove.fit(trainer)), "sum").astype(np.float64)


def naive_softmax(text, args):
    """The handout's minibatches and optimiser, from its kind of start."""
    index = text.treebank.tokens()
    start = np.zeros((2 * len(index), args.dim))  # (2V', d); a treebank has words beside those of its text
    start[: len(index)] = np.random.default_rng(args.seed).uniform(-0.5, 0.5, (len(index), args.dim)) / args.dim
    random.seed(args.seed)
    with Bar(total=args.iterations, unit="it", disable=not sys.stdout.isatty(), leave=False) as bar:

        def objective(vectors):
            bar.update()
            return minibatchLossAndGradient(vectors, text.treebank.minibatch(args.window, BATCH, 0))

        vectors = sgd(objective, start, args.step, args.iterations, report=lambda iteration, loss: None)
    return vectors[[index[word] for word in text.words]]


def negative_sampling(text, args):
    """Every window in turn, by epochs."""
    settings = epochs.Settings(args.dim, args.window, NEGATIVES, args.epochs, STEP, seed=args.seed)
    trainer = epochs.Trainer(text.occurrences, epochs.subsampling(text.occurrences, SUBSAMPLING), settings)
    return fit(trainer, Chunks(text.corpus, args.epochs))[: len(text.words)].astype(np.float64)


METHODS = {
    "counts": counts,
    "PPMI": positive_pmi,
    "PPMI + SVD": reduced,
    "GloVe": global_vectors,
    "naive softmax": naive_softmax,
    "negative sampling": negative_sampling,
}


# Scores


def dense(rows):
    return rows.toarray() if issparse(rows) else rows


def of_frequent_contexts(rows, occurrences, d):
    """Sparse rows cut down to the columns of the d most frequent words; rows that are dense as they are: (V, d)."""
    return rows[:, np.argsort(-occurrences, kind="stable")[:d]].toarray() if issparse(rows) else rows


def similarity(rows, words, pairs):
    """Score all components of the rows, sparse ones too: a Correlation."""
    asked = {spelling for first, second, _ in pairs for word in (first, second) for spelling in (word, word.lower())}
    known = [i for i, word in enumerate(words) if word in asked]
    if not known:
        return wordsets.Correlation(None, None, 0, len(pairs))
    return wordsets.score_pairs(WordVectors([words[i] for i in known], dense(rows[known])), pairs)


def percent(accuracy):
    return " / ".join(f"{100 * accuracy[name]:.1f}" for name in sentiment.SPLITS)


def line(name, size="", seconds="", feeling="", correlation=None):
    """A line of the table."""
    cells = f"  {name:18}{size:>8}{seconds:>9}  {feeling:>20}"
    if correlation:
        rho = "-" if correlation.rho is None else f"{correlation.rho:.3f}"
        p = "-" if correlation.p is None else f"{correlation.p:.2g}"
        cells += f"  {rho:>6}  {p:>7}  {correlation.used:3} of {correlation.total}"
    return cells.rstrip()


# The picture


def draw(words, maps, path):
    """Draw the same words by each method, a panel for each; save the picture as PNG.

    Parameters
    ----------
    words : list of str, length n
    maps : dict of str to ndarray of float, shape (n, d)
        Title -> vectors.
    path : str or Path
    """
    down = -(-(len(maps) + 1) // ACROSS)  # one place more, for the legend
    with default_settings():
        figure, renderer = paper((ACROSS * PANEL[0], down * PANEL[1] + HEAD))
        marks = marks_of(words, MAP_GROUPS)
        for i, (title, vectors) in enumerate(maps.items()):
            axes = panel(figure, i, down)
            draw_panel(axes, renderer, title, words, vectors, marks)
        height = down * PANEL[1] + HEAD
        figure.text(0.03 / ACROSS, 1 - 0.15 / height, TITLE, fontsize=HEADING, color=INK, va="top")
        handles, names = axes.lines[: len(marks)], [name for name, *_ in marks]
        figure.legend(
            handles, names, loc="center", bbox_to_anchor=((ACROSS - 0.5) / ACROSS, 0.5 * PANEL[1] / height),
            frameon=False, fontsize=LABEL, labelcolor=INK, labelspacing=0.8, title_fontsize=LABEL,
            title="each in the plane of its\nfirst two directions",
        )  # fmt: skip
        save_png(figure, path)


def panel(figure, i, down):
    """Add the axes of the i-th panel, row by row."""
    row, column = divmod(i, ACROSS)
    height = down * PANEL[1] + HEAD  # inches
    bottom = (down - 1 - row + 0.04) * PANEL[1] / height
    return figure.add_axes(((column + 0.03) / ACROSS, bottom, 0.94 / ACROSS, 0.88 * PANEL[1] / height))


def draw_panel(axes, renderer, title, words, vectors, marks):
    """Draw the map of one method."""
    coordinates, shares = project_2d(vectors)  # (n, 2), (2,)
    scatter = Scatter(axes, renderer, words, marks, coordinates, SMALL, 0.7)
    scatter.show(coordinates, scatter.places(coordinates))
    axes.tick_params(length=0, labelleft=False, labelbottom=False)  # scales differ, and mean nothing across methods
    outside = f"; outside, at arrows: {scatter.outside.sum()}" if scatter.outside.any() else ""
    axes.set_title(f"{title}: {100 * shares.sum():.0f} % of the variance{outside}", fontsize=LABEL, color=INK)


# The whole


def parse(arguments):
    """Parse the command line; an argument out of range ends the process with status 2."""
    parser = console.ArgumentParser(description="Six kinds of word vectors from one text, in one table and picture.")
    options.add_treebank(parser)
    parser.add_argument("--sets", metavar="DIR", help="folder of WordSim-353 (default: where get_datasets.sh puts it)")
    options.add(parser, "--dim", default=DIM)
    options.add(parser, "--window", default=WINDOW)
    parser.add_argument(
        "--iterations", type=options.at_least_one, default=ITERATIONS, metavar="N", help="of the naive softmax"
    )
    options.add(parser, "--step", default=SOFTMAX_STEP, help="of the naive softmax")
    options.add(parser, "--epochs", default=EPOCHS, help="of negative sampling")
    options.add(parser, "--seed", "--out")
    return parser.parse_args(arguments)


def read(args):
    """Read the treebank: a Text, and its splits for sentiment."""
    treebank = read_treebank(args.data, args.sample, "examples/compare.py")
    corpus, words = encode(treebank.sentences())
    splits = sentiment.read_splits(treebank)
    if args.dim > len(words):
        raise InputError(f"--dim wants at most the {len(words):,} words of the vocabulary, got {args.dim}")
    return Text(treebank, corpus, words, np.bincount(corpus.ids, minlength=len(words))), splits


def read_pairs(folder):
    """The pairs of WordSim-353, or None; and a line that says how to get them, or None."""
    place_of_sets = Path(folder or sets.DEFAULT_FOLDER)
    path = sets.find_file(place_of_sets, sets.SIMILARITY_FILES[SIMILARITY])
    if path:
        return sets.read_pairs(path), None
    remedy = f"{SIMILARITY} is not in {place_of_sets}: fetch with `sh get_datasets.sh evaluation`, or name --sets DIR"
    if folder:
        raise InputError(remedy)
    return None, f"word similarity left out: {remedy}"


def main(arguments=None):
    """Train by each method, score, draw; return the exit status."""
    args = parse(arguments)
    pairs, note = read_pairs(args.sets)
    text, splits = read(args)
    picture = make_folder(args.out) / "compare.png"
    index = {word: i for i, word in enumerate(text.words)}
    shown = choose_words(None, text.words, text.occurrences, quiet=True)
    found = sentiment.averages(WordVectors(text.words, np.zeros((len(text.words), 1))), splits)
    print(f"{len(text.corpus):,} sentences, {len(text.corpus.ids):,} words, vocabulary {len(text.words):,}", end="; ")
    print(f"{100 * found.used / found.total:.1f} % of the words of the splits have vectors")
    print(f"  {'':35}  {'sentiment, % right':>20}" + (f"  {SIMILARITY:^27}" if pairs else ""))
    heads = f"  {'':18}{'numbers':>8}{'seconds':>9}  {'train / dev / test':>20}"
    print(heads + (f"  {'rho':>6}  {'p':>7}  {'pairs used':>10}" if pairs else ""))
    maps = {}
    for name, train in METHODS.items():
        started = time.perf_counter()
        with threadpool_limits(limits=1):  # so that the same seed gives the same table on any number of cores
            rows = train(text, args)
        seconds = time.perf_counter() - started
        short = of_frequent_contexts(rows, text.occurrences, args.dim)  # (V, d)
        told = sentiment.classify(found.means(short[found.rows]), splits).accuracy
        agreement = similarity(rows, text.words, pairs) if pairs else None
        print(line(name, f"{rows.shape[1]:,}", f"{seconds:.2f}", percent(told), agreement), flush=True)
        maps[name] = dense(rows[[index[word] for word in shown]])
    chance = sentiment.random_vectors(found, args.dim, splits)
    print(line("random vectors", f"{args.dim:,}", feeling=percent(chance)))
    print(line("commonest class", feeling=percent(sentiment.commonest_class(splits))))
    error = sentiment.standard_error(told["test"], len(splits["test"].classes))
    print(f"Standard error of sentiment on test: {100 * error:.1f}. It is told by the rows of counts and PPMI in the")
    print(f"{args.dim} most frequent contexts. All vectors have seen the text of dev and test, but not its labels.")
    if note:
        print(note)
    draw(shown, maps, picture)
    print(f"wrote {picture}")
    return 0


if __name__ == "__main__":
    console.run(main)
