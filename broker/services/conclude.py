"""CONCLUDE: what the answers of a job say: consensus with confidence, agreement, and the trust in each worker.

Three steps, so that no transaction lasts as long as the statistics: `gather` reads, `infer` computes, `keep` writes.
"""

import datetime as dt
import statistics
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

import numpy as np

from broker.annotation.cells import Cells
from broker.annotation.kind import Kind
from broker.annotation.live import Crowd, follows
from broker.annotation.ranks import ranked, ranked_alike
from broker.annotation.weigh import Given, Weighed, weigh
from broker.kinds.registry import furnish
from broker.rules import ledger
from broker.store import beliefs, errands, hits, jobs, live, money, people, turns
from broker.store.beliefs import Finding
from broker.store.db import Json, Record, Unit
from broker.store.jobs import RUNNING, Hold, JobState
from broker.truth.adaptive import Judgement, curve_on_gold, fit, judge
from broker.truth.agreement import agreement, alpha_by_likeness
from broker.truth.answers import UNKNOWN, Answers, Codes
from broker.truth.calibration import Bin, Calibration, calibration_error
from broker.truth.consensus import Consensus
from broker.truth.pace import pace
from broker.truth.signals import Signal
from broker.truth.stopping import Rule
from broker.truth.trust import Trust, believe, trust
from broker.truth.watch import Seen, rushes, watch

MODELS = ("majority", "dawid-skene")
WEIGHED = "weighed"
"""The model of kinds without places: the room's own consensus, weighed by trust."""
ENDED = (JobState.DONE, JobState.STOPPED)
AT_ONCE = 500
MOST_COMPARED = 20_000
"""HITs whose answers are compared one by one for agreement over the kind's own distance."""
COMPARED_PAIRS = 4000
"""Pairs of answers compared for the expected distance, where one comparison may be of two masks."""
MOST_LABELS = 20
"""A confusion matrix of more labels is not kept: nobody reads it."""
Cell = tuple[int, str]
"""A place of a HIT's answer: Dawid-Skene judges each as an item of its own."""


@dataclass(frozen=True)
class Gathered:
    """A job's answers as they stood at one moment, and the plan they are judged by."""

    room: Kind[Any]
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
    figures: Json
    trust: Mapping[int, beliefs.Belief]
    crowd: Crowd | None
    """What the live posterior goes on from."""
    ranks: Mapping[int, int] = field(default_factory=dict)


def gather(unit: Unit, job_id: int) -> Gathered | None:
    """Read the job's answers; None if there are none yet."""
    job = jobs.job(unit, job_id)
    room = furnish(job.kind, job.settings)
    rows = turns.answers_of(unit, job_id)
    if not rows:
        return None
    rule = Rule(job.redundancy, max(job.redundancy, job.most), job.sure)
    return Gathered(room, rows, job.state in ENDED, rule)


def infer(gathered: Gathered) -> Inferred:
    """Run the models. Agreement is over ordinary HITs: on gold people agree with the truth, not with each other."""
    room = gathered.room
    return _by_places(gathered, room) if isinstance(room, Cells) else _by_likeness(gathered)


def _by_places(gathered: Gathered, room: Cells[Any]) -> Inferred:
    answers, gold = _columns(gathered, room)
    found = {model: fit(answers, gold, model) for model in MODELS}
    figures = _agreement(gathered, answers.subset(gold[answers.item] == UNKNOWN))
    return Inferred(
        [_concluded(gathered, room, answers, gold, model, one) for model, one in found.items()],
        figures,
        _beliefs(answers, found[beliefs.LIVE], gold, gathered.rows),
        _crowd(room, answers, gold, found[beliefs.LIVE]),
        ranked(answers, found[beliefs.LIVE]),
    )


