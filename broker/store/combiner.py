"""Turns that come at once are taken together: one transaction, one wait for the disk, one thread that does all of it.

What comes before and after the transaction is done by that thread too, turn by turn: it finds in the processor's
caches what it needs for each, where threads that are woken to do their own share find them cold.
"""

import os
import threading
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import NamedTuple

from broker.store.express import Ask, Asked, Given, Gold, Turn

MOST_AT_ONCE = 16
YIELDS = 4
"""How often a crowd's next batch gives way to whoever may run, so that more join it: most of what a batch costs, it
costs whatever its size. To sleep instead leaves processors idle.
"""


class _Known(NamedTuple):
    """A turn of which all is known that there is to ask."""

    ask: Ask
    gold: Gold | None

    @property
    def worker(self) -> int:
        return self.ask.worker

    def asked(self) -> Asked:
        return self.ask, self.gold

    def ended(self, given: Given) -> None:
        pass


class _Waiting:
    """One turn that waits to be taken, and the thread behind it."""

    def __init__(self, turn: Turn) -> None:
        self.turn = turn
        self.asked: Asked | None = None
        self.given: Given | None = None
        self.failure: Exception | None = None
        self.leads = False
        self.woken = threading.Lock()
        self.woken.acquire()

    def asks(self) -> bool:
        """Whether the database is asked anything."""
        try:
            self.asked = self.turn.asked()
        except Exception as failure:  # noqa: BLE001 - its own thread raises it
            self.failure = failure
        return self.asked is not None

    def end(self) -> None:
        """Bring it to its end, and its thread back to work."""
        try:
            if self.given is not None:
                self.turn.ended(self.given)
        except Exception as failure:  # noqa: BLE001 - its own thread raises it
            self.failure = failure
        if not self.leads:
            self.woken.release()


class Combiner(ABC):
    """A lane on which the first thread that comes takes its own turn, and then those of all that came meanwhile."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._queue: deque[_Waiting] = deque()
        self._led = self._crowded = False

    @abstractmethod
    def _take(self, asks: Sequence[Asked]) -> list[Given] | None:
        """Take these turns in one transaction; None if it failed and nothing of them may be relied on."""

    def _door(self) -> AbstractContextManager[object]:
        """What must be passed before turns are taken; those that come while it is waited for are taken too."""
        return nullcontext()

    def turn(self, ask: Ask, gold: Gold | None) -> Given | None:
        """One turn, committed; None if nobody knows what became of it."""
        return self.take(_Known(ask, gold))

    def take(self, turn: Turn) -> Given | None:
        """One turn, committed and ended; None if nothing was asked, or nobody knows what became of it.

        Raises what the turn itself raised.
        """
        mine = _Waiting(turn)
        with self._mutex:
            mine.leads, self._led = not self._led, True
            if not mine.leads:
                self._queue.append(mine)
        if not mine.leads:
            mine.woken.acquire()
        if mine.leads:
            self._lead(mine)
        if mine.failure is not None:
            raise mine.failure
        return mine.given

    def _lead(self, mine: _Waiting) -> None:
        batch = [mine]
        try:
            if self._crowded:
                for _ in range(YIELDS):
                    os.sched_yield()
            with self._door():
                batch = self._batch(mine)
                self._serve([one for one in batch if one.asks()])
        finally:
            self._hand_on(batch)

    def _batch(self, first: _Waiting) -> list[_Waiting]:
        """One turn and the longest waiting, one of each worker: their next must see what this one did."""
        batch, later = {first.turn.worker: first}, deque[_Waiting]()
        with self._mutex:
            while self._queue and len(batch) < MOST_AT_ONCE:
                one = self._queue.popleft()
                if batch.setdefault(one.turn.worker, one) is not one:
                    later.append(one)
            self._queue.extendleft(reversed(later))
        self._crowded = len(batch) > 1
        return list(batch.values())

    def _serve(self, batch: Sequence[_Waiting]) -> None:
        given = self._take([one.asked for one in batch if one.asked]) if batch else None
        if given is not None:
            for one, what in zip(batch, given, strict=True):
                one.given = what
        elif len(batch) > 1:
            # One of them cannot be done, or the database is away: each for itself, so that one does not harm others.
            for one in batch:
                self._serve([one])

    def _hand_on(self, batch: Sequence[_Waiting]) -> None:
        with self._mutex:
            following = self._queue.popleft() if self._queue else None
            self._led = following is not None
        if following is not None:
            following.leads = True
            following.woken.release()
        for one in batch:
            one.end()
