"""The room of pairs: which of two is better."""

import hashlib
from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self

from pydantic import model_validator

from broker.annotation import reading
from broker.annotation.asked import Asked, Short
from broker.annotation.cells import Cells
from broker.annotation.kind import FIELD, QUESTION, TABLES, Control, Json, Offer
from broker.annotation.showing import column, reading_time, shown
from broker.errors import Invalid

FIRST, SECOND, TIE = "a", "b", "tie"


class Settings(Asked):
    """What a requester sets."""

    media: Literal["text", "image", "audio", "video"]
    other: Short
    """The column of the second one; `field` is that of the first."""
    tie: bool = False

    @model_validator(mode="after")
    def _two(self) -> Self:
        if self.field == self.other:
            raise ValueError(f"other: {self.other!r} is the column of the first one, too")
        return self


class Pairs(Cells[str]):
    """Which of the two is better?

    An answer is "a" (what stands in the first column), "b" or "tie"; its JSON is what `broker-pairwise` submits:
    {"pair": {"choice": "a"}}. Half of the items are shown the other way round, always the same ones, so that a liking
    for one side does not become one for a column.
    """

    name: ClassVar[str] = "pairs"
    title: ClassVar[str] = "Compare two"
    offers: ClassVar[tuple[Offer, ...]] = (
        Offer("text-pair", "The better of two texts", "Translations, answers, arguments.", {"media": "text"}),
        Offer("image-pair", "The better of two images", "Sharper, nearer, more alike.", {"media": "image"}),
        Offer("audio-pair", "The better of two sounds", "Voices, music, quality.", {"media": "audio"}),
        Offer("video-pair", "The better of two films", "Quality, content.", {"media": "video"}),
    )
    controls: ClassVar[tuple[Control, ...]] = (
        FIELD,
        Control("other", "Second column", "column", "What the first one is compared with."),
        QUESTION,
        Control("tie", '"No difference" is an answer', "yes", start=False),
    )
    exports: ClassVar[tuple[str, ...]] = (*TABLES, "datasets", "bradley")

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._shown = settings.model_dump(mode="json", exclude={"field", "other"}) | {"labels": []}

    @classmethod
    def furnish(cls, settings: Json) -> Self:
        """The room with a requester's settings. Raises Invalid, naming the field."""
        return cls(reading.model(Settings, settings))

    def parse(self, raw: Any, item: Json) -> str:  # noqa: ARG002 - each choice fits each item
        """A worker's answer. Raises Invalid."""
        pair = reading.record(reading.record(raw, "answer").get("pair"), "pair")
        return self.read(reading.text(pair.get("choice"), "pair.choice"))

    def dump(self, answer: str) -> dict[str, Any]:
        """The JSON of the element."""
        return {"pair": {"choice": answer}}

    def read(self, text: str) -> str:
        """The choice. Raises Invalid."""
        found = text.strip()
        if found not in self.options():
            raise Invalid(f"{found[:40]!r} is none of {', '.join(map(repr, self.options()))}")
        return found

    def show(self, answer: str) -> str:
        """The choice."""
        return answer

    def likeness(self, one: str, other: str) -> float:
        """1 for the same choice; a tie is half like each."""
        if one == other:
            return 1.0
        return 0.5 if TIE in {one, other} else 0.0

    def grade(self, answer: str, gold: str) -> float:
        """Right or wrong."""
        return float(answer == gold)

    def task_input(self, item: Json) -> dict[str, Any]:
        """Both sides beside the question."""
        one = shown(self.settings, item)
        other = column(item, self.settings.other, self.settings.media)
        odd = hashlib.sha256(f"{one}\0{other}".encode(errors="surrogatepass")).digest()[0] % 2
        return {**self._shown, "value": one, "other": other, "swap": bool(odd)}

    def facts(self, item: Json) -> dict[str, Any]:
        """The names of the two that were compared: what stands in their columns."""
        return {"left": str(item.get(self.settings.field, "")), "right": str(item.get(self.settings.other, ""))}

    def seconds(self, item: Json) -> float:
        """Two looks, or both texts read."""
        if self.settings.media != "text":
            return 6.0
        return 3 + sum(reading_time(item.get(name, "")) for name in (self.settings.field, self.settings.other))

    def options(self) -> tuple[str, ...]:
        """The first, the second, and neither where that is an answer."""
        return (FIRST, SECOND, TIE) if self.settings.tie else (FIRST, SECOND)

    def places(self) -> tuple[str, ...]:
        """One place."""
        return ("",)

    def split(self, answer: str) -> Mapping[str, str]:
        """The choice."""
        return {"": answer}

    def join(self, labels: Mapping[str, str]) -> str:
        """The choice."""
        return labels[""]
