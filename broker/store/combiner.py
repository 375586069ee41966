"""Turns that come at once are taken together: one transaction, one wait for the disk, one thread that talks to it."""

import threading
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Sequence

from broker.store.express import Ask, Given, Gold

MOST_AT_ONCE = 16
Asked = tuple[Ask, Gold | None]


class _Waiting:
    """One turn that waits to be taken, and the thread behind it."""

    def __init__(self, asked: Asked) -> None:
        self.asked = asked
        self.given: Given | None = None
        self.leads = False
        self.woken = threading.Lock()
        self.woken.acquire()


class Combiner(ABC):
    """A lane on which the first thread that comes takes its own turn, and then those of all that came meanwhile."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._queue: deque[_Waiting] = deque()
        self._led = False

    @abstractmethod
    def _take(self, asks: Sequence[Asked]) -> list[Given] | None:
        """Take these turns in one transaction; None if it failed and nothing of them may be relied on."""

    def turn(self, ask: Ask, gold: Gold | None) -> Given | None:
        """One turn, committed; None if nobody knows what became of it."""
        mine = _Waiting((ask, gold))
        with self._mutex:
            self._queue.append(mine)
            mine.leads, self._led = not self._led, True
        if not mine.leads:
            mine.woken.acquire()
        if mine.leads:
            self._lead()
        return mine.given

    def _lead(self) -> None:
        with self._mutex:
            batch = [self._queue.popleft() for _ in range(min(len(self._queue), MOST_AT_ONCE))]
        try:
            self._serve(batch)
        finally:
            self._hand_on(batch)

    def _serve(self, batch: Sequence[_Waiting]) -> None:
        given = self._take([one.asked for one in batch])
        if given is not None:
            for one, what in zip(batch, given, strict=True):
                one.given = what
        elif len(batch) > 1:
            # One of them cannot be done, or the database is away: each for itself, so that one does not harm others.
            for one in batch:
                self._serve([one])

    def _hand_on(self, batch: Sequence[_Waiting]) -> None:
        with self._mutex:
            self._led = bool(self._queue)
            if self._led:
                self._queue[0].leads = True
                self._queue[0].woken.release()
        for one in batch:
            if not one.leads:
                one.woken.release()
