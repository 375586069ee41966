"""Workers' turns on SQLite: a batch of them in a few statements over all, in one immediate transaction.

The driver lets go of the interpreter at each step of each statement, so for each row, and must win it back from all
other threads: what a turn costs is the number of its statements and of their rows. One that fails takes the whole
transaction back (OR ROLLBACK): to take back itself alone, SQLite would keep the pages it changes in a temporary file.
"""

import functools
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

from pydantic_core import from_json, to_json

from broker.rules.order import BANDS, present
from broker.store.combiner import Combiner
from broker.store.express import COUNTABLE, Ask, Asked, Code, Given, Gold

FACTS = (
    "WITH asked (login, seen_after, worker, job, now, assignment) AS (VALUES {rows})"
    " SELECT json_group_array(json_array(asked.worker,"
    " asked.login IS NULL OR EXISTS (SELECT 1 FROM logins JOIN people ON people.id = logins.person_id"
    " WHERE logins.id = asked.login AND logins.revoked_at IS NULL AND logins.seen_at > asked.seen_after"
    " AND people.id = asked.worker AND people.worker AND people.suspended_at IS NULL),"
    " (SELECT deadline FROM assignments WHERE id = asked.assignment AND worker_id = asked.worker"
    " AND job_id = asked.job AND state = 'accepted'),"
    " json((SELECT json_group_array(id) FROM assignments WHERE worker_id = asked.worker AND job_id = asked.job"
    " AND state = 'accepted' AND deadline > asked.now AND id IS NOT asked.assignment)),"
    " json(pos), served, gold_at, answered, jobs.state, redundancy, reward, bands, next_pos)) FROM asked"
    " LEFT JOIN cursors ON cursors.job_id = asked.job AND cursors.worker_id = asked.worker"
    " LEFT JOIN jobs ON jobs.id = asked.job"
)
KEEP = (
    "WITH asked (id, answer, seconds, now) AS (VALUES {rows})"
    " UPDATE OR ROLLBACK assignments SET state = 'submitted', answer = asked.answer, seconds = asked.seconds,"
    " submitted_at = asked.now FROM asked WHERE assignments.id = asked.id"
)
START = (
    "UPDATE assignments SET deadline = ?"
    " WHERE id = ? AND worker_id = ? AND job_id = ? AND state = 'accepted' AND deadline > ?"
)
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
CLOSE = "UPDATE hits SET taken = ?, open = 0 WHERE id = ?"
SEATS = (
    "WITH given (id, taken) AS (VALUES {rows})"
    " UPDATE OR ROLLBACK hits SET taken = given.taken FROM given WHERE hits.id = given.id"
)
GIVE = (
    "INSERT OR ROLLBACK INTO assignments"
    " (job_id, hit_id, worker_id, state, gold, judged, accepted_at, deadline, reward)"
    " VALUES {rows}"
)
MOVE = (
    "WITH moved (job, worker, pos, served, gold_at, answered) AS (VALUES {rows})"
    " UPDATE OR ROLLBACK cursors"
    " SET pos = moved.pos, served = moved.served, gold_at = moved.gold_at, answered = moved.answered"
    " FROM moved WHERE cursors.job_id = moved.job AND cursors.worker_id = moved.worker"
)
AHEAD = "SELECT count(*) FROM hits WHERE job_id = ? AND open = 1 AND band = ? AND pos > ?"


@functools.cache
def _sized(statement: str, rows: int, columns: int) -> str:
    row = f"({', '.join('?' * columns)})"
    return statement.replace("{rows}", ", ".join([row] * rows))


