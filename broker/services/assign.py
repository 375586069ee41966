"""ASSIGN: which job a worker who does not choose works on next: fair between requesters, urgent jobs first.

The requester is drawn by lot, each with the same chance however many jobs they have open; among that requester's jobs
their own priority decides, then the lot. A job in which nothing was left for the worker is passed over until something
opens in it.
"""

import datetime as dt
import random
from collections.abc import Sequence

from broker.rules.qualification import USUAL, Leniency
from broker.store import desk
from broker.store.db import Unit

MOST_DRAWN = 1000


def next_job(
    unit: Unit,
    worker_id: int,
    requesters: Sequence[int],
    dice: random.Random,
    *,
    now: dt.datetime,
    how: Leniency = USUAL,
) -> int | None:
    """The row id of a job that may have something for the worker; None if none of these requesters' jobs has."""
    drawn = dice.sample(requesters, min(len(requesters), MOST_DRAWN))
    for requester in drawn:
        found = desk.fresh_jobs(unit, requester, worker_id, now, how)
        if found:
            urgent = [job for job, priority in found if priority == found[0][1]]
            return dice.choice(urgent)
    return None


def requesters(unit: Unit) -> list[int]:
    """The requesters who have open jobs, one index seek each."""
    found: list[int] = []
    while (after := desk.next_requester(unit, found[-1] if found else 0)) is not None:
        found.append(after)
    return found
