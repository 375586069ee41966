"""How strong things are, from comparisons of two."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

PULL = 0.1
"""Each thing plays a tenth of a game, drawn, against an average one: strengths then exist whatever the results."""
ROUNDS = 1000
CLOSE = 1e-9


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
    left, right = (
        np.array([code[getattr(game, side)] for game in games], dtype=np.int64) for side in ("left", "right")
    )
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
