"""Count-based word vectors: co-occurrence counts; PMI and singular value decomposition of them, or GloVe.

    python count.py                                # PPMI and 50 dimensions, on the Stanford Sentiment Treebank
    python count.py --sample                       # the same on the built-in sample treebank, no download needed
    python count.py --corpus text.txt --window 5 --memory 500MB --workers 2 --save vectors.txt
    python count.py --measure counts --no-svd      # rows of counts, with PPMI and SVD beside them
    python count.py --method glove --corpus text.txt --save vectors.txt     # trained on the logs of the counts

Your own text is a file, a folder or `-`; what was read is kept in --cache. `count_vectors.png` (a map of some
words) and `count_matrix.png` (what their vectors are made of) go to the current folder, or to --out; the vectors
themselves to the file that --save names, as evaluate.py reads them. GloVe leaves checkpoints, `losses.csv` and
`loss.png` there, too; one that was stopped is continued when it is started again.
"""

import contextlib
import re
import sys
import time
from argparse import ArgumentTypeError
from pathlib import Path

import numpy as np
from scipy.sparse import issparse

from epochs import subsampling
from trainings import ByCells
from utils.commands import options
from utils.commands.inputs import Data, files_to_read, left_out, read_corpus, read_treebank, refuse_overwriting
from utils.commands.neighbours import print_neighbours, print_neighbours_of_rows
from utils.commands.words import choose_words, groups_of
from utils.corpus.ids import Corpus
from utils.corpus.reading import drop_rare, encode
from utils.counting import glove
from utils.counting.cooccurrence import WEIGHTINGS, cooccurrence
from utils.counting.pmi import pmi, ppmi, svd_vectors
from utils.minibatches.bands import thin_out
from utils.minibatches.chunks import Chunks
from utils.runs.checkpoints import Checkpoints
from utils.runs.losses import CURVE, LOSSES, Losses
from utils.system import console
from utils.system.bar import Bar
from utils.system.errors import InputError, quoted
from utils.system.files import make_folder, remove_leftovers, writable_folder
from utils.vectors.files import check_words, save_vectors, select
from utils.vectors.wordvectors import WordVectors

WINDOW, CDS, SHIFT, DIM, EIG = 2, 0.75, 1.0, 50, 0.5  # Levy, Goldberg & Dagan 2015, section 7
# What goes with one method alone, and its defaults; the rest has a default for each.
OPTIONS = {
    "svd": {"measure": "ppmi", "cds": CDS, "shift": SHIFT, "smoothing": 0.0, "eig": EIG, "context": "target"},
    "glove": {
        "x_max": glove.Settings.x_max,
        "alpha": glove.Settings.alpha,
        "iterations": glove.Settings.iterations,
        "step": glove.Settings.step,
        "vectors": "sum",
        "fresh": False,
    },
}
DEFAULTS = {
    "svd": {"window": WINDOW, "weighting": "flat"},
    "glove": {"window": 10, "weighting": "harmonic"},  # Pennington et al. 2014, section 4.2
}
MEASURES = {"counts": "counts", "pmi": "PMI", "ppmi": "PPMI"}
COUNTED = ("window", "weighting", "subsample", "subsample_form")  # settings that a run of GloVe must share
LARGEST_EIG = 10
PICTURES = "count_vectors.png", "count_matrix.png"
UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9}
CONTEXTS = 20  # columns of the heat map
LARGEST_FILE = 10**9  # bytes of numbers, of rows without SVD


# The command line


