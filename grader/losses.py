"""The parts sigmoid, naiveSoftmaxLossAndGradient and negSamplingLossAndGradient: what is called, and what is right."""

import numpy as np

import word2vec
from grader import mistakes
from grader.compare import Outcome, failed, fits, judge, of_failure, settle, unchanged, values_of
from grader.mistakes import KINDS, Case
from grader.reply import array
from grader.sandbox import Job, answered, first_failure
from utils.gradcheck import FIGURE_TOLERANCE, NEGATIVE_SAMPLING_FIGURES, SOFTMAX_FIGURES
from utils.selftests import getDummyObjects

NUMERIC_TOLERANCE = 1e-5  # of a central difference with step 1e-4 at values of order 1, as the handout has it
NAMES = {"loss": "loss", "centre": "gradCenterVec", "outside": "gradOutsideVecs"}
LARGE = 1000.0
SPARE_DRAWS = 60  # beyond those needed, for solutions that take more than they should


class Draws:
    """Gives ids from a list: our own functions get their negative samples from it."""

    def __init__(self, ids):
        self.ids = iter(ids)

    def sampleTokenIdx(self):
        return next(self.ids)


class Sigmoid:
    """Points of `sigmoid`."""

    part = "sigmoid"

    def __init__(self, rng, remarks):
        self.remarks = remarks
        shapes = ((), (), (7,), (1,), (4, 3), (2, 3, 2))
        self.inputs = [rng.normal(0, 3, shape) for shape in shapes]
        self.values = [self._job(f"values-{n}", x) for n, x in enumerate(self.inputs)]
        self.large = [self._job("large", np.array([LARGE, -LARGE, 0.0]))]
        self.jobs = self.values + self.large

    def _job(self, name, x):
        return Job(f"sigmoid.{name}", [("call", {"module": "word2vec", "function": "sigmoid", "args": [array(x)]})])

    def judge(self):
        """The Outcome of each check."""
        got, trouble = values_of(self.values)
        outcomes = {"values": trouble}
        if not trouble:
            right = [1 / (1 + np.exp(-x)) for x in self.inputs]
            known = [
                ("the minus sign of the exponent is missing", [1 / (1 + np.exp(x)) for x in self.inputs]),
                ("it is the derivative of the sigmoid", [s * (1 - s) for s in right]),
                ("it is tanh", [np.tanh(x) for x in self.inputs]),
                ("it is exp(-x): 1 / (1 + exp(-x)) is wanted", [np.exp(-x) for x in self.inputs]),
                ("brackets are missing: 1 / 1 + exp(-x) is 1 + exp(-x)", [1 + np.exp(-x) for x in self.inputs]),
            ]
            pairs = list(zip(got, right, strict=True))
            outcomes["values"] = judge(pairs, "sigmoid(x)", self.remarks, known)
        large, trouble = values_of(self.large)
        outcomes["large"] = trouble or _hinted(
            judge([(large[0], np.array([1.0, 0.0, 0.5]))], "sigmoid([1000, -1000, 0])", self.remarks),
            "exp(x) / (1 + exp(x)) is infinity over infinity for large x: write 1 / (1 + exp(-x))",
        )
        if not trouble and answered(self.large[0])[0].warnings:
            self.remarks.append("sigmoid warns of an overflow at -1000; the value is right all the same")
        outcomes["inputs"] = _earned(unchanged(self.jobs), outcomes)
        return outcomes


def _earned(outcome, others):
    """What a function that does nothing would pass too counts only where something else is right."""
    if outcome.passed and not any(other.passed for other in others.values()):
        return failed("counts only where something else is right")
    return outcome


def _hinted(outcome, hint):
    return outcome if outcome.passed else failed(outcome.message, hint)


