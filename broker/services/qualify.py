"""QUALIFY: types of qualifications, who holds them, who asks for them, and the tests by which they are earned."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from broker.annotation import asking, questionform
from broker.errors import Conflict, Invalid, NotFound, Problem
from broker.formats.answer_key import read_answer_key
from broker.rules import qualification
from broker.rules.answer_key import LARGEST
from broker.rules.qualification import Locale, Requirement
from broker.store import blocks, jobs, people, qualifications, requirements
from broker.store.db import Unit
from broker.store.jobs import Job, JobState
from broker.store.qualifications import QualificationRequest, QualificationType, RequestState

LONGEST_NAME, LONGEST_DESCRIPTION, LONGEST_REASON = 200, 2000, 1000
LONGEST_TEST = 65_535
LONGEST_SUBJECT = 200
MOST_SECONDS = 366 * 24 * 3600
TAKEN = "You have already created a QualificationType with this name."
GRACE = dt.timedelta(seconds=10)
"""How long after its time a test is still taken: the way from the browser is not the worker's fault."""


class AlreadyMade(Conflict):
    """The requester has a type of this name."""


class NotNow(Conflict):
    """A request that is refused; `retry_at` says from when on it is not, None: never."""

    def __init__(self, message: str, retry_at: dt.datetime | None) -> None:
        super().__init__(message)
        self.retry_at = retry_at


class NotGranted(Conflict):
    """The worker's qualification was taken back."""


@dataclass(frozen=True)
class Kept:
    """What a requester says of a type; times in seconds, `test` and `answer_key` in XML.

    `retry_seconds` None: a worker may ask once.
    """

    description: str
    keywords: str = ""
    active: bool = True
    retry_seconds: int | None = None
    test: str = ""
    answer_key: str = ""
    test_seconds: int | None = None
    auto_granted: bool = False
    auto_value: int = 1

    def check(self) -> None:
        """Raises Invalid naming every field that cannot be, BadXml for a test or key that cannot be read."""
        problems = [Problem(message, column=column) for column, message in self._faults() if message]
        if problems:
            raise Invalid("; ".join(map(str, problems)), problems=problems)
        asked = {one.name for one in questionform.read(self.test).questions} if self.test else set()
        scored = {one.id for one in read_answer_key(self.answer_key).questions} if self.answer_key else set()
        if scored - asked:
            message = f"the test has no question {min(scored - asked)!r}"
            raise Invalid(f"answer_key: {message}", problems=[Problem(message, column="answer_key")])

    def _faults(self) -> list[tuple[str, str]]:
        return [
            ("description", _length(self.description, 1, LONGEST_DESCRIPTION)),
            ("keywords", _length(self.keywords, 0, 1000)),
            ("retry_seconds", _range(self.retry_seconds, 0)),
            ("test_seconds", _range(self.test_seconds, 1)),
            ("test", "longer than 65535 characters" if len(self.test) > LONGEST_TEST else ""),
            ("test_seconds", "a test needs a time" if self.test and self.test_seconds is None else ""),
            ("answer_key", "there is no test that it is the key of" if self.answer_key and not self.test else ""),
            ("auto_granted", "who takes a test is not granted it without" if self.auto_granted and self.test else ""),
            ("auto_value", "" if abs(self.auto_value) <= LARGEST else f"{self.auto_value} is beyond {LARGEST}"),
        ]


def _length(text: str, least: int, most: int) -> str:
    return "" if least <= len(text.strip()) <= most else f"write between {least} and {most} characters"


def _range(seconds: int | None, least: int) -> str:
    fits = seconds is None or least <= seconds <= MOST_SECONDS
    return "" if fits else f"{seconds} is not within {least} and {MOST_SECONDS} seconds"


def make(unit: Unit, owner_id: int, name: str, kept: Kept, now: dt.datetime) -> QualificationType:
    """Make a type. Raises Invalid, AlreadyMade if the requester has one of this name."""
    name = name.strip()
    fault = _length(name, 1, LONGEST_NAME)
    if fault:
        raise Invalid(f"name: {fault}", problems=[Problem(fault, column="name")])
    kept.check()
    made = qualifications.make_type(unit, owner_id=owner_id, name=name, created_at=now, **vars(kept))
    if made is None:
        raise AlreadyMade(TAKEN)
    return made


def change(unit: Unit, type_id: int, owner_id: int, kept: Kept) -> QualificationType:
    """Let the type be like this from now on. Raises NotFound, Invalid."""
    made = qualifications.own_type(unit, type_id, owner_id, lock=True)
    kept.check()
    for field, value in vars(kept).items():
        setattr(made, field, value)
    unit.session.flush()
    return made


def kept_of(made: QualificationType) -> Kept:
    """What is said of the type now."""
    return Kept(**{field: getattr(made, field) for field in Kept.__dataclass_fields__})


