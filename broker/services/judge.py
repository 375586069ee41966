"""JUDGE: look at submitted answers: grade gold, count what each HIT has, see when it and the job have enough."""

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

from broker.annotation.kind import Kind
from broker.annotation.live import Crowd, follows
from broker.kinds.registry import furnish
from broker.store import beliefs, errands, hits, jobs, live, policies, turns
from broker.store.beliefs import Finding
from broker.store.db import Record, Unit
from broker.store.jobs import RUNNING, Hold, Job, JobState
from broker.truth.calibration import Calibration

BATCH = 50
"""Answers of one transaction: on SQLite nobody else writes while it lasts."""
GROWTH = 1.05
"""A job is aggregated anew when it has 5 % more answers than at the last time; the live posterior bridges the gap."""
FEWEST_MORE = 50


class Judged(NamedTuple):
    """How many HITs are done by it, how many answers were judged, and how many the last refit had."""

    done: int
    answers: int
    fitted: int


def judge(unit: Unit, job_id: int, now: dt.datetime) -> int:
    """Judge a batch of the job's fresh answers; how many there were (fewer than BATCH: none are left)."""
    job = jobs.job(unit, job_id)
    room = furnish(job.kind, job.settings)
    rows = turns.unjudged(unit, job_id, limit=BATCH)
    if not rows:
        return 0
    turns.note_scores(unit, {row.id: _score(room, row) for row in rows})
    if job.approval_seconds is not None:
        turns.set_due(unit, [row.id for row in rows], job.approval_seconds)
    fitted = _believe(unit, job, room, rows, now)
    job = jobs.job(unit, job_id, Hold.CHANGE)  # the redundancy may have been raised since
    more = Counter(row.hit_id for row in rows if not row.gold)
    done = hits.count_answers(unit, dict(more), job.redundancy) if more else 0
    jobs.count(unit, job_id, done=done, answers=len(rows))
    if job.hit_type is not None:
        policies.ask(unit, sorted(more), now)
    _what_follows(unit, job, Judged(done, len(rows), fitted), now)
    return len(rows)


def _score(room: Kind[Any], row: Record) -> float | None:
    return room.grade(room.parse(row.answer, {}), room.parse(row.truth, {})) if row.gold else None


def _believe(unit: Unit, job: Job, room: Kind[Any], rows: Sequence[Record], now: dt.datetime) -> int:
    """Let the answers move the live posteriors of their HITs; how many answers the last refit had."""
    if not follows(room):
        return _last(unit, job.id)
    # A job that has answers but no live posterior, as older versions leave it, gets one by its next refit.
    held = live.held(unit, job.id) or (None if job.answers else live.begin(unit, job.id, len(room.options())))
    if held is None:
        return 0
    crowd, hit_ids = Crowd(room), sorted({row.hit_id for row in rows})
    live.load(unit, held, crowd, hit_ids, {row.worker_id for row in rows})
    more = sum(_add(crowd, row) for row in rows)
    live.save(unit, held, crowd, hit_ids)
    if job.state in RUNNING:
        version = beliefs.carry_on(unit, job.id, beliefs.LIVE, more, now)
        calibration = Calibration.of(version.calibration)
        found = [Finding(hit_id, *crowd.answer(hit_id, calibration)) for hit_id in hit_ids]
        beliefs.put_findings(unit, version.id, found)
    return held.fitted


def _add(crowd: Crowd, row: Record) -> bool:
    room = crowd.room
    truth = room.parse(row.truth, {}) if row.gold else None
    return crowd.add(row.hit_id, row.worker_id, room.parse(row.answer, {}), truth)


def _last(unit: Unit, job_id: int) -> int:
    last = beliefs.latest(unit, job_id)
    return last.answers if last else 0


def _what_follows(unit: Unit, job: Job, judged: Judged, now: dt.datetime) -> None:
    errands.later(unit, "settle", job.id, now)
    # An adaptive job is done when its statistics want no more answers; a HIT type never is.
    done = job.done + judged.done >= job.hits and (job.most or job.hit_type or _finished(unit, job, now))
    if done or job.answers + judged.answers >= max(judged.fitted * GROWTH, judged.fitted + FEWEST_MORE):
        errands.later(unit, "conclude", job.id, now, queue="statistics")


def _finished(unit: Unit, job: Job, now: dt.datetime) -> bool:
    return jobs.move_job(unit, job.id, RUNNING, JobState.DONE, finished_at=now)
