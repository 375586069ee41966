"""The room of custom pages: a requester's own Liquid or HTML, or an MTurk question of each item; any named fields."""

from collections.abc import Sequence
from typing import Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from broker.annotation import fields, questionform, reading, template
from broker.annotation.fields import Filled
from broker.annotation.kind import Control, Json, Offer, Verdict, Vote
from broker.annotation.paged import Paged, Source
from broker.annotation.written import Written
from broker.errors import Invalid

TALLEST = 10_000
LONGEST_URL = 8000
"""Of a site's address: old scripts put what is asked into it, and web servers take about so much."""
QUESTION = "_question"
"""The column in which an item brings its own question."""


class Settings(BaseModel):
    """What a requester sets: the Liquid template of all items, or "" where each brings its question."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    template: str = Field("", max_length=template.LONGEST)


class Question(BaseModel):
    """The question that an item brings: an address, a page of HTML, or a QuestionForm's XML; `height` in pixels."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sort: Literal["external", "html", "form"]
    url: str = Field("", max_length=LONGEST_URL)
    content: str = Field("", max_length=template.LONGEST)
    height: int = Field(0, ge=0, le=TALLEST)


class Page(Paged[Filled], Written[Filled]):
    """What does this page of the requester's ask?

    An answer is the page's fields, {name: value} with any JSON as values: a `crowd-form` gives its elements' answers, a
    plain form texts, and lists where boxes share a name.
    """

    name: ClassVar[str] = "page"
    title: ClassVar[str] = "Your own page"
    offers: ClassVar[tuple[Offer, ...]] = (
        Offer("page", "Your own page", "HTML of your own, with crowd elements or a plain form.", {}),
    )
    controls: ClassVar[tuple[Control, ...]] = (
        Control("template", "Your page", "long", "Liquid and HTML; {{ task.input.name }} shows the column “name”."),
    )
    enough: ClassVar[float] = 0.75

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    @classmethod
    def furnish(cls, settings: Json) -> Self:
        """The room with a requester's settings. Raises Invalid, naming the field."""
        room = cls(reading.model(Settings, settings))
        template.check(room.settings.template)
        return room

    def parse(self, raw: Any, item: Json) -> Filled:
        """A worker's answer; one to a QuestionForm keeps to its constraints. Raises Invalid."""
        filled = fields.read(raw)
        question = question_of(item)
        if question is not None and question.sort == "form":
            questionform.read(question.content).check(fields.values(filled))
        return filled

    def needs_item(self) -> bool:
        """Where items bring questions of their own, these may constrain their answers."""
        return not self.settings.template.strip()

    def dump(self, answer: Filled) -> dict[str, Any]:
        """The fields as JSON."""
        return fields.values(answer)

    def likeness(self, one: Filled, other: Filled) -> float:
        """The mean over fields; a field that only one has counts 0."""
        return fields.alike(self.dump(one), self.dump(other))

    def aggregate(self, votes: Sequence[Vote[Filled]]) -> Verdict[Filled]:
        """Field by field."""
        found, support = fields.agree_fields([(self.dump(vote.answer), vote.trust) for vote in votes])
        return Verdict(fields.read(found), support)

    def source(self, item: Json) -> Source:
        """The item's own question, or the job's template. Raises Invalid if there is neither."""
        question = question_of(item)
        if question is not None:
            return Source(question.sort, question.url, question.content, question.height)
        if not self.settings.template.strip():
            raise Invalid("template: write the page, or give each item a question of its own")
        return Source("liquid", content=self.settings.template)

    def task_input(self, item: Json) -> dict[str, Any]:
        """The sort and height of the frame; what it shows stays behind its address."""
        source = self.source(item)
        shown = {"sort": source.sort, "height": source.height}
        return {"media": "page", "value": "", "question": "", "labels": [], "frame": shown}

    def seconds(self, item: Json) -> float:  # noqa: ARG002 - a page of one's own may be anything
        """A page is looked through, then filled in."""
        return 30.0


def question_of(item: Json) -> Question | None:
    """The question that an item brings, if it does. Raises Invalid."""
    return reading.model(Question, item[QUESTION]) if item.get(QUESTION) else None
