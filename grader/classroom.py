"""Grade a class: many submissions, several at a time, with a report for each and one table for all."""

import csv
import hashlib
import json
import os
import re
import signal
import sys
import tempfile
import traceback
import zipfile
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path

from tqdm import tqdm

from grader import report
from grader.grading import digest_of, grade
from grader.scheme import PART_TITLES
from grader.solution import MODULES, OTHER_ARCHIVES, Solution, collect, collect_files
from utils.system.errors import EnvironmentFailure, InputError
from utils.system.files import make_folder, replacing

# The names that Canvas gives to attachments: student, perhaps LATE, two numbers, the file's own name.
CANVAS = re.compile(r"(?P<student>[^_]+)_(?:LATE_)?(?P<id>\d+)_(?P<attachment>\d+)_(?P<file>.+)")
NAME = re.compile(r"[^\w.\- ]+")  # what a report's file name does not keep of a submission's name
SOURCES = sorted(Path(__file__).parent.rglob("*.py"))


@dataclass(frozen=True)
class Submission:
    """What one student handed in.

    Attributes
    ----------
    name : str
    paths : tuple of Path
        A folder, a zip, or loose files.
    """

    name: str
    paths: tuple

    def collect(self):
        """Read it: a Solution, with `trouble` in place of any exception."""
        path = self.paths[0]
        if path.name.lower().endswith(OTHER_ARCHIVES):
            return Solution(trouble=f"{path.name} is not a zip: hand in the zip of collect_submission.sh")
        try:
            if path.is_dir() or path.suffix.lower() == ".zip":
                return collect(path)
            return collect_files({_own_name(path): path for path in self.paths})
        except (InputError, EnvironmentFailure) as error:
            return Solution(trouble=str(error))


def _own_name(path):
    found = CANVAS.fullmatch(path.name)
    return found["file"] if found else path.name


def submissions(folder):
    """Find the submissions in a folder: folders, zips, or the files of an export from Canvas, Moodle or Gradescope.

    Raises
    ------
    InputError
        It is not a folder, or there are none in it.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder; give the folder that holds the submissions of a class")
    found, loose = [], {}
    for path in sorted(folder.iterdir()):
        if path.name.startswith((".", "__")):
            continue
        canvas = CANVAS.fullmatch(path.name) if path.is_file() else None
        if canvas:
            loose.setdefault(f"{canvas['student']}_{canvas['id']}", []).append((int(canvas["attachment"]), path))
        elif path.is_dir():
            found.append(Submission(path.name, (path,)))
        elif path.name.lower().endswith((".zip", *OTHER_ARCHIVES)):
            found.append(Submission(path.stem, (path,)))
    for name, attachments in loose.items():
        paths = [path for _, path in sorted(attachments)]
        archives = [path for path in paths if path.name.lower().endswith((".zip", *OTHER_ARCHIVES))]
        found.append(Submission(name, (archives[-1],) if archives else tuple(paths)))
    if len(found) == 1 and found[0].paths[0].is_dir() and not _is_solution(found[0].paths[0]):
        return submissions(found[0].paths[0])  # the folder in which an export was packed
    if not found:
        raise InputError(f"{folder} holds no submissions; wanted a folder or a zip for each student")
    return sorted(found, key=lambda submission: submission.name)


def _is_solution(folder):
    return any((folder / module).is_file() for module in MODULES) or not any(path.is_dir() for path in folder.iterdir())


def unpacked(path, stack):
    """The folder of a class: itself, or where the zip of an export was unpacked until `stack` is closed."""
    path = Path(path)
    if not (path.is_file() and zipfile.is_zipfile(path)):
        return path
    folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="class-"))
    try:
        with zipfile.ZipFile(path) as archive:
            archive.extractall(folder)
    except (zipfile.BadZipFile, OSError, RuntimeError, ValueError) as error:
        raise InputError(f"{path} cannot be unpacked: {error}; unpack it and give the folder") from error
    return Path(folder)


class Classroom:
    """Grades submissions in worker processes and keeps one report for each, so that it can go on where it stopped.

    Parameters
    ----------
    reports : Path
        The folder of the reports.
    make_text : callable
        Returns the Text to grade with; called once in each worker.
    text_name : str
        What tells that Text from others.
    settings : dict
        `parts`, `seed`, `protection` and `scheme` of `grade`.
    """

    def __init__(self, reports, make_text, text_name, settings):
        self.reports, self.make_text, self.settings = make_folder(reports), make_text, settings
        scheme = replace(settings["scheme"], hidden=tuple(sorted(settings["scheme"].hidden)))
        names = (text_name, settings["parts"], settings["seed"], settings["protection"].kind, scheme)
        sources = [path.read_bytes() for path in SOURCES]
        self.version = hashlib.sha256(b"\0".join([*sources, repr(names).encode()])).hexdigest()

    def grade(self, found, jobs, quiet=False):
        """Grade submissions, `jobs` at a time; those with a report of the same content are not graded again.

        Returns
        -------
        dict of str to dict
            The JSON report of each, by name.
        """
        done, names = {}, _file_names(found)
        context = get_context("spawn")
        bar = tqdm(total=len(found), unit=" submissions", file=sys.stderr, disable=quiet)
        with bar, ProcessPoolExecutor(jobs, context, initializer=_begin, initargs=(self,)) as pool:
            waiting = {pool.submit(_grade_one, submission, names[submission.name]): submission for submission in found}
            try:
                for future in as_completed(waiting):
                    submission = waiting[future]
                    done[submission.name] = _result_of(future, submission)
                    bar.update()
            except KeyboardInterrupt:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
        return {submission.name: done[submission.name] for submission in found}

    def one(self, submission, name):
        """Grade one submission in a worker, or find its report; return its JSON report."""
        path = self.reports / f"{name}.json"
        solution = submission.collect()
        key = hashlib.sha256(f"{self.version} {_content_of(solution)}".encode()).hexdigest()
        if (old := _read_report(path)) and old.get("key") == key:
            return old
        grading = grade(solution, self.text, **self.settings)
        content = {"name": submission.name, "key": key, **report.as_json(grading), "troubles": grading.troubles}
        with replacing(self.reports / f"{name}.txt") as file:
            file.write(report.as_text(grading) + "\n")
        with replacing(path) as file:
            json.dump(content, file, indent=2)
            file.write("\n")
        return content


def _content_of(solution):
    digest = hashlib.sha256(digest_of(solution) + solution.trouble.encode())
    for name in sorted({*solution.products, *solution.code}):
        digest.update(name.encode("utf-8", "surrogateescape"))
        digest.update(solution.products.get(name) or solution.code.get(name, b""))
    return digest.hexdigest()


def _read_report(path):
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return content if isinstance(content, dict) and isinstance(content.get("lines"), list) else None
    except (OSError, ValueError):
        return None


def _begin(classroom):
    """Make a worker ready: its text, and no part in signals from the terminal, which are the parent's."""
    global _classroom
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _classroom = classroom
    classroom.text = classroom.make_text()


