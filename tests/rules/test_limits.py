"""Leases, plans and access: what is within its limits passes, everything else is refused by name."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.errors import Forbidden, Invalid
from broker.rules import access, lease, ledger, plan
from broker.rules.plan import Plan

NOW = dt.datetime(2026, 1, 5, tzinfo=dt.UTC)
RANGES = {
    "redundancy": (1, plan.MOST_ANSWERS),
    "gold_percent": (0, plan.MOST_GOLD_PERCENT),
    "reward": (0, ledger.HIGHEST_REWARD),
    "lease_seconds": (lease.SHORTEST, lease.LONGEST),
}
GOOD = {"redundancy": 3, "gold_percent": 5, "reward": 20_000, "lease_seconds": 600}


@given(st.integers(lease.SHORTEST, lease.LONGEST))
def test_a_lease_lasts_as_long_as_the_plan_says(seconds):
    assert (lease.deadline(NOW, seconds) - NOW).total_seconds() == seconds


@given(st.fixed_dictionaries({field: st.integers(*ends) for field, ends in RANGES.items()}))
def test_every_plan_within_the_limits_passes(values):
    Plan(**values).check()


@pytest.mark.parametrize("field", RANGES)
@pytest.mark.parametrize(("end", "step"), [(0, -1), (1, 1)])
def test_one_beyond_a_limit_is_refused_by_name(field, end, step):
    with pytest.raises(Invalid) as caught:
        Plan(**{**GOOD, field: RANGES[field][end] + step}).check()
    assert [problem.column for problem in caught.value.problems] == [field]


def test_all_that_is_wrong_is_told_at_once():
    with pytest.raises(Invalid) as caught:
        Plan(0, 51, -1, 1).check()
    assert {problem.column for problem in caught.value.problems} == set(RANGES)


def test_a_role_opens_its_own_doors_only():
    access.need_role(frozenset({"worker"}), "worker")
    with pytest.raises(Forbidden, match="admin"):
        access.need_role(frozenset({"worker", "requester"}), "admin")


@pytest.mark.parametrize(("reason", "told"), [("copied answers", "copied answers"), (None, "no reason was given")])
def test_the_suspended_are_refused_with_the_reason(reason, told):
    access.need_good_standing(None, None)
    with pytest.raises(Forbidden, match=told):
        access.need_good_standing(NOW, reason)
