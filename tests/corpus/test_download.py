"""utils/corpus/download.py and get_datasets.sh: a data set is installed whole and verified, or not at all."""

import contextlib
import dataclasses
import io
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from zips import FILES, TINY, good_members, leaving_nothing, make_zip, put_damaged, tree

from utils.corpus import download
from utils.corpus.published import EVALUATION_SETS, TEXT8, TREEBANK
from utils.system.console import run
from utils.system.errors import EnvironmentFailure, InputError
from utils.system.paths import PROJECT

REAL_ZIP = os.environ.get("SST_ZIP")
SCRIPTS = ["get_datasets.sh", "collect_submission.sh"]
needs_sh = pytest.mark.skipif(shutil.which("sh") is None, reason="there is no POSIX shell here")


@pytest.fixture
def good_zip(tmp_path):
    return make_zip(tmp_path / "good.zip", *good_members())


@pytest.fixture
def whole(tmp_path):
    """A folder that holds the tiny treebank."""
    (tmp_path / "whole").mkdir()
    for name, data in FILES.items():
        (tmp_path / "whole" / name).write_bytes(data)
    return tmp_path / "whole"


# What is published


def test_each_data_set_has_its_folder_a_limit_terms_and_digests_or_numbers_of_lines():
    sets = (TREEBANK, TEXT8, *EVALUATION_SETS)
    assert len({data_set.folder for data_set in sets}) == len(sets)
    for data_set in sets:
        assert data_set.folder.is_relative_to(PROJECT / "utils" / "datasets")
        assert data_set.url.startswith(("http://", "https://"))
        assert data_set.terms
        assert 0 < data_set.most_bytes <= 100_000_000
        for wanted in data_set.files.values():
            assert isinstance(wanted, int) or re.fullmatch("[0-9a-f]{64}", wanted)
    assert len(TREEBANK.files) == 8
    assert TEXT8.folder / "text8" == PROJECT / "utils" / "datasets" / "text8" / "text8"


@pytest.mark.skipif(REAL_ZIP is None, reason="SST_ZIP does not name a copy of the treebank's zip")
def test_the_real_zip_is_installed_and_known_again(tmp_path, capsys):
    destination = download.install(tmp_path / "new" / "treebank", REAL_ZIP)
    assert download.verify(destination) == []
    assert {path.name for path in destination.iterdir()} == TREEBANK.files.keys()
    sentences = (destination / "datasetSentences.txt").read_text(encoding="utf-8")
    assert sentences.splitlines()[0] == "sentence_index\tsentence"
    assert "8 files, verified" in capsys.readouterr().out
    download.install(destination, REAL_ZIP)
    assert "already there and verified" in capsys.readouterr().out


# Verifying


def test_verify_accepts_what_was_published_and_ignores_other_files(whole):
    (whole / "notes.txt").write_text("mine", encoding="utf-8")
    assert download.verify(whole, TINY) == []


@pytest.mark.parametrize(
    ("name", "data", "problem"),
    [
        ("labels.txt", None, "labels.txt is missing"),
        ("labels.txt", b"other", "labels.txt has sha256 d9298a10d1b07358..., wanted "),
        ("labels.txt", b"", "labels.txt has sha256 e3b0c44298fc1c14..., wanted "),
        ("phrases.txt", b"a|0\nb|1\n", "phrases.txt has 2 entries, wanted 3"),
        ("phrases.txt", b"a|0\nb|1\nc|2\nd|3", "phrases.txt has 4 entries, wanted 3"),
        ("phrases.txt", b"", "phrases.txt has 0 entries, wanted 3"),
    ],
)
def test_verify_names_the_file_and_what_was_got_and_wanted(whole, name, data, problem):
    (whole / name).unlink() if data is None else (whole / name).write_bytes(data)
    problems = download.verify(whole, TINY)
    assert len(problems) == 1
    assert problems[0].startswith(problem)


def test_an_entry_is_a_line_and_a_last_one_without_its_end_counts(whole):
    (whole / "phrases.txt").write_bytes("a\u2028b\x0b|0\rx\nb|1\nc|2".encode())
    assert download.verify(whole, TINY) == []


