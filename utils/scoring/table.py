"""All scores of some word vectors, and the table that shows those of several files side by side."""

import dataclasses

import numpy as np

from utils.scoring import bootstrap, sentiment, wordsets
from utils.vectors.wordvectors import METHODS, WordVectors

NOTE = """
Vectors that were trained on all of the treebank, as run.py's are, have seen the text of dev and test
(not its labels): new text may be harder. A difference within two standard errors may be chance."""
COMMON = "Similarity and analogies are scored on what all of these files cover."


@dataclasses.dataclass(frozen=True)
class Data:
    """What there is to score with; an empty part is left out.

    Attributes
    ----------
    pairs : dict of str to list
        Title of a word similarity set -> its pairs.
    questions : dict of str to dict of str to list
        Title of an analogy set -> its questions by section.
    splits : dict of str to Split
        The treebank's.
    """

    pairs: dict
    questions: dict
    splits: dict


@dataclasses.dataclass(frozen=True)
class Settings:
    """How to score: see `wordsets.answer` and `score_sentiment`."""

    restrict: int = wordsets.RESTRICT
    unit_length: bool = False
    seeds: int = sentiment.RANDOM_SEEDS


@dataclasses.dataclass(frozen=True)
class Found:
    """What one file answers, before the files are compared.

    Attributes
    ----------
    file : str
    words, dimensions : int
    cosines : dict of str to Cosines
        By title of a similarity set: see `wordsets.cosines_of`.
    answers : dict of str to Answers
        By title of an analogy set.
    sentiment : SentimentScore or None
    """

    file: str
    words: int
    dimensions: int
    cosines: dict
    answers: dict
    sentiment: sentiment.SentimentScore | None


@dataclasses.dataclass(frozen=True)
class Method:
    """The analogies of a set by one method.

    Attributes
    ----------
    sections : dict of str to Accuracy
        By section, then "semantic", "syntactic" and "total".
    interval : (float, float) or None
        Of the total's share.
    let_in : Accuracy
        The total if the words of a question may be its answer.
    composed : Accuracy
        Of the other questions, those that this file can be asked with composed words.
    less_first : float or None
        The total's share less that of the first file.
    less_first_interval : (float, float) or None
    """

    sections: dict
    interval: wordsets.Interval | None
    let_in: wordsets.Accuracy
    composed: wordsets.Accuracy
    less_first: float | None = None
    less_first_interval: wordsets.Interval | None = None


@dataclasses.dataclass(frozen=True)
class Scores:
    """All scores of one file: a column of the table.

    Attributes
    ----------
    file : str
    words, dimensions : int
    similarity : dict of str to Correlation
        By title.
    analogies : dict of str to dict
        Title -> method -> Method, and "nearest to c" -> Accuracy.
    sentiment : SentimentScore or None
    """

    file: str
    words: int
    dimensions: int
    similarity: dict
    analogies: dict
    sentiment: sentiment.SentimentScore | None


BASELINE = "nearest to c"


def find(file: str, vectors: WordVectors, data: Data, settings: Settings = Settings()) -> Found:  # noqa: B008 - it is frozen
    """Ask WordVectors for all there are data for; `file` is what they are called."""
    cosines = {title: wordsets.cosines_of(vectors, pairs) for title, pairs in data.pairs.items()}
    answers = {
        title: wordsets.answer(vectors, sections, METHODS, settings.restrict)
        for title, sections in data.questions.items()
    }
    feeling = None
    if data.splits:
        feeling = sentiment.score_sentiment(vectors, data.splits, settings.unit_length, settings.seeds)
    return Found(file, *vectors.vectors.shape, cosines, answers, feeling)


def compare(files: list[Found], data: Data) -> list[Scores]:
    """Score several files on the pairs and questions that all of them cover."""
    similarity = {
        title: wordsets.correlate([found.cosines[title] for found in files], pairs)
        for title, pairs in data.pairs.items()
    }
    analogies = {title: _compare_answers([found.answers[title] for found in files]) for title in data.questions}
    return [
        Scores(
            found.file,
            found.words,
            found.dimensions,
            {title: scores[i] for title, scores in similarity.items()},
            {title: scores[i] for title, scores in analogies.items()},
            found.sentiment,
        )
        for i, found in enumerate(files)
    ]


def _compare_answers(files):
    asked = np.logical_and.reduce([answers.asked for answers in files])  # (q,)
    return [
        {method: _method(answers, files[0] if i else None, method, asked) for method in METHODS}
        | {BASELINE: wordsets.summary(wordsets.accuracies(answers, answers.nearest, asked))["total"]}
        for i, answers in enumerate(files)
    ]


