"""Training by epochs: every window of the text in turn, a thousand words at a time, with a linearly falling step.

The handout's training (sgd.py) draws fifty windows per iteration at random from a small text. For a text of millions of
words this one is meant: skip-gram or CBOW with negative sampling, in single precision if wanted, on one core or shared
out to several workers (utils/runs/rounds.py). Two ideas make it fast in NumPy:

- **The band** (utils/minibatches/bands.py). The scores of all pairs come from a few matrix products of tiles of the
  text, so that a vector is fetched once per tile and not once per pair.
- **Shared negatives, weighted.** A block of 64 words draws N noise words together, and every prediction in it meets all
  of them, each with the weight K / N. In expectation that is the gradient of K negative samples per prediction
  (equation 68), with less variance, since N may be several times K; and it is a matrix product, too.

What is drawn for a chunk of the text in an epoch depends on the seed, the epoch and the chunk alone. So a run that is
stopped and resumed ends with the same bytes, and what it has to remember is a number.

V is the vocabulary's size, I the number of rows of the input vectors (V, unless they are composed), d the dimension, K
the negative samples of a prediction, R rows; a step has n words with P pairs in t tiles of S centre words and W
candidates (`Band`), and b blocks of B words with N noise words each.
"""

from dataclasses import dataclass

import numpy as np

from utils.minibatches.bands import BLOCK, bands, chances, drawn, rooms, thin_out
from utils.minibatches.inputs import Inputs
from utils.minibatches.noise import NOISE_POWER, NoiseDistribution
from utils.minibatches.rows import Rows, Totals
from utils.system.errors import InputError

SUBSAMPLING_FORMS = ("word2vec", "handout")
# What each model learns best with: docs/large-corpora.md has the measurements.
STEP = {"skip-gram": 0.05, "cbow": 0.075}
NOISE = {"skip-gram": 16, "cbow": 32}  # for as many negatives as these, or fewer; for more, in proportion
NEGATIVES = 5
LEAST_STEPS = 512  # in an epoch: a small text is learnt in smaller steps, in which fewer words repeat
LEAST_RATE = 1e-4  # share of the step that is left in the end, as in word2vec's C code


@dataclass(frozen=True)
class Settings:
    """What makes a training this training and no other.

    Attributes
    ----------
    dim, window, negatives, epochs : int
        Dimension, largest window size, negative samples, passes over the text.
    step : float
        The step at the start; it falls linearly with the share of the words that have been read. None: as in STEP.
    model : str
        "skip-gram" (the centre word predicts each outside word) or "cbow" (the mean of the outside words predicts the
        centre word).
    noise : int
        Noise words that a block of 64 words shares, weighted to count as K negatives each: the more, the closer to
        drawing K anew for every prediction, and the slower. None: by NOISE and NEGATIVES.
    batch : int
        Words of text per step, rounded up to whole blocks of 64; fewer if the text has less than 512 steps of them.
    dtype : str
        "float32" or "float64".
    seed : int
    """

    dim: int = 100
    window: int = 5
    negatives: int = NEGATIVES
    epochs: int = 5
    step: float | None = None
    model: str = "skip-gram"
    noise: int | None = None
    batch: int = 2048
    dtype: str = "float32"
    seed: int = 0

    def __post_init__(self):
        if self.model not in STEP:
            raise InputError(f"model must be skip-gram or cbow, got {self.model!r}")
        noise = NOISE[self.model] * max(self.negatives, NEGATIVES) // NEGATIVES
        for name, of_model in (("step", STEP[self.model]), ("noise", noise)):
            if getattr(self, name) is None:
                object.__setattr__(self, name, of_model)  # as dataclasses do for frozen ones
        for name in ("dim", "window", "negatives", "epochs", "noise", "batch"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} must be at least 1, got {getattr(self, name)}")
        if not 0 < self.step < np.inf:
            raise InputError(f"step must be a finite number above 0, got {self.step}")
        if self.dtype not in ("float32", "float64"):
            raise InputError(f"dtype must be float32 or float64, got {self.dtype!r}")


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


