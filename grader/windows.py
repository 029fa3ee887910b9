"""The part skipgram: with a loss function of the grader's that gives known pieces, and with the solution's own losses.

So a mistake in a loss costs nothing here, and one in skipgram nothing there.
"""

import numpy as np

import word2vec
from grader import mistakes
from grader.compare import Outcome, failed, fits, is_same, judge, of_failure, unchanged
from grader.losses import Draws, is_triple
from grader.mistakes import KINDS, Case, Window
from grader.reply import Answer, Other, array
from grader.sandbox import Job, first_failure

NAMES = {"loss": "loss", "centre": "gradCenterVecs", "outside": "gradOutsideVectors"}
OWN_LOSSES = ("naiveSoftmaxLossAndGradient", "negSamplingLossAndGradient")
DRAWS = 400  # for one window with the solution's own negative sampling


class Skipgram:
    """Points of `skipgram`."""

    part = "skipgram"

    def __init__(self, rng, remarks):
        self.remarks = remarks
        self.windows = [self._window(rng, V, d, size) for V, d, size in ((6, 3, 3), (5, 4, 2), (9, 2, 4), (7, 5, 3))]
        self.matrices = [(rng.normal(0, 0.5, (w.V, w.d)), rng.normal(0, 0.5, (w.V, w.d))) for w in self.windows]
        self.stub_jobs = [self._with_pieces(n) for n in range(len(self.windows))]
        self.draws = [int(i) for i in rng.integers(0, self.windows[0].V, DRAWS)]
        self.own_jobs = [self._with_own(loss) for loss in OWN_LOSSES]
        self.jobs = self.stub_jobs + self.own_jobs

    @staticmethod
    def _window(rng, V, d, size):
        """One centre word, in neither the first nor the last row, and outside words with a repetition."""
        centre = int(rng.integers(1, V - 1))
        others = [i for i in range(V) if i != centre]
        first, second = (int(i) for i in rng.choice(others, 2, replace=False))
        rest = [int(i) for i in rng.choice(others, 2 * size - 4)]
        outsides = (first, second, first, *rest, second)
        P = len(outsides)
        return Window(centre, outsides, V, d, rng.uniform(1, 2, P), rng.normal(size=(P, d)), rng.normal(size=(P, V, d)))

    def _arguments(self, n, draws, loss):
        window, (centres, outsides) = self.windows[n], self.matrices[n]
        words = {"words": {f"w{i}": i for i in range(window.V)}}
        context = [f"w{i}" for i in window.outsides]
        size = len(context) // 2
        return [f"w{window.centre}", size, context, words, array(centres), array(outsides), draws, loss]

    def _with_pieces(self, n):
        window = self.windows[n]
        pieces = {"losses": array(window.losses), "centres": array(window.centres), "outsides": array(window.vectors)}
        args = self._arguments(n, {"draws": {"ids": []}}, {"pieces": pieces})
        return Job(f"skipgram.pieces-{n}", [("call", {"module": "word2vec", "function": "skipgram", "args": args})])

    def _with_own(self, loss):
        """The pairs of a window one by one, then the window with the same draws: it must be the sum of them."""
        steps = []
        for case in self._pairs(loss):
            args = [array(case.v), case.o, array(case.U), {"draws": {"ids": list(case.ids)}}]
            steps.append(("call", {"module": "word2vec", "function": loss, "args": args}))
        whole = self._arguments(0, {"draws": {"ids": self.draws}}, {"own": ["word2vec", loss]})
        steps.append(("call", {"module": "word2vec", "function": "skipgram", "args": whole}))
        return Job(f"skipgram.{loss}", steps)

    def _pairs(self, loss):
        """The pairs of the first window, each with the draws that are left for it."""
        window, (centres, outsides) = self.windows[0], self.matrices[0]
        K = word2vec.NEGATIVES if loss == "negSamplingLossAndGradient" else None
        cases, used = [], 0
        for o in window.outsides:
            cases.append(Case(centres[window.centre], o, outsides, tuple(self.draws[used:]), K))
            used += cases[-1].taken if K else 0
        return cases

    def judge(self):
        """The Outcome of each check."""
        for job in self.stub_jobs:
            if failure := first_failure(job):
                return dict.fromkeys((*KINDS, "calls", "own"), of_failure(failure))
            if not is_triple(job.answers[0].value):
                nothing = failed("skipgram returns no tuple of loss, gradCenterVecs and gradOutsideVectors")
                return dict.fromkeys((*KINDS, "calls", "own"), nothing)
        outcomes = {"calls": self._judge_calls()}
        for kind in KINDS:
            n = KINDS.index(kind)
            right = [window.right()[n] for window in self.windows]
            pairs = [(job.answers[0].value[n], expected) for job, expected in zip(self.stub_jobs, right, strict=True)]
            known = mistakes.known(mistakes.SKIPGRAM, self.windows, kind)
            outcomes[kind] = judge(pairs, NAMES[kind], self.remarks, known)
        outcomes["own"] = self._judge_own()
        if outcomes["own"].passed and not any(outcomes[kind].passed for kind in KINDS):
            outcomes["own"] = failed("as with the given pieces")
        return outcomes

    def _judge_calls(self):
        if not (kept := unchanged(self.stub_jobs)).passed:
            return kept
        for job, window, matrices in zip(self.stub_jobs, self.windows, self.matrices, strict=True):
            calls = job.answers[0].calls
            if not calls:
                return failed("the loss function handed in is never called", "call word2vecLossAndGradient, no other")
            if not (outcome := _judge_arguments(calls, window, *matrices)).passed:
                return outcome
        return Outcome()

    def _judge_own(self):
        for job, loss in zip(self.own_jobs, OWN_LOSSES, strict=True):
            cases = self._pairs(loss)
            if not all(map(_is_right, job.answers, [loss] * len(cases), cases)):
                continue  # the fault of the loss, which has cost its points there
            if failure := first_failure(job):
                return of_failure(failure)
            right = [np.sum(parts, axis=0) for parts in zip(*(_right(loss, case)[::2] for case in cases), strict=True)]
            whole = job.answers[-1].value
            if not is_triple(whole):
                return failed(f"with {loss}: skipgram returns no tuple of three")
            for got, expected, name in zip(whole[::2], right, ("loss", "gradOutsideVectors"), strict=True):
                if not (outcome := judge([(got, expected)], f"with {loss}: {name}", [])).passed:
                    return outcome
        return Outcome()


