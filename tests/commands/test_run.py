"""run.py as a person runs it: what it trains, prints and writes, and what each option changes."""

import csv
import random
import re
import sys
from types import SimpleNamespace

import numpy as np
import pytest

import run
from sgd import sgd
from utils import treebank as treebank_module
from utils.commands import inputs
from utils.commands.words import MAP_WORDS
from utils.system import console
from utils.treebank import StanfordSentiment
from word2vec import naiveSoftmaxLossAndGradient, negSamplingLossAndGradient, skipgram, word2vec_sgd_wrapper

ITERATIONS = 12


@pytest.fixture
def train(sample_folder, tmp_path, capsys):
    """Train on the small sample in this process: train("--dim", 4, out="folder") -> what came of it."""

    def call(*options, out="out", iterations=ITERATIONS, data=("--data", sample_folder)):
        folder = tmp_path / out
        arguments = [*data, "--iterations", iterations, "--out", folder, *options]
        with pytest.raises(SystemExit) as leaving:
            console.run(run.main, list(map(str, arguments)))
        printed, errors = capsys.readouterr()
        params = folder / f"saved_params_{iterations}.npy"
        return SimpleNamespace(
            status=leaving.value.code,
            out=printed,
            err=errors,
            losses=[line for line in printed.splitlines() if line.startswith("iter ")],
            folder=folder,
            params=np.load(params) if params.exists() else None,
            picture=folder / "word_vectors.png",
        )

    return call


@pytest.fixture
def mapped(monkeypatch):
    """The words and vectors of the map; neither it nor the loss curve is drawn."""
    given = {}

    def word_map(words, vectors, path, groups, title):
        given.update(words=list(words), vectors=vectors, path=path)

    monkeypatch.setattr("utils.pictures.wordmap.word_map", word_map)
    monkeypatch.setattr("utils.pictures.charts.loss_curve", lambda *arguments, **options: None)
    return given


