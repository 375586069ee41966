"""Sounds and films: told by their content, measured, bare of tags, and the loudness of sounds drawn once for all."""

import base64
from typing import IO, Any, NamedTuple

from broker.errors import Invalid
from broker.formats import boxes, ebml, tags
from broker.formats.limits import Limits

HEAD = 64
NAMES = "WAV, MP3, Ogg, FLAC, M4A, MP4, WebM"
PLAYED = {
    "wav": {"PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "ULAW", "ALAW"},
    "ogg": {"VORBIS", "OPUS"},
    "flac": {"PCM_S8", "PCM_16", "PCM_24"},
    "mp3": {"MPEG_LAYER_III"},
}


class Recording(NamedTuple):
    """A verified recording: its sort and what is known of it: duration in seconds, width, height, peaks."""

    sort: str
    facts: dict[str, Any]

    @property
    def medium(self) -> str:
        """Whether it is to be heard or seen."""
        return "video" if self.sort in {"mp4", "webm"} else "audio"


def sort_of(head: bytes) -> str | None:
    """What the first HEAD bytes promise: a key of PLAYED, `boxes` or `webm`; None for no recording."""
    if head.startswith(b"RIFF") and head[8:12] == b"WAVE":
        return "wav"
    for mark, sort in ((b"fLaC", "flac"), (b"OggS", "ogg"), (b"ID3", "mp3"), (ebml.HEAD, "webm")):
        if head.startswith(mark):
            return sort
    if head[4:8] == b"ftyp" or head[4:8] in {b"moov", b"wide"}:
        return "boxes"
    # A frame of MPEG audio: eleven set bits, and neither the layer nor the rate is the reserved one.
    frame = len(head) > 2 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0 and head[1] & 6 and head[2] & 0xF0 != 0xF0
    return "mp3" if frame else None


def take(file: IO[bytes], limits: Limits) -> Recording:
    """Measure a recording and make its tags blank in the file itself. Raises Invalid saying why it is none we take."""
    file.seek(0)
    sort = sort_of(file.read(HEAD))
    try:
        return _taken(file, sort or "", limits)
    except Invalid:
        raise
    # A decoder of hostile bytes raises whatever the bytes make of it.
    except Exception as error:
        raise Invalid("the recording is damaged and cannot be decoded") from error
    finally:
        file.seek(0)


def _taken(file: IO[bytes], sort: str, limits: Limits) -> Recording:
    if sort in PLAYED:
        from broker.formats import sounds  # noqa: PLC0415 - its libraries are for errands: web processes do without

        tags.BLANK[sort](file)
        heard = sounds.hear(file, PLAYED[sort], limits.recording_seconds)
        return Recording(sort, {"duration": _length(heard.seconds), "peaks": base64.b64encode(heard.peaks).decode()})
    look, blank = (ebml.look, ebml.blank) if sort == "webm" else (boxes.look, boxes.blank)
    movie = look(file)
    if movie.seconds and movie.seconds > limits.recording_seconds:
        raise Invalid(f"the recording is longer than {limits.recording_seconds / 3600:g} hours")
    blank(file)
    facts: dict[str, Any] = {} if movie.seconds is None else {"duration": _length(movie.seconds)}
    if not movie.width:
        return Recording("weba" if sort == "webm" else "m4a", facts)
    return Recording("webm" if sort == "webm" else "mp4", {**facts, "width": movie.width, "height": movie.height})


def _length(seconds: float) -> float:
    """Seconds to the millisecond, and at least one of those: places in a recording are shares of its length."""
    return max(round(seconds, 3), 0.001)


def peaks(shown: str) -> list[float]:
    """Loudness from 0 to 1 over the whole, as `take` wrote it."""
    return [round(one / 255, 2) for one in base64.b64decode(shown)]
