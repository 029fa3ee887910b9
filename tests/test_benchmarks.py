"""The benchmarks run, and their tables follow from what was measured. How fast anything is, no test says."""

import importlib.util
import inspect
import re
import subprocess
import sys

import bench
import bench_count
import bench_vectors
import numpy as np
import pytest
import tables as tables_of_quality
from scipy.sparse import random_array

from utils.scoring.wordsets import score_pairs
from utils.treebank import StanfordSentiment
from utils.vectors.wordvectors import WordVectors

SMALL = {
    "bench.py": ["The handout's training: 400 iterations", "Agreement and the naive softmax", "Time of an iteration"],
    "bench_count.py": ["The treebank: ", "Counting a Zipf corpus", "Growth: ", "Workers: 200,000 words"],
}


def tables(markdown):
    """The rows of all tables, as lists of cells, heads left out."""
    blocks = re.findall(r"(?:^\|.*\n)+", markdown, re.MULTILINE)
    return [[[cell.strip() for cell in row.split("|")[1:-1]] for row in block.splitlines()[2:]] for block in blocks]


@pytest.fixture
def in_this_process(monkeypatch):
    """Measure here what has a process of its own, to start none for each figure; run.py as a whole runs once."""
    for module in (bench, bench_count):
        monkeypatch.setattr(module, "in_process", lambda function, *arguments, cores=1: function(*arguments))
    whole_process, runs = bench.whole_process, []

    def once(*arguments):
        runs[:] = runs or [whole_process(*arguments)]
        return runs[0]

    monkeypatch.setattr(bench, "whole_process", once)


@pytest.mark.thorough
@pytest.mark.filterwarnings("default")  # of gensim, about itself
@pytest.mark.parametrize("module", [bench, bench_count], ids=SMALL)
def test_the_small_form_runs_every_section_and_writes_what_it_prints(
    in_this_process, sample_folder, tmp_path, monkeypatch, capsys, module
):
    arguments = ["--small", "--data", str(sample_folder), "--write", str(tmp_path / "report.md")]
    monkeypatch.setattr(sys, "argv", [module.__name__, *arguments])
    bench.main(module.__doc__, "A title", "A note.", module.SECTIONS, module.FULL, module.SMALL)
    out = capsys.readouterr().out
    assert (tmp_path / "report.md").read_text(encoding="utf-8") == out.rstrip() + "\n"
    assert [path.name for path in tmp_path.iterdir()] == ["report.md"]
    found, expected = re.findall("^## (.*)", out, re.MULTILINE), SMALL[f"{module.__name__}.py"]
    assert [title[: len(wanted)] for title, wanted in zip(found, expected, strict=True)] == expected
    assert all(table for table in tables(out))
    cells = [cell for table in tables(out) for row in table for cell in row]
    assert not {"nan", "inf", "None"} & set(" ".join(cells).split())
    if module is bench:
        difference = re.search(r"no parameter differs from .* by more than (\S+)\.\n", out)[1]
        assert 0 <= float(difference) < 1e-12  # twenty iterations of roundings
        assert ("gensim is not installed" in out) == (importlib.util.find_spec("gensim") is None)


def test_a_measurement_has_a_process_of_its_own_on_as_many_cores_as_it_may_use():
    assert ", 1 cores;" in bench.in_process(bench.machine)
    assert bench.in_process(bench.machine, cores=1000) == bench.machine()
    with pytest.raises(subprocess.CalledProcessError):
        bench.in_process(bench_count.treebank, "nowhere", 2)


@pytest.mark.parametrize("script", SMALL)
def test_a_missing_treebank_and_a_missing_folder_are_told_at_once(command, script):
    done = command(f"benchmarks/{script}", "--data", "nowhere")
    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch(r"error: \S*nowhere is not a folder: .*get_datasets.sh.*--small.*\n", done.stderr)
    done = command(f"benchmarks/{script}", "--small", "--write", "nowhere/report.md")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: cannot write nowhere/report.md: its folder does not exist")


@pytest.mark.thorough
def test_the_training_by_epochs_is_measured_on_a_text(command, tmp_path, sample_folder, reference_folder):
    lines = [" ".join(sentence) for sentence in StanfordSentiment(sample_folder).sentences()]
    (tmp_path / "text.txt").write_text("\n".join(lines * 3), encoding="utf-8")
    arguments = ("text.txt", "--sets", reference_folder, "--small", "--models", "skip-gram", "--write", "report.md")
    done = command("benchmarks/bench_epochs.py", *arguments, timeout=600)
    assert done.returncode == 0, done.stderr
    (rows,) = tables((tmp_path / "report.md").read_text(encoding="utf-8"))
    others = [name for name in ("gensim", "fasttext") if importlib.util.find_spec(name)]
    assert [row[3] for row in rows] == ["here", *others]


