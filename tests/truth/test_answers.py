"""Answers: built from anything, always sorted, one per item and worker, with clear words for bad input."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.errors import Invalid
from broker.truth.answers import UNKNOWN, Answers, gold_codes, item_blocks

rows = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 5), st.integers(0, 3)), min_size=1, max_size=80)


@given(rows)
def test_the_last_answer_of_an_item_and_worker_counts(given_rows):
    answers = Answers.from_codes(*np.array(given_rows).T)
    expected = {(item, worker): label for item, worker, label in given_rows}
    found = zip(answers.item.tolist(), answers.worker.tolist(), answers.label.tolist(), strict=True)
    assert {(item, worker): label for item, worker, label in found} == expected
    assert len(answers) == len(expected)
    assert answers.replaced == len(given_rows) - len(expected)


@given(rows)
def test_rows_are_sorted_by_item_and_then_by_arrival(given_rows):
    answers = Answers.from_codes(*np.array(given_rows).T)
    last = {(item, worker): place for place, (item, worker, _) in enumerate(given_rows)}
    keys = [
        (item, last[item, worker]) for item, worker in zip(answers.item.tolist(), answers.worker.tolist(), strict=True)
    ]
    assert keys == sorted(keys)


@given(rows, st.integers(1, 7))
def test_blocks_cover_all_rows_and_cut_no_item(given_rows, size):
    item = np.sort(np.array(given_rows)[:, 0])
    blocks = list(item_blocks(item, size))
    assert [row for start, stop in blocks for row in range(start, stop)] == list(range(len(item)))
    assert all(item[stop - 1] != item[stop] for _, stop in blocks[:-1])


def test_columns_keep_their_names_and_labels_are_sorted():
    answers = Answers.from_columns(["b", "a", "b"], ["w2", "w1", "w1"], ["no", "yes", "maybe"])
    assert answers.items == ("b", "a")
    assert answers.workers == ("w2", "w1")
    assert answers.labels == ("maybe", "no", "yes")
    assert [answers.labels[code] for code in answers.label] == ["no", "maybe", "yes"]
    assert answers.per_item().tolist() == [2, 1]
    assert answers.starts().tolist() == [0, 2, 3]
    assert answers.votes().toarray().tolist() == [[1, 1, 0], [0, 0, 1]]


def test_given_labels_fix_the_codes_and_what_is_allowed():
    answers = Answers.from_columns(["a"], ["w"], ["yes"], label_names=["yes", "no"])
    assert answers.label.tolist() == [0]
    assert answers.n_classes == 2
    with pytest.raises(Invalid, match=r"row 2, column 'label'"):
        Answers.from_columns(["a", "b"], ["w", "w"], ["yes", "perhaps"], label_names=["yes", "no"])


@pytest.mark.parametrize("gap", [None, "", float("nan")])
def test_an_empty_value_is_named_by_row_and_column(gap):
    with pytest.raises(Invalid, match="column worker, the first in row 2") as caught:
        Answers.from_columns(["a", "b"], ["w", gap], ["yes", "no"])
    assert caught.value.problems[0].row == 2
    assert caught.value.problems[0].column == "worker"


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (([0, 1], [0], [0]), "differ in length: 2, 1, 1"),
        (([0.5], [0], [0]), "item: codes must be integers"),
        (([0], [np.nan], [0]), "worker: codes must be integers"),
        (([0, 0], [0, -1], [0, 0]), "worker, row 2: code -1"),
        (([2**31], [0], [0]), "item, row 1: code 2147483648"),
        (([[0]], [0], [0]), "one column, not 2 dimensions"),
        (([], [], []), "there is no label"),
    ],
)
def test_codes_that_cannot_be_are_refused(columns, message):
    with pytest.raises(Invalid, match=message):
        Answers.from_codes(*columns)


def test_a_code_beyond_the_given_size_is_refused():
    with pytest.raises(Invalid, match=r"label, row 2: code 3 is not within 0..2"):
        Answers.from_codes([0, 1], [0, 0], [0, 3], n_classes=3)


def test_no_answers_are_fine_where_the_labels_are_known():
    answers = Answers.from_columns([], [], [], label_names=["yes", "no"])
    assert (len(answers), answers.n_items, answers.n_classes) == (0, 0, 2)


def test_gold_by_name_becomes_codes():
    answers = Answers.from_columns(["a", "b"], ["w", "w"], ["yes", "no"])
    assert answers.gold({"b": "yes", "unheard of": "no"}).tolist() == [UNKNOWN, 1]
    with pytest.raises(Invalid, match="1 gold labels are not in the label set; gold of 'a': 'perhaps'"):
        answers.gold({"a": "perhaps"})


@pytest.mark.parametrize("gold", [[0], [0, 2], [0.0, 1.0], [0, -2]])
def test_gold_codes_that_cannot_be_are_refused(gold):
    answers = Answers.from_columns(["a", "b"], ["w", "w"], ["yes", "no"])
    with pytest.raises(Invalid, match="gold"):
        gold_codes(gold, answers)


def test_a_subset_keeps_codes_and_sizes():
    answers = Answers.from_columns(["a", "b"], ["w", "v"], ["yes", "no"])
    part = answers.subset(answers.item == 1)
    assert (len(part), part.n_items, part.items) == (1, 2, ("a", "b"))
