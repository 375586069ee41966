"""Review policies of MTurk's API: known answers and plurality, from answers to results and wished-for actions.

Contract: "Assignment Review Policies" and "HIT Review Policies" of the API reference. Percentages are cut off, not
rounded, as in its worked example. CrowdBrokerConsensus is our own: `read` checks its parameters, the statistics are
in broker/truth.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from broker.errors import Invalid, Problem
from broker.rules.policy_parameters import Parameter, Parameters

LONGEST_ANSWER = 256
MOST_QUESTIONS = 15
USUAL_MOST = 5
USUAL_CONFIDENCE = 90
"""In percent: what three workers of no record reach who agree."""
Values = frozenset[str]


class Policy(StrEnum):
    """The policies that there are, by the names that clients send."""

    KNOWN = "ScoreMyKnownAnswers/2011-09-01"
    PLURALITY = "SimplePlurality/2011-09-01"
    CONSENSUS = "CrowdBrokerConsensus/2026-01-01"


class Level(StrEnum):
    """What a policy looks at."""

    ASSIGNMENT = "Assignment"
    HIT = "HIT"


LEVELS = {Policy.KNOWN: Level.ASSIGNMENT, Policy.PLURALITY: Level.HIT, Policy.CONSENSUS: Level.HIT}


@dataclass(frozen=True)
class Extension:
    """When a HIT gets one more assignment: below this score, up to `most` in all, at least `seconds` longer."""

    below: int
    most: int
    seconds: int


@dataclass(frozen=True)
class Decision:
    """From which score an assignment is approved and below which it is rejected (None: never), and why."""

    approve_at: int | None = None
    reject_below: int | None = None
    approve_reason: str = ""
    reject_reason: str = ""


@dataclass(frozen=True)
class KnownAnswers:
    """ScoreMyKnownAnswers: the values that each question of the key must have."""

    key: Mapping[str, Values]
    decision: Decision
    extension: Extension | None


@dataclass(frozen=True)
class Plurality:
    """SimplePlurality: the questions compared, and the share above which an answer is agreed upon."""

    questions: tuple[str, ...]
    threshold: int
    no_rejected: bool
    known_at_least: int | None
    decision: Decision
    extension: Extension | None


@dataclass(frozen=True)
class Consensus:
    """CrowdBrokerConsensus: up to `most` assignments while a question's calibrated confidence is below `sure` (0..1).

    No `questions`: all that the answers name.
    """

    questions: tuple[str, ...]
    sure: float
    most: int
    seconds: int


Read = KnownAnswers | Plurality | Consensus


@dataclass(frozen=True)
class Submission:
    """An assignment's answers, by question the set of values, without white space at their ends."""

    assignment: str
    answers: Mapping[str, Values]
    rejected: bool = False
    known_score: int | None = None


@dataclass(frozen=True)
class Result:
    """One thing found out, as ReviewResultDetail has it."""

    level: Level
    subject: str
    key: str
    value: str
    question: str = ""


@dataclass(frozen=True)
class Wish:
    """An action that the policy asks for: review (it was looked at), approve, reject or extend."""

    name: str
    level: Level
    target: str
    text: str = ""
    extension: Extension | None = None


@dataclass(frozen=True)
class Report:
    """What came of one review."""

    results: tuple[Result, ...]
    wishes: tuple[Wish, ...]


def values_of(answer: Any) -> Values:
    """The values of an answer's field: text, number, yes or no, or a list of them; blanks are none."""
    many = answer if isinstance(answer, list) else [answer]
    texts = (("true" if one else "false") if isinstance(one, bool) else str(one) for one in many if one is not None)
    return frozenset(text.strip() for text in texts if text.strip())


def read(name: str, level: Level, parameters: Sequence[Parameter]) -> Read:
    """The policy of this name with its parameters. Raises Invalid naming the parameter that is missing or wrong."""
    known = {policy.value: policy for policy in Policy}
    if name not in known or LEVELS[known[name]] != level:
        possible = ", ".join(policy for policy, one in LEVELS.items() if one == level)
        message = f"{name!r} is no {level} review policy; there is {possible}"
        raise Invalid(f"PolicyName: {message}", problems=[Problem(message, column="PolicyName")])
    given = Parameters(parameters)
    readers: dict[Policy, Callable[[Parameters], Read]] = {
        Policy.KNOWN: _known_answers,
        Policy.PLURALITY: _plurality,
        Policy.CONSENSUS: _consensus,
    }
    policy = readers[known[name]](given)
    given.close()
    return policy


def _known_answers(given: Parameters) -> KnownAnswers:
    decision = Decision(
        given.number("ApproveIfKnownAnswerScoreIsAtLeast", 0, 101),
        given.number("RejectIfKnownAnswerScoreIsLessThan", 0, 101),
        given.text("ApproveReason"),
        given.text("RejectReason"),
    )
    below = given.number("ExtendIfKnownAnswerScoreIsLessThan", 0, 101)
    most = given.number("ExtendMaximumAssignments", 2, 25) or USUAL_MOST
    seconds = given.number("ExtendMinimumTimeInSeconds", 3600, 31_536_000) or 0
    extension = None if below is None else Extension(below, most, seconds)
    key = {question: values_of(values) for question, values in given.entries("AnswerKey").items()}
    return KnownAnswers(key, decision, extension)


