"""A worker's desk: the jobs open to them, what they answered and what it earned; each query's cost is bounded."""

import datetime as dt
import statistics
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from broker.rules import ledger, order
from broker.rules.order import Rank
from broker.rules.qualification import USUAL, Act, Leniency
from broker.store import hits, requirements
from broker.store.blocks import is_barred
from broker.store.db import EPOCH, MICROSECOND, Record, Unit
from broker.store.jobs import Job, JobState
from broker.store.money import Entry
from broker.store.people import Person
from broker.store.requirements import Lack
from broker.store.work import ANSWERED, Assignment, Cursor, Hit, Turn, is_in, of_workers

MOST_JOBS, MOST_LOOKED_AT = 50, 300
MOST_COUNTED = 500
RECENT, FEWEST = 100, 3
"""A job's median time is that of its last 100 answers, and unknown under three."""
MOST_A_DAY = 10_000
DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class Opening:
    """A job as one worker sees it; `left` is counted up to MOST_COUNTED, `held` are the HITs they have in hand."""

    job: Job
    requester: str
    left: int
    done: int
    held: int
    median_seconds: float | None
    lacks: tuple[Lack, ...] = ()
    """The requirements that the worker does not meet."""

    @property
    def preview(self) -> bool:
        """Whether the worker may look at a HIT."""
        return not requirements.barred(self.lacks, Act.PREVIEW)


@dataclass(frozen=True)
class Share:
    """What one job brought a worker: answers, what they earn, how much of it waits for approval, the time it took."""

    job_id: int
    title: str
    answers: int
    earned: int
    waiting: int
    timed: int
    seconds: float


@dataclass(frozen=True)
class Movement:
    """Transfers of one sort seen from one of their accounts: positive if they came in; the title is their job's."""

    id: int
    at: dt.datetime
    amount: int
    count: int
    what: str
    title: str


def openings(unit: Unit, worker_id: int, now: dt.datetime, how: Leniency = USUAL) -> list[Opening]:
    """The jobs that have something for this worker: those they hold HITs of first, then the newest.

    A job whose requirements hide it from the worker is not among them, unless they hold HITs of it.
    """
    held = _held(unit, worker_id, now)
    found = []
    visible = _visible(unit, worker_id, held)
    lacking = requirements.lacks(unit, [row[0] for row in visible if row[0].requirements], worker_id, how, now)
    for job, requester, positions, rank, done in visible:
        lacks = lacking.get(job.id, [])
        if requirements.barred(lacks, Act.DISCOVER) and job.id not in held:
            continue
        is_open = job.state == JobState.OPEN
        ahead = order.ahead(positions, Rank(rank)) if positions else order.START
        left = hits.left_for(unit, job, worker_id, ahead, limit=MOST_COUNTED) if is_open else 0
        if left or job.id in held:
            median = median_seconds(unit, job.id)
            found.append(Opening(job, requester, left, done, held.get(job.id, 0), median, tuple(lacks)))
        if len(found) == MOST_JOBS:
            break
    return found


def fresh_jobs(
    unit: Unit, requester_id: int, worker_id: int, now: dt.datetime, how: Leniency = USUAL
) -> list[tuple[int, int]]:
    """The requester's open jobs that may hold something for the worker, the most urgent first: (job id, priority).

    Only those are among them whose requirements the worker meets.
    """
    mine = sa.and_(Cursor.job_id == Job.id, Cursor.worker_id == worker_id)
    query = (
        sa.select(Job.id, Job.priority, Job.requirements)
        .outerjoin(Cursor, mine)
        .where(Job.requester_id == requester_id, open_job(), sa.func.coalesce(Cursor.dry, -1) != Job.next_pos)
        .where(~is_barred(worker_id, Job.requester_id))
        .order_by(Job.priority, Job.id)
        .limit(MOST_LOOKED_AT)
    )
    rows = unit.session.execute(query).all()
    lacking = requirements.lacks(unit, [row for row in rows if row.requirements], worker_id, how, now)
    barred = {job_id for job_id, lacks in lacking.items() if requirements.barred(lacks, Act.ACCEPT)}
    return [(row[0], row[1]) for row in rows if row[0] not in barred]


