"""The Requester API as its clients meet it: an application on a loopback port, boto3, and a clock that both believe."""

import threading

import boto3
import botocore.auth
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.validate import ParamValidator
from werkzeug.serving import make_server

from broker.services import claim, keys, submit

REGION = "us-east-1"


class Api:
    """One installation behind a real server."""

    def __init__(self, site):
        self.site, self.store, self.clock = site, site.store, site.clock
        self.server = make_server("127.0.0.1", 0, site.app, threaded=True)
        self.url = f"http://127.0.0.1:{self.server.port}/mturk"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def key(self, person):
        """A fresh access key of this person."""
        with self.store.write() as unit:
            return keys.make(unit, person, "tests", self.clock(), self.site.broker.secret)

    def requester(self, name="ada", credit=100_000_000):
        """A requester with money and a client of their own."""
        person = self.site.enlist(name, "requester", credit=credit)
        return person, self.client(self.key(person))

    def client(self, made, **config):
        """boto3's client, each of whose answers is held to the model."""
        client = boto3.client(
            "mturk",
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id=made.public_id,
            aws_secret_access_key=made.secret,
            config=Config(retries={"max_attempts": 0}, **config),
        )
        client.meta.events.register("after-call.mturk.*", _validate)
        return client

    def worker(self, name):
        """A worker's row."""
        return self.site.enlist(name, "worker")

    def claim(self, worker, hit_type):
        """The next HIT of this type, as the worker's page gets it; gives the assignment's id, or nothing."""
        names, now = self.site.broker.names, self.clock()
        with self.store.write() as unit:
            offer = claim.claim(unit, names("J").read(hit_type), worker.id, (), now, self.site.broker.secret)
        return None if offer is None else names("T").show(offer.assignment_id)

    def submit(self, worker, assignment, **answer):
        """Answer an assignment."""
        with self.store.write() as unit:
            turn = self.site.broker.names("T").read(assignment)
            submit.submit(unit, turn, worker.id, answer or {"word": "yes"}, 4.0, self.clock())

    def work(self, worker, hit_type, **answer):
        """Claim and answer one HIT; gives the assignment's id."""
        assignment = self.claim(worker, hit_type)
        self.submit(worker, assignment, **answer)
        return assignment

    def give_back(self, worker, assignment):
        """Return an assignment."""
        with self.store.write() as unit:
            submit.give_back(unit, self.site.broker.names("T").read(assignment), worker.id, self.clock())


QUESTION = (
    '<ExternalQuestion xmlns="http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2006-07-14/'
    'ExternalQuestion.xsd"><ExternalURL>https://lab.example.org/task</ExternalURL><FrameHeight>0</FrameHeight>'
    "</ExternalQuestion>"
)
TYPE = {
    "Title": "Name the tone",
    "Description": "One word",
    "Reward": "0.05",
    "AssignmentDurationInSeconds": 600,
    "AutoApprovalDelayInSeconds": 86_400,
    "Keywords": "text, tone",
}
HIT = TYPE | {"LifetimeInSeconds": 3600, "Question": QUESTION}


def refused(call, **params):
    """What is answered to a call that is refused: the codes, and the words."""
    with pytest.raises(ClientError) as caught:
        call(**params)
    response = caught.value.response
    return response.get("TurkErrorCode", response["Error"]["Code"]), response["Error"]["Message"]


def _validate(http_response, parsed, model, **_):
    if http_response.status_code == 200:
        said = {name: value for name, value in parsed.items() if name != "ResponseMetadata"}
        report = ParamValidator().validate(said, model.output_shape)
        assert not report.has_errors(), report.generate_report()
        unknown = set(said) - set(model.output_shape.members)
        assert not unknown, unknown


@pytest.fixture
def api(site, monkeypatch):
    """The Requester API of an installation on SQLite; clients sign by the installation's clock."""
    monkeypatch.setattr(
        botocore.auth, "get_current_datetime", lambda remove_tzinfo=True: site.clock().replace(tzinfo=None)
    )
    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    made = Api(site)
    yield made
    made.close()


@pytest.fixture
def ada(api):
    """A requester's client."""
    return api.requester()[1]
