"""How few answers give the accuracy of all: `python -m benchmarks.label_efficiency FOLDER [--seeds N]`.

Every set in the folder is replayed: answers come one at a time per item in random order, each policy says who is asked
next and when an item is closed. Reference: Dawid-Skene by maximum likelihood on all answers (crowd-kit's labels, which
tests/truth/test_dawid_skene.py proves); target: its accuracy less half a point, on the same items. A tenth of the truth
is gold: its answers count as cost, its items not for accuracy. Two measures: `sweep`, the smallest share of answers at
which the curve over a policy's threshold reaches the target; and the one shipped default.
"""

import argparse
import json
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import special

from broker.cli.recorded import Recorded, read
from broker.truth.adaptive import Judgement
from broker.truth.answers import UNKNOWN, Answers, Codes, Floats
from broker.truth.calibration import DEFAULT, calibration_error, reliability
from broker.truth.consensus import Consensus, most_probable
from broker.truth.dawid_skene import dawid_skene
from broker.truth.models import aggregate
from broker.truth.replay import Score, Step, by_rule, replay, score, some_gold
from broker.truth.stopping import SURE, Decision, Rule

GOLD = 0.1
TOLERATED = 0.5
OURS = (0.5, 0.6, 0.68, 0.75, 0.8, 0.84, 0.9, 0.93, 0.96, 0.98)
TOLOKA = (0.7, 0.8, 0.9, 0.95, 0.97, 0.99, 0.999)
TOLOKA_DEFAULT = 0.97
FIXED = (1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 20, 25, 30, 40, 60, 100)


@dataclass(frozen=True)
class Point:
    """A policy at one threshold: the mean share of answers, and the mean accuracy less the reference's in points."""

    share: float
    gap: float


def toloka(sure: float) -> Step:
    """Dynamic overlap as Toloka documents it: one accuracy per worker from gold, naive Bayes over an item's answers,
    closed when the most probable label reaches `sure`; answers are independent, wrong labels equally likely.
    """

    def step(answers: Answers, gold: Codes, possible: np.ndarray) -> tuple[Consensus, Judgement]:
        graded = gold[answers.item] != UNKNOWN
        seen = np.bincount(answers.worker[graded], minlength=answers.n_workers)
        right = np.bincount(
            answers.worker[graded], (gold[answers.item] == answers.label)[graded], minlength=answers.n_workers
        )
        skill = (right + 2 * (right.sum() + 1) / (seen.sum() + 2)) / (seen + 2)
        found = _naive_bayes(answers, np.clip(skill, 0.05, 0.99), gold)
        confidence = found.confidence
        closed = confidence >= sure
        decision = Decision(confidence, closed, ~closed & possible, ~closed)
        nobody = np.zeros(answers.n_workers, dtype=np.bool_)
        return found, Judgement(confidence, decision, DEFAULT, np.zeros(answers.n_workers), nobody)

    return step


def _naive_bayes(answers: Answers, skill: Floats, gold: Codes) -> Consensus:
    others = max(answers.n_classes - 1, 1)
    weight = np.log(skill * others / (1.0 - skill))[answers.worker]
    sums = np.zeros((answers.n_items, answers.n_classes))
    np.add.at(sums, (answers.item, answers.label), weight)
    posterior = special.softmax(sums, axis=1)
    labels = most_probable(posterior, answers.per_item() > 0)
    labels = np.where(gold != UNKNOWN, gold, labels)
    return Consensus("toloka", labels, posterior, posterior.mean(axis=0), skill)


def first(answers: Answers, most: int, dice: np.random.Generator) -> Answers:
    """Each item's first `most` answers in random order."""
    order = np.lexsort((dice.random(len(answers)), answers.item))
    place = np.empty(len(answers), dtype=np.int64)
    place[order] = np.arange(len(answers)) - answers.starts()[answers.item]
    return answers.subset(place < most)


