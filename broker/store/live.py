"""The live posteriors of a job between two refits: one row for the job, one per worker, one per HIT.

One writer at a time: whoever changes them holds the job's row in `live_jobs` till the end of their unit. It is taken
after assignments and before the job's own row.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from broker.annotation.hit_state import HitState
from broker.store.db import Json, Rows, Unit, row_of

if TYPE_CHECKING:
    # The web process knows the tables, and does without numpy.
    from broker.annotation.live import Crowd

AT_ONCE = 500
NUMBER = 8
"""Bytes of a number."""


class LiveJob(Rows):
    """A job's pooled counts (labels x truths) and the sum of its posteriors; `fitted`: answers of its last refit."""

    __tablename__ = "live_jobs"

    job_id: Mapped[int] = mapped_column(sa.ForeignKey("jobs.id"), primary_key=True)
    fitted: Mapped[int]
    counts: Mapped[bytes]
    mass: Mapped[bytes]


class LiveWorker(Rows):
    """A worker's expected counts in a job: for each label they gave its code and a row over truths."""

    __tablename__ = "live_workers"

    job_id: Mapped[row_of] = mapped_column(primary_key=True)
    worker_id: Mapped[row_of] = mapped_column(primary_key=True)
    counts: Mapped[bytes]


class LiveHit(Rows):
    """A HIT's answers as label codes by worker, its posteriors, and its gold; `answers` is how many they are."""

    __tablename__ = "live_hits"

    job_id: Mapped[row_of] = mapped_column(primary_key=True)
    hit_id: Mapped[row_of] = mapped_column(primary_key=True)
    answers: Mapped[int]
    state: Mapped[Json]


def held(unit: Unit, job_id: int) -> LiveJob | None:
    """The job's row, held till the end of the unit; None if there is none."""
    mine = sa.select(LiveJob).where(LiveJob.job_id == job_id).with_for_update()
    return unit.session.scalar(mine.execution_options(populate_existing=True))


def begin(unit: Unit, job_id: int, classes: int) -> LiveJob:
    """The job's row, held till the end of the unit: a fresh one that knows of no answer, if there is none."""
    nothing = bytes(NUMBER * classes)
    unit.insert_once(LiveJob, job_id=job_id, fitted=0, counts=nothing * classes, mass=nothing)
    found = held(unit, job_id)
    assert found is not None  # noqa: S101 -- rows of live_jobs are never deleted
    return found


def load(unit: Unit, job: LiveJob, crowd: "Crowd", hit_ids: Sequence[int], worker_ids: Iterable[int]) -> None:
    """Lay down these HITs, all workers that answered them, and these workers."""
    crowd.pool(job.counts, job.mass)
    workers = set(worker_ids)
    for hit_id, state in states(unit, job.job_id, hit_ids).items():
        crowd.put(hit_id, state)
        if not state.gold:  # on gold only those who answer change
            workers |= state.answers.keys()
    query = sa.select(LiveWorker.worker_id, LiveWorker.counts).where(LiveWorker.job_id == job.job_id)
    for some in _parts(sorted(workers)):
        for worker_id, counts in unit.session.execute(query.where(LiveWorker.worker_id.in_(some))):
            crowd.put_worker(worker_id, counts)


def states(unit: Unit, job_id: int, hit_ids: Iterable[int]) -> dict[int, HitState]:
    """What is known of these HITs, for those that have answers."""
    query = sa.select(LiveHit.hit_id, LiveHit.state).where(LiveHit.job_id == job_id)
    found = (row for some in _parts(hit_ids) for row in unit.session.execute(query.where(LiveHit.hit_id.in_(some))))
    return {hit_id: _state(state) for hit_id, state in found}


def counts(unit: Unit, job_id: int) -> dict[int, int]:
    """How many answers are known of each HIT."""
    query = sa.select(LiveHit.hit_id, LiveHit.answers).where(LiveHit.job_id == job_id)
    return {row.hit_id: row.answers for row in unit.session.execute(query)}


def save(unit: Unit, job: LiveJob, crowd: "Crowd", hit_ids: Iterable[int]) -> None:
    """Keep what is now known of these HITs, of all workers laid down, and of the crowd."""
    job.counts, job.mass = crowd.pooled()
    unit.session.flush()
    for some in _parts(crowd.workers()):
        rows = ({"worker_id": worker_id, "counts": crowd.worker(worker_id)} for worker_id in some)
        unit.upsert(LiveWorker, [{"job_id": job.job_id, **row} for row in rows])
    for some in _parts(hit_ids):
        hits = ((hit_id, crowd.hit(hit_id)) for hit_id in some)
        unit.upsert(LiveHit, [_hit(job.job_id, hit_id, state) for hit_id, state in hits])


def clear(unit: Unit, job: LiveJob, answers: int) -> None:
    """Forget all HITs and workers of the job: it is refitted, on so many answers."""
    for table in (LiveHit, LiveWorker):
        unit.changed(sa.delete(table).where(table.job_id == job.job_id))
    job.fitted = answers


def _hit(job_id: int, hit_id: int, state: HitState) -> dict[str, Any]:
    return {"job_id": job_id, "hit_id": hit_id, "answers": len(state.answers), "state": vars(state)}


def _state(row: Json) -> HitState:
    return HitState({int(worker): codes for worker, codes in row["answers"].items()}, row["posterior"], row["gold"])


def _parts(rows: Iterable[int]) -> Iterator[list[int]]:
    rest = iter(rows)
    while part := list(islice(rest, AT_ONCE)):
        yield part