@pytest.mark.thorough
def test_glove_is_measured_on_a_text(command, tmp_path, sample_folder, reference_folder):
    lines = [" ".join(sentence) for sentence in StanfordSentiment(sample_folder).sentences()]
    (tmp_path / "text.txt").write_text("\n".join(lines), encoding="utf-8")
    arguments = ("text.txt", "--sets", reference_folder, "--small", "--dim", "5", "--write", "report.md")
    done = command("benchmarks/bench_glove.py", *arguments, timeout=600)
    assert done.returncode == 0, done.stderr
    report = (tmp_path / "report.md").read_text(encoding="utf-8")
    iterations, (scores,) = tables(report)
    assert [row[0] for row in iterations] == ["1", "2"]
    assert 0 < float(iterations[1][2]) < float(iterations[0][2]) < 5
    assert len(scores) == 5  # Rare Words among them, and analogies
    assert int(re.search(r"words, ([\d,]+) cells, d = 5; counting", report)[1].replace(",", "")) > 1000


# Comparison of the training, from given figures


@pytest.fixture
def comparison(monkeypatch):
    """comparison(gensim=bool) -> the report's lines, where ours takes 2, 3, 7 s, gensim 2 s and one loop 0.5 s."""

    def compare(gensim):
        figures = {("ours", 2): [2.0, 7.0, 3.0], ("ours", 1): [6.0] * 3, ("gensim", 2): [2.0] * 3, ("loop", 1): [0.5]}
        monkeypatch.setattr(bench, "in_process", lambda function, *_, cores=1: figures[function.__name__, cores].pop())
        monkeypatch.setattr(bench.importlib.util, "find_spec", lambda name: "there" if gensim else None)
        report = bench.Report()
        bench.report_comparison(report, "DIR", bench.SMALL._replace(rounds=3, iterations=60, loop=4), pairs=9)
        return report.lines

    return compare


def test_the_comparison_is_by_medians_with_gensim_and_the_loop(comparison):
    lines = comparison(gensim=True)
    assert lines[0].split("|")[3].strip() == "ratio to gensim"
    assert tables("\n".join(lines)) == [[
        ["here, two cores", "3.00 (2.00 to 7.00)", "1.50", "10"],
        ["here, one core", "6.00 (6.00 to 6.00)", "3.00", "5"],
        ["gensim, 1 worker", "2.00 (2.00 to 2.00)", "1.00", "15"],
        ["handout's loop", "30, extrapolated from 4 iterations", "", "1"],
    ]]  # fmt: skip


def test_without_gensim_the_comparison_says_so_and_leaves_it_out(comparison):
    lines = comparison(gensim=False)
    assert lines[0].startswith("gensim is not installed (requirements-bench.txt has it)")
    assert tables("\n".join(lines)) == [[
        ["here, two cores", "3.00 (2.00 to 7.00)", "10"],
        ["here, one core", "6.00 (6.00 to 6.00)", "5"],
        ["handout's loop", "30, extrapolated from 4 iterations", "1"],
    ]]  # fmt: skip


# Tables of quality, and files of vectors


@pytest.fixture
def small_text(tmp_path, sample_folder):
    """A folder with a text and two evaluation sets of its words."""
    lines = [" ".join(sentence) for sentence in StanfordSentiment(sample_folder).sentences()]
    (tmp_path / "text.txt").write_text("\n".join(lines * 3), encoding="utf-8")
    (tmp_path / "sets").mkdir()
    pairs = [("rain", "snow", 9), ("coffee", "tea", 8), ("king", "queen", 7.5), ("film", "rain", 1)]
    lines = "".join(f"{a}\t{b}\t{score}\n" for a, b, score in pairs)
    (tmp_path / "sets/wordsim353.tsv").write_text(lines, encoding="utf-8")
    (tmp_path / "sets/questions-words.txt").write_text(": family\nking queen man woman\n", encoding="utf-8")
    return tmp_path


