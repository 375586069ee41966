"""HIT types and HITs: made, read, listed, extended, ended."""

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from broker.annotation.questionform import BadXml
from broker.errors import Invalid, NotFound
from broker.formats.questions import read_question, write_html
from broker.kinds.page import QUESTION
from broker.mturk import required
from broker.mturk.account import amount
from broker.mturk.faults import MTurkError, about, invalid, missing
from broker.mturk.paging import after, paged, size
from broker.mturk.wire import Call, Json, operation, seconds
from broker.rules.posting import LATEST_APPROVAL, LONGEST, HitType
from broker.rules.review_policy import Level
from broker.services import expire, extend, layouts, policy, post, qualify
from broker.services.post import Order
from broker.store import posted, remembered
from broker.store.jobs import Job
from broker.store.posted import Line


@operation("CreateHITType")
def create_hit_type(call: Call) -> Json:
    """The type with these properties; the same properties give the same type."""
    return {"HITTypeId": call.shown("J", _typed(call).id)}


def _typed(call: Call) -> Job:
    params = call.params
    asked = HitType(
        title=params["Title"],
        description=params["Description"],
        reward=micros(params["Reward"]),
        duration=params["AssignmentDurationInSeconds"],
        approval=params.get("AutoApprovalDelayInSeconds", LATEST_APPROVAL),
        keywords=params.get("Keywords", ""),
    )
    asks = required.wanted(call)
    job = post.register(call.unit, call.requester.id, asked, required.written(asks), call.now)
    if asks:
        qualify.require(call.unit, job, asks, required.named(call, asks))
    return job


def micros(text: str) -> int:
    """An amount in micro-units; its shape was checked. Raises MTurkError for a text without digits."""
    return int(Decimal(text) * 1_000_000)


@operation("CreateHIT")
def create_hit(call: Call) -> Json:
    """A HIT of the type with these properties."""
    return _once(call, lambda: _typed(call).id)


@operation("CreateHITWithHITType")
def create_hit_with_hit_type(call: Call) -> Json:
    """A HIT of a type that is there."""
    name = call.params["HITTypeId"]
    with about("HITType", name):
        job_id = post.own_type(call.unit, call.broker.names("J").read(name), call.requester.id).id
    return _once(call, lambda: job_id)


def _once(call: Call, job_id: Callable[[], int]) -> Json:
    """A HIT, unless the caller's own token says that it was made before."""
    token = call.params.get("UniqueRequestToken")
    if token is None:
        return _posted(call, job_id())
    known = remembered.begin(call.unit, call.requester.id, "HIT", token, call.now)
    if known is not None:
        words = f"The HIT {known['HITId']} was already created with the UniqueRequestToken {token}."
        raise MTurkError("HitAlreadyExists", words)
    said = _posted(call, job_id())
    remembered.end(call.unit, call.requester.id, "HIT", token, {"HITId": said["HIT"]["HITId"]})
    return said


def _posted(call: Call, job_id: int) -> Json:
    params = call.params
    for level, name in ((Level.ASSIGNMENT, "AssignmentReviewPolicy"), (Level.HIT, "HITReviewPolicy")):
        if name in params:
            policy.read(params[name], level)
    question, layout = _of_layout(call) if "HITLayoutId" in params else (params.get("Question"), None)
    order = Order(
        payload=_payload(call, question),
        lifetime=params["LifetimeInSeconds"],
        seats=params.get("MaxAssignments", 1),
        question=question or "",
        layout=layout,
        annotation=params.get("RequesterAnnotation"),
        assignment_policy=params.get("AssignmentReviewPolicy"),
        hit_policy=params.get("HITReviewPolicy"),
    )
    hit_id = post.post(call.unit, job_id, call.requester.id, order, call.now)
    return {"HIT": shown(call, found(call, call.shown("H", hit_id)))}


def _of_layout(call: Call) -> tuple[str, Json]:
    """The question that a layout and its parameters make, as XML, and both as they were given."""
    if "Question" in call.params:
        raise invalid("Either a Question or a HITLayoutId must be given, not both.")
    name = call.params["HITLayoutId"]
    given = call.params.get("HITLayoutParameters", [])
    parameters = {one["Name"]: one["Value"] for one in given}
    try:
        layout_id = call.broker.names("L").read(name)
        page = layouts.question(call.unit, layout_id, call.requester.id, parameters)
    except NotFound:
        raise invalid(f"The HITLayout {name} does not exist.") from None
    except Invalid as error:
        raise invalid(error.message) from None
    return write_html(page), {"id": name, "parameters": given}


def _payload(call: Call, question: str | None) -> Json:
    if question is None:
        raise invalid("A Question, or a HITLayoutId, must be given.")
    try:
        return {QUESTION: read_question(question, loopback=call.broker.settings.sites_on_loopback).as_column()}
    except BadXml as error:
        raise MTurkError("XMLParseError", error.message) from None
    except Invalid as error:
        raise invalid(error.message) from None


