"""Submit-and-next over HTTP beside an empty Flask route and the bare transaction.

`python -m benchmarks.http --database sqlite|postgres [--seconds 5] [--rounds 3]`: two server processes, 32 connections,
everything durable; wrk (Debian: apt-get install wrk) is the crowd. The last line is JSON: requests a second and ratios.
The empty route is asked by wrk without a script, and ("alike") by the script of the crowd, whose cost is then on both
sides. The bare transaction is pgbench calling the same function on 16 connections; on SQLite two processes that take
turns.
"""

import argparse
import contextlib
import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from benchmarks import bare
from benchmarks.installation import begin, installation, job, logged_in
from broker.cli.serve import environment
from broker.services import claim
from broker.wiring import Broker, utc_now
from tests.services import made

WORKERS, ROWS, GOLDS = 32, 200_000, 2_000
LOG_FILES = 40
"""Of 16 MiB each."""
SCRIPT = Path(__file__).with_name("turns.lua")
FIGURES = re.compile(r"p50_ms=(?P<p50>[\d.]+) p99_ms=(?P<p99>[\d.]+) bad=(?P<bad>\d+)")


def free_port() -> int:
    """A port nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextlib.contextmanager
def serving(module: str, broker: Broker) -> Iterator[str]:
    """The product's server, or the empty one, in processes of their own: its URL."""
    port = free_port()
    variables = {**os.environ, **environment(broker.settings), "BROKER_PORT": str(port)}
    process = subprocess.Popen([sys.executable, "-m", module], env=variables)
    url = f"http://127.0.0.1:{port}"
    try:
        await_answer(f"{url}/{'healthz' if 'cli' in module else ''}")
        yield url
    finally:
        process.terminate()
        process.wait(20)


def await_answer(url: str) -> None:
    """Return as soon as the server answers. Raises OSError after a minute."""
    deadline = time.monotonic() + 60
    while True:
        try:
            urllib.request.urlopen(url, timeout=1).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return


def wrk(url: str, seconds: int, *arguments: str) -> dict[str, float]:
    """Requests a second and percentiles of the latency in milliseconds. Raises SystemExit for refused requests."""
    command = ["wrk", f"-t{WORKERS}", f"-c{WORKERS}", f"-d{seconds}", "-s", str(SCRIPT), url, *arguments]
    if not arguments:
        command[4:6] = ["--latency"]
    run = subprocess.run(command, check=False, capture_output=True, text=True)
    said = run.stdout
    rate = re.search(r"Requests/sec:\s+([\d.]+)", said)
    if run.returncode or rate is None:
        raise SystemExit(f"wrk said: {said}{run.stderr}")
    figures = FIGURES.search(said)
    if figures and int(figures["bad"]):
        raise SystemExit(f"{figures['bad']} requests were refused: {said}")
    percentiles = {name: float(figures[name]) for name in ("p50", "p99")} if figures else {}
    return {"rate": float(rate[1]), **percentiles}


class Crowd:
    """Workers who are logged in, each with a HIT in hand."""

    def __init__(self, broker: Broker, job_id: int, workers: list[int]) -> None:
        self.broker, self.job_id, self.workers = broker, job_id, workers
        self.browsers = logged_in(broker, workers)
        self.path = broker.settings.data / "crowd"

    def hold(self) -> list[str]:
        """What the Lua script needs to know: for each worker cookie, CSRF token, job and the assignment they hold."""
        job_name, names, lines = self.broker.names("J").show(self.job_id), self.broker.names("T"), []
        for worker, (cookie, csrf, _) in zip(self.workers, self.browsers, strict=True):
            with self.broker.store.write() as unit:
                offer = claim.claim(unit, self.job_id, worker, (), utc_now(), self.broker.secret)
            lines.append(f"{cookie} {csrf} /work/{job_name} {names.show(offer.assignment_id)}\n")
        self.path.write_text("".join(lines))
        return [str(self.path)]


def settle(broker: Broker) -> None:
    """Bring PostgreSQL where it is after its first minutes: it has tidied up, and files of its log can be used again.

    While it still makes new ones, each is filled and forced to the disk first, and everybody waits; its first look at
    the rows of an import writes each page of them to the log, and who commits waits for that.
    """
    if not broker.store.sqlite:
        with broker.store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("VACUUM ANALYZE")
            for _ in range(LOG_FILES):
                connection.exec_driver_sql("SELECT pg_logical_emit_message(false, 'benchmark', '')")
                connection.exec_driver_sql("SELECT pg_switch_wal()")
            connection.exec_driver_sql("CHECKPOINT")


def main() -> None:
    """Run all sides in turn and print one line of JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--database", choices=("sqlite", "postgres"), default="sqlite")
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    if not shutil.which("wrk"):
        raise SystemExit("this benchmark needs wrk: sudo apt-get install wrk")
    with installation(asked.database, web_processes=2, web_threads=16) as (broker, server):
        workers = made.crowd(broker.store, WORKERS)
        gilded = job(broker.store, ROWS, golds=GOLDS, gold_percent=5, redundancy=3)
        plain = job(broker.store, ROWS, redundancy=3)
        begin(broker, plain, workers)
        crowd = Crowd(broker, gilded, workers)
        logins = [login for _, _, login in crowd.browsers]
        found = defaultdict(list)
        with serving("broker.cli.web", broker) as url, serving("benchmarks.empty", broker) as empty:
            sides = {
                "empty": lambda: wrk(empty, asked.seconds),
                "alike": lambda: wrk(empty, asked.seconds, *crowd.hold(), "false"),
                "bare": lambda: {"rate": bare.rate(broker, server, plain, workers, logins, asked.seconds)},
                "json": lambda: wrk(url, asked.seconds, *crowd.hold(), "false"),
                "page": lambda: wrk(url, asked.seconds, *crowd.hold(), "true"),
            }
            settle(broker)
            wrk(url, 4, *crowd.hold(), "false")  # every worker's browser becomes known, and every statement is planned
            for _ in range(asked.rounds):
                for side, run in sides.items():
                    found[side].append(run())
                    print(side, found[side][-1], flush=True)
    print(json.dumps(_result(asked.database, found)))


def _result(database: str, found: dict[str, list[dict[str, float]]]) -> dict[str, object]:
    rates = {side: statistics.median(one["rate"] for one in rows) for side, rows in found.items()}
    return {
        "database": database,
        **{f"{side}_per_second": round(rate) for side, rate in rates.items()},
        "json_of_empty": round(rates["json"] / rates["empty"], 3),
        "json_of_alike": round(rates["json"] / rates["alike"], 3),
        "json_of_bare": round(rates["json"] / rates["bare"], 3),
        "page_of_empty": round(rates["page"] / rates["empty"], 3),
        "p50_ms": statistics.median(one["p50"] for one in found["json"]),
        "p99_ms": max(one["p99"] for one in (*found["json"], *found["page"])),
    }


if __name__ == "__main__":
    main()
