"""From a solution to its points: run the parts in the sandbox and judge them by the scheme."""

import hashlib
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np

from grader.compare import Outcome, failed
from grader.efficiency import Efficiency
from grader.losses import NaiveSoftmax, NegativeSampling, Sigmoid
from grader.optimiser import Sgd
from grader.protection import find_protection
from grader.reply import Failure
from grader.sandbox import Job, Sandbox
from grader.scheme import PART_TITLES, Line, Scheme, read_scheme
from grader.training import Training
from grader.windows import Skipgram

FUNCTIONS = {
    "word2vec": ("sigmoid", "naiveSoftmaxLossAndGradient", "negSamplingLossAndGradient", "skipgram"),
    "sgd": ("sgd",),
}
IMPORT_SECONDS = 10.0


@dataclass
class Result:
    """One line of the scheme and its outcome.

    Attributes
    ----------
    line : Line
    outcome : Outcome
    points : float
    """

    line: Line
    outcome: Outcome

    @property
    def points(self):
        return self.line.points if self.outcome.passed else 0


@dataclass
class Grading:
    """The results of all lines that were asked for.

    Attributes
    ----------
    results : list of Result
    scheme : Scheme
    remarks : list of str
        What is worth knowing and costs no points.
    protection : str
        What kept the solution apart.
    seed : int
    seconds : float
    troubles : list of str
        Tracebacks of the grader's own mistakes, which cost points until they are fixed.
    """

    results: list
    scheme: Scheme = field(default_factory=read_scheme)
    remarks: list = field(default_factory=list)
    protection: str = "nothing was run"
    seed: int = 0
    seconds: float = 0.0
    troubles: list = field(default_factory=list)

    @property
    def points(self):
        return sum(result.points for result in self.results)

    @property
    def possible(self):
        return sum(result.line.points for result in self.results)

    def of_part(self, part):
        return [result for result in self.results if result.line.part == part]


def seed_of(solution):
    """A seed that depends on the code: the same solution is given the same numbers, a changed one others."""
    return int.from_bytes(digest_of(solution)[:4], "little")


def digest_of(solution):
    """The SHA-256 of the code of a solution."""
    digest = hashlib.sha256()
    for name in sorted(name for name in solution.code if name.endswith(".py")):
        digest.update(name.encode("utf-8", "surrogateescape") + b"\0" + solution.code[name] + b"\0")
    return digest.digest()


def grade(solution, text, parts=None, seed=None, protection=None, scheme=None):
    """Grade a solution. Whatever it holds, every line gets its outcome.

    Parameters
    ----------
    solution : Solution
    text : Text
        The treebank for the part training.
    parts : sequence of str, optional
        Which parts of the scheme; by default those with points.
    seed : int, optional
        Of the random cases; by default it depends on the code.
    protection : Protection, optional
        What keeps the solution apart; by default the best that works here.
    scheme : Scheme, optional
        By default the built-in one.

    Returns
    -------
    Grading
    """
    started = time.perf_counter()
    scheme = scheme or read_scheme()
    parts = scheme.graded_parts() if parts is None else parts
    seed = seed_of(solution) if seed is None else seed
    lines = [line for part in parts for line in _lines(scheme, part)]
    if solution.trouble:
        return Grading([Result(line, failed(solution.trouble)) for line in lines], scheme, solution.remarks)
    makers = _makers(solution, text, parts, scheme, seed)
    protection, troubles = protection or find_protection(), []
    try:
        with Sandbox(solution.code, protection, scheme.packages) as sandbox:
            graders, outcomes = _run_and_judge(sandbox, solution, makers, scheme, troubles)
    except Exception as error:
        reason = _own_failure(error, troubles)
        return Grading([Result(line, failed(reason)) for line in lines], scheme, troubles=troubles)
    results = [Result(line, outcomes[line.part][line.check]) for line in lines]
    remarks = [f"{PART_TITLES[part]}: {remark}" for part, grader in graders.items() for remark in grader.remarks]
    remarks = list(dict.fromkeys([*solution.remarks, *remarks]))
    seconds = time.perf_counter() - started
    return Grading(results, scheme, remarks, str(protection), seed, seconds, troubles)


