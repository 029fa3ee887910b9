"""The options that commands share: each is declared here, once, and every command shows it the same way."""

import re
from argparse import ArgumentTypeError
from dataclasses import fields

from epochs import SUBSAMPLING_FORMS
from utils.corpus.tokens import ENCODING_ERRORS, TextOptions, compiled
from utils.system.console import number_from_zero, positive_number, whole_number
from utils.system.errors import InputError
from utils.system.memory import refuse_beyond_memory
from utils.system.workers import Workers
from utils.vectors.files import MATRICES
from utils.vectors.subwords import MOST_CHARACTERS

LARGEST_SEED = 2**32 - 1  # NumPy takes no larger one
WORKER_MEMORY = 80 * 10**6  # bytes that a process has taken when its libraries are loaded
MIN_COUNT = 5  # of your own text, as in word2vec's C code

at_least_one = whole_number(1)


def named(what):
    """Make an argparse type: a name that is not empty."""

    def parse(text):
        if not text:
            raise ArgumentTypeError(f"wants {what}, got ''")
        return text

    return parse


def word_list(text):
    """Argparse type: the words of a list with commas."""
    words = list(dict.fromkeys(word.strip() for word in text.split(",") if word.strip()))
    if not words:
        raise ArgumentTypeError(f"wants at least one word, as in coffee,tea; got {text!r}")
    return words


def token_pattern(text):
    """Argparse type: a regular expression for one word."""
    try:
        return compiled(text).pattern
    except InputError as error:
        raise ArgumentTypeError(str(error)) from None


def characters(text):
    """Argparse type: the fewest and the most characters of an n-gram, as in 3-6."""
    found = re.fullmatch(r"(\d{1,9})-(\d{1,9})", text)
    if not found:
        raise ArgumentTypeError(f"wants the fewest and the most characters, as in 3-6, got {text!r}")
    shortest, longest = int(found[1]), int(found[2])
    if not 1 <= shortest <= longest <= MOST_CHARACTERS:
        limits = f"1 to {MOST_CHARACTERS} characters, the fewest first"
        raise ArgumentTypeError(f"wants {limits}, as in 3-6, got {text!r}")
    return shortest, longest


SHARED = {
    # What is read
    "--data": {
        "metavar": "DIR",
        "type": named("a folder"),
        "help": "folder of the treebank (default: where get_datasets.sh puts it)",
    },
    "--sample": {"action": "store_true", "help": "use the built-in sample treebank"},
    "--corpus": {
        "metavar": "PATH",
        "type": named("a file, a folder or -"),
        "help": "your own text, in UTF-8, one sentence or paragraph per line: a file (also .gz, .bz2, .xz), a folder, "
        "or - for standard input",
    },
    "--token-pattern": {
        "metavar": "REGEX",
        "type": token_pattern,
        "help": "what a word is, such as \\w+ (default: words without the punctuation around them; \\S+ keeps it)",
    },
    "--min-count": {
        "type": at_least_one,
        "metavar": "N",
        "help": f"leave out words that occur less often (default: {MIN_COUNT} of your own text, 1 of a treebank)",
    },
    "--max-vocab": {"type": whole_number(2), "metavar": "N", "help": "keep the N most frequent words (default: all)"},
    "--encoding-errors": {
        "choices": ENCODING_ERRORS,
        "help": f"what to do with bytes that are not UTF-8 (default: {TextOptions.encoding_errors})",
    },
    "--cache": {
        "metavar": "DIR",
        "type": named("a folder"),
        "help": "folder that keeps texts once they are read (default: .cache in --out)",
    },
    # How it is trained on or counted
    "--dim": {"type": at_least_one, "metavar": "D", "help": "dimensions of the vectors"},
    "--window": {"type": at_least_one, "metavar": "C", "help": "largest distance of an outside word"},
    "--epochs": {"type": at_least_one, "metavar": "N", "help": "passes over the text"},
    "--negatives": {"type": at_least_one, "metavar": "K", "help": "negative samples per outside word"},
    "--subsample": {
        "type": number_from_zero,
        "metavar": "T",
        "help": "leave out some occurrences of words whose share of the text is above T; 0 keeps all",
    },
    "--subsample-form": {"choices": SUBSAMPLING_FORMS, "default": "word2vec", "help": "formula for --subsample"},
    "--seed": {"type": whole_number(0, LARGEST_SEED), "metavar": "S", "default": 0, "help": "of the random numbers"},
    "--workers": {"type": at_least_one, "metavar": "N", "default": 1, "help": "processes that work side by side"},
    "--cluster": {
        "metavar": "ADDRESS",
        "type": named("an address"),
        "help": "work on the Dask cluster with this scheduler, such as tcp://10.0.0.1:8786",
    },
    "--step": {"type": positive_number, "metavar": "S"},
    # What is written
    "--out": {"default": ".", "metavar": "DIR", "help": "folder for all that is written, made if missing"},
    "--save": {
        "metavar": "FILE",
        "type": named("a file"),
        "help": "file for the vectors: .txt, .vec, .glove or .bin (each also with .gz), .npz, .tsv",
    },
    "--vectors": {
        "choices": MATRICES,
        "default": "center",
        "help": "which vectors to save, search and draw: those of centre words, of outside words, or both",
    },
    "--words": {
        "type": word_list,
        "metavar": "W1,W2,...",
        "help": "words of the pictures (default: the handout's 24; of your own text, some of its frequent words)",
    },
    "--quiet": {"action": "store_true", "help": "print nothing but errors"},
}


def workers(args):
    """The Workers that the arguments ask for: processes here, or those of a Dask cluster."""
    if not args.cluster and args.workers > 1:
        refuse_beyond_memory(args.workers * WORKER_MEMORY, f"{args.workers} workers", "give fewer --workers")
    return Workers(args.workers, args.cluster)


def add(parser, *names, **changes):
    """Declare shared options in a parser or a group of one, with what is special there, such as `default=5`."""
    for name in names:
        parser.add_argument(name, **{**SHARED[name], **changes})


def add_treebank(parser, corpus=False):
    """Declare where the text comes from: --data or --sample, or --corpus, too."""
    add(parser.add_mutually_exclusive_group(), "--data", "--sample", *(["--corpus"] if corpus else []))


def add_text_options(parser):
    """Declare how your own text (--corpus) becomes words."""
    group = parser.add_argument_group("your own text (with --corpus)")
    case = group.add_mutually_exclusive_group()
    case.add_argument("--lowercase", action="store_true", default=None, help="lower-case all words, as by default")
    case.add_argument(
        "--keep-case", dest="lowercase", action="store_false", default=None, help="keep The and the apart"
    )
    add(group, "--token-pattern", "--min-count", "--max-vocab", "--encoding-errors", "--cache")


def text_options(args):
    """The TextOptions that the arguments ask for.

    Raises
    ------
    InputError
        One of the options is given without --corpus. (--min-count may be: it goes with other data, too.)
    """
    given = {field.name: getattr(args, field.name, None) for field in fields(TextOptions)}
    given = {name: value for name, value in given.items() if value is not None}
    if args.corpus is None:
        flag = {"lowercase": "lowercase" if args.lowercase else "keep-case"}
        for name in (*given, *(["cache"] if args.cache is not None else [])):
            if name != "min_count":
                raise InputError(f"--{flag.get(name, name).replace('_', '-')} goes with --corpus: name a text to read")
        return TextOptions(**given)
    return TextOptions(**{"min_count": MIN_COUNT, **given})
