"""The short form of `torture.py`: a training killed in each of its ways, and what the torture itself would notice."""

import os
import signal

import pytest
import torture
from torture import Fault, Life, Plan, Torture, check_end, check_folder, check_lines

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals for processes")

LINES = [f"iter {i}: {i}.000000\n" for i in (10, 20, 30)]


@pytest.mark.thorough
def test_a_training_killed_again_and_again_ends_as_if_nothing_had_happened(tmp_path, sample_folder):
    text = ("--data", sample_folder, "--words", "coffee,tea")
    tortured = Torture(tmp_path, iterations=1000, every=100, spread=0.3, seed=1, keeps=(2,), text=text)
    count = tortured.run(
        1, [torture.kill_in_a_write, torture.kill_anywhere, torture.stop_politely, torture.kill_training]
    )
    # A life planned to be short may still reach the end.
    assert count["kills"] >= 2
    assert count["in a checkpoint"] >= 1
    assert count["equal"] == 1
    assert "1 of 1 runs of 1000 iterations equal" in tortured.summary()


# A torture that notices nothing would prove nothing


@pytest.mark.parametrize("lines", [[], LINES, LINES[1:], LINES[:1]])
def test_losses_of_the_undisturbed_run_pass(lines):
    check_lines(lines, LINES)


@pytest.mark.parametrize(
    "lines", [["iter 10: 10.000001\n"], [LINES[0], LINES[2]], [LINES[0], LINES[0]], ["iter 40: 4.000000\n"]]
)
def test_other_losses_are_noticed(lines):
    with pytest.raises(Fault):
        check_lines(lines, LINES)


KILL, STOP = Plan("kill", (signal.SIGKILL,)), Plan("stop", (signal.SIGTERM,))
SAVED = "stopped after iteration 7 and saved; run it again to continue\n"


@pytest.mark.parametrize(
    "plan, status, err, lasted",
    [
        (KILL, 0, "", 0.1),
        (KILL, -9, "", 0.1),
        (STOP, 143, SAVED, 0.1),
        (STOP, 143, "stopped\n", 0.1),
        (STOP, 143, "stopped at once\n", 0.1),
    ],
)
def test_an_end_as_planned_passes(tmp_path, plan, status, err, lasted):
    (tmp_path / "saved_params_7.npy").touch()
    check_end(tmp_path, plan, Life(status, [], err, False, lasted))


@pytest.mark.parametrize(
    "plan, status, err, lasted",
    [
        (KILL, 1, "error: cannot write\n", 0.1),
        (KILL, -9, "Traceback\n", 0.1),
        (KILL, -9, "", torture.SOON + 1),
        (KILL, 0, "checkpoint 5 is passed over\n", 0.1),
        (STOP, 130, SAVED, 0.1),
        (STOP, -15, "", 0.1),
        (STOP, 143, "Traceback\n", 0.1),
        (STOP, 143, SAVED, 0.1),  # which is not there
    ],
)
def test_another_end_is_noticed(tmp_path, plan, status, err, lasted):
    with pytest.raises(Fault):
        check_end(tmp_path, plan, Life(status, [], err, False, lasted))


@pytest.fixture
def two_runs(tmp_path):
    """Folders of two runs with the same files."""
    for name in ("one", "whole"):
        (tmp_path / name).mkdir()
        for file in (
            *(f"saved_params_{i}.npy" for i in (10, 20)),
            *(f"saved_state_{i}.json" for i in (10, 20)),
            *torture.OUTPUTS,
        ):
            (tmp_path / name / file).write_bytes(file.encode())
    return tmp_path / "one", tmp_path / "whole"


@pytest.mark.parametrize("keep", [None, 2])
def test_a_folder_with_the_same_files_passes(two_runs, keep):
    check_folder(*two_runs, 20, keep)


@pytest.mark.parametrize("name", ["saved_params_20.npy", "saved_state_20.json", *torture.OUTPUTS])
def test_another_byte_is_noticed(two_runs, name):
    (two_runs[0] / name).write_bytes(b"other")
    with pytest.raises(Fault, match=name):
        check_folder(*two_runs, 20, None)


@pytest.mark.parametrize("name", [".saved.lock", ".saved_params_5.npy.abc.part", "saved_state_5.json"])
def test_a_file_left_behind_is_noticed(two_runs, name):
    (two_runs[0] / name).touch()
    with pytest.raises(Fault, match=name):
        check_folder(*two_runs, 20, None)


def test_checkpoints_that_should_have_gone_are_noticed(two_runs):
    with pytest.raises(Fault):
        check_folder(*two_runs, 20, 1)
