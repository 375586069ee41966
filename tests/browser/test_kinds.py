"""One real HIT of a kind after the other in Chromium: by mouse, by keys alone, and by touch at 390 pixels."""

import re
import time

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from broker.store.work import Assignment
from tests.browser.kinds import JOBS, Hand
from tests.browser.kinds_site import cookie, described, every_kind, hit

pytestmark = pytest.mark.browser
HOWS = ("mouse", "keys", "touch")
PHONE = {"viewport": {"width": 390, "height": 800}, "has_touch": True, "is_mobile": True, "color_scheme": "dark"}
DESKTOP = {"viewport": {"width": 1280, "height": 900}}


@pytest.fixture(scope="module")
def site(browser, tmp_path_factory):
    """The installation; its workers are named by how they work."""
    with every_kind(browser, tmp_path_factory.mktemp("kinds"), HOWS) as made:
        yield made


def clean(page):
    """What axe has to say; frames without an origin are looked at in test_pages.py."""
    found = Axe().run(page, options={"iframes": False}).response["violations"]
    return [(one["id"], one["nodes"][0]["html"][:200]) for one in found]


@pytest.mark.parametrize("job", JOBS, ids=[job.offer for job in JOBS])
def test_the_settings_of_a_kind_are_a_sound_page(browser, site, job):
    path = site.job(f"More {job.offer}")
    assert site.post(f"{path}/task", **described(browser, site, path, job)).status_code == 303
    context = browser.new_context(**PHONE, reduced_motion="reduce")
    context.add_cookies([cookie(site, site)])
    page = context.new_page()
    page.goto(f"{site.url}{path}/task")
    assert clean(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    context.close()


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("job", JOBS, ids=[job.offer for job in JOBS])
def test_a_person_answers_a_hit(browser, site, job, how):
    context, errors = browser.new_context(**(PHONE if how == "touch" else DESKTOP)), []
    context.on("weberror", lambda error: errors.append(str(error.error)))
    page = hit(context, site, site.workers[how], job)
    if how != "keys":
        assert clean(page) == []
    answered(page, job, how)
    expect(page.get_by_text("All done for now")).to_be_visible()
    page.locator("[data-act=stop]").click()  # who stops cannot undo any more: the answer is sent at once
    page.wait_for_url("**/work")
    answer = kept(site, site.workers[how], job)
    context.close()
    assert errors == []
    known = r'"(label|text|choice|rating|startOffset|labels|Tone|tag|ranking)"'
    assert re.search(known, str(answer).replace("'", '"'))


def kept(site, worker, job):
    """The worker's only answer to the job's HIT, as soon as the database has it."""
    mine = {"worker_id": worker.person.id, "job_id": site.broker.names("J").read(site.jobs[job.offer])}
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with site.broker.store.read() as unit:
            answers = [one.answer for one in unit.session.query(Assignment).filter_by(**mine) if one.answer]
        if answers:
            break
        time.sleep(0.05)
    [answer] = answers
    return answer


def answered(page, job, how):
    """Answer and submit."""
    if how == "keys":
        job.keys(page)
        if page.evaluate("document.activeElement.matches('textarea, input, button')"):
            page.locator(".hit-foot [data-act=submit]").focus()
        page.keyboard.press("Enter")
        return
    job.point(Hand(page, finger=how == "touch"))
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    submit = page.locator(".hit-foot [data-act=submit]")
    if how == "touch":
        submit.tap()
    else:
        submit.click()
