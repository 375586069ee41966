"""The live posterior: Dawid-Skene that takes answers one at a time, with tables that are exact for all others.

Kept are each item's answers and posterior q, each worker's expected counts S_w[l, c] = sum of q[c] over their answers
l, their sum over the crowd, and the sum of all q. When an item gets or loses an answer, its old q is taken out of all
four, its new q is computed from scratch with tables that so know nothing of this item, and is put back: counts are at
all times exactly those of the posteriors, and no answer confirms itself. Tables are those of the hierarchical form:

    q[c] ~ (sum of q[c] + 1 / K) prod over the answers (w, l) of (S_w[l, c] + a B[l, c]) / (sum_l S_w[l, c] + a)
    B[l, c] = (sum_w S_w[l, c] + b A[l, c]) / (sum_w,l S_w[l, c] + b)

with a, b, A as in `tables.hierarchical`. Only the item's own posterior moves: what its answer teaches about the workers
reaches their other items when these get an answer, or with the next full fit (`load`).
"""

from abc import abstractmethod
from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Generic, NamedTuple, TypeVar, cast

import numpy as np
from numpy.typing import ArrayLike

from broker.errors import Invalid
from broker.truth.answers import UNKNOWN, Answers, Codes, Floats, gold_codes
from broker.truth.consensus import Confusions, Consensus, most_probable
from broker.truth.tables import CROWD_STRENGTH, STRENGTH, symmetric
from broker.truth.votes import mean_posterior

FEWEST_WIDE = 10
"""From so many classes on numpy's cost per call is less than that of Python's loops."""
RESCALED = 8
"""After so many factors, each above 1e-30, a product is scaled: it cannot underflow between."""

Row = TypeVar("Row", list[float], Floats)
Answer = tuple[Hashable, Hashable, int]
"""(Item, worker, label code)."""


@dataclass(eq=False, slots=True)
class Item(Generic[Row]):
    """An item: label codes by worker, in the order they came; `posterior` is None while there is no answer."""

    answers: dict[Hashable, int] = field(default_factory=dict)
    posterior: Row | None = None
    gold: int = UNKNOWN


@dataclass(eq=False, slots=True)
class Worker(Generic[Row]):
    """A worker's expected counts: `rows[l][c]` of answers l on items whose truth is c, and `sums[c]` over all l."""

    rows: dict[int, Row]
    sums: Row


class Snapshot(NamedTuple):
    """What `Live.load` takes: all answers, the consensus on them, and gold codes by item."""

    consensus: Consensus
    answers: Answers
    gold: Codes


