"""The crowd elements on a page of their own: answers as Ground Truth documents them, keys, names, zoom, meanings."""

import json

import pytest

from tests.browser.door import MOODS, ONE, choice
from tests.browser.elements import axe, got

pytestmark = pytest.mark.browser


def test_a_classifier_answers_its_label(show):
    page = show(choice("It was fine."))
    page.get_by_role("radio", name="Mixed").check()
    page.get_by_role("button", name="Submit").click()
    assert got(page) == [{"category": {"label": "Mixed"}}]


def test_a_multi_select_answers_its_labels_in_their_order(show):
    page = show(choice("It was fine.", many=True))
    page.get_by_role("checkbox", name="Mixed").check()
    page.get_by_role("checkbox", name="Positive").check()
    page.keyboard.press("Enter")
    assert got(page) == [{"category": {"labels": ["Positive", "Mixed"]}}]


def test_a_template_written_for_ground_truth_works_unchanged(show):
    page = show("""
      <crowd-form>
        <crowd-classifier name="sentiment" header="What sentiment?"
            categories="['Positive', 'Neutral', 'It\\'s negative',]">
          <classification-target>Great fun from start to end.</classification-target>
          <full-instructions header="Sentiment Analysis Instructions">
            <p><strong>Positive</strong> sentiment: joy</p>
          </full-instructions>
          <short-instructions><p>Choose the primary sentiment.</p></short-instructions>
        </crowd-classifier>
      </crowd-form>""")
    page.get_by_text("Choose the primary sentiment.").wait_for()
    page.get_by_role("button", name="Full instructions").click()
    page.get_by_role("dialog", name="Sentiment Analysis Instructions").get_by_text("sentiment: joy").wait_for()
    page.keyboard.press("2")  # a dialog is in front: the key is not the page's
    page.keyboard.press("Escape")
    assert page.get_by_role("radio", checked=True).count() == 0
    page.keyboard.press("3")
    page.keyboard.press("Enter")
    assert got(page) == [{"sentiment": {"label": "It's negative"}}]
    axe(page)


def test_an_exclusion_category_excludes_the_others(show):
    page = show("""
      <crowd-form>
        <crowd-classifier-multi-select name="emotions" categories='["Joy", "Anger", "Fear"]' header="Which?"
            exclusion-category="{ text: 'None of the above' }">
          <classification-target>A sentence.</classification-target>
        </crowd-classifier-multi-select>
      </crowd-form>""")
    page.get_by_role("checkbox", name="Joy").check()
    page.get_by_role("checkbox", name="None of the above").check()
    page.keyboard.press("Enter")
    page.get_by_role("checkbox", name="Fear").check()
    page.keyboard.press("Enter")
    assert got(page) == [{"emotions": {"labels": ["None of the above"]}}, {"emotions": {"labels": ["Fear"]}}]


def test_an_element_without_a_name_answers_under_its_tag(show):
    page = show("<crowd-form><crowd-classifier categories='[1, 2]' header='Which?'></crowd-classifier></crowd-form>")
    page.keyboard.press("2")
    page.keyboard.press("Enter")
    assert got(page) == [{"crowd-classifier": {"label": "2"}}]


def test_nothing_chosen_is_said_and_takes_a_second_enter_where_it_may_be_meant(show):
    page = show(choice("It was fine.", many=True))
    page.locator("fieldset").wait_for()
    page.keyboard.press("Enter")
    page.get_by_role("alert").get_by_text("Nothing is chosen.").wait_for()
    page.keyboard.press("Enter")  # too fast to have read it
    assert got(page) == []
    page.wait_for_function("from => performance.now() - from > 450", arg=page.evaluate("performance.now()"))
    page.keyboard.press("Enter")
    assert got(page) == [{"category": {"labels": []}}]


def test_single_choice_is_never_empty(show):
    page = show(choice("It was fine."))
    page.get_by_role("button", name="Submit").click()
    page.get_by_role("alert").get_by_text("Choose a label first.").wait_for()
    assert page.evaluate("document.activeElement.value") == "Positive"
    page.keyboard.press("1")
    page.get_by_role("alert").wait_for(state="hidden")
    assert got(page) == []


