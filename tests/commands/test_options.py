"""Shared options: their values and defaults, how help shows them, and what is refused."""

import pytest

from utils.commands import options
from utils.corpus.tokens import TextOptions
from utils.system import console
from utils.system.errors import InputError


def make_parser():
    parser = console.ArgumentParser(prog="run.py")
    options.add_treebank(parser, corpus=True)
    options.add_text_options(parser)
    options.add(parser, "--words", "--seed")
    options.add(parser, "--dim", default=7)
    return parser


def parse(*arguments):
    return make_parser().parse_args(arguments)


@pytest.mark.parametrize(
    "arguments, wanted",
    [
        ([], TextOptions(min_count=5)),
        (["--lowercase"], TextOptions(lowercase=True, min_count=5)),
        (["--keep-case"], TextOptions(lowercase=False, min_count=5)),
        (["--token-pattern", r"\w+"], TextOptions(token_pattern=r"\w+", min_count=5)),
        (["--min-count", "3"], TextOptions(min_count=3)),
        (["--max-vocab", "70"], TextOptions(max_vocab=70, min_count=5)),
        (["--encoding-errors", "ignore"], TextOptions(encoding_errors="ignore", min_count=5)),
    ],
    ids=str,
)
def test_the_command_line_says_how_to_read(arguments, wanted):
    args = parse("--corpus", "text.txt", *arguments)
    assert (args.corpus, options.text_options(args)) == ("text.txt", wanted)


def test_your_own_text_has_a_least_count_of_its_own():
    assert options.text_options(parse("--corpus", "-")).min_count == 5
    assert options.text_options(parse("--corpus", "-", "--min-count", "2")).min_count == 2
    assert options.text_options(parse("--sample")).min_count == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["--lowercase"], ["--keep-case"], ["--token-pattern", "x"], ["--max-vocab", "9"], ["--cache", "c"],
        ["--encoding-errors", "strict"],
    ],
    ids=str,
)  # fmt: skip
def test_options_about_a_text_want_a_text(arguments):
    with pytest.raises(InputError, match=f"^{arguments[0]} goes with --corpus: name a text to read$"):
        options.text_options(parse(*arguments))
    assert options.text_options(parse("--min-count", "4")).min_count == 4  # which goes with other data, too


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--corpus", ""], "wants a file, a folder or -, got ''"),
        (["--cache", ""], "wants a folder, got ''"),
        (["--min-count", "0"], "wants a whole number of at least 1, got 0"),
        (["--max-vocab", "1"], "wants a whole number of at least 2, got 1"),
        (["--token-pattern", "["], "is not a regular expression"),
        (["--keep-case", "--lowercase"], "not allowed with"),
        (["--sample", "--corpus", "x"], "not allowed with"),
        (["--words", ","], "wants at least one word, as in coffee,tea"),
        (["--seed", str(2**32)], "wants a whole number of at least 0 and at most 4294967295, got 4294967296"),
        (["--dim", "1" * 401], "and at most 1000000000, got a number of 401 digits"),
    ],
    ids=str,
)
def test_a_wrong_argument_ends_with_status_2(arguments, message, capsys):
    with pytest.raises(SystemExit) as ending:
        parse(*arguments)
    assert ending.value.code == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1


def test_help_shows_each_default_once_and_none_where_there_is_none(capsys):
    with pytest.raises(SystemExit):
        parse("--help")
    text = " ".join(capsys.readouterr().out.split())
    assert "dimensions of the vectors (default: 7)" in text
    assert "of the random numbers (default: 0)" in text
    assert "None" not in text and "False" not in text
    assert "lower-case all words, as by default --keep-case" in text


def test_words_of_a_list_are_taken_once_each():
    assert parse("--words", " tea, coffee,,tea ").words == ["tea", "coffee"]


@pytest.mark.parametrize(
    "arguments, made",
    [
        ([], (1, None)),
        (["--workers", "3", "--cluster", "tcp://a:1"], (3, "tcp://a:1")),
    ],
)
def test_the_workers_are_processes_here_or_those_of_a_cluster(arguments, made):
    parser = console.ArgumentParser(prog="run.py")
    options.add(parser, "--workers", "--cluster")
    workers = options.workers(parser.parse_args(arguments))
    assert (workers.n, workers.cluster) == made
