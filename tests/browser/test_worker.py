"""The worker's pages in a real Chromium: empty pages, the keyboard, and the work itself from start to end."""

import datetime as dt
import random

import pytest
import sqlalchemy as sa
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import TimeoutError as GaveUp
from playwright.sync_api import expect

from broker.services import judge, settle
from broker.store.db import Store
from broker.store.work import Assignment, Hit
from broker.wiring import installation_secret, utc_now
from tests.doors.conftest import Hands
from tests.servers.installation import served
from tests.servers.processes import soon

pytestmark = pytest.mark.browser

MESSAGES = [
    "My order arrived two days early and the packaging was lovely. Thank you!",
    "I have been waiting for three weeks and nobody answers my e-mails.",
    "Please send the invoice to our accounting department.",
    "The left shoe is a 42 and the right one a 43. Twice now.",
    "Could you tell me whether the lamp is also sold in green?",
    "This is the best kettle I ever owned.",
]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A running installation, with hands on its database."""
    with served(tmp_path_factory.mktemp("site"), web_processes=1) as running:
        store = Store(running.settings.database)
        yield running, Hands(store, running.settings.data, installation_secret(running.settings), utc_now())
        store.close()


@pytest.fixture(scope="module")
def walt(site):
    """A worker who has a past: jobs answered over some weeks, most of it paid, and jobs still open."""
    _, hands = site
    rita, walt = hands.person("rita", "requester"), hands.person("walt")
    long = (
        "Say how the writer of each message feels. Read all of it: the last sentence often turns the first one around."
    )
    jobs = [
        hands.job(rita, MESSAGES * 20, title="Tone of customer messages", description=long, redundancy=3),
        hands.job(
            rita, MESSAGES * 9, title="Tone of reviews that name a product", reward=1_500, description="Short ones."
        ),
        hands.job(rita, MESSAGES, title="Feedback-Nachrichten-Stimmungsbestimmungsaufgabe", reward=120_000),
    ]
    dice, now = random.Random(7), hands.time
    pages = [hands.page(walt, job) for job in jobs[:2]]
    for day in range(26, -1, -2):
        hands.time = now - dt.timedelta(days=day, minutes=5)
        for page in pages[: 1 if day % 3 else 2]:
            for _ in range(dice.randrange(1, 4)):
                if turn := page.claim().json["assignment"]:
                    page.submit(turn, seconds=dice.uniform(3, 14), claim=False)
            with hands.store.write() as unit:
                judge.judge(unit, hands.row("J", page.job), hands.time)
                settle.settle(unit, hands.row("J", page.job), hands.time)
    hands.time = now
    page = pages[0]
    page.submit(page.claim().json["assignment"], seconds=5, claim=False)
    page.claim()
    return walt, jobs


@pytest.fixture
def opened(site, browser):
    """Opens a page of the site as somebody, in a window of some width and colour scheme."""
    running, hands = site
    contexts = []

    def go(person, path, width=1280, scheme="light"):
        size = {"width": width, "height": 800}
        context = browser.new_context(viewport=size, color_scheme=scheme, base_url=running.url, reduced_motion="reduce")
        context.set_default_timeout(30_000)
        contexts.append(context)
        context.add_cookies([hands.cookie(person) | {"url": running.url}])
        page = context.new_page()
        page.goto(path)
        return page

    yield go
    for context in contexts:
        context.close()


def flaws(page):
    """What axe has to say, and whether the page is wider than its window."""
    found = [f"{one['id']}: {one['nodes'][0]['html']}" for one in Axe().run(page).response["violations"]]
    wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    return found + ([f"{wide} px wider than the window"] if wide > 0 else [])


@pytest.mark.parametrize("path", ["/work", "/work/history", "/work/earnings"])
def test_a_newcomers_empty_pages_are_clean_too(site, opened, path):
    _, hands = site
    someone = hands.person(f"new{path.rpartition('/')[2]}")
    page = opened(someone, path, width=390)
    assert flaws(page) == []


def test_the_keyboard_reaches_every_job_of_the_home_page(opened, walt):
    person, jobs = walt
    page = opened(person, "/work")
    reached = []
    for _ in range(40):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.getAttribute('href') ?? ''"))
    for job in jobs:
        assert f"/work/{job}" in reached
        assert f"/work/{job}/preview" in reached


# ---- The whole walk ----

LABELS = ["calm", "angry", "glad"]
QUESTIONS = [f"Message number {number}." for number in range(9)]


def on_screen(page):
    return page.locator(".hit-work:not([hidden])")


def sees(page, words):
    on_screen(page).get_by_text(words, exact=True).wait_for()


def prefetched(page):
    """The next HIT waits behind the one on screen: nothing is being claimed."""
    page.locator(".hit-work[hidden]:not([data-held])").first.wait_for(state="attached")


def answer(page, label):
    """Choose a label by its digit and submit; what the HIT said."""
    words = on_screen(page).locator("classification-target").inner_text()
    prefetched(page)
    # What is typed before anything was painted, browsers drop.
    page.wait_for_function("performance.getEntriesByName('first-contentful-paint').length > 0")
    page.keyboard.press(str(LABELS.index(label) + 1))
    expect(on_screen(page).get_by_role("radio", name=label)).to_be_checked()
    page.keyboard.press("Enter")
    try:
        on_screen(page).get_by_text(words, exact=True).wait_for(state="detached")
    except GaveUp as error:
        error.add_note(page.inner_text("body"))
        raise
    return words


def turns(hands, worker):
    with hands.store.read() as unit:
        query = sa.select(Assignment.state, Assignment.answer, Assignment.seconds, Hit.payload)
        mine = query.join(Hit, Hit.id == Assignment.hit_id).where(Assignment.worker_id == worker.id)
        return unit.session.execute(mine.order_by(Assignment.id)).all()


def test_a_worker_answers_undoes_reloads_and_leaves_and_exactly_their_answers_are_kept(site, opened):
    _, hands = site
    wanda = hands.person("wanda")
    hands.job(hands.person("rosa", "requester"), QUESTIONS, title="Nine messages", redundancy=1)
    page = opened(wanda, "/work")
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: message.type == "error" and errors.append(message.text))
    page.locator("li", has=page.get_by_role("heading", name="Nine messages")).get_by_role("link", name="Start").click()
    given = {answer(page, label): label for label in ("calm", "angry", "glad")}
    page.keyboard.press("z")
    sees(page, QUESTIONS[2])
    given[answer(page, "calm")] = "calm"
    prefetched(page)
    before = on_screen(page).inner_text()
    page.reload()
    on_screen(page).wait_for()
    assert on_screen(page).inner_text() == before
    given |= {answer(page, label): label for label in ("angry", "glad", "calm")}
    prefetched(page)
    page.get_by_role("link", name="Stop working").click()
    page.wait_for_url("**/work")
    soon(lambda: not [one for one in turns(hands, wanda) if one.state == "accepted"])
    kept = [one for one in turns(hands, wanda) if one.state in ("submitted", "approved")]
    assert {one.payload["text"]: one.answer["category"]["label"] for one in kept} == given
    assert list(given.values()) == ["calm", "angry", "calm", "angry", "glad", "calm"]
    assert (len(kept), all(0 < one.seconds < 60 for one in kept), errors) == (6, True, [])
    page.reload()
    page.get_by_text("you gave 6 answers").wait_for()


def test_a_preview_leases_nothing_and_leads_to_the_work(site, opened):
    _, hands = site
    vera = hands.person("vera")
    job = hands.job(hands.person("ruth", "requester"), QUESTIONS, title="Look first")
    page = opened(vera, f"/work/{job}/preview")
    sees(page, QUESTIONS[0])
    page.keyboard.press("1")
    page.keyboard.press("Enter")
    assert turns(hands, vera) == []
    page.get_by_role("link", name="Accept and start").click()
    sees(page, QUESTIONS[0])
    soon(lambda: turns(hands, vera))
