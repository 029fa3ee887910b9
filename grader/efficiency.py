"""The part efficiency: the processor time of an iteration, relative to that of a plain loop over pairs on this machine.

The child measures it itself: a solution that tampers with the clock is not detected. The built-in scheme gives no
points for it.
"""

import numpy as np

import word2vec
from grader import child
from grader.compare import Outcome, failed, values_of
from grader.reply import array
from grader.sandbox import Job

V, d = 10_000, 10
SECONDS, MOST = 1.0, 15  # a measurement takes so many seconds or calls
SMALL, LARGE = 500, 8_000  # vocabularies between which the time per word is measured
FEW, MANY = 5, 105  # negatives, likewise
# A vectorized solution may well take some times as long as ours per word or negative; a Python loop takes far more.
LOOP_RATIO, LEAST = 6, {"word": 1e-7, "negative": 2e-6}


class Efficiency:
    """Time of an iteration; what it grows with."""

    part = "efficiency"

    def __init__(self, rng, remarks, limit):
        self.remarks, self.limit = remarks, limit
        ids = (rng.pareto(0.8, 60_000) * 20).astype(int) % V  # few words that are frequent, many that are not
        corpus = {"ids": array(ids, "<i8"), "offsets": array(np.arange(0, 60_001, 20), "<i8")}
        corpus |= {"table": array(np.arange(V), "<i8"), "V": V}
        self.objective = {"minibatches": {"corpus": {"corpus": corpus}, "loss": "negSamplingLossAndGradient"}}
        self.start = array(rng.normal(0, 0.1, (2 * V, d)))
        iterations = {"objective": self.objective, "x": self.start, "seconds": SECONDS, "most": MOST}
        self.whole = Job("efficiency.iteration", [("time_iterations", iterations)], limit=20.0)
        self.parts = {
            "naiveSoftmaxLossAndGradient": [self._pair("naiveSoftmaxLossAndGradient", rng, n) for n in (SMALL, LARGE)],
            "negSamplingLossAndGradient": [self._pair("negSamplingLossAndGradient", rng, n) for n in (SMALL, LARGE)],
            "negatives": [self._pair("negSamplingLossAndGradient", rng, SMALL, K) for K in (FEW, MANY)],
        }
        self.jobs = [self.whole, *(job for jobs in self.parts.values() for job in jobs)]

    def _pair(self, function, rng, words, K=None):
        corpus = {"ids": array([0, 1], "<i8"), "offsets": array([0, 2], "<i8"), "V": 2}
        corpus["table"] = array(np.arange(1, words), "<i8")
        args = [array(rng.normal(size=d)), 0, array(rng.normal(size=(words, d))), {"corpus": corpus}]
        args += [] if K is None else [K]
        arguments = {"module": "word2vec", "function": function, "args": args, "seconds": 0.1, "most": 50}
        return Job(f"efficiency.{function}-{words}-{K}", [("time_calls", arguments)], limit=5.0)

    def judge(self):
        """The Outcome of the one check; a remark with the time in any case."""
        values, trouble = values_of([self.whole])
        if trouble:
            return {"time": trouble}
        if not (seconds := _seconds(values[0])):
            return {"time": failed("no time was measured")}
        ours = self._plain_loop()
        ratio = seconds / ours
        text = f"an iteration takes {1e3 * seconds:.1f} ms, {ratio:.2g} times a plain loop's ({1e3 * ours:.1f} ms)"
        hints = self._hints()
        self.remarks.append(text + "".join(f"; {hint}" for hint in hints))
        return {"time": Outcome() if ratio <= self.limit else failed(text, *hints)}

    def _plain_loop(self):
        """Seconds of an iteration that calls our loss for each pair."""
        objective = child.decode(self.objective, {})
        objective.loss = lambda *arguments: word2vec.negSamplingLossAndGradient(*arguments)
        return float(np.median(child.clock(objective, [child.decode(self.start, {})], SECONDS, MOST)))

    def _hints(self):
        found = []
        texts = {
            "naiveSoftmaxLossAndGradient": ("word", "a Python loop over the vocabulary"),
            "negSamplingLossAndGradient": ("word", "work over the whole vocabulary for each pair, or a loop over it"),
            "negatives": ("negative", "a Python loop over the negatives"),
        }
        for name, jobs in self.parts.items():
            values, trouble = values_of(jobs)
            if trouble or not all(map(_seconds, values)):
                continue
            unit, hint = texts[name]
            steps = MANY - FEW if unit == "negative" else LARGE - SMALL
            theirs = (values[1].item() - values[0].item()) / steps
            ours = np.diff([self._ours(job) for job in jobs]).item() / steps
            if theirs > max(LOOP_RATIO * ours, LEAST[unit]):
                found.append(f"{hint}? ({1e6 * theirs:.2g} us more for each {unit}, ours {1e6 * max(ours, 0):.2g})")
        return found

    @staticmethod
    def _ours(job):
        """Seconds of our own function in place of the solution's."""
        ((_, arguments),) = job.steps
        timed = getattr(word2vec, arguments["function"])
        return min(child.clock(timed, child.decode(arguments["args"], {}), arguments["seconds"], arguments["most"]))


def _seconds(value):
    """A time, or 0 where it is none."""
    if not isinstance(value, np.ndarray) or value.size != 1 or not 0 < value.item() < 1e3:
        return 0
    return value.item()
