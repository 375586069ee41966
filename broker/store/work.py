"""HITs and assignments: the log of open HITs, the workers' cursors in it, and the life of one worker's turn.

Open HITs are a log in a few bands: each has a position in its band, and a worker's cursor says for each band that every
HIT open at or before it was already handed to them, or is for workers of a better rank first. A HIT that opens again or
changes its band gets a fresh position at the end, so that every cursor still meets it; neither the job's size nor the
worker's history costs a claim anything.
"""

import datetime as dt
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, aliased, mapped_column

from broker.rules.gold import NEVER
from broker.rules.order import ORDINARY, Rank
from broker.store.db import Json, Rows, Unit, big, key, micros, row_of


class Turn(StrEnum):
    """Where an assignment is in its life."""

    ACCEPTED = "accepted"
    SUBMITTED = "submitted"
    APPROVED = "approved"
    REJECTED = "rejected"
    RETURNED = "returned"
    """Given back by the worker."""
    ABANDONED = "abandoned"
    """The lease ran out."""


ACTIVE = (Turn.ACCEPTED, Turn.SUBMITTED, Turn.APPROVED, Turn.REJECTED)
ANSWERED = (Turn.SUBMITTED, Turn.APPROVED, Turn.REJECTED)
THOUSAND_BITS = 10
"""How many bits of a row id number the assignments within a thousand, more or less."""
# Written out, not bound: a partial index serves only a query that visibly says what the index says.
_ACTIVE_SQL = "state IN ('accepted', 'submitted', 'approved', 'rejected')"


class Hit(Rows):
    """One micro-task made of one item; `taken` of its `redundancy + extra` seats are given to workers.

    HITs and assignments have no foreign keys: who writes one holds the row it refers to, a job with HITs and a HIT
    with assignments are never deleted, and on PostgreSQL each key would lock and read its row once more per claim.
    """

    __tablename__ = "hits"
    __table_args__ = (
        sa.Index(
            "ix_hits_open",
            "job_id",
            "band",
            "pos",
            sqlite_where=sa.text("open = 1"),
            postgresql_where=sa.text("open"),
        ),
        sa.Index("uq_hits_job_row", "job_id", "row", unique=True),
        sa.Index(
            "uq_hits_gold",
            "job_id",
            "gold_no",
            unique=True,
            sqlite_where=sa.text("gold_no IS NOT NULL"),
            postgresql_where=sa.text("gold_no IS NOT NULL"),
        ),
        sa.CheckConstraint("taken >= 0", name="taken"),
    )

    id: Mapped[key]
    job_id: Mapped[row_of]
    row: Mapped[big]
    band: Mapped[int] = mapped_column(sa.SmallInteger, default=ORDINARY, server_default=str(ORDINARY))
    pos: Mapped[big]
    open: Mapped[bool]
    taken: Mapped[int] = mapped_column(default=0, server_default="0")
    extra: Mapped[int] = mapped_column(default=0, server_default="0")
    answered: Mapped[int] = mapped_column(default=0, server_default="0")
    done: Mapped[bool] = mapped_column(default=False, server_default=sa.false())
    gold_no: Mapped[int | None]
    payload: Mapped[Json]
    gold: Mapped[Json | None]


