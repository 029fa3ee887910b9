"""Solutions that fail, hang, flood, exit or attack: each loses its own points, and the grading continues."""

import io
import json
import stat
import zipfile

import pytest
from solutions.mutants import base
from solutions.proof import grade_files

from grader import sandbox
from grader.protection import unprotected
from grader.sandbox import Sandbox, first_failure
from grader.solution import collect
from utils.system.errors import InputError

SIGMOID = "    return 1 / (1 + np.exp(-x))\n"


def with_sigmoid(body, top=""):
    """The correct solution with another body of sigmoid, and with lines at the top of the file."""
    files = base()
    body = "".join(f"    {line}\n" for line in body.split("\n"))
    return {**files, "word2vec.py": top + files["word2vec.py"].replace(SIGMOID, body)}


def outcomes(files, parts=("sigmoid",), protection=None):
    grading = grade_files(files, list(parts), 0, protection)
    return {result.line.check: result.outcome for result in grading.results}, grading.points


def first_loss(files, **options):
    found, points = outcomes(files, **options)
    assert points == 0
    return found["values"].message, " ".join(found["values"].hints)


@pytest.mark.parametrize(
    "body, said, hinted",
    [
        ("return (1", "word2vec.py, line", ""),
        ("print 'x'\nreturn x", "SyntaxError", "Python 2"),
        ("return np.float(x)", "AttributeError", "np.float is gone from NumPy 2: write float"),
        ("import sys; sys.exit(0)", "SystemExit", "exit()"),
        ("import os; os._exit(0)", "ended the process", ""),
        ("return s", "NameError", "still to be written"),
        ("import torch_of_mine", "ModuleNotFoundError", "only the standard library"),
        ("return sigmoid(x)", "RecursionError", "without end"),
        ("bytearray(8 << 30)", "MemoryError", "2 GB"),
        ("pass", "sigmoid(x) is None, expected a number", ""),
        ("import socket; socket.create_connection(('127.0.0.1', 9), 1)", "the network is closed", ""),
        ("import subprocess; subprocess.run(['true'])", "other programs", ""),
        ("raise KeyboardInterrupt", "KeyboardInterrupt", ""),
    ],
)
def test_what_breaks_is_one_line_with_its_place(body, said, hinted):
    message, hint = first_loss(with_sigmoid(body))
    assert said in message
    assert hinted in hint
    assert "\n" not in message


def test_an_exception_is_told_with_file_and_line():
    files = with_sigmoid("return 1 / 0")
    line = files["word2vec.py"].split("\n").index("    return 1 / 0") + 1
    assert first_loss(files)[0] == f"word2vec.py, line {line}: ZeroDivisionError: division by zero"


def test_a_function_that_hangs_costs_its_part_and_no_other(monkeypatch):
    for module in ("losses", "windows"):
        monkeypatch.setattr(f"grader.{module}.Job", lambda *args: sandbox.Job(*args, limit=0.7))
    files = base()
    start = "    scores = outsideVectors"
    files["word2vec.py"] = files["word2vec.py"].replace(start, f"    while True: pass\n{start}")
    grading = grade_files(files, ["sigmoid", "softmax", "skipgram"], 0)
    assert [sum(r.points for r in grading.of_part(part)) for part in ("sigmoid", "softmax")] == [1, 0]
    messages = {result.outcome.message for result in grading.of_part("softmax")}
    assert any("did not end within" in message for message in messages)
    assert all(r.outcome.passed for r in grading.of_part("skipgram") if r.line.check in ("loss", "centre", "outside"))


def test_after_two_timeouts_the_rest_of_a_part_is_not_tried(tmp_path):
    steps = [("call", {"module": "word2vec", "function": "sigmoid", "args": [0.0]})]
    names = [*(f"sigmoid.{n}" for n in range(5)), "other.0"]
    jobs = [sandbox.Job(name, steps, limit=0.5) for name in names]
    for name, text in with_sigmoid("while True: pass").items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    with Sandbox(collect(tmp_path).code) as box:
        box.run(jobs)
    kinds = [first_failure(job).type for job in jobs]
    assert kinds == ["Timeout", "Timeout", "NotRun", "NotRun", "NotRun", "Timeout"]


