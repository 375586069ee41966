"""CONCUR: review HITs by the statistics' consensus: who agrees how surely, and which HITs need one more answer.

The policy CrowdBrokerConsensus gives clients of the Requester API what jobs made here have: Dawid-Skene, calibrated
confidence, and answers only where they are needed. As in CONCLUDE no transaction lasts as long as the statistics.
"""

import datetime as dt
import functools
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from broker.rules import review_policy
from broker.rules.policy_parameters import Parameter
from broker.rules.review_policy import Consensus, Extension, KnownAnswers, Level, Policy, Report, Result, Values, Wish
from broker.store import policies
from broker.store.db import Json, Record, Unit
from broker.store.work import Turn
from broker.truth.questions import Agreed, Found, Given, agree

MOST_HITS = 20_000
"""The latest HITs of a type that are judged together."""
LONGEST_LABEL = 256


@dataclass(frozen=True)
class Gathered:
    """The answers of all HITs under the policy, what is known of them, and which of the HITs are to be reviewed."""

    rows: Sequence[Record]
    policies: Mapping[int, Consensus]
    known: Mapping[int, Mapping[str, Values]]
    due: Mapping[int, int]
    """By HIT: how many answers it has."""

    @functools.cached_property
    def by_hit(self) -> Mapping[int, Sequence[Record]]:
        """The answers to each HIT."""
        found: dict[int, list[Record]] = defaultdict(list)
        for row in self.rows:
            found[row.hit_id].append(row)
        return found


@dataclass(frozen=True)
class Judged:
    """A HIT's review, and the answers that it is of."""

    report: Report
    answers: int


def gather(unit: Unit, job_id: int, now: dt.datetime) -> Gathered | None:
    """Read what is to be judged; None if no HIT has answers that were not reviewed."""
    under = dict(policies.under(unit, job_id, Policy.CONSENSUS, limit=MOST_HITS))
    rows = [row for row in policies.answers(unit, list(under)) if row.state != Turn.REJECTED]
    counts: dict[int, int] = defaultdict(int)
    for row in rows:
        counts[row.hit_id] += 1
    seen = policies.seen(unit, list(counts), Level.HIT)
    fresh = [hit_id for hit_id, count in counts.items() if count > seen.get(hit_id, 0)]
    due = {hit_id: counts[hit_id] for hit_id in policies.over(unit, fresh, now)}
    if not due:
        return None
    read = {hit_id: _policy(told) for hit_id, told in under.items()}
    return Gathered(rows, read, _known(unit, list(under)), due)


def _parameters(told: Json) -> list[Parameter]:
    return [Parameter.parse(one) for one in told.get("Parameters") or ()]


def _policy(told: Json) -> Consensus:
    found = review_policy.read(told["PolicyName"], Level.HIT, _parameters(told))
    if not isinstance(found, Consensus):
        raise TypeError(f"{told['PolicyName']} is not the policy of a consensus")
    return found


def _known(unit: Unit, hit_ids: Sequence[int]) -> dict[int, Mapping[str, Values]]:
    """The known answers of HITs that have some for ScoreMyKnownAnswers."""
    keys = {}
    for hit_id, (told, _) in policies.policies(unit, hit_ids).items():
        found = review_policy.read(told["PolicyName"], Level.ASSIGNMENT, _parameters(told)) if told else None
        if isinstance(found, KnownAnswers):
            keys[hit_id] = found.key
    return keys


def infer(gathered: Gathered) -> dict[int, Judged]:
    """Run the statistics, question by question, and say what follows for each HIT that is due."""
    given: dict[str, list[Given]] = defaultdict(list)
    for row in gathered.rows:
        for question, value in (row.answer or {}).items():
            label = _label(review_policy.values_of(value))
            if label and _asked(gathered.policies[row.hit_id], question):
                given[question].append(Given(row.hit_id, row.worker_id, label))
    agreed = {question: agree(answers, _truths(gathered, question)) for question, answers in given.items()}
    return {hit_id: Judged(_report(gathered, hit_id, agreed), count) for hit_id, count in gathered.due.items()}


def _asked(policy: Consensus, question: str) -> bool:
    return not policy.questions or question in policy.questions


def _label(values: Values) -> str:
    label = "|".join(sorted(values))
    return label if len(label) <= LONGEST_LABEL else ""


def _truths(gathered: Gathered, question: str) -> dict[int, str]:
    found = {hit_id: _label(key[question]) for hit_id, key in gathered.known.items() if question in key}
    return {hit_id: label for hit_id, label in found.items() if label}


def _report(gathered: Gathered, hit_id: int, agreed: Mapping[str, Agreed]) -> Report:
    policy, hit = gathered.policies[hit_id], str(hit_id)
    mine = {question: one.items[hit_id] for question, one in agreed.items() if hit_id in one.items}
    results = [result for question, one in mine.items() for result in _question(hit, question, one, policy.sure)]
    sure = sum(one.confidence >= policy.sure for one in mine.values())
    asked = len(policy.questions) or len(mine)
    results += [
        Result(Level.ASSIGNMENT, str(row.id), "WorkerAccuracy", _accuracy(row.worker_id, agreed))
        for row in gathered.by_hit[hit_id]
    ]
    results.append(Result(Level.HIT, hit, "HitAgreementScore", str(100 * sure // asked if asked else 0)))
    wishes = [Wish("review", Level.HIT, hit, f"{sure} of {asked} questions are as sure as asked for")]
    if sure < asked and policy.most:
        wishes.append(Wish("extend", Level.HIT, hit, extension=Extension(100, policy.most, policy.seconds)))
    return Report(tuple(results), tuple(wishes))


def _question(hit: str, question: str, one: Found, sure: float) -> list[Result]:
    certain = "true" if one.confidence >= sure else "false"
    told = [("AgreedAnswerFound", certain), ("AgreedAnswer", one.label), ("Confidence", f"{one.confidence:.4f}")]
    told += [(f"Posterior:{label}", f"{share:.4f}") for label, share in one.posterior.items()]
    return [Result(Level.HIT, hit, key, value, question) for key, value in told]


def _accuracy(worker: int, agreed: Mapping[str, Agreed]) -> str:
    """What is believed of a worker over all questions, each by the evidence that it gives."""
    found = [one.accuracy[worker] for one in agreed.values() if worker in one.accuracy]
    weights = sum(weight for _, weight in found)
    if not found:
        return "0.5000"
    mean = sum(mean * weight for mean, weight in found) / weights if weights else found[0][0]
    return f"{mean:.4f}"


def keep(unit: Unit, reports: Mapping[int, Judged], now: dt.datetime) -> None:
    """Write the reviews down, but of HITs that were reviewed with as many answers meanwhile."""
    seen = policies.seen(unit, list(reports), Level.HIT)
    for hit_id, judged in reports.items():
        if judged.answers > seen.get(hit_id, 0):
            policies.keep(unit, hit_id, Level.HIT, judged.report, judged.answers, now)
