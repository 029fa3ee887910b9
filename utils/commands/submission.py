"""Pack what is handed in into assignment2.zip, without the `zip` program. `sh collect_submission.sh` calls it.

    python -m utils.commands.submission            # the project's own folder
    python -m utils.commands.submission FOLDER     # another solution

In it are the scripts and pictures at the top, the trained parameters, and the modules of `utils`; hidden files are not.
A symbolic link among them is refused: what it leads to may lie outside the folder and be nobody else's business.
"""

import argparse
import zipfile
from pathlib import Path

from utils.system.console import run
from utils.system.errors import EnvironmentFailure, InputError
from utils.system.files import replacing
from utils.system.paths import PROJECT

SUBMISSION = "assignment2.zip"
REQUIRED = ("saved_params_40000.npy", "word_vectors.png")  # what `python run.py` leaves behind
PATTERNS = ("*.py", "*.png", "saved_params_40000.npy", "utils/**/*.py", "grader/*.py")


def choose(folder):
    """Choose the files to hand in.

    Parameters
    ----------
    folder : str or Path

    Returns
    -------
    list of str
        Their paths in the folder, with "/", in alphabetical order.

    Raises
    ------
    InputError
        `folder` is no folder, `run.py` has not finished there, or there is a symbolic link among the files.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"{folder} is no folder; give the one that holds the solution")
    if missing := [name for name in REQUIRED if not (folder / name).is_file()]:
        raise InputError(f"{folder} has no {' and no '.join(missing)}; run `python run.py` first, which makes them")
    paths = [path for pattern in PATTERNS for path in folder.glob(pattern) if not path.name.startswith(".")]
    for path in (folder / "utils", *paths):
        if path.is_symlink():
            raise InputError(f"{path} is a symbolic link; put a copy of the file in its place")
    return sorted(path.relative_to(folder).as_posix() for path in paths if path.is_file())


def pack(folder):
    """Make `assignment2.zip` in `folder`, in place of an older one.

    Parameters
    ----------
    folder : str or Path

    Returns
    -------
    Path
        The zip; the same files give the same bytes.

    Raises
    ------
    InputError
        As `choose` does.
    EnvironmentFailure
        A file cannot be read or the zip not written; an older zip is left as it was.
    """
    folder = Path(folder)
    members = [_member(folder, name) for name in choose(folder)]
    with replacing(folder / SUBMISSION, "wb") as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for info, data in members:
            archive.writestr(info, data, zipfile.ZIP_DEFLATED)
    return folder / SUBMISSION


def _member(folder, name):
    path = folder / name
    try:
        # A zip knows no time before 1980: an older file gets that date.
        return zipfile.ZipInfo.from_file(path, name, strict_timestamps=False), path.read_bytes()
    except OSError as error:
        raise EnvironmentFailure(f"cannot read {path}: {error.strerror or error}") from error


def main(argv=None):
    """Pack the folder that the command line names, and print what is in the zip; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m utils.commands.submission", description=f"Make {SUBMISSION}.")
    parser.add_argument("folder", nargs="?", type=Path, default=PROJECT, help="default: %(default)s")
    path = pack(parser.parse_args(argv).folder)
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
    print("\n".join(f"  {name}" for name in names))
    print(f"{path}: {len(names)} files, {path.stat().st_size / 1e6:.2f} MB")
    return 0


if __name__ == "__main__":
    run(main)
