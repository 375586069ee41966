"""What the frame of a HIT shows: an assignment's item, with the job's kind and settings."""

from typing import Any, NamedTuple

import sqlalchemy as sa

from broker.store.db import Unit
from broker.store.jobs import Job
from broker.store.people import Person
from broker.store.work import Assignment, Hit


class Framed(NamedTuple):
    """An assignment with its item (gold's truth among its columns) and what its job makes of it."""

    worker_id: int
    worker: str
    hit_id: int
    job_id: int
    state: str
    payload: dict[str, Any]
    kind: str
    settings: dict[str, Any]
    gold_column: str


def framed(unit: Unit, assignment_id: int) -> Framed | None:
    """The assignment, whoever's it is; `worker` is the public id."""
    query = (
        sa.select(
            *(Assignment.worker_id, Person.public_id, Assignment.hit_id, Assignment.job_id, Assignment.state),
            *(Hit.payload, Job.kind, Job.settings, Job.gold_column),
        )
        .join(Hit, Hit.id == Assignment.hit_id)
        .join(Job, Job.id == Assignment.job_id)
        .join(Person, Person.id == Assignment.worker_id)
        .where(Assignment.id == assignment_id)
    )
    row = unit.session.execute(query).one_or_none()
    return Framed(*row) if row is not None else None
