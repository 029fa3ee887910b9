"""Training by epochs: its step against plain loops, its draws, its settings, stopping and resuming, several workers."""

import signal

import numpy as np
import pytest

import epochs
from epochs import Batch, Chunks, Settings, Trainer
from utils.corpus.ids import Corpus
from utils.corpus.planted import PlantedText
from utils.runs.checkpoints import Checkpoints
from utils.system.errors import InputError
from utils.system.workers import Workers

V, D, K = 12, 4, 3


def trainer(counts=None, keep=None, **settings):
    counts = np.arange(1, V + 1) if counts is None else counts
    keep = np.ones(len(counts)) if keep is None else keep
    return Trainer(counts, keep, Settings(**{"dim": D, "negatives": K, "dtype": "float64", **settings}))


def vectors(seed=0):
    return np.random.default_rng(seed).standard_normal((2 * V, D))


def batch(inputs, targets):
    lengths = [len(words) for words in inputs]
    offsets = np.concatenate(([0], np.cumsum(lengths))).astype(np.int32)
    return Batch(np.concatenate(inputs).astype(np.int32), offsets, np.array(targets, dtype=np.int32))


def softplus(x):
    return np.log1p(np.exp(x))


def looped_loss(x, inputs, targets, negatives, skip=False):
    """Negative sampling (equation 28), one prediction at a time; with `skip`, without negatives that are the target."""
    loss = 0.0
    for words, target, drawn in zip(inputs, targets, negatives, strict=True):
        h = sum(x[word] for word in words) / len(words)
        loss += softplus(-(x[V + target] @ h))
        loss += sum(softplus(x[V + word] @ h) for word in drawn if not (skip and word == target))
    return loss


def numeric_gradient(f, x, h=1e-6):
    gradient = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        for sign in (1, -1):
            moved = x.copy()
            moved[i] += sign * h
            gradient[i] += sign * f(moved) / (2 * h)
    return gradient


def drawn_negatives(a_trainer, targets, rng):
    """What a step draws for each target: again and again, all together, where a negative is its own target."""
    negatives = a_trainer._noise.draw(rng, (len(targets), K))
    while (met := negatives == np.array(targets)[:, None]).any():
        negatives[met] = a_trainer._noise.draw(rng, np.count_nonzero(met))
    return negatives


CASES = {
    "skip-gram": ([[0], [3], [3], [5], [0]], [1, 4, 4, 5, 2]),
    "cbow": ([[0, 1, 1], [3], [7, 8, 9, 10]], [1, 4, 11]),
}


@pytest.mark.parametrize("inputs, targets", CASES.values(), ids=CASES)
def test_a_step_goes_down_the_gradient_of_the_loss(inputs, targets):
    a_trainer, x, rate = trainer(), vectors(), 1e-3
    negatives = drawn_negatives(a_trainer, targets, np.random.default_rng(1))
    after = x.copy()
    loss = a_trainer.step(after, batch(inputs, targets), rate, np.random.default_rng(1))
    assert loss == pytest.approx(looped_loss(x, inputs, targets, negatives), rel=1e-12)
    expected = numeric_gradient(lambda at: looped_loss(at, inputs, targets, negatives), x)
    # Central differences of step 1e-6 are good to about 1e-9 here; dividing by the rate loses 1e-13.
    assert (x - after) / rate == pytest.approx(expected, abs=1e-8)


