"""Sounds, films, pairs, scales and ranks."""

import pytest

from tests.browser.elements import axe, fits, got, submitted
from tests.browser.kinds import RECORD

pytestmark = pytest.mark.browser
AS_URL = "bytes => URL.createObjectURL(new Blob([new Uint8Array(bytes)], { type: 'video/webm' }))"


def transcription(more=""):
    return f"""<crowd-form><broker-transcription name="it" src="/sound.wav" header="Write what you hear" {more}>
      </broker-transcription></crowd-form>"""


def loaded(page, duration=4):
    page.wait_for_function(
        "most => Number(document.querySelector('.crowd-strip').getAttribute('aria-valuemax')) >= most", arg=duration
    )
    return page.locator(".crowd-strip").bounding_box()


def stroke(page, box, start, end):
    """Drag over the strip from one share of it to another."""
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * start, y)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * end, y, steps=4)
    page.mouse.up()


def seek(page, seconds):
    page.get_by_role("slider", name="Position").focus()
    page.keyboard.press("Home")
    for _ in range(seconds):
        page.keyboard.press("ArrowRight")


def test_a_recording_is_written_as_one_text(show):
    page = show(transcription())
    loaded(page)
    page.wait_for_function("document.querySelector('.crowd-wave').getAttribute('d')")
    axe(page)
    page.get_by_label("Text", exact=True).fill("Good morning. مرحبا")
    page.keyboard.press("Control+Space")
    page.get_by_role("button", name="Pause").wait_for()
    page.keyboard.press("Control+Space")
    assert submitted(page) == {
        "it": {"text": "Good morning. مرحبا", "segments": [], "inputMediaProperties": {"duration": 4}}
    }


def test_segments_by_mouse_with_speakers_and_exact_bounds(show):
    page = show(transcription("segments speakers=\"['A', 'B']\""))
    box = loaded(page)
    stroke(page, box, 0.5, 0.75)
    page.keyboard.type("second")
    stroke(page, box, 0.1, 0.3)
    page.keyboard.type("first")
    page.get_by_label("Speaker of 2").select_option("B")
    start = page.get_by_label("Start of 2 in seconds")
    start.fill("2.125")
    start.press("Tab")
    page.get_by_label("End of 2 in seconds").fill("9")
    page.get_by_label("End of 2 in seconds").press("Tab")
    page.get_by_text("both lie within the recording").wait_for()
    axe(page)
    answer = submitted(page)["it"]
    assert answer["text"] == "first second"
    first, second = answer["segments"]
    assert (first["text"], first["speaker"], second["speaker"], second["start"]) == ("first", "A", "B", 2.125)
    assert first["start"] == pytest.approx(0.4, abs=0.05)
    assert second["end"] == pytest.approx(3, abs=0.05)


def test_segments_by_keys_alone(show):
    page = show(transcription("segments"))
    loaded(page)
    seek(page, 1)
    page.keyboard.press("m")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("m")
    page.keyboard.type("one")
    seek(page, 3)
    page.keyboard.press("Control+m")
    page.get_by_role("button", name="Mark end").wait_for()
    page.keyboard.press("Enter")
    page.get_by_text("Mark the end of what you began").wait_for()
    page.keyboard.press("Escape")
    page.keyboard.press("Enter")
    (answer,) = got(page)
    assert answer["it"]["segments"] == [{"start": 1, "end": 2.1, "text": "one"}]
    page.get_by_role("button", name="Delete 1").click()
    page.keyboard.press("Control+z")
    assert submitted(page) == answer


def test_segments_by_touch_without_dragging(phone):
    page = phone(transcription("segments"))
    box = loaded(page)
    for share in (0.25, 0.5):
        page.touchscreen.tap(box["x"] + box["width"] * share, box["y"] + 20)
        page.get_by_role("button", name="Mark").tap()
    page.get_by_label("Segment 1").fill("one")
    axe(page)
    assert fits(page)
    (segment,) = submitted(page)["it"]["segments"]
    assert (segment["start"], segment["end"]) == pytest.approx((1, 2), abs=0.05)


def test_a_transcript_is_shown_at_first_and_can_be_put_back(show):
    segments = "[{start: 0.5, end: 1.5, text: 'Hi', speaker: 'B'}, {start: 3, end: 2, text: 'no'}]"
    page = show(transcription(f"""segments speakers="['A', 'B']" peaks="[0, 0.5, 1]" initial-value="{segments}" """))
    loaded(page)
    answer = submitted(page)
    assert answer["it"]["segments"] == [{"start": 0.5, "end": 1.5, "text": "Hi", "speaker": "B"}]
    form = page.locator("crowd-form")
    form.evaluate("(one, answer) => { one.answer = answer }", {"it": {"segments": []}})
    assert form.evaluate("one => one.answer.it.text") == ""
    form.evaluate("(one, answer) => { one.answer = answer }", answer)
    assert form.evaluate("one => one.answer") == answer


