"""Submit-and-next in JSON under other WSGI servers: `python -m benchmarks.servers --database sqlite|postgres`.

Each gets two processes of 16 threads, waitress one of 32, for it has no processes. Needs wrk, and beside what is locked
`pip install gunicorn waitress`. The last line is JSON: requests a second, and each over granian's.
"""

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator

from benchmarks.http import GOLDS, ROWS, WORKERS, Crowd, await_answer, free_port, wrk
from benchmarks.installation import installation, job
from broker.cli.serve import environment
from broker.wiring import Broker
from tests.services import made


def commands(port: int) -> dict[str, list[str]]:
    """How each server is started."""
    where = f"127.0.0.1:{port}"
    gunicorn = ["-m", "gunicorn", "-b", where, "-w", "2", "-k", "gthread", "--threads", "16", "--keep-alive", "60"]
    return {
        "granian": ["-m", "broker.cli.web"],
        "gunicorn": [*gunicorn, "--log-level", "error", "broker.app:create_app()"],
        "waitress": ["-m", "waitress", f"--listen={where}", "--threads=32", "--call", "broker.app:create_app"],
    }


@contextlib.contextmanager
def serving(broker: Broker, server: str) -> Iterator[str]:
    """The product under this server: its URL."""
    port = free_port()
    variables = {**os.environ, **environment(broker.settings), "BROKER_PORT": str(port)}
    process = subprocess.Popen([sys.executable, *commands(port)[server]], env=variables)
    try:
        await_answer(f"http://127.0.0.1:{port}/healthz")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(20)


def main() -> None:
    """Run all servers in turn and print one line of JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--database", choices=("sqlite", "postgres"), default="sqlite")
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=2)
    asked = parser.parse_args()
    found = defaultdict(list)
    with installation(asked.database, web_processes=2, web_threads=16) as (broker, _):
        workers = made.crowd(broker.store, WORKERS)
        crowd = Crowd(broker, job(broker.store, ROWS, golds=GOLDS, gold_percent=5, redundancy=3), workers)
        for _ in range(asked.rounds):
            for server in commands(0):
                with serving(broker, server) as url:
                    wrk(url, 2, *crowd.hold(), "false")
                    found[server].append(wrk(url, asked.seconds, *crowd.hold(), "false"))
                print(server, found[server][-1], flush=True)
    rates = {server: statistics.median(one["rate"] for one in rows) for server, rows in found.items()}
    ratios = {f"{server}_of_granian": round(rate / rates["granian"], 2) for server, rate in rates.items()}
    result = {"database": asked.database, **{name: round(rate) for name, rate in rates.items()}, **ratios}
    print(json.dumps(result | {f"{name}_p99_ms": max(one["p99"] for one in rows) for name, rows in found.items()}))


if __name__ == "__main__":
    main()
