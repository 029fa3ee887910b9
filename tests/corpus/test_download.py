"""utils/corpus/download.py and get_datasets.sh: a data set is there whole and verified, or nothing is."""

import contextlib
import io
import os
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
from utils.system.console import run
from utils.system.errors import EnvironmentFailure, InputError
from utils.system.paths import PROJECT

REAL_ZIP = os.environ.get("SST_ZIP")
SCRIPTS = ["get_datasets.sh", "collect_submission.sh"]
needs_sh = pytest.mark.skipif(shutil.which("sh") is None, reason="there is no POSIX shell here")


@pytest.fixture
def good_zip(tmp_path):
    return make_zip(tmp_path / "good.zip", *good_members())


# The published treebank


def test_the_table_describes_eight_files_and_the_folder_beside_the_code():
    assert len(download.TREEBANK.names) == 8
    assert {len(digest) for digest in download.TREEBANK.digests.values()} == {64}
    assert download.TREEBANK.folder == PROJECT / "utils" / "datasets" / "stanfordSentimentTreebank"


@pytest.mark.skipif(REAL_ZIP is None, reason="SST_ZIP does not name a copy of the treebank's zip")
def test_the_real_zip_is_installed_and_known_again(tmp_path, capsys):
    destination = download.install(tmp_path / "new" / "treebank", REAL_ZIP)
    assert download.verify(destination) == []
    assert {path.name for path in destination.iterdir()} == download.TREEBANK.names
    sentences = (destination / "datasetSentences.txt").read_text(encoding="utf-8")
    assert sentences.splitlines()[0] == "sentence_index\tsentence"
    assert "8 files, verified" in capsys.readouterr().out
    download.install(destination, REAL_ZIP)
    assert "already there and verified" in capsys.readouterr().out


# Verifying


def test_verify_is_content_with_what_was_published_and_ignores_other_files(tmp_path, good_zip):
    download.unpack(good_zip, tmp_path / "out", TINY)
    (tmp_path / "out" / "notes.txt").write_text("mine", encoding="utf-8")
    assert download.verify(tmp_path / "out", TINY) == []


@pytest.mark.parametrize(
    ("name", "data", "problem"),
    [
        ("labels.txt", None, "labels.txt is missing"),
        ("labels.txt", b"other", "labels.txt has sha256 d9298a10d1b07358..., wanted "),
        ("phrases.txt", b"a|0\nb|1\n", "phrases.txt has 2 entries, wanted 3"),
        ("phrases.txt", b"a|0\nb|1\nc|2\nd|3", "phrases.txt has 4 entries, wanted 3"),
    ],
)
def test_verify_names_the_file_and_what_was_got_and_wanted(tmp_path, good_zip, name, data, problem):
    download.unpack(good_zip, tmp_path, TINY)
    (tmp_path / name).unlink() if data is None else (tmp_path / name).write_bytes(data)
    problems = download.verify(tmp_path, TINY)
    assert len(problems) == 1
    assert problems[0].startswith(problem)


def test_an_entry_is_a_line_and_a_last_one_without_its_end_counts(tmp_path, good_zip):
    download.unpack(good_zip, tmp_path, TINY)
    (tmp_path / "phrases.txt").write_bytes("a\u2028b\x0b|0\rx\nb|1\nc|2".encode())
    assert download.verify(tmp_path, TINY) == []


def test_verify_reports_what_cannot_be_read_and_a_folder_that_is_not_there(tmp_path, good_zip):
    download.unpack(good_zip, tmp_path / "out", TINY)
    (tmp_path / "out" / "labels.txt").unlink()
    (tmp_path / "out" / "labels.txt").mkdir()
    [problem] = download.verify(tmp_path / "out", TINY)
    assert problem.startswith("labels.txt cannot be read: ")
    assert download.verify(tmp_path / "none", TINY) == [f"{name} is missing" for name in sorted(FILES)]


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
def test_fetch_brings_every_byte(tmp_path, server, name):
    server.body = os.urandom(3 * download.PIECE + 5)
    download.fetch(f"{server.url}/{name}", tmp_path / "x.zip")
    assert (tmp_path / "x.zip").read_bytes() == server.body


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("missing.zip", "the server answers 404 Not Found"),
        ("short.zip", r"the connection ended after \d+ of \d+ bytes"),
        ("stalled.zip", "no answer within 0.2 s"),
        ("endless.zip", "more than the 10,000 bytes it may come to"),
    ],
)
def test_a_failed_fetch_says_why_and_leaves_nothing(tmp_path, server, monkeypatch, name, complaint):
    monkeypatch.setattr(download, "TIMEOUT", 0.2)
    with leaving_nothing(tmp_path), pytest.raises(EnvironmentFailure, match=complaint) as caught:
        download.fetch(f"{server.url}/{name}", tmp_path / "x.zip", most_bytes=10_000)
    assert f"{server.url}/{name}" in str(caught.value)


