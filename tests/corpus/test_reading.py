"""Text as ids: what is read, what each option does to it, and what leaving rare words out does."""

import bz2
import functools
import gzip
import io
import lzma
import os
import re
import sys
import tracemalloc
from collections import Counter
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from utils.corpus import reading, sources
from utils.corpus.ids import Corpus
from utils.corpus.reading import drop_rare, encode, read_corpus, read_text
from utils.corpus.tokens import TextOptions, default_words
from utils.minibatches.chunks import Chunks
from utils.system.errors import EnvironmentFailure, InputError
from utils.treebank import StanfordSentiment
from utils.vectors.files import save_vectors
from utils.vectors.wordvectors import WordVectors

words = st.text(st.characters(exclude_categories=["Z", "C"]), min_size=1, max_size=4).map(str.lower)
lines = st.lists(st.text(st.sampled_from("aAbBcΣσİß,'\t \u3000\r\u2028é\ufeff"), max_size=20), max_size=8)
options = st.builds(
    TextOptions,
    lowercase=st.booleans(),
    token_pattern=st.sampled_from([None, r"\S+", r"\w+", "[^ ]", r"\b(\w)\w*", "a|b"]),
    min_count=st.integers(1, 3),
    max_vocab=st.none() | st.integers(2, 5),
    longest=st.integers(2, 6),
)


def decoded(corpus, vocabulary):
    return [[vocabulary[i] for i in corpus.sentence(s)] for s in range(len(corpus))]


def plain_words(line):
    """The default words of a text that has letters, apostrophes, commas and white space only."""
    return re.findall("(?:[^\\W_]\u0307?)+(?:'(?:[^\\W_]\u0307?)+)*", line)  # in lower case, İ has a dot of its own


def plain_loop(text, options):
    """What `read_text` should make of a text: sentences and counts of words, by the plainest of loops."""
    text = re.split("\r\n|[\n\r\u2028\u2029]", text.removeprefix("\ufeff"))
    text = text if text[-1] else text[:-1] or [""]
    text = [line.lower() if options.lowercase else line for line in text]
    text = [
        plain_words(line) if not options.token_pattern else re.findall(options.token_pattern, line) for line in text
    ]
    counts = Counter(word for line in text for word in line).most_common(options.max_vocab)  # ties: the first first
    counts = {word: count for word, count in counts if count >= options.min_count}
    text = [[word for word in line if word in counts] for line in text]
    n = options.longest
    return [line[i : i + n] for line in text for i in range(0, max(1, len(line)), n)], counts


@pytest.fixture
def write(tmp_path):
    """Write a file: write("a b\\n", "name.txt") -> its path."""

    def write(text, name="text.txt"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


# Against the plain loop


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("texts")


@pytest.mark.parametrize("block", [5, 64, 2**16])
@given(lines=lines, options=options, end=st.sampled_from(["", "\n", "\r\n"]))
def test_ids_and_counts_are_those_of_a_plain_loop(folder, block, lines, options, end):
    text = "\n".join(lines) + end
    (folder / "text.txt").write_text(text, encoding="utf-8", newline="")
    sentences, counts = plain_loop(text, options)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "AT_ONCE", block)
        between = "[\n\r]" if options.token_pattern else "[ \t\n\r]"  # where a block may end
        if block >= max(len(part.encode()) for part in re.split(between, text)):
            patch.setattr(sources, "BLOCK", block)
        if not any(a != b for sentence in plain_loop(text, whole(options))[0] for a, b in pairwise(sentence)):
            with pytest.raises(InputError, match="holds no words|no word of|no context window"):
                read_text(folder / "text.txt", options)
            return
        found = read_text(folder / "text.txt", options)
    assert decoded(found.corpus, found.words) == sentences
    assert dict(zip(found.words, found.counts.tolist(), strict=True)) == counts
    assert found.words == list(counts)
    assert found.tokens_read == sum(map(len, plain_loop(text, everything(options))[0]))
    assert found.lines == len(plain_loop(text, whole(options))[0])
    assert (found.corpus.ids.dtype, found.corpus.offsets.dtype) == (np.int32, np.int64)


