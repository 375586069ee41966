"""Masks as PNG files, read back by Pillow."""

import io
import zipfile

import numpy as np
import pytest
from PIL import Image

from broker.errors import Invalid
from broker.formats import masks_png
from tests.formats.labelled import LABELS, MASKS, POLYGONS, item, pixels
from tests.kinds.samples_shapes import answered, mask


def written(items):
    file = io.BytesIO()
    masks_png.write(iter(items), LABELS, file)
    return zipfile.ZipFile(file)


def cells(files, name):
    image = Image.open(io.BytesIO(files.read(name)))
    assert image.mode == "P"
    return np.array(image)


def test_pixels_hold_the_number_of_their_label():
    files = written(MASKS)
    wanted = pixels((2, 2, 12, 12), (30, 20, 44, 40)) + 2 * pixels((0, 44, 64, 48))
    assert (cells(files, "SegmentationClass/1.png") == wanted).all()
    assert not cells(files, "SegmentationClass/2.png").any()
    assert files.read("ImageSets/Segmentation/test.txt").decode().split() == ["2"]


def test_objects_are_told_apart_although_their_label_is_the_same():
    raw = answered("masks", [mask("car", (0, 0, 9, 9)), mask("car", (20, 20, 30, 30))])[0]
    files = written([item(1, raw)])
    assert set(np.unique(cells(files, "SegmentationClass/1.png"))) == {0, 1}
    assert (cells(files, "SegmentationObject/1.png") == pixels((0, 0, 9, 9)) + 2 * pixels((20, 20, 30, 30))).all()


def test_polygons_are_filled():
    found = cells(written(POLYGONS), "SegmentationClass/1.png")
    assert found[10, 10] == 1
    assert found[40, 40] == 0


def test_the_palette_is_vocs_and_the_map_names_its_colours():
    colours = masks_png.palette()
    assert colours[:12] == [0, 0, 0, 128, 0, 0, 0, 128, 0, 128, 128, 0]
    assert colours[-3:] == [224, 224, 192]
    lines = written(MASKS).read("labelmap.txt").decode().splitlines()
    assert lines[1:] == ["background:0,0,0::", "car:128,0,0::", "ünï 🚲:0,128,0::"]


def test_more_masks_than_a_palette_has_are_refused_by_the_row():
    raw = answered("masks", [mask("car", (at % 64, at // 64, at % 64 + 1, at // 64 + 1)) for at in range(256)])[0]
    with pytest.raises(Invalid, match="row 3: 256 masks"):
        written([item(3, raw)])
