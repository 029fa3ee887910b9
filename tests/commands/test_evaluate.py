"""evaluate.py as a user runs it: the table, what is left out, what each option changes, and the looking commands."""

import json
import math
import re
import sys
from types import SimpleNamespace

import numpy as np
import pytest

import evaluate
from utils.commands.neighbours import print_neighbours
from utils.commands.words import MAP_WORDS
from utils.scoring import sentiment
from utils.scoring import sets as evaluation_sets
from utils.scoring.sentiment import Classification, SentimentScore
from utils.scoring.table import Scores, table
from utils.system import console
from utils.vectors.subwords import NGrams, Subwords
from utils.vectors.wordvectors import WordVectors

# x at 0 degrees; of a, b, c, d the cosine with x grows. "m" is far from all.
ANGLES = {"x": 0, "a": 80, "b": 60, "c": 30, "d": 10, "m": 200}
WORDSIM = "Word 1\tWord 2\tHuman (mean)\nx\tA\t2\nx\tb\t1\nx\tc\t4\nx\td\t3.5\nx\tzebra\t9\n"  # rho 0.6, p 0.4
SIMLEX = "word1\tword2\tPOS\tSimLex999\nx\ta\tA\t4\nx\tb\tA\t3\nx\tc\tN\t2\nx\td\tV\t1\n"  # rho -1
# To a b c the answer is d by 3CosAdd: b - a + c points to 16 degrees. By products x is better: 1.5 * 1.866 / 1.174 is
# more than 1.643 * 1.940 / 1.342.
QUESTIONS = ": family\na b c d\nA B C D\na b c x\na zebra c d\n: gram1\na b c m\n"


def word2vec_text(vectors):
    lines = (f"{word} {' '.join(f'{number:.6f}' for number in vector)}\n" for word, vector in vectors.items())
    return f"{len(vectors)} {len(next(iter(vectors.values())))}\n" + "".join(lines)


@pytest.fixture
def vectors(tmp_path):
    """Write vectors: vectors("name.txt", {word: numbers}) -> path."""

    def write(name, content):
        path = tmp_path / name
        path.write_text(word2vec_text(content), encoding="utf-8")
        return path

    return write


@pytest.fixture
def plane(vectors):
    turned = {word: math.radians(angle) for word, angle in ANGLES.items()}
    return vectors("plane.txt", {word: (math.cos(angle), math.sin(angle)) for word, angle in turned.items()})


@pytest.fixture
def composing(tmp_path):
    """The words of the plane, and one bucket for all n-grams: every other word is composed to 50 degrees."""
    angles = np.radians([*ANGLES.values(), 50])
    places = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    WordVectors(ANGLES, places[:-1], Subwords(NGrams(4, 4, 1), places[-1:])).save(tmp_path / "composing.npz")
    return tmp_path / "composing.npz"


@pytest.fixture
def films(vectors):
    """Vectors of several lengths for some words of the sample treebank."""
    words = "great brilliant boring bad the it is very and a of , . film"
    return vectors("films.txt", {word: (i**2, (-1) ** i, i % 3) for i, word in enumerate(words.split(), start=1)})


@pytest.fixture
def sets(tmp_path):
    """The three evaluation sets, tiny, in their published formats and places."""
    contents = {"wordsim353/combined.tab": WORDSIM, "SimLex-999.txt": SIMLEX, "questions-words.txt": QUESTIONS}
    for name, text in contents.items():
        path = tmp_path / "sets" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path / "sets"


@pytest.fixture(autouse=True)
def nothing_installed(tmp_path, monkeypatch):
    """No data in the default places, whatever this machine has."""
    monkeypatch.delenv(evaluation_sets.VARIABLE, raising=False)
    monkeypatch.setattr(evaluation_sets, "DEFAULT_FOLDER", tmp_path / "no-sets")
    monkeypatch.setattr(evaluate, "DEFAULT_FOLDER", tmp_path / "no-treebank")


@pytest.fixture
def call(capsys):
    """Call the command in this process: call("map", file, ...) -> status, out, err, and the table's rows."""

    def call(*arguments):
        with pytest.raises(SystemExit) as leaving:
            console.run(evaluate.main, list(map(str, arguments)))
        out, err = capsys.readouterr()
        rows = {line[:40].split("  ")[0]: re.split(r" {2,}", line)[1:] for line in out.splitlines()}
        return SimpleNamespace(status=leaving.value.code, out=out, err=err, rows=rows)

    return call


