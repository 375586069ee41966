"""EXPORT: a file of a job's results, prepared in the background: asked for, written, kept for some days."""

import datetime as dt
from dataclasses import dataclass

from broker.annotation.kind import TABLES
from broker.errors import Conflict, Invalid
from broker.formats.export import EXPORTS
from broker.formats.export import Export as Format
from broker.kinds.registry import furnish
from broker.rules.split import Split
from broker.store import dataset, errands, exports, jobs
from broker.store.db import Unit
from broker.store.exports import Export
from broker.store.jobs import Job, JobState

KEPT = dt.timedelta(days=7)
MOST = 5
"""Files of one job that are kept: the disk of the installation is not its requester's."""


@dataclass(frozen=True)
class Begun:
    """An export to be written: whose it is, of which aggregation (None: the best of now), and what it replaces."""

    job: Job
    requester_id: int
    format: str
    version: int | None
    split: Split | None
    stale: str
    """The file that an earlier runner left unfinished; empty if there is none."""


def formats(job: Job) -> list[Format]:
    """The formats in which the job's results can leave, those of its kind before the tables. Raises Invalid."""
    names = furnish(job.kind, job.settings).exports
    return [EXPORTS[name] for name in sorted(names, key=lambda name: (name in TABLES, names.index(name)))]


def ask(unit: Unit, job: Job, sort: str, version: int, now: dt.datetime, split: Split | None = None) -> None:
    """Have a file of the job's results prepared (version 0: there is none yet); asking twice makes it once.

    Raises Invalid for a format that cannot hold the kind, Conflict for a draft, which has no results.
    """
    if job.state == JobState.DRAFT:
        raise Conflict("A draft has no results. Publish it first.")
    names = [one.name for one in formats(job)]
    if sort not in names:
        raise Invalid(f"format: choose among {', '.join(names)}")
    written = split.text if split else ""
    export_id = exports.ask(unit, job.id, job.requester_id, sort, version, now, written)
    # Beside the statistics: on the other queue people would wait for their money until a large file is written.
    errands.later(unit, "export", export_id, now, queue="statistics")


def begin(unit: Unit, export_id: int, file: str) -> Begun | None:
    """Take an export for a runner that writes to this file; None if it is done, or nobody wants it any more."""
    job_id = exports.job_of(unit, export_id)
    if job_id is None:
        return None
    found = exports.begin(unit, export_id, file, dataset.size(unit, job_id))
    if found is None:
        return None
    split = Split.read(found.split)
    return Begun(jobs.job(unit, job_id), found.requester_id, found.format, found.version or None, split, found.file)


def note(unit: Unit, export_id: int, file: str, done: int) -> None:
    """Note how many rows are written. Raises Conflict if another runner has taken over."""
    if not exports.note(unit, export_id, file, done):
        raise Conflict("Another runner writes this file now.")


def finish(unit: Unit, export_id: int, file: str, size: int, now: dt.datetime) -> None:
    """The file is whole. Raises Conflict if another runner has taken over."""
    if not exports.finish(unit, export_id, file, size, now):
        raise Conflict("Another runner writes this file now.")


def fail(unit: Unit, export_id: int, file: str, message: str, now: dt.datetime) -> None:
    """Writing it failed; nothing changes if another runner has taken over."""
    exports.fail(unit, export_id, file, message, now)


def own(unit: Unit, job_id: int, export_id: int) -> Export:
    """An export of this job. Raises NotFound for one of another job."""
    return exports.of(unit, job_id, export_id)


def unwanted(unit: Unit, now: dt.datetime) -> list[tuple[int, str]]:
    """Exports to be thrown away: too old, or more than a job may keep: (row id, file)."""
    return [*exports.old(unit, now - KEPT), *exports.spare(unit, kept=MOST)]
