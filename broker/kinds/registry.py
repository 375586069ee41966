"""The open rooms by name."""

from collections.abc import Iterator
from typing import Any

from broker.annotation.kind import Control, Json, Kind, Offer
from broker.errors import Invalid, Problem
from broker.kinds.boxes import Boxes
from broker.kinds.choice import Choice
from broker.kinds.coreference import Coreference
from broker.kinds.events import Events
from broker.kinds.form import Form
from broker.kinds.keypoints import Keypoints
from broker.kinds.masks import Masks
from broker.kinds.page import Page
from broker.kinds.pairs import Pairs
from broker.kinds.polygons import Polygons
from broker.kinds.ranking import Ranking
from broker.kinds.rating import Rating
from broker.kinds.relations import Relations
from broker.kinds.spans import Spans
from broker.kinds.text import Text
from broker.kinds.tokens import Tokens
from broker.kinds.transcription import Transcription

_SHAPES = (Boxes, Keypoints, Polygons, Masks)
_TEXTS = (Spans, Tokens, Relations, Coreference, Text)
_RECORDINGS = (Transcription, Events)
_JUDGEMENTS = (Pairs, Ranking, Rating)
ROOMS: dict[str, type[Kind[Any]]] = {
    room.name: room for room in (Choice, *_SHAPES, *_TEXTS, *_RECORDINGS, *_JUDGEMENTS, Form, Page)
}


def furnish(kind: str, settings: Json) -> Kind[Any]:
    """The room of this name with these settings. Raises Invalid."""
    if kind not in ROOMS:
        problem = Problem("choose a kind", column="offer")
        raise Invalid(f"kind: {kind!r} is none of {', '.join(sorted(ROOMS))}", problems=[problem])
    return ROOMS[kind].furnish(settings)


def offers() -> list[tuple[str, Offer]]:
    """Every way to use every kind, with the kind's name."""
    return [(name, offer) for name, room in ROOMS.items() for offer in room.offers]


def offer(name: str) -> tuple[str, Offer]:
    """The offer of this name and its kind's. Raises Invalid."""
    for kind, one in offers():
        if one.name == name:
            return kind, one
    raise Invalid(f"offer: {name!r} is none of the kinds of task", problems=[Problem("choose a kind", column="offer")])


def columns(kind: str, settings: Json) -> Iterator[tuple[Control, str]]:
    """The columns of the data that these settings name, each with the control that asks for it."""
    for control in ROOMS[kind].controls if kind in ROOMS else ():
        name = settings.get(control.name)
        if control.sort in {"column", "cells"} and isinstance(name, str) and name:
            yield control, name
