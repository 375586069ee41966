"""Money: whatever happens in whatever order, nothing is lost, owed without cover, or paid twice."""

import contextlib
import os
import shutil

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from broker.errors import Conflict, Invalid, Unpaid
from broker.rules import ledger
from broker.rules.ledger import Transfer
from broker.services import judge, publish, settle, submit
from broker.store import money
from broker.store.db import Rows, Store
from broker.store.jobs import Job, JobState
from broker.store.money import Account, Entry
from broker.store.work import ACTIVE, Assignment, Hit, Turn
from tests.services import made
from tests.services.made import LEASE, NOW

WORKERS = 4
RUNNING = (JobState.OPEN, JobState.PAUSED)
EXAMPLES = {"sqlite": 25, "postgres": 8}
MORE = int(os.environ.get("BROKER_TEST_EXAMPLES", "1"))


def books(unit):
    """All accounts and all transfers."""
    accounts = dict(unit.session.execute(sa.select(Account.name, Account.balance)).all())
    transfers = unit.session.execute(sa.select(Entry.ref, Entry.source, Entry.target, Entry.amount)).all()
    return accounts, transfers


class Walk(RuleBasedStateMachine):
    """A requester and a few workers do whatever comes to their minds."""

    def __init__(self, fresh):
        super().__init__()
        self.store, self.now = fresh(), NOW
        self.jobs, self.given = [], []

    def teardown(self):
        self.store.close()

    @initialize(credit=st.sampled_from([0, 100_000, made.RICH]))
    def people(self, credit):
        self.requester = made.person(self.store, "requester", credit)
        self.workers = made.crowd(self.store, WORKERS)
        self.deposited = credit

    @rule(
        rows=st.integers(1, 3),
        golds=st.integers(0, 3),
        redundancy=st.integers(1, 3),
        gold_percent=st.sampled_from([0, 5, 50]),
        reward=st.sampled_from([0, 1, 20_000]),
    )
    @precondition(lambda self: len(self.jobs) < 2)
    def publish(self, rows, golds, **plan):
        job = made.draft(self.store, self.requester, rows, golds=golds, **plan)
        with contextlib.suppress(Unpaid), self.store.write() as unit:
            publish.publish(unit, job, self.requester, self.now)
            self.jobs.append(job)

    @rule(amount=st.integers(1, 200_000))
    def deposit(self, amount):
        with self.store.write() as unit:
            ref = f"deposit:{self.deposited}:{amount}"
            money.transfer(unit, ledger.deposit(self.requester, amount, ref), self.now)
        self.deposited += amount

    @rule(data=st.data(), worker=st.integers(0, WORKERS - 1), prefetch=st.booleans())
    @precondition(lambda self: self.jobs)
    def claim(self, data, worker, prefetch):
        job = data.draw(st.sampled_from(self.jobs))
        worker = self.workers[worker]
        have = [one for one, by in self.given if by == worker] if prefetch else []
        offer = made.take(self.store, job, worker, self.now, have)
        if offer and (offer.assignment_id, worker) not in self.given:
            self.given.append((offer.assignment_id, worker))

    @rule(data=st.data(), label=st.sampled_from(made.LABELS))
    @precondition(lambda self: self.given)
    def submit(self, data, label):
        assignment, worker = data.draw(st.sampled_from(self.given))
        with contextlib.suppress(Conflict):
            made.answer(self.store, assignment, worker, label, self.now)

    @rule(data=st.data())
    @precondition(lambda self: self.given)
    def give_back(self, data):
        assignment, worker = data.draw(st.sampled_from(self.given))
        with contextlib.suppress(Conflict), self.store.write() as unit:
            submit.give_back(unit, assignment, worker, self.now)

    @rule(swept=st.booleans())
    def leases_run_out(self, swept):
        self.now += LEASE
        if swept:
            made.sweep(self.store, self.now)

    @rule()
    def errands(self):
        made.run_errands(self.store, self.now)

    @rule(data=st.data())
    @precondition(lambda self: self.jobs)
    def settle_once_more(self, data):
        with self.store.write() as unit:
            settle.settle(unit, data.draw(st.sampled_from(self.jobs)), self.now)

    @rule(data=st.data(), act=st.sampled_from(["pause", "resume", "stop"]))
    @precondition(lambda self: self.jobs)
    def steer(self, data, act):
        job = data.draw(st.sampled_from(self.jobs))
        extra = [self.now] if act == "stop" else []
        with contextlib.suppress(Conflict), self.store.write() as unit:
            getattr(publish, act)(unit, job, self.requester, *extra)

    @rule(data=st.data(), more=st.integers(0, 2))
    @precondition(lambda self: self.jobs)
    def add_answers(self, data, more):
        job = data.draw(st.sampled_from(self.jobs))
        with contextlib.suppress(Unpaid, Invalid), self.store.write() as unit:
            publish.add_answers(unit, job, self.requester, more, self.now)

    @invariant()
    def balances_are_the_sums_of_transfers_and_none_is_negative(self):
        with self.store.read() as unit:
            accounts, transfers = books(unit)
        sums = dict.fromkeys(accounts, 0)
        for _, source, target, amount in transfers:
            sums[source] -= amount
            sums[target] += amount
        assert accounts == sums
        assert sum(accounts.values()) == 0
        assert all(balance >= 0 for name, balance in accounts.items() if name != ledger.WORLD)

    @invariant()
    def what_may_still_be_owed_is_set_aside_to_the_unit(self):
        with self.store.read() as unit:
            for job in self.jobs:
                row = unit.session.get(Job, job)
                escrow = money.balance(unit, ledger.escrow(job))
                out = unit.session.scalar(count(job, Turn.ACCEPTED, Turn.SUBMITTED))
                if row.state in RUNNING:
                    assert escrow == (free_seats(unit, row) + row.gold_left + out) * row.reward
                else:
                    assert escrow >= out * row.reward

    @invariant()
    def a_hit_has_as_many_seats_taken_as_it_has_answers_or_leases(self):
        with self.store.read() as unit:
            for job in self.jobs:
                row = unit.session.get(Job, job)
                query = sa.select(Hit).where(Hit.job_id == job, Hit.gold_no.is_(None))
                for hit in unit.session.scalars(query):
                    active = sa.select(sa.func.count()).where(Assignment.hit_id == hit.id, Assignment.state.in_(ACTIVE))
                    assert hit.taken == unit.session.scalar(active) <= row.redundancy + hit.extra
                    assert hit.open == (hit.taken < row.redundancy + hit.extra)

    @invariant()
    def each_approved_assignment_is_paid_once_and_no_other(self):
        with self.store.read() as unit:
            query = sa.select(Assignment.id, Assignment.worker_id, Assignment.reward)
            approved = unit.session.execute(query.where(Assignment.state == Turn.APPROVED, Assignment.reward > 0)).all()
            _, transfers = books(unit)
        paid = sorted(row[:1] + row[2:] for row in transfers if row[0].startswith("reward:"))
        assert paid == sorted((f"reward:{row.id}", f"person:{row.worker_id}", row.reward) for row in approved)

    def end(self):
        """Everybody stops; then all that was not paid to workers is back."""
        for job in self.jobs:
            with contextlib.suppress(Conflict), self.store.write() as unit:
                publish.stop(unit, job, self.requester, self.now)
        made.run_errands(self.store, self.now)
        made.sweep(self.store, self.now + LEASE)
        made.run_errands(self.store, self.now + LEASE)
        with self.store.read() as unit:
            accounts, _ = books(unit)
        people = [f"person:{worker}" for worker in self.workers]
        earned = sum(accounts.get(name, 0) for name in people)
        assert [accounts.get(ledger.escrow(job), 0) for job in self.jobs] == [0] * len(self.jobs)
        assert accounts.get(ledger.person(self.requester), 0) + earned == self.deposited