def refused(called, *parts):
    """Whether the call ended with status 2 and one line on standard error that has all these parts."""
    assert (called.status, called.err.count("\n")) == (2, 1), called.err
    return called.err.startswith("error: ") and all(str(part) in called.err for part in parts)


# The table


def test_similarity_and_analogies_are_a_table_with_their_coverage(call, plane, sets):
    called = call(plane, "--sets", sets, "--only", "similarity,analogies")
    assert (called.status, called.err) == (0, "")
    lines = [line.split() for line in called.out.splitlines()]
    for line in [
        [str(plane)],
        ["words", "6"],
        ["dimensions", "2"],
        ["WordSim-353", "0.600", "[-1.000,", "1.000]", "4", "of", "5"],
        ["SimLex-999", "-1.000", "[-1.000,", "-1.000]", "4", "of", "4"],
    ]:
        assert line in lines
    assert ["family", "66.7", "33.3", "3", "of", "4"] in lines
    assert ["gram1", "0.0", "0.0", "1", "of", "1"] in lines
    assert ["semantic", "66.7", "33.3", "3", "of", "4"] in lines
    assert ["syntactic", "0.0", "0.0", "1", "of", "1"] in lines
    assert ["total", "50.0", "25.0", "4", "of", "5"] in lines
    assert "sentiment" not in called.out


def test_each_file_has_a_column_and_score_is_what_is_done_without_a_command(call, plane, vectors, sets):
    options = ("--sets", sets, "--only", "similarity,analogies")
    other = vectors("other.txt", {word: (1, i) for i, word in enumerate("xdabm")})  # without c
    called = call(plane, other, *options)
    assert called.out == call("score", plane, other, *options).out == call(*options, plane, other).out
    assert called.rows["words"] == ["6", "5"]
    # Only x-a, x-b and x-d have all their words in both: cosines a < b < d here, b < a < d there; judged 2, 1 and 3.5.
    assert called.rows["WordSim-353"][0].startswith("0.500 ") and called.rows["WordSim-353"][-2:] == ["3 of", "5"]
    assert re.search(r"less the first file's +\+0.500 \[", called.out)  # 1 less 0.5
    assert called.rows["family"] == ["-", "-", "0 of", "4"] * 2
    assert "scored on what all of these files cover" in called.out
    rows = [line for line in called.out.splitlines()[1:] if re.search(r"\d of +\d", line)]
    widths = {len(line) for line in rows}
    assert len(widths) == 1  # aligned on the right


def test_sentiment_comes_with_its_floors_and_its_coverage(call, films, sample_folder):
    called = call(films, "--data", sample_folder, "--seeds", 1)
    assert called.status == 0
    assert "5 classes" in called.out or "five classes" in called.out
    three = r"\d+\.\d / \d+\.\d / \d+\.\d"
    for row in ("these vectors", "random vectors, mean of 1", "commonest class"):
        assert re.fullmatch(three, called.rows[row][0])
    assert re.fullmatch(r"\d\.\d", called.rows["standard error on test"][0])
    assert re.fullmatch(r"\d+\.\d %", called.rows["words of the text with a vector"][0])
    assert called.rows["trained on text of dev and test"] == ["not known"]
    assert "have seen the text of dev and test" in called.out
    assert "... scaled to unit length" not in called.rows


def test_the_figures_of_the_table_are_the_scores():
    own = Classification({"train": 0.5, "dev": 0.25, "test": 0.125}, 0.01, [])
    unit = Classification({"train": 0.75, "dev": 0.5, "test": 0.375}, 1.0, [])
    floors = ({"train": 0.1, "dev": 0.2, "test": 0.3}, {"train": 0.4, "dev": 0.6, "test": 0.7})
    feeling = SentimentScore(own, unit, *floors, test_error=0.0123, used=1999, total=2000, empty=1234, seen=True)
    columns = [Scores("f", 3, 2, {}, {}, feeling)]
    lines = table(columns, SimpleNamespace(restrict=9, unit_length=True, seeds=4))
    rows = {tuple(re.split(r" {2,}", line)) for line in lines}
    assert rows >= {
        ("these vectors", "50.0 / 25.0 / 12.5"),
        ("... scaled to unit length", "75.0 / 50.0 / 37.5"),
        ("random vectors, mean of 4", "10.0 / 20.0 / 30.0"),
        ("commonest class", "40.0 / 60.0 / 70.0"),
        ("standard error on test", "1.2"),
        ("regularization C, best on dev", "0.01"),
        ("words of the text with a vector", "100.0 %"),
        ("sentences without any", "1,234"),
        ("trained on text of dev and test", "probably"),
    }


