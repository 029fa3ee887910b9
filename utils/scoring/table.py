"""All scores of some word vectors, and the table that shows those of several files side by side."""

import dataclasses

from utils.scoring import sentiment, wordsets
from utils.vectors.wordvectors import METHODS

NOTE = """
Vectors that were trained on all of the treebank, as run.py's are, have seen the text of dev and test
(not its labels): new text may be harder. A difference within two standard errors may be chance."""


@dataclasses.dataclass(frozen=True)
class Data:
    """What there is to score with; a part that is empty is left out.

    Attributes
    ----------
    pairs : dict of str to list
        Title of a word similarity set -> its pairs.
    questions : dict of str to list
        Analogy questions by section.
    splits : dict of str to Split
        The treebank's.
    """

    pairs: dict
    questions: dict
    splits: dict


@dataclasses.dataclass(frozen=True)
class Settings:
    """How to score: see `score_analogies` and `score_sentiment`."""

    restrict: int = wordsets.RESTRICT
    unit_length: bool = False
    seeds: int = sentiment.RANDOM_SEEDS


@dataclasses.dataclass(frozen=True)
class Scores:
    """All scores of one file: a column of the table.

    Attributes
    ----------
    file : str
    words, dimensions : int
    similarity : dict of str to Correlation
        By title.
    analogies : dict of str to dict of str to Accuracy
        Method -> section, then "semantic", "syntactic" and "total".
    sentiment : SentimentScore or None
    """

    file: str
    words: int
    dimensions: int
    similarity: dict
    analogies: dict
    sentiment: sentiment.SentimentScore | None


def score(file, vectors, data, settings=Settings()):  # noqa: B008 - it is frozen
    """Score WordVectors by all there are data for; `file` is how they are called.

    Returns
    -------
    Scores
    """
    similarity = {title: wordsets.score_pairs(vectors, pairs) for title, pairs in data.pairs.items()}
    analogies = {}
    for method in METHODS if data.questions else ():
        sections = wordsets.score_analogies(vectors, data.questions, method, settings.restrict)
        analogies[method] = sections | wordsets.summary(sections)
    feeling = None
    if data.splits:
        feeling = sentiment.score_sentiment(vectors, data.splits, settings.unit_length, settings.seeds)
    return Scores(file, *vectors.vectors.shape, similarity, analogies, feeling)


def table(columns, settings):
    """Write the scores of several files side by side: a list of lines.

    Parameters
    ----------
    columns : list of Scores
        All from the same data and settings.
    settings : Settings
    """
    rows = [
        ("", [column.file for column in columns]),
        ("words", [f"{column.words:,}" for column in columns]),
        ("dimensions", [f"{column.dimensions:,}" for column in columns]),
        *_similarity(columns),
        *_analogies(columns, settings.restrict),
        *_sentiment(columns, settings),
    ]
    first = max(len(label) for label, cells in rows if cells)
    widths = [max(len(cells[i]) for _, cells in rows if cells) for i in range(len(columns))]
    lines = []
    for label, cells in rows:
        if cells:
            padded = (cell.rjust(width) for cell, width in zip(cells, widths, strict=True))
            lines.append("  ".join((label.ljust(first), *padded)))
        else:
            lines += ["", label]
    return lines + (NOTE.split("\n") if columns[0].sentiment else [])


def _similarity(columns):
    titles = columns[0].similarity
    heading = [("word similarity: Spearman's rho, its p-value, pairs used", [])] if titles else []
    return heading + [(title, [_correlation(column.similarity[title]) for column in columns]) for title in titles]


def _correlation(score):
    figures = f"{'-':>6}  p {'-':>7}" if score.rho is None else f"{score.rho:6.3f}  p {score.p:7.2g}"
    return f"{figures}  {score.used:3} of {score.total:3}"


def _analogies(columns, restrict):
    if not columns[0].analogies:
        return []
    heading = f"analogies among the first {restrict:,} words: % right by {' and '.join(METHODS)}, questions used"
    names = columns[0].analogies[METHODS[0]]
    return [(heading, []), *((name, [_accuracies(column.analogies, name) for column in columns]) for name in names)]


def _accuracies(analogies, name):
    scores = [analogies[method][name] for method in METHODS]
    figures = "  ".join(f"{'-':>5}" if score.share is None else f"{100 * score.share:5.1f}" for score in scores)
    return f"{figures}  {scores[0].used:6,} of {scores[0].total:6,}"


def _sentiment(columns, settings):
    scores = [column.sentiment for column in columns]
    if not scores[0]:
        return []
    rows = [
        ("sentiment in five classes: % right on train / dev / test", []),
        ("these vectors", [_percent(score.vectors.accuracy) for score in scores]),
        (f"random vectors, mean of {settings.seeds}", [_percent(score.random) for score in scores]),
        ("commonest class", [_percent(score.commonest) for score in scores]),
        ("standard error on test", [f"{100 * score.test_error:.1f}" for score in scores]),
        ("regularization C, best on dev", [f"{score.vectors.strength:g}" for score in scores]),
        ("words of the text with a vector", [f"{100 * score.used / score.total:.1f} %" for score in scores]),
        ("sentences without any", [f"{score.empty:,}" for score in scores]),
        ("trained on text of dev and test", ["probably" if score.seen else "not known" for score in scores]),
    ]
    if settings.unit_length:
        rows.insert(2, ("... scaled to unit length", [_percent(score.unit_length.accuracy) for score in scores]))
    return rows


def _percent(accuracy):
    return " / ".join(f"{100 * accuracy[name]:.1f}" for name in sentiment.SPLITS)
