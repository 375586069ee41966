"""The crowd elements that mark texts: entities, tokens, relations, coreference; offsets count code points."""

import pytest

from tests.browser.elements import axe, fits, got, submitted

pytestmark = pytest.mark.browser
LABELS = "[{'label': 'person', 'shortDisplayName': 'per', 'fullDisplayName': 'Person'}, {'label': 'place'}]"
TEXT = "👩‍🚀 Ada Lovelace met Charles Babbage in London."
ADA, BABBAGE, LONDON = (4, 16), (21, 36), (40, 46)


def marking(tag, text=TEXT, more=""):
    return f"""<crowd-form><{tag} name="it" header="Mark it" labels="{LABELS}" text="{text}" {more}></{tag}>
      </crowd-form>"""


def entity(place, label):
    return {"endOffset": place[1], "label": label, "startOffset": place[0]}


def word(page, text):
    return page.locator(".crowd-piece").get_by_text(text, exact=True).first


def drag(page, first, last):
    start, end = word(page, first).bounding_box(), word(page, last).bounding_box()
    page.mouse.move(start["x"] + 3, start["y"] + start["height"] / 2)
    page.mouse.down()
    page.mouse.move(end["x"] + end["width"] - 3, end["y"] + end["height"] / 2, steps=5)
    page.mouse.up()


def test_the_offsets_are_those_of_python():
    assert [TEXT[start:end] for start, end in (ADA, BABBAGE, LONDON)] == ["Ada Lovelace", "Charles Babbage", "London"]


def test_entities_are_marked_relabelled_and_removed_by_mouse(show):
    page = show(marking("crowd-entity-annotation"))
    drag(page, "Ada", "Lovelace")
    word(page, "London").dblclick()
    page.get_by_role("button", name="Person: London").click()
    page.get_by_role("radio", name="place").click()
    word(page, "Charles").click()
    word(page, "met").click()
    axe(page)
    page.get_by_role("button", name="Remove met Charles").click()
    assert submitted(page) == {"it": {"entities": [entity(ADA, "person"), entity(LONDON, "place")]}}


def test_entities_are_marked_by_keys_alone(show):
    page = show(marking("crowd-entity-annotation"))
    page.get_by_role("application").focus()
    for key in ["ArrowRight", "Shift+ArrowRight", "1", *["ArrowRight"] * 5, "2", "Space", "PageDown", ",", "Enter"]:
        page.keyboard.press(key)
    shorter = {**entity(ADA, "person"), "endOffset": 15}
    assert got(page) == [{"it": {"entities": [shorter, entity(LONDON, "place")]}}]
    for key in ("Control+z", "Control+z", "PageDown", "Delete", "Control+z", "Enter"):
        page.keyboard.press(key)
    assert got(page)[1] == {"it": {"entities": [entity(ADA, "person")]}}


def test_entities_are_marked_by_taps_on_a_phone(phone):
    page = phone(marking("crowd-entity-annotation"))
    word(page, "Charles").tap()
    word(page, "Babbage").tap()
    page.locator(".crowd-mark").tap()
    page.get_by_role("button", name="End one character earlier").tap()
    page.get_by_role("button", name="End one character later").tap()
    axe(page)
    assert fits(page)
    assert submitted(page) == {"it": {"entities": [entity(BABBAGE, "person")]}}


def test_an_emoji_is_never_cut_in_two(show):
    page = show(marking("crowd-entity-annotation", text="Hi 👩‍🚀! 🇩🇪"))
    page.get_by_role("application").focus()
    for key in ("End", "Space", "PageUp", "Shift+Comma", "Enter"):
        page.keyboard.press(key)
    (span,) = got(page)[0]["it"]["entities"]
    assert "Hi 👩‍🚀! 🇩🇪"[span["startOffset"] : span["endOffset"]] == " 🇩🇪"


@pytest.mark.parametrize(
    ("text", "first", "found"),
    [("東京大学で数学を学んだ。", "東京", "東京"), ("ولدت آدا في لندن عام", "ولدت", "ولدت")],
)
def test_scripts_without_spaces_and_from_right_to_left(show, text, first, found):
    page = show(marking("crowd-entity-annotation", text=text))
    word(page, first).dblclick()
    (span,) = submitted(page)["it"]["entities"]
    assert text[span["startOffset"] : span["endOffset"]] == found
    page.get_by_role("application").focus()
    forward = "ArrowLeft" if first == "ولدت" else "ArrowRight"
    for key in ("Home", forward, "Space", "Enter"):
        page.keyboard.press(key)
    second = got(page)[1]["it"]["entities"][1]
    assert second["startOffset"] >= span["endOffset"]


def test_overlapping_is_allowed_unless_the_template_forbids_it(show):
    value = f"initial-value=\"[{{label: 'person', startOffset: {ADA[0]}, endOffset: {ADA[1]}}}]\""
    for more, count in (("", 2), ("no-overlap", 1)):
        page = show(marking("crowd-entity-annotation", more=f"{value} {more}"))
        drag(page, "Lovelace", "met")
        assert len(submitted(page)["it"]["entities"]) == count
        assert page.get_by_text("This overlaps").is_visible() == (count == 1)


