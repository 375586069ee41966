"""Masks as PNG files with a palette, in Pascal VOC's layout: a class for each pixel, and an object for each pixel."""

import io
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import BinaryIO

from PIL import Image

from broker.annotation.labelled import Labelled
from broker.errors import Invalid, Problem
from broker.formats.pictures import SPLITS, Folder, Picture, pictures, stretches

MOST = 255
BITS = 8


def write(items: Iterable[Labelled], labels: Sequence[str], file: BinaryIO) -> None:
    """A ZIP: SegmentationClass/<name>.png, where pixels hold the number of their label, 1 for the first, 0 for none;
    SegmentationObject/<name>.png, where they hold the number of the mask in the answer; labelmap.txt, the labels with
    their colours as CVAT and Datumaro read them; ImageSets/Segmentation/<split>.txt where there is a split.

    Where masks overlap, the later one is seen. Raises Invalid for an image whose size is not known, or with more than
    255 masks, which a palette cannot tell apart.
    """
    colours = palette()
    splits: dict[str, list[str]] = defaultdict(list)
    with Folder(file) as folder:
        for picture in pictures(items):
            stem = folder.stem(picture.item)
            splits[SPLITS.get(picture.item.split, "")].append(stem)
            classes = [labels.index(mark["label"]) + 1 for mark in picture.marks]
            folder.write(f"SegmentationClass/{stem}.png", _png(picture, classes, colours))
            folder.write(f"SegmentationObject/{stem}.png", _png(picture, range(1, len(classes) + 1), colours))
        folder.write("labelmap.txt", _map(labels, colours))
        for split, stems in splits.items():
            if split:
                folder.write(f"ImageSets/Segmentation/{split}.txt", "".join(f"{stem}\n" for stem in stems))


def palette() -> list[int]:
    """VOC's 256 colours, three numbers each: bits of the index are dealt to red, green and blue from the top down."""
    colours = []
    for index in range(MOST + 1):
        for channel in range(3):
            bits = [index >> (3 * place + channel) & 1 for place in range(BITS)]
            colours.append(sum(bit << (BITS - 1 - place) for place, bit in enumerate(bits)))
    return colours


def _png(picture: Picture, values: Sequence[int], colours: Sequence[int]) -> bytes:
    width, height = picture.sides()
    if len(values) > MOST:
        problem = Problem(
            f"{len(values)} masks are more than the {MOST} that a palette tells apart", row=picture.item.row
        )
        raise Invalid(str(problem), problems=[problem])
    cells = bytearray(width * height)
    for mark, value in zip(picture.marks, values, strict=True):
        for start, end in stretches(picture.sort, mark, (width, height)):
            cells[start:end] = bytes([value]) * (end - start)
    # Stretches run down the columns, a PNG along the rows.
    image = Image.frombytes("P", (height, width), bytes(cells)).transpose(Image.Transpose.TRANSPOSE)
    image.putpalette(colours)
    file = io.BytesIO()
    image.save(file, "PNG", optimize=False)
    return file.getvalue()


def _map(labels: Sequence[str], colours: Sequence[int]) -> str:
    """A line for each label: name:red,green,blue:parts:actions; signs that mean something there become spaces."""
    lines = ["# label:color_rgb:parts:actions", "background:0,0,0::"]
    for number, label in enumerate(labels, 1):
        name = " ".join(label.replace(":", " ").split())
        lines.append(f"{name}:{','.join(map(str, colours[3 * number : 3 * number + 3]))}::")
    return "\n".join(lines) + "\n"
