"""What comes first: requesters' turns, their urgent jobs, urgent items, and HITs whose answers disagree."""

import random
from collections import Counter

import pytest

from broker.errors import Invalid, NotFound
from broker.rules import ledger
from broker.rules.order import Priority
from broker.services import assign, conclude, publish
from broker.store import hits, money
from broker.store.jobs import JobState
from broker.store.work import Hit
from tests.services import made
from tests.services.made import NOW, RICH

DRAWS = 300


def draws(store, worker, count=DRAWS):
    dice = random.Random(1)
    with store.read() as unit:
        return Counter(assign.next_job(unit, worker, assign.requesters(unit), dice, now=NOW) for _ in range(count))


def urgent(store, job, requester, priority):
    with store.write() as unit:
        publish.set_priority(unit, job, requester, str(int(priority)))


def infer(store, job):
    with store.write() as unit:
        found = conclude.gather(unit, job)
        conclude.keep(unit, job, found, conclude.infer(found), NOW)


def test_requesters_have_the_same_chance_however_many_jobs_they_have(store):
    one, first = made.published(store, 2)
    second = made.person(store, "requester", RICH)
    many = [made.draft(store, second, 2) for _ in range(5)]
    for job in many:
        with store.write() as unit:
            publish.publish(unit, job, second, NOW)
    found = draws(store, made.crowd(store, 1)[0])
    assert 110 < found[one] < 190
    assert set(found) == {one, *many}
    with store.read() as unit:
        assert assign.requesters(unit) == [first, second]


def test_a_requesters_urgent_job_comes_before_their_others(store):
    slow, requester = made.published(store, 2)
    fast = made.draft(store, requester, 2)
    with store.write() as unit:
        publish.publish(unit, fast, requester, NOW)
    urgent(store, fast, requester, Priority.HIGH)
    assert set(draws(store, made.crowd(store, 1)[0], 20)) == {fast}
    urgent(store, slow, requester, Priority.HIGH)
    urgent(store, fast, requester, Priority.LOW)
    assert set(draws(store, made.crowd(store, 1)[0], 20)) == {slow}


def test_a_job_is_passed_over_by_who_finds_nothing_in_it_until_a_hit_opens(store):
    job, _ = made.published(store, 1, redundancy=1)
    first, second = made.crowd(store, 2)
    held = made.take(store, job, first)
    assert made.take(store, job, second) is None
    assert set(draws(store, second, 5)) == {None}
    with store.write() as unit:
        hits.free_seat(unit, job, held.hit_id, gold=False)
    assert set(draws(store, second, 5)) == {job}


def test_no_open_job_is_no_job(store):
    job, requester = made.published(store, 1)
    with store.write() as unit:
        publish.pause(unit, job, requester)
    assert set(draws(store, made.crowd(store, 1)[0], 5)) == {None}


def test_priority_is_for_owners_and_one_of_three(store):
    job, requester = made.published(store, 1)
    with pytest.raises(NotFound), store.write() as unit:
        publish.set_priority(unit, job, requester + 1000, "0")
    with pytest.raises(Invalid, match="priority"), store.write() as unit:
        publish.set_priority(unit, job, requester, "7")


def prioritised(store, cells):
    requester = made.person(store, "requester", RICH)
    job = made.draft(store, requester, 0, columns=("text", "when"), priority_column="when", redundancy=1)
    with store.write() as unit:
        made.dataset.write(
            unit, job, [(row, {"text": f"text {row}", "when": cell}) for row, cell in enumerate(cells, 1)]
        )
    return job, requester


def test_items_come_by_their_priority(store):
    job, requester = prioritised(store, ["low", "", "High ", "normal", " HIGH"])
    with store.write() as unit:
        publish.publish(unit, job, requester, NOW)
    (worker,) = made.crowd(store, 1)
    seen = []
    while offer := made.take(store, job, worker):
        seen.append(offer.payload["text"])
        made.answer(store, offer.assignment_id, worker)
    assert seen == ["text 3", "text 5", "text 2", "text 4", "text 1"]


def test_an_unknown_priority_is_named_and_nothing_is_published(store):
    job, requester = prioritised(store, ["low", "soon"])
    with pytest.raises(Invalid, match="row 2, column 'when': is none of high, normal and low"), store.write() as unit:
        publish.publish(unit, job, requester, NOW)
    assert made.job_row(store, job).state == JobState.DRAFT


def labels(store, job, worker, by_text):
    while offer := made.take(store, job, worker):
        made.answer(store, offer.assignment_id, worker, by_text.get(offer.payload["text"], "cat"))
    made.run_errands(store)


