"""The yardstick of turns: the transaction itself, without HTTP."""

import json
import re
import subprocess
import sys
import time

from broker.rules import lease
from broker.store import turns as store_turns
from broker.store.db import EPOCH, MICROSECOND, Store
from broker.store.express import COUNTABLE, Ask, Code
from broker.wiring import Broker, utc_now
from tests.servers.postgres import Postgres, binary

CLIENTS, PROCESSES = 16, 2
ANSWER = '{"category": {"label": "cat"}}'


def rate(
    broker: Broker, server: Postgres | None, job: int, workers: list[int], logins: list[int], seconds: int
) -> float:
    """Turns a second."""
    if server is not None:
        return _pgbench(broker, server, job, workers, logins, seconds)
    url = broker.settings.database
    halves = [(workers[half::PROCESSES], logins[half::PROCESSES]) for half in range(PROCESSES)]
    commands = [[sys.executable, "-m", "benchmarks.bare", json.dumps([url, job, *half, seconds])] for half in halves]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for command in commands]
    return sum(float(process.communicate()[0]) for process in processes)


def _pgbench(broker: Broker, server: Postgres, job: int, workers: list[int], logins: list[int], seconds: int) -> float:
    script = broker.settings.data / "turn.pgbench"
    now = (utc_now() - EPOCH) // MICROSECOND
    values = (
        *("(:login)::bigint", "0::bigint", "(:worker)::bigint", f"{job}::bigint", f"{now}::bigint"),
        *("nullif(:a::bigint, 0)", f"'{ANSWER}'", "3.2::float8"),
        *("true", "NULL::bigint", f"{lease.microseconds(600)}::bigint", "'{}'", lease.MOST_HELD, COUNTABLE),
        *("NULL::integer", "NULL::integer", "NULL::bigint"),
    )
    arrays = ", ".join(f"ARRAY[{one}]" for one in values)
    script.write_text(
        f"\\set worker {workers[0]} + :client_id\n\\set login {logins[0]} + :client_id\n"
        # Each run goes on with what the one before it left in hand.
        "\\if :a = 0\n"
        f"SELECT coalesce(max(id), 0) AS a FROM assignments WHERE worker_id = :worker AND job_id = {job}"
        " AND state = 'accepted' \\gset\n\\endif\n"
        f"SELECT coalesce(o_assignment, 0) AS a FROM broker_turns({arrays}) \\gset\n"
    )
    command = [
        binary("pgbench"),
        "-n",
        "-M",
        "prepared",
        "-c",
        str(CLIENTS),
        "-j",
        "2",
        "-T",
        str(seconds),
        "-D",
        "a=0",
    ]
    where = ["-h", str(server.folder), "-U", "postgres", "-f", str(script), "bench"]
    said = subprocess.run([*command, *where], check=True, capture_output=True, text=True).stdout
    found = re.search(r"tps = ([\d.]+)", said)
    if found is None:
        raise SystemExit(f"pgbench said: {said}")
    return float(found[1])


def _work(url: str, job: int, workers: list[int], logins: list[int], seconds: int) -> float:
    store, turns, begun = Store(url), 0, time.perf_counter()
    with store.read() as unit:
        held = {worker: next((row.id for row in store_turns.held(unit, job, worker)), None) for worker in workers}
    while time.perf_counter() - begun < seconds:
        for worker, login in zip(workers, logins, strict=True):
            ask = Ask(
                worker=worker,
                job=job,
                now=(utc_now() - EPOCH) // MICROSECOND,
                lease=lease.microseconds(600),
                most_held=lease.MOST_HELD,
                assignment=held[worker],
                answer=ANSWER,
                seconds=3.2,
                login=login,
            )
            given = store.lane.turn(ask, None)
            if given is None or given.code != Code.NEXT:
                raise SystemExit(f"no HIT: {given}")
            held[worker] = given.assignment
            turns += 1
    store.close()
    return turns / (time.perf_counter() - begun)


if __name__ == "__main__":
    sys.stdout.write(str(_work(*json.loads(sys.argv[1]))))
