"""What jobs require of workers, what workers are, and which requirements a worker does not meet.

A job's requirements stand in its own row, which every claim reads anyway: a job without any pays nothing for them.
"""

import datetime as dt
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from broker.rules import qualification
from broker.rules.qualification import Act, Leniency, Locale, Requirement, Standing, System
from broker.store.db import Rows, Unit
from broker.store.jobs import Job
from broker.store.qualifications import Qualification, QualificationType
from broker.store.work import Assignment, Hit, Turn, of_workers

FRESH = dt.timedelta(seconds=60)
"""For how long a worker's counted turns are believed."""
MOST_TURNS = 10_000
"""Of a worker's turns, the latest that are counted."""


class RequiredType(Rows):
    """A qualification type that a job requires; `name` is its public id, by which the job's requirements call it."""

    __tablename__ = "required_types"

    job_id: Mapped[int] = mapped_column(sa.ForeignKey("jobs.id"), primary_key=True)
    type_id: Mapped[int] = mapped_column(sa.ForeignKey("qualification_types.id"), primary_key=True, index=True)
    name: Mapped[str] = mapped_column(sa.String(64))


class Profile(Rows):
    """What a worker says of themselves, and how many of their latest turns had ended how when they were counted."""

    __tablename__ = "profiles"

    worker_id: Mapped[int] = mapped_column(sa.ForeignKey("people.id"), primary_key=True)
    country: Mapped[str] = mapped_column(sa.String(2), default="", server_default="")
    subdivision: Mapped[str] = mapped_column(sa.String(3), default="", server_default="")
    adult: Mapped[bool] = mapped_column(default=False, server_default=sa.false())
    turns: Mapped[list[Any]] = mapped_column(default=list)
    """Approved, rejected, submitted, returned, abandoned."""
    counted_at: Mapped[dt.datetime | None]


_ENDS = (Turn.APPROVED, Turn.REJECTED, Turn.SUBMITTED, Turn.RETURNED, Turn.ABANDONED)
_COUNTED = frozenset(System) - {System.LOCALE, System.ADULT, System.MASTERS, System.SANDBOX_MASTERS}


@dataclass(frozen=True)
class Lack:
    """A requirement that a worker does not meet; `type_id` is the type's row, None for a system's."""

    requirement: Requirement
    type_id: int | None
    name: str
    requestable: bool = False

    def __str__(self) -> str:
        return qualification.said(self.requirement, self.name)


class Demanding(Protocol):
    """A job, or as much of its row as says what it requires."""

    id: Any
    requirements: Any


def of_job(job: Demanding) -> list[Requirement]:
    """What the job requires, in the order it was said."""
    return [qualification.parse(one) for one in job.requirements or ()]


def remove(unit: Unit, job_id: int) -> None:
    """Forget what a draft that is deleted requires."""
    unit.changed(sa.delete(RequiredType).where(RequiredType.job_id == job_id))


def require(unit: Unit, job: Job, requirements: Sequence[Requirement], types: Mapping[str, int]) -> None:
    """Let the job require exactly this; `types` are the row ids of the types that are named."""
    told = [qualification.dump(one) for one in requirements] or None
    if job.requirements != told:
        unit.changed(sa.delete(RequiredType).where(RequiredType.job_id == job.id))
        job.requirements = told
        unit.session.flush()
    for name in sorted({one.type for one in requirements} & types.keys()):
        unit.insert_once(RequiredType, job_id=job.id, type_id=types[name], name=name)


def hit_requires(type_id: int) -> sa.ColumnElement[bool]:
    """The HIT's job requires this type."""
    return sa.exists().where(RequiredType.job_id == Hit.job_id, RequiredType.type_id == type_id)


def profile(unit: Unit, worker_id: int) -> Profile:
    """What the worker said of themselves; nothing, if they never did."""
    found = unit.session.get(Profile, worker_id, populate_existing=True)
    return found or Profile(worker_id=worker_id, country="", subdivision="", adult=False, turns=[], counted_at=None)


def keep_profile(unit: Unit, worker_id: int, locale: Locale | None, *, adult: bool) -> None:
    """Write what the worker says of themselves."""
    mine = _own(unit, worker_id)
    mine.country = locale.country if locale else ""
    mine.subdivision = locale.subdivision if locale else ""
    mine.adult = adult
    unit.session.flush()


def _own(unit: Unit, worker_id: int) -> Profile:
    unit.insert_once(Profile, worker_id=worker_id, country="", subdivision="", adult=False, turns=[])
    return profile(unit, worker_id)