def dispose(unit: Unit, type_id: int, owner_id: int, now: dt.datetime) -> None:
    """Do away with a type: nobody gets it any more, open requests are rejected, its name is free again.

    Who holds it keeps it, and jobs that require it go on. Raises NotFound.
    """
    made = qualifications.own_type(unit, type_id, owner_id, lock=True)
    qualifications.reject_pending(unit, type_id, "The requester has given up this qualification.", now)
    made.active, made.disposed_at = False, now
    unit.session.flush()


def grant(
    unit: Unit, type_id: int, owner_id: int, worker_id: int, value: int, now: dt.datetime, *, tell: bool = False
) -> None:
    """Give a worker the qualification, or another value of it, and write to them. Raises NotFound, Invalid."""
    made = qualifications.own_type(unit, type_id, owner_id)
    qualifications.grant(unit, type_id, worker_id, _checked(value), now)
    owner = people.person(unit, owner_id)
    if tell and owner is not None:
        text = f"{owner.name} granted you the qualification “{made.name}” with the value {value}."
        blocks.send(unit, owner_id, worker_id, f"Granted: {made.name}"[:LONGEST_SUBJECT], text, now)


def _checked(value: int) -> int:
    if abs(value) > LARGEST:
        message = f"{value} is beyond {LARGEST}"
        raise Invalid(f"value: {message}", problems=[Problem(message, column="value")])
    return value


def revoke(unit: Unit, type_id: int, owner_id: int, worker_id: int, reason: str, now: dt.datetime) -> None:
    """Take the qualification back. Raises NotFound for a stranger's type or a worker who never had it, NotGranted."""
    qualifications.own_type(unit, type_id, owner_id)
    if not qualifications.revoke(unit, type_id, worker_id, reason.strip()[:LONGEST_REASON], now):
        score(unit, type_id, owner_id, worker_id)


def score(unit: Unit, type_id: int, owner_id: int, worker_id: int) -> qualifications.Qualification:
    """The worker's qualification. Raises NotFound, NotGranted."""
    qualifications.own_type(unit, type_id, owner_id)
    found = qualifications.held(unit, type_id, worker_id)
    if found is None:
        raise NotFound("You requested a Qualification that does not exist.")
    if found.revoked_at is not None:
        raise NotGranted("This operation can be called with a status of: Granted")
    return found


def ask(unit: Unit, type_id: int, worker_id: int, now: dt.datetime) -> QualificationRequest:
    """Ask for a qualification: begin its test, be granted it at once, or wait for the requester.

    Whose test is still running goes on with it. Raises NotFound, NotNow for one who asked already.
    """
    made = qualifications.qualification_type(unit, type_id, lock=True)
    last = qualifications.last_request(unit, type_id, worker_id)
    if last is not None and last.state == RequestState.STARTED:
        if last.deadline is not None and last.deadline > now:
            return last
        qualifications.move_request(unit, last.id, RequestState.STARTED, RequestState.LAPSED, decided_at=now)
    if not made.active:
        raise NotNow("This qualification cannot be asked for at the moment.", None)
    allow(made, last, now)
    state = RequestState.STARTED if made.test else RequestState.PENDING
    deadline = now + dt.timedelta(seconds=made.test_seconds or 0) if made.test else None
    values = {"state": state, "asked_at": now, "deadline": deadline, "reason": ""}
    asked = qualifications.ask(unit, type_id=type_id, worker_id=worker_id, **values)
    if asked is None:
        raise NotNow("You have asked for this qualification already; the requester has not decided yet.", None)
    if made.auto_granted:
        _decide(unit, asked, RequestState.PENDING, made.auto_value, now)
    return asked


def allow(made: QualificationType, last: QualificationRequest | None, now: dt.datetime) -> None:
    """Raises NotNow for a worker whose last request is open or too recent, or who may not ask a second time."""
    if last is None:
        return
    if last.state == RequestState.PENDING:
        raise NotNow("You have asked for this qualification already; the requester has not decided yet.", None)
    if made.retry_seconds is None:
        raise NotNow("This qualification can be asked for once only.", None)
    again = last.asked_at + dt.timedelta(seconds=made.retry_seconds)
    if again > now:
        raise NotNow(f"You can ask for this qualification again from {again:%d %b %Y, %H:%M} UTC on.", again)


def hand_in(
    unit: Unit, type_id: int, worker_id: int, answers: Mapping[str, Any], now: dt.datetime
) -> QualificationRequest:
    """Hand a test in: with an answer key it is scored and granted at once, without one the requester decides.

    Raises NotFound without a running test, Conflict after its time, Invalid naming the answers that cannot be.
    """
    made = qualifications.qualification_type(unit, type_id)
    asked = qualifications.last_request(unit, type_id, worker_id)
    if asked is None or asked.state not in (RequestState.STARTED, RequestState.LAPSED) or not made.test:
        raise NotFound("You have not begun this test.")
    if asked.state == RequestState.LAPSED or (asked.deadline is not None and asked.deadline + GRACE < now):
        raise Conflict("The time for this test is over.")
    form = questionform.read(made.test)
    form.check(answers)
    given = {"answers": dict(answers), "submitted_at": now}
    if not qualifications.move_request(unit, asked.id, RequestState.STARTED, RequestState.PENDING, **given):
        raise Conflict("This test was handed in already.")
    if made.answer_key:
        _decide(
            unit, asked, RequestState.PENDING, read_answer_key(made.answer_key).score(_selected(form, answers)), now
        )
    return qualifications.request(unit, asked.id)


