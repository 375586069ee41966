"""Qualification types, who holds them and who asked for them."""

import datetime as dt
from collections.abc import Collection, Sequence
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from broker.errors import NotFound
from broker.store.db import Json, Rows, Unit, key
from broker.store.people import Person

_OPEN_SQL = "state IN ('started', 'pending')"
_LIVE_SQL = "disposed_at IS NULL"


class RequestState(StrEnum):
    """Where a request for a qualification is in its life."""

    STARTED = "started"
    """The worker is at the test."""
    PENDING = "pending"
    """The requester decides."""
    GRANTED = "granted"
    REJECTED = "rejected"
    LAPSED = "lapsed"
    """The time for the test ran out."""


class QualificationType(Rows):
    """What a requester calls a sort of worker; `test` and `answer_key` are XML, empty where there is none."""

    __tablename__ = "qualification_types"
    __table_args__ = (
        sa.Index(
            "uq_qualification_types_name",
            "owner_id",
            "name",
            unique=True,
            sqlite_where=sa.text(_LIVE_SQL),
            postgresql_where=sa.text(_LIVE_SQL),
        ),
    )

    id: Mapped[key]
    owner_id: Mapped[int] = mapped_column(sa.ForeignKey("people.id"))
    name: Mapped[str] = mapped_column(sa.String(200))
    keywords: Mapped[str] = mapped_column(sa.String(1000), default="")
    description: Mapped[str] = mapped_column(sa.String(2000), default="")
    active: Mapped[bool] = mapped_column(default=True)
    """Whether workers may ask for it."""
    retry_seconds: Mapped[int | None]
    """How long after a request the next one may come; None: there is one request."""
    test: Mapped[str] = mapped_column(sa.Text, default="")
    answer_key: Mapped[str] = mapped_column(sa.Text, default="")
    test_seconds: Mapped[int | None]
    auto_granted: Mapped[bool] = mapped_column(default=False)
    auto_value: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[dt.datetime]
    disposed_at: Mapped[dt.datetime | None]


class Qualification(Rows):
    """A worker's value of a type; one that was taken back keeps its row and the reason."""

    __tablename__ = "qualifications"

    type_id: Mapped[int] = mapped_column(sa.ForeignKey("qualification_types.id"), primary_key=True)
    worker_id: Mapped[int] = mapped_column(sa.ForeignKey("people.id"), primary_key=True, index=True)
    value: Mapped[int]
    granted_at: Mapped[dt.datetime]
    revoked_at: Mapped[dt.datetime | None]
    reason: Mapped[str] = mapped_column(sa.String(1000), default="")


class QualificationRequest(Rows):
    """One time a worker asked for a qualification; at most one of a worker and type is open."""

    __tablename__ = "qualification_requests"
    __table_args__ = (
        sa.Index(
            "uq_qualification_requests_open",
            "type_id",
            "worker_id",
            unique=True,
            sqlite_where=sa.text(_OPEN_SQL),
            postgresql_where=sa.text(_OPEN_SQL),
        ),
        sa.Index("ix_qualification_requests_type", "type_id", "state", "id"),
        sa.Index("ix_qualification_requests_worker", "worker_id", "type_id", "id"),
    )

    id: Mapped[key]
    type_id: Mapped[int] = mapped_column(sa.ForeignKey("qualification_types.id"))
    worker_id: Mapped[int] = mapped_column(sa.ForeignKey("people.id"))
    state: Mapped[str] = mapped_column(sa.String(20))
    asked_at: Mapped[dt.datetime]
    deadline: Mapped[dt.datetime | None]
    submitted_at: Mapped[dt.datetime | None]
    answers: Mapped[Json | None]
    """What they answered to the test, by question."""
    value: Mapped[int | None]
    """What the answer key made of them."""
    decided_at: Mapped[dt.datetime | None]
    reason: Mapped[str] = mapped_column(sa.String(1000), default="")


def qualification_type(unit: Unit, type_id: int, *, lock: bool = False) -> QualificationType:
    """The type with this row id that was not disposed of. Raises NotFound."""
    query = sa.select(QualificationType).where(QualificationType.id == type_id)
    found = unit.session.scalar(query.with_for_update().execution_options(populate_existing=True) if lock else query)
    if found is None or found.disposed_at is not None:
        raise NotFound("There is no such qualification type.")
    return found


def own_type(unit: Unit, type_id: int, owner_id: int, *, lock: bool = False) -> QualificationType:
    """The requester's own type; strangers get NotFound."""
    found = qualification_type(unit, type_id, lock=lock)
    if found.owner_id != owner_id:
        raise NotFound("There is no such qualification type among yours.")
    return found


