"""Train word vectors, save them, print nearest neighbours, draw the map of some words.

    python run.py                      # the handout's training on SST: 40,000 iterations, its seeds, its numbers
    python run.py --sample             # the same on the built-in sample treebank, no download needed
    python run.py --iterations 1000 --out trial --loss naive-softmax
    python run.py --corpus text.txt    # vectors of your own text: by epochs, in large steps
    python run.py --epochs 5           # the same on SST
    python run.py --corpus more.txt --continue run --out longer    # add text and new words to a finished run
    python run.py --corpus text.txt --subwords 3-6 --save vectors.npz    # vectors of words never seen, too

Checkpoints, `word_vectors.png` and `word_vectors.txt` go to the current folder, or to --out. A run that was stopped is
continued when it is started again.
"""

import argparse
import re
import sys
from dataclasses import fields
from pathlib import Path

import utils.system.one_thread  # noqa: F401 (before NumPy: the same bytes on any number of cores)

# isort: split

from epochs import NEGATIVES, NOISE, STEP, Settings
from trainings import KEPT, PRINT_EVERY, ByEpochs, ByIterations, HandoutSettings
from utils.commands import options
from utils.commands.beginnings import VOCABULARY, from_run, from_vectors, write_vocabulary
from utils.commands.inputs import Data, files_to_read, read_corpus, read_treebank, refuse_overwriting
from utils.commands.neighbours import print_neighbours
from utils.commands.words import choose_words, groups_of
from utils.runs.checkpoints import Checkpoints
from utils.runs.losses import CURVE, LOSSES, Losses
from utils.system import console
from utils.system.errors import InputError
from utils.system.files import remove_leftovers, writable_folder
from utils.vectors.files import check_words, format_of, save_vectors
from utils.vectors.subwords import NGrams

# What a training leaves in its folder, beside checkpoints
VECTORS, PICTURE, ANIMATION = "word_vectors.txt", "word_vectors.png", "word_vectors.gif"
SUBSAMPLE = 1e-3  # as in word2vec's C code
TWICE = 2  # a word that occurs twice is not thinned out: of twenty lines nothing would be left
BUCKETS = 2_000_000  # of n-grams, as in fastText
EPOCHS, WORDS_TO_READ = (5, 200), 10_000_000  # fewest and most epochs; words that a training should read

# The command line: two trainings, each with a parser of its own


def parse(arguments):
    """Parse the command line; a wrong argument ends the process with status 2."""
    arguments = sys.argv[1:] if arguments is None else arguments
    chooser = console.ArgumentParser(prog="run.py", add_help=False)
    options.add(chooser, "--corpus", "--epochs")
    add_beginnings(chooser)
    chosen, _ = chooser.parse_known_args(arguments)
    by_epochs = chosen.corpus is not None or chosen.epochs is not None
    parser, other = (epochs_parser(), handout_parser()) if by_epochs else (handout_parser(), epochs_parser())
    beginning = beginning_of(chosen) if by_epochs and not {"-h", "--help"} & {*arguments} else None
    if beginning is not None:
        parser.set_defaults(**beginning.options)
    args, unknown = parser.parse_known_args(arguments)
    if unknown:
        option = unknown[0].partition("=")[0]
        if option.startswith("--") and re.search(rf"{re.escape(option)}\b", other.format_usage()):
            parser.error(f"{option} belongs to the training {OTHER[by_epochs]}")
        parser.error(f"unrecognized arguments: {' '.join(unknown)}")
    args.by_epochs, args.beginning = by_epochs, beginning
    return args


def beginning_of(args):
    """The Beginning that --init or --continue names, or None."""
    if args.freeze and not (args.init or args.going_on):
        raise InputError("--freeze goes with --init or --continue: it keeps the vectors that are taken from there")
    if args.going_on and args.corpus is None:
        raise InputError("--continue wants more text: name it with --corpus")
    if args.init:
        return from_vectors(args.init)
    return from_run(args.going_on) if args.going_on else None


OTHER = {
    False: "by epochs: give --epochs, or --corpus with your own text",
    True: "of the handout, by iterations: leave out --epochs and --corpus",
}