def test_events_of_a_film_by_mouse_and_keys(show):
    page = show("<crowd-form></crowd-form>")
    film = page.evaluate(AS_URL, page.evaluate(RECORD))
    page.evaluate(
        """film => { document.querySelector('crowd-form').innerHTML =
          `<broker-video-events name="it" src="${film}" header="What happens?" labels="['Goal', 'Foul']">
           </broker-video-events>
           <crowd-button form-action="submit">Submit</crowd-button>` }""",
        film,
    )
    page.locator(".crowd-strip").wait_for()  # an element that comes to the page later is loaded, too
    box = loaded(page, 1.5)
    stroke(page, box, 0.25, 0.5)
    page.get_by_role("radio", name="Foul").click()
    seek(page, 1)
    for key in ("m", *["Shift+ArrowRight"] * 3, "m"):
        page.keyboard.press(key)
    axe(page)
    page.get_by_label("Label of 1").select_option("Foul")
    answer = submitted(page)["it"]
    assert [one["label"] for one in answer["events"]] == ["Foul", "Foul"]
    assert answer["events"][1]["end"] - answer["events"][1]["start"] == pytest.approx(0.3, abs=0.01)
    assert answer["inputMediaProperties"]["duration"] >= 1.5
    page.keyboard.press("Control+z")
    assert submitted(page)["it"]["events"][0]["label"] == "Goal"


PAIR = """<crowd-form><broker-pairwise name="it" header="Which is the better translation?" tie {more}>
  <pairwise-option value="a"><p>The cat sat.</p></pairwise-option>
  <pairwise-option value="b"><p>A cat has sat.</p></pairwise-option></broker-pairwise></crowd-form>"""


def test_pairs_by_mouse_keys_and_touch_in_either_order(show, phone):
    page = show(PAIR.format(more=""))
    page.get_by_role("button", name="Submit", exact=True).click()
    page.get_by_text("Choose one first.").wait_for()
    page.get_by_text("A cat has sat.").click()
    axe(page)
    assert submitted(page) == {"it": {"choice": "b"}}
    for key in ("1", "Enter", "3", "Enter"):
        page.keyboard.press(key)
    assert [one["it"]["choice"] for one in got(page)] == ["b", "a", "tie"]
    page = phone(PAIR.format(more="swap"))
    page.get_by_text("First").tap()
    assert submitted(page) == {"it": {"choice": "b"}}
    assert fits(page)


def test_ratings_by_mouse_keys_and_touch(show, phone):
    html = """<crowd-form><broker-rating name="it" header="How fluent?" max="7" low="Not at all" high="Very">
      </broker-rating></crowd-form>"""
    page = show(html)
    page.get_by_role("radio", name="4").click()
    axe(page)
    assert submitted(page) == {"it": {"rating": 4}}
    page.keyboard.press("7")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    assert got(page)[1] == {"it": {"rating": 6}}
    page = phone(html)
    page.get_by_role("radio", name="2").tap()
    assert submitted(page) == {"it": {"rating": 2}}
    assert fits(page)


RANKS = """<crowd-form><broker-ranking name="it" header="Order these" items="[{value: 'a', text: 'Apple'},
  {value: 'b', text: 'Bread'}, {value: 'c', text: 'Cheese', src: '/digit/3.png?size=60'}]"></broker-ranking>
  </crowd-form>"""


def test_ranks_by_mouse_keys_and_touch(show, phone):
    page = show(RANKS)
    page.get_by_role("button", name="Submit", exact=True).click()
    page.get_by_text("The order is as it was given.").wait_for()
    first, last = (page.get_by_role("listitem").nth(at).bounding_box() for at in (0, 2))
    page.mouse.move(first["x"] + 20, first["y"] + 20)
    page.mouse.down()
    page.mouse.move(last["x"] + 20, last["y"] + last["height"] - 5, steps=6)
    page.mouse.up()
    axe(page)
    assert submitted(page) == {"it": {"ranking": ["b", "c", "a"]}}
    page.get_by_role("button", name="Cheese, place 2").focus()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Control+z")
    page.keyboard.press("End")
    assert submitted(page) == {"it": {"ranking": ["b", "a", "c"]}}
    page = phone(RANKS)
    page.get_by_role("button", name="Move Bread up").tap()
    assert submitted(page) == {"it": {"ranking": ["b", "a", "c"]}}
    assert fits(page)


def test_a_film_is_classified_like_anything_else(show):
    page = show("""<crowd-form><crowd-classifier name="it" header="What is it?" categories="['Sport', 'News']">
      <classification-target><video src="/sound.wav" controls></video></classification-target></crowd-classifier>
      </crowd-form>""")
    page.keyboard.press("2")
    page.keyboard.press("Enter")
    assert got(page) == [{"it": {"label": "News"}}]
    axe(page)
