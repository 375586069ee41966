"""What jobs require of workers, what workers are, and which requirements a worker does not meet.

A job without requirements says so in its own row (`guarded`), so that none of this costs it anything.
"""

import datetime as dt
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from broker.rules import qualification
from broker.rules.qualification import Act, Comparator, Guard, Leniency, Locale, Requirement, Standing, System
from broker.store import qualifications
from broker.store.db import Rows, Unit, key
from broker.store.jobs import Job
from broker.store.work import Assignment, Turn

FRESH = dt.timedelta(seconds=60)
"""For how long a worker's counted turns are believed."""
MOST_TURNS = 10_000
"""Of a worker's turns, the latest that are counted."""


class Required(Rows):
    """A requirement of a job: of a type of ours, or of a system qualification."""

    __tablename__ = "requirements"

    id: Mapped[key]
    job_id: Mapped[int] = mapped_column(sa.ForeignKey("jobs.id"), index=True)
    type_id: Mapped[int | None] = mapped_column(sa.ForeignKey("qualification_types.id"), index=True)
    system: Mapped[str] = mapped_column(sa.String(40), default="")
    comparator: Mapped[str] = mapped_column(sa.String(30))
    integers: Mapped[list[Any]] = mapped_column(default=list)
    locales: Mapped[list[Any]] = mapped_column(default=list)
    guard: Mapped[str] = mapped_column(sa.String(30))


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


def _requirement(row: Required) -> Requirement:
    return Requirement(
        row.system,
        Comparator(row.comparator),
        tuple(row.integers),
        tuple(Locale(*one) for one in row.locales),
        Guard(row.guard),
    )


def of_jobs(unit: Unit, job_ids: Collection[int]) -> dict[int, list[tuple[int | None, Requirement]]]:
    """What each of these jobs requires, with the row id of the type (None: a system's), in the order it was said."""
    query = sa.select(Required).where(Required.job_id.in_(job_ids)).order_by(Required.id)
    found: dict[int, list[tuple[int | None, Requirement]]] = {job_id: [] for job_id in job_ids}
    for row in unit.session.scalars(query):
        found[row.job_id].append((row.type_id, _requirement(row)))
    return found


def require(unit: Unit, job: Job, requirements: Sequence[tuple[int | None, Requirement]]) -> None:
    """Let the job require exactly this; what is of a type of ours names its row id."""
    unit.changed(sa.delete(Required).where(Required.job_id == job.id))
    for type_id, one in requirements:
        row = Required(job_id=job.id, type_id=type_id, system=one.type if type_id is None else "")
        row.comparator, row.guard = one.comparator, one.guard
        row.integers = list(one.integers)
        row.locales = [[place.country, place.subdivision] for place in one.locales]
        unit.session.add(row)
    job.guarded = bool(requirements)
    unit.session.flush()


def jobs_requiring(unit: Unit, type_id: int, owner_id: int, *, after: int = 0, limit: int = 100) -> list[int]:
    """The row ids of this requester's jobs that require the type."""
    query = (
        sa.select(Job.id)
        .where(Job.requester_id == owner_id, Job.id > after)
        .where(sa.exists().where(Required.job_id == Job.id, Required.type_id == type_id))
    )
    return list(unit.session.scalars(query.order_by(Job.id).limit(limit)))


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
    return Standing(*turns, locale=locale, adult=mine.adult)


def _count(unit: Unit, worker_id: int) -> list[int]:
    latest = (
        sa.select(Assignment.state)
        .where(Assignment.worker_id == worker_id)
        .order_by(Assignment.id.desc())
        .limit(MOST_TURNS)
        .subquery()
    )
    rows = unit.session.execute(sa.select(latest.c.state, sa.func.count()).group_by(latest.c.state))
    found = Counter({row[0]: row[1] for row in rows})
    return [found[state] for state in _ENDS]


def lacks(
    unit: Unit, job_ids: Collection[int], worker_id: int, how: Leniency, now: dt.datetime, *, keep: bool = False
) -> dict[int, list[Lack]]:
    """For each of these jobs what the worker lacks; an empty list where they may do everything."""
    if not job_ids:
        return {}
    required = of_jobs(unit, job_ids)
    every = [one for ones in required.values() for one in ones]
    type_ids = {type_id for type_id, _ in every if type_id is not None}
    mine = qualifications.values(unit, worker_id, type_ids) if type_ids else {}
    types = qualifications.types_by_id(unit, type_ids) if type_ids else {}
    systems = {one.type for type_id, one in every if type_id is None}
    counted = bool(systems & _COUNTED)
    who = standing(unit, worker_id, now, counted=counted, keep=keep) if systems else Standing()

    def lack(type_id: int | None, one: Requirement) -> Lack | None:
        if type_id is None:
            met = qualification.system_met(one, who, how)
            return None if met else Lack(one, None, qualification.NAMES[one.type])
        if qualification.met(one, mine.get(type_id)):
            return None
        made = types[type_id]
        return Lack(one, type_id, made.name, requestable=made.active and made.disposed_at is None)

    return {
        job_id: [found for type_id, one in ones if (found := lack(type_id, one)) is not None]
        for job_id, ones in required.items()
    }


def barred(lacking: Sequence[Lack], act: Act) -> bool:
    """Whether a worker who lacks this may not do that."""
    return qualification.forbidden([one.requirement.guard for one in lacking], act)


def may_accept(unit: Unit, job: Job, worker_id: int, how: Leniency, now: dt.datetime) -> bool:
    """Whether the worker may take HITs of the job; asks the database only where the job requires something."""
    if not job.guarded:
        return True
    return not barred(lacks(unit, [job.id], worker_id, how, now, keep=True)[job.id], Act.ACCEPT)
