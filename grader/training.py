"""The part training: a trial of 60 iterations, and the files that `run.py` has written."""

import hashlib
import random

import numpy as np

import sgd
import word2vec
from grader.child import Corpus
from grader.compare import Outcome, failed, fits, judge, of_failure
from grader.optimiser import printed_losses
from grader.picture import trouble_of
from grader.reply import array
from grader.sandbox import Job, first_failure
from grader.scheme import SHAPE
from utils.system.errors import brief
from utils.system.npy import array_from

ITERATIONS, STEP, WINDOW = 60, 0.3, 5
PRINT_EVERY = 10
TRIAL_SEED = 31415
FIT_BATCHES, FIT_SEED = 80, 1  # of 50 windows: the mean over their pairs is known to 0.01
SENTENCES, SHORT_TABLE = 1000, 50_000  # of the text and of its table of negative samples, for the trial
# The handout's training on SST is deterministic: without an interruption, every right solution ends at the same
# parameters, to 2e-15 on different machines. This is the SHA-256 of them, rounded to 4 decimals, as little-endian int64
# multiples of 1e-4; the number nearest to a rounding border is 3e-10 away from it. `run.py` writes these parameters.
EXACT_DECIMALS, EXACT = 4, "6b9b4f7d9cb7a487f8ba6d271131591f8a7c4acc0c64e80ab9a8929d98c8a6de"
UNTRAINED_LOSS = (word2vec.NEGATIVES + 1) * np.log(2)  # of zero outside vectors: every score is 0
UNINTERRUPTED = {"sst": 3.40, "sample": 3.10}  # what a training without an interruption stays below
LEAST_LEARNED = 0.5  # of the loss; random numbers of any size learn nothing
# Words get their ids in the order of the text, so that early ones are frequent ones, whose outside vectors grow longer:
# by 53 standard errors in trainings on SST, and hardly more than 2 in random numbers.
EARLY_SHARE, LEAST_STANDARD_ERRORS = 20, 8


class Training:
    """Points of the training.

    Parameters
    ----------
    rng : Generator
    remarks : list of str
    text : Text
        The treebank to try and to judge with.
    products : dict of str to bytes
        `saved_params_40000.npy` and `word_vectors.png`, as far as they are there.
    bounds : dict of str to float
        Of the loss of a pair, for each kind of treebank.
    """

    part = "training"

    def __init__(self, rng, remarks, text, products, bounds):
        self.remarks, self.text, self.products, self.bound = remarks, text, products, bounds[text.kind]
        V, d = text.excerpt_V, SHAPE[1]
        self.start = np.concatenate(((rng.random((V, d)) - 0.5) / d, np.zeros((V, d))))  # (2V, d)
        corpus = {"corpus": {**{name: array(a, a.dtype.str) for name, a in text.excerpt.items()}, "V": V}}
        objective = {"minibatches": {"corpus": corpus, "loss": "negSamplingLossAndGradient", "window": WINDOW}}
        args = [objective, array(self.start), STEP, ITERATIONS, None, False, PRINT_EVERY]
        step = ("call", {"module": "sgd", "function": "sgd", "args": args, "seed": TRIAL_SEED})
        self.job = Job("training.trial", [step], needs=("sgd", "word2vec"), limit=20.0)
        self.jobs = [self.job]

    def judge(self):
        """The Outcome of each check."""
        return {"trial": self._judge_trial(), **self.judge_products()}

    def judge_products(self):
        """The Outcomes of the checks of files."""
        return {**self._judge_parameters(), "plot": self._judge_plot()}

    def _judge_trial(self):
        if failure := first_failure(self.job):
            return of_failure(failure)
        losses = []
        corpus = Corpus(**self.text.excerpt, V=self.text.excerpt_V)
        tokens = corpus.tokens()
        random.seed(TRIAL_SEED)
        np.random.seed(TRIAL_SEED)
        expected = sgd.sgd(
            lambda x: word2vec.word2vec_sgd_wrapper(
                word2vec.skipgram, tokens, x, corpus, WINDOW, word2vec.negSamplingLossAndGradient
            ),
            self.start,
            STEP,
            ITERATIONS,
            PRINT_EVERY=PRINT_EVERY,
            report=lambda iteration, loss: losses.append((iteration, loss)),
        )
        answer = self.job.answers[0]
        outcome = judge([(answer.value, expected)], "parameters after 60 iterations", self.remarks)
        printed = printed_losses(answer.printed)
        same_losses = fits(np.array(printed), np.round(losses, 6))
        if not outcome.passed and same_losses:
            outcome.hints = ["the printed losses are right all the same: they hide this mistake"]
        if outcome.passed and not same_losses:
            self.remarks.append("in the trial training the parameters are right, the printed losses are not")
        return outcome

    def _parameters(self):
        """The trained parameters, and the Outcome of looking at them; None if they cannot be used."""
        name = "saved_params_40000.npy"
        if name not in self.products:
            return None, failed(f"{name} is missing: run `python run.py` to its end")
        try:
            found = array_from(self.products[name])
        except ValueError as error:
            return None, failed(f"{name} cannot be read: it {brief(error)}")
        wanted = self.text.shape
        if found.shape != wanted:
            hint = f"twice the vocabulary of {self.text.title}, by ten dimensions"
            if found.shape == tuple(reversed(wanted)):
                hint = "it is transposed"
            return None, failed(f"{name} has shape {found.shape}, expected {wanted}", hint)
        if found.dtype.kind != "f" or not np.isfinite(found).all():
            return None, failed(f"{name} holds numbers that are not finite, or no floats")
        return found.astype(float), Outcome()

    def _judge_parameters(self):
        """The Outcomes of the parameters and of the fit."""
        parameters, shape = self._parameters()
        if parameters is None:
            return {"parameters": shape, "fit": shape}
        if is_exact(parameters):
            return {"parameters": Outcome(), "fit": Outcome()}
        if self.text.treebank is None:
            self.remarks.append("no treebank was at hand, so no loss was computed with the trained parameters (--data)")
            plausible = _plausible(parameters)
            return {"parameters": plausible, "fit": plausible}
        return self._judge_loss(self.text.loss_of(parameters))

    def _judge_loss(self, loss):
        """The Outcomes of the parameters and of the fit, by the loss that the parameters give."""
        bound, uninterrupted = self.bound, UNINTERRUPTED.get(self.text.kind, self.bound)
        if not loss <= UNTRAINED_LOSS - LEAST_LEARNED:
            message = (
                f"these are not trained vectors: loss of a pair {loss:.2f}, before any training {UNTRAINED_LOSS:.2f}"
            )
            return dict.fromkeys(("parameters", "fit"), failed(message))
        if not loss <= bound:
            fit = failed(f"loss of a pair {loss:.2f}, after 40,000 iterations at most {bound:.2f}")
            return {"parameters": Outcome(), "fit": fit}
        if loss > uninterrupted:
            self.remarks.append(
                f"loss of a pair {loss:.2f}, without an interruption at most {uninterrupted:.2f}: the training was "
                "resumed, or stopped early (`step *= 0.5 ** (start / ANNEAL_EVERY)` resumes with too short a step)"
            )
        return {"parameters": Outcome(), "fit": Outcome()}

    def _judge_plot(self):
        picture = self.products.get("word_vectors.png")
        if picture is None:
            return failed("word_vectors.png is missing: run `python run.py` to its end")
        if trouble := trouble_of(picture):
            return failed(f"word_vectors.png {trouble}")
        return Outcome()


