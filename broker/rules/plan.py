"""The limits of a job's plan: how many answers, how much gold, how long, for how much; when a HIT has enough."""

from dataclasses import dataclass

from broker.errors import Invalid, Problem
from broker.rules import lease, ledger

MOST_ANSWERS = 100
MOST_GOLD_PERCENT = 50
LEAST_SURE, MOST_SURE = 0.5, 0.999


@dataclass(frozen=True)
class Plan:
    """What a requester sets: answers per HIT, gold share in percent, micro-units per answer, seconds per lease.

    An adaptive plan asks for up to `most` answers while the honest stop's score is below `sure`, and as long as its
    `budget` (micro-units; 0: no limit) reaches, which the least sure items get first; `most` 0 is a fixed plan.
    """

    redundancy: int
    gold_percent: int
    reward: int
    lease_seconds: int
    most: int = 0
    sure: float = 0.87
    budget: int = 0

    @property
    def top(self) -> int:
        """The most answers that a HIT can get."""
        return max(self.redundancy, self.most)

    def check(self) -> None:
        """Raises Invalid naming every field that is out of its range."""
        ranges: dict[str, tuple[float, float, float, str]] = {
            "redundancy": (self.redundancy, 1, MOST_ANSWERS, "answers"),
            "gold_percent": (self.gold_percent, 0, MOST_GOLD_PERCENT, "percent"),
            "lease_seconds": (self.lease_seconds, lease.SHORTEST, lease.LONGEST, "seconds"),
            "reward": (self.reward, 0, ledger.HIGHEST_REWARD, "micro-units"),
            "budget": (self.budget, 0, ledger.HIGHEST_CREDIT, "micro-units"),
            "sure": (self.sure, LEAST_SURE, MOST_SURE, "(a share of 1)"),
        }
        if self.most:
            ranges["most"] = (self.most, self.redundancy + 1, MOST_ANSWERS, "answers, or 0")
        problems = [
            Problem(f"{value} is not within {least} and {most} {unit}", column=field)
            for field, (value, least, most, unit) in ranges.items()
            if not least <= value <= most
        ]
        if self.budget and not (self.most and self.reward):
            words = (
                "is for paid answers and plans that ask on where answers disagree: set both first, or leave it empty"
            )
            problems.append(Problem(words, column="budget"))
        if problems:
            raise Invalid("; ".join(map(str, problems)), problems=problems)
