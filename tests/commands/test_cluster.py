"""Training on a Dask cluster: a scheduler and worker processes that have nothing of this project, killed on the way."""

import gc
import os
import re
import signal
import subprocess
import sys
from contextlib import contextmanager, suppress

import numpy as np
import pytest
from inturn import InTurn
from waiting import wait_for

from epochs import Settings, Trainer
from utils.corpus.ids import Corpus
from utils.corpus.planted import PlantedText
from utils.counting.cooccurrence import cooccurrence
from utils.minibatches.chunks import Chunks
from utils.runs import rounds
from utils.runs.checkpoints import Checkpoints
from utils.system import cluster as module
from utils.system.cluster import Cluster
from utils.system.errors import EnvironmentFailure
from utils.system.workers import Workers

NEEDED = "Dask is not installed: pip install -r requirements-cluster.txt"
distributed = pytest.importorskip("distributed", reason=NEEDED)

pytestmark = pytest.mark.filterwarnings("default")  # of Dask and what it brings, about themselves

V = 300


class Nodes:
    """A scheduler and workers, each a process of its own in an empty folder, with an empty PYTHONPATH."""

    def __init__(self, folder):
        self.folder, self.processes = folder, []
        self.environment = {**os.environ, "PYTHONPATH": "", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        self.address = None

    def start_scheduler(self, port=0):
        file = self.folder / f"scheduler-{len(self.processes)}.json"
        options = ["--host", "127.0.0.1", "--port", str(port), "--no-dashboard", "--scheduler-file", str(file)]
        process = self._start("scheduler", *options)
        wait_for(lambda: file.exists() and file.read_text(encoding="utf-8").endswith("}"))
        self.address = re.search(r'"address": "([^"]*)"', file.read_text(encoding="utf-8"))[1]
        return process

    def start_worker(self):
        return self._start("worker", self.address, "--nthreads", "1", "--no-dashboard")

    def _start(self, *command):
        with (self.folder / f"log-{len(self.processes)}").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "dask", *command],
                cwd=self.folder, env=self.environment, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        self.processes.append(process)
        return process

    def stop(self):
        for process in self.processes:
            process.terminate()  # a nanny ends its worker
        for process in self.processes:
            try:
                process.communicate(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()


@contextmanager
def nodes_in(folder, workers):
    nodes = Nodes(folder)
    try:
        nodes.start_scheduler()
        for _ in range(workers):
            nodes.start_worker()
        yield nodes
    finally:
        nodes.stop()


@pytest.fixture(scope="module")
def nodes(tmp_path_factory):
    with nodes_in(tmp_path_factory.mktemp("nodes"), 2) as nodes:
        with distributed.Client(nodes.address, set_as_default=False) as client:
            client.wait_for_workers(2, timeout=100)
        yield nodes


def train(workers, **options):
    corpus = PlantedText(V).draw(12_000)
    trainer = Trainer(np.bincount(corpus.ids, minlength=V), np.ones(V), Settings(dim=8, epochs=2))
    return rounds.fit(trainer, Chunks(corpus, 2), workers=workers, **options).tobytes()


@pytest.fixture
def collected():
    """What Dask leaves of lost connections is collected here, where its warnings are allowed."""
    yield
    gc.collect()


@pytest.fixture(autouse=True)
def cut(collected, monkeypatch):
    """Eighteen rounds in a training by two workers."""
    monkeypatch.setattr("utils.minibatches.chunks.CHUNK", 2000)
    monkeypatch.setattr(rounds, "LEAST_ROUNDS", 9)


def strike_within(monkeypatch, strikes):
    """Do something to the workers while they have calls to answer.

    strikes : dict of int to callable, by the number of a group of calls; called with the address of each worker and the
    id of its process. It returns a list of the numbers struck.
    """
    collect, groups, struck = Cluster._collect, [], []

    def collected(cluster, submitted, patience=None):
        if patience is None:
            groups.append(submitted)
            if strike := strikes.get(len(groups)):
                client = cluster._client
                futures = [future for _, future in submitted.values()]

                def under_way():
                    busy = {key for keys in client.processing().values() for key in keys}
                    return all(future.key in busy or future.done() for future in futures)

                wait_for(under_way)
                strike(client.run(os.getpid))
                struck.append(len(groups))
        return collect(cluster, submitted, patience)

    monkeypatch.setattr(Cluster, "_collect", collected)
    return struck


def kill(*numbers):
    """Kill the first of the workers, or the second, or both."""

    def strike(processes):
        for number in numbers:
            os.kill(list(processes.values())[number % len(processes)], signal.SIGKILL)

    return strike


def _with_losses(address, clients):
    workers = Workers(2, address)
    found = train(workers, progress=lambda done: clients.add(workers._engine._client))
    return found, workers.losses


def test_nodes_need_nothing_of_the_project_and_workers_may_be_killed_in_any_round(nodes, monkeypatch):
    struck = strike_within(monkeypatch, {6: kill(0), 9: kill(0, 1), 20: kill(1)})
    clients = set()
    found, losses = _with_losses(nodes.address, clients)
    assert found == train(InTurn(2))
    assert struck == [6, 9, 20] and losses >= 3
    # Not one for each round. Left open, it would try again and again to connect to a cluster that has gone, and draw
    # the pauses between from the global random stream, which other tests read.
    assert {client.status for client in clients} == {"closed"} and len(clients) <= 1 + len(struck)


def test_counting_is_the_same_there(nodes):
    ids = np.random.default_rng(0).integers(0, 50, 1000).astype(np.int32)
    corpus = Corpus(ids, np.arange(0, 1001, 10))
    there = cooccurrence(corpus, 2, V=50, workers=Workers(2, nodes.address))
    assert (there != cooccurrence(corpus, 2, V=50)).nnz == 0 < there.nnz


def test_a_worker_that_joins_late_gets_the_code_and_a_share(nodes, monkeypatch):
    """Three shares, which two workers do until there is a third one."""
    joined = []

    def join(processes):
        joined.append(nodes.start_worker())
        with distributed.Client(nodes.address, set_as_default=False) as client:
            client.wait_for_workers(3, timeout=100)

    strike_within(monkeypatch, {8: join})
    workers, seen = Workers(3, nodes.address), []
    found = train(workers, progress=lambda done: seen.append(len(set(workers._engine._places.values()))))
    joined[0].terminate()
    assert seen[0] == 2 and seen[-1] == 3
    assert found == train(InTurn(3))


def test_a_worker_that_stalls_is_done_without(nodes, monkeypatch):
    monkeypatch.setattr(module, "SILENCE", 2.0)
    monkeypatch.setattr(module, "LOOK", 0.2)
    stopped = []

    def stall(processes):
        stopped.extend(list(processes.values())[:1])
        os.kill(stopped[0], signal.SIGSTOP)

    strike_within(monkeypatch, {8: stall})
    workers = Workers(2, nodes.address)
    try:
        assert train(workers) == train(InTurn(2))
        assert len(set(workers._engine._places.values())) == 1 == workers.losses
    finally:
        os.kill(stopped[0], signal.SIGCONT)


def test_a_scheduler_that_restarts_and_one_that_does_not(tmp_path, monkeypatch):
    """What was trained before everything is gone is saved, and goes on elsewhere."""
    monkeypatch.setattr(module, "ARRIVAL", 0.1)
    with nodes_in(tmp_path, 0) as nodes:
        with pytest.raises(EnvironmentFailure, match=f"^the cluster {nodes.address} cannot be used: it has no workers"):
            train(Workers(2, nodes.address))
        monkeypatch.setattr(module, "ARRIVAL", 100.0)
        nodes.start_worker()
        port = int(nodes.address.rpartition(":")[2])

        def restart(processes):
            nodes.processes[0].kill()
            nodes.processes[0].wait()
            nodes.start_scheduler(port)
            nodes.start_worker()  # the old one has ended with its scheduler

        def end(processes):
            monkeypatch.setattr(module, "RETURN", 0.1)
            monkeypatch.setattr(module, "ANSWER", 2.0)
            for process in nodes.processes[1:]:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)

        struck = strike_within(monkeypatch, {8: restart, 20: end})
        checkpoints = Checkpoints(tmp_path)
        with pytest.raises(EnvironmentFailure, match="cannot be used: .*; what was done before is saved, run it again"):
            train(Workers(2, nodes.address), checkpoints=checkpoints)
        assert struck == [8, 20]
    assert 0 < checkpoints.newest()[0] < 12
    assert train(InTurn(2), checkpoints=checkpoints) == train(InTurn(2))


