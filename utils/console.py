"""What every command of the project shares: exit statuses, argument types, holding back Ctrl-C."""

import argparse
import contextlib
import math
import signal
import sys
import threading

from utils.errors import EnvironmentFailure, InputError

STATUS_INPUT = 2  # as argparse does
STATUS_ENVIRONMENT = 1
STATUS_INTERRUPTED = 128 + signal.SIGINT  # as shells report it


def run(main, *args):
    """Call `main(*args)` and leave the process with its status; a person's error is one line, not a traceback."""
    try:
        status = main(*args)
        sys.stdout.flush()
    except InputError as error:
        status = _say(error, STATUS_INPUT)
    except EnvironmentFailure as error:
        status = _say(error, STATUS_ENVIRONMENT)
    except BrokenPipeError:  # the reader (head, less) has seen enough
        sys.stdout = None
        status = STATUS_ENVIRONMENT
    except OSError as error:
        sys.stdout = None  # if that is what cannot be written, Python would try once more at the end
        status = _say(error.strerror or error, STATUS_ENVIRONMENT)
    except MemoryError as error:
        status = _say(f"out of memory: {error}", STATUS_ENVIRONMENT)
    except KeyboardInterrupt as interrupt:
        status = _say(interrupt if interrupt.args else "stopped", STATUS_INTERRUPTED)
    sys.exit(status)


def _say(message, status):
    print(f"error: {message}" if status != STATUS_INTERRUPTED else message, file=sys.stderr)
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


class StopRequest:
    """Whether somebody has asked to stop; see `holding_back_interrupts`."""

    requested = False


@contextlib.contextmanager
def holding_back_interrupts():
    """Turn the first SIGINT or SIGTERM inside the block into a request to stop at the next good moment.

    The second one interrupts at once. Outside the main thread, where Python allows no handlers, nothing is held back.

    Yields
    ------
    StopRequest
        Its `requested` becomes True with the first signal.
    """
    stop = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def note(number, frame):
        if stop.requested:
            raise KeyboardInterrupt
        stop.requested = True

    held = [n for n in (signal.SIGINT, signal.SIGTERM) if signal.getsignal(n) is not signal.SIG_IGN]  # as by nohup
    before = {number: signal.signal(number, note) for number in held}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
