"""What is asked twice is done once: by the SDK that got no answer, by a replay, by the caller's own token."""

import pytest
import sqlalchemy as sa
from botocore.httpsession import URLLib3Session

from broker.services import expire
from broker.store.remembered import Remembered
from tests.mturk.conftest import HIT, refused

CODE = "AWS.MechanicalTurk."
TOKEN = "one-and-the-same"


@pytest.fixture
def bob(api):
    return api.worker("bob")


def twice(client, operation):
    """Let every call of this operation reach the server twice; its first answer is lost."""

    def send(request, **_):
        first = URLLib3Session()
        first.send(request)
        first.close()

    client.meta.events.register(f"before-send.mturk.{operation}", send)


def test_a_call_whose_answer_was_lost_is_answered_again_and_not_done_again(api, ada, bob):
    for operation in ("CreateHIT", "CreateAdditionalAssignmentsForHIT", "SendBonus", "ApproveAssignment"):
        twice(ada, operation)
    made = ada.create_hit(**HIT)["HIT"]
    assert [one["HITId"] for one in ada.list_hits()["HITs"]] == [made["HITId"]]
    ada.create_additional_assignments_for_hit(HITId=made["HITId"], NumberOfAdditionalAssignments=2)
    assert ada.get_hit(HITId=made["HITId"])["HIT"]["MaxAssignments"] == 3
    assignment = api.work(bob, made["HITTypeId"])
    ada.send_bonus(WorkerId=bob.public_id, AssignmentId=assignment, BonusAmount="1", Reason="Well done")
    assert ada.list_bonus_payments(AssignmentId=assignment)["NumResults"] == 1
    ada.approve_assignment(AssignmentId=assignment)
    assert ada.get_account_balance()["AvailableBalance"] == "98.85"


def test_two_calls_alike_are_two_calls(ada):
    assert ada.create_hit(**HIT)["HIT"]["HITId"] != ada.create_hit(**HIT)["HIT"]["HITId"]


def test_a_replay_with_another_body_under_the_same_id_is_refused_by_its_signature(api, ada):
    def change(request, **_):
        request.body = request.body.replace(b"0.05", b"9.05")

    ada.meta.events.register("before-send.mturk.CreateHIT", change)
    assert refused(ada.create_hit, **HIT)[0] == "InvalidSignatureException"


def test_the_caller_s_token_makes_one_hit_a_day(api, ada):
    made = ada.create_hit(**HIT, UniqueRequestToken=TOKEN)["HIT"]
    code, words = refused(ada.create_hit, **HIT, UniqueRequestToken=TOKEN)
    assert code == CODE + "HitAlreadyExists"
    assert made["HITId"] in words
    api.clock.move(hours=24)
    assert ada.create_hit(**HIT, UniqueRequestToken=TOKEN)["HIT"]["HITId"] != made["HITId"]


def test_a_token_of_a_call_that_failed_is_free_again(ada):
    assert (
        refused(ada.create_hit, **HIT | {"Reward": "1000"}, UniqueRequestToken=TOKEN)[0] == CODE + "InsufficientFunds"
    )
    assert ada.create_hit(**HIT, UniqueRequestToken=TOKEN)["HIT"]["HITStatus"] == "Assignable"


def test_a_token_is_one_requester_s(api, ada):
    ada.create_hit(**HIT, UniqueRequestToken=TOKEN)
    _, grace = api.requester("grace")
    grace.create_hit(**HIT, UniqueRequestToken=TOKEN)


def test_the_caller_s_token_adds_seats_once(ada):
    hit = ada.create_hit(**HIT)["HIT"]["HITId"]
    more = {"HITId": hit, "NumberOfAdditionalAssignments": 1, "UniqueRequestToken": TOKEN}
    ada.create_additional_assignments_for_hit(**more)
    assert TOKEN in refused(ada.create_additional_assignments_for_hit, **more)[1]
    assert ada.get_hit(HITId=hit)["HIT"]["MaxAssignments"] == 2


def test_the_caller_s_token_gives_a_bonus_once(api, ada, bob):
    assignment = api.work(bob, ada.create_hit(**HIT)["HIT"]["HITTypeId"])
    bonus = {"WorkerId": bob.public_id, "AssignmentId": assignment, "BonusAmount": "1", "Reason": "Good"}
    ada.send_bonus(**bonus, UniqueRequestToken=TOKEN)
    assert TOKEN in refused(ada.send_bonus, **bonus, UniqueRequestToken=TOKEN)[1]
    assert ada.get_account_balance()["AvailableBalance"] == "98.95"


def test_what_was_asked_for_is_forgotten_after_a_day(api, ada):
    ada.create_hit(**HIT, UniqueRequestToken=TOKEN)
    api.clock.move(hours=25)
    with api.store.write() as unit:
        expire.forget(unit, api.clock())
        assert unit.session.scalar(sa.select(sa.func.count()).select_from(Remembered)) == 0
