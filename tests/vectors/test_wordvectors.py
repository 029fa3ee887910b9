"""utils/vectors/wordvectors.py: similarity, neighbours, analogies and odd ones out, one at a time and many at once."""

import math
import tracemalloc
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from utils.system.errors import InputError
from utils.vectors import wordvectors as module
from utils.vectors.wordvectors import METHODS, UnknownWord, WordVectors

# Angles of 0, 30, 90, 180 and 330 degrees, at lengths that must not matter.
COMPASS = {
    "east": (2, 0),
    "uphill": (3**0.5, 1),
    "north": (0, 5),
    "west": (-0.5, 0),
    "downhill": (0.3**0.5, -(0.1**0.5)),
}
ROUNDING = 1e-12  # float64, a few operations on numbers around 1
SINGLE_ROUNDING = 1e-5  # float32, sums of some products around 1; gensim rounds in another order


@pytest.fixture
def compass():
    return WordVectors(list(COMPASS), np.array(list(COMPASS.values())))


def random_vectors(n=60, d=8, seed=0, dtype=np.float64):
    return WordVectors([f"w{i}" for i in range(n)], np.random.default_rng(seed).standard_normal((n, d)).astype(dtype))


def dot(a, b):
    return math.fsum(x * y for x, y in zip(a, b, strict=True))


def cosine(a, b):
    return dot(a, b) / math.sqrt(dot(a, a) * dot(b, b))


def ranked(scores, left_out=()):
    """Rows by falling score, equal ones in their order: the plain way."""
    return [i for i in sorted(range(len(scores)), key=lambda i: -scores[i]) if i not in left_out]


def agree(ours, theirs):
    assert [word for word, _ in ours] == [word for word, _ in theirs]
    np.testing.assert_allclose(
        [score for _, score in ours], [score for _, score in theirs], rtol=SINGLE_ROUNDING, atol=SINGLE_ROUNDING
    )


# What they are made of


def test_attributes(compass):
    assert compass.words == list(COMPASS)
    assert compass.index == {"east": 0, "uphill": 1, "north": 2, "west": 3, "downhill": 4}
    assert compass.vectors.shape == compass.directions.shape == (5, 2)
    assert len(compass) == 5
    assert "north" in compass and "south" not in compass
    half, root = 0.5, 3**0.5 / 2
    expected = [(1, 0), (root, half), (0, 1), (-1, 0), (root, -half)]
    np.testing.assert_allclose(compass.directions, expected, rtol=0, atol=ROUNDING)


def test_one_word_gives_a_vector_and_several_a_matrix(compass):
    assert compass["north"].tolist() == [0, 5]
    assert compass[["north", "east", "north"]].tolist() == [[0, 5], [2, 0], [0, 5]]
    assert compass[[]].shape == (0, 2)


def test_gensims_names_for_what_is_there(compass):
    assert compass.key_to_index is compass.index
    assert compass.index_to_key is compass.words
    assert compass.vector_size == 2
    assert list(compass) == list(COMPASS)
    assert repr(compass) == "WordVectors(5 words x 2 dimensions, float64)"
    assert compass.get_vector("north").tolist() == [0, 5]
    assert compass.get_vector("north", norm=True).tolist() == [0, 1]


def test_saved_and_loaded(tmp_path, compass):
    compass.save(tmp_path / "v.npz")
    loaded = WordVectors.load(tmp_path / "v.npz", limit=3)
    assert loaded.words == compass.words[:3]
    assert np.array_equal(loaded.vectors, compass.vectors[:3])
    compass.save(tmp_path / "v", format="glove")
    assert WordVectors.load(tmp_path / "v", format="glove").words == compass.words


def test_words_in_order_of_frequency(compass):
    ordered = compass.by_frequency([3, 7, 3, 9, 1])
    assert ordered.words == ["west", "uphill", "east", "north", "downhill"]  # equal ones in their order
    for word in compass:
        assert np.array_equal(ordered[word], compass[word])
    with pytest.raises(InputError, match="5 words and 2 counts"):
        compass.by_frequency([1, 2])


def test_unit_vectors_are_made_once_when_needed(compass):
    assert "directions" not in vars(compass)
    assert compass.directions is compass.directions


