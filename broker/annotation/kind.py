"""The abstraction: what every kind of annotation answers about itself."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

from broker.truth.distance import alpha, medoid

Json = Mapping[str, Any]
A = TypeVar("A")


@dataclass(frozen=True)
class Vote(Generic[A]):
    """One worker's answer to one HIT; `trust` is the believed accuracy of the worker, 0..1."""

    worker: int
    answer: A
    trust: float


@dataclass(frozen=True)
class Verdict(Generic[A]):
    """What is believed of a HIT: an answer and how sure we are of it, 0..1."""

    answer: A
    confidence: float


@dataclass(frozen=True)
class Offer:
    """One way to use a kind, as requesters choose it: its name in forms, what they read, the settings it stands for."""

    name: str
    title: str
    text: str
    settings: Json


@dataclass(frozen=True)
class Control:
    """One field of the form in which requesters set up a kind: `name` is the setting it fills.

    `sort`: "column" (one of the data, with a text or number in each row), "cells" (one that may hold lists and
    objects), "text", "long" (a text of several lines), "number", "choice" (of `choices`, each a value and its words),
    "yes" (a box to tick), "lines" (a list of texts, one a line), "labels" (names with definitions and examples).
    Settings that the chosen offer fixes are not asked for. What is `optional` may be left empty; a column then has
    empty cells too.
    """

    name: str
    label: str
    sort: str
    help: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    start: Any = ""
    """What stands there at first, in the setting's own type."""
    optional: bool = False


FIELD = Control("field", "Column", "column", "The column of your data that workers see.")
QUESTION = Control("question", "Question", "text", "Shown above every item.")
LABELS = Control("labels", "Labels", "labels", "Workers choose with the digit keys, in this order.")
TABLES = ("csv", "jsonl", "parquet")


class Kind(ABC, Generic[A]):
    """A kind of annotation, furnished with one requester's settings.

    A room answers two questions: is this a valid answer, and how alike are two answers?
    Grading, aggregation and agreement follow; a room overrides what it can do better.
    """

    name: ClassVar[str]
    """The room's name, also of templates/kinds/<name>.html."""
    title: ClassVar[str]
    """What requesters read."""
    offers: ClassVar[tuple[Offer, ...]] = ()
    """The ways to use the kind that requesters choose from."""
    controls: ClassVar[tuple[Control, ...]] = (FIELD, QUESTION, LABELS)
    """What requesters fill in beside the offer; together with the offer's they make up the settings."""
    exports: ClassVar[tuple[str, ...]] = TABLES
    """The names of the formats (formats/export.py) that can hold the kind's answers."""
    enough: ClassVar[float] = 1.0
    """The grade from which an answer to gold counts as right."""

    @classmethod
    @abstractmethod
    def furnish(cls, settings: Json) -> "Kind[A]":
        """The room with a requester's settings. Raises Invalid, naming the field."""

    @abstractmethod
    def parse(self, raw: Any, item: Json) -> A:
        """A worker's answer to an item. Raises Invalid, and nothing else, for any JSON that is none.

        The item may be empty, where an answer that was checked before is read again: what cannot be checked without
        it is then believed.
        """

    @abstractmethod
    def dump(self, answer: A) -> dict[str, Any]:
        """The answer as the JSON its crowd element documents; parse(dump(a)) == a."""

    @abstractmethod
    def read(self, text: str) -> A:
        """An answer as people write it in a cell of a table, for gold. Raises Invalid."""

    @abstractmethod
    def show(self, answer: A) -> str:
        """The answer as people read it in a cell of a table; read(show(a)) == a."""

    def brief(self, answer: A) -> str:
        """The answer on pages for people: what `show` gives, unless that is no form that people read."""
        return self.show(answer)

    @abstractmethod
    def likeness(self, one: A, other: A) -> float:
        """1 for the same .. 0 for nothing in common; symmetric."""

    @abstractmethod
    def task_input(self, item: Json) -> dict[str, Any]:
        """What the HIT page's template shows of an item, as `task.input`. Raises Invalid if the item lacks it.

        At least `media` ("image", "text", "audio", "video" or "none"), `value` (what is shown of the item; of media
        the stored name, whose address the page puts in its place), `question`, and `labels`: a list of {name,
        definition, examples}, empty for kinds that have none.
        """

    def needs_item(self) -> bool:
        """Whether an answer can only be checked beside its item, which then has to be read when one is submitted."""
        return False

    def facts(self, item: Json) -> dict[str, Any]:  # noqa: ARG002 - most formats need no more than the answer
        """What formats of files need of an item beside the answer to it."""
        return {}

    def seconds(self, item: Json) -> float:  # noqa: ARG002 - a room that looks at the item guesses better
        """A guess of the time one answer takes, for jobs that nobody has worked on yet."""
        return 10.0

    def grade(self, answer: A, gold: A) -> float:
        """How right an answer to a gold HIT is, 0..1."""
        return self.likeness(answer, gold)

    def aggregate(self, votes: Sequence[Vote[A]]) -> Verdict[A]:
        """The answer most like all others, weighed by trust: the floor for every room, not its goal."""
        answers = [vote.answer for vote in votes]
        weights = [vote.trust for vote in votes]
        best = medoid(answers, self.likeness, weights)
        return Verdict(answers[best.place], best.support)

    def agreement(self, units: Sequence[Sequence[A]]) -> float | None:
        """Krippendorff's alpha over this kind's own distance, 1 - likeness; None where no two answers can differ."""
        return alpha(units, self.likeness)
