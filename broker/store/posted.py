"""HITs that were posted one by one under a HIT type: what a program asked for with each, beside the HIT itself."""

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from broker.errors import NotFound
from broker.rules import ledger
from broker.rules.order import ORDINARY, mask
from broker.rules.posting import Standing, Status, WrongState
from broker.store import jobs, money
from broker.store.db import Json, Record, Rows, Unit, row_of
from broker.store.jobs import Hold, Job
from broker.store.reviews import Decision
from broker.store.work import Assignment, Hit, Turn, is_active, is_in


class Posted(Rows):
    """What belongs to a posted HIT alone; its seats, state and expiry are the HIT's."""

    __tablename__ = "posted_hits"
    __table_args__ = (
        sa.Index("ix_posted_hits_mine", "requester_id", "hit_id"),
        sa.Index(
            "ix_posted_hits_expiring",
            "expires_at",
            sqlite_where=sa.text("backed = 1"),
            postgresql_where=sa.text("backed"),
        ),
    )

    hit_id: Mapped[row_of] = mapped_column(primary_key=True, autoincrement=False)
    requester_id: Mapped[int] = mapped_column(sa.ForeignKey("people.id"))
    question: Mapped[str] = mapped_column(sa.Text)
    """The question's XML as it was sent; empty for one made of a layout."""
    annotation: Mapped[str | None] = mapped_column(sa.String(255))
    layout: Mapped[Json | None]
    """The layout it was made of and its parameters."""
    assignment_policy: Mapped[Json | None]
    hit_policy: Mapped[Json | None]
    reviewing: Mapped[bool] = mapped_column(default=False)
    backed: Mapped[bool] = mapped_column(default=True)
    """Whether money is set aside for its free seats; not once it has expired and nobody works on it."""
    movements: Mapped[int] = mapped_column(default=0)
    """How often money was set aside for it or given back: a part of the transfers' references."""
    created_at: Mapped[dt.datetime]
    expires_at: Mapped[dt.datetime]
    """From when on nobody gets it."""
    disposed_at: Mapped[dt.datetime | None]


@dataclass(frozen=True)
class Line:
    """A posted HIT with its type and its counts at one moment."""

    hit: Hit
    posted: Posted
    job: Job
    standing: Standing


def one(unit: Unit, hit_id: int, requester_id: int, now: dt.datetime, *, lock: bool = False) -> Line | None:
    """The requester's own posted HIT; None for a stranger's. `lock` holds its type and it till the unit's end."""
    mine = sa.select(Posted).where(Posted.hit_id == hit_id, Posted.requester_id == requester_id)
    if lock:
        _hold(unit, hit_id)
        mine = mine.with_for_update()
    found = unit.session.scalar(mine.execution_options(populate_existing=True))
    return None if found is None else lines(unit, [found], now)[0]


def own(unit: Unit, hit_id: int, requester_id: int, now: dt.datetime) -> Line:
    """The requester's posted HIT, held till the unit's end. Raises NotFound, WrongState once it is disposed of."""
    line = one(unit, hit_id, requester_id, now, lock=True)
    if line is None:
        raise NotFound("There is no such HIT among yours.")
    if line.standing.disposed:
        raise WrongState(Status.DISPOSED)
    return line


def _hold(unit: Unit, hit_id: int) -> None:
    job_id = unit.session.scalar(sa.select(Hit.job_id).where(Hit.id == hit_id))
    if job_id is not None:
        jobs.job(unit, job_id, Hold.CHANGE)  # always before its HITs, so that nobody waits in a circle
        unit.session.execute(sa.select(Hit.id).where(Hit.id == hit_id).with_for_update())


def lines(unit: Unit, found: Sequence[Posted], now: dt.datetime) -> list[Line]:
    """These posted HITs, each with its type and counts."""
    ids = [one.hit_id for one in found]
    query = sa.select(Hit, Job).join(Job, Job.id == Hit.job_id).where(Hit.id.in_(ids))
    rows = {row[0].id: row for row in unit.session.execute(query.execution_options(populate_existing=True))}
    counted = counts(unit, ids, now)
    return [_line(rows[one.hit_id], one, counted[one.hit_id]) for one in found]


def _line(row: Record, posted: Posted, counted: tuple[int, int, int]) -> Line:
    hit, job = row
    standing = Standing(
        job.redundancy + hit.extra, *counted, posted.expires_at, posted.reviewing, posted.disposed_at is not None
    )
    return Line(hit, posted, job, standing)


