"""The clock gives RQ what is due: once, in JSON, while it leads; what RQ cannot take, it does itself."""

import datetime as dt
import json
import signal
from contextlib import contextmanager

import pytest
import sqlalchemy as sa
import structlog
from redis import Redis
from rq import Queue
from rq.job import Job
from rq.serializers import JSONSerializer

from broker.store import errands, schedule
from broker.store.errands import ErrandState
from broker.store.leader import Leader
from broker.store.work import Assignment, Turn
from tests.services import made
from tests.services.made import LEASE, NOW
from tests.workers.test_errands import ask, shown
from workers.clock import PATIENCE, SIGN, Clock
from workers.run import ClockWorker
from workers.schedule import SCHEDULE


@pytest.fixture
def lonely(installation, tmp_path):
    """A broker whose queue server is down."""
    return installation(f"unix://{tmp_path}/nobody.sock")


@contextmanager
def leading(broker):
    """A clock that leads."""
    clock = Clock(broker, Leader(broker.store.engine))
    yield clock
    clock.leader.resign()


def look(clock):
    """The clock looks when everything is due: the names of what RQ took."""
    for tick in clock.ticks:
        tick.latest_enqueue_time = tick.next_enqueue_time = None
    return [tick.name for tick in clock.enqueue_jobs()]


