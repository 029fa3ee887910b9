"""count.py as a person runs it: what it counts, prints and writes, and what each option changes."""

import gzip
import re
import signal
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.metrics.pairwise import cosine_similarity

import count
from utils.commands import options
from utils.commands.words import MAP_WORDS
from utils.corpus.reading import drop_rare, encode
from utils.counting import glove
from utils.counting.cooccurrence import BYTES_PER_WORD, LEAST_MEMORY, cooccurrence
from utils.counting.pmi import pmi, ppmi, svd_vectors
from utils.runs.losses import read_losses
from utils.system import console
from utils.system.workers import Workers
from utils.treebank import StanfordSentiment
from utils.vectors.files import load_vectors, select
from utils.vectors.view import view


@pytest.fixture
def run(sample_folder, tmp_path, capsys, monkeypatch):
    """Count on the small sample in this process: run("--dim", 4) -> what came of it; pictures are noted, not drawn."""

    def call(*options, data=("--data", sample_folder), draw=False):
        drawn = {}
        if not draw:
            monkeypatch.setattr("utils.pictures.wordmap.word_map", lambda *given: drawn.update(map=given))
            monkeypatch.setattr("utils.pictures.charts.heat_map", lambda *given: drawn.update(matrix=given))
        saved = tmp_path / "vectors.npz"
        arguments = [*data, "--out", tmp_path / "out", *options]
        if "--corpus" in (*data, *options) and "--min-count" not in options:
            arguments += ["--min-count", 1]  # the texts of these tests are small
        if "--save" not in options and "--no-svd" not in options:
            arguments += ["--save", saved]
        with pytest.raises(SystemExit) as leaving:
            console.run(count.main, list(map(str, arguments)))
        printed, errors = capsys.readouterr()
        return SimpleNamespace(
            status=leaving.value.code,
            out=printed,
            err=errors,
            folder=tmp_path / "out",
            vectors=load_vectors(saved) if saved.exists() else None,
            **{"map": None, "matrix": None} | drawn,
        )

    return call


@pytest.fixture(scope="module")
def text(sample_folder):
    return encode(StanfordSentiment(sample_folder).sentences())


def by_frequency(corpus, words):
    """The words as a file has them: the most frequent first, equally frequent ones as they appear in the text."""
    counts = np.bincount(corpus.ids, minlength=len(words)).tolist()
    return [word for _, word in sorted(zip(counts, words, strict=True), key=lambda pair: -pair[0])]