def test_verify_of_what_cannot_be_read_and_of_a_folder_that_does_not_exist(tmp_path, whole, good_zip):
    assert download.verify(tmp_path / "none", TINY) == [f"{name} is missing" for name in sorted(FILES)]
    assert download.verify(good_zip / "below a file", TINY) == [f"{name} is missing" for name in sorted(FILES)]
    (whole / "labels.txt").unlink()
    (whole / "labels.txt").mkdir()
    with pytest.raises(EnvironmentFailure, match="cannot read .*labels.txt: "):
        download.verify(whole, TINY)
    with leaving_nothing(tmp_path), pytest.raises(EnvironmentFailure, match="cannot read .*labels.txt: "):
        download.install(whole, good_zip, data_set=TINY)


# A server on this machine


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        body = self.server.body
        if self.path == "/missing.zip":
            self.send_error(404)
            return
        self.send_response(200)
        if self.path not in ("/unannounced.zip", "/endless.zip"):
            self.send_header("Content-Length", str(len(body) + (100 if self.path == "/short.zip" else 0)))
        self.end_headers()
        if self.path == "/stalled.zip":
            self.wfile.write(body[:20])
            self.server.asked.set()
            self.server.over.wait(20)
            return
        with contextlib.suppress(ConnectionError):  # the other side has had enough
            while self.wfile.write(body) and self.path == "/endless.zip":
                pass

    def log_message(self, *args):
        pass


@pytest.fixture
def server(good_zip, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.body, server.asked, server.over = good_zip.read_bytes(), threading.Event(), threading.Event()
    server.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.over.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def refusing_url():
    with socket.socket() as free:  # bound but not listening: nobody else gets the port, and nobody answers
        free.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{free.getsockname()[1]}/x.zip"


@pytest.mark.parametrize("name", ["good.zip", "unannounced.zip"])
def test_fetch_brings_every_byte(server, name):
    server.body = os.urandom(3 * download.PIECE + 5)
    assert download.fetch(f"{server.url}/{name}", 1_000_000) == server.body


@pytest.mark.parametrize("name", ["good.zip", "unannounced.zip"])
def test_the_limit_is_the_last_size_that_is_taken(server, name):
    server.body = bytes(1_000)
    assert download.fetch(f"{server.url}/{name}", 1_000) == server.body
    with pytest.raises(EnvironmentFailure, match="more than the expected 999 bytes"):
        download.fetch(f"{server.url}/{name}", 999)


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("missing.zip", "the server answers 404 Not Found"),
        ("short.zip", r"the connection ended after \d+ of \d+ bytes"),
        ("stalled.zip", "no answer within 0.2 s"),
        ("endless.zip", "more than the expected 10,000 bytes"),
    ],
)
def test_a_failed_fetch_says_why(server, monkeypatch, name, complaint):
    monkeypatch.setattr(download, "TIMEOUT", 0.2)
    with pytest.raises(EnvironmentFailure, match=complaint) as caught:
        download.fetch(f"{server.url}/{name}", most_bytes=10_000)
    assert f"{server.url}/{name}" in str(caught.value)


def test_a_refused_connection_is_a_failed_download(server, refusing_url):
    with pytest.raises(EnvironmentFailure, match="refused") as caught:
        download.fetch(refusing_url, 10_000)
    assert "urlopen" not in str(caught.value)  # the reason itself, not its wrapping


@pytest.mark.parametrize("url", ["", "x.zip", "file:///etc/passwd", "ftp://host/x", "http://[bad/x", "http://h:port/x"])
def test_what_is_not_a_web_address_is_the_users_mistake(url):
    with pytest.raises(InputError, match="not a web address"):
        download.fetch(url, 10_000)


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_the_progress_is_one_line_on_a_terminal_and_nothing_elsewhere(server, monkeypatch, capsys):
    server.body = bytes(2_500_000)
    download.fetch(f"{server.url}/good.zip", 3_000_000)
    assert capsys.readouterr() == ("", "")
    monkeypatch.setattr(sys, "stderr", Terminal())
    download.fetch(f"{server.url}/good.zip", 3_000_000, quiet=True)
    assert sys.stderr.getvalue() == ""
    download.fetch(f"{server.url}/good.zip", 3_000_000)
    drawn = sys.stderr.getvalue()
    assert drawn.startswith("\r")
    assert drawn.count("\n") == 1
    assert drawn.endswith("\n")
    assert "2.5 of 2.5 MB, 100 %, " in drawn.split("\r")[-1]