def count(job, *states):
    return sa.select(sa.func.count()).where(Assignment.job_id == job, Assignment.state.in_(states))


def free_seats(unit, job):
    seats = sa.func.sum(job.redundancy + Hit.extra - Hit.taken)
    return int(unit.session.scalar(sa.select(seats).where(Hit.job_id == job.id, Hit.gold_no.is_(None))) or 0)


class Ended(Walk):
    """The same, brought to its end."""

    def teardown(self):
        try:
            if hasattr(self, "requester"):
                self.end()
        finally:
            super().teardown()


@pytest.fixture
def fresh(request, sqlite_template, tmp_path):
    """Opens an empty database of this sort, again and again."""

    def sqlite():
        path = tmp_path / "walk.sqlite3"
        for rest in tmp_path.glob("walk.sqlite3*"):
            rest.unlink()
        shutil.copyfile(sqlite_template, path)
        return Store(f"sqlite:///{path}")

    def postgres():
        store = Store(request.getfixturevalue("postgres_database"))
        names = ", ".join(Rows.metadata.tables)
        with store.write() as unit:
            unit.session.execute(sa.text(f"TRUNCATE {names} RESTART IDENTITY CASCADE"))
        return store

    return {"sqlite": sqlite, "postgres": postgres}[request.param]


