"""A worker's turn on PostgreSQL: one call of the function `broker_turn`, which migrations install."""

import contextlib
import threading
from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg import pq

from broker.store.express import COUNTABLE, Ask, Code, Given, Gold

# A plan made while a table was still small would scan it later: these plans must use the indexes whatever the size.
OPTIONS = " ".join(
    f"-c {setting}"
    for setting in (
        "enable_seqscan=off",
        "enable_hashjoin=off",
        "enable_mergejoin=off",
        "jit=off",
        "plan_cache_mode=force_generic_plan",
        "statement_timeout=10s",
    )
)
PARAMETERS = 17
STATEMENT = f"SELECT * FROM broker_turn({', '.join(f'${place}' for place in range(1, PARAMETERS + 1))})"  # noqa: S608
NAME = b"turn"


def in_unit(connection: sa.Connection, ask: Ask, gold: Gold | None) -> Given:
    """A turn inside a transaction that goes on."""
    values = [None if value is None else value.decode() for value in _values(ask, gold)]
    call = sa.text(f"SELECT * FROM broker_turn({', '.join(f':p{place}' for place in range(PARAMETERS))})")  # noqa: S608
    types = [sa.bindparam(f"p{place}", type_=sa.types.NullType()) for place in range(PARAMETERS)]
    row = connection.execute(call.bindparams(*types), {f"p{place}": value for place, value in enumerate(values)}).one()
    return _given(ask, list(row))


def _values(ask: Ask, gold: Gold | None) -> list[bytes | None]:
    """The function's parameters as PostgreSQL reads them; it knows their types."""
    plain: tuple[Any, ...] = (
        *(ask.login, ask.seen_after, ask.worker, ask.job, ask.now),
        *(ask.assignment, ask.answer, ask.seconds),
        *("t" if ask.claim else "f", ask.start, ask.lease, f"{{{','.join(map(str, ask.have))}}}", ask.most_held),
        COUNTABLE,
        *(gold or (None, None, None)),
    )
    return [None if value is None else str(value).encode() for value in plain]


def _given(ask: Ask, row: list[Any]) -> Given:
    code, late, done, served, left, assignment, hit, deadline, reward, payload = row
    return Given(
        Code(code),
        kept=ask.assignment is not None and code != Code.REFUSED,
        late=late in (True, "t"),
        done=int(done or 0),
        served=int(served or 0),
        left=None if left is None else int(left),
        assignment=int(assignment or 0),
        hit=int(hit or 0),
        deadline=int(deadline or 0),
        reward=int(reward or 0),
        payload=payload or "",
    )


class PostgresLane:
    """A connection of its own for each thread.

    The function is called through libpq itself: psycopg's cursor would cost five times the processor time of the call.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self._arguments = engine.dialect.create_connect_args(engine.url)
        self._own = threading.local()
        self._all: list[psycopg.Connection[Any]] = []

    def turn(self, ask: Ask, gold: Gold | None) -> Given | None:
        """One turn, committed."""
        try:
            connection = self._connection()
            result = connection.pgconn.exec_prepared(NAME, _values(ask, gold))
        except psycopg.Error:
            self._drop()
            return None
        if result.status != pq.ExecStatus.TUPLES_OK:
            if connection.pgconn.status != pq.ConnStatus.OK:
                self._drop()
            return None
        values = [result.get_value(0, place) for place in range(result.nfields)]
        return _given(ask, [None if value is None else value.decode() for value in values])

    def _connection(self) -> psycopg.Connection[Any]:
        found: psycopg.Connection[Any] | None = getattr(self._own, "connection", None)
        if found is None:
            found = self._open()
            self._own.connection = found
            self._all.append(found)
        return found

    def _open(self) -> psycopg.Connection[Any]:
        arguments, named = self._arguments
        options = f"{named.pop('options', '')} {OPTIONS}".strip() if "options" in named else OPTIONS
        connection = psycopg.connect(*arguments, **named, options=options, autocommit=True)
        prepared = connection.pgconn.prepare(NAME, STATEMENT.encode())
        if prepared.status != pq.ExecStatus.COMMAND_OK:
            connection.close()
            raise psycopg.OperationalError(prepared.error_message.decode(errors="replace"))
        return connection

    def _drop(self) -> None:
        connection = getattr(self._own, "connection", None)
        if connection is not None:
            self._own.connection = None
            with contextlib.suppress(ValueError):
                self._all.remove(connection)
            connection.close()

    def close(self) -> None:
        """Close the connections of all threads."""
        while self._all:
            self._all.pop().close()
        self._own = threading.local()
