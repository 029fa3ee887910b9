"""The parts sigmoid, naiveSoftmaxLossAndGradient and negSamplingLossAndGradient: their calls and the right values."""

import numpy as np

import word2vec
from grader import mistakes
from grader.compare import (
    CONSEQUENCES,
    TOLERANCE,
    Outcome,
    failed,
    fits,
    follows,
    is_single,
    judge,
    of_failure,
    other_order,
    spread,
    stream_moved,
    unchanged,
    values_of,
)
from grader.mistakes import KINDS, Case
from grader.reply import array
from grader.sandbox import Job, answered, first_failure
from utils.gradcheck import NEGATIVE_SAMPLING_FIGURES, SOFTMAX_FIGURES
from utils.selftests import getDummyObjects

NUMERIC_TOLERANCE = 1e-5  # of a central difference with step 1e-4 at values of order 1, as the handout has it
SINGLE_NUMERIC_TOLERANCE = 1e-2  # of the same where the loss has 7 digits: 1e-7 * |loss| / 1e-4
NAMES = {"loss": "loss", "centre": "gradCenterVec", "outside": "gradOutsideVecs"}
LARGE = 1000.0
NO_DRAWS = "negative samples come from dataset.sampleTokenIdx (through getNegativeSamples)"
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
                ("the minus sign in the exponent is missing", [1 / (1 + np.exp(x)) for x in self.inputs]),
                ("it is the derivative of the sigmoid", [s * (1 - s) for s in right]),
                ("it is tanh", [np.tanh(x) for x in self.inputs]),
                ("it is exp(-x): write 1 / (1 + exp(-x))", [np.exp(-x) for x in self.inputs]),
                ("parentheses are missing: 1 / 1 + exp(-x) is 1 + exp(-x)", [1 + np.exp(-x) for x in self.inputs]),
            ]
            pairs = list(zip(got, right, strict=True))
            outcomes["values"] = judge(pairs, "sigmoid(x)", self.remarks, known)
        outcomes["large"] = self._judge_large()
        outcomes["inputs"] = _earned(unchanged(self.jobs), outcomes)
        return outcomes

    def _judge_large(self):
        large, trouble = values_of(self.large)
        if trouble:
            return trouble
        outcome = judge([(large[0], np.array([1.0, 0.0, 0.5]))], "sigmoid([1000, -1000, 0])", self.remarks)
        if not outcome.passed and _is_infinity_over_infinity(large[0]):
            outcome.hints = ["exp(x) / (1 + exp(x)) is infinity over infinity for large x: write 1 / (1 + exp(-x))"]
        return outcome


def _is_infinity_over_infinity(got):
    """Whether an array is what exp(x) / (1 + exp(x)) gives for 1000, -1000 and 0."""
    return isinstance(got, np.ndarray) and np.array_equal(got, [np.nan, 0, 0.5], equal_nan=True)


def _earned(outcome, others):
    """What a function that does nothing would pass too counts only where something else is right."""
    if outcome.passed and not any(other.passed for other in others.values()):
        return follows("nothing", others.values())
    return outcome