def test_vectors_are_neither_copied_nor_changed_by_accident():
    matrix = np.eye(3)
    vectors = WordVectors("abc", matrix)
    assert np.shares_memory(vectors.vectors, matrix)
    for array in (vectors.vectors, vectors.directions):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 7
    matrix[0] = 1  # the caller's own stays writable


@pytest.mark.parametrize(
    "given, kept, worked_with",
    [
        (np.float16, np.float16, np.float32),
        (np.float32, np.float32, np.float32),
        (">f4", np.float32, np.float32),
        (np.float64, np.float64, np.float64),
        (np.int64, np.float64, np.float64),
        (np.uint8, np.float64, np.float64),
    ],
)
def test_number_types(given, kept, worked_with):
    vectors = WordVectors("ab", np.array([[3, 4], [0, 2]], dtype=given))
    assert (vectors.vectors.dtype, vectors.directions.dtype) == (kept, worked_with)
    np.testing.assert_allclose(vectors.directions, [[0.6, 0.8], [0, 1]], rtol=1e-6)  # float32's rounding


@pytest.mark.parametrize("scale", [1e-320, 1e-200, 1.0, 1e200, 1.7e308 / 4])
def test_the_length_of_vectors_does_not_matter_however_large_or_small(scale):
    vectors = WordVectors("abc", np.array([[3, 4], [4, -3], [3, 0]]) * scale)
    # Numbers of 1e-320 have three digits left.
    assert vectors.similarity("a", "c") == pytest.approx(0.6, abs=1e-3 if scale < 1e-300 else ROUNDING)
    assert vectors.similarity("a", "b") == pytest.approx(0, abs=1e-3 if scale < 1e-300 else ROUNDING)


def test_a_zero_vector_has_no_direction_and_is_like_nothing():
    vectors = WordVectors("abc", [[0, 0], [1, 0], [-1, 0]])
    assert vectors.directions[0].tolist() == [0, 0]
    assert vectors.similarity("a", "b") == vectors.similarity("a", "a") == 0
    assert vectors.most_similar("a") == [("b", 0.0), ("c", 0.0)]
    assert vectors.most_similar("b") == [("a", 0.0), ("c", -1.0)]


@pytest.mark.parametrize(
    "words, vectors, said",
    [
        (["a", "b"], [[1.0]], "got 2 words and 1 rows"),
        (["a", "b", "a"], [[1.0], [2.0], [3.0]], "'a' in rows 0 and 2"),
        (["a", 3], [[1.0], [2.0]], "got 3 in row 1"),
        (["a", "b"], [[1.0, 2.0], [math.nan, 0.0]], "'b' (row 1) holds NaN or infinity"),
        (["a", "b"], [[math.inf, 2.0], [0.0, 0.0]], "'a' (row 0) holds NaN or infinity"),
        (["a", "b"], [1.0, 2.0], "wanted a matrix of real numbers, got shape (2,)"),
        (["a", "b"], [[[1.0]], [[2.0]]], "got shape (2, 1, 1)"),
        (["a", "b"], [[], []], "got shape (2, 0)"),
        (["a", "b"], [["x"], ["y"]], "of <U1"),
        (["a", "b"], [[1j], [2j]], "of complex128"),
        (["a", "b"], [[1.0], [2.0, 3.0]], "same length"),
        ([], np.empty((0, 3)), "at least one word"),
    ],
)
def test_what_is_no_word_vectors_is_refused(words, vectors, said):
    with pytest.raises(InputError) as refusal:
        WordVectors(words, vectors)
    assert said in str(refusal.value)


# Unknown words


def test_an_unknown_word_is_an_input_error_and_a_key_error(compass):
    for ask in (
        lambda: compass["south"],
        lambda: compass[["north", "south"]],
        lambda: compass.similarity("north", "south"),
        lambda: compass.most_similar("south"),
        lambda: compass.most_similar("north", ["south"]),
        lambda: compass.most_similar_cosmul("north", "south"),
        lambda: compass.analogy("east", "north", "south"),
        lambda: compass.doesnt_match(["north", "south", "east"]),
        lambda: compass.get_vector("south"),
        lambda: compass.distance("north", "south"),
        lambda: compass.n_similarity(["north"], ["south"]),
        lambda: compass.rank("south", "north"),
        lambda: compass.closer_than("north", "south"),
        lambda: compass.similar_by_word("south"),
    ):
        for kind in (InputError, KeyError, UnknownWord):
            with pytest.raises(kind, match="^'south' is not among the 5 words"):
                ask()


