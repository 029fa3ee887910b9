"""The distinct numbers among many, found without sorting."""

import numpy as np


class Distinct:
    """Finds the distinct ids among many, and the place of each among them, without sorting."""

    def __init__(self, V):
        self._place = np.empty(V, dtype=np.int32)

    def __reduce__(self):
        return Distinct, (len(self._place),)  # what is left from the last call means nothing

    def __call__(self, ids):
        """Return the distinct ids (R,), in any order, and where among them each id stands: shape (E,)."""
        order = np.arange(len(ids), dtype=np.int32)
        self._place[ids] = order  # of an id that repeats, one remains
        rows = ids.compress(self._place.take(ids) == order)
        self._place[rows] = order[: len(rows)]
        return rows, self._place.take(ids)
