"""What training learns, and when, from a formula: the singular vectors of a matrix, one after the other.

    python examples/closed_form.py                              # on the Stanford Sentiment Treebank
    python examples/closed_form.py --sample                     # on the built-in sample treebank, some ten seconds
    python examples/closed_form.py --corpus text.txt --sets DIR # on your own text; a million words take a minute

Near scores of 0 the loss of negative sampling is a parabola in each score. Were all pairs of words equally important,
its training would have a closed form (Karkada et al. 2025; docs/derivations.md, section 11): the singular values of the
scores grow along sigmoids towards those of M = 2 tanh((PMI - log K) / 2), the largest first, at times that are known
before the training. This example tries that out twice, on the library's own trainer:

- **equal words**: the most frequent words, each thinned out to be as frequent as the rarest of them, with one negative
  sample. Then the pairs have nearly equal weights, as the theory wants. How long to train is taken from it, too.
- **the text as it is**: all words, five negative samples. Pairs of frequent words weigh thousands of times more than
  those of rare ones, and so they are learnt far earlier than the theory says, and rare ones later.

Time is the sum of step times pairs, so that it does not matter that the step falls. The table says when each mode
reached half of its singular value; `closed_form.png` shows the singular values of the scores over time. Then the
vectors of the closed form, where the training would end, are scored beside those of PPMI and SVD.
"""

import sys
from math import ceil
from pathlib import Path
from typing import NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

sys.path.insert(0, str(Path(__file__).parent.parent))

from epochs import Settings, Trainer, subsampling  # noqa: E402
from utils.commands import options  # noqa: E402
from utils.commands.inputs import Data, read_corpus, read_treebank  # noqa: E402
from utils.commands.neighbours import print_neighbours  # noqa: E402
from utils.commands.words import choose_words  # noqa: E402
from utils.corpus.ids import Corpus  # noqa: E402
from utils.corpus.reading import drop_rare, encode  # noqa: E402
from utils.counting import quadratic  # noqa: E402
from utils.counting.cooccurrence import cooccurrence  # noqa: E402
from utils.counting.pmi import ppmi, svd_vectors  # noqa: E402
from utils.minibatches.bands import thin_out  # noqa: E402
from utils.minibatches.chunks import Chunks  # noqa: E402
from utils.minibatches.noise import NOISE_POWER  # noqa: E402
from utils.pictures.canvas import COLOURS, INK, LABEL, SMALL, default_settings, dress, paper, save_png  # noqa: E402
from utils.scoring import sets, table  # noqa: E402
from utils.system import console  # noqa: E402
from utils.system.bar import Bar  # noqa: E402
from utils.system.errors import InputError  # noqa: E402
from utils.system.files import make_folder  # noqa: E402
from utils.vectors.wordvectors import WordVectors  # noqa: E402

DIM, WINDOW, TOP, EPOCHS = 100, 5, 500, 3
NEGATIVES, SUBSAMPLING, CDS = 5, 1e-3, 0.75  # of the text as it is, and of PPMI
STEP = 0.05  # at the start; no longer than `Rows.descend` lets pass where words are equally frequent
SHOWN = 8  # modes
FAR_APART = 20  # times the smallest singular value: from there on the axis is logarithmic
LAST = 1.3  # times the time at which the last of them is half grown: how long the equal words are trained
MOST_PAIRS, MOST_EPOCHS = 10_000_000, 300  # of that training, which shows the first modes only where it is cut short
COPIES, COUNTED = 50, 1_000_000  # at most so many copies of the text, or words of them, show what is expected


class Experiment(NamedTuple):
    """A training and what the theory needs to know of it.

    Attributes
    ----------
    title : str
    corpus : Corpus
    counts : ndarray of int, shape (V,)
        Occurrences of each word after thinning, for the noise.
    keep : ndarray of float, shape (V,)
        The share of its occurrences that takes part.
    negatives : int
    epochs : int or None
        None: as long as the theory says.
    """

    title: str
    corpus: Corpus
    counts: np.ndarray
    keep: np.ndarray
    negatives: int
    epochs: int | None


