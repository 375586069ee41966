"""The clock: RQ's cron scheduler, which gives RQ what is due while this process leads."""

import datetime as dt
import threading
from collections.abc import Sequence
from contextlib import suppress

import structlog
from redis import Redis
from redis.exceptions import RedisError
from rq import Queue
from rq.cron import CronJob, CronScheduler
from rq.exceptions import DuplicateJobError, SchedulerNotFound
from rq.job import Job
from rq.serializers import JSONSerializer
from rq.utils import now as rq_now

from broker.store import schedule
from broker.store.leader import Leader
from broker.wiring import Broker
from workers.schedule import CLOCK, SCHEDULE, Entry, perform_with

log = structlog.get_logger()
LOOK_SECONDS = 1.0
SIGN = dt.timedelta(seconds=15)
"""How often it is noted, for people to see, that the clock looks after its schedule."""
PATIENCE = dt.timedelta(seconds=15)
"""How long RQ may sit on a job that is due again before it runs here: a worker that died with it holds its id."""


class Tick(CronJob):
    """An entry of the schedule as RQ's cron knows it: in JSON, never in pickle, and never queued twice."""

    def __init__(self, entry: Entry) -> None:
        self.job_id, function, argument = entry.job
        super().__init__(
            entry.queue,
            func_name=function,
            args=(argument,),
            interval=entry.seconds,
            result_ttl=0,
            failure_ttl=1,
            name=entry.name,
        )
        self.entry = entry
        self.refused_since: dt.datetime | None = None

    def enqueue(self, connection: Redis) -> Job:
        """Queue it. Raises DuplicateJobError while RQ has not run the last one yet."""
        queue = Queue(self.queue_name, connection=connection, serializer=JSONSerializer)
        return queue.enqueue(self.func_name, *self.args, job_id=self.job_id, unique=True, **self.job_options)


class Clock(CronScheduler):
    """RQ's scheduler for one installation: of several, only the one that leads schedules.

    What cannot be given to RQ, because the queue server is down or because RQ sits on the last job, runs here: leases
    run out also while Valkey is away.
    """

    def __init__(self, broker: Broker, leader: Leader, entries: Sequence[Entry] = SCHEDULE) -> None:
        super().__init__(broker.queue.connection, logging_level="WARNING")
        self.serializer = JSONSerializer
        self.broker, self.leader = broker, leader
        self.ticks = [Tick(entry) for entry in entries]
        self._cron_jobs = list(self.ticks)
        self._stopped = threading.Event()
        self._signed_at: dt.datetime | None = None
        self._reachable = self._well = True

    def start(self) -> None:
        """Look once a second what is due, until told to stop; no failure ends it, and each trouble is logged once."""
        while not self._stopped.wait(LOOK_SECONDS):
            try:
                self.enqueue_jobs()
                self._well = True
            except Exception:
                if self._well:
                    log.exception("the clock cannot look at its schedule; it tries again every second")
                self._well = False
        # The registry of RQ knows only clocks that led, and forgets what Valkey does.
        with suppress(RedisError, SchedulerNotFound):
            self.register_death()
        self.leader.resign()

    def stop(self) -> None:
        """Let `start` return."""
        self._stopped.set()

    def enqueue_jobs(self) -> list[CronJob]:
        """Give RQ what is due and has something to do, if this process leads; what was given."""
        if not self.leader.leads():
            return []
        self._sign()
        due = [tick for tick in self.ticks if tick.should_run()]
        now = self.broker.now()
        with self.broker.store.read() as unit:
            wanted = [tick for tick in due if tick.entry.wanted(unit, now)]
        for tick in due:
            tick.set_enqueue_time(rq_now())
            if tick not in wanted:
                tick.refused_since = None
        return [tick for tick in wanted if self._give(tick)]

    def _give(self, tick: Tick) -> bool:
        """Whether RQ took it; if RQ cannot, or has not run the last one for too long, it runs here."""
        try:
            tick.enqueue(self.connection)
        except DuplicateJobError:
            self._note(reachable=True)
            now = self.broker.now()
            tick.refused_since = tick.refused_since or now
            if now - tick.refused_since < PATIENCE:
                return False
        except RedisError as error:
            self._note(reachable=False, error=str(error))
        else:
            self._note(reachable=True)
            tick.refused_since = None
            if tick.queue_name != CLOCK:
                self._rung(tick)
            return True
        tick.refused_since = None
        perform_with(self.broker, tick.entry)
        return False

    def _rung(self, tick: Tick) -> None:
        """Note that errands were rung for: what RQ runs then is the errands, not an entry that could note it itself."""
        with self.broker.store.write() as unit:
            schedule.ran(unit, tick.name, self.broker.now(), 0.0)

    def _note(self, *, reachable: bool, error: str = "") -> None:
        if self._reachable and not reachable:
            log.warning("the queue server is unreachable: what is due runs here until it is back", error=error)
        elif reachable and not self._reachable:
            log.info("the queue server is back")
        self._reachable = reachable

    def _sign(self) -> None:
        """Note that the clock runs: in the database for the admins' page, in Valkey for RQ's own tools."""
        now = self.broker.now()
        if self._signed_at is not None and now - self._signed_at < SIGN:
            return
        self._signed_at = now
        with self.broker.store.write() as unit:
            schedule.look(unit, {tick.name: tick.entry.seconds for tick in self.ticks}, now)
        with suppress(RedisError):
            self.heartbeat()
            self.save()
