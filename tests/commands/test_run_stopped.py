"""run.py stopped by a signal, by what it was given or by the machine: one line says why, nothing is half-written."""

import os
import re
import shutil
import signal
import subprocess
import sys
import threading

import numpy as np
import pytest

import run
import sgd
from utils import treebank as treebank_module
from utils.commands import inputs
from utils.system import console
from utils.system.errors import InputError
from utils.system.paths import PROJECT
from utils.treebank import StanfordSentiment


@pytest.fixture
def refused(tmp_path, capsys):
    """Call run.main in this process, which must fail: refused("--dim", 0) -> (status, the one line of the error)."""

    def call(*arguments):
        with pytest.raises(SystemExit) as leaving:
            console.run(run.main, ["--out", str(tmp_path / "out"), *map(str, arguments)])
        err = capsys.readouterr().err
        assert err.startswith("error: ")
        assert err.count("\n") == 1
        return leaving.value.code, err

    return call


def files(folder):
    paths = folder.iterdir() if folder.exists() else []
    return {path.name: path.read_bytes() for path in paths if path.is_file()}


# Signals, sent while a run that would take very long prints its losses

needs_signals = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals for processes")


@pytest.fixture
def stop(sample_folder, tmp_path):
    """Start a run, call `send(process)` once it has printed the line of an iteration: (status, standard error)."""

    def call(send, iteration, settings):
        arguments = [*settings, "--iterations", 10**7, "--print-every", 1, "--out", "out"]
        with subprocess.Popen(
            [sys.executable, PROJECT / "run.py", *map(str, arguments)],
            cwd=tmp_path,
            env={**os.environ, "PYTHONUNBUFFERED": ""},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            start_new_session=True,
        ) as training:
            hung = []

            def lose_patience():
                hung.append(training)
                os.killpg(training.pid, signal.SIGKILL)

            patience = threading.Timer(100, lose_patience)
            patience.start()  # a run that hangs must not hang the tests
            while not training.stdout.readline().startswith(f"iter {iteration}:"):
                assert training.poll() is None
            send(training)
            _, err = training.communicate()  # ends when the last process that can write there has ended
            patience.cancel()
        assert not hung
        return training.returncode, err

    return call


def as_by_the_keyboard(process):
    os.killpg(process.pid, signal.SIGINT)


def as_by_a_closed_terminal(process):
    os.killpg(process.pid, signal.SIGHUP)


@pytest.fixture
def assert_continued(capsys, tmp_path):
    """Assert that the run continued from `iteration` ends as one that never stopped."""

    def call(iteration, settings):
        printed, losses = {}, {}
        for out in ("out", "whole"):
            arguments = [*settings, "--iterations", iteration + 10, "--print-every", 1, "--out", tmp_path / out]
            assert run.main(list(map(str, arguments))) == 0
            printed[out] = capsys.readouterr().out
            losses[out] = [line for line in printed[out].splitlines() if line.startswith("iter ")]
        assert f"continuing from iteration {iteration} " in printed["out"]
        assert losses["out"] == losses["whole"][-10:]
        for name in (f"saved_params_{iteration + 10}.npy", "word_vectors.png", "losses.csv", "loss.png"):
            assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()

    return call


@needs_signals
@pytest.mark.parametrize(
    "send, at, expected",
    # At iteration 600 a second process is at work, if there is a core for it.
    [
        (as_by_the_keyboard, 600, 130),
        (subprocess.Popen.terminate, 10, 143),
        (as_by_a_closed_terminal, 10, 129),
    ],
)
def test_a_run_that_is_stopped_can_be_continued_as_if_nothing_had_happened(
    stop, assert_continued, sample_folder, tmp_path, send, at, expected
):
    settings = ["--data", sample_folder, "--words", "coffee,tea"]
    status, err = stop(send, at, settings)
    assert status == expected
    stopped = re.fullmatch(r"stopped after iteration (\d+) and saved; run it again to continue\n", err)
    iteration = int(stopped[1])
    saved = {f"saved_params_{iteration}.npy", f"saved_state_{iteration}.json", "losses.csv"}
    assert files(tmp_path / "out").keys() == saved
    assert_continued(iteration, settings)


