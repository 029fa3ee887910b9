"""Word similarity and analogies: how far word vectors agree with what people say of words.

Words of the evaluation sets are looked up as they are written and then in lower case: "FBI" finds "fbi" where there is
no "FBI". Pairs and questions with a word that still is not there are left out; every score comes with how many of how
many were used.
"""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.stats import spearmanr

from utils.system.errors import InputError
from utils.system.files import read_lines
from utils.system.paths import DATASETS
from utils.vectors.wordvectors import WordVectors

DEFAULT_FOLDER = DATASETS / "evaluation"
# Title -> names that the file goes by, where it is published and elsewhere.
SIMILARITY_FILES = {
    "WordSim-353": ("combined.tab", "combined.csv", "wordsim353.tsv", "wordsim353.csv", "wordsim353.txt"),
    "SimLex-999": ("SimLex-999.txt", "simlex999.txt"),
}
ANALOGY_FILES = {"Google analogies": ("questions-words.txt",)}
SCORE_COLUMN = "SimLex999"  # of ten columns; in a file without such a header it is the third
SYNTACTIC = "gram"  # how the names of syntactic sections begin
RESTRICT = 30_000  # words; as in the demonstration script of Mikolov's word2vec
FEWEST_PAIRS = 3  # two pairs always have a rank correlation of 1, 0 or -1


def find_file(folder, names):
    """Find a file by any of its names in a folder or one folder below it.

    Parameters
    ----------
    folder : str or Path
        It need not exist.
    names : sequence of str
        The first one that is there counts.

    Returns
    -------
    Path or None
    """
    folder = Path(folder)
    places = (path for name in names for pattern in (name, f"*/{name}") for path in sorted(folder.glob(pattern)))
    return next((path for path in places if path.is_file()), None)


def row_of(vectors, word):
    """The row of a word in WordVectors: as it is written, else in lower case; None if neither is there."""
    row = vectors.index.get(word)
    return vectors.index.get(word.lower()) if row is None else row


# Word similarity


@dataclass(frozen=True)
class Correlation:
    """Agreement with people in ordering pairs of words.

    Attributes
    ----------
    rho, p : float or None
        Spearman's rank correlation, and the probability of one as far from 0 by chance (two-sided). None where fewer
        than three pairs were used, or all cosines are equal.
    used, total : int
        Pairs with both words in the vocabulary, and all pairs.
    """

    rho: float | None
    p: float | None
    used: int
    total: int


