"""The same work in several processes of this machine, or on the machines of a Dask cluster."""

import multiprocessing
import multiprocessing.connection
import os
import signal
import threading
import time
import weakref

from utils.system.calls import Missing, packed, perform, unpacked
from utils.system.errors import EnvironmentFailure, InputError

MOST_LOSSES = 3  # in a row; then something kills every worker, such as too little memory
WATCH = 0.5  # seconds from one look at the parent process to the next


class Workers:
    """Calls a function for several tasks at a time.

    Task i of every call goes to the same worker as long as that is there, so that a function can keep there, in its
    module, what later tasks need; it answers `Missing` if it does not find that.

    Parameters
    ----------
    n : int
        How many; with 1, everything is done right here.
    cluster : str, optional
        The address of a Dask scheduler, such as "tcp://10.0.0.1:8786"; without it, workers are processes here.

    Attributes
    ----------
    losses : int
        How often one or several workers were lost.
    sent, received : int
        Bytes of all tasks and of all answers.
    """

    def __init__(self, n=1, cluster=None):
        if n < 1:
            raise InputError(f"workers must be at least 1, got {n}")
        self.n, self.cluster = n, cluster
        self.losses = self.sent = self.received = 0
        self._engine = None  # from the first task on

    def map(self, function, tasks, supply=None):
        """The results of `function(*task)` for each task, in order.

        If a worker is lost, its tasks are done again: with the same input they have the same results.

        Parameters
        ----------
        function : callable
            Defined at the top of a module. On a cluster: of this project, which is all the code that is sent there.
        tasks : iterable of tuple
        supply : callable, optional
            supply(i, missing) gives the tasks (function, *arguments) that bring a worker that has answered `Missing`
            to task i to where it can do it.

        Raises
        ------
        EnvironmentFailure
            Workers were lost three times in a row, or the cluster cannot be reached.
        """
        tasks = list(tasks)
        if self.n == 1:
            return [function(*task) for task in tasks]
        left, answers = {i: (function, *task) for i, task in enumerate(tasks)}, {}
        for _ in range(MOST_LOSSES):
            answers |= self._answers(left, supply)
            left = {i: call for i, call in left.items() if i not in answers}
            if not left:
                return [answers[i] for i in range(len(tasks))]
            self.losses += 1
        raise EnvironmentFailure(
            f"workers were lost {MOST_LOSSES} times in a row (killed, or out of memory): try fewer workers"
        )

    def _answers(self, calls, supply):
        """The answer to each call; those of lost workers are left out."""
        answers = self._perform(calls)
        lacking = {i: supply(i, answer) for i, answer in answers.items() if isinstance(answer, Missing)}
        if not lacking:
            return answers
        behind = set(lacking)
        while lacking:
            steps = {i: next(steps, None) for i, steps in lacking.items()}
            lacking = {i: lacking[i] for i, step in steps.items() if step}
            supplied = self._perform({i: steps[i] for i in lacking})
            behind -= lacking.keys() - supplied.keys()  # lost meanwhile
            lacking = {i: lacking[i] for i in supplied}
        answers |= self._perform({i: calls[i] for i in behind})
        return {i: answer for i, answer in answers.items() if not isinstance(answer, Missing)}

    def _perform(self, calls):
        """The answer to each call (function, *arguments), by number; those of lost workers are left out."""
        if self._engine is None:
            self._engine = self._start()
        tasks = {i: packed(call) for i, call in calls.items()}
        self.sent += sum(map(len, tasks.values()))
        answers = self._engine.perform(tasks)
        self.received += sum(map(len, answers.values()))
        return {i: unpacked(answer) for i, answer in answers.items()}

    def _start(self):
        if not self.cluster:
            engine = _Processes(self.n)
        else:
            from utils.system.cluster import Cluster

            engine = Cluster(self.cluster)
        weakref.finalize(self, engine.close)
        return engine


# Processes of this machine


class _Processes:
    """Processes that are started when they are first needed, and again when they have been lost."""

    def __init__(self, n):
        self._n = n
        self._running = {}  # by number: the process and the connection to it

    def perform(self, calls):
        """Have each call done, by the process with its number modulo n; return the answers, without those lost."""
        waiting = [[i for i in calls if i % self._n == place] for place in range(self._n)]  # for each process
        busy, answers = {}, {}  # connection -> number of the process

        def feed(place):
            while waiting[place]:
                connection = self._connection(place)
                try:
                    connection.send_bytes(calls[waiting[place][0]])
                except OSError:  # it has ended since the last call
                    self._drop(place)
                    waiting[place].pop(0)
                else:
                    busy[connection] = place
                    return

        try:
            for place in range(self._n):
                feed(place)
            while busy:
                for connection in multiprocessing.connection.wait(busy):
                    place = busy.pop(connection)
                    i = waiting[place].pop(0)
                    try:
                        answers[i] = connection.recv_bytes()
                    except (EOFError, OSError):
                        self._drop(place)
                    feed(place)
        except BaseException:  # what is still under way would be taken for the answer to the next call
            self.close()
            raise
        return answers

    def _connection(self, place):
        if place not in self._running:
            # A new interpreter: a copy of this one by fork would inherit its threads' locks.
            context = multiprocessing.get_context("spawn")
            here, there = context.Pipe()
            process = context.Process(target=_serve, args=(there, os.getpid()), daemon=True)
            process.start()
            there.close()  # so that the end of the process is seen here
            self._running[place] = process, here
        return self._running[place][1]

    def _drop(self, place):
        process, connection = self._running.pop(place)
        connection.close()
        process.kill()
        process.join()

    def close(self):
        """End all processes."""
        for place in list(self._running):
            self._drop(place)


def _serve(connection, parent):
    """What a process does: it answers calls until the connection is closed."""
    _belong_to(parent)
    import utils.system.one_thread  # noqa: F401 - before NumPy comes with the first call

    while True:
        try:
            call = connection.recv_bytes()
        except (EOFError, OSError):
            return
        connection.send_bytes(perform(call))


def _belong_to(parent):
    """In a worker: leave signals from the terminal to the parent process, and end when that is gone."""
    for name in ("SIGINT", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)

    def watch():
        while os.getppid() == parent:
            time.sleep(WATCH)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