def test_labels_that_are_keys_are_chosen_by_their_own_key(show):
    page = show(choice("/digit/3.png", media="image", labels=ONE, question="Which digit?"))
    for digit in ("0", "1", "9"):
        page.keyboard.press(digit)
        page.keyboard.press("Enter")
    assert [one["category"]["label"] for one in got(page)] == ["0", "1", "9"]


def test_letters_choose_beyond_ten_and_leave_the_pages_own_keys_alone(show):
    names = [f"Label number {no}" for no in range(1, 36)]
    page = show(choice("A text.", labels=names))
    chosen = []
    for key in "1", "9", "0", "a", "q", "y":
        page.keyboard.press(key)
        page.keyboard.press("Enter")
        chosen.append(got(page)[-1]["category"]["label"].split()[-1])
    assert chosen == ["1", "9", "10", "11", "26", "33"]
    for key in "p", "s", "z":
        page.keyboard.press(key)
    assert page.get_by_role("radio", name="Label number 33").is_checked()


@pytest.mark.parametrize(("key", "code"), [("&", "Digit1"), ("١", "Digit1"), ("1", "Numpad1"), ("1", "KeyX")])
def test_digits_are_found_on_keyboards_of_other_countries(show, key, code):
    page = show(choice("A text."))
    page.locator("fieldset").wait_for()
    page.evaluate(
        "init => document.body.dispatchEvent(new KeyboardEvent('keydown', {...init, bubbles: true}))",
        {"key": key, "code": code},
    )
    assert page.get_by_role("radio", name="Positive").is_checked()


@pytest.mark.parametrize("keys", ["Control+1", "Alt+1", "Meta+1", "End"])
def test_other_peoples_keys_are_left_alone(show, keys):
    page = show(choice("A text."))
    page.locator("fieldset").wait_for()
    page.keyboard.press(keys)
    assert page.get_by_role("radio", checked=True).count() == 0


def test_typing_in_a_field_chooses_nothing(show):
    page = show("<label>Comment <input id='comment'></label>" + choice("A text."))
    page.get_by_label("Comment").fill("")
    page.get_by_label("Comment").press("1")
    assert page.get_by_label("Comment").input_value() == "1"
    assert page.get_by_role("radio", checked=True).count() == 0


def test_arrows_move_and_space_chooses_as_in_any_form(show):
    page = show(choice("A text."))
    page.get_by_role("radio").first.focus()
    page.keyboard.press("ArrowDown")
    assert page.get_by_role("radio", name="Negative").is_checked()


def test_meanings_and_examples_are_shown_on_demand(show):
    page = show(choice("A text."))
    about = page.get_by_role("button", name="What “Positive” means")
    assert not page.get_by_text("The writer would recommend it.").is_visible()
    about.focus()
    page.keyboard.press("Enter")
    page.get_by_text("The writer would recommend it.").wait_for()
    page.get_by_text("Great fun from start to end.").wait_for()
    assert about.get_attribute("aria-expanded") == "true"
    assert page.get_by_role("radio", checked=True).count() == 0
    assert page.get_by_role("button", name="What “No opinion” means").count() == 0
    axe(page)
    page.keyboard.press("Enter")
    page.get_by_text("The writer would recommend it.").wait_for(state="hidden")


def test_tiles_explain_all_their_labels_behind_one_button(show):
    labels = [
        {"name": "4", "definition": "Open at the top.", "examples": []},
        {"name": "9", "definition": "Closed at the top.", "examples": []},
    ]
    page = show(choice("/digit/4.png", media="image", labels=labels, question="Which digit?"))
    page.get_by_role("button", name="What the labels mean").click()
    page.get_by_text("Closed at the top.").wait_for()
    axe(page)


def test_screen_readers_hear_the_question_the_labels_and_their_keys(show):
    page = show(choice("A text.", question="How does the writer feel?"))
    group = page.get_by_role("group", name="How does the writer feel?")
    assert group.get_by_role("radio").count() == 4
    assert group.get_by_role("radio").first.get_attribute("aria-keyshortcuts") == "1"
    assert group.get_by_role("radio", name="Positive", exact=True).count() == 1  # the key is not part of the name


