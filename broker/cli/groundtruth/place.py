"""Where an export goes: a folder of this machine, or a prefix of a mapped bucket."""

from dataclasses import dataclass
from pathlib import Path

from broker.store.buckets import SCHEME, Buckets


@dataclass(frozen=True)
class Place:
    """A folder (`root` is its path) or an s3:// prefix; files in it have names with slashes."""

    root: str
    buckets: Buckets

    def address(self, name: str) -> str:
        """The s3:// address of a file in it; in a folder its file:// address."""
        if self.root.startswith(SCHEME):
            return f"{self.root.rstrip('/')}/{name}"
        return (Path(self.root).resolve() / name).as_uri()

    def write(self, name: str, content: bytes) -> None:
        """Keep a file, whole. Raises Invalid for a bucket that is not mapped."""
        if self.root.startswith(SCHEME):
            self.buckets.write(self.address(name), content)
            return
        path = Path(self.root) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.part")
        draft.write_bytes(content)
        draft.replace(path)