def test_it_runs_as_a_command(command, plane, sets):
    called = command("evaluate.py", plane, "--only", "similarity", env={"EVAL_SETS": str(sets)})
    assert (called.returncode, called.stderr) == (0, "")
    assert "0.600 [-1.000,  1.000]      4 of     5" in called.stdout


# What is missing


def test_what_has_no_data_is_left_out_with_a_line_that_says_how_to_get_them(call, plane, sets, sample_folder):
    called = call(plane, "--sets", sets)
    assert called.status == 0
    left_out = [line for line in called.out.splitlines() if line.startswith("left out: ")]
    assert len(left_out) == 2
    assert "MEN, Rare Words" in left_out[0] and "MTurk" not in left_out[0]  # which cannot be fetched
    assert "sentiment" in left_out[1] and "get_datasets.sh" in left_out[1] and "--sample" in left_out[1]
    (sets / "SimLex-999.txt").unlink()
    called = call(plane, "--sets", sets, "--data", sample_folder, "--seeds", 1)
    left_out = [line for line in called.out.splitlines() if line.startswith("left out: ")]
    assert len(left_out) == 1
    assert "SimLex-999" in left_out[0] and "get_datasets.sh evaluation" in left_out[0]
    assert "SimLex-999" not in called.rows
    assert {"WordSim-353", "family", "these vectors"} <= set(called.rows)


def test_with_no_data_at_all_there_is_nothing_to_do(call, plane):
    called = call(plane)
    assert refused(called, "nothing to score with", "get_datasets.sh evaluation", "--sample")
    assert called.out == ""


@pytest.mark.parametrize("task", ["similarity", "analogies", "sentiment"])
def test_what_is_asked_for_must_be_there(call, plane, task, sample_folder):
    data = () if task == "sentiment" else ("--data", sample_folder)
    assert refused(call(plane, "--only", task, *data), task, "get_datasets.sh")


@pytest.mark.parametrize("option", [("--normalize",), ("--confusion", "c.png")])
def test_an_option_of_sentiment_asks_for_sentiment(call, plane, sets, option):
    assert refused(call(plane, "--sets", sets, *option), "sentiment", "get_datasets.sh")
    assert refused(call(plane, "--sets", sets, *option, "--only", "similarity"), option[0], "sentiment")


def test_places_that_are_given_must_hold_what_is_looked_for(call, plane, tmp_path, sample_folder):
    assert refused(call(plane, "--sets", tmp_path / "none"), tmp_path / "none", "--sets")
    (tmp_path / "empty").mkdir()
    assert refused(call(plane, "--sets", tmp_path / "empty", "--data", sample_folder), "empty", "questions-words.txt")
    assert refused(call(plane, "--data", tmp_path / "none"), tmp_path / "none")


def test_a_malformed_set_is_told_with_file_and_line(call, plane, sets):
    (sets / "questions-words.txt").write_text(": family\na b c\n", encoding="utf-8")
    assert refused(call(plane, "--sets", sets), "questions-words.txt, line 2")
    (sets / "SimLex-999.txt").write_text("a\tb\n", encoding="utf-8")
    assert refused(call(plane, "--sets", sets), "SimLex-999.txt, line 1")


def test_a_missing_file_is_named_before_missing_data(call, plane):
    assert refused(call(plane, "nowhere.txt"), "nowhere.txt is missing")
    assert refused(call(plane), "there is nothing to score with")


# Options of the table


def test_the_place_of_the_sets_can_be_given_by_the_environment_and_the_option_wins(call, plane, sets, monkeypatch):
    monkeypatch.setenv(evaluation_sets.VARIABLE, str(sets))
    assert call(plane, "--only", "similarity").rows["WordSim-353"][0].split()[0] == "0.600"
    monkeypatch.setenv(evaluation_sets.VARIABLE, str(sets / "nowhere"))
    assert call(plane, "--only", "similarity").status == 2
    assert call(plane, "--only", "similarity", "--sets", sets).status == 0


@pytest.mark.parametrize("task, row", [("similarity", "SimLex-999"), ("analogies", "family")])
def test_only_leaves_the_other_tasks_out(call, plane, sets, task, row):
    called = call(plane, "--sets", sets, "--only", task)
    assert (called.status, row in called.rows) == (0, True)
    assert "sentiment" not in called.out
    assert len({"SimLex-999", "family", "these vectors"} & set(called.rows)) == 1


