"""Pages of others in a real Chromium: sites, old HTMLQuestions, crowd elements and QuestionForms, done by a worker."""

import json

import pytest
import sqlalchemy as sa
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from broker.store.db import Store
from broker.store.work import Assignment
from broker.wiring import utc_now
from tests.browser.door import serving
from tests.browser.requesters import Site
from tests.doors.conftest import Hands
from tests.doors.paged import external, form, html, paged_job
from tests.formats.questionforms import form as question_form
from tests.formats.questionforms import free_text, question, selection

pytestmark = pytest.mark.browser
HTML = """<script src="https://assets.crowd.aws/crowd-html-elements.js"></script>
<crowd-form answer-format="flatten-objects">
  <crowd-classifier name="tone" categories="['calm', 'angry']" header="What is the tone?">
    <classification-target>%s</classification-target>
  </crowd-classifier>
  <crowd-input name="why" label="Why?"></crowd-input>
</crowd-form>"""
OLD = """<html><head><script type="text/javascript" src="https://s3.amazonaws.com/mturk-public/externalHIT_v1.js"></script>
</head><body><form name="mturk_form" method="post" id="mturk_form" action="https://www.mturk.com/mturk/externalSubmit">
<input type="hidden" value="" name="assignmentId" id="assignmentId">
<p>Message %s</p><label><input type="radio" name="tone" value="calm"> calm</label>
<label><input type="checkbox" name="has" value="thanks"> thanks</label>
<label><input type="checkbox" name="has" value="blame"> blame</label>
<textarea name="why" aria-label="Why"></textarea><input type="submit" id="submitButton" value="Submit"></form>
<script>turkSetAssignmentID()</script></body></html>"""


@pytest.fixture
def world(sqlite_database, tmp_path):
    """A served installation with a requester and a worker."""
    store = Store(sqlite_database)
    hands = Hands(store, tmp_path, time=utc_now())
    hands.broker.settings.__dict__["external_http"] = True
    hands.rita, hands.ada = hands.person("rita", "requester"), hands.person("ada")
    with serving(hands.app) as url:
        hands.url = url
        yield hands
    store.close()


@pytest.fixture
def work(page, world):
    """Publishes a job of pages and opens its HIT page as the worker; no script of ours may fail."""
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))

    def go(payloads, template="", **values):
        job = paged_job(world, world.rita, payloads, template, **values)
        page.context.add_cookies([{**world.cookie(world.ada), "url": world.url}])
        page.goto(f"{world.url}/work/{job}")
        return page

    yield go
    assert errors == []


def frame(page, number=0):
    """What stands in the frame of the HIT on screen."""
    return page.frame_locator(".hit-work:not([hidden]) broker-page iframe")


def entered(page):
    """Wait until keys go to the page in the frame: it gets the focus once it is loaded."""
    shown = page.locator(".hit-work:not([hidden]) broker-page iframe").element_handle().content_frame()
    shown.wait_for_function("document.readyState === 'complete' && document.hasFocus()")


def untouched(page, words):
    """Wait for a text without what Playwright's own waiting does: it counts as somebody's touching the page."""
    seen = f"document.body.innerText.includes({json.dumps(words)})"
    wait = f"new Promise((done) => {{ const look = () => {seen} ? done(true) : requestAnimationFrame(look); look(); }})"
    asked = {"expression": wait, "awaitPromise": True, "returnByValue": True, "userGesture": False}
    assert page.context.new_cdp_session(page).send("Runtime.evaluate", asked)["result"]["value"]


def answers(world):
    with world.store.read() as unit:
        rows = unit.session.execute(
            sa.select(Assignment.answer).where(Assignment.answer.is_not(None)).order_by(Assignment.id)
        )
        return [row.answer for row in rows]


def kept(page, world, count):
    """Wait until that many answers have reached the database."""
    page.wait_for_function(
        "() => !Object.keys(localStorage).some((key) => key.startsWith('crowd-broker:answer:'))", timeout=20_000
    )
    assert len(answers(world)) == count
    return answers(world)


def test_a_site_is_loaded_when_it_is_seen_answers_by_itself_and_the_next_hit_comes(work, world, page):
    with Site() as site:
        work([external(f"{site.url}/task?no={number}") for number in range(2)])
        inner = frame(page).frame_locator("iframe")
        inner.get_by_role("heading", name="Tone of a message").wait_for()
        [(path, given)] = site.seen
        assert (path, given["no"], given["workerId"]) == ("/task", "0", world.ada.public_id)
        assert (given["turkSubmitTo"], set(given)) == (
            world.url,
            {"no", "assignmentId", "hitId", "workerId", "turkSubmitTo"},
        )
        expect(page.get_by_role("button", name="Submit")).to_be_hidden()
        inner.get_by_label("Tone").select_option("angry")
        inner.get_by_role("button", name="Send it").click()
        page.wait_for_function("() => document.querySelector('[data-status]').textContent.includes('1 done now')")
        inner.get_by_role("heading", name="Tone of a message").wait_for()
        assert [given["no"] for _, given in site.seen if "no" in given] == ["0", "1"]
        inner.get_by_role("button", name="Send it").press("Enter")
        page.get_by_text("There is no HIT left for you in this job.").wait_for()
    assert answers(world) == [{"tone": "angry"}, {"tone": "calm"}]


