"""run.py --init, --continue and --freeze: what a training starts from, what moves, what is refused."""

import json
import shutil
from types import SimpleNamespace

import numpy as np
import pytest

import run
from epochs import STEP, Trainer
from utils.commands.beginnings import VOCABULARY, Beginning, Taken, from_run, from_vectors
from utils.runs.checkpoints import Checkpoints
from utils.system import console
from utils.system.errors import InputError
from utils.vectors.files import load_vectors, save_vectors
from utils.vectors.wordvectors import WordVectors

OLD = ["red green blue", "green blue red", "Blue green", "red grey green blue"]
MORE = ["red pink blue", "pink green mauve", "green pink blue", "mauve pink red mauve"]
SMALL = ("--dim", 4, "--epochs", 2, "--min-count", 2)
TRAINED = {"red": [1, 2], "green": [3, 4], "blue": [5, 6]}


def write(path, lines):
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def train(tmp_path, capsys, monkeypatch):
    """Call run.py in this process: train("--corpus", file, out="folder") -> what came of it. Nothing is drawn."""
    for name in ("wordmap.word_map", "charts.loss_curve"):
        monkeypatch.setattr(f"utils.pictures.{name}", lambda *args, **options: None)
    monkeypatch.setenv("EVAL_SETS", str(tmp_path / "no sets"))

    def call(*options, out):
        with pytest.raises(SystemExit) as leaving:
            console.run(run.main, [*map(str, ("--out", tmp_path / out, *options))])
        printed, errors = capsys.readouterr()
        file = tmp_path / out / "word_vectors.txt"
        vectors = load_vectors(file) if file.exists() else None
        return SimpleNamespace(
            status=leaving.value.code, out=printed, err=errors, vectors=vectors, folder=tmp_path / out
        )

    return call


@pytest.fixture
def texts(tmp_path):
    return SimpleNamespace(old=write(tmp_path / "old.txt", OLD), more=write(tmp_path / "more.txt", MORE))


@pytest.fixture
def old(train, texts):
    """A finished run."""
    return train("--corpus", texts.old, *SMALL, out="old").folder


def newest(folder):
    _, parameters, state = Checkpoints(folder).newest()
    return parameters, state["settings"]


def given(words, tmp_path):
    """A file of vectors."""
    file = tmp_path / "given.npz"
    save_vectors(file, WordVectors(list(words), np.array(list(words.values()), dtype=float)))
    return file


def no_training(monkeypatch):
    """Leave the vectors as they are at the start."""
    monkeypatch.setattr(Trainer, "train", lambda self, vectors, chunk: (1.0, 1))


# --init


def test_words_in_both_start_from_the_file_and_others_small(train, texts, tmp_path, monkeypatch):
    no_training(monkeypatch)
    file = given(TRAINED, tmp_path)
    trained = train("--corpus", texts.old, "--init", file, "--min-count", 1, out="new")
    assert trained.status == 0, trained.err
    assert f"3 words start from {file}, 1 new ones start small; the step starts at 0.05" in trained.out
    assert {word: trained.vectors[word].tolist() for word in TRAINED} == TRAINED
    assert 0 < np.abs(trained.vectors["grey"]).max() < 0.5 / 2
    parameters, _ = newest(trained.folder)
    assert not parameters[4:].any()  # output vectors start from zero


def test_what_is_learnt_depends_on_the_vectors_to_start_from(train, texts, tmp_path):
    options = ("--corpus", texts.old, "--min-count", 1, "--epochs", 2)
    plain = train(*options, "--dim", 2, out="plain").vectors
    begun = train(*options, "--init", given(TRAINED, tmp_path), out="begun").vectors
    assert not np.allclose(plain["red"], begun["red"])
    assert not np.array_equal(begun["red"], TRAINED["red"])  # and it moves


