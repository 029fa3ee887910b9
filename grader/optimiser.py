"""The part sgd: runs on slopes and quadratics, whose every step is known.

Everything but the steps themselves is judged relative to the solution's own first step, so that a wrong step costs its
points once.
"""

import random
import re

import numpy as np

from grader.compare import SEED_INSIDE, Outcome, failed, fits, judge, of_failure, values_of
from grader.reply import array
from grader.sandbox import Job, first_failure

ANNEAL_EVERY, SAVE_EVERY = 20_000, 5_000  # the handout's
SMOOTHING = 0.95
ITERATIONS = 8  # of the runs on quadratics: few enough that they are not at the minimum in the end
LONG = 2 * ANNEAL_EVERY + 5
QUIET = 10**9  # PRINT_EVERY of runs whose lines do not matter
NUMBER = r"(-?\d{1,30}(?:\.\d{1,30})?(?:e[-+]?\d{1,3})?)"
LINE = re.compile(rf"^\s*iter (\d{{1,9}}): {NUMBER}\s*$", re.MULTILINE)  # the handout's
# Somebody's own wording: "Iteration 8/42, loss = 1.5" is a line of iteration 8, with the loss 1.5.
OTHER_LINE = re.compile(
    rf"iter\w*\W{{0,3}}(\d{{1,9}})(?:\s*(?:/|of)\s*\d{{1,9}})?(?!\d)[^\d\n]*?{NUMBER}", re.IGNORECASE
)


def printed_losses(text):
    """The (iteration, loss) of each line that a training printed: the handout's lines, or else what resembles them."""
    found = LINE.findall(text) or OTHER_LINE.findall(text)
    return [(int(iteration), float(loss)) for iteration, loss in found]


