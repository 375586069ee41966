"""Who does not work for whom, and what requesters write to workers."""

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from broker.store.db import Rows, key


class Block(Rows):
    """A requester who wants no work of a worker."""

    __tablename__ = "blocks"

    requester_id: Mapped[int] = mapped_column(sa.ForeignKey("people.id"), primary_key=True)
    worker_id: Mapped[int] = mapped_column(sa.ForeignKey("people.id"), primary_key=True, index=True)
    reason: Mapped[str] = mapped_column(sa.String(1024))
    at: Mapped[dt.datetime]


class Message(Rows):
    """A message in a worker's inbox."""

    __tablename__ = "messages"

    id: Mapped[key]
    sender_id: Mapped[int] = mapped_column(sa.ForeignKey("people.id"))
    worker_id: Mapped[int] = mapped_column(sa.ForeignKey("people.id"), index=True)
    subject: Mapped[str] = mapped_column(sa.String(200))
    text: Mapped[str] = mapped_column(sa.String(4096))
    at: Mapped[dt.datetime]
    read_at: Mapped[dt.datetime | None]
