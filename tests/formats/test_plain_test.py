"""Tests in plain text: the XML that they make, scored as they say, and back again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.annotation import questionform
from broker.errors import Invalid
from broker.formats import plain_test
from broker.formats.answer_key import read_answer_key
from tests.formats.questionforms import FORM

TEXT = """Which of these is a corvid?
* Jay
- Wren
- Swift & <swallow>

Which of these fly?
* Jay
* Wren
- Emu

Why do you want to help?"""


def made(text=TEXT):
    questions = plain_test.read(text)
    return plain_test.form(questions), plain_test.key(questions)


def test_one_right_choice_is_chosen_by_a_button_several_by_boxes_and_none_is_a_text():
    form = questionform.read(made()[0])
    styles = [getattr(one.answer, "style", "text") for one in form.questions]
    assert styles == ["radiobutton", "checkbox", "text"]
    assert form.questions[0].content[0].text == "Which of these is a corvid?"
    assert form.questions[0].answer.choices[2].content.text == "Swift & <swallow>"


@pytest.mark.parametrize(
    ("answers", "percent"),
    [
        ({"q1": {"c1"}, "q2": {"c1", "c2"}}, 100),
        ({"q1": {"c1"}, "q2": {"c1"}}, 50),
        ({"q1": {"c2"}, "q2": {"c1", "c2", "c3"}}, 0),
    ],
)
def test_a_question_counts_when_all_of_it_is_right(answers, percent):
    key = read_answer_key(made()[1])
    assert key.score({name: frozenset(chosen) for name, chosen in answers.items()}) == percent


def test_a_test_of_texts_alone_has_no_key():
    assert made("Tell us about yourself.")[1] == ""


def test_a_test_is_shown_as_it_was_written():
    assert plain_test.write(*made()) == TEXT
    assert plain_test.write("", "") == ""


def test_a_test_that_no_text_makes_is_not_shown_as_one():
    assert plain_test.write(FORM, "") is None


@pytest.mark.parametrize(
    ("text", "words", "row"),
    [
        ("", "at least one question", None),
        ("* Jay\n- Wren", "no question above", 1),
        ("Which?\n\nThe other?\n- Jay\n- Wren", "mark the right", 3),
        ("Which?\n* Jay", "one choice is no choice", 1),
        ("Which?\n* Jay\n-", "a choice is empty", 1),
        ("Which?\n* Jay\n- Jay", "twice", 1),
    ],
)
def test_a_text_that_cannot_be_says_in_which_line(text, words, row):
    with pytest.raises(Invalid, match=words) as refused:
        plain_test.read(text)
    assert refused.value.problems[0].row == row


WORDS = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S"]), min_size=1, max_size=8)
CHOICES = st.lists(st.tuples(WORDS, st.booleans()), min_size=2, max_size=5, unique_by=lambda one: one[0])


@given(st.lists(st.tuples(WORDS, CHOICES), min_size=1, max_size=4))
def test_whatever_is_written_comes_back(questions):
    text = "\n\n".join(
        "\n".join(["Q " + words, "* right?", *(f"{'*' if right else '-'} x{name}" for name, right in choices)])
        for words, choices in questions
    )
    assert plain_test.write(*made(text)) == text
