"""JUDGE and SETTLE: gold is graded, answers are counted once, and a job ends when every HIT has enough."""

import pytest
import sqlalchemy as sa

from broker.services import judge, publish, settle
from broker.store.jobs import JobState
from broker.store.work import Assignment, Hit, Turn
from tests.services import made
from tests.services.made import NOW


def judged(store, job):
    with store.write() as unit:
        return judge.judge(unit, job, NOW)


@pytest.mark.parametrize(("label", "score"), [("cat", 1.0), ("dog", 0.0)])
def test_gold_is_graded_and_nothing_else_is(store, label, score):
    job, _ = made.published(store, 10, golds=2, gold_percent=50)
    made.work(store, job, made.person(store, "worker"), label=label)
    judged(store, job)
    with store.read() as unit:
        rows = unit.session.execute(sa.select(Assignment.gold, Assignment.score)).all()
    assert {row.score for row in rows if row.gold} == {score}
    assert {row.score for row in rows if not row.gold} == {None}


def test_answers_are_counted_once_however_often_the_errand_runs(store):
    job, _ = made.published(store, 3)
    made.work(store, job, made.person(store, "worker"))
    assert [judged(store, job), judged(store, job)] == [3, 0]
    with store.read() as unit:
        assert unit.session.scalars(sa.select(Hit.answered)).all() == [1, 1, 1]
    row = made.job_row(store, job)
    assert (row.answers, row.done, row.state) == (3, 0, JobState.OPEN)


def test_a_job_is_done_when_every_hit_has_enough_and_goes_on_when_more_is_asked(store):
    job, requester = made.published(store, 3)
    first, second, third = made.crowd(store, 3)
    made.work(store, job, first)
    made.work(store, job, second)
    judged(store, job)
    row = made.job_row(store, job)
    assert (row.done, row.state) == (3, JobState.DONE)
    with store.write() as unit:
        publish.add_answers(unit, job, requester, 1, NOW)
    made.work(store, job, third)
    judged(store, job)
    row = made.job_row(store, job)
    assert (row.done, row.answers, row.state) == (3, 9, JobState.DONE)


def test_everybody_is_paid_whatever_they_answered(store):
    job, _ = made.published(store, 4, golds=2, gold_percent=50, redundancy=1)
    made.work(store, job, made.person(store, "worker"), label="bird")
    judged(store, job)
    for _ in range(2):
        with store.write() as unit:
            settle.settle(unit, job, NOW)
    with store.read() as unit:
        assert set(unit.session.scalars(sa.select(Assignment.state))) == {Turn.APPROVED}


def test_batches_are_judged_to_the_last_answer(store, monkeypatch):
    monkeypatch.setattr(judge, "BATCH", 2)
    job, _ = made.published(store, 5)
    made.work(store, job, made.person(store, "worker"))
    assert [judged(store, job) for _ in range(3)] == [2, 2, 1]