def test_a_site_s_answer_that_came_another_way_is_noticed(work, world, page):
    with Site() as site:
        work([external(f"{site.url}/task")])
        frame(page).frame_locator("iframe").get_by_role("heading").wait_for()
        sent = {"assignmentId": site.seen[0][1]["assignmentId"], "tone": "sent by the site"}
        assert world.client().post("/mturk/externalSubmit", data=sent).status_code == 200
        page.get_by_text("There is no HIT left for you in this job.").wait_for()
    assert answers(world) == [{"tone": "sent by the site"}]


def test_an_html_question_with_crowd_elements_is_done_by_keyboard_alone(work, world, page):
    work([html(HTML % f"Message {number}") for number in range(2)])
    frame(page).get_by_text("Message 0").wait_for()
    frame(page).get_by_text("angry").wait_for()
    entered(page)
    page.keyboard.press("2")
    page.keyboard.press("Enter")
    frame(page).get_by_text("Message 1").wait_for()
    entered(page)
    page.keyboard.press("1")
    frame(page).get_by_label("Why?").fill("It says so.")
    page.get_by_role("button", name="Submit").click()
    page.get_by_text("There is no HIT left for you in this job.").wait_for()
    assert kept(page, world, 2) == [{"tone": {"label": "angry"}}, {"tone": {"label": "calm"}, "why": "It says so."}]


def test_an_answer_from_a_frame_can_be_undone_and_stands_as_it_was(work, world, page):
    work([html(HTML % f"Message {number}") for number in range(2)])
    frame(page).get_by_text("angry").click()
    page.get_by_role("button", name="Submit").click()
    frame(page).get_by_text("Message 1").wait_for()
    page.get_by_role("button", name="Undo").click()
    frame(page).get_by_text("Message 0").wait_for()
    expect(frame(page).get_by_role("radio", name="angry")).to_be_checked()
    assert answers(world) == []


def test_an_old_html_question_is_done_with_its_own_form(work, world, page):
    work([html(OLD % number) for number in range(3)])
    frame(page).get_by_text("Message 0").wait_for()
    frame(page).get_by_label("calm").check()
    frame(page).get_by_label("thanks").check()
    frame(page).get_by_label("blame").check()
    frame(page).get_by_role("button", name="Submit").click()
    frame(page).get_by_text("Message 1").wait_for()
    frame(page).get_by_label("thanks").check()
    frame(page).get_by_label("Why").fill("It says so.")
    page.locator(".hit-foot").get_by_role("button", name="Submit").click()
    frame(page).get_by_text("Message 2").wait_for()
    frame(page).get_by_label("calm").focus()
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    page.get_by_text("There is no HIT left for you in this job.").wait_for()
    assert kept(page, world, 3) == [
        {"tone": "calm", "has": ["thanks", "blame"], "why": ""},
        {"has": ["thanks"], "why": "It says so."},
        {"tone": "calm", "why": ""},
    ]


def test_a_preview_says_that_it_cannot_be_submitted(world, page):
    job = paged_job(world, world.rita, [html(OLD % 0)])
    page.context.add_cookies([{**world.cookie(world.ada), "url": world.url}])
    page.goto(f"{world.url}/work/{job}/preview")
    button = frame(page).locator("#submitButton")
    expect(button).to_be_disabled()
    expect(button).to_have_value("You must ACCEPT the HIT before you can submit the results.")


FORM = question_form(
    "<Overview><Title>About you</Title>"
    "<FormattedContent><![CDATA[<p>Be <b>exact</b>.</p>]]></FormattedContent></Overview>",
    question("age", free_text('<IsNumeric minValue="18" maxValue="120"/>')),
    question(
        "code",
        free_text('<AnswerFormatRegex regex="^[A-Z]{3}$" errorText="Three capitals, please."/>'),
        required="false",
    ),
    question("one", selection(["tea", "coffee"], "radiobutton")),
    question("some", selection(["bus", "tram", "bike"], "checkbox", 1, 2)),
    question("drop", selection(["red", "blue"], "dropdown")),
    question("list", selection(["north", "south"], "list"), required="false"),
    question("many", selection(["a", "b", "c"], "multichooser", 1, 3), required="false"),
    question("own", selection(["cash"], "radiobutton", other="<OtherSelection/>")),
)


