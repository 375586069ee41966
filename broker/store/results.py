"""What a job has brought so far: its answers over time, its workers, each item's consensus beside its answers."""

import json
import statistics
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from broker.store.beliefs import Consensus, Trust
from broker.store.db import Record, Unit
from broker.store.jobs import Job
from broker.store.people import Person
from broker.store.talk import Report
from broker.store.work import ANSWERED, Assignment, Hit

FEWEST_TIMED, MOST_TIMED = 20, 500
HOUR = 3_600_000_000
MOST_WORKERS = 200


class Order(StrEnum):
    """How a job's items are sorted."""

    ROW = "row"
    LEAST_SURE = "least"
    MOST_SURE = "most"


@dataclass(frozen=True)
class Wish:
    """Which of a job's items are wanted: of which aggregation, with which label, how sorted, after which one."""

    aggregation: int | None = None
    label: str = ""
    order: Order = Order.ROW
    after: tuple[float, int] | None = None
    gold: bool = True
    limit: int = 50


def median_seconds(unit: Unit, requester_id: int, kind: str) -> float | None:
    """The median time of one answer in the requester's latest work of a kind; None if there is too little of it."""
    query = (
        sa.select(Assignment.seconds)
        .join(Job, Job.id == Assignment.job_id)
        .where(Job.requester_id == requester_id, Job.kind.in_([kind]), Assignment.seconds.is_not(None))
        .order_by(Assignment.id.desc())
        .limit(MOST_TIMED)
    )
    times = [one for one in unit.session.scalars(query) if one is not None]
    return statistics.median(times) if len(times) >= FEWEST_TIMED else None


def answers_by_hour(unit: Unit, job_id: int, *, hours: int = 24 * 14) -> list[tuple[int, int]]:
    """How many answers came in each hour that had any: (hours since 1970, answers), the latest `hours` of them."""
    hour = (sa.type_coerce(Assignment.submitted_at, sa.BigInteger) // HOUR).label("hour")
    query = (
        sa.select(hour, sa.func.count())
        .where(Assignment.job_id == job_id, Assignment.state.in_(ANSWERED))
        .group_by(hour)
        .order_by(hour.desc())
        .limit(hours)
    )
    return [(int(row[0]), int(row[1])) for row in unit.session.execute(query)][::-1]


def workers(unit: Unit, job_id: int) -> list[tuple[Record, Trust | None]]:
    """Who works on the job: (public_id, answers), the busiest first, with the trust in them."""
    count = sa.func.count().label("answers")
    query = (
        sa.select(Person.id, Person.public_id, count)
        .join(Assignment, Assignment.worker_id == Person.id)
        .where(Assignment.job_id == job_id, Assignment.state.in_(ANSWERED))
        .group_by(Person.id, Person.public_id)
        .order_by(count.desc(), Person.id)
        .limit(MOST_WORKERS)
    )
    found = list(unit.session.execute(query))
    ids = [row.id for row in found]
    trusted = sa.select(Trust).where(Trust.job_id == job_id, Trust.worker_id.in_(ids))
    trust = {one.worker_id: one for one in unit.session.scalars(trusted)}
    return [(row, trust.get(row.id)) for row in found]


def worker_count(unit: Unit, job_id: int) -> int:
    """How many people have answered in the job."""
    query = sa.select(sa.func.count(Assignment.worker_id.distinct()))
    return int(unit.session.scalar(query.where(Assignment.job_id == job_id, Assignment.state.in_(ANSWERED))) or 0)


def reports(unit: Unit, job_id: int, *, limit: int = 50) -> list[Record]:
    """The job's problem reports with their row and worker, the latest first."""
    query = (
        sa.select(Report.text, Report.at, Hit.row, Person.public_id)
        .join(Hit, Hit.id == Report.hit_id)
        .join(Person, Person.id == Report.worker_id)
        .where(Report.job_id == job_id)
        .order_by(Report.id.desc())
        .limit(limit)
    )
    return list(unit.session.execute(query))


def items(unit: Unit, job_id: int, wish: Wish) -> list[Record]:
    """Items with their consensus, if they have one: (id, row, payload, gold, answer, confidence, undecided)."""
    belief = sa.and_(Consensus.hit_id == Hit.id, Consensus.aggregation_id == (wish.aggregation or 0))
    # Sorted by confidence, items without a consensus have no place.
    outer = wish.order == Order.ROW and not wish.label
    query = (
        sa.select(Hit.id, Hit.row, Hit.payload, Hit.gold, Consensus.answer, Consensus.confidence, Consensus.undecided)
        .join(Consensus, belief, isouter=outer)
        .where(Hit.job_id == job_id)
        .limit(wish.limit)
    )
    if not wish.gold:
        query = query.where(Hit.gold_no.is_(None))
    if wish.label:
        query = query.where(_holds(wish.label))
    after, order = _sorted(wish)
    return list(unit.session.execute(query.where(*after).order_by(*order)))


def _holds(label: str) -> sa.ColumnElement[bool]:
    """The consensus has this label: as a value in its JSON, never as a name of one."""
    text, value = sa.cast(Consensus.answer, sa.Text), json.dumps(label, ensure_ascii=False)
    return sa.or_(*(text.contains(value + end, autoescape=True) for end in ",]}"))


def _sorted(wish: Wish) -> tuple[list[sa.ColumnElement[bool]], list[sa.ColumnElement[Any]]]:
    """What comes after the cursor, and in which order."""
    confidence = sa.func.coalesce(Consensus.confidence, 0.0)
    by_row: list[sa.ColumnElement[Any]] = [Hit.row.asc()]
    if wish.order == Order.ROW:
        return [Hit.row > wish.after[1]] if wish.after else [], by_row
    rising = wish.order == Order.LEAST_SURE
    order: list[sa.ColumnElement[Any]] = [confidence.asc() if rising else confidence.desc(), *by_row]
    if wish.after is None:
        return [], order
    sure, last = wish.after
    further = confidence > sure if rising else confidence < sure
    return [sa.or_(further, sa.and_(confidence == sure, Hit.row > last))], order


def answers(unit: Unit, hit_ids: Sequence[int]) -> dict[int, list[Record]]:
    """The answers to these HITs in the order they came: (hit_id, public_id, answer, seconds, submitted_at)."""
    query = (
        sa.select(Assignment.hit_id, Person.public_id, Assignment.answer, Assignment.seconds, Assignment.submitted_at)
        .join(Person, Person.id == Assignment.worker_id)
        .where(Assignment.hit_id.in_(hit_ids), Assignment.state.in_(ANSWERED))
        .order_by(Assignment.submitted_at, Assignment.id)
    )
    found: dict[int, list[Record]] = defaultdict(list)
    for row in unit.session.execute(query):
        found[row.hit_id].append(row)
    return found
