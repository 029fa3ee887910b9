"""utils/system/memory.py: what no memory could hold is refused before it is asked for."""

import pytest

from utils.system import memory
from utils.system.errors import InputError


def test_what_fits_passes_and_what_does_not_is_refused_with_sizes_and_remedy(monkeypatch):
    monkeypatch.setattr(memory, "physical_memory", lambda: 8e9)
    memory.refuse_beyond_memory(8 * 10**9, "this", "give less")
    with pytest.raises(InputError, match=r"^this would take 9.5 GB of memory; there are 8.0: give less$"):
        memory.refuse_beyond_memory(9_500_000_000, "this", "give less")


def test_the_machine_has_memory(monkeypatch):
    assert memory.physical_memory() > 1e6

    def unknown(name):
        raise ValueError

    monkeypatch.setattr(memory.os, "sysconf", unknown)
    assert memory.physical_memory() == float("inf")
