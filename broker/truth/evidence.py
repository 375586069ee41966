"""What speaks for each item's label: a belief that allows for shared errors, and the visible votes."""

from dataclasses import dataclass

import numpy as np
from scipy import special

from broker.truth.answers import UNKNOWN, Answers, Codes, Floats, item_blocks, rows_at_once
from broker.truth.consensus import LEAST_PROBABILITY, Confusions, Consensus, most_probable
from broker.truth.trust import log_likelihoods
from broker.truth.votes import vote_shares

CORRELATION = 0.1
"""How far two answers to one item err together: n answers count as n / (1 + CORRELATION (n - 1))."""


@dataclass(frozen=True, eq=False, slots=True)
class Evidence:
    """A value per item: its `label` code, UNKNOWN without answers; the model's `belief` in it when answers err
    together; the smoothed `share` of votes for it, (votes + 1 / K) / (n + 1); the answers `given`.
    """

    label: Codes
    belief: Floats
    share: Floats
    given: Floats


def evidence(answers: Answers, consensus: Consensus, correlation: float = CORRELATION) -> Evidence:
    """Weigh each item's label anew from the model's tables, with answers that are not independent of each other.

    belief ~ p_c exp(sum log E / (1 + rho (n - 1))): the design effect of cluster samples (Kish, Survey Sampling, 1965,
    section 5.4) with an item as the cluster. Without tables only the votes speak. Labels are the consensus's.
    """
    tables = consensus.confusions
    if tables is None:
        return _of(answers, consensus.labels, None)
    sums = np.zeros((answers.n_items, answers.n_classes))
    for start, stop in item_blocks(answers.item, rows_at_once(answers.n_classes)):
        _add(sums, answers.item[start:stop], log_likelihoods(tables, answers, slice(start, stop)))
    return _of(answers, consensus.labels, _softened(sums, answers, consensus.priors, correlation))


def of_posteriors(posteriors: Floats, priors: Floats, votes: Floats, correlation: float = CORRELATION) -> Evidence:
    """The same for items with a posterior that takes answers for independent (n_items x n_classes) under these priors.

    `votes` are the counts of labels (n_items x n_classes). The likelihood is the posterior over the priors.
    """
    given, logs = votes.sum(axis=1), np.log(np.maximum(priors, LEAST_PROBABILITY))
    likelihoods = np.log(np.maximum(posteriors, LEAST_PROBABILITY)) - logs
    softened = likelihoods / (1.0 + correlation * np.maximum(given - 1, 0))[:, None] + logs
    rows = np.arange(len(posteriors))
    label = most_probable(posteriors, np.ones(len(posteriors), dtype=np.bool_))
    share = (votes[rows, label] + 1.0 / votes.shape[1]) / (given + 1.0)
    return Evidence(label, special.softmax(softened, axis=1)[rows, label], share, given)


def blinded(answers: Answers, consensus: Consensus, gold: Codes, correlation: float = CORRELATION) -> Evidence:
    """The same for gold items as if their truth were not known; all other items come out without answers.

    From each answer to a gold item that item's own count is taken out of its worker's table: else the gold would vouch
    for the workers who vouch for it. The label is the one that is believed most.
    """
    graded = answers.subset(gold[answers.item] != UNKNOWN)
    answered = graded.per_item() > 0
    if consensus.confusions is None:
        return _of(graded, most_probable(vote_shares(graded), answered), None)
    sums = np.zeros((answers.n_items, answers.n_classes))
    given = consensus.confusions.per_worker(answers.n_workers)
    for start, stop in item_blocks(graded.item, rows_at_once(answers.n_classes)):
        block = slice(start, stop)
        _add(sums, graded.item[block], np.log(_without_own_item(graded, consensus.confusions, gold, given, block)))
    posterior = _softened(sums, graded, consensus.priors, correlation)
    return _of(graded, most_probable(posterior, answered), posterior)


def _of(answers: Answers, label: Codes, posterior: Floats | None) -> Evidence:
    some = np.maximum(label, 0)
    given = answers.per_item().astype(np.float64)
    votes = np.bincount(answers.item, weights=answers.label == some[answers.item], minlength=answers.n_items)
    share = (votes + 1.0 / answers.n_classes) / (given + 1.0)
    belief = share if posterior is None else posterior[np.arange(answers.n_items), some]
    return Evidence(label, belief, share, given)


def _add(sums: Floats, item: Codes, rows: Floats) -> None:
    """Sum each item's rows, which are neighbours, into its row of `sums`."""
    first = np.flatnonzero(np.diff(item, prepend=-1))
    if len(first):
        sums[item[first]] = np.add.reduceat(rows, first)


def _softened(sums: Floats, answers: Answers, priors: Floats, correlation: float) -> Floats:
    sums /= (1.0 + correlation * np.maximum(answers.per_item() - 1, 0))[:, None]
    sums += np.log(np.maximum(priors, LEAST_PROBABILITY))
    posterior: Floats = special.softmax(sums, axis=1)
    return posterior


def _without_own_item(answers: Answers, tables: Confusions, gold: Codes, given: Floats, block: slice) -> Floats:
    """P(the answer | truth) without what its own item taught: a row per answer of the block, a column per truth."""
    item, worker, label = (column[block] for column in (answers.item, answers.worker, answers.label))
    codes = tables.worker.astype(np.int64) * answers.n_classes + tables.label
    pair = np.searchsorted(codes, worker.astype(np.int64) * answers.n_classes + label)
    own = np.zeros((len(item), answers.n_classes))
    own[np.arange(len(item)), gold[item]] = 1.0
    counted = np.maximum(tables.counts[pair] - own, 0.0) + tables.pseudo[label]
    whole = np.maximum(given[worker] - own, 0.0) + tables.pseudo.sum(axis=0)
    # Without pseudo-answers a table may be empty by now, and then tells nothing.
    chance = np.where(whole > LEAST_PROBABILITY, counted / np.maximum(whole, LEAST_PROBABILITY), 1.0)
    return np.maximum(chance, LEAST_PROBABILITY)
