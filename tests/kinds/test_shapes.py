"""The rooms that draw on images: what they refuse, how they compare, and what they make of several answers."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from broker.annotation.kind import Vote
from broker.errors import Invalid
from broker.kinds import masks as masks_room
from broker.kinds.registry import furnish
from tests.kinds.samples_shapes import FRAME, ITEM, answered, box, mask, painted, path, pixels, point, settings

BOXES = furnish("boxes", settings("car", "van"))
POINTS = furnish("keypoints", settings("left", "right", spread=0.05))
POLYGONS = furnish("polygons", settings("lake", "wood", shape="polygon"))
POLYLINES = furnish("polygons", settings("road", shape="polyline"))
LINES = furnish("polygons", settings("edge", shape="line"))
SEMANTIC = furnish("masks", settings("road", "sky", sort="semantic"))
INSTANCES = furnish("masks", settings("cell", "dirt", sort="instance"))


def of(room, *marks, frame=FRAME):
    """The answer of these marks."""
    return room.parse(answered(room.key, list(marks), frame)[0], {})


def together(room, *answers, trust=None):
    """The consensus of answers, by default of workers trusted alike."""
    votes = [Vote(at, answer, (trust or [0.7] * len(answers))[at]) for at, answer in enumerate(answers)]
    return room.aggregate(votes)


@pytest.mark.parametrize(
    ("kind", "more", "told"),
    [
        ("boxes", {"least": 3, "most": 2}, "at least 3 are more than at most 2"),
        ("boxes", {"enough": 0}, "enough"),
        ("boxes", {"media": "text"}, "media"),
        ("keypoints", {"spread": 0}, "spread"),
        ("polygons", {"shape": "circle"}, "shape"),
        ("polygons", {}, "shape"),
        ("masks", {"sort": "panoptic"}, "sort"),
        ("masks", {"sort": "instance", "labels": [{"name": "a"}, {"name": "a "}]}, "'a' stands there twice"),
    ],
)
def test_wrong_settings_are_refused_by_name(kind, more, told):
    with pytest.raises(Invalid, match=told):
        furnish(kind, settings("car", **more))


@pytest.mark.parametrize(
    ("room", "mark", "told"),
    [
        (BOXES, box("bus", 1, 1, 2, 2), r"boundingBoxes\[0\].label: 'bus' is none of the labels 'car', 'van'"),
        (BOXES, box("car", 1, 1, 0, 2), r"boundingBoxes\[0\]: 0 x 2 is no box"),
        (BOXES, box("car", 1, 1, -4, 2), "-4 x 2 is no box"),
        (BOXES, box("car", -1, 1, 2, 2), "-1, 1 lies outside of the image of 64 x 48"),
        (BOXES, box("car", 60, 40, 5, 2), "65, 42 lies outside"),
        (BOXES, box("car", "1", 1, 2, 2), "left: expected a number"),
        (BOXES, box("car", True, 1, 2, 2), "left: expected a number"),
        (BOXES, box("car", float("nan"), 1, 2, 2), "left: expected a number"),
        (BOXES, box("car", 1e300, 1, 2, 2), "is no place in an image"),
        (BOXES, "car", r"boundingBoxes\[0\]: expected an object, got a text"),
        (POINTS, point("left", 65, 3), "65, 3 lies outside"),
        (POINTS, {"label": "left", "x": 3}, r"keypoints\[0\].y: expected a number"),
        (POLYGONS, path("lake", (1, 1), (5, 5)), "2 different points are fewer than 3"),
        (POLYGONS, path("lake", (1, 1), (5, 5), (5, 5), (1, 1)), "2 different points are fewer than 3"),
        (POLYGONS, path("lake", (1, 1), (5, 5), (9, 9)), "lie on one line"),
        (POLYGONS, {"label": "lake", "vertices": "all"}, "vertices: expected a list"),
        (POLYLINES, path("road", (1, 1), (1, 1)), "1 different points are fewer than 2"),
        (LINES, path("edge", (1, 1), (5, 5), (9, 1)), "a line has two points, not 3"),
        (INSTANCES, {"label": "cell", "size": [48, 64], "counts": "5"}, r"masks\[0\].counts: 5 pixels are not"),
        (INSTANCES, {"label": "cell", "size": [48], "counts": "5"}, "expected the image's height and width"),
        (INSTANCES, {"label": "cell", "size": [40, 64], "counts": "5"}, "64 x 40 is not the image's"),
        (INSTANCES, {"label": "cell", "size": [48, 64], "counts": [5]}, "counts: expected a text"),
    ],
)
def test_a_wrong_mark_is_refused_with_what_is_wrong(room, mark, told):
    with pytest.raises(Invalid, match=told):
        of(room, mark)


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        ({}, "boundingBoxes: expected a list"),
        ({"annotatedResult": []}, "annotatedResult: expected an object, got a list"),
        ({"boundingBoxes": [], "inputImageProperties": {"width": -1, "height": 2}}, "-1 x 2 is no size"),
        ({"boundingBoxes": [], "inputImageProperties": {"width": 1}}, "inputImageProperties.height"),
        ({"boundingBoxes": [box("car", at, 1, 2, 2) for at in range(21)]}, "21 are drawn, at most 20 are asked for"),
    ],
)
def test_a_wrong_answer_is_refused_with_what_is_wrong(raw, told):
    with pytest.raises(Invalid, match=told):
        BOXES.parse(raw, {})


def test_too_few_marks_are_refused():
    with pytest.raises(Invalid, match="0 are drawn, at least 1 are asked for"):
        of(furnish("boxes", settings("car", least=1)))


def test_the_order_of_marks_and_points_makes_no_difference():
    assert of(BOXES, box("van", 1, 1, 2, 2), box("car", 5, 5, 2, 2)) == of(
        BOXES, box("car", 5, 5, 2, 2), box("van", 1, 1, 2, 2)
    )
    assert of(POLYGONS, path("lake", (9, 0), (9, 9), (0, 9), (0, 0))) == of(
        POLYGONS, path("lake", (0, 0), (0, 9), (9, 9), (9, 0), (0, 0))
    )
    assert of(POLYLINES, path("road", (9, 0), (5, 9), (0, 9))) == of(POLYLINES, path("road", (0, 9), (5, 9), (9, 0)))


def test_likeness_of_boxes_is_their_overlap_and_what_is_missed_counts():
    whole, half = of(BOXES, box("car", 0, 0, 20, 10)), of(BOXES, box("car", 0, 0, 10, 10))
    assert BOXES.likeness(whole, half) == pytest.approx(0.5)
    more = of(BOXES, box("car", 0, 0, 20, 10), box("car", 30, 0, 9, 9))
    assert BOXES.likeness(whole, more) == pytest.approx(2 / 3)
    assert BOXES.likeness(whole, of(BOXES, box("van", 0, 0, 20, 10))) == 0
    assert BOXES.likeness(of(BOXES), of(BOXES, frame=None)) == 1
    assert BOXES.likeness(of(BOXES), whole) == 0


def test_boxes_are_matched_so_that_all_fit_best_not_each_in_turn():
    ours = of(BOXES, box("car", 0, 0, 10, 10), box("car", 4, 0, 10, 10))
    theirs = of(BOXES, box("car", 3, 0, 10, 10), box("car", 8, 0, 10, 10))
    # Our second is most like their first (9 / 11), but then our first finds nothing as good.
    assert BOXES.likeness(ours, theirs) == pytest.approx((7 / 13 + 6 / 14) / 2)


def test_likeness_of_points_falls_with_their_distance_in_shares_of_the_diagonal():
    spread = 0.05 * 80  # the diagonal of 64 x 48
    near, off = of(POINTS, point("left", 20, 20)), of(POINTS, point("left", 24, 20))
    assert POINTS.likeness(near, off) == pytest.approx(np.exp(-((4 / spread) ** 2) / 2))
    assert POINTS.likeness(near, of(POINTS, point("right", 20, 20))) == 0


def test_likeness_of_polygons_is_that_of_what_they_enclose():
    whole = of(POLYGONS, path("lake", (0, 0), (20, 0), (20, 10), (0, 10)))
    half = of(POLYGONS, path("lake", (0, 0), (10, 0), (10, 10), (0, 10)))
    assert POLYGONS.likeness(whole, half) == pytest.approx(0.5)


def test_likeness_of_lines_does_not_mind_which_way_they_run_nor_how_many_points_they_have():
    straight = of(POLYLINES, path("road", (0, 10), (60, 10)))
    denser = of(POLYLINES, path("road", (60, 10), (31, 10), (30, 10), (0, 10)))
    assert POLYLINES.likeness(straight, denser) == pytest.approx(1)
    assert POLYLINES.likeness(straight, of(POLYLINES, path("road", (0, 30), (60, 30)))) < 0.01


def test_likeness_of_semantic_masks_is_the_mean_over_the_labels_that_occur():
    one = of(SEMANTIC, mask("road", (0, 0, 10, 10)), mask("sky", (20, 20, 30, 30)))
    assert SEMANTIC.likeness(one, of(SEMANTIC, mask("road", (0, 0, 10, 10)))) == pytest.approx(0.5)
    assert SEMANTIC.likeness(one, of(SEMANTIC, mask("road", (0, 0, 10, 5)))) == pytest.approx(0.25)


def test_the_threshold_of_gold_is_the_requesters():
    assert furnish("boxes", settings("car")).enough == 0.5
    assert furnish("boxes", settings("car", enough=0.9)).enough == 0.9
    assert BOXES.enough == 0.5


def test_first_marks_come_from_their_column_as_the_element_takes_them():
    room = furnish("boxes", settings("car", initial="found"))
    raw, text = answered("boundingBoxes", [box("car", 3, 4, 20, 10)])
    for cell in (text, raw, raw["annotatedResult"]):
        assert room.task_input({**ITEM, "found": cell})["initial"] == raw["annotatedResult"]
    assert room.task_input(ITEM)["initial"] is None
    assert room.task_input({**ITEM, "found": ""})["initial"] is None
    with pytest.raises(Invalid, match=r"column 'found': boundingBoxes\[0\].label: 'bus' is none"):
        room.task_input({**ITEM, "found": {"boundingBoxes": [box("bus", 1, 1, 2, 2)]}})
    with pytest.raises(Invalid, match="column 'found': 'x, y' is no JSON"):
        room.task_input({**ITEM, "found": "x, y"})


def test_each_thing_of_the_consensus_is_the_median_of_what_marks_it():
    found = together(
        BOXES,
        of(BOXES, box("car", 3, 4, 20, 10), box("car", 40, 4, 10, 10)),
        of(BOXES, box("car", 4, 4, 20, 12), box("van", 40, 5, 10, 10)),
        of(BOXES, box("car", 5, 4, 20, 11), box("car", 40, 4, 10, 10), box("car", 0, 30, 5, 5)),
    )
    assert BOXES.dump(found.answer)["annotatedResult"]["boundingBoxes"] == [
        box("car", 4, 4, 20, 11),
        box("car", 40, 4, 10, 10),
    ]
    assert 0.6 < found.confidence < 1


def test_trust_decides_whose_marks_are_kept_and_where_they_are():
    good, bad = of(BOXES, box("car", 3, 4, 20, 10)), of(BOXES, box("car", 5, 6, 20, 10), box("van", 40, 5, 10, 10))
    assert together(BOXES, good, bad, bad, trust=[0.9, 0.1, 0.1]).answer == good
    assert together(BOXES, good, bad, bad, trust=[0.3, 0.8, 0.8]).answer == bad


def test_the_consensus_keeps_to_the_least_and_most_that_are_asked_for():
    room = furnish("boxes", settings("car", least=1, most=1))
    answers = [of(room, box("car", at * 20, 0, 10, 10)) for at in range(3)]
    assert len(together(room, *answers).answer.marks) == 1


def test_key_points_are_the_median_and_neighbours_of_other_labels_are_left_alone():
    found = together(
        POINTS,
        of(POINTS, point("left", 10, 10), point("right", 13, 10)),
        of(POINTS, point("left", 11, 11), point("right", 13, 10)),
        of(POINTS, point("left", 12, 10), point("right", 14, 12)),
        of(POINTS, point("left", 60, 40)),
    )
    marks = POINTS.dump(found.answer)["annotatedResult"]["keypoints"]
    assert marks == [point("left", 11, 10), point("right", 13, 10)]


def test_polygons_become_the_outline_of_what_they_enclose_together():
    answers = [
        of(POLYGONS, path("lake", (5, 5 + off), (40 + off, 5), (40, 35 + off), (5 + off, 35))) for off in (0, 2, 4)
    ]
    found = together(POLYGONS, *answers)
    assert min(POLYGONS.likeness(found.answer, answer) for answer in answers) > 0.85
    [one] = found.answer.marks
    assert len(one.place) < 12
    assert POLYGONS.parse(POLYGONS.dump(found.answer), {}) == found.answer


def test_lines_become_the_median_line_whichever_way_they_were_drawn():
    answers = [
        of(LINES, path("edge", (2, 10), (60, 10))),
        of(LINES, path("edge", (60, 14), (2, 12))),
        of(LINES, path("edge", (3, 11), (61, 11))),
    ]
    assert together(LINES, *answers).answer == of(LINES, path("edge", (2, 11), (60, 11)))
    roads = [of(POLYLINES, path("road", (2, at), (30, 20 + at), (60, at))) for at in (4, 6, 5)]
    found = together(POLYLINES, *roads)
    assert POLYLINES.likeness(found.answer, roads[2]) > 0.99
    assert len(found.answer.marks[0].place) <= 4


def test_semantic_masks_share_no_pixel_in_the_consensus():
    found = together(
        SEMANTIC,
        of(SEMANTIC, mask("road", (0, 20, 64, 48)), mask("sky", (0, 0, 64, 20))),
        of(SEMANTIC, mask("road", (0, 26, 64, 48)), mask("sky", (0, 0, 64, 26))),
        of(SEMANTIC, mask("sky", (0, 0, 64, 22)), mask("road", (0, 22, 64, 48))),
    )
    assert SEMANTIC.parse(SEMANTIC.dump(found.answer), {}) == found.answer
    assert found.answer == of(SEMANTIC, mask("road", (0, 22, 64, 48)), mask("sky", (0, 0, 64, 22)))


def test_instances_are_told_apart_and_keep_their_label():
    found = together(
        INSTANCES,
        of(INSTANCES, mask("cell", (2, 2, 12, 12)), mask("cell", (30, 20, 44, 40))),
        of(INSTANCES, mask("cell", (2, 2, 12, 12)), mask("dirt", (30, 20, 44, 40))),
        of(INSTANCES, mask("cell", (3, 2, 12, 12)), mask("cell", (30, 20, 44, 40)), mask("dirt", (50, 0, 60, 9))),
    )
    assert found.answer == of(INSTANCES, mask("cell", (2, 2, 12, 12)), mask("cell", (30, 20, 44, 40)))


@pytest.mark.parametrize("room", [INSTANCES, SEMANTIC])
def test_masks_of_another_size_do_not_spoil_the_consensus(room):
    label = room.names[0]
    good = of(room, mask(label, (2, 2, 12, 12)))
    odd = room.parse({"masks": [{"label": label, "size": [2, 2], "counts": "022"}]}, {})
    found = together(room, odd, good, good)
    assert found.answer == good
    assert room.parse(room.dump(found.answer), {}) == good


def test_a_pixel_has_one_label():
    with pytest.raises(Invalid, match="a pixel has two labels"):
        of(SEMANTIC, mask("road", (0, 0, 9, 9)), mask("sky", (8, 8, 20, 20)))
    with pytest.raises(Invalid, match="each label has one mask"):
        of(SEMANTIC, mask("road", (0, 0, 9, 9)), mask("road", (20, 20, 30, 30)))


def test_a_png_is_read_as_the_masks_of_its_colours():
    raw = painted(
        [("#2ca02c", [(2, 2, 12, 12)]), ("#1f77b4", [(10, 10, 30, 30)])],
        instances=[{"color": "#2CA02C", "label": "cell"}, {"color": "#1f77b4", "label": "dirt"}],
    )
    first, second = INSTANCES.parse(raw, {}).marks
    left = pixels((2, 2, 12, 12))
    left[10:12, 10:12] = 0
    assert INSTANCES.written(first)["area"] == left.sum()
    assert INSTANCES.written(second)["area"] == 400


def png(width, height, sort="PNG"):
    file = io.BytesIO()
    Image.new("1", (width, height)).save(file, sort)
    return base64.b64encode(file.getvalue()).decode()


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ("no base 64!", "not a PNG in base64"),
        (base64.b64encode(b"GIF89a").decode(), "not a PNG in base64"),
        (png(64, 48, "BMP"), "not a PNG in base64"),
        (png(64, 48)[:60], "damaged"),
        (png(63, 48), "63 x 48 is not the image's size"),
        (5, "expected a text"),
    ],
)
def test_what_is_no_png_of_the_image_is_refused(data, told):
    raw = {"labeledImage": {"pngImageData": data}, "instances": [], "inputImageProperties": FRAME}
    with pytest.raises(Invalid, match=told):
        INSTANCES.parse(raw, {})


def test_a_png_that_would_unpack_to_gigabytes_is_refused_before_it_does(monkeypatch):
    monkeypatch.setattr(masks_room.Image.Image, "convert", lambda *_: pytest.fail("was decoded"))
    raw = {"labeledImage": {"pngImageData": png(20_000, 3_000)}, "instances": []}
    with pytest.raises(Invalid, match="more than 50,000,000 pixels"):
        INSTANCES.parse(raw, {})


@pytest.mark.parametrize("colour", ["red", "#12345", "#1234567", 7, "#12345g"])
def test_colours_are_six_hexadecimal_digits(colour):
    with pytest.raises(Invalid, match="color"):
        INSTANCES.parse(painted([], instances=[{"color": colour, "label": "cell"}]), {})


def test_an_answer_in_a_few_words_counts_what_is_drawn():
    assert (
        BOXES.brief(of(BOXES, box("van", 1, 1, 2, 2), box("car", 5, 5, 2, 2), box("car", 9, 5, 2, 2))) == "2 car, 1 van"
    )
    assert BOXES.brief(of(BOXES)) == "nothing"
    assert (
        SEMANTIC.brief(of(SEMANTIC, mask("road", (0, 24, 64, 48)), mask("sky", (0, 0, 64, 12))))
        == "50 % road, 25 % sky"
    )
