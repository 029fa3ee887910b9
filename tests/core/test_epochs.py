"""Training by epochs: its step against plain loops, its draws, its settings, stopping and resuming, several workers."""

import pickle
import signal

import numpy as np
import pytest
from fasttextmodel import buckets_of
from inturn import InTurn

import epochs
from epochs import Settings, Trainer
from utils.corpus.ids import Corpus
from utils.corpus.planted import SENTENCE, PlantedText
from utils.minibatches.bands import BLOCK, bands, chances, rooms
from utils.minibatches.chunks import Chunks
from utils.minibatches.distinct import Distinct
from utils.minibatches.inputs import Composed
from utils.minibatches.rows import Totals
from utils.runs import rounds
from utils.runs.checkpoints import Checkpoints
from utils.system.errors import InputError
from utils.vectors.subwords import NGrams

V, D, K, N = 12, 4, 3, 5


def trainer(counts=None, keep=None, **settings):
    counts = np.arange(1, V + 1) if counts is None else counts
    keep = np.ones(len(counts)) if keep is None else keep
    return Trainer(counts, keep, Settings(**{"dim": D, "negatives": K, "noise": N, "dtype": "float64", **settings}))


def vectors(seed=0):
    return np.random.default_rng(seed).standard_normal((2 * V, D))


def corpus_of(sentences):
    offsets = np.concatenate(([0], np.cumsum([len(sentence) for sentence in sentences]))).astype(np.int64)
    return Corpus(np.array([i for sentence in sentences for i in sentence], dtype=np.int32), offsets)


def one_band(sentences, C=3, weight=None):
    """All the text as one step, in double precision."""
    corpus = corpus_of(sentences)
    words = 100 * len(corpus.ids)  # enough for long windows, too
    (band,) = bands(corpus, rooms(corpus, C), weight or (lambda farthest: chances(C, farthest)), words, np.float64)
    return band