def handout_parser():
    """The options of the handout's training."""
    parser = console.ArgumentParser(
        prog="run.py",
        description="Train word vectors as the handout does: by iterations, on a treebank.",
        epilog="With --corpus PATH (your own text) or --epochs N training goes by epochs, which has other options: "
        "python run.py --epochs 5 --help",
    )
    options.add_treebank(parser)
    parser.add_argument(
        "--iterations",
        type=options.at_least_one,
        default=HandoutSettings.iterations,
        metavar="N",
        help="iterations in all",
    )
    parser.add_argument(
        "--loss", choices=["negative-sampling", "naive-softmax"], default=HandoutSettings.loss, help="what is minimized"
    )
    options.add(parser, "--dim", default=HandoutSettings.dim)
    options.add(parser, "--window", default=HandoutSettings.window)
    options.add(parser, "--negatives", help=f"negative samples per outside word (default: {HandoutSettings.negatives})")
    parser.add_argument(
        "--batch", type=options.at_least_one, default=HandoutSettings.batch, metavar="B", help="windows per iteration"
    )
    options.add(parser, "--step", default=HandoutSettings.step, help="step; halved every 20,000 iterations")
    options.add(parser, "--seed", default=None, help="seed of both random streams (default: the handout's two)")
    lines = f"iterations from loss line to loss line (default: {PRINT_EVERY}; a bar on a terminal)"
    add_run_options(parser, lines, "all")
    return parser


def epochs_parser():
    """The options of the training by epochs."""
    parser = console.ArgumentParser(
        prog="run.py",
        description="Train word vectors by epochs: on your own text (--corpus), or on a treebank (--epochs).",
        epilog="Without --corpus and --epochs the handout's training is done, which has other options: "
        "python run.py --help",
    )
    options.add_treebank(parser, corpus=True)
    few, many = EPOCHS
    options.add(parser, "--epochs", help=f"passes over the text (default: {few}; more for a small text, up to {many})")
    parser.add_argument(
        "--model",
        choices=["skip-gram", "cbow"],
        default=Settings.model,
        help="what predicts what: the centre word each outside word, or their mean the centre word",
    )
    add_subwords(parser)
    dim = f"dimensions of the vectors (default: {Settings.dim}, or those of --init or --continue)"
    options.add(parser, "--dim", help=dim)
    options.add(parser, "--window", default=Settings.window)
    options.add(parser, "--negatives", default=Settings.negatives)
    parser.add_argument(
        "--batch", type=options.at_least_one, default=Settings.batch, metavar="B", help="words of text per step"
    )
    parser.add_argument(
        "--noise",
        type=options.at_least_one,
        metavar="N",
        help="noise words that 64 neighbouring words share: more for better analogies, fewer for speed "
        f"(default: {NOISE['skip-gram']}; CBOW {NOISE['cbow']}; more for more than {NEGATIVES} negatives)",
    )
    parser.add_argument("--share", type=options.at_least_one, help=argparse.SUPPRESS)  # of earlier versions
    steps = f"{STEP['skip-gram']:g}; CBOW {STEP['cbow']:g}"
    options.add(parser, "--step", default=None, help=f"step at the start, falling to 0 (default: {steps})")
    default = f" (default: {SUBSAMPLE:g}; of a tiny text the share of {TWICE} occurrences)"
    options.add(parser, "--subsample", help=options.SHARED["--subsample"]["help"] + default)
    options.add(parser, "--subsample-form", "--seed", "--workers", "--cluster")
    parser.add_argument(
        "--held-out",
        type=console.share,
        default=0.0,
        metavar="SHARE",
        help="share of the sentences to keep back and to measure the loss on after each epoch",
    )
    parser.add_argument("--dtype", choices=["float32", "float64"], default=Settings.dtype, help="precision")
    add_beginnings(parser)
    lines = "chunks of the text from loss line to loss line (default: some twenty lines in all; a bar on a terminal)"
    add_run_options(parser, lines, KEPT)
    options.add_text_options(parser)
    return parser


def add_subwords(parser):
    """Declare of which n-grams the input vectors are composed."""
    parser.add_argument(
        "--subwords",
        type=options.characters,
        metavar="MIN-MAX",
        help="compose each word's vector of its own and those of its n-grams of so many characters, as in fastText "
        "(3-6 is usual); with --save FILE.npz words never seen get vectors, too",
    )
    parser.add_argument(
        "--buckets",
        type=options.at_least_one,
        metavar="N",
        help=f"hash n-grams into so many vectors; those of the text alone take memory (default: {BUCKETS:,})",
    )


def add_beginnings(parser):
    """Declare what vectors a training may start from."""
    group = parser.add_mutually_exclusive_group()
    group.add_argument(
        "--init",
        metavar="FILE",
        type=options.named("a file"),
        help="start from the vectors in this file, of any format; words that it does not have start small",
    )
    group.add_argument(
        "--continue",
        dest="going_on",
        metavar="RUN",
        type=options.named("a folder"),
        help="add the text and its new words to the finished run in this folder, with its settings unless others are "
        "given; what comes of it goes to --out, another folder",
    )
    parser.add_argument(
        "--freeze", action="store_true", help="keep the vectors that --init or --continue gives as they are"
    )


