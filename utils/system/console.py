"""What every command of the project shares: exit statuses, what is printed, argument types, what signals do."""

import argparse
import atexit
import contextlib
import math
import os
import re
import signal
import sys
import threading
import warnings
from pathlib import Path

from utils.system.errors import EnvironmentFailure, InputError, quoted

STATUS_INPUT = 2  # as argparse does
STATUS_ENVIRONMENT = 1
STATUS_STOPPED = 128  # and the number of the signal, as shells report it

LARGEST_NUMBER = 10**9  # of a whole number on a command line that has no smaller bound
# Control characters, line separators, what reverses the direction of writing, and halves of surrogate pairs: a terminal
# would obey them, or cannot be sent them.
UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")

STOP_SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


def run(main, *args):
    """Call `main(*args)` and leave the process with its status; a user's error is one line, not a traceback."""
    # Registered first, it is called last: from then on Python would let any signal end it, with the work all done.
    atexit.register(_ignore_stop_signals)
    _prepare_streams()
    try:
        with _ending_in_order(), warnings.catch_warnings():
            if not sys.warnoptions:  # of libraries, which mean their callers and not the user
                warnings.simplefilter("ignore")
            status = main(*args)
            sys.stdout.flush()
    except InputError as error:
        status = _say(f"error: {error}", STATUS_INPUT)
    except EnvironmentFailure as error:
        status = _say(f"error: {error}", STATUS_ENVIRONMENT)
    except BrokenPipeError:  # the reader (head, less) has seen enough
        sys.stdout = None
        status = STATUS_ENVIRONMENT
    except OSError as error:
        sys.stdout = None  # if that is what cannot be written, Python would try once more at the end
        status = _say(f"error: {error.strerror or error}", STATUS_ENVIRONMENT)
    except MemoryError as error:
        status = _say(f"error: out of memory: {error}", STATUS_ENVIRONMENT)
    except KeyboardInterrupt as interrupt:
        number = getattr(interrupt, "number", signal.SIGINT)
        status = _say(interrupt if interrupt.args else "stopped", STATUS_STOPPED + number)
    sys.exit(status)


def _ignore_stop_signals():
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def _say(message, status):
    with contextlib.suppress(OSError):  # the terminal may be gone
        print(printable(str(message)), file=sys.stderr)
    return status


def _prepare_streams():
    """Let anything be printed: what standard output or error cannot encode is escaped; closed, they swallow it."""
    for name in ("stdin", "stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # closed by the caller; without this the next file that is opened would take its place
            mode = "r" if name == "stdin" else "w"
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115 (it stays open)
        elif name != "stdin" and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def printable(text):
    """The text with every character escaped that a terminal would obey instead of showing it: one line stays one."""
    return UNPRINTABLE.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def say(*lines):
    """Print lines at once, each made `printable`."""
    for line in lines:
        print(printable(line), flush=True)


def note(line):
    """Print a notice on standard error, made `printable`."""
    print(printable(line), file=sys.stderr, flush=True)


def speaker(quiet):
    """`say`, or what takes lines and prints nothing."""
    return (lambda *lines: None) if quiet else say


class HelpFormatter(argparse.ArgumentDefaultsHelpFormatter):
    """Show the default of every option that has one."""

    def _get_help_string(self, action):
        shown = action.default is not None and action.default is not False
        return super()._get_help_string(action) if shown else action.help


class ArgumentParser(argparse.ArgumentParser):
    """argparse's, but errors are one line, and help shows defaults."""

    def __init__(self, *args, formatter_class=HelpFormatter, **options):
        super().__init__(*args, formatter_class=formatter_class, **options)

    def parse_known_args(self, args=None, namespace=None):
        """As argparse's; Python before 3.13 makes an empty list of `--option=--` and `-o--`."""
        args = sys.argv[1:] if args is None else list(args)
        for match in filter(None, (re.fullmatch(r"(--[\w-]+)=--|(-\w)--", argument) for argument in args)):
            self.error(f"argument {match[1] or match[2]}: wants a value, got '--'")
        return super().parse_known_args(args, namespace)

    def error(self, message):
        self.exit(STATUS_INPUT, printable(f"error: {message} (see {self.prog} --help)") + "\n")


def whole_number(least, most=LARGEST_NUMBER):
    """Make an argparse type: a whole number of at least `least` and at most `most`."""
    wanted = f"a whole number of at least {least}"

    def parse(text):
        try:
            value = int(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"wants {wanted}, got {quoted(text)}") from None
        if value < least or value > most:
            limit = f" and at most {most}" if value > most or most != LARGEST_NUMBER else ""
            shown = text if len(text) <= 20 else f"a number of {len(text)} digits"
            raise argparse.ArgumentTypeError(f"wants {wanted}{limit}, got {shown}")
        return value

    return parse


def positive_number(text):
    """Argparse type: a finite number above 0."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"wants a number above 0, got {quoted(text)}")
    return value


def number_from_zero(text):
    """Argparse type: a finite number of at least 0."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        raise argparse.ArgumentTypeError(f"wants a number of at least 0, got {quoted(text)}")
    return value


def share(text):
    """Argparse type: a share of a whole, at least 0 and below 1."""
    value = number_from_zero(text)
    if value >= 1:
        raise argparse.ArgumentTypeError(f"wants a share of at least 0 and below 1, got {text}")
    return value


class Stopped(KeyboardInterrupt):
    """A signal has ended the work: KeyboardInterrupt, with the number of the signal."""

    def __init__(self, message, number):
        super().__init__(message)
        self.number = number


class StopRequest:
    """Whether a signal has asked to stop, and which; see `holding_back_interrupts`."""

    number = None

    @property
    def requested(self):
        return self.number is not None

    def as_exception(self, message):
        return Stopped(message, self.number)


@contextlib.contextmanager
def holding_back_interrupts():
    """Turn the first SIGINT, SIGTERM or SIGHUP inside the block into a request to stop at the next good moment.

    The second one interrupts at once. Outside the main thread, where Python allows no handlers, nothing is held back.

    Yields
    ------
    StopRequest
        Its `requested` becomes True with the first signal.
    """
    stop = StopRequest()

    def note(number, frame):
        if stop.requested:
            raise Stopped("stopped at once", number)
        stop.number = number

    with _handling(STOP_SIGNALS, note, instead_of=lambda handler: handler not in (signal.SIG_IGN, None)):  # as by nohup
        yield stop


def _ending_in_order():
    """Let SIGTERM and SIGHUP, too, end the block by an exception: what was begun is cleaned up."""

    def end(number, frame):
        raise Stopped("stopped", number)

    return _handling(STOP_SIGNALS, end, instead_of=lambda handler: handler == signal.SIG_DFL)


@contextlib.contextmanager
def _handling(numbers, handler, instead_of):
    """Handle these signals during the block, where the handler they have may be replaced."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in numbers}
    before = {number: old for number, old in before.items() if instead_of(old)}
    try:
        for number in before:
            signal.signal(number, handler)
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)
