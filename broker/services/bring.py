"""BRING: a job from elsewhere becomes a draft in one go: from a Ground Truth manifest, or an HTML page and a table."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from broker.errors import Conflict, Invalid, Problem
from broker.formats import batch
from broker.kinds.registry import furnish
from broker.rules.plan import Plan
from broker.store import dataset, jobs
from broker.store.db import Unit
from broker.store.jobs import Job, Upload, UploadState
from broker.store.labelings import Labeling

LONGEST_TITLE, LONGEST_TEXT, LONGEST_KEYWORDS = 200, 50_000, 1000
LONGEST_NAME = 63
MOST_COLUMNS = 200
DAY, MOST_DAYS = 86_400, 30
LATE = Problem(f"choose between 0 and {MOST_DAYS} days", column="approve_days")


@dataclass(frozen=True)
class Wanted:
    """A job as it is wanted; reward in micro-units, `approval_seconds` None for answers that need no look."""

    title: str
    kind: str
    settings: Mapping[str, Any]
    redundancy: int
    reward: int
    lease_seconds: int
    description: str = ""
    guide: str = ""
    keywords: str = ""
    approval_seconds: int | None = None


@dataclass(frozen=True)
class Posted:
    """A batch as a requester typed it: the page has ${variables}, for which rows come later."""

    title: str
    html: str
    description: str = ""
    keywords: str = ""
    approve_days: str = "3"


@dataclass(frozen=True)
class Origin:
    """What a job was in Ground Truth; `categories` are (name, short name)."""

    name: str
    attribute: str
    task_type: str
    categories: Sequence[tuple[str, str]] = ()
    function: str = ""


@dataclass(frozen=True)
class File:
    """The file that the rows come from, as it is kept: its name, its key, its bytes."""

    name: str
    key: str
    size: int


@dataclass(frozen=True)
class Brought:
    """A draft that is being filled: the row ids of the job and of its upload."""

    job_id: int
    upload_id: int
    columns: dict[str, None] = field(default_factory=dict, compare=False)


def begin(unit: Unit, requester_id: int, wanted: Wanted, file: File, now: dt.datetime) -> Brought:
    """Begin a draft that cannot be published before all its rows are there. Raises Invalid naming the field."""
    _check(wanted)
    job = Job(
        requester_id=requester_id,
        title=wanted.title.strip(),
        description=wanted.description.strip(),
        guide=wanted.guide.strip(),
        kind=wanted.kind,
        settings=dict(wanted.settings),
        redundancy=wanted.redundancy,
        gold_percent=0,
        reward=wanted.reward,
        lease_seconds=wanted.lease_seconds,
        keywords=wanted.keywords.strip(),
        approval_seconds=wanted.approval_seconds,
        created_at=now,
    )
    unit.session.add(job)
    unit.session.flush()
    upload = Upload(job_id=job.id, name=file.name[:300], file=file.key, size=file.size, created_at=now)
    upload.state = UploadState.READING
    unit.session.add(upload)
    unit.session.flush()
    return Brought(job.id, upload.id)


def post(unit: Unit, requester_id: int, posted: Posted, now: dt.datetime) -> int:
    """Begin a batch whose table is read in the background; the job's row id. Raises Invalid naming the field."""
    days = posted.approve_days.strip()
    problems = [] if days.isascii() and days.isdigit() and int(days[:4]) <= MOST_DAYS else [LATE]
    problems += _text_problems(posted.title, posted.description, "", posted.keywords)
    _raise(problems)
    job = Job(
        requester_id=requester_id,
        title=posted.title.strip(),
        description=posted.description.strip(),
        kind="page",
        settings={"template": batch.as_liquid(posted.html)},
        gold_percent=0,
        keywords=posted.keywords.strip(),
        approval_seconds=int(days) * DAY,
        created_at=now,
    )
    try:
        furnish(job.kind, job.settings)
    except Invalid as error:
        _raise(
            [Problem(one.message, column="html") for one in error.problems] or [Problem(error.message, column="html")]
        )
    unit.session.add(job)
    unit.session.flush()
    return job.id


def _raise(problems: Sequence[Problem]) -> None:
    if problems:
        raise Invalid("; ".join(map(str, problems)), problems=problems)


def _text_problems(title: str, description: str, guide: str, keywords: str) -> list[Problem]:
    texts = (
        ("title", title, LONGEST_TITLE),
        ("description", description, LONGEST_TEXT),
        ("guide", guide, LONGEST_TEXT),
        ("keywords", keywords, LONGEST_KEYWORDS),
    )
    problems = [
        Problem(f"write at most {most:,} characters", column=name) for name, text, most in texts if len(text) > most
    ]
    return problems if title.strip() else [*problems, Problem("give the job a title", column="title")]


def _check(wanted: Wanted) -> None:
    _raise(_text_problems(wanted.title, wanted.description, wanted.guide, wanted.keywords))
    Plan(wanted.redundancy, 0, wanted.reward, wanted.lease_seconds).check()
    furnish(wanted.kind, wanted.settings)


def originate(unit: Unit, brought: Brought, origin: Origin, manifest: str) -> None:
    """Note what the job was in Ground Truth, and where its manifest is kept. Raises Invalid for too long a name."""
    if not 0 < len(origin.name) <= LONGEST_NAME:
        raise Invalid(f"name: {origin.name!r} has not 1 to {LONGEST_NAME} characters")
    unit.session.add(
        Labeling(
            job_id=brought.job_id,
            name=origin.name,
            attribute=origin.attribute,
            task_type=origin.task_type,
            categories=[list(one) for one in origin.categories],
            manifest=manifest,
            function=origin.function,
        )
    )


def keep(unit: Unit, brought: Brought, rows: Sequence[tuple[int, Mapping[str, Any]]]) -> None:
    """Keep some more rows: (number, payload). Raises Invalid for too many columns, Conflict if it was given up."""
    _, upload = _held(unit, brought)
    for _, payload in rows:
        brought.columns.update(dict.fromkeys(payload))
    if len(brought.columns) > MOST_COLUMNS:
        raise Invalid(f"The rows have more than {MOST_COLUMNS} different columns.")
    upload.good += dataset.write(unit, brought.job_id, rows)
    upload.rows_read = rows[-1][0] if rows else upload.rows_read


def finish(unit: Unit, brought: Brought, now: dt.datetime) -> None:
    """All rows are there. Raises Invalid if there are none, Conflict if the draft was given up meanwhile."""
    job, upload = _held(unit, brought)
    if not upload.good:
        raise Invalid("There is nothing to label: not one row needs people.")
    job.columns = list(brought.columns)
    upload.state, upload.finished_at, upload.bytes_read = UploadState.KEPT, now, upload.size


def give_up(unit: Unit, brought: Brought) -> None:
    """Take back a draft whose rows are not all there."""
    if jobs.hold_upload(unit, brought.upload_id) is None:
        return
    dataset.remove(unit, brought.job_id)
    jobs.delete_job(unit, brought.job_id)


def _held(unit: Unit, brought: Brought) -> tuple[Job, Upload]:
    found = jobs.hold_upload(unit, brought.upload_id)
    if found is None or found[1].state != UploadState.READING:
        raise Conflict("The draft was given up meanwhile.")
    return found
