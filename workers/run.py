"""Starts one background process: `python -m workers.run errands | statistics | clock`."""

import logging
import os
import signal
import sys
import threading
import time
from importlib import import_module

import structlog
from redis import Redis
from redis.exceptions import RedisError
from rq import Queue, SimpleWorker, Worker
from rq.job import Job
from rq.serializers import JSONSerializer
from rq.worker.base import BaseWorker

from broker.lifeline import end_with
from broker.store.leader import Leader
from workers import here, schedule
from workers.clock import Clock

log = structlog.get_logger()
GRACE_SECONDS = 6.0
AGAIN_SECONDS = 1.0
QUEUES = ("errands", "statistics")
PRELOADED = "workers.errands"


class StoppableWorker(BaseWorker):
    """An RQ worker that remembers that it was told to stop, even if the queue server leaves before it says goodbye."""

    max_connection_wait_time = 5.0
    stopping = False

    def handle_warm_shutdown_request(self) -> None:
        """Note it before anything that needs the queue server."""
        self.stopping = True
        super().handle_warm_shutdown_request()  # type: ignore[no-untyped-call]


class ErrandWorker(StoppableWorker, Worker):
    """An RQ worker whose stop takes no longer than the grace time, and whose fork does not outlive it.

    An errand that is cut short is a row still marked as running: it is revived and runs again.
    """

    def main_work_horse(self, job: Job, queue: Queue) -> None:
        """Run one RQ job in the fork."""
        end_with(int(self.pid or 0))
        super().main_work_horse(job, queue)

    def handle_warm_shutdown_request(self) -> None:
        """Let the running errand end, but see to it that RQ's cold stop follows if it does not."""
        super().handle_warm_shutdown_request()
        again = threading.Timer(GRACE_SECONDS, os.kill, (os.getpid(), signal.SIGTERM))
        again.daemon = True
        again.start()


class ClockWorker(StoppableWorker, SimpleWorker):
    """An RQ worker for what takes milliseconds: it does not fork."""


def work(kind: type[StoppableWorker], queue: str) -> None:
    """Serve one queue until a signal, whether the queue server is there or not."""
    logging.getLogger("rq.worker").setLevel(logging.WARNING)
    told = False
    while True:
        worker = None
        try:
            worker = _worker(kind, queue)
            worker.work(logging_level="WARNING")
        except RedisError as error:
            if worker is not None and worker.stopping:
                return
            if not told:
                log.warning("the queue server is unreachable: waiting for it", queue=queue, error=str(error))
            told = True
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, signal.SIG_DFL)  # RQ's handlers belong to a worker that is gone
            time.sleep(AGAIN_SECONDS)
        else:
            return


def _worker(kind: type[StoppableWorker], queue: str) -> StoppableWorker:
    # RQ's defaults would leave the work of a machine that died alone for seven minutes.
    return kind(
        [queue],
        connection=Redis.from_url(here.broker().settings.redis),
        serializer=JSONSerializer,
        worker_ttl=30,
        maintenance_interval=15,
        job_monitoring_interval=5,
    )


def keep_time() -> None:
    """Run the clock, and the RQ worker of what it schedules, until a signal."""
    broker = here.broker()
    clock = Clock(broker, Leader(broker.store.engine))
    thread = threading.Thread(target=clock.start, name="clock")
    thread.start()
    try:
        work(ClockWorker, schedule.CLOCK)
    finally:
        clock.stop()
        thread.join()
        broker.store.close()


def main(name: str) -> None:
    """Run the process of this name."""
    if name == "clock":
        keep_time()
    elif name in QUEUES:
        import_module(PRELOADED)  # or each fork would import numpy and the rest anew
        work(ErrandWorker, name)
    else:
        sys.exit(f"there is no {name!r}: say clock, {' or '.join(QUEUES)}")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "")
