"""A served installation with an open job of every kind."""

from contextlib import contextmanager

from broker.app import create_app
from tests.browser.door import serving
from tests.browser.kinds import JOBS
from tests.conftest import migrated
from tests.doors.requester import Visitor, broker_on

READY = """() => {
  const hit = document.querySelector(".hit-work:not([hidden])");
  return hit && ![...hit.querySelectorAll(":not(:defined)")].some((one) => /^(crowd|broker)-/u.test(one.localName));
}"""


@contextmanager
def every_kind(browser, folder, workers):
    """The requester, with `url`, the `jobs` by their offers, and workers of these names."""
    broker = broker_on(migrated(f"sqlite:///{folder / 'broker.sqlite3'}"), folder, throttle=False)
    ann = Visitor(broker, "requester", credit=1_000_000_000)
    ann.jobs = {job.offer: opened(browser, ann, job) for job in JOBS}
    ann.workers = {name: Visitor(broker, "worker", "requester") for name in workers}
    with serving(create_app(broker)) as ann.url:
        yield ann
    broker.store.close()


def opened(browser, ann, job):
    """The public id of the job, which is open."""
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


def hit(context, ann, worker, job):
    """The worker's HIT of this job, whose elements are ready."""
    context.set_default_timeout(30_000)
    context.add_cookies([cookie(ann, worker)])
    page = context.new_page()
    page.goto(f"{ann.url}/work/{ann.jobs[job.offer]}")
    page.wait_for_function(READY)
    return page


def cookie(ann, visitor):
    """The cookie of the browser in which this visitor is logged in."""
    return {"name": "broker", "value": visitor.client.get_cookie("broker").value, "url": ann.url}
