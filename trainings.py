"""The trainings: the handout's by iterations and one by epochs, of run.py; GloVe's by cells, of count.py.

Each has the same shape: its words and their counts, the settings that make a run this run, how long it is and in what
unit, and `train`. What there is to say of the result is left in `findings`, lines to print once it is saved, and
`warning`, None or a line.
"""

import functools
import random
import time
from dataclasses import asdict, dataclass, replace

import numpy as np

from epochs import LEAST_STEPS, Trainer, subsampling
from sgd import ANNEAL_EVERY, loss_line, sgd
from utils.commands.beginnings import Taken
from utils.counting import glove
from utils.minibatches.bands import BLOCK
from utils.minibatches.chunks import CHUNK, Chunks
from utils.minibatches.inputs import Composed, Inputs
from utils.runs.display import Display
from utils.runs.rounds import REPORTS, fit
from utils.system.console import note
from utils.system.errors import InputError
from utils.system.memory import refuse_beyond_memory
from utils.vectors.files import select
from utils.vectors.wordvectors import WordVectors
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
# A step too large shows as infinity, which the loop notices: NumPy's warnings on the way there say nothing more.
SILENT = {"over": "ignore", "invalid": "ignore"}
HARDLY_TRAINED = 0.97  # share of the loss of untrained vectors from which on the neighbours are mere noise
KEPT = 2  # checkpoints of a training by epochs: its parameters may be large


