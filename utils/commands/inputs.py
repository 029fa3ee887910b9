"""What commands read, as their options say: a treebank or your own text; and what they must not write over."""

import contextlib
from pathlib import Path
from typing import NamedTuple

import numpy as np

from utils.commands.options import text_options
from utils.corpus.ids import Corpus
from utils.corpus.reading import read_text
from utils.corpus.sources import find_sources
from utils.system import console
from utils.system.errors import InputError
from utils.treebank import DEFAULT_FOLDER, StanfordSentiment, sample_treebank
from utils.vectors.storage import files_of

CACHE = ".cache"  # in --out


class Data(NamedTuple):
    """A text to train on or to count, whatever it was read from.

    Attributes
    ----------
    corpus : Corpus
        Of a treebank the original sentences, once each; your own text stays on disk, mapped into memory.
    words : list of str, length V
    counts : ndarray of int64, shape (V,)
        Occurrences of each word.
    fingerprint : str
        Differs where the text does.
    size : str
        How much there is, for people.
    remarks : list of str
        What else there is to say of it.
    """

    corpus: Corpus
    words: list
    counts: np.ndarray
    fingerprint: str
    size: str
    remarks: list


def missing_treebank(command, corpus=False):
    """How to get the treebank, in one sentence, for a command that needs it.

    Parameters
    ----------
    command : str
        Such as "run.py".
    corpus : bool
        Whether your own text will do.
    """
    other = ", or give your own text with --corpus" if corpus else ""
    return (
        f"the Stanford Sentiment Treebank is not in {DEFAULT_FOLDER}: fetch it with `sh get_datasets.sh`, name its "
        f"folder with --data DIR, or take the built-in sample with `python {command} --sample`{other}"
    )


def read_treebank(folder=None, builtin=False, command="run.py", corpus=False):
    """Read a treebank: that of a folder, the one that get_datasets.sh fetches, or the built-in sample.

    Parameters
    ----------
    folder : str or Path, optional
    builtin : bool
    command, corpus :
        See `missing_treebank`.

    Returns
    -------
    StanfordSentiment
        All of its sentences and its split are read.

    Raises
    ------
    InputError
        It is missing, or one of its files is damaged.
    """
    if builtin:
        return sample_treebank()
    treebank = StanfordSentiment(folder)
    if not folder and not treebank.path.is_dir():
        raise InputError(missing_treebank(command, corpus))
    treebank.dataset_split()  # reads all sentences, and notices a file that is cut off
    return treebank


def read_corpus(args, known=()):
    """Read the text that --corpus names, as the other options say; what was left out of it goes to standard error.

    Parameters
    ----------
    args : argparse.Namespace
    known : sequence of str
        Words that have the first ids: see `read_text`.

    Returns
    -------
    Data
    """
    options = text_options(args)
    text = read_text(args.corpus, options, args.cache or Path(args.out, CACHE), not args.quiet, known)
    for notice in text.notices:
        console.note(notice)
    remarks = left_out(text.tokens_read, text.corpus) + ["cached"] * text.cached
    size = f"{text.lines:,} lines, {len(text.corpus.ids):,} words"
    return Data(text.corpus, text.words, text.counts, text.fingerprint, size, remarks)


def left_out(before, corpus):
    """A list of at most one remark: how many words are not in the corpus."""
    return [f"{before - len(corpus.ids):,} words left out"] if before > len(corpus.ids) else []


def files_to_read(path):
    """The files that are read where an option names `path`: those of a folder, standard input's, or the file itself."""
    if path is None:
        return []
    if str(path) == "-":
        return [Path("/dev/stdin")]
    if Path(path).is_dir():
        with contextlib.suppress(InputError):  # whoever reads the folder will say what is missing
            return [source.path for source in find_sources(path)[0]]
    return [Path(path)]


def refuse_overwriting(inputs, outputs):
    """Refuse to write over what is read, or twice to the same file.

    Parameters
    ----------
    inputs, outputs : iterable of str, Path or None
        None, folders and what does not exist yet are passed over.

    Raises
    ------
    InputError
        One of the outputs is one of the inputs, or the same file by another name, or another output.
    """
    read = [file for path in inputs if path is not None for file in files_of(path) if file.is_file()]
    written = [file for path in outputs if path is not None for file in files_of(path, written=True)]
    for i, output in enumerate(written):
        if output.resolve() in (other.resolve() for other in written[:i]):
            raise InputError(f"{output} would be written twice: choose another name for one of the two files")
        for path in read if output.exists() else ():
            if path.samefile(output):
                raise InputError(f"{output} would be written over {path}, which is read: choose another name")
