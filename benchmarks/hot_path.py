"""Claim and submit as a job, the crowd's jobs and a worker's history grow.

`python -m benchmarks.hot_path --database sqlite|postgres --sizes 1000,100000,1000000`: all sizes lie in one durable
database beside 1,000 other open jobs and are measured in turn, so that what else the machine does hits them alike; the
veteran has done 10,000 HITs of the largest job. The last line is JSON: microseconds by size, and `growth`, the p50
at the largest size (the veteran's, if that is worse) over the p50 at the smallest, the worse one of claim and submit.
"""

import argparse
import json
import statistics
import time
from collections import defaultdict
from dataclasses import dataclass, field

from benchmarks.installation import begin, installation
from broker.rules import lease, ledger
from broker.services import publish
from broker.store import dataset
from broker.store.db import EPOCH, MICROSECOND, Store
from broker.store.express import Ask, Code
from broker.wiring import Broker, utc_now
from tests.services import made

WORKERS, ROUNDS, TURNS, HISTORY, JOBS, BATCH = 16, 20, 96, 10_000, 1000, 5000
ANSWER = '{"category": {"label": "cat"}}'


def big_job(store: Store, rows: int) -> int:
    """An open job of so many texts, written as an import writes them."""
    requester = made.person(store, "requester", made.RICH)
    job = made.draft(store, requester, 0, redundancy=3, reward=ledger.UNIT // 1000)
    for start in range(1, rows + 1, BATCH):
        with store.write() as unit:
            items = ((row, {"text": f"text {row}"}) for row in range(start, min(start + BATCH, rows + 1)))
            dataset.write(unit, job, items)
    with store.write() as unit:
        publish.publish(unit, job, requester, made.NOW)
    return job


@dataclass
class Side:
    """One job under measurement, and what its workers hold."""

    store: Store
    job: int
    workers: list[int]
    times: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def ask(self, worker: int, **values: object) -> Ask:
        """What a worker asks for."""
        now = (utc_now() - EPOCH) // MICROSECOND
        plain = {"worker": worker, "job": self.job, "now": now, "lease": lease.microseconds(600), "most_held": 3}
        return Ask(**plain, **values)  # type: ignore[arg-type]

    def turns(self, count: int) -> None:
        """So many claims, each with its submit."""
        for number in range(count):
            worker = self.workers[number % len(self.workers)]
            begun = time.perf_counter()
            given = self.store.lane.turn(self.ask(worker), None)
            claimed = time.perf_counter()
            if given is None or given.code != Code.NEXT:
                raise SystemExit(f"no HIT: {given}")
            answer = self.ask(worker, assignment=given.assignment, answer=ANSWER, seconds=2.0, claim=False)
            asked = time.perf_counter()
            kept = self.store.lane.turn(answer, None)
            self.times["submit"].append(time.perf_counter() - asked)
            self.times["claim"].append(claimed - begun)
            if kept is None or not kept.kept:
                raise SystemExit(f"not kept: {kept}")

    def result(self) -> dict[str, int]:
        """Microseconds: p50 and p99 of claim and submit."""
        cuts = {name: statistics.quantiles(times, n=100) for name, times in self.times.items()}
        percentiles = {"p50": 49, "p99": 98}
        return {
            f"{name}_{label}_us": round(cuts[name][place] * 1e6)
            for name in ("claim", "submit")
            for label, place in percentiles.items()
        }


def measured(broker: Broker, sizes: list[int]) -> dict[str, Side]:
    """All sides, after their rounds."""
    store = broker.store
    for _ in range(JOBS):
        made.published(store, 3)
    sides = {}
    for size in sizes:
        side = Side(store, big_job(store, size), made.crowd(store, WORKERS))
        begin(broker, side.job, side.workers)
        sides[str(size)] = side
    if max(sizes) > HISTORY:
        veteran = Side(store, sides[str(max(sizes))].job, made.crowd(store, 1))
        begin(broker, veteran.job, veteran.workers)
        veteran.turns(HISTORY)
        veteran.times.clear()
        sides["veteran"] = veteran
    for _ in range(ROUNDS):
        for side in sides.values():
            side.turns(TURNS)
    return sides


def main() -> None:
    """Measure and print one line of JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--database", choices=("sqlite", "postgres"), default="sqlite")
    parser.add_argument("--sizes", default="1000,100000,1000000")
    asked = parser.parse_args()
    sizes = sorted(map(int, asked.sizes.split(",")))
    with installation(asked.database) as (broker, _):
        found = {name: side.result() for name, side in measured(broker, sizes).items()}
    smallest = found[str(sizes[0])]
    largest = [row for name, row in found.items() if name in (str(sizes[-1]), "veteran")]
    growth = max(row[key] / smallest[key] for row in largest for key in ("claim_p50_us", "submit_p50_us"))
    print(json.dumps({"database": asked.database, "sizes": found, "growth": round(growth, 2)}))


if __name__ == "__main__":
    main()