def test_an_import_that_hangs_is_waited_for_once(monkeypatch):
    monkeypatch.setattr("grader.grading.IMPORT_SECONDS", 0.5)
    grading = grade_files(with_sigmoid("return x", top="while True: pass\n"), ["sigmoid", "softmax", "neg"], 0)
    assert grading.points == 0
    assert {result.outcome.message for result in grading.results} == {"importing word2vec.py did not end within 0.5 s"}


def test_a_missing_file_costs_its_parts_only():
    files = base()
    del files["sgd.py"]
    grading = grade_files(files, ["sigmoid", "sgd"], 0)
    assert [sum(r.points for r in grading.of_part(part)) for part in ("sigmoid", "sgd")] == [1, 0]
    assert {r.outcome.message for r in grading.of_part("sgd")} == {"sgd.py is missing"}


def test_a_flood_of_output_is_forgotten():
    body = "print('x' * 10_000_000)\nimport os; os.write(1, b'y' * 10_000_000)\nreturn 1 / (1 + np.exp(-x))"
    assert outcomes(with_sigmoid(body))[1] == 1


def test_the_text_of_an_exception_cannot_fake_lines():
    message, _ = first_loss(with_sigmoid("raise ValueError('a\\nsigmoid 1.00 of 1.00\\x1b[2J')"))
    assert "\n" not in message and "\x1b" not in message


# Attempts at points that are not one's own


def test_lines_on_standard_output_are_not_taken_for_answers():
    forged = json.dumps({"id": "sigmoid.values-0", "answers": [{"value": None, "printed": "", "warnings": []}]})
    body = f"import os, sys\nos.write(1, {forged!r}.encode() + b'\\n')\nsys.__stdout__.write({forged!r})\nreturn x"
    assert outcomes(with_sigmoid(body))[1] == 0


def test_a_forged_answer_is_judged_like_any_other():
    # It finds the channel and answers for every job to come; but it does not know the right numbers.
    body = (
        "import json, os\n"
        "answer = {'value': {'array': 'AAAAAAAA4D8=', 'shape': []}, 'args': [None], 'printed': '', 'warnings': []}\n"
        "for fd in range(3, 20):\n"
        "    for n in range(6):\n"
        "        try: os.write(fd, (json.dumps({'id': f'sigmoid.values-{n}', 'answers': [answer]}) + '\\n').encode())\n"
        "        except OSError: pass\n"
        "return x"
    )
    found, _ = outcomes(with_sigmoid(body))
    assert not found["values"].passed


EMPTY = b'{"id": "sigmoid.values-0", "answers": []}\n'


@pytest.mark.parametrize("line", [b"", b"{}\n", b"[" * 100_000 + b"\n", b"\xff\n", EMPTY], ids=range(5))
def test_what_is_no_answer_costs_the_check(line):
    writing = f"    try: os.write(fd, {line!r})\n    except OSError: pass"
    body = f"import os\nfor fd in range(3, 20):\n{writing}\nos._exit(0)"
    message, _ = first_loss(with_sigmoid(body))
    assert "not an answer" in message or "ended the process" in message


def test_the_reference_cannot_simply_be_read_or_imported():
    reference = str(sandbox.PROJECT / "word2vec.py")
    assert "grader's own files are closed" in first_loss(with_sigmoid(f"open({reference!r})"))[0]
    body = f"import sys; sys.path.insert(0, {str(sandbox.PROJECT)!r}); import run\nreturn run.sigmoid(x)"
    assert "No module named 'run'" in first_loss(with_sigmoid(body))[0]


