"""Train word vectors, print nearest neighbours, draw the map of some words.

    python run.py                      # the handout's training on SST: 40,000 iterations, its seeds, its numbers
    python run.py --sample             # the same on the built-in sample treebank, no download needed
    python run.py --iterations 1000 --out trial --loss naive-softmax
    python run.py --corpus text.txt    # vectors of one's own text: by epochs, in large batches
    python run.py --epochs 5           # the same on SST

Checkpoints, `word_vectors.png` and `word_vectors.txt` go to the current folder, or to --out. A run that was stopped is
continued.
"""

import functools
from pathlib import Path

import utils.system.one_thread  # noqa: F401 (before NumPy: the same bytes on any number of cores)

# isort: split


from epochs import SUBSAMPLING_FORMS
from trainings import KEPT, PRINT_EVERY, ByEpochs, ByIterations
from utils.commands.inputs import choose_words, split_words
from utils.commands.neighbours import print_neighbours
from utils.corpus.textoptions import add_text_options, text_options
from utils.pictures.animation import animate_map
from utils.pictures.charts import loss_curve
from utils.pictures.wordmap import MAP_GROUPS, word_map
from utils.runs.folder import ANIMATION, CURVE, LOSSES, PICTURE, VECTORS, RunCheckpoints, writable_folder
from utils.system import console
from utils.system.errors import InputError
from utils.system.files import remove_leftovers
from utils.vectors.files import MATRICES, format_of, save_vectors, select
from utils.vectors.wordvectors import WordVectors
from word2vec import BATCH_SIZE, NEGATIVES

LARGEST_SEED = 2**32 - 1  # NumPy takes no larger one
MIN_COUNT = 5  # of a text of one's own, as in word2vec's C code
EPOCHS = 5
CBOW_STEP = 0.05  # as in word2vec's C code
SUBSAMPLE = 1e-3

# What an option is if it is not given, in the training by iterations and in the one by epochs.
DEFAULTS = {
    "loss": ("negative-sampling", None),
    "iterations": (40000, None),
    "epochs": (None, EPOCHS),
    "dim": (10, 100),
    "window": (5, 5),
    "negatives": (NEGATIVES, 5),
    "batch": (BATCH_SIZE, 4096),
    "step": (0.3, 0.025),
    "seed": (None, 0),
    "model": (None, "skip-gram"),
    "share": (None, 1),
    "subsample": (None, SUBSAMPLE),
    "subsample_form": (None, "word2vec"),
    "dtype": (None, "float32"),
    "workers": (None, 1),
    "backend": (None, "loky"),
    "cluster": (None, None),
}
ONLY_BY_ITERATIONS = ("iterations", "loss")
ONLY_BY_EPOCHS = ("model", "share", "subsample", "subsample_form", "dtype", "workers", "backend", "cluster")


def make_parser():
    """All options; those of the training by epochs and of a text of one's own are in groups of their own."""
    parser = console.ArgumentParser(description="Train word vectors, print nearest neighbours, draw a map.")
    at_least_one = console.whole_number(1)
    data = parser.add_mutually_exclusive_group()
    data.add_argument("--data", metavar="DIR", help="the treebank's folder (default: where get_datasets.sh puts it)")
    data.add_argument("--sample", action="store_true", help="train on the built-in sample treebank")
    parser.add_argument("--iterations", type=at_least_one, metavar="N", help="default: 40000")
    parser.add_argument("--loss", choices=["negative-sampling", "naive-softmax"], help="default: the first")
    parser.add_argument("--dim", type=at_least_one, metavar="D", help="dimension of the vectors (10; by epochs 100)")
    parser.add_argument("--window", type=at_least_one, metavar="C", help="largest window size (5)")
    parser.add_argument(
        "--negatives", type=at_least_one, metavar="K", help=f"per outside word ({NEGATIVES}; by epochs 5)"
    )
    parser.add_argument(
        "--batch", type=at_least_one, metavar="B", help=f"windows ({BATCH_SIZE}); by epochs pairs (4096)"
    )
    parser.add_argument(
        "--step",
        type=console.positive_number,
        help="before any halving (0.3); by epochs before it falls (0.025, CBOW 0.05)",
    )
    parser.add_argument(
        "--seed",
        type=console.whole_number(0, LARGEST_SEED),
        metavar="S",
        help="default: the handout's two seeds; by epochs 0",
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
        help=f"keep the newest N checkpoints (all; by epochs {KEPT}); from 2 on, a damaged newest one does not lose "
        "the run",
    )
    parser.add_argument("--fresh", action="store_true", help="start anew; checkpoints there are moved to previous-<n>")
    parser.add_argument(
        "--print-every",
        type=at_least_one,
        metavar="N",
        help=f"print the loss every N iterations ({PRINT_EVERY}; on a terminal a progress bar instead); "
        "by epochs every N chunks of 65,536 words",
    )
    parser.add_argument(
        "--words", type=split_words, metavar="W1,W2,...", help="words of the map (default: the handout's 24)"
    )
    parser.add_argument(
        "--animate", action="store_true", help="draw the map at each checkpoint, too: word_vectors.gif in --out"
    )
    parser.add_argument("--quiet", action="store_true", help="print nothing but errors")
    add_epoch_options(parser)
    add_text_options(parser, data, MIN_COUNT)
    parser.set_defaults(min_count=None)
    return parser


def parse(arguments):
    """Parse the command line; an argument out of range ends the process with status 2."""
    parser = make_parser()
    args = parser.parse_args(arguments)
    args.by_epochs = args.corpus is not None or args.epochs is not None
    if trouble := conflict(args):
        parser.error(trouble)
    fill_in(args)
    if args.words == []:
        parser.error("--words wants at least one word, as in --words coffee,tea")
    return args


