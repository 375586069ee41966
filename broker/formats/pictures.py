"""What the formats of labelled images share: the marks of an answer, the size of its image, files in a ZIP."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from broker.annotation import outline, runs
from broker.annotation.labelled import Labelled
from broker.errors import Invalid, Problem
from broker.formats.archive import Archive

KEYS = ("boundingBoxes", "keypoints", "polygons", "masks")
SPLITS = {"train": "train", "validation": "val", "test": "test"}
IMAGES = {".jpg", ".jpeg", ".png", ".gif", ".webp", ".bmp", ".tif", ".tiff"}
UNWRITABLE = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Picture:
    """A labelled image: what is marked how (one of KEYS, its entries), and the size, None where nothing says it."""

    item: Labelled
    sort: str
    marks: tuple[Mapping[str, Any], ...]
    size: tuple[int, int] | None

    def sides(self) -> tuple[int, int]:
        """Width and height. Raises Invalid, naming the row, where they are not known."""
        if self.size is None:
            problem = Problem(
                f"the size of {self.item.name!r} is not known, which this format needs", row=self.item.row
            )
            raise Invalid(str(problem), problems=[problem])
        return self.size


def pictures(items: Iterable[Labelled]) -> Iterator[Picture]:
    """The items whose answers are marks on an image; others are passed over."""
    for item in items:
        for content in (item.answer or {}).values():
            sort = next((key for key in KEYS if isinstance(content, Mapping) and key in content), None)
            if sort is not None:
                yield Picture(item, sort, tuple(content[sort]), _size(item, content))
                break


def box(sort: str, mark: Mapping[str, Any]) -> Box:
    """Left, top, width and height of what a mark covers."""
    if sort == "boundingBoxes":
        return mark["left"], mark["top"], mark["width"], mark["height"]
    if sort == "masks":
        return _around_mask(mark)
    return around([(mark["x"], mark["y"])] if sort == "keypoints" else vertices(mark))


def around(points: Sequence[tuple[int, int]]) -> Box:
    """Left, top, width and height of what points span."""
    (left, right), (top, bottom) = ((min(side), max(side)) for side in zip(*points, strict=True))
    return left, top, right - left, bottom - top


def vertices(mark: Mapping[str, Any]) -> list[tuple[int, int]]:
    """The points of a polygon."""
    return [(point["x"], point["y"]) for point in mark["vertices"]]


def stretches(sort: str, mark: Mapping[str, Any], size: tuple[int, int]) -> runs.Stretches:
    """The pixels of a mask or polygon."""
    if sort == "polygons":
        return runs.of_polygon(vertices(mark), *size)
    return runs.unpack(mark["counts"], mark["size"][0] * mark["size"][1])


def area(sort: str, mark: Mapping[str, Any]) -> float:
    """How many pixels a mark covers."""
    if sort == "masks":
        return runs.area(stretches(sort, mark, (0, 0)))
    if sort == "polygons":
        return abs(outline.turned(vertices(mark)))
    _, _, width, height = box(sort, mark)
    return width * height


def together(marks: Sequence[Mapping[str, Any]]) -> list[list[Mapping[str, Any]]]:
    """Key points as objects: all together, if none stands there twice, else each for itself, as nobody said which
    belong to which object.
    """
    if not marks:
        return []
    once = max(Counter(mark["label"] for mark in marks).values()) == 1
    return [list(marks)] if once else [[mark] for mark in marks]


class Folder(Archive):
    """A ZIP of files that are named after images."""

    def stem(self, item: Labelled) -> str:
        """The item's name without its ending, which no other item has and which leads out of no folder."""
        name = UNWRITABLE.sub("_", item.name.replace("\\", "/"))
        parts = [part for part in PurePosixPath(name).parts if part not in ("/", "//", "..")]
        path = PurePosixPath(*parts) if parts else PurePosixPath(str(item.row))
        stem = str(path.with_suffix("")) if path.suffix.lower() in IMAGES else str(path)
        if stem in self._taken:
            stem = f"{stem}_{item.row}"
        self._taken.add(stem)
        return stem


def _size(item: Labelled, content: Mapping[str, Any]) -> tuple[int, int] | None:
    said = content.get("inputImageProperties")
    if said:
        return said["width"], said["height"]
    for mask in content.get("masks", ()):
        return mask["size"][1], mask["size"][0]
    return item.size


def _around_mask(mark: Mapping[str, Any]) -> Box:
    height = mark["size"][0]
    found = stretches("masks", mark, (0, 0))
    if not found:
        return 0, 0, 0, 0
    left, right = found[0][0] // height, (found[-1][1] - 1) // height
    whole = any(start // height != (end - 1) // height for start, end in found)
    top = 0 if whole else min(start % height for start, _ in found)
    bottom = height if whole else max((end - 1) % height + 1 for _, end in found)
    return left, top, right + 1 - left, bottom - top
