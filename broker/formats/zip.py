"""A ZIP of images and recordings, a row each; or of one table with the files that its rows name."""

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import closing
from functools import partial
from itertools import islice
from pathlib import PurePosixPath
from typing import Any, BinaryIO

from broker.errors import Invalid
from broker.formats import csv, jsonl
from broker.formats.limits import Limits
from broker.formats.rows import Bookmark, Item, Medium, Problem, Read, Row, guarded
from broker.formats.unzip import Archive, opened

BEGINNING, LIMITS = Bookmark(), Limits()
TABLES: dict[str, Read] = {
    ".csv": csv.read,
    ".tsv": partial(csv.read, delimiter="\t"),
    ".jsonl": jsonl.read,
    ".ndjson": jsonl.read,
}
FIRST_ROWS = 50
"""In these rows of a table a column must name a file to be one of files."""
KEPT_IN_MIND = 1000
PLAIN = ("width", "height", "duration")
TYPES = {"jpeg": "image/jpeg", "mp3": "audio/mpeg", "m4a": "audio/mp4", "weba": "audio/webm"}


def read(stream: BinaryIO, start: Bookmark = BEGINNING, limits: Limits = LIMITS) -> Iterator[Item]:
    """Rows of the ZIP's one table with the files they name; without a table a row for each file, in their order.

    A file's own row is `{name, media_type}` with the width, height and duration (seconds) it has, and the file under ""
    among `files`. In a table a column is one of files if one of its first rows names an entry; from then on each of its
    cells must name one or be empty. Folders, dot files and `__MACOSX` are passed over. An entry that is encrypted,
    neither image nor recording, too large or there twice is a problem. Raises Invalid for the whole file when it is no
    ZIP, empty, or hostile: a path with `..`, from the root or with a drive, a symbolic link, more entries or bytes than
    allowed (TooLarge), or packed like a bomb; and when it has several tables, or one that names none of its files.
    """
    return guarded(_rows(stream, start, limits), start, limits)


def look(stream: BinaryIO, limits: Limits = LIMITS) -> list[str]:
    """The columns of the ZIP's table, if it has one; nothing is decoded. Raises what reading raises at first."""
    with opened(stream, limits) as archive:
        if not archive.entries:
            raise Invalid("The file has no rows.")
        table = _table(archive)
        if table is None:
            return []
        with closing(_lines(archive, table, BEGINNING, limits)) as lines:
            first = next(lines, None)
        _file_columns(archive, table, limits)
        return list(first.payload) if isinstance(first, Row) else []


def _rows(stream: BinaryIO, start: Bookmark, limits: Limits) -> Iterator[Item]:
    with opened(stream, limits) as archive:
        table = _table(archive)
        for item in _files(archive, start) if table is None else _bundle(archive, table, start, limits):
            try:
                yield item
            finally:
                for medium in item.files.values() if isinstance(item, Row) else ():
                    medium.close()


def _files(archive: Archive, start: Bookmark) -> Iterator[Item]:
    seen = set[str]()
    for number, entry in enumerate(archive.entries, 1):
        again, name = entry.filename in seen, entry.filename.replace("\\", "/")
        seen.add(entry.filename)
        if number <= start.row:
            continue
        if again:
            yield Problem(f"{name}: is in the ZIP twice", number)
        else:
            yield _file(archive, name, number)


def _file(archive: Archive, name: str, number: int) -> Item:
    try:
        medium = archive.medium(number)
    except Invalid as refusal:
        return Problem(f"{name}: {refusal.message}", number)
    plain: dict[str, Any] = {key: medium.facts[key] for key in PLAIN if key in medium.facts}
    kind = TYPES.get(medium.sort, f"{medium.medium}/{medium.sort}")
    return Row(number, {"name": name, "media_type": kind, **plain}, number, {"": medium})


def _table(archive: Archive) -> int | None:
    """The number of the entry that is a table, if there is one. Raises Invalid for several."""
    found = [at for at, one in enumerate(archive.entries, 1) if _ending(one.filename) in TABLES]
    if len(found) > 1:
        names = ", ".join(archive.entries[at - 1].filename for at in found[:5])
        raise Invalid(f"The ZIP has several tables ({names}); leave in the one whose rows name the files.")
    return found[0] if found else None


def _ending(name: str) -> str:
    return PurePosixPath(name.replace("\\", "/")).suffix.lower()


def _lines(archive: Archive, table: int, start: Bookmark, limits: Limits) -> Generator[Item, None, None]:
    read = TABLES[_ending(archive.entries[table - 1].filename)]
    with archive.text(table) as text:
        yield from read(text, start, limits)


def _bundle(archive: Archive, table: int, start: Bookmark, limits: Limits) -> Iterator[Item]:
    columns = _file_columns(archive, table, limits)
    finder, taken = _finder(archive, table), _Taken(archive)
    for item in _lines(archive, table, start, limits):
        yield _with_files(item, columns, finder, taken) if isinstance(item, Row) else item


class _Taken:
    """The files of a ZIP, each taken once: rows near each other often ask about the same one."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._known: dict[int, Medium] = {}

    def take(self, number: int | None) -> Medium:
        """The file of this entry, without its content if a row has it already. Raises Invalid, also for no entry."""
        if number is None:
            raise Invalid("names no file of the ZIP")
        if number in self._known:
            return self._known[number]
        found = self._archive.medium(number)
        self._known[number] = found._replace(content=None)
        if len(self._known) > KEPT_IN_MIND:
            del self._known[next(iter(self._known))]
        return found

    def forget(self, files: Iterable[Medium]) -> None:
        """Their row is not kept: the next that names them brings them again."""
        for one in files:
            if one.content is not None:
                self._known.pop(one.number, None)
                one.close()


def _with_files(row: Row, columns: list[str], finder: Callable[[Any], int | None], taken: _Taken) -> Item:
    files = dict[str, Medium]()
    for column in columns:
        value = row.payload.get(column)
        if value in (None, ""):
            continue
        try:
            files[column] = taken.take(finder(value))
        except Invalid as refusal:
            taken.forget(files.values())
            return Problem(f"{str(value)[:100]}: {refusal.message}", row.number, column)
    return row._replace(files=files)


def _file_columns(archive: Archive, table: int, limits: Limits) -> list[str]:
    """The columns that name files. Raises Invalid when there are files and none is named."""
    finder, found = _finder(archive, table), dict[str, None]()
    with closing(_lines(archive, table, BEGINNING, limits)) as lines:
        for item in islice(lines, FIRST_ROWS):
            payload: Mapping[str, Any] = item.payload if isinstance(item, Row) else {}
            found |= {name: None for name, value in payload.items() if finder(value) is not None}
    if not found and len(archive.entries) > 1:
        name = archive.entries[table - 1].filename
        message = f"{name} names none of the ZIP's files in its first {FIRST_ROWS} rows"
        raise Invalid(f"{message}: write their paths into a column, or leave the table out.")
    return list(found)


def _finder(archive: Archive, table: int) -> Callable[[Any], int | None]:
    """Finds the number of the entry that a cell names, from the table's own folder or from the ZIP's root."""
    entries = {one.filename.replace("\\", "/"): at for at, one in enumerate(archive.entries, 1) if at != table}
    folder = PurePosixPath(archive.entries[table - 1].filename.replace("\\", "/")).parent

    def find(value: Any) -> int | None:
        if not isinstance(value, str) or not value.strip():
            return None
        name = value.strip().replace("\\", "/").removeprefix("./")
        return entries.get(str(folder / name), entries.get(name))

    return find
