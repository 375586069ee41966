"""CONCLUDE: what the answers of a job say: consensus with confidence, agreement, and the trust in each worker.

Three steps, so that no transaction lasts as long as the statistics: `gather` reads, `infer` computes, `keep` writes.
"""

import datetime as dt
import statistics
from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from broker.annotation.cells import Cells
from broker.annotation.live import Crowd, follows
from broker.kinds.registry import furnish
from broker.store import beliefs, errands, hits, jobs, live, turns
from broker.store.beliefs import Finding
from broker.store.db import Record, Unit
from broker.store.jobs import RUNNING, Hold, JobState
from broker.truth.agreement import fleiss_kappa
from broker.truth.answers import UNKNOWN, Answers, Codes
from broker.truth.consensus import Consensus
from broker.truth.models import aggregate
from broker.truth.trust import Trust, believe, trust

MODELS = ("majority", "dawid-skene")
ENDED = (JobState.DONE, JobState.STOPPED)
AT_ONCE = 500
Cell = tuple[int, str]
"""A place of a HIT's answer: Dawid-Skene judges each as an item of its own."""


@dataclass(frozen=True)
class Gathered:
    """A job's answers as they stood at one moment."""

    room: Cells[Any]
    rows: Sequence[Record]
    ended: bool


@dataclass(frozen=True)
class Concluded:
    """One model's result: a finding per HIT with answers."""

    model: str
    findings: Sequence[Finding]


@dataclass(frozen=True)
class Inferred:
    """All that the answers say."""

    results: Sequence[Concluded]
    agreement: float | None
    trust: Mapping[int, beliefs.Belief]
    crowd: Crowd | None
    """What the live posterior goes on from."""


def gather(unit: Unit, job_id: int) -> Gathered | None:
    """Read the job's answers; None if there are none yet."""
    job = jobs.job(unit, job_id)
    room = furnish(job.kind, job.settings)
    rows = turns.answers_of(unit, job_id)
    if not rows:
        return None
    if not isinstance(room, Cells):
        raise TypeError(f"no model aggregates the kind {job.kind!r}")
    return Gathered(room, rows, job.state in ENDED)


def infer(gathered: Gathered) -> Inferred:
    """Run the models. Fleiss' kappa is over ordinary HITs: on gold people agree with the truth, not with each other."""
    answers, gold = _columns(gathered)
    counts: dict[int, int] = defaultdict(int)
    for row in gathered.rows:
        counts[row.hit_id] += 1
    found = {model: aggregate(answers, model, gold) for model in MODELS}
    ordinary = answers.subset(gold[answers.item] == UNKNOWN)
    return Inferred(
        [Concluded(model, _findings(gathered.room, answers, one, counts)) for model, one in found.items()],
        fleiss_kappa(ordinary),
        _beliefs(answers, trust(answers, found[beliefs.LIVE], gold), gathered.rows),
        _crowd(gathered.room, answers, gold, found[beliefs.LIVE]),
    )


def keep(unit: Unit, job_id: int, gathered: Gathered, inferred: Inferred, now: dt.datetime) -> None:
    """Write the results as new versions, and what is now believed of each worker, in this job and over all."""
    size = len(gathered.rows)
    late = _go_on(unit, job_id, inferred, size) if inferred.crowd else {}
    for result in inferred.results:
        more = late if result.model == beliefs.LIVE and not gathered.ended else {}
        total = size + sum(finding.answers for finding in more.values()) - _known(result, more)
        version = beliefs.write_version(
            unit, job_id, result.model, answers=total, agreement=inferred.agreement, final=gathered.ended, at=now
        )
        beliefs.write_findings(unit, version, result.findings)
        beliefs.put_findings(unit, version, more.values())
        beliefs.prune(unit, job_id, result.model)
    _adapt(unit, job_id, inferred.results[-1].findings, now)
    beliefs.write_trust(unit, job_id, inferred.trust, now)
    for worker_id in sorted(inferred.trust):
        beliefs.write_trust(unit, beliefs.ALL_JOBS, {worker_id: _over_all(unit, worker_id)}, now)


def _crowd(room: Cells[Any], answers: Answers, gold: Codes, consensus: Consensus) -> Crowd | None:
    if not follows(room):
        return None
    crowd = Crowd(room)
    crowd.live.load(consensus, answers, gold)
    return crowd


def _go_on(unit: Unit, job_id: int, inferred: Inferred, size: int) -> dict[int, Finding]:
    """Have the live posterior go on from the fit, with the answers judged meanwhile; the HITs that have such."""
    crowd = cast("Crowd", inferred.crowd)
    held = live.begin(unit, job_id, len(crowd.options))
    fitted = {finding.hit_id: finding.answers for finding in inferred.results[-1].findings}
    now = live.counts(unit, job_id)
    late = sorted(hit_id for hit_id, answers in now.items() if answers > fitted.get(hit_id, 0))
    for hit_id, state in sorted(live.states(unit, job_id, late).items()):
        crowd.follow(hit_id, state)
    live.clear(unit, held, size)
    live.save(unit, held, crowd, sorted(fitted.keys() | late))
    return {hit_id: Finding(hit_id, *crowd.answer(hit_id)) for hit_id in late}


