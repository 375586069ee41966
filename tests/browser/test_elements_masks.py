"""Segmentation: masks by brush, eraser and polygon, as PNG and as COCO's run lengths."""

import base64
import io

import pytest
from PIL import Image

from tests.browser.elements import axe, fits, got, submitted
from tests.browser.test_elements_image import at, drag

pytestmark = pytest.mark.browser
SIZE = 600


def painting(kind, more='mask-format="both"'):
    return f"""<crowd-form><crowd-{kind}-segmentation name="it" src="/digit/4.png?size={SIZE}" header="Paint"
      labels="['Road', 'Tree']" {more}></crowd-{kind}-segmentation></crowd-form>"""


def cells(mask):
    """The pixels of a mask as COCO's tools read it: runs down the columns, zeros first."""
    runs, packed, place = [], [ord(sign) - 48 for sign in mask["counts"]], 0
    while place < len(packed):
        run = shift = 0
        while True:
            five = packed[place]
            place += 1
            run |= (five & 0x1F) << shift
            shift += 5
            if not five & 0x20:
                break
        if five & 0x10:
            run -= 1 << shift
        runs.append(run + runs[-2] if len(runs) > 2 else run)
    flat = [inside % 2 for inside, run in enumerate(runs) for _ in range(run)]
    height, width = mask["size"]
    return {(place // height, place % height) for place in range(height * width) if flat[place]}


def coloured(answer, colour):
    picture = Image.open(io.BytesIO(base64.b64decode(answer["labeledImage"]["pngImageData"]))).convert("RGBA")
    wanted = (*bytes.fromhex(colour[1:]), 255)
    return {(x, y) for x in range(picture.width) for y in range(picture.height) if picture.getpixel((x, y)) == wanted}


def brush(page, size):
    page.get_by_role("slider", name="Size of the brush").fill(str(size))


def test_brush_eraser_and_polygon_by_mouse_give_the_same_in_both_formats(show):
    page = show(painting("semantic"))
    brush(page, 30)
    drag(page, (100, 100), (300, 100))
    page.get_by_role("button", name="Eraser").click()
    drag(page, (200, 60), (200, 140))
    page.get_by_role("radio", name="Tree").click()
    page.get_by_role("button", name="Polygon").click()
    for point in ((300, 300), (400, 300), (400, 400), (300, 400)):
        page.mouse.click(*at(page, *point))
    page.get_by_role("button", name="Fill").click()
    axe(page)
    answer = submitted(page)["it"]
    assert answer["labelMappings"] == {"Road": {"color": "#1f77b4"}, "Tree": {"color": "#ff7f0e"}}
    assert answer["inputImageProperties"] == {"height": SIZE, "width": SIZE}
    road, tree = answer["masks"]
    assert cells(road) == coloured(answer, "#1f77b4")
    assert cells(tree) == coloured(answer, "#ff7f0e")
    assert len(cells(tree)) == tree["area"] == pytest.approx(10_000, rel=0.03)
    assert {(120, 100), (280, 100)} <= cells(road)
    assert (200, 100) not in cells(road)


def test_masks_by_keys_alone(show):
    page = show(painting("semantic", 'mask-format="rle"'))
    at(page, 0, 0)
    page.get_by_role("application").focus()
    keys = [".", "Space", *["ArrowRight"] * 4, "Space", *["ArrowDown"] * 8, "2", "Space", "Space"]
    for key in [*keys, "Control+z", "Control+y", "Enter"]:
        page.keyboard.press(key)
    page.get_by_role("button", name="Polygon").focus()
    page.keyboard.press("Space")
    page.get_by_role("application").focus()
    for key in ("Space", *["ArrowLeft"] * 9, "Space", *["ArrowDown"] * 9, "Space", "Enter", "Enter"):
        page.keyboard.press(key)
    first, second = (answer["it"] for answer in got(page))
    assert "labeledImage" not in first
    assert [one["label"] for one in first["masks"]] == ["Road", "Tree"]
    assert (300, 300) in cells(first["masks"][0])
    assert second["masks"][1]["area"] > first["masks"][1]["area"] * 2


def test_masks_by_touch_also_without_dragging(phone):
    page = phone(painting("instance"))
    assert fits(page)
    page.touchscreen.tap(*at(page, 100, 100))
    page.get_by_role("button", name="New instance").tap()
    page.touchscreen.tap(*at(page, 300, 300))
    page.get_by_role("button", name="Polygon").tap()
    for point in ((400, 400), (500, 400), (450, 500)):
        page.touchscreen.tap(*at(page, *point))
    page.get_by_role("button", name="Fill").tap()
    axe(page)
    answer = submitted(page)["it"]
    assert [one["label"] for one in answer["instances"]] == ["Road", "Road"]
    first, second = answer["masks"]
    assert len(coloured(answer, answer["instances"][1]["color"])) == second["area"] > first["area"]


@pytest.mark.parametrize("kind", ["semantic", "instance"])
@pytest.mark.parametrize("form", ["labeledImage", "masks"])
def test_an_answer_can_be_put_back_and_is_the_same(show, kind, form):
    page = show(painting(kind))
    at(page, 0, 0)
    drag(page, (100, 100), (300, 100))
    page.get_by_role("radio", name="Tree").click()
    drag(page, (100, 300), (300, 300))
    answer = submitted(page)
    kept = {key: value for key, value in answer["it"].items() if key not in {"labeledImage", "masks"} or key == form}
    form = page.locator("crowd-form")
    form.evaluate("one => one.reset()")
    assert form.evaluate("one => one.answer.it.masks") == []
    form.evaluate("(one, answer) => { one.answer = answer }", {"it": kept})
    page.get_by_role("listitem").nth(1).wait_for()
    assert form.evaluate("one => one.answer") == answer


def test_deleting_an_instance_takes_its_pixels_and_can_be_undone(show):
    page = show(painting("instance"))
    at(page, 0, 0)
    drag(page, (100, 100), (300, 100))
    page.get_by_role("button", name="Delete Road").click()
    assert page.locator("crowd-form").evaluate("one => one.answer.it.masks") == []
    page.get_by_role("button", name="Undo").click()
    (mask,) = submitted(page)["it"]["masks"]
    assert (200, 100) in cells(mask)


def test_a_mask_of_another_size_or_broken_is_left_out(show):
    broken = "[{label: 'Road', size: [9, 9], counts: '11'}, {label: 'Tree', size: [600, 600], counts: '~~~~~~~'}]"
    page = show(painting("semantic", f'initial-value="{{masks: {broken}}}"'))
    at(page, 0, 0)
    page.get_by_role("button", name="Submit", exact=True).click()
    page.get_by_text("Nothing is painted.").wait_for()
