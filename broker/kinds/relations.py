"""The room of relations: entities in a text, and labelled arrows between them."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from broker.annotation import reading, stretches
from broker.annotation.asked import Labelling
from broker.annotation.element import Element
from broker.annotation.kind import FIELD, LABELS, QUESTION, TABLES, Control, Json, Offer, Verdict, Vote
from broker.annotation.numbers import entries
from broker.annotation.showing import given, plain, reading_time, shown
from broker.annotation.weighing import weights
from broker.errors import Invalid
from broker.truth.intervals import Stretch, consensus, likeness, pairs

Link = tuple[int, int, str]
"""From the entity at this place to the entity at that place, and what the arrow says."""


@dataclass(frozen=True)
class Graph:
    """Entities in the order of the text, and links between their places."""

    entities: tuple[Stretch, ...]
    links: tuple[Link, ...]


class Settings(Labelling):
    """What a requester sets."""

    media: Literal["text"] = "text"
    relations: tuple[Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)], ...] = (
        Field(min_length=1, max_length=100)
    )
    entities: str = Field("", max_length=100)
    """The column that holds the entities, as JSON: workers then only relate them."""

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        for name in self.relations:
            if self.relations.count(name) > 1:
                raise ValueError(f"relation {name!r} stands there twice")
        return self


class Relations(Element[Graph]):
    """Which things in this text have to do with each other?

    The JSON of an answer is what `broker-relations` submits: {"annotation": {"entities": [{"id": "T1", "label":
    "person", "startOffset": 0, "endOffset": 3}], "relations": [{"from": "T1", "to": "T2", "label": "met"}]}}; ids are
    T1, T2 ... in the order of the text.
    """

    name: ClassVar[str] = "relations"
    title: ClassVar[str] = "Relate marks in a text"
    offers: ClassVar[tuple[Offer, ...]] = (
        Offer("relations", "Relations", "Mark things in a text and draw labelled arrows.", {"media": "text"}),
    )
    controls: ClassVar[tuple[Control, ...]] = (
        FIELD,
        QUESTION,
        LABELS,
        Control("relations", "Relations", "lines", "What arrows can say, one a line."),
        Control("entities", "Column of marks", "cells", "If things are marked already, as JSON.", optional=True),
    )
    exports: ClassVar[tuple[str, ...]] = (*TABLES, "datasets")
    enough: ClassVar[float] = 0.5
    part: ClassVar[str] = "entities"

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._shown = settings.model_dump(mode="json", exclude={"field", "entities"})

    @classmethod
    def furnish(cls, settings: Json) -> Self:
        """The room with a requester's settings. Raises Invalid, naming the field."""
        return cls(reading.model(Settings, settings))

    def parse(self, raw: Any, item: Json) -> Graph:
        """A worker's answer. Raises Invalid."""
        text, inside = given(self.settings, item), self.inside(raw)
        listed = inside.get("entities")
        found = stretches.spans(listed, "entities", self.settings.names, None if text is None else len(text))
        entities = tuple(sorted(set(found)))
        ids: dict[str, int] = {}
        for at, (one, mark) in enumerate(zip(listed or (), found, strict=True)):
            name = reading.text(one.get("id"), f"entities[{at}].id")
            if name in ids:
                raise Invalid(f"entities[{at}].id: {name!r} stands there twice")
            ids[name] = entities.index(mark)
        relations = enumerate(entries(inside.get("relations"), "relations"))
        links = {self._link(one, f"relations[{at}]", ids) for at, one in relations}
        if (
            self.settings.entities
            and text is not None
            and [_json(one) for one in entities] != self._given(item, len(text))
        ):
            raise Invalid("entities: these are not the marks of the item")
        return Graph(entities, tuple(sorted(links)))

    def _link(self, raw: Any, name: str, ids: Mapping[str, int]) -> Link:
        one = reading.record(raw, name)
        ends = [reading.text(one.get(end), f"{name}.{end}") for end in ("from", "to")]
        for end in ends:
            if end not in ids:
                raise Invalid(f"{name}: there is no entity {end!r}")
        if ids[ends[0]] == ids[ends[1]]:
            raise Invalid(f"{name}: {ends[0]!r} is related to itself")
        return ids[ends[0]], ids[ends[1]], stretches.label(one.get("label"), f"{name}.label", self.settings.relations)

    def dump(self, answer: Graph) -> dict[str, Any]:
        """The JSON of the element."""
        entities = [{"id": f"T{at}", **_json(one)} for at, one in enumerate(answer.entities, 1)]
        links = [{"from": f"T{one + 1}", "to": f"T{other + 1}", "label": label} for one, other, label in answer.links]
        return {self.element: {"entities": entities, "relations": links}}

    def likeness(self, one: Graph, other: Graph) -> float:
        """The mean of the F1 of entities and of relations, both by overlap; of relations only, where marks are given.

        Two relations are a pair where they say the same and both their ends are pairs of entities.
        """
        marks = likeness(one.entities, other.entities)
        links = _alike(one, other)
        if self.settings.entities and one.entities == other.entities:
            return links
        return (marks + links) / 2

    def aggregate(self, votes: Sequence[Vote[Graph]]) -> Verdict[Graph]:
        """Entities that enough of the trusted weight marks, then relations that more than half of that weight draws."""
        strength = weights(votes)
        agreed = consensus([vote.answer.entities for vote in votes], strength, apart=False)
        entities = tuple(sorted({one.stretch for one in agreed}))
        drawn: dict[Link, float] = defaultdict(float)
        seen: dict[tuple[int, int], float] = defaultdict(float)
        for vote, weight in zip(votes, strength, strict=True):
            place = {mine: ours for mine, ours, _ in pairs(vote.answer.entities, entities)}
            for link in {(place[a], place[b], label) for a, b, label in vote.answer.links if a in place and b in place}:
                drawn[link] += weight
            for a in place.values():
                for b in place.values():
                    seen[a, b] += weight
        links = tuple(sorted(link for link, weight in drawn.items() if weight > seen[link[:2]] / 2))
        answer = Graph(entities, links)
        alike = [self.likeness(vote.answer, answer) * weight for vote, weight in zip(votes, strength, strict=True)]
        return Verdict(answer, min(1.0, sum(alike) / sum(strength)))

    def task_input(self, item: Json) -> dict[str, Any]:
        """The item's text, and its marks where they are given, beside the question, the labels and the relations."""
        text = shown(self.settings, item)
        marks = self._given(item, len(text)) if self.settings.entities else []
        entities = [{"id": f"T{at}", **one} for at, one in enumerate(marks, 1)]
        return {**self._shown, "value": text, "fixed": bool(self.settings.entities), "entities": {"entities": entities}}

    def seconds(self, item: Json) -> float:
        """The text is read twice, with a thought about what belongs together."""
        return 10 + 3 * reading_time(item.get(self.settings.field, ""))

    def _given(self, item: Json, length: int) -> list[dict[str, Any]]:
        column, raw = self.settings.entities, item.get(self.settings.entities)
        try:
            listed = json.loads(plain(raw)) if isinstance(raw, str) else raw
        except (ValueError, RecursionError):
            raise Invalid(f"column {column!r} is no JSON") from None
        found = stretches.spans(listed, f"column {column!r}", self.settings.names, length)
        return [_json(one) for one in sorted(set(found))]


def _json(one: Stretch) -> dict[str, Any]:
    return {"label": one.label, "startOffset": one.start, "endOffset": one.end}


def _alike(one: Graph, other: Graph) -> float:
    total = len(one.links) + len(other.links)
    if not total:
        return 1.0
    found = {mine: (theirs, overlap) for mine, theirs, overlap in pairs(one.entities, other.entities)}
    wanted, shares = set(other.links), []
    for a, b, label in one.links:
        if a in found and b in found and (found[a][0], found[b][0], label) in wanted:
            shares.append(min(found[a][1], found[b][1]))
    return 2 * sum(sorted(shares)) / total
