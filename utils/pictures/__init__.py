"""Pictures and pages: maps, charts, heat maps, animations.

Importing matplotlib fails where MPLBACKEND names a backend that is not installed, as notebooks let every process that
they start inherit. The pictures draw on Agg directly and need no backend, so this package imports matplotlib without
looking at that variable; a name that matplotlib accepts is set afterwards, so that notebooks keep theirs.
"""

import contextlib
import os
import sys


def _import_matplotlib():
    if "matplotlib" in sys.modules:
        return
    backend = os.environ.pop("MPLBACKEND", None)
    try:
        import matplotlib
    finally:
        if backend is not None:
            os.environ["MPLBACKEND"] = backend
    if backend:
        with contextlib.suppress(ValueError):
            matplotlib.rcParams["backend"] = backend


_import_matplotlib()
