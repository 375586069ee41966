"""A run of the chaos: many OS processes on one database, killed and replaced, then counted."""

import itertools
import json
import random
import subprocess
import sys
import time
from collections import Counter
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from broker.lifeline import tied
from broker.store.db import Store
from broker.store.jobs import JobState
from tests.chaos import check, journal, snapshot, world
from tests.chaos.check import SORTS

STOP_SECONDS, LOOK_SECONDS = 30, 0.3
SECRET = "a secret that only the chaos knows, of 45 letters"
KEEPERS = ("sweep", "judge")


@dataclass(frozen=True)
class Plan:
    """How large a run is; a worker has two devices, in two of the processes."""

    processes: int = 16
    hits: int = 200
    redundancy: int = 3
    golds: int = 20
    workers: int = 32
    lease_seconds: int = 1
    kill_seconds: float = 2.0
    patience_seconds: float = 240
    seed: int = 1


@dataclass(frozen=True)
class Outcome:
    """What a run broke, and what happened in it."""

    violations: Counter
    seen: Counter
    answers: int
    seconds: float

    def line(self):
        """For programs."""
        told = {name: self.violations[name] for name in SORTS}
        return {"violations": sum(told.values()), **told, "answers": self.answers, "seconds": round(self.seconds, 1)}


class Process:
    """One of our processes, started anew when it was killed; each life has a journal of its own."""

    def __init__(self, module, arguments):
        self.module, self.arguments = module, arguments
        self.lives = itertools.count(1)
        self.process = None
        self.start()

    def start(self):
        words = [str(one) for one in self.arguments(next(self.lives))]
        self.process = subprocess.Popen(tied([sys.executable, "-m", self.module, *words]))

    def kill(self):
        self.process.kill()
        self.process.wait()

    def check(self):
        """Raises RuntimeError if it ended by itself."""
        if self.process.poll() is not None:
            raise RuntimeError(f"{self.module} ended with code {self.process.returncode}")

    def stop(self):
        self.process.terminate()
        try:
            return self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise


@contextmanager
def running(processes):
    """These processes, and none of them afterwards."""
    started = []
    try:
        started += processes
        yield started
    finally:
        for one in started:
            one.process.kill()
            one.process.wait()


def crowd(folder, number, workers, *, module="tests.chaos.crowd", **given):
    """A process of the crowd."""

    def arguments(life):
        name = folder / f"crowd{number}-{life}.journal"
        told = {"journal": str(name), "seed": f"{given['seed']}/{number}/{life}", "workers": workers}
        return [json.dumps(given | told)]

    return Process(module, arguments)


def run(database, folder, plan):
    """Let the crowd work on a job until it is done, killing all the while; what was broken."""
    began, store = time.monotonic(), Store(database)
    with ExitStack() as stack:
        stack.callback(store.close)
        made = world.build(
            store,
            hits=plan.hits,
            workers=plan.workers,
            lease_seconds=plan.lease_seconds,
            redundancy=plan.redundancy,
            golds=plan.golds,
        )
        keepers = (Process("tests.chaos.keeper", lambda _, one=one: [one, database, made.job]) for one in KEEPERS)
        kept = stack.enter_context(running(keepers))
        people = stack.enter_context(running(_crowds(database, folder, plan, made)))
        seen = _chaos(store, made.job, people, kept, plan)
        for one in people:
            one.stop()
        _settle(store, made.job)
        for one in kept:
            one.stop()
        return _outcome(store, made.job, folder, seen, time.monotonic() - began)


def _crowds(database, folder, plan, made):
    ids = sorted(made.workers)
    shares = [ids[number :: plan.processes] for number in range(plan.processes)]
    for number, share in enumerate(shares):
        devices = [*share, *shares[number - 1]]
        yield crowd(folder, number, devices, database=database, job=made.job, secret=SECRET, seed=plan.seed)


def _chaos(store, job, people, kept, plan):
    """Kill one after the other until the job is done or our patience is over; what broke meanwhile."""
    dice, found = random.Random(plan.seed), Counter()
    deadline, kill = time.monotonic() + plan.patience_seconds, time.monotonic() + 2 * plan.kill_seconds
    while time.monotonic() < deadline:
        now = snapshot.take(store.engine, job)
        found |= check.breaches(now)
        found["moments"] += 1
        if now.job.state == JobState.DONE:
            break
        if time.monotonic() > kill:
            victim = dice.choice(people)
            victim.kill()
            victim.start()
            found["kills"] += 1
            kill = time.monotonic() + plan.kill_seconds * dice.uniform(0.5, 1.5)
        for one in (*people, *kept):
            one.check()
        time.sleep(LOOK_SECONDS)
    return found


def _settle(store, job):
    """Wait until the last leases have run out and everything is paid."""
    deadline = time.monotonic() + STOP_SECONDS
    while sum(check.unfinished(snapshot.take(store.engine, job)).values()) and time.monotonic() < deadline:
        time.sleep(LOOK_SECONDS)


def _outcome(store, job, folder, seen, seconds):
    now, notes = snapshot.take(store.engine, job), journal.read(folder)
    final = check.breaches(now, notes) + check.unfinished(now)
    broken = +Counter({name: max(seen[name], final[name]) for name in SORTS})
    told = journal.tally(notes) + Counter({name: seen[name] for name in ("kills", "moments")})
    told += Counter(str(turn.state) for turn in now.turns.values())
    return Outcome(broken, told, now.job.answers, seconds)