def counts(unit: Unit, hit_ids: Sequence[int], now: dt.datetime) -> dict[int, tuple[int, int, int]]:
    """By HIT: the assignments whose workers are at it, those submitted and those decided."""
    lapsed = sa.and_(Assignment.state == Turn.ACCEPTED, Assignment.deadline <= now)
    query = (
        sa.select(Assignment.hit_id, Assignment.state, sa.func.count())
        .where(Assignment.hit_id.in_(hit_ids), is_active(), ~lapsed)
        .group_by(Assignment.hit_id, Assignment.state)
    )
    found: dict[int, Counter[str]] = {hit_id: Counter() for hit_id in hit_ids}
    for hit_id, state, count in unit.session.execute(query):
        found[hit_id][state] = count
    return {
        hit_id: (one[Turn.ACCEPTED], one[Turn.SUBMITTED], one[Turn.APPROVED] + one[Turn.REJECTED])
        for hit_id, one in found.items()
    }


def page(
    unit: Unit,
    requester_id: int,
    now: dt.datetime,
    *where: sa.ColumnElement[bool],
    after: int = 0,
    limit: int = 10,
) -> list[Line]:
    """The requester's HITs that nobody disposed of, in the order of their making, a page past this row id."""
    query = (
        sa.select(Posted)
        .join(Hit, Hit.id == Posted.hit_id)
        .where(Posted.requester_id == requester_id, Posted.disposed_at.is_(None), Posted.hit_id > after, *where)
        .order_by(Posted.hit_id)
        .limit(limit)
    )
    return lines(unit, unit.session.scalars(query).all(), now)


def of_type(job_id: int) -> sa.ColumnElement[bool]:
    """The HIT is of this type."""
    return Hit.job_id == job_id


def reviewable(now: dt.datetime, *, reviewing: bool) -> sa.ColumnElement[bool]:
    """Nobody works on the HIT, and nobody will: its answers can be looked at. Leases that ran out must be swept."""
    busy = sa.exists().where(Assignment.hit_id == Hit.id, is_active(), is_in(Turn.ACCEPTED))
    seats = sa.select(Job.redundancy).where(Job.id == Hit.job_id).scalar_subquery() + Hit.extra
    over = sa.or_(Hit.taken >= seats, Posted.expires_at <= now)
    return sa.and_(~busy, over, Posted.reviewing.is_(reviewing))


def any_expiring(unit: Unit, now: dt.datetime) -> bool:
    """Whether a HIT has expired whose free seats still have money set aside."""
    query = sa.select(Posted.hit_id).where(Posted.backed, Posted.expires_at <= now).limit(1)
    return unit.session.execute(query).first() is not None


def expiring(unit: Unit, now: dt.datetime, *, after: int = 0, limit: int = 200) -> Sequence[int]:
    """HITs that have expired and whose free seats still have money set aside."""
    query = sa.select(Posted.hit_id).where(Posted.backed, Posted.expires_at <= now, Posted.hit_id > after)
    return unit.session.scalars(query.order_by(Posted.hit_id).limit(limit)).all()


def close_expired(unit: Unit, now: dt.datetime, job_id: int) -> None:
    """Hand out no more of this type's HITs that have expired, before the clock has seen to it."""
    over = sa.select(Posted.hit_id).where(Posted.backed, Posted.expires_at <= now)
    change = sa.update(Hit).where(Hit.job_id == job_id, Hit.open, Hit.id.in_(over)).values(open=False)
    unit.changed(change.execution_options(synchronize_session=False))


def old(unit: Unit, before: dt.datetime, *, limit: int = 200) -> Sequence[Posted]:
    """HITs that expired before then, that nobody works on and nobody disposed of."""
    query = sa.select(Posted).where(Posted.expires_at <= before, ~Posted.backed, Posted.disposed_at.is_(None))
    return unit.session.scalars(query.order_by(Posted.hit_id).limit(limit)).all()


def posted_type(unit: Unit, requester_id: int, digest: str) -> Job | None:
    """The requester's HIT type with these properties."""
    return unit.session.scalar(sa.select(Job).where(Job.requester_id == requester_id, Job.hit_type == digest))


def change_hit(unit: Unit, hit_id: int, **values: object) -> None:
    """Write columns of a HIT that this unit holds."""
    unit.changed(sa.update(Hit).where(Hit.id == hit_id).values(**values).execution_options(synchronize_session=False))


