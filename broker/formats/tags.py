"""The tags of sounds made blank in place: titles, places and pictures become padding, the sound stays as it was."""

from collections.abc import Callable, Iterator
from typing import IO

WAV_KEPT = {b"fmt ", b"data", b"fact"}
LAST_FLAC_BLOCK, FLAC_PADDING = 0x80, 1
# Stream info and the seek table say how to play; cue sheets, pictures and comments do not.
FLAC_KEPT = {0, 3, FLAC_PADDING}
ID3_HEAD, ID3_OLD = 10, 128
BLOCK = 64 * 1024


def _zero(file: IO[bytes], start: int, end: int) -> None:
    file.seek(start)
    for at in range(start, end, BLOCK):
        file.write(bytes(min(BLOCK, end - at)))


def wav(file: IO[bytes]) -> None:
    """Every chunk of a RIFF file but its format, its samples and their count becomes JUNK."""
    for at, name, size in list(_chunks(file)):
        if name not in WAV_KEPT:
            file.seek(at)
            file.write(b"JUNK")
            _zero(file, at + 8, at + 8 + size)


def _chunks(file: IO[bytes]) -> Iterator[tuple[int, bytes, int]]:
    total, at = file.seek(0, 2), 12
    while at + 8 <= total:
        file.seek(at)
        name, size = file.read(4), int.from_bytes(file.read(4), "little")
        yield at, name, min(size, total - at - 8)
        at += 8 + size + size % 2


def flac(file: IO[bytes]) -> None:
    """Every metadata block (RFC 9639) but stream info and the seek table becomes padding."""
    total, at, last = file.seek(0, 2), 4, 0
    while not last and at + 4 <= total:
        file.seek(at)
        head = file.read(4)
        last, sort, end = head[0] & LAST_FLAC_BLOCK, head[0] & 0x7F, at + 4 + int.from_bytes(head[1:])
        if sort not in FLAC_KEPT:
            file.seek(at)
            file.write(bytes([last | FLAC_PADDING]))
            _zero(file, at + 4, min(end, total))
        at = end


def mp3(file: IO[bytes]) -> None:
    """The frames of an ID3v2 tag become its padding; an ID3v1 tag at the end becomes zeros."""
    total = file.seek(0, 2)
    file.seek(0)
    head = file.read(ID3_HEAD)
    if head.startswith(b"ID3") and len(head) == ID3_HEAD:
        size = 0
        for byte in head[6:]:
            size = size << 7 | byte & 0x7F
        file.seek(5)
        file.write(b"\0")  # no unsynchronisation, no extended header
        _zero(file, ID3_HEAD, min(ID3_HEAD + size, total))
    file.seek(max(0, total - ID3_OLD))
    if file.read(3) == b"TAG":
        _zero(file, total - ID3_OLD, total)


def ogg(_: IO[bytes]) -> None:
    """The comments of an Ogg stay: each page has a checksum, and phones write no places into them."""


BLANK: dict[str, Callable[[IO[bytes]], None]] = {"wav": wav, "flac": flac, "mp3": mp3, "ogg": ogg}
"""What makes the tags of a sound blank, by its sort."""
