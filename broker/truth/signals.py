"""What a signal about a worker is, and which of many p-values count: signals inform people, they do not act."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from broker.truth.answers import Floats

Name = Literal["too-fast", "constant", "random", "swapped-labels", "copying", "drift"]
FALSE_SHARE = 0.05
"""Of what a signal names, a twentieth may be named by chance: the false discovery rate of all signals."""


@dataclass(frozen=True, slots=True)
class Signal:
    """One thing that is odd about a worker (a code of `Answers`), with what a person needs to judge it.

    `p`: how likely so odd an appearance is for a worker in whom nothing is odd (a p-value, or for "random" and
    "swapped-labels" the posterior probability that the worker does know something). `figures` are numbers by name, in
    shares, answers and seconds. `other` is the second worker of a pair.
    """

    worker: int
    name: Name
    p: float
    figures: Mapping[str, float] = field(default_factory=dict)
    other: int | None = None


def discoveries(p: Floats, rate: float = FALSE_SHARE) -> NDArray[np.bool_]:
    """Which p-values count if the expected share of false ones among them may be `rate`.

    The step-up rule of Y. Benjamini and Y. Hochberg, Journal of the Royal Statistical Society B 57 (1995) 289-300: of m
    values in order, all up to the largest k with p_k <= rate k / m. NaN is no test and never counts.
    """
    found = np.zeros(len(p), dtype=np.bool_)
    tested = np.flatnonzero(~np.isnan(p))
    order = tested[np.argsort(p[tested], kind="stable")]
    passed = np.flatnonzero(p[order] <= rate * np.arange(1, len(order) + 1) / max(len(order), 1))
    if len(passed):
        found[order[: passed[-1] + 1]] = True
    return found


def believed(doubt: Floats, rate: float = FALSE_SHARE) -> NDArray[np.bool_]:
    """Which cases count, if each is false with the posterior probability `doubt`, at the same share of false ones.

    The largest set of least doubt whose mean doubt is at most `rate`: the Bayesian false discovery rate (B. Efron and
    R. Tibshirani, Genetic Epidemiology 23 (2002) 70-86). Cases that are more likely false than true never count.
    """
    order = np.argsort(doubt, kind="stable")
    mean = np.cumsum(doubt[order]) / np.arange(1, len(order) + 1)
    found = np.zeros(len(doubt), dtype=np.bool_)
    found[order[(mean <= rate) & (doubt[order] <= 0.5)]] = True
    return found
