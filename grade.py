"""Grade solutions of the assignment: points by the handout's scheme, and what is wrong, by its name.

    python grade.py FOLDER                 # or assignment2.zip
    python grade.py FOLDER --only neg      # one part
    python grade.py FOLDER --verbose --data utils/datasets/stanfordSentimentTreebank
    python grade.py CLASS --csv grades.csv # every submission in a folder: tables, and a report for each
    python grade.py FOLDER --gradescope results.json --scheme scheme.toml
    python grade.py written answers.txt    # the formulas of the written part; --template writes the empty form

The code that is graded runs in a sandbox; where this system offers none, grading is refused unless --unsafe is given.
The status is 0 when everything was graded, whatever its points.
"""

import contextlib
import functools
import json
import tempfile
import traceback
from pathlib import Path

from grader import classroom, report, written
from grader.grading import grade
from grader.protection import find_protection
from grader.scheme import BUILT_IN, PART_TITLES, SHAPE, read_scheme
from grader.solution import Solution, collect
from grader.training import Text
from utils.commands.inputs import refuse_overwriting
from utils.corpus import sample
from utils.system import console
from utils.system.errors import EnvironmentFailure, InputError
from utils.system.files import refuse_missing_folder, write_json
from utils.treebank import DEFAULT_FOLDER, StanfordSentiment

LARGEST_SEED = 2**32 - 1
SAMPLE_SENTENCES = 400  # of the sample treebank for the trial training, where the real one is not at hand


def parse(arguments):
    """Parse the command line; a wrong argument ends the process with status 2."""
    parser = console.ArgumentParser(
        description="Grade a solution, or a class of them: points, and what is wrong.",
        epilog="The formulas of the written part are checked by `grade.py written`: see grade.py written --help.",
    )
    parser.add_argument(
        "path", type=Path, help="folder of the solution, or its assignment2.zip; with --csv, of the class"
    )
    parser.add_argument("--only", metavar="PART", choices=list(PART_TITLES), help=f"one of {', '.join(PART_TITLES)}")
    data = parser.add_mutually_exclusive_group()
    data.add_argument(
        "--data", metavar="DIR", type=Path, help="the treebank of the training (default: where SST is put)"
    )
    data.add_argument("--sample", action="store_true", help="the training was done with `run.py --sample`")
    parser.add_argument("--scheme", metavar="FILE", type=Path, default=BUILT_IN, help="points and bounds, as TOML")
    parser.add_argument("--verbose", action="store_true", help="show every check, not only what is wrong")
    parser.add_argument("--json", metavar="FILE", type=Path, help="write the results as JSON")
    parser.add_argument("--gradescope", metavar="FILE", type=Path, help="write the results for Gradescope's autograder")
    parser.add_argument("--metadata", metavar="FILE", type=Path, help="Gradescope's submission_metadata.json")
    parser.add_argument(
        "--csv", metavar="FILE", type=Path, help="grade a class: write its points here, reports beside it"
    )
    parser.add_argument(
        "--jobs",
        type=console.whole_number(1, 1000),
        metavar="N",
        help="submissions at a time (default: half the cores)",
    )
    parser.add_argument(
        "--seed",
        type=console.whole_number(0, LARGEST_SEED),
        metavar="S",
        help="of the random cases (default: from the code)",
    )
    parser.add_argument("--unsafe", action="store_true", help="grade even where no sandbox protects this machine")
    args = parser.parse_args(arguments)
    one = [name for name in ("json", "gradescope", "metadata") if getattr(args, name)]
    if args.csv and one:
        parser.error(f"--{one[0]} is for one solution, --csv for a class")
    if args.jobs and not args.csv:
        parser.error("--jobs is for a class: give --csv too")
    if args.metadata and not args.gradescope:
        parser.error("--metadata is for --gradescope: give that too")
    return args


