"""A correct optimiser, which changes x0 in place and keeps its state in a pickle as the starter code does."""

import pickle
import random
from pathlib import Path

import numpy as np

SAVE_PARAMS_EVERY = 5000
ANNEAL_EVERY = 20000


def load_saved_params():
    found = [int(path.stem.split("_")[2]) for path in Path().glob("saved_params_*.npy")]
    if not found:
        return 0, None, None
    state = pickle.loads(Path(f"saved_state_{max(found)}.pickle").read_bytes())
    return max(found), np.load(f"saved_params_{max(found)}.npy"), state


def save_params(iter, params):
    np.save(f"saved_params_{iter}.npy", params)
    Path(f"saved_state_{iter}.pickle").write_bytes(pickle.dumps(random.getstate()))


def sgd(f, x0, step, iterations, postprocessing=None, useSaved=False, PRINT_EVERY=10):
    start, x = 0, x0
    if useSaved:
        start, saved, state = load_saved_params()
        if start > 0:
            x = saved
            step *= 0.5 ** (start / ANNEAL_EVERY)
        if state:
            random.setstate(state)
    if not postprocessing:
        postprocessing = lambda x: x  # noqa: E731
    exploss = None
    for iter in range(start + 1, iterations + 1):
        loss, grad = f(x)
        x -= step * grad
        x = postprocessing(x)
        if iter % PRINT_EVERY == 0:
            exploss = loss if not exploss else 0.95 * exploss + 0.05 * loss
            print("iter %d: %f" % (iter, exploss))  # noqa: UP031
        if iter % SAVE_PARAMS_EVERY == 0 and useSaved:
            save_params(iter, x)
        if iter % ANNEAL_EVERY == 0:
            step *= 0.5
    return x
