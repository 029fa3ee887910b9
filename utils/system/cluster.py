"""Work on the machines of a Dask cluster, which need Dask, NumPy and SciPy: the project's code is sent there.

Dask carries bytes and nothing else. The scheduler never reads them; what a worker does with them is in the code that
was sent (`utils.system.calls.perform`). Each call is bound to one worker, so that a worker can keep what later calls
need. Whether it is still there is decided here, for Dask would wait for it for ever.
"""

import asyncio
import concurrent.futures
import contextlib
import hashlib
import io
import logging
import platform
import sys
import time
import uuid
import warnings
import zipfile

import numpy as np
import scipy

from utils.system.errors import EnvironmentFailure, brief
from utils.system.paths import PROJECT

ANSWER = 10.0  # seconds for a scheduler or a worker to answer a question: many times what a busy machine takes
ARRIVAL = 20.0  # seconds in which a first worker must be there; with the questions, half a minute at most
RETURN = 60.0  # seconds in which a scheduler or workers must be back: supervisors start them again after some seconds
SILENCE = 30.0  # seconds without a heartbeat after which a worker counts as lost: there are one or two a second
LOOK = 1.0  # seconds from one look at the workers to the next while nothing comes
LOST = OSError, asyncio.CancelledError, concurrent.futures.CancelledError  # raised by Dask without its scheduler
CHATTERERS = "distributed", "distributed.client", "distributed.core", "asyncio"  # loggers, of lost connections
NEEDED = "pip install -r requirements-cluster.txt"


