"""What every command of the project shares: exit statuses, argument types, what signals do."""

import argparse
import atexit
import contextlib
import math
import signal
import sys
import threading

from utils.system.errors import EnvironmentFailure, InputError

STATUS_INPUT = 2  # as argparse does
STATUS_ENVIRONMENT = 1
STATUS_STOPPED = 128  # and the number of the signal, as shells report it

STOP_SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


def run(main, *args):
    """Call `main(*args)` and leave the process with its status; a person's error is one line, not a traceback."""
    # Registered first, it is called last: from then on Python would let any signal end it, with the work all done.
    atexit.register(_ignore_stop_signals)
    try:
        with _ending_in_order():
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
        print(message, file=sys.stderr)
    return status


class ArgumentParser(argparse.ArgumentParser):
    """argparse's, but that an error is one line."""

    def error(self, message):
        self.exit(STATUS_INPUT, f"error: {message} (see {self.prog} --help)\n")


def whole_number(least, most=None):
    """Make an argparse type: a whole number of at least `least` (and at most `most`)."""
    wanted = f"a whole number of at least {least}" + ("" if most is None else f" and at most {most}")

    def parse(text):
        try:
            value = int(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"wants {wanted}, got {text!r}") from None
        if value < least or (most is not None and value > most):
            raise argparse.ArgumentTypeError(f"wants {wanted}, got {text}")
        return value

    return parse


def positive_number(text):
    """Argparse type: a finite number above 0."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"wants a number above 0, got {text!r}")
    return value


def number_from_zero(text):
    """Argparse type: a finite number of at least 0."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        raise argparse.ArgumentTypeError(f"wants a number of at least 0, got {text!r}")
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
