"""Check the written part: formulas for the questions (a) to (j) and the precept's question 2, one per line.

    python grade.py written --template answers.txt   # the empty form; without a name it is printed
    python grade.py written answers.txt
    python grade.py written answers.txt --only h --json results.json

Each formula is compared with the numeric derivative of the loss at random points. The status is 0 when everything was
checked, whatever its points. A folder called `written` is graded by `python grade.py ./written`.
"""

import itertools
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path

from grader import report
from grader.compare import failed
from grader.grading import Result
from grader.scheme import Line
from grader.written_judging import Judge
from grader.written_questions import PROSE, QUESTIONS, make_cases
from utils.system import console
from utils.system.errors import InputError, quoted
from utils.system.files import read_lines, refuse_missing_folder, replacing, write_json

LAYOUTS = ("columns", "rows")
MOST_BYTES = 100_000  # of a file of answers
PAGE = "docs/derivations.md"
UNANSWERED = "not answered"

HEAD = """\
# The written part of the assignment. Write one formula after each =, on one line. To check them:
#
#     python grade.py written {name}
#
# layout = columns: vectors are columns and a matrix has one vector per column, as in the handout: U is d x |V|.
# layout = rows: vectors are rows and a matrix has one vector per row, as in the code: U is |V| x d.
layout = columns

# + - * / ** as in Python; @ multiplies matrices, .T transposes; dot(a, b) and a \u00b7 b are the inner product.
# sum(w, yhat_w * u_w) is the sum over all words w, sum(i, ...) the one over all samples, sum(j, ...) over a window.
# Functions: exp log sqrt sigma softmax outer dot sum mean stack transpose ones zeros ones_like zeros_like len
# Formulas may use the names that stand above them. After a question of prose, write a sentence: a teacher reads it.
"""


@dataclass
class Answers:
    """What a file of answers says.

    Attributes
    ----------
    layout : {"columns", "rows"}
    formulas : dict of str to str
        Name of the question -> what is written after it, not empty.
    remarks : list of str
        Lines that say nothing that is asked for.
    """

    layout: str = "columns"
    formulas: dict = field(default_factory=dict)
    remarks: list = field(default_factory=list)


def template(name="answers.txt"):
    """The empty form: its lines."""
    lines, names = HEAD.format(name=name).splitlines(), ""
    questions = sorted(QUESTIONS + PROSE, key=_place)
    for letter, group in itertools.groupby(questions, key=lambda question: question.letter):
        group = list(group)
        points = sum(question.points for question in group)
        title = f"({letter}), {points:g} point{'s' if points != 1 else ''}" if points else "The precept's question 2"
        lines += ["", f"# {title}"]
        for question in group:
            if question in QUESTIONS and question.names != names:
                names = question.names
                lines.append(f"# names: {names}")
            lines += [f"# {question.meaning}{' (prose)' if question in PROSE else ''}", f"{question.name} ="]
    return lines


def _place(question):
    """Where a question stands in the handout: by its letter and its number, formulas of one number as we list them."""
    number = question.name.split(".")[1:2]
    return question.letter, number if number in (["i"], ["ii"], ["iii"]) else []


def read_answers(path):
    """Read a file of answers.

    Returns
    -------
    Answers

    Raises
    ------
    InputError
        The file is missing, too large or not UTF-8, or names a layout that does not exist, or two of them.
    EnvironmentFailure
        It cannot be read.
    """
    lines = read_lines(path)
    if sum(map(len, lines)) > MOST_BYTES:
        raise InputError(f"{path} has more than {MOST_BYTES:,} characters: is it a file of answers?")
    answers, names, layouts = Answers(), {q.name for q in QUESTIONS + PROSE}, set()
    for number, line in enumerate(lines, start=1):
        line = line.partition("#")[0].strip()
        name, equals, text = line.partition("=")
        name, text = _plain(name), text.strip()
        if name == "layout":
            layouts.add(text.lower())
        elif name not in names or not equals:
            if line:
                answers.remarks.append(f"line {number} is left out: {_why_left_out(line, equals, name)}")
        elif text and name in answers.formulas:
            answers.remarks.append(f"line {number} is left out: {name} was answered before")
        elif text:
            answers.formulas[name] = text
    if unknown := sorted(layouts - set(LAYOUTS)):
        raise InputError(f"{path}: the layout is {quoted(unknown[0])}; wanted columns or rows")
    if len(layouts) > 1:
        raise InputError(f"{path}: the layout is said twice, as columns and as rows; keep one of the two lines")
    answers.layout = layouts.pop() if layouts else "columns"
    return answers


def _plain(name):
    """The name of a question however it is written: "(b) (i)" and "B.i" are "b.i"."""
    return ".".join(re.findall(r"[a-z0-9]+(?:_[a-z])?", name.lower()))


def _why_left_out(line, equals, name):
    if not equals:
        return f"{quoted(line)} has no =; a formula stands on one line, after the name of its question"
    return f"no question is called {quoted(name)}; `python grade.py written --template` lists all names"


def chosen(only):
    """The questions that --only names, by a letter or a name or the beginning of one; all without it."""
    if only is None:
        return QUESTIONS, PROSE
    name = _plain(only)
    questions, prose = (
        tuple(q for q in group if q.name == name or q.name.startswith(f"{name}.")) for group in (QUESTIONS, PROSE)
    )
    if not questions and not prose:
        letters = sorted({q.letter for q in QUESTIONS + PROSE})
        raise InputError(f"no question is called {quoted(only)}; give one of {', '.join(letters)}, or a part: h.i")
    return questions, prose


