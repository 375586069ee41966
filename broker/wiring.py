"""The only place where parts are joined: settings become a broker with its store, files, queue, clock and dice."""

import datetime as dt
import functools
import os
import random
import secrets
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import redis
import rq
import structlog
from redis.backoff import NoBackoff
from redis.retry import Retry
from rq.serializers import JSONSerializer

from broker.rules.names import Names
from broker.rules.qualification import Leniency
from broker.settings import Settings
from broker.store import tables
from broker.store.buckets import Buckets
from broker.store.db import Store
from broker.store.files import Files

log = structlog.get_logger()
PATIENCE_SECONDS = 0.5
AWAY_SECONDS = 2.0
"""How long nobody rings at a queue server that did not answer."""
DRAIN = "workers.errands.drain"


def utc_now() -> dt.datetime:
    """The clock of the wall."""
    return dt.datetime.now(dt.UTC)


class Queue:
    """The bell of the RQ workers. It carries no data: errands are rows, and a lost ring is rung again by the clock."""

    def __init__(self, url: str) -> None:
        # People wait for whoever rings, and redis-py's own retries take seconds. One is for a connection that a
        # restarted server has cut.
        self.connection = redis.Redis.from_url(
            url,
            socket_connect_timeout=PATIENCE_SECONDS,
            socket_timeout=PATIENCE_SECONDS,
            retry=Retry(NoBackoff(), 1),
        )
        self._away_until, self._reachable = 0.0, True

    def ring(self, names: set[str]) -> None:
        """Wake the workers of these queues; does nothing while the queue server is down, which is logged once."""
        if time.monotonic() < self._away_until:
            return
        try:
            for name in sorted(names):
                self._ring(name)
            self._reachable = True
        except redis.RedisError as error:
            self._away_until = time.monotonic() + AWAY_SECONDS
            if self._reachable:
                log.warning("queue server unreachable: errands wait in the database", error=str(error))
            self._reachable = False

    def _ring(self, name: str) -> None:
        queue = rq.Queue(name, connection=self.connection, serializer=JSONSerializer)
        # One ring that waits is enough. One that was taken does not count: its worker may have been killed, and RQ
        # would keep a job of the same id from being rung for two minutes.
        if not queue.count:
            queue.enqueue(DRAIN, name, result_ttl=0, failure_ttl=60)

    def workers(self) -> Counter[str] | None:
        """How many RQ workers serve each queue; None while the queue server is unreachable."""
        try:
            found = rq.Worker.all(connection=self.connection, serializer=JSONSerializer)
        except redis.RedisError:
            return None
        return Counter(name for worker in found for name in worker.queue_names())


@dataclass(frozen=True)
class Broker:
    """One installation: what every door hands to the use cases."""

    settings: Settings
    store: Store
    files: Files
    queue: Queue
    secret: bytes
    now: Callable[[], dt.datetime] = utc_now
    dice: random.Random = field(default_factory=random.SystemRandom)

    @functools.cached_property
    def buckets(self) -> Buckets:
        """Where s3:// addresses lead."""
        return Buckets(self.settings.buckets)

    @property
    def leniency(self) -> Leniency:
        """How much system qualifications ask of newcomers."""
        settings = self.settings
        return Leniency(settings.system_qualifications == "lenient", settings.trial_turns, settings.default_country)

    def names(self, prefix: str) -> Names:
        """Public ids of one sort of row: H for HITs, T for assignments, J for jobs, U for uploads, Q for types."""
        return _names(self.secret, prefix)


@functools.lru_cache(16)
def _names(secret: bytes, prefix: str) -> Names:
    return Names(secret, prefix)


def _log_plainly() -> None:
    # The default draws a coloured picture of every variable in the stack, which takes a busy minute of CPU.
    plain = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    usual = structlog.get_config()["processors"]
    structlog.configure(processors=[*usual[:-1], plain])


def build(settings: Settings | None = None) -> Broker:
    """The broker of these settings, by default of the environment's."""
    settings = settings or Settings()
    tables.know_all()
    _log_plainly()
    store = Store(settings.database, pool=settings.web_threads)
    queue = Queue(settings.redis)
    store.bell = queue.ring
    return Broker(settings, store, Files(settings.files, settings.files_options), queue, installation_secret(settings))


def installation_secret(settings: Settings) -> bytes:
    """The configured secret, or the one made for this data folder when it was first used."""
    configured = settings.secret.get_secret_value()
    return configured.encode() if configured else _own_secret(settings.data / "secret")


def _own_secret(path: Path) -> bytes:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    if not path.exists():
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(48))
        # A hard link fails if another process was faster, so that all processes agree on one secret.
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_bytes()
