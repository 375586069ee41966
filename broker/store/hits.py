"""The log of open HITs: seats given back, HITs opened again, closed early or moved to another band.

Whatever opens a HIT or changes its band gives it a fresh position at the end, so that every cursor still meets it.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from broker.rules import order
from broker.rules.gold import NEVER
from broker.rules.order import Rank
from broker.store import notices, turns
from broker.store.db import Unit
from broker.store.jobs import Job
from broker.store.notices import Event
from broker.store.work import Cursor, Hit, has_had

Positions = Sequence[int]
"""How far a worker has come in a job's log, by band."""


def begin(unit: Unit, job_id: int, worker_id: int, gold_at: int) -> None:
    """Put the worker at the beginning of the job's log, if they have no place in it yet."""
    unit.insert_once(Cursor, job_id=job_id, worker_id=worker_id, pos=list(order.START), served=0, gold_at=gold_at)


def hold_place(unit: Unit, job_id: int, worker_id: int) -> None:
    """Hold the worker's cursor till the end of the unit: their claims wait."""
    query = sa.select(Cursor.served).where(Cursor.job_id == job_id, Cursor.worker_id == worker_id)
    unit.session.execute(query.with_for_update())


def place(unit: Unit, job_id: int, worker_id: int) -> tuple[Positions, int]:
    """How far the worker has come in the job's log, and how many answers they gave; read without holding it."""
    mine = (Cursor.job_id == job_id, Cursor.worker_id == worker_id)
    row = unit.session.execute(sa.select(Cursor.pos, Cursor.answered, Cursor.rank).where(*mine)).one_or_none()
    return (order.ahead(row[0], Rank(row[2])), row[1]) if row is not None else (order.START, 0)


def bar(unit: Unit, requester_id: int, worker_id: int) -> None:
    """Put the worker at the end of the logs of this requester, where nothing ever opens."""
    end = {"pos": [NEVER] * order.BANDS, "gold_at": NEVER}
    unit.changed(_places(requester_id, worker_id).values(**end).execution_options(synchronize_session=False))


def let_in(unit: Unit, requester_id: int, worker_id: int) -> None:
    """Put the worker at the beginning of these logs again; what they had they do not get once more."""
    start = {"pos": list(order.START), "gold_at": Cursor.served, "dry": -1}
    unit.changed(_places(requester_id, worker_id).values(**start).execution_options(synchronize_session=False))


def _places(requester_id: int, worker_id: int) -> sa.Update:
    jobs_of = sa.select(Job.id).where(Job.requester_id == requester_id)
    return sa.update(Cursor).where(Cursor.worker_id == worker_id, Cursor.job_id.in_(jobs_of))


def count_answer(unit: Unit, job_id: int, worker_id: int) -> None:
    """Note that the worker gave an answer in this job."""
    mine = sa.update(Cursor).where(Cursor.job_id == job_id, Cursor.worker_id == worker_id)
    unit.changed(mine.values(answered=Cursor.answered + 1))


def note_dry(unit: Unit, job_id: int, worker_id: int, newest: int) -> None:
    """Note that nothing was left for the worker when the job's newest position was this one."""
    mine = sa.update(Cursor).where(Cursor.job_id == job_id, Cursor.worker_id == worker_id)
    unit.changed(mine.values(dry=newest))


def left_for(unit: Unit, job: Job, worker_id: int, positions: Positions, *, limit: int) -> int:
    """How many open HITs past the positions the worker does not have or has not answered, among the next `limit`."""
    left = 0
    for band in order.present(job.bands):
        if left < limit:
            left += _left_in(unit, job.id, worker_id, band, positions[band], limit - left)
    return left


def await_first(unit: Unit, job: Job, worker_id: int, positions: Positions) -> bool:
    """Wait for whoever holds the first open HIT that the worker does not have; False if there is none."""
    for band in order.present(job.bands):
        ahead = (Hit.job_id == job.id, Hit.open, Hit.band == band, Hit.pos > positions[band])
        first = sa.select(Hit.id).where(*ahead, ~has_had(worker_id, Hit.id)).order_by(Hit.pos).limit(1)
        found = unit.session.scalar(first)
        if found is not None:
            # Not for what is written about the HIT meanwhile: a refit holds it by a foreign key, and waits for the job.
            unit.session.execute(sa.select(Hit.id).where(Hit.id == found).with_for_update(key_share=True))
            return True
    return False


def _left_in(unit: Unit, job_id: int, worker_id: int, band: int, pos: int, limit: int) -> int:
    open_ahead = (Hit.job_id == job_id, Hit.open, Hit.band == band, Hit.pos > pos)
    ahead = sa.select(Hit.id).where(*open_ahead).order_by(Hit.pos).limit(limit).subquery()
    query = sa.select(sa.func.count()).select_from(ahead).where(~has_had(worker_id, ahead.c.id))
    return int(unit.session.connection().execute(query).scalar_one())


def _pay_gold(unit: Unit, job_id: int) -> bool:
    paid = sa.update(Job).where(Job.id == job_id, Job.gold_left > 0).values(gold_left=Job.gold_left - 1)
    return unit.won(paid.execution_options(synchronize_session=False))


