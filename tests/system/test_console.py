"""utils/system/console.py: exit statuses, one line per error, argument types, and signals held back."""

import argparse
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from utils.system import console
from utils.system.errors import EnvironmentFailure, InputError
from utils.system.paths import PROJECT

SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]

needs_signals = pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals for processes")


def raising(error):
    def main():
        raise error

    return main


def status_of(main, *args):
    with pytest.raises(SystemExit) as leaving:
        console.run(main, *args)
    return leaving.value.code or 0


def program(body, **options):
    """Run a program of the project whose `main` has this body, in a process of its own."""
    text = f"import os, sys, signal\nfrom utils.system import console\ndef main():\n    {body}\nconsole.run(main)\n"
    env = {**os.environ, "PYTHONUNBUFFERED": ""}  # what is printed waits in a buffer, as it usually does
    return subprocess.run([sys.executable, "-c", text], cwd=PROJECT, env=env, encoding="utf-8", timeout=60, **options)


# Statuses


@pytest.mark.parametrize("returned, status", [(0, 0), (None, 0), (1, 1), (3, 3)])
def test_what_main_returns_is_the_status(returned, status, capsys):
    assert status_of(lambda given: given, returned) == status
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    "error, status, line",
    [
        (InputError("wrong thing"), 2, "error: wrong thing"),
        (EnvironmentFailure("disk full"), 1, "error: disk full"),
        (KeyboardInterrupt(), 130, "stopped"),
        (KeyboardInterrupt("stopped after iteration 3"), 130, "stopped after iteration 3"),
        (console.Stopped("stopped after iteration 3", signal.SIGINT), 130, "stopped after iteration 3"),
        (console.Stopped("stopped", signal.SIGTERM), 143, "stopped"),
    ],
)
def test_an_error_is_one_line_and_its_status(error, status, line, capsys):
    assert status_of(raising(error)) == status
    assert capsys.readouterr() == ("", f"{line}\n")


def test_a_mistake_of_ours_keeps_its_traceback():
    with pytest.raises(ZeroDivisionError):
        console.run(lambda: 1 / 0)


@pytest.mark.parametrize("status, stream", [(0, "stdout"), (1, "stderr")])
def test_the_status_is_that_of_the_process(status, stream):
    called = program(f"print('text', file=sys.{stream}); return {status}", capture_output=True)
    assert called.returncode == status
    assert getattr(called, stream) == "text\n"


def test_an_interrupt_from_the_keyboard_is_status_130():
    # The handler is Python's own, which a process started in the background may lack.
    called = program(
        "signal.signal(signal.SIGINT, signal.default_int_handler); os.kill(os.getpid(), signal.SIGINT)",
        capture_output=True,
    )
    assert (called.returncode, called.stdout, called.stderr) == (130, "", "stopped\n")


@needs_signals
@pytest.mark.parametrize("name, status", [("SIGTERM", 143), ("SIGHUP", 129)])
def test_a_signal_to_end_is_one_line_and_its_status_after_cleaning_up(tmp_path, name, status):
    waiting = f"from utils.system.files import replacing\n    with replacing({str(tmp_path / 'text')!r}): {{}}"
    called = program(
        f"signal.signal(signal.{name}, signal.SIG_DFL)\n    console.run(work)\n"
        f"def work():\n    {waiting.format(f'os.kill(os.getpid(), signal.{name})')}",
        capture_output=True,
    )
    assert (called.returncode, called.stdout, called.stderr) == (status, "", "stopped\n")
    assert list(tmp_path.iterdir()) == []


@needs_signals
def test_a_signal_that_is_ignored_ends_nothing():
    called = program(
        "signal.signal(signal.SIGHUP, signal.SIG_IGN)\n    console.run(work)\n"
        "def work():\n    os.kill(os.getpid(), signal.SIGHUP); print('still here')",
        capture_output=True,
    )
    assert (called.returncode, called.stdout, called.stderr) == (0, "still here\n", "")


@needs_signals
@needs_signals
@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
def test_a_signal_while_python_leaves_does_not_change_the_status(number):
    last = f"type('Last', (), {{'__del__': lambda self, kill=os.kill, pid=os.getpid(): kill(pid, {int(number)})}})()"
    left = program(f"sys.modules['last'] = {last}; return 3", capture_output=True)
    assert (left.returncode, left.stderr) == (3, "")


def test_the_handlers_of_signals_are_put_back_after_a_command():
    before = [signal.getsignal(number) for number in SIGNALS]
    during = []
    status_of(lambda: during.extend(signal.getsignal(number) for number in SIGNALS))
    assert during != before
    assert [signal.getsignal(number) for number in SIGNALS] == before


