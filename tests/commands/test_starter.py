"""`python -m utils.commands.starter`: what it writes, and what it refuses to write over."""

import ast

import pytest

from utils.commands import starter
from utils.system import console
from utils.system.errors import EnvironmentFailure, InputError
from utils.system.paths import PROJECT


def status_of(*arguments):
    with pytest.raises(SystemExit) as leaving:
        console.run(starter.main, [str(argument) for argument in arguments])
    return leaving.value.code


def signatures(path):
    """Name -> parameters of the functions at the top of a module."""
    found = {}
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef):
            found[node.name] = [argument.arg for argument in node.args.args]
    return found


def test_it_writes_the_skeleton_and_all_that_it_needs(tmp_path, capsys):
    folder = tmp_path / "mine"
    assert status_of(folder) == 0
    assert f"wrote {folder}: run.py, sgd.py, word2vec.py" in capsys.readouterr().out
    names = {path.name for path in folder.iterdir()}
    assert names == {"word2vec.py", "sgd.py", "run.py", "utils", "get_datasets.sh", "collect_submission.sh"}
    copied = {path.relative_to(folder / "utils") for path in folder.glob("utils/**/*") if path.is_file()}
    there = {path.relative_to(PROJECT / "utils") for path in PROJECT.glob("utils/**/*") if path.is_file()}
    assert {path for path in there if path.suffix in (".py", ".sh", ".css", ".js", ".html")} <= copied | {
        path for path in there if "datasets" in path.parts
    }
    assert not [path for path in copied if "__pycache__" in path.parts or "datasets" in path.parts]
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]  # no temporary folder is left


def test_names_and_parameters_are_the_handouts():
    for module in ("word2vec", "sgd"):
        ours = signatures(PROJECT / f"{module}.py")
        for name, parameters in signatures(starter.SKELETON / f"{module}.py").items():
            if name not in ("main", "load_saved_params", "save_params"):
                assert ours[name][: len(parameters)] == parameters


def test_an_empty_folder_is_filled_and_any_other_refused(tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    assert status_of(tmp_path / "empty") == 0
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "word2vec.py").write_text("mine", encoding="utf-8")
    capsys.readouterr()
    for folder in (tmp_path / "file", tmp_path / "full", tmp_path / "nowhere" / "deeper"):
        assert status_of(folder) == 2
        assert capsys.readouterr().err.count("\n") == 1
    assert (tmp_path / "full" / "word2vec.py").read_text(encoding="utf-8") == "mine"
    assert status_of() == 2


def test_a_copy_without_the_skeleton_says_where_to_run_it(tmp_path, monkeypatch):
    monkeypatch.setattr(starter, "SKELETON", tmp_path / "nothing")
    with pytest.raises(InputError, match="folder of the whole project"):
        starter.write(tmp_path / "mine")


def test_a_failure_leaves_nothing_behind(tmp_path, monkeypatch):
    def fail(*arguments, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(starter.shutil, "copyfile", fail)
    with pytest.raises(EnvironmentFailure, match="No space left on device"):
        starter.write(tmp_path / "mine")
    assert list(tmp_path.iterdir()) == []
