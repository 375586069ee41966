"""What a simulated worker sees in an item: the truth, found by the item's text or by its picture."""

import csv
import hashlib
import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
from PIL import Image


class Truths:
    """True labels by what is on screen: the text itself, or a digest of the decoded picture."""

    def __init__(self, labels: Mapping[str, str]) -> None:
        self._labels = dict(labels)

    def of_text(self, text: str) -> str:
        """The truth of a text. Raises ClickException if it is not known."""
        return self._known(text.strip(), repr(text[:60]))

    def of_picture(self, content: bytes) -> str:
        """The truth of a picture, however it is packed. Raises ClickException if it is not known."""
        return self._known(digest(content), "a picture")

    def _known(self, key: str, shown: str) -> str:
        if key not in self._labels:
            raise click.ClickException(f"the truth file says nothing of {shown}")
        return self._labels[key]


def digest(content: bytes) -> str:
    """The same text for the same pixels."""
    with Image.open(io.BytesIO(content)) as picture:
        plain = picture.convert("RGBA")
    return hashlib.sha256(repr(plain.size).encode() + plain.tobytes()).hexdigest()


def read(path: Path, key: str, label: str, pictures: Path | None = None) -> Truths:
    """Truths from a CSV file; with `pictures` (a ZIP) its key column names files in there. Raises ClickException."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    for column in (key, label):
        if not rows or column not in rows[0]:
            raise click.ClickException(f"{path} has no column {column!r}")
    named = {_cell(row, key): _cell(row, label) for row in rows}
    if pictures is None:
        return Truths(named)
    with zipfile.ZipFile(pictures) as archive:
        return Truths({digest(archive.read(name)): named[name] for name in archive.namelist() if name in named})


def _cell(row: Mapping[str, Any], column: str) -> str:
    return str(row[column] or "").strip()
