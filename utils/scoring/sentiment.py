"""Sentiment of SST's sentences as a task for word vectors: what a simple classifier learns from their mean.

A sentence becomes the mean of the vectors of its words; words without a vector are left out, and a sentence without any
is a zero vector. Logistic regression (scikit-learn's) learns the five classes from the training sentences, its
regularization is chosen on dev. Two baselines show what the figures mean: always the commonest class, and random
vectors for the same words. Labels of dev are used only to choose the regularization, those of test only to score; but
vectors that were trained on the whole treebank have seen the text of its dev and test.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array
from threadpoolctl import threadpool_limits

from utils.scoring.wordsets import covering, row_of
from utils.system.errors import InputError
from utils.vectors.wordvectors import WordVectors

CLASSES = ("very negative", "negative", "neutral", "positive", "very positive")
SPLITS = {"train": 0, "dev": 2, "test": 1}  # the treebank's numbers for them
STRENGTHS = (0.001, 0.01, 0.1, 1.0)  # inverse regularization, the strongest first; features are standardised
MOST_STEPS = 1000  # of the optimiser; standardised features need some 10 to 300
RANDOM_SEEDS = 5
MOST_FOREIGN = 0.01  # share of words not in the treebank, such as "UNK", in a file that was trained on it


@dataclass(frozen=True)
class Split:
    """Sentences with their classes.

    Attributes
    ----------
    sentences : list of list of str, length n
    classes : ndarray of int, shape (n,)
        0 (very negative) to 4 (very positive).
    """

    sentences: list
    classes: np.ndarray


def read_splits(treebank) -> dict[str, Split]:
    """Take train, dev and test from a StanfordSentiment.

    Returns
    -------
    dict of str to Split
        "train", "dev", "test".

    Raises
    ------
    InputError
        A split is empty, or all training sentences are of one class; and as the treebank's methods.
    """
    splits = {}
    for name, number in SPLITS.items():
        labelled = treebank.getSplitSentences(number)
        if not labelled:
            raise InputError(f"{treebank.path} has no {name} sentences, which sentiment needs; use more of its text")
        splits[name] = Split([words for words, _ in labelled], np.array([label for _, label in labelled]))
    if len(np.unique(splits["train"].classes)) < 2:
        raise InputError(f"all training sentences of {treebank.path} are of one class: there is nothing to learn")
    return splits


@dataclass(frozen=True)
class Averages:
    """Which vectors each sentence is the mean of; computed once, it applies to any vectors of the same words.

    Attributes
    ----------
    rows : ndarray of int, shape (m,)
        The rows of the vectors of words that occur in the sentences.
    weights : dict of str to sparse array, shape (n, m)
        For each split, the share of each of those words in the known words of each sentence.
    used, total : int
        Words of all sentences that have a vector, and all their words.
    empty : int
        Sentences that have no word with a vector.
    """

    rows: np.ndarray
    weights: dict
    used: int
    total: int
    empty: int

    def means(self, vectors: np.ndarray) -> dict[str, np.ndarray]:
        """The mean vector of each sentence.

        Parameters
        ----------
        vectors : ndarray of float, shape (m, d)
            Of the words in `rows`.

        Returns
        -------
        dict of str to ndarray of float, shape (n, d)
        """
        return {name: weights @ vectors for name, weights in self.weights.items()}


def averages(vectors: WordVectors, splits: dict[str, Split]) -> Averages:
    """Find the words of the sentences, as they are and then in lower case, among those of the WordVectors."""
    found = {name: [_rows(vectors, words) for words in split.sentences] for name, split in splits.items()}
    sentences = [rows for lists in found.values() for rows in lists]
    rows = np.unique(np.fromiter((row for known in sentences for row in known), dtype=np.intp))  # (m,)
    return Averages(
        rows,
        {name: _weights(lists, rows) for name, lists in found.items()},
        used=sum(map(len, sentences)),
        total=sum(len(words) for split in splits.values() for words in split.sentences),
        empty=sum(not known for known in sentences),
    )


def _rows(vectors, words):
    return [row for word in words if (row := row_of(vectors, word)) is not None]


def _weights(lists, rows):
    lengths = np.array([len(known) for known in lists])  # (n,)
    columns = np.searchsorted(rows, np.fromiter((row for known in lists for row in known), dtype=np.intp))
    shares = np.repeat(1 / np.maximum(lengths, 1), lengths)  # (known words,)
    borders = np.concatenate(([0], np.cumsum(lengths)))  # (n + 1,)
    return csr_array((shares, columns, borders), shape=(len(lists), len(rows)))


@dataclass(frozen=True)
class Classification:
    """How well the classes are recognised.

    Attributes
    ----------
    accuracy : dict of str to float
        For each split, the share of sentences that are classified correctly.
    strength : float
        The inverse regularization (scikit-learn's C) that was best on dev.
    confusion : list of list of int, 5 x 5
        Test sentences of each class (rows) that are classified as each class (columns).
    """

    accuracy: dict
    strength: float
    confusion: list


def classify(features: dict[str, np.ndarray], splits: dict[str, Split]) -> Classification:
    """Learn the classes from the training sentences, choose the regularization on dev, score all splits.

    Features are standardised first, so that the optimiser converges whatever the scale of the vectors, and one list of
    regularizations suits all of them. Of two that do equally well on dev, the stronger regularization is chosen.

    Parameters
    ----------
    features : dict of str to ndarray of float, shape (n, d)
    splits : dict of str to Split

    Returns
    -------
    Classification
    """
    from sklearn.linear_model import LogisticRegression  # scikit-learn takes a second to import: only for this score
    from sklearn.metrics import accuracy_score, confusion_matrix
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler().fit(features["train"])
    scaled = {name: scaler.transform(values) for name, values in features.items()}
    with threadpool_limits(limits=1):  # two gain nothing on products this small, and lose much where they must wait
        models = [
            LogisticRegression(C=strength, max_iter=MOST_STEPS).fit(scaled["train"], splits["train"].classes)
            for strength in STRENGTHS
        ]
    best = max(models, key=lambda model: model.score(scaled["dev"], splits["dev"].classes))  # the first of equals
    taken = {name: best.predict(values) for name, values in scaled.items()}
    confusion = confusion_matrix(splits["test"].classes, taken["test"], labels=range(len(CLASSES)))
    return Classification(
        {name: float(accuracy_score(split.classes, taken[name])) for name, split in splits.items()},
        best.C,
        confusion.tolist(),
    )


def commonest_class(splits: dict[str, Split]) -> dict[str, float]:
    """Accuracy on each split of the commonest class of the training sentences: dict of str to float."""
    commonest = np.bincount(splits["train"].classes).argmax()
    return {name: float(np.mean(split.classes == commonest)) for name, split in splits.items()}


def random_vectors(found: Averages, d: int, splits: dict[str, Split], seeds: int = RANDOM_SEEDS) -> dict[str, float]:
    """Accuracy with random vectors instead of the words' own, the mean over several seeds.

    Parameters
    ----------
    found : Averages
    d : int
        Dimension of the vectors; their components are standard normal.
    splits : dict of str to Split
    seeds : int
        How many; the seeds are 0, 1, ...

    Returns
    -------
    dict of str to float
    """
    scores = []
    for seed in range(seeds):
        vectors = np.random.default_rng(seed).standard_normal((len(found.rows), d))  # (m, d)
        scores.append(classify(found.means(vectors), splits).accuracy)
    return {name: float(np.mean([score[name] for score in scores])) for name in splits}


def standard_error(accuracy: float, n: int) -> float:
    """Standard error of a share of n sentences: sqrt(p (1 - p) / n)."""
    return float(np.sqrt(accuracy * (1 - accuracy) / n))


@dataclass(frozen=True)
class SentimentScore:
    """What the sentiment of the treebank says about word vectors, with what is needed to judge it.

    Attributes
    ----------
    vectors : Classification
    unit_length : Classification or None
        The same with every word vector scaled to length 1, if requested.
    random : dict of str to float
        Accuracy with random vectors.
    commonest : dict of str to float
        Accuracy of the commonest class.
    test_error : float
        Standard error of the accuracy on test.
    used, total, empty : int
        As in Averages.
    seen : bool
        Whether the vectors were probably trained on the text of dev and test, see `looks_seen`.
    composed : int
        Of the words used, those whose vectors are composed from n-grams.
    """

    vectors: Classification
    unit_length: Classification | None
    random: dict
    commonest: dict
    test_error: float
    used: int
    total: int
    empty: int
    seen: bool
    composed: int = 0


def score_sentiment(
    vectors: WordVectors, splits: dict[str, Split], unit_length: bool = False, seeds: int = RANDOM_SEEDS
) -> SentimentScore:
    """Score WordVectors by the sentiment of the sentences.

    Parameters
    ----------
    vectors : WordVectors
    splits : dict of str to Split
        As from `read_splits`.
    unit_length : bool
        Score the unit-length vectors too.
    seeds : int
        How many sets of random vectors to compare with.

    Returns
    -------
    SentimentScore
    """
    words = [word for split in splits.values() for sentence in split.sentences for word in sentence]
    chosen = vectors if vectors.subwords is None else covering(vectors, words)[0]
    found = averages(chosen, splits)
    own = classify(found.means(chosen.vectors[found.rows]), splits)
    unit = classify(found.means(chosen.directions[found.rows]), splits) if unit_length else None
    return SentimentScore(
        own,
        unit,
        random_vectors(found, vectors.vectors.shape[1], splits, seeds),
        commonest_class(splits),
        standard_error(own.accuracy["test"], len(splits["test"].classes)),
        found.used,
        found.total,
        found.empty,
        looks_seen(vectors, splits),
        found.used - sum(row_of(vectors, word) is not None for word in words),
    )


def looks_seen(vectors: WordVectors, splits: dict[str, Split]) -> bool:
    """Whether the vectors were probably trained on the text of dev and test.

    They were if nearly all of their words are words of the treebank, including some that only dev or test have. A file
    from elsewhere that was reduced to the treebank's words looks the same.
    """
    words = {name: {word for sentence in split.sentences for word in sentence} for name, split in splits.items()}
    train, later = words["train"], words["dev"] | words["test"]
    own = set(vectors.words)
    foreign = len(own - train - later)
    return bool(own & (later - train)) and foreign <= MOST_FOREIGN * len(own)
