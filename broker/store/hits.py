"""The log of open HITs, and how far each worker has come in it.

Each open HIT has a position; a worker's cursor says that every HIT open at or before it was already handed to them.
A HIT that opens again gets a fresh position at the end, so that every cursor still meets it; neither the job's size
nor the worker's history costs a claim anything.
"""

import sqlalchemy as sa

from broker.store.db import Record, Unit
from broker.store.jobs import Job
from broker.store.work import Assignment, Cursor, Hit, is_active


def cursor(unit: Unit, job_id: int, worker_id: int) -> tuple[int, int]:
    """The worker's (position, HITs served) in the job, held till the end of the unit so that double clicks queue."""
    query = sa.select(Cursor.pos, Cursor.served).where(Cursor.job_id == job_id, Cursor.worker_id == worker_id)
    row = unit.session.execute(query.with_for_update()).one_or_none()
    if row is None:
        unit.insert_once(Cursor, job_id=job_id, worker_id=worker_id, pos=0, served=0)
        row = unit.session.execute(query.with_for_update()).one()
    return row[0], row[1]


def move_cursor(unit: Unit, job_id: int, worker_id: int, *, pos: int, served: int) -> None:
    """Note how far the worker has come."""
    mine = sa.update(Cursor).where(Cursor.job_id == job_id, Cursor.worker_id == worker_id)
    unit.changed(mine.values(pos=pos, served=served))


def _held_by(worker_id: int) -> sa.Exists:
    return sa.exists().where(Assignment.hit_id == Hit.id, Assignment.worker_id == worker_id, is_active())


def next_open(unit: Unit, job_id: int, worker_id: int, after: int) -> tuple[Record, int] | None:
    """The first open HIT past the position which the worker does not have, locked; and the new cursor.

    A HIT that another claim holds locked is jumped over; the cursor then stays before it, so that it is met again.
    """
    ahead = (Hit.job_id == job_id, Hit.open, Hit.pos > after)
    first = sa.select(sa.func.min(Hit.pos)).where(*ahead).scalar_subquery()
    query = (
        sa.select(Hit.id, Hit.pos, Hit.payload, Hit.taken, Hit.extra, first.label("first"))
        .where(*ahead, ~_held_by(worker_id))
        .order_by(Hit.pos)
        .limit(1)
        .with_for_update(skip_locked=True, of=Hit)
    )
    row = unit.session.execute(query).one_or_none()
    return None if row is None else (row, row.pos if row.first >= row.pos else row.first - 1)


def ahead(unit: Unit, job_id: int, pos: int, *, limit: int) -> int:
    """How many open HITs lie past the position, counted up to the limit."""
    some = sa.select(Hit.id).where(Hit.job_id == job_id, Hit.open, Hit.pos > pos).limit(limit).subquery()
    return int(unit.session.connection().execute(sa.select(sa.func.count()).select_from(some)).scalar_one())


def take_seat(unit: Unit, hit_id: int, *, taken: int, seats: int) -> None:
    """Give one seat of the locked HIT; the last one closes it."""
    seat = sa.update(Hit).where(Hit.id == hit_id)
    unit.changed(seat.values(taken=taken + 1) if taken + 1 < seats else seat.values(taken=taken + 1, open=False))


def take_gold(unit: Unit, job_id: int, gold_no: int, worker_id: int) -> Record | None:
    """The job's gold HIT with this number, if the worker never had it and the job still pays for gold."""
    had = sa.exists().where(Assignment.hit_id == Hit.id, Assignment.worker_id == worker_id)
    query = sa.select(Hit.id, Hit.payload).where(Hit.job_id == job_id, Hit.gold_no == gold_no, ~had)
    row = unit.session.execute(query).one_or_none()
    paid = sa.update(Job).where(Job.id == job_id, Job.gold_left > 0).values(gold_left=Job.gold_left - 1)
    return row if row is not None and unit.won(paid) else None


def reclaim_seat(unit: Unit, hit_id: int, redundancy: int) -> bool:
    """Take a seat of a HIT again after the lease ran out, if nobody else has it by now."""
    seats = redundancy + Hit.extra
    change = sa.update(Hit).where(Hit.id == hit_id, Hit.open, Hit.taken < seats)
    return unit.won(change.values(taken=Hit.taken + 1, open=Hit.taken + 1 < seats))


def free_seat(unit: Unit, job_id: int, hit_id: int, *, gold: bool) -> None:
    """Give a seat back: an open HIT just has one more, a full one opens again at the end of the log."""
    if gold:
        unit.changed(sa.update(Job).where(Job.id == job_id).values(gold_left=Job.gold_left + 1))
        return
    still_open = sa.update(Hit).where(Hit.id == hit_id, Hit.open).values(taken=Hit.taken - 1)
    if not unit.won(still_open):
        reopen = sa.update(Hit).where(Hit.id == hit_id)
        unit.changed(reopen.values(taken=Hit.taken - 1, open=True, done=False, pos=fresh_pos(unit, job_id)))


def fresh_pos(unit: Unit, job_id: int, count: int = 1) -> int:
    """The first of `count` fresh positions. Holds the job's row, so that positions commit in their order."""
    change = sa.update(Job).where(Job.id == job_id).values(next_pos=Job.next_pos + count).returning(Job.next_pos)
    return int(unit.session.connection().execute(change).scalar_one()) - count + 1


def count_answers(unit: Unit, answers: dict[int, int], redundancy: int) -> int:
    """Add judged answers to their HITs; how many HITs are done by it."""
    rows = [{"key": hit_id, "more": more} for hit_id, more in sorted(answers.items())]
    unit.session.connection().execute(
        sa.update(Hit).where(Hit.id == sa.bindparam("key")).values(answered=Hit.answered + sa.bindparam("more")), rows
    )
    done = sa.update(Hit).where(Hit.id.in_(list(answers)), ~Hit.done, Hit.answered >= redundancy + Hit.extra)
    return unit.changed(done.values(done=True))
