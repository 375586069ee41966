"""Errands: what must happen later, written in the transaction that wants it and safe to run twice."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, aliased, mapped_column

from broker.store.db import Rows, Unit, key

QUEUES = ("errands", "statistics")
NAMES = ("import", "judge", "settle", "conclude", "export", "review", "consensus", "notify")
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
        sa.Index(
            "ix_errands_failed",
            "id",
            sqlite_where=sa.text("state = 'failed'"),
            postgresql_where=sa.text("state = 'failed'"),
        ),
        sa.Index("ix_errands_subject", "name", "subject", "id"),
        sa.Index("ix_errands_finished", "name", "finished_at"),
    )

    id: Mapped[key]
    queue: Mapped[str] = mapped_column(sa.String(20))
    name: Mapped[str] = mapped_column(sa.String(40))
    subject: Mapped[int] = mapped_column(sa.BigInteger)
    state: Mapped[str] = mapped_column(sa.String(20))
    attempts: Mapped[int] = mapped_column(default=0)
    message: Mapped[str] = mapped_column(sa.Text, default="")
    done: Mapped[int | None] = mapped_column(sa.BigInteger)
    total: Mapped[int | None] = mapped_column(sa.BigInteger)
    """How far a long one is, in whatever its subject counts: bytes read, rows written."""
    created_at: Mapped[dt.datetime]
    started_at: Mapped[dt.datetime | None]
    beat_at: Mapped[dt.datetime | None]
    finished_at: Mapped[dt.datetime | None]


def _is(*states: ErrandState, of: type[Errand] = Errand) -> sa.ColumnElement[bool]:
    """The errand is in one of these states: written out, as SQLite takes a partial index only for what it reads."""
    words: list[sa.ColumnElement[str]] = [sa.literal_column(f"'{state}'") for state in states]
    return of.state.in_(words) if len(words) > 1 else of.state == words[0]


def later(unit: Unit, name: str, subject: int, now: dt.datetime, *, queue: str = "errands", attempts: int = 0) -> None:
    """Ask for an errand; one that already waits serves this wish too. Rung for after the commit.

    The waiting one is touched, not just found: nobody can take it before this transaction's rows are there to be seen.
    """
    rows = Errand.metadata.tables[Errand.__tablename__]
    insert = unit.insert(Errand).values(
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
        busy.name == Errand.name, busy.subject == Errand.subject, _is(ErrandState.RUNNING, of=busy)
    )
    query = (
        sa.select(Errand)
        .where(Errand.queue == queue, _is(ErrandState.WAITING), ~served)
        .order_by(Errand.id)
        .limit(1)
        .with_for_update(skip_locked=True, of=Errand)
    )
    errand = unit.session.scalar(query)
    if errand is not None:
        errand.state, errand.started_at, errand.beat_at = ErrandState.RUNNING, now, now
        errand.attempts += 1
    return errand


def beat(unit: Unit, errand: Errand, now: dt.datetime, progress: tuple[int, int] | None = None) -> bool:
    """Note that the errand still runs, and how far it is (done, total); False if it was taken from its runner."""
    done, total = progress or (None, None)
    return unit.won(_run(errand.id, errand.attempts).values(beat_at=now, done=done, total=total))


def finish(
    unit: Unit, errand_id: int, state: ErrandState, message: str, now: dt.datetime, *, attempt: int | None = None
) -> bool:
    """Tick the errand off; False if somebody else did, or if it is by now another runner's attempt."""
    return unit.won(_run(errand_id, attempt).values(state=state, message=message, finished_at=now))


def _run(errand_id: int, attempt: int | None) -> sa.Update:
    """The errand while it runs; of a certain attempt, so that a runner that was given up does not end the next one."""
    running = sa.update(Errand).where(Errand.id == errand_id, _is(ErrandState.RUNNING))
    return running if attempt is None else running.where(Errand.attempts == attempt)


def any_lost(unit: Unit, before: dt.datetime) -> bool:
    """Whether there is an errand whose runner was last heard of before this."""
    lost = sa.select(Errand.id).where(_is(ErrandState.RUNNING), Errand.beat_at < before)
    return unit.session.execute(lost.limit(1)).first() is not None


