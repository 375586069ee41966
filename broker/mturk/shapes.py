"""The shapes of all requests, as a table of our own, and what is said when one does not fit.

Source: the Amazon Mechanical Turk Requester API Reference, version 2017-01-17. Clients check types and what is
required, but neither patterns nor enums: the server has to.
"""

import datetime as dt
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from broker.mturk.faults import MTurkError

MOST_INTEGER, MOST_LONG = 2**31 - 1, 2**63 - 1
LONGEST_TEXT = 1 << 20
MOST_ELEMENTS = 1000
_FIRST, _LAST = dt.datetime(1970, 1, 1, tzinfo=dt.UTC), dt.datetime(9999, 1, 1, tzinfo=dt.UTC)


class Shape(Protocol):
    """What a member of a request may be."""

    def read(self, value: Any, path: str, wrong: list[str]) -> Any:
        """The value as operations use it; what is wrong with it is added to `wrong`. Raises MTurkError."""


def _garbled(path: str, what: str) -> MTurkError:
    return MTurkError("", f"The value at '{path}' is not {what}.", sort="SerializationException")


def _is_number(value: Any) -> bool:
    """A number of JSON that is one: integers of any size are, and math.isfinite knows only those of a float's."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < math.inf


def _unfit(value: Any, path: str, rule: str) -> str:
    shown = "null" if value is None else f"'{str(value)[:200]}'"
    return f"Value {shown} at '{path}' failed to satisfy constraint: Member must {rule}"


@dataclass(frozen=True)
class Text:
    """A string: its length in characters, its pattern, or the only values there are."""

    least: int = 0
    most: int = LONGEST_TEXT
    pattern: str = ""
    enum: tuple[str, ...] = ()

    def read(self, value: Any, path: str, wrong: list[str]) -> str:
        if not isinstance(value, str) or "\0" in value or _has_surrogates(value):
            raise _garbled(path, "a string")
        if len(value) < self.least:
            wrong.append(_unfit(value, path, f"have length greater than or equal to {self.least}"))
        if len(value) > self.most:
            wrong.append(_unfit(value, path, f"have length less than or equal to {self.most}"))
        if self.pattern and not re.fullmatch(self.pattern, value):
            wrong.append(_unfit(value, path, f"satisfy regular expression pattern: ^{self.pattern}$"))
        if self.enum and value not in self.enum:
            wrong.append(_unfit(value, path, f"satisfy enum value set: [{', '.join(self.enum)}]"))
        return value


def _has_surrogates(text: str) -> bool:
    return any("\ud800" <= letter <= "\udfff" for letter in text)


@dataclass(frozen=True)
class Whole:
    """An integer."""

    least: int = -MOST_INTEGER - 1
    most: int = MOST_INTEGER

    def read(self, value: Any, path: str, wrong: list[str]) -> int:
        if not _is_number(value) or value % 1:
            raise _garbled(path, "an integer")
        if value < self.least:
            wrong.append(_unfit(value, path, f"have value greater than or equal to {self.least}"))
        if value > self.most:
            wrong.append(_unfit(value, path, f"have value less than or equal to {self.most}"))
        return int(value)


@dataclass(frozen=True)
class Truth:
    """A boolean."""

    def read(self, value: Any, path: str, wrong: list[str]) -> bool:  # noqa: ARG002 - the protocol's signature
        if not isinstance(value, bool):
            raise _garbled(path, "a boolean")
        return value


@dataclass(frozen=True)
class Moment:
    """A time: seconds since 1970 as a number, or ISO 8601; what lies outside of 1970 to 9999 is taken to its edge."""

    def read(self, value: Any, path: str, wrong: list[str]) -> dt.datetime:  # noqa: ARG002 - the protocol's signature
        if isinstance(value, str):
            try:
                found = dt.datetime.fromisoformat(value)
            except ValueError:
                raise _garbled(path, "a timestamp") from None
            return found if found.tzinfo else found.replace(tzinfo=dt.UTC)
        if not _is_number(value):
            raise _garbled(path, "a timestamp")
        return _FIRST + dt.timedelta(seconds=min(max(value, 0), (_LAST - _FIRST).total_seconds()))


@dataclass(frozen=True)
class Many:
    """A list of one shape."""

    of: Shape
    least: int = 0
    most: int = MOST_ELEMENTS

    def read(self, value: Any, path: str, wrong: list[str]) -> list[Any]:
        if not isinstance(value, list):
            raise _garbled(path, "a list")
        if not self.least <= len(value) <= self.most:
            rule = "greater than or equal to" if len(value) < self.least else "less than or equal to"
            limit = self.least if len(value) < self.least else self.most
            wrong.append(_unfit(f"[{len(value)} members]", path, f"have length {rule} {limit}"))
            return []
        return [self.of.read(one, f"{path}.{place}.member", wrong) for place, one in enumerate(value, 1)]


@dataclass(frozen=True)
class Parts:
    """A structure; a name that ends with * must be there. Unknown members are passed over, null ones are absent."""

    members: Mapping[str, Shape] = field(default_factory=dict)

    def read(self, value: Any, path: str, wrong: list[str]) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise _garbled(path or "request", "a structure")
        read = {}
        for marked, shape in self.members.items():
            name, given = marked.removesuffix("*"), value.get(marked.removesuffix("*"))
            inner = f"{path}.{_lowered(name)}" if path else _lowered(name)
            if given is not None:
                read[name] = shape.read(given, inner, wrong)
            elif marked.endswith("*"):
                wrong.append(_unfit(None, inner, "not be null"))
        return read


def _lowered(name: str) -> str:
    return name[:1].lower() + name[1:]


def read(operation: str, body: Any) -> dict[str, Any]:
    """The members of a request, checked and typed. Raises MTurkError naming everything that does not fit."""
    wrong: list[str] = []
    params = REQUESTS[operation].read(body, "", wrong)
    if wrong:
        errors = "error" if len(wrong) == 1 else "errors"
        raise MTurkError(
            "", f"{len(wrong)} validation {errors} detected: {'; '.join(wrong)}", sort="ValidationException"
        )
    return params


STRING, INTEGER, LONG, BOOLEAN, TIME = Text(), Whole(), Whole(-MOST_LONG - 1, MOST_LONG), Truth(), Moment()
ENTITY = Text(1, 64, "[A-Z0-9]+")
PERSON = Text(1, 64, "A[A-Z0-9]+")
MONEY = Text(0, 64, r"[0-9]+(\.)?[0-9]{0,2}")
TOKEN = Text(1, 64)
COUNTRY = Text(2, 2)
REQUIREMENT = Parts(
    {
        "QualificationTypeId*": STRING,
        "Comparator*": Text(
            enum=(
                "LessThan",
                "LessThanOrEqualTo",
                "GreaterThan",
                "GreaterThanOrEqualTo",
                "EqualTo",
                "NotEqualTo",
                "Exists",
                "DoesNotExist",
                "In",
                "NotIn",
            )
        ),
        "IntegerValues": Many(INTEGER),
        "LocaleValues": Many(Parts({"Country*": COUNTRY, "Subdivision": COUNTRY})),
        "RequiredToPreview": BOOLEAN,
        "ActionsGuarded": Text(enum=("Accept", "PreviewAndAccept", "DiscoverPreviewAndAccept")),
    }
)
ENTRIES = Many(Parts({"Key": STRING, "Values": Many(STRING)}))
POLICY = Parts(
    {"PolicyName*": STRING, "Parameters": Many(Parts({"Key": STRING, "Values": Many(STRING), "MapEntries": ENTRIES}))}
)
EVENT = Text(
    enum=(
        "AssignmentAccepted",
        "AssignmentAbandoned",
        "AssignmentReturned",
        "AssignmentSubmitted",
        "AssignmentRejected",
        "AssignmentApproved",
        "HITCreated",
        "HITExpired",
        "HITReviewable",
        "HITExtended",
        "HITDisposed",
        "Ping",
    )
)
NOTIFICATION = Parts(
    {
        "Destination*": STRING,
        "Transport*": Text(enum=("Email", "SQS", "SNS")),
        "Version*": STRING,
        "EventTypes*": Many(EVENT),
    }
)
PAGE: dict[str, Shape] = {"NextToken": Text(1, 255), "MaxResults": Whole(1, 100)}
TYPE: dict[str, Shape] = {
    "AutoApprovalDelayInSeconds": LONG,
    "AssignmentDurationInSeconds*": LONG,
    "Reward*": MONEY,
    "Title*": STRING,
    "Keywords": STRING,
    "Description*": STRING,
    "QualificationRequirements": Many(REQUIREMENT, most=10),
}
ONE: dict[str, Shape] = {
    "MaxAssignments": INTEGER,
    "LifetimeInSeconds*": LONG,
    "Question": STRING,
    "RequesterAnnotation": STRING,
    "UniqueRequestToken": TOKEN,
    "AssignmentReviewPolicy": POLICY,
    "HITReviewPolicy": POLICY,
    "HITLayoutId": ENTITY,
    "HITLayoutParameters": Many(Parts({"Name*": STRING, "Value*": STRING})),
}
TEST: dict[str, Shape] = {
    "RetryDelayInSeconds": LONG,
    "Test": STRING,
    "AnswerKey": STRING,
    "TestDurationInSeconds": LONG,
    "AutoGranted": BOOLEAN,
    "AutoGrantedValue": INTEGER,
}
STATUS = Text(enum=("Active", "Inactive"))
HIT: dict[str, Shape] = {"HITId*": ENTITY}
TURN: dict[str, Shape] = {"AssignmentId*": ENTITY}
QUALIFICATION: dict[str, Shape] = {"QualificationTypeId*": ENTITY}
WORKER: dict[str, Shape] = {"WorkerId*": PERSON}
REASON: dict[str, Shape] = {"Reason": STRING}
REVIEWABLE: dict[str, Shape] = {"HITTypeId": ENTITY, "Status": Text(enum=("Reviewable", "Reviewing"))}
STATES: dict[str, Shape] = {"AssignmentStatuses": Many(Text(enum=("Submitted", "Approved", "Rejected")))}
QUERY: dict[str, Shape] = {"Query": STRING, "MustBeRequestable*": BOOLEAN, "MustBeOwnedByCaller": BOOLEAN}
REPORTS: dict[str, Shape] = {
    "PolicyLevels": Many(Text(enum=("Assignment", "HIT"))),
    "RetrieveActions": BOOLEAN,
    "RetrieveResults": BOOLEAN,
}
REQUESTS: dict[str, Parts] = {
    "AcceptQualificationRequest": Parts({"QualificationRequestId*": STRING, "IntegerValue": INTEGER}),
    "ApproveAssignment": Parts(TURN | {"RequesterFeedback": STRING, "OverrideRejection": BOOLEAN}),
    "AssociateQualificationWithWorker": Parts(
        QUALIFICATION | WORKER | {"IntegerValue": INTEGER, "SendNotification": BOOLEAN}
    ),
    "CreateAdditionalAssignmentsForHIT": Parts(
        HIT | {"NumberOfAdditionalAssignments*": INTEGER, "UniqueRequestToken": TOKEN}
    ),
    "CreateHIT": Parts(ONE | TYPE),
    "CreateHITType": Parts(TYPE),
    "CreateHITWithHITType": Parts({"HITTypeId*": ENTITY} | ONE),
    "CreateQualificationType": Parts(
        {"Name*": STRING, "Keywords": STRING, "Description*": STRING, "QualificationTypeStatus*": STATUS} | TEST
    ),
    "CreateWorkerBlock": Parts(WORKER | {"Reason*": STRING}),
    "DeleteHIT": Parts(HIT),
    "DeleteQualificationType": Parts(QUALIFICATION),
    "DeleteWorkerBlock": Parts(WORKER | REASON),
    "DisassociateQualificationFromWorker": Parts(WORKER | QUALIFICATION | REASON),
    "GetAccountBalance": Parts(),
    "GetAssignment": Parts(TURN),
    "GetFileUploadURL": Parts(TURN | {"QuestionIdentifier*": STRING}),
    "GetHIT": Parts(HIT),
    "GetQualificationScore": Parts(QUALIFICATION | WORKER),
    "GetQualificationType": Parts(QUALIFICATION),
    "ListAssignmentsForHIT": Parts(HIT | PAGE | STATES),
    "ListBonusPayments": Parts({"HITId": ENTITY, "AssignmentId": ENTITY} | PAGE),
    "ListHITs": Parts(PAGE),
    "ListHITsForQualificationType": Parts(QUALIFICATION | PAGE),
    "ListQualificationRequests": Parts({"QualificationTypeId": ENTITY} | PAGE),
    "ListQualificationTypes": Parts(QUERY | PAGE),
    "ListReviewPolicyResultsForHIT": Parts(HIT | PAGE | REPORTS),
    "ListReviewableHITs": Parts(REVIEWABLE | PAGE),
    "ListWorkerBlocks": Parts(PAGE),
    "ListWorkersWithQualificationType": Parts(QUALIFICATION | PAGE | {"Status": Text(enum=("Granted", "Revoked"))}),
    "NotifyWorkers": Parts({"Subject*": STRING, "MessageText*": STRING, "WorkerIds*": Many(PERSON)}),
    "RejectAssignment": Parts(TURN | {"RequesterFeedback*": STRING}),
    "RejectQualificationRequest": Parts({"QualificationRequestId*": STRING} | REASON),
    "SendBonus": Parts(WORKER | TURN | {"BonusAmount*": MONEY, "Reason*": STRING, "UniqueRequestToken": TOKEN}),
    "SendTestEventNotification": Parts({"Notification*": NOTIFICATION, "TestEventType*": EVENT}),
    "UpdateExpirationForHIT": Parts(HIT | {"ExpireAt*": TIME}),
    "UpdateHITReviewStatus": Parts(HIT | {"Revert": BOOLEAN}),
    "UpdateHITTypeOfHIT": Parts(HIT | {"HITTypeId*": ENTITY}),
    "UpdateNotificationSettings": Parts({"HITTypeId*": ENTITY, "Notification": NOTIFICATION, "Active": BOOLEAN}),
    "UpdateQualificationType": Parts(QUALIFICATION | {"Description": STRING, "QualificationTypeStatus": STATUS} | TEST),
}
"""Every operation of the API by its name."""
