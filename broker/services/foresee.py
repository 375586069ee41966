"""FORESEE: what plans would find and cost, by simulation, before money is spent."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from broker.annotation.cells import Cells
from broker.errors import Invalid, NotFound, Problem
from broker.kinds.registry import furnish
from broker.store import jobs, turns
from broker.store.db import Record, Unit
from broker.store.jobs import Job

if TYPE_CHECKING:
    from broker.truth.plan import Crowd

MOST_LABELS = 20
EXAMPLE_MORE = 4
"""How many answers more than its redundancy the example of an adaptive plan may ask for."""
FEWEST_PILOT, MOST_PILOT = 50, 20_000
"""Answers that a job must have to say something of its crowd, and of how many it is asked."""
MOST_PILOTS = 20


@dataclass(frozen=True)
class Line:
    """A plan of `least` to `most` answers an item: mean answers per item, the expected share of right labels (0..1),
    all answers and their pay in micro-units; whether the draft is set so.
    """

    least: int
    most: int
    per_item: float
    accuracy: float
    answers: int
    cost: int
    chosen: bool


@dataclass(frozen=True)
class Outlook:
    """The plans for this number of labels; no adaptive one where it cannot be simulated.

    `measured`: the share of right answers (0..1) that the pilot's workers were found to give; None without a pilot.
    """

    labels: int
    lines: tuple[Line, ...]
    measured: float | None = None

    @property
    def adaptive(self) -> bool:
        """Whether there is an adaptive plan among them."""
        return any(one.most > one.least for one in self.lines)


@dataclass(frozen=True)
class Pilot:
    """The answers of an earlier job with the same labels, whose crowd the draft's is taken to be like."""

    room: Cells[Any]
    rows: Sequence[Record]


def pilots(unit: Unit, job: Job) -> list[Job]:
    """The requester's own jobs whose answers can stand for the draft's crowd: same labels, enough answers."""
    room = _room(job)
    if room is None:
        return []
    others = (one for one in jobs.jobs_of(unit, job.requester_id) if one.id != job.id and one.answers >= FEWEST_PILOT)
    return [one for one in others if _alike(room, _room(one))][:MOST_PILOTS]


def pilot(unit: Unit, job: Job, pilot_id: int) -> Pilot:
    """The answers of one of `pilots`. Raises NotFound for any other job."""
    found = next((one for one in pilots(unit, job) if one.id == pilot_id), None)
    room = _room(found) if found else None
    if found is None or room is None:
        raise NotFound("There is no such job with the same labels among yours.")
    return Pilot(room, turns.answers_of(unit, found.id, latest=MOST_PILOT))


def outlook(job: Job, items: int, percent: str, pilot: Pilot | None = None) -> Outlook | None:
    """Fixed plans and an adaptive one for the pilot's workers, or for made-up ones of whom `percent` of 100 answers
    are right; None where the kind has no labels, or more than MOST_LABELS. Raises Invalid naming `accuracy`.

    The adaptive plan is the draft's, or an example where it has none. It is left out where an item has several places
    to label, which all have to be sure, and where it may ask for more answers than are simulated.
    """
    room = _room(job)
    labels, places = (len(room.options()), len(room.places())) if room else (0, 0)
    if not 2 <= labels <= MOST_LABELS:
        return None
    share = None if pilot else _share(percent, labels)
    from broker.truth import plan, stopping  # noqa: PLC0415 - numpy and scipy, which no other page needs

    top = job.most or job.redundancy + EXAMPLE_MORE
    fits = places == 1 and top <= plan.ANSWERS_EACH
    rule = (
        stopping.Rule(job.redundancy, top, job.sure, _budget(job, items))
        if fits
        else stopping.Rule(most=max(plan.FIXED))
    )
    crowd = _crowd(pilot) if pilot else None
    found = plan.forecast(crowd, rule) if crowd else plan.usual(labels, share or 0.0, rule)
    lines = []
    for one in found[: None if fits else -1]:
        least, most = one.rule.least, one.rule.most
        chosen = (least, most) == (job.redundancy, job.most or job.redundancy)
        answers = round(items * one.per_item)
        lines.append(Line(least, most, one.per_item, one.accuracy, answers, answers * job.reward, chosen))
    return Outlook(labels, tuple(lines), crowd.accuracy if crowd else None)


def _budget(job: Job, items: int) -> int | None:
    """The answers to the simulated items that the draft's budget pays for, and each item's first ones anyway."""
    from broker.truth.plan import ITEMS  # noqa: PLC0415 - as in outlook

    if not (job.budget and job.reward and items):
        return None
    return max(round(job.budget / job.reward / items * ITEMS), job.redundancy * ITEMS)


def _crowd(pilot: Pilot) -> "Crowd":
    """The crowd behind a job's answers, each place of an answer being an item. Raises Invalid naming `pilot`."""
    from broker.truth.answers import Answers  # noqa: PLC0415 - as above
    from broker.truth.plan import of_pilot  # noqa: PLC0415

    items, workers, labels = [], [], []
    truths: dict[Hashable, Hashable] = {}
    for row in pilot.rows:
        for place, label in pilot.room.split(pilot.room.parse(row.answer, {})).items():
            items.append((row.hit_id, place))
            workers.append(row.worker_id)
            labels.append(label)
        if row.gold:
            known = pilot.room.split(pilot.room.parse(row.truth, {}))
            truths.update({(row.hit_id, place): label for place, label in known.items()})
    answers = Answers.from_columns(items, workers, labels, label_names=pilot.room.options())
    crowd = of_pilot(answers, answers.gold(truths))
    try:
        crowd.check()
    except Invalid:
        message = "these workers did no better than chance there: nothing can be foreseen from it"
        raise Invalid(message, problems=[Problem(message, column="pilot")]) from None
    return crowd


def _room(job: Job) -> Cells[Any] | None:
    """The room of a job whose kind has labels and is set up."""
    try:
        room = furnish(job.kind, job.settings)
    except Invalid:
        return None
    return room if isinstance(room, Cells) else None


def _alike(room: Cells[Any], other: Cells[Any] | None) -> bool:
    """Whether two rooms ask for the same labels at the same places."""
    if other is None or other.name != room.name:
        return False
    return set(other.options()) == set(room.options()) and set(other.places()) == set(room.places())


def _share(percent: str, labels: int) -> float:
    least = 100 // labels + 1
    text = percent.strip()
    if text.isascii() and text.isdigit() and len(text) <= 3 and least <= int(text) <= 99:
        return int(text) / 100
    message = f"{percent[:40]!r} is no whole number from {least} to 99: chance alone gets one of {labels} labels right"
    raise Invalid(message, problems=[Problem(message, column="accuracy")])
