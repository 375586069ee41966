"""What a worker's clock and order of answers tell: far faster than the others, or worse and worse."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from broker.truth.answers import Answers, Codes, Floats, gold_codes
from broker.truth.consensus import LEAST_PROBABILITY, Consensus
from broker.truth.spam import comparable
from broker.truth.trust import beyond_chance, references

LEAST_TIMED = 8
LEAST_WORKERS = 5
LEAST_SEQUENCE = 20
_NORMAL = 1.0 / special.ndtri(0.75)
_EFFICIENCY = 0.37
"""Of the median absolute deviation, against the standard deviation of a normal sample."""


@dataclass(frozen=True, eq=False, slots=True)
class Pace:
    """One value per worker: the `median` of `timed` answers in seconds, `p` the chance of one so low; NaN: not tested.

    `crowd` is the median of the workers' medians.
    """

    timed: NDArray[np.int64]
    median: Floats
    p: Floats
    crowd: float


@dataclass(frozen=True, eq=False, slots=True)
class Course:
    """One value per worker: accuracy in the first and the last third of their answers, the p-value of its fall."""

    answers: NDArray[np.int64]
    early: Floats
    late: Floats
    p: Floats


def pace(worker: Codes, seconds: ArrayLike, n_workers: int) -> Pace:
    """Compare each worker's median time with those of the others: one row per answer, times not above 0 are unknown.

    On log scale z = (m_w - M) / sqrt(S^2 + s^2 pi / (2 n_w)): m_w the worker's median, M and S median and scaled median
    absolute deviation of all workers' medians, s the scaled median absolute deviation of single answers about their
    worker's median, pi / 2 what a median of n_w normal values costs against their mean. p is the lower tail of
    Student's t with 0.37 (workers - 1) degrees of freedom, for S knows as much as a standard deviation of 0.37 as many
    (P. J. Rousseeuw and C. Croux, Journal of the American Statistical Association 88 (1993) 1273-1283). A worker needs
    8 times and the crowd 5 such workers; nothing is assumed but that half of them are usual.
    """
    times = np.asarray(seconds, dtype=np.float64)
    known = np.isfinite(times) & (times > 0)
    log, who = np.log(times[known]), worker[known]
    timed = np.bincount(who, minlength=n_workers)
    median = _medians(log, who, n_workers)
    tested = timed >= LEAST_TIMED
    p = np.full(n_workers, np.nan)
    if tested.sum() < LEAST_WORKERS:
        return Pace(timed, np.exp(median), p, np.nan)
    centre = float(np.median(median[tested]))
    between = _NORMAL * float(np.median(np.abs(median[tested] - centre)))
    within = _NORMAL * float(np.median(np.abs(log - median[who])[tested[who]]))
    spread = np.sqrt(between**2 + within**2 * np.pi / (2 * timed[tested]))
    z = (median[tested] - centre) / np.maximum(spread, LEAST_PROBABILITY)
    p[tested] = special.stdtr(_EFFICIENCY * (tested.sum() - 1), z)
    return Pace(timed, np.exp(median), p, float(np.exp(centre)))


def _medians(values: Floats, who: Codes, n_workers: int) -> Floats:
    order = np.lexsort((values, who))
    ordered = values[order]
    many = np.bincount(who, minlength=n_workers)
    first = np.cumsum(many) - many
    medians = np.full(n_workers, np.nan)
    some = np.flatnonzero(many)
    low, high = first[some] + (many[some] - 1) // 2, first[some] + many[some] // 2
    medians[some] = (ordered[low] + ordered[high]) / 2
    return medians


def course(answers: Answers, consensus: Consensus, moment: ArrayLike, gold: ArrayLike | None = None) -> Course:
    """Test whether a worker's accuracy falls from answer to answer. `moment`: when each row of `answers` was given.

    With d and s - b of `trust`, E[s - b] = d (acc + slope x), x the place in the worker's sequence, -1/2 to 1/2. Least
    squares give slope = sum d (x - x') e / sum d^2 (x - x')^2, e the residuals of a constant accuracy and x' the mean
    of x with weights d^2; its variance under no slope is sum d^2 (x - x')^2 e^2 / (...)^2 (H. White, Econometrica 48
    (1980) 817-838), so p is the lower tail of Student's t with n - 2 degrees of freedom. Fewer than 20 answers are not
    tested.
    """
    truths = gold_codes(gold, answers)
    usable = comparable(answers, truths)
    lift, above = np.zeros(len(answers)), np.zeros(len(answers))
    for block, others in references(answers, consensus, truths):
        lift[block], above[block] = beyond_chance(others, answers.label[block])
    rows = np.flatnonzero(usable)
    order = rows[np.lexsort((np.asarray(moment)[rows], answers.worker[rows]))]
    who, d, over = answers.worker[order], lift[order], above[order]
    many = np.bincount(who, minlength=answers.n_workers)
    place = (np.arange(len(who)) - (np.cumsum(many) - many)[who] + 0.5) / many[who]

    def total(values: Floats) -> Floats:
        sums: Floats = np.bincount(who, weights=values, minlength=answers.n_workers).astype(np.float64)
        return sums

    def accuracy(chosen: NDArray[np.bool_]) -> Floats:
        share: Floats = np.clip(total(d * over * chosen) / _positive(total(d * d * chosen)), 0.0, 1.0)
        return share

    weight = _positive(total(d * d))
    from_mean = place - (total(d * d * place) / weight)[who]
    residual = over - d * (total(d * over) / weight)[who]
    slope = total(d * from_mean * residual)
    t = slope / np.sqrt(_positive(total((d * from_mean * residual) ** 2)))
    p = np.where(many >= LEAST_SEQUENCE, special.stdtr(np.maximum(many - 2, 1), t), np.nan)
    return Course(many, accuracy(place < 1 / 3), accuracy(place >= 2 / 3), p)


def _positive(values: Floats) -> Floats:
    floor: Floats = np.maximum(values, LEAST_PROBABILITY)
    return floor
