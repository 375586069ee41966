"""A requester at the web door, over Flask's test client, with the errands run in place."""

import io
import itertools
import re

from broker.app import create_app
from broker.services import enroll
from broker.services.enroll import Account
from broker.settings import Settings
from broker.store.db import Store
from broker.store.files import Files
from broker.web.gate import token_hash
from broker.wiring import Broker, utc_now
from workers import errands

numbers = itertools.count(1)
PASSWORD = "correct horse battery"


class Bell:
    """A queue that carries nothing: the tests run errands themselves."""

    def ring(self, names):
        """Nobody listens."""


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

    def __init__(self, broker, *roles, credit=0):
        self.broker = broker
        app = create_app(broker)
        self.client = app.test_client()
        self.person, token = person(broker, *roles, credit=credit)
        with self.client.session_transaction() as session:
            session["token"] = token
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
