"""CLAIM: give a worker their next HIT of a job, gold mixed in, never one they had and never beyond its redundancy."""

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from broker.rules import gold, lease
from broker.store import hits, jobs, turns
from broker.store.db import Unit
from broker.store.jobs import Hold, Job, JobState


@dataclass(frozen=True)
class Offer:
    """An assignment handed to a worker; the payload is the item's, and nothing tells gold from others."""

    assignment_id: int
    hit_id: int
    payload: dict[str, Any]
    deadline: dt.datetime
    reward: int


def claim(
    unit: Unit, job_id: int, worker_id: int, have: Collection[int], now: dt.datetime, secret: bytes
) -> Offer | None:
    """The worker's next assignment: one they hold but do not `have` on screen, or a fresh one; None if none is left.

    Raises NotFound for an unknown job and for a draft. A paused, stopped or done job hands out nothing new.
    """
    jobs.published(unit, job_id)
    pos, served = hits.cursor(unit, job_id, worker_id)
    job = jobs.job(unit, job_id, Hold.STAY)  # or its money could go back while this seat is given
    held = holding(unit, job, worker_id, now)
    for offer in held:
        if offer.assignment_id not in have:
            return offer
    if job.state != JobState.OPEN or len(held) >= lease.MOST_HELD:
        return None
    return _gold(unit, job, worker_id, pos, served, now, secret) or _ordinary(unit, job, worker_id, pos, served, now)


def holding(unit: Unit, job: Job, worker_id: int, now: dt.datetime) -> list[Offer]:
    """What the worker holds of this job, the oldest first; a lease that ran out is held no more."""
    rows = turns.held(unit, job.id, worker_id)
    return [
        Offer(row.id, row.hit_id, seen(job, row.payload), row.deadline, row.reward)
        for row in rows
        if row.deadline > now
    ]


def _gold(unit: Unit, job: Job, worker_id: int, pos: int, served: int, now: dt.datetime, secret: bytes) -> Offer | None:
    draw = gold.drawer(secret, job.id, worker_id)
    number = gold.due(served, job.gold_percent, draw) if job.golds else None
    chosen = None if number is None else gold.which(number, job.golds, draw)
    hit = None if chosen is None else hits.take_gold(unit, job.id, chosen, worker_id)
    if hit is None:
        return None
    hits.move_cursor(unit, job.id, worker_id, pos=pos, served=served + 1)
    return _lease(unit, job, worker_id, hit.id, hit.payload, now, is_gold=True)


def _ordinary(unit: Unit, job: Job, worker_id: int, pos: int, served: int, now: dt.datetime) -> Offer | None:
    found = hits.next_open(unit, job.id, worker_id, pos)
    if found is None:
        return None
    hit, reached = found
    hits.take_seat(unit, hit.id, taken=hit.taken, seats=job.redundancy + hit.extra)
    hits.move_cursor(unit, job.id, worker_id, pos=reached, served=served + 1)
    return _lease(unit, job, worker_id, hit.id, hit.payload, now, is_gold=False)


def _lease(
    unit: Unit, job: Job, worker_id: int, hit_id: int, payload: dict[str, Any], now: dt.datetime, *, is_gold: bool
) -> Offer:
    deadline = lease.deadline(now, job.lease_seconds)
    assignment_id = turns.write_assignment(
        unit,
        job_id=job.id,
        hit_id=hit_id,
        worker_id=worker_id,
        gold=is_gold,
        accepted_at=now,
        deadline=deadline,
        reward=job.reward,
    )
    return Offer(assignment_id, hit_id, seen(job, payload), deadline, job.reward)


def seen(job: Job, payload: dict[str, Any]) -> dict[str, Any]:
    """What a worker may see of an item: all but the truth of gold."""
    return {column: value for column, value in payload.items() if column != job.gold_column}
