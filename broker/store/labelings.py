"""What belongs to a job that came from Ground Truth: its name there, its label attribute, its labels and functions."""

import datetime as dt
from collections.abc import Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from broker.errors import NotFound
from broker.store.beliefs import Consensus
from broker.store.db import Record, Rows, Unit
from broker.store.people import Person
from broker.store.work import ANSWERED, Assignment, Hit


class Labeling(Rows):
    """The labeling job behind a job; `manifest` is the key of its input manifest, whose line n is the HIT of row n."""

    __tablename__ = "labelings"

    job_id: Mapped[int] = mapped_column(sa.ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(63))
    attribute: Mapped[str] = mapped_column(sa.String(127))
    task_type: Mapped[str] = mapped_column(sa.String(40))
    categories: Mapped[list[Any]]
    """The labels as [name, short name]."""
    manifest: Mapped[str] = mapped_column(sa.String(300))
    function: Mapped[str] = mapped_column(sa.String(300))
    """The name of the post-annotation function; empty for our own consensus."""


class Response(NamedTuple):
    """One worker's answer to a data object, as Ground Truth's folders of responses tell it."""

    hit_id: int
    worker: str
    answer: dict[str, Any]
    accepted_at: dt.datetime
    submitted_at: dt.datetime
    seconds: float | None


class Labeled(NamedTuple):
    """A data object with its consensus, if there is one: the answer, how sure it is (0..1), by how many answers."""

    hit_id: int
    row: int
    answer: dict[str, Any] | None
    confidence: float | None
    answers: int | None


def labeling(unit: Unit, job_id: int) -> Labeling:
    """The labeling job behind this job. Raises NotFound for one that came in another way."""
    found = unit.session.get(Labeling, job_id)
    if found is None:
        raise NotFound("This job did not come from Ground Truth.")
    return found


def labeled(unit: Unit, job_id: int, aggregation_id: int, after: int, limit: int) -> list[Labeled]:
    """The job's data objects after a row, in the order of the manifest."""
    belief = sa.and_(Consensus.hit_id == Hit.id, Consensus.aggregation_id == aggregation_id)
    query = (
        sa.select(Hit.id, Hit.row, Consensus.answer, Consensus.confidence, Consensus.answers)
        .join(Consensus, belief, isouter=True)
        .where(Hit.job_id == job_id, Hit.row > after)
        .order_by(Hit.row)
        .limit(limit)
    )
    return [Labeled(*row) for row in unit.session.execute(query)]


def responses(unit: Unit, hit_ids: Sequence[int]) -> list[Response]:
    """The answers to these HITs, in the order they came."""
    query = (
        sa.select(
            *(Assignment.hit_id, Person.public_id, Assignment.answer),
            *(Assignment.accepted_at, Assignment.submitted_at, Assignment.seconds),
        )
        .join(Person, Person.id == Assignment.worker_id)
        .where(Assignment.hit_id.in_(hit_ids), Assignment.state.in_(ANSWERED))
        .order_by(Assignment.submitted_at, Assignment.id)
    )
    rows: list[Record] = list(unit.session.execute(query))
    return [Response(*row) for row in rows]
