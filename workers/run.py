"""Starts one background process: `python -m workers.run errands | statistics | clock`."""

import logging
import os
import signal
import sys
import threading

import structlog
from redis import Redis
from rq import Queue, Worker
from rq.job import Job
from rq.serializers import JSONSerializer

from broker.lifeline import end_with
from broker.settings import Settings
from broker.store.leader import Leader
from broker.wiring import Broker, build
from workers import clock

log = structlog.get_logger()
TICK_SECONDS = 1.0
GRACE_SECONDS = 6.0
QUEUES = ("errands", "statistics")


class ErrandWorker(Worker):
    """An RQ worker whose stop takes no longer than the grace time, and whose fork does not outlive it.

    An errand that is cut short is a row still marked as running: it is revived and runs again.
    """

    def main_work_horse(self, job: Job, queue: Queue) -> None:
        """Run one RQ job in the fork."""
        end_with(int(self.pid or 0))
        super().main_work_horse(job, queue)

    def handle_warm_shutdown_request(self) -> None:
        """Let the running errand end, but see to it that RQ's cold stop follows if it does not."""
        super().handle_warm_shutdown_request()  # type: ignore[no-untyped-call]
        again = threading.Timer(GRACE_SECONDS, os.kill, (os.getpid(), signal.SIGTERM))
        again.daemon = True
        again.start()


def work(queue: str, settings: Settings) -> None:
    """Serve one queue until a signal."""
    logging.getLogger("rq.worker").setLevel(logging.WARNING)
    # RQ's defaults would leave the work of a machine that died alone for seven minutes.
    worker = ErrandWorker(
        [queue],
        connection=Redis.from_url(settings.redis),
        serializer=JSONSerializer,
        worker_ttl=30,
        maintenance_interval=15,
        job_monitoring_interval=5,
    )
    worker.work(logging_level="WARNING")


def keep_time(settings: Settings) -> None:
    """Run the clock until a signal."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    broker = build(settings)
    leader = Leader(broker.store.engine)
    tick_while_leading(broker, leader, stop)
    leader.resign()
    broker.store.close()


def tick_while_leading(broker: Broker, leader: Leader, stop: threading.Event) -> None:
    """Tick every second while this process leads, until told to stop; a failed tick is logged and survived."""
    while not stop.wait(TICK_SECONDS):
        try:
            if leader.leads():
                clock.tick(broker)
        except Exception:
            log.exception("tick failed")


def main(name: str) -> None:
    """Run the process of this name."""
    if name == "clock":
        keep_time(Settings())
    elif name in QUEUES:
        work(name, Settings())
    else:
        sys.exit(f"there is no {name!r}: say clock, {' or '.join(QUEUES)}")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "")