def test_where_there_is_no_scheduler_one_line_says_so(monkeypatch):
    monkeypatch.setattr(module, "ANSWER", 0.3)
    with pytest.raises(EnvironmentFailure, match="^the cluster tcp://127.0.0.1:1 cannot be used: [^\n]*$"):
        train(Workers(2, "tcp://127.0.0.1:1"))


def test_nodes_with_other_versions_are_refused_before_the_work(nodes, monkeypatch):
    monkeypatch.setattr(module.np, "__version__", "0.9")
    wanted = f"^the cluster {nodes.address} cannot be used: the worker [^ ]* has numpy [0-9.]*: pip install numpy==0.9"
    with pytest.raises(EnvironmentFailure, match=wanted):
        train(Workers(2, nodes.address))
    monkeypatch.setattr(module.platform, "python_version_tuple", lambda: ("2", "7", "0"))
    with pytest.raises(EnvironmentFailure, match="the scheduler has Python 3[0-9.]*, here it is 2.7"):
        train(Workers(2, nodes.address))


def test_a_node_without_scipy_is_named():
    node = {"host": {"python": "{}.{}.1.final.0".format(*sys.version_info)}, "packages": {"scipy": None}}
    with pytest.raises(EnvironmentFailure, match="worker tcp://there:1 has no scipy: pip install scipy==[0-9.]+ there"):
        Cluster("tcp://here:1")._refuse({"the worker tcp://there:1": node}, {"scipy": module.scipy})
