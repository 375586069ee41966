"""Turns that come at once: each gets its own, and one that cannot be done harms no other."""

import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from broker.rules.gold import NEVER
from broker.store import hits
from broker.store.combiner import MOST_AT_ONCE, Combiner
from broker.store.express import Code, Given
from broker.store.jobs import Job
from broker.store.work import Assignment, Hit
from tests.servers.processes import soon
from tests.services import made
from tests.store.test_express import answered, ask

THREADS, TURNS = 24, 6


class Slow(Combiner):
    """A lane without a database: it keeps the first batch until told, and says whose turn it took."""

    def __init__(self):
        super().__init__()
        self.batches, self.begun, self.go = [], threading.Event(), threading.Event()

    def _take(self, asks):
        self.batches.append([one.worker for one, _ in asks])
        self.begun.set()
        self.go.wait(10)
        if any(one.worker == -1 for one, _ in asks):
            return None
        return [Given(Code.NEXT, assignment=one.worker) for one, _ in asks]


class Mine:
    """A turn that notes in which thread it was asked and ended, and fails where it is told to."""

    def __init__(self, worker, fails=""):
        self.worker, self.fails, self.threads = worker, fails, set()

    def asked(self):
        self.threads.add(threading.get_ident())
        if self.fails == "asked":
            raise ValueError(f"{self.worker} cannot be asked")
        return None if self.fails == "nothing" else (ask(1, self.worker), None)

    def ended(self, given):
        self.threads.add(threading.get_ident())
        if self.fails == "ended":
            raise ValueError(f"{given.assignment} cannot be ended")


def at_once(lane, *turns):
    """All these turns behind a first one that takes its time; what came of each."""
    with ThreadPoolExecutor(len(turns) + 1) as pool:
        first = pool.submit(lane.turn, ask(1, 0), None)
        lane.begun.wait(10)
        rest = [pool.submit(lane.take, turn) for turn in turns]
        soon(lambda: len(lane._queue) == len(turns))
        lane.go.set()
        first.result()
        return rest


def results(lane, workers):
    return [one.result() for one in at_once(lane, *map(Mine, workers))]


def test_turns_that_come_meanwhile_are_taken_together_and_each_gets_its_own():
    lane, workers = Slow(), list(range(1, MOST_AT_ONCE + 4))
    found = results(lane, workers)
    assert [given.assignment for given in found] == workers
    assert [len(batch) for batch in lane.batches] == [1, MOST_AT_ONCE, 3]


def test_one_turn_that_cannot_be_taken_harms_no_other():
    found = results(Slow(), [1, -1, 2])
    assert [given and given.assignment for given in found] == [1, None, 2]


def test_one_thread_asks_and_ends_all_turns_of_a_batch():
    turns = [Mine(worker) for worker in range(1, 9)]
    at_once(Slow(), *turns)
    threads = set().union(*(turn.threads for turn in turns))
    assert [len(turn.threads) for turn in turns] == [1] * 8
    assert len(threads) == 1


def test_what_goes_wrong_with_a_turn_is_raised_in_its_own_thread_and_harms_no_other():
    lane = Slow()
    turns = [Mine(1), Mine(2, "asked"), Mine(3, "nothing"), Mine(4, "ended"), Mine(5)]
    good, unasked, nothing, unended, last = at_once(lane, *turns)
    assert [good.result().assignment, nothing.result(), last.result().assignment] == [1, None, 5]
    with pytest.raises(ValueError, match="2 cannot be asked"):
        unasked.result()
    with pytest.raises(ValueError, match="4 cannot be ended"):
        unended.result()
    assert [sorted(batch) for batch in lane.batches] == [[0], [1, 4, 5]]


def test_a_batch_of_which_nothing_is_asked_asks_nothing_of_the_database():
    lane = Slow()
    lane.go.set()
    assert lane.take(Mine(1, "nothing")) is None
    assert lane.batches == []


