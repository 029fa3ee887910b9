"""Kill the training again and again: whatever it was doing, the run continued ends as one that was never killed.

    python tests/helpers/torture.py                # at least 120 kills, some minutes
    python tests/helpers/torture.py --kills 1000

Each run of `run.py --sample` is killed (SIGKILL) at random moments: from the start of the process on, during the
training, and between two calls to the file system while a checkpoint is written; some lives end by SIGINT, SIGTERM or
SIGHUP, some by two of them. Then it is started again, until it has ended. Parameters, state, picture and all losses
ever printed must be those of a run that nobody disturbed, byte for byte; no process and no file may be left behind.
"""

import argparse
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from tqdm import tqdm

FRAIL = Path(__file__).with_name("frail.py")
OUTPUTS = ("loss.png", "losses.csv", "word_vectors.png", "word_vectors.txt")
PATIENCE = 120  # seconds: a process that takes longer hangs
SOON = 5  # seconds within which nothing of a killed process may be left
MOMENTS = 28  # how often doom can strike in one checkpoint: before and after each call
STOPPED = re.compile(r"stopped( at once| after iteration (\d+) and saved; run it again to continue)?\n")


class Fault(AssertionError):
    """Something was lost, changed or left behind."""


class Plan(NamedTuple):
    """How a life shall end: by signals, so many seconds after the start or after the training's; or by itself."""

    name: str
    signals: tuple = ()
    delay: float = 0.0
    training: bool = True
    fatal: int = 0


class Life(NamedTuple):
    """How it ended."""

    status: int
    lines: list
    err: str
    writing: bool  # in the middle of a checkpoint
    lasted: float  # seconds from the signal until the last process had gone


def undisturbed():
    return Plan("undisturbed")


def kill_anywhere(rng, spread):
    return Plan("kill", (signal.SIGKILL,), rng.uniform(0, 2), training=False)


def kill_training(rng, spread):
    return Plan("kill", (signal.SIGKILL,), rng.uniform(0, spread))


def kill_in_a_write(rng, spread):
    return Plan("kill", fatal=rng.randint(1, 5 * MOMENTS))


