"""Answers that are looked at before they are paid: what requester, worker and admin do about them on their pages."""

import re

import pytest

from broker.rules import ledger
from broker.rules.posting import APPEAL, OVERRIDE, HitType
from broker.services import claim, expire, judge, post, review, settle, submit
from broker.services.post import Order
from broker.store import money, reviews
from broker.store.jobs import Job
from tests.doors.visiting import publish_job

REWARD = 20_000


class Scene:
    """A job whose requester looks at answers first, one worker with an answer, an admin."""

    def __init__(self, site, approval=86_400):
        self.site, self.store, self.clock = site, site.store, site.clock
        self.ada = site.logged_in("ada", "requester", credit=1_000_000)
        self.bob = site.logged_in("bob", "worker")
        self.root = site.logged_in("root", "admin")
        with self.store.read() as unit:
            people = {one.name: one for one in unit.session.query(reviews.Person)}
        self.requester, self.worker = people["Ada"], people["Bob"]
        self.job = publish_job(self.store, self.requester, self.clock(), approval_seconds=approval, redundancy=1)
        self.path = f"/jobs/{site.broker.names('J').show(self.job)}/answers"
        self.turn = self.answer()
        self.name = site.broker.names("T").show(self.turn)
        self.mine = f"/work/answers/{self.name}"

    def answer(self):
        with self.store.write() as unit:
            offer = claim.claim(unit, self.job, self.worker.id, [], self.clock(), self.site.broker.secret)
        with self.store.write() as unit:
            answer = {"category": {"label": "calm"}}
            submit.submit(unit, offer.assignment_id, self.worker.id, answer, 4.0, self.clock())
            judge.judge(unit, self.job, self.clock())
        self.settle()
        return offer.assignment_id

    def settle(self):
        with self.store.write() as unit:
            settle.settle(unit, self.job, self.clock())

    def state(self):
        with self.store.read() as unit:
            return unit.session.get(reviews.Assignment, self.turn).state

    def balance(self, account):
        with self.store.read() as unit:
            return money.balance(unit, account)

    def earned(self):
        return self.balance(ledger.person(self.worker.id))

    def act(self, act, **form):
        return self.ada.post(f"{self.path}/{self.name}/{act}", form)

    def reject(self):
        return self.act("reject", reason="random", feedback="You chose calm for a shouted message.")


@pytest.fixture
def scene(site):
    return Scene(site)


def test_an_answer_waits_for_its_requester_and_is_then_paid(scene):
    scene.settle()
    assert (scene.state(), scene.earned()) == ("submitted", 0)
    assert scene.name in scene.ada.get(scene.path).text
    assert scene.act("approve", praise="Well seen").status_code == 303
    assert (scene.state(), scene.earned()) == ("approved", REWARD)
    assert "Well seen" in scene.bob.get(scene.mine).text
    assert scene.name not in scene.ada.get(scene.path).text
    assert scene.name in scene.ada.get(f"{scene.path}?state=approved").text


def test_several_answers_are_approved_at_once(scene):
    names = [scene.name, scene.site.broker.names("T").show(scene.answer())]
    assert scene.ada.post(f"{scene.path}/approve", {"answer": names}).status_code == 303
    assert scene.earned() == 2 * REWARD
    assert scene.ada.post(f"{scene.path}/approve", {"answer": [*names, "T0"]}).status_code == 303
    assert scene.earned() == 2 * REWARD


def test_an_answer_nobody_looks_at_is_approved_by_the_clock(scene):
    scene.clock.move(days=1)
    with scene.store.write() as unit:
        assert review.sweep(unit, scene.clock()) == 1
    assert (scene.state(), scene.earned()) == ("approved", REWARD)
    assert "By the clock" in scene.bob.get(scene.mine).text


def test_a_rejection_needs_a_reason_of_the_list_and_words(scene):
    for form in ({}, {"reason": "ugly", "feedback": "no"}, {"reason": "random", "feedback": " "}):
        answer = scene.act("reject", **form)
        assert answer.status_code == 422
        assert "There is a problem" in answer.text or "There are 2 problems" in answer.text
    assert scene.state() == "submitted"


