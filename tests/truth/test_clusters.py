"""Marks of several people gathered into the things they mean."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from broker.truth.clusters import Gathering, median
from broker.truth.matching import pairs

NEAR = 5


def _alike(one, other):
    return max(0.0, 1 - abs(one - other) / NEAR)


GATHERING = Gathering(_alike, median)
tables = st.integers(1, 5).flatmap(
    lambda columns: st.lists(
        st.lists(st.sampled_from([0.0, 0.0, 0.25, 0.5, 1.0]), min_size=columns, max_size=columns),
        min_size=1,
        max_size=5,
    )
)


@given(tables)
def test_pairs_are_one_to_one_and_of_the_largest_sum(table):
    found = pairs(table)
    rows, columns = (list(side) for side in zip(*found, strict=True)) if found else ([], [])
    assert len(set(rows)) == len(rows)
    assert len(set(columns)) == len(columns)
    best = linear_sum_assignment(table, maximize=True)
    assert sum(table[row][column] for row, column in found) == sum(
        table[row][column] for row, column in zip(*best, strict=True)
    )
    assert all(table[row][column] > 0 for row, column in found)


def test_each_thing_is_one_cluster_with_one_mark_of_each_person():
    clusters = GATHERING.clusters([[10, 50], [11, 51, 90], [12]], [1, 1, 1])
    found = sorted((cluster.center, sorted(cluster.members.items())) for cluster in clusters)
    assert found == [(11, [(0, 10), (1, 11), (2, 12)]), (50.5, [(0, 50), (1, 51)]), (90, [(1, 90)])]


def test_two_near_marks_of_one_person_are_two_things():
    clusters = GATHERING.clusters([[10, 12], [10, 12], [11]], [1, 1, 1])
    assert sorted(cluster.center for cluster in clusters) in ([10, 12], [10.5, 12], [10, 11.5])
    assert len(clusters) == 2


def test_support_is_the_share_of_all_weight():
    [one] = GATHERING.clusters([[1], []], [3, 1])
    assert one.support([3, 1]) == pytest.approx(0.75)


@given(st.lists(st.lists(st.integers(0, 60), max_size=4, unique=True), min_size=1, max_size=5))
def test_every_mark_is_in_one_cluster_and_nobody_twice_in_one(votes):
    clusters = GATHERING.clusters(votes, [1.0] * len(votes))
    marks = sorted((voter, mark) for cluster in clusters for voter, mark in cluster.members.items())
    assert marks == sorted((voter, mark) for voter, marks in enumerate(votes) for mark in marks)


def test_the_order_of_the_people_does_not_matter_where_things_are_far_apart():
    votes = [[10, 50], [11, 51, 90], [12, 49], [91]]
    found = {
        tuple(sorted(cluster.center for cluster in GATHERING.clusters(list(order), [1.0] * 4)))
        for order in itertools.permutations(votes)
    }
    assert found == {(11, 50, 90.5)}


@pytest.mark.parametrize(
    ("values", "weights", "middle"),
    [([3], [1], 3), ([1, 2], [1, 1], 1.5), ([1, 2], [1, 3], 2), ([9, 1, 5], [1, 1, 1], 5), ([1, 9, 1], [1, 5, 1], 9)],
)
def test_the_median_halves_the_weight(values, weights, middle):
    assert median(values, weights) == middle