def standing(unit: Unit, worker_id: int, now: dt.datetime, *, counted: bool, keep: bool) -> Standing:
    """The worker as system qualifications see them; their turns only if they are `counted`.

    A count is kept for a minute (if `keep`, in a unit that writes): veterans have many turns, and take many more.
    """
    mine = profile(unit, worker_id)
    turns = [0] * len(_ENDS)
    if counted:
        fresh = mine.counted_at is not None and mine.counted_at > now - FRESH
        turns = list(mine.turns) if fresh else _count(unit, worker_id)
        if keep and not fresh:
            kept = _own(unit, worker_id)
            kept.turns, kept.counted_at = turns, now
    locale = Locale(mine.country, mine.subdivision) if mine.country else None
    approved, rejected, waiting, returned, abandoned = turns
    return Standing(approved, rejected, waiting, returned, abandoned, locale=locale, adult=mine.adult)


def _count(unit: Unit, worker_id: int) -> list[int]:
    latest = (
        sa.select(Assignment.state)
        .where(of_workers(unit, worker_id))
        .order_by(Assignment.id.desc())
        .limit(MOST_TURNS)
        .subquery()
    )
    rows = unit.session.execute(sa.select(latest.c.state, sa.func.count()).group_by(latest.c.state))
    found = Counter({row[0]: row[1] for row in rows})
    return [found[state] for state in _ENDS]


def lacks(
    unit: Unit, jobs: Sequence[Demanding], worker_id: int, how: Leniency, now: dt.datetime, *, keep: bool = False
) -> dict[int, list[Lack]]:
    """For each of these jobs what the worker lacks: nothing where they may do everything.

    Three statements at most, whatever is required; none for jobs that require nothing.
    """
    required = {job.id: of_job(job) for job in jobs}
    every = {one.type for ones in required.values() for one in ones}
    if not every:
        return {job_id: [] for job_id in required}
    own = _own_types(unit, worker_id, required) if every - qualification.SYSTEM else {}
    who = Standing()
    if every & qualification.SYSTEM:
        who = standing(unit, worker_id, now, counted=bool(every & _COUNTED), keep=keep)
    return {
        job_id: [lack for one in ones if (lack := _lack(one, own.get(one.type), who, how)) is not None]
        for job_id, ones in required.items()
    }


@dataclass(frozen=True)
class _Own:
    """A type of ours that is required, and the worker's value of it."""

    made: QualificationType
    value: int | None


def _own_types(unit: Unit, worker_id: int, job_ids: Collection[int]) -> dict[str, _Own]:
    mine = sa.and_(
        Qualification.type_id == RequiredType.type_id,
        Qualification.worker_id == worker_id,
        Qualification.revoked_at.is_(None),
    )
    query = (
        sa.select(RequiredType.name, QualificationType, Qualification.value)
        .join(QualificationType, QualificationType.id == RequiredType.type_id)
        .outerjoin(Qualification, mine)
        .where(RequiredType.job_id.in_(list(job_ids)))
    )
    return {row[0]: _Own(row[1], row[2]) for row in unit.session.execute(query)}


def _lack(one: Requirement, own: _Own | None, who: Standing, how: Leniency) -> Lack | None:
    if one.type in qualification.SYSTEM:
        met = qualification.system_met(one, who, how)
        return None if met else Lack(one, None, qualification.NAMES[one.type])
    if qualification.met(one, own.value if own else None):
        return None
    if own is None:
        return Lack(one, None, one.type)
    return Lack(one, own.made.id, own.made.name, requestable=own.made.active and own.made.disposed_at is None)


def names(unit: Unit, job: Job) -> dict[str, str]:
    """What the types that the job requires are called, by the ids that its requirements call them by."""
    query = (
        sa.select(RequiredType.name, QualificationType.name)
        .join(QualificationType, QualificationType.id == RequiredType.type_id)
        .where(RequiredType.job_id == job.id)
    )
    return {**qualification.NAMES, **{row[0]: row[1] for row in unit.session.execute(query)}}


def barred(lacking: Sequence[Lack], act: Act) -> bool:
    """Whether a worker who lacks this may not do that."""
    return qualification.forbidden([one.requirement.guard for one in lacking], act)


def may_accept(unit: Unit, job: Job, worker_id: int, how: Leniency, now: dt.datetime) -> bool:
    """Whether the worker may take HITs of the job; asks the database only where the job requires something."""
    if not job.requirements:
        return True
    return not barred(lacks(unit, [job], worker_id, how, now, keep=True)[job.id], Act.ACCEPT)
