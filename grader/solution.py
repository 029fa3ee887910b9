"""Read a solution from a folder or a zip: its files, and what its training has left. Nothing of it is run here."""

import os
import re
import stat
import time
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

from utils.system.errors import EnvironmentFailure, InputError
from utils.system.paths import PROJECT
from utils.system.zips import BadZip, read_members

MODULES = ("word2vec.py", "sgd.py")
PRODUCTS = ("saved_params_40000.npy", "word_vectors.png")
MOST_BYTES = 100_000_000  # of all files together; parameters of SST take 3 MB
MOST_FILES = 5_000  # that may belong to a solution
MOST_PACKED, MOST_MEMBERS = 500_000_000, 100_000  # of a zip, which may hold an environment that is not read
MOST_ZIPS = 3  # in one another
# Never part of a solution, whatever lies in them: environments, caches, data sets of the course.
LEFT_OUT = {"__pycache__", "__MACOSX", "venv", "env", "site-packages", "node_modules", "datasets"}
LEFT_OUT_FILES = re.compile(r"saved_(params|state)_.*|.*\.(zip|png|jpe?g|pdf|pyc)", re.IGNORECASE)
# "Word2Vec.py", "q3_word2vec.py", "word2vec (1).py", "word2vec-final.py"
LOOKALIKE = re.compile(r"(?:(?!test).*[_\-. ])?(word2vec|sgd)(?:[_\-. (].*)?\.py", re.IGNORECASE)
OTHER_ARCHIVES = (".rar", ".7z", ".tar", ".gz", ".tgz", ".bz2", ".xz")
STARTER = Path(__file__).with_name("starter")


@dataclass
class Solution:
    """What was handed in, as far as it matters.

    Attributes
    ----------
    code : dict of str to bytes
        The files that its code may need, with stand-ins for the starter code's `utils` where they are missing.
    products : dict of str to bytes
        What its training has left.
    trouble : str
        Why nothing could be read; empty if something could.
    missing : dict of str to str
        A sentence for each module that is missing.
    remarks : list of str
    """

    code: dict = field(default_factory=dict)
    products: dict = field(default_factory=dict)
    trouble: str = ""
    missing: dict = field(default_factory=dict)
    remarks: list = field(default_factory=list)


@dataclass(frozen=True)
class Entry:
    """A file that may be part of a solution.

    Attributes
    ----------
    name : str
        Its path, with "/".
    time : tuple of int
        Of its last change: year, month, day, hour, minute, second.
    source : Path or ZipInfo
    """

    name: str
    time: tuple
    source: object

    @property
    def folder(self):
        """The path of its folder: "" or "a/b/"."""
        return self.name[: self.name.rfind("/") + 1]

    @property
    def base(self):
        return self.name[len(self.folder) :]


def collect(path):
    """Read a solution.

    Parameters
    ----------
    path : str or Path
        A folder or a zip. The solution may lie deeper in it, or in a zip inside.

    Returns
    -------
    Solution
        With `trouble` where a zip is damaged or suspicious: that is a solution without points, not a wrong use.

    Raises
    ------
    InputError
        There is no such folder or zip.
    EnvironmentFailure
        It cannot be read.
    """
    path = Path(path)
    if path.is_dir():
        return _solution(lambda remarks: _from_folder(path, remarks), path)
    if path.is_file() and (path.suffix.lower() == ".zip" or zipfile.is_zipfile(path)):
        return _solution(lambda remarks: _from_zip(path, remarks), path)
    raise InputError(f"{path} is neither a folder nor a zip; give the folder of a solution or assignment2.zip")


def collect_files(paths):
    """Read a solution from loose files: dict of the name of each in the solution to its Path. See `collect`."""
    entries = [Entry(name, _changed(path), path) for name, path in paths.items()]
    return _solution(lambda remarks: _from_entries(entries, _read_paths, remarks), *paths.values())


