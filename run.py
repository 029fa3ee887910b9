"""Train word vectors on the Stanford Sentiment Treebank and draw the map of some of them.

    python run.py                      # the handout's training: 40,000 iterations, its seeds, its numbers
    python run.py --sample             # the same on the built-in sample treebank, no download needed
    python run.py --iterations 1000 --out trial --loss naive-softmax

Checkpoints, `word_vectors.png` and `word_vectors.txt` go to the current folder, or to --out. A run that was stopped is
continued.
"""

import functools
import random
import sys
import tempfile
import time
from pathlib import Path

import utils.one_thread  # noqa: F401 (before NumPy: the same bytes on any number of cores)

# isort: split

import numpy as np
from tqdm import tqdm

from sgd import ANNEAL_EVERY, Checkpoints, print_loss, sgd
from utils import console, sample
from utils.animation import animate_map
from utils.charts import loss_curve
from utils.errors import EnvironmentFailure, InputError
from utils.files import make_folder, remove_leftovers
from utils.losslog import LossHistory
from utils.neighbours import print_neighbours
from utils.plotting import MAP_GROUPS, MAP_WORDS, MOST_WORDS, word_map
from utils.treebank import DEFAULT_FOLDER, StanfordSentiment
from utils.vector_files import MATRICES, format_of, save_vectors, select
from utils.vectors import WordVectors
from word2vec import (
    BATCH_SIZE,
    NEGATIVES,
    naiveSoftmaxLossAndGradient,
    negSamplingLossAndGradient,
    skipgram,
    word2vec_sgd_wrapper,
)

PYTHON_SEED, NUMPY_SEED = 31415, 9265  # the handout's
LARGEST_SEED = 2**32 - 1  # NumPy takes no larger one
PRINT_EVERY = 10
VECTORS, PICTURE, ANIMATION = "word_vectors.txt", "word_vectors.png", "word_vectors.gif"
LOSSES, CURVE = "losses.csv", "loss.png"


def parse(arguments):
    """Parse the command line; an argument out of range ends the process with status 2."""
    parser = console.ArgumentParser(
        description="Train word vectors on the Stanford Sentiment Treebank, print nearest neighbours, draw a map."
    )
    at_least_one = console.whole_number(1)
    data = parser.add_mutually_exclusive_group()
    data.add_argument("--data", metavar="DIR", help="the treebank's folder (default: where get_datasets.sh puts it)")
    data.add_argument("--sample", action="store_true", help="train on the built-in sample treebank")
    parser.add_argument("--iterations", type=at_least_one, default=40000, metavar="N", help="default: 40000")
    parser.add_argument(
        "--loss", choices=["negative-sampling", "naive-softmax"], default="negative-sampling", help="default: the first"
    )
    parser.add_argument("--dim", type=at_least_one, default=10, metavar="D", help="dimension of the vectors (10)")
    parser.add_argument("--window", type=at_least_one, default=5, metavar="C", help="largest window size (5)")
    parser.add_argument("--negatives", type=at_least_one, metavar="K", help=f"per outside word ({NEGATIVES})")
    parser.add_argument("--batch", type=at_least_one, default=BATCH_SIZE, metavar="B", help=f"windows ({BATCH_SIZE})")
    parser.add_argument("--step", type=console.positive_number, default=0.3, help="before any halving (0.3)")
    parser.add_argument(
        "--seed", type=console.whole_number(0, LARGEST_SEED), metavar="S", help="default: the handout's two seeds"
    )
    parser.add_argument("--out", default=".", metavar="DIR", help="folder for checkpoints, pictures, vectors (here)")
    parser.add_argument(
        "--save",
        metavar="FILE",
        help="file for the word vectors: .txt, .vec, .glove or .bin (also with .gz), .npz, .tsv "
        "(default: word_vectors.txt in --out)",
    )
    parser.add_argument(
        "--vectors",
        choices=MATRICES,
        default="center",
        help="which to save, list neighbours by and map: of words as centre words (default), as outside words, or both",
    )
    parser.add_argument(
        "--keep",
        type=at_least_one,
        metavar="N",
        help="keep the newest N checkpoints (all); from 2 on, a damaged newest one does not lose the run",
    )
    parser.add_argument("--fresh", action="store_true", help="start anew; checkpoints there are moved to previous-<n>")
    parser.add_argument(
        "--print-every",
        type=at_least_one,
        metavar="N",
        help="print the loss every N iterations (10; on a terminal a progress bar instead)",
    )
    parser.add_argument("--words", metavar="W1,W2,...", help="words of the map (default: the handout's 24)")
    parser.add_argument(
        "--animate", action="store_true", help="draw the map at each checkpoint, too: word_vectors.gif in --out"
    )
    parser.add_argument("--quiet", action="store_true", help="print nothing but errors")
    args = parser.parse_args(arguments)
    if args.loss == "naive-softmax" and args.negatives:
        parser.error("--negatives goes with --loss negative-sampling; the naive softmax draws none")
    if args.data == "":
        parser.error("--data wants the treebank's folder, got ''")
    args.words = list(MAP_WORDS) if args.words is None else [w.strip() for w in args.words.split(",") if w.strip()]
    if not args.words:
        parser.error("--words wants at least one word, as in --words coffee,tea")
    return args


