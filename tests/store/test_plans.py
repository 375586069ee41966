"""How PostgreSQL goes about a query in an installation's first minutes, when it knows nothing of its tables yet."""

import pytest
import sqlalchemy as sa

from broker.rules.gold import NEVER
from broker.store import hits
from broker.store.jobs import Job
from tests.services import made


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
@pytest.mark.parametrize("look", ["left_for", "await_first"])
def test_what_a_worker_had_is_looked_up_hit_by_hit(store, seen, look):
    job, _ = made.published(store, 40)
    (worker,) = made.crowd(store, 1)
    with store.write() as unit:
        hits.begin(unit, job, worker, NEVER)
        row = unit.session.get_one(Job, job)
        positions, _ = hits.place(unit, job, worker)
        seen.clear()
        hits.left_for(unit, row, worker, positions, limit=500) if look == "left_for" else hits.await_first(
            unit, row, worker, positions
        )
        (asked,) = [one for one in seen if "assignments" in one[0]]
        plan = unit.session.connection().exec_driver_sql(f"EXPLAIN {asked[0]}", asked[1]).scalars().all()
    (condition,) = [line for line in plan if "Index Cond" in line and "worker_id" in line]
    assert "hit_id =" in condition