def _by_likeness(gathered: Gathered) -> Inferred:
    room, empty = gathered.room, dict[str, Any]()
    read = [
        (room.parse(row.answer, empty), room.parse(row.truth, empty) if row.gold else None) for row in gathered.rows
    ]
    given = [Given(row.hit_id, row.worker_id, *one) for row, one in zip(gathered.rows, read, strict=True)]
    found = weigh(room, given, gathered.rule, ended=gathered.ended)
    decision = found.judged.decision
    findings = [
        Finding(hit_id, room.dump(verdict.answer), verdict.confidence, many, undecided=bool(undecided))
        for hit_id, verdict, many, undecided in zip(
            found.hits, found.verdicts, found.counts, decision.undecided, strict=True
        )
    ]
    sure, want = ([found.hits[place] for place in some] for some in (np.flatnonzero(decision.closed), decision.next))
    concluded = Concluded(WEIGHED, findings, _told_of(found.judged.calibration, found.curve), sure, want)
    trusted, ranks = _believed(gathered, found), ranked_alike(found)
    return Inferred([concluded], _alpha(gathered, COMPARED_PAIRS), trusted, None, ranks)


def _believed(gathered: Gathered, found: Weighed) -> dict[int, beliefs.Belief]:
    """What is believed of each worker whose answers are only more or less alike others', and who rushes."""
    mine: dict[int, list[Record]] = defaultdict(list)
    for row in gathered.rows:
        mine[row.worker_id].append(row)
    right = found.believed.accuracy * found.believed.evidence
    mean, low, high = believe(right, found.believed.evidence - right)
    codes = {worker: code for code, worker in enumerate(found.workers)}
    timed = np.array([codes[row.worker_id] for row in gathered.rows], dtype=np.int32)
    signals: dict[int, list[Json]] = defaultdict(list)
    for signal in rushes(pace(timed, [row.seconds or 0.0 for row in gathered.rows], len(codes))):
        signals[signal.worker].append({"name": signal.name, "p": signal.p, "figures": dict(signal.figures)})
    return {
        worker: beliefs.Belief(
            mean=float(mean[place]),
            low=float(low[place]),
            high=float(high[place]),
            **_counted(mine[worker], gathered.room.enough),
            evidence=float(found.believed.evidence[place]),
            agreement=found.likeness.get(worker),
            signals={"told": signals[place]},
        )
        for place, worker in enumerate(found.workers)
    }


def _counted(rows: Sequence[Record], enough: float) -> dict[str, Any]:
    """What can be counted of one worker's answers; a grade of `enough` or more counts as right."""
    scores = [row.score for row in rows if row.score is not None]
    times = [row.seconds for row in rows if row.seconds is not None]
    return {
        "gold_right": float(sum(score >= enough for score in scores)),
        "gold_seen": len(scores),
        "answers": len(rows),
        "median_seconds": statistics.median(times) if times else None,
    }


def keep(unit: Unit, job_id: int, gathered: Gathered, inferred: Inferred, now: dt.datetime) -> None:
    """Write the results as new versions, and what is now believed of each worker, in this job and over all."""
    size, names = len(gathered.rows), _named(unit, inferred.trust.values())
    late = _go_on(unit, job_id, inferred, size) if inferred.crowd else {}
    for result in inferred.results:
        more = late if result.model == beliefs.LIVE and not gathered.ended else {}
        total = size + sum(finding.answers for finding in more.values()) - _known(result, more)
        version = beliefs.write_version(
            unit, job_id, result.model, answers=total, figures=inferred.figures, final=gathered.ended, at=now
        )
        beliefs.write_calibration(unit, version, dict(result.calibration))
        beliefs.write_findings(unit, version, result.findings)
        beliefs.put_findings(unit, version, more.values())
        beliefs.prune(unit, job_id, result.model)
    _adapt(unit, job_id, inferred.results[-1], now)
    told = {worker: replace(one, signals=_told(one, job_id, names)) for worker, one in inferred.trust.items()}
    beliefs.write_trust(unit, job_id, told, now)
    for worker_id in sorted(inferred.trust):
        beliefs.write_trust(unit, beliefs.ALL_JOBS, {worker_id: beliefs.over_all(unit, worker_id)}, now)


