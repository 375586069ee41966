"""How Alembic reaches the database: the engine comes from the caller, never from an ini file."""

from typing import Any, Literal

import sqlalchemy as sa

from alembic import context
from broker.store.db import Moment
from broker.store.tables import METADATA


def plain(kind: str, item: Any, _: Any) -> str | Literal[False]:
    """Write our own column type as a plain one, so that migrations outlive our modules."""
    return "sa.BigInteger()" if kind == "type" and isinstance(item, Moment) else False


def same_type(_: Any, __: Any, ___: Any, inspected: Any, wanted: Any) -> bool | None:
    """A moment is a big integer; everything else Alembic compares itself."""
    return False if isinstance(wanted, Moment) and isinstance(inspected, sa.Integer) else None


def comparable(_: Any, name: str | None, kind: str, __: bool, ___: Any) -> bool:  # noqa: FBT001 - Alembic's own signature
    """Whether Alembic can compare the thing: on SQLite this index is one of an expression (migration 0019)."""
    return kind != "index" or name != "ix_assignments_history" or engine.dialect.name != "sqlite"


LOCK = 0x6D6967726174  # "migrat", the number of our advisory lock


def check_keys(connection: sa.Connection, *, on: bool) -> None:
    """SQLite changes a table by making it anew, which other tables' foreign keys would forbid."""
    if connection.dialect.name == "sqlite":
        driver: Any = connection.connection.driver_connection
        driver.execute(f"PRAGMA foreign_keys={'ON' if on else 'OFF'}")


engine: sa.Engine = context.config.attributes["engine"]
with engine.connect().execution_options(writes=True) as connection:
    check_keys(connection, on=False)
    # Of several processes that start on one database, one migrates: the others wait here and find nothing left to do.
    # On SQLite the transaction itself, which `writes` makes an immediate one, is the lock.
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(LOCK)))
    else:
        connection.begin()
    context.configure(
        connection,
        target_metadata=METADATA,
        render_item=plain,
        compare_type=same_type,
        include_object=comparable,
        render_as_batch=connection.dialect.name == "sqlite",
    )
    with context.begin_transaction():
        context.run_migrations()
    if connection.dialect.name == "sqlite" and connection.exec_driver_sql("PRAGMA foreign_key_check").first():
        raise RuntimeError("a migration left a row that refers to nothing")
    connection.commit()
    check_keys(connection, on=True)
