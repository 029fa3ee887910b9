"""Absurd numbers, in every option of every command that takes a number: a value, or one line and status 2."""

import math

import pytest

import count
import evaluate
import grade
import run
from utils.system import console

ABSURD = (
    *("0", "-1", "1e18", str(10**18), str(2**31), str(2**64), "nan", "inf", "-inf", "9" * 401, "9" * 5000, "1e-400"),
    *("1e400", "1e308", "5.5", "", " ", "５", "²", "1_000", "1,000", "0x10", "--", "-", "\x1b[31m", "1\n2"),
)
PARSERS = {"run.py": (run.handout_parser, run.epochs_parser), "count.py": (count.make_parser,)}
WORDS = ("v.txt", "a", "b", "c")
OTHERS = {
    grade.parse: {("class", "--csv", "x.csv"): ("--jobs", "--seed")},
    grade.written.parse: {("answers.txt",): ("--seed",)},
    evaluate.parse: {
        ("score", "v.txt"): ("--limit", "--restrict", "--seeds"),
        ("stability", "v.txt"): ("--limit", "--restrict"),
        ("neighbours", *WORDS): ("--limit", "--restrict", "-n"),
        ("analogy", *WORDS): ("--limit", "-n"),
        ("odd-one-out", *WORDS): ("--limit",),
        ("map", "v.txt", "--out", "m.png"): ("--limit", "--top"),
        ("heatmap", "v.txt", "--out", "m.png"): ("--limit",),
    },
}


def takes_a_number(action):
    try:
        return isinstance(action.type("1"), int | float)
    except (TypeError, ValueError, console.argparse.ArgumentTypeError):
        return False


def cases():
    for make_parsers in PARSERS.values():
        for parser in (make() for make in make_parsers):
            for action in filter(takes_a_number, parser._actions):
                yield parser.parse_args, (), action.option_strings[0]
    for parse, commands in OTHERS.items():
        for command, options in commands.items():
            for option in options:
                yield parse, command, option


@pytest.mark.parametrize(
    "parse, command, option", [pytest.param(*case, id=" ".join((*case[1][:1], case[2]))) for case in cases()]
)
def test_a_number_is_taken_or_refused_in_one_line(parse, command, option, capsys):
    for text in ABSURD:
        before = capsys.readouterr()
        assert before.err == ""
        try:
            args = parse([*command, f"{option}={text}" if option.startswith("--") else f"{option}{text}"])
        except SystemExit as leaving:
            error = capsys.readouterr().err
            assert leaving.code == 2 and error.startswith("error: argument ") and error.count("\n") == 1
            assert len(error) < 300 and "\x1b" not in error
        else:
            value = getattr(args, option.strip("-").replace("-", "_"))
            assert 0 <= value < math.inf


BEYOND = "999999999"


@pytest.mark.parametrize("option", ["--dim", "--noise", "--workers"])
def test_what_no_memory_holds_is_refused_before_it_is_trained(option, tmp_path, capsys):
    (tmp_path / "t.txt").write_text("a b c d\n" * 9, encoding="utf-8")
    with pytest.raises(SystemExit) as leaving:
        console.run(run.main, ["--corpus", str(tmp_path / "t.txt"), "--out", str(tmp_path), f"{option}={BEYOND}"])
    error = capsys.readouterr().err
    assert leaving.value.code == 2 and "of memory; there are " in error and error.count("\n") == 1


@pytest.mark.parametrize("option", ["--dim", "--window", "--negatives", "--batch"])
def test_what_is_too_much_for_the_handouts_training_is_refused_too(option, tmp_path, sample_folder, capsys):
    options = ["--data", str(sample_folder), "--out", str(tmp_path), "--iterations", "1", "--dim", "2"]
    with pytest.raises(SystemExit) as leaving:
        console.run(run.main, [*options, f"{option}={BEYOND}", "--quiet"])
    error = capsys.readouterr().err
    assert leaving.value.code == (0 if option == "--window" else 2) and error.count("\n") == (option != "--window")