def test_restrict_and_limit_take_the_first_words(call, plane, sets):
    usual = call(plane, "--sets", sets)
    restricted = call(plane, "--sets", sets, "--restrict", 5)
    assert restricted.rows["gram1"] == ["-", "-", "0 of", "1"]
    assert restricted.rows["words"] == usual.rows["words"] == ["6"]
    assert "first 5 words" in restricted.out
    limited = call(plane, "--sets", sets, "--limit", 4)
    assert limited.rows["words"] == ["4"]
    assert limited.rows["SimLex-999"][-2:] == ["3 of", "4"]


def test_normalize_adds_the_row_of_unit_vectors(call, films, sample_folder):
    usual = call(films, "--data", sample_folder, "--seeds", 1)
    both = call(films, "--data", sample_folder, "--seeds", 1, "--normalize")
    assert both.rows["these vectors"] == usual.rows["these vectors"]
    assert both.rows["... scaled to unit length"] != both.rows["these vectors"]


def test_seeds_is_how_many_random_vectors_there_are(call, films, sample_folder):
    one, four = (call(films, "--data", sample_folder, "--seeds", n) for n in (1, 4))
    assert one.rows["random vectors, mean of 1"] != four.rows["random vectors, mean of 4"]
    assert one.rows["these vectors"] == four.rows["these vectors"]


def test_sample_scores_on_the_built_in_treebank(call, films):
    called = call(films, "--sample", "--seeds", 1)
    assert called.status == 0
    assert called.rows["commonest class"]
    assert float(called.rows["standard error on test"][0]) < 3  # of 559 test sentences, not of 75


def test_confusion_draws_a_panel_for_each_file(call, films, plane, sample_folder, tmp_path, monkeypatch):
    picture = tmp_path / "c.png"
    called = call(films, "--data", sample_folder, "--seeds", 1, "--confusion", picture)
    assert called.out.splitlines()[-1] == f"wrote {picture}"
    assert picture.read_bytes().startswith(b"\x89PNG")
    drawn = []
    monkeypatch.setattr("utils.pictures.confusion.confusion_picture", lambda *arguments: drawn.append(arguments))
    call(films, plane, "--data", sample_folder, "--seeds", 1, "--confusion", picture)
    [(matrices, classes, path)] = drawn
    assert ([title for title, _ in matrices], path) == ([str(films), str(plane)], str(picture))
    assert classes == sentiment.CLASSES
    assert all(sum(map(sum, counts)) == 75 for _, counts in matrices)


def test_json_holds_all_scores(call, plane, films, sets, sample_folder, tmp_path):
    path = tmp_path / "scores.json"
    arguments = (plane, films, "--sets", sets, "--data", sample_folder, "--seeds", 1)
    called = call(*arguments, "--json", path)
    assert called.out == call(*arguments).out + f"wrote {path}\n"
    one, two = json.loads(path.read_text(encoding="utf-8"))
    assert (one["file"], one["words"], one["dimensions"]) == (str(plane), 6, 2)
    assert one["similarity"]["WordSim-353"]["used"] == two["similarity"]["WordSim-353"]["used"] == 0  # films has none
    analogies = one["analogies"]["Google analogies"]
    assert analogies["3CosMul"]["sections"]["family"] == {"right": 0, "used": 0, "total": 4}
    assert analogies["nearest to c"] == {"right": 0, "used": 0, "total": 5}
    shown = " / ".join(f"{100 * two['sentiment']['vectors']['accuracy'][name]:.1f}" for name in sentiment.SPLITS)
    assert called.rows["these vectors"][1] == shown
    assert len(two["sentiment"]["vectors"]["confusion"]) == 5
    call(plane, plane, *arguments[2:], "--json", path)
    one, two = json.loads(path.read_text(encoding="utf-8"))
    score = one["similarity"]["WordSim-353"]
    assert (score["rho"], score["p"]) == (pytest.approx(0.6), pytest.approx(0.4))
    assert (score["used"], score["total"], score["interval"]) == (4, 5, [-1, 1])
    assert score["less_first"] is None
    assert two["similarity"]["WordSim-353"]["less_first_interval"] == [0, 0]
    method = two["analogies"]["Google analogies"]["3CosAdd"]
    assert method["sections"]["total"] == {"right": 2, "used": 4, "total": 5}
    assert (method["let_in"]["used"], method["less_first"], method["less_first_interval"]) == (4, 0, [0, 0])
    assert 0 <= method["interval"][0] < 0.5 < method["interval"][1] <= 1


