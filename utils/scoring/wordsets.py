"""Word similarity and analogies: how far word vectors agree with what people say about words.

Words of the evaluation sets are looked up as they are written and then in lower case: "FBI" finds "fbi" if there is no
"FBI". What is still missing is composed from its n-grams if the vectors have them (`WordVectors.subwords`); questions
with a composed word are counted by themselves. Pairs and questions with a word that cannot be found so are left out.
Every score comes with how many of how many were used, and with a bootstrap interval.
"""

from dataclasses import dataclass

import numpy as np

from utils.scoring import bootstrap
from utils.vectors.wordvectors import METHODS, WordVectors

SYNTACTIC = "gram"  # how the names of syntactic sections begin
RESTRICT = 30_000  # words; as in the demonstration script of Mikolov's word2vec
FEWEST_PAIRS = 3  # two pairs always have a rank correlation of 1, 0 or -1
QUERY_WORDS = 3  # of an analogy question

Interval = tuple[float, float]


def row_of(vectors: WordVectors, word: str) -> int | None:
    """The row of a word in WordVectors: as it is written, else in lower case; None if neither is there."""
    row = vectors.index.get(word)
    return vectors.index.get(word.lower()) if row is None else row


def spelling(vectors: WordVectors, word: str) -> str | None:
    """A word as the vectors answer to it: as in `row_of`, else as it can be composed; None if it cannot.

    A word is composed as it is written, or in lower case if that is how all words of the file are written.
    """
    if (row := row_of(vectors, word)) is not None:
        return vectors.words[row]
    if vectors.subwords is None:
        return None
    word = word.lower() if vectors.lowercase else word
    return word if vectors.is_composed(word) else None


def covering(vectors: WordVectors, words: list[str]) -> tuple[WordVectors, dict[str, int], np.ndarray]:
    """The vectors of some words.

    Parameters
    ----------
    vectors : WordVectors
    words : list of str
        They may repeat.

    Returns
    -------
    chosen : WordVectors
        Of those words that have a vector, or one that is composed.
    rows : dict of str to int
        The row of each of these in it, by its spelling in `words`.
    composed : ndarray of bool, shape (len(chosen),)
    """
    found = {word: spelling(vectors, word) for word in dict.fromkeys(words)}
    names = list(dict.fromkeys(name for name in found.values() if name is not None))
    place = {name: row for row, name in enumerate(names)}
    rows = {word: place[name] for word, name in found.items() if name is not None}
    return vectors.choose(names) if names else vectors, rows, np.array([name not in vectors for name in names], bool)


# Word similarity


@dataclass(frozen=True)
class Correlation:
    """Agreement with people in ordering pairs of words.

    Attributes
    ----------
    rho, p : float or None
        Spearman's rank correlation, and the probability of one as far from 0 by chance (two-sided). None if fewer than
        three pairs were used, or if all cosines or all judgements are equal.
    used, total : int
        Pairs whose words both have vectors, composed ones among them, and all pairs.
    interval : (float, float) or None
        Of rho: see `bootstrap`.
    less_first : float or None
        rho less that of the first of the files that are compared.
    less_first_interval : (float, float) or None
        Of that difference, over the same resamples for both.
    composed : int
        Pairs used in which the vector of a word is composed from its n-grams.
    """

    rho: float | None
    p: float | None
    used: int
    total: int
    interval: Interval | None = None
    less_first: float | None = None
    less_first_interval: Interval | None = None
    composed: int = 0


@dataclass(frozen=True)
class Cosines:
    """What one file says about p pairs.

    Attributes
    ----------
    values : ndarray of float, shape (p,)
        The cosine of each pair, NaN where a word is missing.
    composed : ndarray of bool, shape (p,)
        Whether the vector of a word is composed.
    """

    values: np.ndarray
    composed: np.ndarray


def cosines_of(vectors: WordVectors, pairs: list[tuple[str, str, float]]) -> Cosines:
    """The cosine of each pair, and which of them take composed vectors."""
    chosen, row, composed = covering(vectors, [word for pair in pairs for word in pair[:2]])
    known = [i for i, (first, second, _) in enumerate(pairs) if first in row and second in row]
    asked = np.array([[row[word] for word in pairs[i][:2]] for i in known], dtype=np.intp).reshape(-1, 2)  # (used, 2)
    left, right = asked.T
    cosines, marked = np.full(len(pairs), np.nan), np.zeros(len(pairs), bool)
    cosines[known] = np.einsum("pd,pd->p", chosen.directions[left], chosen.directions[right])
    marked[known] = composed[asked].any(axis=1) if known else False
    return Cosines(cosines, marked)


