"""Scoring of a qualification test by an AnswerKey: points for exact sets of selections, mapped to a value.

Contract: the AnswerKey data structure of MTurk's API reference.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

LARGEST = 2**31 - 1
"""A qualification's value is a 32-bit integer."""


@dataclass(frozen=True)
class Question:
    """What answers to one question are worth: the points of each set of selections, and of all others."""

    id: str
    options: tuple[tuple[frozenset[str], int], ...]
    default: int = 0

    def score(self, selected: frozenset[str]) -> int:
        """The points for exactly these selections; the first option that names them counts."""
        return next((points for wanted, points in self.options if wanted == selected), self.default)


@dataclass(frozen=True)
class Percentage:
    """The sum as a percentage of the most points that there are, to the nearest integer."""

    most: int

    def value(self, score: int) -> int:
        """The qualification's value."""
        return _nearest(Fraction(100 * score, self.most))


@dataclass(frozen=True)
class Scale:
    """The sum times a factor, to the nearest integer."""

    factor: Fraction

    def value(self, score: int) -> int:
        """The qualification's value."""
        return _nearest(score * self.factor)


@dataclass(frozen=True)
class Ranges:
    """A value for each range (low, high, value) of sums, both ends included, and one for all other sums."""

    ranges: tuple[tuple[int, int, int], ...]
    otherwise: int

    def value(self, score: int) -> int:
        """The qualification's value."""
        return next((value for low, high, value in self.ranges if low <= score <= high), self.otherwise)


@dataclass(frozen=True)
class AnswerKey:
    """The key of a test; without a mapping the sum of the points is the value."""

    questions: tuple[Question, ...]
    mapping: Percentage | Scale | Ranges | None = None

    def score(self, answers: Mapping[str, frozenset[str]]) -> int:
        """The qualification's value for these selections by question; a question left out has none selected."""
        points = sum(one.score(answers.get(one.id, frozenset())) for one in self.questions)
        value = self.mapping.value(points) if self.mapping else points
        return max(-LARGEST, min(LARGEST, value))


def _nearest(number: Fraction) -> int:
    """The nearest integer, halves away from zero, as people round."""
    whole = math.floor(abs(number) + Fraction(1, 2))
    return whole if number >= 0 else -whole