def _selected(form: asking.Form, answers: Mapping[str, Any]) -> dict[str, frozenset[str]]:
    """The selections of each question that has any; words of the worker's own are not scored."""
    found = {}
    for one in form.questions:
        if isinstance(one.answer, asking.Selection) and one.name in answers:
            chosen, _ = one.answer.parts(answers[one.name])
            found[one.name] = frozenset(chosen or ())
    return found


def answers_shown(test: str, answers: Mapping[str, Any]) -> list[tuple[str, str]]:
    """A test's questions and what was answered, as people read them."""
    lines = []
    for one in questionform.read(test).questions:
        question = one.title or " ".join(part.text for part in one.content if part.text)
        given = answers.get(one.name, "")
        if isinstance(one.answer, asking.Selection):
            chosen, own = one.answer.parts(given)
            texts = {choice.name: choice.content.text for choice in one.answer.choices}
            given = ", ".join([*(texts.get(name, name) for name in chosen or ()), *([own] if own else [])])
        lines.append((question, str(given)))
    return lines


def _decide(unit: Unit, asked: QualificationRequest, old: RequestState, value: int, now: dt.datetime) -> None:
    """Grant a request with this value. Raises Conflict if it was decided meanwhile."""
    if not qualifications.move_request(unit, asked.id, old, RequestState.GRANTED, value=value, decided_at=now):
        raise Conflict("This request was decided already.")
    qualifications.grant(unit, asked.type_id, asked.worker_id, value, now)
    unit.session.refresh(asked)


def accept(unit: Unit, request_id: int, owner_id: int, value: int, now: dt.datetime) -> None:
    """Grant a worker what they asked for. Raises NotFound, Conflict, Invalid."""
    asked = _asked_of(unit, request_id, owner_id)
    _decide(unit, asked, RequestState.PENDING, _checked(value), now)


def reject(unit: Unit, request_id: int, owner_id: int, reason: str, now: dt.datetime) -> None:
    """Refuse a worker what they asked for; they read the reason. Raises NotFound, Conflict."""
    asked = _asked_of(unit, request_id, owner_id)
    said = {"reason": reason.strip()[:LONGEST_REASON], "decided_at": now}
    if not qualifications.move_request(unit, asked.id, RequestState.PENDING, RequestState.REJECTED, **said):
        raise Conflict("This request was decided already.")


def _asked_of(unit: Unit, request_id: int, owner_id: int) -> QualificationRequest:
    asked = qualifications.request(unit, request_id)
    qualifications.own_type(unit, asked.type_id, owner_id)
    return asked


def require(unit: Unit, job: Job, wanted: Sequence[Requirement], types: Mapping[str, int]) -> None:
    """Let the job require exactly this of its workers; `types` are row ids by the public ids that are named.

    Raises Invalid naming each requirement that cannot be.
    """
    known = qualifications.types_by_id(unit, set(types.values()))
    alive = {name: type_id for name, type_id in types.items() if type_id in known and not known[type_id].disposed_at}
    qualification.check(wanted, alive)
    requirements.require(unit, job, wanted, alive)


def require_in_draft(
    unit: Unit, job_id: int, requester_id: int, wanted: Sequence[Requirement], types: Mapping[str, int]
) -> None:
    """Let a draft require exactly this. Raises NotFound, Conflict once it is published, Invalid."""
    job = jobs.own_job(unit, job_id, requester_id, lock=True)
    if job.state != JobState.DRAFT:
        raise Conflict("This job is published already: workers rely on what it requires.")
    require(unit, job, wanted, types)


def introduce(unit: Unit, worker_id: int, country: str, subdivision: str, *, adult: bool) -> None:
    """Keep where a worker lives (two letters, or nothing) and whether they want adult content. Raises Invalid."""
    country, subdivision = country.strip().upper(), subdivision.strip().upper()
    problems = []
    if country and not (len(country) == 2 and country.isascii() and country.isalpha()):
        problems.append(Problem("two letters, such as US", column="country"))
    if subdivision and not (country and len(subdivision) <= 3 and subdivision.isascii() and subdivision.isalnum()):
        problems.append(Problem("up to three letters or digits, such as CA, of a country", column="subdivision"))
    if problems:
        raise Invalid("; ".join(map(str, problems)), problems=problems)
    requirements.keep_profile(unit, worker_id, Locale(country, subdivision) if country else None, adult=adult)
