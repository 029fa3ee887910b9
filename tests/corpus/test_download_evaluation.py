"""utils/corpus/download.py on the evaluation sets: fetched one by one, verified, or not at all."""

import dataclasses
import hashlib
import io
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from utils.corpus import download
from utils.system.console import run
from utils.system.errors import EnvironmentFailure

PAIRS = "Word 1\tWord 2\tHuman (mean)\n" + "tiger\tcat\t7.35\n" * 353
MEN = "sun sunlight 50.000000\n" * 3000
RARE = "squishing\tsquirt\t5.88\t5\t7\n" * 2034
QUESTIONS = b": family\nboy girl he she\n"


def zipped(name, text):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr(name, text)
        archive.writestr("instructions.txt", "not wanted")
    return data.getvalue()


class Answer(BaseHTTPRequestHandler):
    """Sends what the server's `files` have, else 404."""

    def do_GET(self):
        data = self.server.files.get(self.path)
        self.send_response(200 if data is not None else 404)
        self.send_header("Content-Length", str(len(data or b"")))
        self.end_headers()
        self.wfile.write(data or b"")

    def log_message(self, *_):
        pass


@pytest.fixture
def files(monkeypatch):
    """The files of a local server, path to bytes; the data sets are fetched there, with digests of these files."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    server.files = {
        "/WordSim-353": zipped("combined.tab", PAIRS),
        "/SimLex-999": zipped("SimLex-999/SimLex-999.txt", "word1\tword2\tPOS\tSimLex999\n" + "a\tb\tN\t1\n" * 999),
        "/MEN": zipped("MEN/MEN_dataset_natural_form_full", MEN),
        "/Rare": zipped("rw/rw.txt", RARE),
        "/Google": QUESTIONS,
    }
    known = {"questions-words.txt": QUESTIONS, "MEN_dataset_natural_form_full": MEN.encode()}
    digests = {name: hashlib.sha256(data).hexdigest() for name, data in known.items()}
    sets = [
        dataclasses.replace(
            data_set,
            url=f"http://127.0.0.1:{server.server_port}/{data_set.title.split()[0]}",
            files={name: digests.get(name, wanted) for name, wanted in data_set.files.items()},
        )
        for data_set in download.EVALUATION_SETS
    ]
    monkeypatch.setattr(download, "EVALUATION_SETS", sets)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server.files
    server.shutdown()
    thread.join()
    server.server_close()


def installed(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


ALL = {
    "wordsim353/combined.tab",
    "SimLex-999/SimLex-999.txt",
    "MEN/MEN_dataset_natural_form_full",
    "rw/rw.txt",
    "questions-words/questions-words.txt",
}


def test_all_sets_are_installed_each_in_its_folder(files, tmp_path, capsys):
    assert download.main(["evaluation", "--dest", str(tmp_path / "sets")]) == 0
    assert installed(tmp_path / "sets") == ALL
    assert (tmp_path / "sets" / "questions-words" / "questions-words.txt").read_bytes() == QUESTIONS
    assert capsys.readouterr().out.count("verified, in") == 5
    files.clear()  # what is there is not fetched again
    assert download.main(["evaluation", "--dest", str(tmp_path / "sets")]) == 0
    assert capsys.readouterr().out.count("already there and verified") == 5


def test_they_go_where_evaluate_looks_by_default(files, tmp_path, monkeypatch):
    monkeypatch.setattr(download, "EVALUATION_FOLDER", tmp_path / "default")
    assert download.main(["evaluation", "--quiet"]) == 0
    assert installed(tmp_path / "default") == ALL


@pytest.mark.parametrize(
    "path, sent, message",
    [
        ("/WordSim-353", None, "404"),
        ("/WordSim-353", zipped("combined.tab", PAIRS + "one\tmore\t1\n"), "combined.tab has 355 entries, wanted 354"),
        ("/WordSim-353", PAIRS.encode(), "cannot be unpacked"),
        ("/MEN", zipped("MEN/MEN_dataset_natural_form_full", MEN + "a b 1\n"), "_full has sha256"),
        ("/Rare", zipped("rw/rw.txt", RARE + "a\tb\t1\n"), "rw.txt has 2,035 entries, wanted 2,034"),
        ("/Google", QUESTIONS + b"too much", "questions-words.txt has sha256"),
        ("/Google", b"x" * 1_000_001, "more than the expected 1,000,000 bytes"),
    ],
)
def test_a_set_that_fails_is_named_and_the_others_are_installed(files, tmp_path, path, sent, message):
    files[path] = sent
    with pytest.raises(EnvironmentFailure, match="--sets DIR") as caught:
        download.install_evaluation(tmp_path, quiet=True)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    folders = {"/WordSim-353": "wordsim353", "/MEN": "MEN", "/Rare": "rw", "/Google": "questions-words"}
    assert installed(tmp_path) == {name for name in ALL if not name.startswith(folders[path])}
    assert not (tmp_path / folders[path]).exists()


def test_all_failures_are_reported_together_and_the_remedy_once(files, tmp_path):
    files.clear()
    with pytest.raises(EnvironmentFailure, match="--sets DIR") as caught:
        download.install_evaluation(tmp_path, quiet=True)
    assert str(caught.value).count("404") == 5
    assert str(caught.value).count("--sets DIR") == 1
    assert list(tmp_path.iterdir()) == []


def test_other_files_in_a_folder_of_a_set_are_left_alone(files, tmp_path):
    (tmp_path / "wordsim353").mkdir()
    (tmp_path / "wordsim353" / "thesis.txt").write_text("mine", encoding="utf-8")
    download.install_evaluation(tmp_path, quiet=True)
    assert installed(tmp_path) == {*ALL, "wordsim353/thesis.txt"}
    assert (tmp_path / "wordsim353" / "thesis.txt").read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize("option", ["--zip", "--url"])
def test_options_of_the_treebank_are_refused(option, tmp_path, capsys):
    with pytest.raises(SystemExit) as leaving:
        run(download.main, ["evaluation", option, "x", "--dest", str(tmp_path)])
    assert leaving.value.code == 2
    assert "evaluate.py" in capsys.readouterr().err


def test_the_published_questions_are_known_by_their_digest(reference_folder):
    questions = next(data_set for data_set in download.EVALUATION_SETS if not data_set.zipped)
    assert download.verify(reference_folder, questions) == []


def test_the_published_pairs_of_men_are_known_by_their_digest(reference_folder, tmp_path):
    """The copy has tabs and a comment where the published file has spaces; it is the same text otherwise."""
    lines = (reference_folder / "men.txt").read_text(encoding="utf-8").replace("\t", " ").splitlines(keepends=True)
    published = "".join(line for line in lines if not line.startswith("#"))
    (tmp_path / "MEN_dataset_natural_form_full").write_bytes(published.encode())
    men = next(data_set for data_set in download.EVALUATION_SETS if data_set.title == "MEN")
    assert download.verify(tmp_path, men) == []