class Trainer:
    """Trains vectors, chunk by chunk.

    Parameters
    ----------
    counts : ndarray of int, shape (V,)
        Occurrences of each word, for the noise distribution.
    keep : ndarray of float, shape (V,)
        See `subsampling`.
    settings : Settings
    inputs : Inputs, optional
        In which rows the input vectors are kept; by default each in one of its own.

    Raises
    ------
    InputError
        Fewer than two different words.
    """

    def __init__(self, counts, keep, settings, inputs=None):
        if np.count_nonzero(counts) < 2:
            raise InputError("the text has fewer than two different words: there is nothing to learn from")
        self.counts, self.keep, self.settings = counts, np.asarray(keep, dtype=np.float32), settings
        self.V = len(counts)
        self.inputs = inputs or Inputs(self.V)
        self._noise = NoiseDistribution(np.asarray(counts, dtype=float) ** NOISE_POWER)
        self._totals = Totals(self.V)
        self._step_words = max(1, min(settings.batch, int(np.sum(counts)) // LEAST_STEPS))

    def __reduce__(self):
        """A copy for another process is made anew from what it was made of: its tables are larger."""
        return type(self), (self.counts, self.keep, self.settings, self.inputs)

    def initial_vectors(self):
        """Input vectors in (-0.5 / d, 0.5 / d) above output vectors of zero: shape (I + V, d)."""
        d, dtype, rows = self.settings.dim, np.dtype(self.settings.dtype), self.inputs.rows
        vectors = np.zeros((rows + self.V, d), dtype)
        vectors[:rows] = (self._rng(0).random((rows, d), dtype=dtype) - 0.5) / d
        return vectors

    def train(self, vectors, chunk):
        """Train on one chunk, in place.

        Parameters
        ----------
        vectors : ndarray of float, shape (I + V, d)
            Input vectors (the ones to use) above output vectors.
        chunk : Chunk

        Returns
        -------
        loss : float
            Sum over all predictions.
        predictions : float
            How many they are: a pair counts as often as its window is expected to reach.
        """
        return self._pass(vectors, chunk, self.settings.step)

    def loss(self, vectors, chunk):
        """What `train` would return for a chunk, without training on it."""
        return self._pass(vectors, chunk, 0.0)

    def touched(self, chunk):
        """The rows that `train` may change for a chunk, in ascending order: ndarray of int, shape (R,)."""
        text, _, _, noise = self._draw(chunk)
        outputs = np.unique(np.concatenate((text.ids, noise.ravel())))
        return np.concatenate((self.inputs.touched(text.ids), self.inputs.rows + outputs))

    def _draw(self, chunk):
        """What is random about a chunk: its text thinned out, windows and weights, noise (blocks of the chunk, N)."""
        rng = self._rng(1 + chunk.number)
        text = thin_out(chunk.text, self.keep, rng)
        windows, weight = self._windows(text, rng)
        return text, windows, weight, self._noise.draw(rng, -(-len(text.ids) // BLOCK), self.settings.noise)

    def _pass(self, vectors, chunk, step):
        text, windows, weight, noise = self._draw(chunk)
        loss = predictions = 0
        with np.errstate(over="ignore"):  # exp of a score above 88, in single precision: sigma is 1 all the same
            for band in bands(text, windows, weight, self._step_words, vectors.dtype):
                unread = 1 - (chunk.begin + (chunk.end - chunk.begin) * band.begin / len(text.ids))
                blocks = slice(band.begin // BLOCK, (band.begin + band.n) // BLOCK)
                found = self.step(vectors, band, noise[blocks], step * max(unread, LEAST_RATE))
                loss, predictions = loss + found[0], predictions + found[1]
        return loss, predictions

    def step(self, vectors, band, noise, rate):
        """Take one step, in place.

        Parameters
        ----------
        vectors : ndarray of float, shape (I + V, d)
        band : Band
        noise : ndarray of int32, shape (b, N)
            The noise words of each block of B = n / b centre words.
        rate : float

        Returns
        -------
        loss : float
            Sum over the predictions, before the step. A prediction's loss is that of its target and K negative samples:
            the first K noise words of its block (all of them, weighted, if K > N).
        predictions : int
            Pairs with skip-gram, windows that are not empty with CBOW.
        """
        if not band.weights.any():
            return 0.0, 0
        if self.settings.model == "skip-gram":
            learn, read, predicted = self._skip_gram, band.centres(), band.candidates()
        else:
            learn, read, predicted = self._cbow, band.candidates(), band.centres()
        inputs = self.inputs.read(vectors[: self.inputs.rows], [read])
        outputs = Rows(vectors[self.inputs.rows :], [predicted, noise], self._totals)
        loss, predictions, (pull, *pulls) = learn(band, noise, *inputs.parts, *outputs.parts)
        self.inputs.descend(inputs, [pull], rate)
        outputs.descend(pulls, rate)
        return loss, predictions

    # Each model gets the vectors of the centre words (n, d), of the tiles' candidates (t, W, d) and of the noise words
    # (b, N, d), input vectors first, leaves their gradients there, and returns the loss, the predictions and the pulls
    # of the gradients.

    def _skip_gram(self, band, noise, centres, near, far):
        """Each centre word predicts its outside words (equations 67 to 69)."""
        x = centres.reshape(*band.shape[:2], -1)  # (t, S, d)
        x_of_block = centres.reshape(len(far), -1, far.shape[2])  # (b, B, d)
        delta = x @ near.mT  # (t, S, W): scores, to begin with
        diagonals = band.diagonals(delta)  # (2C + 1, t, S)
        loss, delta_of_pairs = _positive(diagonals, band.weights.reshape(diagonals.shape))
        delta.fill(0)
        diagonals[:] = delta_of_pairs
        sizes = band.weights.sum(axis=0)  # (n,): pairs of each centre word
        counts = sizes.reshape(len(far), -1, 1)  # (b, B, 1)
        # Noise words among the outside words are not left out: it changes nothing (docs/derivations.md, section 8).
        loss_of_noise, delta_of_noise = self._negative(x_of_block @ far.mT, counts)  # (b, B, N)

        grad_x = delta @ near  # (t, S, d)
        grad_x.reshape(x_of_block.shape)[:] += delta_of_noise @ far
        np.matmul(delta.mT, x, out=near)
        np.matmul(delta_of_noise.mT, x_of_block, out=far)
        x[:] = grad_x
        pulls = _sums(delta_of_noise, 2) - _sums(delta, 2), -_sums(delta, 1), _sums(delta_of_noise, 1)
        return loss + loss_of_noise, sizes.sum(dtype=float), pulls

    def _cbow(self, band, noise, near, centres, far):
        """The mean of the outside words predicts the centre word (equation 70)."""
        (t, S, _), (b, N, d) = band.shape, far.shape
        window = np.zeros(band.shape, near.dtype)  # 1 for the words of each window
        diagonals = band.diagonals(window)  # (2C + 1, t, S)
        diagonals[:] = band.weights.reshape(diagonals.shape)
        sizes = band.weights.sum(axis=0)  # (n,)
        full = (sizes > 0).astype(near.dtype)
        sizes[sizes == 0] = 1

        h = (window @ near).reshape(-1, d)  # (n, d)
        h /= sizes[:, None]
        h_of_block = h.reshape(b, -1, d)  # (b, B, d)
        loss, delta = _positive(np.vecdot(h, centres), full)  # (n,)
        others = noise.reshape(b, 1, N) != band.centres().reshape(b, -1, 1)  # (b, B, N)
        counts = full.reshape(b, -1, 1) * others  # (b, B, N)
        loss_of_noise, delta_of_noise = self._negative(h_of_block @ far.mT, counts)  # (b, B, N)

        grad_h = (delta_of_noise @ far).reshape(-1, d)  # (n, d)
        centres *= delta[:, None]
        grad_h += centres
        np.multiply(h, delta[:, None], out=centres)
        np.matmul(delta_of_noise.mT, h_of_block, out=far)
        # Every word of the window takes the whole gradient of the mean, as in word2vec's C code and in gensim. The
        # gradient proper is that divided by the window's size; with it the vectors are far worse (docs/derivations.md).
        np.matmul(window.mT, grad_h.reshape(t, S, d), out=near)
        pull = (_sums(delta_of_noise, 2) - delta) / sizes  # (n,): of each word
        pulls = (pull.reshape(t, 1, S) @ window).ravel(), -delta, _sums(delta_of_noise, 1)
        return loss + loss_of_noise, np.count_nonzero(full), pulls

    def _negative(self, scores, counts):
        """Negatives of a block: K / N of each noise word for each prediction (equation 68).

        Parameters
        ----------
        scores : ndarray of float, shape (b, B, N)
            They are overwritten.
        counts : ndarray of float, shape (b, B, N) or (b, B, 1)
            For how many predictions of a row each noise word is a negative.

        Returns
        -------
        loss : float
        delta : ndarray of float, shape (b, B, N)
        """
        K, N = self.settings.negatives, scores.shape[2]
        weights = counts * scores.dtype.type(K / N)
        q = np.exp(scores, out=scores)
        q += 1
        shown = min(K, N)
        loss = np.sum(_log(q[:, :, :shown]) * counts[:, :, :shown]) * (K / shown)
        np.divide(weights, q, out=q)
        return loss, np.subtract(weights, q, out=q)

    def _windows(self, text, rng):
        """Which words belong to each word's window, and the weight of each by its distance: see `bands`.

        A reach is drawn for every window in word2vec's C code. Skip-gram takes its expectation instead: a word counts
        with the probability that it is reached (equation 67), which costs nothing where all scores are computed anyway
        and is free of the draws' variance. With CBOW, whose mean is not linear in the weights, the reach is drawn.
        """
        all_rooms, C = rooms(text, self.settings.window), self.settings.window
        if self.settings.model == "skip-gram":
            return all_rooms, lambda farthest: chances(C, farthest)
        return drawn(all_rooms, C, rng), lambda farthest: np.ones(farthest + 1)

    def _rng(self, stream):
        return np.random.Generator(np.random.SFC64([self.settings.seed, stream]))


def _positive(scores, weights):
    """Loss of pairs of the text, -log sigmoid(score), and its derivative: float and an array like `weights`."""
    q = np.empty_like(weights)
    np.exp(np.negative(scores, out=q), out=q)
    q += 1
    loss = np.vdot(_log(q), weights)
    np.divide(weights, q, out=q)
    q -= weights
    return loss, q


def _log(q):
    """log q for q = 1 + exp(score); where exp overflows, the logarithm of the largest number instead of infinity."""
    return np.log(np.minimum(q, np.finfo(q.dtype).max))


def _sums(x, axis):
    """Sums over the rows (1) or columns (2) of many matrices, in one row: products with ones are faster than `sum`."""
    return (np.vecmat(np.ones(x.shape[1], x.dtype), x) if axis == 1 else x @ np.ones(x.shape[2], x.dtype)).ravel()
