"""What several test files share: the treebanks, small data sets, and the commands run as a person would."""

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import utils.system.one_thread  # noqa: F401 (before NumPy: threads of several processes would wait for each other)

# isort: split

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

from utils.corpus.download import install
from utils.corpus.sample import write_sample_treebank
from utils.system.paths import PROJECT

THOROUGH = os.environ.get("THOROUGH", "0") != "0"

# No test is judged by its speed: a busy machine would fail what an idle one passes.
settings.register_profile(
    "unhurried",
    max_examples=100 if THOROUGH else 30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("unhurried")


def pytest_configure():
    """Heed signals, even if nohup, or a shell for what it starts in the background, says to ignore them."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler if name == "SIGINT" else signal.SIG_DFL)
    sys.warnoptions.append("error")  # commands silence warnings unless Python was told what to do with them


def pytest_collection_modifyitems(items):
    """Leave out what takes long, unless it is asked for."""
    for item in items:
        if item.get_closest_marker("thorough") and not THOROUGH:
            item.add_marker(pytest.mark.skip(reason="takes long: set THOROUGH=1"))


@pytest.fixture(autouse=True)
def global_streams():
    """Each test starts from the same state of the global random streams, whatever ran before it."""
    random.seed(1)
    np.random.seed(1)


@pytest.fixture(autouse=True, scope="session")
def disk_not_waited_for():
    """Nothing is flushed to the disk itself: that helps in a power cut only, and takes longer than most tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda handle: None)
        yield


@pytest.fixture(scope="session")
def sst_folder(tmp_path_factory):
    """The Stanford Sentiment Treebank, unpacked from the zip that SST_ZIP names."""
    if "SST_ZIP" not in os.environ:
        pytest.skip("needs the Stanford Sentiment Treebank: set SST_ZIP to its zip")
    folder = tmp_path_factory.mktemp("sst") / "treebank"
    return install(folder, os.environ["SST_ZIP"], quiet=True)


@pytest.fixture(scope="session")
def reference_folder():
    """Reference figures of the handout's training, in the folder that REFERENCE_DATA names."""
    if "REFERENCE_DATA" not in os.environ:
        pytest.skip("needs the reference figures of the handout's training: set REFERENCE_DATA to their folder")
    return Path(os.environ["REFERENCE_DATA"])


@pytest.fixture(scope="session")
def sample_folder(tmp_path_factory):
    """A small built-in sample treebank."""
    return write_sample_treebank(tmp_path_factory.mktemp("sample") / "treebank", sentences=400)


@pytest.fixture(scope="session")
def write_treebank():
    """Write a treebank of given sentences: write_treebank(folder, ["A good film ."]) -> folder.

    The sentences' text is encoded twice, as in the published file; the phrase of sentence i has the id 10 + i.
    """

    def write(folder, sentences, sentiments=None, splits=None, end="\n"):
        numbers = range(len(sentences))
        sentiments = sentiments or [0.5] * len(sentences)
        splits = splits or [1] * len(sentences)
        twice = [text.encode("utf-8").decode("latin-1") for text in sentences]
        phrases = [text.replace("-LRB-", "(").replace("-RRB-", ")") for text in sentences]
        files = {
            "datasetSentences.txt": ["sentence_index\tsentence", *(f"{i + 1}\t{twice[i]}" for i in numbers)],
            "datasetSplit.txt": ["sentence_index,splitset_label", *(f"{i + 1},{splits[i]}" for i in numbers)],
            "dictionary.txt": [f"{phrases[i]}|{10 + i}" for i in numbers],
            "sentiment_labels.txt": ["phrase ids|sentiment values", *(f"{10 + i}|{sentiments[i]}" for i in numbers)],
        }
        folder.mkdir(parents=True, exist_ok=True)
        for name, lines in files.items():
            (folder / name).write_bytes("".join(line + end for line in lines).encode("utf-8"))
        return folder

    return write


@pytest.fixture
def command(tmp_path):
    """Call a command of the project in a temporary folder: command("run.py", "--sample") -> CompletedProcess."""

    def call(script, *arguments, cwd=tmp_path, env=None, timeout=100, **options):
        return subprocess.run(
            [sys.executable, str(PROJECT / script), *map(str, arguments)],
            cwd=cwd,
            env={**os.environ, "PYTHONPATH": "", **(env or {})},
            capture_output=True,
            encoding="utf-8",
            timeout=timeout,
            **options,
        )

    return call
