"""Slows down guessing: wrong log-ins and sign-ups are counted in the queue server, in memory while that is away."""

import hashlib
import ipaddress
import time
from collections.abc import Callable
from typing import TypeVar

import limits
import redis
import structlog
from flask import Flask, current_app, request
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import FixedWindowRateLimiter, RateLimiter
from redis.backoff import NoBackoff
from redis.retry import Retry

from broker.errors import TooMany

T = TypeVar("T")
log = structlog.get_logger()
PATIENCE_SECONDS = 0.5
AWAY_SECONDS = 5.0

# A household, a lab or a school shares one address: the numbers per address are for all of them together.
WRONG_HERE = limits.parse("10 per 15 minutes")
"""Wrong log-ins to one account from one address."""
WRONG_ANYWHERE = limits.parse("100 per 1 hour")
"""Wrong log-ins to one account from all addresses (NIST SP 800-63B, 3.2.2)."""
WRONG_ADDRESS = limits.parse("300 per 15 minutes")
"""Wrong log-ins to all accounts from one address."""
SIGN_UPS = limits.parse("60 per 1 hour")
"""Sign-ups from one address, taken e-mail addresses among them."""


class Throttle:
    """Counts attempts. Each process counts for itself while the queue server does not answer."""

    def __init__(self, url: str) -> None:
        storage = RedisStorage(
            url,
            socket_connect_timeout=PATIENCE_SECONDS,
            socket_timeout=PATIENCE_SECONDS,
            retry=Retry(NoBackoff(), 0),  # type: ignore[arg-type] # passed on to redis.from_url as it is
        )
        self._shared = FixedWindowRateLimiter(storage)
        self._own = FixedWindowRateLimiter(MemoryStorage())
        self._away_until = 0.0

    def _ask(self, question: Callable[[RateLimiter], T]) -> T:
        if time.monotonic() >= self._away_until:
            try:
                return question(self._shared)
            except redis.RedisError as error:
                log.warning("queue server unreachable, counting attempts in memory", error=str(error))
                self._away_until = time.monotonic() + AWAY_SECONDS
        return question(self._own)

    def take(self, limit: limits.RateLimitItem, what: str, *who: str) -> None:
        """Count an attempt. Raises TooMany if there were too many before it."""
        if not self._ask(lambda counter: counter.hit(limit, what, _blurred(who))):
            raise self._refused(limit, what, who)

    def look(self, limit: limits.RateLimitItem, what: str, *who: str) -> None:
        """Raises TooMany if there were too many attempts; counts none."""
        if not self._ask(lambda counter: counter.test(limit, what, _blurred(who))):
            raise self._refused(limit, what, who)

    def forget(self, limit: limits.RateLimitItem, what: str, *who: str) -> None:
        """Forget these attempts: the last one was right."""
        self._ask(lambda counter: counter.clear(limit, what, _blurred(who)))

    def _refused(self, limit: limits.RateLimitItem, what: str, who: tuple[str, ...]) -> TooMany:
        window = self._ask(lambda counter: counter.get_window_stats(limit, what, _blurred(who)))
        seconds = max(1, round(window.reset_time - time.time()))
        minutes = -(-seconds // 60)
        wait = f"about {minutes} minutes" if minutes > 1 else "a minute"
        return TooMany(f"There were too many attempts. Wait {wait}, then try again.", wait_seconds=seconds)


def _blurred(who: tuple[str, ...]) -> str:
    # The queue server learns no e-mail address, and a key has one length whatever was typed.
    return hashlib.sha256("\n".join(who).encode()).hexdigest()


def address() -> str:
    """Where the request comes from; an IPv6 network of 64 bits is one place, for one household gets that many."""
    try:
        found = ipaddress.ip_address(request.remote_addr or "")
    except ValueError:
        return "unknown"
    return str(found) if found.version == 4 else str(ipaddress.ip_network((found, 64), strict=False))


def before_log_in(email: str) -> None:
    """Raises TooMany after too many wrong log-ins. Counts this one as wrong until `right_log_in` says otherwise."""
    throttle = _throttle()
    if throttle is not None:
        account = email.strip().lower()
        throttle.look(WRONG_ADDRESS, "address", address())
        throttle.take(WRONG_HERE, "account here", account, address())
        throttle.take(WRONG_ANYWHERE, "account", account)


def wrong_log_in() -> None:
    """Count a wrong log-in from this address."""
    throttle = _throttle()
    if throttle is not None:
        throttle.take(WRONG_ADDRESS, "address", address())


def right_log_in(email: str) -> None:
    """The log-in was right: what was counted for the account is forgotten."""
    throttle = _throttle()
    if throttle is not None:
        account = email.strip().lower()
        throttle.forget(WRONG_HERE, "account here", account, address())
        throttle.forget(WRONG_ANYWHERE, "account", account)


def sign_up() -> None:
    """Count a sign-up from this address. Raises TooMany."""
    throttle = _throttle()
    if throttle is not None:
        throttle.take(SIGN_UPS, "sign-up", address())


def _throttle() -> Throttle | None:
    found: Throttle | None = current_app.extensions["throttle"]
    return found


def hang(app: Flask) -> None:
    """Give the application its counters, unless the settings turn them off."""
    settings = app.config["BROKER"].settings
    app.extensions["throttle"] = Throttle(settings.redis) if settings.throttle else None