def check(answers, questions=QUESTIONS, seed=0):
    """Judge the formulas of a file of answers: a list of Result, one for each question."""
    cases, results = make_cases(seed), []
    for question in questions:
        text, outcome = answers.formulas.get(question.name), failed(UNANSWERED)
        if text:
            outcome = Judge(question, cases, answers.layout == "rows").judge(text)
        results.append(Result(Line(question.letter, question.name, question.points, question.meaning), outcome))
    return results


def as_text(results, prose, answers, verbose=False):
    """The table: a line for each letter, below it what is wrong; then what a teacher must read."""
    out, told = [], set()
    for letter, of_letter in itertools.groupby(results, key=lambda result: result.line.part):
        of_letter = list(of_letter)
        possible = sum(result.line.points for result in of_letter)
        score = f"{sum(r.points for r in of_letter):5.2f} of {possible:5.2f}"
        right = sum(result.outcome.passed for result in of_letter)
        out.append(f"{f'({letter})':10}{score if possible else f'{right} of {len(of_letter)} right, no points'}")
        if verbose:
            out += [f"  ok    {r.line.check}: {r.line.meaning}" for r in of_letter if r.outcome.passed]
        out += report.failures([r for r in of_letter if r.outcome.message != UNANSWERED], told)
        if empty := [result.line for result in of_letter if result.outcome.message == UNANSWERED]:
            lost = sum(line.points for line in empty)
            out.append(f"  {f'-{lost:g}' if lost else '':4}  {UNANSWERED}: {', '.join(line.check for line in empty)}")
    if results:
        total = f"{sum(r.points for r in results):5.2f} of {sum(r.line.points for r in results):5.2f}"
        out.append(f"formulas  {total}")
    if prose:
        out.append(f"prose     for a teacher to read, up to {sum(q.points for q in prose):.2f} points more:")
        for question in prose:
            what = question.meaning if question.name in answers.formulas else f"{question.meaning} ({UNANSWERED})"
            out.append(f"        {question.name}: {what}; compare {PAGE}, {question.argument}")
    return "\n".join([*out, *(f"remark: {remark}" for remark in answers.remarks)])


def as_json(results, prose, answers, seed):
    """Everything, as a dict for JSON; `lines` as in the code grader's file."""
    where = {question.name: question.equation for question in QUESTIONS}
    return {
        "points": sum(result.points for result in results),
        "possible": sum(result.line.points for result in results),
        "for_a_teacher": sum(question.points for question in prose),
        "seed": seed,
        "layout": answers.layout,
        "remarks": answers.remarks,
        "lines": [
            {**line, "answer": answers.formulas.get(line["check"], ""), "equation": where[line["check"]]}
            for line in report.lines_as_json(results)
        ],
        "prose": [{**q._asdict(), "answer": answers.formulas.get(q.name, "")} for q in prose],
    }


def parse(arguments):
    """Parse the command line; a wrong argument ends the process with status 2."""
    parser = console.ArgumentParser(prog="grade.py written", description="Check the formulas of the written part.")
    parser.add_argument("path", type=Path, nargs="?", help="the file of answers; with --template, the form to write")
    parser.add_argument("--template", action="store_true", help="write the empty form, or print it")
    parser.add_argument("--only", metavar="QUESTION", help="one question, or a part of one: b, h.i, h.i.v_c")
    parser.add_argument("--verbose", action="store_true", help="show what is right, too")
    parser.add_argument("--json", metavar="FILE", type=Path, help="write the results as JSON")
    parser.add_argument(
        "--seed", type=console.whole_number(0, 2**32 - 1), metavar="S", default=0, help="of the random points"
    )
    args = parser.parse_args(arguments)
    if args.template and (args.only or args.verbose or args.json):
        parser.error("--template goes alone, or with the name of a file")
    if not args.template and args.path is None:
        parser.error("which file of answers? --template writes an empty one")
    return args


def write_template(path):
    """Write the empty form to a new file; without a path, print it."""
    if path is None:
        console.say(*template())
        return
    if path.exists():
        raise InputError(f"{path} exists, and may hold answers; give another name")
    refuse_missing_folder(path)
    with replacing(path) as file:
        file.write("\n".join(template(path)) + "\n")
    console.say(f"wrote {path}")


def asked_for(arguments):
    """The arguments of this command, if those of grade.py (None: of the process) begin with `written`; else None."""
    arguments = sys.argv[1:] if arguments is None else arguments
    return arguments[1:] if arguments[:1] == ["written"] else None


def main(arguments):
    """Check a file of answers, or write the form, as the command line asks; return the exit status."""
    args = parse(arguments)
    if args.template:
        write_template(args.path)
        return 0
    if args.json:
        refuse_missing_folder(args.json)
    if args.json and args.json.exists() and args.path.exists() and args.json.samefile(args.path):
        raise InputError(f"--json would write over the answers in {args.path}; give another name")
    questions, prose = chosen(args.only)
    answers = read_answers(args.path)
    results = check(answers, questions, args.seed)
    if args.json:
        write_json(args.json, as_json(results, prose, answers, args.seed))
    console.say(*as_text(results, prose, answers, args.verbose).split("\n"))
    return 0
