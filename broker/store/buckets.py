"""Where s3:// addresses lead: buckets and prefixes that an admin has mapped to folders or other fsspec URLs."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import IO, Any

import fsspec

from broker.errors import Invalid, NotFound, TooLarge

SCHEME = "s3://"


class Buckets:
    """The map of an installation: {"bucket" or "bucket/prefix": "file:///folder" or another fsspec URL}.

    The longest prefix that fits decides. Nothing outside of what is mapped can be named: not by .. or empty parts.
    """

    def __init__(self, places: Mapping[str, str]) -> None:
        self._places = {tuple(name.strip("/").split("/")): url for name, url in places.items()}

    def _find(self, uri: str) -> tuple[Any, str]:
        parts = parts_of(uri)
        for length in range(len(parts) - 1, 0, -1):
            url = self._places.get(parts[:length])
            if url is not None:
                system, root = fsspec.core.url_to_fs(url, auto_mkdir=True)
                return system, "/".join((root.rstrip("/"), *parts[length:]))
        known = ", ".join(f"s3://{'/'.join(one)}" for one in sorted(self._places)) or "none"
        raise Invalid(f"{uri[:200]!r} lies in no bucket that BROKER_BUCKETS maps ({known})")

    @contextmanager
    def open(self, uri: str, mode: str = "rb") -> Iterator[IO[Any]]:
        """Open the object of this address. Raises Invalid if no bucket that is mapped has it, NotFound."""
        system, path = self._find(uri)
        try:
            with system.open(path, mode) as file:
                yield file
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
            raise NotFound(f"There is no {uri[:200]!r}.") from None

    def check(self, uri: str) -> None:
        """Raises Invalid if the address lies in no mapped bucket."""
        self._find(uri)

    def read(self, uri: str, most: int) -> bytes:
        """The object's bytes. Raises Invalid, NotFound, TooLarge for more than `most` of them."""
        with self.open(uri) as file:
            content = bytes(file.read(most + 1))
        if len(content) > most:
            raise TooLarge(f"{uri[:200]!r} has more than {most:,} bytes.")
        return content

    def write(self, uri: str, content: bytes) -> None:
        """Keep these bytes under the address. Raises Invalid."""
        with self.open(uri, "wb") as file:
            file.write(content)


def parts_of(uri: str) -> tuple[str, ...]:
    """The bucket and the parts of the key of an s3:// address. Raises Invalid for any other."""
    parts = tuple(uri.removeprefix(SCHEME).split("/"))
    sound = uri.startswith(SCHEME) and len(parts) > 1 and not {"", ".", ".."} & set(parts)
    if not sound or "\\" in uri or not uri.isprintable():
        raise Invalid(f"{uri[:200]!r} is no address such as s3://bucket/key")
    return parts
