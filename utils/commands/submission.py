"""Pack a submission into assignment2.zip, without the `zip` program. `sh collect_submission.sh` calls it.

    python -m utils.commands.submission            # the project's own folder
    python -m utils.commands.submission FOLDER     # another solution

It holds the scripts and pictures at the top, the trained parameters, and the packages `utils` and `grader` with their
package files. Hidden files, data sets and caches are left out. A symbolic link in its place is refused: the file that
it points to may be outside the folder and private.
"""

import os
import zipfile
from pathlib import Path

from utils.system.console import ArgumentParser, run, say
from utils.system.errors import EnvironmentFailure, InputError
from utils.system.files import replacing
from utils.system.paths import PROJECT

SUBMISSION = "assignment2.zip"
PARAMETERS = "saved_params_40000.npy"
REQUIRED = (PARAMETERS, "word_vectors.png")  # `python run.py` writes them
TOP = (".py", ".png")  # what is taken from the folder itself
PACKAGES = {"utils": (".py", ".html", ".css", ".js"), "grader": (".py", ".toml")}  # and from these folders in it
LEFT_OUT = {"__pycache__", "datasets"}  # folders, beside hidden ones


def choose(folder):
    """Choose the files of the submission.

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
        `folder` is not a folder, `run.py` has not finished there, or one of the files or packages is a symbolic link.
    EnvironmentFailure
        A folder cannot be read.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder; give the folder of the solution")
    if missing := [name for name in REQUIRED if not (folder / name).is_file()]:
        raise InputError(f"{folder} has no {' and no '.join(missing)}; run `python run.py` first, which writes them")
    try:
        paths = [path for path in folder.iterdir() if path.suffix in TOP or path.name == PARAMETERS]
        for package, suffixes in PACKAGES.items():
            paths += _package_files(folder / package, suffixes)
    except OSError as error:
        raise EnvironmentFailure(f"cannot read {error.filename}: {error.strerror or error}") from error
    paths = [path for path in paths if not path.name.startswith(".")]
    for path in paths:
        if path.is_symlink():
            raise InputError(f"{path} is a symbolic link; replace it with a copy of what it points to")
    return sorted(path.relative_to(folder).as_posix() for path in paths if path.is_file())


def _package_files(package, suffixes):
    """Yield the files of a package with these suffixes, and symbolic links to folders, which are not followed."""
    if package.is_symlink():
        yield package
    if package.is_symlink() or not package.is_dir():
        return
    for parent, folders, files in os.walk(package, onerror=_raise):
        folders[:] = [name for name in folders if not name.startswith(".") and name not in LEFT_OUT]
        yield from (Path(parent, name) for name in folders if Path(parent, name).is_symlink())
        yield from (Path(parent, name) for name in files if name.endswith(suffixes))


def _raise(error):
    raise error


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
        As `choose`.
    EnvironmentFailure
        A file cannot be read or the zip cannot be written; an older zip is left as it was.
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
        # Zip has no times before 1980: an older file gets that date.
        return zipfile.ZipInfo.from_file(path, name, strict_timestamps=False), path.read_bytes()
    except OSError as error:
        raise EnvironmentFailure(f"cannot read {path}: {error.strerror or error}") from error


def main(argv=None):
    """Pack the folder that the command line names, and print the contents of the zip; return the exit status."""
    parser = ArgumentParser(prog="python -m utils.commands.submission", description=f"Make {SUBMISSION}.")
    parser.add_argument("folder", nargs="?", type=Path, default=PROJECT, help="folder of the solution")
    path = pack(parser.parse_args(argv).folder)
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
    say(*(f"  {name}" for name in names), f"{path}: {len(names)} files, {path.stat().st_size / 1e6:.2f} MB")
    return 0


if __name__ == "__main__":
    run(main)