def test_an_entity_annotation_without_a_form_submits_by_itself_with_the_fields_inside(show):
    page = show(f"""<crowd-entity-annotation name="it" header="Mark" labels="{LABELS}" text="Ada">
      <crowd-input name="comment" label="Comment"></crowd-input></crowd-entity-annotation>""")
    page.get_by_label("Comment").fill("one")
    page.get_by_role("button", name="Submit", exact=True).click()
    page.get_by_text("Nothing is marked.").wait_for()
    page.wait_for_function("from => performance.now() - from > 450", arg=page.evaluate("performance.now()"))
    assert submitted(page) == {"it": {"entities": []}, "comment": "one"}


def test_tokens_are_tagged_by_mouse_keys_and_touch(show, phone):
    html = marking("broker-token-tagging", text="Ada met 🙂 Bob.")
    page = show(html)
    page.get_by_role("listbox").focus()
    for key in ("1", "2", "1", "1", "Enter"):
        page.keyboard.press(key)
    page.get_by_text("One token has no tag yet.").wait_for()
    for key in ("2", "Control+z", "1", "Enter"):
        page.keyboard.press(key)
    tagged = got(page)[0]["it"]["tokens"]
    assert [one["tag"] for one in tagged] == ["person", "place", "person", "person", "person"]
    assert [(one["startOffset"], one["endOffset"], one["text"]) for one in tagged[2:]] == [
        (8, 9, "🙂"),
        (10, 13, "Bob"),
        (13, 14, "."),
    ]
    page.get_by_role("option", name="met").click()
    page.get_by_role("radio", name="Person").click()
    axe(page)
    assert submitted(page)["it"]["tokens"][1]["tag"] == "person"
    page = phone(html.replace(' text="', " optional tokens=\"['Ada met', 'Bob']\" text=\""))
    page.get_by_role("option", name="Bob").tap()
    page.get_by_role("radio", name="place").tap()
    assert [(one["text"], one["tag"]) for one in submitted(page)["it"]["tokens"]] == [
        ("Ada met", None),
        ("Bob", "place"),
    ]
    assert fits(page)


LINKED = (
    f"initial-value=\"{{entities: [{{id: 'a', label: 'person', startOffset: {ADA[0]}, endOffset: {ADA[1]}}},"
    f" {{id: 'b', label: 'person', startOffset: {BABBAGE[0]}, endOffset: {BABBAGE[1]}}}], relations: []}}\""
    " relation-labels=\"['met', 'taught']\""
)
PEOPLE = [
    {"id": "T1", "label": "person", "startOffset": ADA[0], "endOffset": ADA[1]},
    {"id": "T2", "label": "person", "startOffset": BABBAGE[0], "endOffset": BABBAGE[1]},
]


def test_relations_by_mouse_keys_and_touch(show, phone):
    page = show(marking("broker-relations", more=LINKED))
    page.get_by_role("button", name="Person: Ada").click()
    page.get_by_role("button", name="Relate").click()
    page.get_by_role("button", name="Person: Charles").click()
    axe(page)
    assert submitted(page)["it"] == {"entities": PEOPLE, "relations": [{"from": "T1", "to": "T2", "label": "met"}]}
    page.get_by_role("application").focus()
    for key in ("PageUp", "r", "2", "PageUp", "Space", "Enter"):
        page.keyboard.press(key)
    assert got(page)[1]["it"]["relations"][1] == {"from": "T2", "to": "T1", "label": "taught"}
    page.get_by_role("button", name="Remove Ada Lovelace → met").click()
    page.get_by_role("button", name="Person: Ada").click()
    page.keyboard.press("Escape")
    assert len(submitted(page)["it"]["relations"]) == 1
    page = phone(marking("broker-relations", more=f"{LINKED} fixed-entities"))
    page.get_by_role("button", name="Person: Charles").tap()
    page.get_by_role("button", name="Person: Ada").tap()
    assert submitted(page)["it"]["relations"] == [{"from": "T2", "to": "T1", "label": "met"}]
    assert fits(page)


def test_coreference_by_mouse_keys_and_touch(show, phone):
    text = "Ada said she met Bob. He saw her."
    page = show(marking("broker-coreference", text=text))
    word(page, "Ada").dblclick()
    word(page, "she").dblclick()
    page.get_by_role("radio", name="new").click()
    word(page, "Bob").dblclick()
    axe(page)
    assert submitted(page)["it"]["clusters"] == [
        [{"startOffset": 0, "endOffset": 3}, {"startOffset": 9, "endOffset": 12}],
        [{"startOffset": 17, "endOffset": 20}],
    ]
    page.get_by_role("application").focus()
    for key in ("End", "ArrowLeft", "1", "Space", "Enter"):
        page.keyboard.press(key)
    assert got(page)[1]["it"]["clusters"][0][2] == {"startOffset": 29, "endOffset": 32}
    page = phone(marking("broker-coreference", text=text, more='mentions="[{startOffset: 0, endOffset: 3}]"'))
    page.get_by_role("radio", name="Ada").tap()
    word(page, "her").tap()
    word(page, "her").tap()
    assert submitted(page)["it"]["clusters"] == [
        [{"startOffset": 0, "endOffset": 3}, {"startOffset": 29, "endOffset": 32}]
    ]
    assert fits(page)
