"""Review policies of HITs, and what their reviews found and did, in the order in which it happened."""

import datetime as dt
from collections.abc import Collection, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from broker.store.db import Record, Rows, Unit, key, row_of
from broker.store.work import ANSWERED, Assignment, Hit, Turn


class ReviewPolicy(Rows):
    """A HIT's policy of one level (Assignment or HIT), as its requester sent it; `reviewed` counts what was looked at.

    `reviewed` is the row id of the latest assignment that an assignment's policy scored, and for a HIT's the number
    of answers at its last review.
    """

    __tablename__ = "review_policies"
    __table_args__ = (sa.Index("ix_review_policies_job", "job_id", "hit_id"),)

    hit_id: Mapped[int] = mapped_column(sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True)
    level: Mapped[str] = mapped_column(sa.String(20), primary_key=True)
    job_id: Mapped[row_of]
    name: Mapped[str] = mapped_column(sa.String(100))
    parameters: Mapped[list[Any]]
    reviewed: Mapped[row_of] = mapped_column(default=0, server_default="0")


class ReviewResult(Rows):
    """One thing that a review found out about a HIT or an assignment (`subject` is its row id)."""

    __tablename__ = "review_results"
    __table_args__ = (sa.Index("ix_review_results_hit", "hit_id", "policy_level", "id"),)

    id: Mapped[key]
    hit_id: Mapped[row_of]
    policy_level: Mapped[str] = mapped_column(sa.String(20))
    level: Mapped[str] = mapped_column(sa.String(20))
    subject: Mapped[row_of]
    question: Mapped[str] = mapped_column(sa.String(300), default="")
    key: Mapped[str] = mapped_column(sa.String(300))
    value: Mapped[str] = mapped_column(sa.Text)
    at: Mapped[dt.datetime]


class ReviewAction(Rows):
    """One thing that a review did, or tried to do."""

    __tablename__ = "review_actions"
    __table_args__ = (sa.Index("ix_review_actions_hit", "hit_id", "policy_level", "id"),)

    id: Mapped[key]
    hit_id: Mapped[row_of]
    policy_level: Mapped[str] = mapped_column(sa.String(20))
    name: Mapped[str] = mapped_column(sa.String(20))
    level: Mapped[str] = mapped_column(sa.String(20))
    target: Mapped[row_of]
    status: Mapped[str] = mapped_column(sa.String(20))
    result: Mapped[str] = mapped_column(sa.String(1000))
    error: Mapped[str] = mapped_column(sa.String(100), default="")
    at: Mapped[dt.datetime]


def give(unit: Unit, hit_id: int, job_id: int, level: str, name: str, parameters: list[Any]) -> None:
    """Give a HIT a review policy."""
    policy = ReviewPolicy(hit_id=hit_id, level=level, job_id=job_id, name=name, parameters=parameters, reviewed=0)
    unit.session.add(policy)


def policies(unit: Unit, hit_id: int) -> dict[str, ReviewPolicy]:
    """The HIT's policies by level."""
    query = sa.select(ReviewPolicy).where(ReviewPolicy.hit_id == hit_id)
    return {one.level: one for one in unit.session.scalars(query)}


def any_of(unit: Unit, job_id: int) -> bool:
    """Whether HITs of this job have policies."""
    query = sa.select(ReviewPolicy.hit_id).where(ReviewPolicy.job_id == job_id).limit(1)
    return unit.session.scalar(query) is not None


def unscored(unit: Unit, job_id: int, level: str, *, limit: int) -> list[tuple[ReviewPolicy, Assignment]]:
    """Answers that their HIT's assignment policy has not looked at, the oldest first."""
    query = (
        sa.select(ReviewPolicy, Assignment)
        .join(Assignment, Assignment.hit_id == ReviewPolicy.hit_id)
        .where(
            ReviewPolicy.job_id == job_id,
            ReviewPolicy.level == level,
            Assignment.state.in_(ANSWERED),
            ~sa.exists().where(
                ReviewResult.hit_id == ReviewPolicy.hit_id,
                ReviewResult.policy_level == level,
                ReviewResult.subject == Assignment.id,
            ),
        )
        .order_by(Assignment.submitted_at, Assignment.id)
        .limit(limit)
    )
    return [(row[0], row[1]) for row in unit.session.execute(query)]


