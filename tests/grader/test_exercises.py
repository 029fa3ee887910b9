"""The skeleton of the assignment and its exercises: unfilled it earns nothing and says why; filled, everything."""

import importlib.util
import re
import subprocess
import sys
import textwrap

import pytest
from solutions.proof import text

from grader.grading import grade
from grader.scheme import PART_TITLES
from grader.solution import collect
from grader.written_questions import QUESTIONS
from utils.commands import starter
from utils.system.paths import PROJECT

PAGE = PROJECT / "docs" / "exercises.md"
PARTS = ["sigmoid", "softmax", "neg", "skipgram", "sgd"]
METHODS = ["sigmoid", "naiveSoftmaxLossAndGradient", "negSamplingLossAndGradient", "skipgram", "sgd"]
SOLUTION = {
    "sigmoid": "s = 1 / (1 + np.exp(-np.clip(x, -500, 500)))",
    "naiveSoftmaxLossAndGradient": """
        yhat = softmax(outsideVectors @ centerWordVec)
        loss = -np.log(yhat[outsideWordIdx])
        delta = yhat.copy()
        delta[outsideWordIdx] -= 1
        gradCenterVec = delta @ outsideVectors
        gradOutsideVecs = np.outer(delta, centerWordVec)
        """,
    "negSamplingLossAndGradient": """
        signs = np.array([1] + [-1] * K)
        u = signs[:, None] * outsideVectors[indices]
        s = sigmoid(u @ centerWordVec)
        loss = -np.log(s).sum()
        gradCenterVec = (s - 1) @ u
        gradOutsideVecs = np.zeros(outsideVectors.shape)
        np.add.at(gradOutsideVecs, indices, np.outer(signs * (s - 1), centerWordVec))
        """,
    "skipgram": """
        centre = word2Ind[currentCenterWord]
        for word in outsideWords:
            found = word2vecLossAndGradient(centerWordVectors[centre], word2Ind[word], outsideVectors, dataset)
            loss += found[0]
            gradCenterVecs[centre] += found[1]
            gradOutsideVectors += found[2]
        """,
    "sgd": """
        loss, gradient = f(x)
        x = x - step * gradient
        """,
}


def fill(folder, names=METHODS):
    """Put the solution into the gaps of a skeleton."""
    for path in (folder / "word2vec.py", folder / "sgd.py"):
        content = path.read_text(encoding="utf-8")
        for name in names:
            code = textwrap.dedent(SOLUTION[name]).strip()
            gap = re.compile(rf'^( *)raise NotImplementedError\("{name} is not written yet"\)$', re.MULTILINE)
            content = gap.sub(lambda found, code=code: textwrap.indent(code, found[1]), content)
        path.write_text(content, encoding="utf-8")


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """The skeleton as it is written, and the same with the gaps filled."""
    unfilled, filled = (tmp_path_factory.mktemp("exercises") / name for name in ("unfilled", "filled"))
    for folder in (unfilled, filled):
        starter.write(folder)
    fill(filled)
    return unfilled, filled


def test_every_gap_is_marked_and_has_a_solution_here(folders):
    unfilled, filled = folders
    gaps = []
    for name in ("word2vec.py", "sgd.py"):
        content = (unfilled / name).read_text(encoding="utf-8")
        gaps += re.findall(
            r'# ==== Your code here.* ====\n *raise NotImplementedError\("(\w+) is not written yet"\)\n'
            r" *# ==== End of your code ====",
            content,
        )
        assert "NotImplementedError(" not in (filled / name).read_text(encoding="utf-8")
    assert gaps == METHODS


def test_unfilled_it_has_no_points_and_every_hint_says_so(folders):
    grading = grade(collect(folders[0]), text(), PARTS, 0)
    assert (grading.points, grading.possible) == (0, 16)
    for part, method in zip(PARTS, METHODS, strict=True):
        messages = [result.outcome.message for result in grading.of_part(part)]
        assert any(f"{method} is not written yet" in message for message in messages)
    hints = {hint for result in grading.results for hint in result.outcome.hints}
    assert hints == {"this is still to be written"}