class Prediction(NamedTuple):
    """What the theory says: modes in the order in which they are learnt, and how each grows; arrays of shape (k,)."""

    modes: quadratic.Modes
    rates: np.ndarray
    start: np.ndarray
    half: np.ndarray


class Measured(NamedTuple):
    """What the training did.

    Attributes
    ----------
    times : ndarray, shape (s,)
    singular : ndarray, shape (s, k)
        The largest singular values of the scores.
    along : ndarray, shape (s, k)
        The scores along each mode, a^T X U^T c: what the theory calls its singular value.
    """

    times: np.ndarray
    singular: np.ndarray
    along: np.ndarray


# Two trainings


def equal_words(data, top):
    """The most frequent words alone, all as frequent as the rarest of them."""
    chosen = np.argsort(-data.counts, kind="stable")[:top]
    new = np.full(len(data.words), -1, dtype=np.int32)
    new[chosen] = np.arange(len(chosen))
    ids = new[data.corpus.ids]  # (T,)
    kept = ids >= 0
    before = np.concatenate(([0], np.cumsum(kept)))
    corpus = Corpus(ids[kept], before[np.asarray(data.corpus.offsets)])
    counts = data.counts[chosen]
    rarest = np.full(len(chosen), counts.min())
    return Experiment(f"{len(chosen)} words, equally frequent", corpus, rarest, rarest / counts, 1, None)


def text_as_it_is(data, epochs):
    keep = subsampling(data.counts, SUBSAMPLING)
    return Experiment("the text as it is", data.corpus, data.counts, keep, NEGATIVES, epochs)


def expected_counts(experiment, window, seed):
    """How often an epoch has each pair on average, over copies of the text that are thinned out anew: csr_array."""
    rng, keep = np.random.default_rng(seed), experiment.keep.astype(np.float32)
    left = keep @ np.bincount(experiment.corpus.ids, minlength=len(keep))  # words
    copies = max(1, min(COPIES, int(COUNTED / max(1, left))))
    V = len(experiment.counts)
    thinned = (thin_out(experiment.corpus, keep, rng) for _ in range(copies))
    # A distance's weight is the probability that the window's reach covers it, as the trainer has it.
    counts = sum(cooccurrence(text, window, "linear", V=V) for text in thinned) / copies
    counts.setdiag(0)  # copies of the centre word are left out
    counts.eliminate_zeros()
    if not counts.nnz:
        raise InputError("after thinning no sentence has two different words: give more text")
    return counts


def predict(model, initial, seed):
    """Find the modes that are learnt first, and when: a Prediction."""
    largest = min(2 * SHOWN, *initial.shape)
    modes = model.modes(largest, seed)
    rates = model.rates(modes)
    order = np.argsort(-rates, kind="stable")[:SHOWN]
    order = order[rates[order] > 0]
    if not len(order):
        raise InputError("nothing is predicted to grow: the text is too small")
    rates = rates[order]
    modes = quadratic.Modes(modes.targets[:, order], modes.strengths[order], modes.contexts[:, order])
    start = np.minimum(quadratic.starts(initial, modes), modes.strengths / 4)
    return Prediction(modes, rates, start, quadratic.half_times(modes.strengths, start, rates))


def train(trainer, chunks, modes):
    """Train, and measure the scores after each chunk: a Measured."""
    vectors, time = trainer.initial_vectors(), 0.0
    found = [(time, *measure(vectors, modes))]
    for number in Bar(range(len(chunks)), unit="chunk", disable=not sys.stdout.isatty(), leave=False):
        chunk = chunks[number]
        _, pairs = trainer.train(vectors, chunk)
        time += trainer.settings.step * (1 - (chunk.begin + chunk.end) / 2) * pairs  # the step falls to 0
        found.append((time, *measure(vectors, modes)))
    return Measured(*map(np.array, zip(*found, strict=True)))


def measure(vectors, modes):
    """The largest singular values of the scores X U^T, and the scores along the modes."""
    X, U = np.split(vectors.astype(np.float64), 2)  # (V, d)
    inner = np.linalg.qr(X, mode="r") @ np.linalg.qr(U, mode="r").T  # has the same singular values
    along = np.einsum("kd,kd->k", modes.targets.T @ X, modes.contexts.T @ U)  # (k,)
    singular = np.linalg.svd(inner, compute_uv=False)
    return np.pad(singular, (0, SHOWN))[: len(modes.strengths)], along