def correlate(files: list[Cosines], pairs: list[tuple[str, str, float]]) -> list[Correlation]:
    """Spearman's correlation of the cosines of several files with people's judgements, on the pairs that all cover.

    Coverage changes scores: only on the same pairs do they compare.

    Parameters
    ----------
    files : list of Cosines
        As from `cosines_of`, one for each file.
    pairs : list of (str, str, float)
        As from `read_pairs`; equal values share their mean rank.
    """
    from scipy.stats import spearmanr  # half a second to import: only for this score

    known = np.isfinite([file.values for file in files]).all(axis=0)  # (p,)
    used, judged = int(known.sum()), np.array([score for _, _, score in pairs])[known]
    columns = [file.values[known] for file in files]
    defined = [used >= FEWEST_PAIRS and np.ptp(values) > 0 for values in (judged, *columns)]
    resampled = bootstrap.spearman_resampled(columns, judged) if used >= FEWEST_PAIRS else None
    scores = []
    for k, column in enumerate(columns):
        composed = int(files[k].composed[known].sum())
        if not (defined[0] and defined[k + 1]):
            scores.append(Correlation(None, None, used, len(pairs), composed=composed))
            continue
        rho, p = spearmanr(column, judged)
        score = {"rho": float(rho), "p": float(p), "interval": bootstrap.interval(resampled[k]), "composed": composed}
        if k and scores[0].rho is not None:
            score["less_first"] = float(rho) - scores[0].rho
            score["less_first_interval"] = bootstrap.interval(resampled[k] - resampled[0])
        scores.append(Correlation(used=used, total=len(pairs), **score))
    return scores


def score_pairs(vectors: WordVectors, pairs: list[tuple[str, str, float]]) -> Correlation:
    """Spearman's correlation of the cosines of one file's vectors with people's judgements."""
    return correlate([cosines_of(vectors, pairs)], pairs)[0]


# Analogies


@dataclass(frozen=True)
class Accuracy:
    """Questions answered rightly, asked at all (all four words are in the vocabulary), and in the file."""

    right: int
    used: int
    total: int

    @property
    def share(self) -> float | None:
        """Of the questions asked, those answered rightly; None if none could be asked."""
        return self.right / self.used if self.used else None

    def __add__(self, other):
        return Accuracy(self.right + other.right, self.used + other.used, self.total + other.total)


@dataclass(frozen=True)
class Answers:
    """What came of the q questions of a set.

    Attributes
    ----------
    sections : ndarray of str, shape (q,)
    asked : ndarray of bool, shape (q,)
        All four words are there.
    composed : ndarray of bool, shape (q,)
        The answer is there, and what is missing of the other three can be composed.
    right : dict of str to ndarray of bool, shape (q,)
        By method: answered rightly, the three words of the question being no answers.
    let_in : dict of str to ndarray of bool, shape (q,)
        By method: answered rightly, although these words may be answers (Rogers, Drozd & Li 2017; Nissim, van Noord &
        van der Goot 2019).
    nearest : ndarray of bool, shape (q,)
        Whether the nearest neighbour of c, which is no analogy at all, is right, too (the baseline "only-b" of Linzen
        2016, whose b is our c).
    """

    sections: np.ndarray
    asked: np.ndarray
    composed: np.ndarray
    right: dict
    let_in: dict
    nearest: np.ndarray


