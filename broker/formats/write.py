"""Results as files, written as a stream: CSV that no spreadsheet executes, and JSON Lines."""

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from broker.formats.limits import KIB

BLOCK = 64 * KIB
# What Excel, LibreOffice and Google Sheets may take for a formula, with the full-width forms that some locales accept.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)


FORMATS = ("csv", "jsonl")


def write(sort: str, rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> Iterator[bytes]:
    """The rows in one of the FORMATS, in blocks of about 64 KiB."""
    return write_jsonl(rows) if sort == "jsonl" else write_csv(rows, columns)


def write_csv(rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> Iterator[bytes]:
    """RFC 4180 in UTF-8, header first, in blocks of about 64 KiB; a missing key is an empty field.

    None is empty, true and false are those words, lists and objects are JSON. A text (or name) that a spreadsheet would
    run as a formula gets a ' before it unless it is a plain number; programs that read the file back take it off.
    """
    page = io.StringIO(newline="")
    writer = csv.writer(page)
    writer.writerow([harmless(name) for name in columns])
    for row in rows:
        writer.writerow([_field(row.get(name)) for name in columns])
        if page.tell() >= BLOCK:
            yield _taken(page)
    yield _taken(page)


def write_jsonl(rows: Iterable[Mapping[str, Any]]) -> Iterator[bytes]:
    """One JSON object on each line, UTF-8, in blocks of about 64 KiB; raises ValueError for NaN and infinity."""
    page = io.StringIO(newline="")
    for row in rows:
        page.write(json.dumps(row, ensure_ascii=False, allow_nan=False, separators=(",", ":")))
        page.write("\n")
        if page.tell() >= BLOCK:
            yield _taken(page)
    if page.tell():
        yield _taken(page)


def harmless(text: str) -> str:
    """The text with a ' before it where a spreadsheet would take it for a formula; plain numbers stay as they are."""
    if text.startswith(FORMULA) and not NUMBER.fullmatch(text):
        return f"'{text}"
    return text


def _field(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return harmless(value)
    if isinstance(value, (bool, list, tuple, dict)):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return str(value)


def _taken(page: io.StringIO) -> bytes:
    """What the page holds, which is empty afterwards; half a surrogate pair, which UTF-8 lacks, becomes its escape."""
    text = page.getvalue()
    page.seek(0)
    page.truncate()
    return text.encode(errors="backslashreplace")
