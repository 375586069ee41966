"""The HIT page against a scripted door: next HIT at once, undo, nothing lost offline, time, and every way it ends."""

import statistics
import sys
import threading
from types import SimpleNamespace

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.door import GUIDE, ONE, Door, application, choice, serving

pytestmark = pytest.mark.browser
WIDE = {"width": 1280, "height": 800}


@pytest.fixture(scope="module")
def door():
    """The served door; each test sets `door.now`."""
    holder = SimpleNamespace(now=None, url="")
    with serving(application(holder)) as url:
        holder.url = url
        yield holder


@pytest.fixture
def errors(page):
    """What went wrong in the page; a test that expects nothing asserts that it is empty."""
    found = []
    page.on("pageerror", lambda error: found.append(str(error)))
    page.on("console", lambda message: message.type == "error" and found.append(message.text))
    return found


def texts(count=6):
    return [choice(f"Review number {no}") for no in range(count)]


def start(page, door, size=WIDE, **script):
    door.now = Door(**{"hits": texts(), "guide": "", **script})
    page.set_viewport_size(size)
    page.goto(f"{door.url}/work/J7")
    return door.now


def shown(page):
    return page.locator(".hit-work:not([hidden])")


def sees(page, words):
    shown(page).get_by_text(words, exact=True).wait_for()


def prefetched(page, count=1):
    page.wait_for_function(
        "n => document.querySelectorAll('.hit-work[hidden]:not([data-held]) fieldset').length >= n", arg=count
    )


def answer(page, key="1"):
    prefetched(page)
    page.keyboard.press(key)
    page.keyboard.press("Enter")


def until(page, door_says):
    """Let the page work until the door says so; the page's own time limit holds."""
    for _ in range(300):
        if door_says():
            return
        page.wait_for_function("() => new Promise(done => setTimeout(() => done(true), 50))")
    raise AssertionError("the door never saw it")


def test_a_digit_and_enter_answer_and_the_next_hit_is_there(page, door, errors):
    now = start(page, door)
    sees(page, "Review number 0")
    answer(page, "2")
    sees(page, "Review number 1")
    answer(page, "1")
    sees(page, "Review number 2")
    until(page, lambda: now.answers.get(0))
    assert now.answers == {0: {"category": {"label": "Negative"}}}
    assert errors == []


def test_the_next_hit_is_prefetched_and_only_the_seen_one_is_started(page, door):
    now = start(page, door)
    prefetched(page)
    assert now.claims[0] == {"have": ["T0"], "start": "T0"}
    answer(page)
    until(page, lambda: len(now.claims) == 2)
    assert now.claims[1] == {"have": ["T1", "T0"], "start": "T1"}


def test_the_last_answer_is_held_back_until_the_next_is_given(page, door):
    now = start(page, door)
    answer(page)
    until(page, lambda: len(now.claims) == 2)
    assert now.submissions == []
    answer(page)
    until(page, lambda: now.submissions)
    assert now.submissions[0]["assignment"] == "T0"
    assert now.submissions[0]["start"] == "T2"
    assert now.submissions[0]["seconds"] > 0


def test_the_held_answer_is_sent_after_a_while_even_if_nothing_follows(page, door):
    page.clock.install()
    now = start(page, door)
    answer(page)
    page.clock.run_for(9000)
    until(page, lambda: now.answers)
    assert page.get_by_role("button", name="Undo").is_disabled()


def test_undo_brings_the_last_hit_back_with_its_answer(page, door):
    now = start(page, door)
    answer(page, "1")
    sees(page, "Review number 1")
    page.keyboard.press("z")
    sees(page, "Review number 0")
    assert shown(page).get_by_role("radio", name="Positive").is_checked()
    answer(page, "2")
    sees(page, "Review number 1")
    answer(page, "3")
    until(page, lambda: now.answers)
    assert now.answers == {0: {"category": {"label": "Negative"}}}


def test_undo_works_by_its_button_and_takes_the_earning_back(page, door):
    start(page, door)
    answer(page)
    page.get_by_text("1 done now · 0.02 earned").wait_for()
    page.get_by_role("button", name="Undo").click()
    sees(page, "Review number 0")
    page.get_by_text("6 left", exact=True).wait_for()


def test_enter_without_a_choice_says_so_and_sends_nothing(page, door):
    now = start(page, door)
    prefetched(page)
    page.keyboard.press("Enter")
    shown(page).get_by_role("alert").get_by_text("Choose a label first.").wait_for()
    sees(page, "Review number 0")
    assert now.submissions == []