def whole(options):
    """The same options, but for cutting."""
    return TextOptions(**{**options.as_dict(), "longest": 1000})


def everything(options):
    """The same options, but that all words stay."""
    return TextOptions(**{**options.as_dict(), "min_count": 1, "max_vocab": None})


# Options


TEXT = "The cat saw the dog .\n\nThe end of cat-and-dog\ndog days\n"


@pytest.mark.parametrize(
    "options, sentences",
    [
        ({}, [["the", "cat", "saw", "the", "dog"], [], ["the", "end", "of", "cat-and-dog"], ["dog", "days"]]),
        (
            {"lowercase": False},
            [["The", "cat", "saw", "the", "dog"], [], ["The", "end", "of", "cat-and-dog"], ["dog", "days"]],
        ),
        (
            {"token_pattern": r"\S+"},
            [["the", "cat", "saw", "the", "dog", "."], [], ["the", "end", "of", "cat-and-dog"], ["dog", "days"]],
        ),
        (
            {"token_pattern": r"\w+"},
            [["the", "cat", "saw", "the", "dog"], [], ["the", "end", "of", "cat", "and", "dog"], ["dog", "days"]],
        ),
        ({"token_pattern": r"(\w+) \w+"}, [["the", "saw", "dog"][:2], [], ["the", "of"], ["dog"]]),
        ({"min_count": 2}, [["the", "the", "dog"], [], ["the"], ["dog"]]),
        ({"max_vocab": 3}, [["the", "cat", "the", "dog"], [], ["the"], ["dog"]]),
        (
            {"longest": 4},
            [["the", "cat", "saw", "the"], ["dog"], [], ["the", "end", "of", "cat-and-dog"], ["dog", "days"]],
        ),
    ],
    ids=str,
)
def test_every_option_changes_what_is_read(write, options, sentences):
    found = read_text(write(TEXT), TextOptions(**options))
    assert decoded(found.corpus, found.words) == sentences


@pytest.mark.parametrize("errors, word", [("replace", "caf\ufffd"), ("ignore", "caf")])
def test_bytes_that_are_not_utf8_are_replaced_or_ignored(write, errors, word):
    assert word in read_text(write(b"un caf\xe9 noir"), TextOptions(encoding_errors=errors)).words


@given(lines, options, st.lists(words | st.sampled_from("abc"), unique=True, max_size=4))
def test_known_words_come_first_and_stay_however_rare(folder, lines, options, known):
    path = folder / "text.txt"
    path.write_text("\n".join(lines), encoding="utf-8")
    whole_lines = TextOptions(**{**everything(options).as_dict(), "longest": 1000})
    sentences, counts = plain_loop("\n".join(lines), whole_lines)
    most = None if options.max_vocab is None else max(0, options.max_vocab - len(known))
    new = [word for word, count in counts.items() if word not in known and count >= options.min_count][:most]
    kept = [{word for word in sentence if word in known + new} for sentence in sentences]
    if max(map(len, kept)) < 2:  # no word has a neighbour that differs from it
        with pytest.raises(InputError, match="no word|no context window"):
            read_text(path, options, known=known)
        return
    text = read_text(path, options, known=known)
    assert text.words == known + new
    assert text.counts.tolist() == [counts.get(word, 0) for word in text.words]
    found = Counter(word for sentence in decoded(text.corpus, text.words) for word in sentence)
    assert found == {word: count for word, count in counts.items() if word in text.words}


def test_a_text_is_kept_apart_from_the_same_with_other_known_words(write, tmp_path):
    path = write("a b b\n")
    first, second = (read_text(path, cache=tmp_path / "cache", known=known) for known in (["b", "z"], ["z"]))
    again = read_text(path, cache=tmp_path / "cache", known=["b", "z"])
    assert (first.words, second.words, again.words) == (["b", "z", "a"], ["z", "b", "a"], ["b", "z", "a"])
    assert (first.cached, second.cached, again.cached) == (False, False, True)


