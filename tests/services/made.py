"""People, jobs and time made up for the tests of the walk."""

import datetime as dt
import itertools

from broker.rules import ledger
from broker.services import claim, judge, publish, settle, submit
from broker.store import dataset, errands, money, turns
from broker.store.errands import ErrandState
from broker.store.jobs import Job
from broker.store.people import Person

NOW = dt.datetime(2026, 1, 5, 12, tzinfo=dt.UTC)
SECRET = b"a secret that only the tests know, of 48 letters"
LABELS = ("cat", "dog", "bird")
LEASE = dt.timedelta(seconds=600)
RICH = 1_000_000 * ledger.UNIT
numbers = itertools.count(1)


def person(store, role, credit=0):
    """Somebody with this role, and money if wished: their row id."""
    name = f"{role}{next(numbers)}"
    with store.write() as unit:
        roles = {one: one == role for one in ("worker", "requester", "admin")}
        made = Person(
            public_id=name.upper(), email=f"{name}@example.org", name=name, password_hash="", created_at=NOW, **roles
        )
        unit.session.add(made)
        unit.session.flush()
        money.transfer(unit, ledger.deposit(made.id, credit, f"opening:{made.id}"), NOW)
    return made.id


def crowd(store, count):
    return [person(store, "worker") for _ in range(count)]


def choice(**settings):
    return {
        "media": "text",
        "field": "text",
        "question": "What is it about?",
        "labels": [{"name": name} for name in LABELS],
        **settings,
    }


def draft(store, requester, rows, *, golds=0, columns=("text", "truth"), **values):
    """A draft of `rows` ordinary rows and `golds` gold ones, whose truth is "cat": its row id."""
    task = {"title": "Animals", "kind": "choice", "settings": choice(), "gold_column": "truth" if golds else ""}
    plan = {"redundancy": 2, "gold_percent": 10 if golds else 0, "reward": 20_000, "lease_seconds": LEASE.seconds}
    with store.write() as unit:
        job = Job(
            requester_id=requester,
            columns=list(columns),
            created_at=NOW,
            **{**task, **plan, **values},
        )
        unit.session.add(job)
        unit.session.flush()
        items = [
            (row, {"text": f"text {row}", "truth": "cat" if row > rows else ""}) for row in range(1, rows + golds + 1)
        ]
        dataset.write(unit, job.id, items)
    return job.id


def published(store, rows, *, golds=0, **values):
    """An open job of a requester who can pay for it: (job id, requester id)."""
    requester = person(store, "requester", RICH)
    job = draft(store, requester, rows, golds=golds, **values)
    with store.write() as unit:
        publish.publish(unit, job, requester, NOW)
    return job, requester


def take(store, job, worker, now=NOW, have=()):
    with store.write() as unit:
        return claim.claim(unit, job, worker, have, now, SECRET)


def answer(store, assignment, worker, label="cat", now=NOW, seconds=3.0):
    with store.write() as unit:
        return submit.submit(unit, assignment, worker, {"category": {"label": label}}, seconds, now)


def work(store, job, worker, now=NOW, label="cat"):
    """The worker answers until nothing is left for them; how many."""
    for count in itertools.count():
        offer = take(store, job, worker, now)
        if offer is None:
            return count
        answer(store, offer.assignment_id, worker, label, now)
    return None


ERRANDS = {"judge": (judge.judge, judge.BATCH), "settle": (settle.settle, settle.BATCH), "conclude": (lambda *_: 0, 1)}
"""By name what an errand does in one transaction, and how many of it mean that there may be more."""


def run_errands(store, now=NOW):
    """What the clock and the errands' workers do, at once."""
    with store.write() as unit:
        for job in turns.jobs_with_unjudged(unit):
            errands.later(unit, "judge", job, now)
    for queue in (*errands.QUEUES, *errands.QUEUES):
        while _run_one(store, queue, now):
            continue


def _run_one(store, queue, now):
    with store.write() as unit:
        errand = errands.take(unit, queue, now)
    if errand is None:
        return False
    deed, most = ERRANDS[errand.name]
    while _done(store, deed, errand.subject, now) >= most:
        continue
    with store.write() as unit:
        errands.finish(unit, errand.id, ErrandState.DONE, "", now)
    return True


def _done(store, deed, subject, now):
    with store.write() as unit:
        return deed(unit, subject, now)


def sweep(store, now):
    with store.write() as unit:
        return submit.sweep(unit, now)


def job_row(store, job):
    with store.read() as unit:
        return unit.session.get(Job, job)