def reviewable(
    unit: Unit, job_id: int, level: str, name: str, redundancy: int, now: dt.datetime, *, limit: int
) -> list[tuple[ReviewPolicy, int]]:
    """HITs that may get no more answers, with policies of this name that have not seen all they got: (policy, answers)."""
    answers = (
        sa.select(sa.func.count())
        .select_from(Assignment)
        .where(Assignment.hit_id == Hit.id, Assignment.state.in_(ANSWERED))
        .scalar_subquery()
    )
    out = sa.exists().where(Assignment.hit_id == Hit.id, Assignment.state == Turn.ACCEPTED)
    full = answers >= redundancy + Hit.extra
    query = (
        sa.select(ReviewPolicy, answers)
        .join(Hit, Hit.id == ReviewPolicy.hit_id)
        .where(ReviewPolicy.job_id == job_id, ReviewPolicy.level == level, ReviewPolicy.name == name)
        .where(answers > ReviewPolicy.reviewed, sa.or_(full, sa.and_(expired(now), ~out)))
        .order_by(ReviewPolicy.hit_id)
        .limit(limit)
    )
    return [(row[0], int(row[1])) for row in unit.session.execute(query)]


def expired(now: dt.datetime) -> sa.ColumnElement[bool]:
    """The HIT's lifetime is over."""
    return sa.false()


def answers(unit: Unit, hit_ids: Collection[int]) -> list[Record]:
    """The answers to these HITs in the order of their submission: id, hit_id, worker_id, state, answer."""
    query = (
        sa.select(Assignment.id, Assignment.hit_id, Assignment.worker_id, Assignment.state, Assignment.answer)
        .where(Assignment.hit_id.in_(hit_ids), Assignment.state.in_(ANSWERED))
        .order_by(Assignment.submitted_at, Assignment.id)
    )
    return list(unit.session.execute(query))


def pool(unit: Unit, job_id: int, name: str, *, limit: int) -> list[Record]:
    """The latest answers, not rejected, to all HITs of the job under this policy: the crowd that is learnt from."""
    query = (
        sa.select(Assignment.id, Assignment.hit_id, Assignment.worker_id, Assignment.answer)
        .join(ReviewPolicy, ReviewPolicy.hit_id == Assignment.hit_id)
        .where(
            ReviewPolicy.job_id == job_id,
            ReviewPolicy.name == name,
            Assignment.state.in_((Turn.SUBMITTED, Turn.APPROVED)),
        )
        .order_by(Assignment.id.desc())
        .limit(limit)
    )
    return list(unit.session.execute(query))


def known_scores(unit: Unit, hit_ids: Collection[int]) -> dict[int, int]:
    """The known-answer score of each assignment of these HITs that has one."""
    query = sa.select(ReviewResult.subject, ReviewResult.value).where(
        ReviewResult.hit_id.in_(hit_ids), ReviewResult.key == "KnownAnswerScore"
    )
    return {row[0]: int(row[1]) for row in unit.session.execute(query)}


def note(unit: Unit, hit_id: int, level: str, seen: int) -> None:
    """Note how much of the HIT this policy has seen."""
    mine = sa.update(ReviewPolicy).where(ReviewPolicy.hit_id == hit_id, ReviewPolicy.level == level)
    unit.changed(mine.values(reviewed=seen))


def write(unit: Unit, rows: Sequence[ReviewResult | ReviewAction]) -> None:
    """Keep what a review found and did."""
    unit.session.add_all(rows)
    unit.session.flush()


def results(unit: Unit, hit_id: int, level: str, *, after: int = 0, limit: int = 100) -> Sequence[ReviewResult]:
    """What the reviews of this level found of the HIT, the oldest first."""
    mine = (ReviewResult.hit_id == hit_id, ReviewResult.policy_level == level, ReviewResult.id > after)
    return unit.session.scalars(sa.select(ReviewResult).where(*mine).order_by(ReviewResult.id).limit(limit)).all()


def actions(unit: Unit, hit_id: int, level: str, *, after: int = 0, limit: int = 100) -> Sequence[ReviewAction]:
    """What the reviews of this level did, the oldest first."""
    mine = (ReviewAction.hit_id == hit_id, ReviewAction.policy_level == level, ReviewAction.id > after)
    return unit.session.scalars(sa.select(ReviewAction).where(*mine).order_by(ReviewAction.id).limit(limit)).all()
