"""What a job has brought so far: its answers over time, its workers, each HIT's consensus beside its answers."""

import statistics

import sqlalchemy as sa

from broker.store.db import Unit
from broker.store.jobs import Job
from broker.store.work import Assignment

FEWEST_TIMED, MOST_TIMED = 20, 500


def median_seconds(unit: Unit, requester_id: int, kind: str) -> float | None:
    """The median time of one answer in the requester's latest work of a kind; None if there is too little of it."""
    query = (
        sa.select(Assignment.seconds)
        .join(Job, Job.id == Assignment.job_id)
        .where(Job.requester_id == requester_id, Job.kind == kind, Assignment.seconds.is_not(None))
        .order_by(Assignment.id.desc())
        .limit(MOST_TIMED)
    )
    times = [one for one in unit.session.scalars(query) if one is not None]
    return statistics.median(times) if len(times) >= FEWEST_TIMED else None
