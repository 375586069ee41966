"""How long a worker may hold an assignment, and how many at once."""

import datetime as dt

from broker.errors import Invalid

MOST_HELD = 3
"""The HIT on screen, the one prefetched behind it, and the answer held back for undo."""
SHORTEST, LONGEST = 30, 7 * 24 * 3600
LONGEST_SECONDS = 30 * 24 * 3600


def deadline(now: dt.datetime, lease_seconds: int) -> dt.datetime:
    """When a lease that starts now runs out."""
    return now + dt.timedelta(seconds=lease_seconds)


def microseconds(lease_seconds: int) -> int:
    """The length of a lease as times are kept."""
    return lease_seconds * 1_000_000


def checked_seconds(seconds: float | None) -> float | None:
    """How long a worker says that an answer took them. Raises Invalid for less than nothing and over 30 days."""
    if seconds is None or 0 <= seconds <= LONGEST_SECONDS:
        return seconds
    raise Invalid(f"seconds: {seconds} is not within 0 and {LONGEST_SECONDS}")
