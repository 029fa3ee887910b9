"""Evaluation sets: pairs of words that people have judged, and analogy questions, found in a folder and read."""

import csv
import functools
import math
import os
from os import PathLike
from pathlib import Path

from utils.system.errors import InputError, quoted
from utils.system.files import read_lines
from utils.system.paths import DATASETS

DEFAULT_FOLDER = DATASETS / "evaluation"
VARIABLE = "EVAL_SETS"  # of the environment: another folder
# Title -> names of the file, where it is published and elsewhere.
SIMILARITY_FILES = {
    "WordSim-353": ("combined.tab", "combined.csv", "wordsim353.tsv", "wordsim353.csv", "wordsim353.txt"),
    "SimLex-999": ("SimLex-999.txt", "simlex999.txt"),
    "MEN": ("MEN_dataset_natural_form_full", "men.txt", "MEN.txt"),
    "Rare Words": ("rw.txt", "rarewords.txt"),
    "MTurk-287": ("Mturk_287.txt", "mturk287.txt", "mturk-287.txt", "MTURK-287.txt"),
}
ANALOGY_FILES = {"Google analogies": ("questions-words.txt",), "MSR analogies": ("msr-analogies.txt",)}
KNOWN_NAMES = {name for files in (SIMILARITY_FILES, ANALOGY_FILES) for names in files.values() for name in names}
LARGEST_SET = 10**7  # bytes; larger files of a folder are not looked at
SNIFFED = 20  # lines of a file that tell whether it is a set


def default_folder() -> Path:
    """The folder of the sets where none is named; it need not exist."""
    return Path(os.environ.get(VARIABLE) or DEFAULT_FOLDER)


def find_file(folder: str | PathLike, names: tuple[str, ...]) -> Path | None:
    """Find a file by any of its names in a folder or one folder below it.

    Parameters
    ----------
    folder : str or Path
        It need not exist.
    names : sequence of str
        The first one that is there counts.
    """
    folder = Path(folder)
    places = (path for name in names for pattern in (name, f"*/{name}") for path in sorted(folder.glob(pattern)))
    return next((path for path in places if path.is_file()), None)


def find_sets(folder: str | PathLike) -> tuple[dict[str, Path], dict[str, Path]]:
    """Find all sets of a folder: those known by their names, and any other file of pairs or questions.

    Returns
    -------
    pairs, questions : dict of str to Path
        By title: that of a known set, or the file's name without its extension.
    """
    pairs = {title: path for title, names in SIMILARITY_FILES.items() if (path := find_file(folder, names))}
    questions = {title: path for title, names in ANALOGY_FILES.items() if (path := find_file(folder, names))}
    others = sorted(path for path in Path(folder).glob("*") if path.name not in KNOWN_NAMES)
    for path in others:
        found = {"pairs": pairs, "questions": questions}.get(_kind(path))
        if found is not None:
            found[path.stem if path.stem not in {*pairs, *questions} else path.name] = path
    return pairs, questions


def _kind(path):
    """What the first lines of a file look like: "pairs", "questions", or None."""
    if path.name.startswith(".") or not path.is_file() or path.stat().st_size > LARGEST_SET:
        return None
    with path.open("rb") as file:
        data = file.read(2**14)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if error.start < len(data) - 4:  # not just a letter that is cut off
            return None
        text = data[: error.start].decode("utf-8-sig")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")][:SNIFFED]
    if lines and lines[0].startswith(":"):
        return "questions"
    split = _splitter(lines)
    fitting = sum(_score_column(split(line)) is not None for line in lines)
    return "pairs" if lines and 2 * fitting >= len(lines) else None


# Word similarity


def read_pairs(path: str | PathLike) -> list[tuple[str, str, float]]:
    """Read pairs of words that people have judged.

    Parameters
    ----------
    path : str or Path
        Lines of columns between tabs, commas, semicolons or white space, quoted or not: word, word, and then a score,
        the first number of the first line that has one. The line before that may name the columns. Lines that begin
        with # are comments.

    Returns
    -------
    list of (str, str, float)

    Raises
    ------
    InputError
        The file is missing, not UTF-8, or holds no pairs; or a line is not one (file and line are named).
    EnvironmentFailure
        The file cannot be read.
    """
    lines = [(i, line) for i, line in enumerate(read_lines(path), 1) if line.strip() and not line.startswith("#")]
    if not lines:
        raise InputError(f"{path} holds no pairs of words; fetch it with `sh get_datasets.sh evaluation`")
    split = _splitter([line for _, line in lines])
    rows = [(i, line, split(line)) for i, line in lines]
    column = next((found for _, _, row in rows[:2] if (found := _score_column(row)) is not None), None)
    has_names = column is not None and _score_column(rows[0][2]) is None
    return [_pair(path, *row, column) for row in rows[has_names:]]


def _splitter(lines):
    """How the columns of these lines are divided: a function from a line to a list of str."""
    for mark in "\t;,":
        if lines and mark in lines[0]:
            return functools.partial(_fields, mark=mark)
    return lambda line: _fields(" ".join(line.split()), mark=" ")


def _fields(line, mark):
    try:
        return [field.strip() for field in next(csv.reader([line], delimiter=mark, skipinitialspace=True), [])]
    except csv.Error:  # a field that is too long
        return []


def _number(field):
    """The finite number of a field, with a point or a comma; otherwise None."""
    try:
        number = float(field.replace(",", "."))
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _score_column(row):
    """The first column with a number behind two words; otherwise None."""
    if len(row) < 3 or not row[0] or not row[1] or _number(row[1]) is not None:
        return None
    return next((i for i, field in enumerate(row[2:], 2) if _number(field) is not None), None)


def _pair(path, number, line, row, column):
    score = _number(row[column]) if column is not None and len(row) > column else None
    if score is None or not row[0] or not row[1]:
        where = f" in column {column + 1}" if column is not None else ""
        raise InputError(
            f"{path}, line {number}: wanted two words and a number{where}, "
            f"between tabs, commas, semicolons or spaces, got {quoted(line)}"
        )
    return row[0], row[1], score


# Analogies


def read_questions(path: str | PathLike) -> dict[str, list[tuple[str, str, str, str]]]:
    """Read analogy questions in the format of Google's `questions-words.txt`.

    Parameters
    ----------
    path : str or Path
        Lines ": section", each followed by lines "a b c d": d is to c as b is to a.

    Returns
    -------
    dict of str to list of (str, str, str, str)
        The questions of each section.

    Raises
    ------
    InputError
        The file is missing, not UTF-8, or holds no questions; or a line is not one (file and line are named).
    EnvironmentFailure
        The file cannot be read.
    """
    sections, current = {}, None
    for number, line in enumerate(read_lines(path), start=1):
        words = line.split()
        if line.startswith(":"):
            name = line[1:].strip()
            if not name or name in sections:
                raise InputError(f"{path}, line {number}: wanted a new section's name after the colon, got {line!r}")
            current = sections[name] = []
        elif len(words) == 4 and current is not None:
            current.append(tuple(words))
        elif words:
            wanted = "a line `: section` first" if current is None else "four words"
            raise InputError(f"{path}, line {number}: wanted {wanted}, got {quoted(line)}")
    if not any(sections.values()):
        raise InputError(f"{path} holds no questions; fetch it with `sh get_datasets.sh evaluation`")
    return sections