def _known(result: Concluded, hits_wanted: Mapping[int, Finding]) -> int:
    return sum(finding.answers for finding in result.findings if finding.hit_id in hits_wanted)


def _adapt(unit: Unit, job_id: int, findings: Sequence[Finding], now: dt.datetime) -> None:
    """Ask for one more answer where an adaptive plan is not sure yet, and for none where it is sure early."""
    job = jobs.job(unit, job_id, Hold.CHANGE)
    if not job.most or job.state not in RUNNING:
        return
    grown = closed = 0
    for start in range(0, len(findings), AT_ONCE):
        some = findings[start : start + AT_ONCE]
        grown += hits.grow(unit, job_id, [one.hit_id for one in some if one.confidence < job.sure], job.most)
        sure = [one.hit_id for one in some if one.confidence >= job.sure and one.answers >= job.redundancy]
        closed += hits.close_early(unit, job_id, sure, job.redundancy)
    jobs.count(unit, job_id, done=closed - grown, answers=0)
    if job.done + closed - grown >= job.hits and jobs.move_job(unit, job_id, RUNNING, JobState.DONE, finished_at=now):
        errands.later(unit, "settle", job_id, now)
        errands.later(unit, "conclude", job_id, now, queue="statistics")


def _columns(gathered: Gathered) -> tuple[Answers, Codes]:
    room = gathered.room
    truths: dict[Hashable, Hashable] = {}
    items: list[Cell] = []
    workers: list[int] = []
    labels: list[str] = []
    for row in gathered.rows:
        for place, label in room.split(room.parse(row.answer, {})).items():
            items.append((row.hit_id, place))
            workers.append(row.worker_id)
            labels.append(label)
        if row.gold:
            for place, label in room.split(room.parse(row.truth, {})).items():
                truths[row.hit_id, place] = label
    answers = Answers.from_columns(items, workers, labels, label_names=room.options())
    return answers, answers.gold(truths)


def _findings(room: Cells[Any], answers: Answers, consensus: Consensus, counts: Mapping[int, int]) -> list[Finding]:
    labels: dict[int, dict[str, str]] = defaultdict(dict)
    sure: dict[int, float] = defaultdict(lambda: 1.0)
    cells = cast("tuple[Cell, ...]", answers.items)
    for (hit_id, place), code, confidence in zip(
        cells, consensus.labels.tolist(), consensus.confidence.tolist(), strict=True
    ):
        labels[hit_id][place] = str(answers.labels[code])
        # The whole answer is right only if every place of it is; the models take places for independent.
        sure[hit_id] *= confidence
    return [Finding(hit, room.dump(room.join(places)), sure[hit], counts[hit]) for hit, places in labels.items()]


def _beliefs(answers: Answers, found: Trust, rows: Sequence[Record]) -> dict[int, beliefs.Belief]:
    mine: dict[int, list[Record]] = defaultdict(list)
    for row in rows:
        mine[row.worker_id].append(row)
    workers = cast("tuple[int, ...]", answers.workers)
    return {worker: _belief(found, place, mine[worker]) for place, worker in enumerate(workers)}


def _belief(found: Trust, place: int, rows: Sequence[Record]) -> beliefs.Belief:
    scores = [row.score for row in rows if row.score is not None]
    times = [row.seconds for row in rows if row.seconds is not None]
    compared = int(found.compared[place])
    return beliefs.Belief(
        mean=float(found.mean[place]),
        low=float(found.low[place]),
        high=float(found.high[place]),
        gold_right=sum(scores),
        gold_seen=len(scores),
        answers=len(rows),
        evidence=float(found.right[place] + found.wrong[place]),
        agreement=int(found.agreed[place]) / compared if compared else None,
        median_seconds=statistics.median(times) if times else None,
    )


def _over_all(unit: Unit, worker_id: int) -> beliefs.Belief:
    """Evidence adds up over jobs: Beta(1 + right, 1 + wrong) with the sums of what each job showed."""
    rows = beliefs.trust_by_job(unit, worker_id)
    evidence = sum(row.evidence for row in rows)
    right = sum(row.mean * (row.evidence + 2) - 1 for row in rows)
    mean, low, high = (float(one[0]) for one in believe(np.array([right]), np.array([max(evidence - right, 0.0)])))
    answers = sum(row.answers for row in rows)
    agreements = [(row.agreement, row.answers) for row in rows if row.agreement is not None]
    times = sorted((row.median_seconds, row.answers) for row in rows if row.median_seconds is not None)
    return beliefs.Belief(
        mean=mean,
        low=low,
        high=high,
        gold_right=sum(row.gold_right for row in rows),
        gold_seen=sum(row.gold_seen for row in rows),
        answers=answers,
        evidence=evidence,
        agreement=_weighted(agreements),
        median_seconds=times[len(times) // 2][0] if times else None,
    )


def _weighted(values: Sequence[tuple[float, int]]) -> float | None:
    total = sum(weight for _, weight in values)
    return sum(value * weight for value, weight in values) / total if total else None
