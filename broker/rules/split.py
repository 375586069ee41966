"""Shares of the data for training, validation and test: drawn by a seed, the same mixture of labels in each."""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from math import gcd
from typing import Any, Self

from broker.errors import Invalid, Problem

NAMES = ("train", "validation", "test")
WHOLE = 100
MOST_SEED = 2**31 - 1
SHORT = 20


@dataclass(frozen=True)
class Split:
    """Three shares in percent, which sum to 100, and the seed of the draw."""

    shares: tuple[int, int, int]
    seed: int

    @classmethod
    def of(cls, train: str, validation: str, test: str, seed: str) -> Self:
        """The split as people type it. Raises Invalid naming every field."""
        typed = {"train": train, "validation": validation, "test": test, "seed": seed}
        wrong = [name for name, text in typed.items() if not _whole(text, MOST_SEED if name == "seed" else WHOLE)]
        problems = [Problem(f"{typed[name][:20]!r} is no whole number that fits here", column=name) for name in wrong]
        if not wrong and sum(int(typed[name]) for name in NAMES) != WHOLE:
            total = sum(int(typed[name]) for name in NAMES)
            problems = [Problem(f"the shares sum to {total}, not to {WHOLE}", column="train")]
        if problems:
            raise Invalid("; ".join(map(str, problems)), problems=problems)
        return cls((int(train), int(validation), int(test)), int(seed))

    @classmethod
    def read(cls, text: str) -> Self | None:
        """The split that `text` writes; None for the empty text."""
        if not text:
            return None
        shares, _, seed = text.partition("@")
        train, validation, test = shares.split("/")
        return cls((int(train), int(validation), int(test)), int(seed))

    @property
    def text(self) -> str:
        """The split in short, such as 80/10/10@7."""
        return f"{'/'.join(map(str, self.shares))}@{self.seed}"

    def draw(self) -> "Draw":
        """The draw from its beginning: the same items in the same order get the same shares."""
        return Draw(self)


class Draw:
    """Gives one item after the other to a share. In each stratum, every block of 100 / gcd(shares) items is exact."""

    def __init__(self, split: Split) -> None:
        unit = reduce(gcd, split.shares)
        self._block = [name for name, share in zip(NAMES, split.shares, strict=True) for _ in range(share // unit)]
        self._seed = split.seed
        self._waiting: dict[str, list[str]] = {}
        self._blocks: dict[str, int] = {}

    def next(self, stratum: str) -> str:
        """The share of the next item of a stratum."""
        waiting = self._waiting.setdefault(stratum, [])
        if not waiting:
            number = self._blocks[stratum] = self._blocks.get(stratum, 0) + 1
            waiting.extend(self._block)
            # A text as seed is hashed, so that neighbouring seeds and strata are drawn independently.
            random.Random(f"{self._seed}:{stratum}:{number}").shuffle(waiting)  # noqa: S311 - a draw that can be repeated
        return waiting.pop()


def stratum(answer: Any, labels: Sequence[str]) -> str:
    """What an item is counted as: the labels that occur in its answer's JSON; without labels a short lone value."""
    values = list(_leaves(answer))
    if labels:
        return "|".join(sorted({one for one in values if isinstance(one, str) and one in labels}))
    return str(values[0]) if len(values) == 1 and len(str(values[0])) <= SHORT else ""


def _leaves(node: Any) -> Iterator[Any]:
    if isinstance(node, Mapping):
        for one in node.values():
            yield from _leaves(one)
    elif isinstance(node, list | tuple):
        for one in node:
            yield from _leaves(one)
    elif node is not None:
        yield node


def _whole(text: str, most: int) -> bool:
    stripped = text.strip()
    return stripped.isascii() and stripped.isdigit() and len(stripped) <= 10 and int(stripped) <= most
