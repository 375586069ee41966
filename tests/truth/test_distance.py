"""Medoid and alpha over any likeness."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.truth.distance import Medoid, alpha, medoid

numbers = st.lists(st.integers(0, 100), min_size=1, max_size=12)


def near(a, b):
    return 1.0 - abs(a - b) / 100


def same(a, b):
    return float(a == b)


def test_the_medoid_lies_in_the_middle():
    assert medoid([0, 40, 50, 55, 100], near) == Medoid(2, pytest.approx((0.5 + 0.9 + 0.95 + 0.5) / 4))


def test_weights_decide_between_two():
    assert medoid([0, 100], same, [1.0, 2.0]) == Medoid(1, 0.0)
    assert medoid([0, 100], same).place == 0


def test_a_vote_without_weight_has_no_say():
    assert medoid([1, 2, 2, 2], same, [1.0, 0.0, 0.0, 0.0]) == Medoid(0, 1.0)


@given(numbers)
def test_the_medoid_maximises_the_likeness_to_all(votes):
    place, support = medoid(votes, near)
    totals = [sum(near(a, b) for b in votes) for a in votes]
    assert totals[place] == pytest.approx(max(totals))
    assert 0.0 <= support <= 1.0


@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=9))
def test_with_equality_the_medoid_is_the_majority(votes):
    chosen = votes[medoid(votes, same).place]
    assert votes.count(chosen) == max(votes.count(vote) for vote in votes)


@given(numbers, st.integers(0, 11))
def test_the_unanimous_are_believed(votes, number):
    place, support = medoid([number] * len(votes), near)
    assert (place, support) == (0, 1.0)


def test_no_votes_and_unlike_weights_are_refused():
    with pytest.raises(ValueError, match="no votes"):
        medoid([], same)
    with pytest.raises(ValueError, match="2 votes have 1 weights"):
        medoid([1, 2], same, [1.0])


def test_alpha_is_one_for_agreement_and_low_for_noise():
    assert alpha([[1, 1], [50, 50], [90, 90, 90]], near) == 1.0
    assert alpha([[1, 90], [90, 1]], near) < 0.0


def test_alpha_is_none_where_nothing_can_be_said():
    assert alpha([[1], [2]], near) is None
    assert alpha([], near) is None
    assert alpha([[7, 7], [7, 7]], near) is None


@pytest.mark.parametrize("order", ["mixed", "grouped", "alternating"])
def test_sampled_expectation_is_close_to_the_exact_one(order):
    centres = [(place * 37) % 100 for place in range(400)]
    if order == "grouped":
        centres.sort()
    if order == "alternating":
        centres = [(place % 2) * 100 for place in range(400)]
    units = [[centre, min(centre + 7, 100), max(centre - 9, 0)] for centre in centres]
    exact = alpha(units, near, comparisons=1_000_000)
    assert alpha(units, near, comparisons=20_000) == pytest.approx(exact, abs=0.03)
