"""The examples: what they compute against plain loops, and what they claim on the sample treebank."""

import random
import re
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.stats import spearmanr

from epochs import Settings, Trainer
from examples import bridge, closed_form, compare, negative_pmi
from utils.commands.inputs import Data
from utils.commands.words import MAP_WORDS
from utils.corpus.reading import encode
from utils.corpus.sample import write_sample_treebank
from utils.counting import glove
from utils.counting.cooccurrence import cooccurrence
from utils.counting.pmi import pmi, ppmi, svd_vectors
from utils.counting.quadratic import Modes
from utils.minibatches.chunks import Chunks
from utils.scoring import sentiment
from utils.system.errors import InputError
from utils.treebank import StanfordSentiment, sample_treebank
from utils.vectors.wordvectors import WordVectors

PAIRS = [("rain", "snow", 9.0), ("coffee", "tea", 8.0), ("King", "queen", 7.5), ("film", "rain", 1.0)]
PAIRS += [("film", "xyzzy", 3.0)]


@pytest.fixture(scope="module", autouse=True)
def few_iterations_of_glove():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compare, "GLOVE_ITERATIONS", 2)
        yield


@pytest.fixture(scope="module")
def text(sample_folder):
    return encode(StanfordSentiment(sample_folder).sentences())


@pytest.fixture(scope="module")
def halves(text):
    corpus, words = text
    parts = negative_pmi.half_and_half(corpus, np.random.default_rng(0))
    return [cooccurrence(part, 2, V=len(words)) for part in parts]


def dense(counts):
    """(expected counts, PMI) of all cells, by their definitions."""
    counts = counts.toarray()
    expected = np.outer(counts.sum(axis=1), counts.sum(axis=0)) / counts.sum()
    with np.errstate(divide="ignore", invalid="ignore"):
        return expected, np.log(counts / expected)


# examples/negative_pmi.py


def test_the_halves_share_out_the_sentences(text, halves):
    corpus, words = text
    parts = negative_pmi.half_and_half(corpus, np.random.default_rng(0))
    assert [len(part) for part in parts] == [200, 200]
    dealt = sorted(part.sentence(s) for part in parts for s in range(len(part)))
    assert dealt == sorted(corpus.sentence(s) for s in range(len(corpus)))
    other = negative_pmi.half_and_half(corpus, np.random.default_rng(1))
    assert other[0].ids.tolist() != parts[0].ids.tolist()
    assert (halves[0] + halves[1] != cooccurrence(corpus, 2, V=len(words))).nnz == 0


def test_the_census_counts_every_cell_once(halves):
    counts = halves[0] + halves[1]
    expected, values = dense(counts)
    unseen = counts.toarray() == 0
    # A ratio of whole numbers is 1 exactly, or off by more than rounding.
    equal = np.isclose(values, 0, atol=1e-12) & ~unseen
    assert negative_pmi.census(counts) == (
        np.sum((values > 0) & ~equal),
        np.sum(equal),
        np.sum((values < 0) & ~equal & ~unseen),
        np.sum(unseen),
        np.sum(unseen & (expected < 1)),
    )


def test_nearly_all_pairs_that_never_meet_were_not_to_be_expected(halves):
    kinds = negative_pmi.census(halves[0] + halves[1])
    assert kinds.unseen > 20 * (kinds.above + kinds.below)
    assert kinds.hopeless > 0.98 * kinds.unseen


def test_the_scatter_is_that_of_a_plain_loop(halves):
    counts = halves[0] + halves[1]
    expected, whole = dense(counts)
    apart, unseen, pairs = [[], []], [0, 0], [0, 0]
    with np.errstate(invalid="ignore"):
        difference = dense(halves[0])[1] - dense(halves[1])[1]
    for cell in zip(*np.nonzero(counts.toarray()), strict=True):
        if 4 <= expected[cell] < 16 and abs(whole[cell]) > 1e-12:
            side = int(whole[cell] > 0)
            pairs[side] += 1
            if np.isfinite(difference[cell]):
                apart[side].append(difference[cell])
            else:
                unseen[side] += 1
    for side, found in enumerate(negative_pmi.scatter(counts, halves, 4, 16)):
        assert found.pairs == pairs[side]
        assert found.unseen == pytest.approx(unseen[side] / pairs[side])
        assert found.spread == pytest.approx(np.sqrt(np.mean(np.square(apart[side]))))