def add_epoch_options(parser):
    """Add the options of the training by epochs."""
    at_least_one = console.whole_number(1)
    group = parser.add_argument_group("training by epochs (with --epochs or --corpus)")
    group.add_argument("--epochs", type=at_least_one, metavar="N", help=f"passes over the text ({EPOCHS})")
    group.add_argument("--model", choices=["skip-gram", "cbow"], help="default: the first")
    group.add_argument(
        "--share", type=at_least_one, metavar="S", help="pairs that share their negative samples (1); 32 is faster"
    )
    group.add_argument(
        "--subsample",
        type=console.number_from_zero,
        metavar="T",
        help=f"thin out words with a share of the text above T or so ({SUBSAMPLE:g}); 0: none",
    )
    group.add_argument("--subsample-form", choices=SUBSAMPLING_FORMS, help="the formula for it (word2vec)")
    group.add_argument("--dtype", choices=["float32", "float64"], help="default: the first")
    group.add_argument("--workers", type=at_least_one, metavar="N", help="processes that train side by side (1)")
    group.add_argument("--backend", metavar="NAME", help="joblib's: loky (processes here), dask, ray, spark (loky)")
    group.add_argument("--cluster", metavar="ADDRESS", help="of Dask's scheduler, as in tcp://10.0.0.1:8786")


def conflict(args):
    """What does not go together, in one line, or None."""
    if args.data == "":
        return "--data wants the treebank's folder, got ''"
    others = ONLY_BY_ITERATIONS if args.by_epochs else ONLY_BY_EPOCHS
    for name in others:
        if getattr(args, name) is not None:
            option = f"--{name.replace('_', '-')}"
            if args.by_epochs:
                return f"{option} goes with the handout's training, not with --epochs or --corpus"
            return f"{option} goes with the training by epochs: give --epochs, too"
    if args.min_count is not None and args.corpus is None:
        return "--min-count goes with --corpus; the treebank's vocabulary is the handout's"
    if args.loss == "naive-softmax" and args.negatives:
        return "--negatives goes with --loss negative-sampling; the naive softmax draws none"
    if args.cluster and args.backend != "dask":
        return "--cluster goes with --backend dask"
    return None


def fill_in(args):
    """Give the options that were not given their values."""
    step_given = args.step is not None
    for name, defaults in DEFAULTS.items():
        if getattr(args, name) is None:
            setattr(args, name, defaults[args.by_epochs])
    if args.loss == "naive-softmax":
        args.negatives = 0
    if args.model == "cbow" and not step_given:
        args.step = CBOW_STEP
    if args.corpus is not None and args.min_count is None:
        args.min_count = MIN_COUNT
    args.text_options = text_options(args)


def file_to_save(args):
    """The file for the word vectors, with a name that tells their format."""
    path = Path(args.out, VECTORS) if args.save is None else Path(args.save)
    if path.is_dir():
        raise InputError(f"--save wants a file, got the folder {path}")
    format_of(path)
    return path


def checkpoints_for(args, training):
    """The checkpoints of this run in --out."""
    keep = args.keep or (None if args.animate else training.keep)
    return RunCheckpoints(writable_folder(args.out), training.settings, keep, training.unit)


def draw(args, training, checkpoints, words, matrix, say):
    """Draw the map, the loss curve if a loss was reported, and the animation if it is asked for."""
    index = {word: i for i, word in enumerate(training.words)}
    ids = [index[word] for word in words]
    unit = "word" if args.by_epochs else "iteration"
    picture = checkpoints.folder / PICTURE
    word_map(words, matrix[ids], picture, MAP_GROUPS)
    say(f"wrote {picture}")
    if losses := checkpoints.history.losses:
        picture = checkpoints.folder / CURVE
        places = [training.place(iteration) for iteration in checkpoints.history.iterations]
        loss_curve(places, losses, picture, training.halvings, unit=unit, per=training.per)
        say(f"wrote {picture}")
    if args.animate:
        frames = {0: select(training.initial_vectors(), args.vectors)[ids]}
        for iteration, vectors, _ in checkpoints.all(at_most=training.total):
            frames[training.place(iteration)] = select(vectors, args.vectors)[ids]
        picture = checkpoints.folder / ANIMATION
        animate_map(words, frames, picture, MAP_GROUPS, unit=unit)
        say(f"wrote {picture}")


def main(arguments=None):
    """Train, report and draw as the command line asks; return the exit status."""
    args = parse(arguments)
    file = file_to_save(args)
    say = functools.partial(print, flush=True) if not args.quiet else lambda line: None
    training = ByEpochs(args) if args.by_epochs else ByIterations(args)
    words = choose_words(args.words, training.words, training.counts, args.quiet)
    checkpoints = checkpoints_for(args, training)
    writable_folder(file.parent)
    with checkpoints.held():
        remove_leftovers(checkpoints.folder, PICTURE, CURVE, LOSSES, ANIMATION, VECTORS)
        if args.fresh and (place := checkpoints.set_aside()):
            say(f"moved the earlier checkpoints to {place}")
        say(checkpoints.outlook(training.total))
        say(f"{training.text}, vocabulary {len(training.words)}, {args.dim} dimensions")

        matrix = select(training.train(checkpoints, say), args.vectors)  # (V, d), or (V, 2 d)
        vectors = WordVectors(training.words, matrix)
        print_neighbours(words, vectors, training.counts, say)
        save_vectors(file, vectors)
        say(f"wrote {file}")
        draw(args, training, checkpoints, words, matrix, say)
    return 0


if __name__ == "__main__":
    console.run(main)
