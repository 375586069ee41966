"""Notifications through boto3: what happens to a HIT is told, once, to whoever asked for it."""

import json

import pytest

from broker.services import notify
from broker.store import notices
from broker.store.notices import DELIVERED, FAILED, WAITING
from tests.mturk.conftest import HIT, TYPE, refused
from tests.mturk.test_policies import run
from workers import notify as delivering
from workers import schedule

CODE = "AWS.MechanicalTurk."
HOOK = {"Destination": "https://lab.example.org/hook", "Transport": "SNS", "Version": "2006-05-05"}
EVERY = [
    *(f"Assignment{what}" for what in ("Accepted", "Abandoned", "Returned", "Submitted", "Rejected", "Approved")),
    *(f"HIT{what}" for what in ("Created", "Expired", "Reviewable", "Extended", "Disposed")),
]


@pytest.fixture
def ada(api):
    api.ada, client = api.requester()
    return client


@pytest.fixture
def sent(monkeypatch):
    """Documents that left, in place of the network: what a transport does is tested beside it."""
    found = []

    def send(broker, parcel):
        found.append((parcel.destination, json.loads(parcel.body)))

    monkeypatch.setattr(delivering, "SENDERS", dict.fromkeys(delivering.SENDERS, send))
    return found


def watched(ada, events=EVERY, **more):
    hit_type = ada.create_hit_type(**TYPE)["HITTypeId"]
    told = HOOK | {"EventTypes": list(events)} | more
    ada.update_notification_settings(HITTypeId=hit_type, Notification=told, Active=True)
    return hit_type


def post(ada, hit_type, **more):
    rest = {name: value for name, value in HIT.items() if name not in TYPE}
    return ada.create_hit_with_hit_type(HITTypeId=hit_type, **rest | more)["HIT"]["HITId"]


def told(sent):
    return [one["EventType"] for _, document in sent for one in document["Events"]]


def test_the_life_of_a_hit_is_told(api, ada, sent):
    bob, hit_type = api.worker("bob"), watched(ada)
    hit = post(ada, hit_type)
    api.give_back(bob, api.claim(bob, hit_type))
    api.claim(api.worker("eve"), hit_type)
    api.clock.move(seconds=601)
    schedule.lapse(api.site.broker)
    assignment = api.work(bob, hit_type)
    run(api)
    ada.reject_assignment(AssignmentId=assignment, RequesterFeedback="No")
    ada.approve_assignment(AssignmentId=assignment, OverrideRejection=True)
    ada.create_additional_assignments_for_hit(HITId=hit, NumberOfAdditionalAssignments=1)
    ada.update_expiration_for_hit(HITId=hit, ExpireAt=0)
    ada.delete_hit(HITId=hit)
    run(api)
    assert told(sent) == [
        "HITCreated",
        *("AssignmentAccepted", "AssignmentReturned"),
        *("AssignmentAccepted", "AssignmentAbandoned"),
        *("AssignmentAccepted", "AssignmentSubmitted", "HITReviewable"),
        *("AssignmentRejected", "AssignmentApproved"),
        *("HITExtended", "HITExpired", "HITReviewable", "HITDisposed"),
    ]
    destination, document = sent[0]
    assert (destination, document["CustomerId"]) == (HOOK["Destination"], api.ada.public_id)
    assert document["Events"][0]["HITTypeId"] == hit_type
    assert {one["HITId"] for _, some in sent for one in some["Events"]} == {hit}


def test_only_what_was_asked_for_is_told_and_only_while_it_is_wanted(api, ada, sent):
    hit_type = watched(ada, ["AssignmentSubmitted"])
    post(ada, hit_type, MaxAssignments=3)
    api.work(api.worker("bob"), hit_type)
    ada.update_notification_settings(HITTypeId=hit_type, Active=False)
    api.work(api.worker("eve"), hit_type)
    ada.update_notification_settings(HITTypeId=hit_type, Active=True)
    api.work(api.worker("dan"), hit_type)
    run(api)
    assert told(sent) == ["AssignmentSubmitted"] * 2


