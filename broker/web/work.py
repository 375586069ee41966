"""The HIT page's own door, in JSON: claim, submit (and claim the next at once), return, more time, problem, leave.

`express` answers the ordinary submission before it gets here; what is here answers every one.
"""

import contextlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from flask import Blueprint, Response, jsonify, request
from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import to_json

from broker.annotation import reading
from broker.annotation.kind import Kind
from broker.errors import Conflict, Invalid, NotFound
from broker.kinds.registry import furnish
from broker.rules.lease import MOST_HELD
from broker.rules.names import Names
from broker.services import claim, submit
from broker.services.claim import Offer
from broker.services.submit import Receipt
from broker.store import hits, jobs, ranks, requirements
from broker.store.db import Unit
from broker.store.jobs import Job, JobState
from broker.store.requirements import Lack
from broker.web import kindpage
from broker.web.gate import broker, me, need
from broker.web.known import remember
from broker.wiring import Broker

blueprint = Blueprint("work", __name__, url_prefix="/work")
MOST_COUNTED, MOST_LEFT = 500, 5
KEPT = "broker.kept"
"""The receipt of an answer that the express lane has kept already."""
M = TypeVar("M", bound=BaseModel)
WHY_NOTHING = {
    JobState.OPEN: "There is no HIT left for you in this job.",
    JobState.PAUSED: "The requester has paused this job.",
    JobState.STOPPED: "The requester has ended this job.",
    JobState.DONE: "This job is done. Thank you!",
}
WAITS = "Others come first for the HITs that are left in this job. Look again in a few minutes."


class Wish(BaseModel):
    """What a request of the page may say of its HITs: `have` on screen or behind it, `start` comes on screen now."""

    model_config = ConfigDict(extra="forbid")

    have: tuple[str, ...] = Field((), max_length=20)
    start: str | None = None
    html: bool = True
    """Whether the HIT's page is wanted beside its input: programs do without."""


class Submission(Wish):
    """An answer, and whether the next HIT is wanted with its receipt."""

    assignment: str
    answer: Any
    seconds: float | None = None
    claim: bool = True


class Named(BaseModel):
    """A request about one assignment."""

    model_config = ConfigDict(extra="forbid")

    assignment: str
    text: str = ""


@dataclass(frozen=True)
class Next:
    """How a worker stands in a job, read in the transaction and rendered after it; `full` hands are no lack of HITs."""

    job: Job
    offer: Offer | None
    done: int
    left: int
    full: bool = False
    lacks: tuple[Lack, ...] = ()
    """What keeps the worker from taking a HIT."""
    waits: bool = False
    """Whether what is left is for others first."""

    def shown(self, *, html: bool) -> dict[str, Any]:
        """The assignment as the page gets it, or why there is none."""
        return {
            "assignment": turn_shown(self.job, self.offer, html=html) if self.offer else None,
            "message": self.message(),
            "done": self.done,
            "left": self.left,
        }

    def message(self) -> str:
        """Why there is no HIT, if there is none and the page cannot know why."""
        if self.offer or self.full:
            return ""
        return lacking(self.lacks) or (WAITS if self.waits else WHY_NOTHING[JobState(self.job.state)])


def lacking(lacks: Sequence[Lack]) -> str:
    """Which requirements of a job a worker does not meet; empty where they meet all."""
    return f"This job asks for something you lack: {'; '.join(map(str, lacks))}." if lacks else ""


def turn_shown(job: Job, offer: Offer, *, html: bool = True) -> dict[str, Any]:
    """An assignment as the page gets it. Gold looks like any other."""
    return offer_shown(broker(), job.kind, furnish(job.kind, job.settings), offer, html=html)


def offer_shown(broker: Broker, kind: str, room: Kind[Any], offer: Offer, *, html: bool) -> dict[str, Any]:
    """An assignment of a furnished kind, with its page if wanted; `seconds` are left until the deadline."""
    name = broker.names("T").show(offer.assignment_id)
    task_input = kindpage.seen(broker, room, offer.payload, f"/frame/turn/{name}")
    return {
        "id": name,
        "hit": broker.names("H").show(offer.hit_id),
        **({"html": str(kindpage.render(kind, task_input))} if html else {}),
        "input": task_input,
        "deadline": offer.deadline.isoformat(),
        "seconds": (offer.deadline - broker.now()).total_seconds(),
        "reward": offer.reward,
    }


def written(said: Mapping[str, Any]) -> bytes:
    """An assignment's JSON, whichever way it goes out: that may tell nothing of it."""
    try:
        return to_json(said, ensure_ascii=True) + b"\n"
    except ValueError:  # half a surrogate pair, which has an escape and no UTF-8
        return json.dumps(said, separators=(",", ":")).encode() + b"\n"


def reply(said: Mapping[str, Any]) -> Response:
    """The same as an answer of Flask."""
    return Response(written(said), mimetype="application/json")


