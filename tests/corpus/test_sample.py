"""The sample treebank: its formats, its proportions, and that what was planted can be found again.

The files are read here by a few lines of our own, not by the project's reader, and the count-based vectors are made
with NumPy alone, so that a mistake there and a mistake here cannot agree.
"""

import itertools
import os
import random
import re
import subprocess
import sys
from collections import Counter
from types import SimpleNamespace

import numpy as np
import pytest

from utils.corpus import sample
from utils.corpus.sample import planted_clusters, write_sample_treebank
from utils.system.errors import EnvironmentFailure, InputError
from utils.system.paths import PROJECT

FILES = ("datasetSentences.txt", "datasetSplit.txt", "dictionary.txt", "sentiment_labels.txt")
SST_CLASSES = np.array([1510, 3140, 2242, 3111, 1852])
SST_SPLITS = np.array([8544, 2210, 1101])
PICTURE = {
    "positive": ["great", "cool", "brilliant", "wonderful", "well", "amazing", "worth", "sweet", "enjoyable"],
    "negative": ["boring", "bad", "dumb", "annoying"],
    "people": ["female", "male", "queen", "king", "man", "woman"],
    "weather": ["rain", "snow", "hail"],
    "drinks": ["coffee", "tea"],
}
FUNCTION_WORDS = "the a an of and is its it in with this us said as to not ( ) -lrb- -rrb- . , ... -- : ! `` ''"


def lines_of(path):
    text = path.read_bytes().decode("utf-8")
    assert text.endswith("\n")
    return text[:-1].split("\n")  # not splitlines(), which also splits at other characters


def parse(folder):
    """Read the four files; `raw` are the sentences as they stand, `texts` repaired, `classes` 0 .. 4."""
    raw = [line.split("\t")[1] for line in lines_of(folder / "datasetSentences.txt")[1:]]
    texts = [text.encode("latin-1").decode("utf-8") for text in raw]
    ids = {phrase: int(number) for phrase, number in (line.rsplit("|", 1) for line in lines_of(folder / FILES[2]))}
    values = np.array([float(line.split("|")[1]) for line in lines_of(folder / "sentiment_labels.txt")[1:]])
    splits = np.array([int(line.split(",")[1]) for line in lines_of(folder / "datasetSplit.txt")[1:]])
    phrase_classes = np.searchsorted([0.2, 0.4, 0.6, 0.8], values, side="left")
    classes = np.array([phrase_classes[ids[bracketed(text)]] for text in texts])
    tokens = [text.lower().split(" ") for text in texts]
    return SimpleNamespace(
        raw=raw, texts=texts, tokens=tokens, ids=ids, values=values, splits=splits, classes=classes,
        phrase_classes=phrase_classes, counts=Counter(itertools.chain.from_iterable(tokens)),
    )  # fmt: skip


def bracketed(text):
    return text.replace("-LRB-", "(").replace("-RRB-", ")")


def contents(folder):
    return {name: (folder / name).read_bytes() for name in FILES}


def command(*arguments, **environment):
    return subprocess.run(
        [sys.executable, "-m", "utils.corpus.sample", *map(str, arguments)],
        cwd=PROJECT, env=os.environ | environment, capture_output=True, text=True, encoding="utf-8",
    )  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_sample_treebank(tmp_path_factory.mktemp("sample"))


@pytest.fixture(scope="module")
def treebank(folder):
    return parse(folder)


# ---- The same again ----


def test_another_process_writes_the_same_bytes(folder, tmp_path):
    assert command(tmp_path, PYTHONHASHSEED="1").returncode == 0
    assert contents(tmp_path) == contents(folder)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(FILES)


def test_another_seed_writes_other_bytes_in_every_file(folder, tmp_path):
    first, second = contents(folder), contents(write_sample_treebank(tmp_path, seed=1))
    assert all(first[name] != second[name] for name in FILES)


