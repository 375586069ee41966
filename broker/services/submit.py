"""SUBMIT: keep a worker's answer, once; and the other ends a turn can have: returned, extended, reported."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from broker.errors import Conflict, Invalid, NotFound
from broker.kinds.registry import furnish
from broker.rules import lease
from broker.store import errands, hits, jobs, notices, talk, turns
from broker.store.db import Unit
from broker.store.jobs import ENDED, RUNNING, Hold
from broker.store.notices import Event
from broker.store.work import ANSWERED, Assignment, Turn

LONGEST_REPORT = 2000


@dataclass(frozen=True)
class Receipt:
    """What became of a submission: kept now, or known already; late ones came after the lease had run out."""

    job_id: int
    repeated: bool
    late: bool


def submit(
    unit: Unit, assignment_id: int, worker_id: int, answer: Any, seconds: float | None, now: dt.datetime
) -> Receipt:
    """Keep the answer to an assignment.

    The same answer again is acknowledged again; an answer after the lease ran out is kept if the HIT's seat was not
    given away by then. Raises NotFound for a stranger's assignment, Invalid for an answer that the kind does not
    know, Conflict for a different answer or a seat that is gone.
    """
    turn = _own(unit, assignment_id, worker_id)
    job = jobs.job(unit, turn.job_id)
    room = furnish(job.kind, job.settings)
    item = turns.item(unit, turn.hit_id) if room.needs_item() else {}
    kept = room.dump(room.parse(answer, item))
    values = {"answer": kept, "seconds": lease.checked_seconds(seconds), "submitted_at": now}
    if turns.move(unit, assignment_id, worker_id, Turn.ACCEPTED, Turn.SUBMITTED, **values):
        hits.count_answer(unit, job.id, worker_id)
        _tell(unit, turn, "AssignmentSubmitted", now)
        return Receipt(job.id, repeated=False, late=turn.deadline < now)
    turn = _own(unit, assignment_id, worker_id)
    if turn.state in ANSWERED:
        return _again(turn, kept)
    if turn.state == Turn.ABANDONED and _reclaim(unit, turn, values):
        _tell(unit, turn, "AssignmentSubmitted", now)
        return Receipt(job.id, repeated=False, late=True)
    raise Conflict(f"This assignment was {turn.state}; its HIT went to somebody else.")


def _tell(unit: Unit, turn: Assignment, event: str, now: dt.datetime) -> None:
    notices.tell(unit, turn.job_id, [Event(event, turn.hit_id, turn.id)], now)


def _again(turn: Assignment, answer: dict[str, Any]) -> Receipt:
    if turn.answer != answer:
        raise Conflict("A different answer to this assignment was submitted before; the first one counts.")
    return Receipt(turn.job_id, repeated=True, late=False)


def _reclaim(unit: Unit, turn: Assignment, values: dict[str, Any]) -> bool:
    hits.hold_place(unit, turn.job_id, turn.worker_id)  # a claim of theirs might get the same HIT at this moment
    job = jobs.job(unit, turn.job_id, Hold.STAY)
    if job.state not in RUNNING or turns.active(unit, turn.hit_id, turn.worker_id):
        return False
    if not hits.reclaim_seat(unit, job, turn.hit_id, gold=turn.gold):
        return False
    if not turns.move(unit, turn.id, turn.worker_id, Turn.ABANDONED, Turn.SUBMITTED, **values):
        raise Conflict("This answer was being kept already.")
    hits.count_answer(unit, turn.job_id, turn.worker_id)
    return True


def start(unit: Unit, assignment_id: int, worker_id: int, now: dt.datetime) -> dt.datetime:
    """The HIT came on screen: its time counts from now. Gives the deadline. Raises NotFound, Conflict."""
    turn = _own(unit, assignment_id, worker_id)
    deadline = lease.deadline(now, jobs.job(unit, turn.job_id).lease_seconds)
    if not turns.renew(unit, assignment_id, worker_id, deadline, now):
        raise Conflict("This lease has run out.")
    return deadline


def extend(unit: Unit, assignment_id: int, worker_id: int, now: dt.datetime) -> dt.datetime:
    """More time: the whole lease again from now (WCAG 2.2.1). Gives the deadline. Raises NotFound, Conflict."""
    return start(unit, assignment_id, worker_id, now)


def give_back(unit: Unit, assignment_id: int, worker_id: int, now: dt.datetime) -> None:
    """Return the HIT without penalty; the seat goes to others. Raises NotFound, Conflict if it was submitted."""
    turn = _own(unit, assignment_id, worker_id)
    if turn.state in (Turn.RETURNED, Turn.ABANDONED):
        return
    if not turns.move(unit, assignment_id, worker_id, Turn.ACCEPTED, Turn.RETURNED, decided_at=now):
        raise Conflict("This assignment was submitted already.")
    hits.free_seat(unit, turn.job_id, turn.hit_id, gold=turn.gold)
    _tell(unit, turn, "AssignmentReturned", now)
    _freed(unit, turn.job_id, now)


def report(unit: Unit, assignment_id: int, worker_id: int, text: str, now: dt.datetime) -> None:
    """Tell the requester that something is wrong with this HIT. Raises NotFound, Invalid for an empty or long text."""
    turn = _own(unit, assignment_id, worker_id)
    text = text.encode(errors="replace").decode().strip()  # half a surrogate pair has no UTF-8
    if not 0 < len(text) <= LONGEST_REPORT:
        raise Invalid(f"text: write between 1 and {LONGEST_REPORT} characters")
    talk.write_report(unit, turn.job_id, turn.hit_id, worker_id, text, now)


def sweep(unit: Unit, now: dt.datetime) -> int:
    """Give the seats of leases that ran out to others; how many."""
    freed = hits.lapse(unit, now)
    for job_id in sorted(set(freed)):
        _freed(unit, job_id, now)
    return len(freed)


def _freed(unit: Unit, job_id: int, now: dt.datetime) -> None:
    if jobs.job(unit, job_id, Hold.CHANGE).state in ENDED:
        errands.later(unit, "settle", job_id, now)  # it may have waited for this lease to give its money back


def _own(unit: Unit, assignment_id: int, worker_id: int) -> Assignment:
    turn = turns.assignment(unit, assignment_id, worker_id)
    if turn is None:
        raise NotFound("There is no such assignment among yours.")
    return turn
