"""BLOCK: a requester who wants no work of a worker, and what requesters write to those who worked for them."""

import datetime as dt
from collections.abc import Sequence

from broker.errors import Invalid, Problem
from broker.store import blocks, hits
from broker.store.db import Unit
from broker.store.people import Person

LONGEST_REASON = 1024
LONGEST_SUBJECT, LONGEST_TEXT, MOST_READERS = 200, 4096, 100


def block(unit: Unit, requester_id: int, worker_id: int, reason: str, now: dt.datetime) -> None:
    """Give the worker no more HITs of this requester; what they hold they may submit. Raises Invalid."""
    if len(reason) > LONGEST_REASON:
        message = f"write at most {LONGEST_REASON} characters"
        raise Invalid(f"reason: {message}", problems=[Problem(message, column="reason")])
    blocks.put(unit, requester_id, worker_id, reason, now)
    hits.bar(unit, requester_id, worker_id)


def unblock(unit: Unit, requester_id: int, worker_id: int) -> None:
    """Let the worker have HITs of this requester again; nothing happens if they may already."""
    if blocks.lift(unit, requester_id, worker_id):
        hits.let_in(unit, requester_id, worker_id)


def notify(
    unit: Unit, requester_id: int, workers: Sequence[Person], subject: str, text: str, now: dt.datetime
) -> list[Person]:
    """Write to workers who have worked for this requester; those who have not, and get nothing. Raises Invalid."""
    sizes = (("subject", len(subject.strip()), LONGEST_SUBJECT), ("text", len(text.strip()), LONGEST_TEXT))
    problems = [
        Problem(f"write between 1 and {most} characters", column=name)
        for name, size, most in sizes
        if not 0 < size <= most
    ]
    if not 0 < len(workers) <= MOST_READERS:
        problems.append(Problem(f"name between 1 and {MOST_READERS} workers", column="workers"))
    if problems:
        raise Invalid("; ".join(map(str, problems)), problems=problems)
    known = blocks.known_workers(unit, requester_id, [one.id for one in workers])
    for one in workers:
        if one.id in known:
            blocks.send(unit, requester_id, one.id, subject.strip(), text.strip(), now)
    return [one for one in workers if one.id not in known]
