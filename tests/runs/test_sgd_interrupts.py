"""Signals during sgd(): the iteration in hand is finished and saved, and the run can be continued."""

import os
import random
import signal
import tempfile
import threading
from pathlib import Path

import numpy as np
import pytest
from resuming import ITERATIONS, START, Drawing, assert_same, contents, numbers, run

import sgd as sgd_module
from sgd import Checkpoints, sgd

SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


@pytest.fixture(autouse=True)
def short_intervals(monkeypatch):
    monkeypatch.setattr(sgd_module, "SAVE_PARAMS_EVERY", 7)
    monkeypatch.setattr(sgd_module, "ANNEAL_EVERY", 10)


@pytest.fixture(autouse=True)
def python_handlers():
    """Python's own handlers: a process started in the background may have been told to ignore SIGINT."""
    before = [signal.getsignal(number) for number in SIGNALS]
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in SIGNALS[1:]:
        signal.signal(number, signal.SIG_DFL)
    yield
    for number, handler in zip(SIGNALS, before, strict=True):
        signal.signal(number, handler)


class Interrupted(Drawing):
    """Drawing, during whose call `call` this process gets signals."""

    def __init__(self, call, *signals):
        super().__init__()
        self.call, self.signals, self.survived = call, signals, 0

    def __call__(self, x):
        answer = super().__call__(x)
        if len(self.called_with) == self.call:
            for number in self.signals:
                os.kill(os.getpid(), number)
                self.survived += 1
        return answer


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize("iteration", [1, 2, 7, 10, 13, 29])
def test_the_iteration_is_finished_and_saved_and_the_run_continued(tmp_path, iteration, number):
    expected = f"stopped after iteration {iteration} and saved; run it again"
    with pytest.raises(KeyboardInterrupt, match=expected) as stopped:
        run(tmp_path, f=Interrupted(iteration, number))
    assert stopped.value.number == number
    assert numbers(tmp_path) == sorted({*range(7, iteration, 7), iteration})
    assert_same(run(tmp_path, seed=99), run(None))


def test_a_run_that_is_interrupted_again_and_again_ends_as_if_uninterrupted(tmp_path):
    for iteration in (3, 8, 15):
        with pytest.raises(KeyboardInterrupt, match=f"iteration {iteration} "):
            # A continued run makes one call for its table before it goes on.
            done = max(numbers(tmp_path), default=0)
            run(tmp_path, f=Interrupted(iteration - done + bool(done), signal.SIGINT))
    assert_same(run(tmp_path), run(None))


@pytest.mark.parametrize("number", SIGNALS)
def test_in_the_last_iteration_there_is_nothing_left_to_stop(tmp_path, number):
    f = Interrupted(ITERATIONS, number)
    assert_same(run(tmp_path, f=f), run(None))
    assert f.survived == 1
    assert ITERATIONS in numbers(tmp_path)


@pytest.mark.parametrize("second", SIGNALS)
def test_a_second_signal_interrupts_at_once(tmp_path, second):
    f = Interrupted(9, signal.SIGINT, second, signal.SIGINT)
    with pytest.raises(KeyboardInterrupt, match="^stopped at once$") as stopped:
        run(tmp_path, f=f)
    assert stopped.value.number == second
    assert len(f.called_with) == 9
    assert numbers(tmp_path) == [7]


def run_telling(report, checkpoints, iterations=ITERATIONS):
    """Like `run`, but the losses are told to `report`."""
    random.seed(5)
    np.random.seed(5)
    return sgd(Drawing(), START, 0.1, iterations, PRINT_EVERY=3, checkpoints=checkpoints, report=report)


@pytest.mark.parametrize("iteration", [12, 24])
def test_a_signal_while_the_loss_is_told_stops_after_that_iteration(tmp_path, iteration):
    def report(at, loss):
        if at == iteration:
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(KeyboardInterrupt, match=f"after iteration {iteration} and saved"):
        run_telling(report, Checkpoints(tmp_path))
    assert max(numbers(tmp_path)) == iteration
    assert_same(run(tmp_path, seed=99), run(None))


