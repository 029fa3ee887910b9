"""utils/treebank.py on small treebanks written for the purpose: what it reads back, and what it refuses."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from utils import treebank as treebank_module
from utils.system.errors import InputError
from utils.system.paths import PROJECT
from utils.treebank import StanfordSentiment

FILES = ("datasetSentences.txt", "datasetSplit.txt", "dictionary.txt", "sentiment_labels.txt")
SENTENCES = ["A good film .", "Nothing much .", "Drama | Comedy -LRB- 2 hours -RRB-"]


@pytest.fixture
def folder(tmp_path, write_treebank):
    """A correct treebank of three sentences."""
    return write_treebank(tmp_path / "treebank", SENTENCES, sentiments=[0.9, 0.5, 0.1], splits=[1, 3, 2])


def read_everything(folder):
    treebank = StanfordSentiment(folder)
    return treebank.sentences(), treebank.dataset_split(), treebank.sent_labels()


def change_line(file, number, text):
    """Replace line `number` (from 1) of a file by `text` (bytes)."""
    lines = file.read_bytes().split(b"\n")
    lines[number - 1] = text
    file.write_bytes(b"\n".join(lines))


# Reading back


def test_a_small_treebank_is_read_back(folder):
    treebank = StanfordSentiment(folder)
    assert treebank.sentences() == [
        ["a", "good", "film", "."],
        ["nothing", "much", "."],
        ["drama", "|", "comedy", "-lrb-", "2", "hours", "-rrb-"],
    ]
    assert " ".join(treebank.words()) == "a good film . nothing much drama | comedy -lrb- 2 hours -rrb- UNK"
    assert treebank.counts().tolist() == [1, 1, 1, 2, *[1] * 10]
    assert treebank.sent_labels() == [0.9, 0.5, 0.1]
    assert treebank.dataset_split() == [[0], [2], [1]]
    assert treebank.numSentences() == 3
    assert treebank.numTokens() == 14


# Lower case only: the vocabulary is in lower case. Left out are characters of which a byte, read as Latin-1, is white
# space (0x85 and 0xA0): the published text cannot hold them undamaged.
CHARACTERS = st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zs", "Zl", "Zp"]).filter(
    lambda c: c == c.lower() and not {0x85, 0xA0} & set(c.encode("utf-8"))
)
WORDS = st.text(CHARACTERS, min_size=1, max_size=6)
# No two sentences of one text: they would have one phrase and could not have two labels.
TEXTS = st.lists(st.lists(WORDS, min_size=1, max_size=8), min_size=1, max_size=8, unique_by=tuple)


@settings(max_examples=25)
@given(sentences=TEXTS, data=st.data(), end=st.sampled_from(["\n", "\r\n"]))
def test_any_sentences_are_read_back(write_treebank, sentences, data, end):
    n = len(sentences)
    sentiments = data.draw(st.lists(st.floats(0, 1), min_size=n, max_size=n))
    splits = data.draw(st.lists(st.sampled_from([1, 2, 3]), min_size=n, max_size=n))
    with tempfile.TemporaryDirectory() as scratch:
        texts = [" ".join(sentence) for sentence in sentences]
        treebank = StanfordSentiment(write_treebank(Path(scratch) / "treebank", texts, sentiments, splits, end))
        assert treebank.sentences() == sentences
        in_order = list(dict.fromkeys(word for sentence in sentences for word in sentence))
        assert treebank.words() == [*in_order, "UNK"]
        assert treebank.tokens() == {word: i for i, word in enumerate(treebank.words())}
        assert treebank.counts().tolist() == [sum(s.count(word) for s in sentences) for word in in_order] + [1]
        assert treebank.numTokens() == sum(map(len, sentences))
        assert treebank.sent_labels() == sentiments
        for label, numbers in enumerate(treebank.dataset_split(), start=1):
            assert numbers == [i for i in range(n) if splits[i] == label]


@pytest.mark.parametrize("order", [[0, 1, 2], [2, 1, 0]])
def test_sentences_that_differ_in_case_only_keep_their_own_sentiment(tmp_path, write_treebank, order):
    texts, sentiments = ["A good film .", "a good film .", "A GOOD FILM ."], [0.1, 0.2, 0.3]
    folder = write_treebank(tmp_path / "t", [texts[i] for i in order], [sentiments[i] for i in order])
    assert StanfordSentiment(folder).sent_labels() == [sentiments[i] for i in order]


def test_text_that_was_encoded_once_stays_as_it_is(folder):
    text = "Clichés naïve 東京 Œuvre café"
    change_line(folder / "datasetSentences.txt", 2, f"1\t{text}".encode())
    change_line(folder / "dictionary.txt", 1, f"{text}|10".encode())
    sentences, _, labels = read_everything(folder)
    assert sentences[0] == ["clichés", "naïve", "東京", "œuvre", "café"]
    assert labels[0] == 0.9


def test_capitals_beyond_ascii_are_lowered_after_repair(tmp_path, write_treebank):
    # The raw texts differ ("Ã\x89", "Ã©"), so there are two ids; the word goes to the first.
    treebank = StanfordSentiment(write_treebank(tmp_path / "t", ["Étude étude"]))
    assert len(treebank.words()) == 3
    assert treebank.words()[0] == "étude"


def test_a_raw_word_keeps_its_id_where_another_is_repaired_to_it(tmp_path, write_treebank):
    treebank = StanfordSentiment(write_treebank(tmp_path / "t", ["2\xa01\\/2 of 2"]))
    assert treebank.words() == ["2â", "1\\/2", "of", "2", "UNK"]


def test_empty_lines_count_for_nothing(folder):
    expected = read_everything(folder)
    for name in FILES:
        with (folder / name).open("a", encoding="utf-8") as file:
            file.write("\n\n")
    assert read_everything(folder) == expected


def test_the_files_are_utf8_whatever_the_locale(tmp_path, write_treebank):
    folder = write_treebank(tmp_path / "t", ["Clichés naïve 東京"], sentiments=[0.75])
    program = (
        "import sys; from utils.treebank import StanfordSentiment; t = StanfordSentiment(sys.argv[1]); "
        "print(ascii(t.words()), t.sent_labels())"
    )
    environment = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONPATH": ""}
    arguments = [sys.executable, "-c", program, folder]
    called = subprocess.run(arguments, cwd=PROJECT, env=environment, capture_output=True, text=True, timeout=60)
    assert called.stdout == ascii(["clichés", "naïve", "東京", "UNK"]) + " [0.75]\n", called.stderr


def test_the_fingerprint_differs_where_the_sentences_differ(tmp_path, write_treebank):
    texts = [["a b", "c"], ["a", "b c"], ["a b"], ["c", "a b"], ["A b", "c"], ["ab", "c"], ["a", "bc"]]
    folders = [write_treebank(tmp_path / str(i), sentences) for i, sentences in enumerate(texts)]
    assert len({StanfordSentiment(folder).fingerprint() for folder in folders}) == len(texts)


# What is refused


def test_a_missing_folder_is_refused_with_the_remedy(tmp_path):
    with pytest.raises(InputError, match=f"{tmp_path / 'nowhere'}.*get_datasets.sh"):
        StanfordSentiment(tmp_path / "nowhere").tokens()


def test_without_a_path_the_folder_of_get_datasets_is_read(folder, monkeypatch):
    monkeypatch.setattr(treebank_module, "DEFAULT_FOLDER", folder)
    assert StanfordSentiment().numSentences() == 3


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(folder, name):
    (folder / name).unlink()
    with pytest.raises(InputError, match=f"{folder / name} is missing"):
        read_everything(folder)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("content", [b"", b"header\n"])
def test_a_file_without_records_is_refused(folder, name, content):
    (folder / name).write_bytes(content)
    with pytest.raises(InputError, match=name):
        read_everything(folder)


MALFORMED = {
    "datasetSentences.txt": [b"2 no tab", b"two\tA film .", b"3\tskips one", b"2\t", b"2\t \xc2\xa0", b"\tA film ."],
    "datasetSplit.txt": [b"2,4", b"2,0", b"2,", b"2;1", b"2", b"two,1", b"3,1", b"2,1,1"],
    "dictionary.txt": [
        *(b"Nothing much .", b"Nothing much .|", b"Nothing much .|x", b"Nothing much .|-1", b"phrase|1.5"),
        *(b"Nothing much .|" + b"9" * 5000, "Nothing much .|\u0661\u0661".encode(), b"Nothing much .|1_1"),
    ],
    "sentiment_labels.txt": [
        *(b"11", b"11|", b"11|x", b"x|0.5", b"|0.5", b"11|1.5", b"11|-0.1", b"11|nan", b"11|inf"),
        *(b"1_1|0.5", b"11|0_1", b"11|0.5|", b"11|1e", b"+11|0.5", b"11|" + b"9" * 5000, b"9" * 5000 + b"|0.5"),
    ],
}


@pytest.mark.parametrize("name, line", [(name, line) for name, lines in MALFORMED.items() for line in lines])
def test_a_malformed_line_is_refused_with_file_and_line(folder, name, line):
    number = 2 if name == "dictionary.txt" else 3
    change_line(folder / name, number, line)
    with pytest.raises(InputError, match=f"{folder / name}, line {number}: ") as refusal:
        read_everything(folder)
    assert len(str(refusal.value)) < len(str(folder)) + 200


@pytest.mark.parametrize("name", FILES)
def test_bytes_that_are_not_utf8_are_refused_with_file_and_line(folder, name):
    change_line(folder / name, 2, b"caf\xe9")
    with pytest.raises(InputError, match=rf"{folder / name}, line 2: not UTF-8 text \(byte 0xe9\)"):
        read_everything(folder)


def test_line_numbers_count_empty_lines(folder):
    file = folder / "datasetSplit.txt"
    file.write_bytes(file.read_bytes().replace(b"2,3\n", b"\n\n2,9\n"))
    with pytest.raises(InputError, match=f"{file}, line 5: "):
        read_everything(folder)


@pytest.mark.parametrize("name", ["datasetSentences.txt", "datasetSplit.txt"])
def test_a_file_that_is_cut_off_is_noticed(folder, name):
    lines = (folder / name).read_bytes().splitlines(keepends=True)
    (folder / name).write_bytes(b"".join(lines[:-1]))
    last = len((folder / "datasetSplit.txt").read_bytes().splitlines())
    has = 2 if name == "datasetSentences.txt" else 3
    sentences, split = folder / "datasetSentences.txt", folder / "datasetSplit.txt"
    expected = f"{split}, line {last}: ends with sentence {last - 1}, while {sentences} has {has}: .* cut off"
    with pytest.raises(InputError, match=expected):
        read_everything(folder)


@pytest.mark.parametrize("name", ["datasetSentences.txt", "datasetSplit.txt", "sentiment_labels.txt"])
def test_a_missing_header_is_noticed(folder, name):
    (folder / name).write_bytes((folder / name).read_bytes().split(b"\n", 1)[1])
    with pytest.raises(InputError, match=f"{folder / name}, line 1: wanted the names of the columns"):
        read_everything(folder)


@pytest.mark.parametrize(
    "name, number, line, what",
    [
        ("dictionary.txt", 2, b"Nothing at all .|11", "no entry in {0}/dictionary.txt"),
        ("dictionary.txt", 2, b"Nothing much .|99", "the id 99 in {0}/dictionary.txt, which {0}/sentiment_labels.txt"),
        ("sentiment_labels.txt", 3, b"99|0.5", "the id 11 in {0}/dictionary.txt, which {0}/sentiment_labels.txt"),
    ],
)
def test_a_sentence_without_a_label_is_named(folder, name, number, line, what):
    change_line(folder / name, number, line)
    place = f"{folder}/datasetSentences.txt, line 3: sentence 2, 'Nothing much .', has "
    with pytest.raises(InputError, match=place + what.format(folder)):
        read_everything(folder)


@pytest.mark.parametrize(
    "name, line, complaint",
    [
        ("dictionary.txt", b"Nothing much .|12", "line 4: 'Nothing much .' stands for 12 here and for 11"),
        ("sentiment_labels.txt", b"11|0.6", "line 5: '11' stands for 0.6 here and for 0.5"),
    ],
)
def test_a_second_entry_may_not_contradict_the_first(folder, name, line, complaint):
    expected = read_everything(folder)
    whole = (folder / name).read_bytes()
    same = b"Nothing much .|11\n" if name == "dictionary.txt" else b"11|0.5\n"
    (folder / name).write_bytes(whole + same)
    assert read_everything(folder) == expected
    (folder / name).write_bytes(whole + line + b"\n")
    with pytest.raises(InputError, match=f"{folder / name}, {complaint}"):
        read_everything(folder)


def test_a_raw_word_whose_repair_is_white_space_stays_as_it_is(tmp_path, write_treebank):
    # A no-break space that was encoded twice is split at its second half: the first, repaired, would be no word at all.
    # An em space is not split: its word, repaired, would be two.
    treebank = StanfordSentiment(write_treebank(tmp_path / "t", ["a \xa0 b", "c\u2003d e"]))
    assert treebank.words() == ["a", "\xe2", "b", "c\xe2\x80\x83d", "e", "UNK"]


# Texts and tables from which nothing can be drawn


@pytest.mark.parametrize("sentences", [["a a a a"] * 50, ["a"] * 50, ["a", "b", "c"] * 20])
@pytest.mark.parametrize("draw", ["allSentences", "getRandomContext", "sampleTokenIdx"])
def test_a_text_without_any_window_is_refused_rather_than_drawn_from_forever(tmp_path, write_treebank, sentences, draw):
    treebank = StanfordSentiment(write_treebank(tmp_path / "t", sentences))
    with pytest.raises(InputError, match="no context window can be drawn"):
        getattr(treebank, draw)()


def test_one_sentence_of_two_different_words_is_enough(tmp_path, write_treebank):
    # A word that occurs once in more than 100,000 is never left out of a copy.
    treebank = StanfordSentiment(write_treebank(tmp_path / "t", [*(f"w{i}" for i in range(100_000)), "a b"]))
    windows = [treebank.getRandomContext(3) for _ in range(20)]
    assert all(window in [("a", ["b"]), ("b", ["a"])] for window in windows)


def test_an_entry_on_the_border_of_two_words_is_the_first_ones(tmp_path, write_treebank):
    # 2 ** 17 words with UNK, each once: shares and borders are exact, and no copy leaves out a word.
    words = [f"w{i}" for i in range(2**17 - 1)]
    treebank = StanfordSentiment(write_treebank(tmp_path / "t", [" ".join(words)]), tablesize=2**18)
    # The handout's loop moves on to the next word while i > border, and the border of word j is 2 * (j + 1).
    assert treebank.sampleTable().tolist() == [max(0, (i + 1) // 2 - 1) for i in range(2**18)]


def test_a_table_of_one_word_is_refused(sample_folder):
    with pytest.raises(InputError, match="one word only.*tablesize 1"):
        StanfordSentiment(sample_folder, tablesize=1).sampleTokenIdx()


@pytest.mark.parametrize("tablesize", [0, -1])
def test_a_table_size_below_1_is_refused(sample_folder, tablesize):
    with pytest.raises(InputError, match=f"tablesize must be at least 1, got {tablesize}"):
        StanfordSentiment(sample_folder, tablesize)


@pytest.mark.parametrize("C", [0, -1])
def test_a_window_of_no_words_is_refused(sample_folder, C):
    with pytest.raises(InputError, match=f"window must reach at least 1 word, got {C}"):
        StanfordSentiment(sample_folder).getRandomContext(C)