def _solution(read, *paths):
    remarks = []
    try:
        files = read(remarks)
    except BadZip as error:
        return Solution(trouble=f"the zip {error}")
    except OSError as error:
        raise EnvironmentFailure(f"cannot read {paths[0]}: {error.strerror or error}") from error
    solution = Solution(
        code={name: data for name, data in files.items() if not _is_useless(name)},
        products={name: files[name] for name in PRODUCTS if name in files},
        remarks=remarks,
    )
    solution.missing = {name: _missing(name, solution.code) for name in MODULES if name not in solution.code}
    _add_starter(solution)
    return solution


def _missing(module, code):
    """The sentence about a module that is missing: what to do."""
    if notebook := next((name for name in sorted(code) if name.lower().endswith(".ipynb")), None):
        return (
            f"{module} is missing, and {notebook} is a notebook: save it as a script "
            f"(jupyter nbconvert --to script), hand that in as {module}"
        )
    return f"{module} is missing"


def _from_folder(folder, remarks):
    entries = []
    for parent, folders, names in os.walk(folder):
        where = Path(parent).relative_to(folder)
        for name in [name for name in folders if Path(parent, name).is_symlink() and not _is_left_out(name)]:
            remarks.append(f"{(where / name).as_posix()} is a symbolic link and is left out: hand in the folder itself")
        folders[:] = sorted(name for name in folders if not _is_left_out(name))
        for name in sorted(names):
            path = Path(parent, name)
            if path.is_symlink():
                if path.suffix == ".py" or name in PRODUCTS:
                    link = f"{(where / name).as_posix()} is a symbolic link and is left out"
                    remarks.append(f"{link}: hand in the file itself")
            elif not name.startswith(".") and stat.S_ISREG(path.stat().st_mode):
                inside = (
                    (where / name).as_posix().replace("\\", "/")
                )  # a zip of Windows, unpacked by a careless program
                if not {"..", ""} & set(inside.split("/")):
                    entries.append(Entry(inside, _changed(path), path))
    return _from_entries(entries, _read_paths, remarks)


def _read_paths(chosen):
    """Read files of the file system: pairs (name, Entry) to dict of name to bytes."""
    files, left = {}, MOST_BYTES
    for name, entry in chosen:
        with entry.source.open("rb") as file:
            files[name] = file.read(left + 1)
        left -= len(files[name])
        if left < 0:
            raise BadZip(f"or folder holds more than the {MOST_BYTES:,} bytes allowed")
    return files


def _changed(path):
    return tuple(time.gmtime(path.stat().st_mtime)[:6])


def _from_zip(source, remarks, depth=1):
    """The files of a solution in a zip (its bytes or its path); one with anything suspicious in it is refused."""
    members = []
    read_members(source, lambda found: members.extend(found) or [], MOST_BYTES, MOST_PACKED, MOST_MEMBERS)
    entries = []
    for member in members:
        name = member.filename.replace("\\", "/")  # as some programs for Windows write it
        *folders, base = name.split("/")
        if member.is_dir() or not base or base.startswith(".") or any(map(_is_left_out, folders)):
            continue
        if suspicion := _suspicion_of(member, name):
            raise BadZip(f"cannot be unpacked: its member {member.orig_filename!r} {suspicion}")
        entries.append(Entry(name, member.date_time, member.orig_filename))

    def read(chosen):
        wanted = {entry.source: name for name, entry in chosen}
        return read_members(
            source,
            lambda found: ((wanted[m.orig_filename], m) for m in found if m.orig_filename in wanted),
            MOST_BYTES,
            MOST_PACKED,
            MOST_MEMBERS,
        )

    return _from_entries(entries, read, remarks, depth)


def _is_left_out(folder):
    return folder in LEFT_OUT or folder.startswith(".") and folder not in (".", "..")


def _suspicion_of(member, name):
    """Say what is suspicious about a member of a zip, or return None."""
    if name.startswith("/") or ".." in name.split("/") or not {":", "\0"}.isdisjoint(member.orig_filename):
        return "leaves the folder"
    if stat.S_IFMT(member.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):  # 0: not written on Unix
        return "is a link or a device"
    return None


