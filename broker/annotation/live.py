"""The live posterior of HITs whose answers fall apart into places: each place is an item of its own."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any, TypeGuard, cast

import numpy as np

from broker.annotation.cells import Cells
from broker.annotation.kind import Kind
from broker.truth.answers import UNKNOWN
from broker.truth.live import Item, Live, Worker, live

MOST_CLASSES = 64
"""With more labels a worker's table is too large to be read and written with every answer: these wait for the refit."""


def follows(room: Kind[Any]) -> TypeGuard[Cells[Any]]:
    """Whether a room's HITs have a live posterior."""
    return isinstance(room, Cells) and len(room.options()) <= MOST_CLASSES


@dataclass
class HitState:
    """What is known of one HIT, by place (in the order of `Cells.places`): workers' label codes, posteriors, gold."""

    answers: dict[int, list[int]] = field(default_factory=dict)
    posterior: list[list[float]] = field(default_factory=list)
    gold: list[int] = field(default_factory=list)


WorkerState = Mapping[int, Sequence[float]]
"""A worker's expected counts: a row over truths for each label code that they gave."""


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

    def put_worker(self, worker_id: int, counts: WorkerState) -> None:
        """Lay down what is known of a worker."""
        rows = {label: self.live.row(np.array(row)) for label, row in counts.items()}
        sums = self.live.row(np.array([*counts.values(), [0.0] * len(self.options)]).sum(axis=0))
        self.live.workers[worker_id] = Worker(rows, sums)

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

    def worker(self, worker_id: int) -> WorkerState:
        """All that is known of a worker."""
        return {label: [float(one) for one in row] for label, row in self.live.workers[worker_id].rows.items()}

    def answer(self, hit_id: int) -> tuple[dict[str, Any], float, int]:
        """The most probable answer's JSON, how sure it is, and on how many answers; ties go to the first label.

        The whole answer is right only if every place of it is; places are taken for independent.
        """
        rows = {place: list(self.live.posterior((hit_id, place))) for place in self.places}
        labels = {place: self.options[row.index(max(row))] for place, row in rows.items()}
        sure = prod(float(max(row)) for row in rows.values())
        return self.room.dump(self.room.join(labels)), sure, len(self.live.items[hit_id, self.places[0]].answers)

    def _codes(self, answer: Any) -> list[int]:
        labels = self.room.split(answer)
        return [self.options.index(labels[place]) for place in self.places]
