"""What requesters decide about answers, what workers say against it, and what they are given on top."""

import datetime as dt
from collections.abc import Collection, Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from broker.rules.posting import APPEAL, OVERRIDE
from broker.store.db import EPOCH, MICROSECOND, Rows, Unit, key, micros, row_of
from broker.store.jobs import Job
from broker.store.people import Person
from broker.store.work import ANSWERED, Assignment, Hit, Turn, is_in


class Decision(Rows):
    """One decision about an answer; a later one overturns it, none is changed. `person_id` none: the clock's."""

    __tablename__ = "decisions"
    __table_args__ = (
        sa.Index("ix_decisions_assignment", "assignment_id", "id"),
        sa.Index(
            "ix_decisions_disputable",
            "at",
            sqlite_where=sa.text("disputable = 1"),
            postgresql_where=sa.text("disputable"),
        ),
    )

    id: Mapped[key]
    assignment_id: Mapped[row_of]
    person_id: Mapped[int | None] = mapped_column(sa.ForeignKey("people.id"))
    approved: Mapped[bool]
    reason: Mapped[str] = mapped_column(sa.String(40), default="")
    """One of the closed list of reasons to reject."""
    feedback: Mapped[str] = mapped_column(sa.String(1024), default="")
    at: Mapped[dt.datetime]
    disputable: Mapped[bool] = mapped_column(default=False)
    """A rejection that may still be overturned: until then its reward stays set aside."""


class Appeal(Rows):
    """A worker's word against a rejection, for an admin to decide."""

    __tablename__ = "appeals"
    __table_args__ = (
        sa.Index(
            "ix_appeals_open",
            "id",
            sqlite_where=sa.text("decided_at IS NULL"),
            postgresql_where=sa.text("decided_at IS NULL"),
        ),
    )

    id: Mapped[key]
    assignment_id: Mapped[row_of] = mapped_column(unique=True)
    worker_id: Mapped[int] = mapped_column(sa.ForeignKey("people.id"), index=True)
    text: Mapped[str] = mapped_column(sa.String(2000))
    at: Mapped[dt.datetime]
    decided_at: Mapped[dt.datetime | None]
    upheld: Mapped[bool | None]
    """Whether the worker was right."""
    answer: Mapped[str] = mapped_column(sa.String(2000), default="")


class Bonus(Rows):
    """Money a requester gave a worker on top of an assignment's reward."""

    __tablename__ = "bonuses"
    __table_args__ = (sa.CheckConstraint("amount > 0", name="amount"),)

    id: Mapped[key]
    assignment_id: Mapped[row_of] = mapped_column(index=True)
    hit_id: Mapped[row_of] = mapped_column(index=True)
    requester_id: Mapped[int] = mapped_column(sa.ForeignKey("people.id"))
    worker_id: Mapped[int] = mapped_column(sa.ForeignKey("people.id"), index=True)
    amount: Mapped[micros]
    reason: Mapped[str] = mapped_column(sa.String(1024))
    at: Mapped[dt.datetime]


def answered(unit: Unit, assignment_id: int, requester_id: int, *, lock: bool = False) -> tuple[Assignment, Job] | None:
    """An answer to one of the requester's jobs with the job; None for a stranger's, and for what is not submitted."""
    query = (
        sa.select(Assignment, Job)
        .join(Job, Job.id == Assignment.job_id)
        .where(Assignment.id == assignment_id, Job.requester_id == requester_id, Assignment.state.in_(ANSWERED))
        .execution_options(populate_existing=True)
    )
    row = unit.session.execute(query.with_for_update(of=Assignment) if lock else query).one_or_none()
    return None if row is None else (row[0], row[1])


def decide(unit: Unit, assignment_id: int, old: Turn, new: Turn, now: dt.datetime) -> bool:
    """Take an answer from one state to another, if it still is in that."""
    mine = sa.update(Assignment).where(Assignment.id == assignment_id, Assignment.state == old)
    return unit.won(mine.values(state=new, decided_at=now, judged=True).execution_options(synchronize_session=False))


def write(unit: Unit, decision: Decision) -> None:
    """Keep a decision; what was disputable before is decided anew."""
    settle_dispute(unit, decision.assignment_id)
    unit.session.add(decision)
    unit.session.flush()


def settle_dispute(unit: Unit, assignment_id: int) -> None:
    """A rejection of this answer cannot be overturned any more."""
    change = sa.update(Decision).where(Decision.assignment_id == assignment_id, Decision.disputable)
    unit.changed(change.values(disputable=False).execution_options(synchronize_session=False))


def latest(unit: Unit, assignment_ids: Collection[int]) -> dict[int, Decision]:
    """The last decision about each of these answers."""
    mine = sa.select(Decision).where(Decision.assignment_id.in_(assignment_ids)).order_by(Decision.id)
    return {one.assignment_id: one for one in unit.session.scalars(mine)}


def disputed(unit: Unit, job_id: int) -> int:
    """What the job's rejections cost if all were overturned, in micro-units."""
    query = (
        sa.select(sa.func.sum(Assignment.reward))
        .join(Decision, Decision.assignment_id == Assignment.id)
        .where(Assignment.job_id == job_id, Decision.disputable)
    )
    return int(unit.session.scalar(query) or 0)


