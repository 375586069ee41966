"""A hostile page in its frame gets nothing and reaches nobody; without the defences, the same page does."""

import re
from urllib.parse import parse_qs

import pytest

from broker.store.db import Store
from broker.web import frames
from broker.wiring import utc_now
from tests.browser import hostile
from tests.browser.door import serving
from tests.browser.requesters import Site
from tests.doors.conftest import Hands
from tests.doors.paged import html, paged_job

pytestmark = pytest.mark.browser
OPEN = "default-src * 'unsafe-inline' 'unsafe-eval' data: blob:"


@pytest.fixture
def world(sqlite_database, tmp_path):
    """A served installation that notes who asked it for what, and a listener on another host."""
    store = Store(sqlite_database)
    hands = Hands(store, tmp_path, time=utc_now())
    hands.rita, hands.ada = hands.person("rita", "requester"), hands.person("ada")
    hands.reached = []

    # Before the express lane and all else.
    def noted(environ, start_response):
        hands.reached.extend(parse_qs(environ["QUERY_STRING"]).get("by", []))
        return hands.app(environ, start_response)

    with serving(noted) as url, Site() as evil:
        hands.url, hands.evil = url, evil
        yield hands
    store.close()


def leaked(world):
    """The names of what reached the listener."""
    return {path.strip("/").split("/")[0] for path, _ in world.evil.seen}


def victim(page, world, person):
    """A browser that has something to lose."""
    page.context.add_cookies(
        [{**world.cookie(person), "url": world.url}, {"name": "crumb", "value": "1", "url": world.url}]
    )
    page.add_init_script(
        "if (self === top) { new BroadcastChannel('victim').postMessage('hello'); setInterval(() => new BroadcastChannel('victim').postMessage('hello'), 50); }"
    )
    page.on("dialog", lambda dialog: dialog.accept("secret"))


def tried(page, world, without=()):
    """What the hostile page got, once it has tried everything."""
    victim(page, world, world.ada)
    job = paged_job(world, world.rita, [html(hostile.page(world.evil.url, without))])
    page.goto(f"{world.url}/work/{job}")
    untouched(page, "document.querySelector('broker-page iframe')?.offsetHeight > 2900")  # its last act
    [framed] = [one for one in page.frames if "/frame/turn/" in one.url]
    return framed.evaluate("got")


def untouched(page, condition):
    """Wait without what Playwright's own waiting does: it counts as somebody's touching the page."""
    wait = f"new Promise((done) => {{ const look = () => {condition} ? done(true) : setTimeout(look, 50); look(); }})"
    asked = {"expression": wait, "awaitPromise": True, "returnByValue": True, "userGesture": False}
    assert page.context.new_cdp_session(page).send("Runtime.evaluate", asked)["result"]["value"]


def unlocked(page):
    """Take the sandbox off the frame's element, as if nobody had thought of it."""

    def bare(route):
        answer = route.fetch()
        route.fulfill(
            response=answer, body=re.sub(r'this\.#frame\.setAttribute\("sandbox", SANDBOX\);', "", answer.text())
        )

    page.route("**/js/elements/page.js", bare)


def test_a_hostile_page_gets_nothing_and_reaches_nobody(page, world):
    assert tried(page, world) == {}
    assert leaked(world) == set()
    assert world.reached == []
    assert page.url.startswith(f"{world.url}/work/")
    assert len(page.context.pages) == 1
    assert "There is no HIT left" not in page.locator("main").inner_text()


def test_without_any_defence_the_same_page_gets_nearly_everything(page, world, monkeypatch):
    monkeypatch.setattr(frames, "sandbox", lambda: OPEN)
    monkeypatch.setattr(frames, "own", lambda path: "*")
    unlocked(page)
    got = tried(page, world, without=("top-navigation", "parent-navigation"))  # they would end the test
    assert {"cookie", "local-storage", "parent-document", "parent-token", "fetch-broker"} <= set(got)
    assert {"xhr-broker", "frame-broker", "broadcast", "origin", "indexed-db", "dialog"} <= set(got)
    assert "Your earnings" in got["frame-broker"]
    assert {"fetch", "image", "beacon", "script", "style", "frame", "video"} <= leaked(world)
    assert {"fetch-broker", "post-broker", "image-broker"} <= set(world.reached)
    assert len((set(got) | leaked(world) | set(world.reached)) & set(hostile.ATTACKS)) > 45, "of some 60"


def test_without_the_header_the_page_gets_nothing_of_ours_but_tells_others_what_it_knows(page, world, monkeypatch):
    monkeypatch.setattr(frames, "sandbox", lambda: OPEN)
    got = tried(page, world)
    assert not {"cookie", "local-storage", "parent-document", "parent-token", "frame-broker"} & set(got)
    assert {"fetch", "image", "beacon", "script", "style"} <= leaked(world)


def test_without_the_element_s_sandbox_the_header_holds_alone(page, world):
    unlocked(page)
    assert tried(page, world) == {}
    assert leaked(world) == set()
    assert world.reached == []


def leaving(page, world, names):
    """Let each trick try to leave its frame; where the frames are afterwards."""
    victim(page, world, world.rita)
    job = paged_job(world, world.rita, [html(hostile.trick(world.evil.url, name)) for name in names])
    for row, _ in enumerate(names, 1):
        page.goto(f"{world.url}/jobs/{job}/preview?row={row}")
        page.locator("broker-page iframe").wait_for()
        page.wait_for_load_state("networkidle")
        assert page.url.startswith(f"{world.url}/jobs/")
        assert len(page.context.pages) == 1


def test_no_trick_takes_a_frame_or_what_it_knows_elsewhere(page, world):
    leaving(page, world, list(hostile.TRICKS))
    assert leaked(world) == set()
    assert world.reached == []


def test_without_the_policy_of_the_page_around_tricks_do(page, world, monkeypatch):
    monkeypatch.setattr(frames, "own", lambda path: "*" if path == "/frame/" else f"127.0.0.1:*{path}")
    leaving(page, world, ["location", "replace", "meta", "self", "assign-broker"])
    assert {"location", "replace", "meta", "self"} <= leaked(world)
    assert world.reached == ["assign-broker"]


def test_a_page_that_has_gone_elsewhere_can_be_fetched_back(page, world):
    victim(page, world, world.ada)
    job = paged_job(
        world, world.rita, [html("<form><button type=button onclick=\"location = 'about:blank'\">go</button></form>")]
    )
    page.goto(f"{world.url}/work/{job}")
    inside = page.frame_locator("broker-page iframe")
    inside.get_by_role("button", name="go").click()
    page.get_by_role("button", name="Load it again").click()
    inside.get_by_role("button", name="go").wait_for()


def test_an_endless_loop_in_a_frame_leaves_the_page_around_alive(page, world):
    victim(page, world, world.ada)
    job = paged_job(
        world,
        world.rita,
        [html("<form></form><script>addEventListener('load', () => setTimeout(() => { for (;;); }, 100))</script>")],
    )
    page.goto(f"{world.url}/work/{job}")
    page.locator("broker-page iframe").wait_for()
    page.get_by_role("button", name="Problem").click()
    page.get_by_label("What is wrong with this HIT?").fill("It hangs.")
    page.get_by_role("button", name="Send and skip").click()
    page.get_by_text("Your report was sent to the requester. Thank you.").first.wait_for()
