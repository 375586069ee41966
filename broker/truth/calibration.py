"""Confidence that is right as often as it says: fitted on gold where there is enough, a cautious default elsewhere.

Labels never change: only the number beside them does. C. Guo et al., On Calibration of Modern Neural Networks, ICML
2017 (temperature scaling, expected calibration error).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from broker.truth.answers import Floats
from broker.truth.consensus import LEAST_PROBABILITY
from broker.truth.evidence import Evidence

FEWEST_GOLD = 10
"""Gold items below which no calibration is fitted."""
PRIOR_GOLD = 30.0
"""The default weighs as much as this many gold items when a calibration is fitted."""
BINS = 10
FOLDS = 5
_TEMPERATURES = np.geomspace(0.05, 2.0, 38)
_MIXES = np.linspace(0.0, 1.0, 21)


@dataclass(frozen=True)
class Calibration:
    """From evidence to confidence: `mix` of the belief at this temperature, the rest the smoothed share of votes.

    `golds`: the gold items it was fitted on, 0 for the default that was learnt across sets of real answers.
    """

    temperature: float
    mix: float
    golds: int = 0

    @classmethod
    def of(cls, told: Mapping[str, Any] | None) -> Self:
        """The calibration that was kept under its fields' names; DEFAULT's figures for None."""
        names = ("temperature", "mix", "golds")
        return cls(**{name: (told or vars(DEFAULT))[name] for name in names})

    @property
    def on_gold(self) -> bool:
        """Whether it was fitted on this job's own gold."""
        return self.golds > 0

    def confidence(self, found: Evidence, n_classes: int) -> Floats:
        """The probability that each item's label is right: n_items values from 0 to 1."""
        return self.mix * tempered(found.belief, self.temperature, n_classes) + (1.0 - self.mix) * found.share


DEFAULT = Calibration(0.7, 0.5)
"""For jobs without gold enough; see docs/statistics.md for how the two figures were chosen."""


def tempered(belief: Floats, temperature: float, n_classes: int) -> Floats:
    """A label's probability with its evidence taken to a power: odds against chance, o = (K - 1) q / (1 - q), become
    o^t, and the probability o^t / (o^t + K - 1). At t = 1 nothing changes, at t = 0 all is chance (1 / K).
    """
    others = max(n_classes - 1, 1)
    safe = np.clip(belief, LEAST_PROBABILITY, 1.0 - LEAST_PROBABILITY)
    log_odds = np.log(safe) - np.log1p(-safe) + np.log(others)
    tempered_odds: Floats = 1.0 / (1.0 + others * np.exp(-temperature * log_odds))
    return tempered_odds


def calibrate(found: Evidence, right: NDArray[np.bool_], n_classes: int) -> Calibration:
    """Fit temperature and mix on gold items judged as if their truth were not known; DEFAULT for too few of them.

    `found` and `right` have a value per gold item: its evidence, and whether its label is the truth. The two figures
    have the least log-loss on a grid, to which the default's expected log-loss is added as if of PRIOR_GOLD items like
    these: few gold items move it little, many decide alone.
    """
    golds = len(right)
    if golds < FEWEST_GOLD:
        return DEFAULT
    expected = DEFAULT.confidence(found, n_classes)
    weight = PRIOR_GOLD / golds
    wins, losses = right + weight * expected, ~right + weight * (1.0 - expected)
    best, least = DEFAULT, np.inf
    for temperature in _TEMPERATURES:
        heated = tempered(found.belief, float(temperature), n_classes)
        mixed = _MIXES[:, None] * heated + (1.0 - _MIXES[:, None]) * found.share
        scores = -(wins * np.log(_safe(mixed)) + losses * np.log(_safe(1.0 - mixed))).sum(axis=1)
        place = int(scores.argmin())
        if scores[place] < least:
            best, least = Calibration(float(temperature), float(_MIXES[place]), golds), float(scores[place])
    return best


def cross_fitted(found: Evidence, right: NDArray[np.bool_], n_classes: int) -> Floats:
    """The confidence in each gold item by a calibration fitted on the other folds, every fifth item being one."""
    fold = np.arange(len(right)) % FOLDS
    confidence = np.zeros(len(right))
    for one in range(FOLDS):
        inside = fold == one
        fitted = calibrate(_part(found, ~inside), right[~inside], n_classes)
        confidence[inside] = fitted.confidence(_part(found, inside), n_classes)
    return confidence


def _part(found: Evidence, rows: NDArray[np.bool_]) -> Evidence:
    return Evidence(found.label[rows], found.belief[rows], found.share[rows], found.given[rows])


class Bin(NamedTuple):
    """Items whose confidence falls into one tenth: their mean confidence, the share that is right, how many."""

    confidence: float
    accuracy: float
    items: int


def reliability(confidence: Floats, right: NDArray[np.bool_], bins: int = BINS) -> tuple[Bin, ...]:
    """The reliability curve: bins of equal width that hold any item, from the lowest confidence to the highest."""
    place = np.minimum((confidence * bins).astype(np.int64), bins - 1)
    count = np.bincount(place, minlength=bins)
    sure, hit = (np.bincount(place, weights=column, minlength=bins) for column in (confidence, right))
    return tuple(
        Bin(float(sure[one] / count[one]), float(hit[one] / count[one]), int(count[one]))
        for one in np.flatnonzero(count)
    )


def calibration_error(curve: tuple[Bin, ...]) -> float:
    """Expected calibration error: the mean of |accuracy - confidence| over the bins, weighed by their items; 0..1."""
    items = sum(one.items for one in curve)
    return sum(one.items * abs(one.accuracy - one.confidence) for one in curve) / items if items else 0.0


def log_loss(confidence: Floats, right: NDArray[np.bool_]) -> float:
    """Mean of -log of the probability given to what is the case (label right or wrong), in nats; 0 for no items."""
    if not len(right):
        return 0.0
    return float(-np.log(_safe(np.where(right, confidence, 1.0 - confidence))).mean())


def _safe(chance: Floats) -> Floats:
    clipped: Floats = np.clip(chance, LEAST_PROBABILITY, 1.0)
    return clipped
