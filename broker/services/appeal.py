"""APPEAL: a worker's word against a rejection, and what an admin makes of it. Who was right is paid."""

import datetime as dt
from dataclasses import dataclass

from broker.errors import Conflict, Invalid, NotFound, Problem
from broker.rules import ledger
from broker.rules.posting import APPEAL
from broker.store import errands, jobs, money, people, reviews, turns
from broker.store.db import Unit
from broker.store.people import Person
from broker.store.reviews import Appeal, Decision
from broker.store.work import Turn

LONGEST = 2000


@dataclass(frozen=True)
class Ruling:
    """What an admin decides about an appeal, and the words that worker and requester read."""

    admin: Person
    upheld: bool
    answer: str
    now: dt.datetime


def lodge(unit: Unit, assignment_id: int, worker_id: int, text: str, now: dt.datetime) -> None:
    """Appeal against a rejection, once, within 14 days of it. Raises NotFound, Invalid, Conflict."""
    turn = turns.assignment(unit, assignment_id, worker_id)
    if turn is None or turn.state != Turn.REJECTED:
        raise NotFound("There is no such rejected answer among yours.")
    last = reviews.latest(unit, [assignment_id]).get(assignment_id)
    if last is None or not last.disputable or now > last.at + APPEAL:
        raise Conflict(f"An appeal is possible for {APPEAL.days} days after a rejection.")
    kept = {"text": words(text), "at": now, "answer": ""}
    if not unit.insert_once(Appeal, assignment_id=assignment_id, worker_id=worker_id, **kept):
        raise Conflict("You have appealed against this rejection already.")


def words(text: str) -> str:
    """What somebody says for or against. Raises Invalid for nothing, and for more than 2000 characters."""
    text = text.encode(errors="replace").decode().strip()  # half a surrogate pair has no UTF-8
    if not 0 < len(text) <= LONGEST:
        message = f"write between 1 and {LONGEST} characters"
        raise Invalid(f"text: {message}", problems=[Problem(message, column="text")])
    return text


def decide(unit: Unit, appeal_id: int, ruling: Ruling) -> None:
    """Decide an appeal: one that is upheld has the answer approved and paid. Raises NotFound, Invalid, Conflict."""
    answer = words(ruling.answer)
    appeal = reviews.appeal(unit, appeal_id)
    if appeal is None:
        raise NotFound("There is no such appeal.")
    turn = turns.hold(unit, appeal.assignment_id)
    if turn is None or not reviews.rule(unit, appeal_id, upheld=ruling.upheld, answer=answer, now=ruling.now):
        raise Conflict("This appeal is decided already.")
    # Its requester may have given in meanwhile.
    if ruling.upheld and reviews.decide(unit, turn.id, Turn.REJECTED, Turn.APPROVED, ruling.now):
        job = jobs.job(unit, turn.job_id)
        made = Decision(assignment_id=turn.id, person_id=ruling.admin.id, approved=True, at=ruling.now)
        made.feedback = answer[:1024]
        reviews.write(unit, made)
        money.transfer(unit, ledger.pay(job.id, turn.worker_id, turn.id, turn.reward), ruling.now)
        errands.later(unit, "conclude", job.id, ruling.now, queue="statistics")
    worker = people.person(unit, appeal.worker_id)
    name = "uphold appeal" if ruling.upheld else "dismiss appeal"
    subject = worker.public_id if worker else ""
    people.write_act(unit, ruling.admin, name, subject, answer[:1000], ruling.now, assignment=turn.id)
