"""Uploaded files behind fsspec: a local folder by default, any object store by configuration."""

import itertools
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

import fsspec

from broker.errors import NotFound


class Files:
    """The uploads of one installation. Keys are made here: no name that a user chose ever becomes a path."""

    def __init__(self, url: str) -> None:
        self._system, self._root = fsspec.core.url_to_fs(url, auto_mkdir=True)

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

    def write(self, key: str, content: bytes) -> None:
        """Keep these bytes under the key."""
        with self.open(key, "wb") as file:
            file.write(content)

    def read(self, key: str) -> bytes:
        """The bytes under the key. Raises NotFound."""
        with self.open(key) as file:
            return bytes(file.read())

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
