"""One HIT from its making to its disposal, and everything that can happen to it on the way."""

import datetime as dt
from types import SimpleNamespace

import pytest

from tests.doors.paged import paged_job
from tests.mturk.conftest import HIT, QUESTION, TYPE, refused

CODE = "AWS.MechanicalTurk."


@pytest.fixture
def bob(api):
    return api.worker("bob")


@pytest.fixture
def eve(api):
    return api.worker("eve")


def make(ada, **more):
    return ada.create_hit(**{**HIT, **more})["HIT"]


def state(ada, hit):
    found = ada.get_hit(HITId=hit["HITId"])["HIT"]
    counts = ("Pending", "Available", "Completed")
    return (found["HITStatus"], *(found[f"NumberOfAssignments{name}"] for name in counts))


def balances(ada):
    said = ada.get_account_balance()
    return said["AvailableBalance"], said["OnHoldBalance"]


def test_a_hit_shows_what_it_was_made_of(api, ada):
    made = make(ada, MaxAssignments=2, RequesterAnnotation="batch 7")
    assert ada.get_hit(HITId=made["HITId"])["HIT"] == made
    assert {name: made[name] for name in TYPE} == TYPE
    assert (made["MaxAssignments"], made["RequesterAnnotation"], made["Question"]) == (2, "batch 7", QUESTION)
    assert made["CreationTime"] == api.clock()
    assert made["Expiration"] == api.clock() + dt.timedelta(hours=1)
    assert (made["HITReviewStatus"], made["QualificationRequirements"]) == ("NotReviewed", [])


def test_a_hit_goes_from_assignable_to_disposed(api, ada, bob):
    made = make(ada)
    assert state(ada, made) == ("Assignable", 0, 1, 0)
    assignment = api.claim(bob, made["HITTypeId"])
    assert state(ada, made) == ("Unassignable", 1, 0, 0)
    api.submit(bob, assignment)
    # Submitted and not reviewed is in none of the three counters.
    assert state(ada, made) == ("Reviewable", 0, 0, 0)
    ada.update_hit_review_status(HITId=made["HITId"])
    assert state(ada, made) == ("Reviewing", 0, 0, 0)
    code, words = refused(ada.delete_hit, HITId=made["HITId"])
    assert code == CODE + "InvalidHITState"
    assert words == (
        "This HIT is currently in the state 'Reviewing', and not all of its assignments are approved or rejected."
    )
    ada.approve_assignment(AssignmentId=assignment, RequesterFeedback="Thank you")
    assert state(ada, made) == ("Reviewing", 0, 0, 1)
    ada.delete_hit(HITId=made["HITId"])
    assert state(ada, made)[0] == "Disposed"
    assert ada.list_hits()["HITs"] == []
    assert "currently in the state 'Disposed'" in refused(ada.delete_hit, HITId=made["HITId"])[1]


def test_money_is_set_aside_paid_and_given_back(api, ada, bob):
    made = make(ada, MaxAssignments=3, Reward="1.10")
    assert balances(ada) == ("96.70", "3.30")
    assignment = api.work(bob, made["HITTypeId"])
    ada.approve_assignment(AssignmentId=assignment)
    assert balances(ada) == ("96.70", "2.20")
    ada.update_expiration_for_hit(HITId=made["HITId"], ExpireAt=0)
    assert balances(ada) == ("98.90", "0.00")
    ada.update_expiration_for_hit(HITId=made["HITId"], ExpireAt=api.clock() + dt.timedelta(hours=2))
    assert balances(ada) == ("96.70", "2.20")
    assert state(ada, made) == ("Assignable", 0, 2, 1)


def test_a_hit_that_costs_more_than_there_is_is_refused(ada):
    code, words = refused(ada.create_hit, **HIT | {"Reward": "60", "MaxAssignments": 2})
    assert code == CODE + "InsufficientFunds"
    assert "insufficient funds" in words
    assert balances(ada) == ("100.00", "0.00")
    assert ada.list_hits()["NumResults"] == 0


def test_an_answer_comes_as_question_form_answers(api, ada, bob):
    made = make(ada)
    assignment = api.work(bob, made["HITTypeId"], tone="calm & kind")
    found = ada.get_assignment(AssignmentId=assignment)
    said = found["Assignment"]
    assert found["HIT"]["HITId"] == said["HITId"] == made["HITId"]
    assert (said["AssignmentStatus"], said["WorkerId"]) == ("Submitted", bob.public_id)
    assert said["AutoApprovalTime"] - said["SubmitTime"] == dt.timedelta(days=1)
    assert said["Deadline"] - said["AcceptTime"] == dt.timedelta(minutes=10)
    assert "<QuestionIdentifier>tone</QuestionIdentifier><FreeText>calm &amp; kind</FreeText>" in said["Answer"]