def _plurality(given: Parameters) -> Plurality:
    questions = given.names("QuestionIds", MOST_QUESTIONS, required=True)
    below = given.number("ExtendIfHITAgreementScoreIsLessThan", 1, 100)
    needed = below is not None
    most = given.number("ExtendMaximumAssignments", 1, None, required=needed) or 0
    seconds = given.number("ExtendMinimumTimeInSeconds", 3600, 31_536_000, required=needed) or 0
    return Plurality(
        questions,
        given.number("QuestionAgreementThreshold", 0, 100, required=True) or 0,
        given.yes("DisregardAssignmentIfRejected"),
        given.number("DisregardAssignmentIfKnownAnswerScoreIsLessThan", 0, 101),
        Decision(
            given.number("ApproveIfWorkerAgreementScoreIsAtLeast", 0, 101),
            given.number("RejectIfWorkerAgreementScoreIsLessThan", 0, 101),
            reject_reason=given.text("RejectReason"),
        ),
        None if below is None else Extension(below, most, seconds),
    )


def _consensus(given: Parameters) -> Consensus:
    questions = given.names("QuestionIds", MOST_QUESTIONS, required=False)
    sure = given.number("MinimumConfidence", 1, 100)
    most = given.number("ExtendMaximumAssignments", 1, 100) or 0
    seconds = given.number("ExtendMinimumTimeInSeconds", 3600, 31_536_000) or 0
    return Consensus(questions, (USUAL_CONFIDENCE if sure is None else sure) / 100, most, seconds)


def review_known(policy: KnownAnswers, done: Submission, hit: str) -> Report:
    """Score one submitted assignment. A question counts as right when its values are exactly those of the key."""
    right = {question: done.answers.get(question, frozenset()) == values for question, values in policy.key.items()}
    score = 100 * sum(right.values()) // len(right)
    mine = (Level.ASSIGNMENT, done.assignment)
    results = [Result(*mine, "KnownAnswerCorrect", str(int(ok)), question) for question, ok in right.items()]
    results.append(Result(*mine, "KnownAnswerScore", str(score)))
    many = "answer" if len(right) == 1 else "answers"
    looked = f"Reviewed {len(right)} known {many}; {sum(right.values())}/{len(right)} correct"
    wishes = [Wish("review", *mine, looked), *_decided(policy.decision, done.assignment, score)]
    if policy.extension and score < policy.extension.below:
        wishes.append(Wish("extend", Level.HIT, hit, extension=policy.extension))
    return Report(tuple(results), tuple(wishes))


def _decided(decision: Decision, assignment: str, score: int) -> list[Wish]:
    # Both may hold, where the bounds overlap; what is good for the worker comes first, and then stands.
    if decision.approve_at is not None and score >= decision.approve_at:
        return [Wish("approve", Level.ASSIGNMENT, assignment, decision.approve_reason)]
    if decision.reject_below is not None and score < decision.reject_below:
        return [Wish("reject", Level.ASSIGNMENT, assignment, decision.reject_reason)]
    return []


@dataclass(frozen=True)
class Agreed:
    """A question's agreed answer (None: there is none), and the percentage of workers who gave it."""

    answer: Values | None
    score: int = 0


def review_plurality(policy: Plurality, submissions: Sequence[Submission], hit: str) -> Report:
    """Compare the assignments of a HIT, in the order of their submission."""
    counted = [one for one in submissions if _counts(policy, one)]
    agreed = {question: _agreed(policy, question, counted) for question in policy.questions}
    found = {question: one for question, one in agreed.items() if one.answer is not None}
    hit_score = 100 * len(found) // len(agreed)
    results = [result for question, one in agreed.items() for result in _question_results(hit, question, one)]
    wishes: list[Wish] = [Wish("review", Level.HIT, hit, f"Compared {len(counted)} assignments")]
    for one in counted:
        right = sum(_values(one, question) == found[question].answer for question in found)
        results += _worker_results(one.assignment, right, len(found))
        if found:
            wishes += _decided(policy.decision, one.assignment, 100 * right // len(found))
    results.append(Result(Level.HIT, hit, "HitAgreementScore", str(hit_score)))
    if policy.extension and hit_score < policy.extension.below:
        wishes.append(Wish("extend", Level.HIT, hit, extension=policy.extension))
    return Report(tuple(results), tuple(wishes))


def _counts(policy: Plurality, one: Submission) -> bool:
    if policy.no_rejected and one.rejected:
        return False
    bound = policy.known_at_least
    return bound is None or one.known_score is None or one.known_score >= bound


def _values(one: Submission, question: str) -> Values | None:
    """The answer as it is compared; None for one that is too long to be."""
    values = one.answers.get(question, frozenset())
    return values if sum(map(len, values)) <= LONGEST_ANSWER else None


def _agreed(policy: Plurality, question: str, counted: Sequence[Submission]) -> Agreed:
    """The most frequent answer, if its share is above the threshold and no other is as frequent."""
    answers = [values for one in counted if (values := _values(one, question)) is not None]
    if not answers:
        return Agreed(None)
    (best, votes), *others = Counter(answers).most_common(2)
    score = 100 * votes // len(answers)
    tied = any(count == votes for _, count in others)
    return Agreed(best, score) if score > policy.threshold and not tied else Agreed(None)


def _question_results(hit: str, question: str, one: Agreed) -> list[Result]:
    if one.answer is None:
        return [Result(Level.HIT, hit, "AgreedAnswerFound", "false", question)]
    return [
        Result(Level.HIT, hit, "AgreedAnswerFound", "true", question),
        Result(Level.HIT, hit, "AgreedAnswer", "|".join(sorted(one.answer)), question),
        Result(Level.HIT, hit, "AnswerAgreementScore", str(one.score), question),
    ]


def _worker_results(assignment: str, right: int, agreed: int) -> list[Result]:
    mine = (Level.ASSIGNMENT, assignment)
    counts = [
        Result(*mine, "PluralityAnswersCorrect", str(right)),
        Result(*mine, "PluralityAnswersIncorrect", str(agreed - right)),
    ]
    return [Result(*mine, "WorkerAgreementScore", str(100 * right // agreed)), *counts] if agreed else counts
