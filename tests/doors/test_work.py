"""The HIT page's JSON door: claim, submit, return, more time, problem, leave; who may not, and what is refused."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from broker.rules.lease import MOST_HELD
from broker.services import publish, submit
from broker.store import jobs, talk
from broker.store.db import Store
from broker.store.jobs import Job, JobState
from broker.store.people import Person
from broker.store.work import Assignment
from tests.doors.conftest import TEXTS, Hands, Page, choice


def turns(hands, *states):
    with hands.store.read() as unit:
        query = sa.select(Assignment).order_by(Assignment.id)
        return unit.session.scalars(query.where(Assignment.state.in_(states)) if states else query).all()


def write(hands, statement):
    with hands.store.write() as unit:
        unit.session.execute(statement)


@pytest.fixture
def scene(hands):
    """A small job on each sort of database, and the page of a worker in it."""
    return scene_on(hands)


@pytest.fixture
def plain(quick):
    """The same on SQLite alone."""
    return scene_on(quick)


def scene_on(hands):
    requester, worker = hands.person("rita", "requester"), hands.person("walt")
    return hands, hands.page(worker, hands.job(requester))


# ---- The walk ----


def test_a_worker_walks_through_a_whole_job(scene):
    hands, page = scene
    reply, seen = page.claim().json, []
    while reply["assignment"]:
        assert reply["message"] == ""
        assert reply["done"] == len(seen)
        seen.append(reply["assignment"]["input"]["value"])
        assert reply["left"] == len(TEXTS) - len(seen)
        reply = page.submit(reply["assignment"]).json
        assert (reply["accepted"], reply["repeated"], reply["late"]) == (True, False, False)
    assert seen == TEXTS
    assert (reply["message"], reply["left"]) == ("There is no HIT left for you in this job.", 0)
    assert [(one.answer, one.seconds) for one in turns(hands, "submitted")] == [(choice("calm"), 4.2)] * len(TEXTS)
    assert page.claim().json["done"] == len(TEXTS)


def test_an_assignment_says_all_that_a_page_needs_and_no_more(scene):
    _, page = scene
    turn = page.claim().json["assignment"]
    assert set(turn) == {"id", "hit", "html", "input", "deadline", "seconds", "reward"}
    assert set(turn["input"]) == {"media", "many", "question", "labels", "value"}
    assert TEXTS[0] in turn["html"]
    assert (turn["deadline"], turn["seconds"], turn["reward"]) == ("2026-03-02T12:10:00+00:00", 600, 20_000)


def test_an_answer_without_a_claim_brings_no_hit_but_the_count(scene):
    hands, page = scene
    reply = page.submit(page.claim().json["assignment"], claim=False).json
    assert (reply["assignment"], reply["message"], reply["done"], reply["left"]) == (None, "", 1, 6)
    assert len(turns(hands)) == 1


def test_gold_looks_like_any_other_hit(hands):
    requester, worker = hands.person("rita", "requester"), hands.person("walt")
    golds = dict.fromkeys(range(4, 7), "angry")
    page = hands.page(worker, hands.job(requester, gold=golds, gold_percent=50))
    reply, shapes = page.claim(), set()
    while reply.json["assignment"]:
        turn = reply.json["assignment"]
        assert "truth" not in reply.text
        assert "gold" not in reply.text.lower()
        shapes.add((*turn, *turn["input"]))
        reply = page.submit(turn)
    assert len(shapes) == 1
    assert {one.gold for one in turns(hands)} == {True, False}
    assert "gold" not in page.client.get("/work/history").text.lower()


def test_what_is_on_screen_is_not_handed_out_again_and_a_reload_finds_it(scene):
    hands, page = scene
    have = []
    for _ in range(MOST_HELD):
        have.append(page.claim(have=have).json["assignment"]["id"])
    full = page.claim(have=have).json
    assert (full["assignment"], full["message"], full["left"]) == (None, "", len(TEXTS) - MOST_HELD)
    assert [page.claim().json["assignment"]["id"] for _ in range(2)] == [have[0]] * 2
    assert len(turns(hands)) == len(set(have)) == MOST_HELD


def test_ids_of_another_time_do_not_keep_an_answer_out(scene):
    hands, page = scene
    turn = page.claim().json["assignment"]
    stale = ["T" + "0" * 12, "nonsense", hands.name("T", 2**59), hands.name("T", 0)]
    assert page.submit(turn, have=stale, start=stale[0]).json["assignment"] is not None


def test_other_jobs_do_not_fill_the_hands(scene):
    hands, _ = scene
    done = hands.page(hands.person("wilma"), hands.job(hands.person("ron", "requester"), texts=["Only one."]))
    done.submit(done.claim().json["assignment"], claim=False)
    held = [hands.name("T", number) for number in range(1, 5)]
    assert done.claim(have=held).json["message"] == "There is no HIT left for you in this job."


# ---- Leases ----


def test_a_late_answer_is_kept_while_its_seat_is_free(scene):
    hands, page = scene
    first, second = page.claim().json["assignment"], None
    hands.wait(601)
    second = page.claim(have=[first["id"]]).json["assignment"]
    assert second["id"] != first["id"]
    assert page.submit(first, claim=False).json["late"] is True
    with hands.store.write() as unit:
        hands.wait(601)
        assert submit.sweep(unit, hands.time) == 1
    assert page.submit(second, claim=False).json["late"] is True
    assert len(turns(hands, "submitted")) == 2


def test_an_answer_is_refused_when_its_seat_was_given_away(hands):
    requester, walt, wilma = hands.person("rita", "requester"), hands.person("walt"), hands.person("wilma")
    job = hands.job(requester, texts=["Only one."], redundancy=1)
    late, other = hands.page(walt, job), hands.page(wilma, job)
    turn = late.claim().json["assignment"]
    hands.wait(601)
    with hands.store.write() as unit:
        submit.sweep(unit, hands.time)
    taken = other.claim().json["assignment"]
    refused = late.submit(turn)
    assert (refused.status_code, refused.json["title"]) == (409, "Conflict")
    assert "went to somebody else" in refused.json["detail"]
    assert other.submit(taken).status_code == 200
    assert [one.worker_id for one in turns(hands, "submitted")] == [wilma.id]


def test_the_clock_of_a_prefetched_hit_starts_when_it_comes_on_screen(scene):
    hands, page = scene
    first = page.claim().json["assignment"]
    second = page.claim(have=[first["id"]]).json["assignment"]
    hands.wait(500)
    third = page.submit(first, start=second["id"], have=[second["id"]]).json["assignment"]
    assert third["id"] not in (first["id"], second["id"])
    assert page.claim(have=[]).json["assignment"] == second | {"deadline": "2026-03-02T12:18:20+00:00"}


def test_a_start_that_came_too_late_does_not_undo_the_answer_it_came_with(scene):
    hands, page = scene
    first = page.claim().json["assignment"]
    second = page.claim(have=[first["id"]]).json["assignment"]
    hands.wait(601)
    for start in (second["id"], "T000", "nonsense"):
        assert page.submit(first, start=start, claim=False).status_code == 200
    assert [hands.name("T", one.id) for one in turns(hands, "submitted")] == [first["id"]]


def test_more_time_is_the_whole_lease_again(scene):
    hands, page = scene
    turn = page.claim().json["assignment"]
    hands.wait(590)
    assert page.named("extend", turn).json == {"deadline": "2026-03-02T12:19:50+00:00", "seconds": 600}
    hands.wait(601)
    refused = page.named("extend", turn)
    assert (refused.status_code, refused.json["detail"]) == (409, "This lease has run out.")


# ---- Once, and only one's own ----


def test_the_same_answer_twice_is_one_answer(scene):
    hands, page = scene
    turn = page.claim().json["assignment"]
    replies = [page.submit(turn, claim=False).json for _ in range(3)]
    assert [(one["repeated"], one["done"]) for one in replies] == [(False, 1), (True, 1), (True, 1)]
    assert len(turns(hands, "submitted")) == 1


def test_a_different_answer_to_the_same_assignment_is_refused_and_the_first_one_counts(scene):
    hands, page = scene
    turn = page.claim().json["assignment"]
    page.submit(turn, choice("glad"), claim=False)
    refused = page.submit(turn, choice("angry"))
    assert (refused.status_code, refused.mimetype) == (409, "application/problem+json")
    assert "the first one counts" in refused.json["detail"]
    assert [one.answer for one in turns(hands)] == [choice("glad")]


def test_a_strangers_assignment_does_not_exist(scene):
    hands, page = scene
    turn = page.claim().json["assignment"]
    stranger = hands.page(hands.person("sam"), page.job)
    for reply in (stranger.submit(turn), *(stranger.named(act, turn, text="?") for act in ("return", "extend"))):
        assert (reply.status_code, reply.json["detail"]) == (404, "There is no such assignment among yours.")
    assert stranger.named("problem", turn, text="?").status_code == 404
    assert stranger.leave(turn["id"]).status_code == 204
    assert [one.state for one in turns(hands)] == ["accepted"]


def test_a_returned_hit_goes_to_others_and_cannot_be_answered(scene):
    hands, page = scene
    page.job = hands.job(hands.person("ron", "requester"), texts=["Only one."], redundancy=1)
    turn = page.claim().json["assignment"]
    other = hands.page(hands.person("wilma"), page.job)
    assert other.claim().json["assignment"] is None
    assert [page.named("return", turn).json for _ in range(2)] == [{"returned": True}] * 2
    refused = page.submit(turn)
    assert (refused.status_code, "was returned" in refused.json["detail"]) == (409, True)
    assert other.claim().json["assignment"]["input"]["value"] == "Only one."


def test_a_hit_given_back_comes_again_after_the_others_so_that_no_seat_stays_empty(scene):
    hands, page = scene
    page.named("return", page.claim().json["assignment"])
    late = page.claim().json["assignment"]
    hands.wait(601)
    with hands.store.write() as unit:
        submit.sweep(unit, hands.time)
    reply, seen = page.claim().json, []
    while reply["assignment"]:
        seen.append(reply["assignment"]["input"]["value"])
        reply = page.submit(reply["assignment"]).json
    assert seen == [*TEXTS[2:], TEXTS[0], late["input"]["value"]]
    assert len(turns(hands, "submitted")) == len(TEXTS)


def test_a_submitted_answer_cannot_be_returned(plain):
    hands, page = plain
    turn = page.claim().json["assignment"]
    page.submit(turn, claim=False)
    assert page.named("return", turn).status_code == 409
    assert [one.state for one in turns(hands)] == ["submitted"]


def test_a_page_that_closes_gives_back_what_it_held(scene):
    hands, page = scene
    first = page.claim().json["assignment"]["id"]
    second = page.claim(have=[first]).json["assignment"]["id"]
    assert page.leave(f"{first},,garbage,{second}").status_code == 204
    assert [one.state for one in turns(hands)] == ["returned", "returned"]


def test_a_page_of_another_site_cannot_give_anything_back(plain):
    hands, page = plain
    turn = page.claim().json["assignment"]["id"]
    assert page.client.post("/work/leave", data={"assignments": turn}).status_code == 400
    assert [one.state for one in turns(hands)] == ["accepted"]


def test_a_problem_reaches_the_requester(scene):
    hands, page = scene
    turn = page.claim().json["assignment"]
    assert page.named("problem", turn, text="  The text is \ud800cut off. ").json == {"reported": True}
    with hands.store.read() as unit:
        reports = talk.reports_of(unit, hands.row("J", page.job))
    assert [one.text for one in reports] == ["The text is ?cut off."]
    for text in ("", "  ", "\0", "x" * 2001, 7):
        assert page.named("problem", turn, text=text).status_code == 422


# ---- Input nobody should send ----

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


# ---- Who may not ----


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


# ---- States of a job ----


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


# ---- At once ----


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
