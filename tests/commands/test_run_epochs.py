"""run.py --corpus and --epochs: what is trained, what each option changes, stopping and resuming, what is refused."""

import re
from types import SimpleNamespace

import numpy as np
import pytest

import epochs
import run
import trainings
from epochs import Settings, Trainer, subsampling
from utils.commands import options
from utils.commands.words import MAP_WORDS
from utils.corpus.reading import read_text
from utils.corpus.tokens import TextOptions
from utils.minibatches.chunks import Chunks
from utils.runs import rounds
from utils.system import console
from utils.treebank import StanfordSentiment
from utils.vectors.files import load_vectors

SETTINGS = ("--dim", 6, "--epochs", 2, "--step", 0.05)


@pytest.fixture(scope="session")
def text(sample_folder, tmp_path_factory):
    """The sample treebank's sentences as a text, a line each, with capitals."""
    path = tmp_path_factory.mktemp("text") / "text.txt"
    lines = [" ".join(sentence).capitalize() for sentence in StanfordSentiment(sample_folder).sentences()]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def train(text, tmp_path, capsys, monkeypatch):
    """Train on the text in this process: train("--dim", 4, out="folder") -> what came of it. Pictures are not drawn."""
    drawn = {}
    for name, stand_in in {
        "wordmap.word_map": lambda words, *rest: drawn.update(words=words),
        "charts.loss_curve": lambda *args, **options: drawn.update(curve=args[:2], labels=options),
        "animation.animate_map": lambda words, frames, *rest, **options: drawn.update(frames=frames),
    }.items():
        monkeypatch.setattr(f"utils.pictures.{name}", stand_in)

    def call(*options, out="out", data=("--corpus", text), defaults=SETTINGS):
        drawn.clear()
        with pytest.raises(SystemExit) as leaving:
            console.run(run.main, [*map(str, (*data, "--out", tmp_path / out, *defaults, *options))])
        printed, errors = capsys.readouterr()
        file = tmp_path / out / "word_vectors.txt"
        return SimpleNamespace(
            status=leaving.value.code,
            out=printed,
            err=errors,
            losses=re.findall(r"^(.+?) (?:words read|of) .*: (?:mean )?loss (\d+\.\d{6}),", printed, re.MULTILINE),
            vectors=load_vectors(file) if file.exists() else None,
            folder=tmp_path / out,
            **drawn,
        )

    return call


def small_chunks(monkeypatch, words=600):
    monkeypatch.setattr("utils.minibatches.chunks.CHUNK", words)


# What is trained


def test_a_text_is_trained_and_drawn(command, text, tmp_path):
    called = command("run.py", "--corpus", text, "--epochs", 1, "--dim", 8, "--out", "out")
    assert called.returncode == 0, called.stderr
    assert called.stderr.count("\n") == 1 and "learnt next to nothing" in called.stderr  # in one epoch of so few words
    lines = called.stdout.splitlines()
    assert re.fullmatch(r"\d+ lines, [\d,]+ words, 1 epoch, vocabulary \d+, 8 dimensions", lines[1])
    assert lines[-3:] == [f"wrote out/{name}" for name in ("word_vectors.txt", "word_vectors.png", "loss.png")]
    assert (tmp_path / "out" / "word_vectors.png").read_bytes().startswith(b"\x89PNG")
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        *(".cache", "losses.csv", "word_vectors.txt", "word_vectors.png", "loss.png", "vocabulary.json"),
        *("saved_params_1.npy", "saved_state_1.json"),
    }


def test_the_vectors_are_those_of_the_trainer(train, text):
    found = read_text(text, TextOptions(min_count=5))
    settings = Settings(dim=6, epochs=2, step=0.05)
    trainer = Trainer(found.counts, subsampling(found.counts, 1e-3), settings)
    expected = rounds.fit(trainer, Chunks(found.corpus, 2))
    trained = train()
    assert trained.vectors.words == found.words
    assert np.array_equal(trained.vectors.vectors, expected[: len(found.words)])
    assert trained.losses[-1][0] == "epoch 2"


