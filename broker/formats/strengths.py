"""What comparisons and rankings say of each thing: its Bradley-Terry strength, as a table."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations
from typing import TYPE_CHECKING, BinaryIO

from broker.annotation.labelled import Labelled
from broker.formats.write import write_csv

if TYPE_CHECKING:
    from broker.truth.bradley_terry import Game

COLUMNS = ("item", "strength", "games", "wins")
WON = {"a": 1.0, "b": 0.0, "tie": 0.5}


def write_strengths(items: Iterable[Labelled], labels: Sequence[str], file: BinaryIO) -> None:  # noqa: ARG001 - as all writers
    """item, strength (the mean is 0; P(a beats b) = 1 / (1 + exp(b - a))), games, wins; the strongest first.

    A game is the consensus on a pair, or each pair of a ranking, weighed by its confidence.
    """
    from broker.truth.bradley_terry import bradley_terry  # noqa: PLC0415 - numpy is not for web processes

    games = [game for item in items for game in _games(item)]
    found = [
        {"item": one.name, "strength": round(one.strength, 6), "games": round(one.games, 3), "wins": round(one.wins, 3)}
        for one in (bradley_terry(games) if games else ())
    ]
    file.writelines(write_csv(found, COLUMNS))


def _games(item: Labelled) -> "Iterator[Game]":
    from broker.truth.bradley_terry import Game  # noqa: PLC0415 - numpy is not for web processes

    answer, sure = item.answer or {}, 1.0 if item.confidence is None else item.confidence
    if "pair" in answer:
        left, right = str(item.facts["left"]), str(item.facts["right"])
        if left != right:
            yield Game(left, right, WON[answer["pair"]["choice"]], sure)
    for better, worse in combinations(answer.get("ranking", {}).get("ranking", ()), 2):
        yield Game(better, worse, 1.0, sure)
