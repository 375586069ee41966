"""The HIT page's turns besides answering: skip, the end of the work, time, problems, leaving."""

import threading

import pytest

from tests.browser.door import GUIDE
from tests.browser.hitting import answer, prefetched, sees, shown, start, texts, until

pytestmark = pytest.mark.browser


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