def found(call: Call, name: str) -> Line:
    """The requester's HIT of this id. Raises MTurkError."""
    with about("HIT", name):
        line = posted.one(call.unit, call.broker.names("H").read(name), call.requester.id, call.now)
    if line is None:
        raise missing("HIT", name)
    return line


def shown(call: Call, line: Line) -> Json:
    """A HIT as the API shows it."""
    hit, job, own, standing = line.hit, line.job, line.posted, line.standing
    said: dict[str, Any] = {
        "HITId": call.shown("H", hit.id),
        "HITTypeId": call.shown("J", job.id),
        "HITGroupId": call.shown("G", job.id),
        "CreationTime": seconds(own.created_at),
        "Title": job.title,
        "Description": job.description,
        "Question": own.question,
        "Keywords": job.keywords,
        "HITStatus": str(standing.status(call.now)),
        "MaxAssignments": standing.seats,
        "Reward": amount(job.reward),
        "AutoApprovalDelayInSeconds": job.approval_seconds,
        "Expiration": seconds(own.expires_at),
        "AssignmentDurationInSeconds": job.lease_seconds,
        "QualificationRequirements": job.requirements or [],
        "HITReviewStatus": "NotReviewed",
        "NumberOfAssignmentsPending": standing.pending,
        "NumberOfAssignmentsAvailable": standing.available,
        "NumberOfAssignmentsCompleted": standing.decided,
    }
    if own.annotation is not None:
        said["RequesterAnnotation"] = own.annotation
    if own.layout is not None:
        said["HITLayoutId"] = own.layout["id"]
    return said


@operation("GetHIT", reads=True)
def get_hit(call: Call) -> Json:
    """One HIT, also one that was disposed of."""
    return {"HIT": shown(call, found(call, call.params["HITId"]))}


@operation("ListHITs", reads=True)
def list_hits(call: Call) -> Json:
    """The requester's HITs."""
    return listed(call, posted.page(call.unit, call.requester.id, call.now, after=after(call), limit=size(call)))


def listed(call: Call, rows: list[Line]) -> Json:
    """A page of HITs."""
    return paged(call, "HITs", rows, lambda line: line.hit.id, lambda line: shown(call, line))


@operation("ListReviewableHITs", reads=True)
def list_reviewable_hits(call: Call) -> Json:
    """The requester's HITs whose answers are all there, of one type or of all."""
    where = [posted.reviewable(call.now, reviewing=call.params.get("Status", "Reviewable") == "Reviewing")]
    name = call.params.get("HITTypeId")
    if name is not None:
        with about("HITType", name):
            where.append(
                posted.of_type(post.own_type(call.unit, call.broker.names("J").read(name), call.requester.id).id)
            )
    limit = size(call)
    return listed(call, posted.page(call.unit, call.requester.id, call.now, *where, after=after(call), limit=limit))


@operation("CreateAdditionalAssignmentsForHIT")
def create_additional_assignments(call: Call) -> None:
    """More seats at a HIT."""
    name, token = call.params["HITId"], call.params.get("UniqueRequestToken")
    if token is not None and remembered.begin(call.unit, call.requester.id, "seats", token, call.now) is not None:
        words = f"Assignments were already added to HIT {name} with the UniqueRequestToken {token}."
        raise MTurkError("AssignmentAlreadyExists", words)
    more = call.params["NumberOfAdditionalAssignments"]
    with about("HIT", name):
        extend.add_seats(call.unit, call.broker.names("H").read(name), call.requester.id, more, call.now)


@operation("UpdateExpirationForHIT")
def update_expiration(call: Call) -> None:
    """Another end for a HIT; one in the past is now."""
    name, end = call.params["HITId"], max(call.params["ExpireAt"], call.now)
    if end > call.now + dt.timedelta(seconds=LONGEST):
        raise invalid(f"ExpireAt must be at most {LONGEST} seconds from now.")
    with about("HIT", name):
        extend.set_end(call.unit, call.broker.names("H").read(name), call.requester.id, end, call.now)
    expire.sweep(call.unit, call.now)


@operation("UpdateHITReviewStatus")
def update_review_status(call: Call) -> None:
    """From Reviewable to Reviewing, or back."""
    name, on = call.params["HITId"], not call.params.get("Revert", False)
    with about("HIT", name):
        extend.set_reviewing(call.unit, call.broker.names("H").read(name), call.requester.id, call.now, on=on)


@operation("UpdateHITTypeOfHIT")
def update_hit_type(call: Call) -> None:
    """Another type for a HIT."""
    name, wanted = call.params["HITId"], call.params["HITTypeId"]
    with about("HITType", wanted):
        job_id = post.own_type(call.unit, call.broker.names("J").read(wanted), call.requester.id).id
    with about("HIT", name):
        extend.set_type(call.unit, call.broker.names("H").read(name), call.requester.id, job_id, call.now)


@operation("DeleteHIT")
def delete_hit(call: Call) -> None:
    """Dispose of a HIT whose answers are all decided."""
    name = call.params["HITId"]
    with about("HIT", name):
        expire.dispose(call.unit, call.broker.names("H").read(name), call.requester.id, call.now)