@pytest.mark.parametrize(
    "word, said",
    [
        ("Paris", "'Paris' is not among the 6 words, but 'paris', 'PARIS' is: write it so"),
        ("cafe\u0301", "but 'café' is"),
        ("straße", "but 'STRASSE' is"),
        ("pari", "it may be too rare to have been kept, or cut off by a limit; near spellings: 'paris'"),
        ("xyzzy", "cut off by a limit"),
        ("", "cut off by a limit"),
    ],
)
def test_why_a_word_may_be_unknown(word, said):
    with pytest.raises(UnknownWord) as unknown:
        WordVectors(["paris", "PARIS", "café", "STRASSE", "london", "x"], np.ones((6, 1)))[word]
    assert said in str(unknown.value)
    assert ("near" in str(unknown.value)) == (word == "pari")
    assert "\n" not in str(unknown.value)


def test_an_unknown_word_costs_nothing_until_its_message_is_read():
    class Counting(list):
        passes = 0

        def __iter__(self):
            self.passes += 1
            return super().__iter__()

    words = Counting(["paris", "london"])
    error = UnknownWord("pari", words)
    assert words.passes == 0
    assert "'paris'" in str(error)
    assert words.passes > 0


def test_an_unknown_word_is_compared_with_few_words(monkeypatch):
    """With each of several 100,000, to read a message would take half a minute."""
    compared = []
    original = module.get_close_matches
    monkeypatch.setattr(module, "get_close_matches", lambda w, ws, n: compared.extend(ws) or original(w, ws, n))
    letters = np.random.default_rng(0).integers(97, 123, (5000, 7)).astype(np.uint8)
    words = [row.tobytes().decode() for row in letters]
    assert repr(words[5]) in str(UnknownWord(words[5] + "x", words))
    assert len(compared) < len(words) / 10  # one in 26 begins alike, as many end alike
    compared.clear()
    assert "near" not in str(UnknownWord("x" * 30, ["x" * 27]))
    assert compared == []


# One query at a time


def test_similarity_is_the_cosine(compass):
    for a, x in COMPASS.items():
        for b, y in COMPASS.items():
            assert compass.similarity(a, b) == pytest.approx(cosine(x, y), abs=ROUNDING)
    assert compass.similarity("east", "uphill") == pytest.approx(3**0.5 / 2, abs=ROUNDING)


def test_most_similar_to_a_word(compass):
    found = compass.most_similar("uphill")
    assert [word for word, _ in found] == ["east", "north", "downhill", "west"]
    assert [score for _, score in found] == pytest.approx([3**0.5 / 2, 0.5, 0.5, -(3**0.5) / 2], abs=ROUNDING)
    assert compass.most_similar("uphill", topn=2) == found[:2]
    assert all(type(score) is float for _, score in found)


def test_most_similar_takes_the_mean_of_unit_vectors(compass):
    # "north" is much longer than "east": of the vectors as they are, the mean would point north.
    assert compass.most_similar(["east", "north"], topn=1)[0] == ("uphill", pytest.approx(math.cos(math.pi / 12)))
    assert compass.most_similar("north", "west", topn=1)[0] == ("uphill", pytest.approx(math.cos(math.pi / 12)))


def test_a_weight_counts(compass):
    found = dict(compass.most_similar([("east", 1.0), ("north", 3**-0.5)]))
    assert found["uphill"] == pytest.approx(1, abs=ROUNDING)
    # As in gensim, a weight of a negative word is taken with its own sign.
    assert compass.most_similar("east", [("north", 3**-0.5)]) == compass.most_similar(["east", ("north", 3**-0.5)])
    assert compass.most_similar(("east", 2)) == compass.most_similar("east")