class Sgd:
    """Points of `sgd`."""

    part = "sgd"

    def __init__(self, rng, remarks):
        self.remarks = remarks
        self.step = rng.uniform(0.05, 0.2)
        self.weights = [1.0, 1.0, rng.uniform(0.5, 2, (3, 2))]
        self.starts = [0.5 + rng.random(), -1.0 - rng.random(), rng.normal(0, 1, (3, 2))]
        self.factor, self.offset = rng.uniform(0.8, 0.95), rng.uniform(0.5, 1)
        shift = {"shift": {"factor": self.factor, "offset": self.offset}}
        slope = {"quadratic": {"slope": 1.0}}
        number, pair = array(0.0), array(np.zeros(2))
        self.high = rng.uniform(1, 2)  # where the run that prints starts: the loss there is not 0
        self.step_jobs = [
            _job(f"steps-{n}", _sgd({"quadratic": {"weights": array(w)}}, array(x), self.step, ITERATIONS))
            for n, (w, x) in enumerate(zip(self.weights, self.starts, strict=True))
        ]
        self.long_job = _job("halving", _sgd(slope, number, self.step, LONG))
        self.shift_job = _job("postprocessing", _sgd(slope, number, self.step, 7, shift))
        self.print_job = _job("printing", _sgd(slope, array(self.high), self.step, 42, every=8))
        self.save_job = _job(
            "saving", _sgd(slope, pair, self.step, SAVE_EVERY + 2, saved=True), _step("load_saved_params")
        )
        self.resume_job = _job(
            "resuming",
            _step("save_params", ANNEAL_EVERY, array(np.full(2, 3.0)), seed=5),
            _sgd(slope, pair, self.step, ANNEAL_EVERY + 3, saved=True, seed=6),
        )
        self.jobs = [
            *self.step_jobs, self.long_job, self.shift_job, self.print_job, self.save_job, self.resume_job
        ]  # fmt: skip

    def judge(self):
        """The Outcome of each check."""
        self.first = self._first_step()
        return {
            "steps": self._judge_steps(),
            "halving": self._judge_halving(),
            "postprocessing": self._judge_postprocessing(),
            "printing": self._judge_printing(),
            "resume": self._judge_resume(),
        }

    def _first_step(self):
        """The change in the first iteration with slope 1, or the Outcome of what prevented it."""
        found = [_steps(job) for job in (self.long_job, self.print_job)]
        steps = next((steps for steps in found if not isinstance(steps, Outcome)), None)
        return found[0] if steps is None else steps[0]

    def _run(self, update, iterations=ITERATIONS, later=1):
        """The results of the runs on quadratics with an update of (x, step, gradient, loss); `later` times the step
        after the first iteration."""
        results = []
        for weights, x in zip(self.weights, self.starts, strict=True):
            with np.errstate(all="ignore"):  # a wrong update may climb to infinity
                for n in range(iterations):
                    x = update(x, self.step * (later if n else 1), 2 * weights * x, np.sum(weights * np.square(x)))
            results.append(x)
        return results

    def _judge_steps(self):
        results, trouble = values_of(self.step_jobs)
        if trouble:
            return trouble

        def descend(x, step, gradient, loss):
            return x - step * gradient

        known = [
            ("the sign is wrong: it climbs", self._run(lambda x, step, gradient, loss: x + step * gradient)),
            ("the step is missing", self._run(lambda x, step, gradient, loss: x - gradient)),
            ("x is set to -step * gradient", self._run(lambda x, step, gradient, loss: -step * gradient)),
            ("the loss is subtracted, not the gradient", self._run(lambda x, step, gradient, loss: x - step * loss)),
            ("the parameters never change", self._run(lambda x, step, gradient, loss: x)),
            ("it makes one iteration too few", self._run(descend, ITERATIONS - 1)),
            ("it makes one iteration too many", self._run(descend, ITERATIONS + 1)),
            (
                "it counts from 0, and iteration 0 halves the step: count from start_iter + 1 to iterations",
                self._run(descend, later=0.5),
            ),
            ("the step is divided by 2 from the start", self._run(lambda x, step, g, loss: x - step / 2 * g)),
        ]
        outcome = judge(list(zip(results, self._run(descend), strict=True)), "x", self.remarks, known)
        called = self.step_jobs[0].answers[0].called
        if outcome.passed and called != ITERATIONS:
            hint = "each call draws another minibatch: call f once in an iteration" if called > ITERATIONS else None
            return failed(f"f was called {called} times in {ITERATIONS} iterations", hint)
        return outcome

    def _judge_halving(self):
        steps = _steps(self.long_job)
        if isinstance(steps, Outcome):
            return steps
        if abs(len(steps) - LONG + 1) > 1:
            return failed(f"it makes {len(steps) + 1} iterations where {LONG} were asked for")
        ratios = steps / steps[0]  # of iterations 1, 2, ...
        iteration = np.arange(1, len(steps) + 1)

        def halved(before):
            return 0.5 ** ((iteration - before) // ANNEAL_EVERY)

        known = [
            ("the step is never halved", [np.ones(len(steps))]),
            ("it is halved one iteration early: halve it after iteration 20,000", [halved(0)]),
            ("it is halved one iteration late", [halved(2)]),
            ("it is halved once only", [np.maximum(halved(1), 0.5)]),
            ("it is doubled, not halved", [1 / halved(1)]),
        ]
        outcome = judge([(ratios, halved(1))], "step", [], known)
        if outcome.passed:
            return outcome
        if fits(steps, -np.ones(len(steps))):
            outcome.hints = ["the step is missing in the update, so halving it changes nothing"]
        wrong = int(np.argmax(np.abs(ratios - halved(1)) > 1e-6))
        message = f"in iteration {wrong + 1:,} it is {ratios[wrong]:.6g} times the first"
        return failed(f"{message}, expected {halved(1)[wrong]:g}", *outcome.hints, plain=message)

    def _judge_postprocessing(self):
        first, shifted = self.first, _seen(self.shift_job)
        for trouble in (first, shifted):
            if isinstance(trouble, Outcome):
                return trouble
        answer = self.shift_job.answers[0]
        times = {0: "never called", 1: "called once"}.get(answer.postprocessed, f"called {answer.postprocessed} times")
        if abs(answer.postprocessed - 7) > 1:
            hint = "x = postprocessing(x) belongs after each step" if answer.postprocessed < 2 else None
            return failed(f"postprocessing was {times} in 7 iterations", hint)
        if answer.postprocessed != len(shifted):
            return self._judge_shifted_end(answer)

        def run(update):
            x = [0.0]
            for _ in shifted:
                x.append(update(x[-1]))
            return np.array(x)

        got = np.append(shifted, answer.value) if isinstance(answer.value, np.ndarray) else shifted

        def shift(x):
            return self.factor * x + self.offset

        expected = run(lambda x: shift(x + first))[: len(got)]
        unused = first * np.arange(len(expected))
        known = [
            ("its result is not used: x = postprocessing(x)", [unused]),
            (
                "its result is returned, but the next iteration starts without it: x = postprocessing(x) in the loop",
                [np.append(unused[:-1], shift(unused[-1]))],
            ),
            ("it is applied before the step, not after it", [run(lambda x: shift(x) + first)[: len(got)]]),
            (
                "it is applied before the step, not after it",
                [np.append(shift(run(lambda x: shift(x) + first)[:-1]), run(lambda x: shift(x) + first)[-1])],
            ),
            (
                "it is applied to the step alone: write x = postprocessing(x) after it",
                [run(lambda x: x + shift(first))],
            ),
        ]
        return judge([(got, expected)], "x after each step", [], known)

    def _judge_shifted_end(self, answer):
        """Judge by the result alone, where f is called more than once in an iteration."""
        x = 0.0
        for _ in range(7):
            x = self.factor * (x + self.first) + self.offset
        return judge([(answer.value, x)], "x after 7 steps", [])

    def _judge_printing(self):
        if failure := first_failure(self.print_job):
            return of_failure(failure)
        if isinstance(self.first, Outcome):
            return self.first
        printed = self.print_job.answers[0].printed
        if not (lines := printed_losses(printed)):
            seen = "no line gives the iteration and its loss" if printed.strip() else "nothing is printed"
            return failed(seen, 'print("iter %d: %f" % (iteration, loss)) every PRINT_EVERY iterations')
        wanted = list(range(8, 43, 8))
        if [n for n, _ in lines] != wanted:
            message = f"with PRINT_EVERY = 8 it prints at iterations {[n for n, _ in lines[:6]]}"
            return failed(f"{message}, expected {wanted}", plain=message)
        losses = self.high + self.first * np.arange(42)  # of iterations 1, 2, ...: the slope is 1
        rows = np.array(wanted) - 1

        def table(values):
            return np.column_stack((wanted, np.round(values, 6)))  # six digits are printed

        known = [
            ("the loss is not smoothed: 0.95 of the old value and 0.05 of the new one", [table(losses[rows])]),
            ("it is smoothed in every iteration, not at each printing", [table(_smoothed(losses)[rows])]),
            ("the weights are swapped: 0.95 of the old value and 0.05 of the new one", [
                table(_smoothed(losses[rows], 1 - SMOOTHING))
            ]),
        ]  # fmt: skip
        expected = table(_smoothed(losses[rows]))
        return judge([(np.array(lines), expected)], "printed (iteration, loss)", [], known)

    def _judge_resume(self):
        for job in (self.save_job, self.resume_job):
            if failure := first_failure(job):
                return of_failure(failure)
        first, seen = self.first, _seen(self.resume_job, 1)
        if isinstance(first, Outcome):
            return first
        if not (outcome := self._judge_saved()).passed:
            return outcome
        if isinstance(seen, Outcome):
            return seen
        if len(seen) < 2 or seen.shape[1:] != (2,):
            return failed("after resuming, the parameters do not change")
        resumed = self.resume_job.answers[1]
        if abs(len(seen) - 3) > 1:
            return failed(f"from iteration 20,000 to 20,003 it makes {len(seen)} iterations")
        if not fits(seen[0], np.full(2, 3.0)):
            return failed("it does not continue from the saved parameters")
        if not fits(seen[1] - seen[0], np.full(2, first / 2)):
            hint = "the step is not halved" if fits(seen[1] - seen[0], np.full(2, first)) else None
            return failed("from iteration 20,000 on, the step must be half of the first", hint)
        drawn = resumed.drawn.ravel() if isinstance(resumed.drawn, np.ndarray) else np.zeros(0)
        if not fits(drawn[:1], [random.Random(5).random()]):
            if len(drawn) > 1 and len(set(drawn.tolist())) == 1:
                return failed("every iteration draws the same numbers", SEED_INSIDE)
            return failed("the state of `random` is not restored: the run continues with other draws")
        return Outcome()

    def _judge_saved(self):
        value = self.save_job.answers[1].value
        if not (
            isinstance(value, tuple) and len(value) == 3 and isinstance(value[0], np.ndarray) and value[0].size == 1
        ):
            return failed("load_saved_params does not return a tuple of iteration, parameters and state")
        if (found := value[0].item()) not in (SAVE_EVERY, SAVE_EVERY + 2):  # some save at the end too
            message = f"after {SAVE_EVERY + 2:,} iterations with useSaved=True it is iteration {found:g} that was saved"
            return failed(message, "nothing is saved" if found == 0 else None)
        if not fits(value[1], np.full(2, found * self.first)):
            return failed(f"the saved parameters are not those after iteration {found:,.0f}")
        return Outcome()


def _job(name, *steps):
    return Job(f"sgd.{name}", list(steps), needs=("sgd",), limit=8.0)


def _step(function, *args, seed=None):
    return "call", {"module": "sgd", "function": function, "args": list(args), "seed": seed}


def _sgd(f, x0, step, iterations, postprocessing=None, saved=False, every=QUIET, seed=None):
    return _step("sgd", f, x0, step, iterations, postprocessing, saved, every, seed=seed)


def _smoothed(losses, share=SMOOTHING):
    """Each loss smoothed with those before it, as the handout does; a smoothed loss of 0 starts anew."""
    out = []
    for loss in losses:
        out.append(share * out[-1] + (1 - share) * loss if out and out[-1] else loss)
    return np.array(out)


def _seen(job, n=0):
    """The parameters of each iteration (f may have been called twice), or the Outcome of what prevented it."""
    if failure := first_failure(job):
        return of_failure(failure)
    seen = job.answers[n].seen
    if not isinstance(seen, np.ndarray) or seen.ndim not in (1, 2) or len(seen) < 2:
        return failed("f is called fewer than two times")
    changed = (seen[1:] != seen[:-1]).reshape(len(seen) - 1, -1).any(axis=1)
    return seen[np.append(True, changed)]


def _steps(job):
    """The change of the parameter from each call of f to the next; never zero at first."""
    seen = _seen(job)
    if isinstance(seen, Outcome):
        return seen
    steps = np.diff(seen)
    if steps.ndim != 1 or not len(steps) or not np.isfinite(steps[0]):
        return failed("the parameters do not change in the first iteration")
    return steps