def read_pairs(path):
    """Read pairs of words that people have judged: WordSim-353, SimLex-999, or a file of one's own in their formats.

    Parameters
    ----------
    path : str or Path
        Lines of columns between tabs or commas: word, word, score. A first line of names is known by its first one,
        "Word 1" or "word1"; if one of them is "SimLex999", the score stands below it. Lines that begin with # are
        comments.

    Returns
    -------
    list of (str, str, float)

    Raises
    ------
    InputError
        The file is missing, not UTF-8, or holds no pairs; or a line is none (file and line are named).
    EnvironmentFailure
        The file cannot be read.
    """
    pairs, column = [], 2
    for number, line in enumerate(read_lines(path), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        fields = [field.strip() for field in line.removeprefix("\ufeff").split("\t" if "\t" in line else ",")]
        if not pairs and fields[0].replace(" ", "").lower() == "word1":
            column = fields.index(SCORE_COLUMN) if SCORE_COLUMN in fields else column
            continue
        try:
            first, second, score = fields[0], fields[1], float(fields[column])
        except (IndexError, ValueError):
            first = second = score = None
        if not first or not second or not math.isfinite(score):
            raise InputError(
                f"{path}, line {number}: wanted two words and a number in column {column + 1}, "
                f"between tabs or commas, got {_shorten(line)}"
            )
        pairs.append((first, second, score))
    if not pairs:
        raise InputError(f"{path} holds no pairs of words; fetch it with `sh get_datasets.sh evaluation`")
    return pairs


def score_pairs(vectors, pairs):
    """Spearman's correlation of cosines with people's judgements.

    Parameters
    ----------
    vectors : WordVectors
    pairs : list of (str, str, float)
        As from `read_pairs`; equal values share their mean rank.

    Returns
    -------
    Correlation
    """
    found = [(row_of(vectors, first), row_of(vectors, second), score) for first, second, score in pairs]
    known = [(a, b, score) for a, b, score in found if a is not None and b is not None]
    judged = np.array([score for _, _, score in known])  # (used,)
    left, right = np.array([(a, b) for a, b, _ in known], dtype=np.intp).reshape(-1, 2).T  # (used,), (used,)
    cosines = np.einsum("pd,pd->p", vectors.directions[left], vectors.directions[right])  # (used,)
    if len(known) < FEWEST_PAIRS or np.ptp(cosines) == 0 or np.ptp(judged) == 0:
        return Correlation(None, None, len(known), len(pairs))
    rho, p = spearmanr(cosines, judged)
    return Correlation(float(rho), float(p), len(known), len(pairs))


# Analogies


@dataclass(frozen=True)
class Accuracy:
    """Questions answered rightly, asked at all (all four words are in the vocabulary), and in the file."""

    right: int
    used: int
    total: int

    @property
    def share(self):
        """float or None: Of the questions asked, those answered rightly; None if none could be asked."""
        return self.right / self.used if self.used else None

    def __add__(self, other):
        return Accuracy(self.right + other.right, self.used + other.used, self.total + other.total)


def read_questions(path):
    """Read analogy questions in the format of Google's `questions-words.txt`.

    Parameters
    ----------
    path : str or Path
        Lines ": section", each followed by lines "a b c d": d is to c as b is to a.

    Returns
    -------
    dict of str to list of (str, str, str, str)
        The questions of each section.

    Raises
    ------
    InputError
        The file is missing, not UTF-8, or holds no questions; or a line is none (file and line are named).
    EnvironmentFailure
        The file cannot be read.
    """
    sections, current = {}, None
    for number, line in enumerate(read_lines(path), start=1):
        words = line.split()
        if line.startswith(":"):
            name = line[1:].strip()
            if not name or name in sections:
                raise InputError(f"{path}, line {number}: wanted a new section's name after the colon, got {line!r}")
            current = sections[name] = []
        elif len(words) == 4 and current is not None:
            current.append(tuple(words))
        elif words:
            wanted = "a line `: section` first" if current is None else "four words"
            raise InputError(f"{path}, line {number}: wanted {wanted}, got {_shorten(line)}")
    if not any(sections.values()):
        raise InputError(f"{path} holds no questions; fetch it with `sh get_datasets.sh evaluation`")
    return sections


def score_analogies(vectors, sections, method="3CosAdd", restrict=RESTRICT):
    """Answer analogy questions and count the right answers by section.

    Parameters
    ----------
    vectors : WordVectors
    sections : dict of str to list of (str, str, str, str)
        As from `read_questions`.
    method : {"3CosAdd", "3CosMul"}
        Levy & Goldberg 2014, equations 3 and 4. The three words of the question are never its answer.
    restrict : int or None
        Only the first so many words are asked with and searched for answers: the most frequent ones, in most files.

    Returns
    -------
    dict of str to Accuracy
        In the order of the file.
    """
    if restrict is not None and restrict < len(vectors):
        vectors = WordVectors(vectors.words[:restrict], vectors.vectors[:restrict])
    found = [
        (name, rows)
        for name, questions in sections.items()
        for question in questions
        if None not in (rows := [row_of(vectors, word) for word in question])
    ]
    a, b, c, d = np.array([rows for _, rows in found], dtype=np.intp).reshape(-1, 4).T  # (used,) each
    answers = vectors.analogy_many(a, b, c, method)[0][:, 0] if found else d  # (used,)
    names = np.array([name for name, _ in found], dtype=object)  # (used,)
    return {
        name: Accuracy(int(np.sum((answers == d)[names == name])), int(np.sum(names == name)), len(questions))
        for name, questions in sections.items()
    }


def summary(sections):
    """Add up the sections: dict of "semantic", "syntactic" (names that begin with "gram") and "total" to Accuracy."""
    none = Accuracy(0, 0, 0)
    semantic = sum((score for name, score in sections.items() if not name.startswith(SYNTACTIC)), none)
    syntactic = sum((score for name, score in sections.items() if name.startswith(SYNTACTIC)), none)
    return {"semantic": semantic, "syntactic": syntactic, "total": semantic + syntactic}


def _shorten(text):
    return repr(text if len(text) <= 60 else text[:57] + "...")
