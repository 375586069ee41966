"""Lists and their pages, as boto3's own paginators walk them."""

import pytest

from tests.mturk.conftest import HIT, TYPE, refused

CODE = "AWS.MechanicalTurk."


@pytest.fixture
def workers(api):
    return [api.worker(name) for name in ("bob", "eve", "kim")]


def walked(client, operation, name, **params):
    """All that a paginator finds, two at a time."""
    pages = list(client.get_paginator(operation).paginate(**params, PaginationConfig={"PageSize": 2}))
    assert all(page["NumResults"] == len(page[name]) for page in pages)
    assert "NextToken" not in pages[-1]
    return [one for page in pages for one in page[name]]


def test_hits_are_walked(ada):
    made = [ada.create_hit(**HIT, RequesterAnnotation=str(number))["HIT"]["HITId"] for number in range(5)]
    assert [one["HITId"] for one in walked(ada, "list_hits", "HITs")] == made


def test_old_scripts_read_on_until_a_page_is_empty(ada):
    assert "NextToken" not in ada.list_hits()
    made = [ada.create_hit(**HIT, RequesterAnnotation=str(number))["HIT"]["HITId"] for number in range(3)]
    found, page = [], ada.list_hits(MaxResults=2)
    while page["NumResults"] > 0:
        found += [one["HITId"] for one in page["HITs"]]
        page = ada.list_hits(MaxResults=2, NextToken=page["NextToken"])
    assert found == made
    assert "NextToken" not in page


def test_reviewable_hits_are_walked_by_type_and_status(api, ada, workers):
    made = [ada.create_hit(**HIT)["HIT"] for _ in range(3)]
    other = ada.create_hit(**HIT | {"Title": "Another"})["HIT"]
    assert walked(ada, "list_reviewable_hits", "HITs") == []
    for one in (*made, other):
        api.work(workers[0], one["HITTypeId"])
    ids = [one["HITId"] for one in made]
    assert [one["HITId"] for one in walked(ada, "list_reviewable_hits", "HITs")] == [*ids, other["HITId"]]
    of_type = walked(ada, "list_reviewable_hits", "HITs", HITTypeId=made[0]["HITTypeId"])
    assert [one["HITId"] for one in of_type] == ids
    ada.update_hit_review_status(HITId=ids[1])
    assert [one["HITId"] for one in walked(ada, "list_reviewable_hits", "HITs", Status="Reviewing")] == [ids[1]]
    assert ids[1] not in {one["HITId"] for one in walked(ada, "list_reviewable_hits", "HITs", Status="Reviewable")}
    ada.update_hit_review_status(HITId=ids[1], Revert=True)
    assert walked(ada, "list_reviewable_hits", "HITs", Status="Reviewing") == []


def test_assignments_are_walked_by_state(api, ada, workers):
    made = ada.create_hit(**HIT, MaxAssignments=4)["HIT"]
    ids = [api.work(one, made["HITTypeId"]) for one in workers]
    ada.approve_assignment(AssignmentId=ids[0])
    ada.reject_assignment(AssignmentId=ids[1], RequesterFeedback="no")
    hit = {"HITId": made["HITId"]}
    found = walked(ada, "list_assignments_for_hit", "Assignments", **hit)
    assert [one["AssignmentId"] for one in found] == ids
    assert [one["AssignmentStatus"] for one in found] == ["Approved", "Rejected", "Submitted"]
    some = walked(ada, "list_assignments_for_hit", "Assignments", **hit, AssignmentStatuses=["Submitted", "Rejected"])
    assert [one["AssignmentId"] for one in some] == ids[1:]


def test_bonuses_are_walked(api, ada, workers):
    made = ada.create_hit(**HIT, MaxAssignments=3)["HIT"]
    ids = [api.work(one, made["HITTypeId"]) for one in workers]
    for worker, assignment in zip(workers, ids, strict=True):
        ada.send_bonus(WorkerId=worker.public_id, AssignmentId=assignment, BonusAmount="0.5", Reason="Thank you")
    found = walked(ada, "list_bonus_payments", "BonusPayments", HITId=made["HITId"])
    assert [one["AssignmentId"] for one in found] == ids
    assert {one["BonusAmount"] for one in found} == {"0.50"}
    assert len(walked(ada, "list_bonus_payments", "BonusPayments", AssignmentId=ids[0])) == 1
    assert refused(ada.list_bonus_payments)[0] == CODE + "InvalidParameterValue"
    assert ada.get_account_balance()["AvailableBalance"] == "98.35"


def test_a_bonus_is_for_the_worker_of_the_assignment_and_for_what_there_is(api, ada, workers):
    bob, eve, _ = workers
    assignment = api.work(bob, ada.create_hit(**HIT)["HIT"]["HITTypeId"])
    bonus = {"AssignmentId": assignment, "BonusAmount": "1", "Reason": "Thank you", "WorkerId": bob.public_id}
    assert refused(ada.send_bonus, **bonus | {"WorkerId": eve.public_id})[0] == CODE + "InvalidParameterValue"
    assert refused(ada.send_bonus, **bonus | {"BonusAmount": "0"})[0] == CODE + "InvalidParameterValue"
    assert refused(ada.send_bonus, **bonus | {"Reason": " "})[1].startswith("Reason: write between")
    assert refused(ada.send_bonus, **bonus | {"BonusAmount": "200"})[0] == CODE + "InsufficientFunds"
    assert refused(ada.send_bonus, **bonus | {"AssignmentId": "T00"})[0] == CODE + "AssignmentDoesNotExist"