def test_composed_words_are_scored_and_counted(call, composing, plane, sets, tmp_path):
    options = ("--sets", sets, "--only", "similarity,analogies", "--json", tmp_path / "scores.json")
    called = call(composing, *options)
    # By falling cosine d c zebra b a, by judgement zebra c d a b: 1 - 6 (4 + 0 + 4 + 1 + 1) / 120.
    assert called.rows["WordSim-353"][0].startswith("0.500 ")
    assert called.rows["WordSim-353"][-2:] == ["5 of", "5"]
    assert called.rows["family"][-2:] == ["3 of", "4"]
    (scores,) = json.loads((tmp_path / "scores.json").read_text())
    assert {title: score["composed"] for title, score in scores["similarity"].items()} == {
        "WordSim-353": 1,
        "SimLex-999": 0,
    }
    # zebra is at 50 degrees: zebra - a + c points to 12, near d; by products x, 0.821 * 0.933 / 0.587, is before d.
    assert scores["analogies"]["Google analogies"]["3CosAdd"]["composed"] == {"right": 1, "used": 1, "total": 5}
    counted = [line.split() for line in called.out.splitlines() if "a composed word" in line]
    assert [words[-1] for words in counted] == [
        "1",
        "1",
    ]  # below WordSim-353, and of the analogies: SimLex-999 has none
    assert counted[1] == ["others,", "with", "a", "composed", "word", "100.0", "0.0", "1"]
    # Beside a file that does not have the word, the pair is left out for both.
    called = call(composing, plane, *options)
    assert called.rows["WordSim-353"][-2:] == ["4 of", "5"]
    assert called.out.count("composed word") == 1  # the question of the analogies, which are each file's own


def test_composed_words_of_sentences_are_counted(call, composing, sample_folder, tmp_path):
    called = call(composing, "--data", sample_folder, "--only", "sentiment", "--json", tmp_path / "scores.json")
    assert called.rows["words of the text with a vector"] != ["100.0 %"]  # "," and "I" have no n-gram of four
    (scores,) = json.loads((tmp_path / "scores.json").read_text())
    feeling = scores["sentiment"]
    assert 0 < feeling["composed"] < feeling["used"] <= feeling["total"]
    assert f"{feeling['composed']:,}" in next(line for line in called.out.splitlines() if "composed word" in line)


# Looking


def answers(out):
    """The lines of answers: (word, figure) each."""
    return [tuple(line.split()) for line in out.splitlines() if line.startswith("  ")]


def test_neighbours_come_in_order_for_each_word(call, plane):
    called = call("neighbours", plane, "x", "A", "-n", 2)
    assert called.status == 0
    assert answers(called.out) == [
        ("d", f"{math.cos(math.radians(10)):.3f}"),
        ("c", f"{math.cos(math.radians(30)):.3f}"),
        ("b", f"{math.cos(math.radians(20)):.3f}"),
        ("c", f"{math.cos(math.radians(50)):.3f}"),
    ]
    assert len(answers(call("neighbours", plane, "x").out)) == 5
    assert len(answers(call("neighbours", plane, "x", "--limit", 3).out)) == 2


FAR = {"one": (10, 1), "two": (10.5, 0), "three": (9, 1.5), "four": (10.5, -2.5)}


def test_the_mean_is_taken_away_where_it_is_most_of_each_vector(call, vectors, plane):
    # About their mean (10, 0) the first is nearest to the second no more.
    file = vectors("far.txt", FAR)
    called = call("neighbours", file, "two", "-n", 1)
    assert answers(called.out)[0][0] == "four"
    assert called.err.count("\n") == 1 and "mean cosine is 0.97 (--no-centre" in called.err
    assert answers(call("neighbours", file, "two", "-n", 1, "--no-centre").out)[0][0] == "one"
    assert call("neighbours", file, "two", "--centre").err == ""
    assert call("neighbours", file, "two", "--center").out == call("neighbours", file, "two").out
    assert call("neighbours", plane, "x", "--no-centre").out != call("neighbours", plane, "x", "--centre").out


