"""The program of the child process: it calls the solution's functions as told and sends back what they return.

It judges nothing and knows no right answer. It is copied beside the solution, started as a script, reads its jobs as
JSON from standard input and writes one line of JSON for each. It needs NumPy and nothing of the project.
"""

import base64
import contextlib
import ctypes
import importlib
import io
import json
import os
import random
import sys
import tempfile
import time
import traceback
import warnings
from pathlib import Path

import numpy as np

MOST_TEXT = 20_000  # characters kept of what a solution prints
MOST_WARNINGS = 5
MOST_PARTS = 20  # of a tuple
MOST_OPEN = 256  # files
PR_SET_NO_NEW_PRIVS = 38  # Linux, prctl(2)
SEED = 20_245  # of both streams before a call, unless the request names another
NUMERIC_STEP = 1e-4
MOST_TWISTS = 100  # of 624 draws each, that are told from a seed
CLOSED = ("socket.connect", "socket.bind", "socket.sendto", "socket.getaddrinfo", "socket.gethostbyname")
PROGRAMS = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.forkpty")


# Values in transit: arrays as base64 of float64 or int64, everything else as JSON


def encode(value):
    """Encode a value for JSON; what is neither a number nor an array becomes {"other": name of its type}."""
    if isinstance(value, (tuple, list)) and not _is_numeric(value):
        return {"tuple": [encode(part) for part in value[:MOST_PARTS]]}
    if value is None or isinstance(value, str):
        return {"other": type(value).__name__}
    try:
        array = np.asarray(value)
        if array.dtype.kind not in "biuf":
            return {"other": f"{type(value).__name__} of {array.dtype}" if array.ndim else type(value).__name__}
        data = np.ascontiguousarray(array, dtype="<f8").tobytes()
    except Exception:  # a type defined by the solution may do anything
        return {"other": type(value).__name__}
    single = {"single": True} if array.dtype.kind == "f" and array.dtype.itemsize < 8 else {}
    return {"array": base64.b64encode(data).decode(), "shape": list(array.shape), **single}


def _is_numeric(value):
    return all(isinstance(part, (int, float, np.number)) for part in value) and isinstance(value, list)


def decode(value, tools):
    """Decode a value of the request for the solution; `tools` collects the objects that keep records."""
    if isinstance(value, list):
        return [decode(part, tools) for part in value]
    if not isinstance(value, dict):
        return value
    ((kind, what),) = value.items()
    if kind == "array":
        array = np.frombuffer(base64.b64decode(what["data"]), what["dtype"]).reshape(what["shape"]).copy()
        return array if what["shape"] else array[()]
    if kind == "words":
        return what
    if kind == "own":
        return getattr(importlib.import_module(what[0]), what[1])
    tools[kind] = tool = TOOLS[kind](**{name: decode(part, tools) for name, part in what.items()})
    return tool


# The objects that a solution is given to work with, which record what it does


class Draws:
    """A data set that gives negative samples from a list, and counts how many were taken."""

    def __init__(self, ids):
        self.ids, self.used = [int(i) for i in ids], 0

    def sampleTokenIdx(self):
        if self.used == len(self.ids):
            raise RuntimeError(f"more than {self.used} negative samples were drawn")
        self.used += 1
        return self.ids[self.used - 1]

    def record(self):
        return {"draws": self.used}


class Pieces:
    """A loss function that returns given losses and gradients, one call after the other, and notes its arguments."""

    def __init__(self, losses, centres, outsides):
        self.answers = list(zip(losses.tolist(), centres, outsides, strict=True))
        self.calls = []
        self.__name__ = "lossAndGradient"

    def __call__(self, centerWordVec, outsideWordIdx, outsideVectors, dataset, *rest):
        self.calls.append([encode(part) for part in (centerWordVec, outsideWordIdx, outsideVectors)])
        self.calls[-1].append({"other": "dataset" if isinstance(dataset, Draws) else type(dataset).__name__})
        loss, centre, outside = self.answers[(len(self.calls) - 1) % len(self.answers)]
        return loss, centre.copy(), outside.copy()

    def record(self):
        return {"calls": self.calls[:50]}


