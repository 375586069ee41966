"""Workers' turns on PostgreSQL: one call of the function `broker_turns`, which migrations install."""

from collections.abc import Iterable, Sequence
from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg import pq

from broker.store.combiner import Combiner
from broker.store.express import COUNTABLE, Ask, Asked, Code, Given, Gold

OPTIONS = " ".join(
    f"-c {setting}"
    for setting in (
        "jit=off",
        "statement_timeout=10s",
        # Turns that are taken together hold what each of them holds: they give way before anybody waits in a circle.
        "lock_timeout=300ms",
    )
)
BIGINT, INTEGER, TEXT = "bigint", "integer", "text"
TYPES = (
    *(BIGINT, BIGINT, BIGINT, BIGINT, BIGINT),
    *(BIGINT, TEXT, "double precision"),
    *("boolean", BIGINT, BIGINT, TEXT, INTEGER, INTEGER),
    *(INTEGER, INTEGER, BIGINT),
)
"""Of the function's parameters, each an array with one value of each turn."""

NAME = b"turns"


def in_unit(connection: sa.Connection, ask: Ask, gold: Gold | None) -> Given:
    """A turn inside a transaction that goes on."""
    named = {f"p{place}": value for place, value in enumerate(_arrays([(ask, gold)]))}
    return _given(ask, list(connection.execute(sa.text(_call(f"(:{name})" for name in named)), named).one()))


def _call(marks: Iterable[str]) -> str:
    """The call with these marks of parameters."""
    arrays = ", ".join(f"{mark}::{sort}[]" for mark, sort in zip(marks, TYPES, strict=True))
    return f"SELECT * FROM broker_turns({arrays})"  # noqa: S608 - marks only


def _arrays(asks: Sequence[Asked]) -> list[str]:
    """The function's parameters as PostgreSQL writes arrays: less to read than a parameter for each value."""
    columns = zip(*[_values(ask, gold) for ask, gold in asks], strict=True)
    return [
        array(map(quoted if sort == TEXT else _number, column)) for column, sort in zip(columns, TYPES, strict=True)
    ]


def _values(ask: Ask, gold: Gold | None) -> tuple[float | str | None, ...]:
    return (
        *(ask.login, ask.seen_after, ask.worker, ask.job, ask.now, ask.assignment, ask.answer, ask.seconds),
        *(ask.claim, ask.start, ask.lease, array(map(str, ask.have)), ask.most_held, COUNTABLE),
        *(gold or (None, None, None)),
    )


def array(values: Iterable[str]) -> str:
    """Values as an array is written: numbers, NULL, and texts that are quoted."""
    return f"{{{','.join(values)}}}"


def _number(value: object) -> str:
    return "NULL" if value is None else str(value)


def quoted(text: object) -> str:
    """A text, or None, as an element of an array."""
    if text is None:
        return "NULL"
    escaped = str(text).replace("\\", r"\\").replace('"', r"\"")
    return f'"{escaped}"'


def _given(ask: Ask, row: Sequence[Any]) -> Given:
    """What a row says, in which numbers may be bytes."""
    code, late, done, served, left, assignment, hit, deadline, reward, payload = row
    return Given(
        Code(code),
        ask.assignment is not None and code != Code.REFUSED,
        late in (True, b"t"),
        int(done or 0),
        int(served or 0),
        None if left is None else int(left),
        int(assignment or 0),
        int(hit or 0),
        int(deadline or 0),
        int(reward or 0),
        payload or "",
    )


class PostgresLane(Combiner):
    """One connection of a process, on which one thread at a time takes the turns of all that wait.

    The function is called through libpq itself: psycopg's cursor would cost five times the processor time of the call.
    """

    def __init__(self, engine: sa.Engine) -> None:
        super().__init__()
        self._arguments = engine.dialect.create_connect_args(engine.url)
        self._connection: psycopg.Connection[Any] | None = None

    def _take(self, asks: Sequence[Asked]) -> list[Given] | None:
        try:
            connection = self._connection = self._connection or self._open()
            result = connection.pgconn.exec_prepared(NAME, [one.encode() for one in _arrays(asks)])
        except psycopg.Error:
            self.close()
            return None
        if result.status != pq.ExecStatus.TUPLES_OK:
            if connection.pgconn.status != pq.ConnStatus.OK:
                self.close()
            return None
        return [_given(ask, _row(result, place)) for place, (ask, _) in enumerate(asks)]

    def _open(self) -> psycopg.Connection[Any]:
        arguments, named = self._arguments
        options = f"{named.get('options', '')} {OPTIONS}".strip()
        connection = psycopg.connect(*arguments, **{**named, "options": options}, autocommit=True)
        call = _call(f"${place}" for place in range(1, len(TYPES) + 1))
        prepared = connection.pgconn.prepare(NAME, call.encode())
        if prepared.status != pq.ExecStatus.COMMAND_OK:
            connection.close()
            raise psycopg.OperationalError(prepared.error_message.decode(errors="replace"))
        return connection

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _row(result: pq.abc.PGresult, place: int) -> list[Any]:
    """A row as it comes, but for its texts: how the turn ended, and the payload."""
    code, *numbers, payload = [result.get_value(place, column) for column in range(result.nfields)]
    return [code and code.decode(), *numbers, payload and payload.decode()]
