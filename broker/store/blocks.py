"""Who does not work for whom, and what requesters write to workers."""

import datetime as dt
from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from broker.store.db import Rows, Unit, key
from broker.store.jobs import Job
from broker.store.people import Person
from broker.store.work import Assignment, Turn, of_workers


class Block(Rows):
    """A requester who wants no work of a worker."""

    __tablename__ = "blocks"

    requester_id: Mapped[int] = mapped_column(sa.ForeignKey("people.id"), primary_key=True)
    worker_id: Mapped[int] = mapped_column(sa.ForeignKey("people.id"), primary_key=True, index=True)
    reason: Mapped[str] = mapped_column(sa.String(1024))
    at: Mapped[dt.datetime]


class Message(Rows):
    """A message in a worker's inbox."""

    __tablename__ = "messages"

    id: Mapped[key]
    sender_id: Mapped[int] = mapped_column(sa.ForeignKey("people.id"))
    worker_id: Mapped[int] = mapped_column(sa.ForeignKey("people.id"), index=True)
    subject: Mapped[str] = mapped_column(sa.String(200))
    text: Mapped[str] = mapped_column(sa.String(4096))
    at: Mapped[dt.datetime]
    read_at: Mapped[dt.datetime | None]


def put(unit: Unit, requester_id: int, worker_id: int, reason: str, now: dt.datetime) -> None:
    """Keep a block; a second one has the later reason."""
    if not unit.insert_once(Block, requester_id=requester_id, worker_id=worker_id, reason=reason, at=now):
        mine = sa.update(Block).where(Block.requester_id == requester_id, Block.worker_id == worker_id)
        unit.changed(mine.values(reason=reason))


def lift(unit: Unit, requester_id: int, worker_id: int) -> bool:
    """End a block; False if there is none."""
    return unit.won(sa.delete(Block).where(Block.requester_id == requester_id, Block.worker_id == worker_id))


def blocked(unit: Unit, requester_id: int, worker_id: int) -> bool:
    """Whether this requester wants no work of this worker."""
    query = sa.select(Block.at).where(Block.requester_id == requester_id, Block.worker_id == worker_id)
    return unit.session.execute(query).first() is not None


def is_barred(worker_id: int, requester: sa.SQLColumnExpression[int]) -> sa.ColumnElement[bool]:
    """The requester of that column wants no work of this worker."""
    return sa.exists().where(Block.requester_id == requester, Block.worker_id == worker_id)


def blocks_of(unit: Unit, requester_id: int, *, after: int = 0, limit: int = 10) -> list[tuple[Block, Person]]:
    """The requester's blocks in the order of the workers, a page past this worker."""
    query = (
        sa.select(Block, Person)
        .join(Person, Person.id == Block.worker_id)
        .where(Block.requester_id == requester_id, Block.worker_id > after)
        .order_by(Block.worker_id)
        .limit(limit)
    )
    return [(row[0], row[1]) for row in unit.session.execute(query)]


def blocks_against(unit: Unit, worker_id: int) -> list[tuple[Block, str]]:
    """Who wants no work of this worker, by name, the latest first."""
    query = sa.select(Block, Person.name).join(Person, Person.id == Block.requester_id)
    rows = unit.session.execute(query.where(Block.worker_id == worker_id).order_by(Block.at.desc()).limit(100))
    return [(row[0], row[1]) for row in rows]


def known_workers(unit: Unit, requester_id: int, worker_ids: Collection[int]) -> set[int]:
    """Those of these workers of whom this requester has approved or rejected an answer."""
    decided = Assignment.state.in_((Turn.APPROVED, Turn.REJECTED))
    query = (
        sa.select(Assignment.worker_id)
        .join(Job, Job.id == Assignment.job_id)
        .where(of_workers(unit, *worker_ids), decided, Job.requester_id == requester_id)
        .distinct()
    )
    return set(unit.session.scalars(query))


def send(unit: Unit, sender_id: int, worker_id: int, subject: str, text: str, now: dt.datetime) -> None:
    """Put a message into a worker's inbox."""
    unit.session.add(Message(sender_id=sender_id, worker_id=worker_id, subject=subject, text=text, at=now))


def inbox(unit: Unit, worker_id: int, *, before: int | None = None, limit: int = 40) -> list[tuple[Message, str]]:
    """A worker's messages and their senders' names, the latest first, those before this row id."""
    query = (
        sa.select(Message, Person.name)
        .join(Person, Person.id == Message.sender_id)
        .where(Message.worker_id == worker_id, sa.true() if before is None else Message.id < before)
        .order_by(Message.id.desc())
        .limit(limit)
    )
    return [(row[0], row[1]) for row in unit.session.execute(query)]


def unread(unit: Unit, worker_id: int) -> int:
    """How many messages the worker has not opened their inbox for."""
    query = sa.select(sa.func.count()).where(Message.worker_id == worker_id, Message.read_at.is_(None))
    return int(unit.session.scalar(query) or 0)


def note_read(unit: Unit, worker_id: int, now: dt.datetime) -> None:
    """Note that the worker has seen all that is in their inbox."""
    mine = sa.update(Message).where(Message.worker_id == worker_id, Message.read_at.is_(None))
    unit.changed(mine.values(read_at=now))
