"""The live posterior of HITs whose answers fall apart into places: each place is an item of its own."""

from collections.abc import Hashable, Iterable
from typing import Any, TypeGuard, cast

import numpy as np

from broker.annotation.cells import Cells
from broker.annotation.hit_state import HitState
from broker.annotation.kind import Kind
from broker.truth.answers import UNKNOWN
from broker.truth.calibration import Calibration
from broker.truth.evidence import of_posteriors
from broker.truth.live import Item, Live, Worker, live

FLOATS = np.dtype("<f8")
MOST_CLASSES = 64
"""With more labels a worker's table is too large to be read and written with every answer: these wait for the refit."""


def follows(room: Kind[Any]) -> TypeGuard[Cells[Any]]:
    """Whether a room's HITs have a live posterior."""
    return isinstance(room, Cells) and len(room.options()) <= MOST_CLASSES


class Crowd:
    """A part of a job: some HITs, and all workers that answered them."""

    def __init__(self, room: Cells[Any], posterior: Live[Any] | None = None) -> None:
        self.room = room
        self.places = tuple(room.places())
        self.options = tuple(room.options())
        self.live = posterior or live(len(self.options))

    def put(self, hit_id: int, state: HitState) -> None:
        """Lay down what is known of a HIT."""
        for number, place in enumerate(self.places):
            codes: dict[Hashable, int] = {worker: labels[number] for worker, labels in state.answers.items()}
            believed = self.live.row(np.array(state.posterior[number])) if codes else None
            gold = state.gold[number] if state.gold else UNKNOWN
            self.live.items[hit_id, place] = Item(codes, believed, gold)

    def put_worker(self, worker_id: int, packed: bytes) -> None:
        """Lay down what is known of a worker, as `worker` packs it."""
        table = np.frombuffer(packed, FLOATS).reshape(-1, len(self.options) + 1)
        rows = {int(row[0]): self.live.row(row[1:]) for row in table}
        self.live.workers[worker_id] = Worker(rows, self.live.row(table[:, 1:].sum(axis=0)))

    def pool(self, counts: bytes, mass: bytes) -> None:
        """Lay down what is known of the whole job, as `pooled` packs it; zeros at its beginning."""
        classes = len(self.options)
        self.live.pool(np.frombuffer(counts, FLOATS).reshape(classes, classes), np.frombuffer(mass, FLOATS))

    def pooled(self) -> tuple[bytes, bytes]:
        """The pooled counts of all workers (labels x truths) and the sum of all posteriors."""
        counts, mass = self.live.pooled()
        return counts.astype(FLOATS).tobytes(), mass.astype(FLOATS).tobytes()

    def add(self, hit_id: int, worker_id: int, answer: Any, truth: Any = None) -> bool:
        """A worker's answer; `truth` is the gold answer, if the HIT has one. Whether it was not known yet."""
        found = self.live.items.get((hit_id, self.places[0]))
        fresh = found is None or worker_id not in found.answers
        known = self._codes(truth) if truth is not None else [UNKNOWN] * len(self.places)
        for place, code, gold in zip(self.places, self._codes(answer), known, strict=True):
            if gold != UNKNOWN and (hit_id, place) not in self.live.items:
                self.live.set_gold((hit_id, place), gold)
            self.live.add((hit_id, place), worker_id, code)
        return fresh

    def follow(self, hit_id: int, state: HitState) -> None:
        """Add those answers of a state that are not known here: they came while the fit ran that this goes on from."""
        for number, place in enumerate(self.places):
            known = self.live.items.get((hit_id, place))
            if known is None and state.gold:
                self.live.set_gold((hit_id, place), state.gold[number])
            had = set(known.answers) if known is not None else set()
            for worker, codes in state.answers.items():
                if worker not in had:
                    self.live.add((hit_id, place), worker, codes[number])

    def workers(self) -> list[int]:
        """The row ids of all workers laid down, in order."""
        return sorted(cast("Iterable[int]", self.live.workers))

    def hit(self, hit_id: int) -> HitState:
        """All that is known of a HIT."""
        items = [self.live.items[hit_id, place] for place in self.places]
        workers = cast("Iterable[int]", items[0].answers)
        answers = {worker: [item.answers[worker] for item in items] for worker in workers}
        gold = [item.gold for item in items]
        posterior = [[float(share) for share in self.live.posterior((hit_id, place))] for place in self.places]
        return HitState(answers, posterior, [] if set(gold) == {UNKNOWN} else gold)

    def worker(self, worker_id: int) -> bytes:
        """A worker's expected counts: for each label they gave its code and a row over truths."""
        rows = self.live.workers[worker_id].rows
        return np.array([[label, *row] for label, row in rows.items()], FLOATS).tobytes()

    def answer(self, hit_id: int, calibration: Calibration) -> tuple[dict[str, Any], float, int]:
        """The most probable answer's JSON, how sure it is, and on how many answers; ties go to the first label.

        The whole answer is right only if every place of it is; places are taken for independent.
        """
        items = [self.live.items[hit_id, place] for place in self.places]
        codes, classes = [list(item.answers.values()) for item in items], len(self.options)
        posteriors = np.array([self.live.posterior((hit_id, place)) for place in self.places])
        votes = np.array([np.bincount(labels, minlength=classes) for labels in codes])
        found = of_posteriors(posteriors, np.array(self.live.mass) / np.sum(self.live.mass), votes)
        graded = np.array([item.gold != UNKNOWN for item in items])
        sure = np.where(graded, 1.0, calibration.confidence(found, classes)).prod()
        labels = {place: self.options[code] for place, code in zip(self.places, found.label, strict=True)}
        return self.room.dump(self.room.join(labels)), float(sure), len(codes[0])

    def _codes(self, answer: Any) -> list[int]:
        labels = self.room.split(answer)
        return [self.options.index(labels[place]) for place in self.places]