def test_blocks_are_walked_and_lifted(api, ada, workers):
    for worker in workers:
        ada.create_worker_block(WorkerId=worker.public_id, Reason="slow")
    found = walked(ada, "list_worker_blocks", "WorkerBlocks")
    assert found == [{"WorkerId": one.public_id, "Reason": "slow"} for one in workers]
    for _ in range(2):
        ada.delete_worker_block(WorkerId=workers[0].public_id)
    assert len(ada.list_worker_blocks()["WorkerBlocks"]) == 2
    assert refused(ada.create_worker_block, WorkerId="A1", Reason="x")[0] == CODE + "WorkerDoesNotExist"


def test_a_blocked_worker_gets_nothing_of_this_requester_till_they_are_let_in(api, ada, workers):
    bob, eve, _ = workers
    made = [ada.create_hit(**HIT, MaxAssignments=3)["HIT"] for _ in range(3)]
    had = api.work(bob, made[0]["HITTypeId"])
    for one in (bob, eve):
        ada.create_worker_block(WorkerId=one.public_id, Reason="slow")
        assert api.claim(one, made[0]["HITTypeId"]) is None
    ada.create_hit(**HIT)
    assert api.claim(bob, made[0]["HITTypeId"]) is None
    for one in (bob, eve):
        ada.delete_worker_block(WorkerId=one.public_id)
        assert api.claim(one, made[0]["HITTypeId"]) not in (None, had)


def test_workers_who_worked_for_a_requester_are_written_to(api, ada, workers):
    bob, eve, _ = workers
    ada.approve_assignment(AssignmentId=api.work(bob, ada.create_hit(**HIT)["HIT"]["HITTypeId"]))
    readers = [bob.public_id, eve.public_id, "A0NOBODY"]
    said = ada.notify_workers(Subject="More work", MessageText="Come back.", WorkerIds=readers)
    assert [one["WorkerId"] for one in said["NotifyWorkersFailureStatuses"]] == readers[1:]
    for more in ({"Subject": "x" * 201}, {"MessageText": "x" * 4097}, {"WorkerIds": []}, {"WorkerIds": readers * 50}):
        params = {"Subject": "s", "MessageText": "m", "WorkerIds": [bob.public_id]} | more
        if more.get("WorkerIds") != readers * 50:  # the same worker named twice is one worker
            assert refused(ada.notify_workers, **params)[0] == CODE + "InvalidParameterValue"


def test_a_token_of_somebody_s_own_making_is_refused(ada):
    assert refused(ada.list_hits, NextToken="abc")[0] == CODE + "InvalidParameterValue"
    assert refused(ada.list_hits, MaxResults=101)[0] == "ValidationException"


@pytest.mark.parametrize(
    "more",
    [
        {"LifetimeInSeconds": 29},
        {"AssignmentDurationInSeconds": 29},
        {"AutoApprovalDelayInSeconds": 2_592_001},
        {"MaxAssignments": 0},
        {"Title": " "},
        {"Title": "x" * 129},
        {"Keywords": "x" * 1001},
        {"RequesterAnnotation": "x" * 256},
        {"Reward": "100000"},
        {"Question": None},
    ],
)
def test_what_is_out_of_its_range_is_named(ada, more):
    params = {name: value for name, value in (HIT | more).items() if value is not None}
    code, words = refused(ada.create_hit, **params)
    assert code == CODE + "InvalidParameterValue"
    assert next(iter(more)) in words


def test_a_parameter_is_called_as_the_api_calls_it(api, ada, workers):
    words = refused(ada.create_hit, **HIT | {"AssignmentDurationInSeconds": 29})[1]
    assert words == "AssignmentDurationInSeconds must be between 30 and 31536000, not 29"
    assignment = api.work(workers[0], ada.create_hit(**HIT)["HIT"]["HITTypeId"])
    words = refused(ada.reject_assignment, AssignmentId=assignment, RequesterFeedback="x" * 1025)[1]
    assert words == "RequesterFeedback: write at most 1024 characters"
    made = {"Name": "n", "Description": "d", "QualificationTypeStatus": "Active"}
    assert refused(ada.create_qualification_type, **made, RetryDelayInSeconds=-1)[1].startswith("RetryDelayInSeconds: ")
    assert refused(ada.create_qualification_type, **made, AnswerKey="<x/>")[1].startswith("AnswerKey: there is no test")


@pytest.mark.parametrize("more", [{"Reward": "five"}, {"Reward": "0.055"}, {"Reward": "-1"}, {"Reward": ""}])
def test_a_reward_that_is_no_amount_has_a_wrong_shape(ada, more):
    assert refused(ada.create_hit, **HIT | more)[0] == "ValidationException"


@pytest.mark.parametrize("question", ["<nonsense", "<ExternalQuestion/>", "<!DOCTYPE x><x/>"])
def test_a_question_that_is_no_xml_of_theirs_is_told_so(ada, question):
    assert refused(ada.create_hit, **HIT | {"Question": question})[0] == CODE + "XMLParseError"


def test_types_are_their_own(ada):
    assert refused(ada.list_reviewable_hits, HITTypeId="J00")[0] == CODE + "HITTypeDoesNotExist"
    assert ada.create_hit_type(**TYPE)["HITTypeId"].startswith("J")
    refusal = refused(ada.get_file_upload_url, AssignmentId="T00", QuestionIdentifier="q")
    assert refusal[0] == CODE + "InvalidParameterValue"