@needs_signals
def test_a_run_that_is_told_twice_to_stop_leaves_nothing_half_written(stop, sample_folder, tmp_path):
    def send(process):
        process.send_signal(signal.SIGTERM)
        process.send_signal(signal.SIGTERM)  # may come when the first one has been obeyed

    status, err = stop(send, 10, ["--data", sample_folder, "--words", "coffee,tea"])
    assert status == 128 + signal.SIGTERM
    assert re.fullmatch(r"stopped( at once| after iteration \d+ and saved; run it again to continue)?\n", err)
    names = files(tmp_path / "out").keys() - {"losses.csv"}
    assert {name.partition("_")[2].partition("_")[0] for name in names} in (set(), {"params", "state"})


@needs_signals
def test_a_killed_run_takes_its_helper_with_it(stop, sample_folder):
    # `stop` waits for the last process that can write to standard error, as the helper can, and fails if it stays.
    assert stop(subprocess.Popen.kill, 600, ["--data", sample_folder, "--words", "coffee,tea"]) == (-signal.SIGKILL, "")


# Two runs in one folder


@needs_signals
def test_a_second_run_in_the_folder_is_refused_and_told_who_is_there(stop, refused, sample_folder, tmp_path):
    settings = ["--data", sample_folder, "--words", "coffee,tea"]
    refusals = []

    def second(process):
        for extra in ([], ["--fresh"]):
            refusals.append(refused(*settings, *extra))
        refusals.append(process.pid)
        process.kill()

    stop(second, 10, settings)
    (status, line), (fresh_status, fresh_line), pid = refusals
    assert (status, fresh_status) == (2, 2)
    expected = (
        rf"error: {tmp_path / 'out'} is in use by process {pid} on \S+, since [-0-9]+ [:0-9]+: "
        r"wait for it to end, or use another folder \(--out\)\n"
    )
    assert re.fullmatch(expected, line)
    assert re.fullmatch(expected, fresh_line)
    # What the killed run has left is no obstacle.
    assert files(tmp_path / "out").keys() == {".saved.lock"}
    assert run.main([*map(str, settings), "--iterations", "3", "--quiet", "--out", str(tmp_path / "out")]) == 0
    assert ".saved.lock" not in files(tmp_path / "out")


# What it finds in its folder


@pytest.fixture
def train(sample_folder, tmp_path, monkeypatch):
    """Train in this process, with a checkpoint every 4 iterations: train("--keep", 2) -> the names in the folder."""
    monkeypatch.setattr(sgd, "SAVE_PARAMS_EVERY", 4)
    monkeypatch.setattr("utils.pictures.wordmap.word_map", lambda *args: None)

    def call(*options, iterations=14):
        arguments = ["--data", sample_folder, "--out", tmp_path / "out", "--quiet", "--iterations", iterations]
        assert run.main(list(map(str, [*arguments, *options]))) == 0
        return {name for name in files(tmp_path / "out") if name.startswith("saved_params")}

    return call


def params(*iterations):
    return {f"saved_params_{iteration}.npy" for iteration in iterations}


def test_all_checkpoints_are_kept_unless_fewer_are_asked_for(train):
    assert train() == params(4, 8, 12, 14)
    assert train("--keep", 3) == params(8, 12, 14)
    assert train("--keep", 2, iterations=15) == params(14, 15)


def test_what_killed_runs_left_half_written_is_cleaned_up(train, tmp_path):
    train()
    for name in (".word_vectors.png.abcdefgh.part", ".saved_params_8.npy.abcdefgh.part", ".saved.lock"):
        (tmp_path / "out" / name).write_bytes(b"left")
    train()
    assert not [name for name in files(tmp_path / "out") if name.startswith(".")]


