"""Imports run one way, from the commands down to `utils.system`; every module lies in a package with a layer."""

import ast
import functools
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter

import pytest

from utils.system.paths import PROJECT

# From the bottom up. A package imports from itself and from the layers below its own.
LAYERS = (
    {"utils.system"},
    {"utils.corpus", "utils.runs", "utils.vectors"},
    {"sgd", "utils.minibatches", "utils.counting", "utils.scoring", "utils.pictures"},
    {"utils"},
    {"word2vec"},
    {"epochs"},
    {"utils.commands", "grader"},
    {"trainings"},
    {"run", "count", "evaluate", "grade"},
)
LAYER = {package: number for number, layer in enumerate(LAYERS) for package in layer}
HANDOUT = {"treebank", "gradcheck", "utils", "selftests", "explain"}  # the modules at the top of `utils`
STANDARD_LIBRARY_ONLY = {
    *("corpus.download", "corpus.published", "commands.submission"),
    *("system.console", "system.errors", "system.files", "system.paths", "system.zips"),
}


def modules():
    """Dotted name -> path of every module of the project that is not a test, an example or a benchmark."""
    paths = [*PROJECT.glob("*.py"), *PROJECT.glob("utils/**/*.py"), *PROJECT.glob("grader/**/*.py")]
    names = {".".join(path.relative_to(PROJECT).with_suffix("").parts).removesuffix(".__init__") for path in paths}
    return {name: PROJECT.joinpath(*name.split(".")) for name in names}


def source(name):
    path = PROJECT.joinpath(*name.split("."))
    return path / "__init__.py" if path.is_dir() and name != "grade" else path.with_suffix(".py")


@functools.cache
def imports(path):
    """Every dotted name that a file may import: modules, and what is taken from them."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} has a relative import"
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def package(module):
    """The package whose layer a module has: `utils.corpus` for `utils.corpus.ids`, `utils` for `utils.treebank`."""
    parts = module.split(".")
    if parts[0] != "utils":
        return parts[0]
    return "utils" if len(parts) == 1 or parts[1] in HANDOUT else ".".join(parts[:2])


def arrows():
    """Pairs (module, imported module) within the project."""
    known = modules()
    return [(name, target) for name in sorted(known) for target in sorted(imports(source(name)) & set(known))]


def misplaced(names):
    """The modules that lie in no package with a layer."""
    return [name for name in names if package(name) not in LAYER or len(name.split(".")) > 3]


def against_the_direction(pairs):
    """The arrows that do not lead to a lower layer, or stay within a package."""
    return [
        (name, target)
        for name, target in pairs
        if package(name) != package(target)
        and target != "utils"  # the package itself, which is empty
        and LAYER[package(target)] >= LAYER[package(name)]
    ]


def test_every_module_lies_in_a_package_that_has_a_layer():
    assert misplaced(modules()) == []


def test_every_layer_has_modules():
    assert {package(name) for name in modules()} == set(LAYER)


def test_imports_lead_downwards():
    assert against_the_direction(arrows()) == []


def test_there_are_no_circles():
    graph = {name: set() for name in modules()}
    for name, target in arrows():
        graph[name].add(target)
    try:
        tuple(TopologicalSorter(graph).static_order())
    except CycleError as error:
        pytest.fail(f"a circle of imports: {' -> '.join(error.args[1])}")


@pytest.mark.parametrize(
    ("pair", "wrong"),
    [
        (("utils.system.files", "utils.corpus.ids"), True),
        (("utils.corpus.ids", "utils.runs.checkpoints"), True),
        (("utils.minibatches.replay", "utils.corpus.ids"), False),
        (("utils.treebank", "word2vec"), True),
        (("epochs", "run"), True),
        (("run", "epochs"), False),
        (("utils.corpus.reading", "utils.corpus.ids"), False),
        (("utils.commands.inputs", "grader.scheme"), True),
    ],
)
def test_a_wrong_arrow_is_noticed(pair, wrong):
    assert against_the_direction([pair]) == ([pair] if wrong else [])


def test_a_module_without_a_place_is_noticed():
    assert misplaced(["utils.new", "utils.corpus.ids", "helpers", "utils.corpus.deep.er"]) == [
        "utils.new", "helpers", "utils.corpus.deep.er"
    ]  # fmt: skip


def test_tests_mirror_the_packages():
    folders = {path.name for path in (PROJECT / "tests").iterdir() if path.is_dir() and path.name != "__pycache__"}
    packages = {name.removeprefix("utils.") for name in LAYER if name.startswith("utils.")}
    assert folders == packages | {"core", "grader", "derivations", "helpers"}


def test_only_its_command_and_its_tests_import_the_grader():
    folders = ("*.py", "utils/**/*.py", "examples/**/*.py", "benchmarks/*.py", "tests/**/*.py")
    paths = {path for folder in folders for path in PROJECT.glob(folder)} - {PROJECT / "grade.py"}
    outside = {path for path in paths if "grader" not in path.relative_to(PROJECT).parts}
    assert [path for path in outside if any(name.split(".")[0] == "grader" for name in imports(path))] == []


def test_the_tools_that_run_before_the_installation_need_the_standard_library_alone():
    for name in STANDARD_LIBRARY_ONLY:
        outside = {target.split(".")[0] for target in imports(source(f"utils.{name}"))} - {"utils"}
        assert outside <= set(sys.stdlib_module_names)


def test_commands_answer_before_slow_packages_are_imported():
    slow = ("matplotlib", "sklearn", "scipy.stats")
    program = f"import sys, run, count, evaluate, grade; print(*(name for name in {slow} if name in sys.modules))"
    asked = subprocess.run([sys.executable, "-c", program], cwd=PROJECT, capture_output=True, encoding="utf-8")
    assert (asked.stdout, asked.stderr) == ("\n", "")
