"""Run jobs with a solution in child processes: bounded in time, memory and files, and kept apart from the machine.

A child is told what to call and sends back numbers; what is right is known here only. Where a job ends its process or
does not finish, the jobs after it get a new one.
"""

import contextlib
import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from grader.protection import (
    MOST_SCRATCH,
    SHARED_FOLDERS,
    end_processes_of,
    files_of,
    find_protection,
    remove_files_of,
)
from grader.reply import Answer, BadReply, Failure, read_answers
from utils.system.paths import PROJECT

CHILD = Path(__file__).with_name("child.py")
MEMORY = 2 << 30  # bytes of address space of one process
PROCESSES = 16  # and threads, of a submission that runs as a user of its own
MOST_REPLY = 64 << 20  # bytes that one child may send
START = 30  # seconds until a child is ready: Python and NumPy on a busy machine
TIMEOUTS_OF_A_GROUP = 2  # after that many, the other jobs of the group are not tried
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass
class Job:
    """What a child is to do: some steps, each the name of an operation of `child.py` with its arguments.

    Attributes
    ----------
    name : str
    steps : list of (str, dict)
    needs : tuple of str
        Modules of the solution.
    limit : float
        Seconds.
    opens : str
        The module that it only imports: where it fails, jobs that need it are not run.
    """

    name: str
    steps: list
    needs: tuple = ("word2vec",)
    limit: float = 5.0
    opens: str = ""
    answers: list = field(default_factory=list)

    @property
    def group(self):
        return self.name.split(".")[0]


class Sandbox:
    """A temporary copy of a solution's files, and the children that run it.

    Parameters
    ----------
    files : dict of str to bytes
        Path in the solution -> content.
    protection : Protection, optional
        By default the best that works here.
    packages : list of str, optional
        What may be imported beside the standard library and the solution; by default everything installed.
    seconds : float
        What all jobs together may take; when they are spent, the rest is not run.
    """

    def __init__(self, files, protection=None, packages=None, seconds=55.0):
        self.protection = protection or find_protection()
        self.user, self.packages = self.protection.user(), packages
        self.deadline = time.monotonic() + seconds
        self._folder = tempfile.TemporaryDirectory(prefix="grade-", ignore_cleanup_errors=True)
        self.folder = Path(self._folder.name).resolve()
        self.folder.chmod(0o755 if self.protection.kind == "user" else 0o700)
        for path, data in {**{f"solution/{p}": d for p, d in files.items()}, "child.py": CHILD.read_bytes()}.items():
            place = self.folder / path
            with contextlib.suppress(OSError, ValueError):  # a name that this system cannot write
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(data)
        (self.folder / "solution").mkdir(exist_ok=True)
        self.scratch = self.folder / "scratch"
        self.scratch.mkdir()
        if self.user is not None:
            os.chown(self.scratch, self.user, -1)
        self.free = [_free(folder) for folder in (self.scratch, *SHARED_FOLDERS)]

    def __enter__(self):
        return self

    def __exit__(self, *error):
        if self.user is not None and not self.protection.contained:
            remove_files_of(self.user)
        self._folder.cleanup()

    def run(self, jobs):
        """Do the jobs in order; afterwards each has its answers, the last one perhaps a Failure."""
        timeouts, waiting = {}, list(jobs)
        while waiting:
            skipped = [job for job in waiting if timeouts.get(job.group, 0) >= TIMEOUTS_OF_A_GROUP]
            for job in skipped:
                job.answers = [Failure("NotRun", "not run: two checks before it did not end")]
            waiting = [job for job in waiting if job not in skipped]
            if waiting and time.monotonic() > self.deadline:
                for job in waiting:
                    job.answers = [Failure("NotRun", "not run: the time for the whole grading is used up")]
                return
            if waiting:
                done = self._one_child(waiting, timeouts)
                waiting = _without_those_closed(waiting[:done], waiting[done:])

    def _one_child(self, jobs, timeouts):
        """Start a child for these jobs; return how many were done, the last of which may have ended it."""
        with self._child(jobs) as lines:
            greeting = lines.get(START)
            if greeting != b"ready\n":
                jobs[0].answers = [Failure("Start", "the child process could not start")]
                return 1
            for n, job in enumerate(jobs):
                line = lines.get(min(job.limit, max(self.deadline - time.monotonic(), 0.5)))
                if line is None:
                    timeouts[job.group] = timeouts.get(job.group, 0) + 1
                    what = f"importing {job.opens}.py " if job.opens else ""
                    job.answers = [Failure("Timeout", f"{what}did not end within {job.limit:g} s")]
                    return n + 1
                if not line.endswith(b"\n"):
                    reason = "ended the process (a crash, os._exit, or out of memory)" if not line else "sent too much"
                    job.answers = [Failure("Ended", reason)]
                    return n + 1
                try:
                    job.answers = read_answers(line, job.name, job.steps)
                except BadReply as error:
                    job.answers = [Failure("BadReply", f"sent something that is not an answer: {error}")]
                    return n + 1
                if self._holds_too_much():
                    job.answers = [Failure("Ended", f"wrote more than {MOST_SCRATCH >> 20} MB of files")]
                    return n + 1
        return len(jobs)

    def _holds_too_much(self):
        """Whether the files of a submission exceed their limit, where no file system of its own limits them."""
        if self.protection.contained or self.user is None:
            return False
        folders = (self.scratch, *SHARED_FOLDERS)
        if sum(self.free) - sum(map(_free, folders)) < MOST_SCRATCH // 2:  # to look through all files takes long
            return False
        return sum(size for _, size in files_of(self.user, folders)) > MOST_SCRATCH

    @contextlib.contextmanager
    def _child(self, jobs):
        folder = self.protection.inside(self.folder)
        request = {
            "jobs": [{"id": job.name, "steps": job.steps} for job in jobs],
            "folder": str(folder),
            "hidden": [str(PROJECT)],
            "packages": self.packages,
            "user": self.user,
            "memory": MEMORY,
            "processes": None if self.protection.kind == "none" else PROCESSES,
            "seconds": int(sum(job.limit for job in jobs)) + START,
        }
        scratch = str(folder / "scratch")
        environment = {"PATH": os.defpath, "HOME": scratch, "TMPDIR": scratch, "LANG": "C.UTF-8", "MPLBACKEND": "Agg"}
        environment |= dict.fromkeys(THREADS, "1")
        if "SYSTEMROOT" in os.environ:  # Windows starts no Python without it
            environment["SYSTEMROOT"] = os.environ["SYSTEMROOT"]
        python = [sys.executable, "-I", "-B", "-X", "utf8", str(folder / "child.py")]
        process = subprocess.Popen(
            [*self.protection.command(self.folder), *python],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=self.scratch,
            env=environment,
            start_new_session=True,
        )
        try:
            yield _Lines(process, json.dumps(request).encode())
        finally:
            with contextlib.suppress(OSError, AttributeError):  # ended already; Windows has no groups
                os.killpg(process.pid, signal.SIGKILL)
            process.kill()
            process.wait()
            if self.user is not None and not self.protection.contained:
                end_processes_of(self.user)  # before the next child: they would count against its limit


