"""The crowd elements that draw shapes on an image: by mouse, by keys alone, by touch without dragging."""

import pytest

from tests.browser.elements import axe, fits, got, submitted

pytestmark = pytest.mark.browser
SIZE = {"height": 600, "width": 600}


def board(kind, more=""):
    return f"""<crowd-form><crowd-{kind} name="it" src="/digit/4.png?size=600" header="Mark the vehicles"
      labels="['Car', 'Bus',]" {more}></crowd-{kind}></crowd-form>"""


def at(page, x, y):
    """The place on screen of a point of the image."""
    page.wait_for_function("() => document.querySelector('.crowd-ink').viewBox.baseVal?.width")
    box = page.locator(".crowd-stage").bounding_box()
    return box["x"] + x * box["width"] / 600, box["y"] + y * box["height"] / 600


def drag(page, *points):
    page.mouse.move(*at(page, *points[0]))
    page.mouse.down()
    for point in points[1:]:
        page.mouse.move(*at(page, *point), steps=4)
    page.mouse.up()


def near(box, left, top, width, height):
    found = [box[side] for side in ("left", "top", "width", "height")]
    assert found == pytest.approx([left, top, width, height], abs=2)


def test_boxes_are_drawn_moved_resized_relabelled_and_deleted_by_mouse(show):
    page = show(board("bounding-box"))
    drag(page, (60, 80), (260, 200))
    page.mouse.click(*at(page, 300, 300))  # two clicks do what a drag does
    page.mouse.click(*at(page, 480, 500))
    page.get_by_role("button", name="Car 180").click()
    page.get_by_role("radio", name="Bus").click()  # relabels what is selected
    drag(page, (160, 80), (180, 110))  # by its edge
    page.get_by_role("button", name="Bus 180").click()
    drag(page, (480, 500), (500, 540))  # by its corner
    axe(page)
    answer = submitted(page)["it"]
    assert answer["inputImageProperties"] == SIZE
    car, bus = answer["boundingBoxes"]
    assert (car["label"], bus["label"]) == ("Car", "Bus")
    near(car, 80, 110, 200, 120)
    near(bus, 300, 300, 200, 240)
    page.get_by_role("button", name="Delete Car, box 1").click()
    assert [one["label"] for one in submitted(page)["it"]["boundingBoxes"]] == ["Bus"]


def test_boxes_are_drawn_and_changed_by_keys_alone(show):
    page = show(board("bounding-box"))
    at(page, 0, 0)
    page.get_by_role("application").focus()
    keys = ["Space", *["Shift+ArrowRight"] * 9, *["Shift+ArrowDown"] * 5, "2", "Space", "PageUp"]  # a box of 9 by 5
    keys += ["Shift+ArrowLeft", "End", "Shift+ArrowUp", "Home", "1", "Escape"]  # moved, a corner up, relabelled
    for key in keys:
        page.keyboard.press(key)
    page.get_by_role("status").first.wait_for(state="attached")
    page.keyboard.press("Enter")
    assert got(page)[0]["it"]["boundingBoxes"] == [{"height": 6, "label": "Car", "left": 299, "top": 299, "width": 9}]
    for key in ("Control+z", "Control+z", "Enter"):
        page.keyboard.press(key)
    assert got(page)[1]["it"]["boundingBoxes"] == [{"height": 5, "label": "Bus", "left": 299, "top": 300, "width": 9}]
    for key in ("Control+y", "PageDown", "Delete", "Enter"):
        page.keyboard.press(key)
    page.get_by_text("Nothing is drawn. Submit again").wait_for()
    assert len(got(page)) == 2


def test_boxes_are_drawn_by_two_taps_on_a_phone(phone):
    page = phone(board("bounding-box"))
    assert fits(page)
    page.touchscreen.tap(*at(page, 100, 100))
    page.get_by_role("button", name="Cancel").wait_for()
    page.touchscreen.tap(*at(page, 300, 400))
    page.get_by_role("list").get_by_role("button", name="Car", exact=False).first.tap()
    page.get_by_role("radio", name="Bus").tap()
    axe(page)
    (box,) = submitted(page)["it"]["boundingBoxes"]
    assert box["label"] == "Bus"
    near(box, 100, 100, 200, 300)


@pytest.mark.parametrize(
    ("kind", "key", "count"), [("polygon", "polygons", 4), ("polyline", "polylines", 4), ("line", "lines", 2)]
)
def test_paths_by_mouse_keys_and_touch(show, phone, kind, key, count):
    points = [(100, 100), (300, 120), (320, 300), (120, 320)][:count]
    page = show(board(kind))
    for point in points:
        page.mouse.click(*at(page, *point))
    if count > 2:
        page.keyboard.press("Enter")
    (shape,) = submitted(page)["it"][key]
    assert [value for one in shape["vertices"] for value in (one["x"], one["y"])] == pytest.approx(
        [value for point in points for value in point], abs=2
    )
    page = phone(board(kind))
    for point in points:
        page.touchscreen.tap(*at(page, *point))
    if count > 2:
        page.get_by_role("button", name="Finish").tap()
    (tapped,) = submitted(page)["it"][key]
    assert len(tapped["vertices"]) == count
    page.get_by_role("application").focus()
    for step in (["ArrowRight"] * 3, ["ArrowDown"] * 3, ["ArrowLeft"] * 2):
        for press in ["Space", *step]:
            page.keyboard.press(press)
    if count > 2:
        page.keyboard.press("Enter")
    else:
        page.keyboard.press("Escape")
    assert len(submitted(page)["it"][key]) == 2


