"""The clock: what happens because time passes, told by the database alone."""

import datetime as dt

from broker.services import submit
from broker.store import errands, turns
from broker.wiring import Broker

LOST_SECONDS = 30
PAUSE_SECONDS = 60
"""How long judging a job rests after it failed for good."""


def tick(broker: Broker) -> None:
    """Free lapsed leases, have fresh answers judged, give lost errands to others, ring for what waits."""
    now = broker.now()
    with broker.store.read() as unit:
        failed = errands.failed_since(unit, "judge", now - dt.timedelta(seconds=PAUSE_SECONDS))
        fresh = [job_id for job_id in turns.jobs_with_unjudged(unit) if job_id not in failed]
        due = turns.any_lapsed(unit, now)
        lost = errands.any_lost(unit, now - dt.timedelta(seconds=LOST_SECONDS))
    if fresh or due or lost:
        with broker.store.write() as unit:
            submit.sweep(unit, now)
            errands.revive(unit, now - dt.timedelta(seconds=LOST_SECONDS))
            for job_id in fresh:
                errands.later(unit, "judge", job_id, now)
    with broker.store.read() as unit:
        waiting = errands.waiting(unit)
    if waiting:
        broker.queue.ring(waiting)
