"""Whom to ask next: how much an answer of each worker says about the truth."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from broker.errors import Invalid
from broker.truth.answers import Answers, Floats, rows_at_once
from broker.truth.consensus import LEAST_PROBABILITY, Consensus

KNOWN_AFTER = 8
"""Answers after which a worker's information counts against them."""
ENOUGH = 0.5
"""Workers below this share of the crowd's mean information get no new uncertain items."""


def information(answers: Answers, consensus: Consensus) -> Floats:
    """Mutual information of truth and answer under each worker's confusion table, in nats: n_workers values.

    I = sum_c p_c sum_l E[l, c] log(E[l, c] / sum_k p_k E[l, k]) (Cover and Thomas, Elements of Information Theory,
    2006, equation 2.28). A worker who swaps two labels is as informative as one who does not; a random clicker tells
    nothing. Raises Invalid for a model that learns no tables.
    """
    known = consensus.confusions
    if known is None:
        raise Invalid(f"{consensus.model} learns no confusion tables")
    found = np.zeros(answers.n_workers)
    shares = np.maximum(consensus.priors, LEAST_PROBABILITY)
    whole = known.pseudo.sum(axis=0)
    sums = known.per_worker(answers.n_workers)
    np.add.at(found, known.worker, _told(known.table, shares))
    # Labels that a worker has not used yet still have their pseudo-answers' chance.
    unused = np.ones((answers.n_workers, answers.n_classes), dtype=np.bool_)
    unused[known.worker, known.label] = False
    # Some workers at a time, for each has a number per label and truth.
    size = rows_at_once(answers.n_classes**2)
    for start in range(0, answers.n_workers if whole.any() else 0, size):
        worker, label = np.nonzero(unused[start : start + size])
        chance = known.pseudo[label] / np.maximum(sums[start + worker] + whole, LEAST_PROBABILITY)
        np.add.at(found, start + worker, _told(chance, shares))
    return np.maximum(found, 0.0)


def _told(chance: Floats, shares: Floats) -> Floats:
    """What one label adds to the information: a value per row of `chance` (P(label | truth), a column per truth)."""
    overall = np.maximum((chance * shares).sum(axis=1), LEAST_PROBABILITY)
    ratio = np.log(np.maximum(chance, LEAST_PROBABILITY) / overall[:, None])
    told: Floats = (shares * chance * ratio).sum(axis=1)
    return told


def uninformative(answers: Answers, told: Floats) -> NDArray[np.bool_]:
    """Workers who get no new items: `KNOWN_AFTER` answers or more, and less than `ENOUGH` of the mean information of
    all who have answered. n_workers booleans; never all of them, since somebody is at or above the mean.
    """
    given = answers.per_worker()
    if not given.any():
        return np.zeros(answers.n_workers, dtype=np.bool_)
    little: NDArray[np.bool_] = (given >= KNOWN_AFTER) & (told < ENOUGH * told[given > 0].mean())
    return little


def less_informative(given: NDArray[Any], told: Floats) -> NDArray[np.bool_]:
    """Workers whose answers tell less than those of half of all who gave `KNOWN_AFTER` or more: n_workers booleans.

    `given` counts each worker's answers, or the evidence about them; `told` is any measure of what an answer says.
    """
    known: NDArray[np.bool_] = np.asarray(given) >= KNOWN_AFTER
    if not known.any():
        return known
    less: NDArray[np.bool_] = known & (told < np.median(told[known]))
    return less