class Bench:
    """One set with its reference and its seeds."""

    def __init__(self, recorded: Recorded, seeds: int) -> None:
        self.set, self.seeds = recorded, seeds
        self.reference = dawid_skene(recorded.answers, mode="likelihood").labels
        self.golds = [some_gold(recorded.truth, GOLD, np.random.default_rng([seed, 1])) for seed in range(seeds)]
        self.none = np.full_like(recorded.truth, UNKNOWN)

    def adaptive(self, step: Step, *, gold: bool = True, at_hand: int = 3) -> list[tuple[Score, float]]:
        """Each seed's score and gap."""
        return list(self._adaptive(step, gold=gold, at_hand=at_hand))

    def _adaptive(self, step: Step, *, gold: bool, at_hand: int) -> Iterator[tuple[Score, float]]:
        for seed in range(self.seeds):
            known = self.golds[seed] if gold else self.none
            found = replay(self.set.answers, step, np.random.default_rng([seed, 2]), known, at_hand=at_hand)
            result = score(found, self.set.answers, self.set.truth, known)
            yield result, 100 * result.accuracy - self._accuracy(self.reference, known)

    def curve(self, steps: Sequence[Step], *, at_hand: int = 3) -> list[Point]:
        """A policy's curve over its thresholds."""
        return [point(self.adaptive(step, at_hand=at_hand)) for step in steps]

    def fixed(self, model: str) -> list[Point]:
        """The curve of a fixed number of answers, without gold."""
        highest = int(self.set.answers.per_item().max())
        return [self._fixed(model, most) for most in (*(n for n in FIXED if n < highest), highest)]

    def _fixed(self, model: str, most: int) -> Point:
        some = [first(self.set.answers, most, np.random.default_rng([seed, 3])) for seed in range(self.seeds)]
        gaps = [self._accuracy(aggregate(one, model).labels, self.none) for one in some]
        share = statistics.fmean(len(one) / len(self.set.answers) for one in some)
        return Point(share, statistics.fmean(gaps) - self._accuracy(self.reference, self.none))

    def _accuracy(self, labels: Codes, gold: Codes) -> float:
        judged = (self.set.truth != UNKNOWN) & (gold == UNKNOWN)
        return 100 * float((labels == self.set.truth)[judged].mean())

    def raw_error(self) -> float:
        """The calibration error of plain Dawid-Skene's posterior on all answers."""
        found = dawid_skene(self.set.answers, mode="likelihood")
        judged = self.set.truth != UNKNOWN
        return calibration_error(reliability(found.confidence[judged], (found.labels == self.set.truth)[judged]))


def point(results: Sequence[tuple[Score, float]]) -> Point:
    """The mean over seeds."""
    return Point(statistics.fmean(one.share for one, _ in results), statistics.fmean(gap for _, gap in results))


def needed(curve: Sequence[Point]) -> float:
    """The smallest share at which the curve, straight between its points, reaches the target; 1 if it never does."""
    before: Point | None = None
    for one in sorted(curve, key=lambda point: point.share):
        if one.gap >= -TOLERATED:
            if before is None:
                return one.share
            part = (-TOLERATED - before.gap) / (one.gap - before.gap)
            return before.share + part * (one.share - before.share)
        before = one
    return 1.0


def measure(bench: Bench) -> dict[str, float]:
    """All figures of one set."""
    default = bench.adaptive(by_rule(Rule()))
    blind = bench.adaptive(by_rule(Rule()), gold=False)
    theirs = bench.curve([toloka(sure) for sure in TOLOKA], at_hand=1)
    ours = [*bench.curve([by_rule(Rule(sure=sure)) for sure in OURS]), point(default)]
    mean: Callable[[str, Sequence[tuple[Score, float]]], float] = lambda name, results: statistics.fmean(  # noqa: E731
        getattr(one, name) for one, _ in results
    )
    return {
        "sweep": needed(ours),
        "sweep_majority": needed(bench.fixed("majority")),
        "sweep_dawid_skene": needed(bench.fixed("dawid-skene-ml")),
        "sweep_toloka": needed(theirs),
        "share": point(default).share,
        "gap": point(default).gap,
        "share_without_gold": point(blind).share,
        "gap_without_gold": point(blind).gap,
        "share_toloka": theirs[TOLOKA.index(TOLOKA_DEFAULT)].share,
        "gap_toloka": theirs[TOLOKA.index(TOLOKA_DEFAULT)].gap,
        "ece": mean("calibration_error", default),
        "ece_without_gold": mean("calibration_error", blind),
        "ece_raw": bench.raw_error(),
        "log_loss": mean("log_loss", default),
        "undecided": mean("undecided", default),
    }


def summary(sets: dict[str, dict[str, float]], seeds: int) -> dict[str, object]:
    """The figures over all sets; medians and means, rounded."""
    column: Callable[[str], list[float]] = lambda name: [one[name] for one in sets.values()]  # noqa: E731
    medians = {
        f"median_share_{name or 'of_answers'}": statistics.median(column(f"sweep_{name}" if name else "sweep"))
        for name in ("", "majority", "dawid_skene", "toloka")
    }
    means = {
        f"default_mean_{name}": statistics.fmean(column(name))
        for name in ("share", "gap", "share_without_gold", "gap_without_gold", "share_toloka", "gap_toloka")
    }
    errors = {name: statistics.fmean(column(name)) for name in ("ece", "ece_without_gold", "ece_raw", "log_loss")}
    figures = {name: round(value, 3) for name, value in (medians | means | errors).items()}
    worse = sum(gap < -1.0 for gap in column("gap"))
    return {"sets": len(sets), "seeds": seeds, "sure": SURE, **figures, "default_sets_worse_than_1": worse}


def main() -> None:
    """Replay all sets and print one line of JSON last."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--sets", nargs="*", default=[])
    asked = parser.parse_args()
    found: dict[str, dict[str, float]] = {}
    for folder in sorted(one for one in asked.folder.iterdir() if (one / "truth.csv").is_file()):
        if not asked.sets or folder.name in asked.sets:
            found[folder.name] = measure(Bench(read(folder), asked.seeds))
            print(folder.name, *(f"{name} {value:.3f}" for name, value in found[folder.name].items()), flush=True)
    print(json.dumps(summary(found, asked.seeds)))


if __name__ == "__main__":
    main()
