"""Pascal VOC, read back by globox and by defusedxml."""

import io
import zipfile

import pytest
from defusedxml import ElementTree
from globox import AnnotationSet

from broker.errors import Invalid
from broker.formats import voc
from tests.formats.labelled import BOXES, LABELS, boxes, item
from tests.kinds.samples_shapes import box


def written(items):
    file = io.BytesIO()
    voc.write(iter(items), LABELS, file)
    return zipfile.ZipFile(file)


def test_boxes_are_read_back_by_globox(tmp_path):
    written(BOXES).extractall(tmp_path)
    found = AnnotationSet.from_pascal_voc(tmp_path / "Annotations", recursive=True)
    first = next(image for image in found if image.image_id == "1.jpg")
    assert first.image_size == (64, 48)
    # VOC's pixels count from 1 and its last one is inside: globox takes both as they stand.
    assert sorted((one.label, one.ltrb) for one in first.boxes) == [
        ("car", (4, 5, 23, 14)),
        ("ünï: 🚲", (1, 1, 64, 48)),
    ]
    assert {image.image_id for image in found} == {"1.jpg", "deep/er.png", "3.jpg"}


def test_splits_are_lists_of_names():
    files = written(BOXES)
    assert files.read("ImageSets/Main/train.txt").decode().split() == ["1", "3"]
    assert files.read("ImageSets/Main/val.txt").decode().split() == ["deep/er"]
    assert files.read("labels.txt").decode().splitlines() == LABELS


def test_signs_that_xml_lacks_and_marks_up_do_no_harm():
    odd = item(1, boxes(box("car", 1, 1, 2, 2)), name="<a> & \x00\x0b\ud800.jpg")
    document = ElementTree.fromstring(written([odd]).read("Annotations/<a> & ___.xml"))
    assert document.findtext("filename") == "<a> & ���.jpg"


def test_an_image_without_a_known_size_is_refused_by_its_row():
    with pytest.raises(Invalid, match="row 4"):
        written([item(4, boxes(box("car", 1, 1, 2, 2), frame=None))])
