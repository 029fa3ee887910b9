"""The scheme file, and what Gradescope is shown."""

import json

import pytest
from solutions.mutants import base
from solutions.proof import grade_files

import grade
from grader import report
from grader.compare import Outcome, failed
from grader.grading import Grading, Result
from grader.scheme import BUILT_IN, read_scheme
from utils.system import console
from utils.system.errors import InputError


@pytest.fixture
def scheme(tmp_path):
    """Write a scheme file and read it."""

    def make(text):
        path = tmp_path / "scheme.toml"
        path.write_text(text, encoding="utf-8")
        return read_scheme(path)

    return make


def grading_of(scheme, wrong=()):
    """A Grading of the parts sigmoid and sgd in which some checks are lost."""
    lines = [line for line in scheme.lines if line.part in ("sigmoid", "sgd")]
    lost = failed("x: expected 1, got 2", "a hint", plain="x: got 2, which is wrong")
    return Grading([Result(line, lost if line.check in wrong else Outcome()) for line in lines], scheme, ["by the way"])


def test_a_copy_of_the_built_in_scheme_is_that_scheme(scheme):
    assert scheme(BUILT_IN.read_text(encoding="utf-8")) == read_scheme()
    assert scheme("") == read_scheme()


@pytest.mark.parametrize(
    "text, said",
    [
        ("[points.sigmod]\nvalues = 1", "points.sigmod is unknown; wanted one of sigmoid"),
        ("[points.sigmoid]\nvalue = 1", "points.sigmoid.value is unknown"),
        ("[points.sigmoid]\nvalues = -1", "points.sigmoid.values is -1; wanted a number of at least 0"),
        ("[points.sigmoid]\nvalues = nan", "wanted a number"),
        ("[points.sigmoid]\nvalues = inf", "wanted a number"),
        ("[points.sigmoid]\nvalues = true", "wanted a number"),
        ("[points]\nsigmoid = 1", "points.sigmoid is 1; wanted a table"),
        ("[packages]\nallowed = 'numpy'", "wanted a list of texts"),
        ("[gradescope]\ntests = 'line'", "tests is 'line'; wanted one of part, check"),
        ("[gradescope]\nhidden = ['sgd.stps']", "hidden names 'sgd.stps'"),
        ("[gradescope]\nhidden_visibility = 'never'", "wanted one of hidden"),
        ("[gradescope]\nexpected_values = 1", "wanted true or false"),
        ("[points.sigmoid\n", "is not a TOML file"),
    ],
)
def test_what_is_wrong_with_a_scheme_is_told_in_one_line(scheme, text, said):
    with pytest.raises(InputError) as caught:
        scheme(text)
    assert said in str(caught.value) and "\n" not in str(caught.value)


def test_points_bounds_and_packages_are_those_of_the_file(tmp_path, capsys):
    path = tmp_path / "scheme.toml"
    path.write_text("[points.sigmoid]\nvalues = 7\ninputs = 0\n[packages]\nallowed = ['numpy']\n", encoding="utf-8")
    for name, text in base().items():
        (tmp_path / name).write_text(text, encoding="utf-8")

    def graded():
        with pytest.raises(SystemExit) as leaving:
            console.run(grade.main, [str(tmp_path), "--only", "sigmoid", "--scheme", str(path), "--verbose"])
        assert leaving.value.code == 0
        return capsys.readouterr().out

    out = graded()
    assert "7.25 of  7.25" in out and "inputs" not in out
    file = tmp_path / "word2vec.py"
    file.write_text("import scipy\n" + file.read_text(encoding="utf-8"), encoding="utf-8")
    assert "No module named 'scipy' (the course allows numpy)" in graded()


def test_one_test_for_each_part_or_each_check(scheme):
    tests = report.as_gradescope(grading_of(scheme("")))["tests"]
    assert [test["name"] for test in tests] == ["sigmoid", "sgd"]
    tests = report.as_gradescope(grading_of(scheme("[gradescope]\ntests = 'check'"), ["large"]))["tests"]
    assert [test["name"] for test in tests][:3] == ["sigmoid: values", "sigmoid: large", "sigmoid: inputs"]
    assert [test["status"] for test in tests][:3] == ["passed", "failed", "passed"]
    assert len(tests) == 8