class Live(Generic[Row]):
    """The state; `items` and `workers` may hold only those at hand, if the others' share is in `crowd` and `mass`: an
    item that changes needs all workers who answered it, but for new answers to gold.

    `crowd[l][c]` = b A[l, c] + sum_w S_w[l, c], `crowd_sums[c]` its sum over l; `mass[c]` = 1 / K + sum of q[c].
    """

    def __init__(self, n_classes: int, *, strength: float = STRENGTH, crowd_strength: float = CROWD_STRENGTH) -> None:
        self.n_classes = n_classes
        self.strength = strength
        self.crowd_strength = crowd_strength
        self.items: dict[Hashable, Item[Row]] = {}
        self.workers: dict[Hashable, Worker[Row]] = {}
        self.pool(np.zeros((n_classes, n_classes)), np.zeros(n_classes))

    def pool(self, counts: Floats, mass: Floats) -> None:
        """Set the crowd's summed counts (labels x truths) and the sum of all posteriors, without what is added."""
        table = counts + self.crowd_strength * symmetric(self.n_classes)
        self.crowd: list[Row] = [self.row(one) for one in table]
        self.crowd_sums: Row = self.row(table.sum(axis=0))
        self.mass: Row = self.row(mass + 1.0 / self.n_classes)

    def pooled(self) -> tuple[Floats, Floats]:
        """The crowd's summed counts and the sum of all posteriors, as `pool` takes them."""
        table = np.array(self.crowd) - self.crowd_strength * symmetric(self.n_classes)
        return np.maximum(table, 0.0), np.maximum(np.array(self.mass) - 1.0 / self.n_classes, 0.0)

    def add(self, item: Hashable, worker: Hashable, label: int) -> Row:
        """A worker's answer, or their corrected one; the item's new posterior. Raises Invalid for no label code."""
        self._check(label)
        if worker not in self.workers:
            self.workers[worker] = Worker({}, self.row(np.zeros(self.n_classes)))
        found = self.items.setdefault(item, Item())
        if found.posterior is not None and found.gold != UNKNOWN:
            return self._graded(found, found.posterior, worker, label)
        self._take_out(found)
        found.answers[worker] = label
        return self._put_back(found)

    def retract(self, item: Hashable, worker: Hashable) -> Row:
        """Forget a worker's answer; the item's new posterior. Raises Invalid if there is none."""
        if item not in self.items or worker not in self.items[item].answers:
            raise Invalid(f"worker {worker!r} has no answer to item {item!r}")
        found = self.items[item]
        self._take_out(found)
        del found.answers[worker]
        return self._put_back(found)

    def set_gold(self, item: Hashable, label: int) -> Row:
        """The item's truth is known (UNKNOWN: no longer); its new posterior. Raises Invalid for no label code."""
        if label != UNKNOWN:
            self._check(label)
        found = self.items.setdefault(item, Item())
        self._take_out(found)
        found.gold = label
        return self._put_back(found)

    def replay(self, answers: Iterable[Answer]) -> None:
        """Add answers in the order they came: those that arrived while a full fit ran."""
        for item, worker, label in answers:
            self.add(item, worker, label)

    def posterior(self, item: Hashable) -> Row:
        """What is believed of the item now: n_classes probabilities; the priors if nobody answered it."""
        found = self.items.get(item)
        return self._believed(found or Item()) if found is None or found.posterior is None else found.posterior

    def load(self, consensus: Consensus, answers: Answers, gold: ArrayLike | None = None) -> None:
        """Go on from a full fit: forget all, and take its posteriors and its workers' counts.

        `gold`: the n_items label codes the fit was given. Items and workers are known by their names, if they have
        any, else by their codes. Raises Invalid for a consensus without confusion tables or with other classes.
        """
        confusions = consensus.confusions
        if confusions is None or consensus.posterior.shape != (answers.n_items, self.n_classes):
            raise Invalid(f"a live posterior of {self.n_classes} classes goes on from Dawid-Skene with as many")
        names = answers.workers or range(answers.n_workers)
        self.workers = {names[code]: Worker({}, self.row(np.zeros(self.n_classes))) for code in set(confusions.worker)}
        for worker, label, counts in zip(confusions.worker, confusions.label, confusions.counts, strict=True):
            mine = self.workers[names[worker]]
            mine.rows[int(label)] = self.row(counts)
            self.shift(mine.sums, self.row(counts), 1.0)
        counts = np.zeros((self.n_classes, self.n_classes))
        np.add.at(counts, confusions.label, confusions.counts)
        self.pool(counts, consensus.posterior[answers.per_item() > 0].sum(axis=0))
        self.items = dict(self._loaded(consensus, answers, gold_codes(gold, answers).tolist()))

    def snapshot(self) -> Snapshot:
        """All that is known now, as `load` takes it."""
        items, workers = tuple(self.items), tuple(self.workers)
        codes = {name: code for code, name in enumerate(workers)}
        rows = [(i, codes[w], label) for i, one in enumerate(self.items.values()) for w, label in one.answers.items()]
        item, worker, label = zip(*rows, strict=True) if rows else ((), (), ())
        sizes = {"n_items": len(items), "n_workers": len(workers), "n_classes": self.n_classes}
        answers = replace(Answers.from_codes(item, worker, label, **sizes), items=items, workers=workers)
        gold = np.array([one.gold for one in self.items.values()], dtype=np.int32)
        return Snapshot(_consensus(self, answers), answers, gold)

    @abstractmethod
    def row(self, values: Floats) -> Row:
        """A row of n_classes numbers in the form that this arithmetic works on."""

    @abstractmethod
    def shift(self, row: Row, by: Row, sign: float) -> None:
        """Add sign * by to a row, in place."""

    @abstractmethod
    def _believed(self, found: Item[Row]) -> Row:
        """The posterior of an item from tables that do not know it; gold is certain."""

    def _check(self, label: int) -> None:
        if not 0 <= label < self.n_classes:
            raise Invalid(f"label: code {label} is not within 0..{self.n_classes - 1}")

    def _take_out(self, found: Item[Row]) -> None:
        if found.posterior is not None:
            self._spread(found.answers, found.posterior, -1.0)
            self.shift(self.mass, found.posterior, -1.0)

    def _put_back(self, found: Item[Row]) -> Row:
        now = self._believed(found)
        found.posterior = now if found.answers else None
        if found.answers:
            self._spread(found.answers, now, 1.0)
            self.shift(self.mass, now, 1.0)
        return now

    def _graded(self, found: Item[Row], truth: Row, worker: Hashable, label: int) -> Row:
        """An answer to gold moves no posterior, so that no other worker needs to be looked at."""
        if worker in found.answers:
            self._spread({worker: found.answers[worker]}, truth, -1.0)
        found.answers[worker] = label
        self._spread({worker: label}, truth, 1.0)
        return truth

    def _spread(self, answers: Mapping[Hashable, int], posterior: Row, sign: float) -> None:
        shift, workers = self.shift, self.workers
        for name, label in answers.items():
            worker = workers[name]
            row = worker.rows.get(label)
            if row is None:
                row = worker.rows[label] = self.row(np.zeros(self.n_classes))
            shift(row, posterior, sign)
            shift(worker.sums, posterior, sign)
            shift(self.crowd[label], posterior, sign)
        shift(self.crowd_sums, posterior, sign * len(answers))

    def _loaded(self, consensus: Consensus, answers: Answers, gold: list[int]) -> Iterator[tuple[Hashable, Item[Row]]]:
        workers = answers.workers or range(answers.n_workers)
        names = [workers[code] for code in answers.worker.tolist()]
        labels, starts = answers.label.tolist(), answers.starts().tolist()
        for place, item in enumerate(answers.items or range(answers.n_items)):
            rows = slice(starts[place], starts[place + 1])
            mine = dict(zip(names[rows], labels[rows], strict=True))
            yield item, Item(mine, self.row(consensus.posterior[place]) if mine else None, gold[place])