@pytest.mark.parametrize(("fresh", "examples"), EXAMPLES.items(), indirect=["fresh"], ids=EXAMPLES)
def test_money_is_neither_lost_nor_made_in_any_order_of_events(fresh, examples):
    checks = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
    phases = tuple(Phase) if MORE > 1 else (Phase.explicit, Phase.reuse, Phase.generate)  # shrinking takes minutes
    run = settings(
        max_examples=examples * MORE,
        stateful_step_count=30,
        deadline=None,
        suppress_health_check=checks,
        phases=phases,
    )
    run_state_machine_as_test(lambda: Ended(fresh), settings=run)


@pytest.mark.parametrize(("source", "target", "amount"), [("person:1", "person:2", 0), ("person:1", "person:1", 5)])
def test_a_transfer_that_moves_nothing_is_refused(source, target, amount):
    with pytest.raises(Invalid):
        Transfer(source, target, amount, "ref")


BAD_ROWS = [
    "INSERT INTO accounts (name, balance) VALUES ('person:8', -1)",
    "UPDATE accounts SET balance = balance - 6 WHERE name = 'person:1'",
    "INSERT INTO transfers (ref, source, target, amount, at) VALUES ('first', 'world', 'person:1', 1, 0)",
    "INSERT INTO transfers (ref, source, target, amount, at) VALUES ('other', 'world', 'person:1', 0, 0)",
    "INSERT INTO transfers (ref, source, target, amount, at) VALUES ('other', 'world', 'person:1', -1, 0)",
    "INSERT INTO transfers (ref, source, target, amount, at) VALUES ('other', 'world', 'world', 1, 0)",
    "INSERT INTO transfers (ref, source, target, amount, at) VALUES ('other', 'world', 'nobody', 1, 0)",
]


@pytest.mark.parametrize("statement", BAD_ROWS)
def test_the_database_itself_refuses_what_breaks_the_books(store, statement):
    with store.write() as unit:
        money.transfer(unit, [Transfer("world", "person:1", 5, "first")], NOW)
    with pytest.raises(sa.exc.IntegrityError), store.write() as unit:
        unit.session.execute(sa.text(statement))


def test_a_transfer_happens_once_and_nothing_moves_if_one_of_several_is_not_covered(store):
    for _ in range(2):
        with store.write() as unit:
            money.transfer(unit, [Transfer("world", "person:1", 5, "first")], NOW)
    with pytest.raises(Unpaid, match="person:1"), store.write() as unit:
        money.transfer(unit, [Transfer("world", "person:2", 5, "a"), Transfer("person:1", "person:2", 6, "b")], NOW)
    with store.read() as unit:
        accounts, transfers = books(unit)
    assert accounts == {"world": -5, "person:1": 5}
    assert [row[0] for row in transfers] == ["first"]