def test_a_failed_download_ends_the_progress_line(server, monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    with pytest.raises(EnvironmentFailure):
        download.fetch(f"{server.url}/short.zip", 10_000)
    assert sys.stderr.getvalue().endswith("\n")


@pytest.mark.parametrize(
    ("done", "total", "seconds", "line"),
    [
        (3_070_000, 6_140_000, 2.0, "3.1 of 6.1 MB, 50 %, 1.5 MB/s"),
        (6_139_999, 6_140_000, 2.0, "6.1 of 6.1 MB, 99 %, 3.1 MB/s"),
        (500_000, None, 1.0, "0.5 MB, 0.5 MB/s"),
        (0, 10, 0.0, "0.0 of 0.0 MB, 0 %, 0.0 MB/s"),
    ],
)
def test_progress_line(done, total, seconds, line):
    assert download._progress_line(done, total, seconds) == line


# Installing


def test_install_makes_the_folder_from_the_network(tmp_path, server, capsys):
    destination = tmp_path / "a" / "b" / "treebank"
    assert download.install(destination, url=f"{server.url}/good.zip", data_set=TINY) == destination
    assert tree(tmp_path / "a") == {"b": None, "b/treebank": None, **{f"b/treebank/{k}": v for k, v in FILES.items()}}
    out = capsys.readouterr().out
    assert "3 files, verified" in out
    assert "terms: free" in out


def test_a_second_install_does_nothing_and_needs_no_network(tmp_path, good_zip, refusing_url, capsys):
    download.install(tmp_path / "treebank", good_zip, data_set=TINY)
    stamp = (tmp_path / "treebank" / "labels.txt").stat()
    capsys.readouterr()
    with leaving_nothing(tmp_path):
        download.install(tmp_path / "treebank", url=refusing_url, data_set=TINY)
    assert (tmp_path / "treebank" / "labels.txt").stat() == stamp
    assert "already there and verified" in capsys.readouterr().out


def test_quiet_prints_nothing(tmp_path, good_zip, server, capsys):
    put_damaged(tmp_path / "treebank")
    download.install(tmp_path / "treebank", url=f"{server.url}/good.zip", quiet=True, data_set=TINY)
    download.install(tmp_path / "treebank", good_zip, quiet=True, data_set=TINY)
    assert capsys.readouterr() == ("", "")


def test_an_empty_folder_is_filled_without_mention_of_damage(tmp_path, good_zip, capsys):
    (tmp_path / "treebank").mkdir()
    download.install(tmp_path / "treebank", good_zip, data_set=TINY)
    assert tree(tmp_path / "treebank") == FILES
    assert "damaged" not in capsys.readouterr().out


def test_a_damaged_folder_is_repaired_with_a_message(tmp_path, good_zip, capsys):
    put_damaged(tmp_path / "treebank")
    download.install(tmp_path / "treebank", good_zip, data_set=TINY)
    assert tree(tmp_path) == {
        "good.zip": good_zip.read_bytes(),
        "treebank": None,
        **{f"treebank/{name}": data for name, data in FILES.items()},
    }
    out = capsys.readouterr().out
    assert "incomplete or damaged" in out
    assert "sentences.txt is missing" in out


@pytest.mark.parametrize("damaged", [False, True])
def test_other_files_in_the_folder_are_left_alone(tmp_path, good_zip, damaged):
    if damaged:
        put_damaged(tmp_path / "treebank")
    else:
        download.install(tmp_path / "treebank", good_zip, data_set=TINY)
    (tmp_path / "treebank" / "thesis.tex").write_text("years", encoding="utf-8")
    download.install(tmp_path / "treebank", good_zip, data_set=TINY)
    assert tree(tmp_path / "treebank") == {**FILES, "thesis.tex": b"years"}


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path, good_zip):
    with leaving_nothing(tmp_path), pytest.raises(InputError, match="is a file"):
        download.install(good_zip, good_zip, data_set=TINY)


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege on Windows")
def test_the_folder_that_a_link_leads_to_is_repaired_and_the_link_stays(tmp_path, good_zip):
    (tmp_path / "disk").mkdir()
    put_damaged(tmp_path / "disk" / "treebank")
    (tmp_path / "link").symlink_to(tmp_path / "disk" / "treebank")
    download.install(tmp_path / "link", good_zip, data_set=TINY)
    assert (tmp_path / "link").is_symlink()
    assert tree(tmp_path / "disk" / "treebank") == FILES


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        ({"sentences": b"other"}, "sentences.txt has sha256"),
        ({"sentences": None}, "sentences.txt is missing"),
        ({"phrases": b"a|0\n"}, "phrases.txt has 1 entries, wanted 3"),
    ],
)
@pytest.mark.parametrize("damaged_before", [False, True])
def test_the_files_of_another_zip_are_not_installed(tmp_path, server, damaged_before, changed, complaint):
    if damaged_before:
        put_damaged(tmp_path / "treebank")
    other = make_zip(tmp_path / "other.zip", *good_members(**changed))
    server.body = other.read_bytes()
    with leaving_nothing(tmp_path):
        with pytest.raises(InputError, match=f"other.zip is not the Tiny Treebank as published: {complaint}"):
            download.install(tmp_path / "treebank", other, data_set=TINY)
        with pytest.raises(EnvironmentFailure, match=f"the file from http.* is not .*{complaint}"):
            download.install(tmp_path / "treebank", url=f"{server.url}/x.zip", data_set=TINY)


