"""Options about a text: which values they take, and what becomes of the command line's."""

import argparse

import pytest

from utils.corpus.textoptions import TextOptions, add_text_options, text_options
from utils.system import console
from utils.system.errors import InputError


def parse(*arguments, **defaults):
    parser = console.ArgumentParser(prog="run.py")
    add_text_options(parser, **defaults)
    return parser.parse_args(arguments)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"min_count": 0}, "min_count must be at least 1, got 0"),
        ({"max_vocab": 1}, "max_vocab must be at least 2, got 1"),
        ({"longest": 1}, "longest must be at least 2, got 1"),
        ({"encoding_errors": "guess"}, "encoding_errors must be one of strict, replace, ignore, got guess"),
        ({"token_pattern": "("}, r"the token pattern '\(' is no regular expression \(.+\): give a regular"),
        ({"token_pattern": "a{99999999999999}"}, "is no regular expression"),
        ({"token_pattern": "a*"}, r"the token pattern 'a\*' matches the empty string"),
        ({"token_pattern": ""}, "matches the empty string"),
        ({"token_pattern": "(a)(b)"}, "has 2 groups, at most one can be the word"),
    ],
)
def test_what_is_out_of_range_is_refused_in_one_line(options, message):
    with pytest.raises(InputError, match=message) as caught:
        TextOptions(**options)
    assert "\n" not in str(caught.value)


def test_groups_that_capture_nothing_are_no_groups():
    assert TextOptions(token_pattern=r"(?:a|b)(c)").token_pattern


@pytest.mark.parametrize(
    "arguments, options",
    [
        ([], TextOptions()),
        (["--lowercase"], TextOptions(lowercase=True)),
        (["--keep-case"], TextOptions(lowercase=False)),
        (["--token-pattern", r"\w+"], TextOptions(token_pattern=r"\w+")),
        (["--min-count", "3"], TextOptions(min_count=3)),
        (["--max-vocab", "70"], TextOptions(max_vocab=70)),
        (["--encoding-errors", "ignore"], TextOptions(encoding_errors="ignore")),
    ],
    ids=str,
)
def test_the_command_line_says_how_to_read(arguments, options):
    args = parse("--corpus", "text.txt", *arguments)
    assert (args.corpus, text_options(args)) == ("text.txt", options)


def test_a_command_has_its_own_least_count():
    assert text_options(parse("--corpus", "-", min_count=5)).min_count == 5
    assert text_options(parse("--corpus", "-", "--min-count", "2", min_count=5)).min_count == 2


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
        text_options(parse(*arguments))
    assert text_options(parse("--min-count", "4")).min_count == 4  # which goes with other data, too


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--corpus", ""], "wants a file, a folder or -, got ''"),
        (["--cache", ""], "wants a folder, got ''"),
        (["--min-count", "0"], "wants a whole number of at least 1, got 0"),
        (["--max-vocab", "1"], "wants a whole number of at least 2, got 1"),
        (["--token-pattern", "["], "is no regular expression"),
        (["--keep-case", "--lowercase"], "not allowed with"),
    ],
    ids=str,
)
def test_a_wrong_argument_ends_with_status_2(arguments, message, capsys):
    with pytest.raises(SystemExit) as ending:
        parse(*arguments)
    assert ending.value.code == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1


def test_a_corpus_takes_its_place_among_other_data():
    parser = argparse.ArgumentParser(exit_on_error=False)
    data = parser.add_mutually_exclusive_group()
    data.add_argument("--sample", action="store_true")
    add_text_options(parser, data)
    assert parser.parse_args(["--corpus", "a"]).corpus == "a"
    with pytest.raises(argparse.ArgumentError):
        parser.parse_args(["--corpus", "a", "--sample"])
