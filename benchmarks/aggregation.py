"""Our Dawid-Skene beside crowd-kit's: `python -m benchmarks.aggregation --answers N --classes K`.

Both run in this process on the same answers, maximum likelihood and crowd-kit's stop rule; CPU time beside wall time.
`bytes_per_answer` is what a run allocates at its peak over the answers themselves, its result included.

Above 10,000,000 answers crowd-kit is left out, and the line says how long ours took and how much memory. `peak_gb` is
the most that the whole process ever held resident: interpreter, libraries, the answers (`input_gb`, 12 bytes each), the
result, and all that was needed on the way, making the answers included (`peak_before_fit_gb`). `bytes_per_answer` is
there what the peak is over the process's size with its answers just before the fit. GB are 1e9 bytes.
`import_seconds` and `import_mib` are CPU time and peak memory of a fresh process that imports the engine.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np

from broker.truth.answers import Answers
from broker.truth.consensus import Consensus
from broker.truth.dawid_skene import dawid_skene
from broker.truth.reference import reference

EACH, BLOCK, MOST_COMPARED = 5, 5_000_000, 10_000_000
IMPORT = (
    "import time; start = time.process_time(); import broker.truth.answers, broker.truth.dawid_skene;"
    "cpu = time.process_time() - start; status = open('/proc/self/status').read();"
    "print(cpu, int(status.split('VmHWM:')[1].split()[0]) / 1024)"  # ru_maxrss would be this process's, where larger
)


def crowd(size: int, classes: int) -> Answers:
    """Answers of a crowd with heavy-tailed activity, five an item, made a block at a time."""
    dice = np.random.default_rng(1)
    workers = max(size // 200, 20)
    skill = dice.uniform(0.5, 0.95, workers)
    item, worker, label = (np.empty(size, dtype=np.int32) for _ in range(3))
    for start in range(0, size, BLOCK):
        rows = slice(start, min(start + BLOCK, size))
        count = rows.stop - start
        item[rows] = np.arange(start, rows.stop) // EACH
        truth = np.repeat(dice.integers(classes, size=count // EACH + 1), EACH)[:count]
        worker[rows] = dice.random(count) ** 5 * workers  # the n-th is as active as n ** -0.8
        right = dice.random(count) < skill[worker[rows]]
        label[rows] = np.where(right, truth, dice.integers(classes, size=count))
    return Answers.from_codes(item, worker, label, n_workers=workers, n_classes=classes)


def timed(run: Callable[[], Consensus]) -> tuple[Consensus, float, float]:
    """The result, CPU seconds and wall seconds."""
    wall, cpu = time.perf_counter(), time.process_time()
    found = run()
    return found, time.process_time() - cpu, time.perf_counter() - wall


def compared(answers: Answers) -> dict[str, object]:
    """Both sides on the same answers."""
    reference(crowd(1000, 2), "crowdkit-dawid-skene")  # imports are not what is measured
    ours, cpu, wall = timed(lambda: dawid_skene(answers, mode="likelihood"))
    theirs, their_cpu, their_wall = timed(lambda: reference(answers, "crowdkit-dawid-skene"))
    tracemalloc.start()
    dawid_skene(answers, mode="likelihood", most_iterations=2)
    peak = tracemalloc.get_traced_memory()[1]
    return {
        "max_difference": float(np.abs(ours.posterior - theirs.posterior).max()),
        "cpu_ratio": round(their_cpu / cpu, 1),
        "wall_ratio": round(their_wall / wall, 1),
        "bytes_per_answer": round(peak / len(answers), 1),
        "iterations": [ours.iterations, theirs.iterations],
        "cpu_seconds": [round(cpu, 2), round(their_cpu, 2)],
    }


def alone(answers: Answers) -> dict[str, object]:
    """Ours only."""
    before, base = peak_bytes(), resident_bytes()
    found, cpu, wall = timed(lambda: dawid_skene(answers, mode="likelihood"))
    peak = peak_bytes()
    return {
        "wall_seconds": round(wall, 1),
        "cpu_seconds": round(cpu, 1),
        "peak_gb": round(peak / 1e9, 2),
        "peak_before_fit_gb": round(before / 1e9, 2),
        "input_gb": round(sum(column.nbytes for column in (answers.item, answers.worker, answers.label)) / 1e9, 2),
        "bytes_per_answer": round((peak - base) / len(answers), 1),
        "iterations": found.iterations,
    }


def peak_bytes() -> int:
    """The most memory this process ever held resident (Linux: ru_maxrss is in KiB)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def resident_bytes() -> int:
    """The memory this process holds resident now (Linux: the second field of statm is in pages)."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def main() -> None:
    """Run both sides and print one line of JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--answers", type=int, default=1_000_000)
    parser.add_argument("--classes", type=int, default=5)
    asked = parser.parse_args()
    answers = crowd(asked.answers, asked.classes)
    result = compared(answers) if len(answers) <= MOST_COMPARED else alone(answers)
    imported = subprocess.check_output([sys.executable, "-c", IMPORT], text=True).split()
    result |= {"import_seconds": round(float(imported[0]), 2), "import_mib": round(float(imported[1]), 1)}
    print(json.dumps({"answers": asked.answers, "classes": asked.classes, **result}))


if __name__ == "__main__":
    main()
