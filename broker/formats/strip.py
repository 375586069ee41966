"""Images without what is not picture: EXIF with its places and previews, XMP, IPTC, comments, whatever trails behind.

Pixels are not touched: the parts of the file that hold them are copied byte for byte, by a list of what is kept.
"""

import re
from collections.abc import Callable, Iterator

from broker.errors import Invalid

# In a scan 0xFF stands before a zero or a restart marker; anything else begins the next segment.
SCAN_END = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]", re.DOTALL)
SOI, EOI, SOS, COM = 0xD8, 0xD9, 0xDA, 0xFE
ALONE = {0x00, 0x01, SOI, *range(0xD0, 0xD8)}
APPLICATIONS = range(0xE0, 0xF0)
JPEG_KEPT = ((0xE0, b"JFIF\0"), (0xE2, b"ICC_PROFILE\0"), (0xEE, b"Adobe"))
PNG_HEAD = b"\x89PNG\r\n\x1a\n"
PNG_KEPT = {
    *(b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"sBIT", b"bKGD", b"pHYs"),
    *(b"acTL", b"fcTL", b"fdAT", b"cICP", b"mDCV", b"cLLI"),
}
WEBP_KEPT = {b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"ICCP"}
WEBP_EXIF_AND_XMP = 0x08 | 0x04
FRAME_HEAD = 16
LOOPS = (b"NETSCAPE2.0", b"ANIMEXTS1.0")


def jpeg(content: bytes) -> bytes:
    """A JPEG (ITU T.81) up to its first end: tables, scans, JFIF, colour profile, Adobe's mark of the colour space."""
    if not content.startswith(b"\xff\xd8"):
        raise Invalid("not a JPEG")
    return b"\xff\xd8" + b"".join(_segments(content)) + b"\xff\xd9"


def _segments(content: bytes) -> Iterator[bytes]:
    at = 2
    while (at := content.find(b"\xff", at)) >= 0 and at + 1 < len(content):
        code = content[at + 1]
        if code == EOI:
            return
        if code in ALONE or code == 0xFF:
            at += 1 if code == 0xFF else 2
            continue
        end = at + 2 + int.from_bytes(content[at + 2 : at + 4])
        if end < at + 4:
            raise Invalid("the image is damaged: a segment has no length")
        if code == SOS:
            found = SCAN_END.search(content, end)
            end = found.start() if found else len(content)
        personal = code in APPLICATIONS or code == COM
        if not personal or any(code == one and content.startswith(mark, at + 4) for one, mark in JPEG_KEPT):
            yield content[at:end]
        at = end


def png(content: bytes) -> bytes:
    """A PNG (W3C PNG 3) of its critical chunks and those about colour, transparency, size of pixels and animation."""
    kept, at = [PNG_HEAD], len(PNG_HEAD)
    while at + 12 <= len(content):
        name, end = content[at + 4 : at + 8], at + 12 + int.from_bytes(content[at : at + 4])
        if name in PNG_KEPT:
            kept.append(content[at:end])
        if name == b"IEND":
            break
        at = end
    return b"".join(kept)


def webp(content: bytes) -> bytes:
    """A WebP (RFC 9649) of its bitstreams, animation and colour profile."""
    body = b"WEBP" + b"".join(_chunks(content, 12))
    return b"RIFF" + len(body).to_bytes(4, "little") + body


def _chunks(content: bytes, at: int) -> Iterator[bytes]:
    while at + 8 <= len(content):
        name, size = content[at : at + 4], int.from_bytes(content[at + 4 : at + 8], "little")
        data = content[at + 8 : at + 8 + size]
        at += 8 + size + size % 2
        if name not in WEBP_KEPT:
            continue
        if name == b"VP8X" and data:
            data = bytes([data[0] & ~WEBP_EXIF_AND_XMP]) + data[1:]
        if name == b"ANMF":
            data = data[:FRAME_HEAD] + b"".join(_chunks(data, FRAME_HEAD))
        yield name + len(data).to_bytes(4, "little") + data + b"\0" * (len(data) % 2)


def gif(content: bytes) -> bytes:
    """A GIF (89a) of its frames, their timing and how often they repeat; no comments, no other application's data."""
    at = 13 + _colours(content[10:11])
    kept = [content[:at]]
    while at < len(content) and content[at] in (0x21, 0x2C):
        label = content[at + 1 : at + 2]
        picture = content[at] == 0x2C
        start = at + 10 + _colours(content[at + 9 : at + 10]) + 1 if picture else at + 2
        end = _blocks_end(content, start)
        loops = label == b"\xff" and content[at + 3 : at + 14] in LOOPS
        if picture or label == b"\xf9" or loops:
            kept.append(content[at:end])
        at = end
    return b"".join(kept) + b"\x3b"


def _colours(flags: bytes) -> int:
    """Bytes of the colour table that these flags announce."""
    return 3 << ((flags[0] & 7) + 1) if flags and flags[0] & 0x80 else 0


def _blocks_end(content: bytes, at: int) -> int:
    while at < len(content) and content[at]:
        at += 1 + content[at]
    return at + 1


STRIP: dict[str, Callable[[bytes], bytes]] = {"jpeg": jpeg, "png": png, "webp": webp, "gif": gif}
"""What takes the metadata out of an image, by its sort. Raises Invalid, and nothing else, for bytes that are none."""
