"""The web door without a server: an application on a fresh database, people who are logged in, a published job."""

import datetime as dt
import random
import re
import secrets

import pytest
import sqlalchemy as sa

from broker.app import create_app
from broker.services import enroll, publish
from broker.services.enroll import Account
from broker.settings import Settings
from broker.store import dataset
from broker.store.db import Store
from broker.store.files import Files
from broker.store.jobs import Job
from broker.store.work import Assignment
from broker.web.gate import token_hash
from broker.wiring import Broker, Queue

NOON = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)
SECRET = b"a secret of the tests, of 32 bytes"
LABELS = [{"name": "calm", "definition": "no feeling", "examples": []}, {"name": "angry"}, {"name": "glad"}]
SETTINGS = {"media": "text", "field": "text", "question": "What is the tone?", "many": False, "labels": LABELS}
TEXTS = ["We ship on Monday.", "Where is my parcel?!", "You made my day.", "Fine.", "Never again.", "It works.", "Hm."]


class Hands:
    """The tests' hands on one installation: its clock, its people, its jobs."""

    def __init__(self, store: Store, folder, secret=SECRET, time=NOON):
        settings = Settings(data=folder)
        files, queue = Files(settings.files), Queue(settings.redis)
        self.time, self.store = time, store
        self.broker = Broker(settings, store, files, queue, secret, now=lambda: self.time, dice=random.Random(1))
        self.app = create_app(self.broker)

    def wait(self, seconds):
        """Let time pass."""
        self.time += dt.timedelta(seconds=seconds)

    def person(self, name, *roles, credit=100_000_000):
        """An account."""
        account = Account(f"{name}@example.org", name.title(), "a long password", roles or ("worker",))
        with self.store.write() as unit:
            return enroll.sign_up(unit, account, self.time, credit=credit)

    def name(self, prefix, row_id):
        """The public id of a row."""
        return self.broker.names(prefix).show(row_id)

    def row(self, prefix, name):
        """The row of a public id."""
        return self.broker.names(prefix).read(name)

    def page(self, worker, job):
        """The HIT page of a worker in a job."""
        client = self.client(worker)
        return Page(client, job, csrf(client))

    def client(self, person=None):
        """A browser without a screen, in which this person is logged in."""
        client = self.app.test_client()
        if person is not None:
            token = secrets.token_hex()
            with self.store.write() as unit:
                enroll.log_in(unit, person, token_hash(token), "tests", self.time)
            with client.session_transaction() as session:
                session["token"] = token
        return client

    def cookie(self, person):
        """The cookie of a browser in which this person is logged in."""
        return {"name": "broker", "value": self.client(person).get_cookie("broker").value}

    def job(self, requester, texts=TEXTS, gold=None, **values):
        """A published job on these texts; `gold` maps places in the list to labels. Gives its public id."""
        gold = gold or {}
        values = {"title": "Tone of messages", "redundancy": 2, "reward": 20_000, "gold_percent": 0, **values}
        with self.store.write() as unit:
            job = Job(requester_id=requester.id, kind="choice", settings=SETTINGS, created_at=self.time, **values)
            job.columns, job.gold_column = ["text", "truth"], "truth"
            unit.session.add(job)
            unit.session.flush()
            payloads = [{"text": text, "truth": gold.get(place, "")} for place, text in enumerate(texts)]
            dataset.write(unit, job.id, enumerate(payloads, 1))
            publish.publish(unit, job.id, requester.id, self.time)
        return self.name("J", job.id)


class Page:
    """What the HIT page's script asks for, without its page."""

    def __init__(self, client, job, token):
        self.client, self.job, self.token = client, job, token
        self.headers = {"X-CSRFToken": token}

    def post(self, path, body):
        """Send JSON to the door."""
        return self.client.post(f"/work/{path}", json=body, headers=self.headers)

    def claim(self, **wish):
        """Ask for the next HIT."""
        return self.post(f"{self.job}/claim", wish)

    def submit(self, turn, answer=None, **more):
        """Send the answer to an assignment, by default calm."""
        body = {"assignment": turn["id"], "answer": answer or choice("calm"), "seconds": 4.2}
        return self.post(f"{self.job}/submit", body | more)

    def named(self, act, turn, **more):
        """Return, extend or report an assignment."""
        return self.post(act, {"assignment": turn["id"], **more})

    def leave(self, assignments):
        """Close the page, as a beacon does."""
        form = {"csrf_token": self.token, "assignments": assignments}
        return self.client.post("/work/leave", data=form)


def choice(label):
    """The answer of one label."""
    return {"category": {"label": label}}


@pytest.fixture
def hands(store, tmp_path):
    """An installation on a fresh database of each sort."""
    return Hands(store, tmp_path)


@pytest.fixture
def quick(sqlite_database, tmp_path):
    """An installation on SQLite alone, for what no database decides."""
    store = Store(sqlite_database)
    yield Hands(store, tmp_path)
    store.close()


def csrf(client, path="/work"):
    """The CSRF token of a page."""
    return re.search(r'name="csrf-token" content="([^"]+)"', client.get(path).text)[1]


def turns(hands, *states):
    with hands.store.read() as unit:
        query = sa.select(Assignment).order_by(Assignment.id)
        return unit.session.scalars(query.where(Assignment.state.in_(states)) if states else query).all()


def write(hands, statement):
    with hands.store.write() as unit:
        unit.session.execute(statement)


@pytest.fixture
def scene(hands):
    """A small job on each sort of database, and the page of a worker in it."""
    return scene_on(hands)


@pytest.fixture
def plain(quick):
    """The same on SQLite alone."""
    return scene_on(quick)


def scene_on(hands):
    requester, worker = hands.person("rita", "requester"), hands.person("walt")
    return hands, hands.page(worker, hands.job(requester))
