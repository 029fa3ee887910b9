"""Every parser with small valid files for it: the table behind `fuzz.py` and `test_hostile.py`.

A new parser is one entry in `parsers`: its name, valid contents, a function that reads it.
"""

import bz2
import contextlib
import functools
import gzip
import hashlib
import io
import json
import lzma
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from fasttextmodel import model_bytes

from sgd import Checkpoints
from utils.corpus.download import install
from utils.corpus.published import DataSet
from utils.corpus.reading import read_text
from utils.corpus.sample import MINIMUM, write_sample_treebank
from utils.runs.losses import read_losses
from utils.scoring.sets import read_pairs, read_questions
from utils.system.errors import EnvironmentFailure, InputError
from utils.treebank import StanfordSentiment
from utils.vectors.files import load_vectors, save_vectors
from utils.vectors.subwords import NGrams, Subwords
from utils.vectors.wordvectors import WordVectors

MEMORY = 1_000_000  # bytes that a parser may take beyond twice the files


@dataclass(frozen=True, eq=False)
class Parser:
    """Something that reads a file.

    Attributes
    ----------
    name : str
    file : str
        Name of the file that is damaged.
    seeds : tuple of bytes
        Valid contents, to be damaged.
    parse : callable
        Takes the file's path; returns what was read, or raises a refusal.
    text : bool
        Whether refusals name a line.
    whole : str
        A pattern for refusals of the file as a whole, which name no line.
    beside : dict of str to bytes
        Other files in its folder.
    check : callable
        Takes (result, result of the seed, whether the damage has changed the file); raises AssertionError if the result
        is impossible.
    memory : int
        Bytes that it may take beyond twice the files.
    """

    name: str
    file: str
    seeds: tuple
    parse: Callable
    text: bool = False
    whole: str = "(?!)"
    beside: dict = field(default_factory=dict)
    check: Callable = lambda result, whole, changed: None
    memory: int = MEMORY


@functools.cache
def parsers():
    """All parsers: a tuple of Parser."""
    with tempfile.TemporaryDirectory() as folder:
        treebank = contents_of(write_sample_treebank(Path(folder) / "treebank", MINIMUM))
        saved = saved_checkpoint(Path(folder))
        vectors = saved_vectors(Path(folder))
    short = {name: data[:100] for name, data in treebank.items()}  # most of their zip is headers
    zips = (
        packed(short, "stanfordSentimentTreebank/", zipfile.ZIP_DEFLATED),
        packed(short, "", zipfile.ZIP_STORED),
        packed(short, "", zipfile.ZIP_DEFLATED, streamed=True),
    )
    data_set = DataSet(
        title="small treebank",
        url="http://127.0.0.1/never-asked",
        folder=Path("never-used"),
        terms="none",
        most_bytes=100_000,
        files={name: hashlib.sha256(data).hexdigest() for name, data in short.items()},
    )
    return (
        *(
            Parser(name, name, (data,), read_treebank, True, beside=without(treebank, name), check=check_treebank)
            for name, data in treebank.items()
        ),
        Parser(
            "zip",
            "treebank.zip",
            zips,
            functools.partial(unpack, data_set=data_set),
            check=check_unpacked,
            memory=MEMORY + data_set.most_bytes,
        ),
        *(
            Parser(f"{name}{how}", name, (data,), parse, beside=without(saved, name), check=check)
            for name, data in saved.items()
            for how, parse, check in (
                ("", read_checkpoint, check_nothing_changed),
                (", forged", read_forged_checkpoint, check_checkpoint),
            )
        ),
        *(
            Parser(
                name,
                name,
                (vectors[name],),
                read_vectors,
                name in TEXT,
                r"\d+ vectors, .* \d+ words: they do not belong together$"
                "|is UTF-16 text: |is damaged, or not an archive of NumPy: ",  # by its first bytes, which were damaged
                pair_of(vectors, name),
                check_vectors,
                2 * MEMORY,  # binary files are read by the megabyte
            )
            for name in vectors
        ),
        Parser("word pairs", "pairs.tsv", (PAIRS, SIMLEX), read_pairs, True, "holds no pairs", check=check_pairs),
        Parser(
            "questions",
            "questions-words.txt",
            (QUESTIONS,),
            read_questions,
            True,
            "holds no questions",
            check=check_questions,
        ),
        *(
            Parser(name, name, (data,), read_text, check=check_text, memory=TEXT_MEMORY)
            for name, data in {
                "text.txt": SENTENCES,
                "text.txt.gz": gzip.compress(SENTENCES, mtime=0),
                "text.txt.bz2": bz2.compress(SENTENCES),
                "text.txt.xz": lzma.compress(SENTENCES),
            }.items()
        ),
        Parser("losses", "losses.csv", (LOSSES,), read_losses, True, check=check_losses),
    )