def test_the_global_random_streams_are_left_alone(tmp_path):
    np.random.seed(5)
    random.seed(5)
    before = np.random.get_state()[1].tolist(), random.getstate()
    write_sample_treebank(tmp_path, sentences=20)
    assert (np.random.get_state()[1].tolist(), random.getstate()) == before


# ---- The formats ----


@pytest.mark.parametrize(
    ("name", "header", "line_form"),
    [
        ("datasetSentences.txt", "sentence_index\tsentence", r"(\d+)\t\S+(?: \S+)*"),
        ("datasetSplit.txt", "sentence_index,splitset_label", r"(\d+),[123]"),
        ("sentiment_labels.txt", "phrase ids|sentiment values", r"(\d+)\|(?:0|1|0\.\d{1,5})"),
    ],
)
def test_every_line_has_the_published_form_and_its_number(folder, name, header, line_form):
    first, *lines = lines_of(folder / name)
    assert first == header
    start = 0 if name == "sentiment_labels.txt" else 1
    # re.ASCII: the no-break space is a part of a token, as in SST
    assert [int(re.fullmatch(line_form, line, re.ASCII)[1]) for line in lines] == list(range(start, start + len(lines)))


def test_phrase_ids_have_no_gaps_and_each_has_one_value(folder, treebank):
    lines = lines_of(folder / "dictionary.txt")
    assert len(treebank.ids) == len(lines) == len(treebank.values)
    assert sorted(treebank.ids.values()) == list(range(len(lines)))
    assert list(treebank.ids.values()) != sorted(treebank.ids.values())  # the number of a line is not the id


def test_values_are_means_of_three_ratings(treebank):
    assert treebank.values.min() >= 0
    assert treebank.values.max() <= 1
    np.testing.assert_allclose(treebank.values * 72, np.round(treebank.values * 72), atol=72 * 0.5e-5)  # five decimals
    assert len(np.unique(treebank.values)) > 60


def test_sentences_are_encoded_twice_and_phrases_once(treebank):
    phrases = " ".join(treebank.ids)
    assert "Ã" not in phrases
    for word in ("café", "cliché", "naïve"):
        broken = word.encode("utf-8").decode("latin-1")
        assert any(word in text.split() for text in treebank.texts)
        assert any(broken in text.split() for text in treebank.raw)
        assert word in treebank.ids
    assert not any(set(text) & set("éïêë") for text in treebank.raw)


def test_the_dictionary_has_every_sentence_and_word_and_their_clauses(treebank):
    sentences = [bracketed(text) for text in treebank.texts]
    words = {word for text in sentences for word in text.split(" ")}
    assert len(set(sentences)) == len(sentences) == 3000
    assert treebank.ids.keys() >= words | set(sentences)
    everything = "\n".join(sentences)
    clauses = treebank.ids.keys() - words - set(sentences)
    assert len(clauses) > 3000
    assert all(clause in everything for clause in clauses)
    assert "-LRB-" not in treebank.ids and "(" in treebank.ids


def test_what_makes_readers_stumble_is_there(treebank):
    assert sum("|" in text for text in treebank.texts) == 1
    assert sum("\u00a0" in text for text in treebank.texts) == 1  # inside a token, encoded twice in the file
    assert any("\\/" in text for text in treebank.texts)
    assert sum("-LRB-" in text for text in treebank.texts) > 20
    assert {"The", "the"} <= treebank.ids.keys()
    for sentence, its_class in {"Wonderful": 4, "Boring": 0}.items():
        assert sentence in treebank.texts
        assert treebank.phrase_classes[treebank.ids[sentence]] == its_class
        assert treebank.phrase_classes[treebank.ids[sentence.lower()]] != its_class


def test_no_two_sentences_differ_in_case_alone(treebank):
    assert len({text.lower() for text in treebank.texts}) == len(treebank.texts)


def test_sentences_begin_with_a_capital_and_articles_suit_their_nouns(treebank):
    for text in treebank.texts:
        assert re.match(r"(`` )?[A-Z]", text)
        assert not re.search(r"\b(a [aeiou]|an [^aeiou])", text, re.IGNORECASE)


