"""The life of assignments: leases, answers, judgement, decision."""

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from broker.store.db import Record, Unit
from broker.store.work import Assignment, Hit, Turn, is_active, is_in


def held(unit: Unit, job_id: int, worker_id: int) -> list[Record]:
    """The worker's accepted assignments in this job with their payloads, the oldest first."""
    query = (
        sa.select(Assignment.id, Assignment.hit_id, Assignment.deadline, Assignment.reward, Hit.payload)
        .join(Hit, Hit.id == Assignment.hit_id)
        .where(Assignment.worker_id == worker_id, Assignment.job_id == job_id, is_in(Turn.ACCEPTED))
        .order_by(Assignment.id)
    )
    return list(unit.session.execute(query))


def held_anywhere(unit: Unit, worker_id: int) -> list[Record]:
    """All that the worker holds, locked, in the order in which the sweep locks: (id, hit_id, job_id, gold)."""
    query = (
        sa.select(Assignment.id, Assignment.hit_id, Assignment.job_id, Assignment.gold)
        .where(Assignment.worker_id == worker_id, is_in(Turn.ACCEPTED))
        .order_by(Assignment.job_id, Assignment.id)
        .with_for_update(of=Assignment)
    )
    return list(unit.session.execute(query))


def assignment(unit: Unit, assignment_id: int, worker_id: int) -> Assignment | None:
    """The worker's own assignment; None for a stranger's."""
    mine = sa.select(Assignment).where(Assignment.id == assignment_id, Assignment.worker_id == worker_id)
    return unit.session.scalar(mine.execution_options(populate_existing=True))


def hold(unit: Unit, assignment_id: int) -> Assignment | None:
    """An assignment, held till the end of the unit."""
    query = sa.select(Assignment).where(Assignment.id == assignment_id).with_for_update()
    return unit.session.scalar(query.execution_options(populate_existing=True))


def item(unit: Unit, hit_id: int) -> dict[str, Any]:
    """The item of a HIT."""
    payload: dict[str, Any] = unit.session.scalars(sa.select(Hit.payload).where(Hit.id == hit_id)).one()
    return payload


def active(unit: Unit, hit_id: int, worker_id: int) -> bool:
    """Whether the worker has a turn at this HIT that was not given back or abandoned."""
    mine = sa.select(Assignment.id).where(Assignment.hit_id == hit_id, Assignment.worker_id == worker_id, is_active())
    return unit.session.connection().execute(mine).first() is not None


def move(unit: Unit, assignment_id: int, worker_id: int, old: Turn, new: Turn, **values: Any) -> bool:
    """Take the worker's assignment from the old state to the new one, if it still is in the old one."""
    change = sa.update(Assignment).where(
        Assignment.id == assignment_id, Assignment.worker_id == worker_id, Assignment.state == old
    )
    return unit.won(change.values(state=new, **values))


def renew(unit: Unit, assignment_id: int, worker_id: int, deadline: dt.datetime, now: dt.datetime) -> bool:
    """Move the deadline of a lease that still runs."""
    change = sa.update(Assignment).where(
        Assignment.id == assignment_id,
        Assignment.worker_id == worker_id,
        is_in(Turn.ACCEPTED),
        Assignment.deadline > now,
    )
    return unit.won(change.values(deadline=deadline))


def lapsed(unit: Unit, now: dt.datetime, job_id: int | None = None, *, limit: int = 500) -> list[Record]:
    """Leases that have run out, in one job or in all, locked: (id, hit_id, job_id, gold)."""
    query = (
        sa.select(Assignment.id, Assignment.hit_id, Assignment.job_id, Assignment.gold)
        .where(
            is_in(Turn.ACCEPTED),
            Assignment.deadline <= now,
            sa.true() if job_id is None else Assignment.job_id == job_id,
        )
        .order_by(Assignment.job_id, Assignment.id)
        .limit(limit)
        .with_for_update(skip_locked=True, of=Assignment)
    )
    return list(unit.session.execute(query))


def any_lapsed(unit: Unit, now: dt.datetime) -> bool:
    """Whether a lease has run out."""
    query = sa.select(Assignment.id).where(is_in(Turn.ACCEPTED), Assignment.deadline <= now).limit(1)
    return unit.session.execute(query).first() is not None


