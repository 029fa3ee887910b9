"""What several test files share: the treebanks, small data sets, and the commands run as a person would."""

import os
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from utils.download import unpack
from utils.sample import write_sample_treebank

PROJECT = Path(__file__).parent.parent


@pytest.fixture(autouse=True)
def global_streams():
    """Each test starts from the same state of the global random streams, whatever ran before it."""
    random.seed(1)
    np.random.seed(1)


@pytest.fixture(scope="session")
def sst_folder(tmp_path_factory):
    """The Stanford Sentiment Treebank, unpacked from the zip that SST_ZIP names."""
    if "SST_ZIP" not in os.environ:
        pytest.skip("needs the Stanford Sentiment Treebank: set SST_ZIP to its zip")
    folder = tmp_path_factory.mktemp("sst") / "treebank"
    unpack(Path(os.environ["SST_ZIP"]), folder)
    return folder


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
