"""Masks as run lengths: COCO's compressed form, strictly read, and how masks overlap, without a pixel being unpacked.

A mask is a tuple of stretches (start, end), the end excluded, of pixels counted down the columns: pixel (x, y) of an
image of height h is x * h + y. Format: cocodataset/cocoapi, common/maskApi.c, rleToString and rleFrString.
"""

import functools
import itertools
import re
from collections.abc import Iterable, Sequence

from broker.errors import Invalid

Stretches = tuple[tuple[int, int], ...]
Point = tuple[int, int]
_SIGN, _MORE, _SHIFT, _LOWEST = 0x10, 0x20, 5, 48
LONGEST_RUN = 1 << 30
_FILLED = re.compile(rb"[^\x00]+")


def pack(mask: Stretches, cells: int) -> str:
    """COCO's compressed run lengths of a mask in an image of that many pixels."""
    edges = [0, *(edge for stretch in mask for edge in stretch), cells]
    runs = [later - earlier for earlier, later in itertools.pairwise(edges)]
    if mask and mask[-1][1] == cells:
        runs.pop()
    return "".join(_packed(run - runs[at - 2] if at > 2 else run) for at, run in enumerate(runs))


@functools.lru_cache(maxsize=256)
def unpack(counts: str, cells: int) -> Stretches:
    """The mask written in COCO's compressed run lengths. Raises Invalid unless it covers just so many pixels."""
    stretches: list[tuple[int, int]] = []
    at = 0
    for number, run in enumerate(_unpacked(counts)):
        if run < 0 or at + run > cells:
            raise Invalid(f"counts: run {number + 1} leaves the image of {cells} pixels")
        if number % 2 and run:
            # A run of no background joins two stretches, so that a mask is written in one way only.
            joined = bool(stretches) and stretches[-1][1] == at
            stretches.append((stretches.pop()[0] if joined else at, at + run))
        at += run
    if at != cells:
        raise Invalid(f"counts: {at} pixels are not the {cells} of the image")
    return tuple(stretches)


def area(mask: Iterable[tuple[int, int]]) -> int:
    """How many pixels a mask has."""
    return sum(end - start for start, end in mask)


def overlap(one: Stretches, other: Stretches) -> int:
    """How many pixels two masks of the same image share."""
    shared = mine = theirs = 0
    while mine < len(one) and theirs < len(other):
        shared += max(0, min(one[mine][1], other[theirs][1]) - max(one[mine][0], other[theirs][0]))
        if one[mine][1] < other[theirs][1]:
            mine += 1
        else:
            theirs += 1
    return shared


def likeness(one: Stretches, other: Stretches) -> float:
    """Intersection over union of two masks of the same image; 1 for two empty ones."""
    shared = overlap(one, other)
    union = area(one) + area(other) - shared
    return shared / union if union else 1.0


def overlay(masks: Sequence[Stretches]) -> list[tuple[int, int, int]]:
    """Stretches (start, end, who) that some mask covers; bit n of `who` says whether mask n covers the stretch."""
    edges = sorted((edge, 1 << number) for number, mask in enumerate(masks) for stretch in mask for edge in stretch)
    found: list[tuple[int, int, int]] = []
    at = who = 0
    for edge, bit in edges:
        if who and edge > at:
            found.append((at, edge, who))
        who ^= bit
        at = edge
    return found


def joined(stretches: Iterable[tuple[int, int]]) -> Stretches:
    """Stretches in order, those that touch made one."""
    found: list[tuple[int, int]] = []
    for start, end in stretches:
        if found and found[-1][1] == start:
            found[-1] = (found[-1][0], end)
        else:
            found.append((start, end))
    return tuple(found)


def of_columns(cells: bytes) -> Stretches:
    """The mask of an image given as one byte for each pixel, column after column: 0 is outside."""
    return tuple(found.span() for found in _FILLED.finditer(cells))


def of_polygon(points: Sequence[Point], width: int, height: int) -> Stretches:
    """The pixels whose middle lies inside a polygon; a line that crosses itself is inside and outside in turn."""
    sides = list(zip(points, [*points[1:], points[0]], strict=True))
    left, right = (bound(x for x, _ in points) for bound in (min, max))
    found: list[tuple[int, int]] = []
    for column in range(max(left, 0), min(right, width)):
        middle = column + 0.5
        crossed = sorted(
            y + (middle - x) * (to_y - y) / (to_x - x)
            for (x, y), (to_x, to_y) in sides
            if (x > middle) != (to_x > middle)
        )
        for enter, leave in zip(crossed[::2], crossed[1::2], strict=True):
            start, end = (min(max(_first(edge), 0), height) for edge in (enter, leave))
            if start < end:
                found.append((column * height + start, column * height + end))
    return joined(found)


def _first(edge: float) -> int:
    """The first pixel whose middle is not before the edge."""
    return -int(-(edge - 0.5) // 1)


def _packed(value: int) -> str:
    signs = []
    more = True
    while more:
        five = value & 0x1F
        value >>= _SHIFT
        more = value != (-1 if five & _SIGN else 0)
        signs.append(chr((five | (_MORE if more else 0)) + _LOWEST))
    return "".join(signs)


def _unpacked(counts: str) -> list[int]:
    runs: list[int] = []
    value = shift = 0
    for sign in counts:
        five = ord(sign) - _LOWEST
        if not 0 <= five < 2 * _MORE or abs(value) > LONGEST_RUN:
            raise Invalid(f"counts: {sign!r} does not belong here")
        value |= (five & 0x1F) << shift
        shift += _SHIFT
        if not five & _MORE:
            if five & _SIGN:
                value -= 1 << shift
            runs.append(value + runs[-2] if len(runs) > 2 else value)
            value = shift = 0
    if shift:
        raise Invalid("counts: the end is missing")
    return runs