def _method(answers, first, method, asked):
    right = answers.right[method]
    sections = wordsets.accuracies(answers, right, asked)
    total = wordsets.summary(sections)["total"]
    less = ()
    if first is not None and total.used:
        others = first.right[method][asked]
        less = float(np.mean(right[asked]) - np.mean(others)), bootstrap.difference_interval(right[asked], others)
    let_in = wordsets.summary(wordsets.accuracies(answers, answers.let_in[method], asked))["total"]
    interval = bootstrap.share_interval(total.right, total.used)
    composed = wordsets.summary(wordsets.accuracies(answers, right, answers.composed))["total"]
    return Method(sections | wordsets.summary(sections), interval, let_in, composed, *less)


def table(columns: list[Scores], settings: Settings) -> list[str]:
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
        *(row for title in columns[0].analogies for row in _analogies(columns, title, settings.restrict)),
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
    several = len(columns) > 1 and (columns[0].similarity or columns[0].analogies)
    return lines + ["", COMMON] * bool(several) + (NOTE.split("\n") if columns[0].sentiment else [])


def _similarity(columns):
    titles = columns[0].similarity
    rows = [("word similarity: Spearman's rho [95 % interval], pairs used", [])] if titles else []
    for title in titles:
        scores = [column.similarity[title] for column in columns]
        rows.append((title, [_correlation(score) for score in scores]))
        rows += _composed([score.composed for score in scores])
        if len(columns) > 1:
            rows.append((LESS_FIRST, [_difference(score, 1, "+.3f") for score in scores]))
    return rows


LESS_FIRST = "  less the first file's"


def _composed(numbers):
    """The row that says how many of those used have a word composed from its n-grams, if any file has such."""
    return [("  with a composed word", [f"{number:5,}" for number in numbers])] if any(numbers) else []


def _correlation(score):
    figures = f"{'-':>6} {'':16}" if score.rho is None else f"{score.rho:6.3f} {_range(score.interval, 1, '6.3f')}"
    return f"{figures}  {score.used:5,} of {score.total:5,}"


def _range(interval, scale, form):
    """An interval between square brackets."""
    return "-" if interval is None else f"[{', '.join(f'{scale * bound:{form}}' for bound in interval)}]"


def _difference(score, scale, form):
    if score.less_first is None:
        return ""
    return f"{scale * score.less_first:{form}} {_range(score.less_first_interval, scale, form)}"


def _analogies(columns, title, restrict):
    scores = [column.analogies[title] for column in columns]
    heading = f"{title}, first {restrict:,} words: % right by {' and '.join(METHODS)}, used"
    names = list(scores[0][METHODS[0]].sections)
    if len(names) <= 4:  # one section, and its sums, which say the same
        names = names[-1:]
    rows = [(heading, []), *((name, [_accuracies(score, name) for score in scores]) for name in names)]
    if any(score[METHODS[0]].composed.used for score in scores):
        rows.append(("  others, with a composed word", [_composed_questions(score) for score in scores]))
    rows += [
        ("  95 % interval", [_each(score, lambda method: _range(method.interval, 100, ".1f")) for score in scores]),
        ("  query words let in", [_each(score, lambda method: _percentage(method.let_in)) for score in scores]),
        ("  the word nearest to c alone", [_percentage(score[BASELINE]) for score in scores]),
    ]
    if len(columns) > 1:
        rows.append((LESS_FIRST, [_each(score, lambda method: _difference(method, 100, "+.1f")) for score in scores]))
    return rows


def _composed_questions(score):
    return f"{_each(score, lambda method: _percentage(method.composed))}  {score[METHODS[0]].composed.used:6,}"


def _each(score, show):
    return "  ".join(show(score[method]) for method in METHODS)


def _percentage(accuracy):
    return f"{'-':>5}" if accuracy.share is None else f"{100 * accuracy.share:5.1f}"


def _accuracies(score, name):
    some = score[METHODS[0]].sections[name]
    figures = _each(score, lambda method: _percentage(method.sections[name]))
    return f"{figures}  {some.used:6,} of {some.total:6,}"


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
        *_composed([score.composed for score in scores]),
        ("sentences without any", [f"{score.empty:,}" for score in scores]),
        ("trained on text of dev and test", ["probably" if score.seen else "not known" for score in scores]),
    ]
    if settings.unit_length:
        rows.insert(2, ("... scaled to unit length", [_percent(score.unit_length.accuracy) for score in scores]))
    return rows


def _percent(accuracy):
    return " / ".join(f"{100 * accuracy[name]:.1f}" for name in sentiment.SPLITS)