class Assignment(Rows):
    """One worker's turn at one HIT."""

    __tablename__ = "assignments"
    __table_args__ = (
        sa.Index(
            "uq_assignments_hit_worker",
            "hit_id",
            "worker_id",
            unique=True,
            sqlite_where=sa.text(_ACTIVE_SQL),
            postgresql_where=sa.text(_ACTIVE_SQL),
        ),
        # Leases have no index by deadline: those that run are few, and every claim and start would pay for it.
        sa.Index(
            "ix_assignments_held",
            "worker_id",
            "job_id",
            sqlite_where=sa.text("state = 'accepted'"),
            postgresql_where=sa.text("state = 'accepted'"),
        ),
        sa.Index(
            "ix_assignments_unjudged",
            "job_id",
            "id",
            sqlite_where=sa.text("state = 'submitted' AND judged = 0"),
            postgresql_where=sa.text("state = 'submitted' AND NOT judged"),
        ),
        sa.Index(
            "ix_assignments_undecided",
            "job_id",
            "id",
            sqlite_where=sa.text("state = 'submitted' AND judged = 1"),
            postgresql_where=sa.text("state = 'submitted' AND judged"),
        ),
        # Empty but for jobs whose requesters look at answers first.
        sa.Index(
            "ix_assignments_due",
            "approve_at",
            sqlite_where=sa.text("state = 'submitted' AND approve_at IS NOT NULL"),
            postgresql_where=sa.text("state = 'submitted' AND approve_at IS NOT NULL"),
        ),
        # On SQLite (id >> THOUSAND_BITS, worker_id): see `of_workers`. PostgreSQL reads a worker's latest in its order.
        sa.Index("ix_assignments_history", "worker_id", "id"),
        sa.Index("ix_assignments_job", "job_id", "id"),
    )

    id: Mapped[key]
    job_id: Mapped[row_of]
    hit_id: Mapped[row_of]
    worker_id: Mapped[row_of]
    state: Mapped[str] = mapped_column(sa.String(20))
    gold: Mapped[bool]
    judged: Mapped[bool] = mapped_column(default=False, server_default=sa.false())
    accepted_at: Mapped[dt.datetime]
    deadline: Mapped[dt.datetime]
    submitted_at: Mapped[dt.datetime | None]
    decided_at: Mapped[dt.datetime | None]
    seconds: Mapped[float | None]
    score: Mapped[float | None]
    reward: Mapped[micros]
    answer: Mapped[Json | None]
    approve_at: Mapped[dt.datetime | None]
    """When a judged answer is approved by itself, if its requester looks at answers first."""


class Cursor(Rows):
    """How far a worker has come in each band of a job's log, how many HITs they were served and answered.

    `gold_at` is the number of HITs served at which their next gold is due; `dry` is the job's newest position when
    nothing was left for them: until a HIT opens after it, nothing is.
    """

    __tablename__ = "cursors"

    job_id: Mapped[int] = mapped_column(sa.ForeignKey("jobs.id"), primary_key=True)
    worker_id: Mapped[int] = mapped_column(sa.ForeignKey("people.id"), primary_key=True)
    pos: Mapped[list[int]] = mapped_column(sa.ARRAY(sa.BigInteger).with_variant(sa.JSON(), "sqlite"))
    served: Mapped[int] = mapped_column(default=0)
    answered: Mapped[int] = mapped_column(default=0, server_default="0")
    gold_at: Mapped[big] = mapped_column(default=NEVER)
    dry: Mapped[big] = mapped_column(default=-1, server_default="-1")
    rank: Mapped[int] = mapped_column(sa.SmallInteger, default=Rank.FIRST, server_default=str(int(Rank.FIRST)))
    """When they meet the HITs whose answers disagree."""


def is_in(state: Turn) -> sa.ColumnElement[bool]:
    """The assignment is in this state, in words that partial indexes understand."""
    return Assignment.state == sa.literal_column(f"'{state.value}'")


def is_active() -> sa.ColumnElement[bool]:
    """The worker has the HIT, or has answered it."""
    return sa.text(f"assignments.{_ACTIVE_SQL}")  # type: ignore[return-value]


def has_had(worker_id: int, hit_id: sa.SQLColumnExpression[int]) -> sa.ColumnElement[bool]:
    """Whether the worker has this HIT, or has answered it.

    A count, for PostgreSQL would join an EXISTS, and while it has no statistics yet it reads all that the worker ever
    had once for each HIT.
    """
    turns = sa.select(sa.func.count()).where(
        Assignment.hit_id == hit_id, Assignment.worker_id == worker_id, is_active()
    )
    return turns.scalar_subquery() > 0


def of_workers(unit: Unit, *worker_ids: int) -> sa.ColumnElement[bool]:
    """The assignment is one of these workers'.

    On SQLite the index has each thousand of assignments by worker, and each of them is looked at: of one by worker
    alone, each turn of a crowd would change another page, which is written whole and read anew by all processes.
    """
    if not unit.is_sqlite():
        return Assignment.worker_id.in_(worker_ids)
    bits: sa.ColumnElement[int] = sa.literal_column(str(THOUSAND_BITS))
    turn = aliased(Assignment)
    newest = sa.select(sa.func.coalesce(sa.func.max(Assignment.id), 0).op(">>")(bits).label("number"))
    each = newest.cte("thousands", recursive=True)
    each = each.union_all(sa.select(each.c.number - 1).where(each.c.number > 0))
    theirs = sa.select(turn.id).join(each, turn.id.op(">>")(bits) == each.c.number)
    return Assignment.id.in_(theirs.where(turn.worker_id.in_(worker_ids)))