def is_png(path):
    data = path.read_bytes()
    return data.startswith(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR") and data.endswith(b"IEND\xaeB`\x82")


# The whole way


def test_the_sample_is_trained_reported_and_drawn(command, tmp_path):
    called = command("run.py", "--sample", "--iterations", 30, "--out", "trial")
    assert called.returncode == 0, called.stderr
    assert called.stderr == ""
    lines = called.stdout.splitlines()
    losses = [line for line in lines if line.startswith("iter ")]
    assert [line.split(":")[0] for line in losses] == ["iter 10", "iter 20", "iter 30"]
    assert all(re.fullmatch(r"iter \d+: \d+\.\d{6}", line) for line in losses)
    assert f"final loss: {losses[-1].split()[-1]} (smoothed)" in lines
    assert "3000 sentences, " in called.stdout
    for word in ("great", "boring", "woman", "rain", "coffee"):
        assert sum(re.match(rf"  {word}( +\S+ -?\d\.\d\d){{5}}$", line) is not None for line in lines) == 1
    folder = tmp_path / "trial"
    written = ["word_vectors.txt", "word_vectors.png", "loss.png"]
    assert lines[-3:] == [f"wrote trial/{name}" for name in written]
    assert is_png(folder / "word_vectors.png") and is_png(folder / "loss.png")
    assert {path.name for path in folder.iterdir()} == {
        "saved_params_30.npy",
        "saved_state_30.json",
        "losses.csv",
        *written,
    }


@pytest.mark.parametrize(
    "loss, file, iterations",
    [("negative-sampling", "official_trace.csv", 100), ("naive-softmax", "official_trace_naive_softmax.csv", 20)],
)
def test_the_handouts_training_prints_the_handouts_losses(
    train, mapped, sst_folder, reference_folder, loss, file, iterations
):
    with (reference_folder / file).open(encoding="utf-8") as trace:
        reference = [f"iter {row['iteration']}: {row['loss']}" for row in csv.DictReader(trace)]
    trained = train("--loss", loss, data=("--data", sst_folder), iterations=iterations)
    assert trained.losses == reference[: iterations // 10]
    assert trained.params.shape == (39078, 10)


# Options against the plain path: its loops over windows and pairs, sgd, and the seeds


def plain(folder, *, dim=10, window=5, loss=None, batch=50, step=0.3, seeds=(31415, 9265), print_every=10):
    """The run with these settings, one window and one pair at a time: (parameters, printed lines)."""
    treebank = StanfordSentiment(folder)
    random.seed(seeds[0])
    np.random.seed(seeds[1])
    V = len(treebank.words())
    start = np.concatenate(((np.random.rand(V, dim) - 0.5) / dim, np.zeros((V, dim))))
    lines = []
    params = sgd(
        lambda x: word2vec_sgd_wrapper(skipgram, treebank.tokens(), x, treebank, window, loss, batch),
        start,
        step,
        ITERATIONS,
        PRINT_EVERY=print_every,
        report=lambda iteration, loss: lines.append(f"iter {iteration}: {loss:f}"),
    )
    return params, lines


def negative_sampling(K):
    # Wrapped, it is not known to `skipgram`, which then calls it for each pair.
    return lambda v, outside, U, dataset: negSamplingLossAndGradient(v, outside, U, dataset, K)


def softmax(v, outside, U, dataset):
    return naiveSoftmaxLossAndGradient(v, outside, U, dataset)


@pytest.mark.parametrize(
    "options, settings",
    [
        ("", {"loss": negative_sampling(10)}),
        (
            "--dim 4 --window 3 --negatives 2 --batch 7 --step 0.8 --seed 77 --print-every 4",
            {
                "dim": 4,
                "window": 3,
                "loss": negative_sampling(2),
                "batch": 7,
                "step": 0.8,
                "seeds": (77, 77),
                "print_every": 4,
            },
        ),
        ("--loss naive-softmax --batch 5 --seed 0", {"loss": softmax, "batch": 5, "seeds": (0, 0)}),
    ],
)
def test_the_options_mean_what_they_say(train, mapped, sample_folder, options, settings):
    trained = train(*options.split())
    params, lines = plain(sample_folder, **settings)
    assert trained.params.shape == params.shape
    # Sums over a minibatch are taken in another order: a few units in the last place of numbers around 1.
    np.testing.assert_allclose(trained.params, params, rtol=0, atol=1e-12)
    assert trained.losses == lines


@pytest.mark.parametrize(
    "option",
    [
        *(("--loss", "naive-softmax"), ("--window", 4), ("--negatives", 9), ("--batch", 49)),
        *(("--step", 0.31), ("--seed", 31415), ("--dim", 9)),
    ],
)
def test_another_setting_gives_other_vectors(train, mapped, option):
    assert not np.array_equal(train(out="usual").params, train(*option, out="other").params)


def test_more_iterations_continue_fewer(train, mapped):
    few, whole = train(iterations=7), train(iterations=25, out="whole")
    more = train(iterations=25)
    assert "continuing from iteration 7 " in more.out
    assert few.losses + more.losses == whole.losses == more.losses
    assert more.params.tobytes() == whole.params.tobytes()
    assert not np.array_equal(few.params, whole.params)


def test_print_every_is_the_distance_of_the_lines(train, mapped):
    assert [line.split(":")[0] for line in train("--print-every", 5).losses] == ["iter 5", "iter 10"]


def test_on_a_terminal_there_is_a_progress_bar_instead_of_lines(train, mapped, monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    trained = train()
    assert trained.losses == []
    assert "12/12" in trained.err
    assert "loss=" in trained.err


def test_lines_that_are_asked_for_come_on_a_terminal_too(train, mapped, monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    trained = train("--print-every", 6)
    assert len(trained.losses) == 2
    assert trained.err == ""


def test_quiet_prints_nothing_and_trains_the_same(train, mapped):
    loud, quiet = train(out="loud"), train("--quiet", out="quiet")
    assert (quiet.status, quiet.out, quiet.err) == (0, "", "")
    assert quiet.params.tobytes() == loud.params.tobytes()
    assert mapped["path"] == quiet.picture


# The map and the neighbours


@pytest.mark.parametrize(
    "options, words", [([], list(MAP_WORDS)), (["--words", "tea,the,coffee"], ["tea", "the", "coffee"])]
)
def test_the_map_shows_the_centre_vectors_of_the_words(train, mapped, sample_folder, options, words):
    trained = train(*options)
    tokens = StanfordSentiment(sample_folder).tokens()
    assert mapped["words"] == words
    assert np.array_equal(mapped["vectors"], trained.params[[tokens[word] for word in words]])
    assert mapped["path"] == trained.picture


def test_an_unknown_word_is_left_out_with_a_notice(train, mapped):
    trained = train("--words", "coffee,zyzzyva,tea")
    assert trained.status == 0
    assert trained.err == "not in the vocabulary, left out of the pictures: zyzzyva\n"
    assert mapped["words"] == ["coffee", "tea"]


def test_quiet_leaves_the_notice_out_too(train, mapped):
    assert train("--words", "coffee,zyzzyva,tea", "--quiet").err == ""
    assert mapped["words"] == ["coffee", "tea"]


def test_a_comma_too_many_is_no_word(train, mapped):
    trained = train("--words", " coffee,, tea,")
    assert trained.err == ""
    assert mapped["words"] == ["coffee", "tea"]


def test_one_word_is_enough_for_a_map(train):
    assert is_png(train("--words", "coffee").picture)


def test_the_neighbours_are_the_nearest_by_cosine(train, mapped, sample_folder):
    trained = train("--words", "coffee,rain,the")
    treebank = StanfordSentiment(sample_folder)
    counts = dict(zip(treebank.words(), treebank.counts().tolist(), strict=True))
    words = sorted(counts, key=lambda word: -counts[word])[:500]
    vectors = {word: trained.params[treebank.tokens()[word]] for word in words}
    assert "among the 500 most frequent words, by cosine:" in trained.out

    def cosine(one, other):
        a, b = vectors[one], vectors[other]
        return a @ b / np.sqrt((a @ a) * (b @ b))

    for word in ("coffee", "rain"):
        near = sorted((w for w in words if w != word), key=lambda w, word=word: -cosine(word, w))[:5]
        line = "  ".join([f"  {word:6}", *(f"{other} {cosine(word, other):.2f}" for other in near)])
        assert line in trained.out.splitlines()
    assert "\n  the" not in trained.out


# Where the data are, and where the results go


def test_the_default_data_are_where_get_datasets_puts_them(train, mapped, sample_folder, monkeypatch):
    for module in (inputs, treebank_module):
        monkeypatch.setattr(module, "DEFAULT_FOLDER", sample_folder)
    assert train(data=(), out="default").params.tobytes() == train(out="given").params.tobytes()


def test_results_go_to_the_current_folder_by_default(sample_folder, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run.main(["--data", str(sample_folder), "--iterations", "2"]) == 0
    names = {path.name for path in tmp_path.iterdir()}
    assert {"saved_params_2.npy", "saved_state_2.json", "word_vectors.png"} <= names


def test_a_finished_run_says_so_trains_nothing_and_draws_the_map(train, mapped):
    first = train()
    params = first.folder / f"saved_params_{ITERATIONS}.npy"
    stamp = params.stat()
    mapped.clear()
    again = train()
    assert "all 12 iterations are done, nothing is left to train" in again.out
    assert again.losses == []
    assert params.stat() == stamp
    assert mapped["path"] == again.picture
    final = re.compile("final loss: .*")
    assert final.findall(again.out) == final.findall(first.out) != []


def test_fresh_starts_anew_and_keeps_the_earlier_run(train, mapped):
    earlier = train("--seed", 1)
    fresh = train("--seed", 2, "--fresh")
    assert fresh.params.tobytes() == train("--seed", 2, out="clean").params.tobytes()
    kept = np.load(fresh.folder / "previous-1" / f"saved_params_{ITERATIONS}.npy")
    assert np.array_equal(kept, earlier.params)
    assert f"moved the earlier checkpoints to {fresh.folder / 'previous-1'}" in fresh.out


def test_fresh_in_an_empty_folder_moves_nothing(train, mapped):
    trained = train("--fresh")
    assert "moved" not in trained.out
    assert not (trained.folder / "previous-1").exists()
