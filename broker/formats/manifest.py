"""SageMaker Ground Truth's manifests: input as JSON Lines, output as the same lines with a label and its metadata.

The contract is AWS's developer guide: sms-input-data-input-manifest, sms-data-output, sms-label-cat-config-attributes.
"""

import datetime as dt
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, BinaryIO

from broker.annotation.kind import Json
from broker.errors import Invalid, Problem
from broker.formats import jsonl
from broker.formats.limits import Limits
from broker.formats.rows import Bookmark

TEXT, REFERENCE = "source", "source-ref"
METADATA = "-metadata"
LONGEST_LINE = 400_000
"""Bytes; Ground Truth takes 100,000 characters."""
MOST_LABELS = 1000
ATTRIBUTE = re.compile(r"[A-Za-z0-9](-*[A-Za-z0-9])*")
LONGEST_ATTRIBUTE = 127
URI = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/.+", re.DOTALL)
DIGITS = 4
BACKGROUND = {"class-name": "BACKGROUND", "hex-color": "#ffffff"}


@dataclass(frozen=True)
class Entry:
    """One data object: its line of the manifest (row from 1), and what it is: a text, or the s3:// URI of a file."""

    row: int
    line: dict[str, Any]
    source: str
    is_reference: bool


@dataclass(frozen=True)
class Category:
    """One label of a job's label category configuration."""

    name: str
    short: str = ""

    def shown(self) -> dict[str, str]:
        """The label as a manifest lists it."""
        return {"label": self.name} | ({"shortDisplayName": self.short} if self.short else {})


def read(stream: BinaryIO, limits: Limits) -> Iterator[Entry | Problem]:
    """The data objects of an input manifest, or of another job's output; each has `source` or `source-ref`.

    Raises Invalid for no lines or too many faulty ones, TooLarge over the limits.
    """
    for item in jsonl.read(stream, Bookmark(), replace(limits, row_bytes=LONGEST_LINE)):
        yield item if isinstance(item, Problem) else _entry(item.number, item.payload)


def _entry(row: int, line: dict[str, Any]) -> Entry | Problem:
    names = [name for name in (TEXT, REFERENCE) if name in line]
    if len(names) != 1:
        return Problem(f"has {'both' if names else 'neither'} {TEXT!r} {'and' if names else 'nor'} {REFERENCE!r}", row)
    (name,) = names
    value = line[name]
    if not isinstance(value, str) or not value.strip():
        return Problem("is empty or no text", row, name)
    if name == REFERENCE and not URI.fullmatch(value):
        return Problem(f"{value[:70]!r} is no address such as s3://bucket/key", row, name)
    return Entry(row, line, value, name == REFERENCE)


def read_categories(content: bytes) -> list[Category]:
    """The labels of a label category configuration file. Raises Invalid."""
    try:
        raw = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise Invalid(f"The label category configuration is not JSON: {error}") from None
    listed = raw.get("labels") if isinstance(raw, dict) else None
    if not isinstance(listed, list) or not listed or len(listed) > MOST_LABELS:
        raise Invalid(f'The label category configuration has no list "labels" of 1 to {MOST_LABELS:,} entries.')
    found = [_category(place, one) for place, one in enumerate(listed, 1)]
    names = [one.name for one in found]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise Invalid(f"labels: {twice!r} stands there twice")
    return found


def _category(place: int, raw: Any) -> Category:
    name, short = (raw.get("label"), raw.get("shortDisplayName", "")) if isinstance(raw, dict) else (None, "")
    if not isinstance(name, str) or not name.strip() or not isinstance(short, str):
        raise Invalid(f'labels: entry {place} has no text under "label"')
    return Category(name, short)


def check_attribute(name: str, task_type: str) -> None:
    """Raises Invalid for a label attribute name that Ground Truth would not take for this type of task."""
    if not ATTRIBUTE.fullmatch(name) or len(name) > LONGEST_ATTRIBUTE:
        raise Invalid(f"attribute: {name!r} is not made of letters, digits and single hyphens between them")
    if name.endswith(METADATA):
        raise Invalid(f"attribute: {name!r} ends with {METADATA!r}")
    if name.endswith("-ref") != (task_type == "semantic-segmentation"):
        raise Invalid(f"attribute: names of segmentation jobs end with -ref, and no others do; this is {name!r}")


@dataclass(frozen=True)
class Found:
    """What a job found out about a data object.

    `answer` is the consensus in the JSON that the crowd elements give, `confidence` 0..1 (0 where one worker decided,
    as Ground Truth has it), `at` when, `comments` what workers wrote, `reference` the s3:// URI of a mask's PNG.
    """

    answer: Json
    confidence: float
    at: dt.datetime
    comments: Sequence[str] = ()
    reference: str = ""


