"""Workers' turns on PostgreSQL: one call of the function `broker_turns`, which migrations install."""

from collections.abc import Sequence
from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg import pq

from broker.store.combiner import MOST_AT_ONCE, Combiner
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


def in_unit(connection: sa.Connection, ask: Ask, gold: Gold | None) -> Given:
    """A turn inside a transaction that goes on."""
    values = [None if value is None else value.decode() for value in _values(ask, gold)]
    named = {f"p{place}": value for place, value in enumerate(values)}
    call = sa.text(_call([[f":{name}"] for name in named]))
    types = [sa.bindparam(name, type_=sa.types.NullType()) for name in named]
    row = connection.execute(call.bindparams(*types), named).one()
    return _given(ask, list(row))


def _values(ask: Ask, gold: Gold | None) -> list[bytes | None]:
    """The function's parameters as PostgreSQL reads them; it knows their types."""
    seconds = None if ask.seconds is None else repr(ask.seconds).encode()
    have = b"{%s}" % ",".join(map(str, ask.have)).encode()
    plain: tuple[int | bytes | None, ...] = (
        *(ask.login, ask.seen_after, ask.worker, ask.job, ask.now),
        *(ask.assignment, None if ask.answer is None else ask.answer.encode(), seconds),
        *(b"t" if ask.claim else b"f", ask.start, ask.lease, have, ask.most_held),
        COUNTABLE,
        *(gold or (None, None, None)),
    )
    return [b"%d" % value if isinstance(value, int) else value for value in plain]


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
            values = [value for ask, gold in asks for value in _values(ask, gold)]
            result = connection.pgconn.exec_prepared(_name(len(asks)), values)  # type: ignore[arg-type] # None is NULL
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
        for count in range(1, MOST_AT_ONCE + 1):
            prepared = connection.pgconn.prepare(_name(count), _statement(count).encode())
            if prepared.status != pq.ExecStatus.COMMAND_OK:
                connection.close()
                raise psycopg.OperationalError(prepared.error_message.decode(errors="replace"))
        return connection

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _name(count: int) -> bytes:
    return b"turns%d" % count


def _statement(count: int) -> str:
    """The call for so many turns; their parameters come turn by turn."""
    return _call([[f"${turn * len(TYPES) + place}" for turn in range(count)] for place in range(1, len(TYPES) + 1)])


def _call(marks: Sequence[Sequence[str]]) -> str:
    """The call with these marks of values: for each parameter, one of each turn."""
    arrays = (f"ARRAY[{', '.join(values)}]::{kind}[]" for values, kind in zip(marks, TYPES, strict=True))
    return f"SELECT * FROM broker_turns({', '.join(arrays)})"  # noqa: S608 - marks only


def _row(result: pq.abc.PGresult, place: int) -> list[Any]:
    """A row as it comes, but for its texts: how the turn ended, and the payload."""
    code, *numbers, payload = [result.get_value(place, column) for column in range(result.nfields)]
    return [code and code.decode(), *numbers, payload and payload.decode()]
