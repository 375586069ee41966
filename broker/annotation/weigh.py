"""The answers to a job whose kind has no places: each HIT's consensus weighed by trust, and the trust itself."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from broker.annotation.kind import Kind, Verdict, Vote
from broker.truth.adaptive import Judgement
from broker.truth.alike import Believed, Compared, believe_alike, beyond_chance, known_by_any
from broker.truth.answers import Floats
from broker.truth.calibration import Bin, calibrate, cross_fitted, reliability
from broker.truth.distance import spread
from broker.truth.evidence import Evidence
from broker.truth.stopping import Decision, Rule, decide, honest

COMPARISONS = 4000
"""Pairs of answers that are compared to know how alike answers to different items are."""
RIGHT_OR_WRONG = 2
"""Confidence is about whether the answer is right: two classes."""


class Given(NamedTuple):
    """One worker's answer to a HIT; `truth` is the gold answer, None where the HIT has none."""

    hit: int
    worker: int
    answer: Any
    truth: Any = None


@dataclass(frozen=True)
class Weighed:
    """What the answers say: per HIT its verdict and the votes for it, in the order of first answers; per worker how
    far they are believed; how two answers to an item are alike; the plan's decision; the reliability on gold.
    """

    hits: tuple[int, ...]
    verdicts: tuple[Verdict[Any], ...]
    counts: tuple[int, ...]
    workers: tuple[int, ...]
    believed: Believed
    likeness: Mapping[int, float]
    judged: Judgement
    curve: tuple[Bin, ...]


def weigh(room: Kind[Any], given: Sequence[Given], rule: Rule, *, ended: bool) -> Weighed:
    """Judge all answers of a job, of which there is at least one."""
    by_hit: dict[int, list[int]] = defaultdict(list)
    for row, one in enumerate(given):
        by_hit[one.hit].append(row)
    workers = tuple(sorted({one.worker for one in given}))
    compared, likeness = _compare(room, given, by_hit, {worker: code for code, worker in enumerate(workers)})
    believed = believe_alike(compared, len(workers), len(given))
    trust = dict(zip(workers, believed.accuracy.tolist(), strict=True))
    verdicts, evidence = _verdicts(room, given, by_hit, trust)
    truths = [given[rows[0]].truth for rows in by_hit.values()]
    judged, curve = _judge(room, verdicts, evidence, truths, rule, ended=ended)
    final = tuple(
        Verdict(one.answer if truth is None else truth, float(sure))
        for one, truth, sure in zip(verdicts, truths, judged.confidence, strict=True)
    )
    counts = tuple(len(rows) for rows in by_hit.values())
    return Weighed(tuple(by_hit), final, counts, workers, believed, likeness, judged, curve)


def _compare(
    room: Kind[Any], given: Sequence[Given], by_hit: Mapping[int, list[int]], codes: Mapping[int, int]
) -> tuple[Compared, dict[int, float]]:
    """Pairs of answers to the same HIT, answers to gold instead of those; each worker's mean likeness to the others."""
    ordinary = [rows for rows in by_hit.values() if given[rows[0]].truth is None]
    pairs = [(i, j) for rows in ordinary for place, i in enumerate(rows) for j in rows[:place]]
    alike = np.array([room.likeness(given[i].answer, given[j].answer) for i, j in pairs], dtype=np.float64)
    graded = [row for row, one in enumerate(given) if one.truth is not None]
    grades = np.array([room.grade(given[row].answer, given[row].truth) for row in graded], dtype=np.float64)
    found = spread([[given[row].answer for row in rows] for rows in by_hit.values()], room.likeness, COMPARISONS)
    chance = 1.0 - found.expected if found else 0.0
    who = np.array([codes[one.worker] for one in given], dtype=np.int32)
    first, second = (np.array([pair[side] for pair in pairs], dtype=np.int32) for side in (0, 1))
    graders = who[np.array(graded, dtype=np.int32)]
    compared = Compared(
        who[first], who[second], first, second, beyond_chance(alike, chance), graders, beyond_chance(grades, chance)
    )
    both, twice = np.concatenate([who[first], who[second]]), np.concatenate([alike, alike])
    sums, many = np.bincount(both, weights=twice, minlength=len(codes)), np.bincount(both, minlength=len(codes))
    return compared, {worker: float(sums[code] / many[code]) for worker, code in codes.items() if many[code]}


def _verdicts(
    room: Kind[Any], given: Sequence[Given], by_hit: Mapping[int, list[int]], trust: Mapping[int, float]
) -> tuple[list[Verdict[Any]], Evidence]:
    """What the votes on each HIT say, gold HITs too as if their truth were not known."""
    verdicts, belief, share = [], [], []
    for rows in by_hit.values():
        votes = [Vote(given[row].worker, given[row].answer, trust[given[row].worker]) for row in rows]
        verdict = room.aggregate(votes)
        near = sum(room.likeness(vote.answer, verdict.answer) for vote in votes)
        verdicts.append(verdict)
        belief.append(verdict.confidence * known_by_any([vote.trust for vote in votes]))
        share.append((near + 1 / RIGHT_OR_WRONG) / (len(votes) + 1))
    given_to = np.array([len(rows) for rows in by_hit.values()], dtype=np.float64)
    labels = np.zeros(len(verdicts), dtype=np.int32)
    return verdicts, Evidence(labels, _unit(belief), _unit(share), given_to)


def _unit(values: Sequence[float]) -> Floats:
    clipped: Floats = np.clip(np.array(values, dtype=np.float64), 0.0, 1.0)
    return clipped


def _judge(
    room: Kind[Any],
    verdicts: Sequence[Verdict[Any]],
    evidence: Evidence,
    truths: Sequence[Any],
    rule: Rule,
    *,
    ended: bool,
) -> tuple[Judgement, tuple[Bin, ...]]:
    """Confidence that is right as often as it says, and what the plan makes of it; gold HITs are known."""
    known = np.array([truth is not None for truth in truths], dtype=np.bool_)
    golds = np.flatnonzero(known).tolist()
    right = np.array([room.grade(verdicts[at].answer, truths[at]) >= room.enough for at in golds], dtype=np.bool_)
    on_gold = _part(evidence, known)
    calibration = calibrate(on_gold, right, RIGHT_OR_WRONG)
    confidence = np.where(known, 1.0, calibration.confidence(evidence, RIGHT_OR_WRONG))
    score = np.where(known, 1.0, honest(evidence))
    found = decide(score, evidence.given, rule, ~known & (not ended))
    decision = Decision(score, found.closed | known, found.wanted, found.undecided & ~known)
    curve = reliability(cross_fitted(on_gold, right, RIGHT_OR_WRONG), right)
    return Judgement(confidence, decision, calibration, np.zeros(0), np.zeros(0, dtype=np.bool_)), curve


def _part(evidence: Evidence, rows: NDArray[np.bool_]) -> Evidence:
    return Evidence(evidence.label[rows], evidence.belief[rows], evidence.share[rows], evidence.given[rows])
