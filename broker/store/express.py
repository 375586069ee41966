"""A worker's turn in one go: their answer kept, the next HIT given, in the fewest statements the database allows.

It is the ordinary case of the walk. What is not ordinary (a late answer, a repeated one, a paused job) changes nothing
here and is told by a code; the use cases then do it with all care. Two back ends, one meaning: a function inside
PostgreSQL, which costs one round trip, and plain statements on SQLite, which cost none.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple, Protocol, TypeVar

COUNTABLE = 20
"""Where at most so many positions lie ahead of a worker, the HITs that are left are counted; else nobody knows."""


class Code(StrEnum):
    """How a turn ended."""

    NEXT = "next"
    """A HIT was given."""
    NONE = "none"
    """None was asked for, or none was found."""
    HELD = "held"
    """The worker holds a HIT that they do not have on screen."""
    FULL = "full"
    """They hold as many as they may."""
    CLOSED = "closed"
    """The job hands out nothing."""
    GOLD = "gold"
    """Their next HIT is to be gold: ask again and say which."""
    NEW = "new"
    """They have no cursor in this job yet."""
    REFUSED = "refused"
    """Nothing was done: this assignment is not theirs to answer, or their log-in has ended."""


class Ask(NamedTuple):
    """What a worker's page asks for in one request; times and `lease` in microseconds."""

    worker: int
    job: int
    now: int
    lease: int
    most_held: int
    have: tuple[int, ...] = ()
    claim: bool = True
    assignment: int | None = None
    answer: str | None = None
    """JSON as the kind writes it."""
    seconds: float | None = None
    start: int | None = None
    """The assignment that comes on screen now: its lease counts from now."""
    login: int | None = None
    """The log-in that must still hold; None where that was looked at already."""
    seen_after: int = 0


class Gold(NamedTuple):
    """The gold that is due after `served` HITs (None: none after all), and the place of the one after it."""

    served: int
    number: int | None
    next_at: int


class Given(NamedTuple):
    """What came of it.

    `served` counts the HITs before this one, `left` those ahead of it (None: too many to count); `payload` is the
    item's JSON.
    """

    code: Code
    kept: bool = False
    late: bool = False
    done: int = 0
    served: int = 0
    left: int | None = None
    assignment: int = 0
    hit: int = 0
    deadline: int = 0
    reward: int = 0
    payload: str = ""


Asked = tuple[Ask, Gold | None]
G = TypeVar("G", Given, Given | None)


class Turn(Protocol):
    """A turn as its own thread brings it to a lane. Another thread may be the one that does it: it must not wait."""

    @property
    def worker(self) -> int:
        """Whose turn it is: of each worker, a lane takes one at a time."""

    def asked(self) -> Asked | None:
        """What the database is asked; None for nothing."""

    def ended(self, given: Given) -> None:
        """What came of it, for good."""


class Lane(Protocol):
    """A way to the database for turns alone; each is a transaction of its own, durable when it returns."""

    def take(self, turn: Turn) -> Given | None:
        """Do it; None if nothing was asked, or the database is not there or refuses: nobody knows then what was done.

        Raises what the turn's own methods raise.
        """

    def turn(self, ask: Ask, gold: Gold | None) -> Given | None:
        """A turn of which it is known already what to ask, and whose thread sees to the rest."""

    def close(self) -> None:
        """Give the connections back."""


class Golds(Protocol):
    """When gold is due, and which."""

    def at(self, served: int) -> int | None:
        """The gold that is due after so many HITs."""

    def after(self, served: int) -> int:
        """The place of the first gold after so many HITs."""


def turn(run: Callable[[Ask, Gold | None], G], ask: Ask, golds: Golds) -> G:
    """One turn, gold or not."""
    given = run(ask, None)
    return given if given is None or given.code != Code.GOLD else golden(run, ask, golds, given)


def golden(run: Callable[[Ask, Gold | None], G], ask: Ask, golds: Golds, given: Given) -> Given:
    """The rest of a turn of which was `given` that gold is due."""
    gold = Gold(given.served, golds.at(given.served), golds.after(given.served + 1))
    rest = run(ask._replace(assignment=None, answer=None, start=None), gold)
    if rest is None or rest.code == Code.REFUSED:
        return given
    return rest._replace(kept=given.kept, late=given.late)
