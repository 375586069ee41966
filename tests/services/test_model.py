"""The log of open HITs beside a model that knows no log: whatever happens in whatever order, both say the same."""

from collections import defaultdict

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from broker.errors import Conflict
from broker.services import judge, submit
from broker.store import hits
from broker.store.work import Assignment, Hit
from tests.services import made
from tests.services.made import LEASE, NOW

ROWS, REDUNDANCY, WORKERS, MOST = 5, 2, 4, 3
ACTS = ("claim", "claim", "claim", "submit", "submit", "return", "wait", "sweep", "grow", "close")


class Model:
    """Seats and who sits on them; nothing about positions, bands or cursors."""

    def __init__(self, store):
        self.store, self.now = store, NOW
        self.job, _ = made.published(store, ROWS, redundancy=REDUNDANCY)
        self.workers = made.crowd(store, WORKERS)
        with store.read() as unit:
            ids = [hit.id for hit in unit.session.query(Hit).where(Hit.job_id == self.job).order_by(Hit.id)]
        self.seats = dict.fromkeys(ids, REDUNDANCY)
        self.held = {}
        self.answers = defaultdict(set)

    def taken(self, hit):
        return len(self.answers[hit]) + sum(one == hit for _, one, _ in self.held.values())

    def has(self, worker, hit):
        return worker in self.answers[hit] or any(mine == (worker, hit) for *mine, _ in self._owned())

    def _owned(self):
        return [((worker), hit, deadline) for worker, hit, deadline in self.held.values()]

    def open_for(self, worker):
        mine = {hit for one, hit, _ in self.held.values() if one == worker} | {
            hit for hit, people in self.answers.items() if worker in people
        }
        return {hit for hit, seats in self.seats.items() if self.taken(hit) < seats and hit not in mine}

    def lapse(self):
        self.held = {key: turn for key, turn in self.held.items() if turn[2] > self.now}

    def claim(self, number):
        worker = self.workers[number % WORKERS]
        mine = [key for key, turn in self.held.items() if turn[0] == worker and turn[2] > self.now]
        offer = made.take(self.store, self.job, worker, self.now, have=mine)
        if offer is None:
            if len(mine) < 3:
                self.lapse()  # who finds nothing takes what has run out
                assert self.open_for(worker) == set(), "there was a HIT for them"
            return
        if offer.hit_id not in self.open_for(worker):
            self.lapse()
        assert offer.hit_id in self.open_for(worker), "a seat too many, or a HIT they had"
        self.held[offer.assignment_id] = (worker, offer.hit_id, self.now + LEASE)

    def submit(self, number):
        if self.held:
            key = sorted(self.held)[number % len(self.held)]
            worker, hit, _ = self.held.pop(key)
            made.answer(self.store, key, worker, now=self.now)
            self.answers[hit].add(worker)

    def give_back(self, number):
        if self.held:
            key = sorted(self.held)[number % len(self.held)]
            worker, *_ = self.held.pop(key)
            with self.store.write() as unit:
                submit.give_back(unit, key, worker, self.now)

    def sweep(self, _):
        made.sweep(self.store, self.now)
        self.lapse()

    def wait(self, number):
        self.now += LEASE * (number % 3) / 2

    def _judged(self):
        with self.store.write() as unit:
            judge.judge(unit, self.job, self.now)

    def grow(self, number):
        self._judged()
        hit = sorted(self.seats)[number % ROWS]
        with self.store.write() as unit:
            grown = hits.grow(unit, self.job, [hit], MOST)
        full = len(self.answers[hit]) == self.taken(hit) == self.seats[hit] < MOST
        assert grown == int(full)
        self.seats[hit] += grown

    def close(self, number):
        self._judged()
        hit = sorted(self.seats)[number % ROWS]
        with self.store.write() as unit:
            hits.close_early(unit, self.job, [hit], REDUNDANCY)
        self.seats[hit] = min(self.seats[hit], self.taken(hit))

    def compare(self):
        with self.store.read() as unit:
            for hit in unit.session.query(Hit).where(Hit.job_id == self.job):
                assert hit.taken == self.taken(hit.id)
                assert hit.open == (hit.taken < self.seats[hit.id])
            active = unit.session.query(Assignment.hit_id, Assignment.worker_id).where(
                Assignment.job_id == self.job, Assignment.state.in_(("accepted", "submitted"))
            )
            assert len(active.all()) == len(set(active.all()))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=settings().max_examples // 4)
@given(acts=st.lists(st.tuples(st.sampled_from(ACTS), st.integers(0, 59)), max_size=60))
def test_the_log_gives_what_the_model_allows(store, acts):
    model = Model(store)
    for name, number in acts:
        try:
            getattr(model, {"return": "give_back"}.get(name, name))(number)
        except Conflict as error:
            raise AssertionError(f"{name} was refused: {error}") from error
    model.compare()