def open_job() -> sa.ColumnElement[bool]:
    """The job is open, in words that the partial index of open jobs understands."""
    return sa.text("jobs.state = 'open'")  # type: ignore[return-value]


def next_requester(unit: Unit, after: int) -> int | None:
    """The first requester past this row id who has an open job; none: None. One seek in the index of open jobs."""
    query = sa.select(Job.requester_id).where(open_job(), Job.requester_id > after).order_by(Job.requester_id)
    return unit.session.scalar(query.limit(1))


def _held(unit: Unit, worker_id: int, now: dt.datetime) -> dict[int, int]:
    query = (
        sa.select(Assignment.job_id, sa.func.count())
        .where(Assignment.worker_id == worker_id, is_in(Turn.ACCEPTED), Assignment.deadline > now)
        .group_by(Assignment.job_id)
    )
    return {row[0]: row[1] for row in unit.session.execute(query)}


def _visible(unit: Unit, worker_id: int, held: Collection[int]) -> list[Record]:
    mine = sa.and_(Cursor.job_id == Job.id, Cursor.worker_id == worker_id)
    in_hand = Job.id.in_(list(held))
    query = (
        sa.select(Job, Person.name, Cursor.pos, Cursor.rank, sa.func.coalesce(Cursor.answered, 0))
        .join(Person, Person.id == Job.requester_id)
        .outerjoin(Cursor, mine)
        .where(sa.or_(sa.and_(Job.state == JobState.OPEN, ~is_barred(worker_id, Job.requester_id)), in_hand))
        .order_by(in_hand.desc(), Job.id.desc())
        .limit(MOST_LOOKED_AT)
    )
    return list(unit.session.execute(query))


def median_seconds(unit: Unit, job_id: int) -> float | None:
    """The median time of the job's latest answers; None where there are too few."""
    query = (
        sa.select(Assignment.seconds)
        .where(Assignment.job_id == job_id, Assignment.seconds.is_not(None))
        .order_by(Assignment.id.desc())
        .limit(RECENT)
    )
    times = [float(one) for one in unit.session.scalars(query) if one is not None]
    return statistics.median(times) if len(times) >= FEWEST else None


def specimen(unit: Unit, job_id: int) -> dict[str, Any] | None:
    """The payload of one of the job's ordinary items: its first that is not gold."""
    query = sa.select(Hit.payload).where(Hit.job_id == job_id, Hit.gold_no.is_(None)).order_by(Hit.row).limit(1)
    payload: dict[str, Any] | None = unit.session.scalar(query)
    return payload


def today(unit: Unit, worker_id: int, midnight: dt.datetime) -> tuple[int, int, float]:
    """The worker's answers since midnight, what they earn if all are approved, and the seconds they took."""
    latest = (
        sa.select(Assignment.submitted_at, Assignment.state, Assignment.reward, Assignment.seconds)
        .where(of_workers(unit, worker_id))
        .order_by(Assignment.id.desc())
        .limit(MOST_A_DAY)
        .subquery()
    )
    paid = sa.case((latest.c.state != Turn.REJECTED, latest.c.reward), else_=0)
    query = sa.select(sa.func.count(), sa.func.sum(paid), sa.func.sum(latest.c.seconds)).where(
        latest.c.submitted_at >= midnight, latest.c.state.in_(ANSWERED)
    )
    count, earned, seconds = unit.session.execute(query).one()
    return int(count), int(earned or 0), float(seconds or 0)


def history(unit: Unit, worker_id: int, *, before: int | None = None, limit: int = 50) -> list[Record]:
    """The worker's answers with their jobs, the newest first, older than `before`: (Assignment, Job)."""
    query = (
        sa.select(Assignment, Job)
        .join(Job, Job.id == Assignment.job_id)
        .where(of_workers(unit, worker_id), Assignment.state.in_(ANSWERED))
        .order_by(Assignment.id.desc())
        .limit(limit)
    )
    return list(unit.session.execute(query if before is None else query.where(Assignment.id < before)))


