"""Every element on somebody else's page, with one script; and what a page of each kind weighs."""

import gzip
import re
from pathlib import Path

import pytest

from tests.browser.conftest import LISTEN, READY
from tests.browser.door import Door, choice
from tests.browser.elements import axe, fits, got
from tests.browser.test_elements_fields import FORM, FRAMES, VERDICT
from tests.browser.test_elements_image import board
from tests.browser.test_elements_masks import painting
from tests.browser.test_elements_media import PAIR, RANKS, transcription
from tests.browser.test_elements_text import LINKED, marking

pytestmark = pytest.mark.browser
STATIC = Path(__file__).parents[2] / "broker" / "static"
MODULES = sorted((STATIC / "js" / "elements").glob("*.js"))
LONGEST, HEAVIEST = 400, 60_000
KINDS = {
    "fields": FORM,
    "frames": FRAMES,
    "choice": choice("A text."),
    "picture": VERDICT.format(many=""),
    "boxes": board("bounding-box"),
    "points": board("keypoint"),
    "polygons": board("polygon"),
    "lines": board("line"),
    "semantic": painting("semantic"),
    "instances": painting("instance"),
    "spans": marking("crowd-entity-annotation"),
    "tokens": marking("broker-token-tagging"),
    "relations": marking("broker-relations", more=LINKED),
    "coreference": marking("broker-coreference"),
    "transcription": transcription("segments"),
    "film": """<crowd-form><broker-video-events name="it" labels="[1]" src="/sound.wav"></broker-video-events>
      </crowd-form>""",
    "pairs": PAIR.format(more=""),
    "rating": "<crowd-form><broker-rating name='it' header='How good?'></broker-rating></crowd-form>",
    "ranking": RANKS,
    "form": """<crowd-form><broker-fields name="it" header="Look"
      fields="[{label: 'Tone', sort: 'choice', choices: ['a', 'b']}, {label: 'Why', sort: 'text'}]">
      <classification-target>A text.</classification-target></broker-fields></crowd-form>""",
}


def zipped(body):
    return len(gzip.compress(body, 6))


@pytest.mark.parametrize("kind", KINDS)
def test_a_hit_page_of_every_kind_is_light(page, door, kind):
    """At most 60 kB gzipped of script and style in all, the page's own included."""
    weights = {}

    def weigh(response):
        if re.search(r"\.(js|css)$", response.url):
            weights[response.url.rpartition("/static/")[2].partition("/")[2]] = response.url

    page.on("response", weigh)
    door.now = Door(hits=[KINDS[kind]])
    page.goto(f"{door.url}/work/J7", wait_until="networkidle")
    page.wait_for_function(READY)
    page.locator("crowd-form").first.wait_for()
    total = sum(zipped((STATIC / name).read_bytes()) for name in weights)
    assert total <= HEAVIEST, sorted(weights)


@pytest.mark.parametrize("kind", KINDS)
def test_every_element_works_alone_on_any_page(page, door, kind):
    door.now = Door(hits=[KINDS[kind]])
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto(f"{door.url}/alone", wait_until="networkidle")
    page.wait_for_function(READY)
    page.get_by_role("button", name="Submit", exact=True).wait_for()
    look = page.get_by_role("button", name="Submit", exact=True).evaluate(
        "one => [getComputedStyle(one).color, getComputedStyle(one).fontSize]"
    )
    assert look == ["rgb(255, 255, 255)", "14.4px"]
    theirs = page.locator("#theirs").evaluate("one => [getComputedStyle(one).color, getComputedStyle(one).marginTop]")
    assert theirs == ["rgb(1, 2, 3)", "33px"]
    assert fits(page)
    axe(page)
    assert errors == []


def test_elements_are_dark_only_where_the_page_can_be(page, door):
    door.now = Door(hits=[KINDS["rating"]])
    page.emulate_media(color_scheme="dark")
    page.goto(f"{door.url}/alone", wait_until="networkidle")
    page.wait_for_function(READY)
    legend = page.get_by_text("How good?")
    assert legend.evaluate("one => getComputedStyle(one).color") == "rgb(20, 23, 29)"
    page.evaluate("document.documentElement.style.colorScheme = 'light dark'")
    assert legend.evaluate("one => getComputedStyle(one).color") == "rgb(236, 238, 242)"


def test_only_what_the_page_shows_is_loaded(page, door):
    names = []
    page.on("response", lambda response: names.append(response.url.rpartition("/")[2]))
    door.now = Door(hits=[KINDS["rating"]])
    page.goto(f"{door.url}/alone", wait_until="networkidle")
    assert "judging.js" in names
    assert {"drawing.js", "marks.js", "timeline.js", "crowd-image.css"} & set(names) == set()


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_modules_are_short_say_what_they_are_and_evaluate_nothing(path):
    lines = path.read_text().splitlines()
    assert len(lines) <= LONGEST
    assert lines[0].startswith("// ")
    # In a template, HTML is inert: nothing in it loads or runs.
    text = path.read_text().replace('page = document.createElement("template");\n  page.innerHTML = html;', "")
    assert not re.search(r"\beval\(|new Function|innerHTML|https?://(?!www\.w3\.org/2000/svg)", text)


def test_nothing_is_submitted_while_an_element_could_not_be_loaded(page, door):
    page.route("**/judging.js", lambda route: route.abort())
    html = KINDS["rating"].replace("</crowd-form>", "<crowd-unknown name='u'></crowd-unknown></crowd-form>")
    door.now = Door(hits=[html])
    page.goto(f"{door.url}/alone", wait_until="networkidle")
    page.evaluate(LISTEN)
    page.get_by_role("button", name="Submit", exact=True).click()
    page.get_by_text("Part of this page has not been loaded.").wait_for()
    assert got(page) == []
    page.unroute("**/judging.js")
    page.evaluate("document.querySelector('crowd-form').append(document.createElement('broker-rating'))")
    page.get_by_role("radio", name="3").first.check()
    page.evaluate("document.querySelector('broker-rating:not([name])').remove()")
    page.get_by_role("button", name="Submit", exact=True).click()
    assert got(page) == [{"it": {"rating": 3}}]
