"""The HIT page's JSON door: what is refused, who may not, and jobs that are not open."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from broker.services import publish
from broker.store import jobs
from broker.store.db import Store
from broker.store.jobs import Job, JobState
from broker.store.people import Person
from tests.doors.conftest import TEXTS, Hands, Page, choice, scene_on, turns, write

BAD = {
    "a list": [],
    "a text": "hello",
    "no assignment": {"answer": choice("calm")},
    "no answer": {"assignment": "{}"},
    "a number for the assignment": {"assignment": 7, "answer": choice("calm")},
    "seconds in words": {"assignment": "{}", "answer": choice("calm"), "seconds": "long"},
    "less than no seconds": {"assignment": "{}", "answer": choice("calm"), "seconds": -1},
    "no number of seconds": {"assignment": "{}", "answer": choice("calm"), "seconds": float("nan")},
    "endless seconds": {"assignment": "{}", "answer": choice("calm"), "seconds": float("inf")},
    "a text for have": {"assignment": "{}", "answer": choice("calm"), "have": "T1"},
    "numbers in have": {"assignment": "{}", "answer": choice("calm"), "have": [1]},
    "more than a page can have": {"assignment": "{}", "answer": choice("calm"), "have": ["T1"] * 21},
    "a huge have": {"assignment": "{}", "answer": choice("calm"), "have": ["T1"] * 100_000},
    "a field that there is not": {"assignment": "{}", "answer": choice("calm"), "score": 1},
    "an answer that is none": {"assignment": "{}", "answer": 5},
    "an answer without a category": {"assignment": "{}", "answer": {"label": "calm"}},
    "a list of labels for one": {"assignment": "{}", "answer": {"category": {"label": ["calm"]}}},
    "labels for a label": {"assignment": "{}", "answer": {"category": {"labels": ["calm"]}}},
}


@pytest.fixture(scope="module")
def door(sqlite_template, tmp_path_factory):
    """One scene for all bad input, since none of it may leave anything behind."""
    folder = tmp_path_factory.mktemp("door")
    (folder / "b.sqlite3").write_bytes(sqlite_template.read_bytes())
    store = Store(f"sqlite:///{folder / 'b.sqlite3'}")
    hands, page = scene_on(Hands(store, folder))
    yield hands, page, page.claim().json["assignment"]
    store.close()


@pytest.mark.parametrize("body", BAD.values(), ids=BAD)
def test_a_submission_must_be_well_formed(door, body):
    hands, page, turn = door
    if isinstance(body, dict) and body.get("assignment") == "{}":
        body = body | {"assignment": turn["id"]}
    reply = page.post(f"{page.job}/submit", body)
    assert (reply.status_code, reply.mimetype) == (422, "application/problem+json"), reply.text
    assert reply.json["detail"]
    assert "pydantic" not in reply.text
    assert [one.state for one in turns(hands)] == ["accepted"]


@pytest.mark.parametrize("raw", ["null", "{", "", "\xff", "[" * 100_000, '{"have":' * 50_000], ids=range(6))
def test_what_is_no_json_is_refused(door, raw):
    _, page, _ = door
    for path in (f"{page.job}/submit", f"{page.job}/claim", "return"):
        reply = page.client.post(f"/work/{path}", data=raw, headers=page.headers, content_type="application/json")
        assert reply.status_code == 422, reply.text


def test_an_unknown_label_is_named(door):
    hands, page, turn = door
    for label in ("furious", "", "\ud800", "x" * 9_999):
        reply = page.submit(turn, choice(label))
        assert (reply.status_code, repr(label) in reply.json["detail"]) == (422, True)
        assert "'calm', 'angry', 'glad'" in reply.json["detail"]
    assert [one.state for one in turns(hands)] == ["accepted"]


def test_ids_that_are_none_are_not_found(door):
    hands, page, turn = door
    for name in ("T0", "", "J" * 13, "T" + "Z" * 12, turn["id"].lower(), "T" + "é" * 12, page.job):
        assert page.post(f"{page.job}/submit", {"assignment": name, "answer": choice("calm")}).status_code == 404
    for name in ("J0", "J" + "Z" * 12, turn["id"]):
        assert page.post(f"{name}/claim", {}).status_code == 404
        assert page.client.get(f"/work/{name}").status_code == 404
    assert [one.state for one in turns(hands)] == ["accepted"]


def test_without_the_token_nothing_is_done(door):
    hands, page, turn = door
    body = {"assignment": turn["id"], "answer": choice("calm")}
    for headers in ({}, {"X-CSRFToken": "wrong"}, {"X-CSRFToken": hands.page(hands.person("eve"), page.job).token}):
        reply = page.client.post(f"/work/{page.job}/submit", json=body, headers=headers)
        assert (reply.status_code, reply.json["title"]) == (400, "This form has expired")
    assert [one.state for one in turns(hands)] == ["accepted"]


def test_who_is_suspended_neither_reads_nor_works_and_reads_why(plain):
    hands, page = plain
    turn = page.claim().json["assignment"]
    write(
        hands, sa.update(Person).where(Person.name == "Walt").values(suspended_at=hands.time, suspended_reason="Spam")
    )
    for reply in (page.claim(), page.submit(turn), page.named("extend", turn)):
        assert (reply.status_code, reply.json["detail"]) == (403, "This account is suspended: Spam.")
    assert page.client.get("/work").status_code == 403
    assert [one.state for one in turns(hands)] == ["accepted"]


def test_who_is_no_worker_has_no_work(plain):
    hands, page = plain
    other = hands.page(hands.person("rob", "requester", "admin"), page.job)
    refused = other.claim()
    assert (refused.status_code, refused.mimetype) == (403, "application/problem+json")
    for path in ("/work", f"/work/{page.job}", f"/work/{page.job}/preview", "/work/history", "/work/earnings"):
        assert other.client.get(path).status_code == 403
    assert turns(hands) == []


def test_visitors_are_refused_in_json(plain):
    hands, page = plain
    visitor = Page(hands.client(), page.job, page.token)
    visitor.client.set_cookie("broker", page.client.get_cookie("broker").value)
    with visitor.client.session_transaction() as session:
        del session["token"]
    reply = visitor.claim()
    assert (reply.status_code, reply.json["detail"]) == (403, "Please log in again.")
    assert turns(hands) == []


@pytest.mark.parametrize(
    ("state", "message"),
    [
        (JobState.PAUSED, "The requester has paused this job."),
        (JobState.STOPPED, "The requester has ended this job."),
        (JobState.DONE, "This job is done. Thank you!"),
    ],
)
def test_a_job_that_is_not_open_says_why_but_takes_what_is_out(plain, state, message):
    hands, page = plain
    turn = page.claim().json["assignment"]
    write(hands, sa.update(Job).values(state=state))
    reply = page.submit(turn).json
    assert (reply["accepted"], reply["assignment"], reply["message"], reply["left"]) == (True, None, message, 0)
    assert message in page.client.get(f"/work/{page.job}/preview").text


def test_a_draft_is_nobodys_work(plain):
    hands, page = plain
    write(hands, sa.update(Job).values(state=JobState.DRAFT))
    assert page.claim().status_code == 404
    assert page.client.get(f"/work/{page.job}").status_code == 404
    assert page.client.get(f"/work/{page.job}/preview").status_code == 404


def test_work_goes_on_when_a_job_is_resumed(plain):
    hands, page = plain
    job_id = hands.row("J", page.job)
    with hands.store.write() as unit:
        owner = jobs.job(unit, job_id).requester_id
        publish.pause(unit, job_id, owner)
    assert page.claim().json["assignment"] is None
    with hands.store.write() as unit:
        publish.resume(unit, job_id, owner)
    assert page.claim().json["assignment"]["input"]["value"] == TEXTS[0]


def test_the_requests_of_one_page_never_wait_for_each_other_in_a_circle(postgres_database, tmp_path):
    store = Store(postgres_database)
    hands = Hands(store, tmp_path)
    job = hands.job(hands.person("rita", "requester"), texts=[f"Text {n}" for n in range(40)])
    walt = hands.person("walt")
    page, twin = hands.page(walt, job), hands.page(walt, job)
    turn = page.claim().json["assignment"]
    with ThreadPoolExecutor(2) as pool:
        for _ in range(12):
            following = page.claim(have=[turn["id"]]).json["assignment"]
            answered = pool.submit(page.submit, turn, start=following["id"])
            asked = pool.submit(twin.claim, have=[turn["id"]], start=turn["id"])
            assert (answered.result(30).status_code, asked.result(30).status_code) == (200, 200)
            turn = following
    store.close()
