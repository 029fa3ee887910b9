"""The same seed gives the same bytes: in other processes, with other hashes, on other numbers of cores and threads."""

import os
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

import run
from utils.system.paths import PROJECT

PROGRAM = """
import sys
import run
from utils.minibatches import ahead
from utils.system import console

elsewhere = ahead.elsewhere

def noting(stretches):
    print("a second process", file=sys.stderr)
    return elsewhere(stretches)

ahead.elsewhere = noting
if "negative-sampling" in sys.argv:  # the pictures of the other loss are compared
    run.draw = lambda *arguments: None
console.run(run.main, sys.argv[1:])
"""
ITERATIONS = {"negative-sampling": 60, "naive-softmax": 9}


def threads(n):
    names = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
    return dict.fromkeys(names, str(n))


@pytest.fixture(scope="module")
def large_folder(tmp_path_factory, write_treebank):
    """20,000 words: matrix products large enough to be shared out among threads."""
    words = [f"w{i}" for i in range(20_000)]
    text = [" ".join(words[i : i + 20]) for i in range(0, len(words), 20)]
    return write_treebank(tmp_path_factory.mktemp("large") / "treebank", text)


@pytest.fixture
def train(tmp_path, large_folder, sample_folder):
    """Train in a process of its own: train("naive-softmax", cores=1, PYTHONHASHSEED="3") -> what came of it."""

    def call(loss, cores=None, **environment):
        folder = tmp_path / f"run-{len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        options = ["--data", str(sample_folder), "--negatives", "200", "--dim", "2"]
        if loss == "naive-softmax":
            options = ["--data", str(large_folder), "--words", "w1,w2,w3", "--step", "10"]
        options += ["--loss", loss, "--iterations", str(ITERATIONS[loss]), "--print-every", "3"]
        called = subprocess.run(
            [sys.executable, "-c", PROGRAM, *options],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(PROJECT), **environment},
            preexec_fn=(lambda: os.sched_setaffinity(0, cores)) if cores else None,
            capture_output=True,
            encoding="utf-8",
            timeout=100,
        )
        assert called.returncode == 0, called.stderr
        lines = [line for line in called.stdout.splitlines() if not line.startswith("training took ")]
        files = {path.name: path.read_bytes() for path in folder.iterdir() if not path.name.startswith(".")}
        assert any(name.endswith(".npy") for name in files)
        assert sum(line.startswith("iter ") for line in lines) == ITERATIONS[loss] // 3
        printed = "\n".join(lines).replace(str(folder.resolve()), "HERE")
        return SimpleNamespace(files=files, printed=printed, second_process="a second process" in called.stderr)

    return call


def assert_same(one, other):
    assert other.printed == one.printed
    assert other.files == one.files


@pytest.mark.parametrize("loss", ["negative-sampling", pytest.param("naive-softmax", marks=pytest.mark.thorough)])
def test_cores_hashes_and_threads_change_neither_a_byte_nor_a_line(train, loss):
    """With two cores, a second process decodes the random stream of a long training; with one there is none."""
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_setaffinity") else []
    one = train(loss, cores=cores[:1], PYTHONHASHSEED="0", **threads(1))
    two = train(loss, cores=cores[:2], PYTHONHASHSEED="1", **threads(4))
    if len(cores) > 1:
        assert not one.second_process
        assert two.second_process == (loss == "negative-sampling")
    assert_same(one, two)


@pytest.mark.parametrize("loss", ITERATIONS)
def test_another_seed_gives_other_vectors_and_losses(sample_folder, tmp_path, capsys, monkeypatch, loss):
    monkeypatch.setattr("utils.pictures.wordmap.word_map", lambda *arguments: None)
    seen = []
    for seed in ("1", "1", "2"):
        folder = tmp_path / str(len(seen))
        options = ["--data", str(sample_folder), "--loss", loss, "--iterations", "4", "--print-every", "1"]
        run.main([*options, "--seed", seed, "--out", str(folder)])
        lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("iter ")]
        seen.append((np.load(folder / "saved_params_4.npy").tobytes(), lines))
    assert seen[0] == seen[1]
    assert seen[0][0] != seen[2][0]
    assert not set(seen[0][1]) & set(seen[2][1])
