"""POST: HITs that come one by one under a HIT type, each with its own question, seats and end."""

import datetime as dt
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from broker.errors import Conflict, NotFound
from broker.kinds.registry import furnish
from broker.rules import ledger, posting
from broker.rules.posting import HitType, refuse, within
from broker.store import hits, jobs, money, notices, posted
from broker.store.db import Json, Unit
from broker.store.jobs import ENDED, Job, JobState
from broker.store.posted import Posted

KIND = "page"
SETTINGS = {"template": ""}
"""Of the kind whose items bring their own pages."""


@dataclass(frozen=True)
class Order:
    """What is asked for with one HIT: what workers see (an item of the kind `page`), how often, and for how long.

    `question` is the XML as it was sent; `layout` and the two policies are kept as the API writes them.
    """

    payload: Mapping[str, Any]
    lifetime: int
    seats: int = 1
    question: str = ""
    annotation: str | None = None
    layout: Json | None = field(default=None)
    assignment_policy: Json | None = None
    hit_policy: Json | None = None

    def check(self) -> None:
        """Raises Invalid naming everything that is out of its range."""
        problems = [
            within("LifetimeInSeconds", self.lifetime, posting.SHORTEST, posting.LONGEST),
            within("MaxAssignments", self.seats, 1, posting.MOST_SEATS),
            within("RequesterAnnotation", len(self.annotation or ""), 0, posting.LONGEST_ANNOTATION, "the length of "),
        ]
        refuse([one for one in problems if one])


def register(unit: Unit, requester_id: int, asked: HitType, requirements: Sequence[Json], now: dt.datetime) -> Job:
    """The requester's HIT type with these properties: the same ones give the same type. Raises Invalid."""
    asked.check()
    digest = _digest(asked, requirements)
    found = posted.posted_type(unit, requester_id, digest)
    if found is None:
        values = {"kind": KIND, "settings": SETTINGS, "columns": [], "redundancy": 1, "gold_percent": 0}
        unit.insert_once(
            Job,
            requester_id=requester_id,
            hit_type=digest,
            state=JobState.OPEN,
            title=asked.title.strip(),
            description=asked.description.strip(),
            keywords=asked.keywords,
            reward=asked.reward,
            lease_seconds=asked.duration,
            approval_seconds=asked.approval,
            requirements=list(requirements) or None,
            created_at=now,
            published_at=now,
            **values,
        )
        found = posted.posted_type(unit, requester_id, digest)
    if found is None:
        raise Conflict("This HIT type is being made at this moment. Try again.")
    return found


def _digest(asked: HitType, requirements: Sequence[Json]) -> str:
    text = json.dumps([asdict(asked), list(requirements)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def own_type(unit: Unit, job_id: int, requester_id: int) -> Job:
    """The requester's own HIT type. Raises NotFound, also for a job that is none."""
    job = jobs.own_job(unit, job_id, requester_id)
    if job.hit_type is None:
        raise NotFound("There is no such HIT type.")
    return job


def post(unit: Unit, job_id: int, requester_id: int, order: Order, now: dt.datetime) -> int:
    """Open a HIT of this type and set its money aside; its row id.

    Raises Invalid, NotFound, Unpaid, Conflict for a type whose requester has stopped it.
    """
    order.check()
    job = own_type(unit, job_id, requester_id)
    if job.state in ENDED:
        raise Conflict("This HIT type was stopped by its requester.")
    room: Any = furnish(job.kind, job.settings)
    room.task_input(order.payload)  # raises what is wrong with the question
    hit_id = hits.add(unit, job, order.seats, order.payload)
    unit.session.add(
        Posted(
            hit_id=hit_id,
            requester_id=requester_id,
            question=order.question,
            annotation=order.annotation,
            layout=order.layout,
            assignment_policy=order.assignment_policy,
            hit_policy=order.hit_policy,
            movements=1,
            created_at=now,
            expires_at=now + dt.timedelta(seconds=order.lifetime),
        )
    )
    unit.session.flush()
    money.transfer(unit, ledger.fund(job_id, requester_id, order.seats * job.reward, f"seats:{hit_id}:1"), now)
    notices.of_hits(unit, [hit_id], ["HITCreated"], now)
    return hit_id
