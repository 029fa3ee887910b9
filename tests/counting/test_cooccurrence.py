"""Co-occurrence counts: the precept's sentence on paper, a plain loop, and the same bits with and without a budget."""

import errno
import itertools
import tempfile
import tracemalloc
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from utils.corpus.ids import Corpus
from utils.corpus.reading import encode
from utils.counting import cooccurrence as room
from utils.counting.cooccurrence import BYTES_PER_WORD, LEAST_MEMORY, WEIGHTINGS, cooccurrence
from utils.system.errors import EnvironmentFailure, InputError
from utils.system.workers import Workers

WORDS = 6
SMALL_BUDGET = LEAST_MEMORY + 50 * BYTES_PER_WORD  # for a vocabulary of up to 50 words


def corpus_of(sentences):
    lengths = [len(sentence) for sentence in sentences]
    ids = np.array(list(itertools.chain.from_iterable(sentences)), dtype=np.int32)
    return Corpus(ids, np.concatenate(([0], np.cumsum(lengths, dtype=np.int64))))


def loop(sentences, window, weighting, symmetric, V):
    """The definition, one pair at a time, in exact fractions."""
    weights = {
        "flat": lambda k: 1,
        "harmonic": lambda k: Fraction(1, k),
        "linear": lambda k: Fraction(window - k + 1, window),
    }
    counts = [[Fraction(0)] * V for _ in range(V)]
    for sentence in sentences:
        for (i, target), (j, context) in itertools.permutations(enumerate(sentence), 2):
            if abs(i - j) <= window and (symmetric or i < j):
                counts[target][context] += weights[weighting](abs(i - j))
    return np.array(counts, dtype=np.float64)


sentences = st.lists(st.lists(st.integers(0, WORDS - 1), max_size=9), max_size=8)
options = {
    "window": st.integers(1, 12),
    "weighting": st.sampled_from(WEIGHTINGS),
    "symmetric": st.booleans(),
}


# On paper


def test_the_precepts_sentence_increments_what_its_lines_say():
    corpus, words = encode([["I", "like", "cats", "and", "dogs"]])
    lines = {
        "I": "like cats",
        "like": "I cats and",
        "cats": "I like and dogs",
        "and": "like cats dogs",
        "dogs": "cats and",
    }
    wanted = [[float(context in lines[target].split()) for context in words] for target in words]
    np.testing.assert_array_equal(cooccurrence(corpus, 2, V=5).toarray(), wanted)


def test_the_precepts_matrix_is_that_of_a_text_with_its_pairs():
    corpus, words = encode([["I", "like"]] * 10 + [["I", "dogs"]] * 10 + [["like", "dogs"]] * 40)
    assert words == ["I", "like", "dogs"]
    np.testing.assert_array_equal(cooccurrence(corpus, 2, V=3).toarray(), [[0, 10, 10], [10, 0, 40], [10, 40, 0]])


@pytest.mark.parametrize(
    "weighting, row",
    [("flat", [0, 1, 1, 1, 0]), ("harmonic", [0, 1, 1 / 2, 1 / 3, 0]), ("linear", [0, 1, 2 / 3, 1 / 3, 0])],
)
def test_weights_fall_with_the_distance(weighting, row):
    counts = cooccurrence(corpus_of([[0, 1, 2, 3, 4]]), 3, weighting, V=5).toarray()
    np.testing.assert_array_equal(counts[0], row)


def test_linear_weights_are_those_of_the_window_asked_for_not_of_the_sentence():
    assert cooccurrence(corpus_of([[0, 1, 2]]), 10, "linear", V=3).toarray()[0].tolist() == [0, 1, 0.9]


def test_a_word_near_itself_counts_twice_once_for_each_of_the_two():
    assert cooccurrence(corpus_of([[0, 0]]), 1, V=1).toarray() == [[2]]
    assert cooccurrence(corpus_of([[0, 0]]), 1, symmetric=False, V=1).toarray() == [[1]]


def test_windows_end_at_the_borders_of_sentences():
    counts = cooccurrence(corpus_of([[0, 1], [], [2, 3], [4]]), 5, V=5).toarray()
    assert np.argwhere(counts).tolist() == [[0, 1], [1, 0], [2, 3], [3, 2]]


# Against the loop


@given(sentences, *options.values())
def test_counts_are_those_of_a_plain_loop(given_sentences, window, weighting, symmetric):
    counts = cooccurrence(corpus_of(given_sentences), window, weighting, symmetric, V=WORDS)
    # Exactly: a sum of whole numbers, divided once, is the float nearest to the fraction.
    np.testing.assert_array_equal(counts.toarray(), loop(given_sentences, window, weighting, symmetric, WORDS))
    assert counts.dtype == np.float64
    assert counts.has_canonical_format and counts.data.all()


