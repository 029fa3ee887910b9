"""evaluate.py as a person runs it: the table, what is left out, what each option changes, and the looking commands."""

import json
import math
import re
import sys
from types import SimpleNamespace

import pytest

import evaluate
from utils.scoring import sentiment, wordsets
from utils.scoring.sentiment import Classification, SentimentScore
from utils.scoring.table import Scores, table
from utils.system import console

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
    monkeypatch.delenv(evaluate.SETS_VARIABLE, raising=False)
    monkeypatch.setattr(wordsets, "DEFAULT_FOLDER", tmp_path / "no-sets")
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
        ["WordSim-353", "0.600", "p", "0.4", "4", "of", "5"],
        ["SimLex-999", "-1.000", "p", "0", "4", "of", "4"],
    ]:
        assert line in lines
    assert ["family", "66.7", "33.3", "3", "of", "4"] in lines
    assert ["gram1", "0.0", "0.0", "1", "of", "1"] in lines
    assert ["semantic", "66.7", "33.3", "3", "of", "4"] in lines
    assert ["syntactic", "0.0", "0.0", "1", "of", "1"] in lines
    assert ["total", "50.0", "25.0", "4", "of", "5"] in lines
    assert "sentiment" not in called.out


def test_each_file_has_a_column_and_score_is_what_is_done_without_a_command(call, plane, films, sets):
    options = ("--sets", sets, "--only", "similarity,analogies")
    called = call(plane, films, *options)
    assert called.out == call("score", plane, films, *options).out == call(*options, plane, films).out
    assert called.rows["words"] == ["6", "14"]
    assert called.rows["WordSim-353"] == ["0.600", "p", "0.4", "4 of", "5", "-", "p", "-", "0 of", "5"]
    assert called.rows["family"] == ["66.7", "33.3", "3 of", "4", "-", "-", "0 of", "4"]
    widths = {len(line) for line in called.out.splitlines() if line and ":" not in line}
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
    assert "0.600  p     0.4    4 of   5" in called.stdout


# What is missing


def test_what_has_no_data_is_left_out_with_a_line_that_says_how_to_get_them(call, plane, sets, sample_folder):
    called = call(plane, "--sets", sets)
    assert called.status == 0
    left_out = [line for line in called.out.splitlines() if line.startswith("left out: ")]
    assert len(left_out) == 1
    assert "sentiment" in left_out[0] and "get_datasets.sh" in left_out[0] and "--sample" in left_out[0]
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


# Options of the table


def test_the_place_of_the_sets_can_be_given_by_the_environment_and_the_option_wins(call, plane, sets, monkeypatch):
    monkeypatch.setenv(evaluate.SETS_VARIABLE, str(sets))
    assert call(plane, "--only", "similarity").rows["WordSim-353"][0] == "0.600"
    monkeypatch.setenv(evaluate.SETS_VARIABLE, str(sets / "nowhere"))
    assert call(plane, "--only", "similarity").status == 2
    assert call(plane, "--only", "similarity", "--sets", sets).status == 0


@pytest.mark.parametrize("task, row", [("similarity", "SimLex-999"), ("analogies", "family")])
def test_only_leaves_the_other_tasks_out(call, plane, sets, task, row):
    called = call(plane, "--sets", sets, "--only", task)
    assert (called.status, row in called.rows) == (0, True)
    assert "left out" not in called.out
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
    monkeypatch.setattr(evaluate, "confusion_picture", lambda *arguments: drawn.append(arguments))
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
    assert one["similarity"]["WordSim-353"] == pytest.approx({"rho": 0.6, "p": 0.4, "used": 4, "total": 5})
    assert two["similarity"]["WordSim-353"] == {"rho": None, "p": None, "used": 0, "total": 5}
    assert one["analogies"]["3CosMul"]["family"] == {"right": 1, "used": 3, "total": 4}
    assert one["analogies"]["3CosAdd"]["total"] == {"right": 2, "used": 4, "total": 5}
    shown = " / ".join(f"{100 * two['sentiment']['vectors']['accuracy'][name]:.1f}" for name in sentiment.SPLITS)
    assert called.rows["these vectors"][1] == shown
    assert len(two["sentiment"]["vectors"]["confusion"]) == 5


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


def test_centre_takes_the_mean_away(call, vectors):
    # About their mean (10, 0) the first is nearest to the second no more.
    file = vectors("far.txt", {"one": (10, 1), "two": (10.5, 0), "three": (9, 1.5), "four": (10.5, -2.5)})
    assert answers(call("neighbours", file, "one", "-n", 1).out)[0][0] == "three"
    assert answers(call("neighbours", file, "two", "-n", 1).out)[0][0] == "one"
    assert answers(call("neighbours", file, "two", "-n", 1, "--centre").out)[0][0] == "four"


def test_analogy_answers_by_both_methods(call, plane):
    called = call("analogy", plane, "A", "b", "c", "-n", 1)
    assert [word for word, _ in answers(called.out)] == ["d", "x"]
    assert "3CosAdd" in called.out and "3CosMul" in called.out
    assert len(answers(call("analogy", plane, "a", "b", "c").out)) == 6


def test_odd_one_out_is_one_word(call, plane):
    assert call("odd-one-out", plane, "x", "D", "m", "c").out == "m\n"


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
    monkeypatch.setitem(evaluate.MAPS, ".png", lambda words, vectors, *_: drawn.append((words, vectors.shape)))
    for file, *options in [(plane, "--words", "x,A,a"), (plane, "--top", 4), (films,)]:
        assert call("map", file, *options, "--out", tmp_path / "m.png").status == 0
    # The default are the handout's words, of which these vectors have four.
    praise_and_blame = ["great", "brilliant", "boring", "bad"]
    assert drawn == [(["x", "a"], (2, 2)), (["x", "a", "b", "c"], (4, 2)), (praise_and_blame, (4, 3))]
    assert call("map", plane, "--top", 4, "--words", "x", "--out", "m.png").status == 2


def test_a_map_that_cannot_be_drawn_is_told(call, plane, tmp_path):
    assert refused(call("map", plane, "--out", tmp_path / "m.png"), "none of the words", "--words")
    assert refused(call("map", plane, "--words", ",", "--out", tmp_path / "m.png"), "--words")
    assert refused(call("map", plane, "--words", "x,a", "--out", tmp_path / "m.gif"), "m.gif", ".html")
    assert refused(call("map", plane, "--words", "x,a"), "--out")


def test_a_heat_map_shows_the_cosines(call, plane, tmp_path, monkeypatch):
    path = tmp_path / "h.png"
    assert call("heatmap", plane, "--words", "x,b,m", "--out", path).out == f"wrote {path}\n"
    assert path.read_bytes().startswith(b"\x89PNG")
    drawn = []
    monkeypatch.setattr(evaluate, "heat_map", lambda matrix, *words, **options: drawn.append((matrix, words)))
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
