"""Qualifications: made, asked for, tested, granted, taken back; and what a job that requires them does."""

import datetime as dt
import random
from collections import Counter

import pytest

from broker.errors import Conflict, Invalid, NotFound
from broker.formats.answer_key import NAMESPACE as KEYS
from broker.rules.names import Names
from broker.rules.qualification import Act, Comparator, Guard, Leniency, Locale, Requirement, System
from broker.services import assign, claim, qualify
from broker.services.qualify import AlreadyMade, Kept, NotGranted, NotNow
from broker.store import desk, jobs, qualifications, requirements
from broker.store.qualifications import RequestState
from tests.formats.questionforms import form, free_text, question, selection
from tests.services.made import NOW, SECRET, answer, crowd, person, published, run_errands, take

NAMES = Names(SECRET, "Q")
STRICT = Leniency(lenient=False)
TEST = form(question("pet", selection(["cat", "dog"])), question("why", free_text(), required="false"))
KEY = (
    f'<AnswerKey xmlns="{KEYS}"><Question><QuestionIdentifier>pet</QuestionIdentifier><AnswerOption>'
    "<SelectionIdentifier>cat</SelectionIdentifier><AnswerScore>10</AnswerScore></AnswerOption></Question>"
    "<QualificationValueMapping><PercentageMapping><MaximumSummedScore>10</MaximumSummedScore></PercentageMapping>"
    "</QualificationValueMapping></AnswerKey>"
)
MINUTE = dt.timedelta(minutes=1)


def kept(**values):
    return Kept(**{"description": "Knows cats", **values})


def with_test(**values):
    return kept(**{"test": TEST, "answer_key": KEY, "test_seconds": 600, **values})


def made(store, owner, name="Cats", **values):
    with store.write() as unit:
        return qualify.make(unit, owner, name, kept(**values), NOW).id


def do(store, act, *args, now=NOW, **more):
    with store.write() as unit:
        return act(unit, *args, now, **more)


def value(store, type_id, worker):
    with store.read() as unit:
        return qualifications.values(unit, worker, [type_id]).get(type_id)


def require(store, job_id, *wanted, types=()):
    with store.write() as unit:
        job = jobs.job(unit, job_id)
        qualify.require(unit, job, wanted, {NAMES.show(one): one for one in types})


def holds(type_id, comparator="Exists", *integers, guard=Guard.ACCEPT):
    return Requirement(NAMES.show(type_id), Comparator(comparator), integers, guard=guard)


@pytest.fixture
def owner(store):
    return person(store, "requester")


@pytest.fixture
def worker(store):
    return person(store, "worker")


def test_a_requester_has_one_type_of_a_name_until_it_is_disposed_of(store, owner):
    first = made(store, owner)
    with pytest.raises(AlreadyMade, match=r"^You have already created a QualificationType with this name\."):
        made(store, owner)
    made(store, person(store, "requester"))
    do(store, qualify.dispose, first, owner)
    assert made(store, owner) != first


@pytest.mark.parametrize(
    ("values", "column"),
    [
        ({"description": " "}, "description"),
        ({"test": TEST}, "test_seconds"),
        ({"answer_key": KEY}, "answer_key"),
        ({"test": TEST, "test_seconds": 60, "auto_granted": True}, "auto_granted"),
        ({"test": form(question("other", free_text())), "answer_key": KEY, "test_seconds": 60}, "answer_key"),
        ({"retry_seconds": -1}, "retry_seconds"),
        ({"auto_value": 2**40}, "auto_value"),
    ],
)
def test_a_type_that_cannot_be_is_refused_with_its_field(store, owner, values, column):
    with pytest.raises(Invalid) as refused:
        made(store, owner, **values)
    assert [problem.column for problem in refused.value.problems] == [column]


