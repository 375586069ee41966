"""Masks: outlines of lung nodules by three or four radiologists, each against what the others say together.

No truth is published, nor who read what: each reader in turn is the truth that the others' consensus is compared with,
and all are trusted alike. crowd-kit's three ways are run on the same masks, cut to the region that anybody marked.
"""

import csv
import json
import statistics
import warnings
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from crowdkit.aggregation import image_segmentation

from broker.annotation import runs
from broker.annotation.kind import Kind, Vote
from broker.annotation.runs import Stretches
from broker.kinds.registry import furnish
from broker.truth.distance import medoid

SET = "masks/segments_lidc"
SIDE, LABEL = 512, "nodule"
CROWDKIT = {"majority": "SegmentationMajorityVote", "em": "SegmentationEM", "rasa": "SegmentationRASA"}
TRUST = 0.7


def run(folder: Path) -> dict[str, Any]:
    """The mean likeness (IoU) to the reader left out, over all readers of all nodules."""
    labels = [{"name": LABEL}]
    room = furnish(
        "masks", {"media": "image", "field": "slice", "question": "Where?", "labels": labels, "sort": "semantic"}
    )
    rounds = [
        ([other for at, other in enumerate(masks) if at != left], masks[left])
        for masks in _masks(folder / SET / "answers.csv").values()
        for left in range(len(masks))
    ]
    scores: dict[str, list[float]] = defaultdict(list)
    theirs = {name: _crowdkit(name, [others for others, _ in rounds]) for name in CROWDKIT}
    for number, (others, truth) in enumerate(rounds):
        scores["single"].append(statistics.fmean(runs.likeness(other, truth) for other in others))
        scores["most_alike"].append(runs.likeness(others[medoid(others, runs.likeness).place], truth))
        scores["consensus"].append(runs.likeness(_consensus(room, others), truth))
        for name, found in theirs.items():
            scores[f"crowdkit_{name}"].append(runs.likeness(found[number], truth))
    return {"items": len(rounds), **{name: round(statistics.fmean(values), 4) for name, values in scores.items()}}


def _masks(path: Path) -> Mapping[str, list[Stretches]]:
    csv.field_size_limit(1 << 24)
    found: dict[str, list[Stretches]] = defaultdict(list)
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            points = [(int(x), int(y)) for x, y in json.loads(row["label"])]
            found[row["task"]].append(runs.of_polygon(points, SIDE, SIDE))
    return found


def _consensus(room: Kind[Any], masks: Sequence[Stretches]) -> Stretches:
    entries = [{"label": LABEL, "size": [SIDE, SIDE], "counts": runs.pack(mask, SIDE * SIDE)} for mask in masks]
    votes = [Vote(number, room.parse({"masks": [one]}, {}), TRUST) for number, one in enumerate(entries)]
    marks = room.aggregate(votes).answer.marks
    return runs.unpack(marks[0].place[2], SIDE * SIDE) if marks else ()


def _crowdkit(name: str, rounds: Sequence[Sequence[Stretches]]) -> list[Stretches]:
    regions = [_region(masks) for masks in rounds]
    table = [
        {"task": task, "worker": worker, "segmentation": _cells(mask)[regions[task]]}
        for task, masks in enumerate(rounds)
        for worker, mask in enumerate(masks)
    ]
    with warnings.catch_warnings():
        # crowd-kit calls much of what pandas 2.3 announces to remove; the versions are pinned.
        warnings.simplefilter("ignore")
        found = getattr(image_segmentation, CROWDKIT[name])().fit_predict(pd.DataFrame(table))
    masks = []
    for task, region in enumerate(regions):
        whole = np.zeros((SIDE, SIDE), np.uint8)
        whole[region] = found.loc[task]
        masks.append(runs.of_columns(whole.tobytes()))
    return masks


def _region(masks: Sequence[Stretches]) -> tuple[slice, slice]:
    columns, rows = np.nonzero(np.logical_or.reduce([_cells(mask) for mask in masks]))
    return slice(columns.min(), columns.max() + 1), slice(rows.min(), rows.max() + 1)


def _cells(mask: Stretches) -> Any:
    """Columns first."""
    flat = np.zeros(SIDE * SIDE, np.bool_)
    for start, end in mask:
        flat[start:end] = True
    return flat.reshape(SIDE, SIDE)