def _right(loss, case):
    return getattr(word2vec, loss)(case.v, case.o, case.U, Draws(case.ids))


def _is_right(answer, loss, case):
    """Whether one call of a loss did all that it should, and nothing else."""
    if not (isinstance(answer, Answer) and is_triple(answer.value)):
        return False
    values = zip(answer.value, _right(loss, case), strict=True)
    kept = len(answer.args) > 2 and fits(answer.args[0], case.v, 0) and fits(answer.args[2], case.U, 0)
    return kept and answer.draws == (case.taken if case.K else 0) and all(judge([v], "", []).passed for v in values)


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
            return failed("the loss function gets something else than outsideVectors", hint)
        if not isinstance(o, np.ndarray) or o.size != 1:
            hint = "it gets the word: wanted its index, word2Ind[word]" if o == Other("str") else None
            return failed("the loss function gets an outside word that is no index", hint)
        if dataset != Other("dataset"):
            return failed("the loss function does not get the data set")
    got = [int(call[1].item()) for call in calls if np.isfinite(call[1]).all()]
    if got == list(window.outsides):
        return Outcome()
    hint = None
    if set(got) == {window.centre}:
        hint = "it is called with the centre word in place of the outside words"
    elif len(got) < len(window.outsides):
        hint = "an outside word that occurs twice counts twice" if len(set(got)) == len(got) else "some are left out"
    elif sorted(got) == sorted(window.outsides):
        hint = "they come in another order, and with it other negative samples belong to them"
    return failed(f"outside words {got}, expected {list(window.outsides)}", hint)


def _centre_hint(got, window, centres, outsides):
    if not isinstance(got, np.ndarray):
        return "it gets no vector"
    got = got.reshape(-1)
    if is_same(got, outsides[window.centre]):
        return "it is the row of outsideVectors: wanted that of centerWordVectors"
    if any(is_same(got, centres[o]) for o in window.outsides):
        return "it is the vector of an outside word: wanted that of currentCenterWord"
    return None
