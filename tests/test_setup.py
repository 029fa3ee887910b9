"""The set-up files agree with each other; make sets up an environment, or says in one line why it cannot."""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import count
import evaluate
import run
from utils.system.paths import PROJECT

needs_make = pytest.mark.skipif(shutil.which("make") is None, reason="there is no make here")
TOOLS = {"pytest", "pytest-xdist", "hypothesis", "ruff"}  # in requirements.txt, but not needed to run the commands


def requirements(name):
    """The requirements of a file, without comments and included files."""
    lines = (line.partition("#")[0].strip() for line in (PROJECT / name).read_text(encoding="utf-8").splitlines())
    return [Requirement(line) for line in lines if line and not line.startswith("-r")]


def project():
    return tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))


def version(requirement):
    (pin,) = requirement.specifier
    assert pin.operator == "==", f"{requirement} is not pinned"
    return pin.version


@pytest.mark.skipif(not (PROJECT / ".git").exists() or shutil.which("git") is None, reason="this is not a git checkout")
def test_nothing_that_git_should_ignore_was_committed():
    listing = ["git", "-c", "safe.directory=*", "ls-files", "--cached", "--ignored", "--exclude-standard"]
    assert subprocess.run(listing, cwd=PROJECT, capture_output=True, check=True).stdout == b""


@pytest.mark.parametrize("name", sorted(path.name for path in PROJECT.glob("requirements*.txt")))
def test_requirements_are_pinned(name):
    assert [version(requirement) for requirement in requirements(name)]


def test_the_optional_requirements_hold_all_groups():
    lines = (PROJECT / "requirements-optional.txt").read_text(encoding="utf-8").splitlines()
    groups = {path.name for path in PROJECT.glob("requirements-*.txt")} - {"requirements-optional.txt"}
    assert {line.removeprefix("-r ") for line in lines if line.startswith("-r")} == groups


def test_the_pins_lie_within_the_ranges_of_the_project():
    pins = {requirement.name: version(requirement) for requirement in requirements("requirements.txt")}
    ranges = {range.name: range.specifier for range in map(Requirement, project()["project"]["dependencies"])}
    assert set(pins) == set(ranges) | TOOLS
    for name, specifier in ranges.items():
        assert specifier.contains(pins[name]), f"{name} {pins[name]} is not {specifier}"
        assert {clause.operator for clause in specifier} == {">="}, name


def test_the_environment_wants_the_same_python_and_packages():
    environment = (PROJECT / "env.yml").read_text(encoding="utf-8")
    assert f"- python{project()['project']['requires-python']}\n" in environment
    assert "- -r requirements.txt\n" in environment
    assert environment.startswith("name: a2\n")


def test_the_graders_image_installs_the_same_versions():
    script = (PROJECT / "examples/gradescope/setup.sh").read_text(encoding="utf-8")
    versions = set(re.findall(r"\S+==\S+", script))
    assert versions
    assert versions <= {str(requirement) for requirement in requirements("requirements.txt")}


