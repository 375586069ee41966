"""Cursors of an adaptive job by rank: whoever is to meet uncertain HITs later has passed over those that are open."""

import datetime as dt
from collections.abc import Mapping

import sqlalchemy as sa

from broker.rules import order
from broker.rules.gold import NEVER
from broker.rules.order import AT_HAND, Rank
from broker.store.db import Unit
from broker.store.jobs import Job
from broker.store.work import Assignment, Cursor, Hit, has_had

LATEST = 100
"""The job's latest assignments, among which those of better workers are looked for."""
UNCERTAIN = order.present(order.UNCERTAIN)


def write(unit: Unit, job_id: int, found: Mapping[int, Rank], newest: int) -> None:
    """Note the ranks; lower ones pass over what is open up to the position `newest`, the first ones over nothing."""
    mine = (Cursor.job_id == job_id, Cursor.worker_id.in_(list(found)))
    for place in unit.session.scalars(sa.select(Cursor).where(*mine).order_by(Cursor.worker_id).with_for_update()):
        rank = found[place.worker_id]
        if rank != Rank.FIRST:
            _stand(place, newest)
        elif place.rank != Rank.FIRST:
            _meet(place)
        place.rank = rank


def waiting(unit: Unit, job: Job, worker_id: int) -> Cursor | None:
    """The worker's place, held till the end of the unit, if they have passed over HITs that are open; else None."""
    if not job.most:
        return None
    query = sa.select(Cursor).where(Cursor.job_id == job.id, Cursor.worker_id == worker_id).with_for_update()
    place = unit.session.scalar(query.execution_options(populate_existing=True))
    if place is None or place.rank == Rank.FIRST:
        return None
    for band in UNCERTAIN:
        behind = (Hit.job_id == job.id, Hit.open, Hit.band == band, Hit.pos <= place.pos[band])
        passed = sa.select(Hit.id).where(*behind, ~has_had(worker_id, Hit.id)).limit(1)
        if place.pos[band] < NEVER and unit.session.scalar(passed):
            return place
    return None


def better_at_hand(unit: Unit, place: Cursor, now: dt.datetime) -> bool:
    """Whether a worker of a better rank took a HIT of the job a short while ago."""
    latest = sa.select(Assignment.worker_id, Assignment.accepted_at).where(Assignment.job_id == place.job_id)
    recent = latest.order_by(Assignment.id.desc()).limit(LATEST).subquery()
    since = now - AT_HAND[Rank(place.rank)]
    query = (
        sa.select(Cursor.worker_id)
        .join(recent, recent.c.worker_id == Cursor.worker_id)
        .where(Cursor.job_id == place.job_id, Cursor.rank < place.rank, recent.c.accepted_at > since)
    )
    return unit.session.execute(query.limit(1)).first() is not None


def meet(unit: Unit, place: Cursor) -> None:
    """Let the worker meet what they passed over."""
    _meet(place)
    unit.session.flush()  # a turn does not go through the session


def _stand(place: Cursor, newest: int) -> None:
    place.pos = [max(pos, newest) if band in UNCERTAIN else pos for band, pos in enumerate(place.pos)]


def _meet(place: Cursor) -> None:
    place.pos, place.dry = list(order.ahead(place.pos, Rank(place.rank))), -1
