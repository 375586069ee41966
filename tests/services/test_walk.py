"""The walk under a rush: redundancy holds exactly, whoever is first, late, absent or twice there."""

import random
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from broker.rules import ledger
from broker.services import judge, publish, settle, submit
from broker.store import money, turns
from broker.store.jobs import JobState
from broker.store.work import ANSWERED, Assignment, Hit, Turn
from tests.services import made
from tests.services.made import LEASE, NOW, RICH

THREADS = 16
ROWS, REDUNDANCY, MORE, REWARD = 8, 3, 2, 20_000


def rush(work, people):
    """All at once; gives what each returned, raises what any raised."""
    gate = threading.Barrier(len(people))

    def run(number, person):
        gate.wait()
        return work(number, person)

    with ThreadPoolExecutor(len(people)) as pool:
        return list(pool.map(run, range(len(people)), people))


def answers(store, job):
    """(HIT, worker, gold) of each answer that was kept."""
    with store.read() as unit:
        query = sa.select(Assignment.hit_id, Assignment.worker_id, Assignment.gold)
        return unit.session.execute(query.where(Assignment.job_id == job, Assignment.state.in_(ANSWERED))).all()


def ordinary_hits(store, job):
    with store.read() as unit:
        return unit.session.scalars(sa.select(Hit.id).where(Hit.job_id == job, Hit.gold_no.is_(None))).all()


def assert_exact(store, job, redundancy):
    kept = answers(store, job)
    pairs = Counter((row.hit_id, row.worker_id) for row in kept)
    assert set(pairs.values()) == {1}, "two answers of one worker to one HIT"
    per_hit = Counter(row.hit_id for row in kept if not row.gold)
    assert per_hit == dict.fromkeys(ordinary_hits(store, job), redundancy)


def restless(store, job):
    """A worker who returns some HITs, walks away from some, and answers the others, some of them twice."""

    def work(number, worker):
        dice = random.Random(number)
        while offer := made.take(store, job, worker):
            mood = dice.random()
            if mood < 0.1:
                with store.write() as unit:
                    submit.give_back(unit, offer.assignment_id, worker, NOW)
            elif mood < 0.2:
                return
            else:
                made.answer(store, offer.assignment_id, worker)
                assert mood < 0.8 or made.answer(store, offer.assignment_id, worker).repeated

    return work


def test_a_rush_on_the_last_seats_fills_each_exactly(store):
    job, _ = made.published(store, 3, redundancy=2)
    offers = rush(lambda _, worker: made.take(store, job, worker), made.crowd(store, THREADS))
    taken = Counter(offer.payload["text"] for offer in offers if offer)
    assert taken == {"text 1": 2, "text 2": 2, "text 3": 2}


def test_double_clicks_on_claim_share_the_seats_a_worker_may_hold(store):
    job, _ = made.published(store, 10)
    (worker,) = made.crowd(store, 1)
    offers = rush(lambda _, person: made.take(store, job, person), [worker] * 6)
    assert len({offer.assignment_id for offer in offers}) == 1


def test_the_same_answer_submitted_at_once_is_kept_once(store):
    job, _ = made.published(store, 1)
    (worker,) = made.crowd(store, 1)
    offer = made.take(store, job, worker)
    receipts = rush(lambda _, person: made.answer(store, offer.assignment_id, person), [worker] * 6)
    assert Counter(receipt.repeated for receipt in receipts) == {False: 1, True: 5}


def test_redundancy_holds_exactly_while_everything_happens_at_once(store):
    job, requester = made.published(store, ROWS, golds=4, redundancy=REDUNDANCY, gold_percent=20)
    workers = made.crowd(store, THREADS)
    over = threading.Event()

    def act(deed):
        with store.write() as unit:
            deed(unit)

    def clerk():
        # What the clock and the errands do, and a requester who changes her mind, all beside the workers.
        while not over.wait(0.005):
            act(lambda unit: judge.judge(unit, job, NOW))
            act(lambda unit: settle.settle(unit, job, NOW))
            act(lambda unit: submit.sweep(unit, NOW))

    def requester_adds():
        for _ in range(MORE):
            act(lambda unit: publish.add_answers(unit, job, requester, 1, NOW))

    with ThreadPoolExecutor(2) as pool:
        beside = [pool.submit(clerk), pool.submit(requester_adds)]
        try:
            rush(restless(store, job), workers)
            beside[1].result()
        finally:
            over.set()
        beside[0].result()
    later = NOW + LEASE
    made.sweep(store, later)
    for worker in workers:
        made.work(store, job, worker, later)
    made.run_errands(store, later)
    assert_exact(store, job, REDUNDANCY + MORE)
    assert made.job_row(store, job).state == JobState.DONE
    paid = len(answers(store, job)) * REWARD
    with store.read() as unit:
        assert turns.outstanding(unit, job) == 0
        assert money.balance(unit, ledger.escrow(job)) == 0
        assert money.balance(unit, ledger.person(requester)) == RICH - paid


def test_a_lapsed_lease_goes_to_another_exactly_once(store):
    job, _ = made.published(store, 1, redundancy=1)
    first, *others = made.crowd(store, 6)
    made.take(store, job, first)
    assert rush(lambda _, worker: made.take(store, job, worker), others) == [None] * 5
    later = NOW + LEASE
    rush(lambda _, __: made.sweep(store, later), others)
    offers = rush(lambda _, worker: made.take(store, job, worker, later), others)
    assert sum(offer is not None for offer in offers) == 1


def test_no_seat_is_given_once_the_money_went_back(store):
    job, requester = made.published(store, 6, redundancy=2)

    def work(number, person):
        if number == 0:
            with store.write() as unit:
                publish.stop(unit, job, requester, NOW)
            made.run_errands(store)
        else:
            restless(store, job)(number, person)

    rush(work, [requester, *made.crowd(store, 7)])
    made.sweep(store, NOW + LEASE)
    made.run_errands(store)
    paid = len(answers(store, job)) * REWARD
    with store.read() as unit:
        assert money.balance(unit, ledger.escrow(job)) == 0
        assert money.balance(unit, ledger.person(requester)) == RICH - paid


def test_a_lease_that_ran_out_comes_back_to_a_worker_who_is_alone(store):
    job, _ = made.published(store, 1, redundancy=2)
    first, second = made.crowd(store, 2)
    lost = made.take(store, job, first)
    later = NOW + LEASE
    made.sweep(store, later)
    offer = made.take(store, job, first, later)
    assert offer.payload == lost.payload
    assert offer.assignment_id != lost.assignment_id
    made.answer(store, offer.assignment_id, first, now=later)
    made.work(store, job, second, later)
    assert_exact(store, job, 2)


def test_the_database_itself_refuses_two_turns_of_one_worker_at_one_hit(store):
    job, _ = made.published(store, 1)
    (worker,) = made.crowd(store, 1)
    made.take(store, job, worker)
    (hit,) = ordinary_hits(store, job)
    values = {"job_id": job, "hit_id": hit, "worker_id": worker, "gold": False, "reward": 0}
    with pytest.raises(sa.exc.IntegrityError), store.write() as unit:
        unit.session.execute(sa.insert(Assignment).values(state="accepted", accepted_at=NOW, deadline=NOW, **values))
    with store.read() as unit:
        states = unit.session.scalars(sa.select(Assignment.state).where(Assignment.job_id == job)).all()
    assert states == [Turn.ACCEPTED]
