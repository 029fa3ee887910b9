"""Sets of pairs and questions (utils/scoring/sets.py), and their scores (wordsets.py) against paper and plain loops."""

import math
import string

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from utils.corpus.published import EVALUATION_SETS
from utils.scoring.sets import (
    ANALOGY_FILES,
    DEFAULT_FOLDER,
    SIMILARITY_FILES,
    find_file,
    find_sets,
    read_pairs,
    read_questions,
)
from utils.scoring.wordsets import (
    Accuracy,
    answer,
    correlate,
    cosines_of,
    row_of,
    score_analogies,
    score_pairs,
    spelling,
    summary,
)
from utils.system.errors import InputError
from utils.treebank import StanfordSentiment
from utils.vectors.subwords import NGrams, Subwords
from utils.vectors.wordvectors import METHODS, WordVectors

CLOSE = 1e-12  # a few operations in float64


def at_angles(**degrees):
    """Words at angles in the plane, each of another length, so that only cosines give the right order."""
    angles = np.radians(list(degrees.values()))
    lengths = np.array([10.0 ** (3 - 2 * i) for i in range(len(angles))])
    return WordVectors(list(degrees), lengths[:, None] * np.stack((np.cos(angles), np.sin(angles)), axis=1))


FOUR = at_angles(x=0, a=80, b=60, c=30, d=10)  # cosines with x grow from a to d


def test_files_are_compared_on_the_pairs_that_all_of_them_cover():
    other = at_angles(x=0, a=80, b=60, c=30, e=10)  # without d, with the same order
    pairs = [*pairs_with_x(2.0, 1.0, 4.0, 3.5), ("x", "e", 5.0)]
    one, two = correlate([cosines_of(FOUR, pairs), cosines_of(other, pairs)], pairs)
    assert (one.rho, one.used, one.total) == (two.rho, two.used, two.total)
    assert one.rho == pytest.approx(0.5, abs=CLOSE)  # ranks 1 2 3 and 2 1 3, where each by itself has four pairs
    assert score_pairs(FOUR, pairs).rho == pytest.approx(0.6, abs=CLOSE)
    assert (one.less_first, two.less_first, two.less_first_interval) == (None, 0, (0, 0))
    turned = at_angles(x=0, a=10, b=30, c=60, d=80)
    one, two = correlate([cosines_of(space, pairs[:4]) for space in (FOUR, turned)], pairs[:4])
    assert two.less_first == pytest.approx(-1.2, abs=CLOSE)
    assert two.less_first_interval[0] < -1.2 < two.less_first_interval[1]


def pairs_with_x(*judged):
    return [("x", word, score) for word, score in zip("abcd", judged, strict=True)]


# Word similarity


def test_spearman_of_four_pairs_counted_on_paper():
    score = score_pairs(FOUR, pairs_with_x(2.0, 1.0, 4.0, 3.5))
    # Ranks 1 2 3 4 and 2 1 4 3: 1 - 6 * 4 / (4 * 15). With two degrees of freedom p is 1 - |rho|.
    assert score.rho == pytest.approx(0.6, abs=CLOSE)
    assert score.p == pytest.approx(0.4, abs=CLOSE)
    assert (score.used, score.total) == (4, 4)


def test_equal_judgements_share_their_mean_rank():
    score = score_pairs(FOUR, pairs_with_x(1, 5, 5, 9))
    # Ranks 1 2 3 4 and 1 2.5 2.5 4: 4.5 / sqrt(5 * 4.5).
    assert score.rho == pytest.approx(math.sqrt(0.9), abs=CLOSE)


def test_judgements_the_other_way_round_give_minus_one():
    assert score_pairs(FOUR, pairs_with_x(9, 7, 2, 1)).rho == pytest.approx(-1, abs=CLOSE)


def test_pairs_with_an_unknown_word_are_left_out_and_counted():
    pairs = [*pairs_with_x(2, 1, 4, 3.5), ("x", "zebra", 100.0), ("zebra", "a", -100.0)]
    score = score_pairs(FOUR, pairs)
    assert score.rho == pytest.approx(0.6, abs=CLOSE)
    assert (score.used, score.total) == (4, 6)


