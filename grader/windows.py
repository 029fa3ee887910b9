"""The part skipgram: with a loss of the grader's that returns known pieces, and with the solution's own losses.

A mistake in a loss costs nothing here, and one in skipgram nothing there.
"""

from dataclasses import replace

import numpy as np

from grader import advice, mistakes
from grader.compare import (
    Outcome,
    failed,
    fits,
    follows,
    is_same,
    judge,
    of_failure,
    other_order,
    settle,
    spread,
    unchanged,
)
from grader.losses import is_triple
from grader.mistakes import KINDS, Window
from grader.reply import Other, array
from grader.sandbox import Job, answered, first_failure

NAMES = {"loss": "loss", "centre": "gradCenterVecs", "outside": "gradOutsideVectors"}
OWN_LOSSES = ("naiveSoftmaxLossAndGradient", "negSamplingLossAndGradient")
OWN_WINDOWS = 2  # that are tried with each of them
WHATEVER = "call word2vecLossAndGradient, whatever it is"
DRAWS = 400  # for one window with the solution's own negative sampling


class Skipgram:
    """Points of `skipgram`."""

    part = "skipgram"

    def __init__(self, rng, remarks):
        self.remarks = remarks
        self.windows = [self._window(rng, V, d, size) for V, d, size in ((6, 3, 3), (5, 4, 2), (9, 2, 4), (7, 5, 3))]
        self.matrices = [(rng.normal(0, 0.5, (w.V, w.d)), rng.normal(0, 0.5, (w.V, w.d))) for w in self.windows]
        self.draws = [[int(i) for i in rng.integers(0, w.V, DRAWS)] for w in self.windows]
        self.stub_jobs = [self._with_pieces(n) for n in range(len(self.windows))]
        self.own_jobs = {loss: [self._with_own(n, loss) for n in range(OWN_WINDOWS)] for loss in OWN_LOSSES}
        self.default_job = self._with_own(0, OWN_LOSSES[0], default=True)
        self.jobs = [*self.stub_jobs, *(job for jobs in self.own_jobs.values() for job in jobs), self.default_job]

    @staticmethod
    def _window(rng, V, d, size):
        """One centre word, in neither the first, the middle nor the last row; outside words with a repetition."""
        centre = int(rng.choice([i for i in range(1, V - 1) if i != V // 2]))
        others = [i for i in range(V) if i != centre]
        first, second = (int(i) for i in rng.choice(others, 2, replace=False))
        rest = [int(i) for i in rng.choice(others, 2 * size - 4)]
        outsides = (first, second, first, *rest, second)
        P = len(outsides)
        return Window(centre, outsides, V, d, rng.uniform(1, 2, P), rng.normal(size=(P, d)), rng.normal(size=(P, V, d)))

    def _arguments(self, n, *loss):
        window, (centres, outsides) = self.windows[n], self.matrices[n]
        words = {"words": {f"w{i}": i for i in range(window.V)}}
        context = [f"w{i}" for i in window.outsides]
        draws = {"draws": {"ids": self.draws[n]}}
        return [f"w{window.centre}", len(context) // 2, context, words, array(centres), array(outsides), draws, *loss]

    def _with_pieces(self, n):
        window = self.windows[n]
        pieces = {"losses": array(window.losses), "centres": array(window.centres), "outsides": array(window.vectors)}
        args = self._arguments(n, {"pieces": pieces})
        return Job(f"skipgram.pieces-{n}", [("call", {"module": "word2vec", "function": "skipgram", "args": args})])

    def _with_own(self, n, loss, default=False):
        """The pairs of a window one by one, then the window with the same draws: it must be the sum of them."""
        window, (centres, outsides) = self.windows[n], self.matrices[n]
        pairs = {"function": loss, "centre": array(centres[window.centre]), "outsides": list(window.outsides)}
        pairs |= {"vectors": array(outsides), "ids": self.draws[n]}
        args = self._arguments(n, *([] if default else [{"own": ["word2vec", loss]}]))
        whole = {"module": "word2vec", "function": "skipgram", "args": args}
        return Job(f"skipgram.{'default' if default else loss}-{n}", [("pairs", pairs), ("call", whole)])

    def judge(self):
        """The Outcome of each check."""
        outcomes = self._judge_sums()
        outcomes["calls"] = self._judge_calls()
        kinds = [kind for kind in KINDS if outcomes[kind].passed]
        own = self._judge_own(kinds, outcomes["calls"].passed) if kinds else follows("pieces", outcomes.values())
        return {**outcomes, "own": own}

    def _judge_sums(self):
        """Compare with the sums of the given pieces, each of which one call returns.

        Where they were not asked for, or more than once for each outside word, the sums of one of the solution's own
        losses count: of that which fits best. What is called, how often and with what is judged elsewhere.
        """
        stub = self._stub_windows()
        if any(0 < len(answer.calls) <= len(window.outsides) for answer, window in stub):
            return self._judge_group(stub, self.stub_jobs)
        outcomes = [self._judge_group(self._own_windows(loss), jobs) for loss, jobs in self.own_jobs.items()]
        return max(outcomes, key=lambda some: sum(outcome.passed for outcome in some.values()))

    def _judge_group(self, found, jobs):
        failure = next((f for job in (*jobs, *self.stub_jobs) if (f := first_failure(job))), None)
        trouble = of_failure(failure) if failure and (not found or jobs is self.stub_jobs) else None
        triples = [(answer, window) for answer, window in found if is_triple(answer.value)]
        if len(triples) < len(found) or not (found or trouble):
            trouble = failed("skipgram does not return a tuple of loss, gradCenterVecs and gradOutsideVectors")
        return spread(trouble, self._compare(triples)) if triples else dict.fromkeys(KINDS, trouble)

    def _stub_windows(self):
        """What skipgram returned with the given pieces, and the windows of these."""
        jobs = zip(self.stub_jobs, self.windows, strict=True)
        return [(answered(job)[0], window) for job, window in jobs if answered(job)]

    def _own_windows(self, loss):
        """What skipgram returned with an own loss of the solution, and a Window of what this gave for each pair."""
        found = []
        for n, job in enumerate(self.own_jobs[loss]):
            if len(answered(job)) == 2 and (window := self._own_window(job, n)):
                found.append((job.answers[1], window))
        return found

    def _own_window(self, job, n):
        """The Window of the pairs' own losses and gradients; None where these cannot be summed."""
        window, triples = self.windows[n], answered(job)[0].value
        shapes = ((), (window.d,), (window.V, window.d))
        if not isinstance(triples, tuple) or len(triples) != len(window.outsides) or not all(map(is_triple, triples)):
            return None
        parts = [
            [settle(triple[kind], np.zeros(shape), [], "") for triple in triples] for kind, shape in enumerate(shapes)
        ]
        if not all(np.shape(part) == shape for some, shape in zip(parts, shapes, strict=True) for part in some):
            return None
        losses, centres, vectors = map(np.array, parts)
        if not all(np.isfinite(part).all() for part in (losses, centres, vectors)):
            return None
        return replace(window, losses=losses, centres=centres, vectors=vectors)

    def _compare(self, triples):
        rights = [window.right() for _, window in triples]
        outcomes = {}
        for n, kind in enumerate(KINDS):
            pairs = [(answer.value[n], right[n]) for (answer, _), right in zip(triples, rights, strict=True)]
            known = mistakes.known(mistakes.SKIPGRAM, [window for _, window in triples], kind)
            outcomes[kind] = judge(pairs, NAMES[kind], self.remarks, known)
        wrong = [outcome for outcome in outcomes.values() if not outcome.passed]
        if wrong and (order := other_order([answer.value for answer, _ in triples], rights, tuple(NAMES.values()))):
            for outcome in wrong:
                outcome.hints = [order]
        return outcomes

    def _judge_calls(self):
        done = [(answered(job)[0], n) for n, job in enumerate(self.stub_jobs) if answered(job)]
        if not any(answer.calls for answer, _ in done):
            failure = next((f for job in self.stub_jobs if (f := first_failure(job))), None)
            if failure and not any(map(self._own_windows, OWN_LOSSES)):
                return of_failure(failure)
            seen = f" ({advice.describe(failure)})" if failure else ""
            return failed(f"the loss function handed in is never called{seen}", WHATEVER)
        if not (kept := unchanged(self.stub_jobs)).passed:
            return kept
        for answer, n in done:
            if not (outcome := _judge_arguments(answer.calls, self.windows[n], *self.matrices[n])).passed:
                return outcome
        return Outcome()

    def _judge_own(self, kinds, called_rightly):
        """With its own losses, skipgram must give the sums of what they give; by default it takes the naive softmax.

        Only what was right with the given pieces is judged: a mistake costs its points once.
        """
        was_called = any(answer.calls for answer, _ in self._stub_windows())
        for loss, jobs in self.own_jobs.items() if called_rightly or not was_called else ():
            for n, job in enumerate(jobs):
                if not answered(job) or not (window := self._own_window(job, n)):
                    continue  # the fault of the loss, which has cost its points there
                if failure := first_failure(job):
                    return of_failure(failure)
                if not (outcome := self._judge_whole(job, window, f"with {loss}", kinds)).passed:
                    if not was_called:
                        outcome.hints = [WHATEVER]
                    return outcome
        return self._judge_default(kinds)

    def _judge_whole(self, job, window, where, kinds=KINDS):
        whole = job.answers[1].value
        if not is_triple(whole):
            return failed(f"{where}: skipgram does not return a tuple of three")
        for kind, got, expected in zip(KINDS, whole, window.right(), strict=True):
            if kind in kinds and not (outcome := judge([(got, expected)], f"{where}: {NAMES[kind]}", [])).passed:
                return outcome
        return Outcome()

    def _judge_default(self, kinds):
        """The loss of a call that names none: judged where the same call with the naive softmax is right."""
        job, named = self.default_job, self.own_jobs[OWN_LOSSES[0]][0]
        if not answered(job) or not (window := self._own_window(job, 0)) or first_failure(named):
            return Outcome()
        if not self._judge_whole(named, window, "", kinds).passed:
            return Outcome()  # wrong with that loss too: the fault of the calls, which have cost their points there
        hint = f"the default of word2vecLossAndGradient is {OWN_LOSSES[0]}"
        if failure := first_failure(job):
            return failed(f"without a loss: {advice.describe(failure)}", hint)
        outcome = self._judge_whole(job, window, "without a loss", kinds)
        outcome.hints = [] if outcome.passed else [hint]
        return outcome


def _judge_arguments(calls, window, centres, outsides):
    """Compare the arguments of the calls of the loss function with what they should be."""
    calls = [call for call in calls if len(call) == 4]
    for centre, o, vectors, dataset in calls:
        if not fits(centre.reshape(-1) if isinstance(centre, np.ndarray) else centre, centres[window.centre]):
            return failed(
                "the loss function gets a wrong centre vector", _centre_hint(centre, window, centres, outsides)
            )
        if not fits(vectors, outsides):
            hint = "it gets centerWordVectors" if is_same(vectors, centres) else None
            return failed("the loss function gets something other than outsideVectors", hint)
        if not isinstance(o, np.ndarray) or o.size != 1:
            hint = "it gets the word itself: pass its index, word2Ind[word]" if o == Other("str") else None
            return failed("the loss function gets an outside word that is not an index", hint)
        if dataset != Other("dataset"):
            return failed("the loss function does not get the data set")
    got = [int(call[1].item()) for call in calls if np.isfinite(call[1]).all()]
    if got == list(window.outsides):
        return Outcome()
    hint = None
    if got == [o for o in window.outsides for _ in range(len(got) // len(window.outsides))]:
        hint = "call it once for each outside word, and use all three parts of what it returns"
    elif set(got) == {window.centre}:
        hint = "it is called with the centre word in place of the outside words"
    elif len(got) < len(window.outsides):
        hint = "an outside word that occurs twice counts twice" if len(set(got)) == len(got) else "some are left out"
    elif sorted(got) == sorted(window.outsides):
        hint = "they come in another order, and with it other negative samples belong to them"
    message = f"it is called with the outside words {got}"
    return failed(f"{message}, expected {list(window.outsides)}", hint, plain=message)


def _centre_hint(got, window, centres, outsides):
    if not isinstance(got, np.ndarray):
        return "it gets no vector"
    got = got.reshape(-1)
    if is_same(got, outsides[window.centre]):
        return "it is a row of outsideVectors: take the row of centerWordVectors"
    if any(is_same(got, centres[o]) for o in window.outsides):
        return "it is the vector of an outside word: take that of currentCenterWord"
    return None
