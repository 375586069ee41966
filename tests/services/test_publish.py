"""PUBLISH: all or nothing; and how a job is paused, resumed, stopped and extended."""

import pytest

from broker.errors import Conflict, Invalid, NotFound
from broker.rules import ledger
from broker.services import publish
from broker.store import dataset, money
from broker.store.jobs import JobState
from tests.services import made
from tests.services.made import NOW

WRONG = [
    ({"title": " "}, "title"),
    ({"redundancy": 101}, "redundancy"),
    ({"reward": ledger.HIGHEST_REWARD + 1}, "reward"),
    ({"lease_seconds": 1}, "lease_seconds"),
    ({"gold_percent": 51}, "gold_percent"),
    ({"kind": "chioce"}, "kind"),
    ({"settings": made.choice(field="txet")}, "there is no column 'txet'"),
    ({"columns": ["text"], "golds": 1}, "gold column"),
    ({"settings": made.choice(field="truth"), "golds": 1}, "shown to workers"),
    ({"settings": made.choice(labels=[{"name": "dog"}, {"name": "bird"}]), "golds": 2}, "'cat' is none of the labels"),
]


@pytest.fixture
def requester(store):
    return made.person(store, "requester", made.RICH)


@pytest.mark.parametrize(("values", "told"), WRONG)
def test_what_is_wrong_is_told_and_nothing_is_half_published(store, requester, values, told):
    job = made.draft(store, requester, 2, **values)
    with pytest.raises(Invalid, match=told), store.write() as unit:
        publish.publish(unit, job, requester, NOW)
    assert made.job_row(store, job).state == JobState.DRAFT
    with store.read() as unit:
        assert money.balance(unit, ledger.person(requester)) == made.RICH


def test_empty_cells_are_named_by_row(store, requester):
    job = made.draft(store, requester, 2)
    with store.write() as unit:
        dataset.write(unit, job, [(3, {"text": " "}), (4, {"other": "x"})])
    with pytest.raises(Invalid) as caught, store.write() as unit:
        publish.publish(unit, job, requester, NOW)
    assert [problem.row for problem in caught.value.problems] == [3, 4]


def test_a_job_without_rows_or_with_gold_only_is_refused(store, requester):
    for golds, told in ((0, "no rows"), (2, "nothing left to label")):
        job = made.draft(store, requester, 0, golds=golds)
        with pytest.raises(Invalid, match=told), store.write() as unit:
            publish.publish(unit, job, requester, NOW)


def test_publishing_counts_hits_and_golds_and_sets_aside_the_most_it_can_cost(store, requester):
    job = made.draft(store, requester, 10, golds=3, gold_percent=10)
    with store.write() as unit:
        publish.publish(unit, job, requester, NOW)
    row = made.job_row(store, job)
    assert (row.state, row.hits, row.golds, row.gold_left) == (JobState.OPEN, 10, 3, 4)
    with store.read() as unit:
        assert money.balance(unit, ledger.escrow(job)) == ledger.most(10, 2, 10, 20_000)
    with pytest.raises(Conflict), store.write() as unit:
        publish.publish(unit, job, requester, NOW)


@pytest.mark.parametrize("act", ["publish", "pause", "resume", "stop", "add_answers"])
def test_the_job_of_another_requester_is_not_found(store, act):
    job, _ = made.published(store, 1)
    stranger = made.person(store, "requester")
    arguments = {"pause": [], "resume": [], "add_answers": [1, NOW]}.get(act, [NOW])
    with pytest.raises(NotFound), store.write() as unit:
        getattr(publish, act)(unit, job, stranger, *arguments)


def test_a_job_goes_only_where_its_state_allows(store):
    job, requester = made.published(store, 1)

    def act(name, *arguments):
        with store.write() as unit:
            getattr(publish, name)(unit, job, requester, *arguments)
        return made.job_row(store, job).state

    assert act("pause") == JobState.PAUSED
    with pytest.raises(Conflict):
        act("pause")
    assert act("resume") == JobState.OPEN
    with pytest.raises(Conflict):
        act("resume")
    assert act("stop", NOW) == JobState.STOPPED
    with pytest.raises(Conflict):
        act("stop", NOW)
    assert act("add_answers", 1, NOW) == JobState.OPEN


@pytest.mark.parametrize("more", [0, -1, 99])
def test_answers_are_added_within_the_limits_only(store, more):
    job, requester = made.published(store, 1)
    with pytest.raises(Invalid), store.write() as unit:
        publish.add_answers(unit, job, requester, more, NOW)
    assert made.job_row(store, job).redundancy == 2
