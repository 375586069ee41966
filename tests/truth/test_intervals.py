"""Marks in texts and time: matched, compared, and agreed on by several people."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.truth.intervals import Stretch, consensus, likeness, overlap, pairs

MARKS = st.lists(
    st.builds(
        lambda start, long, label: Stretch(start, start + long, label),
        st.integers(0, 20),
        st.integers(1, 9),
        st.sampled_from("ab"),
    ),
    max_size=6,
    unique=True,
)


def at(start, end, label="a"):
    return Stretch(start, end, label)


def agreed(votes, weights=None, **how):
    found = consensus(votes, weights or [1.0] * len(votes), **{"apart": True, **how})
    return [one.stretch for one in found]


def test_overlap_is_intersection_over_union():
    assert overlap(at(0, 4), at(2, 6)) == pytest.approx(1 / 3)
    assert overlap(at(0, 4), at(4, 6)) == 0
    assert overlap(at(1.5, 2.5), at(1.5, 2.5)) == 1


def test_a_mark_is_in_one_pair_and_the_best_pair_comes_first():
    assert pairs([at(0, 10)], [at(0, 4), at(0, 9)]) == [(0, 1, 0.9)]
    assert pairs([at(0, 10, "a")], [at(0, 10, "b")]) == []


@given(MARKS, MARKS)
def test_likeness_is_symmetric_and_1_for_the_same_marks_only(ones, others):
    assert likeness(ones, others) == likeness(others, ones)
    assert 0 <= likeness(ones, others) <= 1
    assert (likeness(ones, others) == 1) == (set(ones) == set(others))


@given(MARKS, st.integers(1, 4))
def test_what_all_mark_is_the_consensus(marks, voters):
    assert agreed([marks] * voters, apart=False) == sorted(marks)


@given(st.lists(MARKS, min_size=1, max_size=4))
def test_marks_that_stay_apart_do(votes):
    found = agreed(votes)
    assert all(one.end <= other.start for one, other in pairwise(found))


def test_a_mark_of_two_of_five_is_not_enough_and_of_three_is():
    assert agreed([[at(0, 4)]] * 2 + [[]] * 3) == []
    assert agreed([[at(0, 4)]] * 3 + [[]] * 2) == [at(0, 4)]


def test_marks_that_nearly_agree_make_one_where_more_begin_and_end():
    assert agreed([[at(0, 5)], [at(0, 5)], [at(1, 5)]]) == [at(0, 5)]


def test_a_trusted_vote_outweighs_two_others():
    assert agreed([[at(0, 4, "a")], [at(0, 4, "b")], [at(0, 4, "b")]], [5.0, 1.0, 1.0]) == [at(0, 4, "a")]


def test_measured_ends_are_medians():
    votes = [[at(1.0, 5.0)], [at(1.2, 5.1)], [at(1.1, 9.0)]]
    assert agreed(votes, apart=False, blend=True) == [at(1.1, 5.1)]


def test_votes_without_weight_count_alike():
    assert agreed([[at(0, 1)], [at(0, 1)], []], [0.0, 0.0, 0.0]) == [at(0, 1)]
