"""TURN: the ordinary case of a worker's loop in one transaction: their answer is kept and the next HIT is theirs.

What is not ordinary (a late answer, a repeated one, a job that ends) is left to SUBMIT and CLAIM.
"""

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, NamedTuple

from pydantic_core import to_json

from broker.annotation.kind import Kind
from broker.errors import Conflict
from broker.kinds.registry import furnish
from broker.rules import gold, lease
from broker.rules.gold import Schedule
from broker.store import jobs, people
from broker.store.db import EPOCH, MICROSECOND, Unit
from broker.store.express import Ask, Given, Lane, turn
from broker.store.jobs import JobState

_LOGIN_LIFE = people.LOGIN_LIFE // MICROSECOND


@dataclass(frozen=True)
class Facts:
    """What never changes of a published job."""

    id: int
    kind: str
    room: Kind[Any]
    gold_column: str
    gold_percent: int
    golds: int
    lease_seconds: int
    guarded: bool
    """Whether it requires qualifications of its workers, at which this lane does not look."""


class Submitted(NamedTuple):
    """An answer and the wish for the next HIT; `start` comes on screen now.

    The log-in must still hold and be the worker's; None where that was looked at already.
    """

    worker_id: int
    login_id: int | None
    assignment_id: int
    answer: Any
    seconds: float | None
    have: Collection[int]
    start: int | None


def facts(unit: Unit, job_id: int) -> Facts:
    """The facts of a job. Raises NotFound for an unknown one, Conflict for a draft, whose facts may change.

    Conflict also for a HIT type: whether its HITs have expired is looked at before each claim.
    """
    job = jobs.job(unit, job_id)
    if job.hit_type is not None:
        raise Conflict("The HITs of a HIT type are claimed one by one.")
    if job.state == JobState.DRAFT:
        raise Conflict("This job is not published yet.")
    room: Kind[Any] = furnish(job.kind, job.settings)
    guarded = bool(job.requirements)
    return Facts(job.id, job.kind, room, job.gold_column, job.gold_percent, job.golds, job.lease_seconds, guarded)


def take(lane: Lane, job: Facts, sent: Submitted, now: dt.datetime, secret: bytes) -> Given | None:
    """Keep the answer and give the next HIT; None if nobody knows what the database made of it, or nothing was done
    because the answer has to be checked beside its item.

    Raises Invalid for an answer that the kind does not know; nothing is done then.
    """
    if job.room.needs_item():
        return None
    micros = (now - EPOCH) // MICROSECOND
    kept = job.room.dump(job.room.parse(sent.answer, {}))
    ask = Ask(
        worker=sent.worker_id,
        job=job.id,
        now=micros,
        lease=lease.microseconds(job.lease_seconds),
        most_held=lease.MOST_HELD,
        have=tuple(sent.have),
        assignment=sent.assignment_id,
        answer=to_json(kept).decode(),
        seconds=lease.checked_seconds(sent.seconds),
        start=sent.start,
        login=sent.login_id,
        seen_after=micros - _LOGIN_LIFE,
    )
    golds = Schedule(job.gold_percent, job.golds, gold.drawer(secret, job.id, sent.worker_id))
    return turn(lane.turn, ask, golds)
