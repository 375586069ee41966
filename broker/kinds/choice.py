"""The room of choices: one label, or several, for an image, a text, a sound or a film."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from broker.annotation import reading
from broker.annotation.asked import Label, Labelling
from broker.annotation.cells import Cells
from broker.annotation.kind import TABLES, Json, Offer
from broker.errors import Invalid

WORDS_A_SECOND = 4
YES, NO = "yes", "no"
SEPARATOR = "|"
Labels = tuple[str, ...]


class Settings(Labelling):
    """What a requester sets."""

    media: Literal["image", "text", "audio", "video"]
    many: bool = False
    labels: tuple[Label, ...] = Field(min_length=2, max_length=100)

    @model_validator(mode="after")
    def _separable(self) -> Self:
        for name in self.names if self.many else ():
            if SEPARATOR in name:
                raise ValueError(f"label {name!r} holds {SEPARATOR!r}, which separates labels")
        return self


class Choice(Cells[Labels]):
    """Which label, or which labels, does this item have?

    An answer is the tuple of chosen labels in the order of the settings. Its JSON is what `crowd-classifier` and
    `crowd-classifier-multi-select` submit: {"category": {"label": "cat"}} or {"category": {"labels": ["cat"]}}.
    """

    name: ClassVar[str] = "choice"
    title: ClassVar[str] = "Choose labels"
    offers: ClassVar[tuple[Offer, ...]] = (
        Offer("image-one", "One label for an image", "Which one is it?", {"media": "image", "many": False}),
        Offer("image-many", "Several labels for an image", "What is in it?", {"media": "image", "many": True}),
        Offer("text-one", "One label for a text", "Sentiment, topic, language.", {"media": "text", "many": False}),
        Offer("text-many", "Several labels for a text", "All topics that fit.", {"media": "text", "many": True}),
        Offer("audio-one", "One label for a sound", "Speaker, mood, noise.", {"media": "audio", "many": False}),
        Offer("audio-many", "Several labels for a sound", "All that is heard.", {"media": "audio", "many": True}),
        Offer("video-one", "One label for a film", "Which one is it?", {"media": "video", "many": False}),
        Offer("video-many", "Several labels for a film", "All that happens.", {"media": "video", "many": True}),
    )

    exports: ClassVar[tuple[str, ...]] = (*TABLES, "datasets")

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._shown = settings.model_dump(mode="json", exclude={"field"})
        self._names = settings.names

    @classmethod
    def furnish(cls, settings: Json) -> Self:
        """The room with a requester's settings. Raises Invalid, naming the field."""
        return cls(reading.model(Settings, settings))

    def parse(self, raw: Any, item: Json) -> Labels:  # noqa: ARG002 - every label fits every item
        """A worker's answer. Raises Invalid."""
        category = reading.record(reading.record(raw, "answer").get("category"), "category")
        if self.settings.many:
            return self._known(reading.texts(category.get("labels"), "category.labels"))
        return self._known([reading.text(category.get("label"), "category.label")])

    def dump(self, answer: Labels) -> dict[str, Any]:
        """The JSON of the crowd element."""
        return {"category": {"labels": list(answer)} if self.settings.many else {"label": answer[0]}}

    def read(self, text: str) -> Labels:
        """A label, or several separated by |. Raises Invalid."""
        names = [part.strip() for part in text.split(SEPARATOR)] if self.settings.many else [text.strip()]
        return self._known([name for name in names if name])

    def show(self, answer: Labels) -> str:
        """The labels separated by |."""
        return SEPARATOR.join(answer)

    def likeness(self, one: Labels, other: Labels) -> float:
        """Jaccard index of the two sets of labels."""
        union = len(set(one) | set(other))
        return len(set(one) & set(other)) / union if union else 1.0

    def task_input(self, item: Json) -> dict[str, Any]:
        """The item's image or text beside the question and the labels."""
        value = item.get(self.settings.field)
        if not isinstance(value, str | int | float) or not str(value).strip():
            raise Invalid(f"column {self.settings.field!r} is empty or no {self.settings.media}")
        return {**self._shown, "value": str(value)}

    def seconds(self, item: Json) -> float:
        """A glance at an image; a text is read first; each further label to decide about takes its time."""
        words = len(str(item.get(self.settings.field, "")).split()) if self.settings.media == "text" else 0
        return 3 + words / WORDS_A_SECOND + (len(self.settings.labels) / 2 if self.settings.many else 0)

    def options(self) -> Labels:
        """The labels, or yes and no for each of several."""
        return (NO, YES) if self.settings.many else self._names

    def places(self) -> Labels:
        """One place, or one for each of several labels."""
        return self._names if self.settings.many else ("",)

    def split(self, answer: Labels) -> Mapping[str, str]:
        """The label at each place."""
        if not self.settings.many:
            return {"": answer[0]}
        return {name: YES if name in answer else NO for name in self._names}

    def join(self, labels: Mapping[str, str]) -> Labels:
        """The labels said yes to, or the one label."""
        return tuple(name for name in self._names if labels[name] == YES) if self.settings.many else (labels[""],)

    def _known(self, names: list[str]) -> Labels:
        for name in names:
            if name not in self._names:
                raise Invalid(f"{name!r} is none of the labels {', '.join(map(repr, self._names))}")
        if len(names) != 1 and not self.settings.many:
            raise Invalid("exactly one label is asked for")
        return tuple(name for name in self._names if name in names)
