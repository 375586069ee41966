"""The rows of a job: any column name, any blank and any value mean the same on each database and in the rooms."""

import pytest
import sqlalchemy as sa

from broker.store import dataset
from broker.store.work import Hit
from tests.services import made

NAMES = ["plain", "two words", "Straße", 'a"b', "a\\b", "a'b", "a.b", "a[0]", "0", "$", "#1", "%s", ":x", "猫", "$.x"]


def a_draft(store, cells, column="text"):
    job = made.draft(store, made.person(store, "requester"), 0)
    with store.write() as unit:
        dataset.write(unit, job, enumerate(({column: cell} for cell in cells), 1))
    return job


@pytest.mark.parametrize("name", NAMES)
def test_a_column_is_found_by_whatever_name_it_has(store, name):
    job = a_draft(store, [" cat ", "dog", "", "cat"], name)
    with store.write() as unit:
        assert dataset.distinct(unit, job, name) == ["cat", "dog"]
        assert dataset.rows_with(unit, job, name, "cat", limit=9) == [1, 4]
        assert [one.row for one in dataset.unfit_rows(unit, job, name, limit=9)] == [3]
        assert dataset.mark_gold(unit, job, name, {"cat": {"category": {"label": "cat"}}}) == 2


def test_a_list_or_an_object_cannot_be_shown_and_a_text_that_looks_like_one_can(store):
    job = a_draft(store, ["[1]", ["a"], {"b": 1}, "{}", 7, True])
    with store.read() as unit:
        unfit = dataset.unfit_rows(unit, job, "text", limit=9)
    assert [(one.row, one.column) for one in unfit] == [(2, "text"), (3, "text")]
    assert all("list or an object" in one.message for one in unfit)


def test_all_that_python_strips_is_blank(store):
    blanks = [chr(code) for code in range(0x110000) if chr(code).isspace()]
    assert set(dataset.BLANKS) == set(blanks)
    job = a_draft(store, [*blanks, None, f"{blanks[0]}x{blanks[-1]}"])
    with store.read() as unit:
        assert len(dataset.unfit_rows(unit, job, "text", limit=99)) == len(blanks) + 1
        assert dataset.distinct(unit, job, "text") == ["x"]


def test_numbers_and_truths_are_read_as_they_are_written(store):
    job = a_draft(store, [1, 2.5, True, False])
    with store.read() as unit:
        assert sorted(dataset.distinct(unit, job, "text")) == ["1", "2.5", "false", "true"]


def test_gold_is_numbered_in_file_order_and_closed(store):
    job = a_draft(store, ["dog", "", " cat", "cow", "cat"])
    with store.write() as unit:
        assert dataset.mark_gold(unit, job, "text", {"cat": {"is": "cat"}, "dog": {"is": "dog"}}) == 3
        query = sa.select(Hit.row, Hit.gold_no, Hit.gold, Hit.open).where(Hit.job_id == job).order_by(Hit.row)
        assert [tuple(row) for row in unit.session.execute(query)] == [
            (1, 0, {"is": "dog"}, False),
            (2, None, None, True),
            (3, 1, {"is": "cat"}, False),
            (4, None, None, True),
            (5, 2, {"is": "cat"}, False),
        ]


def test_full_hits_open_again_behind_all_others_in_their_order(store):
    job = a_draft(store, ["a", "b", "c", "d"])
    full = sa.update(Hit).where(Hit.job_id == job, Hit.row.in_([1, 3]))
    with store.write() as unit:
        unit.changed(full.values(open=False, taken=2, done=True))
        assert dataset.reopen_full(unit, job, 2, 4) == 0
        assert dataset.reopen_full(unit, job, 3, 4) == 2
        query = sa.select(Hit.pos, Hit.open, Hit.done).where(Hit.job_id == job).order_by(Hit.row)
        assert [tuple(row) for row in unit.session.execute(query)] == [(pos, True, False) for pos in (5, 2, 6, 4)]
