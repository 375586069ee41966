"""CLAIM: who gets which HIT when, and that nothing tells gold from others."""

import pytest
import sqlalchemy as sa

from broker.errors import NotFound
from broker.rules import gold, lease
from broker.services import claim, publish, submit
from broker.store.db import Store
from broker.store.express import Code
from broker.store.work import Assignment
from tests.services import made
from tests.services.made import LEASE, NOW, SECRET


def golds_of(store, worker):
    """(HIT, whether it is gold) of the worker's assignments, in their order."""
    with store.read() as unit:
        query = sa.select(Assignment.hit_id, Assignment.gold).where(Assignment.worker_id == worker)
        return unit.session.execute(query.order_by(Assignment.id)).all()


def test_hits_come_in_the_order_of_the_file_each_once(store):
    job, _ = made.published(store, 4)
    (worker,) = made.crowd(store, 1)
    seen = []
    while offer := made.take(store, job, worker):
        seen.append(offer.payload["text"])
        made.answer(store, offer.assignment_id, worker)
    assert seen == ["text 1", "text 2", "text 3", "text 4"]


def test_an_unknown_job_is_not_found(store):
    with pytest.raises(NotFound):
        made.take(store, 12345, made.person(store, "worker"))


def test_what_is_held_and_not_on_screen_is_offered_again(store):
    job, _ = made.published(store, 4)
    (worker,) = made.crowd(store, 1)
    first = made.take(store, job, worker)
    assert made.take(store, job, worker) == first
    second = made.take(store, job, worker, have=[first.assignment_id])
    assert second.assignment_id != first.assignment_id
    assert first.deadline == NOW + LEASE


def test_what_another_device_gives_back_meanwhile_is_not_waited_for(postgres_database):
    store = Store(postgres_database)
    job, _ = made.published(store, 4)
    (worker,) = made.crowd(store, 1)
    held = made.take(store, job, worker)
    with store.write() as unit:
        turn, codes = unit.turn, []

        def and_meanwhile(ask, gold):
            given = turn(ask, gold)
            codes.append(given.code)
            with store.write() as other:
                submit.give_back(other, held.assignment_id, worker, NOW)
            return given

        unit.turn = and_meanwhile
        found = claim.claim(unit, job, worker, [], NOW, SECRET)
    assert codes[0] == Code.HELD
    assert found.assignment_id != held.assignment_id
    store.close()


def test_nobody_holds_more_than_the_page_needs_but_a_lapsed_lease_frees_its_place(store):
    job, _ = made.published(store, 9)
    (worker,) = made.crowd(store, 1)
    have = []
    while offer := made.take(store, job, worker, have=have):
        have.append(offer.assignment_id)
    assert len(have) == lease.MOST_HELD
    assert made.take(store, job, worker, NOW + LEASE, have) is not None


def test_gold_comes_as_scheduled_and_never_twice_to_a_worker(store):
    job, _ = made.published(store, 40, golds=4, gold_percent=20, redundancy=2)
    for worker in made.crowd(store, 2):
        draw = gold.drawer(SECRET, job, worker)
        made.work(store, job, worker)
        got = golds_of(store, worker)
        number = 0
        for served, row in enumerate(got):
            due = gold.due(served, 20, draw)
            assert row.gold == (due is not None and due < 4)
            number += row.gold
        golds = [row.hit_id for row in got if row.gold]
        assert len(set(golds)) == len(golds) == number
        assert number > 0


def test_a_gold_that_was_returned_or_ran_out_never_comes_back(store):
    job, _ = made.published(store, 30, golds=2, gold_percent=50, redundancy=1)
    (worker,) = made.crowd(store, 1)
    now = NOW
    for turn in range(20):
        offer = made.take(store, job, worker, now)
        if turn % 2:
            now += LEASE
            made.sweep(store, now)
        else:
            with store.write() as unit:
                submit.give_back(unit, offer.assignment_id, worker, now)
    golds = [row.hit_id for row in golds_of(store, worker) if row.gold]
    assert len(golds) == len(set(golds)) == 2


def test_nothing_in_an_offer_tells_gold_from_others(store):
    columns = ("text", "truth", "note")
    job, _ = made.published(store, 12, golds=6, gold_percent=50, redundancy=1, columns=columns)
    (worker,) = made.crowd(store, 1)
    offers = []
    while offer := made.take(store, job, worker):
        offers.append(offer)
        made.answer(store, offer.assignment_id, worker)
    kinds = [row.gold for row in golds_of(store, worker)]
    assert set(kinds) == {True, False}
    fields = set(offers[0]._fields)
    assert fields == {"assignment_id", "hit_id", "payload", "deadline", "reward"}
    assert all(set(offer.payload) == {"text"} for offer in offers), "the gold column reached a worker"
    assert {(offer.reward, offer.deadline) for offer in offers} == {(20_000, NOW + LEASE)}


def test_the_gold_column_is_hidden_even_where_no_gold_is_asked_for(store):
    job, _ = made.published(store, 2, gold_column="truth", gold_percent=0)
    offer = made.take(store, job, made.person(store, "worker"))
    assert set(offer.payload) == {"text"}


@pytest.mark.parametrize("act", ["pause", "stop"])
def test_a_job_that_does_not_run_hands_out_nothing_new_but_keeps_what_is_held(store, act):
    job, requester = made.published(store, 4)
    worker, other = made.crowd(store, 2)
    held = made.take(store, job, worker)
    with store.write() as unit:
        getattr(publish, act)(unit, job, requester, *([NOW] if act == "stop" else []))
    assert made.take(store, job, other) is None
    assert made.take(store, job, worker) == held
    assert not made.answer(store, held.assignment_id, worker).repeated
    assert made.take(store, job, worker) is None


def test_added_answers_reach_workers_who_had_come_to_the_end(store):
    job, requester = made.published(store, 2, redundancy=1)
    first, second = made.crowd(store, 2)
    assert (made.work(store, job, first), made.work(store, job, second)) == (2, 0)
    with store.write() as unit:
        publish.add_answers(unit, job, requester, 1, NOW)
    assert (made.work(store, job, first), made.work(store, job, second)) == (0, 2)
