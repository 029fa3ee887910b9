"""Solutions as people hand them in: in folders, zips and zips of zips, with other names, helpers and data files."""

import io
import os
import zipfile

import pytest
from solutions.mutants import base
from solutions.proof import text

from grader.grading import grade
from grader.solution import collect
from utils.commands.submission import pack
from utils.system.paths import PROJECT

OLD, NEW = (2020, 1, 1, 0, 0, 0), (2024, 1, 1, 0, 0, 0)
SIGMOID = "    return 1 / (1 + np.exp(-x))\n"


def files(prefix="", **changes):
    """Name -> content of the correct solution, in a folder."""
    return {prefix + name: content for name, content in {**base(), **changes}.items()}


def zipped(contents, time=NEW):
    """The bytes of a zip of name -> content, or (content, time)."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in contents.items():
            content, when = content if isinstance(content, tuple) else (content, time)
            info = zipfile.ZipInfo("placeholder", when)
            info.filename = name  # as given: ZipInfo itself would turn backslashes on Windows
            archive.writestr(info, content)
    return buffer.getvalue()


def write(folder, contents):
    for name, content in contents.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def points(solution, part="sigmoid"):
    return grade(solution, text(), [part], 0).points


def remarked(solution, *words):
    return any(all(word in remark for word in words) for remark in solution.remarks)


def test_modules_packages_and_data_of_the_solution_itself_are_there(tmp_path):
    changed = base()["word2vec.py"].replace(
        SIGMOID,
        "    from helpers.maths import one\n    from deep import two\n"
        "    assert open('data/numbers.txt').read() == '3'\n    assert two == 2\n    return one / (1 + np.exp(-x))\n",
    )
    write(
        tmp_path,
        {
            **files(),
            "word2vec.py": changed,
            "helpers/maths.py": "one = 1\n",
            "deep.py": "two = 2\n",
            "data/numbers.txt": "3",
        },
    )
    assert points(collect(tmp_path)) == 1


def test_environments_and_caches_in_a_submission_are_not_read(tmp_path):
    junk = {".venv/lib/word2vec.py": "x", "venv/sgd.py": "x", "__MACOSX/._word2vec.py": "x", "__pycache__/sgd.py": "x"}
    for solution in (
        collect(write(tmp_path / "a", {**files(), **junk})),
        collect(zip_of(tmp_path, {**files(), **junk})),
    ):
        assert solution.code["word2vec.py"] == base()["word2vec.py"].encode()
        assert not set(junk) & set(solution.code)
        assert solution.remarks == []


def zip_of(folder, contents):
    path = folder / "assignment2.zip"
    path.write_bytes(zipped(contents))
    return path


def test_of_two_copies_the_most_recent_is_graded_and_named(tmp_path):
    older = {name: (content, OLD) for name, content in files("a/", **{"word2vec.py": "broken"}).items()}
    solution = collect(zip_of(tmp_path, {**older, **files("b/")}))
    assert solution.code["word2vec.py"] == base()["word2vec.py"].encode()
    assert remarked(solution, "b/", "most recent", "a/")
    newer = {name: (content, NEW) for name, content in files("a/", **{"word2vec.py": "newer"}).items()}
    older = {name: (content, OLD) for name, content in files("b/").items()}
    assert collect(zip_of(tmp_path, {**older, **newer})).code["word2vec.py"] == b"newer"


def test_in_a_folder_too_the_most_recent_copy_is_graded(tmp_path):
    write(tmp_path, {**files("a/"), **files("b/", **{"word2vec.py": "old"})})
    for path in (tmp_path / "b").iterdir():
        os.utime(path, (1, 1))
    assert collect(tmp_path).code["word2vec.py"] == base()["word2vec.py"].encode()


def test_a_complete_copy_goes_before_a_newer_part_of_one(tmp_path):
    old = {name: (content, OLD) for name, content in files("whole/").items()}
    solution = collect(zip_of(tmp_path, {**old, "part/sgd.py": ("part", NEW)}))
    assert solution.code["sgd.py"] == base()["sgd.py"].encode()


@pytest.mark.parametrize("depth", [1, 2])
def test_a_zip_in_a_zip_or_in_a_folder_is_opened(tmp_path, depth):
    content = zipped(files("work/"))
    for _ in range(depth - 1):
        content = zipped({"Smith_12345_assignsubmission_file/assignment2.zip": content})
    for path in (write(tmp_path / "folder", {"assignment2.zip": content}), zip_of(tmp_path, {"inner.zip": content})):
        if path.suffix == ".zip" and depth == 2:
            continue
        solution = collect(path)
        assert not solution.trouble
        assert solution.code["word2vec.py"] == base()["word2vec.py"].encode()
        assert remarked(solution, "in the zip")


def test_zips_in_zips_end_somewhere(tmp_path):
    content = zipped(files())
    for _ in range(8):
        content = zipped({"assignment2.zip": content})
    assert "word2vec.py" in collect(write(tmp_path, {"a.zip": content})).missing


@pytest.mark.parametrize(
    "name", ["Word2Vec.py", "q3_word2vec.py", "word2vec (1).py", "word2vec-final.py", "WORD2VEC.PY"]
)
def test_a_name_that_is_nearly_right_is_taken_with_a_remark(tmp_path, name):
    contents = files()
    contents[name] = contents.pop("word2vec.py")
    solution = collect(write(tmp_path, contents))
    assert remarked(solution, name, "word2vec.py")
    assert points(solution) == 1


def test_a_test_of_word2vec_is_not_taken_for_it(tmp_path):
    contents = files()
    contents["test_word2vec.py"] = contents.pop("word2vec.py")
    assert collect(write(tmp_path, contents)).missing == {"word2vec.py": "word2vec.py is missing"}


def test_names_with_backslashes_are_paths(tmp_path):
    contents = {f"work\\{name}": content for name, content in files().items()}
    solution = collect(zip_of(tmp_path, {**contents, "work\\utils\\mine.py": "x = 1\n"}))
    assert not solution.trouble
    assert {"word2vec.py", "sgd.py", "utils/mine.py"} <= set(solution.code)


def test_files_whose_names_hold_backslashes_are_found_and_do_not_leave_the_folder(tmp_path):
    # What a program for Linux makes of a zip that was packed on Windows.
    folder = write(tmp_path / "handed in", {f"work\\{name}": content for name, content in files().items()})
    write(folder, {"..\\..\\out.py": "x"})
    solution = collect(folder)
    assert {"word2vec.py", "sgd.py"} <= set(solution.code)
    assert not any("out.py" in name for name in solution.code)


def test_the_files_of_an_environment_do_not_count(tmp_path):
    environment = {f".venv/lib/{n}.py": "" for n in range(5001)}
    solution = collect(zip_of(tmp_path, {**environment, **files()}))
    assert not solution.trouble and "word2vec.py" in solution.code


def test_more_files_than_a_solution_can_have_are_refused(tmp_path):
    assert "more than 5,000 files" in collect(zip_of(tmp_path, {f"{n}.py": "" for n in range(5001)})).trouble


@pytest.mark.parametrize("name", ["..\\word2vec.py", "C:\\word2vec.py", "\\word2vec.py", "../word2vec.py"])
def test_paths_that_leave_the_folder_are_refused(tmp_path, name):
    assert "leaves the folder" in collect(zip_of(tmp_path, {name: "x", **files()})).trouble


def test_a_notebook_gets_one_sentence_that_says_what_to_do(tmp_path):
    solution = collect(write(tmp_path, {"word2vec.ipynb": "{}", "sgd.py": base()["sgd.py"]}))
    grading = grade(solution, text(), ["sigmoid", "softmax"], 0)
    (message,) = {result.outcome.message for result in grading.results}
    assert "word2vec.ipynb is a notebook" in message and "hand that in as word2vec.py" in message


def test_another_archive_gets_one_sentence_that_says_what_to_do(tmp_path):
    trouble = collect(write(tmp_path, {"work.rar": "Rar!"})).trouble
    assert "work.rar, which is not a zip: hand in the zip of collect_submission.sh" in trouble


def test_names_that_cannot_be_written_do_not_stop_the_grading(tmp_path):
    odd = {f"{'n' * 300}.py": "x", "helper": "a file", "helper/inner.py": "and a folder of its name"}
    assert points(collect(zip_of(tmp_path, {**files(), **odd}))) == 1


def test_the_projects_own_submission_grades_itself_with_nothing_missing(tmp_path):
    for path in PROJECT.glob("*.py"):
        write(tmp_path, {path.name: path.read_bytes()})
    for package in ("utils", "grader"):
        for path in PROJECT.glob(f"{package}/**/*"):
            if path.is_file() and "datasets" not in path.parts and "__pycache__" not in path.parts:
                write(tmp_path, {path.relative_to(PROJECT).as_posix(): path.read_bytes()})
    write(tmp_path, {"saved_params_40000.npy": b"", "word_vectors.png": b""})
    solution = collect(pack(tmp_path))
    assert solution.missing == {} and solution.remarks == []
    grading = grade(solution, text(), ["sigmoid", "softmax", "neg", "skipgram", "sgd"], 0)
    assert (grading.points, grading.remarks) == (16, [])
