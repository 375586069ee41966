"""Guides as they were: each version that workers could read, who has seen which, and the pictures in them."""

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from broker.store.db import Rows, Unit, key
from broker.store.jobs import Job
from broker.store.work import Cursor


class Guide(Rows):
    """One version of a job's guide. The first is written when a second one comes: most guides are never changed."""

    __tablename__ = "guides"
    __table_args__ = (sa.UniqueConstraint("job_id", "version", name="uq_guides_job_version"),)

    id: Mapped[key]
    job_id: Mapped[int] = mapped_column(sa.ForeignKey("jobs.id"))
    version: Mapped[int]
    text: Mapped[str] = mapped_column(sa.Text)
    examples: Mapped[list[Any]]
    """`{label, right, text, picture}` each; label and picture may be empty."""
    created_at: Mapped[dt.datetime]


class Seen(Rows):
    """The newest version of a job's guide that a worker has seen; who worked and has no row saw the first."""

    __tablename__ = "guides_seen"

    job_id: Mapped[int] = mapped_column(sa.ForeignKey("jobs.id"), primary_key=True)
    worker_id: Mapped[int] = mapped_column(sa.ForeignKey("people.id"), primary_key=True)
    version: Mapped[int]
    at: Mapped[dt.datetime]


class Picture(Rows):
    """A picture for a job's guide, kept as `file`, a key with its sort behind a dot."""

    __tablename__ = "guide_pictures"

    id: Mapped[key]
    job_id: Mapped[int] = mapped_column(sa.ForeignKey("jobs.id"), index=True)
    file: Mapped[str] = mapped_column(sa.String(300))
    width: Mapped[int]
    height: Mapped[int]
    created_at: Mapped[dt.datetime]


def write(unit: Unit, job: Job, now: dt.datetime) -> None:
    """Keep the job's guide as it is now as its version."""
    kept = {"text": job.guide, "examples": job.examples, "created_at": now}
    unit.session.add(Guide(job_id=job.id, version=job.guide_version, **kept))


def versions(unit: Unit, job_id: int) -> Sequence[Guide]:
    """Every version of a guide that was changed, the newest first; none of one that never was."""
    return unit.session.scalars(sa.select(Guide).where(Guide.job_id == job_id).order_by(Guide.version.desc())).all()


def version(unit: Unit, job_id: int, number: int) -> Guide | None:
    """One version, if it was kept."""
    return unit.session.scalar(sa.select(Guide).where(Guide.job_id == job_id, Guide.version == number))


def seen(unit: Unit, job_id: int, worker_id: int) -> int:
    """The newest version that the worker has seen: the first for who has worked, 0 for who never came."""
    told = sa.select(Seen.version).where(Seen.job_id == job_id, Seen.worker_id == worker_id)
    found = unit.session.scalar(told)
    if found is not None:
        return found
    came = sa.select(Cursor.served).where(Cursor.job_id == job_id, Cursor.worker_id == worker_id)
    return 1 if unit.session.scalar(came) else 0


def see(unit: Unit, job_id: int, worker_id: int, number: int, now: dt.datetime) -> None:
    """Note that the worker has seen this version; an older one than before changes nothing."""
    mine = (Seen.job_id == job_id, Seen.worker_id == worker_id)
    if unit.won(sa.update(Seen).where(*mine, Seen.version < number).values(version=number, at=now)):
        return
    there = sa.select(Seen.job_id).where(*mine).exists()
    values = sa.select(sa.literal(job_id), sa.literal(worker_id), sa.literal(number), sa.literal(now, Seen.at.type))
    unit.changed(sa.insert(Seen).from_select(["job_id", "worker_id", "version", "at"], values.where(~there)))


def add_picture(unit: Unit, picture: Picture) -> Picture:
    """Keep a picture, which gets its row id."""
    unit.session.add(picture)
    unit.session.flush()
    return picture


def pictures(unit: Unit, job_id: int, ids: Iterable[int] | None = None) -> Sequence[Picture]:
    """The job's pictures, the oldest first; only those with these row ids if they are given."""
    query = sa.select(Picture).where(Picture.job_id == job_id).order_by(Picture.id)
    return unit.session.scalars(query if ids is None else query.where(Picture.id.in_(list(ids)))).all()


def remove(unit: Unit, job_id: int) -> list[str]:
    """Remove all that a draft's guide has; the keys of the pictures' files."""
    files = [one.file.rpartition(".")[0] for one in pictures(unit, job_id)]
    for table in (Picture, Seen, Guide):
        unit.changed(sa.delete(table).where(table.job_id == job_id))
    return files
