"""What a HIT type requires of workers: from the API's JSON to types of ours."""

from broker.errors import NotFound
from broker.mturk.faults import invalid
from broker.mturk.wire import Call, Json
from broker.rules import qualification
from broker.rules.qualification import SYSTEM, Requirement


def wanted(call: Call) -> list[Requirement]:
    """The requirements of a request."""
    return [qualification.parse(one) for one in call.params.get("QualificationRequirements", ())]


def written(requirements: list[Requirement]) -> list[Json]:
    """Requirements as they are kept and shown: those that mean the same are the same."""
    return [qualification.dump(one) for one in requirements]


def named(call: Call, requirements: list[Requirement]) -> dict[str, int]:
    """The row ids of the types that requirements name. Raises MTurkError for a name that is none of ours."""
    found = {}
    for one in requirements:
        if one.type not in SYSTEM:
            try:
                found[one.type] = call.broker.names("Q").read(one.type)
            except NotFound:
                raise invalid(f"QualificationType {one.type} does not exist.") from None
    return found
