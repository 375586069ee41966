"""The gold schedule: one in each block, none twice, unpredictable without the key, denser for newcomers."""

import math
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from broker.rules import gold

SECRET, OTHER = b"k" * 64, b"l" * 64
PERCENT = st.integers(1, 50)
IDS = st.integers(1, 2**40)


def schedule(percent, count, secret=SECRET, job=1, worker=1):
    draw = gold.drawer(secret, job, worker)
    return [gold.due(served, percent, draw) for served in range(count)]


def blocks(percent, count):
    start = 0
    for number in range(count):
        length = gold.block_length(number, percent)
        yield number, start, start + length
        start += length


@given(percent=PERCENT, job=IDS, worker=IDS)
def test_each_block_holds_its_one_gold(percent, job, worker):
    spans = list(blocks(percent, 8))
    due = schedule(percent, spans[-1][2], job=job, worker=worker)
    for number, start, end in spans:
        assert [one for one in due[start:end] if one is not None] == [number]


@given(percent=PERCENT)
def test_newcomers_meet_gold_at_least_as_often_and_at_most_twice_as_often(percent):
    early, late = gold.block_length(0, percent), gold.block_length(gold.DENSE_BLOCKS, percent)
    assert late / 2 - 1 < early <= late
    assert late == max(1, round(100 / percent))


def test_newcomers_meet_gold_twice_as_often():
    assert [gold.block_length(number, 5) for number in range(5)] == [10, 10, 10, 20, 20]


@given(golds=st.integers(1, 300), job=IDS, worker=IDS)
def test_no_gold_comes_twice_and_all_come_before_the_end(golds, job, worker):
    draw = gold.drawer(SECRET, job, worker)
    assert sorted(gold.which(number, golds, draw) for number in range(golds)) == list(range(golds))
    assert gold.which(golds, golds, draw) is None


def test_no_gold_is_due_where_none_is_wanted():
    assert schedule(0, 50) == [None] * 50


def test_the_schedule_cannot_be_told_without_the_key():
    def mine(secret, job, worker):
        return tuple(place for place, one in enumerate(schedule(5, 400, secret, job, worker)) if one is not None)

    schedules = {mine(secret, job, worker) for secret in (SECRET, OTHER) for job in (1, 2) for worker in range(20)}
    assert len(schedules) == 80
    assert mine(SECRET, 1, 1) == mine(SECRET, 1, 1)


def test_gold_falls_on_every_place_of_a_block_alike():
    places = Counter(schedule(5, 10, worker=worker).index(0) for worker in range(2000))
    spread = math.sqrt(2000 * 0.1 * 0.9)
    assert all(abs(places[place] - 200) < 5 * spread for place in range(10))


def test_all_golds_are_used_alike_as_the_first_one():
    first = Counter(gold.which(0, 10, gold.drawer(SECRET, 1, worker)) for worker in range(2000))
    assert all(abs(first[number] - 200) < 5 * math.sqrt(180) for number in range(10))
