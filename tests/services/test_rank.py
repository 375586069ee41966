"""RANK: whose answers tell most meets the HITs whose answers disagree; others when nobody better is at hand."""

import datetime as dt
import random

import pytest

from broker.rules.gold import NEVER
from broker.rules.order import AT_HAND, Rank
from broker.services import block, conclude, rank
from broker.store import hits, ranks
from broker.store.work import Cursor, Hit
from tests.services import made
from tests.services.made import NOW

ITEMS = 40
SOON = NOW + dt.timedelta(minutes=1)
LATER = NOW + AT_HAND[Rank.LATER] + dt.timedelta(seconds=1)
MUCH_LATER = NOW + AT_HAND[Rank.LAST] + dt.timedelta(seconds=1)


def label(store, job, worker, how, now=NOW, most=ITEMS):
    """Have the worker answer HITs, `how` making a label of a HIT's text."""
    for _ in range(most):
        offer = made.take(store, job, worker, now)
        if offer is None:
            return
        made.answer(store, offer.assignment_id, worker, how(offer.payload["text"]), now)


def careful(text):
    return made.LABELS[int(text.split()[1]) % 3]


def mostly(text):
    """Right on three of four."""
    number = int(text.split()[1])
    return made.LABELS[(number + (number % 4 == 0)) % 3]


@pytest.fixture
def scene(store):
    """An adaptive job with uncertain HITs, answered by two careful workers, one so-so and one who clicks anywhere."""
    job, requester = made.published(store, ITEMS, redundancy=4, most=8, sure=0.9)
    people = made.crowd(store, 4)
    dice = random.Random(3)
    ways = [careful, careful, mostly, lambda _: dice.choice(made.LABELS)]
    for worker, how in zip(people, ways, strict=True):
        label(store, job, worker, how)
        made.run_errands(store)  # which judge so many answers at a time
    with store.write() as unit:
        gathered = conclude.gather(unit, job)
        inferred = conclude.infer(gathered)
        conclude.keep(unit, job, gathered, inferred, NOW)
        open_now = unit.session.query(Hit.id).where(Hit.job_id == job, Hit.open).count()
    assert open_now > 0
    return job, requester, people, inferred.ranks


def test_those_whose_answers_tell_less_are_ranked_lower(scene):
    _, _, (first, second, third, fourth), found = scene
    assert found == {first: Rank.FIRST, second: Rank.FIRST, third: Rank.LATER, fourth: Rank.LAST}


@pytest.fixture
def applied(store, scene):
    """The same once the ranks are noted, and a fresh worker of each rank, who has had none of the uncertain HITs."""
    job, _, _, _ = scene
    fresh = dict(zip(Rank, made.crowd(store, 3), strict=True))
    with store.write() as unit:
        for worker in fresh.values():
            hits.begin(unit, job, worker, NEVER)
        rank.rank(unit, job, {worker: one for one, worker in fresh.items()})
    return job, fresh


def test_uncertain_hits_go_to_the_best_first(store, applied):
    job, fresh = applied
    label(store, job, fresh[Rank.FIRST], careful, most=1)
    assert made.take(store, job, fresh[Rank.LATER], SOON) is None
    assert made.take(store, job, fresh[Rank.LAST], SOON) is None
    assert made.take(store, job, fresh[Rank.FIRST], SOON) is not None


def test_others_get_them_when_nobody_better_is_at_hand(store, applied):
    job, fresh = applied
    label(store, job, fresh[Rank.FIRST], careful, most=1)
    assert made.take(store, job, fresh[Rank.LAST], LATER) is None
    label(store, job, fresh[Rank.LATER], careful, LATER, most=1)
    assert made.take(store, job, fresh[Rank.LAST], MUCH_LATER) is None, "the middling one was there a day ago"
    assert made.take(store, job, fresh[Rank.LAST], MUCH_LATER + AT_HAND[Rank.LATER]) is not None


def test_who_has_become_better_meets_what_they_passed_over(store, applied):
    job, fresh = applied
    label(store, job, fresh[Rank.FIRST], careful, most=1)
    with store.write() as unit:
        rank.rank(unit, job, {fresh[Rank.LAST]: Rank.FIRST})
    assert made.take(store, job, fresh[Rank.LAST], SOON) is not None


def test_what_they_passed_over_counts_as_left(store, applied):
    job, fresh = applied
    with store.read() as unit:
        row = unit.session.get(made.Job, job)
        left = {
            one: hits.left_for(unit, row, fresh[one], hits.place(unit, job, fresh[one])[0], limit=99) for one in Rank
        }
    assert left[Rank.FIRST] == left[Rank.LATER] == left[Rank.LAST] > 0


def test_a_hit_that_opens_again_is_everybodys(store, applied):
    job, fresh = applied
    held = made.take(store, job, fresh[Rank.FIRST])
    made.sweep(store, held.deadline)
    assert made.take(store, job, fresh[Rank.LAST], held.deadline).hit_id == held.hit_id


def test_ordinary_hits_and_fixed_plans_know_no_ranks(store):
    job, _ = made.published(store, 3)
    (worker,) = made.crowd(store, 1)
    with store.write() as unit:
        hits.begin(unit, job, worker, NEVER)
        rank.rank(unit, job, {worker: Rank.LAST})
        assert unit.session.get(Cursor, (job, worker)).rank == Rank.FIRST
        ranks.write(unit, job, {worker: Rank.LAST}, 3)
    assert made.take(store, job, worker) is not None


def test_who_is_barred_stays_barred_whatever_their_rank(store, scene):
    job, requester, (_, _, _, worst), _ = scene
    with store.write() as unit:
        block.block(unit, requester, worst, "clicks anywhere", NOW)
        rank.rank(unit, job, {worst: Rank.LAST})
        assert set(hits.place(unit, job, worst)[0]) == {NEVER}
        rank.rank(unit, job, {worst: Rank.FIRST})
        assert set(unit.session.get(Cursor, (job, worst)).pos) == {NEVER}
    assert made.take(store, job, worst, MUCH_LATER) is None
