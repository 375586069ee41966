"""Workers' turns on PostgreSQL: one call of the function `broker_turns`, which migrations install."""

from collections.abc import Sequence
from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg import pq

from broker.store.combiner import Asked, Combiner
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
        # Turns that are taken together hold what each of them holds: they give way before anybody waits in a circle.
        "lock_timeout=300ms",
    )
)
TYPES = (
    *("bigint", "bigint", "bigint", "bigint", "bigint", "bigint", "text", "double precision"),
    *("boolean", "bigint", "bigint", "text", "integer", "integer", "integer", "bigint"),
)
CALL = f"SELECT * FROM broker_turns({{}}, {COUNTABLE})"  # noqa: S608 - a number
NAME = b"turns"
STATEMENT = CALL.format(", ".join(f"${place}::{of}[]" for place, of in enumerate(TYPES, 1))).encode()


def in_unit(connection: sa.Connection, ask: Ask, gold: Gold | None) -> Given:
    """A turn inside a transaction that goes on."""
    call = sa.text(CALL.format(", ".join(f"CAST(:p{place} AS {of}[])" for place, of in enumerate(TYPES))))
    columns = {f"p{place}": column.decode() for place, column in enumerate(_columns([(ask, gold)]))}
    return _given(ask, connection.execute(call, columns).one())


def _columns(asks: Sequence[Asked]) -> list[bytes]:
    """The function's parameters, an array each, as PostgreSQL reads them."""
    rows = [
        (
            *(ask.login, ask.seen_after, ask.worker, ask.job, ask.now),
            *(ask.assignment, ask.answer and _quoted(ask.answer), ask.seconds, ask.claim, ask.start, ask.lease),
            *(f'"{{{",".join(map(str, ask.have))}}}"', ask.most_held, *(gold or (None, None, None))),
        )
        for ask, gold in asks
    ]
    columns = zip(*rows, strict=True)
    return [f"{{{','.join(['NULL' if one is None else str(one) for one in column])}}}".encode() for column in columns]


def _quoted(text: str) -> str:
    r"""A text as an element of an array.

    >>> print(_quoted('{"a": 1}'))
    "{\"a\": 1}"
    """
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _given(ask: Ask, row: Sequence[Any]) -> Given:
    _, code, late, done, served, left, assignment, hit, deadline, reward, payload = row
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
            result = connection.pgconn.exec_prepared(NAME, _columns(asks))
        except psycopg.Error:
            self.close()
            return None
        if result.status != pq.ExecStatus.TUPLES_OK:
            if connection.pgconn.status != pq.ConnStatus.OK:
                self.close()
            return None
        rows = {row[0]: row for row in (_row(result, place) for place in range(len(asks)))}
        return [_given(ask, rows[str(ask.worker)]) for ask, _ in asks]

    def _open(self) -> psycopg.Connection[Any]:
        arguments, named = self._arguments
        options = f"{named.get('options', '')} {OPTIONS}".strip()
        connection = psycopg.connect(*arguments, **{**named, "options": options}, autocommit=True)
        prepared = connection.pgconn.prepare(NAME, STATEMENT)
        if prepared.status != pq.ExecStatus.COMMAND_OK:
            connection.close()
            raise psycopg.OperationalError(prepared.error_message.decode(errors="replace"))
        return connection

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _row(result: pq.abc.PGresult, place: int) -> list[str | None]:
    values = [result.get_value(place, column) for column in range(result.nfields)]
    return [None if value is None else value.decode() for value in values]
