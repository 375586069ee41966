"""What money moves when: pure decisions, in integer micro-units of one currency."""

import datetime as dt
import math
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Protocol

from broker.errors import Invalid, Problem

WORLD = "world"
UNIT = 1_000_000
HIGHEST_REWARD = 10_000 * UNIT
HIGHEST_CREDIT = 1_000_000 * UNIT
WORDS = {
    "reward": "Reward",
    "publish": "Set aside",
    "more": "Set aside for more answers",
    "seats": "Set aside",
    "unused": "Returned",
    "forfeit": "Returned",
    "bonus": "Bonus",
    "refund": "Returned",
    "opening": "Opening credit",
    "deposit": "Deposit",
}
"""What transfers are for, by the first word of their reference."""


@dataclass(frozen=True)
class Transfer:
    """An amount (micro-units, more than 0) from one account to another; `ref` makes it happen at most once."""

    source: str
    target: str
    amount: int
    ref: str

    def __post_init__(self) -> None:
        if self.amount <= 0 or self.source == self.target:
            raise Invalid(f"a transfer of {self.amount} from {self.source} to {self.target} makes no sense")


def person(person_id: int) -> str:
    """The account of a person."""
    return f"person:{person_id}"


def escrow(job_id: int) -> str:
    """The account that holds what a job may still cost."""
    return f"escrow:{job_id}"


def job_of(source: str, target: str) -> int | None:
    """The job whose money a transfer moves, if any's."""
    for name in (source, target):
        sort, _, number = name.partition(":")
        if sort == "escrow":
            return int(number)
    return None


def what(ref: str) -> str:
    """What a transfer was for, in words."""
    return WORDS.get(ref.partition(":")[0], "Transfer")


def hourly(reward: int, seconds: float | None) -> int | None:
    """What an hour brings at this reward for so many seconds, in micro-units; unknown where the time is."""
    return round(reward * 3600 / seconds) if seconds else None


def parse_reward(text: str) -> int:
    """Micro-units of an amount such as "0.02". Raises Invalid for anything but a number from 0 to 10,000."""
    return _parsed(text, "reward", HIGHEST_REWARD)


def parse_budget(text: str) -> int:
    """Micro-units of an amount such as "25". Raises Invalid for anything but a number from 0 to 1,000,000."""
    return _parsed(text, "budget", HIGHEST_CREDIT)


def _parsed(text: str, name: str, highest: int) -> int:
    value = _amount(text)
    if value is None:
        raise Invalid(f"{name}: {text[:40]!r} is not an amount; write it like 0.02")
    if not value.is_finite() or not 0 <= value <= highest // UNIT:
        raise Invalid(f"{name}: {text[:40]} is not within 0 and {highest // UNIT}")
    if value * UNIT % 1:
        raise Invalid(f"{name}: {text[:40]} has more than six decimals")
    return int(value * UNIT)


def _amount(text: str) -> Decimal | None:
    # Decimal() takes digits of other scripts and underscores too: what looks like another amount must not be one.
    try:
        return Decimal(text.strip()) if text.isascii() and "_" not in text else None
    except InvalidOperation:
        return None


def parse_credit(text: str) -> int:
    """Micro-units of an amount such as "100". Raises Invalid for anything but more than 0 and up to a million."""
    value = _amount(text)
    if value is None:
        raise _bad_credit(f"{text[:40]!r} is not an amount; write it like 100 or 12.50")
    if not value.is_finite() or not 0 < value <= HIGHEST_CREDIT // UNIT:
        raise _bad_credit(f"{text[:40]} is not more than 0 and at most {HIGHEST_CREDIT // UNIT:,}")
    if value * UNIT % 1:
        raise _bad_credit(f"{text[:40]} has more than six decimals")
    return int(value * UNIT)


def _bad_credit(message: str) -> Invalid:
    return Invalid(f"amount: {message}", problems=[Problem(message, column="amount")])


def gold_answers(hits: int, redundancy: int, gold_percent: int) -> int:
    """The most gold answers a job pays for: twice the share asked for, since newcomers see gold more often."""
    return math.ceil(2 * hits * redundancy * gold_percent / 100)


def most(hits: int, redundancy: int, gold_percent: int, reward: int) -> int:
    """The most a job can cost, in micro-units: what publishing sets aside."""
    return (hits * redundancy + gold_answers(hits, redundancy, gold_percent)) * reward


class Movement(Protocol):
    """A transfer that was made."""

    source: str
    target: str
    amount: int
    ref: str
    at: dt.datetime


@dataclass(frozen=True)
class Line:
    """A movement as the owner of an account reads it: more than 0 came in, less went out."""

    text: str
    amount: int
    at: dt.datetime
    job_id: int | None


def line(made: Movement, account: str) -> Line:
    """The line that a movement is in the statement of this account."""
    comes_in = made.target == account
    other = made.source if comes_in else made.target
    sort, _, number = other.partition(":")
    job_id = int(number) if sort == "escrow" else None
    if made.ref.startswith("bonus:"):
        text = "Bonus" if comes_in else "Bonus to a worker"
    elif job_id is None:
        text = "Credit added" if comes_in else "Paid out"
    elif comes_in:
        text = "Reward" if made.ref.startswith("reward:") else "Returned from a job"
    else:
        text = "Set aside for a job"
    return Line(text, made.amount if comes_in else -made.amount, made.at, job_id)


def fund(job_id: int, requester_id: int, amount: int, ref: str) -> list[Transfer]:
    """Set money aside for a job; nothing moves for an unpaid one."""
    return [Transfer(person(requester_id), escrow(job_id), amount, ref)] if amount else []


def pay(job_id: int, worker_id: int, assignment_id: int, reward: int) -> list[Transfer]:
    """Pay a worker for an approved assignment, once."""
    return [Transfer(escrow(job_id), person(worker_id), reward, f"reward:{assignment_id}")] if reward else []


def refund(job_id: int, requester_id: int, rest: int, ref: str) -> list[Transfer]:
    """Give back what an ended job did not cost."""
    return [Transfer(escrow(job_id), person(requester_id), rest, ref)] if rest else []


def carry(source: int, target: int, amount: int, ref: str) -> list[Transfer]:
    """Money set aside for one job becomes another's, with the work it is for."""
    return [Transfer(escrow(source), escrow(target), amount, ref)] if amount else []


def bonus(requester_id: int, worker_id: int, amount: int, bonus_id: int) -> list[Transfer]:
    """What a requester gives a worker on top, once."""
    return [Transfer(person(requester_id), person(worker_id), amount, f"bonus:{bonus_id}")]


def deposit(person_id: int, amount: int, ref: str) -> list[Transfer]:
    """Money that comes in from outside."""
    return [Transfer(WORLD, person(person_id), amount, ref)] if amount else []