def test_a_tiny_image_is_scaled_up_in_whole_pixels_and_a_large_one_is_not(show):
    page = show(choice("/digit/4.png", media="image", labels=ONE, question="Which digit?"))
    page.locator(".crowd-tiny img").wait_for()
    image = page.get_by_role("img", name="The image to label")
    assert image.evaluate("one => getComputedStyle(one).imageRendering") == "pixelated"
    assert image.bounding_box()["width"] > 200
    assert page.get_by_role("button", name="Larger").count() == 0
    page = show(choice("/digit/4.png?size=900", media="image", labels=ONE, question="Which digit?"))
    page.get_by_role("button", name="Larger").wait_for()
    assert page.locator(".crowd-tiny").count() == 0


@pytest.mark.parametrize("size", [33, 120, 200])
def test_a_small_image_is_shown_at_three_times_its_size_and_no_larger(show, size):
    page = show(choice(f"/digit/4.png?size={size}", media="image", labels=ONE, question="Which digit?"))
    page.set_viewport_size({"width": 1600, "height": 1200})
    page.locator(".crowd-small img").wait_for()
    box = page.get_by_role("img", name="The image to label").bounding_box()
    assert box["width"] == pytest.approx(min(size * 3, 608), abs=1)
    assert box["height"] == pytest.approx(box["width"], abs=1)
    page.keyboard.press("+")
    assert page.get_by_role("button", name="Larger").count() == 0
    page.set_viewport_size({"width": 320, "height": 700})
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_large_image_zooms_by_keys_and_buttons_and_can_be_scrolled_by_key(show):
    page = show(choice("/digit/4.png?size=900", media="image", labels=ONE, question="Which digit?"))
    page.get_by_role("button", name="Larger").wait_for()
    image = page.get_by_role("img", name="The image to label")
    before = image.bounding_box()["width"]
    page.keyboard.press("+")
    page.get_by_role("button", name="Larger").click()
    assert image.bounding_box()["width"] == pytest.approx(before * 2, rel=0.01)
    assert page.get_by_role("region", name="The image, zoomed").get_attribute("tabindex") == "0"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    axe(page)
    page.keyboard.press("-")
    page.get_by_role("button", name="Smaller").click()
    assert image.bounding_box()["width"] == pytest.approx(before, rel=0.01)
    assert page.get_by_role("region").count() == 0


def test_an_image_that_does_not_load_says_so_and_can_be_tried_again(show):
    page = show(choice("/digit/nothing.png", media="image", labels=ONE, question="Which digit?"))
    page.get_by_text("This image could not be loaded.").wait_for()
    page.route("**/digit/nothing.png", lambda route: route.continue_(url=page.url.replace("/elements", "/digit/4.png")))
    page.get_by_role("button", name="Try again").click()
    page.locator(".crowd-tiny img").wait_for()
    assert page.get_by_text("This image could not be loaded.").count() == 0


def test_a_text_keeps_its_lines_its_direction_and_scrolls_by_key_if_long(show):
    page = show(choice("مرحبا\n\n  بالعالم", question="Which?"))
    text = page.locator(".crowd-text")
    assert text.inner_text() == "مرحبا\n\n  بالعالم"
    assert text.evaluate("one => [getComputedStyle(one).direction, getComputedStyle(one).whiteSpaceCollapse]") == [
        "rtl",
        "preserve",
    ]
    assert text.get_attribute("tabindex") is None
    page = show(choice("A line of a long text.\n" * 200))
    region = page.get_by_role("region", name="The text to label")
    region.focus()
    page.keyboard.press("End")
    page.wait_for_function("() => document.querySelector('.crowd-text').scrollTop > 100")
    axe(page)


def test_an_answer_can_be_put_in_and_reset(show):
    page = show(choice("A text.", many=True))
    form = page.locator("crowd-form")
    form.evaluate("one => { one.answer = {category: {labels: ['Negative', 'Mixed']}} }")
    assert form.evaluate("one => one.answer") == {"category": {"labels": ["Negative", "Mixed"]}}
    form.evaluate("one => one.reset()")
    assert form.evaluate("one => one.answer") == {"category": {"labels": []}}


