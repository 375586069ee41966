"""EXPIRE: the end of posted HITs: their seats are given out no more, their money returns, and in the end they go."""

import datetime as dt

from broker.rules.posting import KEPT, Status, WrongState
from broker.store import notices, policies, posted, remembered
from broker.store.db import Unit

BATCH = 200


def sweep(unit: Unit, now: dt.datetime) -> int:
    """Close the HITs that have expired, and give back the money of those nobody works on; how many ended by it."""
    ended, after = 0, 0
    while found := posted.expiring(unit, now, after=after, limit=BATCH):
        over = [hit_id for hit_id in found if posted.release(unit, hit_id, now) is not None]
        policies.ask(unit, over, now)
        notices.of_hits(unit, over, ["HITExpired", "HITReviewable"], now)
        ended += len(over)
        after = found[-1]
    return ended


def dispose(unit: Unit, hit_id: int, requester_id: int, now: dt.datetime) -> None:
    """Take a HIT out of the world whose answers are all decided; what it did not cost returns.

    Raises NotFound, WrongState while it is open, worked on, or has answers that nobody decided.
    """
    line = posted.own(unit, hit_id, requester_id, now)
    status = line.standing.status(now)
    if status not in (Status.REVIEWABLE, Status.REVIEWING):
        raise WrongState(status)
    if line.standing.submitted:
        raise WrongState(status, ", and not all of its assignments are approved or rejected")
    posted.dispose(unit, line, now)
    notices.of_hits(unit, [hit_id], ["HITDisposed"], now)


def forget(unit: Unit, now: dt.datetime) -> int:
    """Dispose of HITs that ended long ago, forget what programs asked for days ago; how many HITs went."""
    remembered.prune(unit, now)
    gone = 0
    for one in posted.old(unit, now - KEPT, limit=BATCH):
        line = posted.one(unit, one.hit_id, one.requester_id, now, lock=True)
        if line is not None and not (line.standing.submitted or line.standing.pending or line.standing.disposed):
            posted.dispose(unit, line, now)
            notices.of_hits(unit, [one.hit_id], ["HITDisposed"], now)
            gone += 1
    return gone
