"""Notices: the documents that are told, where they may go, when they are tried again, and their signature."""

import datetime as dt
import hashlib
import hmac
import json

import pytest

from broker.errors import Invalid
from broker.rules.notice import Told, Transport, document, next_try, signed, transport, webhook_secret

NOON = dt.datetime(2026, 3, 2, 12, 0, 5, 700_000, tzinfo=dt.UTC)


def test_a_document_is_as_mturk_writes_it():
    told = [Told("AssignmentSubmitted", NOON, "J1", "H1", "T1"), Told("HITReviewable", NOON, "J1", "H1")]
    assert json.loads(document(told, "A1", "2014-08-15", "DOC")) == {
        "EventDocVersion": "2014-08-15",
        "EventDocId": "DOC",
        "CustomerId": "A1",
        "Events": [
            {
                "EventType": "AssignmentSubmitted",
                "EventTimestamp": "2026-03-02T12:00:05Z",
                "HITTypeId": "J1",
                "HITId": "H1",
                "AssignmentId": "T1",
            },
            {
                "EventType": "HITReviewable",
                "EventTimestamp": "2026-03-02T12:00:05Z",
                "HITTypeId": "J1",
                "HITId": "H1",
            },
        ],
    }


@pytest.mark.parametrize(
    ("named", "destination", "way"),
    [
        ("Email", "ada@example.org", Transport.EMAIL),
        ("SQS", "https://sqs.us-east-1.amazonaws.com/123456789012/events", Transport.SQS),
        ("SNS", "arn:aws:sns:us-east-1:123456789012:events", Transport.SNS),
        ("SNS", "https://lab.example.org/hook", Transport.WEBHOOK),
    ],
)
def test_a_destination_says_by_which_way(named, destination, way):
    assert transport(named, destination) == way


@pytest.mark.parametrize(
    ("named", "destination"),
    [
        ("Email", "ada"),
        ("Email", "@example.org"),
        ("Email", "ada@example.org\nBcc: eve@example.org"),
        ("SQS", "arn:aws:sqs:us-east-1:1:events"),
        ("SNS", "http://lab.example.org/hook"),
        ("SNS", "https://lab.example.org/" + "x" * 1000),
    ],
)
def test_what_is_no_destination_is_refused(named, destination):
    with pytest.raises(Invalid, match="is no destination"):
        transport(named, destination)


def test_tries_come_ever_later_and_end():
    waits = [next_try(number) for number in range(1, 9)]
    assert waits[-1] is None
    assert [int(one.total_seconds()) for one in waits[:-1]] == [30, 120, 480, 1920, 7680, 21600, 21600]


def test_a_signature_covers_time_and_body_and_each_requester_has_a_key_of_their_own():
    secret = webhook_secret(b"s" * 48, 7)
    assert secret != webhook_secret(b"s" * 48, 8)
    expected = hmac.new(secret.encode(), b"1700000000.{}", hashlib.sha256).hexdigest()
    assert signed(secret, b"{}", 1_700_000_000) == f"t=1700000000,v1={expected}"
    assert signed(secret, b"{}", 1_700_000_001) != signed(secret, b"{}", 1_700_000_000)
