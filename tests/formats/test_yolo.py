"""YOLO's labels, read back by globox and PyYAML, and filled by scikit-image."""

import io
import zipfile

import numpy as np
import pytest
import yaml
from globox import AnnotationSet
from PIL import Image
from skimage.draw import polygon2mask

from broker.formats import yolo
from tests.formats.labelled import BOXES, KEYPOINTS, LABELS, MASKS, POLYGONS, boxes, item, pixels
from tests.kinds.samples_shapes import box


def written(items, labels=LABELS):
    file = io.BytesIO()
    yolo.write(iter(items), labels, file)
    with zipfile.ZipFile(file) as opened:
        return {name: opened.read(name).decode() for name in opened.namelist()}


def shares(line):
    """A segment's points, as rows and columns of an image of 64 x 48."""
    values = np.array([float(value) for value in line.split()[1:]]).reshape(-1, 2)
    return values[:, ::-1] * (48, 64) - 0.5


def test_boxes_are_read_back_by_globox(tmp_path):
    files = written([BOXES[0], BOXES[2]])
    for name, content in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    for row in (1, 3):
        Image.new("RGB", (64, 48)).save(tmp_path / f"{row}.jpg")
    found = AnnotationSet.from_yolo_v5(tmp_path / "labels" / "train", image_folder=tmp_path)
    places = sorted((one.label, tuple(round(side) for side in one.ltwh)) for image in found for one in image.boxes)
    assert places == [("0", (3, 4, 20, 10)), ("0", (60, 40, 4, 8)), ("1", (0, 0, 64, 48))]


def test_the_description_names_the_classes_and_the_folders_of_the_splits():
    files = written(BOXES)
    about = yaml.safe_load(files["data.yaml"])
    assert about == {"path": ".", "train": "images/train", "val": "images/val", "names": dict(enumerate(LABELS))}
    assert set(files) == {"labels/train/1.txt", "labels/val/deep/er.txt", "labels/train/3.txt", "data.yaml"}
    assert files["labels/val/deep/er.txt"] == ""


def test_without_a_split_everything_is_train():
    assert yaml.safe_load(written(POLYGONS)["data.yaml"])["val"] == "images/train"


@pytest.mark.parametrize("label", ["yes", 'a "b" \\ c: {d}', "# no comment", "\x85\x9f\u2028\ufeff", "🚲", "- x"])
def test_any_label_survives_the_description(label):
    assert yaml.safe_load(written([item(1, boxes())], [label])["data.yaml"])["names"] == {0: label}


def test_polygons_are_segments():
    line = written(POLYGONS)["labels/train/1.txt"]
    filled = polygon2mask((48, 64), shares(line))
    assert line.startswith("0 ")
    assert filled[10, 10]
    assert not filled[40, 40]


def test_the_parts_of_a_mask_are_one_segment_that_covers_them_all():
    first, second = written(MASKS)["labels/train/1.txt"].splitlines()
    filled = polygon2mask((48, 64), shares(first))
    assert (filled == pixels((2, 2, 12, 12), (30, 20, 44, 40))).all()
    assert second.startswith("1 ")


def test_key_points_are_poses():
    files = written(KEYPOINTS)
    about = yaml.safe_load(files["data.yaml"])
    assert about["kpt_shape"] == [2, 3]
    assert about["kpt_names"] == {0: LABELS}
    [line] = files["labels/train/1.txt"].splitlines()
    values = [float(value) for value in line.split()]
    assert values[:5] == pytest.approx([0, 15 / 64, 21 / 48, 10 / 64, 18 / 48], abs=1e-6)
    assert values[5:] == pytest.approx([10 / 64, 12 / 48, 2, 20 / 64, 30 / 48, 2], abs=1e-6)
    assert files["labels/train/3.txt"].split()[5:8] == ["0", "0", "0"]
    assert len(files["labels/train/2.txt"].splitlines()) == 2


def test_names_leave_no_folder_and_none_is_lost():
    names = ["../../etc/passwd", "/a.jpg", "a.png", "a.jpg", "..", "b\\c.jpg"]
    files = written([item(row, boxes(box("car", 1, 1, 2, 2)), name=name) for row, name in enumerate(names, 1)])
    assert set(files) == {
        "labels/train/etc/passwd.txt",
        "labels/train/a.txt",
        "labels/train/a_3.txt",
        "labels/train/a_4.txt",
        "labels/train/5.txt",
        "labels/train/b/c.txt",
        "data.yaml",
    }
