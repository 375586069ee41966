"""People, their log-ins, and the audit log of what admins did."""

import datetime as dt
from collections.abc import Collection, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, aliased, mapped_column

from broker.store.db import Json, Rows, Unit, key

ROLES = ("worker", "requester", "admin")
LOGIN_LIFE = dt.timedelta(days=30)
"""A log-in that was not used for so long has ended."""


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
    """One act of an admin: who (nobody: the command line) did what to whom, when and why. Never changed or deleted."""

    __tablename__ = "acts"

    id: Mapped[key]
    at: Mapped[dt.datetime] = mapped_column(index=True)
    actor_id: Mapped[int | None] = mapped_column(sa.ForeignKey("people.id"))
    name: Mapped[str] = mapped_column(sa.String(50))
    subject: Mapped[str] = mapped_column(sa.String(100), index=True)
    reason: Mapped[str] = mapped_column(sa.String(1000))
    detail: Mapped[Json]


def enlist(unit: Unit, **values: Any) -> Person | None:
    """Write a new person; None if somebody has the e-mail address already."""
    if not unit.insert_once(Person, **values):
        return None
    return by_public_id(unit, values["public_id"])


def by_email(unit: Unit, email: str) -> Person | None:
    """The person with this address, compared without regard to case."""
    return unit.session.scalar(sa.select(Person).where(Person.email == email.strip().lower()))


def by_public_id(unit: Unit, public_id: str, *, lock: bool = False) -> Person | None:
    """The person with this public id; `lock` holds their row till the end of the unit."""
    query = sa.select(Person).where(Person.public_id == public_id)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    return unit.session.scalar(query)


def person(unit: Unit, person_id: int) -> Person | None:
    """The person with this row id."""
    return unit.session.get(Person, person_id)


def public_ids(unit: Unit, ids: Collection[int]) -> dict[int, str]:
    """The public ids of people by their row ids."""
    rows = unit.session.execute(sa.select(Person.id, Person.public_id).where(Person.id.in_(ids)))
    return {int(row.id): str(row.public_id) for row in rows}


def hold_admins(unit: Unit) -> None:
    """Hold the rows of all admins till the end of the unit, always in the same order."""
    admins = sa.select(Person).where(Person.admin).order_by(Person.id).with_for_update()
    unit.session.scalars(admins.execution_options(populate_existing=True)).all()


def other_admins(unit: Unit, person_id: int) -> bool:
    """Whether there is an admin in good standing beside this person."""
    query = sa.select(Person.id).where(Person.admin, Person.suspended_at.is_(None), Person.id != person_id)
    return unit.session.execute(query.limit(1)).first() is not None


def suspend(unit: Unit, person_id: int, reason: str, now: dt.datetime) -> bool:
    """Suspend somebody; False if they are already."""
    change = sa.update(Person).where(Person.id == person_id, Person.suspended_at.is_(None))
    return unit.won(change.values(suspended_at=now, suspended_reason=reason))


def restore(unit: Unit, person_id: int) -> bool:
    """End a suspension; False if there is none."""
    change = sa.update(Person).where(Person.id == person_id, Person.suspended_at.is_not(None))
    return unit.won(change.values(suspended_at=None, suspended_reason=None))


def set_role(unit: Unit, person_id: int, role: str, *, given: bool) -> bool:
    """Give or take one of ROLES; False if nothing changes by it."""
    column = {"worker": Person.worker, "requester": Person.requester, "admin": Person.admin}[role]
    return unit.won(sa.update(Person).where(Person.id == person_id, column.is_(not given)).values({column: given}))


def everyone(unit: Unit, *, limit: int = 1000) -> Sequence[Person]:
    """All people, the newest first."""
    return unit.session.scalars(sa.select(Person).order_by(Person.id.desc()).limit(limit)).all()


def logged_in(unit: Unit, token_hash: str, now: dt.datetime) -> tuple[Person, Login] | None:
    """Who is behind this token, if the log-in was not revoked and not forgotten for too long."""
    query = sa.select(Person, Login).join(Login, Login.person_id == Person.id)
    row = unit.session.execute(query.where(Login.token_hash == token_hash, *_lives(now))).one_or_none()
    return None if row is None else (row[0], row[1])


def _lives(now: dt.datetime) -> tuple[sa.ColumnElement[bool], ...]:
    return Login.revoked_at.is_(None), Login.seen_at > now - LOGIN_LIFE


def open_logins(unit: Unit, person_id: int, now: dt.datetime) -> Sequence[Login]:
    """The person's log-ins that still hold, the latest first."""
    query = sa.select(Login).where(Login.person_id == person_id, *_lives(now))
    return unit.session.scalars(query.order_by(Login.seen_at.desc(), Login.id.desc()).limit(100)).all()


def see_login(unit: Unit, login_id: int, now: dt.datetime) -> None:
    """Note that this log-in was used."""
    unit.changed(sa.update(Login).where(Login.id == login_id).values(seen_at=now))


def revoke_token(unit: Unit, token_hash: str, now: dt.datetime) -> bool:
    """Revoke the log-in with this token; whether it was open."""
    mine = sa.update(Login).where(Login.token_hash == token_hash, Login.revoked_at.is_(None))
    return unit.won(mine.values(revoked_at=now))


def revoke_login(unit: Unit, person_id: int, login_id: int, now: dt.datetime) -> bool:
    """Revoke one of the person's log-ins; False if it is not theirs, or was revoked before."""
    mine = sa.update(Login).where(Login.id == login_id, Login.person_id == person_id, Login.revoked_at.is_(None))
    return unit.won(mine.values(revoked_at=now))


def revoke_logins(unit: Unit, person_id: int, now: dt.datetime, *, but: int | None = None) -> int:
    """Revoke the person's log-ins (all, or all but one); how many were open."""
    query = sa.update(Login).where(Login.person_id == person_id, Login.revoked_at.is_(None))
    return unit.changed((query if but is None else query.where(Login.id != but)).values(revoked_at=now))


def write_act(
    unit: Unit, actor: Person | None, name: str, subject: str, reason: str, now: dt.datetime, **detail: Any
) -> None:
    """Add a line to the audit log; nobody is the command line."""
    actor_id = None if actor is None else actor.id
    unit.session.add(Act(at=now, actor_id=actor_id, name=name, subject=subject, reason=reason, detail=detail))


def acts(
    unit: Unit, *, subject: str | None = None, before: int | None = None, limit: int = 100
) -> Sequence[tuple[Act, Person | None, Person | None]]:
    """The audit log, the latest first, each line with its actor and the person it is about; of one subject if named."""
    about = aliased(Person)
    query = (
        sa.select(Act, Person, about)
        .outerjoin(Person, Person.id == Act.actor_id)
        .outerjoin(about, about.public_id == Act.subject)
        .order_by(Act.id.desc())
        .limit(limit)
    )
    wanted = [
        sa.true() if subject is None else Act.subject == subject,
        sa.true() if before is None else Act.id < before,
    ]
    return [(row[0], row[1], row[2]) for row in unit.session.execute(query.where(*wanted))]


def set_password(unit: Unit, person_id: int, password_hash: str, *, old: str) -> bool:
    """Keep a new password's hash, if the old one still is what it was."""
    mine = sa.update(Person).where(Person.id == person_id, Person.password_hash == old)
    return unit.won(mine.values(password_hash=password_hash).execution_options(synchronize_session=False))


def set_shortcuts(unit: Unit, person_id: int, *, on: bool) -> None:
    """Keep whether the person wants keys without modifier."""
    unit.changed(sa.update(Person).where(Person.id == person_id).values(shortcuts=on))