def test_all_commands_show_the_same_vectors(call, vectors, tmp_path, monkeypatch):
    file = vectors("far.txt", FAR)
    drawn = []
    monkeypatch.setattr("utils.pictures.charts.heat_map", lambda matrix, *_, **__: drawn.append(matrix))
    monkeypatch.setattr("utils.pictures.webmap.html_map", lambda words, vectors, *_: drawn.append(vectors))
    for options in ((), ("--centre",), ("--no-centre",)):
        call("heatmap", file, "--words", "one,two", "--out", tmp_path / "h.png", *options)
        call("map", file, "--words", "one,two", "--out", tmp_path / "m.html", *options)
    (heat, centred, plain), (map_, map_centred, map_plain) = drawn[::2], drawn[1::2]
    assert (heat == centred).all() and (map_ == map_centred).all()
    assert heat[0, 1] < 0.5 < 0.99 < plain[0, 1]
    assert map_plain.tolist() == [[10, 1], [10.5, 0]] and abs(map_).max() < 1.1
    three = ("one", "two", "three")
    assert call("odd-one-out", file, *three).out == call("odd-one-out", file, *three, "--centre").out
    assert "about the mean" in call("analogy", file, *three).err


def test_neighbours_are_sought_among_the_first_words(call, plane):
    called = call("neighbours", plane, "m", "--restrict", 3, "--no-centre")
    assert "of the first 3 words" in called.out
    assert {word for word, _ in answers(called.out)} == {"x", "a", "b"}


def test_run_and_evaluate_list_the_same_neighbours(call, tmp_path, capsys):
    rng = np.random.default_rng(0)
    words, counts = [f"w{i}" for i in range(700)], rng.permutation(700)
    for common in (0.0, 5.0):
        vectors = WordVectors(words, (rng.standard_normal((700, 5)) + common).astype(np.float32))
        print_neighbours(["w3", "w600"], vectors, counts, print)
        listed = capsys.readouterr().out.splitlines()[1:]
        vectors.by_frequency(counts).save(tmp_path / "v.txt")
        for line in listed:
            word, *rest = line.split()
            found = [(name, f"{float(cosine):.3f}") for name, cosine in answers(call(
                "neighbours", tmp_path / "v.txt", word, "-n", 5).out)]  # fmt: skip
            assert rest[::2] == [name for name, _ in found]
            assert [float(cosine) for cosine in rest[1::2]] == pytest.approx([float(c) for _, c in found], abs=0.0056)


DASHES = {"--": (1, 0), "a": (1, 1), "b": (0, 1), "-n": (0.2, 1)}


@pytest.mark.parametrize(
    "words, asked",
    [(["--"], ["--"]), (["a", "--", "b"], ["a", "--", "b"]), (["--", "--"], ["--"]), (["--", "-n"], ["-n"]),
     (["b", "--"], ["b", "--"])],
)  # fmt: skip
def test_the_word_of_two_dashes_can_be_asked_about(call, vectors, words, asked):
    file = vectors("dashes.txt", DASHES)
    called = call("neighbours", file, *words)
    assert [line.split(",")[0] for line in called.out.splitlines() if ", nearest" in line] == asked
    assert call("neighbours", file, "-n", 1, *words).status == 0


@pytest.mark.parametrize("words", [["--", "a", "b"], ["a", "--", "b"], ["a", "b", "--"], ["--", "-n", "a", "--"]])
def test_two_dashes_in_an_analogy(call, vectors, words):
    called = call("analogy", vectors("dashes.txt", DASHES), *words)
    a, b, c = words if len(words) == 3 else words[1:]
    assert called.out.startswith(f"{a} is to {b} as {c} is to")
    assert call("odd-one-out", vectors("dashes.txt", DASHES), "a", "--", "b").status == 0


# Stability


def test_stability_counts_the_neighbours_that_stay(call, vectors, tmp_path):
    rng = np.random.default_rng(0)
    content = {f"w{i}": tuple(row) for i, row in enumerate(rng.standard_normal((150, 4)))}
    one = vectors("one.txt", content)
    same = vectors("same.txt", dict(reversed([*content.items()])))  # the same in another order
    other = vectors("other.txt", {word: tuple(rng.standard_normal(4)) for word in content})
    called = call("stability", one, same, "--json", tmp_path / "s.json")
    assert called.out.splitlines()[0] == "the 10 nearest neighbours in 2 files, among 150 words that all of them have:"
    assert called.out.splitlines()[2].split() == ["1", "-", "100", "100", "10.00", "[10.00,", "10.00]"]
    assert called.out.splitlines()[3].split()[:4] == ["101", "-", "150", "50"]
    content = json.loads((tmp_path / "s.json").read_text(encoding="utf-8"))
    assert content["common"] == 150 and content["bands"][0]["alike"] == 10
    alike = float(call("stability", one, other).out.splitlines()[2].split()[4])
    assert alike == pytest.approx(10 * 10 / 149, abs=0.3)  # by chance
    assert "among 20 words" in call("stability", one, other, "--restrict", 20).out