def test_vectors_can_be_asked_with_too(compass):
    same = compass.most_similar(np.array([0.0, 1.0]), topn=1)
    assert same == [("north", pytest.approx(1))]
    assert compass.nearest([0.0, 7.0], topn=1) == same
    assert compass.most_similar([np.array([0.0, 1.0]), "east"], topn=1)[0][0] == "uphill"
    assert compass.most_similar(np.array([[0.0, 1.0], [1.0, 0.0]]), topn=1)[0][0] == "uphill"


def test_distances_ranks_and_means(compass):
    assert compass.distance("east", "uphill") == pytest.approx(1 - 3**0.5 / 2, abs=ROUNDING)
    assert compass.closer_than("north", "east") == ["uphill"]  # west is as close as east is
    assert [compass.rank("north", word) for word in ("uphill", "east", "west", "downhill")] == [1, 2, 2, 4]
    # The mean of (2, 0) and (0, 5) points to neither; lengths count.
    assert compass.n_similarity(["east", "north"], ["east"]) == pytest.approx(2 / 29**0.5, abs=ROUNDING)


def test_answers_can_be_restricted_to_the_first_words(compass):
    assert compass.most_similar("downhill", topn=9, restrict_vocab=2) == compass.most_similar("downhill", topn=2)
    assert [word for word, _ in compass.most_similar("west", restrict_vocab=3)] == ["north", "uphill", "east"]
    assert compass.similar_by_word("west", restrict_vocab=3) == compass.most_similar("west", restrict_vocab=3)
    assert compass.similar_by_vector([0, 1], 1, restrict_vocab=2)[0][0] == "uphill"
    assert compass.most_similar("west", restrict_vocab=100) == compass.most_similar("west")


@pytest.mark.parametrize("topn", [1, 3, 5, 500])
def test_query_words_are_never_among_the_answers(topn):
    vectors = random_vectors(n=6)
    for found in (
        vectors.most_similar(["w0", ("w1", 2.0)], ["w2"], topn=topn),
        vectors.most_similar_cosmul(["w0", "w1"], "w2", topn=topn),
        vectors.analogy("w2", "w1", "w0", topn=topn),
        vectors.analogy("w2", "w1", "w0", "3CosMul", topn),
    ):
        assert len(found) == min(topn, 3)
        assert {word for word, _ in found} <= {"w3", "w4", "w5"}
    assert len(vectors.nearest(vectors["w0"], topn=topn)) == min(topn, 6)
    assert len(vectors.most_similar(["w0", "w0"], topn=topn)) == min(topn, 5)


def test_equal_answers_come_in_the_order_of_the_words():
    matrix = np.zeros((300, 2))
    matrix[:, 0] = 1  # all alike, but for one
    matrix[250] = [1, 1]
    vectors = WordVectors([f"w{i}" for i in range(300)], matrix)
    found = vectors.most_similar("w250", topn=20)
    assert [word for word, _ in found] == [f"w{i}" for i in range(20)]
    found = vectors.most_similar("w3", topn=4)
    assert [word for word, _ in found] == ["w0", "w1", "w2", "w4"]


def test_an_analogy_is_completed():
    # Rows of (royal, female, plural)
    matrix = {"king": (1, 0, 0), "queen": (1, 1, 0), "man": (0.2, 0, 0.1), "woman": (0.2, 1, 0.1), "men": (0.2, 0, 1)}
    vectors = WordVectors(list(matrix), np.array(list(matrix.values())))
    for method in METHODS:
        assert vectors.analogy("man", "woman", "king", method, topn=1)[0][0] == "queen"
    agree(vectors.analogy("man", "woman", "king"), vectors.most_similar(["woman", "king"], "man"))
    agree(vectors.analogy("man", "woman", "king", "3CosMul"), vectors.most_similar_cosmul(["woman", "king"], "man"))
    assert vectors.analogy("man", "woman", "king", "3CosMul") != vectors.analogy("man", "woman", "king")


def test_3cosmul_by_the_formula(compass):
    a, b, c = (COMPASS[word] for word in ("west", "uphill", "north"))
    for word, score in compass.analogy("west", "uphill", "north", "3CosMul"):
        shifted = [(1 + cosine(COMPASS[word], x)) / 2 for x in (b, c, a)]
        assert score == pytest.approx(shifted[0] * shifted[1] / (shifted[2] + 1e-6), rel=1e-6)  # (1 + cos) near 0
    assert dict(compass.analogy("west", "uphill", "north", "3CosMul"))["east"] > 1e5  # just the 1e-6 remains below


