"""The Requester API beside a model of a few lines: whatever is asked in whatever order, both say the same."""

import datetime as dt
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import sqlalchemy as sa
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from broker.errors import BrokerError
from broker.mturk.faults import MTurkError
from broker.mturk.wire import perform
from broker.services import claim, judge, review, submit
from broker.store.jobs import Job
from broker.store.money import Account
from tests.doors.visiting import Site
from tests.mturk.conftest import HIT

MONEY, WORKERS = 10_000_000, 3
REWARDS = {"0.05": 50_000, "2.00": 2_000_000}
LEASE, APPROVAL = dt.timedelta(minutes=10), dt.timedelta(days=2)
MONTH, FORTNIGHT, DAY = dt.timedelta(days=30), dt.timedelta(days=14), dt.timedelta(days=1)
WAITS = [dt.timedelta(minutes=3), LEASE, dt.timedelta(hours=1), DAY, FORTNIGHT, MONTH]
numbers = st.integers(0, 11)


@dataclass
class Turn:
    """One worker's turn in the model."""

    id: str
    worker: int
    reward: int
    deadline: dt.datetime
    state: str = "Accepted"
    submitted: dt.datetime | None = None
    rejected: dt.datetime | None = None
    forfeited: bool = False

    def costs(self):
        held = self.state in ("Accepted", "Submitted") or (self.state == "Rejected" and not self.forfeited)
        return self.reward if held else 0


@dataclass
class Posted:
    """One HIT in the model: AWS's own words, and nothing about logs, cursors or accounts."""

    id: str
    type: str
    reward: int
    seats: int
    end: dt.datetime
    reviewing: bool = False
    disposed: bool = False
    turns: list[Turn] = field(default_factory=list)

    def count(self, *states):
        return sum(turn.state in states for turn in self.turns)

    @property
    def free(self):
        return self.seats - self.count("Accepted", "Submitted", "Approved", "Rejected")

    def status(self, now):
        if self.disposed:
            return "Disposed"
        if now < self.end and self.free > 0:
            return "Assignable"
        if self.count("Accepted"):
            return "Unassignable"
        return "Reviewing" if self.reviewing else "Reviewable"

    def held(self, now):
        """What is set aside for it."""
        ended = self.disposed or (now >= self.end and not self.count("Accepted"))
        return (0 if ended else self.free * self.reward) + sum(turn.costs() for turn in self.turns)

    def had(self, worker):
        return any(turn.worker == worker and turn.state not in ("Returned", "Abandoned") for turn in self.turns)


