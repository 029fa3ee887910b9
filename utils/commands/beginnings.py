"""Training that goes on: from vectors of any file (--init), or from a finished run and its words (--continue).

A run by epochs leaves its words and their counts in `vocabulary.json`, beside the checkpoints that hold its parameters.
With both, another run adds text: known words keep their ids and their vectors, new ones come behind them.
"""

import hashlib
import json
from pathlib import Path
from typing import NamedTuple

import numpy as np

from utils.corpus.tokens import TextOptions
from utils.runs.checkpoints import Checkpoints
from utils.scoring import sets, wordsets
from utils.system.errors import InputError
from utils.system.files import check_regular, write_json
from utils.vectors.files import load_vectors
from utils.vectors.wordvectors import WordVectors

VOCABULARY = "vocabulary.json"
TEXT_OPTIONS = "lowercase", "token_pattern", "encoding_errors"  # how words are found: the same for more text
# Settings of a run that a further one takes over, by their names in a checkpoint, and the options that are them.
TAKEN_OVER = {
    **{name: name for name in ("model", "dim", "window", "negatives", "noise", "dtype", "subsample")},
    "subsample form": "subsample_form",
}


class Beginning(NamedTuple):
    """Vectors that a training starts from.

    Attributes
    ----------
    name : str
        Of the file or the folder they come from.
    words : list of str, length n
    inputs : ndarray of float, shape (n, d)
    outputs : ndarray of float, shape (n, d), or None
        None: output vectors start from zero, as ever.
    counts : ndarray of int64, shape (n,), or None
        Occurrences of the words in what they have been trained on. None: of no account.
    fingerprint : str
        Differs where the vectors do.
    options : dict
        What a run that goes on takes over, by the names of the options.
    """

    name: str
    words: list
    inputs: np.ndarray
    outputs: np.ndarray | None
    counts: np.ndarray | None
    fingerprint: str
    options: dict


def from_vectors(file):
    """The Beginning that a file of vectors is, in any format that `load_vectors` reads."""
    vectors = load_vectors(file)
    digest = hashlib.sha256("\n".join(vectors.words).encode())
    digest.update(np.ascontiguousarray(vectors.vectors))
    return Beginning(str(file), vectors.words, vectors.vectors, None, None, digest.hexdigest()[:16], {})


def from_run(folder):
    """The Beginning that a finished run by epochs is.

    Raises
    ------
    InputError
        The folder holds no such run, an unfinished one, or a damaged one.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder: --continue wants that of a finished run by epochs (its --out)")
    found, kept = Checkpoints(folder).newest(), _read_vocabulary(folder / VOCABULARY)
    if found is None or kept is None:
        missing = "no checkpoint" if found is None else f"no {VOCABULARY}"
        raise InputError(
            f"{folder} has {missing} that can be read: --continue wants the folder of a finished run by epochs; the "
            "command that made it, given once more, completes it"
        )
    chunk, parameters, state = found
    if chunk < kept["chunks"]:
        raise InputError(
            f"the run in {folder} is not finished ({chunk} of {kept['chunks']} chunks): give the command that began it "
            "once more, then continue"
        )
    words, settings = kept["words"], state["settings"]
    if "subwords" in settings:
        raise InputError(
            f"the run in {folder} has vectors that n-grams share (--subwords): --continue wants one without"
        )
    if parameters.ndim != 2 or len(parameters) != 2 * len(words) or not {*TAKEN_OVER} <= {*settings}:
        raise InputError(f"the newest checkpoint of {folder} does not belong to its {VOCABULARY}")
    options = {option: settings[name] for name, option in TAKEN_OVER.items()} | kept["text options"]
    inputs, outputs = np.split(parameters, 2)  # (V, d)
    counts = np.array(kept["counts"], dtype=np.int64)
    return Beginning(str(folder), words, inputs, outputs, counts, state["params_sha256"][:16], options)


def write_vocabulary(folder, training, text_options):
    """Leave in the folder of a run by epochs what another run needs, besides its checkpoints, to go on from it.

    Parameters
    ----------
    folder : Path
    training : ByEpochs
    text_options : TextOptions
        With which its text was read.
    """
    content = {
        "words": training.words,
        "counts": training.counts.tolist(),
        "chunks": training.total,
        "text options": {name: getattr(text_options, name) for name in TEXT_OPTIONS},
    }
    write_json(folder / VOCABULARY, content)


def _read_vocabulary(path):
    """What `write_vocabulary` has written, or None if it is missing or anything else."""
    try:
        check_regular(path)
        kept = json.loads(path.read_bytes())
        words, counts, options = kept["words"], kept["counts"], kept["text options"]
        whole = (
            all(type(word) is str for word in words)
            and all(type(count) is int and 0 <= count < 2**62 for count in counts)
            and len({*words}) == len(words) == len(counts)
            and type(kept["chunks"]) is int
            and {*options} == {*TEXT_OPTIONS}
        )
        TextOptions(**options)
    except (OSError, ValueError, LookupError, TypeError, RecursionError, InputError):
        return None
    return kept if whole else None


class Taken:
    """Where the words of a training find their vectors in a Beginning.

    Parameters
    ----------
    beginning : Beginning
    words : list of str, length V
        Those of the training.

    Attributes
    ----------
    rows : ndarray of int, shape (m,)
        The ids of the words that are in both.

    Raises
    ------
    InputError
        None is.
    """

    def __init__(self, beginning, words):
        index = {word: i for i, word in enumerate(beginning.words)}
        there = np.array([index.get(word, -1) for word in words])  # (V,)
        self.beginning, self.words, self.rows = beginning, words, np.flatnonzero(there >= 0)
        self._there = there[self.rows]  # (m,)
        if not len(self.rows):
            raise InputError(
                f"none of the text's {len(words):,} words is in {beginning.name}, such as {words[0]!r}: give vectors "
                "of the same language, and look at their upper and lower case (--keep-case)"
            )

    def place(self, vectors):
        """Put the vectors of the words in both into initial vectors (2 V, d), in place."""
        vectors[self.rows] = self.beginning.inputs[self._there]
        if self.beginning.outputs is not None:
            vectors[len(self.words) + self.rows] = self.beginning.outputs[self._there]

    def moved(self, inputs):
        """One line on how far the words in both have moved, given the trained input vectors (V, d)."""
        before = WordVectors([self.words[row] for row in self.rows], self.beginning.inputs[self._there])
        after = WordVectors(before.words, inputs[self.rows])
        cosines = np.vecdot(before.directions, after.directions)  # (m,)
        farthest = cosines.argmin()
        return (
            f"the {len(cosines):,} words of {self.beginning.name}: their vectors' cosine with what they were is "
            f"{cosines.mean():.3f} on average, {cosines[farthest]:.3f} at least ({before.words[farthest]})"
        )

    def scores(self, inputs):
        """A line for each set of word similarity, with the scores before and after; empty without evaluation sets."""
        before = WordVectors(self.beginning.words, self.beginning.inputs)
        after = WordVectors(self.words, inputs)
        lines = []
        for title, file in sets.find_sets(sets.default_folder())[0].items():
            judged = sets.read_pairs(file)
            columns = [wordsets.cosines_of(vectors, judged) for vectors in (before, after)]
            old, new = wordsets.correlate(columns, judged)
            if new.less_first is not None:
                low, high = new.less_first_interval
                difference = f"{new.less_first:+.3f}, 95 % interval {low:+.3f} to {high:+.3f}"
                pairs = f"{new.used:,} pairs that both have of {new.total:,}"
                lines.append(f"{title}: {old.rho:.3f} before, {new.rho:.3f} now ({difference}; {pairs})")
        return lines
