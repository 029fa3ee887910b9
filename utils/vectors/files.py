"""Word vectors in files, and the parameters that a training saves. The formats are described in `storage`."""

from collections.abc import Sequence
from os import PathLike
from pathlib import Path

import numpy as np

from utils.system.errors import InputError, brief
from utils.system.npy import array_from
from utils.vectors.storage import check_words, format_of, reading
from utils.vectors.wordvectors import WordVectors

__all__ = ["MATRICES", "check_words", "format_of", "load_saved_params", "load_vectors", "save_vectors", "select"]

MATRICES = ("center", "outside", "sum", "concat")


def load_vectors(
    path: str | PathLike, limit: int | None = None, format: str | None = None, strict: bool = False
) -> WordVectors:
    """Read word vectors: `WordVectors.load`."""
    return WordVectors.load(path, limit, format, strict)


def save_vectors(path: str | PathLike, vectors: WordVectors, format: str | None = None) -> None:
    """Write word vectors: `vectors.save`."""
    vectors.save(path, format)


def load_saved_params(path: str | PathLike, words: Sequence[str], which: str = "center") -> WordVectors:
    """Read the parameters that a training has saved (`saved_params_40000.npy`): they hold no words.

    Parameters
    ----------
    path : str or Path
    words : list of str, length V
        The word of each id, as from `StanfordSentiment.words()`.
    which : {"center", "outside", "sum", "concat"}
        As for `select`.

    Returns
    -------
    WordVectors

    Raises
    ------
    InputError
        The file is missing or damaged, or does not have two rows for each word.
    EnvironmentFailure
        The file is there but cannot be read.
    """
    with reading(Path(path)):
        try:
            parameters = array_from(Path(path).read_bytes())
        except ValueError as error:
            raise InputError(f"{path} is damaged: it {brief(error)}") from None
    if parameters.ndim != 2 or len(parameters) != 2 * len(words):
        wanted = f"wanted two rows for each of {len(words)} words: give the words of its training"
        if parameters.ndim == 2 and len(parameters) > 2 * len(words):
            wanted += " (or, if n-grams were trained with --subwords, read the saved .npz instead)"
        raise InputError(f"{path} has shape {parameters.shape}, {wanted}")
    return WordVectors(words, np.array(select(parameters, which)))


def select(parameters: np.ndarray, which: str) -> np.ndarray:
    """The vectors of the words, from the stacked parameters of a training.

    Parameters
    ----------
    parameters : ndarray, shape (2 V, d)
        Centre vectors above outside vectors.
    which : {"center", "outside", "sum", "concat"}
        The last two combine the centre and the outside vector of each word.

    Returns
    -------
    ndarray, shape (V, d), or (V, 2 d) for "concat"
        For "center" and "outside" a view.
    """
    if which not in MATRICES:
        raise InputError(f"the vectors to take must be one of {', '.join(MATRICES)}, got {which!r}")
    if np.ndim(parameters) != 2 or len(parameters) % 2:
        raise InputError(f"parameters need two rows for each word, got shape {np.shape(parameters)}")
    center, outside = np.split(parameters, 2)  # (V, d)
    if which == "sum":
        return center + outside
    if which == "concat":
        return np.concatenate([center, outside], axis=1)
    return center if which == "center" else outside
