"""One real HIT of a kind after the other in Chromium: by mouse, by keys alone, and by touch at 390 pixels."""

import re
import time

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from broker.app import create_app
from broker.store.work import Assignment
from tests.browser.door import serving
from tests.browser.kinds import JOBS, Hand
from tests.conftest import migrated
from tests.doors.requester import Visitor, broker_on

pytestmark = pytest.mark.browser
PHONE = {"viewport": {"width": 390, "height": 800}, "has_touch": True, "is_mobile": True, "color_scheme": "dark"}
READY = """() => {
  const hit = document.querySelector(".hit-work:not([hidden])");
  return hit && ![...hit.querySelectorAll(":not(:defined)")].some((one) => /^(crowd|broker)-/u.test(one.localName));
}"""
DESKTOP = {"viewport": {"width": 1280, "height": 900}}


@pytest.fixture(scope="module")
def site(browser, tmp_path_factory):
    """An installation with an open job of every kind, its requester, and three workers by how they work."""
    folder = tmp_path_factory.mktemp("kinds")
    broker = broker_on(migrated(f"sqlite:///{folder / 'broker.sqlite3'}"), folder, throttle=False)
    ann = Visitor(broker, "requester", credit=1_000_000_000)
    ann.jobs = {job.offer: opened(browser, ann, job) for job in JOBS}
    ann.workers = {how: Visitor(broker, "worker", "requester") for how in ("mouse", "keys", "touch")}
    with serving(create_app(broker)) as ann.url:
        yield ann
    broker.store.close()


def opened(browser, ann, job):
    path = ann.job(job.offer)
    for step, fields in (
        ("task", described(browser, ann, path, job)),
        ("quality", {"redundancy": "3", "gold": "none", "gold_percent": "0"}),
        ("pay", {"reward": "0.02", "lease_minutes": "30"}),
        ("check", {}),
    ):
        answer = ann.post(f"{path}/{step}", **fields)
        assert answer.status_code == 303, answer.text
    return path.removeprefix("/jobs/")


def described(browser, ann, path, job):
    """Upload the job's data to this draft; what is typed into its task step."""
    ann.upload(path, *(job.data(browser) if callable(job.data) else job.data))
    return {"title": job.offer, "offer": job.offer, "field": "text", "question": "What is it?", **job.fields}


def clean(page):
    """What axe has to say; frames without an origin are looked at in test_pages.py."""
    found = Axe().run(page, options={"iframes": False}).response["violations"]
    return [(one["id"], one["nodes"][0]["html"][:200]) for one in found]


@pytest.mark.parametrize("job", JOBS, ids=[job.offer for job in JOBS])
def test_the_settings_of_a_kind_are_a_sound_page(browser, site, job):
    path = site.job(f"More {job.offer}")
    assert site.post(f"{path}/task", **described(browser, site, path, job)).status_code == 303
    context = browser.new_context(**PHONE, reduced_motion="reduce")
    context.add_cookies([{"name": "broker", "value": site.client.get_cookie("broker").value, "url": site.url}])
    page = context.new_page()
    page.goto(f"{site.url}{path}/task")
    assert clean(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    context.close()


@pytest.mark.parametrize("how", ["mouse", "keys", "touch"])
@pytest.mark.parametrize("job", JOBS, ids=[job.offer for job in JOBS])
def test_a_person_answers_a_hit(browser, site, job, how):
    worker = site.workers[how]
    context = browser.new_context(**(PHONE if how == "touch" else DESKTOP))
    context.set_default_timeout(15_000)
    context.add_cookies([{"name": "broker", "value": worker.client.get_cookie("broker").value, "url": site.url}])
    page, errors = context.new_page(), []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(f"{site.url}/work/{site.jobs[job.offer]}")
    page.wait_for_function(READY)
    if how != "keys":
        assert clean(page) == []
    answered(page, job, how)
    expect(page.get_by_text("All done for now")).to_be_visible()
    page.locator("[data-act=stop]").click()  # who stops cannot undo any more: the answer is sent at once
    page.wait_for_url("**/work")
    answer = kept(site, worker, job)
    context.close()
    assert errors == []
    assert re.search(r'"(label|text|choice|rating|startOffset|labels|Tone|tag|ranking)"', str(answer).replace("'", '"'))


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
