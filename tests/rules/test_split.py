"""Shares of the data: exact in each stratum, the same for the same seed, another draw for another."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.errors import Invalid
from broker.rules.split import NAMES, Split, stratum

shares = st.tuples(st.integers(0, 20), st.integers(0, 20)).filter(lambda two: sum(two) <= 20)
splits = st.builds(
    lambda two, seed: Split((two[0] * 5, two[1] * 5, 100 - sum(two) * 5), seed), shares, st.integers(0, 99)
)


@given(split=splits, mixture=st.dictionaries(st.sampled_from("abc"), st.integers(1, 8), min_size=1))
def test_every_label_has_the_shares_that_were_asked_for(split, mixture):
    draw = split.draw()
    for label, hundreds in mixture.items():
        found = Counter(draw.next(label) for _ in range(100 * hundreds))
        assert tuple(found[name] for name in NAMES) == tuple(share * hundreds for share in split.shares)


@given(split=splits, labels=st.lists(st.sampled_from("ab"), max_size=60))
def test_the_same_seed_draws_the_same_and_a_split_survives_being_written(split, labels):
    again = Split.read(split.text)
    assert again == split
    one, other = split.draw(), again.draw()
    assert [one.next(label) for label in labels] == [other.next(label) for label in labels]


def test_another_seed_draws_otherwise():
    one, other = (Split((50, 25, 25), seed).draw() for seed in (1, 2))
    assert [one.next("a") for _ in range(40)] != [other.next("a") for _ in range(40)]


def test_no_split_is_written_as_nothing():
    assert Split.read("") is None


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        (("80", "10", "20", "1"), "train"),
        (("x", "10", "10", "1"), "train"),
        (("80", "-10", "30", "1"), "validation"),
        (("80", "10", "", "1"), "test"),
        (("80", "10", "10", "1.5"), "seed"),
        (("80", "10", "10", str(2**31)), "seed"),
        (("٨٠", "10", "10", "1"), "train"),
    ],
)
def test_shares_that_cannot_be_are_refused_by_name(typed, field):
    with pytest.raises(Invalid) as refusal:
        Split.of(*typed)
    assert refusal.value.problems[0].column == field


def test_items_are_counted_by_the_labels_that_occur_in_their_answers():
    boxes = {"annotatedResult": {"boundingBoxes": [{"label": "car", "left": 1}, {"label": "bus", "left": 2}]}}
    assert stratum(boxes, ["bus", "car", "tram"]) == "bus|car"
    assert stratum({"category": {"label": "car"}}, ["bus", "car"]) == "car"
    assert stratum({"pair": {"choice": "a"}}, []) == "a"
    assert stratum({"rating": {"rating": 4}}, []) == "4"
    assert stratum({"text": "a long translation of something"}, []) == ""
    assert stratum(None, []) == ""
