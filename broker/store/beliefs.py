"""What we believe: aggregations, each HIT's consensus in them, and the trust in each worker."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from broker.store.db import Json, Rows, Unit, key

ALL_JOBS = 0
LIVE = "dawid-skene"
"""The model whose newest version tells of every answer as it is judged."""
PROVISIONAL_KEPT = 2
"""Versions of a running job that stay beside its final ones."""


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
    calibration: Mapped[Json | None]
    """How its confidence came about: golds (0: the default), temperature, mix, error, and the curve of
    [confidence, accuracy, items]; None for versions from before there was any.
    """
    figures: Mapped[Json | None]
    final: Mapped[bool]
    at: Mapped[dt.datetime]


class Consensus(Rows):
    """The aggregated answer of one HIT in one aggregation."""

    __tablename__ = "consensus"

    aggregation_id: Mapped[int] = mapped_column(sa.ForeignKey("aggregations.id"), primary_key=True)
    hit_id: Mapped[int] = mapped_column(sa.ForeignKey("hits.id"), primary_key=True)
    answer: Mapped[Json]
    confidence: Mapped[float]
    answers: Mapped[int]
    undecided: Mapped[bool] = mapped_column(default=False, server_default=sa.false())


class Trust(Rows):
    """The posterior of a worker's accuracy with its 95 % interval; job 0 stands for all jobs together.

    `score`: the spammer score, 0 (guesses) to 1. `confusion`: {"labels": [..], "counts": [[..], ..]}, the worker's
    answers (columns) by the label found (rows). `signals`: {"told": [{"name", "p", "figures", "job", ..}, ..]}.
    """

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
    score: Mapped[float | None]
    confusion: Mapped[Json | None]
    signals: Mapped[Json | None]
    at: Mapped[dt.datetime]


@dataclass(frozen=True)
class Finding:
    """What one aggregation says of one HIT: the answer's JSON, the confidence in it (0..1), on how many answers;
    `undecided` if it gets no more and is still not sure.
    """

    hit_id: int
    answer: dict[str, Any]
    confidence: float
    answers: int
    undecided: bool = False


@dataclass(frozen=True)
class Belief:
    """The columns of `Trust` that are believed of one worker."""

    mean: float
    low: float
    high: float
    gold_right: float
    gold_seen: int
    answers: int
    evidence: float
    agreement: float | None
    median_seconds: float | None
    score: float | None = None
    confusion: Json | None = None
    signals: Json | None = None


def write_version(
    unit: Unit, job_id: int, model: str, *, answers: int, figures: Json, final: bool, at: dt.datetime
) -> int:
    """Add the job's next version; its row id. `figures`: agreement by name, {"value", "low", "high"} each."""
    highest = unit.session.scalar(sa.select(sa.func.max(Aggregation.version)).where(Aggregation.job_id == job_id))
    row = Aggregation(
        job_id=job_id,
        version=(highest or 0) + 1,
        model=model,
        answers=answers,
        agreement=(figures.get("fleiss") or figures.get("alpha") or {}).get("value"),
        figures=figures,
        final=final,
        at=at,
    )
    unit.session.add(row)
    unit.session.flush()
    return row.id


def write_calibration(unit: Unit, aggregation_id: int, calibration: Json) -> None:
    """Keep how a version's confidence came about."""
    unit.changed(sa.update(Aggregation).where(Aggregation.id == aggregation_id).values(calibration=calibration))


def write_findings(unit: Unit, aggregation_id: int, findings: Iterable[Finding]) -> None:
    """Keep what a version says of each HIT."""
    rows = [{"aggregation_id": aggregation_id, **asdict(finding)} for finding in findings]
    if rows:
        unit.session.execute(sa.insert(Consensus), rows)


