"""The rows of a job before and while they are HITs: counted, checked, marked as gold, opened again, all in SQL."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from json.encoder import encode_basestring
from typing import TYPE_CHECKING, Any, cast

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from broker.errors import Invalid, Problem
from broker.rules.order import BANDS, Priority
from broker.rules.order import band as band_of
from broker.store.db import Unit
from broker.store.work import Hit

if TYPE_CHECKING:
    from psycopg import Cursor

KEYS_AT_ONCE = 500
ROWS_AT_ONCE = 5000
# What a HIT is given at first, in the order of _copy and _insertion; the rest is the table's own default.
NEW = "job_id, row, pos, open, payload"
# All that str.strip() takes away, so that the database and the rooms agree on what is blank.
BLANKS = "".join(chr(code) for code in (*range(9, 14), *range(28, 33), 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B)))
BLANKS += "".join(chr(code) for code in (0x2028, 0x2029, 0x202F, 0x205F, 0x3000))
_encode = json.JSONEncoder(ensure_ascii=False).encode


class _Cell(FunctionElement[str]):
    """The trimmed text of one column of a payload; JSON paths would break on the quotes some column names hold."""

    type = sa.String()
    inherit_cache = True


@compiles(_Cell)
def _postgres(element: _Cell, compiler: SQLCompiler, **options: Any) -> str:
    payload, column, blanks = (compiler.process(part, **options) for part in element.clauses)
    return f"btrim({payload} ->> CAST({column} AS TEXT), {blanks})"


@compiles(_Cell, "sqlite")
def _sqlite(element: _Cell, compiler: SQLCompiler, **options: Any) -> str:
    payload, column, blanks = (compiler.process(part, **options) for part in element.clauses)
    value = "CASE WHEN type IN ('true', 'false') THEN type ELSE value END"
    return f"(SELECT trim({value}, {blanks}) FROM json_each({payload}) WHERE key = {column})"  # noqa: S608 - all bound


class _Nested(FunctionElement[bool]):
    """Whether one column of a payload holds a list or an object."""

    type = sa.Boolean()
    inherit_cache = True


@compiles(_Nested)
def _postgres_nested(element: _Nested, compiler: SQLCompiler, **options: Any) -> str:
    payload, column = (compiler.process(part, **options) for part in element.clauses)
    return f"coalesce(json_typeof({payload} -> CAST({column} AS TEXT)) IN ('array', 'object'), false)"


@compiles(_Nested, "sqlite")
def _sqlite_nested(element: _Nested, compiler: SQLCompiler, **options: Any) -> str:
    payload, column = (compiler.process(part, **options) for part in element.clauses)
    return f"EXISTS (SELECT 1 FROM json_each({payload}) WHERE key = {column} AND type IN ('array', 'object'))"  # noqa: S608 - all bound


def _cell(column: str) -> sa.ColumnElement[str]:
    return _Cell(Hit.payload, sa.literal(column), sa.literal(BLANKS))


def text(payload: Mapping[str, Any]) -> str:
    """The payload as it is stored: JSON, as `json.dumps` writes it, at half the price where all values are texts."""
    try:
        return _template(tuple(payload)) % tuple(map(encode_basestring, payload.values()))
    except TypeError:  # not every value is a text
        return _encode(payload)


def texts(names: tuple[str, ...], rows: Iterable[Sequence[str]]) -> list[str]:
    """The same of many rows of texts."""
    template = _template(names)
    return [template % tuple(map(encode_basestring, row)) for row in rows]


@lru_cache(maxsize=100)
def _template(columns: tuple[str, ...]) -> str:
    return "{" + ", ".join(f"{encode_basestring(name).replace('%', '%%')}: %s" for name in columns) + "}"


def write(unit: Unit, job_id: int, rows: Iterable[tuple[int, Mapping[str, Any] | str]]) -> int:
    """Insert items (row number from 1, payload or its `text`) as HITs that are open as soon as their job is; how many.

    A payload's text is less to hold than the payload: who gathers many rows makes texts of them one by one.
    """
    items = [(row, payload if isinstance(payload, str) else text(payload)) for row, payload in rows]
    connection = unit.session.connection()
    if items:
        (_copy if connection.dialect.name == "postgresql" else _insert)(connection, job_id, items)
    return len(items)


def _copy(connection: sa.Connection, job_id: int, items: Sequence[tuple[int, str]]) -> None:
    lines = "".join([f"{job_id}\t{row}\t{row}\tt\t{text}\n" for row, text in items])
    with cast("Cursor", connection.connection.cursor()) as cursor, cursor.copy(f"COPY hits ({NEW}) FROM STDIN") as copy:
        # JSON escapes tabs and line ends itself.
        copy.write(lines.replace("\\", "\\\\"))


def _insert(connection: sa.Connection, job_id: int, items: Sequence[tuple[int, str]]) -> None:
    # A statement for many rows costs half of one for each, and lets Python's other threads run meanwhile.
    for start in range(0, len(items), ROWS_AT_ONCE):
        some = items[start : start + ROWS_AT_ONCE]
        connection.exec_driver_sql(_insertion(len(some)), (*chain.from_iterable(some), job_id))


@lru_cache(maxsize=2)
def _insertion(count: int) -> str:
    rows = f"WITH item (row, text) AS (VALUES {', '.join(['(?, ?)'] * count)})"
    return f"{rows} INSERT INTO hits ({NEW}) SELECT ?, row, row, 1, text FROM item"  # noqa: S608 - nothing but marks


def size(unit: Unit, job_id: int) -> int:
    """How many rows the job has."""
    return int(unit.session.scalar(sa.select(sa.func.count()).where(Hit.job_id == job_id)) or 0)


def last_pos(unit: Unit, job_id: int) -> int:
    """The highest position in the job's log."""
    return int(unit.session.scalar(sa.select(sa.func.max(Hit.pos)).where(Hit.job_id == job_id)) or 0)


