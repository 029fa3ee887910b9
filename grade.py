"""Grade a solution of the assignment: points by the handout's scheme, and what is wrong, by its name.

    python grade.py FOLDER                 # or assignment2.zip
    python grade.py FOLDER --only neg      # one part
    python grade.py FOLDER --verbose --data utils/datasets/stanfordSentimentTreebank
    python grade.py FOLDER --gradescope results.json

The status is 0 when a solution was graded, whatever its points.
"""

import json
import tempfile
from pathlib import Path

from grader import report
from grader.grading import grade
from grader.scheme import PART_TITLES, SHAPE
from grader.solution import collect
from grader.training import Text
from utils.corpus import sample
from utils.system import console
from utils.system.errors import InputError
from utils.system.files import replacing
from utils.treebank import DEFAULT_FOLDER, StanfordSentiment

LARGEST_SEED = 2**32 - 1
SAMPLE_SENTENCES = 400  # of the sample treebank for the trial training, where the real one is not at hand


def parse(arguments):
    """Parse the command line; a wrong argument ends the process with status 2."""
    parser = console.ArgumentParser(description="Grade a solution: points, and what is wrong.")
    parser.add_argument("path", type=Path, help="folder of the solution, or its assignment2.zip")
    parser.add_argument("--only", metavar="PART", choices=list(PART_TITLES), help=f"one of {', '.join(PART_TITLES)}")
    data = parser.add_mutually_exclusive_group()
    data.add_argument("--data", metavar="DIR", type=Path, help="treebank that was trained on (where SST is put)")
    data.add_argument("--sample", action="store_true", help="the training was done with `run.py --sample`")
    parser.add_argument("--verbose", action="store_true", help="every check, not only what is wrong")
    parser.add_argument("--json", metavar="FILE", type=Path, help="write the results as JSON")
    parser.add_argument("--gradescope", metavar="FILE", type=Path, help="write the results for Gradescope's autograder")
    parser.add_argument(
        "--seed", type=console.whole_number(0, LARGEST_SEED), metavar="S", help="of the random cases (the code's hash)"
    )
    return parser.parse_args(arguments)


def read_text(args, scratch):
    """The treebank for the part training: the one asked for, or SST where it is at hand, or none to judge with."""
    if args.sample:
        return Text(StanfordSentiment(sample.write_sample_treebank(scratch)), "sample")
    if args.data or DEFAULT_FOLDER.is_dir():
        treebank = StanfordSentiment(args.data)
        is_sst = 2 * len(treebank.words()) == SHAPE[0]
        return Text(treebank, "sst" if is_sst else "other")
    return Text(StanfordSentiment(sample.write_sample_treebank(scratch, SAMPLE_SENTENCES)), "sample", judging=False)


def write_json(path, content):
    """Write a JSON file, whole or not at all."""
    if not path.resolve().parent.is_dir():
        raise InputError(f"there is no folder {path.parent} for {path.name}")
    with replacing(path) as file:
        json.dump(content, file, indent=2, ensure_ascii=False)
        file.write("\n")


def main(arguments=None):
    """Grade as the command line asks; return the exit status."""
    args = parse(arguments)
    solution = collect(args.path)
    parts = [args.only] if args.only else list(PART_TITLES)
    text = None
    if "training" in parts:
        with tempfile.TemporaryDirectory() as scratch:
            text = read_text(args, Path(scratch) / "treebank")
    grading = grade(solution, text, parts, args.seed)
    print(report.as_text(grading, args.verbose))
    for path, content in ((args.json, report.as_json), (args.gradescope, report.as_gradescope)):
        if path:
            write_json(path, content(grading))
    return 0


if __name__ == "__main__":
    console.run(main)
