import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.annotation import fields
from broker.errors import Invalid

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(-9, 9) | st.text("ab 1", max_size=6),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("xy", max_size=2), inner, max_size=3),
    max_leaves=8,
)
RECORDS = st.dictionaries(st.sampled_from("abc"), JSON, max_size=3)


def consensus(*given_values):
    return fields.agree([(value, 0.8) for value in given_values])[0]


@given(record=RECORDS)
def test_fields_survive_their_json(record):
    filled = fields.read(record)
    assert fields.read(fields.values(filled)) == filled
    assert hash(filled) == hash(fields.read(json.loads(json.dumps(record))))


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        ([], "answer: expected an object"),
        ({"": 1}, "name of a field"),
        ({"a": float("nan")}, "a: nan is no number"),
        ({"a": {"b": float("inf")}}, "a: inf is no number"),
        ({"a": "\x00"}, "a: holds a NUL"),
        ({"a": "\ud800"}, "a: holds half a character"),
        ({"\ud800": 1}, "holds half a character"),
        ({"a": object()}, "a: object is no JSON"),
        ({"a": {1: 2}}, "keys of an object are texts"),
        ({str(n): 1 for n in range(1001)}, "1001 fields are more than 1000"),
        ({"a": "x" * 1_000_001}, "longer than 1,000,000"),
    ],
)
def test_what_no_database_would_keep_is_refused_by_name(raw, said):
    with pytest.raises(Invalid, match=said):
        fields.read(raw)


def test_brackets_in_brackets_end():
    deep = []
    for _ in range(30):
        deep = [deep]
    with pytest.raises(Invalid, match="brackets in brackets"):
        fields.read({"a": deep})


def test_equal_numbers_are_one_answer():
    assert fields.read({"n": 2.0}) == fields.read({"n": 2})
    assert fields.read({"n": True}) != fields.read({"n": 1})


@given(one=JSON, other=JSON)
def test_likeness_is_symmetric_and_1_only_for_equal_values(one, other):
    likeness = fields.alike(one, other)
    assert likeness == fields.alike(other, one)
    assert 0 <= likeness <= 1
    assert (likeness == 1) == (fields.canonical(one, "") == fields.canonical(other, ""))


@pytest.mark.parametrize(
    ("one", "other", "likeness"),
    [
        (10, 9, 0.9),
        ("10", "9", 0.9),
        (-1, 1, 0),
        ("a red car", "A red bus!", 2 / 3),
        (["a", "b"], ["b", "a"], 0.5),
        (["a", "c"], ["a", "b", "c"], 0.8),
        ({"label": "cat", "sure": True}, {"label": "cat", "sure": False}, 0.5),
        ({"left": 10, "top": 10}, {"left": 9, "top": 10}, 0.95),
        ([{"x": 1}, {"x": 9}], [{"x": 9}, {"x": 1}], fields.ALMOST),
        (True, "true", 0),
    ],
)
def test_likeness_by_sort(one, other, likeness):
    assert fields.alike(one, other) == pytest.approx(likeness)


@given(answers=st.lists(st.tuples(RECORDS, st.floats(0.01, 1)), min_size=1, max_size=5))
def test_a_consensus_is_an_answer_and_its_support_a_share(answers):
    found, support = fields.agree_fields(answers)
    assert fields.values(fields.read(found)) == found
    assert -1e-9 <= support <= 1 + 1e-9


@given(record=RECORDS, count=st.integers(1, 5))
def test_unanimity_is_certain(record, count):
    found, support = fields.agree_fields([(record, 0.7)] * count)
    assert fields.read(found) == fields.read(record)
    assert support == pytest.approx(1)


@pytest.mark.parametrize(
    ("given_values", "expected"),
    [
        ((1, 2, 100), 2),
        (("cat", "cat", "dog"), "cat"),
        ((True, True, False), True),
        (({"label": "cat"}, {"label": "cat"}, {"label": "dog"}), {"label": "cat"}),
        ((["a", "b"], ["b"], ["b", "c"]), ["b"]),
        ((["a", "b", "c"], ["a", "c", "b"], ["c", "b", "a"]), ["a", "c", "b"]),
        (("the red car", "a red car", "no idea"), "the red car"),
        (
            ({"on": True, "off": False}, {"on": True, "off": True}, {"on": False, "off": False}),
            {"on": True, "off": False},
        ),
    ],
)
def test_consensus_by_sort(given_values, expected):
    assert consensus(*given_values) == expected


def test_trust_outweighs_numbers():
    assert fields.agree([("dog", 0.9), ("cat", 0.3), ("cat", 0.3)])[0] == "dog"


def test_a_field_that_few_have_is_no_part_of_the_consensus():
    found, support = fields.agree_fields([({"a": 1, "note": "x"}, 1), ({"a": 1}, 1), ({"a": 1}, 1)])
    assert found == {"a": 1}
    assert support == pytest.approx((1 + 2 / 3) / 2)
