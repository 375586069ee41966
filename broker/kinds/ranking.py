"""The room of rankings: things put in order, the best first."""

import json
from collections.abc import Sequence
from typing import Any, ClassVar, Literal, Self

from broker.annotation import reading
from broker.annotation.asked import Asked
from broker.annotation.kind import QUESTION, TABLES, Control, Json, Offer, Verdict, Vote
from broker.annotation.showing import plain, reading_time, shown
from broker.annotation.weighing import weights
from broker.annotation.written import Written
from broker.errors import Invalid
from broker.truth.rankings import concordance, kemeny

Order = tuple[str, ...]
LEAST, MOST = 2, 50
SEPARATOR = "|"


class Settings(Asked):
    """What a requester sets."""

    media: Literal["text"] = "text"


class Ranking(Written[Order]):
    """In which order do these belong?

    The column holds the things: a JSON list of texts, or texts separated by |. An answer is all of them, the best
    first; its JSON is what `broker-ranking` submits: {"ranking": {"ranking": ["c", "a", "b"]}}.
    """

    name: ClassVar[str] = "ranking"
    title: ClassVar[str] = "Put in order"
    offers: ClassVar[tuple[Offer, ...]] = (
        Offer("ranking", "A ranking", "Put a few texts in order, the best first.", {"media": "text"}),
    )
    controls: ClassVar[tuple[Control, ...]] = (
        Control("field", "Column", "cells", "It holds the things to rank: a JSON list, or texts separated by |."),
        QUESTION,
    )
    exports: ClassVar[tuple[str, ...]] = (*TABLES, "datasets", "bradley")
    enough: ClassVar[float] = 0.8

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._shown = settings.model_dump(mode="json", exclude={"field"}) | {"labels": []}

    @classmethod
    def furnish(cls, settings: Json) -> Self:
        """The room with a requester's settings. Raises Invalid, naming the field."""
        return cls(reading.model(Settings, settings))

    def parse(self, raw: Any, item: Json) -> Order:
        """A worker's answer. Raises Invalid."""
        inside = reading.record(reading.record(raw, "answer").get("ranking"), "ranking")
        order = tuple(reading.texts(inside.get("ranking"), "ranking.ranking", most=MOST))
        if len(set(order)) < len(order):
            raise Invalid("ranking: something stands there twice")
        if item and set(order) != set(self._things(item)):
            raise Invalid("ranking: these are not the things of the item")
        return order

    def dump(self, answer: Order) -> dict[str, Any]:
        """The JSON of the element."""
        return {"ranking": {"ranking": list(answer)}}

    def read(self, text: str) -> Order:
        """Things separated by |, or JSON. Raises Invalid."""
        if text.lstrip().startswith("{"):
            return super().read(text)
        return self.parse({"ranking": {"ranking": _listed(text)}}, {})

    def likeness(self, one: Order, other: Order) -> float:
        """The share of pairs that stand in the same order."""
        return concordance(one, other)

    def aggregate(self, votes: Sequence[Vote[Order]]) -> Verdict[Order]:
        """The order that contradicts the least trusted weight."""
        order, agreed = kemeny([vote.answer for vote in votes], weights(votes))
        return Verdict(tuple(order), min(1.0, agreed))

    def task_input(self, item: Json) -> dict[str, Any]:
        """The item's things beside the question."""
        things = [{"value": one, "text": one} for one in self._things(item)]
        return {**self._shown, "value": str(item[self.settings.field]), "items": things}

    def seconds(self, item: Json) -> float:
        """Each is read, and looked at again."""
        return 5 + 3 * reading_time(item.get(self.settings.field, ""))

    def _things(self, item: Json) -> list[str]:
        raw = item.get(self.settings.field)
        name = f"column {self.settings.field!r}"
        found = reading.texts(raw, name, most=MOST) if isinstance(raw, list) else _listed(shown(self.settings, item))
        if not LEAST <= len(found) <= MOST or len(set(found)) < len(found):
            raise Invalid(f"{name}: {LEAST} to {MOST} different things are ranked")
        return found


def _listed(text: str) -> list[str]:
    """The texts of a JSON list, or those between |. Raises Invalid."""
    if not text.lstrip().startswith("["):
        return [part.strip() for part in text.split(SEPARATOR) if part.strip()]
    try:
        return [plain(one) for one in reading.texts(json.loads(text), "the list of things", most=MOST)]
    except (ValueError, RecursionError):
        raise Invalid(f"{text.strip()[:40]!r} is no JSON list") from None