def test_the_treebank_can_start_from_vectors_too(train, tmp_path, monkeypatch):
    no_training(monkeypatch)
    file = given({"you": [1, 2], "nowhere-to-be-found": [0, 1]}, tmp_path)
    trained = train("--sample", "--epochs", 1, "--init", file, out="new")
    assert trained.status == 0, trained.err
    assert trained.vectors["you"].tolist() == [1, 2]
    assert "1 words start from" in trained.out


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("model", ["skip-gram", "cbow"])
def test_frozen_vectors_stay_to_the_bit_and_others_learn(train, texts, tmp_path, monkeypatch, workers, model):
    monkeypatch.setattr("utils.minibatches.chunks.CHUNK", 6)  # words: some chunks for each worker
    options = ("--corpus", texts.old, "--init", given(TRAINED, tmp_path), "--min-count", 1, "--subsample", 0)
    options += ("--model", model, "--workers", workers, "--epochs", 3)
    moved, frozen = train(*options, out="moved").vectors, train(*options, "--freeze", out="frozen").vectors
    assert {word: frozen[word].tolist() for word in TRAINED} == TRAINED
    assert all(moved[word].tolist() != TRAINED[word] for word in TRAINED)
    assert np.abs(frozen["grey"]).max() > 0


def test_how_far_words_have_moved_is_reported(capsys):
    beginning = Beginning("a file", ["a", "b", "c"], np.eye(3), None, None, "", {})
    taken = Taken(beginning, ["b", "new", "a"])
    after = np.array([[0, 3, 0], [1, 1, 1], [3, 4, 0]], float)  # b as it was, a turned to a cosine of 3 / 5
    assert taken.moved(after) == (
        "the 2 words of a file: their vectors' cosine with what they were is 0.800 on average, 0.600 at least (a)"
    )


def test_scores_before_and_after_are_those_of_the_pairs_that_both_have(tmp_path, monkeypatch):
    pairs = ["a b 9", "a c 5", "b c 1", "a d 3", "new a 7"]
    write(tmp_path / "mine.txt", [pair.replace(" ", "\t") for pair in pairs])
    monkeypatch.setenv("EVAL_SETS", str(tmp_path))
    before = {"a": [1, 0], "b": [4, 1], "c": [1, 3], "d": [1, -9]}
    beginning = Beginning("a file", list(before), np.array(list(before.values()), float), None, None, "", {})
    words = ["a", "b", "c", "d", "new"]
    after = np.array([[1, 0], [-4, 1], [1, 3], [1, -9], [1, 1]], float)
    (line,) = Taken(beginning, words).scores(after)
    # Cosines before: ab 0.970, ac 0.316, bc 0.537, ad 0.110 against 9, 5, 1, 3: ranks 4 2 3 1 and 4 3 1 2, so that
    # rho = 1 - 6 (0 + 1 + 4 + 1) / (4 * 15) = 0.4. After: ab -0.970, bc -0.077: ranks 1 4 2 3, so that it is
    # 1 - 6 (9 + 1 + 1 + 1) / 60.
    assert line.startswith("mine: 0.400 before, -0.200 now (-0.600, 95 % interval ")
    assert line.endswith("; 4 pairs that both have of 5)")


def test_the_vectors_are_saved_before_a_set_that_cannot_be_read_is_reported(train, texts, tmp_path, monkeypatch):
    (tmp_path / "sets").mkdir()
    write(tmp_path / "sets" / "men.txt", ["a b 1", "no number here"])
    monkeypatch.setenv("EVAL_SETS", str(tmp_path / "sets"))
    options = ("--corpus", texts.old, "--init", given(TRAINED, tmp_path), "--min-count", 1, "--epochs", 1)
    refused = train(*options, out="new")
    assert (refused.status, "men.txt, line 2" in refused.err) == (2, True)
    assert "red" in refused.vectors
    assert train(*options, "--quiet", out="quiet").status == 0


# --continue


def test_known_words_go_on_and_new_ones_come_behind_them(train, texts, old, monkeypatch):
    before, _ = newest(old)
    no_training(monkeypatch)
    longer = train("--corpus", texts.more, "--min-count", 2, "--continue", old, out="longer")
    assert longer.status == 0, longer.err
    kept = json.loads((longer.folder / VOCABULARY).read_bytes())
    assert kept["words"][:3] == ["green", "blue", "red"]  # of the old run, in its order
    assert kept["words"][3:] == ["pink", "mauve"]
    assert kept["counts"] == [4 + 2, 4 + 2, 3 + 2, 4, 3]
    after, _ = newest(longer.folder)
    assert np.array_equal(after[:3], before[:3])
    assert np.array_equal(after[5:8], before[3:])
    assert not after[8:].any()
    assert "3 words start from" in longer.out