def test_words_are_looked_up_as_they_are_and_then_in_lower_case():
    vectors = WordVectors(["fbi", "May", "may"], np.eye(3))
    assert [row_of(vectors, word) for word in ("FBI", "fbi", "May", "may", "MAY", "cia")] == [0, 0, 1, 2, 2, None]
    capitals = [("X", word.upper(), score) for _, word, score in pairs_with_x(2, 1, 4, 3.5)]
    assert score_pairs(FOUR, capitals).used == 4


@pytest.mark.parametrize(
    "pairs",
    [[], pairs_with_x(1, 2, 3, 4)[:2], [("x", "a", 1.0), ("a", "x", 2.0), ("x", "a", 3.0)], pairs_with_x(7, 7, 7, 7)],
    ids=["none", "two", "equal cosines", "equal judgements"],
)
def test_where_there_is_no_correlation_none_is_given(pairs):
    score = score_pairs(FOUR, pairs)
    assert (score.rho, score.p, score.used) == (None, None, len(pairs))


def test_a_zero_vector_has_cosine_zero():
    vectors = WordVectors(["x", "a", "b", "zero"], [[1, 0], [1, 1], [-1, 1], [0, 0]])
    assert score_pairs(vectors, [("x", "a", 3.0), ("x", "zero", 2.0), ("x", "b", 1.0)]).rho == pytest.approx(1)


# Reading pairs

WORDSIM = "Word 1\tWord 2\tHuman (mean)\nlove\tsex\t6.77\nFBI\tinvestigation\t8.31\n"
LOVE = [("love", "sex", 6.77), ("FBI", "investigation", 8.31)]
SIMLEX = (
    "word1\tword2\tPOS\tSimLex999\tconc(w1)\tconc(w2)\tconcQ\tAssoc(USF)\tSimAssoc333\tSD(SimLex)\n"
    "old\tnew\tA\t1.58\t2.72\t2.81\t2\t7.25\t1\t0.41\n"
)


@pytest.mark.parametrize(
    "text, pairs",
    [
        (WORDSIM, LOVE),
        (WORDSIM.replace("\t", ","), LOVE),
        (WORDSIM.replace("\n", "\r\n"), LOVE),
        ("\ufeff" + WORDSIM, LOVE),
        ("# a comment\n# Word 1\tWord 2\tHuman (mean)\n\nlove\tsex\t6.77\n", LOVE[:1]),
        ("love\tsex\t6.77", LOVE[:1]),
        (SIMLEX, [("old", "new", 1.58)]),
        ("sun sunlight 50.000000\nfun  run 1\n", [("sun", "sunlight", 50), ("fun", "run", 1)]),
        ('"love","sex","6.77"\n"FBI","investigation",8.31\n', LOVE),
        ('"a, b",c,1\nd, e, 2\n', [("a, b", "c", 1), ("d", "e", 2)]),
        ("word1;word2;score\nlove;sex;6,77\nFBI;investigation;8,31\n", LOVE),
        ("one two similarity\nlove sex 6.77\n", LOVE[:1]),
        ("\ufeff" + WORDSIM.replace("\t", ",").replace("\n", "\r\n"), LOVE),
        ("squishing\tsquirt\t5.88\t7\t10\n", [("squishing", "squirt", 5.88)]),
    ],
    ids=[
        *("tab", "csv", "crlf", "byte order mark", "comments", "no names", "simlex", "spaces", "quoted"),
        *("commas in words", "semicolons", "spaces with names", "all at once", "many columns"),
    ],
)
def test_the_published_formats_are_read(tmp_path, text, pairs):
    path = tmp_path / "pairs"
    path.write_bytes(text.encode("utf-8"))
    assert read_pairs(path) == pairs


