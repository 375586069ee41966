"""HIT layouts: pages with ${parameters} that requesters keep, for HITs that only name them."""

import datetime as dt
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from broker.store.db import Rows, Unit, key


class HitLayout(Rows):
    """A page of HTML with ${parameters}; `height` of its frame in pixels, 0 fits its content."""

    __tablename__ = "hit_layouts"

    id: Mapped[key]
    requester_id: Mapped[int] = mapped_column(sa.ForeignKey("people.id"), index=True)
    title: Mapped[str] = mapped_column(sa.String(200))
    html: Mapped[str] = mapped_column(sa.Text)
    height: Mapped[int]
    changed_at: Mapped[dt.datetime]


def own(unit: Unit, layout_id: int, requester_id: int) -> HitLayout | None:
    """The requester's layout; None for a stranger's."""
    mine = sa.select(HitLayout).where(HitLayout.id == layout_id, HitLayout.requester_id == requester_id)
    return unit.session.scalar(mine)


def of(unit: Unit, requester_id: int) -> Sequence[HitLayout]:
    """The requester's layouts, the latest changed first."""
    mine = sa.select(HitLayout).where(HitLayout.requester_id == requester_id)
    return unit.session.scalars(mine.order_by(HitLayout.changed_at.desc(), HitLayout.id.desc())).all()


def count(unit: Unit, requester_id: int) -> int:
    """How many layouts the requester has."""
    mine = sa.select(sa.func.count()).select_from(HitLayout).where(HitLayout.requester_id == requester_id)
    return int(unit.session.execute(mine).scalar_one())


def remove(unit: Unit, layout_id: int, requester_id: int) -> bool:
    """Remove the requester's layout; False if there is none."""
    return unit.won(sa.delete(HitLayout).where(HitLayout.id == layout_id, HitLayout.requester_id == requester_id))