def test_strangers_can_do_nothing_with_a_type(store, owner, worker):
    type_id, stranger = made(store, owner), person(store, "requester")
    for act, args in (
        (qualify.dispose, (type_id, stranger)),
        (qualify.grant, (type_id, stranger, worker, 1)),
        (qualify.revoke, (type_id, stranger, worker, "")),
    ):
        with pytest.raises(NotFound):
            do(store, act, *args)
    asked = do(store, qualify.ask, type_id, worker)
    with pytest.raises(NotFound):
        do(store, qualify.accept, asked.id, stranger, 1)
    with pytest.raises(NotFound):
        do(store, qualify.reject, asked.id, stranger, "")


def test_a_request_waits_for_the_requester_who_grants_or_refuses_once(store, owner, worker):
    type_id = made(store, owner)
    asked = do(store, qualify.ask, type_id, worker)
    assert asked.state == RequestState.PENDING
    with pytest.raises(NotNow, match="has not decided"):
        do(store, qualify.ask, type_id, worker)
    do(store, qualify.accept, asked.id, owner, 7)
    assert value(store, type_id, worker) == 7
    with pytest.raises(Conflict, match="decided already"):
        do(store, qualify.reject, asked.id, owner, "too late")


def test_a_type_that_grants_itself_asks_nobody(store, owner, worker):
    type_id = made(store, owner, auto_granted=True, auto_value=3)
    assert do(store, qualify.ask, type_id, worker).state == RequestState.GRANTED
    assert value(store, type_id, worker) == 3


def test_without_a_retry_delay_a_worker_asks_once(store, owner, worker):
    type_id = made(store, owner)
    do(store, qualify.reject, do(store, qualify.ask, type_id, worker).id, owner, "Not yet")
    with pytest.raises(NotNow, match="once only") as refused:
        do(store, qualify.ask, type_id, worker, now=NOW + 1000 * MINUTE)
    assert refused.value.retry_at is None


def test_with_a_retry_delay_a_worker_asks_again_after_it(store, owner, worker):
    type_id = made(store, owner, retry_seconds=60)
    do(store, qualify.reject, do(store, qualify.ask, type_id, worker).id, owner, "Not yet")
    with pytest.raises(NotNow) as refused:
        do(store, qualify.ask, type_id, worker, now=NOW + MINUTE - dt.timedelta(microseconds=1))
    assert refused.value.retry_at == NOW + MINUTE
    assert do(store, qualify.ask, type_id, worker, now=NOW + MINUTE).state == RequestState.PENDING


def test_an_inactive_type_cannot_be_asked_for(store, owner, worker):
    type_id = made(store, owner, active=False)
    with pytest.raises(NotNow):
        do(store, qualify.ask, type_id, worker)


@pytest.mark.parametrize(("pet", "points"), [("cat", 100), ("dog", 0)])
def test_a_test_with_a_key_is_scored_and_granted_at_once(store, owner, worker, pet, points):
    type_id = made(store, owner, **vars(with_test()))
    assert do(store, qualify.ask, type_id, worker).state == RequestState.STARTED
    done = do(store, qualify.hand_in, type_id, worker, {"pet": pet, "why": "purrs"}, now=NOW + MINUTE)
    assert (done.state, done.value) == (RequestState.GRANTED, points)
    assert value(store, type_id, worker) == points
    with pytest.raises(NotFound):
        do(store, qualify.hand_in, type_id, worker, {"pet": "cat"})


def test_a_test_without_a_key_is_decided_by_the_requester(store, owner, worker):
    type_id = made(store, owner, **vars(with_test(answer_key="")))
    do(store, qualify.ask, type_id, worker)
    done = do(store, qualify.hand_in, type_id, worker, {"pet": "dog"})
    assert (done.state, done.answers, value(store, type_id, worker)) == (RequestState.PENDING, {"pet": "dog"}, None)
    with store.read() as unit:
        assert [row[0].id for row in qualifications.pending(unit, owner)] == [done.id]


