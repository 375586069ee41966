"""A large CSV through the product's import beside the bare database: `python -m benchmarks.ingest --rows N`."""

import argparse
import csv
import json
import multiprocessing
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import sqlalchemy as sa

from broker.rules import ledger
from broker.services import intake, prepare, publish
from broker.services.intake import Arrival
from broker.services.prepare import Task
from broker.settings import Settings
from broker.store import dataset, jobs, money, tables
from broker.store.db import Store
from broker.store.files import Files
from broker.store.people import Person
from broker.store.schema import migrate
from broker.wiring import Broker, Queue, utc_now
from tests.servers.postgres import Postgres
from workers import errands

WORDS = ("the", "a", "cat", "dog", "café", "sat", "on", "mat", "quick", "brown", "fox", "jumps", "over", "lazy", "tree")
GOLD_SHARE = 0.02
BLOCK = 256 * 1024
MEGABYTE = 1_000_000
SECRET = "a secret of thirty-two characters!!"
TASK = {"media": "text", "field": "text", "question": "Mood?", "labels": [{"name": "good"}, {"name": "bad"}]}


def make_csv(path: Path, rows: int) -> None:
    """Three columns of about 100 bytes a row; every tenth text is quoted, one row in fifty has its truth."""
    dice = random.Random(1)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "text", "mood"])
        for row in range(rows):
            text = " ".join(dice.choices(WORDS, k=21)) + (', "so they said"' if row % 10 == 0 else "")
            mood = dice.choice(("good", "bad")) if dice.random() < GOLD_SHARE else ""
            writer.writerow([row, text, mood])


def draft(store: Store) -> tuple[int, int]:
    """A requester with money and a draft of theirs, on a fresh database: (job id, requester id)."""
    tables.know_all()
    with store.write() as unit:
        named = {"public_id": "R", "email": "r@example.org", "name": "R", "password_hash": ""}
        requester = Person(**named, worker=False, requester=True, admin=False, created_at=utc_now())
        unit.session.add(requester)
        unit.session.flush()
        money.transfer(unit, ledger.deposit(requester.id, 10**15, "opening"), utc_now())
        return prepare.make(unit, requester.id, "Reviews", utc_now()).id, requester.id


def imported(url: str, path: Path, folder: Path) -> dict[str, float]:
    """Seconds of the import and of publishing what came in, and memory of the importing process above idle."""
    settings = Settings(data=folder, database_url=url, secret=SECRET, throttle=False)
    store = Store(url)
    broker = Broker(settings, store, Files(settings.files), Queue("redis://127.0.0.1:1"), SECRET.encode())
    job, requester = draft(store)
    key = broker.files.fresh_key("uploads")
    broker.files.write(key, b"")
    with path.open("rb") as source, broker.files.open(key, "wb") as target:
        while block := source.read(BLOCK):
            target.write(block)
    with store.write() as unit:
        intake.receive(unit, job, requester, Arrival(path.name, key, path.stat().st_size), utc_now())
    idle = memory("VmRSS")
    seconds = timed(lambda: errands.drain_with(broker, "errands"))
    peak = memory("VmHWM")
    with store.write() as unit:
        prepare.save_task(unit, job, requester, Task("Reviews", "", "", "choice", TASK))
        prepare.save_quality(unit, job, requester, prepare.Quality("3", "2", "mood"))
        prepare.save_pay(unit, job, requester, "0.01", "5")
    publishing = timed(lambda: published(store, job, requester))
    with store.read() as unit:
        rows, published_job = dataset.size(unit, job), jobs.job(unit, job)
        found = {"hits": published_job.hits, "golds": published_job.golds}
    store.close()
    return {"rows": rows, "seconds": seconds, "memory_mb": peak - idle, "publish_seconds": publishing, **found}


def published(store: Store, job: int, requester: int) -> None:
    """Open the draft to workers."""
    with store.write() as unit:
        publish.publish(unit, job, requester, utc_now())