def test_the_treebank_is_trained_with_its_own_vocabulary(train, sample_folder):
    trained = train(data=("--data", sample_folder))
    treebank = StanfordSentiment(sample_folder)
    counts = dict(zip(treebank.words(), treebank.counts().tolist(), strict=True))
    assert trained.vectors.words == sorted(counts, key=lambda word: -counts[word])
    trainer = Trainer(treebank.counts(), subsampling(treebank.counts(), 1e-3), Settings(dim=6, epochs=2, step=0.05))
    expected = rounds.fit(trainer, Chunks(treebank.text(), 2))
    assert np.array_equal(trained.vectors[treebank.words()], expected[: len(treebank.words())])


def test_sample_is_the_built_in_treebank(train):
    trained = train("--epochs", 1, data=("--sample",))
    assert trained.status == 0
    assert "3,000 sentences" in trained.out


@pytest.mark.parametrize("default", [{"--model": "skip-gram", "--noise": 16, "--subsample": 1e-3, "--seed": 0}])
def test_the_defaults_are_what_help_says(train, default, monkeypatch):
    monkeypatch.setattr(run, "WORDS_TO_READ", 1)
    options = [part for pair in default.items() for part in pair]
    options += ["--window", 5, "--negatives", 5, "--batch", 2048, "--dtype", "float32", "--held-out", 0]
    options += ["--subsample-form", "word2vec"]
    assert np.array_equal(train(out="a").vectors.vectors, train(*options, out="b").vectors.vectors)
    plain = train(out="c", defaults=())
    assert plain.vectors.vectors.shape[1] == 100
    same = train("--dim", 100, "--epochs", 5, "--step", 0.05, out="d", defaults=())
    assert np.array_equal(plain.vectors.vectors, same.vectors.vectors)
    cbow = train("--model", "cbow", out="e", defaults=()).vectors.vectors
    own = ("--step", 0.075, "--noise", 32)
    assert np.array_equal(cbow, train("--model", "cbow", *own, out="f", defaults=()).vectors.vectors)


@pytest.mark.parametrize(
    "option",
    [
        *(("--dim", 7), ("--window", 3), ("--negatives", 3), ("--epochs", 3), ("--step", 0.06), ("--seed", 1)),
        *(("--batch", 64), ("--model", "cbow"), ("--noise", 8), ("--dtype", "float64"), ("--held-out", 0.2)),
        *(("--subsample", 0), ("--subsample", 1e-2), ("--subsample-form", "handout")),
        *(("--min-count", 1), ("--max-vocab", 50), ("--keep-case",), ("--token-pattern", r"[a-z]+")),
        ("--vectors", "sum"),
    ],
    ids=lambda option: "-".join(map(str, option)).lstrip("-"),
)
def test_every_option_changes_the_vectors(train, option, monkeypatch):
    monkeypatch.setattr(epochs, "LEAST_STEPS", 1)  # otherwise a text as small as this is learnt in the smallest steps
    plain, changed = train(out="plain"), train(*option, out="changed")
    assert changed.status == 0, changed.err
    assert plain.vectors.words != changed.vectors.words or not np.array_equal(
        plain.vectors.vectors, changed.vectors.vectors
    )


def test_several_workers_train_on_shares(train, monkeypatch):
    small_chunks(monkeypatch, 400)
    one, two, again = train(out="one"), train("--workers", 2, out="two"), train("--workers", 2, out="again")
    assert np.array_equal(two.vectors.vectors, again.vectors.vectors)
    assert not np.array_equal(one.vectors.vectors, two.vectors.vectors)


def test_a_cluster_is_reached_by_its_address(train, monkeypatch):
    given = []
    monkeypatch.setattr(options, "Workers", lambda *args: given.append(args) or None)
    train("--workers", 2, "--cluster", "tcp://127.0.0.1:1")
    assert given == [(2, "tcp://127.0.0.1:1")]


def test_what_was_read_is_kept_and_read_again(train, tmp_path):
    train("--cache", tmp_path / "kept")
    ids = next((tmp_path / "kept").rglob("ids*"))
    before = ids.stat().st_mtime_ns
    assert train("--cache", tmp_path / "kept", out="other").status == 0
    assert ids.stat().st_mtime_ns == before
    assert not (tmp_path / "other" / ".cache").exists()