def test_a_polygon_closes_at_its_first_point_and_gains_and_loses_points(show):
    page = show(board("polygon"))
    for point in [(100, 100), (300, 100), (300, 300), (102, 102)]:
        page.mouse.click(*at(page, *point))
    page.keyboard.press("PageUp")
    drag(page, (300, 200), (400, 200))  # the middle of an edge becomes a point
    (shape,) = submitted(page)["it"]["polygons"]
    assert len(shape["vertices"]) == 4
    page.get_by_role("application").focus()
    for key in ("End", "Insert", "Insert", "Delete"):
        page.keyboard.press(key)
    (shape,) = submitted(page)["it"]["polygons"]
    assert len(shape["vertices"]) == 5
    page.get_by_role("button", name="Undo").click()
    assert len(submitted(page)["it"]["polygons"][0]["vertices"]) == 6


def test_points_by_mouse_keys_and_touch(show, phone):
    page = show(board("keypoint"))
    page.mouse.click(*at(page, 200, 100))
    page.keyboard.press("Escape")
    page.keyboard.press("2")
    page.keyboard.press("Space")
    points = submitted(page)["it"]["keypoints"]
    assert [one["label"] for one in points] == ["Car", "Bus"]
    assert (points[1]["x"], points[1]["y"]) == (300, 300)
    page = phone(board("keypoint"))
    page.touchscreen.tap(*at(page, 50, 60))
    (point,) = submitted(page)["it"]["keypoints"]
    assert (point["x"], point["y"]) == pytest.approx((50, 60), abs=2)


VALUES = {
    "bounding-box": ("boundingBoxes", [{"height": 69, "label": "Bus", "left": 79, "top": 89, "width": 47}]),
    "keypoint": ("keypoints", [{"label": "Car", "x": 12, "y": 13}]),
    "polygon": ("polygons", [{"label": "Car", "vertices": [{"x": 1, "y": 2}, {"x": 30, "y": 4}, {"x": 9, "y": 60}]}]),
    "polyline": ("polylines", [{"label": "Bus", "vertices": [{"x": 1, "y": 2}, {"x": 30, "y": 4}]}]),
    "line": ("lines", [{"label": "Bus", "vertices": [{"x": 1, "y": 2}, {"x": 30, "y": 4}]}]),
}


@pytest.mark.parametrize("kind", VALUES)
def test_what_is_there_at_first_is_shown_and_kept_unless_it_is_changed(show, kind):
    key, value = VALUES[kind]
    page = show(board(kind, f"""initial-value="{{{key}: {str(value).replace('"', "'")}}}" """))
    page.get_by_role("list", name="What is drawn").get_by_role("listitem").wait_for()
    expected = {key: value, "inputImageProperties": SIZE, "initialValueModified": False}
    assert submitted(page)["it"] == expected
    form = page.locator("crowd-form")
    form.evaluate("(one, answer) => { one.answer = answer }", {"it": {key: []}})
    assert form.evaluate("one => one.answer.it") == {**expected, key: [], "initialValueModified": True}


def test_zooming_keeps_places_and_the_image_scrolls(show):
    page = show(board("bounding-box"))
    at(page, 0, 0)
    page.keyboard.press("+")
    page.get_by_role("button", name="Larger").click()
    page.get_by_role("button", name="Larger").click()
    page.get_by_text("300 %").wait_for()
    drag(page, (280, 280), (310, 330))
    (box,) = submitted(page)["it"]["boundingBoxes"]
    near(box, 280, 280, 30, 50)
    assert fits(page)
    page.keyboard.press("-")
    page.get_by_text("200 %").wait_for()


def test_a_smaller_copy_is_answered_in_pixels_of_the_original(show):
    page = show(board("bounding-box", 'image-width="6000" image-height="6000"'))
    at(page, 0, 0)
    drag(page, (60, 60), (120, 180))
    answer = submitted(page)["it"]
    assert answer["inputImageProperties"] == {"height": 6000, "width": 6000}
    assert answer["boundingBoxes"][0]["width"] == pytest.approx(600, abs=20)


def test_an_unfinished_shape_is_not_submitted_and_a_missing_image_neither(show):
    page = show(board("polygon"))
    page.mouse.click(*at(page, 100, 100))
    page.get_by_role("button", name="Submit", exact=True).click()
    page.get_by_text("Finish the polygon first, or cancel it.").wait_for()
    page.get_by_role("button", name="Cancel").click()
    page = show(board("polygon").replace("/digit/4.png?size=600", "/digit/nothing.png"))
    page.get_by_text("This image could not be loaded.").wait_for()
    page.get_by_role("button", name="Submit", exact=True).click()
    page.get_by_text("The image has not been loaded yet.").wait_for()
    assert got(page) == []
