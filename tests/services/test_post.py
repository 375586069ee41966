"""Posted HITs on both databases: what SQLite forgives PostgreSQL does not, and rivals at one answer or one token."""

import datetime as dt
import threading

import pytest
import sqlalchemy as sa

from broker.errors import BrokerError, Conflict, Invalid, NotFound
from broker.rules import ledger
from broker.rules.posting import HitType, Status
from broker.services import block, bonus, claim, expire, extend, judge, post, review, submit
from broker.services.post import Order
from broker.store import money, posted, remembered, reviews
from broker.store.money import Account
from broker.store.work import Assignment
from tests.services import made
from tests.services.made import NOW, SECRET

REWARD, CREDIT = 50_000, 10_000_000
PAYLOAD = {"_question": {"sort": "external", "url": "https://lab.example.org/task"}}
HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)


class Lab:
    """A requester with a HIT type, and their workers."""

    def __init__(self, store):
        self.store = store
        self.ada = made.person(store, "requester", CREDIT)
        self.workers = made.crowd(store, 3)
        self.type = self.register()

    def do(self, act, *arguments, **more):
        with self.store.write() as unit:
            return act(unit, *arguments, **more)

    def register(self, **more):
        asked = HitType(**{"title": "Tone", "description": "A word", "reward": REWARD, "duration": 600} | more)
        return self.do(post.register, self.ada, asked, [], NOW).id

    def post(self, seats=2, lifetime=3600):
        return self.do(post.post, self.type, self.ada, Order(PAYLOAD, lifetime, seats=seats), NOW)

    def claim(self, worker, now=NOW, job=None):
        offer = self.do(claim.claim, job or self.type, self.workers[worker], [], now, SECRET)
        return None if offer is None else offer.assignment_id

    def work(self, worker, now=NOW):
        turn = self.claim(worker, now)
        self.do(submit.submit, turn, self.workers[worker], {"word": "calm"}, 3.0, now)
        return turn

    def line(self, hit, now=NOW):
        with self.store.read() as unit:
            return posted.one(unit, hit, self.ada, now)

    def state(self, turn):
        with self.store.read() as unit:
            return unit.session.get(Assignment, turn).state

    def balances(self):
        with self.store.read() as unit:
            rows = {one.name: one.balance for one in unit.session.scalars(sa.select(Account))}
        held = sum(balance for name, balance in rows.items() if name.startswith("escrow:"))
        return rows[ledger.person(self.ada)], held


@pytest.fixture
def lab(store):
    return Lab(store)


def test_a_hit_lives_and_its_money_with_it(lab):
    hit = lab.post(seats=3)
    assert lab.balances() == (CREDIT - 3 * REWARD, 3 * REWARD)
    first, second = lab.work(0), lab.work(1)
    lab.do(judge.judge, lab.type, NOW)
    lab.do(review.approve, first, lab.ada, "good", NOW)
    lab.do(review.reject, second, lab.ada, "bad", NOW)
    assert lab.balances() == (CREDIT - 3 * REWARD, 2 * REWARD)
    assert lab.do(expire.sweep, NOW + HOUR) == 1
    assert lab.balances() == (CREDIT - 2 * REWARD, REWARD)
    lab.do(extend.set_end, hit, lab.ada, NOW + 3 * HOUR, NOW + 2 * HOUR)
    lab.do(extend.add_seats, hit, lab.ada, 1, NOW + 2 * HOUR)
    assert lab.balances() == (CREDIT - 4 * REWARD, 3 * REWARD)
    assert lab.line(hit, NOW + 2 * HOUR).standing.status(NOW + 2 * HOUR) == Status.ASSIGNABLE
    lab.do(expire.sweep, NOW + 4 * HOUR)
    lab.do(expire.dispose, hit, lab.ada, NOW + 4 * HOUR)
    assert lab.do(review.release, NOW + 30 * DAY) == 1
    assert lab.balances() == (CREDIT - REWARD, 0)


@pytest.mark.parametrize("judged", [True, False])
def test_answers_are_approved_when_they_are_due_judged_or_not(lab, judged):
    lab.type = lab.register(approval=3600)
    lab.post()
    turn = lab.work(0)
    if judged:
        lab.do(judge.judge, lab.type, NOW)
    with lab.store.read() as unit:
        assert not reviews.any_due(unit, NOW + HOUR - dt.timedelta(seconds=1))
        assert reviews.any_due(unit, NOW + HOUR)
    assert lab.do(review.sweep, NOW + HOUR) == 1
    assert lab.state(turn) == "approved"
    assert lab.do(review.sweep, NOW + HOUR) == 0
    assert lab.line(lab.post()).job.answers == 1