class _Turn:
    """What is known of one turn, and what came of it so far."""

    def __init__(self, ask: Ask, gold: Gold | None, facts: Sequence[Any]) -> None:
        self.ask, self.gold = ask, gold
        _, allowed, due, held, positions, self.served, self.gold_at, self.answered, *job = facts
        self.state, self.redundancy, self.reward, bands, self.newest = job
        # What is not the worker's to answer does nothing at all.
        self.refused = not allowed or (ask.assignment is not None and due is None)
        self.late, self.known = due is not None and due < ask.now, positions is not None
        self.held = set(held)
        self.bands = present(bands or 0)
        self.positions: list[int] = positions or [0] * BANDS
        self.code = Code.NONE
        self.is_gold = False
        self.hit: tuple[Any, ...] = ()
        self.left: int | None = None

    def deadline(self) -> int:
        return self.ask.now + self.ask.lease

    def hindrance(self) -> Code | None:
        """Why there is no HIT, whatever the log holds."""
        if not self.known:
            return Code.NEW
        if not self.ask.claim:
            return Code.NONE
        if not self.held <= set(self.ask.have):
            return Code.HELD
        if self.state != "open":
            return Code.CLOSED
        if len(self.held) >= self.ask.most_held:
            return Code.FULL
        waits = self.served == self.gold_at and (self.gold is None or self.gold.served != self.served)
        return Code.GOLD if waits else None

    def given(self, assignment: int) -> Given:
        if self.refused or not self.known:
            return Given(Code.REFUSED if self.refused else Code.NEW)
        kept = self.ask.assignment is not None
        told = Given(self.code, kept, self.late, self.answered + kept, self.served)
        if self.code != Code.NEXT:
            return told if self.code in (Code.NONE, Code.GOLD) and self.ask.claim else told._replace(served=0)
        hit, payload, *_ = self.hit
        return Given(*told[:5], self.left, assignment, hit, self.deadline(), self.reward, payload)


