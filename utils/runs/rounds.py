"""Training on the chunks of all epochs in turn, by one trainer here or by several workers in rounds.

Reports, checkpoints and stopping are those of every resumable run (utils/runs/loop.py). A step of it is a chunk, or a
round: n workers take n chunks at a time, one each, and train on a piece of it before they exchange what they have
learnt (utils/runs/exchange.py).
"""

import contextlib
import math
from typing import NamedTuple

import numpy as np

from utils.runs.checkpoints import ELSEWHERE
from utils.runs.exchange import Exchange
from utils.runs.loop import TimedRun, Undone, drive
from utils.system.errors import EnvironmentFailure, InputError
from utils.system.workers import Workers

ROUND = 1 << 16  # words, over the square root of n: what n workers read in a round; in longer ones they learn less
LEAST_ROUNDS = 64  # in an epoch, of texts too short for such rounds
REPORTS = 20  # of the loss, in a whole training


class Report(NamedTuple):
    """What `fit` reports.

    Attributes
    ----------
    chunk : int
        How many chunks have been trained on.
    loss : float
        Mean over all predictions since the last report.
    epoch_loss : float or None
        Mean over all predictions of an epoch, where one has just ended.
    held_out : float or None
        Mean over all predictions of the sentences held out, where an epoch has just ended and there are any.
    """

    chunk: int
    loss: float
    epoch_loss: float | None = None
    held_out: float | None = None


def fit(trainer, chunks, checkpoints=None, workers=None, report=None, progress=None, every=None, vectors=None):
    """Train on all chunks, or on those that are left.

    Parameters
    ----------
    trainer : Trainer
    chunks : Chunks
    checkpoints : Checkpoints, optional
        One is written every minute, at the end and on Ctrl-C; its number is that of the chunks trained on.
    workers : Workers, optional
        With two or more, each trains on its share of each round. The result depends on how many there are, but not on
        how fast each is, nor on whether one was lost or the run was stopped.
    report : callable, optional
        Called with a Report at the end of each epoch, and within it after about equally many words, some twenty times
        in all.
    progress : callable, optional
        Called after each round with the number of chunks trained on.
    every : int, optional
        Chunks between two reports within an epoch, instead.
    vectors : ndarray of float, shape (I + V, d), optional
        To start from, and to be overwritten; those of `Trainer.initial_vectors` by default.

    Returns
    -------
    ndarray of float, shape (I + V, d)

    Raises
    ------
    InputError
        The vectors are no longer finite, or an epoch had no predictions.
    KeyboardInterrupt
        On Ctrl-C; with checkpoints, after the round has been saved.
    """
    vectors = trainer.initial_vectors() if vectors is None else vectors
    epochs = _Epochs(trainer, chunks, vectors, workers or Workers(), report, progress, every)
    vectors = drive(epochs, len(chunks), checkpoints)
    epochs.close()
    return vectors