def _crowd(room: Cells[Any], answers: Answers, gold: Codes, consensus: Consensus) -> Crowd | None:
    if not follows(room):
        return None
    crowd = Crowd(room)
    if consensus.confusions is not None:
        crowd.live.load(consensus, answers, gold)
        return crowd
    # Nothing could be compared yet: there is no fit to go on from, but there are the answers.
    for item in np.flatnonzero(gold != UNKNOWN):
        crowd.live.set_gold(answers.items[item], int(gold[item]))
    columns = zip(answers.item.tolist(), answers.worker.tolist(), answers.label.tolist(), strict=True)
    crowd.live.replay((answers.items[item], answers.workers[worker], label) for item, worker, label in columns)
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
    calibration = Calibration.of(inferred.results[-1].calibration)
    return {hit_id: Finding(hit_id, *crowd.answer(hit_id, calibration)) for hit_id in late}


def _known(result: Concluded, hits_wanted: Mapping[int, Finding]) -> int:
    return sum(finding.answers for finding in result.findings if finding.hit_id in hits_wanted)


def _adapt(unit: Unit, job_id: int, found: Concluded, now: dt.datetime) -> None:
    """Ask for one more answer where an adaptive plan is not sure yet, and for none where it is sure early."""
    job = jobs.job(unit, job_id, Hold.CHANGE)
    if not job.most or job.state not in RUNNING:
        return
    most = hits.affordable(unit, job, money.balance(unit, ledger.escrow(job_id))) if job.budget else None
    grown = sum(hits.grow(unit, job_id, some, job.most) for some in _batches(found.want[:most]))
    closed = sum(hits.close_early(unit, job_id, some, job.redundancy) for some in _batches(found.sure))
    jobs.count(unit, job_id, done=closed - grown, answers=0)
    if job.done + closed - grown >= job.hits and jobs.move_job(unit, job_id, RUNNING, JobState.DONE, finished_at=now):
        errands.later(unit, "settle", job_id, now)
        errands.later(unit, "conclude", job_id, now, queue="statistics")


def _batches(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(ids), AT_ONCE):
        yield ids[start : start + AT_ONCE]


def _columns(gathered: Gathered, room: Cells[Any]) -> tuple[Answers, Codes]:
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


def _concluded(
    gathered: Gathered, room: Cells[Any], answers: Answers, gold: Codes, model: str, consensus: Consensus
) -> Concluded:
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
    counts = Counter(row.hit_id for row in gathered.rows)
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
    decision = found.decision
    sure, want = ([ids[place] for place in some] for some in (np.flatnonzero(decision.closed), decision.next))
    return Concluded(model, findings, _calibration(answers, consensus, gold, found), sure, want)


def _calibration(answers: Answers, consensus: Consensus, gold: Codes, found: Judgement) -> dict[str, Any]:
    return _told_of(found.calibration, curve_on_gold(answers, consensus, gold))


def _told_of(calibration: Calibration, curve: tuple[Bin, ...]) -> dict[str, Any]:
    """What the pages show of it: on how many gold items it was fitted (0: the default), and its reliability curve."""
    return {
        "golds": calibration.golds,
        "temperature": round(calibration.temperature, 4),
        "mix": round(calibration.mix, 4),
        "error": round(calibration_error(curve), 4),
        "curve": [[round(one.confidence, 4), round(one.accuracy, 4), one.items] for one in curve],
    }


def _agreement(gathered: Gathered, ordinary: Answers) -> Json:
    """Percent and Fleiss' kappa over places, Krippendorff's alpha over the kind's own distance of whole answers."""
    figures = agreement(ordinary)
    return {name: figures[name]._asdict() for name in ("percent", "fleiss")} | _alpha(gathered)


def _alpha(gathered: Gathered, comparisons: int | None = None) -> Json:
    units: dict[int, list[Any]] = defaultdict(list)
    for row in gathered.rows:
        if not row.gold and (row.hit_id in units or len(units) < MOST_COMPARED):
            units[row.hit_id].append(gathered.room.parse(row.answer, {}))
    return {"alpha": alpha_by_likeness(list(units.values()), gathered.room.likeness, comparisons)._asdict()}


