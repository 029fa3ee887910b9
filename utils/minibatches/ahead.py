"""A second process that decodes the random stream while the first one trains.

It is a program of its own, not a fork: it finds the corpus and the state of the stream in a temporary file, its
standard input, and sends Stretches through a pipe, its standard output, always one ahead. It ends by itself when nobody
reads them any more.
"""

import os
import subprocess
import sys
import tempfile
import weakref

import numpy as np

from utils.corpus.ids import Corpus
from utils.minibatches.decoding import Decoder, Stretch, Stretches
from utils.minibatches.stream import twister_at
from utils.system.paths import PROJECT

PIPE_BYTES = 1 << 20  # what Linux allows everybody; the smaller, the more often the two processes wait for each other


class Lost(Exception):
    """The second process could not be started, or has ended."""


def usable_cores():
    """How many processor cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def elsewhere(stretches):
    """Go on with Stretches in a second process.

    Parameters
    ----------
    stretches : Stretches
        Not to be used any more.

    Returns
    -------
    iterator of Stretch
        Raises Lost if the second process is not there.
    """
    decoder, twister = stretches.decoder, stretches.twister.state["state"]
    numbers = np.array((decoder.C, decoder.K, decoder.V, stretches.windows, stretches.size, twister["pos"]))
    corpus = decoder.corpus
    places = filter(None, (str(PROJECT), os.environ.get("PYTHONPATH")))
    try:
        with tempfile.TemporaryFile() as file:
            for array in (numbers, corpus.ids, corpus.offsets, decoder.table, stretches.outputs, twister["key"]):
                np.save(file, array, allow_pickle=False)
            file.seek(0)
            process = subprocess.Popen(
                [sys.executable, "-m", "utils.minibatches.ahead"],
                cwd=PROJECT,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(places)},
                stdin=file,
                stdout=subprocess.PIPE,
                pipesize=PIPE_BYTES,
                start_new_session=True,  # Ctrl-C is for the first process, which may want to finish its iteration
            )
    except OSError:
        return iter(_lost, None)
    return _Elsewhere(process)


def _lost():
    raise Lost


class _Elsewhere:
    def __init__(self, process):
        self._pipe = process.stdout
        weakref.finalize(self, _end, process)

    def __iter__(self):
        return self

    def __next__(self):
        sizes = (self._receive(2, np.int64).tolist() for _ in Stretch._fields)
        return Stretch(*(self._receive(n, f"u{itemsize}") for n, itemsize in sizes))

    def _receive(self, n, dtype):
        array = np.empty(n, dtype)
        if self._pipe.readinto(array.view(np.uint8)) < array.nbytes:
            raise Lost
        return array


def _end(process):
    process.kill()
    process.stdout.close()
    process.wait()


def _send(stretches, pipe):
    for stretch in stretches:
        for array in stretch:
            pipe.write(np.array((array.size, array.itemsize), np.int64).view(np.uint8))
            pipe.write(array.view(np.uint8))
        pipe.flush()


def main():
    """Be the second process: read what `elsewhere` has written, send Stretches until nobody reads them."""
    with open(sys.stdin.fileno(), "rb", closefd=False) as file:
        numbers, ids, offsets, table, outputs, key = (np.load(file, allow_pickle=False) for _ in range(6))
    C, K, V, windows, size, position = numbers.tolist()
    decoder = Decoder(Corpus(ids, offsets), table, C, K, V)
    try:
        _send(Stretches(decoder, windows, outputs, twister_at(key, position), size), sys.stdout.buffer)
    except BrokenPipeError:
        # Python would try to write what is left when it ends, and complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    main()
