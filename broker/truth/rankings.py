"""Orders of things: how alike two are, which order several people agree on, and strengths from comparisons of two."""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np

PULL = 0.1
"""Each thing plays a tenth of a game, drawn, against an average one: strengths then exist whatever the results."""
ROUNDS = 1000
CLOSE = 1e-9


def concordance(one: Sequence[str], other: Sequence[str]) -> float:
    """The share of pairs that stand in the same order in both: (1 + Kendall's tau) / 2, without ties; symmetric.

    A thing that only one of them ranks is in no order with anything; what is left over lowers the share by itself too.
    """
    left, right = ({name: at for at, name in enumerate(order)} for order in (one, other))
    everything = left.keys() | right.keys()
    both = left.keys() & right.keys()
    same = sum((left[a] < left[b]) == (right[a] < right[b]) for a, b in combinations(sorted(both), 2))
    pairs = math.comb(len(everything), 2)
    shared = len(both) / len(everything) if everything else 1.0
    return shared * same / pairs if pairs else shared


def kemeny(orders: Sequence[Sequence[str]], weights: Sequence[float]) -> tuple[list[str], float]:
    """The order that contradicts the least weight (Kemeny 1959), and the share of the weight that it agrees with.

    Begins with Borda's order and moves one thing after the other to its best place, while that helps; exact in all
    but pathological cases of the sizes that people can rank. Ties go to the first voter's order.
    """
    names = list(dict.fromkeys(name for order in orders for name in order))
    prefer: dict[tuple[str, str], float] = defaultdict(float)
    for order, weight in zip(orders, weights, strict=True):
        for pair in combinations(order, 2):
            prefer[pair] += weight
    margin = {(a, b): prefer[a, b] - prefer[b, a] for a in names for b in names if a != b}
    order = sorted(names, key=lambda name: -sum(margin[name, other] for other in names if other != name))
    while (better := _moved(order, margin)) is not None:
        order = better
    agreed = sum(prefer[pair] for pair in combinations(order, 2))
    said = sum(prefer.values())
    return order, agreed / said if said else 1.0


def _moved(order: list[str], margin: Mapping[tuple[str, str], float]) -> list[str] | None:
    """The order with one thing moved to where it gains most, None if nothing gains."""
    best, change = 1e-9, None
    for at, name in enumerate(order):
        for step in (-1, 1):
            gained, to = 0.0, at
            while 0 <= to + step < len(order):
                to += step
                ahead = (name, order[to]) if step < 0 else (order[to], name)
                gained += margin[ahead]
                if gained > best:
                    best, change = gained, (at, to)
    if change is None:
        return None
    at, to = change
    rest = order[:at] + order[at + 1 :]
    return [*rest[:to], order[at], *rest[to:]]


class Game(NamedTuple):
    """A comparison of two: `won` is 1 where the left one is better, 0 where the right one is, 0.5 for neither."""

    left: str
    right: str
    won: float
    weight: float = 1.0


class Standing(NamedTuple):
    """A thing's strength (natural logarithm; the mean is 0), and how often it was compared and preferred."""

    name: str
    strength: float
    games: float
    wins: float


def bradley_terry(games: Sequence[Game]) -> list[Standing]:
    """Strengths such that P(a beats b) = 1 / (1 + exp(b - a)), the strongest first (Bradley & Terry 1952).

    The MM algorithm of Hunter (Annals of Statistics 2004); no difference is half a win for each (Davidson's ties would
    need a parameter more). A small pull to the mean keeps strengths finite where one always wins or groups never meet.
    """
    names = sorted({name for game in games for name in (game.left, game.right)})
    code = {name: at for at, name in enumerate(names)}
    left, right = (np.array([code[getattr(game, side)] for game in games], dtype=np.int64) for side in ("left", "right"))
    weight, won = (np.array([getattr(game, part) for game in games], dtype=np.float64) for part in ("weight", "won"))
    wins = np.bincount(left, won * weight, len(names)) + np.bincount(right, (1 - won) * weight, len(names))
    played = np.bincount(left, weight, len(names)) + np.bincount(right, weight, len(names))
    power = np.ones(len(names))
    for _ in range(ROUNDS):
        shared = weight / (power[left] + power[right])
        below = np.bincount(left, shared, len(names)) + np.bincount(right, shared, len(names)) + PULL / (power + 1)
        after = (wins + PULL / 2) / below
        after /= np.exp(np.log(after).mean()) if len(after) else 1.0
        moved = np.abs(np.log(after / power)).max(initial=0.0)
        power = after
        if moved < CLOSE:
            break
    found = [
        Standing(name, float(np.log(power[at])), float(played[at]), float(wins[at])) for at, name in enumerate(names)
    ]
    return sorted(found, key=lambda one: (-one.strength, one.name))
