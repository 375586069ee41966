"""Which reader a file needs, by what it holds first and by its name second; and its first rows for a preview."""

import csv as standard_csv
import functools
import io
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath
from typing import BinaryIO, NamedTuple, cast

from broker.errors import Invalid
from broker.formats import csv, jsonl, parquet
from broker.formats import zip as zip_
from broker.formats.limits import KIB, Limits
from broker.formats.lines import BOM, UTF16
from broker.formats.rows import Bookmark, Piece, Problem, Read, Row

HEAD = 64 * KIB
TAKEN = "CSV, TSV, JSON Lines, Parquet and a ZIP of images, sounds or films are accepted"
MAGIC = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
FOREIGN = (
    ((b"\x1f\x8b", b"BZh9", b"\xfd7zXZ", b"7z\xbc\xaf", b"Rar!", b"\x28\xb5\x2f\xfd"), "packed; unpack it first"),
    ((b"\xd0\xcf\x11\xe0",), "an old Office file; save the table as CSV"),
    ((b"%PDF",), "a PDF"),
    ((b"\x89PNG", b"\xff\xd8\xff", b"GIF8"), "one picture; put the images in a ZIP"),
    ((b"RIFF", b"ID3", b"OggS", b"fLaC", b"\x1a\x45\xdf\xa3"), "one picture or recording; put the files in a ZIP"),
    (UTF16, "UTF-16 text; save it as UTF-8"),
)
OFFICE = (b"[Content_Types].xml", b"mimetypeapplication/vnd.oasis")
SEPARATED = {".csv", ".tsv", ".tab", ".txt", ""}
JSON = {".jsonl", ".ndjson", ".json"}
DELIMITERS = ",;\t"
STRAY = 8


class Reader(NamedTuple):
    """A reader by name: csv, tsv, jsonl, parquet or zip."""

    name: str
    read: Read
    read_whole: Callable[..., Iterator[Piece]] | None = None
    """The same with rows together where that is cheaper."""


class Sample(NamedTuple):
    """The first rows of a file, with the names of the columns they have, in order of appearance."""

    columns: list[str]
    rows: list[Row]
    problems: list[Problem]


def reader_for(filename: str, head: bytes) -> Reader:
    """The reader for a file, from its name and its first bytes (HEAD are enough); raises Invalid for any other kind."""
    ending = PurePosixPath(filename.replace("\\", "/")).suffix.lower()
    if not head.removeprefix(BOM).strip():
        raise Invalid("The file is empty: it has no rows.")
    if head.startswith(MAGIC):
        if any(mark in head[:200] for mark in OFFICE):
            raise Invalid(f"This is an Office file; save the table as CSV. {TAKEN}.")
        return Reader("zip", zip_.read)
    if head.startswith(b"PAR1"):
        return Reader("parquet", parquet.read)
    for marks, name in FOREIGN:
        if head.startswith(marks):
            raise Invalid(f"This is {name}. {TAKEN}.")
    if ending in {".zip", ".parquet"}:
        raise Invalid(f"The file is called {ending}, but it is none inside. {TAKEN}.")
    return _text_reader(ending, head)


def sample(reader: Reader, stream: BinaryIO, count: int = 20, limits: Limits | None = None) -> Sample:
    """The first `count` rows and the problems met on the way, at most `count` of these too; raises Invalid."""
    rows: list[Row] = []
    problems: list[Problem] = []
    for item in reader.read(stream, Bookmark(), limits or Limits()):
        if isinstance(item, Row):
            rows.append(item)
        else:
            problems.append(item)
        if max(len(rows), len(problems)) >= count:
            break
    return Sample(list(dict.fromkeys(name for row in rows for name in row.payload)), rows, problems)


def _text_reader(ending: str, head: bytes) -> Reader:
    if not _is_text(head):
        raise Invalid(f"This file is neither text nor a known format. {TAKEN}.")
    text = head.removeprefix(BOM).decode(errors="replace").lstrip()
    if ending in JSON or (ending not in {".csv", ".tsv", ".tab"} and text.startswith("{")):
        if text.startswith("["):
            raise Invalid("This is one JSON list; write each object on a line of its own, without commas (JSON Lines).")
        return Reader("jsonl", jsonl.read)
    if ending not in SEPARATED:
        raise Invalid(f"Files called {ending} are not known. {TAKEN}.")
    delimiter = "\t" if ending in {".tsv", ".tab"} else _delimiter(text)
    name = "tsv" if delimiter == "\t" else "csv"
    one_by_one, whole = (functools.partial(way, delimiter=delimiter) for way in (csv.read, csv.read_whole))
    return Reader(name, cast("Read", one_by_one), whole)


def _is_text(head: bytes) -> bool:
    """Hardly a control character but white space: a stray NUL in what is else text is the reader's to name."""
    controls = sum(byte < 32 and byte not in b"\t\n\r\f\v" for byte in head)
    return controls <= STRAY + len(head) // 100


def _delimiter(text: str) -> str:
    """The delimiter that makes most columns of the header; the comma if none does better."""
    return max(DELIMITERS, key=lambda mark: _width(text, mark))


def _width(text: str, delimiter: str) -> int:
    try:
        return len(next(standard_csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True), ()))
    except standard_csv.Error:
        return 0