def any_due(unit: Unit, now: dt.datetime) -> bool:
    """Whether an answer is approved by now because its requester did not say anything."""
    return bool(due(unit, now, limit=1))


def due(unit: Unit, now: dt.datetime, *, limit: int) -> list[int]:
    """Answers whose requesters had their time to look at them, the longest due first."""
    judged = sa.select(Assignment.id).where(is_in(Turn.SUBMITTED), Assignment.approve_at <= now)
    found = list(unit.session.scalars(judged.order_by(Assignment.approve_at).limit(limit)))
    # Nobody has judged these yet, which is when they are told when they are due.
    since = (
        sa.type_coerce(Assignment.submitted_at, sa.BigInteger)
        + sa.cast(Job.approval_seconds, sa.BigInteger) * 1_000_000
    )
    fresh = (
        sa.select(Assignment.id)
        .join(Job, Job.id == Assignment.job_id)
        .where(is_in(Turn.SUBMITTED), ~Assignment.judged, Job.approval_seconds.is_not(None))
        .where(since <= (now - EPOCH) // MICROSECOND)
    )
    return found + list(unit.session.scalars(fresh.limit(limit)))


def forfeited(unit: Unit, now: dt.datetime, *, limit: int) -> list[tuple[Decision, Assignment, int]]:
    """Rejections that nobody can overturn any more, with their answers and requesters."""
    appealed = sa.exists().where(Appeal.assignment_id == Assignment.id, Appeal.decided_at.is_(None))
    query = (
        sa.select(Decision, Assignment, Job.requester_id)
        .join(Assignment, Assignment.id == Decision.assignment_id)
        .join(Job, Job.id == Assignment.job_id)
        .where(Decision.disputable, Decision.at <= now - APPEAL, Assignment.submitted_at <= now - OVERRIDE, ~appealed)
        .order_by(Decision.id)
        .limit(limit)
    )
    return [(row[0], row[1], row[2]) for row in unit.session.execute(query)]


def bonuses(unit: Unit, *where: sa.ColumnElement[bool], after: int = 0, limit: int = 10) -> Sequence[Bonus]:
    """Bonuses in the order they were given, a page past this row id."""
    query = sa.select(Bonus).where(Bonus.id > after, *where).order_by(Bonus.id).limit(limit)
    return unit.session.scalars(query).all()


def answers(
    unit: Unit, *where: sa.ColumnElement[bool], after: int = 0, limit: int = 10
) -> list[tuple[Assignment, Hit, str]]:
    """Submitted answers with their HITs and their workers' public ids, in the order of acceptance, past this row id."""
    query = (
        sa.select(Assignment, Hit, Person.public_id)
        .join(Hit, Hit.id == Assignment.hit_id)
        .join(Person, Person.id == Assignment.worker_id)
        .where(Assignment.state.in_(ANSWERED), Assignment.id > after, *where)
        .order_by(Assignment.id)
        .limit(limit)
    )
    return [(row[0], row[1], row[2]) for row in unit.session.execute(query)]


def appeal_of(unit: Unit, assignment_id: int) -> Appeal | None:
    """The appeal about this answer."""
    return unit.session.scalar(sa.select(Appeal).where(Appeal.assignment_id == assignment_id))


def undecided(unit: Unit, assignment_id: int) -> tuple[Assignment, Job] | None:
    """A submitted answer with its job, held till the unit's end."""
    query = (
        sa.select(Assignment, Job)
        .join(Job, Job.id == Assignment.job_id)
        .where(Assignment.id == assignment_id, is_in(Turn.SUBMITTED))
        .execution_options(populate_existing=True)
        .with_for_update(of=Assignment, skip_locked=True)
    )
    row = unit.session.execute(query).one_or_none()
    return None if row is None else (row[0], row[1])


def appeal(unit: Unit, appeal_id: int) -> Appeal | None:
    """The appeal with this row id."""
    return unit.session.get(Appeal, appeal_id, populate_existing=True)


def rule(unit: Unit, appeal_id: int, *, upheld: bool, answer: str, now: dt.datetime) -> bool:
    """Decide an appeal that nobody has decided; whether it was one."""
    mine = sa.update(Appeal).where(Appeal.id == appeal_id, Appeal.decided_at.is_(None))
    return unit.won(
        mine.values(upheld=upheld, answer=answer, decided_at=now).execution_options(synchronize_session=False)
    )


def appeals(unit: Unit, *, open_: bool, limit: int = 100) -> list[tuple[Appeal, Assignment, Job, Person]]:
    """Appeals that wait, the oldest first, or those decided last, each with answer, job and worker."""
    query = (
        sa.select(Appeal, Assignment, Job, Person)
        .join(Assignment, Assignment.id == Appeal.assignment_id)
        .join(Job, Job.id == Assignment.job_id)
        .join(Person, Person.id == Appeal.worker_id)
        .where(Appeal.decided_at.is_(None) if open_ else Appeal.decided_at.is_not(None))
        .order_by(Appeal.id if open_ else Appeal.decided_at.desc())
        .limit(limit)
    )
    return [(row[0], row[1], row[2], row[3]) for row in unit.session.execute(query)]