def read_text(args):
    """The treebank for the part training: the one asked for, or SST where it is at hand, or none to judge with."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "treebank"
        if args.sample:
            return Text(StanfordSentiment(sample.write_sample_treebank(folder)), "sample")
        if args.data or DEFAULT_FOLDER.is_dir():
            treebank = StanfordSentiment(args.data)
            is_sst = 2 * len(treebank.words()) == SHAPE[0]
            return Text(treebank, "sst" if is_sst else "other")
        return Text(StanfordSentiment(sample.write_sample_treebank(folder, SAMPLE_SENTENCES)), "sample", judging=False)


def read_metadata(path):
    """What Gradescope says about a submission; nothing where that cannot be read."""
    try:
        content = json.loads(path.read_text(encoding="utf-8")) if path else {}
    except (OSError, ValueError) as error:
        console.note(f"{path} cannot be read, so it is not known whether the submission is late: {error}")
        return {}
    return content if isinstance(content, dict) else {}


def grade_one(args, settings):
    """Grade one solution; write and print its results."""
    solution, troubles = collect_anything(args.path)
    text = read_text(args) if "training" in settings["parts"] else None
    grading = grade(solution, text, **settings)
    if args.json:
        write_json(args.json, report.as_json(grading))
    if args.gradescope:
        write_json(args.gradescope, report.as_gradescope(grading, read_metadata(args.metadata)))
    print(report.as_text(grading, args.verbose))
    return troubles + grading.troubles


def collect_anything(path):
    """Read a submission, whatever it holds: a Solution, and the tracebacks of the grader's own mistakes."""
    try:
        return collect(path), []
    except (InputError, EnvironmentFailure):
        raise
    except Exception:
        sentence = "the grader itself failed while it read the submission, please tell your instructor"
        return Solution(trouble=sentence), [traceback.format_exc()]


def grade_class(args, settings):
    """Grade a class; write a report for each submission and the tables of all."""
    make_text = functools.partial(read_text, args) if "training" in settings["parts"] else _no_text
    with contextlib.ExitStack() as stack:
        found = classroom.submissions(classroom.unpacked(args.path, stack))
        name = f"{args.data} {args.sample} {DEFAULT_FOLDER.is_dir()}"
        graded = classroom.Classroom(args.csv.with_name(f"{args.csv.stem}-reports"), make_text, name, settings)
        reports = graded.grade(found, args.jobs or classroom.default_jobs())
    classroom.write_csv(args.csv, classroom.points_table(reports))
    classroom.write_csv(args.csv.with_name(f"{args.csv.stem}-mistakes.csv"), classroom.mistakes_table(reports))
    console.say(*classroom.as_text(reports).split("\n"))
    return [trouble for content in reports.values() for trouble in content["troubles"]]


def _no_text():
    return None


def main(arguments=None):
    """Grade as the command line asks; return the exit status."""
    if (rest := written.asked_for(arguments)) is not None:
        return written.main(rest)
    args = parse(arguments)
    outputs = list(filter(None, (args.json, args.gradescope, args.csv)))
    for path in filter(None, (args.scheme, args.metadata)):
        if path.exists() and not path.is_file():
            raise InputError(f"{path} is not a regular file: save its content to one first")
    code = args.path.rglob("*.py") if any(path.exists() for path in outputs) else ()
    refuse_overwriting([args.path, args.scheme, args.metadata, *code], outputs)
    for path in outputs:
        refuse_missing_folder(path)
    scheme = read_scheme(args.scheme)
    parts = [args.only] if args.only else scheme.graded_parts()
    settings = {"parts": parts, "seed": args.seed, "scheme": scheme, "protection": find_protection(args.unsafe)}
    troubles = grade_class(args, settings) if args.csv else grade_one(args, settings)
    for trouble in troubles:  # the grader's own mistakes: reported once all results are written
        for line in trouble.split("\n"):
            console.note(line)
    return console.STATUS_ENVIRONMENT if troubles else 0


if __name__ == "__main__":
    console.run(main)