def test_a_text_without_a_known_or_frequent_word_is_refused(write):
    with pytest.raises(InputError, match="no word of .* occurs 2 times or more"):
        read_text(write("a b c\n"), TextOptions(min_count=2), known=["z"])


def test_the_most_frequent_word_is_0_and_of_equals_the_first(write):
    found = read_text(write("c a b a\nb c d e e e e"))
    assert (found.words, found.counts.tolist()) == (["e", "c", "a", "b", "d"], [4, 2, 2, 2, 1])


# Words


@pytest.mark.parametrize(
    "text, words",
    [
        ("It ended here. (such as that) \u201cMühle\u201d, Mühle!", "It ended here such as that Mühle Mühle"),
        ("don't don\u2019t l'homme 'tis dogs' rock 'n' roll", "don't don\u2019t l'homme tis dogs rock n roll"),
        ("well-known - a -b c- d--e f-'g", "well-known a b c d e f g"),
        ("snake_case _emph_ __init__ col\u00b7lecció co\u00adop", "snake_case emph init col\u00b7lecció co\u00adop"),
        ("3.14 1,000,000.5 1. 2, 3.a .5 10:30 3rd A4", "3.14 1,000,000.5 1 2 3 a 5 10 30 3rd A4"),
        ("I am X: a+b=C++; me@site.org #tag $5 50%", "I am X a b C me site org tag 5 50"),
        ("हिन्दी में लिखना, क्षत्रिय।", "हिन्दी में लिखना क्षत्रिय"),
        ("ที่นี่ ภาษาไทย", "ที่นี่ ภาษาไทย"),
        ("می\u200cخواهم \u200cکتاب\u200c צה\u05f4ל", "می\u200cخواهم کتاب צה\u05f4ל"),
        ("cafe\u0301 \u0301 x\u0301\u0327y -\u0301 a\u0301-b", "cafe\u0301 x\u0301\u0327y a\u0301-b"),
        ("今天天气很好，我用 Python 写代码。", "今 天 天 气 很 好 我 用 Python 写 代 码"),
        ("コンピューターは楽しい。5月", "コンピューター は 楽 し い 5 月"),
        ("日本 の 茶 , コーヒー も", "日本 の 茶 コーヒー も"),
        ("今天天气很好啊 我们去公园玩吧", "今 天 天 气 很 好 啊 我 们 去 公 园 玩 吧"),  # clauses, not words
        ("한국어를 공부합니다. Ελλάδα, Привет!", "한국어를 공부합니다 Ελλάδα Привет"),
        ("fun😀😀 France🇫🇷 1\ufe0f\u20e3", "fun 😀 😀 France 🇫🇷 1\ufe0f\u20e3"),
        ("👩🏽\u200d💻👍🏽 ❤\ufe0f\u200d🔥", "👩🏽\u200d💻 👍🏽 ❤\ufe0f\u200d🔥"),
        ("na\ufffdve", "na\ufffdve"),
        ("a\u200bb\u3000c\u00a0d", "a b c d"),
        ("", ""),
        ("\u0301", ""),
    ],
)  # fmt: skip
def test_words_are_those_that_readers_see(text, words):
    assert default_words(text) == words.split()


def test_spaces_count_in_the_lines_that_have_them():
    assert default_words("日本 の 茶\n日本の茶\n\n日本 の 茶は") == [
        "日本",
        "の",
        "茶",
        "\0",
        *"日本の茶",
        "\0",
        "\0",
        "日本",
        "の",
        "茶は",
    ]


ascii_and_more = st.text(st.sampled_from("aB1 .,'-_\n\té\u0301日ア😀"), max_size=30)


@given(ascii_and_more)
def test_ascii_text_has_the_words_that_it_has_beside_other_text(text):
    ascii_only = text.encode("ascii", "ignore").decode()
    assert default_words(ascii_only) == default_words(ascii_only + "\né")[:-2]


@given(ascii_and_more, ascii_and_more)
def test_the_words_of_a_line_do_not_depend_on_other_lines(one, other):
    assert default_words(f"{one}\n{other}") == [*default_words(one), "\0", *default_words(other)]


