"""What the live posterior costs the errand that judges: `python -m benchmarks.judging --database sqlite|postgres`.

Two jobs alike, of HITs with three answers of a crowd of 100 among whom a fifth is gold's, are judged batch by batch in
turn: one with live posteriors, one without. Then both are refitted, and the time is taken that the transaction which
keeps the result lasts. The last line is JSON: answers judged a second (`live`, `plain`), `share` = live / plain, the
milliseconds that a batch of 100 answers holds the database (p50), and those of `keep`.
"""

import argparse
import datetime as dt
import json
import random
import statistics
import time
from dataclasses import dataclass, field

from benchmarks.installation import installation
from broker.annotation import live
from broker.services import conclude, judge
from broker.store import jobs
from broker.store.db import Store
from broker.store.work import Assignment, Hit, Turn
from tests.services import made

CROWD, REDUNDANCY, GOLD, ACCURACY = 100, 3, 0.05, 0.8


@dataclass
class Side:
    """One job whose answers wait to be judged, with as many classes as `most` allows to be live."""

    store: Store
    job: int
    most: int
    seconds: list[float] = field(default_factory=list)

    def batch(self) -> int:
        """Judge one batch; how many answers it had."""
        live.MOST_CLASSES = self.most
        began = time.perf_counter()
        with self.store.write() as unit:
            found = judge.judge(unit, self.job, made.NOW)
        self.seconds.append(time.perf_counter() - began)
        return found

    def keep_seconds(self) -> float:
        """How long the transaction lasts that keeps a refit."""
        live.MOST_CLASSES = self.most
        with self.store.read() as unit:
            gathered = conclude.gather(unit, self.job)
        if gathered is None:
            raise SystemExit("there are no answers")
        inferred = conclude.infer(gathered)
        began = time.perf_counter()
        with self.store.write() as unit:
            conclude.keep(unit, self.job, gathered, inferred, made.NOW)
        return time.perf_counter() - began


def answered_job(store: Store, rows: int, workers: list[int], dice: random.Random) -> int:
    """A job of so many texts with three answers each, none of them judged."""
    golds = int(rows * GOLD)
    job, _ = made.published(store, rows, golds=golds, redundancy=REDUNDANCY, gold_percent=5)
    with store.write() as unit:
        hits = unit.session.query(Hit.id, Hit.gold_no).filter(Hit.job_id == job).all()
    answers = [(hit.id, worker, hit.gold_no is not None) for hit in hits for worker in dice.sample(workers, REDUNDANCY)]
    dice.shuffle(answers)
    for start in range(0, len(answers), 1000):
        with store.write() as unit:
            unit.session.add_all([_answer(job, *one, dice) for one in answers[start : start + 1000]])
    return job


def _answer(job: int, hit: int, worker: int, gold: bool, dice: random.Random) -> Assignment:  # noqa: FBT001
    right = made.LABELS[hit % len(made.LABELS)]
    label = right if dice.random() < ACCURACY else dice.choice(made.LABELS)
    times = {"accepted_at": made.NOW, "deadline": made.NOW + dt.timedelta(hours=1), "submitted_at": made.NOW}
    answer = {"category": {"label": label}}
    turn = {"state": Turn.SUBMITTED, "gold": gold, "reward": 0, "seconds": 3.0}
    return Assignment(job_id=job, hit_id=hit, worker_id=worker, answer=answer, **turn, **times)


def measured(store: Store, rows: int) -> dict[str, Side]:
    """Both sides, judged in turn to the end."""
    workers = made.crowd(store, CROWD)
    sides = {
        name: Side(store, answered_job(store, rows, workers, random.Random(1)), most)
        for name, most in (("plain", 0), ("live", 64))
    }
    going = True
    while going:
        going = min([side.batch() for side in sides.values()]) == judge.BATCH
    with store.read() as unit:
        answers = {jobs.job(unit, side.job).answers for side in sides.values()}
    if len(answers) != 1:
        raise SystemExit(f"the sides judged unlike many answers: {answers}")
    return sides


def main() -> None:
    """Measure and print one line of JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--database", choices=("sqlite", "postgres"), default="sqlite")
    parser.add_argument("--rows", type=int, default=5000)
    asked = parser.parse_args()
    with installation(asked.database) as (broker, _):
        sides = measured(broker.store, asked.rows)
        keep = {f"keep_{name}_ms": round(side.keep_seconds() * 1e3) for name, side in sides.items()}
    rate = {name: round(judge.BATCH * len(side.seconds) / sum(side.seconds)) for name, side in sides.items()}
    held = {f"batch_{name}_ms": round(statistics.median(side.seconds) * 1e3, 1) for name, side in sides.items()}
    share = round(rate["live"] / rate["plain"], 2)
    print(json.dumps({"database": asked.database, **rate, "share": share, **held, **keep}))


if __name__ == "__main__":
    main()
