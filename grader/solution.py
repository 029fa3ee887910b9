"""A solution, from a folder or a zip: its code, and what its training has left behind. Nothing of it is run here."""

import stat
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

from utils.system.errors import EnvironmentFailure, InputError
from utils.system.paths import PROJECT
from utils.system.zips import BadZip, read_members

MODULES = ("word2vec.py", "sgd.py")
PRODUCTS = ("saved_params_40000.npy", "word_vectors.png")
MOST_BYTES = 100_000_000  # of all files together; parameters of SST take 3 MB


@dataclass
class Solution:
    """What was handed in, as far as it matters.

    Attributes
    ----------
    code : dict of str to bytes
        Python files at the top and in `utils`, with ours where one was missing there.
    products : dict of str to bytes
    trouble : str
        Why nothing could be read; empty if something could.
    remarks : list of str
    """

    code: dict = field(default_factory=dict)
    products: dict = field(default_factory=dict)
    trouble: str = ""
    remarks: list = field(default_factory=list)


def collect(path):
    """Read a solution.

    Parameters
    ----------
    path : str or Path
        A folder or a zip, with the files at the top or in one folder.

    Returns
    -------
    Solution
        With `trouble` where the zip is damaged or suspicious: that is a solution without points, not a wrong use.

    Raises
    ------
    InputError
        There is no such folder or zip.
    EnvironmentFailure
        It cannot be read.
    """
    path = Path(path)
    try:
        if path.is_dir():
            files, remarks = _from_folder(path)
        elif path.is_file() and (path.suffix.lower() == ".zip" or zipfile.is_zipfile(path)):
            files, remarks = _from_zip(path), []
        else:
            raise InputError(f"{path} is no folder and no zip; give the folder of a solution or its assignment2.zip")
    except BadZip as error:
        return Solution(trouble=f"the zip {error}")
    except OSError as error:
        raise EnvironmentFailure(f"cannot read {path}: {error.strerror or error}") from error
    code = {name: data for name, data in files.items() if name.endswith(".py")}
    solution = Solution(code, {name: files[name] for name in PRODUCTS if name in files}, remarks=remarks)
    _fill_in(solution)
    return solution


def _wanted(name):
    """Whether a path in a solution matters."""
    *folders, file = name.split("/")
    return (file.endswith(".py") and folders[:1] in ([], ["utils"]) and not file.startswith(".")) or name in PRODUCTS


def _from_folder(folder):
    root, remarks = folder, []
    if not any((folder / name).is_file() for name in MODULES):
        inner = [f for f in sorted(folder.iterdir()) if f.is_dir() and any((f / m).is_file() for m in MODULES)]
        if len(inner) == 1:
            root, remarks = inner[0], [f"the solution lies in the folder {inner[0].name}"]
    files, room = {}, MOST_BYTES
    for pattern in ("*.py", "utils/**/*.py", *PRODUCTS):
        for path in sorted(root.glob(pattern)):
            name = path.relative_to(root).as_posix()
            if path.is_symlink() or path.parent.is_symlink():
                remarks.append(f"{name} is a symbolic link and is left out: hand in the file itself")
            elif _wanted(name) and stat.S_ISREG(path.stat().st_mode):
                with path.open("rb") as file:
                    files[name] = file.read(room + 1)
                room -= len(files[name])
                if room < 0:
                    raise BadZip(f"holds more than the {MOST_BYTES:,} bytes it may come to")
    return files, remarks


def _from_zip(path):
    """The files of a zip that matter; a zip with anything suspicious in it is refused as a whole."""
    return read_members(path, _choose, MOST_BYTES)


def _choose(members):
    """Choose the members of a zip that matter: an iterator over (path in the solution, ZipInfo)."""
    members = [member for member in members if not member.filename.startswith("__MACOSX/")]
    for member in members:
        if suspicion := _suspicion_of(member):
            raise zipfile.BadZipFile(f"its member {member.orig_filename!r} {suspicion}")
    root = _root([member.filename for member in members])
    for member in members:
        name = member.filename.removeprefix(root)
        if member.filename.startswith(root) and _wanted(name):
            yield name, member


def _suspicion_of(member):
    """Say what is suspicious about a member of a zip, or return None."""
    name = member.orig_filename  # as written in the zip: `filename` has been made harmless on some systems
    if name.startswith("/") or ".." in name.split("/") or not {"\\", ":", "\0"}.isdisjoint(name):
        return "leaves the folder"
    if stat.S_IFMT(member.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):  # 0: not written on Unix
        return "is a link or a device"
    return None


def _root(names):
    """The folder of a zip in which the solution lies: "" or "name/"."""
    roots = {name[: -len(module)] for name in names for module in MODULES if name.split("/")[-1] == module}
    return min(roots, key=lambda root: (root.count("/"), root), default="")


def _fill_in(solution):
    """Put our modules where `utils` lacks them: the handout's collect_submission.sh leaves that folder out."""
    ours = {
        path.relative_to(PROJECT).as_posix(): path.read_bytes() for path in sorted(PROJECT.glob("utils/**/*.py"))
    }
    starter = ("treebank", "utils", "gradcheck")
    missing = [name for name in starter if f"utils/{name}.py" not in solution.code]
    solution.code = {**ours, **solution.code}
    if missing and solution.code.keys() != ours.keys():
        names = ", ".join(f"utils/{name}.py" for name in missing)
        solution.remarks.append(f"not handed in, ours is used: {names}")
