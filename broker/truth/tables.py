"""How expected counts become confusion tables: by maximum likelihood, smoothed, shrunk towards the crowd, one coin."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from broker.truth.answers import Floats
from broker.truth.consensus import LEAST_PROBABILITY
from broker.truth.layout import Layout

STRENGTH, CROWD_STRENGTH = 6.0, 5.0
"""Pseudo-answers per truth behind each worker's table, spread like the crowd's, and behind the crowd's own."""


class Table(NamedTuple):
    """`chances[p, c]` = P(label of pair p | truth c); `pseudo[l, c]` = pseudo-answers behind every worker's table."""

    chances: Floats
    pseudo: Floats


Form = Callable[[Layout, Floats], Table]
"""From expected counts (pairs x classes) to the table."""


def likelihood(layout: Layout, counts: Floats) -> Table:
    """Maximum likelihood: each worker's column divided by its sum, counts being at least 1e-10, as in crowd-kit."""
    clipped = np.maximum(counts, LEAST_PROBABILITY)
    layout.divide(clipped, layout.per_worker(clipped))
    return Table(clipped, np.zeros((counts.shape[1],) * 2))


def smoothed(strength: float = 2.0) -> Form:
    """Maximum a posteriori with so many pseudo-answers per worker and truth, the same for all workers and labels."""

    def table(layout: Layout, counts: Floats) -> Table:
        return _with(layout, counts, strength * symmetric(counts.shape[1]))

    return table


def hierarchical(strength: float = STRENGTH, crowd_strength: float = CROWD_STRENGTH) -> Form:
    """Maximum a posteriori where each worker is taken for one of this crowd until their answers say otherwise.

    The crowd's pooled confusion is B[l, c] = (sum_w S_w[l, c] + b A[l, c]) / (sum_w,l S_w[l, c] + b), with S_w the
    worker's expected counts, A the symmetric table and b = `crowd_strength`; a worker's own is (S_w + a B) / (sum + a),
    a = `strength`. A newcomer answers like the crowd, and so is not certain of a rare class for no reason.
    """

    def table(layout: Layout, counts: Floats) -> Table:
        n_classes = counts.shape[1]
        pooled: Floats = np.stack(
            [np.bincount(layout.pair_label, weights=counts[:, c], minlength=n_classes) for c in range(n_classes)],
            axis=1,
        )
        pooled = pooled + crowd_strength * symmetric(n_classes)
        return _with(layout, counts, strength * pooled / pooled.sum(axis=0))

    return table


def one_coin(layout: Layout, counts: Floats) -> Table:
    """One accuracy per worker, s = expected share of right answers; each wrong label has (1 - s) / (K - 1)."""
    n_classes = counts.shape[1]
    accuracy = layout.per_pair(accuracies(layout, counts))[:, None]
    right = layout.pair_label[:, None] == np.arange(n_classes)
    chances = np.where(right, accuracy, (1.0 - accuracy) / max(n_classes - 1, 1))
    return Table(np.clip(chances, LEAST_PROBABILITY, 1.0 - LEAST_PROBABILITY), np.zeros((n_classes, n_classes)))


def assigned(layout: Layout, counts: Floats, past: Floats) -> Table:
    """Maximum likelihood with past counts (n_workers x classes answered x classes truth) added."""
    whole = past.copy()
    whole[layout.pair_worker, layout.pair_label] += counts
    np.maximum(whole, LEAST_PROBABILITY, out=whole)
    whole /= whole.sum(axis=1, keepdims=True)
    return Table(whole[layout.pair_worker, layout.pair_label], np.zeros((counts.shape[1],) * 2))


def symmetric(n_classes: int) -> Floats:
    """Half of the time the truth, half of the time any label: columns sum to 1."""
    table: Floats = 0.5 * np.eye(n_classes) + 0.5 / n_classes
    return table


def accuracies(layout: Layout, counts: Floats) -> Floats:
    """Each answering worker's expected share of right answers."""
    right = counts[np.arange(len(counts)), layout.pair_label]
    share: Floats = layout.per_worker(right) / layout.per_worker(counts.sum(axis=1))
    return share


def _with(layout: Layout, counts: Floats, pseudo: Floats) -> Table:
    chances = pseudo[layout.pair_label]
    chances += counts
    # A pair whose counts have all but vanished still needs a logarithm.
    np.maximum(chances, LEAST_PROBABILITY, out=chances)
    layout.divide(chances, layout.per_worker(counts) + pseudo.sum(axis=0))
    return Table(chances, pseudo)