def make_type(unit: Unit, **values: Any) -> QualificationType | None:
    """Write a new type; None if its owner has one of this name."""
    if not unit.insert_once(QualificationType, **values):
        return None
    mine = (QualificationType.owner_id == values["owner_id"], QualificationType.name == values["name"])
    return unit.session.scalars(
        sa.select(QualificationType).where(*mine, QualificationType.disposed_at.is_(None))
    ).one()


def types(
    unit: Unit,
    *,
    owner_id: int | None = None,
    requestable: bool = False,
    search: str = "",
    after: int = 0,
    limit: int = 100,
) -> Sequence[QualificationType]:
    """Types in the order they were made, after this row id; only of this owner, if given, or that may be asked for."""
    query = sa.select(QualificationType).where(
        QualificationType.disposed_at.is_(None),
        QualificationType.id > after,
        sa.true() if owner_id is None else QualificationType.owner_id == owner_id,
        QualificationType.active if requestable else sa.true(),
    )
    for word in search.split():
        texts = (QualificationType.name, QualificationType.description, QualificationType.keywords)
        query = query.where(sa.or_(*(text.icontains(word, autoescape=True) for text in texts)))
    return unit.session.scalars(query.order_by(QualificationType.id).limit(limit)).all()


def types_by_id(unit: Unit, ids: Collection[int]) -> dict[int, QualificationType]:
    """These types, those that were disposed of too."""
    rows = unit.session.scalars(sa.select(QualificationType).where(QualificationType.id.in_(ids)))
    return {one.id: one for one in rows}


def held(unit: Unit, type_id: int, worker_id: int) -> Qualification | None:
    """The worker's qualification of this type, also one that was taken back."""
    query = sa.select(Qualification).where(Qualification.type_id == type_id, Qualification.worker_id == worker_id)
    return unit.session.scalar(query.execution_options(populate_existing=True))


def grant(unit: Unit, type_id: int, worker_id: int, value: int, now: dt.datetime) -> None:
    """Give the worker this value, in place of any they had."""
    row = {"type_id": type_id, "worker_id": worker_id, "value": value, "granted_at": now}
    unit.upsert(Qualification, [{**row, "revoked_at": None, "reason": ""}])


def revoke(unit: Unit, type_id: int, worker_id: int, reason: str, now: dt.datetime) -> bool:
    """Take the qualification back; False if the worker does not hold it."""
    change = sa.update(Qualification).where(
        Qualification.type_id == type_id, Qualification.worker_id == worker_id, Qualification.revoked_at.is_(None)
    )
    return unit.won(change.values(revoked_at=now, reason=reason))


def holders(
    unit: Unit, type_id: int, *, revoked: bool = False, after: int = 0, limit: int = 100
) -> list[tuple[Qualification, Person]]:
    """Who holds the type (or held it till it was taken back), after this worker's row id."""
    state = Qualification.revoked_at.is_not(None) if revoked else Qualification.revoked_at.is_(None)
    query = (
        sa.select(Qualification, Person)
        .join(Person, Person.id == Qualification.worker_id)
        .where(Qualification.type_id == type_id, state, Qualification.worker_id > after)
        .order_by(Qualification.worker_id)
        .limit(limit)
    )
    return [(row[0], row[1]) for row in unit.session.execute(query)]


def counts(unit: Unit, type_ids: Collection[int]) -> dict[int, tuple[int, int]]:
    """For each of these types: how many hold it, how many requests wait."""
    holding = sa.select(Qualification.type_id, sa.func.count()).where(
        Qualification.type_id.in_(type_ids), Qualification.revoked_at.is_(None)
    )
    asking = sa.select(QualificationRequest.type_id, sa.func.count()).where(
        QualificationRequest.type_id.in_(type_ids), QualificationRequest.state == RequestState.PENDING
    )
    held_by, waits = (
        {row[0]: row[1] for row in unit.session.execute(query.group_by(query.selected_columns[0]))}
        for query in (holding, asking)
    )
    return {one: (held_by.get(one, 0), waits.get(one, 0)) for one in type_ids}


def of_worker(unit: Unit, worker_id: int, *, limit: int = 500) -> list[tuple[Qualification, QualificationType]]:
    """The worker's qualifications with their types, the latest first; those taken back are among them."""
    query = (
        sa.select(Qualification, QualificationType)
        .join(QualificationType, QualificationType.id == Qualification.type_id)
        .where(Qualification.worker_id == worker_id, QualificationType.disposed_at.is_(None))
        .order_by(Qualification.granted_at.desc(), Qualification.type_id)
        .limit(limit)
    )
    return [(row[0], row[1]) for row in unit.session.execute(query)]