@given(ascii_and_more)
@example("日\n1ア ア")  # katakana in a line without ideographs
def test_words_are_found_by_looking_at_one_character_after_the_other(text):
    assert default_words(text) == [word for line in text.split("\n") for word in [*loop(line), "\0"]][:-1]


def loop(line):
    """The default words of a line of the characters above, by a loop."""
    runs = re.findall(r"[日ア][\u0301]*(?:[日ア]\u0301*)*", line)
    spaced = re.search(r"[日ア]\u0301*\s+[日ア]", line) and sum(map(len, runs)) <= 4 * len(runs)
    spaced = spaced and "日" in line
    word, words, last = "", [], ""
    for i, character in enumerate(line):
        before = re.sub("\u0301+$", "", line[:i])[-1:]
        after = line[i + 1 : i + 2]
        letter = "[aB1é日ア]" if spaced else "[aB1é]"
        if character == "\u0301":
            word += character if word and line[i - 1] not in ".,'-_" else ""
            continue
        joins = character in "'-_" and re.match(letter, before) and re.match(letter, after)
        joins = joins or (character in ".," and before == "1" == after)
        kind = "letter" if joins or re.match(letter, character) else {"ア": "katakana"}.get(character, character)
        if word and (kind != last or kind in "日😀"):
            words, word = [*words, word], ""
        word += character if joins or not re.match(r"[\s.,'_-]", character) else ""
        last = kind
    return words + [word] * bool(word)


# Sources


PACKERS = {"": bytes, ".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress}


def same(one, other):
    return decoded(one.corpus, one.words) == decoded(other.corpus, other.words) and one.words == other.words


@pytest.mark.parametrize("ending", PACKERS)
def test_compressed_text_is_the_same_text(write, ending):
    path = write(PACKERS[ending](TEXT.encode()), f"packed.txt{ending}")
    found = read_text(path)
    assert same(found, read_text(write(TEXT)))
    assert found.files == (str(path),)


def test_standard_input_is_the_same_text(write, monkeypatch, tmp_path):
    for cached in (False, False):  # it must be read to be known
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(TEXT.encode())))
        found = read_text("-", cache=tmp_path / "cache")
        assert same(found, read_text(write(TEXT)))
        assert (found.files, found.cached) == (("standard input",), cached)


def test_a_folder_is_its_files_in_order_without_the_hidden_ones(write, tmp_path):
    write("end of cat-and-dog\ndog days", "texts/b/2.txt")
    write(gzip.compress(b"The cat saw"), "texts/a.TXT.gz")
    write("the dog .\n", "texts/b/1.txt")
    write("hidden words\n", "texts/.hidden.txt")
    write("hidden words\n", "texts/.cache/text.txt")
    found = read_text(tmp_path / "texts")
    assert found.files == tuple(str(tmp_path / "texts" / name) for name in ("a.TXT.gz", "b/1.txt", "b/2.txt"))
    assert decoded(found.corpus, found.words) == [
        ["the", "cat", "saw"], ["the", "dog"], ["end", "of", "cat-and-dog"], ["dog", "days"]
    ]  # fmt: skip


def test_a_byte_order_mark_is_no_part_of_a_word(write):
    path = write("\ufeffDie  Straße\tist LANG\r\n\r\ndie Straße")
    found = read_text(path)
    assert decoded(found.corpus, found.words) == [["die", "straße", "ist", "lang"], [], ["die", "straße"]]
    assert same(found, read_text(path, TextOptions(token_pattern=r"\w+")))


def test_a_byte_order_mark_within_a_text_stays(write, monkeypatch):
    monkeypatch.setattr(sources, "BLOCK", 5)
    assert read_text(write("a b\n\n\ufeffc d"), TextOptions(token_pattern=r"\S+")).words == [
        "a",
        "b",
        "\ufeffc",
        "d",
    ]  # the first of a block


def test_a_text_without_line_ends_is_cut_into_sentences(write):
    sentence = [f"w{i % 1000}" for i in range(45_000)]  # 200 kB: more than three blocks
    found = read_text(write(" ".join(sentence)))
    assert np.diff(found.corpus.offsets).tolist() == [10_000] * 4 + [5_000]
    assert sum(decoded(found.corpus, found.words), []) == sentence
    assert found.lines == 1


