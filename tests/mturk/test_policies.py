"""Review policies through boto3: answers come in, errands run, and the report says what was found and done."""

import datetime as dt

import pytest

from broker.store.work import Assignment
from tests.mturk.conftest import HIT, refused
from workers import errands, schedule

CODE = "AWS.MechanicalTurk."


def parameters(**values):
    told = []
    for key, value in values.items():
        if isinstance(value, dict):
            entries = [{"Key": name, "Values": wanted} for name, wanted in value.items()]
            told.append({"Key": key, "MapEntries": entries})
        else:
            told.append({"Key": key, "Values": [str(value)]})
    return told


def known(**values):
    return {"PolicyName": "ScoreMyKnownAnswers/2011-09-01", "Parameters": parameters(**values)}


def plurality(**values):
    return {"PolicyName": "SimplePlurality/2011-09-01", "Parameters": parameters(**values)}


def consensus(**values):
    return {"PolicyName": "CrowdBrokerConsensus/2026-01-01", "Parameters": parameters(**values)}


def make(ada, **more):
    return ada.create_hit(**HIT | more)["HIT"]


def run(api):
    """What the clock and the errands' workers do."""
    schedule.judge(api.site.broker)
    for queue in ("errands", "statistics", "errands"):
        errands.drain_with(api.site.broker, queue)


def work(api, hit, *answers, prefix="worker"):
    """Each answer by a worker of its own; the assignments' ids."""
    made = [api.work(api.worker(f"{prefix}{n}"), hit["HITTypeId"], **answer) for n, answer in enumerate(answers)]
    run(api)
    return made


def report(ada, hit, level="HIT", **more):
    said = ada.list_review_policy_results_for_hit(HITId=hit["HITId"], PolicyLevels=[level], MaxResults=100, **more)
    return said["HITReviewReport" if level == "HIT" else "AssignmentReviewReport"]


def values(said, key):
    return {
        (one["SubjectId"], one.get("QuestionId", "")): one["Value"]
        for one in said["ReviewResults"]
        if one["Key"] == key
    }


def acts(said):
    return [(one["ActionName"], one["TargetId"], one["Status"]) for one in said["ReviewActions"]]


def states(ada, hit):
    said = ada.list_assignments_for_hit(HITId=hit["HITId"])["Assignments"]
    return {one["AssignmentId"]: one["AssignmentStatus"] for one in said}


CLOTHES = (
    {"A": "coat", "B": "blue", "C": "large", "D": "Furry"},
    {"A": "sweater", "B": "blue", "C": "large", "D": "fur"},
    {"A": "coat", "B": "green", "C": "large", "D": "furr"},
)


def test_the_worked_example_of_the_reference_comes_out_of_the_api(api, ada):
    policy = plurality(
        QuestionIds="A,B,C,D",
        QuestionAgreementThreshold=50,
        ApproveIfWorkerAgreementScoreIsAtLeast=100,
        RejectIfWorkerAgreementScoreIsLessThan=66,
    )
    hit = make(ada, MaxAssignments=3, HITReviewPolicy=policy)
    made = work(api, hit, *CLOTHES)
    said = report(ada, hit)
    name = hit["HITId"]
    assert values(said, "AnswerAgreementScore") == {(name, "A"): "66", (name, "B"): "66", (name, "C"): "100"}
    assert values(said, "AgreedAnswer") == {(name, "A"): "coat", (name, "B"): "blue", (name, "C"): "large"}
    assert values(said, "WorkerAgreementScore") == {(made[0], ""): "100", (made[1], ""): "66", (made[2], ""): "66"}
    assert values(said, "HitAgreementScore") == {(name, ""): "75"}
    assert acts(said) == [("review", name, "Succeeded"), ("approve", made[0], "Succeeded")]
    assert states(ada, hit) == {made[0]: "Approved", made[1]: "Submitted", made[2]: "Submitted"}


def test_nothing_is_compared_before_all_answers_are_there(api, ada):
    hit = make(ada, MaxAssignments=3, HITReviewPolicy=plurality(QuestionIds="A", QuestionAgreementThreshold=50))
    work(api, hit, *CLOTHES[:2])
    assert report(ada, hit)["ReviewActions"] == []