def test_the_odd_one_out(compass):
    assert compass.doesnt_match(["east", "uphill", "west", "downhill"]) == "west"
    assert compass.doesnt_match(iter(["west", "west", "east"])) == "east"


@pytest.mark.parametrize(
    "ask, said",
    [
        (lambda v: v.most_similar(), "at least one word"),
        (lambda v: v.most_similar([], []), "at least one word"),
        (lambda v: v.most_similar_cosmul([], "w1"), "at least one positive word"),
        (lambda v: v.most_similar("w1", 5), "wanted a word, got 5"),
        (lambda v: v.most_similar(["w1", 2]), "wanted a word, got 2"),
        (lambda v: v.most_similar(np.ones(3)), "vector of 8 numbers, got shape (3,)"),
        (lambda v: v.most_similar(np.full(8, math.nan)), "NaN or infinity"),
        (lambda v: v.nearest(np.ones((1, 8))), "vector of 8 numbers, got shape (1, 8)"),
        (lambda v: v.nearest(["x"] * 8), "real numbers"),
        (lambda v: v.nearest_many(np.ones((2, 7))), "8 columns"),
        (lambda v: v.nearest_many(np.ones(8)), "wanted a matrix"),
        (lambda v: v.nearest_many(np.array([[1.0] * 8, [math.inf] * 8])), "query 1 holds NaN or infinity"),
        (lambda v: v.nearest_many(np.ones((2, 8)), exclude=[[1]]), "each of the 2 queries"),
        (lambda v: v.most_similar("w1", topn=0), "topn must be a whole number of at least 1, got 0"),
        (lambda v: v.most_similar("w1", topn=1.5), "got 1.5"),
        (lambda v: v.most_similar("w1", topn=True), "got True"),
        (
            lambda v: v.most_similar("w1", restrict_vocab=0),
            "restrict_vocab must be a whole number of at least 1, got 0",
        ),
        (lambda v: v.n_similarity(["w1"], []), "at least one word each"),
        (lambda v: v.analogy("w1", "w2", "w3", "4Cos"), "3CosAdd or 3CosMul, got '4Cos'"),
        (lambda v: v.analogy_many([0], [1], [60]), "between 0 and 59"),
        (lambda v: v.analogy_many([-1], [1], [2]), "between 0 and 59"),
        (lambda v: v.doesnt_match(["w1", "w2"]), "at least three words"),
    ],
)
def test_a_query_that_makes_no_sense_is_one_line(ask, said):
    with pytest.raises(InputError) as refusal:
        ask(random_vectors())
    assert said in str(refusal.value)
    assert "\n" not in str(refusal.value)


# Many at once


@pytest.fixture(params=[1, 3000, 2**26], ids=["one at a time", "a few at a time", "all at once"])
def chunk(request, monkeypatch):
    monkeypatch.setattr(module, "CHUNK_BYTES", request.param)


@pytest.mark.parametrize("topn", [1, 7, 60, 100])
def test_nearest_many_as_by_plain_loops(chunk, topn):
    vectors = random_vectors()
    queries = np.random.default_rng(1).standard_normal((20, 8))
    exclude = np.random.default_rng(2).integers(-1, 60, (20, 4))
    ids, scores = vectors.nearest_many(queries, topn, exclude)
    assert ids.shape == scores.shape == (20, min(topn, 60))
    for i, query in enumerate(queries):
        plain = [cosine(query, vector) for vector in vectors.vectors]
        expected = ranked(plain, exclude[i])[:topn]
        assert ids[i, : len(expected)].tolist() == expected
        np.testing.assert_allclose(scores[i, : len(expected)], [plain[j] for j in expected], rtol=0, atol=ROUNDING)
        assert (ids[i, len(expected) :] == -1).all()
        assert (scores[i, len(expected) :] == -np.inf).all()


