"""What the results file of a batch is made of: assignments with their HITs, workers' records with a requester."""

import datetime as dt
from collections import defaultdict
from collections.abc import Collection
from typing import Any, NamedTuple

import sqlalchemy as sa

from broker.store.db import Record, Unit
from broker.store.jobs import Job
from broker.store.people import Person
from broker.store.reviews import Decision
from broker.store.work import ANSWERED, Assignment, Hit, Turn, of_workers

DECIDED = (Turn.APPROVED, Turn.REJECTED)


class Line(NamedTuple):
    """One answered assignment of a batch."""

    id: int
    hit_id: int
    row: int
    payload: dict[str, Any]
    worker_id: int
    worker: str
    state: str
    accepted_at: dt.datetime
    submitted_at: dt.datetime
    decided_at: dt.datetime | None
    seconds: float | None
    reward: int
    answer: dict[str, Any]
    feedback: str


def lines(unit: Unit, job_id: int, after: tuple[int, int], limit: int) -> list[Line]:
    """Answered assignments in the order of the batch's rows, past one (row, id)."""
    row, last = after
    said = (
        sa.select(Decision.feedback)
        .where(Decision.assignment_id == Assignment.id)
        .order_by(Decision.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    query = (
        sa.select(
            *(Assignment.id, Assignment.hit_id, Hit.row, Hit.payload, Assignment.worker_id, Person.public_id),
            *(Assignment.state, Assignment.accepted_at, Assignment.submitted_at, Assignment.decided_at),
            *(Assignment.seconds, Assignment.reward, Assignment.answer, sa.func.coalesce(said, "")),
        )
        .join(Hit, Hit.id == Assignment.hit_id)
        .join(Person, Person.id == Assignment.worker_id)
        .where(Assignment.job_id == job_id, Assignment.state.in_(ANSWERED))
        .where(sa.or_(Hit.row > row, sa.and_(Hit.row == row, Assignment.id > last)))
        .order_by(Hit.row, Assignment.id)
        .limit(limit)
    )
    found: list[Record] = list(unit.session.execute(query))
    return [Line(*one) for one in found]


def records(unit: Unit, requester_id: int, workers: Collection[int], since: dt.datetime | None) -> dict[int, Any]:
    """How many of the workers' answers to a requester were approved, and how many decided, since a moment or ever."""
    approved = sa.func.sum(sa.case((Assignment.state == Turn.APPROVED, 1), else_=0))
    query = (
        sa.select(Assignment.worker_id, approved, sa.func.count())
        .join(Job, Job.id == Assignment.job_id)
        .where(Job.requester_id == requester_id, of_workers(unit, *workers), Assignment.state.in_(DECIDED))
        .group_by(Assignment.worker_id)
    )
    found: list[Record] = list(
        unit.session.execute(query if since is None else query.where(Assignment.decided_at >= since))
    )
    return defaultdict(lambda: (0, 0)) | {row[0]: (int(row[1]), int(row[2])) for row in found}


def states(unit: Unit, job_id: int, assignment_ids: Collection[int]) -> dict[int, str]:
    """The states of these assignments, as far as they are answered ones of the job."""
    query = sa.select(Assignment.id, Assignment.state).where(
        Assignment.job_id == job_id, Assignment.id.in_(assignment_ids), Assignment.state.in_(ANSWERED)
    )
    return {row[0]: row[1] for row in unit.session.execute(query)}
