"""Who copies whom: pairs of workers who agree more often than two such workers would who answer on their own.

The idea of telling copiers from good workers by agreement beyond what their accuracies explain is that of X. L. Dong,
L. Berti-Equille and D. Srivastava, PVLDB 2 (2009) 550-561; the test is our own.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse, special

from broker.truth.answers import UNKNOWN, Answers, Codes, Floats, gold_codes, item_blocks
from broker.truth.consensus import LEAST_PROBABILITY, Confusions, Consensus
from broker.truth.spam import comparable, learned
from broker.truth.trust import log_likelihoods

LEAST_COMMON = 8
"""Two workers with fewer items in common are not compared."""
MOST_ANSWERS = 100
"""Items with more answers (gold that everybody meets) are left out: their pairs grow with the square."""
_LEAST_PAIRS = 20
_CELLS = 1 << 22
_MIDDLE_HALF = 2 * special.ndtri(0.75)
"""The width of the middle half of a standard normal."""


@dataclass(frozen=True, eq=False, slots=True)
class Pairs:
    """The pairs of workers with enough common items: one value per pair.

    `agreed` of `common` items got the same label, where `expected` were to, at this crowd's level of agreement; `z` is
    the difference in standard deviations and `p` the chance of at least so many.
    """

    first: Codes
    second: Codes
    common: NDArray[np.int64]
    agreed: Floats
    expected: Floats
    z: Floats
    p: Floats


def pairs(answers: Answers, consensus: Consensus, gold: ArrayLike | None = None) -> Pairs:
    """Test each pair of workers i, j with at least `LEAST_COMMON` common items.

    On item t two workers who answer on their own agree with probability p_t = sum_c q_t[c] sum_k E_i[k, c] E_j[k, c],
    with E their confusion tables and q_t the item's posterior without both answers; z = (agreed - sum p_t) / sqrt(sum
    p_t (1 - p_t)). The tail of so many unlike trials is at most that of the binomial of their mean (W. Hoeffding,
    Annals of Mathematical Statistics 27 (1956) 713-721, theorem 5), which is p: the normal's errs where agreement is
    likely anyway. On real items even strangers agree more than by p_t, because items differ in difficulty, so the
    centre and the scale are the crowd's own (an empirical null: B. Efron, Journal of the American Statistical
    Association 99 (2004) 96-104): the median excess per item, where positive, is expected of everybody, and where the
    middle half of all z is wider than a normal's, deviates are divided by how much, both as far as chance does not
    explain them. With fewer than 20 pairs the theoretical null stands.
    """
    truths = gold_codes(gold, answers)
    confusions = consensus.confusions or learned(answers, consensus, truths, comparable(answers, truths))
    few = answers.subset((answers.per_item() <= MOST_ANSWERS)[answers.item])
    first, second, common = _candidates(few)
    alike = _alike(confusions, first, second)
    agreed, expected, variance = _agreements(few, consensus, confusions, truths, (first, second, alike))
    # An agreement that is all but certain must not make a single further one a wonder.
    deviation = np.sqrt(np.maximum(variance, 0.25))
    excess, scale = _usual(agreed - expected, common, deviation)
    expected = expected + common * excess
    expected = np.minimum(expected, common)
    tail = np.where(agreed > 0, special.bdtrc(agreed - 1, common, expected / common), 1.0)
    p = special.ndtr(special.ndtri(tail) / scale)
    return Pairs(first, second, common, agreed, expected, (agreed - expected) / (deviation * scale), p)


def _usual(beyond: Floats, common: NDArray[np.int64], deviation: Floats) -> tuple[float, float]:
    """The crowd's own excess of agreements per item, and the scale of its deviates, less two standard errors of each.

    Without the standard errors, chance alone would raise both in every other crowd, at the cost of copiers not found.
    """
    if len(beyond) < _LEAST_PAIRS:
        return 0.0, 1.0
    share, noise = beyond / common, 2 / np.sqrt(len(beyond))
    # Standard errors of a normal sample: 1.25 sd / sqrt(n) of the median, 1.17 sd / sqrt(n) of the middle half's scale.
    excess = max(float(np.median(share)) - 1.25 * noise * _spread(share), 0.0)
    return excess, max(_spread((beyond - excess * common) / deviation) * (1 - 1.17 * noise), 1.0)


def _spread(values: Floats) -> float:
    high, low = np.percentile(values, [75, 25]).tolist()
    return float((high - low) / _MIDDLE_HALF)


def _candidates(answers: Answers) -> tuple[Codes, Codes, NDArray[np.int64]]:
    ones = np.ones(len(answers), dtype=np.int32)
    shape = (answers.n_items, answers.n_workers)
    met = sparse.coo_array((ones, (answers.item, answers.worker)), shape=shape).tocsr()
    together = sparse.triu(met.T @ met, k=1).tocoo()
    enough = together.data >= LEAST_COMMON
    first, second = (axis[enough].astype(np.int32) for axis in together.coords)
    order = np.lexsort((second, first))
    return first[order], second[order], together.data[enough][order].astype(np.int64)


def _alike(confusions: Confusions, first: Codes, second: Codes) -> Floats:
    """sum_k E_i[k, c] E_j[k, c]: pairs x truths."""
    n_classes = confusions.pseudo.shape[0]
    size = max(_CELLS // n_classes**2, 1)
    rows = [
        np.einsum("pkc,pkc->pc", confusions.stack(first[at : at + size]), confusions.stack(second[at : at + size]))
        for at in range(0, len(first), size)
    ]
    return np.concatenate(rows) if rows else np.zeros((0, n_classes))


def _agreements(
    answers: Answers,
    consensus: Consensus,
    confusions: Confusions,
    truths: Codes,
    candidates: tuple[Codes, Codes, Floats],
) -> tuple[Floats, Floats, Floats]:
    """For each candidate pair: agreements, their expected number and its variance."""
    first, second, alike = candidates
    sums = np.zeros((3, len(first)))
    if not len(first):
        return sums[0], sums[1], sums[2]
    keys = first.astype(np.int64) * answers.n_workers + second
    prior = np.log(np.maximum(consensus.priors, LEAST_PROBABILITY))
    most = int(answers.per_item().max())
    for start, stop in item_blocks(answers.item, max(_CELLS // (answers.n_classes * most), 1)):
        item, worker, label = (column[start:stop] for column in (answers.item, answers.worker, answers.label))
        logs = log_likelihoods(confusions, answers, slice(start, stop))
        begins = np.flatnonzero(np.diff(item, prepend=-1))
        total = np.add.reduceat(logs, begins, axis=0) + prior
        of = np.cumsum(np.diff(item, prepend=-1) > 0) - 1
        for one, other in _within(begins, len(item)):
            low, high = np.minimum(worker[one], worker[other]), np.maximum(worker[one], worker[other])
            key = low.astype(np.int64) * answers.n_workers + high
            place = np.minimum(np.searchsorted(keys, key), len(keys) - 1)
            kept = np.flatnonzero(keys[place] == key)
            i, j, place = one[kept], other[kept], place[kept]
            without = special.softmax(total[of[i]] - logs[i] - logs[j], axis=1)
            known = np.flatnonzero(truths[item[i]] != UNKNOWN)
            without[known] = 0.0
            without[known, truths[item[i[known]]]] = 1.0
            chance = np.einsum("tc,tc->t", without, alike[place])
            for row, values in enumerate((label[i] == label[j], chance, chance * (1 - chance))):
                sums[row] += np.bincount(place, weights=values, minlength=len(keys))
    return sums[0], sums[1], sums[2]


def _within(begins: NDArray[np.int64], length: int) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """All pairs of rows of the same item, for items of equally many answers at a time."""
    sizes = np.diff(begins, append=length)
    for size in np.unique(sizes[sizes >= 2]):
        one, other = np.triu_indices(int(size), k=1)
        starts = begins[sizes == size][:, None]
        yield (starts + one).ravel(), (starts + other).ravel()