def reclaim_seat(unit: Unit, job: Job, hit_id: int, *, gold: bool) -> bool:
    """Take a seat of a HIT again after the lease ran out, if nobody else has it by now."""
    if gold:
        return _pay_gold(unit, job.id)
    seats = job.redundancy + Hit.extra
    change = sa.update(Hit).where(Hit.id == hit_id, Hit.open, Hit.taken < seats)
    return unit.won(change.values(taken=Hit.taken + 1, open=Hit.taken + 1 < seats))


def free_seat(unit: Unit, job_id: int, hit_id: int, *, gold: bool) -> None:
    """Give a seat back: the HIT opens again at the end of the log, where everybody meets it, who had it too."""
    if gold:
        unit.changed(sa.update(Job).where(Job.id == job_id).values(gold_left=Job.gold_left + 1))
        return
    reopen = sa.update(Hit).where(Hit.id == hit_id)
    unit.changed(reopen.values(taken=Hit.taken - 1, open=True, done=False, pos=fresh_pos(unit, job_id)))


def lapse(unit: Unit, now: dt.datetime, job_id: int | None = None) -> list[int]:
    """Give the seats of leases that ran out to others, in one job or in all; the job of each."""
    lapsed = [row for row in turns.lapsed(unit, now, job_id) if turns.abandon(unit, row.id, now)]
    for row in lapsed:
        free_seat(unit, row.job_id, row.hit_id, gold=row.gold)
    for job in {row.job_id for row in lapsed}:
        over = [Event("AssignmentAbandoned", row.hit_id, row.id) for row in lapsed if row.job_id == job]
        notices.tell(unit, job, over, now)
    return [row.job_id for row in lapsed]


def free_seats(unit: Unit, job: Job) -> int:
    """The most answers that the job's ordinary HITs may still get."""
    seats = job.most - Hit.taken if job.most else job.redundancy + Hit.extra - Hit.taken
    ordinary = (Hit.job_id == job.id, Hit.gold_no.is_(None))
    return int(unit.session.scalar(sa.select(sa.func.sum(seats)).where(*ordinary)) or 0)


def promised(unit: Unit, job: Job) -> int:
    """The answers that the job's ordinary HITs ask for now and nobody works on yet."""
    seats = job.redundancy + Hit.extra - Hit.taken
    ordinary = (Hit.job_id == job.id, Hit.gold_no.is_(None), Hit.open)
    return int(unit.session.scalar(sa.select(sa.func.sum(seats)).where(*ordinary)) or 0)


def affordable(unit: Unit, job: Job, held: int) -> int:
    """How many answers the micro-units that are held for the job pay for beside those that are promised."""
    return max(held // job.reward - promised(unit, job) - job.gold_left - turns.outstanding(unit, job.id), 0)


def add(unit: Unit, job: Job, seats: int, payload: Mapping[str, Any]) -> int:
    """Open one more HIT with so many seats at the end of a running job's log; its row id."""
    place = fresh_pos(unit, job.id)
    found = Hit(job_id=job.id, row=place, pos=place, open=True, extra=seats - job.redundancy, payload=dict(payload))
    unit.session.add(found)
    unit.session.flush()
    more = sa.update(Job).where(Job.id == job.id).values(hits=Job.hits + 1)
    unit.changed(more.execution_options(synchronize_session=False))
    _show_bands(unit, job.id, order.mask([order.ORDINARY]))
    return found.id


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


def grow(unit: Unit, job_id: int, hit_ids: Sequence[int], most: int) -> int:
    """Ask for one more answer to each of these full HITs, before the others of their priority; how many there were.

    None gets more than `most`.
    """
    full = (Hit.job_id == job_id, Hit.done, ~Hit.open, Hit.taken < most)
    found = list(unit.session.scalars(sa.select(Hit.id).where(Hit.id.in_(hit_ids), *full).order_by(Hit.id)))
    if not found:
        return 0
    first = fresh_pos(unit, job_id, len(found))
    change = sa.update(Hit).where(Hit.id == sa.bindparam("key"), *full)
    values = {"extra": Hit.extra + 1, "open": True, "done": False, "band": Hit.band - Hit.band % 2}
    rows = [{"key": hit_id, "fresh": first + place} for place, hit_id in enumerate(found)]
    unit.session.connection().execute(change.values(pos=sa.bindparam("fresh"), **values), rows)
    _show_bands(unit, job_id, order.UNCERTAIN)
    return len(found)


def _show_bands(unit: Unit, job_id: int, bits: int) -> None:
    bands = sa.update(Job).where(Job.id == job_id, Job.bands.op("&")(bits) != bits)
    unit.changed(bands.values(bands=Job.bands.op("|")(bits)).execution_options(synchronize_session=False))


def close_early(unit: Unit, job_id: int, hit_ids: Sequence[int], redundancy: int) -> int:
    """Ask for no more answers to these open HITs; what is out may be submitted. How many are done by it."""
    mine = (Hit.job_id == job_id, Hit.id.in_(hit_ids))
    unit.changed(sa.update(Hit).where(*mine, Hit.open).values(extra=Hit.taken - redundancy, open=False))
    done = sa.update(Hit).where(*mine, ~Hit.open, ~Hit.done, Hit.answered >= redundancy + Hit.extra)
    return unit.changed(done.values(done=True))