@pytest.mark.parametrize(
    ("page", "said"),
    [
        ("<p>${name}</p><input name=tone>", "<QuestionIdentifier>tone</QuestionIdentifier><FreeText>calm</FreeText>"),
        ("<crowd-form></crowd-form>", '<FreeText>[{"tone":"calm"}]</FreeText>'),
    ],
)
def test_an_answer_to_a_page_of_a_batch_has_the_fields_of_its_results_file(api, bob, page, said):
    person, rita = api.requester("rita")
    show = api.site.broker.names
    hands = SimpleNamespace(store=api.store, time=api.clock(), name=lambda prefix, number: show(prefix).show(number))
    assignment = api.work(bob, paged_job(hands, person, [{"name": "x"}], page), tone="calm")
    assert said in rita.get_assignment(AssignmentId=assignment)["Assignment"]["Answer"]
    rita.approve_assignment(AssignmentId=assignment)


def test_what_is_accepted_or_returned_is_hidden(api, ada, bob):
    made = make(ada, MaxAssignments=2)
    held = api.claim(bob, made["HITTypeId"])
    for call in (ada.get_assignment, ada.approve_assignment):
        assert refused(call, AssignmentId=held)[0] == CODE + "AssignmentDoesNotExist"
    assert ada.list_assignments_for_hit(HITId=made["HITId"])["Assignments"] == []
    api.give_back(bob, held)
    assert refused(ada.get_assignment, AssignmentId=held)[0] == CODE + "AssignmentDoesNotExist"
    assert state(ada, made) == ("Assignable", 0, 2, 0)


def test_a_lease_that_ran_out_frees_its_seat(api, ada, bob, eve):
    made = make(ada)
    api.claim(bob, made["HITTypeId"])
    assert api.claim(eve, made["HITTypeId"]) is None
    api.clock.move(seconds=601)
    assert state(ada, made) == ("Assignable", 0, 1, 0)
    assert api.claim(eve, made["HITTypeId"]) is not None


def test_a_hit_that_expires_while_somebody_works_stays_unassignable_till_they_end(api, ada, bob, eve):
    made = make(ada, MaxAssignments=2, LifetimeInSeconds=60)
    held = api.claim(bob, made["HITTypeId"])
    api.clock.move(seconds=60)
    assert api.claim(eve, made["HITTypeId"]) is None
    assert state(ada, made) == ("Unassignable", 1, 1, 0)
    api.submit(bob, held)
    assert state(ada, made) == ("Reviewable", 0, 1, 0)
    assert [one["HITId"] for one in ada.list_reviewable_hits()["HITs"]] == [made["HITId"]]


def test_an_expired_hit_that_nobody_worked_on_can_be_deleted(api, ada):
    made = make(ada)
    assert refused(ada.delete_hit, HITId=made["HITId"])[1] == "This HIT is currently in the state 'Assignable'."
    ada.update_expiration_for_hit(HITId=made["HITId"], ExpireAt=0)
    assert state(ada, made)[0] == "Reviewable"
    ada.delete_hit(HITId=made["HITId"])
    assert balances(ada) == ("100.00", "0.00")


def test_more_seats_and_a_later_end_open_a_hit_again(api, ada, bob, eve):
    made = make(ada)
    api.work(bob, made["HITTypeId"])
    ada.create_additional_assignments_for_hit(HITId=made["HITId"], NumberOfAdditionalAssignments=1)
    assert state(ada, made) == ("Assignable", 0, 1, 0)
    assert balances(ada) == ("99.90", "0.10")
    api.clock.move(hours=1)
    assert state(ada, made) == ("Reviewable", 0, 1, 0)
    ada.update_hit_review_status(HITId=made["HITId"])
    ada.update_expiration_for_hit(HITId=made["HITId"], ExpireAt=api.clock() + dt.timedelta(minutes=5))
    assert state(ada, made) == ("Assignable", 0, 1, 0)
    api.work(eve, made["HITTypeId"])
    assert state(ada, made) == ("Reviewable", 0, 0, 0)


def test_a_worker_has_one_turn_at_a_hit(api, ada, bob):
    made = make(ada, MaxAssignments=5)
    api.work(bob, made["HITTypeId"])
    assert api.claim(bob, made["HITTypeId"]) is None


def test_answers_are_approved_by_the_clock(api, ada, bob):
    made = make(ada, AutoApprovalDelayInSeconds=3600)
    assignment = api.work(bob, made["HITTypeId"])
    api.clock.move(seconds=3599)
    assert ada.get_assignment(AssignmentId=assignment)["Assignment"]["AssignmentStatus"] == "Submitted"
    api.clock.move(seconds=1)
    said = ada.get_assignment(AssignmentId=assignment)["Assignment"]
    assert (said["AssignmentStatus"], said["ApprovalTime"]) == ("Approved", said["AutoApprovalTime"])
    assert balances(ada) == ("99.95", "0.00")