def make_parser():
    """All options."""
    parser = console.ArgumentParser(
        prog="count.py", description="Make word vectors by counting, print nearest neighbours, draw a map."
    )
    options.add_treebank(parser, corpus=True)
    parser.add_argument(
        "--method", choices=OPTIONS, default="svd", help="how vectors are made: SVD of PPMI, PMI or counts, or GloVe"
    )
    options.add(parser, "--window", help=f"{options.SHARED['--window']['help']} {defaults('window')}")
    parser.add_argument(
        "--weighting", choices=WEIGHTINGS, help=f"what a neighbour counts, by its distance {defaults('weighting')}"
    )
    parser.add_argument(
        "--memory", type=memory_size, metavar="SIZE", help="of the counting, such as 500MB (default: as it needs)"
    )
    options.add(parser, "--workers", "--cluster")
    options.add(parser, "--subsample", default=0.0)
    options.add(parser, "--subsample-form")
    add_svd_options(parser)
    add_glove_options(parser)
    options.add(parser, "--seed", "--save", "--out", "--words", "--quiet")
    options.add_text_options(parser)
    return parser


def defaults(name):
    """The defaults of an option that has one for each method, in words."""
    return f"(default: {DEFAULTS['svd'][name]}; GloVe {DEFAULTS['glove'][name]})"


def add_svd_options(parser):
    """Declare what goes with --method svd; --dim goes with both."""
    group = parser.add_argument_group("with --method svd")
    group.add_argument("--measure", choices=MEASURES, help="what is made of the counts (default: ppmi)")
    for name, least, default, meaning in (
        ("--cds", console.positive_number, CDS, "exponent of the context counts, at most 1"),
        ("--shift", console.positive_number, SHIFT, "log of this is subtracted from the PMI; at least 1"),
        ("--smoothing", console.number_from_zero, 0.0, "added to every count"),
    ):
        group.add_argument(name, type=least, metavar="X", help=f"{meaning} (default: {default:g})")
    dimension = parser.add_mutually_exclusive_group()
    options.add(dimension, "--dim", default=DIM, type=console.whole_number(0), help="dimensions; 0 for no SVD")
    dimension.add_argument("--no-svd", dest="dim", action="store_const", const=0, help="the same as --dim 0")
    group.add_argument(
        "--eig",
        type=console.number_from_zero,
        metavar="P",
        help=f"exponent of the singular values, at most {LARGEST_EIG} (default: {EIG})",
    )
    group.add_argument(
        "--context", choices=["target", "sum"], help="sum: add the vectors of the contexts (default: target)"
    )


def add_glove_options(parser):
    """Declare what goes with --method glove."""
    group, settings = parser.add_argument_group("with --method glove"), glove.Settings
    for name, least, default, meaning in (
        ("--x-max", console.positive_number, settings.x_max, "count from which on a pair has the whole weight"),
        ("--alpha", console.number_from_zero, settings.alpha, "exponent of the weights of smaller counts"),
    ):
        group.add_argument(name, type=least, metavar="X", help=f"{meaning} (default: {default:g})")
    group.add_argument(
        "--iterations",
        type=options.at_least_one,
        metavar="N",
        help=f"passes over all pairs (default: {settings.iterations})",
    )
    options.add(group, "--step", help=f"AdaGrad's step (default: {settings.step:g})")
    vectors = "which vectors to save, search and draw (default: sum, of centre and outside vectors)"
    options.add(group, "--vectors", default=None, help=vectors)
    group.add_argument(
        "--fresh", action="store_true", default=None, help="start anew; earlier checkpoints move to previous-<n>"
    )


def parse(arguments):
    """Parse the command line; a wrong argument ends the process with status 2."""
    parser = make_parser()
    args = parser.parse_args(arguments)
    for method, given in OPTIONS.items():
        for name in given:
            if method != args.method and getattr(args, name) is not None:
                parser.error(f"--{name.replace('_', '-')} goes with --method {method}, not with {args.method}")
    if args.method == "glove" and args.dim == 0:
        parser.error("--method glove wants at least 1 dimension; without SVD (--dim 0) goes with --method svd")
    for option in ("cds", "shift", "smoothing"):
        if args.measure == "counts" and getattr(args, option) is not None:
            parser.error(f"--{option} goes with --measure pmi or ppmi; counts have none")
    for option in ("eig", "context"):
        if args.dim == 0 and getattr(args, option) is not None:
            parser.error(f"--{option} goes with the SVD, which --dim 0 leaves out")
    if args.eig is not None and args.eig > LARGEST_EIG:
        parser.error(f"--eig wants at most {LARGEST_EIG}, got {args.eig:g}: larger powers leave the range of numbers")
    for name, default in {**OPTIONS[args.method], **DEFAULTS[args.method]}.items():
        if getattr(args, name) is None:
            setattr(args, name, default)
    return args