# ---- The proportions ----


@pytest.mark.parametrize("sentences", [20, 101, 3000])
def test_classes_and_splits_have_the_proportions_of_sst(tmp_path, sentences):
    small = parse(write_sample_treebank(tmp_path, sentences, seed=3))
    assert len(small.texts) == sentences
    for got, wanted in [
        (np.bincount(small.classes, minlength=5), SST_CLASSES),
        (np.bincount(small.splits, minlength=4)[1:], SST_SPLITS),
    ]:
        assert got.sum() == sentences
        assert np.abs(got - sentences * wanted / wanted.sum()).max() < 1  # one sentence: whole numbers
        assert got.min() > 0


def test_classes_are_mixed_in_every_split_and_stretch(treebank):
    share = SST_CLASSES / SST_CLASSES.sum()
    parts = [treebank.classes[treebank.splits == label] for label in (1, 2, 3)]
    parts += np.array_split(treebank.classes, 4)
    for part in parts:  # the smallest has 279: four standard errors are at most 0.11
        np.testing.assert_allclose(np.bincount(part, minlength=5) / len(part), share, atol=0.11)


def test_lengths_and_vocabulary(treebank):
    lengths = np.array([len(tokens) for tokens in treebank.tokens])
    assert lengths.min() == 1
    assert lengths.max() == 25
    assert 14 < lengths.mean() < 20
    assert len(np.unique(lengths)) > 20
    assert 1000 < len(treebank.counts) < 2000


@pytest.mark.parametrize("seed", [0, 1])
def test_every_word_of_the_picture_occurs_often(treebank, tmp_path, seed):
    counts = (parse(write_sample_treebank(tmp_path, seed=seed)) if seed else treebank).counts
    words = list(itertools.chain.from_iterable(PICTURE.values()))
    assert len(words) == 24
    assert min(counts[word] for word in words) >= 25


def test_frequencies_follow_zipf(treebank):
    counts = np.array([count for _, count in treebank.counts.most_common(1000)])
    slope, _ = np.polyfit(np.log(np.arange(1, 1001)), np.log(counts), 1)
    assert -1.35 < slope < -0.85  # Zipf's law says -1; equal frequencies would say 0
    assert {word for word, _ in treebank.counts.most_common(12)} <= set(FUNCTION_WORDS.split())
    assert sum(count == 1 for count in treebank.counts.values()) > 50


# ---- What was planted ----


def thinned(tokens, counts, rng, copies=30):
    """Drop each token with probability 1 - sqrt(1e-5 * total / count); return ids and sentence numbers of the rest."""
    words = sorted(counts)
    index = {word: number for number, word in enumerate(words)}
    ids = np.array([index[word] for sentence in tokens for word in sentence])  # (tokens,)
    owner = np.repeat(np.arange(len(tokens)), [len(sentence) for sentence in tokens])  # (tokens,)
    frequency = np.array([counts[word] for word in words])
    keep = np.sqrt(1e-5 * len(ids) / frequency)[ids]  # (tokens,)
    kept = [np.flatnonzero(rng.random(len(ids)) < keep) for _ in range(copies)]
    owners = np.concatenate([owner[which] + copy * len(tokens) for copy, which in enumerate(kept)])
    return index, ids[np.concatenate(kept)], owners


def ppmi_svd(tokens, counts, dimensions, seed=0, window=5):
    """Count within the window in the thinned corpus; PPMI; U sqrt(S) with rows of unit length, for each dimension."""
    index, ids, owners = thinned(tokens, counts, np.random.default_rng(seed))
    together = np.zeros((len(index), len(index)))
    for distance in range(1, window + 1):
        near = owners[distance:] == owners[:-distance]
        np.add.at(together, (ids[:-distance][near], ids[distance:][near]), 1)
    together += together.T
    single = together.sum(axis=1)
    expected = np.maximum(np.outer(single, single), 1) / together.sum()
    ppmi = np.log(np.maximum(together / expected, 1))
    left, strength, _ = np.linalg.svd(ppmi, hermitian=True)
    vectors = [left[:, :dimension] * np.sqrt(strength[:dimension]) for dimension in dimensions]
    unit = [rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12) for rows in vectors]
    return {dimension: (index, rows) for dimension, rows in zip(dimensions, unit, strict=True)}


