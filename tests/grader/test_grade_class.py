"""Grading a class: every form of submission, tables of points and mistakes, continuing where it stopped."""

import csv
import json
import zipfile

import pytest
from solutions.mutants import base

import grade
from grader import classroom, report
from grader.classroom import mistakes_table, points_table, submissions
from utils.system import console
from utils.system.errors import InputError

Y_MISSING = {**base(), "word2vec.py": base()["word2vec.py"].replace("np.outer(delta,", "np.outer(yhat,")}
BROKEN = {**base(), "word2vec.py": "print 'x'\n"}


def write(folder, files):
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")


def zip_files(path, files, prefix=""):
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(prefix + name, content)
    return path


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """A class in all forms, and where the command has written its tables: (folder of the class, of the results)."""
    folder, results = tmp_path_factory.mktemp("class"), tmp_path_factory.mktemp("results")
    write(folder / "Ann Archer", base())
    write(folder / "Ben", Y_MISSING)
    write(folder / "Cleo" / "deep" / "er", Y_MISSING)
    zip_files(folder / "Dan_77_assignsubmission_file.zip", base(), "assignment2/")
    write(folder / "=2+3", BROKEN)
    write(folder / "Eve", {"word2vec.ipynb": "{}"})
    (folder / "Finn.zip").write_bytes(b"PK\3\4 cut off")
    (folder / "Gus.rar").write_bytes(b"Rar!")
    for name, text in base().items():  # an export of Canvas: loose files, one of them handed in late
        (folder / f"hill_LATE_4711_{len(name)}_{name}").write_text(text, encoding="utf-8")
    assert run(folder, results) == 0
    return folder, results


def run(folder, results, *options):
    arguments = [folder, "--csv", results / "grades.csv", "--only", "softmax", "--jobs", "2", *options]
    with pytest.raises(SystemExit) as leaving:
        console.run(grade.main, [str(argument) for argument in arguments])
    return leaving.value.code


def table(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def test_the_table_of_points_has_each_submission_and_why_it_could_not_be_graded(graded):
    header, *rows = table(graded[1] / "grades.csv")
    assert header == ["name", "softmax", "total", "possible", "note"]
    points = {name: total for name, _, total, _, _ in rows}
    assert points == {
        "'=2+3": "0",  # quoted: a spreadsheet would take it for a formula
        "Ann Archer": "4",
        "Ben": "2.75",
        "Cleo": "2.75",
        "Dan_77_assignsubmission_file": "4",
        "Eve": "0",
        "Finn": "0",
        "Gus": "0",
        "hill_4711": "4",
    }
    notes = {name: note for name, *_, note in rows}
    assert "Missing parentheses" in notes["'=2+3"] and "is a notebook" in notes["Eve"]
    assert "cannot be unpacked" in notes["Finn"] and "is not a zip" in notes["Gus"]
    assert notes["Ann Archer"] == notes["Ben"] == ""


def test_the_table_of_mistakes_says_how_many_made_each_one_once(graded):
    header, *rows = table(graded[1] / "grades-mistakes.csv")
    assert header == ["submissions", "part", "mistake"]
    title = "naiveSoftmaxLossAndGradient"
    assert rows[0] == ["2", title, "y is not subtracted: it takes yhat where it should take yhat - y"]
    assert [row[0] for row in rows[1:]] == ["1"] * 4  # Python 2, a notebook, a damaged zip, another archive
    assert [title, "this is Python 2: write print(...)"] in [row[1:] for row in rows]


def test_each_submission_has_a_report_for_people_and_one_for_programs(graded):
    reports = graded[1] / "grades-reports"
    text = (reports / "Ben.txt").read_text(encoding="utf-8")
    assert "2.75 of  4.00" in text and "y is not subtracted" in text and "protection: " in text
    assert json.loads((reports / "Ben.json").read_text(encoding="utf-8"))["points"] == 2.75
    assert len(list(reports.glob("*.txt"))) == 9


def test_a_second_run_grades_only_what_has_changed(graded, capsys):
    folder, results = graded
    before = {path.name: path.stat().st_mtime_ns for path in (results / "grades-reports").iterdir()}
    tables = (results / "grades.csv").read_bytes()
    path = folder / "Ann Archer" / "word2vec.py"
    path.write_text(path.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    assert run(folder, results) == 0
    after = {path.name: path.stat().st_mtime_ns for path in (results / "grades-reports").iterdir()}
    assert {name for name in after if after[name] != before[name]} == {"Ann Archer.json", "Ann Archer.txt"}
    assert (results / "grades.csv").read_bytes() == tables
    out, err = capsys.readouterr()
    assert "2  naiveSoftmaxLossAndGradient: y is not subtracted" in out
    assert "9/9" in err  # the bar


def test_an_export_may_come_as_one_zip(tmp_path):
    with zipfile.ZipFile(tmp_path / "export.zip", "w") as archive:
        for name, text in base().items():
            archive.writestr(f"export/Ann/{name}", text)
            archive.writestr(f"export/Ben/{name}", text)
    assert run(tmp_path / "export.zip", tmp_path) == 0
    assert [row[0] for row in table(tmp_path / "grades.csv")[1:]] == ["Ann", "Ben"]


def test_what_is_no_class_is_a_wrong_use(tmp_path):
    with pytest.raises(InputError, match="holds no submissions"):
        submissions(tmp_path)
    with pytest.raises(InputError, match="is not a folder"):
        submissions(tmp_path / "nowhere")


def test_reports_of_names_that_a_file_system_takes_for_one_are_different():
    found = [classroom.Submission(name, ()) for name in ("Ann/B", "Ann?B", "ann_b", "")]
    names = classroom._file_names(found)
    assert len({name.lower() for name in names.values()}) == 4


def line(part, check, message="", *hints):
    return {"part": part, "check": check, "meaning": "m", "points": 0, "passed": not message} | {
        "message": message,
        "hints": list(hints),
    }


def test_one_cause_in_several_parts_is_one_mistake_and_consequences_are_none():
    lines = [
        line("sigmoid", "values", "word2vec.py is missing"),
        line("sigmoid", "inputs", "counts only where something else is right"),
        line("softmax", "loss", "word2vec.py is missing"),
        line("neg", "loss", "seen", "the sign is turned"),
        line("neg", "centre", "seen too", "the sign is turned"),
        line("neg", "repeated", "as with distinct negatives"),
        line("neg", "numeric", "slope"),
        line("sgd", "steps"),
    ]
    assert report.mistakes_of(lines) == [("sigmoid", "word2vec.py is missing"), ("neg", "the sign is turned")]


def test_a_submission_that_breaks_the_grader_is_named_and_the_others_are_graded():
    good = {"points": 1, "possible": 1, "troubles": [], "lines": [line("sigmoid", "values") | {"points": 1}]}
    bad = {"points": 0, "possible": 0, "troubles": ["Traceback"], "lines": []}
    rows = points_table({"Ann": good, "Ben": bad})
    assert rows[1:] == [["Ann", 1, 1, 1, ""], ["Ben", 0, 0, 0, "the grader failed: see its report"]]
    assert mistakes_table({"Ann": good, "Ben": bad}) == [["submissions", "part", "mistake"]]
