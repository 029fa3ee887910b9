"""What commands read, and that nothing is written over it."""

import os

import pytest

from utils.commands.inputs import refuse_overwriting
from utils.system.errors import InputError


def test_an_output_is_not_an_input_by_any_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = tmp_path / "text.txt"
    text.write_text("a b", encoding="utf-8")
    os.link(text, tmp_path / "hard.txt")
    (tmp_path / "soft.txt").symlink_to(text)
    for name in ("text.txt", "./text.txt", "hard.txt", "soft.txt"):
        with pytest.raises(InputError, match="would be written over .*text.txt, which is read: choose another name"):
            refuse_overwriting([None, "-", text], [None, name])


def test_other_outputs_are_fine(tmp_path):
    (tmp_path / "text.txt").write_text("a b", encoding="utf-8")
    (tmp_path / "old.txt").write_text("a b", encoding="utf-8")
    refuse_overwriting([tmp_path / "text.txt", tmp_path], [tmp_path / "new.txt", tmp_path / "old.txt", None])
    refuse_overwriting([], [tmp_path / "text.txt"])