def run(experiment, args):
    """Predict, train and measure: a Prediction and a Measured."""
    counts = expected_counts(experiment, args.window, args.seed)
    model = quadratic.Quadratic(counts, experiment.counts.astype(float) ** NOISE_POWER, experiment.negatives)
    settings = Settings(
        dim=args.dim, window=args.window, negatives=experiment.negatives, step=STEP, epochs=1, seed=args.seed
    )
    initial = Trainer(experiment.counts, experiment.keep, settings).initial_vectors()[: len(experiment.counts)]
    prediction = predict(model, initial.astype(np.float64), args.seed)
    epochs = experiment.epochs
    if epochs is None:
        pairs = 2 * LAST * prediction.half.max() / STEP  # half the step, on average
        epochs = min(ceil(min(pairs, MOST_PAIRS) / counts.sum()), MOST_EPOCHS)
    trainer = Trainer(experiment.counts, experiment.keep, settings)
    return prediction, train(trainer, Chunks(experiment.corpus, epochs), prediction.modes)


# What comes of it


def reached(measured, strengths):
    """When the scores along each mode first reached half of its strength, NaN if never: shape (k,)."""
    times = np.full(len(strengths), np.nan)
    for k, strength in enumerate(strengths):
        beyond = np.flatnonzero(measured.along[:, k] >= strength / 2)
        if len(beyond) and (i := beyond[0]):
            before, after = measured.along[i - 1 : i + 1, k]
            share = (strength / 2 - before) / (after - before)
            times[k] = measured.times[i - 1] + share * (measured.times[i] - measured.times[i - 1])
    return times


def report(title, prediction, measured):
    """The table of one training: a list of lines."""
    lines = [f"{title}: half of its singular value is reached at the time (thousands)"]
    lines.append(f"  {'mode':>4}  {'singular value':>14}  {'predicted':>9}  {'measured':>8}  {'in the end':>10}")
    half, strengths = reached(measured, prediction.modes.strengths), prediction.modes.strengths
    for k, strength in enumerate(strengths):
        then = "never" if np.isnan(half[k]) else f"{half[k] / 1000:.1f}"
        predicted, end = prediction.half[k] / 1000, measured.along[-1, k]
        lines.append(f"  {k + 1:4}  {strength:14.1f}  {predicted:9.1f}  {then:>8}  {end:10.1f}")
    lines.append(f"  trained until {measured.times[-1] / 1000:.1f}")
    return lines


def draw(panels, path):
    """Draw singular values over time, a panel for each title -> (Prediction, Measured); save the picture as PNG."""
    with default_settings():
        figure, _ = paper((6.5 * len(panels), 5))
        for i, (title, (prediction, measured)) in enumerate(panels.items()):
            axes = figure.add_axes(((i + 0.1) / len(panels), 0.13, 0.86 / len(panels), 0.77))
            dress(axes)
            times = np.linspace(0, measured.times[-1], 200)
            growing = prediction.modes.strengths, prediction.start, prediction.rates
            expected = quadratic.strengths_at(times, *growing)  # (200, k)
            expected = -np.sort(-expected, axis=1)  # as singular values are: the largest first
            for k in range(expected.shape[1]):
                colour = COLOURS[k % len(COLOURS)]
                axes.plot(measured.times / 1000, measured.singular[:, k], color=colour, linewidth=1.8)
                axes.plot(times / 1000, expected[:, k], color=colour, linewidth=1.2, linestyle="--")
            if expected[-1, 0] > FAR_APART * expected[-1].min():
                axes.set_yscale("log")
                axes.set_ylim(1, 2 * max(measured.singular.max(), expected.max()))
            axes.set_title(title, fontsize=LABEL, color=INK)
            axes.set_xlabel("time: step × pairs, in thousands", fontsize=LABEL, color=INK)
            axes.set_ylabel("singular values of the scores", fontsize=LABEL, color=INK)
            lines = axes.lines[:2]
            axes.legend(lines, ["measured", "predicted"], frameon=False, fontsize=SMALL, labelcolor=INK)
        save_png(figure, path)


