"""Judge a formula: compare it with numeric derivatives at random points, and say in words what is wrong with it."""

import ast
import functools
from dataclasses import dataclass, replace

import numpy as np

from grader.compare import Outcome, failed
from grader.written_expressions import Misfit, Problem, evaluate, read
from grader.written_mistakes import MISTAKES
from grader.written_questions import TOLERANCE
from grader.written_repairs import repairs

# Ways to be right at some points only: (whether a point is one of them, what to say)
ONLY = (
    (lambda case: len(case.samples) == 1, "right only for K = 1: is a sum over the samples missing?"),
    (lambda case: not case.repeated, "right only if the samples are distinct: each draw of a word counts"),
    (lambda case: case.U.shape[0] == case.U.shape[1], "right only where d = |V|: look at the transpositions"),
    (lambda case: case.U.shape[0] == len(case.samples), "right only where d = K: look at the transpositions"),
)
TRANSPOSED = "a transposition: a derivative has the shape of what it is taken with respect to"


@dataclass(frozen=True)
class Point:
    """A random point, with the value that is right there."""

    case: object
    scope: object
    wanted: np.ndarray


class Judge:
    """Judges the formulas of one question.

    Parameters
    ----------
    question : Question
    cases : list of Case
    rows : bool
        Whether the formulas are written for rows.
    """

    def __init__(self, question, cases, rows=False):
        self.question, self.rows = question, rows
        self.points = [
            Point(case, question.scope(case), np.asarray(question.wanted(case))) for case in question.cases(cases)
        ]

    def judge(self, text):
        """Judge the text of a formula; return the Outcome."""
        try:
            tree = read(text)
            values = self.values(tree)
        except Problem as problem:
            return failed(str(problem))
        if self._right(values):
            return self._orientation(values)
        hint = self._known(tree, values) or self._factor(values) or self._partly(values) or self._repaired(tree)
        return failed(self._difference(values), hint)

    def values(self, tree, rows=None):
        """The value at each point, or the Misfit there. Vectors have two axes, or one where all fits only so."""
        readings = []
        for flat in (False, True):
            readings.append(self._values(tree, self.rows if rows is None else rows, flat))
            if not any(isinstance(value, Misfit) for value in readings[-1]):
                return readings[-1]
        return readings[0]

    def _values(self, tree, rows, flat):
        return [_value(tree, replace(point.scope, rows=rows, flat=bool(flat))) for point in self.points]

    def _right(self, values):
        return all(self._is(value, point.wanted) for value, point in zip(values, self.points, strict=True))

    def _is(self, value, wanted):
        """Whether a value is the one wanted, in any orientation."""
        if isinstance(value, Misfit):
            return False
        value = self._loose(value)
        if value.ndim == 0 and not wanted.any():
            return bool(value == 0)  # a plain 0 stands for a vector of zeros
        signs = (1, -1) if self.question.either_sign else (1,)
        turned = [value, value.T] if value.ndim == 2 else [value]
        return any(_equal(sign * array, wanted) for sign in signs for array in turned)

    def _loose(self, value):
        """A number, a vector or a matrix of columns, without orientation."""
        if value.size == 1:
            return value.reshape(())
        if value.ndim == 1 or 1 in value.shape:
            return value.ravel()
        return value.T if self.rows else value

    def _orientation(self, values):
        """Right numbers: are they in the shape that is wanted, too?"""
        for value, point in zip(values, self.points, strict=True):
            shown = self._as_wanted(value, point)
            if value.size > 1 and value.shape != shown.shape:
                told = f"it is {point.scope.describe(value)}, wanted {point.scope.describe(shown)}"
                return failed(told, TRANSPOSED)
        return Outcome()

    def _as_wanted(self, value, point):
        """The right value in the shape that a formula should give it, with one axis where the formula has one."""
        return replace(point.scope, rows=self.rows, flat=value.ndim == 1).present(point.wanted)

    def _difference(self, values):
        """The first thing that is wrong, as numbers or shapes."""
        for value, point in zip(values, self.points, strict=True):
            if isinstance(value, Misfit):
                return str(value)
            if self._is(value, point.wanted):
                continue
            loose, wanted = self._loose(value), point.wanted
            if loose.shape != wanted.shape and loose.shape != wanted.shape[::-1]:
                shown = self._as_wanted(value, point)
                return f"it is {point.scope.describe(value)}, wanted {point.scope.describe(shown)}"
            if not np.isfinite(loose).all():
                return "it is not finite at a random point"
            if loose.shape != wanted.shape:
                loose = loose.T
            place = np.unravel_index(np.argmax(np.abs(loose - wanted)), wanted.shape)
            what = f"an entry of it is {loose[place]:.4g}" if wanted.ndim else f"it is {float(loose):.4g}"
            return f"at a random point {what}, the numeric derivative is {wanted[place]:.4g}"
        raise AssertionError("a wrong formula is wrong somewhere")

    @functools.cached_property
    def _mistakes(self):
        """The known mistakes in this question: (what to say, the formula, its values)."""
        formulas = [(m.text, read(m.formula)) for m in MISTAKES if m.question == self.question.name]
        return [(text, ast.unparse(tree), self.values(tree, rows=False)) for text, tree in formulas]

    def _known(self, tree, values):
        """The hint of the mistake that gives the same, or is written the same."""
        written = ast.unparse(tree)
        for text, formula, others in self._mistakes:
            if written == formula or self._agree(values, others):
                return text
        return None

    def _agree(self, values, others):
        """Whether two formulas, the other one in columns, have the same value at every point."""
        for value, other in zip(values, others, strict=True):
            if isinstance(value, Misfit) or isinstance(other, Misfit):
                return False
            if value.size == other.size == 1:
                other = other.reshape(())
            elif other.ndim == 1 or 1 in other.shape:
                other = other.ravel()
            if not self._is(value, other):
                return False
        return True

    def _factor(self, values):
        """What is wrong with a formula that is right but for a factor."""
        ratios = []
        for value, point in zip(values, self.points, strict=True):
            loose = None if isinstance(value, Misfit) else self._loose(value)
            if loose is None or loose.shape != point.wanted.shape or not point.wanted.any():
                return None
            with np.errstate(all="ignore"):
                ratio = float((loose * point.wanted).sum() / (point.wanted**2).sum())
            if not np.isfinite(ratio) or not ratio or not _equal(loose, ratio * point.wanted):
                return None
            ratios.append(ratio)
        for told, factor in FACTORS:
            if np.allclose(ratios, [factor(point.case) for point in self.points], rtol=TOLERANCE):
                return told
        if np.allclose(ratios, ratios[0], rtol=TOLERANCE):
            return f"it is {ratios[0]:.4g} times the right value"
        return None

    def _partly(self, values):
        right = [self._is(value, point.wanted) for value, point in zip(values, self.points, strict=True)]
        for condition, told in ONLY:
            if any(right) and right == [condition(point.case) for point in self.points]:
                return told
        return None

    def _repaired(self, tree):
        """What a formula looks like that is right once one thing in it is changed."""
        for flat in (False, True):
            for told, changed in repairs(tree, self.points[0].scope):
                if self._right_there(changed, flat):
                    return told
        return None

    def _right_there(self, tree, flat):
        for point in self.points:
            try:
                value = _value(tree, replace(point.scope, rows=self.rows, flat=flat))
            except Problem:
                return False
            if not self._is(value, point.wanted):
                return False
        return True


FACTORS = (
    ("correct except for the sign", lambda case: -1),
    ("it is |V| times the right value: a stray sum over the words?", lambda case: case.U.shape[1]),
    ("the right value divided by |V|: a mean for a sum?", lambda case: 1 / case.U.shape[1]),
    ("it is K times the right value: a stray sum over the samples?", lambda case: len(case.samples)),
    ("the right value divided by K: a mean for a sum?", lambda case: 1 / len(case.samples)),
    ("it is d times the right value: a stray sum over the components?", lambda case: len(case.v)),
)


def _value(tree, scope):
    try:
        return evaluate(tree, scope)
    except Misfit as misfit:
        return misfit


def _equal(a, b):
    if a.shape != b.shape or not np.isfinite(a).all():
        return False
    scale = max(np.abs(b).max(), 1e-3) if b.size else 1
    return bool(np.abs(a - b).max() <= TOLERANCE * scale)