def test_a_running_test_goes_on_and_one_that_ran_out_is_closed(store, owner, worker):
    type_id = made(store, owner, **vars(with_test(retry_seconds=0)))
    first = do(store, qualify.ask, type_id, worker)
    assert do(store, qualify.ask, type_id, worker, now=NOW + 9 * MINUTE).id == first.id
    with pytest.raises(Conflict, match="time for this test is over"):
        do(store, qualify.hand_in, type_id, worker, {"pet": "cat"}, now=NOW + 11 * MINUTE)
    second = do(store, qualify.ask, type_id, worker, now=NOW + 11 * MINUTE)
    assert second.id != first.id
    assert second.deadline == NOW + 21 * MINUTE


def test_answers_that_the_form_does_not_allow_leave_the_test_running(store, owner, worker):
    type_id = made(store, owner, **vars(with_test()))
    do(store, qualify.ask, type_id, worker)
    with pytest.raises(Invalid, match="pet"):
        do(store, qualify.hand_in, type_id, worker, {})
    assert do(store, qualify.hand_in, type_id, worker, {"pet": "cat"}).state == RequestState.GRANTED


def test_a_better_test_counts_instead_of_a_worse_one(store, owner, worker):
    type_id = made(store, owner, **vars(with_test(retry_seconds=0)))
    for pet, points in (("dog", 0), ("cat", 100)):
        do(store, qualify.ask, type_id, worker)
        do(store, qualify.hand_in, type_id, worker, {"pet": pet})
        assert value(store, type_id, worker) == points


def test_what_was_taken_back_has_no_score_until_it_is_granted_again(store, owner, worker):
    type_id = made(store, owner)
    with pytest.raises(NotFound, match="does not exist"):
        do(store, qualify.revoke, type_id, owner, worker, "")
    do(store, qualify.grant, type_id, owner, worker, 5)
    do(store, qualify.revoke, type_id, owner, worker, "Guessed")
    assert value(store, type_id, worker) is None
    with store.read() as unit, pytest.raises(NotGranted, match="can be called with a status of: Granted"):
        qualify.score(unit, type_id, owner, worker)
    with pytest.raises(NotGranted):
        do(store, qualify.revoke, type_id, owner, worker, "")
    do(store, qualify.grant, type_id, owner, worker, 6)
    assert value(store, type_id, worker) == 6


def test_disposal_rejects_who_waits_and_leaves_who_holds(store, owner, worker):
    type_id = made(store, owner)
    asked = do(store, qualify.ask, type_id, person(store, "worker"))
    do(store, qualify.grant, type_id, owner, worker, 1)
    do(store, qualify.dispose, type_id, owner)
    with store.read() as unit:
        assert qualifications.request(unit, asked.id).state == RequestState.REJECTED
    assert value(store, type_id, worker) == 1
    with pytest.raises(NotFound):
        do(store, qualify.ask, type_id, worker)


def test_only_who_meets_the_requirement_is_given_a_hit(store, owner, worker):
    type_id, (job, _) = made(store, owner), published(store, 3)
    require(store, job, holds(type_id, "GreaterThanOrEqualTo", 80), types=[type_id])
    assert take(store, job, worker) is None
    do(store, qualify.grant, type_id, owner, worker, 79)
    assert take(store, job, worker) is None
    do(store, qualify.grant, type_id, owner, worker, 80)
    assert take(store, job, worker) is not None


def test_who_loses_the_qualification_may_finish_what_they_hold_and_no_more(store, owner, worker):
    type_id, (job, _) = made(store, owner), published(store, 3)
    require(store, job, holds(type_id), types=[type_id])
    do(store, qualify.grant, type_id, owner, worker, 1)
    held = take(store, job, worker)
    do(store, qualify.revoke, type_id, owner, worker, "")
    assert take(store, job, worker).assignment_id == held.assignment_id
    assert answer(store, held.assignment_id, worker).late is False
    assert take(store, job, worker) is None


