"""The self-tests `python word2vec.py` and `python sgd.py`: they pass, they can fail, and their status says which."""

import re

import numpy as np
import pytest

import count
import run
import sgd
import word2vec
from utils.system import console
from utils.system.paths import PROJECT

METHODS = ["sigmoid", "naiveSoftmaxLossAndGradient", "negSamplingLossAndGradient", "skipgram"]


def status_of(main, *arguments):
    with pytest.raises(SystemExit) as leaving:
        console.run(main, list(arguments))
    return leaving.value.code


def test_the_self_tests_of_all_methods_pass(command):
    called = command("word2vec.py")
    assert called.returncode == 0, called.stdout
    assert [line[3:] for line in called.stdout.splitlines() if line.startswith("== ")] == METHODS
    assert called.stdout.splitlines()[-1].endswith("checks, all passed")


@pytest.mark.parametrize("method", METHODS[:3])  # that of skipgram takes a second, and is among all
def test_the_self_test_of_one_method_passes_and_tests_no_other(capsys, method):
    assert status_of(word2vec.main, method) == 0
    out = capsys.readouterr().out
    assert [line[3:] for line in out.splitlines() if line.startswith("== ")] == [method]
    assert re.search(r"\n[1-9]\d* checks, all passed\n$", out)


def test_an_unknown_method_is_status_2_and_one_line_with_those_there_are(capsys):
    assert status_of(word2vec.main, "sigmiod") == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert all(method in err for method in ["sigmiod", *METHODS, "all"])


def scaled(original, which):
    """The loss function with one of its two gradients 1 % too large."""

    def wrong(*args, **kwargs):
        answer = list(original(*args, **kwargs))
        answer[which] = answer[which] * 1.01
        return tuple(answer)

    wrong.__name__ = original.__name__
    return wrong


@pytest.mark.parametrize("which, named", [(1, "gradCenterVec"), (2, "gradOutsideVecs")])
@pytest.mark.parametrize("method", ["naiveSoftmaxLossAndGradient", "negSamplingLossAndGradient"])
def test_a_wrong_gradient_is_status_1_and_told_with_its_place_and_numbers(monkeypatch, capsys, method, which, named):
    monkeypatch.setattr(word2vec, method, scaled(getattr(word2vec, method), which))
    assert status_of(word2vec.main, method) == 1
    out = capsys.readouterr().out
    place = r"at index \(\d+,( \d+)?\): analytic (-?[\d.e-]+), numeric (-?[\d.e-]+), step 0.0001"
    found = re.search(rf"FAILED: {method}, {named}: {place}", out)
    # Differences of step 1e-4 are right to about 1e-8; printed are ten digits.
    assert float(found[2]) == pytest.approx(1.01 * float(found[3]), rel=1e-5)
    assert "FAILED\n" in out


@pytest.mark.parametrize(
    "name, wrong",
    [
        ("sigmoid", lambda x: 1 / (1 + np.exp(np.asarray(x)))),
        ("skipgram", scaled(word2vec.skipgram, 0)),
        ("skipgram", scaled(word2vec.skipgram, 1)),
        ("skipgram", scaled(word2vec.skipgram, 2)),
    ],
)
def test_a_wrong_method_is_status_1(monkeypatch, capsys, name, wrong):
    monkeypatch.setattr(word2vec, name, wrong)
    with np.errstate(over="ignore"):
        assert status_of(word2vec.main, name) == 1
    assert "FAILED" in capsys.readouterr().out


def test_the_sanity_check_of_sgd_passes(command):
    called = command("sgd.py")
    assert called.returncode == 0, called.stdout
    assert sum(line.startswith("passed: ") for line in called.stdout.splitlines()) == 3
    assert "FAILED" not in called.stdout