def change(unit: Unit, hit_id: int, **values: object) -> None:
    """Write what belongs to a posted HIT that this unit holds."""
    mine = sa.update(Posted).where(Posted.hit_id == hit_id)
    unit.changed(mine.values(**values).execution_options(synchronize_session=False))


def back(unit: Unit, line: Line, amount: int, now: dt.datetime) -> None:
    """Set money aside for a HIT's free seats, or give it back (less than 0). Raises Unpaid."""
    if not amount:
        return
    number = line.posted.movements + 1
    line.posted.movements = number
    change(unit, line.hit.id, movements=number)
    ref = f"{'seats' if amount > 0 else 'unused'}:{line.hit.id}:{number}"
    requester, job_id = line.posted.requester_id, line.job.id
    moved = (
        ledger.fund(job_id, requester, amount, ref) if amount > 0 else ledger.refund(job_id, requester, -amount, ref)
    )
    money.transfer(unit, moved, now)


def owed(unit: Unit, hit_id: int) -> int:
    """What the HIT's assignments may still cost: those at work or submitted, and rejections that may be overturned."""
    disputed = sa.exists().where(Decision.assignment_id == Assignment.id, Decision.disputable)
    open_ = sa.or_(Assignment.state.in_((Turn.ACCEPTED, Turn.SUBMITTED)), disputed)
    query = sa.select(sa.func.sum(Assignment.reward)).where(Assignment.hit_id == hit_id, is_active(), open_)
    return int(unit.session.scalar(query) or 0)


def hold_turns(unit: Unit, hit_id: int) -> None:
    """Hold the HIT's assignments till the end of the unit."""
    query = sa.select(Assignment.id).where(Assignment.hit_id == hit_id, is_active()).order_by(Assignment.id)
    unit.session.execute(query.with_for_update())


def type_of(unit: Unit, hit_id: int) -> int | None:
    """The type of a HIT."""
    return unit.session.scalar(sa.select(Hit.job_id).where(Hit.id == hit_id))


def move(unit: Unit, hit: Hit, old: Job, new: Job, place: int) -> None:
    """Put a HIT and its assignments under another type, at this fresh place of its log; both types are held."""
    change_hit(unit, hit.id, job_id=new.id, row=place, pos=place)
    answers = hit.answered
    for job_id, sign in ((old.id, -1), (new.id, 1)):
        counted = sa.update(Job).where(Job.id == job_id)
        values = {"hits": Job.hits + sign, "done": Job.done + sign * hit.done, "answers": Job.answers + sign * answers}
        bits = mask([ORDINARY])
        unit.changed(
            counted.values(bands=Job.bands.op("|")(bits), **values).execution_options(synchronize_session=False)
        )
    mine = sa.update(Assignment).where(Assignment.hit_id == hit.id)
    unit.changed(mine.values(job_id=new.id).execution_options(synchronize_session=False))
    wait = (new.approval_seconds or 0) * 1_000_000
    later = sa.type_coerce(sa.type_coerce(Assignment.submitted_at, sa.BigInteger) + wait, Assignment.approve_at.type)
    due = mine.where(Assignment.approve_at.is_not(None), is_in(Turn.SUBMITTED))
    unit.changed(due.values(approve_at=later).execution_options(synchronize_session=False))


def release(unit: Unit, hit_id: int, now: dt.datetime) -> Line | None:
    """Close an expired HIT, and give back what its free seats would have cost once nobody works on it any more.

    The HIT, if it ended by this; None while somebody works on it, and if it is open again meanwhile.
    """
    found = unit.session.get(Posted, hit_id)
    line = one(unit, hit_id, found.requester_id, now, lock=True) if found else None
    if line is None or not line.posted.backed or line.posted.expires_at > now:
        return None
    change_hit(unit, hit_id, open=False)
    if line.standing.pending:
        return None
    change(unit, hit_id, backed=False)
    back(unit, line, -(line.standing.seats - line.hit.taken) * line.job.reward, now)
    return line


def dispose(unit: Unit, line: Line, now: dt.datetime) -> None:
    """Take a held HIT that nobody works on out of the world; its answers stay, what it did not cost returns."""
    change_hit(unit, line.hit.id, open=False)
    change(unit, line.hit.id, disposed_at=now, backed=False)
    if line.posted.backed:
        back(unit, line, -(line.standing.seats - line.hit.taken) * line.job.reward, now)
