"""The HIT page as it looks and speeds: guide, preview, axe, fingers, right to left, the next HIT at once."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser.door import GUIDE, ONE, Door, choice
from tests.browser.hitting import answer, prefetched, sees, shown, start, texts, until

pytestmark = pytest.mark.browser
ON_SCREEN = "document.querySelector('.hit-work:not([hidden]) img')?.src ?? ''"


def test_the_guide_docks_on_wide_screens_and_is_a_dialog_on_narrow_ones(page, door):
    start(page, door, guide=GUIDE)
    guide = page.get_by_role("dialog", name="Guide")
    guide.get_by_role("heading", name="Hard cases").wait_for()
    assert not page.evaluate("document.getElementById('guide').matches(':modal')")
    page.keyboard.press("1")
    assert shown(page).get_by_role("radio").first.is_checked()
    page.keyboard.press("?")
    guide.wait_for(state="hidden")
    page.set_viewport_size({"width": 390, "height": 844})
    page.reload()
    prefetched(page)
    assert not guide.is_visible()
    page.get_by_role("button", name="Guide").click()
    assert page.evaluate("document.getElementById('guide').matches(':modal')")


def test_a_preview_answers_nothing_and_offers_to_accept(page, door):
    door.now = Door(hits=texts(2), guide="")
    page.goto(f"{door.url}/work/J7/preview")
    sees(page, "Review number 0")
    page.keyboard.press("1")
    page.keyboard.press("Enter")
    page.get_by_text("This is a preview: nothing is sent.").first.wait_for()
    sees(page, "Review number 0")
    assert page.get_by_role("link", name="Accept and start").get_attribute("href") == "/work/J7"
    assert door.now.claims == door.now.submissions == []


def test_a_title_and_a_text_full_of_markup_stay_text(page, door, errors):
    nasty = "</script><img src=x onerror=alert(1)>'\"{{ 7 * 7 }}"
    labels = [
        {"name": nasty, "definition": nasty, "examples": [nasty]},
        {"name": "fine", "definition": "", "examples": []},
    ]
    start(page, door, hits=[choice(nasty, question=nasty, labels=labels)], title=nasty)
    shown(page).get_by_role("group").wait_for()
    assert page.locator("h1").inner_text() == nasty
    assert shown(page).locator(".crowd-text").inner_text() == nasty
    assert shown(page).get_by_role("radio").first.get_attribute("value") == nasty
    assert page.locator("img").count() == 0
    assert errors == []


def clean(page, width):
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390, 320])
def test_the_page_is_clean_for_axe_and_does_not_scroll_sideways(page, door, width, scheme, errors):
    page.emulate_media(color_scheme=scheme)
    hits = [choice("/digit/3.png", media="image", labels=ONE, question="Which digit is this?"), *texts()]
    start(page, door, size={"width": width, "height": 800}, hits=hits, guide=GUIDE)
    prefetched(page)
    clean(page, width)
    answer(page)
    sees(page, "Review number 0")
    clean(page, width)
    assert errors == []


@pytest.mark.parametrize("width", [390, 320])
def test_targets_are_large_enough_for_fingers(page, door, width):
    start(page, door, size={"width": width, "height": 800})
    prefetched(page)
    small = page.evaluate("""() => [...document.querySelectorAll(
        'a.button, button, .hit-work:not([hidden]) .crowd-label > label')]
      .filter(one => one.checkVisibility() && !one.closest('.skip'))
      .map(one => [one.textContent.trim(), one.getBoundingClientRect()])
      .filter(([, box]) => box.height < 44 || box.width < 44).map(([text, box]) => `${text} ${box.height}`)""")
    assert small == []


def test_a_page_from_right_to_left_does_not_scroll_sideways(page, door):
    start(
        page,
        door,
        direction="rtl",
        size={"width": 390, "height": 800},
        hits=[choice("مرحبا بالعالم", question="ما رأي الكاتب؟")] * 3,
    )
    prefetched(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert shown(page).locator(".crowd-text").evaluate("one => getComputedStyle(one).direction") == "rtl"


def test_the_next_hit_is_on_screen_at_once_on_a_slow_network(page, door):
    """By the time the key press returns; how soon that is measures benchmarks/next_hit.py."""
    hits = [choice(f"/digit/{no}.png", media="image", labels=ONE, question="Which digit is this?") for no in range(14)]
    now = start(page, door, hits=hits, delay=0.2)
    for turn in range(12):
        answer(page, str(turn % 10))  # as soon as the next HIT waits behind this one
        assert page.evaluate(ON_SCREEN).endswith(f"/digit/{turn + 1}.png")
    until(page, lambda: len(now.answers) >= 11)
    assert now.answers[3] == {"category": {"label": "3"}}


def test_the_worker_never_holds_more_than_three_hits(page, door):
    now = start(page, door, hits=texts(12))
    most = []
    for _ in range(8):
        answer(page)
        most.append(len(now.held()))
    assert max(most) <= 3
