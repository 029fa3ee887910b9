"""How much memory the machine has, and what would not fit."""

import os

from utils.system.errors import InputError


def physical_memory():
    """Bytes of memory that the machine has, or infinity where the system does not say."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return float("inf")


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
