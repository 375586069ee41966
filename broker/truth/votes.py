"""Majority vote: every answer weighs the same."""

import numpy as np
from numpy.typing import ArrayLike

from broker.truth.answers import UNKNOWN, Answers, Codes, Floats, gold_codes, item_blocks, rows_at_once
from broker.truth.consensus import Consensus, agreement_with, most_probable


def majority(answers: Answers, gold: ArrayLike | None = None) -> Consensus:
    """Take the most frequent label; the posterior is the share of votes, the truth itself on gold items.

    A worker's skill is the share of their answers that equal the label found (or the gold).
    """
    truths = gold_codes(gold, answers)
    known = (answers.per_item() > 0) | (truths != UNKNOWN)
    posterior = vote_shares(answers)
    clamp(posterior, truths)
    priors = mean_posterior(posterior, known)
    posterior[~known] = priors
    labels = most_probable(posterior, known)
    sizes = (answers.n_workers, answers.n_classes)
    skill = agreement_with(labels, answers.item, answers.worker, answers.label, sizes)
    return Consensus("majority", labels, posterior, priors, skill)


def vote_shares(answers: Answers) -> Floats:
    """Each label's share of an item's answers: n_items x n_classes, zeros where nobody answered."""
    shares = np.zeros((answers.n_items, answers.n_classes))
    for start, stop in item_blocks(answers.item, rows_at_once(answers.n_classes)):
        first, last = answers.item[start], answers.item[stop - 1] + 1
        places = (answers.item[start:stop] - first).astype(np.int64) * answers.n_classes + answers.label[start:stop]
        votes = np.bincount(places, minlength=(last - first) * answers.n_classes).reshape(-1, answers.n_classes)
        np.divide(votes, np.maximum(votes.sum(axis=1, keepdims=True), 1), out=shares[first:last])
    return shares


def clamp(posterior: Floats, gold: Codes) -> None:
    """Write certainty into the rows of gold items, in place."""
    items = np.flatnonzero(gold != UNKNOWN)
    posterior[items] = 0.0
    posterior[items, gold[items]] = 1.0


def mean_posterior(posterior: Floats, known: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> Floats:
    """Class shares over the known items; even where no item is known."""
    n_classes = posterior.shape[1]
    if not known.any():
        return np.full(n_classes, 1.0 / n_classes)
    shares: Floats = posterior[known].mean(axis=0)
    return shares
