"""Which words a command shows: those that are asked for, the handout's, or some of the text's own."""

import numpy as np

from utils.system.console import note
from utils.system.errors import InputError

# The words that the handout maps, in its order, and what they have in common.
MAP_GROUPS = {
    "praise": ("great", "cool", "brilliant", "wonderful", "well", "amazing", "worth", "sweet", "enjoyable"),
    "blame": ("boring", "bad", "dumb", "annoying"),
    "people": ("female", "male", "queen", "king", "man", "woman"),
    "weather": ("rain", "snow", "hail"),
    "drinks": ("coffee", "tea"),
}
MAP_WORDS = tuple(word for group in MAP_GROUPS.values() for word in group)
SHOWN = 24  # as many as the handout's
COMMONEST = 1e-3  # share of the text from which on a word is too common to say much: the usual threshold of subsampling


def choose_words(asked, words, counts, quiet, handout=True):
    """Choose the words of a picture, with a notice on standard error of those that the text does not have.

    Parameters
    ----------
    asked : list of str or None
    words : list of str, length V
        The vocabulary.
    counts : ndarray of int, shape (V,)
    quiet : bool
        Print no notice.
    handout : bool
        Without `asked`: take the handout's words, if all of them are there; otherwise take frequent words of the text.

    Returns
    -------
    list of str

    Raises
    ------
    InputError
        None of the words is there, or there are more than a map has room for.
    """
    vocabulary = set(words)
    if asked is None:
        known = [word for word in MAP_WORDS if word in vocabulary] if handout else []
        return known if len(known) >= 2 else frequent_words(words, counts)
    from utils.pictures.wordmap import MOST_WORDS  # it needs matplotlib, which takes half a second to import

    known = [word for word in asked if word in vocabulary]
    if len(known) > MOST_WORDS:
        raise InputError(f"a map has space for at most {MOST_WORDS} words, got {len(known)}: give fewer --words")
    if not known:
        raise InputError(f"none of these words is in the vocabulary: {', '.join(asked)}; give other --words")
    unknown = [word for word in asked if word not in vocabulary]
    if unknown and not quiet:
        note(f"not in the vocabulary, left out of the pictures: {', '.join(unknown)}")
    return known


def groups_of(words):
    """The handout's groups for the marks of a map; none if most of the words are others, of which they say nothing."""
    return MAP_GROUPS if 2 * len(set(words) & set(MAP_WORDS)) > len(words) else {}


def telling_words(words):
    """As `frequent_words`, of words in order of frequency whose counts are not known: by Zipf's law."""
    return frequent_words(words, len(words) / np.arange(1, len(words) + 1))


def frequent_words(words, counts):
    """The most frequent words of a text that say something: those with letters.

    The very commonest are passed over, and single letters of an alphabet (a sign of Chinese is a word), if enough
    others are left.

    Parameters
    ----------
    words : list of str, length V
    counts : ndarray of int, shape (V,)

    Returns
    -------
    list of str
        At most SHOWN, the most frequent first.
    """
    order = [i for i in np.argsort(-counts, kind="stable") if any(map(str.isalpha, words[i]))]
    longer = [i for i in order if len(words[i]) > 1 or words[i].lower() == words[i].upper()]
    order = longer if len(longer) >= SHOWN else order
    common = sum(counts[i] > COMMONEST * counts.sum() for i in order)
    first = max(0, min(common, len(order) - SHOWN))
    return [words[i] for i in order[first : first + SHOWN]] or words[:SHOWN]
