"""The set-up files agree with each other."""

import re
import tomllib

from utils.system.paths import PROJECT

SCRIPTS = {path.stem for path in PROJECT.glob("*.py")}


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


def test_the_graders_image_installs_the_same_versions():
    script = (PROJECT / "examples/gradescope/setup.sh").read_text(encoding="utf-8")
    versions = set(re.findall(r"\S+==\S+", script))
    requirements = pinned((PROJECT / "requirements.txt").read_text(encoding="utf-8").splitlines())
    assert versions
    assert versions <= requirements