def test_the_training_takes_its_chunks(write, tmp_path):
    found = read_text(write(TEXT), cache=tmp_path / "cache")
    chunk = Chunks(found.corpus, 1)[0]
    assert decoded(chunk.text, found.words) == decoded(found.corpus, found.words)


# Line ends, and lines without end


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\u2028", "\u2029"])
@pytest.mark.parametrize("block", [3, 2**16])
def test_any_line_end_ends_a_sentence(write, monkeypatch, end, block):
    monkeypatch.setattr(sources, "BLOCK", block)
    found = read_text(write(f"a b{end}c d e{end}{end}f g"), TextOptions(token_pattern=r"\S+"))
    assert decoded(found.corpus, found.words) == [["a", "b"], ["c", "d", "e"], [], ["f", "g"]]
    assert found.lines == 4


@pytest.mark.parametrize("space", "\v\f\x1c\x85")
def test_other_white_space_ends_no_sentence(write, space):
    assert len(read_text(write(f"a b{space}c")).corpus) == 1


def test_each_file_of_a_folder_may_begin_with_a_byte_order_mark(write, tmp_path):
    for name in ("texts/1.txt", "texts/2.txt"):
        write("\ufeffa b\n", name)
    assert read_text(tmp_path / "texts", TextOptions(token_pattern=r"\S+")).words == ["a", "b"]


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n", "\u2028"])
@pytest.mark.parametrize("block", [4, 5, 2**16])
@pytest.mark.parametrize("bad, message", [(b"\xff", "not UTF-8"), (b"\0", "a zero byte")])
def test_the_line_of_a_fault_is_counted_by_the_same_line_ends(write, monkeypatch, end, block, bad, message):
    monkeypatch.setattr(sources, "BLOCK", block)
    with pytest.raises(InputError, match=f"text.txt, line 4: {message}"):
        read_text(write(f"a b{end}{end}cd e{end}é f ".encode() + bad))


@pytest.mark.parametrize("pattern", [None, r"\S+"])
@pytest.mark.parametrize("length", [1_001, 70_000, 240_000, 2**18 + 5])
def test_a_word_beyond_all_measure_is_left_out_with_its_line(write, pattern, length):
    text = f"a b\nc {'x' * length} d\n{'y' * 1000} {'z' * length}"
    found = read_text(write(text), TextOptions(token_pattern=pattern))
    assert decoded(found.corpus, found.words) == [["a", "b"], ["c", "d"], ["y" * 1000]]
    (notice,) = found.notices
    assert notice.endswith("text.txt, line 2: left out a word of more than 1,000 characters, and 1 more")
    assert found.tokens_read >= 7


def test_notices_are_kept_with_a_text(write, tmp_path):
    path = write(f"a b {'x' * 2000}")
    first, second = (read_text(path, cache=tmp_path / "cache") for _ in "12")
    assert second.cached and second.notices == first.notices and len(first.notices) == 1


def test_chinese_without_spaces_or_line_ends_is_read(write):
    sentence = "今天天气很好" * 30_000
    found = read_text(write(sentence))
    assert sum(decoded(found.corpus, found.words), []) == list(sentence)
    assert not found.notices


# What is not a file of text


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no named pipes")
def test_a_pipe_by_name_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "pipe.txt")
    with pytest.raises(InputError, match="pipe.txt is not a file or folder but a pipe, .*: name a file, or give - and"):
        read_text(tmp_path / "pipe.txt")
    (tmp_path / "a.txt").write_text("a b")
    found = read_text(tmp_path)  # nor is it opened in a folder
    assert found.notices == [f"left out of {tmp_path}: pipe.txt: not named .txt"]


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="the system has no /dev/zero")
@pytest.mark.parametrize("linked", [False, True])
def test_a_device_is_refused_at_once(tmp_path, linked):
    (tmp_path / "text.txt").symlink_to("/dev/zero")
    with pytest.raises(InputError, match="is not a file or folder but"):
        read_text(tmp_path / "text.txt" if linked else "/dev/zero")


