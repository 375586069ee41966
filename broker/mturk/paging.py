"""Pages of lists: at most MaxResults at a time, and a token that says where the next page begins."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from broker.errors import NotFound
from broker.mturk.faults import invalid
from broker.mturk.wire import Call, Json

USUAL = 10
T = TypeVar("T")


def size(call: Call) -> int:
    """How many the caller wants."""
    return int(call.params.get("MaxResults", USUAL))


def after(call: Call) -> int:
    """The row id that the page comes after. Raises MTurkError for a token that we did not give."""
    token = call.params.get("NextToken")
    if token is None:
        return 0
    try:
        return call.broker.names("N").read(token)
    except NotFound:
        raise invalid(f"The NextToken {token[:100]} is not one that this service gave.") from None


def paged(call: Call, name: str, found: Sequence[T], key: Callable[[T], int], show: Callable[[T], Json]) -> Json:
    """A page of `found`, of which one more was read than is wanted; on the last page there is no NextToken."""
    wanted = found[: size(call)]
    said: Json = {"NumResults": len(wanted), name: [show(one) for one in wanted]}
    if len(found) > len(wanted):
        said["NextToken"] = call.broker.names("N").show(key(wanted[-1]))
    return said