@pytest.mark.parametrize("name", ["missing.zip", "short.zip", "endless.zip", "page.html"])
def test_a_failed_download_leaves_no_folder_and_names_the_remedies_in_one_line(tmp_path, server, name):
    if name == "page.html":
        server.body = b"<html>Please log in to this network</html>"
    with leaving_nothing(tmp_path), pytest.raises(EnvironmentFailure) as caught:
        download.install(tmp_path / "a" / "b" / "treebank", url=f"{server.url}/{name}", data_set=TINY)
    assert "SST_ZIP=FILE" in str(caught.value)
    assert "--sample" in str(caught.value)
    assert "\n" not in str(caught.value)


def failing(function, error):
    """Do what `function` does, then raise `error`."""

    def fail(*args, **keywords):
        function(*args, **keywords)
        raise error

    return fail


@pytest.mark.parametrize("damaged_before", [False, True])
@pytest.mark.parametrize("moment", ["fetch", "read_members", "make_folder"])
def test_an_interruption_leaves_nothing(tmp_path, server, monkeypatch, moment, damaged_before):
    folder = tmp_path / "a" / "b"
    if damaged_before:
        folder.parent.mkdir()
        put_damaged(folder)
    monkeypatch.setattr(download, moment, failing(getattr(download, moment), KeyboardInterrupt))
    with leaving_nothing(tmp_path), pytest.raises(KeyboardInterrupt):
        download.install(folder, url=f"{server.url}/good.zip", data_set=TINY)
    monkeypatch.undo()
    download.install(folder, url=f"{server.url}/good.zip", data_set=TINY)
    assert tree(folder) == FILES


