"""JUDGE: look at submitted answers: grade gold, count what each HIT has, see when it and the job have enough."""

import datetime as dt
from collections import Counter
from typing import Any

from broker.annotation.kind import Kind
from broker.kinds.registry import furnish
from broker.store import beliefs, errands, hits, jobs, turns
from broker.store.db import Record, Unit
from broker.store.jobs import RUNNING, Hold, Job, JobState

BATCH = 100
"""Answers of one transaction: on SQLite nobody else writes while it lasts."""
GROWTH = 1.2
"""A job is aggregated anew when it has 20 % more answers than at the last time."""
FEWEST_MORE = 50


def judge(unit: Unit, job_id: int, now: dt.datetime) -> int:
    """Judge a batch of the job's fresh answers; how many there were (fewer than BATCH: none are left)."""
    job = jobs.job(unit, job_id)
    room = furnish(job.kind, job.settings)
    rows = turns.unjudged(unit, job_id, limit=BATCH)
    if not rows:
        return 0
    turns.note_scores(unit, {row.id: _score(room, row) for row in rows})
    job = jobs.job(unit, job_id, Hold.CHANGE)  # the redundancy may have been raised since
    more = Counter(row.hit_id for row in rows if not row.gold)
    done = hits.count_answers(unit, dict(more), job.redundancy) if more else 0
    jobs.count(unit, job_id, done=done, answers=len(rows))
    _what_follows(unit, job, done, len(rows), now)
    return len(rows)


def _score(room: Kind[Any], row: Record) -> float | None:
    return room.grade(room.parse(row.answer, {}), room.parse(row.truth, {})) if row.gold else None


def _what_follows(unit: Unit, job: Job, done: int, more: int, now: dt.datetime) -> None:
    errands.later(unit, "settle", job.id, now)
    if job.done + done >= job.hits and (job.most or _finished(unit, job, now)):
        # An adaptive job is done when its statistics want no more answers.
        errands.later(unit, "conclude", job.id, now, queue="statistics")
        return
    last = beliefs.latest(unit, job.id)
    before = last.answers if last else 0
    if job.answers + more >= max(before * GROWTH, before + FEWEST_MORE):
        errands.later(unit, "conclude", job.id, now, queue="statistics")


def _finished(unit: Unit, job: Job, now: dt.datetime) -> bool:
    return jobs.move_job(unit, job.id, RUNNING, JobState.DONE, finished_at=now)
