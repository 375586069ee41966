"""The checker itself: a finished job is flawless, and every breach that is planted in it is counted."""

import itertools

import pytest
import sqlalchemy as sa

from broker.rules import ledger
from broker.store import money
from broker.store.jobs import Job
from broker.store.money import Account, Entry
from broker.store.work import Assignment, Cursor, Hit, Turn
from tests.chaos import check, keeper, snapshot, world
from tests.chaos.client import Direct
from tests.chaos.crowd import LABELS
from tests.services.made import NOW

ANSWER = {"category": {"label": LABELS[0]}}
PLAIN = ~Assignment.gold


class Finished:
    """A job whose crowd has had its chance, and what it was told."""

    def __init__(self, store):
        self.store = store
        made = world.build(store, hits=6, workers=5, lease_seconds=600, redundancy=2, golds=2)
        self.job, self.notes = made.job, []
        for worker in made.workers:
            self._career(worker)
        keeper.judge_and_settle(store, self.job)
        keeper.judge_and_settle(store, self.job)

    def _career(self, worker):
        door = Direct(self.store, self.job, worker, b"a secret")
        for count in itertools.count(1):
            lease = door.claim([])
            if lease is None:
                return
            receipt = door.submit(lease.turn, ANSWER, count, more=False, have=[])
            told = {"repeated": receipt.repeated, "turn": lease.turn, "worker": worker}
            self.notes.append({"what": "acknowledged", "answer": ANSWER, "seconds": count, **told})

    def do(self, statement):
        with self.store.write() as unit:
            return unit.session.execute(statement)

    def one(self, column, *where):
        with self.store.read() as unit:
            return unit.session.scalar(sa.select(column).where(*where).order_by(column).limit(1))

    def copy(self, turn, **values):
        """Write an assignment like this one."""
        with self.store.write() as unit:
            row = unit.session.execute(sa.select(Assignment.__table__).where(Assignment.id == turn)).one()._asdict()
            unit.session.execute(sa.insert(Assignment).values({**row, **values, "id": turn + 1000}))

    def found(self):
        """What is broken, without what is not."""
        now = snapshot.take(self.store.engine, self.job)
        return check.breaches(now, self.notes) + check.unfinished(now)


@pytest.fixture
def finished(store):
    return Finished(store)


def test_a_finished_job_is_flawless(finished):
    assert finished.found() == {}
    assert len(finished.notes) > 12, "12 answers and some gold"


def test_an_answer_too_many_is_counted(finished):
    turn = finished.one(Assignment.id, PLAIN)
    stranger = world.build(finished.store, hits=1, workers=1, lease_seconds=60, golds=0)
    finished.copy(turn, worker_id=next(iter(stranger.workers)))
    found = finished.found()
    assert (found["over"], found["leaked"]) == (1, 1)


def test_an_answer_that_vanished_is_missing_and_lost(finished):
    finished.do(sa.delete(Assignment).where(Assignment.id == finished.one(Assignment.id, PLAIN)))
    found = finished.found()
    assert (found["under"], found["lost"], found["leaked"]) == (1, 1, 1)


def test_a_worker_twice_on_a_hit_is_counted(finished):
    finished.do(sa.text("DROP INDEX uq_assignments_hit_worker"))
    finished.copy(finished.one(Assignment.id, PLAIN))
    found = finished.found()
    assert (found["double"], found["over"]) == (1, 1)


@pytest.mark.parametrize(
    "values",
    [
        {"answer": {"category": {"label": LABELS[1]}}},
        {"seconds": 0.25},
        {"state": Turn.ABANDONED},
    ],
)
def test_an_acknowledged_answer_that_was_changed_is_lost(finished, values):
    finished.do(sa.update(Assignment).where(Assignment.id == finished.one(Assignment.id, PLAIN)).values(**values))
    assert finished.found()["lost"] == 1


def test_an_answer_acknowledged_as_new_twice_is_counted(finished):
    finished.notes.append(finished.notes[0])
    assert finished.found() == {"duplicate_accepted": 1}


def test_an_answer_acknowledged_beside_another_is_counted(finished):
    other = {"category": {"label": LABELS[1]}}
    finished.notes.append({**finished.notes[0], "answer": other, "repeated": True})
    assert finished.found() == {"conflict_missed": 1, "lost": 1}


@pytest.mark.parametrize(("values", "counted"), [({"open": True}, "stuck"), ({"taken": Hit.taken + 1}, "leaked")])
def test_a_seat_that_nobody_has_and_a_hit_that_nobody_can_take_are_counted(finished, values, counted):
    finished.do(sa.update(Hit).where(Hit.id == finished.one(Hit.id, Hit.gold_no.is_(None))).values(**values))
    assert finished.found()[counted] == 1


def test_a_hit_closed_too_early_is_stuck(finished):
    turn, hit = finished.one(Assignment.id, PLAIN), finished.one(Assignment.hit_id, PLAIN)
    finished.do(sa.update(Assignment).where(Assignment.id == turn).values(state=Turn.RETURNED))
    finished.do(sa.update(Hit).where(Hit.id == hit).values(taken=Hit.taken - 1))
    found = finished.found()
    assert (found["stuck"], found["under"]) == (2, 1), "closed now, and never done"


def test_a_lease_that_nobody_ends_is_stuck(finished):
    turn = finished.one(Assignment.id, PLAIN)
    finished.do(sa.update(Assignment).where(Assignment.id == turn).values(state=Turn.ACCEPTED))
    assert finished.found()["stuck"] == 2, "the lease and its HIT"


def test_an_open_hit_behind_a_cursor_is_counted(finished):
    hit = finished.one(Hit.id, Hit.gold_no.is_(None))
    finished.do(sa.update(Hit).where(Hit.id == hit).values(open=True, taken=0))
    finished.do(sa.delete(Assignment).where(Assignment.hit_id == hit))
    with_cursor = finished.one(sa.func.count(), Cursor.job_id == finished.job, Cursor.served > 0)
    assert finished.found()["passed_by"] >= min(with_cursor, 2)


def test_a_changed_balance_is_counted(finished):
    finished.do(sa.update(Account).where(Account.name.like("person:%"), Account.balance > 0).values(balance=7))
    assert finished.found()["unbalanced"] >= 2


def test_an_answer_that_was_not_paid_is_counted(finished):
    entry = finished.one(sa.func.max(Entry.id), Entry.ref.like("reward:%"))
    finished.do(sa.update(Entry).where(Entry.id == entry).values(ref="something else"))
    assert finished.found() == {"unbalanced": 1}


def test_money_left_aside_is_counted(finished):
    requester = finished.one(Job.requester_id, Job.id == finished.job)
    with finished.store.write() as unit:
        money.transfer(unit, ledger.fund(finished.job, requester, 1000, "more"), NOW)
    assert finished.found() == {"unbalanced": 1}


@pytest.mark.parametrize(
    ("table", "counter"),
    [
        (Job, "answers"),
        (Job, "done"),
        (Job, "gold_left"),
        (Cursor, "answered"),
        (Cursor, "served"),
        (Hit, "answered"),
    ],
)
def test_a_wrong_counter_is_counted(finished, table, counter):
    column = getattr(table, counter)
    finished.do(sa.update(table).values({counter: column + 1}))
    assert finished.found()["miscounted"] >= 1
