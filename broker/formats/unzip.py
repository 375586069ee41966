"""A ZIP from a stranger: nothing is unpacked under its own name, no entry is trusted before it is looked at."""

import io
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import IO, BinaryIO

from broker.errors import Invalid, TooLarge
from broker.formats import images, recordings
from broker.formats.limits import MIB, Limits
from broker.formats.rows import Medium, Problem, size

ENCRYPTED = 0x1
# The central directory is read at once; a fair entry needs 46 bytes, its name and some extras.
DIRECTORY_BYTES_PER_ENTRY = 256
# bzip2 and LZMA can turn one block into gigabytes before a reader may stop them.
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
LITTER = {"__MACOSX", "Thumbs.db", "desktop.ini"}
SHOWN = 20
CHUNK = MIB
BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, OSError)


class Archive:
    """An open ZIP whose table of contents has passed; `entries` are its files in order, litter and folders left out."""

    def __init__(self, archive: zipfile.ZipFile, limits: Limits) -> None:
        self._archive, self._limits = archive, limits
        self.entries = [one for one in archive.infolist() if not one.is_dir() and not _litter(one.filename)]
        _refuse_hostile(self.entries, limits)

    def medium(self, number: int) -> Medium:
        """The verified file of the entry with this number, counted from 1. Raises Invalid saying why there is none."""
        entry = self.entries[number - 1]
        with self._opened(entry) as member:
            head = _read(member, recordings.HEAD)
            if head.startswith(b"PK\x03\x04"):
                raise Invalid("an archive inside the archive; put the files in directly")
            if recordings.sort_of(head) is None:
                return self._image(entry, member, head, number)
            return self._recording(entry, member, head, number)

    def _image(self, entry: zipfile.ZipInfo, member: IO[bytes], head: bytes, number: int) -> Medium:
        _refuse_large(entry, self._limits.image_bytes)
        content = head + _read(member, -1)
        try:
            found = images.take(content, self._limits)
        except Invalid as refusal:
            known = content.startswith((b"\x89PNG", b"\xff\xd8\xff", b"GIF8")) or content[8:12] == b"WEBP"
            more = "" if known else f", nor a recording ({recordings.NAMES})"
            raise Invalid(refusal.message + more) from refusal
        facts = {"width": found.width, "height": found.height}
        return Medium("image", found.sort, facts, found.content, number)

    def _recording(self, entry: zipfile.ZipInfo, member: IO[bytes], head: bytes, number: int) -> Medium:
        _refuse_large(entry, self._limits.recording_bytes)
        file = tempfile.TemporaryFile()  # noqa: SIM115 - who reads the rows closes it
        try:
            file.write(head)
            while block := _read(member, CHUNK):
                file.write(block)
            found = recordings.take(file, self._limits)
        except Invalid:
            file.close()
            raise
        return Medium(found.medium, found.sort, found.facts, file, number)

    @contextmanager
    def text(self, number: int) -> Iterator[BinaryIO]:
        """An entry as a seekable file of its own. Raises Invalid, TooLarge."""
        entry = self.entries[number - 1]
        if entry.file_size > self._limits.bytes:
            raise TooLarge(f"{entry.filename} has {entry.file_size:,} bytes; at most {self._limits.bytes:,} are taken.")
        with tempfile.TemporaryFile() as file:
            try:
                with self._opened(entry) as member:
                    while block := _read(member, CHUNK):
                        file.write(block)
            except Invalid as error:
                raise Invalid(f"{entry.filename}: {error.message}") from error
            file.seek(0)
            yield file

    @contextmanager
    def _opened(self, entry: zipfile.ZipInfo) -> Iterator[IO[bytes]]:
        if entry.flag_bits & ENCRYPTED:
            raise Invalid("encrypted; pack it without a password")
        if entry.compress_type not in METHODS:
            raise Invalid("packed with a method other than stored or deflate")
        try:
            member = self._archive.open(entry)
        except BROKEN as error:
            raise _damaged() from error
        with member:
            yield member


@contextmanager
def opened(stream: BinaryIO, limits: Limits) -> Iterator[Archive]:
    """The ZIP in this stream. Raises Invalid when it is none, or hostile; TooLarge over the limits."""
    size(stream, limits)
    try:
        archive = zipfile.ZipFile(_Guard(stream, limits))
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OverflowError) as error:
        raise Invalid(f"The ZIP file cannot be read: {error}.") from error
    with archive:
        yield Archive(archive, limits)


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


def _refuse_large(entry: zipfile.ZipInfo, most: int) -> None:
    if entry.file_size > most:
        raise Invalid(f"has {entry.file_size:,} bytes; at most {most:,} are accepted")


def _read(member: IO[bytes], count: int) -> bytes:
    """Some of an entry's bytes, never more than declared; raises Invalid saying why there are none."""
    try:
        return member.read(count)
    except BROKEN as error:
        raise _damaged() from error


def _damaged() -> Invalid:
    return Invalid("damaged in the ZIP and cannot be unpacked")
