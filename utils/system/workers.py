"""The same work on several processor cores, by joblib, or on the machines of a Dask cluster."""

import os
import signal
import threading
import time
import warnings
import weakref
from concurrent.futures.process import BrokenProcessPool

import joblib

from utils.system.errors import EnvironmentFailure, InputError

MOST_LOSSES = 3  # in a row; then something kills every worker, such as too little memory
WATCH = 0.5  # seconds from one look at the parent process to the next


class Workers:
    """Calls a function for several tasks at a time.

    Parameters
    ----------
    n : int
        How many; with 1, everything is done right here.
    cluster : str, optional
        The address of a Dask scheduler, such as "tcp://10.0.0.1:8786"; without it, workers are processes here.
    """

    def __init__(self, n=1, cluster=None):
        if n < 1:
            raise InputError(f"workers must be at least 1, got {n}")
        self.n, self.cluster = n, cluster
        self.losses = 0
        self._client = None  # of the cluster, from the first task on

    def map(self, function, tasks):
        """The results of `function(*task)` for each task, in order.

        If a worker is lost, the tasks are all done again: with the same input they have the same results.

        Raises
        ------
        EnvironmentFailure
            Workers were lost three times in a row, or the cluster cannot be reached.
        """
        tasks = list(tasks)
        if self.n == 1:
            return [function(*task) for task in tasks]
        for _ in range(MOST_LOSSES):
            try:
                return self._map(function, tasks)
            except BrokenProcessPool:
                self.losses += 1
        raise EnvironmentFailure(
            f"workers were lost {MOST_LOSSES} times in a row (killed, or out of memory): try fewer workers"
        )

    def _map(self, function, tasks):
        if self.cluster:
            if self._client is None:
                self._client = _connect(self.cluster)
                weakref.finalize(self, self._client.close)
            # Dask does the tasks of a lost worker again by itself; through joblib, a loss could be waited for for ever.
            with warnings.catch_warnings(action="ignore"):  # of large tasks: the vectors have to travel
                return self._client.gather([self._client.submit(function, *task, pure=False) for task in tasks])
        config = joblib.parallel_config("loky", n_jobs=self.n, initializer=_belong_to, initargs=(os.getpid(),))
        with config, warnings.catch_warnings():
            # A worker that has been idle, or short of memory, is replaced: joblib warns, and goes on.
            warnings.filterwarnings("ignore", message="A worker stopped while some jobs were given to the executor")
            return joblib.Parallel()(joblib.delayed(function)(*task) for task in tasks)


def _connect(cluster):
    """A client of the Dask scheduler at this address. """
    try:
        from distributed import Client

        return Client(cluster, set_as_default=False)
    except (ValueError, ImportError, OSError) as error:
        raise EnvironmentFailure(f"the cluster {cluster} cannot be used: {error}") from error


def _belong_to(parent):
    """In a worker: leave signals from the terminal to the parent process, and end when that is gone."""
    for name in ("SIGINT", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)

    def watch():
        while os.getppid() == parent:
            time.sleep(WATCH)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