def test_a_refused_connection_is_a_failed_download(tmp_path, server, refusing_url):
    with leaving_nothing(tmp_path), pytest.raises(EnvironmentFailure, match="refused") as caught:
        download.fetch(refusing_url, tmp_path / "x.zip")
    assert "urlopen" not in str(caught.value)  # the reason itself, not its wrapping


@pytest.mark.parametrize("url", ["", "x.zip", "file:///etc/passwd", "ftp://host/x", "http://[bad/x", "http://h:port/x"])
def test_what_is_no_web_address_is_the_giver_s_mistake(tmp_path, url):
    with leaving_nothing(tmp_path), pytest.raises(InputError, match="no web address"):
        download.fetch(url, tmp_path / "x.zip")


def test_a_file_that_cannot_be_written_is_told_from_a_failed_network(tmp_path, server):
    with pytest.raises(EnvironmentFailure, match="cannot write") as caught:
        download.fetch(f"{server.url}/good.zip", tmp_path / "no such folder" / "x.zip")
    assert not isinstance(caught.value, download.DownloadFailure)


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_the_progress_is_one_line_on_a_terminal_and_nothing_elsewhere(tmp_path, server, monkeypatch, capsys):
    server.body = bytes(2_500_000)
    download.fetch(f"{server.url}/good.zip", tmp_path / "x.zip")
    assert capsys.readouterr() == ("", "")
    monkeypatch.setattr(sys, "stderr", Terminal())
    download.fetch(f"{server.url}/good.zip", tmp_path / "x.zip", quiet=True)
    assert sys.stderr.getvalue() == ""
    download.fetch(f"{server.url}/good.zip", tmp_path / "x.zip")
    drawn = sys.stderr.getvalue()
    assert drawn.startswith("\r")
    assert drawn.count("\n") == 1
    assert drawn.endswith("\n")
    assert "2.5 of 2.5 MB, 100 %, " in drawn.split("\r")[-1]


