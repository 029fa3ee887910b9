"""The two trainings of run.py: the handout's, by iterations, and one by epochs, for text of any length.

Each has the same shape: its words and their counts, the settings that make a run this run, how long it is and in what
unit, and `train`.
"""

import functools
import random
import sys
import time
from dataclasses import asdict, dataclass

import numpy as np
from tqdm import tqdm

from epochs import Chunks, Trainer, fit, subsampling
from sgd import ANNEAL_EVERY, print_loss, sgd
from utils.system.errors import InputError
from word2vec import (
    BATCH_SIZE,
    NEGATIVES,
    naiveSoftmaxLossAndGradient,
    negSamplingLossAndGradient,
    skipgram,
    word2vec_sgd_wrapper,
)

PYTHON_SEED, NUMPY_SEED = 31415, 9265  # the handout's
PRINT_EVERY = 10  # iterations
LINES = 20  # of losses in a training by epochs, unless --print-every says otherwise
KEPT = 2  # checkpoints of a training by epochs: its parameters may be large


class LossLog:
    """Takes the smoothed losses of a training: keeps them and shows them as lines, as a progress bar, or not.

    Parameters
    ----------
    quiet, print_every :
        As asked for.
    history : LossHistory
    show : callable
        Prints the line of (iteration, loss).
    place : callable
        Where an iteration stands on the progress bar.
    start, total : int
        The iteration before the first one, and the last.
    unit : str
        Of the progress bar.
    every : int
        Iterations from line to line.
    """

    def __init__(self, quiet, print_every, history, show, place, start, total, unit, every=1):
        self.loss, self.history, self.show, self.place = None, history, show, place
        self.shown, self.every, self.total = start, every, total
        self.lines = not quiet and (print_every is not None or not sys.stdout.isatty())
        bar = not quiet and not self.lines
        self.bar = tqdm(
            total=place(total), initial=place(start), unit=unit, disable=not bar, dynamic_ncols=True,
            unit_scale=place(total) >= 10**6,
        )  # fmt: skip

    def __call__(self, iteration, loss):
        self.loss = loss
        self.history.add(iteration, loss)
        if self.lines and (iteration // self.every > self.shown // self.every or iteration == self.total):
            self.show(iteration, loss)
            self.shown = iteration
        self.bar.set_postfix(loss=f"{loss:.6f}", refresh=False)
        self.advance(iteration)

    def advance(self, iteration):
        """Move the progress bar to an iteration."""
        self.bar.update(self.place(iteration) - self.bar.n)


def _start(checkpoints, total, quiet):
    """The checkpoint to go on from and its loss, (0, None) without one; a notice if the losses before it are lost."""
    found = checkpoints.newest(at_most=total)
    start, loss = (found[0], found[2]["loss"]) if found else (0, None)
    if (trouble := checkpoints.history.resume(start, loss)) and not quiet:
        print(trouble, file=sys.stderr)
    return start, loss


# By iterations


@dataclass(frozen=True)
class HandoutSettings:
    """The handout's training: what makes a run of it this run and no other.

    Attributes
    ----------
    loss : {"negative-sampling", "naive-softmax"}
    dim, window, negatives, batch, iterations : int
        Dimension, largest window size, negative samples per outside word (of negative sampling), windows per
        iteration, iterations in all.
    step : float
        Before any halving.
    seed : int, optional
        Of both random streams; the handout's two seeds by default.
    """

    loss: str = "negative-sampling"
    dim: int = 10
    window: int = 5
    negatives: int = NEGATIVES
    batch: int = BATCH_SIZE
    iterations: int = 40000
    step: float = 0.3
    seed: int | None = None

    def as_dict(self):
        """The settings that a checkpoint keeps: with other ones it is refused. A run may be made longer."""
        settings = asdict(self)
        del settings["iterations"]
        if self.loss == "naive-softmax":
            settings["negatives"] = 0
        return settings | {"seed": "the handout's" if self.seed is None else self.seed}


class ByIterations:
    """The handout's training: minibatches of windows at random places of the treebank, in the handout's stream.

    Parameters
    ----------
    treebank : StanfordSentiment
    settings : HandoutSettings
    """

    unit, axis, per, keep = "iteration", "iteration", "window", None

    def __init__(self, treebank, settings):
        self.treebank, self.options, self.total = treebank, settings, settings.iterations
        if treebank.numTokens() < settings.batch:
            raise InputError(
                f"{treebank.path} has {treebank.numTokens()} words, less than the {settings.batch} windows of one "
                "batch: use more text or a smaller --batch"
            )
        self.words, self.counts = treebank.words(), treebank.counts()
        self.text = f"{treebank.numSentences()} sentences, {treebank.numTokens()} words"
        self.settings = {"treebank": treebank.fingerprint(), **settings.as_dict()}
        self.halvings = range(ANNEAL_EVERY, self.total, ANNEAL_EVERY)

    def initial_vectors(self):
        """Seed both global streams and draw the handout's initial vectors.

        Returns
        -------
        ndarray of float64, shape (2 V, d)
            Centre vectors in (-0.5 / d, 0.5 / d) above outside vectors of zero.
        """
        seed, V, d = self.options.seed, len(self.words), self.options.dim
        random.seed(PYTHON_SEED if seed is None else seed)
        np.random.seed(NUMPY_SEED if seed is None else seed)
        return np.concatenate(((np.random.rand(V, d) - 0.5) / d, np.zeros((V, d))))

    def place(self, iteration):
        """Where an iteration stands on the axis of a picture."""
        return iteration

    def train(self, checkpoints, say, quiet=False, print_every=None):
        """Train, or continue, or find that nothing is left to do.

        Returns
        -------
        ndarray of float64, shape (2 V, d)
        """
        settings, treebank = self.options, self.treebank
        start, last = _start(checkpoints, self.total, quiet)
        log = LossLog(quiet, print_every, checkpoints.history, print_loss, self.place, start, self.total, "it")
        log.loss = last
        loss = naiveSoftmaxLossAndGradient
        if settings.loss == "negative-sampling":
            loss = functools.partial(negSamplingLossAndGradient, K=settings.negatives)

        def objective(vectors):
            tokens, window, batch = treebank.tokens(), settings.window, settings.batch
            return word2vec_sgd_wrapper(skipgram, tokens, vectors, treebank, window, loss, batch)

        started = time.perf_counter()
        # A step too large shows as infinity, which sgd notices: NumPy's warnings on the way there tell nothing more.
        with log.bar, np.errstate(over="ignore", invalid="ignore"):
            vectors = sgd(
                objective,
                self.initial_vectors(),
                settings.step,
                self.total,
                PRINT_EVERY=print_every or PRINT_EVERY,
                checkpoints=checkpoints,
                report=log,
            )
            log.advance(self.total)
        if log.loss is not None:
            say(f"final loss: {log.loss:.6f} (smoothed)")
        say(f"training took {time.perf_counter() - started:.1f} seconds")
        return vectors


# By epochs


class ByEpochs:
    """Training on every window of a text in turn: see epochs.py.

    Parameters
    ----------
    data : Data
        Its corpus, words, counts, fingerprint and size are used.
    settings : Settings
    thinning : (float, str)
        Threshold and form of the subsampling.
    workers : Workers
    """

    unit, axis, per, keep = "chunk", "word", "prediction", KEPT
    halvings = ()

    def __init__(self, data, settings, thinning, workers):
        self.words, self.counts, self.workers = data.words, data.counts, workers
        self.chunks = Chunks(data.corpus, settings.epochs)
        self.total = len(self.chunks)
        self.trainer = Trainer(data.counts, subsampling(data.counts, *thinning), settings)
        self.text = data.size
        self.settings = {
            "text": data.fingerprint,
            "subsample": thinning[0],
            "subsample form": thinning[1],
            **asdict(settings),
        }

    def initial_vectors(self):
        """Input vectors in (-0.5 / d, 0.5 / d) above output vectors of zero: shape (2 V, d)."""
        return self.trainer.initial_vectors()

    def place(self, chunk):
        """Where a chunk stands on the axis of a picture and on the progress bar: the words read up to there."""
        return self.chunks.words_before(chunk)

    def train(self, checkpoints, say, quiet=False, print_every=None):
        """Train, or continue, or find that nothing is left to do.

        Returns
        -------
        ndarray of float32 or float64, shape (2 V, d)
        """
        start, last = _start(checkpoints, self.total, quiet)
        every = print_every or max(1, self.total // LINES)
        started = time.perf_counter()

        def show(chunk, loss):
            read = self.place(chunk)
            speed = (read - self.place(start)) / (time.perf_counter() - started)
            share = 100 * read / self.place(self.total)
            print(f"{read:,} words read ({share:3.0f} %): loss {loss:.6f}, {speed:,.0f} words/s", flush=True)

        log = LossLog(quiet, print_every, checkpoints.history, show, self.place, start, self.total, " words", every)
        log.loss = last
        with log.bar, np.errstate(over="ignore", invalid="ignore"):
            vectors = fit(self.trainer, self.chunks, checkpoints, self.workers, log)
        if log.loss is not None:
            say(f"final loss: {log.loss:.6f} (smoothed)")
        seconds = time.perf_counter() - started
        speed = (self.place(self.total) - self.place(start)) / seconds
        say(f"training took {seconds:.1f} seconds" + (f", {speed:,.0f} words/s" if start < self.total else ""))
        return vectors
