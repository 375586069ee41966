"""The requester's door: what others typed stays text, and whose job it is."""

import pytest

from broker.store.jobs import Job
from broker.store.work import Hit
from tests.doors.requester import CSV, Visitor, broker_on, count, row_of


@pytest.fixture
def broker(sqlite_database, tmp_path):
    made = broker_on(sqlite_database, tmp_path)
    yield made
    made.store.close()


@pytest.fixture
def ann(broker):
    return Visitor(broker, "requester", credit=100_000_000)


@pytest.fixture
def job(ann):
    """A draft with four rows."""
    found = ann.job()
    assert ann.upload(found, "reviews.csv", CSV).status_code == 303
    return found


def test_the_preview_shows_the_workers_page_on_each_row(ann, job):
    ann.described(job)
    assert "Awful" in ann.get(f"{job}/preview?row=2").text
    assert "There is no such row" in ann.get(f"{job}/preview?row=99").text
    assert ann.get(f"{job}/preview?row=-5").status_code == 200


def test_a_guide_is_shown_sanitised(ann, job):
    shown = ann.post(f"{job}/guide/preview", guide="**Read** <script>alert(1)</script> [x](javascript:alert(1))").text
    assert "<strong>Read</strong>" in shown
    assert "<script" not in shown
    assert 'href="javascript' not in shown


def test_what_a_requester_typed_never_becomes_markup(ann, job):
    bad = '"><script>alert(1)</script>'
    ann.described(job, title=bad, question=bad, label_name=[bad, "b"])
    for path in ("/jobs", f"{job}/data", f"{job}/task", f"{job}/check", f"{job}/preview"):
        assert "<script>alert" not in ann.get(path).text


PATHS = ("", "/data", "/task", "/quality", "/pay", "/check", "/preview", "/results", "/results.csv", "/results.jsonl")


POSTS = (
    "/data",
    "/task",
    "/quality",
    "/pay",
    "/check",
    "/delete",
    "/pause",
    "/resume",
    "/stop",
    "/more",
    "/guide",
    "/guide/preview",
)


def test_somebody_elses_job_does_not_exist(ann, broker, job):
    ann.described(job)
    upload = ann.state(job)["upload"]
    eve = Visitor(broker, "requester")
    for path in (*PATHS, "/live", "/data/progress", f"/uploads/{upload}/faults", f"/uploads/{upload}/faults.csv"):
        assert eve.get(f"{job}{path}").status_code == 404, path
    for path in (*POSTS, f"/uploads/{upload}/keep", f"/uploads/{upload}/discard"):
        fields = {"offer": "text-one", "redundancy": "1", "reward": "1", "more": "1", "gold_percent": "0"}
        fields |= {"title": "T", "question": "Q", "field": "text", "label_name": ["a", "b"]}
        answer = eve.upload(job, "a.csv", CSV) if path == "/data" else eve.post(f"{job}{path}", **fields)
        assert answer.status_code == 404, path
    assert (count(broker, Job), count(broker, Hit), row_of(broker, job).title) == (1, 4, "Reviews")


def test_an_upload_of_another_job_does_not_exist_here(ann, job):
    other = ann.job()
    ann.upload(other, "a.csv", b"id\n1\n2,3\n")
    upload = ann.state(other)["upload"]
    assert ann.post(f"{job}/uploads/{upload}/keep").status_code == 404
    assert ann.get(f"{job}/uploads/{upload}/faults").status_code == 404


def test_who_is_no_requester_does_not_get_in(ann, broker, job):
    bob = Visitor(broker, "requester", "worker")
    with broker.store.write() as unit:
        unit.session.merge(bob.person).requester = False
    assert bob.get(job).status_code == 403
    assert bob.post(f"{job}/check").status_code == 403


def test_a_form_without_its_token_is_refused(ann, broker, job):
    ann.csrf = ""
    assert ann.post(f"{job}/delete").status_code == 400
    assert count(broker, Job) == 1


def test_a_job_is_paused_resumed_stopped_and_given_more_answers(ann, broker, job):
    ann.described(job)
    ann.post(f"{job}/check")
    for act, state in (("pause", "paused"), ("resume", "open"), ("stop", "stopped")):
        assert ann.post(f"{job}/{act}").location == job
        assert row_of(broker, job).state == state
    assert ann.post(f"{job}/pause").status_code == 409
    assert ann.post(f"{job}/more", more="0").status_code == 422
    assert "&#39;1e3&#39; is no whole number" in ann.post(f"{job}/more", more="1e3").text
    assert ann.post(f"{job}/more", more="2").status_code == 303
    assert (row_of(broker, job).redundancy, row_of(broker, job).state) == (5, "open")


def test_an_unknown_id_is_not_found(ann):
    for path in ("/jobs/J0", "/jobs/X0000000000AB", "/jobs/J000000000000/task", "/jobs/..%2f..%2fetc"):
        assert ann.get(path).status_code == 404
