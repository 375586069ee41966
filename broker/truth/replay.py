"""Replay answers one at a time through the judgement that the server uses: what would a plan have cost and found?"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from broker.truth.adaptive import Judgement, fit, judge
from broker.truth.answers import UNKNOWN, Answers, Codes, Floats, gold_codes
from broker.truth.calibration import calibration_error, log_loss, reliability
from broker.truth.consensus import Consensus
from broker.truth.stopping import Rule

AT_HAND = 3
"""Workers among whom the most informative gets an uncertain item: those who ask for work at about the same time."""
GOLD_SHARE = 0.05
"""The most that gold items take of all answers: what a job asks for unless its requester says otherwise."""
EARLY = 3
"""Answers that a gold item may get in the first round: newcomers see gold more often."""


Step = Callable[[Answers, Codes, NDArray[np.bool_]], tuple[Consensus, Judgement]]
"""From the answers so far, the gold, and which items may still get an answer, to what is found and wanted."""


def by_rule(rule: Rule, model: str = "dawid-skene") -> Step:
    """The step of the server: fit the model, judge by the rule. Raises Invalid for an impossible rule."""
    rule.check()

    def step(answers: Answers, gold: Codes, possible: NDArray[np.bool_]) -> tuple[Consensus, Judgement]:
        found = fit(answers, gold, model)
        return found, judge(answers, found, gold, rule, possible)

    return step


@dataclass(frozen=True, eq=False, slots=True)
class Replayed:
    """The answers that were asked for, and what was found in them; `rounds` of one answer for each open item."""

    answers: Answers
    consensus: Consensus
    judgement: Judgement
    rounds: int


@dataclass(frozen=True)
class Score:
    """How good a replay was, on items with a truth that is not gold.

    `per_item`: mean answers of all items; `share`: of the recorded answers; `accuracy`, `calibration_error`: 0..1;
    `log_loss` in nats; `undecided`: share of the scored items.
    """

    per_item: float
    share: float
    accuracy: float
    calibration_error: float
    log_loss: float
    undecided: float


def replay(
    answers: Answers,
    step: Step,
    dice: np.random.Generator,
    gold: ArrayLike | None = None,
    *,
    at_hand: int = AT_HAND,
    gold_share: float = GOLD_SHARE,
) -> Replayed:
    """Let recorded answers come in random order, an item's next one when the step wants one, until it wants none.

    A round gives every item that wants one an answer: of the next `at_hand` recorded for it, from workers who are not
    passed over, the most informative worker's. Then everything is fitted and judged anew, as an errand of the server
    does; an item that was sure may become unsure again. Gold items get answers as long as these are at most
    `gold_share` of all. Raises Invalid for impossible gold.
    """
    truths = gold_codes(gold, answers)
    pool = _Pool.shuffled(answers, dice, truths != UNKNOWN, at_hand)
    pool.take(~pool.gold)
    pool.take_gold(gold_share, EARLY)
    rounds = 0
    while True:
        rounds += 1
        so_far = pool.asked.subset(pool.seen)
        found, judgement = step(so_far, truths, pool.possible())
        pool.passed_over, pool.told = judgement.passed_over, judgement.told
        if not pool.take(judgement.decision.wanted & ~pool.gold):
            return Replayed(so_far, found, judgement, rounds)
        pool.take_gold(gold_share)


@dataclass(eq=False)
class _Pool:
    """Recorded answers in the order in which they may come, which of them came, and what is known of the workers."""

    asked: Answers
    gold: NDArray[np.bool_]
    seen: NDArray[np.bool_]
    passed_over: NDArray[np.bool_]
    told: Floats
    at_hand: int

    @classmethod
    def shuffled(cls, answers: Answers, dice: np.random.Generator, gold: NDArray[np.bool_], at_hand: int) -> Self:
        order = np.lexsort((dice.random(len(answers)), answers.item))
        columns = (answers.item[order], answers.worker[order], answers.label[order])
        asked = Answers(*columns, answers.n_items, answers.n_workers, answers.n_classes)
        seen = np.zeros(len(answers), dtype=np.bool_)
        nobody = np.zeros(answers.n_workers, dtype=np.bool_)
        return cls(asked, gold, seen, nobody, np.zeros(answers.n_workers), at_hand)

    def possible(self) -> NDArray[np.bool_]:
        """Which items have answers left of workers who may give them."""
        left = ~self.seen & ~self.passed_over[self.asked.worker]
        return np.bincount(self.asked.item[left], minlength=self.asked.n_items) > 0

    def take(self, items: NDArray[np.bool_]) -> int:
        """Let one answer come for each of these items that has one left; how many came."""
        rows = self._next(items)
        self.seen[rows] = True
        return len(rows)

    def take_gold(self, share: float, times: int = 1) -> None:
        """Let answers come for each gold item, those with the fewest first, as far as their share reaches."""
        for _ in range(times if self.gold.any() else 0):
            given = np.bincount(self.asked.item[self.seen], minlength=self.asked.n_items)
            room = int(share * given[~self.gold].sum() / (1.0 - share)) - int(given[self.gold].sum())
            rows = self._next(self.gold)
            self.seen[rows[np.argsort(given[self.asked.item[rows]], kind="stable")[: max(room, 0)]]] = True

    def _next(self, items: NDArray[np.bool_]) -> NDArray[np.int64]:
        rows = np.flatnonzero(~self.seen & items[self.asked.item] & ~self.passed_over[self.asked.worker])
        near = rows[_places(self.asked.item[rows]) < self.at_hand]
        item = self.asked.item[near]
        best = np.lexsort((-self.told[self.asked.worker[near]], item))
        chosen: NDArray[np.int64] = near[best][np.diff(item[best], prepend=-1) != 0]
        return chosen


def _places(item: Codes) -> NDArray[np.int64]:
    """Which of its item's rows each row is, from 0; rows of an item are neighbours."""
    first = np.flatnonzero(np.diff(item, prepend=-1))
    return np.arange(len(item)) - np.repeat(first, np.diff(first, append=len(item)))


def some_gold(truth: Codes, share: float, dice: np.random.Generator) -> Codes:
    """The truth of a random share of the items whose truth is known (rounded down), UNKNOWN elsewhere."""
    known = np.flatnonzero(truth != UNKNOWN)
    gold = np.full_like(truth, UNKNOWN)
    chosen = dice.permutation(known)[: int(share * len(known))]
    gold[chosen] = truth[chosen]
    return gold


def score(found: Replayed, recorded: Answers, truth: Codes, gold: ArrayLike | None = None) -> Score:
    """Compare a replay with the truth (n_items label codes, UNKNOWN where not known); gold items do not count."""
    judged = (truth != UNKNOWN) & (gold_codes(gold, recorded) == UNKNOWN)
    right = (found.consensus.labels == truth)[judged]
    confidence = found.judgement.confidence[judged]
    return Score(
        per_item=len(found.answers) / max(recorded.n_items, 1),
        share=len(found.answers) / max(len(recorded), 1),
        accuracy=float(right.mean()) if right.size else 0.0,
        calibration_error=calibration_error(reliability(confidence, right)),
        log_loss=log_loss(confidence, right),
        undecided=float(found.judgement.decision.undecided[judged].mean()) if right.size else 0.0,
    )
