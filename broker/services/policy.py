"""POLICY: look at answers as a HIT's review policies say, write down what is found and what is to be done.

Doing it is left to REVIEW and EXTEND: whoever runs a review carries its wishes out one by one, each in a transaction
of its own, and has its end noted here.
"""

import datetime as dt
from typing import Any

from broker.rules import review_policy
from broker.rules.policy_parameters import Parameter
from broker.rules.posting import Status
from broker.rules.review_policy import KnownAnswers, Level, Plurality, Policy, Submission
from broker.store import errands, policies, posted
from broker.store.db import Json, Record, Unit
from broker.store.posted import Line
from broker.store.work import Turn


def read(told: Json, level: Level) -> review_policy.Read:
    """The policy that a requester sent. Raises Invalid naming the parameter that is wrong."""
    parameters = [Parameter.parse(one) for one in told.get("Parameters") or ()]
    return review_policy.read(told["PolicyName"], level, parameters)


def review(unit: Unit, hit_id: int, level: Level, now: dt.datetime) -> None:
    """Run the HIT's policy of this level on what it has not looked at yet."""
    line = _held(unit, hit_id, now)
    told = policies.policies(unit, [hit_id]).get(hit_id, (None, None))[level == Level.HIT]
    if line is None or told is None or line.standing.disposed:
        return
    if level == Level.HIT and told["PolicyName"] == Policy.CONSENSUS:
        errands.later(unit, "consensus", line.job.id, now, queue="statistics")
        return
    policy = read(told, level)
    if isinstance(policy, KnownAnswers):
        _score(unit, line, policy, now)
    elif isinstance(policy, Plurality):
        _compare(unit, line, policy, now)


def _held(unit: Unit, hit_id: int, now: dt.datetime) -> Line | None:
    """The posted HIT, held till the unit's end: of two runs at once the second finds nothing left."""
    return posted.one(unit, hit_id, policies.owner(unit, hit_id), now, lock=True)


def _score(unit: Unit, line: Line, policy: KnownAnswers, now: dt.datetime) -> None:
    done = policies.scored(unit, line.hit.id, Level.ASSIGNMENT)
    rows = policies.answers(unit, [line.hit.id])
    for row in rows:
        if row.id not in done:
            report = review_policy.review_known(policy, submission(row), str(line.hit.id))
            policies.keep(unit, line.hit.id, Level.ASSIGNMENT, report, len(rows), now)


def _compare(unit: Unit, line: Line, policy: Plurality, now: dt.datetime) -> None:
    hit_id = line.hit.id
    rows = policies.answers(unit, [hit_id])
    if not reviewable(line, now) or len(rows) <= policies.seen(unit, [hit_id], Level.HIT).get(hit_id, 0):
        return
    scores = policies.known_scores(unit, [hit_id])
    report = review_policy.review_plurality(policy, [submission(row, scores.get(row.id)) for row in rows], str(hit_id))
    policies.keep(unit, hit_id, Level.HIT, report, len(rows), now)


def reviewable(line: Line, now: dt.datetime) -> bool:
    """Whether all answers to the HIT are there that it may get for now."""
    return line.standing.status(now) in (Status.REVIEWABLE, Status.REVIEWING)


def submission(row: Record, known_score: int | None = None) -> Submission:
    """An answer's fields as policies compare them."""
    answers = {name: review_policy.values_of(value) for name, value in _fields(row.answer)}
    return Submission(str(row.id), answers, row.state == Turn.REJECTED, known_score)


def _fields(answer: Any) -> list[tuple[str, Any]]:
    """The fields of an answer; selections with words of the worker's own count by both."""
    fields = []
    for name, value in (answer or {}).items():
        if isinstance(value, dict):
            inner = [one for key in sorted(value) for one in _listed(value[key])]
            fields.append((name, inner))
        else:
            fields.append((name, value))
    return fields


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