def test_a_run_does_not_read_what_runs_have_written(write, tmp_path):
    write("The cat saw the dog\n1 2 3\n", "texts/novel.txt")
    write("5 0.1\n", "texts/prices.txt")
    vectors = WordVectors(["the", "cat", "1"], np.linspace(-1, 1, 9).reshape(3, 3).astype(np.float32))
    for name in ("word_vectors.txt", "v.txt.gz", "v.bin", "v.tsv"):
        save_vectors(tmp_path / "texts" / name, vectors)
    (tmp_path / "texts/glove.txt").write_text("the 0.1 -2e-3\ncat .5 1\n")
    for name in ("map.png", "losses.csv", "README.md"):
        write("x y z", f"texts/{name}")
    found = read_text(tmp_path / "texts")
    assert [Path(name).name for name in found.files] == ["novel.txt", "prices.txt"]
    others, skipped = found.notices
    assert others.endswith("texts: README.md, losses.csv, map.png and 3 more: not named .txt")
    assert skipped.endswith("texts: glove.txt, v.txt.gz, word_vectors.txt: word vectors")


def test_a_folder_of_other_files_is_refused_with_their_names(write, tmp_path):
    write("a b", "texts/wiki_00")
    with pytest.raises(InputError, match="has no .txt files .*, but wiki_00: .* can be given by itself"):
        read_text(tmp_path / "texts")


# Much from little


@pytest.mark.parametrize(
    "piece, ending",
    [*((b"a b ", ending) for ending in (".gz", ".bz2", ".xz")), (b"xxxx", ".gz"), (b"\r\r\r\r", ".gz")],
    ids=[".gz", ".bz2", ".xz", "one word", "returns"],
)
def test_one_endless_line_in_a_small_file_takes_little_memory(write, monkeypatch, tmp_path, piece, ending):
    monkeypatch.setattr(reading, "AT_ONCE", 2**12)
    pack = functools.partial(lzma.compress, preset=0) if ending == ".xz" else PACKERS[ending]
    _, second, third = (
        peak(write(pack(piece * n + b" a b"), f"text.txt{ending}"), tmp_path / "cache")
        for n in (50_000, 100_000, 300_000)
    )
    assert third - second < 200_000  # bytes, for 800,000 more of text; the first takes what stays, such as tables


def test_much_text_in_a_small_file_is_said(write, tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "MUCH", 10**5)
    path = write(gzip.compress(b"a b\n" * 100_000), "text.txt.gz")
    (notice,) = read_text(path, cache=tmp_path / "cache").notices
    assert re.search(r"text.txt.gz: [\d,]+ bytes hold 400,000 bytes of text, read into 1,6\d\d,\d\d\d bytes$", notice)
    (folder,) = (tmp_path / "cache").iterdir()
    assert sum(file.stat().st_size for file in folder.iterdir()) == pytest.approx(1_600_000, abs=1000)
    assert not read_text(write(b"a b\n" * 100_000)).notices


def test_a_disk_that_would_be_filled_is_noticed_before(write, tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "CHECK_EVERY", 10**5)
    asked = []

    def disk_usage(folder):
        asked.append(sum(file.stat().st_size for file in Path(folder).iterdir()))
        return SimpleNamespace(free=reading.RESERVE + 10**6)

    monkeypatch.setattr(reading.shutil, "disk_usage", disk_usage)
    message = f"{tmp_path / 'cache'} has room for 2[\\d,]+ bytes more, too little for the text.*give another --cache"
    with pytest.raises(EnvironmentFailure, match=message):
        read_text(write("a b c d\n" * 10**6), cache=tmp_path / "cache")
    assert len(asked) > 1 and 500_000 <= asked[-1] < 700_000
    assert not list((tmp_path / "cache").iterdir())
    read_text(write("a b c d\n" * 10**4), cache=tmp_path / "cache")


# Memory


