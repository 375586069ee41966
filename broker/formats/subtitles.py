"""Transcripts and events as subtitles, one file for each recording: WebVTT and SubRip."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, BinaryIO, NamedTuple

from broker.annotation.labelled import Labelled
from broker.formats.archive import Archive

WORDS_A_SECOND = 2.5
"""How fast people speak: for transcripts of recordings whose length nobody told."""


class Cue(NamedTuple):
    """A line on the screen, in whole milliseconds."""

    start: int
    end: int
    text: str
    speaker: str = ""


def write_webvtt(items: Iterable[Labelled], labels: Sequence[str], file: BinaryIO) -> None:  # noqa: ARG001 - as all writers
    """WebVTT (w3.org/TR/webvtt1): speakers as <v>, & < > escaped."""
    _write(items, file, ".vtt", _vtt)


def write_srt(items: Iterable[Labelled], labels: Sequence[str], file: BinaryIO) -> None:  # noqa: ARG001 - as all writers
    """SubRip, which has no escapes: an arrow of two dashes becomes →, a speaker stands before the text."""
    _write(items, file, ".srt", _srt)


def _write(items: Iterable[Labelled], file: BinaryIO, suffix: str, shown: Callable[[Iterable[Cue]], str]) -> None:
    with Archive(file) as archive:
        for item in items:
            archive.write(archive.free(item.name, suffix, item.split), shown(_cues(item)))


def _cues(item: Labelled) -> Iterator[Cue]:
    inside: dict[str, Any] = (item.answer or {}).get("annotation", {})
    for one in inside.get("events", ()):
        yield Cue(_ms(one["start"]), _ms(one["end"]), _line(one["label"]))
    for one in inside.get("segments", ()):
        if one["text"]:
            yield Cue(_ms(one["start"]), _ms(one["end"]), _line(one["text"]), _line(one.get("speaker", "")))
    if inside.get("text") and not inside.get("segments"):
        text = _line(inside["text"])
        told = inside.get("inputMediaProperties", {}).get("duration")
        yield Cue(0, max(1, _ms(told or len(text.split()) / WORDS_A_SECOND)), text)


def _vtt(cues: Iterable[Cue]) -> str:
    blocks = ["WEBVTT\n"]
    for cue in cues:
        speaker = f"<v {_escaped(cue.speaker)}>" if cue.speaker else ""
        blocks.append(f"{_clock(cue.start, '.')} --> {_clock(cue.end, '.')}\n{speaker}{_escaped(cue.text)}\n")
    return "\n".join(blocks)


def _srt(cues: Iterable[Cue]) -> str:
    blocks = []
    for number, cue in enumerate(cues, 1):
        speaker = f"{cue.speaker}: " if cue.speaker else ""
        text = f"{speaker}{cue.text}".replace("-->", "→")
        blocks.append(f"{number}\n{_clock(cue.start, ',')} --> {_clock(cue.end, ',')}\n{text}\n")
    return "\n".join(blocks)


def _clock(ms: int, point: str) -> str:
    seconds, thousandths = divmod(ms, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}{point}{thousandths:03}"


def _ms(seconds: float) -> int:
    return round(seconds * 1000)


def _line(text: str) -> str:
    return " ".join(text.split())


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
