"""Minibatches drawn and computed all at once, against the loop over windows: they must be interchangeable.

Two runs go over the same iterations from the same start, each with treebanks of its own. One goes window by window,
since its data sets offer `getRandomContext` and `sampleTokenIdx` only; the other one goes by minibatches. Loss and
gradient of each iteration, the state of `random` after it and the parameters at the end must agree.
"""

import functools
import itertools
import random
import subprocess
import tracemalloc
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import word2vec
from utils.minibatches.rowgradient import RowGradient
from utils.system.errors import InputError
from utils.treebank import StanfordSentiment
from word2vec import naiveSoftmaxLossAndGradient, negSamplingLossAndGradient, skipgram, word2vec_sgd_wrapper

# The same few thousand terms of the size of one are summed in another order.
CLOSE = 1e-12
STEP = 0.3

softmax = naiveSoftmaxLossAndGradient
negative_sampling = negSamplingLossAndGradient  # K = 10


def with_K(K):
    return functools.partial(negSamplingLossAndGradient, K=K)


LOSSES = {"softmax": softmax, "K=10": negative_sampling, "K=1": with_K(1), "K=2": with_K(2)}
by_loss = pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES.keys())
with_and_without_negatives = pytest.mark.parametrize("loss", [softmax, negative_sampling], ids=["softmax", "K=10"])


class WindowByWindow:
    """What a data set of the handout offers, and nothing else."""

    def __init__(self, treebank):
        self.getRandomContext, self.sampleTokenIdx = treebank.getRandomContext, treebank.sampleTokenIdx


@dataclass(frozen=True)
class Iteration:
    """What one iteration is asked for: largest window size, loss, windows, and which of the treebanks."""

    C: int = 5
    loss: object = negative_sampling
    batch: int = 50
    treebank: int = 0


def run(treebanks, iterations, d, by_minibatch, before=lambda treebanks: None):
    """Descend from random vectors; `before` is called before each iteration with the treebanks.

    Returns
    -------
    losses, gradients, states : list, length of `iterations`
    x : ndarray, shape (2 V, d)
    """
    random.seed(2024)
    tokens = treebanks[0].tokens()
    x = np.random.default_rng(7).standard_normal((2 * len(tokens), d))
    datasets = treebanks if by_minibatch else [WindowByWindow(treebank) for treebank in treebanks]
    losses, gradients, states = [], [], []
    for iteration in iterations:
        before(treebanks)
        dataset = datasets[iteration.treebank]
        loss, gradient = word2vec_sgd_wrapper(
            skipgram, tokens, x, dataset, iteration.C, iteration.loss, iteration.batch
        )
        assert isinstance(gradient, RowGradient if by_minibatch else np.ndarray)  # it went the way it was meant to
        losses.append(loss)
        gradients.append(np.array(gradient))
        states.append(random.getstate())
        x -= STEP * gradient
    return losses, gradients, states, x


def assert_interchangeable(make_treebanks, iterations, d=3, make_before=lambda: lambda treebanks: None):
    """Both ways give the same; each has treebanks and code in between of its own."""
    losses, gradients, states, x = run(make_treebanks(), iterations, d, False, make_before())
    got_losses, got_gradients, got_states, got_x = run(make_treebanks(), iterations, d, True, make_before())
    for i in range(len(iterations)):
        assert got_states[i] == states[i], f"the streams part in iteration {i}"
        np.testing.assert_allclose(got_losses[i], losses[i], rtol=CLOSE, atol=0, err_msg=f"loss {i}")
        np.testing.assert_allclose(got_gradients[i], gradients[i], rtol=0, atol=CLOSE, err_msg=f"gradient {i}")
    np.testing.assert_allclose(got_x, x, rtol=0, atol=CLOSE)


# Texts. A word that makes up a share p of a text survives subsampling with probability sqrt(1e-5 / p): a text over few
# words needs long sentences, or many, to keep some with two words.


def random_text(words, lengths, seed=0):
    rng = np.random.default_rng(seed)
    return [" ".join(rng.choice(words, size=n)) for n in lengths]


def many_words(n):
    return [f"w{i}" for i in range(n)]