def test_a_failed_download_ends_the_progress_line(tmp_path, server, monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    with pytest.raises(EnvironmentFailure):
        download.fetch(f"{server.url}/short.zip", tmp_path / "x.zip")
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
    assert "3 files, verified" in capsys.readouterr().out


def test_a_second_install_does_nothing_and_asks_nobody(tmp_path, good_zip, refusing_url, capsys):
    download.install(tmp_path / "treebank", good_zip, data_set=TINY)
    stamp = (tmp_path / "treebank").stat()
    capsys.readouterr()
    with leaving_nothing(tmp_path):
        download.install(tmp_path / "treebank", url=refusing_url, data_set=TINY)
    assert (tmp_path / "treebank").stat().st_ino == stamp.st_ino
    assert "already there and verified" in capsys.readouterr().out


def test_quiet_prints_nothing(tmp_path, good_zip, server, capsys):
    put_damaged(tmp_path / "treebank")
    download.install(tmp_path / "treebank", url=f"{server.url}/good.zip", quiet=True, data_set=TINY)
    download.install(tmp_path / "treebank", good_zip, quiet=True, data_set=TINY)
    assert capsys.readouterr() == ("", "")


def test_an_empty_folder_is_filled_without_a_word_of_damage(tmp_path, good_zip, capsys):
    (tmp_path / "treebank").mkdir()
    download.install(tmp_path / "treebank", good_zip, data_set=TINY)
    assert tree(tmp_path / "treebank") == FILES
    assert "damaged" not in capsys.readouterr().out


def test_a_damaged_folder_is_replaced_and_that_is_said(tmp_path, good_zip, capsys):
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


def test_a_folder_with_other_files_in_it_is_not_thrown_away(tmp_path, good_zip):
    put_damaged(tmp_path / "treebank")
    (tmp_path / "treebank" / "thesis.tex").write_text("years", encoding="utf-8")
    with leaving_nothing(tmp_path), pytest.raises(InputError, match="thesis.tex"):
        download.install(tmp_path / "treebank", good_zip, data_set=TINY)


def test_other_files_beside_a_whole_treebank_do_not_matter(tmp_path, good_zip, capsys):
    download.install(tmp_path / "treebank", good_zip, data_set=TINY)
    (tmp_path / "treebank" / "thesis.tex").write_text("years", encoding="utf-8")
    with leaving_nothing(tmp_path):
        download.install(tmp_path / "treebank", good_zip, data_set=TINY)
    assert "already there and verified" in capsys.readouterr().out


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path, good_zip):
    with leaving_nothing(tmp_path), pytest.raises(InputError, match="is a file"):
        download.install(good_zip, good_zip, data_set=TINY)


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege on Windows")
def test_what_a_link_leads_to_is_replaced_and_the_link_stays(tmp_path, good_zip):
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
def test_another_zip_s_files_are_not_installed(tmp_path, server, damaged_before, changed, complaint):
    if damaged_before:
        put_damaged(tmp_path / "treebank")
    other = make_zip(tmp_path / "other.zip", *good_members(**changed))
    server.body = other.read_bytes()
    with leaving_nothing(tmp_path):
        with pytest.raises(InputError, match=f"other.zip is not the Tiny Treebank as published: {complaint}"):
            download.install(tmp_path / "treebank", other, data_set=TINY)
        with pytest.raises(EnvironmentFailure, match=f"what http.* has sent is not .*{complaint}"):
            download.install(tmp_path / "treebank", url=f"{server.url}/x.zip", data_set=TINY)


@pytest.mark.parametrize("name", ["missing.zip", "short.zip", "endless.zip", "page.html"])
def test_a_failed_download_leaves_no_folder_and_tells_the_ways_out(tmp_path, server, name):
    if name == "page.html":
        server.body = b"<html>Please log in to this network</html>"
    with leaving_nothing(tmp_path), pytest.raises(EnvironmentFailure) as caught:
        download.install(tmp_path / "a" / "b" / "treebank", url=f"{server.url}/{name}", data_set=TINY)
    assert "SST_ZIP=FILE" in str(caught.value)
    assert "--sample" in str(caught.value)
    assert str(caught.value).count("\n") == 1


def failing(function, error):
    """Do what `function` does, then raise `error`."""

    def fail(*args, **keywords):
        function(*args, **keywords)
        raise error

    return fail


@pytest.mark.parametrize("damaged_before", [False, True])
@pytest.mark.parametrize("moment", ["fetch", "unpack", "make_folder"])
def test_an_interruption_leaves_nothing(tmp_path, server, monkeypatch, moment, damaged_before):
    if damaged_before:
        put_damaged(tmp_path / "treebank")
    monkeypatch.setattr(download, moment, failing(getattr(download, moment), KeyboardInterrupt))
    with leaving_nothing(tmp_path), pytest.raises(KeyboardInterrupt):
        download.install(tmp_path / "treebank", url=f"{server.url}/good.zip", data_set=TINY)
    monkeypatch.undo()
    download.install(tmp_path / "treebank", url=f"{server.url}/good.zip", data_set=TINY)
    assert tree(tmp_path / "treebank") == FILES


@pytest.mark.parametrize(
    ("error", "raised"),
    [(KeyboardInterrupt(), KeyboardInterrupt), (OSError(5, "I/O error"), EnvironmentFailure)],
)
@pytest.mark.parametrize("move", [1, 2])
@pytest.mark.parametrize("done", [False, True])
def test_a_replacement_that_stops_between_the_two_moves_is_undone(
    tmp_path, good_zip, monkeypatch, error, raised, move, done
):
    """The first move takes the old folder away, the second brings the new one; they may stop before or after."""
    put_damaged(tmp_path / "treebank")
    rename, moves = Path.rename, []

    def stopping(path, target):
        moves.append(target)
        if len(moves) == move and not done:
            raise error
        rename(path, target)
        if len(moves) == move:
            raise error

    before = tree(tmp_path / "treebank")
    monkeypatch.setattr(Path, "rename", stopping)
    with pytest.raises(raised):
        download.install(tmp_path / "treebank", good_zip, data_set=TINY)
    assert tree(tmp_path / "treebank") == (FILES if done and move == 2 else before)
    assert {path.name for path in tmp_path.iterdir()} == {"good.zip", "treebank"}