def test_a_page_may_stop_the_submission(show):
    page = show(choice("A text."))
    page.evaluate("document.querySelector('crowd-form').addEventListener('submit', (event) => event.preventDefault())")
    page.keyboard.press("1")
    page.keyboard.press("Enter")
    assert got(page) == []


def test_a_button_of_the_template_submits_or_resets_instead_of_ours(show):
    html = choice("A text.").replace(
        "</crowd-form>",
        '<crowd-button form-action="reset">Clear</crowd-button>'
        '<crowd-button form-action="submit" variant="primary">Send it</crowd-button></crowd-form>',
    )
    page = show(html)
    assert page.get_by_role("button", name="Submit").count() == 0
    page.keyboard.press("1")
    page.get_by_role("button", name="Clear").click()
    assert page.get_by_role("radio", checked=True).count() == 0
    page.keyboard.press("2")
    page.get_by_role("button", name="Send it").click()
    assert got(page) == [{"category": {"label": "Negative"}}]


def test_a_plain_submit_button_of_the_template_submits(show):
    page = show(choice("A text.").replace("</crowd-form>", '<button type="submit">Done</button></crowd-form>'))
    page.get_by_role("radio", name="Mixed").check()
    page.get_by_role("button", name="Done").click()
    assert got(page) == [{"category": {"label": "Mixed"}}]


def test_two_forms_elements_of_one_name_do_not_share_their_choices(show):
    page = show(choice("One.") + choice("Two."))
    page.get_by_role("radio", name="Positive").first.check()
    page.get_by_role("radio", name="Positive").last.check()
    assert page.get_by_role("radio", checked=True).count() == 2


LOOSE = {
    '["a", "b"]': ["a", "b"],
    "['a', \"it's\", 'it\\'s',]": ["a", "it's", "it's"],
    "{ text: 'None', n: 1.5, deep: [true, null] }": {"text": "None", "n": 1.5, "deep": [True, None]},
    "['\\u00e9', 'a\\nb', '[]{}:,']": ["é", "a\nb", "[]{}:,"],
    "[]": [],
    "[alert(1)]": ["alert(1)"],
}
BROKEN = ["", "[", "['a'", "{a}", "[a b]", "[1] 2", "[" * 60 + "'a'" + "]" * 60, "'open"]


def test_loose_json_is_read_and_what_is_none_at_all_is_refused(show):
    page = show("<p>Nothing</p>")
    assert {text: lenient(page, text) for text in LOOSE} == LOOSE
    assert [text for text in BROKEN if "SyntaxError" not in lenient(page, text)] == []


def lenient(page, text):
    source = page.evaluate("document.querySelector('script[type=module]').src").replace("index.js", "lenient.js")
    return page.evaluate(
        """async ([source, text]) => {
      const { lenient } = await import(source);
      try { return lenient(text); } catch (error) { return `${error}`; }
    }""",
        [source, text],
    )


def test_the_elements_show_in_forced_colours_and_without_motion(show):
    page = show(choice("A text."))
    page.emulate_media(forced_colors="active", reduced_motion="reduce")
    page.keyboard.press("1")
    chosen = page.locator(".crowd-label").first
    assert chosen.evaluate("one => getComputedStyle(one).outlineStyle") == "solid"
    assert page.locator(".crowd-label").last.evaluate("one => getComputedStyle(one).outlineStyle") == "none"
    seconds = chosen.evaluate("one => parseFloat(getComputedStyle(one).transitionDuration)")
    assert seconds <= 0.001


def test_the_template_escapes_what_a_dataset_says(show):
    nasty = "\"><script>globalThis.bad = 1</script><img src=x onerror='globalThis.bad = 1'>&amp;"
    labels = [{"name": nasty, "definition": nasty, "examples": [nasty]}, *MOODS]
    page = show(choice(nasty, question=nasty, labels=labels))
    page.get_by_role("radio").first.check()
    page.keyboard.press("Enter")
    assert json.dumps(got(page)) == json.dumps([{"category": {"label": nasty}}])
    assert page.locator(".crowd-text").inner_text() == nasty
    assert page.evaluate("globalThis.bad") is None
    assert page.locator("main script, main img").count() == 0