def label(task_type: str, found: Found, categories: Sequence[Category]) -> tuple[Any, dict[str, Any]]:
    """The value of the label attribute and what its metadata say, for a type such as "object-detection".

    Raises Invalid for an answer that is none of this type.
    """
    if task_type not in WRITERS:
        raise Invalid(f"task type: {task_type!r} is none of {', '.join(WRITERS)}")
    return WRITERS[task_type](found, categories)


def metadata(task_type: str, job: str, at: dt.datetime) -> dict[str, Any]:
    """What the metadata of every label say."""
    return {
        "type": f"groundtruth/{task_type}",
        "job-name": f"labeling-job/{job}",
        "human-annotated": "yes",
        "creation-date": at.astimezone(dt.UTC).replace(tzinfo=None).isoformat(timespec="microseconds"),
    }


def augmented(line: Json, attribute: str, value: Any, about: Json) -> dict[str, Any]:
    """The line with the label; one of the same name that it had is replaced, all else is kept."""
    return {**line, attribute: value, attribute + METADATA: dict(about)}


Categories = Sequence[Category]
Said = tuple[Any, dict[str, Any]]
"""The value of a label attribute, and what its metadata say of it."""


def _single(found: Found, categories: Categories) -> Said:
    name = _part(found.answer, "label")
    return _index(name, categories), {"class-name": name, "confidence": _rounded(found.confidence)}


def _several(found: Found, categories: Categories) -> Said:
    chosen = [_index(name, categories) for name in _part(found.answer, "labels")]
    return chosen, {
        "class-map": {str(one): categories[one].name for one in chosen},
        "confidence-map": {str(one): _rounded(found.confidence) for one in chosen},
    }


def _verified(found: Found, categories: Categories) -> Said:
    value, about = _single(found, categories)
    feedback = [{"comment": text} for text in found.comments]
    return str(value), about | ({"worker-feedback": feedback} if feedback else {})


def _boxes(found: Found, categories: Categories) -> Said:
    boxes = _part(found.answer, "boundingBoxes")
    size = _part(found.answer, "inputImageProperties")
    ids = [_index(box["label"], categories) for box in boxes]
    sides = ("left", "top", "width", "height")
    drawn = [{"class_id": one} | {side: box[side] for side in sides} for one, box in zip(ids, boxes, strict=True)]
    value = {"image_size": [{"width": size["width"], "height": size["height"], "depth": 3}], "annotations": drawn}
    return value, {
        "objects": [{"confidence": _rounded(found.confidence)} for _ in boxes],
        "class-map": {str(one): categories[one].name for one in sorted(set(ids))},
    }


def _spans(found: Found, categories: Categories) -> Said:
    entities = _part(found.answer, "entities")
    for one in entities:
        _index(one["label"], categories)
    kept = [{name: one[name] for name in ("label", "startOffset", "endOffset")} for one in entities]
    value = {"annotations": {"labels": [one.shown() for one in categories], "entities": kept}}
    return value, {"entities": [{"confidence": _rounded(found.confidence)} for _ in entities]}


def _mask(found: Found, categories: Categories) -> Said:
    if not found.reference:
        raise Invalid("the answer has no picture of its mask")
    sure = {"confidence": _rounded(found.confidence)}
    colours = {
        _index(name, categories) + 1: (name, one["color"]) for name, one in _part(found.answer, "labelMappings").items()
    }
    said = {
        str(one): {"class-name": name, "hex-color": colour} | sure for one, (name, colour) in sorted(colours.items())
    }
    return found.reference, {"internal-color-map": {"0": BACKGROUND | sure} | said}


def _custom(found: Found, _: Categories) -> Said:
    return dict(found.answer), {"confidence": _rounded(found.confidence)}


WRITERS = {
    "image-classification": _single,
    "text-classification": _single,
    "image-classification-multilabel": _several,
    "text-classification-multilabel": _several,
    "object-detection": _boxes,
    "semantic-segmentation": _mask,
    "text-span": _spans,
    "label-verification": _verified,
    "custom": _custom,
}
"""The types of task, by the name that stands after groundtruth/ in the metadata."""


def _part(answer: Json, name: str) -> Any:
    """What stands under this name in the answer, or in the one of its elements that has it."""
    places = [answer, *(one for one in answer.values() if isinstance(one, Mapping))]
    for place in places:
        if name in place:
            return place[name]
    raise Invalid(f"the answer has no {name!r}: it has {', '.join(map(repr, answer)) or 'nothing'}")


def _index(name: Any, categories: Categories) -> int:
    names = [one.name for one in categories]
    if name not in names:
        raise Invalid(f"{name!r} is none of the labels {', '.join(map(repr, names))}")
    return names.index(name)


def _rounded(confidence: float) -> float:
    return round(confidence, DIGITS)
