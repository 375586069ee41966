"""A process that plays several workers, badly: `python -m tests.chaos.crowd '{"door": …, "job": …, "workers": …}'`.

They abandon HITs, return them, answer late, twice, differently, and from two devices at once, as seeded dice tell.
SIGTERM ends it after the step at hand; SIGKILL ends it anywhere.
"""

import itertools
import json
import random
import signal
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from broker.store import tables
from broker.store.db import Store
from tests.chaos.client import AwayError, Direct, RefusedError
from tests.chaos.journal import Journal

LABELS = ("cat", *(f"label {number:02}" for number in range(1, 20)))
RETRY_SECONDS, GIVE_UP_SECONDS = 0.05, 90
IDLE_SECONDS, MOST_IDLE_SECONDS = 0.05, 0.8
HABITS = {
    "answer": 70,
    "abandon": 5,
    "give_back": 4,
    "just_late": 4,
    "very_late": 4,
    "repeat": 4,
    "contradict": 3,
    "both_at_once": 4,
    "extend": 2,
}
"""What a worker does with a HIT, and how often, in percent."""


@dataclass
class Player:
    """One worker at one device: what is on screen, what was put aside, and what is to be sent late."""

    worker: int
    door: Direct
    dice: random.Random
    journal: Journal
    stop: threading.Event
    pause: float = 0
    lease: object = None
    aside: dict = field(default_factory=dict)
    due: list = field(default_factory=list)

    def play(self):
        """Work until told to stop."""
        idle = IDLE_SECONDS
        while not self.stop.is_set():
            idle = IDLE_SECONDS if self.step() else min(2 * idle, MOST_IDLE_SECONDS)
            self.stop.wait((self.pause if idle == IDLE_SECONDS else idle) * self.dice.uniform(0.5, 1.5))

    def step(self):
        """One act; whether there was anything to do."""
        now = time.monotonic()
        self.aside = {turn: until for turn, until in self.aside.items() if until > now}
        for one in [one for one in self.due if one[0] <= now]:
            self.due.remove(one)
            self._send(one[1], self._answer(one[1]), more=False)
        if self.lease is None:
            self.lease = self._claim()
        if self.lease is None:
            return False
        lease, self.lease = self.lease, None
        habit = self.dice.choices(list(HABITS), list(HABITS.values()))[0]
        self.journal.note(habit)
        getattr(self, f"_{habit}_it")(lease)
        return True

    def _claim(self):
        if self.dice.random() > 0.1:
            return self._ask(lambda: self.door.claim(list(self.aside)))
        found = self._at_once(*[lambda: self._ask(lambda: self.door.claim(list(self.aside)))] * 2)
        self.journal.note("double_click")
        return next((one for one in found if one is not None), None)

    def _answer_it(self, lease):
        self.lease = self._send(lease.turn, self._answer(lease.turn), more=self.dice.random() < 0.8)

    def _abandon_it(self, lease):
        self._put_aside(lease)

    def _put_aside(self, lease):
        self.aside[lease.turn] = time.monotonic() + lease.seconds

    def _give_back_it(self, lease):
        self._ask(lambda: self.door.give_back(lease.turn))

    def _extend_it(self, lease):
        self._ask(lambda: self.door.extend(lease.turn))
        self._answer_it(lease)

    def _just_late_it(self, lease):
        self._put_off(lease, lease.seconds + self.dice.uniform(0, 0.15))

    def _very_late_it(self, lease):
        self._put_off(lease, lease.seconds + self.dice.uniform(0.2, 0.6))

    def _put_off(self, lease, seconds):
        self._put_aside(lease)
        self.due.append((time.monotonic() + seconds, lease.turn))

    def _repeat_it(self, lease):
        answer = self._answer(lease.turn)
        self._send(lease.turn, answer, more=False)
        self._send(lease.turn, answer, more=False)

    def _contradict_it(self, lease):
        answer = self._answer(lease.turn)
        self._send(lease.turn, answer, more=False)
        self._send(lease.turn, self._other(answer), more=False)

    def _both_at_once_it(self, lease):
        answer = self._answer(lease.turn)
        rival = answer if self.dice.random() < 0.5 else self._other(answer)
        sends = [lambda one=one: self._send(lease.turn, one, more=True) for one in (answer, rival)]
        self.lease = next((one for one in self._at_once(*sends) if one is not None), None)

    @staticmethod
    def _at_once(*acts):
        with ThreadPoolExecutor(len(acts)) as pool:
            return [one.result() for one in [pool.submit(act) for act in acts]]

    def _answer(self, turn):
        # Two devices of a worker mostly agree, so that the same answer comes from both.
        own = random.Random(f"{turn}/{self.worker}") if self.dice.random() < 0.8 else self.dice
        return {"category": {"label": own.choice(LABELS)}}

    def _other(self, answer):
        return {"category": {"label": self.dice.choice([one for one in LABELS if one != answer["category"]["label"]])}}

    def _send(self, turn, answer, *, more):
        seconds = round(self.dice.uniform(0.5, 60), 6)
        receipt = self._ask(lambda: self.door.submit(turn, answer, seconds, more=more, have=list(self.aside)), turn)
        if receipt is None:
            return None
        told = {"repeated": receipt.repeated, "late": receipt.late}
        self.journal.note("acknowledged", turn=turn, worker=self.worker, answer=answer, seconds=seconds, **told)
        return receipt.following

    def _ask(self, request, turn=None):
        """The broker's answer, asked for until there is one; None if it says no or we are to stop."""
        deadline = time.monotonic() + GIVE_UP_SECONDS
        for tries in itertools.count():
            try:
                return request()
            except RefusedError as error:
                self.journal.note("refused", turn=turn, message=str(error))
                return None
            except AwayError as error:
                self.journal.note("away", message=str(error)[:300])
                if time.monotonic() > deadline:
                    self.journal.note("gave_up")
                    return None
            if self.stop.wait(RETRY_SECONDS * min(tries + 1, 6)):
                return None
        return None


def doors(given, _):
    """The doors of the workers that were given to this process, each with its worker's row id."""
    tables.know_all()
    store = Store(given["database"], pool=8)
    for worker in given["workers"]:
        yield worker, Direct(store, given["job"], worker, given["secret"].encode())


def main(given, doors=doors):
    """Let everybody play until SIGTERM."""
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    journal = Journal(Path(given["journal"]))
    players = [
        Player(worker, door, random.Random(f"{given['seed']}/{worker}"), journal, stop, given.get("pause", 0))
        for worker, door in doors(given, journal)
    ]
    with ThreadPoolExecutor(len(players)) as pool:
        for one in [pool.submit(player.play) for player in players]:
            one.result()


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
