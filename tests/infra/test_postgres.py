"""The tests' own PostgreSQL: it runs for any user, clones quickly, survives a kill and leaves nothing behind."""

import tempfile
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from tests.servers import postgres
from tests.servers.postgres import Given, Postgres
from tests.servers.processes import gone, offspring


@pytest.fixture
def folder():
    # Not pytest's tmp_path: nobody but root may enter that, and a socket's path must be short.
    with tempfile.TemporaryDirectory(prefix="broker-pg-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o755)
        yield Path(name) / "server"


def execute(url, statement):
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        result = connection.execute(sa.text(statement))
        value = result.scalar() if result.returns_rows else None
    engine.dispose()
    return value


@pytest.mark.parametrize("way", postgres.ways())
def test_it_runs_in_each_way_this_user_may_use(folder, monkeypatch, way):
    monkeypatch.setattr(postgres, "unprivileged", lambda: way)
    server = Postgres(folder)
    server.start()
    assert execute(server.url("postgres"), "SELECT 1") == 1
    processes = offspring(server.process.pid)
    server.stop()
    assert server.process.returncode == 0
    assert gone(*processes)


def test_what_was_committed_survives_kill_9(folder):
    server = Postgres(folder, durable=True)
    server.start()
    url = server.create("kept")
    execute(url, "CREATE TABLE fact AS SELECT 42 AS value")
    server.kill()
    server.start()
    assert execute(url, "SELECT value FROM fact") == 42
    assert execute(url, "SHOW fsync") == "on"
    server.stop()


def test_a_clone_is_a_copy_of_its_own(folder):
    server = Postgres(folder)
    server.start()
    first = server.create("first")
    execute(first, "CREATE TABLE fact AS SELECT 1 AS value")
    second = server.create("second", "first")
    execute(second, "UPDATE fact SET value = 2")
    assert execute(first, "SELECT value FROM fact") == 1
    server.drop("second")
    with pytest.raises(sa.exc.OperationalError, match="does not exist"):
        execute(second, "SELECT 1")
    server.stop()


def test_a_given_server_is_used_and_left_running(folder):
    server = Postgres(folder)
    server.start()
    given = Given(server.url("postgres"))
    given.start()
    url = given.create("theirs")
    assert execute(url, "SELECT current_database()") == "theirs"
    given.drop("theirs")
    given.stop()
    with psycopg.connect(host=str(folder), user="postgres") as connection:
        assert connection.execute("SELECT count(*) FROM pg_database WHERE datname = 'theirs'").fetchone() == (0,)
    server.stop()
