"""From text to words: the options of a reading, and the function that finds words."""

import functools
import re
import unicodedata
import warnings
from dataclasses import asdict, dataclass

import numpy as np

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
        A regular expression: what it finds in a line, or the one group in it, are the words; `\\S+` finds what stands
        between white space. None: see `default_words`.
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
        return default_words
    if pattern == r"\S+":  # the same words, three times as fast
        return lambda text: text.replace("\n", f" {LINE_END} ").split()
    find = compiled(pattern).findall

    def matches(text):
        *lines, rest = text.split("\n")
        words = []
        for line in lines:
            words += find(line)
            words.append(LINE_END)
        return words + find(rest)

    return matches


# The default


UNKNOWN, OTHER, SPACE, JOINER, POINT, MARK, NEWLINE, DIGIT, LETTER, KATAKANA, FLAG, IDEOGRAPH, EMOJI = range(13)
JOINERS = "'\u2019-\u2010\u2011_\u00b7\u05f3\u05f4\u00ad\u200c\u200d\u2060"  # the last four are invisible
ZERO_WIDTH_JOINER, REPLACEMENT = "\u200d", "\ufffd"
RANGES = {  # of code points, as (first, last)
    MARK: ((0x1F3FB, 0x1F3FF), (0xE0020, 0xE007F)),  # skin tones, tags of flags
    KATAKANA: ((0x30A0, 0x30FF), (0x31F0, 0x31FF), (0xFF66, 0xFF9F)),
    FLAG: ((0x1F1E6, 0x1F1FF),),
    IDEOGRAPH: (
        *((0x3005, 0x3007), (0x3041, 0x309F)),  # iteration mark and zero; hiragana
        *((0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x3FFFF)),
    ),
    EMOJI: ((0x2600, 0x27BF), (0x1F000, 0x1FAFF)),
}
SPACED_RUN = 4  # ideographs: words are shorter on average, clauses longer
_kind_of = np.zeros(0x110000, dtype=np.uint8)  # of each code point; UNKNOWN until it occurs


def default_words(text):
    """The words of a text as its readers see them, in any script, without what stands between them.

    A word is a run of letters, digits and their marks (accents, vowel signs); one letter is enough. An apostrophe, a
    hyphen, an underscore, a middle dot or an invisible joiner stays between two letters or digits (l'homme, don't,
    well-known, snake_case), a point or comma between two digits (3.14). Nothing is normalized: words that are written
    with other characters are other words.

    Chinese and Japanese put no spaces between words: each ideograph and each hiragana is a word, and so is a run of
    katakana, as in Unicode's default word boundaries (UAX #29). In a line with white space between ideographs, of which
    no more than SPACED_RUN stand together on average, the spaces count instead. Thai, Lao, Khmer and Burmese need a
    dictionary: what stands between two spaces is one word. An emoji with its modifiers is a word, and so is a flag.

    Parameters
    ----------
    text : str

    Returns
    -------
    list of str
        With LINE_END where a line ends.

    Examples
    --------
    >>> default_words("(Don't) say: 1,000 well-known  m\u00fchlen... \u4f60\u597d!")
    ["Don't", 'say', '1,000', 'well-known', 'm\u00fchlen', '\u4f60', '\u597d']
    """
    encoding, dtype = ("ascii", np.uint8) if text.isascii() else ("utf-32-le", "<u4")
    data = text.encode(encoding)
    codes = np.frombuffer(data, dtype)  # (n,)
    kinds = np.frombuffer(data.translate(_ascii_kinds()), np.uint8).copy() if encoding == "ascii" else _kinds(codes)
    glued = _resolve(codes, kinds)  # (n,)
    words = kinds >= NEWLINE
    result = codes * words + np.multiply(~words, ord(" "), dtype=dtype)  # (n,); np.where takes ten times as long
    if encoding != "ascii":
        apart = words[1:] & words[:-1] & ~glued[1:] & ((kinds[1:] != kinds[:-1]) | (kinds[1:] >= IDEOGRAPH))
        result = np.insert(result, np.flatnonzero(apart) + 1, ord(" "))
    return result.tobytes().decode(encoding).replace("\n", f" {LINE_END} ").split()


@functools.cache
def _ascii_kinds():
    return bytes(_kind(chr(code)) for code in range(128)) + bytes(128)


def _kinds(codes):
    kinds = _kind_of[codes]
    if (unknown := kinds == UNKNOWN).any():
        for code in np.unique(codes[unknown]).tolist():
            _kind_of[code] = _kind(chr(code))
        kinds = _kind_of[codes]
    return kinds


def _kind(character):
    code = ord(character)
    kind = next((kind for kind, ranges in RANGES.items() if any(a <= code <= b for a, b in ranges)), LETTER)
    if character == "\n":
        return NEWLINE
    if character.isspace():
        return SPACE
    if character in JOINERS:
        return JOINER
    if character in ".,":
        return POINT
    if unicodedata.category(character).startswith("M"):
        return MARK
    if kind in (MARK, FLAG, EMOJI) or character == REPLACEMENT:
        return kind
    if character.isdecimal():
        return DIGIT
    return kind if character.isalnum() else OTHER


def _resolve(codes, kinds):
    """Give marks and joiners the kind of the word that they belong to, in place; say which are part of one emoji.

    Returns
    -------
    ndarray of bool, shape (n,)
        Whether a character is never apart from the one before it.
    """
    glued = kinds == MARK
    if glued.any():
        base = kinds[np.maximum.accumulate(np.where(glued, 0, np.arange(len(kinds))))]
        kinds[:] = np.where(glued & (base < DIGIT), OTHER, base)
    if (kinds == IDEOGRAPH).any():
        _respect_spaces(kinds)
    digits, emoji = kinds == DIGIT, kinds == EMOJI
    letters = digits | (kinds == LETTER)
    joined = _between(letters) & (kinds == JOINER) | _between(digits) & (kinds == POINT)
    kinds[joined | digits] = LETTER
    if emoji.any():
        joined = _between(emoji) & (codes == ord(ZERO_WIDTH_JOINER))
        kinds[joined] = EMOJI
        glued[1:] |= joined[:-1] | joined[1:]
    return glued


def _between(chosen):
    """Whether both neighbours of each are chosen."""
    result = np.zeros_like(chosen)
    result[1:-1] = chosen[:-2] & chosen[2:]
    return result


def _respect_spaces(kinds):
    """Make letters of the ideographs in lines that are written with spaces, in place."""
    line = np.cumsum(kinds == NEWLINE)
    ideographs = (kinds == IDEOGRAPH) | (kinds == KATAKANA)
    begins = ideographs.copy()  # of their runs
    begins[1:] &= ~ideographs[:-1]
    solid = np.flatnonzero(kinds != SPACE)
    spaced = ideographs[solid[1:]] & ideographs[solid[:-1]] & (np.diff(solid) > 1)  # a space is before these

    def per_line(chosen):
        return np.bincount(chosen, minlength=line[-1] + 1)

    short = per_line(line[ideographs]) <= SPACED_RUN * per_line(line[begins])
    # A line of katakana alone is read as it would be without other lines beside it.
    with_spaces = short & (per_line(line[solid[1:]][spaced]) > 0) & (per_line(line[kinds == IDEOGRAPH]) > 0)
    kinds[ideographs & with_spaces[line]] = LETTER