@pytest.mark.parametrize("method", METHODS)
def test_analogy_many_as_by_plain_loops(chunk, method):
    vectors = random_vectors()
    a, b, c = np.random.default_rng(3).integers(0, 60, (3, 25))
    ids, scores = vectors.analogy_many(a, b, c, method, topn=5)
    unit = [[x / math.sqrt(dot(row, row)) for x in row] for row in vectors.vectors.tolist()]
    for i, (x, y, z) in enumerate(zip(a, b, c, strict=True)):
        target = [unit[y][k] - unit[x][k] + unit[z][k] for k in range(8)]
        to = [[(1 + dot(unit[word], row)) / 2 for row in unit] for word in (x, y, z)]
        add = [cosine(target, row) for row in unit]
        mul = [p * q / (n + 1e-6) for n, p, q in zip(*to, strict=True)]
        plain = add if method == "3CosAdd" else mul
        expected = ranked(plain, (x, y, z))[:5]
        assert ids[i].tolist() == expected
        np.testing.assert_allclose(scores[i], [plain[j] for j in expected], rtol=ROUNDING, atol=ROUNDING)


@pytest.mark.parametrize("method", METHODS)
def test_one_and_many_agree(method):
    vectors = random_vectors(dtype=np.float32)
    a, b, c = np.arange(0, 20), np.arange(20, 40), np.arange(40, 60)
    ids, scores = vectors.analogy_many(a, b, c, method, topn=4)
    for i in range(20):
        found = vectors.analogy(f"w{a[i]}", f"w{b[i]}", f"w{c[i]}", method, 4)
        assert [word for word, _ in found] == [vectors.words[j] for j in ids[i]]
        assert [score for _, score in found] == pytest.approx(scores[i].tolist(), rel=SINGLE_ROUNDING)


def test_the_words_of_a_question_may_be_let_in():
    vectors = WordVectors(["a", "b", "c", "d"], [[1, 0], [1, 0.1], [0, 1], [0, 1.2]])
    rows = [[0], [1], [2]]
    assert vectors.analogy_many(*rows)[0].tolist() == [[3]]
    assert vectors.analogy_many(*rows, exclude=False)[0].tolist() == [[2]]


def test_no_queries_no_answers():
    vectors = random_vectors()
    assert vectors.nearest_many(np.empty((0, 8)), 5)[0].shape == (0, 5)
    assert vectors.analogy_many([], [], [], topn=5)[1].shape == (0, 5)


@given(
    hnp.arrays(np.float64, st.tuples(st.integers(1, 12), st.integers(1, 4)), elements=st.integers(-2, 2)),
    st.integers(1, 14),
    st.data(),
)
def test_ranking_with_many_ties(matrix, topn, data):
    """Small whole numbers: many vectors are alike, zero or opposite."""
    n = len(matrix)
    vectors = WordVectors([f"w{i}" for i in range(n)], matrix)
    left_out = data.draw(st.lists(st.integers(-1, n - 1), min_size=2, max_size=2))
    ids, scores = vectors.nearest_many(matrix[:1], topn, [left_out])
    everything = vectors.nearest_many(matrix[:1], n)
    assert sorted(everything[0][0]) == list(range(n))
    cosines = dict(zip(everything[0][0].tolist(), everything[1][0].tolist(), strict=True))
    expected = ranked([cosines[i] for i in range(n)], left_out)[:topn]
    assert [i for i in ids[0].tolist() if i >= 0] == expected
    assert scores[0, : len(expected)].tolist() == [cosines[i] for i in expected]


@pytest.mark.parametrize("ask", ["nearest_many", *METHODS])
def test_memory_is_bounded_however_many_queries(ask):
    n, q = 100_000, 400
    vectors = random_vectors(n, 4, dtype=np.float32)
    vectors.directions  # noqa: B018 - made before the measuring starts
    queries = np.ones((q, 4), np.float32)
    rows = np.arange(q)
    tracemalloc.start()
    try:
        if ask == "nearest_many":
            ids, _ = vectors.nearest_many(queries, 3)
        else:
            ids, _ = vectors.analogy_many(rows, rows + 1, rows + 2, ask, 3)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert ids.shape == (q, 3)
    # All scores together would take 160 MB.
    assert peak < module.CHUNK_BYTES + 8e6  # queries, answers, and what ranking one query takes


# As gensim


