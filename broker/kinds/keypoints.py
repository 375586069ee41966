"""The room of key points: single points with labels, such as joints or landmarks of a face."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

from pydantic import Field

from broker.annotation import reading
from broker.annotation.drawn import CONTROLS, Drawing, Size, inside, whole
from broker.annotation.kind import TABLES, Control, Json, Offer
from broker.annotation.marked import Mark, Marked
from broker.truth.clusters import median

Point = tuple[int, int]


class Settings(Drawing):
    """What a requester sets; `spread` is what a careful hand misses a point by, as a share of the image's diagonal."""

    spread: float = Field(0.02, gt=0, le=1)


class Keypoints(Marked[Point]):
    """Where is each point? A place is (x, y) in whole pixels.

    Two points d pixels apart are alike by exp(-d^2 / (2 s^2)), COCO's object keypoint similarity
    (cocodataset.org/#keypoints-eval), where s is the image's diagonal times the setting `spread`: what stands around a
    point is not known here. JSON: {"annotatedResult": {"keypoints": [{"label", "x", "y"}], "inputImageProperties"}}.
    """

    name: ClassVar[str] = "keypoints"
    title: ClassVar[str] = "Set key points"
    key: ClassVar[str] = "keypoints"
    near: ClassVar[float] = 0.14  # two times the spread apart
    renamed: ClassVar[bool] = False  # the two corners of one eye are near each other and not the same
    exports: ClassVar[tuple[str, ...]] = (*TABLES, "coco", "yolo")
    controls: ClassVar[tuple[Control, ...]] = (
        *CONTROLS,
        Control("spread", "Spread", "number", "How far off a careful hand is, as a share of the diagonal.", start=0.02),
    )
    offers: ClassVar[tuple[Offer, ...]] = (
        Offer("keypoints", "Key points", "Joints, corners, landmarks.", {"media": "image"}),
    )
    settings: Settings

    @classmethod
    def furnish(cls, settings: Json) -> Self:
        """The room with a requester's settings. Raises Invalid, naming the field."""
        return cls(reading.model(Settings, settings))

    def place(self, raw: Mapping[str, Any], name: str, size: Size | None) -> Point:
        """A point in the image. Raises Invalid."""
        return inside((whole(raw.get("x"), f"{name}.x"), whole(raw.get("y"), f"{name}.y")), size, name)

    def written(self, mark: Mark[Point]) -> dict[str, Any]:
        """The JSON of one point."""
        return {"label": mark.label, "x": mark.place[0], "y": mark.place[1]}

    def alike(self, one: Point, other: Point, size: Size) -> float:
        """exp(-d^2 / (2 s^2))."""
        spread = self.settings.spread * math.hypot(*size)
        return math.exp(-((math.dist(one, other) / spread) ** 2) / 2)

    def merged(self, places: Sequence[Point], weights: Sequence[float], size: Size) -> Point:  # noqa: ARG002
        """The weighted median of each coordinate."""
        x, y = (round(median(values, weights)) for values in zip(*places, strict=True))
        return x, y

    def corner(self, place: Point) -> Point:
        """The point."""
        return place
