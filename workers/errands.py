"""Errands: from a row to its use case, by RQ, one transaction at a time, safe to run twice."""

import datetime as dt
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import BinaryIO, cast

import structlog
from sqlalchemy.exc import SQLAlchemyError

from broker.errors import BrokerError
from broker.services import conclude, intake, judge, settle
from broker.services.intake import Reading
from broker.store import errands, exports, jobs
from broker.store.db import Unit
from broker.store.errands import MOST_ATTEMPTS, Errand, ErrandState
from broker.wiring import Broker
from workers import exports as exporting
from workers import here

log = structlog.get_logger()
BEAT_SECONDS = 5
YIELDS = 2
"""How many times as long as it wrote an errand lets others write."""


def _judge(broker: Broker, job_id: int) -> None:
    _in_batches(broker, judge.BATCH, lambda unit, now: judge.judge(unit, job_id, now))


def _settle(broker: Broker, job_id: int) -> None:
    _in_batches(broker, settle.BATCH, lambda unit, now: settle.settle(unit, job_id, now))


def _in_batches(broker: Broker, size: int, act: Callable[[Unit, dt.datetime], int]) -> None:
    """Do something a transaction at a time until one had less than `size` to do, and let others write in between."""
    while True:
        with broker.store.write() as unit:
            began = time.perf_counter()
            if act(unit, broker.now()) < size:
                return
        if broker.store.sqlite:
            # SQLite gives its lock to whoever asks at the right moment: without a pause, that would be us again.
            time.sleep(YIELDS * (time.perf_counter() - began))


def _import(broker: Broker, upload_id: int) -> None:
    with broker.store.write() as unit:
        reading = intake.begin(unit, upload_id)
    if reading is None:
        return
    try:
        wanted = _read(broker, upload_id, reading)
    except BrokerError as error:
        wanted = False
        with broker.store.write() as unit:
            intake.fail(unit, upload_id, error, broker.now())
    broker.files.remove(reading.file)
    if not wanted:
        broker.files.remove(reading.images)


def _read(broker: Broker, upload_id: int, reading: Reading) -> bool:
    """Read an upload to its end, a transaction for each batch; False if nobody wants it any more."""
    most = intake.limits(broker.settings.upload_bytes, broker.settings.row_limit)
    with broker.files.open(reading.file) as stream:
        for batch, done in intake.read(reading, cast("BinaryIO", stream), most, broker.files.write):
            with broker.store.write() as unit:
                if not intake.keep(unit, upload_id, batch, done, broker.now()):
                    return False
    return True


def _conclude(broker: Broker, job_id: int) -> None:
    with broker.store.read() as unit:
        gathered = conclude.gather(unit, job_id)
    if gathered is None:
        return
    inferred = conclude.infer(gathered)
    with broker.store.write() as unit:
        conclude.keep(unit, job_id, gathered, inferred, broker.now())


ERRANDS: dict[str, Callable[[Broker, int], None]] = {
    "judge": _judge,
    "settle": _settle,
    "conclude": _conclude,
    "import": _import,
    "export": exporting.run,
}


def _imported(unit: Unit, upload_id: int) -> tuple[int, int]:
    upload = jobs.upload(unit, upload_id)
    return upload.bytes_read, upload.size


def _unknown(_: Unit, __: int) -> None:
    """Nobody knows how far it is."""


PROGRESS: dict[str, Callable[[Unit, int], tuple[int, int] | None]] = {"import": _imported, "export": exports.progress}
"""How far the long ones are (done, total), told by the row of their subject."""


def drain(queue: str) -> int:
    """Run the waiting errands of a queue until none is left; how many ran. This is what RQ calls."""
    return drain_with(here.broker(), queue)


def drain_with(broker: Broker, queue: str) -> int:
    """Run the waiting errands of a queue until none is left; how many ran."""
    ran = 0
    while True:
        with broker.store.write() as unit:
            errand = errands.take(unit, queue, broker.now())
        if errand is None:
            return ran
        _run(broker, errand)
        ran += 1


def _run(broker: Broker, errand: Errand) -> None:
    state, message, again = ErrandState.DONE, "", False
    try:
        with _heart(broker, errand):
            ERRANDS[errand.name](broker, errand.subject)
    except BrokerError as error:
        state, message = ErrandState.FAILED, error.message
    except Exception as error:
        log.exception("errand failed", errand=errand.name, subject=errand.subject)
        state, message, again = ErrandState.FAILED, repr(error), errand.attempts < MOST_ATTEMPTS
    with broker.store.write() as unit:
        ended = errands.finish(unit, errand.id, state, message, broker.now(), attempt=errand.attempts)
        if ended and again:
            errands.later(unit, errand.name, errand.subject, broker.now(), queue=errand.queue, attempts=errand.attempts)


@contextmanager
def _heart(broker: Broker, errand: Errand) -> Iterator[None]:
    """Tell the database every few seconds that the errand still runs, and how far it is."""
    stopped, progress = threading.Event(), PROGRESS.get(errand.name, _unknown)

    def beat() -> None:
        while not stopped.wait(BEAT_SECONDS):
            try:
                with broker.store.write() as unit:
                    errands.beat(unit, errand, broker.now(), progress(unit, errand.subject))
            except (SQLAlchemyError, BrokerError) as error:
                # One missed beat must not let a second runner start beside this one.
                log.warning("heartbeat failed", errand=errand.id, error=str(error))

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()
