"""The room of events: what happens in a film, and from when to when."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Self

from broker.annotation import reading, stretches
from broker.annotation.asked import Labelling
from broker.annotation.element import Element
from broker.annotation.kind import TABLES, Json, Offer, Verdict, Vote
from broker.annotation.numbers import entries
from broker.annotation.showing import shown
from broker.annotation.weighing import weights
from broker.truth.distance import weighted_median
from broker.truth.intervals import Stretch, consensus, likeness


@dataclass(frozen=True)
class Film:
    """Events in the order of time (seconds); `duration` of the film is no part of what answers are compared by."""

    events: tuple[Stretch, ...]
    duration: float | None = field(default=None, compare=False)


class Settings(Labelling):
    """What a requester sets."""

    media: Literal["video"] = "video"


class Events(Element[Film]):
    """What happens when?

    The JSON of an answer is what `broker-video-events` submits: {"annotation": {"events": [{"label": "Goal", "start":
    12.48, "end": 15.2}], "inputMediaProperties": {"duration": 60.04}}}; times are seconds to the millisecond.
    """

    name: ClassVar[str] = "events"
    title: ClassVar[str] = "Mark events in a film"
    offers: ClassVar[tuple[Offer, ...]] = (
        Offer("events", "Events in a film", "Mark what happens, and from when to when.", {"media": "video"}),
    )
    exports: ClassVar[tuple[str, ...]] = (*TABLES, "webvtt", "srt")
    enough: ClassVar[float] = 0.5
    part: ClassVar[str] = "events"

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._shown = settings.model_dump(mode="json", exclude={"field"})

    @classmethod
    def furnish(cls, settings: Json) -> Self:
        """The room with a requester's settings. Raises Invalid, naming the field."""
        return cls(reading.model(Settings, settings))

    def parse(self, raw: Any, item: Json) -> Film:  # noqa: ARG002 - what is in a film is not known here
        """A worker's answer. Raises Invalid."""
        inside, found = self.inside(raw), set()
        for at, one in enumerate(entries(inside.get(self.part), self.part)):
            start, end = stretches.times(one, f"{self.part}[{at}]")
            label = stretches.label(one.get("label"), f"{self.part}[{at}].label", self.settings.names)
            found.add(Stretch(start, end, label))
        return Film(tuple(sorted(found)), stretches.duration(inside))

    def dump(self, answer: Film) -> dict[str, Any]:
        """The JSON of the element."""
        events = [{"label": one.label, "start": one.start, "end": one.end} for one in answer.events]
        about = {} if answer.duration is None else {"inputMediaProperties": {"duration": answer.duration}}
        return {self.element: {self.part: events, **about}}

    def likeness(self, one: Film, other: Film) -> float:
        """F1 of the events, where a pair of one label counts by its temporal IoU."""
        return likeness(one.events, other.events)

    def aggregate(self, votes: Sequence[Vote[Film]]) -> Verdict[Film]:
        """Events that enough of the trusted weight marks, from the median of their starts to that of their ends."""
        strength = weights(votes)
        agreed = consensus([vote.answer.events for vote in votes], strength, apart=False, blend=True)
        told = [(vote.answer.duration, weight) for vote, weight in zip(votes, strength, strict=True)]
        known = [(duration, weight) for duration, weight in told if duration is not None]
        duration = weighted_median([one for one, _ in known], [weight for _, weight in known]) if known else None
        answer = Film(tuple(sorted({one.stretch for one in agreed})), duration)
        alike = [self.likeness(vote.answer, answer) * weight for vote, weight in zip(votes, strength, strict=True)]
        return Verdict(answer, min(1.0, sum(alike) / sum(strength)))

    def task_input(self, item: Json) -> dict[str, Any]:
        """The item's film beside the question and the labels."""
        return {**self._shown, "value": shown(self.settings, item)}

    def seconds(self, item: Json) -> float:  # noqa: ARG002 - the length of a film is not known here
        """A short film, seen and gone through again."""
        return 90.0
