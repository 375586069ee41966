"""Who may work on what: requirements of a job against a worker's qualifications, and leniency about system ones.

Comparators and guarded actions are those of MTurk's QualificationRequirement; a qualification that a worker lacks
fails every comparator but DoesNotExist.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Any

from broker.errors import Invalid, Problem

MOST_REQUIREMENTS, MOST_INTEGERS, MOST_LOCALES = 10, 15, 30
WHOLE = 100
"""Percent of an untried worker's answers that count as approved."""


class Comparator(StrEnum):
    """How a worker's value is compared with those of the requirement."""

    LESS = "LessThan"
    AT_MOST = "LessThanOrEqualTo"
    MORE = "GreaterThan"
    AT_LEAST = "GreaterThanOrEqualTo"
    EQUAL = "EqualTo"
    NOT_EQUAL = "NotEqualTo"
    EXISTS = "Exists"
    MISSING = "DoesNotExist"
    IN = "In"
    NOT_IN = "NotIn"


class Guard(StrEnum):
    """What a worker who does not meet the requirement may not do; each includes the one before it."""

    ACCEPT = "Accept"
    PREVIEW = "PreviewAndAccept"
    DISCOVER = "DiscoverPreviewAndAccept"


class Act(IntEnum):
    """What a worker wants to do with a job, the least guarded last."""

    DISCOVER = 0
    PREVIEW = 1
    ACCEPT = 2


_FREE: dict[Guard, int] = {Guard.ACCEPT: Act.ACCEPT, Guard.PREVIEW: Act.PREVIEW, Guard.DISCOVER: Act.DISCOVER}
"""The first act that each guard forbids."""


class System(StrEnum):
    """MTurk's system qualifications, by the ids that its clients send."""

    SUBMITTED = "00000000000000000000"
    NUMBER_APPROVED = "00000000000000000040"
    ADULT = "00000000000000000060"
    ABANDONED = "00000000000000000070"
    LOCALE = "00000000000000000071"
    RETURNED = "000000000000000000E0"
    APPROVED = "000000000000000000L0"
    REJECTED = "000000000000000000S0"
    MASTERS = "2F1QJWKUDD8XADTFD2Q0G6UTO95ALH"
    SANDBOX_MASTERS = "2ARFPLSP75KLA8M8DH1HTEQVJT3SY6"


SYSTEM = frozenset(System)
NAMES: dict[str, str] = {
    System.SUBMITTED: "HIT submission rate (%)",
    System.NUMBER_APPROVED: "Answers approved",
    System.ADULT: "Adult content",
    System.ABANDONED: "HIT abandonment rate (%)",
    System.LOCALE: "Location",
    System.RETURNED: "HIT return rate (%)",
    System.APPROVED: "Approval rate (%)",
    System.REJECTED: "Rejection rate (%)",
    System.MASTERS: "Masters",
    System.SANDBOX_MASTERS: "Masters (sandbox)",
}
_MASTERS = (System.MASTERS, System.SANDBOX_MASTERS)
_LOWER_BOUNDS = (Comparator.MORE, Comparator.AT_LEAST, Comparator.EXISTS)


@dataclass(frozen=True)
class Locale:
    """A country (ISO 3166-1, two letters) and a part of it (ISO 3166-2 without the country), or all of it."""

    country: str
    subdivision: str = ""

    def __str__(self) -> str:
        return f"{self.country}-{self.subdivision}" if self.subdivision else self.country

    def holds(self, place: "Locale") -> bool:
        """Whether the place lies in it: a country holds all its parts."""
        return self.country == place.country and self.subdivision in ("", place.subdivision)


@dataclass(frozen=True)
class Requirement:
    """What a job asks of a worker's qualification; `type` is the public id of its type, or a System's."""

    type: str
    comparator: Comparator
    integers: tuple[int, ...] = ()
    locales: tuple[Locale, ...] = ()
    guard: Guard = Guard.ACCEPT


Value = int | Locale


def dump(one: Requirement) -> dict[str, Any]:
    """The requirement as the Requester API writes it."""
    locales = [
        {"Country": place.country, **({"Subdivision": place.subdivision} if place.subdivision else {})}
        for place in one.locales
    ]
    return {
        "QualificationTypeId": one.type,
        "Comparator": one.comparator.value,
        **({"IntegerValues": list(one.integers)} if one.integers else {}),
        **({"LocaleValues": locales} if locales else {}),
        "RequiredToPreview": one.guard != Guard.ACCEPT,
        "ActionsGuarded": one.guard.value,
    }


def parse(told: Mapping[str, Any]) -> Requirement:
    """The requirement from the Requester API's JSON, whose shape was looked at already.

    RequiredToPreview is the older way to say PreviewAndAccept; ActionsGuarded counts where both are said.
    """
    older = Guard.PREVIEW if told.get("RequiredToPreview") else Guard.ACCEPT
    return Requirement(
        told["QualificationTypeId"],
        Comparator(told["Comparator"]),
        tuple(told.get("IntegerValues") or ()),
        tuple(_locale(one) for one in told.get("LocaleValues") or ()),
        Guard(told.get("ActionsGuarded") or older),
    )


def _locale(told: Mapping[str, Any]) -> Locale:
    """The place, in the capitals that profiles are kept in: nobody would live in "us"."""
    return Locale(told["Country"].upper(), (told.get("Subdivision") or "").upper())


def _within(locales: Sequence[Locale], value: Value) -> bool:
    return isinstance(value, Locale) and any(one.holds(value) for one in locales)


