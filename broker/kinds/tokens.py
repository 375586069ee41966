"""The room of tokens: a tag for every word of a text, as parts of speech."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, ClassVar, Literal, NamedTuple, Self

from pydantic import Field

from broker.annotation import reading, stretches
from broker.annotation.asked import Labelling
from broker.annotation.element import Element
from broker.annotation.kind import FIELD, LABELS, QUESTION, TABLES, Control, Json, Offer, Verdict, Vote
from broker.annotation.numbers import entries
from broker.annotation.showing import given, reading_time, shown
from broker.annotation.tokens import located, tokens
from broker.annotation.weighing import weights
from broker.errors import Invalid

LONGEST = 1000
SECONDS_A_TOKEN = 1.5


class Token(NamedTuple):
    """A word at its place (code points, end exclusive) with its tag; None where it may go without one."""

    start: int
    end: int
    text: str
    tag: str | None


Tagged = tuple[Token, ...]


class Settings(Labelling):
    """What a requester sets."""

    media: Literal["text"] = "text"
    optional: bool = False
    """Tokens may go without a tag."""
    tokens: str = Field("", max_length=100)
    """The column that holds the tokens: a JSON list of texts, or texts between blanks; else they are cut here."""


class Tokens(Element[Tagged]):
    """What is each word of this text?

    An answer is all tokens in the order of the text. Its JSON is what `broker-token-tagging` submits: {"annotation":
    {"tokens": [{"startOffset": 0, "endOffset": 3, "text": "Ada", "tag": "PROPN"}]}}. Tokens are given by the item or
    cut by one rule, so that all workers tag the same ones.
    """

    name: ClassVar[str] = "tokens"
    title: ClassVar[str] = "Tag every word"
    offers: ClassVar[tuple[Offer, ...]] = (
        Offer("tokens", "Parts of speech", "A tag for every word of a text.", {"media": "text"}),
    )
    controls: ClassVar[tuple[Control, ...]] = (
        FIELD,
        QUESTION,
        LABELS,
        Control("optional", "Words may go without a tag", "yes", start=False),
        Control("tokens", "Column of tokens", "cells", "If your data are cut into words already.", optional=True),
    )
    exports: ClassVar[tuple[str, ...]] = (*TABLES, "datasets", "conllu", "conll2003")
    enough: ClassVar[float] = 0.9
    part: ClassVar[str] = "tokens"

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._shown = settings.model_dump(mode="json", exclude={"field", "tokens"})

    @classmethod
    def furnish(cls, settings: Json) -> Self:
        """The room with a requester's settings. Raises Invalid, naming the field."""
        return cls(reading.model(Settings, settings))

    def parse(self, raw: Any, item: Json) -> Tagged:
        """A worker's answer: every token of the item. Raises Invalid."""
        text = given(self.settings, item)
        listed = entries(self.inside(raw).get(self.part), self.part, most=LONGEST)
        found = tuple(
            sorted({self._token(one, f"{self.part}[{at}]", text) for at, one in enumerate(listed)}, key=_place)
        )
        for one, other in pairwise(found):
            if other.start < one.end:
                raise Invalid(f"{self.part}: {one.text!r} at {one.start} and {other.text!r} at {other.start} overlap")
        if text is not None and [(one.start, one.end) for one in found] != self._cut(text, item):
            raise Invalid(f"{self.part}: these are not the tokens of the text")
        return found

    def _token(self, raw: Any, where: str, text: str | None) -> Token:
        start, end = stretches.places(raw, where, None if text is None else len(text))
        written = reading.text(raw.get("text"), f"{where}.text")
        if text is not None and text[start:end] != written:
            raise Invalid(f"{where}.text: {written!r} does not stand at {start}–{end}")
        tag = raw.get("tag")
        if tag is None and self.settings.optional:
            return Token(start, end, written, None)
        return Token(start, end, written, stretches.label(tag, f"{where}.tag", self.settings.names))

    def dump(self, answer: Tagged) -> dict[str, Any]:
        """The JSON of the element."""
        listed = [{"startOffset": one.start, "endOffset": one.end, "text": one.text, "tag": one.tag} for one in answer]
        return {self.element: {self.part: listed}}

    def likeness(self, one: Tagged, other: Tagged) -> float:
        """The share of tokens with the same tag; a token that only one has counts as another tag."""
        total = len(one) + len(other)
        return 2 * len(set(one) & set(other)) / total if total else 1.0

    def aggregate(self, votes: Sequence[Vote[Tagged]]) -> Verdict[Tagged]:
        """Token by token, the tag with the most trusted weight; sure as far as the weight agrees, on average."""
        strength = weights(votes)
        cuts: dict[tuple[tuple[int, int, str], ...], float] = defaultdict(float)
        tags: dict[tuple[int, int, str], dict[str | None, float]] = defaultdict(lambda: defaultdict(float))
        for vote, weight in zip(votes, strength, strict=True):
            cuts[tuple(one[:3] for one in vote.answer)] += weight
            for one in vote.answer:
                tags[one[:3]][one.tag] += weight
        cut = max(cuts, key=lambda one: cuts[one])
        answer = tuple(Token(*place, _heaviest(tags[place])) for place in cut)
        shares = [tags[one[:3]][one.tag] / sum(strength) for one in answer]
        return Verdict(answer, min(1.0, sum(shares) / len(shares)) if shares else cuts[cut] / sum(strength))

    def task_input(self, item: Json) -> dict[str, Any]:
        """The item's text and its tokens beside the question and the tags."""
        text = shown(self.settings, item)
        places = [{"startOffset": start, "endOffset": end} for start, end in self._cut(text, item)]
        return {**self._shown, "value": text, "tokens": places}

    def seconds(self, item: Json) -> float:
        """The text is read, then each word gets a key."""
        text = str(item.get(self.settings.field, ""))
        return 3 + reading_time(text) + SECONDS_A_TOKEN * len(text.split())

    def _cut(self, text: str, item: Mapping[str, Any]) -> list[tuple[int, int]]:
        column = self.settings.tokens
        found = located(text, _listed(item.get(column), column), column) if column else tokens(text)
        if not found or len(found) > LONGEST:
            raise Invalid(f"column {self.settings.field!r} has {len(found)} tokens; 1 to {LONGEST} can be tagged")
        return found


def _heaviest(tags: Mapping[str | None, float]) -> str | None:
    return max(tags, key=lambda tag: tags[tag])


def _place(token: Token) -> tuple[int, int, str, str]:
    return token.start, token.end, token.text, token.tag or ""


def _listed(raw: Any, column: str) -> list[str]:
    """The tokens of a cell: a list, JSON of one, or what stands between blanks. Raises Invalid."""
    if isinstance(raw, str):
        try:
            raw = json.loads(raw) if raw.lstrip().startswith("[") else raw.split()
        except (ValueError, RecursionError):
            raw = raw.split()
    return reading.texts(raw, f"column {column!r}", most=LONGEST)