# What is shown


def test_losses_are_shown_as_often_as_asked(train, monkeypatch):
    small_chunks(monkeypatch)
    every, third = train("--print-every", 1, out="every"), train("--print-every", 3, out="third")
    assert len(every.losses) > 6
    per_epoch = len(every.losses) // 2
    # The third report of each epoch, the sixth, ... and the last; a rest of one is reported with those before it.
    ends = {*range(3, per_epoch - 1, 3), per_epoch}
    assert [read for read, _ in third.losses] == [
        read for i, (read, _) in enumerate(every.losses) if 1 + i % per_epoch in ends
    ]
    assert third.out.count("epoch 1 of 2: mean loss ") == third.out.count("epoch 2 of 2: mean loss ") == 1
    assert len(train(out="plain").losses) <= 2 * rounds.REPORTS
    assert train("--quiet", out="quiet").out == ""


def test_the_curve_goes_by_words_read_and_holds_every_loss(train, monkeypatch):
    small_chunks(monkeypatch)
    trained = train("--print-every", 1)
    places, losses = trained.curve
    assert [(f"{place:,}", f"{loss:.6f}") for place, loss in zip(places, losses, strict=True)] == trained.losses
    assert trained.labels == {"across": "words read", "meaning": "mean loss, nats per prediction"}


def test_animate_has_a_frame_for_the_start_and_each_checkpoint(train, monkeypatch):
    small_chunks(monkeypatch)
    monkeypatch.setattr("utils.runs.loop.SAVE_EVERY", -1)
    trained = train("--animate")
    words = int(trained.losses[-1][0].replace(",", ""))
    assert min(trained.frames) == 0
    assert max(trained.frames) == words
    assert len(trained.frames) > 5  # all checkpoints are kept for it
    assert len(list(train(out="plain").folder.glob("saved_params_*.npy"))) == trainings.KEPT


def test_a_text_without_the_handouts_words_is_mapped_by_its_most_frequent_ones(train, tmp_path):
    path = tmp_path / "letters.txt"
    path.write_text("a b c a b a\n" * 20, encoding="utf-8")
    trained = train("--step", 0.5, "--subsample", 0, data=("--corpus", path))
    assert trained.status == 0, trained.err
    assert trained.words == ["a", "b", "c"]


def test_words_of_the_map_can_be_chosen(train, sample_folder):
    trained = train("--words", "coffee,nowhere,tea")
    assert trained.words == ["coffee", "tea"]
    assert trained.err == "not in the vocabulary, left out of the pictures: nowhere\n"
    assert not set(train(out="plain").words) & {"the", ",", "."}  # words of its own, not the very commonest
    assert set(train(out="bank", data=("--data", sample_folder)).words) == set(MAP_WORDS)


# Stopping and resuming


def test_a_run_that_ends_half_way_goes_on_to_the_same_end(train, monkeypatch):
    small_chunks(monkeypatch)
    monkeypatch.setattr("utils.runs.loop.SAVE_EVERY", -1)
    whole = train("--print-every", 1, out="whole")
    save, saved = run.Checkpoints.save, []

    def save_and_die(self, number, *rest):
        save(self, number, *rest)
        saved.append(number)
        if len(saved) == 4:
            raise KeyboardInterrupt("killed")

    monkeypatch.setattr(run.Checkpoints, "save", save_and_die)
    first = train("--print-every", 1)
    assert first.status == 130
    assert first.vectors is None
    monkeypatch.setattr(run.Checkpoints, "save", save)
    second = train("--print-every", 1)
    assert second.out.startswith("continuing from chunk 4 ")
    assert first.losses + second.losses == whole.losses
    assert second.curve == whole.curve
    assert np.array_equal(second.vectors.vectors, whole.vectors.vectors)
    third = train("--print-every", 1)
    assert "nothing is left to train" in third.out
    assert third.losses == []
    assert np.array_equal(third.vectors.vectors, whole.vectors.vectors)


