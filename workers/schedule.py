"""The schedule: what happens because time passes, how often it is looked for, and in which queue RQ runs it.

Every entry asks the database whether there is something to do before RQ is given a job: an idle installation forks
nothing and queues nothing. Each may run twice, or beside itself.
"""

import datetime as dt
import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from broker.services import expire as expiring
from broker.services import export, review, submit
from broker.store import errands, exports, posted, reviews, schedule, turns
from broker.store.db import Unit
from broker.wiring import DRAIN, Broker
from workers import here

log = structlog.get_logger()
CLOCK = "clock"
"""The queue of the clock's own RQ worker: an entry never waits behind an import."""
PERFORM = "workers.schedule.perform"
LOST = dt.timedelta(seconds=30)
PAUSE = dt.timedelta(seconds=60)
"""How long judging a job rests after it failed for good."""
KEPT = dt.timedelta(days=3)
"""How long errands that are done stay to be looked at."""
PRUNED_ROWS = 1000


@dataclass(frozen=True)
class Entry:
    """One thing that happens again and again: `wanted` says whether there is something to do, `act` does it."""

    name: str
    seconds: int
    wanted: Callable[[Unit, dt.datetime], bool]
    act: Callable[[Broker], None]
    queue: str = CLOCK

    @property
    def job(self) -> tuple[str, str, str]:
        """RQ's job: its id, what is called, and with what. In the errands' queues it is the one the bell rings for."""
        if self.queue == CLOCK:
            return f"tick-{self.name}", PERFORM, self.name
        return f"drain-{self.queue}", DRAIN, self.queue


def _fresh(unit: Unit, now: dt.datetime) -> list[int]:
    """The jobs with answers to judge for which nobody is asked yet."""
    unjudged = turns.jobs_with_unjudged(unit)
    if not unjudged:
        return []
    known = errands.asked(unit, "judge") | errands.failed_since(unit, "judge", now - PAUSE)
    return [job_id for job_id in unjudged if job_id not in known]


def lapse(broker: Broker) -> None:
    """Give the seats of leases that ran out to others."""
    with broker.store.write() as unit:
        submit.sweep(unit, broker.now())


def expire(broker: Broker) -> None:
    """End posted HITs whose time is over."""
    with broker.store.write() as unit:
        expiring.sweep(unit, broker.now())


def approve(broker: Broker) -> None:
    """Approve answers whose requesters had their time to look at them."""
    _till_done(broker, review.BATCH, review.sweep)


def release(broker: Broker) -> None:
    """Give back the rewards of rejections that nobody can overturn any more."""
    _till_done(broker, review.BATCH, review.release)


def _till_done(broker: Broker, size: int, act: Callable[[Unit, dt.datetime], int]) -> None:
    """Do something a transaction at a time until one had less than `size` to do."""
    done = size
    while done >= size:
        with broker.store.write() as unit:
            done = act(unit, broker.now())


def judge(broker: Broker) -> None:
    """Ask for fresh answers to be judged."""
    now = broker.now()
    with broker.store.write() as unit:
        for job_id in _fresh(unit, now):
            errands.later(unit, "judge", job_id, now)


def revive(broker: Broker) -> None:
    """Give the errands of lost runners to others."""
    now = broker.now()
    with broker.store.write() as unit:
        errands.revive(unit, now - LOST, now)


def prune(broker: Broker) -> None:
    """Forget errands that ended days ago, HITs that did months ago, and files of results that nobody fetches."""
    _till_done(broker, expiring.BATCH, expiring.forget)
    now, pruned = broker.now(), PRUNED_ROWS
    while pruned == PRUNED_ROWS:
        with broker.store.write() as unit:
            pruned = errands.prune(unit, now - KEPT, limit=PRUNED_ROWS)
    with broker.store.read() as unit:
        unwanted = export.unwanted(unit, now)
    for _, file in unwanted:
        if file:
            broker.files.remove(file)
    if unwanted:
        with broker.store.write() as unit:
            exports.forget(unit, [export_id for export_id, _ in unwanted])


def ring(broker: Broker, queue: str) -> None:
    """Ring anew for a queue whose ring may have been lost."""
    broker.queue.ring({queue})


def _bell(queue: str) -> Entry:
    """The bell that is rung after a commit may be lost: what still waits is rung for again."""
    return Entry(
        f"ring {queue}", 1, lambda unit, _: queue in errands.waiting(unit), lambda broker: ring(broker, queue), queue
    )


SCHEDULE = (
    Entry("lapse", 5, turns.any_lapsed, lapse),
    Entry("expire", 5, posted.any_expiring, expire),
    Entry("approve", 5, reviews.any_due, approve),
    Entry("release", 60, lambda unit, now: bool(reviews.forfeited(unit, now, limit=1)), release),
    Entry("judge", 1, lambda unit, now: bool(_fresh(unit, now)), judge),
    Entry("revive", 10, lambda unit, now: errands.any_lost(unit, now - LOST), revive),
    Entry("prune", 3600, lambda *_: True, prune),
    *(_bell(queue) for queue in errands.QUEUES),
)
ENTRIES = {entry.name: entry for entry in SCHEDULE}


def perform(name: str) -> None:
    """Run an entry of the schedule. This is what RQ calls."""
    perform_with(here.broker(), ENTRIES[name])


def perform_with(broker: Broker, entry: Entry) -> None:
    """Run an entry and note how it went; what fails is logged, and looked for again when it is due again."""
    now, began, message = broker.now(), time.perf_counter(), ""
    try:
        entry.act(broker)
    except Exception as error:
        log.exception("scheduled run failed", entry=entry.name)
        message = repr(error)
    with broker.store.write() as unit:
        schedule.ran(unit, entry.name, now, time.perf_counter() - began, message)
