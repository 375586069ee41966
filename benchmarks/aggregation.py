"""Our Dawid-Skene beside crowd-kit's: `python -m benchmarks.aggregation --answers N --classes K`."""

import argparse
import json
import time
import tracemalloc
from collections.abc import Callable

import numpy as np

from broker.truth.answers import Answers
from broker.truth.consensus import Consensus
from broker.truth.dawid_skene import dawid_skene
from broker.truth.reference import reference


def crowd(size: int, classes: int) -> Answers:
    """Answers of a crowd with heavy-tailed activity, five an item."""
    dice = np.random.default_rng(1)
    workers = max(size // 200, 20)
    truth = dice.integers(classes, size=max(size // 5, 1))
    item = np.arange(size) % len(truth)
    activity = 1.0 / np.arange(1, workers + 1) ** 0.8
    worker = dice.choice(workers, size=size, p=activity / activity.sum())
    right = dice.random(size) < dice.uniform(0.5, 0.95, workers)[worker]
    label = np.where(right, truth[item], dice.integers(classes, size=size))
    return Answers.from_codes(item, worker, label, n_workers=workers, n_classes=classes)


def timed(run: Callable[[], Consensus]) -> tuple[Consensus, float, float]:
    """The result, CPU seconds and wall seconds."""
    wall, cpu = time.perf_counter(), time.process_time()
    found = run()
    return found, time.process_time() - cpu, time.perf_counter() - wall


def main() -> None:
    """Run both sides and print one line of JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--answers", type=int, default=1_000_000)
    parser.add_argument("--classes", type=int, default=5)
    asked = parser.parse_args()
    answers = crowd(asked.answers, asked.classes)
    reference(crowd(1000, 2), "crowdkit-dawid-skene")  # imports are not what is measured
    ours, cpu, wall = timed(lambda: dawid_skene(answers, mode="likelihood"))
    theirs, their_cpu, their_wall = timed(lambda: reference(answers, "crowdkit-dawid-skene"))
    tracemalloc.start()
    dawid_skene(answers, mode="likelihood", most_iterations=2)
    peak = tracemalloc.get_traced_memory()[1]
    result = {
        "max_difference": float(np.abs(ours.posterior - theirs.posterior).max()),
        "cpu_ratio": round(their_cpu / cpu, 1),
        "wall_ratio": round(their_wall / wall, 1),
        "bytes_per_answer": round(peak / len(answers), 1),
        "iterations": [ours.iterations, theirs.iterations],
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
