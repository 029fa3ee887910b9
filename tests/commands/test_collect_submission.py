"""utils/commands/submission.py and collect_submission.sh: all files of the submission, and no others."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from utils.commands import submission
from utils.system.console import run
from utils.system.errors import EnvironmentFailure, InputError
from utils.system.paths import PROJECT

needs_links = pytest.mark.skipif(os.name == "nt", reason="links need a privilege on Windows")

HANDED_IN = [
    "another.png",
    "grader/child.py",
    "run.py",
    "saved_params_40000.npy",
    "utils/__init__.py",
    "utils/deeper/more.py",
    "utils/pictures/page.css",
    "utils/pictures/page.html",
    "utils/pictures/page.js",
    "utils/treebank.py",
    "word_vectors.png",
]
NOT_HANDED_IN = [
    ".hidden.py",
    "README.md",
    "page.html",
    ".venv/lib/module.py",
    "assignment2.zip.old",
    "notes.txt",
    "saved_params_39000.npy",
    "saved_params_40000.npy.part",
    "saved_state_40000.json",
    "tests/test_run.py",
    "grader/.secret.py",
    "grader/__pycache__/child.cpython-311.pyc",
    "grader/notes.txt",
    "utils/.cache/module.py",
    "utils/.page.html",
    "utils/.run.py.abc.part",
    "utils/__pycache__/generated.py",
    "utils/datasets/text8/text8",
    "utils/datasets/text8/convert.py",
    "utils/pictures/.venv/module.py",
    "utils/.secret.py",
    "utils/picture.png",
    ".git/hook.py",
]


@pytest.fixture
def solution(tmp_path):
    folder = tmp_path / "a solution"
    for name in HANDED_IN + NOT_HANDED_IN:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"contents of {name}", encoding="utf-8")
    (folder / "folder.py").mkdir()
    return folder


def members(path):
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name).decode("utf-8") for name in archive.namelist()}


def test_it_holds_the_solution_under_its_own_paths_in_order_and_nothing_else(solution):
    path = submission.pack(solution)
    assert path == solution / "assignment2.zip"
    assert list(members(path)) == HANDED_IN
    assert members(path) == {name: f"contents of {name}" for name in HANDED_IN}


def test_the_members_are_compressed(solution):
    (solution / "run.py").write_text("x = 1\n" * 10_000, encoding="utf-8")
    assert submission.pack(solution).stat().st_size < 5_000


def test_the_same_files_give_the_same_bytes_and_changed_ones_others(solution):
    first = submission.pack(solution).read_bytes()
    assert submission.pack(solution).read_bytes() == first
    (solution / "run.py").write_text("changed", encoding="utf-8")
    assert submission.pack(solution).read_bytes() != first


def test_a_member_of_the_old_zip_does_not_survive(solution):
    submission.pack(solution)
    (solution / "another.png").unlink()
    assert "another.png" not in members(submission.pack(solution))


def test_a_file_older_than_the_zip_format_is_packed(solution):
    os.utime(solution / "run.py", (0, 0))
    assert "run.py" in members(submission.pack(solution))


@pytest.mark.parametrize("missing", [[name] for name in submission.REQUIRED] + [list(submission.REQUIRED)])
def test_without_the_results_of_run_it_refuses_and_names_the_command(solution, missing):
    submission.pack(solution)
    old = (solution / "assignment2.zip").read_bytes()
    for name in missing:
        (solution / name).unlink()
    with pytest.raises(InputError, match="python run.py") as caught:
        submission.pack(solution)
    assert [name for name in submission.REQUIRED if f"no {name}" in str(caught.value)] == missing
    assert (solution / "assignment2.zip").read_bytes() == old


@needs_links
@pytest.mark.parametrize(
    "name",
    [
        *("run.py", "saved_params_40000.npy", "utils/treebank.py", "utils/pictures/page.js", "grader/child.py"),
        *("utils", "utils/deeper", "grader"),
    ],
)
def test_a_symbolic_link_is_refused(solution, tmp_path, name):
    (solution / name).rename(tmp_path / "elsewhere")
    (solution / name).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InputError, match="is a symbolic link") as caught:
        submission.pack(solution)
    assert str(solution / name) in str(caught.value)
    assert not (solution / "assignment2.zip").exists()


@needs_links
@pytest.mark.parametrize("name", ["notes.txt", "utils/datasets", "utils/picture.png", "utils/.cache"])
def test_a_link_that_is_not_handed_in_does_not_matter(solution, tmp_path, name):
    (solution / name).rename(tmp_path / "elsewhere")
    (solution / name).symlink_to(tmp_path / "elsewhere")
    assert list(members(submission.pack(solution))) == HANDED_IN


@needs_links
def test_a_circle_of_links_ends(solution):
    (solution / "utils" / "deeper" / "again").symlink_to(solution / "utils")
    with pytest.raises(InputError, match="again is a symbolic link"):
        submission.pack(solution)


def test_a_failure_in_the_middle_leaves_the_old_zip_and_no_other_file(solution, monkeypatch):
    old = submission.pack(solution).read_bytes()
    before = {path.name for path in solution.iterdir()}
    written = []

    def stopping(archive, info, data, compress_type):
        if written:
            raise KeyboardInterrupt
        written.append(info.filename)

    monkeypatch.setattr(zipfile.ZipFile, "writestr", stopping)
    with pytest.raises(KeyboardInterrupt):
        submission.pack(solution)
    assert (solution / "assignment2.zip").read_bytes() == old
    assert {path.name for path in solution.iterdir()} == before


def test_a_file_that_cannot_be_read_is_named(solution, monkeypatch):
    def refuse(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(EnvironmentFailure, match=r"cannot read .*another\.png: Permission denied"):
        submission.pack(solution)


def test_a_folder_that_cannot_be_read_is_named_instead_of_left_out(solution, monkeypatch):
    scandir = os.scandir

    def refuse(path):
        if str(path).endswith("deeper"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(EnvironmentFailure, match=r"cannot read .*deeper: Permission denied"):
        submission.pack(solution)


def test_a_solution_without_the_grader_is_packed(solution):
    shutil.rmtree(solution / "grader")
    assert list(members(submission.pack(solution))) == [name for name in HANDED_IN if not name.startswith("grader")]


def test_the_command_prints_what_it_packed_and_the_size(solution, capsys):
    assert submission.main([str(solution)]) == 0
    *names, total = capsys.readouterr().out.splitlines()
    assert [name.strip() for name in names] == HANDED_IN
    assert total == f"{solution / 'assignment2.zip'}: {len(HANDED_IN)} files, 0.00 MB"


def test_what_is_not_a_folder_ends_with_status_2(tmp_path, capsys):
    with pytest.raises(SystemExit) as caught:
        run(submission.main, [str(tmp_path / "none")])
    assert caught.value.code == 2
    assert "none is not a folder" in capsys.readouterr().err


@pytest.mark.skipif(shutil.which("sh") is None, reason="there is no POSIX shell here")
def test_the_script_packs_its_own_folder_wherever_it_is_called(tmp_path):
    project, caller = tmp_path / "a project", tmp_path / "caller"
    shutil.copytree(PROJECT / "utils", project / "utils", ignore=shutil.ignore_patterns("datasets", "__pycache__"))
    shutil.copy(PROJECT / "collect_submission.sh", project / "collect_submission.sh")
    caller.mkdir()
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}

    def collect(*arguments, **changed):
        return subprocess.run(
            [shutil.which("sh"), str(project / "collect_submission.sh"), *arguments],
            cwd=caller,
            env={**kept, "PYTHON": sys.executable, "PYTHONDONTWRITEBYTECODE": "1", **changed},
            capture_output=True,
            encoding="utf-8",
            timeout=30,
        )

    refused = collect()
    assert (refused.returncode, refused.stdout, refused.stderr.count("\n")) == (2, "", 1)
    assert "`python run.py`" in refused.stderr
    for name in submission.REQUIRED:
        (project / name).write_bytes(b"result")
    packed = collect(PATH=str(caller))  # where there is no `zip`
    assert (packed.returncode, packed.stderr) == (0, "")
    assert set(submission.REQUIRED) | {"utils/commands/submission.py"} <= set(members(project / "assignment2.zip"))
    assert list(caller.iterdir()) == []
