"""YOLO's labels (docs.ultralytics.com/datasets): a text for each image, and data.yaml; detection, segment and pose."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, BinaryIO

from broker.annotation import outline
from broker.annotation.labelled import Labelled
from broker.formats.pictures import SPLITS, Folder, Picture, around, box, pictures, stretches, together, vertices

VISIBLE = 2
UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")


def write(items: Iterable[Labelled], labels: Sequence[str], file: BinaryIO) -> None:
    """A ZIP: labels/<split>/<name>.txt for images that go to images/<split>/<name>.jpg, and data.yaml.

    A line is `class cx cy width height` for boxes, `class x1 y1 x2 y2 ...` for outlines and masks (the parts of a mask
    joined by lines without width, holes filled), `0 cx cy width height x y visible ...` for key points; all but the
    class and the visibility are shares of the image's width and height. Without a split all is train. Raises Invalid
    for an image with marks whose size is not known.
    """
    used: dict[str, None] = {}
    points = False
    with Folder(file) as folder:
        for picture in pictures(items):
            split = SPLITS.get(picture.item.split, "train")
            used[split] = None
            points = points or picture.sort == "keypoints"
            lines = [f"{number} {' '.join(values)}\n" for number, values in _lines(picture, labels)]
            folder.write(f"labels/{split}/{folder.stem(picture.item)}.txt", "".join(lines))
        folder.write("data.yaml", _about(labels, list(used), points=points))


def _lines(picture: Picture, labels: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    if not picture.marks:
        return
    size = picture.sides()
    if picture.sort == "keypoints":
        yield from ((0, _posed(group, labels, size)) for group in together(picture.marks))
        return
    for mark in picture.marks:
        number = labels.index(mark["label"])
        if picture.sort == "boundingBoxes":
            yield number, _centred(box(picture.sort, mark), size)
        else:
            ring = _ring(picture.sort, mark, size)
            yield number, [share for point in ring for share in _shares(point, size)]


def _ring(sort: str, mark: Mapping[str, Any], size: tuple[int, int]) -> list[tuple[int, int]]:
    """One path around all parts of a mark: from the first part's first point around each other part and back."""
    if sort == "polygons":
        return vertices(mark)
    first, *others = [outline.simplified(ring) for ring in outline.rings(stretches(sort, mark, size), size[1])]
    joined = [point for ring in others for point in (*ring, ring[0], first[0])]
    return [*first, *([first[0], *joined] if joined else [])]


def _posed(group: Sequence[Mapping[str, Any]], labels: Sequence[str], size: tuple[int, int]) -> list[str]:
    found = {mark["label"]: (mark["x"], mark["y"]) for mark in group}
    left, top, width, height = around(list(found.values()))
    # A box without an area is left out by trainers.
    line = _centred((left, top, max(width, 1), max(height, 1)), size)
    for label in labels:
        line += [*_shares(found[label], size), str(VISIBLE)] if label in found else ["0", "0", "0"]
    return line


def _centred(place: tuple[float, float, float, float], size: tuple[int, int]) -> list[str]:
    left, top, width, height = place
    return [*_shares((left + width / 2, top + height / 2), size), *_shares((width, height), size)]


def _shares(point: tuple[float, float], size: tuple[int, int]) -> list[str]:
    return [f"{min(max(value / side, 0), 1):.6f}" for value, side in zip(point, size, strict=True)]


def _about(labels: Sequence[str], splits: Sequence[str], *, points: bool) -> str:
    """data.yaml; trainers want train and val, so each stands for the other where one is missing."""
    first = splits[0] if splits else "train"
    lines = ["path: .", *(f"{split}: images/{split if split in splits else first}" for split in ("train", "val"))]
    if "test" in splits:
        lines.append("test: images/test")
    if points:
        lines += ["names: {0: object}", f"kpt_shape: [{len(labels)}, 3]", "kpt_names:", *_list({0: labels})]
    else:
        lines += ["names:", *(f"  {number}: {_quoted(label)}" for number, label in enumerate(labels))]
    return "\n".join(lines) + "\n"


def _list(named: Mapping[int, Sequence[str]]) -> list[str]:
    return [f"  {number}: [{', '.join(map(_quoted, names))}]" for number, names in named.items()]


def _quoted(text: str) -> str:
    """A double-quoted scalar of YAML: JSON's, with the signs escaped that YAML does not print."""
    quoted = json.dumps(text, ensure_ascii=False)
    return UNPRINTABLE.sub(lambda sign: f"\\u{ord(sign[0]):04x}", quoted)