def groups_of(clusters):
    words = [word for group in clusters.values() for word in group]
    return words, np.repeat(np.arange(len(clusters)), [len(group) for group in clusters.values()])


@pytest.fixture(scope="module")
def vectors(treebank):
    return ppmi_svd(treebank.tokens, treebank.counts, dimensions=(10, 20))


def test_clusters_are_disjoint_frequent_and_hold_the_picture(treebank):
    clusters = planted_clusters()
    words, _ = groups_of(clusters)
    assert len(set(words)) == len(words)
    assert min(treebank.counts[word] for word in words) >= 10
    for name, group in PICTURE.items():
        assert set(group) <= set(clusters[name])


def test_ppmi_svd_separates_the_words_of_the_picture(vectors):
    index, rows = vectors[10]
    words, group = groups_of(PICTURE)
    cosine = rows[[index[word] for word in words]] @ rows[[index[word] for word in words]].T  # (24, 24)
    np.fill_diagonal(cosine, np.nan)
    same = group[:, None] == group
    assert np.nanmean(cosine[same]) > np.nanmean(cosine[~same]) + 0.5
    for number in range(len(PICTURE)):
        within = np.nanmean(cosine[np.ix_(group == number, group == number)])
        assert within > np.nanmean(cosine[np.ix_(group == number, group != number)]) + 0.4
    assert [group[np.nanargmax(row)] for row in cosine] == group.tolist()


def test_ppmi_svd_finds_the_planted_clusters_and_not_others(vectors):
    index, rows = vectors[10]
    words, group = groups_of(planted_clusters())
    cosine = rows[[index[word] for word in words]] @ rows[[index[word] for word in words]].T
    np.fill_diagonal(cosine, -np.inf)
    nearest = group[cosine.argmax(axis=1)]
    assert np.mean(nearest == group) > 0.95
    assert np.mean(nearest == np.random.default_rng(0).permutation(group)) < 0.3  # what names without meaning reach


def test_positive_and_negative_words_have_different_contexts(vectors):
    index, rows = vectors[10]
    centre = {name: rows[[index[word] for word in planted_clusters()[name]]].mean(axis=0) for name in PICTURE}
    assert centre["positive"] @ centre["negative"] < 0.3
    assert centre["positive"] @ centre["positive"] > 0.6


def test_king_is_to_queen_as_man_is_to_woman(vectors):
    """The answer among the persons has the right rank and the right sex; a guess is right once in four."""
    index, rows = vectors[20]
    cell = {word: cell for cell, words in sample.PERSONS.items() for word in words.split()}
    pairs = [
        pair
        for rank in ("royal", "common")
        for pair in zip(sample.PERSONS[rank, "male"].split(), sample.PERSONS[rank, "female"].split(), strict=True)
    ]
    assert ("king", "queen") in pairs and ("man", "woman") in pairs
    right = []
    for (his, hers), (man, woman) in itertools.permutations(pairs, 2):
        if cell[his] != cell[man]:
            wanted = rows[index[hers]] - rows[index[his]] + rows[index[man]]
            others = [word for word in cell if word not in (his, hers, man)]
            answer = max(others, key=lambda word: rows[index[word]] @ wanted)
            right.append(cell[answer] == cell[woman])
    assert len(right) == 2 * 6 * 7
    assert np.mean(right) > 0.6