def test_the_three_guards_hide_more_and_more(store, owner, worker):
    type_id, seen = made(store, owner), {}
    for guard in Guard:
        job, _ = published(store, 2)
        require(store, job, holds(type_id, guard=guard), types=[type_id])
        with store.read() as unit:
            found = {one.job.id: one for one in desk.openings(unit, worker, NOW)}
        seen[guard] = (job in found, job in found and found[job].preview)
        assert take(store, job, worker) is None
    assert seen == {Guard.ACCEPT: (True, True), Guard.PREVIEW: (True, False), Guard.DISCOVER: (False, False)}


def test_a_job_that_the_worker_may_not_take_is_never_chosen_for_them(store, owner, worker):
    type_id = made(store, owner)
    (guarded, requester), (free, _) = published(store, 2), published(store, 2)
    require(store, guarded, holds(type_id), types=[type_id])

    def drawn():
        with store.read() as unit:
            dice = random.Random(1)
            return Counter(
                assign.next_job(unit, worker, assign.requesters(unit), dice, now=NOW) for _ in range(20)
            ).keys()

    assert drawn() == {free}
    do(store, qualify.grant, type_id, owner, worker, 1)
    assert drawn() == {free, guarded}
    assert requester


def test_what_scripts_always_ask_for_keeps_newcomers_out_only_where_the_admin_is_strict(store, worker):
    job, _ = published(store, 4)
    usual = (
        Requirement(System.APPROVED, Comparator.AT_LEAST, (95,)),
        Requirement(System.NUMBER_APPROVED, Comparator.AT_LEAST, (2,)),
        Requirement(System.LOCALE, Comparator.IN, locales=(Locale("US"),)),
    )
    require(store, job, *usual)
    with store.write() as unit:
        assert claim.claim(unit, job, worker, (), NOW, SECRET, STRICT) is None
        assert claim.claim(unit, job, worker, (), NOW, SECRET, Leniency()) is not None


def test_turns_are_counted_anew_after_a_minute_and_not_before(store):
    (worker,) = crowd(store, 1)
    job, _ = published(store, 4)
    require(store, job, Requirement(System.NUMBER_APPROVED, Comparator.LESS, (2,)))
    for _ in range(2):
        answer(store, take(store, job, worker).assignment_id, worker)
    run_errands(store)
    assert take(store, job, worker) is not None
    late = NOW + 2 * MINUTE
    assert take(store, job, worker, now=late, have=[]) is not None  # what they hold already
    with store.read() as unit:
        found = jobs.job(unit, job)
        lacks = requirements.lacks(unit, [found], worker, Leniency(), late)[job]
    assert [str(one) for one in lacks] == ["Answers approved is less than 2"]
    assert requirements.barred(lacks, Act.ACCEPT)


def test_a_worker_says_where_they_live_and_what_they_want_to_see(store, worker):
    with store.write() as unit:
        qualify.introduce(unit, worker, "us", "ca", adult=True)
        who = requirements.standing(unit, worker, NOW, counted=False, keep=False)
    assert (who.locale, who.adult) == (Locale("US", "CA"), True)
    with store.write() as unit:
        qualify.introduce(unit, worker, "", "", adult=False)
        who = requirements.standing(unit, worker, NOW, counted=False, keep=False)
    assert (who.locale, who.adult) == (None, False)
    for country, part in (("USA", ""), ("", "CA"), ("1A", "")):
        with store.write() as unit, pytest.raises(Invalid):
            qualify.introduce(unit, worker, country, part, adult=False)


def test_a_requirement_of_an_unknown_type_is_refused(store):
    job, _ = published(store, 1)
    with pytest.raises(Invalid, match="no such qualification type"):
        require(store, job, Requirement("QNOBODY", Comparator.EXISTS))


def test_a_published_job_keeps_its_requirements(store):
    job, requester = published(store, 1)
    with store.write() as unit, pytest.raises(Conflict, match="published already"):
        qualify.require_in_draft(unit, job, requester, [], {})