def add_run_options(parser, print_every, keep):
    """Declare what both trainings have: where results go, and what is shown."""
    options.add(parser, "--out")
    options.add(parser, "--save", help=f"{options.SHARED['--save']['help']} (default: {VECTORS} in --out)")
    options.add(parser, "--vectors")
    parser.add_argument(
        "--keep",
        type=options.at_least_one,
        metavar="N",
        help=f"keep the newest N checkpoints (default: {keep}); with 2 or more a damaged one does not lose the run",
    )
    parser.add_argument("--fresh", action="store_true", help="start anew; earlier checkpoints move to previous-<n>")
    parser.add_argument("--print-every", type=options.at_least_one, metavar="N", help=print_every)
    options.add(parser, "--words")
    parser.add_argument("--animate", action="store_true", help=f"draw the map at each checkpoint, too: {ANIMATION}")
    options.add(parser, "--quiet")


# What is read, and where it is written


def prepare(args, say):
    """Read the text and set up the training that the arguments ask for; say which defaults the text has changed."""
    if not args.by_epochs:
        if args.loss == "naive-softmax" and args.negatives is not None:
            raise InputError("--negatives goes with --loss negative-sampling; the naive softmax draws none")
        return ByIterations(read_treebank(args.data, args.sample), settings_of(args, HandoutSettings))
    if args.share is not None:
        console.note("--share is no longer needed: neighbouring words always share their negative samples")
    beginning, more, ngrams = args.beginning, args.going_on is not None, ngrams_of(args)
    if beginning is not None:
        args.dim = args.dim or beginning.inputs.shape[1]
        if args.dim != beginning.inputs.shape[1]:
            has = f"{beginning.name} has vectors of {beginning.inputs.shape[1]} dimensions"
            raise InputError(f"{has}, got --dim {args.dim}: leave --dim out, or give that number")
    workers, data = options.workers(args), read_data(args, beginning.words if more else ())
    if args.epochs is None:
        args.epochs = enough_epochs(len(data.corpus.ids) + (sum(beginning.counts.tolist()) if more else 0))
        if args.epochs > EPOCHS[0]:
            say(f"{args.epochs} epochs, since the text is short (--epochs N for another number)")
    if args.subsample is None:
        args.subsample = max(SUBSAMPLE, TWICE / len(data.corpus.ids))
    thinning = args.subsample, args.subsample_form
    begun = beginning, args.freeze
    training = ByEpochs(data, settings_of(args, Settings), thinning, workers, args.held_out, *begun, ngrams)
    if beginning is not None:
        taken, new = len(training.taken.rows), len(data.words) - len(training.taken.rows)
        step = training.trainer.settings.step
        say(f"{taken:,} words start from {beginning.name}, {new:,} new ones start small; the step starts at {step:g}")
    return training


def ngrams_of(args):
    """The NGrams that the arguments ask for, or None."""
    if args.subwords is None:
        if args.buckets is not None:
            raise InputError("--buckets are those of the n-grams of --subwords: give both")
        return None
    if args.beginning is not None:
        option = "--init" if args.init else "--continue"
        raise InputError(f"--subwords does not go with {option}: vectors that n-grams share are trained from the start")
    return NGrams(*args.subwords, BUCKETS if args.buckets is None else args.buckets)


