"""CSV and TSV: a header and rows of text, read as a stream that can go on at any row."""

import csv
import re
from collections.abc import Iterator
from itertools import accumulate
from typing import BinaryIO, cast

from broker.errors import Invalid
from broker.formats.limits import Limits
from broker.formats.lines import Lines, OverlongError
from broker.formats.rows import Block, Bookmark, Item, Piece, Problem, Row, guarded

BEGINNING, LIMITS = Bookmark(), Limits()


def read(
    stream: BinaryIO, start: Bookmark = BEGINNING, limits: Limits = LIMITS, *, delimiter: str = ","
) -> Iterator[Item]:
    """Rows of a UTF-8 file whose first line names the columns; every value is text, as it stands in the file.

    RFC 4180, strictly, with any of the three line ends; blank lines are passed over. After broken quoting reading goes
    on at the next physical line, so that one stray quote does not swallow the rows after it.
    Raises Invalid for a header that cannot be used, no rows, too many problems; TooLarge over the limits.
    """
    table = _Table(Lines(stream, limits), limits, delimiter)
    return guarded(cast("Iterator[Item]", table.rows(start, whole=False)), start, limits)


def read_whole(
    stream: BinaryIO, start: Bookmark = BEGINNING, limits: Limits = LIMITS, *, delimiter: str = ","
) -> Iterator[Piece]:
    """The same, with the rows of whole blocks of the file together where all of them are good and a line each.

    They cost less than half of what they cost one by one.
    """
    table = _Table(Lines(stream, limits), limits, delimiter)
    return guarded(table.rows(start, whole=True), start, limits)


