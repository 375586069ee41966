"""Who may run the clock: of all processes on one database, one at a time."""

import contextlib
import fcntl
import os
from pathlib import Path

import sqlalchemy as sa

LOCK = 0x63726F7764  # "crowd", the number of our advisory lock


class Leader:
    """A candidate. It leads from the moment it gets the lock until it resigns, dies, or loses the database."""

    def __init__(self, engine: sa.Engine) -> None:
        self.engine = engine
        self._connection: sa.Connection | None = None
        self._file: int | None = None

    def leads(self) -> bool:
        """Whether this candidate leads now; it tries to, if nobody does."""
        return self._leads_postgres() if self.engine.dialect.name == "postgresql" else self._leads_sqlite()

    def _leads_postgres(self) -> bool:
        if self._connection is not None:
            return self._still_connected(self._connection)
        connection = self.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        if connection.scalar(sa.select(sa.func.pg_try_advisory_lock(LOCK))):
            self._connection = connection
            return True
        connection.close()
        return False

    def _still_connected(self, connection: sa.Connection) -> bool:
        # The lock lives as long as the connection: when that was cut, somebody else may lead already.
        try:
            connection.execute(sa.text("SELECT 1"))
        except sa.exc.DBAPIError:
            self._drop(connection)
            return False
        return True

    def _leads_sqlite(self) -> bool:
        if self._file is not None:
            return True
        file = os.open(self._lock_path(), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            return False
        self._file = file
        return True

    def _lock_path(self) -> Path:
        return Path(f"{self.engine.url.database}.leader")

    def resign(self) -> None:
        """Let somebody else lead."""
        if self._connection is not None:
            # The server would free the lock of a closed connection too, but some moments later.
            with contextlib.suppress(sa.exc.DBAPIError):
                self._connection.execute(sa.select(sa.func.pg_advisory_unlock(LOCK)))
            self._drop(self._connection)
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _drop(self, connection: sa.Connection) -> None:
        # A pooled connection would keep the lock; this one is closed for good.
        with contextlib.suppress(sa.exc.DBAPIError):
            connection.invalidate()
        connection.close()
        self._connection = None