def shares(unit: Unit, worker_id: int, *, limit: int = 100) -> list[Share]:
    """What each job brought the worker, the latest job first. Reads all their answers, through their own index."""
    reward, timed = Assignment.reward, Assignment.seconds.is_not(None)
    sums = (
        sa.func.count().label("answers"),
        sa.func.sum(sa.case((Assignment.state == Turn.APPROVED, reward), else_=0)).label("earned"),
        sa.func.sum(sa.case((Assignment.state == Turn.SUBMITTED, reward), else_=0)).label("waiting"),
        sa.func.sum(sa.case((sa.and_(timed, Assignment.state != Turn.REJECTED), reward), else_=0)).label("timed"),
        sa.func.coalesce(sa.func.sum(Assignment.seconds), 0).label("seconds"),
    )
    query = (
        sa.select(Job.id, Job.title, *sums)
        .join(Job, Job.id == Assignment.job_id)
        .where(of_workers(unit, worker_id), Assignment.state.in_(ANSWERED))
        .group_by(Job.id, Job.title)
        .order_by(sa.func.max(Assignment.id).desc())
        .limit(limit)
    )
    return [
        Share(row[0], row[1], row[2], int(row[3]), int(row[4]), int(row[5]), float(row[6]))
        for row in unit.session.execute(query)
    ]


def earned_by_day(unit: Unit, account: str, since: dt.datetime) -> dict[dt.date, int]:
    """Rewards and bonuses paid into the account on each day (UTC) since then; days without any are left out."""
    day = _day().label("day")
    query = (
        sa.select(day, sa.func.sum(Entry.amount))
        .where(Entry.target == account, _earned(), Entry.at >= since)
        .group_by(day)
    )
    return {(EPOCH + int(number) * DAY).date(): int(sum_) for number, sum_ in unit.session.execute(query)}


def _earned() -> sa.ColumnElement[bool]:
    return sa.or_(Entry.ref.like("reward:%"), Entry.ref.like("bonus:%"))


def movements(unit: Unit, account: str, *, before: int | None = None, limit: int = 50) -> list[Movement]:
    """What reached or left the account, the latest first; the rewards of one job on one day (UTC) are one movement."""
    what = sa.case((Entry.ref.like("reward:%"), "reward"), else_=Entry.ref).label("what")
    last = sa.func.max(Entry.id)
    query = (
        sa.select(last, sa.func.max(Entry.at), sa.func.sum(Entry.amount), sa.func.count(), what)
        .add_columns(Entry.source, Entry.target)
        .where(sa.or_(Entry.source == account, Entry.target == account))
        .group_by(_day(), what, Entry.source, Entry.target)
        .order_by(last.desc())
        .limit(limit)
    )
    rows = unit.session.execute(query if before is None else query.having(last < before)).all()
    found = titles(unit, [ledger.job_of(row.source, row.target) for row in rows])
    return [_movement(row, account, found) for row in rows]


def _movement(row: Record, account: str, found: Mapping[int | None, str]) -> Movement:
    title = found.get(ledger.job_of(row.source, row.target), "")
    sign = 1 if row.target == account else -1
    return Movement(row[0], row[1], sign * int(row[2]), row[3], ledger.what(row.what), title)


def _day() -> sa.ColumnElement[int]:
    return sa.type_coerce(Entry.at, sa.BigInteger) // (DAY // MICROSECOND)


def titles(unit: Unit, job_ids: Collection[int | None]) -> dict[int | None, str]:
    """The titles of these jobs."""
    query = sa.select(Job.id, Job.title).where(Job.id.in_([one for one in job_ids if one is not None]))
    return {row[0]: row[1] for row in unit.session.execute(query)}
