"""TABULATE: a job's answers as MTurk's web page gave them: a line for each assignment, to be approved or rejected."""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from broker.errors import Conflict
from broker.formats import batch as batch_format
from broker.formats.batch import Work
from broker.kinds.registry import furnish
from broker.store import batches, jobs
from broker.store.batches import Line
from broker.store.db import Store
from broker.store.jobs import Job, JobState
from broker.store.work import Turn

BATCH = 500
MONTH, WEEK = dt.timedelta(days=30), dt.timedelta(days=7)


@dataclass(frozen=True)
class Shown:
    """How row ids are shown to people: of HITs, of assignments, of jobs."""

    hit: Callable[[int], str]
    assignment: Callable[[int], str]
    job: Callable[[int], str]


def results(store: Store, job_id: int, requester_id: int, shown: Shown, now: dt.datetime) -> Iterator[bytes]:
    """The results file of a job in blocks, its answers in the order of its rows.

    Raises NotFound for a stranger's job, Conflict for a draft, both at once and not when it is first read.
    """
    with store.read() as unit:
        job = jobs.own_job(unit, job_id, requester_id)
    if job.state == JobState.DRAFT:
        raise Conflict("A draft has no results. Publish it first.")
    # The header names every field that anybody filled in: the answers are read once for the names, once for the file.
    names = {name for line in _lines(store, job.id) for name in _cells(job, line)}
    inputs = [name for name in job.columns if not name.startswith("_")]
    return batch_format.write(_works(store, job, shown, now), inputs, sorted(names))


def _lines(store: Store, job_id: int) -> Iterator[Line]:
    after = (0, 0)
    while True:
        with store.read() as unit:
            found = batches.lines(unit, job_id, after, BATCH)
        yield from found
        if len(found) < BATCH:
            return
        after = found[-1].row, found[-1].id


def _cells(job: Job, line: Line) -> Mapping[str, str]:
    room: Any = furnish(job.kind, job.settings)
    template = str(job.settings.get("template") or line.payload.get("_question", {}).get("content", ""))
    return batch_format.cells(room.dump(room.parse(line.answer, {})), template)


def _works(store: Store, job: Job, shown: Shown, now: dt.datetime) -> Iterator[Work]:
    records: dict[int, tuple[Any, Any, Any]] = {}
    for line in _lines(store, job.id):
        if line.worker_id not in records:
            with store.read() as unit:
                times = (None, now - MONTH, now - WEEK)
                found = [batches.records(unit, job.requester_id, [line.worker_id], since) for since in times]
            records[line.worker_id] = tuple(one[line.worker_id] for one in found)
        yield _work(job, line, shown, records[line.worker_id])


def _work(job: Job, line: Line, shown: Shown, record: tuple[Any, Any, Any]) -> Work:
    decided = {Turn.APPROVED: (line.decided_at, None), Turn.REJECTED: (None, line.decided_at)}
    approved, rejected = decided.get(Turn(line.state), (None, None))
    lifetime, month, week = record
    name = shown.job(job.id)
    return Work(
        hit=shown.hit(line.hit_id),
        hit_type=name,
        title=job.title,
        description=job.description,
        keywords=job.keywords,
        reward=line.reward,
        created=job.published_at or job.created_at,
        most=max(job.redundancy, job.most),
        annotation=f"BatchId:{name};",
        duration_seconds=job.lease_seconds,
        approval_seconds=job.approval_seconds or 0,
        expires=None,
        assignment=shown.assignment(line.id),
        worker=line.worker,
        status=line.state,
        accepted=line.accepted_at,
        submitted=line.submitted_at,
        approved=approved,
        rejected=rejected,
        feedback=line.feedback,
        seconds=line.seconds,
        lifetime=lifetime,
        month=month,
        week=week,
        inputs={name: value for name, value in line.payload.items() if not name.startswith("_")},
        answers=_cells(job, line),
    )