class Narrow(Live[list[float]]):
    """For few classes: lists of Python's floats."""

    def row(self, values: Floats) -> list[float]:
        return cast("list[float]", values.tolist())

    def shift(self, row: list[float], by: list[float], sign: float) -> None:
        for place, value in enumerate(by):
            row[place] += sign * value

    def _believed(self, found: Item[list[float]]) -> list[float]:
        if found.gold != UNKNOWN:
            return [float(place == found.gold) for place in range(self.n_classes)]
        strength, workers = self.strength, self.workers
        shares = [strength / total for total in self.crowd_sums]
        usual = [[count * share for count, share in zip(row, shares, strict=True)] for row in self.crowd]
        q = self.mass
        for place, (name, label) in enumerate(found.answers.items()):
            worker, like = workers[name], usual[label]
            row = worker.rows.get(label)
            if row is None:
                q = [p * b / (total + strength) for p, b, total in zip(q, like, worker.sums, strict=True)]
            else:
                q = [p * (n + b) / (t + strength) for p, n, b, t in zip(q, row, like, worker.sums, strict=True)]
            if place % RESCALED == RESCALED - 1:
                top = max(q)
                q = [p / top for p in q]
        total = sum(q)
        return [p / total for p in q]


class Wide(Live[Floats]):
    """For many classes: numpy."""

    def row(self, values: Floats) -> Floats:
        return np.array(values, dtype=np.float64)

    def shift(self, row: Floats, by: Floats, sign: float) -> None:
        row += by if sign == 1.0 else sign * by

    def _believed(self, found: Item[Floats]) -> Floats:
        if found.gold != UNKNOWN:
            return self.row(np.eye(self.n_classes)[found.gold])
        shares = self.strength / self.crowd_sums
        q: Floats = self.mass.copy()
        for place, (name, label) in enumerate(found.answers.items()):
            worker = self.workers[name]
            row = worker.rows.get(label)
            chances = self.crowd[label] * shares
            if row is not None:
                chances += row
            q *= chances
            q /= worker.sums + self.strength
            if place % RESCALED == RESCALED - 1:
                q /= q.max()
        q /= q.sum()
        return q


def live(n_classes: int) -> Live[Any]:
    """An empty live posterior in the arithmetic that is the faster one for so many classes."""
    return Narrow(n_classes) if n_classes < FEWEST_WIDE else Wide(n_classes)


def _consensus(state: Live[Any], answers: Answers) -> Consensus:
    posterior = np.array([state.posterior(item) for item in answers.items]).reshape(-1, state.n_classes)
    answered = answers.per_item() > 0
    labels = most_probable(posterior, answered)
    confusions = _confusions(state, answers)
    right = np.zeros(answers.n_workers)
    np.add.at(right, confusions.worker, confusions.counts[np.arange(len(confusions.label)), confusions.label])
    given = answers.per_worker()
    skill = np.where(given > 0, right / np.maximum(given, 1), 1.0 / state.n_classes)
    return Consensus("live", labels, posterior, mean_posterior(posterior, answered), skill, confusions)


def _confusions(state: Live[Any], answers: Answers) -> Confusions:
    found = [state.workers[name] for name in answers.workers]
    pairs = sorted((place, label) for place, worker in enumerate(found) for label in worker.rows)
    counts = np.array([found[place].rows[label] for place, label in pairs]).reshape(-1, state.n_classes)
    worker, label = (np.array([pair[side] for pair in pairs], dtype=np.int32) for side in (0, 1))
    table = np.array(state.crowd)
    pseudo = state.strength * table / table.sum(axis=0)
    sums = np.array([one.sums for one in found]).reshape(-1, state.n_classes) + state.strength
    return Confusions(worker, label, counts, (counts + pseudo[label]) / sums[worker], pseudo)
