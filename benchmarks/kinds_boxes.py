"""Boxes: pedestrians by seven workers an image, against experts' boxes."""

import csv
import json
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.kinds_common import Figures, compared
from broker.annotation.kind import Kind
from broker.errors import Invalid
from broker.kinds.registry import furnish

SET = "boxes/boxes_pedestrians"
LABEL = "pedestrian"


def run(folder: Path) -> Figures:
    """The likeness to the experts' boxes of one worker, of the answer most like all others, and of the consensus."""
    settings = {"media": "image", "field": "url", "question": "Who walks?", "labels": [{"name": LABEL}], "most": 1000}
    room = furnish("boxes", settings)
    answers: dict[str, dict[str, Any]] = defaultdict(dict)
    for row in _rows(folder / SET / "answers.csv"):
        answers[row["task"]][row["worker"]] = _answer(room, row["label"])
    truth = {row["task"]: _answer(room, row["truth"]) for row in _rows(folder / SET / "truth.csv")}
    return compared(room, answers, truth)


def _answer(room: Kind[Any], written: str) -> Any:
    """Boxes given by two corners; what sticks out to the left or top is cut off, what has no area is left out."""
    boxes = []
    for corners in json.loads(written):
        (left, right), (top, bottom) = sorted(corners[::2]), sorted(corners[1::2])
        left, top = max(left, 0), max(top, 0)
        mark = {"label": LABEL, "left": left, "top": top, "width": right - left, "height": bottom - top}
        if right - left >= 1 and bottom - top >= 1:
            boxes.append(mark)
    try:
        return room.parse({"boundingBoxes": boxes}, {})
    except Invalid as error:
        raise ValueError(f"{written}: {error.message}") from error


def _rows(path: Path) -> list[Mapping[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
