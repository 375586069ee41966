"""Accounts and the admin's pages in a real browser: by keyboard, on a phone, light and dark, under axe."""

import threading
from contextlib import contextmanager

import pytest
from axe_playwright_python.sync_playwright import Axe
from werkzeug.serving import WSGIRequestHandler, make_server

from broker.services import claim, judge, settle, submit
from broker.store import errands
from broker.store.errands import ErrandState
from broker.wiring import utc_now
from tests.doors.visiting import PASSWORD, Site, publish_job, trust

pytestmark = pytest.mark.browser
NEW = "another good password"
SECRET = b"a secret of the tests, of 32 bytes"
WIDTHS = {"desktop": 1280, "phone": 390}
VISITORS = ["/", "/login", "/signup", "/nowhere"]
CROWD = [
    ("Ines Okafor", 0.97, 0.94, 0.99, 58, 60, 1412),
    ("Marek Dvořák", 0.93, 0.89, 0.96, 51, 55, 1190),
    ("Yuki Tanaka", 0.88, 0.82, 0.93, 47, 53, 970),
    ("Samuel Adeyemi", 0.71, 0.62, 0.79, 30, 41, 655),
    ("Lena Fischer", 0.55, 0.41, 0.68, 9, 17, 240),
    ("Random Clicker", 0.12, 0.06, 0.2, 5, 44, 812),
]


@pytest.fixture(scope="module")
def house(sqlite_template, tmp_path_factory):
    """An installation with a crowd, a job that was worked on and an errand that failed, served from a thread."""
    folder = tmp_path_factory.mktemp("house")
    database = folder / "broker.sqlite3"
    database.write_bytes(sqlite_template.read_bytes())
    site = Site(f"sqlite:///{database}", folder, now=utc_now)
    furnish(site)
    server = make_server("127.0.0.1", 0, site.app, threaded=True, request_handler=Silent)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    site.url = f"http://127.0.0.1:{server.port}"
    yield site
    server.shutdown()
    thread.join()
    server.server_close()
    site.store.close()


class Silent(WSGIRequestHandler):
    """A request handler that keeps no log."""

    def log(self, *_):
        """Say nothing."""


def furnish(site):
    now = site.clock()
    with site.store.write() as unit:
        site.enlist_in(unit, "ada", "admin")
        site.enlist_in(unit, "bob")
        eve = site.enlist_in(unit, "eve", "requester", credit=10**9)
        site.enlist_in(unit, "kim", "worker", "requester", credit=5 * 10**7)
        for place, (name, mean, low, high, right, seen, answers) in enumerate(CROWD):
            person = site.enlist_in(unit, f"w{place}")
            person.name = name
            values = {"mean": mean, "low": low, "high": high, "gold_right": right, "gold_seen": seen}
            unit.session.add(trust(person.id, answers=answers, median_seconds=2 + place / 2, **values))
            worker = person
    job_id = publish_job(site.store, eve, now, rows=30, golds=10, title="Tone of support messages")
    with site.store.write() as unit:
        unit.session.add(trust(worker.id, job_id, mean=0.12, low=0.06, high=0.2))
        for turn in range(8):
            offer = claim.claim(unit, job_id, worker.id, (), now, SECRET)
            label = "calm" if turn % 3 else "angry"
            submit.submit(unit, offer.assignment_id, worker.id, {"category": {"label": label}}, 1.2 + turn, now)
        judge.judge(unit, job_id, now)
        settle.settle(unit, job_id, now)
        errands.later(unit, "conclude", job_id + 1000, now, queue="elsewhere")
    with site.store.write() as unit:
        errand = errands.take(unit, "elsewhere", now)
    with site.store.write() as unit:
        message = "KeyError('category'): the answer of assignment 1204 holds no category"
        errands.finish(unit, errand.id, ErrandState.FAILED, message, now)
    site.worker = worker.public_id


@contextmanager
def visit(browser, house, who=None, width=1280, scheme="light"):
    """A page in a browser of its own, somebody logged in."""
    size = {"width": width, "height": 900}
    context = browser.new_context(viewport=size, color_scheme=scheme, base_url=house.url, has_touch=width < 700)
    context.set_default_timeout(30_000)
    page = context.new_page()
    faults = []
    page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    if who:
        log_in(page, f"{who}@example.org")
    yield page
    # A page that is not found is one of the pages looked at; everything else the browser complains of is a fault.
    assert [fault for fault in faults if "status of 4" not in fault] == []
    context.close()


