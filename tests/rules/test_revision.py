"""What changed between two guides: every word that came or went, and nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.rules import revision
from broker.rules.revision import Part, Sort, changes

WORDS = st.sampled_from(
    ["Mark", "the", "whole", "car", "**wheels**", "猫が", "鳴く", "- ", "# ", "![a](picture:G1)", "!", "\n"]
)
GUIDES = st.lists(WORDS, max_size=30).map(" ".join)


def words(lines, *sorts):
    """All that stands in parts of these sorts, without spaces."""
    return "".join(part.picture or part.text for line in lines for part in line if part.sort in sorts).replace(" ", "")


def test_a_changed_line_shows_its_words():
    old, new = "# Cars\n\nMark the **whole** car.\n", "# Cars\n\nMark the whole car with its mirrors.\n"
    assert changes(old, new) == [
        (Part(Sort.SAME, "Mark the whole car"), Part(Sort.ADDED, " with its mirrors"), Part(Sort.SAME, ".")),
    ]


def test_lines_that_came_and_went_stand_in_the_order_of_the_new_guide():
    old, new = "First.\nSecond thing here.\nThird.", "Zeroth of all.\nFirst.\nThird."
    assert changes(old, new) == [(Part(Sort.ADDED, "Zeroth of all."),), (Part(Sort.REMOVED, "Second thing here."),)]


def test_a_line_that_became_another_is_not_mixed_with_it():
    found = changes("Draw boxes around dogs.", "冷蔵庫の写真を選ぶ")
    assert [part.sort for line in found for part in line] == [Sort.REMOVED, Sort.ADDED]


def test_a_script_without_spaces_is_compared_sign_by_sign():
    assert words(changes("猫の写真を選ぶ", "犬の写真を選ぶ"), Sort.ADDED) == "犬"


def test_a_picture_that_was_changed_is_shown():
    found = changes("See ![a car](picture:G1) here.", "See ![a car](picture:G2) here.")
    assert [(part.sort, part.picture) for part in found[0] if part.picture] == [("removed", "G1"), ("added", "G2")]
    assert revision.pictures("![a](picture:G1) ![b](https://example.org/x.png)") == ["G1"]


def test_marks_of_markdown_are_not_shown():
    assert words(changes("", "- see [the rules](https://example.org) and `code`"), Sort.ADDED) == "•seetherulesandcode"


def test_blank_lines_are_no_change():
    assert changes("One.\n\n\nTwo.", "One.\nTwo.\n") == []


@given(GUIDES)
def test_nothing_changed_between_a_guide_and_itself(text):
    assert changes(text, text) == []


@given(GUIDES, GUIDES)
def test_what_is_told_of_the_new_guide_stands_in_it_and_what_is_told_of_the_old_in_that(old, new):
    whole = [words(changes("", one), Sort.ADDED) for one in (old, new)]
    found = changes(old, new)
    for sort, text in ((Sort.REMOVED, whole[0]), (Sort.ADDED, whole[1])):
        for line in found:
            assert words([line], Sort.SAME, sort) in text
    if not found:
        assert whole[0] == whole[1]


@pytest.mark.parametrize("line", ["a", "same line again", "x " * 400])
def test_long_guides_are_compared_in_bounded_time(line):
    text = "\n".join([line] * 20_000)
    assert len(changes(text, text + "\nand one more")) > 0
