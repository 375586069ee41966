"""What requesters decide about answers, what workers say against it, and what they are given on top."""

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from broker.store.db import Rows, key, micros, row_of


class Decision(Rows):
    """One decision about an answer; a later one overturns it, none is changed. `person_id` none: the clock's."""

    __tablename__ = "decisions"
    __table_args__ = (
        sa.Index("ix_decisions_assignment", "assignment_id", "id"),
        sa.Index(
            "ix_decisions_disputable",
            "at",
            sqlite_where=sa.text("disputable = 1"),
            postgresql_where=sa.text("disputable"),
        ),
    )

    id: Mapped[key]
    assignment_id: Mapped[row_of]
    person_id: Mapped[int | None] = mapped_column(sa.ForeignKey("people.id"))
    approved: Mapped[bool]
    reason: Mapped[str] = mapped_column(sa.String(40), default="")
    """One of the closed list of reasons to reject."""
    feedback: Mapped[str] = mapped_column(sa.String(1024), default="")
    at: Mapped[dt.datetime]
    disputable: Mapped[bool] = mapped_column(default=False)
    """A rejection that may still be overturned: until then its reward stays set aside."""


class Appeal(Rows):
    """A worker's word against a rejection, for an admin to decide."""

    __tablename__ = "appeals"
    __table_args__ = (
        sa.Index(
            "ix_appeals_open",
            "id",
            sqlite_where=sa.text("decided_at IS NULL"),
            postgresql_where=sa.text("decided_at IS NULL"),
        ),
    )

    id: Mapped[key]
    assignment_id: Mapped[row_of] = mapped_column(unique=True)
    worker_id: Mapped[int] = mapped_column(sa.ForeignKey("people.id"), index=True)
    text: Mapped[str] = mapped_column(sa.String(2000))
    at: Mapped[dt.datetime]
    decided_at: Mapped[dt.datetime | None]
    upheld: Mapped[bool | None]
    """Whether the worker was right."""
    answer: Mapped[str] = mapped_column(sa.String(2000), default="")


class Bonus(Rows):
    """Money a requester gave a worker on top of an assignment's reward."""

    __tablename__ = "bonuses"
    __table_args__ = (sa.CheckConstraint("amount > 0", name="amount"),)

    id: Mapped[key]
    assignment_id: Mapped[row_of] = mapped_column(index=True)
    hit_id: Mapped[row_of] = mapped_column(index=True)
    requester_id: Mapped[int] = mapped_column(sa.ForeignKey("people.id"))
    worker_id: Mapped[int] = mapped_column(sa.ForeignKey("people.id"), index=True)
    amount: Mapped[micros]
    reason: Mapped[str] = mapped_column(sa.String(1024))
    at: Mapped[dt.datetime]
