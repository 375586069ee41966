"""What people tell each other: problem reports on HITs."""

import datetime as dt
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from broker.store.db import Rows, Unit, key


class Report(Rows):
    """A worker's report that something is wrong with a HIT."""

    __tablename__ = "reports"

    id: Mapped[key]
    job_id: Mapped[int] = mapped_column(sa.ForeignKey("jobs.id"), index=True)
    hit_id: Mapped[int] = mapped_column(sa.ForeignKey("hits.id"))
    worker_id: Mapped[int] = mapped_column(sa.ForeignKey("people.id"))
    text: Mapped[str] = mapped_column(sa.String(2000))
    at: Mapped[dt.datetime]


def write_report(unit: Unit, job_id: int, hit_id: int, worker_id: int, text: str, now: dt.datetime) -> None:
    """Keep a problem report."""
    unit.session.add(Report(job_id=job_id, hit_id=hit_id, worker_id=worker_id, text=text, at=now))


def reports_of(unit: Unit, job_id: int, *, limit: int = 200) -> Sequence[Report]:
    """The job's problem reports, the latest first."""
    query = sa.select(Report).where(Report.job_id == job_id).order_by(Report.id.desc()).limit(limit)
    return unit.session.scalars(query).all()
