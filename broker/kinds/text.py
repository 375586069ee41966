"""The room of free text: translations, summaries, descriptions, answers to a question."""

from collections.abc import Sequence
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from broker.annotation import reading
from broker.annotation.asked import Asked
from broker.annotation.kind import FIELD, QUESTION, TABLES, Control, Json, Kind, Offer, Verdict, Vote
from broker.annotation.showing import plain, reading_time, shown
from broker.annotation.weighing import weights
from broker.errors import Invalid
from broker.truth.wording import by_both

LONGEST = 20_000
SHARPER = 3
"""Near texts say more for each other than many that are far: what is half as alike counts an eighth."""
AUTHOR = 0.5
"""The text is taken as its author wrote it, so that the trust in them counts too."""
SIGNS_A_SECOND = 3
"""How fast people write what they have to think about."""


class Settings(Asked):
    """What a requester sets."""

    media: Literal["image", "text", "audio", "video"]
    least: int = Field(1, ge=1, le=LONGEST)
    most: int = Field(2000, ge=1, le=LONGEST)

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.least > self.most:
            raise ValueError(f"least: {self.least} is more than {self.most}")
        return self


class Text(Kind[str]):
    """What would you write?

    An answer is a text without blanks around it; its JSON is what `crowd-text-area` submits: {"text": "..."}.
    """

    name: ClassVar[str] = "text"
    title: ClassVar[str] = "Write a text"
    offers: ClassVar[tuple[Offer, ...]] = (
        Offer("text-text", "A text about a text", "A translation, a summary, an answer.", {"media": "text"}),
        Offer("image-text", "A text about an image", "A description, what is written there.", {"media": "image"}),
        Offer("audio-text", "A text about a sound", "A description, a summary.", {"media": "audio"}),
        Offer("video-text", "A text about a film", "A description, a summary.", {"media": "video"}),
    )
    controls: ClassVar[tuple[Control, ...]] = (
        FIELD,
        QUESTION,
        Control("least", "Characters at least", "number", start=1),
        Control("most", "Characters at most", "number", start=2000),
    )
    exports: ClassVar[tuple[str, ...]] = (*TABLES, "datasets")
    enough: ClassVar[float] = 0.4

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._shown = settings.model_dump(mode="json", exclude={"field"}) | {"labels": []}

    @classmethod
    def furnish(cls, settings: Json) -> Self:
        """The room with a requester's settings. Raises Invalid, naming the field."""
        return cls(reading.model(Settings, settings))

    def parse(self, raw: Any, item: Json) -> str:  # noqa: ARG002 - any text fits any item
        """A worker's answer. Raises Invalid."""
        return self.read(reading.text(reading.record(raw, "answer").get("text"), "text", longest=2 * LONGEST))

    def dump(self, answer: str) -> dict[str, Any]:
        """The JSON of the element."""
        return {"text": answer}

    def read(self, text: str) -> str:
        """The text without blanks around it. Raises Invalid."""
        found = plain(text).strip()
        if not self.settings.least <= len(found) <= self.settings.most:
            raise Invalid(f"text: {len(found)} characters are not {self.settings.least} to {self.settings.most}")
        return found

    def show(self, answer: str) -> str:
        """The text."""
        return answer

    def likeness(self, one: str, other: str) -> float:
        """1 less the share that has to be edited, in words and in characters."""
        return by_both(one, other)

    def aggregate(self, votes: Sequence[Vote[str]]) -> Verdict[str]:
        """The text most like all others, weighed by trust: a sentence made of several people's would be nobody's."""
        strength = weights(votes)
        support = [self._support(votes, strength, place) for place in range(len(votes))]
        best = max(range(len(votes)), key=lambda place: support[place] * votes[place].trust ** AUTHOR)
        return Verdict(votes[best].answer, min(1.0, support[best] ** (1 / SHARPER)))

    def _support(self, votes: Sequence[Vote[str]], strength: Sequence[float], place: int) -> float:
        """How like the others' texts one is; 1 where there are none."""
        others = [other for other in range(len(votes)) if other != place]
        total = sum(strength[other] for other in others)
        alike = [self.likeness(votes[place].answer, votes[other].answer) ** SHARPER for other in others]
        return sum(strength[at] * one for at, one in zip(others, alike, strict=True)) / total if total else 1.0

    def task_input(self, item: Json) -> dict[str, Any]:
        """The item beside the question."""
        return {**self._shown, "value": shown(self.settings, item)}

    def seconds(self, item: Json) -> float:
        """The item is read, and a text written that is about as long, or of some words."""
        text = str(item.get(self.settings.field, "")) if self.settings.media == "text" else ""
        return 10 + reading_time(text) + max(self.settings.least, min(len(text), 400)) / SIGNS_A_SECOND
