"""A ZIP of images: nothing is unpacked to disk, no name in it is trusted, every image is decoded before it counts."""

import io
import stat
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from typing import BinaryIO

from broker.errors import Invalid, TooLarge
from broker.formats import images
from broker.formats.limits import MIB, Limits
from broker.formats.rows import Bookmark, Item, Problem, Row, guarded, size

BEGINNING, LIMITS = Bookmark(), Limits()
ENCRYPTED = 0x1
# The central directory is read at once; a fair entry needs 46 bytes, its name and some extras.
DIRECTORY_BYTES_PER_ENTRY = 256
# bzip2 and LZMA can turn one block into gigabytes before a reader may stop them.
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
LITTER = {"__MACOSX", "Thumbs.db", "desktop.ini"}
SHOWN = 20


def read(stream: BinaryIO, start: Bookmark = BEGINNING, limits: Limits = LIMITS) -> Iterator[Item]:
    """Rows `{name, media_type, width, height}` with the image's bytes as `content`, in the archive's order.

    Folders, dot files and `__MACOSX` are passed over. An entry that is encrypted, no image, too large or there twice is
    a problem. Raises Invalid for the whole file when it is no ZIP, empty, or hostile: a path with `..`, from the root
    or with a drive, a symbolic link, more entries or bytes than allowed (TooLarge), or packed like a bomb.
    """
    return guarded(_rows(stream, start, limits), start, limits)


def _rows(stream: BinaryIO, start: Bookmark, limits: Limits) -> Iterator[Item]:
    size(stream, limits)
    try:
        archive = zipfile.ZipFile(_Guard(stream, limits))
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OverflowError) as error:
        raise Invalid(f"The ZIP file cannot be read: {error}.") from error
    with archive:
        entries = [entry for entry in archive.infolist() if not entry.is_dir() and not _litter(entry.filename)]
        _refuse_hostile(entries, limits)
        seen = set[str]()
        for number, entry in enumerate(entries, 1):
            again, name = entry.filename in seen, entry.filename
            seen.add(name)
            if number > start.row:
                yield Problem(f"{name}: is in the ZIP twice", number) if again else _row(archive, entry, number, limits)


class _Guard(io.RawIOBase):
    """A stream that refuses to hand out a huge central directory in one piece."""

    def __init__(self, stream: BinaryIO, limits: Limits) -> None:
        self._stream = stream
        self._most = max(limits.zip_entries * DIRECTORY_BYTES_PER_ENTRY, MIB)

    def read(self, count: int = -1, /) -> bytes:
        if count > self._most:
            raise TooLarge("The ZIP's table of contents is too large.")
        return self._stream.read(count)

    def seek(self, offset: int, whence: int = 0, /) -> int:
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True


def _litter(name: str) -> bool:
    parts = name.replace("\\", "/").split("/")
    return any(part in LITTER or (part.startswith(".") and part not in {".", ".."}) for part in parts)


def _refuse_hostile(entries: Sequence[zipfile.ZipInfo], limits: Limits) -> None:
    """Raise Invalid or TooLarge for what the table of contents alone gives away."""
    if len(entries) > limits.zip_entries:
        raise TooLarge(f"The ZIP has {len(entries):,} files; at most {limits.zip_entries:,} are accepted.")
    total = sum(entry.file_size for entry in entries)
    if total > limits.unpacked_bytes:
        raise TooLarge(f"The ZIP unpacks to {total:,} bytes; at most {limits.unpacked_bytes:,} are accepted.")
    problems = []
    for number, entry in enumerate(entries, 1):
        danger = _danger(entry, limits)
        if danger:
            problems.append(Problem(f"{entry.filename!r}: {danger}", number))
    if problems:
        raise Invalid(f"The ZIP is refused: {problems[0].message}.", problems=problems[:SHOWN])


def _danger(entry: zipfile.ZipInfo, limits: Limits) -> str | None:
    name = entry.orig_filename.replace("\\", "/")
    if ".." in name.split("/"):
        return "the path leads out of its folder"
    if name.startswith("/") or name[1:2] == ":":
        return "the path is absolute"
    if not name.isprintable():
        return "the name has control characters"
    if stat.S_ISLNK(entry.external_attr >> 16):
        return "a symbolic link"
    if entry.file_size > max(MIB, limits.zip_ratio * entry.compress_size):
        return f"packed more than {limits.zip_ratio} : 1, like a ZIP bomb"
    return None


def _row(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, number: int, limits: Limits) -> Item:
    name = entry.filename.replace("\\", "/")
    try:
        content = _content(archive, entry, limits)
        picture = images.verify(content, limits)
    except Invalid as refusal:
        return Problem(f"{name}: {refusal.message}", number)
    return Row(number, {"name": name, **picture._asdict()}, number, content)


def _content(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, limits: Limits) -> bytes:
    """The entry's bytes, at most as many as declared; raises Invalid saying why there are none."""
    if entry.flag_bits & ENCRYPTED:
        raise Invalid("encrypted; pack it without a password")
    if entry.compress_type not in METHODS:
        raise Invalid("packed with a method other than stored or deflate")
    if entry.file_size > limits.image_bytes:
        raise Invalid(f"has {entry.file_size:,} bytes; at most {limits.image_bytes:,} are accepted")
    try:
        content = archive.read(entry)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, OSError) as error:
        raise Invalid("damaged in the ZIP and cannot be unpacked") from error
    if content.startswith(b"PK\x03\x04"):
        raise Invalid("an archive inside the archive; put the images in directly")
    return content
