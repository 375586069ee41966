"""Trust and signals on crowds whose workers we made: `python -m benchmarks.trust [--seeds N] [--table]`.

Each seed draws a crowd of 140 workers and five answers to each of 2,000 items of 4 classes, a twentieth of them gold;
how much a worker answers has a heavy tail. 96 are honest, 10 click at random, 4 answer by the classes' shares, 10
always give one label, 4 permute the labels, and in 8 pairs one copies nine of ten answers of the other. Beside them 8
honest workers tire and 8 rush. The last line is JSON; `--table` prints the table of docs/statistics.md instead.
"""

import argparse
import json
from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from broker.truth.answers import UNKNOWN, Answers
from broker.truth.collusion import LEAST_COMMON
from broker.truth.dawid_skene import dawid_skene
from broker.truth.signals import FALSE_SHARE, Signal
from broker.truth.trust import Trust, trust
from broker.truth.watch import Seen, watch

CLASSES, ITEMS, PER_ITEM, GOLD = 4, 2000, 5, 0.05
SORTS = {"honest": 96, "random": 10, "by-shares": 4, "constant": 10, "permuted": 4, "copier": 16, "drift": 8, "fast": 8}
SPAMMERS = ("random", "by-shares", "constant", "permuted")
CALLED = {
    "random": ("random", "by-shares"),
    "constant": ("constant",),
    "swapped-labels": ("permuted",),
    "copying": ("copier",),
    "drift": ("drift",),
    "too-fast": ("fast",),
}
"""The workers that each signal is meant for."""
MANY = 100
LEAST = 15
"""Recall and false alarms are over workers with so many answers."""
COPIED = 0.9


@dataclass(frozen=True)
class Crowd:
    """What happened, and what nobody but us knows: each worker's sort and true accuracy, and who copies whom."""

    answers: Answers
    gold: NDArray[np.int32]
    seconds: NDArray[np.float64]
    moment: NDArray[np.float64]
    sort: NDArray[np.str_]
    accuracy: NDArray[np.float64]
    copied: dict[int, int]


def crowd(seed: int) -> Crowd:
    """Draw one."""
    dice = np.random.default_rng(seed)
    sort = np.repeat(list(SORTS), list(SORTS.values()))
    shares = dice.dirichlet(np.full(CLASSES, 20.0))
    truth = dice.choice(CLASSES, size=ITEMS, p=shares)
    item, worker, copied = _seats(dice, sort)
    moment = dice.random(len(item))
    tables = np.stack([_table(dice, one, shares) for one in sort])
    late = np.stack([_tired(table) if one == "drift" else table for one, table in zip(sort, tables, strict=True)])
    place = _place(worker, moment)
    chances = tables[worker, truth[item]]
    chances = chances + place[:, None] * (late[worker, truth[item]] - chances)
    label = (dice.random(len(item))[:, None] > chances.cumsum(axis=1)[:, :-1]).sum(axis=1)
    _copy(dice, item, worker, label, copied)
    accuracy = np.einsum("c,wcc->w", shares, (tables + late) / 2)
    for copier, source in copied.items():
        accuracy[copier] = COPIED * accuracy[source] + (1 - COPIED) * accuracy[copier]
    order = np.argsort(item, kind="stable")
    answers = Answers.from_codes(
        item[order], worker[order], label[order], n_items=ITEMS, n_workers=len(sort), n_classes=CLASSES
    )
    gold = np.where(dice.random(ITEMS) < GOLD, truth, UNKNOWN).astype(np.int32)
    return Crowd(answers, gold, _seconds(dice, sort, worker)[order], moment[order], sort, accuracy, copied)


