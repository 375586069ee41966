"""Notices: who is told what about a job, and what still waits to be told; written in the transaction of the event."""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from broker.store import errands
from broker.store.db import Rows, Unit, key
from broker.store.jobs import Job

_WAITING_SQL = "state = 'waiting'"
WAITING, DELIVERED, FAILED = "waiting", "delivered", "failed"


class Watch(Rows):
    """Where a requester wants to be told of which events of a HIT type."""

    __tablename__ = "watches"

    job_id: Mapped[int] = mapped_column(sa.ForeignKey("jobs.id"), primary_key=True)
    active: Mapped[bool]
    transport: Mapped[str] = mapped_column(sa.String(10))
    destination: Mapped[str] = mapped_column(sa.String(1000))
    version: Mapped[str] = mapped_column(sa.String(20))
    events: Mapped[list[Any]]


class Notice(Rows):
    """One event that is to be told: where to, and how telling it went so far."""

    __tablename__ = "notices"
    __table_args__ = (
        sa.Index(
            "ix_notices_waiting",
            "requester_id",
            "id",
            sqlite_where=sa.text(_WAITING_SQL),
            postgresql_where=sa.text(_WAITING_SQL),
        ),
        sa.Index("ix_notices_requester", "requester_id", "id"),
    )

    id: Mapped[key]
    requester_id: Mapped[int] = mapped_column(sa.ForeignKey("people.id"))
    job_id: Mapped[int | None] = mapped_column(sa.ForeignKey("jobs.id"))
    hit_id: Mapped[int | None] = mapped_column(sa.BigInteger)
    assignment_id: Mapped[int | None] = mapped_column(sa.BigInteger)
    event: Mapped[str] = mapped_column(sa.String(40))
    at: Mapped[dt.datetime]
    transport: Mapped[str] = mapped_column(sa.String(10))
    destination: Mapped[str] = mapped_column(sa.String(1000))
    version: Mapped[str] = mapped_column(sa.String(20))
    state: Mapped[str] = mapped_column(sa.String(20), default=WAITING)
    attempts: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[dt.datetime]
    message: Mapped[str] = mapped_column(sa.String(1000), default="")
    ended_at: Mapped[dt.datetime | None]


@dataclass(frozen=True)
class Target:
    """Where notices go (an address, a queue's URL, a topic's ARN), by which way, and in which version of the text."""

    transport: str
    destination: str
    version: str


@dataclass(frozen=True)
class Event:
    """Something that happened to a HIT, or to an assignment of it."""

    name: str
    hit_id: int | None = None
    assignment_id: int | None = None


def watch(unit: Unit, job_id: int) -> Watch | None:
    """Where the events of this job go."""
    return unit.session.get(Watch, job_id, populate_existing=True)


def set_watch(unit: Unit, job_id: int, **values: Any) -> None:
    """Say where the events of this job go from now on."""
    found = watch(unit, job_id)
    if found is None:
        unit.session.add(Watch(job_id=job_id, **values))
    else:
        for name, value in values.items():
            setattr(found, name, value)
    unit.session.flush()


def tell(unit: Unit, job_id: int, events: Iterable[Event], now: dt.datetime) -> None:
    """Have those of these events told that somebody wants to know; costs one look where nobody does."""
    found = watch(unit, job_id)
    wanted = [one for one in events if one.name in found.events] if found is not None and found.active else []
    if found is None or not wanted:
        return
    requester = unit.session.scalar(sa.select(Job.requester_id).where(Job.id == job_id))
    put(unit, int(requester or 0), job_id, Target(found.transport, found.destination, found.version), wanted, now)


def put(
    unit: Unit, requester_id: int, job_id: int | None, target: Target, events: Iterable[Event], now: dt.datetime
) -> None:
    """Have these events told there."""
    where = {"transport": target.transport, "destination": target.destination, "version": target.version}
    for one in events:
        what = {"event": one.name, "hit_id": one.hit_id, "assignment_id": one.assignment_id}
        when = {"at": now, "due_at": now, "attempts": 0, "state": WAITING}
        unit.session.add(Notice(requester_id=requester_id, job_id=job_id, **where, **what, **when))
    unit.session.flush()
    errands.later(unit, "notify", requester_id, now)


def due(unit: Unit, requester_id: int, now: dt.datetime, *, limit: int) -> Sequence[Notice]:
    """What waits to be told to this requester now, the oldest first."""
    query = sa.select(Notice).where(Notice.requester_id == requester_id, sa.text(_WAITING_SQL), Notice.due_at <= now)
    return unit.session.scalars(query.order_by(Notice.id).limit(limit)).all()


def requesters_due(unit: Unit, now: dt.datetime) -> list[int]:
    """The requesters to whom something waits to be told now."""
    query = sa.select(Notice.requester_id).where(sa.text(_WAITING_SQL), Notice.due_at <= now)
    return list(unit.session.scalars(query.distinct()))


def told(unit: Unit, ids: Sequence[int], now: dt.datetime) -> None:
    """These were delivered."""
    change = sa.update(Notice).where(Notice.id.in_(ids), sa.text(_WAITING_SQL))
    unit.changed(change.values(state=DELIVERED, ended_at=now, attempts=Notice.attempts + 1, message=""))


def failed(unit: Unit, ids: Sequence[int], message: str, due_at: dt.datetime | None, now: dt.datetime) -> None:
    """These could not be delivered: they are due again then, or given up."""
    change = sa.update(Notice).where(Notice.id.in_(ids), sa.text(_WAITING_SQL))
    again = {"due_at": due_at} if due_at is not None else {"state": FAILED, "ended_at": now}
    unit.changed(change.values(attempts=Notice.attempts + 1, message=message[:1000], **again))


def recent(unit: Unit, requester_id: int, *, limit: int = 50) -> Sequence[Notice]:
    """The latest notices to this requester."""
    query = sa.select(Notice).where(Notice.requester_id == requester_id).order_by(Notice.id.desc()).limit(limit)
    return unit.session.scalars(query).all()


def prune(unit: Unit, before: dt.datetime, *, limit: int) -> int:
    """Forget notices that were told or given up before this; how many."""
    old = sa.select(Notice.id).where(Notice.state != WAITING, Notice.ended_at < before).limit(limit)
    ids = list(unit.session.scalars(old))
    return unit.changed(sa.delete(Notice).where(Notice.id.in_(ids))) if ids else 0
