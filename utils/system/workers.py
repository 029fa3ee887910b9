"""The same work on several processor cores, or on the machines of a cluster, by joblib."""

import importlib
import warnings
from concurrent.futures.process import BrokenProcessPool

import joblib

from utils.system.errors import EnvironmentFailure, InputError

# Where other engines keep the function that makes them known to joblib; Dask is known to it already.
REGISTERED_BY = {"ray": ("ray.util.joblib", "register_ray"), "spark": ("joblibspark", "register_spark")}
MOST_LOSSES = 3  # in a row; then something kills every worker, such as too little memory


class Workers:
    """Calls a function for several tasks at a time.

    Parameters
    ----------
    n : int
        How many; with 1, everything is done right here.
    backend : str
        One of joblib's: "loky" (processes on this machine), "dask", "ray", "spark", or any that is registered with it.
    **options
        For the backend, such as `scheduler_host="tcp://..."` for a Dask cluster.
    """

    def __init__(self, n=1, backend="loky", **options):
        if n < 1:
            raise InputError(f"workers must be at least 1, got {n}")
        self.n, self.backend, self.options = n, backend, options
        self.losses = 0

    def map(self, function, tasks):
        """The results of `function(*task)` for each task, in order.

        If a worker is lost, the tasks are all done again: with the same input they have the same results.

        Raises
        ------
        EnvironmentFailure
            Workers were lost three times in a row, or the backend is not there.
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
        try:
            if self.backend in REGISTERED_BY:
                module, function_name = REGISTERED_BY[self.backend]
                getattr(importlib.import_module(module), function_name)()
            config = joblib.parallel_config(backend=self.backend, n_jobs=self.n, **self.options)
        except (ValueError, ImportError, OSError) as error:
            raise EnvironmentFailure(f"the backend {self.backend} cannot be used: {error}") from error
        with config, warnings.catch_warnings():
            # A worker that has been idle, or short of memory, is replaced: joblib warns, and goes on.
            warnings.filterwarnings("ignore", message="A worker stopped while some jobs were given to the executor")
            return joblib.Parallel()(joblib.delayed(function)(*task) for task in tasks)
