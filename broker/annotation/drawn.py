"""What all kinds that are drawn on an image share: settings, how the image is shown, and strict reading of numbers."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal, Self, TypeVar

from pydantic import Field, model_validator

from broker.annotation import reading
from broker.annotation.asked import Labelling
from broker.annotation.kind import FIELD, LABELS, QUESTION, Control, Json, Vote
from broker.annotation.written import Written
from broker.errors import Invalid

A = TypeVar("A")
Size = tuple[int, int]
KEY = "annotatedResult"
"""The name of the element in the form, as in Ground Truth's templates."""
LARGEST = 100_000
"""The longest side of an image, in pixels."""
LEAST_TRUST, SUREST = 0.02, 0.95


class Drawing(Labelling):
    """What a requester sets: at least `least` and at most `most` marks, gold's threshold, a column of first marks."""

    media: Literal["image"]
    least: int = Field(0, ge=0, le=1000)
    most: int = Field(100, ge=1, le=1000)
    enough: float = Field(0.5, gt=0, le=1)
    initial: str = Field("", max_length=100)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.least > self.most:
            raise ValueError(f"at least {self.least} are more than at most {self.most}")
        return self


CONTROLS = (
    FIELD,
    QUESTION,
    LABELS,
    Control("least", "At least", "number", "How many have to be drawn; 0 allows an image without any.", start=0),
    Control("most", "At most", "number", "How many may be drawn on one image.", start=100),
    Control(
        "enough", "Right from", "number", "An answer to gold is right if it is so much like it, 0 to 1.", start=0.5
    ),
    Control("initial", "Column of first marks", "cells", "Pre-labels that workers correct.", optional=True),
)


class Drawn(Written[A]):
    """A kind whose element draws on an image; `settings` is set by the room."""

    controls: ClassVar[tuple[Control, ...]] = CONTROLS
    enough: ClassVar[float] = 0.5

    def __init__(self, settings: Drawing) -> None:
        self.settings = settings
        self.names = settings.names
        self._shown = settings.model_dump(mode="json", exclude={"field", "initial", "enough"})
        # A requester's own threshold stands before the kind's.
        vars(self)["enough"] = settings.enough

    def task_input(self, item: Json) -> dict[str, Any]:
        """The item's image beside the question, the labels, and what is drawn at first. Raises Invalid."""
        value = item.get(self.settings.field)
        if not isinstance(value, str | int | float) or not str(value).strip():
            raise Invalid(f"column {self.settings.field!r} is empty or no image")
        return {**self._shown, "value": str(value), "initial": self._first(item)}

    def seconds(self, item: Json) -> float:  # noqa: ARG002 - nobody knows what is on an image before they look
        """A look at the image, and a few marks."""
        return 8 + 6 * min(max(self.settings.least, 3), self.settings.most)

    def label(self, raw: Any, name: str) -> str:
        """One of the labels. Raises Invalid."""
        label = reading.text(raw, name, longest=100)
        if label not in self.names:
            raise Invalid(f"{name}: {label!r} is none of the labels {', '.join(map(repr, self.names))}")
        return label

    def counted(self, count: int) -> None:
        """Raises Invalid for fewer or more marks than are asked for."""
        if count > self.settings.most:
            raise Invalid(f"{count} are drawn, at most {self.settings.most} are asked for")
        if count < self.settings.least:
            raise Invalid(f"{count} are drawn, at least {self.settings.least} are asked for")

    def _first(self, item: Json) -> Any:
        """The element's initial-value, None where the item has none."""
        raw = item.get(self.settings.initial) if self.settings.initial else None
        if raw is None or raw == "":
            return None
        try:
            answer = self.read(raw) if isinstance(raw, str) else self.parse(raw, item)
        except Invalid as error:
            raise Invalid(f"column {self.settings.initial!r}: {error.message}") from None
        return self.dump(answer)[KEY]


def content(raw: Any) -> Mapping[str, Any]:
    """What the element answered: under its name in the form's answer, or alone. Raises Invalid."""
    found = reading.record(raw, "answer")
    return reading.record(found[KEY], KEY) if KEY in found else found


def size_in(raw: Mapping[str, Any]) -> Size | None:
    """Width and height of the image in an answer; None where it says neither. Raises Invalid."""
    given = raw.get("inputImageProperties")
    if given is None:
        return None
    sides = reading.record(given, "inputImageProperties")
    width, height = (whole(sides.get(side), f"inputImageProperties.{side}") for side in ("width", "height"))
    if not (0 <= width <= LARGEST and 0 <= height <= LARGEST):
        raise Invalid(f"inputImageProperties: {width} x {height} is no size of an image")
    return (width, height) if width and height else None


def sized(content: dict[str, Any], size: Size | None) -> dict[str, Any]:
    """An answer's JSON with the size of its image, where it is known, under the element's name."""
    frame = {} if size is None else {"inputImageProperties": {"height": size[1], "width": size[0]}}
    return {KEY: {**content, **frame}}


def entries(raw: Mapping[str, Any], key: str, most: int) -> list[Any]:
    """The list under a key. Raises Invalid."""
    found = raw.get(key)
    if not isinstance(found, list):
        raise Invalid(f"{key}: expected a list")
    if len(found) > most:
        raise Invalid(f"{key}: {len(found)} entries are more than {most}")
    return found


def whole(raw: Any, name: str) -> int:
    """A finite number as a whole one, halves to the even. Raises Invalid."""
    if isinstance(raw, bool) or not isinstance(raw, int | float) or not math.isfinite(raw):
        raise Invalid(f"{name}: expected a number")
    if abs(raw) > 2 * LARGEST:
        raise Invalid(f"{name}: {raw:.0f} is no place in an image")
    return round(raw)


def inside(point: tuple[int, int], size: Size | None, name: str) -> tuple[int, int]:
    """The point, if it lies in the image, its edges included. Raises Invalid."""
    width, height = size or (LARGEST, LARGEST)
    if not (0 <= point[0] <= width and 0 <= point[1] <= height):
        raise Invalid(f"{name}: {point[0]}, {point[1]} lies outside of the image of {width} x {height}")
    return point


def weights(votes: Sequence[Vote[A]]) -> list[float]:
    """What each vote weighs: t / (1 - t^2) of its worker's trust t, kept a little away from none and from full.

    Trust is what answers share with the truth beyond chance: a loading in a model of one factor, for which these are
    the best weights (M. S. Bartlett, The statistical conception of mental factors, 1937).
    """
    trusts = [min(max(vote.trust, LEAST_TRUST), SUREST) for vote in votes]
    return [trust / (1 - trust**2) for trust in trusts]