def revive(unit: Unit, before: dt.datetime, now: dt.datetime) -> int:
    """Let errands whose runner was last heard of before this wait again; how many were lost.

    One that took its runner with it as often as an errand may be tried is given up.
    """
    lost = sa.select(Errand).where(_is(ErrandState.RUNNING), Errand.beat_at < before)
    revived = 0
    for errand in unit.session.scalars(lost.with_for_update(skip_locked=True)):
        twin = sa.select(Errand.id).where(
            Errand.name == errand.name, Errand.subject == errand.subject, _is(ErrandState.WAITING)
        )
        # A waiting twin will do the work; two waiting ones would break the unique index.
        given_up = errand.attempts >= MOST_ATTEMPTS or unit.session.scalar(twin)
        errand.state = ErrandState.FAILED if given_up else ErrandState.WAITING
        errand.finished_at = now if given_up else None
        errand.message = "its runner was lost"
        revived += 1
    return revived


def failed_since(unit: Unit, name: str, moment: dt.datetime) -> set[int]:
    """The subjects for which an errand of this name failed since the moment."""
    failed = sa.select(Errand.subject).where(_is(ErrandState.FAILED), Errand.name == name, Errand.finished_at >= moment)
    return set(unit.session.scalars(failed.distinct()))


def waiting(unit: Unit) -> set[str]:
    """The queues in which errands wait."""
    return set(unit.session.scalars(sa.select(Errand.queue).where(_is(ErrandState.WAITING)).distinct()))


def asked(unit: Unit, name: str) -> set[int]:
    """The subjects for which an errand of this name waits."""
    query = sa.select(Errand.subject).where(Errand.name == name, _is(ErrandState.WAITING))
    return set(unit.session.scalars(query))


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


@dataclass(frozen=True)
class Line:
    """What stands in a queue: errands that wait and run, and since when the oldest one waits."""

    waiting: int
    running: int
    oldest: dt.datetime | None


def lines(unit: Unit) -> dict[str, Line]:
    """What stands in each queue, also in one that has no workers."""
    query = (
        sa.select(Errand.queue, Errand.state, sa.func.count(), sa.func.min(Errand.created_at))
        .where(_is(ErrandState.WAITING, ErrandState.RUNNING))
        .group_by(Errand.queue, Errand.state)
    )
    found = {(row[0], row[1]): (row[2], row[3]) for row in unit.session.execute(query)}
    queues = dict.fromkeys((*QUEUES, *sorted(queue for queue, _ in found)))
    none = (0, None)
    return {
        queue: Line(
            found.get((queue, ErrandState.WAITING), none)[0],
            found.get((queue, ErrandState.RUNNING), none)[0],
            found.get((queue, ErrandState.WAITING), none)[1],
        )
        for queue in queues
    }


def running(unit: Unit, *, limit: int = 100) -> Sequence[Errand]:
    """The errands that run now, the oldest first."""
    query = sa.select(Errand).where(_is(ErrandState.RUNNING))
    return unit.session.scalars(query.order_by(Errand.id).limit(limit)).all()


def last_runs(unit: Unit) -> list[Errand]:
    """The errand of each name that ended last, for those names that have run."""
    ended = sa.select(Errand).where(Errand.finished_at.is_not(None)).order_by(Errand.finished_at.desc()).limit(1)
    found = (unit.session.scalar(ended.where(Errand.name == name)) for name in NAMES)
    return [one for one in found if one is not None]


def failures(unit: Unit, *, name: str | None = None, limit: int = 100) -> Sequence[Errand]:
    """Errands (of one name, if given) that failed and were not run again since, the latest first."""
    query = sa.select(Errand).where(_is(ErrandState.FAILED), ~_followed()).order_by(Errand.id.desc()).limit(limit)
    return unit.session.scalars(query if name is None else query.where(Errand.name == name)).all()


def _followed() -> sa.ColumnElement[bool]:
    """A later errand of the same name and subject was asked for."""
    newer = aliased(Errand)
    return sa.exists().where(newer.name == Errand.name, newer.subject == Errand.subject, newer.id > Errand.id)


def prune(unit: Unit, before: dt.datetime, *, limit: int) -> int:
    """Forget errands that ended before this, the oldest first; how many. A failure stays until it was run again."""
    spent = sa.or_(_is(ErrandState.DONE), sa.and_(_is(ErrandState.FAILED), _followed()))
    old = sa.select(Errand.id).where(spent, Errand.finished_at < before).order_by(Errand.id).limit(limit)
    keys = list(unit.session.scalars(old))
    return unit.changed(sa.delete(Errand).where(Errand.id.in_(keys))) if keys else 0