@pytest.mark.parametrize("share", [2, 3, 7])
@pytest.mark.parametrize("inputs, targets", CASES.values(), ids=CASES)
def test_a_step_with_shared_negatives(inputs, targets, share):
    a_trainer, x, rate = trainer(share=share), vectors(), 1e-3
    blocks = -(-len(targets) // share)
    shared = a_trainer._noise.draw(np.random.default_rng(1), (blocks, K))
    negatives = [shared[p // share] for p in range(len(targets))]
    after = x.copy()
    loss = a_trainer.step(after, batch(inputs, targets), rate, np.random.default_rng(1))
    assert loss == pytest.approx(looped_loss(x, inputs, targets, negatives, skip=True), rel=1e-12)
    expected = numeric_gradient(lambda at: looped_loss(at, inputs, targets, negatives, skip=True), x)
    assert (x - after) / rate == pytest.approx(expected, abs=1e-8)


def test_a_large_batch_is_the_sum_of_its_blocks():
    rng = np.random.default_rng(2)
    P = 2 * epochs.BLOCK // ((K + 1) * D * 8) + 5
    inputs, targets = rng.integers(V, size=(P, 1)).tolist(), rng.integers(V, size=P)
    a_trainer, x, rate = trainer(), vectors(), 1e-6
    negatives = drawn_negatives(a_trainer, targets, np.random.default_rng(1))
    loss = a_trainer.step(x.copy(), batch(inputs, targets), rate, np.random.default_rng(1))
    assert loss == pytest.approx(looped_loss(x, inputs, targets, negatives), rel=1e-12)


def test_a_word_that_repeats_moves_by_its_mean_gradient_at_most():
    a_trainer, x = trainer(counts=np.array([0] * (V - 2) + [1, 1])), vectors()
    moves = []
    for repeats in (1, 10, 1000):
        after = x.copy()
        a_trainer.step(after, batch([[0]] * repeats, [V - 1] * repeats), 0.1, np.random.default_rng(1))
        moves.append((after - x)[0])
    assert moves[1] == pytest.approx(10 * moves[0], rel=1e-9)  # 0.1 times 10 gradients: still the plain sum
    assert moves[2] == pytest.approx(10 * moves[0], rel=1e-9)


@pytest.fixture(scope="module")
def planted():
    text = PlantedText(1000)
    corpus = text.draw(150_000)
    return text, corpus, np.bincount(corpus.ids, minlength=1000)


def fit(planted, workers=None, checkpoints=None, keep=None, report=None, progress=None, every=None, **settings):
    _, corpus, counts = planted
    settings = {"dim": 20, "epochs": 2, "step": 0.05, **settings}
    keep = np.ones(len(counts)) if keep is None else keep
    a_trainer = Trainer(counts, keep, Settings(**settings))
    chunks = Chunks(corpus, a_trainer.settings.epochs)
    return epochs.fit(a_trainer, chunks, checkpoints, workers, report, progress, every)


def test_the_planted_similarities_are_found_by_every_variant(planted):
    text = planted[0]
    found = {
        name: text.recovery(fit(planted, **settings)[:1000], most_frequent=300)
        for name, settings in {
            "skip-gram": {},
            "small batches": {"batch": 512},
            "shared": {"share": 32},
            "float64": {"dtype": "float64"},
            "cbow": {"model": "cbow", "step": 0.2},
        }.items()
    }
    assert min(found.values()) > 0.6, found
    # What the batch size changes: seeds differ by some 0.01.
    assert found["small batches"] == pytest.approx(found["skip-gram"], abs=0.05)
    assert found["float64"] == pytest.approx(found["skip-gram"], abs=0.01)


@pytest.mark.parametrize(
    "change",
    [
        {"dim": 21},
        {"window": 4},
        {"negatives": 4},
        {"epochs": 1},
        {"step": 0.04},
        {"model": "cbow"},
        {"share": 16},
        {"batch": 2048},
        {"dtype": "float64"},
        {"seed": 1},
        {"keep": np.full(1000, 0.9)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_every_setting_changes_the_result_and_the_same_ones_do_not(planted, change):
    text, corpus, _ = planted
    small = text, Corpus(corpus.ids[:2000], corpus.offsets[:101]), np.bincount(corpus.ids[:2000], minlength=1000)
    result, again, other = fit(small), fit(small), fit(small, **change)
    assert result.tobytes() == again.tobytes() != other.tobytes()


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"dim": 0}, "dim must be at least 1, got 0"),
        ({"step": np.inf}, "step must be a finite number above 0"),
        ({"model": "glove"}, "model must be skip-gram or cbow, got 'glove'"),
        ({"dtype": "float16"}, "dtype must be float32 or float64"),
    ],
)
def test_settings_out_of_range(settings, message):
    with pytest.raises(InputError, match=message):
        Settings(**settings)


def test_a_text_of_one_word_is_refused():
    with pytest.raises(InputError, match="fewer than two different words"):
        trainer(counts=np.array([0, 7]))


def test_an_empty_text_is_refused():
    with pytest.raises(InputError, match="no words"):
        Chunks(Corpus(np.array([], np.int32), np.array([0])), 1)


def test_chunks_hold_every_sentence_once_per_epoch(monkeypatch):
    monkeypatch.setattr(epochs, "CHUNK", 10)
    lengths = [3, 0, 4, 25, 1, 1, 9, 2]
    offsets = np.concatenate(([0], np.cumsum(lengths)))
    chunks = Chunks(Corpus(np.arange(45, dtype=np.int32), offsets), 2)
    found = [chunks[number] for number in range(len(chunks))]
    assert np.concatenate([chunk.text.ids for chunk in found]).tolist() == [*range(45)] * 2
    sizes = np.concatenate([np.diff(chunk.text.offsets) for chunk in found])
    assert sizes.tolist() == lengths * 2
    assert [chunk.begin for chunk in found[1:]] == pytest.approx([chunk.end for chunk in found[:-1]])
    assert (found[0].begin, found[-1].end) == (0, 1)


def test_subsampling():
    counts = np.array([900, 90, 9, 1])
    assert epochs.subsampling(counts, 0).tolist() == [1, 1, 1, 1]
    expected = [(0.01 / share) ** 0.5 for share in (0.9, 0.09)]
    assert epochs.subsampling(counts, 0.01, "handout") == pytest.approx([*expected, 1, 1])
    expected = [(0.01 / share) ** 0.5 + 0.01 / share for share in (0.9, 0.09)]
    assert epochs.subsampling(counts, 0.01) == pytest.approx([*expected, 1, 1])
    with pytest.raises(InputError, match="at least 0, got -1"):
        epochs.subsampling(counts, -1)


def stop_after(chunks):
    def progress(done):
        if done == chunks:
            signal.raise_signal(signal.SIGINT)

    return progress


@pytest.mark.parametrize("every", [None, 2])
def test_stopped_and_resumed_equals_uninterrupted(planted, tmp_path, every):
    folders, reports = [tmp_path / "whole", tmp_path / "parts"], [[], []]

    def part(i, progress=None):
        folders[i].mkdir(exist_ok=True)
        return fit(planted, None, Checkpoints(folders[i]), report=reports[i].append, progress=progress, every=every)

    whole = part(0)
    for stop in (1, 4):
        with pytest.raises(KeyboardInterrupt, match=f"stopped after chunk {stop} and saved; run it again to continue"):
            part(1, stop_after(stop))
    seen = []
    resumed = part(1, seen.append)
    assert seen == [5, 6]
    assert resumed.tobytes() == whole.tobytes()
    assert reports[0] == reports[1] != []
    for name in ("saved_params_6.npy", "saved_state_6.json"):
        assert (folders[0] / name).read_bytes() == (folders[1] / name).read_bytes()


class Counting:
    """A trainer whose chunks have the losses and predictions of a list, the same in every epoch."""

    def __init__(self, found):
        self.found, self.settings = found, Settings(dim=1, step=0.5)

    def initial_vectors(self):
        return np.zeros((2, 1))

    def train(self, vectors, chunk):
        return self.found[chunk.number % len(self.found)]


def losses(found, epochs_, monkeypatch, every=None, workers=None):
    monkeypatch.setattr(epochs, "CHUNK", 1)
    corpus = Corpus(np.zeros(len(found), np.int32), np.arange(len(found) + 1))
    told = []
    epochs.fit(Counting(found), Chunks(corpus, epochs_), None, workers, told.append, every=every)
    return [tuple(report) for report in told]


def test_a_reported_loss_is_the_mean_of_the_predictions_since_the_last_report(monkeypatch):
    # Two reports an epoch: after the second and the third of three chunks, of 1, 3 and 4 predictions.
    monkeypatch.setattr(epochs, "REPORTS", 4)
    assert losses([(5.0, 1), (3.0, 3), (20.0, 4)], 2, monkeypatch) == [
        (2, 2.0, None), (3, 5.0, 3.5), (5, 2.0, None), (6, 5.0, 3.5)
    ]  # fmt: skip
    assert losses([(5.0, 1), (3.0, 3), (20.0, 4)], 1, monkeypatch, every=1) == [(1, 5, None), (2, 1, None), (3, 5, 3.5)]


def test_a_short_last_chunk_is_reported_with_the_others(monkeypatch):
    monkeypatch.setattr(epochs, "REPORTS", 1)
    assert losses([(8.0, 8), (8.0, 8), (9.0, 1)], 2, monkeypatch) == [(3, 25 / 17, 25 / 17), (6, 25 / 17, 25 / 17)]


def test_chunks_without_predictions_report_no_loss(monkeypatch):
    assert losses([(0.0, 0), (0.0, 0)], 1, monkeypatch) == []


def test_vectors_that_are_no_longer_finite_end_the_run(planted, monkeypatch):
    monkeypatch.setattr(Trainer, "initial_vectors", lambda self: np.full((2000, 20), np.inf, np.float32))
    with np.errstate(all="ignore"), pytest.raises(InputError, match="NaN at chunk 1: try a smaller"):
        fit(planted)


def test_the_largest_step_does_not_blow_up(planted):
    assert np.abs(fit(planted, step=1e30)).max() < 1000


def test_several_workers_find_the_planted_similarities_and_resume(planted, tmp_path):
    text, workers = planted[0], Workers(2)
    whole = fit(planted, workers=workers)
    assert text.recovery(whole[:1000], most_frequent=300) > 0.6
    checkpoints = Checkpoints(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        fit(planted, workers=workers, checkpoints=checkpoints, progress=stop_after(2))
    assert fit(planted, workers=workers, checkpoints=checkpoints).tobytes() == whole.tobytes()


def test_workers_take_a_larger_step_and_are_averaged():
    """One round of two workers, put together by hand."""
    corpus = PlantedText(50_000).draw(140_000)
    counts = np.bincount(corpus.ids, minlength=50_000)
    settings = {"dim": 5, "epochs": 1}
    a_trainer, chunks = Trainer(counts, np.ones(50_000), Settings(**settings)), Chunks(corpus, 1)
    twice = Trainer(counts, np.ones(50_000), Settings(**settings, step=2 * a_trainer.settings.step))
    start = a_trainer.initial_vectors()
    ends = [start.copy(), start.copy()]
    for number, end in enumerate(ends):
        twice.train(end, chunks[number])
    together = start.copy()
    epochs._train_round(a_trainer, together, chunks, [[0], [1]], Workers(2))
    assert together == pytest.approx((ends[0] + ends[1]) / 2, abs=1e-6)  # single precision
    only_first = (ends[0] != start).any(axis=1) & (ends[1] == start).all(axis=1)
    assert only_first.any()


@pytest.mark.parametrize("n, band", [(2, 0.02), (4, 0.1)])
def test_several_workers_learn_nearly_as_much_as_one(planted, monkeypatch, n, band):
    monkeypatch.setattr(epochs, "CHUNK", 10_000)  # fifteen chunks
    text = planted[0]
    one, several = (text.recovery(fit(planted, workers=w)[:1000], most_frequent=300) for w in (None, Workers(n)))
    # Seeds differ by some 0.01. Without the larger step four workers would find 0.54 instead of 0.93.
    assert several > one - band
