"""MP4, M4A and QuickTime (ISO 14496-12): how long, how large, with what codecs; and their tags made blank in place."""

import io
from collections.abc import Iterator
from typing import IO, NamedTuple

from broker.errors import Invalid

# What people's tags are in: places (©xyz, loci), dates, names of devices.
TAGS = {b"udta", b"meta", b"uuid"}
BRANCHES = {b"moov", b"trak", b"mdia", b"minf", b"stbl", b"mvex"}
# Every browser that is kept up plays these.
VIDEO_CODECS = {b"avc1": "H.264", b"avc3": "H.264", b"av01": "AV1", b"vp08": "VP8", b"vp09": "VP9"}
SOUND_CODECS = {b"mp4a", b"Opus", b"fLaC", b".mp3"}
MOST_BOXES = 20_000
TURNED = 0


class Box(NamedTuple):
    """A box: its name with those it lies in (`moov.trak.tkhd`), where it and its content begin, and where it ends."""

    path: str
    begin: int
    start: int
    end: int


class Movie(NamedTuple):
    """What a container says of itself: seconds (None where it does not say), and the picture's size or zeros."""

    seconds: float | None
    width: int
    height: int


def look(file: IO[bytes]) -> Movie:
    """What a file of boxes holds. Raises Invalid for one that is damaged or that not every browser plays."""
    size = file.seek(0, 2)
    seconds, width, height, playable = None, 0, 0, False
    for box in _boxes(file, 0, size, ""):
        name = box.path.rpartition(".")[2]
        if name == "mvhd":
            seconds = _seconds(_content(file, box))
        elif name == "tkhd":
            across, down = _size(_content(file, box))
            width, height = max(width, across), max(height, down)
        elif name == "stsd":
            playable = _check_codec(_content(file, box)[12:16]) or playable
    if not playable:
        raise Invalid("the recording has no sound and no picture, or is damaged")
    return Movie(seconds, width, height)


def blank(file: IO[bytes]) -> None:
    """Overwrite every tag with free space of the same length, so that nothing else moves."""
    size = file.seek(0, 2)
    for box in [box for box in _boxes(file, 0, size, "") if box.path.rpartition(".")[2].encode("latin-1") in TAGS]:
        file.seek(box.begin + 4)
        file.write(b"free")
        file.seek(box.start)
        for _ in range(box.start, box.end, io.DEFAULT_BUFFER_SIZE):
            file.write(bytes(min(io.DEFAULT_BUFFER_SIZE, box.end - file.tell())))


def _boxes(file: IO[bytes], start: int, end: int, inside: str) -> Iterator[Box]:
    """The boxes from `start` to `end` and, depth first, those in the branches among them; lengths that lie end it."""
    count, level = 0, [(start, end, inside)]
    while level:
        at, stop, path = level.pop()
        while at + 8 <= stop:
            box = _box(file, at, stop, path)
            count += 1
            if box is None or count > MOST_BOXES:
                raise Invalid("the recording is damaged: its boxes do not fit into each other")
            yield box
            if box.path.rpartition(".")[2].encode("latin-1") in BRANCHES:
                level.append((box.start, box.end, box.path))
            at = box.end


def _box(file: IO[bytes], at: int, stop: int, inside: str) -> Box | None:
    file.seek(at)
    head = file.read(16)
    size, start = int.from_bytes(head[:4]), at + 8
    if size == 1:
        size, start = int.from_bytes(head[8:16]), at + 16
    end = at + size if size else stop
    if not start <= end <= stop:
        return None
    name = head[4:8].decode("latin-1")
    return Box(f"{inside}.{name}" if inside else name, at, start, end)


def _content(file: IO[bytes], box: Box) -> bytes:
    file.seek(box.start)
    return file.read(min(box.end - box.start, 1024))


def _seconds(header: bytes) -> float | None:
    """The length in a movie header of either version; a fragmented film has none there."""
    wide = header[:1] == b"\x01"
    at = 20 if wide else 12
    scale, length = int.from_bytes(header[at : at + 4]), int.from_bytes(header[at + 4 : at + (12 if wide else 8)])
    unknown = 2 ** (64 if wide else 32) - 1
    return length / scale if scale and 0 < length < unknown else None


def _size(header: bytes) -> tuple[int, int]:
    """Width and height of a track header as they are seen, a quarter turn applied."""
    at = 52 if header[:1] == b"\x01" else 40
    first, width, height = (int.from_bytes(header[place : place + 4]) for place in (at, at + 36, at + 40))
    width, height = width >> 16, height >> 16
    return (height, width) if first == TURNED else (width, height)


def _check_codec(codec: bytes) -> bool:
    if codec in VIDEO_CODECS or codec in SOUND_CODECS:
        return True
    if codec in {b"hvc1", b"hev1", b"mp4v", b"dvh1", b"apcn", b"apch", b"jpeg", b"s263"}:
        known = ", ".join(dict.fromkeys(VIDEO_CODECS.values()))
        raise Invalid(f"the film is packed as {codec.decode('latin-1')}, which not every browser plays; use {known}")
    return False
