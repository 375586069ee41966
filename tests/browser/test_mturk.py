"""HITs that boto3 has made, done by a worker in Chromium, and read and paid by boto3 again."""

import xml.etree.ElementTree as ET

import pytest
from playwright.sync_api import expect

from broker.wiring import utc_now
from tests.browser.requesters import Site as Outside
from tests.browser.test_pages import HTML, frame
from tests.doors.visiting import Site
from tests.formats.questionforms import form, free_text, question, selection
from tests.mturk.conftest import TYPE, Api

pytestmark = pytest.mark.browser
SCHEMAS = "http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas"
ANSWERS = f"{{{SCHEMAS}/2005-10-01/QuestionFormAnswers.xsd}}"
FORM = form(question("age", free_text('<IsNumeric minValue="18"/>')), question("one", selection(["tea", "coffee"])))


@pytest.fixture
def api(sqlite_database, tmp_path):
    """An installation whose clock goes, and which shows sites of this machine."""
    site = Site(sqlite_database, tmp_path / "data", now=utc_now, external_http=True)
    made = Api(site)
    yield made
    made.close()
    site.store.close()


@pytest.fixture
def worker(api, page):
    """A worker's window."""
    visitor = api.site.logged_in("wanda")
    page.context.add_cookies([{"name": "broker", "value": visitor.cookie(), "url": api.url}])
    return page


def made(client, title, xml):
    """A HIT of a type of its own."""
    return client.create_hit(**TYPE | {"Title": title}, LifetimeInSeconds=3600, MaxAssignments=1, Question=xml)["HIT"]


def accepted(api, worker, hit):
    worker.goto(f"{api.url.removesuffix('/mturk')}/work/{hit['HITTypeId']}")
    return frame(worker)


def paid(client, worker, hit):
    """What the requester's script reads once the worker has stopped, and pays."""
    expect(worker.get_by_text("There is no HIT left for you in this job.")).to_be_visible()
    worker.locator("[data-act=stop]").click()
    worker.wait_for_url("**/work")
    [one] = client.list_assignments_for_hit(HITId=hit["HITId"], AssignmentStatuses=["Submitted"])["Assignments"]
    client.approve_assignment(AssignmentId=one["AssignmentId"])
    assert client.get_hit(HITId=hit["HITId"])["HIT"]["HITStatus"] == "Reviewable"
    found = {}
    for answer in ET.fromstring(one["Answer"]):
        name, *values = (part.text for part in answer)
        found[name] = values
        assert answer.tag == f"{ANSWERS}Answer"
    return found


def test_an_external_question_is_answered_on_the_requester_s_own_site(api, worker):
    _, client = api.requester()
    with Outside() as site:
        xml = (
            f'<ExternalQuestion xmlns="{SCHEMAS}/2006-07-14/ExternalQuestion.xsd">'
            f"<ExternalURL>{site.url}/task?no=7</ExternalURL><FrameHeight>400</FrameHeight></ExternalQuestion>"
        )
        hit = made(client, "A site", xml)
        inner = accepted(api, worker, hit).frame_locator("iframe")
        inner.get_by_label("Tone").select_option("angry")
        assert site.seen[0][1]["hitId"] == hit["HITId"]
        inner.get_by_role("button", name="Send it").click()
        assert paid(client, worker, hit) == {"tone": ["angry"]}


def test_an_html_question_with_crowd_elements_is_answered(api, worker):
    _, client = api.requester()
    content = f"<!DOCTYPE html><html><body>{HTML % 'Never again.'}</body></html>"
    xml = (
        f'<HTMLQuestion xmlns="{SCHEMAS}/2011-11-11/HTMLQuestion.xsd"><HTMLContent><![CDATA[{content}]]></HTMLContent>'
        "<FrameHeight>0</FrameHeight></HTMLQuestion>"
    )
    hit = made(client, "Crowd elements", xml)
    inside = accepted(api, worker, hit)
    inside.get_by_text("angry").click()
    inside.get_by_label("Why?").fill("It says so.")
    worker.locator(".hit-foot").get_by_role("button", name="Submit").click()
    assert paid(client, worker, hit) == {"tone.label": ["angry"], "why": ["It says so."]}


def test_a_question_form_is_answered(api, worker):
    _, client = api.requester()
    hit = made(client, "A form", FORM)
    inside = accepted(api, worker, hit)
    inside.get_by_label("Age").fill("41")
    inside.get_by_label("A coffee").check()
    worker.locator(".hit-foot").get_by_role("button", name="Submit").click()
    assert paid(client, worker, hit) == {"age": ["41"], "one": ["coffee"]}
