"""The open rooms by name."""

from typing import Any

from broker.annotation.kind import Json, Kind
from broker.errors import Invalid
from broker.kinds.choice import Choice

ROOMS: dict[str, type[Kind[Any]]] = {room.name: room for room in (Choice,)}


def furnish(kind: str, settings: Json) -> Kind[Any]:
    """The room of this name with these settings. Raises Invalid."""
    if kind not in ROOMS:
        raise Invalid(f"kind: {kind!r} is none of {', '.join(sorted(ROOMS))}")
    return ROOMS[kind].furnish(settings)