TEXTS = {
    "two words": random_text(["a", "b"], [200] * 6),
    "mostly one word": random_text(["a"] * 9 + ["b"], [200] * 12),
    "four words": random_text(list("abcd"), [150] * 10),
    "sentences of two words": random_text(list("aabc"), [2] * 15000),
    "sentences of up to 200 words": random_text(many_words(3000), [1, 3, 31, 32, 33, 63, 64, 65, 127, 128, 200] * 6),
}


@pytest.fixture(scope="module")
def folders(tmp_path_factory, write_treebank):
    return {name: write_treebank(tmp_path_factory.mktemp("text"), text) for name, text in TEXTS.items()}


@pytest.fixture
def sample(sample_folder):
    return lambda: [StanfordSentiment(sample_folder)]


# The settings


@pytest.mark.parametrize("C", [1, 2, 3, 4, 5])
@with_and_without_negatives
def test_any_window_size(sample, C, loss):
    assert_interchangeable(sample, [Iteration(C, loss)] * 3)


@pytest.mark.parametrize("C", [24, 25, 10**5, 10**9, 2**31, 2**32 - 1, 2**32, 10**10])
def test_a_window_beyond_every_sentence(sample, C):
    assert_interchangeable(sample, [Iteration(C, negative_sampling)] * 3)


def test_a_window_beyond_every_sentence_takes_no_more_memory(sample):
    (treebank,) = sample()
    peaks = []
    for C in (24, 10**9):
        treebank.minibatch(C, 50, 5)
        tracemalloc.start()
        for _ in range(3):
            treebank.minibatch(C, 50, 5)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 2 * peaks[0]


@pytest.mark.parametrize(("batch", "d"), [(1, 1), (1, 10), (3, 3), (50, 1), (50, 10)])
@with_and_without_negatives
def test_any_batch_and_dimension(sample, batch, d, loss):
    assert_interchangeable(sample, [Iteration(5, loss, batch)] * 3, d)


@pytest.mark.parametrize(("C", "loss", "batch"), [(8, with_K(25), 20), (40, with_K(3), 10), (3, with_K(1), 300)])
def test_large_windows_many_negatives_large_batches(sample, C, loss, batch):
    assert_interchangeable(sample, [Iteration(C, loss, batch)] * 2)


@by_loss
def test_thirty_iterations_of_a_training(sample, loss):
    assert_interchangeable(sample, [Iteration(loss=loss)] * 30)


@pytest.mark.parametrize(
    ("loss", "tablesize"),
    [(softmax, 7), (negative_sampling, 7), (with_K(1), 64), (with_K(2), 100), (negative_sampling, 1000000)],
)
@pytest.mark.parametrize("text", TEXTS)
def test_any_text_and_table(folders, text, loss, tablesize):
    # In the texts over few words most draws are drawn again: a negative is the outside word, a context is empty.
    def treebanks():
        return [StanfordSentiment(folders[text], tablesize)]

    assert_interchangeable(treebanks, [Iteration(5, loss, 7), Iteration(5, loss, 7), Iteration(1, loss, 7)])


@pytest.mark.parametrize(("text", "tablesize"), [("four words", 2), ("four words", 3), ("sentences of two words", 2)])
def test_outside_words_that_the_table_does_not_hold(folders, text, tablesize):
    treebank = StanfordSentiment(folders[text], tablesize)
    assert treebank.sampleTable().max() < len(treebank.words()) - 2
    assert_interchangeable(lambda: [StanfordSentiment(folders[text], tablesize)], [Iteration(batch=7)] * 2)


@pytest.mark.parametrize("K", [1, 3])
def test_a_negative_that_is_nearly_always_the_outside_word(tmp_path, write_treebank, K):
    words = ["a"] * 200 + many_words(1)
    write_treebank(tmp_path, random_text(words, [400] * 200))
    table = StanfordSentiment(tmp_path, tablesize=100).sampleTable()
    assert sorted(set(table.tolist())) == [0, 1]
    assert (table == 0).mean() > 0.95
    assert_interchangeable(lambda: [StanfordSentiment(tmp_path, 100)], [Iteration(2, with_K(K), 5)] * 3)


@st.composite
def corpora(draw):
    """Sentences over the words a to e, most of them long or repeated, so that some survive subsampling."""
    sentences = []
    for _ in range(draw(st.integers(1, 4))):
        words = draw(st.lists(st.sampled_from("abcde"), min_size=1, max_size=6))
        sentences += [" ".join(words * draw(st.sampled_from([1, 30, 100])))] * draw(st.sampled_from([1, 20]))
    return sentences