def test_stability_wants_files_with_words_in_common(call, vectors, plane):
    assert refused(call("stability", plane), "two files")
    assert refused(call("stability", plane, plane), "more than 10 words", "got 6")


def test_analogy_answers_by_both_methods(call, plane):
    called = call("analogy", plane, "A", "b", "c", "-n", 1)
    assert [word for word, _ in answers(called.out)] == ["d", "x"]
    assert "3CosAdd" in called.out and "3CosMul" in called.out
    assert len(answers(call("analogy", plane, "a", "b", "c").out)) == 6


def test_odd_one_out_is_one_word(call, plane):
    assert call("odd-one-out", plane, "x", "D", "m", "c").out == "m\n"


def test_unknown_words_are_composed_and_marked(call, composing, tmp_path):
    called = call("neighbours", composing, "zebra", "c", "-n", "1", "--no-centre")
    lines = called.out.splitlines()
    assert lines[0].startswith("zebra (composed from n-grams), nearest of the first 6 words by cosine")
    assert lines[1].split() == ["b", "0.985"]  # 10 degrees away
    assert lines[2].startswith("c, nearest")
    called = call("analogy", composing, "zebra", "b", "Cobra", "--no-centre")
    heading = "zebra (composed from n-grams) is to b as cobra (composed from n-grams) is to, by 3CosAdd:"
    assert called.out.splitlines()[0] == heading
    called = call("odd-one-out", composing, "zebra", "b", "m", "--no-centre")
    assert (called.out, called.err) == ("m\n", "composed from n-grams: zebra\n")
    for command, name in (("map", "map.html"), ("heatmap", "heat.png")):
        called = call(command, composing, "--words", "a,zebra,d", "--out", tmp_path / name)
        assert (called.status, (tmp_path / name).exists()) == (0, True)
        assert "composed from n-grams: zebra\n" in called.err


@pytest.mark.parametrize("command, words", [("neighbours", "az"), ("analogy", "abZ"), ("odd-one-out", "abz")])
def test_an_unknown_word_is_told(call, plane, command, words):
    called = call(command, plane, *words)
    assert refused(called, repr(words[-1]))
    assert called.out == ""


@pytest.mark.parametrize("ending, start", [(".png", b"\x89PNG"), (".HTML", b"<!DOCTYPE html")])
def test_a_map_is_a_picture_or_a_page(call, plane, tmp_path, ending, start):
    path = tmp_path / f"map{ending}"
    called = call("map", plane, "--words", "x, A,zebra,a,m", "--out", path)
    assert (called.status, called.out) == (0, f"wrote {path}\n")
    assert called.err == f"not in {plane}, left out: zebra\n"
    assert path.read_bytes()[: len(start)].lower() == start.lower()


def test_the_words_of_a_map_can_be_chosen(call, plane, films, tmp_path, monkeypatch):
    drawn = []
    picture = "utils.pictures.wordmap.word_map"
    monkeypatch.setattr(picture, lambda words, vectors, *_: drawn.append((words, vectors.shape)))
    for file, *options in [(plane, "--words", "x,A,a"), (plane, "--top", 4), (films,)]:
        assert call("map", file, *options, "--out", tmp_path / "m.png").status == 0
    # These vectors have four of the handout's words, too few: the frequent words that they have are drawn instead.
    assert drawn[:2] == [(["x", "a"], (2, 2)), (["x", "a", "b", "c"], (4, 2))]
    assert set(drawn[2][0]) > {"great", "brilliant", "boring", "bad"}
    of_the_handout = tmp_path / "handout.txt"
    lines = "".join(f"{word} {i} 1\n" for i, word in enumerate(["zebra", *reversed(MAP_WORDS[:13])]))
    of_the_handout.write_text(lines, encoding="utf-8")
    assert call("map", of_the_handout, "--out", tmp_path / "m.png").status == 0
    assert drawn[3][0] == list(MAP_WORDS[:13])
    assert call("map", plane, "--top", 4, "--words", "x", "--out", "m.png").status == 2


