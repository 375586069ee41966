"""Pascal VOC's annotations: an XML file for each image, and lists of the images of each split.

Form: M. Everingham and J. Winn, The PASCAL Visual Object Classes Challenge 2012 Development Kit, sections 4 and 8.1.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import BinaryIO
from xml.etree import ElementTree as ET

from broker.annotation.labelled import Labelled
from broker.formats.pictures import SPLITS, Folder, Picture, box, pictures

NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
COLOURS = 3


def write(items: Iterable[Labelled], labels: Sequence[str], file: BinaryIO) -> None:
    """A ZIP: Annotations/<name>.xml, and ImageSets/Main/<split>.txt where there is a split.

    As in VOC pixels count from 1, and xmax and ymax are the last pixels inside. Raises Invalid for an image with boxes
    whose size is not known.
    """
    splits: dict[str, list[str]] = defaultdict(list)
    with Folder(file) as folder:
        for picture in pictures(items):
            stem = folder.stem(picture.item)
            splits[SPLITS.get(picture.item.split, "")].append(stem)
            folder.write(f"Annotations/{stem}.xml", _document(picture))
        for split, stems in splits.items():
            if split:
                folder.write(f"ImageSets/Main/{split}.txt", "".join(f"{stem}\n" for stem in stems))
        folder.write("labels.txt", "".join(f"{label}\n" for label in labels))


def _document(picture: Picture) -> bytes:
    root = ET.Element("annotation")
    _add(root, folder="JPEGImages", filename=picture.item.name)
    _add(ET.SubElement(root, "source"), database="crowd-broker")
    width, height = picture.sides() if picture.marks else picture.size or (0, 0)
    _add(ET.SubElement(root, "size"), width=width, height=height, depth=COLOURS)
    _add(root, segmented=0)
    for mark in picture.marks:
        left, top, wide, high = box(picture.sort, mark)
        thing = ET.SubElement(root, "object")
        _add(thing, name=mark["label"], pose="Unspecified", truncated=0, difficult=0)
        _add(ET.SubElement(thing, "bndbox"), xmin=left + 1, ymin=top + 1, xmax=left + wide, ymax=top + high)
    ET.indent(root)
    document: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return document


def _add(parent: ET.Element, **values: object) -> None:
    for name, value in values.items():
        ET.SubElement(parent, name).text = NOT_XML.sub("\ufffd", str(value))