def is_png(path):
    data = path.read_bytes()
    return data.startswith(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR") and data.endswith(b"IEND\xaeB`\x82")


# The whole way


def test_the_sample_is_counted_reported_drawn_and_saved(command, tmp_path):
    called = command("count.py", "--sample", "--out", "trial", "--save", "kept/vectors.txt")
    assert called.returncode == 0, called.stderr
    assert called.stderr == ""
    lines = called.stdout.splitlines()
    stages = [re.match(r"  (\S+) +\d+\.\d\d s  \S", line) for line in lines[:4]]
    assert [stage and stage[1] for stage in stages] == ["reading", "counts", "PPMI", "SVD"]
    assert "3,000 sentences, 51,530 words, vocabulary 1,151" in lines[0]
    assert re.search(r"window 2, flat, [\d,]+ cells \(\d\.\d % of 1,151 x 1,151\)$", lines[1])
    for word in ("great", "boring", "woman", "rain", "coffee"):
        assert sum(re.match(rf"  {word}( +\S+ -?\d\.\d\d){{5}}$", line) is not None for line in lines) == 1
    assert lines[-2:] == ["wrote trial/count_vectors.png and trial/count_matrix.png", "wrote kept/vectors.txt"]
    assert is_png(tmp_path / "trial/count_vectors.png") and is_png(tmp_path / "trial/count_matrix.png")
    vectors = load_vectors(tmp_path / "kept/vectors.txt")
    assert vectors.vectors.shape == (1151, 50)


def test_the_planted_clusters_of_the_sample_are_found(run):
    """The words of a list share their contexts, so their vectors point the same way."""
    vectors = run(data=["--sample"]).vectors
    lists = ["film movie plot", "music song melody", "coffee tea juice", "rain snow hail", "train ship road"]
    inside, across = [], []
    for a in lists:
        for b in lists:
            cosines = [vectors.similarity(x, y) for x in a.split() for y in b.split() if x != y]
            (inside if a == b else across).append(np.mean(cosines))
    assert 0.6 < min(inside) <= max(inside) < 0.95  # measured: 0.73 to 0.83; they differ in detail
    assert max(across) < 0.45  # measured: at most 0.26; all share "the", "is", ...


def test_the_default_is_ppmi_with_smoothed_contexts_and_even_singular_values(run, text):
    ran = run()
    corpus, words = text
    wanted = svd_vectors(ppmi(cooccurrence(corpus, 2, V=len(words)), 0.75), 50, 0.5, "target", 0)
    assert ran.vectors.words == by_frequency(corpus, words) != words
    np.testing.assert_array_equal(ran.vectors[words], wanted)
    chosen, rows, path, _, title = ran.map
    assert title == f"{len(chosen)} words by SVD of PPMI, 50 dimensions"
    assert chosen == [word for word in MAP_WORDS if word in words]
    np.testing.assert_array_equal(rows, wanted[[words.index(word) for word in chosen]])
    assert path == ran.folder / "count_vectors.png"


# Options, each against the functions themselves


@pytest.mark.parametrize(
    "options, counting, measuring, reducing",
    [
        (["--window", 4], {"window": 4}, {}, {}),
        (["--weighting", "harmonic"], {"weighting": "harmonic"}, {}, {}),
        (["--cds", 1], {}, {"cds": 1}, {}),
        (["--shift", 3], {}, {"shift_k": 3}, {}),
        (["--smoothing", 0.5], {}, {"smoothing": 0.5}, {}),
        (["--dim", 7], {}, {}, {"d": 7}),
        (["--eig", 0], {}, {}, {"eig": 0}),
        (["--context", "sum"], {}, {}, {"context": "sum"}),
    ],
    ids=lambda value: " ".join(map(str, value)) if isinstance(value, list) else "",
)
def test_an_option_changes_what_it_says(run, text, options, counting, measuring, reducing):
    corpus, words = text
    counts = cooccurrence(corpus, **{"window": 2, "V": len(words)} | counting)
    wanted = svd_vectors(ppmi(counts, **{"cds": 0.75} | measuring), **{"d": 50, "random_state": 0} | reducing)
    vectors = run(*options).vectors[words]
    np.testing.assert_array_equal(vectors, wanted)
    default = svd_vectors(ppmi(cooccurrence(corpus, 2, V=len(words)), 0.75), 50, random_state=0)
    assert vectors.shape != default.shape or not np.allclose(vectors, default)


@pytest.mark.parametrize("measure, of_counts", [("counts", lambda c: c), ("pmi", lambda c: pmi(c, 0.75))])
def test_the_measure_is_what_is_decomposed(run, text, measure, of_counts):
    corpus, words = text
    wanted = svd_vectors(of_counts(cooccurrence(corpus, 2, V=len(words))), 50, random_state=0)
    np.testing.assert_array_equal(run("--measure", measure).vectors[words], wanted)


# GloVe


def glove_of(text, which="sum", window=10, weighting="harmonic", **settings):
    """What count.py --method glove makes of a text: vectors in the order of its words."""
    corpus, words = text
    counts = cooccurrence(corpus, window, weighting, V=len(words))
    trainer = glove.Trainer(counts, glove.Settings(**{"dim": 6, "iterations": 2} | settings))
    return select(trainer.stacked(glove.fit(trainer)), which)


GLOVE = ["--method", "glove", "--dim", 6, "--iterations", 2]


@pytest.mark.parametrize(
    "options, changed",
    [
        ([], {}),
        (["--window", 4], {"window": 4}),
        (["--weighting", "flat"], {"weighting": "flat"}),
        (["--x-max", 3], {"x_max": 3.0}),
        (["--alpha", 0.5], {"alpha": 0.5}),
        (["--step", 0.02], {"step": 0.02}),
        (["--dim", 3], {"dim": 3}),
        (["--iterations", 1], {"iterations": 1}),
        (["--seed", 1], {"seed": 1}),
        (["--vectors", "center"], {"which": "center"}),
        (["--vectors", "outside"], {"which": "outside"}),
        (["--vectors", "concat"], {"which": "concat"}),
    ],
    ids=lambda value: " ".join(map(str, value)) if isinstance(value, list) else "",
)
def test_an_option_changes_what_glove_does(run, text, options, changed):
    ran = run(*GLOVE, *options)
    vectors = ran.vectors[text[1]]
    np.testing.assert_array_equal(vectors, glove_of(text, **changed))
    assert ran.map[4].startswith(f"{len(ran.map[0])} words by GloVe, {changed.get('which', 'sum')} vectors")
    if changed:
        default = glove_of(text)
        assert vectors.shape != default.shape or not np.array_equal(vectors, default)


def test_glove_leaves_checkpoints_and_a_curve_and_says_when_nothing_is_left_to_do(run):
    first = run(*GLOVE)
    assert first.status == 0 and first.err == ""
    lines = first.out.splitlines()
    costs = [re.fullmatch(r"iteration (\d) of 2: cost (0\.\d{6}), [\d,]+ cells/s", line) for line in lines]
    costs = {int(cost[1]): float(cost[2]) for cost in costs if cost}
    assert costs.keys() == {1, 2} and costs[1] > costs[2]
    kept = read_losses(first.folder / "losses.csv")
    assert [loss for _, loss in kept] == pytest.approx(list(costs.values()), abs=1e-6)
    last = first.folder / f"saved_params_{kept[1][0]}.npy"
    assert last.exists() and kept[1][0] == 2 * kept[0][0]
    assert is_png(first.folder / "loss.png")
    assert f"wrote {first.folder / 'loss.png'}" in lines

    again = run(*GLOVE)
    assert "batches are done, nothing is left to train" in again.out and "cells/s" not in again.out
    np.testing.assert_array_equal(again.vectors.vectors, first.vectors.vectors)
    assert read_losses(first.folder / "losses.csv") == kept
    longer = run(*GLOVE, "--iterations", 3)
    assert f"continuing from batch {kept[1][0]}" in longer.out
    assert len(read_losses(first.folder / "losses.csv")) == 3
    fresh = run(*GLOVE, "--iterations", 3, "--fresh")
    assert "moved the earlier checkpoints to" in fresh.out
    np.testing.assert_array_equal(fresh.vectors.vectors, longer.vectors.vectors)


def test_glove_that_is_stopped_goes_on_to_the_same_bytes(run, tmp_path, monkeypatch):
    def stopping(trainer, checkpoints, report, progress):
        stop = 3 + len(trainer.batches)
        return glove_fit(trainer, checkpoints, report, lambda n: signal.raise_signal(signal.SIGINT) if n == stop else 0)

    glove_fit = glove.fit
    whole = run(*GLOVE, "--out", tmp_path / "whole").vectors.vectors
    with monkeypatch.context() as patch:
        patch.setattr(glove, "fit", stopping)
        stopped = run(*GLOVE)
    assert stopped.status == 130
    assert re.search(r"stopped after batch \d+ and saved; run it again to continue", stopped.err)
    resumed = run(*GLOVE)
    assert "continuing from batch" in resumed.out
    assert resumed.vectors.vectors.tobytes() == whole.tobytes()
    assert len(read_losses(resumed.folder / "losses.csv")) == 2


@pytest.mark.parametrize(
    "options, wrong",
    [
        (["--x-max", 5], "x_max 10.0, this one has 5.0"),
        (["--alpha", 1], "alpha 0.75, this one has 1.0"),
        (["--step", 1], "step 0.05, this one has 1.0"),
        (["--seed", 1], "seed 0, this one has 1"),
        (["--window", 5], "window 10, this one has 5"),
        (["--weighting", "flat"], "weighting harmonic, this one has flat"),
        (["--subsample", 1e-3], "subsample 0.0, this one has 0.001"),
        (["--min-count", 2], "text "),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_glove_with_other_settings_is_refused_in_the_same_folder(run, options, wrong):
    run(*GLOVE, "--iterations", 1)
    other = run(*GLOVE, *options)
    assert other.status == 2
    assert f"holds a run with {wrong}" in other.err and "--fresh" in other.err


def test_glove_is_quiet_when_asked(run):
    ran = run(*GLOVE, "--quiet")
    assert (ran.status, ran.out, ran.err) == (0, "", "")


@pytest.mark.parametrize(
    "options, message",
    [
        (["--method", "glove", "--measure", "pmi"], "--measure goes with --method svd, not with glove"),
        (["--method", "glove", "--cds", 1], "--cds goes with --method svd, not with glove"),
        (["--method", "glove", "--shift", 2], "--shift goes with --method svd, not with glove"),
        (["--method", "glove", "--smoothing", 1], "--smoothing goes with --method svd, not with glove"),
        (["--method", "glove", "--eig", 1], "--eig goes with --method svd, not with glove"),
        (["--method", "glove", "--context", "sum"], "--context goes with --method svd, not with glove"),
        (["--method", "glove", "--no-svd"], "--method glove wants at least 1 dimension"),
        (["--method", "glove", "--dim", 0], "--method glove wants at least 1 dimension"),
        (["--x-max", 5], "--x-max goes with --method glove, not with svd"),
        (["--alpha", 1], "--alpha goes with --method glove, not with svd"),
        (["--iterations", 3], "--iterations goes with --method glove, not with svd"),
        (["--step", 1], "--step goes with --method glove, not with svd"),
        (["--vectors", "sum"], "--vectors goes with --method glove, not with svd"),
        (["--fresh"], "--fresh goes with --method glove, not with svd"),
    ],
    ids=lambda value: " ".join(map(str, value)) if isinstance(value, list) else "",
)
def test_an_option_of_the_other_method_is_refused(run, options, message):
    ran = run(*options)
    assert ran.status == 2 and message in ran.err


def test_what_glove_writes_is_not_written_over_what_is_read(run, tmp_path):
    (tmp_path / "out").mkdir()
    for name in ("losses.csv", "loss.png"):
        (tmp_path / "out" / name).write_text("a b a b\n")
        ran = run(*GLOVE, data=("--corpus", tmp_path / "out" / name))
        assert ran.status == 2
        assert f"{name} would be written over" in ran.err
        assert (tmp_path / "out" / name).read_text() == "a b a b\n"


def test_rare_words_are_left_out(run, text):
    corpus, words = drop_rare(*text, 5)
    ran = run("--min-count", 5)
    assert ran.vectors.words == by_frequency(corpus, words)
    assert len(words) < len(text[1])
    wanted = svd_vectors(ppmi(cooccurrence(corpus, 2, V=len(words)), 0.75), 50, random_state=0)
    np.testing.assert_array_equal(ran.vectors[words], wanted)


@pytest.mark.parametrize("form, more", [("word2vec", True), ("handout", False)])
def test_frequent_words_can_be_thinned_out(run, sample_folder, monkeypatch, form, more):
    monkeypatch.setattr("utils.minibatches.chunks.CHUNK", 500)  # several stretches
    counted = []
    monkeypatch.setattr(count, "cooccurrence", lambda corpus, *rest, **options: counted.append(corpus) or 1 / 0)
    for seed in (0, 0, 1):
        with pytest.raises(ZeroDivisionError):
            run("--subsample", 1e-3, "--subsample-form", form, "--seed", seed)
    first, again, other = counted
    assert np.array_equal(first.ids, again.ids)
    assert not np.array_equal(first.ids, other.ids)
    text = StanfordSentiment(sample_folder).text()
    before, after = (np.bincount(corpus.ids, minlength=text.ids.max() + 1) for corpus in (text, first))
    share = before / before.sum()
    keep = np.minimum(1, np.sqrt(1e-3 / share) + (1e-3 / share if more else 0))
    # Of 7,073 words some 4,400 or 3,800 stay; one standard deviation is 1 % of them, and a few are left alone and go.
    assert after.sum() == pytest.approx((keep * before).sum(), rel=0.05)
    assert (after <= before).all()
    assert (np.diff(first.offsets) > 1).all()


def test_thinning_out_changes_the_vectors(run):
    plain, thin = run(), run("--subsample", 1e-3)
    assert "  thinning  " in thin.out and "  thinning  " not in plain.out
    assert not np.array_equal(plain.vectors.vectors, thin.vectors.vectors)


def test_another_seed_gives_other_last_digits(run):
    first, again, other = (run("--seed", seed).vectors.vectors for seed in (0, 0, 1))
    assert first.tobytes() == again.tobytes() != other.tobytes()


def test_a_budget_is_handed_on(run, monkeypatch):
    given = []
    monkeypatch.setattr(
        count, "cooccurrence", lambda *args, memory, **options: given.append(memory) or cooccurrence(*args, **options)
    )
    for memory in (["--memory", "1.5 gb"], []):
        run(*memory)
    assert given == [1_500_000_000, None]


def test_sizes_of_memory_are_read_with_their_units():
    sizes = {"500MB": 500_000_000, "1.5 gb": 1_500_000_000, "2000000": 2_000_000, "64kB": 64_000, "7 B": 7}
    assert {text: count.memory_size(text) for text in sizes} == sizes


def test_rows_without_svd_are_those_of_the_matrix(run, text):
    corpus, words = text
    ran = run("--dim", 0)
    matrix = ppmi(cooccurrence(corpus, 2, V=len(words)), 0.75).toarray()
    np.testing.assert_array_equal(ran.vectors[words], matrix)
    assert "by rows of PPMI:" in ran.out and "SVD" not in ran.out
    assert "by rows of PPMI:" in run("--no-svd").out


def test_neighbours_are_those_with_the_largest_cosines_among_frequent_words(run, text):
    corpus, words = text
    occurrences = np.bincount(corpus.ids)
    lines = run("--dim", 0, "--words", "rain,coffee").out.splitlines()
    cosines = cosine_similarity(ppmi(cooccurrence(corpus, 2, V=len(words)), 0.75).toarray())[words.index("rain")]
    among = [i for i in np.argsort(-occurrences, kind="stable")[:500] if words[i] != "rain"]
    best = sorted(among, key=lambda i: -cosines[i])[:5]
    line = next(line for line in lines if line.startswith("  rain"))
    assert line.split() == ["rain", *(part for i in best for part in (words[i], f"{cosines[i]:.2f}"))]


def test_raw_counts_are_shown_beside_what_mends_them(run):
    out = run("--measure", "counts", "--no-svd").out
    titles = re.findall(r", by (.*):$", out, re.MULTILINE)
    assert titles == ["rows of counts", "rows of PPMI", "SVD of PPMI, 50 dimensions"]
    tables = [re.findall(r"^  coffee  (.*)$", part, re.MULTILINE)[0] for part in out.split("nearest")[1:]]
    assert len(set(tables)) == 3


def test_the_heat_map_shows_the_measure_in_shared_contexts(run, text):
    corpus, words = text
    counts = cooccurrence(corpus, 2, V=len(words))
    chosen = ["coffee", "king", "great", "rain"]
    rows = [words.index(word) for word in chosen]
    for measure, matrix in {"counts": counts, "pmi": pmi(counts, 0.75), "ppmi": ppmi(counts, 0.75)}.items():
        shown, row_words, columns, path, meaning, scale, _ = run(
            "--measure", measure, "--words", ",".join(chosen)
        ).matrix
        assert row_words == chosen and path.name == "count_matrix.png" and len(columns) == 20
        dense = matrix.toarray()[rows]
        seen = counts.toarray()[rows] > 0
        if measure == "pmi":
            dense[~seen] = -np.inf
        np.testing.assert_array_equal(shown, dense[:, [words.index(word) for word in columns]])
        assert meaning == {"counts": "count", "pmi": "PMI, in nats", "ppmi": "PPMI, in nats"}[measure]
        assert scale == ("diverging" if measure == "pmi" else "sequential")
        positive = np.sort(np.maximum(dense, 0), axis=0)
        # Rounded, as sums in another order may differ in the last bit.
        ranks = zip(-positive[:-1].sum(axis=0).round(9), -positive[-1].round(9), strict=True)
        best = sorted(range(len(words)), key=list(ranks).__getitem__)[:20]
        assert set(columns) == {words[i] for i in best}


@pytest.mark.parametrize("options", [["--measure", "pmi", "--dim", "1"], ["--no-svd"]], ids=" ".join)
def test_all_kinds_of_vectors_can_be_drawn(run, options):
    ran = run(*options, "--words", "coffee,tea,rain,snow", draw=True)
    assert ran.status == 0, ran.err
    assert is_png(ran.folder / "count_vectors.png") and is_png(ran.folder / "count_matrix.png")


# A text of one's own


def test_what_leaves_no_ppmi_is_refused(run):
    ran = run("--shift", 1e9)
    assert ran.status == 2 and ran.err == (
        "error: no PPMI is above 0: give a smaller --shift or --smoothing, or more text\n"
    )
    assert run("--shift", 1e9, "--measure", "pmi").status == 0


def test_neighbours_agree_with_those_of_the_saved_file_where_all_vectors_have_much_in_common(run, capsys):
    ran = run("--measure", "counts", "--dim", 3)
    heading, *lines = ran.out.partition("nearest neighbours")[2].splitlines()
    assert heading.endswith("by SVD of counts, 3 dimensions about the mean:")
    shown = view(ran.vectors)
    assert shown.centred
    word, *found = lines[0].split()
    assert found[::2] == [near for near, _ in shown.neighbours(word, 5)]


def test_more_workers_than_memory_holds_are_refused(run, monkeypatch):
    monkeypatch.setattr("utils.system.memory.physical_memory", lambda: 1e9)
    ran = run("--workers", 999_999_999)
    assert ran.status == 2 and ran.err.startswith("error: 999999999 workers would take ") and ran.err.count("\n") == 1


def test_your_own_text(run, tmp_path):
    file = tmp_path / "text.txt"
    file.write_text("I like cats and dogs\n" * 12, encoding="utf-8")
    ran = run("--corpus", file, "--dim", 2, data=())
    assert ran.status == 0, ran.err
    assert "12 lines, 60 words, vocabulary 5" in ran.out
    assert ran.vectors.words == ran.map[0] == ["i", "like", "cats", "and", "dogs"]  # none of the handout's words


def test_a_folder_is_counted_file_by_file_and_kept_in_the_cache(run, tmp_path):
    folder = tmp_path / "texts"
    folder.mkdir()
    (folder / "a.txt").write_text("a b c\nb c\n", encoding="utf-8")
    (folder / "b.txt.gz").write_bytes(gzip.compress(b"c a\n"))
    first = run("--corpus", folder, "--dim", 0, "--measure", "counts", data=())
    assert "3 lines, 7 words, vocabulary 3\n" in first.out
    assert first.vectors.words == ["c", "a", "b"]
    assert first.vectors.vectors.tolist() == [[0, 2, 2], [2, 0, 1], [2, 1, 0]]
    again = run("--corpus", folder, "--dim", 0, "--measure", "counts", data=())
    assert "3 lines, 7 words, vocabulary 3, cached\n" in again.out
    assert again.vectors.vectors.tolist() == first.vectors.vectors.tolist()
    assert (first.folder / ".cache").is_dir()


TEXT = "The cat, the dog\n" * 3 + "a cat saw The dog\n"


@pytest.mark.parametrize(
    "options, words",
    [
        ([], ["the", "cat", "dog", "a", "saw"]),
        (["--keep-case"], ["The", "cat", "dog", "the", "a", "saw"]),
        (["--token-pattern", r"\S+"], ["the", "dog", "cat,", "a", "cat", "saw"]),
        (["--min-count", 2], ["the", "cat", "dog"]),
        (["--max-vocab", 2], ["the", "cat"]),
    ],
    ids=lambda value: value[0] if value and str(value[0]).startswith("--") else "",
)
def test_a_text_is_read_as_its_options_say(run, tmp_path, options, words):
    file = tmp_path / "text.txt"
    file.write_text(TEXT, encoding="utf-8")
    ran = run("--corpus", file, "--dim", 0, *options, data=())
    assert ran.vectors.words == words
    left_out = "words left out" in ran.out
    assert left_out == ("--min-count" in options or "--max-vocab" in options)


def test_bytes_that_are_not_utf8_and_the_cache_are_options_too(run, tmp_path):
    file, cache = tmp_path / "text.txt", tmp_path / "kept"
    file.write_bytes(b"caf\xe9 tea\n" * 2)
    refused = run("--corpus", file, "--dim", 0, data=())
    assert refused.status == 2 and "text.txt" in refused.err
    ran = run("--corpus", file, "--dim", 0, "--encoding-errors", "ignore", "--cache", cache, data=())
    assert ran.vectors.words == ["caf", "tea"]
    assert any(cache.iterdir())


def test_what_was_left_out_of_a_text_is_said(run, tmp_path):
    folder = tmp_path / "texts"
    folder.mkdir()
    (folder / "a.txt").write_text(f"tea and cake {'x' * 2000}\n", encoding="utf-8")
    (folder / "b.png").touch()
    ran = run("--corpus", folder, "--dim", 0, "--min-count", 1, data=())
    assert f"left out of {folder}: b.png: not named .txt\n" in ran.err
    assert f"{folder / 'a.txt'}, line 1: left out a word of more than 1,000 characters\n" in ran.err


def test_a_text_is_counted_from_its_file_not_from_a_copy(run, tmp_path, monkeypatch):
    kinds = []

    def noted(corpus, *args, **options):
        kinds.append(type(corpus.ids))
        return cooccurrence(corpus, *args, **options)

    monkeypatch.setattr(count, "cooccurrence", noted)
    file = tmp_path / "text.txt"
    file.write_text(TEXT, encoding="utf-8")
    assert run("--corpus", file, "--dim", 2, data=()).status == 0
    assert kinds == [np.memmap]


def test_workers_and_cluster_go_through_to_the_counting(run, monkeypatch):
    alone, both = run(), run("--workers", 2)
    assert both.vectors.vectors.tobytes() == alone.vectors.vectors.tobytes()
    assert both.out.splitlines()[1].endswith(", 2 workers") and "2 workers" not in alone.out
    made, handed = [], []
    monkeypatch.setattr(options, "Workers", lambda *args: made.append(args) or Workers())

    def noted(*args, workers, **options):
        handed.append(type(workers))
        return cooccurrence(*args, **options)

    monkeypatch.setattr(count, "cooccurrence", noted)
    run("--workers", 3, "--cluster", "tcp://there:8786")
    run("--workers", 2)
    assert made == [(3, "tcp://there:8786"), (2, None)]
    assert handed == [Workers, Workers]


@pytest.mark.parametrize(
    "content, options, message",
    [
        ("", [], "text.txt holds no words: wanted text, one sentence per line"),
        ("a\nb\n", [], "no context window can be drawn from"),
        ("a b\n", ["--min-count", 2], "occurs 2 times or more (the most frequent: 1): give a smaller --min-count"),
        ("a b\n", ["--words", "c,d"], "none of these words is in the vocabulary: c, d; give other --words"),
        ("a b\n", ["--memory", "100kB"], f"memory must be at least {LEAST_MEMORY + 2 * BYTES_PER_WORD:,} bytes"),
    ],
)
def test_a_text_that_will_not_do_is_one_line_and_status_2(run, tmp_path, content, options, message):
    file = tmp_path / "text.txt"
    file.write_text(content, encoding="utf-8")
    ran = run("--corpus", file, *options, data=())
    assert ran.status == 2
    assert ran.err.startswith("error: ") and message in ran.err and ran.err.count("\n") == 1


# The command line


def test_unknown_words_are_noticed_and_quiet_is_quiet(run):
    ran = run("--words", "coffee,tea,xyzzy")
    assert ran.err == "not in the vocabulary, left out of the pictures: xyzzy\n"
    ran = run("--words", "coffee,tea,xyzzy", "--quiet")
    assert ran.out == ran.err == "" and ran.status == 0


@pytest.mark.parametrize(
    "options, message",
    [
        (["--window", "0"], "wants a whole number of at least 1, got 0"),
        (["--memory", "much"], "wants a size such as 500MB or 2GB, got 'much'"),
        (["--cds", "0"], "wants a number above 0, got '0'"),
        (["--cds", "2"], "cds must be above 0 and at most 1, got 2"),
        (["--shift", "0.5"], "shift_k must be a finite number of at least 1, got 0.5"),
        (["--eig", "-1"], "wants a number of at least 0, got '-1'"),
        (["--measure", "counts", "--cds", "1"], "--cds goes with --measure pmi or ppmi; counts have none"),
        (["--no-svd", "--eig", "1"], "--eig goes with the SVD, which --dim 0 leaves out"),
        (["--no-svd", "--dim", "3"], "not allowed with argument"),
        (["--words", ","], "wants at least one word, as in coffee,tea"),
        (["--corpus", ""], "--corpus: wants a file, a folder or -, got ''"),
        (["--max-vocab", "9"], "--max-vocab goes with --corpus: name a text to read"),
        (["--min-count", "100000"], "no word occurs 100000 times or more: give a smaller --min-count"),
        (["--workers", "0"], "wants a whole number of at least 1, got 0"),
        (["--cluster", ""], "wants an address, got ''"),
        (["--eig", "200"], "--eig wants at most 10, got 200"),
        (["--save", "vectors.docx"], "files of word vectors end in"),
        (["--words", ",".join(f"w{i}" for i in range(3))], "none of these words is in the vocabulary"),
    ],
)
def test_what_is_out_of_range_is_one_line_and_status_2(run, options, message):
    ran = run(*options, **{"data": ()} if "--corpus" in options else {})
    assert ran.status == 2
    assert ran.err.startswith("error: ") and message in ran.err and ran.err.count("\n") == 1


def test_a_file_too_large_to_write_is_refused_before_counting(run, monkeypatch):
    monkeypatch.setattr(count, "LARGEST_FILE", 10**6)
    monkeypatch.setattr(count, "cooccurrence", None)
    ran = run("--dim", 0)
    assert ran.status == 2
    assert re.search(r"--save without SVD would write \d+ rows of \d+ numbers, 0\.0 GB: give --dim", ran.err)


def test_without_the_treebank_the_remedies_are_named(run, tmp_path, monkeypatch):
    monkeypatch.setattr("utils.treebank.DEFAULT_FOLDER", tmp_path / "nothing")
    ran = run(data=())
    assert ran.status == 2
    assert "`sh get_datasets.sh`" in ran.err and "--sample" in ran.err and "--corpus" in ran.err