def _start(checkpoints, total):
    """The iteration and the state to go on from, (0, {}) without a checkpoint; takes up the losses before it."""
    found = checkpoints.newest(at_most=total)
    start, state = (found[0], found[2]) if found else (0, {})
    if trouble := checkpoints.losses.resume(start, state.get("loss")):
        note(trouble)
    return start, state


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

    unit, axis, keep, warning = "iteration", "iteration", None, None
    curve = {}  # labels of the loss curve

    def __init__(self, treebank, settings):
        self.treebank, self.options, self.total = treebank, settings, settings.iterations
        self.dim = settings.dim
        if treebank.numTokens() < settings.batch:
            raise InputError(
                f"the treebank has {treebank.numTokens()} words, fewer than the {settings.batch} windows of one batch: "
                "use more text or a smaller --batch"
            )
        self.words, self.counts = treebank.words(), treebank.counts()
        K = settings.negatives if settings.loss == "negative-sampling" else 0
        pairs = settings.batch * min(2 * settings.window, max(map(len, treebank.sentences())))
        vectors = pairs * (K + 2) + 3 * 2 * len(self.words)  # of a batch; parameters, initial ones and a checkpoint
        remedy = "give a smaller --dim, --negatives or --batch"
        refuse_beyond_memory(8 * vectors * settings.dim, "this training", remedy)
        self.text = f"{treebank.numSentences()} sentences, {treebank.numTokens()} words"
        self.length = f"{self.total:,} iterations"
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

    def vectors(self, parameters, which):
        """The WordVectors in the parameters: see `select`."""
        return WordVectors(self.words, select(parameters, which))

    def place(self, iteration):
        """Where an iteration stands on the axis of a picture."""
        return iteration

    def train(self, checkpoints, quiet=False, print_every=None):
        """Train, or continue, or find that nothing is left to do.

        Returns
        -------
        ndarray of float64, shape (2 V, d)
        """
        settings, treebank = self.options, self.treebank
        start, state = _start(checkpoints, self.total)
        losses, tokens = checkpoints.losses, treebank.tokens()
        loss = naiveSoftmaxLossAndGradient
        if settings.loss == "negative-sampling":
            loss = functools.partial(negSamplingLossAndGradient, K=settings.negatives)

        def objective(vectors):
            return word2vec_sgd_wrapper(skipgram, tokens, vectors, treebank, settings.window, loss, settings.batch)

        def report(iteration, loss):
            losses.add(iteration, loss)
            display.loss(loss, loss_line(iteration, loss))
            display.advance(iteration)

        started = time.perf_counter()
        with Display(start, self.total, "it", quiet, print_every) as display, np.errstate(**SILENT):
            vectors = sgd(
                objective,
                self.initial_vectors(),
                settings.step,
                self.total,
                PRINT_EVERY=print_every or PRINT_EVERY,
                checkpoints=checkpoints,
                report=report,
            )
            display.advance(self.total)
        self.findings = [f"final loss: {losses.losses[-1]:.6f} (smoothed)"] if losses.losses else []
        self.findings.append(f"training took {time.perf_counter() - started:.1f} seconds")
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
    held_out : float
        Share of the sentences that is kept back, to measure the loss on.
    beginning : Beginning, optional
        Vectors to start from. If it has counts, the first words of the data are its words.
    freeze : bool
        Whether the input vectors that are taken from it stay as they are.
    ngrams : NGrams, optional
        Of which the input vectors are composed.
    """

    unit, axis, keep, warning = "chunk", "word", KEPT, None
    curve = {"across": "words read", "meaning": "mean loss, nats per prediction"}  # labels of the loss curve
    halvings = ()

    def __init__(self, data, settings, thinning, workers, held_out=0.0, beginning=None, freeze=False, ngrams=None):
        self.words, self.counts, self.workers = data.words, data.counts, workers
        if ngrams is not None:
            most = (sum(map(len, data.words)) + 2 * len(data.words)) * (ngrams.longest - ngrams.shortest + 1)
            refuse_beyond_memory(50 * most, f"finding {most:,} n-grams", "give fewer --subwords or --max-vocab")
        inputs = Inputs(len(data.words)) if ngrams is None else Composed(data.words, ngrams)
        vectors = 2 * (inputs.rows + len(data.words)) * settings.dim  # parameters, and a checkpoint in the making
        number = np.dtype(settings.dtype).itemsize
        size = f"{settings.dim} dimensions of {len(data.words)} words"
        if ngrams is not None:
            size += f" and {inputs.rows - len(data.words)} n-grams"
        refuse_beyond_memory(vectors * number, size, "give a smaller --dim")
        words = min(len(data.corpus.ids), CHUNK)  # whose noise is drawn at a time, each number in four copies
        noise = settings.noise * -(-words // BLOCK) * 32
        noise += settings.noise * -(-min(words, settings.batch) // BLOCK) * settings.dim * 2 * number  # of a step
        remedy = "give a smaller --noise or fewer --negatives"
        refuse_beyond_memory(noise, f"{settings.noise} noise words for every {BLOCK}", remedy)
        self.chunks = Chunks(data.corpus, settings.epochs, held_out, settings.seed)
        self.total, self.dim = len(self.chunks), settings.dim
        self.taken = None if beginning is None else Taken(beginning, data.words)
        if beginning is not None and beginning.counts is not None:
            self.counts = data.counts + np.pad(beginning.counts, (0, len(data.counts) - len(beginning.counts)))
            of_text = max(1, len(data.corpus.ids) // LEAST_STEPS)  # words in a step, which the counts no longer tell
            settings = replace(settings, batch=min(settings.batch, of_text))
        if freeze:
            inputs = Inputs(len(data.words), self.taken.rows)
        self.trainer = Trainer(self.counts, subsampling(self.counts, *thinning), settings, inputs)
        self.text = data.size
        self.text += f", {settings.epochs} epoch{'s' * (settings.epochs > 1)}"
        self.length = f"{settings.epochs} epoch{'s' * (settings.epochs > 1)} of {data.size.split(', ')[-1]}"
        self.settings = {
            "text": data.fingerprint,
            "subsample": thinning[0],
            "subsample form": thinning[1],
            "held out": held_out,
            **asdict(settings),
        }
        if ngrams is not None:
            self.settings["subwords"] = asdict(ngrams)
        if beginning is not None:
            self.settings |= {"beginning": beginning.fingerprint, "freeze": freeze}

    def initial_vectors(self):
        """Input vectors in (-0.5 / d, 0.5 / d) above output vectors of zero, or those of the beginning: (I + V, d)."""
        vectors = self.trainer.initial_vectors()
        if self.taken:
            self.taken.place(vectors)
        return vectors

    def vectors(self, parameters, which):
        """The WordVectors in the parameters: see `select`. The centre vectors compose those of other words, too."""
        inputs = self.trainer.inputs
        kept, outputs = np.split(parameters, [inputs.rows])  # (I, d), (V, d)
        of_words = parameters if len(kept) == len(outputs) else np.concatenate((inputs.of_words(kept), outputs))
        subwords = inputs.subwords(kept) if which == "center" else None
        return WordVectors(self.words, select(of_words, which), subwords)

    def place(self, chunk):
        """Where a chunk stands on the axis of a picture and on the progress bar: the words read up to there."""
        return self.chunks.words_before(chunk)

    def train(self, checkpoints, quiet=False, print_every=None):
        """Train, or continue, or find that nothing is left to do.

        Returns
        -------
        ndarray of float32 or float64, shape (I + V, d)
        """
        start, state = _start(checkpoints, self.total)
        epoch_loss, words, first = state.get("epoch_loss"), self.place(self.total), self.place(start)
        started = time.perf_counter()
        epochs = self.chunks.epochs
        rarely = 1 if print_every or self.chunks.held_out else -(-epochs // REPORTS)

        def report(found):
            nonlocal epoch_loss
            checkpoints.losses.add(found.chunk, found.loss)
            read, epoch = self.place(found.chunk), found.chunk // self.chunks.in_text
            speed = f"{(read - first) / (time.perf_counter() - started):,.0f} words/s"
            lines = [f"{read:,} words read ({100 * read / words:3.0f} %): loss {found.loss:.6f}, {speed}"]
            if found.epoch_loss is not None:
                epoch_loss = found.epoch_loss
                held_out = "" if found.held_out is None else f", on the sentences held out {found.held_out:.6f}"
                of_epoch = f"epoch {epoch} of {epochs}: mean loss {epoch_loss:.6f}{held_out}"
                lines = [f"{of_epoch}, {speed}"] if found.loss == epoch_loss else [*lines, of_epoch]
                if epoch % rarely and epoch < epochs:
                    lines = []
                elif held_out and not display.lines:
                    display.say(of_epoch)
            display.loss(found.loss, *lines)

        def progress(chunk):
            display.advance(self.place(chunk))

        with Display(first, words, " words", quiet, print_every) as display, np.errstate(**SILENT):
            vectors = self.initial_vectors()
            vectors = fit(self.trainer, self.chunks, checkpoints, self.workers, report, progress, print_every, vectors)
        self.findings = []
        if epoch_loss is not None:
            self.findings.append(f"final loss: {epoch_loss:.6f} (mean of the last epoch)")
            untrained = (self.trainer.settings.negatives + 1) * np.log(2)  # all scores are 0: equation 27
            if epoch_loss > HARDLY_TRAINED * untrained:
                self.warning = (
                    f"these vectors have learnt next to nothing: untrained ones have a loss of {untrained:.6f}; give "
                    "more --epochs or more text, or count instead: python count.py"
                )
        seconds = time.perf_counter() - started
        speed = f", {(words - first) / seconds:,.0f} words/s" if start < self.total else ""
        self.findings.append(f"training took {seconds:.1f} seconds{speed}")
        return vectors


# By cells


class ByCells:
    """GloVe's training on the cells of a matrix of counts: see utils/counting/glove.py.

    Parameters
    ----------
    counts : csr_array, shape (V, V)
    settings : glove.Settings
    of_counts : dict of str to (str or number)
        What the counts depend on: a checkpoint made with another value is refused.
    """

    unit, keep = "batch", KEPT
    curve = {"across": "iteration", "meaning": "cost: half the weighted square, mean of all cells"}

    def __init__(self, counts, settings, of_counts):
        self.trainer = glove.Trainer(counts, settings)
        self.in_iteration = len(self.trainer.batches)
        self.total = settings.iterations * self.in_iteration
        self.settings = {"method": "glove", **of_counts, **asdict(settings)}
        del self.settings["iterations"]  # a run may be made longer

    def place(self, batch):
        """Where a batch stands on the axis of a picture: how many iterations are done."""
        return batch // self.in_iteration

    def train(self, checkpoints, quiet=False):
        """Train, or continue, or find that nothing is left to do.

        Returns
        -------
        ndarray of float32 or float64, shape (2 V, d)
            The biases are left out.
        """
        start, _ = _start(checkpoints, self.total)
        losses, started = checkpoints.losses, time.perf_counter()

        def report(found):
            losses.add(found.batch, found.loss)
            speed = self.trainer.cells * (found.batch - start) / self.in_iteration / (time.perf_counter() - started)
            of = f"iteration {self.place(found.batch)} of {self.place(self.total)}"
            display.loss(found.loss, f"{of}: cost {found.loss:.6f}, {speed:,.0f} cells/s")

        with Display(start, self.total, " batches", quiet) as display, np.errstate(**SILENT):
            parameters = glove.fit(self.trainer, checkpoints, report, display.advance)
        self.findings = [f"final cost: {losses.losses[-1]:.6f} (mean of the last iteration)"] if losses.losses else []
        self.findings.append(f"training took {time.perf_counter() - started:.1f} seconds")
        return self.trainer.stacked(parameters)
