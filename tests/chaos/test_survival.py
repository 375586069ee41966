"""Nothing lost: parts of a whole installation are killed all the time while a crowd works on it over HTTP."""

import random
import re
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import pytest
from pydantic import SecretStr

from broker.rules.names import Names
from broker.store.db import Store
from broker.store.jobs import JobState
from broker.web.errors import is_away
from tests.chaos import check, journal, snapshot, victims, world
from tests.chaos.run import crowd, running
from tests.servers.installation import served
from tests.servers.postgres import Postgres
from tests.servers.processes import soon

SECRET = "a secret that only the chaos knows, of 45 letters"
HITS, WORKERS, PROCESSES = 160, 24, 3
ANSWERS_A_ROUND, LOOK_EVERY = 40, 5
SECONDS_A_ROUND = 2.0
"""A supervisor gives up a part that dies five times in a row within ten seconds of its start, and so it should."""
PATIENCE_SECONDS = 120
"""An errand whose runner was killed is given to another one after half a minute."""


def insist(work):
    """The result of work that is done again while the database is away."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return work()
        except Exception as error:
            if not is_away(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.05)


class Chaos:
    """A crowd at work on an installation, and what it was told."""

    def __init__(self, running_one, folder, seed):
        self.served, self.folder, self.dice = running_one, folder, random.Random(seed)
        self.store = Store(running_one.settings.database)
        self.made = world.build(self.store, hits=HITS, workers=WORKERS, lease_seconds=3, redundancy=2)
        self.names = {prefix: Names(SECRET.encode(), prefix) for prefix in "JT"}

    def crowds(self):
        """The processes of the crowd; some workers have a second device in another one."""
        people = list(self.made.workers.items())
        for number in range(PROCESSES):
            workers = dict(people[number::PROCESSES] + people[(number + 1) % PROCESSES :: 3 * PROCESSES])
            told = {"url": self.served.url, "job": self.names["J"].show(self.made.job), "pause": 0.6}
            yield crowd(self.folder, number, workers, module="tests.chaos.visitors", seed=1, **told)

    def notes(self):
        """What the crowd was told, with row ids for public ones."""
        notes = journal.read(self.folder)
        return [{**one, "turn": self.names["T"].read(one["turn"])} if one.get("turn") else one for one in notes]

    def acknowledged(self):
        return journal.tally(journal.read(self.folder))["acknowledged"]

    def now(self):
        return insist(lambda: snapshot.take(self.store.engine, self.made.job))

    def look(self):
        """Raises AssertionError if a promise is broken at this moment."""
        notes = self.notes()
        assert check.breaches(self.now(), notes) == {}

    def more_work(self):
        """Ask for one more answer to each HIT when few are missing."""
        now = self.now()
        if sum(hit.open for hit in now.hits.values()) < HITS / 2:
            insist(lambda: world.ask_for_more(self.store, now.job))

    def rounds(self, killers, count):
        """Kill one part after the other; each time the crowd must come to work again."""
        deck = []
        for number in range(1, count + 1):
            deck = deck or self.dice.sample(sorted(killers), len(killers))
            before, over = self.acknowledged(), time.monotonic() + SECONDS_A_ROUND
            killers[deck.pop()]()
            self.more_work()
            wanted = before + ANSWERS_A_ROUND
            soon(lambda: time.monotonic() >= over and self.acknowledged() >= wanted, seconds=PATIENCE_SECONDS)  # noqa: B023
            if number % LOOK_EVERY == 0:
                self.look()

    def silence(self):
        """The queue server says nothing: the crowd works on without it."""
        before = self.acknowledged()
        with victims.silent(self.served, "queue"):
            soon(lambda: self.acknowledged() >= before + ANSWERS_A_ROUND / 2, seconds=PATIENCE_SECONDS)

    def finish(self, people):
        """Let the crowd do what is left, and the errands catch up."""
        soon(lambda: self.now().job.state == JobState.DONE, seconds=PATIENCE_SECONDS)
        for one in people:
            one.stop()
        soon(lambda: not check.unfinished(self.now()), seconds=PATIENCE_SECONDS)
        self.look()

    def told_badly(self):
        """The answers that no part's death excuses: anything of 500 and more but a 503 that says when to come back."""
        failures = [note for note in self.notes() if note["what"].startswith("status_")]
        good = ("status_503", "application/problem+json")
        return [note for note in failures if (note["what"], note["type"]) != good or not note["retry_after"]]

    def faults(self):
        """What the web processes wrote about failures that they did not expect, each with its traceback."""
        written = self.served.log.read_text(errors="replace")
        return re.findall(r"^.*unexpected failure.*(?:\n(?!\d{4}-\d\d-\d\d ).*)*", written, re.MULTILINE)


def survive(running_one, folder, count, more=None):
    """So many rounds on a running installation, every part of which is a victim, and then the reckoning."""
    with ExitStack() as stack:
        chaos = Chaos(running_one, folder, seed=count)
        stack.callback(chaos.store.close)
        people = stack.enter_context(running(chaos.crowds()))
        parts = {part: lambda part=part: victims.kill(running_one, part, chaos.dice) for part in victims.PARTS}
        chaos.rounds({**parts, "silent queue": chaos.silence, **(more or {})}, count)
        chaos.finish(people)
    assert (chaos.faults(), chaos.told_badly()) == ([], [])
    assert journal.tally(chaos.notes())["gave_up"] == 0
    assert chaos.acknowledged() >= count * ANSWERS_A_ROUND


def settings(**values):
    return {"web_processes": 2, "web_threads": 4, "throttle": False, "secret": SecretStr(SECRET), **values}


@pytest.mark.timeout(600)
def test_thirty_kills_lose_nothing_on_a_durable_postgresql(tmp_path):
    with ExitStack() as stack:
        # Not pytest's own folder: PostgreSQL runs as nobody, and a socket's path must be short.
        name = stack.enter_context(tempfile.TemporaryDirectory(prefix="broker-pg-", ignore_cleanup_errors=True))
        Path(name).chmod(0o755)
        server = Postgres(Path(name) / "server", durable=True)
        server.start()
        stack.callback(server.stop)
        running_one = stack.enter_context(served(tmp_path / "data", **settings(database_url=server.create("chaos"))))

        def power_cut():
            server.kill()
            server.start()

        survive(running_one, tmp_path, 30, {"database": power_cut})


def test_eight_kills_lose_nothing_on_sqlite(tmp_path):
    with served(tmp_path / "data", **settings()) as running_one:
        survive(running_one, tmp_path, 8)