def test_a_known_word_stays_however_rare_it_is_in_the_new_text(train, tmp_path, old):
    more = write(tmp_path / "few.txt", ["pink mauve pink mauve red"] + ["pink mauve"] * 5)
    longer = train("--corpus", more, "--min-count", 3, "--continue", old, out="longer")
    assert set(longer.vectors.words) == {"green", "blue", "red", "pink", "mauve"}
    assert json.loads((longer.folder / VOCABULARY).read_bytes())["counts"] == [4, 4, 4, 7, 7]


def test_the_settings_of_the_run_hold_unless_others_are_given(train, texts, tmp_path):
    options = ("--dim", 3, "--window", 2, "--negatives", 3, "--noise", 7, "--model", "cbow", "--dtype", "float64")
    options += ("--subsample", 0.5, "--subsample-form", "handout", "--keep-case", "--token-pattern", "[A-Za-z]+")
    first = train("--corpus", texts.old, *options, "--min-count", 1, out="first")
    longer = train("--corpus", texts.more, "--continue", first.folder, "--min-count", 2, out="longer")
    assert longer.status == 0, longer.err
    assert "Blue" in longer.vectors.words
    settings, earlier = (newest(run.folder)[1] for run in (longer, first))
    other = {name for name in earlier if settings[name] != earlier[name]}
    assert other == {"text", "step", "epochs", "batch"} & other
    assert settings["step"] == STEP["cbow"]
    changed = train(
        *("--corpus", texts.more, "--continue", first.folder, "--window", 1, "--step", 0.3, "--lowercase"),
        *("--min-count", 1),
        out="changed",
    )
    settings = newest(changed.folder)[1]
    assert (settings["window"], settings["step"], settings["negatives"]) == (1, 0.3, 3)


def test_noise_and_subsampling_go_by_the_counts_of_both_texts(train, texts, old, monkeypatch):
    seen = []
    monkeypatch.setattr(
        "trainings.Trainer", lambda counts, keep, *rest: seen.append((counts, keep)) or Trainer(counts, keep, *rest)
    )
    train("--corpus", texts.more, "--continue", old, "--min-count", 2, "--subsample", 0.1, out="longer")
    ((counts, keep),) = seen
    assert counts.tolist() == [6, 6, 5, 4, 3]
    share = 0.1 * 24 / np.array([6, 6, 5, 4, 3])  # t / f
    np.testing.assert_allclose(keep, np.minimum(1, np.sqrt(share) + share), rtol=1e-12)


def test_a_run_that_went_on_can_go_on_and_can_be_resumed(train, texts, old):
    first = train("--corpus", texts.more, "--continue", old, "--min-count", 2, out="first")
    again = train("--corpus", texts.more, "--continue", old, "--min-count", 2, out="first")
    assert "nothing is left to train" in again.out
    assert np.array_equal(again.vectors.vectors, first.vectors.vectors)
    second = train("--corpus", texts.old, "--continue", first.folder, "--min-count", 1, out="second")
    assert set(second.vectors.words) == {"green", "blue", "red", "pink", "mauve", "grey"}


def test_other_vectors_to_start_from_are_another_run(train, texts, old):
    train("--corpus", texts.more, "--continue", old, "--min-count", 2, out="longer")
    other = train("--corpus", texts.old, *SMALL, "--seed", 1, out="other").folder
    refused = train("--corpus", texts.more, "--continue", other, "--min-count", 2, out="longer")
    assert refused.status == 2
    assert "holds a run with beginning " in refused.err


def test_a_short_text_is_learnt_in_as_many_steps_as_if_it_were_alone(train, tmp_path, monkeypatch):
    monkeypatch.setattr("trainings.LEAST_STEPS", 4)
    long = write(tmp_path / "long.txt", ["red green blue grey"] * 500)
    short = write(tmp_path / "short.txt", ["red pink blue mauve"] * 20)
    first = train("--corpus", long, "--dim", 3, "--epochs", 1, out="first").folder
    assert newest(train("--corpus", short, "--continue", first, "--epochs", 1, out="more").folder)[1]["batch"] == 20


