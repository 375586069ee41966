"""An installation that commands are run on, with people who work on what was brought."""

import datetime as dt
import json

from click.testing import CliRunner

from broker.cli import main
from broker.services import claim, enroll, submit
from broker.services.enroll import Account
from broker.settings import Settings
from broker.store.db import Store
from broker.store.errands import later
from broker.store.files import Files
from broker.store.schema import migrate
from broker.wiring import Broker, utc_now
from tests.doors.requester import Bell
from workers import errands

SECRET = "a secret of thirty-two characters!!"
MILLION = 1_000_000


class Site:
    """One installation in a folder: its commands, its requester, its crowd."""

    def __init__(self, folder, **settings):
        self.folder = folder
        self.settings = Settings(
            data=folder / "data", secret=SECRET, redis_url="unix:///nowhere/valkey.sock", **settings
        )
        self.settings.data.mkdir()
        store = Store(self.settings.database)
        migrate(store.engine)
        self.broker = Broker(self.settings, store, Files(self.settings.files), Bell(), SECRET.encode())
        self.rita = self.person("rita", "requester", credit=100 * MILLION)
        self.crowd = [self.person(name, "worker") for name in ("ada", "ben", "cleo")]

    def close(self):
        """Let go of the database."""
        self.broker.store.close()

    def person(self, name, *roles, credit=0):
        """An account."""
        with self.broker.store.write() as unit:
            account = Account(f"{name}@example.org", name.title(), "correct horse battery", roles)
            account.__dict__["password_hash"] = "none"
            return enroll.sign_up(unit, account, utc_now(), credit=credit)

    def run(self, *arguments):
        """A command's exit code and everything it said."""
        environment = {
            "BROKER_DATA": str(self.settings.data),
            "BROKER_SECRET": SECRET,
            "BROKER_REDIS_URL": self.settings.redis_url,
            "BROKER_BUCKETS": json.dumps(self.settings.buckets),
            "BROKER_FUNCTIONS": json.dumps(self.settings.functions),
            "BROKER_FUNCTION_SECONDS": str(self.settings.function_seconds),
        }
        result = CliRunner().invoke(main, [str(one) for one in arguments], env=environment)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result.exit_code, result.output

    def done(self, *arguments):
        """What a command that must succeed said."""
        code, output = self.run(*arguments)
        assert code == 0, output
        return output

    def work(self, job, answer, crowd=None):
        """Everybody answers all they are given; `answer(worker's number, payload)` gives the JSON, None returns."""
        number = self.broker.names("J").read(job)
        moment = utc_now()
        for place, worker in enumerate(self.crowd if crowd is None else crowd):
            while True:
                moment += dt.timedelta(seconds=20)
                with self.broker.store.write() as unit:
                    offer = claim.claim(unit, number, worker.id, [], moment, self.broker.secret)
                    if offer is None:
                        break
                    done = moment + dt.timedelta(seconds=7)
                    submit.submit(unit, offer.assignment_id, worker.id, answer(place, offer.payload), 6.5, done)
        with self.broker.store.write() as unit:
            later(unit, "judge", number, moment)
        for queue in ("errands", "statistics", "errands"):
            errands.drain_with(self.broker, queue)
