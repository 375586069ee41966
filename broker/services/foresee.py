"""FORESEE: what plans would find and cost, by simulation, before money is spent."""

from dataclasses import dataclass

from broker.annotation.cells import Cells
from broker.errors import Invalid, Problem
from broker.kinds.registry import furnish
from broker.store.jobs import Job

MOST_LABELS = 20
EXAMPLE_MORE = 4
"""How many answers more than its redundancy the example of an adaptive plan may ask for."""


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
    """The plans for this number of labels; no adaptive one where it cannot be simulated."""

    labels: int
    lines: tuple[Line, ...]

    @property
    def adaptive(self) -> bool:
        """Whether there is an adaptive plan among them."""
        return any(one.most > one.least for one in self.lines)


def outlook(job: Job, items: int, percent: str) -> Outlook | None:
    """Fixed plans and an adaptive one for workers of whom `percent` of 100 answers are right; None where the kind has
    no labels, or more than MOST_LABELS. Raises Invalid naming `accuracy`.

    The adaptive plan is the draft's, or an example where it has none. It is left out where an item has several places
    to label, which all have to be sure, and where it may ask for more answers than are simulated.
    """
    labels, places = _sizes(job)
    if not 2 <= labels <= MOST_LABELS:
        return None
    share = _share(percent, labels)
    from broker.truth import plan, stopping  # noqa: PLC0415 - numpy and scipy, which no other page needs

    top = job.most or job.redundancy + EXAMPLE_MORE
    fits = places == 1 and top <= plan.ANSWERS_EACH
    rule = stopping.Rule(job.redundancy, top, job.sure) if fits else stopping.Rule(most=max(plan.FIXED))
    lines = []
    for one in plan.usual(labels, share, rule)[: None if fits else -1]:
        least, most = one.rule.least, one.rule.most
        chosen = (least, most) == (job.redundancy, job.most or job.redundancy)
        answers = round(items * one.per_item)
        lines.append(Line(least, most, one.per_item, one.accuracy, answers, answers * job.reward, chosen))
    return Outlook(labels, tuple(lines))


def _sizes(job: Job) -> tuple[int, int]:
    """The labels of the draft's kind and the places that get one; no labels where it has none, or is not set yet."""
    try:
        room = furnish(job.kind, job.settings)
    except Invalid:
        return 0, 0
    return (len(room.options()), len(room.places())) if isinstance(room, Cells) else (0, 0)


def _share(percent: str, labels: int) -> float:
    least = 100 // labels + 1
    text = percent.strip()
    if text.isascii() and text.isdigit() and len(text) <= 3 and least <= int(text) <= 99:
        return int(text) / 100
    message = f"{percent[:40]!r} is no whole number from {least} to 99: chance alone gets one of {labels} labels right"
    raise Invalid(message, problems=[Problem(message, column="accuracy")])
