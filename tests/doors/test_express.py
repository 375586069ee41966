"""The express lane: what it answers before Flask is asked, and what it leaves to it."""

import json

import pytest
import sqlalchemy as sa

from broker.services import turn as lanes
from broker.store.people import Login
from broker.store.work import Assignment
from broker.web import express, work
from tests.doors.conftest import choice


@pytest.fixture
def scene(hands):
    """A worker on the page of a job whose express lane counts what it leaves to Flask."""
    lane = hands.app.wsgi_app
    assert isinstance(lane, express.Express)
    inner, hands.asked = lane.inner, []

    def counted(environment, start):
        hands.asked.append(environment["PATH_INFO"])
        return inner(environment, start)

    lane.inner = counted
    page = hands.page(hands.person("walt"), hands.job(hands.person("rita", "requester")))
    turn = page.claim().json["assignment"]
    hands.asked.clear()
    return hands, page, turn


def states(hands):
    with hands.store.read() as unit:
        return list(unit.session.scalars(sa.select(Assignment.state).order_by(Assignment.id)))


def test_the_ordinary_submission_never_reaches_flask(scene):
    hands, page, turn = scene
    for _ in range(3):
        reply = page.submit(turn)
        assert reply.status_code == 200
        turn = reply.json["assignment"]
    assert hands.asked == []
    assert states(hands) == ["submitted"] * 3 + ["accepted"]


@pytest.mark.parametrize("short", [0, lanes.SHORT])
def test_gold_is_given_on_the_lane_too(scene, monkeypatch, short):
    hands, *_ = scene
    monkeypatch.setattr(lanes, "SHORT", short)
    texts = [f"text {place}" for place in range(10)]
    job = hands.job(hands.person("ruth", "requester"), texts, dict.fromkeys(range(5), "calm"), gold_percent=50)
    page = hands.page(hands.person("gus"), job)
    turn = page.claim().json["assignment"]
    hands.asked.clear()
    for _ in range(7):
        turn = page.submit(turn).json["assignment"]
    assert (hands.asked, turn["input"]["media"]) == ([], "text")
    with hands.store.read() as unit:
        golds = unit.session.scalars(sa.select(Assignment.gold)).all()
    assert sum(golds) >= 3


def test_both_ways_say_the_same_in_the_same_bytes(scene):
    hands, page, turn = scene
    first = page.submit(turn)
    hands.app.extensions["known"].browsers.clear()
    second = page.submit(first.json["assignment"])
    assert len(hands.asked) == 1
    for reply in (first, second):
        canonical = json.dumps(reply.json, separators=(",", ":")) + "\n"
        assert reply.text == canonical
    assert list(first.json) == list(second.json)
    assert list(first.json["assignment"]) == list(second.json["assignment"])
    assert list(first.json["assignment"]["input"]) == list(second.json["assignment"]["input"])
    assert dict(first.headers) == dict(second.headers) | {"Content-Length": first.headers["Content-Length"]}


def test_half_a_character_goes_out_as_its_escape():
    assert work.written({"value": "\ud800 ä"}) == b'{"value":"\\ud800 \\u00e4"}\n'


def test_a_log_in_that_was_ended_elsewhere_submits_nothing_more(scene):
    hands, page, turn = scene
    with hands.store.write() as unit:
        unit.session.execute(sa.update(Login).values(revoked_at=hands.time))
    reply = page.submit(turn)
    assert (reply.status_code, states(hands)) == (403, ["accepted"])
    assert len(hands.asked) == 1


@pytest.mark.parametrize("wrong", ["token", "cookie", "host", "referer"])
def test_a_browser_is_known_by_all_that_flask_believed(scene, wrong):
    hands, page, turn = scene
    headers = dict(page.headers)
    if wrong == "token":
        headers["X-CSRFToken"] = "another"
    if wrong == "host":
        headers["Host"] = "elsewhere.example"
    if wrong == "referer":
        headers["Referer"] = "https://elsewhere.example/"
    if wrong == "cookie":
        page.client.set_cookie("other", "cookie")
    body = {"assignment": turn["id"], "answer": choice("calm")}
    page.client.post(f"/work/{page.job}/submit", json=body, headers=headers)
    assert len(hands.asked) == 1


def test_nobody_submits_for_somebody_else(scene):
    hands, page, turn = scene
    eve = hands.page(hands.person("eve"), page.job)
    eve.claim()
    assert eve.submit(turn).status_code == 404
    assert states(hands)[0] == "accepted"


def test_what_is_not_ordinary_goes_on_to_the_view_with_its_body(scene):
    hands, page, turn = scene
    unknown = page.submit(turn, choice("furious"))
    assert (unknown.status_code, unknown.mimetype) == (422, "application/problem+json")
    assert page.submit(turn, claim=False).json["left"] == 6
    assert page.submit(turn).json["repeated"] is True
    assert page.client.post(f"/work/{page.job}/submit", data=b"{", headers=page.headers).status_code in (400, 422)
    assert len(hands.asked) == 4


def test_an_answer_kept_on_the_express_lane_is_not_submitted_again_when_nothing_follows(scene):
    hands, page, turn = scene
    while turn is not None:
        reply = page.submit(turn).json
        assert (reply["accepted"], reply["repeated"], reply["late"]) == (True, False, False)
        turn = reply["assignment"]
    assert reply["message"] == "There is no HIT left for you in this job."
    assert set(states(hands)) == {"submitted"}


def test_a_body_too_large_for_the_lane_is_left_alone(scene, monkeypatch):
    hands, page, turn = scene
    monkeypatch.setattr(express, "LONGEST_BODY", 10)
    assert page.submit(turn).status_code == 200
    assert len(hands.asked) == 1


@pytest.mark.parametrize("short", [0, lanes.SHORT])
def test_only_what_is_short_is_read_and_shown_by_another_thread(scene, monkeypatch, short):
    hands, page, turn = scene
    before, after, take = [], [], type(hands.store.lane).take

    def watched(lane, turn):
        before.append(turn.ask is not None)
        given = take(lane, turn)
        after.append(turn.said is not None)
        return given

    monkeypatch.setattr(lanes, "SHORT", short)
    monkeypatch.setattr(type(hands.store.lane), "take", watched)
    reply = page.submit(turn)
    assert (before, after, hands.asked) == ([short == 0], [short > 0], [])
    assert reply.json["assignment"]["id"] != turn["id"]


def test_a_program_does_without_the_page(scene):
    _, page, turn = scene
    assert "html" not in page.submit(turn, html=False).json["assignment"]


def test_a_browser_is_forgotten_after_a_while_and_the_first_when_there_are_too_many(scene, monkeypatch):
    hands, page, turn = scene
    known = hands.app.extensions["known"]
    monkeypatch.setattr("broker.web.known.MOST", 1)
    first = next(iter(known.browsers))
    hands.page(hands.person("eve"), page.job).claim()
    assert first not in known.browsers
    monkeypatch.setattr("broker.web.known.SECONDS", -1.0)
    hands.asked.clear()
    for _ in range(2):
        turn = page.submit(turn).json["assignment"]
    assert len(hands.asked) == 2
