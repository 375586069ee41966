"""TURN: the ordinary case of a worker's loop in one transaction: their answer is kept and the next HIT is theirs.

What is not ordinary (a late answer, a repeated one, a job that ends) is left to SUBMIT and CLAIM.
"""

import datetime as dt
from abc import ABC, abstractmethod
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
from broker.store.express import Ask, Asked, Code, Given, Lane, golden
from broker.store.jobs import JobState

_LOGIN_LIFE = people.LOGIN_LIFE // MICROSECOND
SHORT = 1 << 12
"""Bytes of an answer and letters of an item that one thread reads and shows for others. What is longer takes its time,
and only its own worker should wait for that."""


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
    """Whether it requires qualifications of its workers, at which no lane looks."""

    def ordinary(self) -> bool:
        """Whether its turns are for a lane: nobody's qualifications and no item need be looked at."""
        return not self.guarded and not self.room.needs_item()


class Submitted(NamedTuple):
    """An answer and the wish for the next HIT; `start` comes on screen now."""

    assignment_id: int
    answer: Any
    seconds: float | None
    have: Collection[int]
    start: int | None


class Turn(ABC):
    """A worker's submission on its way through a lane, which may call it in the thread of another one.

    `login` must still hold and be the worker's; None where that was looked at already. `now` is when it came in.
    """

    def __init__(self, job: Facts, worker: int, login: int | None, now: dt.datetime) -> None:
        self.job, self.worker, self.login, self.now = job, worker, login, now
        self.ask: Ask | None = None
        self.is_shown = False

    @abstractmethod
    def read(self) -> Submitted | None:
        """What the worker sent; None for what is not the lane's."""

    @abstractmethod
    def show(self, given: Given) -> None:
        """The next HIT is the worker's."""

    def asked(self) -> Asked | None:
        """What the database is asked; None for what is not the lane's.

        Raises Invalid for an answer that the kind does not know.
        """
        sent = self.read() if self.ask is None else None
        if sent is not None:
            self.ask = self._ask(sent)
        return None if self.ask is None else (self.ask, None)

    def _ask(self, sent: Submitted) -> Ask:
        job, micros = self.job, (self.now - EPOCH) // MICROSECOND
        kept = job.room.dump(job.room.parse(sent.answer, {}))
        return Ask(
            worker=self.worker,
            job=job.id,
            now=micros,
            lease=lease.microseconds(job.lease_seconds),
            most_held=lease.MOST_HELD,
            have=tuple(sent.have),
            assignment=sent.assignment_id,
            answer=to_json(kept).decode(),
            seconds=lease.checked_seconds(sent.seconds),
            start=sent.start,
            login=self.login,
            seen_after=micros - _LOGIN_LIFE,
        )

    def ended(self, given: Given) -> None:
        """Show the next HIT, if one was given; a long one is left to the worker's own thread."""
        if given.code == Code.NEXT and len(given.payload) <= SHORT:
            self.show(given)
            self.is_shown = True


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


def take(lane: Lane, turn: Turn, secret: bytes) -> Given | None:
    """Keep the answer and give the next HIT; None if nothing was done, or nobody knows what the database made of it.

    Raises what the turn raises; where that is from reading, nothing was done.
    """
    given, job = lane.take(turn), turn.job
    if given is not None and given.code == Code.GOLD and turn.ask is not None:
        golds = Schedule(job.gold_percent, job.golds, gold.drawer(secret, job.id, turn.worker))
        given = golden(lane.turn, turn.ask, golds, given)
    if given is not None and given.code == Code.NEXT and not turn.is_shown:
        turn.show(given)
    return given