def values(unit: Unit, worker_id: int, type_ids: Collection[int]) -> dict[int, int]:
    """The worker's values of those of these types that they hold."""
    query = sa.select(Qualification.type_id, Qualification.value).where(
        Qualification.worker_id == worker_id, Qualification.type_id.in_(type_ids), Qualification.revoked_at.is_(None)
    )
    return {row[0]: row[1] for row in unit.session.execute(query)}


def ask(unit: Unit, **values_: Any) -> QualificationRequest | None:
    """Write a request; None if the worker has an open one of this type."""
    if not unit.insert_once(QualificationRequest, **values_):
        return None
    return last_request(unit, values_["type_id"], values_["worker_id"])


def last_request(unit: Unit, type_id: int, worker_id: int) -> QualificationRequest | None:
    """The worker's latest request for this type."""
    query = (
        sa.select(QualificationRequest)
        .where(QualificationRequest.worker_id == worker_id, QualificationRequest.type_id == type_id)
        .order_by(QualificationRequest.id.desc())
        .limit(1)
    )
    return unit.session.scalar(query.execution_options(populate_existing=True))


def last_requests(unit: Unit, worker_id: int, type_ids: Collection[int]) -> dict[int, QualificationRequest]:
    """The worker's latest request for each of these types."""
    newest = (
        sa.select(sa.func.max(QualificationRequest.id))
        .where(QualificationRequest.worker_id == worker_id, QualificationRequest.type_id.in_(type_ids))
        .group_by(QualificationRequest.type_id)
    )
    rows = unit.session.scalars(sa.select(QualificationRequest).where(QualificationRequest.id.in_(newest)))
    return {one.type_id: one for one in rows}


def request(unit: Unit, request_id: int) -> QualificationRequest:
    """The request with this row id. Raises NotFound."""
    found = unit.session.get(QualificationRequest, request_id, populate_existing=True)
    if found is None:
        raise NotFound("There is no such qualification request.")
    return found


def move_request(unit: Unit, request_id: int, old: RequestState, new: RequestState, **changes: Any) -> bool:
    """Take the request from the old state to the new one, if it still is in the old one."""
    change = sa.update(QualificationRequest).where(
        QualificationRequest.id == request_id, QualificationRequest.state == old
    )
    return unit.won(change.values(state=new, **changes))


def pending(
    unit: Unit, owner_id: int, *, type_id: int | None = None, after: int = 0, limit: int = 100
) -> list[tuple[QualificationRequest, QualificationType, Person]]:
    """The requests that this requester has to decide, the oldest first, after this row id."""
    query = (
        sa.select(QualificationRequest, QualificationType, Person)
        .join(QualificationType, QualificationType.id == QualificationRequest.type_id)
        .join(Person, Person.id == QualificationRequest.worker_id)
        .where(
            QualificationType.owner_id == owner_id,
            QualificationType.disposed_at.is_(None),
            QualificationRequest.state == RequestState.PENDING,
            QualificationRequest.id > after,
            sa.true() if type_id is None else QualificationRequest.type_id == type_id,
        )
        .order_by(QualificationRequest.id)
        .limit(limit)
    )
    return [(row[0], row[1], row[2]) for row in unit.session.execute(query)]


def lapse_tests(unit: Unit, now: dt.datetime, *, limit: int = 500) -> int:
    """Close the tests whose time ran out; how many."""
    late = sa.select(QualificationRequest.id).where(
        QualificationRequest.state == RequestState.STARTED, QualificationRequest.deadline <= now
    )
    ids = list(unit.session.scalars(late.limit(limit)))
    change = sa.update(QualificationRequest).where(
        QualificationRequest.id.in_(ids), QualificationRequest.state == RequestState.STARTED
    )
    return unit.changed(change.values(state=RequestState.LAPSED, decided_at=now)) if ids else 0


def reject_pending(unit: Unit, type_id: int, reason: str, now: dt.datetime) -> int:
    """Reject every open request for a type, tests that are being taken too; how many."""
    change = sa.update(QualificationRequest).where(QualificationRequest.type_id == type_id, sa.text(_OPEN_SQL))
    return unit.changed(change.values(state=RequestState.REJECTED, reason=reason, decided_at=now))
