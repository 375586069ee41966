"""The room of boxes: rectangles around things, each with a label."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

from broker.annotation import reading
from broker.annotation.drawn import Drawing, Size, inside, whole
from broker.annotation.kind import TABLES, Json, Offer
from broker.annotation.marked import Mark, Marked
from broker.errors import Invalid
from broker.truth.clusters import median

Box = tuple[int, int, int, int]


class Boxes(Marked[Box]):
    """Where is each thing? A place is (left, top, width, height) in whole pixels; two are alike by their IoU.

    JSON: {"annotatedResult": {"boundingBoxes": [{"height", "label", "left", "top", "width"}], "inputImageProperties"}}.
    """

    name: ClassVar[str] = "boxes"
    title: ClassVar[str] = "Draw boxes"
    key: ClassVar[str] = "boundingBoxes"
    exports: ClassVar[tuple[str, ...]] = (*TABLES, "coco", "yolo", "voc")
    offers: ClassVar[tuple[Offer, ...]] = (
        Offer("boxes", "Boxes around things", "Find and name each thing in an image.", {"media": "image"}),
    )

    @classmethod
    def furnish(cls, settings: Json) -> Self:
        """The room with a requester's settings. Raises Invalid, naming the field."""
        return cls(reading.model(Drawing, settings))

    def place(self, raw: Mapping[str, Any], name: str, size: Size | None) -> Box:
        """Edges rounded to whole pixels. Raises Invalid for a box without an area or outside of the image."""
        left, top, width, height = (
            whole(raw.get(side), f"{name}.{side}") for side in ("left", "top", "width", "height")
        )
        right, bottom = whole(raw["left"] + raw["width"], name), whole(raw["top"] + raw["height"], name)
        if right <= left or bottom <= top:
            raise Invalid(f"{name}: {width} x {height} is no box")
        inside((left, top), size, name)
        inside((right, bottom), size, name)
        return left, top, right - left, bottom - top

    def written(self, mark: Mark[Box]) -> dict[str, Any]:
        """The JSON of one box."""
        left, top, width, height = mark.place
        return {"height": height, "label": mark.label, "left": left, "top": top, "width": width}

    def alike(self, one: Box, other: Box, size: Size) -> float:  # noqa: ARG002 - boxes need no scale
        """Intersection over union."""
        width = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
        height = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
        if width <= 0 or height <= 0:
            return 0.0
        return width * height / (one[2] * one[3] + other[2] * other[3] - width * height)

    def merged(self, places: Sequence[Box], weights: Sequence[float], size: Size) -> Box:  # noqa: ARG002
        """The weighted median of each edge."""
        edges = zip(*((left, top, left + width, top + height) for left, top, width, height in places), strict=True)
        left, top, right, bottom = (median(edge, weights) for edge in edges)
        # Rounded outwards, so that a box keeps an area and stays in the image.
        left, top = math.floor(left), math.floor(top)
        return left, top, math.ceil(right) - left, math.ceil(bottom) - top

    def corner(self, place: Box) -> tuple[int, int]:
        """The lower right corner."""
        return place[0] + place[2], place[1] + place[3]