def bands(unit: Unit, job_id: int) -> list[int]:
    """The bands that hold open HITs of the job."""

    def held(band: int) -> bool:
        some = sa.select(Hit.id).where(Hit.job_id == job_id, Hit.open, Hit.band == band).limit(1)
        return unit.session.execute(some).first() is not None

    return [band for band in range(BANDS) if held(band)]


def sample(unit: Unit, job_id: int, *, skip: int = 0, limit: int = 20) -> list[tuple[int, dict[str, Any]]]:
    """Some rows of the job in file order: (row number, payload)."""
    query = sa.select(Hit.row, Hit.payload).where(Hit.job_id == job_id).order_by(Hit.row).offset(skip).limit(limit)
    return [(row.row, row.payload) for row in unit.session.execute(query)]


def remove(unit: Unit, job_id: int) -> int:
    """Remove the rows of a draft; how many."""
    return unit.changed(sa.delete(Hit).where(Hit.job_id == job_id))


def unfit_rows(unit: Unit, job_id: int, column: str, *, limit: int, nested: bool = False) -> list[Problem]:
    """What is wrong with the first rows in which a column cannot be shown: missing, blank, and unless they may be
    `nested` a list or an object.
    """
    nests = sa.false() if nested else _Nested(Hit.payload, sa.literal(column))
    unfit = sa.or_(_cell(column).is_(None), _cell(column) == "", nests)
    query = sa.select(Hit.row, nests.label("nested")).where(Hit.job_id == job_id, unfit).order_by(Hit.row).limit(limit)
    words = {True: "holds a list or an object; a text is shown", False: "is empty"}
    return [Problem(words[bool(one.nested)], row=one.row, column=column) for one in unit.session.execute(query)]


def distinct(unit: Unit, job_id: int, column: str, *, limit: int = 10_000) -> list[str]:
    """The distinct values of a column, without blanks."""
    query = sa.select(_cell(column).label("cell")).where(Hit.job_id == job_id, _cell(column) != "")
    return [str(row) for row in unit.session.scalars(query.distinct().order_by("cell").limit(limit))]


def rows_with(unit: Unit, job_id: int, column: str, text: str, *, limit: int) -> list[int]:
    """The first rows in which a column has this value."""
    query = sa.select(Hit.row).where(Hit.job_id == job_id, _cell(column) == text).order_by(Hit.row).limit(limit)
    return list(unit.session.scalars(query))


def write_cells(unit: Unit, job_id: int, key: str, column: str, cells: Mapping[str, str]) -> list[str]:
    """Fill a column in the rows whose `key` column has these values; the values that no row has."""
    missing = dict.fromkeys(cells)
    names = list(cells)
    for start in range(0, len(names), KEYS_AT_ONCE):
        chunk = names[start : start + KEYS_AT_ONCE]
        query = sa.select(Hit, _cell(key)).where(Hit.job_id == job_id, _cell(key).in_(chunk))
        for hit, name in unit.session.execute(query):
            hit.payload = {**hit.payload, column: cells[str(name)]}
            missing.pop(str(name), None)
    return list(missing)


