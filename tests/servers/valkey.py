"""The broker's own embedded Valkey, run beside the tests."""

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from broker.lifeline import tied
from broker.settings import Settings

START_SECONDS = 30


def command(settings: Settings) -> list[str]:
    """The command line that becomes the embedded server of this installation."""
    return [sys.executable, "-m", "workers.valkey", str(settings.data / "valkey"), str(settings.valkey_socket)]


@contextmanager
def serving(settings: Settings) -> Iterator[str]:
    """A running embedded server of this installation: its URL."""
    process = subprocess.Popen(tied(command(settings)))
    try:
        await_answer(settings.redis)
        yield settings.redis
    finally:
        process.terminate()
        process.wait(START_SECONDS)
        if settings.valkey_socket.parent != settings.data / "valkey":
            shutil.rmtree(settings.valkey_socket.parent, ignore_errors=True)


def await_answer(url: str) -> None:
    """Return as soon as the server at this URL answers. Raises TimeoutError."""
    deadline = time.monotonic() + START_SECONDS
    with Redis.from_url(url, retry=Retry(NoBackoff(), 0)) as client:
        while time.monotonic() < deadline:
            try:
                client.ping()
            except RedisError:
                time.sleep(0.02)
            else:
                return
    raise TimeoutError(f"no Valkey answers at {url}")
