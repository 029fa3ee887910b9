"""Training by epochs: every window of the text in turn, thousands of pairs at a time, with a linearly falling step.

The handout's training (sgd.py) draws fifty windows per iteration at random from a small text. For a text of millions of
words this one is meant: skip-gram or CBOW with negative sampling, in large batches, in single precision if wanted, on
one core or shared out to several workers (utils/system/workers.py).

What is drawn for a chunk of the text in an epoch depends on the seed, the epoch and the chunk alone. So a run that is
stopped and resumed ends with the same bytes, and what it has to remember is a number.

V is the vocabulary's size, d the dimension, P pairs (or windows, with CBOW), K the negative samples of each, R rows.
"""

import time
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from scipy.sparse import csc_array, csr_array

from utils.corpus.ids import Corpus
from utils.minibatches import windows
from utils.minibatches.noise import AliasTable
from utils.runs.loop import Run, drive
from utils.system.errors import InputError
from utils.system.workers import Workers
from word2vec import negative_sampling, sigmoid_and_softplus

SUBSAMPLING_FORMS = ("word2vec", "handout")
NOISE_POWER = 0.75  # of the counts, for the noise distribution (Mikolov et al. 2013b, sec. 2.2)
CHUNK = 1 << 16  # words of text whose windows are drawn at a time
BLOCK = 300_000  # bytes of vectors that are worked on at a time: they fit into the processor's cache
LEAST_RATE = 1e-4  # share of the step that is left in the end, as in word2vec's C code
ROUND = 8  # chunks that each of several workers trains on before they average
SAVE_EVERY = 60.0  # seconds from checkpoint to checkpoint
REPORTS = 20  # of the loss, in a whole training


@dataclass(frozen=True)
class Settings:
    """What makes a training this training and no other.

    Attributes
    ----------
    dim, window, negatives, epochs : int
        Dimension, largest window size, negative samples, passes over the text.
    step : float
        The step at the start; it falls linearly with the share of the words that have been read.
    model : str
        "skip-gram" (the centre word predicts each outside word) or "cbow" (the mean of the outside words predicts the
        centre word).
    share : int
        How many pairs share their negative samples: 1 for none. Sharing turns most of the work into matrix products
        (S. Ji et al., Parallelizing Word2Vec in Shared and Distributed Memory, 2016, sec. III).
    batch : int
        Pairs (windows, with CBOW) per step.
    dtype : str
        "float32" or "float64".
    seed : int
    """

    dim: int = 100
    window: int = 5
    negatives: int = 5
    epochs: int = 5
    step: float = 0.025
    model: str = "skip-gram"
    share: int = 1
    batch: int = 4096
    dtype: str = "float32"
    seed: int = 0

    def __post_init__(self):
        for name in ("dim", "window", "negatives", "epochs", "share", "batch"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} must be at least 1, got {getattr(self, name)}")
        if not 0 < self.step < np.inf:
            raise InputError(f"step must be a finite number above 0, got {self.step}")
        if self.model not in ("skip-gram", "cbow"):
            raise InputError(f"model must be skip-gram or cbow, got {self.model!r}")
        if self.dtype not in ("float32", "float64"):
            raise InputError(f"dtype must be float32 or float64, got {self.dtype!r}")


class Batch(NamedTuple):
    """Predictions to learn from: the mean of some input vectors against a target and its negative samples.

    Attributes
    ----------
    inputs : ndarray of int32, shape (E,)
        Ids: with skip-gram the centre word of each pair, with CBOW the outside words of each window.
    offsets : ndarray of int32, shape (P + 1,)
        The inputs of prediction p are `inputs[offsets[p] : offsets[p + 1]]`.
    targets : ndarray of int32, shape (P,)
        Ids: with skip-gram the outside word of each pair, with CBOW the centre word of each window.
    """

    inputs: np.ndarray
    offsets: np.ndarray
    targets: np.ndarray