def read_treebank(args, folder):
    """Read the treebank that the arguments ask for; the sample is written into `folder` first."""
    if args.sample:
        treebank = StanfordSentiment(sample.write_sample_treebank(folder))
    else:
        treebank = StanfordSentiment(args.data)
        if not args.data and not treebank.path.is_dir():
            raise InputError(
                f"the Stanford Sentiment Treebank is not in {DEFAULT_FOLDER}: fetch it with `sh get_datasets.sh`, "
                "or train on the built-in sample with `python run.py --sample`"
            )
    treebank.dataset_split()  # reads all sentences, and notices a file that is cut off
    if treebank.numTokens() < args.batch:
        raise InputError(
            f"{treebank.path} has {treebank.numTokens()} words, less than the {args.batch} windows of one batch: "
            "use more text or a smaller --batch"
        )
    return treebank


def choose_words(words, treebank, quiet=False):
    """Keep the words that the treebank has, with a notice of the others on standard error unless `quiet`."""
    known = [word for word in words if word in treebank.tokens()]
    unknown = [word for word in words if word not in treebank.tokens()]
    if len(known) > MOST_WORDS:
        raise InputError(f"a map has room for at most {MOST_WORDS} words, got {len(known)}: give fewer --words")
    if not known:
        raise InputError(f"none of the words for the map is in the vocabulary: {', '.join(unknown)}; give --words")
    if unknown and not quiet:
        print(f"not in the vocabulary, left out of the map: {', '.join(unknown)}", file=sys.stderr)
    return known


def writable_folder(path):
    """The folder `path`, made if missing."""
    folder = make_folder(path)
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise EnvironmentFailure(f"cannot write in the folder {folder}: {error.strerror or error}") from error
    return folder


def file_to_save(args):
    """The file for the word vectors, with a name that tells their format."""
    path = Path(args.out, VECTORS) if args.save is None else Path(args.save)
    if path.is_dir():
        raise InputError(f"--save wants a file, got the folder {path}")
    format_of(path)
    return path


def checkpoints_for(args, treebank):
    """The checkpoints of this run in --out."""
    settings = {
        "treebank": treebank.fingerprint(),
        "loss": args.loss,
        "dim": args.dim,
        "window": args.window,
        "negatives": negatives(args),
        "batch": args.batch,
        "step": args.step,
        "seed": "the handout's" if args.seed is None else args.seed,
    }
    return RunCheckpoints(writable_folder(args.out), settings, args.keep)


def negatives(args):
    """Negative samples per outside word: 0 for the naive softmax."""
    return 0 if args.loss == "naive-softmax" else args.negatives or NEGATIVES


def initial_vectors(V, d, seed):
    """Seed both global streams and draw the handout's initial vectors.

    Returns
    -------
    ndarray of float64, shape (2 V, d)
        Centre vectors in (-0.5 / d, 0.5 / d) above outside vectors of zero.
    """
    random.seed(PYTHON_SEED if seed is None else seed)
    np.random.seed(NUMPY_SEED if seed is None else seed)
    return np.concatenate(((np.random.rand(V, d) - 0.5) / d, np.zeros((V, d))))


class RunCheckpoints(Checkpoints):
    """Checkpoints with the printed losses beside them, so that a resumed run can draw the whole curve."""

    def __init__(self, folder, settings, keep):
        super().__init__(folder, settings, keep)
        self.history = LossHistory(self.folder / LOSSES)

    def save(self, iteration, params, state):
        """Write the losses first: whatever happens, a checkpoint finds all that were printed up to it."""
        self.history.save()
        super().save(iteration, params, state)

    def set_aside(self):
        """Move the losses along with the checkpoints."""
        place = super().set_aside()
        if place and self.history.path.exists():
            self.history.path.rename(place / self.history.path.name)
        return place


