"""Simulated answerers with known errors, for tests, for `broker simulate` and for plans before money is spent."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol


class Dice(Protocol):
    """Chance: both `random.Random` and `numpy.random.Generator` are dice."""

    def random(self) -> float:
        """A number from [0, 1)."""


@dataclass(frozen=True)
class Answerer(ABC):
    """Somebody who answers in a known way; `name` says which sort they are."""

    name: str

    @abstractmethod
    def answer(self, truth: str, labels: Sequence[str], dice: Dice) -> str:
        """One label for an item whose true label is `truth`."""

    @abstractmethod
    def answer_many(self, truths: Collection[str], labels: Sequence[str], dice: Dice) -> tuple[str, ...]:
        """Any number of labels, in the order of `labels`, for an item with the true labels `truths`."""


@dataclass(frozen=True)
class Honest(Answerer):
    """Right with probability `accuracy`, else any of the other labels; with several labels each true one is missed, and
    one false one added, with probability 1 - `accuracy`.
    """

    accuracy: float

    def answer(self, truth: str, labels: Sequence[str], dice: Dice) -> str:
        others = [label for label in labels if label != truth]
        return truth if not others or dice.random() < self.accuracy else _pick(others, dice)

    def answer_many(self, truths: Collection[str], labels: Sequence[str], dice: Dice) -> tuple[str, ...]:
        chosen = {label for label in labels if label in truths and dice.random() < self.accuracy}
        others = [label for label in labels if label not in truths]
        if others and dice.random() >= self.accuracy:
            chosen.add(_pick(others, dice))
        return tuple(label for label in labels if label in chosen)


@dataclass(frozen=True)
class Confused(Honest):
    """Honest, but takes the two labels of `pair` for each other with probability `rate`."""

    pair: tuple[str, str]
    rate: float = 0.5

    def answer(self, truth: str, labels: Sequence[str], dice: Dice) -> str:
        return super().answer(self._seen(truth, dice), labels, dice)

    def answer_many(self, truths: Collection[str], labels: Sequence[str], dice: Dice) -> tuple[str, ...]:
        return super().answer_many({self._seen(truth, dice) for truth in sorted(truths)}, labels, dice)

    def _seen(self, truth: str, dice: Dice) -> str:
        if truth not in self.pair or dice.random() >= self.rate:
            return truth
        return self.pair[1] if truth == self.pair[0] else self.pair[0]


@dataclass(frozen=True)
class RandomClicker(Answerer):
    """Clicks without looking: every label with the same probability, each of several with one half."""

    def answer(self, truth: str, labels: Sequence[str], dice: Dice) -> str:  # noqa: ARG002 -- they do not look
        return _pick(labels, dice)

    def answer_many(self, truths: Collection[str], labels: Sequence[str], dice: Dice) -> tuple[str, ...]:  # noqa: ARG002 -- they do not look
        return tuple(label for label in labels if dice.random() < 0.5)


@dataclass(frozen=True)
class Constant(Answerer):
    """Always gives the label at `place` (counted round the end of the labels)."""

    place: int = 0

    def answer(self, truth: str, labels: Sequence[str], dice: Dice) -> str:  # noqa: ARG002 -- they do not look
        return labels[self.place % len(labels)]

    def answer_many(self, truths: Collection[str], labels: Sequence[str], dice: Dice) -> tuple[str, ...]:  # noqa: ARG002 -- they do not look
        return (labels[self.place % len(labels)],)


CAREFUL = Honest("careful", 0.95)
AVERAGE = Honest("average", 0.85)
SLOPPY = Honest("sloppy", 0.65)


def assemble(size: int, confused: tuple[str, str] | None = None) -> list[Answerer]:
    """A crowd of `size`: of every 40 two random clickers, one constant and (given a pair) one confused; of the rest a
    third careful, half average, a sixth sloppy.
    """
    crowd: list[Answerer] = []
    for place in range(size):
        crowd.append(_ODD.get(place % 40) or _USUAL[place % 6])
        if place % 40 == 3 and confused is not None:
            crowd[-1] = Confused("confused", 0.9, confused)
    return crowd


_ODD: dict[int, Answerer] = {
    11: RandomClicker("random clicker"),
    17: Constant("constant"),
    29: RandomClicker("random clicker"),
}
_USUAL = (CAREFUL, AVERAGE, AVERAGE, CAREFUL, AVERAGE, SLOPPY)


def _pick(labels: Sequence[str], dice: Dice) -> str:
    return labels[int(dice.random() * len(labels))]