def compared(data, args):
    """The vectors of the closed form and of PPMI and SVD, from the same counts: title -> WordVectors, by frequency."""
    counts = cooccurrence(data.corpus, args.window, "linear", V=len(data.words))
    d = min(args.dim, len(data.words))
    rows = {
        "closed form": quadratic.closed_form_vectors(counts, d, random_state=args.seed),
        "PPMI + SVD": svd_vectors(ppmi(counts, CDS), d, random_state=args.seed),
    }
    return {title: WordVectors(data.words, vectors).by_frequency(data.counts) for title, vectors in rows.items()}


def read_sets(folder):
    """The evaluation sets of a folder as data for the table, or None; and a line that says how to get them, or None."""
    place = Path(folder or sets.DEFAULT_FOLDER)
    pairs, questions = sets.find_sets(place)
    if pairs or questions:
        pairs = {title: sets.read_pairs(path) for title, path in pairs.items()}
        return table.Data(pairs, {title: sets.read_questions(path) for title, path in questions.items()}, {}), None
    remedy = f"{place} has no evaluation sets: fetch with `sh get_datasets.sh evaluation`, or give --sets DIR"
    if folder:
        raise InputError(remedy)
    return None, f"scores left out: {remedy}"


def print_scores(vectors, data):
    """Print the scores of title -> WordVectors side by side."""
    settings = table.Settings()
    found = [table.find(title, those, data, settings) for title, those in vectors.items()]
    print("\n".join(line.rstrip() for line in table.table(table.compare(found, data), settings)))


# The whole


def parse(arguments):
    """Parse the command line; an argument out of range ends the process with status 2."""
    parser = console.ArgumentParser(description="What training learns, and when, predicted and measured.")
    options.add_treebank(parser, corpus=True)
    parser.add_argument("--sets", metavar="DIR", help="folder of the evaluation sets (default: where they are fetched)")
    parser.add_argument(
        "--top", type=console.whole_number(2), default=TOP, metavar="N", help="words that are made equally frequent"
    )
    options.add(parser, "--dim", default=DIM)
    options.add(parser, "--window", default=WINDOW)
    options.add(parser, "--epochs", default=EPOCHS, help="of the training on the text as it is")
    options.add(parser, "--seed", "--out")
    options.add_text_options(parser)
    parser.set_defaults(quiet=False)
    return parser.parse_args(arguments)


def read(args):
    """Read your own text or a treebank's sentences: Data."""
    if args.corpus is not None:
        return read_corpus(args)
    whole, words = encode(read_treebank(args.data, args.sample, "examples/closed_form.py", corpus=True).sentences())
    corpus, words = drop_rare(whole, words, options.text_options(args).min_count)
    counts = np.bincount(corpus.ids, minlength=len(words))
    return Data(corpus, words, counts, "", f"{len(corpus):,} sentences, {len(corpus.ids):,} words", [])


def main(arguments=None):
    """Train twice, compare with the theory, score, draw; return the exit status."""
    args = parse(arguments)
    data_of_sets, note = read_sets(args.sets)
    data = read(args)
    picture = make_folder(args.out) / "closed_form.png"
    print(f"{data.size}, vocabulary {len(data.words):,}; {args.dim} dimensions, window {args.window}")
    panels = {}
    with threadpool_limits(limits=1):  # so that the same seed gives the same table on any number of cores
        for experiment in (equal_words(data, args.top), text_as_it_is(data, args.epochs)):
            panels[experiment.title] = run(experiment, args)
            print("\n".join(report(experiment.title, *panels[experiment.title])), flush=True)
        draw(panels, picture)
        vectors = compared(data, args)
        if data_of_sets:
            print_scores(vectors, data_of_sets)
        else:
            print(note)
            chosen = choose_words(None, data.words, data.counts, quiet=True, handout=args.corpus is None)
            for title, those in vectors.items():
                print_neighbours(chosen, those, np.sort(data.counts)[::-1], print, title)
    print(f"wrote {picture}")
    return 0


if __name__ == "__main__":
    console.run(main)
