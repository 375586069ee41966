"""HITs that were posted one by one under a HIT type: what a program asked for with each, beside the HIT itself."""

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from broker.store.db import Json, Rows, row_of


class Posted(Rows):
    """What belongs to a posted HIT alone; its seats, state and expiry are the HIT's."""

    __tablename__ = "posted_hits"
    __table_args__ = (
        sa.Index("ix_posted_hits_mine", "requester_id", "hit_id"),
        sa.Index(
            "ix_posted_hits_expiring",
            "expires_at",
            sqlite_where=sa.text("backed = 1"),
            postgresql_where=sa.text("backed"),
        ),
    )

    hit_id: Mapped[row_of] = mapped_column(primary_key=True, autoincrement=False)
    requester_id: Mapped[int] = mapped_column(sa.ForeignKey("people.id"))
    question: Mapped[str] = mapped_column(sa.Text)
    """The question's XML as it was sent; empty for one made of a layout."""
    annotation: Mapped[str | None] = mapped_column(sa.String(255))
    layout: Mapped[Json | None]
    """The layout it was made of and its parameters."""
    assignment_policy: Mapped[Json | None]
    hit_policy: Mapped[Json | None]
    reviewing: Mapped[bool] = mapped_column(default=False)
    backed: Mapped[bool] = mapped_column(default=True)
    """Whether money is set aside for its free seats; not once it has expired and nobody works on it."""
    movements: Mapped[int] = mapped_column(default=0)
    """How often money was set aside for it or given back: a part of the transfers' references."""
    created_at: Mapped[dt.datetime]
    expires_at: Mapped[dt.datetime]
    """From when on nobody gets it."""
    disposed_at: Mapped[dt.datetime | None]