def test_halves_agree_less_about_pairs_of_negative_pmi(tmp_path):
    """At the same expected count: a pair that occurs less often is estimated from less."""
    corpus, words = encode(StanfordSentiment(write_sample_treebank(tmp_path)).sentences())
    parts = negative_pmi.half_and_half(corpus, np.random.default_rng(0))
    halves = [cooccurrence(part, 2, V=len(words)) for part in parts]
    for low, high in ((1, 4), (4, 16), (16, 64)):
        below, above = negative_pmi.scatter(halves[0] + halves[1], halves, low, high)
        assert min(below.pairs, above.pairs) > 300
        assert below.unseen > 4 * above.unseen
        if low >= 4:  # below that, a half that has seen such a pair at all has seen it once, as the other has
            assert below.spread > 1.4 * above.spread  # measured: 1.6 and 2.7 times


def test_negative_pmi_prints_its_tables(sample_folder, capsys):
    assert negative_pmi.main(["--data", str(sample_folder)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "never together: PMI is minus infinity" in lines[1]
    numbers = [int(lines[i].split()[0].replace(",", "")) for i in (1, 3, 4)]
    cells = int(lines[0].split(": ")[1].split()[0].replace(",", ""))
    assert sum(numbers) == cells
    assert [line[2:12].strip() for line in lines[-4:]] == ["1 to 4", "4 to 16", "16 to 64", "64 and up"]
    assert negative_pmi.main(["--data", str(sample_folder), "--window", "5"]) == 0
    assert capsys.readouterr().out.splitlines()[1:] != lines[1:]


def test_the_seed_deals_other_halves(sample_folder, capsys):
    tables = []
    for seed in ("0", "0", "1"):
        negative_pmi.main(["--data", str(sample_folder), "--seed", seed])
        tables.append(capsys.readouterr().out.splitlines())
    assert tables[0] == tables[1] != tables[2]
    assert tables[0][:5] == tables[2][:5]  # the whole text is the same


def test_the_example_runs_as_a_command(command, sample_folder):
    called = command("examples/negative_pmi.py", "--data", sample_folder)
    assert called.returncode == 0, called.stderr
    assert "vocabulary 824, window 2" in called.stdout


# examples/bridge.py

C, K = 3, 4


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A treebank of a dozen words, and what is expected of its draws: (treebank, n, q, negatives)."""
    rng = np.random.default_rng(0)
    shares = 0.4 ** np.abs(np.arange(12) - np.arange(12)[:, None])  # (12, 12): a topic for each letter, near ones alike
    lines = [
        " ".join(rng.choice(list("abcdefghijkl"), rng.integers(2, 9), p=topic / topic.sum()))
        for topic in np.repeat(shares, 5, axis=0)
    ]
    folder = tmp_path_factory.mktemp("small")
    text = ["sentence_index\tsentence", *(f"{i}\t{line}" for i, line in enumerate(lines, start=1))]
    (folder / "datasetSentences.txt").write_text("\n".join(text) + "\n", encoding="utf-8")
    random.seed(3)
    treebank = StanfordSentiment(folder, tablesize=1000)
    V = len(treebank.words())
    treebank.rejectProb = lambda: np.zeros(V)  # in so small a text nearly every word would be left out
    q = np.bincount(treebank.sampleTable(), minlength=V) / 1000
    n = bridge.expected_pairs(bridge.expanded(treebank), V, C)
    return treebank, n, q, bridge.expected_negatives(n, q, K)


def test_expected_draws_are_those_of_the_librarys_minibatches(small):
    treebank, n, _, negatives = small
    V, windows = len(n), 30_000
    random.seed(4)
    treebank.minibatch(C, 50, K)
    drawn = np.concatenate([treebank.minibatch(C, 50, K).pairs for _ in range(windows // 50)])  # (P, K+2)
    for expected, outsides in ((n, drawn[:, 1:2]), (negatives, drawn[:, 2:])):
        cells = (drawn[:, :1] * V + outsides - V).ravel()
        mean = np.bincount(cells, minlength=V * V).reshape(V, V) / windows
        # Five standard errors of a Poisson count with twice the variance, as a window may hold a pair several times;
        # and the windows without another word, which are drawn again.
        allowed = 5 * np.sqrt(2 * expected / windows) + 0.02 * expected
        np.testing.assert_array_less(np.abs(mean - expected), allowed + 1e-9)


def test_negatives_on_paper():
    n = np.array([[0.0, 3, 1], [3, 0, 0], [1, 0, 0]])
    q = np.array([0.5, 0.25, 0.25])
    wanted = 2 * np.array([[0.5 * (3 + 1) / 0.75, 0.25 * 1 / 0.75, 0.25 * 3 / 0.75], [0, 1.5, 1.5], [0, 0.5, 0.5]])
    np.testing.assert_allclose(bridge.expected_negatives(n, q, 2), wanted, rtol=1e-14)


def test_theory_is_the_shifted_pmi_where_no_draw_is_excluded(small):
    _, n, _, _ = small
    q = n.sum(axis=0) ** 0.75 / (n.sum(axis=0) ** 0.75).sum()
    scores = bridge.theory(n, K * q * n.sum(axis=1, keepdims=True))
    seen = n > 0
    np.testing.assert_allclose(scores[seen], pmi(n, cds=0.75, shift_k=K).toarray()[seen], atol=1e-12)


def test_the_gradient_of_the_expected_loss_is_that_of_finite_differences(small):
    _, n, _, negatives = small
    x = np.random.default_rng(0).standard_normal((2 * len(n), 3))
    direction = np.random.default_rng(1).standard_normal(x.shape)
    _, grad = bridge.expected_loss(x, n, negatives)
    h = 1e-5
    change = [bridge.expected_loss(x + sign * h * direction, n, negatives)[0] for sign in (1, -1)]
    assert np.sum(grad * direction) == pytest.approx((change[0] - change[1]) / (2 * h), rel=1e-7)


def test_the_least_expected_loss_is_at_the_theorys_scores():
    rng = np.random.default_rng(0)
    n, q = rng.uniform(0.1, 1, (6, 6)), np.full(6, 1 / 6)
    negatives = bridge.expected_negatives(n, q, K)
    x = bridge.minimized(rng.standard_normal((12, 6)) / 6, n, negatives, 500)
    np.testing.assert_allclose(x[:6] @ x[6:].T, bridge.theory(n, negatives), atol=1e-3)  # as far as L-BFGS goes


def test_both_trainings_cross_the_bridge(small):
    treebank, n, _, negatives = small
    V = len(n)
    wanted, start = bridge.theory(n, negatives), np.random.default_rng(0).uniform(-0.1, 0.1, (2 * V, V))
    which = (n > 0.01) & np.isfinite(wanted)
    scores = {}
    for name, x in {
        "exact": bridge.minimized(start, n, negatives, 300),
        "random": bridge.trained(start, treebank, C, K, 0.1, 4000),
    }.items():
        scores[name] = bridge.fit(x[:V] @ x[V:].T, wanted, which)
    assert scores["exact"].pairs > 50
    assert scores["exact"].correlation > 0.999 and scores["exact"].apart < 0.02
    assert scores["random"].correlation > 0.95 and 0.85 < scores["random"].slope < 1.15
    assert scores["random"].apart < 0.3
    before = bridge.fit(start[:V] @ start[V:].T, wanted, which)
    assert abs(before.correlation) < 0.5 and before.apart > 0.5


def test_the_sample_treebank_crosses_the_bridge_with_fewer_dimensions_than_words(tmp_path):
    random.seed(0)
    treebank = StanfordSentiment(write_sample_treebank(tmp_path, sentences=30))
    V = len(treebank.words())
    q = np.bincount(treebank.sampleTable(), minlength=V) / treebank.tablesize
    n = bridge.expected_pairs(bridge.expanded(treebank), V, C)
    negatives = bridge.expected_negatives(n, q, K)
    wanted = bridge.theory(n, negatives)
    x = bridge.minimized(np.random.default_rng(0).uniform(-0.1, 0.1, (2 * V, 50)), n, negatives, 100)
    found = bridge.fit(x[:V] @ x[V:].T, wanted, (n > 0) & np.isfinite(wanted))
    assert V > 200 and found.pairs > 300
    assert found.correlation > 0.95 and 0.9 < found.slope < 1.1


def test_glove_learns_the_logs_and_the_rest_is_told_of_them_apart():
    """With vectors and biases that are known, what is compared is what the names say."""
    random.seed(1)
    treebank = sample_treebank(60)
    corpus, V = treebank.text(), len(treebank.words())
    settings = glove.Settings(dim=5, iterations=8, x_max=3)
    found = bridge.glove_fits(corpus, V, settings, window=4)
    counts = cooccurrence(corpus, 4, "harmonic", V=V)
    trainer = glove.Trainer(counts, settings)
    x = glove.fit(trainer)
    (u, v), (b, c) = np.split(trainer.stacked(x), 2), trainer.biases(x)
    whole = [(i, j) for i, j in zip(*counts.nonzero(), strict=True) if counts[i, j] >= 3]
    words, N = sorted({i for i, _ in whole}), counts.sum()
    sums = counts.sum(axis=1)
    wanted = [
        [(u[i] @ v[j] + b[i] + c[j], np.log(counts[i, j])) for i, j in whole],
        [(u[i] @ v[j], np.log(counts[i, j] * N / (sums[i] * sums[j]))) for i, j in whole],
        [(b[i] + c[i], 2 * np.log(sums[i]) - np.log(N)) for i in words],
    ]
    for fit, pairs in zip(found.values(), wanted, strict=True):
        ours, theirs = np.transpose(pairs)
        assert fit.pairs == len(pairs)
        assert fit.correlation == pytest.approx(np.corrcoef(ours, theirs)[0, 1], abs=1e-5)  # single precision
        assert fit.apart == pytest.approx(np.sqrt(np.mean((ours - theirs) ** 2)), rel=1e-5)
    assert found["u . v + b + c and log X"].correlation > 0.6


def test_what_is_found_of_glove_is_printed(capsys, monkeypatch):
    monkeypatch.setattr(bridge, "GLOVE_ITERATIONS", 2)
    random.seed(0)
    treebank = sample_treebank(150)
    bridge.report_glove(treebank, SimpleNamespace(seed=0))
    title, _, *lines = capsys.readouterr().out.splitlines()
    assert title == "GloVe, 10 dimensions, window 10, 2 iterations:"
    found = bridge.glove_fits(treebank.text(), len(treebank.words()), glove.Settings(dim=10, iterations=2))
    shown = [re.fullmatch(r"  (.{30}) +([\d,]+) +(\S+) +(\S+) +(\S+)", line).groups() for line in lines]
    assert [name.strip() for name, *_ in shown] == list(found)
    for (_, pairs, *numbers), fit in zip(shown, found.values(), strict=True):
        assert int(pairs.replace(",", "")) == fit.pairs
        assert [float(n) for n in numbers] == pytest.approx([fit.correlation, fit.slope, fit.apart], abs=0.006)


def test_bridge_draws_what_it_prints(tmp_path, capsys):
    options = ["--sentences", "20", "--iterations", "300", "--exact", "5", "--dim", "4", "--out", str(tmp_path)]
    assert bridge.main(options) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in lines[3:5]] == [["expected", "loss,"], ["random", "minibatches"]]
    assert lines[5].startswith("GloVe is left out: no two pairs have counts of 10;")
    assert (tmp_path / "bridge.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(InputError, match="give more --iterations"):
        bridge.main([*options, "--iterations", "1"])


# examples/closed_form.py


@pytest.fixture(scope="module")
def experiments(text):
    corpus, words = text
    counts = np.bincount(corpus.ids)
    data = Data(corpus, words, counts, "", "", [])
    return closed_form.equal_words(data, 40), closed_form.text_as_it_is(data, 2)


def test_equal_words_are_the_most_frequent_ones_as_often_as_the_rarest_of_them(text, experiments):
    corpus, words = text
    equal, whole = experiments
    frequent = np.argsort(-np.bincount(corpus.ids), kind="stable")[:40]
    spelled = [[words[frequent[i]] for i in equal.corpus.sentence(s)] for s in range(len(corpus))]
    wanted = [[words[i] for i in corpus.sentence(s) if i in frequent] for s in range(len(corpus))]
    assert spelled == wanted
    occurrences = np.bincount(equal.corpus.ids)
    assert np.array_equal(equal.counts, np.full(40, occurrences.min()))
    np.testing.assert_allclose(equal.keep * occurrences, equal.counts, rtol=1e-12)
    assert whole.corpus is corpus and np.array_equal(whole.counts, np.bincount(corpus.ids))


def test_the_expected_counts_are_what_an_epoch_trains_on(experiments):
    """On average over epochs, the pairs and how many they are; copies of the centre word are none of them."""
    equal, _ = experiments
    counts = closed_form.expected_counts(equal, 3, 0)
    assert not counts.diagonal().any()
    np.testing.assert_allclose((counts - counts.T).toarray(), 0, atol=1e-12)
    settings = Settings(dim=2, window=3, epochs=30)
    chunks = Chunks(equal.corpus, 30)
    trainer = Trainer(equal.counts, equal.keep, settings)
    pairs = sum(trainer.train(trainer.initial_vectors(), chunks[i])[1] for i in range(len(chunks))) / 30
    assert counts.sum() == pytest.approx(pairs, rel=0.05)  # 30 epochs of some 1,000 pairs: within 1 %, mostly


def test_what_is_measured_are_the_singular_values_of_the_scores():
    rng = np.random.default_rng(0)
    X, U = rng.normal(size=(2, 9, 4))
    modes = Modes(rng.normal(size=(9, 3)), np.ones(3), rng.normal(size=(9, 3)))
    singular, along = closed_form.measure(np.concatenate((X, U)), modes)
    np.testing.assert_allclose(singular, np.linalg.svd(X @ U.T)[1][:3], rtol=1e-12)
    np.testing.assert_allclose(along, np.diag(modes.targets.T @ X @ U.T @ modes.contexts), rtol=1e-12)


def test_half_of_a_mode_is_reached_between_two_measurements():
    along = np.array([[0.0, 0, 0], [2, 1, 0], [6, 2, 0]])
    measured = closed_form.Measured(np.array([0.0, 10, 20]), along, along)
    np.testing.assert_array_equal(closed_form.reached(measured, np.array([8.0, 1, 1])), [15, 5, np.nan])


def test_training_of_equal_words_follows_the_prediction(experiments):
    """The strongest modes: in the end of about the predicted size, after about the predicted time."""
    equal, _ = experiments
    args = closed_form.parse(["--sample", "--dim", "10", "--window", "3", "--top", "40"])
    prediction, measured = closed_form.run(equal, args)
    reached = closed_form.reached(measured, prediction.modes.strengths)
    assert np.all(np.diff(prediction.rates) <= 0) and measured.times[0] == 0
    assert measured.along[0] == pytest.approx(0, abs=1e-12)
    # A small text of strong pairs: far from small vectors and equal weights. Half or twice the time would be wrong.
    ratios = reached[:6] / prediction.half[:6]
    assert 0.75 < np.median(ratios) < 1.5 and ratios.min() > 0.5 and ratios.max() < 2
    ends = measured.along[-1, :6] / prediction.modes.strengths[:6]
    assert ends.min() > 0.75 and ends.max() < 2


def test_closed_form_prints_and_draws_what_was_predicted_and_measured(sample_folder, tmp_path, capsys, monkeypatch):
    pages = []
    monkeypatch.setattr(closed_form, "save_png", lambda figure, path: pages.append((figure, path)))
    monkeypatch.setattr(closed_form, "MOST_EPOCHS", 20)
    options = ["--data", str(sample_folder), "--out", str(tmp_path / "out"), "--dim", "6", "--epochs", "1"]
    (tmp_path / "wordsim353.tsv").write_text("".join(f"{a}\t{b}\t{score}\n" for a, b, score in PAIRS), encoding="utf-8")
    assert closed_form.main([*options, "--top", "30", "--sets", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert "vocabulary 824; 6 dimensions, window 5" in printed
    assert "30 words, equally frequent: half" in printed and "the text as it is: half" in printed
    assert re.search(r"closed form +PPMI \+ SVD\n", printed)
    assert re.search(r"WordSim-353 .* 4 of +5 .* 4 of +5", printed)
    ((figure, path),) = pages
    assert path == tmp_path / "out/closed_form.png" and printed.endswith(f"wrote {path}\n")
    assert [axes.get_title() for axes in figure.axes] == ["30 words, equally frequent", "the text as it is"]
    for axes, table in zip(figure.axes, re.findall(r"(?:^ +\d+ .*\n)+", printed, re.MULTILINE), strict=True):
        assert len(axes.lines) == 2 * len(table.splitlines())  # measured and predicted
        ends = sorted((line.get_ydata()[-1] for line in axes.lines[1::2]), reverse=True)
        assert ends == [line.get_ydata()[-1] for line in axes.lines[1::2]]


def test_closed_form_shows_neighbours_where_there_are_no_sets(sample_folder, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("utils.scoring.sets.DEFAULT_FOLDER", tmp_path / "nothing")
    monkeypatch.setattr(closed_form, "save_png", lambda figure, path: None)
    monkeypatch.setattr(closed_form, "MOST_EPOCHS", 5)
    lines = [" ".join(sentence) for sentence in StanfordSentiment(sample_folder).sentences()]
    (tmp_path / "text.txt").write_text("\n".join(lines), encoding="utf-8")
    options = ["--dim", "4", "--epochs", "1", "--top", "40", "--out", str(tmp_path)]
    assert closed_form.main([*options, "--corpus", str(tmp_path / "text.txt"), "--min-count", "2"]) == 0
    printed = capsys.readouterr().out
    assert "scores left out: " in printed and "get_datasets.sh evaluation" in printed
    for title in ("closed form", "PPMI + SVD"):
        assert re.search(rf"nearest neighbours among the \d+ most frequent words, by {re.escape(title)}", printed)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="has no evaluation sets"):
        closed_form.main([*options, "--sample", "--sets", str(tmp_path / "empty")])


# examples/compare.py

SMALL = ["--dim", "6", "--iterations", "30", "--epochs", "1"]


@pytest.fixture
def run_compare(sample_folder, tmp_path, capsys):
    """Compare on the small sample: the cells of each line of the table by its name, and all that is printed."""

    def call(*options):
        lines = "".join(f"{a}\t{b}\t{score}\n" for a, b, score in PAIRS)
        (tmp_path / "wordsim353.tsv").write_text(lines, encoding="utf-8")
        given = ["--data", sample_folder, "--sets", tmp_path, "--out", tmp_path / "out", *SMALL, *options]
        assert compare.main(list(map(str, given))) == 0
        printed = capsys.readouterr().out
        table = {line[2:20].strip(): line[20:].split() for line in printed.splitlines() if line.startswith("  ")}
        return table, printed

    return call


def global_vectors(corpus, V):
    counts = cooccurrence(corpus, 5, "harmonic", V=V)
    trainer = glove.Trainer(counts, glove.Settings(dim=6, iterations=compare.GLOVE_ITERATIONS))
    return np.add(*np.split(trainer.stacked(glove.fit(trainer)), 2))


def test_the_table_says_what_the_scores_of_each_method_are(run_compare, text, sample_folder, tmp_path):
    table, printed = run_compare()
    assert list(table)[-8:] == [*compare.METHODS, "random vectors", "commonest class"]
    assert (tmp_path / "out/compare.png").read_bytes().startswith(b"\x89PNG")
    corpus, words = text
    splits = sentiment.read_splits(StanfordSentiment(sample_folder))
    counts = cooccurrence(corpus, 5, V=len(words)).toarray()
    frequent = np.argsort(-np.bincount(corpus.ids), kind="stable")[:6]
    vectors = svd_vectors(ppmi(counts, 0.75), 6, random_state=0)
    wanted = {
        "counts": (counts, counts[:, frequent]),
        "GloVe": (two_sides := global_vectors(corpus, len(words)), two_sides),
        "PPMI": (ppmi(counts, 0.75).toarray(), ppmi(counts, 0.75).toarray()[:, frequent]),
        "PPMI + SVD": (vectors, vectors),
    }
    for name, (rows, features) in wanted.items():
        size, _, *accuracy, rho, p, used, _, total = table[name]
        assert int(size) == rows.shape[1]
        score = sentiment.score_sentiment(WordVectors(words, features), splits, seeds=1).vectors.accuracy
        assert accuracy == " / ".join(f"{100 * score[split]:.1f}" for split in ("train", "dev", "test")).split()
        cosines = [WordVectors(words, rows).similarity(a.lower(), b) for a, b, _ in PAIRS[:4]]
        judged = spearmanr(cosines, [score for *_, score in PAIRS[:4]])
        assert (rho, p) == (f"{judged.statistic:.3f}", f"{judged.pvalue:.2g}")
        assert (used, total) == ("4", "5")
    assert table["commonest class"] == compare.percent(sentiment.commonest_class(splits)).split()
    assert f"{len(corpus.ids):,} words, vocabulary {len(words):,}; 100.0 % of the words" in printed


def vectors_of_all_methods(text, sample_folder, *options):
    corpus, words = text
    args = compare.parse([*SMALL, *map(str, options)])
    found = {}
    for name, train in compare.METHODS.items():
        # A treebank keeps the expanded corpus that it draws when it is first asked for windows.
        given = compare.Text(StanfordSentiment(sample_folder), corpus, words, np.bincount(corpus.ids))
        found[name] = compare.dense(train(given, args))
    return found


@pytest.fixture(scope="module")
def without_options(text, sample_folder):
    return vectors_of_all_methods(text, sample_folder)


@pytest.mark.parametrize(
    "option, changed",
    [
        (["--window", 2], {"counts", "PPMI", "PPMI + SVD", "GloVe", "naive softmax", "negative sampling"}),
        (["--iterations", 60], {"naive softmax"}),
        (["--step", 1], {"naive softmax"}),
        (["--epochs", 2], {"negative sampling"}),
        (["--seed", 5], {"PPMI + SVD", "GloVe", "naive softmax", "negative sampling"}),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_an_option_changes_the_methods_it_is_for(without_options, text, sample_folder, option, changed):
    found = vectors_of_all_methods(text, sample_folder, *option)
    for name, vectors in without_options.items():
        assert len(vectors) == len(text[1])
        assert (name in changed) == (not np.array_equal(vectors, found[name])), name


def test_the_softmax_rows_are_those_of_the_words(text, sample_folder, monkeypatch):
    """Whatever their order: the treebank has its own, and a word that is not in its text."""
    corpus, words = text
    treebank = StanfordSentiment(sample_folder)
    monkeypatch.setattr(compare, "sgd", lambda objective, x, *args, **kwargs: np.arange(len(x))[:, None] + 0.0 * x)
    backwards = compare.Text(treebank, corpus, words[::-1], np.bincount(corpus.ids)[::-1])
    rows = compare.naive_softmax(backwards, compare.parse(SMALL))
    spelled = treebank.words()
    assert [spelled[int(row[0])] for row in rows] == words[::-1] and len(spelled) > len(words)


def test_without_word_similarity_the_remedy_is_a_line_and_the_table_has_no_such_columns(
    sample_folder, tmp_path, capsys, monkeypatch
):
    options = ["--data", str(sample_folder), "--out", str(tmp_path), *SMALL]
    monkeypatch.setattr("utils.scoring.sets.DEFAULT_FOLDER", tmp_path / "nothing")
    monkeypatch.setattr(compare, "METHODS", {"counts": compare.counts})
    assert compare.main(options) == 0
    printed = capsys.readouterr().out
    assert "word similarity left out: WordSim-353 is not in" in printed and "get_datasets.sh evaluation" in printed
    assert "rho" not in printed
    with pytest.raises(InputError, match="WordSim-353 is not in .*fetch with"):
        compare.main([*options, "--sets", str(tmp_path)])


def test_without_a_treebank_or_with_too_many_dimensions_one_line_says_so(sample_folder, tmp_path, monkeypatch):
    monkeypatch.setattr("utils.treebank.DEFAULT_FOLDER", tmp_path / "nothing")
    with pytest.raises(InputError, match="`sh get_datasets.sh`, name its folder with --data DIR, or .* --sample"):
        compare.main([])
    with pytest.raises(InputError, match="at most the 824 words of the vocabulary, got 9999"):
        compare.main(["--data", str(sample_folder), "--dim", "9999"])


def test_a_map_for_each_method(monkeypatch, tmp_path):
    seen = []
    monkeypatch.setattr(compare, "save_png", lambda figure, path: seen.append(figure))
    rng = np.random.default_rng(0)
    words = list(MAP_WORDS[:9])
    compare.draw(words, {"one": rng.normal(size=(9, 4)), "two": np.zeros((9, 1))}, tmp_path / "x.png")
    (figure,) = seen
    titles = [axes.get_title() for axes in figure.axes]
    assert titles[0].startswith("one: ") and titles == [titles[0], "two: 0 % of the variance"]
    for axes in figure.axes:
        assert sorted(text.get_text() for text in axes.texts) == sorted(words)
        assert sum(len(line.get_xdata()) for line in axes.lines) == len(words)
