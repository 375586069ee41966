"""Exactness: sixteen processes that are killed, late, double and contrary break no promise of the engine."""

from tests.chaos.run import Plan, run

HAPPENED = (
    "double_click",
    "abandoned",
    "returned",
    "late",
    "repeated",
    "refused",
    "acknowledged",
    "kills",
    "moments",
)


def test_nothing_is_broken_by_sixteen_processes(database, tmp_path):
    outcome = run(database, tmp_path, Plan())
    assert outcome.violations == {}
    assert outcome.seen["gave_up"] == 0
    assert [name for name in HAPPENED if not outcome.seen[name]] == [], "the chaos was none"