def test_a_rejection_is_read_with_its_reason(scene):
    assert scene.reject().status_code == 303
    page = scene.bob.get(scene.mine).text
    assert "You chose calm for a shouted message." in page
    assert "The answers look random" in page
    assert "Rejected" in scene.bob.get("/work/history").text


def test_an_appeal_that_is_upheld_pays_the_worker_and_not_twice(scene):
    scene.reject()
    assert scene.bob.post(f"{scene.mine}/appeal", {"text": "It was a quote."}).status_code == 303
    page = scene.root.get("/admin/appeals").text
    assert "It was a quote." in page
    form = re.search(r'action="(/admin/appeals/(A[0-9A-Z]+))"', page)
    ruling = {"ruling": "uphold", f"answer_{form[2]}": "The worker is right."}
    assert scene.root.post(form[1], ruling).status_code == 303
    assert (scene.state(), scene.earned()) == ("approved", REWARD)
    assert scene.root.post(form[1], ruling).status_code == 409
    assert scene.earned() == REWARD
    assert "The worker is right." in scene.bob.get(scene.mine).text
    assert "The worker is right." in scene.root.get("/admin/audit").text


def test_an_appeal_that_is_dismissed_leaves_the_rejection(scene):
    scene.reject()
    scene.bob.post(f"{scene.mine}/appeal", {"text": "It was a quote."})
    form = re.search(r'action="(/admin/appeals/(A[0-9A-Z]+))"', scene.root.get("/admin/appeals").text)
    assert scene.root.post(form[1], {"ruling": "dismiss", f"answer_{form[2]}": ""}).status_code == 422
    scene.root.post(form[1], {"ruling": "dismiss", f"answer_{form[2]}": "It says so in the guide."})
    assert (scene.state(), scene.earned()) == ("rejected", 0)
    assert "It says so in the guide." in scene.bob.get(scene.mine).text


def test_one_appeals_once_in_time_and_for_oneself(scene):
    scene.reject()
    eve = scene.site.logged_in("eve", "worker")
    assert eve.post(f"{scene.mine}/appeal", {"text": "me too"}).status_code == 404
    assert eve.get(scene.mine).status_code == 404
    assert scene.bob.post(f"{scene.mine}/appeal", {"text": " "}).status_code == 422
    scene.clock.move(days=APPEAL.days, seconds=1)
    scene.bob.post(f"{scene.mine}/appeal", {"text": "late"})
    assert "late" not in scene.root.get("/admin/appeals").text
    scene.clock.move(days=-1)
    scene.bob.post(f"{scene.mine}/appeal", {"text": "in time"})
    scene.bob.post(f"{scene.mine}/appeal", {"text": "one more word"})
    page = scene.root.get("/admin/appeals").text
    assert "in time" in page
    assert "one more word" not in page


def test_a_requester_may_give_in_and_an_appeal_then_pays_nothing_more(scene):
    scene.reject()
    scene.bob.post(f"{scene.mine}/appeal", {"text": "It was a quote."})
    assert scene.act("approve").status_code == 303
    form = re.search(r'action="(/admin/appeals/(A[0-9A-Z]+))"', scene.root.get("/admin/appeals").text)
    scene.root.post(form[1], {"ruling": "uphold", f"answer_{form[2]}": "Right."})
    assert scene.earned() == REWARD


def escrow(scene):
    return scene.balance(ledger.escrow(scene.job))


def test_what_was_rejected_stays_set_aside_till_nothing_can_overturn_it(scene):
    scene.reject()
    scene.ada.post(scene.path.replace("/answers", "/stop"))
    scene.settle()
    assert escrow(scene) == REWARD
    for delta in (OVERRIDE.days - 1, 1):
        with scene.store.write() as unit:
            assert review.release(unit, scene.clock()) == 0
        scene.clock.move(days=delta)
    scene.bob.post(f"{scene.mine}/appeal", {"text": "late"})
    with scene.store.write() as unit:
        assert review.release(unit, scene.clock()) == 1
        assert review.release(unit, scene.clock()) == 0
    assert escrow(scene) == 0
    assert scene.balance(ledger.person(scene.requester.id)) == 1_000_000
    assert scene.earned() == 0


