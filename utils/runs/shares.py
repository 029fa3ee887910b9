"""What a worker of a training in rounds keeps, and what it does: train on its share from the vectors of all.

A worker keeps the vectors as they were when a round began. With its next share it gets the rows that have changed
since, and it returns those that it changes itself; its own vectors it puts back, for what a round makes of the changes
of all is decided where they are brought together (utils/runs/rounds.py). A worker that does not have the vectors of the
round before, since it is new or was away, answers that they are missing.

R is a number of rows, d the dimension.
"""

import threading

import numpy as np

from utils.system.calls import Missing

VECTORS, TEXT = "vectors", "text"  # what may be missing

_lock = threading.Lock()  # a worker of Dask may have several threads
_replica = None


class _Replica:
    """The vectors of one run, in one worker."""

    def __init__(self, run, trainer, shape, dtype):
        self.run, self.trainer = run, trainer
        self.vectors = np.zeros(shape, dtype)
        self.round = None  # at whose beginning the vectors were as they are here
        self.texts = {}  # place in the text -> Corpus


def begin(run, trainer, shape, dtype):
    """Make place for the vectors of a run; those of another run are forgotten."""
    global _replica
    with _lock:
        if _replica is None or _replica.run != run:
            _replica = None  # its memory is free before more is asked for
            _replica = _Replica(run, trainer, shape, dtype)


def fill(run, first, values, number):
    """Set rows from the `first` on; with the last of them the vectors are those at the beginning of round `number`.

    Parameters
    ----------
    run : str
    first : int
    values : ndarray of float, shape (R, d)
    number : int or None
        None: there is more to come.
    """
    with _lock:
        if _replica is not None and _replica.run == run:
            _replica.vectors[first : first + len(values)] = values
            _replica.round = number


def read(run, piece):
    """Keep the text of a piece."""
    with _lock:
        if _replica is not None and _replica.run == run:
            _replica.texts[piece.place] = piece.text


def forget(run):
    """The run has ended."""
    global _replica
    with _lock:
        if _replica is not None and _replica.run == run:
            _replica = None


def train(run, number, rows, values, piece, keep):
    """Train on a piece of the text from the vectors at the beginning of a round.

    Parameters
    ----------
    run : str
    number : int
        Of the round.
    rows : ndarray of int32, shape (R,)
        The rows that the round before has changed.
    values : ndarray of float, shape (R, d)
        What they are now.
    piece : Piece
        Its text may be None, if it has been kept.
    keep : bool
        Whether to keep its text for the next epoch.

    Returns
    -------
    rows : ndarray of int32, shape (R,)
        Those that have changed.
    changes : ndarray of float, shape (R, d)
        By how much.
    loss, predictions : float
        Sums over the piece.

    or `Missing`, if the vectors of the round before, or the text, are not here.
    """
    with _lock:
        replica = _replica
        if replica is None or replica.run != run or replica.round not in (number - 1, number):
            return Missing(VECTORS)
        if replica.round != number:
            replica.vectors[rows] = values
            replica.round = number
        if piece.text is None:
            if piece.place not in replica.texts:
                return Missing(TEXT)
            piece = piece._replace(text=replica.texts[piece.place])
        elif keep:
            replica.texts[piece.place] = piece.text
        return train_apart(replica.trainer, replica.vectors, piece)


def train_apart(trainer, vectors, piece):
    """Train on a piece, but leave the vectors as they were: returns what `train` does."""
    touched = trainer.touched(piece).astype(np.int32)  # (R,)
    before = vectors[touched]  # (R, d)
    try:
        loss, predictions = trainer.train(vectors, piece)
        changes = vectors[touched] - before  # (R, d)
    finally:
        vectors[touched] = before
    moved = changes.any(axis=1)  # (R,)
    return touched[moved], changes[moved], float(loss), float(predictions)