def subsampling(counts, threshold, form="word2vec"):
    """The probability with which an occurrence of each word takes part in the training.

    Parameters
    ----------
    counts : ndarray of int, shape (V,)
    threshold : float
        t. Words with a share f of the text above about t are thinned out; 0 keeps everything.
    form : str
        "word2vec": sqrt(t / f) + t / f, as in word2vec's C code; "handout": sqrt(t / f), as in the handout and in
        Mikolov et al. 2013b, equation 5.

    Returns
    -------
    ndarray of float64, shape (V,)
        In [0, 1].
    """
    if not 0 <= threshold < np.inf:
        raise InputError(f"the subsampling threshold must be a finite number of at least 0, got {threshold}")
    if threshold == 0:
        return np.ones(len(counts))
    ratio = threshold * counts.sum() / np.maximum(counts, 1)  # (V,): t / f
    return np.minimum(1, np.sqrt(ratio) + (ratio if form == "word2vec" else 0))


class Chunk(NamedTuple):
    """A piece of the text in one of the epochs.

    Attributes
    ----------
    number : int
        From 0 on, over all epochs.
    text : Corpus
    begin, end : float
        The shares of all words to read, in all epochs, that come before it and up to its end.
    """

    number: int
    text: Corpus
    begin: float
    end: float


class Chunks:
    """The chunks of all epochs, in order: whole sentences, of about CHUNK words together.

    Parameters
    ----------
    corpus : Corpus
        Its arrays may be memory-mapped: only the chunk asked for is read.
    epochs : int
    """

    def __init__(self, corpus, epochs):
        self.corpus, self.epochs = corpus, epochs
        offsets, words = corpus.offsets, corpus.offsets[-1]
        if words == 0:
            raise InputError("the text has no words: there is nothing to learn from")
        first = np.searchsorted(offsets, np.arange(0, words, CHUNK), side="right") - 1  # sentences
        self._borders = [*np.unique(first).tolist(), len(offsets) - 1]
        self.in_text = len(self._borders) - 1

    def __len__(self):
        return self.epochs * self.in_text

    def __getitem__(self, number):
        i = number % self.in_text
        offsets = np.array(self.corpus.offsets[self._borders[i] : self._borders[i + 1] + 1])
        ids = np.array(self.corpus.ids[offsets[0] : offsets[-1]])
        begin, end = (self.words_before(n) / self.words_before(len(self)) for n in (number, number + 1))
        return Chunk(number, Corpus(ids, offsets - offsets[0]), begin, end)

    def words_before(self, number):
        """How many words all chunks before this one have together, over all epochs."""
        epoch, i = divmod(number, self.in_text)
        return epoch * self.corpus.offsets[-1].item() + self.corpus.offsets[self._borders[i]].item()