def test_an_open_appeal_keeps_the_money_set_aside(scene):
    scene.reject()
    scene.bob.post(f"{scene.mine}/appeal", {"text": "It was a quote."})
    scene.clock.move(days=365)
    with scene.store.write() as unit:
        assert review.release(unit, scene.clock()) == 0


def test_a_bonus_comes_from_what_the_requester_can_spend(scene):
    before = scene.balance(ledger.person(scene.requester.id))
    assert scene.act("bonus", amount="0.10", why="Very careful").status_code == 303
    assert scene.earned() == 100_000
    assert scene.balance(ledger.person(scene.requester.id)) == before - 100_000
    assert "Very careful" in scene.bob.get(scene.mine).text
    assert "Bonus" in scene.bob.get("/work/earnings").text
    for form in ({"amount": "", "why": "x"}, {"amount": "1", "why": " "}):
        assert scene.act("bonus", **form).status_code == 422
    assert scene.act("bonus", amount="99", why="x").status_code == 402
    assert scene.earned() == 100_000


def test_a_message_is_read_in_the_inbox(scene):
    assert scene.act("write", subject="Hello", text="x").status_code == 409
    scene.act("approve")
    assert scene.act("write", subject="More on Monday", text="Come\nback.").status_code == 303
    assert "New" in scene.bob.get("/work/inbox").text
    page = scene.bob.get("/work/inbox").text
    assert "More on Monday" in page
    assert ">New<" not in page


def test_a_blocked_worker_gets_nothing_and_reads_why(scene):
    scene.act("block", block_reason="too fast")
    with scene.store.write() as unit:
        assert claim.claim(unit, scene.job, scene.worker.id, [], scene.clock(), scene.site.broker.secret) is None
    assert "Tone of messages" not in scene.bob.get("/work").text
    assert "too fast" in scene.bob.get("/work/inbox").text
    scene.act("unblock")
    assert "Tone of messages" in scene.bob.get("/work").text
    scene.answer()


def test_strangers_see_and_do_nothing(scene):
    mallory = scene.site.logged_in("mallory", "requester")
    assert mallory.get(scene.path).status_code == 404
    assert mallory.get(f"{scene.path}/{scene.name}").status_code == 404
    for act in ("approve", "reject", "bonus", "write", "block"):
        assert mallory.post(f"{scene.path}/{scene.name}/{act}").status_code == 404
    other = publish_job(scene.store, scene.requester, scene.clock())
    path = f"/jobs/{scene.site.broker.names('J').show(other)}/answers/{scene.name}"
    assert scene.ada.get(path).status_code == 404
    assert scene.bob.get("/admin/appeals").status_code == 403
    assert scene.state() == "submitted"


def test_a_job_without_a_time_to_look_pays_once_judged(site):
    scene = Scene(site, approval=None)
    assert (scene.state(), scene.earned()) == ("approved", REWARD)
    assert scene.reject().status_code == 409


def test_the_hits_of_a_type_expire_when_it_is_stopped(site):
    ada = site.logged_in("ada", "requester", credit=1_000_000)
    with site.store.write() as unit:
        person = unit.session.query(reviews.Person).filter_by(name="Ada").one()
        asked = HitType("Tone", "One word", REWARD, 600)
        job = post.register(unit, person.id, asked, [], site.clock())
        payload = {"_question": {"sort": "external", "url": "https://lab.example.org"}}
        post.post(unit, job.id, person.id, Order(payload, 3600, seats=2), site.clock())
    path = f"/jobs/{site.broker.names('J').show(job.id)}"
    assert ada.post(f"{path}/more", {"more": "1"}).status_code == 409
    assert ada.post(f"{path}/stop").status_code == 303
    with site.store.write() as unit:
        expire.sweep(unit, site.clock())
        assert money.balance(unit, ledger.person(person.id)) == 1_000_000
        assert unit.session.get(Job, job.id).state == "open"