iterations_of_any_kind = st.builds(
    Iteration,
    C=st.integers(1, 7),
    loss=st.sampled_from([softmax, with_K(1), with_K(2), with_K(5)]),
    batch=st.integers(1, 20),
)


@settings(max_examples=20, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
@given(corpora(), st.integers(2, 40), st.lists(iterations_of_any_kind, min_size=1, max_size=4))
def test_any_small_corpus(tmp_path_factory, write_treebank, sentences, tablesize, iterations):
    folder = write_treebank(tmp_path_factory.mktemp("corpus"), sentences)

    def treebanks():
        return [StanfordSentiment(folder, tablesize)]

    try:
        random.seed(2024)
        random.randint(1, iterations[0].C)
        treebanks()[0].sampleTable()
    except InputError:
        assume(False)  # no window, or no second word to draw
    assert_interchangeable(treebanks, iterations, d=2)


def test_settings_may_change_from_call_to_call(sample):
    iterations = [
        Iteration(5, negative_sampling, 50),
        Iteration(2, negative_sampling, 50),
        Iteration(2, with_K(3), 50),
        Iteration(2, with_K(3), 7),
        Iteration(2, softmax, 7),
        Iteration(5, negative_sampling, 50),
        Iteration(5, negative_sampling, 50),
    ]
    assert_interchangeable(sample, iterations * 2)


@pytest.mark.parametrize(
    ("text", "loss"), [("four words", with_K(1)), ("sentences of up to 200 words", softmax)], ids=["K=1", "softmax"]
)
def test_thousands_of_minibatches_of_one_window(folders, text, loss):
    # As many as are ever decoded together, and more.
    tokens = StanfordSentiment(folders[text]).tokens()
    x = np.random.default_rng(7).standard_normal((2 * len(tokens), 1))

    def descend(by_minibatch):
        random.seed(8)
        treebank = StanfordSentiment(folders[text], tablesize=100)
        dataset = treebank if by_minibatch else WindowByWindow(treebank)
        for _ in range(3000):
            yield word2vec_sgd_wrapper(skipgram, tokens, x, dataset, 3, loss, 1)[0], random.getstate()

    expected = list(descend(by_minibatch=False))
    for (got, got_state), (value, state) in zip(descend(by_minibatch=True), expected, strict=True):
        assert got == pytest.approx(value, rel=CLOSE)
        assert got_state == state


class Started(subprocess.Popen):
    """Any process, kept in a list."""

    all = []

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.all.append(self)


class Unstartable:
    def __init__(self, *args, **kwargs):
        raise OSError("no more processes")


def nothing():
    pass


def kill():
    for process in Started.all:
        process.kill()


@pytest.mark.parametrize(
    ("popen", "disturb", "when"), [(Started, random.random, 50), (Started, kill, 40), (Unstartable, nothing, 0)]
)
def test_more_than_a_million_draws_whatever_becomes_of_a_second_process(sample, monkeypatch, popen, disturb, when):
    monkeypatch.setattr(subprocess, "Popen", popen)
    monkeypatch.setattr(Started, "all", [])

    def make_before():
        iterations = itertools.count()
        return lambda treebanks: disturb() if next(iterations) == when else None

    assert_interchangeable(sample, [Iteration(loss=with_K(100))] * 60, d=1, make_before=make_before)
    assert len(Started.all) == (popen is Started)


# Other users of the stream


def calling(draw):
    """A maker of code in between that does not depend on what happened before."""
    return lambda: lambda treebanks: draw(treebanks[0])


def rewinding():
    """Every third time, go back to where the stream was before the last three iterations."""
    states = []

    def rewind(treebanks):
        states.append(random.getstate())
        if len(states) % 3 == 0:
            random.setstate(states[-3])

    return rewind


def now_and_then():
    """Draw before every fourth iteration only, so that undisturbed iterations come in between."""
    calls = []

    def draw(treebanks):
        calls.append(1)
        if len(calls) % 4 == 0:
            random.random()

    return draw


OTHER_STATE = random.Random(99).getstate()
IN_BETWEEN = {
    "a number": calling(lambda treebank: random.random()),
    "a whole number": calling(lambda treebank: random.randint(0, 10**6)),
    "one word": calling(lambda treebank: random.getrandbits(32)),
    "one bit": calling(lambda treebank: random.getrandbits(1)),
    "many words": calling(lambda treebank: random.getrandbits(32 * 5000)),
    "a shuffle": calling(lambda treebank: random.shuffle(list(range(10)))),
    "half a pair of normal numbers": calling(lambda treebank: random.gauss(0, 1)),
    "a new seed": calling(lambda treebank: random.seed(5)),
    "another state": calling(lambda treebank: random.setstate(OTHER_STATE)),
    "a window": calling(lambda treebank: treebank.getRandomContext(3)),
    "a negative sample": calling(lambda treebank: treebank.sampleTokenIdx()),
    "an earlier state": rewinding,
    "a number now and then": now_and_then,
}


@pytest.mark.parametrize("make_before", IN_BETWEEN.values(), ids=IN_BETWEEN.keys())
def test_other_code_may_draw_in_between(sample, make_before):
    iterations = 8 if make_before in (rewinding, now_and_then) else 4
    assert_interchangeable(sample, [Iteration(4, with_K(2), 10)] * iterations, make_before=make_before)


def test_other_code_may_draw_in_between_without_negatives(sample):
    assert_interchangeable(sample, [Iteration(4, softmax, 10)] * 5, make_before=now_and_then)


@by_loss
def test_two_treebanks_may_take_turns(sample_folder, loss):
    def treebanks():
        return [StanfordSentiment(sample_folder), StanfordSentiment(sample_folder, tablesize=500)]

    turns = [Iteration(3, loss, 10, treebank=i) for i in (0, 1, 0, 1, 1, 0, 0, 0, 1, 0)]
    assert_interchangeable(treebanks, turns)


@by_loss
def test_either_way_may_be_taken_at_any_iteration(sample, loss):
    """One run changes its way from iteration to iteration, over one and the same treebank."""

    def descend(ways):
        random.seed(11)
        (treebank,) = sample()
        x = np.random.default_rng(7).standard_normal((2 * len(treebank.tokens()), 3))
        for by_minibatch in ways:
            dataset = treebank if by_minibatch else WindowByWindow(treebank)
            x -= STEP * word2vec_sgd_wrapper(skipgram, treebank.tokens(), x, dataset, 5, loss)[1]
        return x, random.getstate()

    x, state = descend([False] * 8)
    got, got_state = descend([False, True, True, False, True, False, False, True])
    assert got_state == state
    np.testing.assert_allclose(got, x, rtol=0, atol=CLOSE)


@by_loss
def test_a_minibatch_depends_on_the_state_of_random_alone(sample, loss):
    """The same state gives the same bits, whatever was drawn or computed before."""
    (treebank,) = sample()
    treebank.sampleTokenIdx()
    x = np.random.default_rng(7).standard_normal((2 * len(treebank.tokens()), 3))

    def evaluate():
        random.seed(12)
        value, gradient = word2vec_sgd_wrapper(skipgram, treebank.tokens(), x, treebank, 5, loss)
        return value, np.asarray(gradient).tobytes()

    first = evaluate()
    for _ in range(5):
        word2vec_sgd_wrapper(skipgram, treebank.tokens(), x, treebank, 5, loss)
    assert evaluate() == first


@by_loss
def test_another_state_of_random_gives_another_minibatch(sample, loss):
    (treebank,) = sample()
    x = np.random.default_rng(7).standard_normal((2 * len(treebank.tokens()), 3))
    values = [word2vec_sgd_wrapper(skipgram, treebank.tokens(), x, treebank, 5, loss)[0] for _ in range(10)]
    assert len(set(values)) == 10


@by_loss
def test_neither_numpys_stream_nor_the_vectors_are_touched(sample, loss):
    (treebank,) = sample()
    x = np.random.default_rng(7).standard_normal((2 * len(treebank.tokens()), 3))
    x.setflags(write=False)
    before, (_, words, *rest) = x.tobytes(), np.random.get_state()
    for _ in range(3):
        word2vec_sgd_wrapper(skipgram, treebank.tokens(), x, treebank, 5, loss)
    assert x.tobytes() == before
    _, words_now, *rest_now = np.random.get_state()
    assert (words_now.tolist(), rest_now) == (words.tolist(), rest)


def test_the_gradient_of_negative_sampling_holds_touched_rows_only(sample):
    (treebank,) = sample()
    tokens = treebank.tokens()
    x = np.random.default_rng(7).standard_normal((2 * len(tokens), 3))
    gradient = word2vec_sgd_wrapper(skipgram, tokens, x, treebank, 5, with_K(2), 3)[1]
    rows = gradient.columns[1]
    assert len(rows) <= 3 * 10 * 4 < len(x)
    changed = np.flatnonzero(np.asarray(gradient).any(axis=1))
    assert sorted(changed.tolist()) == sorted(set(rows.tolist()))


WITHOUT_WINDOW = """
import sys
import numpy as np
from utils.treebank import StanfordSentiment
from word2vec import naiveSoftmaxLossAndGradient, negSamplingLossAndGradient, skipgram, word2vec_sgd_wrapper

treebank = StanfordSentiment(sys.argv[1])
tokens = treebank.tokens()
treebank.sampleTokenIdx()
for loss in (naiveSoftmaxLossAndGradient, negSamplingLossAndGradient):
    try:
        word2vec_sgd_wrapper(skipgram, tokens, np.ones((2 * len(tokens), 2)), treebank, 0, loss)
    except ValueError:
        print("refused")
"""


def test_a_window_size_of_0_is_refused_rather_than_looked_for_for_ever(sample_folder, tmp_path, command):
    # In a process of its own, which can be ended.
    (tmp_path / "draw.py").write_text(WITHOUT_WINDOW, encoding="utf-8")
    project = str(Path(word2vec.__file__).parent)
    done = command(tmp_path / "draw.py", sample_folder, env={"PYTHONPATH": project}, timeout=15)
    assert (done.stdout, done.stderr) == ("refused\n" * 2, "")


@by_loss
def test_ids_other_than_the_data_sets_own_are_respected(sample, loss):
    (treebank,) = sample()
    V = len(treebank.tokens())
    x = np.random.default_rng(7).standard_normal((2 * V, 3))
    turned = {word: V - 1 - i for word, i in treebank.tokens().items()}
    found = []
    for dataset in (treebank, WindowByWindow(sample()[0])):
        random.seed(2024)
        found.append(word2vec_sgd_wrapper(skipgram, turned, x, dataset, 5, loss))
    np.testing.assert_allclose(found[0][0], found[1][0], rtol=CLOSE)
    np.testing.assert_allclose(np.array(found[0][1]), found[1][1], rtol=0, atol=CLOSE)


@by_loss
def test_an_equal_dictionary_of_ids_goes_the_fast_way(sample, loss):
    (treebank,) = sample()
    x = np.ones((2 * len(treebank.tokens()), 3))
    gradient = word2vec_sgd_wrapper(skipgram, dict(treebank.tokens()), x, treebank, 5, loss)[1]
    assert isinstance(gradient, RowGradient)


# The handout's training on the Stanford Sentiment Treebank


def official_training(sst_folder, by_minibatch, iterations):
    """The first iterations of the handout's training: parameters, losses, state of `random`."""
    random.seed(314)
    treebank = StanfordSentiment(sst_folder)
    tokens = treebank.tokens()
    random.seed(31415)
    np.random.seed(9265)
    x = np.concatenate(((np.random.rand(len(tokens), 10) - 0.5) / 10, np.zeros((len(tokens), 10))))
    dataset, losses = treebank if by_minibatch else WindowByWindow(treebank), []
    for _ in range(iterations):
        value, gradient = word2vec_sgd_wrapper(skipgram, tokens, x, dataset, 5, negative_sampling)
        losses.append(value)
        x -= 0.3 * gradient
    return x, losses, random.getstate()


def test_the_handouts_training_begins_alike_both_ways(sst_folder):
    x, losses, state = official_training(sst_folder, False, iterations=10)
    got_x, got_losses, got_state = official_training(sst_folder, True, iterations=10)
    assert got_state == state
    np.testing.assert_allclose(got_losses, losses, rtol=CLOSE, atol=0)
    np.testing.assert_allclose(got_x, x, rtol=0, atol=CLOSE)
