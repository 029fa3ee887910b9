"""The set-up files agree with each other, and the rooms import each other one way only."""

import ast
import re
import tomllib
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

PROJECT = Path(__file__).parent.parent
SCRIPTS = {path.stem for path in PROJECT.glob("*.py")}
ROOMS = sorted(PROJECT.glob("utils/*.py"))


def pinned(lines):
    return {line.strip().removeprefix("- ") for line in lines if "==" in line}


def test_requirements_environment_and_project_name_the_same_versions():
    requirements = pinned((PROJECT / "requirements.txt").read_text(encoding="utf-8").splitlines())
    environment = pinned((PROJECT / "env.yml").read_text(encoding="utf-8").splitlines())
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    assert requirements == environment
    assert requirements == {*project["dependencies"], *extras["test"], *extras["lint"]}
    for group in ("bench", "cluster"):
        extra = pinned((PROJECT / f"requirements-{group}.txt").read_text(encoding="utf-8").splitlines())
        assert extra == set(extras[group])


def test_the_project_holds_every_script():
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
    assert set(project["tool"]["setuptools"]["py-modules"]) == SCRIPTS


def test_environment_and_project_want_the_same_python():
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    environment = (PROJECT / "env.yml").read_text(encoding="utf-8")
    assert f"- python{project['requires-python']}\n" in environment
    assert environment.startswith("name: a2\n")


def imported(path):
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""  # none in `from . import name`
            names |= {module, *(f"{module}.{alias.name}" for alias in node.names)}
    return names


@pytest.mark.parametrize("room", ROOMS, ids=lambda path: path.stem)
def test_no_room_imports_a_script(room):
    assert not imported(room) & SCRIPTS


@pytest.mark.parametrize("folder", ["utils", "grader"])
def test_rooms_import_each_other_without_circles(folder):
    paths = {f"{folder}.{path.stem}": path for path in PROJECT.glob(f"{folder}/*.py")}
    order = TopologicalSorter({room: imported(path) & set(paths) for room, path in paths.items()})
    assert set(order.static_order()) >= set(paths)


def test_only_the_grader_imports_the_grader():
    folders = ("*.py", "utils/*.py", "tests/**/*.py", "examples/**/*.py", "benchmarks/*.py")
    paths = [path for folder in folders for path in PROJECT.glob(folder)]
    rooms = {path.stem for path in paths if any(name.split(".")[0] == "grader" for name in imported(path))}
    inside = {path.stem for path in PROJECT.glob("grader/*.py")}
    assert {room for room in rooms - inside if not room.startswith("test_")} <= {"grade", "grade_all_mutants", "proof"}


def test_the_grader_imports_no_command_but_the_graded_ones():
    for room in PROJECT.glob("grader/*.py"):
        assert not imported(room) & (SCRIPTS - {"word2vec", "sgd"})


def test_the_graders_image_installs_the_same_versions():
    script = (PROJECT / "examples/gradescope/setup.sh").read_text(encoding="utf-8")
    versions = set(re.findall(r"\S+==\S+", script))
    requirements = pinned((PROJECT / "requirements.txt").read_text(encoding="utf-8").splitlines())
    assert versions
    assert versions <= requirements


def test_the_tools_that_run_before_the_installation_need_the_standard_library_alone():
    for room in ("download", "submission", "console", "files", "errors"):
        outside = {name.split(".")[0] for name in imported(PROJECT / f"utils/{room}.py")} - {"utils"}
        assert outside <= set(__import__("sys").stdlib_module_names)
