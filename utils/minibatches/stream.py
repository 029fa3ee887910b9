"""Python's global random stream in bulk. NumPy has the same generator, the Mersenne Twister."""

import random

import numpy as np


def twister_at(key, position):
    """A Mersenne Twister in a given state: 624 numbers of 32 bits, and how many of them have been used."""
    twister = np.random.MT19937()
    twister.state = {"bit_generator": "MT19937", "state": {"key": np.array(key, np.uint32), "pos": position}}
    return twister


def python_twister():
    """A Mersenne Twister in the state of Python's stream."""
    *key, position = random.getstate()[1]
    return twister_at(key, position)


def outputs_of(twister, n):
    """The next outputs of a Mersenne Twister: uint32, shape (n,)."""
    return np.random.Generator(twister).integers(0, 2**32, n, np.uint32)


def random_bytes(n):
    """The next `n` 32-bit outputs of Python's stream, lowest byte first.

    `random.getrandbits(32 * n)` fills its bits with the generator's outputs, the first one lowest.
    """
    return random.getrandbits(32 * n).to_bytes(4 * n, "little")


def random_numbers(n):
    """What `n` calls of `random.random()` would return.

    Returns
    -------
    ndarray of float64, shape (n,)
        Each takes two outputs: 27 bits of the first and 26 of the second (as `genrand_res53` does).
    """
    version, (*key, position), gauss = random.getstate()
    twister = twister_at(key, position)
    numbers = np.random.Generator(twister).random(n)
    state = twister.state["state"]
    random.setstate((version, (*state["key"].tolist(), state["pos"]), gauss))
    return numbers
