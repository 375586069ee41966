"""A part that is away: no database is a 503 at once, no queue server is nothing that anybody who works notices."""

import contextlib
import socket
import sqlite3
import tempfile
import threading
from pathlib import Path

import pytest
import sqlalchemy as sa

from broker.store.db import Store
from broker.store.schema import migrate
from broker.web.errors import is_away
from broker.wiring import Queue
from tests.doors.conftest import Hands
from tests.servers.postgres import Postgres

RINGS = 40
"""So many would take minutes if each waited for a server that is not there."""


@pytest.fixture
def mortal():
    """A PostgreSQL of this test alone, which it may kill."""
    with tempfile.TemporaryDirectory(prefix="broker-pg-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o755)
        server = Postgres(Path(name) / "server", durable=True)
        server.start()
        yield server
        server.stop()


@pytest.fixture
def scene(mortal, tmp_path):
    """An installation on it, and the page of a worker with a HIT on screen."""
    store = Store(mortal.create("away"))
    migrate(store.engine)
    hands = Hands(store, tmp_path)
    requester, worker = hands.person("rita", "requester"), hands.person("walt")
    page = hands.page(worker, hands.job(requester))
    yield page, page.claim().json["assignment"]
    store.close()


def unavailable(answer):
    told = answer.headers
    return (answer.status_code, told["Retry-After"], answer.content_type) == (503, "2", "application/problem+json")


def test_claim_and_submit_say_503_while_the_database_is_away_and_go_on_when_it_is_back(mortal, scene):
    page, turn = scene
    mortal.kill()
    for _ in range(3):
        assert unavailable(page.claim())
        assert unavailable(page.submit(turn))
    mortal.start()
    assert page.claim().json["assignment"]["id"] == turn["id"]
    assert page.submit(turn).json["accepted"]


def test_a_database_that_went_and_came_back_between_two_requests_costs_each_process_one_503(mortal, scene):
    page, turn = scene
    mortal.kill()
    mortal.start()
    answers = [page.claim(), page.submit(turn), page.submit(turn)]
    assert unavailable(answers[0])
    assert [answer.status_code for answer in answers[1:]] == [200, 200]
    assert [answer.json["repeated"] for answer in answers[1:]] == [False, True]


def test_people_see_a_page_that_says_so(mortal, scene):
    page, _ = scene
    mortal.kill()
    answer = page.client.get("/work", headers={"Accept": "text/html"})
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
    assert "The database does not answer at the moment." in answer.text
    mortal.start()


def failure(engine, statement):
    with pytest.raises(sa.exc.SQLAlchemyError) as caught, engine.connect() as connection:
        connection.execute(sa.text(statement))
    return caught.value


def test_a_busy_database_is_away_but_a_wrong_statement_is_our_fault(tmp_path):
    path = tmp_path / "some.sqlite3"
    engine = sa.create_engine(f"sqlite:///{path}", connect_args={"timeout": 0})
    with contextlib.closing(sqlite3.connect(path)) as rival:
        rival.execute("BEGIN EXCLUSIVE")
        assert is_away(failure(engine, "SELECT * FROM sqlite_master"))
    assert not is_away(failure(engine, "SELECT * FROM nothing"))
    engine.dispose()


def test_an_empty_pool_is_away_but_a_deadlock_is_our_fault(postgres_database):
    engine = sa.create_engine(postgres_database, pool_size=1, max_overflow=0, pool_timeout=0)
    with engine.connect():
        assert is_away(failure(engine, "SELECT 1"))
    assert not is_away(failure(engine, "DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '40P01'; END $$"))
    assert is_away(failure(engine, "DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '57P03'; END $$"))
    engine.dispose()


@pytest.mark.timeout(30)
def test_a_dead_queue_server_holds_up_nobody():
    queue = Queue("unix:///nowhere/valkey.sock")
    for _ in range(RINGS):
        queue.ring({"errands", "statistics"})


@pytest.mark.timeout(30)
def test_a_queue_server_that_says_nothing_holds_up_one_ring_in_a_while():
    with socket.create_server(("127.0.0.1", 0)) as mute:
        queue = Queue(f"redis://127.0.0.1:{mute.getsockname()[1]}")
        ringers = [threading.Thread(target=queue.ring, args=({"errands"},)) for _ in range(4)]
        for one in ringers:
            one.start()
        for one in ringers:
            one.join()
        for _ in range(RINGS):
            queue.ring({"errands", "statistics"})


def test_a_queue_server_that_is_back_is_rung_again(valkey, monkeypatch):
    monkeypatch.setattr("broker.wiring.AWAY_SECONDS", 0)
    queue = Queue("unix:///nowhere/valkey.sock")
    queue.ring({"errands"})
    queue.connection = Queue(valkey).connection
    queue.ring({"errands"})
    assert queue.connection.llen("rq:queue:errands") == 1


def test_one_ring_waits_at_a_time_and_a_worker_that_was_killed_with_its_ring_mutes_nobody(valkey):
    queue = Queue(valkey)
    for _ in range(2):
        queue.ring({"errands"})
    assert queue.connection.llen("rq:queue:errands") == 1
    queue.connection.lpop("rq:queue:errands")
    queue.ring({"errands"})
    assert queue.connection.llen("rq:queue:errands") == 1