def memory(name: str) -> float:
    """A figure of this process from /proc, in MB."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(f"{name}:"))
    return int(line.split()[1]) * 1024 / MEGABYTE


def timed(run: Callable[[], object]) -> float:
    """Seconds by the wall."""
    begun = time.perf_counter()
    run()
    return time.perf_counter() - begun


def bare_executemany(url: str, path: Path) -> float:
    """Seconds of one transaction with one executemany of the rows, ready in memory, into the product's own table."""
    store = Store(url)
    job, _ = draft(store)
    with path.open(newline="", encoding="utf-8") as file:
        rows = [
            (job, row, row, True, 0, 0, json.dumps(payload, ensure_ascii=False))
            for row, payload in enumerate(csv.DictReader(file), 1)
        ]
    insert = "INSERT INTO hits (job_id, row, pos, open, taken, extra, payload) VALUES (?, ?, ?, ?, ?, ?, ?)"
    with store.engine.execution_options(writes=True).connect() as connection:
        connection.execute(sa.select(1))
        driver: Any = connection.connection.driver_connection

        def run() -> None:
            driver.executemany(insert, rows)
            connection.commit()

        seconds = timed(run)
    store.close()
    return seconds


def bare_copy(url: str, path: Path) -> float:
    """Seconds of the file by COPY into a bare table of three text columns."""
    address = sa.make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(address) as connection:
        connection.execute("CREATE TABLE bare (id text, text text, mood text)")
        connection.commit()

        def run() -> None:
            with path.open("rb") as file, connection.cursor() as cursor:
                with cursor.copy("COPY bare FROM STDIN (FORMAT csv, HEADER)") as copy:
                    while block := file.read(BLOCK):
                        copy.write(block)
                connection.commit()

        return timed(run)


@contextmanager
def databases(kind: str, folder: Path) -> Iterator[Callable[[str], str]]:
    """What makes a fresh migrated database by name: its URL."""
    if kind == "sqlite":
        yield lambda name: migrated(f"sqlite:///{folder / name}.sqlite3")
        return
    server = Postgres(folder / "server", durable=True)
    server.start()
    try:
        yield lambda name: migrated(server.create(name))
    finally:
        server.stop()


def migrated(url: str) -> str:
    """The database with all tables."""
    store = Store(url)
    migrate(store.engine)
    store.close()
    return url


def apart(run: Callable[..., Any], *arguments: Any) -> Any:
    """The result of a function that runs in a process of its own, so that memory is nobody else's."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(run, arguments)


def compare(kind: str, path: Path, folder: Path) -> dict[str, float]:
    """The import between two runs of the bare database; `ratio` is rows/s over the mean of theirs."""
    bare = bare_executemany if kind == "sqlite" else bare_copy
    with databases(kind, folder) as database:
        before = apart(bare, database("before"), path)
        ours = apart(imported, database("ours"), path, folder / "data")
        after = apart(bare, database("after"), path)
    figures = {
        "rows_per_second": ours["rows"] / ours["seconds"],
        "bare_rows_per_second": ours["rows"] * 2 / (before + after),
        "ratio": (before + after) / 2 / ours["seconds"],
        **{name: ours[name] for name in ("memory_mb", "publish_seconds", "hits", "golds")},
    }
    return {name: round(figure, 3 if name == "ratio" else 1) for name, figure in figures.items()}


def main() -> None:
    """Run both sides and print one line of JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--database", choices=("sqlite", "postgres"))
    parser.add_argument("--rows", type=int, default=1_000_000)
    asked = parser.parse_args()
    result: dict[str, Any] = {"rows": asked.rows}
    for kind in (asked.database,) if asked.database else ("sqlite", "postgres"):
        with tempfile.TemporaryDirectory(prefix="broker-ingest-") as name:
            folder = Path(name)
            folder.chmod(0o755)  # the user nobody, who may run PostgreSQL, must be able to enter it
            make_csv(folder / "reviews.csv", asked.rows)
            result[kind] = compare(kind, folder / "reviews.csv", folder)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