class PairLoss:
    """What the two losses of a pair have in common: values and gradients on random cases, figures, large scores."""

    part = function = mistakes = figures = None

    def __init__(self, rng, remarks):
        self.remarks = remarks
        self.plain = [self._case(rng, V, d) for V, d in _shapes(rng)]
        self.large = self._large_cases()
        self.figured = _figure_cases(self.part == "neg")
        self.plain_jobs = [self.job(f"plain-{n}", case) for n, case in enumerate(self.plain)]
        self.large_jobs = [self.job(f"large-{n}", case) for n, case in enumerate(self.large)]
        self.figure_jobs = [
            Job(f"{self.part}.figure-{n}", [self.step(case) for case in cases]) for n, cases in enumerate(self.figured)
        ]
        self.numeric_jobs = [self._numeric(f"numeric-{n}", case) for n, case in enumerate(self.plain[:2])]
        self.jobs = [*self.plain_jobs, *self.large_jobs, *self.figure_jobs, *self.numeric_jobs]

    def step(self, case):
        """The call of the solution's loss for one case."""
        args = [array(case.v), case.o, array(case.U), {"draws": {"ids": list(case.ids)}}]
        kwargs = self._kwargs(case)
        return "call", {"module": "word2vec", "function": self.function, "args": args, "kwargs": kwargs}

    def job(self, name, case):
        return Job(f"{self.part}.{name}", [self.step(case)])

    def _kwargs(self, case):
        return {} if case.K in (None, word2vec.NEGATIVES) else {"K": case.K}

    def _numeric(self, name, case):
        arguments = {"centre": array(case.v), "outside": case.o, "vectors": array(case.U), "ids": list(case.ids)}
        arguments |= {"module": "word2vec", "function": self.function, "kwargs": self._kwargs(case)}
        return Job(f"{self.part}.{name}", [("numeric", arguments)])

    def right(self, case):
        """Loss and gradients by our own function."""
        return getattr(word2vec, self.function)(case.v, case.o, case.U, Draws(case.ids), **self._kwargs(case))

    def triples(self, jobs):
        """What jobs returned, as (loss, gradCenterVec, gradOutsideVecs); and the Outcome of what is no such triple."""
        values, trouble = values_of(jobs)
        if trouble:
            return None, trouble
        for value in values:
            if not is_triple(value):
                return None, failed(f"{self.function} returns no tuple of loss, gradCenterVec and gradOutsideVecs")
        return values, None

    def judge(self):
        """The Outcome of each check."""
        outcomes = self.judge_values(self.plain_jobs, self.plain)
        outcomes["numeric"] = self._judge_numeric()
        outcomes["figures"] = self._judge_figures()
        outcomes["large"] = self._judge_large([kind for kind in KINDS if outcomes[kind].passed])
        outcomes["inputs"] = _earned(unchanged([*self.plain_jobs, *self.large_jobs]), outcomes)
        return outcomes

    def judge_values(self, jobs, cases, kinds=KINDS):
        """Compare losses and gradients of some cases with ours."""
        values, trouble = self.triples(jobs)
        if trouble:
            return dict.fromkeys(kinds, trouble)
        outcomes = {}
        for kind in kinds:
            n = KINDS.index(kind)
            pairs = [(value[n], self.right(case)[n]) for value, case in zip(values, cases, strict=True)]
            known = mistakes.known(self.mistakes, cases, kind)
            outcomes[kind] = judge(pairs, NAMES[kind], self.remarks, known)
        return outcomes

    def _judge_numeric(self):
        analytic, trouble = self.triples(self.plain_jobs[: len(self.numeric_jobs)])
        slopes, more_trouble = values_of(self.numeric_jobs)
        if trouble or more_trouble:
            return trouble or more_trouble
        for (_, *gradients), numeric, case in zip(analytic, slopes, self.plain, strict=False):
            shapes = (case.v.shape, case.U.shape)
            if not isinstance(numeric, tuple) or [np.shape(slope) for slope in numeric] != list(shapes):
                return failed("the loss could not be differentiated")
            for got, slope, name in zip(gradients, numeric, ("gradCenterVec", "gradOutsideVecs"), strict=True):
                got = settle(got, slope, [], name)
                if not fits(got, slope, NUMERIC_TOLERANCE):
                    return failed(_mismatch(got, slope, name))
        return Outcome()

    def _judge_figures(self):
        for job, (centre, _, outsides, expected) in zip(self.figure_jobs, self.figures, strict=True):
            if failure := first_failure(job):
                return of_failure(failure)
            losses = [answer.value[0] for answer in job.answers if is_triple(answer.value)]
            if not (len(losses) == len(outsides) and all(isinstance(x, np.ndarray) and x.size == 1 for x in losses)):
                return failed(f"{self.function} returns no loss")
            total = float(sum(loss.item() for loss in losses))
            if abs(total - expected) > 1e-6 * expected:
                words = f"centre {centre!r}, outside words {' '.join(outsides)}"
                return failed(f"{words}: losses sum to {total:.8g}, the handout says {expected:.8g}")
            if abs(total - expected) > FIGURE_TOLERANCE * expected:
                self.remarks.append(f"{self.function}: the handout's figures are met to some digits only")
        return Outcome()

    def _judge_large(self, kinds):
        """Judge what was right at small scores: what was wrong there has cost its points."""
        values, trouble = self.triples(self.large_jobs)
        if trouble:
            return trouble
        if not kinds:
            return failed("as at small scores")
        if any("overflow" in text or "divide" in text for job in self.large_jobs for text in job.answers[0].warnings):
            self.remarks.append(f"{self.function} warns of overflow or log(0) at scores of 1000")
        for n, (value, case) in enumerate(zip(values, self.large, strict=True)):
            for kind, got, expected in zip(KINDS, value, self.right(case), strict=True):
                outcome = (
                    Outcome() if kind not in kinds else judge([(got, expected)], f"{NAMES[kind]} at scores of 1000", [])
                )
                if outcome.passed:
                    continue
                finite = isinstance(got, np.ndarray) and np.isfinite(got).all()
                if n and kind == "loss" and isinstance(got, np.ndarray) and not np.isnan(got).any():
                    # log(0), or a guard against it: so it is in most solutions that pass for right.
                    self.remarks.append(
                        f"{self.function}: the loss is {got.max():.4g} where it should be {expected:.4g}"
                    )
                    continue
                hint = "exp(1000) is infinity: use the softmax that is given, and 1 / (1 + exp(-x))"
                return outcome if finite else failed(outcome.message, hint)
        return Outcome()


