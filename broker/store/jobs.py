"""Jobs, their uploads and what was wrong in them."""

import datetime as dt
from collections.abc import Sequence
from enum import Enum, StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from broker.errors import NotFound, Problem
from broker.rules.order import Priority
from broker.store.db import Json, Rows, Unit, big, key, micros


class JobState(StrEnum):
    """Where a job is in its life."""

    DRAFT = "draft"
    """Being written; workers do not see it."""
    OPEN = "open"
    """HITs are handed out."""
    PAUSED = "paused"
    """Nothing is handed out; what is out may be submitted."""
    STOPPED = "stopped"
    """Ended early by its requester."""
    DONE = "done"
    """Every HIT has the answers its plan asks for."""


RUNNING = (JobState.OPEN, JobState.PAUSED)
ENDED = (JobState.DONE, JobState.STOPPED)


class Hold(Enum):
    """How a unit holds a job's row till its end, as (read, key share).

    Units hold first assignments, then the job, then its HITs, then accounts, so that none wait in a circle.
    """

    STAY = (True, True)
    """It must not be closed meanwhile: for those who hand out or take back work."""
    CHANGE = (False, True)
    """Its state and counters are ours; work goes on."""
    ALONE = (False, False)
    """All work on it waits, and we wait for all that has begun: for money and redundancy."""


class UploadState(StrEnum):
    """Where an upload is on its way into HITs."""

    WAITING = "waiting"
    READING = "reading"
    REVIEW = "review"
    """Read to the end with faulty rows: the requester decides whether the good ones are kept."""
    KEPT = "kept"
    DISCARDED = "discarded"
    FAILED = "failed"


class Job(Rows):
    """What a requester wants labelled: data, task, quality, pay."""

    __tablename__ = "jobs"
    __table_args__ = (
        sa.CheckConstraint("redundancy >= 1", name="redundancy"),
        sa.CheckConstraint("reward >= 0", name="reward"),
        sa.CheckConstraint("gold_left >= 0", name="gold_left"),
        sa.Index(
            "ix_jobs_open",
            "requester_id",
            "priority",
            "id",
            sqlite_where=sa.text("state = 'open'"),
            postgresql_where=sa.text("state = 'open'"),
        ),
        sa.Index(
            "uq_jobs_hit_type",
            "requester_id",
            "hit_type",
            unique=True,
            sqlite_where=sa.text("hit_type IS NOT NULL"),
            postgresql_where=sa.text("hit_type IS NOT NULL"),
        ),
    )

    id: Mapped[key]
    requester_id: Mapped[int] = mapped_column(sa.ForeignKey("people.id"), index=True)
    state: Mapped[str] = mapped_column(sa.String(20), index=True, default=JobState.DRAFT)
    title: Mapped[str] = mapped_column(sa.String(200), default="")
    description: Mapped[str] = mapped_column(sa.Text, default="")
    guide: Mapped[str] = mapped_column(sa.Text, default="")
    guide_version: Mapped[int] = mapped_column(default=1, server_default="1")
    examples: Mapped[list[Any]] = mapped_column(default=list, server_default="[]")
    """What the guide shows as right and wrong (store/guides)."""
    kind: Mapped[str] = mapped_column(sa.String(40), default="")
    settings: Mapped[Json] = mapped_column(default=dict)
    columns: Mapped[list[Any]] = mapped_column(default=list)
    gold_column: Mapped[str] = mapped_column(sa.String(200), default="")
    redundancy: Mapped[int] = mapped_column(default=3)
    gold_percent: Mapped[int] = mapped_column(default=5)
    reward: Mapped[micros] = mapped_column(default=0)
    lease_seconds: Mapped[int] = mapped_column(default=600)
    hits: Mapped[int] = mapped_column(default=0)
    golds: Mapped[int] = mapped_column(default=0)
    gold_left: Mapped[int] = mapped_column(default=0)
    done: Mapped[int] = mapped_column(default=0)
    answers: Mapped[int] = mapped_column(default=0)
    next_pos: Mapped[big] = mapped_column(default=0)
    bands: Mapped[int] = mapped_column(default=0, server_default="0")
    """The bands that ever held HITs, as bits: a claim looks at no others."""
    priority: Mapped[int] = mapped_column(sa.SmallInteger, default=Priority.NORMAL, server_default="1")
    """Which of their own jobs its requester wants done first."""
    priority_column: Mapped[str] = mapped_column(sa.String(200), default="", server_default="")
    most: Mapped[int] = mapped_column(default=0, server_default="0")
    """Answers that a HIT whose answers disagree may get; 0: as many as every other."""
    sure: Mapped[float] = mapped_column(default=0.87, server_default="0.95")
    """The confidence at which a HIT of an adaptive plan has enough answers."""
    budget: Mapped[micros] = mapped_column(default=0, server_default="0")
    """What an adaptive plan may cost at most; 0: whatever it asks for."""
    keywords: Mapped[str] = mapped_column(sa.String(1000), default="", server_default="")
    approval_seconds: Mapped[int | None]
    """How long the requester may look at an answer before it is approved by itself; none: it is paid once judged."""
    hit_type: Mapped[str | None] = mapped_column(sa.String(64))
    """Digest of the properties of a HIT type, whose HITs come one by one and live each for itself; none: a dataset."""
    requirements: Mapped[list[Any] | None]
    """Qualifications that workers need, as the Requester API writes them; none: everybody may work."""
    created_at: Mapped[dt.datetime]
    published_at: Mapped[dt.datetime | None]
    finished_at: Mapped[dt.datetime | None]


