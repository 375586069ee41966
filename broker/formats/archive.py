"""A ZIP that is written entry by entry, with names that unpack safely anywhere."""

import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import IO, BinaryIO, Self

EPOCH = (1980, 1, 1, 0, 0, 0)
UNSAFE = re.compile(r'[\x00-\x1f<>:"|?*\\]')
LONGEST = 120


class Archive:
    """An open ZIP; the same contents give the same bytes."""

    def __init__(self, file: BinaryIO) -> None:
        self._zip = zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED)
        self._taken: set[str] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()

    def free(self, name: str, suffix: str, folder: str = "") -> str:
        """A path that is not taken yet for an item of this name, which may be a path, with another suffix."""
        parts = [UNSAFE.sub("_", part).strip(" .") for part in PurePosixPath(name.replace("\\", "/")).parts]
        kept = [part[:LONGEST] for part in parts if part.strip("/")] or ["item"]
        stem = "/".join([*([folder] if folder else []), *kept[:-1], PurePosixPath(kept[-1]).stem])
        path, number = f"{stem}{suffix}", 1
        while path.casefold() in self._taken:
            number += 1
            path = f"{stem}-{number}{suffix}"
        self._taken.add(path.casefold())
        return path

    def write(self, path: str, content: str | bytes) -> None:
        """An entry; texts in UTF-8, half a surrogate pair becomes its escape."""
        with self.open(path) as entry:
            entry.write(content if isinstance(content, bytes) else content.encode(errors="backslashreplace"))

    @contextmanager
    def open(self, path: str) -> Iterator[IO[bytes]]:
        """An entry to write bytes into."""
        about = zipfile.ZipInfo(path, EPOCH)
        about.compress_type = zipfile.ZIP_DEFLATED
        about.external_attr = 0o644 << 16
        with self._zip.open(about, "w", force_zip64=True) as entry:
            yield entry
