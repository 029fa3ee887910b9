"""Feed damaged files to every parser: each case must end in a result or in a refusal.

    python tests/helpers/fuzz.py --cases 10000 --seed 1      # the long form
    python tests/helpers/fuzz.py --only zip --cases 500      # one parser

Small valid files are truncated, flipped, filled, repeated and given sizes they lack. A refusal is an InputError or
EnvironmentFailure that names the file and, in a text file, the line. Any other exception, a hang, memory beyond twice
the files (plus a stated constant) or an impossible result is a fault, printed with all that reproduces it. The parsers
are listed in `parsers.py`.
"""

import contextlib
import faulthandler
import functools
import random
import re
import signal
import sys
import tempfile
import time
import traceback
import tracemalloc
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

from tqdm import tqdm

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from parsers import parsers

from utils.system import console
from utils.system.errors import EnvironmentFailure, InputError

LONGEST_REFUSAL = 1000  # characters, the file's path included
SECONDS = 20  # after which a case hangs; most take milliseconds


class Fault(AssertionError):
    """A case that ended in neither a result nor a refusal, or in a wrong one."""


# Damage


@dataclass(frozen=True)
class Damage:
    """One change to a file: a function of numbers only, so that it can be drawn at random, printed and repeated.

    Attributes
    ----------
    kind : str
        One of KINDS.
    place, length : float
        Where, and how far, as fractions of the file: at least 0, less than 1.
    choice : int
        0 .. 255: which byte, token, number or seed, depending on the kind.
    """

    kind: str
    place: float
    length: float
    choice: int

    def __call__(self, data):
        at = int(self.place * len(data))
        n = 1 + int(self.length**3 * len(data))  # mostly short
        return KINDS[self.kind](data, at, n, self.choice)


TOKENS = [
    *(b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b"\n", b"\r", b"\r\n", b"\n\n\n", b"\t", b" ", b"|", b",", b'"', b"'"),
    *("\u2028".encode(), "\x85".encode(), "\u0663".encode(), "\xa0".encode(), "\ud800".encode(errors="surrogatepass")),
    *(b"-", b"-1", b"1_0", b"1e999", b"nan", b"NaN", b"-Infinity", b"0x10", b"9" * 5_000, b"A" * 20_000),
    *(b"[" * 20_000, b'{"a":' * 20_000, b"(" * 500, b"null", b"true", b"|O", b"PK\1\2", b"PK\5\6", b"../", b"/", b"\\"),
]
BOASTS = [b"1000000000", b"1000000000000", b"9223372036854775807", b"18446744073709551616", b"9" * 40, b"-1", b"0"]
FILLINGS = [b"\xff", b"\0", b"\x7f", b"\x80"]