class Machine(RuleBasedStateMachine):
    """Operations of a requester and of workers in any order, on a fresh database."""

    template = None

    def __init__(self):
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        path = Path(self.folder.name) / "broker.sqlite3"
        shutil.copyfile(self.template, path)
        self.site = Site(f"sqlite:///{path}", Path(self.folder.name) / "data")
        self.broker, self.store = self.site.broker, self.site.store
        self.ada = self.site.enlist("ada", "requester", credit=MONEY)
        self.workers = [self.site.enlist(f"worker{n}", "worker") for n in range(WORKERS)]
        self.hits, self.blocked, self.spent, self.earned = [], set(), 0, 0

    def teardown(self):
        self.store.close()
        self.folder.cleanup()

    @property
    def now(self):
        return self.site.clock()

    def ask(self, name, allowed=1, **params):
        """Do an operation; it must be refused if the model does not allow it, and only then."""
        said, refusal = None, None
        try:
            said = perform(self.broker, self.ada, name, params)
        except (MTurkError, BrokerError) as error:
            refusal = error
        assert bool(allowed) == (refusal is None), f"{name}: {refusal or 'was allowed'}"
        return said

    def pass_time(self):
        """What time does to the model."""
        for hit in self.hits:
            for turn in hit.turns:
                if turn.state == "Accepted" and turn.deadline <= self.now:
                    turn.state = "Abandoned"
                if turn.state == "Submitted" and turn.submitted + APPROVAL <= self.now:
                    self.pay(turn)

    def pay(self, turn):
        turn.state = "Approved"
        self.earned += turn.reward

    @property
    def available(self):
        return MONEY - self.spent - self.earned - sum(hit.held(self.now) for hit in self.hits)

    def pick(self, number, found):
        return found[number % len(found)] if found else None

    def hit(self, number):
        return self.pick(number, self.hits)

    def turn(self, number, *states):
        return self.pick(number, [(hit, turn) for hit in self.hits for turn in hit.turns if turn.state in states])

    @rule(reward=st.sampled_from(list(REWARDS)), seats=st.integers(1, 3), minutes=st.integers(1, 90))
    def post(self, reward, seats, minutes):
        allowed = seats * REWARDS[reward] <= self.available
        more = {"Reward": reward, "MaxAssignments": seats, "LifetimeInSeconds": minutes * 60}
        delay = int(APPROVAL.total_seconds())
        said = self.ask("CreateHIT", allowed, **HIT | more | {"AutoApprovalDelayInSeconds": delay})
        if said:
            end = self.now + dt.timedelta(minutes=minutes)
            self.hits.append(Posted(said["HIT"]["HITId"], said["HIT"]["HITTypeId"], REWARDS[reward], seats, end))

    @rule(number=numbers, worker=st.integers(0, WORKERS - 1))
    def claim(self, number, worker):
        hit = self.hit(number)
        if hit is None:
            return
        job, now = self.broker.names("J").read(hit.type), self.now
        mine = [one for one in self.hits for turn in one.turns if turn.worker == worker and turn.state == "Accepted"]
        held = [turn.id for one in mine for turn in one.turns if turn.worker == worker and turn.state == "Accepted"]
        have = [self.broker.names("T").read(one) for one in held]
        with self.store.write() as unit:
            offer = claim.claim(unit, job, self.workers[worker].id, have, now, self.broker.secret)
        offered = {
            one.id: one
            for one in self.hits
            if one.type == hit.type and one.status(now) == "Assignable" and not one.had(worker)
        }
        if worker in self.blocked:
            offered = {}
        full = len([one for one in mine if one.type == hit.type]) >= 3
        if offer is None:
            assert full or not offered
            return
        given = offered[self.broker.names("H").show(offer.hit_id)]
        name = self.broker.names("T").show(offer.assignment_id)
        given.turns.append(Turn(name, worker, given.reward, now + LEASE))

    @rule(number=numbers)
    def submit(self, number):
        found = self.turn(number, "Accepted")
        if found:
            _, turn = found
            with self.store.write() as unit:
                row = self.broker.names("T").read(turn.id)
                submit.submit(unit, row, self.workers[turn.worker].id, {"tone": "calm"}, 3.0, self.now)
            turn.state, turn.submitted = "Submitted", self.now

    @rule()
    def judge(self):
        with self.store.write() as unit:
            for job in unit.session.scalars(sa.select(Job.id)).all():
                judge.judge(unit, job, self.now)

    @rule(number=numbers)
    def give_back(self, number):
        found = self.turn(number, "Accepted")
        if found:
            _, turn = found
            with self.store.write() as unit:
                row = self.broker.names("T").read(turn.id)
                submit.give_back(unit, row, self.workers[turn.worker].id, self.now)
            turn.state = "Returned"

    @rule(delta=st.sampled_from(WAITS))
    def wait(self, delta):
        self.site.clock.move(seconds=delta.total_seconds())
        self.ask("GetAccountBalance")  # any call lets the clock's work be done
        self.pass_time()
        with self.store.write() as unit:
            review.release(unit, self.now)
        for hit in self.hits:
            for turn in hit.turns:
                over = turn.state == "Rejected" and turn.submitted + MONTH <= self.now
                turn.forfeited |= over and turn.rejected + FORTNIGHT <= self.now

    @rule(number=numbers)
    def approve(self, number):
        found = self.turn(number, "Submitted", "Approved", "Rejected", "Accepted", "Returned")
        if found:
            _, turn = found
            allowed = turn.state == "Submitted"
            self.ask("ApproveAssignment", allowed, AssignmentId=turn.id)
            if allowed:
                self.pay(turn)

    @rule(number=numbers)
    def reject(self, number):
        found = self.turn(number, "Submitted", "Approved", "Rejected", "Abandoned")
        if found:
            _, turn = found
            allowed = turn.state == "Submitted"
            self.ask("RejectAssignment", allowed, AssignmentId=turn.id, RequesterFeedback="No.")
            if allowed:
                turn.state, turn.rejected = "Rejected", self.now

    @rule(number=numbers)
    def override(self, number):
        found = self.turn(number, "Rejected", "Submitted", "Approved")
        if found:
            hit, turn = found
            young = turn.submitted + MONTH >= self.now and not hit.disposed
            allowed = turn.state == "Submitted" or (turn.state == "Rejected" and young)
            if turn.forfeited and allowed:
                return  # on the very day: the money went back by the clock, and is asked for anew
            self.ask("ApproveAssignment", allowed, AssignmentId=turn.id, OverrideRejection=True)
            if allowed:
                self.pay(turn)

    @rule(number=numbers, more=st.integers(1, 2))
    def add(self, number, more):
        hit = self.hit(number)
        if hit:
            backed = self.now < hit.end or hit.count("Accepted")
            allowed = not hit.disposed and (not backed or more * hit.reward <= self.available)
            params = {"HITId": hit.id, "NumberOfAdditionalAssignments": more}
            self.ask("CreateAdditionalAssignmentsForHIT", allowed, **params)
            if allowed:
                hit.seats += more
                hit.reviewing &= hit.status(self.now) != "Assignable"

    @rule(number=numbers, minutes=st.integers(-5, 90))
    def set_end(self, number, minutes):
        hit = self.hit(number)
        if hit:
            end = self.now + dt.timedelta(minutes=minutes)
            backed = self.now < hit.end or hit.count("Accepted")
            affordable = backed or minutes <= 0 or hit.free * hit.reward <= self.available
            allowed = not hit.disposed and affordable
            self.ask("UpdateExpirationForHIT", allowed, HITId=hit.id, ExpireAt=end.timestamp())
            if allowed:
                hit.end = max(end, self.now)
                hit.reviewing &= hit.status(self.now) != "Assignable"

    @rule(number=numbers, revert=st.booleans())
    def look(self, number, revert):
        hit = self.hit(number)
        if hit:
            allowed = hit.status(self.now) == ("Reviewing" if revert else "Reviewable")
            self.ask("UpdateHITReviewStatus", allowed, HITId=hit.id, Revert=revert)
            if allowed:
                hit.reviewing = not revert

    @rule(number=numbers, other=numbers)
    def retype(self, number, other):
        hit, target = self.hit(number), self.hit(other)
        if hit:
            changes = hit.reward != target.reward
            free = 0 if self.now >= hit.end and not hit.count("Accepted") else hit.free
            cost = free * (target.reward - hit.reward)
            allowed = not hit.disposed and not (changes and hit.count("Accepted")) and cost <= self.available
            if hit.type == target.type:
                allowed = not hit.disposed
            self.ask("UpdateHITTypeOfHIT", allowed, HITId=hit.id, HITTypeId=target.type)
            if allowed:
                hit.type, hit.reward = target.type, target.reward

    @rule(number=numbers)
    def delete(self, number):
        hit = self.hit(number)
        if hit:
            allowed = hit.status(self.now) in ("Reviewable", "Reviewing") and not hit.count("Submitted")
            self.ask("DeleteHIT", allowed, HITId=hit.id)
            hit.disposed |= allowed

    @rule(number=numbers, amount=st.sampled_from(["0.50", "9.00"]))
    def bonus(self, number, amount):
        found = self.turn(number, "Submitted", "Approved", "Rejected", "Returned")
        if found:
            _, turn = found
            micros = int(float(amount) * 1_000_000)
            allowed = turn.state != "Returned" and micros <= self.available
            worker = self.workers[turn.worker].public_id
            params = {"AssignmentId": turn.id, "WorkerId": worker, "BonusAmount": amount, "Reason": "Good."}
            self.ask("SendBonus", allowed, **params)
            self.spent += micros if allowed else 0

    @rule(worker=st.integers(0, WORKERS - 1), lift=st.booleans())
    def block(self, worker, lift):
        name = self.workers[worker].public_id
        if lift:
            self.ask("DeleteWorkerBlock", WorkerId=name)
            self.blocked.discard(worker)
        else:
            self.ask("CreateWorkerBlock", WorkerId=name, Reason="slow")
            self.blocked.add(worker)

    @rule(number=numbers)
    def read(self, number):
        hit = self.hit(number)
        if hit:
            assert self.ask("GetHIT", HITId=hit.id)["HIT"]["HITStatus"] == hit.status(self.now)
            shown = self.ask("ListAssignmentsForHIT", HITId=hit.id, MaxResults=100)["Assignments"]
            visible = {turn.id: turn.state for turn in hit.turns if turn.state in ("Submitted", "Approved", "Rejected")}
            assert {one["AssignmentId"]: one["AssignmentStatus"] for one in shown} == visible

    @invariant()
    def lists_agree(self):
        found = {one["HITId"]: one for one in self.ask("ListHITs", MaxResults=100)["HITs"]}
        assert set(found) == {hit.id for hit in self.hits if not hit.disposed}
        for hit in self.hits:
            if hit.disposed:
                continue
            said = found[hit.id]
            assert (said["HITStatus"], said["MaxAssignments"]) == (hit.status(self.now), hit.seats)
            assert said["NumberOfAssignmentsPending"] == hit.count("Accepted")
            assert said["NumberOfAssignmentsAvailable"] == hit.free
            assert said["NumberOfAssignmentsCompleted"] == hit.count("Approved", "Rejected")

    @rule()
    def reviewable(self):
        for status in ("Reviewable", "Reviewing"):
            said = self.ask("ListReviewableHITs", Status=status, MaxResults=100)["HITs"]
            assert {one["HITId"] for one in said} == {hit.id for hit in self.hits if hit.status(self.now) == status}

    @invariant()
    def money_agrees(self):
        held = sum(hit.held(self.now) for hit in self.hits)
        with self.store.read() as unit:
            found = {one.name: one.balance for one in unit.session.scalars(sa.select(Account))}
        escrow = sum(balance for name, balance in found.items() if name.startswith("escrow:"))
        workers = sum(found.get(f"person:{one.id}", 0) for one in self.workers)
        assert (escrow, workers) == (held, self.earned + self.spent)
        assert found[f"person:{self.ada.id}"] == self.available
        assert sum(found.values()) == 0


def test_the_api_does_what_the_model_does(sqlite_template):
    Machine.template = sqlite_template
    few = settings(max_examples=max(settings().max_examples // 5, 1), stateful_step_count=40)
    run_state_machine_as_test(Machine, settings=few)
