"""How the databases go about queries: PostgreSQL also in its first minutes, when it knows nothing of its tables yet."""

import functools

import pytest
import sqlalchemy as sa

from broker.rules.gold import NEVER
from broker.store import desk, hits, records
from broker.store.jobs import Job
from broker.store.work import THOUSAND_BITS, Assignment
from tests.services import made
from tests.services.made import NOW


@pytest.fixture
def seen(store):
    """The statements that the store runs, with their values."""
    statements = []
    sa.event.listen(
        store.engine,
        "before_cursor_execute",
        lambda _, __, statement, values, *___: statements.append((statement, values)),
    )
    return statements


@pytest.mark.parametrize("database", ["postgres"], indirect=True)
@pytest.mark.parametrize("look", [functools.partial(hits.left_for, limit=500), hits.await_first])
def test_what_a_worker_had_is_looked_up_hit_by_hit(store, seen, look):
    job, _ = made.published(store, 40)
    (worker,) = made.crowd(store, 1)
    with store.write() as unit:
        hits.begin(unit, job, worker, NEVER)
        row = unit.session.get_one(Job, job)
        positions, _ = hits.place(unit, job, worker)
        seen.clear()
        look(unit, row, worker, positions)
        (asked,) = [one for one in seen if "assignments" in one[0]]
        plan = unit.session.connection().exec_driver_sql(f"EXPLAIN {asked[0]}", asked[1]).scalars().all()
    (condition,) = [line for line in plan if "Index Cond" in line and "worker_id" in line]
    assert "hit_id =" in condition


@pytest.fixture
def veterans(store):
    """Two workers whose assignments lie in several thousands, one of them empty: each with their ids."""
    job, _ = made.published(store, 1)
    one, other = made.crowd(store, 2)
    size = 1 << THOUSAND_BITS
    turns = {one: [1, size - 1, size, 3 * size + 5], other: [2, size + 1]}
    with store.write() as unit:
        for worker, ids in turns.items():
            for number in ids:
                row = {"id": number, "job_id": job, "hit_id": number, "worker_id": worker, "reward": 1, "gold": False}
                times = {"accepted_at": NOW, "deadline": NOW, "submitted_at": NOW}
                unit.session.add(Assignment(**row, **times, state="approved", judged=True))
    return turns


def test_a_workers_turns_are_found_in_all_thousands_and_only_theirs(store, veterans):
    for worker, ids in veterans.items():
        with store.read() as unit:
            assert [turn.id for turn, _ in desk.history(unit, worker)] == sorted(ids, reverse=True)
            assert [turn.id for turn, _ in desk.history(unit, worker, before=ids[1], limit=1)] == ids[:1]
            assert records.turn_counts(unit, worker) == {"approved": len(ids)}
            assert desk.today(unit, worker, NOW)[0] == len(ids)
    with store.read() as unit:
        assert records.turn_counts(unit, max(veterans) + 1) == {}


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_workers_turns_are_looked_up_in_the_index_of_thousands(store, veterans, seen):
    with store.read() as unit:
        records.turn_counts(unit, max(veterans))
        statement, values = seen[-1]
        plan = " ".join(
            row[3] for row in unit.session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
        )
    assert "USING COVERING INDEX ix_assignments_history (<expr>=? AND worker_id=?)" in plan
    assert "SCAN assignments" not in plan
