"""EXTEND: more answers or another end for a posted HIT, another type, and what its requester makes of its answers."""

import datetime as dt

from broker.errors import Conflict, NotFound
from broker.rules import ledger
from broker.rules.posting import MOST_SEATS, Status, WrongState, refuse, within
from broker.store import hits, jobs, money, posted
from broker.store.db import Unit
from broker.store.jobs import Hold, Job
from broker.store.posted import Line


def add_seats(unit: Unit, hit_id: int, requester_id: int, more: int, now: dt.datetime) -> None:
    """Ask for more answers, and set their money aside. Raises Invalid, Unpaid, NotFound, WrongState."""
    line = posted.own(unit, hit_id, requester_id, now)
    seats = line.standing.seats + more
    wrong = [
        within("NumberOfAdditionalAssignments", more, 1, MOST_SEATS),
        within("MaxAssignments", seats, 1, MOST_SEATS),
    ]
    refuse([one for one in wrong if one])
    if line.posted.backed:
        posted.back(unit, line, more * line.job.reward, now)
    posted.change_hit(unit, hit_id, extra=line.hit.extra + more)
    _reopen(unit, line, now, seats=seats, expires_at=line.posted.expires_at)


def set_end(unit: Unit, hit_id: int, requester_id: int, expires_at: dt.datetime, now: dt.datetime) -> None:
    """Let the HIT end then; in the past: now. A later end opens it again. Raises Unpaid, NotFound, WrongState."""
    line = posted.own(unit, hit_id, requester_id, now)
    posted.change(unit, hit_id, expires_at=expires_at)
    if expires_at > now and not line.posted.backed:
        posted.change(unit, hit_id, backed=True)
        posted.back(unit, line, (line.standing.seats - line.hit.taken) * line.job.reward, now)
    _reopen(unit, line, now, seats=line.standing.seats, expires_at=expires_at)


def _reopen(unit: Unit, line: Line, now: dt.datetime, *, seats: int, expires_at: dt.datetime) -> None:
    """Open or close the HIT as its seats and its end say; one that opens is met by every cursor again."""
    opens = line.hit.taken < seats and expires_at > now
    if opens != line.hit.open:
        fresh = {"pos": hits.fresh_pos(unit, line.job.id)} if opens else {}
        posted.change_hit(unit, line.hit.id, open=opens, **fresh)
    if opens:
        posted.change(unit, line.hit.id, reviewing=False)
        if line.hit.done:
            posted.change_hit(unit, line.hit.id, done=False)
            jobs.count(unit, line.job.id, done=-1, answers=0)


def set_reviewing(unit: Unit, hit_id: int, requester_id: int, now: dt.datetime, *, on: bool) -> None:
    """Note that its requester looks at the answers, or not any more. Raises NotFound, WrongState."""
    line = posted.own(unit, hit_id, requester_id, now)
    status = line.standing.status(now)
    if status != (Status.REVIEWABLE if on else Status.REVIEWING):
        raise WrongState(status)
    posted.change(unit, hit_id, reviewing=on)


def set_type(unit: Unit, hit_id: int, requester_id: int, job_id: int, now: dt.datetime) -> None:
    """Let the HIT have the properties of another type from now on, its answers and its money with it.

    Raises NotFound, WrongState, Unpaid; Conflict while somebody works on it for another reward than the new one.
    """
    target = _target(unit, hit_id, job_id, requester_id)
    line = posted.own(unit, hit_id, requester_id, now)
    if target.id == line.job.id:
        return
    if line.standing.pending and target.reward != line.job.reward:
        raise Conflict("Workers hold this HIT at its present reward: change its type once none does.")
    free = (line.standing.seats - line.hit.taken) if line.posted.backed else 0
    owed = posted.owed(unit, hit_id)
    posted.back(unit, line, -free * line.job.reward, now)
    ref = f"moved:{hit_id}:{target.id}:{line.posted.movements}"
    money.transfer(unit, ledger.carry(line.job.id, target.id, owed, ref), now)
    place = hits.fresh_pos(unit, target.id)
    posted.move(unit, line.hit, line.job, target, place)
    moved = posted.one(unit, hit_id, requester_id, now)
    if moved is not None:
        posted.back(unit, moved, free * target.reward, now)


def _target(unit: Unit, hit_id: int, job_id: int, requester_id: int) -> Job:
    """The other type; both types are held, the older one first."""
    posted.hold_turns(unit, hit_id)  # assignments are held before jobs, so that nobody waits in a circle
    found = jobs.own_job(unit, job_id, requester_id)
    if found.hit_type is None:
        raise NotFound("There is no such HIT type.")
    present = posted.type_of(unit, hit_id)
    if present is None:
        raise NotFound("There is no such HIT among yours.")
    for one in sorted({present, job_id}):
        jobs.job(unit, one, Hold.CHANGE)
    return found
