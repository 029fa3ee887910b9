"""The command `grade.py written`: the form, files of answers, reports, statuses."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import grade
from grader import written
from grader.written import Answers, as_text, check, read_answers, template
from grader.written_questions import PROSE, QUESTIONS
from utils.system import console
from utils.system.errors import InputError

RIGHT = """\
layout = columns
a = only y_o is not zero
b.i = U @ (yhat - y)
b.ii = where U yhat = u_o
d.o = (yhat_o - 1) * v_c
d.other = yhat_w * v_c
e = v_c @ (yhat - y).T
f.positive = 1
f.negative = alpha
g = s * (1 - s)
h.i.v_c = (sigma(u_o.T @ v_c) - 1) * u_o + sum(s, sigma(u_s.T @ v_c) * u_s)
h.i.u_o = (sigma(u_o.T @ v_c) - 1) * v_c
h.i.u_s = sigma(u_s.T @ v_c) * v_c
h.ii = 1 - sigma(U_ow.T @ v_c)
i = n * sigma(u_s.T @ v_c) * v_c
j.i = sum(j, dU_j)
j.ii = sum(j, dv_j)
j.iii = 0
q2.a = (sigma(u_t.T @ v_c) - 1) * v_c + sum(i, sigma(u_t.T @ v_c_i) * v_c_i)
q2.b = (sigma(u_t.T @ v_c) - 1) * u_t
q2.c = sigma(u_t.T @ v_c_j) * u_t
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "answers.txt"
    path.write_text(RIGHT, encoding="utf-8")
    return path


def status_of(*arguments):
    with pytest.raises(SystemExit) as leaving:
        console.run(grade.main, ["written", *map(str, arguments)])
    return leaving.value.code


