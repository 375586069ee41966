"""What we believe of each worker's accuracy: a posterior with its interval, from gold and from the other workers."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from broker.truth.answers import UNKNOWN, Answers, Codes, Floats, gold_codes, item_blocks, rows_at_once
from broker.truth.consensus import LEAST_PROBABILITY, Confusions, Consensus

Counts = NDArray[np.int64]


@dataclass(frozen=True, eq=False, slots=True)
class Trust:
    """One value per worker. Accuracy ~ Beta(1 + right, 1 + wrong): its `mean` and the interval `low`..`high`.

    `right` and `wrong` are evidence in answers, fractional because a consensus is not gold; they add up over jobs.
    Counts as people read them: `gold_right` of `gold_total` gold items; `agreed` = answers equal to the label found,
    among `compared` = answers on other items that somebody else answered too; `answered` = all answers.
    """

    mean: Floats
    low: Floats
    high: Floats
    right: Floats
    wrong: Floats
    gold_right: Counts
    gold_total: Counts
    agreed: Counts
    compared: Counts
    answered: Counts


def trust(answers: Answers, consensus: Consensus, gold: ArrayLike | None = None, level: float = 0.95) -> Trust:
    """Estimate every worker's accuracy from gold and from each item's posterior without the worker's own answer.

    A reference that is itself unsure q, against which an answer l has s = q[l], says E[s] = acc a + (1 - acc) b with
    a = sum q^2 and b = (1 - a) / (K - 1). Least squares over a worker's answers with d = a - b give acc =
    sum d (s - b) / sum d^2, worth n = sum d^2 answers: gold weighs 1, a coin flip 0. Then right = acc n (acc clipped
    to 0..1), wrong = (1 - acc) n. The plain consensus instead of this gives intervals far too narrow.
    """
    truths = gold_codes(gold, answers)
    right, wrong = _evidence(answers, consensus, truths)
    mean, low, high = believe(right, wrong, level)
    graded = truths[answers.item] != UNKNOWN
    compared = ~graded & (answers.per_item()[answers.item] >= 2)
    return Trust(
        *(mean, low, high, right, wrong),
        gold_right=_count(answers, graded & (truths[answers.item] == answers.label)),
        gold_total=_count(answers, graded),
        agreed=_count(answers, compared & (consensus.labels[answers.item] == answers.label)),
        compared=_count(answers, compared),
        answered=answers.per_worker(),
    )


def believe(right: ArrayLike, wrong: ArrayLike, level: float = 0.95) -> tuple[Floats, Floats, Floats]:
    """Mean, low and high end of the equal-tailed credible interval of an accuracy: Beta(1 + right, 1 + wrong)."""
    successes, failures = np.asarray(right) + 1.0, np.asarray(wrong) + 1.0
    tail = (1.0 - level) / 2
    low = special.betaincinv(successes, failures, tail)
    return successes / (successes + failures), low, special.betaincinv(successes, failures, 1.0 - tail)


def _count(answers: Answers, rows: NDArray[np.bool_]) -> Counts:
    return np.bincount(answers.worker[rows], minlength=answers.n_workers)


def _evidence(answers: Answers, consensus: Consensus, truths: Codes) -> tuple[Floats, Floats]:
    weighted, weight = np.zeros(answers.n_workers), np.zeros(answers.n_workers)
    for block, others in references(answers, consensus, truths):
        worker = answers.worker[block]
        lift, above = beyond_chance(others, answers.label[block])
        weighted += np.bincount(worker, weights=lift * above, minlength=answers.n_workers)
        weight += np.bincount(worker, weights=lift**2, minlength=answers.n_workers)
    accuracy = np.clip(weighted / np.maximum(weight, LEAST_PROBABILITY), 0.0, 1.0)
    return accuracy * weight, (1.0 - accuracy) * weight


def beyond_chance(others: Floats, label: Codes) -> tuple[Floats, Floats]:
    """(d, s - b) of each answer, as `trust` defines them: E[s - b] = accuracy * d. `others` is a row per answer."""
    sharp = (others**2).sum(axis=1)
    chance = (1.0 - sharp) / max(others.shape[1] - 1, 1)
    return sharp - chance, others[np.arange(len(label)), label] - chance


def references(answers: Answers, consensus: Consensus, truths: Codes) -> Iterator[tuple[slice, Floats]]:
    """All answers in blocks of rows, each with what the others say: see `without_own_answer`."""
    for start, stop in item_blocks(answers.item, rows_at_once(answers.n_classes)):
        block = slice(start, stop)
        yield block, without_own_answer(answers, consensus, truths, block)


def without_own_answer(answers: Answers, consensus: Consensus, truths: Codes, block: slice) -> Floats:
    """The posterior of each answer's item as if that answer were not there: a row per answer of `block`.

    Gold items give certainty. With confusion tables the answer's likelihood is divided out; else it is the share of the
    other votes, with one more vote spread like the priors. `block` must not cut an item in two.
    """
    item, label = answers.item[block], answers.label[block]
    first = np.flatnonzero(np.diff(item, prepend=-1))
    sizes = np.diff(first, append=len(item))
    if consensus.confusions is None:
        own = np.zeros((len(item), answers.n_classes))
        own[np.arange(len(item)), label] = 1.0
        votes = np.repeat(np.add.reduceat(own, first), sizes, axis=0) - own + consensus.priors
        others: Floats = votes / votes.sum(axis=1, keepdims=True)
    else:
        own = log_likelihoods(consensus.confusions, answers, block)
        total = np.repeat(np.add.reduceat(own, first), sizes, axis=0)
        others = special.softmax(total - own + np.log(np.maximum(consensus.priors, LEAST_PROBABILITY)), axis=1)
    gold = truths[item]
    graded = np.flatnonzero(gold != UNKNOWN)
    others[graded] = 0.0
    others[graded, gold[graded]] = 1.0
    return others


def log_likelihoods(confusions: Confusions, answers: Answers, block: slice) -> Floats:
    """The logarithm of P(answer | truth): a row per answer, a column per truth."""
    known = confusions.worker.astype(np.int64) * answers.n_classes + confusions.label
    asked = answers.worker[block].astype(np.int64) * answers.n_classes + answers.label[block]
    # Looked up first: there are many blocks, and each would take the logarithms of the whole table.
    chances = confusions.table[np.searchsorted(known, asked)]
    np.maximum(chances, LEAST_PROBABILITY, out=chances)
    logs: Floats = np.log(chances, out=chances)
    return logs
