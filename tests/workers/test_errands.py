"""Errands run once in effect, survive crashes, are tried three times and then shown; the clock asks for them."""

import dataclasses
import datetime as dt
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa
from redis import Redis

from broker.errors import Invalid
from broker.rules.order import Rank
from broker.store import errands
from broker.store import schedule as kept
from broker.store.errands import MOST_ATTEMPTS, Errand, ErrandState
from broker.store.work import Assignment, Cursor, Turn
from tests.servers.processes import soon
from tests.services import made
from tests.services.made import LEASE, NOW
from workers import errands as background
from workers import schedule
from workers.errands import ERRANDS, drain_with

LOST = schedule.LOST + dt.timedelta(seconds=1)


@pytest.fixture
def ran(monkeypatch):
    """The subjects that the errand "note" ran for."""
    subjects = []
    monkeypatch.setitem(ERRANDS, "note", lambda _, subject: subjects.append(subject))
    return subjects


def ask(broker, name, subject):
    with broker.store.write() as unit:
        errands.later(unit, name, subject, broker.now())


def tick(broker):
    """What the clock does when all that it looks after is due."""
    for entry in schedule.SCHEDULE:
        with broker.store.read() as unit:
            wanted = entry.wanted(unit, broker.now())
        if wanted:
            schedule.perform_with(broker, entry)


def shown(broker):
    """(name, state, message) of all errands, the oldest first."""
    with broker.store.read() as unit:
        return [(one.name, one.state, one.message) for one in reversed(errands.recent(unit))]


def states(broker):
    return [state for _, state, _ in shown(broker)]


def test_wishes_for_the_same_are_one_errand_until_it_starts(broker, ran):
    for _ in range(3):
        ask(broker, "note", 7)
    assert drain_with(broker, "errands") == 1
    ask(broker, "note", 7)
    assert drain_with(broker, "errands") == 1
    assert ran == [7, 7]
    assert states(broker) == [ErrandState.DONE] * 2


def test_runners_beside_each_other_run_each_errand_once(broker, ran):
    for subject in range(12):
        ask(broker, "note", subject)
    with ThreadPoolExecutor(4) as pool:
        counts = list(pool.map(lambda _: drain_with(broker, "errands"), range(4)))
    assert sum(counts) == 12
    assert sorted(ran) == list(range(12))


def test_a_wish_made_while_the_errand_runs_is_served_afterwards_and_not_beside_it(broker, monkeypatch):
    begun, go, running = threading.Event(), threading.Event(), []

    def slow(_, subject):
        running.append(subject)
        begun.set()
        assert go.wait(30)

    monkeypatch.setitem(ERRANDS, "slow", slow)
    ask(broker, "slow", 1)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(drain_with, broker, "errands")
        assert begun.wait(30)
        ask(broker, "slow", 1)
        assert drain_with(broker, "errands") == 0
        assert running == [1]
        go.set()
        assert first.result() == 2


def test_an_errand_whose_runner_crashed_is_revived_by_the_clock(broker, ran):
    ask(broker, "note", 7)
    with broker.store.write() as unit:
        errands.take(unit, "errands", NOW)
    tick(broker)
    assert states(broker) == [ErrandState.RUNNING]
    broker.time[0] += LOST
    tick(broker)
    assert drain_with(broker, "errands") == 1
    assert ran == [7]


def test_an_errand_that_takes_its_runner_with_it_is_given_up(broker, ran):
    ask(broker, "note", 7)
    for _ in range(MOST_ATTEMPTS):
        with broker.store.write() as unit:
            assert errands.take(unit, "errands", broker.now())
        broker.time[0] += LOST
        tick(broker)
    assert shown(broker) == [("note", ErrandState.FAILED, "its runner was lost")]
    assert drain_with(broker, "errands") == 0


