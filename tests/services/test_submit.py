"""SUBMIT: an answer is kept once, by its owner, as long as its seat is theirs; and how else a turn may end."""

import pytest

from broker.errors import Conflict, Invalid, NotFound
from broker.services import submit
from broker.store import talk, turns
from broker.store.work import Turn
from tests.services import made
from tests.services.made import LEASE, NOW


@pytest.fixture
def turn(store):
    """(job, worker, assignment) of a HIT with one seat that a worker holds."""
    job, _ = made.published(store, 1, redundancy=1)
    worker = made.person(store, "worker")
    return job, worker, made.take(store, job, worker).assignment_id


def state(store, worker, assignment):
    with store.read() as unit:
        return turns.assignment(unit, assignment, worker).state


def test_the_same_answer_again_gets_the_same_receipt_and_another_one_a_conflict(store, turn):
    _, worker, assignment = turn
    first = made.answer(store, assignment, worker)
    again = made.answer(store, assignment, worker)
    assert (first.repeated, first.late, again.repeated, again.late) == (False, False, True, False)
    with pytest.raises(Conflict, match="the first one counts"):
        made.answer(store, assignment, worker, "dog")


@pytest.mark.parametrize("act", ["submit", "start", "extend", "give_back", "report"])
def test_the_assignment_of_another_worker_is_not_found(store, turn, act):
    stranger = made.person(store, "worker")
    arguments = {"submit": [{"category": {"label": "cat"}}, 1.0, NOW], "report": ["broken", NOW]}.get(act, [NOW])
    with pytest.raises(NotFound), store.write() as unit:
        getattr(submit, act)(unit, turn[2], stranger, *arguments)
    assert state(store, *turn[1:]) == Turn.ACCEPTED


@pytest.mark.parametrize("answer", [None, [], {}, {"category": {"label": "fish"}}, {"category": {"label": None}}])
def test_an_answer_that_the_kind_does_not_know_leaves_the_turn_open(store, turn, answer):
    with pytest.raises(Invalid), store.write() as unit:
        submit.submit(unit, turn[2], turn[1], answer, 1.0, NOW)
    assert state(store, *turn[1:]) == Turn.ACCEPTED


@pytest.mark.parametrize("seconds", [-1, float("nan"), float("inf"), 1e9])
def test_an_impossible_time_is_refused(store, turn, seconds):
    with pytest.raises(Invalid, match="seconds"):
        made.answer(store, turn[2], turn[1], seconds=seconds)


def test_a_late_answer_is_kept_while_nobody_else_has_the_seat(store, turn):
    _, worker, assignment = turn
    made.sweep(store, NOW + LEASE)
    assert state(store, worker, assignment) == Turn.ABANDONED
    assert made.answer(store, assignment, worker, now=NOW + LEASE).late
    assert made.answer(store, assignment, worker, now=NOW + LEASE).repeated


def test_a_late_answer_is_refused_once_another_has_the_seat(store, turn):
    job, worker, assignment = turn
    made.sweep(store, NOW + LEASE)
    assert made.take(store, job, made.person(store, "worker"), NOW + LEASE)
    with pytest.raises(Conflict, match="somebody else"):
        made.answer(store, assignment, worker, now=NOW + LEASE)


def test_a_late_answer_to_gold_is_kept_like_any_other(store):
    job, _ = made.published(store, 10, golds=1, gold_percent=50)
    worker = made.person(store, "worker")
    offers = [made.take(store, job, worker)]
    for _ in range(1):
        offers.append(made.take(store, job, worker, have=[one.assignment_id for one in offers]))
    made.sweep(store, NOW + LEASE)
    receipts = [made.answer(store, one.assignment_id, worker, now=NOW + LEASE) for one in offers]
    with store.read() as unit:
        golds = [turns.assignment(unit, one.assignment_id, worker).gold for one in offers]
    assert set(golds) == {True, False}
    assert [receipt.late for receipt in receipts] == [True, True]


def test_more_time_counts_from_now_unless_the_lease_ran_out(store, turn):
    _, worker, assignment = turn
    with store.write() as unit:
        assert submit.extend(unit, assignment, worker, NOW + LEASE / 2) == NOW + 1.5 * LEASE
    assert made.sweep(store, NOW + LEASE) == 0
    with pytest.raises(Conflict, match="run out"), store.write() as unit:
        submit.start(unit, assignment, worker, NOW + 2 * LEASE)


def test_a_returned_hit_goes_to_another_and_cannot_be_answered(store, turn):
    job, worker, assignment = turn
    for _ in range(2):
        with store.write() as unit:
            submit.give_back(unit, assignment, worker, NOW)
    with pytest.raises(Conflict, match="returned"):
        made.answer(store, assignment, worker)
    assert made.work(store, job, made.person(store, "worker")) == 1


def test_what_was_submitted_cannot_be_returned(store, turn):
    made.answer(store, turn[2], turn[1])
    with pytest.raises(Conflict, match="submitted already"), store.write() as unit:
        submit.give_back(unit, turn[2], turn[1], NOW)


def test_a_problem_is_reported_in_words(store, turn):
    job, worker, assignment = turn
    with store.write() as unit:
        submit.report(unit, assignment, worker, "  the text is empty ", NOW)
    for text in (" ", "x" * 2001):
        with pytest.raises(Invalid), store.write() as unit:
            submit.report(unit, assignment, worker, text, NOW)
    with store.read() as unit:
        assert [report.text for report in talk.reports_of(unit, job)] == ["the text is empty"]
