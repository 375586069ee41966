"""What we believe: aggregations, each HIT's consensus in them, and the trust in each worker."""

import datetime as dt
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from broker.store.db import Json, Rows, Unit, key


class Aggregation(Rows):
    """One run of a model over a job's answers; versions of a job count from 1."""

    __tablename__ = "aggregations"
    __table_args__ = (sa.UniqueConstraint("job_id", "version"),)

    id: Mapped[key]
    job_id: Mapped[int] = mapped_column(sa.ForeignKey("jobs.id"))
    version: Mapped[int]
    model: Mapped[str] = mapped_column(sa.String(40))
    answers: Mapped[int]
    agreement: Mapped[float | None]
    at: Mapped[dt.datetime]


class Consensus(Rows):
    """The aggregated answer of one HIT in one aggregation."""

    __tablename__ = "consensus"

    aggregation_id: Mapped[int] = mapped_column(sa.ForeignKey("aggregations.id"), primary_key=True)
    hit_id: Mapped[int] = mapped_column(sa.ForeignKey("hits.id"), primary_key=True)
    answer: Mapped[Json]
    confidence: Mapped[float]
    answers: Mapped[int]


class Trust(Rows):
    """The posterior of a worker's accuracy with its 95 % interval; job 0 stands for all jobs together."""

    __tablename__ = "trust"

    worker_id: Mapped[int] = mapped_column(sa.ForeignKey("people.id"), primary_key=True)
    job_id: Mapped[int] = mapped_column(primary_key=True)
    mean: Mapped[float]
    low: Mapped[float]
    high: Mapped[float]
    gold_right: Mapped[float]
    gold_seen: Mapped[int]
    answers: Mapped[int]
    evidence: Mapped[float]
    agreement: Mapped[float | None]
    median_seconds: Mapped[float | None]
    at: Mapped[dt.datetime]


def latest(unit: Unit, job_id: int, model: str | None = None) -> Aggregation | None:
    """The job's newest aggregation, of one model if named."""
    query = sa.select(Aggregation).where(Aggregation.job_id == job_id).order_by(Aggregation.version.desc()).limit(1)
    return unit.session.scalar(query if model is None else query.where(Aggregation.model == model))


def versions(unit: Unit, job_id: int) -> Sequence[Aggregation]:
    """The job's aggregations, the newest first."""
    query = sa.select(Aggregation).where(Aggregation.job_id == job_id).order_by(Aggregation.version.desc())
    return unit.session.scalars(query).all()


def trusted(unit: Unit, job_id: int = 0) -> Sequence[Trust]:
    """The trust in every worker of a job (0: over all jobs), the lowest first."""
    return unit.session.scalars(sa.select(Trust).where(Trust.job_id == job_id).order_by(Trust.mean)).all()


def trust_of(unit: Unit, worker_id: int, job_id: int = 0) -> Trust | None:
    """The trust in one worker in one job (0: over all jobs)."""
    return unit.session.get(Trust, (worker_id, job_id))