def is_triple(value):
    """Whether a value can be a loss with its two gradients."""
    return isinstance(value, tuple) and len(value) == 3


def _shapes(rng):
    """Vocabulary sizes and dimensions: more words than dimensions, fewer, one dimension; never as many."""
    return ((5, 3), (4, 6), (int(rng.integers(12, 20)), int(rng.integers(2, 6))), (int(rng.integers(14, 30)), 1))


def _mismatch(got, slope, name):
    if not isinstance(got, np.ndarray) or got.shape != slope.shape:
        return f"{name} has another shape than what it is the gradient of"
    with np.errstate(invalid="ignore"):  # infinity less infinity
        scale = max(1.0, np.abs(slope).max(initial=0))
        index = tuple(map(int, np.argwhere(~(np.abs(got - slope) <= NUMERIC_TOLERANCE * scale))[0]))
    where = ", ".join(map(str, index))
    return f"{name}[{where}]: the loss itself changes by {slope[index]:.7g}, the gradient says {got[index]:.7g}"


def _figure_cases(sampling):
    """The pairs of the handout's expected figures, with the draws that its self-test has for them."""
    dataset, vectors, tokens = getDummyObjects()
    taken = []
    sample = dataset.sampleTokenIdx
    dataset.sampleTokenIdx = lambda: taken.append(sample()) or taken[-1]
    # The gradient checks that come before leave the stream where one evaluation of the minibatch leaves it.
    for loss in (word2vec.naiveSoftmaxLossAndGradient, word2vec.negSamplingLossAndGradient):
        word2vec.word2vec_sgd_wrapper(word2vec.skipgram, tokens, vectors, dataset, 5, loss)
    V = len(tokens)
    figures = []
    for centre, _, outsides, _ in NEGATIVE_SAMPLING_FIGURES if sampling else SOFTMAX_FIGURES:
        figures.append([])
        for outside in (tokens[word] for word in outsides):
            taken.clear()
            if sampling:
                word2vec.getNegativeSamples(outside, dataset, word2vec.NEGATIVES)
            K = word2vec.NEGATIVES if sampling else None
            figures[-1].append(Case(vectors[tokens[centre]], outside, vectors[V:], tuple(taken), K))
    return figures