def test_a_terminal_that_is_gone_takes_no_status_away(monkeypatch):
    def gone(text):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(sys.stderr, "write", gone)
    assert status_of(raising(InputError("wrong thing"))) == 2


def test_a_command_outside_the_main_thread_ends_with_its_status():
    statuses = []
    thread = threading.Thread(target=lambda: statuses.append(status_of(lambda: 3)))
    thread.start()
    thread.join()
    assert statuses == [3]


@pytest.mark.skipif(os.name == "nt", reason="Windows reports a closed pipe otherwise")
@pytest.mark.parametrize("lines", [1, 100_000])  # noticed at the end, and in the middle
def test_a_reader_that_has_seen_enough_is_no_error_to_speak_of(lines):
    reader, writer = os.pipe()
    os.close(reader)
    called = program(f"print('text\\n' * {lines})", stdout=writer, stderr=subprocess.PIPE)
    os.close(writer)
    assert called.stderr == ""
    assert called.returncode == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
@pytest.mark.parametrize("lines", [1, 100_000])
def test_standard_output_to_a_full_disk_is_one_line_and_status_1(lines):
    with Path("/dev/full").open("w") as full:
        called = program(f"print('text\\n' * {lines})", stdout=full, stderr=subprocess.PIPE)
    assert called.returncode == 1
    assert called.stderr.count("\n") == 1
    assert "No space left on device" in called.stderr


# Arguments


@pytest.mark.parametrize("text, value", [("1", 1), ("40000", 40000), ("007", 7), ("+2", 2)])
def test_a_whole_number(text, value):
    assert console.whole_number(1)(text) == value


@pytest.mark.parametrize("text", ["0", "-1", "2.5", "nan", "inf", "abc", "", "1e3", "0x10"])
def test_what_is_no_whole_number_of_at_least_1(text):
    with pytest.raises(argparse.ArgumentTypeError, match="wants a whole number of at least 1, got .*" + text):
        console.whole_number(1)(text)


def test_the_bounds_are_in_the_range():
    parse = console.whole_number(-2, 3)
    assert [parse(text) for text in ("-2", "3")] == [-2, 3]
    for text in ("-3", "4"):
        with pytest.raises(argparse.ArgumentTypeError, match=f"at least -2 and at most 3, got {text}"):
            parse(text)


@pytest.mark.parametrize("text, value", [("0.3", 0.3), ("1e-9", 1e-9), ("2", 2.0), ("5e-324", 5e-324)])
def test_a_positive_number(text, value):
    assert console.positive_number(text) == value


@pytest.mark.parametrize("text", ["0", "-0.1", "nan", "inf", "1e999", "1e-999", "abc", ""])
def test_what_is_no_positive_number(text):
    with pytest.raises(argparse.ArgumentTypeError, match=f"wants a number above 0, got '{text}'"):
        console.positive_number(text)


@pytest.mark.parametrize("text, value", [("0", 0.0), ("0.0", 0.0), ("-0", 0.0), ("0.5", 0.5), ("1e-999", 0.0)])
def test_a_number_from_zero(text, value):
    assert console.number_from_zero(text) == value


@pytest.mark.parametrize("text", ["-0.1", "nan", "inf", "1e999", "abc", ""])
def test_what_is_no_number_from_zero(text):
    with pytest.raises(argparse.ArgumentTypeError, match=f"wants a number of at least 0, got '{text}'"):
        console.number_from_zero(text)


@pytest.mark.parametrize("arguments", [["--count", "0"], ["--cuont", "1"], ["surplus"]])
def test_a_wrong_argument_is_one_line_with_status_2_and_where_to_find_help(capsys, arguments):
    parser = console.ArgumentParser(prog="tool")
    parser.add_argument("--count", type=console.whole_number(1))
    assert status_of(lambda: parser.parse_args(arguments)) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ")
    assert err.endswith(" (see tool --help)\n")
    assert err.count("\n") == 1


# Signals held back


@pytest.mark.parametrize("number", SIGNALS)
def test_the_first_signal_is_a_request(number):
    with console.holding_back_interrupts() as stop:
        assert not stop.requested
        os.kill(os.getpid(), number)
        assert stop.requested
    assert stop.number == stop.as_exception("stopped").number == number


def test_a_signal_that_is_ignored_stays_so():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with console.holding_back_interrupts() as stop:
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
            os.kill(os.getpid(), signal.SIGTERM)
            assert stop.requested
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_one_block_does_not_remember_the_requests_of_another():
    with console.holding_back_interrupts() as stop:
        os.kill(os.getpid(), signal.SIGINT)
    with console.holding_back_interrupts() as other:
        assert stop.requested
        assert not other.requested


