"""Review policies: known answers and plurality exactly as MTurk's reference has them, its worked example included."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.errors import Invalid
from broker.rules.policy_parameters import Parameter
from broker.rules.review_policy import (
    Consensus,
    Decision,
    Extension,
    Level,
    Plurality,
    Policy,
    Submission,
    read,
    review_known,
    review_plurality,
    values_of,
)

KEY = Parameter("AnswerKey", entries={"colour": ("red",), "shapes": ("round", " flat ")})


def asks(**values):
    return [Parameter(key, (str(value),)) for key, value in values.items()]


def known(**values):
    return read(Policy.KNOWN, Level.ASSIGNMENT, [KEY, *asks(**values)])


def plurality(**values):
    usual = {"QuestionIds": "A,B,C,D", "QuestionAgreementThreshold": 50}
    return read(Policy.PLURALITY, Level.HIT, asks(**(usual | values)))


def submission(name, answers, **more):
    return Submission(name, {question: values_of(answer) for question, answer in answers.items()}, **more)


def found(report, subject, key, question=""):
    return next(
        (one.value for one in report.results if (one.subject, one.key, one.question) == (subject, key, question)), None
    )


def wished(report):
    return [(one.name, one.target) for one in report.wishes if one.name != "review"]


# The worked example of "HIT Review Policies": four questions, three workers.
ANSWERS = {
    "A": ("coat", "sweater", "coat"),
    "B": ("blue", "blue", "green"),
    "C": ("large", "large", "large"),
    "D": ("Furry", "fur", "furr"),
}
WORKERS = [submission(f"T{n}", {question: row[n] for question, row in ANSWERS.items()}) for n in range(3)]


def test_the_worked_example_of_the_reference_has_its_scores():
    report = review_plurality(plurality(), WORKERS, "HIT")
    assert [found(report, "HIT", "AnswerAgreementScore", one) for one in "ABCD"] == ["66", "66", "100", None]
    assert [found(report, "HIT", "AgreedAnswer", one) for one in "ABCD"] == ["coat", "blue", "large", None]
    assert [found(report, "HIT", "AgreedAnswerFound", one) for one in "ABCD"] == ["true", "true", "true", "false"]
    assert [found(report, f"T{n}", "WorkerAgreementScore") for n in range(3)] == ["100", "66", "66"]
    assert [found(report, f"T{n}", "PluralityAnswersCorrect") for n in range(3)] == ["3", "2", "2"]
    assert [found(report, f"T{n}", "PluralityAnswersIncorrect") for n in range(3)] == ["0", "1", "1"]
    assert found(report, "HIT", "HitAgreementScore") == "75"


def test_plurality_approves_rejects_and_extends_by_its_bounds():
    policy = plurality(
        ApproveIfWorkerAgreementScoreIsAtLeast=67,
        RejectIfWorkerAgreementScoreIsLessThan=67,
        RejectReason="The others disagree.",
        ExtendIfHITAgreementScoreIsLessThan=76,
        ExtendMaximumAssignments=5,
        ExtendMinimumTimeInSeconds=3600,
    )
    report = review_plurality(policy, WORKERS, "HIT")
    assert wished(report) == [("approve", "T0"), ("reject", "T1"), ("reject", "T2"), ("extend", "HIT")]
    assert report.wishes[2].text == "The others disagree."
    assert report.wishes[-1].extension == Extension(76, 5, 3600)


def test_a_score_at_the_threshold_is_not_agreed_and_one_above_it_is():
    halves = [submission("T1", {"A": "x"}), submission("T2", {"A": "x"}), submission("T3", {"A": "y"})]
    assert (
        found(
            review_plurality(plurality(QuestionIds="A", QuestionAgreementThreshold=66), halves, "H"),
            "H",
            "AgreedAnswerFound",
            "A",
        )
        == "false"
    )
    assert (
        found(
            review_plurality(plurality(QuestionIds="A", QuestionAgreementThreshold=65), halves, "H"),
            "H",
            "AgreedAnswerFound",
            "A",
        )
        == "true"
    )


def test_two_answers_that_are_equally_frequent_are_no_agreement_however_low_the_threshold():
    tied = [submission("T1", {"A": "x"}), submission("T2", {"A": "y"})]
    report = review_plurality(
        plurality(QuestionIds="A", QuestionAgreementThreshold=10, RejectIfWorkerAgreementScoreIsLessThan=100), tied, "H"
    )
    assert found(report, "H", "HitAgreementScore") == "0"
    assert found(report, "T1", "WorkerAgreementScore") is None
    assert wished(report) == []


def test_answers_match_whole_and_exactly_but_for_white_space_at_their_ends():
    same = [submission("T1", {"A": [" a", "b "]}), submission("T2", {"A": ["b", "a"]}), submission("T3", {"A": "a"})]
    report = review_plurality(plurality(QuestionIds="A"), same, "H")
    assert found(report, "H", "AgreedAnswer", "A") == "a|b"
    assert [found(report, one, "WorkerAgreementScore") for one in ("T1", "T2", "T3")] == ["100", "100", "0"]


def test_answers_of_more_than_256_characters_are_left_out():
    long = [submission("T1", {"A": "x" * 257}), submission("T2", {"A": "x" * 257}), submission("T3", {"A": "y"})]
    report = review_plurality(plurality(QuestionIds="A"), long, "H")
    assert (found(report, "H", "AgreedAnswer", "A"), found(report, "H", "AnswerAgreementScore", "A")) == ("y", "100")
    assert found(report, "T1", "WorkerAgreementScore") == "0"


def test_rejected_and_badly_scored_assignments_are_disregarded_where_that_is_asked_for():
    mixed = [
        submission("T1", {"A": "x"}, rejected=True),
        submission("T2", {"A": "x"}, known_score=40),
        submission("T3", {"A": "y"}, known_score=100),
        submission("T4", {"A": "y"}),
        submission("T5", {"A": "x"}),
    ]
    report = review_plurality(plurality(QuestionIds="A"), mixed, "H")
    assert found(report, "H", "AgreedAnswer", "A") == "x"
    strict = plurality(
        QuestionIds="A", DisregardAssignmentIfRejected="T", DisregardAssignmentIfKnownAnswerScoreIsLessThan=50
    )
    report = review_plurality(strict, mixed, "H")
    assert (found(report, "H", "AgreedAnswer", "A"), found(report, "H", "AnswerAgreementScore", "A")) == ("y", "66")
    assert found(report, "T1", "WorkerAgreementScore") is None


def test_known_answers_are_scored_per_question_and_in_all():
    done = submission("T1", {"colour": " red ", "shapes": ["flat"]})
    report = review_known(known(), done, "HIT")
    assert [(one.question, one.key, one.value) for one in report.results] == [
        ("colour", "KnownAnswerCorrect", "1"),
        ("shapes", "KnownAnswerCorrect", "0"),
        ("", "KnownAnswerScore", "50"),
    ]
    assert [one.text for one in report.wishes] == ["Reviewed 2 known answers; 1/2 correct"]


@pytest.mark.parametrize(
    ("answers", "score"),
    [
        ({"colour": "red", "shapes": ["flat", "round"]}, "100"),
        ({"colour": "Red", "shapes": ["flat", "round"]}, "50"),
        ({"colour": "red.", "shapes": ["flat", "round", "blue"]}, "0"),
        ({}, "0"),
    ],
)
def test_all_values_must_match_in_case_and_punctuation(answers, score):
    report = review_known(known(), submission("T1", answers), "HIT")
    assert found(report, "T1", "KnownAnswerScore") == score


@pytest.mark.parametrize(
    ("bounds", "expected"),
    [
        ({"ApproveIfKnownAnswerScoreIsAtLeast": 50}, [("approve", "T1")]),
        ({"ApproveIfKnownAnswerScoreIsAtLeast": 51}, []),
        ({"RejectIfKnownAnswerScoreIsLessThan": 51}, [("reject", "T1")]),
        ({"RejectIfKnownAnswerScoreIsLessThan": 50}, []),
        ({"ApproveIfKnownAnswerScoreIsAtLeast": 0, "RejectIfKnownAnswerScoreIsLessThan": 101}, [("approve", "T1")]),
        ({"ExtendIfKnownAnswerScoreIsLessThan": 51}, [("extend", "HIT")]),
        (
            {"ExtendIfKnownAnswerScoreIsLessThan": 101, "RejectIfKnownAnswerScoreIsLessThan": 101},
            [("reject", "T1"), ("extend", "HIT")],
        ),
    ],
)
def test_known_answers_approve_reject_and_extend_by_their_bounds(bounds, expected):
    done = submission("T1", {"colour": "red"})
    assert wished(review_known(known(**bounds), done, "HIT")) == expected


def test_known_answers_extend_to_five_assignments_unless_told_otherwise():
    assert known(ExtendIfKnownAnswerScoreIsLessThan=80).extension == Extension(80, 5, 0)


def test_the_consensus_policy_has_defaults_for_everything():
    assert read(Policy.CONSENSUS, Level.HIT, []) == Consensus((), 0.9, 0, 0)
    told = asks(QuestionIds="tone", MinimumConfidence=80, ExtendMaximumAssignments=7, ExtendMinimumTimeInSeconds=3600)
    assert read(Policy.CONSENSUS, Level.HIT, told) == Consensus(("tone",), 0.8, 7, 3600)


def test_question_ids_come_in_one_text_or_in_several():
    texts = Parameter("QuestionIds", ("A, B", "C", "A"))
    policy = read(Policy.PLURALITY, Level.HIT, [texts, *asks(QuestionAgreementThreshold=50)])
    assert policy == Plurality(
        ("A", "B", "C"), 50, no_rejected=False, known_at_least=None, decision=Decision(), extension=None
    )


@pytest.mark.parametrize(
    ("name", "level", "values", "column"),
    [
        ("Nothing/2011-09-01", Level.HIT, {}, "PolicyName"),
        (Policy.KNOWN, Level.HIT, {}, "PolicyName"),
        (Policy.PLURALITY, Level.ASSIGNMENT, {}, "PolicyName"),
        (Policy.KNOWN, Level.ASSIGNMENT, {}, "AnswerKey"),
        (Policy.PLURALITY, Level.HIT, {"QuestionAgreementThreshold": 50}, "QuestionIds"),
        (Policy.PLURALITY, Level.HIT, {"QuestionIds": "A"}, "QuestionAgreementThreshold"),
        (Policy.PLURALITY, Level.HIT, {"QuestionIds": ",".join(map(str, range(16)))}, "QuestionIds"),
        (Policy.PLURALITY, Level.HIT, {"QuestionIds": "A", "QuestionAgreementThreshold": "half"},
         "QuestionAgreementThreshold"),
        (Policy.PLURALITY, Level.HIT, {"QuestionIds": "A", "QuestionAgreementThreshold": "--5"},
         "QuestionAgreementThreshold"),
        (Policy.PLURALITY, Level.HIT,
         {"QuestionIds": "A", "QuestionAgreementThreshold": 50, "ExtendIfHITAgreementScoreIsLessThan": 50},
         "ExtendMaximumAssignments"),
        (Policy.PLURALITY, Level.HIT,
         {"QuestionIds": "A", "QuestionAgreementThreshold": 50, "ExtendIfHITAgreementScoreIsLessThan": 0},
         "ExtendIfHITAgreementScoreIsLessThan"),
        (Policy.CONSENSUS, Level.HIT, {"MinimumConfidence": 101}, "MinimumConfidence"),
        (Policy.CONSENSUS, Level.HIT, {"MinimumConfidense": 90}, "MinimumConfidense"),
        (Policy.CONSENSUS, Level.HIT, {"ExtendMinimumTimeInSeconds": 60}, "ExtendMinimumTimeInSeconds"),
    ],
)  # fmt: skip
def test_a_policy_that_cannot_be_names_what_is_wrong(name, level, values, column):
    with pytest.raises(Invalid) as refused:
        read(name, level, asks(**values))
    assert [problem.column for problem in refused.value.problems] == [column]


SUBMISSIONS = st.lists(
    st.dictionaries(st.sampled_from("ABCD"), st.lists(st.sampled_from(["x", "y", "z"]), max_size=2)), max_size=8
)


@given(SUBMISSIONS, st.integers(0, 100))
def test_scores_stay_within_their_bounds_whatever_was_answered(answers, threshold):
    counted = [submission(f"T{n}", one) for n, one in enumerate(answers)]
    report = review_plurality(plurality(QuestionAgreementThreshold=threshold), counted, "H")
    scores = [int(one.value) for one in report.results if one.key.endswith("Score")]
    assert all(0 <= one <= 100 for one in scores)
    agreed = [one for one in report.results if one.key == "AgreedAnswerFound" and one.value == "true"]
    assert found(report, "H", "HitAgreementScore") == str(25 * len(agreed))
    above = [int(one.value) for one in report.results if one.key == "AnswerAgreementScore"]
    assert all(one > threshold for one in above)


def test_a_parameter_survives_being_kept():
    for one in (KEY, *asks(QuestionIds="A,B")):
        again = Parameter.parse(one.dump())
        assert (again.key, again.values, dict(again.entries)) == (one.key, one.values, dict(one.entries))