def pair_of(files, name):
    """The other file of the two that the Embedding Projector loads."""
    return without({other: data for other, data in files.items() if other.endswith(".tsv")}, name)


def without(files, name):
    return {other: data for other, data in files.items() if other != name}


def contents_of(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


# The treebank


def read_treebank(path):
    """Everything in a treebank that is not random."""
    treebank = StanfordSentiment(path.parent)
    return {
        "words": treebank.words(),
        "tokens": treebank.tokens(),
        "counts": treebank.counts(),
        "sentences": treebank.sentences(),
        "split": treebank.dataset_split(),
        "labels": treebank.sent_labels(),
        "rejection": treebank.rejectProb(),
        "fingerprint": treebank.fingerprint(),
    }


def check_treebank(result, whole, changed):
    words, sentences, counts = result["words"], result["sentences"], result["counts"]
    assert [result["tokens"][word] for word in words] == list(range(len(words)))
    assert words[-1] == "UNK"
    assert all(len(word.split()) == 1 for word in words), "a word of white space"
    assert counts.sum() == sum(map(len, sentences)) + 1
    assert (counts > 0).all()
    assert sorted(sum(result["split"], [])) == list(range(len(sentences)))
    assert len(result["labels"]) == len(sentences)
    assert all(0 <= label <= 1 for label in result["labels"])
    assert ((result["rejection"] >= 0) & (result["rejection"] < 1)).all()
    if result["fingerprint"] == whole["fingerprint"]:
        assert (words, sentences) == (whole["words"], whole["sentences"])


# Zips


def packed(files, folder, method, streamed=False):
    """A zip of the files, as bytes; a streamed one has their sizes after them."""
    buffer = io.BytesIO()
    if streamed:
        buffer.seekable = lambda: False
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(folder + name), data, method)
    return buffer.getvalue()


def unpack(path, data_set):
    """The files that are unpacked beside `path`: dict of name to bytes."""
    out = path.parent / "out"
    try:
        install(out, path, quiet=True, data_set=data_set)
    except (InputError, EnvironmentFailure):
        assert not out.exists(), "something was unpacked before the refusal"
        raise
    assert {other.name for other in path.parent.iterdir()} == {path.name, out.name}
    assert not any(file.is_symlink() for file in out.iterdir())
    files = contents_of(out)
    assert files.keys() == data_set.files.keys()
    return files


def check_unpacked(result, whole, changed):
    """Each file has a checksum: what is unpacked must be what was packed."""
    assert result.items() <= whole.items(), "another content"


# Checkpoints


def saved_checkpoint(folder):
    """A checkpoint as bytes: dict of file name to contents."""
    before = set(folder.iterdir())
    state = {
        "step": 0.3,
        "loss": 19.5,
        "start": {"random": [3, [7] * 625, None], "numpy": ["MT19937", [5] * 624, 3, 0, 0.0]},
        "streams": {"random": [3, [9] * 625, 0.25], "numpy": ["MT19937", [8] * 624, 4, 1, 0.5]},
    }
    Checkpoints(folder, {"dim": 2}).save(14, np.linspace(-1, 1, 24).reshape(12, 2), state)
    return {path.name: path.read_bytes() for path in sorted(set(folder.iterdir()) - before) if path.suffix != ".lock"}


def read_checkpoint(path):
    """The checkpoint in the folder of `path`; a skipped one counts as a refusal."""
    with contextlib.redirect_stderr(io.StringIO()) as notice:
        found = Checkpoints(path.parent, {"dim": 2}).newest()
    if found is None:
        raise InputError(notice.getvalue().strip() or "passed over without a word")
    return found


