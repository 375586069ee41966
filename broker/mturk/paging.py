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
    """A page with the token of the next one, which may be empty; an empty page has none.

    The documents promise a token where there is more; the service gave one with every page that held something, and
    scripts that read on until a page is empty take it for granted.
    """
    said: Json = {"NumResults": len(found), name: [show(one) for one in found]}
    if found:
        said["NextToken"] = call.broker.names("N").show(key(found[-1]))
    return said
