"""How a text is to be read, as one value, and the command line's options for it."""

import functools
import re
import warnings
from argparse import ArgumentTypeError
from dataclasses import asdict, dataclass, fields

from utils.system import console
from utils.system.errors import InputError

ENCODING_ERRORS = ("strict", "replace", "ignore")
LONGEST = 10_000  # words of a sentence: a text without line ends (text8) still comes in pieces that fit in memory


@dataclass(frozen=True)
class TextOptions:
    """How a text becomes words.

    Attributes
    ----------
    lowercase : bool
    token_pattern : str or None
        A regular expression: what it finds in a line, or the one group in it, are the words. None: what stands between
        white space.
    min_count : int
        Words that occur less often are left out before windows are drawn, so that their neighbours move together.
    max_vocab : int or None
        At most so many words stay, the most frequent; of equally frequent ones those that appear first.
    encoding_errors : {"strict", "replace", "ignore"}
        What becomes of bytes that are not UTF-8: an error that names file and line, U+FFFD, nothing.
    longest : int
        Words of the longest sentence; longer lines are cut.

    Raises
    ------
    InputError
        One of them is out of range, or `token_pattern` is no regular expression, has several groups, or finds words
        without letters.
    """

    lowercase: bool = True
    token_pattern: str | None = None
    min_count: int = 1
    max_vocab: int | None = None
    encoding_errors: str = "strict"
    longest: int = LONGEST

    def __post_init__(self):
        for name, least in (("min_count", 1), ("max_vocab", 2), ("longest", 2)):
            value = getattr(self, name)
            if value is not None and value < least:
                raise InputError(f"{name} must be at least {least}, got {value}")
        if self.encoding_errors not in ENCODING_ERRORS:
            raise InputError(f"encoding_errors must be one of {', '.join(ENCODING_ERRORS)}, got {self.encoding_errors}")
        if self.token_pattern is not None:
            compiled(self.token_pattern)

    def as_dict(self):
        return asdict(self)


@functools.cache
def compiled(pattern):
    """The token pattern, compiled and checked."""
    remedy = "give a regular expression for one word, such as \\w+"
    try:
        with warnings.catch_warnings(action="ignore"):  # of what other versions of Python may read in it
            regex = re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise InputError(f"the token pattern {pattern!r} is no regular expression ({error}): {remedy}") from None
    if regex.groups > 1:
        raise InputError(
            f"the token pattern {pattern!r} has {regex.groups} groups, at most one can be the word: "
            "write (?:...) for those that are not"
        )
    if regex.search("") is not None:
        raise empty_match(pattern)
    return regex


def empty_match(pattern):
    """The error of a pattern that finds words without letters."""
    return InputError(
        f"the token pattern {pattern!r} matches the empty string: every match must be a word; write + instead of *"
    )


# The command line


def add_text_options(parser, source=None, min_count=1):
    """Add the options about a text of one's own.

    Parameters
    ----------
    parser : argparse.ArgumentParser
    source : argument group, optional
        Where --corpus belongs: the mutually exclusive group of the other data.
    min_count : int
        What --min-count is if it is not given.
    """
    group = parser.add_argument_group("text of one's own")
    (source or group).add_argument(
        "--corpus",
        type=_source,
        metavar="PATH",
        help="UTF-8 text, one sentence or paragraph per line: a file (also .gz, .bz2, .xz), a folder, or - (stdin)",
    )
    case = group.add_mutually_exclusive_group()
    case.add_argument("--lowercase", dest="lowercase", action="store_const", const=True, help="the default")
    case.add_argument("--keep-case", dest="lowercase", action="store_const", const=False, help="The is not the")
    group.add_argument(
        "--token-pattern",
        type=_pattern,
        metavar="REGEX",
        help="a word, such as \\w+ (default: what stands between white space)",
    )
    at_least_one = console.whole_number(1)
    group.add_argument(
        "--min-count", type=at_least_one, default=min_count, metavar="N", help=f"leave rarer words out ({min_count})"
    )
    group.add_argument(
        "--max-vocab", type=console.whole_number(2), metavar="N", help="keep only the N most frequent words (all)"
    )
    group.add_argument(
        "--encoding-errors", choices=ENCODING_ERRORS, help="what to do with bytes that are not UTF-8 (strict)"
    )
    group.add_argument(
        "--cache", type=_folder, metavar="DIR", help="folder for texts that have been read (.cache in --out)"
    )


def text_options(args):
    """The TextOptions that the arguments ask for.

    Raises
    ------
    InputError
        One of the options is given without --corpus. (--min-count may be: it goes with other data, too.)
    """
    given = {
        field.name: value for field in fields(TextOptions) if (value := getattr(args, field.name, None)) is not None
    }
    if args.corpus is None:
        flag = {"lowercase": "lowercase" if args.lowercase else "keep-case"}
        for name in (*given, *(["cache"] if args.cache is not None else [])):
            if name != "min_count":
                raise InputError(f"--{flag.get(name, name).replace('_', '-')} goes with --corpus: name a text to read")
    return TextOptions(**given)


def _pattern(text):
    try:
        return compiled(text).pattern
    except InputError as error:
        raise ArgumentTypeError(str(error)) from None


def _source(text):
    if not text:
        raise ArgumentTypeError("wants a file, a folder or -, got ''")
    return text


def _folder(text):
    if not text:
        raise ArgumentTypeError("wants a folder, got ''")
    return text