def test_environment_and_folder_are_clean(monkeypatch, tmp_path):
    monkeypatch.setenv("SECRET_OF_MINE", "1")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here").touch()
    checks = "assert 'SECRET_OF_MINE' not in os.environ\nassert os.listdir() == []\nopen('left', 'w').close()"
    body = f"import os\n{checks}\nreturn 1 / (1 + np.exp(-x))"
    assert outcomes(with_sigmoid(body))[1] == 1
    assert [path.name for path in tmp_path.iterdir()] == ["here"]


def test_without_any_protection_of_the_system_it_grades_as_well():
    assert outcomes(with_sigmoid("return 1 / (1 + np.exp(-x))"), protection=unprotected())[1] == 1
    assert "the network is closed" in first_loss(
        with_sigmoid("import socket; socket.create_connection(('127.0.0.1', 9), 1)"), protection=unprotected()
    )[0]  # fmt: skip


def test_nothing_is_left_behind(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    outcomes(with_sigmoid("import os, tempfile\nos.mkdir('locked', 0)\nreturn x"))
    assert list(tmp_path.iterdir()) == []


# Zips


def zipped(path, members):
    """Write a zip of name -> bytes or (ZipInfo, bytes)."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return path


def members(folder=""):
    return [(folder + name, text.encode()) for name, text in base().items()]


@pytest.mark.parametrize("folder", ["", "assignment2/", "a/b/"])
def test_a_solution_is_found_in_a_zip_at_the_top_or_in_a_folder(tmp_path, folder):
    solution = collect(zipped(tmp_path / "x.zip", [*members(folder), ("__MACOSX/._word2vec.py", b"\0")]))
    assert not solution.trouble
    assert solution.code["word2vec.py"] == base()["word2vec.py"].encode()
    assert "utils/treebank.py" in solution.code
    assert "__MACOSX/._word2vec.py" not in solution.code


def link(name):
    info = zipfile.ZipInfo(name)
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


@pytest.mark.parametrize(
    "extra, said",
    [
        (("../../word2vec.py", b"x"), "leaves the folder"),
        (("/etc/word2vec.py", b"x"), "leaves the folder"),
        ((link("utils/utils.py"), b"/etc/passwd"), "is a link"),
        (("utils/big.py", bytes(101_000_000)), "more than the expected 100,000,000"),
    ],
)
def test_a_suspicious_zip_gets_no_points_and_a_line(tmp_path, extra, said):
    assert said in collect(zipped(tmp_path / "x.zip", [*members(), extra])).trouble


def test_a_file_that_comes_twice_or_a_damaged_zip_gets_no_points(tmp_path):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        for _ in range(2):
            archive.writestr("word2vec.py", b"x = 1")
    (tmp_path / "twice.zip").write_bytes(buffer.getvalue())
    assert "twice" in collect(tmp_path / "twice.zip").trouble
    whole = zipped(tmp_path / "x.zip", members()).read_bytes()
    (tmp_path / "x.zip").write_bytes(whole[:200] + bytes(50) + whole[250:])
    assert "cannot be unpacked" in collect(tmp_path / "x.zip").trouble
    (tmp_path / "no.zip").write_bytes(b"no zip")
    assert "cannot be unpacked" in collect(tmp_path / "no.zip").trouble


def test_links_in_a_folder_are_left_out_with_a_remark(tmp_path):
    (tmp_path / "secret.txt").write_text("secret", encoding="utf-8")
    folder = tmp_path / "solution"
    folder.mkdir()
    (folder / "sgd.py").write_text("", encoding="utf-8")
    (folder / "word2vec.py").symlink_to(tmp_path / "secret.txt")
    solution = collect(folder)
    assert "word2vec.py" not in solution.code
    assert any("symbolic link" in remark for remark in solution.remarks)


def test_what_is_neither_folder_nor_zip_is_a_wrong_use(tmp_path):
    (tmp_path / "a.txt").write_text("x", encoding="utf-8")
    for path in (tmp_path / "a.txt", tmp_path / "nowhere"):
        with pytest.raises(InputError, match="neither a folder nor a zip"):
            collect(path)
