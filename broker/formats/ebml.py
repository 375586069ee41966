"""WebM (RFC 8794, RFC 9559): how long, how large, with what codecs; and its tags made blank in place."""

import struct
from collections.abc import Iterator
from typing import IO, NamedTuple

from broker.errors import Invalid
from broker.formats.boxes import Movie

HEAD = b"\x1a\x45\xdf\xa3"
SEGMENT, INFO, TRACKS, TRACK, VIDEO = 0x18538067, 0x1549A966, 0x1654AE6B, 0xAE, 0xE0
BRANCHES = {0x1A45DFA3, SEGMENT, INFO, TRACKS, TRACK, VIDEO}
DOCTYPE, SCALE, DURATION, CODEC, WIDTH, HEIGHT = 0x4282, 0x2AD7B1, 0x4489, 0x86, 0xB0, 0xBA
DATE, TITLE = 0x4461, 0x7BA9
# Tags, attachments, chapters, the date and the title.
PERSONAL = {0x1254C367, 0x1941A469, 0x1043A770, DATE, TITLE}
VOID = 0xEC
CODECS = {"V_VP8", "V_VP9", "V_AV1", "A_OPUS", "A_VORBIS"}
MOST_ELEMENTS = 100_000
MOST_VALUE = 1024


class Element(NamedTuple):
    """An element: its id, where it and its content begin, and where it ends."""

    id: int
    begin: int
    start: int
    end: int


def look(file: IO[bytes]) -> Movie:
    """What a WebM holds. Raises Invalid for one that is damaged, for other Matroska, for codecs it must not have."""
    scale, length, width, height = 1_000_000, 0.0, 0, 0
    codecs = set[str]()
    for one in _elements(file):
        if one.id in {DOCTYPE, SCALE, DURATION, CODEC, WIDTH, HEIGHT}:
            value = _value(file, one)
            if one.id == DOCTYPE and value != b"webm":
                raise Invalid("Matroska, which browsers do not play; use WebM or MP4")
            if one.id == CODEC:
                codecs.add(value.decode("latin-1"))
            scale = int.from_bytes(value) if one.id == SCALE else scale
            length = _float(value) if one.id == DURATION else length
            width = int.from_bytes(value) if one.id == WIDTH else width
            height = int.from_bytes(value) if one.id == HEIGHT else height
    if not codecs or codecs - CODECS:
        raise Invalid(f"the recording is packed as {', '.join(sorted(codecs)) or 'nothing'}, which no WebM may be")
    seconds = length * scale / 1e9
    return Movie(seconds if 0 < seconds < float("inf") else None, width, height)


def blank(file: IO[bytes]) -> None:
    """Overwrite every tag with void of the same length, so that nothing else moves."""
    for one in [one for one in _elements(file) if one.id in PERSONAL]:
        total = one.end - one.begin
        short = total < 2 + 0x7F
        file.seek(one.begin)
        file.write(bytes([VOID, 0x80 | (total - 2)]) if short else bytes([VOID, 1]) + (total - 9).to_bytes(7))
        file.write(bytes(one.end - file.tell()))


def _elements(file: IO[bytes]) -> Iterator[Element]:
    """The elements of the file, those in branches too, up to the first that does not say how long it is."""
    size = file.seek(0, 2)
    at, count = 0, 0
    while at < size:
        one = _element(file, at, size)
        count += 1
        if one is None or count > MOST_ELEMENTS:
            return
        yield one
        at = one.start if one.id in BRANCHES else one.end


def _element(file: IO[bytes], at: int, size: int) -> Element | None:
    file.seek(at)
    head = file.read(12)
    id_length = _length(head[:1], 4)
    length = _length(head[id_length : id_length + 1], 8) if id_length else 0
    if not length:
        return None
    name, start = int.from_bytes(head[:id_length]), at + id_length + length
    span = int.from_bytes(head[id_length : id_length + length]) & ((1 << 7 * length) - 1)
    unknown = span == (1 << 7 * length) - 1
    # A recording made by a browser does not know how long its segment and clusters become.
    end = (size if name == SEGMENT else -1) if unknown else start + span
    return Element(name, at, start, min(end, size)) if end >= start else None


def _length(first: bytes, most: int) -> int:
    """How many bytes a number has whose first byte is this; 0 if it is none."""
    length = 9 - first[0].bit_length() if first else 0
    return length if 1 <= length <= most else 0


def _value(file: IO[bytes], one: Element) -> bytes:
    file.seek(one.start)
    return file.read(min(one.end - one.start, MOST_VALUE)).rstrip(b"\0" if one.id in {DOCTYPE, CODEC} else b"")


def _float(value: bytes) -> float:
    sorts = {4: ">f", 8: ">d"}
    return float(struct.unpack(sorts[len(value)], value)[0]) if len(value) in sorts else 0.0