@pytest.mark.parametrize(
    ("error", "raised"),
    [(KeyboardInterrupt(), KeyboardInterrupt), (OSError(28, "No space left on device"), EnvironmentFailure)],
)
@pytest.mark.parametrize("move", [1, 2, 3])
def test_a_failure_between_the_moves_leaves_no_new_file_and_no_temporary_one(
    tmp_path, good_zip, monkeypatch, error, raised, move
):
    replace, moves = Path.replace, []

    def stopping(path, target):
        moves.append(target)
        if len(moves) == move:
            raise error
        return replace(path, target)

    put_damaged(tmp_path / "damaged")
    monkeypatch.setattr(Path, "replace", stopping)
    with leaving_nothing(tmp_path), pytest.raises(raised):
        download.install(tmp_path / "a" / "treebank", good_zip, data_set=TINY)
    moves.clear()
    with pytest.raises(raised):
        download.install(tmp_path / "damaged", good_zip, data_set=TINY)
    left = tree(tmp_path / "damaged")  # a damaged file may have been replaced by the verified one
    assert left.keys() <= FILES.keys()
    assert left["labels.txt"] in (FILES["labels.txt"], FILES["labels.txt"][:-3])
    monkeypatch.undo()
    download.install(tmp_path / "damaged", good_zip, data_set=TINY)
    assert tree(tmp_path / "damaged") == FILES


# The command line


def outcome(capsys, *arguments):
    """Run the command as a shell would; return its status, what it printed and what it complained of."""
    with pytest.raises(SystemExit) as caught:
        run(download.main, [str(argument) for argument in arguments])
    return caught.value.code, *capsys.readouterr()


@pytest.fixture
def tiny(monkeypatch):
    """Put tiny data sets in place of the treebank and text8."""
    text8 = {"title": "tiny text8", "remedy": "use TEXT8_ZIP=FILE", "variable": "TEXT8_ZIP"}
    monkeypatch.setattr(download, "TREEBANK", TINY)
    monkeypatch.setattr(download, "TEXT8", dataclasses.replace(TINY, **text8))
    for name in ("SST_ZIP", "TEXT8_ZIP"):
        monkeypatch.delenv(name, raising=False)


def test_the_option_zip_wins_over_the_variable_and_both_over_the_network(tmp_path, good_zip, tiny, monkeypatch, capsys):
    monkeypatch.setenv("SST_ZIP", str(tmp_path / "no such.zip"))
    status, _, err = outcome(capsys, "--dest", tmp_path / "treebank")
    assert (status, "no such.zip" in err) == (2, True)
    assert outcome(capsys, "--dest", tmp_path / "treebank", "--zip", good_zip)[0] == 0
    monkeypatch.setenv("SST_ZIP", str(good_zip))
    assert outcome(capsys, "--dest", tmp_path / "second")[0] == 0
    assert tree(tmp_path / "treebank") == tree(tmp_path / "second") == FILES


def test_the_option_url_wins_over_the_variable(tmp_path, tiny, server, monkeypatch, capsys):
    monkeypatch.setenv("SST_ZIP", str(tmp_path / "no such.zip"))
    assert outcome(capsys, "--dest", tmp_path / "treebank", "--url", f"{server.url}/good.zip")[0] == 0
    assert tree(tmp_path / "treebank") == FILES


def test_an_empty_variable_counts_as_unset(tmp_path, tiny, server, monkeypatch, capsys):
    monkeypatch.setattr(download, "TREEBANK", dataclasses.replace(TINY, url=f"{server.url}/good.zip"))
    monkeypatch.setenv("SST_ZIP", "")
    assert outcome(capsys, "--dest", tmp_path / "treebank")[0] == 0
    assert tree(tmp_path / "treebank") == FILES


def test_text8_has_its_own_variable_and_remedy(tmp_path, tiny, server, good_zip, monkeypatch, capsys):
    monkeypatch.setenv("SST_ZIP", str(tmp_path / "no such.zip"))
    monkeypatch.setenv("TEXT8_ZIP", str(good_zip))
    status, out, _ = outcome(capsys, "text8", "--dest", tmp_path / "text8")
    assert (status, "tiny text8: 3 files, verified" in out) == (0, True)
    assert tree(tmp_path / "text8") == FILES
    status, _, err = outcome(capsys, "text8", "--dest", tmp_path / "x", "--url", f"{server.url}/missing.zip")
    assert (status, "TEXT8_ZIP=FILE" in err, "SST_ZIP" in err) == (1, True, False)


