"""Files for the tests, made in memory."""

import io
import zipfile
import zlib
from collections.abc import Callable, Iterable
from typing import Any, BinaryIO

from PIL import Image

from broker.errors import Problem
from broker.formats.limits import Limits
from broker.formats.rows import Bookmark, Item, Row


class Pipe(io.RawIOBase):
    """A stream that cannot seek and hands out few bytes at a time."""

    def __init__(self, content: bytes, step: int = 7) -> None:
        self._stream, self._step = io.BytesIO(content), step

    def read(self, count: int = -1, /) -> bytes:
        return self._stream.read(min(count, self._step))


def read_all(read: Callable[..., Iterable[Item]], content: bytes, **more: Any) -> tuple[list[Row], list[Problem]]:
    items = list(read(io.BytesIO(content), **more))
    return [item for item in items if isinstance(item, Row)], [item for item in items if not isinstance(item, Row)]


def resume_everywhere(read: Callable[..., Iterable[Item]], content: bytes, limits: Limits | None = None) -> None:
    """Whoever goes on after any row gets exactly the items that come after it."""
    limits = limits or Limits()
    items = list(read(io.BytesIO(content), Bookmark(), limits))
    for at, item in enumerate(items):
        if isinstance(item, Row):
            bookmark = Bookmark(item.offset, item.number)
            assert list(read(io.BytesIO(content), bookmark, limits)) == items[at + 1 :]


def png(width: int = 4, height: int = 3, kind: str = "PNG", **options: Any) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (width, height), "red").save(stream, kind, **options)
    return stream.getvalue()


def png_that_claims(width: int, height: int) -> bytes:
    """A PNG of 4 x 3 whose header, with a correct checksum, says another size."""
    content = bytearray(png())
    content[16:24] = width.to_bytes(4, "big") + height.to_bytes(4, "big")
    content[29:33] = zlib.crc32(content[12:29]).to_bytes(4, "big")
    return bytes(content)


def packed(entries: Iterable[tuple[str | zipfile.ZipInfo, bytes]], method: int = zipfile.ZIP_STORED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return stream.getvalue()


def stream(content: bytes) -> BinaryIO:
    return io.BytesIO(content)