def test_events_come_ten_to_a_document_and_each_document_once(api, ada, sent):
    hit_type = watched(ada, ["HITCreated"])
    for _ in range(12):
        post(ada, hit_type)
    run(api)
    run(api)
    assert [len(document["Events"]) for _, document in sent] == [10, 2]
    assert len({document["EventDocId"] for _, document in sent}) == 2


def test_a_test_event_goes_where_it_is_asked_to_and_needs_no_settings(api, ada, sent):
    notification = HOOK | {"Transport": "Email", "Destination": "ada@example.org", "EventTypes": ["Ping"]}
    ada.send_test_event_notification(Notification=notification, TestEventType="Ping")
    run(api)
    assert [(where, document["Events"][0]["EventType"]) for where, document in sent] == [("ada@example.org", "Ping")]


@pytest.mark.parametrize(
    "more",
    [{"Destination": "nowhere"}, {"Destination": "ada@example.org"}, {"Version": "1999-01-01"}],
)
def test_a_destination_that_cannot_be_is_refused(ada, more):
    hit_type = ada.create_hit_type(**TYPE)["HITTypeId"]
    told = HOOK | {"EventTypes": ["Ping"]} | more
    code, _ = refused(ada.update_notification_settings, HITTypeId=hit_type, Notification=told)
    assert code == CODE + "InvalidTransportEndpoint"
    code, _ = refused(ada.send_test_event_notification, Notification=told, TestEventType="Ping")
    assert code == CODE + "InvalidTransportEndpoint"


def test_nobody_watches_a_strangers_type(api, ada):
    hit_type, eve = ada.create_hit_type(**TYPE)["HITTypeId"], api.requester("eve")[1]
    told = HOOK | {"EventTypes": ["Ping"]}
    code, _ = refused(eve.update_notification_settings, HITTypeId=hit_type, Notification=told)
    assert code == CODE + "HITTypeDoesNotExist"


def test_what_was_never_set_up_is_not_switched(ada):
    hit_type = ada.create_hit_type(**TYPE)["HITTypeId"]
    code, words = refused(ada.update_notification_settings, HITTypeId=hit_type, Active=True)
    assert (code, words) == (CODE + "InvalidParameterValue", "Notification: none is set up for this HIT type")


def test_what_does_not_arrive_is_tried_again_later_and_in_the_end_given_up(api, ada, monkeypatch):
    down = []

    def send(broker, parcel):
        down.append(parcel)
        raise delivering.Refused("the lab is closed")

    monkeypatch.setattr(delivering, "SENDERS", dict.fromkeys(delivering.SENDERS, send))
    post(ada, watched(ada, ["HITCreated"]))

    def state():
        with api.store.read() as unit:
            (one,) = notices.recent(unit, api.ada.id)
        return one.state, one.attempts, one.message

    run(api)
    assert state() == (WAITING, 1, "the lab is closed")
    schedule.notify(api.site.broker)
    run(api)
    assert len(down) == 1  # not due yet
    for _ in range(7):
        api.clock.move(hours=6)
        schedule.notify(api.site.broker)
        run(api)
    assert state() == (FAILED, 8, "the lab is closed")
    assert len({json.loads(parcel.body)["EventDocId"] for parcel in down}) == 1


def test_one_closed_destination_holds_up_no_other(api, ada, monkeypatch):
    def send(broker, parcel):
        if parcel.destination == HOOK["Destination"]:
            raise delivering.Refused("closed")

    monkeypatch.setattr(delivering, "SENDERS", dict.fromkeys(delivering.SENDERS, send))
    for where in (HOOK["Destination"], "https://other.example.org/"):
        notification = HOOK | {"Destination": where, "EventTypes": ["Ping"]}
        ada.send_test_event_notification(Notification=notification, TestEventType="Ping")
    run(api)
    with api.store.read() as unit:
        assert {one.destination: one.state for one in notices.recent(unit, api.ada.id)} == {
            HOOK["Destination"]: WAITING,
            "https://other.example.org/": DELIVERED,
        }


def test_a_job_that_nobody_watches_has_no_notices(api, ada):
    api.work(api.worker("bob"), ada.create_hit(**HIT)["HIT"]["HITTypeId"])
    with api.store.read() as unit:
        assert notices.recent(unit, api.ada.id) == []
        assert notify.parcels(unit, api.ada.id, str, api.clock()) == []
