"""What a plan would find and cost, before money is spent: a simulated crowd replayed through the plan itself."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from broker.errors import Invalid, Problem
from broker.truth.answers import Answers, Codes, Floats
from broker.truth.dawid_skene import dawid_skene
from broker.truth.replay import by_rule, replay, score
from broker.truth.stopping import Rule

MOST_CLASSES = 100
FIXED = (1, 3, 5, 7)
HARD_SHARE = 0.15
"""The share of hard items, on which workers are half as far above chance: real errors come together."""
SPREAD = 8.0
"""Workers' accuracies are spread like Beta(SPREAD a, SPREAD (1 - a)): a few careless ones in each crowd."""
ITEMS, ANSWERS_EACH = 400, 15


@dataclass(frozen=True)
class Crowd:
    """Who may answer: `accuracy` on average, or the confusion `tables` (workers x truth x answer) and class `shares`
    that pilot answers showed.
    """

    n_classes: int
    accuracy: float
    tables: Floats | None = None
    shares: Floats | None = None

    def check(self) -> None:
        """Raises Invalid naming the figure that cannot be."""
        problems = []
        if not 2 <= self.n_classes <= MOST_CLASSES:
            problems.append(Problem(f"{self.n_classes} is not within 2 and {MOST_CLASSES}", column="classes"))
        elif not 1 / self.n_classes < self.accuracy < 1:
            low = f"chance ({1 / self.n_classes:.3g})"
            problems.append(Problem(f"{self.accuracy} is not between {low} and 1", column="accuracy"))
        if problems:
            raise Invalid("; ".join(map(str, problems)), problems=problems)


@dataclass(frozen=True)
class Forecast:
    """What to expect of a plan: mean answers per item, share of right labels, share of items left undecided."""

    name: str
    rule: Rule
    per_item: float
    accuracy: float
    undecided: float

    def cost(self, items: int, reward: float) -> float:
        """What so many items cost at this reward per answer."""
        return items * self.per_item * reward


def of_pilot(answers: Answers, gold: ArrayLike | None = None) -> Crowd:
    """The crowd behind pilot answers, as Dawid-Skene sees it; raises Invalid where there are too few classes."""
    found = dawid_skene(answers, gold)
    active = np.flatnonzero(answers.per_worker())
    if found.confusions is None or not len(active):
        raise Invalid("the pilot has no answers")
    tables = np.stack([found.confusions.of(int(worker)) for worker in active])
    mean = float((found.priors * tables.mean(axis=0).diagonal()).sum())
    return Crowd(answers.n_classes, mean, tables, found.priors)


def forecast(crowd: Crowd, adaptive: Rule | None = None, seed: int = 1) -> tuple[Forecast, ...]:
    """Fixed plans of 1, 3, 5 and 7 answers and an adaptive one, replayed on the same simulated answers.

    The same seed gives the same figures. Raises Invalid for a crowd or rule that cannot be.
    """
    crowd.check()
    rule = adaptive or Rule(most=max(FIXED))
    answers, truth = _simulated(crowd, np.random.default_rng(seed))
    plans = [(f"fixed:{n}", Rule.fixed(n)) for n in FIXED] + [("adaptive", rule)]
    return tuple(_forecast(name, plan, answers, truth, seed) for name, plan in plans)


@lru_cache(maxsize=256)
def usual(n_classes: int, accuracy: float, rule: Rule) -> tuple[Forecast, ...]:
    """The same for a crowd of this accuracy, kept: a page asks again and again."""
    return forecast(Crowd(n_classes, accuracy), rule)


def _forecast(name: str, rule: Rule, answers: Answers, truth: Codes, seed: int) -> Forecast:
    found = score(replay(answers, by_rule(rule), np.random.default_rng(seed)), answers, truth)
    return Forecast(name, rule, found.per_item, found.accuracy, found.undecided)


def _simulated(crowd: Crowd, dice: np.random.Generator) -> tuple[Answers, Codes]:
    """ITEMS items with ANSWERS_EACH recorded answers, by workers of whom each meets about an eighth of the items."""
    shares = crowd.shares if crowd.shares is not None else np.full(crowd.n_classes, 1 / crowd.n_classes)
    truth = dice.choice(crowd.n_classes, size=ITEMS, p=shares / shares.sum()).astype(np.int32)
    tables = _tables(crowd, 8 * ANSWERS_EACH, dice)
    item = np.repeat(np.arange(ITEMS), ANSWERS_EACH)
    worker = np.argsort(dice.random((ITEMS, len(tables))), axis=1)[:, :ANSWERS_EACH].ravel()
    chances = tables[worker, truth[item]]
    if crowd.tables is None:
        hard = (dice.random(ITEMS) < HARD_SHARE)[item]
        chances[hard] = 0.5 * chances[hard] + 0.5 / crowd.n_classes
    label = _drawn(chances, dice)
    sizes = {"n_items": ITEMS, "n_workers": len(tables), "n_classes": crowd.n_classes}
    return Answers.from_codes(item, worker, label, **sizes), truth


def _tables(crowd: Crowd, size: int, dice: np.random.Generator) -> Floats:
    if crowd.tables is not None:
        drawn: Floats = crowd.tables[dice.integers(len(crowd.tables), size=size)]
        return drawn
    chance = 1 / crowd.n_classes
    # Such that the mean over easy and hard items is the accuracy that was asked for.
    easy = min(chance + (crowd.accuracy - chance) / (1 - HARD_SHARE / 2), 0.99)
    skill = dice.beta(SPREAD * easy, SPREAD * (1 - easy), size=size)
    tables = np.repeat(((1 - skill) / (crowd.n_classes - 1))[:, None], crowd.n_classes**2, axis=1)
    tables = tables.reshape(size, crowd.n_classes, crowd.n_classes)
    tables[:, np.arange(crowd.n_classes), np.arange(crowd.n_classes)] = skill[:, None]
    return tables


def _drawn(chances: Floats, dice: np.random.Generator) -> NDArray[np.int64]:
    """A label per row of probabilities."""
    below = chances.cumsum(axis=1)[:, :-1]
    drawn: NDArray[np.int64] = (dice.random(len(chances))[:, None] > below).sum(axis=1)
    return drawn
