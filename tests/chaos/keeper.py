"""A process that does what time and errands do: `python -m tests.chaos.keeper sweep | judge DATABASE JOB`."""

import datetime as dt
import signal
import sys
import threading

import sqlalchemy as sa

from broker.services import judge, settle, submit
from broker.store import tables
from broker.store.db import Store

PAUSE_SECONDS = {"sweep": 0.2, "judge": 0.1}


def sweep(store, _):
    """Give the seats of lapsed leases to others."""
    with store.write() as unit:
        submit.sweep(unit, dt.datetime.now(dt.UTC))


def judge_and_settle(store, job):
    """Judge what was answered and pay it."""
    for step, batch in ((judge.judge, judge.BATCH), (settle.settle, settle.BATCH)):
        more = batch
        while more == batch:
            with store.write() as unit:
                more = step(unit, job, dt.datetime.now(dt.UTC))


def main(what, database, job):
    """Do it again and again until SIGTERM."""
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    tables.know_all()
    store = Store(database, pool=2)
    while not stop.wait(PAUSE_SECONDS[what]):
        try:
            {"sweep": sweep, "judge": judge_and_settle}[what](store, job)
        except sa.exc.OperationalError as error:  # SQLite was busy for too long; the next round does it
            sys.stderr.write(f"{what}: {error.orig!r}\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
