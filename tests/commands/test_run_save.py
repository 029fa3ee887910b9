"""run.py --save and --vectors: which vectors are kept, where, and in what format."""

from types import SimpleNamespace

import numpy as np
import pytest

import run
from utils.system import console
from utils.treebank import StanfordSentiment
from utils.vectors.files import load_vectors

ITERATIONS = 4


@pytest.fixture
def train(sample_folder, tmp_path, capsys, monkeypatch):
    """Train in this process with tmp_path as the current folder: train("--save", "v.bin") -> what came of it."""
    monkeypatch.chdir(tmp_path)
    mapped = {}

    def word_map(words, vectors, path, groups, title):
        mapped.update(zip(words, vectors, strict=True))

    monkeypatch.setattr("utils.pictures.wordmap.word_map", word_map)
    monkeypatch.setattr("utils.pictures.charts.loss_curve", lambda *arguments, **options: None)

    def call(*options, out="out", data=sample_folder):
        arguments = ["--data", data, "--iterations", ITERATIONS, "--out", out, *options]
        with pytest.raises(SystemExit) as leaving:
            console.run(run.main, list(map(str, arguments)))
        printed, errors = capsys.readouterr()
        params = tmp_path / out / f"saved_params_{ITERATIONS}.npy"
        return SimpleNamespace(
            status=leaving.value.code,
            out=printed,
            err=errors,
            params=np.load(params) if params.exists() else None,
            mapped=dict(mapped),
        )

    return call


@pytest.fixture(scope="session")
def treebank(sample_folder):
    return StanfordSentiment(sample_folder)


@pytest.fixture(scope="session")
def words(treebank):
    return treebank.words()


@pytest.fixture(scope="session")
def assert_holds(treebank):
    """That vectors have these rows for the words of the treebank, and its most frequent words first."""
    words, counts = treebank.words(), treebank.counts().tolist()
    order = [word for _, word in sorted(zip(counts, words, strict=True), key=lambda pair: -pair[0])]
    assert order != words

    def check(loaded, matrix):
        assert loaded.words == order
        assert np.array_equal(loaded[words], matrix.astype(loaded.vectors.dtype))

    return check


def chosen(params, which):
    center, outside = params[: len(params) // 2], params[len(params) // 2 :]
    every = {"center": center, "outside": outside, "sum": center + outside, "concat": np.hstack([center, outside])}
    return every[which]


def test_the_centre_vectors_are_saved_as_text_beside_the_checkpoints(train, words, assert_holds, tmp_path):
    trained = train()
    assert trained.status == 0
    assert "wrote out/word_vectors.txt\n" in trained.out
    assert (tmp_path / "out" / "word_vectors.txt").read_text(encoding="utf-8").startswith(f"{len(words)} 10\n")
    assert_holds(load_vectors(tmp_path / "out" / "word_vectors.txt"), chosen(trained.params, "center"))


@pytest.mark.parametrize("name", ["v.txt", "v.vec.gz", "v.glove", "v.bin", "v.npz", "v.tsv"])
def test_the_extension_chooses_the_format(train, assert_holds, tmp_path, name):
    trained = train("--save", name)
    assert trained.status == 0
    assert f"wrote {name}\n" in trained.out
    loaded = load_vectors(tmp_path / name)
    assert_holds(loaded, chosen(trained.params, "center"))
    assert loaded.vectors.dtype == (np.float64 if name == "v.npz" else np.float32)
    assert not (tmp_path / "out" / "word_vectors.txt").exists()


def test_the_folder_of_the_file_is_made(train, words, tmp_path):
    assert train("--save", "new/folder/v.txt").status == 0
    assert load_vectors(tmp_path / "new" / "folder" / "v.txt").vectors.shape == (len(words), 10)


@pytest.mark.parametrize("which", ["center", "outside", "sum", "concat"])
def test_which_vectors_are_saved_mapped_and_compared(train, words, assert_holds, tmp_path, which):
    trained = train("--vectors", which, "--words", "coffee,rain")
    matrix = chosen(trained.params, which)
    assert_holds(load_vectors(tmp_path / "out" / "word_vectors.txt"), matrix)
    for word in ("coffee", "rain"):
        assert np.array_equal(trained.mapped[word], matrix[words.index(word)])
    assert set(trained.mapped) == {"coffee", "rain"}


@pytest.mark.parametrize("which", ["center", "outside", "sum", "concat"])
def test_neighbours_are_those_of_the_chosen_vectors(train, sample_folder, which):
    trained = train("--vectors", which, "--words", "coffee")
    treebank = StanfordSentiment(sample_folder)
    counts = treebank.counts().tolist()
    often = sorted(range(len(counts)), key=lambda i: -counts[i])[:500]
    matrix = chosen(trained.params, which)
    centred = matrix[often]
    lengths = np.linalg.norm(centred, axis=1)
    directions = centred[lengths > 0] / lengths[lengths > 0, None]
    n = len(directions)
    common = (np.sum(directions.sum(axis=0) ** 2) - n) / (n * (n - 1))  # the mean cosine of two words
    if common > 0.5:
        centred = centred - centred.mean(axis=0)
    own = centred[often.index(treebank.tokens()["coffee"])]
    lengths = np.sqrt((centred**2).sum(axis=1) * (own @ own))
    cosines = centred @ own / np.where(lengths == 0, 1, lengths)  # a zero vector resembles nothing
    best = np.argsort(-cosines)[1:6]
    expected = "  ".join(f"{treebank.words()[often[i]]} {cosines[i]:.2f}" for i in best)
    about = " about the mean" if common > 0.5 else ""
    assert f"among the 500 most frequent words, by cosine{about}:\n" in trained.out
    assert f"\n  coffee  {expected}\n" in trained.out


def test_what_to_save_is_no_setting_of_the_training(train, words, assert_holds, tmp_path):
    first = train()
    again = train("--vectors", "concat", "--save", "out/more.npz")
    assert again.status == 0
    assert "nothing is left to train" in again.out
    assert again.params.tobytes() == first.params.tobytes()
    assert_holds(load_vectors(tmp_path / "out" / "more.npz"), chosen(first.params, "concat"))
    assert load_vectors(tmp_path / "out" / "word_vectors.txt").vectors.shape == (len(words), 10)


def test_the_same_training_saves_the_same_bytes(train, tmp_path):
    for name in ("one.npz", "other.npz"):
        train("--save", name, out=name[:3])
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "other.npz").read_bytes()