@pytest.fixture
def composing(train, tmp_path):
    """Train with n-grams: composing("--dim", 4, out="folder") -> the saved WordVectors, and what was said."""

    def call(*options, out="out"):
        trained = train("--subwords", "3-5", "--save", tmp_path / f"{out}.npz", *options, out=out)
        assert trained.status == 0, trained.err
        return load_vectors(tmp_path / f"{out}.npz"), trained

    return call


def test_words_never_seen_get_vectors(composing, train):
    vectors, trained = composing("--model", "skip-gram")
    assert trained.err == ""
    assert vectors.is_composed("unwatchable")
    assert np.isfinite(vectors["unwatchable"]).all() and vectors["unwatchable"].any()
    # A word that is known is the mean of its own row and its n-grams': what composes it is most of it.
    words = [word for word in vectors.words if len(word) > 7]
    cosines = [
        own @ other / np.sqrt((own @ own) * (other @ other))
        for own, other in zip(vectors[words], vectors.compose(words), strict=True)
    ]
    assert len(words) > 20 and min(cosines) > 0.9
    assert train(out="plain").vectors.words == vectors.words


@pytest.mark.parametrize(
    "option", [("--subwords", "3-4"), ("--subwords", "2-5"), ("--buckets", 50), ("--model", "cbow")]
)
def test_every_option_changes_composed_vectors(composing, option):
    plain, changed = composing(out="plain")[0], composing(*option, out="changed")[0]
    for word in (plain.words[0], "unwatchable"):
        assert not np.array_equal(plain[word], changed[word])


def test_fewer_buckets_take_less_space(composing):
    for buckets, kept in ((50, 50), (2_000_000, 2000)):
        vectors, _ = composing("--buckets", buckets, out=str(buckets))
        assert vectors.subwords.ngrams.buckets == buckets
        assert len(vectors.subwords.table) == 50 if kept == 50 else 500 < len(vectors.subwords.table) < 20_000


def test_ngrams_that_no_memory_holds_are_refused_before_they_are_found(train, monkeypatch):
    monkeypatch.setattr("utils.system.memory.physical_memory", lambda: 2e5)
    refused = train("--subwords", "1-50")
    assert refused.status == 2
    assert " n-grams " in refused.err and "--subwords" in refused.err and refused.err.count("\n") == 1


def test_the_words_alone_are_saved_where_a_format_holds_no_more(train):
    trained = train("--subwords", "3-5")
    assert trained.status == 0
    assert trained.err.endswith("holds the words alone: --save FILE.npz keeps the n-grams for those never seen, too\n")
    assert trained.vectors.subwords is None


def test_outside_vectors_compose_nothing(composing):
    vectors, trained = composing("--vectors", "outside", out="outside")
    assert vectors.subwords is None
    assert "only centre vectors are composed of n-grams: none are saved with --vectors outside" in trained.err


def test_composed_runs_are_continued_with_the_same_ngrams_alone(composing, train):
    first, _ = composing()
    again, trained = composing()
    assert "nothing is left to train" in trained.out
    assert np.array_equal(first["unwatchable"], again["unwatchable"])
    for changed in ((), ("--subwords", "3-6"), ("--subwords", "3-5", "--buckets", 9)):
        refused = train(*changed)
        assert refused.status == 2
        assert "subwords" in refused.err and "--fresh" in refused.err


def test_the_loss_held_out_and_several_workers_go_with_composed_vectors(composing, monkeypatch):
    small_chunks(monkeypatch, 400)
    vectors, trained = composing("--held-out", 0.2, "--workers", 2, out="one")
    assert "on the sentences held out" in trained.out
    again, _ = composing("--held-out", 0.2, "--workers", 2, out="other")
    assert np.array_equal(vectors["unwatchable"], again["unwatchable"])


def test_the_animation_shows_composed_vectors(composing, monkeypatch):
    small_chunks(monkeypatch)
    monkeypatch.setattr("utils.runs.loop.SAVE_EVERY", -1)
    vectors, trained = composing("--animate")
    assert np.array_equal(trained.frames[max(trained.frames)], vectors[trained.words])


