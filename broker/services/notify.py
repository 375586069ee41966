"""NOTIFY: which events of a HIT type its requester is told of, and where; delivered later, tried again, given up."""

import datetime as dt
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from broker.errors import Invalid, NotFound, Problem
from broker.rules import notice
from broker.rules.notice import EVENTS, MOST_EVENTS, VERSIONS, Told, Transport
from broker.store import jobs, notices, people
from broker.store.db import Unit
from broker.store.notices import Event, Notice, Target

BATCH = 200
Show = Callable[[str, int], str]
"""From a prefix and a row id to a public id."""


@dataclass(frozen=True)
class Parcel:
    """One document on its way: where to, by which way, and the notices that it tells."""

    notices: tuple[int, ...]
    transport: Transport
    destination: str
    body: str
    requester: int
    tries: int


def target(named: str, destination: str, version: str) -> Target:
    """Where notices shall go. Raises Invalid for a destination or a version that cannot be."""
    if version not in VERSIONS:
        message = f"{version[:40]!r} is none of {', '.join(VERSIONS)}"
        raise Invalid(f"Version: {message}", problems=[Problem(message, column="Version")])
    return Target(notice.transport(named, destination), destination, version)


def watch(unit: Unit, job_id: int, requester_id: int, to: Target, events: Sequence[str], *, active: bool) -> None:
    """Tell the requester of these events of a HIT type from now on. Raises NotFound, Invalid."""
    _own_type(unit, job_id, requester_id)
    unknown = [one for one in events if one not in EVENTS]
    if unknown or not events:
        message = f"{unknown[0]!r} is no event" if unknown else "name at least one event"
        raise Invalid(f"EventTypes: {message}", problems=[Problem(message, column="EventTypes")])
    where = {"transport": to.transport, "destination": to.destination, "version": to.version}
    notices.set_watch(unit, job_id, active=active, events=list(dict.fromkeys(events)), **where)


def switch(unit: Unit, job_id: int, requester_id: int, *, active: bool) -> None:
    """Go on telling, or stop. Raises NotFound, Invalid where nothing was set up."""
    _own_type(unit, job_id, requester_id)
    if notices.watch(unit, job_id) is None:
        message = "none is set up for this HIT type"
        raise Invalid(f"Notification: {message}", problems=[Problem(message, column="Notification")])
    notices.set_watch(unit, job_id, active=active)


def _own_type(unit: Unit, job_id: int, requester_id: int) -> None:
    if jobs.own_job(unit, job_id, requester_id).hit_type is None:
        raise NotFound("There is no such HIT type.")


def try_out(unit: Unit, requester_id: int, to: Target, event: str, now: dt.datetime) -> None:
    """Tell of an event that did not happen, so that the requester sees whether it arrives."""
    notices.put(unit, requester_id, None, to, [Event(event)], now)


def parcels(unit: Unit, requester_id: int, show: Show, now: dt.datetime) -> list[Parcel]:
    """What is to be delivered to this requester now, up to MOST_EVENTS of one target in each document."""
    waiting = notices.due(unit, requester_id, now, limit=BATCH)
    customer = people.person(unit, requester_id)
    alike: dict[tuple[str, str, str], list[Notice]] = {}
    for one in waiting:
        alike.setdefault((one.transport, one.destination, one.version), []).append(one)
    return [
        _parcel(some[start : start + MOST_EVENTS], customer.public_id if customer else "", show)
        for some in alike.values()
        for start in range(0, len(some), MOST_EVENTS)
    ]


def _parcel(some: Sequence[Notice], customer: str, show: Show) -> Parcel:
    ids = tuple(one.id for one in some)
    first = some[0]
    # The same notices delivered again are the same document: whoever gets it twice can tell.
    doc_id = hashlib.sha256(repr(ids).encode()).hexdigest()[:32].upper()
    body = notice.document([_told(one, show) for one in some], customer, first.version, doc_id)
    tries = max(one.attempts for one in some) + 1
    return Parcel(ids, Transport(first.transport), first.destination, body, first.requester_id, tries)


def _told(one: Notice, show: Show) -> Told:
    return Told(
        one.event,
        one.at,
        show("J", one.job_id) if one.job_id else "",
        show("H", one.hit_id) if one.hit_id else "",
        show("T", one.assignment_id) if one.assignment_id else "",
    )


def delivered(unit: Unit, parcel: Parcel, now: dt.datetime) -> None:
    """It arrived."""
    notices.told(unit, parcel.notices, now)


def failed(unit: Unit, parcel: Parcel, message: str, now: dt.datetime) -> None:
    """It did not arrive: it is tried again later, or given up."""
    wait = notice.next_try(parcel.tries)
    notices.failed(unit, parcel.notices, message, None if wait is None else now + wait, now)
