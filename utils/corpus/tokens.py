"""From text to words: the options of a reading, and the function that finds words."""

import functools
import re
import warnings
from dataclasses import asdict, dataclass

from utils.system.errors import InputError

ENCODING_ERRORS = ("strict", "replace", "ignore")
LONGEST = 10_000  # words of a sentence: a text without line ends (text8) still comes in pieces that fit in memory
LINE_END = "\0"  # stands among the words, where no word can be: the reader lets no zero byte through


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
        One of them is out of range, or `token_pattern` is not a regular expression, has several groups, or finds
        words without letters.
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
    """The token pattern, compiled and checked.

    Raises
    ------
    InputError
        It is not a regular expression, has several groups, or matches the empty string.
    """
    try:
        with warnings.catch_warnings(action="ignore"):  # of what other versions of Python may read in it
            regex = re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise InputError(
            f"the token pattern {pattern!r} is not a regular expression ({error}): "
            "give a regular expression for one word, such as \\w+"
        ) from None
    if regex.groups > 1:
        raise InputError(
            f"the token pattern {pattern!r} has {regex.groups} groups, at most one can be the word: "
            "write (?:...) for those that are not"
        )
    if regex.search("") is not None:
        raise empty_match(pattern)
    return regex


def empty_match(pattern):
    """The error for a pattern that finds words without letters."""
    return InputError(
        f"the token pattern {pattern!r} matches the empty string: every match must be a word; write + instead of *"
    )


def tokenizer(pattern):
    """A function from text (whole lines, or a piece of one) to its words, with LINE_END at the end of each line."""
    if pattern is None:
        return lambda text: text.replace("\n", f" {LINE_END} ").split()
    find = compiled(pattern).findall

    def matches(text):
        *lines, rest = text.replace("\r\n", "\n").split("\n")
        words = []
        for line in lines:
            words += find(line)
            words.append(LINE_END)
        return words + find(rest)

    return matches
