"""utils/system/memory.py: what no memory could hold is refused before it is asked for."""

import pytest

from utils.system import memory
from utils.system.errors import InputError


def test_what_fits_passes_and_what_does_not_is_refused_with_sizes_and_remedy(monkeypatch):
    monkeypatch.setattr(memory, "physical_memory", lambda: 8e9)
    memory.refuse_beyond_memory(8 * 10**9, "this", "give less")
    with pytest.raises(InputError, match=r"^this would take 9.5 GB of memory; there are 8.0: give less$"):
        memory.refuse_beyond_memory(9_500_000_000, "this", "give less")


def test_the_least_of_machine_container_and_process_counts(monkeypatch, tmp_path):
    monkeypatch.setattr(memory, "CONTAINER", tmp_path / "memory.max")
    monkeypatch.setattr(memory.resource, "getrlimit", lambda what: (memory.resource.RLIM_INFINITY,) * 2)
    machine = memory.physical_memory()
    assert 1e6 < machine < float("inf")
    memory.CONTAINER.write_text("max\n", encoding="ascii")
    assert memory.physical_memory() == machine
    memory.CONTAINER.write_text("900000\n", encoding="ascii")
    assert memory.physical_memory() == 900_000
    monkeypatch.setattr(memory.resource, "getrlimit", lambda what: (800_000, -1))
    assert memory.physical_memory() == 800_000


def test_where_the_system_says_nothing_there_is_no_limit(monkeypatch, tmp_path):
    def unknown(name):
        raise ValueError

    monkeypatch.setattr(memory.os, "sysconf", unknown)
    monkeypatch.setattr(memory, "CONTAINER", tmp_path / "memory.max")
    monkeypatch.setattr(memory, "resource", None)
    assert memory.physical_memory() == float("inf")