def enough_epochs(words):
    """As many epochs as a text of so many words needs.

    Of 20 and 100 thousand words of English dictionaries five epochs taught nothing that could be seen, and of a million
    ten taught much more than five: docs/large-corpora.md has the figures.
    """
    few, many = EPOCHS
    return min(many, max(few, -(-WORDS_TO_READ // words)))


def settings_of(args, kind):
    """The settings of a training: the arguments of the same names, and its own defaults where those are None."""
    given = {field.name: getattr(args, field.name) for field in fields(kind)}
    return kind(**{name: value for name, value in given.items() if value is not None})


def read_data(args, known):
    """The text of a training by epochs: your own, in which known words come first, or the treebank."""
    if args.corpus is not None:
        return read_corpus(args, known)
    if args.min_count is not None:
        raise InputError("--min-count goes with --corpus; the treebank's vocabulary is the handout's")
    options.text_options(args)  # which go with --corpus
    treebank = read_treebank(args.data, args.sample, corpus=True)
    corpus = treebank.text()
    size = f"{treebank.numSentences():,} sentences, {len(corpus.ids):,} words"
    return Data(corpus, treebank.words(), treebank.counts(), treebank.fingerprint(), size, [])


def file_to_save(args):
    """The file for the word vectors, with a name that tells their format, and not one that is read."""
    path = Path(args.out, VECTORS) if args.save is None else Path(args.save)
    if path.is_dir():
        raise InputError(f"--save wants a file, got the folder {path}")
    format_of(path)
    written = (Path(args.out, name) for name in (PICTURE, CURVE, LOSSES, ANIMATION))
    read = files_to_read(getattr(args, "corpus", None) or args.data)
    if args.by_epochs:
        read += [args.init] * (args.init is not None)
        if args.going_on and Path(args.going_on).resolve() == Path(args.out).resolve():
            raise InputError(f"--continue {args.going_on} is --out, too: give another folder, --out NEW, to go on in")
    refuse_overwriting(read, [path, *written])
    return path


def note_what_is_lost(args, file):
    """Say where the vectors of n-grams are not saved with those of the words."""
    if args.vectors != "center":
        console.note(f"only centre vectors are composed of n-grams: none are saved with --vectors {args.vectors}")
    elif format_of(file) != "npz":
        console.note(f"{file} holds the words alone: --save FILE.npz keeps the n-grams for those never seen, too")


def draw(args, training, checkpoints, words, vectors, say):
    """Draw the map, the loss curve if a loss was reported, and the animation if it is asked for."""
    from utils.pictures.animation import animate_map  # matplotlib takes half a second to import: only where it draws
    from utils.pictures.charts import loss_curve
    from utils.pictures.wordmap import word_map

    index = {word: i for i, word in enumerate(training.words)}
    ids = [index[word] for word in words]
    picture = checkpoints.folder / PICTURE
    word_map(words, vectors.vectors[ids], picture, groups_of(words), f"{len(words)} words after {training.length}")
    say(f"wrote {picture}")
    if losses := checkpoints.losses.losses:
        picture = checkpoints.folder / CURVE
        places = [training.place(iteration) for iteration in checkpoints.losses.iterations]
        loss_curve(places, losses, picture, training.halvings, **training.curve)
        say(f"wrote {picture}")
    if args.animate:
        frames = {0: training.vectors(training.initial_vectors(), args.vectors).vectors[ids]}
        for iteration, parameters, _ in checkpoints.all(at_most=training.total):
            frames[training.place(iteration)] = training.vectors(parameters, args.vectors).vectors[ids]
        picture = checkpoints.folder / ANIMATION
        animate_map(words, frames, picture, groups_of(words), unit=training.axis)
        say(f"wrote {picture}")


def main(arguments=None):
    """Train, save, report and draw as the command line asks; return the exit status."""
    args = parse(arguments)
    file = file_to_save(args)
    say = console.speaker(args.quiet)
    training = prepare(args, say)
    handout = not (args.by_epochs and args.corpus)
    words = choose_words(args.words, training.words, training.counts, args.quiet, handout)
    keep = args.keep or (None if args.animate else training.keep)
    folder = writable_folder(args.out)
    checkpoints = Checkpoints(folder, training.settings, keep, training.unit, Losses(folder / LOSSES))
    writable_folder(file.parent)
    check_words(file, training.words)
    with checkpoints.held():
        remove_leftovers(checkpoints.folder, PICTURE, CURVE, LOSSES, ANIMATION, VECTORS, VOCABULARY)
        if args.fresh and (place := checkpoints.set_aside()):
            say(f"moved the earlier checkpoints to {place}")
        say(checkpoints.outlook(training.total))
        if args.by_epochs:
            write_vocabulary(folder, training, options.text_options(args))
        say(f"{training.text}, vocabulary {len(training.words)}, {training.dim} dimensions")
        parameters = training.train(checkpoints, args.quiet, args.print_every)  # (2 V, d), and those of n-grams
        vectors = training.vectors(parameters, args.vectors)  # (V, d), or (V, 2 d)
        save_vectors(file, vectors.by_frequency(training.counts))
        say(*training.findings)
        if training.warning:
            console.note(training.warning)
        if args.beginning is not None and not args.quiet:
            inputs = parameters[: len(training.words)]
            say(training.taken.moved(inputs), *training.taken.scores(inputs))
        print_neighbours(words, vectors, training.counts, say)
        say(f"wrote {file}")
        if args.by_epochs and args.subwords:
            note_what_is_lost(args, file)
        draw(args, training, checkpoints, words, vectors, say)
    return 0


if __name__ == "__main__":
    console.run(main)
