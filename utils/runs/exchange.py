"""How several workers train one set of vectors: each on its share of a round, and what all have learnt is put together.

A worker (utils/runs/shares.py) says by how much its share has changed each row. The sum of these changes is what the
shares would have done one after the other, had none seen the others' work. For a row that one worker has met, that is
right. But a row that all of them have met is moved by each of them to where it wants to be, and the sum would move it
n times as far. So the sum is paid by instalments: where k workers usually meet a row, each round in which it is met
pays a k-th of what it is owed, this round's changes and what is left of earlier ones. Nothing is lost, so that what the
workers agree on adds up from round to round as it does for one worker, and what they do not agree on is averaged.

With all rows in all rounds and k = n, this is blockwise model-update filtering (K. Chen and Q. Huo, Scalable training
of deep learning machines by incremental block training with intra-block parallel optimization and blockwise
model-update filtering, ICASSP 2016) with a block momentum of 1 - 1 / n and a block learning rate of 1. Here only the
rows met move, which are all that has to travel, and a rare word, which one worker meets, need not wait.

R is a number of rows, d the dimension.
"""

import uuid

import numpy as np

from utils.runs import shares

EASE = 0.1  # of the way to fewer workers that the usual number goes in a round
PORTION = 1 << 24  # bytes of vectors that a new worker gets at a time


class Exchange:
    """The rounds of one run.

    Parameters
    ----------
    trainer : Trainer
    vectors : ndarray of float, shape (R, d)
        The vectors to train, in place.
    workers : Workers
    kept : ndarray of float, optional
        `accounts.kept` of the run that is continued.

    Attributes
    ----------
    accounts : Accounts
    """

    def __init__(self, trainer, vectors, workers, kept=None):
        self._trainer, self._vectors, self._workers = trainer, vectors, workers
        self.accounts = Accounts(*vectors.shape, vectors.dtype, kept)
        self._run, self._number = uuid.uuid4().hex, 0  # not from a random stream that the user may have seeded
        self._changed = np.empty(0, dtype=np.int32)  # by the last round
        self._sent = set()  # the places of texts that a worker of a cluster should have by now

    def round(self, pieces):
        """Have each worker train on its piece; put together what they have learnt.

        Parameters
        ----------
        pieces : list of Piece

        Returns
        -------
        loss, predictions : float

        Raises
        ------
        EnvironmentFailure
            As from `Workers.map`; nothing has changed then.
        """
        update = self._changed, self._vectors[self._changed]
        # A process here can be sent a text again more cheaply than it could keep it.
        keep = self._workers.cluster is not None
        tasks = [(self._run, self._number, *update, self._without_text(piece), keep) for piece in pieces]
        results = self._workers.map(shares.train, tasks, lambda i, missing: self._supply(pieces[i], missing))
        self._changed = put_together(self._vectors, self.accounts, [result[:2] for result in results])
        self._number += 1
        if keep:
            self._sent.update(piece.place for piece in pieces)
        return sum(result[2] for result in results), sum(result[3] for result in results)

    def _without_text(self, piece):
        return piece._replace(text=None) if piece.place in self._sent else piece

    def _supply(self, piece, missing):
        """The tasks that bring a worker to where the others are."""
        if missing.what == shares.VECTORS:
            yield shares.begin, self._run, self._trainer, self._vectors.shape, self._vectors.dtype
            total = len(self._vectors)
            rows = max(1, PORTION // self._vectors[0].nbytes)
            for first in range(0, total, rows):
                number = self._number if first + rows >= total else None
                yield shares.fill, self._run, first, self._vectors[first : first + rows], number
        if piece.place in self._sent:
            yield shares.read, self._run, piece

    def close(self):
        """Have the workers forget the run."""
        self._workers.map(shares.forget, [(self._run,)] * self._workers.n)


class Accounts:
    """What is still owed to each row.

    Parameters
    ----------
    rows, d : int
    dtype : dtype
    kept : ndarray of float, shape (M, d), optional
        The accounts of a checkpoint.

    Attributes
    ----------
    owed : ndarray of float, shape (rows, d)
    usual : ndarray of float, shape (rows,)
        How many workers usually meet the row.
    kept : ndarray of float, shape (M, d)
        Both, in the form that a checkpoint keeps.
    """

    def __init__(self, rows, d, dtype, kept=None):
        self.kept = np.zeros((rows + -(-rows // d), d), dtype) if kept is None else kept
        self.owed = self.kept[:rows]
        self.usual = self.kept[rows:].reshape(-1)[:rows]


def put_together(vectors, accounts, results):
    """Pay in place what is due after a round, and return the rows that it has changed: ndarray of int32, shape (R,).

    Parameters
    ----------
    vectors : ndarray of float, shape (rows, d)
    accounts : Accounts
    results : list of (ndarray of int32, shape (R,), ndarray of float, shape (R, d))
        The distinct rows that each worker has changed, and by how much.
    """
    rows, k = np.unique(np.concatenate([rows for rows, _ in results]), return_counts=True)  # (R,)
    debts, usual = accounts.owed.take(rows, axis=0), accounts.usual.take(rows)  # (R, d), (R,)
    for changed, changes in results:
        debts[np.searchsorted(rows, changed)] += changes
    # Not just this round's k: few workers cannot pay at once what many have left.
    usual = np.maximum(k, usual + EASE * (k - usual)).astype(debts.dtype)
    instalment = debts / usual[:, None]  # (R, d)
    debts -= instalment
    instalment += vectors.take(rows, axis=0)
    vectors[rows], accounts.owed[rows], accounts.usual[rows] = instalment, debts, usual
    return rows
