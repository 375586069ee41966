"""What reviews of HITs by their policies found and did, in the order in which it happened."""

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import asdict

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from broker.errors import NotFound
from broker.rules.review_policy import Level, Report
from broker.store import errands, posted
from broker.store.db import Json, Record, Rows, Unit, key, row_of
from broker.store.posted import Posted
from broker.store.work import ANSWERED, Assignment, Hit

INTENDED, SUCCEEDED, FAILED = "Intended", "Succeeded", "Failed"


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
    wish: Mapped[Json | None]
    """What is to be done: words for the worker, or how far to extend."""
    result: Mapped[str] = mapped_column(sa.String(1000))
    error: Mapped[str] = mapped_column(sa.String(100), default="")
    answers: Mapped[int] = mapped_column(default=0)
    """How many the HIT had then."""
    at: Mapped[dt.datetime]


def policies(unit: Unit, hit_ids: Collection[int]) -> dict[int, tuple[Json | None, Json | None]]:
    """Of these HITs those that have review policies: that of their assignments, and that of the HIT."""
    query = sa.select(Posted.hit_id, Posted.assignment_policy, Posted.hit_policy).where(
        Posted.hit_id.in_(hit_ids),
        sa.or_(Posted.assignment_policy.is_not(None), Posted.hit_policy.is_not(None)),
    )
    return {row[0]: (row[1], row[2]) for row in unit.session.execute(query)}


def ask(unit: Unit, hit_ids: Collection[int], now: dt.datetime) -> None:
    """Have those of these HITs reviewed that have a policy."""
    for hit_id in sorted(policies(unit, hit_ids)):
        errands.later(unit, "review", hit_id, now)


def over(unit: Unit, hit_ids: Collection[int], now: dt.datetime) -> list[int]:
    """Those of these HITs that nobody works on, that get no more answers for now, and that were not disposed of."""
    done = sa.or_(*(posted.reviewable(now, reviewing=one) for one in (False, True)))
    query = sa.select(Posted.hit_id).join(Hit, Hit.id == Posted.hit_id)
    mine = query.where(Posted.hit_id.in_(hit_ids), Posted.disposed_at.is_(None), done)
    return list(unit.session.scalars(mine.order_by(Posted.hit_id)))


def answers(unit: Unit, hit_ids: Collection[int]) -> list[Record]:
    """The answers to these HITs in the order of their submission: id, hit_id, worker_id, state, answer."""
    query = (
        sa.select(Assignment.id, Assignment.hit_id, Assignment.worker_id, Assignment.state, Assignment.answer)
        .where(Assignment.hit_id.in_(hit_ids), Assignment.state.in_(ANSWERED))
        .order_by(Assignment.submitted_at, Assignment.id)
    )
    return list(unit.session.execute(query))


def state_of(unit: Unit, assignment_id: int) -> str | None:
    """What became of an assignment, which is held till the unit's end."""
    query = sa.select(Assignment.state).where(Assignment.id == assignment_id).with_for_update()
    return unit.session.scalar(query)


def owner(unit: Unit, hit_id: int) -> int:
    """The requester of a posted HIT. Raises NotFound."""
    found = unit.session.scalar(sa.select(Posted.requester_id).where(Posted.hit_id == hit_id))
    if found is None:
        raise NotFound("There is no such HIT.")
    return found


def seen(unit: Unit, hit_ids: Collection[int], level: str) -> dict[int, int]:
    """How many answers each of these HITs had when it was last reviewed at this level."""
    query = sa.select(ReviewAction.hit_id, sa.func.max(ReviewAction.answers)).where(
        ReviewAction.hit_id.in_(hit_ids), ReviewAction.policy_level == level, ReviewAction.name == "review"
    )
    return {row[0]: row[1] for row in unit.session.execute(query.group_by(ReviewAction.hit_id))}


