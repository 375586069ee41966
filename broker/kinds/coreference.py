"""The room of coreference: mentions of a text, gathered into clusters of those that mean the same thing."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal, Self

from pydantic import Field

from broker.annotation import reading, stretches
from broker.annotation.asked import Asked
from broker.annotation.element import Element
from broker.annotation.kind import FIELD, QUESTION, TABLES, Control, Json, Offer, Verdict, Vote
from broker.annotation.numbers import entries
from broker.annotation.showing import given, plain, reading_time, shown
from broker.annotation.weighing import weights
from broker.errors import Invalid
from broker.truth.intervals import Stretch, consensus
from broker.truth.mentions import b_cubed, gather

Mention = tuple[int, int]
Clusters = tuple[tuple[Mention, ...], ...]
MOST = 500


class Settings(Asked):
    """What a requester sets."""

    media: Literal["text"] = "text"
    mentions: str = Field("", max_length=100)
    """The column that holds mentions to begin with, as JSON: [{"startOffset": 0, "endOffset": 3}]."""


class Coreference(Element[Clusters]):
    """Which words of this text mean the same thing?

    An answer is clusters of mentions (start, end), both in the order of the text; a mention alone is a cluster of one.
    Its JSON is what `broker-coreference` submits: {"annotation": {"clusters": [[{"startOffset": 0, "endOffset": 3}]]}}.
    """

    name: ClassVar[str] = "coreference"
    title: ClassVar[str] = "Link words that mean the same"
    offers: ClassVar[tuple[Offer, ...]] = (
        Offer(
            "coreference", "Coreference", "Which names and pronouns mean the same person or thing.", {"media": "text"}
        ),
    )
    controls: ClassVar[tuple[Control, ...]] = (
        FIELD,
        QUESTION,
        Control("mentions", "Column of mentions", "cells", "If mentions are marked already, as JSON.", optional=True),
    )
    exports: ClassVar[tuple[str, ...]] = (*TABLES, "datasets", "conllu")
    enough: ClassVar[float] = 0.6
    part: ClassVar[str] = "clusters"

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._shown = settings.model_dump(mode="json", exclude={"field", "mentions"}) | {"labels": []}

    @classmethod
    def furnish(cls, settings: Json) -> Self:
        """The room with a requester's settings. Raises Invalid, naming the field."""
        return cls(reading.model(Settings, settings))

    def parse(self, raw: Any, item: Json) -> Clusters:
        """A worker's answer. Raises Invalid."""
        text = given(self.settings, item)
        length = None if text is None else len(text)
        found = []
        for at, cluster in enumerate(entries(self.inside(raw).get(self.part), self.part, most=MOST)):
            where = f"{self.part}[{at}]"
            listed = enumerate(entries(cluster, where, most=MOST))
            found.append({stretches.places(one, f"{where}[{number}]", length) for number, one in listed})
        mentions = [mention for cluster in found for mention in cluster]
        if len(mentions) > MOST:
            raise Invalid(f"{self.part}: {len(mentions)} mentions are more than {MOST}")
        if len(set(mentions)) < len(mentions):
            raise Invalid(f"{self.part}: a mention stands in two clusters")
        return _ordered(found)

    def dump(self, answer: Clusters) -> dict[str, Any]:
        """The JSON of the element."""
        listed = [[{"startOffset": start, "endOffset": end} for start, end in cluster] for cluster in answer]
        return {self.element: {self.part: listed}}

    def likeness(self, one: Clusters, other: Clusters) -> float:
        """B-cubed F1."""
        return b_cubed(one, other)

    def aggregate(self, votes: Sequence[Vote[Clusters]]) -> Verdict[Clusters]:
        """Mentions that enough of the trusted weight marks, together as more of it says than not."""
        strength = weights(votes)
        marks = [[Stretch(*mention, "") for cluster in vote.answer for mention in cluster] for vote in votes]
        agreed = consensus(marks, strength, apart=False)
        mentions = [(int(one.stretch.start), int(one.stretch.end)) for one in agreed]
        answer = _ordered(gather(mentions, [vote.answer for vote in votes], strength))
        alike = [self.likeness(vote.answer, answer) * weight for vote, weight in zip(votes, strength, strict=True)]
        return Verdict(answer, min(1.0, sum(alike) / sum(strength)))

    def task_input(self, item: Json) -> dict[str, Any]:
        """The item's text, and the mentions to begin with, beside the question."""
        text = shown(self.settings, item)
        return {**self._shown, "value": text, "mentions": self._mentions(item, len(text))}

    def seconds(self, item: Json) -> float:
        """The text is read twice, with a thought about every mention."""
        return 10 + 3 * reading_time(item.get(self.settings.field, ""))

    def _mentions(self, item: Mapping[str, Any], length: int) -> list[dict[str, int]]:
        column = self.settings.mentions
        raw = item.get(column) if column else None
        if raw in (None, ""):
            return []
        try:
            listed = json.loads(plain(raw)) if isinstance(raw, str) else raw
        except (ValueError, RecursionError):
            raise Invalid(f"column {column!r} is no JSON") from None
        name = f"column {column!r}"
        places = [
            stretches.places(one, f"{name}[{at}]", length) for at, one in enumerate(entries(listed, name, most=MOST))
        ]
        return [{"startOffset": start, "endOffset": end} for start, end in sorted(set(places))]


def _ordered(clusters: Sequence[Sequence[Mention] | set[Mention]]) -> Clusters:
    return tuple(sorted(tuple(sorted(cluster)) for cluster in clusters if cluster))