class _Batch:
    """Turns of different workers, in the transaction of the connection."""

    def __init__(self, connection: sqlite3.Connection, asks: Sequence[Asked]) -> None:
        self.run: Callable[..., sqlite3.Cursor] = connection.execute
        rows = [(ask.login, ask.seen_after, ask.worker, ask.job, ask.now, ask.assignment) for ask, _ in asks]
        facts = {row[0]: row for row in from_json(self._over(FACTS, rows).fetchall()[0][0])}
        self.turns = [_Turn(ask, gold, facts[ask.worker]) for ask, gold in asks]
        self.seats: dict[int, int] = {}

    def whole(self) -> list[Given]:
        self._keep()
        for turn in self.turns:
            if not turn.refused:
                self._start(turn.ask)
                self._claim(turn)
        if self.seats:
            self._over(SEATS, list(self.seats.items()))
        assignments = self._give()
        self._move()
        return [turn.given(assignments.get(turn.ask.worker, 0)) for turn in self.turns]

    def _over(self, statement: str, rows: Sequence[Sequence[Any]]) -> sqlite3.Cursor:
        """Run one statement over all these rows, of which there is one at least."""
        values = [value for one in rows for value in one]
        return self.run(_sized(statement, len(rows), len(rows[0])), values)

    def _one(self, statement: str, *values: Any) -> tuple[Any, ...]:
        # To the end, or the statement stays open and the transaction cannot be committed.
        rows = self.run(statement, values).fetchall()
        return rows[0] if rows else ()

    def _keep(self) -> None:
        asks = [turn.ask for turn in self.turns if turn.ask.assignment is not None and not turn.refused]
        if asks:
            self._over(KEEP, [(ask.assignment, ask.answer, ask.seconds, ask.now) for ask in asks])

    def _start(self, ask: Ask) -> None:
        if ask.start is not None:
            self.run(START, (ask.now + ask.lease, ask.start, ask.worker, ask.job, ask.now))

    def _claim(self, turn: _Turn) -> None:
        hindrance = turn.hindrance()
        if hindrance is not None:
            turn.code = hindrance
            return
        due = turn.served == turn.gold_at
        turn.hit = self._golden(turn) if due else ()
        turn.is_gold = bool(turn.hit)
        turn.hit = turn.hit or self._ordinary(turn)
        if turn.hit:
            turn.code = Code.NEXT
            turn.left = self._left(turn)

    def _golden(self, turn: _Turn) -> tuple[Any, ...]:
        if turn.gold is None or turn.gold.number is None:
            return ()
        hit = self._one(GOLD, turn.ask.job, turn.gold.number, turn.ask.worker)
        return hit if hit and self.run(PAY_GOLD, (turn.ask.job,)).rowcount else ()

    def _ordinary(self, turn: _Turn) -> tuple[Any, ...]:
        for band in turn.bands:
            hit = self._one(NEXT, turn.ask.job, band, turn.positions[band], turn.ask.worker)
            if hit:
                self._seat(*hit, redundancy=turn.redundancy)
                turn.positions[band] = hit[2]
                return hit
        return ()

    def _seat(self, hit: int, _: str, __: int, taken: int, extra: int, *, redundancy: int) -> None:
        """Take a seat; only that a HIT is full must be seen by the turns that follow in this batch."""
        taken = self.seats.get(hit, taken) + 1
        if taken < redundancy + extra:
            self.seats[hit] = taken
        else:
            self.seats.pop(hit, None)
            self.run(CLOSE, (taken, hit))

    def _left(self, turn: _Turn) -> int | None:
        if any(turn.newest - turn.positions[band] > COUNTABLE for band in turn.bands):
            return None
        return sum(int(self._one(AHEAD, turn.ask.job, band, turn.positions[band])[0]) for band in turn.bands)

    def _give(self) -> dict[int, int]:
        """The new assignments by worker: in one transaction, row ids follow each other."""
        given = [turn for turn in self.turns if turn.hit]
        if not given:
            return {}
        rows = [
            (
                *(turn.ask.job, turn.hit[0], turn.ask.worker, "accepted", turn.is_gold, False),
                *(turn.ask.now, turn.deadline(), turn.reward),
            )
            for turn in given
        ]
        last = self._over(GIVE, rows).lastrowid or 0
        return {turn.ask.worker: number for number, turn in enumerate(given, last - len(given) + 1)}

    def _move(self) -> None:
        rows = []
        for turn in self.turns:
            kept, given = turn.ask.assignment is not None, bool(turn.hit)
            if turn.refused or not turn.known or not (kept or given):
                continue
            due = given and turn.served == turn.gold_at and turn.gold is not None
            gold_at = turn.gold.next_at if due and turn.gold else turn.gold_at
            place = (to_json(turn.positions).decode(), turn.served + given, gold_at, turn.answered + kept)
            rows.append((turn.ask.job, turn.ask.worker, *place))
        if rows:
            self._over(MOVE, rows)


def in_unit(connection: sqlite3.Connection, ask: Ask, gold: Gold | None) -> Given:
    """A turn inside a transaction that goes on."""
    return _Batch(connection, [(ask, gold)]).whole()[0]


class SqliteLane(Combiner):
    """One connection of a process, on which one thread at a time takes the turns of all that wait.

    Each commit makes the other processes read their pages anew, and each wait for SQLite's lock may be a long one: both
    are paid once for all turns that came meanwhile. All other writers queue with it.
    """

    def __init__(self, connect: Callable[[], sqlite3.Connection], writers: AbstractContextManager[None]) -> None:
        super().__init__()
        self._connect, self._writers = connect, writers
        self._connection: sqlite3.Connection | None = None

    def _take(self, asks: Sequence[Asked]) -> list[Given] | None:
        try:
            return self._commit(asks)
        except (sqlite3.Error, OverflowError):
            return None

    def _door(self) -> AbstractContextManager[None]:
        return self._writers

    def _commit(self, asks: Sequence[Asked]) -> list[Given]:
        connection = self._connection = self._connection or self._connect()
        connection.execute("BEGIN IMMEDIATE")
        try:
            given = _Batch(connection, asks).whole()
            connection.execute("COMMIT")
        except BaseException:
            connection.rollback()
            raise
        return given

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