class NaiveSoftmax(PairLoss):
    """Points of `naiveSoftmaxLossAndGradient`."""

    part, function = "softmax", "naiveSoftmaxLossAndGradient"
    mistakes, figures = mistakes.NAIVE_SOFTMAX, SOFTMAX_FIGURES

    def _case(self, rng, V, d):
        return Case(rng.normal(0, 0.8, d), int(rng.integers(1, V)), rng.normal(0, 0.8, (V, d)))

    def _large_cases(self):
        U = np.array([[-1.0, 0.5], [1.0, 0.0], [-1.0, 1.0], [0.0, 0.3]])
        return [Case(np.array([LARGE, 1.0]), o, U) for o in (1, 3)]


class NegativeSampling(PairLoss):
    """Points of `negSamplingLossAndGradient`."""

    part, function = "neg", "negSamplingLossAndGradient"
    mistakes, figures = mistakes.NEGATIVE_SAMPLING, NEGATIVE_SAMPLING_FIGURES

    def __init__(self, rng, remarks):
        super().__init__(rng, remarks)
        self.repeated = [self._repeating(rng, V, d) for V, d in _shapes(rng)]
        self.rejecting = [self._rejecting(rng, V, d) for V, d in _shapes(rng)]
        self.repeated_jobs = [self.job(f"repeated-{n}", case) for n, case in enumerate(self.repeated)]
        self.rejecting_jobs = [self.job(f"rejecting-{n}", case) for n, case in enumerate(self.rejecting)]
        self.jobs += self.repeated_jobs + self.rejecting_jobs

    def _case(self, rng, V, d):
        o = int(rng.integers(1, V))
        K = min(V - 1, int(rng.integers(3, 12)))
        ids = [int(i) for i in rng.permutation(V) if i != o]
        spare = [int(i) for i in rng.integers(0, V, SPARE_DRAWS)]
        return Case(rng.normal(0, 0.8, d), o, rng.normal(0, 0.8, (V, d)), (*ids, *spare), K)

    def _repeating(self, rng, V, d):
        case = self._case(rng, V, d)
        K = min(len(case.U) - 1, 3 + int(rng.integers(0, 8)))
        others = [i for i in range(V) if i != case.o]
        ids = [*others[:2], others[1], *map(int, rng.choice(others, SPARE_DRAWS)), *others]
        return Case(case.v, case.o, case.U, tuple(ids), K)

    def _rejecting(self, rng, V, d):
        case = self._repeating(rng, V, d)
        ids = list(case.ids)
        for at in (0, 2, 3, case.K):
            ids.insert(at, case.o)
        return Case(case.v, case.o, case.U, tuple(ids), case.K)

    def _large_cases(self):
        U = np.array([[-1.0, 0.5], [1.0, 0.0], [-1.0, 1.0], [1.0, 0.3]])
        U[3, 0] = -1.0
        return [Case(np.array([sign * LARGE, 1.0]), 1, U, (0, 2, 3) * 20, 3) for sign in (1, -1)]

    def judge(self):
        outcomes = super().judge()
        # What is wrong with distinct negatives has cost its points; here only what was right there is looked at.
        kinds = [kind for kind in KINDS if outcomes[kind].passed]
        repeated = self.judge_values(self.repeated_jobs, self.repeated, kinds)
        wrong = [outcome for outcome in repeated.values() if not outcome.passed]
        trouble = self.triples(self.repeated_jobs)[1]
        nothing = [failed("as with distinct negatives")] if not kinds else []
        outcomes["repeated"] = trouble or [Outcome(), *nothing, *wrong][-1]
        outcomes["draws"] = self._judge_draws(kinds if not wrong else [])
        return outcomes

    def _judge_draws(self, kinds):
        for job, case in zip(self.rejecting_jobs, self.rejecting, strict=True):
            if failure := first_failure(job):
                return of_failure(failure)
            if (used := job.answers[0].draws) != case.taken:
                hint = "it takes K draws and no more: draw again where the draw is the outside word"
                if used > case.taken:
                    hint = "it draws too often: a repeated negative is kept, and only the outside word is drawn again"
                if used == 0:
                    hint = "negative samples come from dataset.sampleTokenIdx (by getNegativeSamples)"
                return failed(f"K = {case.K}: {used} draws, expected {case.taken}", hint)
        wrong = [o for o in self.judge_values(self.rejecting_jobs, self.rejecting, kinds).values() if not o.passed]
        return wrong[0] if wrong else Outcome()
