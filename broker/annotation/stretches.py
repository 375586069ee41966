"""Marks in texts and recordings, read from JSON: spans count code points, events count seconds."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from broker.annotation import reading
from broker.annotation.numbers import entries, number, whole
from broker.errors import Invalid
from broker.truth.intervals import Stretch

LONGEST = 10_000_000
LAST = 1_000_000.0
MILLISECONDS = 3
Places = tuple[int, int]


def places(raw: Any, name: str, length: int | None) -> Places:
    """{startOffset, endOffset} within a text of `length` code points. Raises Invalid."""
    mark = reading.record(raw, name)
    most = LONGEST if length is None else length
    start = whole(mark.get("startOffset"), f"{name}.startOffset", 0, most)
    end = whole(mark.get("endOffset"), f"{name}.endOffset", 0, most)
    if start >= end:
        raise Invalid(f"{name}: it ends at {end}, which is not after its start {start}")
    return start, end


def spans(raw: Any, name: str, labels: Sequence[str], length: int | None) -> list[Stretch]:
    """[{startOffset, endOffset, label}] in the order given. Raises Invalid."""
    found = []
    for number_, one in enumerate(entries(raw, name)):
        where = f"{name}[{number_}]"
        start, end = places(one, where, length)
        found.append(Stretch(start, end, label(one.get("label"), f"{where}.label", labels)))
    return found


def times(raw: Any, name: str) -> tuple[float, float]:
    """{start, end} in seconds, to the millisecond. Raises Invalid."""
    mark = reading.record(raw, name)
    start = round(number(mark.get("start"), f"{name}.start", 0, LAST), MILLISECONDS)
    end = round(number(mark.get("end"), f"{name}.end", 0, LAST), MILLISECONDS)
    if start >= end:
        raise Invalid(f"{name}: it ends at {end:g}, which is not after its start {start:g}")
    return start, end


def label(raw: Any, name: str, labels: Sequence[str]) -> str:
    """One of the labels. Raises Invalid."""
    found = reading.text(raw, name)
    if found not in labels:
        raise Invalid(f"{name}: {found!r} is none of the labels {', '.join(map(repr, labels))}")
    return found


def duration(inside: Any) -> float | None:
    """The length of a recording in seconds as an element tells it; None where it does not. Raises Invalid."""
    about = inside.get("inputMediaProperties")
    if about is None:
        return None
    name = "inputMediaProperties"
    told = reading.record(about, name).get("duration")
    return None if told is None else round(number(told, f"{name}.duration", 0, LAST), MILLISECONDS)


def ordered(found: Sequence[Stretch], name: str, *, apart: bool) -> tuple[Stretch, ...]:
    """The marks in order, each once. Raises Invalid if two overlap that have to stay apart."""
    kept = tuple(sorted(set(found)))
    for one, other in pairwise(kept) if apart else ():
        if other.start < one.end:
            raise Invalid(f"{name}: {one.start:g}–{one.end:g} and {other.start:g}–{other.end:g} overlap")
    return kept