# The command line


def outcome(capsys, *arguments):
    """Run the command as a shell would; return its status, what it printed and what it complained of."""
    with pytest.raises(SystemExit) as caught:
        run(download.main, [str(argument) for argument in arguments])
    return caught.value.code, *capsys.readouterr()


@pytest.fixture
def tiny(monkeypatch):
    monkeypatch.setattr(download, "TREEBANK", TINY)
    monkeypatch.delenv("SST_ZIP", raising=False)


def test_the_option_zip_wins_over_the_variable_and_both_over_the_network(tmp_path, good_zip, tiny, monkeypatch, capsys):
    monkeypatch.setenv("SST_ZIP", str(tmp_path / "no such.zip"))
    status, _, err = outcome(capsys, "--dest", tmp_path / "treebank")
    assert (status, "no such.zip" in err) == (2, True)
    assert outcome(capsys, "--dest", tmp_path / "treebank", "--zip", good_zip)[0] == 0
    monkeypatch.setenv("SST_ZIP", str(good_zip))
    assert outcome(capsys, "--dest", tmp_path / "second")[0] == 0
    assert tree(tmp_path / "treebank") == tree(tmp_path / "second") == FILES


def test_an_empty_variable_is_none(tmp_path, tiny, server, monkeypatch, capsys):
    monkeypatch.setenv("SST_ZIP", "")
    assert outcome(capsys, "--dest", tmp_path / "treebank", "--url", f"{server.url}/good.zip")[0] == 0
    assert tree(tmp_path / "treebank") == FILES


def test_the_statuses_of_failure(tmp_path, tiny, server, capsys):
    (tmp_path / "text.zip").write_text("no zip", encoding="utf-8")
    with leaving_nothing(tmp_path):
        bad_copy = outcome(capsys, "--dest", tmp_path / "x", "--zip", tmp_path / "text.zip")
        no_file = outcome(capsys, "--dest", tmp_path / "x", "--url", f"{server.url}/missing.zip")
        bad_url = outcome(capsys, "--dest", tmp_path / "x", "--url", "nowhere")
    assert [bad_copy[0], no_file[0], bad_url[0]] == [2, 1, 2]
    assert bad_copy[2].count("\n") == 1
    assert no_file[2].count("\n") == 2
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
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "SST_ZIP"))}
    return {**kept, "PYTHONDONTWRITEBYTECODE": "1", **changed}


def shell(script, *arguments, cwd, **variables):
    command = [shutil.which("sh"), str(script), *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, env=environment(**variables), capture_output=True, text=True, timeout=30)


def stub(path, body="exit 0"):
    """A Python that is new enough, and says what it is asked to do instead of doing it."""
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
    """Relative paths are the caller's, the project is found all the same, and another `utils` is not taken for ours."""
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
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_kill_in_the_middle_of_the_download_leaves_nothing(project, tmp_path, server, name):
    if signal.getsignal(getattr(signal, name)) is signal.SIG_IGN:
        pytest.skip(f"{name} is ignored here, as `nohup` does, and by every process started from here")
    with leaving_nothing(tmp_path):
        command = [sys.executable, "-m", "utils.corpus.download", "--url", f"{server.url}/stalled.zip"]
        command += ["--dest", str(tmp_path / "new" / "treebank")]
        process = subprocess.Popen(command, cwd=project, env=environment(), stderr=subprocess.PIPE)
        assert server.asked.wait(20)
        assert any(path.name.endswith(".part") for path in (tmp_path / "new").iterdir())
        process.send_signal(getattr(signal, name))
        assert process.communicate(timeout=20)[1] == b"stopped\n"
    assert process.returncode == 130