def peak(path, cache):
    tracemalloc.start()
    try:
        read_text(path, cache=cache)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_does_not_grow_with_the_text(write, tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "AT_ONCE", 2**14)
    some = "".join(f"word{i % 700} and word{i % 300} are neighbours\n" for i in range(10_000))  # 0.3 MB
    small, large = (peak(write(some * n), tmp_path / "cache") for n in (2, 8))
    assert large - small < 200_000  # bytes, for 1.9 MB more of text: what goes with its length is on disk


# Progress


@pytest.mark.parametrize("terminal, bar", [(True, True), (True, False), (False, True)])
def test_progress_is_shown_on_a_terminal_only(write, monkeypatch, capsys, terminal, bar):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: terminal)
    monkeypatch.setattr(reading, "Bar", functools.partial(reading.Bar, mininterval=0))
    packed = gzip.compress(b"a b c d\n" * 100_000)
    read_text(write(packed, "text.gz"), bar=bar)
    shown = capsys.readouterr().err
    assert ("million words/s" in shown) == (f"/{len(packed) / 1000:.2f}k" in shown) == (terminal and bar)


# Refusals


@pytest.mark.parametrize(
    "data, message",
    [
        (b"", "text.txt holds no words: wanted text, one sentence per line"),
        (b" \n\n", "text.txt holds no words"),
        (b"a b\n\x00\x01", "text.txt, line 2: a zero byte, so this is no text file"),
        (b"a b\nc\ncaf\xe9 d", r"text.txt, line 3: not UTF-8 text \(byte 0xe9\)"),
        (b"a b\n" * 50_000 + b"c \xff", "text.txt, line 50001: not UTF-8"),  # beyond the first blocks
        (b"a\nb\nc\nd e\0", "text.txt, line 4: a zero byte"),
        (
            b"a\nb\n\nc\n",
            "no context window can be drawn from .*text.txt: there is one word on a line; wanted one sente",
        ),
        (b"!!! ... ???", r"holds no words: wanted text, .* or another --token-pattern \(\\S\+ finds whatever"),
        (
            ("ข้อความภาษาไทย" * 9 + "\n").encode() * 2,
            r"one word on a line, of 126 char.* without spaces; .*--token-pattern",
        ),
        (b"a a a\nb b", "no context window can be drawn"),
        (
            b"x" * 200_000,
            "holds no words of at most 1,000 characters: the text may be written without spaces.* --token-pattern",
        ),
    ],
    ids=range(11),
)
def test_what_is_no_text_is_refused(write, data, message):
    with pytest.raises(InputError, match=message):
        read_text(write(data))


def test_words_that_are_all_too_rare_are_refused(write):
    with pytest.raises(InputError, match=r"no word of .* occurs 5 times or more \(the most frequent: 3\)"):
        read_text(write("a b a b a"), TextOptions(min_count=5))
    with pytest.raises(InputError, match="no line has two different words that occur 2 times or more next"):
        read_text(write("a b\nc a"), TextOptions(min_count=2))


@pytest.mark.parametrize("pattern, repeated", [(None, "ภาษาไทย"), (r"\S+", "今天天气很好，")])
def test_long_words_that_are_all_too_rare_point_at_missing_spaces(write, pattern, repeated):
    text = "\n".join(repeated * n for n in range(3, 30))
    with pytest.raises(
        InputError, match=r"occurs 5 times or more \(.*: 1\): .* written without spaces.*--token-pattern"
    ):
        read_text(write(text), TextOptions(token_pattern=pattern, min_count=5))


@pytest.mark.parametrize("ending", [".gz", ".bz2", ".xz"])
@pytest.mark.parametrize("kept", [0, 1000, -9])
def test_damaged_compressed_files_are_named(write, ending, kept):
    packed = PACKERS[ending]("".join(f"w{i * i % 977} w{i}\n" for i in range(2000)).encode())
    with pytest.raises(InputError, match=rf"text\{ending} is damaged or cut off \(.+\): fetch"):
        read_text(write(packed[:kept] or b"plain text", f"text{ending}"))