@given(sentences, st.integers(1, 40), *options.values())
def test_spilled_counts_are_those_in_memory_to_the_bit(given_sentences, pairs, window, weighting, symmetric):
    corpus = corpus_of(given_sentences)
    in_memory = cooccurrence(corpus, window, weighting, symmetric, V=WORDS)
    with pytest.MonkeyPatch.context() as patch:  # a budget that holds so few pairs, and two rows or so
        patch.setattr(room, "BYTES_PER_PAIR", LEAST_MEMORY // pairs)
        patch.setattr(room, "BYTES_PER_CELL", LEAST_MEMORY // pairs)
        spilled = cooccurrence(corpus, window, weighting, symmetric, V=WORDS, memory=SMALL_BUDGET)
    for part in ("data", "indices", "indptr"):
        assert getattr(spilled, part).tobytes() == getattr(in_memory, part).tobytes()


@pytest.mark.parametrize("V", [2**16, 2**16 + 1, 2**17], ids=["32 bits", "34 bits", "34 bits, all used"])
@pytest.mark.parametrize("weighting", WEIGHTINGS)
def test_the_largest_ids_keep_apart(V, weighting):
    counts = cooccurrence(corpus_of([[V - 1, 0, V - 1, V - 2]]), 2, weighting, V=V).tocoo()
    far = {"flat": 1, "harmonic": 0.5, "linear": 0.5}[weighting]
    wanted = {(V - 1, V - 1): 2 * far, (V - 1, 0): 2, (0, V - 1): 2, (V - 1, V - 2): 1, (V - 2, V - 1): 1}
    wanted |= {(0, V - 2): far, (V - 2, 0): far}
    assert dict(zip(zip(*map(np.ndarray.tolist, counts.coords), strict=True), counts.data, strict=True)) == wanted


def test_workers_need_no_file_that_the_text_is_mapped_from(tmp_path):
    corpus, words = encode([["a", "b", "c", "d"] * 100] * 4)
    corpus.ids.tofile(tmp_path / "ids")
    mapped = Corpus(np.memmap(tmp_path / "ids", np.int32, "r"), corpus.offsets)
    (tmp_path / "ids").unlink()  # as a cache is that somebody clears
    counts = cooccurrence(mapped, 2, V=len(words), workers=Workers(2))
    assert counts.toarray().tolist() == cooccurrence(corpus, 2, V=len(words)).toarray().tolist()


def test_many_stretches_add_up(monkeypatch):
    text = np.random.default_rng(0).integers(0, 50, (300, 10))
    whole = cooccurrence(corpus_of(text), 3, V=50)
    monkeypatch.setattr(room, "PAIRS", 100)
    seen = []
    pieces = cooccurrence(corpus_of(text), 3, V=50, report=seen.append)
    np.testing.assert_array_equal(pieces.toarray(), whole.toarray())
    assert seen == [*range(33, 3000, 33), 3000]


# Several workers


def random_text(rng):
    return [rng.integers(0, 20, length) for length in rng.integers(0, 30, 40)]


@pytest.mark.parametrize(
    "weighting, options",
    [
        ("flat", {}),
        ("linear", {"symmetric": False}),
        ("harmonic", {"memory": LEAST_MEMORY + 3 * 20 * BYTES_PER_WORD}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_any_number_of_workers_gives_the_same_arrays(weighting, options, monkeypatch):
    monkeypatch.setattr(room, "PAIRS", 1000)  # several stretches for each
    monkeypatch.setattr(room, "BYTES_PER_PAIR", LEAST_MEMORY // 1000)  # and with a budget, runs on disk
    corpus = corpus_of(random_text(np.random.default_rng([len(weighting), len(options)])))
    wanted, *others = (cooccurrence(corpus, 4, weighting, V=20, workers=Workers(n), **options) for n in (1, 2, 3))
    assert wanted.nnz
    for other in others:
        for part in ("data", "indices", "indptr"):
            assert getattr(other, part).tobytes() == getattr(wanted, part).tobytes()


def test_all_workers_have_a_share_of_a_short_text_too():
    tasks = []

    class Noted(Workers):
        def map(self, function, given):
            tasks.append(list(given))
            return super().map(function, tasks[-1])

    seen = []
    corpus = corpus_of([range(10)] * 10)
    cooccurrence(corpus, 3, V=10, workers=Noted(3), report=seen.append)
    assert [length for _, length, _ in tasks[0]] == [34, 34, 32] and len(tasks) == 1
    assert seen == [100]
    assert [len(piece.ids) for piece, _, _ in tasks[0]] == [37, 37, 32]  # with the words within reach


def test_a_worker_needs_no_file_of_the_cache(tmp_path):
    np.arange(10_000, dtype=np.int32).tofile(tmp_path / "ids")
    corpus = Corpus(np.memmap(tmp_path / "ids", np.int32, mode="r"), np.arange(0, 10_001, 10))
    (tmp_path / "ids").unlink()  # somebody has emptied the cache
    alone, both = (cooccurrence(corpus, 3, V=10_000, workers=Workers(n)) for n in (1, 2))
    assert (alone != both).nnz == 0 and alone.nnz == 2 * 1000 * (9 + 8 + 7)


def test_trouble_in_a_worker_is_the_usual_error():
    with pytest.raises(EnvironmentFailure, match="the cluster slurm cannot be used|a cluster needs Dask"):
        cooccurrence(corpus_of([[0, 1]] * 9), 1, V=2, workers=Workers(2, "slurm"))
    with pytest.raises(InputError, match="for a vocabulary of 2 words and 3 workers, got 1,000,287"):
        cooccurrence(corpus_of([[0, 1]]), 1, V=2, workers=Workers(3), memory=LEAST_MEMORY + 6 * BYTES_PER_WORD - 1)


# The budget


@pytest.mark.parametrize("V", [2_000, 40_000])
def test_the_budget_holds_for_pairs_that_are_nearly_all_different(V):
    """Ids drawn evenly: with the large vocabulary nearly every pair is a cell of its own, the worst there is."""
    budget = 6_000_000
    corpus = Corpus(np.random.default_rng(0).integers(0, V, 80_000, dtype=np.int32), np.arange(0, 80_001, 25))
    peaks, results = [], []
    for memory in (None, budget):
        tracemalloc.start()
        results.append(cooccurrence(corpus, 5, "harmonic", V=V, memory=memory))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] <= budget
    assert peaks[1] > budget / 2  # nor is it left unused
    assert peaks[0] > 2 * budget  # so the first of these three can fail
    assert (results[0] != results[1]).nnz == 0


def test_a_spilled_matrix_can_be_changed_and_leaves_no_file(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    text = np.random.default_rng(0).integers(0, 50, (400, 10))
    counts = cooccurrence(corpus_of(text), 5, V=50, memory=SMALL_BUDGET)
    counts.data *= 2
    assert counts.sum() == 2 * 2 * 400 * (9 + 8 + 7 + 6 + 5)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("trouble", [KeyboardInterrupt, MemoryError])
def test_counting_that_is_stopped_leaves_no_file(tmp_path, monkeypatch, trouble):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    opened, real = [], tempfile.TemporaryFile
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda: opened.append(real()) or opened[-1])

    def stop(done):
        if opened[0].tell():  # something has been spilled
            raise trouble

    text = np.random.default_rng(0).integers(0, 50, (400, 10))
    with pytest.raises(trouble):
        cooccurrence(corpus_of(text), 5, V=50, memory=SMALL_BUDGET, report=stop)
    assert len(opened) == 1 and opened[0].closed
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_trouble_of_the_machine(monkeypatch):
    def full(*args, **kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    text = np.random.default_rng(0).integers(0, 50, (400, 10))
    with pytest.raises(EnvironmentFailure, match=r"temporary files in .*: No space left on device; allow more memory"):
        cooccurrence(corpus_of(text), 5, V=50, memory=SMALL_BUDGET)


# What is wrong


@pytest.mark.parametrize(
    "options, message",
    [
        ({"window": 0}, "window must be at least 1, got 0"),
        ({"weighting": "cubic"}, "weighting must be one of flat, harmonic, linear, got 'cubic'"),
        ({"memory": 1_000_239}, "memory must be at least 1,000,240 bytes for a vocabulary of 5 words, got 1,000,239"),
        ({"V": 4}, r"ids must lie in 0 \.\. 3, got 0 \.\. 4: is V right\?"),
        ({"window": 60, "weighting": "harmonic"}, "harmonic weights up to a distance of 60 cannot be added up exactly"),
        ({"V": 2**31, "weighting": "linear"}, "a vocabulary of 2147483648 and a window of 5 are too large"),
    ],
)
def test_what_is_out_of_range_is_named(options, message):
    corpus = corpus_of([[0, 1, 2, 3, 4] * 20])
    with pytest.raises(InputError, match=message):
        cooccurrence(corpus, **{"window": 5, "V": 5} | options)


def test_negative_ids_are_refused():
    with pytest.raises(InputError, match=r"got -1 \.\. 1"):
        cooccurrence(corpus_of([[0, -1, 1]]), 1, V=5)


@pytest.mark.parametrize("text", [[], [[]], [[0], [1]]], ids=["no sentence", "no word", "single words"])
def test_without_neighbours_all_counts_are_zero(text):
    counts = cooccurrence(corpus_of(text), 3, V=2)
    assert counts.shape == (2, 2) and counts.nnz == 0
