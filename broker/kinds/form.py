"""The room of forms: several questions about one item, each a field of a sort, agreed upon field by field."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from broker.annotation import fields, reading
from broker.annotation.asked import Asked
from broker.annotation.cells import Cells
from broker.annotation.fields import Filled
from broker.annotation.formfield import CLOSED, FormField
from broker.annotation.kind import FIELD, QUESTION, Control, Json, Offer, Verdict, Vote
from broker.annotation.showing import reading_time, shown
from broker.annotation.weighing import weights
from broker.annotation.written import Written
from broker.errors import Invalid

NAME = "fields"
"""The key of the element's answer."""
YES, NO = "yes", "no"
HELP = (
    "Write the question, its sort and what the sort needs: “Tone | choice | calm, angry”, “Topics | many | price, "
    "delivery”, “Is it polite? | yes”, “How sure are you? | rating | 1 to 5”, “Year | number”, “Why? | text?”. "
    "A question mark behind the sort makes it optional; “long” is a text of several lines."
)


class Settings(Asked):
    """What a requester sets."""

    media: Literal["image", "text", "audio", "video"]
    fields: tuple[FormField, ...] = Field(min_length=1, max_length=50)

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        names = [one.label for one in self.fields]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"fields: {name!r} stands there twice")
        return self


class Form(Written[Filled]):
    """What do you say to each of these questions?

    An answer is the fields that were filled in, by their labels. Its JSON is what `broker-fields` submits:
    {"fields": {"Tone": "calm", "Topics": ["price"], "Is it polite?": true, "How sure are you?": 4, "Why?": "…"}}.
    """

    name: ClassVar[str] = "form"
    title: ClassVar[str] = "A form"
    offers: ClassVar[tuple[Offer, ...]] = (
        Offer("text-form", "Several questions about a text", "Choices, numbers, words.", {"media": "text"}),
        Offer("image-form", "Several questions about an image", "Choices, numbers, words.", {"media": "image"}),
        Offer("audio-form", "Several questions about a sound", "Choices, numbers, words.", {"media": "audio"}),
        Offer("video-form", "Several questions about a film", "Choices, numbers, words.", {"media": "video"}),
    )
    controls: ClassVar[tuple[Control, ...]] = (FIELD, QUESTION, Control("fields", "Questions", "lines", HELP))
    enough: ClassVar[float] = 0.75

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._fields = {one.label: one for one in settings.fields}
        shown_fields = [one.shown() for one in settings.fields]
        self._shown = settings.model_dump(mode="json", exclude={"field"}) | {"fields": shown_fields, "labels": []}

    @classmethod
    def furnish(cls, settings: Json) -> "Form":
        """The room with a requester's settings, of cells where its fields allow. Raises Invalid, naming the field."""
        made = reading.model(Settings, settings)
        return FormOfCells(made) if FormOfCells.suits(made) else Form(made)

    def parse(self, raw: Any, item: Json) -> Filled:  # noqa: ARG002 - every answer fits every item
        """A worker's answer. Raises Invalid, naming the field."""
        given = reading.record(reading.record(raw, "answer").get(NAME), NAME)
        for name in given:
            if name not in self._fields:
                raise Invalid(f"{NAME}: {name[:50]!r} is none of the questions")
        found = {name: one.parse(given.get(name)) for name, one in self._fields.items()}
        for name, one in self._fields.items():
            if found[name] is None and not one.optional:
                raise Invalid(f"{name}: must be answered")
        return fields.read({name: value for name, value in found.items() if value is not None})

    def dump(self, answer: Filled) -> dict[str, Any]:
        """The JSON of the element."""
        return {NAME: fields.values(answer)}

    def likeness(self, one: Filled, other: Filled) -> float:
        """The mean over the fields; a field that only one has filled in counts 0, one that both left empty 1."""
        first, second = fields.values(one), fields.values(other)
        alike = [field.likeness(first.get(name), second.get(name)) for name, field in self._fields.items()]
        return sum(alike) / len(alike)

    def aggregate(self, votes: Sequence[Vote[Filled]]) -> Verdict[Filled]:
        """Field by field; an optional one stands if workers of half the weight filled it in."""
        given = [(fields.values(vote.answer), weight) for vote, weight in zip(votes, weights(votes), strict=True)]
        total = sum(weight for _, weight in given)
        found, supports = {}, []
        for name, field in self._fields.items():
            having = [(values[name], weight) for values, weight in given if name in values]
            share = sum(weight for _, weight in having) / total
            if share >= 0.5:
                found[name], support = field.agree(having)
                supports.append(share * support)
            else:
                supports.append(1 - share)
        return Verdict(fields.read(found), min(1.0, sum(supports) / len(supports)))

    def task_input(self, item: Json) -> dict[str, Any]:
        """The item beside its questions."""
        return {**self._shown, "value": shown(self.settings, item)}

    def seconds(self, item: Json) -> float:
        """A look, or the time to read the text, and some seconds for each field; texts take longer."""
        look = reading_time(item.get(self.settings.field, "")) if self.settings.media == "text" else 3
        return look + sum(15 if one.sort in {"text", "long"} else 4 for one in self.settings.fields)


class FormOfCells(Form, Cells[Filled]):
    """A form whose fields all ask for the same labels, so that it falls apart into cells: all yes or no, or all choices
    among the same. Dawid-Skene judges each cell.
    """

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        asked = settings.fields[0].choices if settings.fields[0].sort == "choice" else (NO, YES)
        self._options = asked
        self._places = [place for one in settings.fields for place in _places(one)]

    @staticmethod
    def suits(settings: Settings) -> bool:
        """Whether all fields must be answered, and with the same labels."""
        if any(one.optional or one.sort not in CLOSED for one in settings.fields):
            return False
        choices = {one.choices if one.sort == "choice" else (NO, YES) for one in settings.fields}
        return len(choices) == 1 and len({place for one in settings.fields for place in _places(one)}) == sum(
            len(_places(one)) for one in settings.fields
        )

    def aggregate(self, votes: Sequence[Vote[Filled]]) -> Verdict[Filled]:
        """Field by field, where a job is judged without the cells' statistics."""
        return Form.aggregate(self, votes)

    def options(self) -> tuple[str, ...]:
        """The labels that all fields share."""
        return self._options

    def places(self) -> Sequence[str]:
        """A place for each field, or for each of its choices."""
        return self._places

    def split(self, answer: Filled) -> Mapping[str, str]:
        """The label at each place."""
        given = fields.values(answer)
        found: dict[str, str] = {}
        for one in self.settings.fields:
            value = given[one.label]
            if one.sort == "many":
                found |= {f"{one.label}: {name}": YES if name in value else NO for name in one.choices}
            else:
                found[one.label] = value if one.sort == "choice" else YES if value else NO
        return found

    def join(self, labels: Mapping[str, str]) -> Filled:
        """The fields with these labels."""
        found: dict[str, Any] = {}
        for one in self.settings.fields:
            if one.sort == "many":
                found[one.label] = [name for name in one.choices if labels[f"{one.label}: {name}"] == YES]
            else:
                found[one.label] = labels[one.label] if one.sort == "choice" else labels[one.label] == YES
        return fields.read(found)


def _places(field: FormField) -> list[str]:
    return [f"{field.label}: {name}" for name in field.choices] if field.sort == "many" else [field.label]