class _Epochs(TimedRun):
    """The run that `fit` drives; a step is a chunk or, with several workers, a round on a piece of n chunks."""

    unit = "chunk"

    def __init__(self, trainer, chunks, vectors, workers, report, progress, every):
        super().__init__()
        self.trainer, self.chunks, self.workers = trainer, chunks, workers
        self.tell, self.progress = report or (lambda report: None), progress or (lambda chunk: None)
        self.x = vectors
        self.before = 0  # chunks done before this step
        self.remedy = f"try a smaller step than {trainer.settings.step:g}"
        self.since_report, self.of_epoch = [0.0, 0.0], [0.0, 0.0]  # sum of losses, predictions
        self.loss = self.epoch_loss = None  # the last ones reported
        self.borders = _report_borders(chunks, every)
        self.exchange = self.kept = None  # with several workers
        self.rounds = 0  # done on the chunks that are under way
        self.pieces = []  # for each round on them, one for each worker

    def step(self):
        self.before = self.done
        if self.workers.n == 1:
            loss, predictions = self.trainer.train(self.x, self.chunks[self.done])
            self.done += 1
        else:
            loss, predictions = self._round()
        if not np.isfinite(loss):
            raise self.diverged("loss")
        for sums in (self.since_report, self.of_epoch):
            sums[0], sums[1] = sums[0] + float(loss), sums[1] + float(predictions)

    def _round(self):
        if self.exchange is None:
            self.exchange = Exchange(self.trainer, self.x, self.workers, self.kept)
        numbers = _next_chunks(self.done, self.chunks, self.workers.n)
        if not self.pieces:
            self.pieces = _pieces(self.chunks, numbers)
        try:
            loss, predictions = self.exchange.round(self.pieces[self.rounds])
        except EnvironmentFailure as error:
            raise Undone(str(error)) from error
        self.rounds += 1
        if self.rounds == len(self.pieces):
            self.rounds, self.pieces = 0, []
            self.done = numbers[-1] + 1
        return loss, predictions

    def close(self):
        """Have the workers forget the run."""
        if self.exchange:
            with contextlib.suppress(EnvironmentFailure):  # they have gone
                self.exchange.close()

    def report(self):
        if self.done == self.before:  # chunks are under way
            self.progress(self.done)
            return
        ended = self.done % self.chunks.in_text == 0
        if ended and not self.of_epoch[1]:
            raise InputError(
                "a whole epoch had nothing to learn from: after subsampling no sentence has two different words; "
                "give a larger subsampling threshold (or 0, for none), or more text"
            )
        begun = self.before - self.before % self.chunks.in_text  # where this epoch began
        due = any(self.before < begun + border <= self.done for border in self.borders)
        # The sums are reset before anything is shown: if the output is closed, the run is saved as if it had been read.
        if ended:
            self.epoch_loss, self.of_epoch = self.of_epoch[0] / self.of_epoch[1], [0.0, 0.0]
        if due and self.since_report[1]:
            self.loss, self.since_report = self.since_report[0] / self.since_report[1], [0.0, 0.0]
            of_epoch = (self.epoch_loss, self._held_out()) if ended else ()
            self.tell(Report(self.done, self.loss, *of_epoch))
        self.progress(self.done)

    def _held_out(self):
        if not self.chunks.held_out:
            return None
        kept_back = map(self.chunks.kept_back, range(self.chunks.in_text))
        losses, predictions = zip(*(self.trainer.loss(self.x, chunk) for chunk in kept_back), strict=True)
        return float(sum(losses)) / float(sum(predictions)) if sum(predictions) else None

    def state(self):
        names = "loss", "epoch_loss", "since_report", "of_epoch"
        state = {name: getattr(self, name) for name in names}
        return state if self.workers.n == 1 else state | {"workers": self.workers.n, "rounds": self.rounds}

    def rest(self):
        if self.done == len(self.chunks):
            return None  # nothing goes on from there
        return self.exchange.accounts.kept if self.exchange else self.kept

    def resume(self, state, folder):
        try:
            self.loss, self.epoch_loss = state["loss"], state["epoch_loss"]
            sums = state["since_report"], state["of_epoch"]
            self.since_report, self.of_epoch = ([float(loss), float(predictions)] for loss, predictions in sums)
            self.kept = state.get("rest")
            # With another number of workers, chunks that were under way begin again.
            self.rounds = state["rounds"] if state.get("workers", 1) == self.workers.n > 1 else 0
        except (KeyError, TypeError, ValueError):
            raise InputError(f"{folder} holds a run of another version of this program: use {ELSEWHERE}") from None


def _report_borders(chunks, every):
    """After how many chunks of each epoch a report is due; a short rest is reported with what comes before it."""
    every = every or math.ceil(len(chunks) / REPORTS)
    borders = [*range(every, chunks.in_text, every), chunks.in_text]
    if len(borders) > 1:
        rest = chunks.words_before(borders[-1]) - chunks.words_before(borders[-2])
        if rest < chunks.words_before(every) / 2:
            del borders[-2]
    return borders


def _next_chunks(done, chunks, n):
    """The numbers of the chunks that n workers train on side by side: n, or what is left of the epoch."""
    return range(done, min(done + n, done - done % chunks.in_text + chunks.in_text))


def _pieces(chunks, numbers):
    """The rounds on some chunks: a list of lists, a piece of each chunk.

    Their size goes by the words of the text, not by time: the result must not depend on how fast the workers are.
    """
    n = len(numbers)
    words = min(ROUND / math.sqrt(n), chunks.words_before(chunks.in_text) / LEAST_ROUNDS)  # of a round
    longest = max(chunks.words_before(number + 1) - chunks.words_before(number) for number in numbers)
    count = max(1, round(longest * n / words))
    return list(zip(*(chunks.pieces(number, count) for number in numbers), strict=True))
