"""When an item has answers enough: the honest stop of an adaptive plan."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from broker.errors import Invalid, Problem
from broker.truth.answers import Floats
from broker.truth.evidence import Evidence

MISTRUST = 0.3
"""The weight of the visible votes beside the model in the honest stop."""
SURE = 0.87
"""The shipped threshold of the honest stop; one value for all sets, see docs/statistics.md."""
UNLIMITED = 1_000_000
MORE_LIKELY_WRONG = 0.5


@dataclass(frozen=True)
class Rule:
    """When to ask on: each item gets at least `least` and at most `most` answers, and between them one more while its
    score is below `sure`; all items together get at most `budget` answers, if there is one.
    """

    least: int = 1
    most: int = UNLIMITED
    sure: float = SURE
    budget: int | None = None

    @classmethod
    def fixed(cls, answers: int) -> Self:
        """The same number of answers for every item."""
        return cls(least=answers, most=answers, sure=1.0)

    @property
    def adaptive(self) -> bool:
        """Whether the number of answers depends on what they say."""
        return self.most > self.least

    def check(self) -> None:
        """Raises Invalid naming every figure that cannot be."""
        problems = [
            Problem(message, column=column)
            for bad, column, message in (
                (self.least < 1, "least", f"{self.least} is less than 1 answer"),
                (self.most < self.least, "most", f"{self.most} is less than the least, {self.least}"),
                (not 0.0 < self.sure <= 1.0, "sure", f"{self.sure} is not within 0 and 1"),
                (self.budget is not None and self.budget < 0, "budget", f"{self.budget} is less than 0"),
            )
            if bad
        ]
        if problems:
            raise Invalid("; ".join(map(str, problems)), problems=problems)


@dataclass(frozen=True, eq=False, slots=True)
class Decision:
    """A value per item: its `score`; whether it is `closed` because it is sure, or wants one more answer (`wanted`);
    whether it got all it may get without becoming sure (`undecided`).
    """

    score: Floats
    closed: NDArray[np.bool_]
    wanted: NDArray[np.bool_]
    undecided: NDArray[np.bool_]

    @property
    def next(self) -> NDArray[np.int64]:
        """The codes of the items wanted, the least sure first, ties by code."""
        places = np.flatnonzero(self.wanted)
        return places[np.argsort(self.score[places], kind="stable")]


def honest(found: Evidence, mistrust: float = MISTRUST) -> Floats:
    """The score of the honest stop: (1 - m) belief + m (votes + 1 / K) / (n + 1).

    The second part is what a stranger sees who trusts nobody. It keeps an item open on one trusted worker's word, and
    where the model overrules most of those who answered.
    """
    score: Floats = (1.0 - mistrust) * found.belief + mistrust * found.share
    return score


def decide(score: Floats, given: Floats, rule: Rule, possible: NDArray[np.bool_]) -> Decision:
    """Which items close, which want one more answer, which cannot be decided.

    Per item: its `score`, the answers `given`, and whether it is `possible` that it gets another. Where the budget does
    not reach for all that want one, the least sure come first, ties by code. An item is undecided when it is below
    `sure` and gets no more, whether by `most`, the budget, or for want of workers; a fixed plan promises nothing, so
    there an item is undecided when its label is more likely wrong than right.
    """
    enough = (given >= rule.least) & (score >= rule.sure) & rule.adaptive
    wanted = (given < rule.most) & possible & ~enough
    if rule.budget is not None:
        wanted = _within(wanted, score, rule.budget - int(given.sum()))
    unsure = ~enough if rule.adaptive else score < MORE_LIKELY_WRONG
    return Decision(score, enough, wanted, unsure & ~wanted)


def _within(wanted: NDArray[np.bool_], score: Floats, left: int) -> NDArray[np.bool_]:
    """The `left` least sure of those wanted."""
    places = np.flatnonzero(wanted)
    kept = np.zeros_like(wanted)
    kept[places[np.argsort(score[places], kind="stable")[: max(left, 0)]]] = True
    return kept