@pytest.mark.parametrize(
    "option, name", [(("--window", 3), "window"), (("--subsample", 0), "subsample"), (("--keep-case",), "text")]
)
def test_another_run_in_the_same_folder_is_refused(train, option, name):
    train()
    refused = train(*option)
    assert refused.status == 2
    assert f"holds a run with {name} " in refused.err
    assert train(*option, "--fresh").status == 0


def test_the_handouts_run_is_not_continued_by_epochs(train, sample_folder):
    data = ("--data", sample_folder)
    assert train("--iterations", 3, data=data, defaults=()).status == 0
    refused = train(data=data)
    assert refused.status == 2
    assert "--fresh" in refused.err


# What is refused


@pytest.mark.parametrize(
    "options, said",
    [
        (("--corpus", "x", "--iterations", 3), "--iterations belongs to the training of the handout"),
        (("--epochs", 1, "--loss", "naive-softmax"), "--loss belongs to the training of the handout"),
        (("--model", "cbow"), "--model belongs to the training by epochs: give --epochs, or --corpus"),
        (("--workers", 2), "--workers belongs to the training by epochs"),
        (("--min-count", 2), "--min-count belongs to the training by epochs"),
        (("--epochs", 1, "--min-count", 2), "--min-count goes with --corpus"),
        (("--epochs", 1, "--sample", "--keep-case"), "--keep-case goes with --corpus"),
        (("--corpus", "x", "--sample"), "not allowed with argument"),
        (("--epochs", 0), "--epochs: wants a whole number of at least 1"),
        (("--epochs", 1, "--subsample", "-1"), "--subsample: wants a number of at least 0"),
        (("--corpus", "nowhere.txt"), "nowhere.txt"),
        (("--epochs", 1, "--subwords", "6-3"), "--subwords: wants 1 to 50 characters, the fewest first, as in 3-6"),
        (("--epochs", 1, "--subwords", "0-0"), "--subwords: wants 1 to 50 characters"),
        (("--epochs", 1, "--subwords", "3-51"), "--subwords: wants 1 to 50 characters"),
        (
            ("--epochs", 1, "--subwords", "3"),
            "--subwords: wants the fewest and the most characters, as in 3-6, got '3'",
        ),
        (("--epochs", 1, "--subwords", "3-6", "--buckets", 0), "--buckets: wants a whole number of at least 1"),
        (("--epochs", 1, "--subwords", "3-6", "--buckets", 2**31), "at most 1000000000, got 2147483648"),
        (("--epochs", 1, "--sample", "--buckets", 100), "--buckets are those of the n-grams of --subwords: give both"),
        (("--epochs", 1, "--sample", "--subwords", "49-50"), "no word has n-grams of 49 to 50 characters"),
        (("--subwords", "3-6"), "--subwords belongs to the training by epochs: give --epochs, or --corpus"),
        (("--loss", "naive-softmax", "--subwords", "3-6"), "--subwords belongs to the training by epochs"),
    ],
)
def test_what_does_not_go_together_is_one_line(train, tmp_path, options, said):
    refused = train(*options, data=(), defaults=())
    assert refused.status == 2
    assert said in refused.err
    assert refused.err.count("\n") == 1
    assert not list((tmp_path / "out").glob("saved_*"))


@pytest.mark.parametrize(
    "content, said",
    [
        (b"", "holds no words"),
        (b"a\nb\nc\n" * 9, "no context window can be drawn"),
        (b"some words once\n", "5 times or more"),
        (b"\0\1\2\xff" * 99, "this is no text file"),
        (b"caf\xe9 au lait\n" * 9, "line 1"),
    ],
)
def test_texts_that_cannot_be_learnt_from(train, tmp_path, content, said):
    path = tmp_path / "text"
    path.write_bytes(content)
    refused = train(data=("--corpus", path))
    assert refused.status == 2
    assert said in refused.err
    assert refused.err.count("\n") == 1


def test_a_step_that_diverges_is_told(train, monkeypatch):
    monkeypatch.setattr(Trainer, "initial_vectors", lambda self: np.full((2 * self.V, 6), np.inf, np.float32))
    refused = train()
    assert refused.status == 2
    assert "try a smaller step than 0.05" in refused.err