class Quadratic:
    """The objective sum(weights * x**2), or sum(slope * x), with its gradient; notes where it was called."""

    def __init__(self, weights=1.0, slope=None):
        self.weights, self.slope = weights, slope
        self.seen, self.drawn, self.called = [], [], 0

    def __call__(self, x):
        self.called += 1
        self.seen.append(np.array(x, dtype=float))
        self.drawn.append(random.random())
        if self.slope is not None:
            return float(np.sum(self.slope * x)), self.slope + 0 * x
        return float(np.sum(self.weights * np.square(x))), 2 * self.weights * x

    def record(self):
        return {"seen": encode(self.seen and np.array(self.seen)), "drawn": encode(self.drawn), "called": self.called}


class Shift:
    """A postprocessing that can be told from none, wherever it is applied; it counts its calls."""

    def __init__(self, factor, offset):
        self.factor, self.offset, self.times = factor, offset, 0

    def __call__(self, x):
        self.times += 1
        return self.factor * x + self.offset

    def record(self):
        return {"postprocessed": self.times}


class Corpus:
    """A data set of ids with the draws of the handout's: windows and negative samples, from Python's `random`."""

    def __init__(self, ids, offsets, table, V):
        self.ids, self.offsets, self.table = ids.tolist(), offsets.tolist(), table.tolist()
        self.words = [f"w{i}" for i in range(V)]

    def tokens(self):
        return {word: i for i, word in enumerate(self.words)}

    def sampleTokenIdx(self):
        return self.table[random.randint(0, len(self.table) - 1)]

    def getRandomContext(self, C=5):
        while True:
            s = random.randint(0, len(self.offsets) - 2)
            sentence = self.ids[self.offsets[s] : self.offsets[s + 1]]
            at = random.randint(0, len(sentence) - 1)
            around = sentence[max(0, at - C) : at] + sentence[at + 1 : at + C + 1]
            if context := [self.words[w] for w in around if w != sentence[at]]:
                return self.words[sentence[at]], context


class Minibatches:
    """The objective of the training: the solution's own minibatch loss on a Corpus."""

    def __init__(self, corpus, loss, window=5):
        self.model = importlib.import_module("word2vec")
        self.corpus, self.tokens, self.window = corpus, corpus.tokens(), window
        self.loss = getattr(self.model, loss)

    def __call__(self, x):
        if not hasattr(self.model, "word2vec_sgd_wrapper"):
            raise Lacking("word2vec.py has no word2vec_sgd_wrapper: the starter code has it, put it back")
        loss, gradient = self.model.word2vec_sgd_wrapper(
            self.model.skipgram, self.tokens, x, self.corpus, self.window, self.loss
        )
        # A loss of shape (1,) does no harm to a training, but NumPy 2.4 refuses to print it with "%f".
        return (loss.item() if isinstance(loss, np.ndarray) and loss.size == 1 else loss), gradient

    def record(self):
        return {}


class Lacking(Exception):
    """Something that the starter code has is missing from the solution: no line of it is to blame."""


TOOLS = {
    "draws": Draws,
    "pieces": Pieces,
    "quadratic": Quadratic,
    "shift": Shift,
    "corpus": Corpus,
    "minibatches": Minibatches,
}


# The jobs


def call(module, function, args, kwargs=None, seed=SEED):
    """Call one function of the solution; return its value, its arguments afterwards, and which streams it moved."""
    called = getattr(importlib.import_module(module), function)
    tools = {}
    args, kwargs = decode(args, tools), {name: decode(part, tools) for name, part in (kwargs or {}).items()}
    random.seed(seed)
    np.random.seed(seed)
    before = streams()
    value = called(*args, **kwargs)
    moved = {name: state for name, state in streams().items() if state != before[name]}
    seeded = [name for name, state in moved.items() if was_seeded(before[name], state)]
    kept = [encode(arg) if isinstance(arg, np.ndarray) else None for arg in args]
    answer = {"value": encode(value), "args": kept, "moved": list(moved), "seeded": seeded}
    for tool in tools.values():
        if hasattr(tool, "record"):
            answer.update(tool.record())
    return answer


def streams():
    """The states of the two global random streams, by name: the words of the Mersenne Twister, and the rest."""
    _, words, *normal = random.getstate()
    _, key, *rest = np.random.get_state()
    return {"random": (words[:-1], (words[-1], *normal)), "np.random": (tuple(key.tolist()), tuple(rest))}


def was_seeded(before, after):
    """Whether a stream was set to a state that draws alone do not lead to."""
    twister = np.random.RandomState()
    twister.set_state(("MT19937", np.array(before[0], dtype=np.uint32), 624))
    for _ in range(MOST_TWISTS):
        if twister.get_state()[1].tolist() == list(after[0]):
            return False
        twister.bytes(4 * 624)
    return True


