"""Visitors of an installation without a browser: they load pages, fill in forms, and keep their cookie."""

import dataclasses
import datetime as dt
import html
import re

import pytest
from pydantic import SecretStr

from broker import wiring
from broker.app import create_app
from broker.services import enroll
from broker.settings import Settings

PASSWORD = "correct horse battery"
SECRET = "a secret of the tests, long enough to be one"
NOBODY = "unix:///nowhere/valkey.sock"


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self):
        self.time = dt.datetime(2026, 3, 1, 9, 0, tzinfo=dt.UTC)

    def __call__(self):
        return self.time

    def move(self, **delta):
        self.time += dt.timedelta(**delta)


class Site:
    """One installation on a fresh database, and the people who visit it."""

    def __init__(self, url, folder, **settings):
        values = {"redis_url": NOBODY, "throttle": False, "signup": "open", "secret": SecretStr(SECRET), **settings}
        made = wiring.build(Settings(data=folder, database_url=url, **values))
        self.clock = Clock()
        self.broker = dataclasses.replace(made, now=self.clock)
        self.app = create_app(self.broker)
        self.store = made.store
        self.store.bell = lambda _: None

    def enlist(self, name, *roles, credit=0):
        """An account, made without the door."""
        account = enroll.Account(f"{name}@example.org", name.title(), PASSWORD, roles or ("worker",))
        account.__dict__["password_hash"] = _hashed()
        with self.store.write() as unit:
            return enroll.sign_up(unit, account, self.clock(), credit=credit)

    def visitor(self, address="127.0.0.1", agent="Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"):
        return Visitor(self.app, address, agent)

    def logged_in(self, name, *roles, credit=0):
        """Somebody with a fresh account, logged in."""
        self.enlist(name, *roles, credit=credit)
        visitor = self.visitor()
        assert visitor.log_in(f"{name}@example.org").status_code == 302
        return visitor


def _hashed(kept=[]):  # noqa: B006 - hashed once for all tests: it takes 50 ms
    if not kept:
        kept.append(enroll.Account("a@example.org", "A", PASSWORD, ("worker",)).password_hash)
    return kept[0]


class Visitor:
    """Somebody with a browser's cookie jar."""

    def __init__(self, app, address, agent):
        self.client = app.test_client()
        self.client.environ_base.update(REMOTE_ADDR=address, HTTP_USER_AGENT=agent)

    def get(self, path, **more):
        return self.client.get(path, **more)

    def post(self, path, data=None, page=None, **more):
        """Fill in the form of a page (by default the one at the same path) and send it."""
        filled = {"csrf_token": self.token(page or "/login"), **(data or {})}
        return self.client.post(path, data=filled, **more)

    def token(self, page="/account"):
        answer = self.client.get(page, follow_redirects=True)
        return html.unescape(re.search(r'<meta name="csrf-token" content="([^"]+)">', answer.text)[1])

    def log_in(self, email, password=PASSWORD, **more):
        return self.post("/login", {"email": email, "password": password, **more})

    def cookie(self):
        found = self.client.get_cookie("broker")
        return None if found is None else found.value


@pytest.fixture
def site(sqlite_database, tmp_path):
    """An installation on SQLite, without throttling."""
    made = Site(sqlite_database, tmp_path / "data")
    yield made
    made.store.close()
