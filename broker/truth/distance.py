"""Agreement and consensus for answers of any form, from nothing but how alike two of them are."""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, TypeVar

T = TypeVar("T")
Likeness = Callable[[T, T], float]
"""How alike two answers are: symmetric, within 0..1, 1 for an answer and itself."""

COMPARISONS = 20_000
_GOLDEN = (math.sqrt(5) - 1) / 2


class Medoid(NamedTuple):
    """The answer most like all others: its place among the votes, and its weighted mean likeness to the others."""

    place: int
    support: float


def medoid(votes: Sequence[T], likeness: Likeness[T], weights: Sequence[float] | None = None) -> Medoid:
    """Choose the vote with the highest weighted likeness to all votes, its own included, ties to the first.

    Weights (by default all 1) are not negative. A lone vote, or one among others of no weight, is supported by 1.
    Costs n(n - 1)/2 comparisons. Raises ValueError for no votes or unlike lengths.
    """
    if not votes:
        raise ValueError("there are no votes to choose from")
    weight = [1.0] * len(votes) if weights is None else list(weights)
    if len(weight) != len(votes):
        raise ValueError(f"{len(votes)} votes have {len(weight)} weights")
    scores = _scores(votes, likeness, weight)
    # A vote speaks for itself too, so that of two votes the weightier one wins.
    place = max(range(len(votes)), key=lambda i: (scores[i] + weight[i], -i))
    others = math.fsum(weight) - weight[place]
    return Medoid(place, scores[place] / others if others > 0 else 1.0)


def _scores(votes: Sequence[T], likeness: Likeness[T], weight: Sequence[float]) -> list[float]:
    scores = [0.0] * len(votes)
    for i in range(len(votes)):
        for j in range(i):
            alike = likeness(votes[i], votes[j])
            scores[i] += weight[j] * alike
            scores[j] += weight[i] * alike
    return scores


class Spread(NamedTuple):
    """How far answers are apart: each unit's sum of mean distances `within` it, how many answers were `given` to it,
    and the distance `expected` of any two answers.
    """

    within: list[float]
    given: list[int]
    expected: float


def alpha(units: Iterable[Sequence[T]], likeness: Likeness[T], comparisons: int = COMPARISONS) -> float | None:
    """Krippendorff's alpha with the distance 1 - likeness: 1 - Do / De over units (an item's answers) of two or more.

    Do = the mean over answers of their mean distance to the other answers of their unit. De = the mean distance of all
    pairs of answers, exact where there are at most `comparisons` pairs, else over about that many pairs that hold
    every answer equally often. None where no unit has two answers or no two answers differ.
    """
    found = spread(units, likeness, comparisons)
    return None if found is None else 1.0 - math.fsum(found.within) / sum(found.given) / found.expected


def spread(units: Iterable[Sequence[T]], likeness: Likeness[T], comparisons: int = COMPARISONS) -> Spread | None:
    """What `alpha` is made of, over units of two or more; None where it is undefined."""
    units = [unit for unit in units if len(unit) >= 2]
    everything = [answer for unit in units for answer in unit]
    expected = _between(everything, likeness, comparisons) if everything else 0.0
    if expected <= 0:
        return None
    return Spread([_within(unit, likeness) for unit in units], [len(unit) for unit in units], expected)


def _within(unit: Sequence[T], likeness: Likeness[T]) -> float:
    distances = (1.0 - likeness(unit[i], unit[j]) for i in range(len(unit)) for j in range(i))
    return 2.0 * math.fsum(distances) / (len(unit) - 1)


def _between(answers: Sequence[T], likeness: Likeness[T], comparisons: int) -> float:
    count = len(answers)
    if count * (count - 1) // 2 <= comparisons:
        pairs = [(i, j) for i in range(count) for j in range(i)]
    else:
        pairs = [(i, (i + step) % count) for step in _steps(count, max(comparisons // count, 1)) for i in range(count)]
    return math.fsum(1.0 - likeness(answers[i], answers[j]) for i, j in pairs) / len(pairs)


def _steps(count: int, wanted: int) -> list[int]:
    # Multiples of the golden ratio spread evenly and share no period with the order of the answers.
    return sorted({1 + int((k * _GOLDEN % 1.0) * (count // 2)) for k in range(1, wanted + 1)})


def weighted_median(values: Sequence[float], weights: Sequence[float]) -> float:
    """The least value at which half of the weight is reached; one of the values. Raises ValueError for none."""
    if not values:
        raise ValueError("there are no values to choose from")
    ordered = sorted(zip(values, weights, strict=True))
    half = math.fsum(weights) / 2
    running = 0.0
    for value, weight in ordered:
        running += weight
        if running >= half * (1 - 1e-12):
            return value
    return ordered[-1][0]