def test_a_hit_that_expires_is_compared_with_what_there_is(api, ada):
    hit = make(ada, MaxAssignments=3, HITReviewPolicy=plurality(QuestionIds="B", QuestionAgreementThreshold=50))
    work(api, hit, *CLOTHES[:2])
    ada.update_expiration_for_hit(HITId=hit["HITId"], ExpireAt=0)
    run(api)
    assert values(report(ada, hit), "AgreedAnswer") == {(hit["HITId"], "B"): "blue"}


def test_disagreement_extends_the_hit_up_to_its_most_and_each_review_is_appended(api, ada):
    policy = plurality(
        QuestionIds="A",
        QuestionAgreementThreshold=50,
        ExtendIfHITAgreementScoreIsLessThan=100,
        ExtendMaximumAssignments=3,
        ExtendMinimumTimeInSeconds=7200,
    )
    hit = make(ada, MaxAssignments=2, HITReviewPolicy=policy)
    work(api, hit, {"A": "x"}, {"A": "y"})
    shown = ada.get_hit(HITId=hit["HITId"])["HIT"]
    assert (shown["HITStatus"], shown["MaxAssignments"]) == ("Assignable", 3)
    assert shown["Expiration"] == api.clock() + dt.timedelta(seconds=7200)
    work(api, hit, {"A": "z"}, prefix="late")
    said = report(ada, hit)
    name = hit["HITId"]
    assert [one["Value"] for one in said["ReviewResults"] if one["Key"] == "AgreedAnswerFound"] == ["false", "false"]
    assert acts(said) == [("review", name, "Succeeded"), ("extend", name, "Succeeded")] * 2
    assert "3 assignments already" in said["ReviewActions"][-1]["Result"]
    assert ada.get_hit(HITId=name)["HIT"]["MaxAssignments"] == 3


def test_known_answers_are_scored_at_each_submission(api, ada):
    policy = known(
        AnswerKey={"A": ["coat"], "B": ["blue"]},
        ApproveIfKnownAnswerScoreIsAtLeast=100,
        ApproveReason="You know clothes.",
        RejectIfKnownAnswerScoreIsLessThan=50,
        RejectReason="You guessed.",
        ExtendIfKnownAnswerScoreIsLessThan=50,
        ExtendMaximumAssignments=4,
    )
    hit = make(ada, MaxAssignments=3, AssignmentReviewPolicy=policy)
    made = work(api, hit, CLOTHES[0], CLOTHES[1], {"A": "hat"})
    said = report(ada, hit, "Assignment")
    assert values(said, "KnownAnswerScore") == {(made[0], ""): "100", (made[1], ""): "50", (made[2], ""): "0"}
    assert values(said, "KnownAnswerCorrect")[made[1], "A"] == "0"
    assert states(ada, hit) == {made[0]: "Approved", made[1]: "Submitted", made[2]: "Rejected"}
    feedback = [ada.get_assignment(AssignmentId=one)["Assignment"].get("RequesterFeedback") for one in made]
    assert feedback == ["You know clothes.", None, "You guessed."]
    assert ("extend", hit["HITId"], "Succeeded") in acts(said)
    assert ada.get_hit(HITId=hit["HITId"])["HIT"]["MaxAssignments"] == 4


def test_both_policies_together_leave_out_what_the_first_one_rejected(api, ada):
    hit = make(
        ada,
        MaxAssignments=3,
        AssignmentReviewPolicy=known(AnswerKey={"B": ["blue"]}, RejectIfKnownAnswerScoreIsLessThan=100),
        HITReviewPolicy=plurality(QuestionIds="A", QuestionAgreementThreshold=40, DisregardAssignmentIfRejected="T"),
    )
    work(api, hit, {"A": "x", "B": "green"}, {"A": "y", "B": "blue"}, {"A": "y", "B": "blue"})
    assert values(report(ada, hit), "AnswerAgreementScore") == {(hit["HITId"], "A"): "100"}