def test_hidden_checks_are_tests_of_their_own(scheme):
    text = "[gradescope]\nhidden = ['sigmoid.large', 'sgd']\nhidden_visibility = 'after_due_date'"
    content = report.as_gradescope(grading_of(scheme(text), ["large"]))
    found = {test["name"]: (test["visibility"], test["score"]) for test in content["tests"]}
    assert found == {
        "sigmoid": ("visible", 0.75),
        "sigmoid (hidden)": ("after_due_date", 0),
        "sgd (hidden)": ("after_due_date", 4),
    }
    assert content["score"] == 4.75


def test_expected_values_can_be_kept_from_students(scheme):
    shown = report.as_gradescope(grading_of(scheme(""), ["large"]))["tests"][0]["output"]
    kept = report.as_gradescope(grading_of(scheme("[gradescope]\nexpected_values = false"), ["large"]))
    assert "expected 1" in shown
    assert "expected 1" not in json.dumps(kept) and "x: got 2, which is wrong" in kept["tests"][0]["output"]
    assert "a hint" in kept["tests"][0]["output"]


def test_no_message_for_students_holds_a_right_value(scheme):
    wrong = base()["word2vec.py"].replace("outsideVectors.T @ delta", "outsideVectors.T @ yhat")
    wrong = wrong.replace("for word in outsideWords:", "for word in outsideWords[1:]:")
    files = {"word2vec.py": wrong, "sgd.py": base()["sgd.py"].replace("step *= 0.5\n", "step *= 0.25\n")}
    grading = grade_files(files, ["softmax", "skipgram", "sgd"], 0)
    lost = {result.line.check: result.outcome.shown(False) for result in grading.results if not result.outcome.passed}
    assert {"centre", "numeric", "calls", "halving"} <= set(lost)
    assert not any(word in message for message in lost.values() for word in ("expected", "changes by"))


def metadata(created, due="2026-02-01T23:59:00.000000-08:00", own=None):
    return {
        "created_at": created,
        "assignment": {"due_date": due},
        "users": [{"name": "Ann", "assignment": {"due_date": own} if own else {}}],
    }


@pytest.mark.parametrize(
    "given, days",
    [
        (metadata("2026-02-01T20:00:00.000000-08:00"), 0),
        (metadata("2026-02-01T23:59:01.000000-08:00"), 1),
        (metadata("2026-02-02T08:00:00.000000+00:00"), 1),  # another time zone: a minute late
        (metadata("2026-02-04T00:00:00.000000-08:00"), 3),
        (metadata("2026-02-04T00:00:00.000000-08:00", own="2026-02-05T23:59:00.000000-08:00"), 0),
        (metadata("yesterday"), None),
        ({"created_at": 3, "users": 4}, None),
        ({}, None),
    ],
)
def test_days_late_by_the_metadata(given, days):
    assert report.days_late(given) == days


def test_being_late_costs_what_the_scheme_says(scheme):
    late = metadata("2026-02-04T00:00:00.000000-08:00")
    grading = grading_of(scheme("[late]\nfree_days = 1\npoints_per_day = 0.5"))
    content = report.as_gradescope(grading, late)
    assert content["score"] == 5 - 2 * 0.5
    assert "3 days late, 1 of them free: 1 points less" in content["output"]
    assert content["extra_data"]["days_late"] == 3 and content["extra_data"]["late_penalty"] == 1
    assert report.as_gradescope(grading_of(scheme("[late]\npoints_per_day = 9")), late)["score"] == 0


def test_the_fields_are_those_that_gradescope_documents(scheme):
    content = report.as_gradescope(grading_of(scheme(""), ["large"]))
    assert set(content) <= {
        "score", "execution_time", "output", "output_format", "test_output_format", "test_name_format", "visibility",
        "stdout_visibility", "extra_data", "tests", "leaderboard",
    }  # fmt: skip
    for test in content["tests"]:
        assert set(test) <= {
            "score", "max_score", "status", "name", "name_format", "number", "output", "output_format", "tags",
            "visibility", "extra_data",
        }  # fmt: skip
    assert "by the way" in content["output"] and "protection: " in content["output"]
    assert content["extra_data"]["mistakes"] == [["sigmoid", "a hint"]]
