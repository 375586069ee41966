"""One real HIT of a kind after the other in Chromium: by mouse, by keys alone, and by touch at 390 pixels."""

import re
import time

import pytest
from playwright.sync_api import expect

from broker import wiring
from broker.store.work import Assignment
from tests.browser.kinds import JOBS, Hand
from tests.doors.requester import Visitor
from tests.servers.installation import served

pytestmark = pytest.mark.browser
PHONE = {"viewport": {"width": 390, "height": 800}, "has_touch": True, "is_mobile": True}
READY = """() => {
  const hit = document.querySelector(".hit-work:not([hidden])");
  return hit && ![...hit.querySelectorAll(":not(:defined)")].some((one) => /^(crowd|broker)-/u.test(one.localName));
}"""
DESKTOP = {"viewport": {"width": 1280, "height": 900}}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """An installation with an open job of every kind, its requester, and three workers by how they work."""
    with served(tmp_path_factory.mktemp("served"), web_processes=1, web_threads=4) as installation:
        broker = wiring.build(installation.settings)
        ann = Visitor(broker, "requester", credit=1_000_000_000)
        ann.url = installation.url
        ann.jobs = {job.offer: opened(ann, job) for job in JOBS}
        ann.workers = {how: Visitor(broker, "worker", "requester") for how in ("mouse", "keys", "touch")}
        yield ann
        broker.store.close()


def opened(ann, job):
    path = ann.job(job.offer)
    ann.upload(path, *job.data, drain=False)
    deadline = time.monotonic() + 30
    while ann.state(path)["state"] in {"waiting", "reading"} and time.monotonic() < deadline:
        continue  # the installation's own workers import it
    task = {"title": job.offer, "offer": job.offer, "field": "text", "question": "What is it?", **job.fields}
    for step, fields in (
        ("task", task),
        ("quality", {"redundancy": "3", "gold": "none", "gold_percent": "0"}),
        ("pay", {"reward": "0.02", "lease_minutes": "30"}),
        ("check", {}),
    ):
        answer = ann.post(f"{path}/{step}", **fields)
        assert answer.status_code == 303, answer.text
    return path.removeprefix("/jobs/")


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
    answered(page, job, how)
    expect(page.get_by_text("All done for now")).to_be_visible()
    page.locator("[data-act=stop]").click()  # who stops cannot undo any more: the answer is sent at once
    page.wait_for_url("**/work")
    answer = kept(site, worker, job)
    context.close()
    assert errors == []
    assert re.search(r'"(label|text|choice|rating|startOffset|labels|Tone)"', str(answer).replace("'", '"'))


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
        if page.evaluate("document.activeElement.matches('textarea, input')"):
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
