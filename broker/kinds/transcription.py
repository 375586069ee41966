"""The room of transcription: what is said in a recording, as one text or in segments with times and speakers."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, StringConstraints

from broker.annotation import reading, stretches
from broker.annotation.asked import Asked
from broker.annotation.element import Element
from broker.annotation.kind import FIELD, QUESTION, TABLES, Control, Json, Offer, Verdict, Vote
from broker.annotation.numbers import entries
from broker.annotation.showing import shown
from broker.annotation.weighing import weights
from broker.errors import Invalid
from broker.truth import intervals
from broker.truth.intervals import Stretch
from broker.truth.wording import by_words

if TYPE_CHECKING:
    from broker.truth.rover import Won

LONGEST = 100_000
WORDS = 0.7
"""What the words count for between transcripts in segments; the rest is who spoke when."""


@dataclass(frozen=True)
class Segment:
    """What one speaker says from `start` to `end` (seconds)."""

    start: float
    end: float
    text: str
    speaker: str | None = None


@dataclass(frozen=True)
class Transcript:
    """A text, and the segments that make it up, if it was written in such; blanks between words are single ones."""

    text: str
    segments: tuple[Segment, ...] = ()
    duration: float | None = field(default=None, compare=False)


class Settings(Asked):
    """What a requester sets."""

    media: Literal["audio"] = "audio"
    segments: bool = False
    speakers: tuple[Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=50)], ...] = Field(
        (), max_length=20
    )


class Transcription(Element[Transcript]):
    """What is said?

    The JSON of an answer is what `broker-transcription` submits: {"annotation": {"text": "Good morning.", "segments":
    [{"start": 0.705, "end": 2.114, "text": "Good morning.", "speaker": "A"}], "inputMediaProperties": {"duration":
    8.52}}}. In a table it is the text alone where there are no segments.
    """

    name: ClassVar[str] = "transcription"
    title: ClassVar[str] = "Write what is said"
    offers: ClassVar[tuple[Offer, ...]] = (
        Offer(
            "transcript", "A transcript", "Write what is said in a recording.", {"media": "audio", "segments": False}
        ),
        Offer(
            "segments",
            "A transcript with times",
            "Who says what, from when to when.",
            {"media": "audio", "segments": True},
        ),
    )
    controls: ClassVar[tuple[Control, ...]] = (
        FIELD,
        QUESTION,
        Control(
            "speakers",
            "Speakers",
            "lines",
            "If segments have speakers: their names, one a line.",
            start=[],
            optional=True,
        ),
    )
    exports: ClassVar[tuple[str, ...]] = (*TABLES, "datasets", "webvtt", "srt")
    enough: ClassVar[float] = 0.8
    part: ClassVar[str] = "segments"

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._shown = settings.model_dump(mode="json", exclude={"field"}) | {"labels": []}

    @classmethod
    def furnish(cls, settings: Json) -> Self:
        """The room with a requester's settings. Raises Invalid, naming the field."""
        return cls(reading.model(Settings, settings))

    def parse(self, raw: Any, item: Json) -> Transcript:  # noqa: ARG002 - what is said is not known here
        """A worker's answer. Raises Invalid."""
        inside = self.inside(raw)
        duration = stretches.duration(inside)
        if not self.settings.segments:
            return Transcript(_words(inside.get("text"), "text"), (), duration)
        listed = enumerate(entries(inside.get(self.part), self.part))
        segments = tuple(sorted((self._segment(one, f"{self.part}[{at}]") for at, one in listed), key=_order))
        return Transcript(_joined(segments), segments, duration)

    def _segment(self, raw: Any, name: str) -> Segment:
        start, end = stretches.times(raw, name)
        text, speaker = _words(raw.get("text"), f"{name}.text"), None
        if self.settings.speakers:
            speaker = stretches.label(raw.get("speaker"), f"{name}.speaker", self.settings.speakers)
        return Segment(start, end, text, speaker)

    def dump(self, answer: Transcript) -> dict[str, Any]:
        """The JSON of the element."""
        segments = [
            {"start": one.start, "end": one.end, "text": one.text, **({"speaker": one.speaker} if one.speaker else {})}
            for one in answer.segments
        ]
        about = {} if answer.duration is None else {"inputMediaProperties": {"duration": answer.duration}}
        return {self.element: {"text": answer.text, self.part: segments, **about}}

    def read(self, text: str) -> Transcript:
        """A text, or segments as JSON. Raises Invalid."""
        return super().read(text) if self.settings.segments else Transcript(_words(text, "text"))

    def show(self, answer: Transcript) -> str:
        """The text, or segments as JSON."""
        return super().show(answer) if self.settings.segments else answer.text

    def likeness(self, one: Transcript, other: Transcript) -> float:
        """1 - WER by the longer text, case and punctuation counting for a tenth; with segments also who spoke when."""
        words = by_words(one.text, other.text)
        if not self.settings.segments or one == other:
            return words
        return WORDS * words + (1 - WORDS) * intervals.likeness(_stretches(one), _stretches(other))

    def aggregate(self, votes: Sequence[Vote[Transcript]]) -> Verdict[Transcript]:
        """ROVER, word by word, weighed by trust; segments are those of the transcript that is most like the others."""
        from broker.truth.rover import rover  # noqa: PLC0415 - numpy is not for web processes

        strength = weights(votes)
        best = self._best_first([vote.answer for vote in votes], strength)
        first = votes[best[0]].answer
        won = rover([votes[at].answer.text.split() for at in best], [strength[at] for at in best])
        segments = _filled(first.segments, won)
        text = _joined(segments) if self.settings.segments else " ".join(one.word for one in won)
        silent = sum(weight for vote, weight in zip(votes, strength, strict=True) if not vote.answer.text)
        sure = sum(one.share for one in won) / len(won) if won else silent / sum(strength)
        return Verdict(Transcript(text, segments, first.duration), min(1.0, sure))

    def _best_first(self, answers: Sequence[Transcript], strength: Sequence[float]) -> list[int]:
        everyone = range(len(answers))
        support = [
            strength[one] * sum(strength[other] * self.likeness(answers[one], answers[other]) for other in everyone)
            for one in everyone
        ]
        return sorted(everyone, key=lambda one: -support[one])

    def task_input(self, item: Json) -> dict[str, Any]:
        """The item's recording beside the question."""
        return {**self._shown, "value": shown(self.settings, item)}

    def seconds(self, item: Json) -> float:  # noqa: ARG002 - the length of a recording is not known here
        """Ten seconds of speech, written in five times as long; times take as long again."""
        return 100.0 if self.settings.segments else 50.0


def _words(raw: Any, name: str) -> str:
    return " ".join(reading.text(raw, name, longest=LONGEST).split())


def _joined(segments: Sequence[Segment]) -> str:
    text = " ".join(one.text for one in segments if one.text)
    if len(text) > LONGEST:
        raise Invalid(f"segments: {len(text):,} characters are more than {LONGEST:,}")
    return text


def _order(one: Segment) -> tuple[float, float, str, str]:
    return one.start, one.end, one.text, one.speaker or ""


def _stretches(one: Transcript) -> list[Stretch]:
    return [Stretch(part.start, part.end, part.speaker or "") for part in one.segments]


def _filled(segments: Sequence[Segment], won: "Sequence[Won]") -> tuple[Segment, ...]:
    """The segments of the first transcript with the words that won; a word more stays with the one before it."""
    filled, at, until = [], 0, 0
    for number, one in enumerate(segments):
        until += len(one.text.split())
        words, last = [], number == len(segments) - 1
        while at < len(won) and (last or won[at].origin < until):
            words.append(won[at].word)
            at += 1
        filled.append(Segment(one.start, one.end, " ".join(words), one.speaker))
    return tuple(sorted(filled, key=_order))
