"""Correct solutions get all points; every mutant loses those of its part, with the right hint. Seed 0 and the part that
a mutant is about only: `python tests/grader/grade_all_mutants.py` grades all parts with ten seeds. Without THOROUGH,
every sixth mutant, and correct solutions in two styles."""

import pytest
from solutions.mutants import mutants
from solutions.proof import CORRECT, complaints


def some(names, every):
    """The names as parameters; all but the first of so many are for thorough tests."""
    return [pytest.param(name, marks=[pytest.mark.thorough] if i % every else []) for i, name in enumerate(names)]


@pytest.mark.parametrize("name", some(CORRECT, every=9))
def test_a_correct_solution_keeps_all_its_points(name):
    assert complaints(name, seed=0, whole=False) == []


@pytest.mark.parametrize("name", some([mutant.name for mutant in mutants()], every=6))
def test_a_mutant_loses_the_right_points_with_the_right_hint(name):
    assert complaints(name, seed=0, whole=False) == []


def test_the_mutants_are_many_and_different_and_nearly_all_have_a_hint():
    every = mutants()
    assert len(every) >= 25
    assert len({tuple(mutant.files().items()) for mutant in every}) == len(every)
    assert sum(bool(mutant.hint) for mutant in every) >= len(every) - 5
