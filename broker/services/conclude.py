"""CONCLUDE: what the answers of a job say: consensus with confidence, agreement, and the trust in each worker.

Three steps, so that no transaction lasts as long as the statistics: `gather` reads, `infer` computes, `keep` writes.
"""

import datetime as dt
import statistics
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from broker.annotation.cells import Cells
from broker.kinds.registry import furnish
from broker.store import beliefs, errands, hits, jobs, turns
from broker.store.beliefs import Finding
from broker.store.db import Record, Unit
from broker.store.jobs import RUNNING, Hold, JobState
from broker.truth.adaptive import Judgement, curve_on_gold, fit, judge
from broker.truth.agreement import fleiss_kappa
from broker.truth.answers import UNKNOWN, Answers, Codes
from broker.truth.calibration import calibration_error
from broker.truth.consensus import Consensus
from broker.truth.stopping import Rule
from broker.truth.trust import Trust, believe, trust

MODELS = ("majority", "dawid-skene")
ENDED = (JobState.DONE, JobState.STOPPED)
AT_ONCE = 500
Cell = tuple[int, str]
"""A place of a HIT's answer: Dawid-Skene judges each as an item of its own."""


@dataclass(frozen=True)
class Gathered:
    """A job's answers as they stood at one moment, and the plan they are judged by."""

    room: Cells[Any]
    rows: Sequence[Record]
    ended: bool
    rule: Rule


@dataclass(frozen=True)
class Concluded:
    """One model's result: a finding per HIT with answers, how its confidence came about, and what the plan makes of
    it: the HITs that are `sure`, and those that `want` one more answer.
    """

    model: str
    findings: Sequence[Finding]
    calibration: Mapping[str, Any]
    sure: Sequence[int]
    want: Sequence[int]


@dataclass(frozen=True)
class Inferred:
    """All that the answers say."""

    results: Sequence[Concluded]
    agreement: float | None
    trust: Mapping[int, beliefs.Belief]


def gather(unit: Unit, job_id: int) -> Gathered | None:
    """Read the job's answers; None if there are none yet."""
    job = jobs.job(unit, job_id)
    room = furnish(job.kind, job.settings)
    rows = turns.answers_of(unit, job_id)
    if not rows:
        return None
    if not isinstance(room, Cells):
        raise TypeError(f"no model aggregates the kind {job.kind!r}")
    rule = Rule(job.redundancy, max(job.redundancy, job.most), job.sure)
    return Gathered(room, rows, job.state in ENDED, rule)


def infer(gathered: Gathered) -> Inferred:
    """Run the models. Fleiss' kappa is over ordinary HITs: on gold people agree with the truth, not with each other."""
    answers, gold = _columns(gathered)
    found = {model: fit(answers, gold, model) for model in MODELS}
    ordinary = answers.subset(gold[answers.item] == UNKNOWN)
    return Inferred(
        [_concluded(gathered, answers, gold, model, one) for model, one in found.items()],
        fleiss_kappa(ordinary),
        _beliefs(answers, trust(answers, found[MODELS[-1]], gold), gathered.rows),
    )


def keep(unit: Unit, job_id: int, gathered: Gathered, inferred: Inferred, now: dt.datetime) -> None:
    """Write the results as new versions, and what is now believed of each worker, in this job and over all."""
    size = len(gathered.rows)
    for result in inferred.results:
        version = beliefs.write_version(
            unit, job_id, result.model, answers=size, agreement=inferred.agreement, final=gathered.ended, at=now
        )
        beliefs.write_calibration(unit, version, dict(result.calibration))
        beliefs.write_findings(unit, version, result.findings)
        beliefs.prune(unit, job_id, result.model)
    _adapt(unit, job_id, inferred.results[-1], now)
    beliefs.write_trust(unit, job_id, inferred.trust, now)
    for worker_id in sorted(inferred.trust):
        beliefs.write_trust(unit, beliefs.ALL_JOBS, {worker_id: _over_all(unit, worker_id)}, now)


def _adapt(unit: Unit, job_id: int, found: Concluded, now: dt.datetime) -> None:
    """Ask for one more answer where an adaptive plan is not sure yet, and for none where it is sure early."""
    job = jobs.job(unit, job_id, Hold.CHANGE)
    if not job.most or job.state not in RUNNING:
        return
    grown = sum(hits.grow(unit, job_id, some, job.most) for some in _batches(found.want))
    closed = sum(hits.close_early(unit, job_id, some, job.redundancy) for some in _batches(found.sure))
    jobs.count(unit, job_id, done=closed - grown, answers=0)
    if job.done + closed - grown >= job.hits and jobs.move_job(unit, job_id, RUNNING, JobState.DONE, finished_at=now):
        errands.later(unit, "settle", job_id, now)
        errands.later(unit, "conclude", job_id, now, queue="statistics")


def _batches(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(ids), AT_ONCE):
        yield ids[start : start + AT_ONCE]


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


def _concluded(gathered: Gathered, answers: Answers, gold: Codes, model: str, consensus: Consensus) -> Concluded:
    """Put the places of each HIT together again, and judge the HITs by the plan."""
    cells = cast("tuple[Cell, ...]", answers.items)
    ids = list(dict.fromkeys(hit_id for hit_id, _ in cells))
    place_of = {hit_id: place for place, hit_id in enumerate(ids)}
    whole = np.array([place_of[hit_id] for hit_id, _ in cells], dtype=np.int32)
    possible = np.full(len(ids), not gathered.ended)
    found = judge(answers, consensus, gold, gathered.rule, possible, whole)
    labels: dict[int, dict[str, str]] = defaultdict(dict)
    for (hit_id, place), code in zip(cells, consensus.labels.tolist(), strict=True):
        labels[hit_id][place] = str(answers.labels[code])
    room, counts = gathered.room, Counter(row.hit_id for row in gathered.rows)
    findings = [
        Finding(
            hit_id,
            room.dump(room.join(labels[hit_id])),
            float(found.confidence[place]),
            counts[hit_id],
            undecided=bool(found.decision.undecided[place]),
        )
        for place, hit_id in enumerate(ids)
    ]
    sure, want = (
        [ids[place] for place in np.flatnonzero(mask)] for mask in (found.decision.closed, found.decision.wanted)
    )
    return Concluded(model, findings, _calibration(answers, consensus, gold, found), sure, want)


def _calibration(answers: Answers, consensus: Consensus, gold: Codes, found: Judgement) -> dict[str, Any]:
    """What the pages show of it: on how many gold items it was fitted (0: the default), and its reliability curve."""
    curve = curve_on_gold(answers, consensus, gold)
    return {
        "golds": found.calibration.golds,
        "temperature": round(found.calibration.temperature, 4),
        "mix": round(found.calibration.mix, 4),
        "error": round(calibration_error(curve), 4),
        "curve": [[round(one.confidence, 4), round(one.accuracy, 4), one.items] for one in curve],
    }


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
