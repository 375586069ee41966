"""Access keys: how programs sign for a requester. The secret is kept enciphered, because a signature needs it."""

import datetime as dt
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from broker.store.db import Rows, Unit, key
from broker.store.people import Person


class AccessKey(Rows):
    """One access key of a person; `sealed` is its secret, readable only with the installation's."""

    __tablename__ = "access_keys"

    id: Mapped[key]
    public_id: Mapped[str] = mapped_column(sa.String(40), unique=True)
    person_id: Mapped[int] = mapped_column(sa.ForeignKey("people.id"), index=True)
    sealed: Mapped[str] = mapped_column(sa.String(300))
    label: Mapped[str] = mapped_column(sa.String(100))
    created_at: Mapped[dt.datetime]
    used_at: Mapped[dt.datetime | None]
    revoked_at: Mapped[dt.datetime | None]


def by_public_id(unit: Unit, public_id: str) -> tuple[AccessKey, Person] | None:
    """The key with this public id that nobody revoked, and whose it is."""
    query = sa.select(AccessKey, Person).join(Person, Person.id == AccessKey.person_id)
    row = unit.session.execute(
        query.where(AccessKey.public_id == public_id, AccessKey.revoked_at.is_(None))
    ).one_or_none()
    return None if row is None else (row[0], row[1])


def open_keys(unit: Unit, person_id: int) -> Sequence[AccessKey]:
    """The person's keys that nobody revoked, the newest first."""
    mine = sa.select(AccessKey).where(AccessKey.person_id == person_id, AccessKey.revoked_at.is_(None))
    return unit.session.scalars(mine.order_by(AccessKey.id.desc())).all()


def revoke(unit: Unit, person_id: int, public_id: str, now: dt.datetime) -> bool:
    """Revoke one of the person's keys; False if it is not theirs, or was revoked before."""
    mine = sa.update(AccessKey).where(AccessKey.person_id == person_id, AccessKey.public_id == public_id)
    return unit.won(mine.where(AccessKey.revoked_at.is_(None)).values(revoked_at=now))


def see(unit: Unit, key_id: int, now: dt.datetime) -> None:
    """Note that this key was used."""
    unit.changed(sa.update(AccessKey).where(AccessKey.id == key_id).values(used_at=now))