def pairs(function, centre, outsides, vectors, ids):
    """Call a loss of the solution for one pair after the other, all drawing from one list of negative samples."""
    loss = getattr(importlib.import_module("word2vec"), function)
    dataset, centre, vectors = Draws(ids), decode(centre, {}), decode(vectors, {})
    random.seed(SEED)
    np.random.seed(SEED)
    values = [loss(centre, outside, vectors, dataset) for outside in outsides]
    return {"value": {"tuple": [encode(tuple(value)) for value in values]}, **dataset.record()}


def look(module, functions):
    """Import a module of the solution; return the functions it does not have."""
    imported = importlib.import_module(module)
    return {"missing": [name for name in functions if not callable(getattr(imported, name, None))]}


def give_sigmoid():
    """Put a correct sigmoid in the place of the solution's, for the functions that call it."""
    importlib.import_module("word2vec").sigmoid = lambda x: np.exp(-np.logaddexp(0, -np.asarray(x)))
    return {}


def numeric(module, function, centre, outside, vectors, ids, kwargs):
    """Differentiate a loss of the solution numerically with respect to the centre vector and all outside vectors."""
    loss = getattr(importlib.import_module(module), function)
    centre, vectors = decode(centre, {}), decode(vectors, {})

    def value():
        random.seed(SEED)
        np.random.seed(SEED)
        found = loss(centre.copy(), outside, vectors.copy(), Draws(ids), **kwargs)[0]
        is_number = isinstance(found, (int, float, np.number, np.ndarray)) and np.size(found) == 1
        return float(np.squeeze(found)) if is_number else np.nan

    def derivative(array):
        gradient = np.empty(array.shape)
        for index in np.ndindex(array.shape):
            there = array[index]
            array[index] = there + NUMERIC_STEP
            above = value()
            array[index] = there - NUMERIC_STEP
            gradient[index] = (above - value()) / (2 * NUMERIC_STEP)
            array[index] = there
        return gradient

    return {"value": encode((derivative(centre), derivative(vectors)))}


def clock(timed, arguments, seconds, most):
    """Call a function up to `most` times, as often as calls begin within `seconds`; return the seconds of each.

    They are of processor time, which other programs on the machine do not change.
    """
    random.seed(0)
    timed(*arguments)
    times, begin = [], time.perf_counter()
    while not times or (len(times) < most and time.perf_counter() - begin < seconds):
        started = time.process_time()
        timed(*arguments)
        times.append(time.process_time() - started)
    return times


def time_calls(module, function, args, seconds, most):
    """Time a function of the solution: the least of its calls' seconds."""
    timed = getattr(importlib.import_module(module), function)
    return {"value": encode(min(clock(timed, decode(args, {}), seconds, most)))}


def time_iterations(objective, x, seconds, most):
    """Time the solution's minibatch objective: the median of its calls' seconds."""
    times = clock(decode(objective, {}), [decode(x, {})], seconds, most)
    return {"value": encode(float(np.median(times)))}


OPERATIONS = {
    "call": call,
    "pairs": pairs,
    "look": look,
    "numeric": numeric,
    "give_sigmoid": give_sigmoid,
    "time_calls": time_calls,
    "time_iterations": time_iterations,
}


class Printed(io.TextIOBase):
    """Standard output of the solution: its beginning is kept, the rest forgotten."""

    def __init__(self):
        self.text = ""

    def writable(self):
        return True

    def write(self, text):
        self.text += text[: MOST_TEXT - len(self.text)]
        return len(text)


def perform(steps, folder):
    """Do the steps of one job in order, in a new folder; the first that fails is the last."""
    os.chdir(tempfile.mkdtemp(dir=Path(folder, "scratch")))
    for path in Path(folder, "solution").iterdir():  # data that is opened by a path relative to the solution
        if path.suffix != ".py" and path.name != "utils":
            Path(path.name).symlink_to(path)
    answers = []
    for operation, arguments in steps:
        printed = Printed()
        with warnings.catch_warnings(record=True) as caught, contextlib.redirect_stdout(printed):
            warnings.simplefilter("always")
            try:
                answer = OPERATIONS[operation](**arguments)
            except BaseException as error:  # SystemExit and KeyboardInterrupt must not stop the grading either
                answer = {"error": describe(error, folder)}
        answer["printed"] = printed.text
        answer["warnings"] = sorted({f"{w.category.__name__}: {w.message}" for w in caught})[:MOST_WARNINGS]
        answers.append(answer)
        if "error" in answer:
            break
    return answers


