"""The grader put to the test: correct solutions get all points, wrong ones lose the right ones for the right reason."""

import functools
import tempfile
from pathlib import Path

from solutions.mutants import base, mutants, slow, styles

from grader.grading import grade
from grader.scheme import PART_TITLES
from grader.solution import collect
from grader.training import Text
from utils.corpus.sample import write_sample_treebank
from utils.treebank import StanfordSentiment

CORRECT = {"vectorized": base, "slow": slow} | {name: style.files for name, style in styles().items()}
UNTRAINED = {"parameters", "fit", "plot"}  # lines of the part training that a solution without a training loses


@functools.cache
def text():
    """A small treebank for the trial training."""
    with tempfile.TemporaryDirectory() as folder:
        return Text(StanfordSentiment(write_sample_treebank(folder, sentences=200)), "sample", judging=False)


def grade_files(files, parts, seed, protection=None):
    """Write a solution into a folder and grade it."""
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            Path(folder, name).write_text(content, encoding="utf-8")
        return grade(collect(folder), text(), parts, seed, protection)


def everything():
    """What there is to grade: names of correct solutions and of mutants."""
    return [*CORRECT, *(mutant.name for mutant in mutants())]


def complaints(name, seed, whole=True):
    """Grade one solution; return what is wrong with the grading, as a list of texts.

    Parameters
    ----------
    name : str
        Of `everything()`.
    seed : int
    whole : bool
        Grade all parts (but the measurement of time); else only the part that a mutant is about, and of solutions in
        other styles all but the training.
    """
    parts = [part for part in PART_TITLES if part != "efficiency"]
    if name in CORRECT:
        if not whole and name in styles():  # the trial of training takes longer than all else
            parts.remove("training")
        return _lost_by_a_correct_one(grade_files(CORRECT[name](), parts, seed))
    mutant = next(mutant for mutant in mutants() if mutant.name == name)
    return _judge(mutant, grade_files(mutant.files(), parts if whole else [mutant.part], seed))


def _lost(grading):
    return [result for result in grading.results if not result.outcome.passed and result.line.check not in UNTRAINED]


def _lost_by_a_correct_one(grading):
    return [f"{result.line.part} {result.line.check}: {result.outcome.message}" for result in _lost(grading)]


def _judge(mutant, grading):
    lost = _lost(grading)
    here = [result for result in lost if result.line.part == mutant.part]
    checks = {result.line.check for result in here}
    wrong = [f"keeps {check}" for check in mutant.checks if check not in checks]
    may = {(mutant.part, check) for check in mutant.checks} | {("training", "trial")}
    wrong += [f"loses {r.line.part} {r.line.check}" for r in lost if (r.line.part, r.line.check) not in may]
    hints = [hint for result in here for hint in result.outcome.hints]
    if not any(mutant.hint in hint for hint in hints) and mutant.hint:
        wrong.append(f"no hint {mutant.hint!r} among {hints}")
    return wrong
