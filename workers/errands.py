"""Errands: from a row to its use case, by RQ, one transaction at a time, safe to run twice."""

import functools
import sys
import threading
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from typing import BinaryIO, TypeVar, cast

import structlog
from sqlalchemy.exc import SQLAlchemyError

from broker import wiring
from broker.errors import BrokerError
from broker.services import conclude, intake, judge, settle
from broker.services.intake import Reading
from broker.store import errands
from broker.store.errands import MOST_ATTEMPTS, Errand, ErrandState
from broker.wiring import Broker

log = structlog.get_logger()
BEAT_SECONDS = 5
LOST_SECONDS = 30
SWITCH_SECONDS = 0.0005
Made = TypeVar("Made")


def _judge(broker: Broker, job_id: int) -> None:
    while True:
        with broker.store.write() as unit:
            if judge.judge(unit, job_id, broker.now()) < judge.BATCH:
                return


def _settle(broker: Broker, job_id: int) -> None:
    while True:
        with broker.store.write() as unit:
            if settle.settle(unit, job_id, broker.now()) < settle.BATCH:
                return


def _import(broker: Broker, upload_id: int) -> None:
    # Once, but for a runner that was thought dead and is overtaken: it goes on from where the other one is, so that
    # the import ends whichever of them dies.
    while (reading := _begin(broker, upload_id)) is not None:
        try:
            _read(broker, upload_id, reading)
        except BrokerError as error:
            with broker.store.write() as unit:
                intake.fail(unit, upload_id, error, broker.now())
        with broker.store.write() as unit:
            leftovers = intake.leftovers(unit, upload_id, reading)
        for key in leftovers:
            broker.files.remove(key)


def _begin(broker: Broker, upload_id: int) -> Reading | None:
    with broker.store.write() as unit:
        return intake.begin(unit, upload_id)


def _read(broker: Broker, upload_id: int, reading: Reading) -> None:
    """Read an upload on, a transaction for each batch, till its end or till somebody else read on or gave it up."""
    most = intake.limits(broker.settings.upload_bytes, broker.settings.row_limit)
    with broker.files.open(reading.file) as stream:
        batches = intake.read(reading, cast("BinaryIO", stream), most, broker.files.write)
        with closing(_ahead(batches)) as read:
            for batch, done in read:
                with broker.store.write() as unit:
                    if not intake.keep(unit, upload_id, batch, done, broker.now()):
                        return


def _ahead(items: Iterator[Made]) -> Generator[Made, None, None]:
    """The items, each while a thread already makes the next one: reading goes on while the database works."""
    usual = sys.getswitchinterval()
    # Who comes back from the database waits this long for Python. The usual 5 ms are as much as a batch takes.
    sys.setswitchinterval(SWITCH_SECONDS)
    try:
        with ThreadPoolExecutor(1) as thread:
            coming = thread.submit(next, items, None)
            while (item := coming.result()) is not None:
                coming = thread.submit(next, items, None)
                yield item
    finally:
        sys.setswitchinterval(usual)


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
}


@functools.cache
def _broker() -> Broker:
    return wiring.build()


def drain(queue: str) -> int:
    """Run the waiting errands of a queue until none is left; how many ran. This is what RQ calls."""
    return drain_with(_broker(), queue)


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
        with _heart(broker, errand.id):
            ERRANDS[errand.name](broker, errand.subject)
    except BrokerError as error:
        state, message = ErrandState.FAILED, error.message
    except Exception as error:
        log.exception("errand failed", errand=errand.name, subject=errand.subject)
        state, message, again = ErrandState.FAILED, repr(error), errand.attempts < MOST_ATTEMPTS
    with broker.store.write() as unit:
        if errands.finish(unit, errand.id, state, message, broker.now()) and again:
            errands.later(unit, errand.name, errand.subject, broker.now(), queue=errand.queue, attempts=errand.attempts)


@contextmanager
def _heart(broker: Broker, errand_id: int) -> Iterator[None]:
    """Tell the database every few seconds that the errand still runs."""
    stopped = threading.Event()

    def beat() -> None:
        while not stopped.wait(BEAT_SECONDS):
            try:
                with broker.store.write() as unit:
                    errands.beat(unit, errand_id, broker.now())
            except SQLAlchemyError as error:  # or one missed beat would let a second runner start beside this one
                log.warning("heartbeat failed", errand=errand_id, error=str(error))

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()