def _run_and_judge(sandbox, solution, makers, scheme, troubles):
    """The grader of each part, and its outcomes: dicts by part."""
    graders = {part: make([]) for part, make in makers.items()}
    _run(sandbox, solution, [job for grader in graders.values() for job in grader.jobs])
    outcomes = {part: _judge(grader, scheme, troubles) for part, grader in graders.items()}
    if all(_lost(outcomes.get(part, {})) for part in ("sigmoid", "neg")):
        again = makers["neg"](["it was judged with a correct sigmoid, as yours is wrong"])
        _run(sandbox, solution, again.jobs, [Job("neg.sigmoid", [("give_sigmoid", {})])])
        found = _judge(again, scheme, troubles)
        if len(_lost(found)) < len(_lost(outcomes["neg"])):
            graders["neg"], outcomes["neg"] = again, found
    return graders, outcomes


def _lost(outcomes):
    return [check for check, outcome in outcomes.items() if not outcome.passed]


def _lines(scheme, part):
    """The lines of a part that count; all of them where none does."""
    lines = scheme.lines_of(part)
    return [line for line in lines if line.points] or lines


def _judge(grader, scheme, troubles):
    """The Outcome of each check. A mistake of the grader's own costs this part its points, but no results file."""
    try:
        return grader.judge()
    except Exception as error:
        message = _own_failure(error, troubles)
        return {line.check: failed(message) for line in scheme.lines_of(grader.part)}


def _own_failure(error, troubles):
    """Note the traceback of a mistake of the grader's own; return the sentence about it."""
    troubles.append(traceback.format_exc())
    return f"the grader itself failed here ({type(error).__name__}), please tell your instructor"


def _makers(solution, text, parts, scheme, seed):
    """Functions of a list for remarks that make the graders of some parts: dict of part to function."""
    makers = {
        "sigmoid": Sigmoid,
        "softmax": NaiveSoftmax,
        "neg": NegativeSampling,
        "skipgram": Skipgram,
        "sgd": Sgd,
        "training": lambda rng, remarks: Training(rng, remarks, text, solution.products, scheme.bounds),
        "efficiency": lambda rng, remarks: Efficiency(rng, remarks, scheme.bounds["efficiency"]),
    }

    def with_stream(n, make):
        return lambda remarks: make(np.random.default_rng([seed, n]), remarks)

    return {part: with_stream(n, make) for n, (part, make) in enumerate(makers.items()) if part in parts}


def _run(sandbox, solution, jobs, before=()):
    """Run the jobs: two children at a time, and the measurement of time at the end, by itself.

    `before` are jobs that come first; only those that need no `sgd` see what they have changed.
    """
    for job in jobs:
        if missing := next((module for module in job.needs if f"{module}.py" not in solution.code), None):
            job.answers = [Failure("Missing", solution.missing.get(f"{missing}.py", f"{missing}.py is missing"))]
    jobs = [job for job in jobs if not job.answers]
    timed = [job for job in jobs if job.group == "efficiency"]
    optimiser = [job for job in jobs if "sgd" in job.needs]
    lanes = [[job for job in jobs if job not in timed and job not in optimiser], optimiser]
    lanes = [_with_imports(lanes[0], before), *map(_with_imports, lanes[1:])]
    with ThreadPoolExecutor(len(lanes)) as pool:
        list(pool.map(sandbox.run, lanes))
    sandbox.run(_with_imports(timed))


def _with_imports(jobs, before=()):
    """The jobs, after one for each module that they need."""
    modules = list(dict.fromkeys(module for job in jobs for module in job.needs))
    return [*map(_import, modules), *before, *jobs]


def _import(module):
    step = ("look", {"module": module, "functions": FUNCTIONS[module]})
    return Job(f"import.{module}", [step], (module,), IMPORT_SECONDS, opens=module)