def claim_for_me(unit: Unit, job_id: int, wish: Wish) -> Next:
    """The next assignment of the person who asks."""
    now, how = broker().now(), broker().leniency
    offer = claim.claim(unit, job_id, me().id, known(broker().names("T"), wish.have), now, broker().secret, how)
    job = jobs.published(unit, job_id)
    full = offer is None and len(claim.holding(unit, job, me().id, now)) >= MOST_HELD
    found = standing(unit, job, offer, full=full and job.state == JobState.OPEN)
    if offer is not None or full or job.state != JobState.OPEN:
        return found
    lacks = requirements.lacks(unit, [job], me().id, how, now)[job.id] if job.requirements else ()
    return replace(found, lacks=tuple(lacks), waits=ranks.waiting(unit, job, me().id) is not None)


def known(names: Names, have: Sequence[str]) -> set[int]:
    """The assignments of these public ids; what a page kept of another time is no reason to refuse its answer."""
    found = set()
    for one in have:
        with contextlib.suppress(NotFound):
            found.add(names.read(one))
    return found


def standing(unit: Unit, job: Job, offer: Offer | None, *, full: bool) -> Next:
    """What the page shows beside the HIT. Who was offered nothing has nothing left, whatever others still have."""
    positions, done = hits.place(unit, job.id, me().id)
    some = job.state == JobState.OPEN and (offer is not None or full)
    left = hits.left_for(unit, job, me().id, positions, limit=MOST_COUNTED) if some else 0
    return Next(job, offer, done, left, full)


def _start(unit: Unit, wish: Wish) -> None:
    # First of all: every request locks its assignments before its cursor, so that no two wait for each other.
    # A lease that ran out meanwhile shows at its submission; it must not undo what came with this request.
    if wish.start is not None:
        with contextlib.suppress(Conflict, NotFound):
            submit.start(unit, _turn(wish.start), me().id, broker().now())


def _turn(public_id: str) -> int:
    return broker().names("T").read(public_id)


def _read(shape: type[M]) -> M:
    try:
        raw = request.get_json(silent=True)
    except RecursionError:
        raise Invalid("body: too many brackets in brackets") from None
    return reading.model(shape, reading.record(raw, "body"))


@blueprint.post("/<job>/claim")
@need("worker")
def claim_next(job: str) -> Response:
    """Hand out the next HIT."""
    wish, job_id = _read(Wish), broker().names("J").read(job)
    with broker().store.write() as unit:
        _start(unit, wish)
        found = claim_for_me(unit, job_id, wish)
    remember()
    return reply(found.shown(html=wish.html))


@blueprint.post("/<job>/submit")
@need("worker")
def submit_answer(job: str) -> Response:
    """Keep an answer and, if wanted, hand out the next HIT of the same job, in one transaction."""
    sent, job_id = _read(Submission), broker().names("J").read(job)
    with broker().store.write() as unit:
        _start(unit, sent)
        receipt: Receipt = request.environ.get(KEPT) or _submit(unit, job_id, sent)
        found = claim_for_me(unit, job_id, sent) if sent.claim else _unasked(unit, job_id)
    remember()
    said = {"accepted": True, "repeated": receipt.repeated, "late": receipt.late}
    return reply(said | found.shown(html=sent.html))


def _submit(unit: Unit, job_id: int, sent: Submission) -> Receipt:
    receipt = submit.submit(unit, _turn(sent.assignment), me().id, sent.answer, sent.seconds, broker().now())
    if receipt.job_id != job_id:
        raise NotFound("This assignment is one of another job.")
    return receipt


def _unasked(unit: Unit, job_id: int) -> Next:
    return standing(unit, jobs.published(unit, job_id), None, full=True)


@blueprint.post("/return")
@need("worker")
def give_back() -> Response:
    """Take a HIT back without penalty."""
    named = _read(Named)
    with broker().store.write() as unit:
        submit.give_back(unit, _turn(named.assignment), me().id, broker().now())
    return jsonify({"returned": True})


@blueprint.post("/extend")
@need("worker")
def extend() -> Response:
    """Give more time (WCAG 2.2.1)."""
    named = _read(Named)
    with broker().store.write() as unit:
        deadline = submit.extend(unit, _turn(named.assignment), me().id, broker().now())
    return jsonify({"deadline": deadline.isoformat(), "seconds": (deadline - broker().now()).total_seconds()})


@blueprint.post("/problem")
@need("worker")
def problem() -> Response:
    """Pass a problem report on to the requester."""
    named = _read(Named)
    with broker().store.write() as unit:
        submit.report(unit, _turn(named.assignment), me().id, named.text, broker().now())
    return jsonify({"reported": True})


@blueprint.post("/leave")
@need("worker")
def leave() -> Response:
    """Take back what a page that is being closed still held; a beacon can only send a form."""
    named = request.form.get("assignments", "").split(",")[:MOST_LEFT]
    with broker().store.write() as unit:
        for one in named:
            with contextlib.suppress(Conflict, NotFound):
                submit.give_back(unit, _turn(one), me().id, broker().now())
    return Response(status=204)