@pytest.mark.parametrize(
    "line",
    ["love\tsex", "love sex 6.77", "love\tsex\tmuch", "love\tsex\tnan", "love\tsex\tinf", "\tsex\t1", "love\t\t1"],
)
def test_a_line_that_is_no_pair_is_told_with_file_and_line(tmp_path, line):
    path = tmp_path / "pairs.tsv"
    path.write_text(f"# comment\ntiger\tcat\t7.35\n{line}\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"pairs\.tsv, line 3: wanted two words and a number in column 3"):
        read_pairs(path)


def test_the_first_line_is_no_exception(tmp_path):
    path = tmp_path / "pairs.tsv"
    path.write_text("love\tsex\tmuch\n", encoding="utf-8")
    with pytest.raises(InputError, match="line 1"):
        read_pairs(path)


@pytest.mark.parametrize("read", [read_pairs, read_questions])
@pytest.mark.parametrize(
    "data, message", [(b"", "holds no"), (b"caf\xe9\t1\t2\n", "line 1: not UTF-8"), (None, "missing")]
)
def test_files_without_any_content_are_told(tmp_path, read, data, message):
    path = tmp_path / "file"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(InputError, match=message):
        read(path)


@given(
    st.lists(
        st.tuples(
            st.text(string.ascii_letters + "'-é", min_size=1).filter(lambda word: word.lower() != "word1"),
            st.text(string.ascii_letters + "'-é", min_size=1),
            st.floats(allow_nan=False, allow_infinity=False),
        ),
        min_size=1,
    ),
    st.sampled_from("\t,"),
)
def test_what_is_written_is_read(tmp_path_factory, pairs, mark):
    path = tmp_path_factory.mktemp("pairs") / "pairs"
    path.write_text("".join(f"{a}{mark}{b}{mark}{score!r}\n" for a, b, score in pairs), encoding="utf-8")
    assert read_pairs(path) == pairs


def composing(*words):
    """Words at 0, 10, 20, ... degrees; every other word of at least two characters is composed to 44 degrees."""
    places = np.radians([*(10 * i for i in range(len(words))), 44])
    points = np.stack([np.cos(places), np.sin(places)], axis=1)
    return WordVectors(words, points[:-1], Subwords(NGrams(4, 4, 1), points[-1:]))


def test_words_without_a_vector_are_composed_as_they_are_written():
    lower, mixed = composing("fbi", "the"), composing("fbi", "The")
    assert [spelling(lower, word) for word in ("FBI", "CIA", "cia", "x")] == ["fbi", "cia", "cia", None]
    assert [spelling(mixed, word) for word in ("FBI", "CIA", "cia", "the")] == ["fbi", "CIA", "cia", "the"]
    assert spelling(WordVectors(["fbi"], [[1.0]]), "cia") is None


def test_composed_words_count_among_the_pairs():
    vectors = composing("a", "b", "c", "d")
    pairs = [("a", "b", 4.0), ("a", "d", 3.0), ("a", "new", 2.0), ("New", "a", 2.0), ("a", "x", 1.0)]
    score = score_pairs(vectors, pairs)
    assert (score.used, score.total, score.composed) == (4, 5, 2)
    assert score.rho == pytest.approx(1, abs=CLOSE)
    found = cosines_of(vectors, pairs)
    np.testing.assert_allclose(found.values[:4], np.cos(np.radians([10, 30, 44, 44])), rtol=1e-15)
    assert found.composed.tolist() == [False, False, True, True, False]


def test_composed_words_ask_and_are_never_answers():
    vectors = composing("a", "b", "c", "d", "e", "f")  # 0 to 50 degrees
    questions = {"s": [("a", "new", "a", "e"), ("a", "b", "e", "new"), ("x", "a", "b", "c"), ("a", "b", "c", "d")]}
    found = answer(vectors, questions)
    assert found.asked.tolist() == [False, False, False, True]
    assert found.composed.tolist() == [True, False, False, False]  # "new" has no row that could be the answer
    assert found.right["3CosAdd"].tolist() == [True, False, False, True]  # to new - a + a, at 44 degrees, e is nearest
    # Words of the file beyond the first ones are not composed instead.
    assert answer(vectors, {"s": [("a", "b", "c", "d"), ("f", "b", "c", "d")]}, restrict=5).asked.tolist() == [
        True,
        False,
    ]


# Analogies


def test_questions_are_read_by_section(tmp_path):
    path = tmp_path / "questions"
    path.write_bytes(b": family\nboy girl he she\n\nboy girl man woman\n: gram3\r\nbad worse big bigger\r\n")
    assert read_questions(path) == {
        "family": [("boy", "girl", "he", "she"), ("boy", "girl", "man", "woman")],
        "gram3": [("bad", "worse", "big", "bigger")],
    }


@pytest.mark.parametrize(
    "text, message",
    [
        ("boy girl he she\n", "line 1: wanted a line `: section` first"),
        (": family\nboy girl he\n", "line 2: wanted four words"),
        (": family\nboy girl he she it\n", "line 2: wanted four words"),
        (":\nboy girl he she\n", "line 1: wanted a new section's name"),
        (": a\nboy girl he she\n: a\nboy girl he she\n", "line 3: wanted a new section's name"),
        (": family\n", "holds no questions"),
    ],
)
def test_what_is_no_question_is_told_with_file_and_line(tmp_path, text, message):
    path = tmp_path / "questions"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=message) as caught:
        read_questions(path)
    assert str(path) in str(caught.value)