def memory_size(text):
    """Argparse type: bytes, as in 500MB, 1.5GB or 2000000."""
    match = re.fullmatch(r"(\d{1,15}(?:\.\d{1,15})?)\s*([A-Z]*)", text.strip().upper(), re.ASCII)
    if match is None or match[2] not in UNITS:
        raise ArgumentTypeError(f"wants a size such as 500MB or 2GB, got {quoted(text)}")
    return int(float(match[1]) * UNITS[match[2]])


# Text and words


def read(args):
    """Read the text that the arguments ask for, as Data: your own, or a treebank's sentences, once each."""
    if args.corpus is not None:
        return read_corpus(args)
    chosen = options.text_options(args)
    treebank = read_treebank(args.data, args.sample, "count.py", corpus=True)
    whole, words = encode(treebank.sentences())
    corpus, words = drop_rare(whole, words, chosen.min_count)
    size = f"{len(corpus):,} sentences, {len(corpus.ids):,} words"
    counts = np.bincount(corpus.ids, minlength=len(words))
    fingerprint = f"{treebank.fingerprint()}, min-count {chosen.min_count}"
    return Data(corpus, words, counts, fingerprint, size, left_out(len(whole.ids), corpus))


def check_save(args, words):
    """Notice before the work what could not be saved after it."""
    if args.save is None:
        return
    check_words(args.save, words)
    V = len(words)
    if args.dim == 0 and 8 * V**2 > LARGEST_FILE:
        raise InputError(
            f"--save without SVD would write {V:,} rows of {V:,} numbers, {8 * V**2 / 1e9:.1f} GB: "
            "give --dim, or a larger --min-count"
        )
    make_folder(Path(args.save).parent)


# From counts to vectors


@contextlib.contextmanager
def stage(name, say):
    """Time a stage and say what came of it: what the block puts into the list that it gets."""
    notes = []
    started = time.perf_counter()
    yield notes
    say(f"  {name:8} {time.perf_counter() - started:6.2f} s  {', '.join(notes)}")


def cells(matrix):
    """How many cells are stored, in words."""
    share = matrix.nnz / max(1, matrix.shape[0] * matrix.shape[1])
    return f"{matrix.nnz:,} cells ({100 * share:.2g} % of {matrix.shape[0]:,} x {matrix.shape[1]:,})"


def thinned(args, corpus, occurrences, say):
    """The text without some occurrences of its frequent words: windows reach over them (Levy et al. 2015, sec. 3.1)."""
    keep = subsampling(occurrences, args.subsample, args.subsample_form).astype(np.float32)  # (V,)
    rng = np.random.default_rng(args.seed)
    with stage("thinning", say) as notes:
        chunks = Chunks(corpus, epochs=1)
        parts = [thin_out(chunks[number].text, keep, rng) for number in range(len(chunks))]
        lengths = np.concatenate([np.diff(part.offsets) for part in parts])
        offsets = np.concatenate(([0], np.cumsum(lengths)))
        thin = Corpus(np.concatenate([part.ids for part in parts]), offsets)
        notes += [f"{len(thin.ids):,} words left"]
    return thin


