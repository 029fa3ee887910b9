"""Training in rounds: the chunks of all epochs in turn, by one trainer or shared out to several workers.

Reports, checkpoints and stopping are those of every resumable run (utils/runs/loop.py); here a step of it is a round.
"""

import math
import time
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from utils.runs.checkpoints import ELSEWHERE
from utils.runs.loop import Run, drive
from utils.system.errors import InputError
from utils.system.workers import Workers

ROUND = 1 << 22  # words that each of several workers reads before they average: some seconds
LEAST_ROUNDS = 16  # in an epoch, of texts too short for such rounds: workers that average rarely learn less
SAVE_EVERY = 60.0  # seconds between checkpoints
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
        With two or more, each trains on its share of a round's chunks, and the results are averaged. The result
        depends on how many there are, but not on how fast each is, nor on whether the run was stopped.
    report : callable, optional
        Called with a Report at the end of each epoch, and within it after about equally many words, some twenty times
        in all.
    progress : callable, optional
        Called after each round with the number of chunks trained on.
    every : int, optional
        Chunks between two reports within an epoch, instead.
    vectors : ndarray of float, shape (2 V, d), optional
        To start from, and to be overwritten; those of `Trainer.initial_vectors` by default.

    Returns
    -------
    ndarray of float, shape (2 V, d)

    Raises
    ------
    InputError
        The vectors are no longer finite, or an epoch had no predictions.
    KeyboardInterrupt
        On Ctrl-C; with checkpoints, after the round has been saved.
    """
    vectors = trainer.initial_vectors() if vectors is None else vectors
    epochs = _Epochs(trainer, chunks, vectors, workers or Workers(), report, progress, every)
    return drive(epochs, len(chunks), checkpoints)


class _Epochs(Run):
    """The run that `fit` drives; a step is a round."""

    unit = "chunk"

    def __init__(self, trainer, chunks, vectors, workers, report, progress, every):
        self.trainer, self.chunks, self.workers = trainer, chunks, workers
        self.tell, self.progress = report or (lambda report: None), progress or (lambda chunk: None)
        self.x = vectors
        self.remedy = f"try a smaller step than {trainer.settings.step:g}"
        self.since_report, self.of_epoch = [0.0, 0.0], [0.0, 0.0]  # sum of losses, predictions
        self.loss = self.epoch_loss = None  # the last ones reported
        self.borders = _report_borders(chunks, every)
        self.saved_at = time.monotonic()

    def step(self):
        shares = _round(self.done, self.chunks, self.workers.n)
        loss, predictions = _train_round(self.trainer, self.x, self.chunks, shares, self.workers)
        self.before, self.done = self.done, shares[-1][-1] + 1
        if not np.isfinite(loss):
            raise self.diverged("loss")
        for sums in (self.since_report, self.of_epoch):
            sums[0], sums[1] = sums[0] + float(loss), sums[1] + float(predictions)

    def report(self):
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

    def due(self):
        return time.monotonic() - self.saved_at > SAVE_EVERY

    def state(self):
        self.saved_at = time.monotonic()
        names = "loss", "epoch_loss", "since_report", "of_epoch"
        return {name: getattr(self, name) for name in names}

    def resume(self, state, folder):
        try:
            self.loss, self.epoch_loss = state["loss"], state["epoch_loss"]
            sums = state["since_report"], state["of_epoch"]
            self.since_report, self.of_epoch = ([float(loss), float(predictions)] for loss, predictions in sums)
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


def _round(done, chunks, n):
    """The next chunks for each of n workers; an epoch has rounds of about the same size, and ends with one.

    The size goes by the words of the text, not by time: the result must not depend on how fast the workers are.
    """
    if n == 1:
        return [[done]]
    rounds = max(LEAST_ROUNDS, chunks.words_before(chunks.in_text) / (n * ROUND))
    size = n * math.ceil(chunks.in_text / (n * rounds))  # chunks, as many for each worker
    end_of_epoch = done - done % chunks.in_text + chunks.in_text
    numbers = range(done, min(done + size, end_of_epoch))
    return [part.tolist() for part in np.array_split(numbers, min(n, len(numbers)))]


def _train_round(trainer, vectors, chunks, shares, workers):
    """Train on the shares, in place; return the sum of losses and the number of predictions.

    The mean of n results that each started from the same vectors moves them by an nth of what all have learnt. So each
    of n workers takes n times the step ("linear scaling": P. Goyal et al., Accurate, Large Minibatch SGD, 2017): a word
    that only one of them has met moves as far as if it had been alone, and frequent words, whose steps are bounded
    (`Rows.descend`), by the mean of what the workers found.
    """
    n = len(shares)
    if n == 1:
        results = [trainer.train(vectors, chunks[number]) for number in shares[0]]
        return sum(loss for loss, _ in results), sum(predictions for _, predictions in results)
    settings = replace(trainer.settings, step=n * trainer.settings.step)
    faster = type(trainer)(trainer.counts, trainer.keep, settings, trainer.frozen)
    tasks = [(faster, vectors, [chunks[i] for i in share]) for share in shares]
    results = workers.map(_train_share, tasks)
    for rows, changes, _, _ in results:
        vectors[rows] += changes / n
    return sum(result[2] for result in results), sum(result[3] for result in results)


def _train_share(trainer, vectors, chunks):
    """What a worker does: return the rows that it has changed (R,), by how much (R, d), loss and predictions."""
    trained = np.array(vectors)
    results = [trainer.train(trained, chunk) for chunk in chunks]
    trained -= vectors
    rows = np.flatnonzero(trained.any(axis=1))
    return rows, trained[rows], sum(loss for loss, _ in results), sum(predictions for _, predictions in results)