def test_text8_goes_to_its_folder_by_default(tmp_path, tiny, good_zip, monkeypatch, capsys):
    text8 = dataclasses.replace(download.TEXT8, folder=tmp_path / "datasets" / "text8")
    monkeypatch.setattr(download, "TEXT8", text8)
    assert outcome(capsys, "text8", "--zip", good_zip)[0] == 0
    assert tree(tmp_path / "datasets" / "text8") == FILES


def test_two_sources_at_once_are_refused(tmp_path, tiny, good_zip, capsys):
    with leaving_nothing(tmp_path):
        status, _, err = outcome(capsys, "--zip", good_zip, "--url", "http://x/y.zip", "--dest", tmp_path / "x")
    assert (status, err.count("\n"), "not allowed with" in err) == (2, 1, True)


def test_the_help_names_every_set_its_terms_and_what_is_placed_by_hand(capsys):
    status, out, _ = outcome(capsys, "--help")
    assert status == 0
    for data_set in (TREEBANK, TEXT8, *EVALUATION_SETS):
        assert f"{data_set.title}: {data_set.url}\n    terms: {data_set.terms}" in out
    assert "MTurk-287" in out and "MSR" in out


def test_the_statuses_of_failure(tmp_path, tiny, server, capsys):
    (tmp_path / "text.zip").write_text("no zip", encoding="utf-8")
    with leaving_nothing(tmp_path):
        bad_copy = outcome(capsys, "--dest", tmp_path / "x", "--zip", tmp_path / "text.zip")
        no_file = outcome(capsys, "--dest", tmp_path / "x", "--url", f"{server.url}/missing.zip")
        bad_url = outcome(capsys, "--dest", tmp_path / "x", "--url", "nowhere")
    assert [bad_copy[0], no_file[0], bad_url[0]] == [2, 1, 2]
    assert [complaint.count("\n") for _, _, complaint in (bad_copy, no_file, bad_url)] == [1, 1, 1]
    assert "404" in no_file[2]


def test_quiet_leaves_the_errors(tmp_path, tiny, good_zip, capsys):
    assert outcome(capsys, "--quiet", "--dest", tmp_path / "treebank", "--zip", good_zip) == (0, "", "")
    assert outcome(capsys, "--quiet", "--dest", tmp_path / "x", "--zip", tmp_path / "none")[2].startswith("error: ")


# As a process of its own, in a copy of the project


@pytest.fixture
def project(tmp_path):
    """The scripts and modules in a folder with a space in its name."""
    project = tmp_path / "a project"
    shutil.copytree(PROJECT / "utils", project / "utils", ignore=shutil.ignore_patterns("datasets", "__pycache__"))
    for script in SCRIPTS:
        shutil.copy(PROJECT / script, project / script)
    return project


def environment(**changed):
    ours = ("PYTHON", "SST_ZIP", "TEXT8_ZIP")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return {**kept, "PYTHONDONTWRITEBYTECODE": "1", **changed}


def shell(script, *arguments, cwd, **variables):
    command = [shutil.which("sh"), str(script), *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, env=environment(**variables), capture_output=True, text=True, timeout=30)


