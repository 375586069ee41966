"""Outlines: the rings around a mask, and paths of fewer points."""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence

from broker.annotation.runs import Point, Stretches

Ring = tuple[Point, ...]
TOLERANCE = 1.0
"""How far a simplified path may be from the path, in pixels: what smooths the stairs of a mask's edge."""


def rings(mask: Stretches, height: int) -> list[Ring]:
    """The outer edges of a mask's parts along the edges of its pixels, the largest first; holes are left out."""
    ways = _edges(mask, height)
    found: list[Ring] = []
    while ways:
        start = at = next(iter(ways))
        ring = []
        while True:
            ring.append(at)
            onward = ways[at].pop()
            if not ways[at]:
                del ways[at]
            at = onward
            if at == start:
                break
        found.append(tuple(ring))
    return sorted((ring for ring in found if turned(ring) > 0), key=turned, reverse=True)


def turned(ring: Sequence[Point]) -> float:
    """The area of a ring; negative if it runs against the clock, as seen where y grows downwards."""
    return sum(x * below - right * y for (x, y), (right, below) in _sides(ring)) / 2


def simplified(ring: Ring, tolerance: float = TOLERANCE) -> Ring:
    """The ring with fewer points, at least three, by Douglas and Peucker (1973)."""
    if len(ring) <= 3:
        return ring
    far = max(range(len(ring)), key=lambda at: math.dist(ring[0], ring[at]))
    there = path(ring[: far + 1], tolerance)
    back = path((*ring[far:], ring[0]), tolerance)
    slim = (*there[:-1], *back[:-1])
    return slim if len(slim) >= 3 else _three(ring, far)


def path(points: Sequence[Point], tolerance: float = TOLERANCE) -> Ring:
    """The path with fewer points and the same ends, by Douglas and Peucker (1973)."""
    keep = {0, len(points) - 1}
    open_parts = [(0, len(points) - 1)]
    while open_parts:
        first, last = open_parts.pop()
        far = max(range(first + 1, last), key=lambda at: _off(points[at], points[first], points[last]), default=first)
        if far > first and _off(points[far], points[first], points[last]) > tolerance:
            keep.add(far)
            open_parts += [(first, far), (far, last)]
    return tuple(points[at] for at in sorted(keep))


def _three(ring: Ring, far: int) -> Ring:
    third = max(range(len(ring)), key=lambda at: _off(ring[at], ring[0], ring[far]))
    return tuple(ring[at] for at in sorted({0, far, third}))


def _off(point: Point, start: Point, end: Point) -> float:
    """The distance of a point from the line between two."""
    length = math.dist(start, end)
    if not length:
        return math.dist(point, start)
    along = ((point[0] - start[0]) * (end[0] - start[0]) + (point[1] - start[1]) * (end[1] - start[1])) / length**2
    along = min(1.0, max(0.0, along))
    foot = (start[0] + along * (end[0] - start[0]), start[1] + along * (end[1] - start[1]))
    return math.dist(point, foot)


def _sides(ring: Sequence[Point]) -> Iterable[tuple[Point, Point]]:
    return zip(ring, [*ring[1:], ring[0]], strict=True)


def _edges(mask: Stretches, height: int) -> dict[Point, list[Point]]:
    """From each corner on the mask's edge the corners that follow, the mask to the right of the way."""
    columns: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for start, end in mask:
        for column in range(start // height, (end - 1) // height + 1):
            base = column * height
            columns[column].append((max(start, base) - base, min(end, base + height) - base))
    ways: dict[Point, list[Point]] = defaultdict(list)
    for x in sorted({edge for column in columns for edge in (column, column + 1)}):
        here, before = columns.get(x, []), columns.get(x - 1, [])
        for top, bottom in here:
            ways[x, top].append((x + 1, top))
            ways[x + 1, bottom].append((x, bottom))
        for top, bottom in _without(here, before):
            ways[x, bottom].append((x, top))
        for top, bottom in _without(before, here):
            ways[x, top].append((x, bottom))
    return dict(ways)


def _without(spans: Sequence[tuple[int, int]], others: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The parts of sorted spans that no other span covers."""
    left = []
    for top, bottom in spans:
        at = top
        for start, end in others:
            if start < bottom and end > at:
                if start > at:
                    left.append((at, start))
                at = max(at, end)
        if at < bottom:
            left.append((at, bottom))
    return left
