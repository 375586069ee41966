"""Uploaded files behind fsspec: a local folder by default, any object store by configuration."""

import itertools
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import IO, Any

import fsspec

from broker.errors import NotFound

BLOCK = 1 << 20
PLAIN = {"auto_mkdir": True}
REMOTE = {"use_listings_cache": False}
"""Other processes write too: what was not there a moment ago may be there now."""


class Files:
    """The uploads of one installation. Keys are made here: no name that a user chose ever becomes a path."""

    def __init__(self, url: str, options: Mapping[str, Any] | None = None) -> None:
        local = "://" not in url or url.startswith(("file:", "local:"))
        self._url, self._options = url, {**(PLAIN if local else REMOTE), **(options or {})}
        self._local = local
        self._opened: tuple[int, Any, str] = (0, None, "")

    @property
    def _system(self) -> Any:
        return self._here()[0]

    @property
    def _root(self) -> str:
        return self._here()[1]

    def _here(self) -> tuple[Any, str]:
        # A connection does not survive a fork, and the workers fork for each errand: each process opens its own.
        process, system, root = self._opened
        if process != os.getpid():
            system, root = fsspec.core.url_to_fs(self._url, **self._options)
            self._opened = (os.getpid(), system, root)
        return system, root

    def _path(self, key: str) -> str:
        if not all(part.isalnum() for part in key.split("/")):
            raise NotFound("There is no such file.")
        return f"{self._root}/{key}"

    def fresh_key(self, folder: str) -> str:
        """A key that is not taken, in a folder named by letters and digits."""
        name = secrets.token_hex(16)
        return f"{folder}/{name[:2]}/{name}"

    @contextmanager
    def open(self, key: str, mode: str = "rb") -> Iterator[IO[Any]]:
        """Open a file of this key. Raises NotFound if it is to be read and not there."""
        try:
            with self._system.open(self._path(key), mode) as file:
                yield file
        except FileNotFoundError:
            raise NotFound("There is no such file.") from None

    def write(self, key: str, content: bytes | IO[bytes]) -> None:
        """Keep these bytes, or those of a file from its beginning, under the key."""
        with self.open(key, "wb") as target:
            if isinstance(content, bytes):
                target.write(content)
                return
            content.seek(0)
            while block := content.read(BLOCK):
                target.write(block)

    def publish(self, key: str, content: bytes) -> None:
        """Keep these bytes under a key that others may already read: they find all of them or none."""
        if not self._local:  # an object store shows an object when it is whole
            self.write(key, content)
            return
        aside = f"{key}x{secrets.token_hex(8)}"
        self.write(aside, content)
        os.replace(self._path(aside), self._path(key))  # noqa: PTH105 - fsspec's paths are texts

    def read(self, key: str) -> bytes:
        """The bytes under the key. Raises NotFound."""
        with self.open(key) as file:
            return bytes(file.read())

    def has(self, key: str) -> bool:
        """Whether there is a file of this key."""
        return bool(self._system.isfile(self._path(key)))

    def size(self, key: str) -> int:
        """Bytes under the key. Raises NotFound."""
        try:
            return int(self._system.size(self._path(key)))
        except FileNotFoundError:
            raise NotFound("There is no such file.") from None

    def part(self, key: str, start: int, end: int) -> Iterator[bytes]:
        """The bytes from `start` to before `end`, a block of 1 MiB at a time: no more of them is ever held."""
        for at in range(start, end, BLOCK):
            yield bytes(self._system.cat_file(self._path(key), start=at, end=min(at + BLOCK, end)))

    def stream(self, key: str, block: int) -> Iterator[bytes]:
        """The bytes under the key, `block` of them at a time. Raises NotFound at once, not when it is first read."""
        blocks = self._blocks(key, block)
        return itertools.chain((next(blocks, b""),), blocks)

    def _blocks(self, key: str, block: int) -> Iterator[bytes]:
        with self.open(key) as file:
            while content := file.read(block):
                yield content

    def remove(self, folder: str) -> None:
        """Remove a folder of files, or one file, if it is there."""
        if self._system.exists(self._path(folder)):
            self._system.rm(self._path(folder), recursive=True)
