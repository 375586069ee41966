"""The room of spans: named entities and other marked stretches of a text."""

from collections.abc import Sequence
from typing import Any, ClassVar, Literal, Self

from broker.annotation import reading, stretches
from broker.annotation.asked import Labelling
from broker.annotation.element import Element
from broker.annotation.kind import FIELD, LABELS, QUESTION, TABLES, Control, Json, Offer, Verdict, Vote
from broker.annotation.showing import given, reading_time, shown
from broker.annotation.weighing import weights
from broker.truth.intervals import Stretch, consensus, likeness

Marks = tuple[Stretch, ...]


class Settings(Labelling):
    """What a requester sets."""

    media: Literal["text"] = "text"
    apart: bool = True
    """Spans may not overlap."""


class Spans(Element[Marks]):
    """Which stretches of this text are what?

    An answer is the spans in the order of the text; offsets count code points, ends are exclusive. Its JSON is what
    `crowd-entity-annotation` submits: {"annotation": {"entities": [{"endOffset": 5, "label": "person",
    "startOffset": 0}]}}.
    """

    name: ClassVar[str] = "spans"
    title: ClassVar[str] = "Mark spans of a text"
    offers: ClassVar[tuple[Offer, ...]] = (
        Offer("spans", "Named entities", "Mark names, places, terms in a text.", {"media": "text"}),
    )
    controls: ClassVar[tuple[Control, ...]] = (
        FIELD,
        QUESTION,
        LABELS,
        Control("apart", "Spans do not overlap", "yes", "As CoNLL-2003 needs it.", start=True),
    )
    exports: ClassVar[tuple[str, ...]] = (*TABLES, "datasets", "conll2003")
    enough: ClassVar[float] = 0.5
    part: ClassVar[str] = "entities"

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._shown = settings.model_dump(mode="json", exclude={"field"})

    @classmethod
    def furnish(cls, settings: Json) -> Self:
        """The room with a requester's settings. Raises Invalid, naming the field."""
        return cls(reading.model(Settings, settings))

    def parse(self, raw: Any, item: Json) -> Marks:
        """A worker's answer. Raises Invalid."""
        text = given(self.settings, item)
        listed = self.inside(raw).get(self.part)
        found = stretches.spans(listed, self.part, self.settings.names, None if text is None else len(text))
        return stretches.ordered(found, self.part, apart=self.settings.apart)

    def dump(self, answer: Marks) -> dict[str, Any]:
        """The JSON of the crowd element."""
        marks = [{"endOffset": one.end, "label": one.label, "startOffset": one.start} for one in answer]
        return {self.element: {self.part: marks}}

    def likeness(self, one: Marks, other: Marks) -> float:
        """F1 of the spans, where a pair of one label counts by its overlap."""
        return likeness(one, other)

    def aggregate(self, votes: Sequence[Vote[Marks]]) -> Verdict[Marks]:
        """The spans that enough of the trusted weight supports; sure as far as they do, on average."""
        answers, strength = [vote.answer for vote in votes], weights(votes)
        agreed = consensus(answers, strength, apart=self.settings.apart)
        answer = tuple(one.stretch for one in agreed)
        alike = [self.likeness(vote.answer, answer) * weight for vote, weight in zip(votes, strength, strict=True)]
        return Verdict(answer, min(1.0, sum(alike) / sum(strength)))

    def task_input(self, item: Json) -> dict[str, Any]:
        """The item's text beside the question and the labels."""
        return {**self._shown, "value": shown(self.settings, item)}

    def seconds(self, item: Json) -> float:
        """The text is read, and marked in about the same time."""
        return 5 + 2 * reading_time(item.get(self.settings.field, ""))