class _Table:
    """The state of one reading: the header, and where we are."""

    def __init__(self, lines: Lines, limits: Limits, delimiter: str) -> None:
        self.lines, self.limits, self.delimiter = lines, limits, delimiter
        # The module's own limit is one for the whole process: it is only ever raised, and ours is checked below.
        csv.field_size_limit(max(csv.field_size_limit(), limits.field_characters))
        self.names: list[str] = []

    def rows(self, start: Bookmark, *, whole: bool) -> Iterator[Piece]:
        self.names = self._header()
        self.lines.close()
        self.lines.go(start.offset)
        number, lines, fresh = start.row, self.lines, whole
        while True:
            block = self._block(number + 1) if fresh else None
            if block is not None:
                number += len(block.rows)
                yield block
                continue
            try:
                for item in self._one_by_one(number):
                    number = item.number if isinstance(item, Row) else cast("int", item.row)
                    yield item
                    lines.close()
                    if whole and lines.between_blocks():
                        break
                else:
                    return
            except (csv.Error, OverlongError) as error:
                number += 1
                yield self._broken(number, error)
            fresh = whole and lines.between_blocks()  # or each broken row would have the rest of its block read again

    def _one_by_one(self, number: int) -> Iterator[Item]:
        lines, names, width = self.lines, self.names, len(self.names)
        suspicious = self.limits.field_characters
        for fields in self._reader():
            if fields:
                number += 1
                end = lines.offset
                if len(fields) == width and end - lines.opened <= suspicious and not lines.fault:
                    yield Row(number, dict(zip(names, fields, strict=False)), end)
                else:
                    yield self._judged(number, fields)
            else:
                lines.close()

    def _block(self, number: int) -> Block | None:
        """The rows of the lines that are ready; None where there are none, or not each line is a good row."""
        lines, most = self.lines.ready(), min(self.limits.field_characters, self.limits.row_bytes)
        if not lines or max(map(len, lines)) > most or b"\0" in b"".join(lines):
            return None
        try:
            rows = list(csv.reader(map(bytes.decode, lines), delimiter=self.delimiter, strict=True))
        except (csv.Error, UnicodeDecodeError):
            return None
        # A row takes one line at least: with as many rows as lines, each is one.
        if len(rows) != len(lines) or set(map(len, rows)) != {len(self.names)}:
            return None
        offsets = list(accumulate(map(len, lines), initial=self.lines.offset))[1:]
        self.lines.skip_ready()
        return Block(number, tuple(self.names), rows, offsets)

    def _reader(self) -> Iterator[list[str]]:
        return csv.reader(self.lines, delimiter=self.delimiter, strict=True)

    def _judged(self, number: int, fields: list[str]) -> Item:
        """A row that may be bad: its problem, or the row after all."""
        names, lines = self.names, self.lines
        if lines.fault:
            return Problem(lines.fault, number)
        if len(fields) < len(names):
            message = f"the row ends after {len(fields)} of {len(names)} fields"
            return Problem(message, number, names[len(fields)])
        if len(fields) > len(names):
            message = f"the row has {len(fields)} fields where the header names {len(names)} columns"
            return Problem(message, number, f"#{len(names) + 1}")
        for name, field in zip(names, fields, strict=True):
            if len(field) > self.limits.field_characters:
                return Problem(self._too_long(), number, name)
        return Row(number, dict(zip(names, fields, strict=True)), lines.offset)

    def _too_long(self) -> str:
        return f"the field has more than {self.limits.field_characters:,} characters"

    def _broken(self, number: int, error: Exception) -> Problem:
        """Say what broke the record and step back to the line after its first."""
        message, fault = self._reason(error), self.lines.fault
        if fault:
            self.lines.retreat()
            return Problem(fault, number)
        record = self.lines.retreat()
        if not record:  # it was too long to hold
            return Problem(message, number)
        index = _sound_fields(record, self.delimiter)
        return Problem(message, number, self.names[index] if index < len(self.names) else f"#{index + 1}")

    def _reason(self, error: Exception) -> str:
        text = str(error)
        if isinstance(error, OverlongError):
            most = f"{self.limits.row_bytes:,} bytes or {self.limits.row_lines:,} lines"
            return f"the row has more than {most}, or its quote is never closed"
        if text == "unexpected end of data":
            return "the quote opened here is never closed"
        if text.startswith("field larger"):
            return f"{self._too_long()}, or its quote is never closed"
        return f"broken quoting: {text}"

    def _header(self) -> list[str]:
        try:
            names = next((fields for fields in self._reader() if fields), [])
        except (csv.Error, OverlongError) as error:
            raise Invalid(f"The header cannot be read: {self._reason(error)}.") from error
        if self.lines.fault:
            raise Invalid(f"The header cannot be read: {self.lines.fault}.")
        return header([name.strip() for name in names], self.limits)


def header(names: list[str], limits: Limits) -> list[str]:
    """The names themselves if they can be used; raises Invalid for none, too many, empty, repeated or endless ones."""
    if not names:
        raise Invalid("The file has no rows.")
    if len(names) > limits.fields:
        raise Invalid(f"The header names {len(names)} columns; at most {limits.fields} are accepted.")
    problems, seen = [], set[str]()
    for place, name in enumerate(names, 1):
        if not name:
            problems.append(Problem("the column has no name", column=f"#{place}"))
        elif name in seen:
            problems.append(Problem("the name occurs twice in the header", column=name))
        elif len(name) > limits.name_characters:
            message = f"the name has more than {limits.name_characters} characters (is the first line a header?)"
            problems.append(Problem(message, column=f"#{place}"))
        seen.add(name)
    if problems:
        raise Invalid(f"The header cannot be used: {problems[0]}.", problems=problems)
    return names


def _sound_fields(record: str, delimiter: str) -> int:
    """How many fields of a broken record are well formed: the index of the one where it breaks."""
    mark = re.escape(delimiter)
    sound = re.compile(rf'(?:"(?:[^"]|"")*+"|[^"{mark}\r\n][^{mark}\r\n]*+|){mark}')
    count, at = 0, 0
    while found := sound.match(record, at):
        count, at = count + 1, found.end()
    return count