class Upload(Rows):
    """One file of data on its way into a job."""

    __tablename__ = "uploads"

    id: Mapped[key]
    job_id: Mapped[int] = mapped_column(sa.ForeignKey("jobs.id"), index=True)
    state: Mapped[str] = mapped_column(sa.String(20), default=UploadState.WAITING)
    name: Mapped[str] = mapped_column(sa.String(300))
    file: Mapped[str] = mapped_column(sa.String(300))
    size: Mapped[big]
    bytes_read: Mapped[big] = mapped_column(default=0)
    bookmark_offset: Mapped[big] = mapped_column(default=0)
    """Where reading goes on after a crash; its row is `rows_read`."""
    rows_read: Mapped[int] = mapped_column(default=0)
    good: Mapped[int] = mapped_column(default=0)
    bad: Mapped[int] = mapped_column(default=0)
    message: Mapped[str] = mapped_column(sa.String(1000), default="")
    created_at: Mapped[dt.datetime]
    finished_at: Mapped[dt.datetime | None]


class Fault(Rows):
    """One faulty row of an upload."""

    __tablename__ = "faults"

    id: Mapped[key]
    upload_id: Mapped[int] = mapped_column(sa.ForeignKey("uploads.id"), index=True)
    row: Mapped[int | None]
    column: Mapped[str | None] = mapped_column(sa.String(300))
    message: Mapped[str] = mapped_column(sa.String(1000))


UNSETTLED = (UploadState.WAITING, UploadState.READING, UploadState.REVIEW)
"""An upload that is not decided: its rows cannot be published."""


def job(unit: Unit, job_id: int, hold: Hold | None = None) -> Job:
    """The job with this row id, held till the end of the unit if asked for. Raises NotFound."""
    found = unit.session.get(Job, job_id) if hold is None else _held(unit, job_id, hold)
    if found is None:
        raise NotFound("There is no such job.")
    return found


def _held(unit: Unit, job_id: int, hold: Hold) -> Job | None:
    read, key_share = hold.value
    query = sa.select(Job).where(Job.id == job_id).with_for_update(read=read, key_share=key_share)
    return unit.session.scalar(query.execution_options(populate_existing=True))


def published(unit: Unit, job_id: int) -> Job:
    """A job that workers may see. Raises NotFound, also for a draft."""
    found = job(unit, job_id)
    if found.state == JobState.DRAFT:
        raise NotFound("There is no such job.")
    return found


def own_job(unit: Unit, job_id: int, requester_id: int, *, lock: bool = False) -> Job:
    """The requester's own job; strangers get NotFound, not Forbidden. `lock` holds it till the end of the unit."""
    query = sa.select(Job).where(Job.id == job_id, Job.requester_id == requester_id)
    found = unit.session.scalar(query.with_for_update() if lock else query)
    if found is None:
        raise NotFound("There is no such job among yours.")
    return found


