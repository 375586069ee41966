"""The HIT page's JSON door: claim, submit, return, more time, problem, leave; who may not, and what is refused."""

import sqlalchemy as sa

from broker.rules.lease import MOST_HELD
from broker.rules.order import Rank
from broker.services import rank, submit
from broker.store import talk
from broker.store.jobs import Job
from broker.store.work import Hit
from tests.doors.conftest import TEXTS, choice, turns

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


def test_who_is_to_wait_for_better_workers_is_told_so_and_still_sees_the_job(hands):
    requester, better, worker = hands.person("rita", "requester"), hands.person("bea"), hands.person("walt")
    job = hands.job(requester, redundancy=2, most=4)
    row = hands.row("J", job)
    assert hands.page(better, job).claim().json["assignment"]
    page = hands.page(worker, job)
    held = page.claim().json["assignment"]
    assert page.submit(held, claim=False).json["accepted"]
    with hands.store.write() as unit:
        unit.session.execute(sa.update(Hit).where(Hit.job_id == row).values(band=2))
        unit.session.execute(sa.update(Job).where(Job.id == row).values(bands=4))
        rank.rank(unit, row, {worker.id: Rank.LATER})
    reply = page.claim().json
    assert reply["message"] == "Others come first for the HITs that are left in this job. Look again in a few minutes."
    assert (reply["assignment"], reply["left"]) == (None, 0)
    assert "Tone of messages" in page.client.get("/work").text
    hands.wait(121)
    assert page.claim().json["assignment"]


# ---- Input nobody should send ----


# ---- Who may not ----


# ---- States of a job ----


# ---- At once ----