def work_off(valkey):
    """RQ runs what the clock gave it."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    with Redis.from_url(valkey) as client:
        ClockWorker(["clock"], connection=client, serializer=JSONSerializer).work(burst=True, logging_level="WARNING")
    for number, handler in handlers.items():
        signal.signal(number, handler)


def lapsing(broker):
    """A lease that has run out."""
    job, _ = made.published(broker.store, 1)
    made.take(broker.store, job, made.person(broker.store, "worker"))
    broker.time[0] += LEASE


def turn(broker):
    with broker.store.read() as unit:
        return unit.session.scalar(sa.select(Assignment.state).order_by(Assignment.id.desc()).limit(1))


def test_rq_is_given_what_there_is_to_do_and_runs_it(broker, valkey):
    with leading(broker) as clock:
        assert look(clock) == ["prune"], "that is always wanted"
        lapsing(broker)
        assert look(clock) == ["lapse"]
    assert turn(broker) == Turn.ACCEPTED
    work_off(valkey)
    assert turn(broker) == Turn.ABANDONED
    with broker.store.read() as unit:
        ran = {row.name: row.ran_at for row in schedule.entries(unit)}
    assert ran == {entry.name: None for entry in SCHEDULE} | {"lapse": NOW + LEASE, "prune": NOW + LEASE}


def test_an_entry_is_looked_at_when_its_time_has_come(broker):
    with leading(broker) as clock:
        assert [tick.name for tick in clock.enqueue_jobs()] == ["prune"]
        lapsing(broker)
        assert clock.enqueue_jobs() == [], "none is due again within a second"


def test_of_two_clocks_one_schedules(broker, valkey):
    rival = Clock(broker, Leader(broker.store.engine))
    with leading(broker) as clock:
        assert look(clock) == ["prune"]
        work_off(valkey)
        assert look(rival) == []
    assert rival.leader.leads()
    rival.leader.resign()


def test_a_clock_of_which_rq_knows_nothing_lets_another_one_lead_when_it_stops(broker):
    with leading(broker) as rival:
        clock = Clock(broker, Leader(broker.store.engine))
        assert clock.leader.leads()
        assert look(rival) == []
        clock.stop()
        clock.start()
        assert look(rival) == ["prune"]


def test_what_rq_has_not_run_yet_is_not_queued_again(broker, valkey):
    lapsing(broker)
    with leading(broker) as clock, Redis.from_url(valkey) as client:
        assert look(clock) == ["lapse", "prune"]
        assert look(clock) == []
        assert Queue("clock", connection=client).job_ids == ["tick-lapse", "tick-prune"]
        work_off(valkey)
        lapsing(broker)
        assert look(clock) == ["lapse", "prune"]


def test_an_errand_whose_bell_was_lost_is_rung_for_once(broker, valkey):
    broker.store.bell = lambda _: None
    ask(broker, "note", 1)
    with leading(broker) as clock, Redis.from_url(valkey) as client:
        assert look(clock) == ["prune", "ring errands"]
        assert look(clock) == []
        with broker.store.read() as unit:
            assert {row.name: row.ran_at for row in schedule.entries(unit)}["ring errands"] == NOW
        broker.queue.ring({"errands"})
        assert Queue("errands", connection=client).job_ids == ["drain-errands"]


def test_rqs_jobs_are_json(broker, valkey):
    lapsing(broker)
    with leading(broker) as clock, Redis.from_url(valkey) as client:
        look(clock)
        job = Job.fetch("tick-lapse", connection=client, serializer=JSONSerializer)
        assert json.loads(job.data) == ["workers.schedule.perform", None, ["lapse"], {}]


def test_without_the_queue_server_the_clock_does_it_itself_and_says_so_once(lonely):
    lapsing(lonely)
    with structlog.testing.capture_logs() as logs, leading(lonely) as clock:
        assert look(clock) == []
        assert turn(lonely) == Turn.ABANDONED
        lapsing(lonely)
        look(clock)
    assert [one["event"] for one in logs if one["log_level"] == "warning"] == [
        "the queue server is unreachable: what is due runs here until it is back"
    ]


def test_nothing_is_lost_while_the_queue_server_is_down(lonely, installation, valkey):
    job, _ = made.published(lonely.store, 1)
    made.work(lonely.store, job, made.person(lonely.store, "worker"))
    with leading(lonely) as clock:
        look(clock)
    assert shown(lonely) == [("judge", ErrandState.WAITING, "")]
    with leading(installation(valkey)) as clock:
        assert "ring errands" in look(clock)


def test_what_rq_sits_on_for_too_long_is_done_by_the_clock(broker, valkey):
    with Redis.from_url(valkey) as client:
        client.hset("rq:job:tick-lapse", "status", "started")  # what a worker that died with it leaves behind
    lapsing(broker)
    with leading(broker) as clock:
        look(clock)
        broker.time[0] += PATIENCE - dt.timedelta(seconds=1)
        look(clock)
        assert turn(broker) == Turn.ACCEPTED
        broker.time[0] += dt.timedelta(seconds=1)
        look(clock)
    assert turn(broker) == Turn.ABANDONED


def test_a_bell_that_was_lost_is_rung_anew_and_once(broker, valkey):
    broker.store.bell = lambda _: None
    ask(broker, "note", 1)
    with leading(broker) as clock, Redis.from_url(valkey) as client:
        for _ in range(2):
            look(clock)
            work_off(valkey)
        assert len(Queue("errands", connection=client).job_ids) == 1
        assert Queue("statistics", connection=client).job_ids == []


def test_what_was_refused_long_ago_is_not_taken_for_stuck(broker, valkey):
    with Redis.from_url(valkey) as client, leading(broker) as clock:
        client.hset("rq:job:tick-lapse", "status", "started")
        lapsing(broker)
        look(clock)
        made.sweep(broker.store, broker.now())
        look(clock)
        lapsing(broker)
        look(clock)
        assert turn(broker) == Turn.ACCEPTED


def test_the_schedule_is_noted_for_people_to_see(broker):
    with leading(broker) as clock:
        look(clock)
        broker.time[0] += SIGN
        look(clock)
    with broker.store.read() as unit:
        rows = schedule.entries(unit)
    assert {(row.name, row.every, row.looked_at) for row in rows} == {
        (entry.name, entry.seconds, NOW + SIGN) for entry in SCHEDULE
    }


def test_an_entry_that_is_no_longer_scheduled_is_no_longer_shown(store):
    with store.write() as unit:
        schedule.look(unit, {"old": 1, "kept": 1}, NOW)
        schedule.look(unit, {"kept": 2}, NOW)
        assert [(row.name, row.every) for row in schedule.entries(unit)] == [("kept", 2)]


def test_every_queue_of_errands_is_rung_for():
    assert {entry.queue for entry in SCHEDULE} == {"clock", *errands.QUEUES}