def test_answers_given_offline_are_sent_when_the_connection_is_back(page, door):
    now = start(page, door)
    prefetched(page)
    page.context.set_offline(True)
    answer(page, "1")
    sees(page, "Review number 1")
    page.keyboard.press("2")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="You are offline").wait_for()
    page.get_by_text("2 answers not sent yet").wait_for()
    assert now.submissions == []
    page.context.set_offline(False)
    sees(page, "Review number 2")
    until(page, lambda: 0 in now.answers)
    assert now.answers[0] == {"category": {"label": "Positive"}}


def test_an_answer_survives_a_closed_page_and_is_sent_by_the_next_one(page, door):
    now = start(page, door)
    prefetched(page)
    page.context.set_offline(True)
    page.keyboard.press("2")
    page.keyboard.press("Enter")
    sees(page, "Review number 1")
    page.close()
    page = page.context.new_page()
    page.context.set_offline(False)
    page.clock.install()
    page.goto(f"{door.url}/work/J7")
    sees(page, "Review number 1")
    page.clock.run_for(9000)
    until(page, lambda: 0 in now.answers)
    assert now.answers[0] == {"category": {"label": "Negative"}}


def test_an_answer_left_behind_is_also_sent_from_any_other_page(page, door):
    now = start(page, door)
    prefetched(page)
    page.context.set_offline(True)
    page.keyboard.press("2")
    page.keyboard.press("Enter")
    sees(page, "Review number 1")
    page.close()
    page = page.context.new_page()
    page.context.set_offline(False)
    page.clock.install()
    page.goto(f"{door.url}/work")
    page.clock.run_for(9000)
    page.get_by_text("1 answer from earlier was sent.").wait_for()
    assert now.answers == {0: {"category": {"label": "Negative"}}}
    assert page.evaluate("Object.keys(localStorage).filter(key => key.includes(':answer:')).length") == 0


def test_another_worker_on_this_computer_does_not_send_my_answers(page, door):
    now = start(page, door)
    prefetched(page)
    page.context.set_offline(True)
    page.keyboard.press("2")
    page.keyboard.press("Enter")
    sees(page, "Review number 1")
    page.context.set_offline(False)
    page.evaluate("() => { for (const [key, value] of Object.entries(localStorage)) globalThis.kept = [key, value]; }")
    assert page.evaluate("kept[0]") == "crowd-broker:answer:A2KX91:T0"
    kept = page.evaluate("kept")
    now.worker = "A9ZZZZ"
    page.goto("about:blank")
    page.goto(f"{door.url}/work")
    page.evaluate("([key, value]) => localStorage.setItem(key.replace('A2KX91', 'ASOMEONE'), value)", kept)
    page.goto(f"{door.url}/work/J7")
    prefetched(page)
    assert page.evaluate("localStorage.getItem('crowd-broker:answer:ASOMEONE:T0')") is not None


def test_a_refused_answer_is_told_and_not_counted(page, door):
    now = start(page, door)
    answer(page)
    sees(page, "Review number 1")
    until(page, lambda: len(now.claims) == 2)
    now.problem = (409, "This assignment was abandoned; its HIT went to somebody else.")
    answer(page)
    page.get_by_text("its HIT went to somebody else").first.wait_for()
    now.problem = None
    page.get_by_role("button", name="Got it").click()
    assert page.locator("[data-notices]").inner_text() == ""
    assert page.evaluate("Object.keys(localStorage).filter(key => key.endsWith(':T0')).length") == 0


def test_a_refusal_stays_in_sight_beside_the_end_of_the_time(page, door):
    now = start(page, door)
    answer(page)
    sees(page, "Review number 1")
    until(page, lambda: len(now.claims) == 2)
    now.problem = (409, "This lease has run out.")
    answer(page)
    page.get_by_text("An answer was not accepted").first.wait_for()
    page.evaluate("""async () => {
      const path = document.querySelector('script[src*="hit.js"]').src.replace("hit.js", "hit/shown.js");
      (await import(path)).notice("warn", "The time for this HIT is up.");
    }""")
    expect(page.locator("[data-notices] .notice")).to_have_count(2)
    page.get_by_role("button", name="Got it").click()
    expect(page.locator("[data-notices] .notice")).to_have_count(0)


def test_a_broken_server_is_asked_again_and_nothing_is_lost(page, door):
    now = start(page, door)
    answer(page)
    until(page, lambda: len(now.claims) == 2)
    now.problem = (503, "Try later.")
    answer(page)
    page.get_by_text("answers not sent yet").wait_for()
    now.problem = None
    until(page, lambda: now.answers)
    assert list(now.answers) == [0]


