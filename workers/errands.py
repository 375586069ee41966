"""Errands: from a row to its use case, by RQ, one transaction at a time, safe to run twice."""

import datetime as dt
import gc
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from itertools import islice
from typing import BinaryIO, TypeVar, cast

import structlog
from sqlalchemy.exc import SQLAlchemyError

from broker.errors import BrokerError
from broker.services import conclude, intake, judge, rank, settle
from broker.services.intake import Reading
from broker.store import errands, exports, jobs
from broker.store.db import Unit
from broker.store.errands import MOST_ATTEMPTS, Errand, ErrandState
from broker.wiring import Broker
from workers import exports as exporting
from workers import here, notify, reviews

log = structlog.get_logger()
BEAT_SECONDS = 5
YIELDS = 2
"""How many times as long as it wrote an errand lets others write."""
SWITCH_SECONDS = 0.0005
OBJECTS_UNLOOKED_AT = 100_000
"""So many new objects, the rows of some batches, are made before Python looks for circles among them."""
Made = TypeVar("Made")


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
    with _for_many_rows(), ThreadPoolExecutor(1) as thread:
        coming = thread.submit(next, items, None)
        while (item := coming.result()) is not None:
            coming = thread.submit(next, items, None)
            yield item


@contextmanager
def _for_many_rows() -> Iterator[None]:
    """Two threads that make and write rows by the thousand have Python to themselves."""
    interval, threshold = sys.getswitchinterval(), gc.get_threshold()
    # Who comes back from the database waits this long for Python. The usual 5 ms are as much as a batch takes.
    sys.setswitchinterval(SWITCH_SECONDS)
    # Rows hold no circles, and looking for some among all that are at hand takes as long as reading them.
    gc.set_threshold(OBJECTS_UNLOOKED_AT, *threshold[1:])
    try:
        yield
    finally:
        sys.setswitchinterval(interval)
        gc.set_threshold(*threshold)


def _conclude(broker: Broker, job_id: int) -> None:
    with broker.store.read() as unit:
        gathered = conclude.gather(unit, job_id)
    if gathered is None:
        return
    inferred = conclude.infer(gathered)
    with broker.store.write() as unit:
        conclude.keep(unit, job_id, gathered, inferred, broker.now())
    ranked = iter(inferred.ranks.items())
    _in_batches(broker, rank.BATCH, lambda unit, _: rank.rank(unit, job_id, dict(islice(ranked, rank.BATCH))))


ERRANDS: dict[str, Callable[[Broker, int], None]] = {
    "judge": _judge,
    "settle": _settle,
    "conclude": _conclude,
    "import": _import,
    "export": exporting.run,
    "review": reviews.run,
    "consensus": reviews.run_consensus,
    "notify": notify.run,
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