def test_a_hit_moves_to_another_type_with_answers_money_and_due_times(lab):
    hit = lab.post(seats=3)
    turn = lab.work(0)
    lab.do(judge.judge, lab.type, NOW)
    other = lab.register(title="Another", reward=2 * REWARD, approval=60)
    lab.do(extend.set_type, hit, lab.ada, other, NOW)
    assert lab.balances() == (CREDIT - 5 * REWARD, 5 * REWARD)
    assert lab.claim(1) is None
    assert lab.claim(1, job=other) is not None
    assert lab.do(review.sweep, NOW + dt.timedelta(seconds=60)) == 1
    assert lab.state(turn) == "approved"
    line = lab.line(hit)
    assert (line.job.id, line.job.hits, line.job.answers) == (other, 1, 1)


def test_reviewable_hits_are_found(lab):
    full, open_, expired = lab.post(seats=1), lab.post(seats=2), lab.post(seats=1, lifetime=60)
    lab.work(0)
    later = NOW + dt.timedelta(seconds=60)
    with lab.store.read() as unit:
        found = posted.page(unit, lab.ada, later, posted.reviewable(later, reviewing=False))
        assert [one.hit.id for one in found] == [full, expired]
        assert [one.hit.id for one in posted.page(unit, lab.ada, later)] == [full, open_, expired]


def test_a_blocked_worker_is_barred_and_let_in(lab):
    lab.post(seats=3)
    lab.post(seats=3)
    assert lab.work(0)
    lab.do(block.block, lab.ada, lab.workers[0], "slow", NOW)
    assert lab.claim(0) is None
    lab.do(block.unblock, lab.ada, lab.workers[0])
    assert lab.claim(0) is not None


def test_old_hits_are_disposed_of_by_the_clock(lab):
    hit = lab.post()
    lab.do(expire.sweep, NOW + HOUR)
    assert lab.do(expire.forget, NOW + 120 * DAY) == 0
    assert lab.do(expire.forget, NOW + 120 * DAY + HOUR) == 1
    assert lab.line(hit).standing.disposed
    assert lab.balances() == (CREDIT, 0)


def test_a_stranger_s_type_and_a_wrong_order_are_refused(lab):
    with pytest.raises(NotFound):
        lab.do(post.post, lab.type, lab.ada + 1, Order(PAYLOAD, 60), NOW)
    for order in (Order(PAYLOAD, 29), Order(PAYLOAD, 60, seats=0), Order({}, 60)):
        with pytest.raises(Invalid):
            lab.do(post.post, lab.type, lab.ada, order, NOW)
    assert lab.balances() == (CREDIT, 0)


def at_once(*acts):
    """Do these in threads that start together; what each raised or gave."""
    gate, came = threading.Barrier(len(acts)), [None] * len(acts)

    def run(place, act):
        gate.wait()
        try:
            came[place] = act()
        except BrokerError as error:
            came[place] = error

    threads = [threading.Thread(target=run, args=one) for one in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return came


def test_of_rivals_at_one_answer_one_decides(lab):
    for _ in range(5):
        lab.post(seats=1)
        turn = lab.work(0)
        came = at_once(
            lambda turn=turn: lab.do(review.approve, turn, lab.ada, "", NOW),
            lambda turn=turn: lab.do(review.reject, turn, lab.ada, "", NOW),
            lambda: lab.do(judge.judge, lab.type, NOW),
        )
        assert sum(isinstance(one, Conflict) for one in came) == 1
        with lab.store.read() as unit:
            decided = unit.session.scalars(sa.select(reviews.Decision).where(reviews.Decision.assignment_id == turn))
            assert len(decided.all()) == 1
    available, held = lab.balances()
    with lab.store.read() as unit:
        earned = money.balance(unit, ledger.person(lab.workers[0]))
    assert available + held + earned == CREDIT


def test_of_rivals_with_one_token_one_is_new(lab):
    def ask():
        with lab.store.write() as unit:
            known = remembered.begin(unit, lab.ada, "HIT", "token", NOW)
            if known is None:
                hit = post.post(unit, lab.type, lab.ada, Order(PAYLOAD, 60), NOW)
                remembered.end(unit, lab.ada, "HIT", "token", {"hit": hit})
            return known

    came = at_once(ask, ask, ask)
    assert came.count(None) == 1
    with lab.store.read() as unit:
        (line,) = posted.page(unit, lab.ada, NOW)
    assert [one for one in came if one] == [{"hit": line.hit.id}] * 2


def test_the_same_type_asked_for_at_once_is_one_type(lab):
    asked = HitType("Race", "A word", REWARD, 600)
    came = at_once(*[lambda: lab.do(post.register, lab.ada, asked, [], NOW).id] * 3)
    assert len(set(came)) == 1


def test_bonuses_are_paid_once_each_and_sum_up(lab):
    lab.post()
    turn = lab.work(0)
    at_once(*[lambda: lab.do(bonus.give, turn, lab.ada, REWARD, "good", NOW)] * 3)
    with lab.store.read() as unit:
        assert money.balance(unit, ledger.person(lab.workers[0])) == 3 * REWARD
