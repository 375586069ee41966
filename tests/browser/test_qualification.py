"""The test of a qualification in a real Chromium: taken by keys alone, refused with a way back, read aloud by axe."""

import threading

import pytest
from axe_playwright_python.sync_playwright import Axe
from werkzeug.serving import make_server

from broker.formats import plain_test
from broker.services import qualify
from broker.store import qualifications
from broker.store.db import Store
from broker.wiring import utc_now
from tests.browser.door import Quiet
from tests.doors.conftest import Hands

pytestmark = pytest.mark.browser
TEST = (
    "Which of these is a corvid?\n* Jay\n- Wren\n\nWhich of these fly?\n* Jay\n* Wren\n- Emu\n\nWhere did you learn it?"
)


@pytest.fixture
def hands(sqlite_database, tmp_path):
    store = Store(sqlite_database)
    made = Hands(store, tmp_path, time=utc_now())
    server = make_server("127.0.0.1", 0, made.app, threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    made.url = f"http://127.0.0.1:{server.port}"
    yield made
    server.shutdown()
    thread.join()
    server.server_close()
    store.close()


@pytest.fixture
def birds(hands):
    """A type with a test; its public id."""
    questions = plain_test.read(TEST)
    test = {"test": plain_test.form(questions), "answer_key": plain_test.key(questions), "test_seconds": 600}
    owner = hands.person("ada", "requester").id
    with hands.store.write() as unit:
        made = qualify.make(unit, owner, "Birds", qualify.Kept("Knows birds", **test), hands.time)
    return hands.name("Q", made.id)


def axe(page):
    return [one["id"] for one in Axe().run(page).response["violations"]]


def test_a_worker_takes_the_test_by_keys_alone(page, hands, birds):
    bob, errors = hands.person("bob", "worker"), []
    page.on("console", lambda one: errors.append(one.text) if one.type == "error" and "422" not in one.text else None)
    page.context.add_cookies([hands.cookie(bob) | {"url": hands.url}])
    page.goto(f"{hands.url}/work/qualifications/{birds}")
    page.get_by_role("button", name="Begin the test").press("Enter")
    page.wait_for_url("**/test")
    assert axe(page) == []
    page.get_by_role("button", name="Hand in").press("Enter")
    page.get_by_role("heading", name="There are 3 problems").wait_for()
    assert axe(page) == []
    page.get_by_role("alert").get_by_role("link").first.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    for _ in range(2):
        page.keyboard.press("Tab")
        page.keyboard.press("Space")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.type("In the garden")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.get_by_text("Your test is scored: 100.").wait_for()
    with hands.store.read() as unit:
        assert qualifications.values(unit, bob.id, [hands.row("Q", birds)]) == {hands.row("Q", birds): 100}
    assert errors == []
