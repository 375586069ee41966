"""What the parts of `benchmarks.kinds` share: a room's own consensus beside one worker's answers and other rules."""

import statistics
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from broker.annotation.kind import Kind, Vote
from broker.annotation.weigh import Given, weigh
from broker.truth.distance import medoid
from broker.truth.stopping import Rule

Figures = dict[str, Any]
Answers = Mapping[str, Mapping[str, Any]]
"""Item -> worker -> answer."""


def consensus(room: Kind[Any], answers: Answers) -> dict[str, Any]:
    """What the broker concludes when all have answered: weighed by a trust that comes from the answers alone."""
    items, workers = list(answers), sorted({worker for votes in answers.values() for worker in votes})
    codes = {worker: code for code, worker in enumerate(workers)}
    given = [
        Given(number, codes[worker], answer)
        for number, item in enumerate(items)
        for worker, answer in answers[item].items()
    ]
    found = weigh(room, given, Rule(), ended=True)
    return {items[hit]: verdict.answer for hit, verdict in zip(found.hits, found.verdicts, strict=True)}


def unweighed(room: Kind[Any], answers: Answers) -> dict[str, Any]:
    """The room's aggregation with all workers trusted alike."""
    return {
        item: room.aggregate([Vote(number, answer, 0.7) for number, answer in enumerate(votes.values())]).answer
        for item, votes in answers.items()
    }


def most_alike(room: Kind[Any], answers: Answers) -> dict[str, Any]:
    """The answer most like all others, the rule that any kind has."""
    found = {}
    for item, votes in answers.items():
        given = list(votes.values())
        found[item] = given[medoid(given, room.likeness).place]
    return found


def compared(room: Kind[Any], answers: Answers, truth: Mapping[str, Any], **rules: Callable[[], Answers]) -> Figures:
    """The mean likeness to the truth, over the items that have one: of the answers, of the consensus, of other rules.

    `single` is the mean over items of the mean over their answers; `workers` the mean over workers with ten or more.
    """
    known = [item for item in answers if item in truth]
    by_worker: dict[str, list[float]] = {}
    for item in known:
        for worker, answer in answers[item].items():
            by_worker.setdefault(worker, []).append(room.likeness(answer, truth[item]))
    single = _mean(_mean(room.likeness(one, truth[item]) for one in answers[item].values()) for item in known)
    ways = {"consensus": consensus, "unweighed": unweighed, "most_alike": most_alike}
    found = {name: way(room, answers) for name, way in ways.items()}
    found |= {name: dict(rule()) for name, rule in rules.items()}
    scores = {
        name: round(_mean(room.likeness(verdicts[item], truth[item]) for item in known), 4)
        for name, verdicts in found.items()
    }
    often = [_mean(grades) for grades in by_worker.values() if len(grades) >= 10]
    return {"items": len(known), "single": round(single, 4), "workers": round(_mean(often), 4), **scores}


def _mean(values: Iterable[float]) -> float:
    return statistics.fmean(values)
