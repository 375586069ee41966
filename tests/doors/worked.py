"""A job of sixty reviews that four workers have done, the last of them at random: made once, copied for every test."""

import itertools
import os
import random
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.doors.requester import Visitor, broker_on, person, work_through

ROWS = 60
TRUTH = {str(row): "bad" if row % 3 else "good" for row in range(1, ROWS + 1)}
numbers = itertools.count(1)


@dataclass
class World:
    """The job's path, its requester and workers as (person, token), and where a copy of it all is made from."""

    job: str
    ann: tuple[Any, str]
    crowd: list[tuple[Any, str]]
    folder: Path
    server: Any
    template: str

    @contextmanager
    def copied(self, folder):
        """A broker on a copy."""
        shutil.copytree(self.folder, folder, dirs_exist_ok=True)
        name = f"copy_{os.getpid()}_{next(numbers)}"
        sqlite = f"sqlite:///{folder / self.template}"
        made = broker_on(self.server.create(name, self.template) if self.server else sqlite, folder)
        yield made
        made.store.close()
        if self.server is not None:
            self.server.drop(name)


@contextmanager
def built(folder, template, server):
    """The world on SQLite (from the file `template`), or on a PostgreSQL server."""
    name = "broker.sqlite3" if server is None else f"worked_{os.getpid()}"
    if server is None:
        shutil.copyfile(template, folder / name)
    broker = broker_on(f"sqlite:///{folder / name}" if server is None else server.create(name, template), folder)
    ann, crowd = Visitor(broker, "requester", credit=100_000_000), [person(broker, "worker") for _ in range(4)]
    job = ann.job()
    ann.upload(job, "reviews.csv", content())
    ann.described(job)
    ann.post(f"{job}/quality", redundancy="3", gold="column", gold_column="truth", gold_percent="10")
    assert ann.post(f"{job}/check").status_code == 303
    work_through(broker, number(broker, job), crowd, answer, random.Random(7))
    broker.store.close()
    yield World(job, (ann.person, ann.token), crowd, folder, server, name)
    if server is not None:
        server.drop(name)


def content():
    """Rows of which the first ten are gold; one would be a formula in a spreadsheet."""
    lines = ["id,text,truth,confidence"]
    for row, label in TRUTH.items():
        text = "=cmd|' /C calc'!A0" if row == "20" else f"Review {row}"
        lines.append(f"{row},{text},{label if int(row) <= 10 else ''},mine {row}")
    return "\n".join(lines).encode()


def answer(worker, payload, dice):
    """What this worker says of a row."""
    return TRUTH[payload["id"]] if worker < 3 else dice.choice(["good", "bad"])


def number(broker, job):
    """The row id of a job, by its path."""
    return broker.names("J").read(job.rpartition("/")[2])