def test_of_each_worker_one_turn_is_taken_at_a_time():
    lane = Slow()
    found = results(lane, [1, 2, 1, 1, 3])
    assert [given.assignment for given in found] == [1, 2, 1, 1, 3]
    assert [sorted(batch) for batch in lane.batches] == [[0], [1, 2, 3], [1], [1]]


def test_who_cannot_pass_the_door_is_told_and_the_next_one_leads():
    class Shut(Slow):
        doors = iter([RuntimeError("shut")])

        @contextlib.contextmanager
        def _door(self):
            for reason in self.doors:
                raise reason
            yield

    lane = Shut()
    lane.go.set()
    with pytest.raises(RuntimeError, match="shut"):
        lane.turn(ask(1, 5), None)
    assert lane.turn(ask(1, 6), None).assignment == 6


def test_of_a_batch_each_turn_ends_as_it_would_alone(store):
    """Jobs and ends of all sorts in one call; their answers are kept, and each HIT is given by its seats."""
    paused, _ = made.published(store, 2)
    jobs = [made.published(store, 3, redundancy=2)[0], made.published(store, 3, golds=2, gold_percent=20)[0], paused]
    place = [(0, NEVER), (0, NEVER), (0, NEVER), (1, 0), (1, NEVER), (2, NEVER)]
    *workers, newcomer, stranger = made.crowd(store, len(place) + 2)
    with store.write() as unit:
        for worker, (job, gold_at) in zip(workers, place, strict=True):
            hits.begin(unit, jobs[job], worker, gold_at)
        hits.begin(unit, jobs[1], stranger, NEVER)
    held = {
        worker: store.lane.turn(ask(jobs[job], worker), None) for worker, (job, _) in zip(workers, place, strict=True)
    }
    with store.write() as unit:
        unit.session.execute(sa.update(Job).where(Job.id == paused).values(state="paused"))
    first, second, third, golden, busy, waiting = workers
    asks = [
        answered(held[first], jobs[0], first),
        answered(held[waiting], paused, waiting),
        answered(held[second], jobs[0], second),
        ask(jobs[1], golden),
        ask(jobs[1], busy),
        ask(jobs[1], newcomer),
        answered(held[busy], jobs[1], stranger),
        answered(held[third], jobs[0], third),
    ]
    with store.lane._door():
        given = store.lane._take([(one, None) for one in asks])
    codes = ["next", "closed", "next", "gold", "held", "new", "refused", "next"]
    assert [one.code for one in given] == codes
    assert [one.kept for one in given] == [True, True, True, False, False, False, False, True]
    assert [one.done for one in given] == [1, 1, 1, 0, 0, 0, 0, 1]
    with store.read() as unit:
        taken = dict(unit.session.execute(sa.select(Hit.row, Hit.taken).where(Hit.job_id == jobs[0])).all())
        states = dict(unit.session.execute(sa.select(Assignment.id, Assignment.state)).all())
    assert sum(taken.values()) == 6
    assert max(taken.values()) == 2
    assert [states[held[worker].assignment] for worker in (first, second, third, busy, waiting)] == [
        *("submitted", "submitted", "submitted", "accepted", "submitted")
    ]
    assert {states[one.assignment] for one in given if one.code == Code.NEXT} == {"accepted"}


def test_a_crowd_of_threads_fills_each_seat_once(store):
    job, _ = made.published(store, 40, redundancy=3)
    workers = made.crowd(store, THREADS)
    with store.write() as unit:
        for worker in workers:
            hits.begin(unit, job, worker, NEVER)

    def work(worker):
        held = []
        for _ in range(TURNS):
            given = store.lane.turn(ask(job, worker, have=tuple(held), most_held=99), None)
            held += [given.assignment] if given.code == Code.NEXT else []
        return len(held)

    with ThreadPoolExecutor(THREADS) as pool:
        taken = sum(pool.map(work, workers))
    with store.read() as unit:
        pairs = unit.session.query(Assignment.hit_id, Assignment.worker_id).all()
        seats = [hit.taken for hit in unit.session.query(Hit)]
    assert (taken, sum(seats), max(seats)) == (120, 120, 3)
    assert len(set(pairs)) == len(pairs) == 120
