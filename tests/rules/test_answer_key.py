"""Scoring of qualification tests: points for exact sets of selections, mapped to a value as the key says."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.errors import Invalid
from broker.formats.answer_key import NAMESPACE, read_answer_key
from broker.rules.answer_key import AnswerKey, Percentage, Question, Ranges, Scale

AB, A, B, D = frozenset("AB"), frozenset("A"), frozenset("B"), frozenset("D")
QUESTIONS = """
  <Question><QuestionIdentifier>one</QuestionIdentifier>
    <AnswerOption><SelectionIdentifier>A</SelectionIdentifier><SelectionIdentifier>B</SelectionIdentifier>
      <AnswerScore>15</AnswerScore></AnswerOption>
    <AnswerOption><SelectionIdentifier>A</SelectionIdentifier><AnswerScore>10</AnswerScore></AnswerOption>
    <DefaultScore>-5</DefaultScore></Question>
  <Question><QuestionIdentifier>two</QuestionIdentifier>
    <AnswerOption><SelectionIdentifier>D</SelectionIdentifier><AnswerScore>10</AnswerScore></AnswerOption></Question>
"""
PARSED = (Question("one", ((AB, 15), (A, 10)), -5), Question("two", ((D, 10),)))


def key(mapping="", questions=QUESTIONS):
    inside = f"<QualificationValueMapping>{mapping}</QualificationValueMapping>" if mapping else ""
    return f'<?xml version="1.0"?><AnswerKey xmlns="{NAMESPACE}">{questions}{inside}</AnswerKey>'


RANGE = (
    "<RangeMapping><SummedScoreRange><InclusiveLowerBound>5</InclusiveLowerBound>"
    "<InclusiveUpperBound>7</InclusiveUpperBound><QualificationValue>5</QualificationValue></SummedScoreRange>"
    "<OutOfRangeQualificationValue>0</OutOfRangeQualificationValue></RangeMapping>"
)
MAPPINGS = {
    "": None,
    "<PercentageMapping><MaximumSummedScore>25</MaximumSummedScore></PercentageMapping>": Percentage(25),
    "<ScaleMapping><SummedScoreMultiplier>0.5</SummedScoreMultiplier></ScaleMapping>": Scale(Fraction(1, 2)),
    RANGE: Ranges(((5, 7, 5),), 0),
}


@pytest.mark.parametrize("mapping", MAPPINGS)
def test_a_key_is_read_with_its_mapping(mapping):
    assert read_answer_key("\n  " + key(mapping)) == AnswerKey(PARSED, MAPPINGS[mapping])


@pytest.mark.parametrize(
    ("answers", "points"),
    [
        ({"one": AB, "two": D}, 25),
        ({"one": A, "two": D}, 20),
        ({"one": frozenset("ABC"), "two": D}, 5),
        ({"one": B}, -5),
        ({}, -5),
        ({"three": D, "two": B, "one": AB}, 15),
    ],
)
def test_only_exactly_the_named_selections_earn_their_points(answers, points):
    assert AnswerKey(PARSED).score(answers) == points


@pytest.mark.parametrize(
    ("mapping", "score", "value"),
    [
        (Percentage(15), 10, 67),
        (Percentage(8), 1, 13),
        (Percentage(3), -1, -33),
        (Scale(Fraction(3)), 7, 21),
        (Scale(Fraction(1, 2)), 5, 3),
        (Ranges(((5, 7, 5), (8, 9, 8)), 1), 5, 5),
        (Ranges(((5, 7, 5), (8, 9, 8)), 1), 7, 5),
        (Ranges(((5, 7, 5), (8, 9, 8)), 1), 9, 8),
        (Ranges(((5, 7, 5), (8, 9, 8)), 1), 10, 1),
    ],
)
def test_the_sum_is_mapped_to_a_value(mapping, score, value):
    assert mapping.value(score) == value


@given(st.integers(1, 10_000), st.integers(0, 10_000))
def test_a_percentage_is_the_nearest_integer(most, score):
    assert abs(Percentage(most).value(score) - Fraction(100 * score, most)) <= Fraction(1, 2)


@pytest.mark.parametrize(
    ("xml", "words"),
    [
        ("nonsense", "error parsing the XML"),
        ("<AnswerKey/>", "there is no Question"),
        ("<QuestionForm/>", "the root is 'QuestionForm'"),
        (key("<Nothing/>"), "holds no PercentageMapping"),
        (key("<PercentageMapping/>"), "PercentageMapping has no MaximumSummedScore"),
        (key("<PercentageMapping><MaximumSummedScore>0</MaximumSummedScore></PercentageMapping>"), "not 1 or more"),
        (key(questions=QUESTIONS.replace(">15<", ">many<")), "AnswerScore 'many' is no number"),
        (key(questions=QUESTIONS.replace(">15<", ">99999999999<")), "is beyond"),
        (key("<ScaleMapping><SummedScoreMultiplier>1e9999999</SummedScoreMultiplier></ScaleMapping>"), "is no number"),
        (key().replace("?>", '?><!DOCTYPE a [<!ENTITY b "c">]>'), "error parsing the XML"),
        (key(questions=QUESTIONS + " " * 70_000), "longer than 65535 bytes"),
    ],
)
def test_a_key_that_cannot_be_read_says_what_is_wrong(xml, words):
    with pytest.raises(Invalid, match=words):
        read_answer_key(xml)


@given(st.text(max_size=300))
def test_any_text_is_a_key_or_is_refused(text):
    with pytest.raises(Invalid):
        read_answer_key(f"<AnswerKey>{text}")
