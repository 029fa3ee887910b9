"""Several workers: results in order, a lost worker costs its round, endless losses end the run."""

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from waiting import wait_for

from utils.system.calls import Missing
from utils.system.errors import EnvironmentFailure, InputError
from utils.system.paths import PROJECT
from utils.system.workers import Workers

kept = {}  # what a worker remembers


def power(base, exponent):
    return base**exponent


def die_once(mark, value):
    """End this process by force the first time that it is asked for the value 2."""
    if value == 2 and not Path(mark).exists():
        Path(mark).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return value * 10


def die(_):
    os.kill(os.getpid(), signal.SIGKILL)


def remember(name, value):
    kept[name] = kept.get(name, "") + value


def recall(name):
    return kept.get(name) or Missing(name)


def fail(message):
    raise KeyError(message)


@pytest.mark.parametrize("n", [1, 2])
def test_results_come_in_the_order_of_the_tasks(n):
    assert Workers(n).map(power, [(i, 2) for i in range(7)]) == [0, 1, 4, 9, 16, 25, 36]


def test_one_worker_is_this_process():
    assert Workers(1).map(lambda: os.getpid(), [()]) == [os.getpid()]


def test_a_lost_worker_costs_its_round(tmp_path):
    workers = Workers(2)
    assert workers.map(die_once, [(str(tmp_path / "mark"), i) for i in range(4)]) == [0, 10, 20, 30]
    assert workers.losses == 1


def test_each_worker_keeps_what_its_tasks_left_and_is_supplied_with_what_is_missing():
    workers, supplied = Workers(2), []

    def supply(i, missing):
        supplied.append((i, missing.what))
        for letter in "abc"[: i + 1]:
            yield remember, missing.what, letter

    def recalled():
        return workers.map(recall, [("x",), ("x",)], supply)

    assert recalled() == ["a", "ab"] and recalled() == ["a", "ab"]
    assert sorted(supplied) == [(0, "x"), (1, "x")]
    process, _ = workers._engine._running[1]
    process.kill()  # between two calls: nobody sees it before the next
    process.join()
    assert recalled() == ["a", "ab"]
    assert supplied[2:] == [(1, "x")] and workers.losses == 1


def test_what_travels_is_counted():
    workers = Workers(2)
    assert workers.map(len, [(bytes(1000),), (bytes(500),)]) == [1000, 500]
    assert 1500 < workers.sent < 1700 and 0 < workers.received < 100
    workers.map(bytes, [(700,), (0,)])
    assert workers.sent < 1800 and 700 < workers.received < 900


def test_an_error_in_a_worker_is_raised_here_with_its_traceback_and_leaves_the_workers_as_they_were():
    workers = Workers(2)
    with pytest.raises(KeyError, match="here") as caught:
        workers.map(fail, [("here",), ("there",)])
    assert "in fail" in caught.value.__notes__[0]
    assert workers.map(len, [("ab",), ("abc",)]) == [2, 3] and workers.losses == 0


def test_endless_losses_end_the_run():
    with pytest.raises(EnvironmentFailure, match="workers were lost 3 times in a row"):
        Workers(2).map(die, [(0,), (1,)])


PROGRAM = """
import os, sys, time
from utils.system.workers import Workers
def work(path):
    with open(path, "a") as file:
        file.write(f"{os.getpid()}\\n")
    time.sleep(float(sys.argv[2]))
    return os.getpid()
if __name__ == "__main__":
    import signal
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # as a run that holds interrupts back
    print(len(set(Workers(2).map(work, [(f"{sys.argv[1]}/{i}",) for i in range(2)]))), flush=True)
"""


@pytest.fixture
def started(tmp_path):
    """Start a program whose two workers are busy: started(seconds) -> process, ids of the workers."""
    processes = []

    def start(seconds):
        script = tmp_path / "program.py"
        script.write_text(PROGRAM, encoding="utf-8")
        process = subprocess.Popen(
            [sys.executable, str(script), str(tmp_path), str(seconds)],
            env={**os.environ, "PYTHONPATH": str(PROJECT)},
            stdout=subprocess.PIPE,
            encoding="utf-8",
            start_new_session=True,
        )
        processes.append(process)
        marks = [tmp_path / "0", tmp_path / "1"]
        wait_for(lambda: all(mark.exists() and mark.read_text().endswith("\n") for mark in marks))
        return process, [int(mark.read_text().split()[0]) for mark in marks]

    yield start
    for process in processes:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def alive(pid):
    """Whether a process is there and not just waiting to be collected."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc to see processes")
@pytest.mark.parametrize("name", ["SIGINT", "SIGHUP"])
def test_a_signal_from_the_terminal_does_not_reach_the_workers(started, name):
    process, workers = started(1)
    for worker in workers:
        os.kill(worker, getattr(signal, name))
    os.killpg(process.pid, signal.SIGINT)
    assert process.communicate(timeout=60)[0] == "2\n"


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc to see processes")
def test_a_parent_that_is_killed_leaves_no_process_behind(started):
    process, workers = started(600)
    numbers = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdecimal()]
    session = [pid for pid in numbers if _session(pid) == process.pid]
    assert set(workers) | {process.pid} < set(session)  # and multiprocessing's resource tracker
    process.kill()
    process.communicate(timeout=100)  # waits until the last process that can write there has ended
    wait_for(lambda: not any(alive(pid) for pid in session))


def _session(pid):
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return None


def test_no_workers_at_all_is_refused():
    with pytest.raises(InputError, match="workers must be at least 1, got 0"):
        Workers(0)
