"""BONUS: what a requester gives a worker on top of a reward."""

import datetime as dt

from broker.errors import Invalid, NotFound, Problem
from broker.rules import ledger
from broker.store import money, reviews
from broker.store.db import Unit
from broker.store.reviews import Bonus

LONGEST_REASON = 1024
HIGHEST = ledger.HIGHEST_REWARD


def give(unit: Unit, assignment_id: int, requester_id: int, amount: int, reason: str, now: dt.datetime) -> Bonus:
    """Give the worker of an answer an amount (micro-units) from what the requester can spend.

    Raises NotFound, Invalid, Unpaid.
    """
    problems = []
    if not 0 < amount <= HIGHEST:
        problems.append(Problem(f"must be more than 0 and at most {HIGHEST // ledger.UNIT:,}", column="amount"))
    if not 0 < len(reason.strip()) <= LONGEST_REASON:
        problems.append(Problem(f"write between 1 and {LONGEST_REASON} characters", column="reason"))
    if problems:
        raise Invalid("; ".join(map(str, problems)), problems=problems)
    found = reviews.answered(unit, assignment_id, requester_id)
    if found is None:
        raise NotFound("There is no such answer among those to your jobs.")
    turn, _ = found
    made = Bonus(assignment_id=turn.id, hit_id=turn.hit_id, requester_id=requester_id, worker_id=turn.worker_id, at=now)
    made.amount, made.reason = amount, reason.strip()
    unit.session.add(made)
    unit.session.flush()
    money.transfer(unit, ledger.bonus(requester_id, turn.worker_id, amount, made.id), now)
    return made
