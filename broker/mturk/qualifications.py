"""Qualification types, who holds them and who asks for them."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from broker.annotation.questionform import BadXhtml, BadXml
from broker.errors import Conflict, NotFound
from broker.formats.questions import Question, write_answers
from broker.mturk import hits
from broker.mturk.faults import MTurkError, about, missing
from broker.mturk.paging import after, paged, size
from broker.mturk.wire import Call, Json, operation, seconds
from broker.mturk.workers import worker
from broker.rules.qualification import NAMES, SYSTEM
from broker.services import qualify
from broker.services.qualify import AlreadyMade, Kept, NotGranted
from broker.store import people, posted, qualifications, requirements
from broker.store.qualifications import Qualification, QualificationRequest, QualificationType

TYPE, REQUEST = "QualificationType", "QualificationRequest"
FIELDS = {
    "Description": "description",
    "Keywords": "keywords",
    "RetryDelayInSeconds": "retry_seconds",
    "Test": "test",
    "AnswerKey": "answer_key",
    "TestDurationInSeconds": "test_seconds",
    "AutoGranted": "auto_granted",
    "AutoGrantedValue": "auto_value",
}
"""What a request says of a type, by what we call it."""


def type_id(call: Call, name: str) -> int:
    """The row id of a type's public id. Raises MTurkError for what is none, and for a system qualification."""
    with about(TYPE, name):
        return call.broker.names("Q").read(name)


@contextmanager
def _xml() -> Iterator[None]:
    try:
        yield
    except BadXhtml as error:
        raise MTurkError("XHTMLParseError", error.message) from None
    except BadXml as error:
        raise MTurkError("XMLParseError", error.message) from None


def _said(params: Mapping[str, Any]) -> Json:
    said = {field: params[name] for name, field in FIELDS.items() if name in params}
    return said | (
        {"active": params["QualificationTypeStatus"] == "Active"} if "QualificationTypeStatus" in params else {}
    )


def shown(call: Call, made: QualificationType) -> Json:
    """A type as the API shows it."""
    optional = {
        "Keywords": made.keywords or None,
        "Test": made.test or None,
        "TestDurationInSeconds": made.test_seconds,
        "AnswerKey": made.answer_key or None,
        "RetryDelayInSeconds": made.retry_seconds,
        "AutoGrantedValue": made.auto_value if made.auto_granted else None,
    }
    return {
        "QualificationTypeId": call.shown("Q", made.id),
        "CreationTime": seconds(made.created_at),
        "Name": made.name,
        "Description": made.description,
        "QualificationTypeStatus": "Active" if made.active else "Inactive",
        "IsRequestable": made.active,
        "AutoGranted": made.auto_granted,
        **{name: value for name, value in optional.items() if value is not None},
    }


@operation("CreateQualificationType")
def create_type(call: Call) -> Json:
    """A type of the requester's own."""
    try:
        with _xml():
            made = qualify.make(call.unit, call.requester.id, call.params["Name"], Kept(**_said(call.params)), call.now)
    except AlreadyMade as error:
        raise MTurkError("QualificationTypeAlreadyExists", error.message) from None
    return {"QualificationType": shown(call, made)}


@operation("UpdateQualificationType")
def update_type(call: Call) -> Json:
    """Other properties for a type; what is not said stays."""
    name = call.params["QualificationTypeId"]
    with about(TYPE, name), _xml():
        mine = qualifications.own_type(call.unit, type_id(call, name), call.requester.id)
        wanted = Kept(**vars(qualify.kept_of(mine)) | _said(call.params))
        made = qualify.change(call.unit, mine.id, call.requester.id, wanted)
    return {"QualificationType": shown(call, made)}


@operation("GetQualificationType", reads=True)
def get_type(call: Call) -> Json:
    """A type, also a stranger's (without the key of its test), or a system qualification."""
    name = call.params["QualificationTypeId"]
    if name in SYSTEM:
        return {"QualificationType": _system(call, name)}
    with about(TYPE, name):
        made = qualifications.qualification_type(call.unit, type_id(call, name))
    said = shown(call, made)
    if made.owner_id != call.requester.id:
        said.pop("AnswerKey", None)
    return {"QualificationType": said}


def _system(call: Call, name: str) -> Json:
    return {
        "QualificationTypeId": name,
        "CreationTime": seconds(call.requester.created_at),
        "Name": NAMES[name],
        "Description": f"{NAMES[name]}: kept by this installation for every worker.",
        "QualificationTypeStatus": "Active",
        "IsRequestable": False,
        "AutoGranted": False,
    }


@operation("DeleteQualificationType")
def delete_type(call: Call) -> None:
    """Do away with a type; who holds it keeps it, and HIT types that require it go on."""
    name = call.params["QualificationTypeId"]
    with about(TYPE, name):
        qualify.dispose(call.unit, type_id(call, name), call.requester.id, call.now)


@operation("ListQualificationTypes", reads=True)
def list_types(call: Call) -> Json:
    """Types by what they are called and by whose they are."""
    params = call.params
    rows = qualifications.types(
        call.unit,
        owner_id=call.requester.id if params.get("MustBeOwnedByCaller") else None,
        requestable=params["MustBeRequestable"],
        search=params.get("Query", "")[:1000],
        after=after(call),
        limit=size(call),
    )

    def one(made: QualificationType) -> Json:
        said = shown(call, made)
        return said if made.owner_id == call.requester.id else {k: v for k, v in said.items() if k != "AnswerKey"}

    return paged(call, "QualificationTypes", rows, lambda made: made.id, one)


