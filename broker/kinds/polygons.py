"""The room of outlines: polygons around things, and lines along them."""

import functools
import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

from pydantic import Field

from broker.annotation import outline, pixels, reading, runs
from broker.annotation.drawn import CONTROLS, Drawing, Size, entries, inside, whole
from broker.annotation.kind import TABLES, Control, Json, Offer
from broker.annotation.marked import Mark, Marked
from broker.errors import Invalid
from broker.truth.clusters import median

Point = tuple[int, int]
Path = tuple[Point, ...]
MOST_POINTS = 5000
STEPS = 32
"""Places along two lines at which they are compared."""


class Settings(Drawing):
    """What a requester sets; `spread` is what a careful hand misses a line by, as a share of the image's diagonal."""

    shape: Literal["polygon", "polyline", "line"]
    spread: float = Field(0.02, gt=0, le=1)


class Polygons(Marked[Path]):
    """What does each thing look like? A place is a tuple of points (x, y) in whole pixels.

    JSON: {"annotatedResult": {"polygons": [{"label", "vertices": [{"x", "y"}]}], "inputImageProperties"}}, with
    "polylines" or "lines" for those. Two polygons are alike by the IoU of the pixels whose middle lies in them.
    """

    name: ClassVar[str] = "polygons"
    title: ClassVar[str] = "Draw outlines"
    key: ClassVar[str] = "polygons"
    least_points: ClassVar[int] = 3
    exports: ClassVar[tuple[str, ...]] = (*TABLES, "coco", "yolo", "masks")
    controls: ClassVar[tuple[Control, ...]] = (
        *CONTROLS,
        Control("spread", "Spread", "number", "For lines: how far off a careful hand is, of the diagonal.", start=0.02),
    )
    offers: ClassVar[tuple[Offer, ...]] = (
        Offer("polygons", "Outlines", "Polygons around things.", {"media": "image", "shape": "polygon"}),
        Offer("polylines", "Lines of many points", "Roads, edges.", {"media": "image", "shape": "polyline"}),
        Offer("lines", "Straight lines", "From here to there.", {"media": "image", "shape": "line"}),
    )
    settings: Settings

    @classmethod
    def furnish(cls, settings: Json) -> "Polygons":
        """The room with a requester's settings. Raises Invalid, naming the field."""
        asked = reading.model(Settings, settings)
        return {"polygon": Polygons, "polyline": Polylines, "line": Lines}[asked.shape](asked)

    def place(self, raw: Mapping[str, Any], name: str, size: Size | None) -> Path:
        """The points in a form that is the same wherever a worker began. Raises Invalid."""
        given = entries(raw, "vertices", MOST_POINTS)
        points = [self._point(one, f"{name}.vertices[{at}]", size) for at, one in enumerate(given)]
        path = self.canonical([point for at, point in enumerate(points) if at == 0 or point != points[at - 1]])
        if len(path) < self.least_points:
            raise Invalid(f"{name}: {len(path)} different points are fewer than {self.least_points}")
        if self.least_points > 2 and not any(outline.turned((*path[:2], point)) for point in path[2:]):
            raise Invalid(f"{name}: its points lie on one line")
        return path

    def canonical(self, points: Sequence[Point]) -> Path:
        """From the first point in order, with the clock."""
        ring = list(points[:-1] if len(points) > 1 and points[0] == points[-1] else points)
        if outline.turned(ring or [(0, 0)]) < 0:
            ring.reverse()
        at = ring.index(min(ring)) if ring else 0
        return (*ring[at:], *ring[:at])

    def written(self, mark: Mark[Path]) -> dict[str, Any]:
        """The JSON of one path."""
        return {"label": mark.label, "vertices": [{"x": x, "y": y} for x, y in mark.place]}

    def alike(self, one: Path, other: Path, size: Size) -> float:
        """Intersection over union of what they enclose."""
        if one == other:
            return 1.0
        filled, other_filled = _filled(one, size), _filled(other, size)
        return runs.likeness(filled, other_filled) if filled or other_filled else 0.0

    def merged(self, places: Sequence[Path], weights: Sequence[float], size: Size) -> Path:
        """Around the largest part of the pixels that the polygons enclose together."""
        agreed = pixels.agreed([_filled(place, size) for place in places], weights, size)
        rings = outline.rings(agreed, size[1])
        heaviest = max(range(len(places)), key=lambda at: weights[at])
        return self.canonical(outline.simplified(rings[0])) if rings else places[heaviest]

    def corner(self, place: Path) -> Point:
        """The largest x and y."""
        return max(x for x, _ in place), max(y for _, y in place)

    def _point(self, raw: Any, name: str, size: Size | None) -> Point:
        given = reading.record(raw, name)
        return inside((whole(given.get("x"), f"{name}.x"), whole(given.get("y"), f"{name}.y")), size, name)