def test_parameters_of_the_handouts_without_a_state_are_refused_and_stay(refused, train, sample_folder, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    np.save(out / "saved_params_40000.npy", np.ones((4, 2)))
    before = files(out)
    status, line = refused("--data", sample_folder, "--iterations", 4)
    assert status == 2
    assert f"{out / 'saved_params_40000.npy'} has no saved_state_40000.json beside it" in line
    assert "another folder (--out) or --fresh" in line
    assert files(out) == before
    assert train("--fresh", iterations=4) == params(4)
    assert files(out / "previous-1") == before


def test_a_damaged_newest_checkpoint_is_passed_over(train, tmp_path, capsys):
    train()
    whole = files(tmp_path / "out")
    (tmp_path / "out" / "saved_params_14.npy").write_bytes(b"damaged")
    train()
    assert re.fullmatch(r"checkpoint 14 in .*/out is passed over: .*\n", capsys.readouterr().err)
    assert files(tmp_path / "out") == whole


# What it was given

BAD_WHOLE_NUMBERS = ("0", "-1", "2.5", "nan", "abc", "")
WHOLE_NUMBERS = ("--iterations", "--dim", "--window", "--negatives", "--batch", "--print-every")


@pytest.mark.parametrize(
    "option, value",
    [
        *((option, value) for option in WHOLE_NUMBERS for value in BAD_WHOLE_NUMBERS),
        *(("--step", value) for value in ("0", "-1", "nan", "inf", "abc", "")),
        *(("--seed", value) for value in ("-1", "2.5", "nan", "abc", "", 2**32)),
        *(("--loss", value) for value in ("softmax", "")),
    ],
)
def test_a_bad_value_is_refused_by_option_and_value(refused, tmp_path, option, value):
    status, line = refused("--sample", option, value)
    assert status == 2
    assert option in line
    assert repr(value) in line or f"got {value}" in line
    assert files(tmp_path / "out") == {}


@pytest.mark.parametrize(
    "arguments, named",
    [
        (["--loss", "naive-softmax", "--negatives", 5], "--negatives"),
        (["--words", ""], "--words"),
        (["--words", ","], "--words"),
        (["--data", "somewhere"], "--data"),
        (["--frobnicate"], "--frobnicate"),
        (["surplus"], "surplus"),
    ],
)
def test_arguments_that_do_not_go_together_or_say_nothing_are_refused(refused, tmp_path, arguments, named):
    status, line = refused("--sample", *arguments)
    assert status == 2
    assert named in line
    assert files(tmp_path / "out") == {}


def test_an_empty_name_of_a_folder_is_not_the_usual_one(refused):
    status, line = refused("--data", "")
    assert status == 2
    assert "argument --data: wants a folder, got ''" in line


def test_the_largest_seed_is_taken(sample_folder, tmp_path):
    assert run.main(f"--data {sample_folder} --out {tmp_path} --iterations 1 --quiet --seed {2**32 - 1}".split()) == 0


def test_words_of_which_none_is_known_are_refused_before_training(refused, sample_folder, tmp_path):
    status, line = refused("--data", sample_folder, "--words", "zyzzyva,qwertz")
    assert status == 2
    assert "zyzzyva, qwertz" in line
    assert files(tmp_path / "out") == {}


def test_too_many_words_for_a_map_are_refused_before_training(refused, sample_folder, tmp_path, monkeypatch):
    monkeypatch.setattr("utils.pictures.wordmap.MOST_WORDS", 3)
    status, line = refused("--data", sample_folder, "--iterations", 2, "--words", "coffee,tea,rain,snow")
    assert status == 2
    assert files(tmp_path / "out") == {}


@pytest.mark.parametrize(
    "option, named",
    [
        *((["--loss", "naive-softmax"], "loss"), (["--dim", 4], "dim"), (["--window", 2], "window")),
        *(
            (["--negatives", 3], "negatives"),
            (["--batch", 9], "batch"),
            (["--seed", 5], "seed"),
            (["--step", 0.1], "step"),
        ),
        (["--data", "other"], "treebank"),
    ],
)
def test_a_run_with_another_setting_is_refused_naming_it(
    refused, sample_folder, tmp_path, write_treebank, monkeypatch, option, named
):
    monkeypatch.setattr("utils.pictures.wordmap.word_map", lambda *args: None)
    out = tmp_path / "out"
    assert run.main(f"--data {sample_folder} --iterations 2 --quiet --out {out}".split()) == 0
    before = files(out)
    if named == "treebank":
        write_treebank(tmp_path / "other", ["the coffee and the tea"] * 50)
        option = ["--data", tmp_path / "other", "--words", "coffee,tea"]
    status, line = refused("--data", sample_folder, "--iterations", 4, *option)
    assert status == 2
    assert f"holds a run with {named} " in line
    assert "--fresh" in line
    assert files(out) == before


def test_without_data_both_ways_to_get_some_are_named(refused, tmp_path, monkeypatch):
    for module in (inputs, treebank_module):
        monkeypatch.setattr(module, "DEFAULT_FOLDER", tmp_path / "nowhere")
    status, line = refused()
    assert status == 2
    assert str(tmp_path / "nowhere") in line
    assert "`sh get_datasets.sh`" in line
    assert "`python run.py --sample`" in line


def test_a_data_folder_that_is_not_there_is_named(refused, tmp_path):
    status, line = refused("--data", tmp_path / "nowhere")
    assert status == 2
    assert str(tmp_path / "nowhere") in line
    assert "`sh get_datasets.sh`" in line


def test_a_damaged_treebank_is_refused_with_file_and_line(refused, tmp_path, write_treebank):
    folder = write_treebank(tmp_path / "treebank", ["a cat", "a dog"])
    (folder / "datasetSplit.txt").write_text("sentence_index,splitset_label\n1,1\n2,9\n")
    status, line = refused("--data", folder)
    assert status == 2
    assert f"{folder / 'datasetSplit.txt'}, line 3: " in line


def test_a_text_with_fewer_words_than_a_batch_has_windows_is_refused(refused, sample_folder, tmp_path):
    words = StanfordSentiment(sample_folder).numTokens()
    status, line = refused("--data", sample_folder, "--batch", words + 1)
    assert status == 2
    assert f"{words} words" in line
    assert f"{words + 1} windows" in line
    assert run.main(f"--data {sample_folder} --batch {words} --iterations 1 --quiet --out {tmp_path}".split()) == 0


def test_a_text_without_any_window_is_refused(refused, tmp_path, write_treebank):
    folder = write_treebank(tmp_path / "treebank", ["cat"] * 60)
    status, line = refused("--data", folder, "--words", "cat")
    assert status == 2
    assert "no context window" in line
    assert files(tmp_path / "out") == {}


def test_a_run_that_diverges_names_the_iteration_in_one_line_and_draws_nothing(refused, sample_folder, tmp_path):
    status, line = refused("--data", sample_folder, "--iterations", 50, "--step", "1e300")
    assert status == 2
    assert re.fullmatch(r"error: .* at iteration \d+: try a smaller step than 1e\+300; the loss is (inf|nan)\n", line)
    assert files(tmp_path / "out") == {}


def test_a_run_that_diverges_later_names_loss_and_checkpoint_which_can_be_continued(
    refused, train, sample_folder, tmp_path, capsys
):
    step = ["--step", 1e6]
    with pytest.raises(InputError) as refusal:
        train(*step, iterations=400)
    found = re.fullmatch(
        r"the (?:loss|parameters) went to infinity or NaN at iteration (\d+): try a smaller step than 1e\+06; "
        r"the loss is (?:inf|-inf|nan|\S+e\+\d+), the smoothed one was \S+e\+\d+; "
        r"the checkpoint of iteration (\d+) is good",
        str(refusal.value),
    )
    diverged, good = int(found[1]), int(found[2])
    assert 0 < diverged - good <= 4
    assert f"saved_params_{good}.npy" in files(tmp_path / "out")
    vectors = tmp_path / "vectors.npz"
    with pytest.raises(InputError, match=r"losses beyond 1e\+150 cannot be drawn, got \S+e\+\d+ at iteration \d+"):
        train(*step, "--save", vectors, iterations=good)  # the other formats are in single precision
    assert vectors.exists()
    assert capsys.readouterr().err == ""


def test_vectors_that_the_memory_cannot_hold_are_no_traceback(refused, sample_folder):
    # 12,000 TB: more than any address space has room for.
    status, line = refused("--data", sample_folder, "--dim", 10**12)
    assert status in (1, 2)
    assert "--dim" in line or "memory" in line


# The machine


@pytest.mark.parametrize("out", ["file", "file/below"])
def test_a_file_in_the_place_of_the_folder_is_status_1(refused, sample_folder, tmp_path, out):
    (tmp_path / "file").write_text("mine")
    status, line = refused("--data", sample_folder, "--out", tmp_path / out)
    assert status == 1
    assert str(tmp_path / out) in line
    assert (tmp_path / "file").read_text() == "mine"


@pytest.fixture
def largest_file():
    """Let this process write no file beyond a size: largest_file(20_000)."""
    resource = pytest.importorskip("resource", reason="Windows has no such limit")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize(
    "limit, options, unwritten, written",
    [
        # A state takes 30 kB; the parameters of ten dimensions 130 kB, of one 13 kB; a picture more than 50 kB.
        (20_000, [], "saved_.*", {"losses.csv"}),
        (50_000, [], "saved_params_3.npy", {"losses.csv"}),
        (
            *(50_000, ["--dim", 1], "word_vectors.png"),
            {"losses.csv", "saved_params_3.npy", "saved_state_3.json", "word_vectors.txt"},
        ),
    ],
)
def test_what_does_not_fit_on_the_disk_is_one_line_and_not_half_written(
    refused, largest_file, sample_folder, tmp_path, limit, options, unwritten, written
):
    largest_file(limit)
    status, line = refused("--data", sample_folder, "--iterations", 3, "--quiet", *options)
    assert status == 1
    assert re.fullmatch(rf"error: cannot write {tmp_path / 'out'}/{unwritten}: File too large\n", line)
    assert files(tmp_path / "out").keys() == written
    for name in written:
        if name.endswith(".npy"):
            assert np.load(tmp_path / "out" / name).shape[1] == 1


FILLING = """
import pathlib, shutil, subprocess, sys
import run, sgd
from utils.system import console

disk, copy, *options = sys.argv[1:]
sgd.SAVE_PARAMS_EVERY = 10
run.draw = lambda *arguments: None

def mount(*arguments):
    if subprocess.run(["mount", *arguments, disk]).returncode:
        sys.exit(77)

def train(iterations):
    try:
        console.run(run.main, ["--iterations", str(iterations), "--out", disk, *options])
    except SystemExit as leaving:
        print("status", leaving.code)

mount("-t", "tmpfs", "-o", "size=400k", "none")
train(100)
print(*(path.name for path in pathlib.Path(disk).iterdir()))
mount("-o", "remount,size=20m")
train(100)
mount("-o", "remount,ro")
train(110)
shutil.copy(f"{disk}/saved_params_100.npy", copy)
"""


@pytest.mark.skipif(shutil.which("unshare") is None, reason="needs unshare, to mount a small disk of its own")
def test_a_disk_that_fills_up_half_way_costs_nothing_that_was_saved(sample_folder, train, tmp_path):
    (tmp_path / "disk").mkdir()
    user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    called = subprocess.run(
        ["unshare", "--mount", *user, sys.executable, "-c", FILLING, tmp_path / "disk", tmp_path]
        + ["--data", sample_folder, "--quiet"],
        cwd=PROJECT,
        capture_output=True,
        encoding="utf-8",
        timeout=100,
    )
    if called.returncode == 77 or called.stderr.startswith("unshare:"):
        pytest.skip(f"needs to mount a small disk of its own: {called.stderr.strip()}")
    failed, left, *others = called.stdout.splitlines()
    assert (failed, others) == ("status 1", ["status 0", "status 1"])
    names = left.split()
    assert len(names) >= 2
    assert all(re.fullmatch(r"saved_(params|state)_\d+\.(npy|json)|losses.csv", name) for name in names)
    full, read_only = called.stderr.splitlines()
    assert re.fullmatch(r"error: cannot write .*/disk/saved_.*: No space left on device", full)
    assert re.fullmatch(r"error: cannot write in the folder .*/disk: Read-only file system", read_only)
    train(iterations=100)
    assert (tmp_path / "saved_params_100.npy").read_bytes() == files(tmp_path / "out")["saved_params_100.npy"]