@operation("AssociateQualificationWithWorker")
def associate(call: Call) -> None:
    """Give a worker the qualification, and tell them, unless that is not wanted."""
    params = call.params
    name, found = params["QualificationTypeId"], worker(call, params["WorkerId"])
    with about(TYPE, name):
        number = type_id(call, name)
        value, tell = params.get("IntegerValue", 1), params.get("SendNotification", True)
        qualify.grant(call.unit, number, call.requester.id, found.id, value, call.now, tell=tell)


@operation("DisassociateQualificationFromWorker")
def disassociate(call: Call) -> None:
    """Take a qualification back."""
    params = call.params
    name, found = params["QualificationTypeId"], worker(call, params["WorkerId"])
    number = _mine(call, name)
    with _state():
        qualify.revoke(call.unit, number, call.requester.id, found.id, params.get("Reason", ""), call.now)


def _mine(call: Call, name: str) -> int:
    with about(TYPE, name):
        return qualifications.own_type(call.unit, type_id(call, name), call.requester.id).id


@contextmanager
def _state() -> Iterator[None]:
    """What clients match on where a worker has no such qualification, or no longer."""
    try:
        yield
    except NotGranted as error:
        raise MTurkError("InvalidQualificationState", error.message) from None
    except NotFound as error:
        raise MTurkError("QualificationDoesNotExist", error.message) from None


def _granted(one: Qualification, name: str, public_id: str) -> Json:
    return {
        "QualificationTypeId": name,
        "WorkerId": public_id,
        "GrantTime": seconds(one.granted_at),
        "IntegerValue": one.value,
        "Status": "Granted" if one.revoked_at is None else "Revoked",
    }


@operation("GetQualificationScore", reads=True)
def get_score(call: Call) -> Json:
    """A worker's value of one of the requester's types."""
    name, found = call.params["QualificationTypeId"], worker(call, call.params["WorkerId"])
    number = _mine(call, name)
    with _state():
        one = qualify.score(call.unit, number, call.requester.id, found.id)
    return {"Qualification": _granted(one, name, found.public_id)}


@operation("ListWorkersWithQualificationType", reads=True)
def list_workers(call: Call) -> Json:
    """Who holds one of the requester's types, or from whom it was taken back."""
    name = call.params["QualificationTypeId"]
    revoked = call.params.get("Status", "Granted") == "Revoked"
    rows = qualifications.holders(call.unit, _mine(call, name), revoked=revoked, after=after(call), limit=size(call))
    return paged(
        call,
        "Qualifications",
        rows,
        lambda row: row[0].worker_id,
        lambda row: _granted(row[0], name, row[1].public_id),
    )


@operation("ListHITsForQualificationType", reads=True)
def list_hits(call: Call) -> Json:
    """The requester's HITs that require the type."""
    number = type_id(call, call.params["QualificationTypeId"])
    limit = size(call)
    where = requirements.hit_requires(number)
    return hits.listed(call, posted.page(call.unit, call.requester.id, call.now, where, after=after(call), limit=limit))


@operation("ListQualificationRequests", reads=True)
def list_requests(call: Call) -> Json:
    """The requests that the requester has to decide, of one type or of all."""
    name = call.params.get("QualificationTypeId")
    number = None if name is None else _mine(call, name)
    rows = qualifications.pending(call.unit, call.requester.id, type_id=number, after=after(call), limit=size(call))
    return paged(
        call, "QualificationRequests", rows, lambda row: row[0].id, lambda row: _asked(call, row[0], row[1], row[2])
    )


def _asked(call: Call, asked: QualificationRequest, made: QualificationType, who: people.Person) -> Json:
    said = {
        "QualificationRequestId": call.shown("R", asked.id),
        "QualificationTypeId": call.shown("Q", made.id),
        "WorkerId": who.public_id,
        "SubmitTime": seconds(asked.submitted_at or asked.asked_at),
    }
    if made.test:
        said["Test"] = made.test
        said["Answer"] = write_answers(Question("form", content=made.test), asked.answers or {})
    return said


@contextmanager
def _request(name: str) -> Iterator[None]:
    try:
        yield
    except NotFound:
        raise missing(REQUEST, name) from None
    except Conflict as error:
        raise MTurkError("InvalidQualificationRequestState", error.message) from None


@operation("AcceptQualificationRequest")
def accept(call: Call) -> None:
    """Grant what was asked for."""
    name = call.params["QualificationRequestId"]
    with _request(name):
        number = call.broker.names("R").read(name)
        qualify.accept(call.unit, number, call.requester.id, call.params.get("IntegerValue", 1), call.now)


@operation("RejectQualificationRequest")
def reject(call: Call) -> None:
    """Refuse what was asked for."""
    name = call.params["QualificationRequestId"]
    with _request(name):
        number = call.broker.names("R").read(name)
        qualify.reject(call.unit, number, call.requester.id, call.params.get("Reason", ""), call.now)