def count(args, corpus, V, workers, say):
    """Count the co-occurrences, with a progress bar on a terminal."""
    hidden = args.quiet or not sys.stdout.isatty()
    bar = Bar(total=len(corpus.ids), unit=" words", unit_scale=True, leave=False, disable=hidden)
    with stage("counts", say) as notes, bar:
        counts = cooccurrence(
            corpus, args.window, args.weighting, V=V, memory=args.memory, workers=workers,
            report=lambda done: bar.update(done - bar.n),
        )  # fmt: skip
        notes += [f"window {args.window}", args.weighting, cells(counts)]
        notes += [f"{args.workers} workers"] if args.workers > 1 else []
    if not counts.nnz:
        raise InputError("no word has a neighbour in its sentence: nothing to count; give longer sentences")
    return counts


def measured(args, counts, measure, say):
    """The counts, their PMI or their PPMI, as `measure` says."""
    if measure == "counts":
        return counts
    with stage(MEASURES[measure], say) as notes:
        matrix = {"pmi": pmi, "ppmi": ppmi}[measure](counts, args.cds, args.shift, args.smoothing)
        notes += [f"cds {args.cds:g}"]
        notes += [f"less log {args.shift:g}"] if args.shift > 1 else []
        notes += [f"smoothing {args.smoothing:g}"] if args.smoothing else []
        notes.append(cells(matrix))
    if not matrix.count_nonzero():
        raise InputError(f"no {MEASURES[measure]} is above 0: give a smaller --shift or --smoothing, or more text")
    return matrix


def reduced(args, matrix, d, say):
    """Vectors of `d` dimensions; the rows of the matrix themselves where that is 0."""
    if d == 0:
        return matrix
    with stage("SVD", say) as notes:
        vectors = svd_vectors(matrix, d, args.eig, args.context, args.seed)
        notes += [f"{d} dimensions", f"eig {args.eig:g}"] + ["contexts added"] * (args.context == "sum")
    return vectors


def checkpoints_of(args, training):
    """The checkpoints of a training in --out."""
    folder = writable_folder(args.out)
    return Checkpoints(folder, training.settings, training.keep, training.unit, Losses(folder / LOSSES))


def trained(args, training, checkpoints, say):
    """Train, or continue: the vectors that --vectors names, shape (V, d) or (V, 2 d)."""
    with checkpoints.held():
        remove_leftovers(checkpoints.folder, *PICTURES, CURVE, LOSSES)
        if args.fresh and (place := checkpoints.set_aside()):
            say(f"moved the earlier checkpoints to {place}")
        say(checkpoints.outlook(training.total))
        return select(training.train(checkpoints, args.quiet), args.vectors)


# What is shown


def described(args, measure, d):
    """What the vectors are, in words: those of a measure of the counts, or GloVe's."""
    if args.method == "glove":
        return f"GloVe, {args.vectors} vectors, {d} dimensions"
    return f"rows of {MEASURES[measure]}" if d == 0 else f"SVD of {MEASURES[measure]}, {d} dimensions"


def draw(args, matrix, vectors, words, chosen, pictures):
    """Draw the map of the chosen words, and what their vectors are made of."""
    # Matplotlib takes half a second to import: only functions that draw import it.
    from utils.pictures.wordmap import word_map

    index = {word: i for i, word in enumerate(words)}
    rows = vectors[[index[word] for word in chosen]]
    title = f"{len(chosen)} words by {described(args, args.measure, args.dim)}"
    word_map(chosen, rows.toarray() if issparse(rows) else rows, pictures[0], groups_of(chosen), title)
    draw_matrix(matrix, chosen, words, args.measure, pictures[1])


def draw_matrix(matrix, chosen, words, measure, path):
    """Draw the rows of some words, in the columns that say most about more than one of them, then about any."""
    from utils.pictures.charts import MOST_CELLS, heat_map

    index = {word: i for i, word in enumerate(words)}
    chosen = chosen[:MOST_CELLS]
    rows = matrix[[index[word] for word in chosen]]  # (r, V), sparse
    positive = rows.maximum(0)
    largest = positive.max(axis=0).toarray().ravel()  # (V,)
    shared = positive.sum(axis=0) - largest  # (V,): what the other rows have
    shared[shared < 1e-9 * largest] = 0  # of rounding
    columns = np.lexsort((-largest, -shared))[:CONTEXTS]
    part = rows[:, columns]
    shown = part.toarray()  # (r, c)
    if measure == "pmi":
        seen = part.astype(bool)
        seen.data[:] = True
        shown[~seen.toarray()] = -np.inf
    scale, order = ("diverging", "given") if measure == "pmi" else ("sequential", "similar")
    meaning = "count" if measure == "counts" else f"{MEASURES[measure]}, in nats"
    heat_map(shown, chosen, [words[i] for i in columns], path, meaning, scale, order)


