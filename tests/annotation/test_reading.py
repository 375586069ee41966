"""Readers for JSON we do not trust: the right value, or Invalid naming the field."""

import pydantic
import pytest
from hypothesis import given

from broker.annotation import reading
from broker.errors import Invalid
from tests.kinds.samples import JSON, outcome

READERS = {"record": reading.record, "text": reading.text, "texts": reading.texts}


class Point(pydantic.BaseModel):
    x: float
    y: float


@pytest.mark.parametrize("reader", READERS)
@given(raw=JSON)
def test_any_json_is_read_or_invalid_with_the_field_named(reader, raw):
    value = outcome(READERS[reader], raw, "field")
    assert value.message.startswith("field") if isinstance(value, Invalid) else value == raw


@pytest.mark.parametrize(
    ("raw", "told"), [("x" * 11, "11 characters are more than 10"), (5, "a number"), (True, "a yes or no")]
)
def test_a_text_that_is_none_or_too_long_is_told(raw, told):
    with pytest.raises(Invalid, match=told):
        reading.text(raw, "field", longest=10)


def test_a_list_names_the_entry_that_is_wrong():
    with pytest.raises(Invalid, match=r"field\[1\]: expected a text"):
        reading.texts(["a", 1], "field")
    with pytest.raises(Invalid, match="3 entries are more than 2"):
        reading.texts(["a"] * 3, "field", most=2)


def test_a_model_names_every_field_that_is_wrong():
    with pytest.raises(Invalid) as caught:
        reading.model(Point, {"x": "far"})
    assert [problem.column for problem in caught.value.problems] == ["x", "y"]