class PairLoss:
    """What the two losses of a pair have in common: values and gradients on random cases, figures, large scores."""

    part = function = mistakes = figures = only_logarithm = no_overflow = None

    def __init__(self, rng, remarks):
        self.remarks = remarks
        self.plain = [self._case(rng, V, d) for V, d in _shapes(rng)]
        self.narrow = self._case(rng, int(rng.integers(14, 30)), 1)
        self.large = self._large_cases()
        self.figured = _figure_cases(self.part == "neg")
        self.plain_jobs = [self.job(f"plain-{n}", case) for n, case in enumerate(self.plain)]
        self.narrow_job = self.job("narrow", self.narrow)
        self.large_jobs = [self.job(f"large-{n}", case) for n, case in enumerate(self.large)]
        self.figure_jobs = [
            Job(f"{self.part}.figure-{n}", [self.step(case, default=True) for case in cases])
            for n, cases in enumerate(self.figured)
        ]
        self.numeric_jobs = [self._numeric(f"numeric-{n}", case) for n, case in enumerate(self.plain[:2])]
        self.jobs = [*self.plain_jobs, *self.large_jobs, *self.figure_jobs, *self.numeric_jobs, self.narrow_job]

    def step(self, case, default=False):
        """The call of the solution's loss for one case; `default` leaves the number of negatives to it."""
        args = [array(case.v), case.o, array(case.U), {"draws": {"ids": list(case.ids)}}]
        kwargs = {} if default else self._kwargs(case)
        return "call", {"module": "word2vec", "function": self.function, "args": args, "kwargs": kwargs}

    def job(self, name, case):
        return Job(f"{self.part}.{name}", [self.step(case)])

    def _kwargs(self, case):
        return {} if case.K is None else {"K": case.K}

    def _numeric(self, name, case):
        arguments = {"centre": array(case.v), "outside": case.o, "vectors": array(case.U), "ids": list(case.ids)}
        arguments |= {"module": "word2vec", "function": self.function, "kwargs": self._kwargs(case)}
        return Job(f"{self.part}.{name}", [("numeric", arguments)])

    def right(self, case):
        """Loss and gradients by our own function."""
        return getattr(word2vec, self.function)(case.v, case.o, case.U, Draws(case.ids), **self._kwargs(case))

    def triples(self, jobs, cases):
        """Sort out what jobs returned for some cases.

        Returns
        -------
        found : list of (Answer, Case)
            Of the jobs that returned (loss, gradCenterVec, gradOutsideVecs).
        trouble : Outcome or None
            Of the first job that did not.
        """
        found, trouble = [], None
        for job, case in zip(jobs, cases, strict=True):
            if failure := first_failure(job):
                trouble = trouble or of_failure(failure)
            elif not is_triple(job.answers[0].value):
                nothing = f"{self.function} does not return a tuple of loss, gradCenterVec and gradOutsideVecs"
                trouble = trouble or failed(nothing)
            else:
                found.append((job.answers[0], case))
        return found, trouble

    def judge(self):
        """The Outcome of each check."""
        outcomes = self.judge_values(self.plain_jobs, self.plain)
        outcomes["numeric"] = self._judge_numeric()
        outcomes["figures"] = self._judge_figures()
        outcomes["large"] = self._judge_large([kind for kind in KINDS if outcomes[kind].passed])
        outcomes["inputs"] = _earned(unchanged([*self.plain_jobs, *self.large_jobs]), outcomes)
        self._remark_on_one_dimension([kind for kind in KINDS if outcomes[kind].passed])
        return outcomes

    def judge_values(self, jobs, cases, kinds=KINDS):
        """Compare losses and gradients of some cases with ours; cases that failed cost one line."""
        found, trouble = self.triples(jobs, cases)
        if not found:
            return dict.fromkeys(kinds, trouble)
        return spread(trouble, self.compare(found, kinds))

    def compare(self, found, kinds, where=""):
        """Compare answers to cases with the right values, `where` being named: dict of kind to Outcome."""
        rights = [self.right(case) for _, case in found]
        outcomes = {}
        for kind in kinds:
            n = KINDS.index(kind)
            pairs = [(answer.value[n], right[n]) for (answer, _), right in zip(found, rights, strict=True)]
            known = mistakes.known(self.mistakes, [case for _, case in found], kind)
            outcomes[kind] = judge(pairs, NAMES[kind] + where, [] if where else self.remarks, known)
        wrong = [outcome for outcome in outcomes.values() if not outcome.passed]
        if wrong and (order := other_order([answer.value for answer, _ in found], rights, tuple(NAMES.values()))):
            for outcome in wrong:
                outcome.hints = [order]
        return outcomes

    def _remark_on_one_dimension(self, kinds):
        found, trouble = self.triples([self.narrow_job], [self.narrow])
        outcomes = [trouble] if trouble else self.compare(found, kinds).values()
        if kinds and (wrong := [outcome for outcome in outcomes if not outcome.passed]):
            self.remarks.append(f"it fails for vectors of one dimension, which costs nothing: {wrong[0].message}")

    def _judge_numeric(self):
        n = len(self.numeric_jobs)
        found, trouble = self.triples(self.plain_jobs[:n], self.plain[:n])
        slopes, more_trouble = values_of(self.numeric_jobs)
        if trouble or more_trouble:
            return trouble or more_trouble
        for (answer, case), numeric in zip(found, slopes, strict=True):
            shapes = (case.v.shape, case.U.shape)
            if not isinstance(numeric, tuple) or [np.shape(slope) for slope in numeric] != list(shapes):
                return failed("the loss could not be differentiated")
            if not all(np.isfinite(slope).all() for slope in numeric):
                return failed("the loss is not a finite number, so it could not be differentiated")
            tolerance = SINGLE_NUMERIC_TOLERANCE if is_single(answer.value[0]) else NUMERIC_TOLERANCE
            for got, slope, name in zip(answer.value[1:], numeric, ("gradCenterVec", "gradOutsideVecs"), strict=True):
                got = _in_shape(got, slope)
                if not fits(got, slope, tolerance):
                    return _mismatch(got, slope, name, tolerance)
        return Outcome()

    def _judge_figures(self):
        for job, (centre, _, outsides, expected) in zip(self.figure_jobs, self.figures, strict=True):
            if failure := first_failure(job):
                return of_failure(failure)
            losses = [answer.value[0] for answer in job.answers if is_triple(answer.value)]
            if not (len(losses) == len(outsides) and all(isinstance(x, np.ndarray) and x.size == 1 for x in losses)):
                return failed(f"{self.function} does not return a loss")
            total = float(sum(loss.item() for loss in losses))
            if not abs(total - expected) <= TOLERANCE * expected:
                words = f"centre {centre!r}, outside words {' '.join(outsides)}"
                message = f"{words}: the losses add up to {total:.8g}"
                return failed(f"{message}, the handout says {expected:.8g}", self._default_hint(), plain=message)
        return Outcome()

    def _default_hint(self):
        """What a wrong default argument explains of wrong figures."""
        return

    def _nan_hint(self, got, kind, gradients_right, warnings):
        """What NaN at large scores is certain to come from, by what NumPy warned of; or None."""
        if not isinstance(got, np.ndarray) or not np.isnan(got).any():
            return None
        warned = " ".join(warnings)
        if kind == "loss" and gradients_right and "divide by zero encountered in log" in warned:
            return f"0 * log(0) is NaN: {self.only_logarithm}"
        if "overflow encountered in exp" in warned and "invalid value encountered in" in warned and not gradients_right:
            return f"exp(1000) is infinity: {self.no_overflow}"
        return None

    def _judge_large(self, kinds):
        """Judge what was right at small scores: what was wrong there has cost its points."""
        found, trouble = self.triples(self.large_jobs, self.large)
        if trouble:
            return trouble
        if not kinds:
            return failed(CONSEQUENCES["small"])
        for n, (answer, case) in enumerate(found):
            outcomes = self.compare([(answer, case)], KINDS, " at scores of 1000")
            for kind in kinds:
                got, outcome = answer.value[KINDS.index(kind)], outcomes[kind]
                if outcome.passed:
                    continue
                if n and kind == "loss" and isinstance(got, np.ndarray) and got.size and not np.isnan(got).any():
                    # log(0), or a guard against it: most solutions that are considered right do this.
                    continue
                gradients = outcomes["centre"].passed and outcomes["outside"].passed
                outcome.hints = [hint] if (hint := self._nan_hint(got, kind, gradients, answer.warnings)) else []
                return outcome
        return Outcome()