def _boast(data, at, n, choice):
    """Replace a number by another; where spaces pad it, as in the header of .npy, the file keeps its length."""
    numbers = list(re.finditer(rb"\d+", data))
    if not numbers:
        return data
    number = numbers[at * len(numbers) // len(data)]
    boast = BOASTS[choice % len(BOASTS)]
    padding = b" " * (len(boast) - len(number[0]))
    return data[: number.start()] + boast + data[number.end() :].replace(padding, b"", 1 if padding else 0)


def _flip(data, at, n, choice):
    return data[:at] + bytes(byte ^ 1 << choice % 8 for byte in data[at : at + 1]) + data[at + 1 :]


def _fill(data, at, n, choice):
    width = 2 ** (choice // 4 % 4)
    return data[:at] + FILLINGS[choice % 4] * width + data[at + width :]


def _insert(data, at, n, choice):
    return data[:at] + random.Random(choice).randbytes(n) + data[at:]


KINDS = {
    "flip a bit": _flip,
    "change a byte": lambda data, at, n, choice: data[:at] + bytes([choice]) + data[at + 1 :],
    "cut off the end": lambda data, at, n, choice: data[:at],
    "cut off the front": lambda data, at, n, choice: data[at:],
    "cut out": lambda data, at, n, choice: data[:at] + data[at + n :],
    "insert bytes": _insert,
    "insert a token": lambda data, at, n, choice: data[:at] + TOKENS[choice % len(TOKENS)] + data[at:],
    "repeat": lambda data, at, n, choice: data[:at] + data[at : at + n] * (2 + choice % 4) + data[at + n :],
    "turn round": lambda data, at, n, choice: data[at:] + data[:at],
    "fill": _fill,
    "boast": _boast,
    "replace all": lambda data, at, n, choice: random.Random(choice).randbytes(n),
}


def draw_damages(rng):
    """One damage, or up to four, from a random.Random."""
    n = rng.choice((1, 1, 1, 2, 3, 4))
    return [Damage(rng.choice(list(KINDS)), _place(rng), rng.random(), rng.randrange(256)) for _ in range(n)]


def _place(rng):
    """Anywhere, or near the front or the end, where headers and tables of contents are."""
    return rng.choice((rng.random(), rng.random() ** 4, 1 - rng.random() ** 4 - 1e-12))


# One case


class Hang(BaseException):
    """Not an Exception, so that no parser mistakes it for damage."""


@contextlib.contextmanager
def time_limit(seconds):
    """Raise Hang in the block after so many seconds, on systems with timers."""
    if not hasattr(signal, "setitimer"):
        yield
        return

    def stop(number, frame):
        raise Hang

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextlib.contextmanager
def memory_traced():
    """Let `run_case` measure memory; NumPy's arrays count with their full size, used or not."""
    tracemalloc.start()
    try:
        yield
    finally:
        tracemalloc.stop()


def run_case(parser, seed, damages):
    """Damage one seed of a parser and have it read.

    Parameters
    ----------
    parser : Parser
    seed : int
        Which of its seeds.
    damages : list of Damage
        Empty: the seed itself is read.

    Returns
    -------
    namespace
        `refusal`: its message, or None; `result`; `memory`: peak bytes, less twice the files; `seconds`.

    Raises
    ------
    Fault
    """
    data = parser.seeds[seed]
    for damage in damages:
        data = damage(data)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / parser.file
        for name, contents in {**parser.beside, parser.file: data}.items():
            (Path(folder) / name).write_bytes(contents)
        sizes = len(data) + sum(map(len, parser.beside.values()))
        case = SimpleNamespace(result=None, refusal=None)
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak() if tracemalloc.is_tracing() else None
        started = time.perf_counter()
        try:
            with time_limit(SECONDS):
                case.result = parser.parse(path)
            changed = data != parser.seeds[seed]
            parser.check(case.result, _whole(parser, seed) if changed else case.result, changed)
        except (InputError, EnvironmentFailure) as refusal:
            case.refusal = str(refusal)
            if complaint := _complaint(parser, path, case.refusal):
                raise _fault(parser, seed, damages, f"{complaint}: {case.refusal[:2000]}") from refusal
        except Hang:
            raise _fault(parser, seed, damages, f"no end after {SECONDS} seconds") from None
        except Exception as error:
            raise _fault(parser, seed, damages, "".join(traceback.format_exception(error))) from error
        case.seconds = time.perf_counter() - started
        case.memory = tracemalloc.get_traced_memory()[1] - before - 2 * sizes
    if case.memory > parser.memory:
        what = f"{case.memory:,} bytes beyond twice the {sizes:,} of its files, {parser.memory:,} are allowed"
        raise _fault(parser, seed, damages, what)
    return case


@functools.cache
def _whole(parser, seed):
    """What the parser reads from the seed as it is."""
    case = run_case(parser, seed, ())
    if case.refusal is not None:
        raise _fault(parser, seed, (), f"the seed itself is refused: {case.refusal}")
    return case.result


def _complaint(parser, path, refusal):
    """What a refusal lacks, or None."""
    if "\n" in refusal or len(refusal) > LONGEST_REFUSAL:
        return "a refusal of more than one line"
    if not parser.text:
        return None if str(path.parent) in refusal else "a refusal that does not name the file"
    if str(path) not in refusal:
        return "a refusal that does not name the file"
    for name in {*parser.beside, path.name}:
        if place := re.search(rf"{re.escape(str(path.with_name(name)))}, line (\d+)", refusal):
            lines = path.with_name(name).read_bytes().removesuffix(b"\n").count(b"\n") + 1
            return None if 1 <= int(place[1]) <= lines else f"a line that {name} does not have"
    if re.search(parser.whole, refusal):
        return None
    return "a refusal that does not name the line"


def _fault(parser, seed, damages, what):
    return Fault(f"{parser.name}, seed {seed}, {list(damages)}: {what}")


# The long form


def run_cases(parser, cases, seed):
    """Run so many random cases of one parser: (namespaces of `run_case`, Faults)."""
    rng = random.Random(f"{seed} {parser.name}")
    ended, faults = [], []
    for _ in range(cases):
        try:
            ended.append(run_case(parser, rng.randrange(len(parser.seeds)), draw_damages(rng)))
        except Fault as fault:
            faults.append(fault)
        yield ended, faults


def main(arguments=None):
    """Run the cases that the command line asks for; return 1 after faults, otherwise 0."""
    options = console.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--cases", type=console.whole_number(1), default=10_000, help="in all (%(default)s)")
    options.add_argument("--seed", type=console.whole_number(0), default=0, help="of the damages (%(default)s)")
    options.add_argument("--only", default="", metavar="NAME", help="parsers with this in their name")
    options = options.parse_args(arguments)
    chosen = [parser for parser in parsers() if options.only in parser.name]
    if not chosen:
        raise InputError(f"no parser has {options.only!r} in its name: {', '.join(p.name for p in parsers())}")
    rows, faults = [], []
    with memory_traced(), tqdm(total=options.cases, unit="case", disable=not sys.stderr.isatty()) as bar:
        for i, parser in enumerate(chosen):
            _whole(parser, 0)  # what is loaded once does not count as a case's memory
            cases = (options.cases + i) // len(chosen)
            ended, found = [], []
            for ended, found in run_cases(parser, cases, options.seed):  # noqa: B007
                # A hang inside compiled code never returns to Python: this ends it.
                faulthandler.dump_traceback_later(2 * SECONDS, exit=True, file=sys.__stderr__)
                bar.update()
            faults += found
            rows.append(_row(parser, cases, ended, found))
            tqdm.write(f"{parser.name}: {cases} cases, {len(found)} faults")
    faulthandler.cancel_dump_traceback_later()
    for fault in faults[:10]:
        print(f"\n{fault}")
    print(_table(rows))
    print(f"{options.cases:,} cases from seed {options.seed}: {len(faults) or 'no'} faults")
    return 1 if faults else 0


def _row(parser, cases, ended, faults):
    refusals = sum(case.refusal is not None for case in ended)
    memory = max((case.memory for case in ended), default=0)
    slowest = max((case.seconds for case in ended), default=0)
    limit = f"{max(memory, 0) / 1e3:.0f} of {parser.memory / 1e3:.0f} kB"
    return parser.name, cases, len(ended) - refusals, refusals, len(faults), limit, f"{1e3 * slowest:.0f} ms"


def _table(rows):
    titles = ("parser", "cases", "results", "refusals", "faults", "beyond 2 x files", "slowest")
    lines = [[str(cell) for cell in line] for line in (titles, *rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    layout = "  ".join(f"{{:{'>' if i else '<'}{width}}}" for i, width in enumerate(widths))
    return "\n" + "\n".join(layout.format(*line) for line in lines)


if __name__ == "__main__":
    console.run(main)