def test_what_was_decided_already_is_said_so_or_fails_with_its_code(api, ada):
    policy = plurality(QuestionIds="A", QuestionAgreementThreshold=50, ApproveIfWorkerAgreementScoreIsAtLeast=0)
    hit = make(ada, MaxAssignments=2, HITReviewPolicy=policy)
    first = api.work(api.worker("first"), hit["HITTypeId"], A="x")
    second = api.work(api.worker("second"), hit["HITTypeId"], A="x")
    ada.approve_assignment(AssignmentId=first)
    ada.reject_assignment(AssignmentId=second, RequesterFeedback="No")
    run(api)
    found = [one for one in report(ada, hit)["ReviewActions"] if one["ActionName"] == "approve"]
    assert [(one["TargetId"], one["Status"], one.get("ErrorCode")) for one in found] == [
        (first, "Succeeded", None),
        (second, "Failed", CODE + "InvalidAssignmentState"),
    ]
    assert found[0]["Result"] == "Already approved"


def test_an_extension_that_cannot_be_paid_fails_with_its_code(api):
    ada = api.requester("poor", credit=100_000)[1]
    policy = known(AnswerKey={"A": ["x"]}, ExtendIfKnownAnswerScoreIsLessThan=101)
    hit = make(ada, MaxAssignments=2, AssignmentReviewPolicy=policy)
    work(api, hit, {"A": "x"})
    (failed,) = [one for one in report(ada, hit, "Assignment")["ReviewActions"] if one["ActionName"] == "extend"]
    assert (failed["Status"], failed["ErrorCode"]) == ("Failed", CODE + "InsufficientFunds")


def test_an_errand_that_runs_twice_reviews_once(api, ada):
    policy = known(AnswerKey={"A": ["x"]}, ApproveIfKnownAnswerScoreIsAtLeast=0)
    hit = make(ada, AssignmentReviewPolicy=policy)
    work(api, hit, {"A": "x"})
    errands.ERRANDS["review"](api.site.broker, api.site.broker.names("H").read(hit["HITId"]))
    assert len(report(ada, hit, "Assignment")["ReviewActions"]) == 2


def test_results_come_in_pages_and_only_what_is_wanted(api, ada):
    hit = make(ada, MaxAssignments=3, HITReviewPolicy=plurality(QuestionIds="A,B,C,D", QuestionAgreementThreshold=50))
    work(api, hit, *CLOTHES)
    whole = report(ada, hit)["ReviewResults"]
    found, token = [], {}
    while token is not None:
        said = ada.list_review_policy_results_for_hit(HITId=hit["HITId"], MaxResults=4, **token)
        page = said["HITReviewReport"]
        found += page["ReviewResults"]
        assert ("NextToken" in said) == bool(page["ReviewResults"] or page["ReviewActions"])
        token = {"NextToken": said["NextToken"]} if "NextToken" in said else None
    assert found == whole
    assert report(ada, hit, RetrieveResults=False)["ReviewResults"] == []
    assert report(ada, hit, RetrieveActions=False)["ReviewActions"] == []
    said = ada.list_review_policy_results_for_hit(HITId=hit["HITId"])
    assert said["HITReviewPolicy"]["PolicyName"] == "SimplePlurality/2011-09-01"
    assert "AssignmentReviewPolicy" not in said


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        ({"AssignmentReviewPolicy": known()}, "AnswerKey"),
        ({"HITReviewPolicy": plurality(QuestionIds="A")}, "QuestionAgreementThreshold"),
        ({"HITReviewPolicy": {"PolicyName": "Nobody/2020-01-01"}}, "is no HIT review policy"),
    ],
)
def test_a_policy_that_cannot_be_makes_no_hit(ada, policy, words):
    code, said = refused(ada.create_hit, **HIT | policy)
    assert code == CODE + "InvalidParameterValue"
    assert words in said
    assert ada.list_hits()["NumResults"] == 0


def test_a_strangers_results_are_not_shown(api, ada):
    hit = make(ada)
    eve = api.requester("eve")[1]
    assert refused(eve.list_review_policy_results_for_hit, HITId=hit["HITId"])[0] == CODE + "HITDoesNotExist"


TONES = [("angry", "calm")[number % 2] for number in range(12)]


