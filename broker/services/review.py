"""REVIEW: what a requester decides about an answer, and what the clock decides when they do not."""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from broker.errors import BrokerError, Conflict, Invalid, NotFound, Problem
from broker.formats import batch as batch_format
from broker.formats.limits import Limits
from broker.rules import ledger, verdict
from broker.rules.posting import OVERRIDE
from broker.store import batches, errands, hits, jobs, money, notices, policies, posted, reviews
from broker.store.db import Store, Unit
from broker.store.jobs import ENDED, Hold, Job
from broker.store.notices import Event
from broker.store.reviews import Decision
from broker.store.work import Assignment, Turn

BATCH = 100


@dataclass(frozen=True)
class Ruling:
    """What a requester wrote beside an answer, and in which row of their file."""

    row: int
    assignment_id: int
    approved: bool
    feedback: str


class Decided(Conflict):
    """The answer is decided already; says what it would have to be."""

    def __init__(self, wanted: str) -> None:
        super().__init__(f"This operation can be called with a status of: {wanted}")


def approve(unit: Unit, assignment_id: int, requester_id: int, feedback: str, now: dt.datetime) -> None:
    """Approve a submitted answer and pay it. Raises NotFound, Decided, Invalid."""
    turn, job = _own(unit, assignment_id, requester_id)
    _approve(unit, turn, job, Decision(person_id=requester_id, feedback=verdict.words(feedback)), now)


def _own(unit: Unit, assignment_id: int, requester_id: int) -> tuple[Assignment, Job]:
    found = reviews.answered(unit, assignment_id, requester_id, lock=True)
    if found is None:
        raise NotFound("There is no such answer among those to your jobs.")
    return found


def _approve(unit: Unit, turn: Assignment, job: Job, decision: Decision, now: dt.datetime) -> None:
    _decide(unit, turn, job, Turn.SUBMITTED, Turn.APPROVED, now)
    decision.assignment_id, decision.approved, decision.at = turn.id, True, now
    reviews.write(unit, decision)
    money.transfer(unit, ledger.pay(job.id, turn.worker_id, turn.id, turn.reward), now)
    _close(unit, job, now)


def _decide(unit: Unit, turn: Assignment, job: Job, old: Turn, new: Turn, now: dt.datetime) -> None:
    if not reviews.decide(unit, turn.id, old, new, now):
        raise Decided(str(old).title())
    notices.tell(unit, job.id, [Event(f"Assignment{str(new).title()}", turn.hit_id, turn.id)], now)
    if not turn.judged:
        # Decided before anybody judged it: it counts all the same.
        held = jobs.job(unit, job.id, Hold.CHANGE)
        done = hits.count_answers(unit, {turn.hit_id: 1}, held.redundancy) if not turn.gold else 0
        jobs.count(unit, job.id, done=done, answers=1)
        policies.ask(unit, [turn.hit_id], now)


def _close(unit: Unit, job: Job, now: dt.datetime) -> None:
    if job.state in ENDED:
        errands.later(unit, "settle", job.id, now)  # it may have waited for this answer to give its money back


def reject(
    unit: Unit, assignment_id: int, requester_id: int, feedback: str, now: dt.datetime, *, reason: str = ""
) -> None:
    """Reject a submitted answer: it is not paid, and its reward stays set aside as long as that may be overturned.

    Raises NotFound, Decided, Invalid.
    """
    turn, job = _own(unit, assignment_id, requester_id)
    _decide(unit, turn, job, Turn.SUBMITTED, Turn.REJECTED, now)
    decision = Decision(assignment_id=turn.id, person_id=requester_id, approved=False, reason=reason, at=now)
    decision.feedback, decision.disputable = verdict.words(feedback), True
    reviews.write(unit, decision)
    errands.later(unit, "conclude", job.id, now, queue="statistics")


def override(unit: Unit, assignment_id: int, requester_id: int, feedback: str, now: dt.datetime) -> None:
    """Approve an answer after all, rejected or not: within 30 days of its submission, while its HIT is there.

    Raises NotFound, Decided, Invalid.
    """
    turn, job = _own(unit, assignment_id, requester_id)
    if turn.state != Turn.REJECTED:
        _approve(unit, turn, job, Decision(person_id=requester_id, feedback=verdict.words(feedback)), now)
        return
    line = posted.one(unit, turn.hit_id, requester_id, now)
    over = turn.submitted_at is None or now > turn.submitted_at + OVERRIDE
    if over or (line is not None and line.standing.disposed):
        raise Conflict("This Assignment was rejected too long ago, or its HIT was disposed of: it cannot be approved.")
    _overturn(unit, turn, job, Decision(person_id=requester_id, feedback=verdict.words(feedback)), now)


