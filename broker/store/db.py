"""The database: engine, units of work, and the column types all tables share."""

import datetime as dt
import functools
import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Annotated, Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import DeclarativeBase, Session, mapped_column

from broker.store import express_postgres, express_sqlite
from broker.store.express import Ask, Given, Gold, Lane
from broker.store.writers import Writers

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
MICROSECOND = dt.timedelta(microseconds=1)
BUSY_SECONDS = 30
POOL_SECONDS = 2
SERVER = {"connect_timeout": 3, "tcp_user_timeout": 10_000, "keepalives_idle": 10}
"""How long a connection waits for a server that says nothing: to connect (s), to be heard (ms), before it asks (s)."""


class Moment(sa.types.TypeDecorator[dt.datetime]):
    """An instant, kept as microseconds since 1970 in UTC: the same integer and the same order on every database."""

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: dt.datetime | None, dialect: sa.Dialect) -> int | None:  # noqa: ARG002
        return None if value is None else (value - EPOCH) // MICROSECOND

    def process_result_value(self, value: int | None, dialect: sa.Dialect) -> dt.datetime | None:  # noqa: ARG002
        return None if value is None else EPOCH + value * MICROSECOND


BigKey = sa.BigInteger().with_variant(sa.Integer, "sqlite")
key = Annotated[int, mapped_column(BigKey, primary_key=True)]
row_of = Annotated[int, mapped_column(BigKey)]
"""The row id of another table's row, without a foreign key."""
big = Annotated[int, mapped_column(sa.BigInteger)]
micros = Annotated[int, mapped_column(sa.BigInteger)]
Json = dict[str, Any]
Record = sa.Row[*tuple[Any, ...]]


class Rows(DeclarativeBase):
    """Base of all tables; constraints get the same names on every database, so that migrations can drop them."""

    metadata = sa.MetaData(
        naming_convention={
            "ix": "ix_%(column_0_N_label)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads the plain attribute
        dt.datetime: Moment,
        Json: sa.JSON(none_as_null=True),
        list[Any]: sa.JSON(none_as_null=True),
    }


class Unit:
    """One unit of work: a session, and what is to be rung for after the commit."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.rings: set[str] = set()

    def won(self, statement: sa.Update | sa.Delete) -> bool:
        """Whether this compare-and-set changed exactly one row; if not, somebody was faster."""
        return self.changed(statement) == 1

    def changed(self, statement: sa.Update | sa.Delete | sa.Insert) -> int:
        """Run the statement; how many rows it touched."""
        result = self.session.connection().execute(statement)
        return int(result.rowcount)

    def insert_once(self, table: type["Rows"], **values: Any) -> bool:
        """Insert a row unless a unique constraint already holds one like it; whether it is new."""
        insert = self.insert(table)
        # The count of rows is unknown where SQLAlchemy asks for the new key by itself, so a row is asked for instead.
        once: sa.Executable = insert.values(**values).on_conflict_do_nothing().returning(sa.literal_column("1"))
        return self.session.connection().execute(once).first() is not None

    def upsert(self, table: type["Rows"], rows: Sequence[Mapping[str, Any]]) -> None:
        """Insert rows, each with all columns; one whose key is there replaces it."""
        insert = self.insert(table)
        columns = table.metadata.tables[table.__tablename__].columns
        values = {column.name: insert.excluded[column.name] for column in columns if not column.primary_key}
        keys = [column.name for column in columns if column.primary_key]
        if rows:
            self.session.connection().execute(insert.on_conflict_do_update(index_elements=keys, set_=values), rows)

    def is_sqlite(self) -> bool:
        """Whether the database is SQLite; else it is PostgreSQL."""
        return self.session.connection().dialect.name == "sqlite"

    def insert(self, table: type["Rows"]) -> postgresql.Insert | sqlite.Insert:
        """The insert of the unit's database, which can say what becomes of rows that are there already."""
        rows = table.metadata.tables[table.__tablename__]
        return sqlite.insert(rows) if self.is_sqlite() else postgresql.insert(rows)

    def turn(self, ask: Ask, gold: Gold | None) -> Given:
        """A worker's turn as part of this unit."""
        connection = self.session.connection()
        if not self.is_sqlite():
            return express_postgres.in_unit(connection, ask, gold)
        driver: Any = connection.connection.driver_connection
        return express_sqlite.in_unit(driver, ask, gold)

    def ring(self, queue: str) -> None:
        """After the commit, tell the RQ workers that this queue has errands."""
        self.rings.add(queue)


class Store:
    """The database of one installation."""

    def __init__(self, url: str, *, pool: int = 16) -> None:
        self.sqlite = url.startswith("sqlite")
        self.engine = _sqlite_engine(url) if self.sqlite else _engine(url, pool_size=pool, max_overflow=pool)
        self.bell: Callable[[set[str]], None] = lambda _: None
        self.writers = Writers(self.engine.url.database or ":memory:") if self.sqlite else None
        self.lane: Lane = (
            express_sqlite.SqliteLane(self._driver, self.writers)
            if self.writers
            else express_postgres.PostgresLane(self.engine)
        )

    @contextmanager
    def write(self) -> Iterator[Unit]:
        """A transaction that writes: committed at the end, rolled back if anything was raised."""
        with self.writers or nullcontext(), Session(self._writing(), expire_on_commit=False) as session:
            unit = Unit(session)
            with session.begin():
                yield unit
        if unit.rings:
            self.bell(unit.rings)

    @contextmanager
    def read(self) -> Iterator[Unit]:
        """A transaction that only reads and on SQLite waits for no writer; what it loaded may be read after its end."""
        with Session(self.engine, expire_on_commit=False) as session:
            yield Unit(session)

    def _writing(self) -> sa.Engine:
        return self.engine.execution_options(writes=True) if self.sqlite else self.engine

    def _driver(self) -> sqlite3.Connection:
        path = self.engine.url.database or ":memory:"
        connection = sqlite3.connect(path, timeout=BUSY_SECONDS, check_same_thread=False)
        _prepare(connection, None)
        return connection

    def close(self) -> None:
        """Give all connections back."""
        self.lane.close()
        if self.writers:
            self.writers.close()
        self.engine.dispose()


def _engine(url: str, **options: Any) -> sa.Engine:
    if not url.startswith("sqlite"):
        # Whoever waits for a dead server is told so soon; a live pool is never empty for long.
        options = {"pool_timeout": POOL_SECONDS, "connect_args": SERVER, **options}
    # SQLite before 3.45 compares the names in JSON as they are written: a column called é is not found by \u00e9.
    return sa.create_engine(url, json_serializer=functools.partial(json.dumps, ensure_ascii=False), **options)


def _sqlite_engine(url: str) -> sa.Engine:
    path = sa.make_url(url).database
    if path and path != ":memory:":
        Path(path).parent.mkdir(parents=True, exist_ok=True)
    engine = _engine(url, connect_args={"timeout": BUSY_SECONDS})
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def _prepare(connection: Any, _: Any) -> None:
    connection.isolation_level = None  # the driver's own BEGIN would come too late and be the wrong one
    for pragma in (
        "journal_mode=WAL",
        "synchronous=NORMAL",
        "foreign_keys=ON",
        "cache_size=-65536",
        # 32 MB: pages that every turn changes are copied back once for many turns.
        "wal_autocheckpoint=8000",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: sa.Connection) -> None:
    # A deferred transaction that turns from reader to writer fails at once with SQLITE_BUSY; an immediate one waits.
    writes = connection.get_execution_options().get("writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
