"""CLAIM: give a worker their next HIT of a job, gold mixed in, never one they had and never beyond its redundancy."""

import datetime as dt
import json
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from pydantic_core import from_json

from broker.rules import gold, lease
from broker.rules.gold import Schedule
from broker.rules.qualification import USUAL, Leniency
from broker.store import blocks, hits, jobs, notices, posted, ranks, requirements, turns
from broker.store.db import EPOCH, MICROSECOND, Unit
from broker.store.express import Ask, Code, Given, turn
from broker.store.jobs import Hold, Job
from broker.store.notices import Event

MOST_TRIES = 20
"""How often a claim waits for rivals who hold the last HITs, each time for one who then takes a seat or gives way."""


class Offer(NamedTuple):
    """An assignment handed to a worker; the payload is the item's, and nothing tells gold from others."""

    assignment_id: int
    hit_id: int
    payload: dict[str, Any]
    deadline: dt.datetime
    reward: int


def claim(
    unit: Unit,
    job_id: int,
    worker_id: int,
    have: Collection[int],
    now: dt.datetime,
    secret: bytes,
    how: Leniency = USUAL,
) -> Offer | None:
    """The worker's next assignment: one they hold but do not `have` on screen, or a fresh one; None if none is left.

    Raises NotFound for an unknown job and for a draft. A paused, stopped or done job hands out nothing new, nor does
    one whose requirements the worker does not meet: what they hold they may finish.
    """
    job = jobs.published(unit, job_id)
    if not requirements.may_accept(unit, job, worker_id, how, now):
        return _unseen(unit, job, worker_id, have, now)
    for _ in range(MOST_TRIES):
        given = _given(unit, job, worker_id, have, now, secret)
        if given.code != Code.HELD:
            break
        if offer := _unseen(unit, job, worker_id, have, now):
            return offer  # else it was given back meanwhile, at another device
    if given.code != Code.NEXT:
        return None
    if job.hit_type is not None:
        notices.tell(unit, job.id, [Event("AssignmentAccepted", given.hit, given.assignment)], now)
    return offered(given, job.gold_column)


def _unseen(unit: Unit, job: Job, worker_id: int, have: Collection[int], now: dt.datetime) -> Offer | None:
    return next((offer for offer in holding(unit, job, worker_id, now) if offer.assignment_id not in have), None)


def _given(unit: Unit, job: Job, worker_id: int, have: Collection[int], now: dt.datetime, secret: bytes) -> Given:
    ask = Ask(
        worker=worker_id,
        job=job.id,
        now=(now - EPOCH) // MICROSECOND,
        lease=lease.microseconds(job.lease_seconds),
        most_held=lease.MOST_HELD,
        have=tuple(have),
    )
    if job.hit_type is not None:
        posted.close_expired(unit, now, job.id)
    golds = Schedule(job.gold_percent, job.golds, gold.drawer(secret, job.id, worker_id))
    given = turn(unit.turn, ask, golds)
    if given.code == Code.NEW:
        if blocks.blocked(unit, job.requester_id, worker_id):
            return given
        hits.begin(unit, job.id, worker_id, golds.after(0))
        given = turn(unit.turn, ask, golds)
    # Whether anybody's lease has run out matters only to who finds nothing: they need not wait for the clock.
    if given.code == Code.NONE and hits.lapse(unit, now, job.id):
        given = turn(unit.turn, ask, golds)
    if given.code == Code.NONE and (place := ranks.waiting(unit, job, worker_id)):
        if ranks.better_at_hand(unit, place, now):
            return given
        ranks.meet(unit, place)
        given = turn(unit.turn, ask, golds)
    tries = 0
    while given.code == Code.NONE and tries < MOST_TRIES and not _dry(unit, job, worker_id):
        given, tries = turn(unit.turn, ask, golds), tries + 1
    return given


def _dry(unit: Unit, job: Job, worker_id: int) -> bool:
    """Note that nothing is left for the worker; or wait for the claim that holds what is left, and say no."""
    # The position is read before the log is: what opens in between has a later one.
    newest = jobs.job(unit, job.id, Hold.STAY).next_pos
    positions, _ = hits.place(unit, job.id, worker_id)
    if hits.await_first(unit, job, worker_id, positions):
        return False
    hits.note_dry(unit, job.id, worker_id, newest)
    return True


def offered(given: Given, gold_column: str) -> Offer:
    """The HIT that was given, without the truth of gold."""
    deadline = EPOCH + given.deadline * MICROSECOND
    return Offer(given.assignment, given.hit, seen(_read(given.payload), gold_column), deadline, given.reward)


def _read(payload: str) -> Any:
    try:
        return from_json(payload)
    except ValueError:  # half a surrogate pair, which only Python's own reader lets pass
        return json.loads(payload)


def holding(unit: Unit, job: Job, worker_id: int, now: dt.datetime) -> list[Offer]:
    """What the worker holds of this job, the oldest first; a lease that ran out is held no more."""
    rows = turns.held(unit, job.id, worker_id)
    return [
        Offer(row.id, row.hit_id, seen(row.payload, job.gold_column), row.deadline, row.reward)
        for row in rows
        if row.deadline > now
    ]


def seen(payload: Mapping[str, Any], gold_column: str) -> dict[str, Any]:
    """What a worker may see of an item: all but the truth of gold."""
    return {column: value for column, value in payload.items() if column != gold_column}
