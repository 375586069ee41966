"""What admins read of workers: the list with their trust, and one worker's record."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from broker.rules import ledger
from broker.store.beliefs import Trust
from broker.store.db import Record, Unit
from broker.store.jobs import Job
from broker.store.money import Entry
from broker.store.people import Person
from broker.store.work import ANSWERED, Assignment, Hit, Turn, of_workers

# The only orders there are: what a visitor writes into an address never becomes SQL.
ORDERS: dict[str, sa.ColumnElement[Any]] = {
    "trust": sa.cast(Trust.mean, sa.Float),
    "gold": sa.cast(Trust.gold_right, sa.Float) / sa.func.nullif(Trust.gold_seen, 0),
    "answers": sa.cast(Trust.answers, sa.Integer),
    "time": sa.cast(Trust.median_seconds, sa.Float),
    "name": sa.func.lower(Person.name),
}


def matching(search: str) -> sa.ColumnElement[bool]:
    """People whose name, e-mail address or public id holds this text."""
    text = search.strip()
    found = [column.icontains(text, autoescape=True) for column in (Person.name, Person.email, Person.public_id)]
    return sa.or_(*found) if text else sa.true()


def workers(
    unit: Unit, order: str, *, down: bool, search: str = "", skip: int = 0, limit: int = 50
) -> list[tuple[Person, Trust | None]]:
    """Workers with the trust in them over all jobs; those without any come last."""
    query = (
        sa.select(Person, Trust)
        .outerjoin(Trust, sa.and_(Trust.worker_id == Person.id, Trust.job_id == 0))
        .where(sa.or_(Person.worker, Trust.worker_id.is_not(None)), matching(search))
    )
    key = ORDERS[order]
    sorted_by = (key.desc() if down else key.asc()).nulls_last()
    rows = unit.session.execute(query.order_by(sorted_by, Person.id).offset(skip).limit(limit))
    return [(row[0], row[1]) for row in rows]


def accounts(unit: Unit, *, search: str = "", before: int | None = None, limit: int = 50) -> Sequence[Person]:
    """All people, the newest first, those before this row id."""
    query = sa.select(Person).where(matching(search)).order_by(Person.id.desc()).limit(limit)
    return unit.session.scalars(query if before is None else query.where(Person.id < before)).all()


def trust_by_job(unit: Unit, worker_id: int, *, limit: int = 100) -> list[tuple[Trust, str]]:
    """The trust in a worker in each job, with the job's title, the latest first."""
    query = (
        sa.select(Trust, Job.title)
        .join(Job, Job.id == Trust.job_id)
        .where(Trust.worker_id == worker_id, Trust.job_id != 0)
        .order_by(Trust.at.desc(), Trust.job_id.desc())
        .limit(limit)
    )
    return [(row[0], row[1]) for row in unit.session.execute(query)]


def answers(unit: Unit, worker_id: int, *, gold: bool, limit: int = 50) -> list[Record]:
    """The worker's latest answers with job and HIT; only those on gold, which then come with the truth, if asked."""
    wanted = sa.and_(Assignment.gold, Assignment.score.is_not(None)) if gold else sa.true()
    query = (
        sa.select(Assignment, Hit.gold.label("truth"), Hit.row, Job)
        .join(Hit, Hit.id == Assignment.hit_id)
        .join(Job, Job.id == Assignment.job_id)
        .where(of_workers(unit, worker_id), wanted, Assignment.state.in_(ANSWERED))
        .order_by(Assignment.id.desc())
        .limit(limit)
    )
    return list(unit.session.execute(query))


def turn_counts(unit: Unit, worker_id: int) -> dict[str, int]:
    """How many assignments of the worker are in each state."""
    query = sa.select(Assignment.state, sa.func.count()).where(of_workers(unit, worker_id))
    rows = unit.session.execute(query.group_by(Assignment.state))
    return {str(Turn(row[0])): int(row[1]) for row in rows}


def earned(unit: Unit, worker_id: int) -> int:
    """All rewards and bonuses the worker ever got, in micro-units."""
    earned_by = sa.or_(Entry.ref.startswith("reward:"), Entry.ref.startswith("bonus:"))
    query = sa.select(sa.func.sum(Entry.amount)).where(Entry.target == ledger.person(worker_id), earned_by)
    return int(unit.session.scalar(query) or 0)