def test_pip_refuses_to_install_the_project_and_says_how_to_use_it(tmp_path):
    pytest.importorskip("pip", reason="this environment has no pip")
    for name in ("pyproject.toml", ".ci/checkout_only.py", "README.md", "LICENSE"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(PROJECT / name, tmp_path / name)
    for how in ([], ["--editable"]):
        done = subprocess.run(
            [sys.executable, "-m", "pip", "install", "--no-index", "--no-deps", "--target", "there", *how, "."],
            cwd=tmp_path, capture_output=True, encoding="utf-8", timeout=100,
        )  # fmt: skip
        assert done.returncode == 1
        assert "error: this project is a checkout to run in and cannot be installed." in done.stderr
        assert "pip install -r requirements.txt" in done.stderr and "PYTHONPATH=" in done.stderr
        assert "Traceback" not in done.stderr
        assert not (tmp_path / "there").exists()


# make


@pytest.fixture
def make(tmp_path):
    """make("run", "PYTHON=...") -> CompletedProcess, in a folder with the Makefile and a requirement nobody has."""
    shutil.copy(PROJECT / "Makefile", tmp_path)
    (tmp_path / "requirements.txt").write_text("no-such-package-anywhere==1.0\n", encoding="utf-8")

    def call(*arguments, **env):
        cleared = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "MAKE", "MFLAGS"))}
        return subprocess.run(
            ["make", *arguments],
            cwd=tmp_path,
            env={**cleared, "PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull, **env},
            capture_output=True,
            encoding="utf-8",
            timeout=100,
        )

    return call


@pytest.fixture
def stand_in(tmp_path):
    """A stand-in for Python, which logs in the file `calls` the modules that it ran.

    Its venv is a folder with the stand-in as Python; its pip fails unless a file `index` exists.
    """
    path = tmp_path / "stand-in"
    path.write_text(
        f"""#!/bin/sh
case "$*" in
    "-m venv --clear "*) rm -rf "$4" && mkdir -p "$4/bin" && ln -s "{path}" "$4/bin/python" ;;
    "-m pip "*) [ -e index ] || {{ echo "ERROR: nothing there"; echo "more"; exit 1; }} ;;
    "-c import ensurepip, venv") [ ! -e no-venv ] ;;
    --version) echo Python 3.99.0 ;;
esac || exit 1
[ "$1" != -m ] || echo "$2" >>calls
""",
        encoding="utf-8",
    )
    path.chmod(0o755)
    return path


def complaint(done):
    """The one line that make shows of a failure beside its own."""
    line, makes_own = done.stderr.splitlines()
    assert done.returncode == 2 and makes_own.startswith("make: ***")
    return line


@needs_make
def test_without_a_package_index_one_line_says_what_is_missing_and_what_to_do(make, tmp_path):
    # Installing pip in the new environment would take most of the time: it finds the one that is here.
    pip = pytest.importorskip("pip", reason="this environment has no pip")
    python = tmp_path / "python"
    python.write_text(f"""#!/bin/sh
if [ "$1 $2" = "-m venv" ]; then set -- -m venv --without-pip "$4"; fi
exec "{sys.executable}" "$@"
""", encoding="utf-8")  # fmt: skip
    python.chmod(0o755)
    done = make("run", f"PYTHON={python}", PYTHONPATH=str(Path(pip.__file__).parents[1]))
    said = complaint(done)
    assert said.startswith("error: pip cannot install the packages of requirements.txt: No matching distribution found")
    assert "no-such-package-anywhere==1.0" in said and ".venv/pip.log" in said and "PIP_FIND_LINKS" in said
    assert done.stdout == "== Setting up .venv with the packages of requirements.txt\n"
    assert "no-such-package-anywhere" in (tmp_path / ".venv/pip.log").read_text(encoding="utf-8")
    assert not (tmp_path / ".venv/ready").exists()


@needs_make
def test_a_folder_that_is_half_set_up_is_set_up_anew_and_a_ready_one_is_not(make, stand_in, tmp_path):
    def calls():
        found = (tmp_path / "calls").read_text(encoding="utf-8").split()
        (tmp_path / "calls").unlink()
        return found

    python = f"PYTHON={stand_in}"
    assert "nothing there" in complaint(make("test", python))
    assert calls() == ["venv"]
    (tmp_path / "index").touch()
    assert make("test", python).returncode == 0
    assert calls() == ["venv", "pip", "pytest"]
    assert make("test", python).returncode == 0
    assert calls() == ["pytest"]
    (tmp_path / ".venv/bin/python").unlink()
    (tmp_path / ".venv/bin/python").symlink_to(tmp_path / "removed")
    assert make("test", python).returncode == 0
    assert calls() == ["venv", "pip", "pytest"]
    assert make("test", python, "VENV=other").returncode == 0
    assert calls() == ["venv", "pip", "pytest"]


@needs_make
def test_a_python_that_is_missing_too_old_or_without_venv_is_told_in_one_line(make, stand_in, tmp_path):
    said = complaint(make("test", "PYTHON=no-such-python"))
    assert said.startswith("error: Python 3.11 or newer is needed; no-such-python --version says: ")
    assert "not found" in said and said.endswith("Name another one: make PYTHON=FILE")
    (tmp_path / "no-venv").touch()
    assert "lacks the module venv: install it" in complaint(make("test", f"PYTHON={stand_in}"))
    old = tmp_path / "old"
    old.write_text('#!/bin/sh\n[ "$1" = --version ] && echo Python 3.10.1\n', encoding="utf-8")
    old.chmod(0o755)
    assert "--version says: Python 3.10.1." in complaint(make("test", f"PYTHON={old}"))


@needs_make
def test_the_example_calls_the_commands_with_options_they_have(make):
    lines = make("-n", "example", "TEXT=my text.txt").stdout.splitlines()
    calls = [shlex.split(line)[1:] for line in lines if re.match(r"\S*python (run|count|evaluate)\.py ", line)]
    parsers = {"run.py": run.parse, "count.py": count.parse, "evaluate.py": evaluate.parse}
    parsed = [parsers[call[0]](call[1:]) for call in calls]
    assert [args.corpus for args in parsed[:4]] == ["my text.txt"] * 4
    assert [args.model for args in parsed[:2]] == ["skip-gram", "cbow"]
    assert [args.method for args in parsed[2:4]] == ["svd", "glove"]
    saved = [str(args.save) for args in parsed[:4]]
    assert [str(file) for file in parsed[4].files] == saved
    assert parsed[5].file in saved
    written = [*(args.out for args in parsed[:4]), *saved, parsed[4].json, parsed[5].out]
    assert {Path(path).parts[0] for path in written} == {"example"}  # which git ignores
    assert "utils/datasets/text8/text8" in make("-n", "example").stdout  # without TEXT
