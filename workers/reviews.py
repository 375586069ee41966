"""Reviews by policy: run a HIT's policies, and carry out what they wish, each wish in a transaction of its own."""

import datetime as dt
from collections.abc import Callable, Collection

from broker.errors import BrokerError, Conflict, Unpaid
from broker.rules.review_policy import Level
from broker.services import concur, extend, policy, review
from broker.store import policies, posted
from broker.store.db import Unit
from broker.store.policies import FAILED, SUCCEEDED, ReviewAction
from broker.store.work import Turn
from broker.wiring import Broker

PREFIX = "AWS.MechanicalTurk."
REJECTED = "Your answers did not match those that were expected."
"""What a worker reads where the policy says no reason."""


def run(broker: Broker, hit_id: int) -> None:
    """Review a HIT: each answer first, and then, once all are there, the HIT."""
    for level in Level:
        with broker.store.write() as unit:
            policy.review(unit, hit_id, level, broker.now())
        carry_out(broker, [hit_id])


def run_consensus(broker: Broker, job_id: int) -> None:
    """Review the HITs of a type whose policy is the statistics' consensus."""
    with broker.store.read() as unit:
        gathered = concur.gather(unit, job_id, broker.now())
    if gathered is None:
        return
    reports = concur.infer(gathered)
    with broker.store.write() as unit:
        concur.keep(unit, reports, broker.now())
    carry_out(broker, list(reports))


def carry_out(broker: Broker, hit_ids: Collection[int]) -> None:
    """Do what is intended; what cannot be done is noted with the reason, and the rest goes on."""
    with broker.store.read() as unit:
        actions = policies.intended(unit, hit_ids)
    for action in actions:
        try:
            with broker.store.write() as unit:
                said = ACTS[action.name](unit, action, broker.now())
                policies.end(unit, action.id, SUCCEEDED, said, "", broker.now())
        except BrokerError as error:
            with broker.store.write() as unit:
                policies.end(unit, action.id, FAILED, error.message, PREFIX + _code(error), broker.now())


def _code(error: BrokerError) -> str:
    if isinstance(error, Unpaid):
        return "InsufficientFunds"
    return "InvalidAssignmentState" if isinstance(error, Conflict) else "InvalidParameterValue"


def _words(action: ReviewAction) -> str:
    return str((action.wish or {}).get("text") or "")


def _approve(unit: Unit, action: ReviewAction, now: dt.datetime) -> str:
    state = policies.state_of(unit, action.target)
    if state == Turn.APPROVED:
        return "Already approved"
    review.approve(unit, action.target, policies.owner(unit, action.hit_id), _words(action), now)
    return "Approved"


def _reject(unit: Unit, action: ReviewAction, now: dt.datetime) -> str:
    state = policies.state_of(unit, action.target)
    if state == Turn.REJECTED:
        return "Already rejected"
    review.reject(unit, action.target, policies.owner(unit, action.hit_id), _words(action) or REJECTED, now)
    return "Rejected"


def _extend(unit: Unit, action: ReviewAction, now: dt.datetime) -> str:
    wanted = (action.wish or {})["extension"]
    owner = policies.owner(unit, action.hit_id)
    line = posted.own(unit, action.hit_id, owner, now)
    if line.standing.seats >= wanted["most"]:
        return f"The HIT has its {wanted['most']} assignments already"
    end = max(line.posted.expires_at, now + dt.timedelta(seconds=wanted["seconds"]))
    extend.add_seats(unit, action.hit_id, owner, 1, now)
    if end > line.posted.expires_at:
        extend.set_end(unit, action.hit_id, owner, end, now)
    return "Extended by 1 assignment"


ACTS: dict[str, Callable[[Unit, ReviewAction, dt.datetime], str]] = {
    "approve": _approve,
    "reject": _reject,
    "extend": _extend,
}