def draw_losses(training, checkpoints, say):
    """Draw the curve of the costs reported."""
    from utils.pictures.charts import loss_curve

    picture, losses = checkpoints.folder / CURVE, checkpoints.losses
    if losses.losses:
        loss_curve([training.place(batch) for batch in losses.iterations], losses.losses, picture, **training.curve)
        say(f"wrote {picture}")


def glove_vectors(args, data, counts, say):
    """Train GloVe on the counts: the vectors, and what there is to do once they are saved, a function."""
    settings = glove.Settings(args.dim, args.x_max, args.alpha, args.iterations, args.step, args.seed)
    of_counts = {"text": data.fingerprint, **{name: getattr(args, name) for name in COUNTED}}
    training = ByCells(counts, settings, of_counts)
    checkpoints = checkpoints_of(args, training)
    vectors = trained(args, training, checkpoints, say)

    def after():
        say(*training.findings)
        draw_losses(training, checkpoints, say)

    return vectors, after


def main(arguments=None):
    """Count, report, draw and save as the command line asks; return the exit status."""
    args = parse(arguments)
    pictures = [Path(args.out) / name for name in PICTURES]
    written = [*pictures, *(Path(args.out) / name for name in (LOSSES, CURVE) if args.method == "glove")]
    refuse_overwriting(files_to_read(args.corpus or args.data), [args.save, *written])
    say, workers = console.speaker(args.quiet), options.workers(args)
    with stage("reading", say) as notes:
        data = read(args)
        notes += [data.size, f"vocabulary {len(data.words):,}", *data.remarks]
    corpus, words, occurrences = data.corpus, data.words, data.counts
    chosen = choose_words(args.words, words, occurrences, args.quiet, handout=args.corpus is None)
    if args.method == "svd" and args.dim > len(words):
        say(f"--dim {args.dim} is more than the {len(words)} words: {len(words)} dimensions")
        args.dim = len(words)
    check_save(args, words)
    make_folder(args.out)

    if args.subsample:
        corpus = thinned(args, corpus, occurrences, say)
    counts = count(args, corpus, len(words), workers, say)
    if args.method == "glove":
        args.measure, matrix = "counts", counts
        vectors, after = glove_vectors(args, data, counts, say)
    else:
        matrix, after = measured(args, counts, args.measure, say), None
        vectors = reduced(args, matrix, args.dim, say)
    if args.save:
        rows = vectors.toarray() if issparse(vectors) else vectors
        save_vectors(args.save, WordVectors(words, rows).by_frequency(occurrences))
    if after:
        after()
    shown = [(described(args, args.measure, args.dim), vectors)]
    if args.measure == "counts" and args.dim == 0 and not args.quiet:
        better = measured(args, counts, "ppmi", say)
        d = min(DIM, len(words))
        shown += [(described(args, "ppmi", 0), better), (described(args, "ppmi", d), reduced(args, better, d, say))]

    for title, rows in shown:
        if issparse(rows):
            print_neighbours_of_rows(chosen, words, rows, occurrences, say, title)
        else:
            print_neighbours(chosen, WordVectors(words, rows), occurrences, say, title)
    draw(args, matrix, vectors, words, chosen, pictures)
    say(f"wrote {pictures[0]} and {pictures[1]}")
    if args.save:
        say(f"wrote {args.save}")
    return 0


if __name__ == "__main__":
    console.run(main)
