"""How far workers can be believed whose answers are only more or less alike, not equal or different."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from broker.truth.answers import Codes, Floats

USUAL = 0.7
"""What is believed of a worker of whom nothing is known; it weighs as much as one comparison."""
GOLD = 10.0
"""How many comparisons with other workers an answer to gold outweighs: those who err alike agree, too."""
LEAST = 0.02
STEPS = 50
SETTLED = 1e-6


@dataclass(frozen=True, eq=False, slots=True)
class Compared:
    """Pairs of answers to the same item, and answers to gold, with likeness beyond chance.

    Per pair: the two workers' codes `first` and `second`, the rows `first_row` and `second_row` of their answers, and
    how `alike` they are: 1 the same, 0 as two answers to different items are, at least -1. Per graded answer: its
    `worker` and its `grade` on the same scale.
    """

    first: Codes
    second: Codes
    first_row: Codes
    second_row: Codes
    alike: Floats
    worker: Codes
    grade: Floats


@dataclass(frozen=True, eq=False, slots=True)
class Believed:
    """Per worker: the `accuracy` estimated, 0..1, and the `evidence` for it in answers: gold weighs 1."""

    accuracy: Floats
    evidence: Floats


def believe_alike(compared: Compared, workers: int, rows: int) -> Believed:
    """Estimate accuracies from the likeness of pairs: E[alike_jk] = t_j t_k, and a gold answer is a worker of t = 1.

    Who answers at random is alike nobody, so the matrix of mean likeness has rank one; alternating weighted least
    squares give t_j = (sum w alike_jk t_k + G sum grade + USUAL) / (sum w t_k^2 + G golds + 1), w making the others of
    one answer together count for one answer at most, G = GOLD. It needs no consensus, so no answer vouches for itself.
    The model is that of Y. Ma, A. Olshevsky and V. Saligrama, Gradient descent for sparse rank-one matrix completion
    for crowd-sourced aggregation, ICML 2018.
    """
    pairs = _Pairs.of(compared)
    graded = GOLD * np.bincount(compared.worker, weights=compared.grade, minlength=workers) + USUAL
    golds = GOLD * np.bincount(compared.worker, minlength=workers) + 1.0
    accuracy: Floats = np.full(workers, USUAL)
    for _ in range(STEPS):
        before, weight = accuracy, pairs.weights(accuracy, rows)
        trusted = accuracy[pairs.other]
        above = np.bincount(pairs.one, weights=weight * pairs.alike * trusted, minlength=workers) + graded
        below = np.bincount(pairs.one, weights=weight * trusted**2, minlength=workers) + golds
        accuracy = np.clip((above / below + before) / 2, LEAST, 1.0)
        if np.abs(accuracy - before).max(initial=0.0) < SETTLED:
            break
    heard = pairs.weights(accuracy, rows) * accuracy[pairs.other] ** 2
    evidence = np.bincount(pairs.one, weights=heard, minlength=workers)
    evidence = evidence + np.bincount(compared.worker, minlength=workers)
    return Believed(accuracy, evidence.astype(np.float64))


@dataclass(frozen=True, eq=False, slots=True)
class _Pairs:
    """Every pair from both sides: the row of `one`'s answer, and how alike it is `other`'s."""

    one: Codes
    other: Codes
    row: Codes
    alike: Floats

    @classmethod
    def of(cls, compared: Compared) -> Self:
        first, second = compared.first, compared.second
        rows = np.concatenate([compared.first_row, compared.second_row])
        alike = np.concatenate([compared.alike, compared.alike])
        return cls(np.concatenate([first, second]), np.concatenate([second, first]), rows, alike)

    def weights(self, accuracy: Floats, rows: int) -> Floats:
        """What each comparison counts: those of one answer together at most as much as one with a known truth."""
        heard = np.bincount(self.row, weights=accuracy[self.other] ** 2, minlength=rows)
        weights: Floats = 1.0 / np.maximum(heard[self.row], 1.0)
        return weights


def known_by_any(accuracies: Sequence[float]) -> float:
    """The chance that at least one of those who answered knew: 1 - prod (1 - t)."""
    chance: float = 1.0 - float(np.prod(1.0 - np.asarray(accuracies, dtype=np.float64)))
    return chance


def beyond_chance(likeness: NDArray[np.float64], chance: float) -> Floats:
    """Likeness on the scale where `chance`, that of answers to different items, is 0 and the same is 1; at least -1."""
    if chance >= 1.0:
        return np.ones_like(likeness)
    scaled: Floats = np.clip((likeness - chance) / (1.0 - chance), -1.0, 1.0)
    return scaled