def stop_politely(rng, spread):
    number = rng.choice([signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
    return Plan("stop", (number,) * rng.choice([1, 1, 2]), rng.uniform(0, spread))


PLANS = (kill_anywhere, *[kill_training] * 2, *[kill_in_a_write] * 3, stop_politely)


def live(folder, plan, every, arguments):
    """Start run.py in the folder, let it end as planned; return its Life."""
    marks, theirs = os.pipe()
    with tempfile.TemporaryFile("w+", encoding="utf-8") as out, os.fdopen(marks, "rb", buffering=0) as marks:
        process = subprocess.Popen(
            [sys.executable, FRAIL, *map(str, (every, plan.fatal, theirs)), *map(str, arguments), "--out", folder],
            stdout=out,
            stderr=subprocess.PIPE,  # its helper has it too: the end of the file is the end of both
            pass_fds=[theirs],
            encoding="utf-8",
            start_new_session=True,
        )
        os.close(theirs)
        begun = marks.read(1) if plan.training and plan.signals else b""
        try:
            process.wait(plan.delay if plan.signals else PATIENCE)
        except subprocess.TimeoutExpired:
            for number in plan.signals:
                process.send_signal(number)
        since = time.monotonic()
        err = rest_of(process)
        done = begun + marks.read()
        out.seek(0)
        lines = [line for line in out if line.startswith("iter ") and line.endswith("\n")]
        return Life(process.returncode, lines, err, done.endswith(b"("), time.monotonic() - since)


def rest_of(process):
    try:
        return process.communicate(timeout=PATIENCE)[1]
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        raise Fault(f"the process or its helper was still there after {PATIENCE} seconds") from None


def check_end(folder, plan, life):
    """Fail unless the life ended as its plan allows."""
    if life.status == 0:
        allowed = not life.err
    elif plan.name == "kill":
        allowed = life.status == -signal.SIGKILL and not life.err and life.lasted < SOON
    elif stopped := STOPPED.fullmatch(life.err):
        allowed = life.status == 128 + plan.signals[0]
        if stopped[2]:
            allowed &= (folder / f"saved_params_{stopped[2]}.npy").exists()
    else:
        allowed = False
    if not allowed:
        raise Fault(f"{plan} ended with status {life.status} after {life.lasted:.1f} s: {life.err!r}")


def check_lines(lines, whole):
    """Fail unless all lines are among those of the undisturbed run, in its order without a gap."""
    if lines and (lines[0] not in whole or lines != whole[whole.index(lines[0]) :][: len(lines)]):
        raise Fault(f"other losses than those of the undisturbed run, from {lines[0]!r} to {lines[-1]!r}")


def check_folder(folder, whole, iterations, keep):
    """Fail unless the run has left what the undisturbed one has, and nothing else."""
    for name in (f"saved_params_{iterations}.npy", f"saved_state_{iterations}.json", *OUTPUTS):
        if (folder / name).read_bytes() != (whole / name).read_bytes():
            raise Fault(f"{folder / name} is not what the undisturbed run has written")
    params, states = (
        {re.fullmatch(pattern, path.name)[1] for path in folder.iterdir() if re.fullmatch(pattern, path.name)}
        for pattern in (r"saved_params_(\d+)\.npy", r"saved_state_(\d+)\.json")
    )
    others = {path.name for path in folder.iterdir() if not re.fullmatch(r"saved_(params|state)_.*", path.name)}
    if params != states or others != {*OUTPUTS} or (keep and len(params) != keep):
        raise Fault(f"{folder} holds {sorted(path.name for path in folder.iterdir())}")


class Torture:
    """Runs that are killed until enough have been."""

    def __init__(self, place, iterations, every, spread, seed, keeps=(None, 2), text=("--sample",)):
        self.place, self.iterations, self.every, self.spread, self.keeps = place, iterations, every, spread, keeps
        self.arguments = [*text, "--iterations", iterations]
        self.rng = random.Random(seed)
        self.count = Counter()
        self.lasted = 0.0
        self.killed = lambda: None  # called after each kill
        whole = live(place / "whole", undisturbed(), every, self.arguments)
        if (whole.status, whole.err) != (0, ""):
            raise Fault(f"the undisturbed run ended with status {whole.status}: {whole.err!r}")
        self.lines = whole.lines

    def run(self, number, plans=None):
        """One run, with a life for each of the plans (by default random ones until it has ended), then to its end."""
        folder, keep = self.place / f"run-{number}", self.keeps[number % len(self.keeps)]
        arguments = [*self.arguments, *(["--keep", keep] if keep else [])]
        seen, here, status = set(), Counter(), None
        while status != 0:
            plan = undisturbed() if plans == [] else self.rng.choice(PLANS)(self.rng, self.spread)
            plan = plans.pop(0)(self.rng, self.spread) if plans else plan
            life = live(folder, plan, self.every, arguments)
            check_end(folder, plan, life)
            check_lines(life.lines, self.lines)
            seen.update(life.lines)
            status = life.status
            here.update(self.note(plan, life))
        if seen != set(self.lines):
            raise Fault("a loss was never printed")
        check_folder(folder, self.place / "whole", self.iterations, keep)
        here["equal"] += 1
        self.count.update(here)
        return here

    def note(self, plan, life):
        """What the life adds to the count."""
        if life.status == 0:
            return {}
        if plan.name == "kill":
            self.lasted = max(self.lasted, life.lasted)
            self.killed()
        writing = plan.name == "kill" and life.writing
        return Counter({f"{plan.name}s": 1, "in a checkpoint": int(writing), "resumed": 1})

    def summary(self):
        count = self.count
        return (
            f"{count['kills']} kills, {count['in a checkpoint']} of them during a checkpoint write; {count['stops']} "
            f"stops by other signals; {count['resumed']} times resumed; {count['equal']} of {count['equal']} runs of "
            f"{self.iterations} iterations equal to the undisturbed one; "
            f"all processes gone {self.lasted:.2f} s after a kill at the latest"
        )


def main(arguments=None):
    """Torture runs until there were kills enough; return the exit status."""
    parser = argparse.ArgumentParser(description="Kill the training again and again, and compare what comes of it.")
    parser.add_argument("--kills", type=int, default=120, help="at least so many (120)")
    parser.add_argument("--iterations", type=int, default=20000, help="of each run (20000)")
    parser.add_argument("--every", type=int, default=250, help="iterations from checkpoint to checkpoint (250)")
    parser.add_argument("--spread", type=float, default=1.5, help="a life's longest training, in seconds (1.5)")
    parser.add_argument("--seed", type=int, default=1, help="of the random moments (1)")
    args = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as place, tqdm(total=args.kills, unit="kill", disable=None) as bar:
        torture = Torture(Path(place), args.iterations, args.every, args.spread, args.seed)
        torture.killed = bar.update
        tqdm.write(f"undisturbed: {len(torture.lines)} losses printed")
        number = 0
        while torture.count["kills"] < args.kills:
            number += 1
            try:
                here = torture.run(number)
            except Fault as fault:
                print(f"run {number}: {fault}", file=sys.stderr)
                return 1
            told = ", ".join(f"{here[name]} {name}" for name in ("kills", "in a checkpoint", "stops"))
            tqdm.write(f"run {number}: {told}: equal ({torture.count['kills']} of {args.kills} kills)")
            sys.stdout.flush()
    print(torture.summary())
    return 0


if __name__ == "__main__":
    sys.exit(main())
