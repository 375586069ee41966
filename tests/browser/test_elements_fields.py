"""The crowd elements that are parts of forms, and the classifiers of images."""

import pytest

from tests.browser.elements import axe, fits, got, submitted

pytestmark = pytest.mark.browser
FORM = """<crowd-form>
  <crowd-input name="company" label="Company" required></crowd-input>
  <crowd-input name="digits" label="Only digits" auto-validate allowed-pattern="[0-9]" max-length="4"></crowd-input>
  <crowd-text-area name="summary" label="Summary" rows="3" char-counter max-length="50" min-length="3">
  </crowd-text-area>
  <crowd-checkbox name="image" value="blurry">Blurry</crowd-checkbox>
  <crowd-checkbox name="image" value="dim" checked>Too dim</crowd-checkbox>
  <crowd-toggle-button name="sure">I am sure</crowd-toggle-button>
  <crowd-radio-group label="Subject" required>
    <crowd-radio-button name="tech" value="yes">Technology</crowd-radio-button>
    <crowd-radio-button name="politics" value="yes">Politics</crowd-radio-button>
  </crowd-radio-group>
  <crowd-slider name="much" label="How much" min="1" max="10" step="1" required editable></crowd-slider>
</crowd-form>"""
ANSWER = {
    "company": "Café 東京",
    "digits": "1234",
    "summary": "Fine",
    "image": {"blurry": True, "dim": False},
    "sure": {"on": True},
    "tech": {"yes": False},
    "politics": {"yes": True},
    "much": 7,
}
FRAMES = """<crowd-form>
  <crowd-instructions link-text="View instructions" link-type="button">
    <short-summary><p>Look closely.</p></short-summary>
    <detailed-instructions><h3>Steps</h3><p>One by one.</p></detailed-instructions>
    <positive-example><p>A tight box.</p></positive-example>
    <negative-example><p>A loose box.</p></negative-example>
  </crowd-instructions>
  <crowd-alert type="warning" dismissible>Hard cases ahead</crowd-alert>
  <crowd-alert type="success">Done well</crowd-alert>
  <crowd-card heading="Item 4"><p>What stands in the card.</p></crowd-card>
  <crowd-button id="mail">Mail</crowd-button><crowd-badge for="mail" label="3"></crowd-badge>
  <crowd-tabs>
    <crowd-tab header="Image"><p>The image tab</p><crowd-input label="Inside" name="inside"></crowd-input></crowd-tab>
    <crowd-tab header="Text"><p>The text tab</p></crowd-tab>
  </crowd-tabs>
  <crowd-modal link-text="See examples">Example text</crowd-modal>
  <label>Plain <input name="plain"></label>
  <label><input type="checkbox" name="many" value="a"> A</label>
  <label><input type="checkbox" name="many" value="b"> B</label>
</crowd-form>"""


def test_fields_answer_as_the_original_documents(show):
    page = show(FORM)
    axe(page)
    page.get_by_label("Company").fill("Café 東京")
    page.get_by_label("Only digits").press_sequentially("1a2b3456")
    page.get_by_label("Summary").fill("Fine")
    page.get_by_text("4 of at most 50").wait_for()
    page.get_by_label("Blurry").check()
    page.get_by_label("Too dim").uncheck()
    page.get_by_role("switch", name="I am sure").click()
    page.get_by_role("radio", name="Technology").check()
    page.get_by_role("radio", name="Politics").check()
    page.get_by_role("spinbutton", name="How much").fill("7")
    page.get_by_role("spinbutton", name="How much").blur()
    assert submitted(page) == ANSWER


def test_fields_are_filled_by_keys_alone(show):
    page = show(FORM)
    page.get_by_label("Company").wait_for()
    keys = ["Tab", "A", "Tab", "1", "Tab", *"Fine", "Tab", "Space", "Tab", "Tab", "Space", "Tab", "ArrowDown", "Tab"]
    for key in [*keys, "Home", "ArrowRight", "Tab", "Tab", "Enter"]:
        page.keyboard.press(key)
    assert got(page) == [
        {
            "company": "A",
            "digits": "1",
            "summary": "Fine",
            "image": {"blurry": True, "dim": True},
            "sure": {"on": True},
            "tech": {"yes": False},
            "politics": {"yes": True},
            "much": 2,
        }
    ]


def test_fields_work_by_touch_on_a_phone(phone):
    page = phone(FORM)
    assert fits(page)
    page.get_by_label("Company").tap()
    page.keyboard.type("A")
    for name in ("Blurry", "I am sure", "Politics"):
        page.get_by_text(name).tap()
    slider = page.get_by_role("slider", name="How much")
    box = slider.bounding_box()
    assert round(box["height"]) >= 44
    page.touchscreen.tap(box["x"] + box["width"] - 2, box["y"] + box["height"] / 2)
    answer = submitted(page)
    assert (answer["much"], answer["politics"], answer["image"]["blurry"]) == (10, {"yes": True}, True)
    axe(page)


