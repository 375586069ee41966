"""Browsers that Flask has just believed: their next submissions need no look at signatures, only at the log-in."""

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from flask import Flask, current_app, request

from broker.web.gate import login

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

MOST, SECONDS = 20_000, 300.0
# All that session, CSRF protection and its referrer check look at.
LOOKED_AT = (
    "HTTP_COOKIE",
    "HTTP_X_CSRFTOKEN",
    "HTTP_REFERER",
    "HTTP_HOST",
    "HTTP_X_FORWARDED_HOST",
    "HTTP_X_FORWARDED_PROTO",
    "wsgi.url_scheme",
)
ENVIRONMENT = "broker.environment"


@dataclass(frozen=True, slots=True)
class Browser:
    """Who is behind a browser; the log-in itself must still be looked at."""

    person_id: int
    login_id: int
    until: float


@dataclass
class Known:
    """The browsers of one process, the latest last."""

    browsers: OrderedDict[tuple[str, ...], Browser] = field(default_factory=OrderedDict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def find(self, key: tuple[str, ...]) -> Browser | None:
        """The browser with exactly these credentials, if Flask believed them in the last minutes."""
        found = self.browsers.get(key)
        return found if found is not None and found.until > time.monotonic() else None

    def add(self, key: tuple[str, ...], browser: Browser) -> None:
        """Remember a browser in place of the one that was remembered first."""
        with self.lock:
            self.browsers.pop(key, None)
            self.browsers[key] = browser
            while len(self.browsers) > MOST:
                self.browsers.popitem(last=False)


def credentials(environment: "WSGIEnvironment") -> tuple[str, ...]:
    """What the request was believed by."""
    return tuple([environment.get(name, "") for name in LOOKED_AT])


def remember() -> None:
    """Flask believed this request, and its person may work: so may the next one that looks the same."""
    known: Known = current_app.extensions["known"]
    # A proxy's headers were taken off the request by now: what the express lane sees is what came in.
    key = request.environ.get(ENVIRONMENT)
    if key is not None:
        mine = login()
        known.add(key, Browser(mine.person_id, mine.id, time.monotonic() + SECONDS))


def hang(app: Flask) -> None:
    """Give the application its memory."""
    app.extensions["known"] = Known()
