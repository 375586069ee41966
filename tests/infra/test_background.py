"""The background processes: they stop in time, leave no fork behind, and one clock ticks at a time."""

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
from broker.store import errands
from broker.store.db import Store
from broker.store.leader import Leader
from broker.store.schema import migrate
from broker.wiring import utc_now
from tests.servers.processes import gone, offspring, soon
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