def test_an_option_of_earlier_versions_says_that_it_is_no_longer_needed(train):
    trained = train("--share", 32)
    assert trained.status == 0
    assert trained.err == "--share is no longer needed: neighbouring words always share their negative samples\n"


def test_the_loss_of_what_is_held_out_is_shown_after_each_epoch(train):
    trained = train("--held-out", 0.2)
    shown = r"^epoch \d of 2: mean loss \d\.\d+, on the sentences held out \d\.\d+, [\d,]+ words/s$"
    assert len(re.findall(shown, trained.out, re.MULTILINE)) == 2
    assert "held out" not in train(out="plain").out
    assert "--held-out: wants a share of at least 0 and below 1, got 1" in train("--held-out", 1, out="x").err


def test_vectors_that_have_learnt_nothing_are_not_shown_as_a_result(train, tmp_path):
    short = tmp_path / "short.txt"
    short.write_text("one two three four five six seven\n" * 20, encoding="utf-8")
    trained = train(data=("--corpus", short), defaults=("--epochs", 1))
    assert trained.status == 0
    assert trained.err.startswith("these vectors have learnt next to nothing: untrained ones have a loss of 4.158883; ")
    assert "--epochs" in trained.err and "count.py" in trained.err
    assert "next to nothing" not in train(out="enough").err
    nothing = train("--subsample", 1e-12, out="nothing")
    assert nothing.status == 2
    assert "a whole epoch had nothing to learn from" in nothing.err and nothing.err.count("\n") == 1
    assert nothing.vectors is None


def test_the_vectors_are_saved_before_anything_is_said_of_them(train, monkeypatch):
    def speaker(quiet):
        def say(*lines):
            if any(line.startswith("final loss") for line in lines):
                raise BrokenPipeError

        return say

    monkeypatch.setattr(run.console, "speaker", speaker)
    trained = train()
    assert trained.status == 1 and len(trained.vectors.words) > 2


def test_twenty_lines_are_learnt_from_and_told_about_in_as_many(train, tmp_path):
    words = ["north south east west wind", "sun moon star sky cloud", "oak elm ash pine leaf"]
    (tmp_path / "tiny.txt").write_text("\n".join(words[i % 3] for i in range(20)) + "\n", encoding="utf-8")
    tiny = ("--corpus", tmp_path / "tiny.txt")
    trained = train(data=tiny, defaults=())
    assert trained.status == 0 and trained.err == ""
    assert float(trained.losses[-1][1]) < 3 < float(trained.losses[0][1]) + 1
    assert trained.vectors.similarity("oak", "elm") > trained.vectors.similarity("oak", "moon")
    assert [place for place, _ in trained.losses] == [f"epoch {n}" for n in range(10, 201, 10)]
    assert len(train("--epochs", 30, "--print-every", 1, data=tiny, out="all", defaults=()).losses) == 30
    assert train("--subsample", 1e-3, data=tiny, out="thin", defaults=()).status == 2


@pytest.mark.parametrize(
    "words, epochs_", [(1, 200), (20_000, 200), (50_000, 200), (100_000, 100), (999_999, 11), (10**6, 10), (10**10, 5)]
)
def test_a_small_text_is_read_more_often(words, epochs_):
    assert run.enough_epochs(words) == epochs_


def test_the_number_of_epochs_is_shown_and_that_of_a_small_text_is_not_five(train, monkeypatch):
    monkeypatch.setattr(run, "WORDS_TO_READ", 50_000)
    trained = train(defaults=("--dim", 3))
    epochs_ = int(re.search(r" words, (\d+) epochs, vocabulary", trained.out)[1])
    words = int(re.search(r" lines, ([\d,]+) words", trained.out)[1].replace(",", ""))
    assert epochs_ == run.enough_epochs(words) > 5
    assert f"epoch {epochs_} of {epochs_}: " in trained.out
    assert " words, 3 epochs, vocabulary" in train("--epochs", 3, out="given", defaults=("--dim", 3)).out
