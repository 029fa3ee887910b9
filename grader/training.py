"""The part training: a trial of 60 iterations, and what `run.py` has left behind."""

import random

import numpy as np

import sgd
import word2vec
from grader.child import Corpus
from grader.compare import Outcome, failed, fits, judge, of_failure
from grader.optimiser import printed_losses
from grader.reply import array
from grader.sandbox import Job, first_failure
from grader.scheme import SHAPE, TRAINED_LOSS
from utils.system.errors import brief
from utils.system.npy import array_from

ITERATIONS, STEP, WINDOW = 60, 0.3, 5
PRINT_EVERY = 10
TRIAL_SEED = 31415
FIT_BATCHES, FIT_SEED = 80, 1  # of 50 windows: the mean over their pairs is known to 0.01
SENTENCES, SHORT_TABLE = 1000, 50_000  # of the text and of its table of negative samples, for the trial
PNG = b"\x89PNG\r\n\x1a\n"
LEAST_PICTURE = 1000  # bytes; a map of 24 words has some 20,000


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
    """

    part = "training"

    def __init__(self, rng, remarks, text, products):
        self.remarks, self.text, self.products = remarks, text, products
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
        parameters, shape = self._parameters()
        return {
            "trial": self._judge_trial(),
            "parameters": shape,
            "fit": self._judge_fit(parameters),
            "plot": self._judge_plot(),
        }

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
            return None, failed(f"{name} is missing", "run `python run.py` to its end")
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

    def _judge_fit(self, parameters):
        if parameters is None:
            return failed("no parameters to compute a loss with")
        if self.text.treebank is None:
            self.remarks.append("no treebank was at hand, so no loss was computed with the trained parameters (--data)")
            return _plausible(parameters)
        loss = self.text.loss_of(parameters)
        if loss <= self.text.bound:
            return Outcome()
        untrained = (word2vec.NEGATIVES + 1) * np.log(2)
        hint = "as before any training" if abs(loss - untrained) < 0.3 else None
        return failed(f"loss of a pair {loss:.2f}, after 40,000 iterations at most {self.text.bound:.2f}", hint)

    def _judge_plot(self):
        picture = self.products.get("word_vectors.png")
        if picture is None:
            return failed("word_vectors.png is missing", "run `python run.py` to its end")
        if not picture.startswith(PNG) or len(picture) < LEAST_PICTURE:
            return failed("word_vectors.png is no picture of word vectors: not a PNG, or hardly anything in it")
        return Outcome()


def _plausible(parameters):
    """What can be told without a treebank: that the vectors have moved from where the training starts."""
    V, d = len(parameters) // 2, parameters.shape[1]
    centres, outsides = parameters[:V], parameters[V:]
    if not outsides.any():
        return failed("all outside vectors are zero, as before any training")
    if np.abs(centres).max() <= 0.5 / d:
        return failed("the centre vectors are as small as before any training")
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
        self.bound = TRAINED_LOSS[kind]
        self.shape = (2 * len(treebank.words()), SHAPE[1]) if judging else SHAPE
        self.excerpt, self.excerpt_V = _excerpt(treebank)

    def loss_of(self, parameters):
        """Mean loss of a pair over random minibatches."""
        random.seed(FIT_SEED)
        total = pairs = 0
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