@pytest.mark.parametrize(
    "options, status, said",
    [
        (["--save", "v.doc"], 2, "error: v.doc: files of word vectors end in .txt"),
        (["--save", ""], 2, "error: argument --save: wants a file, got ''"),
        (["--save", "folder.txt"], 2, "error: --save wants a file, got the folder folder.txt"),
        (["--save", "saved_params_4.npy"], 2, "error: saved_params_4.npy: files of word vectors end in"),
        (["--save", "v.tsv.gz"], 2, "error: v.tsv.gz: files of format projector are not compressed"),
        (["--vectors", "centre"], 2, "error: argument --vectors: invalid choice: 'centre'"),
        (["--save", "file/v.txt"], 1, "error: cannot make the folder file"),
    ],
)
def test_what_cannot_be_saved_is_refused_before_training(train, tmp_path, monkeypatch, options, status, said):
    (tmp_path / "folder.txt").mkdir()
    (tmp_path / "file").touch()
    monkeypatch.setattr(run.ByIterations, "train", lambda *arguments: pytest.fail("it has been trained"))
    refused = train(*options)
    assert refused.status == status
    assert refused.err.startswith(said)
    assert refused.err.count("\n") == 1
    assert refused.out == ""


def test_vectors_beyond_single_precision_can_still_be_saved(train, assert_holds, tmp_path):
    refused = train("--step", "1e50")
    assert refused.status == 2
    assert "beyond single precision, which this format keeps: use .npz" in refused.err
    assert not (tmp_path / "out" / "word_vectors.txt").exists()
    saved = train("--step", "1e50", "--save", "out/v.npz")
    assert saved.status == 0
    assert_holds(load_vectors(tmp_path / "out" / "v.npz"), chosen(saved.params, "center"))


def test_words_of_the_real_treebank_are_saved_as_they_are_read(train, sst_folder, tmp_path):
    assert train(data=sst_folder).status == 0
    loaded = load_vectors(tmp_path / "out" / "word_vectors.txt")
    assert len(loaded) == 19539  # the handout's vocabulary: no word comes twice
    assert "clichés" in loaded and "clichã©s" not in loaded
    # "2" with half a no-break space repairs to "2", which is a word of its own: both keep their rows and names.
    assert "2" in loaded and "2â" in loaded
    treebank = StanfordSentiment(sst_folder)
    counts = dict(zip(treebank.words(), treebank.counts().tolist(), strict=True))
    assert loaded.words == sorted(counts, key=lambda word: -counts[word])