def _in_shape(got, slope):
    """A gradient without its axes of length 1 too many: its shape is judged elsewhere."""
    same = isinstance(got, np.ndarray) and got.squeeze().shape == slope.squeeze().shape
    return got.reshape(slope.shape) if same else got


def is_triple(value):
    """Whether a value can be a loss with its two gradients."""
    return isinstance(value, tuple) and len(value) == 3


def _shapes(rng):
    """Vocabulary sizes and dimensions: more words than dimensions, fewer; never as many."""
    return ((5, 3), (4, 6), (int(rng.integers(12, 20)), int(rng.integers(2, 6))))


def _mismatch(got, slope, name, tolerance):
    """The Outcome of a gradient that is not the slope of the loss."""
    if not isinstance(got, np.ndarray) or got.shape != slope.shape:
        return failed(f"{name} does not have the shape of what it is the gradient of")
    with np.errstate(invalid="ignore"):  # infinity less infinity
        scale = max(1.0, np.abs(slope).max(initial=0))
        index = tuple(map(int, np.argwhere(~(np.abs(got - slope) <= tolerance * scale))[0]))
    where = f"{name}[{', '.join(map(str, index))}]"
    message = f"{where}: the loss itself changes by {slope[index]:.7g}, the gradient says {got[index]:.7g}"
    return failed(message, plain=f"{where} is {got[index]:.7g}, which is not the derivative of the loss")


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
    figures, spare = [], [n % V for n in range(SPARE_DRAWS)] if sampling else []
    for centre, _, outsides, _ in NEGATIVE_SAMPLING_FIGURES if sampling else SOFTMAX_FIGURES:
        figures.append([])
        for outside in (tokens[word] for word in outsides):
            taken.clear()
            if sampling:
                word2vec.getNegativeSamples(outside, dataset, word2vec.NEGATIVES)
            K = word2vec.NEGATIVES if sampling else None
            figures[-1].append(Case(vectors[tokens[centre]], outside, vectors[V:], (*taken, *spare), K))
    return figures


class NaiveSoftmax(PairLoss):
    """Points of `naiveSoftmaxLossAndGradient`."""

    part, function = "softmax", "naiveSoftmaxLossAndGradient"
    mistakes, figures = mistakes.NAIVE_SOFTMAX, SOFTMAX_FIGURES
    only_logarithm = "take the logarithm of the outside word's probability alone"
    no_overflow = "use the softmax that is given"

    def _case(self, rng, V, d):
        return Case(rng.normal(0, 0.8, d), int(rng.integers(1, V)), rng.normal(0, 0.8, (V, d)))

    def _large_cases(self):
        U = np.array([[-1.0, 0.5], [1.0, 0.0], [-1.0, 1.0], [0.0, 0.3]])
        return [Case(np.array([LARGE, 1.0]), o, U) for o in (1, 3)]


