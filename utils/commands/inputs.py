"""What commands are given alike: a treebank, the words of their pictures."""

import sys
import tempfile
from pathlib import Path

import numpy as np

from utils.corpus import sample
from utils.pictures.wordmap import MAP_WORDS, MOST_WORDS
from utils.system.errors import InputError
from utils.treebank import DEFAULT_FOLDER, StanfordSentiment


def read_treebank(args, command):
    """Read the treebank that the arguments ask for.

    Parameters
    ----------
    args : namespace
        `data`: its folder, or None for where it is by default; `sample`: the built-in one instead.
    command : str
        What else could be called, such as "run.py".

    Returns
    -------
    StanfordSentiment
        All of its sentences and its split are read.

    Raises
    ------
    InputError
        It is not there, or a file of it is damaged.
    """
    if args.sample:
        with tempfile.TemporaryDirectory() as folder:
            return _whole(StanfordSentiment(sample.write_sample_treebank(Path(folder))))
    treebank = StanfordSentiment(args.data)
    if not args.data and not treebank.path.is_dir():
        raise InputError(
            f"the Stanford Sentiment Treebank is not in {DEFAULT_FOLDER}: fetch it with `sh get_datasets.sh`, "
            f"or take the built-in sample with `python {command} --sample`, or a text of your own with --corpus"
        )
    return _whole(treebank)


def _whole(treebank):
    treebank.dataset_split()  # reads all sentences, and notices a file that is cut off
    return treebank


def split_words(text):
    """Argparse type: the words of a list with commas."""
    return [word.strip() for word in text.split(",") if word.strip()]


def choose_words(asked, words, counts, quiet):
    """The words of a picture that a text has, with a notice of the others on standard error unless `quiet`.

    Parameters
    ----------
    asked : list of str or None
        None: the handout's. Where a text has next to none of these, its most frequent words take their place.
    words : list of str, length V
        The vocabulary.
    counts : ndarray of int, shape (V,)
    quiet : bool

    Returns
    -------
    list of str

    Raises
    ------
    InputError
        None of the words is there, or there are more than a map has room for.
    """
    vocabulary = set(words)
    known = [word for word in asked or MAP_WORDS if word in vocabulary]
    if asked is None and len(known) < 2:
        known = [words[i] for i in np.argsort(-counts, kind="stable")[: len(MAP_WORDS)]]
    if len(known) > MOST_WORDS:
        raise InputError(f"a map has room for at most {MOST_WORDS} words, got {len(known)}: give fewer --words")
    if not known:
        raise InputError(f"none of the words for the map is in the vocabulary: {', '.join(asked)}; give --words")
    unknown = [word for word in asked or () if word not in vocabulary]
    if unknown and not quiet:
        print(f"not in the vocabulary, left out of the map: {', '.join(unknown)}", file=sys.stderr)
    return known