def jobs_of(unit: Unit, requester_id: int) -> Sequence[Job]:
    """The requester's jobs, the newest first."""
    return unit.session.scalars(sa.select(Job).where(Job.requester_id == requester_id).order_by(Job.id.desc())).all()


def jobs_in(unit: Unit, *states: JobState) -> Sequence[Job]:
    """All jobs in one of these states, the oldest first."""
    return unit.session.scalars(sa.select(Job).where(Job.state.in_(states)).order_by(Job.id)).all()


def move_job(unit: Unit, job_id: int, old: Sequence[JobState], new: JobState, **values: Any) -> bool:
    """Take the job from one of the old states to the new one, if it still is in one of them."""
    change = sa.update(Job).where(Job.id == job_id, Job.state.in_(old)).values(state=new, **values)
    return unit.won(change.execution_options(synchronize_session=False))


def uploads_of(unit: Unit, job_id: int) -> Sequence[Upload]:
    """The job's uploads, the latest first."""
    return unit.session.scalars(sa.select(Upload).where(Upload.job_id == job_id).order_by(Upload.id.desc())).all()


def upload(unit: Unit, upload_id: int) -> Upload:
    """The upload with this row id. Raises NotFound."""
    found = unit.session.get(Upload, upload_id)
    if found is None:
        raise NotFound("There is no such upload.")
    return found


def hold_upload(unit: Unit, upload_id: int) -> tuple[Job, Upload] | None:
    """The upload and its job as they are now, the job held till the end of the unit; None once they are deleted."""
    job_id = sa.select(Upload.job_id).where(Upload.id == upload_id).scalar_subquery()
    # Everything that changes a draft's rows holds its job, always first, so that nobody waits in a circle.
    held = unit.session.scalars(sa.select(Job).where(Job.id == job_id).with_for_update()).one_or_none()
    fresh = sa.select(Upload).where(Upload.id == upload_id).execution_options(populate_existing=True)
    found = unit.session.scalars(fresh).one_or_none()
    return None if held is None or found is None else (held, found)


def unsettled(unit: Unit, job_id: int) -> Upload | None:
    """The job's upload that is still read or waits for its requester's decision."""
    query = sa.select(Upload).where(Upload.job_id == job_id, Upload.state.in_(UNSETTLED))
    return unit.session.scalar(query.order_by(Upload.id.desc()).limit(1))


def discard_uploads(unit: Unit, job_id: int, now: dt.datetime) -> list[str]:
    """Give up every upload of the job; the keys of their files."""
    mine = sa.update(Upload).where(
        Upload.job_id == job_id, Upload.state.not_in((UploadState.FAILED, UploadState.DISCARDED))
    )
    unit.changed(mine.values(state=UploadState.DISCARDED, finished_at=now))
    return list(unit.session.scalars(sa.select(Upload.file).where(Upload.job_id == job_id)))


def delete_job(unit: Unit, job_id: int) -> None:
    """Delete a draft, its uploads and what was wrong in them; its rows must be gone."""
    uploads = sa.select(Upload.id).where(Upload.job_id == job_id)
    unit.changed(sa.delete(Fault).where(Fault.upload_id.in_(uploads)))
    unit.changed(sa.delete(Upload).where(Upload.job_id == job_id))
    unit.changed(sa.delete(Job).where(Job.id == job_id, Job.state == JobState.DRAFT))


def write_faults(unit: Unit, upload_id: int, problems: Sequence[Problem]) -> None:
    """Keep what was wrong in an upload."""
    if problems:
        rows = [
            {"upload_id": upload_id, "row": one.row, "column": one.column, "message": one.message[:1000]}
            for one in problems
        ]
        unit.session.execute(sa.insert(Fault), rows)


def faults_of(unit: Unit, upload_id: int, *, after: int = 0, limit: int = 200) -> Sequence[Fault]:
    """The faulty rows of an upload in file order, a page at a time."""
    query = sa.select(Fault).where(Fault.upload_id == upload_id, Fault.id > after).order_by(Fault.id).limit(limit)
    return unit.session.scalars(query).all()


def count(unit: Unit, job_id: int, *, done: int, answers: int) -> None:
    """Add HITs done and answers judged to the job's counters."""
    change = sa.update(Job).where(Job.id == job_id)
    unit.changed(change.values(done=Job.done + done, answers=Job.answers + answers))