def test_paying_many_answers_takes_as_many_statements_as_paying_few(store):
    counts = []
    for rows in (4, 20):
        job, _ = made.published(store, rows, redundancy=3)
        for number, worker in enumerate(made.crowd(store, 2)):
            made.work(store, job, worker)
            if number == 0:  # a job's first batch begins its live posterior too
                with store.write() as unit:
                    judge.judge(unit, job, NOW)
        for use in (judge.judge, settle.settle, settle.settle):
            with statements(store) as executed, store.write() as unit:
                use(unit, job, NOW)
            counts.append(len(executed))
    assert counts[:3] == counts[3:]
    assert max(counts) < 20


@contextlib.contextmanager
def statements(store):
    """The statements that run meanwhile, each once for all rows it is about."""
    executed = []

    def note(_, __, statement, *more):
        executed.append(statement)

    sa.event.listen(store.engine, "before_cursor_execute", note)
    yield executed
    sa.event.remove(store.engine, "before_cursor_execute", note)


def test_accounts_are_changed_by_the_sum_of_a_batch_which_must_be_covered_as_a_whole(store):
    with store.write() as unit:
        money.transfer(unit, [Transfer("world", "person:1", 5, "in")], NOW)
        money.transfer(
            unit, [Transfer("person:1", "person:2", 7, "out"), Transfer("world", "person:1", 3, "more")], NOW
        )
    with store.read() as unit:
        assert books(unit)[0] == {"world": -8, "person:1": 1, "person:2": 7}


def test_a_job_that_cannot_be_paid_stays_a_draft(store):
    requester = made.person(store, "requester", 2 * 2 * 20_000 - 1)
    job = made.draft(store, requester, 2)
    with pytest.raises(Unpaid), store.write() as unit:
        publish.publish(unit, job, requester, NOW)
    assert made.job_row(store, job).state == JobState.DRAFT


def test_a_stopped_job_that_goes_on_sets_aside_what_its_open_hits_may_cost(store):
    job, requester = made.published(store, 2, redundancy=2)
    with store.write() as unit:
        publish.stop(unit, job, requester, NOW)
    made.run_errands(store)
    with store.write() as unit:
        publish.add_answers(unit, job, requester, 1, NOW)
    for worker in made.crowd(store, 3):
        made.work(store, job, worker)
    made.run_errands(store)
    with store.read() as unit:
        assert unit.session.scalar(count(job, Turn.APPROVED)) == 6
        assert money.balance(unit, ledger.escrow(job)) == 0
        assert money.balance(unit, ledger.person(requester)) == made.RICH - 6 * 20_000


@pytest.mark.parametrize("end", ["give_back", "sweep"])
def test_the_last_lease_of_a_stopped_job_gives_the_money_back_when_it_ends(store, end):
    job, requester = made.published(store, 1)
    (worker,) = made.crowd(store, 1)
    offer = made.take(store, job, worker)
    with store.write() as unit:
        publish.stop(unit, job, requester, NOW)
    made.run_errands(store)
    with store.write() as unit:
        if end == "sweep":
            submit.sweep(unit, NOW + LEASE)
        else:
            submit.give_back(unit, offer.assignment_id, worker, NOW)
    made.run_errands(store)
    with store.read() as unit:
        assert money.balance(unit, ledger.person(requester)) == made.RICH


def test_an_answer_that_comes_after_the_money_went_back_is_refused(store):
    job, requester = made.published(store, 1)
    (worker,) = made.crowd(store, 1)
    offer = made.take(store, job, worker)
    made.sweep(store, NOW + LEASE)
    with store.write() as unit:
        publish.stop(unit, job, requester, NOW + LEASE)
    made.run_errands(store)
    with pytest.raises(Conflict, match="abandoned"):
        made.answer(store, offer.assignment_id, worker, now=NOW + LEASE)
