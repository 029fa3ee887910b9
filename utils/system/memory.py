"""How much memory there is, and what would not fit."""

import os
from pathlib import Path

from utils.system.errors import InputError

try:
    import resource
except ImportError:  # Windows
    resource = None


CONTAINER = Path("/sys/fs/cgroup/memory.max")  # the limit of a container: bytes, or "max"


def physical_memory():
    """Bytes of memory that this process may have, or infinity where the system does not say.

    That is the machine's memory, or less by the limit of a container or of `ulimit -v`.
    """
    return min(_machine(), _container(), _process())


def _machine():
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return float("inf")


def _container():
    try:
        return int(CONTAINER.read_text(encoding="ascii"))
    except (ValueError, OSError):
        return float("inf")


def _process():
    if resource is None:
        return float("inf")
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    return float("inf") if limit == resource.RLIM_INFINITY else limit


def refuse_beyond_memory(needed, what, remedy):
    """Refuse what no memory could hold, before any of it is asked for.

    Parameters
    ----------
    needed : int
        Bytes.
    what, remedy : str
        For the message: what would take so much, and what to do about it.

    Raises
    ------
    InputError
    """
    if needed > (there := physical_memory()):
        raise InputError(f"{what} would take {needed / 1e9:,.1f} GB of memory; there are {there / 1e9:,.1f}: {remedy}")