def stub(path, body="exit 0"):
    """A Python that is new enough, and prints what it is asked to do instead of doing it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'#!/bin/sh\n[ "$1" = -c ] && {body}\necho "{path.parent.name} runs $*"\n', encoding="utf-8")
    path.chmod(0o755)
    return path


@needs_sh
@pytest.mark.parametrize("script", SCRIPTS)
def test_the_scripts_take_the_python_named_then_the_project_s_then_any(project, tmp_path, script):
    (tmp_path / "none").mkdir()
    module = {"get_datasets.sh": "utils.corpus.download", "collect_submission.sh": "utils.commands.submission"}[script]

    def ran(**variables):
        return shell(project / script, "--an", "op tion", cwd=tmp_path, **variables)

    nothing = ran(PATH=str(tmp_path / "none"))
    assert (nothing.returncode, nothing.stdout, nothing.stderr.count("\n")) == (1, "", 1)
    assert nothing.stderr.startswith("error: no Python 3.11 or newer found")
    stub(tmp_path / "path" / "python3")
    assert ran(PATH=str(tmp_path / "path")).stdout == f"path runs -m {module} --an op tion\n"
    stub(project / ".venv" / "bin" / "python")
    assert ran(PATH=str(tmp_path / "path")).stdout.startswith("bin runs ")
    named = stub(tmp_path / "named one" / "python")
    assert ran(PATH=str(tmp_path / "path"), PYTHON=str(named)).stdout.startswith("named one runs ")
    old = ran(PATH=str(tmp_path / "path"), PYTHON=str(stub(tmp_path / "old" / "python", "exit 1")))
    assert (old.returncode, old.stdout) == (1, "")
    assert old.stderr == f"error: PYTHON={tmp_path / 'old' / 'python'} is not Python 3.11 or newer\n"


@needs_sh
def test_get_datasets_works_from_any_folder(project, tmp_path):
    """Relative paths start from the caller's folder, and a package `utils` there does not shadow the project's."""
    (tmp_path / "caller" / "utils").mkdir(parents=True)
    for name in ("__init__.py", "download.py"):
        (tmp_path / "caller" / "utils" / name).write_text("raise SystemExit('the wrong utils')", encoding="utf-8")
    (tmp_path / "caller" / "copy.zip").write_text("no zip", encoding="utf-8")
    with leaving_nothing(tmp_path):
        done = shell(project / "get_datasets.sh", cwd=tmp_path / "caller", PYTHON=sys.executable, SST_ZIP="copy.zip")
        beside = shell("get_datasets.sh", cwd=project, PYTHON=sys.executable, SST_ZIP="copy.zip")
    assert (done.returncode, done.stderr) == (
        2,
        "error: copy.zip cannot be unpacked: File is not a zip file; use another copy\n",
    )
    assert (beside.returncode, "there is no such file" in beside.stderr) == (2, True)


@needs_sh
def test_get_datasets_reports_a_failed_download(project, tmp_path, server):
    with leaving_nothing(tmp_path):
        done = shell(
            project / "get_datasets.sh", "--url", f"{server.url}/missing.zip", cwd=tmp_path, PYTHON=sys.executable
        )
    assert done.returncode == 1
    assert "404" in done.stderr
    assert "SST_ZIP=FILE" in done.stderr


@needs_sh
@pytest.mark.skipif(REAL_ZIP is None, reason="SST_ZIP does not name a copy of the treebank's zip")
def test_get_datasets_puts_the_real_zip_into_the_project_it_lies_in(project, tmp_path):
    real = str(Path(REAL_ZIP).resolve())
    first = shell(project / "get_datasets.sh", cwd=tmp_path, PYTHON=sys.executable, SST_ZIP=real)
    again = shell(project / "get_datasets.sh", cwd=tmp_path, PYTHON=sys.executable)
    assert (first.returncode, again.returncode) == (0, 0)
    assert "already there and verified" in again.stdout
    assert download.verify(project / "utils" / "datasets" / "stanfordSentimentTreebank") == []


def test_it_runs_on_the_standard_library_alone(project):
    command = [sys.executable, "-S", "-m", "utils.corpus.download", "--help"]  # -S: no site-packages
    done = subprocess.run(command, cwd=project, env=environment(), capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stderr) == (0, "")
    assert "--dest DIR" in done.stdout


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGKILL"])
def test_a_kill_in_the_middle_of_the_download_leaves_nothing(project, tmp_path, server, name):
    number = getattr(signal, name)
    if signal.getsignal(number) is signal.SIG_IGN:
        pytest.skip(f"{name} is ignored here, as `nohup` does, and by every process started from here")
    with leaving_nothing(tmp_path):
        command = [sys.executable, "-m", "utils.corpus.download", "--url", f"{server.url}/stalled.zip"]
        command += ["--dest", str(tmp_path / "new" / "treebank")]
        process = subprocess.Popen(command, cwd=project, env=environment(), stderr=subprocess.PIPE)
        assert server.asked.wait(20)
        process.send_signal(number)
        complaint = process.communicate(timeout=20)[1]
    assert (process.returncode, complaint) == ((-number, b"") if name == "SIGKILL" else (128 + number, b"stopped\n"))
