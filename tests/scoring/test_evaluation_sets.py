"""Fetching the evaluation sets: from a server of our own, each by itself, verified, or not at all."""

import dataclasses
import hashlib
import io
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from utils.corpus import download
from utils.system.console import run
from utils.system.errors import EnvironmentFailure, InputError

PAIRS = "Word 1\tWord 2\tHuman (mean)\n" + "tiger\tcat\t7.35\n" * 353
QUESTIONS = b": family\nboy girl he she\n"


def zipped(name, text):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr(name, text)
        archive.writestr("instructions.txt", "not ours")
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
    """What a server has, path to bytes; the data sets' addresses are turned to it, and the questions are tiny."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    server.files = {
        "/WordSim-353": zipped("combined.tab", PAIRS),
        "/SimLex-999": zipped("SimLex-999/SimLex-999.txt", "word1\tword2\tPOS\tSimLex999\n" + "a\tb\tN\t1\n" * 999),
        "/Google": QUESTIONS,
    }
    sets = [
        dataclasses.replace(
            data_set,
            url=f"http://127.0.0.1:{server.server_port}/{data_set.title.split()[0]}",
            digests={name: hashlib.sha256(QUESTIONS).hexdigest() for name in data_set.digests},
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


ALL = {"wordsim353/combined.tab", "SimLex-999/SimLex-999.txt", "questions-words/questions-words.txt"}


def test_all_sets_are_installed_each_in_its_folder(files, tmp_path, capsys):
    assert download.main(["evaluation", "--dest", str(tmp_path / "sets")]) == 0
    assert installed(tmp_path / "sets") == ALL
    assert (tmp_path / "sets" / "questions-words" / "questions-words.txt").read_bytes() == QUESTIONS
    assert capsys.readouterr().out.count("verified, in") == 3
    files.clear()  # what is there is not fetched again
    assert download.main(["evaluation", "--dest", str(tmp_path / "sets")]) == 0
    assert capsys.readouterr().out.count("already there and verified") == 3


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
        ("/Google", QUESTIONS + b"too much", "questions-words.txt has sha256"),
        ("/Google", b"x" * 1_000_001, "more than the 1,000,000 bytes it may come to"),
    ],
)
def test_a_set_that_fails_is_told_and_the_others_are_there(files, tmp_path, path, sent, message):
    files[path] = sent
    with pytest.raises(EnvironmentFailure, match="--sets DIR") as caught:
        download.install_evaluation(tmp_path, quiet=True)
    assert message in str(caught.value)
    assert len(installed(tmp_path)) == 2
    failed = "wordsim353" if path == "/WordSim-353" else "questions-words"
    assert not (tmp_path / failed).exists()


def test_a_folder_of_somebody_elses_is_not_replaced(files, tmp_path):
    (tmp_path / "wordsim353").mkdir()
    (tmp_path / "wordsim353" / "thesis.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(InputError, match="thesis.txt"):
        download.install_evaluation(tmp_path, quiet=True)
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