def test_logged_out_in_between_keeps_the_answer_and_offers_the_log_in(page, door):
    now = start(page, door)
    answer(page)
    until(page, lambda: len(now.claims) == 2)
    now.problem = (403, "Please log in again.")
    answer(page)
    page.get_by_role("heading", name="You are logged out").wait_for()
    assert page.get_by_role("link", name="Log in").get_attribute("href") == "/login?next=/work/J7"
    assert page.evaluate("Object.keys(localStorage).filter(key => key.includes(':answer:')).length") == 2
    page.keyboard.press("1")
    page.keyboard.press("Enter")
    assert not page.get_by_role("button", name="Submit").is_visible()
    assert page.evaluate("Object.keys(localStorage).filter(key => key.includes(':answer:')).length") == 2


def test_a_suspended_worker_reads_why(page, door):
    now = start(page, door, hits=texts(2))
    now.problem = (403, "This account is suspended: two accounts in one household.")
    page.reload()
    page.get_by_role("radio").first.wait_for()
    page.keyboard.press("1")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="You cannot go on here").wait_for()
    page.get_by_text("two accounts in one household").first.wait_for()


def test_skip_returns_the_hit_and_shows_the_next(page, door):
    now = start(page, door)
    prefetched(page)
    page.keyboard.press("s")
    sees(page, "Review number 1")
    until(page, lambda: now.returned == [0])
    assert now.submissions == []


@pytest.mark.parametrize("hurried", [False, True])
def test_a_skipped_hit_that_comes_again_is_not_shown_again_by_itself(page, door, hurried):
    hold = threading.Event()
    now = start(page, door, hits=texts(1), reopens=True, hold=hold)
    until(page, lambda: now.waiting)
    if not hurried:
        hold.set()
        until(page, lambda: now.claims)
    page.keyboard.press("s")  # hurried: while the answer that nothing else is left, true until now, is on its way
    hold.set()
    page.get_by_role("heading", name="No other HIT is left").wait_for()
    until(page, lambda: now.returned == [0, 1])
    page.get_by_role("button", name="Show them again").click()
    sees(page, "Review number 0")


def test_the_end_of_the_work_is_said_with_what_was_earned(page, door):
    now = start(page, door, hits=texts(2))
    answer(page)
    sees(page, "Review number 1")
    page.keyboard.press("1")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="All done for now").wait_for()
    page.get_by_text("2 answers · 0.04 earned in this sitting").wait_for()
    assert page.get_by_role("button", name="Undo").is_enabled()
    assert not page.get_by_role("button", name="Submit").is_visible()
    page.keyboard.press("z")
    sees(page, "Review number 1")
    assert list(now.answers) == [0]


def test_the_last_answer_of_a_job_is_sent_too(page, door):
    page.clock.install()
    now = start(page, door, hits=texts(1))
    page.get_by_role("radio").first.wait_for()
    page.keyboard.press("1")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="All done for now").wait_for()
    page.clock.run_for(9000)
    until(page, lambda: now.answers)
    page.get_by_role("heading", name="All done for now").wait_for()


def test_a_paused_job_says_so(page, door):
    start(page, door, message="This job is paused.")
    page.get_by_text("This job is paused.").wait_for()
    door.now.message = ""
    page.get_by_role("button", name="Look again").click()
    sees(page, "Review number 0")


def test_time_warns_before_it_ends_and_more_time_extends_the_lease(page, door):
    page.clock.install()
    now = start(page, door, lease=40)
    prefetched(page)
    assert page.get_by_role("timer").inner_text() in ("0:40", "0:39")
    assert not page.get_by_role("button", name="More time").is_visible()
    page.clock.run_for(22_000)
    page.get_by_role("button", name="More time").click()
    until(page, lambda: now.extended == [0])
    page.get_by_role("button", name="More time").wait_for(state="hidden")


def test_time_that_is_up_leaves_the_answer_possible_and_the_next_hit_near(page, door):
    page.clock.install()
    now = start(page, door, lease=40)
    prefetched(page)
    page.clock.run_for(41_000)
    page.get_by_text("The time for this HIT is up.").first.wait_for()
    now.lease = 60
    page.get_by_role("button", name="Next HIT").click()
    # The lease of the prefetched HIT ran out as well, so it is not shown but asked for anew.
    sees(page, "Review number 1")
    assert {"have": [], "start": None} in now.claims


def test_a_problem_is_reported_with_its_text_and_an_empty_one_is_not(page, door):
    now = start(page, door)
    prefetched(page)
    page.keyboard.press("p")
    box = page.get_by_role("dialog", name="Report a problem")
    box.get_by_role("button", name="Send", exact=True).click()
    box.get_by_text("Say in a few words what is wrong.").wait_for()
    page.keyboard.type("The text is cut off, see line 1")
    box.get_by_role("button", name="Send", exact=True).click()
    page.get_by_text("Your report was sent").first.wait_for()
    assert now.reports == [("T0", "The text is cut off, see line 1")]
    assert not shown(page).get_by_role("radio").first.is_checked()  # the 1 was typed, not chosen