def test_a_failing_errand_is_tried_three_times_and_shown(broker, ran, monkeypatch):
    tried = []

    def fail(_, subject):
        tried.append(subject)
        raise OSError("the disk is full")

    monkeypatch.setitem(ERRANDS, "fail", fail)
    ask(broker, "fail", 1)
    ask(broker, "note", 2)
    drain_with(broker, "errands")
    assert tried == [1] * MOST_ATTEMPTS
    assert ran == [2], "the others go on"
    assert ("fail", ErrandState.FAILED, "OSError('the disk is full')") in shown(broker)


def test_an_expected_failure_is_shown_and_not_tried_again(broker, monkeypatch):
    def refuse(_, __):
        raise Invalid("row 3: there is no such label")

    monkeypatch.setitem(ERRANDS, "refuse", refuse)
    ask(broker, "refuse", 1)
    drain_with(broker, "errands")
    assert shown(broker) == [("refuse", ErrandState.FAILED, "row 3: there is no such label")]


def test_an_unknown_errand_is_shown_by_its_name_and_stops_nothing(broker, ran):
    ask(broker, "unheard-of", 1)
    ask(broker, "note", 2)
    drain_with(broker, "errands")
    assert ran == [2]
    assert any("unheard-of" in message for _, state, message in shown(broker) if state == ErrandState.FAILED)


def test_the_clock_frees_lapsed_leases_has_answers_judged_and_rings(broker, valkey):
    job, _ = made.published(broker.store, 2, redundancy=1)
    lazy, busy = made.crowd(broker.store, 2)
    made.take(broker.store, job, lazy)
    broker.time[0] += LEASE
    tick(broker)
    made.work(broker.store, job, busy, broker.now())
    tick(broker)
    with Redis.from_url(valkey) as client:
        assert client.llen("rq:queue:errands") == 1
    while drain_with(broker, "errands"):
        continue
    with broker.store.read() as unit:
        turns = unit.session.scalars(sa.select(Assignment.state).order_by(Assignment.id)).all()
    assert turns == [Turn.ABANDONED, Turn.APPROVED, Turn.APPROVED]
    assert set(states(broker)) <= {ErrandState.DONE, ErrandState.WAITING}


def test_judging_that_fails_for_good_is_not_asked_for_every_second(broker, monkeypatch):
    def fail(_, __):
        raise OSError("broken")

    monkeypatch.setitem(ERRANDS, "judge", fail)
    job, _ = made.published(broker.store, 1)
    made.work(broker.store, job, made.person(broker.store, "worker"))
    for _ in range(5):
        tick(broker)
        drain_with(broker, "errands")
        broker.time[0] += dt.timedelta(seconds=1)
    assert states(broker) == [ErrandState.FAILED] * MOST_ATTEMPTS
    broker.time[0] += schedule.PAUSE
    tick(broker)
    with broker.store.read() as unit:
        assert unit.session.scalar(sa.select(sa.func.count(Errand.id))) == MOST_ATTEMPTS + 1


def test_what_waits_to_be_judged_already_is_not_asked_for_again(broker):
    job, _ = made.published(broker.store, 1)
    made.work(broker.store, job, made.person(broker.store, "worker"))
    judge = schedule.ENTRIES["judge"]
    with broker.store.read() as unit:
        assert judge.wanted(unit, NOW)
    tick(broker)
    with broker.store.read() as unit:
        assert not judge.wanted(unit, NOW)


def test_a_runner_that_was_given_up_does_not_end_the_attempt_of_the_next_one(broker, ran):
    ask(broker, "note", 7)
    with broker.store.write() as unit:
        first = errands.take(unit, "errands", NOW)
        attempt = first.attempts
    broker.time[0] += LOST
    tick(broker)
    with broker.store.write() as unit:
        second = errands.take(unit, "errands", broker.now())
    with broker.store.write() as unit:
        assert not errands.finish(unit, first.id, ErrandState.FAILED, "late", broker.now(), attempt=attempt)
        assert errands.finish(unit, second.id, ErrandState.DONE, "", broker.now(), attempt=second.attempts)
    assert states(broker) == [ErrandState.DONE]