@pytest.mark.parametrize("first", SIGNALS)
@pytest.mark.parametrize("second", SIGNALS)
def test_the_second_signal_interrupts(first, second):
    reached = False
    with pytest.raises(console.Stopped, match="^stopped at once$") as stopped, console.holding_back_interrupts():
        os.kill(os.getpid(), first)
        reached = True
        os.kill(os.getpid(), second)
        signal.pthread_sigmask(signal.SIG_BLOCK, [])  # here at the latest
        pytest.fail("still running")
    assert reached
    assert stopped.value.number == second


@pytest.mark.parametrize("error", [None, RuntimeError])
def test_the_handlers_are_put_back_after_the_block(error):
    before = [signal.getsignal(number) for number in SIGNALS]
    try:
        with console.holding_back_interrupts():
            assert [signal.getsignal(number) for number in SIGNALS] != before
            if error:
                raise error
    except RuntimeError:
        pass
    assert [signal.getsignal(number) for number in SIGNALS] == before


def test_outside_the_main_thread_nothing_is_held_back():
    requests = []

    def work():
        with console.holding_back_interrupts() as stop:
            requests.append(stop.requested)

    before = [signal.getsignal(number) for number in SIGNALS]
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert requests == [False]
    assert [signal.getsignal(number) for number in SIGNALS] == before


# What is printed


@pytest.mark.parametrize(
    "text, shown",
    [
        ("plain caf\u00e9 \u4e2d\u6587 \U0001f600 \u200d\xa0", "plain caf\u00e9 \u4e2d\u6587 \U0001f600 \u200d\xa0"),
        ("\x1b[2J", "\\x1b[2J"),
        ("a\nb\rc\td\x00\x7f\x9b", "a\\nb\\rc\\td\\x00\\x7f\\x9b"),
        ("\u2028\u2029\u202e\u2066", "\\u2028\\u2029\\u202e\\u2066"),
        ("\udcff", "\\udcff"),
    ],
)
def test_what_a_terminal_would_obey_is_escaped(text, shown):
    assert console.printable(text) == shown


def test_lines_notices_and_errors_are_printable(capsys):
    console.say("one\x1b", "two\n")
    console.note("three\x07")
    console.speaker(quiet=True)("never")
    assert status_of(raising(InputError("bad name a\nb"))) == 2
    printed, errors = capsys.readouterr()
    assert printed == "one\\x1b\ntwo\\n\n"
    assert errors == "three\\x07\nerror: bad name a\\nb\n"


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "latin-1", "utf-8"])
def test_any_standard_output_takes_any_word(encoding):
    body = "from utils.system.console import say, note; say('\\u4e2d'); note('\\u4e2d'); print('\\udcff'); return 3"
    text = f"from utils.system import console\ndef main():\n    {body}\nconsole.run(main)\n"
    env = {**os.environ, "PYTHONIOENCODING": encoding}
    ran = subprocess.run([sys.executable, "-c", text], cwd=PROJECT, env=env, capture_output=True, timeout=60)
    word = "\u4e2d".encode(encoding, "backslashreplace")
    assert (ran.returncode, ran.stdout, ran.stderr) == (3, word + b"\n" + b"\\udcff\n", word + b"\n")


@pytest.mark.skipif(os.name == "nt", reason="needs a POSIX shell")
@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&- <&-"])
def test_a_closed_stream_swallows_what_is_printed_and_nothing_takes_its_place(closed, tmp_path):
    (tmp_path / "program.py").write_text(
        "import os, sys\n"
        "from utils.system import console\n"
        "def main():\n"
        "    with open('file', 'w') as file:\n"
        "        assert file.fileno() > 2\n"
        "        print('out'); print('err', file=sys.stderr); sys.stdout.isatty(); sys.stdout.flush()\n"
        "        file.write('whole')\n"
        "    return 4\n"
        "console.run(main)\n",
        encoding="utf-8",
    )
    env = {**os.environ, "PYTHONPATH": str(PROJECT)}
    ran = subprocess.run(["sh", "-c", f"'{sys.executable}' program.py {closed}"], cwd=tmp_path, env=env, timeout=60)
    assert ran.returncode == 4
    assert (tmp_path / "file").read_text() == "whole"


def test_warnings_of_libraries_do_not_reach_the_user_unless_asked_for(tmp_path):
    body = "import warnings; warnings.warn('of a library'); return 0"
    assert program(body, capture_output=True).stderr == ""
    text = f"from utils.system import console\ndef main():\n    {body}\nconsole.run(main)\n"
    called = [sys.executable, "-W", "default", "-c", text]
    assert "of a library" in subprocess.run(called, cwd=PROJECT, capture_output=True, encoding="utf-8").stderr