@pytest.fixture(scope="module")
def gensims():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        keyedvectors = pytest.importorskip("gensim.models.keyedvectors")
    vectors = random_vectors(200, 10, seed=5, dtype=np.float32)
    theirs = keyedvectors.KeyedVectors(10)
    theirs.add_vectors(vectors.words, vectors.vectors)
    return vectors, theirs


@pytest.mark.parametrize(
    "positive, negative",
    [
        ("w3", None),
        ("w3", "w4"),
        (["w3", "w5"], ["w4"]),
        (["w3", ("w5", 0.3)], [("w4", -0.7), "w9"]),
        (["w3"], [("w4", 0.7)]),
        (np.arange(10, dtype=np.float32), None),
        ([np.arange(10, dtype=np.float32), "w7"], [np.ones(10, dtype=np.float32)]),
        (["w3", "w3", "w6"], []),
        ([], ["w3"]),
    ],
)
def test_most_similar_as_gensim(gensims, positive, negative):
    for topn in (1, 10, 190):
        agree(*(vectors.most_similar(positive, negative, topn=topn) for vectors in gensims))


@pytest.mark.filterwarnings("ignore:Call to deprecated `init_sims`:DeprecationWarning")  # gensim's own call
@pytest.mark.parametrize(
    "positive, negative", [("w3", None), (["w3", "w5"], ["w4"]), (["w1", "w2", "w3"], ["w4", "w5"])]
)
def test_3cosmul_as_gensim(gensims, positive, negative):
    agree(*(vectors.most_similar_cosmul(positive, negative, topn=10) for vectors in gensims))


def test_the_rest_as_gensim(gensims):
    ours, theirs = gensims
    for i in range(50):
        words = [f"w{j}" for j in range(i, i + 5)]
        assert ours.doesnt_match(words) == theirs.doesnt_match(words)
        assert ours.similarity(*words[:2]) == pytest.approx(theirs.similarity(*words[:2]), abs=SINGLE_ROUNDING)
        agree(ours.nearest(ours[words[0]] * 2, 7), theirs.similar_by_vector(ours[words[0]] * 2, 7))
    assert np.array_equal(ours["w3"], theirs["w3"])
    assert np.array_equal(ours[["w3", "w1"]], theirs[["w3", "w1"]])
    assert len(ours) == len(theirs)
    assert ("w3" in ours, "x" in ours) == ("w3" in theirs, "x" in theirs)
    assert (ours.key_to_index, ours.index_to_key) == (theirs.key_to_index, theirs.index_to_key)
    assert ours.vector_size == theirs.vector_size
    np.testing.assert_allclose(ours.get_vector("w3", norm=True), theirs.get_vector("w3", norm=True), rtol=1e-6)


def test_the_newer_methods_as_gensim(gensims):
    ours, theirs = gensims
    for i in range(50):
        a, b, c, d = (f"w{j}" for j in range(i, i + 4))
        assert ours.distance(a, b) == pytest.approx(theirs.distance(a, b), abs=SINGLE_ROUNDING)
        assert ours.n_similarity([a, b], [c, d, a]) == pytest.approx(
            float(theirs.n_similarity([a, b], [c, d, a])), abs=SINGLE_ROUNDING
        )
        assert ours.rank(a, b) == theirs.rank(a, b)
        assert ours.closer_than(a, b) == theirs.closer_than(a, b)
        agree(ours.similar_by_word(a, 7, 50), theirs.similar_by_word(a, 7, 50))
        agree(ours.most_similar(a, [b], 7, 20), theirs.most_similar(a, [b], topn=7, restrict_vocab=20))
        agree(ours.similar_by_vector(ours[a], 5, 9), theirs.similar_by_vector(ours[a], 5, 9))


@pytest.mark.parametrize("ask", [
    lambda v: v["x"], lambda v: v.get_vector("x"), lambda v: v.distance("x", "w1"), lambda v: v.rank("w1", "x"),
    lambda v: v.closer_than("w1", "x"), lambda v: v.similar_by_word("x"), lambda v: v.most_similar("x"),
])  # fmt: skip
def test_unknown_words_are_key_errors_as_in_gensim(gensims, ask):
    for vectors in gensims:
        with pytest.raises(KeyError):
            ask(vectors)