class Cluster:
    """Workers of the Dask scheduler at an address.

    Parameters
    ----------
    address : str
    """

    def __init__(self, address):
        self._address = address
        self._client = None
        self._places = {}  # number of a call -> address of its worker
        self._ready = set()  # addresses of workers that have the code
        self._refused = set()  # addresses of workers that came later and lack something
        self._beats = {}  # address -> last heartbeat, and when it was first seen
        self._archive = _archive()
        self._digest = hashlib.sha256(self._archive).hexdigest()
        self._run, self._install = _travelling()

    def perform(self, calls):
        """Have each call done, by the worker of the last one with its number; return the answers, without those lost.

        Parameters
        ----------
        calls : dict of int to bytes

        Returns
        -------
        dict of int to bytes

        Raises
        ------
        EnvironmentFailure
            Scheduler or workers are not there and did not come back, or lack something.
        """
        usable = self._usable()
        try:
            self._assign(calls, usable)
            return self._collect({i: self._submit(self._places[i], self._run, call) for i, call in calls.items()})
        except LOST:
            self.close()
        except Exception:
            if self._client.status == "running":
                raise
            self.close()  # whatever it is, it comes of a connection that has gone
        return {}

    def close(self):
        """Close the connection."""
        client, self._client = self._client, None
        self._ready.clear()
        if client:
            with contextlib.suppress(Exception):  # of a scheduler that has gone
                client.close(timeout=ANSWER)

    # Who is there

    def _usable(self):
        """The addresses of the workers that can work: connects if necessary, sends new ones the code, waits for one."""
        first = not self._places
        deadline = time.monotonic() + (ARRIVAL if first else RETURN)
        while True:
            try:
                self._connect()
                alive = self._alive()
                self._prepare(alive - self._ready - self._refused, first)
                if usable := alive & self._ready:
                    return usable
                gone = "it has no workers" if first else "all workers are gone"
                trouble = "its workers do not answer" if self._beats else gone
            except LOST as error:
                self.close()
                trouble = brief(error) or type(error).__name__
                if first:
                    deadline = 0
            if time.monotonic() > deadline:
                raise EnvironmentFailure(f"the cluster {self._address} cannot be used: {trouble}")
            time.sleep(LOOK)

    def _connect(self):
        if self._client is None or self._client.status != "running":
            self.close()
            try:
                from distributed import Client
            except ImportError as error:
                raise EnvironmentFailure(f"a cluster needs Dask ({error}): {NEEDED}") from error
            for name in CHATTERERS:
                logging.getLogger(name).setLevel(logging.CRITICAL)  # what is wrong is said here, in one line
            try:
                self._client = Client(self._address, timeout=ANSWER, set_as_default=False)
            except ValueError as error:
                raise EnvironmentFailure(f"the cluster {self._address} cannot be used: {brief(error)}") from error
            theirs = self._ask(self._client.scheduler.versions, packages=[])
            self._refuse({"the scheduler": theirs}, packages={})

    def _ask(self, question, **arguments):
        return self._client.sync(question, **arguments, callback_timeout=ANSWER)

    def _alive(self):
        """The addresses of the workers whose hearts beat."""
        workers = self._ask(self._client.scheduler.identity, n_workers=-1)["workers"]
        now = time.monotonic()
        self._beats = {
            address: self._beats[address]
            if address in self._beats and self._beats[address][0] == worker["last_seen"]
            else (worker["last_seen"], now)
            for address, worker in workers.items()
        }
        return {address for address, (_, since) in self._beats.items() if now - since < SILENCE}

    def _prepare(self, addresses, first):
        """Check what is installed on workers that are new here, and send them the code."""
        if not addresses:
            return
        question = {"op": "versions", "packages": ["scipy"]}
        found = self._ask(self._client.scheduler.broadcast, msg=question, workers=sorted(addresses), on_error="ignore")
        for address in sorted(found):
            try:
                self._refuse({f"the worker {address}": found[address]}, {"numpy": np, "scipy": scipy})
            except EnvironmentFailure as trouble:
                if first:
                    raise
                self._refused.add(address)
                print(f"not used: {trouble}", file=sys.stderr)
        able = sorted(found.keys() - self._refused)
        installing = {address: self._submit(address, self._install, self._archive) for address in able}
        self._ready |= self._collect(installing, ANSWER).keys()

    def _refuse(self, nodes, packages):
        """Raise EnvironmentFailure for nodes that have another Python or other packages than this one."""
        here = ".".join(platform.python_version_tuple()[:2])
        troubles = []
        for name, found in nodes.items():
            python = found["host"]["python"]
            if python.split(".")[:2] != here.split("."):
                troubles.append(f"{name} has Python {'.'.join(python.split('.')[:3])}, here it is {here}")
            for package, module in packages.items():
                there = found["packages"][package]
                if there != module.__version__:
                    has = f"{package} {there}" if there else f"no {package}"
                    troubles.append(f"{name} has {has}: pip install {package}=={module.__version__} there")
        if troubles:
            raise EnvironmentFailure(f"the cluster {self._address} cannot be used: {'; '.join(troubles)}")

    # The calls

    def _assign(self, calls, usable):
        """Give each call a worker: the last one, unless it is gone or has more calls than another one would have."""
        loads = {address: [] for address in sorted(usable)}
        for i in sorted(calls):
            loads.get(self._places.get(i), []).append(i)
        homeless = [i for i in sorted(calls) if self._places.get(i) not in loads]
        most = -(-len(calls) // len(loads))
        for numbers in loads.values():
            homeless += numbers[most:]
            del numbers[most:]
        for i in homeless:
            address = min(loads, key=lambda address: len(loads[address]))
            loads[address].append(i)
            self._places[i] = address

    def _submit(self, address, function, content):
        with warnings.catch_warnings(action="ignore"):  # of large tasks: the vectors have to travel
            return address, self._client.submit(
                function, self._digest, content, workers=[address], allow_other_workers=False, pure=False,
                key=f"word2vec-{uuid.uuid4().hex}",
            )  # fmt: skip

    def _collect(self, submitted, patience=None):
        """The results of what was submitted, without those of workers that are lost or take longer than allowed."""
        from distributed import KilledWorker

        begun, waiting, results = time.monotonic(), {}, {}
        for name, (address, future) in submitted.items():
            fetching = self._client.gather(future, asynchronous=True)
            fetched = asyncio.run_coroutine_threadsafe(fetching, self._client.loop.asyncio_loop)
            waiting[fetched] = name, address, future
        try:
            while waiting and (patience is None or time.monotonic() - begun < patience):
                done, _ = concurrent.futures.wait(waiting, LOOK, concurrent.futures.FIRST_COMPLETED)
                for fetched in done:
                    name, address, _ = waiting.pop(fetched)
                    with contextlib.suppress(KilledWorker):
                        results[name] = fetched.result()
                if not done:
                    alive = self._alive()
                    for fetched in [one for one, (_, address, _) in waiting.items() if address not in alive]:
                        self._give_up(fetched, *waiting.pop(fetched))
        finally:
            for fetched, what in waiting.items():
                self._give_up(fetched, *what)
        for name in [name for name, result in results.items() if result is None]:
            del results[name]
            self._ready.discard(submitted[name][0])  # it lacks the code: a new process at an old one's address
        return results

    @staticmethod
    def _give_up(fetched, name, address, future):
        fetched.cancel()
        future.cancel()


def _archive():
    """The project's code as a zip file: bytes, the same ones whenever it is the same code."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for path in sorted([*PROJECT.glob("*.py"), *PROJECT.glob("utils/**/*.py")]):
            entry = zipfile.ZipInfo(path.relative_to(PROJECT).as_posix())  # without the file's time
            archive.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED)
    return content.getvalue()


def _travelling():
    """The two functions that workers get from Dask itself: being local, they are pickled as code and not by name."""

    def run(digest, call):
        import sys

        if not any(digest in place for place in sys.path):
            return None
        from utils.system.calls import perform

        return perform(call)

    def install(digest, archive):
        import importlib
        import io
        import pathlib
        import sys
        import zipfile

        from distributed import get_worker

        if not any(digest in place for place in sys.path):
            path = pathlib.Path(get_worker().local_directory, f"word2vec-{digest}.zip")
            path.write_bytes(archive)
            names = zipfile.ZipFile(io.BytesIO(archive)).namelist()
            ours = {name.partition("/")[0].removesuffix(".py") for name in names}
            for name in [name for name in sys.modules if name.partition(".")[0] in ours]:
                del sys.modules[name]  # of another version
            sys.path[:] = [str(path), *(place for place in sys.path if "word2vec-" not in pathlib.Path(place).name)]
            importlib.invalidate_caches()
            importlib.import_module("utils.system.one_thread")
        return True

    return run, install