def log_in(page, email, password=PASSWORD):
    page.goto("/login")
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password").fill(password)
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: not url.endswith("/login"))


def faults_of(page):
    """What axe finds wrong with the page."""
    found = Axe().run(page).response["violations"]
    return [(one["id"], [node["html"][:160] for node in one["nodes"][:3]]) for one in found]


def overflow(page):
    return page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")


@pytest.mark.parametrize(("width", "scheme"), [("desktop", "light"), ("phone", "dark")])
def test_what_visitors_see_is_accessible_and_fits_with_error_pages_too(browser, house, width, scheme):
    with visit(browser, house, None, WIDTHS[width], scheme) as page:
        for path in VISITORS:
            page.goto(path)
            assert faults_of(page) == [], path
            assert overflow(page) <= 0, path


def test_a_form_with_faults_leads_to_them(browser, house):
    with visit(browser, house) as page:
        page.goto("/signup")
        page.get_by_label("Name").fill("Ann")
        page.get_by_label("E-mail address").fill("eve@example.org")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign up").click()
        page.get_by_role("alert").wait_for()
        assert page.evaluate("document.activeElement.getAttribute('role')") == "alert"
        page.get_by_role("alert").get_by_role("link").click()
        assert page.evaluate("document.activeElement.id") == "email"
        assert faults_of(page) == []


def test_a_life_by_keyboard(browser, house):
    """Sign up, change the password, log out and in again without a mouse."""
    with visit(browser, house) as page:
        page.goto("/signup")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
        page.keyboard.press("Enter")
        for keys in ("", "", "Nia Keys", "nia@example.org", PASSWORD):
            page.keyboard.press("Tab")
            page.keyboard.type(keys)
        page.keyboard.press("Enter")
        page.wait_for_url("**/work")
        page.goto("/account")
        assert page.get_by_role("heading", level=1).inner_text().startswith("Nia Keys")
        page.get_by_label("Present password").focus()
        page.keyboard.type(PASSWORD)
        page.keyboard.press("Tab")
        page.keyboard.type(NEW)
        page.keyboard.press("Enter")
        page.get_by_text("Your password is changed.").wait_for()
        page.get_by_role("button", name="Account: Nia Keys").focus()
        page.keyboard.press("Enter")
        for _ in range(2):
            page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        page.get_by_text("You are logged out.").wait_for()
        log_in(page, "nia@example.org", NEW)


def test_an_admin_suspends_a_worker_who_then_reads_why(browser, house):
    with visit(browser, house, "ada") as admin, visit(browser, house, "bob", WIDTHS["phone"]) as bob:
        admin.goto("/admin/workers?q=bob")
        admin.get_by_role("link", name="Bob").click()
        admin.get_by_label("Reason").fill("Same answer to every question")
        admin.get_by_role("button", name="Suspend").click()
        admin.get_by_text("HITs they held went back").wait_for()
        assert admin.get_by_role("heading", name="Bob").inner_text().split() == ["Bob", "Suspended"]
        assert faults_of(admin) == []
        bob.goto("/account")
        bob.wait_for_url("**/login**")
        bob.get_by_label("E-mail address").fill("bob@example.org")
        bob.get_by_label("Password").fill(PASSWORD)
        bob.get_by_role("button", name="Log in").click()
        bob.get_by_text("Same answer to every question").wait_for()
        admin.get_by_label("Reason").fill("Talked to him")
        admin.get_by_role("button", name="Restore").click()
        admin.get_by_text("They can log in again").wait_for()


def test_workers_are_sorted_by_keyboard(browser, house):
    with visit(browser, house, "ada") as page:
        page.goto("/admin/workers")
        page.get_by_role("link", name="Answers").focus()
        page.keyboard.press("Enter")
        page.wait_for_url("**sort=answers**")
        assert page.locator("th[aria-sort]").inner_text().startswith("Answers")


def test_the_tab_key_meets_the_log_out_of_other_devices(browser, house):
    with visit(browser, house, "kim"), visit(browser, house, "kim") as page:
        page.goto("/account")
        page.get_by_role("button", name="Log out everywhere else").focus()
        page.keyboard.press("Enter")
        page.get_by_role("dialog").get_by_role("button", name="Log out everywhere else").press("Enter")
        page.get_by_text("session was ended").or_(page.get_by_text("sessions were ended")).wait_for()