def _free(folder):
    """Bytes that are free where a folder lies; 0 where there is no such folder."""
    return shutil.disk_usage(folder).free if Path(folder).is_dir() else 0


class _Lines:
    """The lines that a process writes, read by a thread so that waiting for one can be given up."""

    def __init__(self, process, request):
        self.lines = queue.SimpleQueue()
        threading.Thread(target=self._write, args=(process.stdin, request), daemon=True).start()
        threading.Thread(target=self._read, args=(process.stdout,), daemon=True).start()

    @staticmethod
    def _write(pipe, request):
        with contextlib.suppress(OSError), pipe:
            pipe.write(request)

    def _read(self, pipe):
        with contextlib.suppress(OSError), pipe:
            left = MOST_REPLY
            while left and (line := pipe.readline(left)):
                left -= len(line)
                self.lines.put(line)
        self.lines.put(b"")

    def get(self, seconds):
        """The next line; b"" at the end; None if none comes in time."""
        try:
            return self.lines.get(timeout=seconds)
        except queue.Empty:
            return None


def _without_those_closed(done, waiting):
    """The jobs that can still be done: those whose modules could not be imported fail as the import did."""
    closed = {job.opens: failure for job in done if job.opens and (failure := first_failure(job))}
    for job in waiting:
        if module := next((module for module in job.needs if module in closed), None):
            job.answers = [closed[module]]
    return [job for job in waiting if not job.answers]


def first_failure(job):
    """The Failure of a job, or None."""
    return next((answer for answer in job.answers if isinstance(answer, Failure)), None)


def answered(job):
    """The answers of a job's steps that succeeded."""
    return [answer for answer in job.answers if isinstance(answer, Answer)]