def test_what_is_required_is_asked_for_one_by_one(show):
    page = show(FORM)
    submit = page.get_by_role("button", name="Submit", exact=True)
    submit.click()
    page.get_by_role("alert").get_by_text("Fill this in first.").wait_for()
    assert page.evaluate("document.activeElement.labels[0].textContent") == "Company"
    page.keyboard.type("A")
    page.get_by_label("Summary").fill("no")
    submit.click()
    page.get_by_text("At least 3 characters are needed; there are 2.").wait_for()
    page.get_by_label("Summary").fill("")
    submit.click()
    page.get_by_text("Choose one first.").wait_for()
    page.get_by_role("radio", name="Politics").check()
    submit.click()
    page.get_by_text("Move the knob first").wait_for()
    assert got(page) == []


def test_the_line_of_a_mended_error_keeps_its_place_until_the_answer_is_another(show):
    page = show(
        """<crowd-form><broker-fields name="it" header="Look"
        fields="[{label: 'Age', sort: 'number', least: 18}, {label: 'Why', sort: 'text'}]"></broker-fields>
        </crowd-form>"""
    )
    age, why = page.get_by_label("Age"), page.get_by_label("Why")
    error = page.locator(".error").first
    first = why.bounding_box()
    assert page.locator("crowd-form").inner_text().split() == ["Look", "Age", "Why", "Submit"]
    age.fill("12")
    page.get_by_role("button", name="Submit", exact=True).click()
    page.get_by_text("Write a number of at least 18.").wait_for()
    place = why.bounding_box()
    age.fill("41")
    assert (error.text_content(), why.bounding_box()) == ("", place)
    page.evaluate("document.querySelector('broker-fields').answer = undefined")
    assert why.bounding_box() == first != place


def test_an_answer_can_be_put_back_into_fields(show):
    page = show(FORM)
    form = page.locator("crowd-form")
    form.evaluate("(one, answer) => { one.answer = answer }", ANSWER)
    assert submitted(page) == ANSWER
    form.evaluate("one => one.reset()")
    assert form.evaluate("one => one.answer") == {
        "image": {"blurry": False, "dim": True},
        "sure": {"on": False},
        "tech": {"yes": False},
        "politics": {"yes": False},
    }


def test_frames_show_and_hide_by_mouse_and_keys(show):
    page = show(FRAMES)
    axe(page)
    page.get_by_role("button", name="View instructions").click()
    page.get_by_role("dialog").get_by_text("A tight box.").wait_for()
    axe(page)
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Dismiss").click()
    assert page.get_by_text("Hard cases ahead").count() == 0
    page.get_by_role("tab", name="Image").focus()
    page.keyboard.press("ArrowRight")
    page.get_by_text("The text tab").wait_for()
    assert not page.get_by_text("The image tab").is_visible()
    page.keyboard.press("ArrowRight")
    page.get_by_label("Inside").fill("x")
    page.get_by_label("Plain").fill("y")
    page.get_by_label("B", exact=True).check()
    page.get_by_role("button", name="See examples").click()
    page.get_by_text("Example text").wait_for()
    page.keyboard.press("Escape")
    assert submitted(page) == {"inside": "x", "plain": "y", "many": {"a": False, "b": True}}


VERDICT = """<crowd-form><crowd-image-classifier{many} name="category" src="/digit/4.png?size=300"
  header="Are the boxes right?"
  categories="['good', 'bad', 'okay']" overlay="{{boundingBox: {{labels: ['bird', 'cat'],
    value: [{{height: 90, label: 'bird', left: 30, top: 60, width: 120}}]}},}}">
  <worker-comment header="What is wrong?" link-text="Say why" placeholder="Too loose">Name the box.</worker-comment>
</crowd-image-classifier{many}></crowd-form>"""


def test_an_image_classifier_shows_earlier_work_and_takes_a_comment(show):
    page = show(VERDICT.format(many=""))
    page.locator("svg.crowd-over").wait_for()
    image = page.get_by_role("img", name="The image to label").bounding_box()
    drawn = page.locator("rect.crowd-shape").bounding_box()
    assert drawn["x"] - image["x"] == pytest.approx(image["width"] * 30 / 300, abs=3)
    assert page.get_by_role("list", name="What is marked on the image").inner_text().split() == ["bird", "cat"]
    axe(page)
    page.get_by_role("radio", name="bad").check()
    page.get_by_text("Say why").click()
    page.get_by_label("What is wrong?").fill("Too wide")
    page.get_by_label("What is wrong?").blur()
    assert submitted(page) == {"category": {"label": "bad", "workerComment": "Too wide"}}


def test_an_image_classifier_of_several_labels_by_keys_and_touch(show, phone):
    page = show(VERDICT.format(many="-multi-select"))
    for key in ("1", "3", "Enter"):
        page.keyboard.press(key)
    assert got(page) == [{"category": {"labels": ["good", "okay"]}}]
    page = phone(VERDICT.format(many="-multi-select"))
    page.get_by_text("okay").tap()
    assert submitted(page) == {"category": {"labels": ["okay"]}}
    assert fits(page)


def test_an_attribute_that_cannot_be_read_is_named_on_the_page(show):
    page = show("<crowd-form><crowd-classifier categories=\"['a', \" header='Which?'></crowd-classifier></crowd-form>")
    page.get_by_text("The attribute categories of crowd-classifier").wait_for()