def read_forged_checkpoint(path):
    """The same, after the checksums have been recomputed."""
    params, state = (next(path.parent.glob(f"saved_{part}_14.*")) for part in ("params", "state"))
    with contextlib.suppress(ValueError, RecursionError, AttributeError, TypeError):
        changed = json.loads(state.read_bytes())
        changed.pop("state_sha256", None)
        changed["params_sha256"] = hashlib.sha256(params.read_bytes()).hexdigest()
        changed["state_sha256"] = hashlib.sha256(json.dumps(changed, sort_keys=True).encode()).hexdigest()
        state.write_text(json.dumps(changed), encoding="utf-8")
    return read_checkpoint(path)


def check_checkpoint(result, whole, changed):
    iteration, params, state = result
    assert iteration == 14
    assert state["settings"] == {"dim": 2}
    assert params.dtype.kind == "f"
    assert np.isfinite(params).all()


def check_nothing_changed(result, whole, changed):
    assert not changed, "a checkpoint that was changed is taken"
    check_checkpoint(result, whole, changed)


# Vectors, and what they are scored with


PAIRS = "Word 1\tWord 2\tHuman (mean)\nlove\tsex\t6.77\ntiger\tcat\t7.35\nchâteau\tmoat\t5\n".encode()
SIMLEX = b"word1\tword2\tPOS\tSimLex999\nold\tnew\tA\t1.58\nsmart\tdumb\tA\t0.55\nhard\tdense\tA\t5.0\n"
QUESTIONS = b": capital-common-countries\nAthens Greece Oslo Norway\n: gram1-adverb\ncalm calmly happy happily\n"
LOSSES = b"iteration,loss\n10,19.061546\n20,19.353286\n30,19.536371\n"
SENTENCES = "Ein Satz über Tee .\nTee und Kaffee\n\nKaffee und Tee und Milch\n日本 の 茶\n".encode()
TEXT_MEMORY = 12 * MEMORY  # texts are read by the megabyte, and decompressed
TEXT = ("vectors.txt", "vectors.glove", "vectors.tsv", "vectors_metadata.tsv")


def saved_vectors(folder):
    """The same few vectors in every format: dict of file name to contents."""
    words = ["the", "café", "1,000", "ﬁn", "a" * 30]
    vectors = WordVectors(words, np.linspace(-1, 1, 15).reshape(5, 3).astype(np.float32))
    folder = folder / "vectors"
    folder.mkdir()
    for name in ("vectors.txt", "vectors.glove", "vectors.txt.gz", "vectors.bin", "vectors.npz", "vectors.tsv"):
        save_vectors(folder / name, vectors)
    table = np.linspace(1, -1, 36).reshape(12, 3).astype(np.float32)
    composing = WordVectors(words, vectors.vectors, Subwords(NGrams(3, 4, 30), table, np.arange(0, 24, 2)))
    save_vectors(folder / "ngrams.npz", composing)
    (folder / "model.bin").write_bytes(model_bytes(words, np.concatenate([vectors.vectors, table]), 2, 4, len(table)))
    return contents_of(folder)


def read_vectors(path):
    return load_vectors(path.parent / path.name.replace("_metadata", ""))


def check_vectors(result, whole, changed):
    assert result.vectors.shape == (len(result.words), result.vectors.shape[1])
    assert len(set(result.words)) == len(result.words) > 0
    assert np.isfinite(result.vectors).all()
    if result.subwords is not None:
        composed, known = result.subwords.compose(["teapot", "café"])
        assert np.isfinite(composed[known > 0]).all()


def check_pairs(result, whole, changed):
    assert result
    assert all(first and second and np.isfinite(score) for first, second, score in result)


def check_questions(result, whole, changed):
    assert any(result.values())
    assert all(len(question) == 4 and all(question) for section in result.values() for question in section)


def check_text(result, whole, changed):
    corpus = result.corpus
    assert len(set(result.words)) == len(result.words) > 1
    assert all(len(word.split()) == 1 for word in result.words)
    assert result.counts.tolist() == np.bincount(corpus.ids, minlength=len(result.words)).tolist()
    assert (np.diff(corpus.offsets) >= 0).all()
    assert corpus.offsets[-1] == len(corpus.ids)
    assert corpus.has_context()


def check_losses(result, whole, changed):
    assert all(np.diff([iteration for iteration, _ in result]) > 0)
    assert all(np.isfinite(loss) for _, loss in result)