def answer(
    vectors: WordVectors, sections: dict, methods: tuple[str, ...] = METHODS, restrict: int | None = RESTRICT
) -> Answers:
    """Answer analogy questions.

    Parameters
    ----------
    vectors : WordVectors
    sections : dict of str to list of (str, str, str, str)
        As from `read_questions`.
    methods : some of {"3CosAdd", "3CosMul"}
        Levy & Goldberg 2014, equations 3 and 4.
    restrict : int or None
        Ask with and search only the first so many words: the most frequent ones, in most files. Only words that the
        file does not have at all are composed.
    """
    questions = [question for several in sections.values() for question in several]
    vectors, n, rows = _searched(vectors, questions, restrict)
    answered = np.array([None not in four and four[3] < n for four in rows], dtype=bool)  # (q,)
    four_rows = [four for four, used in zip(rows, answered, strict=True) if used]
    a, b, c, d = np.array(four_rows, dtype=np.intp).reshape(-1, 4).T  # (used,) each
    query = np.stack([a, b, c], axis=1)  # (used, 3)

    def marked(right):
        whole = np.zeros(len(answered), bool)
        whole[answered] = right
        return whole

    right, let_in = {}, {}
    for method in methods:
        ids, _ = vectors.analogy_many(a, b, c, method, QUERY_WORDS + 1, exclude=False, restrict_vocab=n)  # (used, 4)
        right[method] = marked(_first_other(ids, query) == d)
        let_in[method] = marked(ids[:, 0] == d)
    words, which = np.unique(c, return_inverse=True)
    near, _ = vectors.nearest_many(vectors.directions[words], QUERY_WORDS + 1, restrict_vocab=n)  # (unique, 4)
    names = np.repeat(np.array(list(sections), dtype=object), [len(several) for several in sections.values()])
    composed = marked((query >= n).any(axis=1))
    right_by_c = marked(_first_other(near[which], query) == d)
    return Answers(names, answered & ~composed, composed, right, let_in, right_by_c)


def _searched(vectors, questions, restrict):
    """The first words of WordVectors, then composed ones; the number of the first; the rows of each question's words.

    The row of a word that is neither is None.
    """
    first = vectors
    if restrict is not None and restrict < len(vectors):
        first = WordVectors(vectors.words[:restrict], vectors.vectors[:restrict])
    words = dict.fromkeys(word for question in questions for word in question)
    rows = {word: row_of(first, word) for word in words}
    missing = [word for word in words if row_of(vectors, word) is None]
    names = {word: name for word in missing if (name := spelling(vectors, word)) is not None}
    if names:
        composed = {name: len(first) + i for i, name in enumerate(dict.fromkeys(names.values()))}
        rows |= {word: composed[name] for word, name in names.items()}
        extended = np.concatenate([first.vectors, vectors.compose(composed)])
        return WordVectors([*first.words, *composed], extended), len(first), _each(questions, rows)
    return first, len(first), _each(questions, rows)


def _each(questions, rows):
    return [[rows[word] for word in question] for question in questions]


def _first_other(ids, query):
    """The first answer of each question that is not one of its words, -1 if there is none: (used,)."""
    other = (ids[:, :, None] != query[:, None, :]).all(axis=2)  # (used, 4)
    return np.where(other.any(axis=1), ids[np.arange(len(ids)), other.argmax(axis=1)], -1)


def accuracies(answers: Answers, right: np.ndarray, asked: np.ndarray | None = None) -> dict[str, Accuracy]:
    """Count right answers by section, in the order of the file.

    Parameters
    ----------
    answers : Answers
    right : ndarray of bool, shape (q,)
        One of those in `answers`.
    asked : ndarray of bool, shape (q,), optional
        Count these questions only; by default those that were asked.
    """
    asked = answers.asked if asked is None else asked
    sections = dict.fromkeys(answers.sections)
    inside = {name: answers.sections == name for name in sections}
    return {
        name: Accuracy(int(np.sum(right & asked & those)), int(np.sum(asked & those)), int(np.sum(those)))
        for name, those in inside.items()
    }


def score_analogies(
    vectors: WordVectors, sections: dict, method: str = "3CosAdd", restrict: int | None = RESTRICT
) -> dict[str, Accuracy]:
    """Answer analogy questions by one method and count the right answers by section: see `answer`."""
    answers = answer(vectors, sections, (method,), restrict)
    return {name: Accuracy(0, 0, 0) for name in sections} | accuracies(answers, answers.right[method])


def summary(sections: dict[str, Accuracy]) -> dict[str, Accuracy]:
    """Add up the sections: dict of "semantic", "syntactic" (names that begin with "gram") and "total" to Accuracy."""
    none = Accuracy(0, 0, 0)
    semantic = sum((score for name, score in sections.items() if not name.startswith(SYNTACTIC)), none)
    syntactic = sum((score for name, score in sections.items() if name.startswith(SYNTACTIC)), none)
    return {"semantic": semantic, "syntactic": syntactic, "total": semantic + syntactic}