def _overturn(unit: Unit, turn: Assignment, job: Job, decision: Decision, now: dt.datetime) -> None:
    _decide(unit, turn, job, Turn.REJECTED, Turn.APPROVED, now)
    decision.assignment_id, decision.approved, decision.at = turn.id, True, now
    reviews.write(unit, decision)
    money.transfer(unit, ledger.pay(job.id, turn.worker_id, turn.id, turn.reward), now)
    errands.later(unit, "conclude", job.id, now, queue="statistics")
    _close(unit, job, now)


def file(
    store: Store, job_id: int, requester_id: int, stream: BinaryIO, read: Callable[[str], int], now: dt.datetime
) -> tuple[int, int]:
    """Decide as a filled results file says, a batch at a time: how many it decides about, how many were not so before.

    `read` gives the row id behind an assignment's public id. Raises Invalid naming every faulty row before anything is
    decided; NotFound for a stranger's job.
    """
    decisions, problems = batch_format.read_review(stream, Limits())
    rulings = []
    for one in decisions:
        try:
            rulings.append(Ruling(one.row, read(one.assignment), one.approved, one.feedback))
        except NotFound:
            problems.append(Problem("there is no such answer in this job", one.row, "AssignmentId"))
    with store.read() as unit:
        problems += check(unit, job_id, requester_id, rulings)
    _refuse(problems, "nothing was decided")
    decided = 0
    for start in range(0, len(rulings), BATCH):
        with store.write() as unit:
            some, missed = rule(unit, requester_id, rulings[start : start + BATCH], now)
        decided, problems = decided + some, problems + missed
    _refuse(problems, f"{decided} answers were decided, these could not be")
    return len(rulings), decided


def _refuse(problems: Sequence[Problem], words: str) -> None:
    if problems:
        found = sorted(problems, key=lambda one: one.row or 0)
        raise Invalid(f"{len(found):,} rows cannot be used: {words}.", problems=found)


def check(unit: Unit, job_id: int, requester_id: int, rulings: Sequence[Ruling]) -> list[Problem]:
    """What is wrong with decisions from a file, by its rows. Raises NotFound for a stranger's job."""
    jobs.own_job(unit, job_id, requester_id)
    problems = []
    for start in range(0, len(rulings), BATCH):
        some = rulings[start : start + BATCH]
        states = batches.states(unit, job_id, [one.assignment_id for one in some])
        for one in some:
            state = states.get(one.assignment_id)
            if state is None:
                problems.append(Problem("there is no such answer in this job", one.row, "AssignmentId"))
            elif state == Turn.APPROVED and not one.approved:
                problems.append(Problem("is approved already, which is final", one.row, "Reject"))
    return problems


def rule(unit: Unit, requester_id: int, rulings: Sequence[Ruling], now: dt.datetime) -> tuple[int, list[Problem]]:
    """Decide as a file says; how many were decided by it, and what could not be. What already is so is left alone.

    A rejected answer that is approved now is overturned.
    """
    decided, problems = 0, []
    for one in rulings:
        turn, _ = _own(unit, one.assignment_id, requester_id)
        if turn.state == (Turn.APPROVED if one.approved else Turn.REJECTED):
            continue
        act = override if one.approved else reject
        try:
            act(unit, one.assignment_id, requester_id, one.feedback, now)
            decided += 1
        except BrokerError as error:
            problems.append(Problem(error.message, one.row, "Approve" if one.approved else "Reject"))
    return decided, problems


def sweep(unit: Unit, now: dt.datetime) -> int:
    """Approve a batch of the answers whose requesters had their time; how many there were."""
    found = reviews.due(unit, now, limit=BATCH)
    for assignment_id in sorted(set(found)):
        row = reviews.undecided(unit, assignment_id)
        if row is not None:
            _approve(unit, *row, Decision(person_id=None), now)
    return len(found)


def release(unit: Unit, now: dt.datetime) -> int:
    """Give back a batch of the rewards of rejections that nobody can overturn any more; how many there were."""
    found = reviews.forfeited(unit, now, limit=BATCH)
    for decision, turn, requester_id in found:
        reviews.settle_dispute(unit, decision.assignment_id)
        money.transfer(unit, ledger.refund(turn.job_id, requester_id, turn.reward, f"forfeit:{turn.id}"), now)
    return len(found)