class NegativeSampling(PairLoss):
    """Points of `negSamplingLossAndGradient`."""

    part, function = "neg", "negSamplingLossAndGradient"
    mistakes, figures = mistakes.NEGATIVE_SAMPLING, NEGATIVE_SAMPLING_FIGURES
    only_logarithm = "take the logarithms of the words that were drawn alone"
    no_overflow = "write the sigmoid as 1 / (1 + exp(-x))"

    def __init__(self, rng, remarks):
        super().__init__(rng, remarks)
        self.repeated = [self._repeating(rng, V, d) for V, d in _shapes(rng)]
        self.rejecting = [self._rejecting(rng, V, d) for V, d in _shapes(rng)]
        self.repeated_jobs = [self.job(f"repeated-{n}", case) for n, case in enumerate(self.repeated)]
        self.rejecting_jobs = [self.job(f"rejecting-{n}", case) for n, case in enumerate(self.rejecting)]
        self.jobs += self.repeated_jobs + self.rejecting_jobs

    def _case(self, rng, V, d):
        o = int(rng.integers(1, V))
        K = min(V - 1, int(rng.integers(3, 10)))
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
        # What is wrong with distinct negatives has cost its points; here only what was right there is judged.
        kinds = [kind for kind in KINDS if outcomes[kind].passed]
        repeated = self.judge_values(self.repeated_jobs, self.repeated, kinds)
        wrong = [outcome for outcome in repeated.values() if not outcome.passed]
        nothing = [] if kinds else [follows("distinct", [outcomes[kind] for kind in KINDS])]
        outcomes["repeated"] = [Outcome(), *nothing, *wrong][-1]
        outcomes["draws"] = self._judge_draws(kinds if not wrong else [])
        return outcomes

    def compare(self, found, kinds, where=""):
        """As for every loss; another number of negatives than K costs the line `draws` and no other."""
        outcomes = super().compare(found, kinds, where)
        if all(outcome.passed for outcome in outcomes.values()):
            return outcomes
        others = super().compare([(answer, case.with_draws(answer.draws)) for answer, case in found], kinds, where)
        best = max(outcomes, others, key=lambda some: sum(outcome.passed for outcome in some.values()))
        if not any(answer.draws for answer, _ in found):
            for outcome in best.values():
                outcome.hints = [] if outcome.passed else [NO_DRAWS]
        return best

    def _judge_draws(self, kinds):
        found, trouble = self.triples(self.rejecting_jobs, self.rejecting)
        if trouble:
            return trouble
        for answer, case in found:
            if answer.draws != case.taken:
                hint = self._draws_hint(found)
                message = f"K = {case.K}: {answer.draws} draws"
                return failed(f"{message}, expected {case.taken}", hint, plain=message)
        if moved := next((moved for answer, _ in found if (moved := stream_moved(self.function, answer))), None):
            return moved
        wrong = [outcome for outcome in self.compare(found, kinds).values() if not outcome.passed]
        return wrong[0] if wrong else Outcome()

    @staticmethod
    def _draws_hint(found):
        """The rule that gives exactly the numbers of draws that were seen, or None."""
        used = [answer.draws for answer, _ in found]
        if not any(used):
            return NO_DRAWS
        if used == [case.K for _, case in found]:
            return "it takes K draws and no more: draw again where the draw is the outside word"
        if used == [case.taken_until_distinct for _, case in found]:
            return "it draws again where a negative is repeated: only the outside word is drawn again"
        kept = [case.with_draws(answer.draws).K for answer, case in found]
        more = [n - case.K for n, (_, case) in zip(kept, found, strict=True)]
        if not any(more) or len({case.K for _, case in found}) == 1:
            return None
        if len(set(kept)) == 1:
            return f"it takes {kept[0]} negatives, not K"
        if len(set(more)) == 1:
            return f"it takes K {'+' if more[0] > 0 else '-'} {abs(more[0])} negatives, not K"
        return None

    def _default_hint(self):
        drawn = [
            case.with_draws(answer.draws).K
            for job, cases in zip(self.figure_jobs, self.figured, strict=True)
            for answer, case in zip(answered(job), cases, strict=False)
        ]
        if len(set(drawn)) == 1 and drawn[0] != word2vec.NEGATIVES:
            found, _ = self.triples(self.rejecting_jobs, self.rejecting)
            if found and (hint := self._draws_hint(found)):
                return hint
            return f"by default it takes {drawn[0]} negatives: the default of K is {word2vec.NEGATIVES}"
        return None
