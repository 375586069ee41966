"""Exports: files of results that are prepared in the background, how far each is, and where it lies."""

import datetime as dt
from collections.abc import Sequence
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from broker.errors import NotFound
from broker.store.db import Rows, Unit, big, key

UNFINISHED = "state IN ('waiting', 'running')"


class ExportState(StrEnum):
    """Where an export is on its way to a file."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class Export(Rows):
    """One file that a requester asked for; at most one unfinished one of a job, format, version and split."""

    __tablename__ = "exports"
    __table_args__ = (
        sa.Index(
            "uq_exports_unfinished",
            "job_id",
            "format",
            "version",
            "split",
            unique=True,
            sqlite_where=sa.text(UNFINISHED),
            postgresql_where=sa.text(UNFINISHED),
        ),
        sa.Index("ix_exports_job", "job_id", "id"),
    )

    id: Mapped[key]
    job_id: Mapped[int] = mapped_column(sa.ForeignKey("jobs.id"))
    requester_id: Mapped[int] = mapped_column(sa.ForeignKey("people.id"))
    format: Mapped[str] = mapped_column(sa.String(10))
    version: Mapped[int]
    """The aggregation's; 0 where there was none yet."""
    split: Mapped[str] = mapped_column(sa.String(40), default="", server_default="")
    """The shares and the seed, as rules/split writes them; empty for none."""
    state: Mapped[str] = mapped_column(sa.String(20))
    done: Mapped[big] = mapped_column(default=0)
    total: Mapped[big] = mapped_column(default=0)
    file: Mapped[str] = mapped_column(sa.String(300), default="")
    """Where the runner of now writes; another runner writes elsewhere, so that none writes into another's file."""
    size: Mapped[big] = mapped_column(default=0)
    message: Mapped[str] = mapped_column(sa.String(1000), default="")
    created_at: Mapped[dt.datetime]
    finished_at: Mapped[dt.datetime | None]


def ask(unit: Unit, job_id: int, requester_id: int, sort: str, version: int, now: dt.datetime, split: str = "") -> int:
    """The row id of the unfinished export of this job, format, version and split, made now if there is none."""
    same = (Export.job_id == job_id, Export.format == sort, Export.version == version, Export.split == split)
    unit.insert_once(
        Export,
        job_id=job_id,
        requester_id=requester_id,
        format=sort,
        version=version,
        split=split,
        state=ExportState.WAITING,
        done=0,
        total=0,
        file="",
        size=0,
        message="",
        created_at=now,
    )
    query = sa.select(Export.id).where(*same, sa.text(UNFINISHED)).with_for_update()
    return int(unit.session.connection().execute(query).scalar_one())


def of(unit: Unit, job_id: int, export_id: int) -> Export:
    """The export with this row id. Raises NotFound if it is not one of this job."""
    found = unit.session.scalar(sa.select(Export).where(Export.id == export_id, Export.job_id == job_id))
    if found is None:
        raise NotFound("There is no such file.")
    return found


def job_of(unit: Unit, export_id: int) -> int | None:
    """The job whose results the export holds; None if there is no such export any more."""
    return unit.session.scalar(sa.select(Export.job_id).where(Export.id == export_id))


def progress(unit: Unit, export_id: int) -> tuple[int, int] | None:
    """How many rows are written, and of how many; None if there is no such export any more."""
    row = unit.session.execute(sa.select(Export.done, Export.total).where(Export.id == export_id)).one_or_none()
    return None if row is None else (row.done, row.total)


def of_job(unit: Unit, job_id: int, *, limit: int = 20) -> Sequence[Export]:
    """The job's exports, the latest first."""
    return unit.session.scalars(
        sa.select(Export).where(Export.job_id == job_id).order_by(Export.id.desc()).limit(limit)
    ).all()


def begin(unit: Unit, export_id: int, file: str, total: int) -> Export | None:
    """Take an export that is not done for a runner that writes to `file`; as it was before, None if it is done or gone.

    Whoever wrote it until now is overtaken: what they note from now on is not kept.
    """
    query = sa.select(Export).where(Export.id == export_id, Export.state != ExportState.DONE).with_for_update()
    found = unit.session.scalar(query.execution_options(populate_existing=True))
    if found is None:
        return None
    unit.session.expunge(found)
    values = {"state": ExportState.RUNNING, "file": file, "done": 0, "total": total, "message": "", "finished_at": None}
    unit.changed(sa.update(Export).where(Export.id == export_id).values(**values))
    return found


def note(unit: Unit, export_id: int, file: str, done: int) -> bool:
    """Note how many rows are written; False if another runner has taken over, or nobody wants the file any more."""
    return unit.won(_written(export_id, file).values(done=done))


def finish(unit: Unit, export_id: int, file: str, size: int, now: dt.datetime) -> bool:
    """The file is whole, with so many bytes; False if another runner has taken over."""
    done = {"state": ExportState.DONE, "done": Export.total, "size": size, "finished_at": now}
    return unit.won(_written(export_id, file).values(**done))


def fail(unit: Unit, export_id: int, file: str, message: str, now: dt.datetime) -> bool:
    """Writing came to an end without a file; False if another runner has taken over."""
    failed = {"state": ExportState.FAILED, "file": "", "message": message[:1000], "finished_at": now}
    return unit.won(_written(export_id, file).values(**failed))


def _written(export_id: int, file: str) -> sa.Update:
    return sa.update(Export).where(Export.id == export_id, Export.state == ExportState.RUNNING, Export.file == file)


def spare(unit: Unit, *, kept: int, limit: int = 100) -> list[tuple[int, str]]:
    """Ended exports beyond the latest ones of each job, so many of which are kept: (row id, file)."""
    place = sa.func.row_number().over(partition_by=Export.job_id, order_by=Export.id.desc()).label("place")
    ended = Export.state.in_((ExportState.DONE, ExportState.FAILED))
    ranked = sa.select(Export.id, Export.file, place).where(ended).subquery()
    query = sa.select(ranked.c.id, ranked.c.file).where(ranked.c.place > kept).limit(limit)
    return [(row.id, row.file) for row in unit.session.execute(query)]


def old(unit: Unit, before: dt.datetime, *, limit: int = 100) -> list[tuple[int, str]]:
    """Exports that were asked for before this, whatever became of them, the oldest first: (row id, file)."""
    query = sa.select(Export.id, Export.file).where(Export.created_at < before).order_by(Export.id).limit(limit)
    return [(row.id, row.file) for row in unit.session.execute(query)]


def forget(unit: Unit, export_ids: Sequence[int]) -> None:
    """Delete these exports; their files must be gone."""
    unit.changed(sa.delete(Export).where(Export.id.in_(export_ids)))
