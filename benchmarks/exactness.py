"""Many processes on one job, killed and late and contrary: `python -m benchmarks.exactness --processes N --hits N`.

Counts every breach of what the assignment engine promises, on SQLite and on PostgreSQL; the last line is for programs.
"""

import argparse
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from broker.store.db import Store
from broker.store.schema import migrate
from tests.chaos.run import Outcome, Plan, run
from tests.servers.postgres import Postgres

DATABASES = ("sqlite", "postgres")
SHOWN = ("acknowledged", "repeated", "late", "refused", "abandoned", "returned", "double_click", "kills", "away")


@contextmanager
def database(sort: str, folder: Path) -> Iterator[str]:
    """The URL of a fresh migrated database."""
    server = Postgres(folder / "server") if sort == "postgres" else None
    if server is not None:
        server.start()
    try:
        url = server.create("exactness") if server is not None else f"sqlite:///{folder / 'broker.sqlite3'}"
        store = Store(url)
        migrate(store.engine)
        store.close()
        yield url
    finally:
        if server is not None:
            server.stop()


def measured(sort: str, plan: Plan) -> Outcome:
    """One run on a database of this sort."""
    # Not below a private folder: PostgreSQL runs as nobody, and a socket's path must be short.
    with tempfile.TemporaryDirectory(prefix="broker-exact-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        with database(sort, folder) as url:
            return run(url, folder, plan)


def main() -> None:
    """Run it on each database and print one line of JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--processes", type=int, default=16)
    parser.add_argument("--hits", type=int, default=2000)
    parser.add_argument("--database", choices=DATABASES, action="append")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    plan = Plan(processes=asked.processes, hits=asked.hits, seed=asked.seed, patience_seconds=60 + asked.hits / 2)
    told, total = {}, Counter[str]()
    for sort in asked.database or DATABASES:
        outcome = measured(sort, plan)
        told[sort] = outcome.line()
        total += outcome.violations
        seen = {name: outcome.seen[name] for name in SHOWN}
        print(f"{sort}: {json.dumps(told[sort] | {'seen': seen})}", file=sys.stderr)
    names = [name for name in next(iter(told.values())) if name not in {"answers", "seconds", "violations"}]
    print(json.dumps({"violations": total.total(), **{name: total[name] for name in names}, "runs": told}))


if __name__ == "__main__":
    main()