def test_a_long_errand_notes_how_far_it_is_with_its_heartbeat(broker, monkeypatch):
    seen = threading.Event()

    def progress(unit, subject):
        seen.set()
        return 30 + subject, 90

    def slow(_, __):
        assert seen.wait(30)
        soon(lambda: shown_progress(broker) == [(37, 90)])

    monkeypatch.setattr(background, "BEAT_SECONDS", 0.01)
    monkeypatch.setitem(background.PROGRESS, "slow", progress)
    monkeypatch.setitem(ERRANDS, "slow", slow)
    ask(broker, "slow", 7)
    drain_with(broker, "errands")
    assert states(broker) == [ErrandState.DONE]


def shown_progress(broker):
    with broker.store.read() as unit:
        return [(one.done, one.total) for one in errands.running(unit)]


def test_a_refit_of_an_adaptive_job_ranks_its_workers(broker):
    job, _ = made.published(broker.store, 12, redundancy=3, most=6)
    careful, careful_too, careless = made.crowd(broker.store, 3)
    for worker, number in ((careful, 3), (careful_too, 3), (careless, 1)):
        while offer := made.take(broker.store, job, worker):
            label = made.LABELS[int(offer.payload["text"].split()[1]) % number]
            made.answer(broker.store, offer.assignment_id, worker, label)
    ERRANDS["conclude"](broker, job)
    with broker.store.read() as unit:
        ranks = {worker: unit.session.get(Cursor, (job, worker)).rank for worker in (careful, careful_too, careless)}
    assert ranks[careful] == ranks[careful_too] == Rank.FIRST
    assert ranks[careless] > Rank.FIRST


def test_every_errand_has_a_name_that_admins_are_shown():
    assert set(ERRANDS) == set(errands.NAMES)


def test_errands_of_days_ago_are_forgotten_but_failures_that_nobody_ran_again(broker, ran, monkeypatch):
    def refuse(_, subject):
        if subject != 3 or broker.now() == NOW:
            raise Invalid("no")

    monkeypatch.setitem(ERRANDS, "refuse", refuse)
    ask(broker, "note", 1)
    ask(broker, "refuse", 2)
    ask(broker, "refuse", 3)
    drain_with(broker, "errands")
    broker.time[0] += dt.timedelta(hours=1)
    ask(broker, "refuse", 3)
    drain_with(broker, "errands")
    tick(broker)
    assert len(shown(broker)) == 4
    broker.time[0] = NOW + schedule.KEPT + dt.timedelta(minutes=1)
    ask(broker, "note", 4)
    drain_with(broker, "errands")
    tick(broker)
    assert [one[:2] for one in shown(broker)] == [
        ("refuse", ErrandState.FAILED),
        ("refuse", ErrandState.DONE),
        ("note", ErrandState.DONE),
    ], "the failure of subject 3 was forgotten before the run that mended it"
    with broker.store.read() as unit:
        assert [one.subject for one in errands.failures(unit)] == [2]


def test_pruning_goes_on_until_nothing_old_is_left(broker, ran, monkeypatch):
    monkeypatch.setattr(schedule, "PRUNED_ROWS", 2)
    for subject in range(5):
        ask(broker, "note", subject)
    drain_with(broker, "errands")
    broker.time[0] += schedule.KEPT + dt.timedelta(minutes=1)
    tick(broker)
    assert shown(broker) == []


def test_a_scheduled_run_that_fails_is_noted_and_looked_for_again(broker):
    def fail(_):
        raise OSError("the disk is full")

    entry = schedule.Entry("broken", 5, lambda *_: True, fail)
    with broker.store.write() as unit:
        kept.look(unit, {"broken": 5}, NOW)
    schedule.perform_with(broker, entry)
    with broker.store.read() as unit:
        (row,) = kept.entries(unit)
        assert (row.name, row.every, row.ran_at, row.message) == ("broken", 5, NOW, "OSError('the disk is full')")
    schedule.perform_with(broker, dataclasses.replace(entry, act=lambda _: None))
    with broker.store.read() as unit:
        assert kept.entries(unit)[0].message == ""
