"""What every reader yields: a row, or the problem that stands in its place."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import IO, Any, BinaryIO, NamedTuple, Protocol, TypeVar

from broker.errors import Invalid, Problem, TooLarge
from broker.formats.limits import Limits

__all__ = ["Block", "Bookmark", "Item", "Medium", "Piece", "Problem", "Read", "Row", "expect", "guarded", "size"]


class Medium(NamedTuple):
    """A verified file beside a row: `medium` is image, audio or video, `sort` its format by content, such as png.

    `facts` are what is known of it: width and height in pixels, duration in seconds, peaks. `content` is its bytes, or
    a file that is open until the next row is asked for, or None where an earlier row brought the same file; `number`
    tells files apart.
    """

    medium: str
    sort: str
    facts: dict[str, Any]
    content: bytes | IO[bytes] | None
    number: int

    def close(self) -> None:
        """Let go of its file."""
        if self.content is not None and not isinstance(self.content, bytes):
            self.content.close()


NONE: Mapping[str, Medium] = MappingProxyType({})


class Row(NamedTuple):
    """One row of data, numbered from 1 without the header and without blank lines; bad rows use up a number too.

    `payload` is JSON by type. `offset` is where the next row begins: a byte in CSV, TSV and JSONL, else a row.
    `files` are those that the row names, by column; under "" the file that the row itself is.
    """

    number: int
    payload: dict[str, Any]
    offset: int
    files: Mapping[str, Medium] = NONE

    @property
    def content(self) -> bytes | IO[bytes] | None:
        """What the file holds that the row itself is."""
        return self.files[""].content if "" in self.files else None


class Block(NamedTuple):
    """Good rows that follow each other, all of texts in the same columns, numbered from `number`.

    `offsets` are those of `Row`, one for each.
    """

    number: int
    names: tuple[str, ...]
    rows: Sequence[Sequence[str]]
    offsets: Sequence[int]

    def cut(self, count: int) -> tuple["Block", "Block | None"]:
        """The first rows, and the rest if there is any."""
        if len(self.rows) <= count:
            return self, None
        first = Block(self.number, self.names, self.rows[:count], self.offsets[:count])
        return first, Block(self.number + count, self.names, self.rows[count:], self.offsets[count:])


class Bookmark(NamedTuple):
    """Where to go on: `Bookmark(row.offset, row.number)` of the last row kept; the default is the beginning.

    Problems have no bookmark. Who goes on from one meets the problems of later rows again, so keep only those with
    `problem.row < bookmark.row` (all of them once the file has ended).
    """

    offset: int = 0
    row: int = 0


Item = Row | Problem
Piece = Item | Block


P = TypeVar("P", bound=Piece)


class Read(Protocol):
    """A reader: yields rows and problems in file order, raises Invalid for a file that cannot be read at all."""

    def __call__(self, stream: BinaryIO, start: Bookmark = ..., limits: Limits = ...) -> Iterator[Item]: ...


def guarded(items: Iterable[P], start: Bookmark, limits: Limits) -> Iterator[P]:
    """Pass items on; raise Invalid when there are none or too many problems, TooLarge when there are too many rows."""
    found, problems, most = False, 0, limits.rows
    for item in items:
        found = True
        if not isinstance(item, Problem):
            last = item.number + len(item.rows) - 1 if isinstance(item, Block) else item.number
            if last > most:
                raise TooLarge(f"The file has more than {most:,} rows.")
        else:
            problems += 1
            if problems > limits.problems:
                message = f"Reading stopped at row {item.row}: more than {limits.problems:,} rows are broken."
                raise Invalid(message, problems=[item])
        yield item
    if not found and start.row == 0:
        raise Invalid("The file has no rows.")


def expect(columns: Sequence[str], wanted: Iterable[str]) -> None:
    """Raise Invalid naming every wanted column that the file does not have."""
    missing = [name for name in wanted if name not in columns]
    if missing:
        there = ", ".join(columns) or "none"
        problems = [Problem(f"there is no such column; the file has: {there}", column=name) for name in missing]
        raise Invalid(f"Unknown column: {', '.join(missing)}. The file has: {there}.", problems=problems)


def size(stream: BinaryIO, limits: Limits) -> int:
    """Bytes in a seekable stream, which stands at its beginning afterwards; raises TooLarge over `limits.bytes`."""
    total = stream.seek(0, 2)
    stream.seek(0)
    if total > limits.bytes:
        raise TooLarge(f"The file has {total:,} bytes; at most {limits.bytes:,} are accepted.")
    return total
