"""The same training on a cluster: two worker processes of a local Dask, of which one is killed on the way."""

import os
import signal

import numpy as np
import pytest

from epochs import Settings, Trainer
from utils.corpus.planted import PlantedText
from utils.minibatches.chunks import Chunks
from utils.runs.rounds import fit
from utils.system.workers import Workers

NEEDED = "Dask is not installed: pip install -r requirements-cluster.txt"
distributed = pytest.importorskip("distributed", reason=NEEDED)

pytestmark = pytest.mark.filterwarnings("default")  # of Dask and what it brings, about themselves


@pytest.fixture(scope="module")
def cluster():
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        yield cluster


def train(workers, progress=None):
    corpus = PlantedText(500).draw(270_000)
    counts = np.bincount(corpus.ids, minlength=500)
    trainer = Trainer(counts, np.ones(500), Settings(dim=8, epochs=2, negatives=2, window=2))
    return fit(trainer, Chunks(corpus, 2), workers=workers, progress=progress)


def test_a_killed_worker_costs_its_round_and_the_result_is_that_of_two_processes_here(cluster):
    workers = Workers(2, cluster.scheduler_address)
    victims = [worker.pid for worker in cluster.workers.values()][:1]
    rounds, clients = [], []

    def progress(done):
        rounds.append(done)
        clients[:] = distributed.Client._instances
        if victims:
            os.kill(victims.pop(), signal.SIGKILL)

    found = train(workers, progress)
    assert not victims and len(rounds) > 3
    assert found.tobytes() == train(Workers(2)).tobytes()
    # One client, not one for each round. Left open, it would try again and again to connect to the cluster that has
    # gone, and draw the pauses between from the global random stream, which other tests read.
    del workers
    assert [client.status for client in clients] == ["closed"]