def _grade_one(submission, name):
    return _classroom.one(submission, name)


def _result_of(future, submission):
    """The JSON report of a submission; where the grader failed, one without points that says so."""
    try:
        return future.result()
    except (InputError, EnvironmentFailure, BrokenProcessPool):
        raise
    except Exception as error:
        trouble = "".join(traceback.format_exception(error))
        return {"name": submission.name, "points": 0, "possible": 0, "lines": [], "remarks": [], "troubles": [trouble]}


def _file_names(found):
    """A file name for the report of each submission, all of them different whatever the file system."""
    names, taken = {}, set()
    for submission in found:
        name = base = NAME.sub("_", submission.name)[:100] or "submission"
        n = 2
        while name.lower() in taken:
            name, n = f"{base}-{n}", n + 1
        taken.add(name.lower())
        names[submission.name] = name
    return names


def default_jobs():
    """How many submissions are graded at a time: each keeps two processes busy."""
    return max(1, (os.cpu_count() or 2) // 2)


# Tables


def points_table(reports):
    """The points of each submission: a header, then name, points of each part, total, and what could not be graded."""
    parts = [part for part in PART_TITLES if any(line["part"] == part for r in reports.values() for line in r["lines"])]
    rows = [["name", *parts, "total", "possible", "note"]]
    for name, content in reports.items():
        points = [sum(line["points"] for line in content["lines"] if line["part"] == part) for part in parts]
        reasons = Counter(line["message"] for line in content["lines"] if not line["passed"] and line["message"])
        note = "; ".join(reason for reason, lines in reasons.items() if lines > 2)
        note = "the grader failed: see its report" if content["troubles"] else note
        rows.append([name, *points, content["points"], content["possible"], note])
    return rows


def mistakes_table(reports):
    """How many submissions made which mistake: a header, then count, part and mistake, the commonest first."""
    counts = Counter(mistake for content in reports.values() for mistake in report.mistakes_of(content["lines"]))
    rows = [[n, PART_TITLES[part], name] for (part, name), n in counts.items()]
    return [["submissions", "part", "mistake"], *sorted(rows, key=lambda row: (-row[0], *row[1:]))]


def write_csv(path, rows):
    """Write a table as CSV; text that a spreadsheet would take for a formula is quoted."""
    with replacing(path) as file:
        csv.writer(file, lineterminator="\n").writerows([[_harmless(cell) for cell in row] for row in rows])


def _harmless(cell):
    if isinstance(cell, float):
        return f"{cell:g}"
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell


def as_text(reports):
    """Both tables for the terminal: points per submission, and the mistakes that were made."""
    rows = [[_shown(cell) for cell in row] for row in points_table(reports)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    out = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    _, *mistakes = mistakes_table(reports)
    if mistakes:
        out += ["", "mistakes, by how many submissions made them"]
        out += [f"{count:5}  {part}: {name}" for count, part, name in mistakes]
    return "\n".join(out)


def _shown(cell):
    return f"{cell:g}" if isinstance(cell, (int, float)) else cell[:80]
