"""AUGMENT: the results of a labeling job in Ground Truth's words: the manifest's lines, each with what was found."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from broker.errors import Conflict
from broker.store import beliefs, jobs, labelings
from broker.store.db import Store, Unit
from broker.store.jobs import Job, JobState, UploadState
from broker.store.labelings import Labeled, Labeling, Response

BATCH = 500
MODEL = "dawid-skene"


@dataclass(frozen=True)
class Object:
    """A data object with its consensus and each worker's answer; `row` is its line in the manifest, from 1."""

    row: int
    answer: dict[str, Any] | None
    confidence: float
    at: dt.datetime | None
    responses: tuple[Response, ...]


def origin(unit: Unit, job_id: int) -> tuple[Job, Labeling]:
    """The job and what it was in Ground Truth.

    Raises NotFound for one that did not come from there, Conflict for a draft or one whose data were replaced.
    """
    job = jobs.job(unit, job_id)
    labeling = labelings.labeling(unit, job_id)
    if job.state == JobState.DRAFT:
        raise Conflict("A draft has no results. Publish it first.")
    kept = [one.file for one in jobs.uploads_of(unit, job_id) if one.state == UploadState.KEPT]
    if labeling.manifest not in kept:
        raise Conflict("The data of this job were replaced after its import: they are no longer those of the manifest.")
    return job, labeling


def objects(store: Store, job_id: int) -> Iterator[Object]:
    """All data objects of the job in the order of the manifest, read a few hundred at a time."""
    with store.read() as unit:
        chosen = beliefs.latest(unit, job_id, MODEL) or beliefs.latest(unit, job_id)
        number = chosen.id if chosen else 0
    after = 0
    while True:
        with store.read() as unit:
            found = labelings.labeled(unit, job_id, number, after, BATCH)
            answers = labelings.responses(unit, [one.hit_id for one in found])
        by_hit: dict[int, list[Response]] = {}
        for answer in answers:
            by_hit.setdefault(answer.hit_id, []).append(answer)
        for one in found:
            yield _object(one, by_hit.get(one.hit_id, []))
        if len(found) < BATCH:
            return
        after = found[-1].row


def _object(one: Labeled, responses: list[Response]) -> Object:
    # Ground Truth says 0 where one worker decided: there was nothing to agree with.
    sure = one.confidence if one.confidence is not None and len(responses) > 1 else 0.0
    at = max((response.submitted_at for response in responses), default=None)
    return Object(one.row, one.answer, sure, at, tuple(responses))