# What is refused


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--dim", 5, "--init", "given.npz"), "given.npz has vectors of 2 dimensions, got --dim 5"),
        (("--freeze",), "--freeze goes with --init or --continue"),
        (("--init", "nowhere.txt"), "nowhere.txt"),
        (("--init", "old.txt"), "old.txt"),
        (("--init", "given.npz", "--continue", "old"), "not allowed with"),
        (("--init", "other.npz"), "none of the text's 3 words is in other.npz, such as 'green'"),
        (("--init", "given.npz", "--save", "given.npz"), "given.npz would be written over given.npz, which is read"),
        (("--continue", "nowhere"), "nowhere is not a folder"),
        (("--continue", "empty"), "empty has no checkpoint that can be read"),
        (("--continue", "."), "has no checkpoint"),
        (("--dim", 5, "--continue", "old"), "old has vectors of 4 dimensions, got --dim 5"),
        (("--continue", "handout"), f"handout has no {VOCABULARY}"),
        (("--continue", "old", "--out", "old"), "--continue old is --out, too"),
        (("--init", "given.npz", "--subwords", "3-6"), "--subwords does not go with --init"),
        (("--continue", "old", "--subwords", "3-6"), "--subwords does not go with --continue"),
        (("--continue", "ngrams"), "the run in ngrams has vectors that n-grams share (--subwords)"),
    ],
)
def test_what_a_training_cannot_start_from_is_one_line(train, texts, old, tmp_path, monkeypatch, options, said):
    monkeypatch.chdir(tmp_path)
    given(TRAINED, tmp_path)
    given({"rouge": [1, 2]}, tmp_path).rename("other.npz") if "other.npz" in options else None
    (tmp_path / "empty").mkdir()
    if "handout" in options:
        train("--sample", "--iterations", 2, out="handout")
    if "ngrams" in options:
        train("--corpus", texts.old, *SMALL, "--subwords", "2-3", out="ngrams")
    refused = train("--corpus", texts.old, "--min-count", 2, *options, out="new")
    assert refused.status == 2
    assert said in refused.err
    assert refused.err.count("\n") == 1
    assert not list((tmp_path / "new").glob("saved_*"))


def test_going_on_wants_more_text(train, old):
    refused = train("--epochs", 1, "--sample", "--continue", old, out="new")
    assert (refused.status, refused.err) == (2, "error: --continue wants more text: name it with --corpus\n")
    refused = train("--continue", old, out="new")
    assert refused.status == 2 and "--continue belongs to the training by epochs" in refused.err


def test_an_unfinished_run_is_finished_first(train, texts, monkeypatch):
    monkeypatch.setattr("utils.runs.loop.SAVE_EVERY", -1)
    monkeypatch.setattr("utils.minibatches.chunks.CHUNK", 6)
    folder = train("--corpus", texts.old, *SMALL, out="old").folder
    last, _, _ = Checkpoints(folder).newest()
    for file in folder.glob(f"saved_*_{last}.*"):
        file.unlink()
    with pytest.raises(InputError, match=f"is not finished \\({last - 1} of {last} chunks\\)"):
        from_run(folder)


@pytest.mark.parametrize(
    "change",
    [
        lambda kept: kept["words"].pop(),
        lambda kept: kept["words"].append("red"),
        lambda kept: kept["counts"].__setitem__(0, -1),
        lambda kept: kept["counts"].__setitem__(0, "4"),
        lambda kept: kept["text options"].update(lowercase_all=True),
        lambda kept: kept["text options"].update(token_pattern="("),
        lambda kept: kept.pop("chunks"),
        lambda kept: kept.clear(),
    ],
)
def test_a_vocabulary_that_somebody_has_changed_is_refused(old, tmp_path, change):
    copy = shutil.copytree(old, tmp_path / "copy")
    kept = json.loads((copy / VOCABULARY).read_bytes())
    change(kept)
    (copy / VOCABULARY).write_text(json.dumps(kept), encoding="utf-8")
    with pytest.raises(InputError, match=f"has no {VOCABULARY} that can be read"):
        from_run(copy)
    assert from_run(old).words == ["green", "blue", "red"]


def test_parameters_of_another_vocabulary_are_refused(old, tmp_path, train, texts):
    other = train("--corpus", texts.old, "--dim", 4, "--epochs", 2, "--min-count", 1, out="other").folder
    shutil.copy(other / VOCABULARY, old / VOCABULARY)
    with pytest.raises(InputError, match="does not belong to its"):
        from_run(old)


def test_vectors_of_every_format_are_taken(tmp_path):
    vectors = WordVectors(["a", "b"], np.array([[1, 2], [3, 4]], np.float32))
    for ending in (".txt", ".vec", ".glove", ".bin", ".npz"):
        save_vectors(tmp_path / f"v{ending}", vectors)
        beginning = from_vectors(tmp_path / f"v{ending}")
        assert beginning.words == ["a", "b"] and beginning.inputs.tolist() == [[1, 2], [3, 4]]
