"""The two trainings of run.py: the handout's, by iterations, and one by epochs, for text of any length.

Each has the same shape: its words and their counts, the settings that make a run this run, how long it is and in what
unit, and `train`.
"""

import dataclasses
import functools
import random
import sys
import time
from pathlib import Path

import numpy as np
from tqdm import tqdm

from epochs import Chunks, Settings, Trainer, fit, subsampling
from sgd import ANNEAL_EVERY, print_loss, sgd
from utils.commands.inputs import read_treebank
from utils.corpus.reading import read_text
from utils.system.errors import InputError
from utils.system.workers import Workers
from word2vec import (
    naiveSoftmaxLossAndGradient,
    negSamplingLossAndGradient,
    skipgram,
    word2vec_sgd_wrapper,
)

PYTHON_SEED, NUMPY_SEED = 31415, 9265  # the handout's
PRINT_EVERY = 10  # iterations
LINES = 20  # of losses in a training by epochs, unless --print-every says otherwise
KEPT = 2  # checkpoints of a training by epochs: its parameters may be large
CACHE = ".cache"


class LossLog:
    """Takes the smoothed losses of a training: keeps them and shows them as lines, as a progress bar, or not.

    Parameters
    ----------
    args : namespace
        The command line.
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

    def __init__(self, args, history, show, place, start, total, unit, every=1):
        self.loss, self.history, self.show, self.place = None, history, show, place
        self.shown, self.every, self.total = start, every, total
        self.lines = not args.quiet and (args.print_every is not None or not sys.stdout.isatty())
        bar = not args.quiet and not self.lines
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


class ByIterations:
    """The handout's training: minibatches of windows at random places of the treebank, in the handout's stream."""

    unit, per, keep = "iteration", "window", None

    def __init__(self, args):
        self.args, self.total = args, args.iterations
        self.treebank = treebank = read_treebank(args, "run.py")
        if treebank.numTokens() < args.batch:
            raise InputError(
                f"{treebank.path} has {treebank.numTokens()} words, less than the {args.batch} windows of one batch: "
                "use more text or a smaller --batch"
            )
        self.words, self.counts = treebank.words(), treebank.counts()
        self.text = f"{treebank.numSentences()} sentences, {treebank.numTokens()} words"
        self.settings = {
            "treebank": treebank.fingerprint(),
            "loss": args.loss,
            "dim": args.dim,
            "window": args.window,
            "negatives": args.negatives,
            "batch": args.batch,
            "step": args.step,
            "seed": "the handout's" if args.seed is None else args.seed,
        }
        self.halvings = range(ANNEAL_EVERY, self.total, ANNEAL_EVERY)

    def initial_vectors(self):
        """Seed both global streams and draw the handout's initial vectors.

        Returns
        -------
        ndarray of float64, shape (2 V, d)
            Centre vectors in (-0.5 / d, 0.5 / d) above outside vectors of zero.
        """
        seed, V, d = self.args.seed, len(self.words), self.args.dim
        random.seed(PYTHON_SEED if seed is None else seed)
        np.random.seed(NUMPY_SEED if seed is None else seed)
        return np.concatenate(((np.random.rand(V, d) - 0.5) / d, np.zeros((V, d))))

    def place(self, iteration):
        """Where an iteration stands on the axis of a picture."""
        return iteration

    def train(self, checkpoints, say):
        """Train, or continue, or find that nothing is left to do.

        Returns
        -------
        ndarray of float64, shape (2 V, d)
        """
        args, treebank = self.args, self.treebank
        start, last = _start(checkpoints, self.total, args.quiet)
        log = LossLog(args, checkpoints.history, print_loss, self.place, start, self.total, "it")
        log.loss = last
        loss = naiveSoftmaxLossAndGradient
        if args.negatives:
            loss = functools.partial(negSamplingLossAndGradient, K=args.negatives)

        def objective(vectors):
            return word2vec_sgd_wrapper(skipgram, treebank.tokens(), vectors, treebank, args.window, loss, args.batch)

        started = time.perf_counter()
        # A step too large shows as infinity, which sgd notices: NumPy's warnings on the way there tell nothing more.
        with log.bar, np.errstate(over="ignore", invalid="ignore"):
            vectors = sgd(
                objective,
                self.initial_vectors(),
                args.step,
                self.total,
                PRINT_EVERY=args.print_every or PRINT_EVERY,
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
    """Training on every window of a text in turn: see epochs.py."""

    unit, per, keep = "chunk", "prediction", KEPT
    halvings = ()

    def __init__(self, args):
        self.args = args
        if args.corpus:
            kept = args.cache or Path(args.out, CACHE)
            text = read_text(args.corpus, args.text_options, kept, bar=not args.quiet)
            corpus, self.words, self.counts = text.corpus, text.words, text.counts
            fingerprint, sentences = text.fingerprint, text.lines
        else:
            treebank = read_treebank(args, "run.py")
            corpus, self.words, self.counts = treebank.text(), treebank.words(), treebank.counts()
            fingerprint, sentences = treebank.fingerprint(), treebank.numSentences()
        names = {field.name for field in dataclasses.fields(Settings)}
        settings = Settings(**{name: value for name, value in vars(args).items() if name in names})
        self.chunks = Chunks(corpus, settings.epochs)
        self.total = len(self.chunks)
        keep = subsampling(self.counts, args.subsample, args.subsample_form)  # (V,)
        self.trainer = Trainer(self.counts, keep, settings)
        self.text = f"{sentences:,} {'lines' if args.corpus else 'sentences'}, {len(corpus.ids):,} words"
        self.settings = {
            "text": fingerprint,
            "subsample": args.subsample,
            "subsample form": args.subsample_form,
            **dataclasses.asdict(settings),
        }
        options = {"scheduler_host": args.cluster} if args.cluster else {}
        self.workers = Workers(args.workers, args.backend, **options)

    def initial_vectors(self):
        """Input vectors in (-0.5 / d, 0.5 / d) above output vectors of zero: shape (2 V, d)."""
        return self.trainer.initial_vectors()

    def place(self, chunk):
        """Where a chunk stands on the axis of a picture and on the progress bar: the words read up to there."""
        return self.chunks.words_before(chunk)

    def train(self, checkpoints, say):
        """Train, or continue, or find that nothing is left to do.

        Returns
        -------
        ndarray of float32 or float64, shape (2 V, d)
        """
        args = self.args
        start, last = _start(checkpoints, self.total, args.quiet)
        every = args.print_every or max(1, self.total // LINES)
        started = time.perf_counter()

        def show(chunk, loss):
            read = self.place(chunk)
            speed = (read - self.place(start)) / (time.perf_counter() - started)
            share = 100 * read / self.place(self.total)
            print(f"{read:,} words read ({share:3.0f} %): loss {loss:.6f}, {speed:,.0f} words/s", flush=True)

        log = LossLog(args, checkpoints.history, show, self.place, start, self.total, " words", every)
        log.loss = last
        with log.bar, np.errstate(over="ignore", invalid="ignore"):
            vectors = fit(self.trainer, self.chunks, checkpoints, self.workers, log)
        if log.loss is not None:
            say(f"final loss: {log.loss:.6f} (smoothed)")
        seconds = time.perf_counter() - started
        speed = (self.place(self.total) - self.place(start)) / seconds
        say(f"training took {seconds:.1f} seconds" + (f", {speed:,.0f} words/s" if start < self.total else ""))
        return vectors
