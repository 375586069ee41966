"""Visitors of an installation without a browser: they load pages, fill in forms, and keep their cookie."""

import dataclasses
import datetime as dt
import html
import re

import pytest
from argon2 import PasswordHasher
from pydantic import SecretStr

from broker import wiring
from broker.app import create_app
from broker.services import enroll, publish
from broker.settings import Settings
from broker.store import dataset
from broker.store.beliefs import Trust
from broker.store.jobs import Job

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

    def __init__(self, database, folder, now=None, **settings):
        values = {"redis_url": NOBODY, "throttle": False, "signup": "open", "secret": SecretStr(SECRET), **settings}
        made = wiring.build(Settings(data=folder, database_url=database, **values))
        self.clock = now or Clock()
        self.broker = dataclasses.replace(made, now=self.clock)
        self.app = create_app(self.broker)
        self.store = made.store
        self.store.bell = lambda _: None

    def enlist(self, name, *roles, credit=0):
        """An account, made without the door."""
        with self.store.write() as unit:
            return self.enlist_in(unit, name, *roles, credit=credit)

    def enlist_in(self, unit, name, *roles, credit=0):
        """An account, made in this unit."""
        account = enroll.Account(f"{name}@example.org", name.title(), PASSWORD, roles or ("worker",))
        account.__dict__["password_hash"] = HASHED
        return enroll.sign_up(unit, account, self.clock(), credit=credit)

    def visitor(self, address="127.0.0.1", agent="Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"):
        return Visitor(self.app, address, agent)

    def logged_in(self, name, *roles, credit=0):
        """Somebody with a fresh account, logged in."""
        self.enlist(name, *roles, credit=credit)
        visitor = self.visitor()
        assert visitor.log_in(f"{name}@example.org").status_code == 302
        return visitor


LABELS = [{"name": "calm"}, {"name": "angry"}]
SETTINGS = {"media": "text", "field": "text", "question": "What is the tone?", "labels": LABELS}


def publish_job(store, requester, now, *, rows=6, golds=0, **values):
    """A published job about the tone of messages; its first rows are gold: calm. Gives its row id."""
    values = {"title": "Tone of messages", "redundancy": 2, "reward": 20_000, "gold_percent": 50, **values}
    with store.write() as unit:
        job = Job(requester_id=requester.id, kind="choice", settings=SETTINGS, created_at=now, **values)
        job.columns, job.gold_column = ["text", "truth"], "truth"
        unit.session.add(job)
        unit.session.flush()
        payloads = [{"text": f"Message {n}", "truth": "calm" if n < golds else ""} for n in range(rows)]
        dataset.write(unit, job.id, enumerate(payloads, 1))
        publish.publish(unit, job.id, requester.id, now)
        return job.id


def trust(worker_id, job_id=0, now=None, **values):
    """What the statistics may have found of a worker."""
    found = {"mean": 0.9, "low": 0.8, "high": 0.95, "gold_right": 9.0, "gold_seen": 10, "answers": 120}
    more = {"evidence": 20.0, "agreement": 0.87, "median_seconds": 4.2, "at": now or Clock()()}
    return Trust(worker_id=worker_id, job_id=job_id, **{**found, **more, **values})


# Fewest rounds: the cost of a password is no part of what is tested, and a hash says how it is verified.
HASHED = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)


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
