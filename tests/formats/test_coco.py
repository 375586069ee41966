"""COCO, read back by pycocotools."""

import contextlib
import io
import json

import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from broker.errors import Invalid
from broker.formats import coco
from tests.formats.labelled import BOXES, FRAME, KEYPOINTS, LABELS, MASKS, OUTLINE, POLYGONS, boxes, item, pixels
from tests.kinds.samples_shapes import box

# pycocotools 2.0.11 hands NumPy an array in the way of NumPy 1.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def written(items, labels=LABELS):
    file = io.BytesIO()
    coco.write(iter(items), labels, file)
    return file.getvalue()


@pytest.fixture
def load(tmp_path):
    def loaded(items, labels=LABELS):
        (tmp_path / "coco.json").write_bytes(written(items, labels))
        with contextlib.redirect_stdout(io.StringIO()):
            return COCO(str(tmp_path / "coco.json"))

    return loaded


def test_boxes_come_back_with_their_images_and_labels(load):
    found = load(BOXES)
    assert [one["name"] for one in found.loadCats(found.getCatIds())] == LABELS
    assert [one["file_name"] for one in found.loadImgs(found.getImgIds())] == ["1.jpg", "deep/er.png", "3.jpg"]
    assert found.loadImgs(1)[0]["width"] == FRAME["width"]
    assert [(one["image_id"], one["category_id"], one["bbox"]) for one in found.loadAnns(found.getAnnIds())] == [
        (1, 1, [3, 4, 20, 10]),
        (1, 2, [0, 0, 64, 48]),
        (3, 1, [60, 40, 4, 8]),
    ]
    assert [one["split"] for one in found.loadImgs(found.getImgIds())] == ["train", "validation", "train"]


def test_polygons_cover_what_they_enclose(load):
    found = load(POLYGONS)
    [annotation] = found.loadAnns(found.getAnnIds())
    mask = found.annToMask(annotation)
    assert mask.sum() == pytest.approx(annotation["area"], rel=0.1)
    assert mask[10, 10]
    assert not mask[40, 40]
    assert annotation["segmentation"] == [[side for one in OUTLINE["vertices"] for side in (one["x"], one["y"])]]


def test_masks_come_back_to_the_pixel(load):
    found = load(MASKS)
    first, second = found.loadAnns(found.getAnnIds(imgIds=[1]))
    assert (found.annToMask(first) == pixels((2, 2, 12, 12), (30, 20, 44, 40))).all()
    assert first["bbox"] == [2, 2, 42, 38]
    assert first["area"] == 380
    assert second["bbox"] == [0, 44, 64, 4]
    assert found.getAnnIds(imgIds=[2]) == []


def test_key_points_are_one_object_unless_a_label_stands_there_twice(load):
    found = load(KEYPOINTS)
    [category] = found.loadCats(found.getCatIds())
    assert category["keypoints"] == LABELS
    [both] = found.loadAnns(found.getAnnIds(imgIds=[1]))
    assert both["keypoints"] == [10, 12, 2, 20, 30, 2]
    assert both["bbox"] == [10, 12, 10, 18]
    assert [one["keypoints"] for one in found.loadAnns(found.getAnnIds(imgIds=[2]))] == [
        [5, 5, 2, 0, 0, 0],
        [50, 40, 2, 0, 0, 0],
    ]
    assert [one["num_keypoints"] for one in found.loadAnns(found.getAnnIds(imgIds=[3]))] == [1]


@pytest.mark.parametrize(("items", "sort"), [(BOXES, "bbox"), (MASKS, "segm"), (POLYGONS, "segm")])
def test_cocos_own_evaluation_finds_the_file_perfect_against_itself(load, items, sort):
    truth = load(items)
    with contextlib.redirect_stdout(io.StringIO()):
        results = [{**one, "score": 1.0} for one in truth.loadAnns(truth.getAnnIds())]
        judged = COCOeval(truth, truth.loadRes(results), sort)
        judged.evaluate()
        judged.accumulate()
        judged.summarize()
    assert judged.stats[0] == pytest.approx(1)


def test_an_image_without_a_known_size_is_refused_by_its_row():
    with pytest.raises(Invalid, match=r"row 7: the size of '7.jpg' is not known"):
        written([item(7, boxes(box("car", 1, 1, 2, 2), frame=None))])
    known = json.loads(written([item(7, boxes(box("car", 1, 1, 2, 2), frame=None), size=(30, 20))]))
    assert known["images"][0]["height"] == 20
    assert json.loads(written([item(7, boxes(frame=None))]))["images"][0]["height"] == 0


def test_no_items_are_an_empty_file_that_can_be_read(load):
    assert load([]).getImgIds() == []


def test_thousands_of_annotations_wait_on_the_disk_not_in_memory(monkeypatch, load):
    monkeypatch.setattr(coco, "IN_MEMORY", 100)
    many = [item(row, boxes(box("car", row % 40, 4, 20, 10))) for row in range(1, 500)]
    found = load(many)
    assert len(found.getAnnIds()) == 499
    assert np.array([one["bbox"][0] for one in found.loadAnns(found.getAnnIds())]).max() == 39
