"""What commands read, and that nothing is written over it."""

import os

import pytest

from utils.commands.inputs import files_to_read, refuse_overwriting
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


def test_a_text_in_a_folder_is_not_written_over_but_vectors_made_of_it_are(tmp_path):
    text, vectors = tmp_path / "text.txt", tmp_path / "word_vectors.txt"
    text.write_text("a b c\n", encoding="utf-8")
    vectors.write_text("1 3\na 1 2 3\n", encoding="utf-8")
    refuse_overwriting(files_to_read(tmp_path), [vectors, tmp_path / "picture.png"])
    with pytest.raises(InputError, match=r"text\.txt would be written over .*text\.txt, which is read"):
        refuse_overwriting(files_to_read(tmp_path), [vectors, text])
    assert files_to_read(None) == [] and files_to_read(tmp_path / "none") == [tmp_path / "none"]


def test_the_words_beside_a_tsv_are_part_of_it(tmp_path):
    words = tmp_path / "x_metadata.tsv"
    words.write_text("a\n", encoding="utf-8")
    for inputs, outputs in (([words], [tmp_path / "x.tsv"]), ([tmp_path / "x.tsv"], [words])):
        with pytest.raises(InputError, match="x_metadata.tsv would be written over .*x_metadata.tsv, which is read"):
            refuse_overwriting(inputs, outputs)


def test_two_outputs_are_not_the_same_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"a\.json would be written twice: choose another name"):
        refuse_overwriting([], ["a.json", tmp_path / "a.json"])


def test_a_text_redirected_to_standard_input_is_not_written_over(tmp_path):
    text = tmp_path / "text.txt"
    text.write_text("a b c\n", encoding="utf-8")
    stdin = os.dup(0)
    try:
        with text.open() as file:
            os.dup2(file.fileno(), 0)
            with pytest.raises(InputError, match=r"text\.txt would be written over /dev/stdin, which is read"):
                refuse_overwriting(files_to_read("-"), [text])
    finally:
        os.dup2(stdin, 0)
        os.close(stdin)
