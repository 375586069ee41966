"""The live posterior beside the full fit: what one answer costs, and how far both agree.

`python -m benchmarks.live [FOLDER]` streams made sets of 100,000 answers, and every set in FOLDER (by default the real
answers beside the project), in random order into the live posterior. Agreement is the share of items that get the same
label as from a full fit of the same answers. It is taken of a live posterior that was never refitted ("never"), of one
that is refitted in the background as the server does it, when the next refit is due ("due"), and right after a refit
has ended and the answers that arrived meanwhile (1 % of all) are replayed ("after"). "kept" is as "due", but
with the crowd's table of the last refit instead of one that every answer changes: the two ways that were in question.
`agreement_before_refit` and `agreement_after_refit` are the means of "never" and "after" over the made sets.
"""

import argparse
import csv
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from broker.truth.answers import Answers
from broker.truth.dawid_skene import dawid_skene
from broker.truth.live import Live, Narrow, Wide, live

FOLDER = Path("../shared/data/categorical")
GROWTH, FEWEST, MEANWHILE = 1.05, 50, 0.01
SIZE = 100_000
Row = tuple[int, int, int]


def made(classes: int) -> Answers:
    """Five answers an item from 2,000 workers of heavy-tailed activity, each with their own confusions, 5 % of them
    answering at random.
    """
    dice = np.random.default_rng(classes)
    workers, truth = SIZE // 50, dice.integers(classes, size=SIZE // 5)
    skill = np.where(dice.random(workers) < 0.05, 1 / classes, dice.uniform(0.6, 0.95, workers))
    errors = dice.dirichlet(np.ones(classes), size=(workers, classes)) * (1 - np.eye(classes))
    errors *= ((1 - skill)[:, None] / errors.sum(axis=2))[:, :, None]
    tables = errors + skill[:, None, None] * np.eye(classes)
    activity = np.arange(1, workers + 1) ** -0.8
    item = np.repeat(np.arange(len(truth)), 5)
    worker = np.concatenate([dice.choice(workers, 5, replace=False, p=activity / activity.sum()) for _ in truth])
    chances = tables[worker, truth[item]].cumsum(axis=1)[:, :-1]
    label = (dice.random(SIZE)[:, None] > chances).sum(axis=1)
    return Answers.from_codes(item, worker, label, n_items=len(truth), n_workers=workers, n_classes=classes)


def real(folder: Path) -> Iterator[tuple[str, Answers]]:
    """The sets of a folder by name."""
    for path in sorted(folder.glob("*/answers.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        columns = ([row[name] for row in rows] for name in ("task", "worker", "label"))
        yield path.parent.name, Answers.from_columns(*columns)


class KeptNarrow(Narrow):
    """With the crowd's table as the last refit left it."""

    def _spread(self, answers: Mapping[Any, int], posterior: Any, sign: float) -> None:
        _without_crowd(self, super()._spread, answers, posterior, sign)


class KeptWide(Wide):
    """With the crowd's table as the last refit left it."""

    def _spread(self, answers: Mapping[Any, int], posterior: Any, sign: float) -> None:
        _without_crowd(self, super()._spread, answers, posterior, sign)


def _without_crowd(state: Live[Any], spread: Any, answers: Mapping[Any, int], posterior: Any, sign: float) -> None:
    crowd, sums = state.crowd, state.crowd_sums
    state.crowd, state.crowd_sums = [state.row(np.array(one)) for one in crowd], state.row(np.array(sums))
    spread(answers, posterior, sign)
    state.crowd, state.crowd_sums = crowd, sums


@dataclass
class Stream:
    """A set's answers in random order, and how live posteriors did on them."""

    answers: Answers
    rows: list[Row] = field(default_factory=list)

    def __post_init__(self) -> None:
        order = np.random.default_rng(1).permutation(len(self.answers))
        columns = (self.answers.item, self.answers.worker, self.answers.label)
        self.rows = list(zip(*(column[order].tolist() for column in columns), strict=True))

    def upto(self, size: int) -> Answers:
        """The answers that came first."""
        item, worker, label = zip(*self.rows[:size], strict=True)
        sizes = {"n_items": self.answers.n_items, "n_workers": self.answers.n_workers}
        return Answers.from_codes(item, worker, label, **sizes, n_classes=self.answers.n_classes)

    def agreement(self, state: Live[Any], size: int) -> float:
        """The share of answered items whose label is that of a full fit of the first `size` answers."""
        answers = self.upto(size)
        full, answered = dawid_skene(answers).labels, np.flatnonzero(answers.per_item())
        mine = [int(np.argmax(state.items[item].posterior)) for item in answered.tolist()]
        return float(np.mean(full[answered] == mine))

    def never(self) -> tuple[float, list[float]]:
        """Agreement without any refit, and the microseconds of each update."""
        state, spent = live(self.answers.n_classes), []
        for row in self.rows:
            began = time.perf_counter_ns()
            state.add(*row)
            spent.append((time.perf_counter_ns() - began) / 1e3)
        return self.agreement(state, len(self.rows)), spent

    def refitted(self, state: Live[Any]) -> tuple[float, float]:
        """Agreement when the last refit that the answers allow is due, and right after it."""
        size = len(self.rows)
        meanwhile = max(int(size * MEANWHILE), 1)
        last = max(size - meanwhile, 1)
        before = max(min(int(last / GROWTH), last - FEWEST), 1)
        for fitted, end in ((before, last), (last, size)):
            answers = self.upto(fitted)
            state.load(dawid_skene(answers), answers)
            state.replay(self.rows[fitted:end])
            if end == last:
                due = self.agreement(state, last)
        return due, self.agreement(state, size)


def measured(answers: Answers) -> tuple[dict[str, float], list[float]]:
    """All figures of one set, and the microseconds of each update."""
    stream = Stream(answers)
    never, spent = stream.never()
    due, after = stream.refitted(live(answers.n_classes))
    kept, _ = stream.refitted((KeptNarrow if answers.n_classes < 10 else KeptWide)(answers.n_classes))
    figures = {"never": never, "due": due, "after": after, "kept": kept, "us": float(np.median(spent))}
    return {name: round(value, 4) for name, value in figures.items()}, spent


def main() -> None:
    """Measure every set and print one line of JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path, nargs="?", default=FOLDER)
    asked = parser.parse_args()
    sets = {f"made {classes} classes": made(classes) for classes in (2, 5, 20)} | dict(real(asked.folder))
    found, spent = {}, []
    for name, answers in sets.items():
        found[name], times = measured(answers)
        spent += times if answers.n_classes <= 5 else []
        print(f"{name:20} {len(answers):7} answers {answers.n_classes:3} classes", json.dumps(found[name]), flush=True)
    means = {
        sort: {key: round(float(np.mean([found[name][key] for name in names])), 4) for key in ("never", "due", "after")}
        for sort, names in (("made", [n for n in found if " " in n]), ("real", [n for n in found if " " not in n]))
        if names
    }
    result = {
        "median_us": round(float(np.median(spent)), 1),
        "agreement_before_refit": means["made"]["never"],
        "agreement_after_refit": means["made"]["after"],
        "means": means,
        "sets": found,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
