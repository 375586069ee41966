"""What an aggregation found: labels with their posterior, and what it learnt of the workers."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from broker.truth.answers import UNKNOWN, Codes, Floats, rows_at_once

LEAST_PROBABILITY = 1e-10
SAME = 1e-9
"""Probabilities that differ by a smaller share are equal: sums in another order of rows differ by rounding."""


@dataclass(frozen=True, eq=False, slots=True)
class Confusions:
    """The workers' confusion tables, kept for the (worker, label) pairs that occur, in that order.

    `counts[p, c]` = expected number of answers `label[p]` of `worker[p]` on items whose truth is c; `pseudo[l, c]` =
    pseudo-answers added to every worker's table (zeros for maximum likelihood); `table[p, c]` = P(label | truth c).
    """

    worker: Codes
    label: Codes
    counts: Floats
    table: Floats
    pseudo: Floats

    def per_worker(self, n_workers: int) -> Floats:
        """Each worker's expected answers per truth: n_workers x n_classes."""
        sums = np.zeros((n_workers, self.counts.shape[1]))
        np.add.at(sums, self.worker, self.counts)
        return sums

    def of(self, worker: int) -> Floats:
        """One worker's confusion matrix, n_classes x n_classes: rows are truths, columns answers, rows sum to 1.

        Without pseudo-answers a row of a truth the worker never met is uniform over the labels they used.
        """
        mine = self.worker == worker
        whole = self.pseudo.copy()
        whole[self.label[mine]] += self.counts[mine]
        if not self.pseudo.any():
            used = self.label[mine] if mine.any() else slice(None)
            whole[used] = np.maximum(whole[used], LEAST_PROBABILITY)
        matrix: Floats = (whole / whole.sum(axis=0)).T
        return matrix

    def stack(self, workers: NDArray[np.integer]) -> Floats:
        """Several workers' tables at once: len(workers) x label answered x truth; each truth's column sums to 1.

        A truth about which nothing is known of a worker has a uniform column.
        """
        whole = np.repeat(self.pseudo[None], len(workers), axis=0)
        first, last = (np.searchsorted(self.worker, workers, side) for side in ("left", "right"))
        many = last - first
        place = np.repeat(np.arange(len(workers)), many)
        row = np.arange(len(place)) + np.repeat(first - np.cumsum(many) + many, many)
        whole[place, self.label[row]] += self.counts[row]
        np.maximum(whole, LEAST_PROBABILITY, out=whole)
        tables: Floats = whole / whole.sum(axis=1, keepdims=True)
        return tables


@dataclass(frozen=True, eq=False, slots=True)
class Consensus:
    """An aggregation's result over codes of `Answers`.

    `labels`: n_items codes, the most probable label, ties to the lowest code, UNKNOWN where nobody answered.
    `posterior`: n_items x n_classes, rows sum to 1 (the priors where nobody answered). `priors`: n_classes shares.
    `skill`: n_workers in 0..1, the probability of a right answer as the model sees it (1 / n_classes for workers
    without answers). `confusions` is None for models that learn no table.
    """

    model: str
    labels: Codes
    posterior: Floats
    priors: Floats
    skill: Floats
    confusions: Confusions | None = None
    iterations: int = 0
    losses: tuple[float, ...] = ()

    @property
    def confidence(self) -> Floats:
        """The posterior of each item's label: n_items values; raw, that is, not calibrated."""
        highest: Floats = self.posterior.max(axis=1, initial=0.0)
        return highest


def most_probable(posterior: Floats, known: NDArray[np.bool_]) -> Codes:
    """The label code of highest posterior per item, ties to the lowest code, UNKNOWN where `known` is false."""
    labels: Codes = np.full(len(posterior), UNKNOWN, dtype=np.int32)
    # In blocks, because argmax gives eight bytes per item, and each comparison one byte.
    size = rows_at_once(posterior.shape[1])
    for start in range(0, len(posterior), size):
        some = posterior[start : start + size]
        labels[start : start + size] = (some >= some.max(axis=1, keepdims=True) * (1.0 - SAME)).argmax(axis=1)
    labels[~known] = UNKNOWN
    return labels


def agreement_with(labels: Codes, item: Codes, worker: Codes, label: Codes, sizes: tuple[int, int]) -> Floats:
    """Each worker's share of answers equal to the item's label; 1 / n_classes for workers without answers.

    `sizes` is (n_workers, n_classes).
    """
    n_workers, n_classes = sizes
    given = np.bincount(worker, minlength=n_workers)
    same = np.bincount(worker, weights=labels[item] == label, minlength=n_workers)
    share: Floats = np.where(given > 0, same / np.maximum(given, 1), 1.0 / n_classes)
    return share