def test_words_and_clauses_have_the_sentiment_of_their_words(treebank):
    """Denials turn it round; without them a clause with praise and no blame is positive, and the reverse."""
    clusters = planted_clusters()
    classes = {phrase: treebank.phrase_classes[number] for phrase, number in treebank.ids.items()}
    assert {classes[word] for word in clusters["positive"]} == {3}
    assert {classes[word] for word in clusters["negative"]} == {1}
    assert {classes[word] for word in (*clusters["drinks"], "the", ",")} == {2}
    sentences = {bracketed(text) for text in treebank.texts}
    found = Counter()
    for phrase in classes.keys() - sentences:
        words = set(phrase.lower().split())
        sign = bool(words & set(clusters["positive"])) - bool(words & set(clusters["negative"]))
        if sign and len(words) > 1:
            denied = bool(words & {"not", "never"})
            found[denied] += 1
            assert (classes[phrase] > 2) == ((sign > 0) != denied)
            assert classes[phrase] != 2
    assert found[False] > 1000
    assert found[True] > 50
    assert np.bincount([classes[phrase] for phrase in classes], minlength=5).min() > 500


def test_a_bag_of_words_learns_the_sentiment(treebank):
    index = {word: number for number, word in enumerate(sorted(treebank.counts))}
    bags = np.zeros((len(treebank.tokens), len(index) + 1))
    bags[:, -1] = 1
    for row, tokens in zip(bags, treebank.tokens, strict=True):
        np.add.at(row, [index[word] for word in tokens], 1)
    train, test = treebank.splits == 1, treebank.splits == 2
    wanted = np.eye(5)[treebank.classes]
    ridge = bags[train].T @ bags[train] + 3 * np.eye(bags.shape[1])
    weights = np.linalg.solve(ridge, bags[train].T @ wanted[train])
    accuracy = np.mean((bags[test] @ weights).argmax(axis=1) == treebank.classes[test])
    majority = np.bincount(treebank.classes[test]).max() / test.sum()
    assert accuracy > majority + 0.35
    assert accuracy < 0.95  # denials and plain words keep it from being a mere look-up


# ---- What a user can get wrong ----


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"sentences": 19}, "at least 20 sentences, got 19"),
        ({"sentences": -5}, "at least 20 sentences, got -5"),
        ({"seed": -1}, "seed must be at least 0, got -1"),
    ],
)
def test_too_few_sentences_and_negative_seeds_are_refused(tmp_path, arguments, message):
    with pytest.raises(InputError, match=message):
        write_sample_treebank(tmp_path / "new", **arguments)
    assert not (tmp_path / "new").exists()


def test_a_file_in_the_place_of_the_folder(tmp_path):
    (tmp_path / "taken").write_text("mine")
    with pytest.raises(EnvironmentFailure, match="taken"):
        write_sample_treebank(tmp_path / "taken", sentences=20)
    assert (tmp_path / "taken").read_text() == "mine"


def test_command_writes_what_the_function_writes(tmp_path):
    result = command(tmp_path / "deep" / "sample", "--sentences", 1234, "--seed", 7)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == f"wrote 1,234 sentences (seed 7) in the file formats of SST to {tmp_path}/deep/sample\n"
    assert contents(tmp_path / "deep" / "sample") == contents(write_sample_treebank(tmp_path / "same", 1234, 7))


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["new", "--sentences", "19"], 2, "wants a whole number of at least 20, got 19"),
        (["new", "--seed", "x"], 2, "wants a whole number of at least 0, got 'x'"),
        ([], 2, "required: DIR"),
        (["taken"], 1, "cannot make the folder"),
    ],
)
def test_command_says_in_one_line_what_is_wrong(tmp_path, arguments, status, message):
    (tmp_path / "taken").write_text("mine")
    result = command(*[tmp_path / word if word in ("new", "taken") else word for word in arguments])
    assert result.returncode == status
    assert result.stderr.startswith("error: ")
    assert message in result.stderr
    assert result.stderr.count("\n") == 1
    assert not (tmp_path / "new").exists()
