"""What is told of events and when it is tried again: MTurk's notification documents, and a webhook's signature.

Contract: "Notifications" of MTurk's API reference; its document is the body of an SQS message and of an SNS message.
"""

import datetime as dt
import hashlib
import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from broker.errors import Invalid, Problem

VERSIONS = ("2006-05-05", "2014-08-15")
MOST_EVENTS = 10
"""Events of one document."""
FIRST, FACTOR, LONGEST, MOST_TRIES = dt.timedelta(seconds=30), 4, dt.timedelta(hours=6), 8
SIGNATURE = "X-Crowd-Broker-Signature"
LONGEST_DESTINATION = 1000


class Transport(StrEnum):
    """By which way notices go."""

    EMAIL = "Email"
    SQS = "SQS"
    SNS = "SNS"
    WEBHOOK = "Webhook"
    """A signed https POST: what an SNS destination is that begins with https://."""


EVENTS = (
    *(f"Assignment{what}" for what in ("Accepted", "Abandoned", "Returned", "Submitted", "Rejected", "Approved")),
    *(f"HIT{what}" for what in ("Created", "Expired", "Reviewable", "Extended", "Disposed")),
    "Ping",
)


@dataclass(frozen=True)
class Told:
    """One event with the public ids of what it is about; empty where there is none."""

    event: str
    at: dt.datetime
    hit_type: str = ""
    hit: str = ""
    assignment: str = ""

    def shown(self) -> dict[str, str]:
        """The event as the document has it."""
        ids = {"HITTypeId": self.hit_type, "HITId": self.hit, "AssignmentId": self.assignment}
        at = self.at.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return {"EventType": self.event, "EventTimestamp": at, **{name: text for name, text in ids.items() if text}}


def document(events: Sequence[Told], customer: str, version: str, doc_id: str) -> str:
    """The JSON that is delivered; the same `doc_id` is the same document delivered again."""
    told: dict[str, Any] = {"EventDocVersion": version, "EventDocId": doc_id, "CustomerId": customer}
    return json.dumps(told | {"Events": [one.shown() for one in events]}, separators=(",", ":"))


def next_try(tries: int) -> dt.timedelta | None:
    """How long to wait after so many tries (1 is the first) failed; None: it is given up, after about 20 hours."""
    return min(FIRST * FACTOR ** (tries - 1), LONGEST) if tries < MOST_TRIES else None


def transport(named: str, destination: str) -> Transport:
    """The way to a destination. Raises Invalid for one that this way cannot reach."""
    way = Transport(named)
    if way == Transport.SNS and destination.startswith("https://"):
        way = Transport.WEBHOOK
    fits = {
        Transport.EMAIL: destination.count("@") == 1 and not destination.startswith("@") and destination[-1] != "@",
        Transport.SQS: destination.startswith(("https://", "http://")),
        Transport.SNS: destination.startswith("arn:"),
        Transport.WEBHOOK: True,
    }
    odd = len(destination) > LONGEST_DESTINATION or any(letter.isspace() or ord(letter) < 32 for letter in destination)
    if odd or not fits[way]:
        message = f"{destination[:200]!r} is no destination for {named}"
        raise Invalid(f"Destination: {message}", problems=[Problem(message, column="Destination")])
    return way


def webhook_secret(secret: bytes, requester: int) -> str:
    """The key with which a requester's webhooks are signed."""
    return hmac.digest(secret, f"webhook:{requester}".encode(), "sha256").hex()


def signed(secret: str, body: bytes, at: int) -> str:
    """The header's value: the time in seconds since 1970, and HMAC-SHA256 over "<time>.<body>" in hexadecimal."""
    told = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={told}"