def _from_entries(entries, read, remarks, depth=1):
    """Find the solution among files and read it: dict of path in the solution to bytes."""
    if len(entries) > MOST_FILES:
        raise BadZip(f"or folder holds more than {MOST_FILES:,} files")
    root, modules = _find(entries, remarks)
    if root is None:
        zips = [entry for entry in entries if entry.base.lower().endswith(".zip")]
        if zips and depth < MOST_ZIPS:
            inner = max(zips, key=lambda entry: (entry.time, entry.name))
            remarks.append(f"the solution is in the zip {inner.name}" + _others([e.name for e in zips], inner.name))
            return _from_zip(read([("inner", inner)])["inner"], remarks, depth + 1)
        root = ""
    chosen = {entry.name.removeprefix(root): entry for entry in entries if entry.name.startswith(root)}
    chosen = {name: entry for name, entry in chosen.items() if name in PRODUCTS or not _is_useless(name)}
    others = [entry.name for entry in entries if entry.name.lower().endswith(OTHER_ARCHIVES)]
    if others and not modules:
        raise BadZip(f"or folder holds {others[0]}, which is not a zip: hand in the zip of collect_submission.sh")
    files = read(list(chosen.items()))
    for module, name in modules.items():
        files.setdefault(module, files[name])
    return files


def _is_useless(name):
    return bool(LEFT_OUT_FILES.fullmatch(name.split("/")[-1]))


def _find(entries, remarks):
    """Find the folder of the solution: (its path or None, dict of module to the name of the file taken for it)."""
    for named in (_exactly, _similarly):
        copies = {}
        for entry in entries:
            if module := named(entry.base):
                copies.setdefault(entry.folder, {}).setdefault(module, []).append(entry)
        if copies:
            root = max(copies, key=lambda folder: _rank(copies[folder], folder))
            found = copies[root]
            if len(copies) > 1:
                remarks.append(
                    f"the solution in {root or 'the top folder'} is graded, the most recent complete one"
                    + _others([folder or "the top folder" for folder in copies], root or "the top folder")
                )
            elif root:
                remarks.append(f"the solution lies in the folder {root.rstrip('/')}")
            if named is _exactly:
                found = {m: e for m, e in _add_similar(entries, root).items() if m not in found} | found
            return root, _chosen(found, remarks)
    return None, {}


def _add_similar(entries, root):
    similar = {}
    for entry in entries:
        if entry.folder == root and (module := _similarly(entry.base)):
            similar.setdefault(module, []).append(entry)
    return similar


def _chosen(found, remarks):
    """The most recent file for each module, with a remark where its name is not the module's."""
    names = {}
    for module, entries in found.items():
        newest = max(entries, key=lambda entry: (entry.base.lower() == module, entry.time, entry.base))
        names[module] = newest.base
        if newest.base != module:
            others = _others([entry.base for entry in entries], newest.base)
            remarks.append(f"{newest.base} is taken for {module}{others}: hand it in under that name")
    return names


def _rank(modules, folder):
    """What makes one copy of a solution better than another: completeness, then age, then nearness to the top."""
    times = [entry.time for entries in modules.values() for entry in entries]
    return len(modules), max(times), -folder.count("/"), folder


def _exactly(base):
    return base if base in MODULES else None


def _similarly(base):
    found = LOOKALIKE.fullmatch(base)
    return f"{found[1].lower()}.py" if found else None


def _others(names, chosen):
    left = sorted(set(names) - {chosen})
    return f" ({', '.join(left[:3])}{' ...' if len(left) > 3 else ''} left aside)" if left else ""


def _add_starter(solution):
    """Add what `utils` lacks: the handout's collect_submission.sh leaves that folder out."""
    files = {f"utils/{path.name}": path for path in sorted(STARTER.glob("*.py"))}
    files["utils/utils.py"] = PROJECT / "utils" / "utils.py"
    for name, path in files.items():
        if name not in solution.code:
            solution.code[name] = b"" if path.name == "__init__.py" else path.read_bytes()