def test_a_signal_after_it_was_decided_what_to_save_stops_after_the_next_iteration_which_is_saved(tmp_path):
    class Signalling(Checkpoints):
        def save(self, iteration, *args):
            super().save(iteration, *args)
            if iteration == 14:
                os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(KeyboardInterrupt, match="after iteration 15 and saved"):
        run_telling(lambda *_: None, Signalling(tmp_path))
    assert numbers(tmp_path) == [7, 14, 15]
    assert_same(run(tmp_path, seed=99), run(None))


def test_a_run_that_nobody_listens_to_any_more_is_saved(tmp_path):
    def report(at, loss):
        if at == 9:
            raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        run_telling(report, Checkpoints(tmp_path))
    assert numbers(tmp_path) == [7, 9]
    assert_same(run(tmp_path, seed=99), run(None))
    with pytest.raises(BrokenPipeError):
        run_telling(report, None)


def test_a_loss_is_told_before_it_is_saved(tmp_path, monkeypatch):
    # Else the loss of a run that is killed in between would never be told.
    monkeypatch.setattr(sgd_module, "SAVE_PARAMS_EVERY", 3)
    there = []
    run_telling(lambda *_: there.append(numbers(tmp_path)), Checkpoints(tmp_path), iterations=9)
    assert there == [[], [3], [3, 6]]


@pytest.mark.parametrize("moment", range(1, 14))
def test_a_second_signal_while_the_first_is_obeyed_leaves_nothing_half_written(tmp_path, monkeypatch, moment):
    # At each of the calls that write the checkpoint which the first signal asks for, until it is too late.
    left = [moment]

    def striking(original):
        def call(*args, **kwargs):
            left[0] -= len(f.called_with) == 9
            if left[0] == 0 and signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
                os.kill(os.getpid(), signal.SIGTERM)
            return original(*args, **kwargs)

        return call

    f = Interrupted(9, signal.SIGINT)
    for owner, name in ((tempfile, "mkstemp"), (os, "fsync"), (Path, "chmod"), (Path, "replace"), (Path, "unlink")):
        monkeypatch.setattr(owner, name, striking(getattr(owner, name)))
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, f=f)
    monkeypatch.undo()
    assert numbers(tmp_path) in ([7], [7, 9])
    assert len(contents(tmp_path)) == 2 * len(numbers(tmp_path))
    monkeypatch.setattr(sgd_module, "SAVE_PARAMS_EVERY", 7)
    monkeypatch.setattr(sgd_module, "ANNEAL_EVERY", 10)
    assert_same(run(tmp_path, seed=99), run(None))


@pytest.mark.parametrize("signals", [[], [signal.SIGTERM], [signal.SIGINT, signal.SIGINT]])
def test_the_handlers_are_put_back(tmp_path, signals):
    before = [signal.getsignal(number) for number in SIGNALS]
    try:
        run(tmp_path, f=Interrupted(4, *signals))
    except KeyboardInterrupt:
        assert signals
    assert [signal.getsignal(number) for number in SIGNALS] == before


def test_the_handlers_are_put_back_after_an_error(tmp_path):
    before = [signal.getsignal(number) for number in SIGNALS]
    with pytest.raises(ZeroDivisionError):
        run(tmp_path, f=lambda x: 1 / 0)
    assert [signal.getsignal(number) for number in SIGNALS] == before


def test_without_checkpoints_an_interrupt_is_not_held_back():
    f = Interrupted(3, signal.SIGINT, signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        run(None, f=f)
    assert len(f.called_with) == 3
    assert f.survived < 2


def test_outside_the_main_thread_a_run_with_checkpoints_works_too(tmp_path):
    results = []
    start = np.ones(2)
    thread = threading.Thread(
        target=lambda: results.append(sgd(lambda x: (1.0, x), start, 0.5, 8, checkpoints=Checkpoints(tmp_path)))
    )
    thread.start()
    thread.join()
    assert results[0].tolist() == [0.5**8] * 2
    assert contents(tmp_path).keys() >= {"saved_params_7.npy", "saved_params_8.npy"}