def test_a_map_that_cannot_be_drawn_is_told(call, plane, tmp_path):
    called = call("map", plane, "--words", "no,none", "--out", tmp_path / "m.png")
    assert refused(called, "none of the words", "--words")
    assert refused(call("map", plane, "--words", ",", "--out", tmp_path / "m.png"), "--words")
    assert refused(call("map", plane, "--words", "x,a", "--out", tmp_path / "m.gif"), "m.gif", ".html")
    assert refused(call("map", plane, "--words", "x,a"), "--out")
    many = tmp_path / "many.txt"
    many.write_text("".join(f"w{i} {i} 1\n" for i in range(6000)), encoding="utf-8")
    called = call("map", many, "--top", 5500, "--no-centre", "--out", tmp_path / "m.png")
    assert refused(called, "5500", f"--out {tmp_path / 'm.html'}")


def test_a_heat_map_shows_the_cosines(call, plane, tmp_path, monkeypatch):
    path = tmp_path / "h.png"
    assert call("heatmap", plane, "--words", "x,b,m", "--out", path).out == f"wrote {path}\n"
    assert path.read_bytes().startswith(b"\x89PNG")
    drawn = []
    picture = "utils.pictures.charts.heat_map"
    monkeypatch.setattr(picture, lambda matrix, *words, **options: drawn.append((matrix, words)))
    call("heatmap", plane, "--words", "x,b,m", "--out", path)
    call("heatmap", plane, "--words", "x,b,m", "--out", path, "--centre")
    matrix, words = drawn[0]
    assert words == (["x", "b", "m"], ["x", "b", "m"], str(path))
    cosines = [[math.cos(math.radians(p - q)) for q in (0, 60, 200)] for p in (0, 60, 200)]
    assert abs(matrix - cosines).max() < 1e-5  # the file has six digits
    assert abs(matrix - drawn[1][0]).max() > 0.1


# The command line


@pytest.mark.parametrize(
    "arguments, part",
    [
        ((), "FILE"),
        (("--only", "spelling", "f.txt"), "spelling"),
        (("f.txt", "--restrict", "0"), "--restrict"),
        (("f.txt", "--data", "a", "--sample"), "--sample"),
        (("map",), "FILE"),
        (("f.txt", "--frobnicate"), "--frobnicate"),
    ],
)
def test_a_mistake_on_the_command_line_is_one_line(call, arguments, part):
    assert refused(call(*arguments), part)


@pytest.mark.parametrize(
    "typed, meant",
    [("neighbors", "neighbors"), ("neighbuors", "neighbours"), ("Analogy", "analogy"), ("odd-one", "odd-one-out")],
)
def test_a_mistyped_command_is_told_what_was_meant(call, plane, typed, meant):
    called = call(typed, plane, "x", "a", "b")
    if typed == "neighbors":
        assert called.out == call("neighbours", plane, "x", "a", "b").out != ""
    else:
        assert refused(called, repr(typed), f"did you mean {meant}?")


def test_a_file_may_be_called_like_a_command(call, plane, sets, monkeypatch):
    monkeypatch.chdir(plane.parent)
    plane.rename(plane.parent / "maps")
    assert call("maps", "--sets", sets, "--only", "similarity").status == 0


def test_what_is_read_is_not_written_over(call, plane, sets):
    before = plane.read_bytes()
    assert refused(call(plane, "--sets", sets, "--json", plane), "written over")
    assert plane.read_bytes() == before


@pytest.mark.parametrize("command", [(), ("stability",)])
def test_a_missing_folder_for_the_json_is_said_before_the_work(call, plane, sets, command, monkeypatch):
    monkeypatch.setattr(evaluate, "load_vectors", None)
    options = ("--sets", sets) if not command else (plane,)
    assert refused(call(*command, plane, *options, "--json", "nowhere/a.json"), "the folder nowhere, where a.json")


def test_strict_refuses_words_that_are_not_utf_8(call, tmp_path):
    path = tmp_path / "cut.txt"
    path.write_bytes(b"2 2\ncaf\xc3 1 2\nthe 2 1\n")
    assert "U+FFFD" in call("neighbours", path, "the").err
    assert refused(call("neighbours", path, "the", "--strict"), "line 2: not UTF-8")


def test_a_file_that_is_missing_is_told(call, sets, tmp_path):
    assert refused(call(tmp_path / "none.txt", "--sets", sets), "none.txt")


def test_help_names_every_command(call):
    called = call("--help")
    assert called.status == 0
    for command in evaluate.COMMANDS:
        assert re.search(rf"^ +{command}\b", called.out, flags=re.MULTILINE)
        assert call(command, "--help").status == 0


def test_progress_is_not_shown_where_there_is_no_terminal(call, plane, sets):
    assert not sys.stderr.isatty()
    assert call(plane, "--sets", sets).err == ""
