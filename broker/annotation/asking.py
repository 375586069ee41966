"""The questions of a QuestionForm as data: what is shown, and what answers must hold.

The contract is AWS's page "QuestionForm" of the Requester API.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

import regex

from broker.errors import Invalid, Problem

OTHER = "otherSelection"
"""The key under which a worker's own words to a SelectionAnswer stand."""
LONGEST_SEARCH = 0.2
"""Seconds that a requester's expression may look at an answer: (a+)+$ would look at some for days."""
Media = Literal["image", "audio", "video"]
Style = Literal["radiobutton", "dropdown", "checkbox", "list", "combobox", "multichooser"]
STYLES: tuple[Style, ...] = ("radiobutton", "dropdown", "checkbox", "list", "combobox", "multichooser")


@dataclass(frozen=True)
class Content:
    """One thing shown: a title, a text, a list, formatted XHTML, or media of a MIME type at an address."""

    sort: Literal["title", "text", "list", "formatted", "image", "audio", "video", "link"]
    text: str = ""
    entries: tuple[str, ...] = ()
    url: str = ""
    width: int | None = None
    height: int | None = None


@dataclass(frozen=True)
class Pattern:
    """A regular expression that an answer has to hold, and what to say otherwise."""

    regex: str
    said: str
    flags: str = ""

    def fits(self, text: str) -> bool:
        """Whether the expression is found in the text; one that only Java knows, or that does not end, fits all."""
        flags = regex.IGNORECASE if "i" in self.flags else 0
        try:
            return regex.search(self.regex, text, flags, timeout=LONGEST_SEARCH) is not None
        except (regex.error, TimeoutError, OverflowError, RecursionError):
            return True


@dataclass(frozen=True)
class FreeText:
    """An answer in the worker's words: limits inclusive, lengths in characters."""

    numeric: bool = False
    least: Decimal | None = None
    most: Decimal | None = None
    shortest: int = 0
    longest: int | None = None
    patterns: tuple[Pattern, ...] = ()
    default: str = ""
    lines: int = 1

    def fault(self, value: Any) -> str:
        """What is wrong with an answer, or ""."""
        if not isinstance(value, str):
            return "expected a text"
        if not value:
            return ""
        return self._number_fault(value) or self._length_fault(value) or self._pattern_fault(value)

    def empty(self, value: Any) -> bool:
        """Whether nothing was answered."""
        return value is None or value == ""

    def _number_fault(self, value: str) -> str:
        if not self.numeric:
            return ""
        try:
            number = Decimal(value.strip())
        except InvalidOperation:
            return "expected a number"
        if not number.is_finite():
            return "expected a number"
        if self.least is not None and number < self.least:
            return f"must be at least {self.least}"
        return f"must be at most {self.most}" if self.most is not None and number > self.most else ""

    def _length_fault(self, value: str) -> str:
        if len(value) < self.shortest:
            return f"must have at least {self.shortest} characters"
        return f"must have at most {self.longest} characters" if self.longest and len(value) > self.longest else ""

    def _pattern_fault(self, value: str) -> str:
        return next((pattern.said for pattern in self.patterns if not pattern.fits(value)), "")


@dataclass(frozen=True)
class Choice:
    """One selection: its identifier and what is shown of it."""

    name: str
    content: Content


@dataclass(frozen=True)
class Selection:
    """An answer out of given ones: how many may be chosen, and a field for the worker's own words if `other`."""

    choices: tuple[Choice, ...]
    least: int = 1
    most: int = 1
    style: Style = "radiobutton"
    other: FreeText | None = None

    def fault(self, value: Any) -> str:
        """What is wrong with an answer, or ""."""
        chosen, own = self.parts(value)
        if chosen is None:
            return f"expected a list of selections, or an object with selections and {OTHER}"
        names = {choice.name for choice in self.choices}
        for one in chosen:
            if one not in names:
                return f"{one!r} is none of the selections"
        if len(set(chosen)) != len(chosen):
            return "a selection is chosen twice"
        if own and self.other is None:
            return "no words of one's own are asked for"
        return self._count_fault(len(chosen) + bool(own)) or (self.other.fault(own) if self.other and own else "")

    def empty(self, value: Any) -> bool:
        """Whether nothing was answered."""
        return self.parts(value) == ([], "") or value in (None, "")

    def parts(self, value: Any) -> tuple[list[str] | None, str]:
        """The chosen identifiers (None if the answer is none at all) and the worker's own words."""
        own: Any = ""
        if isinstance(value, Mapping):
            if not value.keys() <= {"selections", OTHER}:
                return None, ""
            value, own = value.get("selections", []), value.get(OTHER, "")
        chosen = [value] if isinstance(value, str) else value
        if not isinstance(chosen, list) or not all(isinstance(one, str) for one in chosen) or not isinstance(own, str):
            return None, ""
        return [one for one in chosen if one], own

    def _count_fault(self, count: int) -> str:
        if not count:
            return ""
        if count < self.least:
            return f"at least {self.least} must be chosen"
        return f"at most {self.most} may be chosen" if count > self.most else ""


@dataclass(frozen=True)
class Question:
    """One question of the form."""

    name: str
    title: str
    required: bool
    content: tuple[Content, ...]
    answer: FreeText | Selection

    def fault(self, value: Any) -> str:
        """What is wrong with an answer, or ""."""
        if self.answer.empty(value):
            return "must be answered" if self.required else ""
        return self.answer.fault(value)


@dataclass(frozen=True)
class Form:
    """A QuestionForm: overviews and questions in their order."""

    parts: tuple[tuple[Content, ...] | Question, ...] = field(default=())

    @property
    def questions(self) -> tuple[Question, ...]:
        """The questions alone."""
        return tuple(part for part in self.parts if isinstance(part, Question))

    def check(self, answer: Mapping[str, Any]) -> None:
        """Raises Invalid, naming every question whose answer breaks its constraints, and names that are no question."""
        faults = {question.name: question.fault(answer.get(question.name)) for question in self.questions}
        faults |= {name: "is no question of this form" for name in answer if name not in faults}
        problems = [Problem(fault, column=name) for name, fault in faults.items() if fault]
        if problems:
            raise Invalid("; ".join(map(str, problems)), problems=problems)