def drawn_noise(band, seed=1):
    return np.random.default_rng(seed).integers(V, size=(band.n // BLOCK, N)).astype(np.int32)


# The oracle: one pair, one noise word at a time


def softplus(x):
    return np.log1p(np.exp(x)) if x < 30 else x


def sigma(x):
    return 1 / (1 + np.exp(-x))


def windows_of(sentences, C, weight):
    """(place, centre word, [(outside word, weight)]) of each word of the text; copies of the centre word left out."""
    place = 0
    for sentence in sentences:
        for i, centre in enumerate(sentence):
            around = [(sentence[j], weight(abs(i - j))) for j in range(len(sentence)) if 0 < abs(i - j) <= C]
            yield place, centre, [(word, w) for word, w in around if word != centre]
            place += 1


class Gathered:
    """Gradients by row, and the sums of the absolute weights with which vectors enter them."""

    def __init__(self):
        self.gradient, self.pull = np.zeros((2 * V, D)), np.zeros(2 * V)

    def add(self, row, delta, vector, weight=1, share=1):
        self.gradient[row] += delta * weight * vector
        self.pull[row] += abs(delta) * weight * share

    def step(self, x, rate):
        bounded = np.array([min(rate, 1 / pull) if pull else 0 for pull in self.pull])
        return x - bounded[:, None] * self.gradient


def looped_skip_gram(x, sentences, C, weight, noise):
    gathered, loss, predictions = Gathered(), 0.0, 0.0
    for place, centre, outsides in windows_of(sentences, C, weight):
        m = sum(w for _, w in outsides)
        predictions += m
        for word, w in outsides:
            score = x[centre] @ x[V + word]
            loss += w * softplus(-score)
            gathered.add(centre, w * (sigma(score) - 1), x[V + word])
            gathered.add(V + word, w * (sigma(score) - 1), x[centre])
        for k, word in enumerate(noise[place // BLOCK]):
            score = x[centre] @ x[V + word]
            loss += m * softplus(score) if k < K else 0
            gathered.add(centre, m * K / N * sigma(score), x[V + word])
            gathered.add(V + word, m * K / N * sigma(score), x[centre])
    return gathered, loss, predictions


def looped_cbow(x, sentences, C, weight, noise):
    gathered, loss, predictions = Gathered(), 0.0, 0
    for place, centre, outsides in windows_of(sentences, C, weight):
        if not outsides:
            continue
        predictions += 1
        size = sum(w for _, w in outsides)
        h = sum(w * x[word] for word, w in outsides) / size
        score = h @ x[V + centre]
        loss += softplus(-score)
        deltas = [(V + centre, sigma(score) - 1)]
        for k, word in enumerate(noise[place // BLOCK]):
            if word == centre:
                continue
            score = h @ x[V + word]
            loss += softplus(score) if k < K else 0
            deltas.append((V + word, K / N * sigma(score)))
        for row, delta in deltas:
            gathered.add(row, delta, h)
            for word, w in outsides:
                gathered.add(word, delta, x[row], w, 1 / size)
    return gathered, loss, predictions


LOOPED = {"skip-gram": looped_skip_gram, "cbow": looped_cbow}
RNG = np.random.default_rng(5)
TEXTS = {
    "one sentence": [[0, 1, 2, 3, 4]],
    "sentence borders": [[0, 1], [2, 3, 4], [5, 6]],
    "copies of the centre word": [[0, 1, 0, 0, 2], [3, 3, 4]],
    "a sentence of one word": [[7, 7, 7], [1, 2]],
    "repeated words": [[0, 1, 2] * 9],
    "several blocks and tiles": [RNG.integers(V, size=n).tolist() for n in (3, 70, 9, 1, 2, 110, 8)],
}


@pytest.mark.parametrize("rate", [1e-3, 0.7])
@pytest.mark.parametrize("C", [1, 3, 20, 10**10])
@pytest.mark.parametrize("sentences", TEXTS.values(), ids=TEXTS)
@pytest.mark.parametrize("model", LOOPED)
def test_a_step_is_that_of_the_loop_over_pairs(model, sentences, C, rate):
    x, band = vectors(), one_band(sentences, C)
    noise, after = drawn_noise(band), x.copy()
    loss, predictions = trainer(model=model).step(after, band, noise, rate)
    gathered, expected_loss, expected_predictions = LOOPED[model](
        x, sentences, C, lambda apart: chances(C, apart)[apart], noise
    )
    assert after == pytest.approx(gathered.step(x, rate), abs=1e-12)
    assert loss == pytest.approx(expected_loss, rel=1e-12)
    assert predictions == pytest.approx(expected_predictions, rel=1e-12)


@pytest.mark.parametrize("model", LOOPED)
def test_a_step_in_single_precision(model):
    sentences, x = TEXTS["several blocks and tiles"], vectors().astype(np.float32)
    band = one_band(sentences)
    noise, after = drawn_noise(band), x.copy()
    band = band._replace(weights=band.weights.astype(np.float32))
    loss, _ = trainer(model=model, dtype="float32").step(after, band, noise, 0.025)
    gathered, expected_loss, _ = LOOPED[model](x.astype(float), sentences, 3, lambda a: chances(3, a)[a], noise)
    assert after.dtype == np.float32
    assert after == pytest.approx(gathered.step(x, 0.025), abs=1e-4)  # sums of a few hundred terms of size 1
    assert loss == pytest.approx(expected_loss, rel=1e-5)


# Words that share n-grams, some of them twice, and some buckets by accident
WORDS = ["tea", "teas", "team", "steam", "nananana", "a", "日本語", "日本", "mean", "meant", "ant", "tan"]
NGRAMS = 2, 4, 60


def rows_by_loop():
    """The rows of the input vector of each word, and how many there are: the words' own, then those of buckets."""
    buckets = [buckets_of(word, *NGRAMS) for word in WORDS]
    place = {
        bucket: V + i for i, bucket in enumerate(dict.fromkeys(bucket for several in buckets for bucket in several))
    }
    return [[i, *(place[bucket] for bucket in several)] for i, several in enumerate(buckets)], V + len(place)


@pytest.mark.parametrize("rate", [1e-3, 0.7])
@pytest.mark.parametrize("sentences", TEXTS.values(), ids=TEXTS)
@pytest.mark.parametrize("model", LOOPED)
def test_a_step_with_composed_inputs_is_that_of_the_loop(model, sentences, rate):
    rows_of, rows = rows_by_loop()
    x, band = np.random.default_rng(0).standard_normal((rows + V, D)), one_band(sentences)
    noise, after = drawn_noise(band), x.copy()
    a_trainer = Trainer(
        np.arange(1, V + 1),
        np.ones(V),
        Settings(dim=D, negatives=K, noise=N, dtype="float64", model=model),
        Composed(WORDS, NGrams(*NGRAMS)),
    )
    loss, predictions = a_trainer.step(after, band, noise, rate)

    of_words = np.array([np.mean([x[row] for row in its_rows], axis=0) for its_rows in rows_of])
    composed = np.concatenate((of_words, x[rows:]))  # (2 V, D)
    found, expected_loss, expected_predictions = LOOPED[model](
        composed, sentences, 3, lambda apart: chances(3, apart)[apart], noise
    )
    gathered = Gathered()
    gathered.gradient, gathered.pull = np.zeros((rows + V, D)), np.zeros(rows + V)
    gathered.gradient[rows:], gathered.pull[rows:] = found.gradient[V:], found.pull[V:]
    for word, its_rows in enumerate(rows_of):
        for row in its_rows:
            gathered.gradient[row] += found.gradient[word]
            gathered.pull[row] += found.pull[word]
    assert after == pytest.approx(gathered.step(x, rate), abs=1e-12)
    assert (loss, predictions) == pytest.approx((expected_loss, expected_predictions), rel=1e-12)


@pytest.mark.parametrize(
    "settings, noise",
    [
        ({}, 16),
        ({"negatives": 1}, 16),
        ({"negatives": 10}, 32),
        ({"negatives": 12}, 38),
        ({"model": "cbow"}, 32),
        ({"model": "cbow", "negatives": 15}, 96),
        ({"noise": 3, "negatives": 15}, 3),
    ],
)
def test_more_negatives_have_more_noise_words_unless_their_number_is_given(settings, noise):
    assert Settings(**settings).noise == noise


@pytest.mark.parametrize("model", LOOPED)
def test_more_negatives_than_noise_words(model):
    band = one_band([[0, 1, 2, 3]])
    noise = drawn_noise(band)
    few, many = (trainer(model=model, negatives=k).step(vectors(), band, noise, 0.1) for k in (N, 4 * N))
    alone = trainer(model=model, negatives=1, noise=1).step(vectors(), band, noise[:, :1], 0.1)
    assert many[1] == few[1] == alone[1]
    positive = (4 * few[0] - many[0]) / 3  # the loss is that of the pairs, and K / N times that of the noise words
    assert 0 < positive < few[0]


@pytest.mark.parametrize("model", LOOPED)
def test_nothing_is_learnt_from_words_without_windows(model):
    x = vectors()
    after = x.copy()
    band = one_band([[3, 3, 3], [4]])
    assert trainer(model=model).step(after, band, drawn_noise(band), 0.1) == (0, 0)
    assert after.tobytes() == x.tobytes()


@pytest.mark.parametrize("model", LOOPED)
@pytest.mark.parametrize("dtype, score", [("float32", 1e3), ("float64", 1e5)])
def test_scores_of_any_size(model, dtype, score):
    """exp overflows: the gradient is right, and the loss is large and finite."""
    x = np.zeros((2 * V, D), dtype)
    x[0, 0], x[1, 0], x[V : V + 2, 0] = score, score, [1, -1]
    band = one_band([[0, 1]], weight=lambda farthest: np.ones(farthest + 1))
    band = band._replace(weights=band.weights.astype(dtype))
    with np.errstate(over="ignore"):
        loss, _ = trainer(model=model, dtype=dtype).step(x, band, np.zeros((1, N), np.int32), 1e-9)
    assert np.isfinite(x).all() and 80 < loss < np.inf


# The bound on the rate


def test_a_word_that_repeats_moves_by_the_mean_of_what_pulls_at_it_at_most():
    moves = []
    for repeats in (1, 1000):
        x = np.zeros((2 * V, D))
        x[0], x[V + 1] = 1e-3, 1  # the score is 0.004
        after = x.copy()
        band = one_band([[0, 1]] * repeats, C=1)
        trainer(counts=np.array([0] * (V - 2) + [1, 1])).step(after, band, np.full((band.n // BLOCK, N), V - 1), 0.1)
        moves.append(after[0, 0] - x[0, 0])
    assert moves[0] == pytest.approx(0.1 * 0.499, rel=1e-3)  # the rate, times 1 - sigmoid(0.004), times 1
    assert 0.2 < moves[1] < 1


def test_the_largest_step_does_not_blow_up(planted):
    assert np.abs(fit(beginning(planted, 50_000), step=1e30)).max() < 1000


# The whole training


@pytest.fixture(scope="module")
def planted():
    text = PlantedText(1000)
    corpus = text.draw(150_000)
    return text, corpus, np.bincount(corpus.ids, minlength=1000)


def beginning(planted, words):
    """The same with the first so many words of the text."""
    text, corpus, _ = planted
    ids = corpus.ids[:words]
    return text, Corpus(ids, corpus.offsets[: words // SENTENCE + 1]), np.bincount(ids, minlength=1000)


def fit(planted, workers=None, checkpoints=None, keep=None, report=None, progress=None, every=None, **settings):
    _, corpus, counts = planted
    settings = {"dim": 20, "epochs": 2, "step": 0.05, **settings}
    keep = np.ones(len(counts)) if keep is None else keep
    a_trainer = Trainer(counts, keep, Settings(**settings))
    chunks = Chunks(corpus, a_trainer.settings.epochs)
    return rounds.fit(a_trainer, chunks, checkpoints, workers, report, progress, every)


def test_the_planted_similarities_are_found_by_every_variant(planted, monkeypatch):
    monkeypatch.setattr(epochs, "LEAST_STEPS", 1)
    text = planted[0]
    found = {
        name: text.recovery(fit(planted, **settings)[:1000], most_frequent=300)
        for name, settings in {
            "skip-gram": {"batch": 1024},
            "small steps": {"batch": 256},
            "large steps": {"batch": 4096},
            "cbow": {"model": "cbow", "batch": 1024},
        }.items()
    }
    assert min(found.values()) > 0.6, found
    # What the size of the step changes: seeds differ by some 0.01.
    assert found["small steps"] == pytest.approx(found["skip-gram"], abs=0.05), found
    assert found["large steps"] == pytest.approx(found["skip-gram"], abs=0.05), found


@pytest.mark.parametrize(
    "change",
    [
        {"dim": 21},
        {"window": 4},
        {"negatives": 4},
        {"epochs": 1},
        {"step": 0.04},
        {"model": "cbow"},
        {"noise": 8},
        {"batch": 512},
        {"dtype": "float64"},
        {"seed": 1},
        {"keep": np.full(1000, 0.9)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_every_setting_changes_the_result_and_the_same_ones_do_not(planted, change, monkeypatch):
    monkeypatch.setattr(epochs, "LEAST_STEPS", 1)
    small = beginning(planted, 2000)
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
    monkeypatch.setattr("utils.minibatches.chunks.CHUNK", 10)
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
def test_stopped_and_resumed_equals_uninterrupted(planted, tmp_path, monkeypatch, every):
    monkeypatch.setattr("utils.minibatches.chunks.CHUNK", 3000)
    small = beginning(planted, 8000)  # three chunks
    folders, reports = [tmp_path / "whole", tmp_path / "parts"], [[], []]

    def part(i, progress=None):
        folders[i].mkdir(exist_ok=True)
        return fit(small, None, Checkpoints(folders[i]), report=reports[i].append, progress=progress, every=every)

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


def chunks_of(lengths, epochs_, monkeypatch):
    """A text in chunks of these many words, of which only the last may be shorter than the others."""
    monkeypatch.setattr("utils.minibatches.chunks.CHUNK", max(lengths))
    offsets = np.concatenate(([0], np.cumsum(lengths)))
    return Chunks(Corpus(np.zeros(offsets[-1], np.int32), offsets), epochs_)


def losses(found, epochs_, monkeypatch, every=None, lengths=None):
    chunks = chunks_of(lengths or [1] * len(found), epochs_, monkeypatch)
    told = []
    rounds.fit(Counting(found), chunks, report=told.append, every=every)
    return [(report.chunk, report.loss, report.epoch_loss) for report in told]


def test_a_reported_loss_is_the_mean_of_the_predictions_since_the_last_report(monkeypatch):
    # Two reports an epoch: after the second and the third of three chunks, of 1, 3 and 4 predictions.
    monkeypatch.setattr(rounds, "REPORTS", 4)
    assert losses([(5.0, 1), (3.0, 3), (20.0, 4)], 2, monkeypatch) == [
        (2, 2.0, None), (3, 5.0, 3.5), (5, 2.0, None), (6, 5.0, 3.5)
    ]  # fmt: skip
    often = losses([(5.0, 1), (3.0, 3), (20.0, 4)], 1, monkeypatch, every=1)
    assert often == [(1, 5.0, None), (2, 1.0, None), (3, 5.0, 3.5)]


def test_a_short_last_chunk_is_reported_with_the_others(monkeypatch):
    monkeypatch.setattr(rounds, "REPORTS", 1)
    assert losses([(8.0, 8), (8.0, 8), (9.0, 1)], 2, monkeypatch) == [(3, 25 / 17, 25 / 17), (6, 25 / 17, 25 / 17)]


def test_a_last_chunk_of_less_than_half_the_words_of_a_report_makes_none_of_its_own(monkeypatch):
    found = [(2.0, 1), (4.0, 1), (9.0, 1)]
    assert losses(found, 1, monkeypatch, every=1, lengths=[8, 8, 4]) == [(1, 2, None), (2, 4, None), (3, 9, 5)]
    assert losses(found, 1, monkeypatch, every=1, lengths=[8, 8, 3]) == [(1, 2, None), (3, 6.5, 5)]
    assert losses(found, 1, monkeypatch, every=2, lengths=[8, 8, 7]) == [(3, 5, 5)]


def test_after_a_report_to_a_closed_output_the_run_continues_as_if_it_had_been_read(monkeypatch, tmp_path):
    found, told = [(8.0, 1), (6.0, 1), (4.0, 2)], [[], []]

    def part(i, broken=None):
        def report(report):
            if report.chunk == broken:
                raise BrokenPipeError
            told[i].append(report)

        folder = tmp_path / str(i)
        folder.mkdir(exist_ok=True)
        chunks = chunks_of([1, 1, 1], 2, monkeypatch)
        rounds.fit(Counting(found), chunks, Checkpoints(folder), report=report, every=1)

    part(0)
    with pytest.raises(BrokenPipeError):
        part(1, broken=3)  # at the end of an epoch
    part(1)
    assert told[0][:2] + told[0][3:] == told[1]
    assert (tmp_path / "0" / "saved_state_6.json").read_bytes() == (tmp_path / "1" / "saved_state_6.json").read_bytes()


@pytest.mark.parametrize("state", [{}, {"loss": 1.0, "epoch_loss": None, "since_report": 3, "of_epoch": [0.0, 0]}])
def test_checkpoints_of_another_version_are_refused(monkeypatch, tmp_path, state):
    Checkpoints(tmp_path).save(1, np.zeros((2, 1)), state)
    with pytest.raises(InputError, match=f"{tmp_path} holds a run of another version of this program: use .*--fresh"):
        rounds.fit(Counting([(1.0, 1)]), chunks_of([1], 2, monkeypatch), Checkpoints(tmp_path))


def test_chunks_without_predictions_count_for_nothing_and_a_whole_epoch_of_them_is_an_error(monkeypatch):
    assert losses([(0.0, 0), (3.0, 2)], 1, monkeypatch, every=1) == [(2, 1.5, 1.5)]
    with pytest.raises(InputError, match="a whole epoch had nothing to learn from: .* give a larger subsampling"):
        losses([(0.0, 0), (0.0, 0)], 1, monkeypatch)


def test_vectors_that_are_no_longer_finite_end_the_run(planted, monkeypatch):
    monkeypatch.setattr(Trainer, "initial_vectors", lambda self: np.full((2000, 20), np.inf, np.float32))
    with np.errstate(all="ignore"), pytest.raises(InputError, match="NaN at chunk 1: try a smaller"):
        fit(planted)


def fit_composed(checkpoints=None, workers=None, progress=None):
    rng = np.random.default_rng(7)
    corpus = corpus_of([rng.integers(V, size=9).tolist() for _ in range(1000)])
    counts = np.bincount(corpus.ids, minlength=V)
    a_trainer = Trainer(counts, np.ones(V), Settings(dim=D, epochs=2), Composed(WORDS, NGrams(*NGRAMS)))
    return rounds.fit(a_trainer, Chunks(corpus, 2), checkpoints, workers, progress=progress)


@pytest.mark.parametrize("n", [1, 2])
def test_composed_inputs_are_stopped_and_resumed_to_the_same_bytes(tmp_path, monkeypatch, n):
    monkeypatch.setattr("utils.minibatches.chunks.CHUNK", 1000)
    workers = InTurn(n)
    whole = fit_composed(workers=workers)
    assert whole.shape == (rows_by_loop()[1] + V, D)
    with pytest.raises(KeyboardInterrupt):
        fit_composed(Checkpoints(tmp_path), workers, stop_after(4))
    assert fit_composed(Checkpoints(tmp_path), workers).tobytes() == whole.tobytes()


def test_no_row_changes_but_those_that_are_named_before():
    rng = np.random.default_rng(7)
    chunk = Chunks(corpus_of([rng.integers(4, size=9).tolist() for _ in range(9)]), 1)[0]  # of the twelve words, four
    for inputs in (None, Composed(WORDS, NGrams(*NGRAMS))):
        a_trainer = Trainer(np.arange(1, V + 1), np.ones(V), Settings(dim=D, noise=2), inputs)
        before = a_trainer.initial_vectors() + 1
        after = before.copy()
        a_trainer.train(after, chunk)
        changed = np.flatnonzero((after != before).any(axis=1))
        named = a_trainer.touched(chunk)
        assert len(set(named.tolist())) == len(named) < len(before)
        assert set(changed.tolist()) <= set(named.tolist())
        assert len(changed) > 6


def test_workers_are_sent_where_the_input_vectors_are():
    composed = Composed(WORDS, NGrams(*NGRAMS))
    sent = pickle.loads(pickle.dumps(composed))
    matrix = np.random.default_rng(0).standard_normal((composed.rows, D))
    ids = np.array([3, 1, 3], np.int32)
    assert np.array_equal(*(inputs.read(matrix, [ids]).parts[0] for inputs in (composed, sent)))
    # What they hold between calls means nothing, and stays here.
    assert len(pickle.dumps((Distinct(10**6), Totals(10**6)))) < 1000


# Sentences held out


def test_sentences_held_out_are_a_share_that_is_not_trained_on(monkeypatch):
    monkeypatch.setattr("utils.minibatches.chunks.CHUNK", 1000)
    corpus = corpus_of([[i] for i in range(20_000)])
    chunks, other = Chunks(corpus, 2, held_out=0.1), Chunks(corpus, 2, held_out=0.1, seed=1)
    back = [chunks.kept_back(i).text.ids for i in range(chunks.in_text)]
    for epoch in range(2):
        for i, kept_back in enumerate(back):
            trained = chunks[epoch * chunks.in_text + i].text.ids
            assert sorted([*trained, *kept_back]) == list(range(1000 * i, 1000 * (i + 1)))
    # Five standard deviations.
    assert len(np.concatenate(back)) / 20_000 == pytest.approx(0.1, abs=5 * np.sqrt(0.09 / 20_000))
    assert not np.array_equal(back[0], other.kept_back(0).text.ids)
    with pytest.raises(InputError, match="at least 0 and below 1, got 1"):
        Chunks(corpus, 1, held_out=1)


def test_the_loss_of_what_is_held_out_is_reported_and_changes_nothing(planted):
    seen, without = [], []
    text, corpus, counts = beginning(planted, 50_000)
    a_trainer = Trainer(counts, np.ones(len(counts)), Settings(dim=8, epochs=2))
    vectors = rounds.fit(a_trainer, Chunks(corpus, 2, held_out=0.1), report=seen.append)
    held_out = [report.held_out for report in seen if report.held_out is not None]
    assert len(held_out) == 2 and held_out[1] < held_out[0] < 6 * np.log(2)
    chunks = Chunks(corpus, 2, held_out=0.1)
    kept_back = [chunks.kept_back(i) for i in range(chunks.in_text)]
    losses, predictions = zip(*(a_trainer.loss(vectors, chunk) for chunk in kept_back), strict=True)
    assert held_out[1] == pytest.approx(sum(losses) / sum(predictions), rel=1e-12)
    before = vectors.copy()
    a_trainer.loss(vectors, chunks.kept_back(0))
    assert np.array_equal(vectors, before)
    rounds.fit(a_trainer, Chunks(corpus, 2), report=without.append)
    assert all(report.held_out is None for report in without)
