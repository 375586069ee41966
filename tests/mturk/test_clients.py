"""Other clients than boto3, each through one life cycle: the AWS command line and the JavaScript SDK."""

import html
import json
import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
from botocore import xform_name

from broker.wiring import utc_now
from tests.doors.visiting import Site
from tests.mturk.conftest import HIT, REGION, Api

SDK = "@aws-sdk/client-mturk@^3.1000.0"
HERE = Path(__file__).parent


@pytest.fixture
def live(sqlite_database, tmp_path):
    """An installation whose clock goes: these clients sign by the wall's."""
    site = Site(sqlite_database, tmp_path / "data", now=utc_now)
    made = Api(site)
    yield made
    made.close()
    site.store.close()


def environment(live, made):
    known = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return known | {
        "AWS_ENDPOINT_URL_MTURK": live.url,
        "AWS_ACCESS_KEY_ID": made.public_id,
        "AWS_SECRET_ACCESS_KEY": made.secret,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }


@contextmanager
def command_line(live, made):
    """`aws mturk …`, a process for each call."""

    def call(operation, **params):
        name = xform_name(operation, "-").replace("-h-i-t", "-hit")
        command = [sys.executable, "-m", "awscli", "mturk", name, "--cli-input-json", json.dumps(params)]
        ran = subprocess.run(command, env=environment(live, made), capture_output=True, text=True, check=False)
        return {"message": ran.stderr} if ran.returncode else json.loads(ran.stdout or "{}")

    yield call


@pytest.fixture(scope="session")
def sdk(tmp_path_factory):
    """The JavaScript SDK, installed from the registry for this run."""
    npm, folder = shutil.which("npm"), tmp_path_factory.mktemp("npm")
    if npm is None:
        pytest.skip("LOUD SKIP: there is no npm, so the JavaScript SDK was not tried")
    command = [npm, "install", "--no-audit", "--no-fund", "--silent", "--ignore-scripts", SDK]
    ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=240)
    if ran.returncode:
        pytest.skip(f"LOUD SKIP: npm could not install {SDK}: {ran.stderr[-300:]}")
    return folder / "node_modules" / "@aws-sdk" / "client-mturk" / "dist-cjs" / "index.js"


@contextmanager
def script(live, made, sdk):
    """The JavaScript SDK in one process."""
    command = ["node", str(HERE / "client.mjs"), str(sdk)]
    node = subprocess.Popen(
        command, env=environment(live, made), text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )

    def call(operation, **params):
        node.stdin.write(json.dumps({"operation": operation, "params": params}) + "\n")
        node.stdin.flush()
        return json.loads(node.stdout.readline())

    yield call
    node.stdin.close()
    node.wait(timeout=30)
    node.stdout.close()


@pytest.fixture(params=["aws", "javascript"])
def call(request, live):
    """A function that calls an operation by its name through one of the clients."""
    made = live.key(live.site.enlist("ada", "requester", credit=100_000_000))
    aws = request.param == "aws"
    client = command_line(live, made) if aws else script(live, made, request.getfixturevalue("sdk"))
    with client as opened:
        yield opened


def test_a_hit_lives_from_its_making_to_its_disposal(live, call):
    assert call("GetAccountBalance")["AvailableBalance"] == "100.00"
    made = call("CreateHIT", **HIT, MaxAssignments=2)["HIT"]
    assert made["HITStatus"] == "Assignable"
    hit = {"HITId": made["HITId"]}
    bob, eve = live.worker("bob"), live.worker("eve")
    first, second = (live.work(one, made["HITTypeId"], tone="größer & wärmer") for one in (bob, eve))
    found = call("ListAssignmentsForHIT", **hit)["Assignments"]
    assert [one["AssignmentId"] for one in found] == [first, second]
    assert "<FreeText>größer & wärmer</FreeText>" in html.unescape(found[0]["Answer"])
    call("ApproveAssignment", AssignmentId=first, RequesterFeedback="Danke schön")
    call("RejectAssignment", AssignmentId=second, RequesterFeedback="no")
    bonus = {"AssignmentId": first, "WorkerId": bob.public_id, "BonusAmount": "1.00", "Reason": "Good"}
    call("SendBonus", **bonus)
    refusal = call("ApproveAssignment", AssignmentId=second)
    assert "This operation can be called with a status of: Submitted" in refusal["message"]
    call("UpdateExpirationForHIT", **hit, ExpireAt=0)
    assert call("GetHIT", **hit)["HIT"]["HITStatus"] == "Reviewable"
    assert call("GetAccountBalance") == {"AvailableBalance": "98.90", "OnHoldBalance": "0.05"}
    call("DeleteHIT", **hit)
    assert "does not exist" in call("GetHIT", HITId="H0")["message"]
    assert call("ListHITs")["HITs"] == []
