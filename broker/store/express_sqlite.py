"""A worker's turn on SQLite: plain statements in one immediate transaction."""

import fcntl
import json
import os
import sqlite3
import threading
from collections.abc import Callable, Sequence
from typing import Any

from broker.rules.order import BANDS, present
from broker.store.combiner import Asked, Combiner
from broker.store.express import COUNTABLE, Ask, Code, Given, Gold

LOGGED_IN = (
    "SELECT 1 FROM logins JOIN people ON people.id = logins.person_id WHERE logins.id = ? AND logins.revoked_at IS NULL"
    " AND logins.seen_at > ? AND people.id = ? AND people.worker AND people.suspended_at IS NULL"
)
KEEP = (
    "UPDATE assignments SET state = 'submitted', answer = ?, seconds = ?, submitted_at = ?"
    " WHERE id = ? AND worker_id = ? AND job_id = ? AND state = 'accepted' RETURNING deadline < ?"
)
START = (
    "UPDATE assignments SET deadline = ?"
    " WHERE id = ? AND worker_id = ? AND job_id = ? AND state = 'accepted' AND deadline > ?"
)
PLACE = "SELECT pos, served, gold_at, answered FROM cursors WHERE job_id = ? AND worker_id = ?"
JOB = "SELECT state, redundancy, reward, bands, next_pos FROM jobs WHERE id = ?"
HELD = "SELECT id FROM assignments WHERE worker_id = ? AND job_id = ? AND state = 'accepted' AND deadline > ?"
GOLD = (
    "SELECT id, payload FROM hits WHERE job_id = ? AND gold_no = ?"
    " AND NOT EXISTS (SELECT 1 FROM assignments WHERE hit_id = hits.id AND worker_id = ?"
    " AND state IN ('accepted', 'submitted', 'approved', 'rejected'))"
)
PAY_GOLD = "UPDATE jobs SET gold_left = gold_left - 1 WHERE id = ? AND gold_left > 0"
NEXT = (
    "SELECT id, payload, pos, taken, extra FROM hits WHERE job_id = ? AND open = 1 AND band = ? AND pos > ?"
    " AND NOT EXISTS (SELECT 1 FROM assignments WHERE hit_id = hits.id AND worker_id = ?"
    " AND state IN ('accepted', 'submitted', 'approved', 'rejected')) ORDER BY pos LIMIT 1"
)
SEAT = "UPDATE hits SET taken = ?, open = ? WHERE id = ?"
GIVE = (
    "INSERT INTO assignments (job_id, hit_id, worker_id, state, gold, judged, accepted_at, deadline, reward)"
    " VALUES (?, ?, ?, 'accepted', ?, 0, ?, ?, ?)"
)
MOVE = "UPDATE cursors SET pos = ?, served = ?, gold_at = ?, answered = ? WHERE job_id = ? AND worker_id = ?"
AHEAD = "SELECT count(*) FROM hits WHERE job_id = ? AND open = 1 AND band = ? AND pos > ?"


