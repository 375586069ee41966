"""The HIT page against a scripted door: next HIT at once, undo, nothing lost offline, time, and every way it ends."""

import pytest
from playwright.sync_api import expect

from tests.browser.hitting import answer, prefetched, sees, shown, start, texts, until

pytestmark = pytest.mark.browser


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
