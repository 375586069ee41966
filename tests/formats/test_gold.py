"""Gold from a file of its own."""

import functools

import pytest

from broker.errors import Invalid, Problem
from broker.formats import csv, gold, jsonl
from broker.formats.gold import Gold
from tests.formats.samples import stream


def test_one_label_column_gives_its_value_with_the_row():
    found, problems = gold.read(csv.read(stream(b"id,label,note\n7,cat,x\n8,dog,y\n")), "id", ["label"])
    assert found == [Gold(1, "7", "cat"), Gold(2, "8", "dog")]
    assert problems == []


def test_several_label_columns_give_an_object():
    items = functools.partial(csv.read, delimiter="\t")(stream(b"id\ta\tb\n7\tx\ty\n"))
    assert gold.read(items, "id", ["a", "b"])[0] == [Gold(1, "7", {"a": "x", "b": "y"})]


def test_json_lines_keep_nested_answers_and_whole_number_keys():
    items = jsonl.read(stream(b'{"id": 7, "label": ["a", "b"]}\n'))
    assert gold.read(items, "id", ["label"])[0] == [Gold(1, "7", ["a", "b"])]


def test_problems_name_row_and_column():
    content = (
        b'{"id": "7", "label": "a"}\n{"id": "", "label": "a"}\n{"id": "8"}\n'
        b'{"id": true, "label": "a"}\n{"id": 7, "label": "b"}\nx\n'
    )
    found, problems = gold.read(jsonl.read(stream(content)), "id", ["label"])
    assert found == [Gold(1, "7", "a")]
    assert [(problem.row, problem.column) for problem in problems] == [
        (2, "id"),
        (3, "label"),
        (4, "id"),
        (5, "id"),
        (6, None),
    ]
    assert problems[3] == Problem("'7' has its answer in row 1 already", 5, "id")


def test_an_unknown_column_is_invalid_and_says_which_there_are():
    with pytest.raises(Invalid, match=r"Unknown column: truth\. The file has: id, label") as caught:
        gold.read(csv.read(stream(b"id,label\n7,cat\n")), "id", ["truth"])
    assert [problem.column for problem in caught.value.problems] == ["truth"]


def test_gold_without_rows_is_invalid():
    with pytest.raises(Invalid, match="no rows"):
        gold.read(csv.read(stream(b"id,label\n")), "id", ["label"])
