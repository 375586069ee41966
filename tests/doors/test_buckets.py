"""Objects of mapped buckets at the web door: what grant_read_access gives, and what it never does."""

import re

import pytest

from broker.errors import Invalid
from broker.web import buckets
from tests.doors.paged import paged_job
from tests.doors.requester import Visitor, broker_on


@pytest.fixture
def broker(sqlite_database, tmp_path):
    folder = tmp_path / "bucket"
    folder.mkdir()
    (folder / "a.png").write_bytes(b"\x89PNG picture")
    (folder / "page.html").write_text("<script>alert(1)</script>")
    (folder / "drawing.svg").write_text("<svg onload='alert(1)'/>")
    (folder / "data.csv").write_text("a,b")
    made = broker_on(sqlite_database, tmp_path / "data", buckets={"pictures": folder.as_uri()})
    yield made
    made.store.close()


@pytest.fixture
def visitor(broker):
    return Visitor(broker, "requester")


def test_an_object_is_served_under_a_signed_address_that_can_run_nothing(broker, visitor):
    address = buckets.granted(broker, "s3://pictures/a.png")
    assert re.fullmatch(r"/media/s3/[\w.=-]+", address)
    answer = visitor.get(address)
    assert (answer.status_code, answer.data, answer.content_type) == (200, b"\x89PNG picture", "image/png")
    assert answer.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("name", "sort", "saved"),
    [
        ("page.html", "application/octet-stream", True),
        ("drawing.svg", "application/octet-stream", True),
        ("data.csv", "text/plain; charset=utf-8", False),
    ],
)
def test_what_a_browser_would_run_is_only_ever_saved(broker, visitor, name, sort, saved):
    answer = visitor.get(buckets.granted(broker, f"s3://pictures/{name}"))
    assert answer.content_type == sort
    assert (answer.headers.get("Content-Disposition") == "attachment") == saved


def test_a_changed_or_expired_address_and_an_object_that_is_not_there_are_404(broker, visitor):
    address = buckets.granted(broker, "s3://pictures/a.png")
    assert visitor.get(address[:-1] + ("A" if address[-1] != "A" else "B")).status_code == 404
    assert visitor.get("/media/s3/x").status_code == 404
    old = buckets._signer(broker).dumps(["s3://pictures/a.png", 1])
    assert visitor.get(f"/media/s3/{old}").status_code == 404
    assert visitor.get(buckets.granted(broker, "s3://pictures/none.png")).status_code == 404


def test_nothing_outside_of_a_mapped_bucket_is_granted(broker):
    for uri in ("s3://elsewhere/a.png", "s3://pictures/../data/secret"):
        with pytest.raises(Invalid):
            buckets.granted(broker, uri)
    assert buckets.granted(broker, "https://example.org/a.png") == "https://example.org/a.png"


def test_a_template_shows_a_picture_of_a_bucket(quick, tmp_path):
    folder = tmp_path / "bucket"
    folder.mkdir()
    (folder / "a.png").write_bytes(b"\x89PNG picture")
    quick.broker.__dict__["buckets"] = type(quick.broker.buckets)({"pictures": folder.as_uri()})
    rita, ada = quick.person("rita", "requester"), quick.person("ada")
    template = '<crowd-form><img src="{{ task.input.taskObject | grant_read_access }}"></crowd-form>'
    job = paged_job(quick, rita, [{"source-ref": "s3://pictures/a.png"}], template)
    page = quick.page(ada, job)
    turn = page.claim().get_json()["assignment"]
    frame = page.client.get(re.search(r'src="(/frame/[^"]+)"', turn["html"])[1], follow_redirects=True)
    source = re.search(r'<img src="(/media/s3/[^"]+)"', frame.text)[1]
    assert page.client.get(source).data == b"\x89PNG picture"