class Polylines(Polygons):
    """Lines through points, which may run either way.

    Two are alike by exp(-d^2 / (2 s^2)): d is the root mean square of the distances of points at like shares of both
    lengths, s the setting `spread` times the image's diagonal.
    """

    key: ClassVar[str] = "polylines"
    least_points: ClassVar[int] = 2
    near: ClassVar[float] = 0.14
    exports: ClassVar[tuple[str, ...]] = TABLES
    steps: ClassVar[int] = STEPS

    def canonical(self, points: Sequence[Point]) -> Path:
        """From the end that is first in order."""
        return min(tuple(points), tuple(reversed(points)))

    def alike(self, one: Path, other: Path, size: Size) -> float:
        """exp(-d^2 / (2 s^2)), whichever way they run."""
        if one == other:
            return 1.0
        mine, theirs = self.along(one), self.along(other)
        apart = min(_apart(mine, theirs), _apart(mine, theirs[::-1]))
        return math.exp(-apart / (self.settings.spread * math.hypot(*size)) ** 2 / 2)

    def merged(self, places: Sequence[Path], weights: Sequence[float], size: Size) -> Path:  # noqa: ARG002
        """The weighted median of each of the places along the lines."""
        lines = [self.along(place) for place in places]
        lead = lines[max(range(len(lines)), key=lambda at: weights[at])]
        turned = [line if _apart(line, lead) <= _apart(line[::-1], lead) else line[::-1] for line in lines]
        points = [
            (round(median([x for x, _ in at], weights)), round(median([y for _, y in at], weights)))
            for at in zip(*turned, strict=True)
        ]
        path = outline.path([point for at, point in enumerate(points) if at == 0 or point != points[at - 1]])
        return self.canonical(path) if len(path) > 1 else places[0]

    def along(self, path: Path) -> list[tuple[float, float]]:
        """Points at equal distances along the path, its ends included."""
        return _along(path, self.steps)


class Lines(Polylines):
    """Straight lines between two points."""

    key: ClassVar[str] = "lines"
    steps: ClassVar[int] = 2

    def place(self, raw: Mapping[str, Any], name: str, size: Size | None) -> Path:
        """Two points. Raises Invalid."""
        path = super().place(raw, name, size)
        if len(path) != 2:
            raise Invalid(f"{name}: a line has two points, not {len(path)}")
        return path


@functools.lru_cache(maxsize=1024)
def _filled(path: Path, size: Size) -> runs.Stretches:
    return runs.of_polygon(path, *size)


def _apart(one: Sequence[tuple[float, float]], other: Sequence[tuple[float, float]]) -> float:
    """The mean square of the distances of points in order."""
    return math.fsum(math.dist(mine, theirs) ** 2 for mine, theirs in zip(one, other, strict=True)) / len(one)


@functools.lru_cache(maxsize=1024)
def _along(path: Path, steps: int) -> list[tuple[float, float]]:
    lengths = [math.dist(*pair) for pair in itertools.pairwise(path)]
    found: list[tuple[float, float]] = []
    side, passed = 0, 0.0
    for step in range(steps):
        wanted = sum(lengths) * step / (steps - 1)
        while side < len(lengths) - 1 and passed + lengths[side] < wanted:
            passed += lengths[side]
            side += 1
        share = min((wanted - passed) / lengths[side], 1.0)
        (x, y), (to_x, to_y) = path[side], path[side + 1]
        found.append((x + share * (to_x - x), y + share * (to_y - y)))
    return found