_ONE: dict[Comparator, Callable[[int, int], bool]] = {
    Comparator.LESS: lambda value, bound: value < bound,
    Comparator.AT_MOST: lambda value, bound: value <= bound,
    Comparator.MORE: lambda value, bound: value > bound,
    Comparator.AT_LEAST: lambda value, bound: value >= bound,
}
_AMONG, _NOT_AMONG = (Comparator.EQUAL, Comparator.IN), (Comparator.NOT_EQUAL, Comparator.NOT_IN)
_BARE = (Comparator.EXISTS, Comparator.MISSING)


def met(requirement: Requirement, value: Value | None) -> bool:
    """Whether a worker with this value (None: without the qualification) meets the requirement."""
    how = requirement.comparator
    if value is None or how in _BARE:
        return (value is None) == (how == Comparator.MISSING)
    if how in _ONE:
        return isinstance(value, int) and len(requirement.integers) == 1 and _ONE[how](value, requirement.integers[0])
    found = _within(requirement.locales, value) if requirement.locales else value in requirement.integers
    return found if how in _AMONG else not found


def check(requirements: Sequence[Requirement], types: Collection[str]) -> None:
    """Raises Invalid naming each requirement that cannot be; `types` are the qualification types that exist."""
    problems = [
        Problem(f"{one.type}: {fault}", row=place, column="requirement")
        for place, one in enumerate(requirements, 1)
        if (fault := _fault(one, types))
    ]
    if len(requirements) > MOST_REQUIREMENTS:
        many = f"{len(requirements)} are more than the {MOST_REQUIREMENTS} requirements that a job may have"
        problems.append(Problem(many, column="requirement"))
    if problems:
        raise Invalid("; ".join(map(str, problems)), problems=problems)


def _fault(one: Requirement, types: Collection[str]) -> str:
    if one.type not in SYSTEM and one.type not in types:
        return "there is no such qualification type"
    if one.locales and one.type != System.LOCALE:
        return "only a location is compared with locales"
    if one.type == System.LOCALE and one.integers:
        return "a location is compared with locales, not with numbers"
    return _count_fault(one)


def _count_fault(one: Requirement) -> str:
    values, how = len(one.integers) + len(one.locales), one.comparator
    if how in _BARE:
        return f"{how} takes no value" if values else ""
    if one.type == System.LOCALE and how in _ONE:
        return f"{how} cannot compare locales"
    if how in (Comparator.IN, Comparator.NOT_IN):
        most = MOST_LOCALES if one.locales else MOST_INTEGERS
        return "" if 1 <= values <= most else f"{how} takes 1 to {most} values, not {values}"
    return "" if values == 1 else f"{how} takes one value, not {values}"


@dataclass(frozen=True)
class Standing:
    """A worker as the system qualifications see them: how many turns ended how, where they live, what they chose."""

    approved: int = 0
    rejected: int = 0
    waiting: int = 0
    """Submitted and not yet decided."""
    returned: int = 0
    abandoned: int = 0
    locale: Locale | None = None
    adult: bool = False
    """They agreed to be shown adult content."""


@dataclass(frozen=True)
class Leniency:
    """How much is asked of newcomers. With `lenient`, requirements that nobody here could ever have met are waived:
    Masters, a number of approved answers, a location that the worker never gave (unless `country` stands for it).

    A worker's rates are perfect until `trial` of their turns have ended.
    """

    lenient: bool = True
    trial: int = 100
    country: str = ""


USUAL = Leniency()


def _rate(part: int, whole: int, trial: int, untried: int) -> int:
    return untried if whole < max(trial, 1) else part * 100 // whole


def system_value(system: System, who: Standing, how: Leniency) -> Value | None:
    """A worker's value of a system qualification."""
    if system == System.LOCALE:
        return who.locale or (Locale(how.country) if how.country else None)
    if system in _MASTERS:
        return None
    decided, handed_in = who.approved + who.rejected, who.approved + who.rejected + who.waiting
    taken = handed_in + who.returned + who.abandoned
    values = {
        System.ADULT: int(who.adult),
        System.NUMBER_APPROVED: who.approved,
        System.APPROVED: _rate(who.approved, decided, how.trial, WHOLE),
        System.REJECTED: _rate(who.rejected, decided, how.trial, 0),
        System.SUBMITTED: _rate(handed_in, taken, how.trial, WHOLE),
        System.RETURNED: _rate(who.returned, taken, how.trial, 0),
        System.ABANDONED: _rate(who.abandoned, taken, how.trial, 0),
    }
    return values[system]


def system_met(requirement: Requirement, who: Standing, how: Leniency) -> bool:
    """Whether a worker meets a requirement on a system qualification, or is let off it."""
    system = System(requirement.type)
    value = system_value(system, who, how)
    if not how.lenient:
        return met(requirement, value)
    if system in _MASTERS or (system == System.LOCALE and value is None):
        return True
    waived = system == System.NUMBER_APPROVED and requirement.comparator in _LOWER_BOUNDS
    return waived or met(requirement, value)


def forbidden(guards: Collection[Guard], act: Act) -> bool:
    """Whether a worker who fails requirements with these guards may not do this."""
    return any(act >= _FREE[guard] for guard in guards)


def said(requirement: Requirement, name: str) -> str:
    """The requirement in words, for people: "Approval rate (%) is at least 95"."""
    values = ", ".join(str(one) for one in (*requirement.integers, *requirement.locales))
    return f"{name} {_WORDS[requirement.comparator]} {values}".rstrip()


_WORDS = {
    Comparator.LESS: "is less than",
    Comparator.AT_MOST: "is at most",
    Comparator.MORE: "is more than",
    Comparator.AT_LEAST: "is at least",
    Comparator.EQUAL: "is",
    Comparator.NOT_EQUAL: "is not",
    Comparator.EXISTS: "is held",
    Comparator.MISSING: "is not held",
    Comparator.IN: "is one of",
    Comparator.NOT_IN: "is none of",
}
