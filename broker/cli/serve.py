"""`broker serve`: the whole installation under one supervisor."""

import contextlib
import http.client
import json
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import click
from pydantic import SecretStr, ValidationError
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from broker.cli.children import Child, Children
from broker.settings import Settings
from broker.store.db import Store
from broker.store.schema import migrate

READY_SECONDS = 180.0
LOOK_SECONDS = 0.05
WEB, BACKGROUND, QUEUE = range(3)  # the order in which the parts are stopped
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - these are looked up, not bound


class Installation:
    """All processes of one installation."""

    def __init__(self, settings: Settings, tell: Callable[[str], None] | None = None) -> None:
        self.settings = settings.model_copy(
            update={"port": _bindable(settings.host, settings.port), "redis_url": settings.redis}
        )
        self.embedded = not settings.redis_url
        self.tell = tell or (lambda message: click.echo(message, err=True))

    @property
    def url(self) -> str:
        """The address people use."""
        return address(self.settings)

    @contextmanager
    def running(self, log: Path | None = None) -> Iterator[Children]:
        """Everything up and answering, its output going to the `log` file; all stopped at the end.

        Raises RuntimeError if a part does not come up.
        """
        self.settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _opened(log) as output:
            children = Children({**os.environ, **environment(self.settings)}, self.tell, output)
            children.start()
            try:
                self._start(children)
                yield children
            finally:
                children.close()
                self._tidy()

    def _tidy(self) -> None:
        folder = self.settings.valkey_socket.parent
        if self.embedded and folder != self.settings.data / "valkey":
            # It holds nothing but the socket; if another installation of this data folder uses it, it stays.
            with contextlib.suppress(OSError):
                folder.rmdir()

    def _start(self, children: Children) -> None:
        if self.embedded:
            children.add([self._valkey()])
        _await(children, "the queue server", self._queue_answers)
        store = Store(self.settings.database)
        migrate(store.engine)
        store.close()
        children.add(self._parts())
        _await(children, "the web server", self._web_answers)
        # Importing its libraries takes this one seconds of processor time that the others need to come up.
        children.add([self._background("statistics")])

    def _valkey(self) -> Child:
        arguments = [str(self.settings.data / "valkey"), str(self.settings.valkey_socket)]
        return Child(
            f"valkey (its log: {self.settings.data / 'valkey' / 'log'})", _module("workers.valkey", *arguments), QUEUE
        )

    def _parts(self) -> list[Child]:
        names = [*(["errands"] * self.settings.queue_workers), "clock"]
        return [Child("web", _module("broker.cli.web"), WEB), *(self._background(name) for name in names)]

    def _background(self, name: str) -> Child:
        return Child(name, _module("workers.run", name), BACKGROUND, patience=10.0)

    def _queue_answers(self) -> bool:
        with Redis.from_url(self.settings.redis, socket_timeout=1, retry=Retry(NoBackoff(), 0)) as client:
            try:
                return bool(client.ping())
            except RedisError:
                return False

    def _web_answers(self) -> bool:
        host = EVERYWHERE.get(self.settings.host, self.settings.host)
        connection = http.client.HTTPConnection(host, self.settings.port, timeout=5)
        with contextlib.closing(connection):
            try:
                connection.request("GET", "/healthz")
                return connection.getresponse().status == http.HTTPStatus.OK
            except (OSError, http.client.HTTPException):
                return False


def environment(settings: Settings) -> dict[str, str]:
    """The variables that give another process these very settings."""
    values = {name: getattr(settings, name) for name in type(settings).model_fields}
    plain = {name: v.get_secret_value() if isinstance(v, SecretStr) else v for name, v in values.items()}
    # Lists and maps are read as JSON.
    texts = {name: json.dumps(v) if isinstance(v, dict | list | tuple) else str(v) for name, v in plain.items()}
    return {f"BROKER_{name.upper()}": text for name, text in texts.items()}


def address(settings: Settings) -> str:
    """The address people use, of an installation with these settings."""
    host = EVERYWHERE.get(settings.host, settings.host)
    return settings.url or f"http://{f'[{host}]' if ':' in host else host}:{settings.port}"


def configured() -> Settings:
    """The settings of the environment. Raises ClickException that names the wrong ones."""
    try:
        return Settings()
    except ValidationError as error:
        faults = [
            f"{'BROKER_' + str(f['loc'][0]).upper() if f['loc'] else 'settings'}: {f['msg']}" for f in error.errors()
        ]
        raise click.ClickException("\n".join(faults)) from error


def _module(name: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", name, *arguments]


def _bindable(host: str, port: int) -> int:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as listener:
        # As a server would: connections of a predecessor that are still closing must not count as a rival.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as error:
            raise click.ClickException(
                f"cannot listen on {host} port {port} ({error.strerror}): set BROKER_HOST or BROKER_PORT"
            ) from error
        return int(listener.getsockname()[1])


def _await(children: Children, part: str, answers: Callable[[], bool]) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while not answers():
        children.check()
        if time.monotonic() > deadline:
            raise RuntimeError(f"{part} did not answer within {READY_SECONDS:.0f} seconds")
        time.sleep(LOOK_SECONDS)


@contextmanager
def _opened(log: Path | None) -> Iterator[IO[bytes] | None]:
    if log is None:
        yield None
        return
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as file:
        yield file


@click.command()
def command() -> None:
    """Run the whole installation until a signal: web server, queue, background workers and clock."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    installation = Installation(configured())
    try:
        with installation.running() as children:
            click.echo(f"crowd-broker serves {installation.url} (stop with Ctrl-C)")
            while not stop.wait(1):
                children.check()
    except RuntimeError as error:
        raise click.ClickException(str(error)) from error
