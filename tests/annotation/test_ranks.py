"""Whose answers tell more: nobody is judged by few answers, and whoever is like all others ranks with them."""

from broker.annotation.ranks import ranked, ranked_alike
from broker.truth.adaptive import fit
from broker.truth.answers import Answers
from broker.truth.routing import KNOWN_AFTER
from tests.annotation.test_weigh import answered, found

LABELS = ("cat", "dog", "bird")


def answers(items, *ways):
    """Answers of a worker per way to so many items, whose truths take turns."""
    rows = [(item, worker, LABELS[(item + way(item)) % 3]) for item in range(items) for worker, way in enumerate(ways)]
    return Answers.from_columns(*zip(*rows, strict=True))


def right(_):
    return 0


def often_right(item):
    return item % 4 == 0


def anything(item):
    return item * item // 3 + item // 5


def test_those_whose_answers_tell_less_rank_lower_and_those_who_tell_nothing_last():
    some = answers(60, right, right, often_right, anything)
    assert ranked(some, fit(some)) == {0: 0, 1: 0, 2: 1, 3: 2}


def test_nobody_ranks_lower_by_few_answers():
    few = answers(KNOWN_AFTER - 1, right, right, often_right, anything)
    assert set(ranked(few, fit(few)).values()) == {0}


def test_where_all_are_alike_all_rank_first():
    alike = answers(30, right, right, right)
    assert set(ranked(alike, fit(alike)).values()) == {0}


def test_a_model_without_tables_ranks_nobody():
    some = answers(30, right, anything)
    assert ranked(some, fit(some, model="majority")) == {}


def test_where_answers_are_only_more_or_less_alike_belief_ranks():
    assert ranked_alike(found(answered()[0])) == {1: 0, 2: 0, 3: 1, 4: 1}
    assert set(ranked_alike(found(answered(hits=KNOWN_AFTER // 2)[0])).values()) == {0}
