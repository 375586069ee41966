"""The job that the chaos is about, and the people in it."""

from dataclasses import dataclass

import sqlalchemy as sa
from argon2 import PasswordHasher

from broker.rules import lease, ledger
from broker.services import publish
from broker.store import jobs, tables
from broker.store.jobs import Job
from broker.store.people import Person
from broker.wiring import utc_now
from tests.chaos.browser import PASSWORD
from tests.chaos.crowd import LABELS
from tests.services import made


@dataclass(frozen=True)
class World:
    """The row ids of what was made; workers with their e-mail addresses."""

    job: int
    requester: int
    workers: dict


def build(store, *, hits, workers, lease_seconds, redundancy=3, golds=20):
    """A published job with gold, and its crowd. Its leases are shorter than a plan may ask for: tests are."""
    tables.know_all()
    requester = made.person(store, "requester", 1000 * ledger.UNIT)
    task = made.choice(labels=[{"name": name} for name in LABELS])
    plan = {"redundancy": redundancy, "gold_percent": 10, "reward": 1000}
    job = made.draft(store, requester, hits, golds=golds, settings=task, **plan)
    crowd = made.crowd(store, workers)
    # Fewest rounds: the cost of a password is no part of what is tested, and a hash says how it is verified.
    password = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    with store.write() as unit:
        publish.publish(unit, job, requester, utc_now())
        _lease(unit, job, lease_seconds)
        unit.session.execute(sa.update(Person).where(Person.id.in_(crowd)).values(password_hash=password))
        people = unit.session.execute(sa.select(Person.id, Person.email).where(Person.id.in_(crowd))).all()
    return World(job, requester, {row.id: row.email for row in people})


def ask_for_more(store, job):
    """Have the requester ask for one more answer to each HIT of this job."""
    with store.write() as unit:
        jobs.own_job(unit, job.id, job.requester_id, lock=True)  # the strongest lock first, or claims would deadlock
        _lease(unit, job.id, lease.SHORTEST)
        publish.add_answers(unit, job.id, job.requester_id, 1, utc_now())
        _lease(unit, job.id, job.lease_seconds)


def _lease(unit, job, seconds):
    unit.session.execute(sa.update(Job).where(Job.id == job).values(lease_seconds=seconds))