def _seats(dice: np.random.Generator, sort: NDArray[np.str_]) -> tuple[NDArray, NDArray, dict[int, int]]:
    """Who answers what: activity falls as rank^-0.8; a copier answers what their source answers."""
    activity = dice.permutation(1.0 / np.arange(1, len(sort) + 1) ** 0.8)
    copiers = np.flatnonzero(sort == "copier")
    copied = dict(zip(copiers[::2].tolist(), copiers[1::2].tolist(), strict=True))
    # The five largest of log weight + Gumbel noise are a draw of five without replacement.
    keys = np.log(activity) + dice.gumbel(size=(ITEMS, len(sort)))
    worker = np.argsort(-keys, axis=1)[:, :PER_ITEM].ravel()
    item = np.repeat(np.arange(ITEMS), PER_ITEM)
    for copier, source in copied.items():
        keep = worker != copier
        theirs = item[worker == source]
        item, worker = np.append(item[keep], theirs), np.append(worker[keep], np.full(len(theirs), copier))
    return item, worker, copied


def _table(dice: np.random.Generator, sort: str, shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """P(label | truth): rows are truths."""
    if sort == "random":
        return np.full((CLASSES, CLASSES), 1.0 / CLASSES)
    if sort == "by-shares":
        return np.tile(shares, (CLASSES, 1))
    if sort == "constant":
        return np.tile(np.eye(CLASSES)[dice.integers(CLASSES)], (CLASSES, 1))
    errors = dice.dirichlet(np.ones(CLASSES), size=CLASSES)
    np.fill_diagonal(errors, 0.0)
    right = np.clip(dice.uniform(0.55, 0.95) + dice.normal(0, 0.05, CLASSES), 0.05, 0.99)
    table = errors / errors.sum(axis=1, keepdims=True) * (1 - right)[:, None] + np.diag(right)
    if sort != "permuted":
        return table
    moved = dice.permutation(CLASSES)
    while (moved == np.arange(CLASSES)).any():
        moved = dice.permutation(CLASSES)
    return table[:, moved]


def _tired(table: NDArray[np.float64]) -> NDArray[np.float64]:
    """At the end of their sequence they click at random."""
    return np.full_like(table, 1.0 / CLASSES)


def _place(worker: NDArray, moment: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far along their own sequence each answer stands, 0..1."""
    order = np.lexsort((moment, worker))
    many = np.bincount(worker)
    place = np.empty(len(worker))
    place[order] = (np.arange(len(worker)) - (np.cumsum(many) - many)[worker[order]] + 0.5) / many[worker[order]]
    return place


def _copy(dice: np.random.Generator, item: NDArray, worker: NDArray, label: NDArray, copied: dict[int, int]) -> None:
    for copier, source in copied.items():
        theirs = dict(zip(item[worker == source].tolist(), label[worker == source].tolist(), strict=True))
        for row in np.flatnonzero(worker == copier).tolist():
            if dice.random() < COPIED:
                label[row] = theirs[int(item[row])]


def _seconds(dice: np.random.Generator, sort: NDArray[np.str_], worker: NDArray) -> NDArray[np.float64]:
    """Log-normal times: workers differ by a factor of 1.4, one worker's answers by 1.6; who rushes takes a sixth."""
    own = np.exp(dice.normal(np.log(8.0), 0.35, len(sort))) * np.where(sort == "fast", 1 / 6, 1.0)
    return own[worker] * np.exp(dice.normal(0, 0.5, len(worker)))


def found(made: Crowd) -> tuple[Trust, list[Signal]]:
    """What our code makes of it."""
    consensus = dawid_skene(made.answers, made.gold)
    timed = (made.answers.worker, made.seconds)
    seen = Seen.of(made.answers, consensus, made.gold, moment=made.moment, timed=timed)
    return trust(made.answers, consensus, made.gold), watch(seen)


def count(made: Crowd, signals: list[Signal], tally: Counter[str]) -> int:
    """Add up hits and misses of one crowd; the number of false pairs."""
    busy = made.answers.per_worker() >= LEAST
    flagged: dict[str, set[int]] = {name: {s.worker for s in signals if s.name == name} for name in CALLED}
    tired = np.flatnonzero((made.sort == "drift") & (made.answers.per_worker() >= MANY)).tolist()
    tally["drift of many"] += len(tired)
    tally["drift of many found"] += len(flagged["drift"].intersection(tired))
    spam = flagged["random"] | flagged["constant"] | flagged["swapped-labels"]
    for worker in np.flatnonzero(busy).tolist():
        sort = str(made.sort[worker])
        tally[f"n {sort}"] += 1
        tally[f"spam {sort}"] += worker in spam
        tally[f"any {sort}"] += any(worker in some for some in flagged.values())
        for name, sorts in CALLED.items():
            told = worker in flagged[name]
            tally[f"told {name}"] += told
            tally[f"right {name}"] += told and sort in sorts
            tally[f"meant {name}"] += sort in sorts
            tally[f"false {name}"] += told and sort == "honest"
    pairs = {(s.worker, s.other) for s in signals if s.name == "copying" and s.other is not None and s.worker < s.other}
    real = {(min(pair), max(pair)) for pair in made.copied.items()}
    shared = _common(made, real)
    tally["pairs"] += len(shared)
    tally["pairs found"] += len(pairs & shared)
    return len(pairs - real)


def _common(made: Crowd, pairs: set[tuple[int, int]]) -> set[tuple[int, int]]:
    items = {
        worker: set(made.answers.item[made.answers.worker == worker].tolist()) for pair in pairs for worker in pair
    }
    return {(one, other) for one, other in pairs if len(items[one] & items[other]) >= LEAST_COMMON}


def measured(seeds: int) -> tuple[dict[str, float], Counter[str]]:
    """All figures over so many crowds."""
    tally: Counter[str] = Counter()
    covered: dict[str, list[bool]] = {sort: [] for sort in SORTS}
    false_pairs = []
    for seed in range(seeds):
        made = crowd(seed)
        believed, signals = found(made)
        inside = (believed.low <= made.accuracy) & (made.accuracy <= believed.high)
        for sort in SORTS:
            covered[sort] += inside[(made.sort == sort) & (believed.answered > 0)].tolist()
        false_pairs.append(count(made, signals, tally))
    meant = sum(tally[f"n {sort}"] for sort in SPAMMERS)
    figures = {
        "coverage_honest": np.mean(covered["honest"]),
        "coverage_all": np.mean([one for some in covered.values() for one in some]),
        "spammer_recall": sum(tally[f"spam {sort}"] for sort in SPAMMERS) / meant,
        "false_alarm_rate": tally["spam honest"] / tally["n honest"],
        "copier_recall": tally["pairs found"] / tally["pairs"],
        "false_pairs": max(false_pairs),
        "false_pairs_mean": np.mean(false_pairs),
        "recall_drift_of_100_answers": tally["drift of many found"] / max(tally["drift of many"], 1),
        "false_alarm_rate_any_signal": tally["any honest"] / tally["n honest"],
    }
    for name in CALLED:
        figures[f"recall_{name}"] = tally[f"right {name}"] / tally[f"meant {name}"]
        figures[f"precision_{name}"] = tally[f"right {name}"] / max(tally[f"told {name}"], 1)
        figures[f"false_alarms_{name}"] = tally[f"false {name}"] / tally["n honest"]
    return {name: round(float(value), 4) for name, value in figures.items()}, tally


def table(figures: dict[str, float]) -> str:
    """The figures per signal as Markdown."""
    lines = ["| signal | recall | precision | false alarms on the honest |", "|---|---|---|---|"]
    for name in CALLED:
        shares = (figures[f"{figure}_{name}"] for figure in ("recall", "precision", "false_alarms"))
        lines.append(f"| {name} | " + " | ".join(f"{100 * share:.1f} %" for share in shares) + " |")
    return "\n".join(lines)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--table", action="store_true", help="print the table of docs/statistics.md")
    asked = parser.parse_args()
    figures, tally = measured(asked.seeds)
    if asked.table:
        print(table(figures))
        return
    for sort in SORTS:
        print(f"{sort:10} {tally[f'n {sort}']:5} workers, {tally[f'spam {sort}']:4} called spammers")
    print(json.dumps({"seeds": asked.seeds, "false_share": FALSE_SHARE, **figures}))


if __name__ == "__main__":
    main()