def describe(error, folder):
    """Describe an exception: type, text, and the last line of the solution that it passed through."""
    place, solution = {}, Path(folder, "solution")
    if isinstance(error, Lacking):
        return {"type": "Missing", "text": str(error)}
    for frame in traceback.extract_tb(error.__traceback__):
        if Path(frame.filename).is_relative_to(solution):
            name = str(Path(frame.filename).relative_to(solution))
            place = {"file": name, "line": frame.lineno, "code": (frame.line or "")[:200]}
    if isinstance(error, SyntaxError) and error.filename:
        place = {"file": Path(error.filename).name, "line": error.lineno}
    try:
        text = str(error)
    except Exception:
        text = ""
    return {"type": type(error).__name__, "text": text[:500], **place}


def close_doors(hidden):
    """Refuse what a solution has no business with: the network, other programs, and the files of the grader.

    This gives honest Python code a clear message; what keeps hostile code in is the sandbox around this process.
    """
    allowed = tuple(os.path.realpath(prefix) + os.sep for prefix in (sys.prefix, sys.base_prefix))
    hidden = tuple(os.path.realpath(folder) + os.sep for folder in hidden)

    def guard(event, arguments):
        if event in CLOSED:
            raise PermissionError("the network is closed while grading")
        if event in PROGRAMS:
            raise PermissionError("starting other programs is not allowed while grading")
        if event == "open" and isinstance(arguments[0], (str, bytes)):
            path = os.path.realpath(os.fsdecode(arguments[0]))
            if path.startswith(hidden) and not path.startswith(allowed):
                raise PermissionError("the grader's own files are closed while grading")

    sys.addaudithook(guard)


class Allowed:
    """Refuses packages that the course does not allow, where the solution itself imports them."""

    def __init__(self, packages, solution):
        self.packages, self.solution = set(packages), str(solution) + os.sep

    def find_spec(self, name, path=None, target=None):
        """Refuse or let the next finder look: the interface of `sys.meta_path`."""
        top = name.split(".")[0]
        known = top in sys.stdlib_module_names or top in self.packages or not self._is_asked_by_solution()
        if not known and not any(any(Path(self.solution).rglob(own)) for own in (top, f"{top}.py")):
            allowed = ", ".join(sorted(self.packages))
            raise ModuleNotFoundError(f"No module named {top!r} (the course allows {allowed})", name=top)

    def _is_asked_by_solution(self):
        frame = sys._getframe(2)
        while frame and "importlib" in frame.f_code.co_filename:
            frame = frame.f_back
        return frame and frame.f_code.co_filename.startswith(self.solution)


def limit(bytes_of_memory, seconds, processes):
    """Set the limits of this process, where the system has them."""
    try:
        import resource
    except ImportError:  # Windows
        return
    wanted = {"RLIMIT_AS": bytes_of_memory, "RLIMIT_CPU": seconds, "RLIMIT_FSIZE": 1 << 26, "RLIMIT_CORE": 0}
    wanted |= {"RLIMIT_NOFILE": MOST_OPEN} | ({} if processes is None else {"RLIMIT_NPROC": processes})
    for name, most in wanted.items():
        with contextlib.suppress(ValueError, OSError, AttributeError):  # not every system has every limit
            resource.setrlimit(getattr(resource, name), (most, most))


def give_up_rights(user):
    """Become a user without rights, for good: no program can give them back."""
    os.setgroups([])
    os.setgid(user)
    os.setuid(user)
    ctypes.CDLL(None).prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def main():
    """Read the jobs, give up rights, and answer one job after the other."""
    request = json.load(sys.stdin.buffer)
    replies = os.fdopen(os.dup(1), "w", encoding="ascii")
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):  # what a solution prints goes nowhere, unless it goes through sys.stdout
        os.dup2(nothing, descriptor)
    if request["user"] is not None:
        give_up_rights(request["user"])
    limit(request["memory"], request["seconds"], request["processes"])
    folder = request["folder"]
    solution = Path(folder, "solution")
    sys.path.insert(0, str(solution))
    if request["packages"] is not None:
        sys.meta_path.insert(0, Allowed(request["packages"], solution))
    close_doors(request["hidden"])
    replies.write("ready\n")
    for job in request["jobs"]:
        replies.flush()
        replies.write(json.dumps({"id": job["id"], "answers": perform(job["steps"], folder)}) + "\n")
    replies.flush()


if __name__ == "__main__":
    main()