# sex, rank, and a direction of its own for each pair
FAMILY = WordVectors(
    ["man", "woman", "king", "queen", "boy", "girl", "snow"],
    [[1, 0, 9, 0], [-1, 0, 9, 0], [1, 5, 9, 0], [-1, 5, 9, 0], [1, 0, 9, 7], [-1, 0, 9, 7], [0, 0, -9, 1]],
)
QUESTIONS = {
    "family": [("man", "woman", "king", "queen"), ("Man", "WOMAN", "boy", "girl"), ("man", "woman", "king", "snow")],
    "gram1": [("man", "king", "woman", "queen"), ("man", "king", "duke", "earl")],
    "gram2": [("duke", "earl", "man", "king")],
}


@pytest.mark.parametrize("method", METHODS)
def test_planted_analogies_are_found_and_counted_by_section(method):
    scores = score_analogies(FAMILY, QUESTIONS, method)
    assert scores == {"family": Accuracy(2, 3, 3), "gram1": Accuracy(1, 1, 2), "gram2": Accuracy(0, 0, 1)}
    assert [score.share for score in scores.values()] == [2 / 3, 1, None]
    assert summary(scores) == {
        "semantic": Accuracy(2, 3, 3),
        "syntactic": Accuracy(1, 1, 3),
        "total": Accuracy(3, 4, 6),
    }


def test_the_words_of_a_question_are_never_its_answer():
    # woman - man + queen comes nearest to queen itself.
    assert score_analogies(FAMILY, {"s": [("man", "woman", "queen", "queen")]}) == {"s": Accuracy(0, 1, 1)}


def test_query_words_let_in_and_the_nearest_word_alone():
    # woman - man + king is nearest to queen; woman - man + queen to queen itself, and then to king.
    questions = {"s": [("man", "woman", "king", "queen"), ("man", "woman", "queen", "king")]}
    answers = answer(FAMILY, questions, ("3CosAdd",))
    assert answers.right["3CosAdd"].tolist() == [True, True]
    assert answers.let_in["3CosAdd"].tolist() == [True, False]
    assert answers.nearest.tolist() == [True, True]  # king and queen are nearest to each other
    assert answers.asked.all()