def clear_cells(unit: Unit, job_id: int, column: str) -> None:
    """Take a column out of all rows that have it."""
    for hit in unit.session.scalars(sa.select(Hit).where(Hit.job_id == job_id, _cell(column).is_not(None))):
        hit.payload = {name: value for name, value in hit.payload.items() if name != column}
    unit.session.flush()


def filled(unit: Unit, job_id: int, column: str) -> int:
    """How many rows have something in a column."""
    query = sa.select(sa.func.count()).where(Hit.job_id == job_id, _cell(column) != "")
    return int(unit.session.scalar(query) or 0)


def read_gold(
    unit: Unit, job_id: int, column: str, read: Callable[[str], dict[str, Any]], *, limit: int
) -> tuple[dict[str, dict[str, Any]], list[Problem]]:
    """The answer behind each value of a gold column, and the rows whose value is none (`limit` of each value)."""
    answers, problems = {}, []
    for text in distinct(unit, job_id, column):
        try:
            answers[text] = read(text)
        except Invalid as error:
            rows = rows_with(unit, job_id, column, text, limit=limit)
            problems += [Problem(error.message, row=row, column=column) for row in rows]
    return answers, problems


def mark_gold(unit: Unit, job_id: int, column: str, answers: Mapping[str, dict[str, Any]]) -> int:
    """Make the rows with these cell values gold: closed to the queue, numbered from 0, with this answer; how many."""
    cells = sa.select(Hit.id, _cell(column)).where(Hit.job_id == job_id, _cell(column) != "").order_by(Hit.row)
    golds = [(hit_id, answers[cell]) for hit_id, cell in unit.session.execute(cells) if cell in answers]
    change = sa.update(Hit).where(Hit.id == sa.bindparam("key"))
    change = change.values(open=False, gold=sa.bindparam("answer"), gold_no=sa.bindparam("number"))
    rows = [{"key": hit_id, "answer": answer, "number": number} for number, (hit_id, answer) in enumerate(golds)]
    if rows:
        unit.session.connection().execute(change, rows)
    return len(rows)


PRIORITIES = {"high": Priority.HIGH, "normal": Priority.NORMAL, "": Priority.NORMAL, "low": Priority.LOW}
"""What a cell of the priority column may hold."""


def _priority(column: str) -> sa.ColumnElement[str]:
    return sa.func.lower(sa.func.coalesce(_cell(column), ""))


def unknown_priorities(unit: Unit, job_id: int, column: str, *, limit: int) -> list[Problem]:
    """The first rows whose priority is none of high, normal and low."""
    unknown = _priority(column).not_in(list(PRIORITIES))
    query = sa.select(Hit.row).where(Hit.job_id == job_id, unknown).order_by(Hit.row).limit(limit)
    words = "is none of high, normal and low"
    return [Problem(words, row=row, column=column) for row in unit.session.scalars(query)]


def mark_priority(unit: Unit, job_id: int, column: str) -> None:
    """Put the rows into the bands of their priorities."""
    for text, priority in PRIORITIES.items():
        if priority != Priority.NORMAL:
            mine = sa.update(Hit).where(Hit.job_id == job_id, _priority(column) == text)
            unit.changed(mine.values(band=band_of(priority, uncertain=False)))


def reopen_full(unit: Unit, job_id: int, redundancy: int, last: int) -> int:
    """Open HITs again that a higher redundancy leaves short, at fresh positions after `last`; how many."""
    short = (Hit.job_id == job_id, ~Hit.open, Hit.gold_no.is_(None), Hit.taken < redundancy + Hit.extra)
    ranks = sa.select(Hit.id, sa.func.row_number().over(order_by=Hit.pos).label("rank")).where(*short).subquery()
    unit.changed(sa.update(Hit).where(Hit.job_id == job_id, Hit.gold_no.is_(None), Hit.done).values(done=False))
    # Joined, not looked up for each HIT: PostgreSQL would rank all of them once for each.
    reopened = sa.update(Hit).where(Hit.id == ranks.c.id, *short).values(open=True, pos=last + ranks.c.rank)
    return unit.changed(reopened)
