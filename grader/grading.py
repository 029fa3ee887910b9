"""From a solution to its points: runs the parts in the sandbox and judges them by the scheme."""

import hashlib
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np

from grader.compare import Outcome, failed
from grader.efficiency import Efficiency
from grader.losses import NaiveSoftmax, NegativeSampling, Sigmoid
from grader.optimiser import Sgd
from grader.reply import Failure
from grader.sandbox import Job, Sandbox
from grader.scheme import SCHEME, Line
from grader.training import Training
from grader.windows import Skipgram

FUNCTIONS = {
    "word2vec": ("sigmoid", "naiveSoftmaxLossAndGradient", "negSamplingLossAndGradient", "skipgram"),
    "sgd": ("sgd",),
}
IMPORT_SECONDS = 10.0


@dataclass
class Result:
    """One line of the scheme, and what became of it.

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
    remarks : list of str
        What is worth knowing and costs no points.
    measures : str
        How the solution was kept apart.
    seed : int
    seconds : float
    """

    results: list
    remarks: list = field(default_factory=list)
    measures: str = ""
    seed: int = 0
    seconds: float = 0.0

    @property
    def points(self):
        return sum(result.points for result in self.results)

    @property
    def possible(self):
        return sum(result.line.points for result in self.results)

    def of_part(self, part):
        return [result for result in self.results if result.line.part == part]


def seed_of(solution):
    """A seed that goes with the code: the same solution meets the same numbers, a changed one others."""
    digest = hashlib.sha256()
    for name in sorted(solution.code):
        digest.update(name.encode() + b"\0" + solution.code[name] + b"\0")
    return int.from_bytes(digest.digest()[:4], "little")


def grade(solution, text, parts, seed=None, kept_apart=None):
    """Grade a solution.

    Parameters
    ----------
    solution : Solution
    text : Text
        The treebank for the part training.
    parts : sequence of str
        Which parts of the scheme.
    seed : int, optional
        Of the random cases; by default it goes with the code.
    kept_apart : Measures, optional
        How to keep the solution apart; by default as well as the system permits.

    Returns
    -------
    Grading
    """
    started = time.perf_counter()
    seed = seed_of(solution) if seed is None else seed
    lines = [line for line in SCHEME if line.part in parts]
    if solution.trouble:
        return Grading([Result(line, failed(solution.trouble)) for line in lines], seed=seed)
    remarks = list(solution.remarks)
    graders = [make(np.random.default_rng([seed, n]), remarks) for n, make in _makers(solution, text, parts)]
    with Sandbox(solution.code, kept_apart) as sandbox:
        _run(sandbox, solution, [job for grader in graders for job in grader.jobs])
    outcomes = {(grader.part, check): outcome for grader in graders for check, outcome in grader.judge().items()}
    results = [Result(line, outcomes[line.part, line.check]) for line in lines]
    return Grading(results, list(dict.fromkeys(remarks)), str(sandbox.measures), seed, time.perf_counter() - started)


def _makers(solution, text, parts):
    makers = {
        "sigmoid": Sigmoid,
        "softmax": NaiveSoftmax,
        "neg": NegativeSampling,
        "skipgram": Skipgram,
        "sgd": Sgd,
        "training": lambda rng, remarks: Training(rng, remarks, text, solution.products),
        "efficiency": Efficiency,
    }
    return [(n, make) for n, (part, make) in enumerate(makers.items()) if part in parts]


def _run(sandbox, solution, jobs):
    """Run the jobs: two children at a time, and the measurement of time at the end, by itself."""
    for job in jobs:
        if missing := next((module for module in job.needs if f"{module}.py" not in solution.code), None):
            job.answers = [Failure("Missing", f"{missing}.py is missing")]
    jobs = [job for job in jobs if not job.answers]
    timed = [job for job in jobs if job.group == "efficiency"]
    optimiser = [job for job in jobs if "sgd" in job.needs]
    lanes = [[job for job in jobs if job not in timed and job not in optimiser], optimiser]
    with ThreadPoolExecutor(len(lanes)) as pool:
        list(pool.map(sandbox.run, map(_with_imports, lanes)))
    sandbox.run(_with_imports(timed))


def _with_imports(jobs):
    """The jobs, after one for each module that they need."""
    modules = list(dict.fromkeys(module for job in jobs for module in job.needs))
    return [_import(module) for module in modules] + jobs


def _import(module):
    step = ("look", {"module": module, "functions": FUNCTIONS[module]})
    return Job(f"import.{module}", [step], (module,), IMPORT_SECONDS, opens=module)