def test_a_rejection_may_be_overturned_for_thirty_days(api, ada, bob, eve):
    made = make(ada, MaxAssignments=2)
    first, second = (api.work(one, made["HITTypeId"]) for one in (bob, eve))
    for one in (first, second):
        ada.reject_assignment(AssignmentId=one, RequesterFeedback="")
    assert balances(ada) == ("99.90", "0.10")
    code, words = refused(ada.approve_assignment, AssignmentId=first)
    assert (code, words) == (
        CODE + "InvalidAssignmentState",
        "This operation can be called with a status of: Submitted",
    )
    api.clock.move(days=30)
    ada.approve_assignment(AssignmentId=first, OverrideRejection=True, RequesterFeedback="Sorry")
    said = ada.get_assignment(AssignmentId=first)["Assignment"]
    assert (said["AssignmentStatus"], said["RequesterFeedback"]) == ("Approved", "Sorry")
    assert "RejectionTime" not in said
    api.clock.move(seconds=1)
    refusal = refused(ada.approve_assignment, AssignmentId=second, OverrideRejection=True)
    assert refusal[0] == CODE + "InvalidAssignmentState"


def test_a_rejection_cannot_be_overturned_once_its_hit_is_disposed_of(api, ada, bob):
    made = make(ada)
    assignment = api.work(bob, made["HITTypeId"])
    ada.reject_assignment(AssignmentId=assignment, RequesterFeedback="no")
    ada.delete_hit(HITId=made["HITId"])
    refusal = refused(ada.approve_assignment, AssignmentId=assignment, OverrideRejection=True)
    assert refusal[0] == CODE + "InvalidAssignmentState"


def test_what_is_approved_stays_approved(api, ada, bob):
    made = make(ada)
    assignment = api.work(bob, made["HITTypeId"])
    ada.approve_assignment(AssignmentId=assignment)
    for call, more in ((ada.reject_assignment, {"RequesterFeedback": "no"}), (ada.approve_assignment, {})):
        assert refused(call, AssignmentId=assignment, **more)[0] == CODE + "InvalidAssignmentState"


def test_a_stranger_s_hit_and_assignment_do_not_exist(api, ada, bob):
    _, mallory = api.requester("mallory")
    made = make(ada)
    assignment = api.work(bob, made["HITTypeId"])
    for call in (mallory.get_hit, mallory.delete_hit, mallory.list_assignments_for_hit):
        code, words = refused(call, HITId=made["HITId"])
        assert code == CODE + "HITDoesNotExist"
        assert "does not exist" in words
    for call in (mallory.get_assignment, mallory.approve_assignment):
        assert refused(call, AssignmentId=assignment)[0] == CODE + "AssignmentDoesNotExist"
    assert refused(mallory.create_hit_with_hit_type, HITTypeId=made["HITTypeId"], LifetimeInSeconds=60)[0] == (
        CODE + "HITTypeDoesNotExist"
    )


def test_the_same_properties_are_the_same_type(ada):
    first = ada.create_hit_type(**TYPE)["HITTypeId"]
    assert ada.create_hit_type(**TYPE)["HITTypeId"] == first
    assert ada.create_hit_type(**TYPE | {"Reward": "0.06"})["HITTypeId"] != first
    made = ada.create_hit_with_hit_type(HITTypeId=first, LifetimeInSeconds=60, Question=QUESTION)["HIT"]
    assert make(ada)["HITGroupId"] == made["HITGroupId"]


def test_a_hit_may_get_another_type_with_all_that_is_its(api, ada, bob, eve):
    made = make(ada, MaxAssignments=3)
    rejected = api.work(bob, made["HITTypeId"])
    ada.reject_assignment(AssignmentId=rejected, RequesterFeedback="no")
    other = ada.create_hit_type(**TYPE | {"Reward": "0.50", "Title": "Another"})["HITTypeId"]
    ada.update_hit_type_of_hit(HITId=made["HITId"], HITTypeId=other)
    found = ada.get_hit(HITId=made["HITId"])["HIT"]
    assert (found["HITTypeId"], found["Title"], found["Reward"]) == (other, "Another", "0.50")
    assert balances(ada) == ("98.95", "1.05")
    assert api.claim(eve, made["HITTypeId"]) is None
    ada.approve_assignment(AssignmentId=api.work(eve, other))
    ada.approve_assignment(AssignmentId=rejected, OverrideRejection=True)
    assert balances(ada) == ("98.95", "0.50")


def test_a_hit_that_is_held_keeps_its_reward(api, ada, bob):
    made = make(ada, MaxAssignments=3)
    api.claim(bob, made["HITTypeId"])
    other = ada.create_hit_type(**TYPE | {"Reward": "0.01"})["HITTypeId"]
    refusal = refused(ada.update_hit_type_of_hit, HITId=made["HITId"], HITTypeId=other)
    assert refusal[0] == CODE + "InvalidHITState"