def answer_all(api, hits, workers):
    """Each worker answers every HIT; the last of them gets the last two wrong."""
    tone = dict(zip((hit["HITId"] for hit in hits), TONES, strict=True))
    for worker in workers:
        while (assignment := api.claim(worker, hits[0]["HITTypeId"])) is not None:
            hit = hit_of(api, assignment)
            wrong = worker is workers[-1] and hit in {one["HITId"] for one in hits[-2:]}
            api.submit(worker, assignment, tone=TONES[TONES.index(tone[hit]) - 1] if wrong else tone[hit])
    run(api)


def hit_of(api, assignment):
    names = api.site.broker.names
    with api.store.read() as unit:
        return names("H").show(unit.session.get(Assignment, names("T").read(assignment)).hit_id)


def test_the_consensus_policy_asks_on_where_answers_disagree_and_stops_where_they_agree(api, ada):
    policy = consensus(MinimumConfidence=85, ExtendMaximumAssignments=5)
    hits = [make(ada, MaxAssignments=3, HITReviewPolicy=policy) for _ in TONES]
    answer_all(api, hits, [api.worker(f"crowd{number}") for number in range(3)])
    shown = [ada.get_hit(HITId=hit["HITId"])["HIT"] for hit in hits]
    assert [one["MaxAssignments"] for one in shown] == [3] * 10 + [4] * 2
    reports = [report(ada, hit) for hit in hits]
    agreed = [values(said, "AgreedAnswer")[hit["HITId"], "tone"] for hit, said in zip(hits, reports, strict=True)]
    assert agreed == TONES
    sure, unsure = (float(values(reports[n], "Confidence")[hits[n]["HITId"], "tone"]) for n in (0, -1))
    assert sure > 0.85 > unsure
    assert values(reports[0], "AgreedAnswerFound")[hits[0]["HITId"], "tone"] == "true"
    assert values(reports[-1], "AgreedAnswerFound")[hits[-1]["HITId"], "tone"] == "false"
    posterior = [float(one["Value"]) for one in reports[-1]["ReviewResults"] if one["Key"].startswith("Posterior:")]
    assert sum(posterior) == pytest.approx(1, abs=0.01)
    accuracy = [float(one) for one in values(reports[-1], "WorkerAccuracy").values()]
    assert min(accuracy) == accuracy[-1] < accuracy[0]


def test_the_consensus_is_reviewed_again_with_each_answer_more_and_ends_at_the_most(api, ada):
    policy = consensus(MinimumConfidence=99, ExtendMaximumAssignments=3, QuestionIds="tone")
    hit = make(ada, MaxAssignments=2, HITReviewPolicy=policy)
    work(api, hit, {"tone": "calm", "note": "a"}, {"tone": "angry", "note": "b"})
    assert ada.get_hit(HITId=hit["HITId"])["HIT"]["MaxAssignments"] == 3
    work(api, hit, {"tone": "calm"}, prefix="late")
    said = report(ada, hit)
    assert [one[0] for one in acts(said)] == ["review", "extend"] * 2
    assert set(values(said, "AgreedAnswer")) == {(hit["HITId"], "tone")}
    assert ada.get_hit(HITId=hit["HITId"])["HIT"]["MaxAssignments"] == 3


def test_known_answers_teach_the_consensus_who_errs(api, ada):
    """Two workers who always err outvote one who is right, until known answers tell them apart."""
    wrong = {"angry": "calm", "calm": "angry"}
    known_key = [known(AnswerKey={"tone": [tone]}) for tone in TONES]
    policy = consensus(MinimumConfidence=50, QuestionIds="tone")
    hits = [
        make(ada, MaxAssignments=3, HITReviewPolicy=policy, **({"AssignmentReviewPolicy": key} if n < 10 else {}))
        for n, key in enumerate(known_key)
    ]
    tone = dict(zip((hit["HITId"] for hit in hits), TONES, strict=True))
    for number in range(3):
        worker = api.worker(f"crowd{number}")
        while (assignment := api.claim(worker, hits[0]["HITTypeId"])) is not None:
            right = tone[hit_of(api, assignment)]
            api.submit(worker, assignment, tone=right if number == 0 else wrong[right])
    run(api)
    agreed = [values(report(ada, hit), "AgreedAnswer")[hit["HITId"], "tone"] for hit in hits[10:]]
    assert agreed == TONES[10:]