def test_an_adaptive_job_asks_on_where_answers_disagree_and_ends_when_it_is_sure(store):
    job, requester = made.published(store, 8, redundancy=2, most=4, sure=0.9)
    before = made.job_row(store, job)
    assert before.state == JobState.OPEN
    with store.read() as unit:
        assert money.balance(unit, ledger.escrow(job)) == 8 * 4 * 20_000
    first, second, third, fourth = made.crowd(store, 4)
    truth = {f"text {row}": made.LABELS[row % 3] for row in range(1, 9)}
    labels(store, job, first, truth)
    labels(store, job, second, truth | {"text 3": "dog"})
    assert made.job_row(store, job).state == JobState.OPEN, "only its statistics know whether it is done"
    infer(store, job)
    with store.read() as unit:
        again = unit.session.query(Hit).where(Hit.job_id == job, Hit.open).all()
        assert {(hit.extra, hit.band) for hit in again} == {(1, 2)}
        assert "text 3" in {hit.payload["text"] for hit in again}
        assert unit.session.get(made.Job, job).done == 8 - len(again) > 4
    for worker in (third, fourth):
        labels(store, job, worker, truth)
        infer(store, job)
    done = made.job_row(store, job)
    assert (done.state, done.done) == (JobState.DONE, 8)
    made.run_errands(store)
    with store.read() as unit:
        assert money.balance(unit, ledger.escrow(job)) == 0
        answers = done.answers
        assert 17 <= answers <= 22
        assert money.balance(unit, ledger.person(requester)) == RICH - answers * 20_000


def test_an_adaptive_job_that_stays_unsure_ends_at_the_most(store):
    job, _ = made.published(store, 1, redundancy=2, most=3, sure=0.999)
    for worker, label in zip(made.crowd(store, 3), ("cat", "dog", "bird"), strict=True):
        labels(store, job, worker, {"text 1": label})
        infer(store, job)
    done = made.job_row(store, job)
    assert (done.state, done.answers) == (JobState.DONE, 3)


def test_a_hit_that_is_sure_early_closes_and_what_is_out_may_come(store):
    job, _ = made.published(store, 1, redundancy=3)
    first, second, third = made.crowd(store, 3)
    held = made.take(store, job, first)
    with store.write() as unit:
        assert hits.close_early(unit, job, [held.hit_id], 3) == 0
    assert made.take(store, job, second) is None
    made.answer(store, held.assignment_id, first)
    made.run_errands(store)
    assert made.job_row(store, job).state == JobState.DONE
    assert made.take(store, job, third) is None


def balance(store, account):
    with store.read() as unit:
        return money.balance(unit, account)


def test_a_budget_goes_to_the_items_that_are_least_sure_and_the_job_ends_when_it_is_spent(store):
    job, requester = made.published(store, 8, redundancy=2, most=6, sure=0.999, budget=18 * 20_000)
    assert balance(store, ledger.escrow(job)) == 18 * 20_000
    truth = {f"text {row}": made.LABELS[row % 3] for row in range(1, 9)}
    other = truth | {"text 3": "dog", "text 7": "bird"}
    first, second, third, fourth = made.crowd(store, 4)
    labels(store, job, first, truth)
    labels(store, job, second, other)
    infer(store, job)
    with store.read() as unit:
        again = unit.session.query(Hit).where(Hit.job_id == job, Hit.open).all()
        assert {hit.payload["text"] for hit in again} == {"text 3", "text 7"}
    for worker in (third, fourth):
        labels(store, job, worker, truth)
        infer(store, job)
    done = made.job_row(store, job)
    assert (done.state, done.answers) == (JobState.DONE, 18)
    assert balance(store, ledger.escrow(job)) == 0
    assert balance(store, ledger.person(requester)) == RICH - 18 * 20_000


def test_a_budget_that_does_not_pay_for_everyones_first_answers_is_refused_and_nothing_is_set_aside(store):
    requester = made.person(store, "requester", RICH)
    job = made.draft(store, requester, 8, redundancy=2, most=4, budget=15 * 20_000)
    with (
        pytest.raises(Invalid, match=r"budget: the answers that every item gets cost 0.32 already"),
        store.write() as unit,
    ):
        publish.publish(unit, job, requester, NOW)
    assert made.job_row(store, job).state == JobState.DRAFT
    assert balance(store, ledger.person(requester)) == RICH


def test_more_answers_raise_the_budget_by_what_they_cost(store):
    job, requester = made.published(store, 8, redundancy=2, most=4, sure=0.999, budget=20 * 20_000)
    with store.write() as unit:
        publish.add_answers(unit, job, requester, 1, NOW)
    assert made.job_row(store, job).budget == balance(store, ledger.escrow(job)) == 28 * 20_000
    for worker in made.crowd(store, 5):
        labels(store, job, worker, {})
        infer(store, job)
    assert made.job_row(store, job).state == JobState.DONE
    made.run_errands(store)
    spent = made.job_row(store, job).answers * 20_000
    assert balance(store, ledger.escrow(job)) == 0
    assert balance(store, ledger.person(requester)) == RICH - spent
    assert spent <= 28 * 20_000