def test_filled_it_has_all_points_for_code(folders):
    grading = grade(collect(folders[1]), text(), [*PARTS, "training"], 0)
    missed = [result.line.check for result in grading.results if not result.outcome.passed]
    assert missed == ["parameters", "fit", "plot"]  # of the training, which has not been done
    assert grading.points == 16.5


def test_one_gap_filled_earns_its_own_points(folders, tmp_path):
    starter.write(tmp_path / "mine")
    fill(tmp_path / "mine", ["sigmoid"])
    grading = grade(collect(tmp_path / "mine"), text(), ["sigmoid", "softmax"], 0)
    assert [sum(r.points for r in grading.of_part(part)) for part in ("sigmoid", "softmax")] == [1, 0]


def module(folder, name, monkeypatch):
    """A module of the folder, in this process."""
    spec = importlib.util.spec_from_file_location(f"of_{folder.name}_{name}", folder / f"{name}.py")
    found = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, found)
    spec.loader.exec_module(found)
    return found


@pytest.mark.parametrize("arguments", [[], ["explain", "naiveSoftmaxLossAndGradient"]])
def test_the_self_tests_and_explanations_work(folders, monkeypatch, capsys, arguments):
    monkeypatch.setattr(sys, "argv", ["word2vec.py", *arguments])
    unfilled, filled = (module(folder, "word2vec", monkeypatch) for folder in folders)
    assert filled.main() == 0
    out = capsys.readouterr().out
    assert "FAILED" not in out and "they differ" not in out
    assert unfilled.main() == 1
    missing = arguments[-1] if arguments else "sigmoid"
    assert capsys.readouterr().out.endswith(f"\n{missing} is not written yet\n")


def test_what_cannot_be_tested_is_refused(folders, monkeypatch, capsys):
    for arguments in (["nothing"], ["all", "too"], ["explain", "nothing"]):
        monkeypatch.setattr(sys, "argv", ["word2vec.py", *arguments])
        assert module(folders[1], "word2vec", monkeypatch).main() == 2
        assert capsys.readouterr().out.startswith("error: there is nothing to ")


def test_the_optimiser_is_tested_on_quadratics(folders, monkeypatch, capsys):
    unfilled, filled = (module(folder, "sgd", monkeypatch) for folder in folders)
    assert filled.main() == 0
    assert capsys.readouterr().out.count("passed: ") == 3
    assert unfilled.main() == 1
    assert capsys.readouterr().out == "sgd is not written yet\n"


def test_it_trains_and_draws_the_map(folders):
    folder = folders[1]
    command = [sys.executable, "run.py", "--sample", "--iterations", "20"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert [line.split(":")[0] for line in done.stdout.splitlines()] == ["iter 10", "iter 20", "wrote word_vectors.png"]
    assert f"`{done.stdout.splitlines()[0]}`" in PAGE.read_text(encoding="utf-8")  # what the page says to expect
    assert (folder / "word_vectors.png").read_bytes().startswith(b"\x89PNG")


# The page


def test_the_page_names_commands_and_options_that_exist():
    page = PAGE.read_text(encoding="utf-8")
    assert {*PARTS} < {*re.findall(r"grade\.py \S+ --only ([a-z]\w+)", page)} <= {*PART_TITLES}
    letters = re.findall(r"answers\.txt --only ([a-z]\w*)", page)
    assert letters and {*letters} <= {question.letter for question in QUESTIONS}
    assert {method for method in METHODS if f"python word2vec.py {method}" in page} == {*METHODS} - {"sgd"}
    for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", page):
        assert target.startswith("https://") or (PROJECT / "docs" / target).exists(), target
    equations = (PROJECT / "docs" / "derivations.md").read_text(encoding="utf-8")
    for number in re.findall(r"\((\d+)\)", page):
        assert rf"\tag{{{number}}}" in equations