@pytest.mark.parametrize(
    "broken",
    [
        lambda f, x0, step, iterations, **options: x0,
        lambda f, x0, step, iterations, **options: x0 + step * f(x0)[1],
        lambda f, x0, step, iterations, **options: np.nan,
        lambda f, x0, step, iterations, **options: np.float64(1.1e-6),
    ],
)
def test_the_sanity_check_of_a_broken_sgd_fails(monkeypatch, capsys, broken):
    monkeypatch.setattr(sgd, "sgd", broken)
    assert status_of(sgd.main) == 1
    assert "FAILED" in capsys.readouterr().out


@pytest.mark.parametrize("module", [run, sgd, word2vec])
def test_help_is_printed_with_status_0(capsys, module):
    assert status_of(module.main, "--help") == 0
    assert "usage: " in capsys.readouterr().out


def test_help_names_every_option_of_the_training_asked_for_and_how_to_see_the_others(capsys):
    def shown(*arguments):
        status_of(run.main, *arguments, "--help")
        text = capsys.readouterr().out
        return set(re.findall(r"^  (--[a-z-]+)", text, flags=re.MULTILINE)), " ".join(text.split())

    both = {
        *("--data", "--sample", "--dim", "--window", "--negatives", "--batch", "--step", "--seed", "--out", "--save"),
        *("--vectors", "--keep", "--fresh", "--print-every", "--words", "--animate", "--quiet"),
    }
    options, text = shown()
    assert options == both | {"--iterations", "--loss"}
    assert "python run.py --epochs 5 --help" in text
    by_epochs = {
        *("--epochs", "--model", "--noise", "--held-out", "--subsample", "--subsample-form", "--dtype", "--workers"),
        "--cluster",
        *("--corpus", "--lowercase", "--keep-case", "--token-pattern", "--min-count", "--max-vocab"),
        *("--encoding-errors", "--cache", "--init", "--continue", "--freeze", "--subwords", "--buckets"),
    }
    for arguments in (("--corpus", "x"), ("--epochs", "5"), ("--epochs=5",)):
        options, text = shown(*arguments)
        assert options == both | by_epochs
        assert text.endswith("python run.py --help")


@pytest.mark.parametrize("module", [sgd, word2vec])
def test_an_unknown_option_is_status_2_and_one_line(capsys, module):
    assert status_of(module.main, "--frobnicate") == 2
    assert capsys.readouterr().err.count("\n") == 1


TRAIN_AND_COUNT = """
import contextlib, count, run
from utils.system import console

run.draw = count.draw = lambda *arguments: None
for command, options in ((run, ["--epochs", "1"]), (count, [])):
    with contextlib.suppress(SystemExit):
        saved = f"{command.__name__}.txt"
        console.run(command.main, ["--corpus", "text.txt", "--dim", "3", "--save", saved, *options])
"""


def test_words_that_standard_output_cannot_encode_are_escaped_and_nothing_is_lost(command, tmp_path):
    (tmp_path / "text.txt").write_text("猫 狗 鱼 мама мыла раму\n" * 12, encoding="utf-8")
    (tmp_path / "both.py").write_text(TRAIN_AND_COUNT, encoding="utf-8")
    called = command(tmp_path / "both.py", env={"PYTHONIOENCODING": "cp1252", "PYTHONPATH": str(PROJECT)})
    assert called.returncode == 0, called.stderr
    assert sum(line.startswith(r"  \u732b ") for line in called.stdout.splitlines()) == 2
    for name in ("run.txt", "count.txt"):
        assert (tmp_path / name).read_text(encoding="utf-8").count("раму ") == 1


@pytest.mark.parametrize("module", [run, count])
@pytest.mark.parametrize("name", ["text.txt", "./text.txt", "link.txt"])
def test_a_text_is_not_written_over(tmp_path, monkeypatch, capsys, module, name):
    text = "one two three four\n" * 12
    (tmp_path / "text.txt").write_text(text, encoding="utf-8")
    (tmp_path / "link.txt").symlink_to("text.txt")
    monkeypatch.chdir(tmp_path)
    assert status_of(module.main, "--corpus", "text.txt", "--save", name) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert "text.txt, which is read: choose another name" in err
    assert (tmp_path / "text.txt").read_text(encoding="utf-8") == text