def scored(unit: Unit, hit_id: int, level: str) -> set[int]:
    """The assignments of the HIT that were reviewed at this level."""
    query = sa.select(ReviewAction.target).where(
        ReviewAction.hit_id == hit_id, ReviewAction.policy_level == level, ReviewAction.name == "review"
    )
    return set(unit.session.scalars(query))


def under(unit: Unit, job_id: int, name: str, *, limit: int) -> list[tuple[int, Json]]:
    """The job's latest HITs whose own policy is of this name, with the policy, the oldest first."""
    query = (
        sa.select(Posted.hit_id, Posted.hit_policy)
        .join(Hit, Hit.id == Posted.hit_id)
        .where(Hit.job_id == job_id, Posted.hit_policy["PolicyName"].as_string() == name)
        .order_by(Posted.hit_id.desc())
        .limit(limit)
    )
    return [(row[0], row[1] or {}) for row in reversed(unit.session.execute(query).all())]


def known_scores(unit: Unit, hit_ids: Collection[int]) -> dict[int, int]:
    """The known-answer score of each assignment of these HITs that has one."""
    query = sa.select(ReviewResult.subject, ReviewResult.value).where(
        ReviewResult.hit_id.in_(hit_ids), ReviewResult.key == "KnownAnswerScore"
    )
    return {row[0]: int(row[1]) for row in unit.session.execute(query)}


def keep(unit: Unit, hit_id: int, level: Level, report: Report, answers: int, now: dt.datetime) -> None:
    """Write down what a review found, and what is to be done."""
    shared = {"hit_id": hit_id, "policy_level": level}
    found = [
        ReviewResult(level=one.level, subject=int(one.subject), question=one.question[:300], key=one.key[:300],
                     value=one.value, at=now, **shared)
        for one in report.results
    ]  # fmt: skip
    wishes = []
    for one in report.wishes:
        looked = one.name == "review"
        action = ReviewAction(name=one.name, level=one.level, target=int(one.target), at=now, answers=answers, **shared)
        action.status, action.result = (SUCCEEDED, one.text[:1000]) if looked else (INTENDED, "")
        action.wish = None if looked else {"text": one.text, "extension": one.extension and asdict(one.extension)}
        action.error = ""
        wishes.append(action)
    unit.session.add_all([*found, *wishes])
    unit.session.flush()


def results(unit: Unit, hit_id: int, level: str, *, skip: int = 0, limit: int = 100) -> Sequence[ReviewResult]:
    """What the reviews of this level found of the HIT, the oldest first."""
    mine = (ReviewResult.hit_id == hit_id, ReviewResult.policy_level == level)
    query = sa.select(ReviewResult).where(*mine).order_by(ReviewResult.id).offset(skip).limit(limit)
    return unit.session.scalars(query).all()


def actions(unit: Unit, hit_id: int, level: str, *, skip: int = 0, limit: int = 100) -> Sequence[ReviewAction]:
    """What the reviews of this level did, the oldest first."""
    mine = (ReviewAction.hit_id == hit_id, ReviewAction.policy_level == level)
    query = sa.select(ReviewAction).where(*mine).order_by(ReviewAction.id).offset(skip).limit(limit)
    return unit.session.scalars(query).all()


def intended(unit: Unit, hit_ids: Collection[int]) -> Sequence[ReviewAction]:
    """What reviews of these HITs want to be done and is not yet, the oldest first."""
    query = sa.select(ReviewAction).where(ReviewAction.hit_id.in_(hit_ids), ReviewAction.status == INTENDED)
    return unit.session.scalars(query.order_by(ReviewAction.id)).all()


def end(unit: Unit, action_id: int, status: str, result: str, error: str, now: dt.datetime) -> bool:
    """Note how an action ended; False if somebody has noted it already."""
    change = sa.update(ReviewAction).where(ReviewAction.id == action_id, ReviewAction.status == INTENDED)
    return unit.won(change.values(status=status, result=result[:1000], error=error, at=now))
