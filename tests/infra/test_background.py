"""The background processes: they stop in time, leave no fork behind, and one clock ticks at a time."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest
import redis
import rq
import sqlalchemy as sa
from rq.serializers import JSONSerializer

from broker.cli.serve import environment
from broker.lifeline import tied
from broker.settings import Settings
from broker.store import errands, schedule
from broker.store.db import Store
from broker.store.errands import Errand, ErrandState
from broker.store.leader import Leader
from broker.store.schema import migrate
from broker.store.work import Assignment, Turn
from broker.wiring import utc_now
from tests.servers.processes import gone, offspring, soon
from tests.servers.valkey import serving
from tests.services import made
from workers.run import GRACE_SECONDS


@contextmanager
def background(name, settings):
    command = tied([sys.executable, "-m", "workers.run", name])
    process = subprocess.Popen(command, env={**os.environ, **environment(settings)})
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def sleeping(tmp_path, valkey):
    """A queue worker whose fork sleeps for ten minutes."""
    settings = Settings(data=tmp_path, redis_url=valkey)
    with redis.Redis.from_url(valkey) as client, background("errands", settings) as process:
        rq.Queue("errands", connection=client, serializer=JSONSerializer).enqueue("time.sleep", 600)
        soon(lambda: offspring(process.pid))
        yield process


def test_a_worker_cuts_a_long_errand_short_when_told_to_stop(sleeping):
    (fork,) = offspring(sleeping.pid)
    began = time.monotonic()
    sleeping.terminate()
    sleeping.wait(60)
    assert GRACE_SECONDS <= time.monotonic() - began < GRACE_SECONDS + 5
    assert gone(fork, seconds=1)


def test_a_fork_does_not_outlive_its_worker(sleeping):
    (fork,) = offspring(sleeping.pid)
    sleeping.kill()
    assert gone(fork, seconds=5)


def test_the_queue_never_unpickles(tmp_path, valkey):
    proof = tmp_path / "proof"
    with redis.Redis.from_url(valkey) as client:
        queue = rq.Queue("errands", connection=client)  # RQ's default: pickle
        job = queue.enqueue("os.mkdir", str(proof))
        with background("errands", Settings(data=tmp_path, redis_url=valkey)):
            soon(lambda: job.get_status(refresh=True) == "failed")
        assert not proof.exists()


def test_a_clock_survives_failing_ticks(tmp_path, valkey):
    settings = Settings(data=tmp_path, redis_url=valkey)
    with background("clock", settings) as process:
        leader_lock = tmp_path / "broker.sqlite3.leader"
        soon(leader_lock.exists)
        time.sleep(1.5)  # a tick on a database without tables
        assert process.poll() is None
        store = Store(settings.database)
        migrate(store.engine)
        with store.write() as unit:
            errands.later(unit, "judge", 1, utc_now())
        store.close()
        with redis.Redis.from_url(valkey) as client:
            soon(lambda: client.llen("rq:queue:errands") == 1)
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


def test_leases_run_out_while_the_queue_server_is_down_and_errands_catch_up_when_it_is_back(tmp_path):
    settings = Settings(data=tmp_path)
    store = Store(settings.database)
    migrate(store.engine)
    with store.write() as unit:
        schedule.look(unit, {"lapse": 5}, utc_now())
    with serving(settings):
        begun = contextlib.ExitStack()
        clock = begun.enter_context(background("clock", settings))
        worker = begun.enter_context(background("errands", settings))
        with redis.Redis.from_url(settings.redis) as client:
            soon(lambda: len(rq.Worker.all(connection=client)) == 2)
    with begun:
        job, _ = made.published(store, 2)
        made.take(store, job, made.person(store, "worker"), utc_now() - made.LEASE)
        with store.write() as unit:
            errands.later(unit, "judge", job, utc_now())
        soon(lambda: seen(store, Assignment.state) == {Turn.ABANDONED})
        assert seen(store, Errand.state) == {ErrandState.WAITING}
        with serving(settings):
            soon(lambda: seen(store, Errand.state) == {ErrandState.DONE})
        assert clock.poll() is worker.poll() is None
    store.close()


@pytest.mark.parametrize("name", ["errands", "clock"])
def test_a_worker_is_stopped_though_the_queue_server_has_left_before_it(tmp_path, name):
    settings = Settings(data=tmp_path)
    store = Store(settings.database)
    migrate(store.engine)
    store.close()
    begun = contextlib.ExitStack()
    with serving(settings), redis.Redis.from_url(settings.redis) as client:
        worker = begun.enter_context(background(name, settings))
        soon(lambda: [one.get_state() for one in rq.Worker.all(connection=client)] == ["idle"])
        worker.send_signal(signal.SIGSTOP)
    with begun:
        worker.terminate()
        worker.send_signal(signal.SIGCONT)
        assert worker.wait(20) is not None


def seen(store, column):
    with store.read() as unit:
        return set(unit.session.scalars(sa.select(column)))


def test_a_worker_that_starts_before_its_queue_server_waits_for_it(tmp_path):
    settings = Settings(data=tmp_path)
    store = Store(settings.database)
    migrate(store.engine)
    with store.write() as unit:
        errands.later(unit, "judge", 1, utc_now())
    with background("errands", settings) as worker, background("clock", settings):
        soon(lambda: seen(store, schedule.Scheduled.name))
        assert worker.poll() is None
        with serving(settings):
            soon(lambda: seen(store, Errand.state) <= {ErrandState.DONE, ErrandState.FAILED})
    store.close()


def test_errands_go_on_after_a_fork_was_killed(tmp_path, valkey):
    settings = Settings(data=tmp_path, redis_url=valkey)
    store = Store(settings.database)
    migrate(store.engine)
    with (
        redis.Redis.from_url(valkey) as client,
        background("errands", settings) as worker,
        background("clock", settings),
    ):
        queue = rq.Queue("errands", connection=client, serializer=JSONSerializer)
        queue.enqueue("time.sleep", 600, job_id="drain-errands", unique=True, result_ttl=0, failure_ttl=1)
        soon(lambda: offspring(worker.pid))
        with store.write() as unit:
            errands.later(unit, "judge", 1, utc_now())
        os.kill(next(iter(offspring(worker.pid))), signal.SIGKILL)
        soon(lambda: seen(store, Errand.state) <= {ErrandState.DONE, ErrandState.FAILED}, seconds=60)
    store.close()


def test_one_leads_at_a_time(store):
    first, second = Leader(store.engine), Leader(store.engine)
    assert first.leads()
    assert not second.leads()
    assert first.leads()
    first.resign()
    assert second.leads()
    assert not first.leads()
    second.resign()


def test_who_loses_the_database_leads_no_more(postgres_database):
    store = Store(postgres_database)
    first, second = Leader(store.engine), Leader(store.engine)
    assert first.leads()
    with store.read() as unit:
        others = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'"
        unit.session.execute(sa.text(others))
    assert not first.leads()
    assert second.leads()
    assert not first.leads()
    first.resign()
    second.resign()
    store.close()