@pytest.mark.parametrize("method", METHODS)
def test_answers_by_plain_search_with_and_without_the_query_words(method):
    vectors = WordVectors([f"w{i}" for i in range(12)], np.random.default_rng(3).standard_normal((12, 3)))
    rng = np.random.default_rng(4)
    asked = [tuple(f"w{i}" for i in rng.choice(12, 3, replace=False)) for _ in range(30)]

    def best(a, b, c, let_in):
        ids = vectors.analogy_many(*([vectors.index[word]] for word in (a, b, c)), method, 12, exclude=False)[0][0]
        return next(vectors.words[i] for i in ids if let_in or vectors.words[i] not in (a, b, c))

    for let_in in (False, True):
        questions = {"s": [(*words, best(*words, let_in)) for words in asked]}
        answers = answer(vectors, questions, (method,))
        assert (answers.let_in if let_in else answers.right)[method].all()
    questions = {"s": [(*words, vectors.most_similar(words[2], topn=1)[0][0]) for words in asked]}
    near = [words for words, (_, _, _, d) in zip(asked, questions["s"], strict=True) if d not in words]
    assert answer(vectors, questions, (method,)).nearest.sum() == len(near)


def test_no_question_that_could_be_asked_is_no_error():
    assert score_analogies(FAMILY, {"s": [("a", "b", "c", "d")]}) == {"s": Accuracy(0, 0, 1)}


def test_only_the_first_words_are_asked_with_and_searched():
    questions = {"s": [("man", "woman", "king", "queen"), ("man", "woman", "boy", "girl")]}
    assert score_analogies(FAMILY, questions, restrict=4) == {"s": Accuracy(1, 1, 2)}
    assert score_analogies(FAMILY, questions, restrict=7) == score_analogies(FAMILY, questions, restrict=None)
    # With another word nearer to the answer than the right one, behind the first seven:
    d = np.array([-1.0, 5, 9, 0])
    crowded = WordVectors([*FAMILY.words, "empress"], [*FAMILY.vectors[:3], d + [0, 0, 0, 1], *FAMILY.vectors[4:], d])
    question = {"s": questions["s"][:1]}
    assert score_analogies(crowded, question)["s"].right == 0
    assert score_analogies(crowded, question, restrict=7)["s"].right == 1


def answer_by_loop(vectors, a, b, c, method):
    """The answer of one question, by Levy & Goldberg's formulas over a plain loop."""

    def cosine(x, y):
        x, y = vectors[x], vectors[y]
        return sum(x * y) / math.sqrt(sum(x * x) * sum(y * y))

    best, answer = -math.inf, None
    for word in vectors.words:
        if word in (a, b, c):
            continue
        if method == "3CosAdd":
            score = cosine(word, b) - cosine(word, a) + cosine(word, c)
        else:
            score = (1 + cosine(word, b)) * (1 + cosine(word, c)) / 4 / ((1 + cosine(word, a)) / 2 + 1e-6)
        if score > best:
            best, answer = score, word
    return answer


def test_both_methods_answer_as_the_formulas_do_and_they_differ():
    rng = np.random.default_rng(0)
    vectors = WordVectors([f"w{i}" for i in range(15)], rng.standard_normal((15, 3)) * rng.uniform(0.1, 9, (15, 1)))
    asked = [tuple(f"w{i}" for i in rng.choice(15, 3, replace=False)) for _ in range(40)]
    answers = {method: [answer_by_loop(vectors, *words, method) for words in asked] for method in METHODS}
    both = sum(x == y for x, y in zip(*answers.values(), strict=True))
    assert 0 < both < 40
    for method in METHODS:
        questions = {"s": [(*words, answer) for words, answer in zip(asked, answers[method], strict=True)]}
        other = next(other for other in METHODS if other != method)
        assert score_analogies(vectors, questions, method)["s"].right == 40
        assert score_analogies(vectors, questions, other)["s"].right == both


# Files


def test_a_file_is_found_by_any_of_its_names_here_or_one_folder_below(tmp_path):
    assert find_file(tmp_path / "nowhere", ("a", "b")) is None
    (tmp_path / "a").mkdir()  # a folder of that name is no file
    assert find_file(tmp_path, ("a", "b")) is None
    (tmp_path / "a" / "b").touch()
    assert find_file(tmp_path, ("a", "b")) == tmp_path / "a" / "b"
    (tmp_path / "b").touch()
    assert find_file(tmp_path, ("a", "b")) == tmp_path / "b"
    (tmp_path / "a" / "a").touch()
    assert find_file(tmp_path, ("a", "b")) == tmp_path / "a" / "a"


