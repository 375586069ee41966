"""The room of ratings: a step of a scale, a place on a slider, or a number."""

from collections.abc import Sequence
from math import floor
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from broker.annotation import reading
from broker.annotation.asked import Asked
from broker.annotation.kind import FIELD, QUESTION, TABLES, Control, Json, Kind, Offer, Verdict, Vote
from broker.annotation.numbers import number
from broker.annotation.showing import reading_time, shown
from broker.annotation.weighing import weights
from broker.errors import Invalid
from broker.truth.distance import weighted_median

STEPS = 11
"""What the scale has room for."""
FINEST = 1_000_000
DECIMALS = 9


class Settings(Asked):
    """What a requester sets."""

    media: Literal["image", "text", "audio", "video"]
    form: Literal["scale", "slider", "number"] = "scale"
    least: float = Field(1, ge=-1e9, le=1e9, allow_inf_nan=False)
    most: float = Field(5, ge=-1e9, le=1e9, allow_inf_nan=False)
    step: float = Field(1, gt=0, le=1e9, allow_inf_nan=False)
    low: str = Field("", max_length=100)
    high: str = Field("", max_length=100)

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.least >= self.most:
            raise ValueError(f"least: {self.least:g} is not below {self.most:g}")
        steps = floor((self.most - self.least) / self.step + 1e-9)
        if not 1 <= steps <= FINEST:
            raise ValueError(f"step: {self.step:g} gives {steps} steps; 1 to {FINEST:,} are possible")
        if self.form == "scale" and (self.step != 1 or self.least != floor(self.least) or steps + 1 > STEPS):
            raise ValueError(f"form: a scale has at most {STEPS} whole numbers; take a slider or a number")
        return self


class Rating(Kind[float]):
    """How much, how good, how many?

    An answer is a number: least, or a whole number of steps above it. Its JSON is what the element submits:
    {"rating": {"rating": 4}} of `broker-rating`, {"rating": 3.5} of `crowd-slider`, {"rating": "12"} of `crowd-input`.
    """

    name: ClassVar[str] = "rating"
    title: ClassVar[str] = "Rate"
    offers: ClassVar[tuple[Offer, ...]] = (
        Offer("text-rating", "A rating of a text", "One to five, or any scale.", {"media": "text"}),
        Offer("image-rating", "A rating of an image", "One to five, or any scale.", {"media": "image"}),
        Offer("audio-rating", "A rating of a sound", "One to five, or any scale.", {"media": "audio"}),
        Offer("video-rating", "A rating of a film", "One to five, or any scale.", {"media": "video"}),
    )
    controls: ClassVar[tuple[Control, ...]] = (
        FIELD,
        QUESTION,
        Control(
            "form",
            "Answered with",
            "choice",
            choices=(("scale", "A scale of steps"), ("slider", "A slider"), ("number", "A number, typed")),
            start="scale",
        ),
        Control("least", "Lowest", "number", start=1),
        Control("most", "Highest", "number", start=5),
        Control("step", "Step", "number", start=1),
        Control("low", "Words for the lowest", "text", optional=True),
        Control("high", "Words for the highest", "text", optional=True),
    )
    exports: ClassVar[tuple[str, ...]] = (*TABLES, "datasets")
    enough: ClassVar[float] = 0.75

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._shown = settings.model_dump(mode="json", exclude={"field"}) | {"labels": []}
        for name in ("least", "most", "step"):
            self._shown[name] = _short(self._shown[name])

    @classmethod
    def furnish(cls, settings: Json) -> Self:
        """The room with a requester's settings. Raises Invalid, naming the field."""
        return cls(reading.model(Settings, settings))

    def parse(self, raw: Any, item: Json) -> float:  # noqa: ARG002 - every number fits every item
        """A worker's answer. Raises Invalid."""
        value = reading.record(raw, "answer").get("rating")
        if self.settings.form == "scale":
            value = reading.record(value, "rating").get("rating")
        return self.read(reading.text(value, "rating")) if self.settings.form == "number" else self._near(value)

    def dump(self, answer: float) -> dict[str, Any]:
        """The JSON of the element."""
        value = _short(answer)
        return {
            "rating": {"scale": {"rating": value}, "slider": value, "number": self.show(answer)}[self.settings.form]
        }

    def read(self, text: str) -> float:
        """A number as people write it. Raises Invalid."""
        try:
            found = float(text.strip())
        except ValueError:
            raise Invalid(f"rating: {text.strip()[:40]!r} is no number") from None
        return self._near(found)

    def show(self, answer: float) -> str:
        """The number."""
        return str(_short(answer))

    def likeness(self, one: float, other: float) -> float:
        """1 less the distance as a share of the whole scale."""
        return 1.0 - abs(one - other) / (self.settings.most - self.settings.least)

    def aggregate(self, votes: Sequence[Vote[float]]) -> Verdict[float]:
        """The median of the trusted weight."""
        strength = weights(votes)
        middle = weighted_median([vote.answer for vote in votes], strength)
        alike = [self.likeness(vote.answer, middle) * weight for vote, weight in zip(votes, strength, strict=True)]
        return Verdict(middle, min(1.0, sum(alike) / sum(strength)))

    def task_input(self, item: Json) -> dict[str, Any]:
        """The item beside the question and the scale."""
        return {**self._shown, "value": shown(self.settings, item)}

    def seconds(self, item: Json) -> float:
        """A look, or the time to read the text."""
        return 4 + (reading_time(item.get(self.settings.field, "")) if self.settings.media == "text" else 2)

    def _near(self, raw: Any) -> float:
        """The step that the number stands on. Raises Invalid where it is between two."""
        settings = self.settings
        found = number(raw, "rating", settings.least, settings.most)
        steps = round((found - settings.least) / settings.step)
        value = round(settings.least + steps * settings.step, DECIMALS)
        if abs(value - found) > settings.step * 1e-6 or value > settings.most:
            raise Invalid(f"rating: {found:g} is not {settings.least:g} and whole steps of {settings.step:g}")
        return value


def _short(value: float) -> int | float:
    return int(value) if value == int(value) else value