def change(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_right_answers_have_all_points_that_a_program_can_give(file, capsys):
    assert status_of(file) == 0
    out = capsys.readouterr().out
    assert "formulas  25.00 of 25.00" in out
    assert "up to 6.00 points more" in out
    assert "(q2)      3 of 3 right, no points" in out
    assert "a: why the loss is a cross-entropy; compare docs/derivations.md, equation (12)" in out
    assert "b.iii: what its two terms do (not answered); compare docs/derivations.md, equation (16)" in out
    assert "hint" not in out and "ok" not in out.split()


def test_a_wrong_answer_costs_its_points_and_says_why(file, capsys):
    change(file, "U @ (yhat - y)", "U @ (y - yhat)")
    assert status_of(file) == 0
    out = capsys.readouterr().out
    assert "(b)        0.00 of  4.00\n  -4    b.i: dJ/dv_c, naive softmax\n          at a random point" in out
    assert "          hint: the sign is flipped: yhat - y, not y - yhat\n" in out
    assert "formulas  21.00 of 25.00" in out


@pytest.mark.parametrize(
    ("formula", "says"),
    [
        ("", "not answered: g"),
        ("   # later", "not answered: g"),
        ("s * (1 - ", "          it cannot be read: 1 opening"),
        ("s(1 - s)", "          `s(1 - s)` calls a function s"),
        ("open('x')", "          `open('x')` calls a function open"),
        ("y", "          the name y is unknown here; known are alpha, s, x"),
        ("ones(2)", "          it is a column of 2, wanted a number"),
        ("s / 0", "          it is not finite at a random point"),
    ],
)
def test_what_is_no_answer_is_one_clear_line(file, capsys, formula, says):
    change(file, "g = s * (1 - s)", f"g = {formula}")
    assert status_of(file, "--only", "g") == 0
    captured = capsys.readouterr()
    assert any(line.startswith(says) or says in line for line in captured.out.splitlines())
    assert captured.err == ""
    assert "formulas   0.00 of  3.00" in captured.out


def test_rows_are_read_as_rows(file):
    rows = {"b.i": "(yhat - y) @ U", "e": "(yhat - y).T @ v_c"}
    for layout, right in (("rows", True), ("columns", False)):
        results = check(Answers(layout, rows), QUESTIONS)
        assert {r.line.check for r in results if r.outcome.passed} == (set(rows) if right else set())
    change(file, "layout = columns", "layout = ROWS")
    assert read_answers(file).layout == "rows"


def test_only_chooses_questions(file, capsys):
    for only, names in (("h", "h.i.v_c h.i.u_o h.i.u_s h.ii"), ("(H) i", "h.i.v_c h.i.u_o h.i.u_s"), ("q2.b", "q2.b")):
        assert status_of(file, "--only", only, "--verbose") == 0
        out = capsys.readouterr().out
        assert [line.split()[1].rstrip(":") for line in out.splitlines() if line.startswith("  ok")] == names.split()
        assert ("h.iii" in out) == (only == "h")
    assert status_of(file, "--only", "c") == 0
    out = capsys.readouterr().out
    assert "formulas" not in out and "up to 1.00" in out


def test_the_json_file(file, tmp_path, capsys):
    change(file, "d.o = (yhat_o - 1) * v_c", "d.o = yhat_o * v_c\nd.o = 2\nz = 3\nwhat is this")
    assert status_of(file, "--json", tmp_path / "out.json") == 0
    whole = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    assert (whole["points"], whole["possible"], whole["for_a_teacher"]) == (22.5, 25, 6)
    assert (whole["layout"], whole["seed"], len(whole["lines"])) == ("columns", 0, len(QUESTIONS))
    (wrong,) = [line for line in whole["lines"] if not line["passed"]]
    assert (wrong["check"], wrong["answer"], wrong["equation"]) == ("d.o", "yhat_o * v_c", "(19)")
    assert wrong["hints"] == ["1 is not subtracted: y_o is 1 for the outside word"]
    assert whole["prose"][0] == {
        "name": "a", "points": 2, "meaning": PROSE[0].meaning, "argument": "equation (12)",
        "answer": "only y_o is not zero",
    }  # fmt: skip
    assert len(whole["remarks"]) == 3
    assert capsys.readouterr().out.count("remark: line ") == 3


def test_the_seed_changes_the_random_points(file, capsys):
    change(file, "g = s * (1 - s)", "g = s")
    shown = []
    for seed in (1, 1, 2):
        assert status_of(file, "--only", "g", "--seed", seed) == 0
        shown.append(capsys.readouterr().out)
    assert shown[0] == shown[1] != shown[2]


def test_the_form_names_every_question_and_is_read_as_unanswered(tmp_path, capsys):
    path = tmp_path / "form.txt"
    assert status_of("--template", path) == 0
    assert f"python grade.py written {path}" in path.read_text(encoding="utf-8")
    answers = read_answers(path)
    assert (answers.formulas, answers.remarks, answers.layout) == ({}, [], "columns")
    lines = template()
    assert {line[:-2] for line in lines if line.endswith(" =")} == {q.name for q in QUESTIONS + PROSE}
    assert all(len(line) <= 120 for line in lines)
    results = check(answers)
    assert sum(result.points for result in results) == 0
    assert as_text(results, PROSE, answers).count("not answered") == 9 + len(PROSE)
    capsys.readouterr()
    assert status_of("--template") == 0
    assert capsys.readouterr().out.splitlines() == lines


def test_the_form_states_the_names_that_formulas_may_use():
    for question in QUESTIONS:
        scope = question.scope(question.cases(written.make_cases())[0])
        for name in {*scope.values, *scope.families} - {"alpha", "same"}:
            assert name in question.names or name in ("s", "x")


@pytest.mark.parametrize("name", ["b.i", "B.I", "(b) (i)", "(b)(i)", " b i ", "b.(i)"])
def test_names_of_questions_may_be_written_as_in_the_handout(tmp_path, name):
    path = tmp_path / "answers.txt"
    path.write_text(f"\ufeff{name} = U\r\n", encoding="utf-8")
    assert read_answers(path).formulas == {"b.i": "U"}


def test_wrong_use_is_status_2_and_one_line(file, tmp_path, capsys):
    other = tmp_path / "other.txt"
    for content, says in (
        ("layout = diagonal", "the layout is 'diagonal'; wanted columns or rows"),
        ("layout = rows\nlayout = columns", "said twice"),
        ("g = s\n" * 30_000, "is it a file of answers?"),
    ):
        other.write_text(content, encoding="utf-8")
        assert status_of(other) == 2
        assert says in capsys.readouterr().err
    for arguments in (
        [],
        [tmp_path],
        [tmp_path / "nowhere.txt"],
        [file, "--only", "z"],
        [file, "--seed", "-1"],
        [file, "--json", tmp_path / "nowhere" / "a.json"],
        [file, "--json", file],
        ["--template", file],
        ["--template", tmp_path / "nowhere" / "a.txt"],
        ["--template", "--verbose"],
    ):
        assert status_of(*arguments) == 2
        error = capsys.readouterr().err
        assert error.startswith("error: ") and error.count("\n") == 1
    assert file.read_text(encoding="utf-8") == RIGHT


@settings(max_examples=20)
@given(
    st.lists(
        st.tuples(st.sampled_from([q.name for q in QUESTIONS]), st.text("UWvuyshat_cowi()+-*@.T1/,[]:", max_size=25))
    )
)
def test_whatever_stands_in_a_file_every_question_has_its_line(tmp_path_factory, pairs):
    path = tmp_path_factory.getbasetemp() / "fuzzed.txt"
    path.write_text("\n".join(f"{name} = {text}" for name, text in pairs), encoding="utf-8")
    answers = read_answers(path)
    text = as_text(check(answers), PROSE, answers)
    assert "(q2)" in text and "prose" in text


def test_a_file_that_is_not_text_is_refused(tmp_path):
    path = tmp_path / "answers.txt"
    path.write_bytes(b"g = \xff")
    with pytest.raises(InputError, match="line 1: not UTF-8"):
        read_answers(path)