def _beliefs(answers: Answers, consensus: Consensus, gold: Codes, rows: Sequence[Record]) -> dict[int, beliefs.Belief]:
    """What is believed of each worker, with the signals about them."""
    found = trust(answers, consensus, gold)
    workers = cast("tuple[int, ...]", answers.workers)
    codes = {worker: code for code, worker in enumerate(workers)}
    timed = np.array([codes[row.worker_id] for row in rows], dtype=np.int32), [row.seconds or 0.0 for row in rows]
    seen = Seen.of(answers, consensus, gold, moment=_moments(answers, rows), timed=timed)
    signals: dict[int, list[Json]] = defaultdict(list)
    for signal in watch(seen):
        signals[signal.worker].append(_sign(answers, signal))
    mine: dict[int, list[Record]] = defaultdict(list)
    for row in rows:
        mine[row.worker_id].append(row)
    return {
        worker: replace(
            _belief(found, place, mine[worker]),
            score=float(seen.knowledge.score[place]),
            confusion=_confusion(answers, consensus, place),
            signals={"told": signals[place]},
        )
        for place, worker in enumerate(workers)
    }


def _moments(answers: Answers, rows: Sequence[Record]) -> Sequence[int]:
    """For each answer, in the order of `answers`, which of the job's assignments it is of: they come in that order."""
    places = {(row.hit_id, row.worker_id): place for place, row in enumerate(rows)}
    hit_ids = [cell[0] for cell in cast("tuple[Cell, ...]", answers.items)]
    pairs = zip(answers.item.tolist(), answers.worker.tolist(), strict=True)
    return [places[hit_ids[item], cast("int", answers.workers[worker])] for item, worker in pairs]


def _sign(answers: Answers, signal: Signal) -> Json:
    """A signal as it is kept: names instead of codes."""
    figures: Json = dict(signal.figures)
    if "top" in figures:
        figures["top"] = str(answers.labels[int(figures["top"])])
    other = {} if signal.other is None else {"other": answers.workers[signal.other]}
    return {"name": signal.name, "p": signal.p, "figures": figures, **other}


def _confusion(answers: Answers, consensus: Consensus, worker: int) -> Json | None:
    """The worker's answers by the label that was found, as far as the posterior tells: rows are labels found."""
    if consensus.confusions is None or answers.n_classes > MOST_LABELS:
        return None
    mine = consensus.confusions.worker == worker
    counts = np.zeros((answers.n_classes, answers.n_classes))
    counts[consensus.confusions.label[mine]] = consensus.confusions.counts[mine]
    return {"labels": [str(name) for name in answers.labels], "counts": counts.T.round(1).tolist()}


def _named(unit: Unit, found: Iterable[beliefs.Belief]) -> dict[int, str]:
    """Public ids of the second workers of pairs."""
    told = [sign for one in found for sign in (one.signals or {}).get("told", ())]
    return people.public_ids(unit, {sign["other"] for sign in told if "other" in sign})


def _told(belief: beliefs.Belief, job_id: int, names: Mapping[int, str]) -> Json:
    signs = (belief.signals or {}).get("told", ())
    return {
        "told": [
            {**sign, "job": job_id, **({"other": names[sign["other"]]} if "other" in sign else {})} for sign in signs
        ]
    }


def _belief(found: Trust, place: int, rows: Sequence[Record]) -> beliefs.Belief:
    compared = int(found.compared[place])
    return beliefs.Belief(
        mean=float(found.mean[place]),
        low=float(found.low[place]),
        high=float(found.high[place]),
        **_counted(rows, 1.0) | {"gold_right": sum(row.score for row in rows if row.score is not None)},
        evidence=float(found.right[place] + found.wrong[place]),
        agreement=int(found.agreed[place]) / compared if compared else None,
    )
