"""The schedule: what happens again and again, when it was last looked at, and how its last run went."""

import datetime as dt
from collections.abc import Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from broker.store.db import Rows, Unit


class Scheduled(Rows):
    """One entry of the clock's schedule, as it was kept last; the clock itself reads none of it."""

    __tablename__ = "schedule"

    name: Mapped[str] = mapped_column(sa.String(40), primary_key=True)
    every: Mapped[int]
    """Seconds between two looks whether there is something to do."""
    looked_at: Mapped[dt.datetime]
    ran_at: Mapped[dt.datetime | None]
    took: Mapped[float | None]
    """Seconds of the last run."""
    message: Mapped[str] = mapped_column(sa.Text, default="")
    """What went wrong in the last run; empty if nothing did."""


def look(unit: Unit, entries: Mapping[str, int], now: dt.datetime) -> None:
    """Note that the clock looks after these entries (name to seconds between two looks), and after no others."""
    unit.changed(sa.delete(Scheduled).where(Scheduled.name.not_in(list(entries))))
    for name, every in sorted(entries.items()):
        change = sa.update(Scheduled).where(Scheduled.name == name).values(every=every, looked_at=now)
        if not unit.won(change):
            unit.insert_once(Scheduled, name=name, every=every, looked_at=now, message="")


def ran(unit: Unit, name: str, now: dt.datetime, seconds: float, message: str = "") -> None:
    """Note how the run of an entry went that began now; one that was never looked at is not noted."""
    change = sa.update(Scheduled).where(Scheduled.name == name)
    unit.changed(change.values(ran_at=now, took=seconds, message=message))


def entries(unit: Unit) -> Sequence[Scheduled]:
    """The whole schedule, by name."""
    return unit.session.scalars(sa.select(Scheduled).order_by(Scheduled.name)).all()