def carry_on(unit: Unit, job_id: int, model: str, more: int, at: dt.datetime) -> Aggregation:
    """The job's newest version of a model, which is to tell of so many answers more.

    A final version stays as it is: a new one begins with what it says.
    """
    last = latest(unit, job_id, model)
    if last is not None and not last.final:
        last.answers += more
        unit.session.flush()
        return last
    before, figures = (last.answers, last.figures or {}) if last else (0, {})
    fresh = write_version(unit, job_id, model, answers=before + more, figures=figures, final=False, at=at)
    if last is not None:
        if last.calibration:
            write_calibration(unit, fresh, last.calibration)
        names = ("hit_id", "answer", "confidence", "answers", "undecided")
        same = sa.select(sa.literal(fresh), *(getattr(Consensus, name) for name in names))
        query = same.where(Consensus.aggregation_id == last.id)
        unit.session.execute(sa.insert(Consensus).from_select(["aggregation_id", *names], query))
    return unit.session.get_one(Aggregation, fresh, populate_existing=True)


def put_findings(unit: Unit, aggregation_id: int, findings: Iterable[Finding]) -> None:
    """Replace what a version says of these HITs."""
    unit.upsert(Consensus, [{"aggregation_id": aggregation_id, **vars(finding)} for finding in findings])


def prune(unit: Unit, job_id: int, model: str) -> None:
    """Forget the provisional versions of a model but the newest: a running job is aggregated again and again."""
    provisional = sa.select(Aggregation.id).where(
        Aggregation.job_id == job_id, Aggregation.model == model, ~Aggregation.final
    )
    old = list(unit.session.scalars(provisional.order_by(Aggregation.version.desc()).offset(PROVISIONAL_KEPT)))
    if old:
        unit.changed(sa.delete(Consensus).where(Consensus.aggregation_id.in_(old)))
        unit.changed(sa.delete(Aggregation).where(Aggregation.id.in_(old)))


def write_trust(unit: Unit, job_id: int, beliefs: Mapping[int, Belief], now: dt.datetime) -> None:
    """Replace what is believed of these workers in a job."""
    for worker_id in sorted(beliefs):
        unit.session.merge(Trust(worker_id=worker_id, job_id=job_id, at=now, **asdict(beliefs[worker_id])))
    unit.session.flush()


def trust_by_job(unit: Unit, worker_id: int) -> Sequence[Trust]:
    """The trust in one worker in each job they worked in."""
    query = sa.select(Trust).where(Trust.worker_id == worker_id, Trust.job_id != ALL_JOBS).order_by(Trust.job_id)
    return unit.session.scalars(query).all()


def over_all(unit: Unit, worker_id: int) -> Belief:
    """Evidence adds up over jobs: Beta(1 + right, 1 + wrong) with the sums of what each job showed."""
    from broker.truth.trust import believe  # noqa: PLC0415 - heavy, and not for web processes

    rows = trust_by_job(unit, worker_id)
    evidence = sum(row.evidence for row in rows)
    right = sum(row.mean * (row.evidence + 2) - 1 for row in rows)
    mean, low, high = (float(one[0]) for one in believe([right], [max(evidence - right, 0.0)]))
    answers = sum(row.answers for row in rows)
    agreements = [(row.agreement, row.answers) for row in rows if row.agreement is not None]
    times = sorted((row.median_seconds, row.answers) for row in rows if row.median_seconds is not None)
    return Belief(
        mean=mean,
        low=low,
        high=high,
        gold_right=sum(row.gold_right for row in rows),
        gold_seen=sum(row.gold_seen for row in rows),
        answers=answers,
        evidence=evidence,
        agreement=_weighted(agreements),
        median_seconds=times[len(times) // 2][0] if times else None,
        score=_weighted([(row.score, row.answers) for row in rows if row.score is not None]),
        signals={"told": [sign for row in rows for sign in (row.signals or {}).get("told", ())]},
    )


def _weighted(values: Sequence[tuple[float, int]]) -> float | None:
    total = sum(weight for _, weight in values)
    return sum(value * weight for value, weight in values) / total if total else None


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
