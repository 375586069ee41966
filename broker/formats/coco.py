"""COCO's annotations (cocodataset.org/#format-data): boxes, outlines, masks as run lengths, key points."""

import json
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, BinaryIO, cast

from broker.annotation.labelled import Labelled
from broker.formats.limits import KIB
from broker.formats.pictures import Picture, area, around, box, pictures, together, vertices

IN_MEMORY = 8 * KIB * KIB
VISIBLE = 2
OBJECT = "object"


def write(items: Iterable[Labelled], labels: Sequence[str], file: BinaryIO) -> None:
    """One JSON object; ids count from 1, categories in the order of the labels.

    Images keep our `confidence` and `split` beside COCO's keys. Key points become one object per image of the one
    category "object", whose `keypoints` are the labels; where a label stands there twice, each point is an object.
    Images and annotations are two lists: annotations wait in a temporary file. Raises Invalid for an image with marks
    whose size is not known.
    """
    points, count = False, 0
    with tempfile.SpooledTemporaryFile(IN_MEMORY) as spool:
        waiting = cast("BinaryIO", spool)
        file.write(b'{"images":[')
        for number, picture in enumerate(pictures(items), 1):
            points = points or picture.sort == "keypoints"
            file.write(_json(_image(picture, number), first=number == 1))
            for annotation in _annotations(picture, labels):
                count += 1
                waiting.write(_json({"id": count, "image_id": number, "iscrowd": 0, **annotation}, first=count == 1))
        file.write(b'],"annotations":[')
        waiting.seek(0)
        while block := waiting.read(64 * KIB):
            file.write(block)
    file.write(b'],"categories":')
    file.write(json.dumps(_categories(labels, points=points), ensure_ascii=False).encode(errors="replace"))
    file.write(b',"info":{"description":"crowd-broker"},"licenses":[]}\n')


def _image(picture: Picture, number: int) -> dict[str, Any]:
    width, height = picture.sides() if picture.marks else picture.size or (0, 0)
    item = picture.item
    ours = {"confidence": item.confidence, "row": item.row, **({"split": item.split} if item.split else {})}
    return {"id": number, "file_name": item.name, "width": width, "height": height, **ours}


def _categories(labels: Sequence[str], *, points: bool) -> list[dict[str, Any]]:
    if points:
        return [{"id": 1, "name": OBJECT, "supercategory": "", "keypoints": list(labels), "skeleton": []}]
    return [{"id": number, "name": label, "supercategory": ""} for number, label in enumerate(labels, 1)]


def _annotations(picture: Picture, labels: Sequence[str]) -> Iterator[dict[str, Any]]:
    if picture.sort == "keypoints":
        yield from (_posed(group, labels) for group in together(picture.marks))
        return
    for mark in picture.marks:
        yield {
            "category_id": labels.index(mark["label"]) + 1,
            "bbox": list(box(picture.sort, mark)),
            "area": area(picture.sort, mark),
            "segmentation": _segmentation(picture.sort, mark),
        }


def _segmentation(sort: str, mark: Mapping[str, Any]) -> Any:
    if sort == "masks":
        return {"size": mark["size"], "counts": mark["counts"]}
    return [[side for point in vertices(mark) for side in point]] if sort == "polygons" else []


def _posed(group: Sequence[Mapping[str, Any]], labels: Sequence[str]) -> dict[str, Any]:
    """An object: x, y and how visible for each label; zeros where the label is not there."""
    found = {mark["label"]: (mark["x"], mark["y"], VISIBLE) for mark in group}
    places = [side for label in labels for side in found.get(label, (0, 0, 0))]
    left, top, width, height = around([(x, y) for x, y, _ in found.values()])
    return {
        "category_id": 1,
        "keypoints": places,
        "num_keypoints": len(found),
        "bbox": [left, top, width, height],
        "area": width * height,
        "segmentation": [],
    }


def _json(record: Mapping[str, Any], *, first: bool) -> bytes:
    text = json.dumps(record, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return (text if first else f",\n{text}").encode(errors="replace")