def test_what_is_downloaded_is_where_it_is_looked_for():
    known = SIMILARITY_FILES | ANALOGY_FILES
    for data_set in EVALUATION_SETS:
        assert data_set.folder.parent == DEFAULT_FOLDER
        assert data_set.files.keys() <= set(known[data_set.title])


PAIRS = "old,new,1.5\ntall,high,9\nhot,cold,0.5\n"


def test_any_file_of_pairs_or_questions_is_a_set_by_its_name(tmp_path):
    texts = {
        "men.txt": "sun sunlight 50\n",
        "mine.csv": PAIRS,
        "theirs.data": 'first;second;score\n"old";"new";1,5\n',
        "more.txt": ": one\na b c d\n",
        "spaced": "\ufeffold new 1.5\r\n",
        "README.md": "| men.txt | pairs of words |\n\nWords and 3 numbers.\nNothing else.\n",
        "trace.csv": "iteration,loss\n10,27.1\n",
        "vectors.txt": "2 2\nthe 0.5 1\nof 1 2\n",
        "glove.txt": "the 0.5 1\n",
        "words.txt": "old\nnew\n",
        ".hidden.csv": PAIRS,
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n\x00")
    (tmp_path / "large.csv").write_text(PAIRS + "# " + " " * 10**7 + "\n", encoding="utf-8")
    pairs, questions = find_sets(tmp_path)
    assert {title: path.name for title, path in pairs.items()} == {
        "MEN": "men.txt", "mine": "mine.csv", "theirs": "theirs.data", "spaced": "spaced"
    }  # fmt: skip
    assert {title: path.name for title, path in questions.items()} == {"more": "more.txt"}
    assert find_sets(tmp_path / "nowhere") == ({}, {})


def test_two_files_of_one_name_are_two_sets(tmp_path):
    for name in ("mine.csv", "mine.txt"):
        (tmp_path / name).write_text(PAIRS, encoding="utf-8")
    assert list(find_sets(tmp_path)[0]) == ["mine", "mine.txt"]


# The published sets


def test_the_published_sets_are_read_whole(reference_folder):
    sizes = {title: len(read_pairs(find_file(reference_folder, names))) for title, names in SIMILARITY_FILES.items()}
    assert sizes == {"WordSim-353": 353, "SimLex-999": 999, "MEN": 3000, "Rare Words": 2034, "MTurk-287": 287}
    assert {len(asked) for asked in read_questions(reference_folder / "msr-analogies.txt").values()} == {8000}
    pairs, questions = find_sets(reference_folder)  # and nothing else that lies there
    assert (set(pairs), set(questions)) == (set(SIMILARITY_FILES), set(ANALOGY_FILES))
    questions = read_questions(find_file(reference_folder, ANALOGY_FILES["Google analogies"]))
    counts = summary({name: Accuracy(0, 0, len(asked)) for name, asked in questions.items()})
    assert len(questions) == 14
    assert {name: score.total for name, score in counts.items()} == {
        "semantic": 8869,
        "syntactic": 10675,
        "total": 19544,
    }


def test_how_much_of_the_published_sets_the_treebanks_vocabulary_covers(sst_folder, reference_folder):
    words = StanfordSentiment(sst_folder).words()
    vectors = WordVectors(words, np.random.default_rng(0).standard_normal((len(words), 2)))
    used = {
        title: score_pairs(vectors, read_pairs(find_file(reference_folder, names))).used
        for title, names in SIMILARITY_FILES.items()
    }
    assert used == {"WordSim-353": 232, "SimLex-999": 687, "MEN": 1598, "Rare Words": 245, "MTurk-287": 116}
    questions = read_questions(reference_folder / "questions-words.txt")
    known = set(words)
    countable = sum({word.lower() for word in q} <= known for asked in questions.values() for q in asked)
    assert summary(score_analogies(vectors, questions))["total"].used == countable