class Trainer:
    """Trains vectors, chunk by chunk.

    Parameters
    ----------
    counts : ndarray of int, shape (V,)
        Occurrences of each word, for the noise distribution.
    keep : ndarray of float, shape (V,)
        See `subsampling`.
    settings : Settings

    Raises
    ------
    InputError
        Fewer than two different words.
    """

    def __init__(self, counts, keep, settings):
        if np.count_nonzero(counts) < 2:
            raise InputError("the text has fewer than two different words: there is nothing to learn from")
        self.counts, self.keep, self.settings = counts, np.asarray(keep, dtype=np.float32), settings
        self.V = len(counts)
        self._noise = AliasTable(np.asarray(counts, dtype=float) ** NOISE_POWER)
        self._distinct = _Distinct(self.V)

    def initial_vectors(self):
        """Input vectors in (-0.5 / d, 0.5 / d) above output vectors of zero: shape (2 V, d)."""
        d, dtype = self.settings.dim, np.dtype(self.settings.dtype)
        vectors = np.zeros((2 * self.V, d), dtype)
        vectors[: self.V] = (self._rng(0).random((self.V, d), dtype=dtype) - 0.5) / d
        return vectors

    def train(self, vectors, chunk):
        """Train on one chunk, in place.

        Parameters
        ----------
        vectors : ndarray of float, shape (2 V, d)
            Input vectors (the ones to use) above output vectors.
        chunk : Chunk

        Returns
        -------
        loss : float
            Sum over all predictions.
        predictions : int
        """
        rng = self._rng(1 + chunk.number)
        batches = self._batches(windows.thin_out(chunk.text, self.keep, rng), rng)
        loss = predictions = 0
        for i, batch in enumerate(batches):
            left = 1 - (chunk.begin + (chunk.end - chunk.begin) * i / len(batches))
            loss += self.step(vectors, batch, self.settings.step * max(left, LEAST_RATE), rng)
            predictions += len(batch.targets)
        return loss, predictions

    def _batches(self, text, rng):
        if self.settings.model == "skip-gram":
            inputs, targets = windows.pairs(text, self.settings.window, rng)  # (P,) each
            offsets = np.arange(len(targets) + 1)  # (P + 1,)
        else:
            targets, inputs, offsets = windows.bags(text, self.settings.window, rng)  # (P,), (E,), (P + 1,)
        batches = []
        for begin in range(0, len(targets), self.settings.batch):
            some = offsets[begin : begin + self.settings.batch + 1]
            few = targets[begin : begin + self.settings.batch]
            batches.append(Batch(inputs[some[0] : some[-1]], (some - some[0]).astype(np.int32), few))
        return batches

    def step(self, vectors, batch, rate, rng):
        """Draw the negative samples of a batch and take one step, in place; return the sum of its losses before it."""
        X, Y = vectors[: self.V], vectors[self.V :]  # (V, d) each
        rows, inputs = self._distinct(batch.inputs)  # (R,), (E,)
        x = X.take(rows, axis=0)  # (R, d)
        P, lengths = len(batch.targets), np.diff(batch.offsets)  # (P,)
        weights = np.repeat((1 / lengths).astype(x.dtype), lengths)  # (E,)
        mean = csr_array((weights, inputs, batch.offsets), shape=(P, len(x)))
        h = mean @ x if len(inputs) > P else x.take(inputs, axis=0)  # (P, d)
        if self.settings.share == 1:
            loss, grad_h = self._own_negatives(h, Y, batch.targets, rate, rng)
        else:
            loss, grad_h = self._shared_negatives(h, Y, batch.targets, rate, rng)
        mean.data *= _rates(np.bincount(inputs), rate).astype(x.dtype).take(inputs)
        x -= mean.T @ grad_h
        X[rows] = x
        return loss

    def _own_negatives(self, h, Y, targets, rate, rng):
        """Learn from pairs that have K negative samples each; return the loss and its gradient with respect to h."""
        P, width = len(h), 1 + self.settings.negatives
        words = np.empty((P, width), dtype=np.int32)  # (P, K+1)
        words[:, 0] = targets
        words[:, 1:] = self._noise.draw(rng, (P, width - 1))
        while (met := words[:, 1:] == words[:, :1]).any():  # a target is not its own negative sample
            words[:, 1:][met] = self._noise.draw(rng, np.count_nonzero(met))
        rows, places = self._distinct(words)  # (R,), (P, K+1)
        y = Y.take(rows, axis=0)  # (R, d)

        loss, delta, grad_h = 0.0, np.empty((P, width), h.dtype), np.empty_like(h)  # (P, K+1), (P, d)
        size = max(1, BLOCK // (width * y[:1].nbytes))
        for begin in range(0, P, size):
            block = slice(begin, begin + size)
            u = y.take(places[block], axis=0)  # (B, K+1, d)
            block_loss, delta[block] = negative_sampling(h[block], u)
            np.vecmat(delta[block], u, out=grad_h[block])
            loss += block_loss.item()
        delta, places = delta.ravel(), places.ravel()  # (P (K+1),) each
        delta *= _rates(np.bincount(places), rate).astype(h.dtype).take(places)
        # A sparse matrix that is stored pair by pair, turned on its side: no sorting by row is needed.
        offsets = np.arange(0, P * width + 1, width, dtype=np.int32)
        y -= csc_array((delta, places, offsets), shape=(len(y), P)) @ h
        Y[rows] = y
        return loss, grad_h

    def _shared_negatives(self, h, Y, targets, rate, rng):
        """As `_own_negatives`, for K negative samples that so many neighbouring pairs share."""
        (P, d), S, K = h.shape, self.settings.share, self.settings.negatives
        blocks = -(-P // S)
        negatives = self._noise.draw(rng, (blocks, K))  # (B, K)
        rows, places = self._distinct(np.concatenate((targets, negatives.ravel())))
        y = Y.take(rows, axis=0)  # (R, d)

        u = y.take(places[:P], axis=0)  # (P, d)
        wrong, losses = sigmoid_and_softplus(-np.vecdot(h, u))  # (P,) each
        loss = losses.sum().item()
        padded = np.zeros((blocks * S, d), h.dtype)
        padded[:P] = h
        padded = padded.reshape(blocks, S, d)  # (B, S, d)
        n = y.take(places[P:].reshape(blocks, K), axis=0)  # (B, K, d)
        delta, losses = sigmoid_and_softplus(padded @ n.mT)  # (B, S, K) each
        # Not learnt from: a target that is its own negative sample, and the pairs that fill up the last block.
        ids = np.full(blocks * S, -1, dtype=np.int32)
        ids[:P] = targets
        counts_not = (ids.reshape(blocks, S, 1) == negatives[:, None]) | (ids.reshape(blocks, S, 1) < 0)
        delta[counts_not] = losses[counts_not] = 0
        loss += losses.sum().item()

        grad_h = (delta @ n).reshape(-1, d)[:P] - wrong[:, None] * u  # (P, d)
        grad_n = (delta.mT @ padded).reshape(-1, d)  # (BK, d)
        addends = np.concatenate((h, grad_n))  # (P + BK, d)
        weights = np.concatenate((-wrong, np.ones(blocks * K, h.dtype)))  # (P + BK,)
        repeats = np.bincount(places[:P], minlength=len(y)) + S * np.bincount(places[P:], minlength=len(y))
        weights *= _rates(repeats, rate).astype(h.dtype).take(places)
        offsets = np.arange(len(places) + 1, dtype=np.int32)
        y -= csc_array((weights, places, offsets), shape=(len(y), len(places))) @ addends
        Y[rows] = y
        return loss, grad_h

    def _rng(self, stream):
        return np.random.Generator(np.random.SFC64([self.settings.seed, stream]))


def _rates(repeats, rate):
    """The step for each of the gradients that a row gets in one batch: `rate`, or their mean is taken if that is less.

    In sequence, each repetition of a word in a batch would see what the earlier ones have changed; all at once they
    would go `rate * repeats` times too far in one direction, and a frequent word's vector would grow without bounds.
    """
    return np.minimum(rate, 1 / repeats)


class _Distinct:
    """Finds the distinct ids among many, and the place of each among them, without sorting."""

    def __init__(self, V):
        self._seen = np.zeros(V, dtype=bool)
        self._place = np.empty(V, dtype=np.int32)

    def __call__(self, ids):
        """Return the distinct ids (R,), ascending, and where among them each id stands: shape of `ids`."""
        self._seen[ids] = True
        rows = np.flatnonzero(self._seen)
        self._seen[rows] = False
        self._place[rows] = np.arange(len(rows), dtype=np.int32)
        return rows, self._place.take(ids)


# The whole training


class Report(NamedTuple):
    """What `fit` tells about the loss.

    Attributes
    ----------
    chunk : int
        How many chunks have been trained on.
    loss : float
        Mean over all predictions since the last report.
    epoch_loss : float or None
        Mean over all predictions of an epoch, where one has just ended.
    """

    chunk: int
    loss: float
    epoch_loss: float | None


def fit(trainer, chunks, checkpoints=None, workers=None, report=None, progress=None, every=None):
    """Train on all chunks, or on those that are left.

    Parameters
    ----------
    trainer : Trainer
    chunks : Chunks
    checkpoints : Checkpoints, optional
        One is written every minute, at the end and on Ctrl-C; its number is that of the chunks trained on.
    workers : Workers, optional
        With two or more, each trains on its share of a round's chunks, and the results are averaged. What comes out
        depends on how many there are, but not on how fast each is, nor on whether the run was stopped.
    report : callable, optional
        Called with a Report some twenty times, about equally many words apart, and always at the end of an epoch.
    progress : callable, optional
        Called with the number of chunks trained on after each round.
    every : int, optional
        Chunks from report to report instead, within an epoch.

    Returns
    -------
    ndarray of float, shape (2 V, d)

    Raises
    ------
    InputError
        The vectors are no longer finite.
    KeyboardInterrupt
        On Ctrl-C; with checkpoints, after the round has been saved.
    """
    epochs = _Epochs(trainer, chunks, workers or Workers(), report, progress, every)
    return drive(epochs, len(chunks), checkpoints)


class _Epochs(Run):
    """What the loop of `fit` drives; a step is a round."""

    unit = "chunk"

    def __init__(self, trainer, chunks, workers, report, progress, every):
        self.trainer, self.chunks, self.workers = trainer, chunks, workers
        self.tell, self.progress = report or (lambda report: None), progress or (lambda chunk: None)
        self.x = trainer.initial_vectors()
        self.remedy = f"try a smaller step than {trainer.settings.step:g}"
        self.since_report, self.of_epoch = [0.0, 0], [0.0, 0]  # sum of losses, predictions
        self.loss = self.epoch_loss = None
        self.borders = _report_borders(chunks, every)
        self.saved_at = time.monotonic()

    def step(self):
        shares = _round(self.done, self.chunks, self.workers.n)
        found = _train_round(self.trainer, self.x, self.chunks, shares, self.workers)
        self.before, self.done = self.done, shares[-1][-1] + 1
        if not np.isfinite(found[0]):
            raise self.diverged("loss")
        for sums in (self.since_report, self.of_epoch):
            sums[0], sums[1] = sums[0] + float(found[0]), sums[1] + int(found[1])

    def report(self):
        ended = self.done % self.chunks.in_text == 0
        if ended and self.of_epoch[1]:
            self.epoch_loss = self.of_epoch[0] / self.of_epoch[1]
        first = (self.before // self.chunks.in_text) * self.chunks.in_text  # chunk of this epoch
        passed = np.diff(np.searchsorted(self.borders, (self.before - first, self.done - first), "right")).item() > 0
        self.progress(self.done)
        if (passed or ended) and self.since_report[1]:
            self.loss = self.since_report[0] / self.since_report[1]
            self.since_report = [0.0, 0]
            self.tell(Report(self.done, self.loss, self.epoch_loss if ended else None))
        if ended:
            self.of_epoch = [0.0, 0]

    def due(self):
        return time.monotonic() - self.saved_at > SAVE_EVERY

    def state(self):
        self.saved_at = time.monotonic()
        names = "loss", "epoch_loss", "since_report", "of_epoch"
        return {name: getattr(self, name) for name in names}

    def resume(self, state, folder):
        for name, value in state.items():
            if name in ("loss", "epoch_loss", "since_report", "of_epoch"):
                setattr(self, name, value)


def _report_borders(chunks, every):
    """After how many chunks of each epoch a report is due."""
    if every:
        return np.arange(every, chunks.in_text + every, every)
    in_epoch = max(1, round(REPORTS / chunks.epochs))
    return np.unique(np.ceil(chunks.in_text * np.arange(1, in_epoch + 1) / in_epoch))


def _round(done, chunks, n):
    """The next chunks for each of n workers: at most ROUND each, at least four rounds an epoch, none across epochs."""
    if n == 1:
        return [[done]]
    each = max(1, min(ROUND, chunks.in_text // (4 * n)))
    end_of_epoch = (done // chunks.in_text + 1) * chunks.in_text
    numbers = range(done, min(done + n * each, end_of_epoch))
    return [part.tolist() for part in np.array_split(numbers, min(n, len(numbers)))]


def _train_round(trainer, vectors, chunks, shares, workers):
    """Train on the shares, in place; return the sum of losses and the number of predictions.

    The mean of n results that each started from the same vectors moves them by an nth of what all have learnt. So each
    of n workers takes n times the step ("linear scaling": P. Goyal et al., Accurate, Large Minibatch SGD, 2017): a word
    that only one of them has met moves as far as if it had been alone, and frequent words, whose steps are bounded
    (`_rates`), by the mean of what the workers found.
    """
    n = len(shares)
    if n == 1:
        results = [trainer.train(vectors, chunks[number]) for number in shares[0]]
        return sum(loss for loss, _ in results), sum(predictions for _, predictions in results)
    settings = replace(trainer.settings, step=n * trainer.settings.step)
    tasks = [(trainer.counts, trainer.keep, settings, vectors, [chunks[i] for i in share]) for share in shares]
    results = workers.map(_train_share, tasks)
    for rows, changes, _, _ in results:
        vectors[rows] += changes / n
    return sum(result[2] for result in results), sum(result[3] for result in results)


def _train_share(counts, keep, settings, vectors, chunks):
    """What a worker does: return the rows that it has changed (R,), by how much (R, d), loss and predictions."""
    trainer, trained = Trainer(counts, keep, settings), np.array(vectors)
    results = [trainer.train(trained, chunk) for chunk in chunks]
    trained -= vectors
    rows = np.flatnonzero(trained.any(axis=1))
    return rows, trained[rows], sum(loss for loss, _ in results), sum(predictions for _, predictions in results)
