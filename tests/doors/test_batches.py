"""Batches as in MTurk's old web page, at the web door."""

import csv
import io
import re

import pytest

from broker.services import claim, submit
from broker.store import jobs
from broker.store.jobs import Job
from broker.wiring import utc_now
from tests.doors.requester import Visitor, broker_on
from workers import errands

PAGE = "<p>What is on ${image_url}?</p><input name=animal>"
TABLE = b"image_url,id\nhttps://example.org/1.png,1\nhttps://example.org/2.png,2\n"
MILLION = 1_000_000


@pytest.fixture
def broker(sqlite_database, tmp_path):
    made = broker_on(sqlite_database, tmp_path)
    yield made
    made.store.close()


@pytest.fixture
def rita(broker):
    return Visitor(broker, "requester", credit=100 * MILLION)


def posted(visitor, html=PAGE, table=TABLE, name="data.csv", **fields):
    """The form of a new batch, sent."""
    file = {} if table is None else {"file": (io.BytesIO(table), name)}
    form = {"title": "Animals", "html": html, "approve_days": "2", "keywords": "a, b", **file}
    return visitor.post("/jobs/new/batch", **form | fields)


@pytest.fixture
def batch(rita, broker):
    """A published batch that one worker has done; its path."""
    path = posted(rita).location.removesuffix("/data")
    errands.drain_with(broker, "errands")
    rita.post(f"{path}/quality", redundancy="1", gold="none", gold_percent="0")
    rita.post(f"{path}/pay", reward="0.05", lease_minutes="5", review_days="2")
    assert rita.post(f"{path}/check").status_code == 303
    ada = Visitor(broker, "worker").person
    number = broker.names("J").read(path.rpartition("/")[2])
    for _ in range(2):
        with broker.store.write() as unit:
            offer = claim.claim(unit, number, ada.id, [], utc_now(), broker.secret)
            submit.submit(unit, offer.assignment_id, ada.id, {"animal": "cat"}, 5.0, utc_now())
    return path


def states(visitor, batch):
    return [line["AssignmentStatus"] for line in lines(visitor, batch)]


def lines(visitor, batch):
    return list(csv.DictReader(io.StringIO(visitor.get(f"{batch}/batch.csv").text, newline="")))


def test_a_page_and_a_table_become_a_draft_that_is_read_in_the_background(rita, broker):
    answer = posted(rita)
    assert answer.status_code == 303
    name = re.search(r"/jobs/(\w+)/data", answer.location)[1]
    with broker.store.read() as unit:
        job = jobs.job(unit, broker.names("J").read(name))
    assert (job.kind, job.title, job.keywords, job.approval_seconds) == ("page", "Animals", "a, b", 2 * 86_400)
    assert job.settings == {
        "template": '<p>What is on {{ task.input["image_url"] | skip_autoescape }}?</p><input name=animal>'
    }


def test_the_page_may_come_as_a_file(rita, broker):
    answer = posted(rita, html="", page=(io.BytesIO(PAGE.encode()), "page.html"))
    assert answer.status_code == 303


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"title": ""}, "give the job a title"),
        ({"html": "${nothing}"}, "the page has ${nothing}, the data has only image_url, id"),
        ({"html": " "}, "the page is empty"),
        ({"approve_days": "31"}, "between 0 and 30 days"),
        ({"approve_days": "soon"}, "between 0 and 30 days"),
        ({"table": None}, "choose the CSV"),
        ({"table": b"PK\3\4zip", "name": "a.zip"}, "a CSV, TSV or JSON Lines file is needed"),
        ({"table": b"image_url,image_url\n1,2\n"}, "occurs twice"),
        ({"page": (io.BytesIO(b"\xff\xfe"), "page.html")}, "not UTF-8"),
        ({"title": "x" * 201}, "at most 200"),
    ],
)
def test_what_cannot_be_is_told_beside_its_field_and_nothing_is_made(rita, broker, change, words):
    answer = posted(rita, **change)
    assert answer.status_code == 422
    assert words in answer.text.replace("&#39;", "'")
    with broker.store.read() as unit:
        assert unit.session.query(Job).count() == 0


def test_results_go_out_and_come_back_with_decisions(rita, batch):
    page = rita.get(f"{batch}/batch")
    assert page.status_code == 200
    found = lines(rita, batch)
    assert [(one["Input.id"], one["Answer.animal"], one["AssignmentStatus"]) for one in found] == [
        ("1", "cat", "Submitted"),
        ("2", "cat", "Submitted"),
    ]
    filled = f"AssignmentId,Approve,Reject\n{found[0]['AssignmentId']},x,\n{found[1]['AssignmentId']},,No dog\n"
    answer = rita.post(f"{batch}/batch", file=(io.BytesIO(filled.encode()), "filled.csv"))
    assert answer.status_code == 303
    assert "2 answers decided" in rita.get(answer.location).text
    assert states(rita, batch) == ["Approved", "Rejected"]


def test_a_faulty_file_is_told_row_by_row_and_decides_nothing(rita, batch):
    found = lines(rita, batch)
    filled = f"AssignmentId,Approve,Reject\n{found[0]['AssignmentId']},x,\nNOTHING,x,\n,x,\n"
    answer = rita.post(f"{batch}/batch", file=(io.BytesIO(filled.encode()), "filled.csv"))
    assert answer.status_code == 422
    assert "there is no such answer in this job" in answer.text
    assert "nothing was decided" in answer.text
    assert states(rita, batch) == ["Submitted", "Submitted"]
    assert rita.post(f"{batch}/batch").status_code == 422


def test_a_batch_is_its_requester_s_alone(rita, broker, batch):
    stranger, worker = Visitor(broker, "requester"), Visitor(broker, "requester", "worker")
    name = lines(rita, batch)[0]["AssignmentId"]
    for other in (stranger, worker):
        assert other.get(f"{batch}/batch").status_code == 404
        assert other.get(f"{batch}/batch.csv").status_code == 404
        filled = io.BytesIO(f"AssignmentId,Approve,Reject\n{name},x,\n".encode())
        assert other.post(f"{batch}/batch", file=(filled, "f.csv")).status_code == 404
    assert states(rita, batch) == ["Submitted", "Submitted"]


def test_a_draft_has_no_results_yet(rita):
    path = posted(rita).location.removesuffix("/data")
    assert rita.get(f"{path}/batch").status_code == 303
    assert rita.get(f"{path}/batch.csv").status_code == 409
