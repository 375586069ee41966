"""People, their log-ins, and the audit log of what admins did."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from broker.store.db import Json, Rows, Unit, key

ROLES = ("worker", "requester", "admin")


class Person(Rows):
    """Somebody with an account; may hold several roles."""

    __tablename__ = "people"

    id: Mapped[key]
    public_id: Mapped[str] = mapped_column(sa.String(64), unique=True)
    email: Mapped[str] = mapped_column(sa.String(254), unique=True)
    name: Mapped[str] = mapped_column(sa.String(100))
    password_hash: Mapped[str] = mapped_column(sa.String(200))
    worker: Mapped[bool]
    requester: Mapped[bool]
    admin: Mapped[bool]
    shortcuts: Mapped[bool] = mapped_column(default=True, server_default=sa.true())
    created_at: Mapped[dt.datetime]
    suspended_at: Mapped[dt.datetime | None]
    suspended_reason: Mapped[str | None] = mapped_column(sa.String(1000))

    @property
    def roles(self) -> frozenset[str]:
        """The roles this person holds."""
        return frozenset(role for role in ROLES if getattr(self, role))


class Login(Rows):
    """One log-in on one device; only the hash of its token is kept."""

    __tablename__ = "logins"

    id: Mapped[key]
    token_hash: Mapped[str] = mapped_column(sa.String(64), unique=True)
    person_id: Mapped[int] = mapped_column(sa.ForeignKey("people.id"), index=True)
    agent: Mapped[str] = mapped_column(sa.String(300))
    created_at: Mapped[dt.datetime]
    seen_at: Mapped[dt.datetime]
    revoked_at: Mapped[dt.datetime | None]


class Act(Rows):
    """One act of an admin: who did what to whom, when and why. Never changed or deleted."""

    __tablename__ = "acts"

    id: Mapped[key]
    at: Mapped[dt.datetime] = mapped_column(index=True)
    actor_id: Mapped[int] = mapped_column(sa.ForeignKey("people.id"))
    name: Mapped[str] = mapped_column(sa.String(50))
    subject: Mapped[str] = mapped_column(sa.String(100), index=True)
    reason: Mapped[str] = mapped_column(sa.String(1000))
    detail: Mapped[Json]


def by_email(unit: Unit, email: str) -> Person | None:
    """The person with this address, compared without regard to case."""
    return unit.session.scalar(sa.select(Person).where(Person.email == email.strip().lower()))


def by_public_id(unit: Unit, public_id: str) -> Person | None:
    """The person with this public id."""
    return unit.session.scalar(sa.select(Person).where(Person.public_id == public_id))


def person(unit: Unit, person_id: int) -> Person | None:
    """The person with this row id."""
    return unit.session.get(Person, person_id)


def everyone(unit: Unit, *, limit: int = 1000) -> Sequence[Person]:
    """All people, the newest first."""
    return unit.session.scalars(sa.select(Person).order_by(Person.id.desc()).limit(limit)).all()


def logged_in(unit: Unit, token_hash: str) -> tuple[Person, Login] | None:
    """Who is behind this token, if the log-in was not revoked."""
    query = (
        sa.select(Person, Login)
        .join(Login, Login.person_id == Person.id)
        .where(Login.token_hash == token_hash, Login.revoked_at.is_(None))
    )
    row = unit.session.execute(query).one_or_none()
    return None if row is None else (row[0], row[1])


def open_logins(unit: Unit, person_id: int) -> Sequence[Login]:
    """The person's log-ins that are not revoked, the latest first."""
    query = sa.select(Login).where(Login.person_id == person_id, Login.revoked_at.is_(None))
    return unit.session.scalars(query.order_by(Login.seen_at.desc())).all()


def revoke_logins(unit: Unit, person_id: int, now: dt.datetime, *, but: int | None = None) -> int:
    """Revoke the person's log-ins (all, or all but one); how many were open."""
    query = sa.update(Login).where(Login.person_id == person_id, Login.revoked_at.is_(None))
    return unit.changed((query if but is None else query.where(Login.id != but)).values(revoked_at=now))


def write_act(unit: Unit, actor: Person, name: str, subject: str, reason: str, now: dt.datetime, **detail: Any) -> None:
    """Add a line to the audit log."""
    unit.session.add(Act(at=now, actor_id=actor.id, name=name, subject=subject, reason=reason, detail=detail))


def acts(unit: Unit, *, subject: str | None = None, limit: int = 200) -> Sequence[tuple[Act, Person]]:
    """The audit log, the latest first, each line with its actor; of one subject if named."""
    query = sa.select(Act, Person).join(Person, Person.id == Act.actor_id).order_by(Act.id.desc()).limit(limit)
    rows = unit.session.execute(query if subject is None else query.where(Act.subject == subject))
    return [(row[0], row[1]) for row in rows]


def set_password(unit: Unit, person_id: int, password_hash: str) -> None:
    """Keep a new password's hash."""
    unit.changed(sa.update(Person).where(Person.id == person_id).values(password_hash=password_hash))