def test_enter_after_a_closed_dialog_is_the_hits_again(page, door):
    start(page, door, guide=GUIDE, size={"width": 390, "height": 844})
    prefetched(page)
    for key in "p", "?":
        page.keyboard.press(key)
        page.locator("dialog[open]").wait_for()
        page.keyboard.press("Escape")
    answer(page)
    sees(page, "Review number 1")


def test_a_problem_may_be_sent_and_the_hit_skipped(page, door):
    now = start(page, door)
    prefetched(page)
    page.get_by_role("button", name="Problem").click()
    page.keyboard.type("Not a review")
    page.get_by_role("button", name="Send and skip").click()
    sees(page, "Review number 1")
    until(page, lambda: now.returned == [0])


def test_single_keys_can_be_switched_off(page, door):
    now = start(page, door, shortcuts=False)
    prefetched(page)
    for key in "1sp?":
        page.keyboard.press(key)
    sees(page, "Review number 0")
    assert not shown(page).get_by_role("radio").first.is_checked()
    assert page.locator("dialog[open]").count() == 0
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    sees(page, "Review number 1")
    assert now.returned == []


def test_a_held_enter_key_does_not_run_through_the_hits(page, door):
    start(page, door)
    prefetched(page)
    page.keyboard.press("1")
    page.keyboard.down("Enter")
    page.keyboard.down("Enter")
    page.keyboard.down("Enter")
    sees(page, "Review number 1")
    assert shown(page).get_by_role("alert").count() == 0


def test_leaving_gives_back_what_was_never_seen_and_sends_the_held_answer(page, door):
    now = start(page, door)
    answer(page)
    prefetched(page)
    page.goto(f"{door.url}/work")
    until(page, lambda: now.left == ["T2"] and 0 in now.answers)


def test_stopping_gives_everything_back(page, door):
    now = start(page, door)
    prefetched(page)
    page.get_by_role("link", name="Stop working").click()
    page.get_by_role("heading", name="Home").wait_for()
    until(page, lambda: now.left == ["T0,T1"])


def test_stopping_waits_for_a_hit_that_was_asked_for_and_gives_it_back(page, door):
    hold = threading.Event()
    now = start(page, door, hold=hold)
    until(page, lambda: now.waiting)
    page.get_by_role("link", name="Stop working").click()
    until(page, lambda: now.left == ["T0"])
    hold.set()
    page.get_by_role("heading", name="Home").wait_for()
    until(page, lambda: now.left == ["T0", "T1"])


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


STOPWATCH = """() => {
  globalThis.swaps = [];
  let pressed = 0;
  addEventListener('keydown', (event) => { if (event.key === 'Enter') pressed = performance.now(); }, true);
  new MutationObserver(() => {
    if (!pressed || !document.querySelector('.hit-work:not([hidden])')) return;
    const from = pressed;
    pressed = 0;
    requestAnimationFrame(() => {
      const channel = new MessageChannel();
      channel.port1.onmessage = () => swaps.push(performance.now() - from);
      channel.port2.postMessage(0); // after the frame was painted
    });
  }).observe(document.querySelector('[data-stage]'), { attributes: true, subtree: true, attributeFilter: ['hidden'] });
}"""


def test_the_next_hit_is_on_screen_at_once_on_a_slow_network(page, door, capsys):
    hits = [choice(f"/digit/{no}.png", media="image", labels=ONE, question="Which digit is this?") for no in range(14)]
    now = start(page, door, hits=hits, delay=0.2)
    page.evaluate(STOPWATCH)
    for turn in range(12):
        answer(page, str(turn % 10))  # as soon as the next HIT waits behind this one
        page.wait_for_function("n => swaps.length > n", arg=turn)
    swaps = page.evaluate("swaps")
    assert len(swaps) == 12
    with capsys.disabled():
        sys.stdout.write(f"\nEnter to the next HIT painted, 200 ms door: median {statistics.median(swaps):.1f} ms, ")
        sys.stdout.write(f"most {max(swaps):.1f} ms\n")
    until(page, lambda: len(now.answers) >= 11)
    assert now.answers[3] == {"category": {"label": "3"}}


def test_the_worker_never_holds_more_than_three_hits(page, door):
    now = start(page, door, hits=texts(12))
    most = []
    for _ in range(8):
        answer(page)
        most.append(len(now.held()))
    assert max(most) <= 3
