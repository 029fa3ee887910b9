"""Several workers: results in order, a lost worker costs its round, endless losses end the run."""

import functools
import importlib
import os
import signal
import sys
from pathlib import Path
from types import SimpleNamespace

import joblib
import pytest
from joblib._parallel_backends import LokyBackend
from joblib.parallel import BACKENDS

from utils.system.errors import EnvironmentFailure, InputError
from utils.system.workers import Workers


def power(base, exponent):
    return base**exponent


def die_once(mark, value):
    """End this process by force the first time that it is asked for the value 2."""
    if value == 2 and not Path(mark).exists():
        Path(mark).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return value * 10


def die(_):
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("n", [1, 2])
def test_results_come_in_the_order_of_the_tasks(n):
    assert Workers(n).map(power, [(i, 2) for i in range(7)]) == [0, 1, 4, 9, 16, 25, 36]


def test_one_worker_is_this_process():
    assert Workers(1).map(lambda: os.getpid(), [()]) == [os.getpid()]


def test_a_lost_worker_costs_its_round(tmp_path):
    workers = Workers(2)
    assert workers.map(die_once, [(str(tmp_path / "mark"), i) for i in range(4)]) == [0, 10, 20, 30]
    assert workers.losses == 1


def test_endless_losses_end_the_run():
    with pytest.raises(EnvironmentFailure, match="workers were lost 3 times in a row"):
        Workers(2).map(die, [(0,), (1,)])


def test_an_unknown_backend_is_named():
    with pytest.raises(EnvironmentFailure, match="the backend slurm cannot be used"):
        Workers(2, "slurm").map(power, [(1, 1)])


@pytest.mark.parametrize("backend, module", [("ray", "ray.util.joblib"), ("spark", "joblibspark")])
def test_other_engines_are_registered_by_their_own_function(monkeypatch, backend, module):
    register = functools.partial(joblib.register_parallel_backend, backend, LokyBackend)
    fake = SimpleNamespace(**{f"register_{backend}": register})
    monkeypatch.setattr(importlib, "import_module", lambda name: {module: fake}[name])
    assert Workers(2, backend).map(power, [(2, 3), (3, 2)]) == [8, 9]
    del BACKENDS[backend]


@pytest.mark.parametrize("backend", ["ray", "spark"])
def test_an_engine_that_is_not_installed_is_named(monkeypatch, backend):
    monkeypatch.setitem(sys.modules, {"ray": "ray.util.joblib", "spark": "joblibspark"}[backend], None)
    with pytest.raises(EnvironmentFailure, match=f"the backend {backend} cannot be used"):
        Workers(2, backend).map(power, [(1, 1)])


def test_no_workers_at_all_is_refused():
    with pytest.raises(InputError, match="workers must be at least 1, got 0"):
        Workers(0)
