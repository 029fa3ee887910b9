"""Wrong solutions, each with one realistic mistake: the correct one with one piece of text replaced (mutants.txt)."""

from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parent


class Mutant(NamedTuple):
    """One mistake.

    Attributes
    ----------
    name : str
    file : str
    part : str
        Of the scheme: the one that must lose points. No other may, but the trial of training.
    checks : list of str
        Lines of that part that must be lost, and no others.
    hint : str
        What a hint must say; empty where none is asked for.
    old, new : str
        What is replaced by what.
    """

    name: str
    file: str
    part: str
    checks: list
    hint: str
    old: str
    new: str

    def files(self):
        """The mutant: dict of file name to text."""
        files = base()
        if files[self.file].count(self.old) != 1:
            raise ValueError(f"{self.name}: what is to be replaced must be there once")
        return {**files, self.file: files[self.file].replace(self.old, self.new)}


def base():
    """The correct solution with array operations: dict of file name to text."""
    return {path.name: path.read_text(encoding="utf-8") for path in sorted((FOLDER / "vectorized").glob("*.py"))}


def slow():
    """The correct solution with loops."""
    return {**base(), "word2vec.py": (FOLDER / "slow" / "word2vec.py").read_text(encoding="utf-8")}


def mutants():
    """All mutants, in the order of the file."""
    return [_read(*fields, old, new) for fields, old, new in _blocks("mutants.txt")]


def styles():
    """Correct solutions in other styles: dict of name to the Mutant that makes one, which must lose nothing."""
    return {name: Mutant(name, file, "", [], "", old, new) for (name, file), old, new in _blocks("styles.txt")}


def _blocks(name):
    """Yield (fields of the first line, old text, new text) of each block of a file."""
    for block in (FOLDER / name).read_text(encoding="utf-8").split("\n\n")[1:]:
        first, *lines = block.strip("\n").split("\n")
        old, new = ("\n".join(line[2:] for line in lines if line.startswith(sign)) for sign in "-+")
        yield [field.strip() for field in first.split("|")], old, new


def _read(name, file, lost, hint, old, new):
    part, checks = lost.split(": ")
    return Mutant(name, file, part, checks.split(), hint, old, new)
