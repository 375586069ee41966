"""What programs asked for under a name of their own, so that asking again is known: kept for a day."""

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from broker.store.db import Json, Rows, Unit

CALL = "call"
"""The scope of whole calls, repeated by an SDK that got no answer."""
KEPT = dt.timedelta(hours=24)


class Remembered(Rows):
    """One request of a person under their own token; `answer` is what it came to."""

    __tablename__ = "remembered"

    person_id: Mapped[int] = mapped_column(sa.ForeignKey("people.id"), primary_key=True)
    scope: Mapped[str] = mapped_column(sa.String(40), primary_key=True)
    token: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    answer: Mapped[Json]
    at: Mapped[dt.datetime] = mapped_column(index=True)


def _one(person_id: int, scope: str, token: str) -> tuple[sa.ColumnElement[bool], ...]:
    return Remembered.person_id == person_id, Remembered.scope == scope, Remembered.token == token


def begin(unit: Unit, person_id: int, scope: str, token: str, now: dt.datetime) -> Json | None:
    """What this came to when it was asked for within the last day; None: it is new, and held till the unit's end."""
    unit.changed(sa.delete(Remembered).where(*_one(person_id, scope, token), Remembered.at <= now - KEPT))
    if unit.insert_once(Remembered, person_id=person_id, scope=scope, token=token, answer={}, at=now):
        return None
    found: Json = unit.session.execute(sa.select(Remembered.answer).where(*_one(person_id, scope, token))).scalar_one()
    return found


def end(unit: Unit, person_id: int, scope: str, token: str, answer: Json) -> None:
    """Keep what it came to."""
    unit.changed(sa.update(Remembered).where(*_one(person_id, scope, token)).values(answer=answer))


def prune(unit: Unit, now: dt.datetime) -> int:
    """Forget what is older than a day; how much that was."""
    return unit.changed(sa.delete(Remembered).where(Remembered.at <= now - KEPT))
