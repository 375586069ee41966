"""What the benchmarks measure on: a durable database of either sort with a big job, and workers who are logged in."""

import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from broker.app import create_app
from broker.rules.gold import Schedule, drawer
from broker.settings import Settings
from broker.store import hits
from broker.store.db import Store
from broker.store.jobs import Job
from broker.store.people import Login
from broker.store.schema import migrate
from broker.web.gate import token_hash
from broker.wiring import Broker, build, utc_now
from tests.servers.postgres import Postgres
from tests.services import made


@contextmanager
def installation(database: str, **settings: object) -> Iterator[tuple[Broker, Postgres | None]]:
    """A migrated installation in a folder of its own, fsync on."""
    with tempfile.TemporaryDirectory(prefix="broker-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        server = Postgres(folder / "pg", durable=True) if database == "postgres" else None
        if server is not None:
            server.start()
            settings["database_url"] = server.create("bench")
        broker = build(Settings(data=folder, throttle=False, **settings))
        migrate(broker.store.engine)
        try:
            yield broker, server
        finally:
            broker.store.close()
            if server is not None:
                server.stop()


def job(store: Store, rows: int, *, golds: int = 0, **values: object) -> int:
    """An open job of so many texts; its row id."""
    found, _ = made.published(store, rows, golds=golds, **values)
    return found


def begin(broker: Broker, job_id: int, workers: list[int]) -> None:
    """Give workers their place in the job, as their first claim would."""
    with broker.store.write() as unit:
        found = unit.session.get_one(Job, job_id)
        for worker in workers:
            golds = Schedule(found.gold_percent, found.golds, drawer(broker.secret, job_id, worker))
            hits.begin(unit, job_id, worker, golds.after(0))


def logged_in(broker: Broker, workers: list[int]) -> list[tuple[str, str, int]]:
    """For each worker the cookie and CSRF token of a browser, and the row id of its log-in."""
    app = create_app(broker)
    return [_browser(broker, app.test_client(), worker) for worker in workers]


def _browser(broker: Broker, client, worker: int) -> tuple[str, str, int]:  # type: ignore[no-untyped-def] # noqa: ANN001
    token = secrets.token_hex()
    with broker.store.write() as unit:
        login = Login(person_id=worker, token_hash=token_hash(token), agent="", created_at=utc_now(), seen_at=utc_now())
        unit.session.add(login)
        unit.session.flush()
    with client.session_transaction() as session:
        session["token"] = token
    page = client.get("/account").text
    csrf = page.partition('name="csrf-token" content="')[2].partition('"')[0]
    return client.get_cookie("broker").value, csrf, login.id
