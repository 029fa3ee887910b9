"""Write a skeleton of the assignment: `word2vec.py` and `sgd.py` with gaps to fill, and all that they need.

    python -m utils.commands.starter FOLDER

The folder also gets `run.py`, the scripts that fetch the data and pack the submission, and a copy of the package
`utils` with the self-tests. docs/exercises.md goes through it step by step.
"""

import shutil
import tempfile
from pathlib import Path

from utils.system import console
from utils.system.errors import EnvironmentFailure, InputError
from utils.system.files import refuse_missing_folder
from utils.system.paths import PROJECT

SKELETON = PROJECT / "examples" / "assignment"
SCRIPTS = ("get_datasets.sh", "collect_submission.sh")
LEFT_OUT = ("__pycache__", "datasets", ".*", "*.pyc")


def write(folder):
    """Write the skeleton into a new folder, or into an empty one; it is there whole or not at all.

    Parameters
    ----------
    folder : str or Path

    Returns
    -------
    list of str
        The names of the files to work on.

    Raises
    ------
    InputError
        The folder holds something already, its parent is missing, or this copy of the project has no skeleton.
    EnvironmentFailure
        It cannot be written.
    """
    folder = Path(folder)
    skeleton = sorted(SKELETON.glob("*.py"))
    if not skeleton:
        raise InputError(f"{SKELETON} is missing; run this in the folder of the whole project")
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise InputError(f"{folder} exists and is not empty; give the name of a new folder")
    refuse_missing_folder(folder)
    try:
        with tempfile.TemporaryDirectory(dir=folder.resolve().parent, prefix=f".{folder.name}.") as scratch:
            made = Path(scratch, "starter")
            shutil.copytree(PROJECT / "utils", made / "utils", ignore=shutil.ignore_patterns(*LEFT_OUT))
            for path in (*skeleton, *(PROJECT / name for name in SCRIPTS)):
                shutil.copyfile(path, made / path.name)
            if folder.exists():
                folder.rmdir()
            made.replace(folder)
    except OSError as error:  # shutil.Error, too, which lists several
        raise EnvironmentFailure(f"cannot write {folder}: {error.strerror or error}") from error
    return [path.name for path in skeleton]


def main(arguments=None):
    """Write the skeleton that the command line asks for; return the exit status."""
    parser = console.ArgumentParser(
        prog="python -m utils.commands.starter", description="Write a skeleton of the assignment, with gaps to fill."
    )
    parser.add_argument("folder", type=Path, help="a new folder for your solution")
    folder = parser.parse_args(arguments).folder
    names = write(folder)
    console.say(
        f"wrote {folder}: {', '.join(names)}",
        f"next: cd {folder} && python word2vec.py sigmoid",
        f"to grade it, here in the project's folder: python grade.py {folder}",
    )
    return 0


if __name__ == "__main__":
    console.run(main)