def test_the_tables_are_resumed_and_show_what_was_measured(small_text, sample_folder, monkeypatch, capsys):
    lines = {
        "methods": lambda: [
            tables_of_quality.Line("PPMI", "counts", {"dim": 0}),
            tables_of_quality.Line("PPMI + SVD", "counts", {"eig": 0.5}),
            tables_of_quality.Line("closed form", "closed-form"),
            tables_of_quality.Line("skip-gram", "skip-gram", {"model": "skip-gram"}),
        ],
        "hyperparameters": lambda: [tables_of_quality.Line("the same", "counts", {"eig": 0.5})],
        "sentiment": lambda: [tables_of_quality.Line("PPMI + SVD", "counts", {"eig": 0.5})],
    }
    monkeypatch.setattr(tables_of_quality, "TABLES", lines)
    measured = []

    def in_process(function, *arguments):
        measured.append(arguments[-3:])
        return function(*arguments)

    monkeypatch.setattr(tables_of_quality, "in_process", in_process)

    def run(*options):
        given = [small_text / "text.txt", "--sets", small_text / "sets", "--small", "--results", small_text / "r.jsonl"]
        monkeypatch.setattr(sys, "argv", ["tables.py", *map(str, [*given, *options])])
        tables_of_quality.main()
        return tables(capsys.readouterr().out)

    assert run("--methods") == [[], []] and not measured
    ((ppmi, svd),) = run("--only", "methods", "--methods", "counts")
    assert [ppmi[0], svd[0]] == ["PPMI", "PPMI + SVD"] and ppmi[6] == "-" != svd[6]  # no analogies of sparse rows
    rho, others = float(svd[1]), svd[2:6]
    assert -1 <= rho <= 1 and others == ["-"] * 4 and svd[-1] == "1"
    assert measured == [("counts", 0, {"dim": 0}), ("counts", 0, {"eig": 0.5})]
    measured.clear()
    three = run("--data", sample_folder, "--seeds", "2")
    assert three[0][:2] == [ppmi, svd] and [row[0] for row in three[0][2:]] == ["closed form", "skip-gram"]
    assert three[1] == [["the same", *svd[1:]]]  # as it was asked for above
    ((_, *cells, seeds),) = three[2]
    assert all(0 < float(cell) < 100 for cell in cells) and seeds == "1"
    assert [name for name, *_ in measured] == ["closed-form", "skip-gram", "counts"]  # small: one seed
    measured.clear()
    assert run("--data", sample_folder, "--write", small_text / "t.md") == three and not measured
    assert tables((small_text / "t.md").read_text(encoding="utf-8")) == three


def test_the_lines_of_the_tables_have_functions_that_take_their_options():
    for make in tables_of_quality.TABLES.values():
        for line in make():
            function = tables_of_quality.METHODS[line.method]
            assert set(line.options) <= set(inspect.signature(function).parameters), line
    keys = [(line.method, str(line.options)) for make in tables_of_quality.TABLES.values() for line in make()]
    assert len(set(keys)) >= len(keys) - 2  # "as above" is measured once


def test_rows_too_long_to_be_dense_are_scored_as_if_they_were():
    rng = np.random.default_rng(0)
    rows = random_array((9, 40), density=0.3, format="csr", rng=rng)
    words = [f"w{i}" for i in range(9)]
    pairs = [("w0", "W1", 1.0), ("w2", "w3", 3.0), ("w4", "w5", 2.0), ("w6", "w0", 0.0), ("w7", "none", 9.0)]
    dense = score_pairs(WordVectors(words, rows.toarray()), pairs)
    assert tables_of_quality.rho_of_rows(words, rows, pairs) == pytest.approx(dense.rho, rel=1e-12)


def test_files_of_vectors_are_measured(small_text, monkeypatch, capsys):
    monkeypatch.setattr(bench_vectors, "in_process", lambda function, *arguments, cores=1: function(*arguments))
    options = ["--small", "--sets", str(small_text / "sets"), "--write", str(small_text / "report.md")]
    monkeypatch.setattr(sys, "argv", ["bench_vectors.py", *options])
    bench_vectors.main()
    out = capsys.readouterr().out
    assert (small_text / "report.md").read_text(encoding="utf-8") == out.rstrip() + "\n"
    (rows,) = tables(out)
    known = [".txt, gensim"] if importlib.util.find_spec("gensim") else []
    assert [row[0] for row in rows] == [".txt", ".bin", ".npz", *known]
    assert all(float(row[3]) >= 1 for row in rows[:3])  # 2,000 words of 100 dimensions: 0.8 MB in single precision
    assert re.search(r"Scoring on all .* \d+\.\d CPU\n", out)
