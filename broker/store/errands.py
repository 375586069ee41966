"""Errands: what must happen later, written in the transaction that wants it and safe to run twice."""

import datetime as dt
from collections.abc import Sequence
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, aliased, mapped_column

from broker.store.db import Rows, Unit, key

QUEUES = ("errands", "statistics")
MOST_ATTEMPTS = 3


class ErrandState(StrEnum):
    """Where an errand is in its life."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class Errand(Rows):
    """One thing to do; at most one waiting errand of a name and subject exists at a time."""

    __tablename__ = "errands"
    __table_args__ = (
        sa.Index(
            "uq_errands_waiting",
            "name",
            "subject",
            unique=True,
            sqlite_where=sa.text("state = 'waiting'"),
            postgresql_where=sa.text("state = 'waiting'"),
        ),
        sa.Index(
            "ix_errands_unfinished",
            "queue",
            "id",
            sqlite_where=sa.text("state IN ('waiting', 'running')"),
            postgresql_where=sa.text("state IN ('waiting', 'running')"),
        ),
    )

    id: Mapped[key]
    queue: Mapped[str] = mapped_column(sa.String(20))
    name: Mapped[str] = mapped_column(sa.String(40))
    subject: Mapped[int] = mapped_column(sa.BigInteger)
    state: Mapped[str] = mapped_column(sa.String(20))
    attempts: Mapped[int] = mapped_column(default=0)
    message: Mapped[str] = mapped_column(sa.Text, default="")
    created_at: Mapped[dt.datetime]
    started_at: Mapped[dt.datetime | None]
    beat_at: Mapped[dt.datetime | None]
    finished_at: Mapped[dt.datetime | None]


def later(unit: Unit, name: str, subject: int, now: dt.datetime, *, queue: str = "errands", attempts: int = 0) -> None:
    """Ask for an errand; one that already waits serves this wish too. Rung for after the commit.

    The waiting one is touched, not just found: nobody can take it before this transaction's rows are there to be seen.
    """
    rows = Errand.metadata.tables[Errand.__tablename__]
    postgres = unit.session.connection().dialect.name == "postgresql"
    insert = (postgresql.insert(rows) if postgres else sqlite.insert(rows)).values(
        queue=queue,
        name=name,
        subject=subject,
        state=ErrandState.WAITING,
        attempts=attempts,
        message="",
        created_at=now,
    )
    waits = rows.c.state == sa.literal_column("'waiting'")
    unit.session.connection().execute(
        insert.on_conflict_do_update(index_elements=["name", "subject"], index_where=waits, set_={"queue": queue})
    )
    unit.ring(queue)


def take(unit: Unit, queue: str, now: dt.datetime) -> Errand | None:
    """Take the oldest waiting errand of a queue whose subject is not being served; None if there is none."""
    busy = aliased(Errand)
    served = sa.exists().where(
        busy.name == Errand.name, busy.subject == Errand.subject, busy.state == ErrandState.RUNNING
    )
    query = (
        sa.select(Errand)
        .where(Errand.queue == queue, Errand.state == ErrandState.WAITING, ~served)
        .order_by(Errand.id)
        .limit(1)
        .with_for_update(skip_locked=True, of=Errand)
    )
    errand = unit.session.scalar(query)
    if errand is not None:
        errand.state, errand.started_at, errand.beat_at = ErrandState.RUNNING, now, now
        errand.attempts += 1
    return errand


def beat(unit: Unit, errand_id: int, now: dt.datetime) -> bool:
    """Note that the errand still runs; False if it was taken from its runner."""
    alive = sa.update(Errand).where(Errand.id == errand_id, Errand.state == ErrandState.RUNNING)
    return unit.won(alive.values(beat_at=now))


def finish(unit: Unit, errand_id: int, state: ErrandState, message: str, now: dt.datetime) -> bool:
    """Tick the errand off; False if somebody else did."""
    running = sa.update(Errand).where(Errand.id == errand_id, Errand.state == ErrandState.RUNNING)
    return unit.won(running.values(state=state, message=message, finished_at=now))


def any_lost(unit: Unit, before: dt.datetime) -> bool:
    """Whether there is an errand whose runner was last heard of before this."""
    lost = sa.select(Errand.id).where(Errand.state == ErrandState.RUNNING, Errand.beat_at < before)
    return unit.session.execute(lost.limit(1)).first() is not None


def revive(unit: Unit, before: dt.datetime) -> int:
    """Let errands whose runner was last heard of before this wait again; how many were lost.

    One that took its runner with it as often as an errand may be tried is given up.
    """
    lost = sa.select(Errand).where(Errand.state == ErrandState.RUNNING, Errand.beat_at < before)
    revived = 0
    for errand in unit.session.scalars(lost.with_for_update(skip_locked=True)):
        twin = sa.select(Errand.id).where(
            Errand.name == errand.name, Errand.subject == errand.subject, Errand.state == ErrandState.WAITING
        )
        # A waiting twin will do the work; two waiting ones would break the unique index.
        given_up = errand.attempts >= MOST_ATTEMPTS or unit.session.scalar(twin)
        errand.state = ErrandState.FAILED if given_up else ErrandState.WAITING
        errand.message = "its runner was lost"
        revived += 1
    return revived


def failed_since(unit: Unit, name: str, moment: dt.datetime) -> set[int]:
    """The subjects for which an errand of this name failed since the moment."""
    failed = sa.select(Errand.subject).where(
        Errand.state == ErrandState.FAILED, Errand.name == name, Errand.finished_at >= moment
    )
    return set(unit.session.scalars(failed.distinct()))


def waiting(unit: Unit) -> set[str]:
    """The queues in which errands wait."""
    return set(unit.session.scalars(sa.select(Errand.queue).where(Errand.state == ErrandState.WAITING).distinct()))


def recent(unit: Unit, *, limit: int = 100) -> Sequence[Errand]:
    """The latest errands, for the admin's page."""
    return unit.session.scalars(sa.select(Errand).order_by(Errand.id.desc()).limit(limit)).all()


def errand(unit: Unit, errand_id: int) -> Errand | None:
    """The errand with this row id."""
    return unit.session.get(Errand, errand_id)


def is_failure(unit: Unit, failed: Errand) -> bool:
    """Whether the errand failed and no later one of its name and subject was asked for."""
    later_one = sa.select(Errand.id).where(
        Errand.name == failed.name, Errand.subject == failed.subject, Errand.id > failed.id
    )
    return failed.state == ErrandState.FAILED and unit.session.execute(later_one.limit(1)).first() is None


def counts(unit: Unit) -> dict[tuple[str, str], int]:
    """How many errands there are by (queue, state)."""
    query = sa.select(Errand.queue, Errand.state, sa.func.count()).group_by(Errand.queue, Errand.state)
    return {(row[0], row[1]): row[2] for row in unit.session.execute(query)}


def failures(unit: Unit, *, limit: int = 100) -> Sequence[Errand]:
    """Errands that failed and were not run again since, the latest first."""
    newer = aliased(Errand)
    again = sa.exists().where(newer.name == Errand.name, newer.subject == Errand.subject, newer.id > Errand.id)
    query = sa.select(Errand).where(Errand.state == ErrandState.FAILED, ~again).order_by(Errand.id.desc()).limit(limit)
    return unit.session.scalars(query).all()