def test_a_question_form_of_every_sort_is_filled_in_and_says_what_is_wrong(work, world, page):
    work([form(FORM)])
    inside = frame(page)
    inside.get_by_label("Age").fill("12")
    page.get_by_role("button", name="Submit").click()
    expect(inside.locator("#question-2-error")).to_have_text("Write a number of at least 18.")
    expect(inside.locator("#question-4-error")).to_have_text("This question must be answered.")
    place = inside.get_by_label("A bus").bounding_box()
    inside.get_by_label("Age").fill("41")
    expect(inside.locator("#question-2-error")).to_be_empty()
    assert inside.get_by_label("A bus").bounding_box() == place
    inside.get_by_label("Code").fill("ab")
    inside.get_by_label("A tea").check()
    for name in ("A bus", "A tram", "A bike"):
        inside.get_by_label(name).check()
    page.get_by_role("button", name="Submit").click()
    expect(inside.locator("#question-3-error")).to_have_text("Three capitals, please.")
    expect(inside.locator("#question-5-error")).to_have_text("Choose at most 2.")
    inside.get_by_label("Code").fill("ABC")
    inside.get_by_label("A bike").uncheck()
    inside.get_by_label("Drop").select_option("blue")
    inside.get_by_label("Many").select_option(["a", "c"])
    inside.get_by_label("Other:").fill("a card")
    report = Axe().run(page)
    assert report.violations_count == 0, report.generate_report()
    page.get_by_role("button", name="Submit").click()
    page.get_by_text("There is no HIT left for you in this job.").wait_for()
    assert kept(page, world, 1) == [
        {
            "age": "41",
            "code": "ABC",
            "one": ["tea"],
            "some": ["bus", "tram"],
            "drop": ["blue"],
            "many": ["a", "c"],
            "own": {"selections": [], "otherSelection": "a card"},
        }
    ]


def test_a_template_of_ground_truth_runs_unchanged(work, world, page):
    template = """<script src="https://assets.crowd.aws/crowd-html-elements.js"></script>
<crowd-entity-annotation name="annotatedResult" header="Find people"
 labels="{{ task.input.labels | to_json | escape }}" text="{{ task.input.taskObject }}">
 <full-instructions header="How"><p>Mark.</p></full-instructions></crowd-entity-annotation>"""
    work([{"source": "Ada met Ben.", "labels": ["person"]}], template)
    frame(page).get_by_text("Ada").first.wait_for()
    frame(page).get_by_text("person").first.wait_for()


def test_a_page_that_answers_by_itself_waits_for_submit(work, world, page):
    sent = "<form><input name=a value=robot></form><script>setTimeout(() => document.forms[0].submit(), 50)</script>"
    work([html(sent)])
    untouched(page, "The page has finished its answer. Press Submit to send it.")
    assert answers(world) == []
    page.get_by_role("button", name="Submit").click()
    assert kept(page, world, 1) == [{"a": "robot"}]


def test_a_link_is_opened_beside_the_page_and_only_when_somebody_asks(work, world, page):
    work([html('<form><a href="https://example.org/x">the shop</a></form>')])
    frame(page).get_by_role("link", name="the shop").click()
    offered = page.get_by_role("link", name="Open in a new tab")
    assert offered.get_attribute("href") == "https://example.org/x"
    assert offered.get_attribute("rel") == "noopener noreferrer"
    frame(page).get_by_role("link", name="the shop").wait_for()


def test_the_frame_is_as_high_as_its_page_and_shrinks_with_it(work, world, page):
    work([html("<form><div id=d style='height:900px'>tall</div></form>")])
    high = page.locator(".hit-work:not([hidden]) iframe")
    page.wait_for_function("() => document.querySelector('.hit-work:not([hidden]) iframe')?.offsetHeight > 880")
    frame(page).locator("#d").evaluate("(one) => { one.style.height = '200px'; }")
    page.wait_for_function("() => document.querySelector('.hit-work:not([hidden]) iframe')?.offsetHeight < 300")
    assert high.count() == 1


def test_keys_of_the_hit_page_work_from_within_the_frame(work, world, page):
    work([html(HTML % f"Message {number}") for number in range(2)])
    frame(page).get_by_text("Message 0").click()
    page.keyboard.press("?")
    page.get_by_role("heading", name="Guide").wait_for()


def test_leaving_an_answer_half_done_is_asked_about(work, world, page):
    work([html(OLD % 0)])
    frame(page).get_by_label("Why").fill("half an answer")
    asked = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    page.reload()
    assert asked == ["beforeunload"]


def test_the_frame_s_page_with_crowd_elements_is_light(work, world, page):
    sizes = {}

    def note(response):
        if "/static/" in response.url:
            sizes[response.url] = len(response.body())

    page.on("response", note)
    work([html(HTML % "Message 0")])
    frame(page).get_by_text("angry").wait_for()
    own = [url for url in sizes if "/js/frame/" in url or "/js/elements/page.js" in url]
    assert own
    assert sum(sizes[url] for url in own) < 16_000
