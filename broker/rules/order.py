"""Which HIT comes first: a few bands of the log, not a sort; within a band, the HIT that has been open longest.

A requester's priority comes before uncertainty: of two HITs of one priority, the one whose answers disagree is first.
"""

import datetime as dt
import functools
from collections.abc import Sequence
from enum import IntEnum

from broker.rules.gold import NEVER

BANDS = 6
"""Bands of a job's log, 0 (first) to 5 (last)."""


class Priority(IntEnum):
    """How soon a requester wants an item or a job, the soonest first."""

    HIGH = 0
    NORMAL = 1
    LOW = 2


def band(priority: Priority, *, uncertain: bool) -> int:
    """The band of a HIT."""
    return 2 * priority + (0 if uncertain else 1)


ORDINARY = band(Priority.NORMAL, uncertain=False)
"""The band of a HIT nobody said anything about."""


def mask(bands: list[int]) -> int:
    """Bands as the bits of a number."""
    return sum(1 << one for one in set(bands))


@functools.cache
def present(bits: int) -> tuple[int, ...]:
    """The bands whose bits are set, the first one first."""
    return tuple(number for number in range(BANDS) if bits >> number & 1)


UNCERTAIN = mask([band(priority, uncertain=True) for priority in Priority])
"""The bands of HITs whose answers disagree, as bits."""

START = (0,) * BANDS
"""A worker's positions, by band, before their first HIT."""


class Rank(IntEnum):
    """When a worker meets the HITs whose answers disagree, in an adaptive plan: those whose answers tell most first."""

    FIRST = 0
    """As soon as they are asked for; newcomers too, of whom nobody knows anything."""
    LATER = 1
    """When nobody is at hand whose answers tell more: half of the workers."""
    LAST = 2
    """Their answers tell next to nothing: when nobody better has been there for long."""


AT_HAND = {Rank.LATER: dt.timedelta(minutes=2), Rank.LAST: dt.timedelta(days=1)}
"""How long after their last HIT better workers count as at hand, by the rank of the one who asks."""


def ahead(positions: Sequence[int], rank: Rank) -> tuple[int, ...]:
    """The positions past which lie the HITs that a worker has not had, those that wait for others first among them.

    Whoever was barred from the requester's jobs stands at their end, and stays there.
    """
    waits = present(UNCERTAIN) if rank != Rank.FIRST else ()
    return tuple(0 if band in waits and pos < NEVER else pos for band, pos in enumerate(positions))