class _Turn:
    """The state of one turn; everything happens in the transaction of the connection."""

    def __init__(self, connection: sqlite3.Connection, ask: Ask, gold: Gold | None) -> None:
        self.ask, self.gold = ask, gold
        self.run: Callable[..., sqlite3.Cursor] = connection.execute
        self.positions: list[int] = [0] * BANDS

    def whole(self) -> Given:
        ask = self.ask
        mine = (ask.worker, ask.job)
        if ask.login is not None and not self._one(LOGGED_IN, ask.login, ask.seen_after, ask.worker):
            return Given(Code.REFUSED)
        kept = ask.assignment is not None
        late = self._one(KEEP, ask.answer, ask.seconds, ask.now, ask.assignment, *mine, ask.now) if kept else (False,)
        if late is None:
            return Given(Code.REFUSED)
        if ask.start is not None:
            self.run(START, (ask.now + ask.lease, ask.start, *mine, ask.now))
        place = self._one(PLACE, ask.job, ask.worker)
        if place is None:
            return Given(Code.NEW)
        self.positions, served, gold_at, answered = json.loads(place[0]), *place[1:]
        given = self._claimed(served, gold_at) if ask.claim else Given(Code.NONE)
        given = given._replace(kept=kept, late=bool(late[0]), done=answered + kept)
        self._move(given, served, gold_at)
        return given

    def _one(self, statement: str, *values: Any) -> tuple[Any, ...] | None:
        # To the end, or the statement stays open and the transaction cannot be committed.
        rows = self.run(statement, values).fetchall()
        return rows[0] if rows else None

    def _claimed(self, served: int, gold_at: int) -> Given:
        state, redundancy, reward, bands, newest = self._one(JOB, self.ask.job) or ("gone", 0, 0, 0, 0)
        hindrance = self._hindrance(state)
        if hindrance is not None:
            return Given(hindrance)
        if served == gold_at and (self.gold is None or self.gold.served != served):
            return Given(Code.GOLD, served=served)
        hit = self._golden() if served == gold_at else None
        is_gold = hit is not None
        hit = hit or self._ordinary(present(bands), redundancy)
        if hit is None:
            return Given(Code.NONE, served=served)
        return self._given(hit, reward, served, present(bands), newest, is_gold=is_gold)

    def _hindrance(self, state: str) -> Code | None:
        ask = self.ask
        held = [row[0] for row in self.run(HELD, (ask.worker, ask.job, ask.now))]
        if not set(held) <= set(ask.have):
            return Code.HELD
        if state != "open":
            return Code.CLOSED
        return Code.FULL if len(held) >= ask.most_held else None

    def _golden(self) -> tuple[Any, ...] | None:
        if self.gold is None or self.gold.number is None:
            return None
        hit = self._one(GOLD, self.ask.job, self.gold.number, self.ask.worker)
        return hit if hit is not None and self.run(PAY_GOLD, (self.ask.job,)).rowcount else None

    def _ordinary(self, bands: list[int], redundancy: int) -> tuple[Any, ...] | None:
        for band in bands:
            hit = self._one(NEXT, self.ask.job, band, self.positions[band], self.ask.worker)
            if hit is not None:
                key, _, pos, taken, extra = hit
                self.run(SEAT, (taken + 1, taken + 1 < redundancy + extra, key))
                self.positions[band] = pos
                return hit
        return None

    def _given(
        self, hit: tuple[Any, ...], reward: int, served: int, bands: list[int], newest: int, *, is_gold: bool
    ) -> Given:
        ask = self.ask
        deadline = ask.now + ask.lease
        values = (ask.job, hit[0], ask.worker, is_gold, ask.now, deadline, reward)
        assignment = self.run(GIVE, values).lastrowid or 0
        return Given(
            Code.NEXT,
            served=served,
            left=self._left(bands, newest),
            assignment=assignment,
            hit=hit[0],
            deadline=deadline,
            reward=reward,
            payload=hit[1],
        )

    def _left(self, bands: list[int], newest: int) -> int | None:
        if any(newest - self.positions[band] > COUNTABLE for band in bands):
            return None
        counts = (self._one(AHEAD, self.ask.job, band, self.positions[band]) or (0,) for band in bands)
        return sum(int(count) for (count,) in counts)

    def _move(self, given: Given, served: int, gold_at: int) -> None:
        moved = given.code == Code.NEXT
        if not moved and not given.kept:
            return
        if moved and served == gold_at and self.gold is not None:
            gold_at = self.gold.next_at
        values = (json.dumps(self.positions), served + moved, gold_at, given.done)
        self.run(MOVE, (*values, self.ask.job, self.ask.worker))


def in_unit(connection: sqlite3.Connection, ask: Ask, gold: Gold | None) -> Given:
    """A turn inside a transaction that goes on."""
    return _Turn(connection, ask, gold).whole()


class _Door:
    """A lock file that the lanes of all processes queue at; SQLite's own waiting sleeps ever longer, up to 100 ms."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._file: int | None = None

    def __enter__(self) -> None:
        if self._file is None:
            self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._file, fcntl.LOCK_EX)

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            fcntl.flock(self._file, fcntl.LOCK_UN)

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None


class SqliteLane(Combiner):
    """One connection of a process, on which one thread at a time takes the turns of all that wait.

    Each commit makes the other processes read their pages anew, and each wait for SQLite's lock may be a long one: both
    are paid once for all turns that came meanwhile. The other writers of the process queue for the same lock.
    """

    def __init__(self, connect: Callable[[], sqlite3.Connection], path: str, writers: threading.Lock) -> None:
        super().__init__()
        self._connect, self._writers, self._door = connect, writers, _Door(f"{path}.lane")
        self._connection: sqlite3.Connection | None = None

    def _take(self, asks: Sequence[Asked]) -> list[Given] | None:
        try:
            with self._writers, self._door:
                return self._commit(asks)
        except (sqlite3.Error, OverflowError):
            return None

    def _commit(self, asks: Sequence[Asked]) -> list[Given]:
        connection = self._connection = self._connection or self._connect()
        connection.execute("BEGIN IMMEDIATE")
        try:
            given = [in_unit(connection, ask, gold) for ask, gold in asks]
            connection.execute("COMMIT")
        except BaseException:
            connection.rollback()
            raise
        return given

    def close(self) -> None:
        """Close the connection."""
        self._door.close()
        if self._connection is not None:
            self._connection.close()
            self._connection = None