def test_an_xz_file_that_asks_for_much_memory_is_refused(write):
    large = {"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 1 << 28}
    with pytest.raises(InputError, match=r"text\.xz takes more than 128 MB to unpack: compress it again"):
        read_text(write(lzma.compress(b"a b c\n", filters=[large]), "text.xz"))
    assert read_text(write(lzma.compress(b"a b c\n", preset=9), "text.xz")).words == ["a", "b", "c"]


def test_an_xz_file_is_read_to_its_end_whatever_its_streams(write, monkeypatch):
    monkeypatch.setattr(sources, "BLOCK", 37)
    texts = ["".join(f"{i * i % 977} b\n" for i in range(3000)), "", "c d\n"]
    packed = b"".join(lzma.compress(text.encode()) + b"\0" * 40 for text in texts)
    found = read_text(write(packed, "text.xz"))
    plain = read_text(write("".join(texts)))
    assert found.words == plain.words and np.array_equal(found.corpus.ids, plain.corpus.ids)


def test_a_missing_file_and_an_empty_folder_are_refused(tmp_path):
    with pytest.raises(InputError, match="none.txt is missing: wanted text"):
        read_text(tmp_path / "none.txt")
    with pytest.raises(InputError, match="has no .txt files .* of text, but nothing that is not hidden"):
        read_text(tmp_path)


def test_a_closed_standard_input_is_refused(monkeypatch):
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(InputError, match="standard input is closed"):
        read_text("-")


def test_a_vocabulary_beyond_all_bounds_is_refused(write, monkeypatch):
    monkeypatch.setattr(reading, "MOST_DISTINCT", 100)
    with pytest.raises(InputError, match="more than 100 different words, too many to count"):
        read_text(write(" ".join(map(str, range(101)))))


def test_a_file_that_changes_while_it_is_read_is_refused(write, monkeypatch):
    path, number_of_stamps = write("a b\n"), iter(range(10))
    stamp = sources._stamp
    monkeypatch.setattr(sources, "_stamp", lambda status: (next(number_of_stamps), *stamp(status)))
    with pytest.raises(InputError, match="has changed while it was read"):
        read_text(path)


def test_an_empty_match_that_only_a_text_brings_about_is_refused(write):
    with pytest.raises(InputError, match="matches the empty string"):
        read_text(write("ab ba"), TextOptions(token_pattern="(?=a)"))


# Small texts in memory


@given(st.lists(st.lists(words)))
def test_encoded_sentences_decode_to_themselves(sentences):
    corpus, vocabulary = encode(sentences)
    assert decoded(corpus, vocabulary) == sentences
    assert (corpus.ids.dtype, corpus.offsets.dtype) == (np.int32, np.int64)
    assert vocabulary == list(dict.fromkeys(word for sentence in sentences for word in sentence))


def test_the_treebanks_sentences_keep_their_ids(sample_folder):
    treebank = StanfordSentiment(sample_folder)
    corpus, vocabulary = encode(treebank.sentences())
    assert vocabulary == treebank.words()[:-1]  # without UNK, which never occurs
    assert len(corpus) == treebank.numSentences() and len(corpus.ids) == treebank.numTokens()
    assert np.bincount(corpus.ids).tolist() == treebank.counts()[:-1].tolist()


def test_read_corpus_gives_corpus_and_words(write):
    corpus, vocabulary = read_corpus(write(TEXT))
    assert decoded(corpus, vocabulary)[3] == ["dog", "days"]


@given(st.lists(st.lists(st.sampled_from("abcde"), max_size=6), max_size=6), st.integers(1, 4))
def test_rare_words_leave_and_their_neighbours_move_together(sentences, least):
    corpus, vocabulary = encode(sentences)
    flat = [word for sentence in sentences for word in sentence]
    frequent = [word for word in vocabulary if flat.count(word) >= least]
    if not frequent:
        with pytest.raises(InputError, match=f"no word occurs {least} times or more"):
            drop_rare(corpus, vocabulary, least)
        return
    kept, left = drop_rare(corpus, vocabulary, least)
    assert left == frequent
    assert decoded(kept, left) == [[word for word in sentence if word in frequent] for sentence in sentences]
    assert isinstance(kept, Corpus) and kept.ids.dtype == np.int32