def abandon(unit: Unit, assignment_id: int, now: dt.datetime) -> bool:
    """End a lease that ran out, if it was neither submitted nor renewed meanwhile."""
    change = sa.update(Assignment).where(
        Assignment.id == assignment_id, is_in(Turn.ACCEPTED), Assignment.deadline <= now
    )
    return unit.won(change.values(state=Turn.ABANDONED, decided_at=now))


def unjudged(unit: Unit, job_id: int, *, limit: int) -> list[Record]:
    """Submitted answers that nobody has looked at yet, with their HIT's gold, the oldest first, locked."""
    query = (
        sa.select(
            *(Assignment.id, Assignment.hit_id, Assignment.worker_id, Assignment.answer, Assignment.gold),
            Hit.gold.label("truth"),
        )
        .join(Hit, Hit.id == Assignment.hit_id)
        .where(Assignment.job_id == job_id, is_in(Turn.SUBMITTED), ~Assignment.judged)
        .order_by(Assignment.id)
        .limit(limit)
        .with_for_update(of=Assignment)
    )
    return list(unit.session.execute(query))


def jobs_with_unjudged(unit: Unit) -> list[int]:
    """The jobs that have submitted answers nobody has looked at yet."""
    query = sa.select(Assignment.job_id).where(is_in(Turn.SUBMITTED), ~Assignment.judged).distinct()
    return list(unit.session.scalars(query))


def undecided(unit: Unit, job_id: int, *, limit: int) -> list[Record]:
    """Judged answers that are neither approved nor rejected, the oldest first, locked."""
    query = (
        sa.select(Assignment.id, Assignment.worker_id, Assignment.reward)
        .where(Assignment.job_id == job_id, is_in(Turn.SUBMITTED), Assignment.judged, Assignment.approve_at.is_(None))
        .order_by(Assignment.id)
        .limit(limit)
        .with_for_update()
    )
    return list(unit.session.execute(query))


def approve(unit: Unit, assignment_ids: list[int], now: dt.datetime) -> int:
    """Approve those of these that are still submitted; how many."""
    change = sa.update(Assignment).where(Assignment.id.in_(assignment_ids), is_in(Turn.SUBMITTED))
    return unit.changed(change.values(state=Turn.APPROVED, decided_at=now))


def set_due(unit: Unit, assignment_ids: Sequence[int], seconds: int) -> None:
    """Let these submitted answers be approved by themselves so long after their submission."""
    mine = sa.update(Assignment).where(Assignment.id.in_(assignment_ids), is_in(Turn.SUBMITTED))
    submitted = sa.type_coerce(Assignment.submitted_at, sa.BigInteger)
    due = sa.type_coerce(submitted + seconds * 1_000_000, Assignment.approve_at.type)
    unit.changed(mine.values(approve_at=due))


def answers_of(unit: Unit, job_id: int, *, latest: int | None = None) -> Sequence[Record]:
    """The job's answers that nobody rejected, in the order of their assignments, each with its HIT's gold; or only the
    `latest` of them, from the newest on.
    """
    query = (
        sa.select(
            Assignment.hit_id,
            Assignment.worker_id,
            Assignment.answer,
            Assignment.score,
            Assignment.seconds,
            Assignment.gold,
            Hit.gold.label("truth"),
        )
        .join(Hit, Hit.id == Assignment.hit_id)
        .where(Assignment.job_id == job_id, Assignment.state.in_((Turn.SUBMITTED, Turn.APPROVED)))
        .order_by(Assignment.id if latest is None else Assignment.id.desc())
        .limit(latest)
    )
    return unit.session.execute(query).all()


def outstanding(unit: Unit, job_id: int) -> int:
    """Turns of the job that may still cost money: accepted or submitted."""
    query = sa.select(sa.func.count()).where(
        Assignment.job_id == job_id, Assignment.state.in_((Turn.ACCEPTED, Turn.SUBMITTED))
    )
    return int(unit.session.connection().execute(query).scalar_one())


def note_scores(unit: Unit, scores: Mapping[int, float | None]) -> None:
    """Note that these assignments were judged, and the score of those on gold: one statement for each score."""
    alike: dict[float | None, list[int]] = defaultdict(list)
    for assignment_id, score in scores.items():
        alike[score].append(assignment_id)
    for score, ids in alike.items():
        unit.changed(sa.update(Assignment).where(Assignment.id.in_(ids)).values(judged=True, score=score))