class LossLog:
    """Takes the smoothed losses of a run: keeps them and shows them as lines, as a progress bar, or not."""

    def __init__(self, args, start, history):
        self.loss, self.history = None, history
        self.lines = not args.quiet and (args.print_every is not None or not sys.stdout.isatty())
        bar = not args.quiet and not self.lines
        self.bar = tqdm(total=args.iterations, initial=start, unit="it", disable=not bar, dynamic_ncols=True)

    def __call__(self, iteration, loss):
        self.loss = loss
        self.history.add(iteration, loss)
        if self.lines:
            print_loss(iteration, loss)
        self.bar.set_postfix(loss=f"{loss:.6f}", refresh=False)
        self.bar.update(iteration - self.bar.n)


def train(args, treebank, checkpoints, say):
    """Train, or continue, or find that nothing is left to do.

    Returns
    -------
    ndarray of float64, shape (2 V, d)
    """
    found = checkpoints.newest(at_most=args.iterations)
    start, last = (found[0], found[2]["loss"]) if found else (0, None)
    if (trouble := checkpoints.history.resume(start, last)) and not args.quiet:
        print(trouble, file=sys.stderr)
    log = LossLog(args, start, checkpoints.history)
    log.loss = last
    loss = naiveSoftmaxLossAndGradient
    if K := negatives(args):
        loss = functools.partial(negSamplingLossAndGradient, K=K)

    def objective(vectors):
        return word2vec_sgd_wrapper(skipgram, treebank.tokens(), vectors, treebank, args.window, loss, args.batch)

    started = time.perf_counter()
    # A step too large shows as infinity, which sgd notices: NumPy's warnings on the way there tell nothing more.
    with log.bar, np.errstate(over="ignore", invalid="ignore"):
        vectors = sgd(
            objective,
            initial_vectors(len(treebank.tokens()), args.dim, args.seed),
            args.step,
            args.iterations,
            PRINT_EVERY=args.print_every or PRINT_EVERY,
            checkpoints=checkpoints,
            report=log,
        )
        log.bar.update(args.iterations - log.bar.n)
    if log.loss is not None:
        say(f"final loss: {log.loss:.6f} (smoothed)")
    say(f"training took {time.perf_counter() - started:.1f} seconds")
    return vectors


def draw(args, treebank, checkpoints, words, matrix, say):
    """Draw the map, the loss curve if a loss was printed, and the animation if it is asked for."""
    tokens = treebank.tokens()
    ids = [tokens[word] for word in words]
    picture = checkpoints.folder / PICTURE
    word_map(words, matrix[ids], picture, MAP_GROUPS)
    say(f"wrote {picture}")
    if losses := checkpoints.history.losses:
        picture = checkpoints.folder / CURVE
        halvings = range(ANNEAL_EVERY, args.iterations, ANNEAL_EVERY)
        loss_curve(checkpoints.history.iterations, losses, picture, halvings)
        say(f"wrote {picture}")
    if args.animate:
        frames = {0: select(initial_vectors(len(tokens), args.dim, args.seed), args.vectors)[ids]}
        for iteration, vectors, _ in checkpoints.all(at_most=args.iterations):
            frames[iteration] = select(vectors, args.vectors)[ids]
        picture = checkpoints.folder / ANIMATION
        animate_map(words, frames, picture, MAP_GROUPS)
        say(f"wrote {picture}")


def main(arguments=None):
    """Train, report and draw as the command line asks; return the exit status."""
    args = parse(arguments)
    file = file_to_save(args)
    say = functools.partial(print, flush=True) if not args.quiet else lambda line: None
    with tempfile.TemporaryDirectory() as scratch:
        treebank = read_treebank(args, Path(scratch))
    words = choose_words(args.words, treebank, args.quiet)
    checkpoints = checkpoints_for(args, treebank)
    writable_folder(file.parent)
    with checkpoints.held():
        remove_leftovers(checkpoints.folder, PICTURE, CURVE, LOSSES, ANIMATION, VECTORS)
        if args.fresh and (place := checkpoints.set_aside()):
            say(f"moved the earlier checkpoints to {place}")
        say(checkpoints.outlook(args.iterations))
        V = len(treebank.tokens())
        say(f"{treebank.numSentences()} sentences, {treebank.numTokens()} words, vocabulary {V}, {args.dim} dimensions")

        matrix = select(train(args, treebank, checkpoints, say), args.vectors)  # (V, d), or (V, 2 d)
        print_neighbours(words, WordVectors(treebank.words(), matrix), treebank.counts(), say)
        save_vectors(file, WordVectors(treebank.words(), matrix))
        say(f"wrote {file}")
        draw(args, treebank, checkpoints, words, matrix, say)
    return 0


if __name__ == "__main__":
    console.run(main)
