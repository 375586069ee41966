"""The life of a posted HIT: what it is at a moment, and what its properties may be.

Source: Amazon Mechanical Turk's "HIT" data structure (HITStatus and the three counters) and its limits for HIT types.
"""

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum

from broker.errors import Conflict, Invalid, Problem
from broker.rules.ledger import HIGHEST_REWARD

SHORTEST, LONGEST = 30, 365 * 24 * 3600
"""Seconds that a HIT may be open, or held by one worker."""
LATEST_APPROVAL = 30 * 24 * 3600
MOST_SEATS = 1_000_000
LONGEST_TITLE, LONGEST_DESCRIPTION, LONGEST_KEYWORDS, LONGEST_ANNOTATION = 128, 2000, 1000, 255
OVERRIDE = dt.timedelta(days=30)
"""How long after its submission a rejected answer may still be approved."""
APPEAL = dt.timedelta(days=14)
"""How long after a rejection its worker may appeal."""
KEPT = dt.timedelta(days=120)
"""How long after its end a HIT that nobody disposed of stays."""


class Status(StrEnum):
    """What a posted HIT is."""

    ASSIGNABLE = "Assignable"
    UNASSIGNABLE = "Unassignable"
    REVIEWABLE = "Reviewable"
    REVIEWING = "Reviewing"
    DISPOSED = "Disposed"


class WrongState(Conflict):
    """The HIT is not in a state that allows this; says in which it is."""

    def __init__(self, status: Status, more: str = "") -> None:
        super().__init__(f"This HIT is currently in the state '{status}'{more}.")


@dataclass(frozen=True)
class Standing:
    """The counts of a posted HIT: its seats, those whose workers are at it, and the answers by what became of them."""

    seats: int
    pending: int
    submitted: int
    decided: int
    expires_at: dt.datetime
    reviewing: bool = False
    disposed: bool = False

    @property
    def available(self) -> int:
        """Seats that nobody has taken."""
        return max(0, self.seats - self.pending - self.submitted - self.decided)

    def status(self, now: dt.datetime) -> Status:
        """What the HIT is now: derived, never kept."""
        if self.disposed:
            return Status.DISPOSED
        if now < self.expires_at and self.available:
            return Status.ASSIGNABLE
        if self.pending:
            return Status.UNASSIGNABLE
        return Status.REVIEWING if self.reviewing else Status.REVIEWABLE


@dataclass(frozen=True)
class HitType:
    """The properties that HITs of one type share; `reward` in micro-units, `approval` and `duration` in seconds."""

    title: str
    description: str
    reward: int
    duration: int
    approval: int = LATEST_APPROVAL
    keywords: str = ""

    def check(self) -> None:
        """Raises Invalid naming every property that is out of its range."""
        problems = [
            within("AssignmentDurationInSeconds", self.duration, SHORTEST, LONGEST),
            within("AutoApprovalDelayInSeconds", self.approval, 0, LATEST_APPROVAL),
            within("Reward", self.reward, 0, HIGHEST_REWARD),
            *(within(name, len(text), least, most, "the length of ") for name, text, least, most in self._texts()),
        ]
        refuse([one for one in problems if one])

    def _texts(self) -> tuple[tuple[str, str, int, int], ...]:
        return (
            ("Title", self.title.strip(), 1, LONGEST_TITLE),
            ("Description", self.description.strip(), 1, LONGEST_DESCRIPTION),
            ("Keywords", self.keywords, 0, LONGEST_KEYWORDS),
        )


def within(name: str, value: int, least: int, most: int, what: str = "") -> Problem | None:
    """What is wrong with a number, if anything is."""
    if least <= value <= most:
        return None
    return Problem(f"{what}{name} must be between {least} and {most}, not {value}", column=name)


def refuse(problems: list[Problem]) -> None:
    """Raises Invalid if there are problems."""
    if problems:
        raise Invalid("; ".join(one.message for one in problems), problems=problems)