def is_exact(parameters):
    """Whether these are the parameters of the handout's training on SST without an interruption."""
    if np.abs(parameters).max(initial=0) > 1e6:
        return False
    rounded = np.rint(parameters * 10**EXACT_DECIMALS).astype("<i8")
    return hashlib.sha256(rounded.tobytes()).hexdigest() == EXACT


def _plausible(parameters):
    """What can be said without a treebank: that the vectors have moved from where the training starts, as words do."""
    V, d = len(parameters) // 2, parameters.shape[1]
    centres, outsides = parameters[:V], parameters[V:]
    if not outsides.any():
        return failed("all outside vectors are zero, as before any training")
    if np.abs(centres).max() <= 0.5 / d:
        return failed("the centre vectors are as small as before any training")
    with np.errstate(all="ignore"):
        lengths = np.sqrt(np.square(outsides).sum(axis=1))  # (V,)
        early, late = lengths[: V // EARLY_SHARE], lengths[-V // EARLY_SHARE :]
        error = np.sqrt(early.var() / len(early) + late.var() / len(late))
        if not early.mean() - late.mean() > LEAST_STANDARD_ERRORS * error:
            return failed(
                "these are not trained vectors: those of frequent words are not longer than those of rare ones"
            )
    return Outcome()


class Text:
    """The treebank that the training is tried and judged with.

    Parameters
    ----------
    treebank : StanfordSentiment
        For the trial, and unless `judging` is False for the loss of the trained parameters too.
    kind : {"sst", "sample", "other"}
    judging : bool
    """

    TITLES = {"sst": "SST", "sample": "the sample treebank", "other": "the treebank"}

    def __init__(self, treebank, kind, judging=True):
        self.treebank = treebank if judging else None
        self.title = self.TITLES[kind if judging else "sst"]
        self.kind = kind
        self.shape = (2 * len(treebank.words()), SHAPE[1]) if judging else SHAPE
        self.excerpt, self.excerpt_V = _excerpt(treebank)

    def loss_of(self, parameters):
        """Mean loss of a pair over random minibatches; infinity or NaN for numbers too large to compute with."""
        random.seed(FIT_SEED)
        self.treebank.minibatch(WINDOW, 1, 1)  # the first one draws the corpus too: the others shall not depend on it
        random.seed(FIT_SEED)
        total = pairs = 0
        with np.errstate(all="ignore"):
            for _ in range(FIT_BATCHES):
                batch = self.treebank.minibatch(WINDOW, word2vec.BATCH_SIZE, word2vec.NEGATIVES)
                loss, _ = word2vec.minibatchLossAndGradient(parameters, batch)
                total, pairs = total + loss * batch.windows, pairs + len(batch.pairs)
        return total / pairs


def _excerpt(treebank):
    """The first sentences, with a vocabulary of their words alone: the arguments of a Corpus, and its V."""
    tokens = treebank.tokens()
    sentences = [s for s in treebank.sentences()[:SENTENCES] if len(set(s)) > 1]
    words, ids = np.unique([tokens[word] for sentence in sentences for word in sentence], return_inverse=True)
    random.seed(TRIAL_SEED)
    table = treebank.sampleTable()
    table = table[np.isin(table, words)]
    table = np.searchsorted(words, table[:: max(1, len(table) // SHORT_TABLE)])
    offsets = np.cumsum([0, *map(len, sentences)])
    arrays = {"ids": ids, "offsets": offsets, "table": table}
    return {name: values.astype("<i4") for name, values in arrays.items()}, len(words)
