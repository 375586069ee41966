"""How long a worker may hold an assignment, and how many at once."""

import datetime as dt

MOST_HELD = 3
"""The HIT on screen, the one prefetched behind it, and the answer held back for undo."""
SHORTEST, LONGEST = 30, 7 * 24 * 3600


def deadline(now: dt.datetime, lease_seconds: int) -> dt.datetime:
    """When a lease that starts now runs out."""
    return now + dt.timedelta(seconds=lease_seconds)


def microseconds(lease_seconds: int) -> int:
    """The length of a lease as times are kept."""
    return lease_seconds * 1_000_000
