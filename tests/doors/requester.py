"""A requester at the web door, over Flask's test client, with the errands run in place."""

import datetime as dt
import io
import itertools
import re
from collections import Counter

import sqlalchemy as sa

from broker.app import create_app
from broker.services import claim, enroll, submit
from broker.services.enroll import Account
from broker.settings import Settings
from broker.store import jobs
from broker.store.db import Store
from broker.store.errands import QUEUES, later
from broker.store.files import Files
from broker.web.gate import token_hash
from broker.wiring import Broker, utc_now
from workers import errands

numbers = itertools.count(1)
CSV = b"id,text,mood\n1,Lovely,good\n2,Awful,bad\n3,A shop,\n4,Never again,\n"
PASSWORD = "correct horse battery"


class Bell:
    """A queue that carries nothing: the tests run errands themselves."""

    def ring(self, names):
        """Nobody listens."""

    def workers(self):
        """One worker for each queue, as far as pages can tell."""
        return Counter(QUEUES)


def broker_on(database, folder, **settings):
    """A broker on this database with files of its own."""
    made = Settings(data=folder, database_url=database, secret="a secret of thirty-two characters!!", **settings)
    return Broker(made, Store(made.database), Files(made.files), Bell(), b"a secret of thirty-two characters!!")


def person(broker, *roles, credit=0):
    """Somebody with an account, and the token of a session of theirs."""
    number = next(numbers)
    token = f"token{number}"
    with broker.store.write() as unit:
        account = Account(f"p{number}@example.org", f"Person {number}", PASSWORD, roles)
        found = enroll.sign_up(unit, account, utc_now(), credit=credit)
        enroll.log_in(unit, found, token_hash(token), "test", utc_now())
    return found, token


class Visitor:
    """Somebody who is logged in, in front of the pages."""

    def __init__(self, broker, *roles, credit=0, known=None):
        """`known` is somebody of before: a person and their token, in a copy of the database that they are in."""
        self.broker = broker
        app = create_app(broker)
        self.client = app.test_client()
        self.person, self.token = known or person(broker, *roles, credit=credit)
        with self.client.session_transaction() as session:
            session["token"] = self.token
        self.csrf = re.search(r'name="csrf-token" content="([^"]+)"', self.get("/jobs").text).group(1)

    def get(self, path, **more):
        """A page."""
        return self.client.get(path, **more)

    def post(self, path, **fields):
        """A form posted."""
        return self.client.post(path, data={"csrf_token": self.csrf, **fields})

    def job(self, title="Reviews"):
        """A new draft's path."""
        return self.post("/jobs/new", title=title).location.removesuffix("/data")

    def upload(self, job, name, content, *, drain=True):
        """A file posted to the data step, and read unless it was refused."""
        answer = self.post(f"{job}/data", file=(io.BytesIO(content), name))
        if drain:
            errands.drain_with(self.broker, "errands")
        return answer

    def state(self, job):
        """What the import says of itself."""
        return self.get(f"{job}/data/progress", headers={"Accept": "application/json"}).json

    def described(self, job, **changes):
        """The steps task, quality and pay filled in for a CSV with a column text."""
        task = {
            "title": "Reviews",
            "description": "What do customers feel?",
            "guide": "Read the **whole** review.",
            "offer": "text-one",
            "field": "text",
            "question": "What is the mood of this review?",
            "label_name": ["good", "bad"],
            "label_definition": ["the customer is happy", ""],
            "label_examples": ["Lovely!\nAgain!", ""],
        }
        quality = {"redundancy": "3", "gold": "none", "gold_percent": "10"}
        pay = {"reward": "0.02", "lease_minutes": "5"}
        for step, fields in (("task", task), ("quality", quality), ("pay", pay)):
            answer = self.post(f"{job}/{step}", **(fields | {k: v for k, v in changes.items() if k in fields}))
            assert answer.status_code == 303, answer.text


def work_through(broker, job_id, crowd, choose, dice):
    """A crowd answers all of a job; `choose(worker, payload, dice)` gives the label. Then the errands run."""
    moment = utc_now()
    for number, (worker, _) in enumerate(crowd):
        while True:
            moment += dt.timedelta(seconds=20)
            with broker.store.write() as unit:
                offer = claim.claim(unit, job_id, worker.id, [], moment, broker.secret)
                if offer is None:
                    break
                answer = {"category": {"label": choose(number, offer.payload, dice)}}
                submit.submit(unit, offer.assignment_id, worker.id, answer, 3 + 4 * dice.random(), moment)
    with broker.store.write() as unit:
        later(unit, "judge", job_id, moment)
    for queue in ("errands", "statistics", "errands"):
        errands.drain_with(broker, queue)


def row_of(broker, job):
    """The job's row, by its path."""
    with broker.store.read() as unit:
        return jobs.job(unit, broker.names("J").read(job.rpartition("/")[2]))


def count(broker, table):
    """How many rows a table has."""
    with broker.store.read() as unit:
        return unit.session.scalar(sa.select(sa.func.count()).select_from(table))
